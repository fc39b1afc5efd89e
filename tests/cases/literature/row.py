"""A definition of a book, a paper or an assignment, and the same computation for PyTorch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, NamedTuple

import derive
from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph

Array = Any


class Derived(NamedTuple):
    """A graph that nothing else has derived from, and the derivatives that its author wants with those that these mention."""

    graph: Graph
    derivations: tuple[Derivation, ...]


@dataclass(frozen=True)
class Row:
    """A definition as a teacher types it, by what it is differentiated, and the same for tensors of PyTorch.

    `ranges` says between which numbers an input is drawn where not every number is in the domain; `sizes` how long an axis is
    where `SIZES` would make two of them equal.
    """

    name: str
    source: str
    definition: str
    wrt: str
    function: Callable[..., Array]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return cleandoc(self.definition)

    @property
    def graph(self) -> Graph:
        """A graph that remembers nothing."""
        return derive.graph(self.text)

    def derived(self) -> Derived:
        graph, found = self.graph, dict[str, Derivation]()
        wanted = deque(self.wrt.split())
        while wanted:
            if (by := wanted.popleft()) not in found:
                found[by] = graph.derive("", by, upstream=bool(graph.output.axes))
                wanted += [name for name in found[by].named if name != graph.output.name]
        return Derived(graph, tuple(found.values()))


@dataclass(frozen=True)
class Refusal:
    """What a teacher types first, the message and the hint that it gets, and the row that has what the hint says."""

    definition: str
    message: str
    hint: str
    instead: str
