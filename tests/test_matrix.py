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
from sympy import Integer, Rational, Symbol, symbols

import cli
import derive
from derive.calculus import matrix_algebra
from derive.calculus.matrix_form import matrix_form
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    AtMost,
    Below,
    Delta,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Largest,
    Product,
    total,
)
from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph, Input
from derive.language import library
from derive.notation import matrices
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.numpy_code import numpy_code
from derive.values.number_systems import FLOAT
from derive.values.values import Values, forward
from test_gradients import TEXTS, graph_of

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
    ("affine_batch", "X"): ("G W", "GW"),
    ("affine_batch", "W"): ("Gᵀ X", r"G^{\top}X"),
    ("affine_batch", "b"): ("Gᵀ 𝟏", r"G^{\top}\mathbf{1}"),
    ("bilinear", "A"): ("x yᵀ", r"xy^{\top}"),
    ("bilinear", "x"): ("A y", "Ay"),
    ("bilinear", "y"): ("Aᵀ x", r"A^{\top}x"),
    ("softmax", "z"): ("p ⊙ (g − (gᵀ p) 𝟏)", r"p \odot (g - (g^{\top}p)\mathbf{1})"),
    ("log_softmax", "z"): ("g − (𝟏ᵀ g) exp(y)", r"g - (\mathbf{1}^{\top}g)\exp(y)"),
    ("logsumexp", "z"): ("exp(z − y 𝟏)", r"\exp(z - y\mathbf{1})"),
    ("softmax_cross_entropy", "z"): ("p − y", "p - y"),
    ("mlp", "b2"): ("p − 𝐞_t", r"p - \mathbf{e}_{t}"),
    ("mlp", "W2"): ("(∇_z L) hᵀ", r"(\nabla_{z}L)h^{\top}"),
    ("mlp", "x"): ("W⁽¹⁾ᵀ ∇_a L", r"W^{(1)\top}\nabla_{a}L"),
    ("attention", "V"): ("Pᵀ G", r"P^{\top}G"),
    ("attention", "S"): (
        "P ⊙ (∇_P L − ((∇_P L) ⊙ P) 𝟏 𝟏ᵀ)",
        r"P \odot (\nabla_{P}L - ((\nabla_{P}L) \odot P)\mathbf{1}\mathbf{1}^{\top})",
    ),
    ("attention", "Q"): ("1/√d (∇_S L) K", r"\frac{1}{\sqrt{d}}(\nabla_{S}L)K"),
    ("attention", "K"): ("1/√d (∇_S L)ᵀ Q", r"\frac{1}{\sqrt{d}}(\nabla_{S}L)^{\top}Q"),
    ("mse", "yhat"): ("2/n (ŷ − y)", r"\frac{2}{n}(\hat{y} - y)"),
    ("huber", "e"): (
        "1/n { e  if |e| ≤ δ ; δ sign(e)  otherwise }",
        r"\frac{1}{n}\begin{cases}e & \text{if } |e| \le \delta \\ \delta\operatorname{sign}(e) & \text{otherwise}\end{cases}",
    ),
    ("cosine_similarity", "x"): (
        "1/‖x‖ (1/‖y‖ y − c/‖x‖ x)",
        r"\frac{1}{\lVert x\rVert }\left(\frac{1}{\lVert y\rVert }y - \frac{c}{\lVert x\rVert }x\right)",
    ),
    ("layer_norm", "gamma"): ("g ⊙ x̂", r"g \odot \hat{x}"),
    ("layer_norm", "x"): (
        "1/√(v + ε) (g ⊙ γ − 1/n (gᵀ γ) 𝟏 − 1/n ((g ⊙ γ)ᵀ x̂) x̂)",
        r"\frac{1}{\sqrt{v + \epsilon}}\left(g \odot \gamma - \frac{1}{n}(g^{\top}\gamma)\mathbf{1}"
        r" - \frac{1}{n}((g \odot \gamma)^{\top}\hat{x})\hat{x}\right)",
    ),
    ("layer_norm", "v"): ("−1 / (2 (v + ε)) (g ⊙ γ)ᵀ x̂", r"-\frac{1}{2(v + \epsilon)}(g \odot \gamma)^{\top}\hat{x}"),
    ("x: [n]\ngamma: [n]\nepsilon: positive\nr = sqrt(mean(x**2) + epsilon)\ny = gamma*x/r", "x"): (
        "1/r (g ⊙ γ − 1 / (r² n) ((g ⊙ γ)ᵀ x) x)",
        r"\frac{1}{r}\left(g \odot \gamma - \frac{1}{r^{2}n}((g \odot \gamma)^{\top}x)x\right)",
    ),
    ("batch_norm", "beta"): ("Gᵀ 𝟏", r"G^{\top}\mathbf{1}"),
    ("batch_norm", "gamma"): ("(G ⊙ X̂)ᵀ 𝟏", r"(G \odot \hat{X})^{\top}\mathbf{1}"),
    ("batch_norm", "v"): (
        "−1/2 γ ⊙ ((G ⊙ X̂)ᵀ 𝟏) ⊘ (v + ε 𝟏)",
        r"-\frac{1}{2}\gamma \odot ((G \odot \hat{X})^{\top}\mathbf{1}) \oslash (v + \epsilon\mathbf{1})",
    ),
    ("batch_norm", "epsilon"): (
        "−1/2 𝟏ᵀ (G ⊙ X̂) (γ ⊘ (v + ε 𝟏))",
        r"-\frac{1}{2}\mathbf{1}^{\top}(G \odot \hat{X})(\gamma \oslash (v + \epsilon\mathbf{1}))",
    ),
    ("batch_norm", "X"): (
        "(G − 1/N 𝟏 𝟏ᵀ G − 1/N X̂ diag((G ⊙ X̂)ᵀ 𝟏)) diag(γ ⊘ √(v + ε 𝟏))",
        r"\left(G - \frac{1}{N}\mathbf{1}\mathbf{1}^{\top}G - \frac{1}{N}\hat{X}\operatorname{diag}"
        r"((G \odot \hat{X})^{\top}\mathbf{1})\right)\operatorname{diag}(\gamma \oslash \sqrt{v + \epsilon\mathbf{1}})",
    ),
    ("embedding", "E"): ("𝐞_t gᵀ", r"\mathbf{e}_{t}g^{\top}"),
    ("embedding_sequence", "E"): ("Tᵀ G", r"T^{\top}G"),
    ("softmax_cross_entropy_batch", "Z"): ("1/N (P − T)", r"\frac{1}{N}(P - T)"),
    ("softmax_cross_entropy_batch", "P"): ("−1/N T ⊘ P", r"-\frac{1}{N}T \oslash P"),
    ("softmax_regression", "Z"): ("1/N (P − T)", r"\frac{1}{N}(P - T)"),
    ("rnn_cell", "b"): ("g ⊙ (𝟏 − y^(∘2))", r"g \odot (\mathbf{1} - y^{\odot 2})"),
    ("rnn_cell", "h"): ("Wᵀ ∇_a L", r"W^{\top}\nabla_{a}L"),
    ("rnn_cell", "W"): ("(∇_a L) hᵀ", r"(\nabla_{a}L)h^{\top}"),
    ("lstm_cell", "a_f"): ("(∇_f L) ⊙ f ⊙ (𝟏 − f)", r"(\nabla_{f}L) \odot f \odot (\mathbf{1} - f)"),
    ("lstm_cell", "W_f"): ("(∇_{a_f} L) xᵀ", r"(\nabla_{a_{f}}L)x^{\top}"),
    ("lstm_cell", "h0"): (
        "U_iᵀ ∇_{a_i} L + U_fᵀ ∇_{a_f} L + U_oᵀ ∇_{a_o} L + U_cᵀ ∇_{a_c} L",
        r"U_{i}^{\top}\nabla_{a_{i}}L + U_{f}^{\top}\nabla_{a_{f}}L + U_{o}^{\top}\nabla_{a_{o}}L + U_{c}^{\top}\nabla_{a_{c}}L",
    ),
    ("gru_cell", "z"): ("g ⊙ (h⁽⁰⁾ − n)", r"g \odot (h^{(0)} - n)"),
    ("a Gram matrix", "X"): ("(g + gᵀ) X", r"(g + g^{\top})X"),
    ("a matrix and its transpose", "x"): ("2 A Aᵀ x", r"2AA^{\top}x"),
    ("cross-entropy of a batch with weight decay", "lam"): ("1/2 ‖W‖_F²", r"\frac{1}{2}\lVert W\rVert _{F}^{2}"),
    ("two rows of one embedding", "E"): (
        "∂L/∂f (𝐞_s 𝐞_tᵀ + 𝐞_t 𝐞_sᵀ) E",
        r"\frac{\partial L}{\partial f}(\mathbf{e}_{s}\mathbf{e}_{t}^{\top} + \mathbf{e}_{t}\mathbf{e}_{s}^{\top})E",
    ),
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
    ("log_softmax", "z"): "𝐈 − 𝟏 exp(y)ᵀ",
    ("affine", "h"): "W",
    ("affine", "b"): "𝐈",
    ("rnn_cell", "h"): "diag(𝟏 − y^(∘2)) W",
    ("z: [n]\nh = sigmoid(z)", "z"): "diag(h ⊙ (𝟏 − h))",
    ("z: [n]\nh = z/3", "z"): "1/3 𝐈",
    ("layer_norm", "x"): "1/√(v + ε) diag(γ) (𝐈 − 1/n 𝟏 𝟏ᵀ − 1/n x̂ x̂ᵀ)",
    ("batch_norm", "epsilon"): "−1/2 X̂ diag(γ ⊘ (v + ε 𝟏))",
    ("x: [n]\na: [n]\ny = (x - a)/sqrt(sum((x - a)**2))", "x"): "1/‖x − a‖ (𝐈 − 1/‖x − a‖² (x − a) (x − a)ᵀ)",
}


