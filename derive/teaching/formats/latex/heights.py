"""How high blocks stand on a Beamer frame, in em, as the templates of `beamer/` set them.

Estimates: a frame that turns out too full is shrunk a little by LaTeX, one that turns out emptier is only emptier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from derive.teaching.document import (
    Aspect,
    CodeBlock,
    Fault,
    Footnote,
    Heading,
    Inlines,
    ItemList,
    Math,
    Paragraph,
    Pause,
    Quote,
    References,
    Table,
    footnotes,
    texts,
)
from derive.teaching.formats.latex.columns import (
    LINE,
    SMALL,
    Aligned,
    Beside,
    Display,
    Figure,
    Hidden,
    Set,
    set_blocks,
    text_height,
)
from derive.teaching.formats.measure import size_of, words_width


@dataclass(frozen=True, slots=True)
class Paper:
    """What a frame holds, in em of its text at 11 pt, less margins, title and foot line."""

    width: float
    height: float


PAPERS: Mapping[Aspect, Paper] = {"16:9": Paper(36.6, 17.4), "4:3": Paper(28.3, 18.9)}
WIDE = PAPERS["16:9"]
WIDTH, HEIGHT = WIDE.width, WIDE.height

PARAGRAPH_GAP, ROW_GAP, ITEM_GAP, CODE_LINE, CAPTION, TABLE_FRAME, ANSWER = 0.55, 0.45, 0.25, 1.2, 1.6, 1.1, 1.3

AROUND: dict[type[Set], tuple[float, float]] = {
    Heading: (0.3, 0.0),
    Paragraph: (0.0, 0.0),
    ItemList: (0.0, 0.1),
    Quote: (0.1, 0.3),
    CodeBlock: (0.1, 0.3),
    Table: (0.5, 0.4),
    Display: (0.3, 0.0),
    Aligned: (-0.1, 0.0),
    Figure: (0.3, 0.3),
    Pause: (0.0, -PARAGRAPH_GAP),
    Beside: (0.0, 0.0),
    References: (0.0, 0.0),
    Fault: (0.2, 0.2),
}
"""The space before and after a block, beside what stands between any two."""


def gap(above: Set, below: Set) -> float:
    """The space between two blocks."""
    return AROUND[type(shown(above))][1] + AROUND[type(shown(below))][0] + PARAGRAPH_GAP


def shown(block: Set) -> Set:
    """What stands there, hidden or not."""
    return shown(block.block) if isinstance(block, Hidden) else block


def height(blocks: Sequence[Set], width: float = WIDTH) -> float:
    """The height of blocks under one another."""
    return sum(height_of(block, width) for block in blocks) + sum(gap(a, b) for a, b in pairwise(blocks))


def height_of(block: Set, width: float = WIDTH) -> float:
    """The height of one block."""
    match block:
        case Heading(words) | Paragraph(words):
            return text_height(words, width)
        case ItemList(items):
            inside = width - 1.4
            return sum(height(set_blocks(item, inside), inside) + ITEM_GAP for item in items)
        case Quote(inner):
            return height(set_blocks(inner, width - 2.4), width - 2.4) + 1.1
        case Table(header, rows, _, caption):
            return sum(map(row_height, (header, *rows))) + TABLE_FRAME + (CAPTION if caption else 0.0)
        case Display(lines):
            boxes = map(size_of, lines)
            return sum(max(LINE, box.height * min(1.0, width / max(box.width, 0.1)) + ROW_GAP) for box in boxes)
        case Aligned(rows=rows):
            return sum(r.height + ROW_GAP for r in rows)
        case CodeBlock(text):
            return CODE_LINE * (text.count("\n") + 1)
        case Figure(picture, tall):
            return tall + (CAPTION if picture.caption else 0.0)
        case Pause():
            return 0.0
        case Beside(columns):
            return max((height(blocks, part * width) for part, blocks in columns), default=0.0)
        case Hidden(inner, opens):
            return height_of(inner, width) + (ANSWER if opens else 0.0)
        case References(entries):
            return sum(text_height(entry.inlines, width - 1.4) + ITEM_GAP for entry in entries)
        case Fault(message):
            return SMALL * CODE_LINE * (message.count("\n") + 1) + 0.6


def row_height(cells: Sequence[Inlines]) -> float:
    """The height of a row of a table, where formulas are as small as in a line of text."""
    formulas = (size_of(part.body, display=False).height for cell in cells for part in cell if isinstance(part, Math))
    return max(1.15 * LINE, max(formulas, default=0.0) + 0.35)


def notes_of(block: Set) -> tuple[Footnote, ...]:
    """The footnotes in a block, in their order."""
    match block:
        case Hidden(inner, _):
            return notes_of(inner)
        case Beside(columns):
            return tuple(note for _, blocks in columns for inner in blocks for note in notes_of(inner))
        case Figure(picture):
            return footnotes(picture.caption)
        case Display() | Aligned():
            return ()
    return tuple(note for words in texts(block) for note in footnotes(words))


def notes_height(notes: Sequence[Footnote], width: float = WIDTH) -> float:
    """The height of footnotes at the foot of a frame."""
    return sum(text_height(note.inlines, width / SMALL) * SMALL + 0.1 for note in notes)


TITLE, TITLE_LINE, PART = 1.22, 1.35, 3.0
"""The size of a title, from one of its lines to the next, and what the number of the page takes beside it."""


def title_height(title: Inlines, width: float = WIDTH) -> float:
    """What a title takes more than one line does."""
    return TITLE_LINE * (ceil(words_width(title) * 1.05 * TITLE / (width - PART)) - 1) if title else 0.0
