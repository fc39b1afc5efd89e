"""Two kinds of numbers: exact fractions that become balls at the first irrational function, and float64.

A ball (`flint.arb`) is a number with a proved radius: what is computed from balls is a ball that holds the true value.  So a
comparison of two that do not meet is certain, and of two that do it is undecided: it raises `Undecided`, and `decided` asks
again in twice as many digits.
"""

from __future__ import annotations

import copyreg
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache, partial
from numbers import Rational
from operator import add, mul, neg, sub, truediv
from threading import RLock
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from flint import arb, arb_series, ctx, fmpq, fmpz
from sympy import S

from derive.calculus.functions import PRIMITIVES
from derive.errors import DeriveError, said

DIGITS, MOST_DIGITS = 50, 10_000
"""Numbers are computed in 50 digits, and in twice as many until what is asked is decided, up to this many."""

GUARD = 10
"""So many bits are for rounding."""

MAX_BITS = 1 << 12
"""A fraction with a longer numerator or denominator goes on as a ball."""

MAX_POWER = 1 << 10
"""A power given as a value is exact up to this exponent."""

MAX_EXPONENT = 10**7

LARGEST_ANGLE = 10**1000
"""To reduce an angle by 2π takes as many digits of π as it has: of a million, a minute."""

Array = Any
"""A numpy array, of int, fmpq and arb objects or of float64; 0-dimensional for a scalar."""

LOWEST: Any
HIGHEST: Any
NOTHING: Any
LOWEST, HIGHEST, NOTHING = arb.neg_inf(), arb.pos_inf(), arb.nan()
"""The largest and the smallest of no entries; and what stands for a number that does not exist, or is not known at all."""


class DomainError(DeriveError):
    """A function was asked for a value it does not have (log of a negative number, division by zero)."""


class Undecided(DomainError):
    """So many digits do not tell what was asked: which of two numbers is the larger, whether one is 0."""


# ---------------------------------------------------------------- precision

_LOCK = RLock()
"""FLINT's precision is the process's.  It makes no ball wrong, only wider: the lock is there for results that are the same
every time.  What is done under it computes numbers and waits for nothing else.
"""


@contextmanager
def precision(digits: int) -> Iterator[None]:
    """Compute in so many digits meanwhile, and some more for what rounding takes."""
    with _LOCK:
        before, ctx.prec = ctx.prec, math.ceil(digits * math.log2(10)) + GUARD
        try:
            yield
        finally:
            ctx.prec = before


class _Refined(Protocol):
    """What is known in so many digits, and in more."""

    @property
    def digits(self) -> int: ...

    @property
    def finer(self) -> Self: ...


P = TypeVar("P", bound=_Refined)
T = TypeVar("T")


def decided(known: P, ask: Callable[[P], T]) -> T:
    """What is asked, in as many digits as it takes.  Raises Undecided where the most of them do not tell."""
    while True:
        try:
            return ask(known)
        except Undecided:
            if known.digits >= MOST_DIGITS:
                raise
        known = known.finer


# ---------------------------------------------------------------- numbers


