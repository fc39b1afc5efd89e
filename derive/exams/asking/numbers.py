"""Numbers asked for: a value, a gradient, every gradient of a graph, the result of a gradient check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.rules import N_
from derive.calculus.terms import Element
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Choice, Entry, Numbers, Option, Value
from derive.exams.mistakes import wrongs
from derive.exams.solved import Ask, Solved, at, slip_of, value_of
from derive.graphs.graph import Graph, remembered
from derive.notation import definitions
from derive.notation.layout import Frac, Layout, Sign, row
from derive.notation.terms import layout
from derive.proof.forms import written_out
from derive.teaching.blocks.gradient import matrix_side
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.blocks.pictures import picture
from derive.teaching.blocks.worked import backward_to, forward_blocks, on_the_way
from derive.teaching.document import Block, Inlines, inlines
from derive.teaching.page import Page
from derive.values.run import Run

# ---------------------------------------------------------------- values and gradients


def key_value(run: Run, ask: Ask) -> Any:
    """A definition's value."""
    return run.exact[ask.name]


def key_gradient(run: Run, ask: Ask) -> Any:
    """The gradient of the output by a tensor."""
    return run.gradient(ask.name)


def solved_value(run: Run, ask: Ask) -> Solved:
    """A definition's value."""
    return _solved(key_value(run, ask), ((w.mistake, at(w, run)) for w in wrongs(run.source, ask.name)))


def solved_gradient(run: Run, ask: Ask) -> Solved:
    """The gradient of the output by a tensor."""
    found = wrongs(run.source, run.source.output.name, ask.name)
    return _solved(key_gradient(run, ask), ((w.mistake, at(w, run)) for w in found))


def _solved(key: Any, wrong: Iterable[tuple[str, Any]]) -> Solved:
    return Solved(key, tuple((name, value) for name, value in wrong if value is not None and np.shape(value) == np.shape(key)))


def copies_value(run: Run, ask: Ask) -> bool:
    """Whether a value is one of the given numbers whatever these are."""
    node = next(n for n in run.source.nodes if n.name == ask.name)
    return _is_given(node.expr, run.source)


def copies_gradient(run: Run, ask: Ask) -> bool:
    """The same of a gradient."""
    return _is_given(derivation(run.source, "", ask.name).result, run.source)


def _is_given(term: Any, graph: Graph) -> bool:
    return isinstance(term, Element) and term.name in {i.name for i in graph.inputs}


