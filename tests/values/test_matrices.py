"""Determinants and inverses of exact numbers, balls and power series, against FLINT's matrices and mpmath."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

import derive
from derive.errors import DeriveError
from derive.values.balls import T_
from derive.values.elementary import reciprocal
from derive.values.matrices import determinant, float_inverse, inverse

SIZES = (1, 2, 3, 5, 8)


def drawn(n: int, seed: int) -> Any:
    chance = random.Random(seed)
    return [[fmpq(chance.randint(-20, 20), chance.randint(1, 9)) for _ in range(n)] for _ in range(n)]


def over(matrices: Any) -> Any:
    return inverse(matrices, np.frompyfunc(reciprocal, 1, 1))


@pytest.mark.parametrize("n", SIZES)
def test_fractions_give_exactly_what_flint_gives(n: int) -> None:
    rows = [drawn(n, seed) for seed in (1, 2)]
    stack, theirs = np.array(rows, dtype=object).reshape(2, n, n), [fmpq_mat(r) for r in rows]
    assert [*determinant(stack)] == [m.det() for m in theirs]
    assert over(stack).tolist() == [[[m.inv()[r, c] for c in range(n)] for r in range(n)] for m in theirs]


@pytest.mark.parametrize("n", SIZES)
def test_a_ball_holds_the_exact_value(n: int) -> None:
    exact = fmpq_mat(drawn(n, 3))
    balls = np.array([[arb(exact[r, c]) for c in range(n)] for r in range(n)], dtype=object)
    assert determinant(balls).item().contains(arb(exact.det()))
    found, theirs = over(balls), exact.inv()
    assert all(found[r, c].overlaps(arb(theirs[r, c])) for r in range(n) for c in range(n))


@pytest.mark.parametrize("n", SIZES)
def test_a_number_that_moves_moves_the_inverse_as_mpmath_says(n: int) -> None:
    rows, place = drawn(n, 4), (n - 1, 0)
    moving = np.array(rows, dtype=object)
    moving[place] = moving[place] + T_
    with mpmath.workdps(40):

        def moved(h: Any) -> Any:
            matrix = mpmath.matrix([[mpmath.mpf(int(x.p)) / int(x.q) for x in row] for row in rows])
            matrix[place] += h
            return matrix

        expected = mpmath.diff(lambda h: (moved(h) ** -1)[0, n - 1], 0), mpmath.diff(lambda h: mpmath.det(moved(h)), 0)
    slopes = over(moving)[0, n - 1].slope, determinant(moving).item().slope
    for slope, theirs in zip(slopes, expected, strict=True):
        assert abs(float(slope) - float(theirs)) <= 1e-9 * (1 + abs(float(theirs)))


def test_what_has_no_inverse_has_no_value_and_says_so() -> None:
    singular = [[1, 2], [2, 4]]
    assert np.isnan(float_inverse(np.array([singular, np.eye(2)]))).any(axis=(1, 2)).tolist() == [True, False]
    g = derive.graph("A: [n, n]; B = inv(A)")
    with pytest.raises(DeriveError, match="B has no value here: the matrix has no inverse: its determinant is 0"):
        _ = g.at(A=singular).values
    run = derive.graph("A: [n, n]; f = det(A)").at(A=singular)
    with pytest.raises(DeriveError, match="The gradient by A has no value here: the matrix has no inverse"):
        run.gradient("A")


def test_values_are_exact_where_they_are_given_so() -> None:
    run = derive.graph("A: [n, n]; b: [n]; x = solve(A, b); f = trace(inv(A))*det(A) + sum(x)").at(A=[[1, 2], [3, 5]], b=[1, 2])
    assert run.exact["f"].item() == Fraction(6)
