"""Markdown read into blocks and inlines, by markdown-it.

Comments are dropped, other HTML is refused.  Formulas are checked here, pictures are found here, and every mistake is pointed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.dollarmath import dollarmath_plugin

from derive.errors import DeriveError, Place, said
from derive.teaching.document import (
    Align,
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Emph,
    Equation,
    Heading,
    Inline,
    Inlines,
    ItemList,
    LineBreak,
    Link,
    Math,
    Paragraph,
    Picture,
    Quote,
    Raw,
    Slide,
    Strong,
    Table,
    Text,
    merged,
)
from derive.teaching.lecture import formulas
from derive.teaching.lecture.directive import Directive, directive
from derive.teaching.lecture.inserts import Insert, filled, insert_plugin, inserted, without
from derive.teaching.lecture.unread import PAUSE, UNREAD, unread_plugin
from derive.teaching.translation import quotes, typeset

LISTS, DEPTH = 3, 6
"""How deep lists stand in one another, as in LaTeX's Beamer, and how deep lists and quotations."""

HEADING, CODE, ROW, CELLS = 300, 500, 1_000, 2_000
"""The most characters of a heading, a line of code and a row of a table, which LaTeX sets on one line before it shrinks them, and
the most cells of a table."""

PICTURES = ("pdf", "svg", "png", "jpg", "jpeg")
MAX_PICTURE = 1 << 26


@dataclass(frozen=True)
class Stretch:
    """Blocks that belong to the slide before them, and where they stand."""

    blocks: tuple[Block, ...]
    place: Place


@cache
def parser(lang: str) -> MarkdownIt:
    """CommonMark with tables and formulas, without HTML; a line of dashes is a break, never an underline."""
    found = MarkdownIt("commonmark", {"html": False, "typographer": True, "quotes": quotes(lang)})
    found.enable(["table", "smartquotes"]).disable(["lheading", "html_block", "html_inline"])
    return found.use(dollarmath_plugin, allow_labels=False, double_inline=True).use(unread_plugin).use(insert_plugin)


