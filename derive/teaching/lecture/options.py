"""What stands behind the options of a block: each reader makes a value of the text, or says what is expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from derive.errors import DeriveError, Place, said
from derive.graphs.tree import Number
from derive.language.at import read_values
from derive.language.numbers import read_number
from derive.language.parse import NAME
from derive.language.typed import Nested
from derive.teaching.blocks.iteration import Column
from derive.teaching.lecture.carried import computed, nested
from derive.teaching.lecture.desk import Desk
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.stepping import Update

Reader = Callable[[Any, Desk], Any]
"""From the text of an option, or yes and no as a boolean, to its value.  Raises DeriveError, with a place in the text."""


def read_option(directive: Directive, key: str, reader: Reader, desk: Desk) -> Any:
    """The value of an option, None where it is not given.  Raises DeriveError with its place in the lecture."""
    value = directive.options.get(key)
    try:
        return None if value is None else reader(value, desk)
    except DeriveError as error:
        place = directive.inside(error.place, key) if error.place is not None else directive.whole(key)
        raise DeriveError(said("{key}: {message}", key=key, message=error.message), place, error.hint) from None


def flag(value: Any, desk: Desk) -> bool:
    """yes or no."""
    if not isinstance(value, bool):
        raise DeriveError("yes or no is expected")
    return value


def word(value: Any, desk: Desk) -> str:
    """A name."""
    if not isinstance(value, str) or not value:
        raise DeriveError("a name is expected")
    return value


def words(value: Any, desk: Desk) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(w.strip() for w in word(value, desk).split(",") if w.strip())


_CALLED = re.compile(r"\s*(?P<name>[^{},]+?)\s*(?:\{(?P<words>[^{}]*)\}\s*)?(?:,|$)")


def called(value: Any, desk: Desk) -> dict[str, str]:
    """Names with commas between them, and what the page calls them: a, b {en: search, fr: recherche}."""
    text, found, end = word(value, desk), dict[str, str](), 0
    while end < len(text):
        one = _CALLED.match(text, end)
        if one is None:
            raise DeriveError(
                "Names are expected, with commas between them.",
                Place(text, end, len(text)),
                hint="For example: descent, chance {fr: hasard}",
            )
        said_here = dict(part.split(":", 1) for part in (one["words"] or "").split(",") if ":" in part)
        here = {lang.strip(): words.strip() for lang, words in said_here.items()}
        found[one["name"]] = here.get(desk.page.lang, "") or one["name"]
        end = one.end()
    return found


def own_name(value: Any, desk: Desk) -> str:
    """The name that a block gets, by which its numbers are called."""
    if not NAME.fullmatch(word(value, desk)):
        raise DeriveError(said("{word} is no name.", word=value), hint="A name is a word, such as run or step_1.")
    return str(value)


def one_of(known: Sequence[str]) -> Reader:
    """One of these words."""

    def read(value: Any, desk: Desk) -> str:
        if value not in known:
            raise DeriveError(said("one of {names} is expected", names=", ".join(known)))
        return str(value)

    return read


def order(value: Any, desk: Desk) -> int:
    """The order of a derivative."""
    if value not in ("1", "2"):
        raise DeriveError("1 or 2 is expected")
    return int(value)


def number(value: Any, desk: Desk) -> float:
    """A decimal number."""
    try:
        return float(read_number(str(value)).value)
    except ValueError:
        hint = "A decimal point is written '.'." if "," in str(value) else ""
        raise DeriveError("a number is expected", hint=hint) from None


def numbers(value: Any, desk: Desk) -> tuple[float, ...]:
    """Decimal numbers with commas between them."""
    return tuple(number(part.strip(), desk) for part in str(value).split(","))


def formulas(value: Any, desk: Desk) -> tuple[str, ...]:
    """Names and formulas with commas between them, those in brackets aside."""
    parts, depth = [""], 0
    for sign in word(value, desk):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return tuple(part.strip() for part in parts if part.strip())


def values(value: Any, desk: Desk) -> dict[str, Nested]:
    """Values for inputs: numbers, lists of them, and formulas over the numbers that blocks above have found."""

    def formula(text: str) -> Nested:
        return nested(computed(text.replace("{{", " (").replace("}}", ") "), desk.found))

    return read_values(word(value, desk), formula)


def whole(value: Any, desk: Desk) -> int:
    """A whole number, at least 1."""
    if not re.fullmatch("[0-9]{1,9}", str(value)) or not int(value):
        raise DeriveError("a whole number is expected, at least 1")
    return int(value)


_COLUMN = re.compile(rf"(grad\.)?({NAME.pattern})(?:\[([0-9, ]+)\])?")


def columns(value: Any, desk: Desk) -> tuple[Column, ...]:
    """Numbers of a state with commas between them: L, grad.w, w[0], W[0, 1]."""
    found = []
    for part in re.split(r",(?![^\[]*\])", word(value, desk)):
        one = _COLUMN.fullmatch(part.strip())
        if one is None:
            raise DeriveError(said("{word} is no number of a state.", word=part.strip()), hint="For example: w, w[0], grad.w, L")
        gradient, name, entry = one.groups()
        found.append(Column(name, gradient is not None, tuple(map(int, entry.split(","))) if entry else None))
    return tuple(found)


def loop(value: Any, desk: Desk) -> tuple[str, str]:
    """An output and the input that it is in the next step: h1 -> h0."""
    found = re.fullmatch(rf"\s*({NAME.pattern})\s*(?:->|→)\s*({NAME.pattern})\s*", word(value, desk))
    if found is None:
        raise DeriveError("an output and an input are expected", hint="For example: h1 -> h0")
    return found[1], found[2]


def tensor(value: Any, desk: Desk) -> Nested:
    """A number, a list of them, or a formula over the numbers that blocks above have found."""
    try:
        (found,) = values(f"seed={word(value, desk)}", desk).values()
    except DeriveError as error:
        if error.place is not None:
            error.place = replace(error.place, start=error.place.start - len("seed="), end=error.place.end - len("seed="))
        raise
    except ValueError:
        raise DeriveError("a number, or a list in [ ], is expected") from None
    return found


def updates(value: Any, desk: Desk) -> dict[str, Update]:
    """Formulas that move inputs: w = w - 0.1*grad.w, b = b - 0.1*grad.b, or with <- for =."""
    text = word(value, desk).replace("<-", "= ").replace("←", "=")
    found: dict[str, Update] = {}
    for name, formula in read_values(text, lambda typed: Number(Fraction(0), typed)).items():
        start = re.compile(rf"(?<!\w){re.escape(name)}\s*=\s*").search(text)
        if not isinstance(formula, Number) or start is None:
            raise DeriveError(said("{name} moves by a formula.", name=name), hint="For example: w = w - 0.1*grad.w")
        found[name] = Update(formula.text, start.end())
    return found
