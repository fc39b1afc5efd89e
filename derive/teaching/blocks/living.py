"""What a figure of numbers computes, for a reader who changes them: the code of every box and the slope along every arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from derive.calculus.rules import differentiated
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element
from derive.graphs.graph import Input, Node
from derive.notation import definitions
from derive.notation.javascript import javascript
from derive.notation.layout import EQUALS, Layout, row
from derive.notation.pieces import Piece
from derive.notation.terms import derivative, layout
from derive.teaching.blocks.diagrams import View
from derive.teaching.figure import Diagram, places
from derive.teaching.live import Frame, Gate, Given, Live, Use
from derive.teaching.page import Page
from derive.values.edges import operands


def live(view: View, shown: Diagram, page: Page) -> Live | None:
    """What can be changed in a figure with the numbers of a run; None where it has none, or some are no numbers of JavaScript."""
    graph, run = view.graph, view.run
    members = [graph.members[name] for name in view.inputs]
    nodes = [node for node in graph.nodes if node.name in view.reached]
    if run is None or not nodes or view.loops or any(m.axes or not m.differentiable for m in (*members, *nodes)):
        return None
    numbered = {member.name: k for k, member in enumerate((*members, *nodes))}
    drawing = places(shown, page.lang)
    spots = iter(drawing.arrows)
    gates = []
    for node, frame in zip(nodes, drawing.boxes[len(members) :], strict=False):
        uses = [_use(node, name, numbered, view, page, spots) for name in operands(node)]
        value = javascript(node.expr, numbered)
        if value is None or None in uses:
            return None
        gates.append(Gate(_definition(node, view, page), value, tuple(use for use in uses if use), frame))
    outputs = [
        (Use(numbered[name], "1", _partial(name, name, view, page), *next(spots)), float(np.asarray(run.gradient(name))[()]))
        for name in view.outputs
    ]
    given = tuple(Given(view.called[m.name], float(np.asarray(run.exact[m.name])[()])) for m in members if isinstance(m, Input))
    return Live(page.digits, given, tuple(gates), tuple(outputs))


def _use(
    node: Node, name: str, numbered: dict[str, int], view: View, page: Page, spots: Iterator[tuple[Frame | None, Frame | None]]
) -> Use | None:
    """An edge into a box; None where its slope is no JavaScript."""
    slope: Any = shortest(differentiated(node.expr, Element(view.graph.members[name].head)))
    code, (forward, backward) = javascript(slope, numbered), next(spots)
    if code is None:
        return None
    rule = row(_partial(node.name, name, view, page), EQUALS, layout(slope, page.context(view.graph)))
    return Use(numbered[name], code, rule, forward, backward)


def _partial(of: str, by: str, view: View, page: Page) -> Layout:
    return derivative(Piece(_called(of, view, page)), _called(by, view, page), True).layout


def _called(name: str, view: View, page: Page) -> Layout:
    return view.called.get(name) or page.context(view.graph).called(name, 0)


def _definition(node: Node, view: View, page: Page) -> Layout:
    return row(_called(node.name, view, page), EQUALS, definitions.layout(node.surface or node.body, page.context(view.graph)))
