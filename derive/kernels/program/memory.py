"""Where the tensors of a program lie: arrays of its own, or in place of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.calculus.terms import Binder, Element
from derive.graphs.graph import Input
from derive.kernels.program.program import Program
from derive.kernels.program.statements import MatrixProduct


@dataclass(frozen=True)
class Staged:
    """A program in stages, which are computed one after the other; each says what it `reads`."""

    program: Program
    stages: tuple[Any, ...]

    @property
    def whole(self) -> frozenset[str]:
        return self.program.whole

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that are read, in the order in which they were declared."""
        read = frozenset().union(*(stage.reads for stage in self.stages))
        return tuple(i for i in self.program.inputs if i.name in read)

    @cached_property
    def memory(self) -> dict[str, tuple[Any, ...]]:
        """The tensors that are kept in arrays, with their axes."""
        return dict(_memory(self.program, self.stages))

    @cached_property
    def between(self) -> tuple[str, ...]:
        """The tensors in memory that are neither given nor wanted."""
        given = {i.name for i in self.program.inputs}
        return tuple(n for n in self.memory if n not in given and n not in self.program.outputs)


def _memory(program: Program, stages: Sequence[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The tensors with axes that are given, wanted, or read by another stage than the one that computes them."""
    for i in program.inputs:
        if i.axes:
            yield i.name, i.axes
    for k, stage in enumerate(stages):
        if isinstance(stage, MatrixProduct):
            yield stage.name, tuple(i.size for i in stage.entry.indices)
            continue
        elsewhere = {n for other in (*stages[:k], *stages[k + 1 :]) for n in other.reads}
        for s in stage.statements:
            if s.axes and (s.name in elsewhere or s.name in program.outputs):
                yield s.name, s.axes


def in_place(program: Program) -> frozenset[tuple[str, str]]:
    """(output, input) pairs that may be one array: every entry is read where it is written, and nowhere else."""
    if len(program.assigns) != 1 or program.assigns[0].term.atoms(Binder):
        return frozenset()
    (assign,) = program.assigns
    entries = assign.term.atoms(Element)
    names = {e.name for e in entries} - {i.name for i in program.inputs if i.kind == "label"}
    return frozenset((assign.name, n) for n in names if all(o.indices == assign.indices for o in entries if o.name == n))


def sizes_in(*terms: Any) -> set[str]:
    """The names of the sizes that terms mention."""
    return {s.name for t in terms for s in t.free_symbols if s.is_integer and s.is_positive}
