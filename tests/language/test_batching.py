"""The batched definition against the definition for one example, applied to each; and why its gradients are what they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import S

import cli
import derive
from cases.batches import CASES, CLASSIFIER, CLIPPED, NOTATION, TIED, formula
from cases.gradients import LIBRARY, SIZES, softmax
from derive.api import held
from derive.calculus.normal import normal
from derive.calculus.terms import Delta
from derive.derivation.choice import derivations
from derive.derivation.derivation import Derivation
from derive.derivation.examples import of_the_mean, of_the_whole
from derive.derivation.sweep import derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import ONES, Call, Number, Op, Ref, Size, Tree, subtrees
from derive.language import library
from derive.language.batching import Batch, batch
from derive.language.lower import lower
from derive.language.reader import read
from derive.proof.points import random_point
from derive.proof.proof import prove
from derive.proof.sizes import size_sets
from derive.teaching.blocks.batched import reasoning
from derive.teaching.formats.terminal import render_text
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import read as read_lecture
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT

Array = Any
WORST = 1e-10


HAND: dict[str, Callable[..., Array]] = {
    **LIBRARY,
    CLASSIFIER: lambda m, x, W, b, t: -m.log(softmax(m, W @ x + b)[t]),
    TIED: lambda m, x, u, W: (((W * W.T) @ x + u) ** 2).sum() + u @ u,
    CLIPPED: lambda m, x, b, c: m.where(x > b, m.maximum(x, b) * c, -x),
}


def batch_of(source: str, inputs: str) -> Batch:
    found = batch(derive.graph(source), inputs.split(","))
    return replace(found, graph=held(found.graph))


# ---------------------------------------------------------------- numbers


def drawn(graph: Graph, lengths: Mapping[Any, int]) -> dict[str, Array]:
    random = np.random.default_rng(0)
    probe = Evaluator(lengths, {})
    out = {}
    for given in graph.inputs:
        shape = tuple(map(probe.size, given.axes))
        if given.kind == "label":
            out[given.name] = random.integers(0, probe.size(given.classes), shape)
            continue
        if given.kind == "onehot":
            out[given.name] = np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
            continue
        values = random.uniform(0.2, 1.8, shape) * (random.choice([-1, 1], shape) if given.kind == "real" else 1)
        out[given.name] = values / values.sum(-1, keepdims=True) if given.kind == "probability" else values
    return out


def lengths_of(graph: Graph, examples: int) -> dict[Any, int]:
    *old, (new, _) = graph.letters
    known = {s: SIZES[s.name] for size, _ in old for s in size.free_symbols}
    return {**known, new: examples}


def ours(graph: Graph, lengths: Mapping[Any, int], arrays: Mapping[str, Array], seed: Array) -> dict[str, Array]:
    """The derived formulas in float64, from the output back: a formula may name the gradients before it."""
    values, known = dict(forward(graph, lengths, arrays, FLOAT).arrays), dict[tuple[str, str], Array]()
    order = [m.name for m in graph.members.values() if m.name in graph.ancestors(graph.output.name)]
    for name in reversed([n for n in order if getattr(graph.members[n], "differentiable", True)]):
        if name == graph.output.name and not graph.output.axes:
            continue
        found = graph.derive("", name, upstream=bool(graph.output.axes))
        upstream = {i.name: seed for i in found.graph.inputs if i not in graph.inputs}
        at = Evaluator(lengths, {**values, **upstream, found.of: values.get(found.of)}, found.graph, FLOAT, known)
        known[found.of, name] = np.array(at.array(found.result, found.indices), dtype=float)
    return {name: gradient for (_, name), gradient in known.items()}


def theirs(source: str, members: frozenset[str], arrays: Mapping[str, Array], seed: Array) -> dict[str, Array]:
    """PyTorch on the definition for one example, written by hand and applied to one after the other."""
    import torch

    tensors = {k: torch.tensor(v).requires_grad_(v.dtype != int) for k, v in arrays.items()}
    count = len(next(arrays[name] for name in arrays if name in members))
    each = [HAND[source](torch, **{k: v[n] if k in members else v for k, v in tensors.items()}) for n in range(count)]
    output = torch.stack(each)
    output = output if np.ndim(seed) else output.mean()
    wanted = [k for k, v in tensors.items() if v.requires_grad]
    found = torch.autograd.grad(output, [tensors[k] for k in wanted], torch.tensor(seed), allow_unused=True)
    return {k: v.numpy() for k, v in zip(wanted, found, strict=True) if v is not None}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("examples", [1, 8])
@pytest.mark.parametrize(("source", "inputs"), CASES)
def test_gradients_are_those_of_every_example_by_itself(source: str, inputs: str, examples: int) -> None:
    b = batch_of(source, inputs)
    lengths = lengths_of(b.graph, examples)
    arrays = drawn(b.graph, lengths)
    shape = tuple(Evaluator(lengths, {}).size(a) for a in b.graph.output.axes)
    seed = np.asarray(np.random.default_rng(1).uniform(-1, 1, shape) if shape else 1.0)
    expected = theirs(source, b.members, arrays, seed)
    found = ours(b.graph, lengths, arrays, seed)
    assert expected.keys() == {i.name for i in b.graph.inputs if i.differentiable}
    for name, gradient in expected.items():
        assert np.shape(found[name]) == np.shape(gradient)
        assert np.max(np.abs(found[name] - gradient)) <= WORST * (np.max(np.abs(gradient)) or 1), name


# ---------------------------------------------------------------- what is made of a definition


def test_the_examples_get_an_axis_and_an_index_that_mean_nothing_else() -> None:
    b = batch_of("softmax_cross_entropy", "z,y")
    assert (str(b.example.size), b.example.name) == ("N", "n")
    assert [(i.name, [j.name for j in i.indices], i.kind) for i in b.graph.inputs] == [
        ("z", ["n", "i"], "real"),
        ("y", ["n", "i"], "probability"),
    ]
    assert b.graph.letters_over(b.example.size) == ("n", "m")
    taken = batch_of("n: [N]\nJ: [N]\ncost = sum(n*J)", "n")
    assert (str(taken.example.size), taken.example.name, taken.graph.output.name) == ("B", "m", "J1")


def test_what_all_examples_share_stays_as_it_is() -> None:
    b = batch_of(TIED, "x")
    assert b.members == {"x", "y", "L"}
    assert b.graph.members["V"] is b.one.members["V"]
    assert b.one.members == derive.graph(TIED).members, "the definition for one example is left alone"


def test_only_the_output_that_is_a_number_gets_a_mean() -> None:
    loss = batch_of("hinge", "s,t")
    assert [(n.name, len(n.indices)) for n in loss.graph.nodes] == [("L", 1), ("J", 0)]
    assert loss.averaged
    assert loss.graph.at(s=[[1, 2], [3, 6]], t=[0, 1])["J"] == Fraction(2 + 0, 2)
    layer = batch_of("affine", "h")
    assert [(n.name, len(n.indices)) for n in layer.graph.nodes] == [("a", 2)]
    assert not layer.averaged
    assert not batch_of("z: [C]\nk = argmax(z)", "z").averaged, "the mean of labels says nothing"


@pytest.mark.parametrize(("source", "inputs"), CASES)
def test_the_formula_of_an_entry_is_the_term_that_is_derived(source: str, inputs: str) -> None:
    graph = batch_of(source, inputs).graph
    heads = {member.name: member.head for member in graph.members.values()}
    assert all(lower(node.body, heads) == node.expr for node in graph.nodes)


@pytest.mark.parametrize(
    ("source", "inputs", "message", "hint"),
    [
        ("mlp", "", "No input is named", "x, W1, b1, W2, b2, t"),
        ("mlp", "w1", "There is no input w1", "Did you mean W1"),
        ("mlp", "x,q", "There is no input q", "x, W1, b1, W2, b2, t"),
        ("mlp", "h", "h is computed", "x, W1, b1, W2, b2, t"),
        ("x: [n]\ny: [n]\nu = 2*x\nL = sum(y)", "x", "L is not computed from x", "same for all examples"),
    ],
)
def test_what_cannot_be_batched_is_said(source: str, inputs: str, message: str, hint: str) -> None:
    with pytest.raises(DeriveError) as error:
        derive.graph(source).batched(*filter(None, inputs.split(",")))
    assert message in error.value.message
    assert hint in error.value.hint


# name: (the definition for one example, what differs, the same written by hand for a batch)
BY_HAND = {
    "a layer": ("X: [n]\nW: [m, n]\nb: [m]\nA = W @ X + b", "X", library.definition("affine_batch")),
    "a network": (
        "x: [n]\nW: [m, n]\nV: [C, m]\nt: label[C]\na = W @ x\nh = relu(a)\np = softmax(V @ h)\nL = -log(p[t])",
        "x,t",
        "x: [N, n]\nW: [m, n]\nV: [C, m]\nt: label[N, C]\na = x @ W.T\nh = relu(a)\np = softmax(h @ V.T)\n"
        "L[i] = -log(p[i, t[i]])\nJ = mean(L)",
    ),
    "a loss of margins": (
        library.definition("hinge"),
        "s,t",
        "s: [N, C]\nt: label[N, C]\nL[n] = sum(max(0, s[n, j] - s[n, t[n]] + 1) for j in C if j != t[n])\nJ = mean(L)",
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_derived_results_are_those_of_the_definition_batched_by_hand(name: str) -> None:
    one, inputs, by_hand = BY_HAND[name]
    mine, hand = derive.graph(one).batched(*inputs.split(",")), derive.graph(by_hand)
    assert [m.axes for m in mine.members.values()] == [m.axes for m in hand.members.values()]
    for given in hand.inputs:
        if given.differentiable:
            a, b = (g.derive("", given.name, upstream=bool(g.output.axes)) for g in (mine, hand))
            renamed = b.result.xreplace(dict(zip(b.indices, a.indices, strict=True)))
            assert normal(a.result - renamed) == 0
            assert (a.form is None) == (b.form is None)


# ---------------------------------------------------------------- tensor notation


def typed(tree: Tree) -> str:
    """A formula in tensor notation as it is typed; a vector added to every row needs no 1 there."""
    match tree:
        case Number(_, text):
            return text
        case Size(value):
            return str(value)
        case Ref(name, ()):
            return name
        case Op("@", (ones, Op("T", (row,)))) if ones == ONES:
            return typed(row)
        case Op("T", (a,)):
            return f"{typed(a)}.T"
        case Op("neg", (a,)):
            return f"(-{typed(a)})"
        case Op(operator, (a, b)):
            return f"({typed(a)} {operator} {typed(b)})"
        case Call(function, args):
            return f"{function}({', '.join(map(typed, args))})"
    raise AssertionError(f"{tree} is not in tensor notation")


def alone(graph: Graph, name: str) -> Graph:
    """A node's printed formula by itself, read again: what it mentions is given."""
    surface = graph.members[name].surface  # type: ignore[union-attr]
    assert surface is not None
    lines = []
    for member in graph.members.values():
        if member.name in {t.name for t in subtrees(surface) if isinstance(t, Ref)}:
            label = getattr(member, "kind", "") == "label"
            axes = ", ".join(map(str, (*member.axes, *([member.classes] if label else []))))  # type: ignore[union-attr]
            lines.append(f"{member.name}: {'label' if label else ''}[{axes}]" if axes else f"{member.name}: real")
    return read("\n".join([*lines, f"{name} = {typed(surface)}"]))


