"""A region's function: the loop over its rows or blocks around the lines of `regions`, its arguments, and the memory of a thread
that it works in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Mul

from derive.kernels.cpu.regions import PART, SCRATCH, TOTAL, RegionBuilder, reused_rows, sizes_of, storage, streamed
from derive.kernels.cpu.schedule import Region
from derive.kernels.cpu.segments import Plan
from derive.kernels.program.memory import in_place
from derive.kernels.program.statements import NEUTRAL, Statement
from derive.kernels.text.legal import NUMERIC, Level, checked
from derive.kernels.text.python import python
from derive.kernels.text.scope import SIZES, Scope, size, size_factor, variable_of
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Choice,
    Do,
    Entry,
    Expression,
    Function,
    If,
    Line,
    Loop,
    Name,
    Operation,
    Property,
    Reshaped,
    Span,
    Store,
    Whole,
    as_factor,
    at,
    call,
    compared,
    joined,
    plus,
    times,
    undefined,
)

BLOCK = 512
"""How many entries of a vector a thread takes at a time."""

PAST = 1 << 23
"""Outputs of more bytes in all are written past the cache: it could not keep them."""

LANES = 16
"""The width of a block is a multiple of so many: a line of the cache, and the lanes of the vector registers."""

CACHED = 1 << 17
"""About how many entries of a thread's data stay in its cache."""

KNOWN = frozenset({"float32", "float64", "LINE"})

IN_REGION = Level((Assign, Store, Loop, If, Do), (*NUMERIC, Span, Reshaped), KNOWN)
"""What a region's function may have: it gives nothing back."""


@dataclass(frozen=True)
class Memory:
    """A tensor in the memory of a thread: the sizes of its axes, where it starts and ends."""

    name: str
    shape: tuple[Expression, ...]
    start: Expression
    end: Expression


@dataclass(frozen=True)
class RegionFunction:
    """A region's function, and what whoever calls it has to know."""

    function: Function
    scratch: Expression | None
    """How many numbers of memory a thread needs."""
    places: Expression | None
    """How many whole numbers."""
    totals: tuple[Statement, ...]
    parts: tuple[tuple[Statement, Expression], ...]
    """What threads add up, and where it starts in a thread's memory."""
    count: Expression | None
    """How many values the outer index has."""
    width: Expression | None
    """How wide a block is."""
    past: Expression | None
    """When its arrays are written past the cache; None for never."""


