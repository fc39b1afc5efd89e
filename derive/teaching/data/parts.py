"""What explanations and certificates have in common as data: a graph, and a proved derivation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.calculus.terms import indices_in_order
from derive.derivation.second_order import SecondDerivation, is_square
from derive.derivation.written import REWRITE, written
from derive.graphs.graph import Graph, Node
from derive.notation import matrices
from derive.notation.layout import EQUALS, Layout, latex, row, text
from derive.notation.numpy_code import numpy_code
from derive.notation.terms import layout
from derive.proof.proof import Proved
from derive.teaching.blocks.cases import case_layout
from derive.teaching.blocks.gradient import RULE_BREAK, shown
from derive.teaching.page import Page
from derive.teaching.request import Detail


def graph_json(graph: Graph, layout_of: Callable[[Node], Layout]) -> dict[str, Any]:
    """{"inputs": [{"name", "kind", "axes"}], "nodes": [{"name", "axes", "latex", "text"}], "output": name}; `layout_of` a node is
    its definition as it is printed.
    """
    return {
        "inputs": [{"name": i.name, "kind": i.kind, "axes": [*map(str, i.axes)]} for i in graph.inputs],
        "nodes": [{"name": n.name, "axes": [*map(str, n.axes)], **_printed(layout_of(n))} for n in graph.nodes],
        "output": graph.output.name,
    }


def derivation_json(proved: Proved, page: Page, detail: Detail = "full") -> dict[str, Any]:
    """{"of", "wrt", "order": 1 | 2, "kind": "gradient" | "jacobian" | "second",
        "steps": [{"latex", "text", "rule", "note", "proof": "symbolic" | "numeric", "error"}], "result", "matrix", "numpy",
        "compared": [{"sizes": {axis: n}, "points", "entries"}], "sought": so many points more,
        "cases": [{"case", "holds", "fails"}], "missed": [cases that no point meets], "error"}

    Errors of lines are |a − b| / (1 + |a|) in 50 digits, null for a line that stands for several; a matrix form that there is
    not is null.
    """
    found = proved.derivation
    second = found if isinstance(found, SecondDerivation) else None
    context = page.context(found.graph).beside(found.indices)
    how = {id(step): known for step, *known in zip(found.steps, proved.kinds, proved.errors, strict=True)}
    steps = []
    for line, step in written(shown(found, detail), found.graph, context):
        kind, error = ("symbolic", 0.0) if step.rule == REWRITE else how.get(id(step), ("numeric", None))
        uses = [latex(row(layout(a, context), EQUALS, layout(b, context.beside(indices_in_order(a))))) for a, b in step.uses]
        rule = ", ".join(map(page.say, step.rule.split(RULE_BREAK)))
        steps.append({**_printed(line), "rule": rule, "note": ", ".join(uses), "proof": kind, "error": error})
    return {
        "of": second.gradient.of if second else found.of,
        "wrt": found.wrt if second is None or is_square(second) else f"{second.gradient.wrt},{found.wrt}",
        "order": 2 if second else 1,
        "kind": "second" if second else "jacobian" if found.subject.output.indices else "gradient",
        "steps": steps,
        "result": latex(layout(found.result, context)),
        "matrix": None if found.form is None else latex(matrices.layout(found.form, context)),
        "numpy": None if found.form is None else numpy_code(found.form),
        "compared": [
            {"sizes": dict(sizes), "points": proved.points, "entries": entries}
            for sizes, entries in zip(proved.sizes, proved.entries, strict=True)
        ],
        "sought": proved.sought,
        "cases": [
            {"case": text(case_layout(proved, c.case, True, page)), "holds": c.holding, "fails": c.failing}
            for c in proved.cases
            if c.case.needed
        ],
        "missed": [text(case_layout(proved, case, holds, page)) for case, holds in proved.missed],
        "error": proved.error,
    }


def _printed(body: Layout) -> dict[str, str]:
    return {"latex": latex(body), "text": text(body).strip()}
