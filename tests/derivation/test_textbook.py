"""Results in the form in which a book prints them: read each once, as a student would.

The forms are those of Goodfellow, Bengio and Courville (2016), Ioffe and Szegedy (2015), Ba, Kiros and Hinton (2016),
Hendrycks and Gimpel (2016), and of the usual derivation of attention's gradient through P and its adjoint.  That they are
right is shown elsewhere, by their proofs and by PyTorch.
"""

from __future__ import annotations

from unicodedata import normalize

import numpy as np
import pytest

import derive
from cases.textbook import FORMS, RESIDUAL, SELF_ATTENTION
from derive.calculus.cost import cost
from derive.calculus.terms import Adjoint, height
from derive.notation import matrices
from derive.notation.context import context_of
from derive.notation.definitions import definition
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.numpy_value import run_numpy
from derive.proof.proof import prove


def result(source: str, wrt: str) -> str:
    graph = derive.graph(source)
    found = graph.derive("", wrt, upstream=bool(graph.output.axes))
    prove(found)
    return text(layout(found.result, context_of(found.graph)))


@pytest.mark.parametrize(("source", "wrt", "expected"), FORMS)
def test_the_form_a_book_prints(source: str, wrt: str, expected: str) -> None:
    assert normalize("NFC", result(source, wrt)) == expected


def test_the_terms_of_a_sum_over_paths_stay_in_their_order_from_line_to_line() -> None:
    for name, wrt, way in [("gru_cell", "h0", ["a_r", "a_z", "u", "h1"]), ("batch_norm", "X", ["mu", "v", "Xhat"])]:
        found = derive.graph(name).derive("", wrt, upstream=True)
        context = context_of(found.graph)
        lines = [text(layout(step.line, context)) for step in found.steps if step.line.has(Adjoint)]
        heads = [
            text(layout(Adjoint(found.subject.output, found.graph.members[n].element), context)).rpartition("_")[0] for n in way
        ]
        for line in lines:
            places = [place for head in heads if (place := line.find(head)) >= 0]
            assert places == sorted(places), line


def test_a_difference_is_written_the_same_way_in_both_notations() -> None:
    """|ŷ − y| as typed, and its slope with one sign in the index form and in the matrix form."""
    graph = derive.graph("l1")
    assert normalize("NFC", text(definition(graph.output, context_of(graph)))) == "L = 1/n Σ_i |ŷ_i − y_i|"
    for wrt, index, matrix in [
        ("yhat", "sign(ŷ_i − y_i) / n", "(1/n) sign(ŷ − y)"),
        ("y", "sign(y_i − ŷ_i) / n", "(1/n) sign(y − ŷ)"),
    ]:
        found = graph.derive("L", wrt)
        context = context_of(graph)
        assert normalize("NFC", text(layout(found.result, context))) == index
        assert found.form is not None
        assert normalize("NFC", text(matrices.layout(found.form, context))) == matrix
        lines = [text(layout(step.line, context)) for step in found.steps]
        assert not any("|y" in normalize("NFC", line) for line in lines)


def test_exponentials_of_different_indices_stay_apart_and_none_overflows() -> None:
    """The Hessian of log Σ e^z is diag(p) − p pᵀ with p = softmax(z), also for scores of which no exponential is a number."""
    found = derive.graph("logsumexp").derive("y", "z", order=2)
    prove(found)
    assert text(layout(found.result, context_of(found.graph))) == "softmax(z)_i (δ_ij − softmax(z)_j)"
    assert found.form is not None
    assert found.numpy is not None
    form = text(matrices.layout(found.form, context_of(found.graph)))
    assert form == "diag(softmax(z)) − softmax(z) softmax(z)ᵀ"
    z = np.array([1000.0, 1001.0, 1000.0])
    p = np.exp(z - 1001) / np.exp(z - 1001).sum()
    value = run_numpy(found.numpy, {"z": z, "softmax": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(), "n": 3})
    np.testing.assert_allclose(value, np.diag(p) - np.outer(p, p), rtol=1e-12)


def test_paths_that_meet_again_are_one_formula_only_for_nodes_that_serve_one_variable() -> None:
    """The gates of a cell keep their adjoints, since their weights need them too; so does the branch of a residual block."""
    for source, wrt, named in [("lstm_cell", "h0", "a_f"), ("gru_cell", "x", "a_r"), (RESIDUAL, "x", "a")]:
        graph = derive.graph(source)
        assert named in graph.derive("", wrt, upstream=True).named
    assert not derive.graph("layer_norm").derive("", "x", upstream=True).named


