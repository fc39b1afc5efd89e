r"""A file in which a person derived something, taken apart: definitions, and chains of formulas with `=` and `≈` between them.

In Markdown and LaTeX the chains are the displayed formulas; definitions stand in blocks ```derive graph NAME``` or in comments
`% derive: …`.  In any other file they are lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.errors import DeriveError, said

MAX_SHEET = 300_000
"""Longer files are not read."""

MAX_SIDES = 1_000
"""A file has at most so many formulas."""


@dataclass(frozen=True)
class Side:
    """A formula, where it starts in the file, and the sign before it: `=`, `≈`, or another that is not checked."""

    text: str
    start: int
    relation: str = ""


@dataclass(frozen=True)
class Chain:
    """Formulas with signs between them."""

    sides: tuple[Side, ...]


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
    for start, end in _displays(rest):
        found.append((start, tuple(chains(rest, start, end))))
    for _, parts in sorted(found, key=lambda pair: pair[0]):
        yield from parts


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
            yield from _closed(open_)
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
                open_ = [Side(line[named.end() : stop], begin + named.end()), *_sides(text, begin + stop, begin + len(line))[0]]
            continue
        rows = _sides(text, begin, begin + len(line))
        for sides in rows:
            if sides and not sides[0].relation:
                yield from _closed(open_)
                open_ = []
            open_ += sides
    yield from _closed(open_)


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


def _closed(sides: list[Side]) -> Iterator[Chain]:
    if len(sides) > 1:
        yield Chain(tuple(sides))


# ---------------------------------------------------------------- one display

_TOKEN = re.compile(r"\\begin\{[^{}\n]*\}|\\end\{[^{}\n]*\}|\\\\(?:\[[^\]\n]{0,20}\])?|\\[A-Za-z]+|\\.|[<>!=:]=|.", re.DOTALL)
_EQUAL = {"=", ":=", r"\equiv", r"\triangleq", r"\coloneqq", r"\doteq", r"\stackrel"}
_ABOUT = {"≈", r"\approx", r"\simeq", r"\approxeq"}
_OTHER = {
    "<",
    ">",
    "<=",
    ">=",
    r"\le",
    r"\leq",
    r"\ge",
    r"\geq",
    r"\ne",
    r"\neq",
    r"\propto",
    r"\sim",
    r"\in",
    r"\ll",
    r"\gg",
    r"\to",
}
_BREAK = {
    r"\Rightarrow",
    r"\implies",
    r"\iff",
    r"\Leftrightarrow",
    r"\Longrightarrow",
    r"\quad",
    r"\qquad",
    ",",
    ";",
    r"\rightarrow",
}
_WORDS = (r"\text", r"\textrm", r"\mbox", r"\textit", r"\intertext", r"\tag", r"\label", r"\hspace", r"\vspace")
_INVISIBLE = frozenset(("aligned", "split", "gathered", "align", "align*", "alignedat"))


def chains(text: str, start: int, end: int) -> Iterator[Chain]:
    """The chains of a display.  A row that begins with a sign goes on with the one above; one with +, with its formula."""
    open_: list[Side] = []
    for row_start, row_end in _rows(text, start, end):
        for k, sides in enumerate(_sides(text, row_start, row_end)):
            if not sides:
                continue
            first = sides[0]
            if not k and open_ and not first.relation and first.text.lstrip(" &\n{}")[:1] in ("+", "-", "−"):
                before = open_.pop()
                joined = _cleaned(text, before.start, first.start + len(first.text))
                open_ += [Side(joined, before.start, before.relation), *sides[1:]]
                continue
            if not first.relation:
                yield from _closed(open_)
                open_ = []
            open_ += sides
    yield from _closed(open_)


def _rows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    r"""The rows of a display, between \\ outside cases."""
    begin, depth = start, 0
    for match in _TOKEN.finditer(text, start, end):
        sign = match[0]
        if sign.startswith((r"\begin", r"\end")):
            if sign[sign.index("{") + 1 : -1] not in _INVISIBLE:
                depth += 1 if sign.startswith(r"\begin") else -1
        elif sign.startswith("\\\\") and not depth:
            yield begin, match.start()
            begin = match.end()
    yield begin, end


def _sides(text: str, start: int, end: int) -> list[list[Side]]:
    """The formulas of a row with the signs before them; what stands behind a break begins a chain of its own."""
    chains_: list[list[Side]] = [[]]
    begin, relation, depth, skip = start, "", 0, 0

    def take(stop: int) -> None:
        nonlocal begin
        words = _cleaned(text, begin, stop)
        lead = len(words) - len(words.lstrip())
        words = words.strip().rstrip(".,;").rstrip()
        if words:
            chains_[-1].append(Side(words, begin + lead, relation))
        elif relation and not chains_[-1]:
            pass

    tokens = list(_TOKEN.finditer(text, start, end))
    for k, match in enumerate(tokens):
        sign = match[0]
        if match.start() < skip:
            continue
        if sign.startswith((r"\begin", r"\end")):
            inside = sign[sign.index("{") + 1 : -1]
            depth += 0 if inside in _INVISIBLE else 1 if sign.startswith(r"\begin") else -1
        elif sign in ("{", "(", "[", r"\{"):
            depth += 1
        elif sign in ("}", ")", "]", r"\}"):
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif sign in _WORDS and _ends_row(text, match.end(), end):
            take(match.start())
            return [c for c in chains_ if c]
        elif sign in _EQUAL | _ABOUT | _OTHER and sign != r"\stackrel":
            take(match.start())
            begin, relation = match.end(), "=" if sign in _EQUAL else "≈" if sign in _ABOUT else sign
        elif sign in _BREAK and _breaks(tokens[k + 1 :]):
            take(match.start())
            chains_.append([])
            begin, relation = match.end(), ""
    take(end)
    return [c for c in chains_ if c]


def _breaks(rest: list[re.Match[str]]) -> bool:
    """Whether something stands behind a sign that may end a chain; behind spaces alone it does not."""
    words = [m[0] for m in rest if not m[0].isspace()]
    return bool(words) and words[0] not in (".", ",", "&")


def _ends_row(text: str, start: int, end: int) -> bool:
    """Whether words are all that a row goes on with."""
    close = text.find("}", start, end)
    return close < 0 or not text[close + 1 : end].strip(" \n\t.,;)&") or text[close + 1 : end].lstrip().startswith("\\")


_BLANK = re.compile(
    r"\\(?:label|tag\*?|hspace\*?|vspace\*?|text|mbox|textrm|intertext)\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)|&|"
    r"\\(?:begin|end)\{(?:aligned|split|gathered|align\*?|alignedat)\}(?:\{\d\})?|\\\\(?:\[[^\]\n]{0,20}\])?|%[^\n]*"
)


def _cleaned(text: str, start: int, end: int) -> str:
    """A stretch of a text with what is no formula blanked out, at the same length; cases stay as they are."""
    part = text[start:end]
    if "\\begin{cases" in part or "\\begin{dcases" in part:
        return part
    return _BLANK.sub(lambda m: m[0] if _is_word(m[0]) else " " * len(m[0]), part)


def _is_word(blanked: str) -> bool:
    r"""Whether \text{…} is a name that belongs to a formula."""
    return blanked.startswith((r"\text{", r"\textrm{")) and re.fullmatch(r"\\text(rm)?\{\w+\}", blanked) is not None
