"""A lecture: Markdown with blocks that the tool expands.

Front matter; one `#` or `##` heading a slide; `---` for a fresh page under the same title; prose between `:::fr` and `:::`
for one language, everything else for all; fenced blocks ```` ```derive KIND NAME ```` kept as `Directive`s.

`read` checks a lecture once, `build` makes the document of one language; what a directive becomes is the caller's to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from derive.errors import DeriveError, Place, said
from derive.notation.layout import Layout, Sign
from derive.teaching.document import Block, Document, Slide
from derive.teaching.lecture import frontmatter
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.frontmatter import FrontMatter
from derive.teaching.lecture.inserts import Insert


@dataclass(frozen=True)
class Lecture:
    """A lecture as read: what its front matter says, and its lines."""

    about: FrontMatter
    lines: tuple[str, ...]
    first: int
    """The number of the first line after the front matter, counted from 0."""
    source: str = ""
    folder: Path | None = None
    """Where pictures are looked for; without it there are none."""


CHARACTERS, BLOCKS, MOST = 1_000_000, 200, {"plot": 40}
"""The most characters of a lecture, and blocks of one kind in it: a curve takes half a second to draw."""


Expand = Callable[[Directive], Sequence[Block]]
"""What a directive becomes; errors may point into its body with `Directive.inside`."""


def _nothing(formula: str, related: bool) -> Layout:
    """What stands for a number while a lecture is only read."""
    return Sign("0", "0")


def read(text: str, source: str = "", folder: Path | None = None) -> Lecture:
    """A lecture from its text; `DeriveError` where it is wrong in any of its languages."""
    if len(text) > CHARACTERS:
        raise DeriveError(
            said("The lecture has {count} characters; there may be {characters}.", count=len(text), characters=CHARACTERS),
            hint="Cut it into several.",
        )
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    about, first = frontmatter.read(lines)
    lecture = Lecture(about, tuple(lines), first, source, folder)
    for lang in about.langs:
        build(lecture, lang, lambda directive: ())
    return lecture


def build(lecture: Lecture, lang: str, expand: Expand, insert: Insert = _nothing) -> Document:
    """The document of one language, its directives expanded and its numbers put in, in their order."""
    # Here, not above: markdown-it is not needed by commands that read no lecture.
    from derive.teaching.lecture.prose import Reader

    if lang not in lecture.about.langs:
        raise DeriveError(
            said("The lecture is not written in '{lang}'.", lang=lang),
            hint=said("Its languages are {names}.", names=", ".join(lecture.about.langs)),
        )
    seen: Counter[str] = Counter()
    slides: list[Slide] = []
    reader = Reader(
        lecture.lines,
        lang,
        lecture.folder,
        lambda directive: _expanded(replace(directive, slide=len(slides)), expand, seen),
        insert,
    )
    for part in reader.blocks(selected(lecture, lang)):
        if isinstance(part, Slide):
            slides.append(part)
        elif slides:
            last = slides[-1]
            slides[-1] = Slide(last.title, (*last.blocks, *part.blocks), last.level)
        elif part.blocks:
            raise DeriveError("This stands before the first heading.", part.place, "Begin a slide with '## Title'.")
    return Document(lecture.about.title[lang], tuple(slides), lang, lecture.about.author, lecture.source)


def _expanded(directive: Directive, expand: Expand, seen: Counter[str]) -> Sequence[Block]:
    kind = directive.kind
    seen[kind] += 1
    count, most = seen[kind], MOST.get(kind, BLOCKS)
    if count > most:
        hint = "Cut the lecture into several."
        raise DeriveError(
            said("This is '{kind}' block {count}; a lecture may have {most}.", kind=kind, count=count, most=most),
            directive.place,
            hint,
        )
    try:
        return expand(directive)
    except DeriveError as error:
        if error.place is None:
            error.place = directive.place
        raise


# ---------------------------------------------------------------- languages

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_OPENS = re.compile(r":::\s*(\S+)\s*$")


def selected(lecture: Lecture, lang: str) -> str:
    """The lecture's lines in one language, those of the others and the front matter left blank: line numbers stay true."""
    out = [""] * lecture.first
    fence, inside, opened = "", "", 0
    for number, line in enumerate(_uncommented(lecture.lines, lecture.first), lecture.first):
        keep = not inside or inside == lang
        if fence:
            fence = "" if _closes(fence, line) else fence
        elif found := _FENCE.match(line):
            fence = found[1]
        elif line.startswith(":::"):
            place = Place(line, 0, len(line.rstrip()), number + 1)
            inside, opened, keep = _next_language(line, inside, lecture.about.langs, place), number, False
        out.append(line if keep else "")
    if inside:
        line = lecture.lines[opened]
        raise DeriveError(
            said("':::{inside}' is never closed.", inside=inside),
            Place(line, 0, len(line), opened + 1),
            "End it with a line ':::'.",
        )
    return "\n".join(out)


def _uncommented(lines: Sequence[str], first: int) -> Iterator[str]:
    """The lines without the comments that begin a line, outside of code; those inside a line are for the reader of prose."""
    fence, opened = "", -1
    for number, line in enumerate(lines[first:], first):
        if opened < 0 and fence:
            fence = "" if _closes(fence, line) else fence
        elif opened < 0 and (found := _FENCE.match(line)):
            fence = found[1]
        elif opened >= 0 or re.match(" {0,3}<!--", line):
            begins = 0 if opened >= 0 else line.index("<!--") + 4
            _, closed, after = line[begins:].partition("-->")
            opened = -1 if closed else number if opened < 0 else opened
            yield after.lstrip()
            continue
        yield line
    if opened >= 0:
        place = Place(lines[opened], 0, max(1, len(lines[opened].rstrip())), opened + 1)
        raise DeriveError("This comment is never closed.", place, "End it with -->.")


def _closes(fence: str, line: str) -> bool:
    return re.fullmatch(rf"\s*{fence[0]}{{{len(fence)},}}\s*", line) is not None


def _next_language(line: str, inside: str, langs: Sequence[str], place: Place) -> str:
    """The language that a line of colons opens, or none where it closes one."""
    if line.rstrip() == ":::":
        if not inside:
            raise DeriveError("':::' closes nothing.", place, said("Open with ':::{lang}'.", lang=langs[0]))
        return ""
    found = _OPENS.match(line)
    if found is None or found[1] not in langs:
        hint = said("The lecture's languages are {names}.", names=", ".join(langs))
        raise DeriveError("No language of this lecture is named here.", place, hint)
    if inside:
        raise DeriveError(said("':::{inside}' is still open here.", inside=inside), place, "Close it with a line ':::' first.")
    return found[1]
