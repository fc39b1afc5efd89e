"""Each row of the table of identities holds wherever it rewrites a term, and results are shortened by it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from sympy import Abs, Integer, Mul, Pow, Rational, S, Symbol, cos, cosh, exp, sign, sin, sinh

import derive
from derive.calculus.identities import IDENTITIES, Identity, rewritings
from derive.calculus.shortest import shortest
from derive.calculus.terms import ArgMax, AtMost, Below, Delta, Differ, Element, Index, Positive, VectorOf, Where, close, total
from derive.language import library
from derive.proof.proof import prove
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError
from derive.values.real import most_apart, real

X, Y = (Element(Symbol(name, real=True)) for name in "xy")
EPSILON = Element(Symbol("epsilon", real=True, positive=True))
N = Symbol("n", integer=True, positive=True)
FIRST, SECOND = (Index(letter, N) for letter in "ik")
SIGMA, CDF, PDF = (library.function(name) for name in ("sigmoid", "normal_cdf", "normal_pdf"))
ENTRY = Element(Symbol("v", real=True), FIRST)
OTHER = ENTRY.xreplace({FIRST: SECOND})
THIRD = Index("j", N)
FARTHEST = close(ArgMax, [THIRD], Where(Differ(THIRD, SECOND), ENTRY.xreplace({FIRST: THIRD}), S.NegativeInfinity))
SOFTMAX = library.entry("softmax")
VECTOR = close(VectorOf, [FIRST], X * ENTRY)
SQUARES = Mul(X, EPSILON * X + Y, evaluate=False)

EXAMPLES: dict[str, list[Any]] = {
    "σ(−x) = 1 − σ(x)": [SIGMA(-X), X * SIGMA(-X * Y) + SIGMA(-X), SIGMA(-X - Y) ** 2],
    "Φ(−x) = 1 − Φ(x)": [CDF(-X), X * CDF(-2 * X)],
    "φ(−x) = φ(x)": [PDF(-X), X * PDF(-X * Y)],
    "x sign(x) = |x|": [X * sign(X), X**3 * sign(X) * Y, X**2 * Abs(X) * sign(X)],
    "sign(a/x)/x = sign(a)/|x|": [sign(X / EPSILON - 1) / EPSILON, X * sign(Y) / Y, sign(1 - EPSILON**2 / Y) / Y],
    "e^a e^b = e^(a + b)": [
        Mul(exp(X + Y), exp(-X - Y), evaluate=False),
        Mul(EPSILON, exp(X + Y), exp(-X), evaluate=False),
    ],
    "√(x y)/(x y) = 1/√(x y)": [Pow(SQUARES, S.Half) / SQUARES * Y, Pow(SQUARES, S.Half) / SQUARES**2],
    "sin² x + cos² x = 1": [sin(X) ** 2 + cos(X) ** 2, Y * sin(X * Y) ** 2 + 3 * cos(X * Y) ** 2 - X],
    "2 sin x cos x = sin 2x": [2 * sin(X) * cos(X), 6 * Y * sin(X * Y) * cos(X * Y) - X],
    "cosh² x − sinh² x = 1": [cosh(X / 9) ** 2 - sinh(X / 9) ** 2, Y * cosh(X / 9) ** 2 - Y * sinh(X / 9) ** 2 + X],
    "sinh x / cosh x = tanh x": [sinh(X) / cosh(X), Y * sinh(X * Y / 9) / cosh(X * Y / 9)],
    "2 σ(2x) − 1 = tanh x": [2 * SIGMA(2 * X) - 1, Y - 2 * Y * SIGMA(2 * X + 4 * Y), 6 * Y * SIGMA(2 * X) - 3 * Y + 1],
    "𝟙[x > 0] − sign(x) σ(−|x|) = σ(x)": [
        Positive(X) - sign(X) * SIGMA(-Abs(X)),
        Y * sign(Y) * SIGMA(-Abs(Y)) - Y * Positive(Y) - X,
    ],
    "e^(−x) σ(x) = σ(−x)": [exp(-X) * SIGMA(X), Y * exp(X * Y - Y) * SIGMA(Y - X * Y) ** 3],
    "𝟙[i ≠ k] f(i) + δ_ik f(k) = f(i)": [
        ENTRY * Differ(FIRST, SECOND) + OTHER * Delta(FIRST, SECOND),
        X * ENTRY**2 * Differ(FIRST, SECOND) + X * OTHER**2 * Delta(FIRST, SECOND) - Delta(FIRST, SECOND),
    ],
    "argmax_{j ≠ k} is not k": [Differ(FARTHEST, SECOND), X * Delta(FARTHEST, SECOND) + Y],
    "Σ_i f(z)_i of a function of vectors whose entries add up to a number": [
        total(SOFTMAX(VECTOR, THIRD), THIRD),
        X - Y * total(SOFTMAX(VECTOR, THIRD), THIRD),
    ],
    "𝟙[a > 0] of positive numbers": [
        Positive(2 * EPSILON),
        X * Positive(-EPSILON),
        Where(Positive(EPSILON**2 + EPSILON), X, Y),
    ],
    "𝟙[i < k] + 𝟙[k < i] = 𝟙[i ≠ k]": [
        Below(FIRST, SECOND) + Below(SECOND, FIRST),
        ENTRY * Below(FIRST, SECOND) + ENTRY * Below(SECOND, FIRST) + X,
    ],
    "𝟙[i < k] + 𝟙[k ≤ i] = 1": [
        Below(FIRST, SECOND) + AtMost(SECOND, FIRST),
        ENTRY * Below(FIRST, SECOND) + ENTRY * AtMost(SECOND, FIRST),
    ],
}
"""For each row, terms that it rewrites."""


SMOOTH = {"𝟙[x > 0] − sign(x) σ(−|x|) = σ(x)"}
"""Rows that hold but at 0, where the slopes of max(0, x) and |x| are conventions: the row has that of softplus."""


def gap(row: Identity, term: Any) -> float:
    """How far a term and what a row makes of it are apart at most, at points of either sign and where both are 0, wherever the
    term has a value.
    """
    (new,) = rewritings(term, (row,))
    chance, apart = random.Random(row.name), 0.0
    for k in range(row.name in SMOOTH, 12):
        x, y = (Rational(chance.randint(-40, 40), 7) if k else Integer(0) for _ in "xy")
        values = {"x": x, "y": y, "epsilon": Rational(chance.randint(1, 20), 9), "v": [Integer(3), Rational(-1, 2), Integer(2)]}
        point = Evaluator({N: 3}, {name: _array(value) for name, value in values.items()})
        indices = tuple(sorted(term.atoms(Index) & {FIRST, SECOND}, key=str))
        try:
            one = point.array(term, indices).ravel()
        except DomainError:
            continue
        two = point.array(new, indices).ravel()
        apart = max(apart, *(float(most_apart(a, b)) for a, b in zip(one, two, strict=True)))
    return apart


def _array(value: Any) -> Any:
    return np.array([real(v) for v in value] if isinstance(value, list) else real(value), dtype=object)


@pytest.mark.parametrize("row", IDENTITIES, ids=lambda row: row.name)
def test_a_row_holds_wherever_it_rewrites_a_term(row: Identity) -> None:
    assert EXAMPLES[row.name]
    assert [gap(row, term) < 1e-25 for term in EXAMPLES[row.name]] == [True] * len(EXAMPLES[row.name])


def test_every_row_has_terms_for_which_it_is_shown() -> None:
    assert list(EXAMPLES) == [row.name for row in IDENTITIES]


def test_a_wrong_row_is_seen() -> None:
    wrong = Identity("σ(−x) = 1 − σ(x)", IDENTITIES[0].kinds, lambda t: -SIGMA(X) if t == SIGMA(-X) else t)
    assert gap(wrong, SIGMA(-X)) > 1e-3


@pytest.mark.parametrize(
    ("source", "wrt", "result"),
    [
        ("y = softplus(x) - softplus(-x)", "x", "1"),
        ("y = sigmoid(x) + sigmoid(-x)", "x", "0"),
        ("y = abs(x)**3", "x", "3*Abs(x)*x"),
        ("x: real; y = sin(x)**2/2 + x*cos(x)**2 + x*sin(x)**2", "x", "sin(x)*cos(x) + 1"),
        ("x: real; eps: positive; y = where(2*eps < 0, x, 3*x)", "x", "3"),
    ],
)
def test_results_are_shortened_by_identities(source: str, wrt: str, result: str) -> None:
    found = derive.graph(source).derive(wrt=wrt)
    prove(found)
    assert str(found.result) == result


def test_an_identity_is_used_only_where_it_shortens() -> None:
    assert shortest(-Y * SIGMA(-X * Y)) == -Y * SIGMA(-X * Y)
    assert shortest(1 - SIGMA(-X)) == SIGMA(X)


def test_an_entry_of_a_probability_may_be_zero() -> None:
    entry = Element(Symbol("p", real=True, positive=True), FIRST)
    assert shortest(Positive(entry)) == Positive(entry)
