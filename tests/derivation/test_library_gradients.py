"""Every gradient of the library against PyTorch's autograd, in float64, at many points and sizes.

The formulas are those derived for a definition, with the adjoints they name; PyTorch differentiates the same computation
written by hand, and its own function where it has one.  Points are not kept away from kinks: both sides compute the same
comparisons, and a random point lies on none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

import derive
from cases.gradients import LIBRARY, PYTORCH
from derive.graphs.graph import Graph
from derive.language import library
from oracles.autodiff import WORST, by_torch, drawn, evaluated, in_float, length, with_sizes
from oracles.extras import torch

Array = Any
POINTS = 20
SETS = 3

SIZES: dict[str, list[dict[str, int]]] = {
    "conv1d_layer": [
        {"C": 2, "D": 3, "K": 5, "O": 4, "n": 10, "s": 2, "p": 1},
        {"C": 4, "D": 2, "K": 3, "O": 7, "n": 5, "s": 1, "p": 2},
        {"C": 3, "D": 5, "K": 2, "O": 4, "n": 8, "s": 3, "p": 2},
    ],
    "conv2d_layer": [
        {"C": 2, "D": 3, "K": 1, "M": 4, "P": 6, "Q": 5, "H": 10, "W": 11, "s": 2, "p": 1},
        {"C": 3, "D": 2, "K": 5, "M": 4, "P": 6, "Q": 9, "H": 8, "W": 10, "s": 1, "p": 1},
        {"C": 4, "D": 5, "K": 2, "M": 3, "P": 6, "Q": 7, "H": 13, "W": 19, "s": 3, "p": 2},
    ],
}
"""Sizes of definitions whose axes depend on one another in PyTorch; in some the strides leave entries over."""

SMALL = 0.01
"""An error is relative to the largest entry of a gradient, or to this where all are smaller: p - 1 is then mostly rounding."""

STRIDES = "sp"
"""Integers of a formula that are no axes: they may be 1, and be equal to an axis."""


def size_sets(name: str) -> list[dict[str, int]]:
    """Sets of sizes in which all axes differ."""
    if name in SIZES:
        return SIZES[name]
    random = np.random.default_rng([*name.encode()])
    names = [size.name for size in derive.graph(name).sizes]
    axes = [s for s in names if s not in STRIDES]
    return [
        {s: k + 1 for s in names if s in STRIDES}
        | {s: int(n) for s, n in zip(axes, random.permutation(len(axes) + 1)[: len(axes)] + 2, strict=True)}
        for k in range(SETS)
    ]


@cache
def points(name: str) -> tuple[tuple[dict[str, int], dict[str, Array], Array], ...]:
    """(sizes, inputs, upstream gradient) at random points, the same in every run of the tests."""
    graph, random = derive.graph(name), np.random.default_rng([*name.encode()])
    found = []
    for sizes in size_sets(name):
        for _ in range(POINTS):
            inputs = in_float({given.name: drawn(given, sizes, random) for given in graph.inputs})
            shape = tuple(length(axis, sizes) for axis in graph.output.axes)
            found.append((sizes, inputs, random.normal(size=shape) if shape else np.array(1.0)))
    return tuple(found)


def oracles(name: str, sizes: Mapping[str, int]) -> Iterator[tuple[Callable[..., Array], bool]]:
    """The computation by hand, and PyTorch's own function: (function, whether it is PyTorch's own)."""
    yield with_sizes(LIBRARY[name], sizes), False
    if name in PYTORCH:
        yield with_sizes(PYTORCH[name], sizes), True


def error(ours: Array, theirs: Array) -> float:
    assert np.shape(ours) == np.shape(theirs)
    return float(np.max(np.abs(ours - theirs)) / max(SMALL, np.max(np.abs(theirs))))


def errors(name: str, graph: Graph) -> dict[str, float]:
    """For each input, by how much the gradient by it is off at worst, with the formulas of this graph."""
    worst = {given.name: 0.0 for given in graph.inputs if given.differentiable}
    for sizes, inputs, seed in points(name):
        ours = evaluated(graph, sizes, inputs, seed)
        for function, own in oracles(name, sizes):
            theirs = by_torch(function, inputs, seed, own)
            assert theirs.keys() == worst.keys() or own
            for wrt in theirs:
                worst[wrt] = max(worst[wrt], error(ours[wrt], theirs[wrt]))
    return worst


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", library.names())
def test_the_gradients_of_a_definition_are_those_of_pytorch(name: str, record_property: Callable[[str, object], None]) -> None:
    found = errors(name, derive.graph(name))
    worst = max(found, key=lambda k: found[k])
    record_property("relative error", found[worst])
    assert found[worst] <= WORST, f"∂/∂{worst} is off by {found[worst]:.1e}"


@pytest.mark.parametrize("name", library.names())
def test_the_sizes_of_a_definition_differ(name: str) -> None:
    graph = derive.graph(name)
    axes = {axis for member in graph.members.values() for axis in member.axes}
    assert len(size_sets(name)) == SETS
    for sizes in size_sets(name):
        symbols = [n for s, n in sizes.items() if s not in STRIDES]
        assert len(set(symbols)) == len(symbols)
        assert all(length(axis, sizes) >= 1 for axis in axes)


# definition: (what stands in it, what is put there instead, an input whose gradient is then wrong)
MISTAKES = {
    "affine": ("W @ h", "1.000000001*W @ h", "h"),
    "attention": ("sqrt(d)", "sqrt(m)", "Q"),
    "conv1d_layer": ("j + p == i", "j + p == i + 1", "x"),
    "group_norm": ("v[k] + epsilon", "v[k] + 1.0000001*epsilon", "x"),
    "label_smoothing": ("epsilon/C", "epsilon/(C + 0.0000001)", "z"),
    "lstm_cell": ("f*c0 + i*c", "f*c0 + i*c*c", "h0"),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_definition_is_noticed(name: str) -> None:
    right, wrong, wrt = MISTAKES[name]
    text = library.definition(name)
    assert right in text
    assert errors(name, derive.graph(text.replace(right, wrong)))[wrt] > WORST


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("name", "given", "options"),
    [
        ("softmax_cross_entropy_masked", {"r": [1, 0, 1]}, {}),
        ("softmax_cross_entropy_weighted", {"w": [0.5, 2.0, 0.25]}, {"weight": [0.5, 2.0, 0.25]}),
    ],
)
def test_masks_and_weights_are_the_options_of_pytorch(name: str, given: dict[str, Array], options: dict[str, Array]) -> None:
    Z, t = [[0.5, -1.0, 2.0], [0.25, 3.0, -2.0], [1.0, 0.0, 1.5]], [2, 0, 1]
    scores = torch.tensor(Z, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([k if counts else -100 for k, counts in zip(t, given.get("r", [1, 1, 1]), strict=True)])
    weights = {key: torch.tensor(value, dtype=torch.float64) for key, value in options.items()}
    loss = torch.nn.functional.cross_entropy(scores, labels, **weights)
    loss.backward()
    run = derive.graph(name).at(Z=Z, t=t, **given)
    assert np.allclose(run["L"], loss.item(), rtol=1e-12)
    assert np.allclose(run.grad["Z"], scores.grad, rtol=1e-12)
