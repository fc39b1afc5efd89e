"""What a set of papers is like, for its teacher: how many states there are, which answers they have, which mistakes they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from derive.calculus.rules import N_
from derive.exams.item import Choice, Item, Numbers, Part
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
    counts = page.say(N_("{count} papers, out of {variants} different ones.")).format(
        count=len(found.papers), variants=found.variants
    )
    slides = [Slide((), (Paragraph(inlines(counts)), _overview(found, page)))]
    slides += [Slide(q.items[lang][0].title, tuple(_of_question(found, k, q, page))) for k, q in enumerate(found.questions)]
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
            inlines(q.items[page.lang][0].difficulty),
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
    told = tuple((inlines(part.name), inlines(part.kind), inlines(", ".join(_mistakes(part)) or "–")) for part in items[0].parts)
    blocks.append(Table(_head(page, N_("Part"), N_("Kind"), N_("Mistakes told")), told))
    blocks += [chart for n in range(len(items[0].parts)) if (chart := _spread(items, n, question.name, page)) is not None]
    return blocks


def _mistakes(part: Part) -> list[str]:
    """The mistakes that a part diagnoses, in the order of the table."""
    match part.answer:
        case Numbers(wrong=wrong):
            found = {slip.mistake for _, slip in wrong}
        case Choice(options):
            found = {option.slip.mistake for option in options if option.slip}
        case _:
            found = {slip.mistake for _, slip in getattr(part.answer, "wrong", ())}
    return [name for name in NAMED if name in found]


def _spread(items: Sequence[Item], n: int, name: str, page: Page) -> Block | None:
    """The share of papers whose answer is at most so large; of numbers alone."""
    answers: list[Fraction] = []
    for item in items:
        answer = item.parts[n].answer
        if not isinstance(answer, Numbers) or answer.shape:
            return None
        answers.append(answer.entries[0].key.number)
    counted = sorted(Counter(answers).items())
    if len(counted) < 3:
        return None
    sums = [sum(count for value, count in counted if value <= x) / len(answers) for x, _ in counted]
    x, y = [float(value) for value, _ in counted], sums
    label = page.say(N_("share of the papers")).replace(" ", r"\ ")
    alt = page.say(N_("How the answers to {part} are spread over the papers")).format(part=items[0].parts[n].name)
    panel = Panel((Curve(x, y, dots=True),), x=rf"\mathrm{{{items[0].parts[n].name}}}", y=rf"\mathrm{{{label}}}")
    return picture(Chart((panel,), alt), page, f"{name}-{n + 1}-{page.lang}")
