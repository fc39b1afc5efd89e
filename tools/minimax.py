"""The polynomials of `derive/kernels/cpu/device`, computed anew: `python tools/minimax.py [NAME ...]`.

Each set is the best polynomial in the sense of Chebyshev: the exchange algorithm of Remez (Powell, *Approximation Theory and
Methods*, ch. 8-9) in multiple precision, on a fixed fine grid.  Coefficients are rounded to the target's format one by one
from the constant upwards, and what remains is fitted again after each, so that the later ones make up for the rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import mpmath
import numpy as np
from mpmath import mp, mpf

Real = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Fit:
    """f(x) ~ c[0] + c[1] x + ... + c[degree] x^degree for low <= x <= high, with the least maximum of weight * |error|."""

    f: Real
    degree: int
    low: mpf
    high: mpf
    weight: Real


# ---------------------------------------------------------------------------------------------------- what is fitted

mp.dps = 50  # for the ends below; each fit sets its own

HALF_LN2 = mpmath.log(2) / 2 * mpf("1.0001")  # the nearest multiple of ln 2 is found with a rounded 1/ln 2
LOW, HIGH = mpmath.sqrt(mpf("0.5")) - 1, mpmath.sqrt(2) - 1
TINY = mpf(10) ** -9


def _exp(r: mpf) -> mpf:
    """q in e^r = 1 + r + r^2 q(r)."""
    return (mpmath.expm1(r) - r) / r**2 if abs(r) > TINY else mpf(1) / 2 + r / 6


def _log(f: mpf) -> mpf:
    """p in log(1 + f) = f + f^2 p(f)."""
    return (mpmath.log1p(f) - f) / f**2 if abs(f) > TINY else -mpf(1) / 2 + f / 3


def _atanh(z: mpf) -> mpf:
    """p in 2 atanh(s) = 2 s + s z p(z), z = s^2: log(1 + f) for s = f/(2 + f), as in fdlibm's e_log.c."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) - 2 * s) / (s * z) if z > TINY**2 else mpf(2) / 3 + z * 2 / 5


def _erf(u: mpf) -> mpf:
    """p in erf(x) = x + x p(x^2)."""
    x = mpmath.sqrt(u)
    return mpmath.erf(x) / x - 1 if u > TINY**2 else 2 / mpmath.sqrt(mpmath.pi) * (1 - u / 3) - 1


def _erfc(a: mpf) -> mpf:
    """q in erfc(a) = exp(-a q(a))."""
    return -mpmath.log(mpmath.erfc(a)) / a


def _exp_fit(degree: int) -> Fit:
    return Fit(_exp, degree, -HALF_LN2, HALF_LN2, lambda r: r**2 / mpmath.exp(r))


def _erf_fit(degree: int) -> Fit:
    return Fit(_erf, degree, mpf(0), mpf(1), lambda u: mpmath.sqrt(u) / mpmath.erf(mpmath.sqrt(u)) if u else mpf(1))


def _erfc_fit(degree: int, high: float) -> Fit:
    """An error of the exponent counts by what it changes in erf."""
    return Fit(_erfc, degree, mpf("0.99"), mpf(high), lambda a: a * mpmath.erfc(a) / mpmath.erf(a))


def _tail_fit(degree: int, high: float, centre: int) -> Fit:
    """p in Phi(-a) = exp(-a^2/2) p(y)/(a + k) for 0 <= a <= high, with y = (a - k)/(a + k), from -1 to less than 1.

    A small k loses less to the rounding of y where a is small, and needs a higher degree.
    """

    def f(y: mpf) -> mpf:
        a = centre * (1 + y) / (1 - y)
        return mpmath.erfc(a / mpmath.sqrt(2)) / 2 * mpmath.exp(a**2 / 2) * (a + centre)

    return Fit(f, degree, mpf(-1), (mpf(high) - centre) / (mpf(high) + centre), lambda y: 1 / f(y))


FITS: dict[str, dict[str, Fit]] = {
    "float32": {
        "EXP": _exp_fit(4),
        "LOG": Fit(_log, 8, LOW, HIGH, lambda f: f**2 / abs(mpmath.log1p(f)) if f else abs(f)),
        "ERF": _erf_fit(6),
        "ERFC": _erfc_fit(5, 4.0),
        "TAIL": _tail_fit(10, 13.5, centre=2),
    },
    "float64": {
        "EXP": _exp_fit(9),
        "LOG": Fit(_atanh, 6, mpf(0), (HIGH / (2 + HIGH)) ** 2, lambda z: z / 2),
        "ERF": _erf_fit(11),
        "ERFC": _erfc_fit(17, 6.0),
        "TAIL": _tail_fit(22, 38.0, centre=4),
    },
}


