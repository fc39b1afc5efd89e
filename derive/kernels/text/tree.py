"""Kernels as trees: the statements of a function and what they compute, typed, between the loops that were chosen and their text.

    Function    a name, its arguments, its statements
    Line        Assign, Store, Increase, Loop, If, Do, Return
    Expression  Name, Number, Whole, Cast, Call, Operation, Minus, Comparison, Joined, Choice, Entry, Span, ...

A tree is in no language: a printer spells it (`python` for those that Python spells).  Brackets stand in it where its author
wants them; `legal` says what may stand where.  What a function has to be given, and what it calls, is read off its tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any


class Expression:
    """What has a value."""


@dataclass(frozen=True)
class Name(Expression):
    """A variable, an argument, or what the language calls so, with a dot: np.int64."""

    name: str


@dataclass(frozen=True)
class Number(Expression):
    """A constant of a type of real numbers, also infinity."""

    value: float
    kind: str


@dataclass(frozen=True)
class Whole(Expression):
    value: int


@dataclass(frozen=True)
class Cast(Expression):
    """A number as one of another type."""

    kind: str
    of: Expression


@dataclass(frozen=True)
class Call(Expression):
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Operation(Expression):
    """Of two numbers, by one of + - * / // %."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Minus(Expression):
    of: Expression


