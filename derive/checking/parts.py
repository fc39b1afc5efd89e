"""Σ over a part of an axis: as the Σ over all of it less the entries left out; with its letter counted from the first entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from sympy import Add, S, expand

from derive.calculus.normal import normal
from derive.calculus.terms import (
    AtMost,
    Below,
    Delta,
    Element,
    Index,
    Label,
    Sum,
    depends,
    factors,
    opened,
    signature,
    substituted,
    terms,
    walk,
)

MOST_LEFT_OUT = 4
"""So many entries at an end of an axis are told apart."""

MOST_UNROLLED = 8
"""A Σ over so many entries is written out."""


def over_whole_axes(indices: tuple[Index, ...], body: Any) -> Any:
    """What stands under a Σ over some indices, with conditions that part the axis of one of them taken apart."""
    backwards = [index for index in indices if _slopes(body, index) == {-1}]
    body = substituted(body, {index: expand(index.size - 1 - index) for index in backwards}) if backwards else body
    if not any(_gap(t, index) is not None for t in body.atoms(Below, AtMost) for index in indices):
        return body
    return Add(*[_over_whole(indices, part) for part in terms(normal(body))])


def _over_whole(indices: tuple[Index, ...], part: Any) -> Any:
    for index in sorted(indices, key=signature):
        gaps = {t: gap for t in part.atoms(Below, AtMost) if (gap := _gap(t, index)) is not None}
        shifts = list(_shifts(part, index))
        part = _from_first(part, index, gaps, shifts) if gaps else part
        if not any(_shifts(part, index)):
            gaps = {t: gap for t in part.atoms(Below, AtMost) if (gap := _gap(t, index)) is not None}
            part = part.xreplace({t: _told_apart(t, gap, index) for t, gap in gaps.items()})
    return part


def _gap(test: Any, index: Index) -> Any:
    """What is at least 0 where a condition on an index holds, which compares it with a place that is the same for all others."""
    if not depends(test, index):
        return None
    gap = expand(test.args[1] - test.args[0] - (1 if isinstance(test, Below) else 0))
    rest = expand(gap - gap.coeff(index) * index)
    return gap if abs(gap.coeff(index)) == 1 and not rest.has(Index, Label, Element) else None


def _shifts(term: Any, index: Index) -> Iterator[Any]:
    """What is added to an index, at every place where it is one of an entry."""
    for entry in term.atoms(Element):
        for place in entry.indices:
            if depends(place, index):
                yield expand(place - index)


def _slopes(term: Any, index: Index) -> set[Any]:
    """What an index is multiplied by, at every place where it is one of an entry."""
    return {place.coeff(index) for entry in term.atoms(Element) for place in entry.indices if depends(place, index)}


def _told_apart(test: Any, gap: Any, index: Index) -> Any:
    """A condition as a sum of δ, where few entries stand on one side of it."""
    if gap.coeff(index) < 0:
        last = expand(gap + index)
        return _first(index, last + 1, test) if last.is_Integer else 1 - _last(index, index.size - 1 - last, 1 - test)
    first = expand(index - gap)
    return 1 - _first(index, first, 1 - test) if first.is_Integer else _last(index, index.size - first, test)


def _first(index: Index, count: Any, otherwise: Any) -> Any:
    """[index is one of the first so many entries]"""
    return Add(*[Delta(index, S(k)) for k in range(int(count))]) if _few(count) else otherwise


def _last(index: Index, count: Any, otherwise: Any) -> Any:
    """[index is one of the last so many entries]"""
    count = expand(count)
    places = (expand(index.size - 1 - k) for k in range(int(count))) if _few(count) else ()
    return Add(*[Delta(index, place) for place in places]) if _few(count) else otherwise


def _few(count: Any) -> bool:
    return bool(count.is_Integer and 0 <= count <= MOST_LEFT_OUT)


def _from_first(part: Any, index: Index, gaps: Mapping[Any, Any], shifts: list[Any]) -> Any:
    """Σ over i ≥ k of f(i) as that over i ≤ n - 1 - k of f(i + k), and the other way round: so that f has i by itself."""
    least = min((s for s in shifts if s.is_Integer), default=S.Zero)
    if not least or len(shifts) != sum(s.is_Integer for s in shifts):
        return part
    last = expand(index.size - 1 - least)
    wanted = expand(index + least) if least < 0 else expand(last - index)
    test = next((t for t, gap in gaps.items() if gap == wanted and t in factors(part)), None)
    if test is None:
        return part
    moved = substituted(part / test, {index: index - least})
    return moved * (AtMost(index, expand(index.size - 1 + least)) if least < 0 else AtMost(least, index))


def unrolled(term: Any) -> Any:
    """A term with each Σ over few entries, where the sizes of its axes are numbers, as a sum."""

    def written(t: Any) -> Any:
        if type(t) is not Sum or not all(i.size.is_Integer for i in t.indices):
            return t
        if prod(int(i.size) for i in t.indices) > MOST_UNROLLED:
            return t
        indices, body = opened(t)
        places = product(*(range(int(i.size)) for i in indices))
        return Add(*[substituted(body, dict(zip(indices, map(S, place), strict=True))) for place in places])

    return walk(term, written)
