"""Mistakes against what a person who makes them writes down."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

import derive
from derive.exams.mistakes import MISTAKES, NAMED, wrongs

HINGE = "s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)"
SQUARES = "X: [N, d]\ny: [N]\nw: [d]\nJ = mean((sum(w[k]*X[n, k] for k in d) - y[n])**2 for n in N)"

# Graph, what is asked (a value, or a gradient by a tensor), the point, and by hand: each mistake with what it leads to.
BY_HAND: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "product": (
        "f = (u + v)*w",
        "w",
        {"u": 2, "v": 3, "w": 4},
        {"own-factor": 4, "factor": 1},  # w itself; ∂(u + v)w/∂w taken for 1
    ),
    "value of a product": ("f = (u + v)*w", "", {"u": 2, "v": 3, "w": 4}, {"brackets": 2 + 3 * 4}),
    "power": (
        "L = (w*x - 1)**3",
        "w",
        {"w": 1, "x": 3},
        {"inner": 3 * 2**2, "exponent-kept": 3 * 2**3 * 3, "exponent-lost": 2**2 * 3},
    ),
    "kink": (
        "f = w3*max(0, w1*x1 + b)",
        "w1",
        {"w1": -2, "w3": 3, "x1": 2, "b": 1},
        {"gate-open": 6, "gate-turned": 6},
    ),
    "value beyond the kink": ("f = 2*max(0, x - 3)", "", {"x": 1}, {"max-lost": -4, "margin": 2}),
    "two paths": ("u = x*y; f = u + x**2", "x", {"x": 2, "y": 3}, {"path": {3, 4}}),
    "hinge": (
        HINGE,
        "s",
        {"s": [2.3, 4.1, 1.5], "t": 0},
        {"sign": [2, 1, 1], "margin": [-1, 1, 0], "target": [0, 0, 0]},
    ),
    "value of the hinge": (
        HINGE,
        "",
        {"s": [2.3, 4.1, -2.1], "t": 0},
        {"margin": F("1.8"), "all-terms": F("3.8"), "target": 0},
    ),
    "mean": (
        SQUARES,
        "w",
        {"X": [[1, 2], [0, 1], [3, 1]], "y": [1, 0, 2], "w": [0.5, -1]},
        {"mean": [-14, -15], "exponent-lost": [F(-7, 3), F(-5, 2)]},
    ),
    "normalization": (
        "x: [n]\ng: [n]\nm = mean(x)\ny = x - m\nL = sum(g*y)",
        "x",
        {"x": [1, 2, 6], "g": [1, 0, -4]},
        {"statistics": [1, 0, -4]},
    ),
    "quotient": ("f = x/(1 + x)", "x", {"x": 3}, {"quotient": F(7, 16)}),
    "difference": ("f = a - b", "b", {"a": 1, "b": 2}, {"sign": 1}),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    text, wrt, point, wanted = BY_HAND[name]
    graph = derive.graph(text)
    run = graph.at(**point)
    found: dict[str, list[Any]] = {}
    for wrong in wrongs(graph, graph.output.name, wrt):
        found.setdefault(wrong.mistake, []).append(np.asarray(wrong.at(run), dtype=object))
    for mistake, values in wanted.items():
        several = values if isinstance(values, set) else None
        if several is not None:
            assert {value.item() for value in found[mistake]} == several, mistake
        else:
            assert any(np.array_equal(value, np.asarray(values, dtype=object)) for value in found[mistake]), (mistake, found)


def test_softmax_taken_as_diagonal() -> None:
    """p_i (1 - p_i) on the diagonal, and nothing beside it: of the loss, the entry of the target alone moves."""
    graph = derive.graph("z: [C]; t: label[C]; p = softmax(z); L = -log(p[t])")
    run = graph.at(z=[1, 2, 0], t=0)
    (wrong,) = (w for w in wrongs(graph, "L", "z") if w.mistake == "diagonal")
    p = np.exp([1.0, 2.0, 0.0]) / np.exp([1.0, 2.0, 0.0]).sum()
    assert [float(x) for x in wrong.at(run)] == pytest.approx([p[0] - 1, 0, 0])


def test_a_right_derivation_is_no_mistake() -> None:
    """Where a mistake cannot be made, or leads to the right formula, there is none."""
    graph = derive.graph("f = u + v")
    assert {w.mistake for w in wrongs(graph, "f", "u") if w.found} == set()


def test_a_wrong_derivation_has_all_its_lines() -> None:
    graph = derive.graph("z = w*x + b; p = sigmoid(z); L = (p - y)**2")
    right = graph.derive(wrt="w", expand=True).result
    derived = [w for w in wrongs(graph, "L", "w") if w.found]
    assert len(derived) >= 4
    for wrong in derived:
        assert wrong.found is not None
        assert wrong.found.result != right
        assert len(wrong.found.steps) >= 2
        assert not wrong.found.named


def test_rows() -> None:
    assert len(NAMED) == len(MISTAKES)
    for mistake in MISTAKES:
        assert 0 <= mistake.credit < 1
        assert mistake.sentence.endswith(".")


def test_what_may_have_been_rounded_at_the_end_was_not_rounded_too_early() -> None:
    """v = 9.6875 comes out as 9.69 where the mean is rounded to 2.8: nobody can tell that from 9.6875, rounded."""
    graph = derive.graph("x: [N]; mu = mean(x); v = mean((x - mu)**2); s = 9*v")
    run = graph.at(x=[6, -2, 2, 5])
    early = {of: next(w for w in wrongs(graph, of) if w.mistake == "rounding").at(run).item() for of in ("v", "s")}
    assert early == {"v": F(155, 16), "s": F("87.3")}
