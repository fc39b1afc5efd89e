"""Wrong rows of the rule table, and wrong identities of the algebra, planted in process; which of them a proof misses.

    python tests/oracles/planted_rules.py --jobs 2        every mistake over the library and the texts of the tests

A mistake is looked for in each definition: derived with it and without, a derivation whose result is another function has to
be refused where its lines are compared, whatever is known of the row.  Whether it is another is decided by the two results at
points of their own, of many scales and at sizes up to seven, never by the prover.  One definition shows each mistake in
seconds: see `CONDITIONS`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from sympy import Abs, Add, Integer, Mul, S, sign

import derive
from derive.calculus import fold, normal, rules, shortest
from derive.calculus.rules import RULES, Rule, varies
from derive.calculus.terms import (
    ArgMax,
    AtMost,
    Below,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    EntryOf,
    Inside,
    Positive,
    Product,
    Sum,
    Where,
    close,
    factors,
    total,
)
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.language import library
from derive.proof.proof import confirm
from derive.values.evaluator import forward
from derive.values.number_systems import FLOAT
from derive.values.precision import DomainError

# ---------------------------------------------------------------- wrong rows in the rule table

Wrong = Callable[[Any, Any, Any], Any]
"""(the body, the entry, the right rewrite) → a wrong rewrite."""


def inner_dropped(right: Any) -> Any:
    return right.replace(lambda t: isinstance(t, Deriv), lambda t: S.One)


def turned(right: Any) -> Any:
    """Every entry of an inverse as that of its transpose."""
    return right.replace(lambda t: isinstance(t, EntryOf), lambda t: EntryOf(t.matrix, *reversed(t.indices)))


def derived(e: Any, x: Any) -> list[Any]:
    return [Deriv(f, x) for f in factors(e) if varies(f, x)]


def bottom(e: Any) -> Any:
    return e.as_numer_denom()[1]


def in_sum(right: Any, change: Callable[[Any], Any]) -> Any:
    """A Σ with its body changed."""
    indices, body = right.opened()
    return close(type(right), indices, change(body))


def without_brackets(body: Any) -> Any:
    return Mul(*[f for f in factors(body) if not isinstance(f, Bracket)])


def without_first(body: Any) -> Any:
    first = next((f for f in factors(body) if isinstance(f, Bracket)), S.One)
    return body / first


def at_first(right: Any) -> Any:
    """The first entry of a Σ, for all of it."""
    indices, body = right.opened()
    return body.xreplace({i: Integer(0) for i in indices})


def every_entry(e: Any, x: Any) -> Any:
    indices, body = e.opened()
    return close(Sum, indices, Deriv(body, x))


def all_factors(e: Any, x: Any) -> Any:
    """The product rule over an axis with the factor differentiated left in."""
    (j, *more), body = e.opened()
    k = j.fresh()
    inner = close(Product, more, body)
    return close(Sum, [j], total(inner.xreplace({j: k}), k, kind=Product) * Deriv(inner, x))


# the rule: (texts that use it, what is wrong: how)
WRONG: dict[Callable[..., Any], tuple[tuple[str, ...], dict[str, Wrong]]] = {
    rules._constant: (
        ("x: [n]\nf = sum(x*where(x > 0, 1, 0))", "x: [n]\ny: [n]\nz = exp(y)*where(x > y, 1, 0)"),
        {"1 for a constant": lambda e, x, right: S.One, "the constant itself": lambda e, x, right: e},
    ),
    rules._factor: (
        ("f = 3*a*sin(x)", "W: [m, n]\nx: [n]\ny = W @ x"),
        {
            "factor lost": lambda e, x, right: Mul(*derived(Mul(*[f for f in factors(e) if varies(f, x)]), x)),
            "factor squared": lambda e, x, right: right * Mul(*[f for f in factors(e) if not varies(f, x)]),
            "sign lost": lambda e, x, right: -right,
            "factor under the line": lambda e, x, right: right / Mul(*[f for f in factors(e) if not varies(f, x)]) ** 2,
        },
    ),
    rules._terms: (
        ("f = sin(x) + exp(x) - x**3", "x: [n]\nL = sum(exp(x) + x**2)"),
        {
            "a term dropped": lambda e, x, right: Add(*Add.make_args(right)[1:]),
            "a term subtracted": lambda e, x, right: right - 2 * Add.make_args(right)[0],
            "terms multiplied": lambda e, x, right: Mul(*Add.make_args(right)),
        },
    ),
    rules._inside_sum: (
        (
            "s: [C]\nt: label[C]\nL = sum(exp(s[j] + s[t]) for j in C if j != t)",
            "x: [n]\nL = sum(x**3)",
            "x: [n]\nf = sum(x[i]**2*x[j] for i in n for j in n if i < j)",
            "x: [n]\nf = sum(x[i]**2 for i in n if x[i] > 0)",
        ),
        {
            "condition dropped": lambda e, x, right: in_sum(right, without_brackets),
            "one entry for the sum": lambda e, x, right: at_first(right),
            "product for the sum": lambda e, x, right: close(Product, *right.opened()),
            "mean for the sum": lambda e, x, right: right / right.indices[0].size,
            "one condition lost": lambda e, x, right: in_sum(right, without_first),
            "condition turned round": lambda e, x, right: in_sum(right, lambda b: b.replace(Below, lambda a, c: Below(c, a))),
            "< becomes ≤": lambda e, x, right: in_sum(right, lambda b: b.replace(Below, AtMost)),
            "conditions on numbers lost": lambda e, x, right: in_sum(right, lambda b: b.replace(Positive, lambda a: S.One)),
        },
    ),
    rules._quotient: (
        ("f = sin(x)/(1 + x**2)", "z: [n]\np[i] = exp(z[i])/sum(exp(z[k]) for k in n)"),
        {
            "+ for -": lambda e, x, right: Deriv(e * bottom(e), x) / bottom(e) + e * Deriv(bottom(e), x) / bottom(e),
            "order swapped": lambda e, x, right: -right,
            "denominator not squared": lambda e, x, right: right * bottom(e),
            "denominator cubed": lambda e, x, right: right / bottom(e),
            "second term missing": lambda e, x, right: Deriv(e * bottom(e), x) / bottom(e),
            "first term missing": lambda e, x, right: -e * Deriv(bottom(e), x) / bottom(e),
            "quotient of derivatives": lambda e, x, right: Deriv(e * bottom(e), x) / Deriv(bottom(e), x),
        },
    ),
    rules._product: (
        ("f = sin(x)*exp(x)*x", "x: [n]\nL = sum(x*exp(x))", "X: [N, n]\nG = X @ X.T"),
        {
            "a term missing": lambda e, x, right: Add(*Add.make_args(right)[1:]),
            "- for +": lambda e, x, right: right - 2 * Add.make_args(right)[0],
            "product of derivatives": lambda e, x, right: Mul(*derived(e, x)),
            "sum of derivatives": lambda e, x, right: Add(*derived(e, x)),
        },
    ),
    rules._product_over_axis: (
        ("x: [n]\ny: [n]\np = prod(1 + x[i]*y[i] for i in n)",),
        {
            "the factor left in": lambda e, x, right: all_factors(e, x),
            "the other factors lost": lambda e, x, right: every_entry(e, x),
            "product for the sum": lambda e, x, right: close(Product, *right.opened()),
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._largest: (
        ("x: [n]\ny = max(x[i]**2 for i in n)", "x: [m, n]\ny[i] = max(x[i, j] for j in n)"),
        {
            "the first entry": lambda e, x, right: right.replace(lambda t: isinstance(t, ArgMax), lambda t: Integer(0)),
            "every entry": lambda e, x, right: every_entry(e, x),
            "slope 1": lambda e, x, right: S.One,
            "the last entry": lambda e, x, right: right.replace(ArgMax, lambda *a: a[-1].size - 1),
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._smallest: (
        ("x: [n]\ny = min(x[i]**2 for i in n)", "x: [m, n]\ny[i] = min(x[i, j] for j in n)"),
        {
            "the first entry": lambda e, x, right: right.replace(lambda t: isinstance(t, ArgMax), lambda t: Integer(0)),
            "the last entry": lambda e, x, right: right.replace(ArgMax, lambda *a: a[-1].size - 1),
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._maximum: (
        ("f = max(0, x)*y", "f = max(sin(x), x*y)", "s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)"),
        {
            "the other argument": lambda e, x, right: right.xreplace({b: 1 - b for b in right.atoms(Positive)}),
            "the sum of both": lambda e, x, right: Add(*[Deriv(a, x) for a in e.args if varies(a, x)]),
            "half": lambda e, x, right: right / 2,
            "always the second": lambda e, x, right: Deriv(e.args[1], x),
            "always the first": lambda e, x, right: Deriv(e.args[0], x),
            "never the first": lambda e, x, right: Positive(e.args[1]) * Deriv(e.args[1], x),
        },
    ),
    rules._minimum: (
        ("f = min(x*z, z)*y", "x: [n]\ny = min(x, 1)"),
        {
            "the other argument": lambda e, x, right: right.xreplace({b: 1 - b for b in right.atoms(Positive)}),
            "sign lost": lambda e, x, right: -right,
            "half": lambda e, x, right: right / 2,
        },
    ),
    rules._where: (
        ("f = where(x > 0, x**2, sin(x))*y", "x: [n]\ny = where(x > 0, x, exp(x))"),
        {
            "cases swapped": lambda e, x, right: Where(right.args[0], right.args[2], right.args[1]),
            "always the first": lambda e, x, right: right.args[1],
            "always the second": lambda e, x, right: right.args[2],
            "a case without slope": lambda e, x, right: Where(right.args[0], right.args[1], S.Zero),
        },
    ),
    rules._power: (
        ("f = x**3*y", "f = sqrt(1 + x**2)", "x: [n]\nL = sum(x**2)", "f = 1/(1 + x**4)"),
        {
            "inner derivative dropped": lambda e, x, right: inner_dropped(right),
            "exponent not lowered": lambda e, x, right: right * e.base,
            "exponent lowered twice": lambda e, x, right: right / e.base,
            "exponent not in front": lambda e, x, right: right / e.exp,
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._root: (
        (
            "X: [n, d]\nL = sum(sqrt(sum((X[i, k] - X[j, k])**2 for k in d)) for i in n for j in n)",
            "X: [n, d]\nD[i, j] = sqrt(sum((X[i, k] - X[j, k])**2 for k in d))\nL = sum(exp(-D))",
        ),
        {
            "the diagonal left in": lambda e, x, right: right.replace(Differ, lambda a, b: S.One),
            "the diagonal alone": lambda e, x, right: right.replace(Differ, Delta),
            "half left out": lambda e, x, right: right.replace(Differ, Below),
            "sign lost": lambda e, x, right: -right,
            "exponent not lowered": lambda e, x, right: right * e.base,
        },
    ),
    rules._zero_base: (
        (
            "x: [n]\np: positive\nL = sum(abs(x[i] - x[j])**p for i in n for j in n)",
            "X: [n, d]\np: positive\nL = sum(sum(abs(X[i, k] - X[j, k]) for k in d)**(p + 1) for i in n for j in n)",
        ),
        {
            "the diagonal left in": lambda e, x, right: right.replace(Differ, lambda a, b: S.One),
            "the diagonal alone": lambda e, x, right: right.replace(Differ, Delta),
            "half left out": lambda e, x, right: right.replace(Differ, Below),
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._exponential: (
        ("x: positive\np: real\ny = x**p", "x: positive\ny = x**x"),
        {
            "inner derivative dropped": lambda e, x, right: inner_dropped(right),
            "logarithm missing": lambda e, x, right: e * Deriv(e.exp, x),
            "power rule instead": lambda e, x, right: e.exp * e.base ** (e.exp - 1) * Deriv(e.exp, x),
            "sign lost": lambda e, x, right: -right,
            "power lost": lambda e, x, right: right / e,
        },
    ),
    rules._chain: (
        ("f = exp(x**2)", "f = tanh(x*y)", "W: [m, n]\nx: [n]\ny = tanh(W @ x)", "f = log(1 + exp(x))", "f = sigmoid(2*x)"),
        {
            "inner derivative dropped": lambda e, x, right: inner_dropped(right),
            "sign lost": lambda e, x, right: -right,
            "the function for its slope": lambda e, x, right: e * Deriv(e.args[0], x),
            "slope dropped": lambda e, x, right: Deriv(e.args[0], x),
            "slope squared": lambda e, x, right: right * rules.slope(e, 0),
            "slope at the wrong place": lambda e, x, right: rules.slope(e.func(2 * e.args[0]), 0) * Deriv(e.args[0], x),
        },
    ),
    rules._log_absolute: (
        ("x: [n]\nf = sum(log(abs(x)))", "A: [n, n]\nf = logdet(A)"),
        {
            "slope of the absolute value": lambda e, x, right: Deriv(e.args[0].args[0], x) / e.args[0],
            "sign lost": lambda e, x, right: -right,
            "inner derivative dropped": lambda e, x, right: inner_dropped(right),
        },
    ),
    rules._determinant: (
        ("A: [n, n]\nf = det(A)", "A: [n, n]\nB: [n, n]\nM = A @ B\nf = logdet(M)"),
        {
            "not transposed": lambda e, x, right: turned(right),
            "determinant lost": lambda e, x, right: right / e,
            "sign lost": lambda e, x, right: -right,
        },
    ),
    rules._inverse: (
        ("A: [n, n]\nW = inv(A)", "A: [n, n]\nb: [n]\nx = solve(A, b)", "A: [n, n]\nf = trace(inv(A))"),
        {
            "sign lost": lambda e, x, right: -right,
            "not transposed": lambda e, x, right: turned(right),
            "one inverse lost": lambda e, x, right: right.replace(
                lambda t: isinstance(t, EntryOf) and t.indices[0] == e.indices[0], lambda t: S.One
            ),
        },
    ),
    rules._itself: (
        ("f = x*sin(x)", "f = (u + v)*w"),
        {
            "0": lambda e, x, right: S.Zero,
            "-1": lambda e, x, right: S.NegativeOne,
            "2": lambda e, x, right: Integer(2),
            "x": lambda e, x, right: x,
        },
    ),
    rules._entry: (
        (
            "x: [n]\nL = sum(x**2)",
            "W: [m, n]\nx: [n]\ny = W @ x",
            "s: [C]\nt: label[C]\nL = s[t]**2",
            "X: [N, n]\nG = X.T @ X",
            "W: [n, n]\nx: [n]\ny = W @ x",
        ),
        {
            "1 for the delta": lambda e, x, right: S.One,
            "0 for the delta": lambda e, x, right: S.Zero,
            "sign lost": lambda e, x, right: -right,
            "indices exchanged": lambda e, x, right: Mul(*map(Delta, e.indices, reversed(x.indices))),
            "≠ for =": lambda e, x, right: right.replace(Delta, Differ),
            "first delta dropped": lambda e, x, right: Mul(
                *[Delta(a, b) for a, b in zip(e.indices[1:], x.indices[1:], strict=True)]
            ),
            "last delta dropped": lambda e, x, right: Mul(
                *[Delta(a, b) for a, b in zip(e.indices[:-1], x.indices[:-1], strict=True)]
            ),
        },
    ),
}


def wrong_table(right: Callable[..., Any], change: Wrong) -> tuple[Rule, ...]:
    """The rule table with one rewrite made wrong."""

    def rewrite(e: Any, x: Element) -> Any:
        new = right(e, x)
        return None if new is None else change(e, x, new)

    return tuple(replace(rule, rewrite=rewrite) if rule.rewrite is right else rule for rule in RULES)


# ---------------------------------------------------------------- definitions that need to be met on both sides

CONDITIONS = (
    "x: [n]; f = sum(x[i]**2 for i in n if i < 4)",
    "x: [n]; f = sum(x[i]**2 for i in n if i >= 5)",
    "x: [n]; f = sum(x[i]*x[j] for i in n for j in n if i - j < 3)",
    "x: [n]; f = sum(x[i]*x[j] for i in n for j in n if j > i + 2)",
    "x: [n]; f = sum(exp(x[i]) for i in n if n > 3)",
    "x: [n]; f = sum(x[i]**2 for i in n if x[i] > 40)",
    "x: [n]; y[i] = where(i == 6, x[i]**2, x[i])",
    "x: [n]; y: [n]; f = sum(x[i]*y[i] for i in n if x[i] > 7 if i != 3)",
    "x: [n]; t: label[n]; f = sum(x[i]**3 for i in n if i > t + 3)",
    "f = where(x > 100, x**2, x)",
    "f = where(x < -50, exp(x/50), x*y)",
    "f = where(x > 1000, x**2, where(x > 10, 3*x, sin(x)))",
    "r: [n]; f = sum(where(abs(r[i]) <= 5, r[i]**2/2, 5*(abs(r[i]) - 5/2)) for i in n)",
    "f = max(x, 10)*y",
    "f = max(x, -10)**2",
    "f = min(max(x, 20), 21)*y",
    "x: [n]; L = sum(max(0, x - 1000))",
    "f = max(0, max(0, x))",
    "f = relu(relu(x))*y",
    "f = abs(max(0, x))",
    "f = abs(abs(x) - 30)",
    "x: [n]; h = relu(x); y = relu(h - 20)",
    "x: [n]; h = 3*x + 100; L = sum(max(h, 0))",
    "x: [n]; y = max(x[i] for i in n if i > 3)",
    "x: [n]; w: [K]; y[o] = sum(w[k]*x[o + k] for k in K if o > 2)",
)
"""Each has a case that points near 1 at sizes 2 and 3 never meet."""


def texts() -> tuple[str, ...]:
    """Every definition that mistakes are looked for in: those above, the library, and the texts of the tests."""
    from cases.gradients import TEXTS

    shown = [text for sources, _ in WRONG.values() for text in sources]
    return tuple(dict.fromkeys([*CONDITIONS, *library.names(), *(entry[0] for entry in TEXTS.values()), *shown]))


# ---------------------------------------------------------------- the mistakes


@dataclass(frozen=True)
class Mistake:
    """One row, or one function of the algebra, made wrong: `change` makes the wrong function of the right one."""

    name: str
    module: ModuleType
    function: str
    change: Callable[[Callable[..., Any]], Callable[..., Any]]


def _rewriting(change: Wrong) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrong rewrite of the right one; where a change makes no sense of a body, that stays right."""

    def wrong(right: Callable[..., Any]) -> Callable[..., Any]:
        def rewrite(e: Any, x: Any) -> Any:
            new = right(e, x)
            if new is None:
                return None
            try:
                return change(e, x, new)
            except (AttributeError, TypeError, IndexError, ZeroDivisionError):
                return new

        return rewrite

    return wrong