# --------------------------------------------------------------------------------------------------------- the exchange


@cache
def coefficients(dtype: str, name: str) -> tuple[tuple[float, ...], float]:
    """The set `name`, rounded to `dtype`, and log2 of its greatest weighted error."""
    fit = FITS[dtype][name]
    rounded = _rounding(dtype)
    with mpmath.workdps(30 if dtype == "float32" else 45):
        grid = _grid(fit)
        weights = [fit.weight(x) for x in grid]
        rest = [fit.f(x) for x in grid]
        found: list[float] = []
        for k in range(fit.degree + 1):
            found.append(rounded(_exchange(grid, rest, weights, fit.degree - k)[0]))
            if k == 0:  # the next is found from (f - c)/x, an error of which counts |x| times
                kept = [i for i, x in enumerate(grid) if x]
                grid, weights, rest = ([values[i] for i in kept] for values in (grid, weights, rest))
            rest = [(value - mpf(found[-1])) / x for value, x in zip(rest, grid, strict=True)]
            weights = [w * abs(x) for w, x in zip(weights, grid, strict=True)]
        worst = max(abs(w * error) for w, error in zip(weights, rest, strict=True))
        return tuple(found), float(mpmath.log(worst, 2))


def _rounding(dtype: str) -> Callable[[mpf], float]:
    """To the nearest number of the format; an mpf becomes a double first, which can move a tie of a float32 and no more."""
    return (lambda c: float(np.float32(float(c)))) if dtype == "float32" else float


def _grid(fit: Fit) -> list[mpf]:
    """Points crowded at the ends as Chebyshev's are, 50 for each free coefficient."""
    count = 50 * (fit.degree + 2)
    middle, radius = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    return [middle - radius * mpmath.cos(mpmath.pi * i / count) for i in range(count + 1)]


def _exchange(grid: list[mpf], f: list[mpf], weights: list[mpf], degree: int) -> list[mpf]:
    """The c of the best c[0] + ... + c[degree] x^degree on the grid."""
    size = degree + 2
    chosen = [int(len(grid) * (i + 0.5) / size) for i in range(size)]
    for _ in range(30):
        solution = _levelled(grid, f, weights, chosen)
        errors = [w * (value - mpmath.polyval(solution[::-1], x)) for x, value, w in zip(grid, f, weights, strict=True)]
        following = _extrema(errors, size)
        if following is None or following == chosen:
            break
        chosen = following
    return solution


def _levelled(grid: list[mpf], f: list[mpf], weights: list[mpf], chosen: list[int]) -> list[mpf]:
    """The polynomial whose weighted errors at the chosen points are E, -E, E ..."""
    size = len(chosen)
    system, right = mpmath.matrix(size, size), mpmath.matrix(size, 1)
    for row, i in enumerate(chosen):
        entry = weights[i]
        for column in range(size - 1):
            system[row, column] = entry
            entry *= grid[i]
        system[row, size - 1] = (-1) ** row
        right[row] = weights[i] * f[i]
    return list(mpmath.lu_solve(system, right))[:-1]


def _extrema(errors: list[mpf], size: int) -> list[int] | None:
    """Where the error is largest between its changes of sign, the `size` most telling of them with alternating signs."""
    changes = [i + 1 for i, (a, b) in enumerate(pairwise(errors)) if (a < 0) != (b < 0)]
    found = [max(range(a, b), key=lambda i: abs(errors[i])) for a, b in pairwise([0, *changes, len(errors)])]
    while len(found) > size:
        least = min(range(len(found)), key=lambda i: abs(errors[found[i]]))
        if len(found) == size + 1 or least in (0, len(found) - 1):
            del found[0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1]
        else:  # with its smaller neighbour, so that the signs go on alternating
            neighbour = min(least - 1, least + 1, key=lambda i: abs(errors[found[i]]))
            del found[max(least, neighbour)], found[min(least, neighbour)]
    return found if len(found) == size else None


def main(names: list[str]) -> None:
    """Print the sets as they stand in the modules."""
    for dtype, fits in FITS.items():
        print(f"# {dtype}")
        for name in names or fits:
            values, bits = coefficients(dtype, name)
            print(f"{name} = ({', '.join(map(repr, values))})  # 2^{bits:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
