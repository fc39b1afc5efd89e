"""Kinks: what in a term decides where a max, an |·|, a root or a condition on numbers has no derivative."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sympy import Abs, Mul, S, sign

from derive.calculus.diagonal import off_diagonal
from derive.calculus.functions import Named
from derive.calculus.terms import CACHE, ArgMax, Binder, Element, Index, Largest, Maximum, Positive, Where, is_condition, opened


@dataclass(frozen=True)
class Kink:
    """What must not vanish for a term to be smooth, over the indices bound around it, where a condition holds.

    Of a `tie` it is a `Largest` or an `ArgMax`, and the gap is that between its two largest entries.  What stands under a root
    must not vanish even where it does so identically.
    """

    gap: Any
    indices: tuple[Index, ...] = ()
    condition: Any = S.One
    root: bool = False
    tie: bool = False


def has_kink(term: Any) -> bool:
    """Whether a term, with its functions written out, has a max, an |·| or a condition on numbers in it."""
    return any(not kink.root for kink in kinks(term))


@lru_cache(maxsize=CACHE)
def kinks(term: Any) -> tuple[Kink, ...]:
    """The kinks of a term, with its functions written out, and its roots."""
    if isinstance(term, (Index, Element)) or not term.args:
        return ()
    if isinstance(term, Named):
        return kinks(term.unfolded)
    found = [kink for part, condition in guarded(term) for kink in _under(kinks(part), condition)]
    if isinstance(term, Binder):
        inner, body = opened(term)
        found = [replace(kink, indices=(*inner, *kink.indices)) for kink in kinks(body)]
    if isinstance(term, Maximum):
        found.append(Kink(term.args[0] - term.args[1]))
    elif isinstance(term, (Abs, sign, Positive)):
        found.append(Kink(term.args[0]))
    elif isinstance(term, (Largest, ArgMax)):
        found.append(Kink(term, tie=True))
    elif term.is_Pow and term.exp.is_Rational and not term.exp.is_Integer:
        found.append(Kink(term.base, condition=off_diagonal(term.base), root=True))
    return tuple(kink for kink in dict.fromkeys(found) if not kink.gap.is_number)


def guarded(term: Any) -> list[tuple[Any, Any]]:
    """The parts of a term, each with the condition under which it counts."""
    if isinstance(term, Binder):
        return []
    if isinstance(term, Where):
        condition, yes, no = term.args
        return [(condition, S.One), (yes, condition), (no, 1 - condition)]
    if not term.is_Mul:
        return [(a, S.One) for a in term.args]
    conditions = [a for a in term.args if is_condition(a)]
    return [(a, Mul(*[c for c in conditions if c is not a])) for a in term.args]


def _under(found: tuple[Kink, ...], condition: Any) -> tuple[Kink, ...]:
    return found if condition is S.One else tuple(replace(kink, condition=condition * kink.condition) for kink in found)
