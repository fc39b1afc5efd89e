"""A derivation ends: with a result, or with a message that names the derivative, and after the same work everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

import derive
from derive.calculus import budget, kinks, normal
from derive.calculus import shortest as shortening
from derive.calculus.cost import cost, length
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element
from derive.derivation.choice import derivations
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.language import library
from derive.proof.proof import prove


def opened(text: str) -> Graph:
    """A graph of its own, that remembers nothing from another test."""
    return replace(derive.graph(text))


def continued_fraction(depth: int) -> str:
    inner = "1 + x*y"
    for _ in range(depth - 1):
        inner = f"1 + 1/({inner})*y"
    return f"f = 1/({inner})"


def nested_tanh(depth: int) -> str:
    inner = "x"
    for _ in range(depth):
        inner = f"tanh({inner}*y + {inner})"
    return f"f = {inner}"


def nested_max(depth: int) -> str:
    inner = "x"
    for k in range(depth):
        inner = f"max({inner}, y{k}*x)"
    return f"f = {inner}"


def nested_functions(depth: int) -> str:
    inner = "x"
    for k in range(depth):
        inner = f"{('gelu', 'silu', 'mish')[k % 3]}({inner})"
    return f"f = {inner}"


# the definition, the order: those that took a minute when nothing bounded them, and still have a result
DEAR = (
    (continued_fraction(6), 1),
    (continued_fraction(8), 1),
    (continued_fraction(6), 2),
    (nested_max(12), 1),
    (nested_functions(9), 1),
)


@pytest.mark.parametrize(("text", "order"), DEAR)
def test_a_dear_derivation_is_finished_and_proved(text: str, order: int) -> None:
    found = opened(text).derive("", "x", order=order)
    assert 0 < found.spent <= budget.MOST
    assert prove(found).error < 1e-25


@pytest.mark.parametrize(
    ("text", "order", "name"),
    [(continued_fraction(30), 1, "∂f/∂x"), (nested_tanh(5), 2, "∂²f/∂x∂x"), (nested_max(40), 1, "∂f/∂x")],
)
def test_a_budget_that_is_spent_is_said_to_be(text: str, order: int, name: str) -> None:
    with pytest.raises(DeriveError, match=f"The derivation of {name} is too long") as caught:
        opened(text).derive("", "x", order=order)
    assert not isinstance(caught.value, ProofError)
    assert "names" in caught.value.hint


def test_the_derivations_of_a_page_have_a_budget_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is short; 22 of a product of 20 matrices took 38 seconds."""
    graph = opened("A: [n, n]; B: [n, n]; C: [n, n]; x: [n]; y = A @ B @ C @ x")
    spent = sum(found.spent for found in derivations(graph))
    monkeypatch.setattr(budget, "MOST_TOGETHER", spent - 1)
    with pytest.raises(DeriveError, match="derivations of y are too long together") as caught:
        derivations(graph)
    assert "wrt" in caught.value.hint
    assert derivations(graph, ["A"])


def test_what_is_searched_for_names_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve softmaxes of one another took 34 seconds, most of them to look for each in the lines of all."""
    text = "x: [n]; y = " + "softmax(" * 3 + "x" + ")" * 3
    assert derivations(opened(text))
    monkeypatch.setattr(budget, "MOST_SEARCHED", 1000)
    with pytest.raises(DeriveError, match="1,000 symbols are searched"):
        derivations(opened(text))


def test_second_derivatives_are_counted_before_one_is_derived() -> None:
    names = range(60)
    graph = opened("\n".join(f"x{k}: [n{k}]" for k in names) + "\nf = " + " + ".join(f"sum(x{k}**2)" for k in names))
    with pytest.raises(DeriveError, match="1,830 derivatives of this order"):
        derivations(graph, order=2)
    assert len(derivations(graph, ["x0", "x1"], order=2)) == 5


def test_the_hint_helps() -> None:
    """Each part with a name of its own has a short derivation."""
    parts = ["t0 = 1 + x*y", *(f"t{k} = 1 + y/t{k - 1}" for k in range(1, 20)), "f = 1/t19"]
    graph = opened("\n".join(parts))
    assert all(prove(graph.derive("", name)).error < 1e-25 for name in ("x", "t0", "t18"))


@pytest.mark.parametrize("name", library.names())
def test_the_library_needs_a_fraction_of_the_budget(name: str) -> None:
    graph = derive.graph(name)
    for given in (i for i in graph.inputs if i.differentiable):
        assert graph.derive("", given.name, upstream=bool(graph.output.axes)).spent < budget.MOST / 10


def test_the_work_does_not_depend_on_what_was_derived_before() -> None:
    text = "x: [n]\ns = sum(x**2)\ny = x/sqrt(s)"
    alone = opened(text).derive("", "x").spent
    after = opened(text)
    after.derive("", "s")
    assert after.derive("", "x").spent == alone > 0


# ---------------------------------------------------------------- what is bounded beforehand


def quotients(count: int) -> Graph:
    return opened(f"f = {' + '.join(f'1/(a{k} + b{k}*x)' for k in range(count))}")


def test_a_fraction_is_brought_to_lowest_terms_where_that_is_cheap_and_left_where_it_is_dear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancelled: list[int] = []
    cancel = shortening.cancel
    monkeypatch.setattr(shortening, "cancel", lambda term: cancelled.append(length(term)) or cancel(term))
    shortest.cache_clear()
    shortest(quotients(2).output.expr)
    assert len(cancelled) == 1
    shortest(quotients(8).output.expr)
    assert len(cancelled) == 1


def test_the_bound_on_monomials_is_one() -> None:
    """No numerator or denominator that SymPy finds has more monomials than are foreseen."""
    for text in (
        continued_fraction(4),
        "f = (a + b)/(c + d) + (a + c)/(b + d)**2 + 1/(1 + 1/(a + b))",
        "f = a*(1 + b/(a + c))**3",
    ):
        term = opened(text).output.expr
        masked = term.xreplace({e: e.head for e in term.atoms(Element)})
        for found, foreseen in zip(shortening.cancel(masked).as_numer_denom(), shortening._degrees(masked), strict=True):
            assert len(found.expand().as_ordered_terms()) <= shortening._monomials(foreseen)


def test_a_product_that_would_be_too_long_stays_one() -> None:
    graph = opened(nested_max(12))
    line = graph.derive("", "x").result
    assert length(normal.normal(line)) <= normal.MAX_LENGTH + length(line)
    assert cost(shortest(line)) <= cost(line) or length(line) > 1000


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_functions_of_functions_are_searched_for_kinks_once_each(depth: int) -> None:
    """The work to look at a point does not double with every function that stands inside another."""
    kinks.kinks.cache_clear()
    kinks.kinks(opened(nested_functions(depth)).output.expr)
    assert kinks.kinks.cache_info().misses <= 40 * depth


def test_work_is_counted_where_a_line_is_dropped() -> None:
    spent = budget.Budget("∂f/∂x")
    line = opened(nested_max(3)).output.expr
    spent.spend(line)
    assert spent.spent == length(line)
