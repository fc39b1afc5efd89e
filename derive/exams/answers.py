"""Answers as students write them: numbers in any locale, tensors, letters.  Nothing is evaluated."""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 2000
"""The characters of an answer that is read."""

_NUMBER = re.compile(r"([+-]?)([0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE]([+-]?[0-9]{1,3}))?(?:/([0-9]{1,40}))?")
_POWER = re.compile(r"(?:^([+-]?)|(?:\*|×|·|x|\\times|\\cdot))10(?:\^|\*\*)\{?([+-]?[0-9]{1,3})\}?$")
_APART = re.compile(r"[0-9][\s\u00a0\u202f']+[0-9]")
_GROUPED = re.compile(r"[^0-9]*[0-9]{1,3}(?:[\s\u00a0\u202f'][0-9]{3})+(?:[.,][0-9]+)?[^0-9]*")
_MINUS = str.maketrans(dict.fromkeys("−–—‒﹣－", "-"))
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


class Unread(ValueError):
    """What is no number, or could be two."""


def number(text: str, comma: bool = False) -> Fraction:
    """The number that a text is.  A comma is a decimal sign; where it may as well part thousands (1,234) it is neither, unless
    the locale has the decimal `comma`.

    Raises Unread for anything else.

    >>> number("-0,25"), number("1/3"), number("2.5e-3"), number("−3"), number("1 234,5"), number("2·10⁻³")
    (Fraction(-1, 4), Fraction(1, 3), Fraction(1, 400), Fraction(-3, 1), Fraction(2469, 2), Fraction(1, 500))
    """
    plain = re.sub(r"(?<=10)[⁻⁺⁰¹²³⁴-⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPT), text.translate(_MINUS))
    if _APART.search(plain) and not _GROUPED.fullmatch(plain.strip()):
        raise Unread(text)
    plain = re.sub(r"[\s\u00a0\u202f']", "", plain).strip("$").replace("{,}", ",").removeprefix("=").removeprefix("≈")
    power = 0
    if found := _POWER.search(plain):
        power, plain = int(found[2]), plain[: found.start()] or f"{found[1] or ''}1"
    if plain.count(",") == 1 and "." not in plain:
        if not comma and re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", plain):
            raise Unread(text)
        plain = plain.replace(",", ".")
    read = _NUMBER.fullmatch(plain)
    if read is None or (read[4] and not int(read[4])):
        raise Unread(text)
    value = Fraction(read[2]) / int(read[4] or 1) * Fraction(10) ** (int(read[3] or 0) + power)
    return -value if read[1] == "-" else value


def numbers(text: str, count: int, comma: bool = False) -> list[Fraction]:
    """So many numbers, with semicolons, commas and spaces, or rows of them between them.  Raises Unread where they are not."""
    if len(text) > LONGEST:
        raise Unread(text[:40])
    if count == 1:
        return [number(re.sub(r"^\s*[\[(]|[\])]\s*$", "", text), comma)]
    bare = re.sub(r"[\[\](){}]|\\(?:begin|end)\{\w+\}|\\left|\\right", " ", text.replace("{,}", ","))
    for between in (r"[;\n&]|\\\\", r",(?=\s)|[;\n]", r",", r"[\s;,]+(?=[-+−0-9.])"):
        parts = [part for part in re.split(between, bare) if part.strip()]
        if len(parts) == count:
            try:
                return [number(part.strip().strip(","), comma or "," in between) for part in parts]
            except Unread:
                continue
    raise Unread(text[:40])


def letters(text: str) -> list[str]:
    """The letters of options, in their order: `b`, `(c)`, `c, a, b`, `cab`; none where other words stand there."""
    plain = re.sub(r"[\s,;.:()\[\]<>→-]", "", text[:LONGEST].lower())
    return list(plain) if re.fullmatch("[a-z]{1,26}", plain) else []