@pytest.mark.parametrize("one", NOTATION)
def test_a_formula_in_tensor_notation_is_turned_for_examples_in_rows(one: str) -> None:
    node = batch_of(*formula(one)).graph.members["y"]
    assert isinstance(node, Node)
    assert node.surface is not None
    assert ("" if node.surface == node.body else typed(node.surface)) == NOTATION[one]


@pytest.mark.parametrize(("source", "inputs"), [*CASES, *map(formula, NOTATION)])
def test_the_formula_printed_for_all_examples_computes_their_values(source: str, inputs: str) -> None:
    b = batch_of(source, inputs)
    lengths = {**{s: SIZES[s.name] for s in b.one.sizes}, b.example.size: 8}
    values = forward(b.graph, lengths, drawn(b.graph, lengths), FLOAT).arrays
    for node in b.graph.nodes:
        if node.surface not in (None, node.body):
            given = alone(b.graph, node.name)
            found = forward(given, lengths, {i.name: values[i.name] for i in given.inputs}, FLOAT).arrays[node.name]
            assert np.allclose(found, values[node.name], rtol=1e-12), node.name


# ---------------------------------------------------------------- why


MEANS = [("mlp", "x,t", "W1"), ("mlp", "x,t", "x"), ("hinge", "s,t", "s"), ("bilinear", "x,y", "A"), ("bilinear", "x", "y")]
MEANS += [("softmax_cross_entropy", "z,y", "z"), (CLASSIFIER, "x,t", "b"), (TIED, "x", "W"), (TIED, "x", "u"), (TIED, "x", "x")]


