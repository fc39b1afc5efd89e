"""One derivative on a page, as it is asked for, of the first order or of the second."""

from __future__ import annotations

from collections.abc import Sequence

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import SecondDerivation, gradient_of, is_square
from derive.errors import said
from derive.notation.terms import layout
from derive.proof.proof import Proved
from derive.teaching.blocks.cases import missed_notes
from derive.teaching.blocks.gradient import (
    derived_lines,
    entry_lines,
    matrix_side,
    one_hot_note,
    statement_lines,
    step_lines,
    summary_lines,
)
from derive.teaching.blocks.hessian import notes
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.document import Block, Line, Paragraph, Steps
from derive.teaching.page import Page
from derive.teaching.request import View
from derive.values.precision import DomainError
from derive.values.run import Run, result_at

DEFAULT = View()

MOST_INDICES = 2
"""A second derivative with more indices has its numbers nowhere."""


def title_of(found: Derivation, page: Page) -> str:
    """What a derivative is called."""
    if isinstance(found, SecondDerivation):
        return page.say(N_("Hessian") if is_square(found) and found.indices else N_("Second derivative"))
    return page.say(N_("Jacobian")) if found.subject.output.indices else page.say(N_("Gradient"))


def derivative_blocks(proved: Proved, page: Page, view: View = DEFAULT, run: Run | None = None) -> tuple[Block, ...]:
    """A derivative by its entries, its result alone or line by line, then its numbers and what is to be said of it."""
    found, second = proved.derivation, isinstance(proved.derivation, SecondDerivation)
    numbers: tuple[Line, ...] = ()
    if run is not None and not (second and len(found.indices) > MOST_INDICES):
        numbers = value_lines(found, run, page)
    lines = (*_lines(proved, view, page), *numbers)
    remarks = (*(notes(proved, page) if second else ()), *missed_notes(proved, page))
    return (*([Steps(lines)] if lines else []), *remarks)


def _lines(proved: Proved, view: View, page: Page) -> tuple[Line, ...]:
    if view.entries:
        return entry_lines(proved, page, view.result)
    if view.steps:
        return derived_lines(proved, page, view.detail) if view.result else step_lines(proved, page, view.detail)
    return statement_lines(proved, page) if view.result else ()


def summary_blocks(proved: Sequence[Proved], page: Page) -> tuple[Block, ...]:
    """The results of several derivatives, one a line, then what is to be said of them, once."""
    lines = [line for p in proved for line in summary_lines(p, page)]
    said = dict.fromkeys(note for p in proved if (note := one_hot_note(p.derivation, page)))
    remarks = dict.fromkeys(note for p in proved for note in missed_notes(p, page))
    return (Steps(tuple(lines)), *map(Paragraph, said), *remarks)


def value_lines(found: Derivation, run: Run, page: Page) -> tuple[Line, ...]:
    """A derivative at the point of a run."""
    try:
        values = result_at(run, found)
    except DomainError as error:
        pattern = (
            "The second derivative by {names} has no value here: {message}."
            if isinstance(found, SecondDerivation)
            else "The derivative by {names} has no value here: {message}."
        )
        names = ", ".join(
            dict.fromkeys((gradient_of(found).wrt, found.wrt) if isinstance(found, SecondDerivation) else (found.wrt,))
        )
        raise DomainError(said(pattern, names=names, message=error.message)) from None
    numbers, exact = array(values, page)
    context = page.context(found.graph)
    left = matrix_side(found, context) if found.indices else layout(found.subject, context)
    return (Line(left), Line(numbers, relation(exact)))
