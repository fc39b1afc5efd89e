"""Sums that stay as their author wrote them: (y_i - y_j)² of a definition is a square in every line of its derivation.

The normal form multiplies everything out, and what was one square comes back as three terms.  Here the sums of the definitions
are put into a line as atoms (`Kept`): the algebra then moves them as a whole, and what it finds is one of the forms to choose from.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import preorder_traversal

from derive.calculus.terms import CACHE, ArgMax, Binder, Deriv, Element, Index, Kept, Label, close, factors, multiplied, terms, walk

Pattern = tuple[tuple[Any, str], ...]
"""The terms of a sum, whatever their indices: coefficients, and what stands behind them."""


@lru_cache(maxsize=CACHE)
def written_sums(definition: Any) -> frozenset[Pattern]:
    """The sums that stand anywhere in a definition."""
    return frozenset(_pattern(t) for t in preorder_traversal(definition) if t.is_Add)


@lru_cache(maxsize=CACHE)
def _pattern(term: Any) -> Pattern:
    parts = ((c, _blind(t)) for c, t in (t.as_coeff_Mul() for t in term.primitive()[1].args))
    return tuple(sorted(parts, key=lambda part: (part[1], part[0])))


def _opposite(pattern: Pattern) -> Pattern:
    return tuple(sorted(((-c, t) for c, t in pattern), key=lambda part: (part[1], part[0])))


@lru_cache(maxsize=CACHE)
def _blind(term: Any) -> str:
    """A text that terms share which are the same but for their indices."""
    if isinstance(term, Element):
        return term.name
    if isinstance(term, (Index, Label, ArgMax)):
        return "·"
    if not term.args:
        return str(term)
    parts = [_blind(a) for a in (term.args[:1] if isinstance(term, Binder) else term.args)]
    return f"{type(term).__name__}({','.join(sorted(parts) if term.is_Add or term.is_Mul else parts)})"


def kept(term: Any, written: frozenset[Pattern]) -> Any:
    """A term with the sums in it that were written so as atoms.  One that is divided by and has a fraction in it is none, since
    it has another form in lowest terms.
    """

    def keep(t: Any) -> Any:
        if t.is_Pow and isinstance(t.base, Kept) and t.exp.is_negative and _is_fraction(t.base.args[0]):
            return t.base.args[0] ** t.exp
        if not t.is_Add:
            return t
        pattern = _pattern(_plain(t))
        return Kept(t) if pattern in written or _opposite(pattern) in written else t

    return walk(term, keep) if written else term


def _is_fraction(term: Any) -> bool:
    return any(f.is_Pow and f.exp.is_negative for t in terms(term) for f in factors(t)) or term.primitive()[0].q != 1


def _plain(term: Any) -> Any:
    return walk(term, lambda t: t.args[0] if isinstance(t, Kept) else t) if term.has(Kept) else term


def released(term: Any, written: frozenset[Pattern]) -> Any:
    """A term with no sum kept in it any longer, each with the sign that its author gave it, and nothing multiplied out."""
    if not term.has(Kept):
        return term
    if isinstance(term, Kept):
        return released(term.args[0], written)
    if isinstance(term, Binder):
        indices, body = term.opened()
        return close(type(term), indices, released(body, written))
    if isinstance(term, Deriv):
        return Deriv(released(term.body, written), term.by)
    if not term.is_Mul:
        return term.func(*[_signed(a, written) if term.is_Add else released(a, written) for a in term.args])
    number, rest = _signed(term, written).as_coeff_Mul()
    if number.is_negative:
        for f in factors(rest):
            base, exponent = f.as_base_exp()
            if base.is_Add and exponent.is_Integer and exponent % 2 and any(t.as_coeff_Mul()[0].is_negative for t in base.args):
                return multiplied(-number, rest / f, (-base) ** exponent)
    return multiplied(number, *factors(rest))


def _signed(term: Any, written: frozenset[Pattern]) -> Any:
    """A product, released, whose sums have the signs that their author gave them."""
    number, rest = term.as_coeff_Mul()
    out = []
    for f in factors(rest):
        base, exponent = f.as_base_exp()
        new = released(base, written)
        if isinstance(base, Kept):
            pattern = _pattern(new)
            if exponent.is_Integer and pattern not in written and _opposite(pattern) in written:
                new, number = -new, number * (-1) ** exponent
        out.append(new**exponent if not exponent.has(Kept) else new ** released(exponent, written))
    return multiplied(number, *out)
