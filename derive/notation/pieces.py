"""Layouts with the strength of what holds them together, so that brackets appear exactly where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from derive.notation.layout import (
    MINUS,
    NEGATIVE,
    PLUS,
    PRODUCT,
    TIMES,
    Fence,
    Frac,
    Layout,
    Row,
    Script,
    Sign,
    joined,
    row,
    text,
)

TRANSPOSE = Sign(r"\top", "ᵀ")
INVERSE = Row((NEGATIVE, Sign("1", "1")))
INVERSE_TRANSPOSE = Row((NEGATIVE, TRANSPOSE))
COLON = Sign(":", ":")
"""In the place of an index: the whole axis."""

RELATION, SUM, PRODUCT_LEVEL, PREFIX, POWER, ATOM = range(6)
"""How tightly a piece holds together, loosest first.  A prefix (Σ, log, -) reaches to its right as far as a product."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A layout, how tightly it holds together, and whether it starts with a minus sign."""

    layout: Layout
    level: int = ATOM
    negative: bool = False


def fenced(piece: Piece, least: int) -> Layout:
    """The layout, in brackets if it holds together less tightly than `least` or would put two signs side by side."""
    return Fence(piece.layout) if piece.level < least or (piece.negative and least > SUM) else piece.layout


def added(pieces: list[Piece]) -> Piece:
    """A sum; a negative piece is subtracted.  `negative` pieces carry their magnitude in `layout`."""
    if len(pieces) == 1 and not pieces[0].negative:
        return pieces[0]
    out: list[Layout] = []
    for k, piece in enumerate(pieces):
        body = fenced(Piece(piece.layout, piece.level), PRODUCT_LEVEL if piece.negative else SUM)
        out.append((NEGATIVE if piece.negative else Sign("", "")) if k == 0 else (MINUS if piece.negative else PLUS))
        out.append(body)
    return Piece(row(*out), SUM)


def negated(piece: Piece) -> Piece:
    """Minus a piece."""
    return Piece(row(NEGATIVE, fenced(piece, PRODUCT_LEVEL)), SUM)


def multiplied(pieces: list[Piece], sign: Sign = PRODUCT) -> Piece:
    """A product.  A prefix operator may only stand last without brackets; numbers side by side get a dot."""
    if len(pieces) == 1:
        return pieces[0]
    out = []
    for k, piece in enumerate(pieces):
        out.append(fenced(piece, PRODUCT_LEVEL if k == len(pieces) - 1 else POWER))
    parts: list[Layout] = [out[0]]
    for left, right in pairwise(out):
        dot = sign is PRODUCT and (starts_with_digit(right) or _two_numbers(left, right))
        parts += [Sign(r" \cdot ", " · ") if dot else _gap(left, right) if sign is PRODUCT else sign, right]
    prefixed = pieces[-1].level == PREFIX
    return Piece(row(*parts), PREFIX if prefixed else PRODUCT_LEVEL)


def _two_numbers(left: Layout, right: Layout) -> bool:
    """2 (-1) is written 2 · (-1)."""
    return isinstance(right, Fence) and text(left)[-1:].isdigit() and isinstance(left, Sign) and text(right.body)[1:2].isdigit()


def _gap(left: Layout, right: Layout) -> Sign:
    """Nothing before a bracket, a thin space elsewhere."""
    return Sign("", " ") if isinstance(right, Fence) and not isinstance(left, Frac) else PRODUCT


def starts_with_digit(layout: Layout) -> bool:
    """Whether a layout begins with a digit (so that a factor before it needs a dot)."""
    match layout:
        case Row(items):
            return starts_with_digit(items[0])
        case Script(base):
            return starts_with_digit(base)
        case Sign():
            return text(layout)[:1] in {*"0123456789𝟙"}  # 𝟏ᵀ x needs no dot
    return False


def elementwise(sign: Sign, left: Piece, right: Piece) -> Piece:
    """A product or a quotient of tensors, entry by entry."""
    return Piece(row(fenced(left, PRODUCT_LEVEL), sign, fenced(right, POWER)), PRODUCT_LEVEL)


def divided(top: Piece, bottom: Piece) -> Piece:
    """A fraction; its bar does the work of brackets."""
    return Piece(Frac(top.layout, bottom.layout), POWER)


def powered(base: Piece, exponent: Piece) -> Piece:
    """A power; an index stays under it, and what has a superscript already goes in brackets."""
    if isinstance(base.layout, Script):
        if base.layout.sup is not None:
            return Piece(Script(Fence(base.layout), None, exponent.layout), POWER)
        return Piece(Script(base.layout.base, base.layout.sub, exponent.layout), POWER)
    return Piece(Script(fenced(base, ATOM), None, exponent.layout), POWER)


def transposed(body: Piece) -> Piece:
    """xᵀ, W⁽¹⁾ᵀ, f(x)ᵀ: the sign stands behind the arguments of a function, and behind a superscript that a name has."""
    match body.layout:
        case Script(base, sub, sup) if sup == INVERSE:
            return Piece(Script(base, sub, INVERSE_TRANSPOSE), POWER)
        case Row((*function, Fence() as argument)) if body.level == ATOM:
            return Piece(row(*function, Script(argument, None, TRANSPOSE)), POWER)
        case Script(base, sub, sup) if body.level == ATOM:
            return Piece(Script(base, sub, TRANSPOSE if sup is None else row(sup, TRANSPOSE)), POWER)
    return Piece(Script(fenced(body, ATOM), None, TRANSPOSE), POWER)


def inverted(body: Piece) -> Piece:
    """A⁻¹, and A⁻ᵀ of Aᵀ."""
    match body.layout:
        case Script(base, sub, sup) if sup == TRANSPOSE:
            return Piece(Script(base, sub, INVERSE_TRANSPOSE), POWER)
    return powered(body, Piece(INVERSE))


def barred(body: Layout, bar: str) -> Piece:
    """|x|, ‖x‖: what has bars of its own and does not come first in a product inside gets a dot, so that its bar opens."""
    return Piece(Fence(_dotted(body, bar), bar, bar))


def _dotted(body: Layout, bar: str) -> Layout:
    if isinstance(body, Frac):
        return Frac(_dotted(body.top, bar), _dotted(body.bottom, bar))
    if not isinstance(body, Row):
        return body
    items = [_dotted(item, bar) for item in body.items]
    for k, item in enumerate(items[1:], 1):
        opening = item.base if isinstance(item, Script) else item
        if isinstance(opening, Fence) and opening.left == bar and not text(items[k - 1]).strip():
            items[k - 1] = TIMES
    return Row(tuple(items))


def called(function: Layout, args: list[Layout], separator: Sign) -> Piece:
    """A function applied to arguments in brackets, `separator` between them: a semicolon where the comma is the decimal sign."""
    return Piece(row(function, Fence(joined(args, separator))), ATOM)


def subscripted(base: Layout, indices: list[Layout]) -> Layout:
    """A base with indices; they stand close if each is a letter.  A base with a subscript goes in brackets."""
    if not indices:
        return base
    close = all(len(text(i)) == 1 for i in indices)
    under = row(*indices) if close else joined(indices, Sign(", ", ","))
    if isinstance(base, Script):
        return Script(base.base, under, base.sup) if base.sub is None else Script(Fence(base), under)
    return Script(base, under)
