"""Stretches of a lecture between lines of colons: one language's prose, columns, notes, an answer.

`:::NAME` opens one and `:::` closes the one opened last, so that they stand in one another.  The lines of other languages are
left blank before Markdown is read, so that line numbers stay true; the rest is a rule of markdown-it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from derive.errors import DeriveError, Place, nearest, said

CONTAINERS = ("columns", "column", "notes", "answer")
"""What is not a language."""

Report = Callable[[DeriveError], None]

_CODE = re.compile(r"\s*(`{3,}|~{3,})")
_COLONS = re.compile(r"\s*:{3,}\s*(?:\{\s*\.?)?([\w-]*)\s*([^{}]*?)\}?\s*$")
_WIDTH = re.compile(r"width=\"?(\d{1,3})%\"?$")


@dataclass(frozen=True)
class Opened:
    """A stretch that is not closed yet: its name and where it was opened."""

    name: str
    place: Place


def place_of(line: str, number: int) -> Place:
    """All of a line; numbers count from 0."""
    return Place(line, 0, max(1, len(line.rstrip())), number + 1)


def selected(lines: Sequence[str], first: int, lang: str, langs: Sequence[str], report: Report) -> str:
    """The lines from the `first` on in one language, those of the others left blank."""
    out = [""] * first
    fence = ""
    opened: list[Opened] = []
    for number, line in enumerate(_uncommented(lines, first, report), first):
        keep = all(stretch.name in (lang, *CONTAINERS) for stretch in opened)
        if fence:
            fence = "" if _closes(fence, line) else fence
        elif found := _CODE.match(line):
            fence = found[1]
        elif line.lstrip().startswith(":::") and (line[:1] == ":" or _COLONS.match(line)):
            try:
                name = _turned(line, opened, langs, place_of(lines[number], number))
            except DeriveError as error:
                report(error)
                keep = False
            else:
                keep = keep and name in CONTAINERS
        out.append(line if keep else "")
    for stretch in reversed(opened):
        message = said("':::{inside}' is never closed.", inside=stretch.name)
        report(DeriveError(message, stretch.place, "End it with a line ':::'."))
    return "\n".join(out)


def _turned(line: str, opened: list[Opened], langs: Sequence[str], place: Place) -> str:
    """The name of the stretch that a line of colons opens or closes; what is open changes."""
    found = _COLONS.match(line)
    name = found[1] if found else ""
    if found and not name and not found[2]:
        if not opened:
            raise DeriveError("':::' closes nothing.", place, said("Open with ':::{lang}'.", lang=langs[0]))
        return opened.pop().name
    if name not in (*langs, *CONTAINERS) or (found and found[2] and not (name == "column" and _WIDTH.match(found[2]))):
        known = ", ".join((*langs, *CONTAINERS))
        opened.append(Opened(name, place))  # so that the line that closes it is no mistake
        hint = nearest(name, (*langs, *CONTAINERS)) or said(
            "Behind ':::' stands one of {names}; a column may add width=40%.", names=known
        )
        raise DeriveError("No language of this lecture is named here, and nothing else that ':::' opens.", place, hint)
    inside = next((stretch.name for stretch in opened if stretch.name in langs), "")
    if inside and name in langs:
        raise DeriveError(said("':::{inside}' is still open here.", inside=inside), place, "Close it with a line ':::' first.")
    opened.append(Opened(name, place))
    return name


def _uncommented(lines: Sequence[str], first: int, report: Report) -> Iterator[str]:
    """The lines without the comments that begin a line, outside of code; those inside a line are for the reader of prose."""
    fence, opened = "", -1
    for number, line in enumerate(lines[first:], first):
        if opened < 0 and fence:
            fence = "" if _closes(fence, line) else fence
        elif opened < 0 and (found := _CODE.match(line)):
            fence = found[1]
        elif opened >= 0 or re.match(" {0,3}<!--", line):
            begins = 0 if opened >= 0 else line.index("<!--") + 4
            _, closed, after = line[begins:].partition("-->")
            opened = -1 if closed else number if opened < 0 else opened
            yield after.lstrip()
            continue
        yield line
    if opened >= 0:
        report(DeriveError("This comment is never closed.", place_of(lines[opened], opened), "End it with -->."))


def _closes(fence: str, line: str) -> bool:
    return re.fullmatch(rf"\s*{fence[0]}{{{len(fence)},}}\s*", line) is not None


# ---------------------------------------------------------------- as Markdown is read


def containers_plugin(parser: MarkdownIt) -> None:
    """Make a node `container` of each stretch; `info` is its name and, in percent, the width that it asks for."""
    parser.block.ruler.before("fence", "container", _container, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _container(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    found = _opened(state, first)
    if found is None or state.is_code_block(first):
        return False
    if silent:
        return True
    depth, end, fence = 1, first + 1, ""
    while end < last and depth:
        line = state.src[state.bMarks[end] : state.eMarks[end]]
        if fence:
            fence = "" if _closes(fence, line) else fence
        elif code := _CODE.match(line):
            fence = code[1]
        elif _opened(state, end):
            depth += 1
        elif re.fullmatch(r"\s*:{3,}\s*", line):
            depth -= 1
        end += 1
    inner = end - 1 if not depth else end
    parent, line_max, state.parentType, state.lineMax = state.parentType, state.lineMax, "container", inner
    token = state.push("container_open", "div", 1)
    width = _WIDTH.match(found[2])
    token.info, token.map = f"{found[1]} {width[1] if width else 0}", [first, end]
    state.md.block.tokenize(state, first + 1, inner)
    state.push("container_close", "div", -1)
    state.parentType, state.lineMax, state.line = parent, line_max, end
    return True


def _opened(state: StateBlock, line: int) -> re.Match[str] | None:
    """What a line opens."""
    start = state.bMarks[line] + state.tShift[line]
    found = _COLONS.match(state.src[start : state.eMarks[line]])
    return found if found and found[1] in CONTAINERS else None
