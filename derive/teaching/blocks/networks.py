"""The layers of a network, found in a definition: each a vector that is a matrix times the one before, and what follows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.rules import N_
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Op, Reduce, Ref, subtrees
from derive.notation import definitions
from derive.notation.layout import latex
from derive.teaching.blocks.diagrams import definition_label
from derive.teaching.blocks.numbers import number
from derive.teaching.figure import DOTS, Layer, Network, Unit
from derive.teaching.page import Page
from derive.values.run import Run

MOST_UNITS, FIRST_UNITS = 5, 2
"""A layer of more units is drawn by so many and the last, with dots between them."""

MOST_WEIGHTS = 12
"""So many weights between two layers are written out."""


@dataclass(frozen=True)
class Found:
    """A layer of a definition: what its units are called, the weights that lead to it, and the definitions it is made by."""

    name: str
    weights: str = ""
    turned: bool = False
    """Whether the weights have the entries of the layer before first."""
    made: tuple[str, ...] = ()


def network(graph: Graph, page: Page, run: Run | None = None) -> Network:
    """The network that a definition is; with a run, values on its units and weights.  Raises DeriveError where there is none."""
    found = layers_of(graph)
    shown = [_shown(graph, layer, run) for layer in found]
    layers = []
    for k, (layer, units) in enumerate(zip(found, shown, strict=True)):
        before = shown[k - 1] if k else []
        through = latex(page.context(graph).called(layer.weights, _rank(graph, layer.weights))) if layer.weights else ""
        weights = _weights(graph, layer, units, before, page, run) if k else ()
        layers.append(Layer(tuple(_units(graph, layer, units, page, run)), _below(graph, layer, page), through, weights))
    words = ", ".join(layer.name for layer in found)
    return Network(tuple(layers), page.say(N_("Layers of a network:")) + " " + words)


# ---------------------------------------------------------------- which layers there are


def layers_of(graph: Graph) -> tuple[Found, ...]:
    """The vectors from the input of the first product with weights on, each from the one before.  Raises DeriveError."""
    products = [(node, way) for node in graph.nodes if (way := _linear(graph, node))]
    if not products:
        hint = "A layer is like  a = W @ x + b, and what follows it  h = relu(a)."
        raise DeriveError("There is no layer in this graph: no product of weights and a vector.", hint=hint)
    found = [Found(products[0][1][0])]
    for node, (signal, weights, turned) in products:
        if signal == found[-1].name:
            made = [node.name]
            while after := _activation(graph, made[-1]):
                made.append(after)
            found.append(Found(made[-1], weights, turned, tuple(made)))
    return tuple(found)


def _linear(graph: Graph, node: Node) -> tuple[str, str, bool] | None:
    """The vector and the weights of a node with a sum of their products, and whether the vector's entries come first in these."""
    for tree in subtrees(node.body):
        if not (isinstance(tree, Reduce) and tree.operator == "sum" and len(tree.indices) == 1 and not tree.conditions):
            continue
        index = tree.indices[0]
        if not (isinstance(tree.body, Op) and tree.body.operator == "*"):
            continue
        factors = [a for a in tree.body.args if isinstance(a, Ref) and index in a.indices]
        inputs, rank = {i.name for i in graph.inputs}, len(node.indices) + 1
        weights = [a for a in factors if len(a.indices) == rank and set(a.indices) == {*node.indices, index} and a.name in inputs]
        signals = [a for a in factors if a.indices == (index,) and a not in weights[:1]]
        if len(factors) == 2 and weights and signals and rank <= 2:
            return signals[-1].name, weights[0].name, rank == 2 and weights[0].indices[0] == index
    return None


def _activation(graph: Graph, name: str) -> str:
    """The one node that is computed from a layer alone, entry for entry; "" if there is none."""
    users = [node for node in graph.nodes if name in graph.parents(node.name)]
    if len(users) != 1 or users[0].axes != graph.members[name].axes or graph.parents(users[0].name) != {name}:
        return ""
    return users[0].name


# ---------------------------------------------------------------- what is shown of them


def _rank(graph: Graph, name: str) -> int:
    return len(graph.members[name].axes)


def _shown(graph: Graph, layer: Found, run: Run | None) -> list[Any]:
    """The entries that are drawn, None for the dots; of a number, the one."""
    axes = graph.members[layer.name].axes
    if not axes:
        return [()]
    size = axes[0] if run is None else Integer(run.values.size(axes[0]))
    if size.is_Integer and size <= MOST_UNITS:
        return [(Integer(k),) for k in range(int(size))]
    return [*((Integer(k),) for k in range(FIRST_UNITS)), None, (size - 1,)]


def _units(graph: Graph, layer: Found, entries: list[Any], page: Page, run: Run | None) -> Iterator[Unit]:
    context = page.context(graph)
    for entry in entries:
        if entry is None:
            yield Unit(DOTS)
            continue
        if not all(index.is_Integer for index in entry):  # the last of so many is called as the page counts
            entry = tuple(index + context.style.index_base for index in entry)
        value = "" if run is None else latex(number(run.exact[layer.name][tuple(map(int, entry))], page.style)[0].layout)
        yield Unit(latex(definitions.left_side(layer.name, entry, context)), value)


def _below(graph: Graph, layer: Found, page: Page) -> tuple[str, ...]:
    """How a layer is made: its definitions, each by its name if it is long."""
    return tuple(definition_label(node, graph, page) for node in graph.nodes if node.name in layer.made)


def _weights(
    graph: Graph, layer: Found, units: list[Any], before: list[Any], page: Page, run: Run | None
) -> tuple[tuple[str, ...], ...]:
    """The weights between two layers, where there are few and none is left out."""
    if None in units or None in before or len(units) * len(before) > MOST_WEIGHTS:
        return ()
    context = page.context(graph)

    def written(unit: Any, one: Any) -> str:
        entry = (*one, *unit) if layer.turned else (*unit, *one)
        if run is None:
            return latex(definitions.left_side(layer.weights, entry, context))
        return latex(number(np.asarray(run.exact[layer.weights])[tuple(map(int, entry))], page.style)[0].layout)

    return tuple(tuple(written(unit, one) for one in before) for unit in units)
