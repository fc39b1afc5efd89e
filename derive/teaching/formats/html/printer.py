"""HTML for a browser: one page with all slides, and nothing beside it.

The slides are cut where Beamer's frames are, so that both decks have the same pages; a script of our own turns them.  The
content-security policy names the one script and the one style sheet by their digests and forbids every request.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import unescape
from itertools import zip_longest

from derive.calculus.rules import N_
from derive.notation.layout import Layout
from derive.notation.speech import spoken
from derive.resources import folder
from derive.teaching.document import (
    Block,
    CodeBlock,
    Document,
    Fault,
    Heading,
    Inlines,
    ItemList,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    References,
    Table,
    cover_of,
)
from derive.teaching.formats import escape
from derive.teaching.formats.html.fonts import faces
from derive.teaching.formats.html.living import living
from derive.teaching.formats.html.mathml import mathml, raised
from derive.teaching.formats.html.svg import Drawings, dark, variable
from derive.teaching.formats.latex.columns import Aligned, Beside, Display, Figure, Hidden, Set, Stride, set_blocks
from derive.teaching.formats.latex.frames import Frame, frames
from derive.teaching.formats.latex.heights import PAPERS, WIDTH
from derive.teaching.formats.printer import MIME, Choices, DocumentPage, DocumentPrinter, anchor, in_latex
from derive.teaching.live import Live
from derive.teaching.translation import SOURCE

WORDS = {
    "slides": N_("Slides"),
    "previous": N_("Previous slide"),
    "next": N_("Next slide"),
    "overview": N_("Overview"),
    "presenter": N_("Presenter view"),
    "scheme": N_("Light or dark"),
    "reading": N_("Read as a page"),
    "help": N_("Keys"),
    "letters": N_("Single letters are keys (switch this off where they get in the way of speech input)"),
    "close": N_("Close"),
    "place": N_("Slide {number} of {count}"),
    "notes": N_("Notes"),
    "answer": N_("Answer"),
    "upcoming": N_("Next"),
    "live": N_("Change the numbers"),
    "given": N_("Inputs"),
    "step": N_("One step on"),
    "unstep": N_("One step back"),
    "first": N_("To the beginning"),
    "reset": N_("The numbers of the slide"),
}
"""What the page says that no slide does."""

KEYS = (
    (("→", "↓", N_("Space"), N_("Page down")), N_("one step on: a line of a derivation, then the next slide")),
    (("←", "↑", N_("Page up")), N_("one step back")),
    ((N_("Home"), N_("End")), N_("the first and the last slide")),
    (("n",), N_("the next slide, whatever is still hidden")),
    (("a",), N_("show every line at once, or line by line")),
    (("o",), N_("all slides side by side")),
    (("p",), N_("presenter view: notes, next slide and clock in a second window")),
    (("r",), N_("read as a page, in the size of text that you like")),
    (("d",), N_("light or dark")),
    (("f",), N_("full screen")),
    (("?",), N_("these keys")),
)
"""The keys of a row, as they are written on a keyboard, and what they do."""

DIGITS = "0123456789.,−×=?;E "
"""What the numbers of a figure that a reader changes are written with."""


class HtmlPrinter(DocumentPrinter):
    """Blocks as HTML with MathML."""

    blocks_template = "html/blocks.j2"
    picture_formats = ("svg", "png", "jpg")

    def __init__(self, source: str = "", lang: str = SOURCE, choices: Choices = Choices()) -> None:  # noqa: B008 - it is frozen
        super().__init__(source, lang, choices)
        self.lang = lang
        self.drawings = Drawings()
        self.rules: dict[str, str] = {}
        self.spelled: list[str] = []
        self.living: list[Live] = []

    # ------------------------------------------------------------ the whole

    def pages(self, document: Document) -> list[DocumentPage]:
        paper = PAPERS[document.aspect]
        found = [self.page(frame) for slide in document.slides for frame in frames(slide, paper)]
        for page in found:
            self.spelled += [f"<strong>{page.title}</strong>", page.body, page.notes, *(words for _, words in page.footnotes)]
        return found

    def page(self, frame: Frame) -> DocumentPage:
        """A frame with its footnotes, and what the speaker says of it."""
        body, notes = self.blocks(frame.blocks), "" if self.choices.handout else self.nested(frame.notes)
        below = self.footnotes(frame.footnotes)
        return DocumentPage(self.inlines(frame.title), frame.level, body, frame.part, frame.parts, below, notes=notes)

    def values(self, document: Document) -> dict[str, object]:
        """What the template places beside the slides; after `pages`, which say what the fonts must hold."""
        words = {name: escape.html(self.say(text)) for name, text in WORDS.items()}
        keys = [([escape.html(self.say(name)) for name in names], escape.html(self.say(text))) for names, text in KEYS]
        plain = super().values(document)
        logo = cover_of(document).logo
        self.spelled += [f"<strong>{plain['title']}{plain['outline_title']}</strong>", *words.values()]
        self.spelled += [str(plain[name]) for name in ("subtitle", "author", "institute", "date")]
        self.spelled += [f"<kbd>{' '.join(names)}</kbd> {text}" for names, text in keys]
        figures, formulas = living(self.living, self.formula)
        self.spelled += [DIGITS, *formulas] if formulas else []
        styles, script = self._styles(), figures + _file("deck.js")
        return {
            **plain,
            "plain_title": escape.html(document.title),
            "logo": self.picture(logo, "3") if logo else "",
            "words": words,
            "keys": keys,
            "glyphs": self.drawings.definitions(),
            "living": formulas,
            "styles": styles,
            "script": script,
            "style_digest": _digest(styles),
            "script_digest": _digest(script),
        }

    def _styles(self) -> str:
        """The style sheet with the deck's fonts, the colours of its figures in both schemes, and the styles of elements."""
        colours = (f"{variable(colour)}:light-dark({colour},{dark(colour)})" for colour in sorted(self.drawings.colours))
        rules = [f".{name}{{{style}}}" for style, name in self.rules.items()]
        scheme = f":root{{{';'.join(colours)}}}"
        return "\n".join([faces("".join(self.spelled)), _file("deck.css"), *rules, scheme]) + "\n"

    # ------------------------------------------------------------ inside a paragraph

    def inlines(self, words: Inlines) -> str:
        """Text, a formula on one line with the signs that touch it: a browser breaks beside it, even at a no-break space."""

        def whole(found: re.Match[str]) -> str:
            loose = found[1] is None and (found[2] or found[3])
            return f'<span class="whole">{found[0]}</span>' if loose else found[0]

        return _TOUCHED.sub(whole, super().inlines(words))

    def text(self, words: str) -> str:
        return escape.html(words)

    def code(self, text: str) -> str:
        return escape.html(text)

    def url(self, address: str) -> str:
        return escape.html_url(address)

    def math(self, body: Layout | Raw) -> str:
        return self.formula(body)

    def formula(self, body: Layout | Raw, display: bool = False) -> str:
        """A formula in MathML, with its reading aloud."""
        code, layout = in_latex(body)
        code = raised(mathml(code, display, spoken(layout, self.lang)))
        return re.sub(r' style="([^"]*)"', lambda found: f' class="{self.rule(unescape(found[1]))}"', code)

    def rule(self, style: str) -> str:
        """The class of elements with a style: the policy forbids styles on elements, where any text could smuggle them in."""
        return self.rules.setdefault(style, f"x{len(self.rules)}")

    # ------------------------------------------------------------ blocks

    def blocks(self, blocks: Sequence[Set]) -> str:
        """Blocks one under the other; what follows a pause comes at the next click, and with it all up to the next pause."""
        parts: list[list[str]] = [[]]
        answer: list[Set] = []
        for block, after in zip_longest(blocks, blocks[1:]):
            if isinstance(block, Pause):
                parts.append([])
            elif not isinstance(block, Hidden):
                parts[-1].append(self.block(block))
            else:
                answer.append(block.block)
                if not isinstance(after, Hidden) or after.opens:
                    parts[-1].append(self.answer(answer))
                    answer = []
        first, *later = ["\n".join(part) for part in parts]
        return "\n".join([first, *(str(self.macros.paused(part)) for part in later if part)])

    def answer(self, blocks: Sequence[Set]) -> str:
        """An answer, as far as it stands on one page."""
        return str(self.macros.answer(self.text(self.say(WORDS["answer"])), self.blocks(blocks), self.choices.handout))

    def block(self, block: Set) -> str:
        """One block."""
        macros = self.macros
        match block:
            case Heading(words, level):
                return str(macros.heading(self.inlines(words), level))
            case Paragraph(words):
                return str(macros.paragraph(self.inlines(words)))
            case ItemList(items, start):
                return str(macros.list([self.nested(item) for item in items], start))
            case Quote(inner):
                return str(macros.quote(self.nested(inner)))
            case CodeBlock(text, language):
                return str(macros.codeblock(escape.html(text), re.sub(r"[^\w+-]", "", language)))
            case Table():
                return self.table(block)
            case Display(lines):
                return str(macros.equation([self.formula(line, display=True) for line in lines]))
            case Aligned(rows=rows):
                return str(macros.derivation([self.row(stride) for stride in rows]))
            case Figure(picture, height):
                return self.picture(picture, f"{height:.2f}")
            case Beside(columns):
                return str(macros.columns([(self.rule(f"flex:{width:.3f} 1 0"), self.blocks(inner)) for width, inner in columns]))
            case References(entries):
                return str(macros.references([(anchor(entry.key), self.inlines(entry.inlines)) for entry in entries]))
            case Fault(message):
                return str(macros.fault(escape.html(message)))
        raise TypeError(f"no way to print {type(block).__name__} in HTML")

    def nested(self, blocks: Sequence[Block]) -> str:
        """Blocks inside a list or a quotation."""
        return self.blocks(set_blocks(blocks, WIDTH - 2.4))

    def row(self, stride: Stride) -> dict[str, object]:
        """A row of a derivation, its parts spelled."""
        return {
            "left": self.formula(stride.left, display=True) if stride.left else "",
            "relation": self.formula(stride.relation, display=True) if stride.relation else "",
            "body": self.formula(stride.body, display=True),
            "head": stride.head,
            "reason": self.inlines(stride.reason),
            "beside": stride.beside,
            "loose": stride.loose,
            "note": self.inlines(stride.note),
        }

    def picture(self, picture: Picture, height: str = "") -> str:
        """A figure inside the page: a drawing of the tool's in the colours of the scheme, a file of the author's as it is."""
        kind = self.kind_of(picture)
        content = picture.draw(kind)
        alt, caption = self.text(picture.words), self.inlines(picture.caption)
        size = self.rule(f"height:{height}em")
        if picture.given or kind != "svg":
            data = f"data:{MIME[kind]};base64,{b64encode(content).decode()}"
            return str(self.macros.given(data, alt, caption, size))
        drawn = str(self.macros.drawing(self.drawings.inline(content), alt, caption, size))
        figure = picture.live() if picture.live else None
        if figure is None:
            return drawn
        self.living.append(figure)
        return str(self.macros.living(drawn, len(self.living) - 1, escape.html(self.say(WORDS["live"]))))


_TOUCHED = re.compile(
    r'(<span class="whole">.*?</span>)|([(«“][\u00a0\u202f]?)?<math[ >].*?</math>((?:[\u00a0\u202f]?[^\w\s<&])*)'
)
"""A formula with the brackets before it and the punctuation behind it, or what was kept whole before."""


# ---------------------------------------------------------------- the page's own files


def _file(name: str) -> str:
    """A file of the page without what only its readers in the project need: indents, and lines that are a remark."""
    lines = (folder("templates") / "html" / name).read_text(encoding="utf-8").split("\n")
    return "\n".join(line.strip() for line in lines if line.strip() and not re.fullmatch(r"\s*(//.*|/\*.*\*/)", line)) + "\n"


def _digest(text: str) -> str:
    """What a content-security policy calls a script or a style sheet."""
    return b64encode(sha256(text.encode()).digest()).decode()
