"""The mistakes of students as what explains a wrong line of a derivation that was handed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.calculus.terms import substituted
from derive.exams.mistakes import NAMED, wrongs
from derive.graphs.graph import Graph


def explanations(graph: Graph, of: str, by: str) -> Iterator[tuple[str, Any]]:
    """What is said of each mistake in the derivative of a tensor by another, and the wrong term that it leads to.

    The term is over the indices of the tensor, then those of what it is by.
    """
    own = (*graph.members[of].indices, *graph.members[by].indices)
    for wrong in wrongs(graph, of, by):
        if wrong.found is not None and wrong.found.graph.nodes == graph.nodes:
            places = dict(zip(wrong.found.indices, own, strict=True))
            yield NAMED[wrong.mistake].sentence, substituted(wrong.found.result, places)
