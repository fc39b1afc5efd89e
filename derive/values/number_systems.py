"""Two kinds of numbers: exact fractions that become 50-digit numbers at the first irrational function, and float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any

import mpmath
import numpy as np

from derive.calculus.functions import PRIMITIVES
from derive.errors import DeriveError

DIGITS, MOST_DIGITS = 50, 200

MAX_BITS = 1 << 12
"""A fraction with a longer numerator or denominator goes on as a 50-digit number."""

MAX_POWER = 1 << 10
"""A power given as a value is exact up to this exponent."""

MAX_EXPONENT = 10**7

LARGEST_ANGLE = 10**1000
"""To reduce an angle by 2π takes as many digits of π as it has: of a million, a minute."""
_LARGEST = mpmath.ldexp(1, 2 * MAX_EXPONENT)

Array = Any
"""A numpy array, of Fraction and mpf objects or of float64; 0-dimensional for a scalar."""


class DomainError(DeriveError):
    """A function was asked for a value it does not have (log of a negative number, division by zero)."""


def real(x: Any) -> Any:
    """A number as a 50-digit one (at the precision in force)."""
    return mpmath.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else mpmath.mpf(x)


def _exact_or(known: Mapping[int, int], name: str) -> Callable[[Any], Any]:
    """An mpmath function that stays exact at the arguments in `known`; DomainError where its value is no real number."""
    function = getattr(mpmath, name)

    def value(x: Any) -> Any:
        if x in known:
            return Fraction(known[int(x)])
        if name in ("sin", "cos") and abs(x) > LARGEST_ANGLE:
            raise DomainError(f"{name}({_shown(x)}) is not computed: the angle is too large")
        found = function(real(x))
        if isinstance(found, mpmath.mpc):
            raise DomainError(f"{name}({_shown(x)}) does not exist")
        return found

    return value


def _log(x: Any) -> Any:
    if x <= 0:
        raise DomainError(f"log({_shown(x)}) does not exist: the logarithm takes positive numbers")
    return Fraction(0) if x == 1 else mpmath.log(real(x))


def _exp(x: Any) -> Any:
    if x > MAX_EXPONENT:
        raise DomainError(f"exp({_shown(x)}) is too large")
    if x < -MAX_EXPONENT:
        return mpmath.mpf(0)
    return Fraction(1) if x == 0 else mpmath.exp(real(x))


def _bounded(x: Any) -> Any:
    """A value of a size to go on with: a fraction of many digits as a 50-digit number, one beyond e^1e7 refused."""
    if isinstance(x, Fraction) and max(x.numerator.bit_length(), x.denominator.bit_length()) > MAX_BITS:
        x = real(x)
    if isinstance(x, mpmath.mpf) and mpmath.isfinite(x) and abs(x) > _LARGEST:
        raise DomainError("the number is too large")
    return x


def _reciprocal(x: Any) -> Any:
    if x == 0:
        raise DomainError("division by zero")
    return Fraction(1) / int(x) if isinstance(x, Integral) else Fraction(1) / x if isinstance(x, Fraction) else 1 / x


def _root(x: Any, q: int) -> Any:
    if x < 0:
        raise DomainError(f"the root of {_shown(x)} does not exist: it takes numbers that are not negative")
    if isinstance(x, (Fraction, int)):
        top, bottom = (round(v ** (1 / q)) if v < 2**52 else 0 for v in (x.numerator, x.denominator))
        if top**q == x.numerator and bottom**q == x.denominator:
            return Fraction(top, bottom)
    return mpmath.root(real(x), q)


def raised(x: Any, p: Any) -> Any:
    """x to the power p; a fraction where both are and p is a small integer."""
    if p == int(p) and abs(p) <= MAX_POWER:
        power = x ** abs(int(p))
        return power if p >= 0 else _reciprocal(power)
    if x == 0:
        return _reciprocal(x) if p < 0 else Fraction(0)
    if x < 0:
        raise DomainError(f"the power {_shown(p)} of {_shown(x)} does not exist: it takes numbers that are not negative")
    return mpmath.power(real(x), real(p))


def _shown(x: Any) -> str:
    return str(x) if isinstance(x, int) or getattr(x, "denominator", 0) == 1 else mpmath.nstr(real(x), 6)


@dataclass(frozen=True)
class NumberSystem:
    """A number system: the elementary functions on its arrays, how fractions and constants enter it, 1/x and roots."""

    functions: Mapping[str, Callable[[Array], Array]]
    rational: Callable[[int, int], Any]
    constant: Callable[[Any], Any]
    reciprocal: Callable[[Array], Array]
    root: Callable[[Array, int], Array]
    bounded: Callable[[Array], Array]


def _vectorised(function: Callable[..., Any]) -> Callable[..., Array]:
    return np.frompyfunc(function, 1, 1)


def _float(name: str) -> Callable[[Array], Array]:
    """The function as NumPy has it, or Python's `math`."""
    return getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])


_FUNCTIONS = {
    p.function.__name__: p for p in PRIMITIVES.values() if isinstance(p.function, type) and hasattr(mpmath, p.function.__name__)
}
"""The primitives that stay functions in a term, by what SymPy calls them; a root is a power, |·| and max have terms."""

EXACT = NumberSystem(
    {
        **{name: _vectorised(_exact_or(primitive.exact, name)) for name, primitive in _FUNCTIONS.items()},
        "exp": _vectorised(_exp),
        "log": _vectorised(_log),
    },
    lambda p, q: int(p) if q == 1 else Fraction(int(p), int(q)),
    lambda c: real(mpmath.mpmathify(c.evalf(mpmath.mp.dps + 10))),
    _vectorised(_reciprocal),
    lambda a, q: _vectorised(lambda x: _root(x, q))(a),
    lambda a: np.asarray(_vectorised(_bounded)(a), dtype=object),
)

FLOAT = NumberSystem(
    {name: _float(name) for name in _FUNCTIONS},
    lambda p, q: p / q,
    float,
    lambda a: 1.0 / a,
    lambda a, q: np.sqrt(a) if q == 2 else np.power(a, 1.0 / q),
    lambda a: a,
)
