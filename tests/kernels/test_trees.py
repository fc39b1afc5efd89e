"""Kernels as trees: each is what Python reads where it is printed, and what may not stand in one is found."""

from __future__ import annotations

import ast

import pytest

import derive
from derive.kernels.cpu import compiled, looped
from derive.kernels.cpu.compiled import IN_RUN
from derive.kernels.cpu.looped import IN_REGION
from derive.kernels.cuda import threads
from derive.kernels.cuda.threads import IN_KERNEL
from derive.kernels.kernel import kernel
from derive.kernels.text import tree
from derive.kernels.text.legal import BINDS, SLOTS, WANTS, Level, checked
from derive.kernels.text.python import EXPRESSIONS, LINES, function_lines, python
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Call,
    Do,
    Expression,
    Function,
    If,
    Line,
    Loop,
    Minus,
    Name,
    Number,
    Operation,
    Return,
    Span,
    Store,
    at,
    called,
    compared,
    minus,
    needed,
    plus,
    times,
    undefined,
    walk,
)
from oracles.python_trees import as_python_reads, told

A, B, C, X = map(Name, "abcx")

WHOLE_RANGE = (
    # definition, batched inputs: together they have all that a tree can be made of
    ("softmax_cross_entropy_label", "z,t"),
    ("layer_norm", "x"),
    ("conv1d_layer", "x"),
    ("max_pool2d", ""),
    ("embedding_sequence", ""),
    ("mlp", "x,t"),
    ("x: [n]; L = prod(x)", ""),
    ("x: [n]; k = argmax(x); L = x[k]**2", ""),
    ("x: [n]; w: positive; y[i] = x[i]**3/w + w**1.5", ""),
    ("A: [m, n]; f = sum(A[i, j]*A[i, j] for i in m for j in n if j <= i)", ""),
)


@pytest.mark.parametrize(("source", "batched"), WHOLE_RANGE)
def test_what_is_printed_is_read_as_the_tree_that_it_is_of(source: str, batched: str, monkeypatch: pytest.MonkeyPatch) -> None:
    functions: list[Function] = []

    def kept(function: Function, level: Level, constants: tuple[str, ...] = ()) -> Function:
        functions.append(checked(function, level, constants))
        return function

    for module in (looped, compiled, threads):
        monkeypatch.setattr(module, "checked", kept)
    for target in ("cpu", "cuda"):
        kernel(derive.graph(source), target, batched, dtype="float64" if target == "cpu" else "float32")
    assert len(functions) > 5
    for function in functions:
        (read,) = ast.parse("\n".join(function_lines(function))).body
        assert as_python_reads(read) == told(function)


def test_a_tree_that_is_printed_as_another_is_found() -> None:
    wrong = Function("f", ("a", "b", "c"), (Return((Operation("*", A, Operation("+", B, C)),)),))
    (read,) = ast.parse("\n".join(function_lines(wrong))).body
    assert as_python_reads(read) != told(wrong)


# ---------------------------------------------------------------- what may stand where

LOOSE = Operation("+", A, B)

WRONG: tuple[tuple[tuple[Line, ...], Level, str], ...] = (
    ((Assign("y", Operation("*", LOOSE, C)),), IN_REGION, "a + b wants brackets in Operation"),
    ((Assign("y", Operation("-", A, LOOSE)),), IN_REGION, "a + b wants brackets in Operation"),
    ((Assign("y", Minus(Operation("*", A, B))),), IN_REGION, "a*b wants brackets in Minus"),
    ((Assign("y", at(LOOSE, ZERO)),), IN_REGION, "Operation is no array of Entry"),
    ((Assign("y", compared(compared(A, "<", B), "==", C)),), IN_REGION, "Comparison is no first of Comparison"),
    ((If(LOOSE, (Assign("y", A),)),), IN_REGION, "Operation is no test of If"),
    ((Do(Call("fill", (X, Span(A, B)))),), IN_REGION, "Span is no arguments of Call"),
    ((Return((A,)),), IN_REGION, "there is no Return"),
    ((Store(at("x", ZERO), A),), IN_RUN, "there is no Store"),
    ((Assign("y", at("x", Span(A, B))),), IN_KERNEL, "there is no Span"),
    ((Assign("y", Name("z")),), IN_REGION, "z is read before it has a value"),
    ((Store(at("z", ZERO), A),), IN_REGION, "z is read before it has a value"),
    ((Assign("y", Name("z")), Assign("z", A)), IN_REGION, "z is read before it has a value"),
    ((If(compared(A, ">", B), (Assign("z", A),)), Assign("y", Name("z"))), IN_REGION, "z is read before it has a value"),
    ((Loop("i", A, (Assign("z", A),)), Assign("y", Name("z"))), IN_REGION, "z is read before it has a value"),
    ((Loop("i", A, (Assign("y", B),)), Assign("y", Name("i"))), IN_REGION, "i is read before it has a value"),
    ((Loop("i", A, (Assign("i", B),)),), IN_REGION, "i counts and is assigned"),
    ((Loop("i", A, (Loop("i", B, (Assign("y", C),)),)),), IN_REGION, "i counts and is assigned"),
)


@pytest.mark.parametrize(("lines", "level", "said"), WRONG)
def test_what_may_not_stand_in_a_tree_is_found(lines: tuple[Line, ...], level: Level, said: str) -> None:
    with pytest.raises(AssertionError, match=r"^f is no function of its level: ") as found:
        checked(Function("f", ("a", "b", "c", "x"), lines), level)
    assert said in str(found.value)


def test_what_both_branches_define_is_known_behind_them() -> None:
    lines = If(compared(A, ">", B), (Assign("z", A),), (Assign("z", B),)), Assign("y", Name("z"))
    assert checked(Function("f", ("a", "b"), lines), IN_REGION).body == lines


def test_every_kind_of_node_has_a_row_in_every_table() -> None:
    expressions, lines = (
        {kind for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, base) and kind is not base}
        for base in (Expression, Line)
    )
    assert set(EXPRESSIONS) == expressions
    assert set(LINES) == lines
    assert set(SLOTS) == expressions | lines
    assert {*BINDS, *WANTS} <= expressions


# ---------------------------------------------------------------- what a tree says


def test_a_function_is_given_what_its_lines_mention_and_calls_what_they_call() -> None:
    lines = (
        Assign("total", Number(0.0, "float64")),
        Loop("i", Name("n"), (Assign("total", Call("accumulate", (Name("total"), at("x", Name("i"))))),)),
        Store(at("totals", ZERO), Name("total")),
    )
    assert undefined(*lines) == {"n", "x", "totals"}
    assert called(*lines) == {"accumulate"}
    assert needed([Assign("i", A), Assign("j", B)], [Assign("y", at("x", Name("j")))]) == (Assign("j", B),)
    assert sum(isinstance(node, Name) for node in walk(*lines)) == 6


def test_short_forms_put_no_brackets_where_none_are_needed() -> None:
    assert python(times(A, times(B, C))) == "a*b*c"
    assert times(A, times(B, C)) == times(times(A, B), C)
    assert python(plus(A, Operation("-", B, C), ONE)) == "a + b - c + 1"
    assert minus(Operation("/", times(A, B), C)) == Operation("/", times(Minus(A), B), C)
    assert python(minus(Brackets(LOOSE))) == "-(a + b)"
