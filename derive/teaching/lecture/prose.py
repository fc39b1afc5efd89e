"""Markdown read into blocks and inlines, by markdown-it.

Comments are dropped, other HTML is refused.  Formulas are checked here, and every mistake is pointed at: a mistake stands in the
place of what it spoiled, as a `Fault`, and the rest of the lecture is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from markdown_it.tree import SyntaxTreeNode

from derive.errors import DeriveError, Place, raised, said
from derive.teaching.document import (
    Align,
    Answer,
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Column,
    Columns,
    Emph,
    Equation,
    Fault,
    Footnote,
    Heading,
    Inline,
    Inlines,
    ItemList,
    LineBreak,
    Link,
    Math,
    Notes,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    Slide,
    Strong,
    Table,
    Text,
    footnotes,
    merged,
)
from derive.teaching.lecture import formulas
from derive.teaching.lecture.citations import Bibliography
from derive.teaching.lecture.dialect import PAUSE, parser
from derive.teaching.lecture.directive import Directive, directive, meant
from derive.teaching.lecture.inserts import Insert, filled, inserted, without
from derive.teaching.lecture.pictures import picture
from derive.teaching.lecture.unread import UNREAD
from derive.teaching.translation import message_translator, typeset

T = TypeVar("T")

LISTS, DEPTH, COLUMNS = 3, 6, 4
"""How deep lists stand in one another, as in LaTeX's Beamer, how deep all that stands in one another, and the most columns."""

HEADING, CODE, ROW, CELLS = 300, 500, 1_000, 2_000
"""The most characters of a heading, a line of code and a row of a table, which LaTeX sets on one line before it shrinks them, and
the most cells of a table."""

_WIDTH = re.compile(r"\{\s*width\s*=\s*\"?(\d{1,3})%\"?\s*\}\s*")


@dataclass(frozen=True)
class Stretch:
    """Blocks that belong to the slide before them, and where they stand."""

    blocks: tuple[Block, ...]
    place: Place


