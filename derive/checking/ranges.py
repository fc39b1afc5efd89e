"""What a letter under a Σ runs over: a whole axis or a part of it, counted as it was typed; and the axes of free letters.

A letter whose range was typed may stand at an axis with a number beside it: in Σ_{k=0}^{n-1} x_{k+1} it runs over the axis of x
from its first entry.  In the language's text it is then `k - c`, for a k that counts the entries of that axis from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sympy import Add, Integer, Mul

from derive.calculus.terms import never_negative
from derive.checking.additions import MisshapenError, size_text
from derive.checking.shapes import Shapes
from derive.checking.tree import Bound, Spot, Term, below, position
from derive.errors import DeriveError, said
from derive.graphs.graph import Input


class OutsideError(DeriveError):
    """A range reaches below the first entry of an axis: whoever typed it counts from another number, or made a mistake."""


@dataclass(frozen=True)
class Range:
    """The axis over which a letter runs in the language's text, and conditions on it there."""

    size: str
    tests: tuple[str, ...] = ()


@dataclass
class Ranges(Shapes):
    """Finds what letters run over."""

    known: Mapping[str, Any] = field(default_factory=dict)
    """The axes of free letters that stand beside the formula."""
    moved: dict[str, int] = field(default_factory=dict)
    """By how much the entries of the axis of a letter are counted further than the letter."""

    def position(self, spot: Spot) -> str:
        """An index in the language's text."""
        return position(self.settled(spot), self.names.base)

    def settled(self, spot: Spot) -> Spot:
        """An index with what is bound in it as it is called in the language's text."""
        moved = [x for x in sorted(spot.letters) if self.moved.get(x)]
        if moved == [spot.text]:
            return Spot(spot.text, spot.letters, spot.span, spot.shift - self.moved[spot.text])
        text = spot.text
        for letter in moved:
            text = re.sub(rf"\b{letter}\b", f"({letter} - {self.moved[letter]})".replace("- -", "+ "), text)
        return Spot(text, spot.letters, spot.span, spot.shift)

    def range_of(self, bound: Bound, where: Sequence[Term]) -> Range:
        """What a letter runs over.  Raises DeriveError where it is not known, and where what was typed leaves the axis."""
        found = self._placed(bound.letter, where, self.known)
        if found is None or (found[1] and bound.low is None and bound.high is None):
            return self._counted(bound)
        axis, further = found
        if further:
            self.moved[bound.letter] = further
        tests = [*self._first(bound, further), *self._last(bound, axis, further)]
        return Range(size_text(axis), tuple(tests))

    def _counted(self, bound: Bound) -> Range:
        """A range by itself, where no tensor says of which axis: how many numbers it holds."""
        low = Integer(self.names.base) if bound.low is None else self._number(bound.low)
        high = None if bound.high is None else self._number(bound.high)
        if high is None or low is None or not low.is_Integer:
            raise self.fault(bound.span, said("The axis of the index {name} is not known.", name=bound.letter))
        self.moved[bound.letter] = self.names.base - int(low)
        return Range(size_text(high - low + 1))

    def _first(self, bound: Bound, further: int) -> Iterator[str]:
        if bound.low is None:
            low: Any = Integer(self.names.base)
        elif (low := self._number(bound.low)) is None:
            yield f"{bound.letter} >= {_plus(self.position(bound.low), further)}"
            return
        first = low - self.names.base + further
        if not first.is_Integer:
            yield f"{bound.letter} >= {size_text(first)}"
        elif first < 0:
            raise self.fault(bound.span, said("Indices count from {base} here.", base=self.names.base), kind=OutsideError)
        elif first > 0:
            yield f"{bound.letter} >= {first}"

    def _last(self, bound: Bound, axis: Any, further: int) -> Iterator[str]:
        if bound.high is None:
            return
        if (high := self._number(bound.high)) is None:
            yield f"{bound.letter} <= {_plus(self.position(bound.high), further)}"
            return
        last = high - self.names.base + further
        left = axis - 1 - last
        if not never_negative(left):
            message = said(
                "{name} runs to {typed}, and the axis is of size {size}.", name=bound.letter, typed=size_text(high), size=axis
            )
            part = bool(high.is_Integer or high.free_symbols & axis.free_symbols) and not left.is_Integer
            raise self.fault(bound.span, message, kind=DeriveError if part else MisshapenError)
        if left:
            yield f"{bound.letter} <= {size_text(last)}"

    def _number(self, spot: Spot) -> Any:
        """The number that an index typed without letters and labels is; None for others."""
        sizes = {str(s): s for s in self.graph.sizes}
        parts = re.findall(r"([+-]?)\s*(\w+(?:\*\w+)*)", spot.text)
        words = [word for _, product in parts for word in product.split("*")]
        if spot.letters or "[" in spot.text or not all(word.isdigit() or word in sizes for word in words):
            return None
        found = [
            Mul(Integer(-1 if sign == "-" else 1), *[Integer(w) if w.isdigit() else sizes[w] for w in product.split("*")])
            for sign, product in parts
        ]
        return Add(*found, spot.shift)

    # ------------------------------------------------------------ the axes at which letters stand

    def axis_of(self, letter: str, where: Sequence[Term], known: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """The size of the axis at which a letter stands by itself, or another that it is equal to; None if there is none."""
        found = self._placed(letter, where, known)
        return None if found is None or found[1] else found[0]

    def _placed(self, letter: str, where: Sequence[Term], known: Mapping[str, Any]) -> tuple[Any, int] | None:
        """The axis at which a letter stands, and the number that is added to it there: 0 if there is such an axis."""
        if letter in known:
            return known[letter], 0
        found = list(self._places(letter, where))
        for one, other in (pair for term in where for pair in _compared(term)):
            if one.letter == letter and other.letter and one.shift == other.shift:
                if other.letter in known:
                    found.append((known[other.letter], 0))
                found += [place for place in self._places(other.letter, where) if not place[1]]
        for bound in (b for term in where for part in below(term) if part.kind == "reduce" for b in part.args[2]):
            if any(end is not None and end.letter == letter for end in (bound.low, bound.high)):
                found += [(axis, 0) for axis, further in self._places(bound.letter, where) if not further]
        return min(found, key=lambda place: place[1] != 0, default=None)

    def _places(self, letter: str, where: Sequence[Term]) -> Iterator[tuple[Any, int]]:
        """The axes at which a letter stands, each with the number that is added to it there."""
        for part in (part for term in where for part in below(term) if part.kind in ("ref", "at")):
            axes = self.graph.members[part.name].axes if part.kind == "ref" else self.shape(part.args[0]).axes
            for spot, axis in zip(part.args[1], axes, strict=False):
                if spot.letter == letter:
                    yield axis, spot.shift - self.names.base
                elif spot.letter == "" and letter in spot.letters and f"[{letter}]" in spot.text:
                    yield self.graph.members[spot.text.split("[")[0]].axes[0], 0
        for one, other in (pair for term in where for pair in _compared(term)):
            member = self.graph.members.get(other.text.split("[")[0])
            if one.letter == letter and one.shift == other.shift and isinstance(member, Input) and member.kind == "label":
                yield member.classes, 0


def _plus(text: str, more: int) -> str:
    return f"{text} {'+' if more > 0 else '-'} {abs(more)}" if more else text


def _compared(term: Term) -> Iterator[tuple[Spot, Spot]]:
    """The indices that are compared with each other, both ways round."""
    for part in below(term):
        if part.kind == "compare" and isinstance(part.args[1], Spot):
            yield part.args[1], part.args[2]
            yield part.args[2], part.args[1]
