"""The functions of a CPU module that Numba compiles: those of regions, and for each public function one for one thread and one
for all, which call the same regions and add up what the threads leave.

How much work makes threads worth their start is estimated from the loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Mul

from derive.calculus.terms import Element
from derive.kernels.cpu.looped import KNOWN, LANES, RegionFunction, region_function
from derive.kernels.cpu.regions import added
from derive.kernels.cpu.schedule import Region, Scalars
from derive.kernels.cpu.segments import Plan, Segment
from derive.kernels.program.memory import sizes_in
from derive.kernels.program.simple import weight
from derive.kernels.program.statements import NEUTRAL
from derive.kernels.text.legal import NUMERIC, Level, checked
from derive.kernels.text.python import function_lines
from derive.kernels.text.scope import SIZES, Scope
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Cast,
    Do,
    Expression,
    Function,
    If,
    Line,
    Loop,
    Name,
    Number,
    Operation,
    Property,
    Reshaped,
    Return,
    Several,
    Whole,
    at,
    call,
    called,
    compared,
    plus,
    rounded_up,
    times,
    undefined,
)

THREADS_FROM, THREADS_BESIDE = 150_000, 100_000_000
"""From how many tenths of a nanosecond of work on more than one thread is worth its start: 15 µs; and 10 ms where the matrix
products of a BLAS come between, whose threads are held up by ours, which wait for more work without sleeping.
"""


def _entry(e: Element) -> Expression:
    """A number, or the entry of an array at a given place."""
    return at(e.name, *(Cast("uint64", SIZES.place(i)) for i in e.indices)) if e.indices else Name(e.name)


@dataclass(frozen=True)
class Compiled:
    """The functions of some runs for Numba, those that they call before them: how each is compiled, and its tree.

    `arguments` are those of the two that Python calls, with the tensor or size that each is, `made` the numbers that they
    return; for each run there is how much work it is, or None where there is nothing for threads.
    """

    name: str
    functions: tuple[tuple[str, Function], ...]
    arguments: Mapping[str, str]
    made: tuple[str, ...]
    works: tuple[Any, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple("\n".join([kind, *function_lines(f)]) for kind, f in self.functions)

    @property
    def code(self) -> tuple[str, ...]:
        """The functions of regions; where there are none, the one for one thread."""
        of = REGION if any(kind == REGION for kind, _ in self.functions) else SERIAL
        return tuple(text for text, (kind, _) in zip(self.texts, self.functions, strict=True) if kind == of)

    @property
    def calls(self) -> frozenset[str]:
        return frozenset().union(*(called(*f.body) for _, f in self.functions))


REGION = "@njit(pipeline_class=Apart, **INSIDE)"
SERIAL = "@_kept\n@njit(**OPTIONS)"
PARALLEL = "@_kept\n@njit(parallel=True, **OPTIONS)"
"""How functions are compiled."""


IN_RUN = Level((Assign, Loop, If, Do, Return), (*NUMERIC, Reshaped, Several), KNOWN)
"""What the two functions around regions may have: they write nothing themselves."""


# ---------------------------------------------------------------- runs


@dataclass(frozen=True)
class _Runs:
    """The runs of a public function while their two functions are made."""

    name: str
    runs: tuple[Segment, ...]
    plan: Plan
    dtype: str
    tests: tuple[Expression, ...]
    regions: Mapping[Region, RegionFunction]

    @property
    def several(self) -> bool:
        return len(self.runs) > 1

    @property
    def made(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for run in self.runs for n in run.made))

    @property
    def given(self) -> dict[str, str]:
        """What the numbers are called as arguments: real ones become numbers of the kernel's type."""
        numbers = [n for run in self.runs for n in run.numbers if n not in self.made] + [*(self.made if self.several else ())]
        return {n: n if n in self.plan.whole else f"{n}__given" for n in numbers}

    @property
    def shared(self) -> tuple[bool, ...]:
        """For each run whether there is something for threads."""
        return tuple(any(isinstance(stage, Region) and stage.outer is not None for stage in run.stages) for run in self.runs)

    @property
    def sizes(self) -> set[str]:
        """The sizes of what is computed without a loop, of which the lines may read none."""
        numbers = [s for run in self.runs for stage in run.stages if isinstance(stage, Scalars) for s in stage.statements]
        return sizes_in(*(t for s in numbers for t in (s.term, s.guard, *s.axes)))

    def block(self, k: int, parallel: bool) -> list[Line]:
        """The lines of one run."""
        run, made, given = self.runs[k], self.made, self.given
        lines: list[Line] = [Assign(n, Cast(self.dtype, Name(given[n]))) for n in run.numbers if given[n] != n]
        lines += _tested(self.tests, [zero(n, self.plan) for n in made]) if k == 0 else []
        for stage in run.stages:
            if isinstance(stage, Scalars):
                lines += _numbers(stage, self.dtype)
            else:
                lines += _region_call(self.regions[stage], self.dtype, parallel)
        if not self.several:
            return [*lines, Return((ZERO, *map(Name, made)))]
        known = [Cast("int64" if n in self.plan.whole else "float64", Name(n if n in run.made else given[n])) for n in made]
        return [*lines, Return((ZERO, *known))]

    def blocks(self, parallel: bool) -> list[Line]:
        """The lines of all runs, or of those that threads share; which of several is wanted is an argument."""
        chosen = [k for k in range(len(self.runs)) if self.shared[k] or not parallel]
        lines: list[Line] = [Assign("threads", ONE)] if not parallel and any(self.shared) else []
        lines += [If(compared(Name("run"), "==", Whole(k)), tuple(self.block(k, parallel))) for k in chosen[:-1]]
        return [*lines, *(self.block(chosen[-1], parallel) if chosen else [])]


