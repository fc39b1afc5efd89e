"""Statements: the assignments of a program as loops over axes, and what matrix products take over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Mul, S

from derive.calculus.terms import ArgMax, Binder, Element, Index, Inside, Product, Sum, factors
from derive.calculus.terms import Largest as LargestBinder
from derive.kernels.program.functions import NARROW
from derive.kernels.program.program import Assign, Program
from derive.kernels.program.simple import LoopLetters, contracted, scattered

SUM, LARGEST, PRODUCT, ARGMAX, MAP = "sum", "largest", "product", "argmax", "map"
KINDS = {Sum: SUM, LargestBinder: LARGEST, Product: PRODUCT, ArgMax: ARGMAX}


@dataclass(frozen=True)
class Statement:
    """`entry = term` for all values of `loops`, or `entry` accumulates `term` over the indices in `over`.

    `axes` are the sizes of the tensor's axes.  With `scatter`, the entry's own place is computed by the term's loops, and may
    stand outside its axis where `guard` is 0; the whole tensor is 0 before.
    """

    entry: Element
    axes: tuple[Any, ...]
    term: Any
    kind: str
    over: tuple[Index, ...] = ()
    scatter: bool = False
    guard: Any = S.One

    @property
    def name(self) -> str:
        return self.entry.name

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """The loops that give each entry, in the order of its axes."""
        plain = [i for i in self.entry.indices if isinstance(i, Index)]
        return tuple(i for i in plain if i not in self.over)

    @cached_property
    def loops(self) -> frozenset[Index]:
        return frozenset({*self.indices, *self.over})

    @property
    def rounded(self) -> bool:
        """Whether the entries are of another type than what is computed with."""
        return isinstance(self.term, (*NARROW.values(),))

    @cached_property
    def entries(self) -> frozenset[Element]:
        """The entries that the statement reads, labels included."""
        return frozenset(self.term.atoms(Element) | self.guard.atoms(Element) | _labels(self.entry))

    @cached_property
    def reads(self) -> frozenset[str]:
        return frozenset(e.name for e in self.entries)


def _labels(entry: Element) -> set[Element]:
    return {e for i in entry.indices for e in i.atoms(Element)}


def read_by(statements: Iterable[Statement]) -> frozenset[str]:
    """The tensors that any of these statements reads."""
    return frozenset().union(*(s.reads for s in statements))


@dataclass(frozen=True)
class MatrixProduct:
    """`entry = Σ a b` over the indices in `over`: each of a, b shares them, and has indices of its own."""

    entry: Element
    a: Element
    b: Element
    over: tuple[Index, ...]

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({self.a.name, self.b.name})

    @property
    def summed(self) -> Statement:
        """The product as the sum that it is."""
        return Statement(self.entry, tuple(i.size for i in self.entry.indices), Mul(self.a, self.b), SUM, self.over)


def statements(program: Program) -> list[Statement | MatrixProduct]:
    """The assignments of a program, with the letters of their sums made alike."""
    letters = LoopLetters.of(program)
    return [_statement(a, letters) for a in program.assigns]


def _statement(assign: Assign, letters: LoopLetters) -> Statement | MatrixProduct:
    axes = tuple(i.size for i in assign.indices)
    if not isinstance(assign.term, Binder):
        return Statement(assign.entry, axes, assign.term, MAP)
    fresh, body = assign.term.opened()
    renaming = letters.renaming(fresh, busy=assign.indices)
    over, body = tuple(renaming[i] for i in fresh), body.xreplace(renaming)
    if contracted(assign):
        a, b = factors(body)
        return MatrixProduct(assign.entry, a, b, over)
    found = scattered(body, assign.indices) if type(assign.term) is Sum else None
    if found is None:
        return Statement(assign.entry, axes, body, KINDS[type(assign.term)], over)
    index, place, rest = found
    entry = Element(assign.entry.head, *(place if i == index else i for i in assign.indices))
    return Statement(entry, axes, rest, SUM, over, scatter=True, guard=Inside(place, index.size))


def nested(
    group: Iterable[Statement], loops: Callable[[Statement], frozenset[Index]], alone: Callable[[Statement], bool]
) -> list[list[Statement]]:
    """The statements in nests with the same loops: one joins the first that comes after all that it reads is complete.

    What a map computes is there at once for the entry that it computes; one that stands `alone` shares its nest with none.
    """
    found: list[list[Statement]] = []
    place: dict[str, int] = {}  # the nest of each tensor
    for s in group:
        earliest = 0
        for e in (e for e in s.entries if e.name in place):
            k = place[e.name]
            source = next(t for t in found[k] if t.name == e.name)
            at_once = source.kind == MAP and loops(source) == loops(s) and e.indices == source.entry.indices
            earliest = max(earliest, k if at_once else k + 1)
        fits = (k for k in range(earliest, len(found)) if loops(found[k][0]) == loops(s) and not any(map(alone, (s, *found[k]))))
        k = next(fits, len(found))
        if k == len(found):
            found.append([])
        found[k].append(s)
        place[s.name] = k
    return found


def narrowed(bracket: Inside, index: Index) -> tuple[Any, Any, Any] | None:
    """(a, low, high) with low <= a·index < high where 0 <= e < n is that and a is positive; None where e is not affine in it."""
    place, size = bracket.args
    slope = place.coeff(index, 1)
    rest = (place - slope * index).expand()
    if slope == 0 or rest.has(index) or slope.has(Element, Index):
        return None
    if slope.could_extract_minus_sign():
        return -slope, (1 + rest - size).expand(), 1 + rest
    return slope, -rest, (size - rest).expand()


NEUTRAL = {SUM: S.Zero, PRODUCT: S.One, LARGEST: S.NegativeInfinity, ARGMAX: S.NegativeInfinity}
"""What a sum or its like starts from."""
