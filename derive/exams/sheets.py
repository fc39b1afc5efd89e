"""A paper, and its key, as a document: what any printer of documents sets."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from derive.calculus.rules import N_
from derive.exams.item import Choice, Code, Entry, Formula, Item, Numbers, Option, Order, Paper, Part, Text
from derive.exams.source import Exam
from derive.notation.layout import EQUALS
from derive.notation.style import decimal
from derive.teaching.document import (
    Block,
    CodeBlock,
    CodeSpan,
    Document,
    Heading,
    Inlines,
    ItemList,
    Paragraph,
    Slide,
    Strong,
    inlines,
)
from derive.teaching.page import Page

BLANK = "_" * 16
LINE = "_" * 50
LINES = 4
"""So many lines are left for a formula that is derived, and for code."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"


EITHER = N_("Or:")
"""Between mistakes one of which explains an answer."""

Given = tuple[Paper, Sequence[Item]]
"""A paper and its questions in a language."""


def sheet(exam: Exam, papers: Sequence[Given], lang: str, key: bool = False) -> Document:
    """The papers of some students in a language, or the keys, each beginning on a fresh page."""
    page = exam.page(lang)
    title = exam.lecture.about.title[lang]
    named = page.say(N_("{title}: key")).format(title=title) if key else title
    slides = [slide for paper, items in papers for slide in _slides(exam, paper, items, page, key)]
    return Document(named, tuple(slides), lang, exam.lecture.about.author, exam.lecture.source)


def _slides(exam: Exam, paper: Paper, items: Sequence[Item], page: Page, key: bool) -> list[Slide]:
    total = marks(sum((one.marks for one in items), Fraction(0)), page)
    top = Slide((), (Paragraph(inlines(Strong(inlines(paper.student)), f" — {total}")),), level=0)
    questions = (
        Slide(_title(number, one, page), (*one.body, *_parts(one, paper, page, key))) for number, one in enumerate(items, 1)
    )
    return [top, *exam.intro.get(page.lang, ()), *questions]


def _title(number: int, one: Item, page: Page) -> Inlines:
    return inlines(f"{number}. ", *one.title, f" ({marks(one.marks, page)})")


def marks(number: Fraction, page: Page) -> str:
    """So many marks, in words."""
    digits = (decimal(number) or str(number)).replace(".", page.style.decimal_sign)
    return (
        page.say(N_("{digits} mark")).format(digits=digits)
        if number == 1
        else page.say(N_("{digits} marks")).format(digits=digits)
    )


def _parts(one: Item, paper: Paper, page: Page, key: bool) -> Sequence[Block]:
    """What is asked, numbered where there are several parts; what one solution shows, those after it do not repeat."""
    shown: set[Block] = set()
    asked = []
    for part in one.parts:
        solution = [block for block in part.solution if key and block not in shown]
        shown.update(solution)
        asked.append(tuple(_asked(part, paper, page, solution if key else None, len(one.parts) > 1)))
    return asked[0] if len(asked) == 1 else (ItemList(tuple(asked), 1),)


def _asked(part: Part, paper: Paper, page: Page, solution: Sequence[Block] | None, marked: bool) -> Sequence[Block]:
    """A part with room for its answer, or with its answer and solution."""
    prompt = inlines(*part.prompt, " (", *([f"{marks(part.marks, page)}, "] if marked else []), CodeSpan(part.name), ")")
    answer = asking(part, paper, page) if solution is None else answered(part, paper, page)
    head = (Heading(inlines(page.say(N_("Solution"))), 4),) if solution else ()
    return (Paragraph(prompt), *part.shown, *answer, *head, *(solution or ()))


def shown_options(part: Part, paper: Paper) -> list[Option]:
    """The options of a part in the order of a paper."""
    assert isinstance(part.answer, Choice)
    return [part.answer.options[k] for k in paper.orders.get(part.name, range(len(part.answer.options)))]


def shown_lines(part: Part, paper: Paper) -> list[Inlines]:
    """The lines to be put in order, in the order of a paper."""
    assert isinstance(part.answer, Order)
    lines = [*part.answer.lines, *(line for line, _ in part.answer.wrong)]
    return [lines[k] for k in paper.orders.get(part.name, range(len(lines)))]


def asking(part: Part, paper: Paper, page: Page) -> Sequence[Block]:
    """What a student fills in."""
    match part.answer:
        case Numbers(entries):
            hint = [] if all(e.exact for e in entries) else [Paragraph(inlines(rounding(page)))]
            blanks: list[Block] = [Paragraph(inlines(*entry.label, EQUALS, f" {BLANK}")) for entry in entries]
            return (*hint, *blanks)
        case Choice():
            options = shown_options(part, paper)
            return tuple(Paragraph(inlines(f"({letter}) ", *o.inlines)) for letter, o in zip(LETTERS, options, strict=False))
        case Order():
            lines = shown_lines(part, paper)
            return tuple(Paragraph(inlines(f"({letter}) ", *line)) for letter, line in zip(LETTERS, lines, strict=False))
        case Code(_, head):
            return (CodeBlock(head + "\n" * LINES + "    …", "python"),)
        case Formula():
            return (Paragraph(inlines(LINE)),) * LINES
    return (Paragraph(inlines(BLANK)),)


def rounding(page: Page) -> str:
    """What is said of how many digits are wanted."""
    return page.say(N_("Give {digits} significant digits.")).format(digits=page.digits)


def answered(part: Part, paper: Paper, page: Page) -> Sequence[Block]:
    """The key of a part, with what is said of wrong answers."""
    match part.answer:
        case Numbers(entries):
            return tuple(block for entry in entries for block in _key_entry(entry, page))
        case Choice():
            options = zip(LETTERS, shown_options(part, paper), strict=False)
            return tuple(Paragraph(_chosen(letter, option)) for letter, option in options)
        case Order(lines, _, wrong):
            shown = paper.orders.get(part.name, range(len(lines) + len(wrong)))
            letter = {k: f"({LETTERS[place]}) " for place, k in enumerate(shown)}
            right = tuple((Paragraph(inlines(letter[k], *line)),) for k, line in enumerate(lines))
            others = (inlines(letter[len(lines) + k], *line, " — ", slip.feedback) for k, (line, slip) in enumerate(wrong))
            return (ItemList(right, 1), *map(Paragraph, others))
        case Formula(_, shown) | Text(_, shown):
            return (Paragraph(inlines(Strong(shown))),)
        case Code(_, head, solution):
            return (CodeBlock(f"{head}\n{solution}", "python"),)
    return ()


def _chosen(letter: str, option: Option) -> Inlines:
    """An option in a key: the right one stands out, behind a wrong one is said why it is that."""
    told = inlines(f"({letter}) ", *option.inlines)
    return inlines(Strong(told)) if option.slip is None else (*told, *inlines(" — ", option.slip.feedback))


def _key_entry(entry: Entry, page: Page) -> Sequence[Block]:
    from derive.teaching.blocks.numbers import relation

    first = Paragraph(inlines(*entry.label, relation(entry.exact), *entry.key.shown))
    told: dict[str, tuple[Inlines, dict[str, None]]] = {}
    for value, slip in entry.wrong:
        told.setdefault(value.digits, (value.shown, {}))[1][slip.feedback] = None
    either = f" {page.say(EITHER)} "
    wrong = tuple((Paragraph(inlines(*shown, " — ", either.join(feedback))),) for shown, feedback in told.values())
    return (first, ItemList(wrong)) if wrong else (first,)
