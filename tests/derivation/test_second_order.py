"""Second derivatives: against PyTorch's Hessian in float64, against symmetry, and as a textbook prints them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
import derive
from cases.second_order import CASES, CROSS_ENTROPY, LAYERS, SQUARED, Array, Case
from derive.calculus.rules import RULES, Rule
from derive.calculus.terms import Delta, Deriv
from derive.derivation import second_order
from derive.derivation.derivation import Derivation
from derive.derivation.knowledge import knowledge
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph, Input, gradient_name, gradient_parts
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.matrices import layout as matrix_layout
from derive.notation.terms import layout
from derive.proof.proof import prove
from derive.teaching.document import Steps
from derive.teaching.formats.terminal import render_text
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import read as read_lecture
from derive.values.evaluator import forward
from derive.values.number_systems import FLOAT

WORST = 1e-10

SIZES = ({"n": 3, "m": 4, "C": 5, "K": 2, "O": 3, "T": 2, "d": 3, "S": 4, "e": 2}, {"n": 4, "m": 2, "C": 3, "K": 3, "O": 2})
"""How long the axes are; those that the second set leaves out are as in the first."""


# ---------------------------------------------------------------- points


@cache
def found(name: str) -> tuple[Graph, Derivation]:
    case = CASES[name]
    graph = derive.graph(case.source)
    return graph, graph.derive(wrt=case.wrt, order=2)


def drawn(graph: Graph, which: int, seed: int) -> tuple[dict[Any, int], dict[str, Array]]:
    """(sizes, a value for every input)."""
    lengths = SIZES[0] | SIZES[which]
    random = np.random.default_rng([which, seed])
    sizes = {s: lengths[s.name] for i in graph.inputs for a in (*i.axes, i.classes) if a is not None for s in a.free_symbols}
    return sizes, {i.name: _entries(i, lengths, random) for i in graph.inputs}


def _entries(given: Input, lengths: dict[str, int], random: np.random.Generator) -> Array:
    def size(axis: Any) -> int:
        return int(axis.subs({s: lengths[s.name] for s in axis.free_symbols}))

    shape = tuple(map(size, given.axes))
    if given.kind == "label":
        return random.integers(0, size(given.classes), shape)
    if given.kind == "onehot":
        return np.eye(shape[0])[random.integers(shape[0])]
    values = random.normal(size=shape)
    if given.kind == "probability":
        return np.exp(values) / np.exp(values).sum()
    return np.abs(values) + 0.1 if given.kind == "positive" else values


def ours(graph: Graph, second_: Derivation, sizes: dict[Any, int], inputs: dict[str, Array]) -> Array:
    """The result in float64; a variable that is a node of the graph takes the value that the graph gives it."""
    known = forward(graph, sizes, inputs, FLOAT).arrays
    point = forward(second_.graph, sizes, {i.name: known[i.name] for i in second_.graph.inputs}, FLOAT)
    return np.asarray(point.array(second_.result, second_.indices), dtype=float)


def by_torch(graph: Graph, case: Case, sizes: dict[Any, int], inputs: dict[str, Array]) -> Array:
    import torch

    known = dict(inputs)
    known |= {n: v for n, v in forward(graph, sizes, inputs, FLOAT).arrays.items() if n in case.wrt}
    labels = {i.name for i in graph.inputs if i.kind == "label"}
    tensors = {n: int(v) if n in labels else torch.tensor(np.asarray(v, dtype=float)) for n, v in known.items()}
    names = list(dict.fromkeys(case.wrt))

    def function(*moved: Any) -> Any:
        given = tensors | dict(zip(names, moved, strict=True))
        return case.function(torch, **given)

    hessian: Callable[..., Any] = torch.autograd.functional.hessian
    return hessian(function, tuple(tensors[n] for n in names))[0][-1].numpy()


# ---------------------------------------------------------------- the numbers


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_are_those_of_automatic_differentiation(name: str) -> None:
    graph, block = found(name)
    for which, seed in ((0, 0), (0, 1), (1, 2)):
        sizes, inputs = drawn(graph, which, seed)
        theirs = by_torch(graph, CASES[name], sizes, inputs)
        mine = ours(graph, block, sizes, inputs)
        assert mine.shape == theirs.shape
        assert np.max(np.abs(mine - theirs)) <= WORST * max(1.0, np.max(np.abs(theirs)))


@pytest.mark.parametrize("name", CASES)
def test_every_line_is_proved(name: str) -> None:
    _, block = found(name)
    assert prove(second_order.gradient_of(block)).error < 1e-25
    assert prove(block).error < 1e-25


@pytest.mark.parametrize("name", CASES)
def test_the_hessian_is_symmetric(name: str) -> None:
    """∂²L/∂x∂y is ∂²L/∂y∂x with its axes exchanged, though each is derived on a path of its own."""
    graph, block = found(name)
    first, by = CASES[name].wrt
    other = graph.derive(wrt=(by, first), order=2)
    sizes, inputs = drawn(graph, 0, 3)
    one, two = ours(graph, block, sizes, inputs), ours(graph, other, sizes, inputs)
    rank = len(graph.members[first].axes)
    axes = (*range(two.ndim - rank, two.ndim), *range(two.ndim - rank))
    assert np.allclose(one, two.transpose(axes), rtol=1e-10, atol=1e-12)
    assert second_order.is_symmetric(block) == (first == by)


@pytest.mark.parametrize("name", CASES)
def test_the_matrix_form_is_the_index_form(name: str) -> None:
    graph, block = found(name)
    if len(block.indices) != 2 or block.numpy is None or block.result == 0:
        return  # no matrix
    sizes, inputs = drawn(graph, 0, 4)
    known = forward(graph, sizes, inputs, FLOAT).arrays
    functions = {
        "np": np,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softmax": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
        "normal_pdf": lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    }
    names = {**known, **{s.name: n for s, n in sizes.items()}, **functions}
    assert np.allclose(eval(block.numpy, {}, names), ours(graph, block, sizes, inputs))  # noqa: S307


# ---------------------------------------------------------------- what a textbook prints


def printed(block: Derivation) -> str:
    return text(layout(block.result, context_of(block.graph)))


@pytest.mark.parametrize(
    ("name", "index", "matrix"),
    [
        ("cross-entropy by the scores", "p_i (δ_ij − p_j)", "diag(p) − p pᵀ"),
        ("cross-entropy by the scores and the one-hot", "p_i − δ_ij", "p 𝟏ᵀ − 𝐈"),
        ("cross-entropy by the scores of a layer", "p_i (δ_ik − p_k)", "diag(p) − p pᵀ"),
        ("least squares", "Σ_k X_ki X_kj", "Xᵀ X"),
        ("logistic regression by its probabilities", "Σ_i X_ij X_ik s_i (1 − s_i)", "Xᵀ diag(s ⊙ (𝟏 − s)) X"),
        ("a quadratic form", "A_ij + A_ji", "A + Aᵀ"),
        ("the sigmoid", "s (1 − s) (1 − 2 s)", None),
        ("two scalars", "cos(x y) + x (2 − y sin(x y))", None),
        ("a perceptron by its last layer", "h_i p_k h_j (δ_kl − p_l)", None),
        ("the hinge loss", "0", None),
        ("squared ReLU", "2 δ_jk · 𝟙[x_j > 0]", "2 diag(𝟙[x > 0])"),
    ],
)  # fmt: skip
def test_results_are_those_of_a_textbook(name: str, index: str, matrix: str | None) -> None:
    _, block = found(name)
    assert _sorted(printed(block)) == _sorted(index)
    if matrix is not None:
        assert block.form is not None
        assert text(matrix_layout(block.form, context_of(block.graph))) == matrix


def _sorted(formula: str) -> list[str]:
    """The signs of a formula, whatever letters its indices have and in whatever order its factors stand."""
    letters = str.maketrans("jkloqr", "iiiiii")
    return sorted(formula.translate(letters))


def test_logistic_regression_is_weighted_least_squares() -> None:
    _, block = found("logistic regression")
    assert block.form is not None
    matrix = text(matrix_layout(block.form, context_of(block.graph)))
    assert matrix.startswith("Xᵀ diag(")
    assert matrix.endswith(") X")
    assert "σ(z)" in matrix


def test_the_subject_is_printed_as_a_second_derivative() -> None:
    _, vector = found("cross-entropy by the scores")
    _, scalar = found("the sigmoid")
    _, mixed = found("two scalars")
    context = context_of(vector.graph)
    assert text(layout(vector.subject, context)) == "∂²L/∂z_i∂z_j"
    assert text(layout(scalar.subject, context)) == "∂²s/∂x²"
    assert text(layout(mixed.subject, context)) == "∂²f/∂x∂y"
    assert r"\frac{\partial^2 L}{\partial z_{i}\,\partial z_{j}}" in vector.latex()


def test_a_power_of_a_power_is_not_printed() -> None:
    """∂x₁² would be read as a subscript and a square of one name only if it is set as one."""
    block = derive.graph("f = x1**2*y").derive(wrt="x1", order=2)
    assert text(layout(block.subject, context_of(block.graph))) == "∂²f/∂x₁²"


# ---------------------------------------------------------------- what must not be used


def test_what_holds_at_a_point_only_is_not_used_before_it_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Σ y = 1 put into ∂L/∂z_i first, ∂²L/∂z_i∂y_j would come out as -δ_ij."""
    right = found("cross-entropy by the scores and the one-hot")[1]
    graph = derive.graph(CROSS_ENTROPY)
    monkeypatch.setattr(second_order, "_held", lambda graph, *names: graph)
    wrong = graph.derive(wrt=("z", "y"), order=2)
    assert printed(wrong) == "−δ_ij"
    sizes, inputs = drawn(graph, 0, 0)
    assert not np.allclose(ours(graph, wrong, sizes, inputs), ours(graph, right, sizes, inputs))


