"""Drawing a layout with matplotlib, without pyplot and its global state."""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path as Curve
from matplotlib.textpath import TextPath

from derive.calculus.rules import N_
from derive.errors import DeriveError, said
from derive.marks import mark
from derive.teaching.figure.diagram import Diagram
from derive.teaching.figure.geometry import CLOSE, LEGIBLE, PAGE, VALUE_SIZE, Drawing, Rectangle
from derive.teaching.figure.layout import layout, least
from derive.teaching.figure.look import ARROW, COLOUR, FILL, LINE, RIM, TINT, head_of
from derive.teaching.figure.network import Network, drawn
from derive.teaching.figure.typesetting import STROKE, upright
from derive.teaching.translation import SOURCE, translator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from derive.teaching.figure.geometry import Outline, Path, PlacedText, Role

FileFormat = Literal["pdf", "svg", "png"]

LEGEND: tuple[tuple[Role, tuple[str, str], str], ...] = (
    ("forward", (r"\rightarrow", r"\downarrow"), N_("forward: value")),
    ("backward", (r"\leftarrow", r"\uparrow"), N_("backward: gradient")),
)
"""What an arrow carries, where to, in a diagram that runs to the right and in one that runs down, and how that is said."""

NEXT_STEP = N_("dashed: on to the next step")

RESOLUTION = 220
"""Dots per inch of a PNG."""

SIGN = r"(?<=[;,])((?:\s|\\[ ,:;!])*)-"
"""A minus after punctuation and any space."""

DRAWING = Lock()
"""The settings of matplotlib belong to the process."""

METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": mark(), "Producer": None},
    "svg": {"Date": None, "Creator": mark()},
    "png": {"Software": None},
}


def draw(diagram: Diagram | Network, file_format: FileFormat, language: str = SOURCE) -> bytes:
    """The file of a figure.  The same diagram gives the same bytes."""
    if file_format not in METADATA:
        raise DeriveError(
            said("A figure cannot be written as '{file_format}'.", file_format=file_format),
            hint=said("The formats are {names}.", names=", ".join(METADATA)),
        )
    metadata = METADATA[file_format] | ({"Title": diagram.alt} if diagram.alt else {})
    file = BytesIO()
    with DRAWING, style.context("default"), matplotlib.rc_context({"svg.hashsalt": "derive"}):  # whatever the user has set
        paint(compose(diagram, language)).savefig(file, format=file_format, dpi=RESOLUTION, metadata=metadata)
    return file.getvalue()


@lru_cache(maxsize=64)
def compose(diagram: Diagram | Network, language: str = SOURCE) -> Drawing:
    """The layout of a figure set in matplotlib's Computer Modern, that of a diagram with a legend for what its arrows carry.

    Things stand closer to each other where a page of slides would else shrink them below what can be read.
    """
    if isinstance(diagram, Network):
        return drawn(diagram, measure)
    say = translator(language)
    carried = {
        "forward": any(arrow.forward for arrow in diagram.arrows),
        "backward": any(arrow.backward for arrow in diagram.arrows),
    }
    entries = [(role, rf"{way[diagram.down]}\ \mathrm{{{upright(say(words))}}}") for role, way, words in LEGEND if carried[role]]
    if diagram.loops:
        entries.append(("box", rf"\mathrm{{{upright(say(NEXT_STEP))}}}"))
    roomy = layout(diagram, measure, entries)
    return roomy if _shrunk(roomy.width, roomy.height) >= LEGIBLE else layout(diagram, measure, entries, CLOSE)


def size_on_page(diagram: Diagram | Network, language: str = SOURCE) -> float:
    """The size in points of the numbers of a figure on a page of slides; of one too large to be read, a size it stays below."""
    if isinstance(diagram, Diagram) and (bound := _shrunk(*least(diagram, measure, CLOSE))) < LEGIBLE:
        return bound
    drawing = compose(diagram, language)
    return _shrunk(drawing.width, drawing.height)


def _shrunk(width: float, height: float) -> float:
    """The size of the numbers of a figure where it stands in the frame of a page, which shrinks what is larger."""
    return VALUE_SIZE * min(1.0, PAGE[0] / width, PAGE[1] / height)


