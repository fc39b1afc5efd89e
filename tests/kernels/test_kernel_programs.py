"""From a derivation to loops: what is rewritten stays equal, what is scheduled is what a person would write."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from sympy import exp, tanh

import derive
from derive.calculus.terms import Element, Sum, free_indices
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.kernels import module
from derive.kernels.cpu.regions import fetched, reused_rows, storage
from derive.kernels.cpu.schedule import Region, Schedule, schedule
from derive.kernels.program import lengths
from derive.kernels.program.program import Program, derivations, equal, program
from derive.kernels.program.simple import DEEP, depth, simple, weight
from derive.kernels.program.stable import exp_nonpositive, stable
from derive.kernels.program.statements import MatrixProduct
from derive.kernels.target import TARGETS
from derive.language import library
from derive.language.batching import batch
from derive.proof import points
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError
from oracles.extremes import ALLOWED, made, worst
from oracles.random_graphs import random_graph


def whole(name: str, *batched: str) -> Program:
    graph = library.load(name) if name in library.names() else derive.graph(name)
    graph = batch(graph, batched).graph if batched else graph
    return program(graph, [i.name for i in graph.inputs if i.differentiable])


def scheduled(name: str, *batched: str) -> Schedule:
    return schedule(simple(stable(whole(name, *batched))))


# ---------------------------------------------------------------- programs


def test_a_program_reads_every_tensor_after_it_is_assigned() -> None:
    for name in library.names():
        known = {i.name for i in whole(name).inputs}
        for assign in whole(name).assigns:
            assert assign.reads <= known, f"{name}: {assign.name}"
            known.add(assign.name)


def test_what_no_output_needs_is_not_computed() -> None:
    assert [a.name for a in whole("mse").assigns] == ["L", "grad_yhat", "grad_y"]
    graph = library.load("softmax_cross_entropy_label")
    assert [a.name for a in program(graph, ["z"], value=True).assigns] == ["p", "L", "grad_z"]


def test_a_program_reads_like_mathematics() -> None:
    lines = str(simple(stable(whole("softmax_cross_entropy_label", "z", "t")))).splitlines()
    assert lines[:3] == ["largest_n = max_i z_ni", "shifted_ni = e^(z_ni − largest_n)", "sum_n⁽¹⁾ = Σ_i shifted_ni"]
    assert lines[-1] == "(grad_z)_ni = c₂ (shifted_ni c_n⁽¹⁾ − δ_{i,t_n})"


@pytest.mark.parametrize("name", library.names())
def test_simple_programs_have_binders_on_the_outside_alone(name: str) -> None:
    for assign in simple(stable(whole(name))).assigns:
        body = assign.term.args[0] if isinstance(assign.term, Sum) else assign.term
        assert not body.atoms(Sum), f"{name}: {assign.name}"


def test_a_chain_of_functions_is_not_nested_without_end() -> None:
    lines = ["x: [n]", "h0 = tanh(x)", *(f"h{k} = tanh(h{k - 1})" for k in range(1, 100)), "f = sum(h99)"]
    made = simple(stable(program(derive.graph("\n".join(lines)))))
    assert max(depth(a.term) for a in made.assigns) <= DEEP + 3


# ---------------------------------------------------------------- stable forms


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "softmax_cross_entropy", "attention", "mlp"])
def test_no_exponential_is_taken_of_what_may_be_large(name: str) -> None:
    assert any(a.term.atoms(exp_nonpositive) for a in stable(whole(name)).assigns)
    sums = [a for a in stable(whole(name)).assigns for s in a.term.atoms(Sum) if s.body.has(exp)]
    assert sums == []


SHIFTED = [
    "A: [m, n]; x: [n]; L = logsumexp(A @ x)",
    "A: [m, n]; x: [n]; y = softmax(relu(A @ x))",
    "S: [T, U]; V: [U, D]; A[i, e] = sum(exp(S[i, j])*V[j, e] for j in U)/sum(exp(S[i, j]) for j in U)",
    "x: [n]; w: [m]; L = sum(w[k]*exp(x[j]) for k in m for j in n)",
    "x: [n]; y: [n]; y[i] = exp(x[i])/sum(exp(x[j]) for j in n if j <= i)",
]
"""Sums whose terms mention more indices than their exponents do: as a factor, in a condition, under the same sum."""


@pytest.mark.parametrize("text", SHIFTED)
def test_the_maximum_of_exponents_has_the_axes_that_they_and_their_conditions_mention(text: str) -> None:
    program = stable(whole(text))
    assert any(a.term.atoms(exp_nonpositive) for a in program.assigns)
    for assign in program.assigns:
        assert free_indices(assign.term) <= {*assign.indices}, assign.name


def test_no_logarithm_is_taken_of_a_probability() -> None:
    loss = stable(whole("softmax_cross_entropy_label", "z", "t")).assigned["L"]
    assert str(loss.term) == "log(Sum_@1(shifted[n,@1])) - together(-largest[n] + z[n,t[n]])"
    assert "log" not in str(stable(whole("binary_cross_entropy")))


def test_what_is_left_of_one_is_computed_from_the_rest() -> None:
    assert "1 − q" in str(whole("focal_loss"))
    assert "1 − q" not in str(stable(whole("focal_loss")))


def test_a_function_of_one_argument_is_evaluated_once_however_it_is_written() -> None:
    found = simple(stable(whole("x: [n]; y = gelu_tanh(x)")))
    assert len({t for a in found.assigns for t in a.term.atoms(tanh)}) == 1


def test_a_planted_mistake_in_a_rewrite_is_found() -> None:
    before = stable(whole("softmax_cross_entropy_label", "z", "t"))
    for assign in before.assigns:
        wrong = replace(before, assigns=tuple(replace(a, term=2 * a.term) if a is assign else a for a in before.assigns))
        with pytest.raises(ProofError, match=f"changes .*{assign.name}|changes"):
            equal(before, wrong, "a planted mistake")


def test_numbers_of_which_50_digits_know_too_few_are_compared_in_more() -> None:
    before = whole("x: [n]; a = exp(x); y = sin(10**24*a)*log(1 + a)")  # as they are after many layers
    assert "log1p" in str(stable(before))
    wrong = replace(before, assigns=tuple(replace(a, term=a.term + 1) if a.name == "y" else a for a in before.assigns))
    with pytest.raises(ProofError, match="changes y"):
        equal(before, wrong, "a planted mistake")


# ---------------------------------------------------------------- schedules


def regions(found: Schedule) -> list[Region]:
    return [s for s in found.stages if isinstance(s, Region)]


def test_cross_entropy_is_one_pass_over_rows() -> None:
    (region,) = regions(scheduled("softmax_cross_entropy_label", "z", "t"))
    assert region.kind == "rows"
    assert [len(nest.loops) for nest in region.nests] == [1, 1, 0, 1]


def test_layer_norm_forward_and_backward_is_one_pass_over_rows() -> None:
    (region,) = regions(scheduled("layer_norm", "x"))
    assert region.kind == "rows"
    assert {"y", "grad_x", "grad_gamma", "grad_beta"} <= {s.name for s in region.statements}


def test_batch_norm_reads_whole_rows_three_times() -> None:
    found = [r for r in regions(scheduled("batch_norm")) if any(nest.loops for nest in r.nests) and r.kind == "rows"]
    assert len(found) == 3


def test_a_sum_over_rows_waits_for_the_pass_that_reads_them_anyway() -> None:
    first, second, *_ = [r for r in regions(scheduled("batch_norm")) if r.kind == "rows"]
    assert "G" not in first.reads
    assert {"grad_beta", "G"} <= {s.name for s in second.statements} | second.reads


def test_exponentials_lie_in_the_row_of_the_gradient_and_the_next_row_is_fetched() -> None:
    found = scheduled("softmax_cross_entropy_label", "z", "t")
    (region,) = regions(found)
    where = storage(region, ["z", "t", "grad_z"], ["c2"])
    assert reused_rows(region, where) == {"shifted": "grad_z"}
    assert [shares.get("z") for shares in fetched(region)] == [None, (0, 2), None, (1, 2)]


def test_a_row_that_is_read_after_another_is_made_of_it_does_not_reuse_its_memory() -> None:
    (region,) = regions(scheduled("x: [N, n]; e[i, j] = exp(x[i, j]); y[i, j] = e[i, j]*sum(e[i, k] for k in n)*e[i, n - 1 - j]"))
    assert not reused_rows(region, storage(region, ["x", "y"], []))


def test_elementwise_functions_are_vectors() -> None:
    (region,) = regions(scheduled("x: [n]; y = gelu(x)"))
    assert region.kind == "blocks"


def test_layers_of_a_batch_are_matrix_products() -> None:
    found = [s for s in scheduled("mlp", "x", "t").stages if isinstance(s, MatrixProduct)]
    assert {s.name for s in found} >= {"grad_W1", "grad_W2", "grad_h", "grad_x"}
    assert len(found) == 6


def test_attention_has_six_matrix_products_and_one_pass_over_its_rows() -> None:
    found = scheduled("attention", "Q", "K", "V")
    assert sum(isinstance(s, MatrixProduct) for s in found.stages) == 6
    assert any({"P", "grad_S"} <= {s.name for s in region.statements} for region in regions(found))


def test_a_scatter_runs_where_no_two_threads_meet() -> None:
    region = next(r for r in regions(scheduled("embedding_sequence")) if any(s.scatter for s in r.statements))
    scatter = next(s for s in region.statements if s.scatter)
    assert region.outer in scatter.indices


# ---------------------------------------------------------------- cost


def test_a_function_costs_more_than_arithmetic_and_an_entry_nothing() -> None:
    graph: Graph = derive.graph("x: [n]; y = exp(x) + 2*x")
    (node,) = graph.nodes
    element = next(iter(node.expr.atoms(Element)))
    assert weight(element) == 0
    assert weight(2 * element) < weight(1 / element) < weight(exp(element))


# ---------------------------------------------------------------- long axes of a given size

GIVEN = [
    "x: [12]; y = softmax(x)",
    "W: [10, 9]; x: [9]; b: [10]; L = sum((W @ x + b)**2)",
    "x: [30]; w: [11]; y: [20]; y[o] = sum(w[k]*x[o + k] for k in 11)",
    "E: [20, 9]; t: label[20]; L = sum(E[t, j]**2 for j in 9)",
    "x: [12]; L = x[11]**2 + mean(x[i] for i in 12 if i < 5)",
    "x: [40]; k: [40]; f = sum(x[i]*k[j] for i in 40 for j in 40 if j <= i)",
    "x: [9, 10, 11]; f = max(x)",
]


@pytest.mark.parametrize("text", GIVEN)
def test_a_length_that_has_a_name_for_a_while_changes_no_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in TARGETS:
        named = derive.graph(text).kernel(target=target).source
        with monkeypatch.context() as patch:
            patch.setattr(lengths, "LONG", 1 << 30)
            assert derive.graph(text).kernel(target=target).source == named


LONG = {
    "x: [999999]; f = sum(x)": "proved",
    "x: [10000]; y = softmax(x)": "proved",
    "W: [512, 784]; x: [784]; y = W @ x": "proved",
    "x: [64, 3, 224, 224]; g: [3]; y[n, c, i, j] = g[c]*x[n, c, i, j]": "proved",
    "z: [4096, 50257]; t: label[50257]; L = sum(z[n, t]**2 for n in 4096)": "proved",
    "x: [5001]; w: [51]; y: [4951]; y[o] = sum(w[k]*x[o + k] for k in 51)": "too large",
    "x: [100000]; f = sum(x[i] for i in 100000 if i < 5)": "too large",
}


@pytest.mark.parametrize("text", LONG)
def test_no_more_numbers_are_drawn_for_a_long_axis_than_for_a_short_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    draw = points.draw_input
    monkeypatch.setattr(
        points, "draw_input", lambda *given, **options: (made := draw(*given, **options), drawn.append(np.size(made)))[0]
    )
    source = derive.graph(text).kernel().source
    assert sum(drawn) < 20_000
    assert ("too large" in source) == (LONG[text] == "too large")


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("x: [12]; f = sum(x)", False),
        ("x: [12]; y: [12]; f = sum(x[i]*y[j] for i in 12 for j in 12 if i != j)", False),
        ("x: [12, 20]; t: label[20]; f = sum(x[i, t] for i in 12)", False),
        ("x: [12]; f = sum(x[i] for i in 12 if i < 5)", True),
        ("x: [12]; f = x[11]", True),
        ("x: [12]; f = sum(i*x[i] for i in 12)", True),
        ("x: [12]; y: [10]; f = sum(x[i + 2]*y[i] for i in 10)", True),
    ],
)
def test_a_derivation_is_proved_by_that_for_any_length_where_no_place_is_computed_with(text: str, own: bool) -> None:
    graph = derive.graph(text)
    found = derivations(graph, [i.name for i in graph.inputs if i.differentiable])
    assert all((ours is theirs) is own for ours, theirs in zip(lengths.proofs(graph, found), found, strict=True))


def test_a_derivation_that_is_wrong_is_not_proved_by_that_for_any_length() -> None:
    graph = derive.graph("x: [12]; f = sum(x**2)")
    (found,) = derivations(graph, ["x"])
    wrong = replace(found, steps=(*found.steps[:-1], replace(found.steps[-1], line=2 * found.steps[-1].line)))
    assert lengths.proofs(graph, [wrong]) == [wrong]


# ---------------------------------------------------------------- what is too long

TOO_LONG = {
    "twenty matrices": "\n".join([*(f"M{k}: [n, n]" for k in range(20)), "f = " + "@".join(f"M{k}" for k in range(20))]),
    "one matrix ten times": "A: [n, n]; f = " + "@".join("A" * 10),
}


@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_what_would_take_too_long_is_refused_with_a_count(text: str) -> None:
    with pytest.raises(DeriveError, match=r"too long for a kernel: .*\d,\d{3} .* are the most"):
        derive.graph(text).kernel()


def test_derivations_that_are_too_long_to_prove_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 0)
    graph = derive.graph("f = (u + v)*w*exp(u*w)")
    assert "but for the gradients by w, which are too large" in graph.kernel(wrt="w").source


# ---------------------------------------------------------------- whatever is drawn


@pytest.mark.parametrize("seed", range(3))
def test_a_random_graph_has_kernels_or_is_refused(seed: int) -> None:
    """Text alone, nothing is compiled: no exception but those of the family, whatever the options."""
    chance = random.Random(f"kernels {seed}")
    text = random_graph(chance).text
    graph = derive.graph(text)
    inputs, moving = [i.name for i in graph.inputs], [i.name for i in graph.inputs if i.differentiable]
    for target in TARGETS:
        batched = chance.sample(inputs, chance.randint(0, len(inputs)))
        wrt = chance.sample(moving, chance.randint(0, len(moving)))
        try:
            source = graph.kernel(target=target, batch=batched, wrt=wrt, wrap=chance.choice(("", "torch"))).source
        except DeriveError:
            continue
        compile(source, "kernel", "exec")


# ---------------------------------------------------------------- brackets

FACTORS = ("sqrt({a})", "sin({a})", "cos({a})", "exp({a})", "log({a})", "({a})**2", "({a})**y", "({a})/x", "max({a}, {b})")
JOINED = ("{a} + {b}", "{a} - {b}", "{a}*({b})", "({a})*({b})", "({a})/({b})", "({a} - 1)*({b} + 1)", "({a} - {b})/({b} + 2)")


def formula(chance: random.Random, depth: int) -> str:
    """A formula of three positive numbers, of sums, products, quotients and functions of each other."""
    if not depth:
        return chance.choice("xyz")
    shape = chance.choice(FACTORS if chance.random() < 0.5 else JOINED)
    return shape.format(a=formula(chance, depth - 1), b=formula(chance, depth - 1))


@pytest.mark.parametrize("seed", range(60))
def test_printed_terms_are_bracketed_as_they_are_meant(seed: int) -> None:
    """sqrt(x) - 1 begins with a call and is none: 2*(sqrt(x) - 1) needs its brackets."""
    chance = random.Random(seed)
    text = f"x: positive; y: positive; z: positive; u = x*({formula(chance, 3)}) - ({formula(chance, 2)})/(sqrt(y) + z)"
    plain, ours = made(derive.graph(text))
    arrays = {i.name: np.asarray(0.5 + chance.random()) for i in plain.inputs}
    with suppress(DomainError):  # the root of a negative number
        assert max(worst(plain, ours, arrays, {}, "float64").values()) <= ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        "x: positive[n]; a: real; y = a*(sqrt(x) - 1)",
        "x: [n]; d: real; L = sum(d**2*(sqrt(1 + (x/d)**2) - 1))",
        "a: real; b: real; c: real; x = (sqrt(b**2 + 4*a**2*c**2) - b)/(2*a)",
        "x: positive; y: positive; u = x/(sqrt(x) + y)",
        "u: real; t: real; y = u*(sin(t) + cos(t))",
        "x: real; y = sin(x)/x",
        "x: real; y = log(x + sqrt(x**2 + 1))",
    ],
)
def test_a_sum_that_begins_with_a_call_keeps_its_brackets(text: str) -> None:
    plain, ours = made(derive.graph(text))
    sizes = dict.fromkeys(plain.graph.sizes, 2)
    point = Evaluator(sizes, {})
    arrays = {
        i.name: np.linspace(1.2, 2.1, 2)[: point.size(i.axes[0])] if i.axes else np.asarray(1.7 + k / 7)
        for k, i in enumerate(plain.inputs)
    }
    assert max(worst(plain, ours, arrays, sizes, "float64").values()) <= ALLOWED
