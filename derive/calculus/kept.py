"""Sums that stay as their author wrote them: (y_i - y_j)² of a definition is a square in every line of its derivation.

The normal form multiplies everything out, and what was one square comes back as three terms.  Here the sums of the definitions
are put into a line as atoms (`Kept`): the algebra then moves them as a whole, and what it finds is one of the forms to choose from.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, S, preorder_traversal

from derive.calculus.normal import pulled
from derive.calculus.terms import (
    CACHE,
    Binder,
    Deriv,
    Kept,
    Pattern,
    Sum,
    close,
    factors,
    multiplied,
    opposite,
    pattern_of,
    signature,
    terms,
    walk,
)


@lru_cache(maxsize=CACHE)
def written_sums(definition: Any) -> frozenset[Pattern]:
    """The sums that stand anywhere in a definition."""
    return frozenset(pattern_of(t) for t in preorder_traversal(definition) if t.is_Add)


def kept(term: Any, written: frozenset[Pattern]) -> Any:
    """A term with the sums in it that were written so as atoms.  One that is divided by and has a fraction in it is none, since
    it has another form in lowest terms.
    """

    def keep(t: Any) -> Any:
        if t.is_Pow and isinstance(t.base, Kept) and t.exp.is_negative and _is_fraction(t.base.args[0]):
            return t.base.args[0] ** t.exp
        if not t.is_Add:
            return t
        pattern = pattern_of(t)
        forward, backward = pattern in written, opposite(pattern) in written
        if not (forward or backward):
            return t
        if forward and backward:  # (x - m) in one place, (m - x) in another: one of the two for both
            forward = min(t.args, key=lambda u: signature(u.as_coeff_Mul()[1])).as_coeff_Mul()[0].is_positive
        return Kept(pulled(t)) if forward else -Kept(pulled(-t))

    return walk(term, keep) if written else term


def _is_fraction(term: Any) -> bool:
    return any(f.is_Pow and f.exp.is_negative for t in terms(term) for f in factors(t)) or term.primitive()[0].q != 1


def released(term: Any) -> Any:
    """A term with no sum kept in it any longer and nothing multiplied out; a minus is taken into a difference, where there is one."""
    return _positive(_opened(term)) if term.has(Kept) else term


def _opened(term: Any) -> Any:
    """The sums in place of the atoms."""
    if not term.has(Kept):
        return term
    if isinstance(term, Kept):
        return _opened(term.args[0])
    if isinstance(term, Binder):
        indices, body = term.opened()
        return close(type(term), indices, _opened(body))
    if isinstance(term, Deriv):
        return Deriv(_opened(term.body), term.by)
    if not term.is_Mul:
        return term.func(*map(_opened, term.args))
    number, rest = term.as_coeff_Mul()
    if rest.is_Add and any(isinstance(t.as_coeff_Mul()[1], Kept) for t in rest.args):
        return Add(*[_opened(number * t) for t in rest.args])  # 2 (a + b) + 2 c, where a + b is one
    return multiplied(*map(_opened, term.args))


def _positive(term: Any) -> Any:
    """-2 (a - b) as 2 (b - a); but -(1 - a) stays."""
    number, rest = term.as_coeff_Mul()
    if not number.is_negative:
        return term
    for f in factors(rest):
        base, exponent = f.as_base_exp()
        if type(f) is Sum:
            indices, body = f.opened()
            turned = _positive(multiplied(S.NegativeOne, *factors(body)))
            if not turned.as_coeff_Mul()[0].is_negative:
                return multiplied(-number, rest / f, close(Sum, indices, turned))
        elif exponent.is_Integer and exponent % 2 and _is_difference(base):
            return multiplied(-number, rest / f, (-base) ** exponent)
    return term


def _is_difference(term: Any) -> bool:
    """Whether a sum has terms that are subtracted, and no number that these are subtracted from."""
    signs = {t.is_number or t.as_coeff_Mul()[0].is_positive for t in terms(term)}
    return signs == {True, False} and not term.as_coeff_Add()[0].is_positive
