"""An explanation as data, for `--format json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derive.derivation.second_order import is_square
from derive.errors import DeriveError
from derive.graphs.graph import gradient_parts
from derive.graphs.tree import Number
from derive.language.batching import Batch
from derive.notation import definitions, matrices
from derive.notation.layout import EQUALS, latex, row
from derive.notation.terms import layout
from derive.proof.proof import Proved
from derive.teaching.blocks.batched import reasoning
from derive.teaching.blocks.gradient import RULE_BREAK, shown
from derive.teaching.page import Page
from derive.teaching.request import Detail, Request
from derive.values.run import plain


def as_json(request: Request, page: Page) -> dict[str, Any]:
    """The explanation as data; see the README for its shape."""
    run = request.run
    whole = run.graph if run is not None else request.graph
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
        "derivations": [_derivation_json(p, page, request.detail) for p in request.shown],
        **({} if request.batched is None or request.order == 2 else {"batch": _batch_json(request.batched, request, page)}),
    }


def _batch_json(batch: Batch, request: Request, page: Page) -> dict[str, Any]:
    why, detail = reasoning(batch, request.wrt), request.detail
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
