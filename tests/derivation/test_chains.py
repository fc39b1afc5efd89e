"""Chains of layers, 2 to 64: derived, proved, and what that costs a layer; counted, with no clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from sympy import Rational

import derive
from derive.derivation.choice import derivations
from derive.derivation.derivation import Derivation
from derive.errors import ProofError
from derive.graphs.graph import REACH, Graph
from derive.proof import proof
from derive.proof.cases import Tally
from derive.proof.points import random_point
from derive.proof.proof import prove
from derive.proof.sizes import size_sets
from derive.values.evaluator import Evaluator, _moving, forward
from derive.values.precision import precision

LAYERS = (2, 8, 32, 64)
STEEPER = 1.25
"""A layer of the longest chain may need this many times the work of one in a chain of 8."""


def chain(layer: str, count: int) -> Graph:
    """`count` layers, each written with {W} and {h}."""
    lines = ["h0: [n]", *(f"W{k}: [n, n]" for k in range(1, count + 1))]
    lines += [f"h{k} = {layer.format(W=f'W{k}', h=f'h{k - 1}')}" for k in range(1, count + 1)]
    return replace(derive.graph("\n".join([*lines, f"L = sum(h{count}**2)/2"])))


def scalars(count: int) -> Graph:
    lines = ["t0 = x", *(f"t{k} = t{k - 1}**2 + t{k - 1}" for k in range(1, count + 1))]
    return replace(derive.graph("\n".join(lines)))


TINY = Rational(1, 10**12)

KINDS = {"tanh": "tanh({W} @ {h})", "relu": "relu({W} @ {h})", "residual": "{h} + relu({W} @ {h})"}


@pytest.mark.parametrize("layers", [2, 24, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_a_chain_is_proved(kind: str, layers: int) -> None:
    graph = chain(KINDS[kind], layers)
    for name in {"h0", "W1", f"h{layers // 2}", f"W{layers}", f"h{layers}"}:
        assert prove(graph.derive("", name)).error < 1e-25


@pytest.mark.parametrize("layers", [16, 64])
def test_a_chain_whose_values_explode_is_proved(layers: int) -> None:
    graph = scalars(layers)
    for name in ("x", "t1", f"t{layers - 1}"):
        assert prove(graph.derive("", name)).error < 1e-25


def test_a_large_value_is_no_excuse() -> None:
    """x² + x, sixteen times, at x = 3: the values have thousands of digits."""
    graph, found = scalars(16), scalars(16).derive("", "x")
    arrays = {"x": np.array(Fraction(3), dtype=object)}
    point = forward(graph, {}, arrays)
    assert abs(point.arrays["t16"][()]) > 10**3000
    entries = partial(proof._entries_at, count=1, chance=random.Random(0))
    proof._compare(found, point, entries, Tally(()))
    with pytest.raises(ProofError):
        proof._compare(changed(found, found.result * 2), point, entries, Tally(()))


# ---------------------------------------------------------------- mistakes


def changed(found: Derivation, line: Any) -> Derivation:
    """A derivation with another last line."""
    return replace(found, steps=(*found.steps[:-1], replace(found.steps[-1], line=line)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["h0", "W1", "h31", "W32"])
def test_a_mistake_is_caught_at_any_depth(kind: str, name: str) -> None:
    """Where a slope vanishes along the chain, too: a wrong factor of 1e-40 is a wrong factor."""
    found = chain(KINDS[kind], 32).derive("", name)
    for wrong in (-found.result, found.result * 2, found.result + found.result**2, found.result * (1 + TINY)):
        with pytest.raises(ProofError):
            prove(changed(found, wrong))


def test_a_gradient_that_vanishes_is_compared_by_its_size() -> None:
    graph = replace(derive.graph("t0 = x\n" + "\n".join(f"t{k} = t{k - 1}/10000" for k in range(1, 21))))
    found = graph.derive("", "x")
    assert prove(found).error < 1e-25
    with pytest.raises(ProofError):
        prove(changed(found, 2 * found.result))


# ---------------------------------------------------------------- points and gates


@pytest.mark.parametrize("kind", KINDS)
def test_points_of_a_long_chain_meet_both_sides_of_its_kinks(kind: str) -> None:
    graph = chain(KINDS[kind], 64)
    sizes = size_sets(graph)[0]
    zero, largest = 0, []
    for seed in range(3):
        arrays = random_point(graph, sizes, seed).arrays
        zero += sum(v == 0 for k in range(1, 65) for v in arrays[f"h{k}"])
        largest.append(max(abs(v) for v in arrays["h32"]))
    assert max(largest) > 1e-3
    assert (zero > 30) == (kind == "relu")


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_through_a_gate_are_those_of_the_whole_graph(kind: str) -> None:
    graph = chain(KINDS[kind], 3 * REACH)
    point = random_point(graph, size_sets(graph)[1])
    assert graph.gate("h0", "L")
    directions = np.eye(np.size(point.arrays["h0"]), dtype=int)
    with precision(point.digits):
        whole = _moving(point, "L", "h0", directions)
        through = point.slopes("L", "h0", np.arange(len(directions)))
        assert all(abs(a - b) <= 1e-20 * abs(a) for a, b in zip(whole, through, strict=True))


def test_a_gate_is_passed_by_every_path() -> None:
    graph = replace(derive.graph("\n".join(["t0 = sin(x)", *(f"t{k} = sin(t{k - 1}) + x" for k in range(1, 30))])))
    assert graph.gate("x", "t29") == ""
    assert graph.gate("t0", "t29") == f"t{REACH + 1}"


# ---------------------------------------------------------------- what it costs


def worked(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The symbols of all lines looked at, and the terms evaluated to prove them."""
    done = 0
    evaluated: Callable[..., Any] = Evaluator._evaluated

    def counted(self: Evaluator, term: Any, grid: Any) -> Any:
        nonlocal done
        done += 1
        return evaluated(self, term, grid)

    with monkeypatch.context() as patched:
        patched.setattr(Evaluator, "_evaluated", counted)
        proved = [prove(found) for found in derivations(graph)]
    return sum(p.derivation.spent for p in proved), done


