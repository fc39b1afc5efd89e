"""Figures of computational graphs: values forward, gradients backward.

Diagram → layers (columns and their order) → placement (coordinates) → routing (arrows) → Layout → canvas (matplotlib)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.teaching.figure.diagram import Arrow, Box, Diagram

if TYPE_CHECKING:
    from derive.teaching.figure.canvas import FileFormat

__all__ = ["Arrow", "Box", "Diagram", "draw"]


def draw(diagram: Diagram, file_format: FileFormat, language: str = "en") -> bytes:
    """The file of a figure as "pdf", "svg" or "png", with its legend in this language; the same diagram, the same bytes."""
    from derive.teaching.figure import canvas  # matplotlib is slow to import

    return canvas.draw(diagram, file_format, language)
