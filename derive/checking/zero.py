"""Whether a term is 0 for all values: by the normal form, by algebra, or in each case of its conditions."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm
from typing import Any

from sympy import Add, S, exp, tanh

from derive.calculus.functions import Named
from derive.calculus.normal import normal
from derive.calculus.rules import differentiated, walk_derivs
from derive.calculus.terms import (
    Adjoint,
    Bracket,
    Delta,
    Deriv,
    Element,
    Index,
    Positive,
    Sum,
    factors,
    names,
    signature,
    substituted,
    terms,
)
from derive.checking.parts import unrolled
from derive.checking.plain import Plain, Tie, known_inputs, unfolded, with_gradients
from derive.checking.polynomials import Effort, TooMuchError, quotient, vanishes
from derive.graphs.graph import Graph, Node

MOST_CASES = 5
"""Conditions are told apart so deep."""


def shown_zero(term: Any, graph: Graph, base: Graph) -> str:
    """How a term was shown to be 0: "normal form", "algebra" or "cases"; nothing where it was not.

    `base` is the graph whose gradients the term may name; `graph` has definitions besides.
    """
    if term == 0:
        return "normal form"
    effort = Effort()
    try:
        if not term.has(Adjoint, Deriv) and normal(term) == 0:
            return "normal form"
        for stage in _stages(term, graph, base):
            if normal(stage) == 0:
                return "normal form"
            if not stage.has(Adjoint) and (how := _by_algebra(stage, graph, effort)):
                return how
    except (TooMuchError, ZeroDivisionError, RecursionError):
        return ""
    return ""


def _stages(term: Any, graph: Graph, base: Graph) -> Iterator[Any]:
    """The term as it stands; with what is defined besides put in; with gradients, one by one; with all definitions."""
    added = frozenset(n.name for n in graph.nodes if n.name not in base.members or n.expr.has(Adjoint))
    seen = set()
    now = unfolded(term, graph, added)
    if now.has(Deriv):
        now = walk_derivs(now, lambda t: _of_definition(t, graph))
    if not now.has(Adjoint):
        seen.add(now)
        yield now
    for line in with_gradients(now, graph, base):
        now = line
        if now not in seen:
            seen.add(now)
            yield now
    last = next((n.name for n in reversed(graph.nodes) if n.name in names(now)), "")
    for opened in (frozenset([last]), frozenset(n.name for n in graph.nodes)):
        all_ = unfolded(now, graph, opened)
        if all_ not in seen:
            seen.add(all_)
            yield all_


def _of_definition(derivative: Any, graph: Graph) -> Any:
    """The derivative of a definition by an entry, all else in it held."""
    node = graph.members.get(derivative.body.name) if isinstance(derivative.body, Element) else None
    return differentiated(node.at(derivative.body.indices), derivative.by) if isinstance(node, Node) else derivative


def _by_algebra(term: Any, graph: Graph, effort: Effort) -> str:
    """Algebra over all that is no sum, product or power; then in each case."""
    plain = Plain(graph, effort, _denominator(term))
    halves = known_inputs(graph, "onehot")
    found = plain.of(term)
    found = found.xreplace(plain.settled)
    if _is_zero(found, effort, halves):
        return "algebra"
    if (written := unrolled(term)) != term and _is_zero(plain.of(written), effort, halves):
        return "algebra"
    return "cases" if _in_cases(found, plain, effort, halves, (), MOST_CASES) else ""


def _denominator(term: Any) -> int:
    """What all exponents become whole numbers by."""
    numbers = [part.as_coeff_Mul()[0] for power in term.atoms(exp, tanh, Named) for part in terms(power.args[0])]
    found = lcm(*(int(n.q) for n in numbers if n.is_Rational), 1)
    return found if found <= 12 else 1


def _is_zero(term: Any, effort: Effort, halves: frozenset[str]) -> bool:
    bits = [e for e in term.atoms(Element) if e.name in halves]
    if vanishes(term, effort, bits):
        return True
    merged = _merged(term, effort)
    if merged is not None:
        rest, body = merged
        return _is_zero(rest, effort, halves) and _is_zero(body, effort, halves)
    return False


def _merged(term: Any, effort: Effort) -> tuple[Any, Any] | None:
    """(what is left, the body of one Σ) of a term in which several Σ over the same axes stand, each once in a product."""
    top, _ = quotient(term, effort).parts
    groups: dict[Any, list[Any]] = {}
    rest: list[Any] = []
    for part in terms(top.expand()):
        found = [f for f in factors(part) if type(f) is Sum]
        if len(found) != 1 or any(f.has(Sum) for f in factors(part) if f is not found[0]):
            rest.append(part)
            continue
        groups.setdefault(tuple(i.size for i in found[0].indices), []).append((part / found[0], found[0]))
    if len(groups) != 1 or len(next(iter(groups.values()))) < 2:
        return None
    ((sizes, members),) = groups.items()
    own = tuple(Index("k", size).fresh() for size in sizes)
    body = Add(*[c * s.body.xreplace(dict(zip(s.indices, own, strict=True))) for c, s in members])
    return Add(*rest), body


def _in_cases(
    term: Any, plain: Plain, effort: Effort, halves: frozenset[str], known: tuple[tuple[Any, int], ...], depth: int
) -> bool:
    """Whether a term is 0 on both sides of a condition in it, and of the next inside these."""
    tests = [t for t in term.atoms(Positive, Delta, Tie) if not t.args[0].has(Bracket) and not _bound(t)]
    if not tests or not depth:
        return False
    test = min(tests, key=lambda t: (not isinstance(t, Delta), signature(t)))
    for truth in (1, 0):
        if isinstance(test, Positive) and _excluded(test.args[0], truth, known):
            continue
        values = {test: S.One if truth else S.Zero}
        if isinstance(test, Positive) and truth:
            values[Tie(test.args[0])] = S.Zero
        there = term.xreplace(values)
        if isinstance(test, Delta) and truth:
            keep, drop = test.args if isinstance(test.args[1], Index) else test.args[::-1]
            if isinstance(drop, Index):
                there = substituted(there, {drop: keep})
        if isinstance(test, Tie) and truth:
            there = _at_tie(there, test.args[0])
        effort.spend(20)
        there = plain.of(there)
        if _is_zero(there, effort, halves):
            continue
        more = (*known, (test.args[0], truth)) if isinstance(test, Positive) else known
        if not _in_cases(there, plain, effort, halves, more, depth - 1):
            return False
    return True


def _bound(test: Any) -> bool:
    """Whether a condition speaks of what a binder binds: of names that only its body has."""
    return any(i.name.startswith("@") for i in test.atoms(Index))


def _at_tie(term: Any, gap: Any) -> Any:
    """A term where a number that is 0 is solved for one entry, if it is linear in one."""
    for e in sorted(gap.atoms(Element), key=signature):
        slope = gap.coeff(e)
        rest = gap - slope * e
        if slope.is_Rational and slope != 0 and not rest.expand().has(e):
            return term.xreplace({e: -(rest / slope).expand()})
    return term


def _excluded(gap: Any, truth: int, known: tuple[tuple[Any, int], ...]) -> bool:
    """Whether gap > 0, or gap ≤ 0, cannot be beside what is known of numbers at a fixed distance from it."""
    for other, holds in known:
        more, both = (gap - other).expand(), (gap + other).expand()
        if more.is_number and ((not truth and holds and more >= 0) or (truth and not holds and more <= 0)):
            return True
        if both.is_number and ((truth and holds and both <= 0) or (not truth and not holds and both > 0)):
            return True
    return False
