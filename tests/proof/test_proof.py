"""The proofs: what is right passes, and every planted mistake is caught.

Mistakes are planted in two places: a row of the rule table is made wrong and derivations are made with it, and lines of
finished derivations are changed.  Whether a change changes anything is decided by `enumeration`, never by the prover.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from sympy import Add, Function, Integer, Pow, Rational, S, Symbol

import derive
from cases.axes import AXES, LARGE
from cases.gradients import TEXTS
from derive.calculus.functions import NamedEntry
from derive.calculus.rules import RULES, Rule
from derive.calculus.terms import (
    Adjoint,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Maximum,
    Sum,
    Where,
    close,
)
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.language import library
from derive.proof import proof
from derive.proof.cases import Tally
from derive.proof.kinks import CLEARANCE
from derive.proof.points import random_point
from derive.proof.proof import prove
from derive.values.evaluator import Evaluator
from derive.values.precision import precision
from derive.values.work import Work
from oracles.enumeration import NoValue, OutOfRange, Point, point_of
from oracles.enumeration import close as agree
from oracles.planted_rules import CONDITIONS, WRONG, applied, at_first, mistakes, tally, wrong_table

SIZES = {"n": 3, "m": 2, "C": 4, "N": 2, "d": 2, "K": 2, "O": 3, "v": 4}


def opened(text: str) -> Graph:
    """A graph of its own, that remembers nothing from another test."""
    return replace(derive.graph(text))


def gradients(graph: Graph, table: tuple[Rule, ...] = RULES) -> list[Derivation]:
    """The derivations of the output by every input, with these rules."""
    return [
        derivation(graph, "", given.name, upstream=bool(graph.output.axes), rules=table)
        for given in graph.inputs
        if given.differentiable
    ]


# ---------------------------------------------------------------- what is right


@cache
def proved_library(name: str) -> tuple[proof.Proved, ...]:
    return tuple(prove(found) for found in gradients(derive.graph(name)))


@pytest.mark.parametrize("name", library.names())
def test_every_definition_of_the_library_is_proved(name: str, record_property: Callable[[str, object], None]) -> None:
    kinds = Counter(kind for proved in proved_library(name) for kind in proved.kinds)
    assert set(kinds) <= {"symbolic", "numeric"}
    record_property("symbolic steps", f"{kinds['symbolic']} of {kinds.total()}")
    assert kinds["symbolic"] >= 0.6 * kinds.total()
    for proved in proved_library(name):
        assert len(proved.kinds) == len(proved.derivation.steps)
        assert proved.error < 1e-25


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_whose_gradients_are_checked_is_proved(name: str) -> None:
    assert all(prove(found).error < 1e-25 for found in gradients(opened(TEXTS[name][0])))


@pytest.mark.parametrize(
    "text",
    [
        "x: [n]; y: [n]; b: [m]; d[k] = b[k] + normal_pdf(relu(x @ y))",
        "u: [m]; L = normal_cdf(sum(30*u[k]**2 for k in m))",
        "W: [k, m]; p[i, j] = mean(W) - W[i, j]; L = mean(p)",
        "x: [n]; y[i] = where(x[i] > 0, x[i]*log(x[i]), 0)",
    ],
)
def test_a_slope_too_small_to_be_seen_beside_its_value_is_proved(text: str) -> None:
    """φ(20) is 1e-88: beside a number of 50 digits it is nothing, and a central difference of their sum is 0."""
    assert all(prove(found).error < 1e-25 for found in gradients(opened(text)))


@pytest.mark.parametrize("text", [*library.names(), *AXES])
def test_lines_are_compared_at_sizes_that_tell_all_axes_apart(text: str) -> None:
    graph = derive.graph(text)
    sets = proof.sets_with_values(graph)
    axes = {axis for m in graph.members.values() for axis in m.axes}
    axes |= {s for axis in axes for s in axis.free_symbols}
    assert len(sets) >= 2
    for axis in axes:
        seen = [int(axis.subs(sizes)) for sizes in sets]
        assert min(seen) >= 2
        assert axis.is_Integer or len(set(seen)) > 1
    for one, two in combinations(axes, 2):
        assert any(one.subs(sizes) != two.subs(sizes) for sizes in sets), f"{one} and {two} always have the same size"


def test_a_padding_may_be_one_and_a_stride_may_not() -> None:
    text = "x: [n]\nw: [K]\ns: size\np: size\ny: [O]\n" + "y[o] = sum(w[k]*x[j] for k in K for j in n if j == s*o + k - p)"
    sets = [{str(s): size for s, size in sizes.items()} for sizes in proof.sets_with_values(derive.graph(text))]
    assert {sizes["p"] for sizes in sets} == {1, 2}
    assert {sizes["s"] for sizes in sets} == {2, 3}


def test_points_are_drawn_by_kind_and_away_from_kinks() -> None:
    graph = opened("p: probability[C]\ny: onehot[C]\nt: label[C]\ns: positive\nx: [C]\nL = sum(max(0, x - s)*p*y) + x[t]")
    for sizes in proof.sets_with_values(graph):
        for seed in range(5):
            point = random_point(graph, sizes, seed).arrays
            with precision(100):
                assert sum(point["p"]) == 1
            assert min(point["p"]) > 0
            assert sorted(point["y"]) == [0] * (len(point["y"]) - 1) + [1]
            assert 0 <= point["t"][()] < len(point["x"])
            assert point["s"][()] > 0
            assert all(abs(x - point["s"][()]) >= CLEARANCE for x in point["x"])


def test_a_proof_says_which_line_fails_by_which_rule_and_where() -> None:
    found = opened("f = u*v*w").derive("f", "u")
    last = found.steps[-1]
    wrong = replace(found, steps=(*found.steps[:-1], replace(last, line=-last.line)))
    with pytest.raises(ProofError, match=f"Line {len(found.steps)} of the derivation of ∂f/∂u") as caught:
        wrong.prove()
    assert last.rule in caught.value.hint


# ---------------------------------------------------------------- whether a mistake changes anything

Lines = list[Any]


@cache
def points(graph_source: str, of: str, count: int = 6) -> tuple[Point, ...]:
    """Points of a definition, with an upstream gradient if its output is a tensor."""
    graph = derive.graph(graph_source)
    if graph.output.name != of:
        graph = graph.derive("", next(i.name for i in graph.inputs if i.differentiable), upstream=True).graph
    return tuple(point_of(graph, SIZES, seed) for seed in range(count))


def is_right(source: str, found: Derivation, line: Any) -> bool:
    """Whether a line is the derivative it claims to be, at every point."""
    for point in points(source, found.of):
        try:
            if not agree(point.array(found.subject, found.indices), point.array(line, found.indices)):
                return False
        except (OutOfRange, NoValue, ZeroDivisionError):
            return False
    return True


def passes(found: Derivation) -> bool:
    try:
        prove(found)
    except ProofError:
        return False
    return True


# ---------------------------------------------------------------- wrong rows in the rule table


def test_every_row_of_the_table_is_made_wrong() -> None:
    assert {rule.rewrite for rule in RULES} == set(WRONG)


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [pytest.param(rule, mistake, id=f"{rule.__name__.strip('_')}: {mistake}") for rule in WRONG for mistake in WRONG[rule][1]],
)
def test_a_wrong_row_of_the_table_is_caught(
    rule: Callable[..., Any], mistake: str, record_property: Callable[[str, object], None]
) -> None:
    texts, mistakes = WRONG[rule]
    planted = caught = 0
    for text in texts:
        for right, found in zip(
            gradients(opened(text)), gradients(opened(text), wrong_table(rule, mistakes[mistake])), strict=True
        ):
            same = [s.line for s in found.steps] == [s.line for s in right.steps]
            if same or all(is_right(text, found, step.line) for step in found.steps):
                assert passes(found), f"a right derivation was refused: {found.steps}"
                continue
            planted += 1
            caught += not passes(found)
    record_property("caught", f"{caught} of {planted}")
    assert planted, "this mistake shows in none of the texts"
    assert caught == planted


SHARE = 9
"""Each mistake is planted in one of so many shares of the definitions that need it: all of them in a long run."""


def test_no_mistake_is_missed_where_only_one_case_shows_it() -> None:
    known = {text: applied(text) for text in CONDITIONS}
    seen = Counter[str]()
    for k, mistake in enumerate(mistakes()):
        found = tally(mistake, {text: known[text] for text in CONDITIONS[k % SHARE :: SHARE]})
        assert not found.missed, (mistake.name, *found.missed)
        seen[mistake.name] += found.caught
    assert len(seen) >= 80
    assert sum(bool(n) for n in seen.values()) >= 35


# ---------------------------------------------------------------- wrong lines in finished derivations

Edit = tuple[str, Any]


def edits(term: Any, scope: tuple[Index, ...]) -> Iterator[Edit]:
    """Every way to make one mistake in a term: (the kind of mistake, the term with it)."""
    yield from mistakes_at(term, scope)
    if isinstance(term, Binder):
        indices, body = term.opened()
        for kind, new in edits(body, (*scope, *indices)):
            yield kind, close(type(term), indices, new)
    elif isinstance(term, Deriv):
        for kind, new in edits(term.body, scope):
            yield kind, Deriv(new, term.by)
    elif not isinstance(term, (Index, Label, Element, Symbol, Adjoint)):
        for k, argument in enumerate(term.args):
            for kind, new in edits(argument, scope):
                yield kind, term.func(*term.args[:k], new, *term.args[k + 1 :])


def mistakes_at(term: Any, scope: tuple[Index, ...]) -> Iterator[Edit]:
    """The mistakes that can be made at the top of a term."""
    if isinstance(term, Element) and len(term.indices) == 2:
        yield "transposed", Element(term.head, *reversed(term.indices))
    if isinstance(term, Adjoint) and len(term.by.indices) == 2:
        yield "transposed", Adjoint(term.output, Element(term.by.head, *reversed(term.by.indices)))
    if isinstance(term, Element):
        for k, index in enumerate(term.indices):
            for other in scope:
                if isinstance(index, (Index, Label)) and other != index and other.size == index.size:
                    yield "another index", Element(term.head, *term.indices[:k], other, *term.indices[k + 1 :])
    if term.is_Add:
        for t in term.args:
            yield "term dropped", term - t
            yield "sign", term - 2 * t
    if term.is_Mul:
        for f in term.args:
            if isinstance(f, Bracket):
                yield "delta dropped", term / f
            elif not f.is_Integer:
                yield "factor dropped", term / f
        yield "sign", -term
    if term.is_Pow and term.exp.is_Rational:
        yield "power", Pow(term.base, term.exp + 1)
        yield "power", Pow(term.base, -term.exp)
        yield "power dropped", term.base
    if isinstance(term, Maximum):
        yield "the other argument", term.args[0]
        yield "the other argument", term.args[1]
    elif isinstance(term, Where):
        yield "the other case", Where(term.args[0], term.args[2], term.args[1])
    elif isinstance(term, Delta):
        yield "delta turned round", Differ(*term.args)
        yield "delta dropped", S.One
    elif isinstance(term, Function) and not isinstance(term, (Bracket, NamedEntry)):
        yield "function dropped", term.args[0]
    if isinstance(term, Sum):
        yield "sum dropped", at_first(term)
    if term.is_Integer and term not in (0, -1):
        yield "number", term + 1


# the definition, the variable
FINISHED = (
    ("softmax", "z"),
    ("softmax_cross_entropy", "z"),
    ("log_softmax", "z"),
    ("mlp", "W1"),
    ("mlp", "x"),
    ("affine", "W"),
    ("affine_batch", "X"),
    ("rnn_cell", "U"),
    ("attention", "K"),
    ("layer_norm", "x"),
    ("cosine_similarity", "x"),
    ("hinge", "s"),
    ("conv1d", "w"),
    ("gaussian_nll", "sigma"),
    ("gelu", "x"),
    ("x: [n]\nW: [n, n]\nh = x + tanh(W @ x)\ny = h + tanh(W @ h)\nL = sum(y**2)", "W"),
)
MOST = 24
"""So many mistakes in one derivation, of all kinds."""


def mutants(found: Derivation) -> list[tuple[str, int, Derivation]]:
    """A choice of the derivations that differ from this one by one mistake in one line, some of every kind."""
    kinds: dict[str, dict[Any, tuple[int, Derivation]]] = {}
    for k, step in enumerate(found.steps):
        for kind, line in edits(step.line, found.indices):
            if line != step.line and not line.has(S.ComplexInfinity, S.NaN):
                steps = (*found.steps[:k], replace(step, line=line), *found.steps[k + 1 :])
                kinds.setdefault(kind, {})[k, line] = (k, replace(found, steps=steps))
    chance = random.Random(f"{found.of} {found.wrt}")
    pools = {kind: chance.sample(list(pool.values()), len(pool)) for kind, pool in sorted(kinds.items())}
    chosen: list[tuple[str, int, Derivation]] = []
    while len(chosen) < MOST and any(pools.values()):
        chosen += [(kind, *pool.pop()) for kind, pool in pools.items() if pool]
    return chosen[:MOST]


def at_size_one(found: Derivation, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a derivation passes when its lines are compared where every axis has one entry."""
    with monkeypatch.context() as patched:
        one = [dict.fromkeys(sizes, 1) for sizes in proof.sets_with_values(found.graph)]
        patched.setattr(proof, "sets_with_values", lambda graph: one)
        patched.setattr(proof, "sought", lambda *given: iter(()))
        return passes(replace(found, graph=replace(found.graph)))


