r"""LaTeX for auto-multiple-choice: a group for each question, of which every copy has one state, drawn by AMC.

A number is ticked digit by digit.  What it earns is a formula that AMC evaluates, with the digits that were ticked as the whole
number `intX`: so mistakes earn their part of the marks here, too, although nothing can be said of them.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from derive import marks as heads
from derive.calculus.rules import N_
from derive.errors import said
from derive.exams.formats.bank import (
    Bank,
    Files,
    Single,
    decimal,
    hint,
    letter,
    mark,
    mistakes,
    ordered,
    placed,
    refusal,
    singles,
)
from derive.exams.formats.html import words
from derive.exams.item import Choice, Entry, Item, Numbers, Value
from derive.naming import one_line, slug
from derive.teaching.document import Paragraph, inlines
from derive.teaching.formats.latex.columns import set_blocks
from derive.teaching.formats.latex.printer import ArticlePrinter, babel_options
from derive.teaching.formats.printer import environment

CALLED = "auto-multiple-choice"

PLACES = 9
"""A number of so many digits, at most, is ticked."""


class _Printer(ArticlePrinter):
    """Blocks of a question, in a frame as wide as a page."""

    width = 38.0


def amc(bank: Bank) -> Files:
    """The source of a bank, and its pictures beside it."""
    printer = _Printer(bank.source, bank.lang)
    elements = [_element(item, printer, bank.lang) for item in bank.items]
    options, marks = babel_options(bank.lang)
    text = (
        environment(printer.delimiters)
        .get_template("exams/amc.j2")
        .render(
            mark=heads.mark(bank.source),
            babel=options,
            marks=marks,
            title=printer.text(one_line(bank.title or bank.name)),
            name=printer.text(printer.say(N_("Name"))),
            elements=elements,
            groups=list(dict.fromkeys(str(element["group"]) for element in elements)),
        )
    )
    return {f"{slug(bank.name)}.{bank.lang}.amc.tex": text.encode(), **printer.files}


def _element(item: Item, printer: _Printer, lang: str) -> dict[str, object]:
    return {
        "group": slug(item.name, 60),
        "title": printer.text(one_line(words(item.title) or item.name)),
        "body": printer.blocks(set_blocks(item.body, printer.width)),
        "questions": [_question(item, one, printer, lang) for one in singles(item)],
    }


def _question(item: Item, one: Single, printer: _Printer, lang: str) -> dict[str, str]:
    part = one.part
    rounding = hint(part.answer, lang)
    label = [Paragraph(inlines(*one.entry.label, " ="))] if one.entry else []
    asked = inlines(letter(item, part), *part.prompt, f" {rounding}" if rounding else "")
    name = f"{slug(item.name, 60)}-{item.state}{one.number}"
    # The numbers of a tensor stand one under the other: what is asked is said above the first.
    first = not isinstance(part.answer, Numbers) or one.entry is part.answer.entries[0]
    blocks = [*([Paragraph(asked), *part.shown] if first else []), *label]
    told = {"name": name, "asked": printer.blocks(set_blocks(blocks, printer.width))}
    if one.entry:
        return told | {"kind": "questionmultx"} | _number(item, one, one.entry)
    if isinstance(part.answer, Choice):
        return told | {"kind": "question"} | _choice(part.answer, one.marks, printer)
    raise refusal(item, part, CALLED)


def _choice(answer: Choice, marks: Fraction, printer: _Printer) -> dict[str, str]:
    spelled = [printer.inlines(option.inlines) for option in answer.options]
    told = []
    for k in placed(answer, spelled):
        kind, earned = "wrong" if answer.options[k].slip else "correct", mark(marks * answer.options[k].credit)
        told.append(rf"\{kind}choice{{{spelled[k]}}}\scoring{{{earned}}}")
    place = "\n".join([f"\\begin{{choices}}{'[o]' if ordered(answer) else ''}", *told, "\\end{choices}"])
    return {"scoring": rf"\scoring{{e=0,v=0,b={mark(marks)},m=0}}", "place": place}


def _number(item: Item, one: Single, entry: Entry) -> dict[str, str]:
    known = [entry.key, *(value for value, _ in mistakes(entry))]
    places = max(_places(value) for value in known)
    whole = max(len(str(int(abs(value.number)))) for value in known)
    if whole + places > PLACES:
        raise refusal(item, one.part, CALLED, said("a number of more than {digits} digits", digits=PLACES))
    earned = "0"
    for value, slip in reversed(mistakes(entry)):
        earned = f"({_near(value, places)} ? {mark(one.marks * slip.credit)} : {earned})"
    earned = f"({_near(entry.key, places)} ? {mark(one.marks)} : {earned})"
    about = f"digits={whole + places},decimals={places},sign=true,scoring=false"
    return {
        "scoring": rf"\scoring{{haut=,mz=,d=undef,p=undef,e=0,v=0,formula={earned}}}",
        "place": rf"\AMCnumericChoices{{{decimal(entry.key.number)}}}{{{about}}}",
    }


def _places(value: Value) -> int:
    """How many decimals a number has."""
    return (
        len(decimal(value.number).partition(".")[2]) if not value.tolerance else len(decimal(value.tolerance).partition(".")[2])
    )


def _near(value: Value, places: int) -> str:
    """Whether what was ticked is a number, in units of the last place."""
    unit = 10**places
    return f"abs(intX-({decimal(value.number * unit)}))<={ceil(value.tolerance * unit)}"
