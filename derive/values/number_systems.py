"""Two kinds of numbers: exact fractions that become 50-digit numbers at the first irrational function, and float64."""

from __future__ import annotations

import copyreg
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from numbers import Integral
from threading import Lock
from typing import Any

import numpy as np
from mpmath.ctx_mp import MPContext

from derive.calculus.functions import PRIMITIVES
from derive.errors import DeriveError, said

DIGITS, MOST_DIGITS = 50, 200

MAX_BITS = 1 << 12
"""A fraction with a longer numerator or denominator goes on as a 50-digit number."""

MAX_POWER = 1 << 10
"""A power given as a value is exact up to this exponent."""

MAX_EXPONENT = 10**7

LARGEST_ANGLE = 10**1000
"""To reduce an angle by 2π takes as many digits of π as it has: of a million, a minute."""

Array = Any
"""A numpy array, of Fraction and mpf objects or of float64; 0-dimensional for a scalar."""


class DomainError(DeriveError):
    """A function was asked for a value it does not have (log of a negative number, division by zero)."""


@cache
def mp(digits: int) -> Any:
    """mpmath in so many digits.

    Its own precision, `mpmath.mp`, is the process's and every thread may change it; that of these is never changed.  A number
    computes in the digits of the context that made it, on the left of an operator.
    """
    made = MPContext()
    made.dps = digits
    copyreg.pickle(made.mpf, lambda x: (_number, (digits, x._mpf_)))
    return made


def _number(digits: int, parts: Any) -> Any:
    return mp(digits).make_mpf(parts)


def real(x: Any, digits: int = DIGITS) -> Any:
    """A number as one of so many digits."""
    of = mp(digits)
    return of.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else of.convert(x)


def lifted(array: Array, digits: int) -> Array:
    """An array whose 50-digit numbers compute in so many digits, with the same values."""
    make = mp(digits).make_mpf
    values = np.asarray(array)
    return (
        values if values.dtype != object else np.frompyfunc(lambda v: make(v._mpf_) if hasattr(v, "_mpf_") else v, 1, 1)(values)
    )


_LARGEST = mp(DIGITS).ldexp(1, 2 * MAX_EXPONENT)

_ONE_AT_A_TIME = Lock()
"""The functions of mpmath keep constants (π, log 2) in more and more digits, which two threads must not do at the same time."""


def _called(name: str, digits: int, *args: Any) -> Any:
    """A function of mpmath at some numbers, in so many digits."""
    with _ONE_AT_A_TIME:
        return getattr(mp(digits), name)(*(real(x, digits) for x in args))


def _constant(c: Any, digits: int) -> Any:
    """A constant of SymPy's."""
    with _ONE_AT_A_TIME:
        return real(c.evalf(digits + 10), digits)


def _exact_or(known: Mapping[int, int], name: str, digits: int) -> Callable[[Any], Any]:
    """An mpmath function that stays exact at the arguments in `known`; DomainError where its value is no real number."""

    def value(x: Any) -> Any:
        if x in known:
            return Fraction(known[int(x)])
        if name in ("sin", "cos") and abs(x) > LARGEST_ANGLE:
            raise DomainError(said("{name}({shown}) is not computed: the angle is too large", name=name, shown=_shown(x)))
        found = _called(name, digits, x)
        if hasattr(found, "_mpc_"):
            raise DomainError(said("{name}({shown}) does not exist", name=name, shown=_shown(x)))
        return found

    return value


def _log(x: Any, digits: int) -> Any:
    if x <= 0:
        raise DomainError(said("log({shown}) does not exist: the logarithm takes positive numbers", shown=_shown(x)))
    return Fraction(0) if x == 1 else _called("log", digits, x)


def _exp(x: Any, digits: int) -> Any:
    if x > MAX_EXPONENT:
        raise DomainError(said("exp({shown}) is too large", shown=_shown(x)))
    if x < -MAX_EXPONENT:
        return real(0, digits)
    return Fraction(1) if x == 0 else _called("exp", digits, x)


def _bounded(x: Any, digits: int) -> Any:
    """A value of a size to go on with: a fraction of many digits as a 50-digit number, one beyond e^1e7 refused."""
    if isinstance(x, Fraction) and max(x.numerator.bit_length(), x.denominator.bit_length()) > MAX_BITS:
        x = real(x, digits)
    if hasattr(x, "_mpf_") and _LARGEST < abs(x) < math.inf:
        raise DomainError("the number is too large")
    return x


