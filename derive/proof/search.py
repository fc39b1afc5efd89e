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
from itertools import islice, pairwise
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
from derive.values.number_systems import FLOAT
from derive.values.precision import DomainError
from derive.values.real import real

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

PARTS = 64
"""An interval in which a comparison changes is cut into so many, and that in which it does again;"""

ROUNDS = 4
"""so often, which leaves 2 to the power -24 of it."""

CROSSINGS = 8
"""So many changes along a line are looked at."""

LINES = 64
"""Along so many lines, over all cases of a derivation, numbers are solved for."""

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

    def suits(self, point: Evaluator) -> bool:
        """Whether it is met at a point that lies at no other kink."""
        return _smooth(point, self.wrt) and self.at(point)

    def among(self, many: Batch) -> list[int]:
        """The points of many at which it is met, without those that have no value, if some have."""
        there = many.by_point(self.case.side(self.holds), self.case, self.indices).any(axis=1)
        return [int(k) for k in np.flatnonzero(there & many.sound if many.sound.any() else there)]

    @cached_property
    def moving(self) -> tuple[Input, ...]:
        """The inputs that may be moved and decide it."""
        deciding = [self.graph.ancestors(name) for name in self.case.tensors if name in self.graph.members]
        return tuple(i for i in self.graph.inputs if i.differentiable and any(i.name in names for names in deciding))


