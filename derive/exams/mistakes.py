"""Mistakes: what a student would hand in who makes one of them, re-derived from the definition.

A mistake is a row put before the rule table (`slips`), a path cut out of the graph, a definition read wrongly (`readings`), or a
value taken for another; everything else is the engine's, so a wrong gradient comes with all its lines.  To add a mistake, add a
row to `MISTAKES`: its name, the sentence that says what went wrong, and what makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from derive.calculus.rules import N_, RULES, Rule
from derive.calculus.terms import (
    Element,
    Sum,
    walk,
)
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, expanded
from derive.errors import DeriveError
from derive.exams.readings import (
    Reading,
    all_summed,
    base_ten,
    bias_lost,
    brackets_lost,
    division_lost,
    doubled,
    everywhere,
    flipped,
    function_lost,
    half_lost,
    lost_factor,
    margin_lost,
    max_lost,
    minus_lost,
    one_less,
    root_lost,
    somewhere,
    sum_for_mean,
    turned,
)
from derive.exams.slips import (
    Slip,
    diagonal,
    exponent_kept,
    exponent_lost,
    factor_itself,
    factor_lost,
    first_term,
    gate_open,
    gate_turned,
    inside_alone,
    mean_as_sum,
    one_factor,
    one_way,
    outside_alone,
    quotient_added,
    sign_lost,
    slopes_multiplied,
)
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


Ways = Iterator[tuple[Callable[[Run], Any], Derivation | None]]
"""The ways to make a mistake: each what is answered at a run, and the derivation of it, if it was derived."""

Make = Callable[[Graph, str, str], Ways]
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


def _by_rule(name: str, family: str, slip: Slip) -> Make:
    """The derivation with a wrong row before the others, under the name that who makes the mistake would give it."""
    rules = (Rule(name, family, slip), *RULES)

    def make(graph: Graph, of: str, wrt: str) -> Ways:
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


def _elsewhere(run: Run, graph: Graph, copies: dict[str, str], of: str = "") -> Evaluator:
    """Another graph at the inputs of a run; `copies` are inputs that have the values of other tensors."""
    arrays = {i.name: run.values.arrays[copies.get(i.name, i.name)] for i in graph.inputs}
    return forward(graph, run.point.sizes, arrays, needed=of or None)


# ---------------------------------------------------------------- a path cut out of the graph


def _by_cut(which: Callable[[Graph, str, list[Node]], Sequence[Sequence[Node]]]) -> Make:
    """The derivation in which some definitions hold the variable constant."""

    def make(graph: Graph, of: str, wrt: str) -> Ways:
        for name in (wrt, *graph.way(wrt, of)[:-1]) if wrt else ():
            users = [y for y in graph.consumers(name) if y.name in graph.ancestors(of)]
            for cut in which(graph, name, users) if len(users) > 1 else ():
                held, copy = _held(graph, name, cut)
                found = expanded(derivation(held, of, wrt))
                yield partial(_gradient_at, found, {copy: name}), found

    return make


def _held(graph: Graph, name: str, users: Sequence[Node]) -> tuple[Graph, str]:
    """The graph in which these definitions read a tensor from an input of its own, and the name of that, printed alike."""
    member = graph.members[name]
    copy = f"{name}′"
    given = Input(copy, member.indices, "positive" if member.head.is_positive else "real")

    def read(term: Any) -> Any:
        return Element(given.head, *term.indices) if isinstance(term, Element) and term.name == name else term

    nodes = tuple(replace(n, expr=walk(n.expr, read)) if n in users else n for n in graph.nodes)
    return replace(graph, inputs=(*graph.inputs, given), nodes=nodes, shown=(*graph.shown, (copy, name))), copy


def own(found: Derivation, graph: Graph) -> Derivation:
    """A derivation of a graph in which a tensor was held constant, its result written with that tensor."""
    if found.graph.inputs == graph.inputs:
        return found
    names = dict(found.graph.shown)

    def read(term: Any) -> Any:
        name = names.get(term.name) if isinstance(term, Element) else None
        return Element(graph.members[name].head, *term.indices) if name in graph.members else term

    return replace(found, graph=graph, steps=(replace(found.steps[-1], line=walk(found.result, read), named=None, opened=()),))


def _each(graph: Graph, name: str, users: list[Node]) -> list[list[Node]]:
    return [[y] for y in users]


def _statistics(graph: Graph, name: str, users: list[Node]) -> list[list[Node]]:
    """What sums the tensor up, as a mean and a variance do, where something else reads its entries."""
    found = [y for y in users if len(y.axes) < len(graph.members[name].axes) and y.expr.atoms(Sum)]
    return [found] if found and len(found) < len(users) else []


# ---------------------------------------------------------------- a definition read wrongly


def _by_reading(reading: Reading, values_alone: bool = False) -> Make:
    """Values, and gradients, of the graph whose definitions are read so."""

    def make(graph: Graph, of: str, wrt: str) -> Ways:
        for other in () if wrt and values_alone else reading(graph):
            if wrt:
                found = expanded(derivation(other, of, wrt))
                yield partial(_gradient_at, found, {}), found
            else:
                yield partial(_value_at, other, of), None

    return make


def _value_at(graph: Graph, of: str, run: Run) -> Any:
    return _elsewhere(run, graph, {}, of).given_out(of)


# ---------------------------------------------------------------- a value taken for another


def _by_label(change: Callable[[Run], Run]) -> Make:
    """Values and gradients for other labels."""

    def make(graph: Graph, of: str, wrt: str) -> Ways:
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


def _any(*makes: Make) -> Make:
    """Several ways to make a mistake."""

    def make(graph: Graph, of: str, wrt: str) -> Ways:
        for each in makes:
            yield from each(graph, of, wrt)

    return make


def _turned(graph: Graph, of: str, wrt: str) -> Ways:
    """The transpose of a matrix that was asked for."""
    if len(graph.members[wrt or of].axes) == 2:
        yield (lambda run: np.transpose(run.gradient(wrt) if wrt else run.exact[of])), None


def _elsewhere_made(graph: Graph, of: str, wrt: str) -> Ways:
    """A slip that a kind of question makes itself."""
    return iter(())


def _rounded_early(graph: Graph, of: str, wrt: str) -> Ways:
    """Every result on the way rounded to one decimal before it is used, unless that leads to the key, rounded."""

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
        found, key = last.exact[of], run.exact[of]
        pairs = zip(np.ravel(found), np.ravel(key), strict=True)
        return key if all(_is_rounded(value, right) for value, right in pairs) else found

    if not wrt:
        yield at, None


def _is_rounded(value: Any, key: Any) -> bool:
    """Whether a number is as well the key itself, rounded at the end: nobody knows then where it was rounded."""
    places = next((p for p in range(5) if isinstance(value, Fraction) and (value * 10**p).denominator == 1), None)
    return places is not None and bool(2 * abs(key - value) * 10**places <= 1)


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

CHAIN, PRODUCT, FACTOR, SUM, TERMS, MAX = (
    N_("chain rule"),
    N_("product rule"),
    N_("a constant factor comes out"),
    N_("the derivative goes inside the sum"),
    N_("the derivative of a sum, term by term"),
    N_("max passes the slope of the larger argument"),
)

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)

MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "inner",
        N_("The chain rule stops too early: the derivative of the inside is missing."),
        _by_rule(CHAIN, "chain", outside_alone),
    ),
    Mistake(
        "slope",
        N_("The slope of the function itself is missing: only the inside was differentiated."),
        _by_rule(CHAIN, "chain", inside_alone),
    ),
    Mistake("sign", N_("A minus sign was lost."), _by_rule(FACTOR, "linear", sign_lost), HALF),
    Mistake(
        "product",
        N_("The derivative of a product is not the product of the derivatives."),
        _by_rule(PRODUCT, "product", slopes_multiplied),
    ),
    Mistake(
        "own-factor",
        N_("A product passes on the other factor, not the factor itself."),
        _by_rule(FACTOR, "linear", factor_itself),
    ),
    Mistake("factor", N_("The factor beside the variable is missing."), _by_rule(FACTOR, "linear", factor_lost), QUARTER),
    Mistake(
        "exponent-kept",
        N_("The exponent was not lowered."),
        _by_rule(N_("power rule, then the chain rule"), "chain", exponent_kept),
    ),
    Mistake(
        "exponent-lost",
        N_("The exponent did not come down as a factor."),
        _by_rule(N_("power rule, then the chain rule"), "chain", exponent_lost),
        HALF,
    ),
    Mistake(
        "quotient",
        N_("The quotient rule subtracts; here its two terms were added."),
        _by_rule(N_("quotient rule"), "quotient", quotient_added),
    ),
    Mistake(
        "gate-open",
        N_("A max or a min passes the slope only to the argument that it takes; here it went through in any case."),
        _by_rule(MAX, "max", gate_open),
    ),
    Mistake(
        "gate-turned",
        N_("The slope went to the argument that the max, or the min, does not take."),
        _by_rule(MAX, "max", gate_turned),
    ),
    Mistake(
        "diagonal",
        N_("The Jacobian was taken as diagonal: every output depends on every input, through the sum."),
        _by_rule(CHAIN, "chain", diagonal),
    ),
    Mistake("mean", N_("The factor 1/N of the mean is missing."), _by_rule(FACTOR, "linear", mean_as_sum), HALF),
    Mistake(
        "statistics",
        N_("A sum over all entries, such as a mean or a variance, was held constant; it moves with them."),
        _by_cut(_statistics),
        QUARTER,
    ),
    Mistake(
        "one-factor",
        N_("Only one factor was differentiated: the product rule has a term for each."),
        _any(_by_rule(PRODUCT, "product", one_factor(0)), _by_rule(PRODUCT, "product", one_factor(-1))),
        QUARTER,
    ),
    Mistake(
        "path",
        N_("A path is missing: the variable acts in several places, and their gradients add up."),
        _any(_by_cut(_each), _by_rule(TERMS, "linear", one_way(0)), _by_rule(TERMS, "linear", one_way(-1))),
        QUARTER,
    ),
    Mistake(
        "first-term", N_("The sum was forgotten: only its first term was counted."), _by_rule(SUM, "linear", first_term), QUARTER
    ),
    Mistake("margin", N_("The margin was forgotten."), _by_reading(everywhere(margin_lost)), QUARTER),
    Mistake(
        "all-terms", N_("The sum leaves one index out; here it was counted, too."), _by_reading(everywhere(all_summed)), QUARTER
    ),
    Mistake("max-lost", N_("The max was left out: what is below 0 counts as 0."), _by_reading(everywhere(max_lost)), QUARTER),
    Mistake("sum", N_("The sum was taken for the mean."), _by_reading(everywhere(sum_for_mean)), HALF),
    Mistake("flipped", N_("The kernel was turned round; it is laid on as it stands."), _by_reading(everywhere(flipped)), QUARTER),
    Mistake(
        "one-less", N_("A mean divides by the number of its terms, not by one less."), _by_reading(everywhere(one_less)), HALF
    ),
    Mistake("doubled", N_("The square was taken for the double."), _by_reading(everywhere(doubled))),
    Mistake("root", N_("The square root was forgotten."), _by_reading(everywhere(root_lost)), QUARTER),
    Mistake("half", N_("The factor 1/2 was forgotten."), _by_reading(everywhere(half_lost)), HALF),
    Mistake(
        "function",
        N_("The function was left out: its argument was taken for its value."),
        _by_reading(everywhere(function_lost), values_alone=True),
        QUARTER,
    ),
    Mistake("bias", N_("The added term, such as a bias, was forgotten."), _by_reading(bias_lost), HALF),
    Mistake(
        "brackets", N_("The brackets were left out: the factor belongs to the whole sum."), _by_reading(everywhere(brackets_lost))
    ),
    Mistake("base", N_("The logarithm is the natural one, not that to base 10."), _by_reading(everywhere(base_ten)), HALF),
    Mistake("division", N_("The division was forgotten."), _by_reading(everywhere(division_lost), values_alone=True), QUARTER),
    Mistake("left-out", N_("A factor was left out."), _by_reading(somewhere(lost_factor), values_alone=True), QUARTER),
    Mistake("minus", N_("A minus sign was overlooked."), _by_reading(somewhere(minus_lost), values_alone=True), HALF),
    Mistake("target", N_("Another class was taken for the target."), _by_label(_next_class), QUARTER),
    Mistake("transposed", N_("A factor stands transposed, or in the wrong place."), _any(_turned, _by_reading(turned)), QUARTER),
    Mistake("index-kept", N_("An index that is summed over is left to stand free."), _elsewhere_made, QUARTER),
    Mistake("one-sided", N_("The difference was taken on one side only."), _elsewhere_made, QUARTER),
    Mistake("not-halved", N_("A centred difference is divided by twice the step."), _elsewhere_made, HALF),
    Mistake("undivided", N_("The difference was not divided by the step."), _elsewhere_made, QUARTER),
    Mistake("shape", N_("A gradient has the shape of what it is by, and of nothing else."), _elsewhere_made, QUARTER),
    Mistake("line", N_("This line follows from the one before it."), _elsewhere_made),
    Mistake("rounding", N_("Rounded too early: intermediate results keep their digits."), _rounded_early, HALF),
)
"""The table, those first that say most of what went wrong."""

NAMED = {mistake.name: mistake for mistake in MISTAKES}
