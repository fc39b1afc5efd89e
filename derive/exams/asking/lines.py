"""Lines of a derivation asked for: which of them is wrong, and in which order they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, swept
from derive.exams.asking.formulas import derivation_solution
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Choice, Option, Order
from derive.exams.mistakes import NAMED, wrongs
from derive.exams.solved import Ask, Solved, Unfit, differ, slip_of
from derive.graphs.graph import Graph, remembered
from derive.notation.layout import EQUALS, row
from derive.notation.terms import layout
from derive.teaching.blocks.gradient import lines_of
from derive.teaching.document import Block, Inlines, Line, Paragraph, Steps, inlines
from derive.teaching.page import Page
from derive.values.precision import DomainError, Undecided
from derive.values.run import Run, result_at

# ---------------------------------------------------------------- the wrong line


def solved_wrong_line(run: Run, ask: Ask) -> Solved:
    """A derivation with a mistake in one of its lines, which one is the question; the state decides which mistake.

    The line is found by evaluating all of them: up to it they are the derivative, from it on they are something else.
    """
    every = wrongs(run.source, run.source.output.name, ask.name)
    made = [w for w in every if w.found and _of_the_same(w.found.graph, run.source)]
    start = sum(repr(sorted(run.point.typed.items())).encode())
    for k in range(len(made)):
        wrong = made[(start + k) % len(made)]
        if wrong.found and (lines := _to_be_found(wrong.found, run)) is not None:
            return Solved((wrong.mistake, *lines), (("line", None),))
    raise Unfit("alike")


def _of_the_same(graph: Graph, source: Graph) -> bool:
    """Whether the definitions of a graph read as those of another, and print as they do."""
    return graph.inputs == source.inputs and all(
        node.body == other.body for node, other in zip(graph.nodes, source.nodes, strict=True)
    )


def _to_be_found(found: Derivation, run: Run) -> tuple[Derivation, int] | None:
    """The lines of a derivation and the place of that in which a mistake is made, if it is made in one of them alone.

    They end where another gradient is put in, in which it would be made again.
    """
    key = run.gradient(found.wrt)
    try:
        values = [result_at(run, found, step.line) for step in found.steps]
    except (DomainError, Undecided, KeyError, TypeError):
        return None
    first = next((k for k, value in enumerate(values) if differ(value, key)), 0)
    end = next((k for k in range(first, len(values)) if differ(values[k], values[first])), len(values))
    again = end < len(values) and found.steps[end].family != "substitute"
    if not first or end < 3 or again or found.steps[first].family == "substitute":
        return None
    return replace(found, steps=found.steps[:end]), first


def written_wrong_line(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The lines, numbered, and the number of one to be chosen."""
    _, wrong, place = solved.key
    subject, *lines = lines_of(wrong, page, "full")
    numbered = (Line(line.body, EQUALS, inlines(_line(k, page))) for k, line in enumerate(lines, 1))
    order = [place, *(k for k in range(len(lines)) if k != place)]
    follows = slip_of("line", page)
    options = tuple(Option(inlines(_line(k + 1, page)), None if k == place else follows, k + 1) for k in order)
    prompt = sentence(page, N_("One line of this derivation of {what} is wrong. Which?"), subject.body)
    return Written(prompt, Choice(options), (Steps((subject, *numbered)),))


def _line(number: int, page: Page) -> str:
    """What a line of a derivation is called."""
    return page.say(N_("line {number}")).format(number=number)


def wrong_line_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """What is wrong with the line, and the derivation as it should be."""
    mistake, _, _ = solved_wrong_line(run, ask).key
    return (Paragraph(inlines(page.say(NAMED[mistake].sentence))), *derivation_solution(ask, run, page))


# ---------------------------------------------------------------- the order of the backward sweep


def solved_order(run: Run, ask: Ask) -> Solved:
    """The gradients from the output back to what is asked: each stands below those that it names."""
    graph = run.source
    found = list(remembered(graph, ("swept", ask.name), lambda: swept(derivation(graph, "", ask.name))).values())
    lines = [one for one in found if one.result != 0]
    if not any(name in {other.wrt for other in lines} for one in lines for name in one.named):
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
