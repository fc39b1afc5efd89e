"""Second derivatives on a page: the gradient, then the blocks of the Hessian and what is to be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import gradient_of, is_freed, is_square, is_symmetric, second_derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.notation.terms import layout
from derive.proof.kinks import has_kink
from derive.proof.proof import Proved, prove
from derive.teaching.blocks.gradient import Detail, derivation_steps, matrix_side, result_lines
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.document import Block, Line, Paragraph, Steps, inlines
from derive.teaching.page import Page
from derive.values.evaluator import forward
from derive.values.run import Run

SYMMETRIC = N_("The Hessian is symmetric.")
FREE = N_("The entries of {name} are moved freely; that their sum is 1 is not used.")
KINK = N_("At a kink there is no second derivative. What is written holds everywhere else, where a condition has derivative 0.")


def hessians(graph: Graph, wrt: Sequence[str] = ()) -> tuple[Proved, ...]:
    """The second derivatives of a definition's output, each after the gradient it was taken of, all proved.

    By every two of `wrt`, or by every two inputs where the block has two indices at most.  Raises DeriveError where the
    output is a tensor or nothing is that small, ProofError where a line cannot be shown.
    """
    of = graph.output.name
    reached = graph.ancestors(of) - {of}
    for name in wrt:
        derivation(graph, of, name)
        if name not in reached:
            raise DeriveError(f"{of} is not computed from {name}")
    names = wrt or [i.name for i in graph.inputs if i.differentiable and i.name in reached]
    pairs = [
        (a, b)
        for a, b in combinations_with_replacement(names, 2)
        if wrt or len(graph.members[a].axes) + len(graph.members[b].axes) <= 2
    ]
    if not pairs:
        second_derivation(graph, of, names[:1])  # says so where the output is a tensor
        raise DeriveError(
            f"every second derivative of {of} by an input has more than two indices",
            hint=f"Say by what: --wrt {names[0]}",
        )
    found: dict[tuple[str, str, str], Derivation] = {}
    for pair in pairs:
        second = second_derivation(graph, of, pair)
        for d in (gradient_of(second), second):
            found.setdefault((d.of, d.wrt, str(d.result)), d)  # a gradient is shown once
    return tuple(map(prove, found.values()))


def title_of(found: Derivation, page: Page) -> str:
    """What a second derivative is called: the Hessian by one vector or matrix, or just that."""
    return page.say(N_("Hessian") if is_square(found) and found.indices else N_("Second derivative"))


def hessian_blocks(proved: Proved, page: Page, detail: Detail, run: Run | None = None) -> tuple[Block, ...]:
    """A second derivative line by line, its matrix form and cases, its numbers at a run, and the notes."""
    numbers = () if run is None else value_lines(proved.derivation, run, page)
    lines = (*derivation_steps(proved, page, detail).lines, *result_lines(proved, page), *numbers)
    return (Steps(lines), *notes(proved, page))


def notes(proved: Proved, page: Page) -> tuple[Block, ...]:
    """That a Hessian is symmetric, and what holds at its kinks."""
    found = proved.derivation
    lines = (gradient_of(found).result, *(step.line for step in found.steps))
    said = [FREE] if is_freed(found) else []
    said += [SYMMETRIC] if found.indices and found.result != 0 and is_symmetric(found) else []
    said += [KINK] if any(map(has_kink, lines)) else []
    return tuple(Paragraph(inlines(page.say(message).format(name=found.wrt))) for message in said)


def value_lines(found: Derivation, run: Run, page: Page) -> tuple[Line, ...]:
    """A second derivative at the point of a run, where it has two indices at most."""
    if len(found.indices) > 2:
        return ()
    point = forward(found.graph, run.values.sizes, {i.name: run.exact[i.name] for i in found.graph.inputs})
    numbers, exact = array(np.array(point.array(found.result, found.indices), dtype=object), page.style)
    context = page.context(found.graph)
    left = matrix_side(found, context) if found.indices else layout(found.subject, context)
    return (Line(left), Line(numbers, relation(exact)))
