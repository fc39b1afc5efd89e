"""The numerical gradient check on a page: analytic against centred differences, the error's order, a planted mistake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from derive.calculus.normal import normal
from derive.calculus.rules import N_
from derive.calculus.terms import factors, terms
from derive.derivation.choice import gradient_by
from derive.notation.layout import Script, Sign, row
from derive.notation.style import name_layout, power_of_ten
from derive.notation.terms import layout
from derive.proof.gradcheck import NOISE, Check, Checked, check, checked
from derive.teaching.blocks.numbers import number
from derive.teaching.document import Block, Inlines, Paragraph, Table, inlines
from derive.teaching.page import Page
from derive.values.run import Run

DOUBTS = {
    "": N_("differs"),
    "overflow": N_("cannot be told: float64 holds no number as large as those on the way"),
    "rounding": N_("cannot be told: rounding in float64 hides the difference"),
    "step": N_("cannot be told: the function bends, or has a kink, nearer than the step h"),
}
"""What is said of an entry whose difference does not agree."""

ROWS = 8
"""At most this many entries of a gradient are listed; the worst ones are."""


def check_blocks(run: Run, wrt: str, page: Page, mistake: bool = False) -> tuple[Block, ...]:
    """A check and its error by step; with `mistake` the check again, of a gradient with a part left out."""
    if not mistake:
        return checked_blocks(checked(run, wrt), page)
    table = _table(check(run, wrt), wrt, page)
    found = gradient_by(run.source, wrt)
    lost, wrong = _planted(found.result)
    said = page.say(N_("A mistake, planted: the gradient without"))
    return (
        table,
        Paragraph(inlines(said + " ", layout(lost, page.context(found.graph)), ".")),
        _table(check(run, wrt, wrong), wrt, page),
    )


def checked_blocks(done: Checked, page: Page) -> tuple[Block, ...]:
    """A check that was made, and its error by step."""
    table = _table(done.check, done.check.wrt, page)
    return (table, _silent_note(page)) if _silent(done.check) else (table, _orders(done, page))


def _silent(result: Check) -> bool:
    """Whether both sides are 0 in every entry."""
    return not any(entry.analytic or abs(entry.numeric) > NOISE for entry in result.rows)


def _silent_note(page: Page) -> Paragraph:
    """That a check of zeros says little."""
    zero = N_("The gradient is 0 in every entry here, and so are the differences: the check says little. Other values tell more.")
    return Paragraph(inlines(page.say(zero)))


def _planted(result: Any) -> tuple[Any, Any]:
    """What a mistake forgets, and what is left: the last term of a sum, or the last factor of a product."""
    whole = normal(result)
    parts = terms(whole) if whole.is_Add else factors(whole)
    lost = parts[-1]
    return lost, whole - lost if whole.is_Add else whole / lost


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
        cells = [*(_number(v, page) for v in (line.analytic, line.numeric)), error_layout(line.error, page)]
        verdict = page.say(N_("agrees") if line.agrees else DOUBTS[line.doubt])
        rows.append((inlines(entry), *cells, inlines(verdict)))
    return Table(header, tuple(rows), ("left", "right", "right", "right", "left"))


def error_layout(value: float, page: Page, rounding: int = 10) -> Inlines:
    """An error in two digits; below 10^-rounding rounding decides, and its digits say nothing."""
    if not math.isfinite(value):
        return inlines(Sign("–", "–"))
    if value < 10.0**-rounding:
        return inlines(row(Sign(r"{<}\,", "< "), power_of_ten(-rounding)))
    digits, exponent = f"{value:.1e}".split("e")
    if not -5 < int(exponent) < -1:
        return inlines(number(value, replace(page.style, digits=2))[0].layout)
    return inlines(row(page.style.number(digits), Sign(r" \times ", " × "), power_of_ten(int(exponent))))  # as those below it


def _number(value: float, page: Page) -> Inlines:
    return inlines(number(value, page.style)[0].layout if math.isfinite(value) else Sign("–", "–"))


def _orders(done: Checked, page: Page) -> Table:
    """The largest error for each step h; its order is how fast it falls with h."""
    header = (inlines(Sign("h", "h")), inlines(page.say(N_("largest error"))), inlines(page.say(N_("order"))))
    rows = []
    for step, error, order in done.orders:
        power = power_of_ten(-step)
        rows.append(
            (inlines(power), error_layout(error, page), inlines("" if order is None else page.style.number(f"{order:.1f}")))
        )
    return Table(header, tuple(rows), ("right", "right", "right"))


def kink_note(names: Sequence[str], page: Page) -> Paragraph:
    """At which definitions a kink lies, and what is taken for the derivative there."""
    lies = page.say(N_("At these values a kink lies in:"))
    taken = page.say(
        N_(
            "By convention max(0, a), min(0, a) and |a| have slope 0 at a = 0, and of equal arguments or entries the first "
            "counts; centred differences may differ."
        )
    )
    return Paragraph(inlines(f"{lies} {', '.join(names)}. {taken}"))
