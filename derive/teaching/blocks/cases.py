"""The cases of a proof on a page: how often each was met, and which could not be compared."""

from __future__ import annotations

from typing import Any

from derive.calculus.rules import N_
from derive.calculus.terms import Delta, Index, factors
from derive.graphs.names import lettered
from derive.notation.layout import COMMA, Layout, joined
from derive.notation.terms import condition_layout
from derive.proof.cases import Case
from derive.proof.proof import Proved
from derive.teaching.document import Block, Math, Paragraph, Table, Text, inlines
from derive.teaching.page import Page

NOT_COMPARED = N_("Not compared, for no point was found there:")


def missed_notes(proved: Proved, page: Page) -> tuple[Block, ...]:
    """Which cases of a derivation were met at no point; nothing where all were."""
    parts: list[Any] = []
    for case, holds in proved.missed:
        parts += [Text("; " if parts else " "), Math(case_layout(proved, case, holds, page))]
    return (Paragraph((*inlines(page.say(NOT_COMPARED)), *parts, Text("."))),) if parts else ()


def cases_table(proved: Proved, page: Page) -> tuple[Block, ...]:
    """At how many points each case was met on both sides; left out are two indices that are equal or not, and what stands under
    conditions in a product.
    """
    rows: dict[str, tuple[Any, ...]] = {}
    for counted in proved.cases:
        case = counted.case
        plain = isinstance(case.test, Delta) and all(isinstance(a, Index) for a in case.test.args)
        if case.needed and not plain and (case.condition == 1 or case.branch):
            shown = case_layout(proved, case, True, page)
            numbers = map(inlines, (str(counted.holding), str(counted.failing)))
            rows.setdefault(repr(shown), (inlines(shown), *numbers))
    header = (N_("case"), N_("points where it holds"), N_("points where it fails"))
    return (Table(tuple(inlines(page.say(h)) for h in header), tuple(rows.values()), ("left", "right", "right")),) if rows else ()


def case_layout(proved: Proved, case: Case, holds: bool, page: Page) -> Layout:
    """A case on one side, then the conditions that it stands under: x > 3, i ≠ t."""
    found = proved.derivation
    context, conditions = page.context(found.graph), [case.relation(holds), *case.conditions]
    bound = dict.fromkeys(i for c in conditions for i in sorted(c.atoms(Index), key=str) if i.name.startswith("@"))
    taken = {*found.graph.taken, *(i.name for i in found.indices)} - {x for _, all_ in found.graph.letters for x in all_}
    letters = lettered(tuple(bound), found.graph.letters, taken | {i.name for i in found.indices})
    named = dict(zip(bound, letters, strict=True))
    return joined([condition_layout(c.xreplace(named), context) for c in conditions for c in factors(c)], COMMA)