def compiled(name: str, runs: Sequence[Segment], plan: Plan, dtype: str, tests: Sequence[Expression]) -> Compiled:
    """The functions of some runs: their regions, and two that compute one of the runs, on one thread and on all.

    Both return a status and the numbers that the runs make.  Of several runs they are told which, and given the numbers that are
    made already.  The first run is preceded by the tests: the first status that is not 0 is returned, and nothing done.
    """
    runs = [replace(r, stages=tuple(_at_once(s, r) if isinstance(s, Region) else s for s in r.stages)) for r in runs]
    stages = (stage for run in runs for stage in run.stages if isinstance(stage, Region))
    regions = {stage: region_function(f"{name}_region{k}", stage, plan, dtype) for k, stage in enumerate(stages)}
    made = _Runs(name, tuple(runs), plan, dtype, tuple(tests), regions)
    serial, parallel = made.blocks(parallel=False), made.blocks(parallel=True) if any(made.shared) else []
    wanted = undefined(*serial) | made.sizes
    arrays = [n for n in plan.memory if n in wanted]
    sizes = {n: _size_source(n, arrays, plan) for n in sorted(wanted.intersection(map(str, plan.program.graph.sizes)))}
    head = [Assign(n, source) for n, source in sizes.items() if source]
    numbers = {as_given: n for n, as_given in made.given.items() if as_given in wanted}
    arguments = {n: n for n in arrays} | numbers | {n: n for n, source in sizes.items() if not source}
    run = ("run",) if made.several else ()
    functions = [(REGION, region.function) for region in regions.values()]
    if runs:
        functions.append((SERIAL, checked(Function(f"{name}_serial", (*run, *arguments), (*head, *serial)), IN_RUN)))
    if parallel:
        taken = (*run, *arguments, "threads")
        functions.append((PARALLEL, checked(Function(f"{name}_parallel", taken, (*head, *parallel)), IN_RUN)))
    works = tuple(_work(run) if threads else None for run, threads in zip(runs, made.shared, strict=True))
    return Compiled(name, tuple(functions), arguments, made.made, works)


def _tested(tests: Iterable[Expression], nothing: Sequence[Expression]) -> list[Line]:
    """The lines that return the first status that is not 0."""
    refused = If(Name("status"), (Return((Name("status"), *nothing)),))
    return [line for test in tests for line in (Assign("status", test), refused)]


def zero(name: str, plan: Plan) -> Expression:
    """What stands for a number that is not made yet."""
    return ZERO if name in plan.whole else Number(0.0, "float64")


