"""The normal form: a sum of products, every Σ pulled out and distributed, deltas contracted, independent parts split.

Two terms are equal for every size of their axes if their normal forms are the same object (the converse need not hold).
`shortest` goes the other way: of the ways to write a normal form, the one with the least `cost`.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from sympy import Abs, Add, Dummy, Function, Integer, Mul, Pow, S, cancel, expand, factor_terms, preorder_traversal, sign

from derive.calculus.functions import Named
from derive.calculus.terms import (
    CACHE,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Maximum,
    Positive,
    Sum,
    Where,
    close,
    depends,
    factors,
    free_indices,
    signature,
    substituted,
    terms,
    walk,
)

MAX_POWER = 4
"""A power of a sum is multiplied out up to here."""

MANY, FEW = 12, 5
"""The terms of a sum with more of them are not tried in pairs, in groups."""

MAX_TERMS = 128
"""A product of sums that would have more terms than this stays a product."""

MAX_LENGTH = 8192
"""A product of sums that would have more symbols than this stays a product, too."""

MAX_MONOMIALS = 150
"""A fraction that might have more monomials than this above or below its line is not brought to lowest terms."""


@lru_cache(maxsize=CACHE)
def normal(term: Any) -> Any:
    """The normal form of a term."""
    if type(term) is Sum:
        indices, body = term.opened()
        return _sum_out(indices, normal(body))
    if isinstance(term, Binder):
        indices, body = term.opened()
        return close(type(term), indices, normal(body))
    if isinstance(term, (Element, Index)) or not term.args:
        return term
    args = [normal(a) for a in term.args]
    if term.is_Add:
        return Add(*args)
    if term.is_Mul:
        return _multiplied([terms(a) for a in args])
    if isinstance(term, Where):
        condition, yes, no = args
        indexed = isinstance(condition, (Delta, Differ, Below, AtMost, Inside))
        return _multiplied([(condition,), terms(yes)]) if indexed and no == 0 else _without_deltas(*args)
    if term.is_Pow and args[0].is_Add and args[1].is_Integer and 1 < args[1] <= MAX_POWER:
        return _multiplied([terms(args[0])] * int(args[1]))
    return term.func(*args)


def _multiplied(sums: list[tuple[Any, ...]]) -> Any:
    """A product of sums, multiplied out."""
    if _too_long(sums):
        return _settled(Mul(*[Add(*s) for s in sums]))
    out = Add(*[_settled(Mul(*choice)) for choice in product(*sums)])
    if any(_expandable(f) for t in terms(out) for f in factors(t)):
        return Add(*map(_multiplied_again, terms(out)))
    return out


def _multiplied_again(term: Any) -> Any:
    """A product with the sums that came up in it multiplied out, if that is not too long."""
    parts = [terms(normal(f)) if _expandable(f) else (f,) for f in factors(term)]
    return _multiplied(parts) if any(len(p) > 1 for p in parts) and not _too_long(parts) else term


def _too_long(sums: list[tuple[Any, ...]]) -> bool:
    """Whether a product of sums would be too long, multiplied out."""
    count = prod(map(len, sums))
    if count > MAX_TERMS:
        return True
    return count > 1 and sum(count // len(s) * sum(map(length, s)) for s in sums) > MAX_LENGTH


def _without_deltas(condition: Any, a: Any, b: Any) -> Any:
    """A choice with the deltas that stand in both its branches taken out, so that a Σ outside can use them."""
    branches = [[{f for f in factors(t) if isinstance(f, Delta)} for t in terms(branch)] for branch in (a, b) if branch != 0]
    shared = set.intersection(*(deltas for branch in branches for deltas in branch)) if branches else set()
    if not shared:
        return Where(condition, a, b)
    gone = dict.fromkeys(shared, S.One)
    return _settled(Mul(*shared) * Where(condition, substituted(a, gone), substituted(b, gone)))


def _expandable(factor: Any) -> bool:
    return bool(factor.is_Add or (factor.is_Pow and factor.base.is_Add and factor.exp.is_Integer and 1 < factor.exp <= MAX_POWER))


# ---------------------------------------------------------------- deltas


def _settled(term: Any) -> Any:
    """A product with δ_ik written in its first index, δ_ik f(k) = δ_ik f(i); and x sign(x) = |x|."""
    if any(f.is_Mul for f in factors(term)):  # SymPy writes |x|³ as x² |x|, a product within the product
        return _settled(Mul(*[part for f in factors(term) for part in factors(f)]))
    for slope in factors(term):
        if isinstance(slope, sign) and slope.args[0] in factors(term):
            return _settled(term / slope / slope.args[0] * Abs(slope.args[0]))
        if isinstance(slope, Positive) and (new := _decided(term / slope, slope.args[0])) != term:
            return _settled(new)
    for delta in factors(term):
        if isinstance(delta, Delta):
            keep, drop = delta.args if isinstance(delta.args[1], Index) else delta.args[::-1]
            rest = term / delta
            if isinstance(drop, Index) and not depends(keep, drop) and depends(rest, drop):
                return Add(*[_settled(delta * t) for t in terms(normal(substituted(rest, {drop: keep})))])
    return term


def _decided(rest: Any, gap: Any) -> Any:
    """What stands beside [gap > 0], with every max that it decides taken; [a > 0] max(0, a) itself is max(0, a)."""
    bracket = Positive(gap)
    for f in factors(rest):
        largest = f.unfolded if isinstance(f, Named) else f
        if isinstance(largest, Maximum) and largest.args == (0, gap):
            return rest
    decided = {m: m.args[1] for m in rest.atoms(Maximum) if m.args[1] - m.args[0] == gap}
    return bracket * substituted(rest, decided) if decided else bracket * rest


def solve_delta(delta: Any, index: Index) -> Any:
    """The r with δ = 1 exactly where index = r, or None where the index has no unit coefficient."""
    difference = expand(delta.args[0] - delta.args[1])
    slope = difference.coeff(index)
    if slope not in (1, -1):
        return None
    solution = expand(-(difference - slope * index) / slope)
    return None if depends(solution, index) else solution


def picked(term: Any, delta: Any, index: Index) -> Any:
    """Σ over `index` of `term`, which has the factor `delta`: the one entry that the delta picks, or None."""
    at = solve_delta(delta, index)
    if at is None:
        return None
    return substituted(term / delta, {index: at}) * Inside(at, index.size)


@lru_cache(maxsize=CACHE)
def contracted(term: Any) -> Any:
    """Every Σ_j whose body has a factor δ_jk replaced by the entry it picks; nothing else is touched."""

    def contract(t: Any) -> Any:
        if type(t) is not Sum:
            return t
        indices, body = t.opened()
        outside = [f for f in factors(body) if isinstance(f, Delta) and not any(depends(f, j) for j in indices)]
        if outside:  # a Σ further out may use it
            return Mul(*outside, contract(close(Sum, indices, Mul(*[f for f in factors(body) if f not in outside]))))
        rest = list(indices)
        for index in indices:
            for delta in factors(body):
                entry = picked(body, delta, index) if isinstance(delta, Delta) and depends(delta, index) else None
                if entry is not None:
                    body = entry
                    rest.remove(index)
                    break
        return t if len(rest) == len(indices) else close(Sum, rest, body)

    return walk(term, lambda t: _plain_numbers(contract(t)))


def _plain_numbers(term: Any) -> Any:
    """A product with the number that all terms of a sum in it share beside the product's own: (2a - 2b) c / 2 is (a - b) c."""
    if not term.is_Mul:
        return term
    shared = [shared_number(f) for f in term.args]
    if all(number == 1 for number, _ in shared):
        return term
    coefficient, _ = term.as_coeff_Mul()
    return Mul(coefficient * Mul(*[n for n, _ in shared]), *[rest for _, rest in shared if not rest.is_Rational])