@lru_cache(maxsize=1024)
def measure(formula: str, size: float) -> Rectangle:
    """The ink of a formula as mathtext sets it, in points, with the start of its baseline at the origin, y down."""
    try:
        outline = TextPath((0, 0), _mathtext(formula), size=size, prop=_font(size))
    except ValueError as error:
        raise DeriveError(
            said("This label of a figure cannot be set: {formula}", formula=formula), hint="Labels are mathtext formulas."
        ) from error
    ink = outline.vertices[outline.codes != Curve.CLOSEPOLY]
    if not len(ink):
        return Rectangle(0.0, 0.0, 0.0, 0.0)
    (left, bottom), (right, top) = ink.min(axis=0), ink.max(axis=0)
    return Rectangle(*(round(float(side), 2) for side in (left, -top, right, -bottom)))


def paint(layout: Drawing) -> Figure:
    """A figure of the layout's size, one unit of its axes a point on paper."""
    figure = Figure(figsize=(layout.width / 72, layout.height / 72))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    axes.set_axis_off()
    for path in layout.paths:
        _paint_arrow(axes, path)
    for shape in layout.shapes:
        _paint_shape(axes, shape)
    for text in layout.texts:
        _paint_text(axes, text)
    return figure


def _mathtext(formula: str) -> str:
    """The formula for mathtext, which would space a minus after punctuation as one between two operands; TeX does not."""
    return "$" + re.sub(SIGN, r"\1{-}", formula) + "$"


def _font(size: float) -> FontProperties:
    return FontProperties(size=size, math_fontfamily="cm")


def _paint_arrow(axes: Axes, path: Path) -> None:
    """The line as far as the head, and the head with its tip on the rim of the box."""
    if not path.head:
        (start, *_, end) = path.points
        axes.add_patch(PathPatch(Curve([start, end]), fill=False, edgecolor=LINE, linewidth=0.7, zorder=0.5))
        return
    *line, _, _, tip = path.points
    codes = [Curve.MOVETO] + [Curve.CURVE4] * (len(line) - 1)
    axes.add_patch(
        PathPatch(
            Curve(line, codes),
            fill=False,
            edgecolor=ARROW,
            linewidth=0.9,
            capstyle="butt",
            linestyle=(0, (4, 2)) if path.loop else "-",
        )
    )
    axes.add_patch(Polygon(head_of(line[-1], tip), closed=True, facecolor=ARROW, edgecolor="none"))


def _paint_shape(axes: Axes, shape: Outline) -> None:
    kind = shape.box.kind
    axes.add_patch(_rounded(shape.outline, shape.corner, FILL[kind], COLOUR["box"], RIM[kind]))
    _paint_text(axes, shape.label)


def _paint_text(axes: Axes, text: PlacedText) -> None:
    if text.role == "backward":
        axes.add_patch(_rounded(text.frame, 2.0, TINT, COLOUR["backward"], 0.5))
    if text.role == "weight":
        axes.add_patch(_rounded(text.frame.grown(1.0, 1.0), 1.0, "#ffffff", "none", 0.0))
    colour, font = COLOUR[text.role], _font(text.size)
    for line, start in text.lines:
        axes.text(*start, _mathtext(line), color=colour, fontproperties=font, ha="left", va="baseline")
    for stroke in text.strokes:
        axes.add_patch(PathPatch(Curve(stroke), fill=False, edgecolor=colour, linewidth=STROKE, joinstyle="miter"))


def _rounded(outline: Rectangle, corner: float, fill: str, rim: str, width: float) -> PathPatch:
    """A rectangle with round corners; a circle where they meet."""
    k = corner * (1 - 4 * (2**0.5 - 1) / 3)  # where a cubic Bézier curve has its control points to run along a quarter circle
    left, top, right, bottom = outline.left, outline.top, outline.right, outline.bottom
    points = [
        *[(left + corner, top), (right - corner, top), (right - k, top), (right, top + k), (right, top + corner)],
        *[(right, bottom - corner), (right, bottom - k), (right - k, bottom), (right - corner, bottom)],
        *[(left + corner, bottom), (left + k, bottom), (left, bottom - k), (left, bottom - corner)],
        *[(left, top + corner), (left, top + k), (left + k, top), (left + corner, top), (left + corner, top)],
    ]
    side, quarter = [Curve.LINETO], [Curve.CURVE4] * 3
    codes = [Curve.MOVETO, *(side + quarter) * 4, Curve.CLOSEPOLY]
    return PathPatch(Curve(points, codes), facecolor=fill, edgecolor=rim, linewidth=width)
