"""The numerical gradient check on a page: analytic against centred differences, the error's order, a planted mistake."""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.rules import N_
from derive.calculus.terms import terms
from derive.derivation import derivation
from derive.gradcheck import Check, check, errors_by_step
from derive.notation.layout import Script, Sign, row
from derive.notation.style import name_layout
from derive.notation.terms import layout
from derive.run import Run
from derive.teaching.document import Block, Inlines, Paragraph, Table, inlines
from derive.teaching.numbers import number
from derive.teaching.page import Page

ROUNDING = 1e-10

ROWS = 8
"""At most this many entries of a gradient are listed; the worst ones are."""


def check_blocks(run: Run, wrt: str, page: Page, mistake: bool = False) -> tuple[Block, ...]:
    """The table of a check and of its error by step; with `mistake`, again with a term of the gradient left out."""
    found = derivation(run.source, "", wrt)
    blocks: list[Block] = [_table(check(run, wrt), wrt, page), _orders(run, wrt, page)]
    if mistake:
        lost = terms(found.result)[-1]
        wrong = found.result - lost
        context = page.context(run.source)
        said = page.say(N_("A mistake, planted: the gradient without its term"))
        blocks += [Paragraph(inlines(said + " ", layout(lost, context), ".")), _table(check(run, wrt, wrong), wrt, page)]
    return tuple(blocks)


def _table(result: Check, wrt: str, page: Page) -> Table:
    name = name_layout(wrt, len(result.rows[0].entry))
    header = (
        inlines(page.say(N_("entry"))),
        inlines(page.say(N_("analytic"))),
        inlines(page.say(N_("numeric"))),
        inlines(page.say(N_("relative error"))),
        inlines(""),
    )
    rows = []
    for line in result.rows[:ROWS]:
        index = Sign(*["".join(str(k + page.style.index_base) for k in line.entry)] * 2)
        entry = Script(name, index) if line.entry else name
        cells = [*(_number(v, page) for v in (line.analytic, line.numeric)), _error(line.error, page)]
        verdict = page.say(N_("agrees")) if line.agrees else page.say(N_("differs"))
        rows.append((inlines(entry), *cells, inlines(verdict)))
    return Table(header, tuple(rows), ("left", "right", "right", "right", "left"))


def _error(value: float, page: Page) -> Inlines:
    """An error in two digits; below 1e-10 rounding decides, and its digits say nothing."""
    if value < ROUNDING:
        return inlines(row(Sign(r"{<}\,", "< "), Script(Sign("10", "10"), None, Sign("-10", "−10"))))
    return inlines(number(value, replace(page.style, digits=2))[0].layout)


def _number(value: float, page: Page) -> Inlines:
    return inlines(number(value, page.style)[0].layout)


def _orders(run: Run, wrt: str, page: Page) -> Table:
    """The largest error for each step h; its order is how fast it falls with h."""
    header = (inlines(Sign("h", "h")), inlines(page.say(N_("largest error"))), inlines(page.say(N_("order"))))
    rows = []
    for step, error, order in errors_by_step(run, wrt):
        power = row(Script(Sign("10", "10"), None, Sign(f"-{step}", f"−{step}")))
        rows.append((inlines(power), _error(error, page), inlines("") if order is None else _number(round(order, 2), page)))
    return Table(header, tuple(rows), ("right", "right", "right"))
