"""Slides of a fixed height: blocks measured, cut where they may be, and spread evenly over as many frames as they need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from derive.teaching.columns import LINE, Columns, Display, Set, set_blocks, size_of, text_height
from derive.teaching.document import CodeBlock, Heading, Inlines, ItemList, Math, Paragraph, Picture, Quote, Slide, Table, pages

WIDTH, HEIGHT = 36.6, 17.8
"""What a frame holds, in em of its text: 16:9 paper, 11 pt, less margins, title and foot line."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One page of a slide: the `part`th of `parts` under the same title."""

    title: Inlines
    level: int
    blocks: tuple[Set, ...]
    part: int
    parts: int


def frames(slide: Slide) -> list[Frame]:
    """The frames of a slide."""
    stretches = [set_blocks(page, WIDTH) for page in pages(slide.blocks)]
    parts = [part for stretch in stretches for part in _spread(list(_pieces(stretch)))] or [()]
    return [Frame(slide.title, slide.level, part, k, len(parts)) for k, part in enumerate(parts, 1)]


# ---------------------------------------------------------------- pieces, and where a frame may end


@dataclass(frozen=True, slots=True)
class Piece:
    """What is not cut further.

    `gap` is the space before it where it does not open a frame, `cost` how bad it is to end a frame after it, and `block`
    the number of the block it is part of.
    """

    content: Set
    height: float
    gap: float
    cost: float
    block: int


FORBIDDEN = 1e6


def _pieces(blocks: Sequence[Set]) -> Iterator[Piece]:
    for number, block in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        gap = PARAGRAPH_GAP + AROUND[type(block)][0] + (AROUND[type(blocks[number - 1])][1] if number else 0.0)
        parts = _parts(block)
        for k, (part, tall) in enumerate(parts):
            cost = _cost_inside(k, len(parts)) if k + 1 < len(parts) else _cost_between(block, following)
            yield Piece(part, tall, 0.0 if k else gap, cost, number)


def _cost_inside(k: int, count: int) -> float:
    """Within a block: rather not leave its first or last line alone."""
    return 40.0 if k == 0 or k == count - 2 else 8.0


def _cost_between(block: Set, following: Set | None) -> float:
    """Between blocks: never after a heading, seldom between words and the formula they introduce."""
    if isinstance(block, Heading):
        return FORBIDDEN
    leads = isinstance(block, Paragraph) and isinstance(following, Display | Columns | Table | CodeBlock | ItemList | Picture)
    return 60.0 if leads else 0.0


def _parts(block: Set) -> list[tuple[Set, float]]:
    """A block cut as finely as it may be, each part with its height in em."""
    match block:
        case Columns(rows=rows) if rows:
            return [(replace(block, rows=(r,)), r.height + ROW_GAP) for r in rows]
        case ItemList(items, start) if len(items) > 1:
            parts = [ItemList((item,), None if start is None else start + k) for k, item in enumerate(items)]
            return [(part, _height(part)) for part in parts]
        case CodeBlock(text, language):
            return [(CodeBlock(line, language), CODE_LINE) for line in text.split("\n")]
        case Table(rows=rows) if len(rows) > 8:
            return [(replace(block, rows=(r,)), _row_height(r) + 2.6 / len(rows)) for r in rows]
    return [(block, _height(block))]


# ---------------------------------------------------------------- heights, as the templates of beamer/ set the blocks

PARAGRAPH_GAP, ROW_GAP, ITEM_GAP, CODE_LINE = 0.55, 0.45, 0.25, 1.2

AROUND: dict[type[Set], tuple[float, float]] = {
    Heading: (0.3, 0.0),
    Paragraph: (0.0, 0.0),
    ItemList: (0.0, 0.1),
    Quote: (0.1, 0.3),
    CodeBlock: (0.1, 0.3),
    Table: (0.5, 0.4),
    Display: (0.3, 0.0),
    Columns: (-0.1, 0.0),
    Picture: (0.3, 0.3),
}
"""The space before and after a block, beside what stands between any two."""


