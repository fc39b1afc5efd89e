"""Papers: for each student a variant that nobody else has, drawn from a key that no paper shows.

A variant is one state of every question.  Which one a student gets is HMAC(key, exam, student), so that one who knows the exam
and the roster, but not the key, knows nothing; where that variant is taken, or has a state that the student above in the roster
was given, the next that the key draws.  Those who have a paper keep it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import count

from derive.errors import DeriveError, said
from derive.exams.item import Choice, Item, Order, Paper
from derive.exams.roster import Student
from derive.exams.secret import Draw
from derive.exams.source import Exam, Section, item
from derive.exams.states import REASONS, SAMPLE, Told, checked, narrowed, pool, tried
from derive.teaching.document import Block, Picture, mapped

POOL, LARGE = (50, 120), 100
"""So many states of a question are found, the second number where more than `LARGE` papers are wanted."""

FEW = 10
"""A question with fewer states is one that many students share."""

Each = Callable[[Callable[[int], "Question"], Iterable[int]], Iterable["Question"]]
"""Like `map`: what does the questions, here or elsewhere."""


@dataclass(frozen=True)
class Question:
    """A question in all the states that were found, in each language; `looked` states of `count` were looked at, and `left` says
    why others were left out."""

    name: str
    items: Mapping[str, tuple[Item, ...]]
    mistakes: Told
    count: int
    looked: int
    left: Mapping[str, int]
    alike: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How often two mistakes, or one and the key (""), led to the same."""

    @property
    def states(self) -> int:
        """How many were found."""
        return len(next(iter(self.items.values())))


@dataclass(frozen=True)
class Papers:
    """The questions of an exam, and the papers of its students."""

    exam: Exam
    questions: tuple[Question, ...]
    papers: tuple[Paper, ...]

    @property
    def variants(self) -> int:
        """How many different papers there are with the states found."""
        return math.prod(question.states for question in self.questions)

    @property
    def marks(self) -> Fraction:
        """The marks of a paper."""
        return sum((next(iter(q.items.values()))[0].marks for q in self.questions), Fraction(0))

    def items(self, paper: Paper, lang: str) -> list[Item]:
        """The questions of a paper."""
        return [q.items[lang][k] for q, k in zip(self.questions, paper.states, strict=True)]


def papers(
    exam: Exam, key: bytes, students: Sequence[Student], each: Each = map, kept: Mapping[str, Sequence[int]] | None = None
) -> Papers:
    """A paper for each student; those with the states that were `kept` for some of them, by their numbers, stay as they are.

    Raises DeriveError, with the number that there is, where there are too few variants.
    """
    wanted = POOL[len(kept or students) > LARGE]
    questions = tuple(each(partial(question, exam, key, wanted), range(len(exam.sections))))
    for one in questions:
        if not one.states:
            raise DeriveError(
                said("No state of the question {name} can be asked: {why}.", name=one.name, why=_why(one.left)), hint=blocked(one)
            )
    found = Papers(exam, questions, ())
    if len(students) > found.variants:
        raise DeriveError(
            said("There are {count} different variants, and {wanted} are wanted.", count=found.variants, wanted=len(students)),
            hint=said(
                "States that can be asked: {states}. Let more numbers vary.",
                states=", ".join(f"{q.name} {q.states}" for q in questions),
            ),
        )
    return Papers(exam, questions, tuple(_drawn(found, key, students, kept or {})))


def _why(left: Mapping[str, int]) -> str:
    return "; ".join(f"{said(REASONS[reason])} ({count})" for reason, count in left.items()) or said("there is none")


def blocked(one: Question) -> str:
    """Which mistakes led to the key, or to the same, in most of the states that were left out for it; "" where none were."""
    if not one.alike:
        return ""
    (mistake, other), count = max(one.alike.items(), key=lambda pair: pair[1])
    if mistake == other:
        return said("In {count} states left out, the mistake {mistake} leads nowhere.", count=count, mistake=mistake)
    if other:
        return said(
            "In {count} states left out, {mistake} and {other} lead to the same.", count=count, mistake=mistake, other=other
        )
    return said("In {count} states left out, {mistake} leads to the right answer.", count=count, mistake=mistake)


def few(found: Papers) -> Iterator[str]:
    """What is said of questions that many students share."""
    for one in found.questions:
        if one.states < FEW and len(found.papers) > 1:
            yield said("The question {name} has {count} states: neighbours may share one.", name=one.name, count=one.states)
            if one.alike:
                yield blocked(one)


def question(exam: Exam, key: bytes, wanted: int, k: int) -> Question:
    """The question of number k, in as many states as are wanted, or all."""
    section = exam.sections[k]
    found = pool(section.setting, Draw(key, exam.name, section.setting.name), wanted)
    items = {lang: tuple(settled(item(exam, section, state, lang)) for state in found.states) for lang in exam.langs}
    counted = (section.setting.space.count, found.looked, dict(found.left), dict(found.alike))
    return Question(section.setting.name, items, found.mistakes, *counted)


