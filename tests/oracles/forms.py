"""The form of a derivative as text, as golden files hold it: what is printed, its code, the families of its steps, its cases."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import normalize

from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph
from derive.notation import matrices, numpy_code
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from oracles.readback import Printed, Scene, check, scenes


def form(found: Derivation) -> Iterator[str]:
    context = context_of(found.graph).beside(found.indices)
    matrix = found.form

    def printed(term: object) -> str:
        return normalize("NFC", text(layout(term, context)))

    yield f"{printed(found.subject)} = {printed(found.result)}"
    if matrix is not None:
        yield "  matrix  " + normalize("NFC", text(matrices.layout(matrix, context)))
        yield f"  numpy   {numpy_code.numpy_code(matrix)}"
    yield f"  steps   {len(found.steps)}: {' '.join(step.family for step in found.steps)}"
    for value, condition in found.cases or ():
        yield f"  case    {printed(value)}  if {printed(condition)}"


def unread(line: Printed, graph: Graph, points: dict[int, list[Scene]]) -> Iterator[str]:
    """What is wrong with a line where a reader reads it back (see `tests/notation/test_reader.py`): nothing."""
    if id(graph) not in points:
        points[id(graph)] = list(scenes(graph, most=1))
    yield from (f"  UNREAD {wrong}" for wrong in check(line, points[id(graph)]))