@pytest.mark.parametrize(("source", "inputs", "wrt"), MEANS)
def test_the_gradient_of_the_mean_follows_from_that_of_one_example(source: str, inputs: str, wrt: str) -> None:
    b = batch_of(source, inputs)
    found, swept = of_the_mean(b, wrt), derivation(b.graph, "", wrt)
    proved = prove(found)
    assert set(proved.kinds[1:]) == {"symbolic"}, "only the first line, the chain rule, is a matter of numbers"
    assert any(step.line.has(Delta) and step.family == "own" for step in found.steps) == (wrt in b.members)
    point = random_point(b.graph, size_sets(b.graph)[0])
    with mpmath.workdps(50):
        gaps = point.array(found.result, found.indices) - point.array(swept.result, swept.indices)
        assert np.max(np.abs(gaps.astype(float))) < 1e-25


def planted(found: Derivation, family: str, change: Callable[[Any], Any]) -> Derivation:
    steps = [replace(step, line=change(step.line)) if step.family == family else step for step in found.steps]
    assert list(found.steps) != steps
    return replace(found, steps=tuple(steps))


def test_a_mistake_in_the_reasoning_is_found() -> None:
    b = batch_of("mlp", "x,t")
    weight, input_ = of_the_mean(b, "W1"), of_the_mean(b, "x")
    with pytest.raises(ProofError, match="Line 3"):
        prove(planted(input_, "own", lambda line: line.replace(Delta, lambda *_: S.One)))
    with pytest.raises(ProofError, match="Line 3"):
        prove(planted(weight, "one", lambda line: line / b.example.size))
    with pytest.raises(ProofError, match="Line 2"):
        prove(planted(weight, "substitute", lambda line: line * b.example.size))


