"""Slides cut into frames: blocks are cut where they may be and spread over as few frames as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from derive.teaching.document import (
    Block,
    CodeBlock,
    Columns,
    Footnote,
    Heading,
    Inlines,
    ItemList,
    Paragraph,
    Pause,
    Quote,
    References,
    Slide,
    Table,
    apart,
    footnotes,
    merged,
    pages,
)
from derive.teaching.formats.latex.columns import (
    LINE,
    Aligned,
    Display,
    Figure,
    Hidden,
    Set,
    Stride,
    sentence_height,
    sentences,
    set_blocks,
    text_height,
)
from derive.teaching.formats.latex.heights import (
    CODE_LINE,
    HEIGHT,
    PARAGRAPH_GAP,
    ROW_GAP,
    TABLE_FRAME,
    WIDE,
    Paper,
    gap,
    height,
    height_of,
    notes_height,
    notes_of,
    row_height,
    shown,
    title_height,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One page of a slide: the `part`th of `parts` under the same title, its footnotes, and what the speaker says."""

    title: Inlines
    level: int
    blocks: tuple[Set, ...]
    part: int
    parts: int
    footnotes: tuple[Footnote, ...] = ()
    notes: tuple[Block, ...] = ()


def frames(slide: Slide, paper: Paper = WIDE) -> list[Frame]:
    """The frames of a slide; what the speaker says of a page stands at the first of its frames."""
    paper = replace(paper, height=paper.height - title_height(slide.title, paper.width))
    parts: list[tuple[tuple[Set, ...], tuple[Block, ...]]] = []
    for page in pages(slide.blocks):
        blocks, notes = apart(page)
        spread = _spread(list(_pieces(_stacked(blocks, paper), paper)), paper.height) or [()]
        parts += [(part, notes if k == 0 else ()) for k, part in enumerate(spread)]
    parts = parts or [((), ())]
    return [
        Frame(
            slide.title,
            slide.level,
            part,
            k,
            len(parts),
            (*(footnotes(slide.title) if k == 1 else ()), *(note for block in part for note in notes_of(block))),
            notes,
        )
        for k, (part, notes) in enumerate(parts, 1)
    ]


def _stacked(blocks: Sequence[Block], paper: Paper) -> list[Set]:
    """The blocks as they are set; what is higher than a frame and is not cut further is made of several."""
    return [part for block in blocks for part in set_blocks(_cut(block, paper), paper.width)]


def _cut(block: Block, paper: Paper) -> Sequence[Block]:
    """Columns that are higher than a frame one under the other, a long quotation or item in several."""
    if height(set_blocks((block,), paper.width), paper.width) <= paper.height:
        return (block,)
    match block:
        case Columns(columns):
            return [part for column in columns for inner in column.blocks for part in _cut(inner, paper)]
        case Quote(inner):
            return [Quote((piece,)) for part in inner for piece in _paragraphs(part, paper)]
        case ItemList(items, start):
            return [piece for k, item in enumerate(items) for piece in _item(item, start if start is None else start + k, paper)]
    return (block,)


def _item(item: tuple[Block, ...], start: int | None, paper: Paper) -> list[Block]:
    """An item as a list of its own; of one that is higher than a frame only what comes first, and the rest below it."""
    if height(set_blocks(item, paper.width), paper.width) <= paper.height:
        return [ItemList((item,), start)]
    first, *rest = (piece for part in item for piece in _paragraphs(part, paper))
    return [ItemList(((first,),), start), *rest]


def _paragraphs(block: Block, paper: Paper) -> list[Block]:
    """A paragraph in several that are at most half as high as a frame."""
    if not isinstance(block, Paragraph):
        return [block]
    pieces: list[Inlines] = []
    for sentence in sentences(block.inlines, paper.width):
        longer = merged((*pieces[-1], *sentence)) if pieces else ()
        if pieces and text_height(longer, paper.width) <= paper.height / 2:
            pieces[-1] = longer
        else:
            pieces.append(sentence)
    return [Paragraph(piece) for piece in pieces]


# ---------------------------------------------------------------- pieces, and where a frame may end


@dataclass(frozen=True, slots=True)
class FramePart:
    """What is not cut further.

    `gap` is the space before it where it does not open a frame and `again` what it repeats where it does (a table's header),
    `give` by how much it can be made less high, `cost` how bad it is to end a frame after it, and `block` the number of the
    block it is part of.
    """

    content: Set
    height: float
    gap: float
    again: float
    give: float
    cost: float
    block: int


LONG = 6
"""A paragraph of more lines may be cut between its sentences."""

FORBIDDEN = 1e6
GIVE, SQUEEZE = 0.35, 0.07 * HEIGHT
"""The part of its height that a picture can lose to stay with its words, and what LaTeX may shrink a whole frame by."""


def _pieces(blocks: Sequence[Set], paper: Paper = WIDE) -> Iterator[FramePart]:
    for number, block in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        before = gap(blocks[number - 1], block) if number else PARAGRAPH_GAP
        parts = [(part, tall + notes_height(notes_of(part), paper.width)) for part, tall in _parts(block, paper.width)]
        for k, (part, tall) in enumerate(parts):
            cost = _cost_inside(k, len(parts)) if k + 1 < len(parts) else _cost_between(block, following)
            again = TABLE_FRAME + row_height(block.header) if k and isinstance(block, Table) else 0.0
            give = GIVE * tall if isinstance(shown(block), Figure) else 0.0
            yield FramePart(part, tall, 0.0 if k else before, again, give, cost, number)


