"""Several branches in one `where`: values and slopes against PyTorch, in every branch; what a condition excludes is not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive
from oracles.extras import torch

POINTS = [-2.5, -1.25, -0.5, 0.25, 0.75, 1.5, 2.75]

# definition, the same in PyTorch
CHOICES: dict[str, Any] = {
    "where(x < -1, -1 + x**2, x > 1, 3*x, x**3)": lambda x: torch.where(x < -1, x**2 - 1, torch.where(x > 1, 3 * x, x**3)),
    "where(0 < x < 1, x**2, x > 2 and x**2 > 7, 5*x, exp(x))": lambda x: torch.where(
        (x > 0) & (x < 1), x**2, torch.where((x > 2) & (x**2 > 7), 5 * x, torch.exp(x))
    ),
    "where(x == 0.25, 2*x, x > 0, x**2, -x)": lambda x: torch.where(x == 0.25, 2 * x, torch.where(x > 0, x**2, -x)),
    "where(x > 0, log(x), x > -1, 2*x, sqrt(-x))": lambda x: torch.where(
        x > 0, torch.log(x.clamp(min=1e-9)), torch.where(x > -1, 2 * x, torch.sqrt((-x).clamp(min=1e-9)))
    ),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("source", CHOICES)
def test_every_branch_and_its_slope(source: str) -> None:
    graph = derive.graph(f"x: [n]; y = {source}; L = sum(y)")
    run = graph.at(x=POINTS)
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    y = CHOICES[source](x)
    y.sum().backward()
    np.testing.assert_allclose(np.array(run["y"], dtype=float), y.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(np.array(run.grad["x"], dtype=float), x.grad.numpy(), rtol=1e-12)
    graph.derive("L", wrt="x").prove()


def test_an_entry_is_kept_inside_by_the_branches_before() -> None:
    graph = derive.graph("x: [n]; y[i] = where(i == 0, x[i], i < n - 1, x[i + 1] - x[i - 1], x[i])")
    assert [float(v) for v in graph.at(x=[1, 4, 9, 16])["y"]] == [1, 8, 12, 16]
    graph.derive("y", wrt="x").prove()


def test_a_choice_compiles() -> None:
    kernel = derive.graph("x: [n]; y = sum(where(x < -1, -1 + x**2, x > 1, 3*x, x**3))").kernel(dtype="float64")
    x = np.array(POINTS)
    value, (slope,) = kernel.value_and_grad(x)
    np.testing.assert_allclose(value, np.where(x < -1, x**2 - 1, np.where(x > 1, 3 * x, x**3)).sum(), rtol=1e-12)
    np.testing.assert_allclose(slope, np.where(x < -1, 2 * x, np.where(x > 1, 3, 3 * x**2)), rtol=1e-12)
