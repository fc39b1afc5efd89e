"""What the definitions of a graph say of its tensors, found once for a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sympy import Add

from derive.calculus.cost import sums
from derive.calculus.fold import Fold, entry_fold, facts_of, function_folds, replaced, solved_folds
from derive.calculus.functions import NamedEntry
from derive.calculus.kept import kept, written_in, written_sums
from derive.calculus.matching import match
from derive.calculus.terms import Pattern, Sum, names, total
from derive.graphs.graph import Graph, Input, Node, gradient_parts, remembered
from derive.language import library


@dataclass(frozen=True)
class Knowledge:
    """What the definitions of a graph say of its tensors: `folds`, from the last definition to the first, and facts."""

    graph: Graph
    folds: tuple[Fold, ...]
    written: frozenset[Pattern] = frozenset()
    """The sums that the definitions were written with."""

    sums: bool = True
    """Whether sums over axes that are constant are looked for."""

    @cached_property
    def kept(self) -> tuple[Fold, ...]:
        """The folds for lines in which the sums of the definitions are atoms."""
        output = self.graph.output.name
        clear = (f for f in self.folds if f.visible or f.function or f.owner != output)
        return tuple(replace(f, pattern=kept(f.pattern, self.written), result=kept(f.result, self.written)) for f in clear)

    def facts(self, term: Any) -> tuple[Fold, ...]:
        """The axis sums that are constant, of the tensors that are summed in a term."""
        if not self.sums:
            return ()
        summed = frozenset().union(*(names(t) for t in term.atoms(Sum))) if sums(term) else frozenset()
        return tuple(f for m in reversed(self.graph.members.values()) if m.name in summed for f in self._facts(m))

    def _facts(self, member: Input | Node) -> tuple[Fold, ...]:
        return remembered(self.graph, ("facts", member.name), lambda: self._facts_of(member))

    def _facts_of(self, member: Input | Node) -> tuple[Fold, ...]:
        entry = member.element
        if isinstance(member, Node):
            before = self.graph.ancestors(member.name)
            folds = tuple(f for f in self.folds if f.owner in before and f.owner != member.name)
            folds += tuple(f for m in self.graph.inputs if m.name in before for f in self._facts(m))
            return facts_of(entry, member.expr, member.indices, folds)
        known = member.kind in ("onehot", "probability")
        return (Fold(total(entry, member.indices[-1]), Add(1), member.indices[:-1]),) if known else ()


def knowledge(graph: Graph) -> Knowledge:
    """What a graph knows, found once."""
    return remembered(graph, "knowledge", lambda: _knowledge(graph))


def _knowledge(graph: Graph) -> Knowledge:
    nodes = tuple(n for n in graph.nodes if gradient_parts(n.name) is None)  # a gradient is opened by its definition
    own = nodes[:-1] if graph.upstream else nodes  # the loss behind an upstream gradient is anyone's
    solved = [f for node in reversed(own) for f in solved_folds(node.element, node.expr, node.indices)]
    folds = (*_entries(nodes), *solved, *_vocabulary(nodes))
    return Knowledge(graph, folds, written_in(node.expr for node in graph.nodes))


def of_node(graph: Graph, node: Node) -> Knowledge:
    """What the definition of one node says, whatever stands around it."""
    folds = (*_entries((node,)), *solved_folds(node.element, node.expr, node.indices), *_vocabulary((node,)))
    return Knowledge(graph, folds, written_sums(node.expr), sums=False)


def _entries(nodes: tuple[Node, ...]) -> tuple[Fold, ...]:
    """The functions of vectors that a result may be written with, unless one is what a node defines."""
    folds = map(entry_fold, library.entries())
    return tuple(f for f in folds if not any(isinstance(replaced(n.expr, f), NamedEntry) for n in nodes))


def _vocabulary(nodes: tuple[Node, ...]) -> tuple[Fold, ...]:
    """The functions that a result may be written with, unless one is what a node defines."""
    return tuple(
        fold
        for function in library.vocabulary()
        if all(match(fold.pattern, n.expr, fold.holes, {}) is None for fold in function_folds(function) for n in nodes)
        for fold in function_folds(function)
    )
