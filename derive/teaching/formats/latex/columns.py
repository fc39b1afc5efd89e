"""A derivation on paper: which part of a line stands in which column, and where a long formula goes on.

The widths are estimates of `measure`; LaTeX shrinks a formula that turns out wider, so a page is right either way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap

from derive.notation.layout import EQUALS, MINUS, PLUS, Layout, Row, Sign, row
from derive.teaching.document import (
    Answer,
    Block,
    Break,
    Cell,
    CodeBlock,
    Column,
    Columns,
    Equation,
    Fault,
    Heading,
    Inline,
    Inlines,
    ItemList,
    Line,
    LineBreak,
    Math,
    Notes,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    References,
    Steps,
    Table,
    Text,
    laid_out,
    opening,
)
from derive.teaching.formats.measure import fits_chain, size_of, words_width

LINE = 1.25
"""From one baseline to the next, in em."""

POINTS, MOST = 10.95, 15.0
"""The points of an em, and the em that the highest picture takes."""

RELATION, GAP, INDENT, SMALL = 1.9, 1.2, 1.0, 0.85
"""Widths in em: the column of = and ≈, the space before a reason, a line without a left-hand side; the size of a reason."""


@dataclass(frozen=True, slots=True)
class Stride:
    """One printed row: a left-hand side, a relation, a formula, and the reason beside it or under it.

    A reason stands beside in its column, or `loose` right after a formula that reaches into that column.
    A `head` is a long left-hand side on a row of its own.  `subject` is the left-hand side that the row speaks of, to be
    repeated where the derivation goes on overleaf, or None where that would not be true.
    """

    body: Layout
    height: float
    left: Layout | None = None
    relation: Layout | None = None
    reason: Inlines = ()
    beside: bool = False
    loose: bool = False
    note: Inlines = ()
    head: bool = False
    subject: Layout | None = None


@dataclass(frozen=True, slots=True)
class Aligned:
    """The rows of a derivation with the widths of their columns, in em; no column of reasons is 0 wide.

    `reveal` shows one line more at a click.
    """

    left: float
    body: float
    reason: float
    rows: tuple[Stride, ...]
    reveal: bool = False


@dataclass(frozen=True, slots=True)
class Display:
    """A formula on lines of its own, cut where it is too long for one."""

    lines: tuple[Layout | Raw, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as high as it stands, in em."""

    picture: Picture
    height: float


