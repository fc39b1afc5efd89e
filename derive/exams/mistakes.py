"""Mistakes: what a student would hand in who makes one of them, re-derived from the definition.

A mistake is a row put before the rule table, a path cut out of the graph, a definition read wrongly, or a value taken for another;
everything else is the engine's, so a wrong gradient comes with all its lines.  To add a mistake, add a row to `MISTAKES`: its name,
the sentence that says what went wrong, and what makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from sympy import Function, Mul, Pow, S

from derive.calculus.rules import N_, RULES, Rule, differentiated, slope, varies
from derive.calculus.terms import (
    Binder,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Maximum,
    Positive,
    Sum,
    Where,
    close,
    factors,
    fraction,
    free_indices,
    opened,
    walk,
)
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, expanded
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.language.at import Point
from derive.values.evaluator import Evaluator, forward
from derive.values.precision import decided
from derive.values.real import Real, all_given_out
from derive.values.run import Run, point_of


@dataclass(frozen=True)
class Wrong:
    """A wrong answer to what `of` is, or what its gradient by `wrt` is: the mistake, and the answer at the point of a run.

    A gradient that was derived with the mistake comes with its derivation; of a value and of a slip in numbers there is none.
    """

    mistake: str
    at: Callable[[Run], Any]
    found: Derivation | None = None


Make = Callable[[Graph, str, str], Iterator[tuple[Callable[[Run], Any], Derivation | None]]]
"""From a graph, a tensor and what it is differentiated by (or "", for its value) to every way to make a mistake."""


@dataclass(frozen=True)
class Mistake:
    """One row: the mistake's name, the sentence that says it, what makes it, and the part of the marks that its answer earns."""

    name: str
    sentence: str
    make: Make
    credit: Fraction = Fraction(0)


def wrongs(graph: Graph, of: str, wrt: str = "") -> tuple[Wrong, ...]:
    """The wrong values of a tensor, or wrong gradients of it, that the table of mistakes leads to, in its order.

    A derivation that ends at the right result is none.
    """
    return remembered(graph, ("mistakes", of, wrt), lambda: tuple(_wrongs(graph, of, wrt)))


def _wrongs(graph: Graph, of: str, wrt: str) -> Iterator[Wrong]:
    seen = {expanded(derivation(graph, of, wrt)).result} if wrt else set()
    for mistake in MISTAKES:
        try:
            for at, found in mistake.make(graph, of, wrt):
                if found is None or found.result not in seen:
                    seen |= {found.result} if found else set()
                    yield Wrong(mistake.name, at, found)
        except (DeriveError, NotImplementedError):  # the table, so changed, leads nowhere
            continue


# ---------------------------------------------------------------- a row put before the table

Slip = Callable[[Any, Element], Any]
"""A wrong rewrite of a derivative, None where the mistake cannot be made; see `calculus.rules`."""


