"""What varies in a question: the numbers of each input and the graphs to choose from, and every state that these have.

u=2..6, v=-3..3 step 0.5, w=-4|-2|3, x=[3] of -2..2, t=0..2
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import DeriveError, Place, said
from derive.graphs.tree import Number
from derive.language.numbers import LITERAL
from derive.language.parse import NAME
from derive.language.typed import Nested
from derive.notation.style import decimal

MOST = 10_000
"""So many values one number takes at most."""

EXAMPLE = "For example: u=2..6, v=-3..3 step 0.5, w=-4|-2|3, x=[3] of -2..2"


@dataclass(frozen=True)
class Range:
    """The values that the entries of an input take, each independently, and the input's shape."""

    name: str
    shape: tuple[int, ...]
    values: tuple[Number, ...]

    @property
    def count(self) -> int:
        """How many tensors there are."""
        return len(self.values) ** math.prod(self.shape)

    def at(self, k: int) -> Nested:
        """The tensor of number k."""

        def part(shape: tuple[int, ...]) -> Nested:
            nonlocal k
            if not shape:
                k, place = divmod(k, len(self.values))
                return self.values[place]
            return tuple(part(shape[1:]) for _ in range(shape[0]))

        return part(self.shape)


@dataclass(frozen=True)
class Space:
    """All states of a question: a graph out of `graphs`, and values for what varies; the others are `fixed`."""

    graphs: tuple[str, ...]
    ranges: tuple[Range, ...] = ()
    fixed: Mapping[str, Any] | None = None

    @property
    def count(self) -> int:
        """How many states there are."""
        return len(self.graphs) * math.prod(r.count for r in self.ranges)

    def at(self, k: int) -> tuple[str, dict[str, Nested]]:
        """The graph and the values of state k."""
        k, graph = divmod(k, len(self.graphs))
        values = dict(self.fixed or {})
        for r in self.ranges:
            k, own = divmod(k, r.count)
            values[r.name] = r.at(own)
        return self.graphs[graph], values


_PART = re.compile(rf"\s*(-?{LITERAL})(?:\s*\.\.\s*(-?{LITERAL})(?:\s+step\s+({LITERAL}))?)?\s*")
_RANGE = re.compile(rf"\s*({NAME.pattern})\s*=\s*(?:\[([0-9, ]+)\]\s*of\s)?(.*)", re.DOTALL)


def read_ranges(text: str) -> tuple[Range, ...]:
    """The ranges in a text.  Raises DeriveError, with a place in it, for what is none."""
    found: list[Range] = []
    start = 0
    for part in re.split(r",(?![^\[]*\])", text):
        place = Place(text, start + len(part) - len(part.lstrip()), start + max(1, len(part.rstrip())))
        start += len(part) + 1
        read = _RANGE.fullmatch(part)
        if read is None:
            raise DeriveError("A name and its values are expected here.", place, EXAMPLE)
        name, shape, values = read.groups()
        if any(r.name == name for r in found):
            raise DeriveError(said("{name} is given twice.", name=name), place)
        sizes = tuple(int(size) for size in shape.split(",") if size.strip()) if shape else ()
        if any(not 1 <= size <= 8 for size in sizes) or math.prod(sizes) > 16:
            raise DeriveError("A tensor that varies has at most 16 entries, and at most 8 along an axis.", place)
        numbers = tuple(dict.fromkeys(n for one in values.split("|") for n in _numbers(one, place)))
        if len(numbers) > MOST:
            raise DeriveError(said("{name} takes more than {most} values.", name=name, most=MOST), place)
        found.append(Range(name, sizes, numbers))
    return tuple(found)


def _numbers(text: str, place: Place) -> list[Number]:
    """The numbers of one part: a number, or those from one to another by steps."""
    read = _PART.fullmatch(text)
    if read is None:
        raise DeriveError(said("{word} is no number and no range of numbers.", word=text.strip() or "''"), place, EXAMPLE)
    first, last, step = (None if part is None else Fraction(part) for part in read.groups())
    assert first is not None
    if last is None:
        return [Number(first, read[1])]
    if step == 0:
        raise DeriveError("The step of a range is more than 0.", place, EXAMPLE)
    by = step or Fraction(1)
    if last < first or (last - first) / by > MOST:
        raise DeriveError("The range is empty, or far too long.", place, EXAMPLE)
    places = max((len(part.partition(".")[2]) for part in read.groups()[:2] if "e" not in part.lower()), default=0)
    return [Number(v, _typed(v, places)) for k in range(int((last - first) / by) + 1) for v in [first + k * by]]


def _typed(value: Fraction, places: int) -> str:
    """A decimal with as many places as the ends of its range were typed with, or as it needs."""
    exact = decimal(value)
    if exact is None:
        return ""
    whole, _, after = exact.partition(".")
    after = after.ljust(places, "0")
    return f"{whole}.{after}" if after else whole
