"""Points at which two formulas are compared: exact inputs, balls for what comes of them; and the point at which they differ."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

import numpy as np
from flint import fmpq

from derive.calculus.terms import Adjoint, Deriv, Index, free_indices, signature
from derive.calculus.terms import names as names_in
from derive.checking.domains import Wanted
from derive.errors import ProofError
from derive.graphs.graph import Graph, Input, remembered
from derive.proof.cases import Tally, cases_of, full_grid
from derive.proof.points import sets_with_values
from derive.proof.search import Sought, sought
from derive.proof.sizes import Sizes
from derive.values.balls import NOTHING, apart, untraced
from derive.values.evaluator import Evaluator, forward, missing, value_of
from derive.values.precision import DomainError
from derive.values.real import given_out
from derive.values.work import Work

FIRST_DRAWS, DRAWS, MORE_DRAWS = 2, 4, 12
"""At so many points for each set of sizes two formulas are compared: before a proof is sought, after, and where conditions are in
them."""

MANY = 4_000
"""Where tensors hold more numbers than this, formulas are compared at a few points only."""

MOST_NUMBERS = 100_000
"""Where formulas need more numbers than this, they are not compared."""

TRIES = 8
"""So often numbers are drawn again where a definition has no value."""

SCALES = (Fraction(1), Fraction(1, 4), Fraction(3), Fraction(1, 20), Fraction(10))

FAILURES = (DomainError, ZeroDivisionError, OverflowError, ValueError, ProofError)


@dataclass(frozen=True)
class Witness:
    """A point at which two formulas are not the same: the inputs, exact, the entry compared, and what each comes to."""

    sizes: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, Any], ...]
    """A number, or lists of numbers, for each input that matters."""
    entry: tuple[tuple[str, int], ...]
    """What the free indices are, counted from 0."""
    first: Any
    second: Any


@dataclass
class Compared:
    """What comparing two formulas at points has told: the witness, if they differ; else at how many points they agree."""

    witness: Witness | None = None
    agreed: int = 0
    too_much: bool = False
    """Whether some points were passed over, since too many numbers would be computed."""
    unmet: bool = False
    """Whether a side of a condition in them was met nowhere."""
    one_alone: bool = False
    """Whether one of them has a value somewhere, and the other has none as it was typed."""


@dataclass(frozen=True)
class Pair:
    """Two terms over the same indices, what these are called, and where each term has a value as it was typed."""

    first: Any
    second: Any
    indices: tuple[Index, ...]
    wanted: tuple[tuple[Wanted, ...], tuple[Wanted, ...]]
    names: Mapping[Index, str]


def compared(base: Graph, graph: Graph, pair: Pair, first_look: bool = False) -> Compared:
    """What comes of comparing two terms over a graph with definitions besides those of its `base`; at a few points only in a
    `first_look`.
    """
    found = Compared()
    work = Work(graph)
    work.add(pair.first)
    work.add(pair.second)
    cases = cases_of((pair.first, pair.second))
    tally = Tally(cases)
    for point in points(base, FIRST_DRAWS if first_look else MORE_DRAWS if any(case.tensors for case in cases) else DRAWS):
        if work.count(Evaluator(point.sizes, {}, graph)) > MOST_NUMBERS:
            found.too_much = True
            continue
        if _differ(base, graph, point, pair, found, tally):
            return found
    for case, holds in [] if first_look or found.too_much else list(tally.unmet)[:4]:
        before = found.agreed
        wanted = Sought(graph, case, holds, pair.indices, "")
        try:
            for point in sought(wanted, _sets(base), lambda _: True, among=64):
                inputs = {i.name: point.arrays[i.name] for i in base.inputs}
                if _differ(base, graph, forward(base, point.sizes, inputs), pair, found, tally):
                    return found
                if found.agreed > before:
                    break
        except FAILURES:
            continue
    found.unmet = any(case.needed for case, _ in tally.unmet)
    return found


def _differ(base: Graph, graph: Graph, point: Evaluator, pair: Pair, found: Compared, tally: Tally) -> bool:
    """Whether two terms differ at a point, which is counted."""
    here = _with_definitions(base, graph, point, pair.first, pair.second)
    one, other = (_values(here, term, pair.indices) for term in (pair.first, pair.second))
    outside, beyond = (_outside(here, wanted, pair.indices, one.shape) for wanted in pair.wanted)
    nothing, neither = missing(one) | outside, missing(other) | beyond
    found.one_alone |= bool(((outside & ~neither) | (beyond & ~nothing)).any())
    both = ~(nothing | neither)
    if not both.any():
        return False
    for place in map(tuple, np.argwhere(both)):
        if apart(one[place], other[place]):
            entry = tuple((pair.names.get(i, i.name), int(k)) for i, k in zip(pair.indices, place, strict=True))
            found.witness = _witness(base, point, entry, one[place], other[place])
            return True
    found.agreed += 1
    with suppress(*FAILURES):
        tally.add(here, full_grid(here, pair.indices))
    return False


def _outside(point: Evaluator, wanted: tuple[Wanted, ...], indices: tuple[Index, ...], shape: tuple[int, ...]) -> Any:
    """Where a term has no value as it was typed: something that it needs is not positive."""
    found = np.zeros(shape, dtype=bool)
    for need in wanted:
        bound = tuple(sorted(free_indices(need.term) - set(indices), key=signature))
        values = _values(point, need.term, (*indices, *bound))
        fails = np.array([_fails(value, need.zero) for value in values.flat]).reshape((*shape, -1))
        found |= fails.any(axis=-1)
    return found


def _fails(value: Any, zero: bool) -> bool:
    known = untraced(value)
    return bool(known < 0 if zero else known <= 0)


def _values(point: Evaluator, term: Any, indices: tuple[Index, ...]) -> Any:
    """A term at a point, with NOTHING where it has no value or none is known."""
    try:
        return np.asarray(point.loosely(term, indices), dtype=object)
    except FAILURES:
        return np.full([point.size(i.size) for i in indices], NOTHING, dtype=object)


def _with_definitions(base: Graph, graph: Graph, point: Evaluator, *terms: Any) -> Evaluator:
    """A point with what is defined besides, as far as terms need it and it has values; gradients are found once for a point."""
    arrays = dict(point.arrays)
    named = {a.pair for term in terms for a in term.atoms(Adjoint)}
    needed = (
        {of for of, _ in named}
        | {name for term in terms for name in names_in(term)}
        | {d.body.name for t in terms for d in t.atoms(Deriv) if hasattr(d.body, "name")}
    )
    needed |= {name for member in needed if member in graph.members for name in graph.ancestors(member)}
    adjoints = {}
    for of, by in named:
        if of in base.members and by in base.members:
            with suppress(*FAILURES):
                adjoints[of, by] = point.adjoint(of, by)
    here = Evaluator(point.sizes, arrays, graph, adjoints=adjoints)
    for node in graph.nodes[len(base.nodes) :]:
        if node.name not in arrays and node.name in needed:
            try:
                arrays[node.name] = value_of(Evaluator(point.sizes, arrays, graph), node)
            except (*FAILURES, KeyError):
                arrays[node.name] = _values(here, node.expr, node.indices)
    return here


def _witness(base: Graph, point: Evaluator, entry: tuple[tuple[str, int], ...], first: Any, second: Any) -> Witness:
    inputs = tuple((i.name, _listed(point.arrays[i.name])) for i in base.inputs)
    sizes = tuple((str(s), int(n)) for s, n in point.sizes.items())
    return Witness(sizes, inputs, entry, given_out(first), given_out(second))


def _listed(array: Any) -> Any:
    values = np.asarray(array, dtype=object)
    if values.ndim:
        return [_listed(part) for part in values]
    value = given_out(values.item())
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


# ---------------------------------------------------------------- points


def points(graph: Graph, count: int) -> Iterator[Evaluator]:
    """Points with exact inputs at which the definitions of a graph have values, for each set of sizes."""
    for number in range(count):
        for which in range(len(_sets(graph))):
            point = remembered(graph, ("exact point", which, number), partial(_point, graph, which, number))
            if point is not None:
                yield point


def _sets(graph: Graph) -> tuple[Sizes, ...]:
    """The sets of sizes; those at which tensors are small, where some are not; none where the definitions have no values."""

    def found() -> tuple[Sizes, ...]:
        try:
            sets = sets_with_values(graph)
        except ProofError:
            return ()
        return tuple(sizes for sizes in sets if _numbers(graph, sizes) <= MANY) or sets[:1]

    return remembered(graph, "small sets", found)


def _numbers(graph: Graph, sizes: Sizes) -> int:
    """How many numbers the tensors of a graph hold."""
    probe = Evaluator(sizes, {})
    return sum(prod(map(probe.size, member.axes)) for member in graph.members.values())


def _point(graph: Graph, which: int, number: int) -> Evaluator | None:
    sizes = _sets(graph)[which]
    for attempt in range(TRIES):
        chance = random.Random(f"exact {which} {number} {attempt}")
        scale = SCALES[(number + attempt) % len(SCALES)]
        low = attempt % 2 == 0
        inputs = {i.name: drawn(i, sizes, chance, scale, low, low and number % 2 > 0) for i in graph.inputs}
        try:
            return forward(graph, sizes, inputs)
        except FAILURES:
            continue
    return None


def drawn(given: Input, sizes: Sizes, chance: random.Random, scale: Fraction, low: bool, zeros: bool = False) -> Any:
    """Exact entries by kind: short decimals, whole labels, parts of a whole, of which some are 0 with `zeros`; positive ones only
    if `low` is unset.
    """
    probe = Evaluator(sizes, {})
    shape = tuple(probe.size(a) for a in given.axes)
    out = np.empty(shape, dtype=object)
    if given.kind == "label":
        classes = probe.size(given.classes)
        for entry in np.ndindex(shape):
            out[entry] = chance.randrange(classes)
        return out
    if given.kind == "onehot":
        for row in np.ndindex(shape[:-1]):
            out[row] = 0
            out[(*row, chance.randrange(shape[-1]))] = 1
        return out
    if given.kind == "probability":
        for row in np.ndindex(shape[:-1]):
            weights = [0 if zeros and k and chance.random() < 0.4 else chance.randint(1, 9) for k in range(shape[-1])]
            for k, weight in enumerate(weights):
                out[(*row, k)] = fmpq(weight, sum(weights))
        return out
    for entry in np.ndindex(shape):
        value = scale * chance.randint(20, 200) / 100
        if given.kind != "positive" and low and chance.random() < 0.5:
            value = -value
        out[entry] = fmpq(value.numerator, value.denominator)
    return out
