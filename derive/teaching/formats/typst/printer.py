"""Typst: the frames of the Beamer slides, and the pages of an explanation, as code in which every word is a string."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from derive.notation.layout import Layout
from derive.notation.speech import spoken
from derive.teaching.document import (
    Cite,
    CodeSpan,
    Document,
    Emph,
    Footnote,
    Inline,
    Inlines,
    Link,
    Math,
    Picture,
    Raw,
    References,
    Strong,
    Table,
    Text,
    cover_of,
    footnotes,
    merged,
)
from derive.teaching.formats import escape
from derive.teaching.formats.html.fonts import FACES, characters
from derive.teaching.formats.latex.columns import Stride
from derive.teaching.formats.latex.frames import Frame
from derive.teaching.formats.latex.printer import ArticlePrinter, BeamerPrinter
from derive.teaching.formats.printer import Choices, DocumentPage, DocumentPrinter, in_latex
from derive.teaching.formats.typst.formulas import formula
from derive.teaching.translation import SOURCE


class TypstPrinter(BeamerPrinter):
    """Blocks as calls of the functions in `functions.j2`.  A document with a title page is a deck, any other a paper."""

    blocks_template = "typst/blocks.j2"
    picture_formats = ("svg", "png", "jpg")

    def __init__(self, source: str = "", lang: str = SOURCE, choices: Choices = Choices()) -> None:  # noqa: B008 - it is frozen
        super().__init__(source, lang, choices)
        self.lang = lang
        self.depth = 0
        """How deep the heading of the slide stands: the first is of level 1, and no level is left out."""
        self.parted = False
        """Whether a part was opened, whose slides stand below it."""
        self.small = False
        """Whether a remark beside a derivation is spelled, whose formulas are as large as they can be."""
        self.sources: frozenset[str] = frozenset()
        self.noted: set[int] = set()
        """The footnotes of the page so far: what is called again is said once."""

    # ------------------------------------------------------------ the whole

    def values(self, document: Document) -> dict[str, object]:
        language, _, region = document.lang.replace("-", "_").partition("_")
        logo = cover_of(document).logo
        parts = [slide for slide in document.slides if slide.level == 1 and document.outline]
        return DocumentPrinter.values(self, document) | {
            "deck": document.cover is not None,
            "language": escape.typst(language),
            "region": escape.typst(region) if region else "none",
            "plain_title": escape.typst(_aloud(cover_of(document).title, self.lang) or document.source or "derive"),
            "plain_author": escape.typst(document.author),
            "short_title": self.inlines(_bare(cover_of(document).title)),
            "outline": [self.inlines(_bare(slide.title)) for slide in parts],
            "logo": escape.typst(self.picture_file(logo)) if logo else "",
            "logo_alt": self.described(logo) if logo else "",
        }

    def pages(self, document: Document) -> list[DocumentPage]:
        listed = [block for slide in document.slides for block in slide.blocks if isinstance(block, References)]
        self.sources = frozenset(entry.key for block in listed for entry in block.entries)
        if document.cover is not None:
            return super().pages(document)
        self.choices, self.depth = Choices(handout=True), 1
        return ArticlePrinter.pages(self, document)

    def page(self, frame: Frame) -> DocumentPage:
        self.parted = self.parted or frame.level == 1
        titled = bool(_shown(_aloud(frame.title, self.lang)).strip())
        if titled:
            self.depth = 2 if self.parted and frame.level > 1 else 1
        self.noted = {note.number for note in footnotes(frame.title)} if frame.part > 1 else set()
        page = super().page(frame)
        return replace(page, title=page.title if titled else "", depth=self.depth)

    # ------------------------------------------------------------ inside a paragraph

    def inlines(self, words: Inlines) -> str:
        parts = [self.inline(part) for part in merged(words)]
        return f"{{{'; '.join(parts)}}}" if len(parts) > 1 else "".join(parts)

    def inline(self, part: Inline) -> str:
        match part:
            case Footnote(number, words) if number not in self.noted:
                self.noted.add(number)
                return str(self.macros.footnote(number, self.inlines(words)))
            case Cite(keys, words) if not self.sources.intersection(keys[:1]):
                return self.inlines(words)
        return super().inline(part)

    def columns_of(self, table: Table, count: int) -> tuple[object, ...]:
        """Of each column the pieces that no line is broken in: Typst measures a column no narrower than its words."""
        rows = (table.header, *table.rows)
        return (
            [list(dict.fromkeys(p for row in rows for cell in row[k : k + 1] for p in self.pieces(cell))) for k in range(count)],
        )

    def pieces(self, words: Inlines) -> Iterator[str]:
        for part in merged(words):
            match part:
                case Text(text):
                    yield from map(self.text, text.split(" "))
                case Emph(inner) | Strong(inner) | Link(inner):
                    yield from self.pieces(inner)
                case Math() | CodeSpan():
                    yield self.inline(part)

    def text(self, words: str) -> str:
        return escape.typst(_shown(re.sub(r"[ \t\n\r\x85\u2028\u2029]+", " ", words)))

    def code(self, text: str) -> str:
        return escape.typst(_shown(text.expandtabs(4)))

    def url(self, address: str) -> str:
        return escape.typst_url(address)

    def math(self, body: Layout | Raw) -> str:
        return self.formula(body, self.small)

    def displayed(self, body: Layout | Raw) -> str:
        return self.formula(body, display=True)

    def formula(self, body: Layout | Raw, display: bool) -> str:
        """A formula with its reading aloud, without which it would say nothing to those who do not see it."""
        code, layout = in_latex(body)
        return f"{formula(code, display)}, {escape.typst(spoken(layout, self.lang) or ' ')}"

    # ------------------------------------------------------------ blocks

    def heading(self, words: str) -> str:
        return str(self.macros.heading(words, self.depth + 1))

    def row(self, stride: Stride) -> dict[str, object]:
        self.small = True
        row = super().row(stride)
        self.small = False
        return row

    def picture(self, picture: Picture, height: str = "") -> str:
        name = escape.typst(self.picture_file(picture))
        caption = self.inlines(picture.caption)
        return str(self.macros.picture(name, self.described(picture), caption, height, picture.width))

    def described(self, picture: Picture) -> str:
        """What a picture shows, in words."""
        return escape.typst(picture.words or picture.name)


def _bare(words: Inlines) -> Inlines:
    """A title without what leads elsewhere, for where it is repeated."""
    inner = (
        _bare(part.inlines) if isinstance(part, Link | Cite) else (part,) for part in words if not isinstance(part, Footnote)
    )
    return tuple(part for parts in inner for part in parts)


def _aloud(words: Inlines, lang: str) -> str:
    """Words alone, with the formulas among them as they are read."""
    out = ""
    for part in words:
        match part:
            case Text(text) | CodeSpan(text):
                out += text
            case Math(body):
                out += spoken(in_latex(body)[1], lang)
            case Emph(inner) | Strong(inner) | Link(inner) | Cite(_, inner):
                out += _aloud(inner, lang)
    return out


@cache
def _printed() -> frozenset[str]:
    """What stands in every face of the font that has what others have not."""
    faces = (replace(REST, file=REST.file.replace(".ttf", f"{face}.ttf")) for face in ("", "-Bold", "-Oblique", "-BoldOblique"))
    return frozenset.intersection(*map(characters, faces))


REST = FACES[-1]


def _shown(text: str) -> str:
    """Text in which a character that the fonts do not hold is printed as its number, [U+4E2D]: a page is always made."""
    return "".join(map(_sign, unicodedata.normalize("NFC", escape.terminal(text))))


def _sign(sign: str) -> str:
    if sign.isascii() or sign in _printed():
        return sign
    category = unicodedata.category(sign)
    return " " if category.startswith("Z") else "" if category == "Cf" else f"[U+{ord(sign):04X}]"
