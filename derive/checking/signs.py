"""The signs of a formula as a person types it: LaTeX, or the same in the characters of a keyboard and of Unicode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.errors import DeriveError, Place, said
from derive.notation.style import LETTERS

MAX_FORMULA = 5_000
"""Longer formulas are not read."""

MAX_SIGNS = 1_500

MAX_DEPTH = 40
"""Brackets stand inside one another at most so deep."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Signed:
    """One sign and where it stands."""

    text: str
    span: Span


_TOKEN = re.compile(
    r"\d{1,3}(?:(?:\\,|\u202f)\d{3})+(?!\d)(?:(?:\.|,|\{,\})\d+)?|\\[A-Za-z]+\*?|\\.|\d+(?:(?:\.|\{,\})\d+)?(?:[eE][+-]?\d+(?![\w.]))?|\.\d+|\.T\b|\*\*|[<>!=]=|\s+|.",
    re.DOTALL,
)


def table(rows: str) -> dict[str, str]:
    """Pairs of words, line by line."""
    return dict(pair.split() for pair in rows.split(","))


_UNICODE = table(
    r"""− -, – -, · \cdot, ⋅ \cdot, × \times, ⊙ \odot, ∘ \odot, ÷ /, ∑ \sum, ∏ \prod, √ \sqrt, ∂ \partial, ∇ \nabla, 𝟙 \one,
    𝟏 \one, 𝐈 \eye, 𝐞 \basis, ⊘ \oslash, ≤ \le, ≥ \ge, ≠ \ne, ∈ \in, ⟨ \langle, ⟩ \rangle,
    ᵀ \trans, ⊤ \trans, ′ ', ’ ', ‖ \|, ∞ \infty, ϵ \epsilon, .T \trans"""
)
_ALIKE = table(
    r"""\times \cdot, \circ \odot, \leq \le, \leqslant \le, \geq \ge, \geqslant \ge, \neq \ne, <= \le, >= \ge, != \ne, == =, ** ^,
    @ \at, \lvert |, \rvert |, \vert |, \lVert \|, \rVert \|, \Vert \|, \tfrac \frac, \dfrac \frac, \cfrac \frac,
    \lbrace \{, \rbrace \}, \lbrack [, \rbrack ], \ast \cdot, \varepsilon \epsilon, \varphi \phi, \vartheta \theta, \varrho \rho,
    \lt <, \gt >, \mid |, \intercal \trans, \colon :, \prime '"""
)
_SCRIPTS = {c: ("_", d) for c, d in zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙₘₜ", "0123456789ijknmt", strict=True)} | {
    c: ("^", d) for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)
}
_ABS = (r"\operatorname", "{", "a", "b", "s", "}", "(")
_SPACES = r"""\left \right \middle \displaystyle \textstyle \scriptstyle \limits \nolimits \, \; \: \! \> ~ \quad \qquad \big \Big
\bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \nonumber \notag \mathstrut \thinspace \allowbreak \strut \mathrel
\mathbin \mathop"""
NOTHING = frozenset((*_SPACES.split(), "\\ "))
"""Signs that say nothing of what a formula means."""

_SIZED = frozenset({r"\left", r"\right", r"\middle"})
_OPENS, _CLOSES = frozenset("({["), frozenset(")}]")


def signs_of(text: str) -> list[Signed]:
    """The signs of a formula, without spaces and sizes.  Raises DeriveError where it is too long or nested too deep."""
    if len(text) > MAX_FORMULA:
        raise DeriveError(
            said(
                "The formula is too long: {count:,} characters, and at most {most:,} are read.", count=len(text), most=MAX_FORMULA
            ),
            Place(text.split("\n")[0][:200], 0, 1),
        )
    found: list[Signed] = []
    for match in _TOKEN.finditer(text):
        sign, span = match[0], match.span()
        if sign.isspace() or sign in NOTHING:
            continue
        if sign == "." and text[: span[0]].rstrip().endswith(tuple(_SIZED)):
            continue  # \right. closes nothing
        before = text[: span[0]].rstrip()
        if sign == r"\lvert" or (sign == "|" and before.endswith(r"\left")):  # which bar closes it, it says
            found += [Signed(part, span) for part in _ABS]
            continue
        if sign == r"\rvert" or (sign == "|" and before.endswith(r"\right")):
            found.append(Signed(")", span))
            continue
        if sign in _SCRIPTS:
            found += [Signed(part, span) for part in _SCRIPTS[sign]]
            continue
        sign = _UNICODE.get(sign, sign)
        sign = "\\" + LETTERS[sign] if sign in LETTERS else sign
        if sign == r"\trans":
            found += [Signed("^", span), Signed(r"\top", span)]
            continue
        if sign[0].isdigit():  # 17 159,5 in French
            sign = sign.replace("\\,", "").replace("\u202f", "").replace("{,}", ".").replace(",", ".")
        found.append(Signed(_ALIKE.get(sign, sign), span))
    if len(found) > MAX_SIGNS:
        raise fault(
            text, found[MAX_SIGNS].span, said("The formula is too long: it has more than {most:,} signs.", most=MAX_SIGNS)
        )
    _check_depth(text, found)
    return found


def _check_depth(text: str, found: list[Signed]) -> None:
    depth = 0
    for sign in found:
        depth += (sign.text in _OPENS) - (sign.text in _CLOSES)
        if depth > MAX_DEPTH:
            raise fault(
                text, sign.span, said("Too many brackets inside one another (at most {max_brackets}).", max_brackets=MAX_DEPTH)
            )


def fault(text: str, span: Span, message: str, hint: str = "", kind: type[DeriveError] = DeriveError) -> DeriveError:
    """What is wrong with a stretch of a formula."""
    return kind(message, place_in(text, span), hint)


def place_in(text: str, span: Span) -> Place:
    """A stretch of a text as a place: on the line on which it begins."""
    start = min(span[0], max(0, len(text) - 1))
    first = text.rfind("\n", 0, start) + 1
    line = text[first:].split("\n", 1)[0]
    end = min(max(span[1], start + 1), first + len(line))
    return Place(line, start - first, max(end - first, start - first + 1), text.count("\n", 0, start) + 1)
