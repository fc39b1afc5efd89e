"""Ways to write a formula that mean the same, or that could mean something else: spaces, brackets, signs, names of indices.

A variation of a right answer is right, or cannot be read; a variation of a wrong answer is wrong, or cannot be read.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

Change = Callable[[str, random.Random], str]


def _spaces(text: str, draw: random.Random) -> str:
    """Spaces where TeX sees none, and signs that only take place."""
    gaps = ("", " ", "  ", r"\,", r"\;", "~", r"\ ")
    parts = re.split(r"( )", text)
    return "".join(draw.choice(gaps[1:]) if part == " " else part for part in parts)


def _tight(text: str, _: random.Random) -> str:
    """No spaces but those that end a command."""
    return re.sub(r"(?<![A-Za-z]) | (?![A-Za-z])", "", text)


def _braces(text: str, draw: random.Random) -> str:
    """x_i as x_{i}, x_{ij} as x_{i j}, x^2 as x^{2}."""
    found = re.sub(r"([_^])([A-Za-z0-9])(?![A-Za-z0-9])", r"\1{\2}", text)
    return re.sub(r"_\{([a-z])([a-z])\}", lambda m: f"_{{{m[1]}{draw.choice([' ', ',', ', '])}{m[2]}}}", found)


def _sized(text: str, draw: random.Random) -> str:
    """Brackets that grow."""
    left, right = draw.choice([(r"\left", r"\right"), (r"\bigl", r"\bigr"), (r"\Big", r"\Big")])
    return re.sub(r"[()]", lambda m: (left if m[0] == "(" else right) + m[0], text)


def _dots(text: str, draw: random.Random) -> str:
    """A sign between a number and what stands behind it."""
    sign = draw.choice([r" \cdot ", r" \times ", " * "])
    return re.sub(r"(?<=[0-9]) (?=[a-z\\(])", lambda _: sign, text)


def _unicode(text: str, _: random.Random) -> str:
    """The characters for what has one."""
    for sign, character in ((r"\sum", "∑"), (r"\delta", "δ"), (r"\sigma", "σ"), (r"\cdot", "·"), (r"\lambda", "λ"), ("-", "−")):
        text = text.replace(sign, character)
    return text


def _letters(text: str, draw: random.Random) -> str:
    """Another letter for an index that is summed over."""
    bound = re.search(r"\\sum_\{?([a-z])\b", text)
    other = next((x for x in draw.sample("qruvm", 5) if x not in re.findall(r"[a-z]", text)), "")
    if bound is None or not other:
        return text
    inside = re.sub(r"_\{[a-z, ]+\}", lambda m: m[0].replace(bound[1], other), text)
    return re.sub(rf"(?<![A-Za-z\\]){bound[1]}(?![A-Za-z(])", other, inside)


def _fractions(text: str, draw: random.Random) -> str:
    return text.replace(r"\frac", draw.choice([r"\dfrac", r"\tfrac", r"\cfrac"]))


def _around(text: str, draw: random.Random) -> str:
    """Something that changes nothing."""
    return draw.choice(
        ["({}) + 0", r"1 \cdot ({})", r"\left[ {} \right]", r"\frac{{{}}}{{1}}", r"-\left( -({}) \right)", "{{{}}}"]
    ).format(text)


def _faces(text: str, draw: random.Random) -> str:
    """A letter in bold, or in roman type."""
    face = draw.choice([r"\mathbf", r"\boldsymbol", r"\mathrm", r"\bm"])
    return re.sub(r"(?<![A-Za-z\\{])([xwpz])(?=_)", lambda m: f"{face}{{{m[1]}}}", text)


def _unclosed(text: str, draw: random.Random) -> str:
    """One bracket less."""
    places = [m.start() for m in re.finditer(r"[(){}\[\]]", text)]
    at = draw.choice(places) if places else 0
    return text[:at] + text[at + 1 :] if places else text + ")"


def _glued(text: str, draw: random.Random) -> str:
    """What stands apart, together: x_i y_i as x_iy_i."""
    return re.sub(r"(?<=[a-z0-9}]) (?=[a-z(])", "", text)


SAME: tuple[Change, ...] = (_spaces, _braces, _sized, _dots, _unicode, _letters, _fractions, _around, _faces)
"""Changes that leave a formula what it is."""

ODD: tuple[Change, ...] = (_unclosed, _glued, _tight)
"""Changes after which it may be no formula."""


def variations(text: str, count: int, seed: str) -> Iterator[str]:
    """So many ways to write a formula."""
    draw = random.Random(f"{seed} {text}")
    for k in range(count):
        changes = draw.sample(SAME, draw.randint(1, 3))
        if k % 3 == 0:
            changes.append(draw.choice(ODD))
        found = text
        for change in changes:
            found = change(found, draw)
        yield found
