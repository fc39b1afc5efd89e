"""The CPU printer: a plan as functions that Numba compiles, and Python around them that checks what it is given.

For each public function there are one for one thread and one for all, which call the same regions; a region's text is printed by
`regions`.  How much work makes threads worth their start is estimated from the loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from sympy import Add, Mul

from derive.calculus.terms import Element, Index
from derive.kernels.cpu.regions import ARRAY, PART, SCRATCH, TOTAL, RegionPrinter, added, reused_rows, sizes_of, storage, streamed
from derive.kernels.cpu.schedule import Region, Scalars
from derive.kernels.cpu.segments import Plan, Segment
from derive.kernels.program.memory import in_place, sizes_in
from derive.kernels.program.simple import product_axes, weight
from derive.kernels.program.statements import NEUTRAL, MatrixProduct, Statement
from derive.kernels.text.scope import SIZES, Scope, bracketed, entry_name, factor_code, indented, size_code

THREADS_FROM, THREADS_BESIDE = 150_000, 100_000_000
"""From how many tenths of a nanosecond of work on more than one thread is worth its start: 15 µs; and 10 ms where the matrix
products of a BLAS come between, whose threads are held up by ours, which wait for more work without sleeping.
"""

BLOCK = 512
"""How many entries of a vector a thread takes at a time."""

PAST = 1 << 23
"""Outputs of more bytes in all are written past the cache: it could not keep them."""

LANES = 16
"""The width of a block is a multiple of so many: a line of the cache, and the lanes of the vector registers."""

CACHED = 1 << 17
"""About how many entries of a thread's data stay in its cache."""


def _entry_code(e: Element) -> str:
    """A number, or the entry of an array at a given place."""
    return f"{e.name}[{', '.join(f'uint64({SIZES.place(i)})' for i in e.indices)}]" if e.indices else e.name


@dataclass(frozen=True)
class Compiled:
    """The functions of some runs for Numba: the text of them and of those they call, their arguments, the numbers that they
    return, the device functions used, and for each run how much work it is; None where there is nothing for threads.
    """

    name: str
    text: str
    arguments: tuple[str, ...]
    made: tuple[str, ...]
    used: frozenset[str]
    works: tuple[Any, ...]


@dataclass(frozen=True)
class Tests:
    """What is computed first: statuses, which are 0 if all is well, and the arrays and sizes that these mention."""

    codes: tuple[str, ...]
    arrays: frozenset[str]
    sizes: frozenset[str]


@dataclass(frozen=True)
class Memory:
    """A tensor in the memory of a thread: the sizes of its axes, where it starts and ends."""

    name: str
    shape: tuple[str, ...]
    start: str
    end: str


# ---------------------------------------------------------------- regions


@dataclass(frozen=True)
class RegionText:
    """A region's function and how it is called."""

    name: str
    lines: tuple[str, ...]
    arguments: tuple[str, ...]
    scratch: str
    """How many numbers of memory a thread needs; "" for none."""
    places: str
    """How many whole numbers."""
    totals: tuple[Statement, ...]
    parts: tuple[tuple[Statement, str], ...]
    """What threads add up, and where it starts in a thread's memory."""
    count: str
    blocked: bool
    width: str
    used: frozenset[str]
    past: str
    """When its arrays are written past the cache; "" for never."""


def region_text(name: str, region: Region, plan: Plan, dtype: str) -> RegionText:
    """The text of a region's function."""
    inside = {s.name: s for s in region.statements}
    mentioned = {e.name for s in region.statements for e in (s.entry, *s.entries)}
    arrays = [n for n in plan.memory if n in mentioned]
    numbers = [n for n in sorted(mentioned) if n not in plan.memory and n not in inside]
    where = storage(region, arrays, numbers)
    reused = reused_rows(region, where)
    past = streamed(region, {*plan.program.outputs} - {*reused.values()})
    printer = RegionPrinter(region, where, dtype, past, reused)
    body = printer.lines()
    scratch, parts, totals = (
        [s for s in inside.values() if where[s.name] == kind and s.name not in reused] for kind in (SCRATCH, PART, TOTAL)
    )
    rooms = {f"{n}__room": ("width" if region.kind == "blocks" else size_code(inside[n].axes[1]),) for n in past}
    kept = {s.name: _shape(s, region) for s in (*(s for s in scratch if not s.entry.is_integer), *parts)}
    memory, end = _laid_out({**kept, **rooms})
    wholes, places = _laid_out({s.name: _shape(s, region) for s in scratch if s.entry.is_integer})
    neutral = Scope(dtype, entry_name).value
    lines = [
        *_views("scratch", memory),
        *_views("places", wholes),
        *(f"fill(scratch[{memory[s.name].start}:{memory[s.name].end}], {neutral(NEUTRAL[s.kind])})" for s in parts),
        *(f"{s.name} = {SIZES.value(NEUTRAL[s.kind])}" for s in totals if region.outer is not None),
        *_looped(region, printer.rows, body, past),
        *(f"totals[{k}] = {s.name}" for k, s in enumerate(totals)),
    ]
    own = (("scratch", memory), ("places", wholes), ("totals", totals))
    bounds = {"once": [], "rows": ["first", "last"], "blocks": ["first", "last", "width"]}[region.kind]
    given = [n for n in arrays if where[n] == ARRAY]
    return RegionText(
        name,
        tuple(lines),
        (*bounds, *given, *numbers, *sorted(sizes_of(region)), *(["past"] if past else []), *(n for n, has in own if has)),
        end,
        places,
        tuple(totals),
        tuple((s, memory[s.name].start) for s in parts),
        "" if region.outer is None else factor_code(region.outer.size),
        region.kind == "blocks",
        _width(region),
        frozenset(printer.used | ({"address", "stream", "fence"} if past else set())),
        _past(past, inside, plan, dtype),
    )


