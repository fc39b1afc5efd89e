"""Elementary functions, powers and roots of one number: exact where they can be, a ball elsewhere, and why there is no value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flint import arb, arb_series, fmpq, fmpz

from derive.errors import said
from derive.values.balls import NOTHING, Jet, Traced, apart, exists, first, sign, untraced
from derive.values.precision import DomainError, Undecided, too_few

MAX_BITS = 1 << 12
"""A fraction with a longer numerator or denominator goes on as a ball."""


MAX_POWER = 1 << 10
"""A power given as a value is exact up to this exponent."""


MAX_EXPONENT = 10**7


LARGEST_ANGLE = 10**1000
"""To reduce an angle by 2π takes as many digits of π as it has: of a million, a minute."""


def function_at(name: str, known: Mapping[int, int]) -> Callable[[Any], Any]:
    """An elementary function: exact at the arguments in `known`, NOTHING where it has no value."""

    def value(x: Any) -> Any:
        kind = type(x)
        if kind is not arb and kind is not Jet:
            if x in known:
                return known[int(x)]
            x = arb(x)
        if name in _MOST and abs(first(x)) > _MOST[name] and not (name == "exp" and first(x) < 0):
            return NOTHING
        if name in _GAMMAS and not first(x) > 0:
            return NOTHING
        if kind is Jet:
            return _SERIES[name](x) if name in _SERIES else x.at(name)
        return _GAMMAS[name](x) if name in _GAMMAS else getattr(x, name)()

    return value


_MOST = {"exp": MAX_EXPONENT, "sin": LARGEST_ANGLE, "cos": LARGEST_ANGLE}


def _tanh(x: Jet) -> Jet:
    if x.value > 0:
        return -_tanh(-x)
    exponential = (2 * x).at("exp")
    return exponential * _inverse(1 + exponential) * 2 - 1


def _inverse(x: Jet) -> Jet:
    return x.put(lambda series: 1 / series)


def _by_slope(name: str) -> Callable[[Jet], Jet]:
    """A function of which the next in the table is the slope."""
    value, slope = (_GAMMAS[one] for one in (name, list(_GAMMAS)[list(_GAMMAS).index(name) + 1]))
    return lambda x: Jet(arb_series([value(x.value), slope(x.value) * x.slope], prec=2))


_GAMMAS: Mapping[str, Callable[[arb], arb]] = {
    "lgamma": lambda x: x.lgamma(),
    "digamma": lambda x: x.digamma(),
    "trigamma": lambda x: arb(2).zeta(x),
    "tetragamma": lambda x: -2 * arb(3).zeta(x),
    "pentagamma": lambda x: 6 * arb(4).zeta(x),
}
"""log Γ of positive numbers and its derivatives, each the slope of the one before it; those of ψ by Hurwitz's ζ."""


_SERIES: Mapping[str, Callable[[Jet], Jet]] = {
    "tanh": _tanh,
    "sinh": lambda x: (x.at("exp") - (-x).at("exp")) * fmpq(1, 2),
    "cosh": lambda x: (x.at("exp") + (-x).at("exp")) * fmpq(1, 2),
    **{name: _by_slope(name) for name in list(_GAMMAS)[:-1]},
}
"""The functions that FLINT has of numbers and not of series."""


def bounded(x: Any) -> Any:
    """A value of a size to go on with: a fraction of many digits as a ball, NOTHING for one beyond e^1e7."""
    kind = type(x)
    if kind is Traced:
        return x if bounded(x.number) is x.number else NOTHING
    if kind is fmpq:
        return x if max(x.p.bit_length(), x.q.bit_length()) <= MAX_BITS else arb(x)
    if kind is arb:
        return NOTHING if abs(x) > _LARGEST and x.is_finite() else x
    return arb(x) if kind is int and x.bit_length() > MAX_BITS else x


_LARGEST = arb((1, 2 * MAX_EXPONENT))


def reciprocal(x: Any) -> Any:
    kind = type(x)
    if kind is arb:
        return 1 / x
    if kind is Jet:
        return _inverse(x) if apart(x, 0) else NOTHING
    return (1 / x if kind is fmpq else fmpq(1, x)) if x else NOTHING


