"""Slips in differentiation: wrong rewrites of a derivative, each a row that stands before the table of rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Function, Mul, Pow, S

from derive.calculus.rules import differentiated, slope, varies
from derive.calculus.terms import (
    Binder,
    Bracket,
    Delta,
    Deriv,
    Element,
    Index,
    Largest,
    Maximum,
    Positive,
    Sum,
    Where,
    close,
    factors,
    fraction,
    free_indices,
    opened,
)

Slip = Callable[[Any, Element], Any]
"""A wrong rewrite of a derivative, None where the mistake cannot be made; see `calculus.rules`."""


def _called(e: Any) -> bool:
    """Whether a term is a function of numbers, such as exp or σ."""
    return isinstance(e, Function) and not isinstance(e, (Bracket, Maximum, Where))


def _unit(e: Any, x: Element) -> Any:
    """The derivative of a term as if it were the entry that it mentions; None where it mentions several, or sums them."""
    entries = {t.indices for t in e.atoms(Element) if t.name == x.name}
    free = free_indices(e)
    if len(entries) != 1 or not all(not isinstance(i, Index) or i in free for i in next(iter(entries))):
        return None
    return Mul(*[Delta(a, b) for a, b in zip(entries.pop(), x.indices, strict=True)])


def outside_alone(e: Any, x: Element) -> Any:
    moving = [k for k, a in enumerate(e.args) if varies(a, x)] if _called(e) else []
    if len(moving) == 1 and not isinstance(e.args[moving[0]], Element):
        unit = _unit(e.args[moving[0]], x)
        return None if unit is None else slope(e, moving[0]) * unit
    if e.is_Pow and not varies(e.exp, x) and not isinstance(e.base, Element):
        unit = _unit(e.base, x)
        return None if unit is None else e.exp * Pow(e.base, e.exp - 1) * unit
    return None


def inside_alone(e: Any, x: Element) -> Any:
    moving = [a for a in e.args if varies(a, x)] if _called(e) else []
    return Deriv(moving[0], x) if len(moving) == 1 else None


def sign_lost(e: Any, x: Element) -> Any:
    number, rest = e.as_coeff_Mul()
    return -number * Deriv(rest, x) if number.is_negative and varies(rest, x) else None


def _parts(e: Any, x: Element) -> tuple[Any, Any, list[Any]]:
    """The number, the other constant factors and the varying ones of a product."""
    varying = [f for f in factors(e) if varies(f, x)]
    constant = [f for f in factors(e) if not varies(f, x)]
    return Mul(*[f for f in constant if f.is_number]), Mul(*[f for f in constant if not f.is_number]), varying


def slopes_multiplied(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    return number * constant * Mul(*[Deriv(f, x) for f in varying]) if len(varying) > 1 else None


def factor_itself(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    if len(varying) != 1 or not isinstance(varying[0], Element) or not constant.atoms(Element):
        return None
    unit = _unit(varying[0], x)
    return None if unit is None else number * varying[0] * unit


def factor_lost(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    return number * Deriv(Mul(*varying), x) if varying and constant.atoms(Element) and not _is_condition(constant) else None


def _is_size(term: Any) -> bool:
    return bool(
        term.is_Pow and term.exp == -1 and term.base.is_integer and not term.base.is_number and not term.base.atoms(Element)
    )


def _is_condition(term: Any) -> bool:
    return any(isinstance(f, Bracket) for f in factors(term))


def exponent_kept(e: Any, x: Element) -> Any:
    return e.exp * e * Deriv(e.base, x) if e.is_Pow and e.exp.is_Integer and e.exp > 1 else None


def exponent_lost(e: Any, x: Element) -> Any:
    return Pow(e.base, e.exp - 1) * Deriv(e.base, x) if e.is_Pow and e.exp.is_Integer and e.exp > 1 else None


def gate_open(e: Any, x: Element) -> Any:
    if isinstance(e, Largest) and not e.atoms(Where, Bracket):
        indices, body = opened(e)
        return close(Sum, indices, Deriv(body, x))
    return sum((Deriv(a, x) for a in e.args if varies(a, x)), S.Zero) if isinstance(e, Maximum) else None


def gate_turned(e: Any, x: Element) -> Any:
    if not isinstance(e, Maximum):
        return None
    a, b = e.args
    second = Positive(b - a)
    return sum((which * Deriv(c, x) for which, c in ((second, a), (1 - second, b)) if varies(c, x)), S.Zero)


def quotient_added(e: Any, x: Element) -> Any:
    top, bottom = fraction(e)
    if not varies(bottom, x) or not varies(top, x):
        return None
    return (Deriv(top, x) * bottom + top * Deriv(bottom, x)) / bottom**2


def diagonal(e: Any, x: Element) -> Any:
    """A Jacobian of which only the entries with equal indices are seen: what a sum holds as well is forgotten."""
    if not any(varies(b, x) for b in e.atoms(Binder)):
        return None
    own = {indices for indices in _read_outside(e, x.name) if indices}
    if len(own) != 1:
        return None
    return Mul(*[Delta(a, b) for a, b in zip(own.pop(), x.indices, strict=True)]) * differentiated(e, x)


def _read_outside(e: Any, name: str) -> set[tuple[Any, ...]]:
    """The entries of a tensor that a term reads outside of every sum."""
    if isinstance(e, Element):
        return {e.indices} if e.name == name else set()
    return set() if isinstance(e, Binder) else {found for a in e.args for found in _read_outside(a, name)}


def first_term(e: Any, x: Element) -> Any:
    """A sum through which a number acts in every term, of which the first alone is taken."""
    if type(e) is not Sum or x.indices:
        return None
    indices, body = opened(e)
    return Deriv(body.xreplace(dict.fromkeys(indices, S.Zero)), x) if body.atoms(Index) & set(indices) else None


def _kept(e: Any, x: Element, parts: Sequence[Any], place: int) -> list[Any]:
    """Of the parts of a term that vary, the one in this place, if there are several."""
    varying = [part for part in parts if varies(part, x)]
    return [varying[place]] if len(varying) > 1 else []


def one_factor(place: int) -> Slip:
    def slip(e: Any, x: Element) -> Any:
        for f in _kept(e, x, e.args, place) if e.is_Mul else ():
            return e / f * Deriv(f, x)
        return None

    return slip


def one_way(place: int) -> Slip:
    def slip(e: Any, x: Element) -> Any:
        return sum((Deriv(t, x) for t in _kept(e, x, e.args, place)), S.Zero) or None if e.is_Add else None

    return slip


def mean_as_sum(e: Any, x: Element) -> Any:
    """1/N taken for 1."""
    sizes = [f for f in factors(e) if _is_size(f)]
    return Deriv(e / Mul(*sizes), x) if sizes and varies(e, x) else None
