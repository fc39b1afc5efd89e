"""Labels of figures: where the lines of a formula or of a matrix stand, from the extents of their texts, and words as formulas.

A matrix is set here, not by the renderer, which knows formulas of one line only: its columns are aligned at the decimal
signs, its rows stand on common baselines, and the brackets are strokes.  Lengths are points, as in `geometry`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import normalize

from derive.teaching.figure.diagram import Matrix
from derive.teaching.figure.geometry import ROOMY, PlacedText, Rectangle

if TYPE_CHECKING:
    from derive.teaching.figure.diagram import Label
    from derive.teaching.figure.geometry import Measure, Position, Role

COLUMN_SPACE, ROW_SPACE = 0.85, 0.42
"""Between the columns and the rows of a matrix, in its size of type."""

BRACKET, BESIDE, ABOVE, STROKE = 2.6, 3.0, 1.8, 0.7
"""The ends of a bracket; the space between it and the entries, across and along the page; the width of its line.  In points."""

WHOLE = re.compile(r"-?\d+")
"""What of a number stands left of its decimal sign."""

ACCENTS = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0306": "breve",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030a": "mathring",
}
"""What mathtext calls the accents that Computer Modern has; a letter with another one is set in another typeface."""


def typeset(label: Label, role: Role, size: float, measure: Measure, around: Position = ROOMY.frame) -> PlacedText:
    """A label at the origin, a gradient with its frame `around` it.

    A gradient's frame is at least as high as that of a digit, so that frames look alike.
    """
    if isinstance(label, Matrix):
        text = _matrix(label, role, size, measure)
    else:
        ink, digit = measure(label, size), measure("0", size)
        low, high = (digit.top, digit.bottom) if role == "backward" else (ink.top, ink.bottom)
        frame = Rectangle(ink.left, min(ink.top, low), ink.right, max(ink.bottom, high))
        text = PlacedText(label, role, size, frame, ((label, (0.0, 0.0)),))
    return replace(text, frame=text.frame.grown(*around)) if role == "backward" else text


def _matrix(matrix: Matrix, role: Role, size: float, measure: Measure) -> PlacedText:
    """The entries in aligned columns, and the two brackets; its frame ends with the ink of the brackets."""
    ink = [[_aligned(entry, size, measure) for entry in row] for row in matrix.rows]
    starts, right = _columns(ink, size)
    lines, foot = list[tuple[str, "Position"]](), 0.0
    digit = measure("0", size)
    for row, entries in zip(ink, matrix.rows, strict=True):
        base = foot - min(digit.top, *(entry.top for _, entry in row)) + (ROW_SPACE * size if lines else 0.0)
        for start, (shift, _), entry in zip(starts, row, entries, strict=True):
            lines.append((entry, (round(start - shift, 2), round(base, 2))))
        foot = base + max(digit.bottom, *(entry.bottom for _, entry in row))
    side, top, bottom = BESIDE + STROKE / 2, -ABOVE, foot + ABOVE
    strokes = tuple(
        ((x + inward, top), (x, top), (x, bottom), (x + inward, bottom))
        for x, inward in ((-side, BRACKET), (right + side, -BRACKET))
    )
    frame = Rectangle(-side, top, right + side, bottom).grown(STROKE / 2, STROKE / 2)
    return PlacedText(matrix, role, size, frame, tuple(lines), strokes)


def _aligned(entry: str, size: float, measure: Measure) -> tuple[float, Rectangle]:
    """How far the decimal sign of a number stands behind the start of its baseline, and the ink; 0 for another formula."""
    whole = WHOLE.match(entry)
    shift = measure(whole[0] + "0", size).right - measure("0", size).right if whole else 0.0
    return shift, measure(entry, size)


def _columns(ink: list[list[tuple[float, Rectangle]]], size: float) -> tuple[list[float], float]:
    """Where the decimal sign of each column stands, with the ink of the first from 0 on, and where the ink of the last ends."""
    places, right = list[float](), 0.0
    for column in zip(*ink, strict=True):
        before = max(shift - entry.left for shift, entry in column)
        places.append(right + (COLUMN_SPACE * size if places else 0.0) + before)
        right = places[-1] + max(entry.right - shift for shift, entry in column)
    return places, right


def upright(words: str) -> str:
    """Words as mathtext sets them: accents over their letters, spaces that stay, a colon as punctuation."""
    letters = "".join(map(_accented, re.sub(r"([#$%_{}])", r"\\\1", words)))
    letters = re.sub(r"(?<=\w):", r"\\!:", letters).replace(": ", r":\,")
    return re.sub(r"[\u00a0\u202f]", r"\\,", letters).replace(" ", r"\ ")


def _accented(letter: str) -> str:
    parts = normalize("NFD", letter)
    return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}" if len(parts) == 2 and parts[1] in ACCENTS else letter