def _by_rule(name: str, family: str, slip: Slip) -> Make:
    """The derivation with a wrong row before the others, under the name that who makes the mistake would give it."""
    rules = (Rule(name, family, slip), *RULES)

    def make(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
        if wrt:
            found = expanded(derivation(graph, of, wrt, rules=rules), rules)
            yield partial(_gradient_at, found, {}), found

    return make


def _gradient_at(found: Derivation, copies: dict[str, str], run: Run) -> Any:
    """The gradient that a derivation comes to, on another graph maybe, where the inputs are those of a run.

    It names no other gradient: what is needed are values.
    """
    same = found.graph.nodes == run.source.nodes
    values = point_of(run, found.graph) if same else _elsewhere(run, found.graph, copies)

    def evaluated(point: Evaluator) -> Any:
        return point.strictly(found.result, found.indices)

    return all_given_out(decided(values, evaluated), lambda digits: decided(values.at(digits), evaluated))


def _elsewhere(run: Run, graph: Graph, copies: dict[str, str]) -> Evaluator:
    """Another graph at the inputs of a run, by its terms; `copies` are inputs that have the values of other tensors."""
    arrays = {i.name: run.values.arrays[copies.get(i.name, i.name)] for i in graph.inputs}
    return forward(graph, run.point.sizes, arrays)


def _called(e: Any) -> bool:
    """Whether a term is a function of numbers, such as exp or σ."""
    return isinstance(e, Function) and not isinstance(e, (Bracket, Maximum, Where))


def _unit(e: Any, x: Element) -> Any:
    """The derivative of a term as if it were the entry that it mentions; None where it mentions several, or sums them."""
    entries = {t.indices for t in e.atoms(Element) if t.name == x.name}
    free = free_indices(e)
    if len(entries) != 1 or not all(not isinstance(i, Index) or i in free for i in next(iter(entries))):
        return None
    return Mul(*[Delta(a, b) for a, b in zip(entries.pop(), x.indices, strict=True)])


def _outside_alone(e: Any, x: Element) -> Any:
    moving = [k for k, a in enumerate(e.args) if varies(a, x)] if _called(e) else []
    if len(moving) == 1 and not isinstance(e.args[moving[0]], Element):
        unit = _unit(e.args[moving[0]], x)
        return None if unit is None else slope(e, moving[0]) * unit
    if e.is_Pow and not varies(e.exp, x) and not isinstance(e.base, Element):
        unit = _unit(e.base, x)
        return None if unit is None else e.exp * Pow(e.base, e.exp - 1) * unit
    return None


def _inside_alone(e: Any, x: Element) -> Any:
    moving = [a for a in e.args if varies(a, x)] if _called(e) else []
    return Deriv(moving[0], x) if len(moving) == 1 else None


def _sign_lost(e: Any, x: Element) -> Any:
    number, rest = e.as_coeff_Mul()
    return -number * Deriv(rest, x) if number.is_negative and varies(rest, x) else None


def _parts(e: Any, x: Element) -> tuple[Any, Any, list[Any]]:
    """The number, the other constant factors and the varying ones of a product."""
    varying = [f for f in factors(e) if varies(f, x)]
    constant = [f for f in factors(e) if not varies(f, x)]
    return Mul(*[f for f in constant if f.is_number]), Mul(*[f for f in constant if not f.is_number]), varying


def _slopes_multiplied(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    return number * constant * Mul(*[Deriv(f, x) for f in varying]) if len(varying) > 1 else None


def _factor_itself(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    if len(varying) != 1 or not isinstance(varying[0], Element) or not constant.atoms(Element):
        return None
    unit = _unit(varying[0], x)
    return None if unit is None else number * varying[0] * unit


def _factor_lost(e: Any, x: Element) -> Any:
    number, constant, varying = _parts(e, x)
    return number * Deriv(Mul(*varying), x) if varying and constant.atoms(Element) and not _is_condition(constant) else None


def _is_condition(term: Any) -> bool:
    return any(isinstance(f, Bracket) for f in factors(term))


def _exponent_kept(e: Any, x: Element) -> Any:
    return e.exp * e * Deriv(e.base, x) if e.is_Pow and e.exp.is_Integer and e.exp > 1 else None


def _exponent_lost(e: Any, x: Element) -> Any:
    return Pow(e.base, e.exp - 1) * Deriv(e.base, x) if e.is_Pow and e.exp.is_Integer and e.exp > 1 else None


def _gate_open(e: Any, x: Element) -> Any:
    return sum((Deriv(a, x) for a in e.args if varies(a, x)), S.Zero) if isinstance(e, Maximum) else None


def _gate_turned(e: Any, x: Element) -> Any:
    if not isinstance(e, Maximum):
        return None
    a, b = e.args
    second = Positive(b - a)
    return sum((which * Deriv(c, x) for which, c in ((second, a), (1 - second, b)) if varies(c, x)), S.Zero)


def _quotient_added(e: Any, x: Element) -> Any:
    top, bottom = fraction(e)
    if not varies(bottom, x) or not varies(top, x):
        return None
    return (Deriv(top, x) * bottom + top * Deriv(bottom, x)) / bottom**2


def _diagonal(e: Any, x: Element) -> Any:
    """A Jacobian of which only the entries with equal indices are seen: what a sum holds as well is forgotten."""
    if not any(varies(b, x) for b in e.atoms(Binder)):
        return None
    own = {indices for indices in _read_outside(e, x.name) if indices}
    if len(own) != 1:
        return None
    return Mul(*[Delta(a, b) for a, b in zip(own.pop(), x.indices, strict=True)]) * differentiated(e, x)


def _read_outside(e: Any, name: str) -> set[tuple[Any, ...]]:
    """The entries of a tensor that a term reads outside of every sum."""
    if isinstance(e, Element):
        return {e.indices} if e.name == name else set()
    return set() if isinstance(e, Binder) else {found for a in e.args for found in _read_outside(a, name)}


def _mean_as_sum(e: Any, x: Element) -> Any:
    """1/N taken for 1."""
    sizes = [f for f in factors(e) if _is_size(f)]
    return Deriv(e / Mul(*sizes), x) if sizes and varies(e, x) else None


# ---------------------------------------------------------------- a path cut out of the graph


def _by_cut(which: Callable[[Graph, str, list[Node]], Sequence[Sequence[Node]]]) -> Make:
    """The derivation in which some definitions hold the variable constant."""

    def make(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
        for name in (wrt, *graph.way(wrt, of)[:-1]) if wrt else ():
            users = [y for y in graph.consumers(name) if y.name in graph.ancestors(of)]
            for cut in which(graph, name, users) if len(users) > 1 else ():
                held, copy = _held(graph, name, cut)
                found = expanded(derivation(held, of, wrt))
                yield partial(_gradient_at, found, {copy: name}), found

    return make


def _held(graph: Graph, name: str, users: Sequence[Node]) -> tuple[Graph, str]:
    """The graph in which these definitions read a tensor from an input of its own, and the name of that, printed as the tensor."""
    member = graph.members[name]
    copy = f"{name}′"
    given = Input(copy, member.indices, "positive" if member.head.is_positive else "real")

    def read(term: Any) -> Any:
        return Element(given.head, *term.indices) if isinstance(term, Element) and term.name == name else term

    nodes = tuple(replace(n, expr=walk(n.expr, read)) if n in users else n for n in graph.nodes)
    return replace(graph, inputs=(*graph.inputs, given), nodes=nodes, shown=(*graph.shown, (copy, name))), copy


def _each(graph: Graph, name: str, users: list[Node]) -> list[list[Node]]:
    return [[y] for y in users]


def _statistics(graph: Graph, name: str, users: list[Node]) -> list[list[Node]]:
    """What sums the tensor up, as a mean and a variance do, where something else reads its entries."""
    found = [y for y in users if len(y.axes) < len(graph.members[name].axes) and y.expr.atoms(Sum)]
    return [found] if found and len(found) < len(users) else []


# ---------------------------------------------------------------- a definition read wrongly


def _by_definition(change: Callable[[Any], Any]) -> Make:
    """Values and gradients of the graph in which every definition is changed."""

    def make(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
        nodes = tuple(replace(n, expr=walk(n.expr, change)) for n in graph.nodes)
        if nodes == graph.nodes or all(a.expr == b.expr for a, b in zip(nodes, graph.nodes, strict=True)):
            return
        other = replace(graph, nodes=nodes)
        if wrt:
            found = expanded(derivation(other, of, wrt))
            yield partial(_gradient_at, found, {}), found
        else:
            yield (lambda run: _elsewhere(run, other, {}).given_out(of)), None

    return make


def _margin_lost(term: Any) -> Any:
    if not isinstance(term, Maximum):
        return term
    return Maximum(*[a - a.as_coeff_Add()[0] if a.atoms(Element) else a for a in term.args])


def _max_lost(term: Any) -> Any:
    """The number that is compared with 0 taken as it is."""
    return sum(term.args, S.Zero) if isinstance(term, Maximum) and S.Zero in term.args else term


def _undivided(term: Any) -> Any:
    """A sum for a mean."""
    return S.One if _is_size(term) else term


def _is_size(term: Any) -> bool:
    return bool(
        term.is_Pow and term.exp == -1 and term.base.is_integer and not term.base.is_number and not term.base.atoms(Element)
    )


def _doubled(term: Any) -> Any:
    return 2 * term.base if term.is_Pow and term.exp == 2 else term


def _brackets_lost(term: Any) -> Any:
    """(a + b) c read as a + b c."""
    sums = [f for f in factors(term) if f.is_Add] if term.is_Mul else []
    if len(sums) != 1 or not (rest := term / sums[0]).atoms(Element):
        return term
    *first, last = sums[0].args
    return sum(first, S.Zero) + last * rest


def _all_summed(term: Any) -> Any:
    """A sum over all of an axis where one index is left out."""
    if not isinstance(term, Sum):
        return term
    indices, body = opened(term)
    rest = [f for f in factors(body) if not isinstance(f, Differ)]
    return close(Sum, indices, Mul(*rest)) if len(rest) < len(factors(body)) else term


# ---------------------------------------------------------------- a value taken for another


def _by_label(change: Callable[[Run], Run]) -> Make:
    """Values and gradients for other labels."""

    def make(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
        def at(run: Run) -> Any:
            other = change(run)
            return other.gradient(wrt) if wrt else other.exact[of]

        if any(i.kind == "label" for i in graph.inputs):
            yield at, None

    return make


def _next_class(run: Run) -> Run:
    arrays = dict(run.point.arrays)
    for label in (i for i in run.source.inputs if i.kind == "label"):
        count = run.values.size(label.classes)
        arrays[label.name] = np.frompyfunc(lambda t, count=count: (int(t) + 1) % count, 1, 1)(
            np.asarray(arrays[label.name], dtype=object)
        )
    return replace(run, point=replace(run.point, arrays=arrays))


EARLY = Decimal("0.1")
"""What rounds too early rounds every intermediate result to this."""


def _turned(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
    """The transpose of a matrix that was asked for."""
    if len(graph.members[wrt or of].axes) == 2:
        yield (lambda run: np.transpose(run.gradient(wrt) if wrt else run.exact[of])), None


def _elsewhere_made(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
    """A slip that a kind of question makes itself."""
    return iter(())


def _rounded_early(graph: Graph, of: str, wrt: str) -> Iterator[tuple[Callable[[Run], Any], Derivation | None]]:
    """Every result on the way rounded to one decimal before it is used."""

    def rounded(value: Any) -> Fraction:
        digits = value.rounded(12) if isinstance(value, Real) else Decimal(value.numerator) / Decimal(value.denominator)
        return Fraction(digits.quantize(EARLY, ROUND_HALF_UP))

    def at(run: Run) -> Any:
        arrays: dict[str, Any] = {i.name: run.point.arrays[i.name] for i in graph.inputs}
        for node in graph.nodes:
            if node.name in graph.ancestors(of) and node.name != of:
                step = Run(_as_far(graph, node.name), Point(dict(run.point.sizes), dict(arrays), {}))
                if node.differentiable:
                    arrays[node.name] = np.frompyfunc(rounded, 1, 1)(np.asarray(step.exact[node.name], dtype=object))
        cut = _as_far(graph, of)
        last = Run(cut, Point(dict(run.point.sizes), {i.name: arrays[i.name] for i in cut.inputs}, {}))
        return last.exact[of]

    if not wrt:
        yield at, None


def _as_far(graph: Graph, name: str) -> Graph:
    """The one definition of a tensor, what it is computed from given."""
    node = graph.members[name]
    assert isinstance(node, Node)
    inputs = tuple(
        m if isinstance(m, Input) else Input(m.name, m.indices, "positive" if m.head.is_positive else "real")
        for m in (graph.members[p] for p in graph.members if p in graph.parents(name))
    )
    return remembered(graph, ("one definition", name), lambda: replace(graph, inputs=inputs, nodes=(node,)))


# ---------------------------------------------------------------- the table

CHAIN, PRODUCT, FACTOR, MAX = (
    N_("chain rule"),
    N_("product rule"),
    N_("a constant factor comes out"),
    N_("max passes the slope of the larger argument"),
)

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)

MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "inner",
        N_("The chain rule stops too early: the derivative of the inside is missing."),
        _by_rule(CHAIN, "chain", _outside_alone),
    ),
    Mistake(
        "slope",
        N_("The slope of the function itself is missing: only the inside was differentiated."),
        _by_rule(CHAIN, "chain", _inside_alone),
    ),
    Mistake("sign", N_("A minus sign was lost."), _by_rule(FACTOR, "linear", _sign_lost), HALF),
    Mistake(
        "product",
        N_("The derivative of a product is not the product of the derivatives."),
        _by_rule(PRODUCT, "product", _slopes_multiplied),
    ),
    Mistake(
        "own-factor",
        N_("A product passes on the other factor, not the factor itself."),
        _by_rule(FACTOR, "linear", _factor_itself),
    ),
    Mistake("factor", N_("The factor beside the variable is missing."), _by_rule(FACTOR, "linear", _factor_lost), QUARTER),
    Mistake(
        "exponent-kept",
        N_("The exponent was not lowered."),
        _by_rule(N_("power rule, then the chain rule"), "chain", _exponent_kept),
    ),
    Mistake(
        "exponent-lost",
        N_("The exponent did not come down as a factor."),
        _by_rule(N_("power rule, then the chain rule"), "chain", _exponent_lost),
        HALF,
    ),
    Mistake(
        "quotient",
        N_("The quotient rule subtracts; here its two terms were added."),
        _by_rule(N_("quotient rule"), "quotient", _quotient_added),
    ),
    Mistake(
        "gate-open",
        N_("A max passes the slope to the larger argument alone; here it went through in any case."),
        _by_rule(MAX, "max", _gate_open),
    ),
    Mistake("gate-turned", N_("The slope went to the smaller argument of the max."), _by_rule(MAX, "max", _gate_turned)),
    Mistake(
        "diagonal",
        N_("The Jacobian was taken as diagonal: every output depends on every input, through the sum."),
        _by_rule(CHAIN, "chain", _diagonal),
    ),
    Mistake("mean", N_("The factor 1/N of the mean is missing."), _by_rule(FACTOR, "linear", _mean_as_sum), HALF),
    Mistake(
        "statistics", N_("The mean and the variance were held constant; they move with the input."), _by_cut(_statistics), QUARTER
    ),
    Mistake(
        "path", N_("A path is missing: the variable acts in several places, and their gradients add up."), _by_cut(_each), QUARTER
    ),
    Mistake("margin", N_("The margin was forgotten."), _by_definition(_margin_lost), QUARTER),
    Mistake("all-terms", N_("The sum leaves one index out; here it was counted, too."), _by_definition(_all_summed), QUARTER),
    Mistake("max-lost", N_("The max was left out: what is below 0 counts as 0."), _by_definition(_max_lost), QUARTER),
    Mistake("sum", N_("The sum was taken for the mean."), _by_definition(_undivided), HALF),
    Mistake("doubled", N_("The square was taken for the double."), _by_definition(_doubled)),
    Mistake("brackets", N_("The brackets were left out: the factor belongs to the whole sum."), _by_definition(_brackets_lost)),
    Mistake("target", N_("Another class was taken for the target."), _by_label(_next_class), QUARTER),
    Mistake("transposed", N_("A factor stands transposed, or in the wrong place."), _turned, QUARTER),
    Mistake("one-sided", N_("The difference was taken on one side only."), _elsewhere_made, QUARTER),
    Mistake("not-halved", N_("A centred difference is divided by twice the step."), _elsewhere_made, HALF),
    Mistake("undivided", N_("The difference was not divided by the step."), _elsewhere_made, QUARTER),
    Mistake("line", N_("This line follows from the one before it."), _elsewhere_made),
    Mistake("rounding", N_("Rounded too early: intermediate results keep their digits."), _rounded_early, HALF),
)
"""The table, those first that say most of what went wrong."""

NAMED = {mistake.name: mistake for mistake in MISTAKES}
