"""Long axes of a given size, by a name for the size: a loop over 10000 entries is a loop like any other, and what is shown of
it is shown at small sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Symbol

from derive.calculus.terms import AtMost, Below, Binder, Delta, Differ, Element, Index, Inside, Label, close, walk
from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph, Input, Node
from derive.kernels.program.program import Assign, Program, derivations
from derive.language.sizes import named_size

LONG = 8
"""A given size above this has a name while programs are rewritten."""

Sizes = Mapping[Any, Any]
"""What stands in the place of a size."""


def named_lengths(graph: Graph) -> dict[Any, Symbol]:
    """A name for every long size that is given as a number: the number as it is printed, which no other name can be."""
    axes = {a for m in graph.members.values() for a in (*m.axes, getattr(m, "classes", None))}
    axes |= {i.size for node in graph.nodes for i in node.expr.atoms(Index)}
    return {a: named_size(str(a)) for a in sorted((a for a in axes if a is not None and a.is_Integer and a > LONG), key=int)}


def swapped(sizes: Sizes) -> Sizes:
    """The way back."""
    return {name: number for number, name in sizes.items()}


# ---------------------------------------------------------------- programs


def resized(program: Program, sizes: Sizes) -> Program:
    """The program with other sizes of its axes.  Numbers that are compared or computed with stay: whatever they mean, they mean
    it before and after a rewrite.
    """
    if not sizes:
        return program
    assigns = tuple(Assign(_term(a.entry, sizes), _term(a.term, sizes)) for a in program.assigns)
    return replace(program, graph=resized_graph(program.graph, sizes), assigns=assigns)


def resized_graph(graph: Graph, sizes: Sizes) -> Graph:
    """The graph with other sizes of its axes."""
    return replace(
        graph,
        inputs=tuple(_input(i, sizes) for i in graph.inputs),
        nodes=tuple(_node(n, sizes) for n in graph.nodes),
        letters=tuple((sizes.get(axis, axis), letters) for axis, letters in graph.letters),
    )


def _input(given: Input, sizes: Sizes) -> Input:
    indices = tuple(_term(i, sizes) for i in given.indices)
    return replace(given, indices=indices, classes=sizes.get(given.classes, given.classes))


def _node(node: Node, sizes: Sizes) -> Node:
    return replace(node, indices=tuple(_term(i, sizes) for i in node.indices), expr=_term(node.expr, sizes))


def _term(term: Any, sizes: Sizes) -> Any:
    """A term with other sizes of its indices and labels; what is bound is put in order again."""
    sized = (t for t in term.atoms(Index, Label) if t.size in sizes)
    inside = (t for t in term.atoms(Inside) if t.args[1] in sizes)
    new = {t: t.func(t.args[0], sizes[t.args[1]]) for t in (*sized, *inside)}

    def ordered(t: Any) -> Any:
        return close(type(t), *t.opened()) if isinstance(t, Binder) else t

    return walk(_replaced(term, new), ordered) if new else term


def _replaced(term: Any, new: Mapping[Any, Any]) -> Any:
    """The term with these put in from the leaves up, so that a label's own indices are replaced, too."""
    if not term.args:
        return term
    args = [_replaced(a, new) for a in term.args]
    changed = new.get(term)
    if changed is not None:
        return changed.func(args[0], changed.args[1])
    return term if all(a is b for a, b in zip(args, term.args, strict=True)) else term.func(*args)


# ---------------------------------------------------------------- derivations


def proofs(graph: Graph, derived: Sequence[Derivation]) -> list[Derivation]:
    """For each derivation what to prove in its place: that of the same graph with names for its long axes, where it is the same
    line for line, so that it holds for every size; else itself.
    """
    fixed = set().union(*(_placed(node.expr, graph) for node in graph.nodes))
    sizes = {number: name for number, name in named_lengths(graph).items() if number not in fixed}
    if not sizes or not derived:
        return list(derived)
    general = {d.wrt: d for d in derivations(resized_graph(graph, sizes), [d.wrt for d in derived if d.wrt in _inputs(graph)])}
    return [_same(d, general.get(d.wrt), swapped(sizes)) for d in derived]


def _inputs(graph: Graph) -> frozenset[str]:
    return frozenset(i.name for i in graph.inputs)


def _same(found: Derivation, general: Derivation | None, numbers: Sizes) -> Derivation:
    """The general derivation, where it is the one that was found once its sizes are put in."""
    if general is None or len(general.steps) != len(found.steps):
        return found
    lines = zip(general.steps, found.steps, strict=True)
    return general if all(_term(g.line, numbers) == f.line for g, f in lines) else found


def _placed(term: Any, graph: Graph) -> frozenset[Any]:
    """The sizes of the axes on which a term computes with places or compares them with anything but places: at other sizes that
    would mean something else, or nothing.
    """
    if isinstance(term, Element):
        axes = graph.members[term.name].axes
        moved = [(place, axis) for place, axis in zip(term.indices, axes, strict=True) if getattr(place, "size", None) != axis]
        own = frozenset(axis for _, axis in moved) | frozenset(i.size for place, _ in moved for i in place.atoms(Index, Label))
        labels = (_placed(place.element, graph) for place in term.indices if isinstance(place, Label))
        return own.union(*labels)
    if isinstance(term, (Delta, Differ, Below, AtMost)) and all(isinstance(a, (Index, Label)) for a in term.args):
        return frozenset() if term.args[0].size == term.args[1].size else frozenset(a.size for a in term.args)
    if isinstance(term, Index):
        return frozenset([term.size])
    parts = (term.body,) if isinstance(term, Binder) else term.args
    return frozenset().union(*(_placed(a, graph) for a in parts))
