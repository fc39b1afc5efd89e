"""Answers graded against a manifest: by the key, by mistakes that explain a wrong one, from a student's own earlier values.

What cannot be read, or cannot be decided, is handed to a person: it is never silently wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

import numpy as np

from derive.calculus.rules import N_
from derive.calculus.terms import Adjoint, Deriv
from derive.checking.reading import Formula, read_formula
from derive.checking.verdict import PROVED, REFUTED, verdict
from derive.checking.verdict import Verdict as Shown
from derive.errors import DeriveError, said
from derive.exams.answers import LONGEST, Unread, letters, numbers
from derive.exams.asks import ASKS
from derive.exams.carried import carried
from derive.exams.item import Paper
from derive.exams.manifest import Manifest, part_of
from derive.exams.mistakes import NAMED
from derive.exams.sheets import LETTERS
from derive.exams.solved import is_zero, numbers_of, told
from derive.exams.source import Exam, read_exam
from derive.graphs.graph import Graph
from derive.notation.context import context_of
from derive.notation.style import Style
from derive.values.run import Run

Verdict = Literal["right", "mistake", "carried", "wrong", "empty", "person"]

SAID: Mapping[Verdict, str] = {
    "right": N_("right"),
    "mistake": N_("a known mistake"),
    "carried": N_("right from your own earlier value"),
    "wrong": N_("wrong"),
    "empty": N_("no answer"),
    "person": N_("a person decides"),
}


@dataclass(frozen=True)
class Graded:
    """A part graded: its name, the answer, its marks out of so many, the verdict, and the mistakes that explain it."""

    part: str
    answer: str
    marks: Fraction
    most: Fraction
    verdict: Verdict
    mistakes: tuple[str, ...] = ()
    why: str = ""
    either: bool = False
    """Whether one of the mistakes explains the answer, and not all of them together."""


@dataclass(frozen=True)
class Sheet:
    """A student's answers, graded."""

    student: str
    parts: tuple[Graded, ...]

    @property
    def marks(self) -> Fraction:
        return sum((part.marks for part in self.parts), Fraction(0))

    @property
    def most(self) -> Fraction:
        return sum((part.most for part in self.parts), Fraction(0))

    @property
    def open(self) -> int:
        """How many parts a person decides."""
        return sum(part.verdict == "person" for part in self.parts)


