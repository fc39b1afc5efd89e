"""What a formula that is not right would be right for: a sign, a factor, an index, a sum; each shown, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any

from sympy import Rational

from derive.calculus.terms import Adjoint, Index, substituted, total
from derive.checking.reading import Formula
from derive.checking.verdict import PROVED, decided
from derive.derivation.sweep import derivation
from derive.errors import said
from derive.graphs.graph import Graph

Explanations = Callable[[Graph, str, str], Iterable[tuple[str, Any]]]
"""For the derivative of one tensor by another: names of mistakes, each with the wrong term that it leads to, over the indices of
the output and then those of the variable, as in the derivation."""

MOST = 40
"""So many mistakes are tried for one step."""


def named(
    base: Graph,
    graph: Graph,
    first: Any,
    second: Any,
    indices: tuple[Index, ...],
    left: Formula,
    explanations: Explanations | None,
    source: Graph | None = None,
) -> str:
    """The mistake that leads from the first term to the second: the first that is shown to; nothing if none is.

    `left` is what the chain began with, `source` the graph whose derivatives are explained, without names given on the way.
    """
    for count, (name, wrong, own) in enumerate(_candidates(base, first, second, indices, left, explanations, source or base)):
        if count >= MOST:
            break
        if decided(base, graph, wrong, second, own).kind == PROVED:
            return name
    return ""


def _candidates(
    base: Graph,
    first: Any,
    second: Any,
    indices: tuple[Index, ...],
    left: Formula,
    explanations: Explanations | None,
    source: Graph,
) -> Iterator[tuple[str, Any, tuple[Index, ...]]]:
    """Mistakes with the wrong terms that they lead to."""
    yield said("the sign is wrong"), -first, indices
    for factor, name in (
        (Rational(1, 2), said("a factor 2 is missing")),
        (Rational(2), said("a factor 2 is too much")),
        (Rational(-1, 2), said("the sign is wrong and a factor 2 is missing")),
        (Rational(-2), said("the sign is wrong and a factor 2 is too much")),
    ):
        yield name, factor * first, indices
    for size in base.sizes:
        yield said("a factor 1/{size} is missing", size=size), size * first, indices
        yield said("a factor 1/{size} is too much", size=size), first / size, indices
    for one, other in combinations(indices, 2):
        if one.size == other.size:
            yield said("two indices are exchanged"), substituted(first, {one: other, other: one}), indices
    if isinstance(left.term, Adjoint) and explanations is not None:
        of, by = left.term.pair
        if of not in source.members or by not in source.members:
            return
        own = derivation(source, of, by).indices
        for name, wrong in explanations(source, of, by):
            yield name, substituted(wrong, dict(zip(own, left.term.indices, strict=True))), indices


def missing_sum(base: Graph, graph: Graph, first: Any, second: Any, indices: tuple[Index, ...]) -> str:
    """Whether the second term is the first with a Σ left out: an index stands in it that the first has not."""
    stray = [i for i in indices if i not in first.atoms(Index) and i in second.atoms(Index)]
    rest = tuple(i for i in indices if i not in stray)
    if stray and decided(base, graph, first, total(second, *stray), rest).kind == PROVED:
        return said("a sum is missing")
    return ""