def test_one_parameter_and_one_tensor_of_the_examples_are_shown() -> None:
    b = batch_of("mlp", "x,t")
    assert [p.derivation.wrt for p in reasoning(b).one] == ["W1"]
    assert [p.derivation.wrt for p in reasoning(b).all] == ["L", "a", "W1"]
    assert [p.derivation.wrt for p in reasoning(b, ["x", "W2"]).all] == ["L", "z", "W2"]
    assert [p.derivation.wrt for p in reasoning(b, ["x"]).all] == ["L", "x"]
    layer = reasoning(batch_of("affine", "h"))
    assert [[p.derivation.wrt for p in found] for found in (layer.one, layer.all)] == [["W", "h"], ["W", "h"]]


@pytest.mark.parametrize(
    ("source", "inputs"),
    [("affine", "h"), ("attention", "Q,K,V"), ("embedding", "t"), ("hinge", "s,t"), ("layer_norm", "x"), ("rnn_cell", "h,x")],
)
def test_every_derivation_of_a_batch_is_proved(source: str, inputs: str) -> None:
    assert all(prove(found).error < 1e-25 for found in derivations(batch_of(source, inputs).graph))


# ---------------------------------------------------------------- on a page


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(["explain", *arguments]) == 0
    return " ".join(capsys.readouterr().out.replace("─", "").split())


LOSS = "W: [C, d]; x: [d]; b: [C]; y: [C]; a = W @ x + b; L = sum((a - y)**2)"


def test_the_page_says_how_g_h_becomes_a_product_of_matrices(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, LOSS, "--batch", "x,y", "--wrt", "W")
    story = [
        "Definition for one example a = W x + b, a_i = Σ_j W_ij x_j + b_i",
        "Definition for all examples A = X Wᵀ + 𝟏 bᵀ, A_ni = Σ_j W_ij X_nj + b_i",
        "L_n = Σ_i (A_ni − Y_ni)² J = 1/N Σ_n L_n",
        "Gradient for one example ∂L/∂W_ij",
        "∇_W L = (∇_a L) xᵀ",
        "= 1/N Σ_m δ_mn",
        "= 1/N Σ_m ∂L_n/∂A_ni δ_mn the loss of an example depends on its own entries only",
        "∂J/∂W_ij = Σ_n ∂J/∂L_n ∂L_n/∂W_ij chain rule: the sum over every path",
        "= 1/N Σ_n ∂L_n/∂W_ij with ∂J/∂L_n = 1/N",
        "= 1/N Σ_n ∂L_n/∂A_ni X_nj the gradient for one example, with ∂L_n/∂W_ij = ∂L_n/∂A_ni X_nj",
        "= Σ_n ∂J/∂A_ni X_nj with ∂J/∂A_ni = (1/N) ∂L_n/∂A_ni",
        "∇_W J = (∇_A J)ᵀ X a matrix product sums over the index that its factors share",
        "∇_A J = (2/N) (A − Y)",
    ]
    places = [page.find(line) for line in story]
    assert -1 not in places, story[places.index(-1)]
    assert places == sorted(places)


