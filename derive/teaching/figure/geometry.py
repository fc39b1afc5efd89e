"""Points, rectangles and the finished layout: what stands where.

All lengths are points (1/72 inch); x grows to the right and y down the page from the top left corner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from derive.teaching.figure.diagram import Arrow, Box

Role = Literal["box", "forward", "backward"]
Position = tuple[float, float]

CORNER = 3.5
"""The radius of the corners of a box that holds an input or an output."""


@dataclass(frozen=True)
class Rectangle:
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> Position:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def moved(self, x: float, y: float) -> Rectangle:
        return Rectangle(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def grown(self, x: float, y: float) -> Rectangle:
        return Rectangle(self.left - x, self.top - y, self.right + x, self.bottom + y)


Measure = Callable[[str, float], Rectangle]
"""The ink of a formula set at a size in points, with the start of its baseline at the origin."""


@dataclass(frozen=True)
class PlacedText:
    """A formula with the start of its baseline at `origin`; `frame` holds its ink, and the tint behind a gradient."""

    formula: str
    role: Role
    size: float
    origin: Position
    frame: Rectangle


@dataclass(frozen=True)
class Outline:
    """A box as drawn: a rectangle with round corners, and its label."""

    box: Box
    outline: Rectangle
    corner: float
    label: PlacedText


@dataclass(frozen=True)
class Path:
    """An arrow as drawn: cubic Bézier curves end to end (1 + 3k points); the last one is straight, under the head."""

    arrow: Arrow
    points: tuple[Position, ...]


@dataclass(frozen=True)
class Drawing:
    """Everything in a figure, with its place.  `texts` are the labels of the arrows, then the legend."""

    width: float
    height: float
    shapes: tuple[Outline, ...]
    paths: tuple[Path, ...]
    texts: tuple[PlacedText, ...]
