"""The layout of a computational graph: sizes and places of boxes, labels and arrows, from the extents of the texts.

Pure: the caller passes `measure`, so any renderer can use it.  Lengths are points, as in `geometry`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.teaching.figure.geometry import CORNER, Drawing, Outline, PlacedText, Rectangle
from derive.teaching.figure.layers import layers
from derive.teaching.figure.placement import BoxSize, placed
from derive.teaching.figure.routing import paths, radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.teaching.figure.diagram import Arrow, Diagram
    from derive.teaching.figure.geometry import Measure, Position, Role
    from derive.teaching.figure.layers import Layers
    from derive.teaching.figure.placement import Lattice

BOX_SIZE, VALUE_SIZE, LEGEND_SIZE = 12.0, 10.5, 9.0
"""Sizes of type."""

PADDING = 6.0
"""Between the text of a box and its sides."""

VALUE_PAD = 2.6
"""Between an arrow and the texts above and below it."""

FRAME = (3.0, 2.2)
"""Between a gradient and its frame, across and along the page."""

MARGIN, LEGEND_GAP, LEGEND_LEADING, LEGEND_SPACE = 4.0, 16.0, 15.0, 12.0
"""Around the figure; between entries of the legend across and along the page; between it and the graph."""


def layout(diagram: Diagram, measure: Measure, legend: Sequence[tuple[Role, str]] = ()) -> Drawing:
    """Everything in its place; equal diagrams and measures give equal layouts."""
    order = layers(diagram)
    sizes = [_size(diagram, order, cell, measure) for cell in range(len(order.cells))]
    grid = placed(order, _aligned(diagram, order, sizes))
    shapes = tuple(_shape(diagram, grid, cell, measure) for cell, c in enumerate(order.cells) if c.role == "box")
    labels = [chain[-2] for chain in order.chains]
    texts = [
        text for arrow, cell in zip(diagram.arrows, labels, strict=True) for text in _texts(arrow, grid.centre(cell), measure)
    ]
    return _framed(Drawing(0.0, 0.0, shapes, paths(diagram, grid), tuple(texts)), legend, measure)


def _size(diagram: Diagram, order: Layers, cell: int, measure: Measure) -> BoxSize:
    """What a cell needs, from the texts that will stand in it."""
    role, owner = order.cells[cell].role, order.cells[cell].owner
    if role == "box":
        ink = measure(diagram.boxes[owner].label, BOX_SIZE)
        arriving = sum(chain[-1] == cell for chain in order.chains)
        height = max(radius(arriving), ink.height / 2 + 0.7 * PADDING)
        return BoxSize(max(height, ink.width / 2 + PADDING), height, height)
    frames = [text.frame for text in _texts(diagram.arrows[owner], (0.0, 0.0), measure)] if role == "label" else []
    if not frames:
        return BoxSize(0.0, 1.0, 1.0)
    return BoxSize(
        max(frame.width for frame in frames) / 2,
        max(1.0, *(-frame.top for frame in frames)),
        max(1.0, *(frame.bottom for frame in frames)),
    )


def _aligned(diagram: Diagram, order: Layers, sizes: list[BoxSize]) -> tuple[BoxSize, ...]:
    """The sizes with the inputs of a column as wide as the widest of them, and so the outputs."""
    result = list(sizes)
    for cells in order.order:
        for kind in ("input", "output"):
            alike = [cell for cell in cells if order.cells[cell].role == "box" and diagram.boxes[cell].kind == kind]
            for cell in alike:
                result[cell] = replace(sizes[cell], half=max(sizes[other].half for other in alike))
    return tuple(result)


def _shape(diagram: Diagram, grid: Lattice, cell: int, measure: Measure) -> Outline:
    """A box around its label, the ink centred in it."""
    box, size, (x, y) = diagram.boxes[cell], grid.sizes[cell], grid.centre(cell)
    ink = measure(box.label, BOX_SIZE)
    origin = (x - ink.centre[0], y - ink.centre[1])
    outline = Rectangle(x - size.half, y - size.above, x + size.half, y + size.below)
    corner = size.above if box.kind == "operation" else CORNER
    return Outline(box, outline, corner, PlacedText(box.label, "box", BOX_SIZE, origin, ink.moved(*origin)))


def _texts(arrow: Arrow, centre: Position, measure: Measure) -> list[PlacedText]:
    """The value above and the gradient below the point `centre` of an arrow."""
    x, y = centre
    texts = []
    if arrow.forward:
        text = _text(arrow.forward, "forward", VALUE_SIZE, measure)
        texts.append(_moved(text, x - text.frame.centre[0], y - VALUE_PAD - text.frame.bottom))
    if arrow.backward:
        text = _text(arrow.backward, "backward", VALUE_SIZE, measure)
        texts.append(_moved(text, x - text.frame.centre[0], y + VALUE_PAD - text.frame.top))
    return texts


def _text(formula: str, role: Role, size: float, measure: Measure) -> PlacedText:
    """A text at the origin.  A gradient's frame is at least as high as that of a digit, so that frames look alike."""
    ink = measure(formula, size)
    if role != "backward":
        return PlacedText(formula, role, size, (0.0, 0.0), ink)
    digit = measure("0", size)
    frame = Rectangle(ink.left, min(ink.top, digit.top), ink.right, max(ink.bottom, digit.bottom))
    return PlacedText(formula, role, size, (0.0, 0.0), frame.grown(*FRAME))