@lru_cache(maxsize=CACHE)
def pulled(term: Any) -> Any:
    """What does not depend on a summed index before its Σ; nothing else is touched."""

    def pull(t: Any) -> Any:
        if type(t) is not Sum or not _idle(t):
            return t
        indices, body = t.opened()
        outside = [f for f in factors(body) if not any(depends(f, j) for j in indices)]
        return Mul(*outside, close(Sum, indices, Mul(*[f for f in factors(body) if f not in outside])))

    return walk(term, pull)


# ---------------------------------------------------------------- sums


def _sum_out(indices: tuple[Index, ...], body: Any) -> Any:
    return Add(*[_sum_term(list(indices), _settled(t)) for t in terms(body)])


def _sum_term(bound: list[Index], term: Any) -> Any:
    """Σ over `bound` of one product."""
    term = _prenex(bound, term)
    for index in list(bound):
        for delta in factors(term):
            if isinstance(delta, Delta) and depends(delta, index):
                entry = picked(term, delta, index)
                if entry is not None:
                    term = normal(entry)
                    bound.remove(index)
                    break
    if term.is_Add or _inner_sum(bound, term) is not None:
        return _sum_out(tuple(bound), term)
    for index in [j for j in bound if not depends(term, j)]:
        term *= index.size
        bound.remove(index)
    return _split(bound, term)


