"""One displayed formula, or a line: its rows, and in them formulas with signs between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """A formula, where it starts in the file, and the sign before it: `=`, `≈`, or another that is not checked."""

    text: str
    start: int
    relation: str = ""


@dataclass(frozen=True)
class Chain:
    """Formulas with signs between them; `beside` are those that stand in the prose around it, where it stands in prose itself or
    right behind it.
    """

    sides: tuple[Side, ...]
    inline: bool = False
    beside: tuple[str, ...] = ()


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
COMPARED = frozenset(("<", ">", "<=", ">=", r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\neq"))
"""Signs that say of two numbers that they are not the same."""

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

_BLANK = re.compile(
    r"\\(?:label|tag\*?|hspace\*?|vspace\*?|text|mbox|textrm|intertext)\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)|&|"
    r"\\(?:begin|end)\{(?:aligned|split|gathered|align\*?|alignedat)\}(?:\{\d\})?|\\\\(?:\[[^\]\n]{0,20}\])?|%[^\n]*"
)


def closed(sides: list[Side]) -> Iterator[Chain]:
    if len(sides) > 1:
        yield Chain(tuple(sides))


def chains(text: str, start: int, end: int) -> Iterator[Chain]:
    """The chains of a display.  A row that begins with a sign goes on with the one above; one with +, with its formula."""
    open_: list[Side] = []
    for row_start, row_end in _rows(text, start, end):
        for k, sides in enumerate(sides_of(text, row_start, row_end)):
            if not sides:
                continue
            first = sides[0]
            if not k and open_ and not first.relation and first.text.lstrip(" &\n{}")[:1] in ("+", "-", "−"):
                before = open_.pop()
                joined = _cleaned(text, before.start, first.start + len(first.text))
                open_ += [Side(joined, before.start, before.relation), *sides[1:]]
                continue
            if not first.relation:
                yield from closed(open_)
                open_ = []
            open_ += sides
    yield from closed(open_)


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


def sides_of(text: str, start: int, end: int) -> list[list[Side]]:
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


def _cleaned(text: str, start: int, end: int) -> str:
    """A stretch of a text with what is no formula blanked out, at the same length; cases stay as they are."""
    part = text[start:end]
    if "\\begin{cases" in part or "\\begin{dcases" in part:
        return part
    return _BLANK.sub(lambda m: m[0] if _is_word(m[0]) else " " * len(m[0]), part)


def _is_word(blanked: str) -> bool:
    r"""Whether \text{…} is a name that belongs to a formula."""
    return blanked.startswith((r"\text{", r"\textrm{")) and re.fullmatch(r"\\text(rm)?\{\w+\}", blanked) is not None
