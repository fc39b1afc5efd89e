"""A launch as the text of CUDA kernels: factories, which compile a kernel for each choice of what is constant in it.

    T__    threads of a row
    V__    numbers that one instruction reads or writes: 1, or WIDE where rows lie so
    E__    numbers of a row that a thread keeps in registers, NAME__row

A row that fits into the registers of its threads is read once and kept; of a longer one (`_long`) every nest reads and
computes again what it needs, and the largest entry is found while exponentials are summed.  Tensors are pointers and lie
as C has them; computed numbers are pointers, too (NAME__at), for the kernels before may still be at work when a kernel is
launched.  What several threads add up is left in parts (NAME__part), one for each row of threads, so that no result
depends on who comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Mul, S

from derive.calculus.terms import Element, Index, Inside, factors
from derive.kernels.code import Scope, factor_code, repeated
from derive.kernels.launches import Axes, Cells, Launches, Numbers, Rows, Running, running, unkept
from derive.kernels.regions import NEUTRAL, indented
from derive.kernels.schedule import ARGMAX, LARGEST, MAP, PRODUCT, SUM, Statement, narrowed
from derive.kernels.simple import safe

COMBINED = {SUM: "accumulate", LARGEST: "accumulate_maximum", PRODUCT: "accumulate_product"}
NEUTRALS = {SUM: "0", LARGEST: "-np.inf", PRODUCT: "1"}
OVER_ROW = {SUM: "row_sum", LARGEST: "row_largest", PRODUCT: "row_product"}
REALS, WHOLES, PARTS, NUMBER, SIZE = "REALS", "WHOLES", "PARTS", "NUMBER", "SIZE"
"""The types of a kernel's arguments: pointers to numbers, to whole numbers, to parts of sums; a number, a size."""

PART, AT, OUT = "__part", "__at", "__out"


@dataclass(frozen=True)
class KernelText:
    """A factory of kernels: its name, the constants it takes, its text, and the arguments of the kernel with their types."""

    name: str
    constants: tuple[str, ...]
    text: str
    arguments: tuple[tuple[str, str], ...]
    used: frozenset[str]