def test_the_sign_of_a_result_is_forgotten_where_it_came_from_the_kind_of_the_variable() -> None:
    """√(y²) is y for a one-hot y, and |y| once y is free."""
    graph = derive.graph("y: onehot[n]\nx: [n]\nu = y + 1\nf = sum(sqrt(u**2)*x**2)")
    block = graph.derive(wrt=("x", "y"), order=2)
    assert {m.kind for m in block.graph.inputs if m.name == "y"} == {"real"}
    assert block.graph.members["u"].head.is_positive is None
    prove(block)


def test_a_wrong_rule_does_not_pass_the_proof() -> None:
    halved = tuple(
        Rule(r.name, r.family, lambda e, x, r=r: None if (new := r.rewrite(e, x)) is None else new / 2)  # type: ignore[misc]
        if r.name == "product rule"
        else r
        for r in RULES
    )
    graph = derive.graph("z: [n]\nf = sum(z[i]*exp(z[i]) for i in n)")
    wrong = second_order.second_derivation(graph, wrt="z", rules=halved)
    with pytest.raises(ProofError, match="∂f/∂z"):
        prove(second_order.gradient_of(wrong))
    with pytest.raises(ProofError, match="∂²f/∂z∂z"):
        prove(wrong)


def test_a_wrong_line_does_not_pass_the_proof() -> None:
    _, block = found("cross-entropy by the scores")
    deltas = block.result.atoms(Delta)
    worse = replace(block.steps[-1], line=block.result.xreplace(dict.fromkeys(deltas, 1)))
    with pytest.raises(ProofError):
        prove(replace(block, steps=(*block.steps[:-1], worse)))


