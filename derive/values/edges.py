"""What the edges of a computational graph carry: the gradient that comes back along one, and a run of one number a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from sympy import Basic

from derive.calculus.rules import differentiated
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element, names
from derive.graphs.graph import Graph, Input, Node
from derive.graphs.tree import Number, Op, Ref, Tree, subtrees, terms_of
from derive.language.at import Point
from derive.language.lower import lower
from derive.values.entries import entry_names, unrolled
from derive.values.run import Run

TOTAL = "the sum of all outputs"
"""The node behind outputs of one number each; no name that a user types holds a space."""


# ---------------------------------------------------------------- one edge


def operands(node: Node) -> tuple[str, ...]:
    """The tensors that a node's definition mentions, each once, in order; a label counts where it is an index, too."""
    return tuple(dict.fromkeys(name for tree in subtrees(node.body) for name in _mentioned(tree)))


def _mentioned(tree: Tree) -> list[str]:
    own = [tree.name] if isinstance(tree, Ref) else []
    return own + [name for term in terms_of(tree) if isinstance(term, Basic) for name in sorted(names(term))]


def flow_back(run: Run, graph: Graph, name: str, node: Node) -> Any:
    """The part of the gradient by a tensor that comes through one of the nodes that use it; None where nothing flows back.

    `graph` is that of the run, in definitions or in operations.  The parts of all nodes that use a tensor add up to the
    gradient: this is the chain rule, the sum over every path.  Raises DomainError where it has no value.
    """
    if not (graph.members[name].differentiable and node.differentiable):
        return None
    nothing = np.full(np.shape(run.exact[name]), Fraction(0), dtype=object)
    if node.name not in run.moving:  # the output does not move with this node, for all that mentions it: x - x
        return nothing
    if graph.consumers(name) == (node,) and name in run.moving:
        return run.gradient(name)
    upstream = run.gradient(node.name)
    if not (node.axes or graph.members[name].axes):
        slope = shortest(differentiated(node.expr, Element(graph.members[name].head)))
        return run.values.numbers_of(slope) * upstream
    point = Point(dict(run.values.sizes), {used: run.exact[used] for used in operands(node)}, {})
    alone = Run(_alone(graph, node), point, upstream)
    part = alone.gradient(name) if name in alone.moving else nothing
    return part if node.axes else part * np.asarray(upstream, dtype=object)[()]


def _alone(graph: Graph, node: Node) -> Graph:
    """The graph of one node, what it uses given."""
    inputs = tuple(map(_given, (graph.members[name] for name in operands(node))))
    return replace(graph, inputs=inputs, nodes=(replace(node, expr=lower(node.body, {i.name: i.head for i in inputs})),))


def _given(member: Input | Node) -> Input:
    if isinstance(member, Input):
        return member
    kind = "real" if member.differentiable else "label"
    return Input(member.name, member.indices, "positive" if kind == "real" and member.head.is_positive else kind)


# ---------------------------------------------------------------- one number a node


@dataclass(frozen=True)
class Scalars:
    """A run with a scalar for every entry: what each is an entry of, and the scalars of the output."""

    run: Run
    entries: Mapping[str, tuple[str, tuple[int, ...]]]
    outputs: tuple[str, ...]


def one_by_one(run: Run) -> Scalars:
    """The same run with a scalar node for every entry; where these are several outputs, the run is that of their sum.

    The gradients are those of the given run: its seed, by default ones, is the weight of each output in the sum.  Raises
    DeriveError where that gives too many.
    """
    graph = unrolled(run.source, run.values)
    called = entry_names(run.source, run.exact)
    outputs = tuple(name for (tensor, _), name in called.items() if tensor == run.source.output.name)
    if len(outputs) > 1:
        graph = replace(graph, nodes=(*graph.nodes, _total(graph, outputs, run.upstream.flat)))
    given = {name: (tensor, entry) for (tensor, entry), name in called.items()}
    arrays = {
        i.name: np.asarray(np.asarray(run.exact[given[i.name][0]], dtype=object)[given[i.name][1]], dtype=object)
        for i in graph.inputs
    }
    return Scalars(Run(graph, Point({}, arrays, {})), given, outputs)


def _total(graph: Graph, outputs: tuple[str, ...], weights: Any) -> Node:
    terms: list[Tree] = [
        Ref(name) if weight == 1 else Op("*", (Number(weight, str(weight)), Ref(name)))
        for name, weight in zip(outputs, weights, strict=True)
    ]
    body = reduce(lambda total, term: Op("+", (total, term)), terms)
    return Node(TOTAL, (), body, lower(body, {name: graph.members[name].head for name in outputs}), inner=True)
