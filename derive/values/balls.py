"""Numbers with a proved radius, and what two of them tell: which is the larger, and how both move.

A ball (`flint.arb`) holds the true value of what is computed from balls.  So a comparison of two that do not meet is certain, and
of two that do it is undecided.  A `Jet` is a ball that moves, a `Traced` one knows how it was computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import add, mul, neg, sub, truediv
from typing import Any

from flint import arb, arb_series

Array = Any
"""A numpy array, of int, fmpq and arb objects or of float64; 0-dimensional for a scalar."""


LOWEST: Any


HIGHEST: Any


NOTHING: Any


LOWEST, HIGHEST, NOTHING = arb.neg_inf(), arb.pos_inf(), arb.nan()
"""The largest and the smallest of no entries; and what stands for a number that does not exist, or is not known at all."""


class Jet:
    """A number that moves with t, as a power series of which only the first power counts: value + slope t.

    The arithmetic is that of FLINT's series; as these are sequences, which NumPy would take for arrays, one stands in here.
    An entry that is moved knows which number it `moves`: it is the same wherever that one is read.
    """

    __slots__ = ("moves", "series")

    def __init__(self, series: arb_series, moves: Any = None) -> None:
        self.series, self.moves = series, moves

    @property
    def value(self) -> arb:
        return self.series[0]

    @property
    def slope(self) -> arb:
        return self.series[1]

    def __add__(self, other: Any) -> Jet:
        return Jet(self.series + _series(other), other if self is T_ else None)

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
        return self.put(lambda x: x ** untraced(power))

    def at(self, function: str) -> Jet:
        """A function of FLINT's of it."""
        return self.put(lambda x: getattr(x, function)())

    def put(self, function: Callable[[Any], Any]) -> Jet:
        """Put into a function that series and balls have; FLINT's series lose a value with its slope."""
        if self.slope.is_finite() and self.value.is_finite():
            return Jet(function(self.series))
        return Jet(arb_series([function(self.value), self.slope], prec=2))


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
        return computed(add, self, other, either=True)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return computed(mul, self, other, either=True)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return computed(sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return computed(sub, other, self)

    def __truediv__(self, other: Any) -> Any:
        return computed(truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return computed(truediv, other, self)

    def __neg__(self) -> Any:
        return computed(neg, self)

    def __abs__(self) -> Any:
        return computed(abs, self)

    def __pow__(self, other: Any) -> Any:
        return computed(pow, self, other)


def computed(operation: Callable[..., Any], *given: Any, either: bool = False) -> Any:
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


def first(x: Any) -> Any:
    """A number without its slope, and without how it was computed."""
    return x.value if type(x) is Jet else untraced(x)


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
    x = first(x)
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0 if x == 0 else UNKNOWN


def minus(a: Any, b: Any) -> Any:
    """a - b; of a number and itself it is 0, whatever its digits are."""
    if a is b or (type(a) is type(b) and _same(a, b)):
        return 0
    gap = a - b
    return 0 if type(gap) is arb and gap.is_nan() and a == b else gap


def _same(a: Any, b: Any) -> bool:
    """Whether two numbers of a kind are known to be the same, not only to lie in the same ball."""
    return (type(a) is Traced and a.key is b.key) or (type(a) is Jet and a.moves is not None and a.moves is b.moves)


def apart(a: Any, b: Any) -> bool:
    """Whether two numbers are certainly not the same."""
    return abs(sign(minus(a, b))) == 1


def larger(a: Any, b: Any) -> Any:
    """The larger of two; where that is not decided, the ball that holds it, and one that holds both slopes."""
    gap = sign(minus(b, a))
    if gap != UNKNOWN:
        return b if gap > 0 else a
    if Traced in (type(a), type(b)):
        return computed(larger, a, b, either=True)
    if Jet not in (type(a), type(b)):
        return arb(a).max(arb(b))
    slopes = [arb(x.slope if type(x) is Jet else 0) for x in (a, b)]
    return Jet(arb_series([arb(first(a)).max(arb(first(b))), slopes[0].union(slopes[1])], prec=2))
