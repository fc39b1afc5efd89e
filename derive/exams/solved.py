"""A part solved at a state: the key and the wrong answers, as numbers or terms, and when two of them differ for certain."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.exams.item import Slip, Value
from derive.exams.mistakes import NAMED, Wrong
from derive.notation.style import Style
from derive.teaching.blocks.numbers import digits_of, number
from derive.teaching.document import inlines
from derive.teaching.page import Page
from derive.values.precision import DomainError, Undecided
from derive.values.real import real
from derive.values.run import Run


@dataclass(frozen=True)
class Ask:
    """What a part asks: its kind, of which tensor, for how many marks, and whether answers are chosen from."""

    kind: str
    name: str
    marks: Fraction = Fraction(1)
    choices: bool = False


@dataclass(frozen=True)
class Solved:
    """The key of a part at one state, and the wrong answers with the mistakes that lead to them, all different from it.

    They are arrays of exact numbers, derivations, or what else the kind of the part makes of them.
    """

    key: Any
    wrong: tuple[tuple[str, Any], ...]


class Unfit(Exception):
    """A state in which something cannot be asked, and why, in a word of `states.REASONS`."""


def told(value: Any, digits: int) -> tuple[str, Fraction, bool]:
    """A number as it is asked for: its digits, a unit of the last of them, and whether they are the number itself.

    A rounded number is met within that unit, so that who rounds the last digit the other way is right.

    >>> told(Fraction(5, 2), 4), told(Fraction(1, 3), 4)
    (('2.5', Fraction(0, 1), True), ('0.3333', Fraction(1, 10000), False))
    """
    text, power, exact = digits_of(value, Style("en", 1, digits, "", ""), digits + 2)
    if exact:
        return text, Fraction(0), True
    places = len(text.partition(".")[2]) - power
    unit = Fraction(1) / Fraction(10) ** places if Fraction(text) else Fraction(0)
    return f"{text}e{power}" if power else text, unit, False


def numbers_of(value: Any) -> Any:
    """The numbers of an array, in one row."""
    return np.ravel(np.asarray(value, dtype=object))


def differ(a: Any, b: Any, tolerance: Fraction = Fraction(0)) -> bool:
    """Whether two arrays of numbers differ, for certain, by more than this somewhere: their balls lie apart."""
    first, second = numbers_of(a), numbers_of(b)
    if first.shape != second.shape:
        return True
    least = real(tolerance)
    return any(bool(abs(real(x) - real(y)) > least) for x, y in zip(first, second, strict=True))


def is_zero(value: Any) -> bool:
    """Whether no number of an array is known to differ from 0."""
    return not any(differ(x, 0) for x in numbers_of(value))


def told_apart(a: Any, b: Any, digits: int) -> bool:
    """Whether two answers differ by more than what is allowed for both."""
    return differ(a, b, 2 * max(told(x, digits)[1] for x in (*numbers_of(a), *numbers_of(b))))


def value_of(value: Any, page: Page) -> Value:
    """A number as an answer on a page."""
    digits, tolerance, _ = told(value, page.digits)
    return Value(digits, tolerance, inlines(number(value, page.style, page.digits + 2)[0].layout))


def slip_of(mistake: str, page: Page) -> Slip:
    """What is said, in the language of a page, of who makes a mistake."""
    return Slip(mistake, page.say(NAMED[mistake].sentence), NAMED[mistake].credit)


def at(wrong: Wrong, run: Run) -> Any:
    """A wrong answer at a run, None where it has no value."""
    try:
        return wrong.at(run)
    except (DomainError, Undecided):
        return None
