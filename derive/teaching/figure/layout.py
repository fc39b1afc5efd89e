"""The layout of a computational graph: sizes and places of boxes, labels and arrows, from the extents of the texts.

Pure: the caller passes `measure`, so any renderer can use it.  Lengths are points, as in `geometry`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.teaching.figure.geometry import CORNER, LEGEND_SIZE, ROOMY, VALUE_SIZE, Drawing, Outline, Path, Rectangle
from derive.teaching.figure.layers import layers
from derive.teaching.figure.placement import BoxSize, placed
from derive.teaching.figure.routing import HEAD, paths, radius
from derive.teaching.figure.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.teaching.figure.diagram import Arrow, Diagram
    from derive.teaching.figure.geometry import Measure, PlacedText, Position, Role, Spacing
    from derive.teaching.figure.layers import Layers
    from derive.teaching.figure.placement import Lattice

LOOP = 12.0
"""How far an arrow back to the beginning keeps from everything else; its corners have half of it for a radius."""

LEGEND_GAP, LEGEND_LEADING = 16.0, 15.0
"""Between entries of the legend, across and along the page."""


def layout(diagram: Diagram, measure: Measure, legend: Sequence[tuple[Role, str]] = (), spacing: Spacing = ROOMY) -> Drawing:
    """Everything in its place; equal diagrams and measures give equal layouts.

    A diagram that runs down the page is placed as one that runs to the right, with its boxes and labels lying on their sides.
    """
    order = layers(diagram)
    sizes = [_size(diagram, order, cell, measure, spacing) for cell in range(len(order.cells))]
    grid = placed(order, _aligned(diagram, order, sizes), spacing)
    shapes = tuple(_shape(diagram, grid, cell, measure) for cell, c in enumerate(order.cells) if c.role == "box")
    labels = [chain[-2] for chain in order.chains]
    texts = [
        text
        for arrow, cell in zip(diagram.arrows, labels, strict=True)
        for text in _texts(arrow, _turned(grid.centre(cell), diagram), measure, spacing, diagram.down)
    ]
    ways = (replace(path, points=tuple(_turned(point, diagram) for point in path.points)) for path in paths(diagram, grid))
    graph = Drawing(0.0, 0.0, shapes, tuple(ways), tuple(texts))
    loops = tuple(_loop(arrow, place, graph, diagram) for place, arrow in enumerate(diagram.loops))
    return _framed(replace(graph, paths=(*graph.paths, *loops)), legend, measure, spacing)


def _loop(arrow: Arrow, place: int, graph: Drawing, diagram: Diagram) -> Path:
    """A way back from a last box around everything to a first one, its corners round; beside a diagram that runs down."""
    source, target = (next(s.outline for s in graph.shapes if s.box.name == name) for name in (arrow.source, arrow.target))
    around = _around([shape.outline for shape in graph.shapes] + [text.frame for text in graph.texts])
    far = (LOOP + 6.0 * place) + 8.0
    (x0, y0), (x1, y1) = _turned(source.centre, diagram), _turned(target.centre, diagram)
    x0, x1 = (x0 + source.height / 2, x1 - target.height / 2) if diagram.down else (source.right, target.left)
    top = (around.left if diagram.down else around.top) - far
    ends = (around.bottom, around.top) if diagram.down else (around.right, around.left)
    right, left = ends[0] + far, ends[1] - far
    corners = [(x0, y0), (right, y0), (right, top), (left, top), (left, y1), (x1 - HEAD, y1)]
    points = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        entering, going = _towards(corner, before, LOOP / 2), _towards(corner, after, LOOP / 2)
        points += [points[-1], entering, entering, corner, corner, going]
    points += [points[-1], corners[-1], corners[-1], corners[-1], (x1, y1), (x1, y1)]
    return Path(arrow, tuple(_turned(point, diagram) for point in points), loop=True)


def _towards(start: Position, end: Position, by: float) -> Position:
    length = max(abs(end[0] - start[0]) + abs(end[1] - start[1]), 1e-9)
    return start[0] + by * (end[0] - start[0]) / length, start[1] + by * (end[1] - start[1]) / length


def _turned(point: Position, diagram: Diagram) -> Position:
    """A point of the lattice on the page."""
    return (point[1], point[0]) if diagram.down else point


def least(diagram: Diagram, measure: Measure, spacing: Spacing) -> tuple[float, float]:
    """A width and a height that the layout of a diagram cannot fall below, without finding it."""
    order = layers(diagram)
    sizes = [_size(diagram, order, cell, measure, spacing) for cell in range(len(order.cells))]
    width = sum(2 * max((sizes[cell].half for cell in cells), default=0.0) for cells in order.order)
    height = max(
        sum(sizes[cell].above + sizes[cell].below for cell in cells) + (len(cells) - 1) * min(spacing.box_gap, spacing.arrow_gap)
        for cells in order.order
    )
    width += (len(order.order) - 1) * spacing.column_gap
    return (height, width) if diagram.down else (width, height)


def _size(diagram: Diagram, order: Layers, cell: int, measure: Measure, spacing: Spacing) -> BoxSize:
    """What a cell needs, from the texts that will stand in it."""
    role, owner = order.cells[cell].role, order.cells[cell].owner
    if role == "box":
        ink = measure(diagram.boxes[owner].label, spacing.box_size)
        room = radius(sum(chain[-1] == cell for chain in order.chains), spacing)
        height, width = ink.height / 2 + 0.7 * spacing.padding, ink.width / 2 + spacing.padding
        if diagram.down:
            height = max(spacing.radius, height)
            return BoxSize(height, max(room, height, width), max(room, height, width))
        height = max(room, height)
        return BoxSize(max(height, width), height, height)
    texts = _texts(diagram.arrows[owner], (0.0, 0.0), measure, spacing, diagram.down) if role == "label" else []
    frames = [text.frame for text in texts]
    if not frames:
        return BoxSize(0.0, 1.0, 1.0)
    if diagram.down:
        return BoxSize(
            max(frame.height for frame in frames) / 2,
            max(1.0, *(-frame.left for frame in frames)),
            max(1.0, *(frame.right for frame in frames)),
        )
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
    box, size, (x, y) = diagram.boxes[cell], grid.sizes[cell], _turned(grid.centre(cell), diagram)
    label = typeset(box.label, "box", grid.spacing.box_size, measure)
    across, along = (size.above, size.half) if diagram.down else (size.half, size.above)
    outline = Rectangle(x - across, y - along, x + across, y + along)
    corner = min(across, along) if box.kind == "operation" else CORNER
    return Outline(box, outline, corner, label.moved(x - label.frame.centre[0], y - label.frame.centre[1]))


def _texts(arrow: Arrow, centre: Position, measure: Measure, spacing: Spacing, down: bool = False) -> list[PlacedText]:
    """The value above and the gradient below the point `centre` of an arrow; left and right of one that runs down."""
    x, y = centre
    texts = []
    if down:
        if arrow.forward:
            text = typeset(arrow.forward, "forward", VALUE_SIZE, measure)
            texts.append(text.moved(x - 2 * spacing.value_pad - text.frame.right, y - text.frame.centre[1]))
        if arrow.backward:
            text = typeset(arrow.backward, "backward", VALUE_SIZE, measure, spacing.frame)
            texts.append(text.moved(x + 2 * spacing.value_pad - text.frame.left, y - text.frame.centre[1]))
        return texts
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
