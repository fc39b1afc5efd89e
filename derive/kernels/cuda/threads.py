"""A launch as CUDA kernels: factories, which compile a kernel for each choice of what is constant in it.

    T__    threads of a row
    V__    numbers that one instruction reads or writes: 1, or WIDE where rows lie so
    E__    numbers of a row that a thread keeps in registers, NAME__row

Tensors are pointers and lie as C has them; computed numbers are pointers, too (NAME__at), for the kernels before may still be
at work when a kernel is launched.  What several threads add up is left in parts (NAME__part), one for each group of
threads, so that no result depends on who comes first.  `rows` and `cells` make the lines of kernels from what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from derive.calculus.terms import Element, Index
from derive.kernels.cuda.launches import Axes, Launches
from derive.kernels.program.simple import safe
from derive.kernels.program.statements import LARGEST, PRODUCT, SUM, Statement
from derive.kernels.text.legal import NUMERIC, Level, checked
from derive.kernels.text.python import function_lines, indented
from derive.kernels.text.scope import Scope, repeated, size_factor, total_size
from derive.kernels.text.tree import (
    ZERO,
    Assign,
    Brackets,
    Do,
    Expression,
    Function,
    If,
    Increase,
    Line,
    Loop,
    Name,
    Operation,
    Store,
    as_factor,
    at,
    called,
    plus,
    times,
    undefined,
)

COMBINED = {SUM: "accumulate", LARGEST: "accumulate_maximum", PRODUCT: "accumulate_product"}
OVER_ROW = {SUM: "row_sum", LARGEST: "row_largest", PRODUCT: "row_product"}
REALS, WHOLES, PARTS, NUMBER, SIZE = "REALS", "WHOLES", "PARTS", "NUMBER", "SIZE"
"""The types of a kernel's arguments: pointers to numbers, to whole numbers, to parts of sums; a number, a size."""

PART, COUNT, AT, OUT = "__part", "__parts", "__at", "__out"
"""What names in a kernel end in; see `Argument`."""


SLICES = "slices__"
"""How many threads share the sum of an entry."""

IN_KERNEL = Level((Assign, Store, Increase, Loop, If, Do), NUMERIC, frozenset({"float32", "float64", "THREADS", "ROOM"}))
"""What a kernel may have: it gives nothing back, and its pointers have neither axes nor parts."""


@dataclass(frozen=True)
class Argument:
    """What a kernel is given: the name that it has there, its type, and what of which tensor, number or size it is.

    Of a tensor itself: nothing, or OUT where it may stand in parts; AT of a number in memory; PART for what is left in
    parts, and COUNT for how many of these there are.
    """

    name: str
    kind: str
    of: str
    what: str = ""


@dataclass(frozen=True)
class KernelText:
    """A factory of kernels: its text, what the kernel has to be given, and what it calls."""

    text: str
    arguments: tuple[Argument, ...]
    calls: frozenset[str]


@dataclass
class ThreadPrinter:
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

    def kernel(self, name: str, constants: Sequence[str], lines: Sequence[Line], bounds: str) -> KernelText:
        """The factory of a kernel with these lines; its arguments are what the lines mention and nothing in them defines."""
        lines = (*self._numbers(lines), *lines)
        wanted = undefined(*lines)
        arguments = tuple(a for a in dict.fromkeys(self._known()) if a.name in wanted)
        function = checked(Function("kernel", tuple(a.name for a in arguments), lines), IN_KERNEL, constants)
        head, *inside = indented(function_lines(function))
        text = [
            "@cache",
            f"def {name}({', '.join(constants)}):",
            *broken(f"    @_compiled(void({', '.join(a.kind for a in arguments)}), ({bounds}, 1))"),
            *broken(head),
            *inside,
            "",
            "    return kernel",
        ]
        return KernelText("\n".join(text), arguments, called(*lines))

    def _numbers(self, lines: Iterable[Line]) -> list[Line]:
        """The computed numbers that lines read, taken from memory."""
        wanted = undefined(*lines)
        computed = (s.name for s in self._statements if not s.axes and s.name not in self.given)
        return [Assign(n, at(f"{n}{AT}", ZERO)) for n in computed if n in wanted]

    @property
    def _statements(self) -> Iterable[Statement]:
        return (s for stage in self.launches.stages for s in getattr(stage, "statements", ()))

    def _known(self) -> Iterator[Argument]:
        """All that a kernel may be given, in order."""

        def kind(name: str) -> str:
            return WHOLES if name in self.whole else REALS

        for name in self.memory:
            yield from (Argument(f"{name}{what}", kind(name), name, what) for what in ("", OUT, PART))
        for s in self._statements:
            if not s.axes:
                kinds = ((AT, kind(s.name)), (OUT, kind(s.name)), (PART, PARTS))
                yield from (Argument(f"{s.name}{what}", of, s.name, what) for what, of in kinds)
        for name in sorted(self.given):
            yield Argument(name, SIZE if name in self.whole else NUMBER, name)
        counts = {f"{s.name}{COUNT}": Argument(f"{s.name}{COUNT}", SIZE, s.name, COUNT) for s in self._statements}
        sizes = {n: Argument(n, SIZE, n) for n in (SLICES, *map(str, self.launches.program.graph.sizes))}
        yield from (argument for _, argument in sorted((counts | sizes).items()))


def broken(line: str) -> list[str]:
    """A line, in several where it is long; it has spaces between brackets only."""
    indent = len(line) - len(line.lstrip())
    return wrap(line, 116 - indent, subsequent_indent=" " * (indent + 8), break_long_words=False, break_on_hyphens=False)


# ---------------------------------------------------------------- places


def many(axes: Iterable[Index]) -> Expression:
    """How many values some indices have together."""
    return total_size(i.size for i in axes)


def split(place: Expression, axes: Axes) -> list[Assign]:
    """The lines that give each index, of the number of a place in the order of C."""
    lines = []
    for k, index in enumerate(axes):
        behind = axes[k + 1 :]
        found = Operation("//", place, Brackets(many(behind))) if behind else place
        lines.append(Assign(index.name, Operation("%", found, size_factor(index.size)) if k else found))
    return lines


@dataclass
class ThreadBlock:
    """The innermost loop of a kernel: where entries are found in it."""

    printer: ThreadPrinter
    rows: Mapping[Element, Expression]
    """What registers hold."""
    names: Mapping[str, str]
    """What the entries of a tensor are called, where there is one for each thread."""

    def access(self, e: Element) -> Expression:
        """An entry, or the variable that holds it."""
        if e in self.rows:
            return self.rows[e]
        if e.name in self.names:
            return Name(self.names[e.name])
        return at(e.name, self.place(e)) if e.indices else Name(e.name)

    def place(self, e: Element, axes: Sequence[Any] = ()) -> Expression:
        """Where an entry lies in memory."""
        scope = self.scope()
        first, *others = zip(e.indices, axes or self.printer.memory[e.name], strict=True)
        found = scope.place(first[0])
        for index, axis in others:
            place = scope.place(index)
            found = plus(times(as_factor(found), size_factor(axis)), place)
        return found

    def scope(self, statements: Sequence[Statement] = ()) -> Scope:
        several = repeated([s.term for s in statements if safe(s.term)])
        return Scope(self.printer.dtype, self.access, _Named(), several=several)


class _Named(dict):  # type: ignore[type-arg]
    """Every index is called by its name."""

    def __contains__(self, term: object) -> bool:
        return isinstance(term, Index)

    def __missing__(self, index: Index) -> Name:
        return Name(index.name)
