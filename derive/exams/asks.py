"""What can be asked: a table of kinds, each a way to solve it at a run and a way to put it to a student.

To add a kind, add a row to `ASKS`: its name, the function that finds the key and the wrong answers of a state (without any
language), and the function that writes the part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.calculus.terms import Element
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError, listed, nearest, said
from derive.exams.item import Answer, Choice, Entry, Numbers, Option, Slip, Value
from derive.exams.mistakes import NAMED, Wrong, wrongs
from derive.graphs.graph import Graph
from derive.notation.layout import EQUALS, Layout, row
from derive.notation.terms import layout
from derive.proof.proof import prove
from derive.teaching.blocks.gradient import derived_lines
from derive.teaching.blocks.numbers import array, digits_of, number, relation
from derive.teaching.blocks.worked import backward_to, forward_blocks, on_the_way
from derive.teaching.document import Block, Inlines, Steps, inlines
from derive.teaching.page import Page
from derive.values.precision import DomainError, Undecided
from derive.values.real import real
from derive.values.run import Run


@dataclass(frozen=True)
class Ask:
    """What a part asks: its kind, of which tensor, and how."""

    kind: str
    name: str
    marks: Fraction = Fraction(1)
    choices: bool = False
    detail: str = "normal"


@dataclass(frozen=True)
class Solved:
    """The key of a part at one state, and the wrong answers by the mistakes that lead to them, all different from it.

    They are arrays of exact numbers, or terms.
    """

    key: Any
    wrong: tuple[tuple[str, Any], ...]


class Unfit(Exception):
    """A state in which this cannot be asked, and why, in a word of `REASONS`."""


# ---------------------------------------------------------------- numbers


def told(value: Any, digits: int) -> tuple[str, Fraction, bool]:
    """A number as it is asked for: its digits, half a unit of the last, doubled for who rounds on the way, and whether it is exact.

    >>> told(Fraction(5, 2), 4), told(Fraction(1, 3), 4)
    (('2.5', Fraction(0, 1), True), ('0.3333', Fraction(1, 10000), False))
    """
    from derive.notation.style import Style

    text, power, exact = digits_of(value, Style("en", 1, digits, "", ""), digits + 2)
    if exact:
        return text, Fraction(0), True
    places = len(text.partition(".")[2]) - power
    shown = Fraction(text) * Fraction(10) ** power
    return (f"{text}e{power}" if power else text), Fraction(1) / Fraction(10) ** places if shown else Fraction(0), False


def differ(a: Any, b: Any, tolerance: Fraction) -> bool:
    """Whether two arrays of numbers differ, for certain, by more than this somewhere: their balls lie apart."""
    first, second = np.ravel(np.asarray(a, dtype=object)), np.ravel(np.asarray(b, dtype=object))
    if first.shape != second.shape:
        return True
    apart = real(tolerance)
    return any(bool(abs(real(x) - real(y)) > apart) for x, y in zip(first, second, strict=True))


def tolerance_of(value: Any, digits: int) -> Fraction:
    """The largest tolerance of its numbers."""
    return max(told(x, digits)[1] for x in np.ravel(np.asarray(value, dtype=object)))


def _value(run: Run, ask: Ask) -> Any:
    return run.exact[ask.name]


def _gradient(run: Run, ask: Ask) -> Any:
    return run.gradient(ask.name)


def copies(run: Run, ask: Ask) -> bool:
    """Whether the answer is one of the given numbers whatever these are."""
    graph = run.source
    result = derivation(graph, "", ask.name).result if ASKS[ask.kind].by else graph.members[ask.name].element
    return isinstance(result, Element) and result.name in {i.name for i in graph.inputs}


def _solved_numbers(key: Callable[[Run, Ask], Any], wrt: bool, run: Run, ask: Ask) -> Solved:
    graph = run.source
    own = key(run, ask)
    made = wrongs(graph, graph.output.name, ask.name) if wrt else wrongs(graph, ask.name)
    found = []
    for wrong in made:
        value = _at(wrong, run)
        if value is not None and np.shape(value) == np.shape(own):
            found.append((wrong.mistake, value))
    return Solved(own, tuple(found))


def _at(wrong: Wrong, run: Run) -> Any:
    """A wrong answer at a run, None where it has no value."""
    try:
        return wrong.at(run)
    except (DomainError, Undecided):
        return None


def _written_numbers(sentence: str, by: bool, ask: Ask, solved: Solved, run: Run, page: Page) -> tuple[Inlines, Answer]:
    graph, name = run.source, ask.name
    context = page.context(graph)
    whole = _gradient_sign(graph, name, page) if by else context.called(name, len(graph.members[name].axes))
    prompt = inlines(*_sentence(page.say(sentence), whole))
    if ask.choices:
        right = Option(_equation(whole, solved.key, page))
        others = (Option(_equation(whole, value, page), slip_of(mistake, page)) for mistake, value in solved.wrong)
        return prompt, Choice((right, *others))
    shape = np.shape(solved.key)
    entries = tuple(_entry(graph, name, place, by, solved, page) for place in np.ndindex(shape))
    wrong = tuple(
        (tuple(value_of(x, page) for x in np.ravel(np.asarray(found, dtype=object))), slip_of(mistake, page))
        for mistake, found in solved.wrong
    )
    return prompt, Numbers(entries, shape, wrong)


def _entry(graph: Graph, name: str, place: tuple[int, ...], by: bool, solved: Solved, page: Page) -> Entry:
    """One number of an answer, with the wrong ones that differ from it and from one another."""

    def at(values: Any) -> Value:
        return value_of(np.asarray(values, dtype=object)[place], page)

    key = at(solved.key)
    wrong = {value.digits: (value, slip_of(mistake, page)) for mistake, found in reversed(solved.wrong) for value in [at(found)]}
    others = tuple(one for digits, one in reversed(wrong.items()) if digits != key.digits)
    return Entry(inlines(_entry_sign(graph, name, place, by, page)), key, others, key.tolerance == 0)


def value_of(value: Any, page: Page) -> Value:
    """A number as an answer on a page."""
    digits, tolerance, _ = told(value, page.digits)
    return Value(digits, tolerance, inlines(number(value, page.style, page.digits + 2)[0].layout))


def slip_of(mistake: str, page: Page) -> Slip:
    """What is said, in the language of a page, of who makes a mistake."""
    return Slip(mistake, page.say(NAMED[mistake].sentence), NAMED[mistake].credit)


def _sentence(pattern: str, what: Layout) -> tuple[Any, ...]:
    before, _, after = pattern.partition("{what}")
    return tuple(part for part in (before, what, after) if part != "")


def _equation(left: Layout, value: Any, page: Page) -> Inlines:
    shown, exact = array(value, page, page.digits + 2)
    return inlines(row(left, relation(exact), shown))


def _gradient_sign(graph: Graph, name: str, page: Page) -> Layout:
    """∂L/∂w, or ∇_w L."""
    from derive.teaching.blocks.gradient import matrix_side

    found = derivation(graph, "", name)
    context = page.context(graph)
    return matrix_side(found, context) if found.indices else layout(found.subject, context)


def _entry_sign(graph: Graph, name: str, place: tuple[int, ...], by: bool, page: Page) -> Layout:
    from sympy import Integer

    from derive.notation import definitions
    from derive.proof.forms import written_out

    context = page.context(graph)
    if by:
        found = derivation(graph, "", name)
        return layout(written_out(found.subject, found.indices, place), context) if place else layout(found.subject, context)
    return definitions.left_side(name, tuple(map(Integer, place)), context)


def _forward_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    return forward_blocks(run, page, ask.name, False)


def _backward_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    operations = run.source.is_scalar
    wanted = on_the_way(run, (ask.name,), operations)
    return (*forward_blocks(run, page, "", operations), *backward_to(run, page, wanted, operations))


# ---------------------------------------------------------------- formulas


def _solved_formula(run: Run, ask: Ask) -> Solved:
    graph = run.source
    found = derivation(graph, "", ask.name)
    distinct = {wrong.found.result: wrong for wrong in reversed(wrongs(graph, graph.output.name, ask.name)) if wrong.found}
    return Solved(found, tuple((wrong.mistake, wrong.found) for wrong in reversed(distinct.values())))


def _written_formula(ask: Ask, solved: Solved, run: Run, page: Page) -> tuple[Inlines, Answer]:
    found: Derivation = solved.key
    context = page.context(run.source)
    prompt = inlines(*_sentence(page.say(N_("Which formula is {what}?")), layout(found.subject, context)))
    options = [Option(_formula_of(found, run.source, page))]
    options += [Option(_formula_of(wrong, run.source, page), slip_of(mistake, page)) for mistake, wrong in solved.wrong]
    return prompt, Choice(tuple(options))


def _formula_of(found: Derivation, graph: Graph, page: Page) -> Inlines:
    context = page.context(found.graph).beside(found.indices)
    return inlines(row(layout(found.subject, page.context(graph)), EQUALS, layout(found.result, context)))


def _derivation_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    proved = prove(derivation(run.source, "", ask.name))
    return (Steps(derived_lines(proved, page)),)


# ---------------------------------------------------------------- the table

Solve = Callable[[Run, Ask], Solved]
Write = Callable[[Ask, Solved, Run, Page], tuple[Inlines, Answer]]


@dataclass(frozen=True)
class AskKind:
    """A kind of part: `solve` finds key and wrong answers, `write` puts it to a student, `solution` shows how it is found.

    `numeric` ones differ from state to state; `by` ones are about the gradient by a tensor.
    """

    solve: Solve
    write: Write
    solution: Callable[[Ask, Run, Page], Sequence[Block]]
    numeric: bool = True
    by: bool = True


ASKS: Mapping[str, AskKind] = {
    "value": AskKind(
        partial(_solved_numbers, _value, False),
        partial(_written_numbers, N_("Compute {what}."), False),
        _forward_solution,
        by=False,
    ),
    "gradient": AskKind(
        partial(_solved_numbers, _gradient, True),
        partial(_written_numbers, N_("Compute {what}."), True),
        _backward_solution,
    ),
    "formula": AskKind(_solved_formula, _written_formula, _derivation_solution, numeric=False),
}


def check_ask(ask: Ask, graph: Graph) -> None:
    """Raises DeriveError where a graph has nothing to be asked so."""
    if ask.kind not in ASKS:
        hint = nearest(ask.kind, ASKS) or said("There are {names}.", names=", ".join(ASKS))
        raise DeriveError(said("Nothing is asked by {word}.", word=ask.kind), hint=hint)
    if ask.name not in graph.members:
        hint = nearest(ask.name, graph.members) or said("It has {listed}.", listed=listed(graph.members))
        raise DeriveError(said("There is no {name} in this graph.", name=ask.name), hint=hint)
    if ASKS[ask.kind].by:
        if graph.output.axes:
            raise DeriveError(
                said("{name} is a tensor: a gradient is asked of a number.", name=graph.output.name),
                hint=said("Add a line that ends in a number, like L = sum(g*{name}).", name=graph.output.name),
            )
        derivation(graph, "", ask.name)
    elif ask.name in {i.name for i in graph.inputs}:
        raise DeriveError(said("{name} is given: its value is no question.", name=ask.name))
