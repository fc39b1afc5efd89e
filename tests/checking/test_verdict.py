"""Whether two formulas are one: the table of `cases/equivalences.py`, and what a verdict says."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from cases.equivalences import PAIRS
from derive.checking.verdict import verdict
from derive.language.reader import read
from derive.values.real import Real


@pytest.mark.parametrize("kind", ["proved", "refuted", "undecided"])
def test_every_pair_is_decided_rightly(kind: str) -> None:
    pairs = [(definitions, a, b) for definitions, a, b, wanted in PAIRS if wanted == kind]
    assert [pair for pair in pairs if verdict(read(pair[0]), *pair[1:]).kind != kind] == []


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS) >= 180


def test_a_pair_is_decided_at_once() -> None:
    start = time.process_time()
    for definitions, first, second, _ in PAIRS[-60:]:
        verdict(read(definitions), first, second)
    assert time.process_time() - start < 0.3 * 60


def test_a_refuted_pair_has_a_point_with_exact_inputs() -> None:
    found = verdict(read("x: [n]; s: positive; L = s*sum(x**2)"), r"\frac{\partial L}{\partial x_i}", r"s x_i")
    assert found.kind == "refuted"
    assert found.witness is not None
    inputs = dict(found.witness.inputs)
    (_, k), *_ = found.witness.entry
    assert all(isinstance(v, (int, Fraction)) for v in (*inputs["x"], inputs["s"]))
    assert abs(found.witness.first - 2 * inputs["s"] * inputs["x"][k]) < Fraction(1, 10**30)
    assert found.witness.second == inputs["s"] * inputs["x"][k]


def test_the_balls_of_both_sides_are_apart() -> None:
    found = verdict(read("x: real; f = exp(x)"), "f", r"e^x + \frac{1}{10^{30}}")
    assert found.kind == "refuted"
    assert found.witness is not None
    assert isinstance(found.witness.first, Real)


@pytest.mark.parametrize(
    ("definitions", "first", "second", "why"),
    [
        ("x: real; f = x", r"\sqrt{-1 - x^2}", "x", "no point was found"),
        ("x: real; f = log(-1 - x**2)", r"\frac{df}{dx}", r"\frac{2x}{1 + x^2}", "no point was found"),
        (
            "x: [n]; m = mean(x); y = x - m; L = sum(y**3)",
            r"\frac{\partial y_i}{\partial x_j}",
            r"\delta_{ij}",
            "between is held",
        ),
    ],
)
def test_an_undecided_pair_says_why(definitions: str, first: str, second: str, why: str) -> None:
    found = verdict(read(definitions), first, second)
    assert found.kind == "undecided"
    assert why in found.why


def test_a_factor_of_one_path_holds_what_lies_between() -> None:
    graph = read("x: [n]; m = mean(x); y = x - m; L = sum(y**3)")
    paths = r"\frac{\partial L}{\partial y_j} \frac{\partial y_j}{\partial x_j} + \frac1n \frac{\partial L}{\partial m}"
    assert verdict(graph, r"\frac{\partial L}{\partial x_j}", paths).kind == "proved"
    assert verdict(graph, r"\frac{\partial L}{\partial x_j}", paths.replace("+", "-")).kind == "refuted"


def test_shapes_that_do_not_meet_refute() -> None:
    graph = read("W: [m, n]; g: [m]; x: [n]; L = sum(g*(W @ x))")
    assert verdict(graph, r"\nabla_x L", "W g").kind == "refuted"
    assert verdict(graph, r"\nabla_x L", r"W^\top g").kind == "proved"


def test_work_is_counted_and_ends() -> None:
    graph = read("x: real; y: real; f = x + y")
    found = verdict(graph, "(x + y + 1)^{30} (x - y)^{30}", "((x + y + 1)(x - y))^{30}")
    assert found.kind in ("proved", "undecided")