@dataclass(frozen=True, slots=True)
class Beside:
    """Columns side by side, each with its part of the line."""

    columns: tuple[tuple[float, tuple[Set, ...]], ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A part of an answer; the one that `opens` it takes a click, those after it come with it."""

    block: Set
    opens: bool


Set = (
    Heading
    | Paragraph
    | ItemList
    | Quote
    | CodeBlock
    | Table
    | Display
    | Aligned
    | Figure
    | Pause
    | Beside
    | Hidden
    | References
    | Fault
)
"""A block as LaTeX sets it."""

GUTTER = 1.6
"""Between two columns, in em."""


def set_blocks(blocks: Sequence[Block], width: float) -> tuple[Set, ...]:
    """Blocks with derivations laid out in columns and long formulas cut."""
    return tuple(part for block in blocks for part in _set(block, width))


def _set(block: Block, width: float) -> tuple[Set, ...]:
    match block:
        case Steps():
            return (columns(block, width),)
        case Equation(body):
            return (Display((body,) if isinstance(body, Raw) else tuple(broken(body, width))),)
        case CodeBlock(text, language):
            return (CodeBlock(wrapped(text, width), language),)
        case Picture():
            return (Figure(block, picture_height(block, width)),)
        case Columns(parts):
            return (Beside(tuple((part.width, set_blocks(part.blocks, column_width(part, parts, width))) for part in parts)),)
        case Answer(inner):
            return tuple(Hidden(part, k == 0) for k, part in enumerate(set_blocks(inner, width)))
        case Break() | Notes() | Cell():
            return ()
    return (block,)


def column_width(column: Column, among: Sequence[Column], width: float) -> float:
    """The em of a line in a column: its part of what the spaces between the columns leave."""
    return column.width * (width - GUTTER * (len(among) - 1))


def picture_height(picture: Picture, width: float) -> float:
    """How high a picture stands on lines of `width` em: a PDF says its size, anything else is taken as wide."""
    width = width * (picture.width or 1.0)
    found = (
        re.search(rb"/MediaBox\s*\[\s*([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", picture.draw("pdf"))
        if "pdf" in picture.formats
        else None
    )
    left, low, right, high = (float(number) / POINTS for number in found.groups()) if found else (0.0, 0.0, width, 0.4 * width)
    scale = width / max(right - left, 0.1)
    return min(MOST, (high - low) * (scale if picture.width else min(1.0, scale)))


def columns(steps: Steps, width: float) -> Aligned:
    """Lay a derivation out on lines of `width` em."""
    lines = laid_out(steps.lines, fits_chain)
    opens = opening(lines, lambda line: size_of(line.body).width < 0.34 * width)
    left = max([INDENT, *(size_of(line.body).width for line, opened in zip(lines, opens, strict=True) if opened)])
    room = width - left - RELATION
    body, reason = _shares(lines, room)
    rows: list[Stride] = []
    waiting = subject = None
    for line, opened in zip(lines, opens, strict=True):
        if opened:
            waiting = subject = line.body
            continue
        if line.relation is None:
            rows += _head(line, width)
            subject = None
            continue
        rows += _strides(line, waiting, subject, room, body, reason)
        waiting = None
        if line.relation != EQUALS:
            subject = None
    return Aligned(left, body, reason, tuple(rows), steps.reveal)


def _shares(lines: Sequence[Line], room: float) -> tuple[float, float]:
    """How the room right of the relations is shared: the widest formula that leaves enough for the reasons, and the rest."""
    reasons = [words_width(line.reason, display=True) * SMALL for line in lines if line.reason]
    if not reasons:
        return room, 0.0
    least = min(max(reasons) + 0.5, 0.3 * room)
    fitting = [w for w in (size_of(line.body).width * 1.03 for line in lines if line.relation) if w <= room - GAP - least]
    body = max(fitting, default=0.0)
    return body, room - GAP - body


def _head(line: Line, width: float) -> list[Stride]:
    """A long left-hand side, on rows of its own."""
    parts = broken(line.body, width)
    last = len(parts) - 1
    return [
        Stride(
            part,
            _height(part, width) + (under(line.reason, width) + under(line.note, width) if k == last else 0.0),
            reason=line.reason if k == last else (),
            note=line.note if k == last else (),
            head=True,
        )
        for k, part in enumerate(parts)
    ]


def _strides(line: Line, left: Layout | None, subject: Layout | None, room: float, body: float, reason: float) -> list[Stride]:
    """The rows of one line: a formula wider than its room goes on below, and its reason then stands under it."""
    parts = broken(line.body, room)
    wide, said = size_of(parts[0]).width * 1.03, words_width(line.reason, display=True) * SMALL
    loose = len(parts) == 1 and body < wide and wide + GAP + said * 1.1 <= room
    beside = bool(line.reason) and len(parts) == 1 and (wide <= body or loose)
    rows = []
    for k, part in enumerate(parts):
        last = k == len(parts) - 1
        height = _height(part, room) + (under(line.note, room) if last else 0.0)
        if beside:
            height = max(height, under(line.reason, room if loose else reason))
        elif last:
            height += under(line.reason, room)
        rows.append(
            Stride(
                part,
                height,
                left=left if k == 0 else None,
                relation=line.relation if k == 0 else None,
                reason=line.reason if last else (),
                beside=beside,
                loose=beside and loose,
                note=line.note if last else (),
                subject=subject if k == 0 else None,
            )
        )
    return rows


def _height(part: Layout, room: float) -> float:
    """The height of a formula, shrunk where it is wider than its room."""
    box = size_of(part)
    return max(LINE, box.height * min(1.0, room / max(box.width, 0.1)) + 0.15)


def under(words: Inlines, width: float) -> float:
    """The height of a small remark on lines of `width` em."""
    return text_height(words, width / SMALL, display=True) * SMALL + 0.1 if words else 0.0


def broken(body: Layout, room: float) -> list[Layout]:
    """A formula in pieces that fit, cut before a + or − that no bracket encloses; each piece but the first begins with it.

    The empty group in front of such a + keeps it an operator between two terms, with an operator's spaces.
    """
    if not isinstance(body, Row) or size_of(body).width <= room:
        return [body]
    terms: list[list[Layout]] = [[]]
    for item in body.items:
        if item in (PLUS, MINUS) and terms[-1]:
            terms.append([])
        terms[-1].append(item)
    pieces: list[list[Layout]] = [[]]
    for term in terms:
        if pieces[-1] and size_of(row(*pieces[-1], *term)).width > room - (2 if len(pieces) > 1 else 0):
            pieces.append([])
        pieces[-1] += term
    return [row(*([Sign("{}", "")] if k else []), *piece) for k, piece in enumerate(pieces)]


# ---------------------------------------------------------------- sizes of what stands in a line


def text_height(words: Inlines, width: float, display: bool = False) -> float:
    """The height of text between margins `width` em apart, ragged at the right."""
    lines: list[list[Inline]] = [[]]
    for part in words:
        if isinstance(part, LineBreak):
            lines.append([])
        lines[-1].append(part)
    count = sum(max(1, ceil(words_width(tuple(line), display) / (0.985 * width))) for line in lines)
    tall = [max(0.0, size_of(part.body, display).height - LINE) for part in words if isinstance(part, Math)]
    return count * LINE + sum(tall)


# ---------------------------------------------------------------- long texts


def sentences(words: Inlines, width: float) -> list[Inlines]:
    """A text sentence by sentence; a sentence of more than some lines is cut between words."""
    pieces: list[list[Inline]] = [[]]
    for part in words:
        first, *rest = _chunks(part, width)
        pieces[-1].append(first)
        pieces += [[piece] for piece in rest]
    return [tuple(piece) for piece in pieces]


def _chunks(part: Inline, width: float) -> list[Inline]:
    if not isinstance(part, Text) or not part.text:
        return [part]
    ends = re.split(r"(?<=[.!?…] )", part.text)
    return [Text(piece) for sentence in ends for piece in wrap(sentence, round(6 * width), drop_whitespace=False)]


def sentence_height(words: Inlines, width: float) -> float:
    """What a sentence adds to the height of its paragraph."""
    return words_width(words) / (0.97 * width) * LINE


CHARACTER = 0.525 * 0.9
"""The width of a sign of code, in em of the text."""


def wrapped(code: str, width: float) -> str:
    """Code whose lines are cut where they are longer than the panel, what follows set in by four."""
    room = max(20, int((width - 1.2) / CHARACTER))

    def lines(line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        return (
            wrap(line, room, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)
            if len(line) > room
            else [line]
        )

    return "\n".join(piece for line in code.split("\n") for piece in lines(line))