@pytest.mark.parametrize(("source", "wrt"), JACOBIANS)
def test_the_matrix_form_of_a_jacobian(source: str, wrt: str) -> None:
    assert written(derive.graph(source).derive("", wrt)) == normalize("NFC", JACOBIANS[source, wrt])


def test_three_indices_a_shift_and_a_condition_on_indices_have_no_matrix_form() -> None:
    assert derive.graph("affine").derive("a", "W").form is None
    assert gradient("conv1d", "w").form is None
    assert gradient("hinge", "s").form is None
    n = Symbol("n", integer=True, positive=True)
    i, j, k = (Index(name, n) for name in "ijk")
    T = Element(Symbol("T", real=True), i, j, k)
    assert matrix_form(total(T, k), (i, j)) is None
    assert matrix_form(T, (i, j, k)) is None


LOOKED_UP = [
    # an entry picked by a label for each example, and the code of its form
    ("E: [V, d]\nt: label[N, V]\nY[i, j] = E[t[i], j]", "T E", "(np.eye(V)[t] @ E)"),
    ("E: [V, d]\nt: label[N, V]\nY[j, i] = E[t[i], j]", "Eᵀ Tᵀ", "(E.T @ np.eye(V)[t].T)"),
    ("x: [V]\nt: label[N, V]\ny[i] = x[t[i]]", "T x", "(np.eye(V)[t] @ x)"),
    ("P: [N, C]\nt: label[N, C]\ny[i] = P[i, t[i]]", "(P ⊙ T) 𝟏", "((P * np.eye(C)[t]) @ np.ones(C))"),
    ("A: [C, C]\nt: label[N, C]\ns: label[M, C]\nY[i, j] = A[t[i], s[j]]", "T A Sᵀ", "(np.eye(C)[t] @ A @ np.eye(C)[s].T)"),
    ("A: [C, d]\nt: label[N, C]\nu: label[d]\ny[i] = A[t[i], u]", "T A 𝐞_u", "(np.eye(C)[t] @ (A @ np.eye(d)[u]))"),
    ("T: real\nx: [V]\nt: label[N, V]\ny[i] = T*x[t[i]]", "T 𝐄_t x", "(T * (np.eye(V)[t] @ x))"),
]


