"""Charts: curves, points and contours over one or two axes, drawn with matplotlib in the font of the figures.

A chart is data; `picture` makes of it what a page shows.  All its words and numbers are mathtext in Computer Modern.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from derive.marks import mark
from derive.teaching.document import Picture
from derive.teaching.page import Page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = 9
"""A surface has about so many lines of equal height."""

COLOURS = ("#0b5c8a", "#b3541e", "#3d7a35", "#7a3d78")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))
INK, RULE, ZONE = "#1b2733", "#dde3e8", "#f2e6d8"
BACKED: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
"""Behind a label, so that no line runs through it."""


@dataclass(frozen=True)
class Curve:
    """A curve through points (x, y), broken where y is not a number; `label` is LaTeX mathematics without dollars.

    `place` picks its colour and its dashes; with `dots` its points are marked, as those of a path are.
    """

    x: Any
    y: Any
    label: str = ""
    place: int = 0
    dots: bool = False


@dataclass(frozen=True)
class Mark:
    """A point that stands out, full or `hollow`, with a label beside it."""

    x: float
    y: float
    label: str = ""
    hollow: bool = False
    place: int = 0


@dataclass(frozen=True)
class Panel:
    """One pair of axes: curves and points, stretches of x that are shaded, and the contours of a surface (x, y, z)."""

    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    zones: tuple[tuple[float, float], ...] = ()
    surface: tuple[Any, Any, Any] | None = None
    x: str = "x"
    y: str = ""
    whole: bool = False
    """Along x there are whole numbers alone."""


@dataclass(frozen=True)
class Chart:
    """Panels side by side, and in words what they show."""

    panels: tuple[Panel, ...]
    alt: str = ""


def picture(chart: Chart, page: Page, name: str) -> Picture:
    """The chart as a page shows it."""
    return Picture(name, {kind: partial(draw, chart, kind, page) for kind in ("pdf", "svg", "png")}, chart.alt)


STYLE: dict[Any, Any] = {
    "mathtext.fontset": "cm",
    "font.family": "serif",
    "svg.hashsalt": "derive",
    "svg.fonttype": "path",
    "font.size": 11,
}
METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Title": mark()},
    "pdf": {"CreationDate": None, "Title": mark()},
}


def draw(chart: Chart, kind: str, page: Page) -> bytes:
    """The file of a chart; the same chart, the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from derive.teaching.figure.canvas import DRAWING

    out = io.BytesIO()
    with DRAWING, matplotlib.style.context("default"), matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4 if len(chart.panels) > 1 else 4.6, 2.9), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, panel in zip(figure.subplots(1, len(chart.panels), squeeze=False)[0], chart.panels, strict=True):
            _paint(axes, panel, page)
        figure.savefig(out, format=kind, metadata=METADATA.get(kind, {}), dpi=200)
    return out.getvalue()


def _paint(axes: Axes, panel: Panel, page: Page) -> None:
    for low, high in panel.zones:
        axes.axvspan(low, high, facecolor=ZONE, edgecolor="none", zorder=0)
    if panel.surface is not None:
        _contours(axes, panel.surface, page)
    for curve in panel.curves:
        place = curve.place % len(COLOURS)
        look: dict[str, Any] = {"color": COLOURS[place], "linestyle": DASHES[place], "linewidth": 1.8}
        if curve.dots:
            look |= {"linewidth": 1.2, "linestyle": "-", "marker": "o", "markersize": 3.2}
        axes.plot(curve.x, curve.y, label=f"${curve.label}$" if curve.label else None, **look)
    for point in panel.marks:
        colour = COLOURS[point.place % len(COLOURS)]
        axes.plot([point.x], [point.y], "o", color=colour, markersize=5.5, markerfacecolor="white" if point.hollow else colour)
        if point.label:
            axes.annotate(
                f"${point.label}$", (point.x, point.y), xytext=(6, 6), textcoords="offset points", color=INK, bbox=BACKED
            )
    _settle(axes, panel, page)


def _contours(axes: Axes, surface: tuple[Any, Any, Any], page: Page) -> None:
    """Lines of equal height over a light tint, each with its height."""
    import matplotlib
    import numpy as np

    x, y, z = surface
    heights = levels(z)
    tints = matplotlib.colormaps["Blues"](np.linspace(0.0, 0.9, len(heights) + 1))
    axes.contourf(x, y, z, levels=[-np.inf, *heights, np.inf], colors=tints, alpha=0.35, zorder=0)
    lines = axes.contour(x, y, z, levels=heights, colors="#6d7f8d", linewidths=0.6, zorder=1)
    axes.clabel(lines, fontsize=9.5, fmt=lambda value: f"${tick(value, page)}$")


def levels(z: Any) -> list[float]:
    """Short numbers that part a surface into pieces of about one area: as many lines in a flat hollow as on a steep rim."""
    import numpy as np

    heights = np.quantile(z[np.isfinite(z)], np.arange(LEVELS + 2) / (LEVELS + 1))
    gaps = np.diff(heights)
    units = 10.0 ** np.floor(np.log10(np.maximum(np.minimum(gaps[:-1], gaps[1:]), np.ptp(heights) / 1000 + 1e-300)))
    return sorted({float(f"{np.round(height / unit) * unit:.12g}") for height, unit in zip(heights[1:-1], units, strict=True)})


def _settle(axes: Axes, panel: Panel, page: Page) -> None:
    """Axes through the origin, a light grid, a legend; decimals in the language of the page."""
    from matplotlib.ticker import MaxNLocator

    if panel.surface is None:
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.axvline(0, color=INK, linewidth=0.7)
        axes.grid(visible=True, color=RULE, linewidth=0.6)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors="#5f6b76")
    axes.set_xlabel(f"${panel.x}$")
    if panel.y:
        axes.set_ylabel(f"${panel.y}$", rotation=0, ha="right", va="center")
    if panel.whole:
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if any(curve.label for curve in panel.curves):
        axes.legend(loc="best", frameon=panel.surface is not None, framealpha=0.85, edgecolor="none")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"${tick(value, page)}$")


def tick(value: float, page: Page) -> str:
    """A number of an axis, as mathematics in the language of the page."""
    digits, _, exponent = f"{round(value, 12) + 0:g}".partition("e")
    power = rf" \cdot 10^{{{int(exponent)}}}" if exponent else ""
    return f"{page.style.number(digits).latex}{power}"
