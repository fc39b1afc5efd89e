"""Results are written with what a definition names, and with functions that it does not name, as a book writes them."""

from __future__ import annotations

from inspect import cleandoc
from unicodedata import normalize

import pytest
from sympy import Symbol, exp

import derive
from derive.calculus.fold import entry_fold, function_folds, replaced
from derive.calculus.functions import NamedEntry, written_out
from derive.calculus.normal import normal
from derive.calculus.terms import Element, Index, total
from derive.derivation.derivation import Derivation
from derive.language import library
from derive.notation import matrices
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.proof import prove
from oracles.forms import unread
from oracles.readback import printed_derivation

N = Symbol("n", integer=True, positive=True)
FIRST, OTHER = Index("i", N), Index("j", N)
Z = Symbol("z", real=True)

# a definition, by what it is differentiated, the result, and its matrix form
SOFTMAX = [
    ("f: [C]; y: label[C]; L = -f[y] + log(sum(exp(f)))", "f", "softmax(f)_i − δ_iy", "softmax(f) − 𝐞_y"),
    ("x: [n]; t: positive; L = t*log(sum(exp(x/t)))", "x", "softmax_i(x_i/t)", "softmax(x/t)"),
    ("x: [n]; m = max(x); L = m + log(sum(exp(x - m)))", "x", "softmax(x)_i", "softmax(x)"),
    ("F: [N, C]; L = sum(log(sum(exp(F[i, j]) for j in C)) for i in N)", "F", "softmax(F)_ij", "softmax(F)"),
    ("F: [C, N]; L = sum(log(sum(exp(F[j, i]) for j in C)) for i in N)", "F", "softmax_j(F_ji)", "softmax(Fᵀ)ᵀ"),
    (
        "x: [d]; K: [n, d]; L = log(sum(exp(b*(K @ x)))) - b*x @ x",
        "x",
        "b (Σ_i K_ij softmax_i(b Σ_k K_ik x_k) − 2 x_j)",
        "b (Kᵀ softmax(b K x) − 2 x)",
    ),
    (
        "z: [n]; v: [n]; o = sum(exp(z)*v)/sum(exp(z))",
        "z",
        "softmax(z)_i (v_i − o)",
        "softmax(z) ⊙ (v − o 𝟏)",
    ),
]
FUNCTIONS = [
    ("x: [n]; w: [n]; t = w @ x; L = log(1 + exp(t + c))", "t", "σ(t + c)", None),
    ("L = K/(1 + exp(-r*(t - m)))", "K", "σ(r (t − m))", None),
    ("L = c*exp(-x*y)", "y", "−x L", None),
    ("y = (exp(x) - exp(-x))/(exp(x) + exp(-x))", "x", "1 − y²", None),
    ("L = log(cosh(x))", "x", "tanh(x)", None),
    ("z: real; L = max(z, 0) + log(1 + exp(-abs(z)))", "z", "σ(z)", None),
    ("s: [n]; y: label[n]; L = max(s[j] for j in n if j != y) - s[y]", "s", "δ_{i,argmax_{j≠y} s_j} − δ_iy", None),
    ("x: [n]; y: [n]; L = sum(abs((x - y)/y))", "x", "sign(x_i − y_i) / |y_i|", "sign(x − y) ⊘ |y|"),
    ("f: positive; y: positive; L = f*f**(y - 1)*x", "x", "f^y", None),
]
QUOTIENTS = [
    (
        "x: [n]; A: [n, n]; r = (x @ A @ x)/(x @ x)",
        "x",
        "(Σ_j x_j (A_ij + A_ji) − 2 r x_i) / Σ_j x_j²",
        "(1/‖x‖²) ((A + Aᵀ) x − 2 r x)",
    ),
    ("w: [n]; m: [n]; S: [n, n]; J = (w @ m)**2/(w @ S @ w)", "S", "−J w_i w_j / Σ_{k, l} S_lk w_k w_l", "−(J / (wᵀ S w)) w wᵀ"),
    ("p: [n]; g: [n]; D = 1 - 2*sum(p*g)/(sum(p) + sum(g))", "p", "(1 − 2 g_i − D) / (Σ_j p_j + Σ_j g_j)", None),
    ("y = (a*x + b)/(c*x + d)", "x", "(a − c y) / (c x + d)", None),
    ("y = x/(1 + abs(x))", "x", "1/(1 + |x|)²", None),
]
PRODUCTS = [
    ("z: [K]; y: onehot[K]; p = softmax(z); q = (1 - c)*y + c/K; L = -sum(q*log(p))", "z", "p_i − q_i", "p − q"),
    ("s: positive; k = a*exp(-(x - z)**2/(2*s**2))", "s", "k (x − z)² / s³", None),
    ("x: positive; p = x**(a - 1)*(1 - x)**(b - 1)", "a", "p log(x)", None),
    ("p = sigmoid(z); L = -(1 - b)*(1 - y)*log(1 - p) - b*y*log(p)", "z", "p (1 − b) (1 − y) − b y (1 − p)", None),
    ("x: [N]; lam: positive; l = N*log(lam) - lam*sum(x)", "lam", "N/λ − Σ_i x_i", "N/λ − 𝟏ᵀ x"),
    ("r: positive; s: positive; k = (1 + r/s)*exp(-r/s)", "r", "−r exp(−r/s) / s²", None),
]