@pytest.mark.parametrize(("source", "form", "code"), LOOKED_UP)
def test_a_label_for_each_example_is_a_matrix_of_one_hot_rows(source: str, form: str, code: str, tmp_path: Path) -> None:
    graph = derive.graph(source)
    node = graph.output
    found = matrix_form(node.expr, node.indices)
    assert found is not None
    assert text(matrices.layout(found, context_of(graph))) == form
    assert numpy_code(found) == code
    sizes, random = lengths(graph), np.random.default_rng(5)
    values = forward(graph, sizes, {i.name: drawn(i, sizes, random) for i in graph.inputs}, FLOAT).arrays
    result = computed(code, {"np": np, **{s.name: n for s, n in sizes.items()}, **values}, tmp_path)
    np.testing.assert_allclose(result, values[node.name], rtol=1e-14)


def test_what_the_one_hot_rows_are_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "softmax_cross_entropy_batch", "--wrt", "Z"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "∇_Z L = 1/N (P − T) one-hot rows: T_ij = δ_{j,t_i}" in page


def test_one_label_is_a_column() -> None:
    m = Symbol("m", integer=True, positive=True)
    j = Index("j", m)
    assert matrix_form(Delta(j, Label(Element(Symbol("t", integer=True)), m)), (j,)) is not None


