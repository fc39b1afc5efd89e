"""A lecture: Markdown with blocks that the tool expands.

Front matter; one `#` or `##` heading a slide; `---` for a fresh page under the same title; prose between `:::fr` and `:::`
for one language, everything else for all; fenced blocks ```` ```derive KIND NAME ```` kept as `Directive`s.

`read` checks a lecture once, `build` makes the document of one language, and `attempt` does so whatever is wrong in it; what a
directive becomes is the caller's to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

from derive.calculus.rules import N_
from derive.errors import DeriveError, Follows, raised, said
from derive.notation.layout import Layout, Sign
from derive.teaching.document import Block, Document, Picture, References, Slide, Steps, inlines, mapped
from derive.teaching.lecture import containers, frontmatter
from derive.teaching.lecture.containers import Report
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.frontmatter import FrontMatter
from derive.teaching.lecture.inserts import Insert
from derive.teaching.translation import translator


@dataclass(frozen=True)
class Lecture:
    """A lecture as read: what its front matter says, and its lines."""

    about: FrontMatter
    lines: tuple[str, ...]
    first: int
    """The number of the first line after the front matter, counted from 0."""
    source: str = ""
    folder: Path | None = None
    """Where pictures and sources are looked for; without it there are none."""
    faults: tuple[DeriveError, ...] = ()
    """What is wrong in the front matter."""


CHARACTERS, BLOCKS, MOST = 1_000_000, 200, {"plot": 40}
"""The most characters of a lecture, and blocks of one kind in it: a curve takes half a second to draw."""


Expand = Callable[[Directive], Sequence[Block]]
"""What a directive becomes; errors may point into its body with `Directive.inside`."""


Drawings = dict[str, dict[str, bytes]]
"""The bytes of figures, by all that they may depend on: the blocks down to theirs, and the conventions of the page."""

Slow = Callable[[str, int], None]
"""Told of a block that takes long, and its line."""

LONG = 2.0
"""The seconds after which that is said."""


@dataclass
class Expander:
    """Expands the blocks of a lecture in one language, counts them, and keeps what their figures were drawn to."""

    expand: Expand
    reveal: bool
    digest: Any
    drawings: Drawings
    slow: Slow
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, directive: Directive) -> Sequence[Block]:
        kind = directive.kind
        self.seen[kind] += 1
        self.digest.update(repr((kind, directive.name, directive.body)).encode())
        count, most = self.seen[kind], MOST.get(kind, BLOCKS)
        timer = Timer(LONG, self.slow, (f"derive {kind} {directive.name}".rstrip(), directive.place.line))
        timer.daemon = True
        timer.start()
        try:
            if count > most:
                raise DeriveError(
                    said("This is '{kind}' block {count}; a lecture may have {most}.", kind=kind, count=count, most=most),
                    hint="Cut the lecture into several.",
                )
            reveal = _reveal(directive, self.reveal)
            options = {key: value for key, value in directive.options.items() if key != "reveal"}
            blocks = self.expand(replace(directive, options=options))
        except DeriveError as error:
            for one in error.each:
                one.place = one.place or directive.place
            raise
        finally:
            timer.cancel()
        return mapped(mapped(blocks, self.drawn), _revealed if reveal else lambda block: (block,))

    def drawn(self, block: Block) -> Sequence[Block]:
        """A figure with what it was drawn to before."""
        if not isinstance(block, Picture) or block.given:
            return (block,)
        return (replace(block, drawn=self.drawings.setdefault(f"{block.name} {self.digest.hexdigest()}", {})),)


def opened(text: str, source: str = "", folder: Path | None = None) -> Lecture:
    """A lecture from its text, of which nothing but the front matter is read.  Raises DeriveError where that cannot be."""
    if len(text) > CHARACTERS:
        raise DeriveError(
            said("The lecture has {count} characters; there may be {characters}.", count=len(text), characters=CHARACTERS),
            hint="Cut it into several.",
        )
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        about, first, faults = frontmatter.read(lines)
    except DeriveError as error:
        raise _located(error, source) from None
    return Lecture(about, tuple(lines), first, source, folder, tuple(_located(fault, source) for fault in faults))


def read(text: str, source: str = "", folder: Path | None = None) -> Lecture:
    """A lecture from its text; `DeriveError` where it is wrong in any of its languages."""
    lecture = opened(text, source, folder)
    for lang in lecture.about.langs:
        raised(distinct([*lecture.faults, *attempt(lecture, lang, _nothing)[1]]))
    return lecture


def _nothing(directive: Directive) -> Sequence[Block]:
    return ()


def _no_number(formula: str, related: bool) -> Layout:
    """What stands for a number while a lecture is only read."""
    return Sign("0", "0")


def build(lecture: Lecture, lang: str, expand: Expand, kinds: Sequence[str] = (), insert: Insert = _no_number) -> Document:
    """The document of one language, its directives expanded and its numbers put in, in their order.

    Raises DeriveError where anything is wrong.
    """
    document, faults = attempt(lecture, lang, expand, kinds, insert)
    raised(distinct([*lecture.faults, *faults]))
    return document


def attempt(
    lecture: Lecture,
    lang: str,
    expand: Expand,
    kinds: Sequence[str] = (),
    insert: Insert = _no_number,
    drawings: Drawings | None = None,
    slow: Slow = lambda what, line: None,
) -> tuple[Document, tuple[DeriveError, ...]]:
    """The same with the mistakes in their places, and the mistakes; `kinds` are the blocks that are expanded.

    `drawings` keep figures from one time to the next.
    """
    # Here, not above: markdown-it is not needed by commands that read no lecture.
    from derive.teaching.lecture.head import head
    from derive.teaching.lecture.prose import Reader

    about = lecture.about
    if lang not in about.langs:
        raise DeriveError(
            said("The lecture is not written in '{lang}'.", lang=lang),
            hint=said("Its languages are {names}.", names=", ".join(about.langs)),
        )
    faults: list[DeriveError] = []
    slides: list[Slide] = []
    top = head(about, lang, lecture.folder, faults.append)
    digest = sha256(repr((lang, about.index_base, about.digits)).encode())
    expander = Expander(expand, about.reveal, digest, {} if drawings is None else drawings, slow)

    def expanded(directive: Directive) -> Sequence[Block]:
        return expander(replace(directive, slide=len(slides)))

    reader = Reader(lecture.lines, lang, lecture.folder, expanded, insert, top.sources, bool(about.bibliography), kinds, faults)
    for part in reader.blocks(selected(lecture, lang, reader.fault)):
        if isinstance(part, Slide):
            slides.append(part)
        elif slides:
            last = slides[-1]
            slides[-1] = Slide(last.title, (*last.blocks, *part.blocks), last.level)
        elif part.blocks:
            faults.append(DeriveError("This stands before the first heading.", part.place, "Begin a slide with '## Title'."))
    if top.sources and (found := top.sources.references()):
        slides.append(Slide(inlines(translator(lang)(N_("References"))), (References(found),)))
    document = Document(
        about.title[lang], tuple(slides), lang, about.author, lecture.source, top.cover, about.aspect, about.outline
    )
    return document, tuple(_located(fault, lecture.source) for fault in faults)


def distinct(faults: Sequence[DeriveError]) -> list[DeriveError]:
    """Mistakes in the order of their lines, those found in several languages once."""
    found = {(str(fault.message), fault.place): fault for fault in faults if not isinstance(fault, Follows)}
    return sorted(found.values(), key=lambda fault: fault.place.line if fault.place else 0)


def _located(error: DeriveError, source: str) -> DeriveError:
    """A mistake with the name of the file in its place."""
    for one in error.each:
        if one.place is not None and not one.place.source:
            one.place = replace(one.place, source=source)
    return error


def selected(lecture: Lecture, lang: str, report: Report | None = None) -> str:
    """The lecture's lines in one language, those of the others and the front matter left blank: line numbers stay true."""
    faults: list[DeriveError] = []
    text = containers.selected(lecture.lines, lecture.first, lang, lecture.about.langs, report or faults.append)
    raised(faults)
    return text


def _reveal(directive: Directive, reveal: bool) -> bool:
    """Whether the lines of a block are shown one by one: as it says, or as the lecture does."""
    asked = directive.options.get("reveal")
    if asked is None:
        return reveal
    if asked not in ("lines", False):
        raise DeriveError("reveal: 'lines' or 'no' is expected.", directive.whole("reveal"))
    return asked == "lines"


def _revealed(block: Block) -> Sequence[Block]:
    return (replace(block, reveal=True),) if isinstance(block, Steps) else (block,)
