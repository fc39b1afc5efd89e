"""Sums of exponentials that are written out, shifted by the largest exponent as those over an axis are.

    log(e^a + e^b)         m + log(e^(a - m) + e^(b - m)), with m = max(a, b)
    e^a/(e^a + e^b)        e^(a - m)/(e^(a - m) + e^(b - m))
    √(e^a + e^b)           e^(m/2) √(e^(a - m) + e^(b - m))

A number is e^0, and what a sum over an axis was shifted by is an exponent, too: 1 + Σ_k exp z_k.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

from sympy import Add, Mul, S, exp, log

from derive.calculus.terms import Element, Maximum, factors, terms
from derive.kernels.program.functions import exp_nonpositive, reaching, together
from derive.kernels.program.program import Program, mapped
from derive.language import library

MOST = 4
"""A sum of exponentials to a higher power is divided by as it is."""


@dataclass(frozen=True)
class _Written:
    """A sum Σ c exp f, with its exponents f and their weights c, as exp(largest) times what is left, `rest`."""

    exponents: tuple[Any, ...]
    weights: tuple[Any, ...]
    largest: Any

    @property
    def rest(self) -> Any:
        return Add(*[c * self.small(e) for c, e in zip(self.weights, self.exponents, strict=True)])

    def small(self, exponent: Any) -> Any:
        """exp(exponent - largest), which is no more than 1."""
        return exp_nonpositive(_whole(exponent) - self.largest)

    def share(self, exponent: Any) -> Any:
        """exp(exponent) over the sum, a sigmoid where the sum is of two."""
        if self.weights != (1, 1):
            return self.small(exponent) / self.rest
        other = next(e for e in self.exponents if e != exponent)
        sigmoid = library.function("sigmoid")
        assert sigmoid is not None
        return sigmoid(exponent - other)


def written(program: Program) -> Program:
    """Logarithms of sums of exponentials, and quotients by them, shifted."""

    def products(term: Any) -> Any:
        return _logarithm(term) if isinstance(term, log) else _quotient(term) if term.is_Mul else term

    return mapped(mapped(program, products), lambda term: _power(term) if term.is_Pow else term)


def _whole(exponent: Any) -> Any:
    return together(exponent) if exponent.is_Add else exponent


def _sum(term: Any) -> _Written | None:
    """A sum of two exponentials or more; None where a term is none."""
    if not term.is_Add:
        return None
    found: dict[Any, Any] = {}
    for part in terms(term):
        powers = [f for f in factors(part) if isinstance(f, exp)]
        left = Mul(*[f for f in factors(part) if f not in powers])
        exponent = Add(*[f.args[0] for f in powers])
        found[exponent] = found.get(exponent, S.Zero) + left
    exponents = tuple(sorted(found, key=str))
    if len(found) < 2 or any(left.has(exp) for left in found.values()) or not any(e.has(Element) for e in exponents):
        return None
    largest = exponents[-1]
    for exponent in exponents[-2::-1]:
        largest = Maximum(exponent, largest)
    return _Written(exponents, tuple(found[e] for e in exponents), largest)


def _logarithm(term: Any) -> Any:
    found = _sum(term.args[0])
    if found is None or (len(found.exponents) == 2 and term.args[0] - 1 in {exp(e) for e in found.exponents}):
        return term  # log(1 + e^x) has a function of its own
    return reaching(found.largest, found.largest + log(found.rest))


def _power(term: Any) -> Any:
    """A root of a sum of exponentials, infinite where the largest is, or a quotient by a power of one."""
    new = _quotient(term)
    largest = [f for f in factors(new) if isinstance(f, exp)] if new != term and term.exp.is_positive else []
    return reaching(Mul(*largest), new) if largest else new


def _is_shifted(power: Any) -> bool:
    """Whether a power is one that sums of exponentials are shifted in: a quotient, or a root."""
    return bool(power.is_Rational and abs(power) <= MOST and (power < 0 or not power.is_Integer))


def _quotient(term: Any) -> Any:
    """A product with quotients by sums of exponentials, or their roots, each shifted: their largest exponents cancel or join."""
    if not any(f.is_Pow and _is_shifted(f.exp) and _sum(f.base) for f in factors(term)):
        return term
    if any(_less_one(f.base) is not None for f in factors(term) if f.is_Pow):
        return _turned(term)
    kept, exponent, sums = S.One, S.Zero, list[tuple[_Written, Any]]()
    for factor in factors(term):
        base, power = factor.as_base_exp() if not isinstance(factor, exp) else (factor, S.One)
        found = _sum(base) if power.is_Rational else None
        if isinstance(factor, exp):
            exponent += factor.args[0]
        elif found is None:
            kept *= factor
        else:
            sums.append((found, power))
    return kept * _cancelled(exponent, sums)


def _cancelled(exponent: Any, sums: list[tuple[_Written, Any]]) -> Any:
    """exp(exponent) over the powers of some sums: each exponential over a sum that it stands in, where that can be."""
    rest = Mul(*[s.rest**p for s, p in sums])
    for found, power in [s for s in sums if s[1].is_Integer]:
        others = Add(*[p * s.largest for s, p in sums if s is not found])
        for chosen in combinations_with_replacement(found.exponents, max(-int(power), 0)):
            if (Add(*chosen) - exponent - others).expand() == 0:
                return Mul(*[found.share(e) for e in chosen]) * rest * found.rest**-power
    return exp(exponent + Add(*[p * s.largest for s, p in sums])) * rest


def _less_one(term: Any) -> Any:
    """The exponent of e^x - 1 or of 1 - e^x, which a function of its own keeps the digits of; None where a term is neither."""
    found = next((f for f in term.atoms(exp) if (term - f + 1) == 0 or (term + f - 1) == 0), None) if term.is_Add else None
    return None if found is None else found.args[0]


def _turned(term: Any) -> Any:
    """e^x/(e^x - 1) as 1/(1 - e^(-x))."""
    exponent = Add(*[f.args[0] for f in factors(term) if isinstance(f, exp)])
    for factor in factors(term):
        x: Any = _less_one(factor.base) if factor.is_Pow and factor.exp.is_Integer else None
        times = S.Zero if x is None else (exponent / x).cancel()
        if times.is_Integer and times > 0:
            k = min(int(times), int(-factor.exp))
            rest = [f for f in factors(term) if f is not factor and not isinstance(f, exp)]
            turned = (factor.base * exp(-x)).expand()  # 1 - e^(-x), or its opposite
            return Mul(exp(exponent - k * x), factor.base ** (factor.exp + k), turned**-k, *rest)
    return term
