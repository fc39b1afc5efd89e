"""Stable programs: formulas that floating-point numbers can follow, put for those that only exact numbers can.

Each row of REWRITES turns a program into an equal one, and is shown to have done so (`program.equal`):

    Σ_k exp z_k                   exp m · Σ_k exp(z_k - m), with m = max_k z_k: no sum overflows, nor vanishes
    log p_t  of  p_k = exp z_k/Z  z_t - log Z: no logarithm of a number that may have become 0
    log σ(x), log(1 - σ(x))       -softplus(-x), -softplus(x)
    log(2^x + 2^y)                log(e^(x log 2) + e^(y log 2)), which is shifted as above
    log(1 + e^x), e^x - 1         softplus(x), expm1(x): nothing is lost where e^x is small
    log(1 + x)                    log1p(x)
    1 - σ(x)                      σ(-x), where σ(x) is needed for nothing else
    p^k, with a name k            e^(k log p), with log p as above
    1 - e_t/Σ_k e_k               Σ_{k≠t} e_k/Σ_k e_k: the rest of a sum is not what is left of 1
    (p - y)/(1 - p)               (1 - y)/(1 - p) - 1: nothing is divided by 1 - p where y is 1, and p has become 1
    a x³ - a x³ tanh²             a x³ (1 - tanh²): large terms do not cancel

What looks through the names of tensors is in `cancelled`, what is written out in `exponentials`, and what holds where a formula
has no value in `conventions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Function, Mul, Pow, S, exp, expand_mul, log

from derive.calculus.functions import Named
from derive.calculus.matching import match
from derive.calculus.terms import (
    Bracket,
    Differ,
    Element,
    Index,
    Largest,
    Sum,
    Where,
    canonical,
    close,
    factors,
    free_indices,
    substituted,
    terms,
    walk,
)
from derive.kernels.program.cancelled import distributed, gathered, undone
from derive.kernels.program.conventions import infinities, lengths, weights
from derive.kernels.program.elementary import FUNCTIONS
from derive.kernels.program.exponentials import natural, put_in, written
from derive.kernels.program.functions import exp_nonpositive, expm1, is_sigmoid, log1p, together, weighted
from derive.kernels.program.program import Assign, Program, entry, equal, mapped
from derive.language import library
from derive.values.precision import DomainError


@dataclass(frozen=True)
class Rewrite:
    """A rewrite of whole programs, and what it is called."""

    name: str
    apply: Callable[[Program], Program]


def stable(program: Program) -> Program:
    """The program with every rewrite applied, each shown to change no tensor.

    One that asks for what has no value is left out: a shift by the largest of a sum that may have no terms.
    """
    for rewrite in REWRITES:
        new = rewrite.apply(program).alive()
        if new != program:
            with suppress(DomainError):
                program = equal(program, new, rewrite.name)
    return program


# ---------------------------------------------------------------- sums of exponentials


def shifted(program: Program) -> Program:
    """Every Σ exp(f) with f shifted by its maximum.

    New tensors hold the maxima m and the shifted exponentials; where the sum, or one of its exponentials, divides another,
    exp(m) cancels.
    """
    done = replace(program, assigns=())
    for assign in program.assigns:
        whole = Program(program.graph, done.assigns, program.outputs)
        extra, term = _shift_in(assign.term, replace(whole, assigns=(*done.assigns, *program.assigns[len(done.assigns) :])))
        done = replace(done, assigns=(*done.assigns, *extra, replace(assign, term=term)))
    return merged(done, {a.name for a in program.assigns})


def merged(program: Program, own: Container[str]) -> Program:
    """The program with one tensor for all that hold the same, of those that are not its `own`."""
    known: dict[str, Assign] = {}
    new: dict[str, Assign] = {}
    kept = list[Assign]()
    for assign in program.assigns:
        term = walk(assign.term, lambda t: _renamed(t, new))
        places = {i: f"@{k}" for k, i in enumerate(assign.indices)}
        key = f"{[i.size for i in assign.indices]} {canonical(term, places)}"
        first = known.setdefault(key, assign) if assign.name not in own else assign
        if first is not assign:
            new[assign.name] = first
        else:
            kept.append(replace(assign, term=term))
    return replace(program, assigns=tuple(kept))


def _renamed(term: Any, new: Mapping[str, Assign]) -> Any:
    known = isinstance(term, Element) and term.name in new
    return Element(new[term.name].entry.head, *term.indices) if known else term


def _shift_in(term: Any, known: Program) -> tuple[tuple[Assign, ...], Any]:
    """The term with its sums of exponentials shifted, and the assignments of what it mentions then."""
    extra = list[Assign]()
    for total in sorted(_exponential_sums(term), key=str):
        made = _shift(total, replace(known, assigns=(*known.assigns, *extra)))
        extra += made.assigns
        term = walk(term, made.put_in)
    return tuple(extra), _without_exponentials(term) if extra else term


def _exponential_sums(term: Any) -> set[Sum]:
    """The sums of exponentials in a term that no other binder stands around; those inside come out with them."""
    return {t for t in term.atoms(Sum) if type(t) is Sum and _exponent(t.opened()[1]) is not None and _closed_in(t, term)}


def _closed_in(total: Sum, term: Any) -> bool:
    """Whether the sum mentions no index that a binder around it binds."""
    return all(i in free_indices(term) for i in free_indices(total))


def _exponent(body: Any) -> Any:
    """The exponent f of the one exponential factor of a body, which is not divided by sums that it stands in."""
    found = [f.args[0] for f in factors(body) if isinstance(f, exp)]
    if len(found) != 1 or not found[0].has(Element) or found[0].has(Sum):
        return None
    return found[0] if not any(exp(found[0]) in f.base.args for f in factors(body) if f.is_Pow and f.base.is_Add) else None


@dataclass(frozen=True)
class _Shifted:
    """exp(exponent) = exp(largest) · small for all indices."""

    exponent: Any
    holes: tuple[Index, ...]
    largest: Element
    small: Element
    assigns: tuple[Assign, ...]

    def put_in(self, term: Any) -> Any:
        """Rewrite one exponential, whatever its indices are."""
        if isinstance(term, exp) and (found := match(self.exponent, term.args[0], self.holes, {})) is not None:
            return exp(substituted(self.largest, found)) * substituted(self.small, found)
        if isinstance(term, Sum):
            return _outside(term)
        if isinstance(term, Where) and term.args[2] == 0:
            outer = Mul(*[f for f in factors(term.args[1]) if isinstance(f, exp)])
            return outer * Where(term.args[0], term.args[1] / outer, S.Zero)
        return term


def _shift(total: Sum, known: Program) -> _Shifted:
    indices, body = total.opened()
    exponent = _exponent(body)
    conditions = Mul(*[f for f in factors(body) if isinstance(f, Bracket)])
    over = Where(conditions, exponent, S.NegativeInfinity) if conditions != 1 else exponent
    bound = tuple(i for i in indices if i in free_indices(over))
    own = tuple(sorted(free_indices(over) - {*bound}, key=lambda i: i.name))
    largest = entry(known.fresh("largest", "m"), own, exponent)
    holes = tuple(sorted(free_indices(exponent), key=lambda i: (i not in own, i.name)))
    rows = tuple(i for i in own if i not in holes)  # a condition's: they mean the same wherever the whole term does
    small = entry(known.fresh("shifted", "e"), (*rows, *holes), exp(exponent))
    made = (
        Assign(largest, close(Largest, bound, over)),
        Assign(small, exp_nonpositive((together(exponent) if exponent.is_Add else exponent) - largest)),
    )
    return _Shifted(exponent, holes, largest, small, made)


def _outside(term: Sum) -> Any:
    """Exponentials that do not depend on a sum's index, in front of it."""
    indices, body = term.opened()
    outer = Mul(*[f for f in factors(body) if isinstance(f, exp) and not free_indices(f) & set(indices)])
    return outer * close(Sum, indices, body / outer)