# ---------------------------------------------------------------- as NumPy code


def lengths(graph: Graph) -> dict[Any, int]:
    """A length for every axis, no two equal unless there are many."""
    sizes = {*graph.sizes, *(s for i in graph.inputs if i.classes is not None for s in i.classes.free_symbols)}
    return {s: 2 + (k if len(sizes) < 7 else k % 3) for k, s in enumerate(sorted(sizes, key=str))}


def drawn(given: Input, sizes: Mapping[Any, int], random: np.random.Generator) -> Array:
    shape = [int(a.subs(sizes)) for a in given.axes]
    if given.kind == "label":
        return random.integers(0, int(given.classes.subs(sizes)), shape)
    values = random.uniform(0.2, 1.8, shape) * (random.choice([-1, 1], shape) if given.kind == "real" else 1)
    if given.kind == "onehot":
        return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
    return values / values.sum(-1, keepdims=True) if given.kind == "probability" else values


@cache
def results_of(name: str, upstream: bool) -> tuple[dict[str, Any], dict[str, tuple[Derivation, Array]]]:
    """What NumPy code may name at a random point, and every derivative of the output with the value of its index form."""
    graph = graph_of(name)
    sizes, random = lengths(graph), np.random.default_rng([*name.encode()])
    inputs = {i.name: drawn(i, sizes, random) for i in graph.inputs}
    values = dict(forward(graph, sizes, inputs, FLOAT).arrays)
    scope: dict[str, Any] = {"np": np, **FUNCTIONS, **{s.name: n for s, n in sizes.items()}, **values}
    known: dict[tuple[str, str], Array] = {}
    results = {}
    for tensor in reversed([m for m in graph.members if m in graph.ancestors(graph.output.name)]):
        member = graph.members[tensor]
        if not getattr(member, "differentiable", True) or (member is graph.output and not upstream):
            continue
        found = graph.derive("", tensor, upstream=upstream)
        for seed in (i for i in found.graph.inputs if i.name not in values):
            scope[seed.name] = values[seed.name] = drawn(seed, sizes, random)
        at = Values(sizes, {**values, found.of: None} if upstream else values, found.graph, FLOAT, known)
        value = known[found.of, tensor] = np.array(at.array(found.result, found.indices), dtype=float)
        scope[f"grad_{tensor}" if not found.subject.output.indices else f"d{found.of}_d{tensor}"] = value
        results[tensor] = (found, value)
    return scope, results


def computed(code: str, scope: Mapping[str, Any], folder: Path) -> Array:
    """The value of a line of NumPy code, pasted into a file as its reader would."""
    file = folder / "form.py"
    file.write_text(f"form = {code}\n", encoding="utf-8")
    return runpy.run_path(str(file), dict(scope))["form"]


def ways(name: str) -> tuple[bool, ...]:
    """With a gradient behind the output, and the Jacobian; one of them for a number."""
    return (True, False) if graph_of(name).output.axes else (False,)


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "erf": np.vectorize(math.erf),
    "normal_pdf": lambda x: np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    "normal_cdf": lambda x: np.vectorize(math.erf)(x / math.sqrt(2)) / 2 + 0.5,
}


