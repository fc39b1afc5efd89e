"""Definitions folded back: from p_i = e^{z_i} / Σ_k e^{z_k} follows e^{z_i} = p_i Σ_k e^{z_k}, and Σ_i p_i = 1.

Nothing here knows an operation.  Every rewrite is solved from a definition, or is a sum over an axis of a definition that
came out constant; one that would divide by something not known to be positive is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import combinations, permutations
from typing import Any

from sympy import Add, Function, Mul, S, Symbol, cancel, exp, expand, log, preorder_traversal

from derive.calculus.cost import cost
from derive.calculus.functions import Named, NamedEntry, is_entry_of_rows
from derive.calculus.matching import Binding, Hole, match, match_all
from derive.calculus.normal import normal
from derive.calculus.shortest import shortest
from derive.calculus.terms import (
    Binder,
    Bracket,
    Element,
    Index,
    Label,
    Sum,
    VectorOf,
    close,
    depends,
    factors,
    fraction,
    free_indices,
    kinds,
    names,
    signature,
    substituted,
    terms,
    total,
    unused,
    walk,
)

MOST_FACTORS = 6
"""Products of more factors are not searched for a definition among them."""


@dataclass(frozen=True)
class Fold:
    """Rewrite `pattern` as `result` wherever it occurs, for any value of the `holes`: the indices, or the scalar arguments.

    A `whole` fold puts a name for its whole definition; a `visible` one can be seen in a formula without multiplying it
    out.  `owner` is the tensor whose definition it was solved from.
    """

    pattern: Any
    result: Any
    holes: tuple[Hole, ...]
    whole: bool = False
    owner: str = ""
    part: bool = False
    """Whether the pattern is a factor of the definition, in brackets: x_i - μ of x̂_i = (x_i - μ)/s."""

    function: bool = False
    """Whether it is a function of numbers that is recognised, for any argument."""

    twice: bool = False
    """Whether it is a quotient N/D that is seen over D², in what the quotient rule makes: (D a - N b)/D² is (a - J b)/D."""

    entry: Any = None
    """The function of a vector that is recognised, of any vector and at any place."""

    @property
    def visible(self) -> bool:
        """Whether it may be seen in a line as it stands, without anything solved."""
        return self.whole or self.part or self.twice or self.entry is not None

    def concerns(self, term: Any) -> bool:
        """Whether a term holds what the pattern is made of."""
        if self.entry or self.function:
            return self._functions <= kinds(term) and (self.function or Sum in kinds(term))
        return names(self.pattern) <= names(term)

    @cached_property
    def _functions(self) -> frozenset[type]:
        return frozenset(f.func for f in self.pattern.atoms(Function))


# ---------------------------------------------------------------- matching


def replaced(term: Any, fold: Fold, among: bool = False) -> Any:
    """The term with every occurrence of the fold's pattern, or of a multiple of a sum, rewritten (not normalised).

    With `among`, and always for a function, a product may have other factors besides those of the pattern.  What was solved
    from a definition is not put into a condition: x > 1 is decided by fewer digits than (√x)² > 1, and read at once.
    """
    kind = type(fold.pattern)
    if not (fold.twice or fold.entry or kind in kinds(term)):
        return term

    def rewrite(t: Any) -> Any:
        if fold.twice:
            return _over_square(fold, t)
        if fold.entry:
            return _with_entries(t, fold.entry)
        if type(t) is not kind:
            return t
        left, rest = t.primitive() if kind is Add else (1, t)
        times = _times(t, fold.pattern) if fold.function else 1
        found = match(fold.pattern, rest.base**fold.pattern.exp if times > 1 else rest, fold.holes, {})
        if found is None and kind is Mul and (among or fold.function):
            left, found = _match_factors(fold, t)
        return t if found is None else left * substituted(fold.result, found) ** times

    named = not fold.owner or isinstance(fold.result, (Element, Function))
    return walk(term, rewrite, () if named else (Bracket,))


def _over_square(fold: Fold, term: Any) -> Any:
    """(D a - N b)/D² as (a - J b)/D, where J = N/D: the denominator is in the definition, so nothing new is divided by."""
    if not term.is_Mul:
        return term
    top, bottom = fraction(fold.pattern)
    sums = [f for f in term.args if f.is_Add]
    for f in term.args if len(sums) == 1 else ():
        base, exponent = f.as_base_exp()
        found = match(bottom, base, fold.holes, {}) if exponent.is_Integer and exponent.is_negative else None
        new = None if found is None else _with_quotient(sums[0], top, base, fold, found)
        if new is not None:
            return _over_square(fold, Mul(*[g for g in term.args if g not in (f, *sums)]) * base ** (exponent + 1) * new)
    return term


def _with_quotient(numerator: Any, top: Any, bottom: Any, fold: Fold, found: Binding) -> Any:
    """A sum whose terms each have D or N as a factor, divided by D; None where one has neither, or none has N."""
    parts, rest, seen = list[Any](), list[Any](), False
    for parted in map(_each, numerator.args):
        if bottom in parted:
            parts.append(_without(parted, bottom))
        elif (own := _own(top, parted, fold.holes, found)) is not None:
            sign, factor, bound = own
            parts.append(sign * _without(parted, factor) * substituted(fold.result, bound))
            seen = True
        else:
            rest.append(Mul(*parted))
    if rest:  # SymPy multiplies -(a + b) out, and puts a sum into a sum
        values = [(bottom, 1)] + [(substituted(top, found), substituted(fold.result, found))] * (set(fold.holes) <= set(found))
        ratios = [(cancel(Add(*rest) / of), value) for of, value in values if of.is_Add]
        known = next((ratio * value for ratio, value in ratios if ratio.is_number), None)
        if known is None:
            return None
        parts.append(known)
        seen = seen or known.has(fold.result.func)
    return Add(*parts) if seen else None


def _own(top: Any, parts: list[Any], holes: tuple[Hole, ...], found: Binding) -> tuple[int, Any, Binding] | None:
    """The factor that is N, or -N: its sign, itself, and what the holes are there."""
    for sign in (1, -1):
        for f in parts:
            bound = match(top, sign * f, holes, found) if sign == 1 or f.is_Add else None
            if bound is not None:
                return sign, f, bound
    return None


def _each(product: Any) -> list[Any]:
    """The factors of a product, those of a whole power one by one."""
    out = list[Any]()
    for f in factors(product):
        base, exponent = f.as_base_exp()
        out += [base] * int(exponent) if exponent.is_Integer and exponent > 1 and not base.is_number else [f]
    return out


def _without(parts: list[Any], factor: Any) -> Any:
    others = list(parts)
    others.remove(factor)
    return Mul(*others)


def _times(term: Any, pattern: Any) -> int:
    """How often a pattern may stand in a power: 1/(1 + e^(-x)) twice in 1/(1 + e^(-x))²."""
    if not (term.is_Pow and pattern.is_Pow and term.exp.is_Rational and pattern.exp.is_Rational):
        return 1
    times = term.exp / pattern.exp
    return int(times) if times.is_Integer and times > 1 else 1


def _match_factors(fold: Fold, term: Any) -> tuple[Any, Binding | None]:
    """The pattern among the factors of a product, or of their powers: (the other factors, the binding)."""
    parts = [part for f in term.args for part in _split(f, fold)]
    places = range(len(parts)) if len(parts) <= MOST_FACTORS else ()
    for chosen in permutations(places, len(fold.pattern.args)):
        found = match_all(fold.pattern.args, tuple(parts[k] for k in chosen), fold.holes, {})
        if found is not None:  # a quotient would not do: SymPy leaves e^(a + b) e^(-a - b) as it is
            return Mul(*[parts[k] for k in places if k not in chosen]), found
    return term, None


def _split(factor: Any, fold: Fold) -> tuple[Any, ...]:
    """A power as two, where the pattern has a lower power of the same: 1/r² as 1/r · 1/r for u/r, σ(x)² for e^(-x) σ(x)."""
    base, exponent = factor.as_base_exp()
    for own, lower in (part.as_base_exp() for part in fold.pattern.args):
        entry = isinstance(base, (Element, Sum, Add, Mul)) and own == base and _is_quotient(fold.pattern)
        called = fold.function and isinstance(base, (Add, Named)) and type(own) is type(base) and exponent.is_Integer
        if (entry or called) and exponent.is_Rational and lower.is_Rational and 0 < lower / exponent < 1:
            return base**lower, base ** (exponent - lower)
    return (factor,)


# ---------------------------------------------------------------- functions of vectors


@cache
def entry_fold(function: type[NamedEntry]) -> Fold:
    """The rewrite that brings an entry of a function of a vector back: e^(z_i)/Σ_j e^(z_j) is softmax(z)_i, for any vector."""
    index = function.index
    head = Element(function.parameters[0], index.fresh())
    call = function(close(VectorOf, head.indices, head), index)
    return Fold(function.body, call, (), True, function.__name__, function=True, entry=function)


def _with_entries(term: Any, function: type[NamedEntry]) -> Any:
    """A product with one entry of a function of a vector in it, by its name: its normaliser stands among the factors, the rest
    beside it or under a Σ.
    """
    for normaliser in term.args if term.is_Mul else ():
        vector, left = _vector_of(normaliser, function)
        if vector is None:
            continue
        others = [f for f in (*term.args, left) if f is not normaliser and f != 1]
        if (found := _entry_among(others, vector, function)) is not None:
            return _with_entries(Mul(*found), function)
        for inner in (f for f in others if type(f) is Sum):
            indices, body = inner.opened()
            if (found := _entry_among(list(factors(body)), vector, function)) is not None:
                rest = [f for f in others if f is not inner]
                return _with_entries(Mul(*rest, close(Sum, indices, Mul(*found))), function)
    return term


def _vector_of(factor: Any, function: type[NamedEntry]) -> tuple[Any, Any]:
    """The vector that a factor is the normaliser of, and what is left of it; None where it is none.

    Of 1/(Σ_j e^(f_j))² it is that of the f_j, and 1/Σ_j e^(f_j) is left.
    """
    for own in factors(function.body):
        (base, power), (sum_, exponent) = own.as_base_exp(), factor.as_base_exp()
        if type(base) is not Sum or type(sum_) is not Sum or len(sum_.indices) != 1:
            continue
        if not (exponent.is_Integer and 0 < power / exponent <= 1):
            continue
        (j,), body = base.opened()
        (k,), given = sum_.opened()
        hole = Element(function.parameters[0], j)
        found = match(body, given.xreplace({k: Index(j.label, k.size)}), (hole,), {})
        if found is not None and depends(found[hole], Index(j.label, k.size)):
            vector = close(VectorOf, [k], found[hole].xreplace({Index(j.label, k.size): k}))
            return vector, sum_ ** (exponent - power)
    return None, S.One


def _entry_among(parts: list[Any], vector: Any, function: type[NamedEntry]) -> list[Any] | None:
    """Factors with those that are an entry of the function, but for its normaliser, put together as that."""
    places = {i for f in parts for i in (*free_indices(f), *f.atoms(Label)) if i.size == vector.size}
    (j,), entry = vector.opened()
    for place in sorted(places, key=signature):
        left = _taken_from(parts, function, entry.xreplace({j: place}), place)
        if left is not None:
            varying = Add(*[t for t in terms(expand(entry)) if depends(t, j)]) if _shifts(function) else entry
            call = function(close(VectorOf, [j], varying if varying != expand(entry) else entry), place)
            if is_entry_of_rows(call) or (isinstance(place, Index) and not depends(vector, place)):
                return [*left, call]
    return None


def _taken_from(parts: list[Any], function: type[NamedEntry], entry: Any, place: Any) -> list[Any] | None:
    """The factors without those of an entry; None where it is not among them.  e^(f_i - f_k) is e^(f_i) e^(-f_k)."""
    left = list(parts)
    for own in factors(function.body):
        if type(own.as_base_exp()[0]) is Sum:
            continue
        wanted = own.xreplace({Element(function.parameters[0], function.index): entry})
        if wanted in left:
            left.remove(wanted)
            continue
        powers = [f for f in left if isinstance(f, exp)] if isinstance(wanted, exp) else []
        power = next((f for f in powers if _holds(f.args[0], wanted.args[0])), None)
        if power is None:
            return None
        left.remove(power)
        left.append(exp(expand(power.args[0] - wanted.args[0])))
    return left


def _holds(whole: Any, part: Any) -> bool:
    """Whether the terms of a part are terms of the whole."""
    return {*terms(expand(part))} <= {*terms(expand(whole))}


@cache
def _shifts(function: type[NamedEntry]) -> bool:
    """Whether a number added to all entries of the vector changes nothing."""
    c = unused("c", real=True)
    (head,) = function.parameters

    def shifted(t: Any) -> Any:
        if isinstance(t, Element) and t.head == head:
            return t + c
        return expand(t, mul=False, power_base=False) if isinstance(t, exp) else t

    return bool(normal(walk(function.body, shifted)) == normal(function.body))


# ---------------------------------------------------------------- folds solved from a definition


def solved_folds(name: Any, definition: Any, holes: tuple[Index, ...]) -> tuple[Fold, ...]:
    """The rewrites that bring `name = definition` back into a formula; `holes` are the indices of the name.

    The sums in the definition that do not carry all its indices (a normaliser) are held while the rest is solved for.
    Candidates, in order: the whole definition, then its least nameable part.
    """
    owner = getattr(name, "name", "")
    if not names(definition) or not set(holes) <= free_indices(definition):
        return ()  # √2 is no reason to write 2 as a square, and an index that the definition has not is nowhere to be found
    if definition.is_Pow and definition.exp.is_Rational and not definition.exp.is_Integer:
        if definition.exp == S.Half and name.is_nonnegative:
            return (Fold(definition.base, name**2, holes, True, owner),)
        ways = ((definition, name), (1 / definition, 1 / name))  # x^(5/2) is y, but x is no y^(2/5)
        return tuple(Fold(way, by, holes, True, owner) for way, by in ways)
    nameless = isinstance(definition, (Element, Add)) or definition.is_number
    whole: tuple[Fold, ...] = () if nameless else (Fold(definition, name, holes, True, owner),)
    plain = normal(definition)
    if whole and plain.is_Mul and plain != definition:
        whole = (*whole, replace(whole[0], pattern=plain))
    whole = (
        *whole,
        *_under_root(name, definition, holes, owner),
        *_quotient(name, definition, holes, owner),
        *_summed(name, definition, holes, owner),
    )
    whole = (*whole, *_bracketed(name, definition, holes, owner), *_numerator(name, plain, holes, owner))
    opaque = _normalisers(definition, holes)
    held = substituted(definition, dict(opaque))
    for part in _parts(held, holes):
        hole = unused("t", real=True, positive=part.is_positive)
        solution = _solve(held.xreplace({part: hole}), name, hole)
        if solution is None or _new_pole(solution) or (_is_inverse(solution, name) and type(part) is not Sum):
            continue
        if definition.is_Add and type(part) is Sum and not _is_but_numbers(solution, name):
            return whole
        target, value = (part.base, solution ** (1 / part.exp)) if part.is_Pow and not part.exp.is_Integer else (part, solution)
        back = {e: s for s, e in opaque}
        result = substituted(normal(value), back)
        return (*whole, Fold(substituted(target, back), result, holes, owner=owner))
    return whole


def _under_root(name: Any, definition: Any, holes: tuple[Index, ...], owner: str) -> tuple[Fold, ...]:
    """What stands under the root of a definition: Σ (x - μ)² = n s² from s = √(1/n Σ (x - μ)²), two roots to SymPy."""
    roots = [f for f in factors(definition) if f.is_Pow and f.exp == S.Half and names(f)]
    if len(roots) != 1 or names(definition / roots[0]) or not name.is_nonnegative:
        return ()
    return (Fold(roots[0].base, normal((name * roots[0] / definition) ** 2), holes, True, owner),)


def _quotient(name: Any, definition: Any, holes: tuple[Index, ...], owner: str) -> tuple[Fold, ...]:
    """What a quotient N/D is in what the quotient rule makes of it."""
    constant, scaled = definition.as_coeff_Add()
    number, rest = scaled.as_coeff_Mul()
    top, bottom = fraction(rest)
    if not names(bottom) or not names(top) or not (bottom.is_Add or type(bottom) is Sum or isinstance(bottom, Element)):
        return ()
    return (Fold(rest, (name - constant) / number, holes, owner=owner, whole=True, twice=True),)


def _summed(name: Any, definition: Any, holes: tuple[Index, ...], owner: str) -> tuple[Fold, ...]:
    """What the terms of a definition are together, where all of them stand in a sum: p_i + q_i = 2 m_i, from m = (p + q)/2."""
    if not definition.is_Add:
        return ()
    number, rest = definition.primitive()
    return tuple(Fold(sign * rest, sign * name / number, holes, owner=owner, part=True) for sign in (1, -1))


def _bracketed(name: Any, definition: Any, holes: tuple[Index, ...], owner: str) -> tuple[Fold, ...]:
    """What the sum in brackets of a product is, by its name: x_i - μ = x̂_i s, from x̂_i = (x_i - μ)/s."""
    brackets = [f for f in factors(definition) if f.is_Add and set(holes) <= free_indices(f)]
    if len(brackets) != 1 or not definition.is_Mul:
        return ()
    value = name * brackets[0] / definition
    if _divides(value):
        return ()
    return tuple(Fold(sign * brackets[0], sign * value, holes, owner=owner, part=True) for sign in (1, -1))


def _numerator(name: Any, definition: Any, holes: tuple[Index, ...], owner: str) -> tuple[Fold, ...]:
    """What a product is but for its normaliser, where that is a product itself: [j ≤ i] e^{s_j} = p_j Z."""
    sums = {s for s, _ in _normalisers(definition, holes)}
    rest = Mul(*[f for f in factors(definition) if f.as_base_exp()[0] not in sums])
    if not rest.is_Mul or rest == definition or rest.as_coeff_Mul()[0] != 1 or not set(holes) <= free_indices(rest):
        return ()
    value = name * rest / definition
    return () if _divides(value) else (Fold(rest, value, holes, owner=owner),)


def _normalisers(definition: Any, holes: tuple[Index, ...]) -> list[tuple[Any, Element]]:
    """Sums in the definition over fewer indices than it has, each with an entry to stand for it."""
    found = [s for s in _outside(definition) if type(s) is Sum and free_indices(s) < set(holes)]
    unique = list(dict.fromkeys(found))
    return [
        (s, Element(Symbol(f"_held{k}", real=True, positive=s.is_positive or None), *sorted(free_indices(s), key=signature)))
        for k, s in enumerate(unique)
    ]


def _parts(definition: Any, holes: tuple[Index, ...]) -> list[Any]:
    """The parts that a definition may be solved for: functions, roots and sums first, entries last."""

    def candidate(t: Any) -> bool:
        if isinstance(t, Bracket):
            return False
        root = t.is_Pow and t.exp.is_Rational and not t.exp.is_Integer
        entry = isinstance(t, Element) and holes and set(holes) <= free_indices(t)
        return bool(isinstance(t, (Function, Sum)) or root or entry)

    found = [t for t in dict.fromkeys(_outside(definition)) if t != definition and candidate(t) and set(holes) <= free_indices(t)]
    return sorted(found, key=lambda t: (isinstance(t, Element), -cost(t), signature(t)))


def _outside(term: Any) -> list[Any]:
    """The subterms that no binder encloses."""
    below = [] if isinstance(term, (Binder, Element, Index)) else [s for a in term.args for s in _outside(a)]
    return [term, *below]


def _solve(value: Any, name: Any, hole: Any) -> Any:
    """t from name = value(t), where value or 1/value is linear in t or in log t."""
    if value.has(log(hole)):
        root = unused("u", real=True)
        solution = _solve(value.xreplace({log(hole): root}), name, root)
        return None if solution is None or solution.has(hole) else exp(solution)
    for v, n in ((value, name), (1 / value, 1 / name)):
        v = expand(v)
        slope, rest = v.coeff(hole, 1), v.coeff(hole, 0)
        if slope != 0 and expand(v - slope * hole - rest) == 0 and not slope.has(hole) and not rest.has(hole):
            return (n - rest) / slope
    return None


def _is_but_numbers(solution: Any, name: Any) -> bool:
    """Whether what a summand is, is the name but for numbers: Σ x = (N log λ - l)/λ is nothing that a reader sees."""
    return all(e == name for e in solution.atoms(Element))


def _is_inverse(solution: Any, name: Any) -> bool:
    """Whether a solution undoes a logarithm: cos x = e^y of y = log cos x is nothing that a reader sees.  (A normaliser is.)"""
    return any(name in f.atoms(type(name)) for f in solution.atoms(exp))


def _divides(value: Any) -> bool:
    """Whether what a factor of a definition is divides by another: 1 − σ = y/σ of y = σ (1 − σ) says less than it did."""
    return any(f.is_Pow and f.exp.is_negative and not f.base.is_number for f in factors(value))


def _divides_by(value: Any, name: Any) -> bool:
    return any(t.is_Pow and t.exp.is_negative and t.base == name for t in preorder_traversal(value))


def _new_pole(solution: Any) -> bool:
    """Whether a solution divides by something that is not known to be positive."""
    return any(f.is_Pow and f.exp.is_negative and not f.base.is_positive for f in _outside(solution))


@cache
def function_folds(function: Any) -> tuple[Fold, ...]:
    """The rewrites that bring a function of one number back into a formula: e^x/(1 + e^x) = σ(x), also for other arguments."""
    (parameter,) = function.parameters
    x = Element(parameter)
    call = function(x)
    definition = call.unfolded
    ways = [definition]
    for power in definition.atoms(exp):
        u = unused("u", positive=True)
        other = cancel(definition.xreplace({power: 1 / u}))
        if not other.has(exp):
            ways.insert(0, other.xreplace({u: exp(-power.args[0])}))
    whole = [Fold(way, call, (x,), True, function.__name__, function=True) for way in dict.fromkeys(ways)]
    for part in sorted((f for f in definition.atoms(Function) if f.has(x)), key=signature):
        hole = unused("t", positive=part.is_positive, real=True)
        held = definition.xreplace({part: hole})
        solution = None if held.has(x) else _solve(held, call, hole)
        if solution is not None and not _new_pole(solution):
            times = normal(solution * call)  # e^(-x) σ(x) = 1 - σ(x)
            if _divides_by(solution, call) and not _divides_by(times, call):
                whole.append(Fold(part * call, times, (x,), owner=function.__name__, function=True, part=True))
            whole.append(Fold(part, normal(solution), (x,), owner=function.__name__, function=True))
    return tuple(whole)


def facts_of(name: Any, definition: Any, holes: tuple[Index, ...], folds: tuple[Fold, ...] = ()) -> tuple[Fold, ...]:
    """The sums of a definition over some of its axes that come out as a constant: Σ_i p_i = 1."""
    found: list[Fold] = []
    for count in range(1, len(holes) + 1):
        for over in combinations(holes, count):
            if any(set(holes) - set(fact.holes) <= set(over) for fact in found):
                continue
            value = shortest(folded(normal(total(definition, *over)), folds)[0])
            if not any(isinstance(t, (Element, Binder)) for t in _outside(value)):
                found.append(Fold(total(name, *over), value, tuple(j for j in holes if j not in over), owner=name.name))
    return tuple(found)


# ---------------------------------------------------------------- using them


def folded(term: Any, folds: tuple[Fold, ...]) -> tuple[Any, tuple[Fold, ...]]:
    """A normal form with definitions folded back, and the folds used: those that made it shorter."""
    used: list[Fold] = []
    folds = tuple(fold for fold in folds if not fold.twice)
    for fold in sorted(folds, key=lambda fold: not fold.visible):  # what stands there before what is solved for
        new = _shortened(term, fold)
        if new is not None:
            term = new
            used.append(fold)
    term, together = _together(term, [fold for fold in folds if fold not in used])
    used += together
    if len(used) > 1:  # what one fold brought about, one before it may finish
        for fold in dict.fromkeys(used):
            term = _shortened(term, fold) or term
    return term, tuple(dict.fromkeys(used))


def _together(term: Any, folds: list[Fold]) -> tuple[Any, list[Fold]]:
    """A normal form with several whole quotients folded where one alone makes nothing shorter: u a/r² + v b/r² with s = u/r
    and c = v/r is (s a + c b)/r.
    """
    new, used = term, list[Fold]()
    quotients = [f for f in folds if f.whole and not f.function and _is_quotient(f.pattern) and f.concerns(term)]
    for fold in quotients if len(quotients) > 1 else ():
        changed = _cleared(new, fold)
        if changed != new:
            new, used = changed, [*used, fold]
    if len(used) < 2 or _divides_anew(new, term) or _length(new) >= _length(term):
        return term, []
    return new, used


def _length(term: Any) -> tuple[float, Any]:
    """What a normal form costs when written in its shortest form, and the highest power of an entry that it divides by."""
    powers = [-t.exp for t in _outside(term) if t.is_Pow and t.exp.is_Rational and isinstance(t.base, Element)]
    return cost(shortest(term)), max(powers, default=0)


def _is_quotient(pattern: Any) -> bool:
    return any(f.is_Pow and f.exp.is_negative for f in factors(pattern))


def _shortened(term: Any, fold: Fold) -> Any:
    """A normal form with one fold used, or None where that is not shorter, or dearer in another way."""
    if not fold.concerns(term):
        return None
    new = _cleared(term, fold)
    if new == term or (fold.function and _irrational(new) > _irrational(term)) or _divides_anew(new, term):
        return None
    return new if cost(shortest(new)) < cost(shortest(term)) else None


def _irrational(term: Any) -> int:
    """How many numbers such as √2 and π a term holds: a function is not recognised at the price of more of them."""
    return sum(bool(t.is_number and t.is_irrational) for t in preorder_traversal(term))


def _divides_anew(new: Any, term: Any) -> bool:
    """Whether a term divides by an entry or a function that another does not divide by, or by more sums: a definition is not
    recognised at that price, and e^(-x) is not 1/σ(x) - 1.
    """
    kinds = (Element, Named)
    if {t for t in divisors(new) if isinstance(t, kinds)} - divisors(term):
        return True
    return sum(t.is_Add for t in divisors(new)) > sum(t.is_Add for t in divisors(term))


def divisors(term: Any) -> set[Any]:
    """What a term divides by."""
    return {t.base for t in preorder_traversal(term) if t.is_Pow and t.exp.is_negative}


def _cleared(term: Any, fold: Fold) -> Any:
    """One fold, then the normal form.  What the result holds that also contains the pattern (a normaliser) is left alone."""
    held = {
        s: Element(Symbol(f"_kept{k}", real=True, positive=s.is_positive), *sorted(free_indices(s), key=signature))
        for k, s in enumerate(dict.fromkeys(s for s in _outside(fold.result) if type(s) is Sum))
    }
    keep = [Fold(s, e, fold.holes) for s, e in held.items()]
    masked = term
    for k in keep:
        masked = replaced(masked, k)
    new = replaced(masked, replace(fold, result=substituted(fold.result, held)), among=True)
    if new == masked:
        return term
    term = normal(new)
    for s, e in held.items():
        term = replaced(term, Fold(e, s, fold.holes))
    return normal(term)