def _inner_sum(bound: list[Index], term: Any) -> Any:
    return next((f for f in factors(term) if type(f) is Sum and any(depends(f, j) for j in bound)), None)


def _prenex(bound: list[Index], term: Any) -> Any:
    """Pull the sums inside a product out to the sum over `bound`, which grows."""
    while (inner := _inner_sum(bound, term)) is not None:
        indices, body = inner.opened()
        bound += indices
        term = term / inner * body
    return term


def _split(bound: list[Index], term: Any) -> Any:
    """Σ over `bound` of a product, as one Σ for each group of factors that share an index."""
    free = [f for f in factors(term) if not any(depends(f, j) for j in bound)]
    tied = [f for f in factors(term) if any(depends(f, j) for j in bound)]
    while bound:
        group, members = {bound[0]}, []
        while new := [f for f in tied if f not in members and any(depends(f, j) for j in group)]:
            members += new
            group |= {j for j in bound for f in new if depends(f, j)}
        free.append(_group_sum([j for j in bound if j in group], members))
        bound = [j for j in bound if j not in group]
        tied = [f for f in tied if f not in members]
    return _multiplied([terms(f) for f in free]) if any(f.is_Add for f in free) else Mul(*free)


def _group_sum(indices: list[Index], members: list[Any]) -> Any:
    """Σ over a connected group; how many j differ from one given index is n - 1."""
    if len(indices) == 1 and len(members) == 1 and isinstance(members[0], Differ):
        others = [a for a in members[0].args if a != indices[0]]
        given = len(others) == 1 and isinstance(others[0], (Index, Label)) and not depends(others[0], indices[0])
        if given and others[0].size == indices[0].size:
            return indices[0].size - 1
    return close(Sum, indices, Mul(*members))


# ---------------------------------------------------------------- the shortest way to write it

SUM_COST = 8
"""What a loop costs against a symbol.  The cost decides between the ways to write a result: it is the number of symbols
and operations a reader sees, and nested sums weigh most, since each is a loop to follow (and to run)."""


UNPICKED = 5
"""A delta that still stands under the Σ it picks from costs as much as this many loops."""

IDLE = 0.5
"""What a factor costs, on top, that stands in a loop it does not depend on: Σ_j a x_j is a Σ_j x_j."""


@lru_cache(maxsize=CACHE)
def cost(term: Any) -> float:
    """How long a term is to read."""
    if isinstance(term, (Element, Index, Label)) or not term.args:
        return 1
    number, rest = shared_number(term)
    if number != 1:
        return 2 + cost(rest)
    own = 1.0
    if isinstance(term, Binder):
        own = SUM_COST * (len(term.indices) + UNPICKED * _unpicked(term)) + IDLE * _idle(term)
    elif term.is_Add or term.is_Mul:
        own = len(term.args) - (2.5 if term.args[0] is S.NegativeOne else 1)
    inner = term.args[:1] if isinstance(term, Binder) else term.args
    return own + sum(cost(a) for a in inner)


