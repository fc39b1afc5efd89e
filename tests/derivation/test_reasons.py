"""Every reason that a derivation prints is true of the two lines between which it stands; a false one is seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

import derive
from cases import batches
from derive.calculus.rules import RULES
from derive.derivation import examples, exchange, sweep, trail, written
from derive.derivation.choice import derivations, named_on_the_way
from derive.derivation.derivation import Derivation
from derive.derivation.examples import of_the_mean, of_the_whole
from derive.errors import DeriveError
from derive.language import library
from derive.language.batching import batch
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.teaching.blocks import gradient
from derive.teaching.blocks.gradient import LINEAR, cases_layout
from derive.teaching.page import Page
from oracles import reasons
from oracles.random_graphs import random_graph
from oracles.reasons import Between, complaints

DETAILS = ("full", "normal", "brief")


def complaints_at_all_details(found: Derivation) -> list[str]:
    return [f"{found.of} by {found.wrt}, {detail}: {what}" for detail in DETAILS for what in complaints(found, detail)]


# ---------------------------------------------------------------- what is printed


@pytest.mark.parametrize("name", library.names())
def test_the_reasons_of_a_definition_of_the_library_are_true(name: str) -> None:
    graph = derive.graph(name)
    found = derivations(graph)
    assert [what for d in found for what in complaints_at_all_details(d)] == []


@pytest.mark.parametrize(
    "source", ["softmax_cross_entropy", "gaussian_nll", "x: [n]; w: [n]; L = log(1 + exp(-(w @ x)))", "huber"]
)
def test_the_reasons_of_second_derivatives_are_true(source: str) -> None:
    found = derivations(derive.graph(source), order=2)
    assert [what for d in found for what in complaints_at_all_details(d)] == []


def of_examples(source: str, inputs: str) -> Iterator[Derivation]:
    """The derivations that lead from the gradient for one example to those for all."""
    many = batch(derive.graph(source), inputs.split(","))
    for name in named_on_the_way(many.one):
        if many.averaged:
            yield of_the_mean(many, name)
            yield of_the_mean(many, name, by_name=True)
        elif many.members.issuperset(sweep.derivation(many.one, "", name, upstream=True).named):
            yield of_the_whole(many, name)


@pytest.mark.parametrize(("source", "inputs"), batches.CASES, ids=[f"{s.splitlines()[-1]}, {i}" for s, i in batches.CASES])
def test_the_reasons_for_all_examples_are_true(source: str, inputs: str) -> None:
    assert [what for d in of_examples(source, inputs) for what in complaints_at_all_details(d)] == []


@pytest.mark.parametrize("part", range(6))
def test_the_reasons_for_random_graphs_are_true(part: int) -> None:
    wrong: list[str] = []
    for k in range(8 * part, 8 * part + 8):
        text = random_graph(random.Random(f"reasons {k}")).text
        graph = derive.graph(text)
        try:
            context_of(graph)
        except DeriveError:  # two of its names would be printed alike
            continue
        wrong += [f"{text}\n{what}" for d in derivations(graph) for what in complaints_at_all_details(d)]
    assert wrong == []


def test_every_reason_has_a_predicate() -> None:
    said = {rule.name for rule in RULES} | {LINEAR, gradient.LEMMA, "no path leads there"}
    for module in (trail, sweep, written, examples, exchange):
        said |= {text for name, text in vars(module).items() if name.isupper() and isinstance(text, str)}
    said |= {*trail.CANCELLING.values()}
    assert said == set(reasons.RULES)


# ---------------------------------------------------------------- false reasons

PLANTED = (
    ("binary_cross_entropy", "z"),
    ("hard_tanh", "x"),
    ("batch_norm", "X"),
    ("softmax_cross_entropy", "z"),
    ("attention", "S"),
    ("x: [n]; y = min(x[i]**2 for i in n)", "x"),
    ("x: [n]; p = prod(x); y = p*max(x)", "x"),
    ("x: positive; y = x**x + sin(x)/x", "x"),
    ("x: [n]; y = sum(where(x > 0, x**2, 3*x))", "x"),
)

ALSO_TRUE = {
    ("factor", "simplify"),
    ("multiply out", "what does not depend on its index comes out of the sum"),
    ("chain rule", "simplify"),
    ("a variable by itself has derivative 1", "the entries are independent"),
    ("a variable by itself has derivative 1", "simplify"),
    ("put in the gradient found before", "put in under the sum"),
    ("the sums change places", "rearrange"),
}
"""What was done, and what may be said of it as well."""


def steps_between(source: str, wrt: str) -> list[tuple[Between, str]]:
    graph = derive.graph(source)
    found = graph.derive("", wrt, upstream=bool(graph.output.axes))
    lines = [found.subject, *(step.line for step in found.steps)]
    between = [Between(found.graph, a, step.line, step.uses) for a, step in zip(lines[:-1], found.steps, strict=True)]
    for k, step in enumerate(found.steps):
        if step.lemma is not None:  # what is done in a line of a lemma is said of that line alone
            first = not k or found.steps[k - 1].lemma != step.lemma
            start = step.lemma.derivative if first else found.steps[k - 1].inner
            between[k] = Between(found.graph, start, step.inner, step.uses)
    return [(lines, step.rule) for lines, step in zip(between, found.steps, strict=True)]


@pytest.mark.parametrize(("source", "wrt"), PLANTED, ids=[source for source, _ in PLANTED])
def test_another_reason_than_the_true_one_is_seen(source: str, wrt: str) -> None:
    between = steps_between(source, wrt)
    for lines, rule in between:
        assert reasons.RULES[rule](lines) == ""
        passed = {other for other, holds in reasons.RULES.items() if other not in (rule, LINEAR) and holds(lines) == ""}
        assert {(rule, other) for other in passed} <= ALSO_TRUE, f"{lines.before}  ->  {lines.after}"


@pytest.mark.parametrize(("source", "wrt"), PLANTED[:5], ids=[source for source, _ in PLANTED[:5]])
def test_a_line_that_is_left_out_is_seen(source: str, wrt: str) -> None:
    between = steps_between(source, wrt)
    for (one, rule), (two, then) in pairwise(between):
        skipped = replace(two, before=one.before)
        if one.after != two.before:  # where a lemma begins or ends
            continue
        if rule != then and (rule, then) not in SILENT:
            assert reasons.RULES[then](skipped) != "", f"{rule}, {then}: {one.before}  ->  {two.after}"


SILENT = {
    ("multiply out", "recognise the definition"),
    ("recognise the definition", "factor"),
    ("the sums change places", "recognise the definition"),
    ("a variable by itself has derivative 1", "the entries are independent"),
}
"""A definition is recognised in what was multiplied out in passing, too; an entry by itself is one of the independent entries."""


def gradient_of_squares() -> Derivation:
    return derive.graph("x: [n]; y = sum((2*x - 1)**2)").derive("y", "x")


def test_what_is_not_the_definition_letter_by_letter_is_seen() -> None:
    found = derive.graph("binary_cross_entropy").derive("L", "p")
    assert complaints(found) == []
    first = replace(found.steps[0], named=None, opened=())  # as SymPy writes it
    assert any("it is not the definition" in what for what in complaints(replace(found, steps=(first, *found.steps[1:]))))


def test_a_line_that_is_printed_twice_is_seen() -> None:
    found = gradient_of_squares()
    again = replace(found, steps=(*found.steps, replace(found.steps[-1], rule="simplify")))
    assert any("simplify" in what for what in complaints(again))


def test_a_result_that_is_not_finished_is_seen() -> None:
    found = gradient_of_squares()
    place = next(k for k, step in enumerate(found.steps) if step.family == "delta")
    assert any(what.startswith("unfinished") for what in complaints(replace(found, steps=found.steps[:place])))


def reasons_of(source: str) -> list[tuple[str, ...]]:
    graph = derive.graph(source)
    return [tuple(step.rule for step in graph.derive("", i.name).steps) for i in graph.inputs]


@pytest.mark.parametrize(
    "source",
    [
        "A: [n]; B: [n]; L = min(A[i] - B[i] for i in n)",
        "A: [n]; B: [n]; L = max(A[i] - B[i] for i in n)",
        "A: [n]; B: [n]; L = sum(max(A[i] - B[i], B[i])*(B[i] - A[i]) for i in n)",
        "A: [n]; B: [n]; L = sum(min(A[i] - B[i], B[i])*(A[i] - B[i]) for i in n)",
        "A: [n]; B: [n]; L = sum(min(A[i] - B[i], B[i] - A[i]) for i in n)",
    ],
)
def test_reasons_do_not_depend_on_names(source: str) -> None:
    one, other = (reasons_of(source.replace("A", a).replace("B", b)) for a, b in ("xa", "ax"))
    assert one == other
    assert not any("largest" in rule or "larger" in rule for steps in one for rule in steps if "min(" in source)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("x: [n]; L = min(x[i]**2 for i in n)", "i=argmin_j x_j²"),
        ("x: [n]; a: [n]; L = min(x[i] - a[i] for i in n)", "i=argmin_j (x_j − a_j)"),
        ("x: [n]; a: [n]; L = max(x[i] - a[i] for i in n)", "i=argmax_j (x_j − a_j)"),
        ("x: [n]; L = min(x[i]**2 for i in n if i > 1)", "j=argmin_{i>2} x_i²"),
        ("x: [n]; L = sum(x) - max(x[i]**3 for i in n)", "i=argmax_j x_j³"),
    ],
)
def test_cases_are_said_as_the_definition_is(source: str, place: str) -> None:
    found = derive.graph(source).derive("", "x")
    cases = cases_layout(found, Page())
    assert cases is not None
    assert place in text(cases)
