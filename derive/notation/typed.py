r"""LaTeX mathematics read back as a layout: what a teacher typed, once `teaching.lecture.formulas` has checked it.

The grammar is the one of `formulas`: it has said what may stand where, so that this reader only has to find the structure.  Every
command that takes no argument is a `Sign` of itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from derive.notation.layout import Accent, Big, Cases, Fence, Frac, Grid, Layout, Root, Row, Script, Sign, joined, row

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:(?:\.|\{,\})\d+)?|\s+|.", re.DOTALL)
_BARS = {"|": "|", r"\|": "‖", r"\vert": "|", r"\Vert": "‖"}
_PAIRS = {"(": ")", "[": "]", r"\{": r"\}", r"\lVert": r"\rVert", r"\lvert": r"\rvert"}
_OPENS, _CLOSES = _PAIRS | {bar: bar for bar in _BARS}, frozenset(_PAIRS.values())
_SHOWN = {r"\{": "{", r"\}": "}", r"\lVert": "‖", r"\rVert": "‖", r"\lvert": "|", r"\rvert": "|"} | _BARS
_BIG = ("sum", "prod", "int", "iint", "oint", "coprod", "bigcup", "bigcap", "bigoplus", "bigotimes", "bigodot", "bigvee",
        "bigwedge", "max", "min", "sup", "inf", "lim", "limsup", "liminf", "operatorname*")  # fmt: skip
"""What is written under them is what they run over."""
_ACCENTS = ("hat", "bar", "tilde", "vec", "dot", "ddot", "check", "breve", "acute", "grave", "mathring", "widehat", "widetilde",
            "overline", "underline", "overrightarrow", "overleftarrow")  # fmt: skip
_WORDS = ("text", "textrm", "textbf", "textit", "textsf", "texttt", "mathrm", "operatorname", "operatorname*")
_FACES = (
    "mathbf",
    "mathit",
    "mathsf",
    "mathtt",
    "mathcal",
    "mathbb",
    "mathfrak",
    "boldsymbol",
    "boxed",
    "overbrace",
    "underbrace",
)
_SIZES = ("big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr")
_STYLES = ("displaystyle", "textstyle", "scriptstyle")
_NOTHING = frozenset((*_SIZES, *_STYLES, "left", "right", "middle", "limits", "nolimits", "hline"))
_IN_WORDS = {r"\textbar": "|", r"\textless": "<", r"\textgreater": ">", r"\_": " "}
_EMPTY = Sign("", "")


@lru_cache(maxsize=4096)
def read(latex: str) -> Layout:
    r"""The layout of a formula that was checked.

    >>> read(r"\frac{a}{b_i}")
    Frac(top=Sign(latex='a', text='a'), bottom=Script(base=Sign(latex='b', text='b'), sub=Sign(latex='i', text='i'), sup=None))
    """
    return _Reader(latex).row()


class _Reader:
    """Reads tokens from left to right; every method returns the layout of what it has read."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0
        self.pairs = _paired(self.tokens)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def row(self, ends: tuple[str, ...] = (), stop: int = -1) -> Layout:
        """Everything up to one of the tokens `ends` or the token number `stop`, which stays unread."""
        items: list[Layout] = []
        while self.peek() and self.peek() not in ends and self.at != stop and self.peek() not in ("}", r"\end"):
            if self.peek().isspace() or self.peek().lstrip("\\") in _NOTHING:
                self.skip()
                continue
            items.append(self.scripted())
        return row(*items) if items else _EMPTY

    def skip(self) -> None:
        """What says nothing: a space, a style, a size with the dot that stands for no bracket."""
        if not self.next().isspace():
            self.spaces()
            self.at += self.peek() == "."

    def spaces(self) -> None:
        while self.peek().isspace():
            self.next()

    def scripted(self) -> Layout:
        token = self.peek()
        base = _EMPTY if token in ("_", "^", "'") else self.base()
        scripts: dict[str, Layout] = {}
        while self.peek() in ("_", "^", "'") or self.peek().isspace() or self.peek() in (r"\limits", r"\nolimits"):
            mark = self.next()
            if mark == "'":
                scripts["^"] = row(*([scripts["^"]] if "^" in scripts else []), Sign("'", "′"))
            elif mark in ("_", "^"):
                scripts[mark] = self.argument()
        under, over = scripts.get("_"), scripts.get("^")
        if token.lstrip("\\") in _BIG and scripts:
            sign = base if isinstance(base, Sign) else Sign(token, token)
            return Big(sign, row(*_bounds(under, over)))
        return Script(base, under, over) if scripts else base

    def argument(self) -> Layout:
        """A group in braces, or one base."""
        self.spaces()
        if len(self.peek()) > 1 and self.peek().isdigit():  # TeX takes one digit
            digits = self.next()
            self.at -= 1
            self.tokens[self.at : self.at + 1] = [digits[0], digits[1:]]
            self.pairs = _paired(self.tokens)
        return self.base()

    def base(self) -> Layout:
        """One symbol, group or construction."""
        token = self.next()
        name = token.removeprefix("\\") if token.startswith("\\") else ""
        if token == "{":
            inner = self.row()
            self.next()
            return inner
        if token in _OPENS and (end := self.pairs.get(self.at - 1)):
            inner = self.row(stop=end)
            self.next()
            return Fence(inner, *(_SHOWN.get(mark, mark) for mark in (token, _OPENS[token])))
        if name == "begin":
            return self.environment()
        return self.command(name) if name else Sign(token, token)

    def command(self, name: str) -> Layout:
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            return Frac(self.argument(), self.argument())
        if name in ("binom", "dbinom", "tbinom"):
            return row(Sign(r"\binom", "binom"), Fence(row(self.argument(), Sign(",", ", "), self.argument())))
        if name in ("overset", "stackrel", "underset"):
            mark, base = self.argument(), self.argument()
            return Script(base, mark, None) if name == "underset" else Script(base, None, mark)
        if name == "sqrt":
            order = self.optional()
            return (
                Root(self.argument())
                if order is None
                else row(Sign(r"\root", "root"), order, Sign(r"\of", " of "), self.argument())
            )
        if name in ("xrightarrow", "xleftarrow"):
            self.optional()
            return Script(Sign(r"\to", " → "), None, self.argument())
        if name in _WORDS:
            start = self.at
            words = self.words()
            if not name.startswith("text") and re.search(r"\\[A-Za-z]|[_^&]", "".join(self.tokens[start : self.at])):
                self.at = start  # a formula in upright letters
                return self.argument()
            return Sign(rf"\{name.rstrip('*')}{{{words}}}", words)
        if name in _ACCENTS:
            return Accent(name, self.argument())
        if name == "substack":
            self.next()
            return joined([part for cells in self.cells("}") for part in cells], Sign(", ", ", "))
        if name in _FACES:
            inner = self.argument()
            return Sign(r"\mathbf{1}", "𝟏") if name == "mathbf" and inner == Sign("1", "1") else inner
        if name.endswith("phantom"):
            self.argument()
            return _EMPTY
        if name == "pmod":
            return row(Sign(r"\bmod", " mod "), self.argument())
        return Sign(f"\\{name}", name)

    def optional(self) -> Layout | None:
        if self.peek() != "[":
            return None
        self.next()
        inner = self.row(("]",))
        self.next()
        return inner

    def words(self) -> str:
        """The bare text of an argument in braces."""
        out, depth = "", 0
        self.spaces()
        while token := self.next():
            token = _IN_WORDS.get(token, token)
            depth += (token == "{") - (token == "}")
            out += "" if token in ("{", "}") else " " if token in (r"\ ", r"\,", "~") else token.lstrip("\\")
            if depth <= 0:
                break
        return out

    def environment(self) -> Layout:
        name = self.words()
        if name == "array":
            self.words()
        cells = self.cells(r"\end")
        self.words()
        if name == "cases":
            return Cases(tuple((line[0], row(*line[1:]) if line[1:] else _EMPTY) for line in cells))
        if name in ("aligned", "gathered"):
            return joined([row(*line) for line in cells], Sign(", ", ", "))
        return Grid(tuple(map(tuple, cells)))

    def cells(self, end: str) -> list[list[Layout]]:
        """Rows of cells up to their end, which is read too."""
        rows: list[list[Layout]] = [[]]
        while True:
            rows[-1].append(self.row(("&", r"\\", end)))
            mark = self.next()
            if mark == r"\\":
                rows.append([])
                if self.peek() == "[":
                    while self.next() not in ("]", ""):
                        pass
            elif mark != "&":
                return [line for line in rows if line != [_EMPTY]] or [[_EMPTY]]


