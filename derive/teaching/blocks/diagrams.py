"""The computational graph of a definition: boxes are operations, arrows carry values forward and gradients backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.rules import N_
from derive.errors import said
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Entry, Number, Op, Reduce, Ref, Size, Tree, children
from derive.notation import definitions
from derive.notation.layout import EQUALS, Fence, Layout, joined, latex, row, text
from derive.notation.terms import function_name
from derive.teaching.blocks.numbers import number
from derive.teaching.figure import Arrow, Box, Diagram, Label, Matrix, TooLarge, upright
from derive.teaching.page import Page
from derive.values.edges import flow_back, one_by_one, operands
from derive.values.operations import by_operation
from derive.values.run import Run

MAX_BOXES = 100

WIDEST, TALLEST = 40, 5
"""A vector or a matrix is written out up to so many characters in a line and so many lines; else its shape stands for it."""

DEFINITION = 30
"""A definition of up to so many characters stands in its box; of a longer one its name does."""


@dataclass(frozen=True)
class Edge:
    """What flows from a tensor to a node that uses it, or out of the graph: a value, and a gradient that comes back, if any."""

    source: str
    target: str
    value: Any = None
    gradient: Any = None


@dataclass(frozen=True)
class View:
    """What is drawn: a node a box, the outputs, and what the inputs and outputs are called; numbers if there is a run.

    `named` are the tensors that have a name on the page, which the shape of a large one refers to.
    """

    graph: Graph
    outputs: tuple[str, ...]
    called: Mapping[str, Layout]
    named: frozenset[str] = frozenset()
    run: Run | None = None
    formulas: bool = False
    entries: bool = False
    loops: tuple[tuple[str, str], ...] = ()
    """Outputs that are inputs of the next step: (h1, h0)."""

    @cached_property
    def reached(self) -> frozenset[str]:
        """What the outputs are computed from, by the definitions as written, and the outputs."""
        found = set(self.outputs)
        for node in reversed(self.graph.nodes):
            if node.name in found:
                found.update(operands(node))
        return frozenset(found)

    @property
    def inputs(self) -> list[str]:
        """The inputs that are drawn: what is used, and of a tensor with an entry a box every entry, used or not."""
        return [i.name for i in self.graph.inputs if i.name in self.reached or self.entries]

    @property
    def count(self) -> int:
        """How many boxes there will be."""
        return len(self.reached | {*self.inputs}) + len(self.outputs)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every use of a tensor, then the outputs.  Raises DomainError where a gradient has no value."""
        nodes = [node for node in self.graph.nodes if node.name in self.reached]
        inner = [Edge(name, node.name, *self._flow(name, node)) for node in nodes for name in operands(node)]
        return (*inner, *(Edge(name, _end(name), *self._flow(name, None)) for name in self.outputs))

    def _flow(self, name: str, node: Node | None) -> tuple[Any, Any]:
        if self.run is None:
            return None, None
        value = np.asarray(self.run.exact[name], dtype=object)
        if node:
            return value, flow_back(self.run, self.graph, name, node)
        return value, self.run.gradient(name) if name in self.run.moving else None

    @property
    def sizes(self) -> list[int]:
        """How many entries the tensors on the edges have, the most first, numbers left out."""
        values = [] if self.run is None else [self.run.exact[name] for name in self.reached]
        return sorted({size for value in values if (size := int(np.size(value))) > 1}, reverse=True)


def _end(output: str) -> str:
    """The name of the box that stands for an output."""
    return f"{output} "


# ---------------------------------------------------------------- what is drawn


def by_operations(graph: Graph, page: Page, run: Run | None = None) -> View:
    """One operation a box."""
    operations = by_operation(graph) if run is None else run.graph
    return View(operations, (graph.output.name,), _called(graph, page), _nodes(graph), run)


def by_definitions(graph: Graph, page: Page, run: Run | None = None) -> View:
    """One definition a box, as its author wrote it."""
    return View(graph, (graph.output.name,), _called(graph, page), _nodes(graph), run, formulas=True)


def by_numbers(run: Run, page: Page) -> View:
    """One operation on numbers a box, every entry of a tensor by itself.  Raises DeriveError where that is too many."""
    scalars, context = one_by_one(run), page.context(run.source)
    called = {
        name: definitions.left_side(tensor, tuple(map(Integer, entry)), context)
        for name, (tensor, entry) in scalars.entries.items()
    }
    return View(scalars.run.graph, scalars.outputs, called, run=scalars.run, entries=True)


def _called(graph: Graph, page: Page) -> dict[str, Layout]:
    context = page.context(graph)
    return {member.name: context.called(member.name, len(member.indices)) for member in graph.members.values()}


def _nodes(graph: Graph) -> frozenset[str]:
    return frozenset(node.name for node in graph.nodes)


# ---------------------------------------------------------------- boxes and arrows


@dataclass(frozen=True)
class Room:
    """What is written out: tensors of up to `most` entries, vectors in a line of up to `widest` characters, else in a column."""

    most: int = WIDEST * TALLEST
    widest: int = WIDEST


def diagram(view: View, page: Page, alt: str, room: Room = Room(), down: bool = False, short: bool = False) -> Diagram:
    """Boxes and arrows, and the name of each output at the end; with `short`, of a definition its name alone.

    Raises DeriveError for more than 100 boxes, before any gradient is taken.
    """
    if view.count > MAX_BOXES:
        message = said(
            "This figure would have {count:,} boxes, and at most {max_boxes} are drawn.", count=view.count, max_boxes=MAX_BOXES
        )
        raise TooLarge(message, hint="Draw a graph of fewer operations, or smaller tensors.")
    nodes = [node for node in view.graph.nodes if node.name in view.reached]
    boxes = [Box(name, latex(view.called[name]), "input") for name in view.inputs]
    boxes += [
        Box(n.name, definition_label(n, view.graph, page, short) if view.formulas else operation_label(n, page)) for n in nodes
    ]
    boxes += [Box(_end(name), latex(view.called[name]), "output") for name in view.outputs]
    arrows = [Arrow(edge.source, edge.target, *_labels(edge, view, page, room)) for edge in view.edges]
    loops = tuple(Arrow(_end(source), target) for source, target in view.loops)
    return Diagram(tuple(boxes), tuple(arrows), alt, loops, down)


