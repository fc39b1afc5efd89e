"""A derivation as a person wrote it, step by step: proved, refuted by a point, or undecided; what cannot be read is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.calculus.terms import Adjoint, Element, Index
from derive.checking.displays import COMPARED, Chain, Side, sides_of
from derive.checking.mistakes import Explanations, missing_sum, named
from derive.checking.reading import Formula, MisshapenError, common, pruned, read_formula
from derive.checking.sheet import Defined, Given, Part, sheet
from derive.checking.signs import place_in
from derive.checking.verdict import PROVED, REFUTED, UNDECIDED, Verdict, between
from derive.derivation.sweep import seeded
from derive.errors import DeriveError, Place, said
from derive.graphs.graph import Graph, Node
from derive.language.at import read_values
from derive.language.reader import read
from derive.notation.style import GREEK
from derive.values.balls import apart
from derive.values.evaluator import Evaluator, forward
from derive.values.real import Real, given_out
from derive.values.run import run


@dataclass(frozen=True)
class Step:
    """Two formulas with a sign between them, and what was found of them; the name of the mistake, where one explains it."""

    left: str
    relation: str
    right: str
    place: Place
    verdict: Verdict
    mistake: str = ""


@dataclass(frozen=True)
class Unread:
    """What could not be read, and why."""

    error: DeriveError

    @property
    def place(self) -> Place:
        assert self.error.place is not None
        return self.error.place


@dataclass(frozen=True)
class Proofread:
    """What was found of a file, and the definitions it was found under."""

    items: tuple[Step | Unread, ...]
    graph: Graph

    def count(self, kind: str) -> int:
        """How many steps are proved, refuted or undecided; how many formulas are unread, for "unread"."""
        if kind == "unread":
            return sum(isinstance(item, Unread) for item in self.items)
        return sum(isinstance(item, Step) and item.verdict.kind == kind for item in self.items)


def proofread(text: str, suffix: str = "", explanations: Explanations | None = None) -> Proofread:
    """What is found of a derivation; `suffix` is how the file's name ends, `explanations` name the mistakes in derivatives.

    Raises DeriveError where the file holds no definition that can be read, or no step.
    """
    reader = _Reader(text, explanations)
    for part in sheet(text, suffix):
        reader.read(part)
    graph = reader.known or reader.graph
    if graph is None:
        raise DeriveError(
            "Nothing is defined here.",
            hint="Write definitions in a block ```derive graph```, in lines `% derive: f = (u + v)*w`, or as lines of their own.",
        )
    if not reader.items:
        raise DeriveError("There is no step to look at.", hint="A step is two formulas with = between them.")
    return Proofread(tuple(reader.items), graph)


class _Reader:
    """Goes through the parts of a file: the definitions so far, and what was found."""

    def __init__(self, text: str, explanations: Explanations | None) -> None:
        self.text, self.explanations = text, explanations
        self.items: list[Step | Unread] = []
        self.source = ""
        self.pending: list[Defined] = []
        self._graph: Graph | None = None
        self.known: Graph | None = None
        """The definitions that were read last."""
        self.values: Evaluator | None = None

    def read(self, part: Part) -> None:
        """One part of the file.  What cannot be read is taken down, and the rest goes on."""
        try:
            match part:
                case Defined():
                    self.define(part)
                case Given():
                    self.give(part)
                case Chain():
                    self.chain(part)
        except DeriveError as error:
            if error.place is None:
                raise
            known = [(item.error.message, item.place) for item in self.items if isinstance(item, Unread)]
            if (error.message, error.place) not in known:
                self.items.append(Unread(error))

    # ------------------------------------------------------------ definitions

    def define(self, part: Defined) -> None:
        if part.new and "\n" in part.text:
            self.pending = []
        self.pending.append(part)
        self._graph, self.values = None, None

    @property
    def graph(self) -> Graph | None:
        """The definitions so far as a graph; behind a tensor there is a loss L, whose gradient by it is g."""
        if self._graph is None and self.pending:
            lines = "\n".join(part.text for part in self.pending)
            try:
                found = read(lines)
            except DeriveError as error:
                if error.place is None:
                    raise
                line, at = error.place.line, 0
                for part in self.pending:
                    count = part.text.count("\n") + 1
                    if line <= at + count:
                        start = part.start + sum(len(x) + 1 for x in part.text.split("\n")[: line - at - 1])
                        span = (start + error.place.start, start + error.place.end)
                        raise DeriveError(error.message, place_in(self.text, span), error.hint) from None
                    at += count
                raise
            if found.output.axes and "L" not in found.members:
                found, _ = seeded(found, found.output.name)
            self._graph = self._original = self.known = found
        return self._graph

    def give(self, part: Given) -> None:
        """Values for the inputs: what is not equal for all values may be for these."""
        assert self.graph is not None
        try:
            point = run(self._original, read_values(part.text)).point
            self.values = forward(self._original, point.sizes, point.arrays)
        except DeriveError as error:
            self.items.append(Unread(self.moved(error, Side(part.text, part.start))))
            return
        for node in self.graph.nodes[len(self._original.nodes) :]:
            self.values = _with(self.values, self.graph, node)

    # ------------------------------------------------------------ chains

    def chain(self, part: Chain) -> None:
        if self.graph is None:
            if part.inline:
                return
            raise DeriveError(
                "Nothing is defined before this formula.",
                place_in(self.text, (part.sides[0].start, part.sides[0].start + len(part.sides[0].text))),
                "Write the definitions above it, in a block ```derive graph``` or in lines `% derive: f = (u + v)*w`.",
            )
        if part.inline and not self.is_step(part.sides):
            return
        before: tuple[Side, Formula] | None = None
        opening: Formula | None = None
        sides = list(part.sides)
        if (made := self.local(sides)) is not None:
            sides = sides[1:]
            if not made:
                return
        known: dict[str, Any] = {}
        for side in sides:
            assert self.graph is not None
            base = self.graph
            over = pruned(before[1], base) if before is not None else base
            try:
                found = read_formula(over, side.text, known)
            except MisshapenError as error:
                moved = self.moved(error, side)
                if before is not None and side.relation in ("=", "≈"):
                    verdict = Verdict(REFUTED, error.message)
                    self.items.append(Step(before[0].text, side.relation, side.text, _at(moved, self.text, side), verdict))
                else:
                    self.items.append(Unread(moved))
                continue
            except DeriveError as error:
                self.items.append(Unread(self.moved(error, side)))
                if part.inline:
                    return
                continue
            known |= found.axes
            opening = opening or found
            if before is not None and side.relation:
                step = self.step(before, (side, found), opening)
                self.items.append(self.spoken(step, (before[1], found), part))
            before = (side, found)

    def is_step(self, sides: Sequence[Side]) -> bool:
        """Whether formulas in prose may be a step."""
        return {s.relation for s in sides} <= {"", "=", "≈"} and not self.supposes(sides)

    def supposes(self, sides: Sequence[Side]) -> bool:
        """Whether formulas in prose say what is supposed, instead of what follows: that something is larger, i = t, x = 3.  At
        values that are given, what is computed may be said to be a number.
        """
        assert self.graph is not None
        if any(side.relation in COMPARED for side in sides):
            return True
        name = _named(sides[0].text)[0]
        member = self.graph.members.get(name)
        if not name or len(sides) < 2:
            return False
        plain = not re.search(r"[A-Za-zα-ωΑ-Ω]", sides[1].text)
        if isinstance(member, Node):
            return plain and self.values is None
        return member is not None or name in map(str, self.graph.sizes) or plain or len(sides[1].text.strip().lstrip("\\")) == 1

    def spoken(self, step: Step, formulas: tuple[Formula, Formula], part: Chain) -> Step:
        """The same for a step in prose, or behind it: what is not so in general may be meant for a case that is spoken of."""
        one, other = formulas
        if step.verdict.kind != REFUTED:
            return step
        rows = ((text, row) for text in part.beside for row in sides_of(text, 0, len(text)))
        if supposed := next((text for text, row in rows if self.supposes(row)), ""):
            why = said("it may be meant for {what} only", what=supposed.strip())
        elif part.inline and _constant(other) and not _constant(one) and (self.values is None or not other.indices):
            why = said("it may be meant for some values only")
        else:
            return step
        return replace(step, verdict=Verdict(UNDECIDED, why), mistake="")

    def moved(self, error: DeriveError, side: Side) -> DeriveError:
        """An error with its place in the file."""
        start = end = side.start
        if error.place is not None:
            lines = side.text.split("\n")
            start += sum(len(line) + 1 for line in lines[: error.place.line - 1]) + error.place.start
            end = start + error.place.end - error.place.start
        return type(error)(error.message, place_in(self.text, (start, max(end, start + 1))), error.hint)

    def step(self, before: tuple[Side, Formula], after: tuple[Side, Formula], opening: Formula) -> Step:
        """What is found of one step."""
        assert self.graph is not None
        (left, one), (right, other) = before, after
        place = place_in(self.text, (right.start, right.start + len(right.text)))
        if right.relation not in ("=", "≈"):
            return Step(
                left.text,
                right.relation,
                right.text,
                place,
                Verdict(UNDECIDED, said("the sign {sign} is not looked at", sign=right.relation)),
            )
        numeric = self.numbers(one, other, right)
        if numeric is not None:
            return Step(left.text, right.relation, right.text, place, numeric)
        verdict = between(self.graph, one, other)
        mistake = ""
        if right.relation == "≈" and verdict.kind == REFUTED:
            verdict = Verdict(UNDECIDED, said("≈ is looked at between numbers only"))
        elif verdict.kind == REFUTED and (met := common(one, other)) is not None:
            first, second, indices, _ = met
            mistake = missing_sum(self.graph, other.graph, first, second, indices) or named(
                self.graph, other.graph, first, second, indices, opening, self.explanations, self._original
            )
            if opening is not one and between(self.graph, opening, replace(other, graph=other.graph)).kind == PROVED:
                mistake = said("this is right again: it is what the chain begins with")
        return Step(left.text, right.relation, right.text, place, verdict, mistake)

    # ------------------------------------------------------------ numbers

    def numbers(self, one: Formula, other: Formula, right: Side) -> Verdict | None:
        """What the numbers of two formulas say, where the second is one: at the values given, or of constants."""
        if other.indices or one.indices or not (other.term.is_number or _constant(other)):
            return None
        if not _constant(one) and self.values is None:
            return None
        first, second = (self._number(f) for f in (one, other))
        if first is None or second is None:
            return None
        exact = isinstance(given_out(first), (int, Fraction)) and isinstance(given_out(second), (int, Fraction))
        if not apart(first, second):
            return Verdict(PROVED, said("the numbers are equal")) if exact or one.term == other.term else None
        literal = re.fullmatch(r"\s*-?\s*\d+(?:(?:\.|\{,\}|,)(\d+))?\s*", right.text.replace("−", "-"))
        if literal is not None and not (exact and right.relation == "="):
            unit = Fraction(1, 10 ** len(literal[1] or ""))
            near = Real(first) if not isinstance(given_out(first), (int, Fraction)) else given_out(first)
            if abs(near - given_out(second)) <= unit / 2:
                if right.relation == "=" and not literal[1]:
                    return Verdict(UNDECIDED, said("it is {number}", number=_short(first)))
                return Verdict(PROVED, said("it is so to the digits written"))
        if right.relation == "≈" and literal is None:
            return Verdict(UNDECIDED, said("≈ is looked at before a decimal number only"))
        return Verdict(REFUTED, said("it is {number}", number=_short(first)))

    def _number(self, formula: Formula) -> Any:
        """The value of a formula at the values given, or of a constant."""
        try:
            point = self.values
            if point is None:
                return Evaluator({}, {}, None).array(formula.term).item()
            arrays = dict(point.arrays)
            here = Evaluator(point.sizes, arrays, formula.graph)
            for node in formula.graph.nodes[:-1]:
                if node.name not in arrays:
                    arrays[node.name] = here.array(node.expr, node.indices)
            return np.asarray(here.array(formula.term)).item()
        except DeriveError:
            return None

    # ------------------------------------------------------------ names given on the way

    def local(self, sides: list[Side]) -> bool | None:
        """Whether a chain begins with a name that it defines: None where it does not, else whether that could be read."""
        assert self.graph is not None
        name, letters = _named(sides[0].text)
        if not name or len(sides) < 2 or sides[1].relation != "=" or name in self.graph.taken:
            return None
        try:
            found = read_formula(self.graph, sides[1].text)
        except DeriveError as error:
            self.items.append(Unread(self.moved(error, sides[1])))
            return False
        typed = dict(zip(found.letters, found.indices, strict=False))
        if set(letters) - typed.keys() and not (letters and not typed and len(letters) == len(found.indices)):
            return None
        if letters and typed:
            if typed.keys() - set(letters):
                return None
            indices: tuple[Index, ...] = tuple(typed[x] for x in letters)
        else:
            indices = found.indices
        node = Node(name, indices, found.node.body, found.term)
        before = self.graph
        self._graph = replace(before, nodes=(*found.graph.nodes[:-1], node))
        for added in self._graph.nodes[len(before.nodes) :] if self.values is not None else ():
            assert self.values is not None
            self.values = _with(self.values, self._graph, added)
        return True


def _with(values: Evaluator, graph: Graph, node: Node) -> Evaluator:
    """A point with one more node, if that has a value there."""
    here = Evaluator(values.sizes, dict(values.arrays), graph)
    try:
        return replace(here, arrays={**here.arrays, node.name: here.array(node.expr, node.indices)})
    except DeriveError:
        return here


_LOCAL = re.compile(
    r"\s*(?:\\(?:mathbf|boldsymbol|bm|mathrm|text)\{\s*(\\?[A-Za-z]+)\s*\}|\\(hat|bar|tilde)\s*\{?\s*(\\?[A-Za-z]+)\s*\}?|(\\?[A-Za-zα-ω][A-Za-z0-9]*))"
    r"\s*(?:_\{?\s*([A-Za-z](?:\s*,?\s*[A-Za-z])*)\s*\}?|\[\s*([A-Za-z](?:\s*,\s*[A-Za-z])*)\s*\])?\s*"
)


def _named(text: str) -> tuple[str, tuple[str, ...]]:
    """The name and the letters of a left side that is one; nothing if it is not."""
    found = _LOCAL.fullmatch(text)
    if found is None:
        return "", ()
    word = (found[1] or found[3] or found[4] or "").lstrip("\\")
    if found[4] and found[4].startswith("\\") and word not in GREEK:
        return "", ()
    letters = re.findall(r"[A-Za-z]", found[5] or found[6] or "")
    return (f"{word}_{found[2]}" if found[2] else word), tuple(letters)


def _constant(formula: Formula) -> bool:
    """Whether a formula mentions no tensor and no size."""
    return not formula.term.atoms(Element, Adjoint) and not formula.term.free_symbols


def _short(value: Any) -> str:
    number = given_out(value)
    return str(number) if isinstance(number, (int, Fraction)) else f"{float(number):.6g}"


def _at(error: DeriveError, text: str, side: Side) -> Place:
    return error.place or place_in(text, (side.start, side.start + 1))
