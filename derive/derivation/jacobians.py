"""Lemmas of a derivation: the local derivative of a node that is a call of the library, as derived once from its definition.

A student meets softmax once, on its own page.  Where a cross-entropy calls it, its Jacobian is a result already known, as
σ′ = σ (1 − σ) is.  The lines that find it are kept with it, so that who doubts it can have them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derive.calculus.budget import Budget
from derive.calculus.rules import Rule, walk_derivs
from derive.calculus.terms import Deriv, Element
from derive.derivation.derivation import Lemma, Step, free_letters
from derive.derivation.knowledge import of_node
from derive.derivation.trail import DEFINITION, Trail, differentiate, simplify
from derive.graphs.graph import Graph, Node, gradient_name, remembered
from derive.graphs.tree import Call
from derive.language import library


def known_as(node: Node) -> str:
    """The library's name for what a node is as a whole: a tensor defined by one formula.  "" for any other node."""
    call = node.surface
    if not isinstance(call, Call) or not library.known(call.function) or library.function(call.function) is not None:
        return ""
    return call.function if len(library.load(call.function).nodes) == 1 else ""


def lemma_of(graph: Graph, node: Node, x: Element, rules: tuple[Rule, ...]) -> tuple[Step, ...]:
    """The lines that find the local derivative of a node by entries of a tensor, each with the lemma that they show."""
    return remembered(graph, ("lemma", node.name, x.name, rules), lambda: _lemma_of(graph, node, x, rules))


def _lemma_of(graph: Graph, node: Node, x: Element, rules: tuple[Rule, ...]) -> tuple[Step, ...]:
    by = Element(x.head, *free_letters(graph, graph.members[x.name], tuple(i.name for i in node.indices)))
    subject = Deriv(node.element, by)
    trail = Trail(subject, Budget(gradient_name(node.name, x.name)))
    trail.to(Deriv(node.expr, by), DEFINITION, "definition", [(node.element, node.expr)], subject, [node.name])
    differentiate(trail, rules)
    simplify(trail, graph, of_node(graph, node))
    lemma = Lemma(known_as(node), subject, trail.line)
    return tuple(replace(step, lemma=lemma) for step in trail.steps)


def use_lemma(trail: Trail, line: Any, steps: tuple[Step, ...]) -> None:
    """A lemma used wherever its derivative stands in a line: by each of its lines in turn, with nothing cancelled in print."""
    lemma = steps[0].lemma
    assert lemma is not None

    def put(value: Any) -> Any:
        return walk_derivs(line, lambda d: d if (found := lemma.at(d, value)) is None else found)

    for step in steps:
        trail.inside(put(step.line), replace(step, named=line, inner=step.line))
