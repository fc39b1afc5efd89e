"""A formula as it was typed, as a tree: what stands where, over whole tensors and over their entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from derive.checking.signs import Span


@dataclass(frozen=True, slots=True)
class Spot:
    """An index as typed: in the language's text, with the letters in it; `letter` where its text is just one."""

    text: str
    letters: frozenset[str]
    span: Span
    shift: int = 0
    """By how much the number it stands for is more than its text says."""

    @property
    def letter(self) -> str:
        return self.text if self.text in self.letters else ""


@dataclass(frozen=True, slots=True)
class Bound:
    """A letter that a Σ binds, with the first and the last of its values, where these were typed."""

    letter: str
    span: Span
    low: Spot | None = None
    high: Spot | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One node: what it is, what belongs to it, and where it stands.

    num text; size text; index Spot             a number, the size of an axis, an index as a number
    ref name, Spots                             a tensor, with the indices that were typed
    neg, add, sub, mul, times, div, pow         of Terms; mul is the matrix product of tensors, times is entry by entry
    call function, Terms                        a function of numbers
    lib function, Terms                         a definition of the library over whole tensors
    reduce operator, body, Bounds, conditions
    compare operator, left, right               of Terms, or of Spots
    where conditions, a, b
    transpose, diag, norm, trace a; ones; eye
    unit Spot                                   the column with a 1 there and 0 elsewhere
    diff of, by                                 a derivative along every path
    at a, Spots                                 an entry of an expression
    """

    kind: str
    args: tuple[Any, ...]
    span: Span

    @property
    def name(self) -> str:
        return str(self.args[0])


def below(term: Term) -> Iterator[Term]:
    """The term and all terms in it, outermost first."""
    yield term
    for arg in term.args:
        for part in arg if isinstance(arg, tuple) else (arg,):
            if isinstance(part, Term):
                yield from below(part)


def spots(term: Term, ends: bool = True) -> Iterator[Spot]:
    """The indices in a term, with the ends of ranges or without."""
    for part in below(term):
        for arg in part.args:
            for spot in arg if isinstance(arg, tuple) else (arg,):
                here = (spot.low, spot.high) if ends and isinstance(spot, Bound) else (spot,)
                yield from (end for end in here if isinstance(end, Spot))


def position(spot: Spot, base: int) -> str:
    """An index as the language writes it, counted from 0."""
    more = spot.shift - base
    if spot.text.isdigit():
        return str(int(spot.text) + more)
    return spot.text if not more else f"{spot.text} {'+' if more > 0 else '-'} {abs(more)}"


def moved(spot: Spot, by: int) -> Spot:
    """The index that is so much further."""
    if spot.text.isdigit() and int(spot.text) + by >= 0:
        return replace(spot, text=str(int(spot.text) + by))
    return replace(spot, shift=spot.shift + by)
