"""Figures of computational graphs: values forward, gradients backward.

Diagram → layers (columns and their order) → placement (coordinates) → routing (arrows) → Layout → canvas (matplotlib)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.teaching.figure.description import description
from derive.teaching.figure.diagram import Arrow, Box, Diagram, Label, Matrix, TooLarge
from derive.teaching.figure.geometry import LEGIBLE
from derive.teaching.figure.network import DOTS, Layer, Network, Unit
from derive.teaching.figure.typesetting import upright

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
    "description",
    "draw",
    "size_on_page",
    "upright",
]


def draw(diagram: Diagram | Network, file_format: FileFormat, language: str = "en") -> bytes:
    """The file of a figure as "pdf", "svg" or "png", with its legend in this language; the same diagram, the same bytes."""
    from derive.teaching.figure import canvas  # matplotlib is slow to import

    return canvas.draw(diagram, file_format, language)


def size_on_page(diagram: Diagram | Network, language: str = "en") -> float:
    """The size in points of the numbers of a figure on a page of slides: 10.5 if it fits there."""
    from derive.teaching.figure import canvas

    return canvas.size_on_page(diagram, language)