@dataclass
class Printer:
    """What the kernels of one module have in common, and the text of each."""

    launches: Launches
    dtype: str
    given: frozenset[str]
    """The numbers that are passed by value."""

    @property
    def whole(self) -> frozenset[str]:
        return self.launches.whole

    @property
    def memory(self) -> Mapping[str, Axes]:
        return self.launches.memory

    def kernel(
        self, name: str, constants: Sequence[str], lines: Sequence[str], used: set[str], bounds: str = "256"
    ) -> KernelText:
        """The factory of a kernel with these lines; its arguments are what the lines mention."""
        lines = [*self._numbers(lines), *lines]
        arguments = self._arguments(lines)
        types = ", ".join(kind for _, kind in arguments)
        text = [
            "@cache",
            f"def {name}({', '.join(constants)}):",
            f"    @cuda.jit(void({types}), launch_bounds=({bounds}, 1), cache=True)",
            f"    def kernel({', '.join(a for a, _ in arguments)}):",
            *indented(indented(lines)),
            "",
            "    return kernel",
        ]
        return KernelText(name, tuple(constants), "\n\n\n" + "\n".join(text) + "\n", arguments, frozenset(used))

    def _numbers(self, lines: Iterable[str]) -> list[str]:
        """The computed numbers that lines mention, read."""
        computed = [s.name for s in self._statements if not s.axes and s.name not in self.given]
        made = {m.group(1) for line in lines if (m := re.match(r"\s*(\w+) = ", line))}
        return [f"{n} = {n}{AT}[0]" for n in computed if n in _words(lines) - made]

    @property
    def _statements(self) -> Iterable[Statement]:
        return (s for stage in self.launches.stages for s in getattr(stage, "statements", ()))

    def _arguments(self, lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
        words = _words(lines)
        sizes = {str(s) for s in self.launches.program.graph.sizes}
        found = []
        for name in self.memory:
            kind = WHOLES if name in self.whole else REALS
            found += [(f"{name}{end}", kind) for end in ("", OUT, PART) if f"{name}{end}" in words]
        for s in self._statements:
            kind = WHOLES if s.name in self.whole else REALS
            if not s.axes:
                found += [(s.name + end, k) for end, k in ((AT, kind), (OUT, kind), (PART, PARTS)) if s.name + end in words]
        numbers = sorted(n for n in self.given if n in words)
        found += [(n, SIZE if n in self.whole else NUMBER) for n in numbers]
        found += [(n, SIZE) for n in sorted(words) if n in sizes or n.endswith(("__parts", "slices__"))]
        return tuple(dict.fromkeys(found))


def _words(lines: Iterable[str]) -> set[str]:
    return {word for line in lines for word in re.findall(r"(?<![\w.])[^\W\d]\w*", line)}


# ---------------------------------------------------------------- places


def many(axes: Iterable[Index]) -> str:
    """How many values some indices have together."""
    return "*".join(factor_code(i.size) for i in axes) or "1"


def split(place: str, axes: Axes) -> list[str]:
    """The lines that give each index, of the number of a place in the order of C."""
    lines = []
    for k, index in enumerate(axes):
        behind = axes[k + 1 :]
        code = f"{place}//({many(behind)})" if behind else place
        lines.append(f"{index.name} = {code}{f' % {factor_code(index.size)}' if k else ''}")
    return lines


@dataclass
class Block:
    """The innermost loop of a kernel being printed: where entries are found in it."""

    printer: Printer
    rows: Mapping[Element, str]
    """What registers hold."""
    names: Mapping[str, str]
    """What the entries of a tensor are called, where there is one for each thread."""
    used: set[str] = field(default_factory=set)

    def access(self, e: Element) -> str:
        """The code of an entry."""
        if e in self.rows:
            return self.rows[e]
        if e.name in self.names:
            return self.names[e.name]
        return f"{e.name}[{self.place(e)}]" if e.indices else e.name

    def place(self, e: Element, axes: Sequence[Any] = ()) -> str:
        """Where an entry lies in memory."""
        scope, code = self.scope(), ""
        for index, axis in zip(e.indices, axes or self.printer.memory[e.name], strict=True):
            place = scope.place(index)
            code = f"{f'({code})' if ' ' in code else code}*{factor_code(axis)} + {place}" if code else place
        return code

    def scope(self, statements: Sequence[Statement] = ()) -> Scope:
        several = repeated([s.term for s in statements if safe(s.term)])
        return Scope(self.printer.dtype, self.access, _Named(), self.used, several=several)


class _Named(dict):  # type: ignore[type-arg]
    """Every index is called by its name."""

    def __contains__(self, term: object) -> bool:
        return isinstance(term, Index)

    def __missing__(self, index: Index) -> str:
        return index.name


# ---------------------------------------------------------------- rows


@dataclass
class _RowPrinter:
    """The rows of a launch being printed: kept in registers, or `long`; of cells, the one row that all threads share."""

    printer: Printer
    stage: Rows
    long: bool
    flat: bool
    used: set[str] = field(default_factory=set)
    loaded: set[Element] = field(default_factory=set)
    """What registers hold already."""

    @property
    def along(self) -> Axes:
        return (*self.stage.outer, *self.stage.inner)

    @property
    def _lying(self) -> tuple[Axes, ...]:
        """The indices of entries that lie one behind the other along what a thread has."""
        return (self.along, self.stage.inner[-1:]) if self.flat else (self.along, self.stage.inner)

    @property
    def entries(self) -> dict[str, Element]:
        """The entries along a row that registers may hold: of arrays that lie in rows, and of what is computed."""
        found = {}
        for s in self.stage.statements:
            for e in sorted({*s.entries, s.entry}, key=str):
                if e.indices in self._lying and not e.is_integer:
                    found[e.name] = e
        return found

    def lines(self) -> list[str]:
        nests = self.stage.nests
        inside: list[str] = []
        while nests:
            online = running(nests[0], nests[1]) if self.long and len(nests) > 1 else None
            if online:
                inside += self._running(online)
                rest = tuple(s for s in nests[1] if s not in online.sums)
                nests = ((rest,) if rest else ()) + nests[2:]
            else:
                inside += self._nest(nests[0])
                nests = nests[1:]
        rows = sorted({e.name for e in self._registers(self.stage.statements)} | {s.name for s in self._columns})
        step = "cuda.gridsize(1)" if self.flat else "T__"
        head = [f"t__ = {'cuda.grid(1)' if self.flat else 'cuda.threadIdx.x'}"]
        head += [f"room__ = cuda.shared.array(ROOM, {self.printer.dtype})"] if self._shares else []
        head += [f"{n}__row = cuda.local.array({'V__' if self.long else 'E__'}, {self.printer.dtype})" for n in rows]
        head += [f"length__ = {many(self.stage.inner)}"]
        head += [f"step__ = {step}*V__"] if self.long else []
        block = Block(self.printer, {}, {}, self.used)
        for s in self.stage.totals if not self.flat else self._flat_totals:
            head.append(f"{s.name}__all = {block.scope().value(NEUTRAL[s.kind])}")
        if self.flat:
            end = [line for s in self._flat_totals for line in self._total(s)]
            return [*head, *inside, *end]
        head += [
            f"rows__ = {many(self.stage.outer)}",
            "slot__ = cuda.blockIdx.x*cuda.blockDim.y + cuda.threadIdx.y",
            "slots__ = cuda.gridDim.x*cuda.blockDim.y",
        ]
        for s in self._columns:
            head += self._chunks([], [f"{self._column(s)} = {block.scope().value(NEUTRAL[s.kind])}"])
        loop = ["for row__ in range(slot__, rows__, slots__):", *indented([*split("row__", self.stage.outer), *inside])]
        end = [line for s in self.stage.totals for line in self._total(s)]
        if not self.long:
            for s in self._columns:
                end += self._chunks([f"write({s.name}{PART}, slot__*length__ + at__, {s.name}__row, {self._first}, V__)"])
                self.used.add("write")
        return [*head, *loop, *end]

    @property
    def _columns(self) -> tuple[Statement, ...]:
        return () if self.flat else self.stage.columns

    @property
    def _flat_totals(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.stage.statements if s.kind != MAP)

    @property
    def _shares(self) -> bool:
        """Whether threads tell one another anything."""
        return any(s.kind != MAP and (self.flat or set(s.over) != set(self.stage.outer)) for s in self.stage.statements)

    def _registers(self, statements: Iterable[Statement]) -> list[Element]:
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

    # ---- loops along a row

    @property
    def _first(self) -> str:
        """The first of the registers that are read or written at once."""
        return "0" if self.long else "c__*V__"

    def _chunks(self, before: Sequence[str], body: Sequence[str] = (), after: Sequence[str] = ()) -> list[str]:
        """A loop over what a thread has of a row, V numbers at a time."""
        each = ["for v__ in range(V__):", *indented([*([] if self.long else ["e__ = c__*V__ + v__"]), *body])] if body else []
        if self.long:
            lines = self._places([*before, *each, *after])
            return ["for at__ in range(t__*V__, length__, step__):", *indented(lines)]
        inside = ["at__ = (c__*T__ + t__)*V__", "if at__ < length__:", *indented([*before, *each, *after])]
        return ["for c__ in range(E__//V__):", *indented(inside)]

    def _place(self, e: Element) -> str:
        if self.flat:
            return "at__" if e.indices == self.along else "last__"
        return "at__" if e.indices == self.stage.inner else "row__*length__ + at__"

    def _places(self, lines: Sequence[str]) -> list[str]:
        """Lines that know where they are in the one row of cells, with that in front: V__ numbers have one place but on the
        last axis.
        """
        *lead, last = self.stage.inner
        words = _words(lines)
        if not self.flat or not lead:
            return list(lines)
        size = factor_code(last.size)
        found = [line for line in split(f"(at__//{size})", tuple(lead)) if line.split(" ")[0] in words]
        return [*(["last__ = at__ % " + size] if "last__" in words else []), *found, *lines]

    def _loads(self, statements: Sequence[Statement]) -> list[str]:
        """The registers that statements read and that hold nothing yet, filled."""
        made = {s.entry for s in statements}
        wanted = [e for e in self._registers(statements) if e not in made and any(e in s.entries for s in statements)]
        missing = [e for e in wanted if self.long or e not in self.loaded]
        self.loaded |= {*missing, *(s.entry for s in statements)}
        if missing:
            self.used.add("read")
        return [f"read({e.name}, {self._place(e)}, {e.name}__row, {self._first}, V__)" for e in missing]

    def _stores(self, statements: Sequence[Statement]) -> list[str]:
        names = [s for s in statements if s.kind == MAP and s.entry in self._registers([s]) and s.name in self.printer.memory]
        if names:
            self.used.add("write")
        return [f"write({s.name}, {self._place(s.entry)}, {s.name}__row, {self._first}, V__)" for s in names]

    def _block(self, statements: Sequence[Statement]) -> Block:
        entry = "v__" if self.long else "e__"
        rows = {e: f"{e.name}__row[{entry}]" for e in self._registers(statements)}
        names = {s.name: self._own(s) for s in self.stage.statements if s.entry.indices == self.stage.outer}
        return Block(self.printer, rows, {} if self.flat else names, self.used)

    def _own(self, s: Statement) -> str:
        """What the entry of a row is called, where its array has the tensor's name."""
        return f"{s.name}__one" if s.name in self.printer.memory else s.name

    def _body(self, statements: Sequence[Statement], known: Mapping[Element, str] = {}) -> list[str]:
        """The statements at one place of a row."""
        block = self._block(statements)
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
                total = self._column(s) if s in self._columns else f"{s.name}__all"
                scope.lines.append(f"{total} = {scope.call(COMBINED[s.kind], total, value)}")
        return scope.lines

    def _indexed(self, lines: Sequence[str]) -> list[str]:
        """Lines with the indices that they mention in front."""
        words = _words(lines)
        if self.flat and len(self.stage.inner) > 1:
            last = self.stage.inner[-1].name
            return [*([f"{last} = last__ + v__"] if last in words else []), *lines]
        place = "at__ + v__" if len(self.stage.inner) == 1 else "(at__ + v__)"
        return [*(line for line in split(place, self.stage.inner) if line.split(" ")[0] in words), *lines]

    def _column(self, s: Statement) -> str:
        """Where what all rows of one group of threads add up to is kept."""
        return f"{s.name}{PART}[slot__*length__ + at__ + v__]" if self.long else f"{s.name}__row[e__]"

    # ---- nests

    def _nest(self, nest: Sequence[Statement]) -> list[str]:
        block = self._block(nest)
        if not self.flat and all(s.loops == set(self.stage.outer) for s in nest):
            return self._of_rows(nest, block)
        sums = [s for s in nest if s.kind != MAP and not self.flat and set(s.over) == set(self.stage.inner)]
        opened = [f"{s.name}__all = {block.scope().value(NEUTRAL[s.kind])}" for s in sums]
        loads = self._loads(nest)
        loop = self._chunks(loads, self._indexed(self._body(nest)), self._stores(nest))
        return [*opened, *loop, *(line for s in sums for line in self._closed(s, f"{s.name}__all"))]

    def _closed(self, s: Statement, part: str) -> list[str]:
        """What the threads of a row have added up."""
        self.used.add(OVER_ROW[s.kind])
        return [f"{self._own(s)} = {OVER_ROW[s.kind]}({part}, room__, T__)", *self._left(s)]

    def _left(self, s: Statement) -> list[str]:
        """The entry of a row, left in memory where it is wanted."""
        return ["if t__ == 0:", f"    {s.name}[row__] = {self._own(s)}"] if s.name in self.printer.memory else []

    def _of_rows(self, nest: Sequence[Statement], block: Block) -> list[str]:
        """Numbers of each row, which all its threads compute."""
        scope = block.scope(nest)
        for s in nest:
            value = scope.value(s.term)
            if s.kind == MAP:
                scope.lines += [f"{self._own(s)} = {value}", *self._left(s)]
            else:
                scope.lines.append(f"{s.name}__all = {scope.call(COMBINED[s.kind], f'{s.name}__all', value)}")
        return scope.lines

    def _running(self, found: Running) -> list[str]:
        """The largest entry and sums of shifted exponentials in one pass."""
        m, sums = found.largest, found.sums
        block = self._block([m, *sums])
        scope = block.scope()
        highest, scale = f"{m.name}__all", scope.call("exp", f"{m.name}__all - top__")
        first = [f"{s.name}__all = {scope.value(NEUTRAL[s.kind])}" for s in (m, *sums)]
        loads = self._loads([m, *sums])
        value = scope.value(m.term)
        scope.lines += [
            f"top__ = {scope.call('accumulate_maximum', highest, value)}",
            f"if top__ != {highest}:",
            f"    scale__ = {scale}",
            *(f"    {s.name}__all = {s.name}__all*scale__" for s in sums),
            f"    {highest} = top__",
        ]
        added = [f"if {highest} != {scope.value(S.NegativeInfinity)}:", *indented(self._body(sums, {m.entry: highest}))]
        body = self._indexed([*scope.lines, *added])
        closed = self._closed(m, highest)
        top = closed[0].split(" = ")[0]
        lines = [*first, *self._chunks(loads, body), *closed, f"scale__ = exp({highest} - {top})"]
        return [*lines, *(line for s in sums for line in self._closed(s, f"{s.name}__all*scale__"))]

    def _total(self, s: Statement) -> list[str]:
        """A number that rows add up to, left in a part."""
        value, slot = f"{s.name}__all", "cuda.blockIdx.x" if self.flat else "slot__"
        if self.flat or s.loops != set(self.stage.outer):
            self.used.add(OVER_ROW[s.kind])
            value = f"{OVER_ROW[s.kind]}({value}, room__, {'THREADS' if self.flat else 'T__'})"
        first = "cuda.threadIdx.x" if self.flat else "t__"
        return [f"{s.name}__one = {value}", f"if {first} == 0:", f"    {s.name}{PART}[{slot}] = {s.name}__one"]


def rows_kernels(printer: Printer, name: str, stage: Rows) -> list[KernelText]:
    """The kernel that keeps a row in registers, and that for long rows."""
    found: list[KernelText] = []
    for long in (False, True):
        made = _RowPrinter(printer, unkept(stage, printer.memory) if long else stage, long, flat=False)
        lines = made.lines()
        constants = ("T__", "V__") if long else ("T__", "V__", "E__")
        found.append(printer.kernel(f"{name}_long" if long else name, constants, lines, made.used, "max(T__, THREADS)"))
    return found


def registers(printer: Printer, stage: Rows) -> int:
    """How many numbers a thread keeps at most, from one nest to the next, for each entry of a row that it has."""
    made = _RowPrinter(printer, stage, long=False, flat=False)
    rows = [{e.name for e in made._registers(nest)} for nest in stage.nests]
    kept = [set().union(*rows[:k]) & set().union(*rows[k:]) for k in range(1, len(rows))]
    return max(map(len, kept), default=0) + len(stage.columns)


def lying_along(printer: Printer, stage: Rows | Cells) -> list[str]:
    """The arrays that are read and written V numbers at a time."""
    rows = stage if isinstance(stage, Rows) else Rows((), stage.loops, (stage.statements,))
    made = _RowPrinter(printer, rows, long=False, flat=not rows.outer)
    return sorted({e.name for e in made._registers(rows.statements) if e.name in printer.memory})


# ---------------------------------------------------------------- cells


def cells_kernels(printer: Printer, name: str, stage: Cells) -> list[KernelText]:
    """The kernel of cells; two of a scattered sum, one that adds in any order and one that adds in the order of its loops."""
    (first, *_) = stage.statements
    if first.scatter:
        return [_scattered(printer, name, stage, ordered) for ordered in (False, True)]
    if stage.over:
        return [_summed(printer, name, stage)]
    made = _RowPrinter(printer, Rows((), stage.loops, (stage.statements,)), long=True, flat=True)
    return [printer.kernel(name, ("V__",), made.lines(), made.used, "THREADS")]


def _threads(count: str, body: Sequence[str]) -> list[str]:
    return [
        f"for at__ in range(cuda.grid(1), {count}, cuda.gridsize(1)):",
        *indented(body),
    ]


def _summed(printer: Printer, name: str, stage: Cells) -> KernelText:
    """Each thread adds up an entry, or one of several slices of it."""
    block = Block(printer, {}, {})
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


def sliced(stage: Cells) -> Index:
    """The index whose values are shared among the threads of one entry."""
    return _over(stage.statements[0])[0]


def _narrowing(stage: Cells) -> dict[Index, Inside]:
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


def _bounds(index: Index, narrow: Mapping[Index, Inside], block: Block) -> tuple[str, str]:
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


def _scattered(printer: Printer, name: str, stage: Cells, ordered: bool) -> KernelText:
    """Each thread adds to the entries whose place it computes: one term, or all that share the other indices, in order."""
    (s,) = stage.statements
    block = Block(printer, {}, {})
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


def numbers_kernel(printer: Printer, name: str, stage: Numbers, wanted: Iterable[str]) -> KernelText:
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
    block = Block(printer, {}, {}, used)
    scope = block.scope(stage.statements)
    for s in stage.statements:
        scope.lines.append(f"{s.name} = {scope.value(s.term)}")
        scope.variables[s.entry] = s.name
    kept = [f"{s.name}{AT}[0] = {s.name}" for s in (*stage.totals, *stage.statements) if s.name in wanted]
    lines += ["if t__ == 0:", *indented([*scope.lines, *kept])]
    return printer.kernel(name, (), lines, used, "THREADS")
