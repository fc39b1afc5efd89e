"""The layout of a computational graph: sizes and places of boxes, labels and arrows, from the extents of the texts.

Pure: the caller passes `measure`, so any renderer can use it.  Lengths are points, as in `geometry`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.teaching.figure.geometry import CORNER, LEGEND_SIZE, ROOMY, VALUE_SIZE, Drawing, Outline, Rectangle
from derive.teaching.figure.layers import layers
from derive.teaching.figure.placement import BoxSize, placed
from derive.teaching.figure.routing import paths, radius
from derive.teaching.figure.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.teaching.figure.diagram import Arrow, Diagram
    from derive.teaching.figure.geometry import Measure, PlacedText, Position, Role, Spacing
    from derive.teaching.figure.layers import Layers
    from derive.teaching.figure.placement import Lattice

LEGEND_GAP, LEGEND_LEADING = 16.0, 15.0
"""Between entries of the legend, across and along the page."""


def layout(diagram: Diagram, measure: Measure, legend: Sequence[tuple[Role, str]] = (), spacing: Spacing = ROOMY) -> Drawing:
    """Everything in its place; equal diagrams and measures give equal layouts."""
    order = layers(diagram)
    sizes = [_size(diagram, order, cell, measure, spacing) for cell in range(len(order.cells))]
    grid = placed(order, _aligned(diagram, order, sizes), spacing)
    shapes = tuple(_shape(diagram, grid, cell, measure) for cell, c in enumerate(order.cells) if c.role == "box")
    labels = [chain[-2] for chain in order.chains]
    texts = [
        text
        for arrow, cell in zip(diagram.arrows, labels, strict=True)
        for text in _texts(arrow, grid.centre(cell), measure, spacing)
    ]
    return _framed(Drawing(0.0, 0.0, shapes, paths(diagram, grid), tuple(texts)), legend, measure, spacing)


def least(diagram: Diagram, measure: Measure, spacing: Spacing) -> tuple[float, float]:
    """A width and a height that the layout of a diagram cannot fall below, without finding it."""
    order = layers(diagram)
    sizes = [_size(diagram, order, cell, measure, spacing) for cell in range(len(order.cells))]
    width = sum(2 * max((sizes[cell].half for cell in cells), default=0.0) for cells in order.order)
    height = max(
        sum(sizes[cell].above + sizes[cell].below for cell in cells) + (len(cells) - 1) * min(spacing.box_gap, spacing.arrow_gap)
        for cells in order.order
    )
    return width + (len(order.order) - 1) * spacing.column_gap, height


def _size(diagram: Diagram, order: Layers, cell: int, measure: Measure, spacing: Spacing) -> BoxSize:
    """What a cell needs, from the texts that will stand in it."""
    role, owner = order.cells[cell].role, order.cells[cell].owner
    if role == "box":
        ink = measure(diagram.boxes[owner].label, spacing.box_size)
        arriving = sum(chain[-1] == cell for chain in order.chains)
        height = max(radius(arriving, spacing), ink.height / 2 + 0.7 * spacing.padding)
        return BoxSize(max(height, ink.width / 2 + spacing.padding), height, height)
    frames = [text.frame for text in _texts(diagram.arrows[owner], (0.0, 0.0), measure, spacing)] if role == "label" else []
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
    label = typeset(box.label, "box", grid.spacing.box_size, measure)
    outline = Rectangle(x - size.half, y - size.above, x + size.half, y + size.below)
    corner = size.above if box.kind == "operation" else CORNER
    return Outline(box, outline, corner, label.moved(x - label.frame.centre[0], y - label.frame.centre[1]))


def _texts(arrow: Arrow, centre: Position, measure: Measure, spacing: Spacing) -> list[PlacedText]:
    """The value above and the gradient below the point `centre` of an arrow."""
    x, y = centre
    texts = []
    if arrow.forward:
        text = typeset(arrow.forward, "forward", VALUE_SIZE, measure)
        texts.append(text.moved(x - text.frame.centre[0], y - spacing.value_pad - text.frame.bottom))
    if arrow.backward:
        text = typeset(arrow.backward, "backward", VALUE_SIZE, measure, spacing.frame)
        texts.append(text.moved(x - text.frame.centre[0], y + spacing.value_pad - text.frame.top))
    return texts


def _legend(entries: Sequence[tuple[Role, str]], width: float, measure: Measure) -> list[PlacedText]:
    """The entries from (0, 0) on: in a row on one baseline where `width` allows it, otherwise one below the other."""
    texts = [typeset(formula, role, LEGEND_SIZE, measure) for role, formula in entries]
    together = sum(text.frame.width + LEGEND_GAP for text in texts) - LEGEND_GAP
    moved, x, y = [], 0.0, 0.0
    for text in texts:
        moved.append(text.moved(x - text.frame.left, y))
        if together <= width:
            x += text.frame.width + LEGEND_GAP
        else:
            y += LEGEND_LEADING
    return moved


def _framed(graph: Drawing, legend: Sequence[tuple[Role, str]], measure: Measure, spacing: Spacing) -> Drawing:
    """The graph with the legend centred below it and a margin around both; the top left corner becomes (0, 0)."""
    bends = [Rectangle(x, y, x, y) for path in graph.paths for x, y in path.points]
    extent = _around([shape.outline for shape in graph.shapes] + [text.frame for text in graph.texts] + bends)
    entries = _legend(legend, extent.width, measure)
    below = _around([text.frame for text in entries]) if entries else Rectangle(0.0, 0.0, 0.0, -spacing.legend_space)
    width = max(extent.width, below.width) + 2 * spacing.margin
    x, y = (width - extent.width) / 2 - extent.left, spacing.margin - extent.top
    foot = spacing.margin + extent.height + spacing.legend_space
    return Drawing(
        width,
        foot + below.height + spacing.margin,
        tuple(replace(s, outline=s.outline.moved(x, y), label=s.label.moved(x, y)) for s in graph.shapes),
        tuple(replace(path, points=tuple((px + x, py + y) for px, py in path.points)) for path in graph.paths),
        tuple(text.moved(x, y) for text in graph.texts)
        + tuple(text.moved((width - below.width) / 2, foot - below.top) for text in entries),
    )


def _around(parts: Sequence[Rectangle]) -> Rectangle:
    """The least rectangle around all parts."""
    return Rectangle(
        min(part.left for part in parts),
        min(part.top for part in parts),
        max(part.right for part in parts),
        max(part.bottom for part in parts),
    )
