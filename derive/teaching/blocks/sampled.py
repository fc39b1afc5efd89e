"""A definition as a function of one or two of its numbers, in float64 at many points at once, and its derived slope.

The points are the examples of a batch: one definition for all of them, evaluated once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from derive.derivation.sweep import derivation, expanded
from derive.errors import DeriveError, listed, said
from derive.graphs.graph import Graph
from derive.language.at import bind
from derive.language.batching import Batch, batch
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT
from derive.values.run import plain

Axis = tuple[str, tuple[int, ...]]
"""An input that is a number, or one entry of it."""


@dataclass(frozen=True)
class Sampled:
    """The output of a graph, a number, over some of its numbers; the other inputs have `values`."""

    graph: Graph
    axes: tuple[Axis, ...]
    values: Mapping[str, Any]

    @cached_property
    def batched(self) -> Batch:
        return batch(self.graph, list(dict.fromkeys(name for name, _ in self.axes)))

    @cached_property
    def _point(self) -> Any:
        return bind(self.graph, self.values)

    def at(self, *points: Any) -> Any:
        """The values at points, one array for each axis; not a number where there is none."""
        return self._floats(self._run(points).arrays[self.graph.output.name])

    def slope(self, *points: Any) -> Any:
        """The derivative by the first axis there, from its derivation."""
        known, (name, entry) = self._run(points), self.axes[0]
        found = expanded(derivation(self.batched.graph, self.batched.graph.output.name, name))
        slopes = known.loosely(found.result, found.indices)
        slopes = np.broadcast_to(slopes, (len(points[0]), *np.shape(self._point.arrays[name])))
        return self._floats(slopes[_everywhere(entry)]) * len(points[0])

    def _run(self, points: tuple[Any, ...]) -> Evaluator:
        count = len(points[0])
        arrays = {i.name: self._array(i.name, i.kind) for i in self.graph.inputs}
        for name in {name for name, _ in self.axes}:
            arrays[name] = np.broadcast_to(arrays[name], (count, *np.shape(arrays[name]))).copy()
        for (name, entry), values in zip(self.axes, points, strict=True):
            arrays[name][_everywhere(entry)] = values
        sizes = {**self._point.sizes, self.batched.example.size: count}
        return forward(self.batched.graph, sizes, arrays, FLOAT, needed="")

    def _array(self, name: str, kind: str) -> Any:
        given = self._point.arrays[name]
        return np.asarray(given, int) if kind == "label" else np.asarray(plain(given, name))

    @staticmethod
    def _floats(array: Any) -> Any:
        return np.asarray(array, dtype=float)


def _everywhere(entry: tuple[int, ...]) -> tuple[Any, ...]:
    """The index of an entry at every point."""
    return (Ellipsis, *entry)


def sampled(graph: Graph, of: str, axes: tuple[Axis, ...], values: Mapping[str, Any], start: Fraction) -> Sampled:
    """The function; `start` stands in the place of a number that moves.  Raises DeriveError for what is no such function."""
    cut = until(graph, of)
    if cut.output.axes:
        raise DeriveError(
            said("{name} is a tensor, and a curve is one number's.", name=cut.output.name), hint="Name a number with of:."
        )
    inputs = {i.name: i for i in cut.inputs}
    for name, entry in axes:
        if name not in inputs or not inputs[name].differentiable:
            raise DeriveError(
                said("{name} is no input that moves.", name=name), hint=said("There are {names}.", names=listed(inputs))
            )
        if len(entry) != len(inputs[name].axes):
            raise DeriveError(said("{name} is no number.", name=name), hint=said("Name an entry: {name}[0].", name=name))
    moving = {name: _stand_in([e for other, e in axes if other == name], start) for name, _ in axes if name not in values}
    known = {**values, **{name: value for name, value in moving.items() if value is not None}}
    given = {name: value for name, value in known.items() if name in inputs or name in map(str, cut.sizes)}
    found = Sampled(cut, axes, given)
    for name, entry in axes:
        if any(not k < n for k, n in zip(entry, np.shape(found._point.arrays[name]), strict=True)):
            raise DeriveError(said("{name} has no such entry.", name=name))
    return found


def _stand_in(entries: Sequence[tuple[int, ...]], start: Fraction) -> Any:
    """A tensor of these entries and no others, wherever they move; None where others would need values."""
    shape = tuple(max(places) + 1 for places in zip(*entries, strict=True))
    return np.full(shape, start, dtype=object).tolist() if len(set(entries)) == math.prod(shape) else None


def until(graph: Graph, of: str) -> Graph:
    """The graph as far as a node, the output by default.  Raises DeriveError for another name."""
    if not of or of == graph.output.name:
        return graph
    if of not in {node.name for node in graph.nodes}:
        raise DeriveError(
            said("There is no {name} in this graph.", name=of), hint=said("There are {names}.", names=listed(graph.members))
        )
    wanted = graph.ancestors(of)
    nodes = tuple(node for node in graph.nodes if node.name in wanted)
    return replace(graph, inputs=tuple(i for i in graph.inputs if i.name in wanted), nodes=nodes)
