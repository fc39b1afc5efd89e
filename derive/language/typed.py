"""Numbers for inputs, exact and as typed: read from text, or taken from Python.

The text is `s=[2.3, 4.1, -2.1], t=0`: a number, or lists of numbers, for every name.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from derive.errors import DeriveError, Place, said
from derive.graphs.tree import Number
from derive.language.numbers import LITERAL, MAX_DIGITS, in_range, read_number

MAX_TEXT = 1_000_000
MAX_DEPTH = 8
_LISTS = "Numbers have a decimal point and commas between them, and each row its own brackets: [[2.3, 1], [4, 5]]."

Nested = Number | tuple["Nested", ...]

Formula = Callable[[str], Nested]
"""What a formula comes to; its mistakes have their places in its text."""


# ---------------------------------------------------------------- text

_TOKEN = re.compile(
    rf"\s*(?:(?P<number>[-+]?{LITERAL}(?:/[0-9]+)?(?![\w.]))|(?P<digits>\d[\w.]*)|(?P<infinite>[-+]?(?i:nan|inf|infinity)\b)"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>.))",
    re.DOTALL,
)


def read_values(text: str, formula: Formula | None = None) -> dict[str, Nested]:
    """`name=value` pairs, between commas, semicolons or line ends; a value may be a `formula` where one is read.

    >>> {name: value.value for name, value in read_values("w=0.1, t=3").items()}
    {'w': Fraction(1, 10), 't': Fraction(3, 1)}
    """
    if len(text) > MAX_TEXT:
        raise DeriveError(
            said(
                "The values are too long: {count:,} characters, and at most {max_text:,} are read.",
                count=len(text),
                max_text=MAX_TEXT,
            )
        )
    return _ValueReader(text, formula).pairs()


class _ValueReader:
    """The text of values, cut into words."""

    def __init__(self, text: str, formula: Formula | None) -> None:
        self.text, self.formula = text, formula
        found = ((m, m.lastgroup or "") for m in _TOKEN.finditer(text.rstrip()))
        self.words = [(kind, match[kind], match.start(kind)) for match, kind in found]
        self.at = 0

    def pairs(self) -> dict[str, Nested]:
        """Each name with its value, to the end of the text.  Raises DeriveError, pointing at the word."""
        found: dict[str, Nested] = {}
        while self.at < len(self.words):
            kind, name, _ = self.words[self.at]
            if kind != "name":
                raise self.not_a_name(kind, found)
            if name in found:
                raise self.error(said("{name} is given twice.", name=name))
            self.at += 1
            self.take("=", f"A = is expected after {name}.")
            found[name] = self.value(0)
            if self.at < len(self.words) and not (self.peek() in (",", ";") or self._new_line()):
                raise self.error("A comma is expected between values.")
            self.at += self.peek() in (",", ";")
        return found

    def not_a_name(self, kind: str, found: dict[str, Nested]) -> DeriveError:
        """The mistake of a word that begins no pair: behind a number and a comma, more digits are its decimals, or a list's."""
        name, number = next(reversed(found.items()), ("", ()))
        if kind != "number" or not isinstance(number, Number) or self.words[self.at - 1][1] != ",":
            hint = "Write a list in brackets: s=[1, 2]." if kind == "number" else "Write values as s=[2.3, 4.1, -2.1], t=0."
            return self.error("A name is expected here.", hint)
        whole, more = number.text, self.words[self.at][1]
        return self.error(
            "A name is expected here: the decimal sign is a point.",
            said(
                "Write {name}={whole}.{more}, or a list in brackets: {name}=[{whole}, {more}].", name=name, whole=whole, more=more
            ),
        )

    def value(self, depth: int) -> Nested:
        """The number or list that begins here, inside so many others.  Raises DeriveError, pointing at the word."""
        if self.at >= len(self.words):
            raise self.error("A value is missing here.", "Write a number, or a list in [ ].")
        if self.formula and (end := self.end_of_formula()):
            return self.computed(self.formula, end)
        kind, word, _ = self.words[self.at]
        if kind == "number":
            return self.number(word)
        if word != "[" or depth >= MAX_DEPTH:
            if kind == "infinite":
                raise self.error(said("{word} is not a number.", word=word), "Every value is a finite number.")
            if kind == "digits":
                raise self.error(
                    said("A number is expected here, and {word} is none.", word=word),
                    "Numbers are decimal: 3, -0.5, 1e-5, 2/3, with the digits 0 to 9.",
                )
            message = "A number is expected here." if word != "[" else "Too many lists inside one another."
            raise self.error(message, "Write a number, or a list in [ ].")
        self.at += 1
        items: list[Nested] = []
        while self.peek() != "]":
            items.append(self.value(depth + 1))
            if self.peek() != "]":
                self.take(",", "A comma or ] is expected here.", _LISTS)
        self.at += 1
        if not items:
            self.at -= 1
            raise self.error("The list is empty.", "An axis has one entry at least.")
        return tuple(items)

    def end_of_formula(self) -> int:
        """The word that ends the formula that begins here; 0 where a number or a list does."""
        depth, end = 0, self.at
        for end in range(self.at, len(self.words) + 1):
            kind, word, _ = self.words[end] if end < len(self.words) else ("sign", ";", 0)
            depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
            pair = kind == "name" and end > self.at and [w for _, w, _ in self.words[end + 1 : end + 3]][:1] == ["="]
            if depth < 0 or (depth == 0 and word in (",", ";")) or (pair and not depth):
                break
        kinds = {kind for kind, _, _ in self.words[self.at : end]} - {"infinite"}
        return end if kinds & {"name", "sign"} and self.peek() != "[" else 0

    def computed(self, formula: Formula, end: int) -> Nested:
        """The value of the formula up to a word.  Raises DeriveError, pointing into it."""
        start = self.words[self.at][2]
        stop = self.words[end][2] if end < len(self.words) else len(self.text)
        try:
            found = formula(self.text[start:stop].rstrip())
        except DeriveError as error:
            if error.place is not None:
                error.place = self.place(start + error.place.start, error.place.end - error.place.start)
            raise
        self.at = end
        return found

    def number(self, word: str) -> Number:
        top, _, bottom = word.lstrip("+").partition("/")
        try:
            number = read_number(top)
            if bottom:
                number = Number(number.value / read_number(bottom).value, f"{top}/{bottom}")
        except ValueError as error:
            raise self.error(error.args[0]) from None
        except ZeroDivisionError:
            raise self.error("A division by zero is not a number.") from None
        self.at += 1
        return number

    def peek(self) -> str:
        return self.words[self.at][1] if self.at < len(self.words) else ""

    def take(self, sign: str, message: str, hint: str = "") -> None:
        if self.peek() != sign:
            raise self.error(message, hint)
        self.at += 1

    def _new_line(self) -> bool:
        return "\n" in self.text[self.words[self.at - 1][2] : self.words[self.at][2]]

    def error(self, message: str, hint: str = "") -> DeriveError:
        """The mistake, at the next word, or just after the last."""
        _, word, start = self.words[self.at] if self.at < len(self.words) else ("", " ", len(self.text.rstrip()))
        return DeriveError(message, self.place(start, len(word)), hint)

    def place(self, start: int, width: int) -> Place:
        before = self.text[:start]
        first = before.rfind("\n") + 1
        line = self.text[first:].split("\n", 1)[0]
        return Place(line, start - first, start - first + width, before.count("\n") + 1)


