"""Numbers on a page: exact ones as they are, others rounded, and the sign that says which."""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.graphs.tree import Number
from derive.notation.layout import ABOUT, EQUALS, Fence, Grid, Layout, Sign, joined, row
from derive.notation.pieces import PRODUCT_LEVEL, Piece, negated
from derive.notation.style import Style, decimal, power_of_ten
from derive.teaching.page import Page
from derive.values.real import Real

MOST = (60, 14)
"""A vector of more entries, or an axis of another array, is not shown whole."""

_DOTS = Sign(r"\ldots", "…")

MAX_EXACT = 9
"""An exact decimal of up to this many digits is printed in full."""


def digits_of(value: Any, style: Style, most: int = MAX_EXACT) -> tuple[str, int, bool]:
    """A value as (digits, power of ten, whether they are the value itself): `("-3.4", 0, True)`, `("1.200", -7, False)`.

    Every digit is the number's, correctly rounded, and there are as many as the style asks for; what lies halfway between two
    goes to the even one.  What cannot be told from 0 in the most digits that are computed is 0.  An exact decimal of up to `most`
    digits is given in full.
    """
    if isinstance(value, Rational):
        exact = decimal(Fraction(value))
        if exact is not None and len(exact.lstrip("-").replace(".", "").strip("0")) <= most and len(exact) <= most + 4:
            return exact, 0, True
    context = Context(prec=style.digits, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)
    digits = value.rounded(style.digits) if isinstance(value, Real) else _decimal(value, context)
    if digits == 0:
        return "0", 0, False
    power = digits.adjusted()
    if -4 <= power < 7:
        return f"{digits:f}", 0, False
    return f"{context.scaleb(digits, -power):f}", power, False


def _decimal(value: Any, context: Context) -> Decimal:
    """A fraction or a float, rounded, with all digits that the context has."""
    if isinstance(value, Rational):
        rounded = context.divide(Decimal(int(value.numerator)), Decimal(int(value.denominator)))
    else:
        rounded = context.create_decimal(Decimal(value))
    if not rounded or not rounded.is_finite():
        return rounded
    return context.quantize(rounded, Decimal(1).scaleb(rounded.adjusted() - context.prec + 1, context))


def number(value: Any, style: Style, most: int = MAX_EXACT) -> tuple[Piece, bool]:
    """A value as a piece, and whether it is exact; see `digits_of`.

    A literal keeps the digits that it was typed with, if these are a plain decimal; 2.500 is not 2.5 to who measured it.
    """
    if isinstance(value, Number):
        piece, exact = number(value.value, style, most)
        if not exact or not re.fullmatch(r"-?\d+(\.\d+)?", value.text):
            return piece, exact
        typed = Piece(style.number(value.text.lstrip("-")))
        return (negated(typed) if value.text.startswith("-") else typed), True
    digits, power, exact = digits_of(value, style, most)
    positive = Piece(style.number(digits.lstrip("-")))
    if power:
        positive = Piece(row(positive.layout, Sign(r" \times ", " × "), power_of_ten(power)), PRODUCT_LEVEL)
    return (negated(positive) if digits.startswith("-") else positive), exact


def array(values: Any, page: Page, most: int = MAX_EXACT) -> tuple[Layout, bool]:
    """An array as coordinates (a vector) or a grid (a matrix), and whether every number shown is exact.

    Of a long one the first and the last entries are shown, and how many there are is said.
    """
    entries = np.asarray(values, dtype=object)
    layout, exact = _part(entries[()], page.style, _shown(entries.shape), most)
    if all(-1 not in places for places in _shown(entries.shape)):
        return layout, exact
    many, count = page.say(N_("{count} entries")), page.style.number(str(entries.size))
    inside = count.latex if count.latex.isdigit() else rf"}}{count.latex}\text{{"  # a space between thousands is none of words
    return row(layout, Sign(rf"\quad\text{{({many.format(count=inside)})}}", f"  ({many.format(count=count.text)})")), exact


def _part(entries: Any, style: Style, shown: list[list[int]], most: int) -> tuple[Layout, bool]:
    """The entries at these places along each axis; -1 stands for those left out."""
    if not shown:
        piece, exact = number(entries, style, most)
        return piece.layout, exact
    parts = [_part(entries[k], style, shown[1:], most) if k >= 0 else (_DOTS, True) for k in shown[0]]
    exact = all(e for _, e in parts)
    if len(shown) == 2:
        rows = [[_part(entries[r][c], style, [], most)[0] if min(r, c) >= 0 else _DOTS for c in shown[1]] for r in shown[0]]
        return Grid(tuple(map(tuple, rows)), style.separator.text), exact
    left, right = ("(", ")") if len(shown) == 1 else ("[", "]")
    return Fence(joined([p for p, _ in parts], style.separator), left, right), exact


def _shown(shape: tuple[int, ...]) -> list[list[int]]:
    """For each axis, which of its places are shown."""
    most = MOST[len(shape) > 1]
    return [list(range(n)) if n <= most else [*range(most - 3), -1, n - 2, n - 1] for n in shape]


def relation(exact: bool) -> Sign:
    """= between equal things, ≈ before a rounded one."""
    return EQUALS if exact else ABOUT