def _looped(region: Region, rows: Mapping[str, str], body: Sequence[str], past: Sequence[str]) -> list[str]:
    """The loop over a region's rows or blocks around what one of them computes; rows written past the cache are made apart.

    Blocks written past the cache begin where a line of it does.
    """
    if region.kind == "once":
        return list(body)
    views = [f"{view} = {array}[{region.index.name}]" for array, view in rows.items()]
    cut, part = ("start:stop", "[:stop - start]") if region.kind == "blocks" else (region.index.name, "")
    views += [f"{array}__out = {array}__room{part} if past else {array}[{cut}]" for array in past]
    stored = [line for array in past for line in ("if past:", f"    stream({array}[{cut}], {array}__out)")]
    head = [f"for {region.index.name} in range(first, last):"]
    if region.kind == "blocks" and past:
        lead = f"lead = address({past[0]})%LINE//{past[0]}.itemsize if past else 0"
        head = [lead, "for block in range(first - lead, last, width):"]
        views = ["start = max(block, first)", "stop = min(block + width, last)", *views]
    elif region.kind == "blocks":
        head, views = ["for start in range(first, last, width):"], ["stop = min(start + width, last)", *views]
    return [*head, *indented([*views, *body, *stored]), *(["if past:", "    fence()"] if past else [])]


def _shape(s: Statement, region: Region) -> tuple[str, ...]:
    """The axes of a tensor in the memory of a thread: of a region's own index there is one value, or a block."""
    blocked = region.kind == "blocks"
    own = [(i, a) for i, a in zip(s.entry.indices, s.axes, strict=True) if region.outer in s.over or blocked or i != region.outer]
    return tuple("width" if i == region.outer and blocked else size_code(axis) for i, axis in own)


def _laid_out(shapes: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Memory], str]:
    """Where each tensor lies in the memory of a thread, one behind the other, and how much there is; "" for none."""
    found: dict[str, Memory] = {}
    end = ""
    for name, shape in shapes.items():
        size = "*".join(map(bracketed, shape))
        start, end = end or "0", f"{end} + {size}" if end else size
        found[name] = Memory(name, shape, start, end)
    return found, end


def _views(memory: str, tensors: Mapping[str, Memory]) -> list[str]:
    return [f"{t.name} = {memory}[{t.start}:{t.end}]{_shaped(t)}" for t in tensors.values()]


def _past(past: Sequence[str], inside: dict[str, Statement], plan: Plan, dtype: str) -> str:
    """When the arrays are large enough; what is written over what was read is in the cache already."""
    size = (4 if dtype == "float32" else 8) * Add(*[Mul(*inside[name].axes) for name in past])
    apart = [f"address({a}) != address({b})" for a, b in sorted(in_place(plan.program)) if a in past]
    return " and ".join([f"{size_code(size)} > {PAST}", *apart]) if past else ""


def _shaped(memory: Memory) -> str:
    return "" if len(memory.shape) == 1 else f".reshape({', '.join(memory.shape)})"


def _width(region: Region) -> str:
    """How wide a block is: few enough for what the loops outside them touch to stay in the cache."""
    if region.kind != "blocks":
        return ""
    others = {Mul(*[i.size for i in nest.loops if i != region.outer]) for nest in region.nests} - {1}
    if not others:
        return str(BLOCK)
    longest = " + ".join(sorted(factor_code(o) for o in others))
    return f"max({LANES}, {CACHED}//(1 + {longest})//{LANES}*{LANES})"


# ---------------------------------------------------------------- runs


