"""What every file format's printer shares: it walks the inlines and blocks and calls the template's macro for each.

A printer spells, a template places.  The strings that a macro receives are already escaped for the format.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from derive.calculus.rules import N_
from derive.errors import DeriveError, said
from derive.marks import mark, marked
from derive.naming import picture_name
from derive.notation.layout import Layout, latex
from derive.notation.typed import read
from derive.resources import folder
from derive.teaching.document import (
    Cite,
    CodeSpan,
    Document,
    Emph,
    Footnote,
    Inline,
    Inlines,
    LineBreak,
    Link,
    Math,
    Picture,
    Raw,
    Strong,
    Table,
    Text,
    cover_of,
    merged,
)
from derive.teaching.translation import SOURCE, translator

Flavour = Literal["pandoc", "github", "marp"]


@dataclass(frozen=True)
class Choices:
    """What a reader chooses of a format: a `handout` shows what slides hide until a click and keeps what only the speaker reads;
    `flavour` is who reads a page of Markdown.
    """

    handout: bool = False
    flavour: Flavour | Literal["jupyter"] = "pandoc"


@dataclass(frozen=True)
class DocumentPage:
    """What a template shows under one heading: the `part`th of `parts` pages of a slide, its text spelled."""

    title: str
    level: int
    body: str
    part: int = 1
    parts: int = 1
    footnotes: tuple[tuple[int, str], ...] = ()
    """The numbers and words of its footnotes."""
    foot: float = 0.0
    """The height of the footnotes, in em, where pages have one."""
    notes: str = ""
    """What the speaker says."""
    steps: int = 1
    """How many clicks it takes until all of it is shown, the one that brings the page included."""
    depth: int = 1
    """The level of its heading, where none may be left out."""


class DocumentPrinter(ABC):
    """Spells one document in one format, and keeps the files of its pictures, which are called after the document's source."""

    blocks_template: ClassVar[str]
    """The template whose macros set the inlines and blocks."""
    delimiters: ClassVar[tuple[str, ...]] = ("{%", "%}", "{{", "}}", "{#", "#}")
    """How the templates of the format mark statements, values and comments, where these mean nothing else."""
    picture_formats: ClassVar[tuple[str, ...]]
    """The kinds of picture that the format shows, the best first."""
    cells: ClassVar[bool] = False
    """Whether the format has cells that run."""

    def __init__(self, source: str = "", lang: str = SOURCE, choices: Choices = Choices()) -> None:
        self.source, self.say, self.choices = source, translator(lang), choices
        self.macros: Any = environment(self.delimiters).get_template(self.blocks_template).module
        self.files: dict[str, bytes] = {}

    @abstractmethod
    def text(self, words: str) -> str:
        """Words, escaped."""

    @abstractmethod
    def code(self, text: str) -> str:
        """A span of code, escaped."""

    @abstractmethod
    def url(self, address: str) -> str:
        """The address of a link, escaped."""

    @abstractmethod
    def math(self, body: Layout | Raw) -> str:
        """A formula."""

    @abstractmethod
    def pages(self, document: Document) -> list[DocumentPage]:
        """The pages of a document."""

    def whole(self, document: Document, template: str) -> str:
        """The text of a document, its pages placed by a template."""
        placed = environment(self.delimiters).get_template(template)
        return placed.render(pages=self.pages(document), **self.values(document))

    def values(self, document: Document) -> dict[str, object]:
        """What else the format's `document.j2` places."""
        cover = cover_of(document)
        parts = [self.inlines(slide.title) for slide in document.slides if slide.level == 1]
        return {
            **{name: self.inlines(getattr(cover, name)) for name in ("title", "subtitle", "author", "institute", "date")},
            "outline": parts if document.outline else [],
            "outline_title": self.text(self.say(N_("Outline"))),
            "aspect": document.aspect,
            "lang": document.lang,
            "mark": mark(document.source),
        }

    def inlines(self, words: Inlines) -> str:
        """Text with its formulas, emphasis and links."""
        return "".join(map(self.inline, merged(words)))

    def inline(self, part: Inline) -> str:
        """One piece of text."""
        match part:
            case Text(words):
                return str(self.macros.text(self.text(words)))
            case Math(body):
                return str(self.macros.math(self.math(body)))
            case Emph(inner):
                return str(self.macros.emph(self.inlines(inner)))
            case Strong(inner):
                return str(self.macros.strong(self.inlines(inner)))
            case CodeSpan(text):
                return str(self.macros.code(self.code(text)))
            case Link(inner, address):
                return str(self.macros.link(self.inlines(inner), self.url(address)))
            case LineBreak():
                return str(self.macros.linebreak())
            case Footnote(number):
                return str(self.macros.footnotemark(number, self.choices.flavour))
            case Cite(keys, inner):
                return str(self.macros.cite(self.inlines(inner), anchor(keys[0])))

    def footnotes(self, notes: Sequence[Footnote]) -> tuple[tuple[int, str], ...]:
        """The numbers and words of footnotes."""
        return tuple((note.number, self.inlines(note.inlines)) for note in notes)

    def table(self, table: Table) -> str:
        """A table, every row as long as the longest."""
        count = max(len(row) for row in (table.header, table.align, *table.rows))
        rows = [[self.cell(row[k]) if k < len(row) else "" for k in range(count)] for row in (table.header, *table.rows)]
        align = [*table.align, *["left"] * (count - len(table.align))]
        return str(self.macros.table(rows[0], rows[1:], align, self.inlines(table.caption), *self.columns_of(table, count)))

    def columns_of(self, table: Table, count: int) -> tuple[object, ...]:
        """What a format wants to know of the columns besides."""
        return ()

    def cell(self, words: Inlines) -> str:
        """What stands in one field of a table."""
        return self.inlines(words)

    def kind_of(self, picture: Picture) -> str:
        """The best kind of picture that the format shows and this one is there as.  Raises DeriveError where there is none."""
        kind = next((kind for kind in self.picture_formats if kind in picture.formats), None)
        if kind is None:
            have, need = " or ".join(picture.formats) or "nothing", ", ".join(self.picture_formats)
            raise DeriveError(
                said(
                    "The picture '{name}' is there as {have}, and this format shows {need}.",
                    name=picture.name,
                    have=have,
                    need=need,
                )
            )
        return kind

    def picture(self, picture: Picture, height: str = "") -> str:
        """A figure; its file is kept under a name of its own.  `height` is for formats whose pages have one."""
        name = self.picture_file(picture)
        return str(self.macros.picture(name, self.text(picture.alt), self.inlines(picture.caption), height, picture.width))

    def picture_file(self, picture: Picture) -> str:
        """The name of a picture's file, which is kept."""
        kind = self.kind_of(picture)
        drawn = picture.draw(kind)
        content = drawn if picture.given else marked(drawn, kind, self.source)
        name, count = picture_name(self.source, picture.name, kind, drawn if picture.given else None), 1
        while self.files.get(name, content) != content:
            count += 1
            name = picture_name(self.source, f"{picture.name}-{count}", kind)
        self.files[name] = content
        return name


