"""Several outputs of one definition: the logits beside the loss, an LSTM's c beside its h.

Where the last of them is a number, the gradients are its own, and the others are only given beside it.  Where it is a tensor,
the gradients are those of any loss behind all of them, which is a number as soon as its gradients g by the outputs are given:

    J = Σ_i g_h,i h_i + Σ_i g_c,i c_i
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from derive.calculus.terms import Element, total
from derive.errors import DeriveError, nearest, said
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.graphs.names import fresh
from derive.graphs.tree import Op, Reduce, Ref, Tree


def restricted(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The graph up to the last of these tensors, without what none of them is computed from.

    Raises DeriveError for a name that is no computed tensor.
    """
    computed = [n.name for n in graph.nodes]
    for name in outputs:
        if name not in computed:
            pattern = "{name} is an input, and is not computed." if name in graph.members else "There is no output {name}."
            hint = nearest(name, computed) or said("What is computed is {names}.", names=", ".join(computed))
            raise DeriveError(said(pattern, name=name), hint=hint)
    needed = frozenset().union(*map(graph.ancestors, outputs))
    idle = frozenset(i.name for i in graph.inputs) - frozenset().union(*map(graph.ancestors, computed))
    inputs = tuple(i for i in graph.inputs if i.name in needed | idle)
    return replace(graph, inputs=inputs, nodes=tuple(n for n in graph.nodes if n.name in needed))


def has_loss(graph: Graph, outputs: Sequence[str]) -> bool:
    """Whether the gradients are those of a loss behind several outputs."""
    return len(outputs) > 1 and bool(graph.output.axes)


def with_loss(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The graph with a loss behind these outputs, whose gradients by them are inputs: `g_h` by `h`."""
    return remembered(graph, ("loss behind", *outputs), lambda: _with_loss(graph, outputs))


def _with_loss(graph: Graph, outputs: Sequence[str]) -> Graph:
    taken, given, parts, terms = set(graph.taken), list[Input](), list[Tree](), []
    for node in (graph.members[name] for name in outputs):
        if not node.differentiable:
            continue
        upstream = Input(fresh((f"g_{node.name}", f"upstream_{node.name}"), taken), node.indices, constant=True)
        taken.add(upstream.name)
        product = Op("*", (Ref(upstream.name, node.indices), Ref(node.name, node.indices)))
        given.append(upstream)
        parts.append(Reduce("sum", product, node.indices) if node.indices else product)
        terms.append(total(Element(upstream.head, *node.indices) * node.element, *node.indices))
    loss = Node(fresh(("J", "loss", "ℓ"), taken), (), reduce(lambda a, b: Op("+", (a, b)), parts), sum(terms))
    return replace(graph, inputs=(*graph.inputs, *given), nodes=(*graph.nodes, loss))
