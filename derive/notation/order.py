"""A term as a book writes it, before it is printed: rewritten where SymPy's form is not the usual one, and put in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Add, Function, Mul, Pow, S, Symbol, exp, sign

from derive.calculus.cost import cost, shared_number
from derive.calculus.signs import is_negative, minimum_of, negated
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    Binder,
    Bracket,
    Deriv,
    Element,
    Index,
    Largest,
    Maximum,
    Sum,
    Where,
    close,
    exponentials_shared,
    factors,
    fraction,
    free_indices,
    names,
    opened,
    signature,
    terms,
)
from derive.notation.context import Context


class Minimum(Function):
    """min(a, b), as it is printed; the calculus has -max(-a, -b)."""

    is_real = True


class Smallest(Binder):
    """min over the bound indices, as it is printed."""


class ArgMin(Binder):
    """The first index at which the minimum is reached, as it is printed."""


# ---------------------------------------------------------------- rewritten


def with_minima(term: Any, least: frozenset[Any] = frozenset()) -> Any:
    """-max(-a, -b) as min(a, b), and arg max of -a as arg min of a; of a - b as its author has it, whose minima are `least`."""
    if isinstance(term, ArgMax) and (is_negative(term.body) or minimum_of(term) in least):
        indices, body = opened(term)
        return close(ArgMin, indices, _least(body))
    if not (term.is_Mul and is_negative(term)):
        return term
    for f in term.args:
        if isinstance(f, Maximum) and all(a == 0 or is_negative(a, even=True) for a in f.args):
            return -term / f * Minimum(*(-a for a in f.args))
        if isinstance(f, Largest) and is_negative(f, even=True):
            return -term / f * _least(f)
    return term


def _least(term: Any) -> Any:
    """Minus a term, with a minimum for minus a maximum."""
    if not isinstance(term, Largest):
        return negated(term)
    indices, body = opened(term)
    return close(Smallest, indices, _least(body))


def turned(term: Any) -> Any:
    """-sign(b - a) as sign(a - b)."""
    if term.args[0] is S.NegativeOne:
        for f in term.args:
            if isinstance(f, sign) and f.args[0].is_Add:
                return -term / f * sign(-f.args[0], evaluate=False)
    return term


def unsigned(term: Any) -> Any:
    """−(β − 1) as 1 − β, and −2/(x² − 1) as 2/(1 − x²): a minus that a bracket takes.  None for another term."""
    if not term.is_Mul or not term.as_coeff_Mul()[0].is_negative:
        return None
    for f in term.args:
        base, exponent = f.as_base_exp()
        if base.is_Add and len(base.args) == 2 and exponent.is_Integer and exponent % 2 and base.as_coeff_Add()[0].is_negative:
            rest = base.args[1] if base.args[0].is_number else base.args[0]
            if not rest.could_extract_minus_sign():
                return -term / f * Pow(-base, exponent)
    return None


def subtracted(term: Any) -> bool:
    """Whether a term of a sum is printed behind a minus."""
    return bool(term.could_extract_minus_sign()) and unsigned(term) is None


def as_authored(term: Any, context: Context) -> Any:
    """A term with the brackets that its author has the other way round as he has them, where the signs cancel:
    (h² - 1)/((h² - 1) s - 1) as (1 - h²)/((1 - h²) s + 1).
    """
    if not context.sums or not term.has(Add):
        return term
    positive, new = _turned_round(term, context)
    return term if not positive or is_negative(term) else new


def _turned_round(term: Any, context: Context) -> tuple[bool, Any]:
    """Whether a term has no minus once all its brackets are as their author has them, and what it is then but for that."""
    if is_negative(term) and not term.has(Add):
        return False, -term
    if not term.has(Add) or isinstance(term, (Adjoint, Deriv)):
        return True, term
    if isinstance(term, Binder):
        indices, body = opened(term)
        positive, new = _turned_round(body, context)
        if type(term) is Sum:
            return positive, term if new is body else close(Sum, indices, new)
        return True, close(type(term), indices, new) if positive and new is not body else term
    number, rest = term.as_coeff_Mul()
    inner = list(factors(rest)) if term.is_Mul else list(term.args)
    parts = [_turned_round(f, context) for f in inner]
    minus = [not a.is_Add and is_negative(a) for a in inner]
    turned_ = [positive is less or u != (-a if less else a) for (positive, u), a, less in zip(parts, inner, minus, strict=True)]
    same = not any(turned_)
    if term.is_Mul:
        if same:
            return not number.is_negative, -term if number.is_negative else term
        odd = sum(not positive for positive, _ in parts) % 2 == 1
        return bool(number.is_negative) is odd, Mul(abs(number), *(u for _, u in parts))
    if term.is_Pow and term.exp.is_Integer:
        positive, new = parts[0]
        return positive or term.exp % 2 == 0, term if same else new**term.exp
    if term.is_Add:
        known = {(names(u), not positive) for positive, u in parts}
        flipped = {(own, not negative) for own, negative in known}
        typed = [{*t} for t in context.sums if len(t) == len(parts) == len(known)]
        if (flipped in typed and known not in typed) or not any(positive for positive, _ in parts):
            return False, Add(*(-u if positive else u for positive, u in parts))
        if known in typed and not same:
            return True, Add(*(u if positive else -u for positive, u in parts))
    new = [u if positive else a for (positive, u), a in zip(parts, inner, strict=True)]
    return True, term if all(u == a for u, a in zip(new, inner, strict=True)) else term.func(*new)


def _roots_joined(term: Any) -> Any:
    """A product with the roots of constants as one: √2/√π is √(2/π), √2/(2√π) is 1/√(2π), and √2 √π is √(2π)."""
    roots = [g for f in factors(term) for g in factors(f) if g.is_Pow and g.is_number and abs(g.exp) == S.Half]
    if len(roots) > 1 and {f.exp for f in roots} == {S.Half}:
        rest = [g for f in factors(term) for g in factors(f) if g not in roots]
        return Mul(*rest, Pow(Mul(*[f.base for f in roots]), S.Half, evaluate=False), evaluate=False)
    if {f.exp for f in roots} != {S.Half, -S.Half}:
        return term
    number, _ = term.as_coeff_Mul()
    inner = Mul(*[Pow(f.base, 2 * f.exp) for f in roots])
    rest = [f for f in factors(term) if f not in roots]
    if number.is_positive and (below := 1 / (number**2 * inner)).is_number and fraction(below)[1] == 1:
        return Mul(*(f for f in rest if f != number), Pow(Pow(below, S.Half, evaluate=False), -1, evaluate=False), evaluate=False)
    return Mul(*rest, Pow(inner, S.Half, evaluate=False), evaluate=False)


def gathered(term: Any) -> Any:
    """A product as it is written: e^a e^(-b) as e^(a - b), and the number in 2x - 2y before its brackets."""
    term = _roots_joined(term)
    powers = [f for f in factors(term) if isinstance(f, exp)]
    shared = exponentials_shared(term) if len(powers) > 2 else None
    if shared is not None:
        term = shared
    elif len({bool(f.args[0].could_extract_minus_sign()) for f in powers}) == 2 and not _apart(powers):
        others = [f for f in factors(term) if f not in powers]
        term = Mul(*others, exp(Add(*[f.args[0] for f in powers])), evaluate=False)
    for f in factors(term):
        number, rest = shared_number(f)
        if number != 1:
            coefficient, others = Mul(*[g for g in factors(term) if g is not f]).as_coeff_Mul()
            return Mul(*(g for g in (coefficient * number, *factors(others)) if g != 1), rest, evaluate=False)
    return term


def _apart(powers: list[Any]) -> bool:
    """Whether exponentials are of different indices, one of them of a sum: e^(z_i - y) e^(z_j)."""
    return len({i for f in powers if (i := free_indices(f))}) > 1 and any(f.args[0].is_Add for f in powers)


# ---------------------------------------------------------------- in order


def term_order(term: Any, context: Context) -> list[Any]:
    """The terms of a sum as its author has them, or of the opposite sum, positive terms first.  Of any other sum too; a number
    stands last unless it is the only positive term, or all are positive and one has a function: 1 + x (1 - σ(x)).
    """
    if (as_typed := _as_typed(term, context)) is not None:
        return as_typed
    positive = not any(subtracted(t) for t in terms(term))
    leading = positive and any(t.has(Function) for t in terms(term) if not t.has(Bracket))

    def key(t: Any) -> tuple[Any, ...]:
        return (
            subtracted(t),
            bool(t.is_number) is not leading,
            t.has(ArgMax),
            context.path(t),
            not t.has(Binder),
            cost(t) if t.has(Binder) else 0,
            not free_indices(t),
            isinstance(t, Index),
            () if names(t) else _axis_order(t, context),
            _index_order(t),
            context.place(t),
            cost(t),
            signature(t),
        )

    keys = {t: key(t) for t in terms(term)}
    ordered = _settled(
        sorted(keys, key=keys.__getitem__),
        lambda one, other: keys[one][:4] == keys[other][:4] and _added_first(one, other, context),
    )
    if ordered[0].is_number or not subtracted(ordered[-1]):
        return ordered
    numbers = [t for t in ordered if t.is_number and not subtracted(t)]
    return [t for t in ordered if t not in numbers] + numbers


def _settled(parts: list[Any], before: Callable[[Any, Any], bool]) -> list[Any]:
    """The parts with neighbours changed over where the second belongs before the first, as often as there are parts at most."""
    ordered = [*parts]
    for _ in parts:
        before_this = [*ordered]
        for k in range(len(ordered) - 1):
            if before(ordered[k + 1], ordered[k]):
                ordered[k], ordered[k + 1] = ordered[k + 1], ordered[k]
        if all(a is b for a, b in zip(ordered, before_this, strict=True)):
            break
    return ordered


def _as_typed(term: Any, context: Context) -> list[Any] | None:
    """The terms of a sum that stands in a definition, or whose opposite does; None for any other."""
    known = {(names(t), subtracted(t)): t for t in terms(term)}
    if len(known) < len(terms(term)) or term.has(Adjoint):
        return None
    for typed in context.sums:
        for turned_ in (False, True):
            if len(typed) == len(known) and {(own, negative is not turned_) for own, negative in typed} == known.keys():
                found = [known[own, negative is not turned_] for own, negative in typed]
                return sorted(found, key=subtracted) if subtracted(found[0]) else found
    return None


def _added_first(one: Any, other: Any, context: Context) -> bool:
    """Whether the author adds what one term is made of before what another is made of, and nowhere the other way round."""
    if not context.added:
        return False
    pairs = [(a, b) for a in names(one) - names(other) for b in names(other) - names(one)]
    return any(pair in context.added for pair in pairs) and not any((b, a) in context.added for a, b in pairs)


def _axis_order(term: Any, context: Context) -> tuple[int, ...]:
    """Where the axes of the indices of a term stand among those of the author: o + k of y[o] = Σ_k …, not k + o."""
    axes = [size for size, _ in context.letters]
    return tuple(sorted(axes.index(j.size) for j in free_indices(term) if j.size in axes))


def _index_order(term: Any) -> tuple[str, ...]:
    return tuple(sorted(j.name for j in free_indices(term)))


def factor_order(term: Any, context: Context) -> list[Any]:
    """The factors of a product in the order in which they are printed: numbers and scalars, what else has no index, then those
    that have the same indices, group by group, brackets behind what they are of, δ and conditions, derivatives, sums.
    """
    behind = bool(context.upstream) or any(isinstance(f, Adjoint) and not f.output.indices for f in factors(term))
    parts = [_Factor(f, context, behind) for f in factors(term)]
    groups: dict[Any, list[_Factor]] = {}
    for part in parts:
        groups.setdefault((part.tier, part.group), []).append(part)
    ordered = [group for _, group in sorted(groups.items(), key=lambda item: (item[0][0], _group_key(item[1], context)))]
    settled = _settled(ordered, lambda one, other: _typed_first(one, other, context))
    return _with_brackets([part for group in settled for part in _within(sorted(group, key=lambda p: p.key), context)])


def _typed_first(one: list[_Factor], other: list[_Factor], context: Context) -> bool:
    """Whether the author has the entries of one group before those of another in a product, w_k p_nk; what has free indices alone
    has an order of its own.
    """
    entries = all(part.rank == 2 and not part.gradient for part in (*one, *other))
    bound = entries and not all(part.indices <= {*context.free} for part in (*one, *other))
    pairs = [(a.base, b.base) for a in one for b in other] if bound else []
    return any(_before(a, b, context) for a, b in pairs) and not any(_before(b, a, context) for a, b in pairs)


class _Factor:
    """A factor of a product, and where it stands; a Jacobian stands `behind` where a gradient comes back through it."""

    def __init__(self, term: Any, context: Context, behind: bool) -> None:
        base = term.base if term.is_Pow and not term.is_number else term
        self.term, self.base, self.indices = term, base, free_indices(term)
        jacobian = isinstance(base, Adjoint) and behind and base.output.indices  # G_sk ∂A_sk/∂W_ij
        scalar = term.is_number or isinstance(base, Index) or (not self.indices and isinstance(base, (Symbol, Element)))
        self.rank = 0 if scalar else 6 if jacobian else next((k for k, kinds in _FACTOR_ORDER if isinstance(base, kinds)), 3)
        self.gradient = isinstance(base, Adjoint) or (isinstance(base, Element) and base.name == context.upstream)
        loose = self.rank >= _CONDITION or isinstance(base, Where)
        self.tier = self.rank + 2 if loose else 2 if self.indices else min(self.rank, 1)
        self.group = self.indices if self.tier == 2 else None
        self.key = (
            not self.gradient and self.rank > 0,
            self.rank,
            not term.is_Rational,
            not term.is_number,
            self.rank == 0 and (2 if isinstance(base, Element) else isinstance(base, Index)),  # n r², s o
            self.rank in (0, 2) and term.is_Pow and not term.exp.is_number,  # k x^(k − 1)
            context.place(term) if self.rank < 3 else 0,
            signature(term),
        )


def _group_key(group: list[_Factor], context: Context) -> tuple[Any, ...]:
    """Where the factors of some indices stand: gradients first; what has free indices alone in their order, y xᵀ."""
    indices = group[0].indices
    outer = [context.free.index(i) for i in indices if i in context.free]
    rank = min(part.rank for part in group)
    free = bool(outer) and len(outer) == len(indices)
    return (
        not any(part.gradient and not (free and part.rank == 2) for part in group),
        -1 if not free else min(outer) if rank == 2 or len(outer) == 1 else len(context.free),  # γ_j (G_ij − …)
        rank,
        min((j.name for j in indices), default="") if rank == 2 else "",
        -len(indices),
        min(context.place(part.term) if part.rank < 3 else 0 for part in group),
        sorted(j.name for j in indices),
    )


def _within(group: list[_Factor], context: Context) -> list[_Factor]:
    """The factors of one group, entries as their author has them in products."""

    def before(one: _Factor, other: _Factor) -> bool:
        return one.rank == other.rank and one.key[:-2] == other.key[:-2] and _before(one.base, other.base, context)

    return _settled(group, before)


def _with_brackets(parts: list[_Factor]) -> list[Any]:
    """The factors, each bracket behind what it is of: y (1 - y)."""
    for bracket in [part for part in parts if part.term.is_Add]:
        own = next((p for p in parts if p.rank in (2, 3) and p.tier == bracket.tier and bracket.term.has(p.base)), None)
        if own is not None:
            parts.remove(bracket)
            place = parts.index(own) + 1
            while place < len(parts) and parts[place].term.is_Add and parts[place].term.has(own.base):
                place += 1
            parts.insert(place, bracket)
    return [part.term for part in parts]


def _before(one: Any, other: Any, context: Context) -> bool:
    """Whether the author has an entry before another in a product."""
    return isinstance(one, Element) and isinstance(other, Element) and (one.name, other.name) in context.products


_CONDITION = 5
"""The rank from which on factors stand behind all others."""

_FACTOR_ORDER: tuple[tuple[float, Any], ...] = (
    (1, Adjoint), (2, Element), (4, Add), (4.5, exp), (5, Bracket), (6, Deriv), (7, Binder),
)  # fmt: skip


def stands_behind(factor: Any, top: Any, bottom: Any) -> bool:
    """Whether a factor stands behind the fraction bar's front part instead of on it: 1/n Σ …, not Σ … over n."""
    return (
        isinstance(factor, (Binder, Adjoint, Deriv, Where))
        or (factor.is_Add and factor != top)
        or (isinstance(factor, exp) and bottom.is_number)
    )
