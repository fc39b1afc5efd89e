"""LaTeX for pdfLaTeX: Beamer slides, and an article for a single explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.calculus.rules import N_
from derive.notation.layout import Layout, latex
from derive.teaching.document import (
    Block,
    CodeBlock,
    Document,
    Fault,
    Heading,
    ItemList,
    Paragraph,
    Pause,
    Quote,
    Raw,
    References,
    Table,
    cover_of,
)
from derive.teaching.formats import escape
from derive.teaching.formats.latex.columns import Aligned, Beside, Display, Figure, Hidden, Set, Stride, set_blocks
from derive.teaching.formats.latex.frames import Frame, frames
from derive.teaching.formats.latex.heights import PAPERS, WIDTH, notes_height, notes_of, title_height
from derive.teaching.formats.printer import DocumentPage, DocumentPrinter, anchor, joined

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
        logo = cover_of(document).logo
        return super().values(document) | {"babel": options, "marks": marks, "logo": self.picture_file(logo) if logo else ""}

    def text(self, words: str) -> str:
        return escape.latex(words)

    def code(self, text: str) -> str:
        return escape.latex_code(text)

    def url(self, address: str) -> str:
        return escape.latex_url(address)

    def math(self, body: Layout | Raw) -> str:
        return escape.latex_math(body.latex) if isinstance(body, Raw) else latex(body).strip()

    def displayed(self, body: Layout | Raw) -> str:
        """A formula on a line of its own."""
        return self.math(body)

    def pages(self, document: Document) -> list[DocumentPage]:
        return [
            DocumentPage(
                self.inlines(slide.title),
                slide.level,
                self.blocks(laid),
                footnotes=self.footnotes([note for block in laid for note in notes_of(block)]),
            )
            for slide in document.slides
            for laid in [set_blocks(slide.blocks, self.width)]
        ]

    def blocks(self, blocks: Sequence[Set]) -> str:
        """Blocks one under the other."""
        return joined([self.block(block) for block in blocks])

    def block(self, block: Set) -> str:
        """One block."""
        macros = self.macros
        match block:
            case Heading(words):
                return self.heading(self.inlines(words))
            case Paragraph(words):
                return str(macros.paragraph(self.inlines(words)))
            case ItemList(items, start):
                return str(macros.list([self.nested(item) for item in items], start))
            case Quote(inner):
                return str(macros.quote(self.nested(inner)))
            case CodeBlock(text):
                return str(macros.codeblock([self.code(line) for line in text.split("\n")]))
            case Table():
                return self.table(block)
            case Display(lines):
                return str(macros.equation([self.displayed(line) for line in lines]))
            case Aligned(left, body, reason, rows):
                widths = (f"{width:.2f}" for width in (left, body, reason))
                return str(macros.derivation(*widths, [self.row(r) for r in rows], self.revealed(block)))
            case Figure(picture, height):
                return self.picture(picture, f"{height:.2f}")
            case Pause():
                return ""
            case Beside(columns):
                return str(macros.beside([(f"{width:.3f}", self.blocks(inner)) for width, inner in columns], len(columns) - 1))
            case Hidden(inner, opens):
                return str(macros.answer(self.text(self.say(N_("Answer"))) if opens else "", self.block(inner)))
            case References(entries):
                return str(macros.references([(anchor(entry.key), self.inlines(entry.inlines)) for entry in entries]))
            case Fault(message):
                return str(macros.fault([self.code(line) for line in message.split("\n")]))

    def heading(self, words: str) -> str:
        """A heading inside a slide."""
        return str(self.macros.heading(words))

    def revealed(self, block: Aligned) -> list[int]:
        """For each row the click at which it is shown, 0 where it is there from the start."""
        return [0] * len(block.rows)

    def nested(self, blocks: Sequence[Block]) -> str:
        """Blocks inside a list or a quotation."""
        return self.blocks(set_blocks(blocks, self.width - 2.4))

    def row(self, stride: Stride) -> dict[str, object]:
        """A row of a derivation, its parts spelled."""
        return {
            "left": self.displayed(stride.left) if stride.left else "",
            "relation": self.displayed(stride.relation) if stride.relation else "",
            "body": self.displayed(stride.body),
            "head": stride.head,
            "reason": self.inlines(stride.reason),
            "beside": stride.beside,
            "loose": stride.loose,
            "note": self.inlines(stride.note),
        }


class FragmentPrinter(ArticlePrinter):
    """The same for a document of the author's, whose lines may be as short as those of a frame of 4:3."""

    width = 27.5


class BeamerPrinter(ArticlePrinter):
    """The same on frames that hold no more than a frame holds, shown click by click."""

    width = WIDTH

    last = 1
    """The last step of the frame so far."""
    base = 1
    """The step at which what comes next is shown."""
    covering = 1
    """The step of the cover around it."""

    def values(self, document: Document) -> dict[str, object]:
        return super().values(document) | {"handout": self.choices.handout, "width": PAPERS[document.aspect].width}

    def pages(self, document: Document) -> list[DocumentPage]:
        paper = PAPERS[document.aspect]
        self.width = paper.width
        return [self.page(frame) for slide in document.slides for frame in frames(slide, paper)]

    def page(self, frame: Frame) -> DocumentPage:
        """A frame; its steps count anew."""
        self.last = self.base = self.covering = 1
        body = self.blocks(frame.blocks)
        steps = self.last
        self.last = self.base = self.covering = 1
        notes = "" if self.choices.handout else self.blocks(set_blocks(frame.notes, self.width))
        foot = round(notes_height(frame.footnotes, self.width) + 0.6, 2) if frame.footnotes else 0.0
        foot += round(title_height(frame.title, self.width), 2)
        title, below = self.inlines(frame.title), self.footnotes(frame.footnotes)
        return DocumentPage(title, frame.level, body, frame.part, frame.parts, below, foot, notes, steps)

    def block(self, block: Set) -> str:
        """One block, under a cover until its step."""
        if self.choices.handout:
            return super().block(block)
        if isinstance(block, Pause):
            self.last = self.base = self.last + 1
            return ""
        shown, outer = self.base, self.covering
        if isinstance(block, Hidden):
            self.last += block.opens
            shown = self.last
        self.covering = shown
        before, self.base = self.base, shown
        body = super().block(block)
        self.base = before if self.base == shown else self.base
        self.covering = outer
        return str(self.macros.covered(body, shown)) if shown > outer else body

    def revealed(self, block: Aligned) -> list[int]:
        if self.choices.handout or not block.reveal:
            return super().revealed(block)
        steps = [0]
        for row in block.rows[1:]:
            self.last += row.relation is not None or row.head
            steps.append(self.last)
        self.base = self.last
        return steps