def _unpicked(term: Binder) -> int:
    return sum(isinstance(t, Delta) and any(depends(t, j) for j in term.indices) for t in preorder_traversal(term.body))


def _idle(term: Binder) -> int:
    return sum(not any(depends(f, j) for j in term.indices) for f in factors(term.body)) if type(term) is Sum else 0


def unpicked(term: Any) -> int:
    """How many deltas stand under the very Σ that they pick from: work left to the reader."""
    return sum(_unpicked(t) for t in preorder_traversal(term) if isinstance(t, Binder))


def idle(term: Any) -> int:
    """How many factors stand under a Σ that they could stand before."""
    return sum(_idle(t) for t in preorder_traversal(term) if isinstance(t, Binder))


def shared_number(term: Any) -> tuple[Any, Any]:
    """A number that can stand before a sum because every term has it, up to sign, and nothing else."""
    if not term.is_Add:
        return S.One, term
    number, rest = term.primitive()
    alike = all(abs(t.as_coeff_Mul()[0]) == 1 for t in rest.args if not t.is_number)
    return (number, rest) if alike else (S.One, term)


@lru_cache(maxsize=CACHE)
def length(term: Any) -> int:
    """How many symbols and operations there are in a term, all in all."""
    return 1 + sum(map(length, term.args))


@lru_cache(maxsize=CACHE)
def sums(term: Any) -> int:
    """How many indices are bound in a term, all in all."""
    own = len(term.indices) if isinstance(term, Binder) else 0
    return own + sum(sums(a) for a in term.args)


@lru_cache(maxsize=CACHE)
def shortest(term: Any) -> Any:
    """The shortest of: the normal form, its common factor taken out, its terms grouped by one of their factors, and for a
    quotient of sums the fraction in lowest terms.
    """
    plain = _merged(normal(term))
    options = [_grouped(plain)]
    if any(f.is_Pow and f.exp.is_Integer and f.exp.is_negative and f.base.is_Add for t in terms(plain) for f in factors(t)):
        options += _lowest(plain)
    return min(options, key=cost)


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


def _lowest(term: Any) -> tuple[Any, ...]:
    """A rational function of entries and functions with the common divisors of its fraction cancelled; none if that is dear."""
    masks: dict[Any, Dummy] = {}

    def masked(t: Any) -> Any:
        if t.is_Rational:
            return t
        if _is_rational_operation(t):
            return t.func(*map(masked, t.args))
        return masks.setdefault(t, Dummy(real=True))

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
    number = _common_number(coefficients)
    if shared * number == 1:
        return term
    return (
        Mul(number * shared, Add(*[t / (shared * number) for t in term.args]), evaluate=False)
        if number != 1 and shared == 1
        else (number * shared * Add(*[t / (shared * number) for t in term.args]))
    )


def _common_number(coefficients: list[Any]) -> Any:
    """The number to take out of a sum with these coefficients; its sign makes the first one positive if all are not."""
    if not all(c.is_Rational for c in coefficients):
        return S.One
    top, bottom = Integer(0), Integer(1)
    for c in coefficients:
        top, bottom = Integer(top).gcd(c.p), Integer(bottom).lcm(c.q)
    return (-top if all(c < 0 for c in coefficients) else top) / bottom


def _merged(term: Any) -> Any:
    """Σ f + Σ g as Σ (f + g) where that is shorter and puts nothing into a loop that stood outside it."""
    if not term.is_Add or len(term.args) > MANY:
        return term
    for a, t in enumerate(term.args):
        for u in term.args[a + 1 :]:
            together = _together(t, u)
            if together is not None and cost(together) < cost(t + u):
                return _merged(term - t - u + together)
    return term


def _together(t: Any, u: Any) -> Any:
    """One Σ for two terms, each with a single Σ over the same axes; None where a loop would deepen."""
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
    return Mul(*outside) * close(Sum, indices, Mul(*inside))
