"""Identities of functions and conditions that results are shortened by, one row each.

A row rewrites one node of a term, or leaves it.  `shortest` uses a row where what comes of it is shorter, so none runs against
another.  To add one, add a row, and terms for which it is shown to hold in `tests/calculus/test_identities.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Abs, Add, Mul, Pow, S, cos, cosh, exp, expand, sign, sin, sinh, tanh

from derive.calculus.functions import Named, NamedEntry
from derive.calculus.normal import normal
from derive.calculus.signs import is_negative
from derive.calculus.terms import (
    CACHE,
    ArgMax,
    AtMost,
    Below,
    Bracket,
    Delta,
    Differ,
    Element,
    Index,
    Label,
    Positive,
    Sum,
    Where,
    depends,
    factors,
    substituted,
    terms,
    total,
    walk,
)


@dataclass(frozen=True)
class Identity:
    """One row: what it says, the kinds of terms without which it says nothing, and the rewrite of one node."""

    name: str
    kinds: tuple[type, ...]
    rewrite: Callable[[Any], Any]


def _reflected(name: str, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """f(-x) by f(x), of the function of this name in the library."""

    def rewrite(t: Any) -> Any:
        if not isinstance(t, Named) or t.func.__name__ != name or not is_negative(t.args[0]):
            return t
        return value(t.func(-t.args[0]))

    return rewrite


def _signed(t: Any) -> Any:
    """x^k sign(x) as x^(k-1) |x|, for whole k ≥ 1."""
    for slope in (f for f in factors(t) if isinstance(f, sign)) if t.is_Mul else ():
        base = slope.args[0]
        parts = [part for f in factors(t) for part in factors(f)]  # SymPy writes |x|³ as x² |x|, a product within the product
        power = next((f for f in parts if f.as_base_exp()[0] == base and f.as_base_exp()[1].is_positive), None)
        if power is not None and power.as_base_exp()[1].is_Integer:
            return t / slope / base * Abs(base)
    return t


def _circle(t: Any) -> Any:
    """sin² x + cos² x as 1, where both stand in a sum."""
    squares = {f for u in t.args for f in factors(u) if f.is_Pow and f.exp == 2} if t.is_Add else set()
    found = [f for f in squares if isinstance(f.base, sin) and cos(f.base.args[0]) ** 2 in squares]
    return t.xreplace({f: 1 - cos(f.base.args[0]) ** 2 for f in found})


def _signed_quotient(t: Any) -> Any:
    """sign(a/x)/x as sign(a)/|x|, and sign(x)/x as 1/|x|."""
    for slope in (f for f in factors(t) if isinstance(f, sign)) if t.is_Mul else ():
        for f in factors(t):
            inside = expand(slope.args[0] * f.base) if f.is_Pow and f.exp == -1 else None
            if inside is not None and (f.base == slope.args[0] or _divided_no_more(inside, f.base)):
                rest = t / slope / f / Abs(f.base)
                return rest if f.base == slope.args[0] else rest * sign(inside)
    return t


def _divided_no_more(inside: Any, base: Any) -> bool:
    """Whether what a sign is of, times x, divides by x no more, though it did before."""
    return not any(f.is_Pow and f.exp.is_negative for u in terms(inside) for f in factors(u) if f.has(base))


def _exponentials_joined(t: Any) -> Any:
    """e^a e^b as e^(a + b) where that has fewer terms: SymPy leaves e^(a + b) e^(-a - b) as it is."""
    exponents = [f.as_base_exp()[1] for f in t.args if f.as_base_exp()[0] is S.Exp1] if t.is_Mul else []
    together = expand(Add(*exponents)) if len(exponents) > 1 else None
    if together is None or len(terms(together)) >= sum(len(terms(e)) for e in exponents):
        return t
    return Mul(*[f for f in t.args if f.as_base_exp()[0] is not S.Exp1], exp(together))


def powers_together(term: Any) -> Any:
    """A term with the powers of e together, and what is under a root with what it is divided by; never longer."""
    return walk(term, lambda t: _under_one_root(_exponentials_joined(t))) if _has_odd_power(term) else term


@lru_cache(maxsize=CACHE)
def _has_odd_power(term: Any) -> bool:
    """Whether a term has a power that SymPy may leave beside another of the same base."""
    base, exponent = term.as_base_exp()
    odd = base is not term and not exponent.is_Integer and (base.is_Mul or not exponent.is_number)
    return odd or any(map(_has_odd_power, term.args))


def _under_one_root(t: Any) -> Any:
    """√(x y)/(x y) as 1/√(x y), where neither x nor y is known to be positive."""
    for f in t.args if t.is_Mul else ():
        base, exponent = f.as_base_exp()
        if base.is_Mul and not exponent.is_Integer and exponent.is_positive:
            parts = [1 / g for g in factors(base)]
            if all(any(h == g or (h.is_Pow and h.base == 1 / g and h.exp <= -1) for h in t.args) for g in parts):
                rest = Mul(*[h for h in t.args if h != f])
                return rest * base * Pow(base, exponent - 1)
    return t


def _double_angle(t: Any) -> Any:
    """2 sin x cos x as sin 2x."""
    number, rest = t.as_coeff_Mul()
    for f in factors(rest) if number.is_Integer and number % 2 == 0 and rest.is_Mul else ():
        if isinstance(f, sin) and cos(f.args[0]) in rest.args:
            return number / 2 * sin(2 * f.args[0]) * Mul(*[g for g in rest.args if g not in (f, cos(f.args[0]))])
    return t


def _hyperbolic(t: Any) -> Any:
    """sinh x / cosh x as tanh x."""
    for f in t.args if t.is_Mul else ():
        if isinstance(f, sinh) and 1 / cosh(f.args[0]) in t.args:
            return Mul(*[g for g in t.args if g not in (f, 1 / cosh(f.args[0]))]) * tanh(f.args[0])
    return t


def _unit_hyperbola(t: Any) -> Any:
    """cosh² x - sinh² x as 1, where both stand in a sum."""
    squares = {f for u in t.args for f in factors(u) if f.is_Pow and f.exp == 2} if t.is_Add else set()
    found = [f for f in squares if isinstance(f.base, cosh) and sinh(f.base.args[0]) ** 2 in squares]
    return t.xreplace({f: 1 + sinh(f.base.args[0]) ** 2 for f in found})


def _twice_sigmoid(t: Any) -> Any:
    """2 σ(2x) - 1 as tanh x, with a common factor or without."""
    for u in t.args if t.is_Add else ():
        for f in factors(u):
            half = f.args[0] / 2 if isinstance(f, Named) and f.func.__name__ == "sigmoid" else None
            other = -u / f / 2
            if half is not None and other in t.args and all(v.as_coeff_Mul()[0].is_Integer for v in terms(half)):
                return t - u - other + u / f / 2 * tanh(half)
    return t


def _absolute_sigmoid(t: Any) -> Any:
    """[x > 0] - sign(x) σ(-|x|) as σ(x), with a common factor or without, where x is not 0."""
    for u in t.args if t.is_Add else ():
        for f in factors(u):
            x = f.args[0] if isinstance(f, Positive) else None
            for g in (g for v in t.args for g in factors(v) if x is not None and isinstance(g, Named)):
                other = -u / f * sign(x) * g
                if g.func.__name__ == "sigmoid" and g.args[0] == -Abs(x) and other in t.args:
                    return t - u - other + u / f * g.func(x)
    return t


def _exponential_sigmoid(t: Any) -> Any:
    """e^(-x) σ(x) as σ(-x)."""
    for f in t.args if t.is_Mul else ():
        base, exponent = f.as_base_exp()
        if isinstance(base, Named) and base.func.__name__ == "sigmoid" and exponent.is_Integer and exponent.is_positive:
            for g in (g for g in t.args if isinstance(g, exp) and expand(g.args[0] + base.args[0]) == 0):
                return Mul(*[h for h in t.args if h not in (f, g)]) * base ** (exponent - 1) * base.func(-base.args[0])
    return t


def _elsewhere(t: Any) -> Any:
    """[i ≠ k] f(i) + δ_ik f(k) as f(i)."""
    for u in t.args if t.is_Add else ():
        for f in (f for f in factors(u) if isinstance(f, Differ)):
            i, k = f.args
            for one, other in ((i, k), (k, i)):
                rest = u / f
                at = substituted(rest, {one: other}) * Delta(i, k) if isinstance(one, Index) else None
                if at is not None and at in t.args and not rest.has(Bracket):
                    return t - u - at + rest
    return t


def _met(t: Any) -> Any:
    """A comparison of the place of a largest under a condition, where the condition decides it: argmax_{j≠y} s_j ≠ y."""
    if not isinstance(t, (Differ, Delta)):
        return t
    for place, other in (t.args, t.args[::-1]):
        if not isinstance(place, ArgMax):
            continue
        (j,), body = place.opened()
        held = body.args[0] if isinstance(body, Where) and body.args[2] is S.NegativeInfinity else None
        if held == Differ(j, other) and isinstance(other, (Index, Label)):
            return S.One if isinstance(t, Differ) else S.Zero
    return t


def _all_entries(t: Any) -> Any:
    """The sum of all entries of what a function makes of a vector, where its definition says that it is a number."""
    if type(t) is not Sum or len(t.indices) != 1 or not isinstance(t.body, NamedEntry):
        return t
    (i,), call = t.opened()
    if call.place != i or depends(call.vector, i):
        return t
    whole = normal(total(call.body, call.index))
    return whole if whole.is_number else t


def _decided(t: Any) -> Any:
    """[a > 0] of positive numbers alone, such as ε > 0: entries of a probability may be 0."""
    if not isinstance(t, Positive) or any(e.indices for e in t.atoms(Element)):
        return t
    gap = t.args[0]
    return S.One if gap.is_positive else S.Zero if gap.is_nonpositive else t


def _with_below(partner: type[Bracket], joined: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """[i < k] and a partner that compares k with i, in a sum with the same factors: what the two are together."""

    def rewrite(t: Any) -> Any:
        for u in t.args if t.is_Add else ():
            for f in (f for f in factors(u) if isinstance(f, Below)):
                other = u / f * partner(*f.args[::-1])
                if other in t.args:
                    return t - u - other + u / f * joined(*f.args)
        return t

    return rewrite


IDENTITIES: tuple[Identity, ...] = (
    Identity("σ(−x) = 1 − σ(x)", (Named,), _reflected("sigmoid", lambda f: 1 - f)),
    Identity("Φ(−x) = 1 − Φ(x)", (Named,), _reflected("normal_cdf", lambda f: 1 - f)),
    Identity("φ(−x) = φ(x)", (Named,), _reflected("normal_pdf", lambda f: f)),
    Identity("x sign(x) = |x|", (sign,), _signed),
    Identity("sign(a/x)/x = sign(a)/|x|", (sign, Pow), _signed_quotient),
    Identity("e^a e^b = e^(a + b)", (exp,), _exponentials_joined),
    Identity("√(x y)/(x y) = 1/√(x y)", (Pow,), _under_one_root),
    Identity("sin² x + cos² x = 1", (sin, cos), _circle),
    Identity("2 sin x cos x = sin 2x", (sin, cos), _double_angle),
    Identity("cosh² x − sinh² x = 1", (sinh, cosh), _unit_hyperbola),
    Identity("sinh x / cosh x = tanh x", (sinh, cosh), _hyperbolic),
    Identity("2 σ(2x) − 1 = tanh x", (Named,), _twice_sigmoid),
    Identity("𝟙[x > 0] − sign(x) σ(−|x|) = σ(x)", (Named, Positive, sign), _absolute_sigmoid),
    Identity("e^(−x) σ(x) = σ(−x)", (Named, exp), _exponential_sigmoid),
    Identity("𝟙[i ≠ k] f(i) + δ_ik f(k) = f(i)", (Differ, Delta), _elsewhere),
    Identity("argmax_{j ≠ k} is not k", (ArgMax,), _met),
    Identity("Σ_i f(z)_i of a function of vectors whose entries add up to a number", (NamedEntry,), _all_entries),
    Identity("𝟙[a > 0] of positive numbers", (Positive,), _decided),
    Identity("𝟙[i < k] + 𝟙[k < i] = 𝟙[i ≠ k]", (Below,), _with_below(Below, Differ)),
    Identity("𝟙[i < k] + 𝟙[k ≤ i] = 1", (Below, AtMost), _with_below(AtMost, lambda i, k: S.One)),
)


def rewritings(term: Any, rows: tuple[Identity, ...] = IDENTITIES) -> Iterator[Any]:
    """What each row makes of a term, where that is another."""
    kinds = _kinds(term)
    for row in rows:
        if all(any(issubclass(kind, wanted) for kind in kinds) for wanted in row.kinds):
            new = walk(term, row.rewrite)
            if new != term:
                yield new


@lru_cache(maxsize=CACHE)
def _kinds(term: Any) -> frozenset[type]:
    """The kinds of the functions in a term."""
    own = frozenset([type(term)]) if isinstance(term, KINDS) else frozenset()
    return own.union(*map(_kinds, term.args))


KINDS = tuple({kind for row in IDENTITIES for kind in row.kinds})
