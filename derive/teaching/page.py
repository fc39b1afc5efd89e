"""What every block is written under: the language, the conventions of notation, the words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from derive.calculus.rules import N_
from derive.graphs.graph import Graph
from derive.notation.context import Context, context_of
from derive.notation.style import Style
from derive.teaching.translation import SOURCE, translator


@dataclass(frozen=True)
class Page:
    """The conventions of a page.  Raises DeriveError, when it is first written on, for a language without a catalogue."""

    lang: str = SOURCE
    index_base: int = 1
    digits: int = 4

    @cached_property
    def style(self) -> Style:
        """How its mathematics is written."""
        return Style(self.lang, self.index_base, self.digits, self.say(N_("if")), self.say(N_("otherwise")))

    @cached_property
    def say(self) -> Callable[[str], str]:
        """An English message in the language of the page."""
        return translator(self.lang)

    def context(self, graph: Graph) -> Context:
        """How the terms of this graph are printed."""
        return context_of(graph, self.style)

    @property
    def bare(self) -> Context:
        """How a formula without tensors is printed."""
        return Context(self.style)
