"""The shortest way to write a term: common factors out, terms grouped, equal loops merged, fractions in lowest terms."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import prod
from typing import Any

from sympy import Add, Dummy, Function, Integer, Mul, Pow, S, cancel, expand, factor_terms, preorder_traversal

from derive.calculus.cost import cost, is_fraction, length, sums
from derive.calculus.identities import powers_together, rewritings
from derive.calculus.normal import normal, powers_joined, pulled
from derive.calculus.terms import (
    CACHE,
    Bracket,
    Element,
    Kept,
    Sum,
    close,
    depends,
    factors,
    free_indices,
    signature,
    terms,
    unused,
    walk,
)

MANY, FEW = 12, 5
"""The terms of a sum with more of them are not tried in pairs, in groups."""

MAX_MONOMIALS = 150
"""A fraction that might have more monomials than this above or below its line is not brought to lowest terms."""


@lru_cache(maxsize=CACHE)
def shortest(term: Any) -> Any:
    """The shortest of: the normal form, its common factor taken out, its terms grouped by one of their factors, and for a
    quotient of sums the fraction in lowest terms; and of what an identity makes of that.

    >>> import derive
    >>> shortest(derive.graph("x: [n]; f = sum(a*x + b*x)").output.expr)
    (a + b)*Sum_@1(x[@1])
    """
    plain = powers_together(_merged(normal(term)))
    options = [_grouped(plain), *map(_grouped, _in_lowest_terms(plain)), *_over_one_line(plain)]
    if any(f.is_Pow and f.exp.is_Integer and f.exp.is_negative and f.base.is_Add for t in terms(plain) for f in factors(t)):
        options += _lowest(plain)
    best = min(options, key=cost)
    expanded = normal(best) if best.is_Add else best  # what an identity needs may stand in brackets: (f(k) − 1) δ_ik
    for other in (*rewritings(best), *(rewritings(expanded) if expanded != best else ())):
        new = _grouped(_merged(normal(other)))
        shorter = length(new) < length(best) and cost(new) < cost(best)
        if shorter and summands(new) <= summands(best):  # −y σ(−y z) stays, though y (σ(y z) − 1) has fewer signs
            best = new
    return best


def summands(term: Any) -> int:
    """The terms of all the sums with + in a term."""
    return sum(len(t.args) for t in preorder_traversal(term) if t.is_Add)


@lru_cache(maxsize=CACHE)
def _grouped(term: Any) -> Any:
    """A sum with its factors taken out of all its terms, or of some of them."""
    if not term.is_Add:
        return term
    if len(term.args) > FEW:
        return min(common_factor(term), term, key=cost)
    shared = {f for t in term.args for f in factors(t) if _may_be_shared(*f.as_base_exp())}
    options = []
    for factor in sorted(shared, key=signature):
        having = [t for t in term.args if factor in factors(t)]
        if 1 < len(having) < len(term.args):
            options.append(_factored(Add(*having)) + _grouped(Add(*[t for t in term.args if t not in having])))
    return min([*options, _factored(term), term], key=cost)


def _may_be_shared(base: Any, exponent: Any) -> bool:
    """Whether a power may be taken out of some of the terms of a sum: also one over √(v + ε)."""
    return isinstance(base, (Element, Bracket, Sum, Function)) or bool(base.is_Add and exponent.is_negative)


def _factored(term: Any) -> Any:
    """The common factor of a sum, times what is left in its shortest form."""
    whole = common_factor(term)
    if not whole.is_Mul:
        return whole
    rest = [f for f in whole.args if f.is_Add]
    if len(rest) != 1 or cost(rest[0]) >= cost(term):
        return whole
    inner = _grouped(rest[0])
    return whole if inner == rest[0] else Mul(*[inner if f is rest[0] else f for f in whole.args], evaluate=False)


def _in_lowest_terms(term: Any) -> tuple[Any, ...]:
    """A term whose fractions below a line are cleared, 1/(x²/c² + 1) as c²/(x² + c²); none where it has none."""

    def clear(t: Any) -> Any:
        nested = t.is_Pow and t.exp.is_Integer and t.exp.is_negative and t.base.is_Add and has_fraction(t.base)
        lowest = _lowest(t) if nested else ()
        return lowest[0] if lowest else t

    new = walk(term, clear)
    return () if new == term else (_merged(normal(pulled(new))),)


def has_fraction(term: Any) -> bool:
    """Whether a sum has a fraction among its terms."""
    return is_fraction(term) or term.primitive()[0].q != 1


def _over_one_line(term: Any) -> list[Any]:
    """A sum with the highest power of a sum that it divides by taken out, where terms of what is left cancel: with v = 1 + u,
    1/√v - u/v^(3/2) is 1/v^(3/2).
    """
    if not term.is_Add or len(term.args) > FEW:
        return []
    powers = [{f.base: f.exp for f in factors(t) if f.is_Pow and f.exp.is_Rational and f.exp.is_negative} for t in term.args]
    bases = {base for p in powers for base in p if base.is_Add or isinstance(base, Kept)}
    found = []
    for base in sorted(bases, key=signature):
        exponents = {p.get(base, S.Zero) for p in powers}
        if len(exponents) > 1 and all((e - min(exponents)).is_Integer for e in exponents):
            plain = {base: base.args[0]} if isinstance(base, Kept) else {}
            rest = normal(Add(*[t * base ** -min(exponents) for t in term.args]).xreplace(plain))
            if len(terms(rest)) < len(term.args):
                found.append(base ** min(exponents) * _grouped(rest))
    return found


def _lowest(term: Any) -> tuple[Any, ...]:
    """A rational function of entries and functions with the common divisors of its fraction cancelled; none if that is dear."""
    masks: dict[Any, Dummy] = {}

    def masked(t: Any) -> Any:
        if t.is_Rational:
            return t
        if _is_rational_operation(t):
            return t.func(*map(masked, t.args))
        return masks.setdefault(t, unused("_", real=True))

    fraction = masked(term)
    if max(map(_monomials, _degrees(fraction))) > MAX_MONOMIALS:
        return ()
    lowest = factor_terms(cancel(fraction)).xreplace({dummy: t for t, dummy in masks.items()})
    bases = {f.base for t in terms(term) for f in factors(t) if f.is_Pow}
    for f in factors(lowest):
        if f.is_Pow and f.exp.is_Integer and f.base.is_Add and f.base not in bases and -f.base in bases:
            lowest = (lowest / f) * (-1) ** f.exp * Pow(-f.base, f.exp)
    top = [f for f in factors(lowest) if f.is_Add]
    if len(top) == 1 and lowest.as_coeff_Mul()[0] == -1:
        return (-lowest / top[0] * expand(-top[0]),)
    return (lowest,)


Degrees = Counter[Any]
"""The degree of a polynomial in each of its symbols."""


def _is_rational_operation(term: Any) -> bool:
    return bool(term.is_Add or term.is_Mul or (term.is_Pow and term.exp.is_Integer))


@lru_cache(maxsize=CACHE)
def _degrees(term: Any) -> tuple[Degrees, Degrees]:
    """What the degrees of a rational function are at most, above and below its line, where nothing cancels."""
    if term.is_Rational or not term.args:
        return Counter() if term.is_Rational else Counter({term: 1}), Counter()
    if term.is_Pow:
        above, below = (_times(d, abs(int(term.exp))) for d in _degrees(term.base))
        return (above, below) if term.exp > 0 else (below, above)
    parts = [_degrees(t) for t in term.args]
    if term.is_Mul:
        return sum((a for a, _ in parts), Counter()), sum((b for _, b in parts), Counter())
    divisors: dict[Any, int] = {}
    for f in (f for t in term.args for f in factors(t) if f.is_Pow and f.exp.is_negative):
        divisors[f.base] = max(divisors.get(f.base, 0), -int(f.exp))
    shared = sum((_times(_degrees(base)[0], power) for base, power in divisors.items()), Counter())
    for _, b in parts:
        shared |= b
    above = Counter[Any]()
    for a, b in parts:
        above |= a + shared - b
    return above, shared


def _times(degrees: Degrees, factor: int) -> Degrees:
    return Counter({symbol: factor * degree for symbol, degree in degrees.items()})


def _monomials(degrees: Degrees) -> int:
    """How many monomials a polynomial of these degrees may have."""
    return prod(1 + degree for degree in degrees.values())


def common_factor(term: Any) -> Any:
    """A sum with what all its terms share taken out: p_i δ_ik - p_i p_k becomes p_i (δ_ik - p_k)."""
    if not term.is_Add:
        return term
    powers = [t.as_coeff_Mul()[1].as_powers_dict() for t in term.args]
    coefficients = [t.as_coeff_Mul()[0] for t in term.args]
    shared = S.One
    for base in sorted(powers[0], key=signature):
        exponents = [p.get(base, S.Zero) for p in powers]
        if all(e.is_Rational for e in exponents):
            least, most = min(exponents), max(exponents)
            shared *= Pow(base, least if least > 0 else most if most < 0 else S.Zero)
        elif all(e == exponents[0] for e in exponents):
            shared *= Pow(base, exponents[0])
        elif all((e - exponents[0]).is_Rational for e in exponents):  # x^k + x^(k + 1)
            shared *= Pow(base, exponents[0] + min(e - exponents[0] for e in exponents))
    number = _common_number(coefficients)
    if shared * number == 1:
        return term
    rest = Add(*[powers_joined(t / (shared * number)) for t in term.args])
    return Mul(number * shared, rest, evaluate=False) if number != 1 and shared == 1 else number * shared * rest


def _common_number(coefficients: list[Any]) -> Any:
    """The number to take out of a sum with these coefficients; its sign makes the first one positive if all are not."""
    if not all(c.is_Rational for c in coefficients):
        return S.One
    top, bottom = Integer(0), Integer(1)
    for c in coefficients:
        top, bottom = Integer(top).gcd(c.p), Integer(bottom).lcm(c.q)
    return (-top if all(c < 0 for c in coefficients) else top) / bottom


@lru_cache(maxsize=CACHE)
def cancelled(term: Any) -> Any:
    """A product put into the sum that is a factor of it, where its terms divide by the others: p (1 - p) (a/(1 - p) - b/p) as
    p a - (1 - p) b; nothing else is touched.
    """

    def cancel_in(t: Any) -> Any:
        sums = [f for f in factors(t) if f.is_Add]
        for s in sums if t.is_Mul else ():
            below = {f.base for u in s.args for f in factors(u) if f.is_Pow and f.exp.is_negative}
            others = [f for f in t.args if f is not s]
            bases = [f.as_base_exp()[0] for f in others if not f.is_number]
            if bases and all(base in below for base in bases):
                return Add(*[Mul(*others, u) for u in s.args])
        return t

    return walk(term, cancel_in)


def _merged(term: Any, apart: bool = False) -> Any:
    """Σ f + Σ g as Σ (f + g) where that is shorter and puts nothing into a loop that stood outside it; `apart` only where they
    share a factor, or terms cancel.
    """
    if not term.is_Add or len(term.args) > MANY:
        return term
    for a, t in enumerate(term.args):
        for u in term.args[a + 1 :]:
            together = _together(t, u, apart)
            if together is not None and cost(together) < cost(t + u):
                return _merged(term - t - u + together, apart)
    return term


def products_apart(term: Any) -> Any:
    """Entries of matrix products each under a Σ of its own, Σ_l U_lk g_l + Σ_l B_lk z_l, but for those that share a factor."""
    split = Add(*[v for t in terms(term) for v in _split(t)])
    apart = term if split == term else _merged(split, apart=True)
    return apart if sums(apart) > sums(term) else term


def _split(term: Any) -> tuple[Any, ...]:
    """The terms under a Σ, each with what stands before it under its own, where all make entries of products of matrices."""
    loop = next((f for f in factors(term) if type(f) is Sum), None)
    indices, body = loop.opened() if loop is not None else ((), term)
    if not body.is_Add or not all(_is_entry_of_product(v, indices) for v in body.args):
        return (term,)
    return tuple(pulled(term / loop * close(Sum, indices, v)) for v in body.args)


def _together(t: Any, u: Any, apart: bool) -> Any:
    """One Σ for two terms, each with a single Σ over the same axes; None where a loop would deepen, or, `apart`, where they share
    nothing.
    """
    one, two = ([f for f in factors(v) if type(f) is Sum] for v in (t, u))
    if len(one) != 1 or len(two) != 1 or [j.size for j in one[0].indices] != [j.size for j in two[0].indices]:
        return None
    indices, first = one[0].opened()
    second = two[0].body.xreplace(dict(zip(two[0].indices, indices, strict=True)))
    outer_one, outer_two = t / one[0], u / two[0]
    if free_indices(outer_one) - free_indices(first) or free_indices(outer_two) - free_indices(second):
        return None
    body = shortest(outer_one * first + outer_two * second)
    outside = [f for f in factors(body) if not any(depends(f, j) for j in indices)]
    inside = [f for f in factors(body) if any(depends(f, j) for j in indices)]
    if apart and len(terms(Mul(*inside))) >= len(terms(first)) + len(terms(second)):
        return None
    return Mul(*outside) * close(Sum, indices, Mul(*inside))


def _is_entry_of_product(term: Any, indices: tuple[Any, ...]) -> bool:
    """Whether a term under a Σ makes an entry of a matrix product of it, Σ_l U_lk g_l: two of these stand apart, Uᵀ g + Bᵀ z."""
    bound = [f for f in factors(term) if any(depends(f, j) for j in indices)]
    return len(bound) > 1 and any(free_indices(f) - {*indices} for f in bound)
