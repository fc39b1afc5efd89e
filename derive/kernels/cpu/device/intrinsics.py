"""What Python has no operator for, as single LLVM instructions; each works for float32 and float64 alike.

`sources` copies from this file into emitted modules, so every definition stands on numba, llvmlite and its neighbours alone.
No instruction here may assume that numbers are finite; only `accumulate` may be put in another order.
"""

# mypy: ignore-errors

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LINE = 64
"""How many bytes a line of the cache has."""

FETCHED = 1 << 14
"""At most so many bytes are asked for ahead."""

INNER = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""The options of what only compiled code calls."""

device = njit(forceinline=True, **INNER)


@njit(forceinline=True, fastmath={"reassoc", "nsz"}, **INNER)
def accumulate(total, x):
    """total + x for a loop that may add in any order, in vector lanes; the only sum that is not as written."""
    return total + x


# ----------------------------------------------------------------------------------------------------------- arithmetic


@intrinsic
def fma(typing, a, b, c):
    """a*b + c, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return a(a, a, a), generate


def hidden(builder, value):
    """A float that LLVM does not see to be a constant, behind an empty piece of assembly."""
    bits = ir.IntType({"float": 32, "double": 64}[str(value.type)])
    call = builder.asm(ir.FunctionType(bits, [bits]), "", "=r,0", [builder.bitcast(value, bits)], False)
    call.attributes.add("readnone")
    call.attributes.add("nounwind")
    return builder.bitcast(call, value.type)


@intrinsic
def kept(typing, constant):
    """A constant that is loaded once before a loop and then kept, in a register or on the stack.

    LLVM would fetch it again in every pass, by its address of 64 bits, where there are more constants than registers.  Functions
    that loops over large arrays call keep theirs, but 0, which costs nothing.
    """

    def generate(context, builder, signature, arguments):
        return hidden(builder, arguments[0])

    return constant(constant), generate


@intrinsic
def polynomial(typing, x, coefficients):
    """c[0] + c[1] x + c[2] x^2 + ...; the coefficients are rounded to the type of x, and kept.

    Neighbours are paired, c[0] + c[1] x, c[2] + c[3] x, ..., until few are left for Horner's rule, whose steps wait for one
    another (Estrin 1960).
    """

    def generate(context, builder, signature, arguments):
        x, coefficients = arguments
        kind, given = signature.args[0], signature.args[1].dtype
        values = [hidden(builder, context.cast(builder, c, given, kind)) for c in cgutils.unpack_tuple(builder, coefficients)]
        while len(values) > 4:
            rest = [values.pop()] if len(values) % 2 else []
            values = [builder.fma(b, x, a) for a, b in zip(values[::2], values[1::2], strict=True)] + rest
            x = builder.fmul(x, x)
        total = values.pop()
        while values:
            total = builder.fma(total, x, values.pop())
        return total

    return x(x, coefficients), generate


def instruction(name, flags=()):
    """The code of LLVM's instruction `name` of two floats."""

    def generate(context, builder, signature, arguments):
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
        return builder.call(function, arguments, fastmath=flags)

    return generate


@intrinsic
def maximum(typing, a, b):
    """The larger of a and b; NaN if either is, so that a loop of it needs no order."""
    return a(a, a), instruction("llvm.maximum")


@intrinsic
def accumulate_maximum(typing, largest, x):
    """The larger of what was largest and x, NaN if either is; 0 and -0 count alike, which saves half of the instructions."""
    return largest(largest, largest), instruction("llvm.maximum", ("nsz",))


@intrinsic
def copysign(typing, size, sign):
    """|size| with the sign of `sign`, also where that is -0."""
    return size(size, size), instruction("llvm.copysign")


@intrinsic
def select(typing, condition, a, b):
    """a if condition else b, both evaluated: no branch."""

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return a(types.boolean, a, a), generate


# ----------------------------------------------------------------------------------------------- exponents and fractions


@intrinsic
def power_of_two(typing, shifted):
    """2^n from shifted = n + 3/2 2^p + bias, for n from -bias, which gives 0, to bias.

    p is 23 and bias 127 in float32, 52 and 1023 in float64: the last bits of such a number are n + bias, 2^n's exponent.
    """

    def generate(context, builder, signature, arguments):
        bits, p = {types.float32: (32, 23), types.float64: (64, 52)}[signature.args[0]]
        whole = ir.IntType(bits)
        exponent = builder.shl(builder.bitcast(arguments[0], whole), ir.Constant(whole, p))
        return builder.bitcast(exponent, arguments[0].type)

    return shifted(shifted), generate


@intrinsic
def fraction_exponent(typing, x):
    """m and e, both floats, with x = m 2^e and sqrt(1/2) <= m < sqrt(2), for a normal positive x."""

    def generate(context, builder, signature, arguments):
        bits, p, bias, half, carrier = {
            types.float32: (32, 23, 127, 0x3F3504F3, 0x4B000000),
            types.float64: (64, 52, 1023, 0x3FE6A09E667F3BCD, 0x4330000000000000),
        }[signature.args[0]]  # half: the bits of sqrt(1/2); carrier: of 2^p, whose last bits are a number to be added to it
        whole, kind = ir.IntType(bits), arguments[0].type
        moved = builder.add(builder.bitcast(arguments[0], whole), ir.Constant(whole, (bias << p) - half))
        exponent = builder.or_(builder.lshr(moved, ir.Constant(whole, p)), ir.Constant(whole, carrier))
        e = builder.fsub(builder.bitcast(exponent, kind), ir.Constant(kind, float(2**p + bias)))
        m = builder.add(builder.and_(moved, ir.Constant(whole, (1 << p) - 1)), ir.Constant(whole, half))
        return context.make_tuple(builder, signature.return_type, [builder.bitcast(m, kind), e])

    return types.UniTuple(x, 2)(x), generate


