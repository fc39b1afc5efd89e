"""Whether a term is written with a minus sign, decided by what stands in it, never by the names in it."""

from __future__ import annotations

from typing import Any

from sympy import S

from derive.calculus.terms import Index, Largest, Where, close, free_indices


def is_negative(term: Any, even: bool = False) -> bool:
    """Whether a product has a negative number, or more terms of a sum are subtracted than added; `even` if they are as many.

    >>> from sympy.abc import x, y
    >>> is_negative(-x), is_negative(x - y), is_negative(x - y, even=True), is_negative(1 - x - y)
    (True, False, True, True)
    """
    if isinstance(term, Where) and term.args[2] is S.NegativeInfinity:
        return is_negative(term.args[1], even)
    if isinstance(term, Largest):
        return is_negative(term.body, even)
    if not term.is_Add:
        return bool(term.as_coeff_Mul()[0].is_negative)
    subtracted = sum(bool(t.as_coeff_Mul()[0].is_negative) for t in term.args)
    return 2 * subtracted > len(term.args) or (even and 2 * subtracted == len(term.args))


def negated(term: Any) -> Any:
    """Minus a term; of one that is left out under a condition, what is left out is +∞ then."""
    if isinstance(term, Where) and term.args[2] is S.NegativeInfinity:
        return Where(term.args[0], negated(term.args[1]), S.Infinity)
    return -term


def minimum_of(term: Any) -> Any:
    """What a maximum, or its place, is of: the same whatever its indices, and those around it, are called."""
    indices, body = term.opened()
    if isinstance(body, Largest):
        more, body = body.opened()
        indices = (*indices, *more)
    whole = close(Largest, indices, body)
    return whole.xreplace({i: Index("·", i.size) for i in free_indices(whole)})