def test_the_page_of_a_layer_has_no_mean_and_says_where_its_sum_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "affine", "--batch", "h", "--wrt", "W,h")
    story = [
        "A = H Wᵀ + 𝟏 bᵀ, A_si = Σ_j W_ij H_sj + b_i",
        "∇_W L = g hᵀ",
        "Gradient for all examples ∂L/∂W_ij",
        "∂L/∂W_ij = Σ_{k, s} ∂L/∂A_sk ∂A_sk/∂W_ij chain rule: the sum over every path",
        "= Σ_{k, s} G_sk ∂A_sk/∂W_ij with ∂L/∂A_si = G_si",
        "= Σ_s G_si H_sj the gradient for one example, with Σ_k G_sk ∂A_sk/∂W_ij = G_si H_sj",
        "∇_W L = Gᵀ H a matrix product sums over the index that its factors share",
        "No mean is taken here: the sum over the examples comes from the chain rule.",
        "the output for an example depends on its own entries only, with ∂A_ri/∂H_sj = δ_rs ∂A_si/∂H_sj",
        "∇_H L = G W",
    ]
    places = [page.find(line) for line in story]
    assert -1 not in places, story[places.index(-1)]
    assert places == sorted(places)


WHOLE = [("affine", "h", "W"), ("affine", "h", "h"), ("rnn_cell", "h,x", "W"), ("embedding", "t", "E"), ("attention", "Q", "K")]


@pytest.mark.parametrize(("source", "inputs", "wrt"), WHOLE)
def test_the_gradient_behind_a_tensor_follows_from_that_of_one_example(source: str, inputs: str, wrt: str) -> None:
    b = batch_of(source, inputs)
    found, swept = of_the_whole(b, wrt), b.graph.derive("", wrt, upstream=True)
    prove(found)
    assert any(step.line.has(Delta) and step.family == "own" for step in found.steps) == (wrt in b.members)
    assert normal(found.result - swept.result) == 0
    with pytest.raises(ProofError, match="Line 3" if wrt not in b.members else "Line 5"):
        prove(planted(found, "one", lambda line: 2 * line))


def test_a_vector_that_a_batch_makes_a_matrix_is_printed_as_a_capital() -> None:
    one = derive.graph("x: [n]\ny_hat: [n]\nX: real\nmu: [n]\nu: [n]\nt: label[n]\nu0 = x*mu - X*y_hat\nL = u @ u0 + u0[t]")
    graph = one.batched("x", "y_hat", "mu", "t")
    assert graph.shown == (("y_hat", "Y_hat"), ("u0", "U0"))
    assert "X" in graph.members, "x keeps its name, since X is another's"
    assert derive.graph("affine").shown == ()


def test_the_page_speaks_french(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, LOSS, "--batch", "x,y", "--wrt", "W", "--lang", "fr")
    for words in ("Définition pour un exemple", "Gradient de la moyenne", "ne dépend que de ses propres composantes"):
        assert words in page


def test_a_batch_is_run_at_values(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "f = (x - c)**2", "--batch", "x", "--at", "x=[1, 2, 6], c=2", "--wrt", "c")
    assert "J = 1/3" in page or "≈" in page
    assert derive.graph("f = (x - c)**2").batched("x").at(x=[1, 2, 6], c=2).grad["c"] == pytest.approx(-2 / 3 * 3)


def test_the_data_hold_the_reasoning(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["explain", LOSS, "--batch", "x,y", "--wrt", "W", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["batch"]["axis"], data["batch"]["index"]) == ("N", "n")
    assert [d["wrt"] for d in data["batch"]["one"]] == ["W"]
    assert [d["wrt"] for d in data["batch"]["all"]] == ["L", "a", "W"]
    assert {(d["of"], d["wrt"]) for d in data["derivations"]} >= {("J", "W")}


@pytest.mark.parametrize(("inputs", "message"), [("", "No input is named"), ("q", "There is no input q")])
def test_a_wrong_name_is_refused(inputs: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", LOSS, "--batch", inputs]) == 1
    assert message in capsys.readouterr().err


def test_a_lecture_shows_a_gradient_for_all_examples() -> None:
    blocks = f"```derive define net\n{LOSS}\n```\n\n```derive gradient net\nwrt: W\nbatch: x, y\n```\n".replace("; ", "\n")
    lecture = read_lecture(f"---\ntitle: T\nlang: en\n---\n# S\n\n{blocks}", "lecture.md", Path())
    page = render_text(build_lecture(lecture, "en"), 120, False)
    assert "∇_W J = (∇_A J)ᵀ X" in page
