"""Matrix forms: written as in a book, and, run as NumPy code, equal to the index form."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from sympy import Symbol

import derive
from derive.calculus.matrix import matrix_form
from derive.calculus.terms import Delta, Element, Index, Label, total
from derive.derivation import Derivation
from derive.language import library
from derive.notation import matrices
from derive.notation.definitions import context_of
from derive.notation.layout import text
from derive.values import FLOAT, Values, forward
from test_gradients import TEXTS, graph_of, point_of

Array = Any


def written(found: Derivation) -> str | None:
    """The form in Unicode, accents composed."""
    return None if found.form is None else normalize("NFC", text(matrices.layout(found.form, context_of(found.graph))))


# ---------------------------------------------------------------- as in a book

BATCH = "X: [N, n]\nW: [m, n]\nA = X @ W.T\nH = sigmoid(A)\nL = mean(H**2)"

# definition, variable: (in Unicode, in LaTeX); the gradient where the definition is a number, else with g behind it
GRADIENTS: dict[tuple[str, str], tuple[str, str]] = {
    ("affine", "W"): ("g hᵀ", r"gh^{\top}"),
    ("affine", "h"): ("Wᵀ g", r"W^{\top}g"),
    ("affine", "b"): ("g", "g"),
    ("affine_batch", "X"): ("g W", "gW"),
    ("affine_batch", "W"): ("gᵀ X", r"g^{\top}X"),
    ("affine_batch", "b"): ("gᵀ 𝟏", r"g^{\top}\mathbf{1}"),
    ("bilinear", "A"): ("x yᵀ", r"xy^{\top}"),
    ("bilinear", "x"): ("A y", "Ay"),
    ("bilinear", "y"): ("Aᵀ x", r"A^{\top}x"),
    ("softmax", "z"): ("p ⊙ (g − (gᵀ p) 𝟏)", r"p \odot (g - (g^{\top}p)\mathbf{1})"),
    ("softmax_cross_entropy", "z"): ("p − y", "p - y"),
    ("mlp", "b2"): ("p − 𝐞_t", r"p - \mathbf{e}_{t}"),
    ("mlp", "W2"): ("(∇_z L) hᵀ", r"(\nabla_{z}L)h^{\top}"),
    ("mlp", "x"): ("W⁽¹⁾ᵀ ∇_a L", r"W^{(1)\top}\nabla_{a}L"),
    ("attention", "V"): ("Pᵀ g", r"P^{\top}g"),
    ("attention", "Q"): ("1/√d (∇_S L) K", r"\frac{1}{\sqrt{d}}(\nabla_{S}L)K"),
    ("mse", "yhat"): ("2/n (ŷ − y)", r"\frac{2}{n}(\hat{y} - y)"),
    ("layer_norm", "gamma"): ("g ⊙ x̂", r"g \odot \hat{x}"),
    ("embedding", "E"): ("𝐞_t gᵀ", r"\mathbf{e}_{t}g^{\top}"),
    ("rnn_cell", "b"): ("g ⊙ (𝟏 − y^(∘2))", r"g \odot (\mathbf{1} - y^{\odot 2})"),
    ("a Gram matrix", "X"): ("(gᵀ + g) X", r"(g^{\top} + g)X"),
    ("a matrix and its transpose", "x"): ("2 A (Aᵀ x)", r"2A(A^{\top}x)"),
}


def gradient(name: str, wrt: str) -> Derivation:
    graph = graph_of(name)
    return graph.derive("", wrt, upstream=bool(graph.output.axes))


@pytest.mark.parametrize(("name", "wrt"), GRADIENTS)
def test_the_matrix_form_of_a_gradient(name: str, wrt: str) -> None:
    found = gradient(name, wrt)
    unicode, latex = GRADIENTS[name, wrt]
    assert written(found) == normalize("NFC", unicode)
    assert found.matrix is not None
    assert found.matrix.replace(" ", "") == latex.replace(" ", "")


# definition, variable: the Jacobian
JACOBIANS = {
    ("softmax", "z"): "diag(p) − p pᵀ",
    ("log_softmax", "z"): "𝐈 − 𝟏 (exp(y))ᵀ",
    ("affine", "h"): "W",
    ("affine", "b"): "𝐈",
    ("rnn_cell", "h"): "diag(𝟏 − y^(∘2)) W",
    ("z: [n]\nh = sigmoid(z)", "z"): "diag(h ⊙ (𝟏 − h))",
    ("z: [n]\nh = z/3", "z"): "1/3 𝐈",
}


@pytest.mark.parametrize(("source", "wrt"), JACOBIANS)
def test_the_matrix_form_of_a_jacobian(source: str, wrt: str) -> None:
    assert written(derive.graph(source).derive("", wrt)) == JACOBIANS[source, wrt]


def test_a_number_and_three_indices_have_no_matrix_form() -> None:
    assert derive.graph("f = u*v").derive("f", "u").form is None
    assert derive.graph("affine").derive("a", "W").form is None
    assert gradient("conv1d", "w").form is None
    n = Symbol("n", integer=True, positive=True)
    i, j, k = (Index(name, n) for name in "ijk")
    T = Element(Symbol("T", real=True), i, j, k)
    assert matrix_form(total(T, k), (i, j)) is None
    assert matrix_form(T, (i, j, k)) is None


def test_one_label_for_each_row_is_no_column() -> None:
    n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
    i, j = Index("i", n), Index("j", m)
    one = Delta(j, Label(Element(Symbol("t", integer=True), i), m))
    for order in ((i, j), (j, i)):
        assert matrix_form(one, order) is None
    assert matrix_form(Delta(j, Label(Element(Symbol("t", integer=True)), m)), (j,)) is not None


# ---------------------------------------------------------------- as NumPy code


@cache
def values_of(name: str) -> tuple[Mapping[str, Array], Mapping[tuple[str, str], Array], Any]:
    """Tensors in float64 with an upstream gradient, every gradient of the reverse sweep, and the sizes."""
    run, inputs, seed = point_of(name)
    graph = run.source
    arrays = {k: v if v.dtype == int else v.astype(float) for k, v in inputs.items()}
    values = dict(forward(graph, run.point.sizes, arrays, FLOAT).arrays)
    known: dict[tuple[str, str], Array] = {}
    for tensor in reversed([m for m in graph.members if m in graph.ancestors(graph.output.name)]):
        member = graph.members[tensor]
        if not getattr(member, "differentiable", True) or (member is graph.output and not graph.output.axes):
            continue
        found = graph.derive("", tensor, upstream=bool(graph.output.axes))
        values |= {i.name: seed.astype(float) for i in found.graph.inputs if i not in graph.inputs}
        at = Values(run.point.sizes, values, found.graph, FLOAT, known)
        known[found.of, tensor] = np.array(at.array(found.result, found.indices), dtype=float)
    return values, known, run.point.sizes


def computed(code: str, scope: Mapping[str, Any], folder: Path) -> Array:
    """The value of a line of NumPy code, pasted into a file as its reader would."""
    file = folder / "form.py"
    file.write_text(f"form = {code}\n", encoding="utf-8")
    return runpy.run_path(str(file), dict(scope))["form"]


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "erf": np.vectorize(math.erf),
}


@pytest.mark.parametrize("name", [*library.names(), *TEXTS])
def test_the_numpy_code_of_a_matrix_form_is_the_index_form(name: str, tmp_path: Path) -> None:
    graph = graph_of(name)
    tensors, gradients, sizes = values_of(name)
    scope = {
        "np": np,
        **FUNCTIONS,
        **{size.name: n for size, n in sizes.items()},
        **tensors,
        **{f"grad_{tensor}": value for (_, tensor), value in gradients.items()},
    }
    forms = 0
    for (_, tensor), expected in gradients.items():
        found = graph.derive("", tensor, upstream=bool(graph.output.axes))
        if found.numpy is None:
            assert found.form is None
            continue
        forms += 1
        result = computed(found.numpy, scope, tmp_path)
        assert np.shape(result) == np.shape(expected)
        np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-13, err_msg=f"∂/∂{tensor}: {found.numpy}")
    assert forms or name in WITHOUT, f"no gradient of {name} has a matrix form"


WITHOUT = {
    *["binary_cross_entropy", "conv1d", "elu", "gaussian_nll", "gelu", "hard_tanh", "hinge"],
    *["leaky_relu", "relu", "sigmoid", "silu", "softplus", "softsign"],
    *["cosine_similarity", "huber", "logsumexp", "max_pool1d", "squared_hinge"],
    "a shared exponential",
    "fan-out",
    "Newton's iteration",
    "causal attention",
    "log-sum-exp from the largest entry",
    "the largest entry of a matrix",
    "the largest of irrational numbers",
    "the largest of products",
    "a masked ranking loss",
    "cross-entropy of a batch with weight decay",
    "the hinge loss of a batch",
    "two rows of one embedding",
    "cases",
    "a strided convolution",
    "a convolution in two dimensions",
    "all pairs",
    "a product over an axis",
    "base and exponent",
    "a variable to itself",
}
"""Definitions of numbers, and those whose gradients need a third index, a shift or a case."""


@pytest.mark.parametrize(("source", "wrt"), JACOBIANS)
def test_the_numpy_code_of_a_jacobian(source: str, wrt: str, tmp_path: Path) -> None:
    graph = derive.graph(source)
    found = graph.derive("", wrt)
    random = np.random.default_rng(3)
    sizes = {s: k for k, s in enumerate(sorted({s for i in graph.inputs for a in i.axes for s in a.free_symbols}, key=str), 3)}
    inputs = {i.name: random.normal(size=[sizes[a] for a in i.axes]) for i in graph.inputs}
    values = forward(graph, sizes, inputs, FLOAT)
    scope = {"np": np, **FUNCTIONS, **{s.name: n for s, n in sizes.items()}, **values.arrays}
    expected = np.array(values.array(found.result, found.indices), dtype=float)
    assert found.numpy is not None
    np.testing.assert_allclose(computed(found.numpy, scope, tmp_path), expected, rtol=1e-12, atol=1e-14)


SCALARS = """
x: [n]
y: [n]
s: [C]
t: label[C]
a: real
b: real
f = sum(x*y)*relu(a - b)*max(a, 2*b)*where(a > b, a, b)*sigmoid(s[t])/s[t] - sum(relu(x) + relu(2*x) + erf(y)*x)*abs(a)*sin(b)**2
"""


@pytest.mark.parametrize(
    "source", [SCALARS.strip(), BATCH, "x: [n]\nA: [n, n]\nf = x.T @ (A + A.T) @ x", "X: [N, n]\nC = X.T @ X/N"]
)
def test_the_numpy_code_against_central_differences(source: str, tmp_path: Path) -> None:
    """An oracle that knows neither the index form nor its evaluation."""
    graph = derive.graph(source)
    random = np.random.default_rng(4)
    sizes = {s: k for k, s in enumerate(sorted({s for i in graph.inputs for a in i.axes for s in a.free_symbols}, key=str), 2)}
    sizes |= {s: 3 for i in graph.inputs if i.classes is not None for s in i.classes.free_symbols}
    inputs = {i.name: random.normal(size=[sizes[a] for a in i.axes]) if i.kind != "label" else np.array(1) for i in graph.inputs}
    output = graph.output.name
    values = forward(graph, sizes, inputs, FLOAT).arrays
    seed = random.normal(size=values[output].shape) if graph.output.axes else np.array(1.0)
    scope = {"np": np, **FUNCTIONS, **{s.name: n for s, n in sizes.items()}, **values, "g": seed}
    for name, member in reversed(graph.members.items()):
        if name != output and member.axes:
            found = graph.derive("", name, upstream=bool(graph.output.axes))
            assert found.numpy is not None
            scope[f"grad_{name}"] = computed(found.numpy, scope, tmp_path)
    for name, array in inputs.items():
        if not array.ndim:
            continue
        for entry in np.ndindex(array.shape):
            ends = []
            for h in (1e-6, -1e-6):
                moved = array.copy()
                moved[entry] += h
                ends.append(np.sum(seed * forward(graph, sizes, {**inputs, name: moved}, FLOAT).arrays[output]))
            assert scope[f"grad_{name}"][entry] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)