MIME = {"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg"}
"""What pictures that lie inside a page are, by their endings."""


def in_latex(body: Layout | Raw) -> tuple[str, Layout]:
    """A formula as LaTeX and as a layout, which is read aloud; one that was typed is read for it."""
    return (body.latex, read(body.latex)) if isinstance(body, Raw) else (latex(body).strip(), body)


def anchor(key: str) -> str:
    """The name of a place in the document, of letters and digits alone.

    >>> anchor("le_cun:98")
    'le-5f-cun-3a-98'
    """
    return re.sub("[^A-Za-z0-9]", lambda found: f"-{ord(found[0]):x}-", key)


def joined(parts: Sequence[str]) -> str:
    """Blocks one under the other, each without the line ends around it."""
    return "\n\n".join(part.strip("\n") for part in parts)


@cache
def environment(delimiters: tuple[str, ...]) -> Environment:
    """Jinja with a format's delimiters; a name that a template misspells is an error."""
    block_start, block_end, variable_start, variable_end, comment_start, comment_end = delimiters
    return Environment(
        block_start_string=block_start,
        block_end_string=block_end,
        variable_start_string=variable_start,
        variable_end_string=variable_end,
        comment_start_string=comment_start,
        comment_end_string=comment_end,
        loader=FileSystemLoader(folder("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
