"""Sums of exponentials that are written out, shifted by the largest exponent as those over an axis are.

    log(e^a + e^b)         m + log(e^(a - m) + e^(b - m)), with m = max(a, b)
    e^a/(e^a + e^b)        e^(a - m)/(e^(a - m) + e^(b - m))
    √(e^a + e^b)           e^(m/2) √(e^(a - m) + e^(b - m))

A number is e^0, and what a sum over an axis was shifted by is an exponent, too: 1 + Σ_k exp z_k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

from sympy import Add, Mul, Pow, S, exp, log, preorder_traversal

from derive.calculus.matching import match
from derive.calculus.terms import Element, Largest, Maximum, Sum, factors, substituted, terms, walk
from derive.kernels.program.functions import exp_nonpositive, reaching, together
from derive.kernels.program.program import Assign, Program, mapped
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


def natural(program: Program) -> Program:
    """Powers of numbers that are added up as exponentials: 2^x + 2^y as e^(x log 2) + e^(y log 2)."""

    def is_power(term: Any) -> bool:
        return bool(term.is_Pow and term.base.is_number and term.base.is_positive and term.exp.has(Element))

    def added(term: Any) -> bool:
        parts = [term.opened()[1]] if type(term) is Sum else terms(term) if term.is_Add else ()
        powers = [any(map(is_power, factors(part))) or bool(part.is_number) for part in parts]
        return bool(parts) and all(powers) and not all(part.is_number for part in parts)

    def rewrite(term: Any) -> Any:
        return exp(together(term.exp * log(term.base))) if is_power(term) else term

    found = any(added(t) for a in program.assigns for t in preorder_traversal(a.term))
    return mapped(program, rewrite) if found else program


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


# ---------------------------------------------------------------- exponentials by name


def put_in(program: Program) -> Program:
    """Exponentials, and sums of them, that are named written out where something is divided by them, or their logarithm taken."""
    program = replace(program, assigns=tuple(replace(a, term=_without_shares(a.term, program)) for a in program.assigns))
    found: dict[str, Assign] = {}
    for assign in program.assigns:
        term = _opened(assign.term, found)
        if _is_exponential(term):
            found[assign.name] = replace(assign, term=term)
    if not any(_is_critical(t, found) for a in program.assigns for t in a.term.atoms(Add, Mul, Pow, log)):
        return program
    return shares(replace(program, assigns=tuple(replace(a, term=_opened(a.term, found)) for a in program.assigns)))


def _without_shares(term: Any, program: Program) -> Any:
    """A term with y = e^a/(e^a + e^b) written out if it has an e^(b - a), too."""
    powers = [t for power in term.atoms(exp) for t in terms(power.args[0])]
    known = {e.name: program.assigned[e.name] for e in term.atoms(Element) if e.name in program.assigned}
    found = {n: a for n, a in known.items() if any(-t in powers for t in numerator(a.term)) and not a.term.atoms(Sum)}
    return _opened(term, found)


def numerator(term: Any) -> list[Any]:
    """The terms of the exponents of a product."""
    return [t for f in factors(term) if isinstance(f, exp) for t in terms(f.args[0])]


def _opened(term: Any, found: dict[str, Assign]) -> Any:
    return walk(term, lambda t: found[t.name].at(t) if isinstance(t, Element) and t.name in found else t)


def _is_exponential(term: Any) -> bool:
    """Whether a term is a product with one exponential, of something that has no bound, or a sum of such, or a root of one."""
    if type(term) is Sum:
        return _is_exponential(term.opened()[1])
    if term.is_Add:
        found = sum(map(_is_exponential, term.args))
        return found > 1 or (found > 0 and found + sum(t.is_positive is True for t in term.args if t.is_number) == len(term.args))
    if term.is_Pow:
        return term.exp.is_Rational and not term.exp.is_Integer and _is_exponential(term.base)
    powers = [f.args[0] for f in factors(term) if isinstance(f, exp)]
    if len(powers) != 1 or powers[0].has(Largest) or any(f.has(exp) for f in factors(term) if not isinstance(f, exp)):
        return False
    return any(isinstance(t, Element) for p in terms(powers[0]) for t in factors(p))


def _is_critical(term: Any, found: dict[str, Assign]) -> bool:
    """Whether a sum of exponentials that is named is divided by, or its logarithm taken, or added to more exponentials; or a root
    of one multiplied with them.
    """
    if term.is_Mul:
        bases = [f.base if f.is_Pow else f for f in factors(term)] if numerator(term) else []
        return any(_is_named(b, found) and found[b.name].term.is_Pow for b in bases)
    if term.is_Add:
        return any(map(numerator, term.args)) and any(_is_named(f, found) for t in term.args for f in factors(t))
    of = term.args[0] if isinstance(term, log) else term.base if term.exp.is_negative else S.One
    entry = of.body if type(of) is Sum else of
    return any(_is_named(f, found) for f in factors(entry))


def _is_named(term: Any, found: dict[str, Assign]) -> bool:
    return isinstance(term, Element) and term.name in found


def shares(program: Program) -> Program:
    """e^(z_i)/Σ_k e^(z_k) by the name of the tensor that it is."""
    known = [(a, found) for a in program.assigns if (found := _share(a.term)) is not None]

    def rewrite(term: Any) -> Any:
        for assign, (above, below) in known if term.is_Mul else ():
            for f in factors(term):
                found = match(above, f, assign.indices, {}) if isinstance(f, exp) else None
                if found is not None and len(found) == len(assign.indices) and substituted(below, found) in factors(term):
                    return term / f / substituted(below, found) * substituted(assign.entry, found)
        return term

    own = {a.name for a, _ in known}
    assigns = tuple(a if a.name in own else replace(a, term=walk(a.term, rewrite)) for a in program.assigns)
    return replace(program, assigns=assigns)


def _share(term: Any) -> tuple[Any, Any] | None:
    """(e^(z_i), 1/Σ_k e^(z_k)) where a term is their product."""
    parts = sorted(factors(term), key=lambda f: not isinstance(f, exp))
    fits = len(parts) == 2 and isinstance(parts[0], exp) and parts[1].is_Pow and parts[1].exp == -1
    return (parts[0], parts[1]) if fits and type(parts[1].base) is Sum else None
