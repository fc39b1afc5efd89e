"""Differentiation: a table of small-step rules, one row each, on the inert node `Deriv(e, x)`.

A rule looks at a body and an entry x and gives the rewritten derivative, or None where it does not apply.  Applying the
table until no `Deriv` is left *is* the derivative; the lines on the way are its derivation.

To add a rule, add a row; the first row that applies anywhere in a line is applied everywhere in it.
Conventions at kinks: `Maximum(a, b)` takes a at a tie, |x| has slope 0 at 0; docs/design.md has them beside PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sympy import Abs, Add, Function, Mul, Pow, S, log, sign

from derive.calculus.cost import cost
from derive.calculus.diagonal import off_diagonal, without_implied
from derive.calculus.fold import folded, function_folds, replaced, solved_folds
from derive.calculus.functions import Named
from derive.calculus.normal import normal
from derive.calculus.shortest import shortest
from derive.calculus.signs import is_negative
from derive.calculus.terms import (
    CACHE,
    Adjoint,
    ArgMax,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inverse,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Sum,
    Where,
    close,
    factors,
    fraction,
    is_condition,
    multiplied,
    opened,
    substituted,
    terms,
    total,
)

Rewrite = Callable[[Any, Element], Any]


def N_(message: str) -> str:
    """Mark a text for translation where it is defined; it is translated where it is shown."""
    return message


@dataclass(frozen=True)
class Rule:
    """One row: what the rule is called, the family whose consecutive steps read as one, and the rewrite."""

    name: str
    family: str
    rewrite: Rewrite
    plain: Rule | None = None
    """The row that comes to the same where a condition around leaves out what this one sees to."""


# ---------------------------------------------------------------- the rewrites


def varies(term: Any, x: Element) -> bool:
    """Whether a term mentions the tensor that x is an entry of, other than in an index, W_ij is constant as i moves, or in a
    condition, which only decides which terms there are.
    """
    return x.name in _read(term)


@lru_cache(maxsize=CACHE)
def _read(term: Any) -> frozenset[str]:
    """The tensors whose entries are read for the value of a term; not those that only pick an entry of another."""
    if isinstance(term, (Element, Index, Label, ArgMax, Adjoint, Bracket)):
        return frozenset([term.name]) if isinstance(term, Element) else frozenset()
    return frozenset().union(*map(_read, term.args)) if term.args else frozenset()


def _constant(e: Any, x: Element) -> Any:
    return S.Zero if isinstance(e, (Bracket, Index, Label, ArgMax)) or not varies(e, x) else None


def _itself(e: Any, x: Element) -> Any:
    return S.One if e == x else None


def _entry(e: Any, x: Element) -> Any:
    if not isinstance(e, Element):
        return None
    return Mul(*[Delta(a, b) for a, b in zip(e.indices, x.indices, strict=True)])


def _quotient(e: Any, x: Element) -> Any:
    top, bottom = fraction(e)
    if not varies(bottom, x) or not varies(top, x):
        return None
    return (Deriv(top, x) * bottom - top * Deriv(bottom, x)) / bottom**2


def _factor(e: Any, x: Element) -> Any:
    constant = Mul(*[f for f in factors(e) if not varies(f, x)])
    varying = Mul(*[f for f in factors(e) if varies(f, x)])
    if is_negative(constant) and any(map(_as_least, factors(varying))):
        constant, varying = -constant, -varying
    return None if constant == 1 else constant * Deriv(varying, x)


def _terms(e: Any, x: Element) -> Any:
    return Add(*[Deriv(t, x) for t in terms(e) if varies(t, x)]) if e.is_Add else None


def _inside_sum(e: Any, x: Element) -> Any:
    if type(e) is not Sum:
        return None
    indices, body = opened(e)
    conditions = [f for f in factors(body) if is_condition(f)]
    return close(Sum, indices, Mul(*conditions, Deriv(Mul(*[f for f in factors(body) if f not in conditions]), x)))


def _product(e: Any, x: Element) -> Any:
    if not e.is_Mul or sum(varies(f, x) for f in e.args) < 2:
        return None
    parts = _with_least(e)
    return Add(*[Mul(*parts[:k], *parts[k + 1 :]) * Deriv(f, x) for k, f in enumerate(parts) if varies(f, x)])


def _with_least(product: Any) -> tuple[Any, ...]:
    """The factors of a product, with its sign at what is written as a least."""
    least = next((f for f in product.args if _as_least(f)), None) if is_negative(product) else None
    return product.args if least is None else (*factors(-product / least), -least)


def _product_over_axis(e: Any, x: Element) -> Any:
    if not isinstance(e, Product):
        return None
    (j, *more), body = e.opened()
    inner = close(Product, more, body)
    other = j.fresh()
    others = total(Where(Differ(other, j), inner.xreplace({j: other}), S.One), other, kind=Product)
    return close(Sum, [j], others * Deriv(inner, x))


def _largest(e: Any, x: Element, sign: int = 1) -> Any:
    if not isinstance(e, Largest):
        return None
    indices, body = e.opened()
    j, *inner = sorted(indices, key=lambda i: body.count(i))
    values = close(Largest, inner, body) if inner else body
    body = substituted(body, {j: close(ArgMax, [j], values)})
    return Deriv(sign * (close(Largest, inner, body) if inner else body), x)


def _smallest(e: Any, x: Element) -> Any:
    return _largest(-e, x, -1) if _as_least(-e) else None


def _maximum(e: Any, x: Element, sign: int = 1) -> Any:
    if not isinstance(e, Maximum):
        return None
    a, b = e.args
    second = Positive(b - a)
    return Add(*[which * Deriv(sign * c, x) for which, c in ((1 - second, a), (second, b)) if varies(c, x)])


def _minimum(e: Any, x: Element) -> Any:
    return _maximum(-e, x, -1) if _as_least(-e) else None


def _as_least(largest: Any) -> bool:
    """Whether minus the largest is written as the least: -max(-a, -b) is min(a, b)."""
    candidates = largest.args if isinstance(largest, Maximum) else largest.args[:1] if isinstance(largest, Largest) else ()
    return bool(candidates) and all(c == 0 or is_negative(c, even=True) for c in candidates)


def _where(e: Any, x: Element) -> Any:
    return Where(e.args[0], *[Deriv(a, x) if varies(a, x) else S.Zero for a in e.args[1:]]) if isinstance(e, Where) else None


def _power(e: Any, x: Element) -> Any:
    if not e.is_Pow or varies(e.exp, x):
        return None
    return Mul(e.exp, Pow(e.base, e.exp - 1), Deriv(e.base, x))


def _root(e: Any, x: Element) -> Any:
    """A root of what is 0 where indices are equal: it is 0 there, too, and has no slope, which 0/0 would not say."""
    if not e.is_Pow or varies(e.exp, x) or e.exp.is_Integer or (e.exp.is_number and not 0 < e.exp < 1):
        return None
    return None if off_diagonal(e.base) == 1 else off_diagonal(e.base) * _power(e, x)


def _exponential(e: Any, x: Element) -> Any:
    if not e.is_Pow:
        return None
    return e * log(e.base) * Deriv(e.exp, x) if not varies(e.base, x) else e * Deriv(e.exp * log(e.base), x)


def _zero_base(e: Any, x: Element) -> Any:
    """A power of what is 0 where indices are equal: 0^p is 0 for all p > 0, which 0 log 0 would not say."""
    if not e.is_Pow or not varies(e.exp, x):
        return None
    return None if off_diagonal(e.base) == 1 else off_diagonal(e.base) * _exponential(e, x)


def _chain(e: Any, x: Element) -> Any:
    if not isinstance(e, Function):
        return None
    return Add(*[slope(e, k) * Deriv(a, x) for k, a in enumerate(e.args) if varies(a, x)])


def _determinant(e: Any, x: Element) -> Any:
    """∂det A = det A Σ_kl (A⁻¹)_lk ∂A_kl."""
    if not isinstance(e, Determinant):
        return None
    (row, column), entry = e.opened()
    inverse = close(Inverse, (row, column), entry)
    return e * close(Sum, [row, column], EntryOf(inverse, column, row) * Deriv(entry, x))


def _inverse(e: Any, x: Element) -> Any:
    """∂(A⁻¹)_ij = -Σ_kl (A⁻¹)_ik ∂A_kl (A⁻¹)_lj."""
    if not (isinstance(e, EntryOf) and isinstance(e.matrix, Inverse)):
        return None
    (row, column), entry = e.matrix.opened()
    i, j = e.indices
    return -close(Sum, [row, column], EntryOf(e.matrix, i, row) * Deriv(entry, x) * EntryOf(e.matrix, column, j))


def _log_absolute(e: Any, x: Element) -> Any:
    """∂log |u| = ∂u / u, on both sides of 0."""
    return Deriv(e.args[0].args[0], x) / e.args[0].args[0] if isinstance(e, log) and isinstance(e.args[0], Abs) else None


POWER = Rule(N_("power rule, then the chain rule"), "chain", _power)
EXPONENTIAL = Rule(N_("chain rule"), "chain", _exponential)

RULES: tuple[Rule, ...] = (
    Rule(N_("a constant has derivative 0"), "linear", _constant),
    Rule(N_("a constant factor comes out"), "linear", _factor),
    Rule(N_("the derivative of a sum, term by term"), "linear", _terms),
    Rule(N_("the derivative goes inside the sum"), "linear", _inside_sum),
    Rule(N_("quotient rule"), "quotient", _quotient),
    Rule(N_("product rule"), "product", _product),
    Rule(N_("product rule over an axis"), "product", _product_over_axis),
    Rule(N_("the largest entry passes its slope on"), "max", _largest),
    Rule(N_("the smallest entry passes its slope on"), "max", _smallest),
    Rule(N_("max passes the slope of the larger argument"), "max", _maximum),
    Rule(N_("min passes the slope of the smaller argument"), "max", _minimum),
    Rule(N_("each case by itself"), "linear", _where),
    Rule(N_("power rule; where a root is always 0, it has slope 0"), "chain", _root, POWER),
    POWER,
    Rule(N_("chain rule; where the base is always 0, the power has slope 0"), "chain", _zero_base, EXPONENTIAL),
    EXPONENTIAL,
    Rule(N_("log |u| has slope 1/u"), "chain", _log_absolute),
    Rule(N_("chain rule"), "chain", _chain),
    Rule(N_("the derivative of a determinant"), "matrix", _determinant),
    Rule(N_("the derivative of an inverse"), "matrix", _inverse),
    Rule(N_("a variable by itself has derivative 1"), "entry", _itself),
    Rule(N_("the entries are independent"), "entry", _entry),
)


# ---------------------------------------------------------------- slopes of functions


def slope(call: Any, k: int) -> Any:
    """The derivative of a function by its argument k, at the arguments it is called with.

    SymPy knows it for the primitives.  For a library function it is derived here, once, from the definition, and written
    with the function's own name where that is shorter: σ' = σ (1 - σ).
    """
    if isinstance(call, Abs):
        return sign(call.args[0])
    if isinstance(call, sign):
        return S.Zero
    if not isinstance(call, Named):
        return call.fdiff(k + 1)
    inputs, derivative = _named_slope(call.func, k)
    return derivative.xreplace(dict(zip(inputs, call.args, strict=True)))


@cache
def _named_slope(function: Any, k: int) -> tuple[tuple[Element, ...], Any]:
    inputs = tuple(Element(p) for p in function.parameters)
    call = function(*inputs)
    definition = call.unfolded
    plain = shortest(differentiated(definition, inputs[k]))
    known = tuple(fold for other in function.vocabulary for fold in function_folds(other))
    seen = plain
    for fold in known:
        seen = replaced(seen, fold) if fold.whole else seen
    short = shortest(folded(normal(seen), (*solved_folds(call, definition, ()), *known))[0])
    return inputs, min(plain, seen, short, key=cost)


# ---------------------------------------------------------------- applying the table


def apply(rule: Rule, line: Any) -> Any:
    """The line with every derivative that the rule applies to rewritten once; the same line if there is none."""

    def rewrite(t: Any) -> Any:
        if not isinstance(t, Deriv):
            return t
        new = rule.rewrite(t.body, t.by)
        return t if new is None else new

    new = walk_derivs(line, rewrite)
    return without_implied(new) if rule.plain else new


def rewritten(line: Any, rules: tuple[Rule, ...]) -> tuple[Rule, Any] | None:
    """The first rule of a table that applies to any derivative in a line, and the line that it makes; None for no such rule."""
    found = {k for d in _outermost(line) if (k := _first_rule(d, rules)) is not None}
    lines = ((rules[k], apply(rules[k], line)) for k in sorted(found))
    changed = next(((rule, new) for rule, new in lines if new != line), None)
    if changed is None or changed[0].plain is None or apply(changed[0].plain, line) != changed[1]:
        return changed
    return changed[0].plain, changed[1]


def _outermost(line: Any) -> list[Deriv]:
    """The derivatives in a line that stand in no other, with the indices that `walk_derivs` shows them to a rule with."""
    if isinstance(line, Deriv):
        return [line]
    if not has_deriv(line):
        return []
    return [d for a in ([opened(line)[1]] if isinstance(line, Binder) else line.args) for d in _outermost(a)]


@lru_cache(maxsize=CACHE)
def _first_rule(derivative: Deriv, rules: tuple[Rule, ...]) -> int | None:
    return next((k for k, rule in enumerate(rules) if rule.rewrite(derivative.body, derivative.by) is not None), None)


def walk_derivs(line: Any, rewrite: Callable[[Any], Any]) -> Any:
    """Rewrite the derivatives in a line, the outermost only."""
    if isinstance(line, Deriv):
        return rewrite(line)
    if not has_deriv(line):
        return line
    if isinstance(line, Binder):
        indices, body = opened(line)
        return close(type(line), indices, walk_derivs(body, rewrite))
    args = [walk_derivs(a, rewrite) for a in line.args]
    return multiplied(*args) if line.is_Mul else line.func(*args)


@lru_cache(maxsize=CACHE)
def has_deriv(term: Any) -> bool:
    """Whether a derivative in a term is still to be carried out."""
    return isinstance(term, Deriv) or any(has_deriv(a) for a in term.args)


def differentiated(term: Any, x: Element, rules: tuple[Rule, ...] = RULES) -> Any:
    """∂term/∂x: the closure of the table.

    >>> import derive
    >>> g = derive.graph("x: [n]; f = sum(x**2)")
    >>> differentiated(g.output.expr, Element(g.inputs[0].head, Index("k", g.sizes[0])))
    Sum_@1(2*Delta(@1, k)*x[@1])
    """
    line = Deriv(term, x)
    while has_deriv(line):
        found = rewritten(line, rules)
        if found is None:
            raise NotImplementedError(f"no rule differentiates {line}")
        _, line = found
    return line
