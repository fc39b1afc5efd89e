r"""Blocks as a piece of a page that a learning platform shows: XHTML whose formulas are TeX between `\(` and `\)`, or MathML."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from html import unescape
from typing import Any

from derive.exams.formats.bank import hint, letter
from derive.exams.item import Item, Part
from derive.notation.layout import Layout, text
from derive.teaching.document import (
    Answer,
    Block,
    CodeBlock,
    Equation,
    Inline,
    Inlines,
    Line,
    Math,
    Pause,
    Picture,
    Steps,
    apart,
    laid_out,
    opening,
    texts,
)
from derive.teaching.formats import escape
from derive.teaching.formats.html.mathml import mathml
from derive.teaching.formats.markdown import MarkdownPrinter, noted
from derive.teaching.formats.printer import MIME, DocumentPrinter
from derive.teaching.translation import SOURCE

Address = Callable[[str, bytes], str]
"""What a page calls a picture, from the name of its file and what is in it."""

KEPT = 5_000
"""So many pieces are remembered: the prose of a question is the same in all its states."""


LONG = 70
"""So many signs stand on one line: of a chain of equalities, of a formula and its reason."""


def fits(body: Layout) -> bool:
    """Whether a chain of equalities is short enough for one line of a page whose width nobody knows."""
    return len(text(body)) <= LONG


def inside(name: str, content: bytes) -> str:
    """A picture as a part of the page itself."""
    return f"data:{MIME[name.rpartition('.')[2]]};base64,{b64encode(content).decode()}"


def beside(name: str, content: bytes) -> str:
    """Where a picture lies in a package: two states draw different ones under one name."""
    return f"pictures/{sha256(content).hexdigest()[:12]}-{name}"


class TexPrinter(MarkdownPrinter):
    """Formulas as TeX, which the platform's MathJax sets; derivations are laid out as in Markdown."""

    blocks_template = "exams/blocks.j2"

    def __init__(self, source: str = "", lang: str = SOURCE, address: Address = inside) -> None:
        super().__init__(source, lang)
        self.address = address
        self._known: dict[int, tuple[Any, str]] = {}

    # ------------------------------------------------------------ what exporters call

    def page(self, blocks: Sequence[Block]) -> str:  # type: ignore[override]
        """Blocks, with the words of their footnotes under them."""
        notes = noted([words for block in blocks for words in texts(block)])
        body = "".join(map(self.known, blocks))
        return body + str(self.macros.footnotes(self.footnotes(notes))) if notes else body

    def known(self, block: Block) -> str:
        """A block, spelled once for all questions that have it, as long as it holds no picture."""
        try:
            key = hash(block)
        except TypeError:  # it holds what cannot be looked up
            return self.block(block)
        before = len(self.files)
        return self._remembered(key, block, self.block, lambda: len(self.files) == before)

    def line(self, words: Inlines) -> str:
        """Words in a line, spelled once."""
        return self._remembered(hash(words), words, self.inlines)

    def _remembered(self, key: int, thing: Any, spell: Callable[[Any], str], lasts: Callable[[], bool] = lambda: True) -> str:
        """What is said of a thing, whose hash is taken once: a derivation is a deep tree."""
        found = self._known.get(key)
        if found is not None and found[0] == thing:
            return found[1]
        spelled = spell(thing)
        if lasts():
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = thing, spelled
        return spelled

    def taken(self) -> dict[str, bytes]:
        """The files of the pictures spelled since the last time."""
        found = dict(self.files)
        self.files.clear()
        return found

    # ------------------------------------------------------------ spelling

    def text(self, words: str) -> str:
        """Words, in which what would open a formula stands apart from what follows it."""
        return _OPENS.sub(r"<span>\g<0></span>", escape.html(words))

    def code(self, text: str) -> str:
        return escape.html(text)

    def url(self, address: str) -> str:
        return escape.html_url(address)

    def formula(self, code: str, display: bool = False) -> str:
        """A formula, from its TeX."""
        return rf"\[{escape.html(code)}\]" if display else rf"\({escape.html(code)}\)"

    def inlines(self, words: Inlines) -> str:
        return DocumentPrinter.inlines(self, words)

    def inline(self, part: Inline) -> str:
        return self.formula(self.math(part.body)) if isinstance(part, Math) else super().inline(part)

    def cell(self, words: Inlines) -> str:
        return self.inlines(words)

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "".join(map(self.block, apart(blocks)[0]))

    def block(self, block: Block) -> str:
        match block:
            case Equation(body):
                return self.displayed(self.math(body))
            case Steps(lines):
                return self.displayed(self.aligned(laid_out(lines, fits)))
            case CodeBlock(text):
                return str(self.macros.codeblock(escape.html(text)))
            case Answer(inner):
                return self.blocks(inner)
            case Pause():
                return ""
        return super().block(block)

    def aligned(self, lines: Sequence[Line]) -> str:
        """The TeX of a derivation, its reasons beside the lines where all are short, and under them otherwise."""
        told = [(self.math(line.body), self.words(line.reason), self.words(line.note)) for line in lines]
        beside = all(len(body) + len(reason) < 2 * LONG for body, reason, _ in told if reason)
        rows, left = [], ""
        for line, opened, (body, reason, note) in zip(lines, opening(lines, lambda line: True), told, strict=True):
            if opened:
                left = body
                continue
            shown = f"{left} &{self.math(line.relation)} {body}" if line.relation else f"{body} &"
            rows.append(rf"{shown} && \quad {reason}" if reason and beside else shown)
            rows += [rf"& \quad {said}" for said in ("" if beside else reason, note) if said]
            left = ""
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def displayed(self, code: str) -> str:
        """A formula on a line of its own."""
        return str(self.macros.equation(self.formula(code, display=True)))

    def picture(self, picture: Picture, height: str = "") -> str:
        name = self.picture_file(picture)
        where = escape.html(self.address(name, self.files[name]))
        return str(self.macros.picture(where, escape.html(picture.words), self.inlines(picture.caption)))


