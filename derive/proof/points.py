"""Random points to compare lines at: inputs drawn by their kind, away from every kink."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from derive.calculus.kinks import kinks
from derive.calculus.terms import AtMost, Below, Delta, Determinant, Differ, OfMatrix, free_indices
from derive.errors import DeriveError, ProofError, said
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.proof.kinks import at_kink
from derive.proof.sizes import Sizes, size_sets
from derive.values.balls import apart
from derive.values.elementary import no_inverse
from derive.values.evaluator import Evaluator, value_of
from derive.values.precision import DIGITS, DomainError, precision
from derive.values.real import near
from derive.values.run import Run, run_at
from derive.values.undefined import authors_name

TRIES = 60
"""So often numbers are drawn for a node before no point is said to be found."""

PATIENCE = 4
"""After so many tries, what was drawn for the node before is drawn again, too."""

STUBBORN = 12
"""After so many, sides that are the same around a point count as no kink, though a point where they move would tell more."""

KINK = "a kink"


SMALLER = 16
"""With every so many seeds numbers are drawn half as large: where slopes vanish beside values, they may not there."""


GROWTH = (0, 1, 2, 4, 8, 16)
"""By so much the axes of a definition with conditions on indices are made longer until it has a value."""


MANY = 10_000
"""Where a definition has more numbers than this, it is not looked for longer axes."""


def sets_with_values(graph: Graph) -> tuple[Sizes, ...]:
    """The sets of sizes of a graph, longer ones where it has no value at these: the largest of those after the third."""
    return remembered(graph, "sets with values", lambda: _with_values(graph))


def _with_values(graph: Graph) -> tuple[Sizes, ...]:
    sets = size_sets(graph)
    for longer in _longer(graph, sets) if _numbers(graph, sets[0]) <= MANY else ():
        try:
            for which, sizes in enumerate(longer):
                random_point(graph, sizes, 0, which)
        except ProofError:
            continue
        return longer
    return sets


def _longer(graph: Graph, sets: tuple[Sizes, ...]) -> Iterator[tuple[Sizes, ...]]:
    """The sets with longer axes: all longer where there are conditions on indices, and some where there is a matrix, since XᵀX
    has an inverse only where X has as many rows as columns, or more.
    """
    axes = sorted({axis for member in graph.members.values() for axis in member.axes} & set(graph.sizes), key=str)
    raised: list[tuple[Any, int]] = []
    if axes and any(node.expr.atoms(Below, AtMost, Delta, Differ) for node in graph.nodes):
        raised += [(axes, more) for more in GROWTH]
    if any(node.expr.has(OfMatrix) for node in graph.nodes):
        raised += [(some, 2) for count in range(len(axes)) for some in combinations(axes, count)]
    for some, more in raised:
        yield tuple({s: n + more * (s in some) for s, n in sizes.items()} for sizes in sets)


def _numbers(graph: Graph, sizes: Sizes) -> int:
    """How many numbers the tensors of a graph hold at some sizes."""
    probe = Evaluator(sizes, {})
    return sum(prod(map(probe.size, member.axes)) for member in graph.members.values())


def random_point(graph: Graph, sizes: Sizes, seed: int = 0, which: int = 0) -> Evaluator:
    """A random point of a graph: every input by its kind, every node with a value, none near a kink.

    Raises ProofError where no such point is found.
    """
    return remembered(graph, ("point", tuple(sizes.items()), seed, which), lambda: _drawn(graph, sizes, seed, which))


DRAWS = 16
"""So many points are drawn at most for one whose gradients tell something."""


def telling_run(graph: Graph, inputs: Sequence[str]) -> Run:
    """A run at a random point at which none of these gradients is 0 in every entry; the first point where there is none such.

    At a point at which every margin of a hinge loss is kept, both sides of a check are 0 whatever the formula says.
    """

    def found() -> Run:
        sizes = sets_with_values(graph)[0]
        runs = (run_at(graph, random_point(graph, sizes, seed)) for seed in range(DRAWS))
        first = next(runs)
        return next((run for run in (first, *runs) if all(_tells(run, name) for name in inputs)), first)

    return remembered(graph, ("telling", tuple(inputs)), found)


def _tells(run: Run, name: str) -> bool:
    try:
        return bool(np.any(run.gradient(name) != 0))
    except DeriveError:
        return False


def drawn_values(run: Run) -> dict[str, Any]:
    """The sizes of a run and the values of its inputs in six decimals, as they are given to a run."""

    def short(given: Input) -> Any:
        array = np.array(run.point.arrays[given.name], dtype=object)
        if given.kind == "label":
            return array
        for entry in np.ndindex(array.shape):
            array[entry] = Fraction(round(float(array[entry]) * 10**6), 10**6)
        if given.kind in ("onehot", "probability"):
            array[..., -1] = 1 - array[..., :-1].sum(axis=-1)
        return array

    return {**{str(symbol): size for symbol, size in run.point.sizes.items()}, **{i.name: short(i) for i in run.source.inputs}}


def _drawn(graph: Graph, sizes: Sizes, seed: int, which: int) -> Evaluator:
    """A point, node by node: where one has no value or lies at a kink, what it is computed from is drawn again, the latest first.

    It is drawn larger at a kink, and larger and smaller in turn where there was no value: values neither vanish nor explode
    along a chain.
    """
    chance, scale = random.Random(f"{which} {seed} 0"), Fraction(1 + seed % 3, 2 ** (seed // SMALLER))
    arrays = {i.name: draw_input(i, sizes, chance, scale) for i in graph.inputs}
    failed, place = [0] * len(graph.nodes), 0
    while place < len(graph.nodes):
        problem = _computed(graph, graph.nodes[place], sizes, arrays, still=failed[place] >= STUBBORN)
        if not problem:
            place += 1
            continue
        tries = failed[place] = failed[place] + 1
        again = _latest(graph, place, tries // PATIENCE)
        if tries == TRIES or sum(failed) > TRIES + PATIENCE * len(failed) or not again:
            raise _nowhere(graph, graph.nodes[place], problem)
        chance = random.Random(f"{which} {seed} {place} {sum(failed)}")
        size = scale * Fraction(2) ** (tries // PATIENCE if problem == KINK or tries % 2 else -(tries // PATIENCE))
        for given in again:
            arrays[given.name] = draw_input(given, sizes, chance, size, low=tries < TRIES // 3, mixed=tries >= STUBBORN)
        place = min(_first_use(graph, given.name) for given in again)
    return Evaluator(sizes, arrays, graph)


def _nowhere(graph: Graph, node: Node, problem: str) -> ProofError:
    """The error of a definition that has no value, or a kink, at all points that were drawn."""
    if problem == KINK:
        name = authors_name(graph, node.name)
        root = any(kink.root for kink in kinks(node.expr))
        return ProofError(
            said("{name} lies at a kink at every point that was drawn: its derivatives cannot be proved.", name=name),
            hint="Leave out the roots that are 0 for all values; one of a distance stands where the distance is defined, as in "
            "D[i, j] = sqrt(sum((X[i, k] - X[j, k])**2 for k in d))."
            if root
            else "Leave out what makes the two sides of a max, an |·| or a condition equal for all values.",
        )
    return ProofError(
        said("No point was found at which the lines can be compared: {problem}", problem=problem),
        hint="Leave out the terms that have no value with a condition, or declare what must be positive (x: positive).",
    )


def _computed(graph: Graph, node: Node, sizes: Sizes, arrays: dict[str, Any], still: bool) -> str:
    """A node computed, among the arrays; why that will not do, if it will not."""
    point = Evaluator(sizes, arrays, graph)
    try:
        arrays[node.name] = value_of(point, node)
    except DomainError as error:
        return error.message
    if any(_is_singular(point, term) for term in node.expr.atoms(Determinant)):
        return no_inverse(0)
    return KINK if at_kink(point, node, still=still) else ""


def _is_singular(point: Evaluator, term: Determinant) -> bool:
    """Whether a determinant is 0, where its derivative is not the one that the rule says."""
    values = point.array(term, tuple(free_indices(term)))
    return any(not apart(value, 0) for value in np.ravel(values))


def _latest(graph: Graph, place: int, back: int) -> list[Input]:
    """The inputs that a node is computed from, of which the first use lies no more than so many nodes before it; one at least."""
    reached = graph.ancestors(graph.nodes[place].name)
    used = {i.name: _first_use(graph, i.name) for i in graph.inputs if i.name in reached}
    latest = min(max(used.values(), default=0), place - back)
    return [i for i in graph.inputs if i.name in used and used[i.name] >= latest]


def _first_use(graph: Graph, name: str) -> int:
    return next(place for place, node in enumerate(graph.nodes) if name in graph.parents(node.name))


def draw_input(given: Input, sizes: Sizes, chance: random.Random, scale: Fraction, low: bool = True, mixed: bool = False) -> Any:
    """Random entries by kind.

    With `low` unset, real numbers are drawn positive (for logarithms and roots); a `mixed` one-hot is a probability, of which
    derivations know no more and no less: a mask 1 - o may be a kink wherever it is 0.
    """
    probe = Evaluator(sizes, {})
    shape = tuple(probe.size(a) for a in given.axes)
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        out[entry] = scale * chance.randint(100, 1500) * (chance.choice((1, -1)) if low else 1) / 1000
    if given.kind == "label":
        classes = probe.size(given.classes)
        return np.array([chance.randrange(classes) for _ in np.ndindex(shape)], dtype=object).reshape(shape)
    if given.kind == "onehot" and not mixed:
        picks = np.array([chance.randrange(shape[-1]) for _ in np.ndindex(shape[:-1])]).reshape(shape[:-1])
        return np.vectorize(Fraction, otypes=[object])((np.arange(shape[-1]) == picks[..., None]).astype(int))
    if given.kind in ("positive", "onehot", "probability"):
        out = np.vectorize(abs, otypes=[object])(out)
    if given.kind in ("onehot", "probability"):
        out = out / out.sum(axis=-1, keepdims=True)
    numbers = np.vectorize(near, otypes=[object])(out)
    if given.kind in ("onehot", "probability"):
        with precision(4 * DIGITS):
            numbers[..., -1] = 1 - numbers[..., :-1].sum(axis=-1)
    return numbers
