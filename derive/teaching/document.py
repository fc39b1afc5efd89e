"""What a page says, before any format: slides of blocks, and the text inside them.

Every value is frozen.  A block knows nothing of LaTeX, Markdown or a terminal; `render` and `terminal` set it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from derive.notation.layout import Layout, row
from derive.teaching.live import Live

# ---------------------------------------------------------------- inside a paragraph


@dataclass(frozen=True, slots=True)
class Raw:
    """Mathematics that a teacher typed between dollars: LaTeX, already checked by `lecture`."""

    latex: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words, printed as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Math:
    """A formula in the line."""

    body: Layout | Raw


@dataclass(frozen=True, slots=True)
class Emph:
    """Words that are stressed."""

    inlines: Inlines


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    inlines: Inlines


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """A piece of code in the line."""

    code: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an address."""

    inlines: Inlines
    url: str


@dataclass(frozen=True, slots=True)
class LineBreak:
    """The next word starts a new line."""


@dataclass(frozen=True, slots=True)
class Footnote:
    """A remark at the foot of the page, behind the word before it.  Numbers count from 1 through a document."""

    number: int
    inlines: Inlines


@dataclass(frozen=True, slots=True)
class Cite:
    """Words that name one or several sources, `(LeCun, 1998)`, by the keys of `Reference`s in the document."""

    keys: tuple[str, ...]
    inlines: Inlines


Inline = Text | Math | Emph | Strong | CodeSpan | Link | LineBreak | Footnote | Cite
Inlines = tuple[Inline, ...]


def inlines(*parts: str | Layout | Inline) -> Inlines:
    """Words and formulas side by side: `inlines("the slope of ", layout, " at 0")`."""
    kinds = (Text, Math, Emph, Strong, CodeSpan, Link, LineBreak, Footnote, Cite)
    return tuple(p if isinstance(p, kinds) else Text(p) if isinstance(p, str) else Math(p) for p in parts)


# ---------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a slide; slides themselves are of level 1 and 2."""

    inlines: Inlines
    level: int = 3


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text."""

    inlines: Inlines


@dataclass(frozen=True, slots=True)
class ItemList:
    """A list, numbered from `start` or bulleted where `start` is None."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A remark set apart."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines of code; `language` is what Markdown calls it (`python`), or nothing.  A notebook has a cell of what `runs`."""

    text: str
    language: str = ""
    runs: bool = False


Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; a column without an alignment stands left."""

    header: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    align: tuple[Align, ...] = ()
    caption: Inlines = ()


