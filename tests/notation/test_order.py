"""Factors and terms stand where a book has them: what a gradient of a layer, a loss and a cell is printed as."""

from __future__ import annotations

from itertools import permutations

import pytest

import derive
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.order import factor_order
from derive.notation.terms import layout

# a definition, by what it is derived: the result as the book prints it
BOOKS = {
    "the factors of the row before those of the column (Rumelhart et al. 1986)": (
        "x: [n]; W: [m, n]; V: [p, m]; t: [p]; h = sigmoid(W @ x); y = sigmoid(V @ h); E = 1/2*sum((y - t)**2)",
        "W",
        "∂E/∂h_i h_i (1 − h_i) x_j",
    ),
    "what has no index first (CS229 notes 1)": (
        "x: [d]; w: [d]; h = 1/(1 + exp(-(w @ x))); l = y*log(h) + (1 - y)*log(1 - h)",
        "w",
        "(y − h) x_i",
    ),
    "a gradient first": ("A: [N, N]; X: [N, n]; W: [n, m]; H = A @ X @ W", "X", "Σ_{j, l} G_lj A_li W_kj"),
    "the product of a definition as it was typed": ("y = x*sigmoid(beta*x)", "beta", "x² σ(β x) (1 − σ(β x))"),
    "the sum of a definition as it was typed": (
        "s: [C]; y: label[C]; L = max(0, s[0] - s[y] + delta)",
        "delta",
        "𝟙[s₁ − s_y + δ > 0]",
    ),
    "a power of e last": ("mu: [n]; r: [n]; x: [n]; L = sum((x - mu)**2*exp(-r))", "r", "−(x_i − μ_i)² e^(−r_i)"),
    "brackets as they were typed, where the signs cancel (Rezende & Mohamed 2015)": (
        "u: [d]; w: [d]; l = log(abs(1 + (1 - h**2)*(u @ w)))",
        "u",
        "(1 − h²) w_i / (1 + (1 − h²) Σ_j u_j w_j)",
    ),
    "what was added last, last": (
        "W: [m, n]; x: [n]; p = W @ x; L = sum(p**3) + lam*sum(W**2)",
        "W",
        "∂L/∂p_i x_j + 2 λ W_ij",
    ),
    "each product of matrices under its own sum (Hochreiter & Schmidhuber 1997)": (
        "x: [n]; A: [m, n]; B: [m, n]; f = sigmoid(A @ x); g = tanh(B @ x); L = sum(f**3) + sum(g**3)",
        "x",
        "Σ_i ∂L/∂f_i f_i (1 − f_i) A_ij + Σ_i ∂L/∂g_i (1 − g_i²) B_ij",
    ),
    "D = rowsum(dO ⊙ O) (Dao et al. 2022)": ("attention", "S", "P_ij (∂L/∂P_ij − Σ_l G_il O_il)"),
    "the same for one query, and any function that is normalized": (
        "s: [n]; V: [n, d]; a: [n]; a[i] = exp(s[i])/sum(exp(s[j]) for j in n); o: [d]; o[k] = sum(a[i]*V[i, k] for i in n)",
        "s",
        "a_i (∂L/∂a_i − Σ_k g_k o_k)",
    ),
    "no detour through what is no simpler (RMS norm)": (
        "x: [n]; gamma: [n]; r = sqrt(sum(x**2)); h = x/r; y = gamma*h; L = sum(y**3)",
        "x",
        "(∂L/∂h_i − h_i Σ_j ∂L/∂h_j h_j) / r",
    ),
}


@pytest.mark.parametrize("name", BOOKS)
def test_a_result_is_printed_as_a_book_has_it(name: str) -> None:
    source, by, printed = BOOKS[name]
    graph = derive.graph(source)
    found = graph.derive(wrt=by, upstream=bool(graph.output.axes))
    assert text(layout(found.result, context_of(found.graph).beside(found.indices))) == printed


def test_an_entry_moves_its_own_place_alone_where_a_definition_is_elementwise() -> None:
    graph = derive.graph("f: [m]; c0: [m]; i: [m]; g: [m]; c = f*c0 + i*g; h = tanh(c)")
    found = graph.derive(wrt="f", upstream=True)
    rules = [step.rule for step in found.steps]
    context = context_of(found.graph).beside(found.indices)
    assert text(layout(found.steps[rules.index("entry by entry")].line, context)) == "∂L/∂c_j ∂c_j/∂f_j"
    assert "each delta keeps one term of its sum" not in rules


@pytest.mark.parametrize("source", ["x: [n]; A: [n, n]; y = A @ x", "x: [n + 1]; y: [n]; y[i] = x[i + 1] - x[i]"])
def test_no_path_is_led_through_one_entry_where_others_move(source: str) -> None:
    assert "entry by entry" not in [step.rule for step in derive.graph(source + "; L = sum(y**2)").derive(wrt="x").steps]


@pytest.mark.parametrize("names", list(permutations("pvxq")), ids="".join)
def test_every_factor_is_printed_once_in_whatever_order_the_author_has_them(names: tuple[str, ...]) -> None:
    entries = {"p": "p[i, o]", "v": "v[j, o]", "x": "x[k, o]", "q": "q[l, o]"}
    product = "*".join(entries[name] for name in names)
    sizes = "p: [A, O]; v: [B, O]; x: [C, O]; q: [D, O]"
    graph = derive.graph(f"{sizes}; L = sum({product} for i in A for j in B for k in C for l in D for o in O)")
    ordered = factor_order(graph.output.expr.opened()[1], context_of(graph))
    assert [str(f.head) for f in ordered] == list(names)
