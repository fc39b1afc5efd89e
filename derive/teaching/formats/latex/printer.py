"""LaTeX for pdfLaTeX: Beamer slides, and an article for a single explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.notation.layout import Layout, latex
from derive.teaching.document import Block, CodeBlock, Document, Heading, ItemList, Paragraph, Quote, Raw, Table
from derive.teaching.formats import escape
from derive.teaching.formats.latex.columns import Columns, Display, Figure, Set, Stride, set_blocks
from derive.teaching.formats.latex.frames import frames
from derive.teaching.formats.latex.heights import WIDTH
from derive.teaching.formats.printer import DocumentPage, DocumentPrinter, joined

BABEL: Mapping[str, tuple[str, str]] = {"en": ("english", ""), "fr": ("french", ";:!?")}
"""For LaTeX's package babel, the options of a language and the marks that would be commands to it.

A language without a row has its English name and babel's newer description, which makes no mark a command.
"""


def babel_options(lang: str) -> tuple[str, str]:
    """The options of a language, and the marks to be switched off."""
    if lang in BABEL:
        return BABEL[lang]
    from babel import Locale

    return f"{(Locale.parse(lang).get_language_name('en') or lang).lower()}, provide=*", ""


class ArticlePrinter(DocumentPrinter):
    """Blocks as LaTeX; pages as long as TeX makes them."""

    blocks_template = "latex/blocks.j2"
    delimiters = ("<%", "%>", "<<", ">>", "<#", "#>")
    picture_formats = ("pdf", "png", "jpg")
    width = 40.0
    """The width of a line in em."""

    def values(self, document: Document) -> dict[str, object]:
        options, marks = babel_options(document.lang)
        return super().values(document) | {"babel": options, "marks": marks}

    def text(self, words: str) -> str:
        return escape.latex(words)

    def code(self, text: str) -> str:
        return escape.latex_code(text)

    def url(self, address: str) -> str:
        return escape.latex_url(address)

    def math(self, body: Layout | Raw) -> str:
        return escape.latex_math(body.latex) if isinstance(body, Raw) else latex(body).strip()

    def pages(self, document: Document) -> list[DocumentPage]:
        return [
            DocumentPage(self.inlines(slide.title), slide.level, self.blocks(set_blocks(slide.blocks, self.width)))
            for slide in document.slides
        ]

    def blocks(self, blocks: Sequence[Set]) -> str:
        """Blocks one under the other."""
        return joined([self.block(block) for block in blocks])

    def block(self, block: Set) -> str:
        """One block."""
        macros = self.macros
        match block:
            case Heading(words):
                return str(macros.heading(self.inlines(words)))
            case Paragraph(words):
                return str(macros.paragraph(self.inlines(words)))
            case ItemList(items, start):
                return str(macros.list([self.nested(item) for item in items], start))
            case Quote(inner):
                return str(macros.quote(self.nested(inner)))
            case CodeBlock(text):
                return str(macros.codeblock([escape.latex_code(line) for line in text.split("\n")]))
            case Table():
                return self.table(block)
            case Display(lines):
                return str(macros.equation([self.math(line) for line in lines]))
            case Columns(left, body, reason, rows):
                return str(macros.derivation(f"{left:.2f}", f"{body:.2f}", f"{reason:.2f}", [self.row(r) for r in rows]))
            case Figure(picture, height):
                return self.picture(picture, f"{height:.2f}")

    def nested(self, blocks: Sequence[Block]) -> str:
        """Blocks inside a list or a quotation."""
        return self.blocks(set_blocks(blocks, self.width - 2.4))

    def row(self, stride: Stride) -> dict[str, object]:
        """A row of a derivation, its parts spelled."""
        return {
            "left": latex(stride.left).strip() if stride.left else "",
            "relation": latex(stride.relation).strip() if stride.relation else "",
            "body": latex(stride.body).strip(),
            "head": stride.head,
            "reason": self.inlines(stride.reason),
            "beside": stride.beside,
            "loose": stride.loose,
            "note": self.inlines(stride.note),
        }


class BeamerPrinter(ArticlePrinter):
    """The same on frames that hold no more than a frame holds."""

    width = WIDTH

    def pages(self, document: Document) -> list[DocumentPage]:
        return [
            DocumentPage(self.inlines(frame.title), frame.level, self.blocks(frame.blocks), frame.part, frame.parts)
            for slide in document.slides
            for frame in frames(slide)
        ]
