"""Points, rectangles and the finished layout: what stands where.

All lengths are points (1/72 inch); x grows to the right and y down the page from the top left corner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from derive.teaching.figure.diagram import Arrow, Box, Label

Role = Literal["box", "forward", "backward", "weight"]
Position = tuple[float, float]

VALUE_SIZE, LEGEND_SIZE = 10.5, 10.5
"""Sizes of type: on arrows, below the graph.  None is smaller: what leaves the numbers legible leaves everything so."""

PAGE = (400.0, 164.0)
"""The width and height that a page of slides gives a picture."""

LEGIBLE = 7.0
"""The least size of the numbers of a figure on a page of slides."""

CORNER = 3.5
"""The radius of the corners of a box that holds an input or an output."""


@dataclass(frozen=True)
class Spacing:
    """How much room things are given, in points."""

    box_size: float
    """The size of type in boxes."""

    padding: float
    """Between the text of a box and its sides."""

    radius: float
    """Half the height of a box, unless many arrows arrive."""

    arriving: float
    """The least distance between two arrow heads along the rim of their box."""

    value_pad: float
    """Between an arrow and the texts above and below it."""

    frame: Position
    """Between a gradient and its frame, across and along the page."""

    box_gap: float
    arrow_gap: float
    """The least clearance between two boxes of a column, and between anything else."""

    column_gap: float
    steepest_gap: float
    slope: float
    """The space between two columns: at least, at most, and for each point that an arrow climbs or falls in it."""

    margin: float
    legend_space: float
    """Around the figure, and between it and its legend."""


ROOMY = Spacing(12.0, 6.0, 12.0, 7.0, 2.6, (3.0, 2.2), 9.0, 5.0, 16.0, 90.0, 0.36, 4.0, 12.0)
CLOSE = Spacing(11.0, 4.0, 9.5, 5.5, 2.0, (2.4, 1.6), 9.0, 2.0, 12.0, 90.0, 0.3, 2.0, 8.0)
"""For a figure that a page would else make too small."""


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
    """A formula or a matrix; `frame` holds its ink, and the tint behind a gradient.

    `lines` are what is set, each with the start of its baseline, and `strokes` the polylines drawn beside them: a formula is
    one line and no stroke, a matrix a line for each entry and a stroke for each bracket.
    """

    formula: Label
    role: Role
    size: float
    frame: Rectangle
    lines: tuple[tuple[str, Position], ...]
    strokes: tuple[tuple[Position, ...], ...] = ()

    def moved(self, x: float, y: float) -> PlacedText:
        return PlacedText(
            self.formula,
            self.role,
            self.size,
            self.frame.moved(x, y),
            tuple((line, (left + x, base + y)) for line, (left, base) in self.lines),
            tuple(tuple((px + x, py + y) for px, py in stroke) for stroke in self.strokes),
        )


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
    head: bool = True
    """Whether there is one: a line of a network has none."""
    loop: bool = False
    """Whether it goes back to the beginning, for the next step."""


@dataclass(frozen=True)
class Drawing:
    """Everything in a figure, with its place.  `texts` are the labels of the arrows, then the legend."""

    width: float
    height: float
    shapes: tuple[Outline, ...]
    paths: tuple[Path, ...]
    texts: tuple[PlacedText, ...]
