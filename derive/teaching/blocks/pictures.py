"""The computational graph of a definition as a figure: boxes are operations, edges carry values and gradients."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from derive.calculus.rules import N_, differentiated
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Number, Op, Reduce, Ref, Size, Tree, children
from derive.language.at import Point
from derive.notation import definitions
from derive.notation.layout import latex
from derive.notation.terms import function_name
from derive.teaching.blocks.numbers import array
from derive.teaching.document import Picture
from derive.teaching.figure import Arrow, Box, Diagram, draw
from derive.teaching.page import Page
from derive.values.entries import unrolled
from derive.values.operations import by_operation
from derive.values.run import Run


def picture(run: Run, page: Page, name: str, scalars: bool = False) -> Picture:
    """The figure of a run; with `scalars`, every number is a node of its own."""
    shown = _scalar_run(run) if scalars else run
    diagram = diagram_of(shown.source, page, shown)
    formats = {kind: partial(draw, diagram, kind, page.lang) for kind in ("pdf", "svg", "png")}
    return Picture(name, formats, diagram.alt)


def _scalar_run(run: Run) -> Run:
    """The same run with a scalar for every entry."""
    graph = unrolled(run.source, run.values)
    arrays = {}
    for given in run.source.inputs:
        for entry in np.ndindex(np.shape(run.exact[given.name])) if given.kind != "label" else ():
            arrays[given.name + "".join(str(k + 1) for k in entry)] = run.exact[given.name][entry]
    return Run(graph, Point({}, {n: np.asarray(v, dtype=object) for n, v in arrays.items()}, {}))


def diagram_of(source: Graph, page: Page, run: Run | None = None) -> Diagram:
    """Boxes and arrows of a graph, one operation a box, and the output's name at the end; numbers if there is a run."""
    graph = by_operation(source)
    output = graph.output
    reached = graph.ancestors(output.name)
    boxes = [
        Box(i.name, latex(page.context(source).called(i.name, len(i.indices))), "input")
        for i in graph.inputs
        if i.name in reached
    ]
    boxes += [Box(n.name, operation_label(n, page), "operation") for n in graph.nodes if n.name in reached]
    end = f"{output.name} "
    boxes.append(Box(end, latex(page.context(source).called(output.name, len(output.indices))), "output"))
    arrows = [
        Arrow(used, node.name, *(_numbers(run, graph, used, node, page) if run else ()))
        for node in graph.nodes
        if node.name in reached
        for used in _operands(node.body)
    ]
    last = (_printed(run.exact[output.name], page), _printed(run.gradients[output.name], page)) if run else ()
    alt = page.say(N_("Computational graph of")) + " " + ", ".join(n.name for n in source.nodes)
    return Diagram(tuple(boxes), (*arrows, Arrow(output.name, end, *last)), alt)


def _printed(value: Any, page: Page) -> str:
    return latex(array(value, page)[0])


def _numbers(run: Run, graph: Graph, used: str, node: Node, page: Page) -> tuple[str, str]:
    """The value along an edge, and what flows back: the gradient by the node times the node's slope, nothing for a label."""
    member = graph.members[used]
    forward = _printed(run.exact[used], page)
    if not member.differentiable or node.name not in run.gradients:
        return forward, ""
    if member.axes or node.axes:
        return forward, _printed(run.gradients[used], page) if len(graph.consumers(used)) == 1 else ""
    slope = run.values.array(shortest(differentiated(node.expr, Element(member.head))))
    return forward, _printed(np.asarray(slope, dtype=object)[()] * run.gradients[node.name][()], page)


def _operands(tree: Tree) -> list[str]:
    """The tensors that an operation uses, each once, in order."""
    own = [tree.name] if isinstance(tree, Ref) else []
    return list(dict.fromkeys(own + [n for c in children(tree) for n in _operands(c)]))


_SIGNS = {"+": "+", "-": "-", "*": r"\times", "/": r"\div", "neg": "-"}
_REDUCTIONS = {
    "sum": r"\Sigma",
    "mean": r"\mathrm{mean}",
    "prod": r"\Pi",
    "max": r"\max",
    "min": r"\min",
    "argmax": r"\mathrm{argmax}",
}


def operation_label(node: Node, page: Page) -> str:
    """The sign of an operation; a constant in it is part of the sign: `+1`, `2×`."""
    tree = node.body
    match tree:
        case Ref():
            return "="
        case Reduce(operator, body):
            return r"\cdot" if isinstance(body, Op) and operator == "sum" else _REDUCTIONS[operator]
        case Call(function, args):
            shown = {"max": r"\max", "min": r"\min"}.get(function, _upright(latex(function_name(function))))
            constant = [a for a in args if isinstance(a, (Number, Size))]
            return (
                f"{shown}({latex(definitions.layout(constant[0], page.bare))}, \\cdot)" if constant and len(args) == 2 else shown
            )
        case Op(operator, args) if len(args) == 2 and operator in "+-*/":
            left, right = ("" if _has_tensor(a) else latex(definitions.layout(a, page.bare)) for a in args)
            return f"{left}{_SIGNS[operator]}{right}"
        case Op("**", (_, exponent)):
            return rf"\cdot^{{{latex(definitions.layout(exponent, page.bare))}}}"
        case Op(operator):
            return _SIGNS.get(operator, operator)
    return "="


def _has_tensor(tree: Tree) -> bool:
    return isinstance(tree, Ref) or any(map(_has_tensor, children(tree)))


def _upright(code: str) -> str:
    """mathtext knows no \\operatorname with a space in it; upright letters say the same."""
    return code.replace(r"\operatorname", r"\mathrm")
