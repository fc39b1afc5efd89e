"""Random graphs over the whole language: values and derived gradients against PyTorch (see docs/fuzzing.md)."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sympy import Rational

from derive.calculus import rules
from derive.calculus.rules import RULES, Rule

pytestmark = [pytest.mark.needs("torch")]

GRAPHS = 1000
PARTS = 4
"""The graphs are drawn in parts, so that several workers can share them."""

SEVERAL = settings(
    max_examples=GRAPHS // PARTS,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
"""A number says nothing about how large its graph is: the graph is made smaller by itself, not by hypothesis."""

NUMBERS = st.integers(0, 2**24 - 1)
"""Of so few, hypothesis draws every one as likely as any other."""

# What has to be met often enough, and how often in a thousand graphs it is at least.
LANGUAGE = {
    **dict.fromkeys(("input: real", "input: real scalar", "input: positive", "input: positive scalar", "input: label"), 40),
    **dict.fromkeys(("input: onehot", "input: probability", "input: not declared", "input of three axes"), 20),
    **dict.fromkeys(("axis of a fixed size", "affine axis", "square matrix", "diagonal entry", "constant index"), 20),
    **dict.fromkeys(("definition by entries", "definition of a whole", "input used several times"), 100),
    **dict.fromkeys(("1 nodes", "2 nodes", "3 nodes", "4 nodes"), 20),
    **dict.fromkeys(("node used several times",), 100),
    **dict.fromkeys(("+", "-", "*", "/", "unary -", "power", "where", ".T", "@ 1·1", "@ 1·2", "@ 2·1", "@ 2·2"), 40),
    **dict.fromkeys(("power with a variable exponent", "fractional exponent", "length", ".T of a vector"), 8),
    **dict.fromkeys(("pi", "where that guards a function", "reduction over several indices", "nested reductions"), 3),
    **dict.fromkeys((f"{r} over indices" for r in ("sum", "mean", "max", "min", "prod", "argmax")), 10),
    **dict.fromkeys((f"{r} of a tensor" for r in ("sum", "mean", "max", "min", "prod", "argmax")), 5),
    **dict.fromkeys((f"{r} with a condition" for r in ("sum", "mean", "max", "min", "prod", "argmax")), 2),
    **dict.fromkeys((f"condition {sign}" for sign in ("<", "<=", ">", ">=", "!=")), 8),
    **dict.fromkeys(("condition ==", "several conditions"), 3),
    **dict.fromkeys(("label as an index", "affine index", "affine index: stride", "affine index: reversed"), 8),
    **dict.fromkeys(("affine index: stride by a name",), 2),
}


# ---------------------------------------------------------------- the strategy


def drawn(seed: str, count: int) -> Counter[str]:
    """How many of these graphs have each feature of the language."""
    from oracles.random_graphs import random_graph

    return Counter(feature for k in range(count) for feature in set(random_graph(random.Random(f"{seed} {k}")).features))


def test_the_whole_language_is_drawn() -> None:
    from oracles.formulas import NUMBERS, TENSORS

    met = drawn("language", 4 * GRAPHS)
    rare = {feature: met[feature] for feature, least in LANGUAGE.items() if met[feature] < 4 * least}
    assert not rare
    assert not {name for name in (*NUMBERS, *TENSORS) if not met[f"{name}()"]}


def test_a_number_always_draws_the_same_graph() -> None:
    from oracles.random_graphs import random_graph

    assert random_graph(random.Random("a 7")) == random_graph(random.Random("a 7"))
    assert len({random_graph(random.Random(f"a {k}")).text for k in range(100)}) > 95


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("part", range(PARTS))
def test_gradients_of_random_graphs_are_those_of_pytorch(part: int, record_property: Callable[[str, object], None]) -> None:
    from oracles.fuzzing import Seen, check_number

    seen = Seen()

    @SEVERAL
    @given(NUMBERS)
    def agrees(number: int) -> None:
        nonlocal seen
        seen += check_number(part, number)

    (hypothesis.seed(part)(agrees) if "CI" in os.environ else agrees)()
    record_property("gradients", seen.gradients)
    record_property("relative error", seen.worst)
    assert sum(seen.skipped.values()) < 0.15 * seen.graphs


# ---------------------------------------------------------------- planted mistakes


@pytest.fixture
def planted() -> Iterator[Callable[[Rule, Callable[[Any, Any], Any]], None]]:
    """Put another rewrite into a row of the table, until the end of the test."""
    rows = [(rule, rule.rewrite) for rule in RULES]
    rules._named_slope.cache_clear()
    yield lambda rule, rewrite: object.__setattr__(rule, "rewrite", rewrite)
    for rule, rewrite in rows:
        object.__setattr__(rule, "rewrite", rewrite)
    rules._named_slope.cache_clear()


def found_after() -> int:
    """How many graphs it takes until one disagrees."""
    from oracles.fuzzing import Disagreement, check
    from oracles.random_graphs import random_graph

    for number in range(GRAPHS):
        chance = random.Random(f"mistakes {number}")
        try:
            check(random_graph(chance), chance, thorough=False)
        except Disagreement:
            return number + 1
    return GRAPHS


RARE = {
    "power rule; where a root is always 0, it has slope 0",
    "chain rule; where the base is always 0, the power has slope 0",
    "the derivative of a determinant",
    "the derivative of an inverse",
    "log |u| has slope 1/u",
}
"""What random graphs do not draw: the faults of these rows are planted where distances, inverses and determinants are tested."""


@pytest.mark.parametrize("row", [k for k, rule in enumerate(RULES) if rule.name not in RARE])
def test_a_mistake_in_any_rule_is_found(row: int, planted: Callable[..., None]) -> None:
    """The rule for constants is needed least, since an arg max is never differentiated: by one graph of several hundred."""
    right = RULES[row].rewrite

    def wrong(e: Any, x: Any) -> Any:
        new = right(e, x)
        return None if new is None else new + 1

    planted(RULES[row], wrong)
    assert found_after() < GRAPHS


def test_a_mistake_in_a_slope_is_found(monkeypatch: pytest.MonkeyPatch, planted: object) -> None:
    right = rules.slope
    monkeypatch.setattr(
        rules, "slope", lambda call, k: right(call, k) * (1 + (call.func.__name__ == "tanh") * Rational(1, 10**6))
    )
    assert found_after() < GRAPHS // PARTS
