"""The normal form: a sum of products, every Σ pulled out and distributed, deltas contracted, independent parts split.

Two terms are equal for every size of their axes if their normal forms are the same object (the converse need not hold).
`shortest` goes the other way: of the ways to write a normal form, the one with the least `cost`.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from sympy import Abs, Add, Basic, Mul, S, exp, expand, preorder_traversal, sign

from derive.calculus.cost import idle_signs, length, shared_number
from derive.calculus.functions import Named
from derive.calculus.matching import match
from derive.calculus.terms import (
    CACHE,
    Adjoint,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Differ,
    Element,
    EntryOf,
    Index,
    Inside,
    Inverse,
    Kept,
    Label,
    Maximum,
    Positive,
    Sum,
    Where,
    close,
    content,
    depends,
    factors,
    free_indices,
    substituted,
    terms,
    walk,
)

MAX_POWER = 4
"""A power of a sum is multiplied out up to here."""


MAX_TERMS = 128
"""A product of sums that would have more terms than this stays a product."""

MAX_LENGTH = 8192
"""A product of sums that would have more symbols than this stays a product, too."""


@lru_cache(maxsize=CACHE)
def normal(term: Any) -> Any:
    """The normal form of a term.

    >>> import derive
    >>> normal(derive.graph("x: [n]; f = sum(2*(x - 1))").output.expr)
    -2*n + 2*Sum_@1(x[@1])
    """
    if type(term) is Sum:
        indices, body = term.opened()
        return _sum_out(indices, normal(body))
    if isinstance(term, Binder):
        indices, body = term.opened()
        return close(type(term), indices, normal(body))
    if isinstance(term, (Element, Index, Kept)) or not term.args:
        return term
    args = [normal(a) for a in term.args]
    if term.is_Add:
        return Add(*args)
    if term.is_Mul:
        return _multiplied([terms(a) for a in args])
    if isinstance(term, Where):
        return _chosen(*args)
    if term.is_Pow and args[0].is_Add and args[1].is_Integer and 1 < args[1] <= MAX_POWER:
        return _multiplied([terms(args[0])] * int(args[1]))
    return term.func(*args)


def _chosen(condition: Any, yes: Any, no: Any) -> Any:
    """A choice of which one side is 0, by a condition on indices, as a product with that condition; with its opposite where a
    Σ outside may use the deltas of the other side.
    """
    if isinstance(condition, (Delta, Differ, Below, AtMost, Inside)) and no == 0:
        return _multiplied([(condition,), terms(yes)])
    opposite = _opposite(condition) if yes == 0 and no.has(Delta) else None
    return _without_deltas(condition, yes, no) if opposite is None else _multiplied([(opposite,), terms(no)])


def _opposite(condition: Any) -> Any:
    """The condition on two indices that holds where this one does not, or None."""
    match condition:
        case Delta():
            return Differ(*condition.args)
        case Differ():
            return Delta(*condition.args)
        case Below():
            return AtMost(*condition.args[::-1])
        case AtMost():
            return Below(*condition.args[::-1])
    return None


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
    """A product with δ_ik written in its first index, δ_ik f(k) = δ_ik f(i); x sign(x) = |x|; and x x^(k - 1) = x^k."""
    if any(f.is_Mul for f in factors(term)):  # SymPy writes |x|³ as x² |x|, a product within the product
        return _settled(Mul(*[part for f in factors(term) for part in factors(f)]))
    term = _one_power(term)
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
                return Add(*[_settled(delta * t) for t in terms(normal(put(rest, {drop: keep})))])
    return term


def powers_joined(term: Any) -> Any:
    """A term with the powers of one base in a product as one; nothing else is touched."""
    return walk(term, _one_power)


def _one_power(term: Any) -> Any:
    """x x^(k - 1) as x^k, and (t/s) (t/s)^(k - 1) as (t/s)^k: what SymPy does for numbers k only."""
    for power in factors(term) if term.is_Mul else ():
        base, exponent = power.as_base_exp()
        if exponent.is_number or isinstance(power, exp):
            continue
        others = [f for f in factors(term) if f is not power]
        same = [f for f in others if f.as_base_exp()[0] == base]
        if same:
            joined = base ** Add(exponent, *[f.as_base_exp()[1] for f in same])
            return _one_power(Mul(*[f for f in others if f not in same], joined))
        powers = Mul(*others).as_powers_dict()
        if base.is_Mul and all(_is_divisible(f, powers) for f in base.args):
            return _one_power(Mul(*others, 1 / base) * base ** (exponent + 1))
    return term


def _is_divisible(power: Any, powers: Any) -> bool:
    """Whether a power is a factor of a product with these powers."""
    base, exponent = power.as_base_exp()
    found = powers.get(base, S.Zero)
    return bool(exponent.is_Rational and found.is_Rational and found / exponent >= 1)


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
    return put(term / delta, {index: at}) * Inside(at, index.size)


def put(term: Any, values: dict[Any, Any]) -> Any:
    """A term with other indices put in; what [i ≠ k] leaves out is 0 there, whether or not it has a value."""
    if not _has_differ(term):
        return substituted(term, values)
    if term.is_Mul and any(substituted(f, values) == 0 for f in term.args if isinstance(f, Bracket)):
        return S.Zero
    if isinstance(term, Binder):
        indices, body = term.opened()
        return close(type(term), indices, put(body, values))
    return term.func(*[put(a, values) for a in term.args]) if term.is_Add or term.is_Mul else substituted(term, values)


@lru_cache(maxsize=CACHE)
def _has_differ(term: Any) -> bool:
    return isinstance(term, Differ) or any(map(_has_differ, term.args))


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

    return walk(_shifts_picked(term), lambda t: _plain_numbers(contract(t)))


def _shifts_picked(term: Any) -> Any:
    """Σ_o g_o Σ_k w_k δ_{i,o+k} as Σ_k w_k g_{i−k}: where a delta might pick from either sum, the one inside stays, unless more
    entries would have a shifted index.
    """
    if not isinstance(term, Basic) or not term.has(Delta):
        return term
    if type(term) is Sum:
        indices, body = term.opened()
        for inner in (f for f in factors(body) if type(f) is Sum):
            bound, summand = inner.opened()
            left, whole = list(indices), body / inner * summand
            for delta in (f for f in factors(summand) if isinstance(f, Delta) and _depends_on_both(f, indices, bound)):
                most = max(_entries_with(summand / delta, k) for k in bound if depends(delta, k))
                met = [j for j in left if depends(delta, j) and _entries_with(body / inner, j) <= most]
                found = ((j, picked(whole, delta, j)) for j in met)
                if (taken := next(((j, entry) for j, entry in found if entry is not None), None)) is not None:
                    whole = taken[1]
                    left.remove(taken[0])
            if len(left) < len(indices):
                return _shifts_picked(close(Sum, left, close(Sum, bound, whole)))
        return close(Sum, indices, _shifts_picked(body))
    return term.func(*map(_shifts_picked, term.args)) if term.is_Add or term.is_Mul else term


def _entries_with(term: Any, index: Index) -> int:
    """How many entries and deltas have an index."""
    return sum(index in free_indices(t) for t in preorder_traversal(term) if isinstance(t, (Element, Adjoint, Delta)))


def _depends_on_both(delta: Any, outer: tuple[Index, ...], inner: tuple[Index, ...]) -> bool:
    """Whether one side of a delta is a sum of an index of each."""
    return any(a.is_Add and free_indices(a) & {*outer} and free_indices(a) & {*inner} for a in delta.args)


def parted(term: Any) -> Any:
    """Every Σ_j over a sum of which some terms have a delta that picks from it, as the entries picked and what is left of Σ."""

    def part(t: Any) -> Any:
        if type(t) is not Sum:
            return t
        indices, body = t.opened()
        for bracket in (f for f in factors(body) if f.is_Add):
            picking = [u for u in bracket.args if any(isinstance(f, Delta) and free_indices(f) & {*indices} for f in factors(u))]
            if picking:
                others, rest = body / bracket, [u for u in bracket.args if u not in picking]
                return Add(*[close(Sum, indices, others * u) for u in (*picking, Add(*rest))])
        return t

    return contracted(walk(term, part))


@lru_cache(maxsize=CACHE)
def with_plain_numbers(term: Any) -> Any:
    """A term whose products have their numbers in one place, 2 (a - b) in its terms; nothing else is touched."""
    return walk(term, lambda t: Mul(*_plain_numbers(t).args) if t.is_Mul else t)


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
        if type(t) is not Sum or not idle_signs(t):
            return t
        indices, body = t.opened()
        if body.is_Add:
            number, rest = content(body)
            return number * close(Sum, indices, rest)
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
    if (shorter := _without_inverse(bound, term)) is not None:
        return _sum_out(tuple(bound), shorter)
    if term.is_Add or _inner_sum(bound, term) is not None:
        return _sum_out(tuple(bound), term)
    for index in [j for j in bound if not depends(term, j)]:
        term *= index.size
        bound.remove(index)
    return _split(bound, term)


def _without_inverse(bound: list[Index], term: Any) -> Any:
    """Σ_j A_ij (A⁻¹)_jk as δ_ik; None where an index is shared by no matrix and its inverse alone."""
    for entry in (f for f in factors(term) if isinstance(f, EntryOf) and isinstance(f.matrix, Inverse)):
        places, body = entry.matrix.opened()
        for here, index in enumerate(entry.indices):
            others = [f for f in factors(term) if f != entry and depends(f, index)]
            if index not in bound or entry.indices[0] == entry.indices[1] or len(others) != 1 or others[0] in (entry, index):
                continue
            meeting, free = places[1 - here], places[here]
            found = match(body.xreplace({meeting: index}), others[0], (free,), {})
            if found is not None and not depends(found[free], index):
                bound.remove(index)
                return term / entry / others[0] * Delta(found[free], entry.indices[1 - here])
    return None


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
