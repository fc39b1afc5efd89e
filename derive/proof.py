"""Proofs: every pair of consecutive lines of a derivation shown equal before anything is printed.

Each pair is compared at random points with 50 digits, at two sets of sizes in which all axes differ (a wrong index hides
at size 1 and where two axes have the same size), with every derivative still standing in a line taken as a central
difference, so that the rule table is never its own witness.  Where the normal forms agree too, the step is *symbolic*:
it holds for every size and value.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Symbol, sign

from derive.calculus.fold import Fold, replaced
from derive.calculus.functions import Named
from derive.calculus.normal import normal
from derive.calculus.rules import differentiated
from derive.calculus.terms import (
    Adjoint,
    Binder,
    Deriv,
    Element,
    Index,
    Largest,
    Maximum,
    Positive,
    free_indices,
    signature,
    walk,
)
from derive.derivation import Derivation, Step
from derive.errors import DeriveError, ProofError
from derive.graphs import Graph, Input, Node
from derive.values import DIGITS, DomainError, Values, forward, real

TOLERANCE = mpmath.mpf(10) ** -25
"""Lines that differ by more than this, relative to 1 + their size, are not equal.  A central difference errs by 1e-30."""

CLEARANCE = 1e-3
"""How far from a kink (of max, |·|, a comparison) a point must lie."""

KINK_POINTS = 8
"""At how many points, for each set of sizes, a line with a kink in it is compared: its cases must all be met."""

TRIES = 60


@dataclass(frozen=True)
class Proved:
    """A derivation that was shown right: for each step how ("symbolic" or "numeric"), and the largest error seen."""

    derivation: Derivation
    kinds: tuple[str, ...]
    error: float
    sizes: tuple[tuple[tuple[str, int], ...], ...]


def prove(found: Derivation) -> Proved:
    """Show each line of a derivation equal to the one before it, the first to the derivative itself.

    Raises ProofError on the first line that cannot be shown equal.
    """
    key = ("proved", found.of, found.wrt, found.steps)
    if key not in found.graph.memory:
        _check_size(found.graph)
        kinked = any(next(_kinks(step.line, ()), None) for step in found.steps)
        seeds = range(KINK_POINTS if kinked else 1)
        points = [draw(found.graph, sizes, seed, which) for which, sizes in enumerate(size_sets(found.graph)) for seed in seeds]
        worst = max((_compare(found, point) for point in points), default=0.0)
        kinds = tuple(_kind(found, k) for k in range(len(found.steps)))
        sizes = tuple(tuple((s.name, n) for s, n in sizes.items()) for sizes in size_sets(found.graph))
        found.graph.memory[key] = Proved(found, kinds, worst, sizes)
    return found.graph.memory[key]


MAX_ENTRIES = 1000
"""At most this many combinations of index values over all axes of a graph, and half as many entries in one tensor of it,
at the sizes of a proof; the time goes with the square."""


def _check_size(graph: Graph) -> None:
    for sizes in size_sets(graph):
        probe = Values(sizes, {})
        axes = {a for m in graph.members.values() for a in m.axes}
        combinations = math.prod(probe.size(a) for a in axes if a.is_Symbol or a.is_Integer)
        entries = max(math.prod(map(probe.size, m.axes)) for m in graph.members.values())
        if combinations > MAX_ENTRIES or entries > MAX_ENTRIES // 2:
            raise DeriveError(
                "this graph has too many axes, or too long ones, for its derivations to be proved",
                hint="Name a long axis instead of giving its size (x: [n]), or take the definition apart.",
            )


def _compare(found: Derivation, point: Values) -> float:
    """The largest difference between consecutive lines at a point; raises at the first pair that differs."""
    worst, before = 0.0, point.array(found.subject, found.indices)
    for number, step in enumerate(found.steps, 1):
        try:
            after = point.array(step.line, found.indices)
            error = _distance(before, after)
            wrong = "" if error < TOLERANCE else f"the two differ by {mpmath.nstr(error, 3)}"
        except DomainError as undefined:
            wrong = undefined.message
        if wrong:
            raise ProofError(
                f"line {number} of the derivation of ∂{found.of}/∂{found.wrt} does not follow from the line before it",
                hint=f"Rule: {step.rule}.  At sizes {_sizes_text(point)} {wrong}: {step.line}",
            )
        worst, before = max(worst, float(error)), after
    return worst


def _distance(a: Any, b: Any) -> Any:
    """The largest |a − b| / (1 + |a|) over the entries; not a number where either is none."""
    with mpmath.workdps(DIGITS):
        pairs = zip(np.ravel(a), np.ravel(b), strict=True)
        gaps = [abs(mpmath.mpmathify(x) - mpmath.mpmathify(y)) / (1 + abs(mpmath.mpmathify(x))) for x, y in pairs]
        return mpmath.nan if any(mpmath.isnan(g) for g in gaps) else max(gaps, default=mpmath.mpf(0))


def _sizes_text(point: Values) -> str:
    return ", ".join(f"{s} = {n}" for s, n in point.sizes.items()) or "(scalars)"


# ---------------------------------------------------------------- symbolic


def _kind(found: Derivation, k: int) -> str:
    """Whether step k holds by the normal form alone."""
    before = found.steps[k - 1].line if k else found.subject
    after, step = found.steps[k].line, found.steps[k]
    try:
        left, right = (_plain(found.graph, line, step) for line in (before, after))
    except RecursionError:
        return "numeric"
    return "symbolic" if left == right or normal(left - right) == 0 else "numeric"


def _plain(graph: Graph, line: Any, step: Step) -> Any:
    """The normal form of a line unfolded for a step; a line that two steps share is seldom unfolded twice."""
    key = ("plain", line, step.uses, step.family == "fold")
    if key not in graph.memory:
        graph.memory[key] = normal(_unfolded(graph, line, step))
    return graph.memory[key]


def _unfolded(graph: Graph, line: Any, step: Step) -> Any:
    """A line with what the step used put in, and its derivatives carried out."""
    given = {left.by.name: (left, right) for left, right in step.uses if isinstance(left, Adjoint)}
    facts = [
        Fold(left, right, tuple(sorted(free_indices(left), key=signature)))
        for left, right in step.uses
        if isinstance(left, Binder)
    ]
    opened = {left.name for left, _ in step.uses if isinstance(left, Element)} if step.family == "fold" else set()

    def rewrite(t: Any) -> Any:
        if isinstance(t, Adjoint) and t.by.name in given:
            left, right = given[t.by.name]
            here, there = (*left.output.indices, *left.by.indices), (*t.output.indices, *t.by.indices)
            return right.xreplace(dict(zip(here, there, strict=True)))
        if isinstance(t, Deriv):
            opens = isinstance(t.body, Element) and t.body.name != t.by.name
            return differentiated(_definition(graph, t.body) if opens else t.body, t.by)
        return _definition(graph, t) if isinstance(t, Element) and t.name in opened else t

    out = walk(line, rewrite)
    for fact in facts:
        out = replaced(normal(out), fact)
    return out


def _definition(graph: Graph, element: Any) -> Any:
    """A node's definition at the indices of this entry; an input's entry is itself."""
    node = graph.members.get(element.name)
    if not isinstance(node, Node):
        return element
    return node.expr.xreplace(dict(zip(node.indices, element.indices, strict=True)))


# ---------------------------------------------------------------- points


def size_sets(graph: Graph) -> tuple[dict[Symbol, int], ...]:
    """Two sets of sizes for the axes of a graph: all at least 2, all different within a set."""
    symbols = sorted({s for m in graph.members.values() for a in (*m.axes, *_classes(m)) for s in a.free_symbols}, key=str)
    used = {int(a) for m in graph.members.values() for a in m.axes if a.is_Integer}
    free = [n for n in range(2, 2 * len(symbols) + len(used) + 4) if n not in used]
    count = len(symbols)
    return tuple(dict(zip(symbols, order, strict=True)) for order in (tuple(free[:count]), tuple(reversed(free[1 : count + 1]))))


def _classes(member: Input | Node) -> tuple[Any, ...]:
    classes = getattr(member, "classes", None)
    return () if classes is None else (classes,)


def draw(graph: Graph, sizes: dict[Symbol, int], seed: int = 0, which: int = 0) -> Values:
    """A random point of a graph: every input by its kind, every node with a value, none near a kink.

    Raises ProofError where no such point is found.
    """
    problem = ""
    for attempt in range(TRIES):
        chance = random.Random(f"{which} {seed} {attempt}")
        arrays = {i.name: _draw_input(i, sizes, chance, 1 + seed % 3, attempt < TRIES // 3) for i in graph.inputs}
        try:
            point = forward(graph, sizes, arrays)
        except DomainError as error:
            problem = error.message
            continue
        if all(_clear(point, node) for node in graph.nodes):
            return point
        problem = "every point drawn lies at a kink"
    raise ProofError("no point was found at which to compare the lines", hint=problem)


def _draw_input(given: Input, sizes: dict[Symbol, int], chance: random.Random, scale: int, low: bool) -> Any:
    """Random entries by kind; with `low` unset, real numbers are drawn positive (for logarithms and roots)."""
    probe = Values(sizes, {})
    shape = tuple(probe.size(a) for a in given.axes)
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        out[entry] = Fraction(scale * chance.randint(100, 1500) * (chance.choice((1, -1)) if low else 1), 1000)
    if given.kind == "label":
        count = probe.size(given.classes)
        return np.array([chance.randrange(count) for _ in np.ndindex(shape)], dtype=object).reshape(shape)
    if given.kind == "onehot":
        picks = np.array([chance.randrange(shape[-1]) for _ in np.ndindex(shape[:-1])]).reshape(shape[:-1])
        return np.vectorize(Fraction, otypes=[object])((np.arange(shape[-1]) == picks[..., None]).astype(int))
    if given.kind in ("positive", "probability"):
        out = np.vectorize(abs, otypes=[object])(out)
    if given.kind == "probability":
        out = out / out.sum(axis=-1, keepdims=True)
    with mpmath.workdps(DIGITS):
        return np.vectorize(real, otypes=[object])(out)


def _clear(point: Values, node: Node) -> bool:
    """Whether every kink of a node's definition is far away."""
    for indices, gap in _kinks(node.expr, node.indices):
        if isinstance(gap, Largest):
            inner, body = gap.opened()
            entries = np.array(point.array(body, (*indices, *inner)), dtype=float).reshape(
                *[point.size(i.size) for i in indices], -1
            )
            ranked = np.sort(entries, axis=-1)
            gaps = ranked[..., 1:] - ranked[..., :-1] if ranked.shape[-1] > 1 else np.array([1])
            distance = gaps[..., -1:]
        else:
            distance = point.array(gap, indices)
        if any(abs(float(d)) < CLEARANCE for d in np.ravel(distance)):
            return False
    return True


def _kinks(term: Any, indices: tuple[Index, ...]) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """What must not vanish for a term to be smooth, with the indices it runs over."""
    if isinstance(term, Named):
        yield from _kinks(term.unfolded, indices)
    elif isinstance(term, Maximum):
        yield indices, term.args[0] - term.args[1]
    elif isinstance(term, (Abs, sign, Positive)):
        yield indices, term.args[0]
    elif isinstance(term, Largest):
        yield indices, term
    if isinstance(term, Binder):
        inner, body = term.opened()
        yield from _kinks(body, (*indices, *inner))
    elif not isinstance(term, (Index, Element)):
        for a in term.args:
            yield from _kinks(a, indices)