_UPRIGHT = Jet(arb_series([0, arb("nan")], prec=2))
"""A 0 with no slope: the root of a number that moves through 0.  A maximum that it is smaller than has one."""


def root(x: Any, q: int) -> Any:
    kind = type(x)
    if kind is arb:
        return x.sqrt() if q == 2 else x.root(q)
    if kind is Jet:
        if sign(x) != 1:
            return NOTHING if sign(x) != 0 else 0 if x.slope.is_zero() else _UPRIGHT
        return x.at("sqrt") if q == 2 else x ** fmpq(1, q)
    if x < 0:
        return NOTHING
    top, bottom = (fmpz(x), fmpz(1)) if kind is int else (x.p, x.q)
    roots = top.root(q), bottom.root(q)
    return fmpq(*roots) if (roots[0] ** q, roots[1] ** q) == (top, bottom) else root(arb(x), q)


def raised(x: Any, p: Any) -> Any:
    """x to the power p; exact where both are and p is a small integer."""
    whole = _whole(p)
    if whole is not None:
        power = x ** abs(whole)
        return power if whole >= 0 else reciprocal(power)
    if sign(x) == 0:
        return NOTHING if sign(p) != 1 else 0 if type(x) is not Jet or sign(p - 1) == 1 else _UPRIGHT
    if sign(x) != 1:
        return NOTHING
    if Jet not in (type(x), type(p)):
        return arb(x) ** arb(p)
    return ((x.at("log") if type(x) is Jet else arb(x).log()) * p).at("exp")


def _whole(p: Any) -> int | None:
    """The small integer that an exponent is."""
    if type(p) is Jet:
        return None
    if type(p) is arb:
        p = p.unique_fmpz() if p.is_exact() else None
    return int(p) if p is not None and abs(p) <= MAX_POWER and p == int(p) else None


# ---------------------------------------------------------------- why there is no value


def no_exp(x: Any) -> str:
    return said("exp({shown}) is too large", shown=shown(x)) if x > MAX_EXPONENT else ""


def no_log(x: Any) -> str:
    return said("log({shown}) does not exist: the logarithm takes positive numbers", shown=shown(x)) if x <= 0 else ""


def no_gamma(x: Any, name: str) -> str:
    return said("{name}({shown}) does not exist: it takes positive numbers", name=name, shown=shown(x)) if x <= 0 else ""


def no_angle(x: Any, name: str) -> str:
    large = abs(x) > LARGEST_ANGLE
    return said("{name}({shown}) is not computed: the angle is too large", name=name, shown=shown(x)) if large else ""


def no_reciprocal(x: Any) -> str:
    return said("division by zero") if x == 0 else ""


def no_inverse(determinant: Any) -> str:
    return said("the matrix has no inverse: its determinant is 0") if determinant == 0 else ""


def no_root(x: Any, q: int) -> str:
    if x < 0:
        return said("the root of {shown} does not exist: it takes numbers that are not negative", shown=shown(x))
    return ""


def no_power(x: Any, p: Any) -> str:
    if sign(x) == 0:
        return no_reciprocal(x) if sign(p) == -1 else ""
    if x < 0:
        return said(
            "the power {power} of {shown} does not exist: it takes numbers that are not negative", power=shown(p), shown=shown(x)
        )
    return ""


def too_large(x: Any) -> str:
    return said("the number is too large") if abs(x) > _LARGEST else ""


def with_reasons(function: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
    """A function that says why it has no value: DomainError where that is certain, else Undecided."""

    def value(x: Any, *more: Any) -> Any:
        found = function(x, *more)
        if exists(found):
            return found
        if message := why(first(x), *map(first, more)):
            raise DomainError(message)
        raise Undecided(too_few())

    return value


_SHORT = re.compile(r"(\.\d+?)0+(?=e|$)")
"""Noughts at the end of a decimal."""


def shown(x: Any, digits: int = 6) -> str:
    """A number in a message: an integer whole, another as a decimal of so many digits."""
    if type(x) is int or (type(x) is fmpq and x.q == 1):
        return str(x)
    return _SHORT.sub(r"\1", arb(untraced(x)).mid().str(digits, radius=False))
