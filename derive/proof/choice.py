"""Which derivations are shown of a definition: those asked for, and those of the results that they name."""

from __future__ import annotations

from derive.calculus.terms import Adjoint
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.graphs.graph import Graph


def by_inputs(graph: Graph, upstream: bool) -> list[Derivation]:
    """From the output back: the derivations by the inputs, and by the results whose derivatives these use."""
    reached = graph.ancestors(graph.output.name) - {graph.output.name}
    wanted = {i.name for i in graph.inputs if i.differentiable} & reached
    way = list[Derivation]()
    for name in graph.members:  # what a derivation uses comes after it, on the way to the output
        if name in wanted:
            way.append(derivation(graph, "", name, upstream=upstream))
            wanted |= _used(way[-1]) & reached
    return way[::-1]


def _used(found: Derivation) -> set[str]:
    """The tensors whose adjoints stand in a result, or were put into a line."""
    given = {left.by.name for step in found.steps for left, _ in step.uses if isinstance(left, Adjoint)}
    return given | set(found.named)