# ---------------------------------------------------------------- values of Python


def exact_numbers(name: str, value: Any, depth: int = 0) -> tuple[Nested, bool]:
    """Any number or nested sequence as exact numbers, and whether some of it was in floating point."""
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        array = _array(name, value)
        value = tuple(array) if array.ndim else array[()]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        if depth > MAX_DEPTH:
            raise DeriveError(
                said(
                    "The lists given for {name} are too deep: at most {max_depth} stand inside one another.",
                    name=name,
                    max_depth=MAX_DEPTH,
                )
            )
        parts = [exact_numbers(name, part, depth + 1) for part in value]
        if not parts:
            raise DeriveError(said("The list given for {name} is empty.", name=name), hint="An axis has one entry at least.")
        return tuple(part for part, _ in parts), any(rounded for _, rounded in parts)
    return _number(name, value), isinstance(value, (float, np.floating)) or hasattr(value, "_mpf_")


def exact_array(name: str, value: Any) -> Any:
    """Any number or nested sequence as an array of fractions.  Raises DeriveError where it is ragged."""
    nested, _ = exact_numbers(name, value)

    def shape(part: Nested) -> tuple[int, ...]:
        if isinstance(part, Number):
            return ()
        inner = {shape(item) for item in part}
        if len(inner) > 1:
            raise DeriveError(said("The lists of {name} have different lengths.", name=name))
        return (len(part), *inner.pop())

    found = np.empty(shape(nested), dtype=object)
    for entry in np.ndindex(found.shape):
        part = nested
        for k in entry:
            assert isinstance(part, tuple)
            part = part[k]
        assert isinstance(part, Number)
        found[entry] = part.value
    return found


def _array(name: str, value: Any) -> Any:
    """What NumPy makes of an array of its own, of PyTorch, pandas …  Raises DeriveError where an entry would be lost."""
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (ArithmeticError, AttributeError, BufferError, LookupError, RuntimeError, TypeError, ValueError) as error:
        message = said("The value of {name} cannot be read as an array of NumPy: {error}", name=name, error=error)
        raise DeriveError(message, hint="Give it as a float64 array in the memory of the processor.") from None
    if np.ma.getmaskarray(value).any() if isinstance(value, np.ma.MaskedArray) else False:
        raise DeriveError(
            said("Some entries of {name} are masked.", name=name), hint="Every entry is a number: fill them, or leave them out."
        )
    return array


def _number(name: str, value: Any) -> Number:
    """One number, exact: a float is the decimal number that it prints as."""
    if isinstance(value, Number):
        return value
    try:
        if isinstance(value, (bool, np.bool_, np.timedelta64)):
            raise ValueError(said("{word} is not a number.", word=value))
        if isinstance(value, numbers.Rational):
            exact = Fraction(int(value.numerator), int(value.denominator))
            number = Number(in_range(exact, "it"), str(exact))
        elif isinstance(value, (float, np.floating, Decimal)):
            if not math.isfinite(value):
                raise ValueError(said("{word} is not a number.", word=value))
            number = read_number(str(value))
        elif isinstance(value, str) or hasattr(value, "_mpf_"):  # those of mpmath, SymPy and a run, with digits
            text = str(value).strip()
            number = read_number(text if isinstance(value, str) or len(text) <= MAX_DIGITS else _short(value))
        else:
            raise ValueError(said("a {kind} is not a number.", kind=type(value).__name__))
    except (ValueError, OverflowError) as error:
        raise DeriveError(
            said("The value of {name} cannot be read: {error}", name=name, error=error.args[0]),
            hint="Every value is a finite number.",
        ) from None
    return number


def _short(value: Any) -> str:
    """A number of more digits than are read, as a decimal of fewer."""
    negative, digits, exponent, _ = value._mpf_
    return str(arb((-int(digits) if negative else int(digits), int(exponent))).str(MAX_DIGITS - 8, radius=False))
