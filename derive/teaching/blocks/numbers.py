"""Numbers on a page: exact ones as they are, others rounded, and the sign that says which."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from derive.notation.layout import ABOUT, EQUALS, Fence, Grid, Layout, Script, Sign, joined, row
from derive.notation.pieces import PRODUCT_LEVEL, Piece, negated
from derive.notation.style import Style, decimal
from derive.values.number_systems import CONTEXTS, DIGITS, real

MAX_EXACT = 9
"""An exact decimal of up to this many digits is printed in full."""


def digits_of(value: Any, style: Style) -> tuple[str, int, bool]:
    """A value as (digits, power of ten, whether they are the value itself): `("-3.4", 0, True)`, `("1.2", -7, False)`."""
    if isinstance(value, Rational):
        exact = decimal(Fraction(value))
        if exact is not None and len(exact.lstrip("-").replace(".", "").strip("0")) <= MAX_EXACT and len(exact) <= MAX_EXACT + 4:
            return exact, 0, True
    long = Decimal(CONTEXTS[DIGITS].nstr(real(value), 40))
    context = Context(prec=style.digits, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)
    rounded = context.create_decimal(long)
    if rounded == 0:
        return "0", 0, False
    power = rounded.adjusted()
    if -4 <= power < 7:
        return f"{rounded:f}", 0, False
    return f"{context.scaleb(rounded, -power):f}", power, False


def number(value: Any, style: Style) -> tuple[Piece, bool]:
    """A value as a piece, and whether it is exact."""
    digits, power, exact = digits_of(value, style)
    positive = Piece(style.number(digits.lstrip("-")))
    if power:
        ten = Script(Sign("10", "10"), None, Sign(str(power), str(power).replace("-", "−")))
        positive = Piece(row(positive.layout, Sign(r" \times ", " × "), ten), PRODUCT_LEVEL)
    return (negated(positive) if digits.startswith("-") else positive), exact


def array(values: Any, style: Style) -> tuple[Layout, bool]:
    """An array as coordinates (a vector) or a grid (a matrix), and whether every number is exact."""
    entries = np.asarray(values, dtype=object)
    if entries.ndim == 0:
        piece, exact = number(entries[()], style)
        return piece.layout, exact
    parts = [array(e, style) for e in entries]
    exact = all(e for _, e in parts)
    if entries.ndim == 1:
        return Fence(joined([p for p, _ in parts], style.separator)), exact
    if entries.ndim == 2:
        return Grid(tuple(tuple(number(e, style)[0].layout for e in line) for line in entries)), exact
    return Fence(joined([p for p, _ in parts], style.separator), "[", "]"), exact


def relation(exact: bool) -> Sign:
    """= between equal things, ≈ before a rounded one."""
    return EQUALS if exact else ABOUT
