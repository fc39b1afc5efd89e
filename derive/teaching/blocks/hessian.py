"""Second derivatives on a page: the gradient, then the blocks of the Hessian and what is to be said of them."""

from __future__ import annotations

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import gradient_of, is_freed, is_square, is_symmetric
from derive.notation.terms import layout
from derive.proof.kinks import has_kink
from derive.proof.proof import Proved
from derive.teaching.blocks.gradient import Detail, derivation_steps, matrix_side, result_lines
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.document import Block, Line, Paragraph, Steps, inlines
from derive.teaching.page import Page
from derive.values.run import Run, result_at

SYMMETRIC = N_("The Hessian is symmetric.")
FREE = N_("The entries of {name} are moved freely; that their sum is 1 is not used.")
KINK = N_("At a kink there is no second derivative. What is written holds everywhere else, where a condition has derivative 0.")


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
    numbers, exact = array(result_at(run, found), page.style)
    context = page.context(found.graph)
    left = matrix_side(found, context) if found.indices else layout(found.subject, context)
    return (Line(left), Line(numbers, relation(exact)))