@dataclass(frozen=True, slots=True)
class Equation:
    """A formula on a line of its own."""

    body: Layout | Raw


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a derivation.

    A line without a `relation` opens a left-hand side; those after it begin with their relation (=, ≈).  `reason` says
    why the line follows from the one before, `note` adds a remark under it.
    """

    body: Layout
    relation: Layout | None = None
    reason: Inlines = ()
    note: Inlines = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """A derivation, or a substitution of numbers, line by line with the relations aligned; `reveal` shows one more at a click."""

    lines: tuple[Line | Chains, ...]
    reveal: bool = False


@dataclass(frozen=True, slots=True)
class Chains:
    """Equalities of several terms, f = u + v = 2 + 3 = 5, a left-hand side first in each.

    Each stands on a line of its own where all of them fit, else each relation does.  `forms` are ways to write them, the fullest
    first: a format takes the first in which all fit, or the last.
    """

    forms: tuple[tuple[tuple[Line, ...], ...], ...]


def laid_out(lines: Iterable[Line | Chains], fits: Callable[[Layout], bool]) -> tuple[Line, ...]:
    """Lines, with the chains among them on one line each where a format finds that they fit."""
    return tuple(line for part in lines for line in ((part,) if isinstance(part, Line) else _chains_laid_out(part, fits)))


def _chains_laid_out(chains: Chains, fits: Callable[[Layout], bool]) -> tuple[Line, ...]:
    for form in chains.forms:
        joined = [chain if len(chain) < 3 else (chain[0], _joined(chain[1:])) for chain in form]
        if all(len(chain) < 3 or fits(right.body) for chain, (_, right) in zip(form, joined, strict=True)):
            return tuple(line for chain in joined for line in chain)
    return tuple(line for chain in chains.forms[-1] for line in chain)


def _joined(lines: Sequence[Line]) -> Line:
    """What follows a left-hand side, on one line."""
    first, *rest = lines
    return Line(row(first.body, *(part for line in rest if line.relation for part in (line.relation, line.body))), first.relation)


def opening(lines: Sequence[Line], short: Callable[[Line], bool]) -> tuple[bool, ...]:
    """Which lines are left-hand sides that stand in front of the line after them: those with nothing else to say that a
    format finds short.

    >>> from derive.notation.layout import Sign
    >>> equals, y, x = Sign("=", "="), Sign("y", "y"), Sign("x", "x")
    >>> opening((Line(y), Line(x, equals), Line(x)), short=lambda line: True)
    (True, False, False)
    """

    def opens(line: Line, after: Line) -> bool:
        return line.relation is None and after.relation is not None and not line.reason and not line.note and short(line)

    return (*(opens(line, after) for line, after in pairwise(lines)), *(False for _ in lines[-1:]))


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.  `formats` says how to get its bytes as "pdf", "svg", "png" …; nothing is drawn that no page shows.

    A `given` one is a file of the author's, which lies beside a page as it is.  `width` is the part of the line
    that it takes, from 0 to 1, or 0 for its own size.  `alt` names what it shows; `description` tells all of it,
    for those who cannot see it.  `live` says what a reader can change in it where a page computes.
    """

    name: str
    formats: Mapping[str, Callable[[], bytes]] = field(compare=False)
    alt: str = ""
    caption: Inlines = ()
    given: bool = False
    width: float = 0.0
    description: str = ""
    live: Callable[[], Live | None] | None = field(default=None, compare=False, repr=False)
    drawn: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def words(self) -> str:
        """All that is said of it to those who cannot see it."""
        return ". ".join(filter(None, (self.alt, self.description)))

    def draw(self, kind: str) -> bytes:
        """The picture in one of its formats, drawn once."""
        if kind not in self.drawn:
            self.drawn[kind] = self.formats[kind]()
        return self.drawn[kind]


@dataclass(frozen=True, slots=True)
class Break:
    """The slide goes on with a fresh page under the same title."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What follows is shown at the next click, with all that follows it."""


