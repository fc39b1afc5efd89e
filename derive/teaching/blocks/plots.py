"""Plots of functions of one number and of their derived slopes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sympy import Symbol

from derive.calculus.functions import PRIMITIVES
from derive.calculus.rules import N_, differentiated
from derive.calculus.terms import Element, Index
from derive.errors import DeriveError, said
from derive.language import library
from derive.marks import mark
from derive.notation.layout import latex
from derive.notation.terms import function_name
from derive.teaching.document import Picture
from derive.teaching.page import Page
from derive.values.evaluator import Evaluator
from derive.values.number_systems import FLOAT

POINTS = 601
COLOURS = ("#0b5c8a", "#b3541e", "#3d7a35", "#7a3d78")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))


def plot(functions: Sequence[str], derivatives: bool, low: float, high: float, page: Page, name: str) -> Picture:
    """The curves of functions on [low, high], and beside them those of their slopes.

    Raises DeriveError for a name that is not a function of one number, or an empty interval.
    """
    if not functions:
        raise DeriveError("Name the functions to plot.", hint="Write a line like  functions: sigmoid, relu")
    if not -1e6 < low < high < 1e6:
        raise DeriveError("from must be less than to, and both within a million.")
    curves = [_curve(f, low, high) for f in functions]
    alt = page.say(N_("Curves of")) + " " + ", ".join(functions)
    formats = {kind: partial(_drawn, tuple(functions), curves, derivatives, kind, page) for kind in ("pdf", "svg", "png")}
    return Picture(name, formats, alt)


def _curve(name: str, low: float, high: float) -> tuple[Any, Any, Any]:
    """(x, f(x), f'(x)) in float64; the slope is derived from the definition."""
    primitive = PRIMITIVES.get(name)
    function = primitive.function if primitive and primitive.arguments == 1 else library.function(name)
    if function is None or (hasattr(function, "parameters") and len(function.parameters) != 1):
        raise DeriveError(said("{name} is not a function of one number.", name=name))
    x = Element(Symbol("x", real=True), Index("i", Symbol("n", integer=True, positive=True)))
    at = np.linspace(low, high, POINTS)
    values = Evaluator({Symbol("n", integer=True, positive=True): POINTS}, {"x": at}, None, FLOAT)
    term = function(x)
    by = Element(x.head, Index("j", x.indices[0].size))
    slope = differentiated(term, by).replace(lambda t: type(t).__name__ == "Delta", lambda *_: 1)
    return at, values.array(term, x.indices), values.array(slope, x.indices)


def _drawn(names: tuple[str, ...], curves: list[tuple[Any, Any, Any]], derivatives: bool, kind: str, page: Page) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "mathtext.fontset": "cm",
        "font.family": "serif",
        "svg.hashsalt": "derive",
        "svg.fonttype": "path",
        "font.size": 11,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(8.4 if derivatives else 4.6, 2.9), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2 if derivatives else 1, squeeze=False)[0]
        for k, (name, (x, y, slope)) in enumerate(zip(names, curves, strict=True)):
            look = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)], "linewidth": 1.8}
            sign = latex(function_name(name)).replace(r"\operatorname", r"\mathrm")
            axes[0].plot(x, y, label=f"${sign}(x)$", **look)
            if derivatives:
                axes[1].plot(x, slope, label=f"${sign}\\,'(x)$", **look)
        for axis in axes:
            _settle(axis, page)
        out = io.BytesIO()
        metadata: dict[str, Any] = {
            "svg": {"Date": None, "Title": mark()},
            "pdf": {"CreationDate": None, "Title": mark()},
        }.get(kind, {})
        figure.savefig(out, format=kind, metadata=metadata, dpi=200)
    return out.getvalue()


def _settle(axis: Any, page: Page) -> None:
    """Axes through the origin, a light grid, a legend; decimals in the language of the page."""
    axis.axhline(0, color="#1b2733", linewidth=0.7)
    axis.axvline(0, color="#1b2733", linewidth=0.7)
    axis.grid(visible=True, color="#dde3e8", linewidth=0.6)
    for side in ("top", "right", "left", "bottom"):
        axis.spines[side].set_visible(False)
    axis.tick_params(length=0, colors="#5f6b76")
    axis.set_xlabel("$x$")
    axis.legend(frameon=False)
    if page.style.decimal_sign != ".":
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace(".", page.style.decimal_sign).replace("-", "−"))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace(".", page.style.decimal_sign).replace("-", "−"))
