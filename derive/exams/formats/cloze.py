r"""Moodle's cloze: a text with the answers in it, `{2:NUMERICAL:=0.25:0.001~%50%0.5:0.001#why}`.

Moodle finds the answers by patterns: a tilde, a hash and a closing brace end what stands before them, and what stands there is
decoded once as HTML and freed of the backslashes before `}` and `#`.  All of these are written as entities.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache

from derive.exams.formats.bank import decimal, digits, mistakes, ordered, percent, placed, typed
from derive.exams.item import Choice, Entry, Numbers, Text
from derive.teaching.document import Inlines
from derive.teaching.formats.escape import html

EMBEDDED = (Numbers, Choice, Text)
"""The answers that a cloze has a place for."""

CREDITS = tuple(
    sorted(
        {Fraction(p, q) for q in range(1, 7) for p in range(q + 1)}
        | {Fraction(p, 10) for p in range(11)}
        | {Fraction(1, q) for q in (7, 8, 9, 20)}
    )
)
"""The parts of the marks that Moodle knows, of those from 0 to 1."""


def near(credit: Fraction) -> Fraction:
    """The credit of Moodle's list that is nearest; of two, the larger.

    >>> near(Fraction(3, 8)), near(Fraction(1, 1000))
    (Fraction(2, 5), Fraction(0, 1))
    """
    return min(reversed(CREDITS), key=lambda one: abs(one - credit))


def number(entry: Entry, weight: int) -> str:
    """The place of a number."""
    told = [f"={digits(entry.key)}:{decimal(entry.key.tolerance)}"]
    for value, slip in mistakes(entry):
        told.append(f"{_earned(slip.credit)}{digits(value)}:{decimal(value.tolerance)}{_why(slip.feedback)}")
    return f"{{{weight}:NUMERICAL:{'~'.join(told)}}}"


def choice(answer: Choice, weight: int, spell: Callable[[Inlines], str]) -> str:
    """The place of a choice: buttons one under the other, which Moodle shuffles where they have no order."""
    spelled = [spell(option.inlines) for option in answer.options]
    told = []
    for k in placed(answer, spelled):
        slip = answer.options[k].slip
        earned, why = (_earned(slip.credit), _why(slip.feedback)) if slip else ("=", "")
        told.append(f"{earned}{escaped(spelled[k])}{why}")
    return f"{{{weight}:MULTICHOICE_{'V' if ordered(answer) else 'VS'}:{'~'.join(told)}}}"


def text(answer: Text, weight: int) -> str:
    """The place of a short text; capital and small letters are not the same."""
    told = [f"={escaped(html(starred(one)))}" for accepted in answer.accepted for one in typed(accepted)]
    for wrong, slip in answer.wrong:
        earned, why = _earned(slip.credit), _why(slip.feedback)
        told += [f"{earned}{escaped(html(starred(one)))}{why}" for one in typed(wrong)]
    return f"{{{weight}:SHORTANSWER_C:{'~'.join(told)}}}"


def _earned(credit: Fraction) -> str:
    return f"%{listed(credit)}%"


def listed(credit: Fraction) -> str:
    """The nearest credit of Moodle's list, as a percentage."""
    return _listed(credit.numerator, credit.denominator)


@cache
def _listed(numerator: int, denominator: int) -> str:
    return percent(near(Fraction(numerator, denominator)))


@lru_cache(maxsize=1024)
def _why(feedback: str) -> str:
    return f"#{escaped(html(feedback))}"


def starred(text: str) -> str:
    """Text in which a star is a star and does not stand for anything else."""
    return text.replace("*", r"\*")


def escaped(fragment: str) -> str:
    """A piece of HTML as an answer, or as what is said of it."""
    doubled = re.sub(r"\\(?=[}#])", r"\\\\", fragment).replace("&", "&amp;")
    return re.sub("[}#~]", lambda found: f"&#{ord(found[0])};", doubled)


def prose(fragment: str) -> str:
    """A piece of HTML between the places: no brace of it opens one."""
    return re.sub(r"\{(?=[0-9]*:|#)", "&#123;", fragment)
