"""Rows as CUDA kernels: what runs along a row is shared by threads; and maps over cells, which are one row to all threads.

A row that fits into the registers of its threads is read once and kept; of a longer one (`_long`) every nest reads and
computes again what it needs, and the largest entry is found while exponentials are summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import S

from derive.calculus.terms import Element
from derive.kernels.cuda.launches import Axes, CellLaunch, RowLaunch, Running, running, unkept
from derive.kernels.cuda.threads import COMBINED, OVER_ROW, PART, KernelText, ThreadBlock, ThreadPrinter, many, split
from derive.kernels.program.statements import MAP, NEUTRAL, Statement
from derive.kernels.text.scope import size_factor
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Choice,
    Do,
    Expression,
    If,
    Line,
    Loop,
    Name,
    Operation,
    Store,
    at,
    call,
    compared,
    needed,
    plus,
    put,
    replaced,
    times,
)

THREAD, SHARING, WIDE, KEPT, PLACE = map(Name, ("t__", "T__", "V__", "E__", "at__"))
ROW, LENGTH, SLOT, ROOM, EACH = map(Name, ("row__", "length__", "slot__", "room__", "v__"))
"""What kernels call the number of a thread, the threads of a row, the numbers at once and in registers, the place of the first of
these, a row, how long it is, the group of threads, the memory that it shares, and one of the numbers at once.
"""


@dataclass
class _Along:
    """The lines of statements along a row: what a thread has of it in registers, and the loop over that."""

    printer: ThreadPrinter
    stage: RowLaunch
    long: bool
    loaded: set[Element] = field(default_factory=set)
    """What registers hold already.  What all rows share is read by every nest: it stays in the first cache."""

    @property
    def along(self) -> Axes:
        return (*self.stage.outer, *self.stage.inner)

    @property
    def lying(self) -> tuple[Axes, ...]:
        """The indices of entries that lie one behind the other along what a thread has."""
        return self.along, self.stage.inner

    def place(self, e: Element) -> Expression:
        """Where the first of the numbers lies that a thread reads or writes at once."""
        return PLACE if e.indices == self.stage.inner else plus(times(ROW, LENGTH), PLACE)

    def placed(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Lines that know `at__`, with whatever else tells their place in front."""
        return lines

    def indexed(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Lines at one place of a row, with the indices that they mention in front."""
        place = plus(PLACE, EACH)
        return [*needed(split(place if len(self.stage.inner) == 1 else Brackets(place), self.stage.inner), lines), *lines]

    def target(self, s: Statement) -> Expression:
        """Where a sum is kept while it grows."""
        return Name(f"{s.name}__all")

    def names(self) -> dict[str, str]:
        """What the entries of tensors are called that have one for each thread."""
        return {}

    # ---- registers

    @property
    def entries(self) -> dict[str, Element]:
        """The entries along a row that registers may hold: of arrays that lie in rows, and of what is computed."""
        found = {}
        for s in self.stage.statements:
            for e in sorted({*s.entries, s.entry}, key=str):
                if e.indices in self.lying and not e.is_integer:
                    found[e.name] = e
        return found

    def registers(self, statements: Iterable[Statement]) -> list[Element]:
        """The entries along a row that statements read or write, and that an array of registers holds."""
        found = dict.fromkeys(
            e
            for s in statements
            for e in sorted({*s.entries, *([s.entry] if s.kind == MAP else [])}, key=str)
            if self.entries.get(e.name) == e and self._kept(e)
        )
        return list(found)

    def _kept(self, e: Element) -> bool:
        """Whether a computed entry is of use behind the loop that computes it; what is read is."""
        made = next((s for s in self.stage.statements if s.entry == e), None)
        if made is None:
            return e.name in self.printer.memory
        if made.kind != MAP:
            return False
        nest = next(n for n in self.stage.nests if made in n)
        later = any(e.name in s.reads for n in self.stage.nests if n is not nest for s in n)
        return e.name in self.printer.memory or later

    @property
    def first(self) -> Expression:
        """The first of the registers that are read or written at once."""
        return ZERO if self.long else times(Name("c__"), WIDE)

    def loads(self, statements: Sequence[Statement]) -> list[Line]:
        """The registers that statements read and that hold nothing yet, filled."""
        made = {s.entry for s in statements}
        wanted = [e for e in self.registers(statements) if e not in made and any(e in s.entries for s in statements)]
        missing = [e for e in wanted if self.long or e not in self.loaded]
        self.loaded |= {e for e in (*missing, *made) if e.indices == self.along}
        return [self._moved("read", e.name, self.place(e), e.name) for e in missing]

    def stores(self, statements: Sequence[Statement]) -> list[Line]:
        """The registers that belong to arrays, written."""
        found = [s for s in statements if s.kind == MAP and s.entry in self.registers([s]) and s.name in self.printer.memory]
        return [self._moved("write", s.name, self.place(s.entry), s.name) for s in found]

    def _moved(self, way: str, array: str, place: Expression, row: str) -> Do:
        """V__ numbers between memory and registers."""
        return Do(call(way, Name(array), place, Name(f"{row}__row"), self.first, WIDE))

    # ---- the loop

    def chunks(self, before: Sequence[Line], body: Sequence[Line] = (), after: Sequence[Line] = ()) -> list[Line]:
        """A loop over what a thread has of a row, V__ numbers at a time."""
        chunk = Name("c__")
        lines = tuple(self.placed([*before, *(self.each(body) if body else []), *after]))
        if self.long:
            return self.passed(lines)
        place = Assign("at__", times(Brackets(plus(times(chunk, SHARING), THREAD)), WIDE))
        return [Loop("c__", Operation("//", KEPT, WIDE), (place, If(compared(PLACE, "<", LENGTH), lines)))]

    def passed(self, lines: tuple[Line, ...]) -> list[Line]:
        """The loop of lines that know `at__` along all that a thread has of a long row."""
        return [Loop("at__", LENGTH, lines, times(THREAD, WIDE), Name("step__"))]

    def each(self, body: Sequence[Line]) -> list[Line]:
        """Lines for each of V__ numbers."""
        kept = [] if self.long else [Assign("e__", plus(times(Name("c__"), WIDE), EACH))]
        return [Loop("v__", WIDE, (*kept, *self.indexed(body)))]

    def block(self, statements: Sequence[Statement]) -> ThreadBlock:
        entry = EACH if self.long else Name("e__")
        rows: dict[Element, Expression] = {e: at(f"{e.name}__row", entry) for e in self.registers(statements)}
        return ThreadBlock(self.printer, rows, self.names())

    def body(self, statements: Sequence[Statement], known: Mapping[Element, Expression] = {}) -> list[Line]:
        """The statements at one place of a row."""
        block = self.block(statements)
        scope = block.scope(statements)
        scope.variables.update(known)
        for s in statements:
            value = scope.value(s.term)
            if s.kind == MAP:
                name = value if isinstance(value, Name) else scope.variable(value)
                scope.variables[s.entry] = name
                if s.entry in block.rows:
                    scope.put(put(block.rows[s.entry], name))
                elif s.name in self.printer.memory:
                    scope.put(Store(at(s.name, block.place(s.entry)), name))
            else:
                scope.put(self.grown(s, value))
        return scope.lines

    def grown(self, s: Statement, value: Expression) -> Line:
        """A sum with one more value."""
        return put(self.target(s), call(COMBINED[s.kind], self.target(s), value))

    def loop(self, nest: Sequence[Statement]) -> list[Line]:
        """The statements along the row."""
        loads = self.loads(nest)
        return self.chunks(loads, self.body(nest), self.stores(nest))

    def opened(self, statements: Iterable[Statement]) -> list[Line]:
        """What sums start from."""
        return [put(self.target(s), self.block(()).scope().value(NEUTRAL[s.kind])) for s in statements]

    def rooms(self, others: Iterable[str] = ()) -> list[Line]:
        """The arrays of registers."""
        found = sorted({e.name for e in self.registers(self.stage.statements)} | {*others})
        made = call("cuda.local.array", WIDE if self.long else KEPT, Name(self.printer.dtype))
        return [Assign(f"{name}__row", made) for name in found]

    def shared(self, wanted: object) -> list[Line]:
        """The memory that a group of threads shares, where it is wanted."""
        made = call("cuda.shared.array", Name("ROOM"), Name(self.printer.dtype))
        return [Assign("room__", made)] if wanted else []

    def over_row(self, s: Statement, part: Expression, threads: Expression = SHARING) -> Expression:
        """What threads have added up, each a part."""
        return call(OVER_ROW[s.kind], part, ROOM, threads)


# ---------------------------------------------------------------- rows


@dataclass
class _RowPrinter(_Along):
    """Rows, each shared by a group of threads: kept in registers, or `long`."""

    def lines(self) -> list[Line]:
        """The kernel: the nests of each row, and what all rows add up to."""
        ahead = self._ahead
        self.loaded |= {*ahead}
        first = [self._moved("read", e.name, plus(times(SLOT, LENGTH), PLACE), e.name) for e in ahead]
        inside = self._inside()
        columns = self.stage.columns
        shares = any(s.kind != MAP and set(s.over) != set(self.stage.outer) for s in self.stage.statements)
        slots = times(Name("cuda.gridDim.x"), Name("cuda.blockDim.y"))
        head = [
            Assign("t__", Name("cuda.threadIdx.x")),
            *self.shared(shares),
            *self.rooms(s.name for s in columns),
            Assign("length__", many(self.stage.inner)),
            *([Assign("step__", times(SHARING, WIDE))] if self.long else []),
            *self.opened(self.stage.totals),
            Assign("rows__", many(self.stage.outer)),
            Assign("slot__", plus(times(Name("cuda.blockIdx.x"), Name("cuda.blockDim.y")), Name("cuda.threadIdx.y"))),
            Assign("slots__", slots),
            *(line for s in columns for line in self.chunks([], self.opened([s]))),
            *([If(compared(SLOT, "<", Name("rows__")), tuple(self.chunks(first)))] if first else []),
        ]
        loop = Loop("row__", Name("rows__"), (*split(ROW, self.stage.outer), *self._peeled(), *inside), SLOT, Name("slots__"))
        end = [line for s in self.stage.totals for line in self._total(s)]
        for s in columns if not self.long else ():
            end += self.chunks([self._moved("write", f"{s.name}{PART}", plus(times(SLOT, LENGTH), PLACE), s.name)])
        return [*head, loop, *end]

    @property
    def _ahead(self) -> list[Element]:
        """What a thread that goes from row to row reads of its next row, as soon as the last nest is done with the same entry of
        this row: memory is at work while the row is finished, and no register more is needed.
        """
        last = self.stage.nests[-1]
        if self.long or not (self.stage.totals or self.stage.columns) or not self._along_row(last):
            return []
        made = {s.entry for s in self.stage.statements}
        return [e for e in self.registers(last) if e.indices == self.along and e not in made]

    def stores(self, statements: Sequence[Statement]) -> list[Line]:
        found = super().stores(statements)
        if tuple(statements) != self.stage.nests[-1] or not self._ahead:
            return found
        row, slots = Name("next__"), Name("slots__")
        reads = tuple(self._moved("read", e.name, plus(times(row, LENGTH), PLACE), e.name) for e in self._ahead)
        return [*found, Assign("next__", plus(ROW, slots)), If(compared(row, "<", Name("rows__")), reads)]

    def _along_row(self, nest: Sequence[Statement]) -> bool:
        return not all(s.loops == set(self.stage.outer) for s in nest)

    @property
    def peels(self) -> bool:
        """Whether a long row is read 16 bytes at a time from the first multiple of 16 bytes in it, and what stands before and
        behind by single numbers: that fits all arrays if each lies in such rows.
        """
        arrays = [e for e in self.registers(self.stage.statements) if e.name in self.printer.memory]
        return self.long and not self.stage.columns and all(e.indices == self.along for e in arrays)

    def passed(self, lines: tuple[Line, ...]) -> list[Line]:
        if not self.peels:
            return super().passed(lines)
        head, rest, edge = map(Name, ("head__", "rest__", "edge__"))
        place = Choice(compared(edge, "<", head), edge, plus(edge, Brackets(Operation("-", rest, head))))
        edges = (Assign("at__", place), *replaced(lines, WIDE, ONE))
        return [
            Loop("at__", rest, lines, plus(head, times(THREAD, WIDE)), Name("step__")),
            Loop("edge__", plus(head, Brackets(Operation("-", LENGTH, rest))), edges, THREAD, SHARING),
        ]

    def _peeled(self) -> list[Line]:
        """Where the first 16 bytes of a row begin that are a multiple of 16 bytes, and where the last end."""
        if not self.peels:
            return []
        begun = Operation("%", Brackets(times(ROW, LENGTH)), WIDE)
        before = Operation("%", Brackets(Operation("-", WIDE, Brackets(begun))), WIDE)
        inside = Operation("%", Brackets(Operation("-", LENGTH, Name("head__"))), WIDE)
        return [Assign("head__", call("min", before, LENGTH)), Assign("rest__", Operation("-", LENGTH, Brackets(inside)))]

    def _inside(self) -> list[Line]:
        """The nests of a row, one after the other."""
        return [line for one in self.passes() for line in (self._running(one) if isinstance(one, Running) else self._nest(one))]

    def passes(self) -> list[Running | tuple[Statement, ...]]:
        """The nests; of a long row the first two are one where that can be."""
        first, *others = self.stage.nests
        online = running(first, others[0]) if self.long and others else None
        if online is None:
            return [first, *others]
        rest = tuple(s for s in others[0] if s not in online.sums)
        return [online, *([rest] if rest else []), *others[1:]]

    def target(self, s: Statement) -> Expression:
        if s not in self.stage.columns:
            return super().target(s)
        place = plus(times(SLOT, LENGTH), PLACE, EACH)
        return at(f"{s.name}{PART}", place) if self.long else at(f"{s.name}__row", Name("e__"))

    def names(self) -> dict[str, str]:
        return {s.name: self._own(s) for s in self.stage.statements if s.entry.indices == self.stage.outer}

    def _own(self, s: Statement) -> str:
        """What the entry of a row is called, where its array has the tensor's name."""
        return f"{s.name}__one" if s.name in self.printer.memory else s.name

    def _nest(self, nest: Sequence[Statement]) -> list[Line]:
        if not self._along_row(nest):
            return self._of_rows(nest)
        sums = [s for s in nest if s.kind != MAP and set(s.over) == set(self.stage.inner)]
        return [*self.opened(sums), *self.loop(nest), *(line for s in sums for line in self._closed(s, self.target(s)))]

    def _closed(self, s: Statement, part: Expression) -> list[Line]:
        """What the threads of a row have added up."""
        return [Assign(self._own(s), self.over_row(s, part)), *self._left(s)]

    def _left(self, s: Statement) -> list[Line]:
        """The entry of a row, left in memory where it is wanted."""
        left = Store(at(s.name, ROW), Name(self._own(s)))
        return [If(compared(THREAD, "==", ZERO), (left,))] if s.name in self.printer.memory else []

    def _of_rows(self, nest: Sequence[Statement]) -> list[Line]:
        """Numbers of each row, which all its threads compute."""
        scope = self.block(nest).scope(nest)
        for s in nest:
            value = scope.value(s.term)
            scope.put(*([Assign(self._own(s), value), *self._left(s)] if s.kind == MAP else [self.grown(s, value)]))
        return scope.lines

    def _running(self, found: Running) -> list[Line]:
        """The largest entry and sums of shifted exponentials in one pass; what has been summed is scaled once for V__ numbers."""
        m, sums = found.largest, found.sums
        scope = self.block([m, *sums]).scope()
        highest, top, scale = self.target(m), Name("top__"), Name("scale__")
        least = scope.value(S.NegativeInfinity)
        loads, value = self.loads([m, *sums]), scope.value(m.term)
        scope.put(Assign("top__", call("accumulate_maximum", top, value)))
        raised = (
            Assign("scale__", call("exp", Operation("-", highest, top))),
            *(put(self.target(s), times(self.target(s), scale)) for s in sums),
            put(highest, top),
        )
        added = self.each(self.body(sums, {m.entry: highest}))
        chunk = [
            *loads,
            Assign("top__", highest),
            *self.each(scope.lines),
            If(compared(top, "!=", highest), raised),
            If(compared(highest, "!=", least), tuple(added)),
        ]
        lines = [*self.opened([m, *sums]), *self.chunks(chunk), *self._closed(m, highest)]
        lines.append(Assign("scale__", call("exp", Operation("-", highest, Name(self._own(m))))))
        return [*lines, *(line for s in sums for line in self._closed(s, times(self.target(s), scale)))]

    def _total(self, s: Statement) -> list[Line]:
        """A number that all rows add up to, left in a part."""
        whole = self.target(s) if s.loops == set(self.stage.outer) else self.over_row(s, self.target(s))
        return [Assign(f"{s.name}__one", whole), *_left_in_part(s, THREAD, SLOT)]


def _left_in_part(s: Statement, thread: Expression, place: Expression) -> list[Line]:
    """What a group of threads has of a number, left by the first of them."""
    return [If(compared(thread, "==", ZERO), (Store(at(f"{s.name}{PART}", place), Name(f"{s.name}__one")),))]


def rows_kernels(printer: ThreadPrinter, name: str, stage: RowLaunch) -> list[KernelText]:
    """The kernel that keeps a row in registers, and that for long rows."""
    short, long = _RowPrinter(printer, stage, False), _RowPrinter(printer, unkept(stage, printer.memory), True)
    bounds = "max(T__, THREADS)"
    return [
        printer.kernel(name, ("T__", "V__", "E__"), short.lines(), bounds),
        printer.kernel(f"{name}_long", ("T__", "V__"), long.lines(), bounds),
    ]


def registers(printer: ThreadPrinter, stage: RowLaunch) -> int:
    """How many numbers a thread keeps at most, from one nest to the next, for each entry of a row that it has."""
    made = _RowPrinter(printer, stage, False)
    rows = [{e.name for e in made.registers(nest) if e.indices == made.along} for nest in stage.nests]
    kept = [set().union(*rows[:k]) & set().union(*rows[k:]) for k in range(1, len(rows))]
    return max(map(len, kept), default=0) + len(stage.columns)


def peels(printer: ThreadPrinter, stage: RowLaunch) -> bool:
    """Whether a row that is not kept may begin anywhere and is read 16 bytes at a time all the same."""
    return _RowPrinter(printer, unkept(stage, printer.memory), True).peels


def read_again(printer: ThreadPrinter, stage: RowLaunch) -> list[str]:
    """The arrays of rows that more than one nest reads where a row is not kept."""
    made = _RowPrinter(printer, unkept(stage, printer.memory), True)
    nests = [(one.largest, *one.sums) if isinstance(one, Running) else one for one in made.passes()]
    found = Counter(e.name for nest in nests for e in made.registers(nest) if e.indices == made.along)
    return sorted(name for name, nests in found.items() if nests > 1)


def lying_along(printer: ThreadPrinter, stage: RowLaunch | CellLaunch) -> list[str]:
    """The arrays that are read and written V__ numbers at a time."""
    made = _RowPrinter(printer, stage, False) if isinstance(stage, RowLaunch) else _MapPrinter(printer, _one_row(stage), True)
    return sorted({e.name for e in made.registers(made.stage.statements) if e.name in printer.memory})


# ---------------------------------------------------------------- maps


@dataclass
class _MapPrinter(_Along):
    """Maps over cells, and what all cells add up to: one row, which all threads share."""

    @property
    def lying(self) -> tuple[Axes, ...]:
        return self.along, self.along[-1:]

    def place(self, e: Element) -> Expression:
        return PLACE if e.indices == self.along else Name("last__")

    def placed(self, lines: Sequence[Line]) -> Sequence[Line]:
        """V__ numbers have one place but on the last axis."""
        *lead, last = self.along
        if not lead:
            return lines
        size = size_factor(last.size)
        places = [Assign("last__", Operation("%", PLACE, size)), *split(Brackets(Operation("//", PLACE, size)), tuple(lead))]
        return [*needed(places, lines), *lines]

    def indexed(self, lines: Sequence[Line]) -> Sequence[Line]:
        place = PLACE if len(self.along) == 1 else Name("last__")
        return [*needed([Assign(self.along[-1].name, plus(place, EACH))], lines), *lines]

    def lines(self) -> list[Line]:
        """The kernel: the maps, and what all cells add up to."""
        totals = [s for s in self.stage.statements if s.kind != MAP]
        inside = [line for nest in self.stage.nests for line in self.loop(nest)]
        return [
            Assign("t__", call("cuda.grid", ONE)),
            *self.shared(totals),
            *self.rooms(),
            Assign("length__", many(self.along)),
            Assign("step__", times(call("cuda.gridsize", ONE), WIDE)),
            *self.opened(totals),
            *inside,
            *(line for s in totals for line in self._total(s)),
        ]

    def _total(self, s: Statement) -> list[Line]:
        """A number that all cells add up to, left in a part by each block."""
        whole = self.over_row(s, self.target(s), Name("THREADS"))
        return [Assign(f"{s.name}__one", whole), *_left_in_part(s, Name("cuda.threadIdx.x"), Name("cuda.blockIdx.x"))]


def _one_row(stage: CellLaunch) -> RowLaunch:
    return RowLaunch((), stage.loops, (stage.statements,))


def map_kernel(printer: ThreadPrinter, name: str, stage: CellLaunch) -> KernelText:
    """The kernel of cells without loops inside."""
    made = _MapPrinter(printer, _one_row(stage), True)
    return printer.kernel(name, ("V__",), made.lines(), "THREADS")
