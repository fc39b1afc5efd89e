"""Plots: curves of functions of one number with their slopes, and surfaces over two, from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.rules import N_
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.language.reader import read
from derive.notation import definitions
from derive.notation.layout import Layout, latex
from derive.notation.layout import text as plain_text
from derive.teaching.blocks.charts import Chart, Curve, Mark, Panel, tick
from derive.teaching.blocks.sampled import Axis, Sampled, sampled
from derive.teaching.figure import upright
from derive.teaching.page import Page
from derive.values.run import Run, plain

POINTS, GRID = 401, 61
"""Along a curve, and along each side of a surface."""

STEEP, BISECTIONS = 0.02, 24
"""A step of more than this part of a curve's height is halved so often; a jump that is left after that is one."""


@dataclass(frozen=True)
class Line:
    """A function of one number: what it is called, what its slope is, it, and what it is called in words."""

    label: str
    slope_label: str
    function: Sampled
    words: str


@dataclass(frozen=True)
class Window:
    """What is shown: from where to where along each axis, with points that stand out, and where slopes are small."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    marks: tuple[float, ...] = ()
    saturated: float | None = None


# ---------------------------------------------------------------- functions


def formula_line(formula: str, values: Mapping[str, Any], page: Page) -> Line:
    """A function of x: the name of one, or a formula with x and numbers that have values.  Raises DeriveError."""
    text = f"{formula}(x)" if formula.replace("_", "").isalnum() and formula != "x" else formula
    name = next(name for name in ("y", "f", "g", "result") if name not in text)
    try:
        graph = read(f"{name} = {text}")
    except DeriveError as error:
        if text == formula:
            raise DeriveError(
                said("{word} is no formula in x: {message}", word=formula, message=error.message), None, error.hint
            ) from None
        hint = said("Name a function of one number, or write a formula in x: {formula}.", formula=f"{formula}(x, 1)")
        raise DeriveError(said("{name} is not a function of one number.", name=formula), hint=hint) from None
    if graph.output.axes or "x" not in {i.name for i in graph.inputs}:
        raise DeriveError(said("{name} is not a function of one number.", name=formula), hint="Write a formula in x: x**2 + 1.")
    function = sampled(graph, "", (("x", ()),), values, Fraction(1))
    printed = definitions.layout(graph.output.surface or graph.output.body, page.context(graph))
    shown = _mathtext(printed, text)
    simple = text != formula
    slope = shown.replace("(x)", r"\,'(x)") if simple else rf"({shown})'"
    return Line(shown, slope, function, plain_text(printed))


def graph_line(graph: Graph, of: str, axis: Axis, values: Mapping[str, Any], start: Fraction, page: Page) -> Line:
    """A number of a graph over one of its inputs, the others with values.  Raises DeriveError."""
    function = sampled(graph, of, (axis,), values, start)
    output, by = page.context(function.graph).called(function.graph.output.name), axis_label(function.graph, axis, page)
    code, of = latex(output), latex(by)
    return Line(rf"{code}({of})", rf"\partial {code}\,/\,\partial {of}", function, over(function, (axis,), page))


def axis_label(graph: Graph, axis: Axis, page: Page) -> Layout:
    """What a number that moves is called."""
    return definitions.left_side(axis[0], tuple(map(Integer, axis[1])), page.context(graph))


def over(function: Sampled, axes: Sequence[Axis], page: Page) -> str:
    """What a number of a graph over some others is called in words: L(w₁, w₂)."""
    graph = function.graph
    by = (page.style.separator.text + " ").join(plain_text(axis_label(graph, axis, page)) for axis in axes)
    return f"{plain_text(page.context(graph).called(graph.output.name))}({by})"


def _mathtext(layout: Layout, typed: str) -> str:
    """A formula for mathtext, which sets one line; as it was typed where it takes several."""
    code = latex(layout).replace(r"\operatorname", r"\mathrm").replace(r"\lVert ", r"\Vert ").replace(r"\rVert ", r"\Vert ")
    return rf"\mathrm{{{upright(typed)}}}" if r"\begin" in code else code


# ---------------------------------------------------------------- charts


def curves_chart(lines: Sequence[Line], derivatives: bool, window: Window, x: str, page: Page, paths: Mapping[str, Any]) -> Chart:
    """Curves, and beside them those of their slopes; a path is a row of points on the first curve.

    Raises DeriveError for an empty interval.
    """
    low, high = check_interval(window)[0]
    at = np.linspace(low, high, POINTS)
    zones = _flat(lines[0], at, window.saturated) if window.saturated is not None else ()
    values = [_curve(line.function.at, at, line.label, k) for k, line in enumerate(lines)]
    if not any(np.isfinite(curve.y).any() for curve in values):
        raise DeriveError("Nothing has a value here.", hint="Choose another interval with from: and to:.")
    named = len(lines) == 1  # the numbers of several would lie upon one another
    marks = [_mark(line.function.at, x0, k, page, named) for k, line in enumerate(lines) for x0 in window.marks]
    on = [Curve(p[:, 0], p[:, 1], _named(name, paths), k + 1, dots=True) for k, (name, p) in enumerate(paths.items())]
    panels = [Panel((*values, *on), tuple(marks), zones, x=x)]
    if derivatives:
        slopes = [_curve(line.function.slope, at, line.slope_label, k) for k, line in enumerate(lines)]
        marks = [_mark(line.function.slope, x0, k, page, named) for k, line in enumerate(lines) for x0 in window.marks]
        panels.append(Panel(tuple(slopes), tuple(marks), zones, x=x))
    return Chart(tuple(panels), described([line.words for line in lines], page))


def check_interval(window: Window) -> list[tuple[float, float]]:
    """(from, to) along each axis.  Raises DeriveError where one is empty, or too far out."""
    pairs = list(zip(window.low, window.high, strict=True))
    if not all(-1e6 < low < high < 1e6 for low, high in pairs):
        raise DeriveError("from must be less than to, and both within a million.")
    return pairs


def _curve(function: Callable[..., Any], at: Any, label: str, place: int) -> Curve:
    """The curve, broken at its jumps: both ends of one stand where they are."""
    x, y = _broken(function, at, function(at))
    return Curve(x, y, label, place)


def _broken(function: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    """The points of a curve with one that is not a number in each jump, its ends found by halving the step."""
    finite = y[np.isfinite(y)]
    height = float(np.ptp(finite)) if len(finite) else 0.0
    steep = np.flatnonzero(np.abs(np.diff(y)) > STEEP * height) if height > 0 else np.array([], dtype=int)
    if not len(steep):
        return x, y
    left, right, y_left, y_right = x[steep], x[steep + 1], y[steep], y[steep + 1]
    before = np.abs(y_right - y_left)
    for _ in range(BISECTIONS):
        middle = (left + right) / 2
        y_middle = function(middle)
        onto_left = np.abs(y_middle - y_left) <= np.abs(y_right - y_middle)
        left, y_left = np.where(onto_left, middle, left), np.where(onto_left, y_middle, y_left)
        right, y_right = np.where(onto_left, right, middle), np.where(onto_left, y_right, y_middle)
    jumps = np.abs(y_right - y_left) > before / 2
    places = np.repeat(steep[jumps] + 1, 3)
    inserted_x = np.column_stack([left, left, right])[jumps].ravel()
    inserted_y = np.column_stack([y_left, np.full(len(steep), np.nan), y_right])[jumps].ravel()
    return np.insert(x, places, inserted_x), np.insert(y, places, inserted_y)


def _mark(function: Callable[..., Any], x: float, place: int, page: Page, labelled: bool) -> Mark:
    y = float(function(np.array([x]))[0])
    return Mark(x, y, tick(float(f"{y:.{page.digits}g}"), page) if labelled and np.isfinite(y) else "", place=place)


def _flat(line: Line, at: Any, most: float) -> tuple[tuple[float, float], ...]:
    """The stretches in which the slope is at most so large."""
    flat = np.abs(line.function.slope(at)) <= most
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    return tuple((float(at[a]), float(at[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1)


def surface_chart(function: Sampled, window: Window, labels: tuple[str, str], paths: Mapping[str, Any], page: Page) -> Chart:
    """A number over two others as contours, with paths on them, first and last points marked."""
    (low, high), (bottom, top) = check_interval(window)
    x, y = np.linspace(low, high, GRID), np.linspace(bottom, top, GRID)
    across, up = np.meshgrid(x, y)
    z = function.at(across.ravel(), up.ravel()).reshape(across.shape)
    if not np.isfinite(z).any():
        raise DeriveError("Nothing has a value here.", hint="Choose another interval with from: and to:.")
    curves = tuple(Curve(p[:, 0], p[:, 1], _named(name, paths), k, dots=True) for k, (name, p) in enumerate(paths.items()))
    marks = tuple(
        Mark(float(p[end, 0]), float(p[end, 1]), hollow=end == 0, place=k)
        for k, p in enumerate(paths.values())
        for end in (0, -1)
    )
    return Chart((Panel(curves, marks, (), (x, y, z), *labels),), described([over(function, function.axes, page)], page))


def _named(name: str, paths: Mapping[str, Any]) -> str:
    """What a path is called in the legend: nothing where it is the only one."""
    return rf"\mathrm{{{upright(name)}}}" if len(paths) > 1 else ""


def path_points(states: Sequence[Run], axes: Sequence[Axis], of: str = "") -> Any:
    """The states of an iteration as points: along each axis, and with `of`, the value of it."""

    def of_state(state: Run, name: str, entry: tuple[int, ...]) -> float:
        if name not in state.exact:
            raise DeriveError(said("The path has no {name}.", name=name))
        return float(np.asarray(plain(state.exact[name]))[entry])

    columns = [*axes, *([(of, ())] if of else [])]
    return np.array([[of_state(state, name, entry) for name, entry in columns] for state in states])


def described(what: Sequence[str], page: Page) -> str:
    """What a plot shows, in words."""
    return page.say(N_("Curves of")) + " " + (page.style.separator.text + " ").join(what)
