"""A document as text, for a terminal or a pipe: formulas in Unicode, relations aligned, reasons to the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text as Words

from derive.notation.layout import Layout, text
from derive.teaching.document import (
    Answer,
    Block,
    Break,
    Cell,
    Chains,
    Cite,
    CodeBlock,
    CodeSpan,
    Columns,
    Document,
    Emph,
    Equation,
    Fault,
    Footnote,
    Heading,
    Inlines,
    ItemList,
    Line,
    LineBreak,
    Link,
    Math,
    Notes,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    References,
    Steps,
    Strong,
    Table,
    Text,
    laid_out,
    merged,
    opening,
)
from derive.teaching.formats.escape import terminal

WIDTH = 100

CHAIN = 90
"""A chain of equalities of up to so many characters stands on one line."""
REASON, GAP = 24, 3
"""The least width of a column of reasons, and the space before it."""


def render_text(document: Document, width: int = WIDTH, color: bool = False) -> str:
    """The document on lines of `width` characters; without colour it is plain text, the same on every machine."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )
    console.print(_spaced(_document(document, width)), crop=False)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n")).strip("\n") + "\n"


def _document(document: Document, width: int) -> Iterable[RenderableType]:
    if document.title:
        yield Words(terminal(document.title), style="bold")
    for slide in document.slides:
        if slide.title:
            yield _ruled(words(slide.title), "═" if slide.level == 1 else "─")
        yield from blocks(slide.blocks, width)


def _ruled(title: Words, sign: str) -> RenderableType:
    title.stylize("bold")
    return Words("\n").join([title, Words(sign * cell_len(title.plain), style="dim")])


def _spaced(parts: Iterable[RenderableType]) -> RenderableType:
    """Parts one under the other with a blank line between."""
    apart: list[RenderableType] = []
    for part in parts:
        apart += ["", part] if apart else [part]
    return Group(*apart)


# ---------------------------------------------------------------- inside a paragraph


def words(inlines: Inlines) -> Words:
    """Text with its formulas; emphasis is a style, which plain text leaves out."""
    out = Words()
    for part in merged(inlines):
        match part:
            case Text(plain):
                out.append(" ".join(terminal(plain).split("\n")))
            case Math(body):
                out.append(math(body))
            case Emph(inner):
                out.append_text(_styled(inner, "italic"))
            case Strong(inner):
                out.append_text(_styled(inner, "bold"))
            case CodeSpan(code):
                out.append(terminal(code), style="cyan")
            case Link(inner, url):
                out.append_text(words(inner)).append(f" ({terminal(url)})", style="dim")
            case LineBreak():
                out.append("\n")
            case Footnote(number, inner):
                out.append(f" [{number}: ").append_text(words(inner)).append("]")
            case Cite(_, inner):
                out.append_text(words(inner))
    return out


def _styled(inlines: Inlines, style: str) -> Words:
    inner = words(inlines)
    inner.stylize(style)
    return inner


def math(body: Layout | Raw) -> str:
    """A formula on one line; a teacher's own stays the LaTeX it was typed in."""
    return f"${terminal(body.latex)}$" if isinstance(body, Raw) else text(body).strip()


# ---------------------------------------------------------------- blocks


def blocks(content: Sequence[Block], width: int) -> list[RenderableType]:
    """Blocks as rich shows them; breaks, pauses and what only a speaker reads are left out."""
    return [block(part, width) for part in content if not isinstance(part, Break | Pause | Notes)]


def block(part: Block, width: int) -> RenderableType:
    """One block on lines of `width` characters."""
    match part:
        case Heading(inlines):
            return _styled(inlines, "bold")
        case Paragraph(inlines):
            return words(inlines)
        case ItemList():
            return _list(part, width)
        case Quote(inner) | Answer(inner):
            return Padding(_spaced(blocks(inner, width - 2)), (0, 0, 0, 2))
        case CodeBlock(code):
            return Padding(Words(terminal(code), style="cyan", no_wrap=True, overflow="ignore"), (0, 0, 0, 4))
        case Table():
            return _table(part)
        case Equation(body):
            return Padding(Words(math(body)), (0, 0, 0, 4))
        case Steps(lines):
            return Padding(derivation(lines, width - 2), (0, 0, 0, 2))
        case Picture(alt=alt, caption=caption):
            shown = words(caption) if caption else Words(terminal(alt))
            return Words("[").append_text(shown).append("]")
        case Columns(columns):
            return _spaced(shown for column in columns for shown in blocks(column.blocks, width))
        case References(entries):
            return _spaced(words(entry.inlines) for entry in entries)
        case Fault(message):
            return Words(terminal(message), style="red")
        case Break() | Pause() | Notes() | Cell():
            return ""


