"""Where a term is 0 whatever its tensors hold: the distance of a point from itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any

from sympy import Mul

from derive.calculus.normal import normal
from derive.calculus.terms import CACHE, Below, Delta, Differ, Element, Index, free_indices, signature, substituted, walk

MOST_ENTRIES = 12
"""A term that reads more entries than this is not looked at."""


Pairs = tuple[tuple[Any, Any], ...]
"""Indices that have to be equal, two by two."""


@lru_cache(maxsize=CACHE)
def off_diagonal(term: Any) -> Any:
    """A bracket that is 0 where a term is 0 because indices are equal, whatever its tensors hold; 1 where there is no such place.

    >>> from sympy import Symbol
    >>> n, x = Symbol("n", integer=True, positive=True), Symbol("x", real=True)
    >>> i, j = Index("i", n), Index("j", n)
    >>> off_diagonal((Element(x, i) - Element(x, j)) ** 2), off_diagonal((Element(x, i) + Element(x, j)) ** 2)
    (Differ(i, j), 1)
    """
    meeting = [pairs for pairs in dict.fromkeys(_meetings(term)) if normal(substituted(term, dict(map(_turned, pairs)))) == 0]
    least = [pairs for pairs in meeting if not any(set(other) < set(pairs) for other in meeting)]
    return Mul(*map(_not_all, least))


def _not_all(pairs: Pairs) -> Any:
    """[i ≠ k] + δ_ik [j ≠ l]: 1 where not all pairs are equal."""
    (pair, *more) = pairs
    return Differ(*pair) + Delta(*pair) * _not_all(tuple(more)) if more else Differ(*pair)


def without_implied(term: Any) -> Any:
    """A term without each [i ≠ j] that stands beside [i < j]."""

    def absorb(t: Any) -> Any:
        if not t.is_Mul or not t.has(Below):
            return t
        apart = {Differ(*f.args) for f in t.args if isinstance(f, Below)}
        return Mul(*[f for f in t.args if f not in apart])

    return walk(term, absorb)


def _meetings(term: Any) -> Iterator[Pairs]:
    """What makes two entries of one tensor the same entry, of indices that are free in a term."""
    entries, free = sorted(term.atoms(Element), key=signature), free_indices(term)
    for one, other in combinations(entries if len(entries) <= MOST_ENTRIES else (), 2):
        if one.name != other.name:
            continue
        pairs = tuple(dict.fromkeys((a, b) for a, b in zip(one.indices, other.indices, strict=True) if a != b))
        distinct = {k for pair in pairs for k in pair}
        if free_indices(Mul(*distinct)) <= free and len(distinct) == 2 * len(pairs) and all(Delta(*pair) != 0 for pair in pairs):
            yield pairs


def _turned(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """The pair with the one that can be put in for the other last."""
    a, b = pair
    return (a, b) if isinstance(a, Index) else (b, a)
