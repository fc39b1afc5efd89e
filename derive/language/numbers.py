"""Literals: exact, with their digits as typed."""

from __future__ import annotations

import re
from fractions import Fraction

from derive.errors import said
from derive.graphs.tree import Number

MAX_DIGITS = 40
MAX_EXPONENT = 308
_OUT_OF_RANGE = "{number} is too large or too small: numbers go from 10^-{most} to 10^{most}."
LITERAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LITERAL = re.compile(r"-?" + LITERAL)


def read_number(text: str) -> Number:
    """The number that a text is.  Raises ValueError, with what is wrong, for anything else."""
    if not _LITERAL.fullmatch(text):
        raise ValueError(said("{word} is not a decimal number.", word=text[:MAX_DIGITS]))
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > MAX_DIGITS + 2:
        raise ValueError(said("The number is too long (at most {max_literal} digits).", max_literal=MAX_DIGITS))
    if len(exponent) > 5:
        raise ValueError(said(_OUT_OF_RANGE, number=text, most=MAX_EXPONENT))
    value = Fraction(text)
    return Number(in_range(value, text), text)


def in_range(value: Fraction, text: str) -> Fraction:
    """The number, if it is about as large and as small as a float may be.  Raises ValueError if not."""
    if value and not Fraction(1, 10**MAX_EXPONENT) <= abs(value) < 10 ** (MAX_EXPONENT + 1):
        raise ValueError(said(_OUT_OF_RANGE, number=text, most=MAX_EXPONENT))
    return value
