r"""How large a formula will be on paper, in em of Computer Modern, without running TeX.

`size` reads LaTeX mathematics, a teacher's or ours, and follows appendix G of The TeXbook closely enough to decide what
fits on a line and on a slide: within a tenth of what TeX measures, which a test asks TeX itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from derive.notation.layout import Layout, latex, text
from derive.teaching.document import Cite, CodeSpan, Emph, Footnote, Inlines, Link, Math, Raw, Strong, Text


@dataclass(frozen=True, slots=True)
class Extent:
    """A formula's width, and how far it reaches above and below its baseline, in em."""

    width: float
    up: float = 0.0
    down: float = 0.0

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.up + self.down

    def __mul__(self, scale: float) -> Extent:
        return Extent(self.width * scale, self.up * scale, self.down * scale)

    def beside(self, other: Extent) -> Extent:
        """Both on one baseline."""
        return Extent(self.width + other.width, max(self.up, other.up), max(self.down, other.down))


@lru_cache(maxsize=8192)
def size(latex: str, display: bool = True) -> Extent:
    """The box of a formula on a line of its own, or in a line of text."""
    return _TexReader(latex).row(display)


# ---------------------------------------------------------------- widths, from cmmi10, cmr10, cmsy10 and cmex10

_LETTERS = {"a": 0.53, "b": 0.43, "c": 0.43, "d": 0.52, "e": 0.47, "f": 0.60, "g": 0.51, "h": 0.58, "i": 0.35, "j": 0.47,
            "k": 0.55, "l": 0.30, "m": 0.88, "n": 0.60, "o": 0.49, "p": 0.50, "q": 0.48, "r": 0.48, "s": 0.47, "t": 0.36,
            "u": 0.57, "v": 0.52, "w": 0.74, "x": 0.57, "y": 0.53, "z": 0.51}  # fmt: skip
_MARKS = {"(": 0.39, ")": 0.39, "[": 0.28, "]": 0.28, "|": 0.28, ",": 0.44, ";": 0.44, ".": 0.28, "/": 0.5, "'": 0.28, "!": 0.28}
_BINARY = dict.fromkeys(("+", "-", "*", r"\times", r"\odot", r"\pm", r"\circ", r"\oplus", r"\otimes"), 1.22) | {r"\cdot": 0.72}
_RELATIONS = ("=", "<", ">", ":", r"\approx", r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\neq", r"\equiv", r"\in", r"\sim",
              r"\propto", r"\to", r"\rightarrow", r"\leftarrow", r"\mapsto", r"\Rightarrow", r"\implies", r"\ll", r"\gg",
              r"\mid")  # fmt: skip
_WIDE_ARROWS = {r"\to": 1.56, r"\rightarrow": 1.56, r"\leftarrow": 1.56, r"\mapsto": 1.56, r"\Rightarrow": 1.56, r"\implies": 2.2}
_SPACES = {r"\,": 0.167, r"\:": 0.222, r"\;": 0.278, r"\!": -0.167, r"\ ": 0.333, "~": 0.333, r"\quad": 1.0, r"\qquad": 2.0}
_BIG = {r"\sum": 1.44, r"\prod": 1.28, r"\bigcup": 1.1, r"\coprod": 1.28}
_NAMED = (
    "max",
    "min",
    "exp",
    "log",
    "ln",
    "sin",
    "cos",
    "tan",
    "tanh",
    "det",
    "lim",
    "sup",
    "inf",
    "dim",
    "Pr",
    "arg",
    "gcd",
    "sinh",
    "cosh",
)
_SIGNS = {r"\infty": 1.0, r"\ldots": 1.17, r"\dots": 1.17, r"\cdots": 1.17, r"\vdots": 0.28, r"\nabla": 0.83, r"\|": 0.5,
          r"\{": 0.5, r"\}": 0.5, r"\ell": 0.42, r"\square": 0.78, r"\top": 0.78, r"\forall": 0.56, r"\exists": 0.56}  # fmt: skip
_ACCENTS = ("hat", "bar", "tilde", "dot", "ddot", "vec", "widehat", "widetilde", "overline", "underline", "check", "breve")
_STYLES = (
    "mathrm",
    "mathbf",
    "mathit",
    "mathcal",
    "mathbb",
    "mathsf",
    "operatorname",
    "text",
    "textbf",
    "textit",
    "texttt",
    "textrm",
    "boldsymbol",
)
_UPRIGHT = ("mathrm", "operatorname", "text", "textbf", "textit", "texttt", "textrm", "mathsf")
_NOTHING = (
    r"\displaystyle",
    r"\textstyle",
    r"\limits",
    r"\nolimits",
    r"\mathopen",
    r"\mathclose",
    r"\big",
    r"\Big",
    r"\bigl",
    r"\bigr",
)

