"""Schedules: *how* a program of simple assignments is computed.

    MatrixProduct  one matrix product
    Region         a loop over one axis, whose passes do not wait for one another, around nests of loops
    Scalars        numbers, computed once

A region is of one of three kinds, by how it runs over its outer index: `rows`, one pass for each value, with vector loops inside;
`blocks`, blocks of values, which are the vector loops, innermost in every nest; or, without an outer index, `once`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from derive.calculus.terms import Index, Label, free_indices
from derive.kernels.program.memory import Staged
from derive.kernels.program.program import Program
from derive.kernels.program.simple import safe
from derive.kernels.program.statements import ARGMAX, MatrixProduct, Statement, nested, read_by, statements


@dataclass(frozen=True)
class Nest:
    """Loops in order, the outermost first (the region's own left out), around statements that share them."""

    loops: tuple[Index, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Region:
    """Nests, one after the other, for each value (or block of values) of the outer index."""

    outer: Index | None
    kind: str
    nests: tuple[Nest, ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(s for nest in self.nests for s in nest.statements)

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)

    @property
    def index(self) -> Index:
        """The outer index, where there is one."""
        assert self.outer is not None
        return self.outer


@dataclass(frozen=True)
class Scalars:
    """Numbers that no loop computes."""

    statements: tuple[Statement, ...]

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)


Stage = Region | Scalars | MatrixProduct


@dataclass(frozen=True)
class Schedule(Staged):
    """A program's stages in order."""

    stages: tuple[Stage, ...]


def schedule(program: Program) -> Schedule:
    """The stages of a program of simple assignments: matrix products and numbers as soon as they can be computed, and
    then as much as possible in one region.
    """
    waiting = statements(program)
    done = {i.name for i in program.inputs}
    stages: list[Stage] = []
    while waiting:
        ready = [s for s in waiting if s.reads <= done]
        first = next((s for s in ready if isinstance(s, MatrixProduct)), None)
        scalars = tuple(s for s in ready if isinstance(s, Statement) and not s.loops)
        if scalars:
            stage: Stage = Scalars(scalars)
        elif first is not None:
            stage = first
        else:
            stage = _region(waiting, done)
        names = {stage.name} if isinstance(stage, MatrixProduct) else {s.name for s in stage.statements}
        stages.append(stage)
        done |= names
        waiting = [s for s in waiting if s.name not in names]
    return Schedule(program, tuple(stages))


# ---------------------------------------------------------------- regions


def _region(waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> Region:
    """The largest region that can be computed now; of two equal ones, that over the leading axis."""
    ready = [s for s in waiting if isinstance(s, Statement) and s.reads <= done]
    choices = sorted({i for s in ready for i in s.loops}, key=lambda i: i.name)
    found = [_candidate(i, whole, waiting, done) for i in choices for whole in (True, False)]
    best = max((c for c in found if c.group), key=lambda c: c.rank, default=None)
    if best is None:
        return Region(None, "once", _nests(ready[:1], None))
    now = tuple(s for s in best.group if not _can_wait(s, best, waiting))
    best = replace(best, group=now or best.group)
    return Region(best.outer, best.kind, _nests(best.group, best.outer, blocked=best.kind == "blocks"))


def _can_wait(s: Statement, candidate: _Candidate, waiting: Sequence[Statement | MatrixProduct]) -> bool:
    """Whether a sum over a region's rows is better left to a later region, which reads the same rows anyway."""
    others = read_by(t for t in candidate.group if t is not s)
    if candidate.outer not in s.over or s.reads & others:
        return False
    dependent = {s.name}
    for t in waiting:
        dependent |= {t.name} if t.reads & dependent else set()
    later = (t for t in waiting if isinstance(t, Statement) and t.name not in dependent and t not in candidate.group)
    return any(t.loops == s.loops and s.reads <= t.reads for t in later)


@dataclass(frozen=True)
class _Candidate:
    """A region that could be next: the statements that one loop over `outer` can compute."""

    outer: Index
    group: tuple[Statement, ...]

    @property
    def kind(self) -> str:
        return "blocks" if self._last > 0 or self._flat else "rows"

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Blocks across rows jump through memory: only where nothing else will do.  Then what computes most; then rows."""
        return self.kind == "rows" or self._flat, len(self.group), -self._last

    @property
    def _flat(self) -> bool:
        return all(s.loops == {self.outer} for s in self.group)

    @property
    def _last(self) -> int:
        """How much more often the index stands last, among several, than first."""
        several = [e for s in self.group for e in (s.entry, *s.entries) if len(e.indices) > 1]
        return sum((e.indices[-1] == self.outer) - (e.indices[0] == self.outer) for e in several)


def _candidate(outer: Index, whole: bool, waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> _Candidate:
    """All that a loop over an index can compute, or what has no other loop."""
    flat = waiting if whole else [s for s in waiting if isinstance(s, Statement) and s.loops == {outer}]
    return _Candidate(outer, tuple(_grown(outer, flat, done)))


def _grown(outer: Index, waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> list[Statement]:
    """The statements that one loop over `outer` can compute, in order: a pass reads what this pass computed, or what was
    done before the loop.
    """
    group: list[Statement] = []
    inside: dict[str, int] = {}  # the place of the outer index in each tensor of the group
    for s in waiting:
        if not isinstance(s, Statement) or outer not in s.loops:
            continue
        here = all(e.name in done or (e.name in inside and e.indices[inside[e.name]] == outer) for e in s.entries)
        if not here:
            continue
        if outer in s.indices:
            inside[s.name] = s.entry.indices.index(outer)
            group.append(s)
        elif not s.scatter and s.kind != ARGMAX:
            group.append(s)
    return group


def _nests(group: Sequence[Statement], outer: Index | None, blocked: bool = False) -> tuple[Nest, ...]:
    """The statements in nests of loops."""

    def inner(s: Statement) -> frozenset[Index]:
        return s.loops if blocked else s.loops - {outer}

    return tuple(
        Nest(_loop_order(inner(nest[0]), nest, outer if blocked else None), tuple(nest))
        for nest in nested(group, inner, _guarded)
    )


def _guarded(s: Statement) -> bool:
    """Whether a statement has branches, or stands at a place that it computes."""
    return not safe(s.term) or s.scatter or s.kind == ARGMAX


def _loop_order(loops: frozenset[Index], statements: Sequence[Statement], last: Index | None) -> tuple[Index, ...]:
    """The loops of a nest: innermost the one along which most is contiguous, then what is summed, then the others."""
    if not loops:
        return ()
    if any(s.kind == ARGMAX for s in statements):  # the place of the largest is kept in a variable
        return (*sorted(loops - {*statements[0].over}, key=lambda i: i.name), *statements[0].over)
    inner = last if last is not None else max(sorted(loops, key=lambda i: i.name), key=lambda i: _contiguous(i, statements))
    target = statements[0]
    rest = sorted(loops - {inner}, key=lambda i: (i in target.over, _axis_place(i, target), i.name))
    return (*rest, inner)


def _axis_place(index: Index, target: Statement) -> int:
    return target.indices.index(index) if index in target.indices else len(target.indices)


def _contiguous(index: Index, statements: Iterable[Statement]) -> int:
    """How many accesses run along memory with an index, less those that jump."""
    score = 0
    for s in statements:
        for e in (s.entry, *s.entries):
            if e.indices and index in free_indices(e):
                score += 2 if e.indices[-1] == index or _shifted(e.indices[-1], index) else -1
    return score


def _shifted(place: Any, index: Index) -> bool:
    """Whether a place is this index and something that does not depend on it."""
    rest = place - index
    return not isinstance(place, Label) and not rest.has(index)
