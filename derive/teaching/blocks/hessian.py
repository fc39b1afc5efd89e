"""What is to be said of a second derivative on a page."""

from __future__ import annotations

from derive.calculus.kinks import has_kink
from derive.calculus.rules import N_
from derive.derivation.second_order import gradient_of, is_freed, is_symmetric
from derive.proof.proof import Proved
from derive.teaching.document import Block, Paragraph, inlines
from derive.teaching.page import Page

SYMMETRIC = N_("The Hessian is symmetric.")
FREE = N_("The entries of {name} are moved freely; that their sum is 1 is not used.")
KINK = N_("At a kink there is no second derivative. What is written holds everywhere else, where a condition has derivative 0.")


def notes(proved: Proved, page: Page) -> tuple[Block, ...]:
    """That a Hessian is symmetric, and what holds at its kinks."""
    found = proved.derivation
    lines = (gradient_of(found).result, *(step.line for step in found.steps))
    said = [FREE] if is_freed(found) else []
    said += [SYMMETRIC] if found.indices and found.result != 0 and is_symmetric(found) else []
    said += [KINK] if any(map(has_kink, lines)) else []
    return tuple(Paragraph(inlines(page.say(message).format(name=found.wrt))) for message in said)
