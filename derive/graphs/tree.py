"""The definition as its author wrote it: a small tree, with shapes resolved.

A definition is kept in two forms made of these nodes, and as a SymPy term.  The *surface* keeps the author's notation, whole
tensors and `@` included, and is only printed.  The *body* is the same formula for one entry, every index written out:
no `@`, no `.T`, no broadcasting, every reduction with its indices.  Terms, order and digits stay as typed, which is what
substitution lines and printed definitions need; `lower` turns a body into a SymPy term for the calculus.

Indices inside a tree are SymPy expressions over `Index`, `Label`, integers and axis sizes (affine: `s*o + k`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, exact, with its digits as typed (`0.30`)."""

    value: Fraction
    text: str


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an axis, or an index, used as a number: a SymPy expression."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ref:
    """A scalar, one entry of a tensor, or (in a surface) a whole tensor or an entry of it."""

    name: str
    indices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Op:
    """An operator applied to its operands: `+ - * / **` (two), `neg` (one), in a surface also `@` (two), `T` (one), `ONES` and
    `eye` (of a size, the identity).

    Before indices are written out there are also `concat`, of tensors that are one behind another along their first axis, and
    `part`, of a tensor and, for each of its axes, where it begins and where it ends.
    """

    operator: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function by name: `exp`, `max`, `where` … or a definition of the library."""

    function: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison, between indices (SymPy expressions) or between numbers (trees).  `operator`: `< <= > >= == !=`."""

    operator: str
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Reduce:
    """`sum`, `mean`, `prod`, `max`, `min`, `argmax` over indices, where every condition holds; `det` and `inv` over those of the
    rows and the columns of a matrix.
    """

    operator: str
    body: Tree
    indices: tuple[Any, ...] = ()
    conditions: tuple[Compare, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a matrix that is made of another as a whole; that is a `Reduce` over its rows and columns, such as `inv`."""

    matrix: Tree
    indices: tuple[Any, ...]


Tree = Number | Size | Ref | Op | Call | Compare | Reduce | Entry

BLOCKS = ("concat", "part")
"""The operators on entries that stand beside each other."""

ONES = Op("1", ())
"""A column of ones, in a surface."""


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees directly below a node."""
    match tree:
        case Op(_, args) | Call(_, args):
            return args
        case Reduce(_, body, _, conditions):
            return (*conditions, body)
        case Entry(matrix):
            return (matrix,)
        case Compare(_, left, right):
            return tuple(side for side in (left, right) if isinstance(side, Tree))
    return ()


def rebuilt(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The same node over changed children."""
    match tree:
        case Op(_, args) | Call(_, args):
            return replace(tree, args=tuple(change(a) for a in args))
        case Reduce(_, body, _, conditions):
            return replace(tree, body=change(body), conditions=tuple(change(c) for c in conditions))  # type: ignore[misc]
        case Entry(matrix):
            return replace(tree, matrix=change(matrix))
        case Compare(operator, left, right):
            left, right = (change(side) if isinstance(side, Tree) else side for side in (left, right))
            return Compare(operator, left, right)
    return tree


def subtrees(tree: Tree) -> Iterator[Tree]:
    """The tree and everything below it, outermost first."""
    yield tree
    for child in children(tree):
        yield from subtrees(child)


def terms_of(tree: Tree) -> tuple[Any, ...]:
    """The index expressions that a node holds itself."""
    match tree:
        case Ref(_, indices) | Reduce(_, _, indices) | Entry(_, indices):
            return indices
        case Size(value):
            return (value,)
        case Compare(_, left, right):
            return tuple(side for side in (left, right) if not isinstance(side, Tree))
    return ()


def reindexed(tree: Tree, change: Callable[[Any], Any]) -> Tree:
    """The same node with its own index expressions changed."""
    match tree:
        case Ref(_, indices) | Reduce(_, _, indices) | Entry(_, indices):
            return replace(tree, indices=tuple(map(change, indices)))
        case Size(value):
            return Size(change(value))
        case Compare(operator, left, right):
            left, right = (side if isinstance(side, Tree) else change(side) for side in (left, right))
            return Compare(operator, left, right)
    return tree