@pytest.mark.parametrize("name", [*library.names(), *TEXTS])
def test_the_numpy_code_of_a_matrix_form_is_the_index_form(name: str, tmp_path: Path) -> None:
    for upstream in ways(name):
        scope, results = results_of(name, upstream)
        for tensor, (found, expected) in results.items():
            if found.numpy is not None:
                result = computed(found.numpy, scope, tmp_path)
                assert np.shape(result) == np.shape(expected), found.numpy
                assert np.all(np.isfinite(expected))
                np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12, err_msg=f"∂/∂{tensor}: {found.numpy}")


def obstacles(term: Any) -> set[str]:
    """What a term contains that matrices have no sign for."""
    found = {type(t).__name__ for t in term.atoms(Inside, Below, AtMost, ArgMax, Largest, Product)}
    entries = [(e, e.indices) for e in term.atoms(Element)] + [
        (a, (*a.output.indices, *a.by.indices)) for a in term.atoms(Adjoint)
    ]
    found |= {f"{len(indices)} indices" for _, indices in entries if len(indices) > 2}
    places = {i for _, indices in entries for i in indices} | {i for d in term.atoms(Delta, Differ) for i in d.args}
    found |= {"an index that is computed" for i in places if not isinstance(i, (Index, Label))}
    found |= {"i ≠ j" for _ in term.atoms(Differ)}
    return found


@pytest.mark.parametrize("name", [*library.names(), *TEXTS])
def test_every_vector_and_matrix_has_a_form_unless_matrices_have_no_sign_for_it(name: str) -> None:
    for upstream in ways(name):
        for tensor, (found, _) in results_of(name, upstream)[1].items():
            if found.form is None and found.result != 0 and 1 <= len(found.indices) <= 2:
                assert obstacles(found.result), f"∂/∂{tensor}: {found.result}"


def test_a_scalar_has_a_form_where_it_sums() -> None:
    assert written(derive.graph("x: [n]\nf = a*sum(x**2)").derive("f", "a")) == "‖x‖²"
    assert derive.graph("f = a**2").derive("f", "a").form is None
    assert derive.graph("x: [n]\nf = a*prod(x)").derive("f", "a").form is None


def test_a_number_prints_also_where_nothing_stands_beside_it() -> None:
    found = derive.graph("x: [n]\ny: [m]\na: real\nf = (sum(a + x[i] for i in n) + sum(y))*sum(y)").derive("f", "y")
    assert written(found) == "(𝟏ᵀ x + 2 𝟏ᵀ y + a n) 𝟏"


def test_a_condition_on_numbers_alone_prints() -> None:
    found = derive.graph("x: [n]\ny: [n]\nf = sum(where(a > b, x**2, y)*x)").derive("f", "x")
    assert written(found) == "{ x^(∘2)  if a > b ; y  otherwise } + x ⊙ { 2 x  if a > b ; 0  otherwise }"


def test_numpy_code_is_short() -> None:
    assert gradient("mse", "yhat").numpy == "((2/n) * (yhat - y))"
    assert gradient("attention", "V").numpy == "(P.T @ G)"
    assert gradient("rnn_cell", "b").numpy == "(g * (np.ones(m) - (y**2)))"


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
    scope = {"np": np, **FUNCTIONS, **{s.name: n for s, n in sizes.items()}, **values, "g": seed, "G": seed}
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


# ---------------------------------------------------------------- the algebra

N_, M_ = symbols("n m", integer=True, positive=True)
LONG = {N_: 2, M_: 3}
LEAVES: dict[str, matrix_algebra.Shape] = {
    "A": (N_, M_),
    "B": (N_, M_),
    "C": (M_, N_),
    "S": (N_, N_),
    "T": (M_, M_),
    "x": (N_, None),
    "y": (N_, None),
    "u": (M_, None),
    "v": (M_, None),
}