def _without_exponentials(term: Any) -> Any:
    """log(exp(m) s) as m + log s."""
    return walk(term, lambda t: _log_of_product(t.args[0]) if isinstance(t, log) and t.args[0].has(exp) else t)


def _log_of_product(term: Any) -> Any:
    known = [f for f in factors(term) if isinstance(f, exp)]
    rest = Mul(*[f for f in factors(term) if f not in known])
    return Add(*[f.args[0] for f in known], log(rest) if rest != 1 else S.Zero)


# ---------------------------------------------------------------- logarithms of what was computed as a quotient


def logarithms(program: Program) -> Program:
    """log of a quotient of exponentials, or of a function with a logarithm of its own, not taken of what that comes to."""

    def rewrite(term: Any) -> Any:
        return (_logarithm(term.args[0], program) or term) if isinstance(term, log) else term

    return mapped(program, rewrite)


def _logarithm(term: Any, program: Program) -> Any:
    """The logarithm of a term in a form that does not go through the term itself; None where there is none."""
    if isinstance(term, Element):
        assign = program.assigned.get(term.name)
        return None if assign is None else _logarithm(assign.at(term), program)
    left = 1 - term  # log(1 - p) where p is a tensor: of 1 less its definition
    if isinstance(left, Element) and left.name in program.assigned:
        left = program.assigned[left.name].at(left)
    for sigmoid, sign in ((term, -1), (left, 1)):
        if is_sigmoid(sigmoid):
            return -_softplus(sign * sigmoid.args[0])
    if isinstance(term, (exp, exp_nonpositive)):
        return together(term.args[0])
    parts = [_base_and_power(f) for f in factors(term)]
    if parts == [(term, 1)]:
        return None
    found = [_logarithm(base, program) for base, _ in parts]
    unknown = sum(f is None and base.is_positive is not True for (base, _), f in zip(parts, found, strict=True))
    if not any(f is not None for f in found) or unknown > 1:  # where one alone is negative, neither has a logarithm
        return None
    return Add(*[power * (log(base) if f is None else f) for (base, power), f in zip(parts, found, strict=True)])


