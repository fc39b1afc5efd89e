"""Distances between the entries of one tensor: each from itself is 0 whatever it holds, and has no slope there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import derive
from derive.calculus.terms import Differ
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError
from derive.proof.kinks import kinks_met
from derive.proof.proof import prove
from oracles.reasons import complaints

D = "X: [n, d]; D[i, j] = sqrt(sum((X[i, k] - X[j, k])**2 for k in d)); "


def distances(X: Any) -> Any:
    return np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1))


SUMS: dict[str, Callable[[Any], Any]] = {
    "X: [n, d]; L = sum(sqrt(sum((X[i, k] - X[j, k])**2 for k in d)) for i in n for j in n)": lambda X: distances(X).sum(),
    "X: [n, d]; L = sum(sqrt(sum((X[i, k] - X[j, k])**2 for k in d)) for i in n for j in n if i < j)": (
        lambda X: distances(X).sum() / 2
    ),
    "X: [n, d]; L = sum(sum((X[i, k] - X[j, k])**2 for k in d)**(1/3) for i in n for j in n)": (
        lambda X: (distances(X) ** (2 / 3)).sum()
    ),
    "X: [n, d]; L = sum(log(1 + sqrt(sum(abs(X[i, k] - X[j, k]) for k in d))) for i in n for j in n)": (
        lambda X: np.log(1 + np.sqrt(abs(X[:, None] - X[None]).sum(-1))).sum()
    ),
    D + "L = sum(exp(-D))": lambda X: np.exp(-distances(X)).sum(),
    D + "L = sum((D - 1)**2)": lambda X: ((distances(X) - 1) ** 2).sum(),
    "X: [n, d]; H = tanh(X); L = sum(sqrt(sum((H[i, k] - H[j, k])**2 for k in d)) for i in n for j in n)": (
        lambda X: distances(np.tanh(X)).sum()
    ),
    "X: [n, d]; L = sum(sqrt((X[i, k] - X[j, l])**2 + (X[i, k] - X[j, l])**4) for i in n for k in d for j in n for l in d)": (
        lambda X: np.sqrt((u := np.subtract.outer(X, X)) ** 2 + u**4).sum()
    ),
}


def derived(text: str, name: str = "X") -> Derivation:
    return derive.graph(text).derive("", name)


@pytest.mark.parametrize("text", SUMS)
def test_sums_of_distances_with_a_zero_on_the_diagonal(text: str) -> None:
    found, X, h = derived(text), np.array([[1.0, 2.0], [2.5, 3.5], [4.0, 1.25]]), 1e-5
    prove(found)
    assert not complaints(found)
    f = SUMS[text]
    slopes = [(f(X + h * step) - f(X - h * step)) / (2 * h) for step in np.eye(X.size).reshape(-1, *X.shape)]
    run = found.graph.at(X=X)
    assert run.grad["X"] == pytest.approx(np.reshape(slopes, X.shape), rel=1e-7, abs=1e-8)
    assert not kinks_met(run.source, run.values)


def test_a_condition_that_leaves_the_diagonal_out_is_not_said_twice() -> None:
    sums = [
        f"X: [n, d]; L = sum(sqrt(sum((X[i, k] - X[j, k])**2 for k in d)) for i in n for j in n if {c})"
        for c in ("i != j", "i < j")
    ]
    for found in map(derived, sums):
        assert not any("always 0" in step.rule for step in found.steps)
        assert all(len(step.line.atoms(Differ)) <= ("i != j" in str(found.graph.source)) for step in found.steps[:3])


def test_entries_that_labels_pick_may_be_the_same() -> None:
    text = (
        "E: [v, d]; a: label[v]; p: label[v]; q: label[v]; "
        "L = max(0, sqrt(sum((E[a, k] - E[p, k])**2 for k in d)) - sqrt(sum((E[a, k] - E[q, k])**2 for k in d)) + 1)"
    )
    prove(derived(text, "E"))
    run = derive.graph(text).at(E=[[0, 0], [3, 4], [1, 1]], a=0, p=0, q=2)  # 0 - √2 + 1 < 0
    assert run.grad["E"].tolist() == [[0, 0]] * 3
    run = derive.graph(text).at(E=[[0, 0], [3, 4], [0.3, 0.4]], a=0, p=0, q=2)  # 0 - 0.5 + 1 > 0
    assert run.grad["E"] == pytest.approx(np.array([[0.6, 0.8], [0, 0], [-0.6, -0.8]]))


@pytest.mark.parametrize(
    "text",
    [
        "x: [n]; L = sqrt(mean((x - mean(x))**2))",
        "x: [n]; y: [n]; r = mean((x - mean(x))*(y - mean(y)))/sqrt(mean((x - mean(x))**2)*mean((y - mean(y))**2))",
        "x: [d]; p: [d]; q: [d]; L = max(0, sqrt(sum((x - p)**2)) - sqrt(sum((x - q)**2)) + 1)",
        "x: [n, d]; c: [K, d]; y[i, j] = sqrt(sum((x[i, k] - c[j, k])**2 for k in d)); L = sum(y)",
    ],
)
def test_other_roots_of_sums_of_squares_are_proved_as_they_were(text: str) -> None:
    found = derived(text, "x")
    prove(found)
    assert not any("always 0" in step.rule for step in found.steps)


@pytest.mark.parametrize(
    ("text", "at", "where"),
    [
        ("x: [n]; r = sqrt(sum(x**2)); L = r + sum(x)", {"x": [0, 0]}, "r lies at a kink, a root of 0)."),
        (D + "L = sum(D)", {"X": [[1, 2], [1, 2], [3, 5]]}, "D lies at a kink, a root of 0)."),
        ("x: [n]; L = sum(sqrt(x))", {"x": [0, 1]}, "L lies at a kink, a root of 0)."),
    ],
)
def test_a_root_of_0_is_named_where_it_has_no_slope(text: str, at: Any, where: str) -> None:
    with pytest.raises(DeriveError) as error:
        _ = derive.graph(text).at(**at).gradient("x" if "x" in at else "X")
    assert where in error.value.message


def test_a_root_of_what_has_a_name_of_its_own_is_refused_with_what_to_do() -> None:
    text = "X: [n, d]; S[i, j] = sum((X[i, k] - X[j, k])**2 for k in d); D = sqrt(S); L = sum(D)"
    with pytest.raises(ProofError) as error:
        prove(derived(text))
    assert "D lies at a kink" in error.value.message
    assert "stands where the distance is defined" in str(error.value.hint)


def test_a_tie_and_an_absolute_value_of_a_sum_are_told_apart() -> None:
    graph = derive.graph("x: [n]; L = abs(sum(x))")
    assert kinks_met(graph, graph.at(x=[1, -1]).values) == ("L",)
    assert kinks_met(graph, graph.at(x=[1, 1]).values) == ()
    graph = derive.graph("x: [n]; L = abs(max(x))")
    assert kinks_met(graph, graph.at(x=[0, -1]).values) == ("L",)


POWERS = [
    "x: [n]; p: positive; f = sum(abs(x[i] - x[j])**p for i in n for j in n)",
    "X: [n, d]; q: positive; f = sum(sum(abs(X[i, k] - X[j, k]) for k in d)**(q - 1) for i in n for j in n if i < j)",
]


@pytest.mark.parametrize("text", POWERS)
def test_a_power_of_0_has_slope_0_in_its_exponent(text: str) -> None:
    graph = derive.graph(text)
    found = graph.derive("", next(i.name for i in graph.inputs if not i.axes))
    prove(found)
    assert not complaints(found)
    assert any("the base is always 0" in step.rule for step in found.steps) is ("i < j" not in text)


def test_a_power_of_0_moves_as_the_others_do() -> None:
    graph = derive.graph(POWERS[0].replace("positive", "real"))
    run = graph.at(x=[1.0, 3.0, 1.5], p=2)
    gaps = np.array([2, 0.5, 1.5])
    assert run.grad["p"] == pytest.approx(2 * (gaps**2 * np.log(gaps)).sum())


def test_a_distance_is_not_multiplied_out_in_matrix_notation() -> None:
    pairs = "sum(sqrt(sum((X[a, k] - C[b, k])**2 for k in d)) for a in n for b in m)"
    assert derive.graph(f"X: [n, d]; C: [m, d]; L = {pairs}").derive("", "X").form is None
    squares = pairs.replace("sqrt(sum((X[a, k] - C[b, k])**2 for k in d))", "sum((X[a, k] - C[b, k])**2 for k in d)")
    assert derive.graph(f"X: [n, d]; C: [m, d]; L = {squares}").derive("", "X").form is not None


def test_entries_of_a_max_that_are_equal_in_pairs_are_refused_with_what_to_do() -> None:
    text = "X: [n, d]; L = max(sqrt(sum((X[a, k] - X[b, k])**2 for k in d)) for a in n for b in n{})"
    with pytest.raises(ProofError) as refused:
        prove(derived(text.format("")))
    assert "if a < b" in (refused.value.hint or "")
    prove(derived(text.format(" if a < b")))