def test_a_second_derivative_names_no_other() -> None:
    for name in CASES:
        _, block = found(name)
        assert block.named == ()
        assert second_order.gradient_of(block).named == ()
        assert not block.result.atoms(Deriv)


def test_what_a_second_derivative_was_taken_of_stays_with_it() -> None:
    """On another graph, which remembers nothing, as well."""
    graph, block = found("cross-entropy by the scores and the one-hot")
    moved = replace(block, graph=replace(block.graph, shown=()))
    assert second_order.gradient_of(moved) is second_order.gradient_of(block)
    assert (second_order.gradient_of(block).of, second_order.gradient_of(block).wrt) == ("L", "z")
    assert second_order.is_freed(moved)
    assert not second_order.is_freed(found("cross-entropy by the scores")[1])
    assert graph.derive(wrt=CASES["cross-entropy by the scores and the one-hot"].wrt, order=2) == block


def test_a_first_derivative_was_not_taken_of_a_gradient() -> None:
    first = derive.graph(CROSS_ENTROPY).derive(wrt="z")
    assert not second_order.is_freed(first)
    assert not second_order.is_square(first)
    assert not second_order.is_symmetric(first)
    with pytest.raises(DeriveError, match="∂L/∂z is a first derivative"):
        second_order.gradient_of(first)


