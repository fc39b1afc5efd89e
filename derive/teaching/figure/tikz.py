r"""A figure as TikZ code, for documents in LaTeX: the layout of the other formats, its coordinates, colours and sizes of type.

The labels are formulas that LaTeX sets, in the font of the document: in Computer or Latin Modern they look as in the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.marks import mark
from derive.teaching.figure.look import ARROW, COLOUR, FILL, LINE, RIM, TINT, head_of
from derive.teaching.figure.typesetting import STROKE

if TYPE_CHECKING:
    from derive.teaching.figure.geometry import Drawing, Path, PlacedText, Position, Rectangle

COLOURS = {ARROW: "arrow", LINE: "line", TINT: "tint", "#ffffff": "white"} | {c: role for role, c in COLOUR.items()}
COLOURS |= {FILL["input"]: "input", FILL["output"]: "output"}
"""What the colours are called in the picture: `derive…`, so that they meet no names of the document."""


def code(drawing: Drawing) -> str:
    r"""What `\input` takes where `\usepackage{tikz}` stands in the preamble."""
    return "\n".join(
        [
            f"% {mark()}",
            *(rf"\definecolor{{derive{name}}}{{HTML}}{{{colour[1:].upper()}}}%" for colour, name in COLOURS.items()),
            r"\begin{tikzpicture}[x=1bp, y=-1bp, every node/.style={anchor=base west, inner sep=0pt, outer sep=0pt}]",
            rf"\path[use as bounding box] {_at((0.0, 0.0))} rectangle {_at((drawing.width, drawing.height))};",
            *(line for path in drawing.paths for line in _arrow(path)),
            *(
                line
                for shape in drawing.shapes
                for line in (
                    _box(shape.outline, shape.corner, FILL[shape.box.kind], COLOUR["box"], RIM[shape.box.kind]),
                    *_text(shape.label),
                )
            ),
            *(line for text in drawing.texts for line in _text(text)),
            r"\end{tikzpicture}%",
            "",
        ]
    )


def _arrow(path: Path) -> Iterator[str]:
    if not path.head:
        start, *_, end = path.points
        yield rf"\draw[derive{COLOURS[LINE]}, line width=0.7bp] {_at(start)} -- {_at(end)};"
        return
    *line, _, _, tip = path.points
    curves = "".join(
        f" .. controls {_at(line[k])} and {_at(line[k + 1])} .. {_at(line[k + 2])}" for k in range(1, len(line) - 2, 3)
    )
    dashed = ", dash pattern=on 3.6bp off 1.8bp" if path.loop else ""
    yield rf"\draw[derive{COLOURS[ARROW]}, line width=0.9bp{dashed}] {_at(line[0])}{curves};"
    yield rf"\fill[derive{COLOURS[ARROW]}] {' -- '.join(map(_at, head_of(line[-1], tip)))} -- cycle;"


def _text(text: PlacedText) -> Iterator[str]:
    if text.role == "backward":
        yield _box(text.frame, 2.0, TINT, COLOUR["backward"], 0.5)
    if text.role == "weight":
        yield rf"\fill[white] {_corners(text.frame.grown(1.0, 1.0))};"
    colour = f"derive{COLOURS[COLOUR[text.role]]}"
    font = rf"\fontsize{{{text.size:g}bp}}{{{1.2 * text.size:g}bp}}\selectfont"
    for line, start in text.lines:
        yield rf"\node[{colour}, font={font}] at {_at(start)} {{${line}$}};"
    for stroke in text.strokes:
        yield rf"\draw[{colour}, line width={STROKE:g}bp] {' -- '.join(map(_at, stroke))};"


def _box(outline: Rectangle, corner: float, fill: str, rim: str, width: float) -> str:
    style = f"fill=derive{COLOURS[fill]}, draw=derive{COLOURS[rim]}, line width={width:g}bp, rounded corners={corner:g}bp"
    return rf"\path[{style}] {_corners(outline)};"


def _corners(outline: Rectangle) -> str:
    return f"{_at((outline.left, outline.top))} rectangle {_at((outline.right, outline.bottom))}"


def _at(point: Position) -> str:
    return f"({point[0]:.2f},{point[1]:.2f})"
