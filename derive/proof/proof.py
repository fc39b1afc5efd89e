"""Proofs: every pair of consecutive lines of a derivation shown equal before anything is printed.

Each pair is compared at random points with 50 digits, at sets of small sizes that tell all axes apart (see `sizes`), with
every derivative still standing in a line read off a power series, so that the rule table is never its own witness, and
so that each case in them is met (see `cases`).  A step that is rows of the table which are lemmas with a proof of their own (see
`lemmas`) and an identity of the normal form is *symbolic*.

A derivative of many entries is compared at some of them, drawn so that equal indices meet, and its result once more as a
whole: along a random direction.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
from sympy import S

from derive.calculus.frozen import Frozen
from derive.calculus.kinks import has_kink
from derive.calculus.terms import ArgMax, Index, Largest, free_indices
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError, said
from derive.graphs.graph import gradient_name, remembered
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.cases import Case, Counted, Tally, cases_between, cases_of, missed, places
from derive.proof.forms import cases_term, difference, floats_at, form_value, written_out
from derive.proof.points import SMALLER, random_point, sets_with_values
from derive.proof.search import Sought, other_scales, sought
from derive.proof.sizes import Sizes
from derive.proof.symbolic import kinds_of
from derive.values.balls import NOTHING, apart
from derive.values.elementary import shown
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError, Undecided, precision
from derive.values.real import most_apart, real
from derive.values.work import Cost, Work

TOLERANCE = real(10) ** -25
"""Lines no further apart than this, relative to their size, are taken for equal; but not where their balls do not meet."""

REFINED = 2
"""So often are the digits doubled where lines may be further apart."""

ATTEMPTS = 12
"""At so many points, with ever smaller numbers, lines are compared until what they differ by can be told."""

KINK_POINTS = 8
"""At how many points drawn at random, over all sets of sizes, lines with a kink in them are compared; others are sought for each
case that these do not meet."""

FEWEST = 8
"""At least so many entries of a derivative are compared at each point, if it has them."""

AMPLE = 100_000
"""Fewer entries are compared where more numbers than this would be computed for one derivation."""

MOST = 3_000_000
"""A derivation for which more numbers would be computed is refused: a million take about two seconds."""


@dataclass(frozen=True)
class Proved(Frozen):
    """A derivation that was shown right, and the largest difference seen for each step.

    Its lines were compared at so many `points` for each set of sizes, and there at so many `entries`.
    """

    derivation: Derivation
    errors: tuple[float, ...]
    sizes: tuple[tuple[tuple[str, int], ...], ...]
    points: int
    entries: tuple[int, ...]
    sought: int = 0
    """At so many other points, sought for a case, they were compared as well."""
    cases: tuple[Counted, ...] = ()
    """What decides between values in the lines, and at how many points each side was met."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """How each step was shown: "symbolic" or "numeric".  Found when it is asked for, for not every page says it.

        Raises ProofError where a step rests on a row of the rule table that is wrong.
        """
        found = self.derivation
        return remembered(found.graph, ("kinds", found.of, found.wrt, found.steps), lambda: kinds_of(found))

    @property
    def missed(self) -> tuple[tuple[Case, bool], ...]:
        """The cases that no point within the limits of `search` meets: there nothing was compared."""
        return missed(self.cases)

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
    plan, worst, sought_, cases = _comparison(found)
    _show_beside(found, plan)
    named = tuple(tuple((s.name, n) for s, n in sizes.items()) for sizes in sets_with_values(found.graph))
    return Proved(found, worst, named, plan.points, plan.entries, sought_, cases)


Compared = tuple["ComparisonPlan", tuple[float, ...], int, tuple[Counted, ...]]


def _comparison(found: Derivation) -> Compared:
    """What comes of comparing all lines, once."""
    return remembered(found.graph, ("compared", found.of, found.wrt, found.steps), lambda: _all_compared(found))


def _all_compared(found: Derivation) -> Compared:
    """How much of a derivation was compared, the largest difference of each line from the one before, at how many points that
    were sought, and the cases met.
    """
    graph, sets = found.graph, sets_with_values(found.graph)
    work = _work(found)
    plan = _plan(found, work, [Evaluator(sizes, {}, graph) for sizes in sets])
    tally = Tally((*cases_of(s.line for s in found.steps), *cases_between(graph, found.wrt, found.of)))
    errors = [
        _compared(
            found,
            partial(random_point, graph, sizes, which=which),
            seed,
            partial(_entries_at, count=plan.entries[which], chance=random.Random(f"{which} {seed}")),
            tally,
        )
        for which, sizes in enumerate(sets)
        for seed in range(plan.points)
    ]
    for which in plan.partly:
        _compare_whole(found, random_point(graph, sets[which], 0, which), random.Random(which))
    if not tally.moved:
        errors += _met_moving(found, sets[0], tally)
    unmet = list(tally.unmet)
    for case, holds in unmet:
        errors += _met_on_purpose(found, sets, work, case, holds, tally, len(unmet))
    found_more = len(errors) - plan.points * len(sets)
    return plan, tuple(max(seen) for seen in zip(*errors, strict=True)), found_more, tally.counted


def _met_moving(found: Derivation, sizes: Sizes, tally: Tally) -> list[list[float]]:
    """What comes of comparing at points at other scales, up to one at which the derivative is not 0."""
    errors, known = list[list[float]](), len(found.steps) == 1 and found.result == 0
    for point in () if known else other_scales(found.graph, sizes, found.wrt):
        try:
            errors.append(_compare(found, point, partial(_entries_at, count=FEWEST, chance=random.Random(0)), tally))
        except (_Lost, _NoValue):
            continue
        if tally.moved:
            break
    return errors


def _met_on_purpose(
    found: Derivation, sets: Sequence[Sizes], work: Work, case: Case, holds: bool, tally: Tally, among: int
) -> list[list[float]]:
    """What comes of comparing at a point sought for one side of a case; nothing where none is found.

    What is found nowhere is not sought under conditions as well, nor for another derivation of the graph; and what was found for
    one is tried first for the next.  A point at which the lines cannot be told apart is not compared at again for another case.
    """
    graph, number = found.graph, tally.cases.index(case)
    known: dict[Any, Evaluator | None] = remembered(graph, "sought", dict)
    lost: dict[Any, Evaluator] = remembered(graph, ("lost", found.of, found.wrt, found.steps), dict)
    asked = (case.key, case.condition, holds)
    bare = (case.key, S.One, holds)
    if tally.met(number, holds) or any(known.get(key, found) is None for key in (bare, asked)):
        return []

    def cost(sizes: Sizes) -> int:
        return work.cost(Evaluator(sizes, {}, graph)).at(FEWEST)

    most = max(AMPLE, 2 * max(map(cost, sets)))

    wanted = Sought(graph, case, holds, found.indices, found.wrt)
    before = known.get(asked)
    candidates = chain(
        [before] if before and wanted.suits(before) else [], sought(wanted, sets, lambda sizes: cost(sizes) <= most, among)
    )
    for point in islice(candidates, ATTEMPTS):
        total = math.prod(point.size(i.size) for i in found.indices)
        count = _entries(work.cost(point), total, AMPLE // 4)
        there = places(point, found.indices, case, holds)
        grid = _entries_at(found, point, count, random.Random(0), there)
        place = id(point), tuple(np.asarray(values).tobytes() for values in grid.values())
        if place in lost:  # the same lines at the same entries: for another case, or found in another way
            continue
        try:
            errors = _compare(found, point, lambda *_, grid=grid: grid, tally)
        except (_Lost, _NoValue):
            lost[place] = point
            continue
        if tally.met(number, holds):
            known[asked] = point
            return [errors]
    known[asked] = None
    return []


# ---------------------------------------------------------------- how much is compared


@dataclass(frozen=True)
class ComparisonPlan:
    """At how many points, for each set of sizes, lines are compared, and for each set at how many entries."""

    points: int
    entries: tuple[int, ...]
    partly: tuple[int, ...]
    """The sets of sizes, by number, at which these are not all entries."""


def _work(found: Derivation) -> Work:
    """What it is to evaluate the lines of a derivation."""
    lines = Work(found.graph, frozenset(found.indices))
    for term in (found.subject, *(step.line for step in found.steps)):
        lines.add(term)
    return lines


def _plan(found: Derivation, lines: Work, sets: list[Evaluator]) -> ComparisonPlan:
    """All entries at all points where that is no more than ample work, else fewer entries, then fewer points.

    Raises DeriveError where the fewest are too many.
    """
    whole = Work(found.graph)
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


def _entries_at(
    found: Derivation, point: Evaluator, count: int, chance: random.Random, among: Sequence[Any] = ()
) -> dict[Index, Any]:
    """The entries to compare: for each index of a derivative, its value in each of them.

    Where not all are taken, they are the first, the last, some of those `among` which a case is met, and others drawn so that
    indices over one axis often are equal.
    """
    shape = [point.size(i.size) for i in found.indices]
    if math.prod(shape) <= count:
        return dict(zip(found.indices, np.unravel_index(np.arange(math.prod(shape)), shape), strict=True)) if shape else {}
    rows = [[0] * len(shape), [n - 1 for n in shape], *(list(among[k]) for k in _spread(len(among), chance))]
    while len(rows) < count:
        shared = {n: chance.randrange(n) for n in shape}
        often = 0.9 if len(rows) % 2 else 0.5
        rows.append([shared[n] if chance.random() < often else chance.randrange(n) for n in shape])
    return dict(zip(found.indices, np.array(rows).T, strict=True))


def _spread(length: int, chance: random.Random) -> list[int]:
    """Some of so many numbers."""
    return sorted(chance.sample(range(length), min(length, FEWEST // 2)))


# ---------------------------------------------------------------- numeric

Entries = Callable[[Derivation, Evaluator], dict[Index, Any]]
"""The entries of a derivative that are compared at a point."""


class _Lost(Exception):
    """Whether lines differ at this point cannot be told, however many digits there are."""


class _NoValue(ProofError):
    """A line has no value at a point at which the definitions have one."""


def _compared(found: Derivation, drawn: Callable[[int], Evaluator], seed: int, entries: Entries, tally: Tally) -> list[float]:
    """How far each line is from the one before it, at the point with this seed, or at another where that cannot be told."""
    for attempt in range(ATTEMPTS):
        try:
            return _compare(found, drawn(seed + attempt * SMALLER), entries, tally)
        except _Lost:
            continue
    raise ProofError(
        said(
            "No point is found at which the lines of the derivation of {gradient_name} can be compared.",
            gradient_name=gradient_name(found.of, found.wrt),
        ),
        hint="Where entries of a max are equal whatever the values are, let each stand in it once: "
        "max(… for a in n for b in n if a < b)."
        if any(node.expr.has(Largest, ArgMax) for node in found.graph.nodes)
        else "",
    )


def _compare(found: Derivation, point: Evaluator, entries: Entries, tally: Tally) -> list[float]:
    """How far each line is from the one before it, at a point, which is counted; raises at the first that differs."""
    grid = entries(found, point)
    here = replace(point, memo={})
    errors, before = [], here.on(grid, found.subject)
    for number, step in enumerate(found.steps, 1):
        if stray := free_indices(step.line) - set(found.indices):
            raise _unequal(found, point, number, said("the index {name} is bound nowhere", name=min(i.name for i in stray)))
        lines = (found.steps[number - 2].line if number > 1 else found.subject, step.line)
        try:
            after = here.on(grid, step.line)
            gap = _refined(_distance(before, after), point, partial(_both, lines, grid))
        except Undecided:
            raise _Lost from None
        except DomainError as undefined:
            raise _unequal(found, point, number, undefined.message, _NoValue) from None
        if gap.differs:
            raise _unequal(found, point, number, said("the two differ by {error}", error=shown(gap.relative, 3)))
        errors.append(float(gap.relative))
        before = after
    tally.add(here, grid)
    tally.moved = tally.moved or bool(np.any(np.asarray(before) != 0))
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
        gap = _refined(_distance(*both(point)), point, both)
    except _Lost:  # each entry of it has been compared
        return
    if gap.differs:
        raise _unequal(
            found,
            point,
            len(found.steps),
            said("along {moved} the two differ by {error}", moved=moved.tolist(), error=shown(gap.relative, 3)),
        )


def _refined(gap: Gap, point: Evaluator, both: Callable[[Evaluator], tuple[Any, Any]]) -> Gap:
    """How far two arrays are apart, in so many digits that it is known whether they are at all.

    What rounding errs by vanishes as the digits grow; of what is equal, that is all there is.  Raises _Lost where it does not.
    """
    first = gap.absolute
    for _ in range(REFINED):
        if gap.differs or gap.relative < TOLERANCE:
            return gap
        point = point.finer
        gap = _distance(*both(point))
    if gap.differs or gap.relative < TOLERANCE:
        return gap
    if not gap.absolute / first < TOLERANCE:
        raise _Lost
    return replace(gap, relative=gap.absolute / first)


def _unequal(found: Derivation, point: Evaluator, number: int, wrong: str, kind: type[ProofError] = ProofError) -> ProofError:
    step, name = found.steps[number - 1], gradient_name(found.of, found.wrt)
    does_not_follow = said(
        "Line {number} of the derivation of {gradient_name} does not follow from the line before it.",
        number=number,
        gradient_name=name,
    )
    has_no_value = said(
        "Line {number} of the derivation of {gradient_name} has no value where the line before it has one.",
        number=number,
        gradient_name=name,
    )
    return kind(
        has_no_value if kind is _NoValue else does_not_follow,
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
    """How far two arrays are apart at most, over the entries compared, and that relative to their size."""

    absolute: Any
    relative: Any
    differs: bool = False
    """Whether some entries certainly differ, or have no number."""


def _distance(a: Any, b: Any) -> Gap:
    """The largest |a − b|, and |a − b| / (s + |a|) with s = 1, or the size of the largest entry if that is less."""
    pairs = list(zip(np.ravel(a), np.ravel(b), strict=True))
    gaps = [most_apart(x, y) for x, y in pairs]
    if any(gap.is_nan() for gap in gaps):
        return Gap(NOTHING, NOTHING, differs=True)
    if all(gap == 0 for gap in gaps):
        return Gap(real(0), real(0))
    sizes = [most_apart(x, 0) for x, _ in pairs]
    small = min(real(1), max(*sizes, *(most_apart(y, 0) for _, y in pairs)))
    relative = max((gap / (small + size)).mid() for gap, size in zip(gaps, sizes, strict=True))
    return Gap(max(gaps), relative, any(apart(x, y) for x, y in pairs))


def _equal(point: Evaluator, both: Callable[[Evaluator], tuple[Any, Any]]) -> bool:
    """Whether two arrays are equal at a point, as far as can be told there."""
    try:
        return not _refined(_distance(*both(point)), point, both).differs
    except _Lost:
        return False


def _sizes_text(point: Evaluator) -> str:
    return ", ".join(f"{s} = {n}" for s, n in point.sizes.items()) or "(scalars)"


# ---------------------------------------------------------------- beside the lines

FORMS_AGREE = 1e-6
"""A matrix form in float64 is the result where it differs by no more, relative to its size."""

FORM_POINTS = 3
"""A form that differs is looked at in so many points, for rounding may be all it is."""


def _show_beside(found: Derivation, plan: ComparisonPlan) -> None:
    """Show that the matrix form and the cases of a result are what it is, at a point of each set of sizes at least.

    Raises ProofError where they are not.
    """
    for which, sizes in enumerate(sets_with_values(found.graph)):
        choose = partial(_entries_at, count=plan.entries[which], chance=random.Random(f"{which} 0"))
        if found.form is not None and not _some(found, sizes, which, partial(_form_agrees, found, choose)):
            raise _not_shown(found, said("The matrix form"))
        if found.cases is not None and not _some(found, sizes, which, partial(_cases_agree, found, choose)):
            raise _not_shown(found, said("The form by cases"))


def _some(found: Derivation, sizes: Sizes, which: int, agrees: Callable[[Evaluator], bool]) -> bool:
    return any(agrees(random_point(found.graph, sizes, seed, which)) for seed in range(FORM_POINTS))


def _form_agrees(found: Derivation, entries: Entries, point: Evaluator) -> bool:
    """Whether the matrix form is the result at a point; it has to be an array of its axes."""
    grid = entries(found, point)
    try:
        form = np.asarray(form_value(found, floats_at(point, found)), dtype=float)
    except (DeriveError, KeyError, ValueError):
        return False
    if form.shape != tuple(point.size(i.size) for i in found.indices):
        return False
    return difference(point.on(grid, found.result), form[tuple(grid[i] for i in found.indices)]) <= FORMS_AGREE


def _cases_agree(found: Derivation, entries: Entries, point: Evaluator) -> bool:
    """Whether the two cases are the result at the entries of a point, which meet both."""
    return _equal(point, partial(_both, (found.result, cases_term(found)), entries(found, point)))


def proved_entries(proved: Proved) -> dict[tuple[int, ...], Any]:
    """The entries of a result whose axes have fixed sizes, each with its sums written out, shown to be those of the result.

    Raises ProofError where they are not.
    """
    found = proved.derivation
    point = random_point(found.graph, sets_with_values(found.graph)[0])
    shape = tuple(point.size(i.size) for i in found.indices)
    terms = {entry: written_out(found.result, found.indices, entry) for entry in np.ndindex(shape)}

    def both(point: Evaluator) -> tuple[Any, Any]:
        return point.array(found.result, found.indices).ravel(), np.stack([point.array(term) for term in terms.values()])

    if not _equal(point, both):
        raise _not_shown(found, said("An entry"))
    return terms


def _not_shown(found: Derivation, what: str) -> ProofError:
    return ProofError(
        said("{what} of {gradient_name} is not what was derived.", what=what, gradient_name=gradient_name(found.of, found.wrt))
    )
