"""A term as a book writes it, before it is printed: rewritten where SymPy's form is not the usual one, and put in order."""

from __future__ import annotations

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
    Where,
    close,
    exponentials_shared,
    factors,
    fraction,
    free_indices,
    names,
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
        indices, body = term.opened()
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
    indices, body = term.opened()
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
    """Positive terms first; a number stands last unless it is the only positive term, or all are positive and one has a
    function: 1 + x (1 - σ(x)).
    """
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

    ordered = sorted(terms(term), key=key)
    if ordered[0].is_number or not subtracted(ordered[-1]):
        return ordered
    numbers = [t for t in ordered if t.is_number and not subtracted(t)]
    return [t for t in ordered if t not in numbers] + numbers


def _axis_order(term: Any, context: Context) -> tuple[int, ...]:
    """Where the axes of the indices of a term stand among those of the author: o + k of y[o] = Σ_k …, not k + o."""
    axes = [size for size, _ in context.letters]
    return tuple(sorted(axes.index(j.size) for j in free_indices(term) if j.size in axes))


def _index_order(term: Any) -> tuple[str, ...]:
    return tuple(sorted(j.name for j in free_indices(term)))


def factor_order(term: Any, context: Context) -> list[Any]:
    """The factors of a product in the order in which they are printed."""
    return sorted(factors(term), key=lambda f: _factor_key(f, context))


def _factor_key(factor: Any, context: Context) -> tuple[Any, ...]:
    """Numbers and scalars, adjoints, entries by their first index, functions, sums in brackets, δ and brackets, derivatives."""
    base = factor.base if factor.is_Pow and not factor.is_number else factor
    indices = free_indices(factor)
    jacobian = isinstance(base, Adjoint) and context.upstream and base.output.indices  # G_sk ∂A_sk/∂W_ij
    scalar = factor.is_number or isinstance(base, Index) or (not indices and isinstance(base, (Symbol, Element)))
    rank = 0 if scalar else 6 if jacobian else next((k for k, kinds in _FACTOR_ORDER if isinstance(base, kinds)), 3)
    first = min((j.name for j in indices), default="") if rank == 2 else ""
    axes = -len(getattr(base, "indices", ())) if rank in (0, 2) else 0
    return (
        rank,
        not factor.is_Rational,
        not factor.is_number,
        rank == 0 and (2 if isinstance(base, Element) else isinstance(base, Index)),  # n r², s o
        rank in (0, 2) and factor.is_Pow and not factor.exp.is_number,  # k x^(k − 1)
        first,
        axes,
        context.place(factor) if rank < 3 else 0,
        signature(factor),
    )


_FACTOR_ORDER: tuple[tuple[int, Any], ...] = ((1, Adjoint), (2, Element), (4, Add), (5, Bracket), (6, Deriv), (7, Binder))


def stands_behind(factor: Any, top: Any, bottom: Any) -> bool:
    """Whether a factor stands behind the fraction bar's front part instead of on it: 1/n Σ …, not Σ … over n."""
    return (
        isinstance(factor, (Binder, Adjoint, Deriv, Where))
        or (factor.is_Add and factor != top)
        or (isinstance(factor, exp) and bottom.is_number)
    )
