"""Numbers as a user holds them: fractions, and `Real` numbers that find as many of their digits as are asked for."""

from __future__ import annotations

import copyreg
import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import partial
from numbers import Rational
from operator import add, mul, truediv
from typing import Any

import numpy as np
from flint import arb, fmpq

from derive.values.balls import UNKNOWN, Array, Jet, Traced, minus, sign, untraced
from derive.values.elementary import raised
from derive.values.precision import DIGITS, MOST_DIGITS, Undecided, decided, precision, too_few


def real(x: Any, digits: int = DIGITS) -> arb:
    """A number as a ball of so many digits; one that is a ball stays what it is."""
    x = untraced(x)
    if type(x) is arb:
        return x
    with precision(digits):
        return arb(entered(x, digits))


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


def entered(x: Any, digits: int = DIGITS) -> Any:
    """A number as it is computed with: int, fmpq or arb."""
    if type(x) is Real:
        x = x.at(digits).number
    kind = type(x)
    if kind is Traced and digits <= DIGITS:
        return x.number
    if kind in (arb, fmpq, int, Jet, Traced):
        return x
    if kind is Fraction:
        return fmpq(x.numerator, x.denominator)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if hasattr(x, "_mpf_"):
        negative, digits, exponent, _ = x._mpf_
        return arb((-int(digits) if negative else int(digits), int(exponent)))
    return arb(float(x)) if isinstance(x, (float, np.floating)) else fmpq(int(x.numerator), int(x.denominator))


def all_entered(array: Array, digits: int) -> Array:
    """An array of any numbers, as they are computed with."""
    values = np.asarray(array)
    enter = np.frompyfunc(lambda x: entered(x, digits), 1, 1)
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
                return _inexact(operation(*(entered(side, digits) for side in sides)))

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
        return self._with(raised, other)

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
        return isinstance(other, (int, float, Rational)) and bool(self.ball == entered(other))

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


def most_apart(a: Any, b: Any) -> arb:
    """How far two numbers are apart at most: a number without a radius."""
    a, b = entered(a), entered(b)
    if type(a) is not type(b):  # a fraction would be rounded as the process rounds
        a, b = real(a), real(b)
    gap = minus(a, b)
    return (gap if type(gap) is arb else arb(gap)).abs_upper()
