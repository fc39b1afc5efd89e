"""Graphs taken apart: one operation a node (as a computational graph is drawn), or one number a node.

`elementary` names every intermediate result t1, t2 …; a result that is used twice is one node.  `unrolled` puts numbers
for the sizes, so that every entry is a scalar of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from derive.calculus.terms import Index, Label
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.graphs.tree import (
    Call,
    Compare,
    Number,
    Op,
    Reduce,
    Ref,
    Size,
    Tree,
    children,
    rebuilt,
    reindexed,
    subtrees,
    terms_of,
)
from derive.language.lower import lower
from derive.values import Values

ATOMS = (Number, Ref, Size)
TOTAL = ("exp", "abs", "sin", "cos", "tanh", "erf", "max", "min", "where")
"""The functions that have a value for every number."""


# ---------------------------------------------------------------- one operation a node


def elementary(graph: Graph) -> Graph:
    """The same computation with one operation in each node; values and gradients of the old nodes stay what they are."""
    return remembered(graph, "elementary", lambda: _Splitter(graph).graph())


class _Splitter:
    """Nodes as they come, and the subexpressions that already have one."""

    def __init__(self, graph: Graph) -> None:
        self.source = graph
        self.nodes: list[Node] = []
        self.heads: dict[str, Symbol] = {i.name: i.head for i in graph.inputs}
        self.seen: dict[Tree, str] = {}
        taken = {*graph.members, *(s.name for s in graph.sizes)}
        stem = next(
            c
            for c in ("t", "q", "r", "v", "tmp")
            if not any(n == c or (n.startswith(c) and n[1:].strip("_").isdigit()) for n in taken)
        )
        self.names = (f"{stem}{k}" for k in range(1, 10**6))

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
            case Op("+", _):
                return self.chain(tree)
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


# ---------------------------------------------------------------- one number a node

MAX_SCALARS = 400


def unrolled(graph: Graph, point: Values) -> Graph:
    """The graph at a point's sizes and labels with a scalar node for every entry: z of three entries is z1, z2, z3.

    Raises DeriveError where that gives more than 400 nodes.
    """
    shapes = {m.name: np.shape(point.arrays[m.name]) for m in graph.members.values()}
    if sum(int(np.prod(s)) for s in shapes.values()) > MAX_SCALARS:
        raise DeriveError(f"this graph has more than {MAX_SCALARS} numbers at these sizes: too many to draw one by one")
    heads: dict[str, Symbol] = {}
    inputs = []
    for given in graph.inputs:
        for entry in np.ndindex(shapes[given.name]) if given.kind != "label" else ():
            one = Input(_entry_name(given.name, entry), kind="positive" if given.kind in ("positive", "probability") else "real")
            inputs.append(one)
            heads[one.name] = one.head
    nodes = []
    for node in graph.nodes:
        for entry in np.ndindex(shapes[node.name]):
            body = _entry(node.body, dict(zip(node.indices, map(Integer, entry), strict=True)), point)
            name = _entry_name(node.name, entry)
            one_node = Node(name, (), body, lower(body, heads), inner=node.inner)
            heads[name] = one_node.head
            nodes.append(one_node)
    return Graph(tuple(inputs), tuple(nodes), graph.source, shown=graph.shown)


def _entry_name(name: str, entry: tuple[int, ...]) -> str:
    return name + "".join(str(k + 1) for k in entry)


def entry_of(tree: Tree, indices: tuple[Index, ...], entry: tuple[int, ...], point: Values) -> Tree:
    """A body at one entry of its tensor, every reduction written out, indices as numbers."""
    return _written_out(tree, dict(zip(indices, map(Integer, entry), strict=True)), point)


def _entry(tree: Tree, at: Mapping[Any, Any], point: Values) -> Tree:
    """The same, with every entry as a scalar by its own name."""

    def name(t: Tree) -> Tree:
        t = rebuilt(t, name)
        return Ref(_entry_name(t.name, tuple(int(i) for i in t.indices))) if isinstance(t, Ref) else t

    return name(_written_out(tree, at, point))


def _number(term: Any, at: Mapping[Any, Any], point: Values) -> Any:
    """An index expression at given indices: an integer."""
    if isinstance(term, (int, Integer)):
        return Integer(term)
    labels = {t: Integer(int(point.evaluate(t.element.xreplace(at), {}))) for t in term.atoms(Label)}
    return term.xreplace(labels).xreplace(at).xreplace({s: Integer(n) for s, n in point.sizes.items()})


def _written_out(tree: Tree, at: Mapping[Any, Any], point: Values) -> Tree:
    match tree:
        case Reduce(operator, body, indices, conditions):
            entries = []
            for values in product(*(range(point.size(i.size)) for i in indices)):
                here = {**at, **dict(zip(indices, map(Integer, values), strict=True))}
                if all(_holds(c, here, point) for c in conditions):
                    entries.append(_written_out(body, here, point))
            return _joined(operator, entries)
        case Size(value):
            number = _number(value, at, point)
            return Number(Fraction(int(number)), str(number)) if number.is_Integer else Size(number)
    if isinstance(tree, Compare) and not isinstance(tree.left, Tree):
        return Compare(tree.operator, *(_number(side, at, point) for side in (tree.left, tree.right)))
    changed = reindexed(tree, lambda term: _number(term, at, point)) if isinstance(tree, Ref) else tree
    return rebuilt(changed, lambda child: _written_out(child, at, point))


def _holds(condition: Compare, at: Mapping[Any, Any], point: Values) -> bool:
    """Whether a comparison of indices, or of numbers, holds here."""
    left, right = condition.left, condition.right
    if isinstance(left, Tree):
        trees = tuple(_written_out(side, at, point) for side in (left, right))
        heads = {part.name: Symbol(part.name, real=True) for tree in trees for part in subtrees(tree) if isinstance(part, Ref)}
        gap = point.array(lower(Op("-", trees), heads))[()]
    else:
        gap = int(_number(left, at, point)) - int(_number(right, at, point))
    return {"<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0, "==": gap == 0, "!=": gap != 0}[condition.operator]


def _joined(operator: str, entries: list[Tree]) -> Tree:
    """The entries of a reduction, put together by its operator."""
    if operator == "argmax":
        raise DeriveError("argmax has no formula of one number")
    if not entries:
        empty = {"sum": "0", "prod": "1"}.get(operator)
        if empty is None:
            raise DeriveError(f"{operator} over nothing has no value")
        return Number(Fraction(int(empty)), empty)
    out = entries[0]
    for entry in entries[1:]:
        out = Call(operator, (out, entry)) if operator in ("max", "min") else Op("*" if operator == "prod" else "+", (out, entry))
    if operator == "mean":
        return Op("/", (out, Number(Fraction(len(entries)), str(len(entries)))))
    return out
