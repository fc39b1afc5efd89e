"""From layers to coordinates: the third phase of the layered method.

The rows minimise Σ w |a·y| over linear forms a·y that would vanish in a perfect drawing: the climb of each step of an
arrow (the objective of Gansner, Koutsofios, North & Vo 1993, "A technique for drawing directed graphs", §4), and the
distance of a box from the middle of the arrows that meet there.  Absolute values, unlike squares, make most forms vanish
exactly.  The order in the columns and the clearances are constraints.  The solver follows the central path (Boyd &
Vandenberghe 2004, "Convex Optimization", ch. 11) with reweighted least squares for the absolute values, so what is left
undetermined comes out balanced.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive.teaching.figure.geometry import Position, Spacing
    from derive.teaching.figure.layers import Layers

INSIDE, ALONE, CENTRED, SHARED, TOGETHER = 8.0, 2.0, 0.6, 0.2, 0.02
"""What it weighs that a step inside a long arrow is level; a step at a box's end of its own; that a box stands in the
middle of a fan of arrows; that a step of the fan is level; and that neighbours in a column are close."""

SMOOTHING, BARRIER, STEPS, RIDGE = (100.0, 0.05), (30.0, 0.005), 40, 1e-6
"""How the solver nears the solution: the smoothing in points and the weight of the barrier, first and last."""


@dataclass(frozen=True)
class BoxSize:
    """Half the width of a cell, and how far it reaches above and below its centre line."""

    half: float
    above: float
    below: float


@dataclass(frozen=True)
class Lattice:
    """Where every cell stands: the y of its centre line, and the left and right border of its column."""

    layers: Layers
    sizes: tuple[BoxSize, ...]
    y: tuple[float, ...]
    borders: tuple[tuple[float, float], ...]
    spacing: Spacing

    def centre(self, cell: int) -> Position:
        left, right = self.borders[cell]
        return (left + right) / 2, self.y[cell]


def placed(layers: Layers, sizes: tuple[BoxSize, ...], spacing: Spacing) -> Lattice:
    """Every cell in its place, all arrows as straight as the order in the columns allows."""
    y = tuple(float(value) for value in _rows(layers, sizes, spacing))
    columns = _columns(layers, sizes, y, spacing)
    column_of = {cell: column for column, cells in enumerate(layers.order) for cell in cells}
    return Lattice(layers, sizes, y, tuple(columns[column_of[cell]] for cell in range(len(sizes))), spacing)


def _columns(layers: Layers, sizes: Sequence[BoxSize], y: Sequence[float], spacing: Spacing) -> list[tuple[float, float]]:
    """The left and right border of each column; where arrows climb far, the space after a column is wider."""
    borders, left = [], 0.0
    for cells in layers.order:
        right = left + 2 * max((sizes[cell].half for cell in cells), default=0.0)
        borders.append((left, right))
        steepest = max((abs(y[a] - y[b]) for a, b in layers.segments if a in cells), default=0.0)
        left = right + min(max(spacing.column_gap, spacing.slope * steepest), spacing.steepest_gap)
    return borders


def _rows(layers: Layers, sizes: Sequence[BoxSize], spacing: Spacing) -> np.ndarray:
    """The y of every cell, by the method that the head of this module describes."""
    apart, clearance = _clearances(layers, sizes, spacing)
    level, weights = _wishes(layers)
    forms, weights = np.vstack([level, apart]), np.concatenate([weights, np.full(len(apart), TOGETHER)])
    y = _stacked(layers, sizes, spacing)
    for smoothing, barrier in zip(np.geomspace(*SMOOTHING, STEPS), np.geomspace(*BARRIER, STEPS), strict=True):
        bend, slack = forms @ y, apart @ y - clearance
        pull = weights / np.hypot(bend, smoothing)
        slope = forms.T @ (pull * bend) - apart.T @ (barrier / slack)
        curvature = (forms.T * pull) @ forms + (apart.T * (barrier / slack**2)) @ apart
        move = -np.linalg.solve(curvature + RIDGE * np.eye(len(y)), slope)
        closing = -(apart @ move) / slack
        y = y + move * min(1.0, 0.9 / max(closing.max(initial=0.0), 0.5))
    return np.round(y, 2)


def _wishes(layers: Layers) -> tuple[np.ndarray, np.ndarray]:
    """The linear forms that should vanish, a row each, and their weights.

    For each step, the difference between its ends: it matters most inside a long arrow, much where the arrow has an end
    of a box to itself, little where it shares it.  For each fan of arrows that share an end of a box, the distance of the
    box from the middle of the fan.  An arrow thus bends where it shares its box: after its label where arrows meet,
    before it where they part.
    """
    place = {cell: i for cells in layers.order for i, cell in enumerate(cells)}
    fans: dict[tuple[int, int], list[int]] = defaultdict(list)
    for step in layers.segments:
        for end in (0, 1):
            if layers.cells[step[end]].role == "box":
                fans[step[end], end].append(step[1 - end])
    forms: list[tuple[float, dict[int, float]]] = []
    for step in layers.segments:
        fan = fans.get((step[0], 0)) or fans.get((step[1], 1))
        forms.append((INSIDE if fan is None else ALONE if len(fan) == 1 else SHARED, {step[0]: 1.0, step[1]: -1.0}))
    for (box, _), fan in fans.items():
        if len(fan) > 1:
            fan.sort(key=place.__getitem__)
            upper, lower = fan[(len(fan) - 1) // 2], fan[len(fan) // 2]
            forms.append((CENTRED, {box: 1.0, upper: -1.0} if upper == lower else {box: 1.0, upper: -0.5, lower: -0.5}))
    matrix = np.zeros((len(forms), len(layers.cells)))
    for row, (_, form) in enumerate(forms):
        matrix[row, list(form)] = list(form.values())
    return matrix, np.array([weight for weight, _ in forms])


def _clearances(layers: Layers, sizes: Sequence[BoxSize], spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """The differences of y between neighbours in a column, a row each, and how large they must be."""
    pairs = [pair for cells in layers.order for pair in pairwise(cells)]
    apart = np.zeros((len(pairs), len(layers.cells)))
    for row, (upper, lower) in enumerate(pairs):
        apart[row, [upper, lower]] = -1.0, 1.0
    return apart, np.array([_clearance(layers, sizes, upper, lower, spacing) for upper, lower in pairs])


def _clearance(layers: Layers, sizes: Sequence[BoxSize], upper: int, lower: int, spacing: Spacing) -> float:
    """The least distance between the centre lines of two neighbours in a column."""
    both_boxes = layers.cells[upper].role == layers.cells[lower].role == "box"
    return sizes[upper].below + sizes[lower].above + (spacing.box_gap if both_boxes else spacing.arrow_gap)


def _stacked(layers: Layers, sizes: Sequence[BoxSize], spacing: Spacing) -> np.ndarray:
    """A start: the cells of each column one below the other with room to spare, the columns centred on one line."""
    y = np.zeros(len(sizes))
    for cells in layers.order:
        steps = [1.5 * _clearance(layers, sizes, upper, lower, spacing) for upper, lower in pairwise(cells)]
        heights = np.concatenate([[0.0], np.cumsum(steps)])[: len(cells)]
        y[list(cells)] = heights - heights.mean()
    return y
