"""Elementary functions and instructions for CUDA, on those of NVIDIA's libdevice: the twins of what the CPU's files define.

`sources` copies from this file into emitted modules, so every definition stands on numba, llvmlite and its neighbours alone.
The errors of libdevice's functions are those of the CUDA Programming Guide: at most 2 units in the last place for these, 5 for
the distribution function of the normal law.
"""

# mypy: ignore-errors

from __future__ import annotations

import math

from llvmlite import ir
from numba import cuda, types
from numba.cuda import cgutils
from numba.cuda.extending import intrinsic
from numba.cuda.np.arrayobj import make_array

device = cuda.jit(device=True, forceinline=True)

# ------------------------------------------------------------------------------------------------------------- choices


@device
def select(condition, a, b):
    """a where the condition holds, else b."""
    return a if condition else b


@device
def maximum(a, b):
    """The larger number; NaN where one is NaN."""
    return a if a > b or a != a else b


@device
def accumulate(total, x):
    """A sum with one more term."""
    return total + x


@device
def accumulate_maximum(largest, x):
    """The largest of what was seen and one more; NaN where one is NaN."""
    return largest if largest > x or largest != largest else x


@device
def accumulate_product(total, x):
    """A product with one more factor."""
    return total * x


# ------------------------------------------------------------------------------------------------------------- numbers


@intrinsic
def type_of(typing, x, number):
    """A number in the type of x."""

    def generate(context, builder, signature, arguments):
        return context.cast(builder, arguments[1], signature.args[1], signature.args[0])

    return x(x, number), generate


@intrinsic
def normcdf(typing, x):
    """The distribution function of the standard normal law, as libdevice has it."""
    name = "__nv_normcdff" if x == types.float32 else "__nv_normcdf"

    def generate(context, builder, signature, arguments):
        kind = arguments[0].type
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
        return builder.call(function, arguments)

    return x(x), generate


# ---------------------------------------------------------------------------------------------------------- exponentials


@device
def exp(x):
    return math.exp(x)


@device
def exp_nonpositive(x):
    return math.exp(x)


@device
def expm1(x):
    return math.expm1(x)


@device
def log(x):
    return math.log(x)


@device
def log1p(x):
    return math.log1p(x)


@device
def tanh(x):
    return math.tanh(x)


@device
def erf(x):
    return math.erf(x)


@device
def sigmoid(x):
    one = type_of(x, 1)
    return one / (one + math.exp(-x))


@device
def softplus(x):
    return maximum(x, type_of(x, 0)) + math.log1p(math.exp(-abs(x)))


@device
def normal_pdf(x):
    """What squaring rounds off is put back: the exponent may be large."""
    square = x * x
    rounded = cuda.fma(x, x, -square)
    bell = type_of(x, 0.3989422804014327) * math.exp(type_of(x, -0.5) * square)
    return bell - type_of(x, 0.5) * rounded * bell if square < type_of(x, 1e4) else bell


@device
def normal_cdf(x):
    return normcdf(x)


# --------------------------------------------------------------------------------------------------------------- memory


def vector_of(context, builder, signature, arguments):
    """(the type of 16 bytes of numbers, where they lie in memory, where each lies in the row)."""
    number = signature.args[0].dtype
    count = 128 // number.bitwidth
    vector = ir.VectorType(context.get_value_type(number), count)
    place = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), vector.as_pointer())
    row = make_array(signature.args[2])(context, builder, arguments[2]).data
    entries = [builder.gep(row, [builder.add(arguments[3], ir.Constant(ir.IntType(64), k))]) for k in range(count)]
    return vector, place, entries


@intrinsic
def load_wide(typing, array, at, row, e):
    """Read 16 bytes of numbers in one instruction, to row[e] and on; the place is a multiple of 16 bytes."""

    def generate(context, builder, signature, arguments):
        _, place, entries = vector_of(context, builder, signature, arguments)
        found = builder.load(place, align=16)
        for k, entry in enumerate(entries):
            builder.store(builder.extract_element(found, ir.Constant(ir.IntType(32), k)), entry)
        return context.get_dummy_value()

    return types.void(array, types.int64, row, types.int64), generate


@intrinsic
def store_wide(typing, array, at, row, e):
    """Write row[e] and on as 16 bytes of numbers in one instruction; the place is a multiple of 16 bytes."""

    def generate(context, builder, signature, arguments):
        vector, place, entries = vector_of(context, builder, signature, arguments)
        found = ir.Constant(vector, ir.Undefined)
        for k, entry in enumerate(entries):
            found = builder.insert_element(found, builder.load(entry), ir.Constant(ir.IntType(32), k))
        builder.store(found, place, align=16)
        return context.get_dummy_value()

    return types.void(array, types.int64, row, types.int64), generate


@device
def read(array, at, row, e, V):
    """The V numbers from a place on to row[e] and on."""
    if V == 1:
        row[e] = array[at]
    else:
        load_wide(array, at, row, e)


@device
def write(array, at, row, e, V):
    """The V numbers from row[e] on to a place and on."""
    if V == 1:
        array[at] = row[e]
    else:
        store_wide(array, at, row, e)


@intrinsic
def atomic_add(typing, array, at, x):
    """Add to an entry that other threads add to."""

    def generate(context, builder, signature, arguments):
        place, kind = builder.gep(arguments[0], [arguments[1]]), arguments[2].type
        name = f"llvm.nvvm.atomic.load.add.f{array.dtype.bitwidth}.p0f{array.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [place.type, kind]), name)
        builder.call(function, [place, arguments[2]])
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


# ------------------------------------------------------------------------------------------------- threads of one row


@device
def in_room(x, room):
    """What each warp has, put where all threads of a block see it."""
    cuda.syncthreads()
    if cuda.threadIdx.x % 32 == 0:
        room[cuda.threadIdx.x // 32] = x
    cuda.syncthreads()


@device
def row_sum(x, room, T):
    """What the T threads of a row add up to, for each of them; `room` is memory that they share."""
    for distance in (16, 8, 4, 2, 1):
        x = accumulate(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, distance))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate(x, room[warp])
    return x


@device
def row_largest(x, room, T):
    """What the T threads of a row have as their largest, for each of them; `room` is memory that they share."""
    for distance in (16, 8, 4, 2, 1):
        x = accumulate_maximum(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, distance))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate_maximum(x, room[warp])
    return x


@device
def row_product(x, room, T):
    """What the T threads of a row multiply to, for each of them; `room` is memory that they share."""
    for distance in (16, 8, 4, 2, 1):
        x = accumulate_product(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, distance))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate_product(x, room[warp])
    return x