def _list(part: ItemList, width: int) -> RenderableType:
    marks = [f"{part.start + k}." if part.start is not None else "•" for k in range(len(part.items))]
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", width=max(map(len, marks)))
    grid.add_column()
    for mark, item in zip(marks, part.items, strict=True):
        grid.add_row(mark, _spaced(blocks(item, width - len(mark) - 1)))
    return grid


def _table(part: Table) -> RenderableType:
    caption = words(part.caption) if part.caption else None
    grid = Grid(
        box=SIMPLE_HEAD, caption=caption, caption_justify="left", show_header=any(part.header), show_edge=False, pad_edge=False
    )
    count = max(len(row) for row in (part.header, *part.rows))
    for k in range(count):
        head = words(part.header[k]) if k < len(part.header) else ""
        grid.add_column(head, justify=part.align[k] if k < len(part.align) else "left")
    for row in part.rows:
        grid.add_row(*map(words, row))
    return grid


# ---------------------------------------------------------------- derivations


def derivation(lines: Sequence[Line | Chains], width: int) -> Words:
    """Lines with their relations aligned; reasons in a column at the right where there is room for one, else under."""
    rows = _rows(lines)
    left = max((cell_len(head) for head, relation, *_ in rows if relation), default=0)
    bodies = [left + 1 + cell_len(relation) + 1 + cell_len(body) for _, relation, body, _ in rows if relation]
    reasons = [cell_len(words(line.reason).plain) for *_, line in rows if line.reason]
    room = width - GAP - min(max(reasons, default=0), REASON)
    column = max((b for b in bodies if b <= room), default=0) + GAP
    out: list[Words] = []
    for head, relation, body, line in rows:
        start = f"{head:>{left + len(head) - cell_len(head)}} {relation} " if relation else ""
        indent = cell_len(start) or 2
        reason = _styled(line.reason, "dim")
        formula = _hung(Words(start), Words(body), indent, width)
        if relation and line.reason and len(formula) == 1 and formula[0].cell_len + GAP <= column:
            formula[0].append(" " * (column - formula[0].cell_len))
            out += _hung(formula[0], reason, column, width)
        else:
            out += formula
            out += _hung(Words(" " * indent), reason, indent, width) if line.reason else []
        out += _hung(Words(" " * indent), words(line.note), indent, width) if line.note else []
    return Words("\n", no_wrap=True, overflow="ignore").join(out)


def _hung(start: Words, rest: Words, indent: int, width: int) -> list[Words]:
    """Lines of `width` characters: the first after `start`, the others, cut at spaces, under it."""
    first, *more = rest.wrap(_RULER, max(width - indent, 8)) or [Words()]
    return [start.append_text(first), *(Words(" " * indent).append_text(piece) for piece in more)]


_RULER = Console(width=WIDTH, file=StringIO(), color_system=None, markup=False, emoji=False, highlight=False)
"""Only measures; rich asks for a console to wrap text."""


def _rows(parts: Sequence[Line | Chains]) -> list[tuple[str, str, str, Line]]:
    """Each line's left-hand side, relation and formula; a left-hand side joins the line after it if it is short."""
    rows: list[tuple[str, str, str, Line]] = []
    waiting = ""
    lines = laid_out(parts, lambda body: cell_len(math(body)) <= CHAIN)
    opens = opening(lines, lambda line: cell_len(math(line.body)) <= WIDTH // 4)
    for line, opened in zip(lines, opens, strict=True):
        body = math(line.body)
        if opened:
            waiting = body
            continue
        rows.append((waiting, text(line.relation).strip() if line.relation else "", body, line))
        waiting = ""
    return rows