@pytest.mark.parametrize(("name", "wrt"), FINISHED)
def test_a_wrong_line_of_a_derivation_is_caught(name: str, wrt: str, record_property: Callable[[str, object], None]) -> None:
    graph = opened(name)
    found = graph.derive("", wrt, upstream=bool(graph.output.axes))
    planted, missed = Counter[str](), []
    for kind, k, mutant in mutants(found):
        if is_right(name, mutant, mutant.steps[k].line):
            assert passes(mutant), f"a right line was refused: {mutant.steps[k].line}"
            continue
        planted[kind] += 1
        if passes(mutant):
            missed.append(f"{kind} in line {k + 1}: {mutant.steps[k].line} for {found.steps[k].line}")
    record_property("planted", str(dict(planted)))
    assert planted.total() >= 10
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("off", [Rational(1, 10**30), Rational(1, 10**44)])
def test_a_line_that_is_wrong_in_the_last_digits_is_caught(off: Any) -> None:
    """Balls that do not meet differ, however little."""
    found = opened("softmax").derive("", "z", upstream=True)
    last = len(found.steps) - 1
    assert passes(found)
    for wrong in (found.result * (1 + off), found.result + off):
        assert not passes(changed(found, last, wrong))


def test_comparing_at_size_one_would_miss_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = Counter[str]()
    for name, wrt in (("softmax", "z"), ("affine", "W"), ("affine_batch", "X"), ("conv1d", "w")):
        graph = opened(name)
        found = graph.derive("", wrt, upstream=bool(graph.output.axes))
        for kind, k, mutant in mutants(found):
            if not is_right(name, mutant, mutant.steps[k].line):
                missed[kind] += at_size_one(mutant, monkeypatch)
    assert missed["transposed"] + missed["another index"] + missed["delta dropped"] >= 5, missed


