"""The one family of errors.  A message says what is wrong, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any


class Said(str):
    """A sentence in English that keeps its pattern and what fills it, so that it can be said in another language."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]


def said(pattern: str, **values: Any) -> str:
    """A message: `values` in the places of `pattern`.  What is itself said among them is said in the same language.

    >>> said("There is no {name} in {where}.", name="W", where=said("line {line}", line=2))
    'There is no W in line 2.'
    >>> said("Without values, a brace is a brace: {x}.")
    'Without values, a brace is a brace: {x}.'
    """
    sentence = Said(pattern.format(**values) if values else pattern)
    sentence.pattern, sentence.values = pattern, values
    return sentence


Translate = Callable[[str], str]
"""From a pattern in English to the same in another language."""


def in_language(message: str, translate: Translate) -> str:
    """A message in another language; what has no translation stays in English."""
    if not isinstance(message, Said) or not message.values:
        return translate(message) if message else ""
    values = {name: in_language(v, translate) if isinstance(v, Said) else v for name, v in message.values.items()}
    return translate(message.pattern).format(**values)


CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
"""Controls, surrogates, what is no character, and the marks that reorder a line of text behind the reader's back."""


def visible(text: str) -> str:
    """A message on one line with a sign for every character that a terminal would obey and not show: names are a user's text.

    >>> visible("a\\x1b[31m.derive")
    'a\ufffd[31m.derive'
    """
    return CONTROLS.sub("\ufffd", re.sub("[\t\n\r\x85\u2028\u2029]", "\ufffd", text))


@dataclass(frozen=True)
class Place:
    """A stretch of one line of the user's text; `start` and `end` are columns counted from 0, `source` names the file."""

    text: str
    start: int
    end: int
    line: int = 1
    source: str = field(default="", compare=False)


class DeriveError(Exception):
    """The input is wrong.  `place`, where known, is shown with a caret; `hint` says what to do."""

    def __init__(self, message: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.hint = message if isinstance(message, Said) else said(message), place, hint

    def __str__(self) -> str:
        return self.text(str)

    def text(self, translate: Translate) -> str:
        """The message, the place with a caret, and the hint, a line each."""
        lines = [visible(in_language(self.message, translate))]
        if self.place is not None:
            lines += _pointed(self.place, translate)
        if self.hint:
            lines += map(visible, in_language(self.hint, translate).split("\n"))
        return "\n".join(lines)

    @property
    def each(self) -> tuple[DeriveError, ...]:
        """The mistakes of which this speaks."""
        return (self,)


MOST_SHOWN = 50
"""So many mistakes of one text are shown at most."""


class DeriveErrors(DeriveError):
    """Several mistakes of one text, in their order; message, place and hint are those of the first."""

    def __init__(self, errors: Sequence[DeriveError]) -> None:
        first = errors[0]
        super().__init__(first.message, first.place, first.hint)
        self._each = tuple(one for error in errors for one in error.each)

    @property
    def each(self) -> tuple[DeriveError, ...]:
        return self._each

    def text(self, translate: Translate) -> str:
        """The text of each, and how many there are."""
        texts = [error.text(translate) for error in self._each[:MOST_SHOWN]]
        count = len(self._each)
        return "\n\n".join([*texts, in_language(said("There are {count} mistakes.", count=count), translate)])


class Follows(DeriveError):
    """What is wrong because something above is: shown in its place, and not told beside that."""


def raised(errors: Sequence[DeriveError]) -> None:
    """Raises the mistakes, where there are any."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise DeriveErrors(errors)


class ProofError(DeriveError):
    """A line of a derivation, or a gradient, could not be shown right."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint `Did you mean …?`, where a known word is near; else nothing.

    >>> nearest("sofmax", ["max", "softmax"]), nearest("w1", ["W1", "b1"]), nearest("x", ["kappa"])
    ('Did you mean softmax?', 'Did you mean W1?', '')
    """
    lowered = {other.lower(): other for other in sorted(known, reverse=True) if other != word}
    near = get_close_matches(word.lower(), lowered, 1)
    return said("Did you mean {name}?", name=lowered[near[0]]) if near else ""


def near(word: str, known: Iterable[str]) -> str:
    """The hint `Did you mean …?` with all the names that are near or hold the word, the nearest first; else nothing.

    >>> near("sofmax", ["max", "softmax", "log_softmax", "relu"]), near("x", ["kappa"])
    ('Did you mean softmax, log_softmax or max?', '')
    """
    names = sorted(set(known))
    found = get_close_matches(word, names, 4, 0.6)
    found += [name for name in names if len(word) > 2 and word in name and name not in found]
    if not found:
        return ""
    *rest, last = found[:4]
    return said("Did you mean {names} or {last}?", names=", ".join(rest), last=last) if rest else nearest(word, found)


LISTED = 8
"""So many names are listed at most."""


def listed(names: Iterable[str]) -> str:
    """Names with commas; of many, the first and how many more there are.

    >>> listed("uvw"), listed("abcdefghijkl")
    ('u, v, w', 'a, b, c, d, e, f, g, h and 4 more')
    """
    known = list(names)
    shown = ", ".join(known[:LISTED])
    return said("{names} and {count} more", names=shown, count=len(known) - LISTED) if len(known) > LISTED else shown


WINDOW = 100


def _pointed(place: Place, translate: Translate) -> list[str]:
    """The line and a caret under the fault; a long line is cut around it."""
    width = max(1, min(place.end - place.start, WINDOW))
    first = max(0, place.start - WINDOW // 2) if len(place.text) > WINDOW else 0
    shown = "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in place.text[first : first + WINDOW])
    where = (
        said("{source}, line {line}:", source=visible(place.source), line=place.line)
        if place.source
        else said("line {line}:", line=place.line)
    )
    prefix = f"  {in_language(where, translate)} "
    return [
        prefix + shown,
        " " * (len(prefix) + place.start - first) + "^" * min(width, max(1, len(shown) - place.start + first)),
    ]