class Grown:
    """A matrix expression grown at random, and its value computed step by step in full arrays: columns are n × 1."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.arrays = {k: random.uniform(0.5, 1.5, [1 if a is None else LONG[a] for a in axes]) for k, axes in LEAVES.items()}

    def grow(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        """(the form, its value) for a shape."""
        if rows is None and columns is not None:
            form, value = self.grow(columns, rows, depth)
            return matrix_algebra.transposed(form), value.T
        options = ["plus", "plus", "plus", "product", "product", "scaled"]
        options += [] if rows is None else ["hadamard", "power"] if columns is None else ["hadamard", "transposed"]
        options += ["diag"] if rows == columns and rows is not None else []
        options += ["trace"] if rows is None else []
        if depth <= 0:
            return self.leaf(rows, columns) if rows is not None else self.inner()
        return getattr(self, str(self.random.choice(options)))(rows, columns, depth - 1)

    def leaf(self, rows: Any, columns: Any) -> tuple[matrix_algebra.Matrix, Array]:
        name = str(self.random.choice([k for k, axes in LEAVES.items() if axes == (rows, columns)] + ["1"]))
        if name != "1":
            return matrix_algebra.Tensor(name, (rows, columns)), self.arrays[name]
        ones = matrix_algebra.Ones(rows)
        if columns is None:
            return ones, np.ones((LONG[rows], 1))
        if rows == columns:
            return matrix_algebra.Identity(rows), np.eye(LONG[rows])
        return matrix_algebra.product([ones, matrix_algebra.Transpose(matrix_algebra.Ones(columns))]), np.ones(
            (LONG[rows], LONG[columns])
        )

    def inner(self) -> tuple[matrix_algebra.Matrix, Array]:
        (f, a), (g, b) = self.leaf(N_, None), self.leaf(N_, None)
        return matrix_algebra.inner(f, g), a.T @ b

    def plus(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        terms = [
            (bool(self.random.integers(2)), *self.grow(rows, columns, depth)) for _ in range(int(self.random.integers(2, 4)))
        ]
        return matrix_algebra.plus([(n, f) for n, f, _ in terms]), sum((-v if n else v) for n, _, v in terms)

    def product(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        middle = [*LONG][self.random.integers(2)]
        (f, a), (g, b) = self.grow(rows, middle, depth), self.grow(middle, columns, depth)
        return matrix_algebra.product([f, g]), a @ b

    def scaled(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        number = Rational(int(self.random.choice([-3, -1, 2])), int(self.random.choice([1, 2])))
        (s, a), (f, b) = self.grow(None, None, min(depth, 1)), self.grow(rows, columns, depth)
        return matrix_algebra.scaled(number, [s], f), float(number) * a * b

    def hadamard(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        (f, a), (g, b) = self.grow(rows, columns, depth), self.grow(rows, columns, depth)
        return matrix_algebra.hadamard([f, g]), a * b

    def power(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        f, a = self.grow(rows, columns, depth)
        return matrix_algebra.power(f, Integer(2)), a**2

    def transposed(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        f, a = self.grow(columns, rows, depth)
        return matrix_algebra.transposed(f), a.T

    def diag(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        f, a = self.grow(rows, None, depth)
        return matrix_algebra.diag(f), np.diag(a[:, 0])

    def trace(self, rows: Any, columns: Any, depth: int) -> tuple[matrix_algebra.Matrix, Array]:
        size = [*LONG][self.random.integers(2)]
        f, a = self.grow(size, size, depth)
        return matrix_algebra.trace(f), np.trace(a)


@pytest.mark.parametrize("seed", range(20))
def test_the_laws_of_the_algebra_keep_the_value(seed: int, tmp_path: Path) -> None:
    """Expressions grown at random from a few tensors, so that factors are shared often, against plain arrays."""
    random = np.random.default_rng(seed)
    grown = Grown(random)
    shapes: list[matrix_algebra.Shape] = [(N_, M_), (N_, N_), (N_, None), matrix_algebra.SCALAR]
    pairs = [grown.grow(*shapes[k % 4], 1 + k % 3) for k in range(60)]
    scope = {
        "np": np,
        **{s.name: k for s, k in LONG.items()},
        **{k: v if None not in LEAVES[k] else v[:, 0] for k, v in grown.arrays.items()},
    }
    for form, value in pairs:
        code = numpy_code(form)
        flat = (
            value
            if None not in matrix_algebra.shape(form)
            else value[:, 0]
            if matrix_algebra.shape(form) != matrix_algebra.SCALAR
            else np.squeeze(value)
        )
        np.testing.assert_allclose(computed(code, scope, tmp_path), flat, rtol=1e-9, atol=1e-9, err_msg=code)
        assert text(matrices.layout(form))