@dataclass(frozen=True, slots=True)
class Column:
    """Blocks in one of several columns; `width` is its part of the line, from 0 to 1."""

    blocks: tuple[Block, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns side by side."""

    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """What the speaker reads and the audience does not."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is hidden in its place until a click, and shown in a handout."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A source, as the list of sources prints it, and the key by which `Cite` names it."""

    key: str
    inlines: Inlines


@dataclass(frozen=True, slots=True)
class References:
    """The sources of a document."""

    entries: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Python that a notebook runs in a cell of its own, and the name that its value gets; other pages do not show it."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake of the lecture's, shown in its place: what is wrong, and the lines that point at it."""

    text: str


Block = (
    Heading
    | Paragraph
    | ItemList
    | Quote
    | CodeBlock
    | Table
    | Equation
    | Steps
    | Picture
    | Break
    | Pause
    | Columns
    | Notes
    | Answer
    | References
    | Cell
    | Fault
)

# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, slots=True)
class Slide:
    """Blocks under a title; a slide of level 1 opens a part of the lecture, and in a paper one of level 0 begins a fresh page."""

    title: Inlines
    blocks: tuple[Block, ...]
    level: int = 2


Aspect = Literal["16:9", "4:3"]


@dataclass(frozen=True, slots=True)
class Cover:
    """What the title page says."""

    title: Inlines
    subtitle: Inlines = ()
    author: Inlines = ()
    institute: Inlines = ()
    date: Inlines = ()
    logo: Picture | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A lecture, or an explanation, in one language.

    `title` and `author` are words alone, `cover` is the title page with its formulas, `source` says what file or text it was made
    from.  `outline` asks for a page that lists the parts, which are the slides of level 1.
    """

    title: str
    slides: tuple[Slide, ...]
    lang: str = "en"
    author: str = ""
    source: str = ""
    cover: Cover | None = None
    aspect: Aspect = "16:9"
    outline: bool = False


def cover_of(document: Document) -> Cover:
    """The title page; of a document without one, its title and author."""
    return document.cover or Cover(inlines(document.title), inlines(document.author))


def pages(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """The blocks between the breaks, empty stretches left out."""
    found: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Break):
            found.append([])
        else:
            found[-1].append(block)
    return [tuple(page) for page in found if page]


def merged(parts: Iterable[Inline]) -> Inlines:
    """The same with neighbouring words made one, and neighbouring formulas, so that a format sees what stands side by side.

    >>> merged(inlines("a", "b"))
    (Text(text='ab'),)
    """
    out: list[Inline] = []
    for part in parts:
        match out[-1:], part:
            case [Text(before)], Text(after):
                out[-1] = Text(before + after)
            case [Math(Raw(before))], Math(Raw(after)):
                out[-1] = Math(Raw(f"{{{before}}}{{{after}}}"))
            case [Math(before)], Math(after) if not isinstance(before, Raw) and not isinstance(after, Raw):
                out[-1] = Math(row(before, after))
            case _:
                out.append(part)
    return tuple(part for part in out if part != Text(""))


def mapped(blocks: Iterable[Block], change: Callable[[Block], Sequence[Block]]) -> tuple[Block, ...]:
    """The blocks that `change` makes of each, from the innermost outwards."""

    def inside(block: Block) -> Block:
        match block:
            case ItemList(items, start):
                return ItemList(tuple(mapped(item, change) for item in items), start)
            case Columns(columns):
                return Columns(tuple(Column(mapped(column.blocks, change), column.width) for column in columns))
            case Quote(inner) | Notes(inner) | Answer(inner):
                return type(block)(mapped(inner, change))
        return block

    return tuple(new for block in blocks for new in change(inside(block)))


def taken(blocks: Sequence[Block], *kinds: type) -> tuple[tuple[Block, ...], tuple[Any, ...]]:
    """The blocks without those of some kinds, however deep they stand, and these."""
    found: list[Block] = []

    def keep(block: Block) -> Sequence[Block]:
        if not isinstance(block, kinds):
            return (block,)
        found.append(block)
        return ()

    shown = mapped(blocks, keep)
    return shown, tuple(found)


def apart(blocks: Sequence[Block]) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """What everybody sees, and what the notes among the blocks say, however deep they stand."""
    shown, notes = taken(blocks, Notes)
    return shown, tuple(block for note in notes for block in note.blocks)


def footnotes(words: Inlines) -> tuple[Footnote, ...]:
    """The footnotes in a text, in their order."""
    found: list[Footnote] = []
    for part in words:
        match part:
            case Footnote():
                found.append(part)
            case Emph(inner) | Strong(inner) | Link(inner, _):
                found += footnotes(inner)
    return tuple(found)


def texts(block: Block) -> tuple[Inlines, ...]:
    """The texts of a block and of what stands inside it, those of derivations aside."""
    match block:
        case Heading(words) | Paragraph(words):
            return (words,)
        case ItemList(items):
            return tuple(words for item in items for inner in item for words in texts(inner))
        case Quote(inner) | Answer(inner):
            return tuple(words for part in inner for words in texts(part))
        case Columns(columns):
            return tuple(words for column in columns for part in column.blocks for words in texts(part))
        case Table(header, rows, _, caption):
            return (*header, *(cell for row in rows for cell in row), caption)
        case Picture(caption=caption):
            return (caption,)
    return ()
