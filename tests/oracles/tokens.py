r"""The signs of a printed formula, read from Unicode text or from LaTeX into one list.

What stands under, over or behind something is a token of its own that holds the signs in it: `x_ij²` is the word x, a
subscript and a superscript, whatever the medium.  A group in braces that nobody sees, `{\tanh(x)}^{2}`, is no bracket.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", zeta="ζ", eta="η", theta="θ", iota="ι", kappa="κ", mu="μ", nu="ν",
    xi="ξ", pi="π", rho="ρ", sigma="σ", tau="τ", phi="φ", chi="χ", psi="ψ", omega="ω", Gamma="Γ", Delta="Δ", Theta="Θ",
    Lambda="Λ", Xi="Ξ", Pi="Π", Sigma="Σ", Phi="Φ", Psi="Ψ", Omega="Ω", **{"lambda": "λ"},
)  # fmt: skip
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}


class Unread(Exception):
    """A formula that cannot be read, or that can be read in more than one way."""


@dataclass
class Token:
    """A sign.  `gap`: a space stands before it.  `parts` are the lists of signs in it, `raw` is a script as it is written."""

    kind: str
    text: str = ""
    gap: bool = False
    parts: list[list[Token]] = field(default_factory=list)
    raw: str = ""


def tokens(formula: str, latex: bool, comma: bool, script: bool = False) -> list[Token]:
    """The signs of a formula; with `comma`, the decimal sign is a comma (but in a subscript of text only within brackets)."""
    return (_Latex if latex else _Text)(formula, comma, script).read()


def balanced(text: str, start: int, left: str, right: str) -> int:
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for k in range(start, len(text)):
        depth += (text[k] == left and text[k - 1 : k] != "\\") - (text[k] == right and text[k - 1 : k] != "\\")
        if not depth:
            return k
    raise Unread(f"a bracket is not closed: {text[start:]}")


# ---------------------------------------------------------------- text

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀ", "0123456789+−()⊤", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+−", strict=True))
MARKS = {mark: name for name, mark in ACCENTS.items()}
SPECIAL = {"𝟏": "ones", "𝟙": "bracket", "𝐈": "eye", "𝐞": "unit", "𝐄": "onehots"}
CAPITALS = {"𝛴": "Σ", "𝛱": "Π"}
BIG_WORDS = ("max", "min", "argmax", "argmin")
POINTED = re.compile(r"[0-9]+(?:\.[0-9]+)?")
PARTED_TEXT = re.compile(r"(?:[0-9]{1,3}(?:\u202f[0-9]{3})+|[0-9]+)(?:,[0-9]+)?")
PARTED_LATEX = re.compile(r"(?:[0-9]{1,3}(?:\\,[0-9]{3})+|[0-9]+)(?:\{,\}[0-9]+)?")
SIGNS = "+−·⊙⊘×=≈<>≤≥≠()[]|‖{},;:/√∂∇∞…"


class _Text:
    def __init__(self, text: str, comma: bool, script: bool) -> None:
        self.text, self.comma, self.script = text, comma, script
        self.at, self.out, self.gap = 0, list[Token](), False

    def read(self) -> list[Token]:
        while self.at < len(self.text):
            self.step()
        return self.out

    def put(self, kind: str, text: str = "", **more: object) -> None:
        self.out.append(Token(kind, text, self.gap, **more))  # type: ignore[arg-type]
        self.gap = False

    def step(self) -> None:
        text, at = self.text, self.at
        here = text[at]
        if here == " ":
            self.gap, self.at = True, at + 1
        elif found := re.compile(r",   +").match(text, at):
            self.put("apart")
            self.at = found.end()
        elif here in SPECIAL:
            self.put(SPECIAL[here])
            self.at += 1
        elif found := (PARTED_TEXT if self.decimal else POINTED).match(text, at):
            self.put("number", found[0].replace("\u202f", "").replace(",", "."))
            self.at = found.end()
        elif here in SUBSCRIPTS or (here == "_" and at):
            self.sub()
        elif here in SUPERSCRIPTS or here == "^":
            self.sup()
        elif here in MARKS:
            word = next(t for t in reversed(self.out) if t.kind == "word")
            word.text += here
            self.at += 1
        elif here in "ΣΠ" and text[at + 1 : at + 2] in ("_", *SUBSCRIPTS):
            self.big(here, at + 1)
        elif _is_letter(here):
            self.word()
        elif here in SIGNS:
            self.put(here, here)
            self.at += 1
        else:
            raise Unread(f"what is {here!r} in {text}")

    @property
    def decimal(self) -> bool:
        """Whether a comma between digits is a decimal sign here."""
        before = self.text[: self.at]
        return self.comma and (not self.script or any(before.count(a) > before.count(b) for a, b in (("(", ")"), ("{ ", " }"))))

    def word(self) -> None:
        end = self.at
        while end < len(self.text) and _is_letter(self.text[end]):
            end += 1
        while end < len(self.text) and self.text[end] in "0123456789":
            end += 1
        if found := re.compile(r"(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+[0-9]+[a-z]+)(?=\()").match(self.text, self.at):
            end = found.end()  # a function of the library by its name
        word = self.text[self.at : end]
        if word in BIG_WORDS and self.text[end : end + 1] == "_":
            return self.big(word, end)
        plain = "".join(unicodedata.normalize("NFD", CAPITALS.get(c, c)) for c in word)
        self.put("word", plain)
        self.at = end
        return None

    def big(self, sign: str, at: int) -> None:
        """What stands below is a list with spaces in it, so a comma between digits is a decimal sign there."""
        self.at = at
        self.sub(script=False)
        under = self.out.pop()
        self.gap = self.gap or under.gap
        self.put("big", sign, parts=under.parts, raw=under.raw)

    def sub(self, script: bool = True) -> None:
        at, text = self.at, self.text
        if text[at] in SUBSCRIPTS:
            end = at
            while end < len(text) and text[end] in SUBSCRIPTS:
                end += 1
            raw = "".join(SUBSCRIPTS[c] for c in text[at:end])
        elif text[at + 1 : at + 2] == "{":
            end = balanced(text, at + 1, "{", "}") + 1
            raw = text[at + 2 : end - 1]
        else:
            end = at + 1
            while end < len(text) and text[end].isalnum() and text[end] not in SUPERSCRIPTS and text[end] not in SUBSCRIPTS:
                end += 1
            raw = text[at + 1 : end]
        self.at = end
        self.put("sub", parts=[tokens(raw, False, self.comma, script)], raw=raw)

    def sup(self) -> None:
        at, text = self.at, self.text
        if text[at] != "^":
            end = at
            while end < len(text) and text[end] in SUPERSCRIPTS:
                end += 1
            raw = "".join(SUPERSCRIPTS[c] for c in text[at:end])
        elif text[at + 1] == "(":
            end = balanced(text, at + 1, "(", ")") + 1
            raw = text[at + 2 : end - 1]
        else:
            end = at + 1
            while end < len(text) and text[end].isalnum() and text[end] not in SUPERSCRIPTS:
                end += 1
            raw = text[at + 1 : end]
        self.at = end
        top = raw.endswith("⊤")
        inner = tokens(raw.removesuffix("⊤"), False, self.comma)
        self.put("sup", parts=[[*inner, *([Token("⊤")] if top else [])]], raw=raw)


def _is_letter(c: str) -> bool:
    return (c.isalpha() and c not in SUPERSCRIPTS and c not in SPECIAL) or c in CAPITALS


# ---------------------------------------------------------------- LaTeX

WORDS = ("log", "sin", "cos", "tanh", "sinh", "cosh", "arctan", "exp", "det")
COMMANDS = {
    "cdot": "·", "odot": "⊙", "oslash": "⊘", "times": "×", "approx": "≈", "le": "≤", "ge": "≥", "ne": "≠", "partial": "∂",
    "nabla": "∇", "infty": "∞", "top": "⊤", "lVert": "‖", "rVert": "‖", "ldots": "…", "{": "{", "}": "}",
}  # fmt: skip
SPACES = (",", " ", "quad", ";", "!")
BOLD = {"1": "ones", "I": "eye", "e": "unit", "E": "onehots"}


class _Latex:
    def __init__(self, text: str, comma: bool, script: bool) -> None:
        self.text, self.comma, self.script = text, comma, script
        self.at, self.out = 0, list[Token]()

    def read(self) -> list[Token]:
        while self.at < len(self.text):
            self.step()
        return self.out

    def inner(self, raw: str, script: bool = False) -> list[Token]:
        return tokens(raw, True, self.comma, script or self.script)

    def group(self) -> str:
        """What stands in the braces that open here."""
        if self.text[self.at : self.at + 1] != "{":
            raise Unread(f"braces are missing: {self.text[self.at :]}")
        end = balanced(self.text, self.at, "{", "}")
        raw, self.at = self.text[self.at + 1 : end], end + 1
        return raw

    def one(self) -> str:
        """A script of one sign, without braces."""
        self.at += 1
        return self.text[self.at - 1]

    def step(self) -> None:
        here = self.text[self.at]
        if here == "\\":
            self.command()
        elif here in " &":
            self.at += 1
        elif found := (PARTED_LATEX if self.comma else POINTED).match(self.text, self.at):
            self.out.append(Token("number", found[0].replace(r"\,", "").replace("{,}", ".")))
            self.at = found.end()
        elif here == "{":
            self.out += self.inner(self.group())
        elif here in "_^":
            self.at += 1
            raw = self.one() if self.text[self.at : self.at + 1] != "{" else self.group()
            kind = "sub" if here == "_" else "sup"
            self.out.append(Token(kind, parts=[self.inner(raw, kind == "sub")], raw=raw))
        elif here.isalpha():
            self.out.append(Token("word", unicodedata.normalize("NFD", here)))
            self.at += 1
        else:
            self.out.append(Token("−" if here == "-" else here, "−" if here == "-" else here))
            self.at += 1

    def command(self) -> None:
        found = re.compile(r"\\([A-Za-z]+\*?|.)").match(self.text, self.at)
        assert found
        name, self.at = found[1], found.end()
        if name in ("left", "right"):
            return
        if name == "qquad":
            self.out = [t for k, t in enumerate(self.out) if k < len(self.out) - 1 or t.kind != ","]
            self.out.append(Token("apart"))
        elif name in SPACES:
            return
        elif name in COMMANDS:
            self.out.append(Token(COMMANDS[name], COMMANDS[name]))
        elif name in GREEK:
            self.out.append(Token("word", GREEK[name]))
        elif name in ("sum", "prod"):
            self.big("Σ" if name == "sum" else "Π")
        elif name in (*WORDS, "max", "min"):
            self.big(name) if name in BIG_WORDS and self.text[self.at : self.at + 1] == "_" else self.named(name)
        elif name == "frac":
            top, bottom = self.group(), self.group()
            self.out.append(Token("frac", parts=[self.inner(top), self.inner(bottom)]))
        elif name == "sqrt":
            self.out.append(Token("root", parts=[self.inner(self.group())]))
        elif name in ACCENTS:
            inner = self.inner(self.group())
            inner[0].text += ACCENTS[name]
            self.out += inner
        elif name == "operatorname*":
            self.big(self.group().replace(r"\,", "").replace(" ", ""))
        elif name == "mathbf":
            self.bold(self.group())
        elif name in ("operatorname", "mathrm"):
            self.named(self.group().replace(r"\,", " "))
        elif name == "text":
            self.out.append(Token("said", self.group().strip()))
        elif name == "begin":
            self.block(self.group())
        else:
            raise Unread(f"what is \\{name} in {self.text}")

    def named(self, word: str) -> None:
        self.out.append(Token("word", unicodedata.normalize("NFD", word.replace("_", " "))))

    def bold(self, word: str) -> None:
        if word == "1" and self.text[self.at :].startswith(("[", r"\left[")):
            self.out.append(Token("bracket"))
        else:
            self.out.append(Token(BOLD[word]))

    def big(self, sign: str) -> None:
        if self.text[self.at : self.at + 1] != "_":
            raise Unread(f"{sign} says nothing of its index: {self.text}")
        self.at += 1
        raw = self.group()
        self.out.append(Token("big", sign, parts=[self.inner(raw, True)], raw=raw))

    def block(self, kind: str) -> None:
        end, depth = self.at, 1
        for found in re.compile(r"\\(begin|end)\{[a-z]+\}").finditer(self.text, self.at):
            depth += 1 if found[1] == "begin" else -1
            end = found.start()
            if not depth:
                break
        body, self.at = self.text[self.at : end], found.end()
        rows = [[self.inner(cell) for cell in cut(row, "&")] for row in cut(body, r"\\")]
        if kind == "cases":
            self.out.append(Token("cases", parts=[cell for row in rows for cell in row]))
        else:
            self.out.append(Token("grid", str(len(rows)), parts=[cell for row in rows for cell in row]))


def cut(text: str, mark: str) -> list[str]:
    r"""A text in pieces at a mark that stands in no braces and in no block of its own; a measure after \\ belongs to it."""
    pieces, depth, last, k = list[str](), 0, 0, 0
    while k < len(text):
        if text.startswith((r"\begin", r"\end"), k):
            depth += 1 if text.startswith(r"\begin", k) else -1
        elif text[k] in "{}" and text[k - 1 : k] != "\\":
            depth += 1 if text[k] == "{" else -1
        elif not depth and text.startswith(mark, k):
            pieces.append(text[last:k])
            k += len(mark)
            measure = re.compile(r"\[[0-9.]+em\]").match(text, k) if mark == r"\\" else None
            k = last = measure.end() if measure else k
            continue
        elif text[k] == "\\":
            k += 1
        k += 1
    return [*pieces, text[last:]]
