"""Points at a kink, where a max, an |·|, a root or a condition on numbers has no derivative."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from itertools import takewhile
from typing import Any

import numpy as np
from flint import fmpq
from sympy import Integer, S

from derive.calculus.kinks import Kink, kinks
from derive.calculus.terms import Index, Where, opened
from derive.graphs.graph import Graph, Node
from derive.values.balls import apart
from derive.values.evaluator import Evaluator, value_of
from derive.values.precision import DomainError
from derive.values.real import real

CLEARANCE = 1e-3
"""How far from a kink (of max, |·|, a comparison) a point must lie."""

ROUNDING = 1e-40
"""A kink nearer than this lies at the point."""


STEP = fmpq(1, 1 << 44)
"""At a point nearby each entry is moved by this, and up to a thousand times as much: so it is seen what moves."""

Nearby = Callable[[], tuple[Evaluator, ...]]
Places = list[tuple[int, ...]]


def at_kink(
    point: Evaluator, node: Node, clearance: float = CLEARANCE, still: bool = True, moved: str = "", roots: bool = True
) -> bool:
    """Whether a kink of a node's definition lies at a point, or nearer to it than this; a root of 0 has no slope, either, which
    counts as one if `roots` do.

    Two sides that are the same all around the point have no kink between them: |x_i - x_j| at i = j, the largest entry of
    x - max(x), what a mask sets to 0.  Unless `still` is set, only those that are one and the same term count as that.  All
    around is as any tensor moves; where one is `moved`, as this one does or all inputs do.
    """
    nearby = cache(lambda: _nearby(point, node, moved) if still else ())
    return any(
        (_met_largest if kink.tie else _met)(point, node, kink, clearance, nearby)
        for kink in kinks(node.expr)
        if roots or not kink.root
    )


def _met(point: Evaluator, node: Node, kink: Kink, clearance: float, nearby: Nearby) -> bool:
    indices = (*node.indices, *kink.indices)
    guarded = kink.gap if kink.condition is S.One else Where(kink.condition, kink.gap, S.One)
    gaps = point.array(guarded, indices)
    near = [tuple(place) for place in np.argwhere(_double(np.abs(gaps)) < clearance)]
    if kink.root or not near:
        return bool(near)
    if any(apart(gaps[place], 0) for place in near):
        return True
    near = [place for place in near if _at(point, kink.gap, indices, place) != 0]
    return bool(near) and not _still(nearby, partial(_vanishes_at, guarded, indices, near))


def _vanishes_at(term: Any, indices: tuple[Index, ...], places: Places, point: Evaluator) -> bool:
    values = point.array(term, indices)
    return not any(apart(values[place], 0) for place in places)


def _met_largest(point: Evaluator, node: Node, kink: Kink, clearance: float, nearby: Nearby) -> bool:
    inner, body = opened(kink.gap)
    outer = (*node.indices, *kink.indices)
    holds = np.asarray(point.array(kink.condition, outer), dtype=bool)
    guarded, indices = Where(kink.condition, body, S.Zero), (*outer, *inner)
    entries = point.array(guarded, indices)
    for place in map(tuple, np.argwhere(holds)):
        here = _double(entries[place])
        near = [(*place, *more) for more in np.argwhere(np.max(here) - here < clearance)] if np.isfinite(np.max(here)) else []
        if len({_at(point, body, indices, one) for one in near}) < 2:
            continue
        if not (_alike(entries, near) and _still(nearby, partial(_alike_at, guarded, indices, near))):
            return True
    return False


def _alike_at(term: Any, indices: tuple[Index, ...], places: Places, point: Evaluator) -> bool:
    return _alike(point.array(term, indices), places)


def _alike(entries: Any, places: Places) -> bool:
    return not any(apart(entries[place], entries[places[0]]) for place in places)


def _still(nearby: Nearby, same: Callable[[Evaluator], bool]) -> bool:
    """Whether something is the same at all points nearby; it is not where there are none."""
    try:
        return bool(nearby()) and all(map(same, nearby()))
    except DomainError:
        return False


def _nearby(point: Evaluator, node: Node, moved: str) -> tuple[Evaluator, ...]:
    """Points around a point, as far as what a node is computed from: all inputs moved a little, then each tensor by itself,
    since derivatives by results on the way are taken, too, or the one that is `moved`.  None where the graph has no value at
    one of them.
    """
    assert point.graph is not None
    graph = point.graph
    reached = [m for m in graph.members.values() if m.name in graph.ancestors(node.name) - {node.name} and m.differentiable]
    moves = [{i.name for i in graph.inputs if i in reached}, *({m.name} for m in reached if moved in ("", m.name))]
    try:
        return tuple(_moved(point, node, names, random.Random(k)) for k, names in enumerate(moves))
    except DomainError:
        return ()


def _moved(point: Evaluator, node: Node, names: set[str], chance: random.Random) -> Evaluator:
    """The point with every entry of some tensors moved a little at random, and what is computed from these computed again."""
    assert point.graph is not None
    graph, arrays = point.graph, dict(point.arrays)
    move = np.vectorize(lambda v: v + STEP * chance.randint(1, 1000), otypes=[object])
    arrays |= {name: move(point.tensor(name))[()] for name in names}
    stale = set(names)
    for before in takewhile(lambda n: n.name != node.name, graph.nodes):
        if before.name not in names and stale & graph.parents(before.name):
            arrays[before.name] = value_of(Evaluator(point.sizes, arrays, graph), before)
            stale.add(before.name)
    return Evaluator(point.sizes, arrays, graph)


def _double(array: Any) -> Any:
    """An array in float64; what is larger than that holds is infinite."""
    with np.errstate(over="ignore"):
        return np.vectorize(lambda v: float(real(v)), otypes=[float])(array)


def _at(point: Evaluator, term: Any, indices: tuple[Index, ...], place: Any) -> Any:
    """A term with numbers for its indices and sizes."""
    numbers = {s: Integer(int(n)) for s, n in point.sizes.items()}
    return term.xreplace({i: Integer(int(k)) for i, k in zip(indices, place, strict=True)}).xreplace(numbers)


def kinks_met(graph: Graph, point: Evaluator) -> tuple[str, ...]:
    """The nodes that have a kink right at a point, where the derivative is a convention; at a root of 0 there is none."""
    return tuple(node.name for node in graph.nodes if _meets(point, node))


def _meets(point: Evaluator, node: Node) -> bool:
    """Whether there is a kink at a point; not where the node has no value, or it is not known on which side the point lies."""
    try:
        return at_kink(point, node, ROUNDING, roots=False)
    except DomainError:
        return False
