"""Lemmas: every row of the table and every slope has a proof of its own, which a wrong one has not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sympy import Abs, Integer, cos, erf, exp, log, sign, sin, tanh

from derive.calculus import rules
from derive.calculus.functions import Named
from derive.calculus.rules import RULES, Rule
from derive.derivation.sweep import derivation
from derive.errors import ProofError
from derive.language import library
from derive.proof import lemmas, symbolic
from derive.proof.certificate import certify
from derive.proof.lemmas import row_holds, slopes_hold
from derive.proof.proof import prove
from oracles.planted_rules import WRONG, mistakes, opened, planted, wrong_table

FUNCTIONS = [exp, log, sin, cos, tanh, erf, Abs, sign, *filter(None, map(library.function, library.names()))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rewrite.__name__.strip("_"))
def test_every_row_is_a_lemma(rule: Rule) -> None:
    terms = [(body, by) for body, by in lemmas.generic()[rule.name] if rule.rewrite(body, by) is not None]
    assert len(terms) >= 2
    assert row_holds(rule) is True


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_the_slopes_of_every_function_are_lemmas(function: Any) -> None:
    assert slopes_hold(function) is True


PLANTED = [(rule, name) for rule, (_, changes) in WRONG.items() for name in changes]


@pytest.mark.parametrize(("row", "mistake"), PLANTED, ids=lambda v: v if isinstance(v, str) else v.__name__.strip("_"))
def test_a_wrong_row_is_no_lemma(row: Callable[..., Any], mistake: str) -> None:
    change = WRONG[row][1][mistake]

    def wrong(e: Any, x: Any) -> Any:
        right = row(e, x)
        try:
            return None if right is None else change(e, x, right)
        except (AttributeError, TypeError, IndexError):  # it makes no sense of this term
            return right

    rule = next(rule for rule in RULES if rule.rewrite is row)
    assert row_holds(replace(rule, rewrite=wrong)) is False


def test_a_row_without_terms_is_none() -> None:
    assert row_holds(Rule("new", "new", lambda e, x: None)) is None


def test_a_wrong_slope_is_no_lemma() -> None:
    for mistake in mistakes():
        if mistake.function == "_named_slope" and "branch" in mistake.name:
            with planted(mistake):
                assert slopes_hold(library.function("leaky_relu")) is False
            assert slopes_hold(library.function("leaky_relu")) is True
    assert issubclass(library.function("leaky_relu") or object, Named)


def test_no_proof_rests_on_a_row_that_is_wrong() -> None:
    """A mistake that no line shows, for x² has the right slope: the lines agree, the row does not hold."""
    rule = next(rule for rule in RULES if rule.rewrite is rules._power)
    right, text = rule.rewrite, "f = x**2"

    def wrong(e: Any, x: Any) -> Any:
        return None if right(e, x) is None else right(e, x) * (1 if e.exp == 2 else 2)

    try:
        object.__setattr__(rule, "rewrite", wrong)
        with pytest.raises(ProofError, match="The rule “power rule, then the chain rule” is wrong"):
            _ = prove(derivation(opened(text), "f", "x")).kinds
        with pytest.raises(ProofError, match="is wrong"):
            certify(opened(text))
    finally:
        object.__setattr__(rule, "rewrite", right)
    assert "symbolic" in prove(derivation(opened(text), "f", "x")).kinds


def test_a_step_of_a_wrong_row_is_not_symbolic() -> None:
    """The label is that of the table, whose rows are lemmas; what the step was made with is no witness."""
    table = wrong_table(rules._inside_sum, WRONG[rules._inside_sum][1]["one condition lost"])
    found = derivation(opened("x: [n]; f = sum(x[i]**2 for i in n if i < 4)"), "f", "x", rules=table)
    assert symbolic._kind(found, 1) == "numeric"
    right = derivation(opened("x: [n]; f = sum(x[i]**2 for i in n if i < 4)"), "f", "x")
    assert symbolic._kind(right, 1) == "symbolic"


def test_a_known_sum_is_a_fact_only_where_algebra_says_so() -> None:
    graph = opened("z: [C]; p = softmax(z); q: probability[C]; f = sum(p*q)")
    entry, given = graph.nodes[-2].element, graph.members["q"].element
    for element, value, known in ((entry, 1, True), (entry, 2, False), (given, 1, True), (given, 2, False)):
        left = lemmas.total(element, *element.indices)
        assert symbolic._is_fact(graph, left, Integer(value)) is known
