"""What every block is written under: the language, the conventions of notation, the words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from derive.graphs.graph import Graph
from derive.notation.context import Context, context_of
from derive.notation.style import Style
from derive.teaching.translation import translator


@dataclass(frozen=True)
class Page:
    """The conventions of a page."""

    style: Style = field(default_factory=Style)

    @cached_property
    def say(self) -> Callable[[str], str]:
        """An English message in the language of the page."""
        return translator(self.style.lang)

    def context(self, graph: Graph) -> Context:
        """How the terms of this graph are printed."""
        return context_of(graph, self.style)

    @property
    def bare(self) -> Context:
        """How a formula without tensors is printed."""
        return Context(self.style)
