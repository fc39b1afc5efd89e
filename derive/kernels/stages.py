"""What the functions of a module are made of: the stages of a schedule in runs, between which stand matrix products, and the
memory and numbers that pass between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.calculus.terms import Binder, Element
from derive.graphs.graph import Input
from derive.kernels.program import Program
from derive.kernels.schedule import MatrixProduct, Region, Scalars, Schedule, Statement, read_by


@dataclass(frozen=True)
class Run:
    """Regions and numbers that one call of compiled code computes, in order.

    `arrays` are the tensors in memory that it reads or writes, `numbers` those it is given, `made` those it gives back.
    """

    stages: tuple[Region | Scalars, ...]
    arrays: tuple[str, ...]
    numbers: tuple[str, ...]
    made: tuple[str, ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(s for stage in self.stages for s in stage.statements)

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)


@dataclass(frozen=True)
class Plan:
    """A schedule in runs and matrix products; `memory` are the tensors that are kept in arrays, with their axes."""

    schedule: Schedule
    parts: tuple[Run | MatrixProduct, ...]
    memory: dict[str, tuple[Any, ...]]

    @property
    def program(self) -> Program:
        return self.schedule.program

    @property
    def whole(self) -> frozenset[str]:
        return self.program.whole

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that are read, in the order in which they were declared."""
        read = frozenset().union(*(part.reads for part in self.parts))
        return tuple(i for i in self.schedule.program.inputs if i.name in read)

    @cached_property
    def between(self) -> tuple[str, ...]:
        """The tensors in memory that are neither given nor wanted."""
        given = {i.name for i in self.schedule.program.inputs}
        return tuple(n for n in self.memory if n not in given and n not in self.schedule.program.outputs)


def plan(schedule: Schedule) -> Plan:
    """The plan of a schedule."""
    kept = dict(memory(schedule.program, schedule.stages))
    groups: list[list[Region | Scalars] | MatrixProduct] = []
    for stage in schedule.stages:
        if isinstance(stage, MatrixProduct):
            groups.append(stage)
        elif groups and isinstance(groups[-1], list):
            groups[-1].append(stage)
        else:
            groups.append([stage])
    parts: list[Run | MatrixProduct] = []
    later = {*schedule.program.outputs}
    for group in reversed(groups):
        parts.insert(0, group if isinstance(group, MatrixProduct) else _run(group, kept, later))
        later |= parts[0].reads
    return Plan(schedule, tuple(parts), kept)


def memory(program: Program, stages: Sequence[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
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


def _run(stages: Iterable[Region | Scalars], memory: dict[str, Any], later: set[str]) -> Run:
    stages = tuple(stages)
    statements = [s for stage in stages for s in stage.statements]
    made = {s.name: s for s in statements}
    read = dict.fromkeys(e.name for s in statements for e in sorted(s.entries, key=str))
    arrays = [n for n in memory if n in read or n in made]
    numbers = [n for n in read if n not in memory and n not in made]
    return Run(stages, tuple(arrays), tuple(numbers), tuple(n for n, s in made.items() if not s.axes and n in later))


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
