"""Lemmas: each row of the rule table, and each slope of a function, shown for generic terms by what does not know the table.

A row says ∂e/∂x = r.  Both sides are evaluated, every derivative in them read off a power series, for terms of every form
that the row is for, at sizes that tell axes apart, and at points that meet each case of both sides.  A row that fails is
used by no proof.  What is shown is the rewrite at work on these terms, not for all terms there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
from sympy import Abs, Function, Rational, S, Symbol, cos, exp, log, sin, sqrt, tanh

from derive.calculus.rules import Rule, slope
from derive.calculus.terms import (
    CACHE,
    ArgMax,
    AtMost,
    Below,
    Bracket,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inverse,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Where,
    free_indices,
    total,
)
from derive.proof.cases import Tally, cases_of, full_grid
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError, Undecided, precision
from derive.values.real import most_apart, real

CLOSE = real(Fraction(1, 10**22))
"""Two sides agree that differ by no more than this, relative to their size."""

POINTS = 2
"""Both sides are compared at so many points at least."""

TRIES = 40
"""So many points are drawn until every case of both sides is met."""

n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
SIZES = {n: 3, m: 2}
i, j, k = Index("i", n), Index("j", n), Index("k", m)
U, V = Element(Symbol("u", positive=True)), Element(Symbol("v", real=True))
T = Label(Element(Symbol("t", integer=True, nonnegative=True)), n)


def x(index: Any) -> Element:
    return Element(Symbol("x", real=True), index)


def y(index: Any) -> Element:
    return Element(Symbol("y", real=True), index)


def w(row: Any, column: Any) -> Element:
    return Element(Symbol("w", real=True), row, column)


def q(row: Any, column: Any) -> Element:
    return Element(Symbol("q", real=True), row, column)


def determinant(entry: Any) -> Any:
    """Of the matrix with these entries of i and j."""
    return total(entry, i, j, kind=Determinant)


def inverse(entry: Any, row: Any, column: Any) -> Any:
    """An entry of the inverse of the matrix with these entries of i and j."""
    return EntryOf(total(entry, i, j, kind=Inverse), row, column)


Terms = tuple[tuple[Any, Element], ...]


@cache
def generic() -> dict[str, Terms]:
    """For each name of a row, terms of the forms that it is for, each with the entry to differentiate by."""
    return {
        "a constant has derivative 0": ((Positive(x(i)), x(j)), (y(i) * V, x(j)), (total(y(j), j), x(i)), (S(3), V)),
        "a constant factor comes out": (
            (3 * y(i) * sin(x(i)), x(j)),
            (V * x(i) * x(j), x(T)),
            (Delta(i, T) * x(i), x(j)),
            (-x(i) / U, x(j)),
        ),
        "the derivative of a sum, term by term": ((x(i) ** 2 + y(i) - sin(x(j)), x(T)), (1 + V + U * V**2 - V * y(i), V)),
        "the derivative goes inside the sum": (
            (total(w(k, j) * x(j) ** 2, j), x(i)),
            (total(Differ(j, T) * exp(x(j) - x(T)), j), x(i)),
            (total(Below(i, j) * AtMost(j, 1) * x(i) * x(j) ** 2, i, j), x(T)),
            (total(Positive(x(j)) * Positive(y(j)) * x(j) ** 3, j), x(i)),
            (total((1 - Positive(x(j) - y(i))) * x(j) ** 2, j), x(T)),
            (total(w(k, j) * w(k, i), k), w(k, j)),
        ),
        "quotient rule": ((exp(x(i)) / total(exp(x(j)), j), x(T)), (sin(V) / (1 + V**2), V)),
        "product rule": ((x(i) * x(j), x(T)), (sin(V) * exp(V) * V**3, V), (x(i) * total(x(j) ** 2, j), x(T))),
        "product rule over an axis": (
            (total(x(j) + y(i), j, kind=Product), x(T)),
            (total(w(k, j) + x(j), k, j, kind=Product), x(i)),
            (total(Where(Differ(j, T), x(j), S.One), j, kind=Product), x(i)),
        ),
        "the largest entry passes its slope on": (
            (total(x(j) * y(j), j, kind=Largest), x(i)),
            (total(w(k, j) * x(j), k, j, kind=Largest), x(i)),
            (total(Where(Differ(j, T), x(j), S.NegativeInfinity), j, kind=Largest), x(i)),
        ),
        "the smallest entry passes its slope on": (
            (-total(-x(j) * y(j), j, kind=Largest), x(i)),
            (-total(-w(k, j) * x(j), k, j, kind=Largest), x(i)),
        ),
        "max passes the slope of the larger argument": (
            (Maximum(S.Zero, x(i)), x(j)),
            (Maximum(V**2, V * U + 1), V),
            (Maximum(x(i), x(j) * y(j)), x(T)),
        ),
        "min passes the slope of the smaller argument": (
            (-Maximum(S.Zero, -x(i)), x(j)),
            (-Maximum(-(V**2), -V * U), V),
            (-Maximum(-x(i), -x(j) * y(j)), x(T)),
        ),
        "each case by itself": (
            (Where(Positive(x(i) - y(i)), x(i) ** 2, sin(x(i))), x(j)),
            (Where(Below(i, j), x(i), x(j) ** 2), x(T)),
            (Where(Differ(i, T), V**3, y(i)), V),
        ),
        "power rule; where a root is always 0, it has slope 0": (
            (sqrt(total((w(k, i) - w(k, j)) ** 2, k)), w(k, T)),
            (total((w(k, i) - w(k, j)) ** 2, k) ** Rational(1, 3), w(k, i)),
            (sqrt(total((w(k, i) - w(k, T)) ** 2, k)), w(k, j)),
        ),
        "power rule, then the chain rule": (
            (x(i) ** 3, x(j)),
            (sqrt(1 + V**2), V),
            (1 / U**2, U),
            ((1 + x(i) ** 2) ** Rational(3, 2), x(j)),
            (U**V, U),
        ),
        "chain rule; where the base is always 0, the power has slope 0": (
            (Abs(x(i) - x(j)) ** U, U),
            (total((w(k, i) - w(k, j)) ** 2, k) ** (U * V**2), U),
        ),
        "chain rule": (
            *((U**V, V), (2**V, V), (U ** (V**2), V), (U**U, U)),
            *((tanh(x(i) * x(j)), x(T)), (log(1 + V**2), V), (exp(total(w(k, j) * x(j), j)), x(i)), (cos(U * y(i)), U)),
        ),
        "log |u| has slope 1/u": ((log(Abs(V)), V), (log(Abs(x(i) * y(j) + V)), x(T)), (log(Abs(determinant(q(i, j)))), q(T, j))),
        "the derivative of a determinant": (
            (determinant(q(j, i)), q(T, j)),
            (determinant(Delta(i, j) * (x(i) ** 2 + U) + y(i) * x(j)), x(T)),
            (determinant(q(i, j) * V**2), V),
        ),
        "the derivative of an inverse": (
            (inverse(q(i, j), i, T), q(j, i)),
            (inverse(q(i, j) + x(j) ** 2, T, T), x(j)),
            (inverse(q(j, i) * U, i, j), U),
        ),
        "a variable by itself has derivative 1": ((V, V), (x(i), x(i))),
        "the entries are independent": (
            (x(i), x(j)),
            (w(k, T), w(k, j)),
            (w(k, i), w(k, j)),
            (x(total(y(j), j, kind=ArgMax)), x(i)),
            (q(i, j), q(j, T)),
        ),
    }


def row_holds(rule: Rule) -> bool | None:
    """Whether a row of the table is shown (True), or a term found for which it is wrong (False); None where there is neither."""
    return _row_holds(rule.name, rule.rewrite)


@lru_cache(maxsize=CACHE)
def _row_holds(name: str, rewrite: Callable[[Any, Element], Any]) -> bool | None:
    sides = [(Deriv(body, by), rewrite(body, by)) for body, by in generic().get(name, ())]
    return _all(_agree(left, right) for left, right in sides if right is not None)


@lru_cache(maxsize=CACHE)
def slopes_hold(function: Any) -> bool | None:
    """Whether the slopes of a function by all its arguments are shown, as of a row."""
    count = len(function.parameters) if hasattr(function, "parameters") else 1
    call = function(*(Element(Symbol(f"a{number}", real=True)) for number in range(count)))
    return _all(_agree(Deriv(call, a), slope(call, number)) for number, a in enumerate(call.args))


def _all(shown: Iterable[bool | None]) -> bool | None:
    """Whether all are shown; False where one is wrong."""
    found = [*shown]
    return False if False in found else None if None in found or not found else True


def functions_in(terms: Iterable[Any]) -> set[Any]:
    """The functions of numbers whose slopes the rules take in some terms."""
    found = {f.func for t in terms for f in t.atoms(Function)}
    return {f for f in found if not issubclass(f, (Bracket, Maximum, Where))}


def _agree(left: Any, right: Any) -> bool | None:
    """Whether two terms are equal at points that meet each case that can be met; None where too few points tell.

    Where the first has a value, so has the second.
    """
    indices = tuple(sorted(free_indices(left) | free_indices(right), key=lambda index: index.name))
    tally, compared = Tally(cases_of((left, right))), 0
    for point in _points(left, right):
        try:
            first = np.ravel(point.array(left, indices))
        except (DomainError, ZeroDivisionError):
            continue
        try:
            sides = first, np.ravel(point.array(right, indices))
        except Undecided:
            continue
        except DomainError:
            return False
        with precision(point.digits):
            if any(most_apart(a, b) > CLOSE * (1 + most_apart(a, 0)) for a, b in zip(*sides, strict=True)):
                return False
        tally.add(point, full_grid(point, indices))
        compared += 1
        if compared >= POINTS and not any(case.needed for case, _ in tally.unmet):
            return True
    return None


def _points(*terms: Any) -> Iterator[Evaluator]:
    """Points at which the letters above, or the arguments of a function, have numbers: small, then larger and smaller."""
    elements = sorted({e for t in terms for e in t.atoms(Element)}, key=str)
    shapes = {e.name: (e.head, tuple(SIZES[n] if _size(a) is n else SIZES[m] for a in e.indices)) for e in elements}
    for number in range(TRIES):
        chance = random.Random(f"lemma {number}")
        scale = (1, 3, Fraction(1, 4), 8)[number % 4]
        yield Evaluator(SIZES, {name: _drawn(head, shape, chance, scale) for name, (head, shape) in shapes.items()})


def _size(index: Any) -> Any:
    return getattr(index, "size", n)


def _drawn(head: Symbol, shape: tuple[int, ...], chance: random.Random, scale: Any) -> Any:
    """Random numbers for a tensor, a label's among its classes."""
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        if head.is_integer:
            out[entry] = chance.randrange(SIZES[n])
        else:
            sign = 1 if head.is_positive else chance.choice((1, -1))
            out[entry] = Fraction(sign * chance.randint(100, 1500), 1000) * scale
    return out
