"""Rows as CUDA kernels: what runs along a row is shared by threads; and maps over cells, which are one row to all threads.

A row that fits into the registers of its threads is read once and kept; of a longer one (`_long`) every nest reads and
computes again what it needs, and the largest entry is found while exponentials are summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import S

from derive.calculus.terms import Element
from derive.kernels.cuda.launches import Axes, CellLaunch, RowLaunch, Running, running, unkept
from derive.kernels.cuda.threads import COMBINED, OVER_ROW, PART, KernelText, ThreadBlock, ThreadPrinter, many, split, words
from derive.kernels.program.statements import MAP, NEUTRAL, Statement
from derive.kernels.text.scope import factor_code, indented


@dataclass
class _Along:
    """Statements along a row being printed: what a thread has of it in registers, and the loop over that."""

    printer: ThreadPrinter
    stage: RowLaunch
    long: bool
    used: set[str] = field(default_factory=set)
    loaded: set[Element] = field(default_factory=set)
    """What registers hold already."""

    @property
    def along(self) -> Axes:
        return (*self.stage.outer, *self.stage.inner)

    @property
    def lying(self) -> tuple[Axes, ...]:
        """The indices of entries that lie one behind the other along what a thread has."""
        return self.along, self.stage.inner

    def place(self, e: Element) -> str:
        """Where the first of the numbers lies that a thread reads or writes at once."""
        return "at__" if e.indices == self.stage.inner else "row__*length__ + at__"

    def placed(self, lines: Sequence[str]) -> list[str]:
        """Lines that know `at__`, with whatever else tells their place in front."""
        return list(lines)

    def indexed(self, lines: Sequence[str]) -> list[str]:
        """Lines at one place of a row, with the indices that they mention in front."""
        place = "at__ + v__" if len(self.stage.inner) == 1 else "(at__ + v__)"
        return [*(line for line in split(place, self.stage.inner) if line.split(" ")[0] in words(lines)), *lines]

    def target(self, s: Statement) -> str:
        """Where a sum is kept while it grows."""
        return f"{s.name}__all"

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
    def first(self) -> str:
        """The first of the registers that are read or written at once."""
        return "0" if self.long else "c__*V__"

    def loads(self, statements: Sequence[Statement]) -> list[str]:
        """The registers that statements read and that hold nothing yet, filled."""
        made = {s.entry for s in statements}
        wanted = [e for e in self.registers(statements) if e not in made and any(e in s.entries for s in statements)]
        missing = [e for e in wanted if self.long or e not in self.loaded]
        self.loaded |= {*missing, *made}
        self.used |= {"read"} if missing else set()
        return [f"read({e.name}, {self.place(e)}, {e.name}__row, {self.first}, V__)" for e in missing]

    def stores(self, statements: Sequence[Statement]) -> list[str]:
        """The registers that belong to arrays, written."""
        found = [s for s in statements if s.kind == MAP and s.entry in self.registers([s]) and s.name in self.printer.memory]
        self.used |= {"write"} if found else set()
        return [f"write({s.name}, {self.place(s.entry)}, {s.name}__row, {self.first}, V__)" for s in found]

    # ---- the loop

    def chunks(self, before: Sequence[str], body: Sequence[str] = (), after: Sequence[str] = ()) -> list[str]:
        """A loop over what a thread has of a row, V__ numbers at a time."""
        each = ["for v__ in range(V__):", *indented([*([] if self.long else ["e__ = c__*V__ + v__"]), *body])] if body else []
        lines = self.placed([*before, *each, *after])
        if self.long:
            return ["for at__ in range(t__*V__, length__, step__):", *indented(lines)]
        return ["for c__ in range(E__//V__):", *indented(["at__ = (c__*T__ + t__)*V__", "if at__ < length__:", *indented(lines)])]

    def block(self, statements: Sequence[Statement]) -> ThreadBlock:
        entry = "v__" if self.long else "e__"
        rows = {e: f"{e.name}__row[{entry}]" for e in self.registers(statements)}
        return ThreadBlock(self.printer, rows, self.names(), self.used)

    def body(self, statements: Sequence[Statement], known: Mapping[Element, str] = {}) -> list[str]:
        """The statements at one place of a row."""
        block = self.block(statements)
        scope = block.scope(statements)
        scope.variables.update(known)
        for s in statements:
            value = scope.value(s.term)
            if s.kind == MAP:
                name = value if value.isidentifier() else scope.variable(value)
                scope.variables[s.entry] = name
                if s.entry in block.rows:
                    scope.lines.append(f"{block.rows[s.entry]} = {name}")
                elif s.name in self.printer.memory:
                    scope.lines.append(f"{s.name}[{block.place(s.entry)}] = {name}")
            else:
                scope.lines.append(f"{self.target(s)} = {scope.call(COMBINED[s.kind], self.target(s), value)}")
        return scope.lines

    def loop(self, nest: Sequence[Statement]) -> list[str]:
        """The statements along the row."""
        loads = self.loads(nest)
        return self.chunks(loads, self.indexed(self.body(nest)), self.stores(nest))

    def opened(self, statements: Iterable[Statement]) -> list[str]:
        """The variables in which sums grow, with what these start from."""
        return [f"{self.target(s)} = {self.block(()).scope().value(NEUTRAL[s.kind])}" for s in statements]

    def rooms(self, others: Iterable[str] = ()) -> list[str]:
        """The arrays of registers."""
        size = "V__" if self.long else "E__"
        found = sorted({e.name for e in self.registers(self.stage.statements)} | {*others})
        return [f"{name}__row = cuda.local.array({size}, {self.printer.dtype})" for name in found]


# ---------------------------------------------------------------- rows


@dataclass
class _RowPrinter(_Along):
    """Rows, each shared by a group of threads: kept in registers, or `long`."""

    def lines(self) -> list[str]:
        """The kernel: the nests of each row, and what all rows add up to."""
        nests, inside = self.stage.nests, list[str]()
        while nests:
            online = running(nests[0], nests[1]) if self.long and len(nests) > 1 else None
            if online:
                inside += self._running(online)
                rest = tuple(s for s in nests[1] if s not in online.sums)
                nests = ((rest,) if rest else ()) + nests[2:]
            else:
                inside += self._nest(nests[0])
                nests = nests[1:]
        columns = self.stage.columns
        shares = any(s.kind != MAP and set(s.over) != set(self.stage.outer) for s in self.stage.statements)
        head = [
            "t__ = cuda.threadIdx.x",
            *([f"room__ = cuda.shared.array(ROOM, {self.printer.dtype})"] if shares else []),
            *self.rooms(s.name for s in columns),
            f"length__ = {many(self.stage.inner)}",
            *(["step__ = T__*V__"] if self.long else []),
            *self.opened(self.stage.totals),
            f"rows__ = {many(self.stage.outer)}",
            "slot__ = cuda.blockIdx.x*cuda.blockDim.y + cuda.threadIdx.y",
            "slots__ = cuda.gridDim.x*cuda.blockDim.y",
            *(line for s in columns for line in self.chunks([], self.opened([s]))),
        ]
        loop = ["for row__ in range(slot__, rows__, slots__):", *indented([*split("row__", self.stage.outer), *inside])]
        end = [line for s in self.stage.totals for line in self._total(s)]
        if columns and not self.long:
            self.used.add("write")
            for s in columns:
                end += self.chunks([f"write({s.name}{PART}, slot__*length__ + at__, {s.name}__row, {self.first}, V__)"])
        return [*head, *loop, *end]

    def target(self, s: Statement) -> str:
        if s not in self.stage.columns:
            return f"{s.name}__all"
        return f"{s.name}{PART}[slot__*length__ + at__ + v__]" if self.long else f"{s.name}__row[e__]"

    def names(self) -> dict[str, str]:
        return {s.name: self._own(s) for s in self.stage.statements if s.entry.indices == self.stage.outer}

    def _own(self, s: Statement) -> str:
        """What the entry of a row is called, where its array has the tensor's name."""
        return f"{s.name}__one" if s.name in self.printer.memory else s.name

    def _nest(self, nest: Sequence[Statement]) -> list[str]:
        if all(s.loops == set(self.stage.outer) for s in nest):
            return self._of_rows(nest)
        sums = [s for s in nest if s.kind != MAP and set(s.over) == set(self.stage.inner)]
        return [*self.opened(sums), *self.loop(nest), *(line for s in sums for line in self._closed(s, self.target(s)))]

    def _closed(self, s: Statement, part: str) -> list[str]:
        """What the threads of a row have added up."""
        self.used.add(OVER_ROW[s.kind])
        return [f"{self._own(s)} = {OVER_ROW[s.kind]}({part}, room__, T__)", *self._left(s)]

    def _left(self, s: Statement) -> list[str]:
        """The entry of a row, left in memory where it is wanted."""
        return ["if t__ == 0:", f"    {s.name}[row__] = {self._own(s)}"] if s.name in self.printer.memory else []

    def _of_rows(self, nest: Sequence[Statement]) -> list[str]:
        """Numbers of each row, which all its threads compute."""
        scope = self.block(nest).scope(nest)
        for s in nest:
            value = scope.value(s.term)
            if s.kind == MAP:
                scope.lines += [f"{self._own(s)} = {value}", *self._left(s)]
            else:
                scope.lines.append(f"{self.target(s)} = {scope.call(COMBINED[s.kind], self.target(s), value)}")
        return scope.lines

    def _running(self, found: Running) -> list[str]:
        """The largest entry and sums of shifted exponentials in one pass."""
        m, sums = found.largest, found.sums
        scope = self.block([m, *sums]).scope()
        highest, least = self.target(m), scope.value(S.NegativeInfinity)
        loads, value = self.loads([m, *sums]), scope.value(m.term)
        scope.lines += [
            f"top__ = {scope.call('accumulate_maximum', highest, value)}",
            f"if top__ != {highest}:",
            f"    scale__ = {scope.call('exp', f'{highest} - top__')}",
            *(f"    {self.target(s)} = {self.target(s)}*scale__" for s in sums),
            f"    {highest} = top__",
            f"if {highest} != {least}:",
            *indented(self.body(sums, {m.entry: highest})),
        ]
        lines = [*self.opened([m, *sums]), *self.chunks(loads, self.indexed(scope.lines)), *self._closed(m, highest)]
        lines.append(f"scale__ = exp({highest} - {self._own(m)})")
        return [*lines, *(line for s in sums for line in self._closed(s, f"{self.target(s)}*scale__"))]

    def _total(self, s: Statement) -> list[str]:
        """A number that all rows add up to, left in a part."""
        value = self.target(s)
        if s.loops != set(self.stage.outer):
            self.used.add(OVER_ROW[s.kind])
            value = f"{OVER_ROW[s.kind]}({value}, room__, T__)"
        return [f"{s.name}__one = {value}", "if t__ == 0:", f"    {s.name}{PART}[slot__] = {s.name}__one"]


