"""Cells and numbers as CUDA kernels: for each entry one thread, and one group of threads for what is a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sympy import Mul

from derive.calculus.terms import Index, Inside, factors
from derive.kernels.cuda.launches import Axes, CellLaunch, ScalarLaunch
from derive.kernels.cuda.rows import map_kernel
from derive.kernels.cuda.threads import (
    AT,
    COMBINED,
    COUNT,
    OUT,
    OVER_ROW,
    PART,
    SLICES,
    KernelText,
    ThreadBlock,
    ThreadPrinter,
    many,
    split,
)
from derive.kernels.program.statements import ARGMAX, NEUTRAL, SUM, Statement, narrowed
from derive.kernels.text.scope import Scope, larger, size_factor, variable_of
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Cast,
    Do,
    Expression,
    If,
    Increase,
    Line,
    Loop,
    Name,
    Operation,
    Store,
    at,
    call,
    compared,
    joined,
    plus,
    rounded_up,
    times,
)


def cells_kernels(printer: ThreadPrinter, name: str, stage: CellLaunch) -> list[KernelText]:
    """The kernel of cells; two of a scattered sum, one that adds in any order and one that adds in the order of its loops."""
    (first, *_) = stage.statements
    if first.scatter:
        return [_scattered(printer, name, stage, ordered) for ordered in (False, True)]
    if stage.over:
        return [_summed(printer, name, stage)]
    return [map_kernel(printer, name, stage)]


def _threads(count: Expression, body: Sequence[Line]) -> Loop:
    """The loop of a thread, which comes round where there are more places than threads."""
    return Loop("at__", count, tuple(body), call("cuda.grid", ONE), call("cuda.gridsize", ONE))


def _summed(printer: ThreadPrinter, name: str, stage: CellLaunch) -> KernelText:
    """Each thread adds up an entry, or one of several slices of it."""
    block = ThreadBlock(printer, {}, {})
    (first, *_) = stage.statements
    scope = block.scope(stage.statements)
    opened, closed = list[Line](), list[Line]()
    narrow = _narrowing(stage)
    guards = set(narrow.values())
    count, cell, one_slice = Name("count__"), Name("cell__"), Name("slice__")
    for s in stage.statements:
        start, all_of, where = scope.value(NEUTRAL[s.kind]), f"{s.name}__all", f"{s.name}__where"
        target = at(f"{s.name}{OUT}", plus(times(one_slice, count), cell))
        if s.kind == ARGMAX:
            best = f"{s.name}__best"
            scope.put(larger(scope.named(s.term), best, where, s.over[0]))
            opened += [Assign(best, start), Assign(where, ZERO)]
            closed.append(Store(target, Name(where)))
            continue
        value = scope.value(Mul(*[f for f in factors(s.term) if f not in guards]))
        opened.append(Assign(all_of, start))
        scope.put(Assign(all_of, call(COMBINED[s.kind], Name(all_of), value)))
        closed.append(Store(target, Name(all_of)))
    loops = _loops(_over(first), scope.lines, narrow, block)
    here = [Assign("cell__", Operation("%", Name("at__"), count)), Assign("slice__", Operation("//", Name("at__"), count))]
    each = _threads(times(count, Name(SLICES)), [*here, *split(cell, stage.loops), *opened, *loops, *closed])
    return printer.kernel(name, (), [Assign("count__", many(stage.loops)), each], "THREADS")


def _loops(over: Axes, body: Sequence[Line], narrow: Mapping[Index, Inside], block: ThreadBlock) -> Sequence[Line]:
    """Lines in the loops of a sum, of which the outermost is shared among the slices."""
    for index in reversed(over):
        low, high = _bounds(index, narrow, block)
        if index == over[0]:
            low = Name("slice__") if low == ZERO else plus(low, Name("slice__"))
        body = [Loop(index.name, high, tuple(body), low, Name(SLICES) if index == over[0] else None)]
    return body


def _over(s: Statement) -> Axes:
    """The indices of a sum, the last the one along which what it reads lies together."""
    return tuple(sorted(s.over, key=lambda i: sum(e.indices[-1].has(i) for e in s.entries if e.indices)))


def sliced(stage: CellLaunch) -> Index:
    """The index whose values are shared among the threads of one entry."""
    return _over(stage.statements[0])[0]


def _narrowing(stage: CellLaunch) -> dict[Index, Inside]:
    """The conditions that the ranges of loops see to; each by the innermost of its loops."""
    if len(stage.statements) > 1 or stage.statements[0].kind != SUM:
        return {}
    (s,) = stage.statements
    found: dict[Index, Inside] = {}
    for bracket in factors(s.term):
        index = next((i for i in reversed(_over(s)) if bracket.has(i)), None)
        if isinstance(bracket, Inside) and index is not None and narrowed(bracket, index):
            found.setdefault(index, bracket)
    return found


def _bounds(index: Index, narrow: Mapping[Index, Inside], block: ThreadBlock) -> tuple[Expression, Expression]:
    size = size_factor(index.size)
    if index not in narrow:
        return ZERO, size
    found = narrowed(narrow[index], index)
    assert found is not None
    scope = block.scope()
    slope, *ends = found
    first, end = map(scope.place, ends)
    if slope != 1:
        step = Brackets(scope.place(slope))
        first, end = (rounded_up(Brackets(place), step) for place in (first, end))
    return call("max", ZERO, first), call("min", size, end)


def _scattered(printer: ThreadPrinter, name: str, stage: CellLaunch, ordered: bool) -> KernelText:
    """Each thread adds to the entries whose place it computes: one term, or all that share the other indices, in order."""
    (s,) = stage.statements
    block = ThreadBlock(printer, {}, {})
    scope = block.scope()
    inner = scope.inner()
    target, into = block.place(s.entry, printer.memory[s.name]), f"{s.name}{OUT}"
    value = inner.value(s.term)
    inner.put(Increase(at(into, target), value) if ordered else Do(call("atomic_add", Name(into), target, value)))
    guards = [Brackets(scope.condition(g)) for g in factors(s.guard) if g != 1]
    body = [*scope.lines, *([If(joined("and", guards), tuple(inner.lines))] if guards else inner.lines)]
    loops = stage.loops if ordered else (*stage.over, *stage.loops)
    for index in reversed(stage.over if ordered else ()):
        body = [Loop(index.name, size_factor(index.size), tuple(body))]
    each = _threads(many(loops), [*split(Name("at__"), loops), *body])
    return printer.kernel(f"{name}_{'ordered' if ordered else 'atomic'}", (), [each], "THREADS")


# ---------------------------------------------------------------- numbers


def numbers_kernel(printer: ThreadPrinter, name: str, stage: ScalarLaunch, wanted: Iterable[str]) -> KernelText:
    """One block of threads: parts added up, and what is made of them; `wanted` are the numbers that are left in memory."""
    thread = Name("t__")
    lines: list[Line] = [Assign("t__", Name("cuda.threadIdx.x"))]
    if stage.totals:
        lines.append(Assign("room__", call("cuda.shared.array", Name("ROOM"), Name("float64"))))
    for s in stage.totals:
        lines += _added_up(s, printer.dtype)
    scope = ThreadBlock(printer, {}, {}).scope(stage.statements)
    for s in stage.statements:
        scope.put(Assign(s.name, scope.value(s.term)))
        scope.variables[s.entry] = Name(s.name)
    kept = [Store(at(f"{s.name}{AT}", ZERO), Name(s.name)) for s in (*stage.totals, *stage.statements) if s.name in wanted]
    lines.append(If(compared(thread, "==", ZERO), (*scope.lines, *kept)))
    return printer.kernel(name, (), lines, "THREADS")


def _added_up(s: Statement, dtype: str) -> list[Line]:
    """The lines that add up the parts of a number, in float64."""
    total, threads = Name(f"{s.name}__all"), Name("THREADS")
    more = Assign(total.name, call(COMBINED[s.kind], total, at(f"{s.name}{PART}", Name("k__"))))
    return [
        Assign(total.name, Scope("float64", variable_of).value(NEUTRAL[s.kind])),
        Loop("k__", Name(f"{s.name}{COUNT}"), (more,), Name("t__"), threads),
        Assign(s.name, Cast(dtype, call(OVER_ROW[s.kind], total, Name("room__"), threads))),
    ]