def some(exam: Exam, section: Section, key: bytes, lang: str) -> Item | None:
    """A question in the first of its states that can be asked, if one is soon found."""
    setting = section.setting
    step, first = Draw(key, exam.name, setting.name).order(setting.space.count)
    for k in range(min(setting.space.count, SAMPLE)):
        state = tried(setting, (step * k + first) % setting.space.count, Counter())
        if state is not None:
            return item(exam, section, state, lang, solutions=False)
    return None


def again(exam: Exam, mistakes: Sequence[Told], states: Sequence[int], paper: Paper) -> Papers:
    """One paper as it was: its questions in these states, which tell these mistakes."""
    questions = []
    for section, names, number in zip(exam.sections, mistakes, states, strict=True):
        state = narrowed(checked(section.setting, number), names, section.setting)
        if state is None:
            raise DeriveError(said("The question {name} is not what it was.", name=section.setting.name))
        items = {lang: (settled(item(exam, section, state, lang)),) for lang in exam.langs}
        questions.append(Question(section.setting.name, items, names, section.setting.space.count, 1, {}))
    return Papers(exam, tuple(questions), (replace(paper, states=(0,) * len(questions)),))


def settled(one: Item) -> Item:
    """A question whose figures can be sent to another process, which draws those that it prints: no page of an exam is alive."""
    parts = tuple(
        replace(part, shown=mapped(part.shown, _settled), solution=mapped(part.solution, _settled)) for part in one.parts
    )
    return replace(one, body=mapped(one.body, _settled), parts=parts)


def _settled(block: Block) -> Sequence[Block]:
    return (replace(block, live=None),) if isinstance(block, Picture) else (block,)


def _drawn(found: Papers, key: bytes, students: Sequence[Student], kept: Mapping[str, Sequence[int]]) -> Iterator[Paper]:
    """The papers in the order of the students; first those that are kept are set aside."""
    numbers = [{item.state: k for k, item in enumerate(q.items[found.exam.langs[0]])} for q in found.questions]
    given: dict[str, tuple[int, ...]] = {}
    for name in (student.name for student in students):
        states = kept.get(name, ())
        if len(states) == len(numbers) and all(state in known for state, known in zip(states, numbers, strict=True)):
            given[name] = tuple(known[state] for state, known in zip(states, numbers, strict=True))
    taken, beside = set(given.values()), tuple[int, ...]()
    for number, (name, lang) in enumerate(((student.name, student.lang) for student in students), 1):
        if name not in given:
            given[name] = _variant(found, Draw(key, found.exam.name, name), taken, beside)
            taken.add(given[name])
        beside = given[name]
        items = [q.items[found.exam.langs[0]][state] for q, state in zip(found.questions, beside, strict=True)]
        yield Paper(name, number, beside, _orders(items, key, found.exam.name, name), lang)


APART = 20
"""So many variants are drawn for one that has no state of the neighbour."""


def _variant(found: Papers, draw: Draw, taken: Collection[tuple[int, ...]], beside: Sequence[int]) -> tuple[int, ...]:
    """The first variant that is not taken and, if one is soon drawn, has no state of another; else the first that is free."""
    free: list[tuple[int, ...]] = []
    for drawn in count():
        if free and drawn >= APART:
            break
        variant, states = draw.below(found.variants), []
        for q in found.questions:
            variant, state = divmod(variant, q.states)
            states.append(state)
        if tuple(states) in taken:
            continue
        if not any(a == b for a, b in zip(states, beside, strict=False)):
            return tuple(states)
        free.append(tuple(states))
    return free[0]


MOST_OPTIONS = 5
"""So many answers are chosen from at most, the right one among them."""


def _orders(items: Iterable[Item], key: bytes, exam: str, student: str) -> dict[str, tuple[int, ...]]:
    """For each part with options, or lines, those that this student sees, in the order that they see."""
    orders = {}
    for part in (part for one in items for part in one.parts):
        draw = Draw(key, exam, student, part.name)
        if isinstance(part.answer, Choice):
            wrong = list(range(1, len(part.answer.options)))
            draw.shuffle(wrong)
            shown = [0, *wrong[: MOST_OPTIONS - 1]]
        elif isinstance(part.answer, Order):
            shown = list(range(len(part.answer.lines) + len(part.answer.wrong)))
        else:
            continue
        draw.shuffle(shown)
        places = [option.place for option in part.answer.options] if isinstance(part.answer, Choice) else [0] * len(shown)
        orders[part.name] = tuple(sorted(shown, key=places.__getitem__))
    return orders