@dataclass(frozen=True)
class Comparison(Expression):
    """a < b, or a < b < c."""

    first: Expression
    others: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Joined(Expression):
    """Conditions, by one of and, or, &."""

    word: str
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Choice(Expression):
    """`yes` where the test holds, else `no`; only what is chosen is computed."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Entry(Expression):
    """What lies in an array at a place; a part of the array, where fewer places are given than it has axes, or spans."""

    array: Expression
    places: tuple[Expression, ...]


@dataclass(frozen=True)
class Span(Expression):
    """The places from the first on, and before the end."""

    first: Expression | None = None
    end: Expression | None = None


@dataclass(frozen=True)
class Reshaped(Expression):
    """The same memory with other axes."""

    array: Expression
    shape: tuple[Expression, ...]


@dataclass(frozen=True)
class Property(Expression):
    """What an array knows of itself."""

    array: Expression
    name: str


@dataclass(frozen=True)
class Several(Expression):
    """Some values as one; with a comma behind the last, where wanted."""

    items: tuple[Expression, ...]
    comma: bool = False


@dataclass(frozen=True)
class Brackets(Expression):
    of: Expression


class Line:
    """What is done, with the lines inside it."""


@dataclass(frozen=True)
class Assign(Line):
    """A variable has a value from here on."""

    name: str
    value: Expression


@dataclass(frozen=True)
class Store(Line):
    """A value is put into memory."""

    entry: Entry
    value: Expression


@dataclass(frozen=True)
class Increase(Line):
    """A value is added to what lies in memory."""

    entry: Entry
    value: Expression


@dataclass(frozen=True)
class Loop(Line):
    """For each whole number from the first, else 0, before the end; threads share what is `shared`."""

    index: str
    end: Expression
    body: tuple[Line, ...]
    first: Expression | None = None
    step: Expression | None = None
    shared: bool = False


@dataclass(frozen=True)
class If(Line):
    test: Expression
    body: tuple[Line, ...]
    otherwise: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Do(Line):
    """A call for what it does."""

    call: Call


@dataclass(frozen=True)
class Return(Line):
    values: tuple[Expression, ...]


@dataclass(frozen=True)
class Function:
    name: str
    arguments: tuple[str, ...]
    body: tuple[Line, ...]


Node = Expression | Line


# ---------------------------------------------------------------- short forms

ZERO, ONE = Whole(0), Whole(1)


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments)


def at(array: str | Expression, *places: Expression) -> Entry:
    """An entry of an array."""
    return Entry(Name(array) if isinstance(array, str) else array, places)


def compared(left: Expression, sign: str, right: Expression) -> Comparison:
    return Comparison(left, ((sign, right),))


def joined(word: str, parts: Iterable[Expression]) -> Expression:
    """One condition of several."""
    parts = tuple(parts)
    return parts[0] if len(parts) == 1 else Joined(word, parts)


def times(first: Expression, *others: Expression) -> Expression:
    """A product, from the left: what is a product itself stands in it without brackets."""
    return reduce(lambda a, b: Operation("*", a, b), (f for other in others for f in _factors(other)), first)


def _factors(e: Expression) -> tuple[Expression, ...]:
    return (*_factors(e.left), e.right) if isinstance(e, Operation) and e.sign == "*" else (e,)


def plus(first: Expression, *others: Expression) -> Expression:
    """A sum of whole numbers, from the left: what is a sum itself stands in it without brackets."""
    return reduce(lambda a, term: Operation(term[0], a, term[1]), (t for other in others for t in _terms(other)), first)


def _terms(e: Expression) -> tuple[tuple[str, Expression], ...]:
    """What is added and subtracted, with the sign of each."""
    return (*_terms(e.left), (e.sign, e.right)) if isinstance(e, Operation) and e.sign in "+-" else (("+", e),)


def minus(e: Expression) -> Expression:
    """An expression with a sign in front, which belongs to the first of its factors."""
    if isinstance(e, Operation) and e.sign in ("*", "/", "//"):
        return Operation(e.sign, minus(e.left), e.right)
    return Minus(e)


def rounded_up(above: Expression, below: Expression) -> Expression:
    """The quotient of whole numbers, rounded up: there is only one that rounds down."""
    return Minus(Brackets(Operation("//", minus(above), below)))


def put(target: Expression, value: Expression) -> Line:
    """What gives a variable, or an entry, a value."""
    if isinstance(target, Name):
        return Assign(target.name, value)
    assert isinstance(target, Entry), f"nothing can be put into {target}"
    return Store(target, value)


def as_factor(e: Expression) -> Expression:
    """In brackets, where a sum or a remainder stands anywhere in it."""
    return Brackets(e) if any(isinstance(part, Operation) and part.sign in "+-%" for part in walk(e)) else e


# ---------------------------------------------------------------- what a tree says


def children(node: Node) -> Iterator[Node]:
    """What stands directly in a node, in order."""
    for field in fields(node):  # type: ignore[arg-type]
        yield from _nodes(getattr(node, field.name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Expression | Line):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _nodes(part)


def walk(*nodes: Node) -> Iterator[Node]:
    """The nodes and all that stands in them."""
    for node in nodes:
        yield node
        yield from walk(*children(node))


def replaced(value: Any, old: Node, new: Node) -> Any:
    """A node, or a tuple of nodes, with another one for each that is `old`."""
    if value == old:
        return new
    if isinstance(value, tuple):
        return tuple(replaced(part, old, new) for part in value)
    if isinstance(value, Expression | Line):
        return replace(value, **{f.name: replaced(getattr(value, f.name), old, new) for f in fields(value)})  # type: ignore[arg-type, type-var]
    return value


def mentioned(*nodes: Node) -> frozenset[str]:
    """The names that are read; those of functions apart."""
    return frozenset(node.name for node in walk(*nodes) if isinstance(node, Name))


def assigned(*nodes: Node) -> frozenset[str]:
    """The variables, those of loops among them."""
    found = {node.name for node in walk(*nodes) if isinstance(node, Assign)}
    return frozenset(found | {node.index for node in walk(*nodes) if isinstance(node, Loop)})


def undefined(*nodes: Node) -> frozenset[str]:
    """The names that are read and nowhere assigned: what a function with these statements has to be given."""
    return mentioned(*nodes) - assigned(*nodes)


def called(*nodes: Node) -> frozenset[str]:
    """The functions that are called."""
    return frozenset(node.function for node in walk(*nodes) if isinstance(node, Call))


def needed(definitions: Iterable[Assign], body: Iterable[Node]) -> tuple[Assign, ...]:
    """The definitions of what a body reads."""
    read = mentioned(*body)
    return tuple(d for d in definitions if d.name in read)
