"""Cases: what decides in a line between one value and another, and how often each side of it was met where lines are compared.

A bracket, the larger of two, the sign under an |·|, the condition of a `Where`: each is a test that holds or fails, over the
indices bound around it, and counts only where the conditions it stands under hold.  A mistake that shows on one side alone
is seen only if that side is met.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations, permutations
from itertools import product as cartesian
from typing import Any

import numpy as np
from sympy import Abs, Dummy, Integer, Mul, S, sign

from derive.calculus.functions import Named
from derive.calculus.kinks import guarded
from derive.calculus.terms import (
    CACHE,
    Adjoint,
    ArgMax,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Inside,
    Largest,
    Maximum,
    Positive,
    Where,
    close,
    factors,
    free_indices,
    names,
    never_negative,
    opened,
    reach,
    terms,
)
from derive.graphs.graph import Graph, Node
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError

Grid = Mapping[Index, Any]


@dataclass(frozen=True)
class Level:
    """Indices bound around a case, and those of further out that the binder's body depends on."""

    indices: tuple[Index, ...]
    free: frozenset[Index] = frozenset()


@dataclass(frozen=True)
class Case:
    """A test, a term that is 1 or 0, under a condition, inside binders, the outermost first.

    One that is not `needed` is looked for but not missed: whether the first entry is the largest.
    """

    test: Any
    condition: Any = S.One
    inside: tuple[Level, ...] = ()
    needed: bool = True
    branch: bool = False
    """Whether the condition is that of a branch that an author wrote, not only of the other factors in a product."""

    @property
    def tensors(self) -> frozenset[str]:
        """The tensors that decide it; none where indices and sizes alone do."""
        return names(self.test) | names(self.condition)

    def side(self, holds: bool) -> Any:
        """1 where it is met on this side, else 0; it is asked for nowhere else than under its condition."""
        test = self.test if holds else 1 - self.test
        return test if self.condition is S.One else Where(self.condition, test, S.Zero)

    def relation(self, holds: bool) -> Any:
        """What is said of a side: a condition."""
        return self.test if holds else _opposite(self.test)

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Those that it stands under, each said as it holds."""
        return tuple(f if isinstance(f, Bracket) else _opposite(1 - f) for f in factors(self.condition) if f is not S.One)

    def possible(self, holds: bool) -> bool:
        """Whether nothing says that it is never met on this side: the signs of its parts, or logic.

        The algebra that derivations are made with is not asked, for it is on trial.
        """
        return _possible(self.test if holds else 1 - self.test, self.condition, False)

    def reachable(self, holds: bool) -> bool:
        """Whether it is possible, also where comparisons of the same number are: not x > 2 and x < 1."""
        return not self._outside(holds) and _possible(self.test if holds else 1 - self.test, self.condition, True)

    def _outside(self, holds: bool) -> bool:
        """Whether it is that an index over an axis is equal to one that lies outside: k = i - j where 0 ≤ i - j < K fails."""
        all_hold = {*factors(self.condition), self.test if holds else 1 - self.test}
        equal = [(a, e) for d in all_hold if isinstance(d, Delta) for a, e in permutations(d.args) if isinstance(a, Index)]
        return any(1 - Inside(e, a.size) in all_hold for a, e in equal)

    @property
    def key(self) -> Any:
        """The test, whatever its indices are called."""
        return self.test.xreplace({i: Index("@", i.size) for i in self.test.atoms(Index)})


# ---------------------------------------------------------------- the cases in a term

MOST_PAIRED = 4
"""So many of the cases of a derivation are met in pairs."""


def cases_of(lines: Iterable[Any]) -> tuple[Case, ...]:
    """The cases in some lines, each once, and of those that numbers decide at one place each under both sides of another."""
    found = _distinct(case for line in lines for case in _cases(line))
    alone = [c for c in found if isinstance(c.test, Positive) and c.condition is S.One][:MOST_PAIRED]
    pairs = (
        replace(one, condition=side, needed=False)
        for one, other in permutations(alone, 2)
        if one.inside == other.inside
        for side in (other.test, 1 - other.test)
    )
    return _distinct((*found, *pairs))


def cases_between(graph: Graph, by: str, of: str) -> tuple[Case, ...]:
    """The cases in the definitions on all paths from a tensor to another: a line that names the derivative rests on them."""
    return _distinct(case for name in (*graph.way(by, of)[:-1], of) for case in _defining(graph, name))


def _defining(graph: Graph, name: str) -> tuple[Case, ...]:
    node = graph.members[name]
    if not isinstance(node, Node):
        return ()
    found = _cases(node.expr)
    return tuple(replace(c, inside=(Level(node.indices), *c.inside)) for c in found) if node.indices else found


def _distinct(found: Iterable[Case]) -> tuple[Case, ...]:
    """Cases that are decided by the same test under the same condition count once."""
    first: dict[Any, Case] = {}
    for c in found:
        first.setdefault((c.test, c.condition, tuple(level.indices for level in c.inside)), c)
    return tuple(first.values())


@lru_cache(maxsize=CACHE)
def _cases(term: Any) -> tuple[Case, ...]:
    """The cases in a term, with its functions written out."""
    if isinstance(term, (Index, Adjoint)) or not term.args:
        return ()
    if isinstance(term, Named):
        return _cases(term.unfolded)
    if isinstance(term, Deriv):
        return _cases(term.body)
    branch = isinstance(term, Where)
    found = [case for part, condition in guarded(term) for case in _under(_cases(part), condition, branch)]
    if isinstance(term, Binder):
        found = [replace(case, inside=(Level(term.indices, free_indices(term)), *case.inside)) for case in _cases(term.body)]
    return tuple(dict.fromkeys([*_own(term), *found]))


def _own(term: Any) -> list[Case]:
    """The case that a term decides itself, written the same way for a condition and its opposite."""
    if isinstance(term, Differ):
        return [Case(Delta(*term.args))]
    if isinstance(term, AtMost):
        return [Case(Below(*reversed(term.args)))]
    if isinstance(term, Positive):
        return _sign(term.args[0])
    if isinstance(term, Bracket):
        return [Case(term)]
    if isinstance(term, Maximum):
        return _sign(term.args[1] - term.args[0])
    if isinstance(term, (Abs, sign)):
        return _sign(term.args[0])
    if isinstance(term, Where) and term.args[0].is_Add and len(term.args[0].atoms(Bracket)) > 1:
        return [Case(term.args[0])]
    if isinstance(term, (ArgMax, Largest)) and len(term.indices) == 1:
        return [Case(Delta(close(ArgMax, *opened(term)), Integer(0)), needed=False)]
    return []


def _opposite(test: Any) -> Any:
    """The condition that holds where this one fails."""
    if isinstance(test, (Delta, Differ)):
        return (Differ if isinstance(test, Delta) else Delta)(*test.args)
    if isinstance(test, (Below, AtMost)):
        return (AtMost if isinstance(test, Below) else Below)(*reversed(test.args))
    return 1 - test


def _sign(gap: Any) -> list[Case]:
    return [] if gap.is_number else [Case(Positive(-gap if gap.could_extract_minus_sign() else gap))]


def _under(found: tuple[Case, ...], condition: Any, branch: bool) -> tuple[Case, ...]:
    if condition is S.One:
        return found
    return tuple(replace(c, condition=condition * c.condition, branch=branch or c.branch) for c in found)


MOST_ATOMS = 8
"""A condition of more comparisons than this is not looked through."""


@lru_cache(maxsize=CACHE)
def _possible(test: Any, condition: Any, thorough: bool) -> bool:
    """Whether a test may be 1 under a condition: for some truth of the comparisons in them, each taken for independent unless
    this is to be looked at thoroughly.
    """
    holds = isinstance(test, Bracket)
    bracket = test if holds else 1 - test
    if isinstance(bracket, Bracket) and holds is _never(bracket):
        return False
    same = {a: b for d in Mul.make_args(condition) if isinstance(d, Delta) for a, b in [d.args] if isinstance(a, Index)}
    both = _plain((test * condition).xreplace(same))
    both = both.xreplace(_known(both))
    atoms = sorted(both.atoms(Bracket), key=str)
    if len(atoms) > MOST_ATOMS:
        return True
    excluded = _excluded(atoms) if thorough else ()
    for truth in cartesian((0, 1), repeat=len(atoms)):
        consistent = not any(truth[a] == p and truth[b] == q for a, p, b, q in excluded)
        if consistent and both.xreplace(dict(zip(atoms, map(Integer, truth), strict=True))) != 0:
            return True
    return False


def _excluded(atoms: Sequence[Any]) -> list[tuple[int, int, int, int]]:
    """What two comparisons of one number exclude: (which, its truth, another, its truth)."""
    found = []
    for (a, one), (b, other) in combinations(enumerate(atoms), 2):
        if not (isinstance(one, Positive) and isinstance(other, Positive)):
            continue
        more, both = one.args[0] - other.args[0], one.args[0] + other.args[0]
        if more.is_number and more.is_nonnegative is not None:
            found.append((a, 0, b, 1) if more.is_nonnegative else (a, 1, b, 0))
        elif both.is_number and both.is_nonnegative is not None:
            found.append((a, 0, b, 0) if both.is_nonnegative else (a, 1, b, 1))
    return found


def _never(bracket: Any) -> bool | None:
    """Which side of a bracket its parts say is never met: that it holds, that it fails, or neither (None).

    What is not negative, and is smooth, is 0 at single points at most.
    """
    if isinstance(bracket, Positive):
        gap = _signed(bracket.args[0])
        smooth = not bracket.args[0].atoms(Maximum, Where, Bracket, Named, Largest)
        return True if gap.is_nonpositive else False if gap.is_positive or (smooth and gap.is_nonnegative) else None
    if isinstance(bracket, (Below, Delta)) and (ends := reach(bracket.args[0] - bracket.args[1])) is not None:
        low, high = ends
        if isinstance(bracket, Delta):
            return True if never_negative(low - 1) or never_negative(-high - 1) else None
        return True if never_negative(low) else False if never_negative(-high - 1) else None
    return None


def _known(term: Any) -> dict[Any, Any]:
    """What the arg max in a term say of themselves: the conditions that their entries stand under hold there."""
    found = {}
    for at in term.atoms(ArgMax):
        (index, *_), body = opened(at)
        if isinstance(body, Where) and body.args[2] == S.NegativeInfinity:
            for holds in map(_plain, Mul.make_args(body.args[0].xreplace({index: at}))):
                found.update({holds: S.One} if isinstance(holds, Bracket) else {1 - holds: S.Zero})
    return found


def _plain(term: Any) -> Any:
    """A term with functions and the larger of two in a comparison written out, and one of a condition and its opposite:
    [-a > 0] is 1 - [a > 0] but where a = 0.
    """
    if isinstance(term, Named):
        return _plain(term.unfolded)
    if isinstance(term, (Index, Element, Binder)) or not term.args:
        return term
    if isinstance(term, Differ):
        return 1 - Delta(*term.args)
    if isinstance(term, AtMost):
        return 1 - Below(*reversed(term.args))
    if isinstance(term, Positive):
        return _compared(_plain(term.args[0]))
    return term if isinstance(term, Bracket) else term.func(*map(_plain, term.args))


def _compared(gap: Any) -> Any:
    """[gap > 0] by comparisons without a max: [max(a, b) > c] where a > c or b > c."""
    for part in terms(gap):
        sign_of, largest = part.as_coeff_Mul()
        if isinstance(largest, (Maximum, Abs)) and abs(sign_of) == 1:
            a, b = largest.args if isinstance(largest, Maximum) else (largest.args[0], -largest.args[0])
            one, two = (_compared(gap - part + sign_of * c) for c in (a, b))
            return one * two if sign_of < 0 else one + two - one * two
    return 1 - Positive(-gap) if gap.could_extract_minus_sign() else Positive(gap)


@lru_cache(maxsize=CACHE)
def _signed(term: Any) -> Any:
    """A term of which SymPy knows what its parts say of its sign: the larger of two is not below either, a mean of squares is
    not negative.
    """
    if isinstance(term, Named):
        return _signed(term.unfolded)
    if isinstance(term, Maximum):
        a, b = map(_signed, term.args)
        known = next((q for q in ("positive", "nonnegative") if getattr(a, f"is_{q}") or getattr(b, f"is_{q}")), None)
        return Dummy(real=True, **({known: True} if known else {}))
    if isinstance(term, (Index, Element, Binder)) or not term.args:
        return term
    return term.func(*map(_signed, term.args)) if term.is_Add or term.is_Mul or term.is_Pow else term


# ---------------------------------------------------------------- how often a case is met


@dataclass(frozen=True)
class Counted:
    """At how many points, of those where lines were compared, a case was met on each side."""

    case: Case
    holding: int
    failing: int

    def missed(self, holds: bool) -> bool:
        """Whether it was met nowhere on a side, and might be, or is a branch that its author wrote."""
        if self.holding if holds else self.failing:
            return False
        case = self.case
        return case.needed and (case.possible(holds) if case.branch else case.reachable(holds))


def missed(counted: Sequence[Counted]) -> tuple[tuple[Case, bool], ...]:
    """The sides of cases that were met nowhere; where a condition is, what stands under it is not named as well."""
    found = [(c.case, holds) for c in counted for holds in (True, False) if c.missed(holds)]
    alone = {(case.key, holds) for case, holds in found if case.condition is S.One}
    never = {c.case for c in counted if not c.holding and not c.failing}
    named = {
        (case.key, case.condition, holds): (case, holds)
        for case, holds in found
        if case.condition is S.One or (case not in never and (case.key, holds) not in alone)
    }
    return tuple(named.values())


@dataclass
class Tally:
    """Cases, and at how many points each was met on its sides."""

    cases: tuple[Case, ...]
    counts: dict[tuple[int, bool], int] = field(default_factory=dict)
    moved: bool = False
    """Whether the derivative was other than 0 somewhere: where it is not, a factor that is wrong changes nothing."""

    def add(self, point: Evaluator, grid: Grid) -> None:
        """Count a point at which lines were compared over a grid."""
        for k, case in enumerate(self.cases):
            for holds, seen in zip((True, False), _sides(point, grid, case), strict=True):
                self.counts[k, holds] = self.counts.get((k, holds), 0) + seen

    @property
    def unmet(self) -> list[tuple[Case, bool]]:
        """The cases, each with a side, that were met at no point and might be; those under no condition first."""
        found = [(c, h) for k, c in enumerate(self.cases) for h in (True, False) if not self.met(k, h) and c.reachable(h)]
        return sorted(found, key=lambda pair: pair[0].condition is not S.One)

    def met(self, number: int, holds: bool) -> bool:
        return bool(self.counts.get((number, holds)))

    @property
    def counted(self) -> tuple[Counted, ...]:
        return tuple(Counted(c, self.counts.get((k, True), 0), self.counts.get((k, False), 0)) for k, c in enumerate(self.cases))


def _sides(point: Evaluator, grid: Grid, case: Case) -> tuple[bool, bool]:
    """Whether a case is met on its sides somewhere in a grid."""
    try:
        inner = opened_grid(point, case, grid)
        counts, test = np.asarray(point.evaluate(case.condition, inner)), np.asarray(point.evaluate(case.test, inner))
        return bool(np.any((counts == 1) & (test == 1))), bool(np.any((counts == 1) & (test == 0)))
    except (DomainError, ZeroDivisionError):  # where the condition fails, the test has no value
        return bool(np.any(met(point, grid, case, True) == 1)), bool(np.any(met(point, grid, case, False) == 1))


def met(point: Evaluator, grid: Grid, case: Case, holds: bool) -> Any:
    """Where, over a grid and the indices bound around it, a case is met on a side: an array of 1 and 0, the grid last.

    A case that has no value there is not met.
    """
    try:
        return np.asarray(point.evaluate(case.side(holds), opened_grid(point, case, grid)))
    except (DomainError, ZeroDivisionError):
        return np.asarray(0)


def opened_grid(point: Evaluator, case: Case, grid: Grid, kept: Index | None = None) -> dict[Index, Any]:
    """A grid inside the binders around a case: their indices along axes of their own, before those of the rest.

    Of the grid is kept what matters there, and the index `kept`.
    """
    inner, own = dict(grid), free_indices(case.test) | free_indices(case.condition)
    for level in case.inside:
        inner = {i: a for i, a in inner.items() if i in level.free or i in own or i is kept}
        depth = max((np.ndim(a) for a in inner.values()), default=0)
        for k, index in enumerate(level.indices):
            inner[index] = np.arange(point.size(index.size)).reshape((-1,) + (1,) * (depth + k))
    return inner


def full_grid(point: Evaluator, indices: tuple[Index, ...]) -> dict[Index, Any]:
    """All values of some indices, each along an axis of its own."""
    shape = (1,) * len(indices)
    return {i: np.arange(point.size(i.size)).reshape((*shape[:a], -1, *shape[a + 1 :])) for a, i in enumerate(indices)}


def places(point: Evaluator, indices: tuple[Index, ...], case: Case, holds: bool) -> Any:
    """The values of some indices at which a case is met on a side, a row for each; none where these do not decide."""
    found = met(point, full_grid(point, indices), case, holds) == 1
    around = free_indices(case.test) | free_indices(case.condition)
    around = around | case.inside[0].free if case.inside else around
    if not indices or around.isdisjoint(indices):
        return np.empty((0, len(indices)), dtype=int)
    shape = tuple(point.size(i.size) for i in indices)
    found = found.reshape((-1, *found.shape[found.ndim - len(shape) :])).any(axis=0)
    return np.argwhere(np.broadcast_to(found, shape))
