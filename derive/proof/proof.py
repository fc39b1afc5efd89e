"""Proofs: every pair of consecutive lines of a derivation shown equal before anything is printed.

Each pair is compared at random points with 50 digits, at sets of small sizes that tell all axes apart (see `sizes`), with
every derivative still standing in a line read off a power series, so that the rule table is never its own witness.
Where the normal forms agree too, the step is *symbolic*: it holds for every size and value.

A derivative of many entries is compared at some of them, drawn so that equal indices meet, and its result once more as a
whole: along a random direction.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from derive.calculus.fold import Fold, replaced
from derive.calculus.normal import normal
from derive.calculus.rules import differentiated
from derive.calculus.terms import Adjoint, Binder, Deriv, Element, Index, free_indices, signature, walk
from derive.derivation.derivation import Derivation, Step, put_in
from derive.errors import DeriveError, ProofError, said
from derive.graphs.graph import Graph, Node, gradient_name, remembered
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.kinks import has_kink
from derive.proof.points import SMALLER, random_point
from derive.proof.sizes import size_sets
from derive.values.evaluator import Evaluator
from derive.values.number_systems import NOTHING, DomainError, most_apart, precision, real, shown
from derive.values.work import Cost, Work

TOLERANCE = real(10) ** -25
"""Lines that differ by more than this, relative to their size, are looked at in more digits.  A central difference errs by
1e-30 of the values that it subtracts."""

REFINED = 2
"""So often are the digits doubled where lines differ."""

VANISHING = real(10) ** -8
"""A difference that falls by less than this as the digits are doubled is no error of rounding or of a central difference."""

ATTEMPTS = 12
"""At so many points, with ever smaller numbers, lines are compared until what they differ by can be told."""


def noise(digits: int) -> Any:
    """What a central difference in so many digits errs by, of values about 1: a smaller one is not seen."""
    return real(10) ** (-3 * digits // 5)


KINK_POINTS = SMALLER
"""At how many points, over all sets of sizes, lines with a kink in them are compared: their cases must all be met."""

FEWEST = 8
"""At least so many entries of a derivative are compared at each point, if it has them."""

AMPLE = 100_000
"""Fewer entries are compared where more numbers than this would be computed for one derivation."""

MOST = 3_000_000
"""A derivation for which more numbers would be computed is refused: a million take about two seconds."""


@dataclass(frozen=True)
class Proved:
    """A derivation that was shown right: for each step how ("symbolic" or "numeric"), and the largest difference seen.

    Its lines were compared at so many `points` for each set of sizes, and there at so many `entries`.
    """

    derivation: Derivation
    kinds: tuple[str, ...]
    errors: tuple[float, ...]
    sizes: tuple[tuple[tuple[str, int], ...], ...]
    points: int
    entries: tuple[int, ...]

    @property
    def error(self) -> float:
        return max(self.errors, default=0.0)


def prove(found: Derivation) -> Proved:
    """Show each line of a derivation equal to the one before it, the first to the derivative itself.

    Raises ProofError on the first line that cannot be shown equal, and DeriveError where that is too much work.

    >>> import derive
    >>> prove(derive.graph("x: [n]; L = sum(x**2)").derive("L", "x")).kinds
    ('numeric', 'symbolic', 'symbolic', 'symbolic', 'symbolic')
    """
    made = remembered(found.graph, ("proved", found.of, found.wrt, found.steps), lambda: _proved(found))
    return made if made.derivation is found else replace(made, derivation=found)


def confirm(found: Derivation) -> None:
    """Show what `prove` shows, and raise what it raises, without asking of each line whether it holds by algebra alone."""
    _comparison(found)


def _proved(found: Derivation) -> Proved:
    plan, worst = _comparison(found)
    kinds = tuple(_kind(found, k) for k in range(len(found.steps)))
    named = tuple(tuple((s.name, n) for s, n in sizes.items()) for sizes in size_sets(found.graph))
    return Proved(found, kinds, worst, named, plan.points, plan.entries)


def _comparison(found: Derivation) -> tuple[ComparisonPlan, tuple[float, ...]]:
    """What comes of comparing all lines, once."""
    return remembered(found.graph, ("compared", found.of, found.wrt, found.steps), lambda: _all_compared(found))


def _all_compared(found: Derivation) -> tuple[ComparisonPlan, tuple[float, ...]]:
    """How much of a derivation was compared, and the largest difference of each line from the one before."""
    graph, sets = found.graph, size_sets(found.graph)
    plan = _plan(found, [Evaluator(sizes, {}, graph) for sizes in sets])
    errors = [
        _compared(
            found, partial(random_point, graph, sizes, which=which), seed, plan.entries[which], random.Random(f"{which} {seed}")
        )
        for which, sizes in enumerate(sets)
        for seed in range(plan.points)
    ]
    for which in plan.partly:
        _compare_whole(found, random_point(graph, sets[which], 0, which), random.Random(which))
    return plan, tuple(max(seen) for seen in zip(*errors, strict=True))


# ---------------------------------------------------------------- how much is compared


@dataclass(frozen=True)
class ComparisonPlan:
    """At how many points, for each set of sizes, lines are compared, and for each set at how many entries."""

    points: int
    entries: tuple[int, ...]
    partly: tuple[int, ...]
    """The sets of sizes, by number, at which these are not all entries."""


def _plan(found: Derivation, sets: list[Evaluator]) -> ComparisonPlan:
    """All entries at all points where that is no more than ample work, else fewer entries, then fewer points.

    Raises DeriveError where the fewest are too many.
    """
    lines, whole = Work(found.graph, frozenset(found.indices)), Work(found.graph)
    for term in (found.subject, *(step.line for step in found.steps)):
        lines.add(term)
    whole.add(found.result)
    costs = [lines.cost(values) for values in sets]
    totals = [math.prod(values.size(i.size) for i in found.indices) for values in sets]
    kinked = any(has_kink(step.line) for step in found.steps)
    points = -(-KINK_POINTS // len(sets)) if kinked else 1
    while True:
        ample = AMPLE // (points * len(sets))
        entries = tuple(_entries(cost, total, ample) for cost, total in zip(costs, totals, strict=True))
        work = points * sum(cost.at(n) for cost, n in zip(costs, entries, strict=True))
        if work <= 2 * AMPLE or points == 1:
            break
        points = -(-points // 2)
    partly = tuple(k for k, (count, total) in enumerate(zip(entries, totals, strict=True)) if count < total)
    if work + sum(whole.cost(sets[k]).once for k in partly) > MOST:
        raise DeriveError(
            "This graph has too many axes, or too long ones, for its derivations to be proved.",
            hint="Name a long axis instead of giving its size (x: [n]), or take the definition apart.",
        )
    return ComparisonPlan(points, entries, partly)


def _entries(cost: Cost, total: int, ample: int) -> int:
    """As many entries as are no more than ample work, but the fewest at least."""
    count = total
    while count > FEWEST and cost.at(count) > ample:
        count = max(FEWEST, count * 3 // 4)
    return count


def _chosen(found: Derivation, point: Evaluator, count: int, chance: random.Random) -> dict[Index, Any]:
    """The entries to compare: for each index of a derivative, its value in each of them.

    Where not all are taken, they are the first, the last, and others drawn so that indices over one axis often are equal.
    """
    shape = [point.size(i.size) for i in found.indices]
    if math.prod(shape) <= count:
        return dict(zip(found.indices, np.unravel_index(np.arange(math.prod(shape)), shape), strict=True)) if shape else {}
    rows = [[0] * len(shape), [n - 1 for n in shape]]
    while len(rows) < count:
        shared = {n: chance.randrange(n) for n in shape}
        often = 0.9 if len(rows) % 2 else 0.5
        rows.append([shared[n] if chance.random() < often else chance.randrange(n) for n in shape])
    return dict(zip(found.indices, np.array(rows).T, strict=True))


# ---------------------------------------------------------------- numeric


class _Lost(Exception):
    """Lines differ by no more than what a slope errs by at this point, however many digits there are."""


def _compared(found: Derivation, drawn: Callable[[int], Evaluator], seed: int, count: int, chance: random.Random) -> list[float]:
    """How far each line is from the one before it, at the point with this seed, or at another where that cannot be told."""
    for attempt in range(ATTEMPTS):
        try:
            return _compare(found, drawn(seed + attempt * SMALLER), count, chance)
        except _Lost:
            continue
    raise ProofError(
        said(
            "No point is found at which the lines of the derivation of {gradient_name} can be compared.",
            gradient_name=gradient_name(found.of, found.wrt),
        )
    )


def _compare(found: Derivation, point: Evaluator, count: int, chance: random.Random) -> list[float]:
    """How far each line is from the one before it, at a point; raises at the first that differs."""
    grid = _chosen(found, point, count, chance)
    here = replace(point, memo={})
    errors, before = [], here.on(grid, found.subject)
    for number, step in enumerate(found.steps, 1):
        if stray := free_indices(step.line) - set(found.indices):
            raise _unequal(found, point, number, said("the index {name} is bound nowhere", name=min(i.name for i in stray)))
        lines = (found.steps[number - 2].line if number > 1 else found.subject, step.line)
        try:
            after = here.on(grid, step.line)
            gap = _refined(_distance(before, after), point, partial(_both, lines, grid))
        except DomainError as undefined:
            raise _unequal(found, point, number, undefined.message) from None
        error = gap.relative
        if not error < TOLERANCE:
            raise _unequal(found, point, number, said("the two differ by {error}", error=shown(error, 3)))
        errors.append(float(error))
        before = after
    return errors


def _both(lines: tuple[Any, Any], grid: dict[Index, Any], point: Evaluator) -> tuple[Any, Any]:
    """Two lines at a point; only what they share is evaluated once."""
    here = replace(point, memo={})
    return here.on(grid, lines[0]), here.on(grid, lines[1])


def _compare_whole(found: Derivation, point: Evaluator, chance: random.Random) -> None:
    """Every entry of the result at once: times a random direction, it is how the output moves in that direction."""
    moved = np.array([chance.choice((-3, -2, -1, 1, 2, 3)) for _ in range(np.size(point.arrays[found.wrt]))])

    def both(point: Evaluator) -> tuple[Any, Any]:
        result = point.array(found.result, found.indices)
        with precision(point.digits):
            return np.ravel(point.slope_along(found.of, found.wrt, moved)), result.reshape(-1, moved.size) @ moved

    try:
        error = _refined(_distance(*both(point)), point, both).relative
    except _Lost:  # each entry of it has been compared
        return
    if not error < TOLERANCE:
        raise _unequal(
            found,
            point,
            len(found.steps),
            said("along {moved} the two differ by {error}", moved=moved.tolist(), error=shown(error, 3)),
        )


def _refined(gap: Gap, point: Evaluator, both: Callable[[Evaluator], tuple[Any, Any]]) -> Gap:
    """How far two lines are apart, in so many digits that it is known whether they are at all.

    What rounding and central differences err by vanishes as the digits grow; what is wrong with a line does not.
    """
    first = gap.absolute
    for _ in range(REFINED):
        if gap.relative < TOLERANCE or gap.absolute == 0:
            return gap
        seen, coarse, point = gap.absolute > noise(point.digits), gap, point.finer
        gap = _distance(*both(point))
        if seen and not gap.absolute <= VANISHING * coarse.absolute:
            return gap
    if gap.relative >= TOLERANCE:
        gap = Gap(gap.absolute, gap.absolute / first)
    if gap.relative >= TOLERANCE and gap.absolute < noise(point.digits):
        raise _Lost
    return gap


def _unequal(found: Derivation, point: Evaluator, number: int, wrong: str) -> ProofError:
    step = found.steps[number - 1]
    return ProofError(
        said(
            "Line {number} of the derivation of {gradient_name} does not follow from the line before it.",
            number=number,
            gradient_name=gradient_name(found.of, found.wrt),
        ),
        hint=said(
            "Rule: {rule}.  At sizes {sizes_text} {wrong}: {text}",
            rule=step.rule,
            sizes_text=_sizes_text(point),
            wrong=wrong,
            text=text(layout(step.line, context_of(found.graph))),
        ),
    )


@dataclass(frozen=True)
class Gap:
    """How far two lines are apart at most, over the entries compared, and that relative to their size."""

    absolute: Any
    relative: Any


def _distance(a: Any, b: Any) -> Gap:
    """The largest |a − b|, and |a − b| / (s + |a|) with s = 1, or the size of the largest entry if that is less."""
    pairs = list(zip(np.ravel(a), np.ravel(b), strict=True))
    gaps = [most_apart(x, y) for x, y in pairs]
    if any(gap.is_nan() for gap in gaps):
        return Gap(NOTHING, NOTHING)
    if all(gap == 0 for gap in gaps):
        return Gap(real(0), real(0))
    sizes = [most_apart(x, 0) for x, _ in pairs]
    small = min(real(1), max(*sizes, *(most_apart(y, 0) for _, y in pairs)))
    return Gap(max(gaps), max((gap / (small + size)).mid() for gap, size in zip(gaps, sizes, strict=True)))


def _sizes_text(point: Evaluator) -> str:
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
    folds = step.family == "fold"
    return remembered(graph, ("plain", line, step.uses, folds), lambda: normal(_unfolded(graph, line, step)))


def _unfolded(graph: Graph, line: Any, step: Step) -> Any:
    """A line with what the step used put in, and its derivatives carried out."""
    facts = [
        Fold(left, right, tuple(sorted(free_indices(left), key=signature)))
        for left, right in step.uses
        if isinstance(left, Binder)
    ]
    opened = {left.name for left, _ in step.uses if isinstance(left, Element)} if step.family == "fold" else set()

    def rewrite(t: Any) -> Any:
        if isinstance(t, Deriv):
            opens = isinstance(t.body, Element) and t.body.name != t.by.name
            return differentiated(_definition(graph, t.body) if opens else t.body, t.by)
        return _definition(graph, t) if isinstance(t, Element) and t.name in opened else t

    given = ((left, right) for left, right in step.uses if isinstance(left, Adjoint))
    out = walk(put_in(line, given), rewrite)
    for fact in facts:
        out = replaced(normal(out), fact)
    return out


def _definition(graph: Graph, element: Any) -> Any:
    """A node's definition at the indices of this entry; an input's entry is itself."""
    node = graph.members.get(element.name)
    return node.at(element.indices) if isinstance(node, Node) else element
