"""What may stand in a tree, and where: looked at whenever a function is made or changed, before it is printed.

    SLOTS   for each part of each kind of node the kinds of nodes that it may be
    BINDS   how tightly each kind holds its parts together: what holds less tightly than its place wants stands in brackets
    Level   which kinds of lines and expressions a target's function has at this level, and the names that it need not be given

and every name is an argument, has a value before it is read, or is known at the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from derive.kernels.text.python import python
from derive.kernels.text.tree import (
    Assign,
    Brackets,
    Call,
    Cast,
    Choice,
    Comparison,
    Do,
    Entry,
    Expression,
    Function,
    If,
    Increase,
    Joined,
    Line,
    Loop,
    Minus,
    Name,
    Number,
    Operation,
    Property,
    Reshaped,
    Return,
    Several,
    Span,
    Store,
    Whole,
    assigned,
    mentioned,
    walk,
)

Kinds = tuple[type, ...]

NUMBERS: Kinds = (Name, Number, Whole, Cast, Call, Operation, Minus, Choice, Entry, Property, Brackets)
CONDITIONS: Kinds = (Comparison, Joined, Brackets)
TESTS: Kinds = (*CONDITIONS, Name)
ARRAYS: Kinds = (Name, Entry, Property)

NUMERIC: Kinds = (*NUMBERS, Comparison, Joined)
"""What functions have that know numbers and places alone."""

SLOTS: Mapping[type, Mapping[str, Kinds]] = {
    Name: {},
    Number: {},
    Whole: {},
    Cast: {"of": NUMBERS},
    Call: {"arguments": (*NUMBERS, *CONDITIONS, Several, Reshaped)},
    Operation: {"left": NUMBERS, "right": NUMBERS},
    Minus: {"of": NUMBERS},
    Comparison: {"first": NUMBERS, "others": NUMBERS},
    Joined: {"parts": CONDITIONS},
    Choice: {"test": TESTS, "yes": NUMBERS, "no": NUMBERS},
    Entry: {"array": ARRAYS, "places": (*NUMBERS, Span)},
    Span: {"first": NUMBERS, "end": NUMBERS},
    Reshaped: {"array": ARRAYS, "shape": NUMBERS},
    Property: {"array": ARRAYS},
    Several: {"items": (*NUMBERS, Several)},
    Brackets: {"of": (*NUMBERS, *CONDITIONS)},
    Assign: {"value": (*NUMBERS, *CONDITIONS, Reshaped)},
    Store: {"entry": (Entry,), "value": NUMBERS},
    Increase: {"entry": (Entry,), "value": NUMBERS},
    Loop: {"first": NUMBERS, "end": NUMBERS, "step": NUMBERS, "body": (Line,)},
    If: {"test": TESTS, "body": (Line,), "otherwise": (Line,)},
    Do: {"call": (Call,)},
    Return: {"values": NUMBERS},
}

LOOSE, SIGNED, ATOM = 0, 7, 9

SIGNS: Mapping[str, int] = {"or": 1, "and": 2, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}

BINDS: Mapping[type, Any] = {
    Choice: LOOSE,
    Joined: lambda e: SIGNS[e.word],
    Comparison: 3,
    Operation: lambda e: SIGNS[e.sign],
    Minus: SIGNED,
    Number: lambda e: SIGNED if e.value < 0 else ATOM,
    Whole: lambda e: SIGNED if e.value < 0 else ATOM,
}
"""What is in no row holds together like a name."""

WANTS: Mapping[type, Mapping[str, Any]] = {
    Operation: {"left": lambda e: SIGNS[e.sign], "right": lambda e: SIGNS[e.sign] + 1},
    Minus: {"of": SIGNED},
    Comparison: {"first": 4, "others": 4},
    Joined: {"parts": lambda e: SIGNS[e.word] + 1},
    Choice: {"test": 1, "yes": 1, "no": 0},
    Entry: {"array": ATOM},
    Reshaped: {"array": ATOM},
    Property: {"array": ATOM},
}
"""How tightly a part has to hold together; what is in no row, or part of none, stands between brackets or by itself."""


@dataclass(frozen=True)
class Level:
    """The lines and expressions that functions of a target may have, and the names that are known to them."""

    lines: Kinds
    expressions: Kinds
    known: frozenset[str]

    def knows(self, name: str) -> bool:
        """Names with a dot are the language's."""
        return "." in name or name in self.known


def checked(function: Function, level: Level, constants: Iterable[str] = ()) -> Function:
    """The function, if all that stands in it may stand there; `constants` are known to it, too.  Raises AssertionError, with
    the function and what is wrong in it.
    """
    faults = [*_kinds(function, level), *_unknown(function.body, frozenset({*function.arguments, *constants}), level)[1]]
    assert not faults, f"{function.name} is no function of its level: {', '.join(faults)}"
    return function


def _kinds(function: Function, level: Level) -> Iterator[str]:
    """What stands where it may not."""
    for node in walk(*function.body):
        if not isinstance(node, (*level.lines, *level.expressions)):
            yield f"there is no {type(node).__name__}"
        for part, kinds in SLOTS[type(node)].items():
            wanted = _bound(WANTS.get(type(node), {}).get(part, LOOSE), node)
            for found in _parts(getattr(node, part)):
                if not isinstance(found, kinds):
                    yield f"{type(found).__name__} is no {part} of {type(node).__name__}"
                elif isinstance(found, Expression) and _bound(BINDS.get(type(found), ATOM), found) < wanted:
                    yield f"{python(found)} wants brackets in {type(node).__name__}"


def _bound(row: Any, node: Any) -> int:
    return int(row(node) if callable(row) else row)


def _parts(value: object) -> Iterator[Expression | Line]:
    """The nodes of a field: one, none, several, or comparisons with their signs."""
    if isinstance(value, Expression | Line):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _parts(part)


def _unknown(lines: Sequence[Line], known: frozenset[str], level: Level) -> tuple[frozenset[str], list[str]]:
    """The names that have a value behind the lines, and what is read before it has one, or changed while a loop counts by it."""
    faults: list[str] = []
    for line in lines:
        own = [getattr(line, f.name) for f in fields(line) if f.name not in ("body", "otherwise")]  # type: ignore[arg-type]
        read = mentioned(*(e for value in own for e in _parts(value)))
        faults += [f"{name} is read before it has a value" for name in sorted(read - known) if not level.knows(name)]
        if isinstance(line, Loop):
            faults += [f"{line.index} counts and is assigned"] if line.index in assigned(*line.body) else []
            faults += _unknown(line.body, known | {line.index}, level)[1]
        elif isinstance(line, If):
            ends = [_unknown(block, known, level) for block in (line.body, line.otherwise)]
            faults += [fault for _, found in ends for fault in found]
            known = frozenset.intersection(*(after for after, _ in ends))
        elif isinstance(line, Assign):
            known |= {line.name}
    return known, faults
