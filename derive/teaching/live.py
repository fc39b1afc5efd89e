"""A figure of numbers that a reader can change: what each box computes, and where its numbers stand."""

from __future__ import annotations

from dataclasses import dataclass

from derive.notation.layout import Layout

Frame = tuple[float, float, float, float]
"""Left, top, right, bottom, in points from the top left corner of the figure."""


@dataclass(frozen=True)
class Given:
    """An input: how it is printed, and its number at first."""

    called: Layout
    value: float


@dataclass(frozen=True)
class Use:
    """An edge into a box, or out of the graph: whose number flows along it, the slope of the box by it as code and as it is
    printed with what it is the slope of, and where the value and the gradient stand.
    """

    source: int
    slope: str
    rule: Layout
    forward: Frame | None
    backward: Frame | None


@dataclass(frozen=True)
class Gate:
    """A box: its definition as it is printed, its number as code over `v`, the edges into it, and where it stands."""

    definition: Layout
    value: str
    uses: tuple[Use, ...]
    frame: Frame


@dataclass(frozen=True)
class Live:
    """A figure of inputs and gates, numbered in this order; `outputs` are the edges that lead out, with what comes back on each.

    Numbers are shown with so many `digits`.
    """

    digits: int
    given: tuple[Given, ...]
    gates: tuple[Gate, ...]
    outputs: tuple[tuple[Use, float], ...]