def sought(wanted: Sought, sets: Sequence[Sizes], fits: Callable[[Sizes], bool], among: int = 1) -> Iterator[Evaluator]:
    """Points at which something is met; `fits` says which sizes are not too much work, `among` how many cases are sought."""
    for sizes in _longer(wanted, sets, fits):
        yield from _by_numbers(wanted, sizes) if wanted.moving else _by_indices(wanted, sizes)
    if wanted.moving and wanted.case.needed:
        lines = (line for sizes in sets for line in _lines(wanted, sizes))
        for line in islice(lines, max(1, LINES // among)):
            values = line.between()
            places = wanted.among(line.batch(values))
            yield from _checked(wanted, (_exact(wanted.graph, line.sizes, line.at(values[k])) for k in places))


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
    for number in range(len(_draws(graph, sizes))):
        point = _drawn(graph, sizes, number)
        if point is not None and _smooth(point, wrt):
            yield point


def _draws(graph: Graph, sizes: Sizes) -> list[Arrays]:
    def drawn() -> Iterator[Arrays]:
        for number in range(len(SCALES) + DRAWS):
            chance = random.Random(f"sought {number}")
            scales = [SCALES[number] if number < len(SCALES) else chance.choice(SCALES) for _ in graph.inputs]
            yield {i.name: draw_input(i, sizes, chance, s) for i, s in zip(graph.inputs, scales, strict=True)}

    return remembered(graph, ("draws", tuple(sizes.items())), lambda: list(drawn()))


def _drawn(graph: Graph, sizes: Sizes, number: int) -> Evaluator | None:
    """The point of a draw, if it has values: many cases ask for it."""
    return remembered(graph, ("drawn", tuple(sizes.items()), number), lambda: _exact(graph, sizes, _draws(graph, sizes)[number]))


def _by_numbers(wanted: Sought, sizes: Sizes) -> Iterator[Evaluator]:
    """Points at other scales at which something is met."""
    graph = wanted.graph
    many = remembered(graph, ("many", tuple(sizes.items())), lambda: Batch.of(graph, sizes, _draws(graph, sizes)))
    yield from _checked(wanted, (_drawn(graph, sizes, k) for k in wanted.among(many)))


def _checked(wanted: Sought, candidates: Iterable[Evaluator | None]) -> Iterator[Evaluator]:
    """Those of some candidates at which something is met for certain, and no other kink."""
    for point in islice(candidates, CANDIDATES):
        if point is not None and wanted.suits(point):
            yield point


def _exact(graph: Graph, sizes: Sizes, inputs: Arrays) -> Evaluator | None:
    """The point with these inputs, if it has values."""
    try:
        return forward(graph, sizes, inputs)
    except (DomainError, ZeroDivisionError, OverflowError, ValueError):
        return None


def _smooth(point: Evaluator, wrt: str) -> bool:
    """Whether a point lies at no kink; where that cannot be told, it may."""
    assert point.graph is not None
    try:
        return not any(at_kink(point, node, moved=wrt) for node in point.graph.nodes)
    except (DomainError, ZeroDivisionError, OverflowError, ValueError):
        return False


def in_floats(graph: Graph, inputs: Arrays) -> Arrays:
    """The inputs of a point in float64, labels as they are."""
    return {i.name: np.asarray(inputs[i.name], dtype=int if i.kind == "label" else float) for i in graph.inputs}


@dataclass(frozen=True, eq=False)
class Batch:
    """Many points of a graph in float64 at once, each along a leading axis; what has no value is not a number."""

    values: Evaluator
    count: int

    @staticmethod
    def of(graph: Graph, sizes: Sizes, points: Sequence[Arrays]) -> Batch:
        """The points with these inputs."""
        rows = [in_floats(graph, p) for p in points]
        return Batch.along(graph, sizes, {i.name: np.stack([row[i.name] for row in rows]) for i in graph.inputs}, len(points))

    @staticmethod
    def along(graph: Graph, sizes: Sizes, inputs: Mapping[str, Any], count: int) -> Batch:
        """The points whose inputs lie along the leading axis of arrays of floats."""
        arrays: Arrays = dict(inputs)
        values = Evaluator({**sizes, COPY.size: count}, arrays, graph, FLOAT, copied=frozenset(graph.members))
        for node in graph.nodes:
            try:
                arrays[node.name] = values.array(node.expr, (COPY, *node.indices))
            except (DomainError, ZeroDivisionError):
                arrays[node.name] = np.full((count, *map(values.size, node.axes)), np.nan)
        return Batch(values, count)

    @cached_property
    def sound(self) -> Any:
        """Which points have a value everywhere, as far as float64 tells."""
        graph = self.values.graph
        assert graph is not None
        numbers = [self.values.arrays[node.name].reshape(self.count, -1) for node in graph.nodes]
        return np.isfinite(np.concatenate(numbers, axis=1)).all(axis=1)

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


def _lines(wanted: Sought, sizes: Sizes) -> Iterator[_Line]:
    """Along each, one entry of an input, or all of its entries, are moved."""
    for number in range(BASES):
        chance = random.Random(f"line {number}")
        base = {i.name: draw_input(i, sizes, chance, SCALES[number]) for i in wanted.graph.inputs}
        for given in (i for i in wanted.moving if i.kind in ("real", "positive")):
            shape = np.shape(base[given.name])
            for place in [tuple(chance.randrange(n) for n in shape), None] if shape else [None]:
                yield _Line(wanted, sizes, base, given, place)


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

    def batch(self, values: Sequence[float]) -> Batch:
        """The points at some values, in float64."""
        count, name = len(values), self.given.name
        arrays = {k: np.broadcast_to(array, (count, *array.shape)) for k, array in self._base.items()}
        moved, along = arrays[name].copy(), np.array(values)
        if self.place is not None:
            place: Any = (slice(None), *self.place)
            moved[place] = along
        elif moved.ndim > 1:
            moved += along.reshape((count, *(1,) * (moved.ndim - 1)))
        else:
            moved = along
        return Batch.along(self.wanted.graph, self.sizes, {**arrays, name: moved}, count)

    def between(self) -> list[float]:
        """Values between those at which some comparison of the case changes, and right beside these."""
        signs = (1,) if self.given.kind == "positive" else (-1, 1)
        values = sorted(float(sign * 2**k) for k in range(-6, LARGEST + 1) for sign in signs)
        before = self._signs(values)
        changes = [(k, int(which)) for k, (a, b) in enumerate(pairwise(before)) for which in np.flatnonzero(a != b)[:1]]
        roots = self._roots([(values[k], values[k + 1], which) for k, which in changes[:CROSSINGS]])
        ends = [values[0], *roots, values[-1]]
        beside = [r + sign * max(abs(r) / 64, 1 / 64) for r in roots for sign in (1, -1)]
        return [v for v in [*((a + b) / 2 for a, b in pairwise(ends)), *beside, *values] if v > 0 or self.given.kind == "real"]

    def _roots(self, changes: Sequence[tuple[float, float, int]]) -> list[float]:
        """Where comparisons change: of each interval in which one does, by its number, a place at which it changes."""
        if not changes:
            return []
        low, high = np.array([c[0] for c in changes]), np.array([c[1] for c in changes])
        for _ in range(ROUNDS):
            cuts = np.linspace(low, high, PARTS + 1, axis=1)
            signs = self._signs(cuts.ravel().tolist()).reshape((*cuts.shape, -1))
            rows = np.arange(len(changes))
            own = signs[rows, :, np.array([min(c[2], signs.shape[2] - 1) for c in changes])]
            first = np.argmax(own != own[:, :1], axis=1)  # 0 where it changes nowhere: the cuts move its values by a rounding
            low, high = cuts[rows, np.maximum(first - 1, 0)], cuts[rows, np.maximum(first, 1)]
        return sorted(set(((low + high) / 2).tolist()))

    def _signs(self, values: Sequence[float]) -> Any:
        """Which comparisons of the case hold at some values: a row for each."""
        many, case = self.batch(values), self.wanted.case
        return np.concatenate([many.by_point(c, case, self.wanted.indices) for c in self._comparisons], axis=1)

    @cached_property
    def _base(self) -> Arrays:
        return in_floats(self.wanted.graph, dict(self.base))

    @cached_property
    def _comparisons(self) -> list[Any]:
        side = self.wanted.case.side(True)
        known = {*self.wanted.indices, *(i for level in self.wanted.case.inside for i in level.indices)}
        own = [c for c in side.atoms(Positive) if free_indices(c) <= known]  # not those under a binder in it
        return sorted(own, key=str) or [side]