# ---------------------------------------------------------------- large graphs


@cache
def large(name: str, wrt: str) -> Derivation:
    graph = opened(LARGE[name][0])
    return graph.derive("", wrt, upstream=bool(graph.output.axes))


@pytest.mark.parametrize(("name", "wrt"), [(name, wrt) for name, (_, variables) in LARGE.items() for wrt in variables])
def test_a_graph_of_many_axes_is_proved(name: str, wrt: str) -> None:
    found = large(name, wrt)
    assert prove(found).error < 1e-25


def changed(found: Derivation, k: int, line: Any) -> Derivation:
    steps = (*found.steps[:k], replace(found.steps[k], line=line), *found.steps[k + 1 :])
    return replace(found, steps=steps)


CERTAIN = ("factor dropped", "number", "power", "sign", "sum dropped", "term dropped")


def certain_mistakes(found: Derivation) -> dict[str, Derivation]:
    """Mistakes in the last line that change it for certain, one of every kind; no term or factor of it is without effect."""
    last, k = found.result, len(found.steps) - 1
    lines = {kind: line for kind, line in edits(last, found.indices) if kind in CERTAIN}
    lines |= {f"without {b}": last.replace(lambda t, b=b: t == b, lambda t: S.One) for b in last.atoms(Bracket)}
    products = {f for e in last.atoms(Element) for t in e.indices for f in Add.make_args(t) if f.is_Mul}
    lines |= {f"1 for {s}": last.xreplace({s: S.One}) for f in products for s in f.args if s in found.graph.sizes}
    return {what: changed(found, k, line) for what, line in lines.items()}