def _cost_inside(k: int, count: int) -> float:
    """Within a block: rather not, and rather not leave its first or last line alone."""
    return 80.0 if k == 0 or k == count - 2 else 40.0


def _cost_between(block: Set, following: Set | None) -> float:
    """Between blocks: never after a heading, seldom between words and what they introduce."""
    if isinstance(block, Heading | Pause):
        return FORBIDDEN
    introduced = Display | Aligned | Table | CodeBlock | ItemList | Figure | Hidden
    leads = isinstance(block, Paragraph) and isinstance(following, introduced)
    return 60.0 if leads else 0.0


def _parts(block: Set, width: float) -> list[tuple[Set, float]]:
    """A block cut as finely as it may be, each part with its height."""
    match block:
        case Aligned(rows=rows) if rows:
            lines = [tuple(line) for line in _lines(rows)]
            return [(replace(block, rows=line), sum(r.height + ROW_GAP for r in line)) for line in lines]
        case ItemList(items, start) if len(items) > 1:
            parts = [ItemList((item,), None if start is None else start + k) for k, item in enumerate(items)]
            return [(part, height_of(part, width)) for part in parts]
        case CodeBlock(text, language):
            return [(CodeBlock(line, language), CODE_LINE) for line in text.split("\n")]
        case Table(rows=rows) if len(rows) > 8:
            return [
                (replace(block, rows=(r,)), row_height(r) if k else height_of(replace(block, rows=(r,)), width))
                for k, r in enumerate(rows)
            ]
        case Paragraph(text) if text_height(text, width) > LONG * LINE:
            return [(Paragraph(piece), sentence_height(piece, width)) for piece in sentences(text, width)]
        case References(entries):
            return [(References((entry,)), height_of(References((entry,)), width)) for entry in entries]
        case Hidden(inner, opens):
            label = height_of(block, width) - height_of(inner, width)
            inside = enumerate(_parts(inner, width))
            return [(Hidden(part, opens and k == 0), tall + (0.0 if k else label)) for k, (part, tall) in inside]
    return [(block, height_of(block, width))]


# ---------------------------------------------------------------- spreading


def _spread(pieces: list[FramePart], room: float) -> list[tuple[Set, ...]]:
    """Frames whose ends cost least: as few as can be, cut at the better places, about evenly filled."""
    count = len(pieces)
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
    for end in range(1, count + 1):
        filled, give = 0.0, SQUEEZE
        cut = pieces[end - 1].cost if end < count else 0.0
        for start in range(end - 1, -1, -1):
            filled += pieces[start].height
            give += pieces[start].give
            over = filled + pieces[start].again - room
            if over > give and start < end - 1:
                break
            shrunk, empty = max(0.0, over) / give, max(0.0, -over)
            cost = best[start][0] + cut + 100.0 + 60.0 * shrunk + 0.25 * empty**2
            if cost < best[end][0]:
                best[end] = (cost, start)
            filled += pieces[start].gap
    cuts = [count]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    return [_frame(pieces[start:end], room) for end, start in pairwise(cuts)][::-1]


def _frame(pieces: Sequence[FramePart], room: float) -> tuple[Set, ...]:
    """The pieces of one frame, those of the same block put together again, its pictures made to fit."""
    over = sum(p.height for p in pieces) + sum(p.gap for p in pieces[1:]) - room
    give = sum(p.give for p in pieces)
    kept = 1.0 - GIVE * min(1.0, over / give) if give and over > 0.0 else 1.0
    groups = groupby(pieces, key=lambda piece: piece.block)
    return _resumed(tuple(_whole([piece.content for piece in group], kept) for _, group in groups))


def _lines(rows: Sequence[Stride]) -> Iterator[list[Stride]]:
    """The lines of a derivation, each with the rows it goes on in; a long left-hand side stays with the line after it.

    A line that is higher than a frame is cut between its rows.
    """
    line: list[Stride] = []
    for row in rows:
        begins = row.relation is not None or row.head
        full = sum(r.height + ROW_GAP for r in line) + row.height > WIDE.height
        if line and (full or (begins and not line[-1].head)):
            yield line
            line = []
        line.append(row)
    yield line


def _whole(parts: list[Set], kept: float) -> Set:
    """The parts of a block as one; a picture keeps a part of its height."""
    first = parts[0]
    match first:
        case Aligned():
            return replace(first, rows=tuple(r for part in parts if isinstance(part, Aligned) for r in part.rows))
        case ItemList():
            return replace(first, items=tuple(item for part in parts if isinstance(part, ItemList) for item in part.items))
        case CodeBlock():
            return replace(first, text="\n".join(part.text for part in parts if isinstance(part, CodeBlock)))
        case Table():
            return replace(first, rows=tuple(r for part in parts if isinstance(part, Table) for r in part.rows))
        case Paragraph():
            return Paragraph(merged(word for part in parts if isinstance(part, Paragraph) for word in part.inlines))
        case Figure():
            return replace(first, height=first.height * kept)
        case References():
            return References(tuple(entry for part in parts if isinstance(part, References) for entry in part.entries))
        case Hidden():
            return replace(first, block=_whole([part.block for part in parts if isinstance(part, Hidden)], kept))
    return first


def _resumed(blocks: tuple[Set, ...]) -> tuple[Set, ...]:
    """A derivation that goes on from the frame before says again of what."""
    match blocks[0]:
        case Hidden(inner):
            return (replace(blocks[0], block=_resumed((inner,))[0]), *blocks[1:])
        case Aligned(rows=(first, *rest)) if first.subject is not None:
            return (replace(blocks[0], rows=(replace(first, left=first.subject), *rest)), *blocks[1:])
    return blocks