def _base_and_power(factor: Any) -> tuple[Any, Any]:
    return (factor.base, factor.exp) if factor.is_Pow and factor.exp.is_Integer else (factor, S.One)


def split(program: Program) -> Program:
    """(p - y)/(1 - p), for a share p of a sum, as (1 - y)/(1 - p) - 1, with the weight 1 - y: 0 where that is, though p be 1."""

    def rewrite(term: Any) -> Any:
        for f in factors(term) if term.is_Mul else ():
            share = 1 - f.base if f.is_Pow and f.exp == -1 else term
            if _is_assigned(share, program) and _rest(program.assigned[share.name].at(share)) is not None:
                for part in (a for a in factors(term) if a.is_Add):
                    number = part.coeff(share)
                    above = part - number * share + number
                    if number.is_number and number != 0 and above.is_number is not True:
                        return term / f / part * (weighted(above, f) - number)
        return term

    return mapped(program, rewrite)


def rests(program: Program) -> Program:
    """One less a share of a sum as the share of the rest of it."""

    def rewrite(term: Any) -> Any:
        if not term.is_Add or term.args[0] not in (1, -1) or len(term.args) != 2:
            return term
        sign = term.args[0]
        share = 1 - sign * term
        while isinstance(share, Element) and share.name in program.assigned:
            share = program.assigned[share.name].at(share)
        return sign * (_rest(share) or sign * term)

    return mapped(program, rewrite)


def _rest(share: Any) -> Any:
    """Σ_{k≠t} e_k/Σ_k e_k where a term is e_t/Σ_k e_k; None where it is not."""
    for factor in factors(share):
        whole, part = (1 / factor, share / factor) if factor.is_Pow and factor.exp == -1 else (None, None)
        if type(whole) is Sum and len(whole.indices) == 1 and isinstance(part, Element):
            (index,), body = whole.opened()
            found = match(body, part, (index,), {})
            if found is not None:
                return close(Sum, (index,), body * Differ(index, found[index])) / whole
    return None


