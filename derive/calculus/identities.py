"""Identities of functions and conditions that results are shortened by, one row each.

A row rewrites one node of a term, or leaves it.  `shortest` uses a row where what comes of it is shorter, so none runs against
another.  To add one, add a row, and terms for which it is shown to hold in `tests/calculus/test_identities.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Abs, S, cos, sign, sin

from derive.calculus.functions import Named
from derive.calculus.signs import is_negative
from derive.calculus.terms import CACHE, AtMost, Below, Bracket, Differ, Element, Positive, factors, walk


@dataclass(frozen=True)
class Identity:
    """One row: what it says, the kinds of terms without which it says nothing, and the rewrite of one node."""

    name: str
    kinds: tuple[type, ...]
    rewrite: Callable[[Any], Any]


def _reflected(name: str, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """f(-x) by f(x), of the function of this name in the library."""

    def rewrite(t: Any) -> Any:
        if not isinstance(t, Named) or t.func.__name__ != name or not is_negative(t.args[0]):
            return t
        return value(t.func(-t.args[0]))

    return rewrite


def _signed(t: Any) -> Any:
    """x^k sign(x) as x^(k-1) |x|, for whole k ≥ 1."""
    for slope in (f for f in factors(t) if isinstance(f, sign)) if t.is_Mul else ():
        base = slope.args[0]
        parts = [part for f in factors(t) for part in factors(f)]  # SymPy writes |x|³ as x² |x|, a product within the product
        power = next((f for f in parts if f.as_base_exp()[0] == base and f.as_base_exp()[1].is_positive), None)
        if power is not None and power.as_base_exp()[1].is_Integer:
            return t / slope / base * Abs(base)
    return t


def _circle(t: Any) -> Any:
    """sin² x + cos² x as 1, where both stand in a sum."""
    squares = {f for u in t.args for f in factors(u) if f.is_Pow and f.exp == 2} if t.is_Add else set()
    found = [f for f in squares if isinstance(f.base, sin) and cos(f.base.args[0]) ** 2 in squares]
    return t.xreplace({f: 1 - cos(f.base.args[0]) ** 2 for f in found})


def _decided(t: Any) -> Any:
    """[a > 0] of positive numbers alone, such as ε > 0: entries of a probability may be 0."""
    if not isinstance(t, Positive) or any(e.indices for e in t.atoms(Element)):
        return t
    gap = t.args[0]
    return S.One if gap.is_positive else S.Zero if gap.is_nonpositive else t


def _with_below(partner: type[Bracket], joined: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """[i < k] and a partner that compares k with i, in a sum with the same factors: what the two are together."""

    def rewrite(t: Any) -> Any:
        for u in t.args if t.is_Add else ():
            for f in (f for f in factors(u) if isinstance(f, Below)):
                other = u / f * partner(*f.args[::-1])
                if other in t.args:
                    return t - u - other + u / f * joined(*f.args)
        return t

    return rewrite


IDENTITIES: tuple[Identity, ...] = (
    Identity("σ(−x) = 1 − σ(x)", (Named,), _reflected("sigmoid", lambda f: 1 - f)),
    Identity("Φ(−x) = 1 − Φ(x)", (Named,), _reflected("normal_cdf", lambda f: 1 - f)),
    Identity("φ(−x) = φ(x)", (Named,), _reflected("normal_pdf", lambda f: f)),
    Identity("x sign(x) = |x|", (sign,), _signed),
    Identity("sin² x + cos² x = 1", (sin, cos), _circle),
    Identity("𝟙[a > 0] of positive numbers", (Positive,), _decided),
    Identity("𝟙[i < k] + 𝟙[k < i] = 𝟙[i ≠ k]", (Below,), _with_below(Below, Differ)),
    Identity("𝟙[i < k] + 𝟙[k ≤ i] = 1", (Below, AtMost), _with_below(AtMost, lambda i, k: S.One)),
)


def rewritings(term: Any, rows: tuple[Identity, ...] = IDENTITIES) -> Iterator[Any]:
    """What each row makes of a term, where that is another."""
    kinds = _kinds(term)
    for row in rows:
        if all(any(issubclass(kind, wanted) for kind in kinds) for wanted in row.kinds):
            new = walk(term, row.rewrite)
            if new != term:
                yield new


@lru_cache(maxsize=CACHE)
def _kinds(term: Any) -> frozenset[type]:
    """The kinds of the functions in a term."""
    own = frozenset([type(term)]) if isinstance(term, KINDS) else frozenset()
    return own.union(*map(_kinds, term.args))


KINDS = tuple({kind for row in IDENTITIES for kind in row.kinds})