def test_work_grows_with_the_layers_and_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = {layers: worked(chain(KINDS["tanh"], layers), monkeypatch) for layers in LAYERS}
    for kind in (0, 1):
        each = {layers: spent[layers][kind] / layers for layers in LAYERS}
        assert each[64] < STEEPER * each[8], each
        assert each[64] < STEEPER * each[32], each


def test_the_measure_of_growth_sees_what_is_not_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gates, each derivation runs all later layers again, and the work of proving shows it."""
    monkeypatch.setattr(Graph, "gate", lambda self, name, output: "")
    each = {layers: worked(chain(KINDS["tanh"], layers), monkeypatch)[1] / layers for layers in (8, 32)}
    assert each[32] > STEEPER * each[8], each


# ---------------------------------------------------------------- against PyTorch


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [8, 64])
def test_gradients_of_a_chain_are_those_of_pytorch(kind: str, layers: int) -> None:
    import torch

    chance = np.random.default_rng(layers)
    values = {"h0": chance.normal(size=3), **{f"W{k}": chance.normal(size=(3, 3)) for k in range(1, layers + 1)}}
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}
    h = tensors["h0"]
    for k in range(1, layers + 1):
        a = tensors[f"W{k}"] @ h
        h = {"tanh": torch.tanh(a), "relu": torch.relu(a), "residual": h + torch.relu(a)}[kind]
    ((h**2).sum() / 2).backward()
    run = chain(KINDS[kind], layers).at(**values)
    for name, tensor in tensors.items():
        assert tensor.grad is not None
        assert np.allclose(run.grad[name], tensor.grad.numpy(), rtol=1e-8, atol=0)
