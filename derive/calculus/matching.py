"""Patterns with holes: where a definition stands in a term, and what its holes are there."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from sympy import Add, Mul

from derive.calculus.terms import Binder, Element, Index, depends

Hole = Index | Element
Binding = dict[Hole, Any]


def match(pattern: Any, term: Any, holes: tuple[Hole, ...], bound: Binding) -> Binding | None:
    """What to put into the holes of a pattern to make it this term, or None: indices, or for a scalar any number."""
    if pattern in holes:
        if pattern in bound:
            return bound if bound[pattern] == term else None
        fits = not isinstance(pattern, Index) or getattr(term, "size", None) == pattern.size
        return {**bound, pattern: term} if fits else None
    if -pattern in holes:
        return match(-pattern, -term, holes, bound)
    if type(pattern) is not type(term) or len(pattern.args) != len(term.args):
        return None
    if isinstance(pattern, Binder):
        if [j.size for j in pattern.indices] != [j.size for j in term.indices]:
            return None
        indices, body = pattern.opened()
        found = match(body, term.body.xreplace(dict(zip(term.indices, indices, strict=True))), holes, bound)
        captured = found is not None and any(depends(v, i) for v in found.values() for i in indices)
        return None if captured else found
    if not pattern.args or isinstance(pattern, Index):
        return bound if pattern == term else None
    unordered = isinstance(pattern, (Add, Mul)) and len(pattern.args) <= 4
    for order in permutations(term.args) if unordered else [term.args]:
        found = match_all(pattern.args, order, holes, bound)
        if found is not None:
            return found
    return None


def match_all(patterns: tuple[Any, ...], args: tuple[Any, ...], holes: tuple[Hole, ...], bound: Binding) -> Binding | None:
    """The binding under which all patterns match their terms, one after the other; None if there is none."""
    found: Binding | None = bound
    for p, t in zip(patterns, args, strict=True):
        if found is None:
            return None
        found = match(p, t, holes, found)
    return found
