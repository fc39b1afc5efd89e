"""Definitions of books, papers and assignments, as their authors would type them: derived, proved, right and as they were read.

The gradients are those that an author wants, and those that these mention.  What is printed for them was read once as the author
would read it, and stands in `golden/literature/`, also where a book prints something shorter: `pytest --update
tests/derivation/test_literature.py` writes it anew, and the difference is to be read.  A form that is refused has a hint that
says what to write instead, and that is a row of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from cases.literature.refusals import REFUSALS
from cases.literature.row import Derived, Refusal, Row
from cases.literature.tables import SIZES, TABLES
from derive.calculus.cost import length as symbols
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.proof.proof import Proved, prove
from oracles.autodiff import by_torch, drawn, evaluated, in_float, length, relative_error
from oracles.forms import form, unread
from oracles.readback import Scene, printed_definitions, printed_derivation
from oracles.reasons import complaints

Array = Any
FOLDER = Path(__file__).parents[1] / "golden" / "literature"

WORST = 1e-9
"""By how much a gradient may be off, relative to its largest entry."""

MOST = 50_000
"""So many symbols may stand in the lines of a row, each counted once for every point at which it is compared: about a second."""

BY_NAME = {row.name: row for rows in TABLES.values() for row in rows}
GROUPS = {table: pytest.mark.xdist_group(f"literature {table}") for table in TABLES}
NAMES = [pytest.param(row.name, marks=GROUPS[table]) for table, rows in TABLES.items() for row in rows]


@cache
def derived(name: str) -> Derived:
    return BY_NAME[name].derived()


def test_there_are_many_and_each_has_its_name() -> None:
    assert len(BY_NAME) == sum(map(len, TABLES.values())) >= 200


@pytest.mark.parametrize("name", NAMES)
def test_the_sizes_of_a_definition_differ(name: str) -> None:
    row, graph = BY_NAME[name], derived(name).graph
    axes = {axis for member in graph.members.values() for axis in member.axes}
    assert len({length(axis, sizes(row, graph)) for axis in axes}) == len(axes)


# ---------------------------------------------------------------- proved, and with how much work


def work(shown: Proved) -> int:
    """The symbols of all lines, once for every point at which they were compared: a clock would count other work as well."""
    points = shown.points * len(shown.sizes) + shown.sought
    return points * sum(symbols(step.line) for step in shown.derivation.steps)


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_is_proved_without_much_work(name: str) -> None:
    assert sum(work(prove(found)) for found in derived(name).derivations) <= MOST


# ---------------------------------------------------------------- PyTorch


def sizes(row: Row, graph: Graph) -> dict[str, int]:
    return {size.name: {**SIZES, **row.sizes}[size.name] for size in graph.sizes}


def point(row: Row, graph: Graph) -> tuple[dict[str, Array], Array]:
    """The inputs and the upstream gradient at a random point, the same in every run of the tests."""
    lengths, random = sizes(row, graph), np.random.default_rng([*row.name.encode()])
    inputs = in_float({given.name: drawn(given, lengths, random) for given in graph.inputs})
    for given, ends in row.ranges.items():
        inputs[given] = np.array(random.uniform(*ends, inputs[given].shape))
    seed = random.normal(size=[length(axis, lengths) for axis in graph.output.axes])
    return inputs, seed if graph.output.axes else np.array(1.0)


def by_hand(row: Row, lengths: dict[str, int]) -> Callable[..., Array]:
    """What PyTorch computes, given of all inputs and sizes those that it asks for."""
    asked = signature(row.function).parameters
    return lambda _, **given: row.function(**{k: v for k, v in (lengths | given).items() if k in asked})


def errors(row: Row, graph: Graph) -> dict[str, float]:
    """By how much the gradient by each input of PyTorch is off."""
    lengths, (inputs, seed) = sizes(row, graph), point(row, graph)
    theirs = by_torch(by_hand(row, lengths), inputs, seed)
    ours = evaluated(graph, lengths, inputs, seed)
    assert {by for by in row.wrt.split() if by in inputs} <= {*theirs}
    return {by: relative_error(ours[by], theirs[by]) for by in theirs}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", NAMES)
def test_the_gradients_are_those_of_pytorch(name: str) -> None:
    found = errors(BY_NAME[name], derived(name).graph)
    assert all(error <= WORST for error in found.values()), found


# a definition: (what stands in it, what is put there instead)
MISTAKES = {
    "Adam": ("(1 - b)*g**2", "(1.00001 - b)*g**2"),
    "graph attention": ("0.2", "0.2001"),
    "negative sampling": ("-(W @ v)", "-1.0001*(W @ v)"),
    "clipped surrogate": ("min(1 + epsilon, r)", "min(1 - epsilon, r)"),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_definition_is_noticed(name: str) -> None:
    right, wrong = MISTAKES[name]
    row = BY_NAME[name]
    assert right in row.definition
    mistaken = replace(row, definition=row.definition.replace(right, wrong))
    assert max(errors(mistaken, mistaken.graph).values()) > WORST


# ---------------------------------------------------------------- printed


def printed(row: Row) -> Iterator[str]:
    yield f"## {row.name} ({row.source})"
    yield from (f"    {line}" for line in row.text.splitlines())
    graph, found = derived(row.name)
    points: dict[int, list[Scene]] = {}
    for line in printed_definitions(graph):
        yield from unread(line, graph, points)
    for each in found:
        yield ""
        yield from form(each)
        for line in printed_derivation(each):
            if line.kind != "line":
                yield from unread(line, each.graph, points)
    yield ""


@pytest.mark.parametrize("table", [pytest.param(table, marks=mark) for table, mark in GROUPS.items()])
def test_what_is_printed_is_what_was_read(table: str, golden: Callable[[Path, str], None]) -> None:
    golden(FOLDER / f"{table}.txt", "\n".join(line for row in TABLES[table] for line in printed(row)))


def test_every_file_is_compared() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(TABLES)


UNTRUE = {}
"""Definitions with a step whose reason is not what a reader sees between its lines."""


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_is_true_of_its_lines(name: str) -> None:
    assert any(complaints(found) for found in derived(name).derivations) == (name in UNTRUE)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("refusal", [pytest.param(r, id=r.definition) for r in REFUSALS])
def test_what_is_refused_is_told_what_to_write_instead(refusal: Refusal) -> None:
    with pytest.raises(DeriveError) as caught:
        derive.graph(refusal.definition)
    assert (str(caught.value.message), caught.value.hint) == (refusal.message, refusal.hint)
    assert refusal.instead in BY_NAME