AXIS, TOKEN = 0.25, re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)


_SANS = {"a": 0.48, "b": 0.52, "c": 0.44, "d": 0.52, "e": 0.44, "f": 0.31, "g": 0.50, "h": 0.52, "i": 0.24, "j": 0.27,
         "k": 0.49, "l": 0.24, "m": 0.79, "n": 0.52, "o": 0.50, "p": 0.52, "q": 0.52, "r": 0.34, "s": 0.38, "t": 0.36,
         "u": 0.52, "v": 0.46, "w": 0.68, "x": 0.46, "y": 0.46, "z": 0.43, "é": 0.44, "è": 0.44, "à": 0.48, "I": 0.28,
         "M": 0.88, "W": 0.94, "%": 0.83} | dict.fromkeys(" .,:;!'’|()[]\u00a0", 0.29)  # fmt: skip


def upright_width(words: str) -> float:
    """The width of words in a sans-serif face, from cmss10; roman letters are hardly wider."""
    return sum(_SANS.get(c, 0.65 if c.isupper() else 0.5) for c in words)


class _TexReader:
    """Reads tokens from left to right; every method returns the box of what it has read."""

    def __init__(self, latex: str) -> None:
        self.tokens = TOKEN.findall(latex)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def row(self, display: bool, script: bool = False, until: tuple[str, ...] = ("}",)) -> Extent:
        """Everything up to one of the tokens `until`, which stays unread; a stray brace ends a row too."""
        box = Extent(0.0)
        while self.peek() and self.peek() not in until:
            box = box.beside(self.scripted(display, script))
        return box

    def group(self, display: bool = False, script: bool = False) -> Extent:
        """An argument: a group in braces, or one token."""
        while self.peek().isspace():
            self.next()
        if self.peek() != "{":
            return self.atom(display, script) if self.peek() not in ("", "}") else Extent(0.0)
        self.next()
        box = self.row(display, script)
        if self.peek():
            self.next()
        return box

    def words(self) -> str:
        """The bare text of an argument, nested braces and all."""
        depth, out = 0, ""
        while token := self.peek():
            self.next()
            depth += (token == "{") - (token == "}")
            out += token if token not in "{}" else ""
            if depth <= 0:
                break
        return out

    def scripted(self, display: bool, script: bool) -> Extent:
        """An atom with its subscript and superscript, or with limits where it is a big operator in display style."""
        name = self.peek()
        base = self.atom(display, script)
        scripts: dict[str, Extent] = {}
        while self.peek() in ("_", "^"):
            which = self.next()
            scripts[which] = self.group(script=True) * 0.7
        if not scripts:
            return base
        under, over = scripts.get("_", Extent(0.0)), scripts.get("^", Extent(0.0))
        if display and (name in _BIG or name in (r"\max", r"\min", r"\lim")):
            width = max(base.width, under.width + 0.1, over.width + 0.1)
            return Extent(
                width, base.up + (over.height + 0.2 if over.width else 0), base.down + (under.height + 0.25 if under.width else 0)
            )
        up = max(base.up, max(0.41, base.up - 0.35) + over.up) if over.width else base.up
        down = max(base.down, max(0.15, base.down - 0.05) + under.down, under.up - 0.3) if under.width else base.down
        return Extent(base.width + max(under.width, over.width) + 0.05, up, down)

    def atom(self, display: bool, script: bool) -> Extent:
        """One symbol, group or construction."""
        token = self.next()
        if token == "{":
            self.at -= 1
            return self.group(display, script)
        if token.startswith("\\") and token[1:].isalpha() and (special := _SPECIAL.get(token[1:])):
            return special(self, display, script)
        if token == r"\left":
            return self.fenced(display)
        if token == r"\begin":
            return self.environment()
        return _symbol(token, display, script)

    def fraction(self, display: bool, script: bool) -> Extent:
        scale = 1.0 if display else 0.7
        top, bottom = self.group(script=script or not display) * scale, self.group(script=script or not display) * scale
        gap = 0.2 if display else 0.12
        return Extent(
            max(top.width, bottom.width) + 0.24,
            AXIS + gap + max(top.height, 0.7 * scale),
            gap - AXIS + max(bottom.height, 0.7 * scale),
        )

    def root(self, display: bool, script: bool) -> Extent:
        body = self.group(display, script)
        return Extent(body.width + 0.83, body.up + 0.2, body.down + 0.05)

    def accented(self, display: bool, script: bool) -> Extent:
        body = self.group(display, script)
        return Extent(body.width, body.up + 0.25, body.down)

    def fenced(self, display: bool) -> Extent:
        if self.peek():
            self.next()
        body = self.row(display, until=(r"\right",))
        self.at += 2
        side = min(0.8, 0.28 + 0.13 * body.height)
        return Extent(body.width + 2 * side, body.up + 0.1, body.down + 0.1)

    def environment(self) -> Extent:
        """A matrix, cases or aligned lines: columns as wide as their widest cell."""
        name = self.words()
        if name == "array":
            self.words()
        columns: list[float] = []
        height, line, column = 0.0, Extent(0.0), 0
        while self.peek():
            cell = self.row(display=name.startswith("aligned"), until=("&", "\\\\", r"\end"))
            columns += [0.0] * (column + 1 - len(columns))
            columns[column] = max(columns[column], cell.width)
            line, column = line.beside(cell), column + 1
            ended = self.next() if self.peek() else r"\end"
            if ended == "\\\\" and self.peek() == "[":
                height += 0.3
                while self.next() != "]" and self.peek():
                    pass
            if ended != "&":
                height += max(1.2, line.height + 0.1)
                line, column = Extent(0.0), 0
            if ended == r"\end":
                self.words()
                break
        gap = 0.0 if name.startswith("aligned") else 1.0
        return Extent(sum(columns) + gap * max(0, len(columns) - 1) + 0.8, height / 2 + AXIS, height / 2 - AXIS)


