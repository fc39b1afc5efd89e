"""Cases: every condition, comparison and kink in a line is met on both sides, or said not to be."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sympy import Integer, Symbol

import derive
from derive.calculus.terms import Below, Delta, Element, Index, Maximum, Positive, Where
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.proof import proof, search
from derive.proof.cases import cases_of
from derive.proof.proof import Proved, prove
from oracles.planted_rules import CONDITIONS, derived_by, opened


def proved(text: str, wrt: str = "") -> Proved:
    found = derived_by(opened(text))
    return prove(found[wrt] if wrt else next(iter(found.values())))


def shown(graph: Graph, sides: Any) -> set[str]:
    return {f"{case.test} {'holds' if holds else 'fails'}" for case, holds in sides}


@pytest.mark.parametrize("text", CONDITIONS)
def test_every_case_is_met_on_both_sides(text: str) -> None:
    for found in derived_by(opened(text)).values():
        made = prove(found)
        assert not made.missed
        assert made.cases
        for counted in made.cases:
            sides = ((counted.holding, True), (counted.failing, False))
            assert all(count for count, holds in sides if counted.case.needed and counted.case.reachable(holds))


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("f = where(x > 0, where(x < -1, x**2, x), 3*x)", {"Positive(x + 1) fails"}),
        ("x: [n]; f = sum(x[i]**2 for i in n if i < 300)", {"Below(@1, 300) fails"}),
        ("f = where(x > 10**9, x**2, x)", {"Positive(x - 1000000000) holds"}),
        ("f = max(0, sin(x) - 2)*x", {"Positive(sin(x) - 2) holds"}),
    ],
)
def test_a_case_that_no_point_meets_is_named(text: str, missed: set[str]) -> None:
    made = proved(text)
    assert shown(made.derivation.graph, made.missed) == missed


@pytest.mark.parametrize(
    "text", ["f = max(0, x**2)", "f = abs(exp(x))*x", "f = relu(relu(x))", "x: [3]; f = sum(x[i] for i in 3 if i < 7)"]
)
def test_a_case_that_cannot_be_is_not_missed(text: str) -> None:
    assert not proved(text).missed


@pytest.mark.parametrize(
    "text",
    [
        "f = max(0, max(0, x))",
        "f = relu(relu(x))*y",
        "f = abs(max(0, x))",
        "x: [n]; h = relu(x); y = relu(h)",
        "f = max(0, relu(x) - 30)",
    ],
)
def test_a_piece_at_a_tie_keeps_no_point_from_the_other_side(text: str) -> None:
    """Where relu(x) is 0 and stays 0, relu of it has no kink."""
    made = proved(text, "x")
    assert not made.missed
    assert all(c.holding and c.failing for c in made.cases if c.case.condition == 1)


def test_a_case_counts_only_under_its_condition() -> None:
    n, a = Symbol("n", integer=True, positive=True), Element(Symbol("a", real=True))
    i, j = Index("i", n), Index("j", n)
    inner = Where(Positive(a - 3), Maximum(Integer(0), a - 5), a)
    found = {(c.test, c.condition) for c in cases_of([inner * Delta(i, j) * Below(i, 4)]) if c.needed}
    assert (Positive(a - 5), Delta(i, j) * Below(i, 4) * Positive(a - 3)) in found
    assert (Below(i, 4), Delta(i, j)) in found


def test_without_the_search_wrong_cases_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The points drawn at random miss them: it is the search that sees a slope lose its condition."""

    def wrong(text: str, line: Any) -> Derivation:
        (found,) = derived_by(opened(text)).values()
        last = found.steps[-1]
        return replace(found, steps=(*found.steps[:-1], replace(last, line=line(last.line))))

    cases = {
        "x: [n]; f = sum(x[i]**2 for i in n if i < 4)": lambda line: line.replace(Below, lambda *a: Integer(1)),
        "f = where(x > 100, x**2, x)": lambda line: line.args[2],
        "f = max(x, 10)": lambda line: Integer(0),
        "x: [n]; h = 3*x + 100; L = sum(max(h, 0))": lambda line: Integer(3),
    }
    for text, line in cases.items():
        with pytest.raises(derive.DeriveError, match="does not follow"):
            prove(wrong(text, line))
    monkeypatch.setattr(proof, "sought", lambda *given: iter(()))
    monkeypatch.setattr(proof, "other_scales", lambda *given: iter(()))
    assert [text for text, line in cases.items() if prove(wrong(text, line))] == [*cases]


def test_what_is_sought_is_limited() -> None:
    """A condition that needs longer axes than are tried costs no more than looking."""
    assert max(search.GROWTH) == search.LONGEST
    made = proved("x: [n]; y: [n]; f = sum(x[i]*y[j] for i in n for j in n if i > j + 200)")
    assert made.missed


@pytest.mark.parametrize(
    "text",
    [
        "x: [n]; o: onehot[n]; "
        "h = max(min(where(max(x) <= where(v <= 2, x, 0.5), v - 2, u**0.5)), max(tanh(o)/where(v < w, v, w)))",
        "x: [n]; y: [n]; h = max(sqrt(where(0 < exp(u), y*v, sum(x*y)/0.5)), min((x/y)*(0.5/x)))",
    ],
)
def test_a_case_is_sought_or_given_up_without_an_error(text: str) -> None:
    """Comparisons under a binder in a condition, and points along a line without values."""
    graph = derive.graph(text)
    for given in graph.inputs:
        if given.differentiable:
            with suppress(DeriveError):
                prove(graph.derive("h", given.name, upstream=bool(graph.output.axes)))