def height(blocks: Sequence[Set], width: float = WIDTH) -> float:
    """The height of blocks under one another, in em."""
    gaps = [AROUND[type(a)][1] + AROUND[type(b)][0] + PARAGRAPH_GAP for a, b in pairwise(blocks)]
    return sum(_height(block, width) for block in blocks) + sum(gaps)


def _height(block: Set, width: float = WIDTH) -> float:
    match block:
        case Heading(words) | Paragraph(words):
            return text_height(words, width)
        case ItemList(items):
            inside = width - 1.4
            return sum(height(set_blocks(item, inside), inside) + ITEM_GAP for item in items)
        case Quote(inner):
            return height(set_blocks(inner, width - 2.4), width - 2.4) + 1.1
        case Table(header, rows, _, caption):
            return sum(map(_row_height, (header, *rows))) + 1.1 + (1.6 if caption else 0.0)
        case Display(lines):
            boxes = map(size_of, lines)
            return sum(max(LINE, box.height * min(1.0, width / max(box.width, 0.1)) + ROW_GAP) for box in boxes)
        case Columns(rows=rows):
            return sum(r.height + ROW_GAP for r in rows)
        case CodeBlock(text):
            return CODE_LINE * (text.count("\n") + 1)
        case Picture(caption=caption):
            return picture_height(block) + (1.6 if caption else 0.0)


def _row_height(cells: Sequence[Inlines]) -> float:
    tall = max((size_of(part.body, display=False).height for cell in cells for part in cell if isinstance(part, Math)), default=0.0)
    return max(1.15 * LINE, tall + 0.35)


def picture_height(picture: Picture) -> float:
    """How high a picture stands, in em; a PDF says its size, anything else may fill most of the frame."""
    if "pdf" in picture.formats:
        box = re.search(rb"/MediaBox\s*\[\s*([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", picture.formats["pdf"]())
        if box:
            left, low, right, high = (float(number) / 10.95 for number in box.groups())
            return min(HEIGHT - 2.0, (high - low) * min(1.0, WIDTH / max(right - left, 0.1)))
    return 0.7 * HEIGHT


# ---------------------------------------------------------------- spreading


def _spread(pieces: list[Piece]) -> list[tuple[Set, ...]]:
    """Frames whose ends cost least: as few as can be, evenly filled, cut at the better places."""
    count = len(pieces)
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
    for end in range(1, count + 1):
        filled, cut = 0.0, pieces[end - 1].cost if end < count else 0.0
        for start in range(end - 1, -1, -1):
            filled += pieces[start].height
            if filled > HEIGHT and start < end - 1:
                break
            cost = best[start][0] + cut + 100.0 + (HEIGHT - min(filled, HEIGHT)) ** 2 * 0.5
            filled += pieces[start].gap
            if cost < best[end][0]:
                best[end] = (cost, start)
    ends = []
    end = count
    while end:
        start = best[end][1]
        ends.append((start, end))
        end = start
    return [_resumed(_joined(pieces[start:end])) for start, end in reversed(ends)]


def _resumed(blocks: tuple[Set, ...]) -> tuple[Set, ...]:
    """A derivation that goes on from the frame before says again of what."""
    first = blocks[0]
    if isinstance(first, Columns) and first.rows[0].subject is not None:
        rows = (replace(first.rows[0], left=first.rows[0].subject), *first.rows[1:])
        return (replace(first, rows=rows), *blocks[1:])
    return blocks


def _joined(pieces: Sequence[Piece]) -> tuple[Set, ...]:
    """The pieces of one frame, those of the same block put together again."""
    return tuple(_whole([piece.content for piece in group]) for _, group in groupby(pieces, key=lambda piece: piece.block))


def _whole(parts: list[Set]) -> Set:
    first = parts[0]
    match first:
        case Columns():
            return replace(first, rows=tuple(r for part in parts if isinstance(part, Columns) for r in part.rows))
        case ItemList():
            return replace(first, items=tuple(item for part in parts if isinstance(part, ItemList) for item in part.items))
        case CodeBlock():
            return replace(first, text="\n".join(part.text for part in parts if isinstance(part, CodeBlock)))
        case Table():
            return replace(first, rows=tuple(r for part in parts if isinstance(part, Table) for r in part.rows))
    return first