# --------------------------------------------------------------------------------------------------------------- memory


@intrinsic
def address(typing, array):
    """Where an array's first element lies."""

    def generate(context, builder, signature, arguments):
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), generate


@intrinsic
def stream(typing, destination, source):
    """destination[:] = source, written past the cache on x86; a `fence` must follow before another thread reads.

    Both are contiguous vectors of one type; as many elements as the shorter has.
    """
    if not all(isinstance(a, types.Array) and a.ndim == 1 and a.layout == "C" and a.aligned for a in (destination, source)):
        raise TypingError("stream: both arrays must be contiguous and of one axis")
    if destination.dtype != source.dtype or destination.dtype not in (types.float32, types.float64, types.uint16):
        raise TypingError("stream: both arrays must be of float32, of float64, or of uint16")

    def generate(context, builder, signature, arguments):
        write, read = (make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1))
        kind, whole = context.get_data_type(destination.dtype), context.get_value_type(types.intp)
        size = destination.dtype.bitwidth // 8
        vector = ir.VectorType(kind, LINE // size)

        def number(n):
            return ir.Constant(whole, n)

        def smaller(a, b):
            return builder.select(builder.icmp_signed("<", a, b), a, b)

        def one_by_one(first, last):
            with cgutils.for_range_slice(builder, first, last, number(1)) as (i, _):
                value = builder.load(builder.gep(read.data, [i]))
                builder.store_atomic(value, builder.gep(write.data, [i]), "monotonic", size)  # LLVM leaves this loop short

        count = smaller(builder.extract_value(write.shape, 0), builder.extract_value(read.shape, 0))
        past_line = builder.and_(builder.sub(number(0), builder.ptrtoint(write.data, whole)), number(LINE - 1))
        start = smaller(builder.udiv(past_line, number(size)), count)
        lines = builder.udiv(builder.sub(count, start), number(vector.count))
        stop = builder.add(start, builder.mul(lines, number(vector.count)))

        one_by_one(number(0), start)
        with cgutils.for_range_slice(builder, start, stop, number(vector.count)) as (i, _):
            line = builder.load(builder.bitcast(builder.gep(read.data, [i]), vector.as_pointer()), align=size)
            place = builder.bitcast(builder.gep(write.data, [i]), vector.as_pointer())
            store = builder.store(line, place, align=LINE)
            if builder.module.triple.startswith(("x86_64", "i686")):
                store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        one_by_one(stop, count)
        return context.get_dummy_value()

    return types.void(destination, source), generate


@intrinsic
def fence(typing):
    """Let what was streamed be seen by other threads before what is written next; needed on x86 alone."""

    def generate(context, builder, signature, arguments):
        if builder.module.triple.startswith(("x86_64", "i686")):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, "llvm.x86.sse.sfence"), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def fetch(typing, array, row, end, part, parts):
    """Ask for one of so many parts of a row of a contiguous array to be brought into the cache, while something else is computed.

    From `end` on there are no rows of ours; then the last one is asked for.  Of a long row only FETCHED bytes are: the rest would
    push out what is being computed.
    """
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError("fetch: the array must be contiguous")

    def generate(context, builder, signature, arguments):
        given = make_array(array)(context, builder, arguments[0])
        whole, byte, number = context.get_value_type(types.intp), ir.IntType(8).as_pointer(), ir.IntType(32)
        _, row, end, part, parts = arguments
        one, most = ir.Constant(whole, 1), ir.Constant(whole, FETCHED)
        step = builder.extract_value(given.strides, 0)
        size = builder.select(builder.icmp_signed("<", step, most), step, most)
        size = builder.select(builder.icmp_signed(">", given.nitems, ir.Constant(whole, 0)), size, ir.Constant(whole, 0))
        first, last = (builder.sdiv(builder.mul(size, k), parts) for k in (part, builder.add(part, one)))
        row = builder.select(builder.icmp_signed("<", row, end), row, builder.sub(end, one))
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        data = builder.gep(builder.bitcast(given.data, byte), [builder.mul(row, step)])
        with cgutils.for_range_slice(builder, first, last, ir.Constant(whole, LINE)) as (i, _):
            builder.call(ask, [builder.gep(data, [i]), *(ir.Constant(number, n) for n in (0, 3, 1))])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, types.intp, types.intp), generate


@intrinsic
def spans(typing, arrays):
    """(address, bytes) of each of several arrays."""
    if not isinstance(arrays, types.BaseTuple) or not all(isinstance(a, types.Array) and a.layout == "C" for a in arrays):
        raise TypingError("spans: the arrays must be contiguous")
    pair = types.UniTuple(types.intp, 2)
    result = types.UniTuple(pair, len(arrays))

    def generate(context, builder, signature, arguments):
        whole, found = context.get_value_type(types.intp), []
        for k, kind in enumerate(arrays):
            given = make_array(kind)(context, builder, builder.extract_value(arguments[0], k))
            parts = builder.ptrtoint(given.data, whole), builder.mul(given.nitems, given.itemsize)
            found.append(context.make_tuple(builder, pair, parts))
        return context.make_tuple(builder, result, found)

    return result(arrays), generate