def test_a_proof_is_of_the_derivation_it_was_asked_for() -> None:
    """The gradient's own derivation by a tensor has the same lines, but is no second derivative."""
    block = derive.graph(CROSS_ENTROPY).derive(wrt="z", order=2)
    plain = block.graph.derive(block.of, wrt=block.wrt)
    assert plain.steps == block.steps
    assert prove(plain).derivation is plain
    assert prove(block).derivation is block


def test_a_gradient_is_opened_and_not_recognised() -> None:
    """Also in a graph that remembers nothing: p_i - y_i is not folded back into ∂L/∂z_i."""
    block = derive.graph(CROSS_ENTROPY).derive(wrt="z", order=2)
    fresh = replace(block.graph)
    assert fresh.derive(block.of, wrt=block.wrt).steps == block.steps
    assert {fold.owner for fold in knowledge(fresh).folds} & set(fresh.members) == {"p", "L"}


def test_the_name_of_a_gradient_is_taken_apart_again() -> None:
    assert gradient_parts(gradient_name("L", "W_h")) == ("L", "W_h")
    assert gradient_parts("L") is None
    assert gradient_name(gradient_name("L", "z"), "w") == "∂²L/∂z∂w"


def test_a_second_derivative_counts_as_its_gradient_does() -> None:
    block = derive.graph("x: [2]; L = x[0]*x[1]**2").derive(wrt="x", order=2)
    assert context_of(block.graph).style.index_base == context_of(block.gradient.graph).style.index_base == 1
    shifted = derive.graph("x: [n]; L = sum(i*x[i]**2 for i in n)").derive(wrt="x", order=2)
    assert context_of(shifted.graph).style.index_base == 0


def test_one_variable_need_not_be_named() -> None:
    graph = derive.graph("logsumexp")
    assert graph.derive(order=2).result == graph.derive(wrt="z", order=2).result == graph.derive(wrt=("z",), order=2).result