@pytest.mark.parametrize(("name", "wrt"), [(name, wrt) for name, (_, variables) in LARGE.items() for wrt in variables])
def test_a_mistake_in_a_large_derivation_is_caught(name: str, wrt: str) -> None:
    mistakes = certain_mistakes(large(name, wrt))
    assert len(mistakes) >= 2
    assert not [what for what, wrong in mistakes.items() if passes(wrong)]


def test_a_mistake_in_one_entry_of_many_is_caught() -> None:
    """No entry drawn need be the wrong one: the result as a whole is compared along a direction."""
    found = large("axes of fixed size", "W")
    i, j = found.indices
    there = Delta(i, Integer(3)) * Delta(j, Integer(7)) / 1000
    wrong = changed(
        changed(found, len(found.steps) - 1, found.result + there), len(found.steps) - 2, found.steps[-2].line + there
    )
    assert not passes(wrong)
    entries = {tuple(map(int, e)) for seed in ("0 0", "1 0") for e in sampled(found, seed)}
    assert (3, 7) not in entries


def sampled(found: Derivation, seed: str) -> list[Any]:
    point = random_point(found.graph, proof.sets_with_values(found.graph)[0])
    chosen = proof._entries_at(found, point, proof.FEWEST, random.Random(seed))
    return list(zip(*chosen.values(), strict=True))