def compiled(name: str, runs: Sequence[Segment], plan: Plan, dtype: str, tests: Tests) -> Compiled:
    """The functions of some runs: their regions, and two that compute one of the runs, on one thread and on all.

    Both return a status and the numbers that the runs make.  Of several runs they are told which, and given the numbers that are
    made already.  The first run is preceded by the tests: the first status that is not 0 is returned, and nothing done.
    """
    several = len(runs) > 1
    arrays = [n for n in plan.memory if n in tests.arrays or any(n in run.arrays for run in runs)]
    made = tuple(dict.fromkeys(n for run in runs for n in run.made))
    numbers = dict.fromkeys(n for run in runs for n in run.numbers if n not in made) | dict.fromkeys(made if several else ())
    given = {n: n if n in plan.whole else f"{n}__given" for n in numbers}
    sizes = {n: _size_source(n, arrays, plan) for n in sorted(tests.sizes.union(*map(_segment_sizes, runs)))}
    runs = [replace(r, stages=tuple(_at_once(s, r) if isinstance(s, Region) else s for s in r.stages)) for r in runs]
    own = [[stage for stage in run.stages if isinstance(stage, Region)] for run in runs]
    shared = [any(region.outer is not None for region in some) for some in own]
    regions = {stage: region_text(f"{name}_region{k}", stage, plan, dtype) for k, stage in enumerate(chain(*own))}
    used: set[str] = set().union(*(r.used for r in regions.values()))

    def block(k: int, loop: str) -> list[str]:
        """The lines of one run."""
        lines = [f"{n} = {dtype}({given[n]})" for n in runs[k].numbers if given[n] != n]
        lines += _checked(tests, [zero(n, plan) for n in made]) if k == 0 else []
        for stage in runs[k].stages:
            lines += _numbers(stage, dtype, used) if isinstance(stage, Scalars) else _region_call(regions[stage], dtype, loop)
        if not several:
            return [*lines, _returned("0", made)]
        known = {n: n if n in runs[k].made else given[n] for n in made}
        return [*lines, _returned("0", [f"{'int64' if n in plan.whole else 'float64'}({code})" for n, code in known.items()])]

    text = "".join(function_text(r.name, r.arguments, r.lines, "region") for r in regions.values())
    head = [f"{n} = {source}" for n, source in sizes.items() if source]
    arguments = (*arrays, *given.values(), *(n for n, source in sizes.items() if not source))
    for kind, loop in (("serial", "range"), ("parallel", "prange")):
        serial = kind == "serial"
        chosen = [k for k in range(len(runs)) if serial or shared[k]]
        lines = [*head, *(["threads = 1"] if serial and any(shared) else [])]
        for k in chosen:
            lines += block(k, loop) if k == chosen[-1] else [f"if run == {k}:", *indented(block(k, loop))]
        taken = (*(["run"] if several else []), *arguments, *([] if serial else ["threads"]))
        text += function_text(f"{name}_{kind}", taken, lines, kind) if chosen else ""
    works = tuple(_work(run) if threads else None for run, threads in zip(runs, shared, strict=True))
    return Compiled(name, text, arguments, made, frozenset(used), works)


def _checked(tests: Tests, nothing: Sequence[str]) -> list[str]:
    """The lines that return the first status that is not 0."""
    return [line for code in tests.codes for line in (f"status = {code}", "if status:", f"    {_returned('status', nothing)}")]


def _returned(status: str, numbers: Sequence[str]) -> str:
    return f"return {', '.join([status, *numbers])}{'' if numbers else ','}"


def zero(name: str, plan: Plan) -> str:
    """What stands for a number that is not made yet."""
    return "0" if name in plan.whole else "0.0"


def _numbers(stage: Scalars, dtype: str, used: set[str]) -> list[str]:
    """The lines that compute numbers."""
    lines = []
    for s in stage.statements:
        scope = Scope(dtype, _entry_code, used=used)
        value = scope.value(s.term)
        lines += [*scope.lines, f"{s.name} = {value}"]
    return lines


def _segment_sizes(segment: Segment) -> set[str]:
    terms = [t for s in segment.statements for t in (s.term, s.guard, *s.axes)]
    return sizes_in(*terms).union(*(sizes_of(stage) for stage in segment.stages if isinstance(stage, Region)))


def _size_source(name: str, arrays: Iterable[str], plan: Plan) -> str:
    """Where a size is read: from the shape of an array; "" where it has to be given."""
    for array in arrays:
        for k, axis in enumerate(plan.memory[array]):
            if axis.is_Symbol and axis.name == name:
                return f"{array}.shape[{k}]"
    return ""


def _at_once(region: Region, run: Segment) -> Region:
    """A region over an axis that is also one of the loops inside another, which then has far more to do: without threads."""
    others = [r for r in run.stages if isinstance(r, Region) and r is not region]
    inner = {i.size for r in others for nest in r.nests for i in nest.loops if i != r.outer}
    flat = region.outer is not None and region.outer.size in inner and all(s.loops == {region.outer} for s in region.statements)
    return replace(region, outer=None, kind="once") if flat else region