def joined(program: Program) -> Program:
    """A product of exponentials as the exponential of a sum, also with those of a sum beside them: no factor overflows while
    another vanishes.
    """

    def rewrite(term: Any) -> Any:
        powers = [f for f in factors(term) if isinstance(f, exp)] if term.is_Mul else []
        sums = [f for f in factors(term) if f.is_Add and all(_has_power(t) for t in f.args)] if powers else []
        if sums:
            return _product(Add(*[_one_power(Mul(*powers, t)) for t in sums[0].args]), term, [*powers, sums[0]])
        return _one_power(term) if len(powers) > 1 else term

    return mapped(program, rewrite)


def _has_power(term: Any) -> bool:
    return any(isinstance(f, exp) for f in factors(term))


def _one_power(term: Any) -> Any:
    powers = [f for f in factors(term) if isinstance(f, exp)]
    return _product(exp(Add(*[f.args[0] for f in powers]), evaluate=False), term, powers)


def _product(first: Any, term: Any, without: list[Any]) -> Any:
    return Mul(first, *[f for f in factors(term) if f not in without])


# ---------------------------------------------------------------- functions that lose nothing


def careful(program: Program) -> Program:
    """The functions that lose nothing, where their definitions stand."""
    return mapped(program, _careful)


def _softplus(x: Any) -> Any:
    """log(1 + e^x), as the library's function."""
    function = library.function("softplus")
    assert function is not None
    return function(x)


def _careful(term: Any) -> Any:
    if isinstance(term, log) and term.args[0].is_Add and S.One in term.args[0].args:
        rest = term.args[0] - 1
        return _softplus(rest.args[0]) if isinstance(rest, exp) else log1p(rest)
    return _less_one(term) if term.is_Add else term


def _less_one(term: Any) -> Any:
    """c e^x - c in a sum as c (e^x - 1)."""
    constant, rest = term.as_coeff_Add()
    for part in terms(rest) if constant else ():
        number, function = part.as_coeff_Mul()
        if number == -constant and isinstance(function, exp):
            return Add(number * expm1(function.args[0]), rest - part)
    return term


def complements(program: Program) -> Program:
    """1 - σ(x) as σ(-x), where the sigmoid is needed for nothing else, or is divided by: what is left of 1 may be all that is
    wanted.
    """
    read = Counter(e.name for a in program.assigns for e in a.term.atoms(Element))

    def of(assign: Assign) -> Assign:
        below = {p.base for p in assign.term.atoms(Pow) if p.exp.is_negative}

        def rewrite(term: Any) -> Any:
            constant, rest = term.as_coeff_Add()
            for part in terms(rest) if constant and term.is_Add else ():
                number, share = part.as_coeff_Mul()
                sigmoid = _defined(share, program) if number == -constant else share
                if number != -constant or not is_sigmoid(sigmoid):
                    continue
                alone = assign.term.count(share) == 1 and (sigmoid is share or read[share.name] == 1)
                if alone or (sigmoid is share and term in below):
                    return Add(constant * sigmoid.func(-sigmoid.args[0]), rest - part)
            return term

        return replace(assign, term=walk(assign.term, rewrite))

    return replace(program, assigns=tuple(map(of, program.assigns)))


def powers(program: Program) -> Program:
    """p^k, of what has a logarithm that does not go through p, as e^(k log p) where k is no number: p may have become 0, or 1."""

    def rewrite(term: Any) -> Any:
        found = _logarithm(term.base, program) if term.is_Pow and not term.exp.is_number else None
        return term if found is None else exp(Mul(term.exp, found, evaluate=False))

    return infinities(mapped(program, rewrite))


def _is_assigned(term: Any, program: Program) -> bool:
    return isinstance(term, Element) and term.name in program.assigned


def _defined(term: Any, program: Program) -> Any:
    """What an entry that is assigned is of, or the term itself."""
    return program.assigned[term.name].at(term) if _is_assigned(term, program) else term


def spelled(program: Program) -> Program:
    """Functions of the library written out, as long as there is no function of kernels for them."""

    def rewrite(term: Any) -> Any:
        if isinstance(term, Named) and type(term).__name__ not in FUNCTIONS and not isinstance(term, together):
            return walk(term.unfolded, rewrite)
        return term

    return mapped(program, rewrite)


