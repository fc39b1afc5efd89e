"""Sums that stay as their author wrote them: what is found for definitions of books, and what becomes of an atom."""

from __future__ import annotations

import pytest
from sympy import Mul, Symbol

import derive
from derive.calculus.kept import kept, plainly, preferred, released, written_sums
from derive.calculus.normal import normal, powers_joined, pulled
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element, Index, Kept, total
from derive.derivation.derivation import Derivation
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.proof import prove
from oracles.reasons import complaints

n = Symbol("n", integer=True, positive=True)
i, k = Index("i", n), Index("k", n)


def tensor(name: str) -> Element:
    return Element(Symbol(name, real=True))


def entry(name: str, index: Index) -> Element:
    return Element(Symbol(name, real=True), index)


a, b, c, x, y = map(tensor, "abcxy")

# what is typed, by what it is differentiated, what is printed
BOOKS = {
    ("K = log(s/t) + (t**2 + (mu - nu)**2)/(2*s**2) - 1/2", "s"): "1/s − (t² + (μ − ν)²) / s³",
    ("f = (3/2 - x + x*y)**2 + (9/4 - x + x*y**2)**2", "y"): "2 x (3/2 − x + x y) + 4 x y (9/4 − x + x y²)",
    ("f = (1 - x)**2 + 100*(y - x**2)**2", "x"): "−2 (1 − x) − 400 x (y − x²)",
    ("f = (x**2 + y - 11)**2 + (x + y**2 - 7)**2", "x"): "2 (x + y² − 7) + 4 x (x² + y − 11)",
    ("X: [N, D]; y: [N]; w: [D]; J = mean((X @ w + b - y)**2)", "b"): "2/N Σ_i (Σ_j X_ij w_j + b − y_i)",
    ("x: [N]; l = -sum((x - mu)**2)/(2*s**2)", "mu"): "1/s² Σ_i (x_i − μ)",
    ("x: [N, d]; c: [K, d]; r: [N, K]; J = sum(r[n, k]*(x[n, i] - c[k, i])**2 for n in N for k in K for i in d)", "x"): (
        "2 Σ_k r_nk (x_ni − c_ki)"
    ),
    ("y: [N]; W: [N, N]; E = sum(W[i, j]*(y[i] - y[j])**2 for i in N for j in N)", "y"): "2 Σ_j (W_ij + W_ji) (y_i − y_j)",
    ("E = (1 - alpha)*(x - m)**2 + alpha*(x - n)**2", "m"): "2 (1 − α) (m − x)",
    ("g = log(1 + (x - m)**2/(nu*s**2))", "s"): "−2 (x − m)² / (s ((x − m)² + ν s²))",
    ("f = x/sqrt(1 + x**2)", "x"): "1/(1 + x²)^(3/2)",
    ("t: positive; k: positive; s: positive; f = k*log(s) + (t/s)**k", "s"): "(k/s) (1 − (t/s)^k)",
    ("f = sqrt(x**2 + 1)/2 + x", "x"): "x / (2 √(x² + 1)) + 1",
}


def found(definition: str, wrt: str) -> Derivation:
    return derive.graph(definition.replace("; ", "\n")).derive("", wrt)


def printed(result: Derivation) -> str:
    return text(layout(result.result, context_of(result.graph).beside(result.indices)))


@pytest.mark.parametrize(("definition", "wrt"), BOOKS)
def test_a_bracket_of_the_definition_stays(definition: str, wrt: str) -> None:
    result = found(definition, wrt)
    assert printed(result) == BOOKS[definition, wrt]
    assert prove(result)
    assert not complaints(result)


@pytest.mark.parametrize(("definition", "wrt"), BOOKS)
def test_no_line_has_an_atom(definition: str, wrt: str) -> None:
    assert not any(step.line.has(Kept) for step in found(definition, wrt).steps)


def test_what_is_shorter_for_good_is_multiplied_out() -> None:
    assert printed(found("f = (x + y)**2 - (x - y)**2", "x")) == "4 y"


# ---------------------------------------------------------------- atoms


def test_of_a_difference_that_reads_both_ways_one_is_minus_the_other() -> None:
    assert Kept(entry("y", i) - entry("y", k)) == -Kept(entry("y", k) - entry("y", i))


def test_an_atom_has_the_sign_that_its_author_gave_it() -> None:
    written = written_sums((1 - a) ** 2)
    assert kept(a - 1, written) == -Kept(1 - a)
    assert kept(2 - 2 * a, written) == 2 * Kept(1 - a)


def test_a_sum_that_nobody_wrote_is_no_atom() -> None:
    assert not kept((a + c) ** 2, written_sums((a - c) ** 2)).has(Kept)


def test_a_sum_of_indices_is_no_atom() -> None:
    shifted = Element(Symbol("x", real=True), i + 1)
    assert not kept(shifted, written_sums(shifted)).has(Kept)


def test_an_atom_that_has_become_a_number_is_none() -> None:
    assert Kept(entry("y", i) - entry("y", k)).xreplace({k: i}) == 0


def test_the_normal_form_leaves_an_atom_alone() -> None:
    square = (entry("x", i) - a) ** 2
    line = kept(total(square, i), written_sums(square))
    assert normal(line) == line
    assert normal(plainly(line)) == normal(total(square, i)) != total(square, i)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (-2 * Kept(a - b), Mul(2, b - a, evaluate=False)),
        (-c * Kept(a - b), c * (b - a)),
        (-c * Kept(1 - b), -c * (1 - b)),
        (Mul(-2, c * Kept(a - b) + x * Kept(a - y), evaluate=False), Mul(2, c * (b - a) + x * (y - a), evaluate=False)),
        (-total(Kept(entry("x", i) - a), i), total(a - entry("x", i), i)),
    ],
)
def test_a_minus_is_taken_into_a_difference(term: object, expected: object) -> None:
    assert released(term) == expected


def test_a_form_with_its_brackets_may_cost_a_little_more() -> None:
    cube = (a - x**2) ** 2 * x
    assert preferred(kept(cube, written_sums(cube)), shortest(cube))
    assert not preferred(Kept(a + b) - Kept(a - b), 2 * b)


# ---------------------------------------------------------------- powers and numbers


def test_powers_of_one_base_are_one() -> None:
    assert powers_joined(x * x ** (k - 1)) == x**k
    assert powers_joined((x / y) ** (k - 1) * x / y) == (x / y) ** k
    assert powers_joined(x ** (k - 1) * y) == x ** (k - 1) * y


def test_a_number_comes_out_of_a_sum_but_makes_no_whole_number_greater() -> None:
    assert pulled(total(2 * entry("x", i) - 2 * a, i)) == 2 * total(entry("x", i) - a, i)
    assert pulled(total(1 - entry("x", i) / 2, i)) == total(1 - entry("x", i) / 2, i)
