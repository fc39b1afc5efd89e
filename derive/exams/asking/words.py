"""The sentences that ask."""

from __future__ import annotations

from dataclasses import dataclass

from derive.exams.item import Answer
from derive.notation.layout import Layout
from derive.teaching.document import Block, Inlines, inlines
from derive.teaching.page import Page


@dataclass(frozen=True)
class Written:
    """A part as it is put to a student: what is asked, how it is answered, and what is shown under the question."""

    prompt: Inlines
    answer: Answer
    shown: tuple[Block, ...] = ()


def sentence(page: Page, pattern: str, what: Layout) -> Inlines:
    """A sentence of the page's language with a formula in the place of {what}."""
    before, _, after = page.say(pattern).partition("{what}")
    return inlines(*(part for part in (before, what, after) if part != ""))
