"""A launch as the text of CUDA kernels: factories, which compile a kernel for each choice of what is constant in it.

    T__    threads of a row
    V__    numbers that one instruction reads or writes: 1, or WIDE where rows lie so
    E__    numbers of a row that a thread keeps in registers, NAME__row

Tensors are pointers and lie as C has them; computed numbers are pointers, too (NAME__at), for the kernels before may still be
at work when a kernel is launched.  What several threads add up is left in parts (NAME__part), one for each group of
threads, so that no result depends on who comes first.  `rows` and `cells` print the kernels from what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from derive.calculus.terms import Element, Index
from derive.kernels.cuda.launches import Axes, Launches
from derive.kernels.program.simple import safe
from derive.kernels.program.statements import LARGEST, PRODUCT, SUM, Statement
from derive.kernels.text.scope import Scope, factor_code, indented, repeated

COMBINED = {SUM: "accumulate", LARGEST: "accumulate_maximum", PRODUCT: "accumulate_product"}
OVER_ROW = {SUM: "row_sum", LARGEST: "row_largest", PRODUCT: "row_product"}
REALS, WHOLES, PARTS, NUMBER, SIZE = "REALS", "WHOLES", "PARTS", "NUMBER", "SIZE"
"""The types of a kernel's arguments: pointers to numbers, to whole numbers, to parts of sums; a number, a size."""

PART, AT, OUT = "__part", "__at", "__out"


@dataclass(frozen=True)
class KernelText:
    """A factory of kernels: its text, the arguments of the kernel with their types, and the device functions it uses."""

    text: str
    arguments: tuple[tuple[str, str], ...]
    used: frozenset[str]


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

    def kernel(self, name: str, constants: Sequence[str], lines: Sequence[str], used: set[str], bounds: str) -> KernelText:
        """The factory of a kernel with these lines; its arguments are what the lines mention."""
        lines = [*self._numbers(lines), *lines]
        arguments = self._arguments(lines)
        types = ", ".join(kind for _, kind in arguments)
        text = [
            "@cache",
            f"def {name}({', '.join(constants)}):",
            *broken(f"    @_compiled(void({types}), ({bounds}, 1))"),
            *broken(f"    def kernel({', '.join(a for a, _ in arguments)}):"),
            *indented(indented(lines)),
            "",
            "    return kernel",
        ]
        return KernelText("\n\n" + "\n".join(text) + "\n", arguments, frozenset(used))

    def _numbers(self, lines: Iterable[str]) -> list[str]:
        """The computed numbers that lines mention, read."""
        computed = [s.name for s in self._statements if not s.axes and s.name not in self.given]
        made = {m.group(1) for line in lines if (m := re.match(r"\s*(\w+) = ", line))}
        return [f"{n} = {n}{AT}[0]" for n in computed if n in words(lines) - made]

    @property
    def _statements(self) -> Iterable[Statement]:
        return (s for stage in self.launches.stages for s in getattr(stage, "statements", ()))

    def _arguments(self, lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
        mentioned = words(lines)
        sizes = {str(s) for s in self.launches.program.graph.sizes}
        found = []
        for name in self.memory:
            kind = WHOLES if name in self.whole else REALS
            found += [(f"{name}{end}", kind) for end in ("", OUT, PART) if f"{name}{end}" in mentioned]
        for s in self._statements:
            kind = WHOLES if s.name in self.whole else REALS
            if not s.axes:
                found += [(s.name + end, k) for end, k in ((AT, kind), (OUT, kind), (PART, PARTS)) if s.name + end in mentioned]
        numbers = sorted(n for n in self.given if n in mentioned)
        found += [(n, SIZE if n in self.whole else NUMBER) for n in numbers]
        found += [(n, SIZE) for n in sorted(mentioned) if n in sizes or n.endswith(("__parts", "slices__"))]
        return tuple(dict.fromkeys(found))


def words(lines: Iterable[str]) -> set[str]:
    """The names that lines mention, those of attributes apart."""
    return {word for line in lines for word in re.findall(r"(?<![\w.])[^\W\d]\w*", line)}


def broken(line: str) -> list[str]:
    """A line, in several where it is long; it has spaces between brackets only."""
    indent = len(line) - len(line.lstrip())
    return wrap(line, 116 - indent, subsequent_indent=" " * (indent + 8), break_long_words=False, break_on_hyphens=False)


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
class ThreadBlock:
    """The innermost loop of a kernel being printed: where entries are found in it."""

    printer: ThreadPrinter
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
