"""Sums that stay as their author wrote them: (y_i - y_j)² of a definition is a square in every line of its derivation.

The normal form multiplies everything out, and what was one square comes back as three terms.  Here the sums of the definitions
are put into a line as atoms (`Kept`): the algebra moves them as a whole, and what it finds is one of two forms to choose from.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sympy import Add, Function, S, preorder_traversal

from derive.calculus.cost import cost
from derive.calculus.normal import pulled
from derive.calculus.shortest import has_fraction, shortest, summands
from derive.calculus.terms import (
    CACHE,
    ArgMax,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    EntryOf,
    Inside,
    Kept,
    Label,
    Maximum,
    Pattern,
    Sum,
    close,
    factors,
    multiplied,
    opened,
    opposite,
    pattern_of,
    signature,
    walk,
)

OF_INDICES = (Element, Delta, Differ, Below, AtMost, Inside, Label, ArgMax, EntryOf)
"""What has indices, whose sums are no brackets: x[i + 1]."""

SPARED = 3
"""By how much a form with the sums of its author may cost more than the one without, if it has no more terms."""

EXPANDED = 1.5
"""How many times as much it may cost where the other has powers that are not in it: x³ of (y - x²)²."""


@lru_cache(maxsize=CACHE)
def written_sums(definition: Any) -> frozenset[Pattern]:
    """The sums that stand anywhere in a definition."""
    return frozenset(pattern_of(t) for t in preorder_traversal(definition) if t.is_Add)


def written_in(definitions: Iterable[Any]) -> frozenset[Pattern]:
    """The sums that stand anywhere in several definitions."""
    return frozenset().union(*map(written_sums, definitions))


def kept(term: Any, written: frozenset[Pattern]) -> Any:
    """A term with the sums in it that were written so as atoms.  One that is divided by and has a fraction in it is none, since
    it has another form in lowest terms.
    """

    def keep(t: Any) -> Any:
        if t.is_Pow and isinstance(t.base, Kept) and t.exp.is_negative and has_fraction(t.base.args[0]):
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

    return walk(term, keep, OF_INDICES) if written else term


def released(term: Any) -> Any:
    """A term with no sum kept in it any longer, nothing multiplied out, and its minus taken into a difference."""
    return _positive(plainly(term)) if term.has(Kept) else term


def shortest_as_written(term: Any, written: frozenset[Pattern]) -> Any:
    """The shortest form of a term in which no sum that was written so is multiplied out, unless that is longer."""
    plain, line = shortest(term), kept(term, written)
    if line == term:
        return plain
    short = shortest(line)
    return released(short) if preferred(short, plain) else plain


def preferred(short: Any, plain: Any) -> bool:
    """Whether a form with sums that are kept is taken before the one in which they are multiplied out: if it costs little more
    and the other has as many terms, or powers that are not in this one.
    """
    if not _stays(short):
        return cost(short) < cost(plain)
    form = released(short)
    if len(form.atoms(Function, Maximum)) > len(plain.atoms(Function, Maximum)):
        return False  # a max that is decided where its sides are multiplied out
    if _highest(form) < _highest(plain):
        return cost(short) <= EXPANDED * cost(plain)
    return cost(short) <= cost(plain) + (SPARED if summands(form) <= summands(plain) else 0)


def _highest(term: Any) -> Any:
    """The highest whole power of an entry."""
    powers = (t for t in preorder_traversal(term) if t.is_Pow and t.exp.is_Integer)
    return max((t.exp for t in powers if isinstance(t.base, Element)), default=1)


def _stays(term: Any) -> bool:
    """Whether a sum that is kept stands in brackets."""
    if isinstance(term, Kept):
        return True
    if term.is_Add:
        return any(_stays(t) for t in term.args if not isinstance(t, Kept) and not isinstance(-t, Kept))
    return any(map(_stays, term.args))


def plainly(term: Any) -> Any:
    """The sums in place of the atoms that they were kept as."""
    if not term.has(Kept):
        return term
    if isinstance(term, Kept):
        return plainly(term.args[0])
    if isinstance(-term, Kept):
        return -plainly(-term)
    if isinstance(term, Binder):
        indices, body = opened(term)
        return close(type(term), indices, plainly(body))
    if isinstance(term, Deriv):
        return Deriv(plainly(term.body), term.by)
    if term.is_Add:
        return Add(*map(plainly, term.args))
    if not term.is_Mul:
        return term.func(*map(plainly, term.args))
    number, rest = term.as_coeff_Mul()
    if rest.is_Add and any(isinstance(t.as_coeff_Mul()[1], Kept) for t in rest.args):
        return Add(*[plainly(number * t) for t in rest.args])  # 2 (a + b) + 2 c, where a + b is one
    return multiplied(*map(plainly, term.args))


def _positive(term: Any) -> Any:
    """-2 (a - b) as 2 (b - a), and -(a (x - y) + b (x - z)) as a (y - x) + b (z - x); but -a (1 - b) stays."""
    number, rest = term.as_coeff_Mul()
    if not number.is_negative:
        return term
    if rest.is_Add and not _is_difference(rest):
        turned = [_positive(multiplied(S.NegativeOne, *factors(t))) for t in rest.args]
        return term if any(map(_has_minus, turned)) else multiplied(-number, Add(*turned))
    short = all(f.is_Add or isinstance(f, Bracket) for f in factors(rest))
    for f in sorted(factors(rest), key=lambda f: f.is_Add and f.as_coeff_Add()[0].is_positive is True):
        base, exponent = f.as_base_exp()
        if type(f) is Sum:
            indices, body = opened(f)
            turned = _positive(multiplied(S.NegativeOne, *factors(body)))
            if not _has_minus(turned):
                return multiplied(-number, rest / f, close(Sum, indices, turned))
        elif exponent.is_Integer and exponent % 2 and _is_difference(base) and (short or not base.as_coeff_Add()[0].is_positive):
            return multiplied(-number, rest / f, (-base) ** exponent)
    return term


def _has_minus(term: Any) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _is_difference(term: Any) -> bool:
    """Whether terms of a sum are subtracted from others."""
    return term.is_Add and {_has_minus(t) for t in term.args} == {True, False}
