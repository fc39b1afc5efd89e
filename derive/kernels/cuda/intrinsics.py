"""What compiles for CUDA, and the instructions that it offers to kernels in a form of its own.

numba-cuda-mlir takes over from numba-cuda, which NVIDIA only maintains.  Kernels are the same text for both: nothing is made of
either's internals but the access of 16 bytes, which numba-cuda has no function for.
"""

# mypy: ignore-errors

from __future__ import annotations

try:  # NVIDIA's newer compiler, where it is installed
    from numba_cuda_mlir import carray, cuda, types
    from numba_cuda_mlir.extending import intrinsic
except ImportError:
    from numba import cuda, types
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.numpy_support import carray

MLIR = cuda.__name__.startswith("numba_cuda_mlir")

device = cuda.jit(device=True, forceinline=True)


@intrinsic
def load_tuple(typing, array, at):
    """16 bytes of numbers, which numba-cuda reads in one instruction."""
    together = types.UniTuple(array.dtype, 128 // array.dtype.bitwidth)

    def generate(context, builder, signature, arguments):
        place = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(place, context.get_value_type(together).as_pointer()), align=16)

    return together(array, types.int64), generate


@intrinsic
def store_tuple(typing, array, at, together):
    """Write 16 bytes of numbers, which numba-cuda does in one instruction."""

    def generate(context, builder, signature, arguments):
        place = builder.gep(arguments[0], [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, arguments[2].type.as_pointer()), align=16)
        return context.get_dummy_value()

    return types.void(array, types.int64, together), generate


@device
def atomic_add(array, at, x):
    """Add to an entry that other threads add to."""
    cuda.atomic.add(carray(array, (at + 1,)), at, x)
