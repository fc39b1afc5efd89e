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
        # as results are printed
        ("p − 𝐞_t", "-Delta(i, t) + p[i]"),
        ("1/C Σ_i z_i", "Sum_@1(z[@1])/C"),
        ("Σ_j z_j / Σ_j p_j", "Sum_@1(z[@1])/Sum_@1(p[@1])"),
        ("𝟏 ⊘ p", "1/p[i]"),
        ("p^(⊙2) ⊙ z", "p[i]**2*z[i]"),
        (r"p^{\odot 2} \oslash z", "p[i]**2/z[i]"),
        ("𝟏 (pᵀ z)", "Sum_@1(p[@1]*z[@1])"),
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
        # as French prints numbers and arguments, and a line of text cases
        ("0,5 x", "x/2"),
        ("exp(0,5 x)", "exp(x/2)"),
        ("max(0; x)", "Maximum(0, x)"),
        ("max(0,5; x)", "Maximum(1/2, x)"),
        ("1\u202f000 x", "1000*x"),
        (r"17\,159 x", "17159*x"),
        ("1/2 x", "x/2"),
        ("{ x  if x > 0 ; 0  otherwise }", "Where(Positive(x), x, 0)"),
        ("{ x  si x > 0 ; 0,5  sinon }", "Where(Positive(x), x, 1/2)"),
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
        (r"\frac{\partial^3 L}{\partial x^3}", "Derivatives are of order 1 or 2.", "^"),
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


TENSORS = read(
    "X: [N, T]; x: [T]; y: [T]; w: [n]; A: [n, n]; s: real; e: real; sigma: positive; "
    "L = sum(X @ x)*sum(y)*s*e*sigma + sum(A) + sum(w)"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"x^T y", "It cannot be told whether this is a transpose or a power."),
        (r"X^{T}", "It cannot be told whether this is a transpose or a power."),
        ("2e-1", "It cannot be told whether this e is a power of ten."),
        ("2e-1*x[0]", "It cannot be told whether this e is a power of ten."),
        ("s^-2y_i", "It cannot be told how far this exponent reaches."),
        (r"\sigma^{-1}(s)", "It cannot be told whether this is the inverse function or 1/sigma."),
        (r"\tanh^{-1} s", "It cannot be told whether this is the inverse function or 1/tanh."),
        (r"\sin^{-1}(s)", "It cannot be told whether this is the inverse function or 1/sin."),
        (r"\lg s", "It cannot be told which logarithm this is."),
        (r"\max_j (w_j) s", "It cannot be told how far this max reaches."),
        (r"\prod_j w_j / s", "It cannot be told how far this prod reaches."),
        (r"\|A\|_2", "Of a matrix this is the largest singular value, which is not read."),
        (r"\|A\|_1", "This norm is read of a vector only."),
        (r"\|w\|_3", "This norm is not read."),
        ("|w|", "It cannot be told whether this is a norm or goes entry by entry."),
        (r"|A|", "It cannot be told whether this is a norm or goes entry by entry."),
        (r"\sum_j x_j + y_j", "j is bound before this, and not here."),
        (r"\sum_{i \ne j} x_i y_j", "It cannot be told whether this letter is bound here."),
        (r"\sum_{i=0}^{n-1} w_i + w_1", "Indices count from 1 here."),
        (r"\sum_{i=0}^{n-1} i w_i", "Indices count from 1 here."),
        (r"\sum_{i=1}^{n} w_{i-1}", "Indices count from 1 here."),
        (r"\mathbf{1}_q", "q is no size."),
        (r"\langle x, y, w \rangle", r"Between these stand two tensors: \langle w, x \rangle."),
        ("L'", "It is not clear what this prime derives by."),
    ],
)
def test_what_could_mean_something_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        read_formula(TENSORS, text)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (r"x^\top y", "Sum_@1(x[@1]*y[@1])"),
        ("s^T", "s**T"),
        (r"\sigma^{-1}", "1/sigma"),
        (r"\max_j (s w_j)", "Largest_@1(s*w[@1])"),
        (r"\max_j w_j w_j^2", "Largest_@1(w[@1]**3)"),
        (r"\|A\|_F^2", "Sum_@1,@2(A[@2,@1]**2)"),
        (r"\|w\|_\infty", "Largest_@1(Abs(w[@1]))"),
        (r"A - s \mathbf{I}", "-Delta(i, j)*s + A[i,j]"),
        (r"A - s I_n", "-Delta(i, j)*s + A[i,j]"),
        (r"\mathbf{1}_n^\top w", "Sum_@1(w[@1])"),
        (r"\mathbb{I}[w_i > 0]", "Positive(w[i])"),
        ("x_iy_i", "x[i]*y[i]"),
        ("sum_i x_i y_i", "Sum_@1(x[@1]*y[@1])"),
        ("Σ_i x[i]*y[i]", "Sum_@1(x[@1]*y[@1])"),
        (r"\langle x, y\rangle", "Sum_@1(x[@1]*y[@1])"),
        ("⟨x, y⟩", "Sum_@1(x[@1]*y[@1])"),
        ("dot(x, y)*w[i]", "w[i]*Sum_@1(x[@1]*y[@1])"),
        (r"\sum_{k=0}^{n-1} w_{k+1}", "Sum_@1(w[@1])"),
        (r"\sum_{i=0}^{n-1} w_i", "Sum_@1(w[@1])"),
        (r"\sum_{i=2}^{n} w_i w_{i-1}", "Sum_@1(AtMost(1, @1)*w[@1 - 1]*w[@1])"),
    ],
)
def test_one_reading_is_read(text: str, read_as: str) -> None:
    assert str(read_formula(TENSORS, text).term) == read_as


def test_entries_are_counted_as_is_said() -> None:
    assert str(read_formula(TENSORS, "w_0", first=0).term) == "w[0]"
    assert str(read_formula(TENSORS, "w_1", first=1).term) == "w[0]"
    assert str(read_formula(TENSORS, "w_{n-1} - w[0]", first=0).term) == "-w[0] + w[n - 1]"


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