def derived(definition: str, wrt: str) -> Derivation:
    graph = derive.graph(cleandoc(definition).replace("; ", "\n"))
    return graph.derive("", wrt, upstream=bool(graph.output.axes))


@pytest.mark.parametrize(("definition", "wrt", "result", "matrix"), [*SOFTMAX, *FUNCTIONS, *QUOTIENTS, *PRODUCTS])
def test_a_result_is_written_as_in_a_book(definition: str, wrt: str, result: str, matrix: str | None) -> None:
    found = derived(definition, wrt)
    prove(found)
    context = context_of(found.graph).beside(found.indices)
    assert normalize("NFC", text(layout(found.result, context))) == result
    if matrix is not None:
        assert found.form is not None
        assert normalize("NFC", text(matrices.layout(found.form, context))) == matrix


@pytest.mark.parametrize(("definition", "wrt", "result", "matrix"), SOFTMAX)
def test_an_entry_of_a_function_of_a_vector_is_read_back(definition: str, wrt: str, result: str, matrix: str) -> None:
    found = derived(definition, wrt)
    assert [wrong for line in printed_derivation(found) for wrong in unread(line, found.graph, {})] == []
    if "max" not in definition:  # the gradient by way of the largest entry is 0 for every vector, not by algebra
        assert prove(found).kinds[-1] == "symbolic"


def test_an_entry_is_what_its_definition_says() -> None:
    softmax = library.entry("softmax")
    assert softmax is not None
    line = exp(2 * Element(Z, FIRST)) / total(exp(2 * Element(Z, OTHER)), OTHER)
    named = replaced(line, entry_fold(softmax))
    assert isinstance(named, NamedEntry)
    assert normal(written_out(named)) == normal(line)


@pytest.mark.parametrize(
    "line",
    [
        exp(Element(Z, FIRST)) / total(exp(2 * Element(Z, OTHER)), OTHER),
        exp(Element(Z, FIRST)) / total(exp(Element(Z, OTHER)), OTHER) ** -1,
        Element(Z, FIRST) / total(exp(Element(Z, OTHER)), OTHER),
        exp(Element(Z, FIRST)) / total(exp(Element(Z, FIRST)), OTHER),
    ],
)
def test_what_is_no_entry_is_not_called_one(line: object) -> None:
    softmax = library.entry("softmax")
    assert softmax is not None
    assert replaced(line, entry_fold(softmax)) == line


def test_an_exponential_by_itself_is_no_sigmoid() -> None:
    sigmoid = library.function("sigmoid")
    assert not any(fold.whole and fold.pattern.is_Function for fold in function_folds(sigmoid))
    found = derived("L = c*exp(-x*y) + exp(-x)", "x")
    assert "σ" not in text(layout(found.result, context_of(found.graph)))


def test_a_second_derivative_of_a_softmax_names_it() -> None:
    found = derive.graph("x: [n]; L = log(sum(exp(x)))").derive("L", wrt="x", order=2)
    prove(found)
    context = context_of(found.graph).beside(found.indices)
    assert text(layout(found.result, context)) == "softmax(x)_i (δ_ij − softmax(x)_j)"
