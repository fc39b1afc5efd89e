"""Inverses and determinants from the definition to the page: proved, in matrix form, in NumPy, drawn, and refused by kernels."""

from __future__ import annotations

import pytest

import derive
from cases.inverses import DEFINITIONS, STACKS
from derive.calculus.matrix_algebra import Det, Identity, Inverted, MatMul, Tensor, Transpose, det, inverted, product, transposed
from derive.derivation.trail import CANCEL
from derive.errors import DeriveError
from derive.notation.numpy_code import numpy_code
from derive.proof.proof import prove
from derive.teaching.blocks.diagrams import operation_label
from derive.teaching.page import Page
from derive.values.entries import unrolled
from derive.values.operations import by_operation

A, B, X = (Tensor(name, ("n", "n")) for name in "ABx")
b = Tensor("b", ("n", None))


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_every_derivation_is_proved_and_has_a_matrix_form(definition: str) -> None:
    graph = derive.graph(definition)
    for given in graph.inputs:
        found = graph.derive("", given.name, upstream=bool(graph.output.axes))
        assert max(prove(found).errors) < 1e-40
        assert found.form is not None


@pytest.mark.parametrize(("definition", "batched"), STACKS)
def test_the_same_for_many_examples(definition: str, batched: str) -> None:
    graph = derive.graph(definition).batched(batched)
    for given in graph.inputs:
        assert max(prove(graph.derive("", given.name, upstream=bool(graph.output.axes))).errors) < 1e-40


def test_a_matrix_beside_its_inverse_is_left_out() -> None:
    assert product([A, inverted(A), B]) == B
    assert product([inverted(A), A]) == Identity("n")
    assert product([transposed(A), B, inverted(B), transposed(inverted(A))]) == Identity("n")
    assert product([A, inverted(B), b]) == MatMul((A, Inverted(B), b))


def test_the_inverse_of_a_transpose_is_the_transpose_of_the_inverse() -> None:
    assert inverted(Transpose(A)) == Transpose(Inverted(A)) == transposed(inverted(A))
    assert inverted(inverted(A)) == A
    assert det(Transpose(A)) == Det(A)


@pytest.mark.parametrize(
    ("definition", "wrt", "code"),
    [
        ("A: [n, n]; b: [n]; x = solve(A, b)", "b", "np.linalg.solve(A.T, g)"),
        ("A: [n, n]; f = det(A)", "A", "(f * np.linalg.inv(A).T)"),
        ("A: [n, n]; f = logdet(A)**2", "A", "(2 * np.linalg.slogdet(A)[1] * np.linalg.inv(A).T)"),
    ],
)
def test_numpy_solves_where_a_book_inverts(definition: str, wrt: str, code: str) -> None:
    graph = derive.graph(definition)
    form = graph.derive("", wrt, upstream=bool(graph.output.axes)).form
    assert form is not None
    assert numpy_code(form) == code


def test_a_product_of_a_matrix_and_its_inverse_has_a_reason_of_its_own() -> None:
    steps = derive.graph("X: [n, n]; A: [n, n]; f = trace(inv(X) @ A @ X)").derive("f", "X").steps
    assert steps[-1].line == 0
    assert steps[-1].rule == CANCEL
    assert all(s.rule != CANCEL for s in derive.graph("A: [n, n]; B: [n, n]; Y = A + x*B; f = det(Y)").derive("f", "x").steps)


def test_kernels_refuse_them_by_name() -> None:
    for definition, name in (("A: [n, n]; f = det(A)", "det"), ("A: [n, n]; b: [n]; f = sum(solve(A, b))", "inv")):
        with pytest.raises(DeriveError, match=f"Kernels have no function {name}"):
            derive.graph(definition).kernel()


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_each_operation_is_drawn(definition: str) -> None:
    for node in by_operation(derive.graph(definition)).nodes:
        assert operation_label(node, Page("en"))


def test_what_takes_a_matrix_as_a_whole_is_not_drawn_number_by_number() -> None:
    run = derive.graph("A: [n, n]; f = det(A)").at(A=[[1, 2], [3, 5]])
    with pytest.raises(DeriveError, match="f is computed from a matrix as a whole"):
        unrolled(run.source, run.values)
