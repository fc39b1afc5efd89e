"""What a set of papers is like, for its teacher: how many states there are, which answers they have, which mistakes they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from babel.numbers import format_decimal

from derive.calculus.rules import N_
from derive.exams.item import Item, Numbers
from derive.exams.mistakes import NAMED
from derive.exams.papers import Papers, Question
from derive.exams.sheets import marks
from derive.exams.states import REASONS
from derive.teaching.blocks.charts import Chart, Curve, Panel, picture
from derive.teaching.document import Block, Document, Inlines, Paragraph, Slide, Table, inlines
from derive.teaching.page import Page


def statistics(found: Papers, lang: str) -> Document:
    """The page of a set of papers, in a language."""
    page = found.exam.page(lang)
    title = page.say(N_("{title}: the set")).format(title=found.exam.lecture.about.title[lang])
    one, several = N_("One paper, out of {variants} different ones."), N_("{count} papers, out of {variants} different ones.")
    variants = format_decimal(found.variants, locale=lang)
    counts = page.say(one if len(found.papers) == 1 else several).format(count=len(found.papers), variants=variants)
    slides = [Slide((), (Paragraph(inlines(counts)), _overview(found, page)))]
    slides += [Slide(q.items[lang][0].title, tuple(_of_question(found, k, q, page))) for k, q in enumerate(found.questions)]
    slides.append(Slide(inlines(page.say(N_("Mistakes"))), (_glossary(found, page),)))
    return Document(title, tuple(slides), lang, found.exam.lecture.about.author, found.exam.lecture.source)


def _head(page: Page, *names: str) -> tuple[Inlines, ...]:
    return tuple(inlines(page.say(name)) for name in names)


def _overview(found: Papers, page: Page) -> Table:
    rows = tuple(
        (
            inlines(q.name),
            inlines(marks(q.items[page.lang][0].marks, page)),
            inlines(str(q.states)),
            inlines(f"{q.looked} / {q.count}"),
            inlines(_named(q.items[page.lang][0].difficulty, DIFFICULTIES, page)),
        )
        for q in found.questions
    )
    head = _head(page, N_("Question"), N_("Marks"), N_("States"), N_("Looked at"), N_("Difficulty"))
    return Table(head, rows, ("left", "left", "right", "right", "left"))


def _of_question(found: Papers, place: int, question: Question, page: Page) -> Sequence[Block]:
    """Why states were left out, what mistakes are told, and how the answers are spread over the papers."""
    items = [question.items[page.lang][paper.states[place]] for paper in found.papers]
    blocks: list[Block] = []
    if question.left:
        rows = tuple((inlines(page.say(REASONS[why])), inlines(str(count))) for why, count in sorted(question.left.items()))
        blocks.append(Table(_head(page, N_("States left out"), N_("Count")), rows, ("left", "right")))
    if question.alike:
        pairs = sorted(question.alike.items(), key=lambda pair: (-pair[1], pair[0]))
        alike = tuple((_clash(*names, page), inlines(str(count))) for names, count in pairs)
        blocks.append(Table(_head(page, N_("What a mistake led to"), N_("Count")), alike, ("left", "right")))
    told = tuple(
        (
            inlines(part.name),
            inlines(_named(part.kind, KINDS, page)),
            inlines(", ".join(_mistakes(question, n)) or "–"),
        )
        for n, part in enumerate(items[0].parts)
    )
    blocks.append(Table(_head(page, N_("Part"), N_("Kind"), N_("Mistakes told")), told))
    blocks += [chart for n in range(len(items[0].parts)) if (chart := _spread(items, n, question.name, page)) is not None]
    return blocks


KINDS: Mapping[str, str] = {
    "value": N_("value"),
    "gradient": N_("gradient"),
    "graph": N_("graph"),
    "check": N_("difference"),
    "formula": N_("formula to choose"),
    "derive": N_("formula to derive"),
    "code": N_("code"),
    "matrix": N_("matrix form"),
    "shape": N_("shape"),
    "wrong-line": N_("wrong line"),
    "order": N_("order of lines"),
}
"""What the kinds of `asks.ASKS` are called; one that is not here is called as it is asked."""

DIFFICULTIES: Mapping[str, str] = {"easy": N_("easy"), "medium": N_("medium"), "hard": N_("hard")}
"""What these are called in the language of the page; an author's own word stays as it is."""


def _named(word: str, names: Mapping[str, str], page: Page) -> str:
    return page.say(names[word]) if word in names else word


def _clash(mistake: str, other: str, page: Page) -> Inlines:
    """Two mistakes that led to the same, or one that led to the key."""
    if mistake == other:
        return inlines(page.say(N_("{mistake}: nowhere")).format(mistake=mistake))
    led = N_("{mistake}: the same as {other}") if other else N_("{mistake}: the right answer")
    return inlines(page.say(led).format(mistake=mistake, other=other))


def _mistakes(question: Question, n: int) -> list[str]:
    """The mistakes that a part diagnoses, in the order of the table."""
    told = {name for parts in question.mistakes.values() for name in parts[n]}
    return [name for name in NAMED if name in told]


def _glossary(found: Papers, page: Page) -> Table:
    """The mistakes that are told, or that led to the same, and what is said of them."""
    told = {name for q in found.questions for parts in q.mistakes.values() for names in parts for name in names}
    told |= {name for q in found.questions for pair in q.alike for name in pair}
    rows = tuple((inlines(name), inlines(page.say(NAMED[name].sentence))) for name in NAMED if name in told)
    return Table(_head(page, N_("Mistake"), N_("What is said of it")), rows)


def _spread(items: Sequence[Item], n: int, name: str, page: Page) -> Block | None:
    """The share of papers whose answer is at most so large; of numbers alone."""
    answers: list[Fraction] = []
    for item in items:
        answer = item.parts[n].answer
        if not isinstance(answer, Numbers) or answer.shape:
            return None
        answers.append(answer.entries[0].key.number)
    counted = sorted(Counter(answers).items())
    if len(counted) < 5:
        return None
    sums = [sum(count for value, count in counted if value <= x) / len(answers) for x, _ in counted]
    x, y = [float(value) for value, _ in counted], sums
    label = page.say(N_("share of the papers")).replace(" ", r"\ ")
    alt = page.say(N_("How the answers to {part} are spread over the papers")).format(part=items[0].parts[n].name)
    part = items[0].parts[n].name.replace(".", "{.}")  # no space behind the point
    panel = Panel((Curve(x, y, dots=True),), x=rf"\mathrm{{{part}}}", y=rf"\mathrm{{{label}}}")
    return picture(Chart((panel,), alt), page, f"{name}-{n + 1}-{page.lang}")