class Jet:
    """A number that moves with t, as a power series of which only the first power counts: value + slope t.

    The arithmetic is that of FLINT's series; as these are sequences, which NumPy would take for arrays, one stands in here.
    """

    __slots__ = ("series",)

    def __init__(self, series: arb_series) -> None:
        self.series = series

    @property
    def value(self) -> arb:
        return self.series[0]

    @property
    def slope(self) -> arb:
        return self.series[1]

    def __add__(self, other: Any) -> Jet:
        return Jet(self.series + _series(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        return Jet(self.series - _series(other))

    def __rsub__(self, other: Any) -> Jet:
        return Jet(untraced(other) - self.series)

    def __mul__(self, other: Any) -> Jet:
        return Jet(self.series * _series(other))

    __rmul__ = __mul__

    def __neg__(self) -> Jet:
        return Jet(-self.series)

    def __pow__(self, power: Any) -> Jet:
        if not self.slope.is_finite():  # FLINT would lose the value as well
            return Jet(arb_series([self.value ** untraced(power), self.slope], prec=2))
        return Jet(self.series ** untraced(power))

    def at(self, function: str) -> Jet:
        """A function of FLINT's of it."""
        return Jet(getattr(self.series, function)())


def _series(x: Any) -> Any:
    return x.series if type(x) is Jet else untraced(x)


class Traced:
    """A ball that knows how it was computed, by its `key`: the same operations on the same numbers give the same number.

    So a tie of e^x and e^y at x = y is decided, which no digits do.
    """

    __slots__ = ("key", "number")

    def __init__(self, number: arb, key: object) -> None:
        self.number, self.key = number, key

    def __add__(self, other: Any) -> Any:
        return _computed(add, self, other, either=True)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return _computed(mul, self, other, either=True)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return _computed(sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _computed(sub, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _computed(truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _computed(truediv, other, self)

    def __neg__(self) -> Any:
        return _computed(neg, self)

    def __abs__(self) -> Any:
        return _computed(abs, self)

    def __pow__(self, other: Any) -> Any:
        return _computed(pow, self, other)


def _computed(operation: Callable[..., Any], *given: Any, either: bool = False) -> Any:
    """What an operation gives of numbers, which it takes in `either` order if that is no matter."""
    found = operation(*map(untraced, given))
    if type(found) is not arb:
        return found
    keys = map(_key, given)
    return Traced(found, _interned(operation, *(sorted(keys, key=hash) if either else keys)))


def _key(x: Any) -> Any:
    """What a number is known again by: one that is not exact by how it was computed, or by nothing."""
    if type(x) is Traced:
        return x.key
    if type(x) is arb:
        return _interned(*map(int, x.man_exp())) if x.is_exact() and x.is_finite() else object()
    return x


def untraced(x: Any) -> Any:
    """A number without how it was computed."""
    return x.number if type(x) is Traced else x


@lru_cache(maxsize=1 << 13)
def _interned(*parts: Any) -> object:
    """One object for the same parts; what was dropped, and is met again, has another, and is the same no longer."""
    return object()


T_ = Jet(arb_series([0, 1], prec=2))
"""What an entry is moved by."""


def real(x: Any, digits: int = DIGITS) -> arb:
    """A number as a ball of so many digits; one that is a ball stays what it is."""
    x = untraced(x)
    if type(x) is arb:
        return x
    with precision(digits):
        return arb(_entered(x, digits))


def near(x: Any, digits: int = DIGITS) -> arb:
    """A number that has so many digits and no radius, near this one."""
    return real(x, digits).mid()


def given_out(x: Any, again: Callable[[int], Any] | None = None) -> Any:
    """A number as a user holds it: an exact one as Python has it, a ball as a `Real`."""
    kind = type(x)
    return Fraction(int(x.p), int(x.q)) if kind is fmpq else Real(x, again) if kind in (arb, Traced) else x


def as_float(x: Any) -> float:
    """A number as a float, infinite where it is larger than any."""
    known = x.ball if type(x) is Real else untraced(x)
    if type(known) is arb:
        return float(known.mid() if known.rel_accuracy_bits() > FLOAT_BITS else x if type(x) is Real else Real(known))
    try:
        return float(Fraction(int(known.p), int(known.q)) if type(known) is fmpq else known)
    except OverflowError:
        return math.inf if known > 0 else -math.inf


FLOAT_BITS = 64
"""So many bits of a number are enough for the float nearest to it, or next to that."""


def all_given_out(array: Array, again: Callable[[int], Array] | None = None) -> Array:
    """The same of an array; `again` gives it in at least so many digits."""
    values = np.asarray(array, dtype=object)
    out = np.empty(values.shape, dtype=object)
    for entry in np.ndindex(values.shape):
        out[entry] = given_out(values[entry], partial(_entry_again, again, entry) if again else None)
    return out


def _entry_again(again: Callable[[int], Array], entry: tuple[int, ...], digits: int) -> Any:
    with precision(digits):
        return _inexact(again(digits)[entry])


def _entered(x: Any, digits: int = DIGITS) -> Any:
    """A number as it is computed with: int, fmpq or arb."""
    kind = type(x)
    if kind is Traced and digits <= DIGITS:
        return x.number
    if kind in (arb, fmpq, int, Jet, Traced):
        return x
    if kind is Real:
        return x.at(digits).number
    if kind is Fraction:
        return fmpq(x.numerator, x.denominator)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if hasattr(x, "_mpf_"):
        negative, digits, exponent, _ = x._mpf_
        return arb((-int(digits) if negative else int(digits), int(exponent)))
    return arb(float(x)) if isinstance(x, (float, np.floating)) else fmpq(int(x.numerator), int(x.denominator))


def _all_entered(array: Array, digits: int) -> Array:
    """An array of any numbers, as they are computed with."""
    values = np.asarray(array)
    enter = np.frompyfunc(lambda x: _entered(x, digits), 1, 1)
    return values if values.dtype.kind in "iub" else np.asarray(enter(values), dtype=object)


def _inexact(x: Any) -> Any:
    """A number as a ball, traced where it is."""
    return x if type(x) in (arb, Traced) else arb(x)


def _parts(x: arb) -> tuple[Any, ...]:
    """Middle and radius of a ball, exactly: mantissas and exponents."""
    if not x.is_finite():
        return (str(x),)
    return tuple(tuple(map(int, part.man_exp())) for part in (x.mid(), x.rad()))


def _ball(middle: Any, radius: Any = (0, 0)) -> arb:
    """The ball of these parts.  FLINT rounds a radius up; so a little less is given, which it rounds to this one."""
    if isinstance(middle, str):
        return arb(middle)
    mantissa, exponent = radius
    return arb(middle, ((mantissa << 40) - mantissa, exponent - 40)) if mantissa else arb(middle)


copyreg.pickle(arb, lambda x: (_ball, _parts(x)))


class Real:
    """A number that is no fraction, as a run gives it: it finds as many of its digits as are asked for.

    `again` gives the ball in at least so many digits.  Two compare in as many digits as it takes, or `Undecided` is raised.
    They are equal as objects if all is equal that is known of them.
    """

    __slots__ = ("again", "digits", "number")

    def __init__(self, number: Any, again: Callable[[int], Any] | None = None, digits: int = DIGITS) -> None:
        self.number, self.again, self.digits = number, again, digits if again else MOST_DIGITS

    @property
    def ball(self) -> arb:
        """What is known of it."""
        return untraced(self.number)

    def at(self, digits: int) -> Real:
        """The same in at least so many digits."""
        return self if self.again is None or digits <= self.digits else Real(self.again(digits), self.again, digits)

    @property
    def finer(self) -> Real:
        return self.at(min(2 * self.digits, MOST_DIGITS))

    def _with(self, operation: Callable[[Any, Any], Any], other: Any, turned: bool = False) -> Any:
        if not isinstance(other, (Real, int, float, Rational)):
            return NotImplemented
        sides = (other, self) if turned else (self, other)

        def again(digits: int) -> Any:
            with precision(digits):
                return _inexact(operation(*(_entered(side, digits) for side in sides)))

        return Real(again(DIGITS), again)

    def __add__(self, other: Any) -> Any:
        return self._with(add, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(minus, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with(minus, other, turned=True)

    def __mul__(self, other: Any) -> Any:
        return self._with(mul, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(truediv, other, turned=True)

    def __pow__(self, other: Any) -> Any:
        return self._with(_raised, other)

    def __neg__(self) -> Any:
        return self * -1

    def __abs__(self) -> Any:
        return self._with(lambda x, _: abs(x), 0)

    def _beside(self, other: Any) -> int:
        """The sign of self - other.  Raises Undecided."""

        def compared(difference: Real) -> int:
            if (found := sign(difference.ball)) == UNKNOWN:
                raise Undecided(too_few(str(self), str(other), difference.digits))
            return found

        return 0 if self is other else decided(self - other, compared)

    def __lt__(self, other: Any) -> bool:
        return self._beside(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._beside(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._beside(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._beside(other) >= 0

    def __eq__(self, other: object) -> bool:
        if type(other) is Real:
            return _parts(self.ball) == _parts(other.ball)
        return isinstance(other, (int, float, Rational)) and bool(self.ball == _entered(other))

    def __hash__(self) -> int:
        return hash(_parts(self.ball))

    def __float__(self) -> float:
        return float(self.near(20))

    def near(self, count: int) -> arb:
        """A number without a radius that has so many digits of this one, or is 0 where it cannot be told from 0."""

        def enough(x: Real) -> arb:
            if x.ball.rel_accuracy_bits() < count * math.log2(10) and not x.ball.is_nan():
                raise Undecided("a number cannot be told from 0")
            return x.ball.mid()

        try:
            return decided(self, enough)
        except Undecided:
            return arb(0)

    def rounded(self, count: int) -> Decimal:
        """So many digits of it, correctly rounded; of what lies halfway as far as can be told, the even one."""
        try:
            return decided(self, lambda x: _rounded(x.ball, count))
        except Undecided:
            long = count + DIGITS
            with precision(long):
                near = Decimal(self.near(long).str(long, radius=False))
            return Context(prec=count, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN).create_decimal(near)

    def __repr__(self) -> str:
        with precision(DIGITS):
            return str(self.near(DIGITS).str(DIGITS, radius=False))

    @property
    def _mpf_(self) -> Any:
        """How mpmath takes a number."""
        return self.near(DIGITS - 10)._mpf_

    def __reduce__(self) -> tuple[Any, ...]:
        return Real, (self.ball,)


def _rounded(x: arb, count: int) -> Decimal:
    """So many digits of a ball, 0 where it is nearer to that than any decimal with an exponent that can be written.

    Raises Undecided where it holds numbers that round to others.
    """
    if not x.is_finite():
        return Decimal("NaN")
    if sign(x) == 0:
        return Decimal(0)
    if sign(x) == UNKNOWN:
        raise Undecided("a number cannot be told from 0")
    accuracy = min(x.rel_accuracy_bits(), x.bits(), 4 * MOST_DIGITS)
    with precision(count + DIGITS + round(accuracy / math.log2(10))):
        size = abs(x)
        decades = size.mid().log() / arb(10).log()
        if decades < MIN_EMIN:
            return Decimal(0)
        power = math.floor(float(decades))
        while True:
            whole = (size / arb(10) ** (power - count + 1) + arb(0.5)).floor().unique_fmpz()
            if whole is None:
                raise Undecided("the digits of a number cannot be told")
            if 10 ** (count - 1) <= whole < 10**count:
                return Decimal(sign(x) * int(whole)).scaleb(power - count + 1, _ALL)
            power += 1 if whole >= 10**count else -1


_ALL = Context(prec=2 * MOST_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)


def exists(x: Any) -> bool:
    """Whether anything is known of a number: not of one that does not exist, nor of a ball with no bounds."""
    x = untraced(x)
    if type(x) is arb:
        return bool(x.is_finite() or x.is_exact())
    return type(x) is not Jet or (x.series.prec > 1 and bool(x.value.is_finite()))


def slope_of(x: Any) -> Any:
    """How a number moves with t: NOTHING where that is not known, as at the root of 0."""
    if type(x) is not Jet:
        return 0 if exists(x) else NOTHING
    return x.slope if exists(x) and x.slope.is_finite() else NOTHING


UNKNOWN = 2


def sign(x: Any) -> int:
    """-1, 0 or 1; UNKNOWN where a ball holds 0 and something else."""
    x = _first(x)
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0 if x == 0 else UNKNOWN


def minus(a: Any, b: Any) -> Any:
    """a - b; of a number and itself it is 0, whatever its digits are."""
    if a is b or (type(a) is Traced and type(b) is Traced and a.key is b.key):
        return 0
    gap = a - b
    return 0 if type(gap) is arb and gap.is_nan() and a == b else gap


def apart(a: Any, b: Any) -> bool:
    """Whether two numbers are certainly not the same."""
    return abs(sign(minus(a, b))) == 1


def most_apart(a: Any, b: Any) -> arb:
    """How far two numbers are apart at most: a number without a radius."""
    a, b = _entered(a), _entered(b)
    if type(a) is not type(b):  # a fraction would be rounded as the process rounds
        a, b = real(a), real(b)
    gap = minus(a, b)
    return (gap if type(gap) is arb else arb(gap)).abs_upper()


def larger(a: Any, b: Any) -> Any:
    """The larger of two; where that is not decided, the ball that holds it, and one that holds both slopes."""
    gap = sign(minus(b, a))
    if gap != UNKNOWN:
        return b if gap > 0 else a
    if Traced in (type(a), type(b)):
        return _computed(larger, a, b, either=True)
    if Jet not in (type(a), type(b)):
        return arb(a).max(arb(b))
    slopes = [arb(x.slope if type(x) is Jet else 0) for x in (a, b)]
    return Jet(arb_series([arb(_first(a)).max(arb(_first(b))), slopes[0].union(slopes[1])], prec=2))


# ---------------------------------------------------------------- functions


def _at(name: str, known: Mapping[int, int]) -> Callable[[Any], Any]:
    """An elementary function: exact at the arguments in `known`, NOTHING where it has no value."""

    def value(x: Any) -> Any:
        kind = type(x)
        if kind is not arb and kind is not Jet:
            if x in known:
                return known[int(x)]
            x = arb(x)
        if name in _MOST and abs(_first(x)) > _MOST[name] and not (name == "exp" and _first(x) < 0):
            return NOTHING
        if kind is Jet:
            return _BY_EXP[name](x) if name in _BY_EXP else x.at(name)
        return getattr(x, name)()

    return value


_MOST = {"exp": MAX_EXPONENT, "sin": LARGEST_ANGLE, "cos": LARGEST_ANGLE}


def _first(x: Any) -> Any:
    """A number without its slope, and without how it was computed."""
    return x.value if type(x) is Jet else untraced(x)


def _tanh(x: Jet) -> Jet:
    if x.value > 0:
        return 1 - _inverse(1 + (2 * x).at("exp")) * 2
    return _inverse(1 + (-2 * x).at("exp")) * 2 - 1


def _inverse(x: Jet) -> Jet:
    return Jet(1 / x.series)


_BY_EXP: Mapping[str, Callable[[Jet], Jet]] = {
    "tanh": _tanh,
    "sinh": lambda x: (x.at("exp") - (-x).at("exp")) * fmpq(1, 2),
    "cosh": lambda x: (x.at("exp") + (-x).at("exp")) * fmpq(1, 2),
}
"""The functions that FLINT has of numbers and not of series."""


def _bounded(x: Any) -> Any:
    """A value of a size to go on with: a fraction of many digits as a ball, NOTHING for one beyond e^1e7."""
    kind = type(x)
    if kind is Traced:
        return x if _bounded(x.number) is x.number else NOTHING
    if kind is fmpq:
        return x if max(x.p.bit_length(), x.q.bit_length()) <= MAX_BITS else arb(x)
    if kind is arb:
        return NOTHING if abs(x) > _LARGEST and x.is_finite() else x
    return arb(x) if kind is int and x.bit_length() > MAX_BITS else x


_LARGEST = arb((1, 2 * MAX_EXPONENT))


def _reciprocal(x: Any) -> Any:
    kind = type(x)
    if kind is arb:
        return 1 / x
    if kind is Jet:
        return _inverse(x) if apart(x, 0) else NOTHING
    return (1 / x if kind is fmpq else fmpq(1, x)) if x else NOTHING


_UPRIGHT = Jet(arb_series([0, arb("nan")], prec=2))
"""A 0 with no slope: the root of a number that moves through 0.  A maximum that it is smaller than has one."""


def _root(x: Any, q: int) -> Any:
    kind = type(x)
    if kind is arb:
        return x.sqrt() if q == 2 else x.root(q)
    if kind is Jet:
        if sign(x) != 1:
            return _UPRIGHT if sign(x) == 0 else NOTHING
        return x.at("sqrt") if q == 2 else x ** fmpq(1, q)
    if x < 0:
        return NOTHING
    top, bottom = (fmpz(x), fmpz(1)) if kind is int else (x.p, x.q)
    roots = top.root(q), bottom.root(q)
    return fmpq(*roots) if (roots[0] ** q, roots[1] ** q) == (top, bottom) else _root(arb(x), q)


def _raised(x: Any, p: Any) -> Any:
    """x to the power p; exact where both are and p is a small integer."""
    whole = _whole(p)
    if whole is not None:
        power = x ** abs(whole)
        return power if whole >= 0 else _reciprocal(power)
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


def _no_exp(x: Any) -> str:
    return said("exp({shown}) is too large", shown=shown(x)) if x > MAX_EXPONENT else ""


def _no_log(x: Any) -> str:
    return said("log({shown}) does not exist: the logarithm takes positive numbers", shown=shown(x)) if x <= 0 else ""


def _no_angle(x: Any, name: str) -> str:
    large = abs(x) > LARGEST_ANGLE
    return said("{name}({shown}) is not computed: the angle is too large", name=name, shown=shown(x)) if large else ""


def _no_reciprocal(x: Any) -> str:
    return said("division by zero") if x == 0 else ""


def _no_root(x: Any, q: int) -> str:
    if x < 0:
        return said("the root of {shown} does not exist: it takes numbers that are not negative", shown=shown(x))
    return ""


def _no_power(x: Any, p: Any) -> str:
    if sign(x) == 0:
        return _no_reciprocal(x) if sign(p) == -1 else ""
    if x < 0:
        return said(
            "the power {power} of {shown} does not exist: it takes numbers that are not negative", power=shown(p), shown=shown(x)
        )
    return ""


def _too_large(x: Any) -> str:
    return said("the number is too large") if abs(x) > _LARGEST else ""


def _reasoned(function: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
    """A function that says why it has no value: DomainError where that is certain, else Undecided."""

    def value(x: Any, *more: Any) -> Any:
        found = function(x, *more)
        if exists(found):
            return found
        if message := why(_first(x), *map(_first, more)):
            raise DomainError(message)
        raise Undecided(too_few())

    return value


def too_few(one: str = "", other: str = "", digits: int = 0) -> str:
    """What so many digits, those computed in if none are given, do not tell."""
    digits = digits or round((ctx.prec - GUARD) / math.log2(10))
    if not one:
        return said("it cannot be told at {digits:,} digits whether there is a value", digits=digits)
    return said("{one} and {other} cannot be told apart at {digits:,} digits", one=one, other=other, digits=digits)


_SHORT = re.compile(r"(\.\d+?)0+(?=e|$)")
"""Noughts at the end of a decimal."""


def shown(x: Any, digits: int = 6) -> str:
    """A number in a message: an integer whole, another as a decimal of so many digits."""
    if type(x) is int or (type(x) is fmpq and x.q == 1):
        return str(x)
    return _SHORT.sub(r"\1", real(x).mid().str(digits, radius=False))


# ---------------------------------------------------------------- number systems


@dataclass(frozen=True)
class NumberSystem:
    """A number system: the elementary functions on its arrays, how fractions and constants enter it, 1/x, roots and powers.

    What is irrational in it has so many `digits`, and is `Traced` where these are more than at first.  Where a function has no
    value there is NOTHING in its place, or not a number; the `reasoned` system raises, and says why.
    """

    functions: Mapping[str, Callable[[Array], Array]]
    rational: Callable[[int, int], Any]
    constant: Callable[[Any], Any]
    reciprocal: Callable[[Array], Array]
    root: Callable[[Array, int], Array]
    power: Callable[[Array, Array], Array]
    minus: Callable[[Array, Array], Array]
    larger: Callable[[Array, Array], Array]
    sign: Callable[[Array], Array]
    entered: Callable[[Array], Array]
    bounded: Callable[[Array], Array]
    digits: int = DIGITS
    reasoned: bool = False


def _vectorised(function: Callable[..., Any]) -> Callable[..., Array]:
    return np.frompyfunc(function, 1, 1)


def _float(name: str) -> Callable[[Array], Array]:
    """The function as NumPy has it, or Python's `math`."""
    return getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])


_FUNCTIONS = {
    p.function.__name__: p for p in PRIMITIVES.values() if isinstance(p.function, type) and hasattr(arb, p.function.__name__)
}
"""The primitives that stay functions in a term, by what SymPy calls them; a root is a power, |·| and max have terms."""

_REASONS: Mapping[str, Callable[[Any], str]] = {
    "exp": _no_exp,
    "log": _no_log,
    "sin": partial(_no_angle, name="sin"),
    "cos": partial(_no_angle, name="cos"),
}


def _constant(c: Any) -> arb:
    """A constant of SymPy's, π or e."""
    return arb.pi() if c is S.Pi else arb.const_e()


@cache
def exact(digits: int, reasoned: bool = False) -> NumberSystem:
    """Exact fractions, and balls of so many digits from the first irrational function on."""

    def known(function: Callable[..., Any]) -> Callable[..., Any]:
        return partial(_computed, function) if digits > DIGITS else function

    def of(function: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
        return _reasoned(known(function), why) if reasoned else known(function)

    root = of(_root, _no_root)
    bounded = _vectorised(_reasoned(_bounded, _too_large) if reasoned else _bounded)
    return NumberSystem(
        {
            name: _vectorised(of(_at(name, primitive.exact), _REASONS.get(name, lambda x: "")))
            for name, primitive in _FUNCTIONS.items()
        },
        lambda p, q: int(p) if q == 1 else fmpq(int(p), int(q)),
        known(_constant),
        _vectorised(of(_reciprocal, _no_reciprocal)),
        lambda a, q: _vectorised(lambda x: root(x, q))(a),
        np.frompyfunc(of(_raised, _no_power), 2, 1),
        np.frompyfunc(minus, 2, 1),
        np.frompyfunc(larger, 2, 1),
        _signs,
        partial(_all_entered, digits=digits),
        lambda a: np.asarray(bounded(a), dtype=object),
        digits,
        reasoned,
    )


def _signs(array: Array) -> Array:
    return np.asarray(_SIGNS(array), dtype=np.int8)


_SIGNS = _vectorised(sign)

EXACT = exact(DIGITS)

FLOAT = NumberSystem(
    {name: _float(name) for name in _FUNCTIONS},
    lambda p, q: p / q,
    float,
    lambda a: 1.0 / a,
    lambda a, q: np.sqrt(a) if q == 2 else np.power(a, 1.0 / q),
    lambda a, p: a**p,
    np.subtract,
    np.maximum,
    np.sign,
    np.asarray,
    lambda a: a,
)