_SPECIAL: dict[str, Callable[[_TexReader, bool, bool], Extent]] = {
    "frac": _TexReader.fraction,
    "tfrac": lambda reader, _, script: reader.fraction(False, script),
    "dfrac": lambda reader, _, script: reader.fraction(True, script),
    "sqrt": _TexReader.root,
    **dict.fromkeys(_ACCENTS, _TexReader.accented),
    **{name: lambda reader, display, script: reader.group(display, script) for name in _STYLES},
    **{name: lambda reader, _, script: Extent(upright_width(reader.words()), 0.7, 0.1) for name in _UPRIGHT},
}


def _symbol(token: str, display: bool, script: bool) -> Extent:
    if token.isspace() or token in _NOTHING:
        return Extent(0.0)
    if token in _SPACES:
        return Extent(_SPACES[token])
    if token in _BINARY:
        return Extent(_BINARY[token] - (0.44 if script else 0), 0.58, 0.08)
    if token in _RELATIONS:
        return Extent(_WIDE_ARROWS.get(token, 1.33) - (0.56 if script else 0), 0.55, 0.05)
    if token in _BIG:
        return Extent(_BIG[token], 0.95, 0.45) if display else Extent(1.06, 0.75, 0.25)
    if token[1:] in _NAMED:
        return Extent(upright_width(token[1:]) + (0.17 if not script else 0), 0.7, 0.2)
    if token in _MARKS:
        return Extent(_MARKS[token] - (0.16 if script and token == "," else 0), 0.75, 0.25)
    width = _LETTERS.get(token) or _SIGNS.get(token) or (0.5 if token.isdigit() else 0.75 if token.isupper() else 0.6)
    return Extent(width, 0.7, 0.2 if token in "gjpqy" or token.startswith("\\") else 0.01)


def size_of(body: Layout | Raw, display: bool = True) -> Extent:
    """The box of a formula, ours or a teacher's, on a line of its own or in a line of text."""
    return size(body.latex if isinstance(body, Raw) else latex(body), display)


CHAIN, CHARACTERS = 36.0, 90
"""A chain of equalities up to this width, in em and in characters of plain text, stands on one line."""


def fits_chain(body: Layout) -> bool:
    """Whether a chain of equalities is short enough for one line."""
    return size_of(body).width <= CHAIN and len(text(body)) <= CHARACTERS


def words_width(words: Inlines, display: bool = False) -> float:
    """The width of text on one endless line, in em; formulas in reasons are as large as on lines of their own."""
    total = 0.0
    for part in words:
        match part:
            case Text(text):
                total += upright_width(text)
            case Math(body):
                total += size_of(body, display).width
            case Emph(inner) | Strong(inner) | Link(inner, _) | Cite(_, inner):
                total += words_width(inner, display) * 1.05
            case Footnote(number):
                total += 0.4 * len(str(number))
            case CodeSpan(code):
                total += 0.53 * len(code)
    return total
