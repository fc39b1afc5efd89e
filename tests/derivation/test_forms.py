"""The form of every result: what a change of a cost, of an order or of a law makes of them shows as a difference of text.

`golden/forms/` holds, for every definition of the library and of the tables that other tests go through, each gradient as
it is printed, its matrix form, its NumPy code, the families of its steps and its cases.  That a result is right is proved
elsewhere, and the reasons on the way to it are looked at here; it is to be the one that was there before, or
`pytest --update tests/derivation/test_forms.py` and a look at the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

import derive
from benchmarks.library import GROUPS
from cases import axes, batches, course, gradients, identities, places, second_order, textbook
from cases import matrices as matrix_cases
from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph, Node
from derive.language import library
from oracles.forms import form, unread
from oracles.readback import Scene, printed_definitions, printed_derivation
from oracles.reasons import complaints

FOLDER = Path(__file__).parents[1] / "golden" / "forms"


class Entry(NamedTuple):
    """A definition, the inputs that differ between examples if it is one for many, and the pair of a second derivative."""

    source: str
    inputs: str = ""
    second: tuple[str, ...] = ()
    name: str = ""


def entries(sources: Iterable[str]) -> list[Entry]:
    return [Entry(source) for source in dict.fromkeys(sources)]


MASKED = (
    # products entry by entry of a matrix and a transposed one: which of the factors is transposed decides the length
    "A: [m, n]; B: [n, m]; C: [k, n]; Y = (A.T*B) @ (A*B.T) @ C.T",
    "A: [n, m]; B: [m, n]; C: [n, m]; X: [n, k]; Y = (A.T*B*C.T) @ X",
    "A: [n, n]; B: [n, n]; Y = A @ (A.T*B)",
    "A: [m, n]; B: [n, m]; X: [m, k]; L = sum(((A.T*B) @ X)**2)",
    "A: [m, n]; B: [n, m]; X: [m, k]; L = sum(((A.T + B) @ X)**2)",
    "A: [m, n]; B: [n, m]; H = A.T*B; Y = H @ H.T",
    "A: [n, n]; B: [n, n]; L = sum((A*B) @ (A.T*B))",
)

TABLES: dict[str, list[Entry]] = {
    **{f"library-{group}": entries(n for n in library.names() if library.header(n)["group"] == group) for group in GROUPS},
    "texts": [Entry(source, name=name) for name, (source, _) in gradients.TEXTS.items()],
    "identities": entries(identity.definition for identity in identities.IDENTITIES),
    "second": [Entry(case.source, second=case.wrt, name=name) for name, case in second_order.CASES.items()],
    "batches": [Entry(*case) for case in (*batches.CASES, *map(batches.formula, batches.NOTATION))],
    "matrices": entries(
        source
        for source in (
            *(name for name, _ in (*matrix_cases.GRADIENTS, *matrix_cases.JACOBIANS)),
            matrix_cases.BATCH,
            *(source for source, _, _ in matrix_cases.LOOKED_UP),
            course.SCORES,
            course.LAYER,
        )
        if source not in library.names() and source not in gradients.TEXTS
    ),
    "masked": entries(MASKED),
    "books": entries(
        source
        for source in (*(source for source, _, _ in textbook.FORMS), textbook.SELF_ATTENTION, textbook.RESIDUAL)
        if source not in library.names()
    ),
    "axes": entries(
        [
            *axes.AXES,
            *(source for source, _ in axes.LARGE.values()),
            *places.EVERYWHERE_A_PLACE_WITHOUT_KINK,
            *places.ARG_MAX,
        ]
    ),
}


# ---------------------------------------------------------------- as text


def entry_text(entry: Entry) -> Iterator[str]:
    """A definition and its derivatives."""
    lines = entry.source.splitlines()
    title = entry.name or lines[-1]
    yield f"## {title}, for examples {entry.inputs}" if entry.inputs else f"## {title}"
    if lines != [title]:
        yield from (f"    {line}" for line in lines)
    graph = replace(derive.graph(entry.source))  # remembers nothing from another test
    if entry.inputs:
        graph = graph.batched(*entry.inputs.split(","))
    points: dict[int, list[Scene]] = {}
    for line in printed_definitions(graph):
        yield from unread(line, graph, points)
    for found in derivatives(graph, entry.second):
        assert complaints(found) == []
        yield ""
        yield from form(found)
        for line in printed_derivation(found):
            if line.kind != "line":
                yield from unread(line, found.graph, points)
    yield ""


def derivatives(graph: Graph, second: tuple[str, ...]) -> Iterator[Derivation]:
    """The second derivative by a pair; else by every tensor with a name, and of a tensor the Jacobians by its inputs, too."""
    if second:
        yield graph.derive(wrt=second, order=2)
        return
    reached = graph.ancestors(graph.output.name) - {graph.output.name}
    members = [m for n, m in graph.members.items() if n in reached and m.differentiable and not getattr(m, "inner", False)]
    for member in members:
        yield graph.derive("", member.name, upstream=bool(graph.output.axes))
    for member in members if graph.output.axes else ():
        if not isinstance(member, Node):
            yield graph.derive("", member.name)


@pytest.mark.parametrize("table", TABLES)
def test_the_form_of_every_result_is_the_one_it_was(table: str, golden: Callable[[Path, str], None]) -> None:
    golden(FOLDER / f"{table}.txt", "\n".join(line for entry in TABLES[table] for line in entry_text(entry)))


def test_every_file_of_forms_is_compared() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(TABLES)