def _result(change: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrong function: the right one with its result changed, where it has one."""

    def wrong(right: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **options: Any) -> Any:
            new = right(*args, **options)
            return new if new is None else change(new)

        return changed

    return wrong


def _without(kind: type, value: Any = S.One) -> Callable[[Any], Any]:
    return lambda t: t.replace(lambda s: isinstance(s, kind), lambda s: value) if hasattr(t, "replace") else t


def _swapped(old: type, new: type) -> Callable[[Any], Any]:
    return lambda t: t.replace(lambda s: isinstance(s, old), lambda s: new(*s.args))


def _first_case(term: Any) -> Any:
    return term.replace(Where, lambda condition, first, second: first)


def _named(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda found: (found[0], change(found[1]))


ALGEBRA = (
    Mistake("a delta picks beside its axis", normal, "picked", _result(_without(Inside))),
    Mistake("a delta solved with the wrong sign", normal, "solve_delta", _result(lambda t: -t if t.has(Integer) else t)),
    Mistake("n entries differ from one", normal, "_group_sum", _result(lambda t: t if t.has(Sum) or not t.is_Add else t + 1)),
    Mistake("what a max decides loses its bracket", normal, "_decided", _result(_without(Positive))),
    Mistake("x sign(x) is x", normal, "_settled", _result(lambda t: t.replace(Abs, lambda a: a))),
    Mistake("a delta before the cases loses one", normal, "_without_deltas", _result(_first_case)),
    Mistake("conditions lost as deltas are contracted", normal, "contracted", _result(_without(Below))),
    Mistake("what comes out of a sum loses a bracket", normal, "pulled", _result(_without(Positive))),
    Mistake("≤ becomes <", shortest, "shortest", _result(_swapped(AtMost, Below))),
    Mistake("the shortest form loses the cases", shortest, "shortest", _result(_first_case)),
    Mistake("the slope of |x| is 1", rules, "slope", _result(_without(sign))),
    Mistake("the slope of a function loses its cases", rules, "_named_slope", _result(_named(_without(Positive)))),
    Mistake(
        "the slope of a function takes one branch",
        rules,
        "_named_slope",
        _result(_named(_first_case)),
    ),
    Mistake("a known sum is one more", fold, "facts_of", _result(lambda fs: tuple(replace(f, result=f.result + 1) for f in fs))),
)


def mistakes() -> tuple[Mistake, ...]:
    """All of them."""
    rows = [
        Mistake(f"{rule.__name__.strip('_')}: {name}", rules, rule.__name__, _rewriting(change))
        for rule, (_, changes) in WRONG.items()
        for name, change in changes.items()
    ]
    return (*rows, *ALGEBRA)


@contextmanager
def planted(mistake: Mistake) -> Iterator[None]:
    """The mistake in force: in the row of the table, or wherever a module of derive has the function by name."""
    forget()
    right = getattr(mistake.module, mistake.function)
    wrong = mistake.change(right)
    rows = [rule for rule in RULES if rule.rewrite is right]
    places = [] if rows else [m for n, m in sys.modules.items() if n.startswith("derive.") and _holds(m, mistake, right)]
    try:
        for rule in rows:
            object.__setattr__(rule, "rewrite", wrong)
        for module in places:
            setattr(module, mistake.function, wrong)
        yield
    finally:
        for rule in rows:
            object.__setattr__(rule, "rewrite", right)
        for module in places:
            setattr(module, mistake.function, right)
        forget()


def _holds(module: ModuleType, mistake: Mistake, right: Any) -> bool:
    return getattr(module, mistake.function, None) is right


KEPT = ("named", "_evaluator")
"""Caches that hold no results: the classes of functions stay the same ones."""


def forget() -> None:
    """Empty what the functions of the calculus keep; a graph of its own remembers nothing from before."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("derive.calculus", "derive.derivation", "derive.proof")):
            for key, value in vars(module).items():
                if key not in KEPT and hasattr(value, "cache_clear"):
                    value.cache_clear()


# ---------------------------------------------------------------- what a mistake changes, and what is missed


def opened(text: str) -> Graph:
    """A graph of its own, that remembers nothing."""
    return replace(derive.graph(text))


def derived_by(graph: Graph) -> dict[str, Derivation]:
    """The derivations of the output by every input that it depends on."""
    reached = graph.ancestors(graph.output.name)
    return {
        given.name: derivation(graph, "", given.name, upstream=bool(graph.output.axes))
        for given in graph.inputs
        if given.differentiable and given.name in reached
    }


SCALES = (0.5, 3.0, 12.0, 30.0, 300.0, 3000.0)
POINTS = 24


def _points(graph: Graph) -> Iterator[Any]:
    """Points in float64, at sizes of three to seven and at all scales."""
    for seed in range(POINTS):
        chance = np.random.default_rng(seed)
        sizes = {s: int(n) for s, n in zip(graph.sizes, chance.integers(2, 8, len(graph.sizes)), strict=True)}
        try:
            arrays = {g.name: _drawn(g, sizes, chance, SCALES[seed % len(SCALES)]) for g in graph.inputs}
            with np.errstate(all="ignore"):
                yield forward(graph, sizes, arrays, FLOAT)
        except (DomainError, ValueError, OverflowError, ZeroDivisionError):
            continue


def _drawn(given: Any, sizes: dict[Any, int], chance: Any, scale: float) -> Any:
    shape = tuple(int(axis.xreplace(sizes)) for axis in given.axes)
    if given.kind == "label":
        return chance.integers(0, int(given.classes.xreplace(sizes)), shape)
    values = chance.normal(0, scale, shape)
    if given.kind == "real":
        return values
    values = abs(values) + 0.01
    return values if given.kind == "positive" else values / values.sum(-1, keepdims=True)


def differ(right: Derivation, wrong: Derivation) -> bool:
    """Whether two results are two functions, at some point."""
    if right.result == wrong.result:
        return False
    for point in _points(right.graph):
        try:
            with np.errstate(all="ignore"):
                a, b = (np.asarray(point.array(r, right.indices), float) for r in (right.result, wrong.result))
        except (DomainError, ValueError, OverflowError, ZeroDivisionError, TypeError):
            continue
        both = np.isfinite(a) & np.isfinite(b)
        if np.any(abs(a - b)[both] > 1e-6 * (abs(a) + abs(b) + 1e-200)[both]):
            return True
    return False


@dataclass
class Tally:
    """What came of one mistake: derivations that it made wrong and that were refused, and those that were not."""

    caught: int = 0
    missed: tuple[str, ...] = ()
    refused: int = 0
    """Definitions that could not be derived at all with it."""

    @property
    def planted(self) -> int:
        return self.caught + len(self.missed)


def tried(mistake: Mistake, text: str, right: dict[str, Derivation]) -> Tally:
    """The mistake planted in the derivations of one definition."""
    tally = Tally()
    with planted(mistake):
        try:
            wrong = derived_by(opened(text))
        except (DeriveError, NotImplementedError, AttributeError, TypeError, ValueError, RecursionError):
            return Tally(refused=1)
        changed = [name for name, found in wrong.items() if [s.line for s in found.steps] != [s.line for s in right[name].steps]]
        outcomes = {name: _passes(wrong[name]) for name in changed}
    for name, passed in outcomes.items():
        if not passed:
            tally.caught += 1
        elif differ(right[name], wrong[name]):
            tally.missed = (*tally.missed, f"{text} by {name}: {wrong[name].result}")
    return tally


def _passes(found: Derivation) -> bool:
    try:
        confirm(found)
    except ProofError:
        return False
    except DeriveError:
        return True
    return True


def applied(text: str) -> tuple[dict[str, Derivation], frozenset[str]]:
    """The right derivations of a definition, and the rows of the table that they, and all they rest on, are made with."""
    used: set[str] = set()
    rows = [rule.rewrite for rule in RULES]

    def recording(right: Callable[..., Any]) -> Callable[..., Any]:
        def rewrite(e: Any, x: Any) -> Any:
            new = right(e, x)
            if new is not None:
                used.add(right.__name__)
            return new

        return rewrite

    forget()
    try:
        for rule, right in zip(RULES, rows, strict=True):
            object.__setattr__(rule, "rewrite", recording(right))
        derived_by(opened(text))
    finally:
        for rule, right in zip(RULES, rows, strict=True):
            object.__setattr__(rule, "rewrite", right)
        forget()
    return derived_by(opened(text)), frozenset(used)


Known = dict[str, tuple[dict[str, Derivation], frozenset[str]]]


def tally(mistake: Mistake, known: Known) -> Tally:
    """One mistake over many definitions, as far as it can show in them."""
    whole, rows = Tally(), {rule.rewrite.__name__ for rule in RULES}
    for text, (right, used) in known.items():
        if mistake.function in rows - used:
            continue
        one = tried(mistake, text, right)
        whole = Tally(whole.caught + one.caught, (*whole.missed, *one.missed), whole.refused + one.refused)
    return whole


_KNOWN: Known = {}


def _work(number: int) -> tuple[str, Tally]:
    mistake = mistakes()[number]
    return mistake.name, tally(mistake, _KNOWN)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--over", choices=("all", "library", "conditions"), default="all", help="the definitions to plant in")
    parser.add_argument("--only", default="", help="only mistakes whose name holds this")
    parser.add_argument("--first", type=int, default=0, help="the number of the first mistake")
    arguments = parser.parse_args()
    start = time.time()
    over = {"all": texts(), "library": (*CONDITIONS, *library.names()), "conditions": CONDITIONS}
    _KNOWN.update({text: applied(text) for text in over[arguments.over]})
    numbers = [k for k, m in enumerate(mistakes()) if k >= arguments.first and arguments.only in m.name]
    counts: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(arguments.jobs, maxtasksperchild=4) as pool:
        for name, found in pool.imap(_work, numbers, chunksize=1):
            counts.update(caught=found.caught, missed=len(found.missed), underivable=found.refused, shown=bool(found.planted))
            print(f"{name}: {found.caught} caught, {len(found.missed)} missed", *found.missed, sep="\n    ", flush=True)
    print(json.dumps({"mistakes": len(numbers), **counts, "seconds": round(time.time() - start)}))
    return int(counts["missed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
