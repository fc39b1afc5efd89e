"""How much work it is to evaluate lines at a point: the numbers computed, counted before any is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from derive.calculus.functions import Named
from derive.calculus.terms import Adjoint, Binder, Deriv, Index, OfMatrix, free_indices
from derive.graphs.graph import Graph, Node, remembered
from derive.values.evaluator import Evaluator, has_move

Counts = Counter[tuple[tuple[Any, ...], bool]]
"""How many arrays of numbers are computed, by their axes, and whether there is one for each chosen entry."""


@dataclass(frozen=True)
class Cost:
    """The numbers computed at certain sizes."""

    once: int
    """However many entries are chosen."""
    each: int
    """For each entry chosen."""
    moves: tuple[tuple[int, int], ...]
    """(the entries of a tensor, the numbers computed where one is moved): one entry is moved for each entry chosen."""

    def at(self, entries: int) -> int:
        """All in all, for so many entries chosen."""
        return self.once + self.each * entries + sum(min(entries, most) * work for most, work in self.moves)


@dataclass
class Work:
    """What is computed for lines over chosen entries of their free indices; a term in two lines is computed once."""

    graph: Graph
    free: frozenset[Index] = frozenset()
    numbers: Counts = field(default_factory=Counter)
    moved: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The total derivatives (of, by) taken, and whether it is by all entries of a tensor."""
    seen: set[Any] = field(default_factory=set)

    def add(self, term: Any, times: int = 1) -> None:
        """Count a term and all in it."""
        if term in self.seen or not term.args or isinstance(term, Index):
            return
        self.seen.add(term)
        times = times if has_move(term) else 1
        indices = free_indices(term)
        self.numbers[tuple(i.size for i in indices - self.free), not self.free.isdisjoint(indices)] += times
        for inner, often in self._inside(term, times):
            self.add(inner, often)

    def _inside(self, term: Any, times: int) -> Iterable[tuple[Any, int]]:
        if isinstance(term, Adjoint):
            pair = term.pair
            self.moved[pair] = self.moved.get(pair, False) or not free_indices(term.by) <= self.free
            return [(i, times) for i in term.indices]
        if isinstance(term, Deriv):
            moved, places = Evaluator({}, {}, self.graph).moving(term)
            chosen = {i for i, place in places.items() if not self.free.isdisjoint(free_indices(place))}
            Work(self.graph, self.free | chosen, self.numbers, self.moved, self.seen).add(moved, 2 * times)
            return []
        if isinstance(term, OfMatrix):  # n products of two matrices
            free = free_indices(term)
            self.numbers[(*(i.size for i in free - self.free), *(term.size,) * 4), not self.free.isdisjoint(free)] += times
        if isinstance(term, Binder):
            return [(term.body, times)]
        return [(a, times) for a in ((term.unfolded,) if isinstance(term, Named) else term.args)]

    def count(self, values: Evaluator) -> int:
        """The numbers computed at the sizes of a point where all total derivatives in the terms are known."""
        return _count(self.numbers, values)

    def cost(self, values: Evaluator) -> Cost:
        """What it comes to at the sizes of a point, with all nodes of the graph evaluated once."""
        inputs = sum(math.prod(map(values.size, i.axes)) for i in self.graph.inputs)
        once, each = inputs + _count(_nodes(self.graph, "", ""), values), 0
        for (axes, chosen), times in self.numbers.items():
            numbers = times * math.prod(map(values.size, axes))
            once, each = (once, each + numbers) if chosen else (once + numbers, each)
        moves, waiting = [], dict(self.moved)
        while waiting:
            (output, by), whole = waiting.popitem()
            gate = self.graph.gate(by, output)
            entries, reached = (math.prod(map(values.size, self.graph.members[name].axes)) for name in (by, gate or output))
            work = 2 * (entries + reached + _count(_nodes(self.graph, gate or output, by), values))
            once += entries * work if whole else 0
            moves += [] if whole else [(entries, work)]
            if gate:
                waiting[output, gate] = True
        return Cost(once, each, tuple(moves))


def _nodes(graph: Graph, output: str, by: str) -> Counts:
    """What is computed for the nodes on the paths between two tensors, or for all; known once for a graph."""

    def counted() -> Counts:
        numbers: Counts = Counter()
        for node in graph.nodes:
            if not output or (node.name != by and node.name in graph.ancestors(output) and by in graph.ancestors(node.name)):
                numbers.update(_node(graph, node))
        return numbers

    return remembered(graph, ("effort between", output, by), counted)


def _node(graph: Graph, node: Node) -> Counts:
    """What is computed for one node; known once for a graph."""

    def counted() -> Counts:
        effort = Work(graph)
        effort.add(node.expr)
        effort.numbers[node.axes, False] += 1
        return effort.numbers

    return remembered(graph, ("effort of", node.name), counted)


def _count(numbers: Counts, values: Evaluator) -> int:
    return sum(times * math.prod(map(values.size, axes)) for (axes, _), times in numbers.items())
