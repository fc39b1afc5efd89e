"""Two kinds of numbers: exact fractions that become balls at the first irrational function, and float64.

A comparison of balls that is not decided raises `Undecided`, and `decided` asks again in twice as many digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from flint import arb, fmpq
from sympy import S

from derive.calculus.functions import GAMMAS, PRIMITIVES, Primitive
from derive.values.balls import Array, computed, larger, minus, sign
from derive.values.elementary import (
    bounded,
    function_at,
    no_angle,
    no_exp,
    no_gamma,
    no_inverse,
    no_log,
    no_power,
    no_reciprocal,
    no_root,
    raised,
    reciprocal,
    root,
    too_large,
    with_reasons,
)
from derive.values.matrices import determinant, float_inverse, inverse
from derive.values.precision import DIGITS
from derive.values.real import all_entered


@dataclass(frozen=True)
class NumberSystem:
    """A number system: the elementary functions on its arrays, how fractions and constants enter it, 1/x, roots and powers,
    determinants and inverses of the matrices in the last two axes.

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
    determinant: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    digits: int = DIGITS
    reasoned: bool = False


def _vectorised(function: Callable[..., Any]) -> Callable[..., Array]:
    return np.frompyfunc(function, 1, 1)


def _float(name: str) -> Callable[[Array], Array]:
    """The function as NumPy has it, or Python's `math`; those of Γ as FLINT has them."""
    if name in _GAMMA_NAMES:
        return np.vectorize(lambda x: float(function_at(name, {})(arb(x))), otypes=[float])
    return getattr(np, name, None) or np.vectorize(getattr(math, name), otypes=[float])


_GAMMA_NAMES = {function.__name__ for function in GAMMAS}
_FUNCTIONS = {
    **{name: Primitive(1, function) for function in GAMMAS if (name := function.__name__)},
    **{p.function.__name__: p for p in PRIMITIVES.values() if isinstance(p.function, type) and hasattr(arb, p.function.__name__)},
}
"""The primitives that stay functions in a term, by what SymPy calls them; a root is a power, |·| and max have terms."""


_REASONS: Mapping[str, Callable[[Any], str]] = {
    "exp": no_exp,
    "log": no_log,
    **{function.__name__: partial(no_gamma, name=function.__name__) for function in GAMMAS},
    "sin": partial(no_angle, name="sin"),
    "cos": partial(no_angle, name="cos"),
}


def _constant(c: Any) -> arb:
    """A constant of SymPy's, π or e."""
    return arb.pi() if c is S.Pi else arb.const_e()


@cache
def exact(digits: int, reasoned: bool = False) -> NumberSystem:
    """Exact fractions, and balls of so many digits from the first irrational function on."""

    def known(function: Callable[..., Any]) -> Callable[..., Any]:
        return partial(computed, function) if digits > DIGITS else function

    def of(function: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
        return with_reasons(known(function), why) if reasoned else known(function)

    exact_root = of(root, no_root)
    kept = _vectorised(with_reasons(bounded, too_large) if reasoned else bounded)
    return NumberSystem(
        {
            name: _vectorised(of(function_at(name, primitive.exact), _REASONS.get(name, lambda x: "")))
            for name, primitive in _FUNCTIONS.items()
        },
        lambda p, q: int(p) if q == 1 else fmpq(int(p), int(q)),
        known(_constant),
        _vectorised(of(reciprocal, no_reciprocal)),
        lambda a, q: _vectorised(lambda x: exact_root(x, q))(a),
        np.frompyfunc(of(raised, no_power), 2, 1),
        np.frompyfunc(minus, 2, 1),
        np.frompyfunc(larger, 2, 1),
        _signs,
        partial(all_entered, digits=digits),
        lambda a: np.asarray(kept(a), dtype=object),
        determinant,
        partial(inverse, reciprocal=_vectorised(of(reciprocal, no_inverse))),
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
    lambda a: np.linalg.det(np.asarray(a, dtype=float)),
    float_inverse,
)
