"""Points sought for a case that those drawn at random do not meet: larger sizes, other scales, one number solved for.

What is tried is limited, and said to be: axes up to `LONGEST` entries longer, numbers up to 2 to the power `LARGEST`.  Many
points are tried at once in float64; one that will do is then made exact, and looked at again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from derive.calculus.terms import Index, Label, Positive, free_indices
from derive.errors import ProofError
from derive.graphs.graph import Graph, Input, remembered
from derive.proof.cases import Case, full_grid, met, opened_grid
from derive.proof.kinks import at_kink
from derive.proof.points import draw_input, random_point
from derive.proof.sizes import Sizes
from derive.values.evaluator import COPY, Evaluator, forward
from derive.values.number_systems import FLOAT, DomainError, real

LONGEST = 128
"""Axes are made longer for a condition on indices, up to so many entries more."""

GROWTH = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, LONGEST)

MANY = 1 << 18
"""A condition is looked at over so many values of its indices at most."""

LARGEST = 16
"""Numbers are sought up to 2 to this power."""

SCALES = tuple(Fraction(2) ** k for k in (0, 2, 4, 6, 8, 10, 13, LARGEST, -3, -7, -11))
"""How large numbers are drawn, one after the other."""

DRAWS = 24
"""So many points are drawn with a scale for each input."""

BASES = 3
"""Along lines through so many points one number is solved for."""

LABELS = 8
"""So many points are drawn for a condition on labels."""

STEPS = 24
"""So often an interval in which a comparison changes is halved."""

CROSSINGS = 8
"""So many changes along a line are looked at."""

CANDIDATES = 6
"""So many points that will do in float64 are looked at exactly, for each way to find them."""


@dataclass(frozen=True, eq=False)
class Sought:
    """What is sought: points at which a case is met on a side, for some of the `indices` of a derivative by `wrt`."""

    graph: Graph
    case: Case
    holds: bool
    indices: tuple[Index, ...]
    wrt: str

    def at(self, point: Evaluator) -> bool:
        """Whether it is met at a point."""
        return bool(np.any(met(point, full_grid(point, self.indices), self.case, self.holds) == 1))

    def among(self, many: Batch) -> list[int]:
        """The points of many at which it is met."""
        return [int(k) for k in np.flatnonzero(many.by_point(self.case.side(self.holds), self.case, self.indices).any(axis=1))]

    @cached_property
    def moving(self) -> tuple[Input, ...]:
        """The inputs that may be moved and decide it."""
        deciding = [self.graph.ancestors(name) for name in self.case.tensors if name in self.graph.members]
        return tuple(i for i in self.graph.inputs if i.differentiable and any(i.name in names for names in deciding))


def sought(wanted: Sought, sets: Sequence[Sizes], fits: Callable[[Sizes], bool]) -> Iterator[Evaluator]:
    """Points at which something is met; `fits` says which sizes are not too much work."""
    for sizes in _longer(wanted, sets, fits):
        yield from _by_numbers(wanted, sizes) if wanted.moving else _by_indices(wanted, sizes)
    for sizes in sets if wanted.moving and wanted.case.needed else ():
        yield from _solved(wanted, sizes)


# ---------------------------------------------------------------- larger sizes


def _longer(wanted: Sought, sets: Sequence[Sizes], fits: Callable[[Sizes], bool]) -> Iterator[Sizes]:
    """The sets of sizes, then those with the axes that a case speaks of longer and longer, all together and each alone.

    Where numbers decide it, few are tried.
    """
    yield from sets
    case, side = wanted.case, wanted.case.side(True)
    around = {i for level in case.inside for i in level.indices} | set(wanted.indices)
    said = side.atoms(Index, Label) | (around if case.inside else set())
    own = {s for i in said for s in i.size.free_symbols} | side.free_symbols
    symbols = sorted(own & set(wanted.graph.sizes), key=str)
    groups = [symbols, *([s] for s in symbols if len(symbols) > 1)] if symbols else []
    for more in GROWTH if not wanted.moving else (3, 6) if case.needed else ():
        for group in groups:
            sizes = {s: n + more * (s in group) for s, n in sets[0].items()}
            probe = Evaluator(sizes, {})
            if prod(probe.size(i.size) for i in around) <= MANY and fits(sizes):
                yield sizes


def _by_indices(wanted: Sought, sizes: Sizes) -> Iterator[Evaluator]:
    """Points drawn at random at which indices, labels and sizes meet a case; none is drawn where sizes alone do not."""
    labels = bool(wanted.case.tensors)
    if not labels and not wanted.at(Evaluator(sizes, {}, wanted.graph)):
        return
    for seed in range(LABELS if labels else 1):
        try:
            point = random_point(wanted.graph, sizes, seed)
        except ProofError:
            return
        if wanted.at(point):
            yield point


# ---------------------------------------------------------------- other numbers

Arrays = dict[str, Any]


def other_scales(graph: Graph, sizes: Sizes, wrt: str) -> Iterator[Evaluator]:
    """Points drawn larger and smaller, then with a scale for each input, as far as they have values and lie at no kink."""
    for inputs in _draws(graph, sizes):
        if (point := _exact(graph, sizes, inputs, wrt)) is not None:
            yield point


def _draws(graph: Graph, sizes: Sizes) -> list[Arrays]:
    def drawn() -> Iterator[Arrays]:
        for number in range(len(SCALES) + DRAWS):
            chance = random.Random(f"sought {number}")
            scales = [SCALES[number] if number < len(SCALES) else chance.choice(SCALES) for _ in graph.inputs]
            yield {i.name: draw_input(i, sizes, chance, s) for i, s in zip(graph.inputs, scales, strict=True)}

    return remembered(graph, ("draws", tuple(sizes.items())), lambda: list(drawn()))


def _by_numbers(wanted: Sought, sizes: Sizes) -> Iterator[Evaluator]:
    """Points at other scales at which something is met."""
    draws = _draws(wanted.graph, sizes)
    many = remembered(wanted.graph, ("many", tuple(sizes.items())), lambda: Batch.of(wanted.graph, sizes, draws))
    yield from _checked(wanted, sizes, (draws[k] for k in wanted.among(many)))


def _checked(wanted: Sought, sizes: Sizes, candidates: Iterable[Arrays]) -> Iterator[Evaluator]:
    """The exact points of some candidates at which something is met for certain."""
    for _, inputs in zip(range(CANDIDATES), candidates, strict=False):
        point = _exact(wanted.graph, sizes, inputs, wanted.wrt)
        if point is not None and wanted.at(point):
            yield point


def _exact(graph: Graph, sizes: Sizes, inputs: Arrays, wrt: str) -> Evaluator | None:
    """The point with these inputs, if it has values and lies at no kink."""
    try:
        point = forward(graph, sizes, inputs)
        return None if any(at_kink(point, node, moved=wrt) for node in graph.nodes) else point
    except (DomainError, ZeroDivisionError, OverflowError, ValueError):
        return None


@dataclass(frozen=True, eq=False)
class Batch:
    """Many points of a graph in float64 at once, each along a leading axis; what has no value is not a number."""

    values: Evaluator
    count: int

    @staticmethod
    def of(graph: Graph, sizes: Sizes, points: Sequence[Arrays]) -> Batch:
        """The points with these inputs."""
        kinds = {i.name: int if i.kind == "label" else float for i in graph.inputs}
        arrays: Arrays = {name: np.stack([np.asarray(p[name], dtype=kind) for p in points]) for name, kind in kinds.items()}
        values = Evaluator({**sizes, COPY.size: len(points)}, arrays, graph, FLOAT, copied=frozenset(graph.members))
        for node in graph.nodes:
            try:
                arrays[node.name] = values.array(node.expr, (COPY, *node.indices))
            except (DomainError, ZeroDivisionError):
                arrays[node.name] = np.full((len(points), *map(values.size, node.axes)), np.nan)
        return Batch(values, len(points))

    def by_point(self, term: Any, case: Case, indices: tuple[Index, ...]) -> Any:
        """A term inside the binders of a case: a row of its values for each point."""
        dims = (1,) * len(indices)
        grid = {COPY: np.arange(self.count).reshape((-1, *dims)), **full_grid(self.values, indices)}
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self.values.evaluate(term, opened_grid(self.values, case, grid, COPY)), dtype=float)
        except (DomainError, ZeroDivisionError, ValueError):
            return np.zeros((self.count, 1))
        found = np.broadcast_to(found, np.broadcast_shapes(found.shape, (self.count, *dims)))
        return np.moveaxis(found, -1 - len(dims), 0).reshape(self.count, -1)


# ---------------------------------------------------------------- one number solved for


def _solved(wanted: Sought, sizes: Sizes) -> Iterator[Evaluator]:
    """Points at which a case is met, found by moving one entry of an input, or all of its entries, until a comparison changes."""
    for number in range(BASES):
        chance = random.Random(f"line {number}")
        base = {i.name: draw_input(i, sizes, chance, SCALES[number]) for i in wanted.graph.inputs}
        for given in (i for i in wanted.moving if i.kind in ("real", "positive")):
            shape = np.shape(base[given.name])
            places = [tuple(chance.randrange(n) for n in shape), None] if shape else [None]
            for place in places:
                line = _Line(wanted, sizes, base, given, place)
                candidates = [line.at(v) for v in line.between()]
                yield from _checked(wanted, sizes, (candidates[k] for k in wanted.among(line.batch(candidates))))


@dataclass(frozen=True, eq=False)
class _Line:
    """Points of a graph along which one entry of an input takes every value, or all its entries are moved alike."""

    wanted: Sought
    sizes: Sizes
    base: Mapping[str, Any]
    given: Input
    place: tuple[int, ...] | None

    def at(self, value: float) -> Arrays:
        """The inputs where the entry has a value."""
        array, exact = np.array(self.base[self.given.name], dtype=object), real(Fraction(value))
        if self.place is not None:
            array[self.place] = exact
        elif array.ndim:
            array = array + exact
        else:
            array = np.asarray(exact, dtype=object)
        return {**self.base, self.given.name: array}

    def batch(self, points: Sequence[Arrays]) -> Batch:
        return Batch.of(self.wanted.graph, self.sizes, points)

    def between(self) -> list[float]:
        """Values between those at which some comparison of the case changes, and right beside these."""
        signs = (1,) if self.given.kind == "positive" else (-1, 1)
        values = sorted(float(sign * 2**k) for k in range(-6, LARGEST + 1) for sign in signs)
        before = self._signs(values)
        changes = [(k, int(which)) for k, (a, b) in enumerate(pairwise(before)) for which in np.flatnonzero(a != b)[:1]]
        low = np.array([values[k] for k, _ in changes[:CROSSINGS]])
        high = np.array([values[k + 1] for k, _ in changes[:CROSSINGS]])
        which = [w for _, w in changes[:CROSSINGS]]
        start = [before[k][w] for k, w in changes[:CROSSINGS]]
        for _ in range(STEPS if which else 0):
            middle = (low + high) / 2
            # where there is no value, there may be fewer comparisons
            same = np.array([w < len(row) and row[w] == s for row, w, s in zip(self._signs(middle), which, start, strict=True)])
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        roots = sorted({float(r) for r in (low + high) / 2})
        ends = [values[0], *roots, values[-1]]
        beside = [r + sign * max(abs(r) / 64, 1 / 64) for r in roots for sign in (1, -1)]
        return [v for v in [*((a + b) / 2 for a, b in pairwise(ends)), *beside, *values] if v > 0 or self.given.kind == "real"]

    def _signs(self, values: Iterable[float]) -> Any:
        """Which comparisons of the case hold at some values: a row for each."""
        many, case = self.batch([self.at(float(v)) for v in values]), self.wanted.case
        comparisons = self._comparisons
        return np.concatenate([many.by_point(c, case, self.wanted.indices) for c in comparisons], axis=1)

    @cached_property
    def _comparisons(self) -> list[Any]:
        side = self.wanted.case.side(True)
        known = {*self.wanted.indices, *(i for level in self.wanted.case.inside for i in level.indices)}
        own = [c for c in side.atoms(Positive) if free_indices(c) <= known]  # not those under a binder in it
        return sorted(own, key=str) or [side]