def _numbers(stage: Scalars, dtype: str) -> list[Line]:
    """The lines that compute numbers."""
    lines: list[Line] = []
    for s in stage.statements:
        scope = Scope(dtype, _entry)
        value = scope.value(s.term)
        lines += [*scope.lines, Assign(s.name, value)]
    return lines


def _size_source(name: str, arrays: Iterable[str], plan: Plan) -> Expression | None:
    """Where a size is read: from the shape of an array; None where it has to be given."""
    for array in arrays:
        for k, axis in enumerate(plan.memory[array]):
            if axis.is_Symbol and axis.name == name:
                return at(Property(Name(array), "shape"), Whole(k))
    return None


def _at_once(region: Region, run: Segment) -> Region:
    """A region over an axis that is also one of the loops inside another, which then has far more to do: without threads."""
    others = [r for r in run.stages if isinstance(r, Region) and r is not region]
    inner = {i.size for r in others for nest in r.nests for i in nest.loops if i != r.outer}
    flat = region.outer is not None and region.outer.size in inner and all(s.loops == {region.outer} for s in region.statements)
    return replace(region, outer=None, kind="once") if flat else region


def _region_call(r: RegionFunction, dtype: str, parallel: bool) -> list[Line]:
    """The lines that call a region, once for each thread, and add up what the threads leave."""
    function, threads, thread = r.function, Name("threads"), Name("thread")
    if r.count is None:
        found = [(s, at("totals", Whole(k))) for k, s in enumerate(r.totals)]
        results = [Assign(s.name, Cast("int64", entry) if s.entry.is_integer else entry) for s, entry in found]
        return [*_memory(r, dtype, ()), Do(call(function.name, *map(Name, function.arguments))), *results]
    lines: list[Line] = []
    low: Expression
    high: Expression
    if r.width is not None:
        share = times(rounded_up(r.count, Brackets(times(Whole(LANES), threads))), Whole(LANES))
        lines += [Assign("width", r.width), Assign("share", share)]
        low, high = (call("min", times(k, Name("share")), r.count) for k in (thread, Brackets(plus(thread, ONE))))
    else:
        low, high = (Operation("//", times(r.count, k), threads) for k in (thread, Brackets(plus(thread, ONE))))
    lines += [Assign("past", r.past)] if r.past else []
    passed = {"first": low, "last": high} | {memory: at(memory, thread) for memory in ("scratch", "places", "totals")}
    one = Do(call(function.name, *(passed.get(a, Name(a)) for a in function.arguments)))
    lines += [*_memory(r, dtype, (threads,)), Loop("thread", threads, (one,), shared=parallel)]
    for k, s in enumerate(r.totals):
        more = Assign(s.name, added(s.kind, Name(s.name), at("totals", thread, Whole(k))))
        lines += [Assign(s.name, SIZES.value(NEUTRAL[s.kind])), Loop("thread", threads, (more,))]
    for s, start in r.parts:
        whole = Reshaped(Name(s.name), (Whole(-1),)) if len(s.axes) > 1 else Name(s.name)
        lines.append(Do(call(f"join_{s.kind}", whole, Name("scratch"), Cast("int64", start))))  # a literal would be a type
    return lines


def _memory(r: RegionFunction, dtype: str, threads: tuple[Expression, ...]) -> list[Line]:
    """The memory that a region needs, for each of several threads."""
    rooms = (
        ("scratch", r.scratch, (Name(dtype),)),
        ("places", r.places, (Name("np.int64"),)),
        ("totals", Whole(len(r.totals)) if r.totals else None, ()),
    )
    return [
        Assign(name, call("np.empty", Several((*threads, room)) if threads else room, *kind))
        for name, room, kind in rooms
        if room is not None
    ]


def _work(run: Segment) -> Any:
    """About how long a segment takes, in tenths of a nanosecond, on one thread: a polynomial in the sizes."""
    total: list[Any] = []
    for stage in run.stages:
        if isinstance(stage, Region):
            for nest in stage.nests:
                loops = {*nest.loops, *([stage.outer] if stage.outer is not None else [])}
                cost = sum(1 + weight(s.term) // 4 + len(s.entries) for s in nest.statements)
                total.append(cost * Mul(*[i.size for i in loops]))
    return Add(*total).expand()