def test_entries_drawn_meet_on_every_diagonal() -> None:
    found = opened("x: [n, m]\ny = exp(x)").derive("", "x")
    point = random_point(found.graph, dict.fromkeys(found.graph.sizes, 6))
    rows = np.array(list(proof._entries_at(found, point, 24, random.Random("0")).values())).T
    assert {(bool(a == c), bool(b == d)) for a, b, c, d in rows} == {(p, q) for p in (True, False) for q in (True, False)}


FEW = (
    ("softmax", "z", False),
    ("affine_batch", "X", True),
    ("attention", "K", True),
    ("conv1d", "w", False),
    ("layer_norm", "x", False),
)


@pytest.mark.parametrize(("name", "wrt", "upstream"), FEW)
def test_mistakes_are_caught_where_the_fewest_entries_are_compared(
    name: str, wrt: str, upstream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "AMPLE", 1)
    monkeypatch.setattr(proof, "FEWEST", 6)
    found = opened(name).derive("", wrt, upstream=upstream)
    proved = prove(found)
    assert max(proved.entries) <= 6
    for kind, k, mutant in mutants(found):
        if not is_right(name, mutant, mutant.steps[k].line):
            assert not passes(mutant), f"{kind} in line {k + 1}: {mutant.steps[k].line} for {found.steps[k].line}"


# ---------------------------------------------------------------- how much work it is


@pytest.mark.parametrize("text", ["softmax_cross_entropy", "attention", "layer_norm", *(t for t, _ in LARGE.values())])
def test_the_work_is_known_before_it_is_done(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = opened(text)
    found = graph.derive("", graph.inputs[0].name, upstream=bool(graph.output.axes))
    sizes = proof.sets_with_values(found.graph)[0]
    point = random_point(found.graph, sizes)
    whole = math.prod(point.size(i.size) for i in found.indices)
    effort = Work(found.graph, frozenset(found.indices))
    for line in (found.subject, *(step.line for step in found.steps)):
        effort.add(line)
    expected = effort.cost(point).at(min(whole, 10))
    done = 0
    evaluated = Evaluator._evaluated

    def counted(self: Evaluator, term: Any, grid: Any) -> Any:
        nonlocal done
        value = evaluated(self, term, grid)
        done += np.size(value)
        return value

    monkeypatch.setattr(Evaluator, "_evaluated", counted)
    entries = partial(proof._entries_at, count=min(whole, 10), chance=random.Random(0))
    proof._compare(found, point, entries, Tally(()))
    assert expected / 4 < done < 4 * expected


def test_what_is_too_much_work_is_refused_before_it_is_begun() -> None:
    found = opened("x: [3000]\ny: [3000]\nL = sum(exp(x[i]*y[j]) for i in 3000 for j in 3000)").derive("", "x")
    with pytest.raises(DeriveError, match="too many axes, or too long ones") as caught:
        prove(found)
    assert not isinstance(caught.value, ProofError)


def test_a_line_with_an_index_of_its_own_is_refused() -> None:
    found = opened("x: [n]\nL = sum(x**2)").derive("", "x")
    (i,) = found.indices
    stray = found.result.xreplace({i: Index("stray", i.size)})
    assert not passes(changed(found, len(found.steps) - 1, stray))


def test_an_entry_beside_its_axis_is_not_read_where_a_bracket_is_zero() -> None:
    n = Symbol("n", integer=True, positive=True)
    i, x = Index("i", n), Symbol("x", real=True)
    values = Evaluator({n: 3}, {"x": np.array([2, 3, 5], dtype=object)})
    for shift in (-7, -1, 0, 1, 7):
        found = values.array(Inside(i + shift, n) * Element(x, i + shift), (i,))
        assert found.tolist() == [[2, 3, 5][k + shift] if 0 <= k + shift < 3 else 0 for k in range(3)]


def test_where_entries_cannot_be_told_apart_lines_are_compared_elsewhere() -> None:
    """Two entries of o are alike, and so are two of what the least is taken of, but not letter by letter."""
    g = derive.graph(
        "x: [n]; y: [n]; A: [n, n]; o: onehot[n]; h0 = x[0]; h1 = where(x > v, v, A @ x)\n"
        "h2 = min(tanh(max(sum(x[i]*y[i] for i in n), where(o > u, sum(x[i]*y[i] for i in n), h1))))"
    )
    assert prove(g.derive(wrt="y")).points > 0
