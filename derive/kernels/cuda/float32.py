"""What is of float32 alone: constants, the normal law, and 4 numbers in one instruction; `device` is made of them."""

# mypy: ignore-errors

from __future__ import annotations

from numpy import float32

from derive.kernels.cuda.intrinsics import MLIR, cuda, device, load_tuple, store_tuple

ZERO = float32(0)
HALF = float32(0.5)
ONE = float32(1)
LARGE = float32(1e4)
BELL = float32(0.3989422804014327)


@device
def normal_cdf(x):
    return cuda.libdevice.normcdff(x)


@device
def load_wide(array, at, row, e):
    """Read 16 bytes of numbers in one instruction, to row[e] and on; the place is a multiple of 16 bytes."""
    if MLIR:
        found = cuda.vector.load(array, at, 4, 16)
        row[e], row[e + 1], row[e + 2], row[e + 3] = found.x, found.y, found.z, found.w
    else:
        row[e], row[e + 1], row[e + 2], row[e + 3] = load_tuple(array, at)


@device
def store_wide(array, at, row, e):
    """Write row[e] and on as 16 bytes of numbers in one instruction; the place is a multiple of 16 bytes."""
    if MLIR:
        cuda.vector.store(array, at, cuda.float32x4(row[e], row[e + 1], row[e + 2], row[e + 3]), 16)
    else:
        store_tuple(array, at, (row[e], row[e + 1], row[e + 2], row[e + 3]))
