"""A formula that is derived and typed: in the graph language, or as LaTeX and textbooks have it."""

from __future__ import annotations

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Formula
from derive.exams.solved import Ask, Solved, slip_of
from derive.notation.layout import EQUALS, latex, row
from derive.notation.terms import layout
from derive.teaching.document import inlines
from derive.teaching.page import Page
from derive.values.run import Run


def written_typed(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The gradient, to be derived; what mistakes lead to is known by its formula."""
    found: Derivation = solved.key
    plain = Page(index_base=page.index_base, digits=page.digits)
    context = page.context(run.source)
    subject = layout(found.subject, context)
    answer = Formula(
        _typed(found, plain),
        inlines(row(subject, EQUALS, layout(found.result, context.beside(found.indices)))),
        run.source.source,
        latex(layout(found.subject, plain.context(run.source))),
        ask.name,
        tuple((_typed(wrong, plain), slip_of(mistake, page)) for mistake, wrong in solved.wrong if wrong.graph is run.source),
    )
    return Written(sentence(page, N_("Derive {what}."), subject), answer)


def _typed(found: Derivation, page: Page) -> str:
    """A result as LaTeX in English, which is read back."""
    return latex(layout(found.result, page.context(found.graph).beside(found.indices)))
