"""Terms as quotients of polynomials in what is no sum, product or whole power: whether one is 0 wherever it has a value.

The arithmetic is FLINT's.  What these atoms are to each other is used for roots (s² = v), sines and cosines, and numbers that are
0 or 1; whatever else they are, a numerator that comes to 0 is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flint import fmpq, fmpq_mpoly_ctx
from sympy import Add, Integer, Mul, Pow, Rational, S, cos, sin

from derive.calculus.cost import length
from derive.calculus.terms import CACHE, Bracket, signature

MAX_WORK = 200_000
"""Products of polynomials may have so many terms, before any is collected, in all that is done for one question."""

MAX_SYMBOLS = 4_000
"""Longer terms are not looked at."""


class TooMuchError(Exception):
    """More work than a question may be."""


@dataclass
class Effort:
    """What has been spent on a question: a count, no clock, so that it ends the same way on every machine."""

    left: int = MAX_WORK

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooMuchError


@dataclass(frozen=True)
class Quotient:
    """A quotient of polynomials in some atoms."""

    top: Any
    bottom: Any
    atoms: tuple[Any, ...]

    @property
    def term(self) -> Any:
        """The same as a term."""
        return _term(self.top, self.atoms) / _term(self.bottom, self.atoms)

    @property
    def parts(self) -> tuple[Any, Any]:
        """The numerator and the denominator as terms."""
        return _term(self.top, self.atoms), _term(self.bottom, self.atoms)

    @property
    def odd_factors(self) -> tuple[Any, ...]:
        """Terms whose product has the sign of this one."""
        number, parts = (self.top * self.bottom).factor()
        found = [_term(part, self.atoms) for part, times in parts if int(times) % 2]
        return (*((S.NegativeOne,) if number < 0 else ()), *found)


def quotient(term: Any, effort: Effort) -> Quotient:
    """A term as a quotient of two polynomials without a common factor.  Raises TooMuchError."""
    if length(term) > MAX_SYMBOLS:
        raise TooMuchError
    atoms = tuple(sorted(set(_atoms(term)), key=signature))
    context = fmpq_mpoly_ctx.get(tuple(f"x{k}" for k in range(max(1, len(atoms)))), "lex")
    values = dict(zip(atoms, context.gens(), strict=False))
    return Quotient(*_ratio(term, values, context, effort), atoms)


def vanishes(term: Any, effort: Effort, halves: Collection[Any] = ()) -> bool:
    """Whether a term is shown to be 0 by algebra; `halves` are atoms of which each is 0 or 1."""
    found = quotient(term, effort)
    for _ in range(4):
        if found.top == 0:
            return True
        lower = quotient(_reduced(found, frozenset(halves)), effort)
        if (lower.top, lower.atoms) == (found.top, found.atoms):
            return False
        found = lower
    return False


def _atoms(term: Any) -> Iterator[Any]:
    """What a term is a rational expression of; of a root, what stands under it as well."""
    if term.is_Rational:
        return
    if term.is_Add or term.is_Mul:
        for arg in term.args:
            yield from _atoms(arg)
    elif term.is_Pow and term.exp.is_Integer:
        yield from _atoms(term.base)
    elif term.is_Pow and term.exp.is_Rational:
        yield Pow(term.base, Rational(1, term.exp.q))
    else:
        yield term


def _ratio(term: Any, values: dict[Any, Any], context: Any, effort: Effort) -> tuple[Any, Any]:
    one = context.constant(1)
    if term.is_Rational:
        return context.constant(fmpq(int(term.p), int(term.q))), one
    if term.is_Add:
        top, bottom = context.constant(0), one
        for arg in term.args:
            more, under = _ratio(arg, values, context, effort)
            if under == bottom:
                top = top + more
            else:
                effort.spend(len(top) * len(under) + len(more) * len(bottom) + len(bottom) * len(under))
                top, bottom = top * under + more * bottom, bottom * under
                top, bottom = _lowest(top, bottom)
        return top, bottom
    if term.is_Mul:
        top, bottom = one, one
        for arg in term.args:
            more, under = _ratio(arg, values, context, effort)
            effort.spend(len(top) * len(more) + len(bottom) * len(under))
            top, bottom = _lowest(top * more, bottom * under)
        return top, bottom
    if term.is_Pow and term.exp.is_Rational:
        base = values.get(Pow(term.base, Rational(1, term.exp.q))) if not term.exp.is_Integer else None
        top, bottom = (base, one) if base is not None else _ratio(term.base, values, context, effort)
        count = abs(int(term.exp.p))
        if count > 64:
            raise TooMuchError
        effort.spend(min(10**9, len(top) ** min(count, 12) + len(bottom) ** min(count, 12)))
        top, bottom = top**count, bottom**count
        if term.exp.p > 0:
            return top, bottom
        if top == 0:
            raise ZeroDivisionError
        return bottom, top
    return values[term], one


def _lowest(top: Any, bottom: Any) -> tuple[Any, Any]:
    if bottom.is_constant():
        return top / bottom.leading_coefficient(), bottom / bottom.leading_coefficient()
    shared = top.gcd(bottom)
    return (top, bottom) if shared.is_constant() else (top / shared, bottom / shared)


def _term(polynomial: Any, atoms: tuple[Any, ...]) -> Any:
    return Add(*[_monomial(powers, c, atoms) for powers, c in polynomial.to_dict().items()])


def _monomial(powers: tuple[int, ...], coefficient: Any, atoms: tuple[Any, ...]) -> Any:
    number = Rational(int(coefficient.p), int(coefficient.q))
    return Mul(number, *[atom ** int(power) for atom, power in zip(atoms, powers, strict=False) if power])


def _reduced(found: Quotient, halves: frozenset[Any]) -> Any:
    """The numerator with what is known of its atoms put in."""
    rows = []
    for powers, coefficient in found.top.to_dict().items():
        factors = [Rational(int(coefficient.p), int(coefficient.q))]
        for atom, power in zip(found.atoms, map(int, powers), strict=False):
            if power:
                factors.append(_lower(atom, power, halves))
        rows.append(Mul(*factors))
    return Add(*rows)


@lru_cache(maxsize=CACHE)
def _lower(atom: Any, power: int, halves: frozenset[Any]) -> Any:
    """A power of an atom by what is known of it."""
    if isinstance(atom, Bracket) or atom in halves:
        return atom
    if isinstance(atom, sin):
        return (1 - cos(atom.args[0]) ** 2) ** (power // 2) * atom ** (power % 2)
    if atom.is_Pow and atom.exp.is_Rational and atom.exp.p == 1 and atom.base is not S.One:
        whole, rest = divmod(power, int(atom.exp.q))
        return atom.base**whole * atom**rest
    return atom ** Integer(power)
