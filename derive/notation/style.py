"""How names, numbers and operators are written: what depends on the language and on the index base."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from derive.notation.layout import TIMES, Accent, Layout, Script, Sign, row
from derive.notation.pieces import POWER, PRODUCT_LEVEL, Piece

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
SHORT = {"lam": "lambda", "eps": "epsilon"}
"""Greek letters by a name that is no word of Python, or shorter."""
LETTERS = {sign: name for name, sign in GREEK.items()}
_ITALIC = {"Sigma": "𝛴", "Pi": "𝛱"}
"""Tensors whose letters in text would else be those of a sum and of a product."""


@dataclass(frozen=True)
class Style:
    """Conventions of a page.

    `lang` chooses the decimal sign, `index_base` what the first entry of an axis is called, `digits` how many significant
    digits a rounded value shows; `when` and `otherwise` are the words of a definition by cases.
    """

    lang: str = "en"
    index_base: int = 1
    digits: int = 4
    when: str = "if"
    otherwise: str = "otherwise"

    @property
    def decimal_sign(self) -> str:
        return "." if self.lang == "en" else _decimal_sign(self.lang)

    def number(self, digits: str) -> Sign:
        """A decimal number as typed or computed (`-4.10`), in the signs of the language.

        Where a language parts thousands by a space, one of five digits or more is parted, before its decimal sign.
        """
        if self.decimal_sign == ".":
            return Sign(digits, digits.replace("-", "−"))
        whole, point, decimals = digits.partition(".")
        if _parts_by_space(self.lang) and len(whole.lstrip("-")) > 4:
            whole = f"{int(whole):,}"
        code = f"{whole.replace(',', THIN)}{f'{{{self.decimal_sign}}}' if point else ''}{decimals}"
        return Sign(code, f"{whole.replace('-', '−').replace(',', THIN_SPACE)}{self.decimal_sign if point else ''}{decimals}")

    @property
    def separator(self) -> Sign:
        """Between coordinates: a comma, or a semicolon where the comma is the decimal sign."""
        return Sign(", ", ", ") if self.decimal_sign == "." else Sign(r";\ ", "; ")


THIN, THIN_SPACE = r"\,", "\u202f"


@cache
def _parts_by_space(lang: str) -> bool:
    from babel.numbers import get_group_symbol

    return get_group_symbol(lang).isspace()


@cache
def _decimal_sign(lang: str) -> str:
    from babel.numbers import get_decimal_symbol

    return get_decimal_symbol(lang)


_ACCENTED = re.compile(r"(.+?)_?(hat|bar|tilde)$")
_NUMBERED = re.compile(r"(.*?[^\d_])_?(\d+)$")
_SUBSCRIPTED = re.compile(r"(.+?)_(.+)$")


def letter(name: str) -> Layout:
    """A name without scripts: one letter, a Greek letter, or a word set upright."""
    if name in GREEK or name in LETTERS or name in SHORT:
        greek = LETTERS.get(name) or SHORT.get(name, name)
        return Sign(rf"\{greek}", _ITALIC.get(greek, GREEK[greek]))
    if len(name) == 1:
        return Sign(name, name)
    return Sign(rf"\mathrm{{{name.replace('_', ' ')}}}", name)


@lru_cache(maxsize=4096)
def name_layout(name: str, rank: int = 0) -> Layout:
    """A name as mathematics: `x_hat` is x with a hat, `W_h` has a subscript, `w1` is w₁ and the tensor `W1` is W⁽¹⁾."""
    if name not in GREEK:
        if found := _ACCENTED.fullmatch(name):
            return Accent(found[2], name_layout(found[1], rank))
        if found := _NUMBERED.fullmatch(name):
            number = Sign(f"({found[2]})", f"({found[2]})") if rank else Sign(found[2], found[2])
            base = name_layout(found[1])
            if isinstance(base, Script):
                return Script(base.base, base.sub, number) if rank else Script(base.base, row(base.sub or Sign("", ""), number))
            return Script(base, None, number) if rank else Script(base, number)
        if found := _SUBSCRIPTED.fullmatch(name):
            return Script(letter(found[1]), letter(found[2]))
    return letter(name)


def decimal(value: Fraction) -> str | None:
    """A fraction as a finite decimal (`-3.4`), or None if it has none or a long one.

    >>> from fractions import Fraction
    >>> decimal(Fraction(1, 8)), decimal(Fraction(1, 3))
    ('0.125', None)
    """
    rest, shift = value.denominator, 0
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
            shift += 1
    if rest != 1 or shift > 60:
        return None
    places = next(k for k in range(shift + 1) if (value * 10**k).denominator == 1)
    whole = value * 10**places
    sign, digits = ("-" if whole < 0 else ""), str(abs(whole.numerator)).zfill(places + 1)
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def power_of_ten(exponent: int) -> Layout:
    """10⁻⁵ for -5."""
    return Script(Sign("10", "10"), None, Sign(str(exponent), str(exponent).replace("-", "−")))


def typed(digits: str, style: Style) -> Piece:
    """A positive number with its digits as typed; what follows an e is a power of ten: 2.5e-3 is 2.5 · 10⁻³.

    >>> from derive.notation.layout import text
    >>> [text(typed(digits, Style()).layout) for digits in ("0.30", ".5", "1e-5", "2.5E3")]
    ['0.30', '0.5', '10⁻⁵', '2.5 · 10³']
    """
    mantissa, _, exponent = digits.lower().partition("e")
    mantissa = f"0{mantissa}" if mantissa.startswith(".") else mantissa.removesuffix(".")
    if not exponent:
        return Piece(style.number(mantissa))
    ten = power_of_ten(int(exponent))
    if Fraction(mantissa) == 1:
        return Piece(ten, POWER)
    return Piece(row(style.number(mantissa), TIMES, ten), PRODUCT_LEVEL)
