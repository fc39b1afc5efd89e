"""Graphs with one number a node: numbers are put for the sizes, so that every entry is a scalar of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from derive.calculus.functions import MATRIX_FUNCTIONS
from derive.calculus.terms import Index, Label
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, Input, Node
from derive.graphs.tree import Call, Compare, Entry, Number, Op, Reduce, Ref, Size, Tree, children, rebuilt, reindexed, subtrees
from derive.language.lower import lower
from derive.values.evaluator import Evaluator
from derive.values.undefined import authors_name

MAX_SCALARS = 400
"""At most so many numbers are named one by one, and so many operations written out for all of them."""


def unrolled(graph: Graph, point: Evaluator) -> Graph:
    """The graph at a point's sizes and labels with a scalar node for every entry: z of three entries is z1, z2, z3.

    Raises DeriveError where that gives more than 400 numbers or operations.
    """
    if not graph.output.differentiable:
        raise DeriveError(said("{name} is a whole number: there is no graph of what it moves with.", name=graph.output.name))
    _check_count(graph, point)
    whole = next(
        (n for n in graph.nodes for t in subtrees(n.body) if isinstance(t, Reduce) and t.operator in MATRIX_FUNCTIONS), None
    )
    if whole:
        raise DeriveError(
            said(
                "{name} is computed from a matrix as a whole, not from one number after the other.",
                name=authors_name(graph, whole.name),
            ),
            hint="Draw it with whole tensors.",
        )
    called = entry_names(graph, point.arrays)
    names = {(name, entry): plain for (name, entry), plain in called.items() if graph.members[name].differentiable}
    heads: dict[str, Symbol] = {}
    inputs = []
    for given in (i for i in graph.inputs if i.differentiable):
        for entry in np.ndindex(np.shape(point.arrays[given.name])):
            kind = "positive" if given.kind in ("positive", "probability") else "real"
            inputs.append(Input(names[given.name, entry], kind=kind))
            heads[inputs[-1].name] = inputs[-1].head
    nodes = []
    for node in (n for n in graph.nodes if n.differentiable):
        for entry in np.ndindex(np.shape(point.arrays[node.name])):
            body = _entry(node.body, dict(zip(node.indices, map(Integer, entry), strict=True)), point, names)
            one_node = Node(names[node.name, entry], (), body, lower(body, heads), inner=node.inner)
            heads[one_node.name] = one_node.head
            nodes.append(one_node)
    return Graph(tuple(inputs), tuple(nodes), graph.source, shown=graph.shown, zero_log=graph.zero_log)


def entry_names(graph: Graph, arrays: Mapping[str, Any]) -> dict[tuple[str, tuple[int, ...]], str]:
    """What each entry is called where it is a tensor of its own: W12; W[1,12] where W12 could be another entry."""
    entries = [(m.name, entry) for m in graph.members.values() for entry in np.ndindex(np.shape(arrays[m.name]))]
    short = {(name, entry): name + "".join(str(k + 1) for k in entry) for name, entry in entries}
    often = Counter(short.values())
    return {
        key: plain if often[plain] == 1 else f"{key[0]}[{','.join(str(k + 1) for k in key[1])}]" if key[1] else plain
        for key, plain in short.items()
    }


def _check_count(graph: Graph, point: Evaluator) -> None:
    """Raise where the entries, or the operations that give them, are too many to be named one by one."""
    numbers = sum(int(np.size(point.arrays[name])) for name in graph.members)
    count = max(numbers, sum(int(np.size(point.arrays[n.name])) * _operations(n.body, point) for n in graph.nodes))
    if count > MAX_SCALARS:
        message = said(
            "One by one, this graph has {count:,} numbers and operations, and at most {max_scalars} are written out.",
            count=count,
            max_scalars=MAX_SCALARS,
        )
        raise DeriveError(message, hint="Give fewer or shorter inputs.")


def _operations(tree: Tree, point: Evaluator) -> int:
    """How many operations one entry takes, reductions written out."""
    inner = sum(_operations(child, point) for child in children(tree))
    if isinstance(tree, Reduce):
        return math.prod(point.size(i.size) for i in tree.indices) * (inner + 1)
    return inner + isinstance(tree, (Op, Call))


def entry_of(tree: Tree, indices: tuple[Index, ...], entry: tuple[int, ...], point: Evaluator) -> Tree:
    """A body at one entry of its tensor, every reduction written out, indices as numbers."""
    return _written_out(tree, dict(zip(indices, map(Integer, entry), strict=True)), point)


def _entry(tree: Tree, at: Mapping[Any, Any], point: Evaluator, names: Mapping[tuple[str, tuple[int, ...]], str]) -> Tree:
    """The same, with every entry as a scalar by its own name; a whole number, a label or an arg max, as it is."""

    def name(t: Tree) -> Tree:
        if not isinstance(t, Ref):
            return rebuilt(t, name)
        entry = tuple(int(i) for i in t.indices)
        if (t.name, entry) in names:
            return Ref(names[t.name, entry])
        return _whole(int(np.asarray(point.arrays[t.name])[entry]))

    return name(_placed(_written_out(tree, at, point), point))


def _whole(value: int) -> Number:
    return Number(Fraction(value), str(value))


def _placed(tree: Tree, point: Evaluator) -> Tree:
    """A written-out body with every arg max as the place that it comes to."""
    if isinstance(tree, Call) and tree.function == "argmax":
        return _whole(first_largest([_value(entry, point) for entry in tree.args]))
    return rebuilt(tree, lambda child: _placed(child, point))


def _value(tree: Tree, point: Evaluator) -> Any:
    """What a written-out body comes to."""
    placed = _placed(tree, point)
    heads = {part.name: Symbol(part.name, real=True) for part in subtrees(placed) if isinstance(part, Ref)}
    return point.numbers_of(lower(placed, heads))[()]


def first_largest(values: Sequence[Any]) -> int:
    """The place of the largest, the first of equal ones.  Raises Undecided where it cannot be told.

    >>> first_largest([1, 3, 3])
    1
    """
    best = 0
    for place, value in enumerate(values):
        best = place if value - values[best] > 0 else best
    return best


def _number(term: Any, at: Mapping[Any, Any], point: Evaluator) -> Any:
    """An index expression at given indices: an integer."""
    if isinstance(term, (int, Integer)):
        return Integer(term)
    labels = {t: Integer(int(point.evaluate(t.element.xreplace(at), {}))) for t in term.atoms(Label)}
    return term.xreplace(labels).xreplace(at).xreplace({s: Integer(n) for s, n in point.sizes.items()})


def _written_out(tree: Tree, at: Mapping[Any, Any], point: Evaluator) -> Tree:
    match tree:
        case Reduce(operator, body, indices) if operator in MATRIX_FUNCTIONS:
            every = product(*(range(point.size(i.size)) for i in indices))
            cells = ({**at, **dict(zip(indices, map(Integer, values), strict=True))} for values in every)
            return Call(operator, tuple(_written_out(body, here, point) for here in cells))
        case Reduce(operator, body, indices, conditions):
            entries, places = [], []
            for values in product(*(range(point.size(i.size)) for i in indices)):
                here = {**at, **dict(zip(indices, map(Integer, values), strict=True))}
                if all(_holds(c, here, point) for c in conditions):
                    entries.append(_written_out(body, here, point))
                    places.append(values[0])
            if operator == "argmax" and entries and places != list(range(len(places))):
                return _whole(places[first_largest([_value(entry, point) for entry in entries])])
            return _joined(operator, entries)
        case Call("where", (Compare(left=left) as condition, yes, no)) if not isinstance(left, Tree):
            return _written_out(yes if _holds(condition, at, point) else no, at, point)  # the other may be off its axis
        case Size(value):
            number = _number(value, at, point)
            return Number(Fraction(int(number)), str(number)) if number.is_Integer else Size(number)
    if isinstance(tree, Compare) and not isinstance(tree.left, Tree):
        return Compare(tree.operator, *(_number(side, at, point) for side in (tree.left, tree.right)))
    changed = reindexed(tree, lambda term: _number(term, at, point)) if isinstance(tree, Ref | Entry) else tree
    return rebuilt(changed, lambda child: _written_out(child, at, point))


def _holds(condition: Compare, at: Mapping[Any, Any], point: Evaluator) -> bool:
    """Whether a comparison of indices, or of numbers, holds here."""
    left, right = condition.left, condition.right
    if isinstance(left, Tree):
        trees = tuple(_written_out(side, at, point) for side in (left, right))
        gap = _value(Op("-", trees), point)
    else:
        gap = int(_number(left, at, point)) - int(_number(right, at, point))
    return {"<": gap < 0, "<=": gap <= 0, ">": gap > 0, ">=": gap >= 0, "==": gap == 0, "!=": gap != 0}[condition.operator]


def _joined(operator: str, entries: list[Tree]) -> Tree:
    """The entries of a reduction, put together by its operator."""
    if not entries:
        empty = {"sum": "0", "prod": "1"}.get(operator)
        if empty is None:
            raise DeriveError(said("A {operator} of no numbers has no value.", operator=operator))
        return Number(Fraction(int(empty)), empty)
    if operator == "argmax":
        return Call(operator, tuple(entries))
    out = entries[0]
    for entry in entries[1:]:
        out = Call(operator, (out, entry)) if operator in ("max", "min") else Op("*" if operator == "prod" else "+", (out, entry))
    if operator == "mean":
        return Op("/", (out, Number(Fraction(len(entries)), str(len(entries)))))
    return out
