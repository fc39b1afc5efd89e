"""The arrows: where they meet their boxes, and the curves between.

Between two columns an arrow is an S-shaped cubic Bézier curve; under its label and past other boxes it runs level, and a
box that fills its column it meets at a right angle to the rim.  It thus climbs and falls only in the space between the
columns, and cannot touch what is not its own.
"""

from __future__ import annotations

from itertools import pairwise
from math import asin, atan2, copysign, cos, sin
from typing import TYPE_CHECKING

from derive.teaching.figure.geometry import CORNER, Path

if TYPE_CHECKING:
    from derive.teaching.figure.diagram import Diagram
    from derive.teaching.figure.geometry import Position, Spacing
    from derive.teaching.figure.placement import Lattice

HEAD = 6.5
"""The length of an arrow head."""

FAN = 0.95
"""Arrows meet a box at most this angle, in radians, from its axis."""

LEAVING = 3.0
"""The least distance between two arrows that leave a box along its rim."""

Knot = tuple["Position", "Position"]
"""A point and the direction, a unit vector, in which an arrow passes it."""

LEVEL = (1.0, 0.0)


def radius(arriving: int, spacing: Spacing) -> float:
    """Half the height of a box where that many arrow heads find room."""
    return max(spacing.radius, (arriving - 1) * spacing.arriving / (2 * FAN))


def paths(diagram: Diagram, grid: Lattice) -> tuple[Path, ...]:
    """Every arrow's way, in the order of the arrows."""
    leaving, arriving = _ports(diagram, grid, "leaving"), _ports(diagram, grid, "arriving")
    result = []
    for number, (arrow, chain) in enumerate(zip(diagram.arrows, grid.layers.chains, strict=True)):
        knots = list(leaving[number])
        for cell in chain[1:-1]:
            left, right = grid.borders[cell]
            knots += [((left, grid.y[cell]), LEVEL), ((right, grid.y[cell]), LEVEL)]
        result.append(Path(arrow, _curve(knots + arriving[number])))
    return tuple(result)


def _curve(knots: list[Knot]) -> tuple[Position, ...]:
    """Cubic Bézier curves through all knots, in their directions (1 + 3k points)."""
    points = [knots[0][0]]
    for ((x0, y0), (dx0, dy0)), ((x1, y1), (dx1, dy1)) in pairwise(knots):
        reach = (x1 - x0) / 2
        points += [(x0 + reach * dx0, y0 + reach * dy0), (x1 - reach * dx1, y1 - reach * dy1), (x1, y1)]
    return tuple(points)


def _ports(diagram: Diagram, grid: Lattice, side: str) -> list[list[Knot]]:
    """For each arrow the knots at one of its ends, in the direction of travel."""
    result: list[list[Knot]] = [[] for _ in diagram.arrows]
    end, towards = (0, 1) if side == "leaving" else (-1, -2)
    row = {cell: place for cells in grid.layers.order for place, cell in enumerate(cells)}
    for cell in range(len(diagram.boxes)):
        fan = [number for number, chain in enumerate(grid.layers.chains) if chain[end] == cell]
        fan.sort(key=lambda number: row[grid.layers.chains[number][towards]])
        if fan:
            spread = LEAVING if side == "leaving" else grid.spacing.arriving
            angles = _angles(grid, cell, [grid.layers.chains[number][towards] for number in fan], spread)
            for number, angle in zip(fan, angles, strict=True):
                knots = _port(diagram, grid, cell, angle)
                result[number] = knots if side == "leaving" else _arriving(knots, grid.centre(cell)[0])
    return result


def _angles(grid: Lattice, cell: int, neighbours: list[int], spread: float) -> list[float]:
    """The angles at which the arrows from or to the neighbours, top to bottom, meet a box; positive is down."""
    x, y = grid.centre(cell)
    step = min(spread / grid.sizes[cell].above, 2 * FAN / max(1, len(neighbours) - 1))
    wanted = []
    for neighbour in neighbours:
        across = min(abs(border - x) for border in grid.borders[neighbour])
        wanted.append(atan2(grid.y[neighbour] - y, across))
    last = len(wanted) - 1
    return [min(max(a, i * step - FAN), FAN - (last - i) * step) for i, a in enumerate(_spaced(wanted, step))]


def _spaced(wanted: list[float], step: float) -> list[float]:
    """The values nearest to `wanted` in least squares that grow by `step` at least, by pooling adjacent violators
    (Barlow, Bartholomew, Bremner & Brunk 1972, "Statistical inference under order restrictions", §1.2)."""
    blocks: list[tuple[float, int]] = []
    for i, value in enumerate(wanted):
        blocks.append((value - i * step, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (upper, m), (lower, n) = blocks[-2:]
            blocks[-2:] = [((upper * m + lower * n) / (m + n), m + n)]
    means = [mean for mean, count in blocks for _ in range(count)]
    return [mean + i * step for i, mean in enumerate(means)]


def _port(diagram: Diagram, grid: Lattice, cell: int, angle: float) -> list[Knot]:
    """The knots of an arrow that leaves a box to the right at that angle.

    A box narrower than its column is left level, up to the border of the column, so as not to brush its neighbours.
    """
    (x, y), size, (left, right) = grid.centre(cell), grid.sizes[cell], grid.borders[cell]
    if diagram.boxes[cell].kind == "operation":
        corner, across = min(size.half, size.above), size.above * sin(angle)
        angle = copysign(asin(max(0.0, abs(across) - size.above + corner) / corner), angle)
        port = (x + size.half - corner * (1 - cos(angle)), y + across)
    else:
        port = (x + size.half, y + (size.above - CORNER - 1) * sin(angle) / sin(FAN))
    if 2 * size.half < right - left - 1:
        return [(port, LEVEL), ((right, port[1]), LEVEL)]
    return [(port, (cos(angle), sin(angle)))]


def _arriving(leaving: list[Knot], x: float) -> list[Knot]:
    """The mirror image, about the vertical through a box's centre, of a way out of it: a way in, with room for a head."""
    way = [((2 * x - px, py), (dx, -dy)) for (px, py), (dx, dy) in reversed(leaving)]
    (tip_x, tip_y), (dx, dy) = way[-1]
    neck = ((tip_x - HEAD * dx, tip_y - HEAD * dy), (dx, dy))
    return [*(knot for knot in way[:-1] if knot[0][0] < neck[0][0]), neck, way[-1]]
