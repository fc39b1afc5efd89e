"""Launches: *how* a program of simple assignments is computed on a GPU, one kernel after the other.

    RowLaunch      for each row a group of threads, which share what runs along it and add up across one another
    CellLaunch     for each entry one thread
    ScalarLaunch   one group of threads: what the threads before have left is added up, and numbers are made of it
    MatrixProduct  a call of the array library

Rows are the kernels of softmax and the norms: as many statements as the same rows serve stand in one of them, so that a row
is read once.  Everything else is Cells: maps of any shape, sums down a column, windows, scattered sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Mul

from derive.calculus.terms import Element, Index, free_indices, walk
from derive.kernels.program.memory import Staged
from derive.kernels.program.program import Program
from derive.kernels.program.simple import product_axes
from derive.kernels.program.statements import ARGMAX, LARGEST, MAP, SUM, MatrixProduct, Statement, nested, read_by, statements

Axes = tuple[Index, ...]


@dataclass(frozen=True)
class RowLaunch:
    """For each value of `outer` a row, along which `inner` runs: nests of statements, one after the other.

    A statement is a map along the row or of one entry for each row, a sum along the row (read by the nests behind it), or
    a sum over all rows.
    """

    outer: Axes
    inner: Axes
    nests: tuple[tuple[Statement, ...], ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(s for nest in self.nests for s in nest)

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)

    @property
    def totals(self) -> tuple[Statement, ...]:
        """The numbers that all rows add up to."""
        return tuple(s for s in self.statements if s.kind != MAP and not s.indices and self.outer)

    @property
    def columns(self) -> tuple[Statement, ...]:
        """The tensors along a row that all rows add up to."""
        return tuple(s for s in self.statements if s.kind != MAP and s.indices and set(s.over) == set(self.outer))


@dataclass(frozen=True)
class CellLaunch:
    """For each value of `loops` one thread, which goes through `over`: maps, and sums of which each is one thread's own; or
    maps and sums over all `loops`; or one scattered sum.
    """

    loops: Axes
    over: Axes
    statements: tuple[Statement, ...]

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)

    @property
    def totals(self) -> tuple[Statement, ...]:
        """The numbers that all threads add up to."""
        return tuple(s for s in self.statements if s.kind != MAP and not s.indices and not self.over and not s.scatter)

    @property
    def sums(self) -> tuple[Statement, ...]:
        """The sums that are one thread's own."""
        return tuple(s for s in self.statements if self.over and not s.scatter)


@dataclass(frozen=True)
class ScalarLaunch:
    """Numbers: `totals`, which the launches before have left in parts, and what is made of them."""

    totals: tuple[Statement, ...]
    statements: tuple[Statement, ...]

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)


Launch = RowLaunch | CellLaunch | ScalarLaunch | MatrixProduct


@dataclass(frozen=True)
class Launches(Staged):
    """A program's launches in order."""

    stages: tuple[Launch, ...]


def launches(program: Program) -> Launches:
    """The launches of a program: matrix products and numbers as soon as they can be computed, and then rows before cells."""
    waiting = [s.summed if isinstance(s, MatrixProduct) and not _laid_out(s) else s for s in statements(program)]
    done = {i.name for i in program.inputs}
    stages: list[Launch] = []
    while waiting:
        ready = [s for s in waiting if s.reads <= done]
        product = next((s for s in ready if isinstance(s, MatrixProduct)), None)
        numbers = tuple(s for s in ready if isinstance(s, Statement) and not s.loops)
        found: list[Launch] = [ScalarLaunch((), numbers)] if numbers else [product] if product else _kernel(waiting, done)
        for stage in found:
            stages = _joined(stages, stage)
            done |= {stage.name} if isinstance(stage, MatrixProduct) else {s.name for s in stage.statements}
        waiting = [s for s in waiting if s.name not in done]
    return Launches(program, tuple(stages))


def _laid_out(product: MatrixProduct) -> bool:
    """Whether the library's matrix product takes the arrays as they lie."""
    return product_axes(product.entry, product.a, product.b, product.over) is not None


def _joined(stages: list[Launch], stage: Launch) -> list[Launch]:
    """The stages and one more; numbers stand with the numbers before them."""
    if stages and isinstance(stage, ScalarLaunch) and isinstance(last := stages[-1], ScalarLaunch):
        return [*stages[:-1], ScalarLaunch((*last.totals, *stage.totals), (*last.statements, *stage.statements))]
    return [*stages, stage]


