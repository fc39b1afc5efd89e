"""Numbers of 16 bits, which lie in arrays of whole numbers, and the float32 that is computed with.

What is rounded goes to the nearest, of two to the even one, as in IEEE 754; a NaN stays one, with its sign.  A bfloat16 is
the first half of a float32.  A float16 below its normal numbers is made of float32 numbers that are normal, so that a
processor that was told to take others for 0 gives the same.
"""

# mypy: ignore-errors

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy import uint16

from derive.kernels.cpu.device.intrinsics import device


def whole(number):
    """A constant of 32 bits."""
    return ir.Constant(ir.IntType(32), number)


def bits_of(builder, number):
    """The bits of a float32."""
    return builder.bitcast(number, ir.IntType(32))


def number_of(builder, bits):
    """The float32 of these bits."""
    return builder.bitcast(bits, ir.FloatType())


def rounded_off(builder, bits, last):
    """The bits without the last ones, rounded to the nearest, of two to the even one."""
    odd = builder.and_(builder.lshr(bits, whole(last)), whole(1))
    return builder.lshr(builder.add(bits, builder.add(odd, whole((1 << last - 1) - 1))), whole(last))


@intrinsic
def from_bfloat16(typing, x):
    """The number of these bits."""

    def generate(context, builder, signature, arguments):
        bits = builder.zext(arguments[0], ir.IntType(32))
        return number_of(builder, builder.shl(bits, whole(16)))

    return types.float32(types.uint16), generate


@intrinsic
def to_bfloat16(typing, x):
    """The bits of x, rounded."""

    def generate(context, builder, signature, arguments):
        (number,) = arguments
        bits = bits_of(builder, number)
        nan = builder.or_(builder.lshr(bits, whole(16)), whole(0x40))
        result = builder.select(builder.fcmp_unordered("uno", number, number), nan, rounded_off(builder, bits, 16))
        return builder.trunc(result, ir.IntType(16))

    return types.uint16(types.float32), generate


@intrinsic
def from_float16(typing, x):
    """The number of these bits."""

    def generate(context, builder, signature, arguments):
        bits = builder.zext(arguments[0], ir.IntType(32))
        sign = builder.shl(builder.and_(bits, whole(0x8000)), whole(16))
        size = builder.shl(builder.and_(bits, whole(0x7FFF)), whole(13))
        lowest = builder.add(size, whole(113 << 23))  # 2^-14 and what is above 0, in steps of 2^-24
        small = builder.fsub(number_of(builder, lowest), ir.Constant(ir.FloatType(), 2.0**-14))
        result = builder.add(size, whole(112 << 23))
        result = builder.select(builder.icmp_unsigned("<", size, whole(1 << 23)), bits_of(builder, small), result)
        infinite = builder.icmp_unsigned(">=", size, whole(31 << 23))
        result = builder.select(infinite, builder.or_(size, whole(255 << 23)), result)
        return number_of(builder, builder.or_(result, sign))

    return types.float32(types.uint16), generate


@intrinsic
def to_float16(typing, x):
    """The bits of x, rounded."""

    def generate(context, builder, signature, arguments):
        bits = bits_of(builder, arguments[0])
        sign = builder.and_(bits, whole(1 << 31))
        size = builder.xor(bits, sign)
        half = builder.fadd(number_of(builder, size), ir.Constant(ir.FloatType(), 0.5))  # the last bit of which is 2^-24
        small = builder.sub(bits_of(builder, half), whole(126 << 23))
        result = rounded_off(builder, builder.sub(size, whole(112 << 23)), 13)
        result = builder.select(builder.icmp_unsigned("<", size, whole(113 << 23)), small, result)
        result = builder.select(builder.icmp_unsigned(">=", size, whole(143 << 23)), whole(0x7C00), result)
        nan = builder.or_(builder.and_(builder.lshr(size, whole(13)), whole(0x3FF)), whole(0x7E00))
        result = builder.select(builder.icmp_unsigned(">", size, whole(255 << 23)), nan, result)
        return builder.trunc(builder.or_(result, builder.lshr(sign, whole(16))), ir.IntType(16))

    return types.uint16(types.float32), generate


@device
def halves(memory):
    """Memory of float32 for as many numbers of 16 bits."""
    return memory.view(uint16)[: memory.shape[0]]
