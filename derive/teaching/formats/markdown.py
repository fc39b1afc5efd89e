r"""Markdown that GitHub shows and pandoc turns into slides; its formulas are what KaTeX reads.

A derivation is one `aligned` display with its reasons as `\text`, so that it stays one formula wherever it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.calculus.rules import N_
from derive.marks import mark
from derive.notation.layout import Layout, latex
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
    Inline,
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
    Slide,
    Steps,
    Strong,
    Table,
    Text,
    apart,
    footnotes,
    laid_out,
    merged,
    opening,
    pages,
    texts,
)
from derive.teaching.formats import escape
from derive.teaching.formats.measure import fits_chain, size_of, words_width
from derive.teaching.formats.printer import DocumentPage, DocumentPrinter, anchor, joined

ROOM = 52.0
"""The em of a line on a web page: a formula and its reason that need more stand one under the other."""


class MarkdownPrinter(DocumentPrinter):
    """Blocks as Markdown."""

    blocks_template = "markdown/blocks.j2"
    picture_formats = ("svg", "png", "jpg")

    def text(self, words: str) -> str:
        return escape.markdown(words)

    def code(self, text: str) -> str:
        return escape.markdown_code(text)

    def url(self, address: str) -> str:
        return escape.markdown_url(address)

    def math(self, body: Layout | Raw) -> str:
        return escape.markdown_formula(body.latex) if isinstance(body, Raw) else _formula(body)

    def values(self, document: Document) -> dict[str, object]:
        """The front matter is YAML whose values pandoc reads as Markdown: escaped twice."""
        plain = super().values(document)
        keys = ("title", "subtitle", "author", "institute", "date")
        return {
            **plain,
            "about": [(key, escape.yaml_text(str(plain[key]))) for key in keys if plain[key] or key == "title"],
            "headed": bool(document.title or document.source),
            "mark": escape.yaml_remark(mark(document.source)),
            "flavour": self.choices.flavour,
        }

    def inlines(self, words: Inlines) -> str:
        """Text with its formulas, emphasis and links."""
        parts = merged(words)
        return "".join(map(self.between, (LineBreak(), *parts), parts, (*parts[1:], LineBreak())))

    def between(self, before: Inline, part: Inline, after: Inline) -> str:
        """A piece of text between two others.

        What means something only at the start of a line is escaped only there.  A digit right after a formula would make its
        closing dollar a plain one; an exclamation mark right before a link would make it a picture.
        """
        if not isinstance(part, Text):
            return self.inline(part)
        spelled = escape.markdown(part.text, start=isinstance(before, LineBreak))
        if isinstance(after, Link) and spelled.endswith("!"):
            spelled = spelled[:-1] + r"\!"
        return f"&#{ord(spelled[0])};{spelled[1:]}" if isinstance(before, Math) and spelled[:1].isdigit() else spelled

    def cell(self, words: Inlines) -> str:
        """Text in a field of a table, where a bar would end the field."""
        return self.inlines(tuple(map(_unbarred, words)))

    def pages(self, document: Document) -> list[DocumentPage]:
        return [
            self.page(slide, blocks, part)
            for slide in document.slides
            for part, blocks in enumerate(pages(slide.blocks) or [()], 1)
        ]

    def page(self, slide: Slide, blocks: Sequence[Block], part: int) -> DocumentPage:
        """A page with its footnotes and what the speaker says of it, which a handout leaves out."""
        shown, said = apart(blocks)
        below = noted([slide.title if part == 1 else (), *(w for b in shown for w in texts(b))])
        notes = "" if self.choices.handout or not said else self.noted(said)
        title, body = self.inlines(slide.title), self.blocks(shown)
        return DocumentPage(title, slide.level, body, part, footnotes=self.footnotes(below), notes=notes)

    def noted(self, said: Sequence[Block]) -> str:
        """What the speaker says: a comment, which nothing in it closes, where a flavour has nothing else for it."""
        body = self.blocks(said)
        body = body if self.choices.flavour == "pandoc" else re.sub("--(?=!?>)", "-- ", body)
        return str(self.macros.notes(body, self.choices.flavour))

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Blocks one under the other; a comment keeps two lists apart that would read as one."""
        parts: list[str] = []
        seen = [block for block in blocks if not isinstance(block, Break | Notes | Pause) or self.pauses(block)]
        for k, block in enumerate(seen):
            if k and isinstance(block, ItemList) and isinstance(seen[k - 1], ItemList):
                parts.append("<!-- -->")
            parts.append(self.block(block))
        return joined(parts)

    def pauses(self, block: Block) -> bool:
        """Whether this is a pause, in a flavour that knows any."""
        return isinstance(block, Pause) and self.choices.flavour == "pandoc" and not self.choices.handout

    def block(self, block: Block) -> str:
        """One block."""
        macros = self.macros
        match block:
            case Heading(words, level):
                return str(macros.heading(self.inlines(words), level))
            case Paragraph(words):
                return str(macros.paragraph(self.inlines(words)))
            case ItemList(items, start):
                return str(macros.list([self.blocks(item) for item in items], start))
            case Quote(inner):
                return str(macros.quote(self.blocks(inner)))
            case CodeBlock(text, language):
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                lines = escape.terminal(text).split("\n")
                return str(macros.codeblock(fence, lines, re.sub(r"[^\w+-]", "", language)))
            case Table():
                return self.table(block)
            case Equation(body):
                return str(macros.equation(self.math(body)))
            case Steps(lines):
                return str(macros.derivation(self.rows(lines)))
            case Picture():
                return self.picture(block)
            case Pause():
                return ". . ."
            case Columns(columns):
                parts = [(round(100 * column.width), self.blocks(column.blocks)) for column in columns]
                return str(macros.columns(parts, self.choices.flavour))
            case Answer(inner):
                return str(macros.answer(self.text(self.say(N_("Answer"))), self.blocks(inner), self.choices.handout))
            case References(entries):
                return str(macros.references([(anchor(entry.key), self.inlines(entry.inlines)) for entry in entries]))
            case Fault(message):
                return self.block(CodeBlock(message))
            case Break() | Notes() | Cell():
                return ""

    def picture(self, picture: Picture, height: str = "") -> str:
        name, alt = self.picture_file(picture), self.text(picture.alt)
        html = escape.html(picture.alt)
        width = round(100 * picture.width)
        return str(self.macros.picture(name, alt, self.inlines(picture.caption), width, html, self.choices.flavour))

    def rows(self, parts: Sequence[Line | Chains]) -> list[dict[str, object]]:
        """The rows of a derivation: a left-hand side stands in front of the line after it."""
        rows: list[dict[str, object]] = []
        left = ""
        lines = laid_out(parts, fits_chain)
        opens = opening(lines, lambda line: size_of(line.body).width < ROOM / 2)
        for line, opened in zip(lines, opens, strict=True):
            body, reason, note = _formula(line.body), self.words(line.reason), self.words(line.note)
            if opened:
                left = body
                continue
            beside = size_of(line.body).width + words_width(line.reason) < ROOM - 8
            if line.relation is None:
                left, relation, body = body, "", ""
            else:
                relation = _formula(line.relation)
            rows.append({"left": left, "relation": relation, "body": body, "reason": reason, "beside": beside, "note": note})
            left = ""
        return rows

    def words(self, words: Inlines) -> str:
        """Text as part of a formula."""
        out = ""
        for part in merged(words):
            match part:
                case Text(text):
                    out += escape.markdown_math(text)
                case Math(body):
                    out += self.math(body)
                case CodeSpan(code):
                    out += escape.markdown_math(code).replace(r"\text{", r"\texttt{")
                case Emph(inner) | Strong(inner) | Link(inner, _) | Cite(_, inner):
                    out += self.words(inner)
                case Footnote(_, inner):
                    out += escape.markdown_math(" (") + self.words(inner) + escape.markdown_math(")")
                case LineBreak():
                    out += r"\ "
        return out


def noted(written: Sequence[Inlines]) -> list[Footnote]:
    """The footnotes in some texts."""
    return [note for words in written for note in footnotes(words)]


def _formula(body: Layout) -> str:
    return escape.signed(latex(body).strip())


def _unbarred(part: Inline) -> Inline:
    """The same in the field of a table: without a bar, and on one line."""
    match part:
        case Math(body):
            code = body.latex if isinstance(body, Raw) else latex(body)
            code = re.sub(r"\\begin\{array\}\{[^}]*\}", lambda found: found[0].replace("|", ""), code)
            return Math(Raw(code.replace(r"\|", r"\Vert ").replace("|", r"\vert ")))
        case LineBreak():
            return Text(" ")
    return part