def _kernel(waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> list[Launch]:
    """The next kernel, and the numbers that it leaves in parts."""
    choices = dict.fromkeys(axes for s in waiting if isinstance(s, Statement) and (axes := _row_axes(s)))
    groups = [(axes, _grown(*axes, waiting, done)) for axes in choices]
    (outer, inner), group = max(groups, key=lambda g: len(g[1]), default=(((), ()), []))
    sums = any(set(s.over) == set(inner) for s in group)
    if sums:
        nests = nested(group, lambda s: s.loops - {*outer}, lambda s: False)
        stage: RowLaunch | CellLaunch = RowLaunch(outer, inner, tuple(map(tuple, nests)))
    else:
        stage = _cells(waiting, done)
    return [stage, ScalarLaunch(stage.totals, ())] if stage.totals else [stage]


# ---------------------------------------------------------------- rows


def _row_axes(s: Statement) -> tuple[Axes, Axes] | None:
    """(outer, inner) of a sum along the rows of an array that it reads."""
    if s.kind in (MAP, ARGMAX) or s.scatter or not s.indices:
        return None
    along = [e for e in s.entries if e.indices[: len(s.indices)] == s.indices and set(e.indices[len(s.indices) :]) == set(s.over)]
    if not along:
        return None
    return s.indices, next(e.indices[len(s.indices) :] for e in sorted(along, key=str))


def _grown(outer: Axes, inner: Axes, waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> list[Statement]:
    """The statements that the same rows can compute, in order: one reads what was done before, or what its own row has."""
    group: list[Statement] = []
    own: dict[str, Element] = {}
    for s in waiting:
        if not isinstance(s, Statement) or s.scatter or s.kind == ARGMAX:
            continue
        if not all(e.name in done or own.get(e.name) == e for e in s.entries):
            continue
        over, along = set(s.over), (*outer, *inner)
        if s.kind == MAP:
            fits = s.entry.indices in (along, outer)
        elif over == set(inner):
            fits = s.entry.indices == outer
        else:
            fits = (over == set(outer) and s.entry.indices in (inner, ())) or (over == set(along) and not s.indices)
        if fits:
            group.append(s)
            if s.kind == MAP or over == set(inner):
                own[s.name] = s.entry
    return group


# ---------------------------------------------------------------- cells


def _cells(waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> CellLaunch:
    """The first kernel of cells that can be computed now, with all that fits into it."""
    first = next(s for s in waiting if isinstance(s, Statement) and s.reads <= done)
    if first.scatter:
        return CellLaunch(first.indices, first.over, (first,))
    if first.kind != MAP and (first.indices or first.kind == ARGMAX):
        return CellLaunch(first.indices, first.over, tuple(_alike(first, waiting, done)))
    loops = first.indices or _order(first)
    group: list[Statement] = []
    own: dict[str, Element] = {}
    for s in waiting:
        if not isinstance(s, Statement) or s.scatter or s.kind == ARGMAX or s.loops != set(loops):
            continue
        if not all(e.name in done or own.get(e.name) == e for e in s.entries):
            continue
        if s.entry.indices == loops or not s.indices:
            group.append(s)
            if s.kind == MAP:
                own[s.name] = s.entry
    return CellLaunch(loops, (), tuple(group))


def _alike(first: Statement, waiting: Sequence[Statement | MatrixProduct], done: set[str]) -> Iterable[Statement]:
    """The sums over the same loops for the same entries."""
    for s in waiting:
        alike = isinstance(s, Statement) and s.reads <= done and (s.indices, set(s.over)) == (first.indices, set(first.over))
        if isinstance(s, Statement) and alike and (s is first or (not {s.kind, first.kind} & {MAP, ARGMAX} and not s.scatter)):
            yield s


def _order(s: Statement) -> Axes:
    """The loops of a sum in the order of the largest array that it reads."""
    whole = [e.indices for e in sorted(s.entries, key=str) if set(e.indices) == s.loops and len(e.indices) == len(s.loops)]
    return whole[0] if whole else tuple(s.over)


# ---------------------------------------------------------------- rows too long to be kept


@dataclass(frozen=True)
class Running:
    """The largest entry along a row, and the sums of exponentials shifted by it, in one pass: whenever a larger one comes,
    what has been summed is scaled (Milakov and Gimelshein, 2018, "Online normalizer calculation for softmax").
    """

    largest: Statement
    sums: tuple[Statement, ...]


def unkept(rows: RowLaunch, kept: Iterable[str]) -> RowLaunch:
    """The same rows, where maps along a row are computed again by every nest that reads them but for those `kept`."""
    along = (*rows.outer, *rows.inner)
    known: dict[Element, Any] = {}
    nests = []
    for nest in rows.nests:
        new = []
        for s in nest:
            s = replace(s, term=walk(s.term, lambda t: known.get(t, t)))
            if s.kind == MAP and s.entry.indices == along:
                known[s.entry] = s.term
                if s.name not in kept:
                    continue
            new.append(s)
        nests.append(tuple(new))
    return RowLaunch(rows.outer, rows.inner, tuple(n for n in nests if n))


def running(nest: Sequence[Statement], behind: Sequence[Statement]) -> Running | None:
    """The first nest and the sums of the nest behind it in one pass, where that can be."""
    if len(nest) != 1 or nest[0].kind != LARGEST or not nest[0].indices:
        return None
    (largest,) = nest
    sums = [s for s in behind if s.kind == SUM and largest.name in s.reads]
    return Running(largest, tuple(sums)) if sums and all(_scales(s, largest.entry) for s in sums) else None


def _scales(s: Statement, largest: Element) -> bool:
    """Whether a sum's term is e^(u - m) and what does not know the largest entry m."""
    shifted = [f for f in Mul.make_args(s.term) if f.has(largest)]
    if len(shifted) != 1 or type(shifted[0]).__name__ not in ("exp", "exp_nonpositive"):
        return False
    rest = shifted[0].args[0] + largest
    return not rest.expand().has(largest) and bool(free_indices(rest) & set(s.over))
