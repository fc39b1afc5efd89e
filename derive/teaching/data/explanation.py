"""An explanation as data, for `--format json`."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.errors import DeriveError, said
from derive.graphs.graph import Node
from derive.graphs.tree import Number
from derive.language.batching import Batch
from derive.notation import definitions
from derive.notation.layout import EQUALS, Layout, row
from derive.teaching.blocks.batched import reasoning
from derive.teaching.data.parts import derivation_json, graph_json
from derive.teaching.page import Page
from derive.teaching.request import Request
from derive.values.run import TooLarge, plain, shortly


def as_json(request: Request, page: Page) -> dict[str, Any]:
    """The explanation as data; a graph and a derivation as `parts` says:

    {"graph", "at": {input: values} | null, "values": {tensor: values}, "gradients": {tensor: values}, "derivations": [one for
     each], "batch": {"axis", "index", "one": [derivations], "all": [derivations]}}

    A number beyond what a float holds is a text, "1.0e+400".  Where there are values, the graph is that with one operation a
    node.  There is a batch only where one was asked for.
    """
    run = request.run
    whole = run.graph if run is not None else request.graph
    context = page.context(whole)

    def layout_of(node: Node) -> Layout:
        left = definitions.left_side(node.name, node.indices, context)
        return row(left, EQUALS, definitions.layout(node.body, context))

    return {
        "graph": graph_json(whole, layout_of),
        "at": None if run is None else {k: _typed(v) for k, v in run.point.typed.items()},
        "values": {} if run is None else {k: _nested(v) for k, v in run.exact.items()},
        "gradients": {} if run is None else {k: _nested(v) for k, v in run.gradients.items()},
        "derivations": [derivation_json(p, page, request.view.detail) for p in request.shown],
        **({} if request.batched is None or request.order == 2 else {"batch": _batch_json(request.batched, request, page)}),
    }


def _batch_json(batch: Batch, request: Request, page: Page) -> dict[str, Any]:
    why, detail = reasoning(batch, request.wrt), request.view.detail
    return {
        "axis": str(batch.example.size),
        "index": batch.example.name,
        "one": [derivation_json(p, page, detail) for p in why.one],
        "all": [derivation_json(p, page, detail) for p in why.all],
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
    """An integer where it is one, else the nearest float; as a text where it is beyond what a float holds."""
    try:
        number = plain(value)
    except TooLarge:
        return shortly(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise DeriveError(said("{number} cannot be written in JSON.", number=number))
    return int(number) if number == int(number) and abs(number) < 2**53 else number
