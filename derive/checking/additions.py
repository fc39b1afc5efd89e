"""Definitions of typed formulas behind those of a graph, and what is said of those that cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Add

from derive.calculus.terms import Adjoint, Element, substituted
from derive.checking.signs import Span, fault
from derive.derivation.second_order import second_derivation
from derive.derivation.sweep import expanded
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node
from derive.language.extend import extended

Piece = tuple[str, Span]
"""A stretch of the language's text, and what it comes from in what was typed."""

Pieces = list[Piece]


Derived = tuple[Input, str, *tuple[str, ...]]
"""What stands in the text for a derivative: (the input that it is there, of, by); by two for a second derivative."""


class MisshapenError(DeriveError):
    """What is written has no meaning, whatever the numbers are: the axes of two tensors do not meet."""


def size_text(size: Any) -> str:
    """The size of an axis as the language writes it: what is added first."""
    parts = sorted(Add.make_args(size), key=lambda part: (part.could_extract_minus_sign(), str(part)))
    return " ".join(
        str(part) if not k else f"- {-part}" if part.could_extract_minus_sign() else f"+ {part}" for k, part in enumerate(parts)
    )


def add_definition(graph: Graph, typed: str, pieces: Pieces, derived: dict[str, Derived]) -> Graph:
    """A graph with a definition behind its own, derivatives put in for what stands for them."""
    text = "".join(piece for piece, _ in pieces)
    try:
        found = extended(graph, text, [given for given, *_ in derived.values() if given.name in text])
    except DeriveError as error:
        if error.place is None:
            raise
        starts, at = list[tuple[int, int, Span]](), 0
        for piece, span in pieces:
            starts.append((at, at + len(piece), span))
            at += len(piece)
        place = error.place
        hit = [span for start, end, span in starts if start < place.end and place.start < end] or [pieces[-1][1]]
        # the narrowest stretches typed that the fault lies in
        span = (min(s for s, _ in hit), max(e for _, e in hit)) if len(hit) < 4 else min(hit, key=lambda s: (s[0], -s[1]))
        kind = MisshapenError if "meets the axis" in str(error.message) else type(error)
        raise fault(typed, span, error.message, error.hint, kind) from None
    if not derived:
        return found

    def put(node: Node) -> Node:
        values = {e: _derivative(found, e, *derived[e.name][1:]) for e in node.expr.atoms(Element) if e.name in derived}
        if not values:
            return node
        return Node(node.name, node.indices, node.body, node.expr.xreplace(values), None, node.call, node.inner)

    old = len(graph.nodes)
    return replace(found, nodes=(*found.nodes[:old], *map(put, found.nodes[old:])))


def _derivative(graph: Graph, entry: Element, of: str, *by: str) -> Any:
    """What an entry that stands for a derivative is: the name of a first derivative, what a second one comes to."""
    output, variables = graph.members[of], [graph.members[name] for name in by]
    cut = len(output.axes)
    if len(variables) == 1:
        return Adjoint(Element(output.head, *entry.indices[:cut]), Element(variables[0].head, *entry.indices[cut:]))
    found = expanded(second_derivation(graph, of, by))
    own = (*found.subject.output.indices, *found.subject.by.indices)
    heads = {e.head: graph.members[e.name].head for e in found.result.atoms(Element)}
    return substituted(found.result.xreplace(heads), dict(zip(own, entry.indices, strict=True)))
