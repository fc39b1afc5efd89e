r"""A file in which a person derived something, taken apart: definitions, and chains of formulas with `=` and `≈` between them.

In Markdown and LaTeX the chains are the displayed formulas; definitions stand in blocks ```derive graph NAME``` or in comments
`% derive: …`.  In any other file they are lines.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.checking.displays import Chain, Side, chains, closed, sides_of
from derive.errors import DeriveError, said

MAX_SHEET = 300_000
"""Longer files are not read."""

MAX_SIDES = 1_000
"""A file has at most so many formulas."""


MOST_BETWEEN = 100
"""So many signs lie at most between prose and the displayed formula that it leads to."""


@dataclass(frozen=True)
class Defined:
    """Lines of the language of graphs; `new` where they begin a graph, else they go on with the one above."""

    text: str
    start: int
    new: bool


@dataclass(frozen=True)
class Given:
    """Values for the inputs, as in `at: u=2, v=3`."""

    text: str
    start: int


Part = Chain | Defined | Given


def sheet(text: str, suffix: str = "") -> tuple[Part, ...]:
    """The parts of a file, in order.  Raises DeriveError where it is too long."""
    if len(text) > MAX_SHEET:
        raise DeriveError(
            said(
                "The text is too long: {count:,} characters, and at most {max_text:,} are read.",
                count=len(text),
                max_text=MAX_SHEET,
            )
        )
    marked = suffix in (".tex", ".md", ".markdown", ".ltx") or any(sign in text for sign in ("$$", "\\[", "\\begin{", "```"))
    parts = tuple(_marked(text, suffix) if marked else _lines(text, 0, len(text), set()))
    if sum(len(part.sides) for part in parts if isinstance(part, Chain)) > MAX_SIDES:
        raise DeriveError(said("There are more than {most:,} formulas.", most=MAX_SIDES))
    return parts


# ---------------------------------------------------------------- Markdown and LaTeX

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_DERIVE = re.compile(r"%+[ \t]*derive( at)?:[ \t]*([^\n]*)")
_ENVIRONMENTS = ("align", "alignat", "equation", "gather", "multline", "eqnarray", "flalign", "displaymath", "dmath", "math")
_OPENING = re.compile(r"\$\$|\\\[|\\begin\{(" + "|".join(_ENVIRONMENTS) + r")(\*?)\}")
_INLINE = re.compile(
    r"(?<![\\$])\$(?![\s$])((?:[^$\\\n]|\\.|\n(?!\s*\n)){1,400}?)(?<!\s)\$(?![\d$])|\\\(((?:[^\n]|\n(?!\s*\n)){1,400}?)\\\)"
)
_CODE = re.compile(r"`[^`\n]+`|\{\{[^}\n]*\}\}")
_EMPTY = re.compile(r"\n[ \t]*\n|\\begin\{|\\end\{")


def _marked(text: str, suffix: str) -> Iterator[Part]:
    """The blocks, comments and displayed formulas of a text, in order."""
    found: list[tuple[int, tuple[Part, ...]]] = []
    plain = list(text)

    def blank(start: int, end: int) -> None:
        plain[start:end] = [c if c == "\n" else " " for c in text[start:end]]

    for opening, start, inside, stop in _fences(text):
        words = opening.split()
        blank(start, stop)
        if words[:1] == ["derive"]:
            found.append((start, tuple(_block(words[1:], text, *inside))))
    if suffix in (".tex", ".ltx") or "\\begin{document}" in text or "% derive" in text:
        new = True
        for comment in _COMMENT.finditer("".join(plain)):
            blank(*comment.span())
            if said_ := _DERIVE.match(comment[0]):
                begin = comment.start() + said_.start(2)
                part = Given(said_[2], begin) if said_[1] else Defined(said_[2], begin, new)
                new = new and bool(said_[1])
                found.append((begin, (part,)))
    rest = "".join(plain)
    displays = list(_displays(rest))
    prose = _without(rest, displays)
    ends = [m.end() for m in _EMPTY.finditer(prose)]
    inline: dict[int, list[tuple[int, int]]] = {}  # by the number of empty lines above
    for match in _INLINE.finditer(prose):
        inline.setdefault(bisect(ends, match.start()), []).append(match.span(1) if match[1] is not None else match.span(2))
    for start, end in displays:
        here = inline.get(_leading(prose, start, ends), [])
        beside = tuple(rest[a:b] for a, b in here if b <= start)
        found.append((start, tuple(replace(chain, beside=beside) for chain in chains(rest, start, end))))
    for here in inline.values():
        beside = tuple(rest[a:b] for a, b in here)
        for start, end in here:
            rows = [sides for sides in sides_of(rest, start, end) if len(sides) > 1]
            found.append((start, tuple(Chain(tuple(sides), True, beside) for sides in rows)))
    for _, parts in sorted(found, key=lambda pair: pair[0]):
        yield from parts


def _without(text: str, displays: list[tuple[int, int]]) -> str:
    """A text with displayed formulas and code blanked out."""
    plain = list(text)
    for start, end in (*displays, *(m.span() for m in _CODE.finditer(text))):
        plain[start:end] = [c if c == "\n" else " " for c in text[start:end]]
    return "".join(plain).replace("$$", "  ")


def _leading(text: str, at: int, ends: list[int]) -> int:
    """The number of the prose that leads to a displayed formula: its own paragraph, or one above that a colon or a comma ends."""
    own = bisect(ends, at)
    start = max(0, at - MOST_BETWEEN)
    lead = text[start:at].rstrip(" \n\\[$")
    last = start + len(lead)
    above = own > 0 and last <= ends[own - 1] and lead.endswith((":", ","))
    return bisect(ends, last - 1) if above else own


def _fences(text: str) -> Iterator[tuple[str, int, tuple[int, int], int]]:
    """The fenced blocks: what is said at their heads, where they start, what is inside, where they stop."""
    marks = list(_FENCE.finditer(text))
    k = 0
    while k < len(marks):
        opening = marks[k]
        closing = next((m for m in marks[k + 1 :] if m[1].startswith(opening[1]) and not m[2].strip()), None)
        if closing is None:
            return
        yield opening[2].strip(), opening.start(), (min(opening.end() + 1, closing.start()), closing.start()), closing.end()
        k = marks.index(closing) + 1


def _block(words: list[str], text: str, start: int, end: int) -> Iterator[Part]:
    """What a derive block of a page says."""
    kind = words[0] if words else ""
    if kind in ("graph", "define"):
        yield Defined(text[start:end], start, True)
    elif kind == "steps":
        yield from _lines(text, start, end, None)
    elif kind in ("run", "worked") and (at := re.compile(r"^[ \t]*at:[ \t]*([^\n]*)", re.MULTILINE).search(text, start, end)):
        yield Given(at[1], at.start(1))


def _displays(text: str) -> Iterator[tuple[int, int]]:
    """Where the displayed formulas begin and end."""
    at = 0
    while opening := _OPENING.search(text, at):
        closing = "$$" if opening[0] == "$$" else "\\]" if opening[0] == "\\[" else f"\\end{{{opening[1]}{opening[2]}}}"
        end = text.find(closing, opening.end())
        if end < 0:
            at = opening.end()
            if text.find(closing, at) < 0 and closing in ("$$", "\\]"):
                return
            continue
        yield opening.end(), end
        at = end + len(closing)


# ---------------------------------------------------------------- lines

_NAME = r"[A-Za-zα-ωΑ-Ω][A-Za-zα-ωΑ-Ω0-9]*(?:_[A-Za-zα-ωΑ-Ω0-9]+)*"
_DECLARED = re.compile(rf"\s*{_NAME}\s*:\s*(?:\[|(?:real|positive|label|onehot|probability|size)\b)")
_DEFINED = re.compile(rf"\s*({_NAME})(\[[\w, ]+\])?\s*=(?!=)")
_AT = re.compile(r"\s*at\s*:\s*([^\n]*)")


def _lines(text: str, start: int, end: int, defined: set[str] | None) -> Iterator[Part]:
    """The lines of a text; with `defined` the first that define a name do, and the others are chains."""
    at, first, open_ = start, True, list[Side]()
    for raw in text[start:end].split("\n"):
        line = raw.split("#")[0].rstrip()
        begin, at = at, at + len(raw) + 1
        if not line.strip():
            continue
        whole = defined is not None and (given := _AT.fullmatch(line))
        named = _DEFINED.match(line) if defined is not None else None
        is_new = named is not None and named[1] not in (defined or ()) and "\\" not in line
        if whole or is_new or (defined is not None and _DECLARED.match(line)):
            yield from closed(open_)
            open_ = []
            if whole:
                assert given
                yield Given(given[1], begin + given.start(1))
                continue
            stop = _second(line) if is_new else len(line)
            yield Defined(line[:stop], begin, first)
            first = False
            if named is not None and defined is not None:
                defined.add(named[1])
            if stop < len(line) and named is not None:
                open_ = [Side(line[named.end() : stop], begin + named.end()), *sides_of(text, begin + stop, begin + len(line))[0]]
            continue
        rows = sides_of(text, begin, begin + len(line))
        for sides in rows:
            if sides and not sides[0].relation:
                yield from closed(open_)
                open_ = []
            open_ += sides
    yield from closed(open_)


def _second(line: str) -> int:
    """Where the second `=` of a line stands, outside brackets."""
    depth, seen = 0, 0
    for match in re.finditer(r"[<>!=]=|[()\[\]=≈]", line):
        sign = match[0]
        depth += (sign in "([") - (sign in ")]")
        if sign in ("=", "≈") and not depth:
            seen += 1
            if seen == 2:
                return match.start()
    return len(line)
