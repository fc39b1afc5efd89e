r"""GIFT, the text that Moodle and others read: a category for each question, in it each of its states.

A question has one answer, so each part, and each number of a tensor, is a question of its own under the same text.  The signs
`\ ~ = # { } :` are escaped wherever a text stands, line ends are `\n`, and a wrong answer is one that earns less than all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from derive.exams.formats.bank import (
    NOWHERE,
    SEVERAL,
    Bank,
    Single,
    arrangements,
    decimal,
    digits,
    mistakes,
    mixed,
    placed,
    refusal,
    shelf,
    singles,
    tags,
    typed,
)
from derive.exams.formats.cloze import listed, starred
from derive.exams.formats.html import TexPrinter, asked, solution, words
from derive.exams.item import Choice, Code, Entry, Formula, Item, Order, Text
from derive.marks import mark
from derive.naming import one_line, slug
from derive.teaching.formats.escape import html

CALLED = "GIFT"


def gift(bank: Bank) -> Iterator[str]:
    """The file of a bank, piece by piece."""
    printer = TexPrinter(bank.source, bank.lang)
    before = ""
    yield f"// {mark(bank.source)}\n\n"
    for item in bank.items:
        for one in singles(item):
            category = "/".join(_step(title) for title in (shelf(bank), f"{words(item.title) or item.name} {one.number[1:]}"))
            if category != before:
                yield f"$CATEGORY: $course$/top/{category}\n\n"
            yield _question(item, one, printer, bank.lang)
            before = category


@lru_cache(maxsize=256)
def escaped(content: str) -> str:
    """Text of a question, an answer or a feedback."""
    return re.sub(r"[\\~=#{}:]", r"\\\g<0>", content).replace("\r", "").replace("\n", r"\n")


def _step(title: str) -> str:
    """A title as one step of the path of a category: on one line, a slash doubled."""
    return one_line(title, 200).replace("/", "//")


def _question(item: Item, one: Single, printer: TexPrinter, lang: str) -> str:
    part = one.part
    name = escaped(one_line(f"{words(item.title) or item.name} {item.state}{one.number}", 200))
    label = f"<p>{printer.line(one.entry.label)} =</p>" if one.entry else ""
    labels = " ".join(f"[tag:{re.sub(r'[][]', '', one_line(tag))}]" for tag in tags(item, [part]))
    about = f"// [id:{slug(item.name, 60)}-{item.state}{one.number}-{item.lang}] {labels}"
    text = escaped(f"{printer.page(item.body)}{asked(item, part, printer, lang)}{label}")
    found = solution(item, [part], printer)
    printer.files.clear()
    after = [f"####[html]{escaped(found)}"] if found else []
    # A line with nothing in it would end the question.
    inside = "\n".join([("{#" if one.entry else "{"), *_answers(item, one, printer), *after, "}"])
    return f"{about}\n::{name}::[html]{text}{inside}\n\n"


def _answers(item: Item, one: Single, printer: TexPrinter) -> Iterator[str]:
    if one.entry:
        yield from _number(one.entry)
        return
    match one.part.answer:
        case Choice(options) as choice:
            spelled = [printer.line(option.inlines) for option in options]
            for k in placed(choice, spelled):
                option = options[k]
                weight = f"%{listed(option.credit)}%" if option.slip and listed(option.credit) != "0" else ""
                why = _feedback(option.slip.feedback) if option.slip else ""
                yield f"{'~' if option.slip else '='}{weight}[html]{escaped(spelled[k])}{why}"
        case Text(accepted, _, wrong):
            yield from (f"={escaped(starred(way))}" for one_of in accepted for way in typed(one_of))
            for answer, slip in wrong:
                yield from (f"=%{listed(slip.credit)}%{escaped(starred(way))}{_feedback(slip.feedback)}" for way in typed(answer))
        case Order() as order:
            found = arrangements(order)
            if len(found) != 1:
                raise refusal(item, one.part, CALLED, SEVERAL)
            pairs = [(printer.line(order.lines[place]), str(k)) for k, place in enumerate(found[0], 1)]
            pairs += [(printer.line(line), NOWHERE) for line, _ in order.wrong]
            for k in mixed([line for line, _ in pairs]):
                yield f"=[html]{escaped(pairs[k][0])} -> {pairs[k][1]}"
        case Formula() | Code():
            return
        case _:
            raise refusal(item, one.part, CALLED)


def _number(entry: Entry) -> Iterator[str]:
    yield f"={digits(entry.key)}:{decimal(entry.key.tolerance)}"
    for value, slip in mistakes(entry):
        number = f"{digits(value)}:{decimal(value.tolerance)}"
        yield f"=%{listed(slip.credit)}%{number}{_feedback(slip.feedback)}"


def _feedback(why: str) -> str:
    return f"#[html]{escaped(html(why))}"
