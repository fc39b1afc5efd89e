"""Lines of a derivation asked for: which of them is wrong, and in which order they stand."""

from __future__ import annotations

from collections.abc import Sequence

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, swept
from derive.exams.asking.formulas import derivation_solution
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Choice, Option, Order
from derive.exams.mistakes import Wrong, wrongs
from derive.exams.solved import Ask, Solved, Unfit, differ, slip_of
from derive.graphs.graph import remembered
from derive.notation.layout import EQUALS, row
from derive.notation.terms import layout
from derive.teaching.blocks.gradient import lines_of
from derive.teaching.document import Block, Inlines, ItemList, Paragraph, inlines
from derive.teaching.page import Page
from derive.values.precision import DomainError, Undecided
from derive.values.run import Run, result_at

# ---------------------------------------------------------------- the wrong line


def solved_wrong_line(run: Run, ask: Ask) -> Solved:
    """A derivation with a mistake in one of its lines, which one is the question; the state decides which mistake.

    The line is found by evaluating all of them: up to it they are the derivative, from it on they are something else.
    """
    found = remembered(run.source, ("wrong lines", ask.name), lambda: _candidates(run, ask))
    if not found:
        raise Unfit("alike")
    wrong = found[sum(repr(sorted(run.point.typed.items())).encode()) % len(found)]
    place = _first_wrong(wrong, run)
    if place is None:
        raise Unfit("alike")
    return Solved((wrong, place), (("line", None),))


def _candidates(run: Run, ask: Ask) -> list[Wrong]:
    """A derivation for each mistake that is made in one of its lines."""
    made = [wrong for wrong in wrongs(run.source, run.source.output.name, ask.name) if wrong.found is not None]
    found = [wrong for wrong in made if _first_wrong(wrong, run) is not None]
    return list({wrong.mistake: wrong for wrong in reversed(found)}.values())


def _first_wrong(wrong: Wrong, run: Run) -> int | None:
    """The line in which a mistake is made, where it is made once and the line is no gradient put in."""
    found = wrong.found
    assert found is not None
    key = run.gradient(found.wrt)
    try:
        values = [result_at(run, found, step.line) for step in found.steps]
    except (DomainError, Undecided, KeyError, TypeError):
        return None
    right = [not differ(value, key) for value in values]
    first = right.index(False) if False in right else len(values)
    once = all(not differ(value, values[first]) for value in values[first:])
    return first if len(values) > 2 and 0 < first < len(values) and once and found.steps[first].family != "substitute" else None


def written_wrong_line(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The lines, numbered, and the number of one to be chosen."""
    wrong, place = solved.key
    subject, *lines = lines_of(wrong.found, page, "full")
    shown = tuple(
        (Paragraph(inlines(row(subject.body, EQUALS, line.body) if k == 0 else row(EQUALS, line.body))),)
        for k, line in enumerate(lines)
    )
    order = [place, *(k for k in range(len(lines)) if k != place)]
    follows = slip_of("line", page)
    options = tuple(
        Option(inlines(page.say(N_("line {number}")).format(number=k + 1)), None if k == place else follows, k + 1) for k in order
    )
    prompt = sentence(page, N_("One line of this derivation of {what} is wrong. Which?"), subject.body)
    return Written(prompt, Choice(options), (ItemList(shown, 1),))


def wrong_line_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """The derivation as it should be."""
    return derivation_solution(ask, run, page)


# ---------------------------------------------------------------- the order of the backward sweep


def solved_order(run: Run, ask: Ask) -> Solved:
    """The gradients from the output back to what is asked: each stands below those that it names."""
    graph = run.source
    found = list(remembered(graph, ("swept", ask.name), lambda: swept(derivation(graph, "", ask.name))).values())
    lines = [one for one in found if one.result != 0]
    if len(lines) < 2:
        raise Unfit("alike")
    wrong = [
        (w.mistake, w.found)
        for one in lines
        for w in wrongs(graph, graph.output.name, one.wrt)
        if w.found and w.found.graph is graph and w.found.result != one.result
    ]
    return Solved(tuple(lines), tuple(wrong[:2]))


def written_order(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The equations, to be put in order; some belong nowhere."""
    lines: Sequence[Derivation] = solved.key
    places = {one.wrt: k for k, one in enumerate(lines)}
    before = tuple(tuple(places[name] for name in one.named if name in places) for one in lines)
    answer = Order(
        tuple(_equation(one, page) for one in lines),
        before,
        tuple((_equation(one, page), slip_of(mistake, page)) for mistake, one in solved.wrong),
    )
    prompt = inlines(
        page.say(N_("Put the lines of the backward sweep in order, each below those that it needs. Some are wrong."))
    )
    return Written(prompt, answer)


def _equation(found: Derivation, page: Page) -> Inlines:
    context = page.context(found.graph).beside(found.indices)
    return inlines(row(layout(found.subject, context), EQUALS, layout(found.result, context)))


def order_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """Nothing more than the order."""
    return ()