@dataclass
class Grader:
    """Grades against one manifest; the exam in it is read where an error is carried forward, or a formula was typed."""

    manifest: Manifest
    comma: bool = False
    """Whether a comma is the decimal sign even where it may part thousands."""
    _runs: dict[tuple[int, int], Run] = field(default_factory=dict)

    @cached_property
    def exam(self) -> Exam:
        return read_exam(self.manifest.text, self.manifest.source)

    def run(self, question: int, state: int) -> Run:
        """The run of a question in a state, by its place in the manifest."""
        if (question, state) not in self._runs:
            number = self.manifest.questions[question]["states"][state]["state"]
            self._runs[question, state] = self.exam.sections[question].setting.run(number)
        return self._runs[question, state]

    def sheet(self, student: str, answers: Mapping[str, str]) -> Sheet:
        """All answers of a student, by the names of the parts.  Raises DeriveError for a student who has no paper."""
        if student not in self.manifest.papers:
            raise DeriveError(said("{name} has no paper in this exam.", name=student))
        paper = self.manifest.papers[student]
        graded = [
            one
            for place, (question, state) in enumerate(zip(self.manifest.questions, paper.states, strict=True))
            for one in self._question(place, question["states"][state]["parts"], paper, answers)
        ]
        return Sheet(student, tuple(graded))

    def _question(
        self, place: int, parts: Sequence[Mapping[str, Any]], paper: Paper, answers: Mapping[str, str]
    ) -> Iterator[Graded]:
        """The parts of one question in their order; numbers that are wrong are carried into those after them."""
        values: dict[str, Any] = {}
        gradients: dict[str, Any] = {}
        for n, part in enumerate(parts):
            name, most = part_of(part)
            answer = answers.get(name, "").strip()
            if not answer:
                yield Graded(name, "", Fraction(0), most, "empty")
                continue
            given = part["answer"]
            graded = _GRADERS[given["type"]](given, self._lettered(answer, place, n, paper, name), name, most, paper, self)
            graded = replace(graded, answer=answer[:LONGEST])
            if given["type"] == "numbers":
                graded = self._carried(graded, place, n, paper, values, gradients, given)
                if graded.verdict not in ("right", "person"):
                    read = _numbers(given, answer, self.comma)
                    ask = self.exam.sections[place].setting.asks[n]
                    own = np.array(read, dtype=object).reshape(tuple(given["shape"]))
                    (gradients if ASKS[ask.kind].by else values)[ask.name] = own
            yield graded

    def _lettered(self, answer: str, place: int, n: int, paper: Paper, name: str) -> str:
        """The letter of the line that an answer numbers; any other answer as it is."""
        found = _LINE.fullmatch(answer)
        ask = self.exam.sections[place].setting.asks[n] if found else None
        if found is None or ask is None or ask.kind != "wrong-line":
            return answer
        _, derivation, wrong = ASKS[ask.kind].solve(self.run(place, paper.states[place]), ask).key
        number = int(found[1])
        if not 1 <= number <= len(derivation.steps):
            return answer
        right = paper.orders[name].index(0)  # all other lines are one mistake
        return LETTERS[right if number == wrong + 1 else (right + 1) % len(paper.orders[name])]

    def _carried(
        self,
        graded: Graded,
        place: int,
        n: int,
        paper: Paper,
        values: Mapping[str, Any],
        gradients: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> Graded:
        """The same, right where the answer is what the student's own earlier values lead to."""
        if graded.verdict in ("right", "person") or not (values or gradients):
            return graded
        ask = self.exam.sections[place].setting.asks[n]
        key = carried(self.run(place, paper.states[place]), ask, values, gradients)
        if key is None:
            return graded
        own = _numbers(given, graded.answer, self.comma)
        wanted = numbers_of(key)
        if not all(_near(a, b, self.manifest.digits) for a, b in zip(own, wanted, strict=True)):
            return graded
        if is_zero(wanted):  # what is asked is no longer a question
            return Graded(graded.part, graded.answer, graded.marks, graded.most, "person", graded.mistakes, SAID["carried"])
        return Graded(graded.part, graded.answer, graded.most, graded.most, "carried", graded.mistakes)


_LINE = re.compile(r"\s*(?:line|ligne|l\.|no?\.?|n°|#)?\s*\(?([0-9]{1,3})\)?\s*\.?\s*", re.IGNORECASE)
"""The number of a line, with a word for it or without."""


def _near(answer: Fraction, key: Any, digits: int) -> bool:
    """Whether an answer is a number to the digits asked for: rounded values were used, so two units of the last are allowed."""
    text, _, _ = told(key, digits)
    unit = Fraction(10) ** (Decimal(text).adjusted() - digits + 1) if Fraction(text) else Fraction(1, 10**digits)
    return abs(answer - Fraction(text)) <= 2 * unit


# ---------------------------------------------------------------- one part


def _numbers(given: Mapping[str, Any], answer: str, comma: bool) -> list[Fraction]:
    return numbers(answer, len(given["key"]), comma)


def _met(values: Sequence[Sequence[str]], answers: Sequence[Fraction]) -> list[bool]:
    """Which numbers, each with its tolerance, the answers meet."""
    pairs = zip(values, answers, strict=True)
    return [abs(answer - Fraction(digits)) <= Fraction(tolerance) for (digits, tolerance), answer in pairs]


def _grade_numbers(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    """Right if all are; else the part of those that are right and not 0, or what a mistake that leads to all leaves, if more."""
    try:
        read = _numbers(given, answer, grader.comma)
    except Unread:
        why = (
            said("It is not read as a number.")
            if len(given["key"]) == 1
            else said("It is not read as {count} numbers.", count=len(given["key"]))
        )
        return Graded(name, answer[:LONGEST], Fraction(0), most, "person", why=why)
    right = _met(given["key"], read)
    if all(right):
        return Graded(name, answer, most, most, "right")
    telling = [ok for ok, (digits, _) in zip(right, given["key"], strict=True) if Fraction(digits)]
    part = Fraction(sum(telling), len(telling)) if telling else Fraction(0)  # who writes 0 everywhere has found nothing
    mistakes = tuple(wrong["mistake"] for wrong in given["wrong"] if all(_met(wrong["key"], read)))
    if mistakes:  # several may lead to one answer: the kindest counts
        credit = max(part, *(NAMED[mistake].credit for mistake in mistakes))
        return Graded(name, answer, credit * most, most, "mistake", mistakes, either=True)
    return Graded(name, answer, part * most, most, "wrong")


def _grade_choice(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    order, found = paper.orders.get(name, tuple(range(len(given["options"])))), letters(answer)
    if len(found) != 1 or LETTERS.index(found[0]) >= len(order):
        return Graded(name, answer[:LONGEST], Fraction(0), most, "person", why=said("It is no letter of an option."))
    mistake = given["options"][order[LETTERS.index(found[0])]]
    if not mistake:
        return Graded(name, answer, most, most, "right")
    return Graded(name, answer, NAMED[mistake].credit * most, most, "mistake", (mistake,))


def _grade_order(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    """Right in any order in which each line has those above it that it needs; else the part of the pairs that stand right."""
    order, found = paper.orders[name], letters(answer)
    if not found or any(LETTERS.index(letter) >= len(order) for letter in found) or len(set(found)) != len(found):
        return Graded(name, answer[:LONGEST], Fraction(0), most, "person", why=said("It is no order of the lines."))
    lines = [order[LETTERS.index(letter)] for letter in found]
    count = given["lines"]
    mistakes = tuple(dict.fromkeys(given["wrong"][k - count] for k in lines if k >= count))
    place = {line: at for at, line in enumerate(lines)}
    pairs = [(above, line) for line in range(count) for above in given["before"][line]]
    met = sum(above in place and line in place and place[above] < place[line] for above, line in pairs)
    if not mistakes and set(lines) == set(range(count)) and met == len(pairs):
        return Graded(name, answer, most, most, "right")
    credit = Fraction(met, len(pairs)) / 2 if pairs and not mistakes else Fraction(0)
    return Graded(name, answer, credit * most, most, "mistake" if mistakes else "wrong", mistakes)


def _grade_text(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    """Right or a mistake where it reads as one of them; wrong where it is other whole numbers; else a person decides."""
    plain = squeezed(answer)
    if plain in map(squeezed, given["accepted"]):
        return Graded(name, answer, most, most, "right")
    slips = [wrong["mistake"] for wrong in given["wrong"] if squeezed(wrong["key"]) == plain]
    if slips:
        return Graded(name, answer[:LONGEST], NAMED[slips[0]].credit * most, most, "mistake", tuple(slips[:1]))
    sizes = all(re.fullmatch("[0-9]+(,[0-9]+)*", text) for text in (plain, *map(squeezed, given["accepted"])))
    return Graded(name, answer[:LONGEST], Fraction(0), most, "wrong" if sizes else "person")


def squeezed(text: str) -> str:
    r"""An answer of a few characters without what does not matter: kinds of brackets, of signs between sizes, words for them.

    >>> [squeezed(shape) for shape in ("[3, 4]", "(3,4)", "3 x 4", r"$3 \times 4$", "torch.Size([3, 4])", "3 4")]
    ['3,4', '3,4', '3,4', '3,4', '3,4', '3,4']
    """
    plain = re.sub(r"torch\.size|\\mathbb\{?r\}?\^?|\\(?:left|right)", " ", text[:LONGEST].lower())
    plain = re.sub(r"[()\[\]{}$]", " ", plain).strip()
    plain = re.sub(r"\s*(?:\\times|\\cdot|[x×*·;,]|\bby\b|\bsur\b|\bpar\b)\s*(?=[0-9])", ",", plain)
    plain = re.sub(r"(?<=[0-9])\s+(?=[0-9])", ",", plain)
    return re.sub(r"\s|\.$", "", plain)


def _asked(graph: Graph, left: str, own: Formula, base: int) -> Formula | None:
    """The derivative that is asked for, with the indices that the student gave it; None where theirs is another."""
    theirs = read_formula(graph, left, first=base) if left else own
    same = isinstance(theirs.term, Adjoint) and isinstance(own.term, Adjoint) and theirs.term.pair == own.term.pair
    return theirs if same and len(theirs.letters) == len(own.letters) else None


MOST_TYPED = 1500
"""The characters of a formula that is read."""


def _grade_formula(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    """Right where the answer is proved to be the derivative, wrong where a point shows that it is not; a person decides else."""
    shown = answer[:LONGEST]
    if len(answer) > MOST_TYPED:
        return Graded(name, shown, Fraction(0), most, "person", why=said("It is too long."))
    place = next(k for k, q in enumerate(grader.manifest.questions) if name.rpartition(".")[0] == q["name"])
    graph = grader.run(place, paper.states[place]).source
    try:
        left, right = _sides(answer)
        base = context_of(graph, Style(index_base=grader.exam.lecture.about.index_base)).style.index_base
        own = read_formula(graph, given["of"], first=base)
        asked = _asked(graph, left, own, base)
        typed = read_formula(graph, right, asked.axes if asked else {}, base)
        if asked is None or (typed.letters and set(typed.letters) != set(asked.letters)):
            return Graded(
                name, shown, Fraction(0), most, "person", why=said("It is written with other indices than what is asked.")
            )
        if _asks_back(typed.term, graph.output.name, given["wrt"]):
            return Graded(name, shown, Fraction(0), most, "wrong", why=said("It names what is asked for."))
        found = verdict(graph, asked, typed)
        if found.kind == PROVED:
            if typed.term.atoms(Adjoint):
                return Graded(name, shown, Fraction(0), most, "person", why=said("It is right, and names another derivative."))
            return Graded(name, shown, most, most, "right")
        if found.kind == REFUTED:
            wrong = ((w["mistake"], read_formula(graph, w["key"], own.axes, base)) for w in given["wrong"])
            slips = (mistake for mistake, key in wrong if verdict(graph, key, typed).kind == PROVED)
            if mistake := next(slips, ""):
                return Graded(name, shown, NAMED[mistake].credit * most, most, "mistake", (mistake,))
            return Graded(
                name, shown, Fraction(0), most, "wrong", why=_witnessed(found, graph, grader.exam.lecture.about.index_base)
            )
        return Graded(name, shown, Fraction(0), most, "person", why=found.why)
    except DeriveError as error:
        return Graded(name, shown, Fraction(0), most, "person", why=error.message)


_DERIVATIVE = re.compile(r"\\partial|\\nabla|∂|∇|^\s*d\s*[A-Za-z]\w*\s*/\s*d|\\frac\{d")


def _sides(answer: str) -> tuple[str, str]:
    """What stands left of a sign of equality that is in no bracket, if it is a derivative, and the formula that follows."""
    parts, depth = [""], 0
    text = answer.strip().strip("$").strip()
    for k, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "=" and not depth and text[k - 1 : k] not in ("!", "<", ">", "=") and text[k + 1 : k + 2] != "=":
            parts.append("")
        else:
            parts[-1] += sign
    sides = [part.strip() for part in parts if part.strip()]
    left = sides.pop(0) if len(sides) > 1 and _DERIVATIVE.search(sides[0]) else ""
    return left, sides[0] if sides else text


def _asks_back(term: Any, of: str, wrt: str) -> bool:
    """Whether an answer names the very derivative that is asked for."""
    return any(a.output.name == of and a.by.name == wrt for a in term.atoms(Adjoint)) or bool(term.atoms(Deriv))


def _witnessed(found: Shown, graph: Graph, base: int) -> str:
    """The point at which the answer is something else."""
    if found.witness is None:
        return found.why
    labels = {i.name for i in graph.inputs if i.kind == "label"}
    pairs = ((name, np.asarray(value, dtype=object) + base if name in labels else value) for name, value in found.witness.inputs)
    inputs = [said("{name} = {value}", name=name, value=_plainly(value)) for name, value in pairs]
    return said("It is something else at {point}.", point=_listed(inputs))


def _plainly(value: Any) -> str:
    """A number, or a list of them, in the signs of a message: another language has another decimal sign."""
    if np.ndim(value):
        return said("({values})", values=_listed([*map(_plainly, value)]))
    whole, point, decimals = f"{float(value):.4g}".partition(".")
    return said("{whole}.{decimals}", whole=whole, decimals=decimals) if point else whole


def _listed(values: Sequence[str]) -> str:
    first, *others = values
    return said("{first}, {others}", first=first, others=_listed(others)) if others else first


def _grade_person(given: Mapping[str, Any], answer: str, name: str, most: Fraction, paper: Paper, grader: Grader) -> Graded:
    return Graded(name, answer[:LONGEST], Fraction(0), most, "person")


_GRADERS: Mapping[str, Callable[[Mapping[str, Any], str, str, Fraction, Paper, Grader], Graded]] = {
    "numbers": _grade_numbers,
    "choice": _grade_choice,
    "order": _grade_order,
    "text": _grade_text,
    "formula": _grade_formula,
    "code": _grade_person,
}
