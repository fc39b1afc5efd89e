"""Literals: exact, with their digits as typed."""

from __future__ import annotations

import re
from fractions import Fraction

from derive.graphs.tree import Number

MAX_DIGITS = 40
MAX_EXPONENT = 308
_OUT_OF_RANGE = f"{{}} is too large or too small: numbers go from 10^-{MAX_EXPONENT} to 10^{MAX_EXPONENT}."
LITERAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LITERAL = re.compile(r"-?" + LITERAL)


def read_number(text: str) -> Number:
    """The number that a text is.  Raises ValueError, with what is wrong, for anything else."""
    if not _LITERAL.fullmatch(text):
        raise ValueError(f"{text[:MAX_DIGITS]} is not a decimal number.")
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > MAX_DIGITS + 2:
        raise ValueError(f"The number is too long (at most {MAX_DIGITS} digits).")
    if len(exponent) > 5:
        raise ValueError(_OUT_OF_RANGE.format(text))
    value = Fraction(text)
    return Number(in_range(value, text), text)


def in_range(value: Fraction, text: str) -> Fraction:
    """The number, if it is about as large and as small as a float may be.  Raises ValueError if not."""
    if value and not Fraction(1, 10**MAX_EXPONENT) <= abs(value) < 10 ** (MAX_EXPONENT + 1):
        raise ValueError(_OUT_OF_RANGE.format(text))
    return value
