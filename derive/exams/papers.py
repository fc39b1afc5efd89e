"""Papers: for each student a variant that nobody else has, drawn from a key that no paper shows.

A variant is one state of every question.  Which one a student gets is HMAC(key, exam, student), so that one who knows the exam
and the roster, but not the key, knows nothing; where that variant is taken, the next that the key draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from derive.errors import DeriveError, said
from derive.exams.item import Choice, Item, Order, Paper
from derive.exams.secret import Draw
from derive.exams.source import Exam, item
from derive.exams.states import REASONS, Told, checked, narrowed, pool
from derive.teaching.document import Block, Picture, mapped

POOL, LARGE = (50, 120), 100
"""So many states of a question are found, the second number where more than `LARGE` papers are wanted; it does not depend on how
many, so that a student who comes late changes nobody's paper.
"""

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


def papers(exam: Exam, key: bytes, students: Sequence[str], each: Each = map) -> Papers:
    """A paper for each student.  Raises DeriveError, with the number that there is, where there are too few variants."""
    wanted = POOL[len(students) > LARGE]
    questions = tuple(each(partial(question, exam, key, wanted), range(len(exam.sections))))
    for one in questions:
        if not one.states:
            raise DeriveError(said("No state of the question {name} can be asked: {why}.", name=one.name, why=_why(one.left)))
    found = Papers(exam, questions, ())
    if len(students) > found.variants:
        raise DeriveError(
            said("There are {count} different variants, and {wanted} are wanted.", count=found.variants, wanted=len(students)),
            hint=said(
                "States that can be asked: {states}. Let more numbers vary.",
                states=", ".join(f"{q.name} {q.states}" for q in questions),
            ),
        )
    return Papers(exam, questions, tuple(_drawn(found, key, students)))


def _why(left: Mapping[str, int]) -> str:
    return "; ".join(f"{said(REASONS[reason])} ({count})" for reason, count in left.items()) or said("there is none")


def question(exam: Exam, key: bytes, wanted: int, k: int) -> Question:
    """The question of number k, in as many states as are wanted, or all."""
    section = exam.sections[k]
    found = pool(section.setting, Draw(key, exam.name, section.setting.name), wanted)
    items = {lang: tuple(settled(item(exam, section, state, lang)) for state in found.states) for lang in exam.langs}
    return Question(section.setting.name, items, found.mistakes, section.setting.space.count, found.looked, dict(found.left))


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


def _drawn(found: Papers, key: bytes, students: Sequence[str]) -> Iterator[Paper]:
    taken: set[int] = set()
    for number, student in enumerate(students, 1):
        draw = Draw(key, found.exam.name, student)
        while (variant := draw.below(found.variants)) in taken:
            pass
        taken.add(variant)
        states = []
        for q in found.questions:
            variant, state = divmod(variant, q.states)
            states.append(state)
        lang = found.exam.langs[0]
        items = [q.items[lang][state] for q, state in zip(found.questions, states, strict=True)]
        yield Paper(student, number, tuple(states), _orders(items, key, found.exam.name, student))


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
