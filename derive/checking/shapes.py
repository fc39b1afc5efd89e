"""The axes of what was typed: which tensors meet, and which cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from derive.checking.additions import MisshapenError
from derive.checking.names import Names
from derive.checking.signs import Span, fault
from derive.checking.tree import Term
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph

DOT, LAYOUT = "dot", "layout"
"""What makes it a convention which axes are meant."""


@dataclass(frozen=True)
class Shape:
    """The axes that are left, None where any will do; and whether a vector lies as a row."""

    axes: tuple[Any, ...] = ()
    row: bool = False

    @property
    def rank(self) -> int:
        return len(self.axes)


SCALAR = Shape()


@dataclass
class Shapes:
    """Finds the axes of terms over a graph."""

    text: str
    names: Names
    graph: Graph
    doubtful: str = field(default="", init=False)
    """What makes it a convention which axes are meant: a dot between vectors, or a vector derived by a vector."""
    powers: bool = field(default=False, init=False)
    """Whether a power of a whole vector stands in it, which may be meant entry by entry or for its square."""
    _shapes: dict[int, tuple[Term, Shape]] = field(default_factory=dict, init=False)

    def called(self, term: Term) -> Term:
        """A call of a library definition over tensors, as the tensor that it is."""
        raise NotImplementedError

    def fault(self, span: Span, message: str, hint: str = "", kind: type[DeriveError] = DeriveError) -> DeriveError:
        return fault(self.text, span, message, hint, kind)

    def shape(self, term: Term) -> Shape:
        """The axes of a term.  Raises DeriveError where its parts do not fit together."""
        if id(term) not in self._shapes:
            self._shapes[id(term)] = (term, self._shape(term))
        return self._shapes[id(term)][1]

    def _shape(self, term: Term) -> Shape:
        match term.kind, term.args:
            case "ref", (name, indices):
                return Shape(self.graph.members[name].axes[len(indices) :])
            case "at", (inner, indices):
                shape = self.shape(inner)
                if shape.rank < len(indices):
                    raise self.fault(
                        term.span, said("It has {count} axes, and {given} indices here.", count=shape.rank, given=len(indices))
                    )
                return Shape(shape.axes[len(indices) :])
            case "neg", (inner,):
                return self.shape(inner)
            case ("add" | "sub" | "times" | "div" | "mul" | "dot" | "star") as kind, (left, right):
                return self._joined(term, kind, self.shape(left), self.shape(right))
            case "pow", (base, exponent):
                if self.shape(exponent).rank:
                    raise self.fault(exponent.span, "An exponent is a number.")
                if self.shape(base).rank and exponent.kind in ("size", "ref") and exponent.name == "T":
                    raise self.fault(term.span, "It cannot be told whether this is a transpose or a power.", r"Write x^\top.")
                self.powers = self.powers or self.shape(base).rank == 1
                return self.shape(base)
            case "powers", (base, exponent):
                if self.shape(exponent).rank:
                    raise self.fault(exponent.span, "An exponent is a number.")
                return self.shape(base)
            case "call", (_, args):
                shapes = [self.shape(a) for a in args]
                return self._same(term, shapes)
            case "bars", (inner,):
                if self.shape(inner).rank:
                    raise self.fault(
                        term.span, "It cannot be told whether this is a norm or goes entry by entry.", r"Write \|x\|, or |x_i|."
                    )
                return SCALAR
            case "inner", (left, right):
                self.common_axes(term, left, right)
                return SCALAR
            case "slope", (_, args):
                return self.shape(args[0])
            case "lib", _:
                return self.shape(self.called(term))
            case "where", (conditions, a, b):
                sides = [side for test in conditions for side in test.args[1:] if isinstance(side, Term)]
                return self._same(term, [self.shape(part) for part in (a, b, *sides)])
            case "transpose", (inner,):
                shape = self.shape(inner)
                if shape.rank > 2:
                    raise self.fault(term.span, "Only a matrix or a vector is transposed.")
                return Shape(shape.axes[::-1], row=shape.rank == 1 and not shape.row)
            case "diag", (inner,):
                shape = self.shape(inner)
                return Shape(shape.axes * 2) if shape.rank == 1 else Shape(shape.axes[:1])
            case "ones", (size,):
                return Shape((self._size(size),))
            case (("ones" | "unit"), _):
                return Shape((None,))
            case "eye", (size,):
                return Shape((self._size(size),) * 2)
            case "eye", _:
                return Shape((None, None))
            case "diff", (of, by, _):
                over = Shape() if of.kind == "ref" and not of.args[1] and not self.shape(of).rank else self.shape(of)
                if over.rank and self.shape(by).rank:
                    self.doubtful = self.doubtful or LAYOUT
                return Shape((*over.axes, *self.shape(by).axes))
            case "second", (of, one, other):
                if self.shape(of).rank:
                    raise self.fault(of.span, "A second derivative is read of a number only.", "Write an entry of its gradient.")
                return Shape((*self.shape(one).axes, *self.shape(other).axes))
            case "reduce", (operator, body, _, _):
                shape = self.shape(body)
                if shape.rank and operator in ("max", "min", "prod"):
                    raise self.fault(body.span, "Inside this, every tensor has its indices.")
                return shape
        return SCALAR

    def _size(self, name: str) -> Any:
        return next(s for s in self.graph.sizes if str(s) == name)

    def common_axes(self, term: Term, left: Term, right: Term) -> list[tuple[Any, Any]]:
        """The axes of two tensors of which an inner product is taken."""
        one, other = self.shape(left), self.shape(right)
        if not one.rank or one.rank != other.rank or (one.rank > 1 and term.kind != "inner"):
            raise self.fault(term.span, "An inner product is one of two vectors.", r"Write W x.", MisshapenError)
        for a, b in zip(one.axes, other.axes, strict=True):
            self.met(a, b, term.span)
        return list(zip(one.axes, other.axes, strict=True))

    def _same(self, term: Term, shapes: Sequence[Shape]) -> Shape:
        found = max(shapes, key=lambda s: s.rank)
        for shape in shapes:
            if shape.rank:
                self._meet(term, found, shape)
        return found

    def _meet(self, term: Term, one: Shape, other: Shape) -> None:
        if one.rank == other.rank:
            for a, b in zip(one.axes, other.axes, strict=True):
                self.met(a, b, term.span)
            if one.row != other.row and not (one.rank == 1 and None in (*one.axes, *other.axes)):
                raise self.fault(
                    term.span,
                    "A row meets a column here.",
                    r"Write x^\top y for a number, x \odot y for a vector.",
                    MisshapenError,
                )
        elif not (one.rank == 2 and other.row):
            raise self.fault(term.span, "A vector meets a matrix here.", kind=MisshapenError)
        else:
            self.met(one.axes[1], other.axes[0], term.span)

    def met(self, a: Any, b: Any, span: Span) -> None:
        if a is not None and b is not None and a != b:
            raise self.fault(
                span, said("The axis of size {size} meets the axis of size {other}.", size=a, other=b), kind=MisshapenError
            )

    def _joined(self, term: Term, kind: str, left: Shape, right: Shape) -> Shape:
        if not left.rank or (not right.rank):
            return right if not left.rank and kind != "div" else left if not right.rank else self._same(term, [left, right])
        if kind in ("add", "sub", "times", "div", "star"):
            return self._same(term, [left, right])
        if kind == "dot" and left.rank == right.rank == 1:
            self.doubtful = DOT
            self.met(left.axes[0], right.axes[0], term.span)
            return SCALAR
        match (left.rank, left.row), (right.rank, right.row):
            case (1, True), (1, False):
                self.met(left.axes[0], right.axes[0], term.span)
                return SCALAR
            case (1, False), (1, True):
                return Shape((left.axes[0], right.axes[0]))
            case (1, True), (2, _):
                self.met(left.axes[0], right.axes[0], term.span)
                return Shape((right.axes[1],), row=True)
            case (2, _), (1, False):
                self.met(left.axes[1], right.axes[0], term.span)
                return Shape((left.axes[0],))
            case (2, _), (2, _):
                self.met(left.axes[1], right.axes[0], term.span)
                return Shape((left.axes[0], right.axes[1]))
            case (1, False), (2, _) if right.axes[0] == 1:
                return Shape((left.axes[0], right.axes[1]))
        raise self.fault(
            term.span, "These two cannot be multiplied as they stand.", r"Write x^\top y, x y^\top or x \odot y.", MisshapenError
        )