def _reciprocal(x: Any) -> Any:
    if x == 0:
        raise DomainError("division by zero")
    return Fraction(1) / int(x) if isinstance(x, Integral) else Fraction(1) / x if isinstance(x, Fraction) else 1 / x


def _root(x: Any, q: int, digits: int) -> Any:
    if x < 0:
        raise DomainError(said("the root of {shown} does not exist: it takes numbers that are not negative", shown=_shown(x)))
    if isinstance(x, (Fraction, int)):
        top, bottom = (round(v ** (1 / q)) if v < 2**52 else 0 for v in (x.numerator, x.denominator))
        if top**q == x.numerator and bottom**q == x.denominator:
            return Fraction(top, bottom)
    return _called("root", digits, x, q)


def _raised(x: Any, p: Any, digits: int) -> Any:
    """x to the power p; a fraction where both are and p is a small integer."""
    if p == int(p) and abs(p) <= MAX_POWER:
        power = x ** abs(int(p))
        return power if p >= 0 else _reciprocal(power)
    if x == 0:
        return _reciprocal(x) if p < 0 else Fraction(0)
    if x < 0:
        raise DomainError(
            said(
                "the power {power} of {shown} does not exist: it takes numbers that are not negative",
                power=_shown(p),
                shown=_shown(x),
            )
        )
    return _called("power", digits, x, p)


def _shown(x: Any) -> str:
    return str(x) if isinstance(x, int) or getattr(x, "denominator", 0) == 1 else mp(DIGITS).nstr(real(x), 6)


@dataclass(frozen=True)
class NumberSystem:
    """A number system: the elementary functions on its arrays, how fractions and constants enter it, 1/x, roots and powers.

    What is irrational in it has so many `digits`.
    """

    functions: Mapping[str, Callable[[Array], Array]]
    rational: Callable[[int, int], Any]
    constant: Callable[[Any], Any]
    reciprocal: Callable[[Array], Array]
    root: Callable[[Array, int], Array]
    power: Callable[[Array, Array], Array]
    bounded: Callable[[Array], Array]
    digits: int = DIGITS

    @property
    def finer(self) -> NumberSystem | None:
        """The same in twice as many digits, or None where there is no such."""
        return None if self is FLOAT or self.digits >= MOST_DIGITS else exact(2 * self.digits)


def _vectorised(function: Callable[..., Any]) -> Callable[..., Array]:
    return np.frompyfunc(function, 1, 1)


def _float(name: str) -> Callable[[Array], Array]:
    """The function as NumPy has it, or Python's `math`."""
    return getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])


_FUNCTIONS = {
    p.function.__name__: p
    for p in PRIMITIVES.values()
    if isinstance(p.function, type) and hasattr(mp(DIGITS), p.function.__name__)
}
"""The primitives that stay functions in a term, by what SymPy calls them; a root is a power, |·| and max have terms."""


@cache
def exact(digits: int) -> NumberSystem:
    """Exact fractions, and numbers of so many digits from the first irrational function on."""
    bounded = _vectorised(partial(_bounded, digits=digits))
    return NumberSystem(
        {
            **{name: _vectorised(_exact_or(primitive.exact, name, digits)) for name, primitive in _FUNCTIONS.items()},
            "exp": _vectorised(partial(_exp, digits=digits)),
            "log": _vectorised(partial(_log, digits=digits)),
        },
        lambda p, q: int(p) if q == 1 else Fraction(int(p), int(q)),
        partial(_constant, digits=digits),
        _vectorised(_reciprocal),
        lambda a, q: _vectorised(lambda x: _root(x, q, digits))(a),
        np.frompyfunc(partial(_raised, digits=digits), 2, 1),
        lambda a: np.asarray(bounded(a), dtype=object),
        digits,
    )


EXACT = exact(DIGITS)

FLOAT = NumberSystem(
    {name: _float(name) for name in _FUNCTIONS},
    lambda p, q: p / q,
    float,
    lambda a: 1.0 / a,
    lambda a, q: np.sqrt(a) if q == 2 else np.power(a, 1.0 / q),
    lambda a, p: a**p,
    lambda a: a,
)
