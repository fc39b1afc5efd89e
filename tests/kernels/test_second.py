"""Kernels of second derivatives give PyTorch's Hessians, and their products with vectors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from derive.errors import DeriveError
from oracles.extras import functional, torch

Array = Any

LOGISTIC = "X: [N, d]; y: [N]; w: [d]; z = X@w; L = sum(log(1 + exp(z[n])) - y[n]*z[n] for n in N)"


def logistic(x: Array, y: Array, w: Array) -> Any:
    return functional.softplus(x @ w).sum() - (y * (x @ w)).sum()


CASES: list[tuple[str, str, Any, dict[str, int]]] = [
    (LOGISTIC, "w", logistic, {"N": 9, "d": 4}),
    (LOGISTIC, "w", logistic, {"N": 1, "d": 1}),
    (LOGISTIC, "w", logistic, {"N": 0, "d": 3}),
    ("x: [n]; L = sum(exp(x))", "x", lambda x: x.exp().sum(), {"n": 5}),
    ("x: [n]; L = log(sum(exp(x)))", "x", lambda x: x.logsumexp(0), {"n": 6}),
    ("x: real; L = x**4 + tanh(x)", "x", lambda x: x**4 + x.tanh(), {}),
    ("A: [n, n]; x: [n]; L = x @ A @ x", "x", lambda a, x: x @ a @ x, {"n": 5}),
    (
        "X: [N, d]; Y: [N, m]; W: [m, d]; Z = X@W.T; L = sum(tanh(Z)*Y)",
        "W",
        lambda x, y, w: ((x @ w.T).tanh() * y).sum(),
        {"N": 4, "d": 3, "m": 2},
    ),
    (
        "x: [d]; A: [m, d]; b: [m]; h = tanh(A@x); L = sum(b*h)**2",
        "x",
        lambda x, a, b: (b * (a @ x).tanh()).sum() ** 2,
        {"d": 3, "m": 4},
    ),
]


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("text", "wrt", "function", "sizes"), CASES)
def test_hessians_and_their_products_are_pytorchs(text: str, wrt: str, function: Any, sizes: dict[str, int]) -> None:
    graph = derive.graph(text)
    kernel = graph.kernel(wrt=wrt, order=2, dtype="float64")
    source = np.random.default_rng(0)
    given = [source.normal(size=tuple(sizes[str(a)] for a in i.axes)) for i in graph.inputs]
    place = [i.name for i in graph.inputs].index(wrt)
    v = source.normal(size=given[place].shape)
    leaves = [torch.tensor(a) for a in given]

    def moved(a: Any) -> Any:
        return function(*leaves[:place], a, *leaves[place + 1 :])

    expected = torch.func.hessian(moved)(leaves[place]).numpy()
    found = kernel.hessian(*given)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    product = (expected.reshape(v.size, v.size) @ v.reshape(-1)).reshape(v.shape)
    np.testing.assert_allclose(kernel.hvp(*given, v), product, rtol=1e-11, atol=1e-12)


def test_a_hessian_takes_arrays_in_pieces_and_writes_where_it_is_told() -> None:
    kernel = derive.graph(LOGISTIC).kernel(wrt="w", order=2)
    source = np.random.default_rng(1)
    x, y, w = (source.normal(size=s).astype(np.float32) for s in ((20, 6), 20, 6))
    out = np.empty((6, 6), np.float32)
    assert kernel.hessian(np.asfortranarray(x), np.repeat(y, 2)[::2], w, out=out, workspace=kernel.Workspace()) is out
    np.testing.assert_allclose(out, kernel.hessian(x, y, w), rtol=1e-6)
    np.testing.assert_allclose(out, out.T, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="v has"):
        kernel.hvp(x, y, w, w[:3])
    with pytest.raises(TypeError, match="out"):
        kernel.hessian(x, y, w, out=7)


def test_a_weighted_product_is_a_matrix_product() -> None:
    source = derive.graph(LOGISTIC).kernel(wrt="w", order=2).source
    assert "np.matmul(" in source.split("def hessian(")[1].split("def hvp(")[0]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("x: [n]; y = tanh(x)", {}, "is a tensor"),
        (LOGISTIC, {"wrt": "w,X"}, "by one input"),
        ("x: [n]; y: [n]; L = sum(x*y)", {}, "by one input"),
        ("x: [n]; L = sum(x**3)", {"order": 3}, "of order 1 or 2"),
        ("x: [n]; L = sum(x**3)", {"wrap": "torch"}, "no wrapper of second derivatives"),
        ("x: [n]; L = sum(x**3)", {"wrt": "q"}, "no"),
    ],
)
def test_what_has_no_hessian_is_refused(text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        derive.graph(text).kernel(**{"order": 2, **options})


def test_the_example_of_the_manual_runs() -> None:
    page = (Path(__file__).parents[2] / "docs/kernels.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(import numpy as np\nimport derive\n\nlogistic.*?)```", page, re.S)
    exec(example, {})  # noqa: S102
