"""Errors carried forward: what a later part comes to from a student's own earlier value, by running the graph again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from derive.exams.asks import ASKS
from derive.exams.solved import Ask
from derive.graphs.graph import Graph, Input, Node
from derive.values.evaluator import Evaluator, forward
from derive.values.precision import DomainError, Undecided
from derive.values.run import Run


@dataclass(frozen=True, eq=False)
class Held(Run):
    """A run in which some results are what they are said to be, and what comes after is computed from them."""

    held: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def values(self) -> Evaluator:
        given = {**self.point.arrays, **self.held}
        return forward(self.graph, self.point.sizes, given, needed=self.of or self.graph.output.name)


def carried(run: Run, ask: Ask, values: Mapping[str, Any], gradients: Mapping[str, Any]) -> Any:
    """What a part comes to where some results, or gradients by them, have other values; None where that is nothing.

    A gradient acts where every path from what is asked to the output leads through what it is by.
    """
    held = {name: value for name, value in values.items() if name != ask.name or ask.kind != "value"}
    try:
        if ASKS[ask.kind].about != "value" and ask.kind != "gradient":
            return None
        if ask.kind == "value":
            return Held(run.source, run.point, held=held).exact[ask.name] if held else None
        for name in reversed(run.source.way(ask.name, run.source.output.name)[:-1]):  # the nearest first
            gradient = gradients.get(name)
            if gradient is not None and _only_through(run.source, ask.name, name):
                cut = _as_far(run.source, name)
                seed = np.asarray(gradient, dtype=object)
                slope = Held(cut, _part(run, cut), seed if seed.ndim else None, held=_of(held, cut)).gradient(ask.name)
                return slope if seed.ndim else slope * seed
        return Held(run.source, run.point, held=held).gradient(ask.name) if held else None
    except (DomainError, Undecided, ArithmeticError):
        return None


def _only_through(graph: Graph, name: str, gate: str) -> bool:
    """Whether a tensor acts on the output through another alone."""
    if gate not in {n.name for n in graph.nodes} or name not in graph.ancestors(gate):
        return False
    nodes = tuple(n for n in graph.nodes if n.name != gate)
    member = graph.members[gate]
    return name not in replace(graph, inputs=(*graph.inputs, Input(gate, member.indices)), nodes=nodes).ancestors(
        graph.output.name
    )


def _as_far(graph: Graph, name: str) -> Graph:
    """The graph with a node as its output."""
    reached = graph.ancestors(name)
    return replace(
        graph,
        inputs=tuple(i for i in graph.inputs if i.name in reached),
        nodes=tuple(n for n in graph.nodes if n.name in reached and isinstance(n, Node)),
    )


def _part(run: Run, graph: Graph) -> Any:
    return replace(run.point, arrays={i.name: run.point.arrays[i.name] for i in graph.inputs})


def _of(values: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in graph.members}