def written_value(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """A definition's value, to be computed or chosen."""
    member = run.source.members[ask.name]
    whole = page.context(run.source).called(ask.name, len(member.axes))

    def entry(place: tuple[int, ...]) -> Layout:
        return definitions.left_side(ask.name, tuple(map(Integer, place)), page.context(run.source))

    return _written(ask, solved, whole, entry, page)


def written_gradient(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """A gradient, to be computed or chosen."""
    found = derivation(run.source, "", ask.name)
    context = page.context(run.source)
    whole = matrix_side(found, context) if found.indices else layout(found.subject, context)
    return _written(ask, solved, whole, lambda place: _entry_sign(found, place, page), page)


def _entry_sign(found: Derivation, place: tuple[int, ...], page: Page) -> Layout:
    context = page.context(found.graph)
    return layout(written_out(found.subject, found.indices, place) if place else found.subject, context)


def _written(ask: Ask, solved: Solved, whole: Layout, entry: Callable[[tuple[int, ...]], Layout], page: Page) -> Written:
    prompt = sentence(page, N_("Compute {what}."), whole)
    if not ask.choices:
        places = list(np.ndindex(np.shape(solved.key)))
        return Written(prompt, numbers(solved, [inlines(entry(place)) for place in places], page))
    right = Option(_equation(whole, solved.key, page))
    others = [Option(_equation(whole, value, page), slip_of(mistake, page)) for mistake, value in solved.wrong]
    first = {option.inlines: option for option in reversed(others)}  # several mistakes may lead to one of them
    return Written(prompt, Choice((right, *reversed(first.values()))))


def _equation(left: Layout, value: Any, page: Page) -> Inlines:
    shown, exact = array(value, page, page.digits + 2)
    return inlines(row(left, relation(exact), shown))


def numbers(solved: Solved, labels: Sequence[Inlines], page: Page) -> Numbers:
    """The answer of several numbers, each with its label, in the order of the arrays."""
    keys = _values(solved.key, page)
    exact = [key.tolerance == 0 for key in keys]
    if not all(exact):  # then so many digits are asked for of all
        keys = tuple(_as_asked(key, page.digits) for key in keys)
    wrong = tuple((_values(found, page), slip_of(mistake, page)) for mistake, found in solved.wrong)
    entries = []
    for k, (label, key) in enumerate(zip(labels, keys, strict=True)):
        others = tuple((values[k], slip) for values, slip in wrong if values[k].digits != key.digits)
        entries.append(Entry(label, key, others, exact[k]))
    return Numbers(tuple(entries), np.shape(solved.key), wrong)


def _as_asked(key: Value, digits: int) -> Value:
    """A number that has more digits than are asked for may be rounded to these."""
    written = key.digits.lstrip("-").replace(".", "").strip("0")
    if key.tolerance or len(written) <= digits:
        return key
    return replace(key, tolerance=Fraction(10) ** (Decimal(key.digits).adjusted() - digits + 1))


def _values(found: Any, page: Page) -> tuple[Value, ...]:
    return tuple(value_of(x, page) for x in np.ravel(np.asarray(found, dtype=object)))


def forward_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """The definitions with the numbers put in."""
    return forward_blocks(run, page, ask.name, False)


def backward_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """Forward, then back as far as what is asked."""
    operations = run.source.is_scalar
    wanted = on_the_way(run, (ask.name,), operations)
    return (*forward_blocks(run, page, "", operations), *backward_to(run, page, wanted, operations))


# ---------------------------------------------------------------- a drawn graph


def _asked_of_graph(run: Run) -> list[str]:
    """What the gradients of a graph are by: its author's definitions and the inputs, from the output back; numbers alone."""
    return [name for name in run.moving[1:] if name in run.source.members and not run.source.members[name].axes]


def key_graph(run: Run, ask: Ask) -> Any:
    """The gradients by everything on a graph of numbers, in one row."""
    return np.array([run.gradient(name).item() for name in _asked_of_graph(run)], dtype=object)


def solved_graph(run: Run, ask: Ask) -> Solved:
    """The gradients by everything on a graph of numbers; each mistake leads to a wrong one somewhere."""
    names = _asked_of_graph(run)
    key = key_graph(run, ask)
    by: dict[str, list[Any]] = {}
    for k, name in enumerate(names):
        for wrong in wrongs(run.source, run.source.output.name, name):
            value = at(wrong, run)
            if value is not None:
                row_of = by.setdefault(wrong.mistake, list(key))
                row_of[k] = np.asarray(value, dtype=object).item()
    return Solved(key, tuple((mistake, np.array(row_of, dtype=object)) for mistake, row_of in by.items()))


def written_graph(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The graph drawn, and every gradient on it asked for."""
    labels = [inlines(_entry_sign(derivation(run.source, "", name), (), page)) for name in _asked_of_graph(run)]
    graph, name = run.source, f"graph-{run.source.output.name}-{page.lang}"
    figure = remembered(graph, ("figure of a question", page), lambda: picture(graph, page, name))
    prompt = inlines(page.say(N_("Compute every value forward, then every gradient backward.")))
    return Written(prompt, numbers(solved, labels, page), (figure,))


def graph_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """The same graph with its numbers."""
    return (picture(run.source, page, f"graph-key-{run.source.output.name}-{page.lang}", run),)


# ---------------------------------------------------------------- a gradient check

STEP = Fraction(1, 10)
"""The step of a difference by hand."""


def key_check(run: Run, ask: Ask) -> Any:
    """The centred difference by a number."""
    return solved_check(run, ask).key


def solved_check(run: Run, ask: Ask) -> Solved:
    """The centred difference by a number, with a step that can be computed with by hand."""
    here, up, down = (_moved(run, ask.name, step) for step in (Fraction(0), STEP, -STEP))
    key = (up - down) / (2 * STEP)
    wrong = (("one-sided", (up - here) / STEP), ("not-halved", (up - down) / STEP), ("undivided", (up - down) / 2))
    return Solved(np.array(key, dtype=object), tuple((m, np.array(v, dtype=object)) for m, v in wrong))


def _moved(run: Run, wrt: str, step: Fraction) -> Any:
    """The output where a number is moved by a step."""
    arrays = {**run.point.arrays, wrt: np.asarray(run.point.arrays[wrt], dtype=object) + step}
    return Run(run.source, replace(run.point, arrays=arrays, typed={})).exact[run.source.output.name].item()


def _difference(run: Run, wrt: str, page: Page) -> Layout:
    """Δf/Δw."""
    context = page.context(run.source)
    delta = Sign(r"\Delta ", "Δ")
    return Frac(row(delta, context.called(run.source.output.name)), row(delta, context.called(wrt)))


def written_check(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The difference, to be computed."""
    found = derivation(run.source, "", ask.name)
    what = layout(found.subject, page.context(run.source))
    step = array(STEP, page)[0]
    text = page.say(N_("Approximate {what} by the centred difference with the step {step}."))
    before, _, rest = text.partition("{what}")
    between, _, after = rest.partition("{step}")
    return Written(
        inlines(before, what, between, step, after), numbers(solved, [inlines(_difference(run, ask.name, page))], page)
    )
