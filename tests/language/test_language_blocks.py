"""`concat` and slices: values and gradients against PyTorch's `cat` and slices, each derivation proved, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Integer

import cli
import derive
from derive.errors import DeriveError
from oracles.extras import torch

SIZES = {"n": 3, "m": 2, "k": 4, "p": 2}

# definition of y, the same in PyTorch
BLOCKS: dict[str, Callable[..., Any]] = {
    "x: [n]; h: [m]; W: [k, n + m]; b: [k]; y = W @ concat(x, h) + b": lambda x, h, W, b: W @ torch.cat([x, h]) + b,
    "x: [n]; h: [m]; W: [k, n + m]; z = concat(x, h); y = tanh(W @ z)": lambda x, h, W: torch.tanh(W @ torch.cat([x, h])),
    "x: [n]; h: [m]; c: [k]; y = concat(x, h, c, x)**2": lambda x, h, c: torch.cat([x, h, c, x]) ** 2,
    "x: [n]; h: [m]; W: [n + m, k]; y = concat(x, h) @ W": lambda x, h, W: torch.cat([x, h]) @ W,
    "x: [n]; h: [m]; W: [n + m, n + m]; y = concat(x, h) @ W @ concat(x, h)": lambda x, h, W: (
        torch.cat([x, h]) @ W @ torch.cat([x, h])
    ),
    "A: [n, k]; B: [m, k]; x: [k]; y = concat(A, B) @ x": lambda A, B, x: torch.cat([A, B]) @ x,
    "A: [n, k]; B: [m, k]; X: [p, n + m]; y = X @ concat(A, B)": lambda A, B, X: X @ torch.cat([A, B]),
    "x: [n]; h: [m]; y = softmax(concat(2*x, exp(h)))": lambda x, h: torch.cat([2 * x, torch.exp(h)]).softmax(-1),
    "x: [n]; y = x[1:] - x[:-1]": lambda x: x[1:] - x[:-1],
    "x: [n]; y = sum(abs(x[1:] - x[:-1]))": lambda x: (x[1:] - x[:-1]).abs().sum(),
    "z: [n + m]; y = sigmoid(z[:n]) * z[:n] + sum(z[n:]**2)": lambda z: torch.sigmoid(z[:3]) * z[:3] + (z[3:] ** 2).sum(),
    "X: [k, n + m]; y = X[:, :n] @ X[:, :n].T": lambda X: X[:, :3] @ X[:, :3].T,
    "X: [k, n]; h: [n - 1]; y[i] = sum(X[i, j + 1]*h[j] for j in n - 1)": lambda X, h: X[:, 1:] @ h,
    "X: [k, n]; w: [k - 2]; y = w @ X[2:]": lambda X, w: w @ X[2:],
    "X: [k, n]; w: [n]; y = sum(w @ X[0] * X[k - 1])": lambda X, w: (w @ X[0] * X[3]).sum(),
    "X: [k, n]; w: [m, n]; y = tanh(w @ X[0])": lambda X, w: torch.tanh(w @ X[0]),
    "X: [k, n]; w: [n]; y[i] = w @ X[i]": lambda X, w: X @ w,
    "X: [k, n]; y = sum((X @ X.T - eye(k))**2)": lambda X: ((X @ X.T - torch.eye(4)) ** 2).sum(),
    "X: [k, n]; w: [n]; y = (X.T @ X + 3*eye(n)) @ w": lambda X, w: (X.T @ X + 3 * torch.eye(3)) @ w,
    "X: [k, n]; y = sum((X @ X.T)[i, k - 1]**3 for i in k)": lambda X: ((X @ X.T)[:, 3] ** 3).sum(),
    "X: [k, n]; y[i] = softmax(X)[i, 0]": lambda X: X.softmax(-1)[:, 0],
    "x: [n]; h: [m]; z = concat(x, h); y = z[1:] * z[:-1]": lambda x, h: torch.cat([x, h])[1:] * torch.cat([x, h])[:-1],
}


def drawn(graph: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """Values of the inputs, and of a size that their shapes do not tell."""
    chance = np.random.default_rng(7)
    drawn_ = {
        i.name: chance.integers(
            -8, 9, size=[int(a.xreplace({s: Integer(SIZES[s.name]) for s in a.free_symbols})) for a in i.axes]
        )
        / 4
        + 0.125
        for i in graph.inputs
    }
    told = {s for i in graph.inputs for a in i.axes if a.is_Symbol for s in [a.name]}
    return drawn_, {
        s.name: SIZES[s.name]
        for i in graph.inputs
        for a in i.axes
        for s in a.free_symbols
        if s.name not in told and s.name == "m"
    }


@pytest.mark.needs("torch")
@pytest.mark.parametrize("source", BLOCKS)
def test_blocks_are_those_of_pytorch(source: str) -> None:
    graph = derive.graph(source)
    given, sizes = drawn(graph)
    run = graph.at(**given, **sizes)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    y = BLOCKS[source](**tensors)
    y.sum().backward()
    np.testing.assert_allclose(np.array(run["y"], dtype=float), y.detach().numpy(), rtol=1e-12)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(np.array(run.grad[name], dtype=float), tensor.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("source", BLOCKS)
def test_the_derivatives_by_blocks_are_proved(source: str) -> None:
    graph = derive.graph(source)
    for given in graph.inputs:
        graph.derive("y", wrt=given.name, upstream=bool(graph.output.axes)).prove()


@pytest.mark.parametrize("source", [list(BLOCKS)[k] for k in (0, 8, 10)])
def test_blocks_compile(source: str) -> None:
    graph = derive.graph(source)
    given, sizes = drawn(graph)
    kernel = graph.kernel(dtype="float64")
    names = [i.name for i in graph.inputs]
    found = kernel.forward(*(given[name] for name in names), **sizes)
    np.testing.assert_allclose(found, np.array(graph.at(**given, **sizes)["y"], dtype=float), rtol=1e-12)


def test_a_batch_of_blocks() -> None:
    graph = derive.graph("x: [n]; h: [m]; W: [k, n + m]; L = sum(tanh(W @ concat(x, h))**2)").batched("x", "h")
    graph.derive("J", wrt="W").prove()
    graph.derive("J", wrt="x").prove()


def test_the_numbers_of_an_entry_are_those_of_the_part_it_falls_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "x: [n]; h: [m]; z = concat(x, h); y = sum(z**2)", "--at", "x=[1,2], h=[3]"]) == 0
    page = capsys.readouterr().out
    assert "z_i = { x_i  if i<n ; h_{i − n}  otherwise }" in page
    assert "z₂ = h₀ = 3" in page
    assert "∂y/∂h_k = 2 z_{k + n}" in page


REFUSED = [
    ("x: [n]; y = x[1:5]", "This slice may leave its axis: it goes from 1 to 4, and the axis from 0 to n - 1."),
    ("x: [n]; k: size; y = x[:k]", "This slice may leave its axis"),
    ("x: [n]; y = x[n:]", "This slice may leave its axis"),
    ("x: [n]; y = x[::2]", "A slice has no step."),
    ("X: [m, n]; y[i] = sum(X[1:, i])", "An index behind a slice is not read."),
    ("x: [n]; y[i] = sum(x[i:])", "A slice goes from a size to a size."),
    ("x: [n]; y = concat(x)", "A concat is of two tensors or more."),
    ("x: [n]; y = concat(x, 1)", "`1` is a number, and a concat is of tensors."),
    ("x: [n]; X: [m, n]; y = concat(x, X)", "`X` has 2 axes here, and the others have 1."),
    ("A: [m, n]; B: [m, k]; y = concat(A, B)", "the axis of size n meets the axis of size k"),
    ("x: [n]; y = cat(x, x)", "Write concat(x, y)."),
]


@pytest.mark.parametrize(("source", "words"), REFUSED)
def test_what_is_no_block_is_refused(source: str, words: str) -> None:
    with pytest.raises(DeriveError) as caught:
        derive.graph(source)
    assert words in str(caught.value), caught.value
