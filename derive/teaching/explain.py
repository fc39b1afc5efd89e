"""What `derive explain` says of a definition: the definition, worked numbers, and every derivation, proved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import is_square
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph, gradient_parts
from derive.graphs.tree import Number
from derive.language.batching import Batch
from derive.notation import definitions, matrices
from derive.notation.layout import EQUALS, latex, row
from derive.notation.terms import layout
from derive.proof.proof import Proved, prove
from derive.teaching.batched import definition_slides, reasoning, reasoning_slides
from derive.teaching.document import Block, Document, Slide, inlines
from derive.teaching.gradient import RULE_BREAK, Detail, definition_blocks, derivation_blocks, result_blocks, shown
from derive.teaching.hessian import hessian_blocks, hessians, title_of
from derive.teaching.page import Page
from derive.teaching.worked import backward_blocks, forward_blocks
from derive.values.run import Run, plain


def derivations(graph: Graph, wrt: Sequence[str] = (), order: int = 1) -> tuple[Proved, ...]:
    """The derivations of a definition's output, from the output back, all proved.

    By the inputs and the named results on the way, or by `wrt` and what those results name.  For an output that is a
    tensor: its Jacobian where that has two indices at most, and the gradient of a loss behind it.  With order=2, the
    second derivatives instead; see `hessians`.  Raises ProofError.
    """
    if order == 2:
        return hessians(graph, wrt)
    output = graph.output
    reached = graph.ancestors(output.name) - {output.name}
    names = [m.name for m in graph.members.values() if m.name in reached and m.differentiable]
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
    graph: Graph,
    page: Page,
    run: Run | None = None,
    wrt: Sequence[str] = (),
    detail: Detail = "normal",
    title: str = "",
    order: int = 1,
    batch: Batch | None = None,
) -> Document:
    """The explanation as a document; of a batched definition, with why its gradients follow from those of one example."""
    say = page.say
    proved = derivations(graph, wrt, order)
    slides = [_slide(say(N_("Definition")), definition_blocks(graph, page))]
    if batch is not None:
        slides = list(definition_slides(batch, page))
    if run is not None:
        scalars = not any(m.axes for m in graph.members.values())
        slides.append(_slide(say(N_("Forward: the values")), forward_blocks(run, page, elementary=scalars)))
        slides.append(_slide(say(N_("Backward: the gradients")), backward_blocks(run, page)))
    if batch is not None and order == 1:
        why = reasoning(batch, wrt)
        slides += reasoning_slides(why, batch, page, detail)
        proved = tuple(p for p in proved if p not in why.all)
    slides += [_derivation_slide(p, page, detail, order, run) for p in proved]
    return Document(title or graph.output.name, tuple(slides), page.style.lang, source=graph.source)


def _slide(title: str, blocks: Iterable[Block]) -> Slide:
    return Slide(inlines(title), tuple(blocks))


def _derivation_slide(proved: Proved, page: Page, detail: Detail, order: int, run: Run | None) -> Slide:
    found = proved.derivation
    if gradient_parts(found.of):
        kind, blocks = title_of(found, page), hessian_blocks(proved, page, detail, run)
    else:
        kind = page.say(N_("Jacobian")) if found.subject.output.indices else page.say(N_("Gradient"))
        short = order == 2 and detail == "brief"  # the gradient is only on the way there
        blocks = result_blocks(proved, page) if short else derivation_blocks(proved, page, detail)
    return Slide(inlines(f"{kind} ", layout(found.subject, page.context(found.graph))), blocks)


# ---------------------------------------------------------------- JSON


def as_json(
    graph: Graph,
    page: Page,
    run: Run | None = None,
    wrt: Sequence[str] = (),
    detail: Detail = "full",
    order: int = 1,
    batch: Batch | None = None,
) -> dict[str, Any]:
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
        "derivations": [_derivation_json(p, page, detail) for p in derivations(graph, wrt, order)],
        **({} if batch is None or order == 2 else {"batch": _batch_json(batch, page, wrt, detail)}),
    }


def _batch_json(batch: Batch, page: Page, wrt: Sequence[str], detail: Detail) -> dict[str, Any]:
    why = reasoning(batch, wrt)
    return {
        "axis": str(batch.example.size),
        "index": batch.example.name,
        "one": [_derivation_json(p, page, detail) for p in why.one],
        "all": [_derivation_json(p, page, detail) for p in why.all],
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
    parts = gradient_parts(found.of)
    return {
        "of": found.of if parts is None else parts[0],
        "wrt": found.wrt if parts is None or is_square(found) else f"{parts[1]},{found.wrt}",
        "order": 1 if parts is None else 2,
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
