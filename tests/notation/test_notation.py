"""Printed mathematics: one layout, in LaTeX and in Unicode; brackets, signs and order as in a book, and the web reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sympy import Abs, Basic, Integer, Mul, Rational, S, Symbol, erf, exp, log, oo, pi, sign, sin, sqrt, tanh

import derive
from cases.gradients import TEXTS
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    AtMost,
    Below,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Where,
    total,
)
from derive.errors import DeriveError
from derive.language import library
from derive.notation import definitions, matrices
from derive.notation.context import Context, context_of
from derive.notation.definitions import definition
from derive.notation.layout import Frac, Layout, Sign, latex, row, text
from derive.notation.speech import spoken
from derive.notation.style import Style, name_layout
from derive.notation.terms import function_name, layout
from oracles.autodiff import graph_of
from oracles.rendering import Formula, web_errors

n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
i, j, k = (Index(name, n) for name in "ijk")
a = Index("a", m)


def tensor(name: str, **known: bool) -> Any:
    return lambda *indices: Element(Symbol(name, **(known or {"real": True})), *indices)


x, y, g, s, W, L = map(tensor, ("x", "y", "g", "s", "W", "L"))
p = tensor("p", positive=True)
t = Label(Element(Symbol("t", integer=True, nonnegative=True)), n)

# term: (Unicode, LaTeX)
TERMS: list[tuple[Any, str, str]] = [
    # the order of terms: positive ones first, numbers where a book has them
    (1 + s(j) - s(t), "s_j − s_t + 1", r"s_{j} - s_{t} + 1"),
    (1 - p(i), "1 − p_i", r"1 - p_{i}"),
    (p(i) - 1, "p_i − 1", r"p_{i} - 1"),
    (-p(i) * p(k), "−p_i p_k", r"-p_{i}p_{k}"),
    (p(i) * Delta(i, k) - p(i) * p(k), "p_i δ_ik − p_i p_k", r"p_{i}\delta_{ik} - p_{i}p_{k}"),
    (x(i) - total(x(j), j), "x_i − Σ_j x_j", r"x_{i} - \sum_{j}x_{j}"),
    (total(y(j), j) - total(x(j), j), "Σ_i y_i − Σ_i x_i", r"\sum_{i}y_{i} - \sum_{i}x_{i}"),
    # the order of factors: numbers, entries by their first index, functions, brackets
    (x(j) * W(i, j) * 2, "2 W_ij x_j", r"2W_{ij}x_{j}"),
    (y(i) * exp(x(i)), "y_i e^(x_i)", r"y_{i}e^{x_{i}}"),
    (y(i) * log(x(i)), "y_i log(x_i)", r"y_{i}\log(x_{i})"),
    ((1 - p(i)) * p(i), "p_i (1 − p_i)", r"p_{i}(1 - p_{i})"),
    (g(i) * total(W(i, j) * x(j), j), "g_i Σ_j W_ij x_j", r"g_{i}\sum_{j}W_{ij}x_{j}"),
    (Differ(i, t) * Positive(x(i)), "𝟙[i≠t] · 𝟙[x_i > 0]", r"\mathbf{1}[i\ne t] \cdot \mathbf{1}[x_{i} > 0]"),
    # brackets exactly where they are needed
    ((1 + x(i)) ** 2, "(x_i + 1)²", r"(x_{i} + 1)^{2}"),
    (total(x(j) ** 2, j) ** 2, "(Σ_i x_i²)²", r"\left(\sum_{i}x_{i}^{2}\right)^{2}"),
    (total(x(j), j) * total(y(j), j), "(Σ_i x_i) Σ_i y_i", r"\left(\sum_{i}x_{i}\right)\sum_{i}y_{i}"),
    (total(x(j) + 1, j), "Σ_i (x_i + 1)", r"\sum_{i}(x_{i} + 1)"),
    (total(x(j), j) + 1, "Σ_i x_i + 1", r"\sum_{i}x_{i} + 1"),
    (total(-x(j), j), "−Σ_i x_i", r"-\sum_{i}x_{i}"),
    (-total(x(j), j), "−Σ_i x_i", r"-\sum_{i}x_{i}"),
    ((x(i) - y(i)) * g(i), "g_i (x_i − y_i)", r"g_{i}(x_{i} - y_{i})"),
    (Mul(2, x(i) + 1, evaluate=False), "2 (x_i + 1)", r"2(x_{i} + 1)"),
    ((x(i) * y(i)) ** g(i), "(x_i y_i)^(g_i)", r"(x_{i}y_{i})^{g_{i}}"),
    (Adjoint(L(), x(i)) ** 2, "(∂L/∂x_i)²", r"\left(\frac{\partial L}{\partial x_{i}}\right)^{2}"),
    # fractions, roots, powers
    (x(i) / 2, "x_i/2", r"\frac{x_{i}}{2}"),
    (-x(i) / 2, "−x_i/2", r"-\frac{x_{i}}{2}"),
    (2 * x(i) / n, "2 x_i / n", r"\frac{2x_{i}}{n}"),
    (x(i) / (n * m), "x_i / (m n)", r"\frac{x_{i}}{mn}"),
    ((x(i) + 1) / (x(j) - 1), "(x_i + 1) / (x_j − 1)", r"\frac{x_{i} + 1}{x_{j} - 1}"),
    (total(x(j), j) / n, "1/n Σ_i x_i", r"\frac{1}{n}\sum_{i}x_{i}"),
    (1 / sqrt(x(i)), "1/√x_i", r"\frac{1}{\sqrt{x_{i}}}"),
    (sqrt(x(i) ** 2 + 1), "√(x_i² + 1)", r"\sqrt{x_{i}^{2} + 1}"),
    (sqrt(2 * pi), "√(2 π)", r"\sqrt{2\pi}"),
    (sqrt(x(i) * y(i)), "√(x_i y_i)", r"\sqrt{x_{i}y_{i}}"),
    (x(i) ** Rational(3, 2), "x_i^(3/2)", r"x_{i}^{\frac{3}{2}}"),
    (2 * 3 ** x(i), "2 · 3^(x_i)", r"2 \cdot 3^{x_{i}}"),
    (tanh(x(i)) ** 2, "tanh(x_i)²", r"{\tanh(x_{i})}^{2}"),
    # exponentials: e to a short power, exp of a long one
    (exp(x(i)), "e^(x_i)", r"e^{x_{i}}"),
    (exp(total(x(j), j)), "exp(Σ_i x_i)", r"\exp\left(\sum_{i}x_{i}\right)"),
    (exp(x(i)) / total(exp(x(j)), j), "e^(x_i) / Σ_j e^(x_j)", r"\frac{e^{x_{i}}}{\sum_{j}e^{x_{j}}}"),
    # numbers: short decimals as digits, other fractions as fractions
    (x(i) - Rational(21, 10), "x_i − 2.1", r"x_{i} - 2.1"),
    (x(i) + Rational(1, 3), "x_i + 1/3", r"x_{i} + \frac{1}{3}"),
    (Rational(1, 1000), "0.001", "0.001"),
    (pi * x(i), "π x_i", r"\pi x_{i}"),
    (exp(1) ** 2, "e²", "e^{2}"),
    (-oo, "−∞", r"-\infty"),
    # functions and binders
    (Maximum(0, s(j) - s(t) + 1), "max(0, s_j − s_t + 1)", r"\max(0, s_{j} - s_{t} + 1)"),
    (Abs(x(i)) * sign(y(i)), "|x_i| sign(y_i)", r"|x_{i}|\operatorname{sign}(y_{i})"),
    (erf(x(i)), "erf(x_i)", r"\operatorname{erf}(x_{i})"),
    (log(total(exp(x(j)), j)), "log(Σ_i e^(x_i))", r"\log\left(\sum_{i}e^{x_{i}}\right)"),
    (total(x(j), j, kind=Largest), "max_i x_i", r"\max_{i}x_{i}"),
    (total(x(j), j, kind=ArgMax), "argmax_i x_i", r"\operatorname*{arg\,max}_{i}x_{i}"),
    (total(x(j), j, kind=Product), "Π_i x_i", r"\prod_{i}x_{i}"),
    (total(x(j) * Differ(j, t), j), "Σ_{i≠t} x_i", r"\sum_{i\ne t}x_{i}"),
    (total(x(j) * Below(i, j), j), "Σ_{j>i} x_j", r"\sum_{j > i}x_{j}"),
    (total(Where(Differ(j, t), x(j), -oo), j, kind=Largest), "max_{i≠t} x_i", r"\max_{i\ne t}x_{i}"),
    (total(x(i) * total(W(i, j), j), i), "Σ_i x_i Σ_j W_ij", r"\sum_{i}x_{i}\sum_{j}W_{ij}"),
    # brackets that are 1 or 0, and cases
    (Positive(x(i)), "𝟙[x_i > 0]", r"\mathbf{1}[x_{i} > 0]"),
    (AtMost(i, j), "𝟙[i≤j]", r"\mathbf{1}[i\le j]"),
    (Inside(i - k, m), "𝟙[0 ≤ i − k < m]", r"\mathbf{1}[0 \le i - k < m]"),
    (
        Where(Positive(x(i)), x(i), S.Zero),
        "{ x_i  if x_i > 0 ; 0  otherwise }",
        r"\begin{cases}x_{i} & \text{if } x_{i} > 0 \\ 0 & \text{otherwise}\end{cases}",
    ),
    # derivatives: a name over the bar, anything else after it
    (Adjoint(L(), W(i, j)), "∂L/∂W_ij", r"\frac{\partial L}{\partial W_{ij}}"),
    (Deriv(x(i), x(j)), "∂x_i/∂x_j", r"\frac{\partial x_{i}}{\partial x_{j}}"),
    (Deriv(x(i) ** 2, x(j)), "∂/∂x_j[x_i²]", r"\frac{\partial }{\partial x_{j}}[x_{i}^{2}]"),
    # indices: close together, apart where one is longer than a letter; given ones count from 1
    (W(t, i), "W_ti", r"W_{ti}"),
    (x(i + 1), "x_{i + 1}", r"x_{i + 1}"),
    (W(2 * i + a, j), "W_{2 i + a,j}", r"W_{2i + a, j}"),
    (x(Integer(0)), "x₁", "x_{1}"),
    (W(Integer(0), Integer(11)), "W_{1,12}", "W_{1, 12}"),
]


@pytest.mark.parametrize(("term", "unicode", "code"), TERMS, ids=[unicode for _, unicode, _ in TERMS])
def test_a_term_in_unicode_and_in_latex(term: Any, unicode: str, code: str) -> None:
    assert text(layout(term)) == unicode
    assert latex(layout(term)) == code


def test_a_function_of_two_words_keeps_them_apart() -> None:
    """A formula sets no spaces: they are asked for."""
    found = function_name("hard_sigmoid")
    assert (latex(found), text(found)) == (r"\operatorname{hard\,sigmoid}", "hard_sigmoid")


# name, number of indices: (Unicode, LaTeX)
NAMES: dict[tuple[str, int], tuple[str, str]] = {
    ("x", 1): ("x", "x"),
    ("x_hat", 1): ("x\u0302", r"\hat{x}"),
    ("xhat", 1): ("x\u0302", r"\hat{x}"),
    ("Xbar", 2): ("X\u0304", r"\bar{X}"),
    ("theta_hat", 0): ("θ\u0302", r"\hat{\theta}"),
    ("W_h", 2): ("W_h", "W_{h}"),
    ("W_hh", 2): ("W_hh", r"W_{\mathrm{hh}}"),
    ("w1", 0): ("w₁", "w_{1}"),
    ("t12", 0): ("t₁₂", "t_{12}"),
    ("W1", 2): ("W⁽¹⁾", "W^{(1)}"),
    ("b2", 1): ("b⁽²⁾", "b^{(2)}"),
    ("gamma", 1): ("γ", r"\gamma"),
    ("beta_1", 0): ("β₁", r"\beta_{1}"),
    ("Sigma", 2): ("𝛴", r"\Sigma"),
    ("σ", 0): ("σ", r"\sigma"),
    ("y_max", 0): ("y_max", r"y_{\mathrm{max}}"),
    ("loss", 0): ("loss", r"\mathrm{loss}"),
    ("hat", 0): ("hat", r"\mathrm{hat}"),
}


@pytest.mark.parametrize(("name", "rank"), NAMES)
def test_a_name(name: str, rank: int) -> None:
    found = name_layout(name, rank)
    assert (text(found), latex(found)) == NAMES[name, rank]


INDEXED = {
    "xhat": ("x\u0302_i", r"\hat{x}_{i}"),
    "W1": ("W_i⁽¹⁾", "W_{i}^{(1)}"),
    "W_h": ("(W_h)_i", "(W_{h})_{i}"),
    "mu": ("μ_i", r"\mu_{i}"),
}


@pytest.mark.parametrize("name", INDEXED)
def test_an_entry_of_a_name_with_scripts(name: str) -> None:
    found = layout(tensor(name)(i))
    assert (text(found), latex(found)) == INDEXED[name]


def test_a_power_of_an_entry_keeps_its_index_under_it() -> None:
    assert latex(layout(x(i) ** 2)) == "x_{i}^{2}"
    assert latex(layout(tensor("W1")(i, j) ** 2)) == "(W_{ij}^{(1)})^{2}"
    assert latex(layout(tensor("y_max")() ** 2)) == r"y_{\mathrm{max}}^{2}"


# ---------------------------------------------------------------- letters of bound indices


def test_a_bound_index_takes_a_letter_that_nothing_in_sight_has() -> None:
    assert text(layout(total(x(j), j))) == "Σ_i x_i"
    assert text(layout(x(i) * total(x(j), j))) == "x_i Σ_j x_j"
    assert text(layout(x(i) * x(j) * total(x(k), k))) == "x_i x_j Σ_k x_k"
    assert text(layout(total(tensor("i")() * x(j), j), Context(taken=frozenset("i")))) == "Σ_j i x_j"


def test_a_bound_index_takes_the_letters_of_its_author() -> None:
    context = Context(letters=((n, ("c", "d")), (m, ("u",))))
    assert text(layout(total(x(j) * W(j, a), j, a), context)) in ("Σ_{c, u} W_cu x_c", "Σ_{u, c} W_cu x_c")
    assert (
        text(layout(tensor("c")(i) * total(x(j), j), Context(letters=((n, ("c", "d")),), taken=frozenset("c")))) == "c_i Σ_d x_d"
    )


def test_nested_sums_have_different_letters() -> None:
    assert text(layout(total(x(i) * log(total(W(i, j), j)), i))) == "Σ_i x_i log(Σ_j W_ij)"


# ---------------------------------------------------------------- languages and conventions


def test_french_numbers_and_separators() -> None:
    french = Context(Style("fr", when="si", otherwise="sinon"))
    assert latex(layout(x(i) - Rational(21, 10), french)) == "x_{i} - 2{,}1"
    assert text(layout(x(i) - Rational(21, 10), french)) == "x_i − 2,1"
    assert text(layout(Maximum(x(i), x(i) - Rational(21, 10)), french)) == "max(x_i; x_i − 2,1)"
    assert latex(layout(Maximum(x(i), x(i) - Rational(21, 10)), french)) == r"\max(x_{i};\ x_{i} - 2{,}1)"
    assert text(layout(Maximum(0, x(i)), french)) == "max(0; x_i)"
    assert [french.style.number(digits).text for digits in ("1234.5", "-12345.25", "0.12345", "1234567")] == [
        "1234,5", "−12\u202f345,25", "0,12345", "1\u202f234\u202f567"
    ]  # fmt: skip
    assert french.style.number("12345.5").latex == r"12\,345{,}5"
    assert spoken(french.style.number("12345.5"), "fr") == "12345,5"
    assert Style().number("12345.5").text == "12345.5"
    assert r"\text{si }" in latex(layout(Where(Positive(x(i)), x(i), S.Zero), french))
    assert "sinon" in text(layout(Where(Positive(x(i)), x(i), S.Zero), french))


def test_given_indices_count_from_the_index_base() -> None:
    assert text(layout(x(Integer(0)), Context(Style(index_base=0)))) == "x₀"
    assert text(layout(x(Integer(4)), Context(Style(index_base=1)))) == "x₅"


def test_the_author_s_order_decides_between_equal_factors() -> None:
    one, two = (derive.graph(f"f = {formula}") for formula in ("u*v", "v*u"))
    product = Element(Symbol("u", real=True)) * Element(Symbol("v", real=True))
    assert text(layout(product, context_of(one))) == "u v"
    assert text(layout(product, context_of(two))) == "v u"


# ---------------------------------------------------------------- strict


class Strange(Basic):
    is_Rational = is_Add = is_Mul = is_Pow = is_Function = False


def test_an_unknown_node_is_an_error_never_its_name() -> None:
    with pytest.raises(TypeError, match="no way to print Strange"):
        layout(Strange())
    with pytest.raises(TypeError, match="no way to print"):
        layout(x(i) + Symbol("q") * sin(Element(Symbol("q"), Strange())))


# ---------------------------------------------------------------- definitions as typed

DEFINITIONS: list[tuple[str, str]] = [
    ("f = a - (b - c)", "f = a − (b − c)"),
    ("f = a - b - c", "f = a − b − c"),
    ("f = a/(b*c)", "f = a / (b c)"),
    ("f = a/b/c", "f = (a/b)/c"),
    ("f = a/(b/c)", "f = a/(b/c)"),
    ("f = -x**2", "f = −x²"),
    ("f = (-x)**2", "f = (−x)²"),
    ("f = x*-y", "f = x (−y)"),
    ("f = -y*log(p)*2", "f = −y log(p) · 2"),
    ("f = -2*x*y - -a*b", "f = −2 x y − (−a b)"),
    ("f = -(a + b)/c*x", "f = −((a + b) / c) x"),
    ("f = a + -b", "f = a + (−b)"),
    ("f = a - -b", "f = a − (−b)"),
    ("f = (a**b)**c", "f = (a^b)^c"),
    ("f = 1.50*x + 0.30", "f = 1.50 x + 0.30"),
    ("f = 2*3*x", "f = 2 · 3 x"),
    ("f = a*(b + c)*2", "f = a (b + c) · 2"),
    ("f = x/2*(1 + erf(x/sqrt(2)))", "f = (x/2) (1 + erf(x/√2))"),
    ("f = exp(x)/sqrt(2*pi)", "f = e^x/√(2 π)"),
    ("f = sqrt(2)*pi", "f = √2 π"),
    ("f = relu(x) + sigmoid(y)", "f = ReLU(x) + σ(y)"),
    ("f = abs(x - y)", "f = |x − y|"),
    ("f = x**0.5", "f = √x"),
    ("f = where(x > 0, x, -x)", "f = { x  if x > 0 ; −x  otherwise }"),
    ("x: [n]\nf = sum(x) + 1", "f = Σ_i x_i + 1"),
    ("x: [n]\nf = sum(x + 1)", "f = Σ_i (x_i + 1)"),
    ("x: [n]\nf = sum(x)*2", "f = (Σ_i x_i) · 2"),
    ("x: [n]\nf = sum(x)**2", "f = (Σ_i x_i)²"),
    ("x: [n]\nv = mean((x - mean(x))**2)", "v = (1/n) ‖x − (1/n) 𝟏ᵀ x‖²,   v = 1/n Σ_i (x_i − 1/n Σ_j x_j)²"),
    ("x: [n]\nf = sum(x[i]*x[j] for i in n for j in n if i < j)", "f = Σ_{i<j} x_i x_j"),
    ("x: [n]\ny = softmax(x)", "y = softmax(x),   y_i = e^(x_i) / Σ_j e^(x_j)"),
    ("X: [N, n]\nW: [m, n]\nb: [m]\nA = X @ W.T + b", "A = X Wᵀ + b,   A_ij = Σ_k X_ik W_jk + b_j"),
    ("x: [m]\nA: [m, n]\ny: [n]\nf = x.T @ A @ y", "f = xᵀ A y,   f = Σ_j (Σ_i x_i A_ij) y_j"),
    ("x: [n]\nA: [m, n]\ny: [m]\nf = x @ A.T @ y", "f = xᵀ Aᵀ y,   f = Σ_j (Σ_i x_i A_ji) y_j"),
    ("x: [n]\nA: [m, n]\ny: [m]\nf = A @ x @ y", "f = (A x)ᵀ y,   f = Σ_j (Σ_i A_ji x_i) y_j"),
    ("r: [n]\nu: [n]\nc: real\na = 2*c*r*u", "a = 2 c r ⊙ u,   a_i = 2 c r_i u_i"),
    ("r: [n]\nu: [n]\na = (r + u)*tanh(u)", "a = (r + u) ⊙ tanh(u),   a_i = (r_i + u_i) tanh(u_i)"),
    ("W: [n, n]\nx: [n]\na = (W @ x)*softmax(x)", "a = (W x) ⊙ softmax(x),   a_i = (Σ_j W_ij x_j) p_i"),
    ("z: [n]\na = logsumexp(z)*z", "a = logsumexp(z) z,   a_i = y z_i"),
    ("h3: [n]\ny = sum(h3**2)", "y = ‖h⁽³⁾‖²,   y = Σ_i (h_i⁽³⁾)²"),
    ("x: [O + K - 1]\nw: [K]\ny[o] = sum(w[k]*x[o + k] for k in K)", "y_o = Σ_k w_k x_{o + k}"),
    ("s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)", "L = Σ_{j≠t} max(0, s_j − s_t + 1)"),
    # the letter that a condition binds stands on its left; one between two bound letters names both
    ("s: [n]\nL = -sum(s[i] - log(sum(exp(s[j]) for j in n if i <= j)) for i in n)", "L = −Σ_i (s_i − log(Σ_{j≥i} e^(s_j)))"),
    ("x: [n]\nf = sum(x[i] for i in n if 2 <= i)", "f = Σ_{i≥3} x_i"),
    # a mean under a condition is over the entries that meet it
    ("s: [C]\nt: label[C]\ny = mean(s[j] for j in C if j != t)", "y = (1 / (C − 1)) Σ_{j≠t} s_j"),
    ("x: [n]\ny = mean(x[i] for i in n if x[i] > 0)", "y = Σ_{i, x_i > 0} x_i / Σ_{i, x_i > 0} 1"),
    # entry by entry, and matrix products
    ("A: [n, n]\nB: [n, n]\nC: [n, n]\nY = A*B @ C", "Y = (A ⊙ B) C,   Y_ij = Σ_k A_ik B_ik C_kj"),
    ("A: [n, n]\nB: [n, n]\nC: [n, n]\nY = A*(B @ C)", "Y = A ⊙ (B C),   Y_ij = A_ij Σ_k B_ik C_kj"),
    ("A: [n, n]\nx: [n]\nb: [n]\ny = b*A @ x", "y_i = Σ_j b_j A_ij x_j"),
    ("A: [n, n]\nx: [n]\nb: [n]\ny = A @ (x/b)", "y = A (x ⊘ b),   y_i = Σ_j A_ij x_j/b_j"),
    ("A: [n, n]\nx: [n]\nb: [n]\ny = A @ x/b", "y = (A x) ⊘ b,   y_i = Σ_j A_ij x_j / b_i"),
    ("X: [n, n]\nY = X**2 + exp(X)", "Y = X^(⊙2) + exp(X),   Y_ij = X_ij² + e^(X_ij)"),
    ("X: [n, n]\nY = 1/X - sqrt(X)", "Y = X^(⊙−1) − X^(⊙1/2),   Y_ij = 1/X_ij − √X_ij"),
    # what a sum ranges over, where nothing else says so
    ("x: [O + K - 1]\ny[o] = sum(x[o + k] for k in K)", "y_o = Σ_{k<K} x_{o + k}"),
    ("x: [n]\nL = sum(x[i] for i in n for j in n)", "L = Σ_{i, j≤n} x_i"),
    ("x: [n]\ny = mean(x[i]*x[j] for i in n for j in n if x[i] < j)", "y = Σ_{i, j, x_i < j} x_i x_j / Σ_{i, j<n, x_i < j} 1"),
    # a row is a row, and three axes have no product
    ("x: [m]\nA: [m, n]\ny = x.T @ A", "yᵀ = xᵀ A,   y_i = Σ_j x_j A_ji"),
    ("x: [m]\nA: [m, n]\nb: [n]\ny = x.T @ A + b", "y_i = Σ_j x_j A_ji + b_i"),
    ("X: [k, m, n]\nA: [n, n]\nY = X @ A", "Y_ijl = Σ_p X_ijp A_pl"),
    # one name for one thing
    ("f = sigma*(1 + x) + sigmoid(x)", "f = σ (1 + x) + sigmoid(x)"),
    ("Sigma: [n, n]\nx: [n]\nf = x.T @ Sigma @ x", "f = xᵀ 𝛴 x,   f = Σ_j (Σ_i x_i 𝛴_ij) x_j"),
    ("T: positive\nx: positive\nf = x**T", "f = x^T"),
    # where a slash, a root and a bar end
    ("f = a/b*c", "f = (a/b) c"),
    ("x: [n]\ny: [n]\nf = sqrt(sum(x**2))*sum(y)", "f = ‖x‖ 𝟏ᵀ y,   f = √(Σ_i x_i²) Σ_i y_i"),
    ("a: [n]\nb: [n]\nf = sum(a[i]/(b[i] + 1) for i in n)", "f = Σ_i (a_i / (b_i + 1))"),
    ("f = abs(x*abs(y)*3)", "f = |x · |y| · 3|"),
    ("f = .5*x", "f = 0.5 x"),
    # powers of ten, and e where it is a tensor
    ("f = sqrt(v + 1e-5)*x", "f = √(v + 10⁻⁵) x"),
    # a choice inside another is one with more cases
    ("f = where(x < -1, -1, x > 1, 1, x)", "f = { −1  if x < −1 ; 1  if x > 1 ; x  otherwise }"),
    ("f = where(x < -1, -1, where(x > 1, 1, x))", "f = { −1  if x < −1 ; 1  if x > 1 ; x  otherwise }"),
    ("f = where(0 < x < 1 and y > x, x, x < 0, 3, 0)", "f = { x  if 0 < x < 1, y > x ; 3  if x < 0 ; 0  otherwise }"),
    ("f = where(x > 0, where(y > 0, 1, 2), 3)", "f = { 1  if x > 0, y > 0 ; 2  if x > 0 ; 3  otherwise }"),
    ("f = atan(x) + log2(x) + sinh(x)", "f = arctan(x) + log2(x) + sinh(x)"),
    ("e: real; f = e**x + exp(x)", "f = e^x + exp(x)"),
]


@pytest.mark.parametrize(("source", "unicode"), DEFINITIONS, ids=[source.splitlines()[-1] for source, _ in DEFINITIONS])
def test_a_definition_keeps_the_order_and_the_digits_of_its_author(source: str, unicode: str) -> None:
    graph = derive.graph(source)
    assert text(definition(graph.output, context_of(graph))) == unicode


@pytest.mark.parametrize(
    "source",
    [
        "x: [n]\ny: [n]\nf = sum((x[i]*w_i - y[i])**2 for i in n)",
        "x: [2]\nf = x[0]*x_1",
        "W: [m, n]\nx: [n]\nf = sum(W[0, i]*x[i] for i in n)*W_12",
    ],
)
def test_a_name_that_is_printed_as_an_entry_is_refused(source: str) -> None:
    with pytest.raises(DeriveError, match="would be printed as an entry"):
        context_of(derive.graph(source))


def test_a_name_with_a_subscript_that_no_entry_has_is_fine() -> None:
    for source in ("f = a_i*b_1", "W: [n, n]\nW_h: [n, n]\nx: [n]\ny = W @ (W_h @ x)"):
        assert context_of(derive.graph(source))


@pytest.mark.parametrize("source", ["Q: [n, k]\nK: [n, k]\nS = Q @ K.T/sqrt(k)", "x: [i]\ny = mean(x)"])
def test_no_index_has_the_letter_of_a_size(source: str) -> None:
    graph = derive.graph(source)
    sizes = {size.name for size in graph.sizes}
    found = graph.derive("", graph.inputs[0].name, upstream=bool(graph.output.axes))
    lines = [text(layout(step.line, context_of(found.graph))) for step in found.steps]
    assert not sizes & {index.name for index in found.indices}
    assert not [line for line in lines if re.search(rf"[Σ_{{, ][{''.join(sizes)}][}},]|Σ_[{''.join(sizes)}] ", line)]


def test_a_command_is_kept_apart_from_the_letter_after_it() -> None:
    assert latex(row(Sign(r"\pi", "π"), Sign("x", "x"))) == r"\pi x"
    assert latex(row(Sign(r"\pi", "π"), Sign("2", "2"))) == r"\pi2"
    assert text(Frac(Sign("1", "1"), Sign("2", "2"))) == "1/2"


# ---------------------------------------------------------------- everything that is ever printed


def printed(name: str) -> list[Layout]:
    """The definitions, every line of every derivation, and every matrix form of a definition."""
    graph = graph_of(name)
    context = context_of(graph)
    out = [definition(node, context) for node in graph.nodes]
    for member in graph.members.values():
        if not getattr(member, "differentiable", True) or member.name not in graph.ancestors(graph.output.name):
            continue
        found = graph.derive("", member.name, upstream=bool(graph.output.axes))
        context = context_of(found.graph)
        out += [layout(found.subject, context)]
        for step in found.steps:
            out += [layout(step.line, context), *(layout(side, context) for pair in step.uses for side in pair)]
        if found.form is not None:
            out.append(matrices.layout(found.form, context))
        for value, condition in found.cases or ():
            out += [layout(value, context), layout(condition, context)]
    return list(dict.fromkeys(out))


@pytest.mark.parametrize("name", [*library.names(), *TEXTS])
def test_everything_prints_and_shows_no_name_of_ours(name: str) -> None:
    for shown in printed(name):
        for found in (latex(shown), text(shown)):
            assert found
            assert "@" not in found, "a bound index without a letter"
            assert "Sum" not in found
            assert not any(word in found for word in ("Element", "Index", "_copy", "_move", "_held", "_kept", "Dummy"))
        assert latex(shown).count("{") == latex(shown).count("}")
        assert latex(shown).count(r"\left") == latex(shown).count(r"\right")


@pytest.mark.needs("katex", "mathjax")
def test_katex_and_mathjax_read_every_formula_of_the_library() -> None:
    formulas = [Formula(latex(shown)) for name in (*library.names(), *TEXTS) for shown in printed(name)]
    wholes = [graph_of(name) for name in library.names()]
    formulas += [
        Formula(graph.derive("", i.name, upstream=bool(graph.output.axes)).latex(), display=True)
        for graph in wholes
        for i in graph.inputs
        if i.differentiable
    ]
    formulas += [Formula(latex(layout(term))) for term, _, _ in TERMS]
    formulas += [Formula(latex(layout(term, Context(Style("fr"))))) for term, _, _ in TERMS]
    formulas += [Formula(latex(name_layout(*name))) for name in NAMES]
    formulas += [Formula(latex(definitions.layout(derive.graph(source).output.body))) for source, _ in DEFINITIONS]
    refused = {formula.latex: error for formula, error in zip(formulas, web_errors(formulas), strict=True) if error}
    assert len(formulas) > 500
    assert not refused


@pytest.mark.parametrize(
    ("source", "wrt", "shown"),
    [
        ("f = 0.2*x + 0.3*x*y + 0.5*y", "y", "0.3 x + 0.5"),
        ("f = 0.1*x**3 + 0.25*x + x**2.5", "x", "0.3 x² + 2.5 x^(1.5) + 0.25"),
        ("f = 0.3/x + 1.5*log(x)", "x", "1.5/x − 0.3/x²"),
        ("f = x**2/4 + 0.1*x", "x", "x/2 + 0.1"),  # what is divided by in the definition is divided by here
        ("f = 0.30*x", "x", "0.30"),
        ("f = sqrt(x)*x + 1e-5", "x", "3 √x / 2"),  # a power of ten is no decimal
        ("f = x/3 + 0.5*x**2", "x", "x + 1/3"),
    ],
)
def test_numbers_are_decimals_where_their_author_types_decimals(source: str, wrt: str, shown: str) -> None:
    found = derive.graph(f"x: positive; {source}").derive(wrt=wrt)
    assert text(layout(found.result, context_of(found.graph))) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("1e300", "10³⁰⁰"), ("25e10", "25 · 10¹⁰"), ("1e8", "100000000"), ("1e-300", "10⁻³⁰⁰")]
)
def test_a_number_of_many_zeros_is_a_power_of_ten(number: str, shown: str) -> None:
    found = derive.graph(f"f = x*{number}").derive()
    assert text(layout(found.result, context_of(found.graph))) == shown


def test_the_place_of_the_least_of_decimals_stands_in_brackets_where_commas_part_indices() -> None:
    found = derive.graph("z: [n]; y: [C]; d = min(1.25**z[j] for j in n)*sum(y)").derive(wrt="z")
    context = context_of(found.graph, Style("fr"))
    assert "δ_{j,(argmin_k 1,25^(z_k))}" in text(layout(found.result, context.beside(found.indices)))