def _bounds(under: Layout | None, over: Layout | None) -> list[Layout]:
    """What a sum runs over; `i = 1` under it and n over it as one."""
    parts: list[Layout] = list(under.items) if isinstance(under, Row) else [under] if under else []
    if over is None:
        return parts
    return [*(Sign(r"\from", " from ") if part == Sign("=", "=") else part for part in parts), Sign(r"\upto", " to "), over]


def _paired(tokens: list[str]) -> dict[int, int]:
    """For each bracket that opens, the place of the one that closes it, if one does inside the same group and cell."""
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    for k, token in enumerate(tokens):
        if token in _BARS and waiting and tokens[waiting[-1]] == token:
            pairs[waiting.pop()] = k
        elif token in _OPENS or token in ("{", r"\begin"):
            waiting.append(k)
        elif token in _CLOSES:
            while waiting and tokens[waiting[-1]] in _BARS:
                waiting.pop()
            if waiting and _OPENS.get(tokens[waiting[-1]]) == token:
                pairs[waiting.pop()] = k
        elif token in ("}", r"\end", "&", r"\\"):
            while waiting and tokens[waiting[-1]] in _OPENS:
                waiting.pop()
            if waiting and token in ("}", r"\end") and (tokens[waiting[-1]] == "{") == (token == "}"):
                waiting.pop()
    return pairs