def test_no_loop_gets_deeper_where_paths_meet_again() -> None:
    found = derive.graph(SELF_ATTENTION).derive("", "X", upstream=True)
    assert found.named == ("S",)
    assert height(found.result) == 1


def test_a_loss_behind_a_tensor_is_not_taken_for_a_loss_of_the_graph() -> None:
    """∂L/∂c of H = (s + 1)/c is −Σ g H/c for any loss L: not −L/c, though L = Σ g H would do as one."""
    found = derive.graph("s: [n]\nc: positive\nH = (s + 1)/c").derive("", "c", upstream=True)
    assert "L" not in {e.name for e in found.result.atoms(derive.calculus.terms.Element)}


def test_a_largest_entry_is_put_only_where_no_index_captures_it() -> None:
    graph = derive.graph("M: [K, C]\ne = max(min(M[r, q] for q in C) for r in K)")
    assert result("M: [K, C]\ne = max(min(M[r, q] for q in C) for r in K)", "M").count("argmin") == 1
    assert not graph.derive("", "M").result.has(Adjoint)


@pytest.mark.parametrize(
    ("source", "wrt", "expected"),
    [
        # what random graphs found: a sign lost, an index captured by a fact, what a max holds, a power of a quotient
        ("V: [n]\nx: [n]\ny[i] = abs(sum(V*x)) - V[i]", "V", "sign(Σ_j V_j x_j) x_i Σ_j g_j − g_i"),
        ("P: probability[K, K]\nw: real\nS = w*sum(P[o, o] for o in K)", "w", "Σ_o P_oo"),
        ("w: [n]\nf = max(w, softmax(w))", "w", None),
        ("X: [C, C]\nh: label[C, C]\nf = mean(X[o, o] for o in C if o != h[o])", "X", "δ_ij · 𝟙[i≠h_i] / Σ_o 𝟙[o≠h_o]"),
        ("t: label[3]\nh: [K, 3, 3]\nd = exp(0.5**h[0, 0, t])*h", "h", None),
        ("a: positive\nS = (a/exp(a)**2)**w", "a", None),
        ("W: positive[n]\nb: [m]\np[l] = mse(sqrt(W), W*b[l])", "W", None),
        ("x: positive[n]\nf = sum(x[i]*log(x[i]) for i in n if x[i] >= 0.5)", "x", None),
        (
            "v: [m]\nb: positive\nW1: [m, m]\ns1: positive[m]\nA: [C, m]\nB: [m, C]\nt: label[m]\nd = min(v)/b\n"
            "g = W1/s1 @ (A.T @ B.T).T\nS = exp(g[t, t]) + d",
            "v",
            None,
        ),
    ],
)
def test_what_random_graphs_found(source: str, wrt: str, expected: str | None) -> None:
    found = normalize("NFC", result(source, wrt))
    assert expected in (None, found)


def chain(layers: int) -> derive.graphs.Graph:
    weights = "".join(f"W{k}: [n, n]\n" for k in range(layers))
    steps = "".join(f"h{k + 1} = tanh(W{k} @ h{k})\n" for k in range(layers))
    return derive.graph(f"h0: [n]\n{weights}{steps}L = sum(h{layers}**2)")


def test_a_chain_of_layers_costs_no_more_than_its_length() -> None:
    """Adjoints keep their names, so no line grows with the depth, and each layer has as many lines as any other."""

    def size(layers: int) -> tuple[int, float]:
        graph = chain(layers)
        found = [graph.derive("", name) for name in graph.members if name != "L"]
        return sum(len(d.steps) for d in found), max(cost(s.line) for d in found for s in d.steps)

    (short, widest), (long, wider) = size(4), size(32)
    assert wider == widest
    assert long <= short * 32 / 4


@pytest.mark.parametrize(
    "source",
    [
        "f = " + "*".join(f"(x + {k}*y + z)" for k in range(1, 15)),
        "x: [n]\nf = " + "*".join(f"sum(x[i]**{k} for i in n)" for k in range(1, 7)),
        "f = (x + y + z)**50",
        "f = " + "sin(" * 30 + "x" + ")" * 30,
    ],
)
def test_a_long_product_is_not_multiplied_out(source: str) -> None:
    found = derive.graph(source).derive("", "x")
    prove(found)
    assert max(cost(s.line) for s in found.steps) < 3000
