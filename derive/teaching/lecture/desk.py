"""What the blocks of one lecture share: its page, its graphs, what they have found, how many pictures of a kind there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from derive.errors import DeriveError, Follows, near, said
from derive.graphs.graph import Graph
from derive.language import library
from derive.notation.layout import Layout, row
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.lecture.carried import Found, computed
from derive.teaching.lecture.directive import Directive
from derive.teaching.page import Page


@dataclass(frozen=True)
class Desk:
    """What is known while a lecture is built in one language, block after block."""

    page: Page
    graphs: dict[str, Graph] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    pictures: Counter[str] = field(default_factory=Counter)
    faulty: set[str] = field(default_factory=set)
    """The names of graphs that could not be read."""
    named: Counter[int] = field(default_factory=Counter)
    """How many intermediate results have a number on each slide: no two are called t₁."""

    def picture_name(self, *kind: str) -> str:
        """The name of the next picture of a kind: what stands above it may change, other pictures of its kind aside."""
        words = "-".join(word for word in kind if word)
        self.pictures[words] += 1
        return f"{words}-{self.pictures[words]}-{self.page.lang}"

    def knows(self, name: str) -> bool:
        """Whether a graph of this name is defined, in this lecture or in the library."""
        return name in self.graphs or name in library.names()

    def graph_of(self, directive: Directive) -> Graph:
        """The graph a block names: one of this lecture, or a definition of the library."""
        if directive.name in self.graphs:
            return self.graphs[directive.name]
        if directive.name in library.names():
            return library.load(directive.name)
        if directive.name in self.faulty:
            raise Follows(said("The graph '{name}' has a mistake above.", name=directive.name))
        if not directive.name:
            raise DeriveError("This block names no graph.", hint="Name a graph defined above, or one of the library.")
        hint = near(directive.name, [*self.graphs, *library.names()]) or "'derive library' lists those that need no definition."
        raise DeriveError(said("There is no graph '{name}'.", name=directive.name), directive.named, hint)

    def keep(self, directive: Directive, name: str | None, found: Found) -> None:
        """What a block has found, for what comes after it, if the block has a name."""
        if name is None:
            return
        if name in self.found:
            message = said("A block above is named {name} already.", name=name)
            raise DeriveError(message, directive.whole("name"), "Each block has a name of its own.")
        self.found[name] = found

    def number(self, formula: str, related: bool) -> Layout:
        """What a formula over the numbers found so far comes to, as it is printed; behind its = or ≈ where it is `related`."""
        layout, exact = array(computed(formula, self.found), self.page)
        return row(relation(exact), layout) if related else layout


def known_names(known: list[str]) -> str:
    """The hint that lists what there is."""
    return said("There are {names}.", names=", ".join(known))


@contextmanager
def pointing(directive: Directive, key: str, kind: type[DeriveError] = DeriveError) -> Iterator[None]:
    """An error without a place is one of this option, where it is given."""
    try:
        yield
    except kind as error:
        if error.place is None:
            error.place = directive.whole(key)
        raise
