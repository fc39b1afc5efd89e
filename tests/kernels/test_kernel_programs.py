"""From a derivation to loops: what is rewritten stays equal, what is scheduled is what a person would write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import exp, tanh

import derive
from derive.calculus.terms import Element, Sum
from derive.errors import ProofError
from derive.graphs.graph import Graph
from derive.kernels.cpu.regions import fetched, reused_rows, storage
from derive.kernels.cpu.schedule import Region, Schedule, schedule
from derive.kernels.program.program import Program, equal, program
from derive.kernels.program.simple import simple, weight
from derive.kernels.program.stable import REWRITES, exp_nonpositive, stable
from derive.kernels.program.statements import MatrixProduct
from derive.language import library
from derive.language.batching import batch


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
    assert [a.name for a in whole("mse").assigns] == ["L", "grad_y", "grad_yhat"]
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


# ---------------------------------------------------------------- stable forms


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "softmax_cross_entropy", "attention", "mlp"])
def test_no_exponential_is_taken_of_what_may_be_large(name: str) -> None:
    assert any(a.term.atoms(exp_nonpositive) for a in stable(whole(name)).assigns)
    sums = [a for a in stable(whole(name)).assigns for s in a.term.atoms(Sum) if s.body.has(exp)]
    assert sums == []


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


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda r: r.name)
def test_a_planted_mistake_in_a_rewrite_is_found(rewrite: object) -> None:
    before = stable(whole("softmax_cross_entropy_label", "z", "t"))
    for assign in before.assigns:
        wrong = replace(before, assigns=tuple(replace(a, term=2 * a.term) if a is assign else a for a in before.assigns))
        with pytest.raises(ProofError, match=f"changes .*{assign.name}|changes"):
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
