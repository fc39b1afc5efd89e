"""Figures of computational graphs: values forward, gradients backward.

Diagram → layers (columns and their order) → placement (coordinates) → routing (arrows) → Layout → canvas (matplotlib)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.teaching.figure.description import description
from derive.teaching.figure.diagram import Arrow, Box, Diagram, Label, Matrix, TooLarge
from derive.teaching.figure.geometry import LEGIBLE, Rectangle
from derive.teaching.figure.network import DOTS, Layer, Network, Unit
from derive.teaching.figure.typesetting import upright
from derive.teaching.live import Frame

if TYPE_CHECKING:
    from derive.teaching.figure.canvas import FileFormat

__all__ = [
    "DOTS",
    "LEGIBLE",
    "Arrow",
    "Box",
    "Diagram",
    "Label",
    "Layer",
    "Matrix",
    "Network",
    "TooLarge",
    "Unit",
    "as_tikz",
    "description",
    "draw",
    "places",
    "size_on_page",
    "upright",
]


def draw(diagram: Diagram | Network, file_format: FileFormat, language: str = "en") -> bytes:
    """The file of a figure as "pdf", "svg" or "png", with its legend in this language; the same diagram, the same bytes."""
    from derive.teaching.figure import canvas  # matplotlib is slow to import

    return canvas.draw(diagram, file_format, language)


def as_tikz(diagram: Diagram | Network, language: str = "en") -> str:
    """The same figure as TikZ code, whose labels LaTeX sets in the font of the document."""
    from derive.teaching.figure import canvas
    from derive.teaching.figure.tikz import code

    return code(canvas.compose(diagram, language))


def size_on_page(diagram: Diagram | Network, language: str = "en") -> float:
    """The size in points of the numbers of a figure on a page of slides: 10.5 if it fits there."""
    from derive.teaching.figure import canvas

    return canvas.size_on_page(diagram, language)


@dataclass(frozen=True)
class Places:
    """Where things stand in the figure of a diagram, in points from its top left corner: left, top, right, bottom.

    `boxes` are those of the diagram, `arrows` the value and the gradient of each of its arrows, if it has them.
    """

    boxes: tuple[Frame, ...]
    arrows: tuple[tuple[Frame | None, Frame | None], ...]


def places(diagram: Diagram, language: str = "en") -> Places:
    """Where the boxes and the numbers of a figure stand."""
    from derive.teaching.figure import canvas

    def frame(part: Rectangle) -> Frame:
        return part.left, part.top, part.right, part.bottom

    drawing = canvas.compose(diagram, language)
    texts = (frame(text.frame) for text in drawing.texts)
    arrows = tuple((next(texts) if arrow.forward else None, next(texts) if arrow.backward else None) for arrow in diagram.arrows)
    return Places(tuple(frame(shape.outline) for shape in drawing.shapes), arrows)
