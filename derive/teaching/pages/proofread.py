"""What `derive proofread` says: every step with what was found of it, and of each that is wrong where the two sides differ."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.checking.proofread import Proofread, Step, Unread
from derive.checking.verdict import PROVED, REFUTED, UNDECIDED
from derive.checking.witness import Witness
from derive.errors import in_language, visible
from derive.graphs.graph import Graph
from derive.notation.layout import COMMA, EQUALS, Layout, Sign, joined, row
from derive.notation.style import letter
from derive.teaching.blocks.numbers import array, relation
from derive.teaching.document import Block, CodeBlock, CodeSpan, Document, Paragraph, Slide, Table, inlines
from derive.teaching.page import Page
from derive.teaching.translation import message_translator

KINDS = {PROVED: N_("proved"), REFUTED: N_("refuted"), UNDECIDED: N_("undecided"), "unread": N_("not read")}

HOW = {"normal form": N_("normal form"), "algebra": N_("algebra"), "cases": N_("case by case")}

SHOWN, MOST_SHOWN = 56, 600
"""So many characters of a formula stand in the table, and below it."""

WIDTH = 88
"""A line of a formula has at most so many."""


def proofread_page(found: Proofread, page: Page, title: str = "") -> Document:
    """What was found as a document: a table of the steps, then what there is to say of those that are not proved."""
    say = page.say
    slides = [Slide(inlines(say(N_("Steps"))), (_table(found, page), Paragraph(inlines(_summary(found, page)))))]
    slides += [
        Slide(inlines(say(N_("Line {line}")).format(line=item.place.line)), tuple(_said(item, found.graph, page)))
        for item in found.items
        if isinstance(item, Unread) or item.verdict.kind != PROVED
    ]
    return Document(title or say(N_("Derivation")), tuple(slides), page.lang)


def _table(found: Proofread, page: Page) -> Table:
    header = (N_("line"), N_("step"), N_("verdict"), N_("how"))
    rows = []
    for item in found.items:
        if isinstance(item, Unread):
            rows.append(
                (
                    str(item.place.line),
                    CodeSpan(_short(item.place.text[max(0, item.place.start - 12) :])),
                    page.say(KINDS["unread"]),
                    "",
                )
            )
            continue
        step = CodeSpan(_short(f"{item.relation} {item.right}"))
        why = item.verdict.why if item.verdict.kind == PROVED else item.mistake
        how = page.say(HOW[why]) if why in HOW else _translated(page)(why)
        rows.append((str(item.place.line), step, page.say(KINDS[item.verdict.kind]), how))
    cells = tuple((inlines(a), inlines(b), inlines(c), inlines(d)) for a, b, c, d in rows)
    return Table(tuple(inlines(page.say(h)) for h in header), cells, ("right", "left", "left", "left"))


def _summary(found: Proofread, page: Page) -> str:
    counts = {kind: found.count(kind) for kind in KINDS}
    of = page.say(N_(": {why}"))
    shown = [page.say(word) + of.format(why=counts[kind]) for kind, word in KINDS.items() if counts[kind]]
    return ", ".join(shown) + "."


def _said(item: Step | Unread, graph: Graph, page: Page) -> list[Block]:
    """What there is to say of a step that is not proved, or of what could not be read."""
    translate = _translated(page)
    if isinstance(item, Unread):
        return [CodeBlock(item.error.text(message_translator(page.lang)))]
    lines = [*_wrapped(item.left), *_wrapped(f"{item.relation} {item.right}")]
    blocks: list[Block] = [CodeBlock("\n".join(lines))]
    verdict = item.verdict
    sentence = page.say(KINDS[verdict.kind]) + page.say(N_(": {why}")).format(why=translate(verdict.why))
    blocks.append(Paragraph(inlines(_sentence(sentence))))
    if verdict.witness is not None:
        blocks += _witness(verdict.witness, graph, page)
    if item.mistake:
        blocks.append(Paragraph(inlines(_sentence(translate(item.mistake)))))
    return blocks


def _witness(witness: Witness, graph: Graph, page: Page) -> list[Block]:
    """Where the two sides differ, and what each is there."""
    context = page.context(graph)
    base = context.style.index_base
    given = [
        _equation(context.called(name, np.ndim(_whole(value))), _printed(graph, name, value, base), page)
        for name, value in witness.inputs
    ]
    entry = [row(letter(name), EQUALS, Sign(str(k + base), str(k + base))) for name, k in witness.entry]
    where = joined([*given, *entry], COMMA) if (given or entry) else None
    sides = []
    for words, value in ((N_("left of the sign"), witness.first), (N_("right of it"), witness.second)):
        numbers, exact = array(value, page)
        sides.append((inlines(page.say(words)), inlines(row(*([] if exact else [Sign(r"\approx ", "≈ ")]), numbers))))
    blocks: list[Block] = []
    if where is not None:
        blocks.append(Paragraph(inlines(page.say(N_("The two differ at")) + " ", where, ".")))
    blocks.append(Table((), tuple(sides), ("left", "left")))
    return blocks


def _whole(value: Any) -> Any:
    return np.asarray(value, dtype=object)


def _printed(graph: Graph, name: str, value: Any, base: int) -> Any:
    """The value of an input as it is printed: labels count from where indices do."""
    values = _whole(value)
    return values + base if getattr(graph.members[name], "kind", "") == "label" else values


def _equation(name: Layout, values: Any, page: Page) -> Layout:
    numbers, exact = array(values, page)
    return row(name, relation(exact), numbers)


def _short(text: str, most: int = SHOWN) -> str:
    words = visible(re.sub(r"\s+", " ", text)).strip()
    return words if len(words) <= most else words[: most - 1] + "…"


def _wrapped(text: str) -> list[str]:
    """A formula as it was typed, in lines that a page holds."""
    return textwrap.wrap(_short(text, MOST_SHOWN), WIDTH, subsequent_indent="    ", break_long_words=True)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].removesuffix(".") + "."


def _translated(page: Page) -> Callable[[str], str]:
    """What is said of formulas, in the language of the page."""
    translate = message_translator(page.lang)
    return lambda message: in_language(message, translate)