def _region_call(r: RegionText, dtype: str, loop: str) -> list[str]:
    """The lines that call a region, once for each thread, and add up what the threads leave."""
    lines: list[str] = []
    arguments = list(r.arguments)
    if not r.count:
        lines += [f"scratch = np.empty({r.scratch}, {dtype})"] if r.scratch else []
        lines += [f"places = np.empty({r.places}, np.int64)"] if r.places else []
        lines += [f"totals = np.empty({len(r.totals)})"] if r.totals else []
        lines.append(f"{r.name}({', '.join(arguments)})")
        found = [f"totals[{k}]" for k in range(len(r.totals))]
        kinds = [(s, f"int64({code})" if s.entry.is_integer else code) for s, code in zip(r.totals, found, strict=True)]
        return [*lines, *(f"{s.name} = {code}" for s, code in kinds)]
    if r.blocked:
        lines.append(f"width = {r.width}")
        lines.append(f"share = -(-{r.count}//({LANES}*threads))*{LANES}")
        low, high = f"min(thread*share, {r.count})", f"min((thread + 1)*share, {r.count})"
    else:
        low, high = f"{r.count}*thread//threads", f"{r.count}*(thread + 1)//threads"
    lines += [f"past = {r.past}"] if r.past else []
    lines += [f"scratch = np.empty((threads, {r.scratch}), {dtype})"] if r.scratch else []
    lines += [f"places = np.empty((threads, {r.places}), np.int64)"] if r.places else []
    lines += [f"totals = np.empty((threads, {len(r.totals)}))"] if r.totals else []
    passed = {"first": low, "last": high, "scratch": "scratch[thread]", "places": "places[thread]", "totals": "totals[thread]"}
    call = ", ".join(passed.get(a, a) for a in arguments)
    lines += [f"for thread in {loop}(threads):", f"    {r.name}({call})"]
    scope = Scope("float64", entry_name)
    for k, s in enumerate(r.totals):
        lines += [f"{s.name} = {SIZES.value(NEUTRAL[s.kind])}", "for thread in range(threads):"]
        lines.append(f"    {s.name} = {added(s.kind, s.name, f'totals[thread, {k}]', scope)}")
    for s, start in r.parts:
        whole = f"{s.name}.reshape(-1)" if len(s.axes) > 1 else s.name
        lines.append(f"join_{s.kind}({whole}, scratch, int64({start}))")  # Numba would compile it anew for a literal
    return lines


def function_text(name: str, arguments: Sequence[str], lines: Sequence[str], kind: str) -> str:
    decorators = {
        "region": "@njit(pipeline_class=Apart, **INSIDE)",
        "serial": "@_kept\n@njit(**OPTIONS)",
        "parallel": "@_kept\n@njit(parallel=True, **OPTIONS)",
    }
    head = f"{decorators[kind]}\ndef {name}({', '.join(arguments)}):"
    return "\n".join(["\n", head, *indented(lines or ["pass"]), ""])


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


# ---------------------------------------------------------------- matrix products


def matrix_product(product: MatrixProduct) -> str:
    """One call of np.matmul, on arrays turned and with axes joined as they have to be."""
    groups = product_axes(product.entry, product.a, product.b, product.over)
    assert groups is not None
    of_a, of_b, of_c = groups
    first, second = product.a, product.b
    if of_c[0] and of_c[0] == tuple(i for i in product.b.indices if i in of_c[0]):  # rows of the result are those of b
        first, second, of_a, of_b = second, first, of_b, of_a
    examples = tuple(i for i in product.entry.indices if i in product.a.indices and i in product.b.indices)
    left = _matrix(first.name, of_a, examples, turned=of_a[0] == _middle(of_a, product.over))
    right = _matrix(second.name, of_b, examples, turned=of_b[1] == _middle(of_b, product.over))
    return f"np.matmul({left}, {right}, out={_matrix(product.name, of_c, examples, turned=False)})"


def _middle(groups: Sequence[tuple[Index, ...]], over: tuple[Index, ...]) -> tuple[Index, ...]:
    return next(g for g in groups if set(g) == set(over))


def _matrix(name: str, groups: Sequence[tuple[Index, ...]], examples: tuple[Index, ...], turned: bool) -> str:
    code = name
    if any(len(g) != 1 for g in groups):
        front = [size_code(i.size) for i in examples]
        joined = ["*".join(f"({size_code(i.size)})" for i in g) for g in groups]
        code += f".reshape({', '.join([*front, *joined])})"
    if not turned:
        return code
    return f"{code}.swapaxes(-1, -2)" if examples else f"{code}.T"
