"""Cells and numbers as CUDA kernels: for each entry one thread, and one group of threads for what is a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sympy import Mul

from derive.calculus.terms import Index, Inside, factors
from derive.kernels.cuda.launches import Axes, CellLaunch, ScalarLaunch
from derive.kernels.cuda.rows import map_kernel
from derive.kernels.cuda.threads import AT, COMBINED, OUT, OVER_ROW, PART, KernelText, ThreadBlock, ThreadPrinter, many, split
from derive.kernels.program.statements import ARGMAX, NEUTRAL, SUM, Statement, narrowed
from derive.kernels.text.scope import Scope, factor_code, indented


def cells_kernels(printer: ThreadPrinter, name: str, stage: CellLaunch) -> list[KernelText]:
    """The kernel of cells; two of a scattered sum, one that adds in any order and one that adds in the order of its loops."""
    (first, *_) = stage.statements
    if first.scatter:
        return [_scattered(printer, name, stage, ordered) for ordered in (False, True)]
    if stage.over:
        return [_summed(printer, name, stage)]
    return [map_kernel(printer, name, stage)]


def _threads(count: str, body: Sequence[str]) -> list[str]:
    return [
        f"for at__ in range(cuda.grid(1), {count}, cuda.gridsize(1)):",
        *indented(body),
    ]


def _summed(printer: ThreadPrinter, name: str, stage: CellLaunch) -> KernelText:
    """Each thread adds up an entry, or one of several slices of it."""
    block = ThreadBlock(printer, {}, {})
    (first, *_) = stage.statements
    scope = block.scope(stage.statements)
    opened, closed = [], []
    narrow = _narrowing(stage)
    guards = set(narrow.values())
    for s in stage.statements:
        start, target = scope.value(NEUTRAL[s.kind]), f"{s.name}{OUT}[slice__*count__ + cell__]"
        if s.kind == ARGMAX:
            value, best, at = scope.named(s.term), f"{s.name}__best", f"{s.name}__where"
            opened += [f"{best} = {start}", f"{at} = 0"]
            scope.lines += [
                f"if {value} > {best} or ({value} != {value} and {best} == {best}):",
                *indented([f"{best} = {value}", f"{at} = {s.over[0].name}"]),
            ]
            closed.append(f"{target} = {at}")
            continue
        value = scope.value(Mul(*[f for f in factors(s.term) if f not in guards]))
        opened.append(f"{s.name}__all = {start}")
        scope.lines.append(f"{s.name}__all = {scope.call(COMBINED[s.kind], f'{s.name}__all', value)}")
        closed.append(f"{target} = {s.name}__all")
    over = _over(first)
    loops = scope.lines
    for k, index in reversed(list(enumerate(over))):
        low, high = _bounds(index, narrow, block)
        step = ", slices__" if k == 0 else ""
        low = ("slice__" if low == "0" else f"{low} + slice__") if k == 0 else low
        loops = [f"for {index.name} in range({low}, {high}{step}):", *indented(loops)]
    cell = ["cell__ = at__ % count__", "slice__ = at__//count__", *split("cell__", stage.loops), *opened, *loops, *closed]
    lines = [f"count__ = {many(stage.loops)}", *_threads("count__*slices__", cell)]
    return printer.kernel(name, (), lines, block.used, "THREADS")


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


def _bounds(index: Index, narrow: Mapping[Index, Inside], block: ThreadBlock) -> tuple[str, str]:
    size = factor_code(index.size)
    if index not in narrow:
        return "0", size
    found = narrowed(narrow[index], index)
    assert found is not None
    scope = block.scope()
    slope, first, end = found[0], scope.place(found[1]), scope.place(found[2])
    if slope != 1:
        first, end = (f"-(-({code})//({scope.place(slope)}))" for code in (first, end))
    return f"max(0, {first})", f"min({size}, {end})"


def _scattered(printer: ThreadPrinter, name: str, stage: CellLaunch, ordered: bool) -> KernelText:
    """Each thread adds to the entries whose place it computes: one term, or all that share the other indices, in order."""
    (s,) = stage.statements
    block = ThreadBlock(printer, {}, {})
    scope = block.scope()
    inner = scope.inner()
    target = block.place(s.entry, printer.memory[s.name])
    value = inner.value(s.term)
    into = f"{s.name}{OUT}"
    put = f"{into}[{target}] += {value}" if ordered else inner.call("atomic_add", into, target, value)
    guards = [f"({scope.condition(g)})" for g in factors(s.guard) if g != 1]
    body = [*scope.lines, *([f"if {' and '.join(guards)}:", *indented([*inner.lines, put])] if guards else [*inner.lines, put])]
    loops = stage.loops if ordered else (*stage.over, *stage.loops)
    if ordered:
        for index in reversed(stage.over):
            body = [f"for {index.name} in range({factor_code(index.size)}):", *indented(body)]
    lines = _threads(many(loops), [*split("at__", loops), *body])
    return printer.kernel(f"{name}_{'ordered' if ordered else 'atomic'}", (), lines, block.used, "THREADS")


# ---------------------------------------------------------------- numbers


def numbers_kernel(printer: ThreadPrinter, name: str, stage: ScalarLaunch, wanted: Iterable[str]) -> KernelText:
    """One block of threads: parts added up, and what is made of them; `wanted` are the numbers that are left in memory."""
    used: set[str] = set()
    lines = ["t__ = cuda.threadIdx.x"]
    wide = Scope("float64", str)
    if stage.totals:
        lines.append("room__ = cuda.shared.array(ROOM, float64)")
    for s in stage.totals:
        combined, over = COMBINED[s.kind], OVER_ROW[s.kind]
        used |= {combined, over}
        lines += [
            f"{s.name}__all = {wide.value(NEUTRAL[s.kind])}",
            f"for k__ in range(t__, {s.name}__parts, THREADS):",
            f"    {s.name}__all = {combined}({s.name}__all, {s.name}{PART}[k__])",
            f"{s.name} = {printer.dtype}({over}({s.name}__all, room__, THREADS))",
        ]
    block = ThreadBlock(printer, {}, {}, used)
    scope = block.scope(stage.statements)
    for s in stage.statements:
        scope.lines.append(f"{s.name} = {scope.value(s.term)}")
        scope.variables[s.entry] = s.name
    kept = [f"{s.name}{AT}[0] = {s.name}" for s in (*stage.totals, *stage.statements) if s.name in wanted]
    lines += ["if t__ == 0:", *indented([*scope.lines, *kept])]
    return printer.kernel(name, (), lines, used, "THREADS")