def stored(region: Region, plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
    """Where each tensor of a region lives; the scratch rows that lie in the row of an array, and which array."""
    where = storage(region, *_outside(region, plan))
    return where, reused_rows(region, where)


def _outside(region: Region, plan: Plan) -> tuple[list[str], list[str]]:
    """The arrays and the numbers that a region is given."""
    named = {e.name for s in region.statements for e in (s.entry, *s.entries)}
    inside = {s.name for s in region.statements}
    return [n for n in plan.memory if n in named], [n for n in sorted(named) if n not in plan.memory and n not in inside]


def region_function(name: str, region: Region, plan: Plan, dtype: str) -> RegionFunction:
    """The function of a region; its arguments are what its lines mention, and the sizes of its tensors."""
    inside = {s.name: s for s in region.statements}
    arrays, numbers = _outside(region, plan)
    where, reused = stored(region, plan)
    past = streamed(region, {*plan.program.outputs} - {*reused.values()})
    builder = RegionBuilder(region, where, dtype, past, reused)
    body = builder.lines()
    scratch, parts, totals = (
        [s for s in inside.values() if where[s.name] == kind and s.name not in reused] for kind in (SCRATCH, PART, TOTAL)
    )
    rooms = {f"{n}__room": (Name("width") if region.kind == "blocks" else size(inside[n].axes[1]),) for n in past}
    kept = {s.name: _shape(s, region) for s in (*(s for s in scratch if not s.entry.is_integer), *parts)}
    memory, end = _laid_out({**kept, **rooms})
    wholes, places = _laid_out({s.name: _shape(s, region) for s in scratch if s.entry.is_integer})
    neutral = Scope(dtype, variable_of).value
    lines = (
        *_views("scratch", memory),
        *_views("places", wholes),
        *(Assign(f"{n}__room", call("halves", Name(f"{n}__room"))) for n in past if inside[n].rounded),
        *(Do(call("fill", _part("scratch", memory[s.name]), neutral(NEUTRAL[s.kind]))) for s in parts),
        *(Assign(s.name, SIZES.value(NEUTRAL[s.kind])) for s in totals if region.outer is not None),
        *_looped(region, builder.rows, body, past),
        *(Store(at("totals", Whole(k)), Name(s.name)) for k, s in enumerate(totals)),
    )
    wanted = undefined(*lines) | sizes_of(region)
    known = ("first", "last", "width", *arrays, *numbers, *sorted(sizes_of(region)), "past", "scratch", "places", "totals")
    return RegionFunction(
        checked(Function(name, tuple(n for n in known if n in wanted), lines), IN_REGION),
        end,
        places,
        tuple(totals),
        tuple((s, memory[s.name].start) for s in parts),
        None if region.outer is None else size_factor(region.outer.size),
        _width(region),
        _past(past, inside, plan, dtype),
    )


def _looped(region: Region, rows: Mapping[str, str], body: Sequence[Line], past: Sequence[str]) -> list[Line]:
    """The loop over a region's rows or blocks around what one of them computes; rows written past the cache are made apart.

    Blocks written past the cache begin where a line of it does.
    """
    if region.kind == "once":
        return list(body)
    first, last, start, stop = map(Name, ("first", "last", "start", "stop"))
    blocks, index = region.kind == "blocks", Name(region.index.name)
    cut: Expression = Span(start, stop) if blocks else index
    part = Span(None, Operation("-", stop, start))
    rooms = {array: at(f"{array}__room", part) if blocks else Name(f"{array}__room") for array in past}
    views = [Assign(view, at(array, index)) for array, view in rows.items()]
    views += [Assign(f"{array}__out", Choice(Name("past"), rooms[array], at(array, cut))) for array in past]
    stored = [If(Name("past"), (Do(call("stream", at(array, cut), Name(f"{array}__out"))),)) for array in past]
    fence = [If(Name("past"), (Do(call("fence")),))] if past else []
    if not blocks:
        return [Loop(index.name, last, (*views, *body, *stored), first), *fence]
    end = Assign("stop", call("min", plus(start, Name("width")), last))
    if not past:
        return [Loop("start", last, (end, *views, *body), first, Name("width"))]
    beyond = Operation("%", call("address", Name(past[0])), Name("LINE"))
    lead = Choice(Name("past"), Operation("//", beyond, Property(Name(past[0]), "itemsize")), ZERO)
    begin = Assign("start", call("max", Name("block"), first))
    end = Assign("stop", call("min", plus(Name("block"), Name("width")), last))
    inside = (begin, end, *views, *body, *stored)
    return [Assign("lead", lead), Loop("block", last, inside, Operation("-", first, Name("lead")), Name("width")), *fence]


def _shape(s: Statement, region: Region) -> tuple[Expression, ...]:
    """The axes of a tensor in the memory of a thread: of a region's own index there is one value, or a block."""
    blocked = region.kind == "blocks"
    own = [(i, a) for i, a in zip(s.entry.indices, s.axes, strict=True) if region.outer in s.over or blocked or i != region.outer]
    return tuple(Name("width") if i == region.outer and blocked else size(axis) for i, axis in own)


def _laid_out(shapes: Mapping[str, tuple[Expression, ...]]) -> tuple[dict[str, Memory], Expression | None]:
    """Where each tensor lies in the memory of a thread, one behind the other, and how much there is; None for none."""
    found: dict[str, Memory] = {}
    end: Expression | None = None
    for name, shape in shapes.items():
        room = times(*map(as_factor, shape))
        start, end = end or ZERO, plus(end, room) if end else room
        found[name] = Memory(name, shape, start, end)
    return found, end


def _part(memory: str, tensor: Memory) -> Entry:
    return at(memory, Span(tensor.start, tensor.end))


def _views(memory: str, tensors: Mapping[str, Memory]) -> list[Line]:
    return [
        Assign(t.name, _part(memory, t) if len(t.shape) == 1 else Reshaped(_part(memory, t), t.shape)) for t in tensors.values()
    ]


def _past(past: Sequence[str], inside: dict[str, Statement], plan: Plan, dtype: str) -> Expression | None:
    """When the arrays are large enough; what is written over what was read is in the cache already."""
    if not past:
        return None
    number = 4 if dtype == "float32" else 8
    room = Add(*[(2 if inside[name].rounded else number) * Mul(*inside[name].axes) for name in past])
    pairs = [(call("address", Name(a)), call("address", Name(b))) for a, b in sorted(in_place(plan.program)) if a in past]
    return joined("and", [compared(size(room), ">", Whole(PAST)), *(compared(a, "!=", b) for a, b in pairs)])


def _width(region: Region) -> Expression | None:
    """How wide a block is: few enough for what the loops outside them touch to stay in the cache."""
    if region.kind != "blocks":
        return None
    others = {Mul(*[i.size for i in nest.loops if i != region.outer]) for nest in region.nests} - {1}
    if not others:
        return Whole(BLOCK)
    longest = plus(ONE, *sorted(map(size_factor, others), key=python))
    lines = Operation("//", Operation("//", Whole(CACHED), Brackets(longest)), Whole(LANES))
    return call("max", Whole(LANES), times(lines, Whole(LANES)))
