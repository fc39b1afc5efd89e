"""Kinks: where a max, an |·|, a root or a condition on numbers has no derivative."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Abs, Integer, Mul, S, sign

from derive.calculus.functions import Named
from derive.calculus.terms import CACHE, ArgMax, Binder, Bracket, Element, Index, Largest, Maximum, Positive, Where, opened
from derive.graphs.graph import Graph, Node
from derive.values.evaluator import Evaluator
from derive.values.number_systems import real

CLEARANCE = 1e-3
"""How far from a kink (of max, |·|, a comparison) a point must lie."""

ROUNDING = 1e-40
"""A kink nearer than this lies at the point."""


@dataclass(frozen=True)
class Kink:
    """What must not vanish for a term to be smooth, over the indices bound around it, where a condition holds.

    For a `Largest` or an `ArgMax`, it is the gap between its two largest entries.  What stands under a root must not vanish
    even where it does so identically.
    """

    gap: Any
    indices: tuple[Index, ...] = ()
    condition: Any = S.One
    root: bool = False


def at_kink(point: Evaluator, node: Node, clearance: float = CLEARANCE) -> bool:
    """Whether a kink of a node's definition lies at a point, or nearer to it than this; a root of 0 has no slope, either.

    Two sides that are one and the same term there, |x_i - x_j| at i = j, have no kink between them.
    """
    return any(
        _met_largest(point, node, kink, clearance) if isinstance(kink.gap, Binder) else _met(point, node, kink, clearance)
        for kink in kinks(node.expr)
    )


def _met(point: Evaluator, node: Node, kink: Kink, clearance: float) -> bool:
    indices = (*node.indices, *kink.indices)
    guarded = kink.gap if kink.condition is S.One else Where(kink.condition, kink.gap, S.One)
    near = np.argwhere(_double(np.abs(point.array(guarded, indices))) < clearance)
    return any(kink.root or _at(point, kink.gap, indices, place) != 0 for place in near)


def _met_largest(point: Evaluator, node: Node, kink: Kink, clearance: float) -> bool:
    inner, body = opened(kink.gap)
    outer = (*node.indices, *kink.indices)
    holds = np.asarray(point.array(kink.condition, outer), dtype=bool)
    entries = _double(point.array(Where(kink.condition, body, S.Zero), (*outer, *inner)))
    for place in np.argwhere(holds):
        here = entries[tuple(place)]
        near = np.argwhere(np.max(here) - here < clearance) if np.isfinite(np.max(here)) else ()
        if len({_at(point, body, (*outer, *inner), (*place, *more)) for more in near}) > 1:
            return True
    return False


def _double(array: Any) -> Any:
    """An array in float64; what is larger than that holds is infinite."""
    return np.vectorize(lambda v: float(real(v)), otypes=[float])(array)


def _at(point: Evaluator, term: Any, indices: tuple[Index, ...], place: Any) -> Any:
    """A term with numbers for its indices and sizes."""
    numbers = {s: Integer(int(n)) for s, n in point.sizes.items()}
    return term.xreplace({i: Integer(int(k)) for i, k in zip(indices, place, strict=True)}).xreplace(numbers)


def kinks_met(graph: Graph, point: Evaluator) -> tuple[str, ...]:
    """The nodes that have a kink right at a point; the derivative is what PyTorch takes there."""
    return tuple(node.name for node in graph.nodes if at_kink(point, node, ROUNDING))


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
    found = [kink for part, condition in _guarded(term) for kink in _under(kinks(part), condition)]
    if isinstance(term, Binder):
        inner, body = opened(term)
        found = [replace(kink, indices=(*inner, *kink.indices)) for kink in kinks(body)]
    if isinstance(term, Maximum):
        found.append(Kink(term.args[0] - term.args[1]))
    elif isinstance(term, (Abs, sign, Positive)):
        found.append(Kink(term.args[0]))
    elif isinstance(term, (Largest, ArgMax)):
        found.append(Kink(term))
    elif term.is_Pow and term.exp.is_Rational and not term.exp.is_Integer:
        found.append(Kink(term.base, root=True))
    return tuple(kink for kink in dict.fromkeys(found) if not kink.gap.is_number)


def _guarded(term: Any) -> list[tuple[Any, Any]]:
    """The parts of a term, each with the condition under which it counts."""
    if isinstance(term, Binder):
        return []
    if isinstance(term, Where):
        condition, yes, no = term.args
        return [(condition, S.One), (yes, condition), (no, 1 - condition)]
    if not term.is_Mul:
        return [(a, S.One) for a in term.args]
    conditions = [a for a in term.args if isinstance(a, Bracket) or isinstance(1 - a, Bracket)]
    return [(a, Mul(*[c for c in conditions if c is not a])) for a in term.args]


def _under(found: tuple[Kink, ...], condition: Any) -> tuple[Kink, ...]:
    return found if condition is S.One else tuple(replace(kink, condition=condition * kink.condition) for kink in found)
