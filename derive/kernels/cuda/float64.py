"""What is of float64 alone: constants, the normal law, and 2 numbers in one instruction; `device` is made of them."""

# mypy: ignore-errors

from __future__ import annotations

from numpy import float64

from derive.kernels.cuda.intrinsics import MLIR, cuda, device, load_tuple, store_tuple

ZERO = float64(0)
HALF = float64(0.5)
ONE = float64(1)
LARGE = float64(1e4)
BELL = float64(0.3989422804014327)


@device
def normal_cdf(x):
    return cuda.libdevice.normcdf(x)


@device
def load_wide(array, at, row, e):
    """Read 16 bytes of numbers in one instruction, to row[e] and on; the place is a multiple of 16 bytes."""
    if MLIR:
        found = cuda.vector.load(array, at, 2, 16)
        row[e], row[e + 1] = found.x, found.y
    else:
        row[e], row[e + 1] = load_tuple(array, at)


@device
def store_wide(array, at, row, e):
    """Write row[e] and on as 16 bytes of numbers in one instruction; the place is a multiple of 16 bytes."""
    if MLIR:
        cuda.vector.store(array, at, cuda.float64x2(row[e], row[e + 1]), 16)
    else:
        store_tuple(array, at, (row[e], row[e + 1]))