BOUNDED = ("tanh", "sigmoid", "erf", "normal_cdf", "sin", "cos")


def grouped(program: Program) -> Program:
    """In every sum, what bounded functions multiply alike taken out of it: a x³ - a x³ tanh² is a x³ (1 - tanh²), so that large
    numbers do not cancel where the function has come to its bound.
    """

    def rewrite(t: Any) -> Any:
        if not t.is_Add:
            return t
        groups: dict[Any, list[Any]] = {}
        parts = [p for a in t.args for p in (terms(expand_mul(a, deep=False)) if _bounded(a) else (a,))]
        for part in parts:
            bounded = _bounded(part)
            number, rest = (part / Mul(*bounded)).as_coeff_Mul()
            groups.setdefault(rest, []).append(number * Mul(*bounded))
        if all(len(found) == 1 for rest, found in groups.items() if rest != 1):
            return t
        return Add(*[rest * Add(*found) for rest, found in groups.items()])

    return mapped(program, rewrite)


def _bounded(term: Any) -> list[Any]:
    """The factors that are powers of bounded functions."""
    return [f for f in factors(term) if type(f.base if f.is_Pow else f).__name__ in BOUNDED]


def saturated(program: Program) -> Program:
    """What 1 - tanh², or a sigmoid, is multiplied by, which it outweighs: where it has come to 0, the product is 0, however large
    a power is.
    """

    def rewrite(term: Any) -> Any:
        parts = factors(term) if term.is_Mul else ()
        slope = [f for f in parts if is_sigmoid(f) or (f.is_Add and any(map(_is_less, f.args)))]
        large = [f for f in parts if f not in slope and any(map(_is_power, terms(f)))]
        if not slope or not large:
            return term
        return Mul(weighted(Mul(*slope), Mul(*large)), *[f for f in parts if f not in slope and f not in large])

    return mapped(program, rewrite)


def _is_less(term: Any) -> bool:
    return bool(_bounded(term)) and term.could_extract_minus_sign()


def _is_power(term: Any) -> bool:
    return any(
        f.is_Pow and f.exp.is_positive and f.base.has(Element) and not any(map(_bounded, terms(f.base))) for f in factors(term)
    )


def alike(program: Program) -> Program:
    """Arguments of functions written alike, so that one evaluation serves: a x + a b x³ as a (x + b x³), with a irrational."""

    def rewrite(term: Any) -> Any:
        if not isinstance(term, Function) or type(term).__name__ not in FUNCTIONS:
            return term
        parts = sorted(terms(expand_mul(term.args[0])), key=lambda t: str(t.as_independent(Element)[1]))
        number = parts[0].as_independent(Element)[0]
        if len(parts) < 2 or not number.is_number or number.is_Rational:
            return term
        return term.func(Mul(number, Add(*[p / number for p in parts]), evaluate=False))

    return mapped(program, rewrite)


REWRITES = (
    Rewrite("writing functions of the library out", spelled),
    Rewrite("writing powers of numbers as exponentials", natural),
    Rewrite("writing exponentials out", put_in),
    Rewrite("cancelling what the next factor takes away", distributed),
    Rewrite("writing slopes without their functions", undone),
    Rewrite("shifting by the maximum", shifted),
    Rewrite("gathering exponentials", gathered),
    Rewrite("shifting by the larger of exponents", written),
    Rewrite("taking the logarithm of a quotient", logarithms),
    Rewrite("splitting quotients by the rest of a sum", split),
    Rewrite("taking the rest of a sum", rests),
    Rewrite("taking the complement of a sigmoid", complements),
    Rewrite("cancelling what sigmoids take away", distributed),
    Rewrite("joining exponentials", joined),
    Rewrite("handing on infinities", infinities),
    Rewrite("weighing logarithms", weights),
    Rewrite("dividing by lengths", lengths),
    Rewrite("using functions that lose nothing", careful),
    Rewrite("writing arguments alike", alike),
    Rewrite("grouping what cancels", grouped),
    Rewrite("gathering powers", gathered),
    Rewrite("taking powers through logarithms", powers),
    Rewrite("ending slopes where functions are flat", saturated),
)