def rows_kernels(printer: ThreadPrinter, name: str, stage: RowLaunch) -> list[KernelText]:
    """The kernel that keeps a row in registers, and that for long rows."""
    short, long = _RowPrinter(printer, stage, False), _RowPrinter(printer, unkept(stage, printer.memory), True)
    bounds = "max(T__, THREADS)"
    return [
        printer.kernel(name, ("T__", "V__", "E__"), short.lines(), short.used, bounds),
        printer.kernel(f"{name}_long", ("T__", "V__"), long.lines(), long.used, bounds),
    ]


def registers(printer: ThreadPrinter, stage: RowLaunch) -> int:
    """How many numbers a thread keeps at most, from one nest to the next, for each entry of a row that it has."""
    made = _RowPrinter(printer, stage, False)
    rows = [{e.name for e in made.registers(nest)} for nest in stage.nests]
    kept = [set().union(*rows[:k]) & set().union(*rows[k:]) for k in range(1, len(rows))]
    return max(map(len, kept), default=0) + len(stage.columns)


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

    def place(self, e: Element) -> str:
        return "at__" if e.indices == self.along else "last__"

    def placed(self, lines: Sequence[str]) -> list[str]:
        """V__ numbers have one place but on the last axis."""
        *lead, last = self.along
        if not lead:
            return list(lines)
        size, mentioned = factor_code(last.size), words(lines)
        found = [line for line in split(f"(at__//{size})", tuple(lead)) if line.split(" ")[0] in mentioned]
        return [*([f"last__ = at__ % {size}"] if "last__" in mentioned else []), *found, *lines]

    def indexed(self, lines: Sequence[str]) -> list[str]:
        last = self.along[-1].name
        place = "at__" if len(self.along) == 1 else "last__"
        return [*([f"{last} = {place} + v__"] if last in words(lines) else []), *lines]

    def lines(self) -> list[str]:
        """The kernel: the maps, and what all cells add up to."""
        totals = [s for s in self.stage.statements if s.kind != MAP]
        inside = [line for nest in self.stage.nests for line in self.loop(nest)]
        self.used |= {OVER_ROW[s.kind] for s in totals}
        return [
            "t__ = cuda.grid(1)",
            *([f"room__ = cuda.shared.array(ROOM, {self.printer.dtype})"] if totals else []),
            *self.rooms(),
            f"length__ = {many(self.along)}",
            "step__ = cuda.gridsize(1)*V__",
            *self.opened(totals),
            *inside,
            *(line for s in totals for line in self._total(s)),
        ]

    def _total(self, s: Statement) -> list[str]:
        """A number that all cells add up to, left in a part by each block."""
        value = f"{OVER_ROW[s.kind]}({self.target(s)}, room__, THREADS)"
        return [f"{s.name}__one = {value}", "if cuda.threadIdx.x == 0:", f"    {s.name}{PART}[cuda.blockIdx.x] = {s.name}__one"]


def _one_row(stage: CellLaunch) -> RowLaunch:
    return RowLaunch((), stage.loops, (stage.statements,))


def map_kernel(printer: ThreadPrinter, name: str, stage: CellLaunch) -> KernelText:
    """The kernel of cells without loops inside."""
    made = _MapPrinter(printer, _one_row(stage), True)
    return printer.kernel(name, ("V__",), made.lines(), made.used, "THREADS")
