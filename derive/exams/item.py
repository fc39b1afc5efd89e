"""What a question is to those who print, export and grade it: its text, what is asked, the key, and every diagnosed wrong answer.

Values are frozen and belong to one state of a question in one language.  An exporter is a function from an `Item`; it knows
nothing of graphs.  Credits are parts of the marks from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from derive.teaching.document import Block, Inlines

Credit = Fraction


@dataclass(frozen=True)
class Slip:
    """A wrong answer: the mistake that it comes of, by its name in the table, what is said of it, and what it still earns."""

    mistake: str
    feedback: str
    credit: Credit = Fraction(0)


@dataclass(frozen=True)
class Value:
    """A number as it is asked for: its digits with a point, and by how much an answer may differ from them."""

    digits: str
    tolerance: Fraction
    shown: Inlines
    """As the page prints it."""

    @property
    def number(self) -> Fraction:
        return Fraction(self.digits)

    def meets(self, answer: Fraction) -> bool:
        """Whether an answer is this one."""
        return abs(answer - self.number) <= self.tolerance


@dataclass(frozen=True)
class Entry:
    """One number to be given: what it is called, the key, and the wrong ones."""

    label: Inlines
    key: Value
    wrong: tuple[tuple[Value, Slip], ...] = ()
    """Several mistakes may lead to one number."""
    exact: bool = True
    """Whether the key is the number itself, and not rounded."""


@dataclass(frozen=True)
class Numbers:
    """Numbers to be given, one or the entries of a tensor, each of which earns its part; `shape` is that of the tensor.

    `wrong` are the answers that mistakes lead to, whole; several may lead to one.
    """

    entries: tuple[Entry, ...]
    shape: tuple[int, ...] = ()
    wrong: tuple[tuple[tuple[Value, ...], Slip], ...] = ()


@dataclass(frozen=True)
class Option:
    """One of several answers to choose from; the right one has no slip."""

    inlines: Inlines
    slip: Slip | None = None
    place: int = 0
    """Where it stands among the others, if they have an order of their own, as the numbers of lines have; papers keep it."""

    @property
    def credit(self) -> Credit:
        return self.slip.credit if self.slip else Fraction(1)


@dataclass(frozen=True)
class Choice:
    """One right answer among several, the right one first; a paper puts them in an order of its own."""

    options: tuple[Option, ...]


@dataclass(frozen=True)
class Formula:
    """A formula to be typed: the key as LaTeX that is read back, and as it is printed; and the wrong ones.

    `source` is the text of the graph that gives its names a meaning, `of` the derivative that is asked for, as LaTeX, and `wrt`
    what it is by.
    """

    key: str
    shown: Inlines
    source: str
    of: str
    wrt: str
    wrong: tuple[tuple[str, Slip], ...] = ()


@dataclass(frozen=True)
class Order:
    """Lines to be put in order; `before[k]` are those that must stand above line k.  `wrong` lines belong nowhere."""

    lines: tuple[Inlines, ...]
    before: tuple[tuple[int, ...], ...]
    wrong: tuple[tuple[Inlines, Slip], ...] = ()


@dataclass(frozen=True)
class Text:
    """An answer of a few characters: those accepted, as a person types them without spaces, and the wrong ones."""

    accepted: tuple[str, ...]
    shown: Inlines
    wrong: tuple[tuple[str, Slip], ...] = ()


@dataclass(frozen=True)
class Code:
    """A function to be written: its name and head, the body that solves it, and checks that call it, in Python."""

    name: str
    head: str
    solution: str
    checks: tuple[str, ...]


Answer = Numbers | Choice | Formula | Order | Text | Code


@dataclass(frozen=True)
class Part:
    """One thing that is asked: the sentence that asks it, its marks, the answer, what is shown with it, how the key is found."""

    name: str
    kind: str
    prompt: Inlines
    marks: Fraction
    answer: Answer
    shown: tuple[Block, ...] = field(default=(), compare=False)
    solution: tuple[Block, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Item:
    """A question in one state and one language.

    `name` is the same in all states and languages, `state` its number among those of the question.  `mistakes` says which of the
    table it can diagnose.
    """

    name: str
    state: int
    lang: str
    title: Inlines
    body: tuple[Block, ...]
    parts: tuple[Part, ...]
    difficulty: str = ""

    @property
    def marks(self) -> Fraction:
        return sum((part.marks for part in self.parts), Fraction(0))


@dataclass(frozen=True)
class Paper:
    """What one student is given: the items in their order, and for each part that is chosen from, the order of its options."""

    student: str
    number: int
    states: tuple[int, ...]
    orders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lang: str = ""
    """The language of the student, if the roster says one."""