def described(graph: Graph, page: Page) -> str:
    """What the figure of a graph shows, in words."""
    return page.say(N_("Computational graph of")) + " " + ", ".join(node.name for node in graph.nodes)


def _labels(edge: Edge, view: View, page: Page, room: Room) -> tuple[Label, Label]:
    """What stands above and below an arrow."""
    if edge.value is None:
        return "", ""
    value = edge.value
    if not view.graph.members[edge.source].differentiable:  # a label counts from where the page does
        value = value + page.context(view.graph).style.index_base
    called = view.called[edge.source] if edge.source in view.named else None
    return label(value, page, room, called), "" if edge.gradient is None else label(edge.gradient, page, room)


# ---------------------------------------------------------------- numbers


def label(values: Any, page: Page, room: Room = Room(), called: Layout | None = None) -> Label:
    """A number, a vector as a tuple (a column, if that is too wide), a matrix; the shape of what is larger, after its name.

    A decimal has at most one digit more than the page rounds to: there is no room for others.
    """
    entries = np.asarray(values, dtype=object)
    if entries.ndim == 0:
        return latex(number(entries[()], page.style, page.digits + 1)[0].layout)
    if entries.size <= room.most and entries.ndim <= 2:
        printed = [[number(entry, page.style, page.digits + 1)[0].layout for entry in line] for line in np.atleast_2d(entries)]
        if entries.ndim == 1 and _width(printed) <= room.widest:
            return latex(Fence(joined(printed[0], page.style.separator)))
        if entries.ndim == 1:
            printed = [[entry] for entry in printed[0]]
        if len(printed) <= TALLEST and _width(printed) <= WIDEST:
            return Matrix(tuple(tuple(map(latex, line)) for line in printed))
    shape = _shape(entries.shape, page)
    return shape if called is None else f"{latex(called)}:\\ {shape}"


def _width(rows: list[list[Layout]]) -> int:
    """How many characters a line of a grid takes, with two between any two columns."""
    return sum(max(len(text(entry)) for entry in column) + 2 for column in zip(*rows, strict=True)) - 2


def _shape(shape: tuple[int, ...], page: Page) -> str:
    if len(shape) == 1:
        return rf"{shape[0]}\ \mathrm{{{upright(page.say(N_('entries')))}}}"
    return r" \times ".join(map(str, shape))


# ---------------------------------------------------------------- what stands in a box


def definition_label(node: Node, graph: Graph, page: Page, short: bool = False) -> str:
    """`z = W x + b`, if that is not long and stands on one line; else the name, as where only that is wanted."""
    context = page.context(graph)
    called = context.called(node.name, len(node.indices))
    whole = row(called, EQUALS, definitions.layout(node.surface or node.body, context))
    code = _mathtext(latex(whole))
    return latex(called) if short or len(text(whole)) > DEFINITION or r"\begin" in code else code


DOT = r"\cdot"
_SIGNS = {"+": "+", "-": "-", "*": r"\times ", "/": r"\div ", "neg": "-"}
_REDUCTIONS = {
    "sum": r"\Sigma",
    "mean": r"\mathrm{mean}",
    "prod": r"\Pi",
    "max": r"\max",
    "min": r"\min",
    "argmax": r"\mathrm{argmax}",
    "det": r"\det",
}


def operation_label(node: Node, page: Page) -> str:
    """The sign of an operation; a constant in it is part of the sign: `+1`, `2×`."""

    def written(tree: Tree) -> str:
        return "" if _has_tensor(tree) else _mathtext(latex(definitions.layout(tree, page.bare)))

    if not operands(node):
        return written(node.body)
    match node.body:
        case Reduce("sum", Op("*", (Ref(), Ref()))):
            return DOT
        case Reduce("sum", Op("*", (left, right))):
            return rf"\Sigma\ {written(left)}{_SIGNS['*']}{written(right)}"
        case Reduce(operator, _):
            return _REDUCTIONS[operator]
        case Entry():
            return r"(\cdot)^{-1}"
        case Call(function, args):
            shown = {"max": r"\max", "min": r"\min"}.get(function, _mathtext(latex(function_name(function))))
            constant = [written(a) for a in args if isinstance(a, (Number, Size))]
            return f"{shown}({constant[0]}{latex(page.style.separator)}{DOT})" if constant and len(args) == 2 else shown
        case Op(operator, (left, right)) if operator in "+-*/":
            return f"{written(left)}{_SIGNS[operator]}{written(right)}".rstrip()
        case Op("**", (base, exponent)):
            return f"{{{written(base) or DOT}}}^{{{written(exponent) or DOT}}}"
        case Op(operator):
            return _SIGNS.get(operator, operator)
    return "="


def _has_tensor(tree: Tree) -> bool:
    return isinstance(tree, Ref) or any(map(_has_tensor, children(tree)))


def _mathtext(code: str) -> str:
    """mathtext knows no \\operatorname with a space in it, for which upright letters say the same, and no \\lVert."""
    return code.replace(r"\operatorname", r"\mathrm").replace(r"\lVert ", r"\Vert ").replace(r"\rVert ", r"\Vert ")
