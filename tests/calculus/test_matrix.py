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
from cases.gradients import TEXTS
from cases.matrices import BATCH, BOOKS, DEFINITIONS, GRADIENTS, JACOBIANS, LOOKED_UP
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
from derive.notation.definitions import definition
from derive.notation.layout import text
from derive.notation.numpy_code import numpy_code
from derive.proof.proof import prove
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT
from oracles.autodiff import graph_of

Array = Any


def written(found: Derivation) -> str | None:
    """The form in Unicode, accents composed."""
    return None if found.form is None else normalize("NFC", text(matrices.layout(found.form, context_of(found.graph))))


# ---------------------------------------------------------------- as in a book


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


@pytest.mark.parametrize(("source", "wrt"), JACOBIANS)
def test_the_matrix_form_of_a_jacobian(source: str, wrt: str) -> None:
    assert written(derive.graph(source).derive("", wrt)) == normalize("NFC", JACOBIANS[source, wrt])


@pytest.mark.parametrize(("source", "wrt", "form"), BOOKS)
def test_the_matrix_form_is_that_of_a_book(source: str, wrt: str, form: str, tmp_path: Path) -> None:
    found = gradient(source, wrt)
    assert written(found) == normalize("NFC", form)
    prove(found)


@pytest.mark.parametrize(("source", "whole"), DEFINITIONS)
def test_a_definition_is_printed_with_norms_and_products(source: str, whole: str) -> None:
    graph = derive.graph(source)
    printed = text(definition(graph.output, context_of(graph)))
    assert printed.split(",   ")[:-1] == [whole] * bool(whole)


def test_three_indices_a_shift_and_a_condition_on_indices_have_no_matrix_form() -> None:
    assert derive.graph("affine").derive("a", "W").form is None
    assert gradient("conv1d", "w").form is None
    assert (
        derive.graph("s: [n]; J: [n, n]; E = sum(J[i, j]*s[i]*s[j] for i in n for j in n if i < j)").derive("E", "s").form is None
    )
    n = Symbol("n", integer=True, positive=True)
    i, j, k = (Index(name, n) for name in "ijk")
    T = Element(Symbol("T", real=True), i, j, k)
    assert matrix_form(total(T, k), (i, j)) is None
    assert matrix_form(T, (i, j, k)) is None


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
    assert "∇_Z L = (1/N) (P − T) one-hot rows: T_ij = δ_{j,t_i}" in page


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
        at = Evaluator(sizes, {**values, found.of: None} if upstream else values, found.graph, FLOAT, known)
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
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
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


def test_what_a_condition_leaves_out_is_not_divided_by(tmp_path: Path) -> None:
    """A product with 𝟙[…] is 0 where that is 0, in NumPy as well, unless it is summed: there 0/0 would stand."""
    found = derive.graph("x: [n]; o: [n]; L = sum(1/max(x[i], o[i]) for i in n)").derive("L", "o")
    assert written(found) == "−𝟙[o > x] ⊘ o^(⊙2)"
    assert found.numpy is not None
    with np.errstate(all="ignore"):
        result = computed(found.numpy, {"np": np, "x": np.array([1.0, 1.0]), "o": np.array([0.0, 2.0])}, tmp_path)
    np.testing.assert_array_equal(result, [0, -0.25])
    assert (
        derive.graph("W: [n, m]; u: [m]; x: [n]; L = sum(1/max(x[i], W[i, j]*u[j]) for i in n for j in m)").derive("L", "u").form
        is None
    )
    assert derive.graph("x: positive[n]; o: positive[n]; f[i] = max(x[i], o[i])**-1").derive("f", "o").matrix


def test_a_scalar_has_a_form_where_it_sums() -> None:
    assert written(derive.graph("x: [n]\nf = a*sum(x**2)").derive("f", "a")) == "‖x‖²"
    assert derive.graph("f = a**2").derive("f", "a").form is None
    assert derive.graph("x: [n]\nf = a*prod(x)").derive("f", "a").form is None


def test_a_number_prints_also_where_nothing_stands_beside_it() -> None:
    found = derive.graph("x: [n]\ny: [m]\na: real\nf = (sum(a + x[i] for i in n) + sum(y))*sum(y)").derive("f", "y")
    assert written(found) == "(𝟏ᵀ x + 2 𝟏ᵀ y + n a) 𝟏"


def test_a_condition_on_numbers_alone_prints() -> None:
    found = derive.graph("x: [n]\ny: [n]\nf = sum(where(a > b, x**2, y)*x)").derive("f", "x")
    assert written(found) == "{ x^(⊙2)  if a > b ; y  otherwise } + x ⊙ { 2 x  if a > b ; 0  otherwise }"


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
