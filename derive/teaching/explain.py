"""What `derive explain` says of a definition: the definition, worked numbers, and every derivation, proved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.derivation import Derivation, derivation
from derive.errors import DeriveError
from derive.graphs import Graph
from derive.language.tree import Number
from derive.notation import definitions, matrices
from derive.notation.layout import EQUALS, latex, row
from derive.notation.terms import layout
from derive.proof import Proved, prove
from derive.run import Run, plain
from derive.teaching.document import Block, Document, Slide, inlines
from derive.teaching.gradient import RULE_BREAK, Detail, definition_blocks, derivation_blocks, shown
from derive.teaching.page import Page
from derive.teaching.worked import backward_blocks, forward_blocks


def derivations(graph: Graph, wrt: Sequence[str] = ()) -> tuple[Proved, ...]:
    """The derivations of a definition's output, from the output back, all proved.

    By the inputs and the named results on the way, or by `wrt` and what those results name.  For an output that is a
    tensor: its Jacobian where that has two indices at most, and the gradient of a loss behind it.  Raises ProofError.
    """
    output = graph.output
    reached = graph.ancestors(output.name) - {output.name}
    names = [m.name for m in graph.members.values() if m.name in reached and getattr(m, "differentiable", True)]
    own = [n for n in names if not getattr(graph.members[n], "inner", False)]
    for name in wrt:
        derivation(graph, "", name)
        if name not in names:
            raise DeriveError(f"{output.name} is not computed from {name}")
    found: list[Derivation] = []
    if output.indices:
        small = [n for n in wrt or own if len(output.indices) + len(graph.members[n].indices) <= 2]
        found += [d for d in (derivation(graph, "", n) for n in reversed(small)) if not d.named]
    wanted, way = set(wrt or own), list[Derivation]()
    for name in names:  # what a result names comes after it, on the way to the output
        if name in wanted:
            way.append(derivation(graph, "", name, upstream=bool(output.indices)))
            wanted |= set(way[-1].named)
    found += reversed(way)
    return tuple(map(prove, found))


def explain(
    graph: Graph, page: Page, run: Run | None = None, wrt: Sequence[str] = (), detail: Detail = "normal", title: str = ""
) -> Document:
    """The explanation as a document."""
    say = page.say
    slides = [_slide(say(N_("Definition")), definition_blocks(graph, page))]
    if run is not None:
        scalars = not any(m.axes for m in graph.members.values())
        slides.append(_slide(say(N_("Forward: the values")), forward_blocks(run, page, elementary=scalars)))
        slides.append(_slide(say(N_("Backward: the gradients")), backward_blocks(run, page)))
    slides += [_derivation_slide(proved, page, detail) for proved in derivations(graph, wrt)]
    return Document(title or graph.output.name, tuple(slides), page.style.lang, source=graph.source)


def _slide(title: str, blocks: Iterable[Block]) -> Slide:
    return Slide(inlines(title), tuple(blocks))


def _derivation_slide(proved: Proved, page: Page, detail: Detail) -> Slide:
    found = proved.derivation
    kind = page.say(N_("Jacobian")) if found.subject.output.indices else page.say(N_("Gradient"))
    return Slide(inlines(f"{kind} ", layout(found.subject, page.context(found.graph))), derivation_blocks(proved, page, detail))


# ---------------------------------------------------------------- JSON


def as_json(graph: Graph, page: Page, run: Run | None = None, wrt: Sequence[str] = (), detail: Detail = "full") -> dict[str, Any]:
    """The explanation as data; see the README for its shape."""
    whole = run.graph if run is not None else graph
    context = page.context(whole)
    return {
        "graph": {
            "inputs": [{"name": i.name, "axes": list(map(str, i.axes))} for i in whole.inputs],
            "nodes": [
                {
                    "name": n.name,
                    "axes": list(map(str, n.axes)),
                    "latex": latex(
                        row(definitions.left_side(n.name, n.indices, context), EQUALS, definitions.layout(n.body, context))
                    ),
                }
                for n in whole.nodes
            ],
            "output": whole.output.name,
        },
        "at": None if run is None else {k: _typed(v) for k, v in run.point.typed.items()},
        "values": {} if run is None else {k: _nested(v) for k, v in run.exact.items()},
        "gradients": {} if run is None else {k: _nested(v) for k, v in run.gradients.items()},
        "derivations": [_derivation_json(p, page, detail) for p in derivations(graph, wrt)],
    }


def _derivation_json(proved: Proved, page: Page, detail: Detail) -> dict[str, Any]:
    found = proved.derivation
    context = page.context(found.graph)
    kinds: Mapping[int, str] = dict(zip(map(id, found.steps), proved.kinds, strict=True))
    matrix = found.form
    steps = []
    for step in shown(found, detail):
        uses = [latex(row(layout(a, context), EQUALS, layout(b, context))) for a, b in step.uses]
        steps.append(
            {
                "latex": latex(layout(step.line, context)),
                "rule": ", ".join(map(page.say, step.rule.split(RULE_BREAK))),
                "note": ", ".join(uses),
                "proof": kinds.get(id(step), "numeric"),
            }
        )
    return {
        "of": found.of,
        "wrt": found.wrt,
        "steps": steps,
        "result": latex(layout(found.result, context)),
        "matrix": None if matrix is None else latex(matrices.layout(matrix, context)),
    }


def _typed(value: Any) -> Any:
    return (
        [_typed(v) for v in value]
        if isinstance(value, tuple)
        else _plain_number(value.value if isinstance(value, Number) else value)
    )


def _nested(array: Any) -> Any:
    values = np.asarray(array, dtype=object)
    return _plain_number(values[()]) if values.ndim == 0 else [_nested(v) for v in values]


def _plain_number(value: Any) -> Any:
    """An integer where it is one, else the nearest float."""
    number = plain(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise DeriveError(f"{number} cannot be written in JSON")
    return int(number) if number == int(number) and abs(number) < 2**53 else number
