"""What a figure shows: boxes, and arrows with a value forward and a gradient backward."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from derive.errors import DeriveError, nearest, said


class TooLarge(DeriveError):
    """A figure has too much in it to be drawn, or to be read; one of fewer boxes, or one that runs elsewhere, may have not."""


BoxKind = Literal["input", "operation", "output"]


@dataclass(frozen=True)
class Box:
    """A node of the graph.  `label` is LaTeX mathematics without dollars: `t_1`, `\\times`, `\\mathrm{ReLU}`."""

    name: str
    label: str
    kind: BoxKind = "operation"


@dataclass(frozen=True)
class Matrix:
    """Numbers in rows and columns, each LaTeX mathematics without dollars; drawn between square brackets."""

    rows: tuple[tuple[str, ...], ...]


Label = str | Matrix
"""What stands on an arrow: a formula on one line, or a matrix."""


@dataclass(frozen=True)
class Arrow:
    """An edge between two boxes, by name.

    `forward` (the value that flows along it) and `backward` (the gradient that flows back) are LaTeX mathematics without
    dollars, or matrices of it, already rounded and in the figure's language; either may be empty.
    """

    source: str
    target: str
    forward: Label = ""
    backward: Label = ""


@dataclass(frozen=True)
class Diagram:
    """A directed acyclic graph; boxes and arrows in the order their author would read them, top to bottom.

    Two boxes may be joined by several arrows (`x * x`).  `alt` says in words what the figure shows, for readers who
    cannot see it.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    alt: str = ""
    loops: tuple[Arrow, ...] = ()
    """Arrows from the last boxes back to the first, for what the next step starts from."""
    down: bool = False
    """Whether it runs down the page and not to the right."""

    def __post_init__(self) -> None:
        if not self.boxes:
            raise DeriveError("A diagram needs at least one box.")
        twice = [name for name, count in Counter(box.name for box in self.boxes).items() if count > 1]
        if twice:
            raise DeriveError(
                said("Two boxes of a diagram are called '{twice}'.", twice=twice[0]), hint="Give each box its own name."
            )
        names = self.names
        for end in (end for arrow in (*self.arrows, *self.loops) for end in (arrow.source, arrow.target)):
            if end not in names:
                raise DeriveError(
                    said("An arrow of a diagram ends at '{end}', which is not a box.", end=end), hint=nearest(end, names)
                )
        in_order(len(self.boxes), self.edges)

    @property
    def names(self) -> dict[str, int]:
        """The position of each box, by its name."""
        return {box.name: position for position, box in enumerate(self.boxes)}

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The arrows as pairs of positions of boxes."""
        names = self.names
        return tuple((names[arrow.source], names[arrow.target]) for arrow in self.arrows)


def in_order(count: int, edges: tuple[tuple[int, int], ...]) -> list[int]:
    """The nodes 0 … count-1, each after the nodes its edges come from (Kahn 1962), otherwise in the order given."""
    waiting = Counter(target for _, target in edges)
    order: list[int] = []
    ready = [node for node in range(count) if not waiting[node]]
    while ready:
        node = ready.pop(0)
        order.append(node)
        for source, target in edges:
            if source == node:
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)
    if len(order) < count:
        raise DeriveError("The arrows of a diagram run in a circle.", hint="A computational graph has no cycle.")
    return order