# ---------------------------------------------------------------- what there is not


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("softmax", {"wrt": "z"}, "p is a tensor: second derivatives are those of a scalar"),
        (LAYERS, {"wrt": ("W", "z")}, "z is computed from W"),
        (LAYERS, {"wrt": ("z", "W")}, "z is computed from W"),
        ("hinge", {"wrt": ("s", "t")}, "t is a label"),
        ("hinge", {"wrt": "q"}, "There is no q"),
        (SQUARED, {}, "Say by what"),
        (SQUARED, {"wrt": ("w", "X", "y")}, "by one tensor or by two"),
        (SQUARED, {"wrt": "w", "upstream": True}, "no upstream gradient"),
        (SQUARED, {"wrt": "w", "order": 3}, "of order 1 or 2, not 3"),
    ],
)
def test_what_is_no_second_derivative_is_refused(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        derive.graph(source).derive(**{"order": 2, **options})


def test_letters_do_not_run_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Nine axes twice are more indices than there are letters."""
    text = f"x: [{', '.join(f'n{k}' for k in range(9))}]; f = sum(x)"
    assert "∂²f/∂x_ijklmnpqr∂x_{u,v,a,b,c,d,e,o,i1}" in run(capsys, text, "--order", "2", "--wrt", "x")


# ---------------------------------------------------------------- on a page


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def test_the_gradient_is_shown_then_the_hessian(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "softmax_cross_entropy", "--order", "2", "--wrt", "z")
    first, then = shown.index("Gradient ∂L/∂z_i"), shown.index("Hessian ∂²L/∂z_i∂z_j")
    assert shown.index("chain rule") < then
    assert first < then < shown.index("∇²_z L = diag(p) − p pᵀ") < shown.index("The Hessian is symmetric.")
    assert "kink" not in shown


def test_a_brief_page_shows_the_gradient_by_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "softmax_cross_entropy", "--order", "2", "--wrt", "z", "--detail", "brief")
    gradient, hessian = shown.split("Hessian ∂²L")
    assert "∂L/∂z_i = p_i − y_i" in gradient
    assert "chain rule" not in gradient
    assert "chain rule" in hessian


def test_every_block_is_shown_and_each_gradient_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "f = x**2*y + y**3", "--order", "2")
    titles = ["∂²f/∂x²", "∂²f/∂x∂y", "∂²f/∂y²"]
    assert [shown.count(f"Second derivative {t}\n") for t in titles] == [1, 1, 1]
    assert (shown.count("Gradient ∂f/∂x\n"), shown.count("Gradient ∂f/∂y\n")) == (1, 1)


def test_a_variable_moved_freely_and_a_kink_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "The entries of y are moved freely" in run(capsys, "softmax_cross_entropy", "--order", "2", "--wrt", "z,y")
    assert "At a kink there is no second derivative." in run(capsys, "squared_hinge", "--order", "2")
    assert "En un point anguleux" in run(capsys, "squared_hinge", "--order", "2", "--lang", "fr")


def test_numbers_are_put_in(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "A: [n, n]; x: [n]; f = x @ A @ x", "--order", "2", "--wrt", "x", "--at", "A=[[1, 2], [3, 4]], x=[1, 1]")
    assert "∇²_x f = [2, 5; 5, 8]" in shown
    assert "∂²f/∂x∂y = 4" in run(capsys, "f = x**2*y", "--order", "2", "--wrt", "x,y", "--at", "x=2, y=1")


def test_the_shape_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(run(capsys, "f = x**2*y", "--order", "2", "--wrt", "x,y", "--format", "json"))
    kinds = [(d["of"], d["wrt"], d["order"], d["result"]) for d in data["derivations"]]
    assert kinds == [
        ("f", "x", 1, "2xy"), ("f", "x", 2, "2y"), ("f", "x,y", 2, "2x"), ("f", "y", 1, "x^{2}"), ("f", "y", 2, "0"),
    ]  # fmt: skip


def test_a_tensor_has_no_hessian_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "softmax", "--order", "2"]) == 1
    assert "p is a tensor: second derivatives are those of a scalar" in capsys.readouterr().err
    assert cli.main(["explain", "W: [m, n]; L = sum(W**2)", "--order", "2"]) == 1
    assert "--wrt W" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_every_format_sets_a_hessian(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "softmax_cross_entropy", "--order", "2", "--wrt", "z", "--format", form)
    assert r"\nabla^2_{z}" in shown
    assert r"\partial^2 L" in shown


LECTURE = """\
---
title: {{en: Curvature, fr: Courbure}}
lang: [en, fr]
---

## A loss

```derive define loss
z: [{axis}]
y: onehot[{axis}]
p = softmax(z)
L = -sum(y*log(p))
```

```derive gradient loss
wrt: z
order: {order}
{options}
```
"""


def slide(lang: str = "en", options: str = "", axis: str = "C", order: int = 2) -> str:
    lecture = read_lecture(LECTURE.format(options=options, axis=axis, order=order), "lecture.md", Path())
    return render_text(build_lecture(lecture, lang), 120, False)


def test_a_lecture_shows_a_hessian() -> None:
    shown = slide()
    assert shown.index("∂L/∂z_i = p_i − y_i") < shown.index("chain rule") < shown.index("∇²_z L = diag(p) − p pᵀ")
    assert "La matrice hessienne est symétrique." in slide("fr")
    assert "chain rule" not in slide(options="steps: no")
    assert "∇²_z L ≈ [" in slide(options="at: z=[1, 2], y=[0, 1]")
    with pytest.raises(DeriveError, match="1 or 2"):
        slide(order=3)


def test_a_lecture_writes_a_hessian_entry_by_entry() -> None:
    shown = slide(options="entries: yes", axis="2")
    assert "[∂²L/∂z₁², ∂²L/∂z₁∂z₂; ∂²L/∂z₂∂z₁, ∂²L/∂z₂²]" in shown
    assert "[p₁ (1 − p₁), −p₁ p₂; −p₁ p₂, p₂ (1 − p₂)]" in shown
    assert "diag(p)" in shown
    assert "diag(p)" not in slide(options="entries: yes\nresult: no", axis="2")


def test_a_proved_block_holds_one_derivation() -> None:
    from derive.teaching.blocks.derivative import derivative_blocks
    from derive.teaching.page import Page
    from derive.teaching.request import View

    blocks = derivative_blocks(prove(found("least squares")[1]), Page(), View("brief"))
    assert [type(b) is Steps for b in blocks] == [True, False]