_OPENS = re.compile(r"\\(?=[(\[])|\$(?=\$)")


_NAMED = re.compile("&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]+;")
"""What HTML has a name for and XML has not."""


class MathmlPrinter(TexPrinter):
    """Formulas as MathML."""

    def text(self, words: str) -> str:
        return escape.html(words)

    def formula(self, code: str, display: bool = False) -> str:
        spelled = mathml(code, display).replace(' displaystyle="true"', ' display="block"', 1)
        spelled = _NAMED.sub(lambda found: unescape(found[0]), spelled)
        return spelled.replace("<math", '<math xmlns="http://www.w3.org/1998/Math/MathML"', 1)


def asked(item: Item, part: Part, printer: TexPrinter, lang: str) -> str:
    """What is asked in a part, and what is shown with it."""
    rounding = hint(part.answer, lang)
    told = f"{letter(item, part)}{printer.line(part.prompt)}{' ' + escape.html(rounding) if rounding else ''}"
    return f"<p>{told}</p>{printer.page(part.shown)}"


def solution(item: Item, parts: Sequence[Part], printer: TexPrinter) -> str:
    """How the keys of some parts are found; what two parts have in common is told once."""
    told: set[str] = set()
    out = ""
    for part in parts:
        new = [one for one in map(printer.known, part.solution) if one not in told]
        told.update(new)
        out += (f"<p><strong>{letter(item, part).strip()}</strong></p>" if len(parts) > 1 and new else "") + "".join(new)
    return out


@lru_cache(maxsize=1024)
def words(parts: Inlines) -> str:
    """Words without any marks, formulas as their TeX: for names and titles."""
    return _Words().inlines(parts)


class _Words(TexPrinter):
    """Words alone."""

    def __init__(self) -> None:
        self.files = {}

    def inline(self, part: Inline) -> str:
        match part:
            case Math(body):
                return self.math(body)
        return getattr(part, "text", None) or getattr(part, "code", None) or self.inlines(getattr(part, "inlines", ()))
