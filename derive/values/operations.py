"""Graphs with one operation a node, as a computational graph is drawn.

`by_operation` names every intermediate result t1, t2 …; a result that is used twice is one node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from sympy import S, Symbol

from derive.calculus.diagonal import off_diagonal
from derive.calculus.functions import PRIMITIVES
from derive.calculus.terms import Index
from derive.graphs.graph import Graph, Node, remembered
from derive.graphs.names import fresh
from derive.graphs.tree import Call, Compare, Entry, Number, Op, Reduce, Ref, Size, Tree, children, rebuilt, reindexed, terms_of
from derive.language.lower import lower

ATOMS = (Number, Ref, Size)
TOTAL = {"where", *(name for name, primitive in PRIMITIVES.items() if primitive.total)}
"""The functions that have a value for every number."""


def by_operation(graph: Graph, first: int = 1) -> Graph:
    """The same computation with one operation in each node; values and gradients of the old nodes stay what they are.

    The new ones are numbered from `first` on.

    >>> import derive
    >>> [node.name for node in by_operation(derive.graph("f = exp(u*v) + u*v")).nodes]
    ['t1', 't2', 'f']
    """
    return remembered(graph, ("by operation", first), lambda: _Splitter(graph, first).graph())


class _Splitter:
    """Nodes as they come, and the subexpressions that already have one."""

    def __init__(self, graph: Graph, first: int) -> None:
        self.source = graph
        self.nodes: list[Node] = []
        self.heads: dict[str, Symbol] = {i.name: i.head for i in graph.inputs}
        self.seen: dict[Tree, str] = {}
        stem = fresh(("t", "q", "r", "v", "tmp"), {name.rstrip("_0123456789") for name in graph.taken})
        self.names = (name for k in count(first) if (name := f"{stem}{k}") not in graph.taken)

    def graph(self) -> Graph:
        for node in self.source.nodes:
            self.add(node.name, node.indices, self.operation(node.body), node)
        return replace(self.source, nodes=tuple(self.nodes))

    def add(self, name: str, indices: tuple[Index, ...], body: Tree, like: Node | None = None) -> None:
        expr = lower(body, self.heads)
        node = replace(like, body=body, expr=expr) if like else Node(name, indices, body, expr, inner=True)
        self.heads[name] = node.head
        self.seen.setdefault(_canonical(body, indices), name)
        self.nodes.append(node)

    def operation(self, tree: Tree) -> Tree:
        """The tree with atoms for operands: one operation."""
        match tree:
            case Entry():
                return tree
            case Op("+", _):
                return self.chain(tree)
            case Call("sqrt", _) | Op("**", _) if off_diagonal(getattr(lower(tree, self.heads), "base", S.One)) != 1:
                return tree
            case Reduce():
                inner = tree.body
                if tree.conditions and not _has_value(inner):
                    return tree
                dot = isinstance(inner, Op) and inner.operator == "*" and all(isinstance(a, ATOMS) for a in inner.args)
                return tree if dot else replace(tree, body=self.atom(inner))
            case Compare():
                return rebuilt(tree, self.atom)
            case Call("where", (condition, *rest)):
                branches = (self.atom(t) if _has_value(t) else t for t in rest)
                return replace(tree, args=(self.operation(condition), *branches))
        return rebuilt(tree, self.atom)

    def chain(self, tree: Tree) -> Tree:
        """a + b + c is one operation."""
        if isinstance(tree, Op) and tree.operator == "+":
            return Op("+", (self.chain(tree.args[0]), self.atom(tree.args[1])))
        return self.atom(tree)

    def atom(self, tree: Tree) -> Tree:
        """An operand: as it is, or the name of a new node for it."""
        if isinstance(tree, ATOMS) or (isinstance(tree, Op) and tree.operator == "neg" and isinstance(tree.args[0], Number)):
            return tree
        body = self.operation(tree)
        indices = tuple(_free(body))
        key = _canonical(body, indices)
        if key not in self.seen:
            self.add(next(self.names), indices, body)
        return Ref(self.seen[key], indices)


def _has_value(tree: Tree) -> bool:
    """Whether a formula has a value everywhere.  One that has not is left behind the condition that may guard it."""
    match tree:
        case Op("/", (_, bottom)) if not isinstance(bottom, Number):
            return False
        case Op("**", (_, exponent)) if not (
            isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value >= 0
        ):
            return False
        case Call(function) if function not in TOTAL:
            return False
        case Entry():
            return False
    return all(map(_has_value, children(tree)))


def _free(tree: Tree) -> Iterator[Index]:
    """The free indices of a tree, by first appearance."""
    found: dict[Index, None] = {}

    def visit(t: Tree, bound: frozenset[Index]) -> None:
        inner = bound | set(t.indices) if isinstance(t, Reduce) else bound
        for term in terms_of(t):
            for index in _in_order(term):
                if index not in inner:
                    found.setdefault(index)
        for child in children(t):
            visit(child, inner)

    visit(tree, frozenset())
    return iter(found)


def _in_order(term: Any) -> list[Index]:
    return (
        [term] if isinstance(term, Index) else sorted(term.atoms(Index), key=lambda i: i.name) if hasattr(term, "atoms") else []
    )


def _canonical(tree: Tree, indices: tuple[Index, ...]) -> Tree:
    """The tree with its free indices numbered, so that e^{z_i} and e^{z_k} are one."""
    names = {i: Index(f"#{k}", i.size) for k, i in enumerate(indices)}
    return _reindex(tree, names)


def _reindex(tree: Tree, names: Mapping[Any, Any]) -> Tree:
    changed = reindexed(tree, lambda term: term.xreplace(names) if hasattr(term, "xreplace") else term)
    return rebuilt(changed, lambda child: _reindex(child, names))
