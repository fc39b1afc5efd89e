r"""Whether two formulas are one: proved, refuted by a point at which they differ, or undecided.

Proved is what algebra shows for all values and sizes.  Refuted is what the balls of both values show at a point with exact
inputs.  All else is undecided, whatever the points say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.calculus.terms import Adjoint, Index
from derive.checking.domains import Wanted
from derive.checking.reading import Formula, MisshapenError, common, read_formula
from derive.checking.shapes import DOT
from derive.checking.witness import Pair, Witness, compared
from derive.checking.zero import shown_zero
from derive.errors import said
from derive.graphs.graph import Graph

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"


@dataclass(frozen=True)
class Verdict:
    """What was found: its kind; how it was shown, or why it is not decided; the point at which the two differ."""

    kind: str
    why: str = ""
    witness: Witness | None = None
    points: int = 0
    """At so many points the two were found equal."""

    def __bool__(self) -> bool:
        return self.kind == PROVED


def verdict(graph: Graph, first: Formula | str, second: Formula | str) -> Verdict:
    r"""Whether two formulas over a graph are equal.  Raises DeriveError where one that is given as text cannot be read.

    >>> import derive
    >>> g = derive.graph("L = a - b")
    >>> verdict(g, r"\log(e^a + e^b) - a", r"\log(1 + e^{b-a})").kind, verdict(g, "(a + b)^2", "a^2 + b^2").kind
    ('proved', 'refuted')
    """
    try:
        one = read_formula(graph, first) if isinstance(first, str) else first
        other = read_formula(one.graph, second, one.axes) if isinstance(second, str) else second
    except MisshapenError as error:
        partial = any(isinstance(text, str) and _PARTIAL.search(text) for text in (first, second))
        return Verdict(UNDECIDED if partial else REFUTED, error.message)
    return between(graph, one, other)


_PARTIAL = re.compile(r"\^\{?\s*\w+\s*-\s*\d|_\{[^{}]*[\w}]\s*[+-]\s*\w[^{}]*\}|=\s*0\b|_0\b|_\{0")
"""A range that is part of an axis, or an index that is shifted: what does not fit may yet mean the same."""


def between(base: Graph, one: Formula, other: Formula) -> Verdict:
    """The same of two formulas that were read, the second over the graph of the first."""
    found = _between(base, one, other, False)
    if found.kind == PROVED or (one.held is None and other.held is None):
        return found
    holding = _between(base, one, other, True)
    if holding.kind == REFUTED and found.kind == REFUTED:
        return found
    alone = any(f.held is not None and isinstance(f.term, Adjoint) for f in (one, other))
    if holding.kind == PROVED and not alone:
        return holding
    return Verdict(UNDECIDED, said("it depends on whether what lies between is held in a derivative"), points=found.points)


def _between(base: Graph, one: Formula, other: Formula, held: bool) -> Verdict:
    found = _compared(base, one, other, held)
    if found.kind != REFUTED or not (one.doubtful or other.doubtful):
        return found
    turned = other.turned if DOT not in (one.doubtful, other.doubtful) and isinstance(one.term, Adjoint) else None
    if turned is not None and _compared(base, one, turned, held).kind == REFUTED:
        return found
    return Verdict(UNDECIDED, said("it depends on which way a vector lies, or on what a dot between vectors means"))


def _compared(base: Graph, one: Formula, other: Formula, held: bool) -> Verdict:
    found = _met(base, one, other, held)
    if len(one.indices) != 2 or not (one.letters or other.letters) or len(one.letters) == len(other.letters):
        return found
    turned = _met(base, one, other, held, turned=True)  # letters stand for whole axes: which is the first, their order says
    if found.kind == turned.kind or PROVED not in (found.kind, turned.kind):
        return found
    letters = one.letters or other.letters
    if (found if list(letters) == sorted(letters) else turned).kind == PROVED:
        return found if found.kind == PROVED else turned
    return Verdict(UNDECIDED, said("it depends on which letter stands for the first axis"))


def _met(base: Graph, one: Formula, other: Formula, held: bool, turned: bool = False) -> Verdict:
    met = common(one, other, held, turned)
    if met is None and (one.powers or other.powers):
        return Verdict(UNDECIDED, said("it depends on what the power of a vector means"))
    if met is None:
        return Verdict(REFUTED, said("one is a tensor of other axes than the other"))
    return decided(base, other.graph, met.first, met.second, met.indices, _letters(one, other, met.indices), met.wanted)


def decided(
    base: Graph,
    graph: Graph,
    first: Any,
    second: Any,
    indices: tuple[Index, ...],
    names: Mapping[Index, str] | None = None,
    wanted: tuple[tuple[Wanted, ...], tuple[Wanted, ...]] = ((), ()),
) -> Verdict:
    """Whether two terms over the same indices are equal, over a graph with definitions besides those of its base; `wanted` is
    where each has a value, if its term does not say so.
    """
    if first == second and not any(wanted):
        return Verdict(PROVED, "normal form")
    pair = Pair(first, second, indices, wanted, names or {})
    seen = compared(base, graph, pair, first_look=True)
    if seen.witness is None:
        how = _shown_zero(first - second, graph, base)
        if not (how and seen.agreed):
            seen = compared(base, graph, pair)
        if how and seen.one_alone:
            return Verdict(UNDECIDED, said("one has a value where the other has none"), points=seen.agreed)
        if how and seen.witness is None and (seen.agreed or seen.too_much):
            return Verdict(PROVED, how, points=seen.agreed)
    if seen.witness is not None:
        return Verdict(REFUTED, said("they differ at a point"), seen.witness, seen.agreed)
    if seen.too_much:
        why = said("comparing them is too much work")
    elif not seen.agreed:
        why = said("no point was found at which both have a value")
    elif seen.unmet:
        why = said("they are equal at all points compared, but these do not meet every case")
    else:
        why = said("they are equal at all points compared, and algebra does not tell")
    return Verdict(UNDECIDED, why, points=seen.agreed)


def _shown_zero(term: Any, graph: Graph, base: Graph) -> str:
    """How a term is shown to be 0, if it is; not where SymPy cannot tell the sign of a constant."""
    try:
        return shown_zero(term, graph, base)
    except TypeError:
        return ""


def _letters(one: Formula, other: Formula, indices: tuple[Index, ...]) -> dict[Index, str]:
    """What the indices are called in what was typed."""
    typed = dict(zip(one.indices, one.letters, strict=False))
    stray = [x for x in other.letters if x not in one.letters]
    own = [i for i in indices if i not in one.indices]
    return {**typed, **dict(zip(own, stray, strict=False))}
