"""Printed mathematics as it is read aloud, in words: for those who listen to a page instead of seeing it.

One function for each kind of layout; the words are in the tables of `tongues`.  What a bar, a root or an exponent holds together
is said with its end where it is more than one word, so that two formulas that differ are heard to differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from derive.notation.layout import Accent, Big, Cases, Fence, Frac, Grid, Layout, Root, Row, Script, Sign, row
from derive.notation.tongues import SIGNS, TONGUES, Tongue
from derive.notation.typed import read


@lru_cache(maxsize=8192)
def spoken(layout: Layout, lang: str = "en") -> str:
    r"""The formula in words.

    >>> spoken(read(r"\frac{\partial L}{\partial z_i} = p_i - y_i"))
    'the derivative of L with respect to z i is p i minus y i'
    >>> spoken(read(r"\frac{\partial L}{\partial z_i} = p_i - y_i"), "fr")
    'la dérivée de L par rapport à z indice i égale p indice i moins y indice i'
    """
    said = _Speaker(TONGUES.get(lang, TONGUES["en"])).say(layout)
    return re.sub(r"[ ,]+(?=[,;])", "", " ".join(said.split())).strip(" ,")


# ---------------------------------------------------------------- the kinds of layout


@dataclass(frozen=True)
class _Speaker:
    tongue: Tongue

    def say(self, layout: Layout) -> str:
        """One node and what is below it."""
        return _SAY[type(layout)](self, layout)

    def phrase(self, name: str, *parts: str) -> str:
        return self.tongue.phrases[name].format(*parts)

    def sign(self, sign: Sign) -> str:
        code = sign.latex.strip()
        if code in self.tongue.signs:
            return self.tongue.signs[code]
        if number := re.fullmatch(r"(-?)(\d[\d.]*)(?:\{,\}(\d+))?", re.sub(r"(?<=\d)\\,(?=\d)", "", code)):
            minus, whole, decimals = number.groups()
            return f"{self.tongue.signs['-'] + ' ' if minus else ''}{whole}{',' + decimals if decimals else ''}"
        if code == r"\mathbf{1}":
            return self.phrase("ones")
        if re.fullmatch(r"\\(?:mathrm|mathbf|operatorname|text\w*)\{.*\}", code) and not re.search(r"\\[A-Za-z]", code[1:]):
            return sign.text.strip()
        if re.fullmatch(r"\\(Alpha|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)", code):
            return self.phrase("capital", self._letter(code[1:].lower()))
        if code in ("", r"\,", r"\:", r"\!", r"\ ", "~", "{}"):
            return ""
        if code in (",", ";", r"\;", r"\quad", r"\qquad", ":"):
            return ","
        if re.fullmatch(r"\\[A-Za-z]+", code):
            return self._letter(code[1:].removeprefix("var"))
        inside = read(code)
        return code.strip("\\") if inside == Sign(code, code) or isinstance(inside, Sign) else self.say(inside)

    def _letter(self, name: str) -> str:
        return self.tongue.letters.get(name, name)

    def row(self, layout: Row) -> str:
        items, out, k = layout.items, list[str](), 0
        while k < len(items):
            said, k = self.next(items, k)
            out.append(said)
        return " ".join(filter(None, out))

    def next(self, items: Sequence[Layout], k: int) -> tuple[str, int]:
        """What the item `k` of a row says, with the one after it where both belong together."""
        item = items[k]
        after = items[k + 1] if k + 1 < len(items) else None
        match item, after:
            case Frac(top, bottom), Fence(body) if _is(top, r"\partial") and (by := _behind(bottom, r"\partial")):
                return self.phrase("slope", self.say(by), self.say(Fence(body, "[", "]") if _long(body) else body)), k + 2
            case Sign(r"\mathbf{1}"), Fence(body, "["):
                return self.phrase("indicator", self.say(body)), k + 2
            case ((Sign() | Script(Sign()) | Accent()), Fence(body, "(")) if _is_function(item):
                return self.phrase("long of" if _long(body) else "of", self.say(item), self.say(body)), k + 2
            case Sign(code), _ if _is_function(item) and after is not None and code.startswith("\\"):
                return self.phrase("of", self.say(item), ""), k + 1
        return self.say(item), k + 1

    def script(self, layout: Script) -> str:
        base, sub, sup = layout.base, layout.sub, layout.sup
        if _is(base, r"\nabla") and sub is not None:
            return self.phrase("hessian" if sup is not None else "gradient", self.say(sub))
        if _is(base, r"\nabla^2") and sub is not None:
            return self.phrase("hessian", self.say(sub))
        said = self.say(base)
        if sub is not None:
            said = self.phrase("long index" if _compound(sub) else "index", said, self.say(sub))
        return said if sup is None else self.raised(said, sup)

    def raised(self, base: str, sup: Layout) -> str:
        if isinstance(sup, Row) and any(_is(item, r"\top") for item in sup.items[1:]):
            return self.raised(self.raised(base, row(*sup.items[:-1])), sup.items[-1])
        for code, name in (("2", "squared"), ("3", "cubed")):
            if _is(sup, code):
                return self.phrase(name, base)
        if any(_is(sup, code) for code in (r"\top", "T", "'", r"\prime", "*", r"\ast", r"\star")):
            return self.phrase("marked", base, self.tongue.signs[r"\top"] if _is(sup, "T") else self.say(sup))
        if isinstance(sup, Sign) and (layer := re.fullmatch(r"\((\w+)\)", sup.latex.strip())):
            return self.phrase("layer", base, layer[1])
        if isinstance(sup, Fence):
            return self.phrase("layer", base, self.say(sup.body))
        return self.phrase("long power" if _compound(sup) else "power", base, self.say(sup))

    def fraction(self, layout: Frac) -> str:
        top, bottom = layout.top, layout.bottom
        by = _behind(bottom, r"\partial")
        if by is not None:
            for code in (r"\partial^2", (r"\partial", "2")):
                if (of := _behind(top, code)) is not None:
                    return self.phrase("second", self.say(of), self._twice(by))
            if (of := _behind(top, r"\partial")) is not None:
                return self.phrase("derivative", self.say(of), self.say(by))
            if _is(top, r"\partial"):
                return self.phrase("by", self.say(by))
        simple = not (_compound(top) or _compound(bottom))
        return self.phrase("over" if simple else "fraction", self.say(top), self.say(bottom))

    def _twice(self, by: Layout) -> str:
        """What a second derivative is by: x and y of ∂x∂y, x of ∂x²."""
        if isinstance(by, Row):
            place = next((k for k, item in enumerate(by.items) if _is(item, r"\partial")), None)
            if place is not None:
                return self.phrase("and", self.say(row(*by.items[:place])), self.say(row(*by.items[place + 1 :])))
        return self.say(
            Script(by.base, by.sub)
            if isinstance(by, Script) and by.sub is not None
            else by.base
            if isinstance(by, Script)
            else by
        )

    def root(self, layout: Root) -> str:
        return self.phrase("long root" if _compound(layout.body) else "root", self.say(layout.body))

    def fence(self, layout: Fence) -> str:
        left = layout.left if layout.left in self.tongue.phrases else "("
        return self.phrase(left, self.say(layout.body))

    def big(self, layout: Big) -> str:
        name = layout.sign.latex.strip().lstrip("\\")
        known = next((kind for kind in ("sum", "prod", "int", "max", "min", "lim") if name == kind), "big")
        return self.phrase(known, self.say(layout.under), self.say(layout.sign))

    def accent(self, layout: Accent) -> str:
        return f"{self.say(layout.base)} {self.tongue.accents[layout.kind]}"

    def cases(self, layout: Cases) -> str:
        return self.phrase("cases", ", ".join(f"{self.say(value)}, {self.say(condition)}" for value, condition in layout.rows))

    def grid(self, layout: Grid) -> str:
        return self.phrase("matrix", "; ".join(", ".join(map(self.say, line)) for line in layout.rows))


_SAY: Mapping[type, Callable[[_Speaker, Any], str]] = {
    Sign: _Speaker.sign,
    Row: _Speaker.row,
    Script: _Speaker.script,
    Frac: _Speaker.fraction,
    Root: _Speaker.root,
    Fence: _Speaker.fence,
    Big: _Speaker.big,
    Accent: _Speaker.accent,
    Cases: _Speaker.cases,
    Grid: _Speaker.grid,
}

# ---------------------------------------------------------------- what a layout is


def _is(layout: Layout, code: object) -> bool:
    """Whether a layout is this sign, or this sign with this superscript."""
    if isinstance(code, tuple):
        return isinstance(layout, Script) and _is(layout.base, code[0]) and layout.sup is not None and _is(layout.sup, code[1])
    return isinstance(layout, Sign) and layout.latex.strip() == code


def _behind(layout: Layout, code: object) -> Layout | None:
    """What stands behind a sign that a row begins with."""
    return row(*layout.items[1:]) if isinstance(layout, Row) and _is(layout.items[0], code) else None


def _parts(layout: Layout) -> list[Layout]:
    """The parts of a row that say something."""
    items = layout.items if isinstance(layout, Row) else (layout,)
    return [item for item in items if not (isinstance(item, Sign) and item.latex.strip() in ("", r"\,", "{}"))]


def _compound(layout: Layout) -> bool:
    """Whether a layout is more than a word or a run of letters, so that its end has to be said."""
    parts = _parts(layout)
    if parts and _is(parts[0], "-"):
        parts = parts[1:]
    if all(isinstance(part, Sign) and re.fullmatch(r"\w|\\[A-Za-z]+", part.latex.strip()) for part in parts):
        return any(part.latex.strip() in SIGNS for part in parts if isinstance(part, Sign)) and len(parts) > 1
    if len(parts) != 1:
        return True
    return isinstance(parts[0], Frac | Big | Row | Cases | Grid)


def _long(layout: Layout) -> bool:
    """Whether the arguments of a function need their brackets said."""
    return len(_parts(layout)) > 1 or isinstance(layout, Frac)


_FUNCTION = re.compile(
    r"\\(operatorname\*?\{.*\}|arccos|arcsin|arctan|arg|cos|cosh|cot|coth|csc|deg|det|dim|exp|gcd|hom|inf|ker|lg|ln|log|max|min|Pr|sec|"
    r"sin|sinh|sup|tan|tanh|sigma|phi|varphi|Phi|Psi)|[fghFGH]"
)


def _is_function(item: Layout) -> bool:
    """Whether brackets behind this hold its arguments."""
    sign = item.base if isinstance(item, Script | Accent) else item
    return isinstance(sign, Sign) and _FUNCTION.fullmatch(sign.latex.strip()) is not None