@dataclass(frozen=True)
class Reader:
    """Reads one lecture in one language."""

    lines: Sequence[str]
    lang: str
    folder: Path | None
    expand: Callable[[Directive], Sequence[Block]]
    insert: Insert

    def blocks(self, text: str) -> Iterator[Slide | Stretch]:
        """Each heading of level 1 or 2 as an empty slide, everything else as stretches of blocks."""
        found: dict[str, Any] = {}
        tree = SyntaxTreeNode(parser(self.lang).parse(text, found))
        for label, reference in found.get("references", {}).items():
            if label.startswith("^"):
                line, (_, _, message, hint) = reference["map"][0], UNREAD["footnote"]
                raise DeriveError(message, Place(self.lines[line], 0, len(self.lines[line]), line + 1), hint)
        for node in tree.children:
            if node.type == "heading" and node.tag in ("h1", "h2"):
                yield Slide(self.heading(node), (), int(node.tag[1]))
            else:
                yield Stretch(tuple(self.block(node)), self.place(node))

    def block(self, node: SyntaxTreeNode, lists: int = 0, depth: int = 0) -> Sequence[Block]:
        """What one node of the Markdown tree becomes, so many lists and blocks deep."""
        match node.type:
            case "heading":
                return [Heading(self.heading(node), int(node.tag[1]))]
            case "paragraph":
                return self.paragraph(node)
            case "bullet_list" | "ordered_list":
                start = None if node.type == "bullet_list" else int(node.attrs.get("start", 1))
                if lists == LISTS:
                    raise DeriveError(
                        said("Lists stand at most {lists} deep.", lists=LISTS),
                        self.place(node),
                        "Begin a slide of its own for these items.",
                    )
                return [ItemList(tuple(self.within(item, lists + 1, depth + 1) for item in node.children), start)]
            case "blockquote":
                if depth == DEPTH:
                    raise DeriveError(said("Quotations and lists stand at most {depth} deep.", depth=DEPTH), self.place(node))
                return [Quote(self.within(node, lists, depth + 1))]
            case "hr":
                return [Break()]
            case "math_block":
                return [Equation(self.formula(node.content, node))]
            case "code_block" | "fence":
                return self.code(node)
            case "table":
                return [self.table(node)]
        raise DeriveError("This kind of Markdown is not known here.", self.place(node))

    def within(self, node: SyntaxTreeNode, lists: int, depth: int) -> tuple[Block, ...]:
        return tuple(block for child in node.children for block in self.block(child, lists, depth))

    def heading(self, node: SyntaxTreeNode) -> Inlines:
        count = len(node.children[0].content) if node.children else 0
        if count > HEADING:
            raise DeriveError(
                said("This heading has {count} characters; there is room for {heading}.", count=count, heading=HEADING),
                self.place(node),
            )
        return self.inlines(node)

    def paragraph(self, node: SyntaxTreeNode) -> Sequence[Block]:
        """A paragraph; one that is nothing but a picture is that picture."""
        inner = node.children[0].children
        if len(inner) == 1 and inner[0].type == "image":
            return [self.picture(inner[0], node)]
        if len(inner) == 1 and PAUSE.fullmatch(inner[0].content):
            _, _, message, hint = UNREAD["pause"]
            raise DeriveError(message, self.place(node), hint)
        if len(inner) == 1 and inner[0].type == "math_inline_double":
            return [Equation(self.formula(inner[0].content, node))]
        return [Paragraph(self.inlines(node))]

    def code(self, node: SyntaxTreeNode) -> Sequence[Block]:
        """Code, or a block of the tool's."""
        words = node.info.split()
        if words[:1] != ["derive"]:
            lines = node.content.split("\n")
            count = max(map(len, lines))
            if count > CODE:
                place = self.place(node, next(line for line in lines if len(line) == count))
                raise DeriveError(
                    said("This line of code has {count} characters; there is room for {code}.", count=count, code=CODE), place
                )
            return [CodeBlock(node.content.rstrip("\n"), words[0] if words else "")]
        first = node.map[0] if node.map else 0
        return self.expand(directive(node.info, node.content.rstrip("\n"), self.lines, first))

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

    def picture(self, image: SyntaxTreeNode, node: SyntaxTreeNode) -> Picture:
        """A teacher's own picture: a file below the lecture's folder."""
        path = Path(str(image.attrs.get("src", "")))
        kind = path.suffix.lower().removeprefix(".")
        if kind not in PICTURES:
            raise DeriveError(said("A picture is a file of type {names}.", names=", ".join(PICTURES)), self.place(node))
        if self.folder is None or path.is_absolute() or ".." in path.parts:
            raise DeriveError("A picture lies in the lecture's folder or below.", self.place(node))
        whole = self.folder / path
        if not whole.is_file() or not whole.resolve().is_relative_to(self.folder.resolve()):
            raise DeriveError(said("There is no picture '{path}'.", path=path), self.place(node))
        alt = typeset(image.content, self.lang)
        kind = kind.replace("jpeg", "jpg")
        return Picture(path.stem, {kind: partial(_read, whole, self.place(node))}, alt, (Text(alt),) if alt else (), given=True)

    # ---------------------------------------------------------------- inside a paragraph

    def inlines(self, node: SyntaxTreeNode, block: SyntaxTreeNode | None = None) -> Inlines:
        """The text of a heading, a paragraph or a cell; `block` is where it stands, if not the node itself."""
        found = (self.inline(part, block or node) for child in node.children for part in child.children)
        return merged(part for part in found if part is not None)

    def inline(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inline | None:
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
            case "image":
                raise DeriveError("A picture stands in a paragraph of its own.", self.place(block))
        if node.type in UNREAD:
            _, _, message, hint = UNREAD[node.type]
            raise DeriveError(message, self.place(block, node.content.split("\n")[0]), hint)
        raise DeriveError("This kind of Markdown is not known here.", self.place(block))

    def inside(self, node: SyntaxTreeNode, block: SyntaxTreeNode) -> Inlines:
        found = (self.inline(child, block) for child in node.children)
        return merged(part for part in found if part is not None)

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


def _within(place: Place, start: int, end: int) -> Place:
    """Some characters of those at a place."""
    first = place.start + start
    return Place(place.text, first, max(first + 1, min(place.start + end, place.end)), place.line)


def _read(path: Path, place: Place) -> bytes:
    """The bytes of a picture; a DeriveError where they cannot be had, or are too many."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PICTURE + 1)
    except OSError as error:
        reason = error.strerror or error
        raise DeriveError(said("The picture {path} cannot be read: {reason}.", path=path, reason=reason), place) from None
    if len(content) > MAX_PICTURE:
        most = MAX_PICTURE >> 20
        raise DeriveError(said("The picture {path} is too long: at most {most} MiB are read.", path=path, most=most), place)
    return content
