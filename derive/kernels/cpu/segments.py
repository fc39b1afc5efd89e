"""What the functions of a module are made of: the stages of a schedule in runs, between which stand matrix products, and the
memory and numbers that pass between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from derive.kernels.cpu.schedule import Region, Scalars, Schedule
from derive.kernels.program.statements import MatrixProduct, Statement, read_by


@dataclass(frozen=True)
class Segment:
    """Regions and numbers that one call of compiled code computes, in order.

    `numbers` are those it is given, `made` those it gives back.
    """

    stages: tuple[Region | Scalars, ...]
    numbers: tuple[str, ...]
    made: tuple[str, ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(s for stage in self.stages for s in stage.statements)

    @property
    def reads(self) -> frozenset[str]:
        return read_by(self.statements)


@dataclass(frozen=True)
class Plan(Schedule):
    """A schedule, and its stages in runs and matrix products."""

    parts: tuple[Segment | MatrixProduct, ...]


def plan(schedule: Schedule) -> Plan:
    """The plan of a schedule."""
    groups: list[list[Region | Scalars] | MatrixProduct] = []
    for stage in schedule.stages:
        if isinstance(stage, MatrixProduct):
            groups.append(stage)
        elif groups and isinstance(groups[-1], list):
            groups[-1].append(stage)
        else:
            groups.append([stage])
    parts: list[Segment | MatrixProduct] = []
    later = {*schedule.program.outputs}
    for group in reversed(groups):
        parts.insert(0, group if isinstance(group, MatrixProduct) else _segment(group, schedule.memory, later))
        later |= parts[0].reads
    return Plan(schedule.program, schedule.stages, tuple(parts))


def _segment(stages: Iterable[Region | Scalars], memory: dict[str, Any], later: set[str]) -> Segment:
    stages = tuple(stages)
    statements = [s for stage in stages for s in stage.statements]
    made = {s.name: s for s in statements}
    read = dict.fromkeys(e.name for s in statements for e in sorted(s.entries, key=str))
    numbers = [n for n in read if n not in memory and n not in made]
    return Segment(stages, tuple(numbers), tuple(n for n, s in made.items() if not s.axes and n in later))
