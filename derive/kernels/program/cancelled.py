"""What an adjoint divides by and the next rule multiplies with, cancelled: p (a - y/p) is a p - y, also where p has become 0.

Each rewrite here looks through the names of tensors: a derivation keeps adjoints apart and writes slopes by what is already
named, log x's as e^(-y), which a reader likes and numbers do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Add, Mul, exp, expand_mul, log

from derive.calculus.functions import Named
from derive.calculus.terms import Delta, Element, factors, substituted, terms
from derive.kernels.program.program import Assign, Program, mapped

DEPTH = 3
"""Through so many names a quotient is looked for."""


def definition(assign: Assign, entry: Element) -> Any:
    """The term that an entry holds."""
    return substituted(assign.term, dict(zip(assign.indices, entry.indices, strict=True)))


# ---------------------------------------------------------------- quotients that the next factor takes away


def distributed(program: Program) -> Program:
    """A product over the sum behind one of its factors, where a quotient of that sum is by another factor."""
    plain = mapped(program, lambda t: _original(t, program))
    new = mapped(plain, lambda t: _distributed(t, plain))
    return program if new == plain else new


def _original(term: Any, program: Program) -> Any:
    """What a tensor is another name of."""
    while isinstance(term, Element) and isinstance(getattr(program.assigned.get(term.name), "term", None), Element):
        term = definition(program.assigned[term.name], term)
    return term


def _distributed(term: Any, program: Program) -> Any:
    if not term.is_Mul:
        return term
    parts = factors(term)
    for part in parts:
        bases = [f for f in parts if f is not part and _may_vanish(f, program)]
        opened = _opened(part, bases, program, DEPTH) if bases else None
        if opened is not None:
            used = [b for b in bases if any(_divides(t, u) for t in terms(opened) for u in _turned([b], t))]
            kept = Mul(*[f for f in parts if f is not part and f not in used])
            return kept * Add(*[_product(used, t) for t in terms(opened)])
    return term


def _may_vanish(factor: Any, program: Program) -> bool:
    """Whether a factor is p or 1 - p, or a power of one, for a tensor p that is computed."""
    base = factor.base if factor.is_Pow and factor.exp.is_positive else factor
    left = base if isinstance(base, Element) else 1 - base
    return isinstance(left, Element) and left.name in program.assigned and left.is_integer is not True


def _opened(term: Any, bases: list[Any], program: Program, depth: int) -> Any:
    """A term as a sum in which a summand is divided by one of the bases; None where none is."""
    for turned in _turned(bases, term):
        if _divides(term, turned):
            return _alike(term, turned)
    if isinstance(term, Element):
        assign = program.assigned.get(term.name)
        return _opened(definition(assign, term), bases, program, depth - 1) if assign is not None and depth else None
    return _opened_inside(term, bases, program, depth) if term.is_Add or term.is_Mul else None


def _opened_inside(term: Any, bases: list[Any], program: Program, depth: int) -> Any:
    for turned in _turned(bases, term):
        found = [_opened(a, turned, program, depth) for a in term.args]
        if term.is_Add and any(f is not None for f in found):
            return Add(*[a if f is None else f for a, f in zip(term.args, found, strict=True)])
        for k, opened in enumerate(found):
            if opened is not None:
                rest = Mul(*[a for a in term.args if a is not term.args[k]])
                return Add(*[rest * t for t in terms(expand_mul(opened, deep=False))])
    return None


def _turned(bases: list[Any], term: Any) -> Iterator[list[Any]]:
    """The factors beside a term, and as they are where a δ_ik in it is not 0: p_i as p_k."""
    yield bases
    for delta in (f for f in factors(term) if isinstance(f, Delta)) if term.is_Mul else ():
        for one, other in (delta.args, delta.args[::-1]):
            yield [substituted(b, {one: other}) for b in bases]


def _product(bases: list[Any], term: Any) -> Any:
    """Both together, cancelled."""
    return Mul(*next((turned for turned in _turned(bases, term) if _divides(term, turned)), bases), term)


def _divides(term: Any, bases: list[Any]) -> bool:
    known = {_base(b) for b in bases}
    return any(f.is_Pow and f.exp.is_negative and not known.isdisjoint((f.base, -f.base)) for f in factors(term))


def _base(factor: Any) -> Any:
    return factor.base if factor.is_Pow and factor.exp.is_positive else factor


def _alike(term: Any, bases: list[Any]) -> Any:
    """The term with p - 1 in its denominator as -(1 - p), where that is how a base is written."""
    known = {_base(b) for b in bases}
    turned = [f for f in factors(term) if f.is_Pow and f.exp.is_Integer and -f.base in known]
    return Mul(*[f for f in factors(term) if f not in turned], *[(-1) ** f.exp * (-f.base) ** f.exp for f in turned])


# ---------------------------------------------------------------- slopes in terms of what they are slopes by


def undone(program: Program) -> Program:
    """e^(-log x) as 1/x, and a power of a power of x as one: what is left of x in a logarithm or a large power is less than x."""
    varying = _exponential(program)

    def rewrite(term: Any) -> Any:
        if isinstance(term, exp):
            return _without_logarithms(term, program, varying)
        return _one_power(term, program) if term.is_Pow or term.is_Mul else term

    return mapped(program, rewrite)


def _exponential(program: Program) -> frozenset[str]:
    """The tensors that an exponential goes into, and all that are computed from these."""
    found = set[str]()
    for assign in program.assigns:
        if assign.reads & found or _has_exponential(assign.term):
            found.add(assign.name)
    return frozenset(found)


def _has_exponential(term: Any) -> bool:
    return bool(term.has(exp)) or any(_has_exponential(f.unfolded) for f in term.atoms(Named))


def _without_logarithms(term: Any, program: Program, varying: frozenset[str]) -> Any:
    outside, inside = [], []
    for part in terms(term.args[0]):
        number, entry = part.as_coeff_Mul()
        found = _logarithms(entry, program, varying)
        if found is None or not all((number * power).is_Integer for _, power in found):
            inside.append(part)
        else:
            outside += [base ** (number * power) for base, power in found]
    return Mul(*outside, exp(Add(*inside))) if outside else term


def _logarithms(entry: Any, program: Program, varying: frozenset[str]) -> list[tuple[Any, Any]] | None:
    """(u, q) for each q log u whose sum a tensor is, where that is so, and no u is made of exponentials."""
    if not isinstance(entry, Element) or entry.name not in program.assigned or entry.name in varying:
        return None
    found = []
    for part in terms(definition(program.assigned[entry.name], entry)):
        power, rest = part.as_coeff_Mul()
        if not isinstance(rest, log):
            return None
        found.append((rest.args[0], power))
    return found


def _one_power(term: Any, program: Program) -> Any:
    """A product of powers of x and of tensors that are large powers of it as one of powers of x, where that is simpler."""
    parts = [_power_of(f, program) for f in factors(term)]
    opened = Mul(*parts)
    simpler = any(f.is_Pow and f.exp.is_Integer is False and f != g for f, g in zip(factors(term), parts, strict=True))
    return opened if len(factors(opened)) < len(factors(term)) or simpler else term


def _power_of(factor: Any, program: Program) -> Any:
    """A power of a tensor that is a product of powers, as that product; any other factor as it is."""
    base, power = factor.as_base_exp()
    if not isinstance(base, Element) or base.name not in program.assigned:
        return factor
    parts = [f.as_base_exp() for f in factors(definition(program.assigned[base.name], base))]
    if not all(p.is_Rational for _, p in parts) or not any(b.has(Element) and abs(p) > 1 for b, p in parts):
        return factor
    real = power.is_Integer or all(p.is_Integer is False or b.is_nonnegative for b, p in parts)
    return Mul(*[b ** (p * power) for b, p in parts]) if real else factor
