"""Elementary functions and instructions for CUDA, on those of NVIDIA's libdevice: the twins of what the CPU's files define.

`sources` copies from this file and the two below it into emitted modules, so every definition stands alone.
The errors of libdevice's functions are those of the CUDA Programming Guide: at most 2 units in the last place for these, 5 for
the distribution function of the normal law.
"""

# mypy: ignore-errors

from __future__ import annotations

import math

from derive.kernels.cuda.float32 import BELL, HALF, LARGE, ONE, ZERO, load_wide, store_wide
from derive.kernels.cuda.intrinsics import cuda, device

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
    return ONE / (ONE + math.exp(-x))


@device
def softplus(x):
    return maximum(x, ZERO) + math.log1p(math.exp(-abs(x)))


@device
def normal_pdf(x):
    """What squaring rounds off is put back: the exponent may be large."""
    square = x * x
    rounded = cuda.fma(x, x, -square)
    bell = BELL * math.exp(-HALF * square)
    return bell - HALF * rounded * bell if square < LARGE else bell


# --------------------------------------------------------------------------------------------------------------- memory


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
    for k in range(5):
        x = accumulate(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, 16 >> k))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate(x, room[warp])
    return x


@device
def row_largest(x, room, T):
    """What the T threads of a row have as their largest, for each of them; `room` is memory that they share."""
    for k in range(5):
        x = accumulate_maximum(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, 16 >> k))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate_maximum(x, room[warp])
    return x


@device
def row_product(x, room, T):
    """What the T threads of a row multiply to, for each of them; `room` is memory that they share."""
    for k in range(5):
        x = accumulate_product(x, cuda.shfl_xor_sync(0xFFFFFFFF, x, 16 >> k))
    if T > 32:
        in_room(x, room)
        x = room[0]
        for warp in range(1, T // 32):
            x = accumulate_product(x, room[warp])
    return x
