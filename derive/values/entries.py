"""Graphs with one number a node: numbers are put for the sizes, so that every entry is a scalar of its own."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from derive.calculus.terms import Index, Label
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node
from derive.graphs.tree import Call, Compare, Number, Op, Reduce, Ref, Size, Tree, rebuilt, reindexed, subtrees
from derive.language.lower import lower
from derive.values.evaluator import Evaluator

MAX_SCALARS = 400


def unrolled(graph: Graph, point: Evaluator) -> Graph:
    """The graph at a point's sizes and labels with a scalar node for every entry: z of three entries is z1, z2, z3.

    Raises DeriveError where that gives more than 400 nodes.
    """
    if not graph.output.differentiable:
        raise DeriveError(f"{graph.output.name} is a whole number: there is no graph of what it moves with.")
    shapes = {m.name: np.shape(point.arrays[m.name]) for m in graph.members.values()}
    if sum(int(np.prod(s)) for s in shapes.values()) > MAX_SCALARS:
        raise DeriveError(f"This graph has more than {MAX_SCALARS} numbers at these sizes: too many to draw one by one.")
    heads: dict[str, Symbol] = {}
    inputs = []
    for given in (i for i in graph.inputs if i.differentiable):
        for entry in np.ndindex(shapes[given.name]):
            one = Input(_entry_name(given.name, entry), kind="positive" if given.kind in ("positive", "probability") else "real")
            inputs.append(one)
            heads[one.name] = one.head
    nodes = []
    for node in (n for n in graph.nodes if n.differentiable):
        for entry in np.ndindex(shapes[node.name]):
            body = _entry(node.body, dict(zip(node.indices, map(Integer, entry), strict=True)), point, heads)
            name = _entry_name(node.name, entry)
            one_node = Node(name, (), body, lower(body, heads), inner=node.inner)
            heads[name] = one_node.head
            nodes.append(one_node)
    return Graph(tuple(inputs), tuple(nodes), graph.source, shown=graph.shown)


def _entry_name(name: str, entry: tuple[int, ...]) -> str:
    return name + "".join(str(k + 1) for k in entry)


def entry_of(tree: Tree, indices: tuple[Index, ...], entry: tuple[int, ...], point: Evaluator) -> Tree:
    """A body at one entry of its tensor, every reduction written out, indices as numbers."""
    return _written_out(tree, dict(zip(indices, map(Integer, entry), strict=True)), point)


def _entry(tree: Tree, at: Mapping[Any, Any], point: Evaluator, scalars: Mapping[str, Symbol]) -> Tree:
    """The same, with every entry by its own name where there is such a scalar; a whole number, such as a label, as it is."""

    def name(t: Tree) -> Tree:
        if not isinstance(t, Ref):
            return rebuilt(t, name)
        entry = tuple(int(i) for i in t.indices)
        if _entry_name(t.name, entry) in scalars:
            return Ref(_entry_name(t.name, entry))
        value = Fraction(int(np.asarray(point.arrays[t.name])[entry]))
        return Number(value, str(value))

    return name(_written_out(tree, at, point))


def _number(term: Any, at: Mapping[Any, Any], point: Evaluator) -> Any:
    """An index expression at given indices: an integer."""
    if isinstance(term, (int, Integer)):
        return Integer(term)
    labels = {t: Integer(int(point.evaluate(t.element.xreplace(at), {}))) for t in term.atoms(Label)}
    return term.xreplace(labels).xreplace(at).xreplace({s: Integer(n) for s, n in point.sizes.items()})


def _written_out(tree: Tree, at: Mapping[Any, Any], point: Evaluator) -> Tree:
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


def _holds(condition: Compare, at: Mapping[Any, Any], point: Evaluator) -> bool:
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
        return Call(operator, tuple(entries))
    if not entries:
        empty = {"sum": "0", "prod": "1"}.get(operator)
        if empty is None:
            raise DeriveError(f"A {operator} of no numbers has no value.")
        return Number(Fraction(int(empty)), empty)
    out = entries[0]
    for entry in entries[1:]:
        out = Call(operator, (out, entry)) if operator in ("max", "min") else Op("*" if operator == "prod" else "+", (out, entry))
    if operator == "mean":
        return Op("/", (out, Number(Fraction(len(entries)), str(len(entries)))))
    return out
