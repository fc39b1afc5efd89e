"""What an adjoint divides by and the next rule multiplies with, cancelled: p (a - y/p) is a p - y, also where p has become 0.

Each rewrite here looks through the names of tensors: a derivation keeps adjoints apart and writes slopes by what is already
named, log x's as e^(-y), which a reader likes and numbers do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Add, Mul, S, exp, expand_mul, log

from derive.calculus.functions import Named
from derive.calculus.matching import match
from derive.calculus.terms import Delta, Element, factors, substituted, terms
from derive.kernels.program.exponentials import numerator, shares
from derive.kernels.program.functions import is_sigmoid
from derive.kernels.program.program import Assign, Program, mapped

DEPTH = 3
"""Through so many names a quotient is looked for."""


# ---------------------------------------------------------------- quotients that the next factor takes away


def distributed(program: Program, times: int = DEPTH) -> Program:
    """A product over the sum behind one of its factors, where a quotient of that sum is by another factor."""
    plain = mapped(program, lambda t: _original(t, program))
    new = mapped(plain, lambda t: _distributed(t, plain))
    return program if new == plain or not times else distributed(shares(new), times - 1)


def _original(term: Any, program: Program) -> Any:
    """What a tensor is another name of."""
    while isinstance(term, Element) and isinstance(getattr(program.assigned.get(term.name), "term", None), Element):
        term = program.assigned[term.name].at(term)
    return term


def _distributed(term: Any, program: Program) -> Any:
    return (_cancelled(term, program) or _cancelled(_by_names(term, program), program) or term) if term.is_Mul else term


def _by_names(term: Any, program: Program) -> Any:
    """A product with the sigmoids in it by the names that they have: σ(x) as p, and σ(-x) as 1 - p."""
    known = [a for a in program.assigns if is_sigmoid(a.term)] if any(map(is_sigmoid, factors(term))) else []
    return Mul(*[_name(f, known) if is_sigmoid(f) else f for f in factors(term)]) if known else term


def _name(sigmoid: Any, known: list[Assign]) -> Any:
    for assign in known:
        for argument, named in ((sigmoid.args[0], assign.entry), (-sigmoid.args[0], 1 - assign.entry)):
            found = match(assign.term.args[0], argument, assign.indices, {})
            if found is not None and len(found) == len(assign.indices):
                return substituted(named, found)
    return sigmoid


def _cancelled(term: Any, program: Program) -> Any:
    """A product with a quotient in one of its factors taken away by the others; None where there is none."""
    parts = factors(term)
    for part in (p for p in parts if p.is_Add or isinstance(p, Element)):
        bases = [f for f in parts if f is not part and _may_vanish(f, program)]
        opened = _opened(part, bases, program, DEPTH) if bases else None
        if opened is not None and not (_is_quotient(term) and any(map(_is_quotient, terms(opened)))):
            used = [b for b in bases if any(_divides(t, u) for t in terms(opened) for u in _turned([b], t))]
            kept = Mul(*[f for f in parts if f is not part and f not in used])
            return kept * Add(*[_product(used, t) for t in terms(opened)])
    return None


def _is_quotient(term: Any) -> bool:
    """Whether a product is divided by a sum of exponentials."""
    return any(f.is_Pow and f.exp.is_negative and f.base.has(exp) for f in factors(term))


def _may_vanish(factor: Any, program: Program) -> bool:
    """Whether a factor is p or 1 - p, or a power of one, for a tensor p that is computed; an exponential or a sigmoid."""
    base = _base(factor)
    if isinstance(base, exp) or is_sigmoid(base):
        return True
    left = base if isinstance(base, Element) else 1 - base
    return isinstance(left, Element) and left.name in program.assigned and left.is_integer is not True


def _opened(term: Any, bases: list[Any], program: Program, depth: int) -> Any:
    """A term as a sum in which a summand is divided by one of the bases; None where none is."""
    for turned in _turned(bases, term):
        if _divides(term, turned):
            return _alike(term, turned)
    if isinstance(term, Element):
        assign = program.assigned.get(term.name)
        return _opened(assign.at(term), bases, program, depth - 1) if assign is not None and depth else None
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
    """Whether a summand has a factor that grows without bound where one of the bases vanishes, and is finite times that."""
    known = {_base(b) for b in bases}
    below = [f.base for f in factors(term) if f.is_Pow and f.exp.is_nonnegative is not True]
    if any(not known.isdisjoint((b, -b)) for b in below):
        return True
    if any(isinstance(b, exp) for b in known) and any(b.has(exp) for b in below):
        return True
    if any(-t in numerator(term) for b in known for t in numerator(b)):
        return True
    return any(_times(b, f) for b in known for f in factors(term) if isinstance(f, exp))


def _times(base: Any, power: Any) -> int:
    """k where the base is σ(u) and the power e^(-k u), a whole number from 1; 0 elsewhere."""
    times = (-power.args[0] / base.args[0]).cancel() if is_sigmoid(base) else S.Zero
    return int(times) if times.is_Integer and times > 0 else 0


def _base(factor: Any) -> Any:
    return factor.base if factor.is_Pow and factor.exp.is_positive else factor


def _alike(term: Any, bases: list[Any]) -> Any:
    """The term in what the bases are written in: p - 1 in its denominator as -(1 - p), and e^(-u) as σ(-u)/σ(u)."""
    known = {_base(b) for b in bases}
    out = S.One
    for f in factors(term):
        if f.is_Pow and f.exp.is_Integer and -f.base in known:
            f = (-1) ** f.exp * (-f.base) ** f.exp
        for base in known if isinstance(f, exp) else ():
            if times := _times(base, f):
                f = base.func(-base.args[0]) ** times * base**-times
        out *= f
    return out


# ---------------------------------------------------------------- powers of one base


def gathered(program: Program) -> Program:
    """In every product, what the summands of a factor share in front of it where that meets its like, and the powers of one
    base as one: p^(k - 1) (p - p²) is p^k (1 - p), and e^m (e^f a - e^f b) is e^(m + f) (a - b).
    """
    return mapped(program, lambda t: _one_base(_in_front(t)) if t.is_Mul else t)


def _in_front(term: Any) -> Any:
    parts = list(factors(term))
    for k, part in enumerate(parts):
        others = [f for f in parts if f is not part]
        alike = _common(part) if part.is_Add else S.One
        if alike == 1:
            continue
        rest = Add(*[t / alike for t in terms(part)])
        bases = {f.as_base_exp()[0] for f in others}
        meets = any(b.has(exp) for b in others) if alike.has(exp) else not bases.isdisjoint((rest, -rest, *factors(alike)))
        parts[k] = alike * rest if meets else part
    return Mul(*parts)


def _common(term: Any) -> Any:
    """What all summands are multiplied by: powers of the same bases, and exponentials of the same summands."""
    first, *others = [_bases(t) for t in terms(term)]
    shared = [(b, min(p, *(o.get(b, S.Zero) for o in others))) for b, p in first.items() if _is_in_all(b, p, others)]
    return Mul(*[b**p for b, p in shared])


def _bases(term: Any) -> dict[Any, Any]:
    """The powers of the bases of a product, numbers apart; an exponential is one of each of its summands."""
    found: dict[Any, Any] = {}
    for f in (f for f in factors(term) if not f.is_number):
        for base, power in [(exp(t), S.One) for t in terms(f.args[0])] if isinstance(f, exp) else [f.as_base_exp()]:
            found[base] = found.get(base, S.Zero) + power
    return found


def _is_in_all(base: Any, power: Any, others: list[dict[Any, Any]]) -> bool:
    powers = [power, *(o.get(base, S.Zero) for o in others)]
    return all(p.is_Rational and p > 0 for p in powers) or all(p.is_Rational and p < 0 for p in powers)


def _one_base(term: Any) -> Any:
    """The powers of a base, and of its opposite, as one where an exponent is no number."""
    parts = factors(term)
    for base in dict.fromkeys(f.base for f in parts if f.is_Pow and not f.exp.is_number):
        alike = [f for f in parts if f.as_base_exp()[0] == base]
        opposite = [f for f in parts if f.as_base_exp()[0] == -base and f.as_base_exp()[1].is_Integer]
        power = sum((f.as_base_exp()[1] for f in (*alike, *opposite)), S.Zero)
        sign = Mul(*[(-1) ** f.as_base_exp()[1] for f in opposite])
        parts = factors(Mul(sign * base**power, *[f for f in parts if f not in alike and f not in opposite]))
    return Mul(*parts)


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
    """(u, q) for each q log u whose sum a tensor is, where that is so, and no u is made of exponentials, but sums written out."""
    if not isinstance(entry, Element) or entry.name not in program.assigned:
        return None
    whole = program.assigned[entry.name].at(entry)
    if entry.name in varying and not (isinstance(whole, log) and whole.args[0].is_Add and whole.args[0].has(exp)):
        return None
    found = []
    for part in terms(whole):
        power, rest = part.as_coeff_Mul()
        if not isinstance(rest, log):
            return None
        found.append((rest.args[0], power))
    return found


def _one_power(term: Any, program: Program) -> Any:
    """A product of powers of x and of tensors that are large powers of it as one of powers of x, where that is simpler."""
    below = {f.base for f in factors(term) if f.is_Pow and f.exp.is_negative}
    parts = [_power_of(f, program, below) for f in factors(term)]
    opened = Mul(*parts)
    simpler = any(f.is_Pow and f.exp.is_Integer is False and f != g for f, g in zip(factors(term), parts, strict=True))
    return opened if len(factors(opened)) < len(factors(term)) or simpler else term


def _power_of(factor: Any, program: Program, below: set[Any]) -> Any:
    """A power of a tensor that is a product of large powers, or of what stands `below`, as that product."""
    base, power = factor.as_base_exp()
    if not isinstance(base, Element) or base.name not in program.assigned:
        return factor
    parts = [f.as_base_exp() for f in factors(program.assigned[base.name].at(base))]
    large = any((b in below and p > 0) or (b.has(Element) and abs(p) > 1) for b, p in parts if p.is_Rational)
    if not all(p.is_Rational for _, p in parts) or not large:
        return factor
    real = power.is_Integer or all(p.is_Integer is False or b.is_nonnegative for b, p in parts)
    return Mul(*[b ** (p * power) for b, p in parts]) if real else factor