@dataclass(frozen=True)
class Reader:
    """Reads one lecture in one language.  What is wrong is noted in `faults`; `kinds` are the blocks that the tool expands."""

    lines: Sequence[str]
    lang: str
    folder: Path | None
    expand: Callable[[Directive], Sequence[Block]]
    insert: Insert
    sources: Bibliography | None = None
    sources_lost: bool = False
    """Whether there is a file of sources that cannot be read, which is told once."""
    kinds: Sequence[str] = ()
    faults: list[DeriveError] = field(default_factory=list)
    unshown: list[DeriveError] = field(default_factory=list)
    """The faults that no block shows yet."""
    notes: dict[str, SyntaxTreeNode] = field(default_factory=dict)
    """The footnotes, by their label."""
    used: list[str] = field(default_factory=list)
    """The labels of the footnotes that the text calls, in the order of their numbers."""

    def blocks(self, text: str) -> Iterator[Slide | Stretch]:
        """Each heading of level 1 or 2 as an empty slide, everything else as stretches of blocks."""
        tree = SyntaxTreeNode(parser(self.lang).parse(text, {}))
        for node in _notes(tree.children):
            if (label := str(node.meta["label"])) in self.notes:
                self.fault(DeriveError(said("The footnote '{label}' is given twice.", label=label), self.place(node)))
            self.notes[label] = node
        for node in tree.children:
            if node.type == "heading" and node.tag in ("h1", "h2"):
                yield Slide(self.tolerant(partial(self.heading, node), ()), (), int(node.tag[1]))
                if found := self.shown():
                    yield Stretch(found, self.place(node))
            else:
                yield Stretch(self.block(node), self.place(node))
        for label, node in self.notes.items():
            if label not in self.used:
                self.fault(DeriveError(said("No text calls the footnote '{label}'.", label=label), self.place(node)))

    # ---------------------------------------------------------------- mistakes

    def fault(self, error: DeriveError) -> None:
        """Note a mistake."""
        self.faults.extend(error.each)
        self.unshown.extend(error.each)

    def tolerant(self, read: Callable[[], T], instead: T) -> T:
        """What is read; where that is a mistake, it is noted."""
        try:
            return read()
        except DeriveError as error:
            self.fault(error)
            return instead

    def shown(self) -> tuple[Block, ...]:
        """The mistakes that no block shows yet, as blocks."""
        found = tuple(Fault(error.text(message_translator(self.lang))) for error in self.unshown)
        self.unshown.clear()
        return found

    # ---------------------------------------------------------------- blocks

    def block(self, node: SyntaxTreeNode, lists: int = 0, depth: int = 0, within: tuple[str, ...] = ()) -> tuple[Block, ...]:
        """What one node of the Markdown tree becomes, so many lists and blocks deep, with the mistakes in it behind it."""
        nothing: tuple[Block, ...] = ()
        found = self.tolerant(lambda: tuple(self._block(node, lists, depth, within)), nothing)
        return (*found, *self.shown())

    def _block(self, node: SyntaxTreeNode, lists: int, depth: int, within: tuple[str, ...]) -> Sequence[Block]:
        match node.type:
            case "heading":
                if within and node.tag in ("h1", "h2"):
                    message = said("A slide cannot begin inside ':::{name}'.", name=within[-1])
                    raise DeriveError(
                        message, self.place(node), "Close it with a line ':::' first, or write ### for a heading in it."
                    )
                return [Heading(self.heading(node), int(node.tag[1]))]
            case "paragraph":
                return self.paragraph(node)
            case "bullet_list" | "ordered_list":
                return [self.listed(node, lists, depth, within)]
            case "blockquote":
                self.check_depth(node, depth)
                return [Quote(self.within(node, lists, depth + 1, within))]
            case "container":
                self.check_depth(node, depth)
                return [self.container(node, lists, depth + 1, within)]
            case "hr":
                if within:
                    raise DeriveError(said("A page cannot end inside ':::{name}'.", name=within[-1]), self.place(node))
                return [Break()]
            case "math_block":
                return [Equation(self.formula(node.content, node))]
            case "code_block" | "fence":
                return self.code(node)
            case "table":
                return [self.table(node)]
            case "footnote_reference":
                return []
        raise DeriveError("This kind of Markdown is not known here.", self.place(node))

    def listed(self, node: SyntaxTreeNode, lists: int, depth: int, within: tuple[str, ...]) -> ItemList:
        start = None if node.type == "bullet_list" else int(node.attrs.get("start", 1))
        if lists == LISTS:
            message = said("Lists stand at most {lists} deep.", lists=LISTS)
            raise DeriveError(message, self.place(node), "Begin a slide of its own for these items.")
        return ItemList(tuple(self.within(item, lists + 1, depth + 1, within) for item in node.children), start)

    def within(self, node: SyntaxTreeNode, lists: int, depth: int, within: tuple[str, ...]) -> tuple[Block, ...]:
        return tuple(block for child in node.children for block in self.block(child, lists, depth, within))

    def check_depth(self, node: SyntaxTreeNode, depth: int) -> None:
        if depth == DEPTH:
            raise DeriveError(said("Quotations and lists stand at most {depth} deep.", depth=DEPTH), self.place(node))

    def container(self, node: SyntaxTreeNode, lists: int, depth: int, within: tuple[str, ...]) -> Block:
        """Columns, notes, or an answer."""
        name = node.info.split()[0]
        if name in within and name != "column":
            raise DeriveError(said("':::{name}' stands inside another.", name=name), self.place(node))
        match name:
            case "columns":
                return self.columns(node, lists, depth, (*within, name))
            case "notes":
                return Notes(self.within(node, lists, depth, (*within, name)))
            case "answer":
                return Answer(self.within(node, lists, depth, (*within, name)))
        hint = "Write ':::columns' around the columns, and ':::' after the last one."
        raise DeriveError("A column stands between columns.", self.place(node), hint)

    def columns(self, node: SyntaxTreeNode, lists: int, depth: int, within: tuple[str, ...]) -> Columns:
        """Columns, which share the line: some as they ask, the others what is left."""
        parts = [child for child in node.children if child.info.startswith("column ")]
        strays = [child for child in node.children if child not in parts]
        raised([DeriveError("Between columns stands nothing but ':::column'.", self.place(child)) for child in strays])
        if not 2 <= len(parts) <= COLUMNS:
            raise DeriveError(
                said("There are {count} columns here; there may be 2 to {most}.", count=len(parts), most=COLUMNS),
                self.place(node),
            )
        asked = [int(part.info.split()[1]) / 100 for part in parts]
        free = 1.0 - sum(asked)
        if free < 0.1 * asked.count(0.0) - 1e-9:
            raise DeriveError("The columns are wider than the line.", self.place(node), "Their widths come to at most 100%.")
        widths = [width or free / asked.count(0.0) for width in asked]
        inner = (self.within(part, lists, depth, (*within, "column")) for part in parts)
        return Columns(tuple(Column(blocks, width) for blocks, width in zip(inner, widths, strict=True)))

    def heading(self, node: SyntaxTreeNode) -> Inlines:
        count = len(node.children[0].content) if node.children else 0
        if count > HEADING:
            raise DeriveError(
                said("This heading has {count} characters; there is room for {heading}.", count=count, heading=HEADING),
                self.place(node),
            )
        return self.inlines(node)

    def paragraph(self, node: SyntaxTreeNode) -> Sequence[Block]:
        """A paragraph; one that is nothing but a picture, with its width or without, is that picture."""
        inner = node.children[0].children
        if inner and inner[0].type == "image":
            behind = "".join(child.content for child in inner[1:])
            width = _WIDTH.fullmatch(behind)
            if not behind or (width and 0 < int(width[1]) <= 100):
                return [self.picture(inner[0], node, int(width[1]) / 100 if width else 0.0)]
            if behind.startswith("{"):
                raise DeriveError(
                    "A picture takes a width from 1% to 100%.", self.place(node), "For example: ![A net](net.png){width=60%}"
                )
        if len(inner) == 1 and PAUSE.fullmatch(inner[0].content):
            return [Pause()]
        if len(inner) == 1 and inner[0].type == "math_inline_double":
            return [Equation(self.formula(inner[0].content, node))]
        return [Paragraph(self.inlines(node))]

    def code(self, node: SyntaxTreeNode) -> Sequence[Block]:
        """Code, or a block of the tool's."""
        words = node.info.split()
        if words[:1] != ["derive"]:
            if near := meant(node.info, self.kinds):
                raise DeriveError(
                    "This block is written almost like one of derive's.", self.place(node), said("Write ```{block}", block=near)
                )
            lines = node.content.split("\n")
            count = max(map(len, lines))
            if count > CODE:
                place = self.place(node, next(line for line in lines if len(line) == count))
                raise DeriveError(
                    said("This line of code has {count} characters; there is room for {code}.", count=count, code=CODE), place
                )
            return [CodeBlock(node.content.rstrip("\n"), words[0] if words else "")]
        first = node.map[0] if node.map else 0
        return self.expand(directive(node.info, node.content.rstrip("\n"), self.lines, first, self.kinds))

    def table(self, node: SyntaxTreeNode) -> Table:
        rows = [row for part in node.children for row in part.children]
        cells = len(rows) * len(rows[0].children)
        if cells > CELLS:
            raise DeriveError(
                said("This table has {cells} cells; there may be {most}.", cells=cells, most=CELLS),
                self.place(node),
                "Show a part of it.",
            )
        for row in rows:
            count = sum(2 + len(cell.children[0].content) for cell in row.children if cell.children)
            if count > ROW:
                raise DeriveError(
                    said("This row of a table has {count} characters; there is room for {row}.", count=count, row=ROW),
                    self.place(row),
                )
        header, *body = [tuple(self.inlines(cell, row) for cell in row.children) for row in rows]
        styles = [str(cell.attrs.get("style", "")) for cell in rows[0].children]
        align: list[Align] = ["right" if "right" in s else "center" if "center" in s else "left" for s in styles]
        return Table(header, tuple(body), tuple(align))

    def picture(self, image: SyntaxTreeNode, node: SyntaxTreeNode, width: float) -> Picture:
        """A teacher's own picture, as wide as it is or as a part of the line."""
        path, alt = Path(str(image.attrs.get("src", ""))), typeset(image.content, self.lang)
        found = picture(path, self.folder, self.place(node))
        return replace(found, alt=alt, caption=(Text(alt),) if alt else (), width=width)

    # ---------------------------------------------------------------- inside a paragraph

    def inlines(self, node: SyntaxTreeNode, block: SyntaxTreeNode | None = None) -> Inlines:
        """The text of a heading, a paragraph or a cell; `block` is where it stands, if not the node itself."""
        return merged(self.piece(part, block or node) for child in node.children for part in child.children)

    def piece(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inline:
        """One piece of text; one that is a mistake is shown as it was typed."""
        typed: Inline = CodeSpan(node.content) if node.content else Text("")
        return self.tolerant(partial(self.inline, node, block), typed)

    def inline(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inline:
        """One piece of text; `block` is where it stands, for errors."""
        inside = partial(self.inside, node, block)
        match node.type:
            case "text":
                return Text(typeset(node.content, self.lang))
            case "softbreak":
                return Text(" ")
            case "hardbreak":
                return LineBreak()
            case "code_inline":
                return CodeSpan(node.content)
            case "em":
                return Emph(inside())
            case "strong":
                return Strong(inside())
            case "link":
                return Link(inside(), self.address(str(node.attrs.get("href", "")), block))
            case "insert":
                found = self.place(block, node.content)
                return Math(inserted(node.content, self.insert, lambda start, end: _within(found, start, end)))
            case "math_inline" | "math_inline_double":
                return Math(self.formula(node.content, block))
            case "footnote_ref":
                return self.footnote(str(node.meta["label"]), block)
            case "citation" | "mention":
                return self.citation(node, block)
            case "image":
                raise DeriveError("A picture stands in a paragraph of its own.", self.place(block))
        if node.type in UNREAD:
            _, _, message, hint = UNREAD[node.type]
            raise DeriveError(message, self.place(block, node.content.split("\n")[0]), hint)
        raise DeriveError("This kind of Markdown is not known here.", self.place(block))

    def inside(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inlines:
        return merged(self.piece(child, block) for child in node.children)

    def footnote(self, label: str, block: SyntaxTreeNode) -> Footnote:
        """A call for a footnote; a second call for the same one has the same number."""
        place = self.place(block, f"[^{label}]")
        if label not in self.notes:
            raise DeriveError(
                said("There is no footnote '{label}'.", label=label),
                place,
                said("Write below: [^{label}]: the note", label=label),
            )
        node = self.notes[label]
        if label not in self.used:
            self.used.append(label)
        if any(child.type != "paragraph" for child in node.children):
            raise DeriveError("A footnote holds words alone.", self.place(node))
        parts = [self.inlines(child, node) for child in node.children]
        words = merged(piece for k, part in enumerate(parts) for piece in ((Text(" "),) if k else ()) + part)
        if footnotes(words):
            raise DeriveError("A footnote calls no other.", self.place(node))
        return Footnote(self.used.index(label) + 1, words)

    def citation(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inline:
        """Sources that are named; without a file of sources, a name behind @ is a word like any other."""
        mention = node.type == "mention"
        if self.sources is None and (mention or self.sources_lost):
            return Text(f"@{node.content}" if mention else f"[{node.content}]")
        place = self.place(block, node.content)
        if self.sources is None:
            raise DeriveError(
                "This names a source, and the lecture names no file of sources.",
                place,
                r"Write 'bibliography: FILE.bib' in the front matter; \[ prints a bracket.",
            )
        return self.sources.mention(node.content, place) if mention else self.sources.cite(node.content, place)

    def address(self, url: str, block: SyntaxTreeNode) -> str:
        if re.match(r"(https?://|mailto:|#|[\w./-]+$)", url):
            return url
        raise DeriveError("A link leads to http://, https:// or mailto:.", self.place(block))

    def formula(self, code: str, node: SyntaxTreeNode) -> Raw:
        """A formula, checked; a mistake is pointed at where the formula's text is found in the node's lines."""
        lines = code.split("\n")

        def place(start: int, end: int) -> Place:
            *above, before = code[:start].split("\n")
            line = lines[len(above)]
            found = self.place(node, line, "" if above else "$", len(above))
            if found.text[found.start : found.end] != line:
                return found
            return _within(found, len(before), len(before) + end - start)

        return Raw(filled(formulas.checked(without(code), place), code, self.insert, place))

    def place(self, node: SyntaxTreeNode, text: str = "", before: str = "", skipped: int = 0) -> Place:
        """The first line of a node, or where in its lines, some skipped, a text stands, behind another if it does anywhere."""
        first, end = node.map or (0, 1)
        for prefix in (before, ""):
            for number in range(first + skipped, min(end, len(self.lines))) if text else ():
                if (start := self.lines[number].find(prefix + text)) >= 0:
                    start += len(prefix)
                    return Place(self.lines[number], start, start + len(text), number + 1)
        line = self.lines[min(first, len(self.lines) - 1)]
        return Place(line, 0, max(1, len(line.rstrip())), first + 1)


def _notes(nodes: Sequence[SyntaxTreeNode]) -> Iterator[SyntaxTreeNode]:
    """The footnotes among some nodes, those in containers too."""
    for node in nodes:
        if node.type == "footnote_reference":
            yield node
        elif node.type == "container":
            yield from _notes(node.children)


def _within(place: Place, start: int, end: int) -> Place:
    """Some characters of those at a place."""
    first = place.start + start
    return Place(place.text, first, max(first + 1, min(place.start + end, place.end)), place.line)