def _moved(text: PlacedText, x: float, y: float) -> PlacedText:
    return replace(text, origin=(text.origin[0] + x, text.origin[1] + y), frame=text.frame.moved(x, y))


def _legend(entries: Sequence[tuple[Role, str]], width: float, measure: Measure) -> list[PlacedText]:
    """The entries from (0, 0) on: in a row on one baseline where `width` allows it, otherwise one below the other."""
    texts = [_text(formula, role, LEGEND_SIZE, measure) for role, formula in entries]
    together = sum(text.frame.width + LEGEND_GAP for text in texts) - LEGEND_GAP
    moved, x, y = [], 0.0, 0.0
    for text in texts:
        moved.append(_moved(text, x - text.frame.left, y))
        if together <= width:
            x += text.frame.width + LEGEND_GAP
        else:
            y += LEGEND_LEADING
    return moved


def _framed(graph: Drawing, legend: Sequence[tuple[Role, str]], measure: Measure) -> Drawing:
    """The graph with the legend centred below it and a margin around both; the top left corner becomes (0, 0)."""
    bends = [Rectangle(x, y, x, y) for path in graph.paths for x, y in path.points]
    extent = _around([shape.outline for shape in graph.shapes] + [text.frame for text in graph.texts] + bends)
    entries = _legend(legend, extent.width, measure)
    below = _around([text.frame for text in entries]) if entries else Rectangle(0.0, 0.0, 0.0, -LEGEND_SPACE)
    width = max(extent.width, below.width) + 2 * MARGIN
    x, y = (width - extent.width) / 2 - extent.left, MARGIN - extent.top
    foot = MARGIN + extent.height + LEGEND_SPACE
    return Drawing(
        width,
        foot + below.height + MARGIN,
        tuple(replace(s, outline=s.outline.moved(x, y), label=_moved(s.label, x, y)) for s in graph.shapes),
        tuple(replace(path, points=tuple((px + x, py + y) for px, py in path.points)) for path in graph.paths),
        tuple(_moved(text, x, y) for text in graph.texts)
        + tuple(_moved(text, (width - below.width) / 2, foot - below.top) for text in entries),
    )


def _around(parts: Sequence[Rectangle]) -> Rectangle:
    """The least rectangle around all parts."""
    return Rectangle(
        min(part.left for part in parts),
        min(part.top for part in parts),
        max(part.right for part in parts),
        max(part.bottom for part in parts),
    )
