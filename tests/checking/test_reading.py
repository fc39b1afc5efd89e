"""Formulas as people type them: what they are read as, what two readings are refused, what hostile text comes to."""

from __future__ import annotations

import itertools
import time

import pytest

from derive.calculus.normal import normal
from derive.checking.reading import read_formula
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.language.reader import read
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout

LOGITS = read("z: [C]; t: label[C]; p = softmax(z); L = -log(p[t])")
LAYER = read("W: [m, n]; x: [n]; b: [m]; y: [m]; a = W @ x + b; L = sum((a - y)**2)")
NUMBERS = read("x: real; y: real; x_hat: real; W1: [m]; L = x*y + x_hat + sum(W1)")
LABELS = read("Z: [N, C]; t: label[N, C]; L = sum(Z[n, t[n]] for n in N)")


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (r"p_i - \delta_{it}", "-Delta(i, t) + p[i]"),
        ("p_i − δ_it", "-Delta(i, t) + p[i]"),
        ("p[i] - where(i == t, 1, 0)", "-Delta(i, t) + p[i]"),
        (r"\frac{\partial L}{\partial z_i}", "dL/dz[i]"),
        ("dL/dz[i]", "dL/dz[i]"),
        (r"\nabla_z L", "dL/dz[i]"),
        (r"\sum_{j \ne t} p_j", "Sum_@1(Differ(@1, t)*p[@1])"),
        (r"\sum_{j=1}^{C} z_j^2", "Sum_@1(z[@1]**2)"),
        (r"\mathrm{softmax}(z)_i - 1_{i=t}", "-Delta(i, t) + aux1[i]"),
        (r"\operatorname{diag}(p) - p p^\top", "Where(Delta(i, j), p[i], 0) - p[i]*p[j]"),
        (r"\max_j z_j", "Largest_@1(z[@1])"),
        (r"-\log p_t", "-log(p[t])"),
        (r"\log \sum_j e^{z_j}", "log(Sum_@1(exp(z[@1])))"),
    ],
)
def test_a_formula_is_read(text: str, read_as: str) -> None:
    assert str(read_formula(LOGITS, text).term) == read_as


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (r"2 W^\top (a - y)", "Sum_@1(2*(a[@1] - y[@1])*W[@1,i])"),
        (r"2(a - y) x^\top", "(2*a[i] - 2*y[i])*x[j]"),
        (r"\|a - y\|_2^2", "Sum_@1((a[@1] - y[@1])**2)"),
        (r"\mathbf{W}\mathbf{x} + \mathbf{b}", "b[i] + Sum_@1(x[@1]*W[i,@1])"),
        ("W.T @ (a - y)", "Sum_@1((a[@1] - y[@1])*W[@1,k])"),
        (r"\sum_j W_{ij} x_j + b_i", "b[i] + Sum_@1(x[@1]*W[i,@1])"),
    ],
)
def test_matrices_are_read(text: str, read_as: str) -> None:
    assert str(read_formula(LAYER, text).term) == read_as


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("2xy", "2*x*y"),
        (r"\hat{x} + \hat x", "2*x_hat"),
        (r"W^{(1)}_i", "W1[i]"),
        (r"\tanh^2 x", "tanh(x)**2"),
        (r"\sigma'(x)", "(1 - sigmoid(x))*sigmoid(x)"),
        (r"0{,}5 x", "x/2"),
        (r"\left| x \right|", "Abs(x)"),
        (r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}", "Where(Positive(x), x, 0)"),
        (r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{if } x \le 0 \end{cases}", "Where(Positive(x), x, 0)"),
        (r"\log_2 x", "log(x)/log(2)"),
    ],
)
def test_names_and_functions_are_read(text: str, read_as: str) -> None:
    assert str(read_formula(NUMBERS, text).term) == read_as


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("1/2xy", "It cannot be told how far this denominator reaches.", "x"),
        (r"x/2\hat{x}^2", "It cannot be told how far this denominator reaches.", r"\hat"),
        ("x^2y", "It cannot be told how far this exponent reaches.", "y"),
        (r"\log x y", "It cannot be told what the function before is taken of.", "y"),
        (r"\log x (1 - y)", "It cannot be told what the function before is taken of.", "("),
        ("q + x", "q is not defined.", "q"),
        (r"\frac{1}{2", "This { is never closed.", "{"),
        (r"\hat{x} +", "The formula ends here, and something is missing.", "+"),
        (r"\sum x", "Say what this runs over.", r"\sum"),
        (r"\int x", r"\int is not read in a formula.", None),
        (
            r"\begin{cases} 1 & x > 1 \\ 2 & y < 0 \end{cases}",
            "It cannot be told what holds where none of these cases does.",
            None,
        ),
        (r"\frac{\partial^2 L}{\partial x^2}", "Second derivatives are not read.", None),
    ],
)
def test_what_has_two_readings_or_none_is_refused_where_it_stands(text: str, message: str, at: str | None) -> None:
    with pytest.raises(DeriveError) as caught:
        read_formula(NUMBERS, text)
    place = caught.value.place
    assert caught.value.message == message
    assert place is not None
    if at is not None:
        assert place.text[place.start : place.end].startswith(at)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\n", "9**9**9", "x" * 1_000_000, "(" * 5000, "{" * 50 + "x" + "}" * 50, r"\frac{" * 400, "-" * 4000 + "x"),
        *("x^" * 300 + "2", "__import__('os').system('ls')", "lambda: 0", "открыть", "価格 + 1", "x\u202ey", "\x00", "𝔁𝔂"),
        *(r"\def\a{\a}\a", r"\input{/etc/passwd}", "e^{e^{e^{e^{99}}}}", "10^{99999999}", r"\sum_{j}" * 60 + "x", "|" * 501),
        *("x_" * 200, "1" * 5000, r"\left(" * 300, "&&&", r"\\\\\\", "x!", "x = y", "a[b[c[d[e]]]]", "''''", "for i in i"),
        *(r"\begin{cases}\end{cases}", r"\begin{cases}" * 50),
    ],
    ids=itertools.count(),
)
def test_hostile_text_costs_nothing(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DeriveError):
        read_formula(NUMBERS, text)
    assert time.perf_counter() - start < 1


TYPED_BACK = [
    ("x: positive; k: size; y = x**(k - 1)", "x"),
    ("x: positive; q: real; y = (1 - 0.3*x)**(q - 1)", "x"),
    ("a: positive; g: [T]; y[t] = a**(t - 2)*g[t]", "a"),
    ("x: positive; y = 0.2*x**3 + 0.5*x + x**2.5", "x"),
    ("x: real; y = sinh(x)*cosh(x) + arctan(x)", "x"),
    ("x: positive; y = lgamma(x) + digamma(x)", "x"),
    ("x: real; k: size; n: size; y = sin(x)/10000**(2*k/n)", "x"),
    ("x: [n]; t: label[n]; y[i] = log(x[t])*x[i]", "x"),
    ("x: real; y = sign(x)*x**2 + clip(x, -1, 1)", "x"),
    *((name, "x") for name in ("gelu", "log1p", "log10", "sigmoid", "silu", "softplus", "softsign", "tanh")),
]


@pytest.mark.parametrize(("source", "wrt"), TYPED_BACK, ids=[source for source, _ in TYPED_BACK])
def test_a_result_in_text_can_be_typed_back(source: str, wrt: str) -> None:
    graph = read(source if ":" in source else f"x: real; y = {source}(x)")
    found = derivation(graph, "", wrt)
    printed = text(layout(found.result, context_of(found.graph).beside(found.indices)))
    assert normal(read_formula(found.graph, printed).term - found.result) == 0, printed
