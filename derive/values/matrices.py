"""The determinant and the inverse of matrices of exact numbers, of balls and of power series, by products and sums alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import fmpq

from derive.values.balls import Array


def determinant(matrices: Array) -> Array:
    """The determinants of matrices in the last two axes."""
    return _last(matrices)[0]


def inverse(matrices: Array, reciprocal: Callable[[Array], Array]) -> Array:
    """The inverses of matrices in the last two axes; where `reciprocal` has nothing for the determinant, they have no value."""
    found, adjugate = _last(matrices)
    return np.asarray(adjugate * np.asarray(reciprocal(np.asarray(found, dtype=object)))[..., None, None], dtype=object)


def float_inverse(matrices: Array) -> Array:
    """The inverses in float64; NaN where there is none."""
    matrices = np.asarray(matrices, dtype=float)
    singular = np.linalg.det(matrices) == 0
    regular = np.where(singular[..., None, None], np.eye(matrices.shape[-1]), matrices)
    return np.where(singular[..., None, None], np.nan, np.linalg.inv(regular))


def _last(matrices: Array) -> tuple[Array, Array]:
    """(det A, adj A), where A adj A = det A · I: the algorithm of Faddeev and LeVerrier.

    It divides by whole numbers only and chooses no pivot, so that it decides nothing of a ball, and a number that moves with
    t keeps its slope: what comes out knows no rule for the derivative of an inverse.  Source: Householder, The Theory of
    Matrices in Numerical Analysis (1964), section 6.7.
    """
    n = matrices.shape[-1]
    a, eye = matrices.astype(object), np.eye(n, dtype=int).astype(object)
    adjugate, found = np.broadcast_to(eye, a.shape), None
    for k in range(1, n + 1):
        power = a @ adjugate
        found = np.trace(power, axis1=-2, axis2=-1) * fmpq(1, k)
        if k < n:
            adjugate = np.asarray(found)[..., None, None] * eye - power
    return np.asarray(found, dtype=object), adjugate
