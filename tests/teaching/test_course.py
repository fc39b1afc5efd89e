"""The numbers and formulas of the course: every one in `golden/course.json` comes out, exactly, and as it is written there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Symbol

import derive
from cases.course import LAYER, SCORES
from derive.calculus.terms import Delta, Differ, Element, Index
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.graphs.tree import Call, Op, Tree
from derive.notation import definitions, matrices
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.proof import prove
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Steps, laid_out
from derive.teaching.formats.measure import fits_chain
from derive.teaching.page import Page
from derive.values.edges import one_by_one
from derive.values.entries import entry_of, unrolled
from derive.values.evaluator import Evaluator
from derive.values.real import given_out
from derive.values.run import Run
from derive.values.run import run as bound

COURSE = json.loads((Path(__file__).parents[1] / "golden" / "course.json").read_text(encoding="utf-8"))


def exact(numbers: Iterable[str]) -> list[Fraction]:
    return [Fraction(n) for n in numbers]


def formula(found: Derivation, term: Any) -> str:
    return text(layout(term, context_of(found.graph)))


def matrix(found: Derivation) -> str:
    assert found.form is not None
    return text(matrices.layout(found.form, context_of(found.graph)))


def lines(blocks: tuple[Block, ...]) -> list[str]:
    """Worked steps as text: a left-hand side and all that it equals on one line."""
    out: list[str] = []
    for block in blocks:
        assert isinstance(block, Steps)
        for line in laid_out(block.lines, fits_chain):
            if line.relation is None:
                out.append(text(line.body))
            else:
                out[-1] += text(line.relation) + text(line.body)
    return out


# ---------------------------------------------------------------- topic 3: the hinge loss


@pytest.mark.parametrize("case", COURSE["hinge"], ids=lambda case: f"target {case['t'] + 1}")
def test_the_hinge_loss_of_the_course(case: dict[str, Any]) -> None:
    run = derive.graph("hinge").at(s=case["s"], t=case["t"])
    assert run.exact["L"] == Fraction(case["L"])


@pytest.mark.parametrize("case", COURSE["hinge"], ids=lambda case: f"target {case['t'] + 1}")
def test_the_terms_of_the_hinge_loss(case: dict[str, Any]) -> None:
    graph = derive.graph("hinge")
    values = graph.at(s=case["s"], t=case["t"]).values
    written = entry_of(graph.output.body, (), (), values)
    found = [values.array(definition_term(t, graph))[()] for t in terms_of(written)]
    assert [given_out(x) for x in found] == exact(case["terms"])


def terms_of(tree: Tree) -> list[Tree]:
    """The summands of a sum written out."""
    return [t for a in tree.args for t in terms_of(a)] if isinstance(tree, Op) and tree.operator == "+" else [tree]


def definition_term(tree: Tree, graph: Graph) -> Any:
    from derive.language.lower import lower

    assert isinstance(tree, Call)
    return lower(tree, {m.name: m.head for m in graph.members.values()})


def test_the_mean_of_the_hinge_losses() -> None:
    cases = COURSE["hinge"]
    run = derive.graph(SCORES).at(S=[c["s"] for c in cases], t=[c["t"] for c in cases])
    assert run.exact["L"] == Fraction(COURSE["hinge_mean"]) == sum(Fraction(c["L"]) for c in cases) / 3


def test_the_hinge_loss_is_worked_as_on_the_blackboard() -> None:
    run = derive.graph("hinge").at(s=COURSE["hinge"][0]["s"], t=0)
    assert lines(forward_blocks(run, Page())) == [
        "L = Σ_{j≠t} max(0, s_j − s_t + 1) = max(0, 4.1 − 2.3 + 1) + max(0, −2.1 − 2.3 + 1) = max(0, 2.8) + max(0, −3.4) = 2.8"
    ]


def test_a_long_array_is_shown_in_part_and_says_how_long_it_is() -> None:
    long, grid = derive.graph("x: [n]; y = 2*x"), derive.graph("x: [n]; y[i, j] = x[i]*x[j]")
    assert "…" not in lines(forward_blocks(long.at(x=list(range(60))), Page()))[-1]
    shown = lines(forward_blocks(long.at(x=list(range(5001))), Page("fr")))[-1]
    assert re.search(r"= \(0; 2; .*; 112; …; 9998; 10\u202f000\)  \(5001 composantes\)$", shown)
    assert len(lines(forward_blocks(grid.at(x=list(range(300))), Page()))[-1]) < 1000


def test_an_arg_max_is_worked_and_counts_as_the_page_does() -> None:
    run = derive.graph("s: [C]; k = argmax(2*s); f = s[k]").at(s=["2.5", 1, 3])
    assert lines(forward_blocks(run, Page())) == [
        "k = argmax_i 2 s_i = argmax(2 · 2.5, 2 · 1, 2 · 3) = argmax(5, 2, 6) = 3",
        "f = s_k = 3",
    ]
    long = derive.graph("s: [C]; k = argmax(s[i] for i in C if i > 0)").at(s=[9, 1, 3])
    assert lines(forward_blocks(long, Page()))[-1] == "k = 3"


def test_an_arg_max_and_a_label_are_numbers_of_an_unrolled_graph() -> None:
    run = derive.graph("s: [C]; t: label[C]; k = argmax(s); f = s[k]*k + s[t]*t").at(s=["2.5", 1, 3], t=1)
    graph = unrolled(run.source, run.values)
    assert [*graph.members] == ["s1", "s2", "s3", "f"]
    assert bound(graph, {"s1": 2, "s2": 5, "s3": 7})["f"] == 7 * 2 + 5 * 1
    with pytest.raises(DeriveError, match="k is a whole number"):
        unrolled(derive.graph("s: [C]; k = argmax(s)"), run.values)


def worked(source: str, **values: object) -> list[str]:
    return lines(forward_blocks(derive.graph(source).at(**values), Page()))


def test_a_page_counts_its_indices_in_one_way() -> None:
    source = "x: [n]; y[i] = where(i == 0, x[i], i*x[i])"
    assert worked(source, x=[5, 5])[1] == "y₁ = 1 x₁ = 1 · 5 = 5"
    assert worked("s: [C]; t: label[C]; f = t*s[t]", s=[5, 6, 7], t=1) == ["f = t s_t = 1 · 6 = 6"]


def test_an_arg_max_in_a_formula_is_worked() -> None:
    assert worked("x: [n]; f = argmax(x)*sum(x)", x=[1, 2, 3]) == [
        "f = (argmax_i x_i) Σ_i x_i = argmax(1, 2, 3) (1 + 2 + 3) = 12"
    ]
    assert worked("S: [C]; t: label[C]; f = where(argmax(S) == t, 1, 0)", S=[1, 2, 3], t=2)[0].endswith(
        "argmax(1, 2, 3) = 2 ; 0  otherwise } = 1"
    )
    assert worked("x: [n]; y = x*argmax(exp(x))", x=[1, 2, 2])[0].startswith(
        "y₀ = 1 · argmax(e¹, e², e²) ≈ 1 · argmax(2.718, 7.389, 7.389)"
    )
    assert worked("x: [n]; f = argmax(x[i] for i in n if i > 0)*sum(x)", x=[9, 2, 3])[-1] == "f = 28"
    assert worked("x: [n]; f = sum(x[i] for i in n if argmax(x) > i)", x=[1, 2, 3])[0].endswith("= 1 + 2 = 3")
    assert worked("X: [m, n]; f = sum(argmax(X[i, j] for j in n) for i in m)", X=[[1, 2], [4, 3]])[0].endswith("= 1")


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("x: [3]; f = argmax(x)*sum(x)", [1, 2, 3]),
        ("x: [3]; f = argmax(exp(x))*sum(x)", [1, 2, 2]),
        ("x: [3]; f = argmax(x[i] for i in 3 if x[i] < 3 and i > 0)*sum(x)", [2, 1, 3]),
        ("x: [3]; f = sum(x[i]*argmax(x) for i in 3 if argmax(-x) < 1)", [1, 2, 3]),
        ("x: [3]; f = sum(x) + argmax(argmax(x)*x)", [1, 2, 3]),
        ("x: [300]; f = argmax(x)*x[0]", list(range(300))),
    ],
)
def test_an_arg_max_in_a_formula_is_a_number_of_an_unrolled_graph(source: str, x: list[int]) -> None:
    run = derive.graph(source).at(x=x)
    scalars = one_by_one(run)
    assert scalars.run.exact["f"] == run.exact["f"]
    assert [scalars.run.gradients.get(f"x{k + 1}", 0) for k in range(len(x))] == list(run.gradients["x"])


@pytest.mark.parametrize("axes", [("", ""), ("", "[2]"), ("[2]", "[2]"), ("", "[2, 2]"), ("[2]", "[2, 2]"), ("[2, 2]", "[2, 2]")])
def test_one_by_one_takes_numbers_vectors_and_matrices(axes: tuple[str, str]) -> None:
    numbers = {"": "-1.5", "[2]": ["0.5", -2], "[2, 2]": [[1, "2.5"], [3, -4]]}
    graph = derive.graph("; ".join(f"{name}: {kind or 'real'}" for name, kind in zip("xy", axes, strict=True)) + "; f = x*y")
    run = graph.at(x=numbers[axes[0]], y=numbers[axes[1]])
    scalars = one_by_one(run)
    for tensor, found in (("f", scalars.run.exact), ("x", scalars.run.gradients), ("y", scalars.run.gradients)):
        exact = np.asarray((run.exact if tensor == "f" else run.gradients)[tensor], dtype=object)
        assert {scalars.entries[n][1]: found[n][()] for n in scalars.entries if scalars.entries[n][0] == tensor} == {
            entry: exact[entry] for entry in np.ndindex(exact.shape)
        }


def test_the_other_hinge_losses_worked() -> None:
    second, third = (lines(forward_blocks(derive.graph("hinge").at(s=c["s"], t=c["t"]), Page()))[0] for c in COURSE["hinge"][1:])
    assert second.endswith("max(0, 1.7 − 5.4 + 1) + max(0, 2.3 − 5.4 + 1) = max(0, −2.7) + max(0, −2.1) = 0")
    assert third.endswith("max(0, 1.7 − (−1.3) + 1) + max(0, 1.4 − (−1.3) + 1) = max(0, 4) + max(0, 3.7) = 7.7")


def test_the_hinge_subgradient() -> None:
    """∂L/∂s_j = 1 for each violation, and minus their number for the right score."""
    graph = derive.graph("hinge")
    for case in COURSE["hinge"]:
        s, t = exact(case["s"]), case["t"]
        violated = [j != t and s[j] - s[t] + 1 > 0 for j in range(3)]
        expected = [-sum(violated) if j == t else int(violated[j]) for j in range(3)]
        assert graph.at(s=case["s"], t=t).gradients["s"].tolist() == expected
    found = graph.derive("L", "s")
    prove(found)
    assert found.cases is not None
    assert {formula(found, value) for value, _ in found.cases} == {"−Σ_{j≠t} 𝟙[s_j − s_t + 1 > 0]", "𝟙[s_i − s_t + 1 > 0]"}


# ---------------------------------------------------------------- topic 5: the graph of (u + v) w


def uvw() -> Run:
    return derive.graph("f = (u + v)*w").at(**COURSE["graph_uvw"]["at"])


def test_values_and_gradients_of_the_graph() -> None:
    run = uvw()
    for name, value in COURSE["graph_uvw"]["values"].items():
        assert run.exact[name] == value
        assert run[name] == value
    assert run.gradients == COURSE["graph_uvw"]["gradients"]
    assert dict(run.grad) == COURSE["graph_uvw"]["gradients"]


def test_each_gradient_of_the_graph_from_its_local_rule() -> None:
    run = uvw()
    assert lines(forward_blocks(run, Page(), by_operation=True)) == ["t₁ = u + v = 2 + 3 = 5", "f = t₁ w = 5 · 4 = 20"]
    assert lines(backward_blocks(run, Page())) == [
        "∂f/∂f = 1",
        "∂f/∂t₁ = ∂(t₁ w)/∂t₁ · ∂f/∂f = w · 1 = 4",
        "∂f/∂w = ∂(t₁ w)/∂w · ∂f/∂f = t₁ · 1 = 5",
        "∂f/∂v = ∂(u + v)/∂v · ∂f/∂t₁ = 1 · 4 = 4",
        "∂f/∂u = ∂(u + v)/∂u · ∂f/∂t₁ = 1 · 4 = 4",
    ]


def test_fan_out_is_summed_visibly() -> None:
    run = derive.graph("f = u*v + u").at(u=3, v=4)
    assert lines(backward_blocks(run, Page()))[-1] == ("∂f/∂u = ∂(u v)/∂u · ∂f/∂t₁ + ∂(t₁ + u)/∂u · ∂f/∂f = v · 1 + 1 · 1 = 5")


# ---------------------------------------------------------------- topics 10 and 11: softmax


def test_the_softmax_jacobian_in_both_forms() -> None:
    found = derive.graph("softmax").derive("p", "z")
    prove(found)
    assert matrix(found) == COURSE["softmax_jacobian"]["matrix"]
    assert found.matrix == r"\operatorname{diag}(p) - pp^{\top}"
    assert found.cases is not None
    (same, when_same), (apart, when_apart) = found.cases
    i, j = found.indices
    assert (when_same, when_apart) == (Delta(i, j), Differ(i, j))
    p = Element(found.graph.output.head, i)
    assert (same - p * (1 - p)).expand() == 0
    assert apart == -p * Element(found.graph.output.head, j)
    assert formula(found, same) == COURSE["softmax_jacobian"]["i = j"]
    assert formula(found, apart) == COURSE["softmax_jacobian"]["i ≠ j"]


def test_a_numeric_softmax_jacobian() -> None:
    z = np.array([0.5, -1.0, 2.0, 0.0])
    graph = derive.graph("softmax")
    found, run = graph.derive("p", "z"), graph.at(z=z)
    p = np.exp(z) / np.exp(z).sum()
    jacobian = run.values.array(found.result, found.indices).astype(float)
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        ("softmax_cross_entropy", "p_i − y_i"),
        ("z: [C]\ny: probability[C]\np = softmax(z)\nL = -sum(y*log(p))", "p_i − y_i"),
        ("z: [C]\ny: onehot[C]\np = softmax(z)\nL = -sum(y[i]*log(p[i]) for i in C)", "p_i − y_i"),
    ],
    ids=["library", "probability", "onehot"],
)
def test_softmax_with_cross_entropy_has_gradient_p_minus_y(source: str, entry: str) -> None:
    found = derive.graph(source).derive("L", "z")
    prove(found)
    assert matrix(found) == COURSE["softmax_cross_entropy"]["z"]
    assert formula(found, found.result) == entry


def test_softmax_with_the_likelihood_of_a_label() -> None:
    found = derive.graph("z: [C]\nt: label[C]\np = softmax(z)\nL = -log(p[t])").derive("L", "z")
    prove(found)
    i, p, t = found.indices[0], found.graph.members["p"].head, Element(Symbol("t", integer=True, nonnegative=True))
    assert matrix(found) == "p − 𝐞_t"
    assert [d.args[1].element for d in found.result.atoms(Delta)] == [t]
    assert found.result.subs(next(iter(found.result.atoms(Delta))), 0) == Element(p, i)


# ---------------------------------------------------------------- topic 12: a layer of 4 units on 3 inputs


@pytest.mark.parametrize("source", ["affine", LAYER], ids=["m by n", "4 by 3"])
def test_the_gradients_of_a_layer(source: str) -> None:
    for name, form in COURSE["layer_4x3"].items():
        found = derive.graph(source).derive("a", name, upstream=True)
        prove(found)
        assert matrix(found) == form


def test_the_gradients_of_a_layer_entry_by_entry() -> None:
    """∂L/∂W_ij = g_i h_j, ∂L/∂b_i = g_i, ∂L/∂h_j = Σ_i W_ij g_i, each for numbers named one by one."""
    whole = derive.graph(LAYER + "\ng: [4]\nL = sum(g*a)")
    rows, columns = range(1, 5), range(1, 4)
    point = whole.at(W=[[1, 2, 3]] * 4, h=[1, 2, 3], b=[1, 2, 3, 4], g=[1, 2, 3, 4]).values
    graph = unrolled(whole, Evaluator(point.sizes, point.arrays, whole))

    def named(name: str) -> Element:
        return Element(graph.members[name].head)

    for i in rows:
        assert derivation(graph, "L", f"b{i}").result == named(f"g{i}")
        for j in columns:
            found = derivation(graph, "L", f"W{i}{j}")
            prove(found)
            assert found.result == named(f"g{i}") * named(f"h{j}")
    for j in columns:
        assert (derivation(graph, "L", f"h{j}").result - sum(named(f"W{i}{j}") * named(f"g{i}") for i in rows)).expand() == 0


def test_the_gradients_of_a_layer_in_numbers() -> None:
    W, h, g = [[1, -2, "0.5"], [0, 3, 1], ["-1.5", 1, 2], [4, 0, -1]], [2, "-0.5", 3], [1, -1, 2, "0.25"]
    run = derive.graph(LAYER).at(W=W, h=h, b=[1, 0, 2, -1])
    run = Run(run.source, run.point, np.array(exact(map(str, g)), dtype=object))
    W_, h_, g_ = (np.array([exact(map(str, r)) for r in W]), np.array(exact(map(str, h))), np.array(exact(map(str, g))))
    assert (run.gradients["W"] == np.outer(g_, h_)).all()
    assert (run.gradients["h"] == W_.T @ g_).all()
    assert (run.gradients["b"] == g_).all()


def test_a_layer_is_written_with_its_indices() -> None:
    graph = derive.graph(LAYER)
    assert text(definitions.definition(graph.output, context_of(graph))) == "a = W h + b,   a_i = Σ_j W_ij h_j + b_i"
    assert graph.output.indices == (Index("i", 4),)
