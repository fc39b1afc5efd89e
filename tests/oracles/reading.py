"""What a formula that was read comes to, by NumPy, at given sizes and arrays.

A value is an array with one axis for each letter that means something where it stands, then the axes of a tensor.  A
derivative is found with dual numbers, along the very entry that it is taken by, from what the page says: ∂/∂x_i[…] of what
stands in the brackets, ∂a_k/∂x_i of the definition of a, or of all that lies between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from oracles.reader import Tree, Unread

Array = Any
STEP = 1e-5
"""Of a central difference."""


# ---------------------------------------------------------------- sizes


class Dim:
    """The length of an axis of a tensor, or the range of a letter, as far as it is known."""

    def __init__(self, length: int | None = None) -> None:
        self.same: Dim | None = None
        self.length = length

    def root(self) -> Dim:
        return self if self.same is None else self.same.root()

    def unite(self, other: Dim) -> Dim:
        a, b = self.root(), other.root()
        if a is not b:
            if a.length is not None and b.length is not None and a.length != b.length:
                raise Unread(f"an axis of {a.length} meets one of {b.length}")
            a.length = b.length if a.length is None else a.length
            b.same = a
        return a


@dataclass(frozen=True)
class Shape:
    """The axes of a value, and whether a vector lies."""

    dims: tuple[Dim, ...] = ()
    lies: bool = False

    @property
    def rank(self) -> int:
        return len(self.dims)


SCALAR = Shape()
ELEMENTWISE_ONLY = {"sum", "mean", "prod", "argmax"}


@dataclass(frozen=True)
class Function:
    """A definition of the library: the axes of what it is given and of what it gives, as names or numbers of sizes, the places
    of the labels in what it is given, and the value for one set of arrays.  What stands before these axes is mapped over.
    """

    given: tuple[tuple[Any, ...], ...]
    gives: tuple[Any, ...]
    labels: frozenset[int]
    one: Callable[..., Array]

    def mapped(self, ranks: list[int]) -> int:
        """How many axes are mapped over, if it is given tensors of so many axes."""
        return max(rank - len(axes) for rank, axes in zip(ranks, self.given, strict=True))


@dataclass(frozen=True)
class Point:
    """Sizes, the arrays of all tensors, and the derivatives that the page names: total(of, by) over the axes of both.

    `definitions` are the formulas of nodes: their letters and the tree.  `ranges` are the letters of the page, for those that
    the formula itself says nothing of.  `output` is what the derivation is of.
    """

    sizes: Mapping[str, int]
    arrays: Mapping[str, Array]
    labels: frozenset[str] = frozenset()
    base: int = 1
    total: Callable[[str, str], Array] | None = None
    definitions: Mapping[str, tuple[tuple[str, ...], Tree]] = field(default_factory=dict)
    ranges: Mapping[str, int] = field(default_factory=dict)
    output: str = ""
    onehots: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """By how a matrix of one-hot rows is printed: the labels and the number of classes."""
    classes: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    """Definitions of the library that a formula calls as a whole."""
    numbers: Mapping[str, Callable[..., Array]] = field(default_factory=dict)
    """Functions of numbers that a formula calls by name."""


class Shapes:
    """The shape of every part of a tree; the ranges of its letters are found on the way."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.letters: dict[str, Dim] = {}
        self.of: dict[Tree, Shape] = {}
        self.compared: list[tuple[str, str | int]] = []
        self.limits: dict[str, Tree] = {}
        self.stands: dict[str, set[int]] = {}

    def length(self, name: str, asked: tuple[str, ...] = ()) -> int | None:
        """What a letter ranges over: the shortest axis on which it stands, or as far as its sum says where that is further, or
        the longest of those of what it is compared with.
        """
        if (length := self.letter(name).root().length) is not None or name in asked:
            return length
        said = [round(float(Values(self.point, self).of(self.limits[name]).v))] if name in self.limits else []
        if said or name in self.stands:
            return max([*said, *([min(self.stands[name])] if name in self.stands else [])])
        beside = [other for one, other in self.compared if one == name]
        found = [other if isinstance(other, int) else self.length(other, (*asked, name)) for other in beside]
        return max((n for n in found if n is not None), default=None)

    def shape(self, tree: Tree) -> Shape:
        if tree not in self.of:
            self.of[tree] = getattr(self, "_" + tree.op.replace(" ", "_"), self._scalars)(tree)
        return self.of[tree]

    def letter(self, name: str) -> Dim:
        return self.letters.setdefault(name, Dim())

    def scalar(self, tree: Tree, what: str) -> None:
        if self.shape(tree).rank:
            raise Unread(f"{what} of a tensor: {tree}")

    def _scalars(self, tree: Tree) -> Shape:
        for part in tree.args:
            self.scalar(part, tree.op)
        return SCALAR

    def index(self, tree: Tree, length: int) -> None:
        if tree.op == "letter":
            self.letter(tree.text)
            self.stands.setdefault(tree.text, set()).add(length)
        else:
            self.shape(tree)

    def _tensor(self, tree: Tree) -> Shape:
        array = np.asarray(self.point.arrays[tree.text])
        if tree.args and len(tree.args) != array.ndim:
            raise Unread(f"{tree.text} has {array.ndim} axes")
        for part, n in zip(tree.args, array.shape, strict=False):
            if part.op != "colon":
                self.index(part, n)
        parts = tree.args or (Tree("colon"),) * array.ndim
        return Shape(tuple(Dim(n) for part, n in zip(parts, array.shape, strict=True) if part.op == "colon"))

    def _entry(self, tree: Tree) -> Shape:
        matrix = self.shape(tree.args[0])
        if matrix.rank != len(tree.args) - 1:
            raise Unread(f"an entry of what has {matrix.rank} axes: {tree}")
        for part, dim in zip(tree.args[1:], matrix.dims, strict=True):
            self.index(part, dim.root().length)
        return SCALAR

    def _delta(self, tree: Tree) -> Shape:
        self.compare(*tree.args)
        return SCALAR

    def compare(self, a: Tree, b: Tree) -> None:
        """A letter of which nothing else is said ranges over the axis of what it is compared with."""
        for part in (a, b):
            self.shape(part)
        for one, other in ((a, b), (b, a)):
            if one.op == other.op == "letter":
                self.compared.append((one.text, other.text))
            if one.op == "letter" and other.op == "big" and other.text in ("argmax", "argmin"):
                self.compared.append((one.text, other.names[0]))
            if one.op == "letter" and other.op == "tensor" and other.text in self.point.classes:
                self.compared.append((one.text, self.point.classes[other.text]))

    def _relation(self, tree: Tree) -> Shape:
        for a, b in pairwise(tree.args):
            if a.op in ("letter", "tensor", "big") and b.op in ("letter", "tensor", "big"):
                self.compare(a, b)
        return self.alike(tree.args)

    def _indicator(self, tree: Tree) -> Shape:
        return self.alike(tree.args)

    def alike(self, parts: tuple[Tree, ...]) -> Shape:
        """Numbers, and tensors of one shape; a vector and a matrix meet in the last axis."""
        out = SCALAR
        for part in parts:
            shape = self.shape(part)
            for a, b in zip(reversed(out.dims), reversed(shape.dims), strict=False):
                a.unite(b)
            if out.rank == shape.rank == 1 and out.lies != shape.lies:
                raise Unread(f"a row and a column: {part}")
            out = shape if shape.rank > out.rank else out
        return out

    def _add(self, tree: Tree) -> Shape:
        return self.alike(tree.args)

    def _negative(self, tree: Tree) -> Shape:
        return self.shape(tree.args[0])

    _bracket = _about = _negative

    def _product(self, tree: Tree) -> Shape:
        out = self.shape(tree.args[0])
        for part in tree.args[1:]:
            out = self.times(out, self.shape(part), tree)
        return out

    def times(self, a: Shape, b: Shape, tree: Tree) -> Shape:
        if not a.rank or not b.rank:
            return a if a.rank else b
        match (a.rank, a.lies, b.rank, b.lies):
            case (2, _, 2, _):
                a.dims[1].unite(b.dims[0])
                return Shape((a.dims[0], b.dims[1]))
            case (2, _, 1, False):
                a.dims[1].unite(b.dims[0])
                return Shape((a.dims[0],))
            case (1, True, 2, _):
                a.dims[0].unite(b.dims[0])
                return Shape((b.dims[1],), True)
            case (1, True, 1, False):
                a.dims[0].unite(b.dims[0])
                return SCALAR
            case (1, False, 1, True):
                return Shape((a.dims[0], b.dims[0]))
        raise Unread(f"no product of matrices: {tree}")

    def _hadamard(self, tree: Tree) -> Shape:
        a, b = map(self.shape, tree.args)
        first = tree.args[0]
        if first.op == "product" and any(self.shape(factor).rank for factor in first.args[:-1]):
            raise Unread(f"a product of matrices beside ⊙ without brackets: {tree}")
        if a.rank != b.rank or not a.rank:
            raise Unread(f"⊙ between {a.rank} and {b.rank} axes: {tree}")
        return self.alike(tree.args)

    _divided = _hadamard

    def _over(self, tree: Tree) -> Shape:
        self.scalar(tree.args[1], "a fraction")
        return self.shape(tree.args[0])

    _slash = _over

    def _power(self, tree: Tree) -> Shape:
        base, exponent = tree.args
        self.scalar(exponent, "an exponent")
        if self.shape(base).rank and not (self.shape(base).rank == 2 and _whole_number(exponent) is not None):
            raise Unread(f"a power of a tensor: {tree}")
        if self.shape(base).rank:
            a, b = self.shape(base).dims
            a.unite(b)
        return self.shape(base)

    def _entry_power(self, tree: Tree) -> Shape:
        if not self.shape(tree.args[0]).rank:
            raise Unread(f"⊙ over a number: {tree}")
        self.scalar(tree.args[1], "an exponent")
        return self.shape(tree.args[0])

    def _transposed(self, tree: Tree) -> Shape:
        inner = self.shape(tree.args[0])
        if inner.rank == 1:
            return Shape(inner.dims, not inner.lies)
        if inner.rank != 2:
            raise Unread(f"a transpose of {inner.rank} axes")
        return Shape(inner.dims[::-1])

    def _root(self, tree: Tree) -> Shape:
        inner = self.shape(tree.args[0])
        if inner.rank > 1:
            raise Unread(f"a root of a matrix: {tree}")
        return inner

    def _absolute(self, tree: Tree) -> Shape:
        return self.shape(tree.args[0])

    def _norm(self, tree: Tree) -> Shape:
        if self.shape(tree.args[0]).rank != (2 if tree.text else 1):
            raise Unread(f"a norm of {tree.args[0]}")
        return SCALAR

    def _call(self, tree: Tree) -> Shape:
        if tree.text in ("max", "min") and len(tree.args) > 1:
            return self.alike(tree.args)
        inner = self.shape(tree.args[0])
        if tree.text in (*ELEMENTWISE_ONLY, "max", "min"):
            return SCALAR
        if tree.text in ("logsumexp", "var", "std"):
            return Shape(inner.dims[:-1])
        if tree.text == "diag":
            return Shape((inner.dims[0], inner.dims[0])) if inner.rank == 1 else Shape((inner.dims[0].unite(inner.dims[1]),))
        if tree.text in ("tr", "det"):
            if inner.rank not in (2, 0 if tree.text == "det" else 2):
                raise Unread(f"{tree.text} of {inner.rank} axes")
            if inner.rank:
                inner.dims[0].unite(inner.dims[1])
            return SCALAR
        if tree.text in self.point.numbers:
            return self.alike(tree.args)
        if tree.text in self.point.functions:
            return self.called(self.point.functions[tree.text], tree)
        for part in tree.args[1:]:
            self.scalar(part, "an argument")
        return inner

    def called(self, function: Function, tree: Tree) -> Shape:
        """What is mapped over, then the axes of what it gives; of vectors alone it lies as they do, else it stands."""
        if len(tree.args) != len(function.given):
            raise Unread(f"{tree.text} is given {len(tree.args)} things: {tree}")
        shapes, sizes = [self.shape(part) for part in tree.args], dict[Any, Dim]()
        mapped: tuple[Dim, ...] = ()
        for shape, axes in zip(shapes, function.given, strict=True):
            before = shape.rank - len(axes)
            if before < 0:
                raise Unread(f"{tree.text} of a tensor with {shape.rank} axes: {tree}")
            for dim, axis in zip(shape.dims[before:], axes, strict=True):
                dim.unite(Dim(axis) if isinstance(axis, int) else sizes.setdefault(axis, Dim()))
            for a, b in zip(reversed(mapped), reversed(shape.dims[:before]), strict=False):
                a.unite(b)
            mapped = shape.dims[:before] if before > len(mapped) else mapped
        gives = tuple(Dim(axis) if isinstance(axis, int) else sizes.get(axis, Dim()) for axis in function.gives)
        lies = {s.lies for s in shapes if s.rank == 1} if max(s.rank for s in shapes) == 1 else {False}
        if len(lies) > 1:
            raise Unread(f"a row and a column: {tree}")
        return Shape((*mapped, *gives), lies == {True} and len(mapped) + len(gives) == 1)

    def _cases(self, tree: Tree) -> Shape:
        return self.alike(tree.args)

    def _case(self, tree: Tree) -> Shape:
        return self.alike(tree.args)

    def _big(self, tree: Tree) -> Shape:
        for name in tree.names:
            self.letter(name)
        for part in tree.args[1:]:
            self.shape(part)
            self.bound(part, tree.names)
        return self.shape(tree.args[0])

    def bound(self, condition: Tree, names: tuple[str, ...]) -> None:
        """i ≤ n, or i < n where indices count from 0: what a letter ranges over where nothing else says so."""
        first, *others = condition.args
        if first.op != "letter" or first.text not in names or len(others) != 1 or not _of_sizes(others[0]):
            return
        if condition.text == ("≤" if self.point.base else "<"):
            self.shape(others[0])
            self.limits[first.text] = others[0]

    def _ones(self, tree: Tree) -> Shape:
        return Shape((Dim(),))

    def _unit(self, tree: Tree) -> Shape:
        label = tree.args[0].text
        return Shape((Dim(self.point.classes.get(label)),))

    def _eye(self, tree: Tree) -> Shape:
        dim = Dim()
        return Shape((dim, dim))

    def _onehots(self, tree: Tree) -> Shape:
        labels, classes = self.point.onehots[tree.text]
        return Shape((Dim(len(self.point.arrays[labels])), Dim(classes)))

    def _derivative(self, tree: Tree) -> Shape:
        of, by = tree.args
        if (not of.args and np.ndim(self.point.arrays[of.text])) or (not by.args and np.ndim(self.point.arrays[by.text])):
            return Shape((*self.shape(of).dims, *self.shape(by).dims))
        for part in (of, by):
            self.shape(part)
        return SCALAR

    def _gradient(self, tree: Tree) -> Shape:
        of, by = tree.args
        return Shape((*self.shape(of).dims, *self.shape(by).dims))

    def _second(self, tree: Tree) -> Shape:
        for part in tree.args:
            self.shape(part)
        if any(part.args for part in tree.args):
            return SCALAR
        return Shape(tuple(d for part in tree.args for d in self.shape(part).dims))

    def _hessian(self, tree: Tree) -> Shape:
        _of, by = tree.args
        return Shape((*self.shape(by).dims, *(Dim(d.length) for d in self.shape(by).dims)))

    def _grid(self, tree: Tree) -> Shape:
        column = [line.args[0] for line in tree.args if len(line.args) == 1]
        if len(column) == len(tree.args) and any(self.shape(part).rank for part in column):
            return self.stacked(column)
        for line in tree.args:
            for cell in line.args:
                self.scalar(cell, "an entry")
        if len(tree.args[0].args) == 1:  # a column
            return Shape((Dim(len(tree.args)),))
        return Shape((Dim(len(tree.args)), Dim(len(tree.args[0].args))))

    def stacked(self, parts: list[Tree]) -> Shape:
        """Vectors, or matrices, one below another."""
        first, *others = map(self.shape, parts)
        if any(part.rank != first.rank or part.lies for part in (first, *others)):
            raise Unread(f"unlike parts of a column: {parts}")
        for part in others:
            for mine, other in zip(first.dims[1:], part.dims[1:], strict=True):
                mine.unite(other)
        lengths = [part.dims[0].length for part in (first, *others)]
        return Shape((Dim(sum(lengths) if None not in lengths else None), *first.dims[1:]))

    def _vector(self, tree: Tree) -> Shape:
        for cell in tree.args:
            self.scalar(cell, "an entry")
        return Shape((Dim(len(tree.args)),))


def _of_sizes(tree: Tree) -> bool:
    """Whether a formula is of sizes and numbers alone: n, K + 1, not a label."""
    return all(map(_of_sizes, tree.args)) if tree.args else tree.op in ("size", "number")


def _whole_number(tree: Tree) -> int | None:
    """The whole number that an exponent is."""
    if tree.op == "negative" and (found := _whole_number(tree.args[0])) is not None:
        return -found
    return int(tree.value) if tree.op == "number" and tree.value is not None and tree.value.denominator == 1 else None


def _letters(tree: Tree) -> bool:
    return tree.op == "letter" or any(map(_letters, tree.args))


# ---------------------------------------------------------------- dual numbers


@dataclass
class Dual:
    """A value, and how it moves."""

    v: Array
    d: Array | None = None

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.v + other.v, _sum(self.d, other.d))

    def __neg__(self) -> Dual:
        return Dual(-self.v, None if self.d is None else -self.d)

    def __mul__(self, other: Dual) -> Dual:
        left = None if self.d is None else self.d * other.v
        return Dual(self.v * other.v, _sum(left, None if other.d is None else self.v * other.d))

    def __truediv__(self, other: Dual) -> Dual:
        with np.errstate(all="ignore"):
            out = self.v / np.asarray(other.v, dtype=float)
            left = None if self.d is None else self.d / other.v
            return Dual(out, _sum(left, None if other.d is None else -out * other.d / other.v))

    def through(self, value: Array, slope: Callable[[], Array]) -> Dual:
        return Dual(value, None if self.d is None else slope() * self.d)


def _sum(a: Array | None, b: Array | None) -> Array | None:
    return b if a is None else a if b is None else a + b


def _raised(a: Dual, b: Dual) -> Dual:
    with np.errstate(all="ignore"):
        out = np.power(np.asarray(a.v, dtype=float), b.v)
        left = None if a.d is None else b.v * np.power(np.asarray(a.v, dtype=float), b.v - 1) * a.d
        return Dual(out, _sum(left, None if b.d is None else out * np.log(a.v) * b.d))


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _normal(x: Array) -> Array:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


_erf = np.vectorize(math.erf, otypes=[float])


def _cdf(x: Array) -> Array:
    return (1 + _erf(np.asarray(x) / math.sqrt(2))) / 2


def _softplus(x: Array) -> Array:
    return np.log1p(np.exp(x))


def _gamma(order: int) -> Callable[[Array], Array]:
    """log Γ, or a derivative of it, as mpmath has them."""
    return np.vectorize(lambda x: float(mpmath.psi(order - 1, x) if order else mpmath.loggamma(x)), otypes=[float])


_SELU = (1.0507009873554805, 1.6732632423543772)

FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda x: 1 / x),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda x: -np.sin(x)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "erf": (_erf, lambda x: 2 / math.sqrt(math.pi) * np.exp(-(x**2))),
    "sign": (np.sign, lambda x: 0 * x),
    "sinh": (np.sinh, np.cosh),
    "cosh": (np.cosh, np.sinh),
    "arctan": (np.arctan, lambda x: 1 / (1 + x**2)),
    "log1p": (np.log1p, lambda x: 1 / (1 + x)),
    "expm1": (np.expm1, np.exp),
    "log2": (np.log2, lambda x: 1 / (x * math.log(2))),
    "log10": (np.log10, lambda x: 1 / (x * math.log(10))),
    "lgamma": (_gamma(0), _gamma(1)),
    "digamma": (_gamma(1), _gamma(2)),
    "trigamma": (_gamma(2), _gamma(3)),
    "tetragamma": (_gamma(3), _gamma(4)),
    "ReLU": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "σ": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "Φ": (_cdf, _normal),
    "φ": (_normal, lambda x: -x * _normal(x)),
    "GELU": (lambda x: x * _cdf(x), lambda x: _cdf(x) + x * _normal(x)),
    "SiLU": (lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x)))),
    "softplus": (_softplus, _sigmoid),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "Mish": (
        lambda x: x * np.tanh(_softplus(x)),
        lambda x: np.tanh(_softplus(x)) + x * _sigmoid(x) * (1 - np.tanh(_softplus(x)) ** 2),
    ),
    "hard tanh": (lambda x: np.clip(x, -1, 1), lambda x: np.where(abs(x) < 1, 1.0, 0.0)),
    "hard sigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, lambda x: np.where(abs(x) < 3, 1 / 6, 0.0)),
}

FUNCTIONS |= {"sigmoid": FUNCTIONS["σ"], "normal cdf": FUNCTIONS["Φ"], "normal pdf": FUNCTIONS["φ"]}


# ---------------------------------------------------------------- values


@dataclass(frozen=True)
class Move:
    """An entry that a derivative is taken by: the tensor, and where, for each place that the letters take."""

    name: str
    where: tuple[Array, ...]
    depth: int


@dataclass(frozen=True)
class Values:
    """The evaluator of a tree whose shapes are known.  `letters` hold the values that each takes, over the letters' axes."""

    point: Point
    shapes: Shapes
    letters: Mapping[str, Array] = field(default_factory=dict)
    depth: int = 0
    move: Move | None = None
    whole: bool = False
    """Whether a tensor may move as a whole here, in one entry: inside a function of a matrix."""

    def of(self, tree: Tree) -> Dual:
        return getattr(self, "_" + tree.op.replace(" ", "_"))(tree)  # type: ignore[no-any-return]

    def number(self, value: Array) -> Dual:
        return Dual(np.full((1,) * self.depth, value))

    def dims(self, tree: Tree) -> tuple[int, ...]:
        lengths = [d.root().length for d in self.shapes.shape(tree).dims]
        if None in lengths:
            raise Unread(f"nothing says how long {tree} is")
        return tuple(n for n in lengths if n is not None)

    def expanded(self, array: Array, since: int) -> Array:
        """An array over the letters that meant something outside, here."""
        return np.reshape(array, np.shape(array)[:since] + (1,) * (self.depth - since) + np.shape(array)[since:])

    def fitted(self, values: list[tuple[Tree, Dual]]) -> list[Dual]:
        """Values of unlike ranks over the axes of the largest."""
        rank = max(self.shapes.shape(t).rank for t, _ in values)

        def fit(tree: Tree, array: Array) -> Array:
            own = self.shapes.shape(tree).rank
            shape = np.shape(array)
            at = len(shape) - own
            return np.reshape(array, shape[:at] + (1,) * (rank - own) + shape[at:])

        return [Dual(fit(t, x.v), None if x.d is None else fit(t, x.d)) for t, x in values]

    def all(self, trees: tuple[Tree, ...]) -> list[Dual]:
        return self.fitted([(t, self.of(t)) for t in trees])

    # ---- leaves

    def _number(self, tree: Tree) -> Dual:
        return self.number(float(tree.value or 0))

    def _infinity(self, tree: Tree) -> Dual:
        return self.number(math.inf)

    def _constant(self, tree: Tree) -> Dual:
        return self.number(math.e if tree.text == "e" else math.pi)

    def _size(self, tree: Tree) -> Dual:
        return self.number(float(self.point.sizes[tree.text]))

    def _letter(self, tree: Tree) -> Dual:
        return Dual(self.place(tree.text) + self.point.base)

    def place(self, letter: str) -> Array:
        array = self.letters[letter]
        return np.reshape(array, np.shape(array) + (1,) * (self.depth - np.ndim(array)))

    def _tensor(self, tree: Tree) -> Dual:
        array = np.asarray(self.point.arrays[tree.text])
        shift = self.point.base if tree.text in self.point.labels else 0
        if any(part.op == "colon" for part in tree.args) or (self.whole and array.ndim and not tree.args):
            return self.whole_tensor(tree, array)
        if not tree.args:
            moving = self.move is not None and self.move.name == tree.text
            if moving and array.ndim:
                raise Unread(f"a tensor moves as a whole: {tree}")
            value = np.reshape(array, (1,) * self.depth + array.shape) + shift
            return Dual(value, np.ones((1,) * self.depth) if moving else None)
        where = self.where(tree)
        value = array[where] + shift
        if self.move is None or self.move.name != tree.text:
            return Dual(value)
        same = np.ones((1,) * self.depth)
        for own, other in zip(where, self.move.where, strict=True):
            same = same * (own == self.expanded(other, self.move.depth))
        return Dual(value, same)

    def whole_tensor(self, tree: Tree, array: Array) -> Dual:
        """A tensor over the axes with a colon, one of whose entries may move."""
        parts = tree.args or (Tree("colon"),) * array.ndim
        colons = sum(part.op == "colon" for part in parts)
        places, seen = [], 0
        for part, n in zip(parts, array.shape, strict=True):
            if part.op == "colon":
                seen += 1
                places.append(np.reshape(np.arange(n), (1,) * (self.depth + seen - 1) + (n,) + (1,) * (colons - seen)))
            else:
                place = np.rint(replace(self, move=None).of(part).v - self.point.base).astype(int)
                places.append(np.reshape(place, np.shape(place) + (1,) * colons))
        value = array[tuple(places)]
        if self.move is None or self.move.name != tree.text:
            return Dual(value)
        if not self.whole:
            raise Unread(f"a tensor moves as a whole: {tree}")
        same = np.ones((1,) * (self.depth + colons))
        for own, other in zip(places, self.move.where, strict=True):
            there = self.expanded(other, self.move.depth)
            same = same * (own == np.reshape(there, np.shape(there) + (1,) * colons))
        return Dual(value, same)

    def of_matrix(self, function: Callable[[Array], Array], matrix: Tree) -> Dual:
        """A function of a matrix as a whole; how it moves with an entry, from central differences."""
        inner = replace(self, whole=True).of(matrix)
        out = Dual(np.asarray(function(inner.v)))
        if inner.d is not None:
            up, down = (function(inner.v + h * inner.d) for h in (STEP, -STEP))
            out.d = (up - down) / (2 * STEP)
        return out

    def _entry(self, tree: Tree) -> Dual:
        matrix, *indices = tree.args
        inner = self.of(matrix)
        places = [np.rint(replace(self, move=None).of(i).v - self.point.base).astype(int) for i in indices]
        rank = len(places)

        def taken(array: Array) -> Array:
            shape = np.broadcast_shapes(array.shape[:-rank], *(p.shape for p in places))
            whole = np.broadcast_to(array, shape + array.shape[-rank:])
            return whole[(*np.ogrid[tuple(map(slice, shape))], *(np.broadcast_to(p, shape) for p in places))]

        return Dual(taken(inner.v), None if inner.d is None else taken(inner.d))

    def _along(self, tree: Tree) -> Dual:
        """softmax_i(…): the letter takes all its values inside the brackets, and of what comes out the entry is its own."""
        body, letter = tree.args
        n = self.range(letter.text)
        letters = {**self.letters, letter.text: np.reshape(np.arange(n), (1,) * self.depth + (n,))}
        inner = replace(self, letters=letters, depth=self.depth + 1).of(body)
        if inner.d is not None:
            raise Unread(f"a function of a vector moves: {tree}")
        each = np.broadcast_to(inner.v, (*np.shape(inner.v)[:-1], n))
        powers = np.exp(each - each.max(axis=-1, keepdims=True))
        value = powers / powers.sum(axis=-1, keepdims=True)
        place = self.place(letter.text)
        shape = np.broadcast_shapes(value.shape[:-1], place.shape)
        whole = np.broadcast_to(value, (*shape, n))
        return Dual(np.take_along_axis(whole, np.broadcast_to(place, shape)[..., None], -1)[..., 0])

    def where(self, tree: Tree) -> tuple[Array, ...]:
        """Indices as places; one that leaves its axis is 0 times something, and may be any."""
        array = np.asarray(self.point.arrays[tree.text])
        found = []
        for part, n in zip(tree.args, array.shape, strict=True):
            place = np.rint(replace(self, move=None).of(part).v - self.point.base).astype(int)
            if part.op == "number" and not 0 <= place.item() < n:
                raise Unread(f"{tree.text} has no entry {part}")
            found.append(np.clip(place, 0, n - 1))
        return tuple(found)

    def _ones(self, tree: Tree) -> Dual:
        return Dual(np.ones((1,) * self.depth + self.dims(tree)))

    def _eye(self, tree: Tree) -> Dual:
        eye = np.eye(self.dims(tree)[0])
        return Dual(np.reshape(eye, (1,) * self.depth + eye.shape))

    def _unit(self, tree: Tree) -> Dual:
        (n,) = self.dims(tree)
        place = self.of(tree.args[0]).v - self.point.base
        return Dual((np.arange(n) == place[..., None]).astype(float))

    def _onehots(self, tree: Tree) -> Dual:
        labels, classes = self.point.onehots[tree.text]
        hot = np.eye(classes)[np.asarray(self.point.arrays[labels])]
        return Dual(np.reshape(hot, (1,) * self.depth + hot.shape))

    # ---- arithmetic

    def _add(self, tree: Tree) -> Dual:
        first, *rest = self.all(tree.args)
        for part in rest:
            first = first + part
        return first

    def _negative(self, tree: Tree) -> Dual:
        return -self.of(tree.args[0])

    def _bracket(self, tree: Tree) -> Dual:
        return self.of(tree.args[0])

    _about = _bracket

    def _product(self, tree: Tree) -> Dual:
        """From the left; where an indicator is 0 the product is, whatever the rest comes to."""
        values = [self.of(t) for t in tree.args]
        out, shape = values[0], self.shapes.shape(tree.args[0])
        for part, value in zip(tree.args[1:], values[1:], strict=True):
            other = self.shapes.shape(part)
            out = self.times(out, shape, value, other)
            shape = self.shapes.times(shape, other, tree)
        gates = [
            v.v
            for t, v in zip(tree.args, values, strict=True)
            if t.op in ("indicator", "delta") and not self.shapes.shape(t).rank
        ]
        if shape.rank == 0:
            for gate in gates:
                out = Dual(np.where(gate == 0, 0.0, out.v), None if out.d is None else np.where(gate == 0, 0.0, out.d))
        return out

    def times(self, a: Dual, sa: Shape, b: Dual, sb: Shape) -> Dual:
        if not sa.rank or not sb.rank:
            spread = lambda x, own, other: np.reshape(x, np.shape(x) + (1,) * (other - own))  # noqa: E731
            left = Dual(*(None if x is None else spread(x, sa.rank, max(sa.rank, sb.rank)) for x in (a.v, a.d)))
            right = Dual(*(None if x is None else spread(x, sb.rank, max(sa.rank, sb.rank)) for x in (b.v, b.d)))
            return left * right
        if a.d is not None or b.d is not None:
            raise Unread("a product of matrices moves")
        match (sa.rank, sb.rank):
            case (2, 2):
                return Dual(np.einsum("...ij,...jk->...ik", a.v, b.v))
            case (2, 1):
                return Dual(np.einsum("...ij,...j->...i", a.v, b.v))
            case (1, 2):
                return Dual(np.einsum("...i,...ij->...j", a.v, b.v))
        return Dual(np.einsum("...i,...i->..." if sa.lies else "...i,...j->...ij", a.v, b.v))

    def _hadamard(self, tree: Tree) -> Dual:
        a, b = self.all(tree.args)
        return a * b

    def _divided(self, tree: Tree) -> Dual:
        a, b = self.all(tree.args)
        return a / b

    def _over(self, tree: Tree) -> Dual:
        a, b = self.all(tree.args)
        return a / b

    _slash = _over

    def _power(self, tree: Tree) -> Dual:
        base, exponent = tree.args
        if self.shapes.shape(base).rank == 2:
            times = _whole_number(exponent) or 0
            return self.of_matrix(lambda a: np.linalg.matrix_power(a, times), base)
        if base.op == "constant" and base.text == "e":
            return self.function("exp", self.of(exponent))
        return _raised(self.of(base), self.of(exponent))

    def _entry_power(self, tree: Tree) -> Dual:
        a, b = self.all(tree.args)
        return _raised(a, b)

    def _transposed(self, tree: Tree) -> Dual:
        inner = self.of(tree.args[0])
        if self.shapes.shape(tree.args[0]).rank != 2:
            return inner
        return Dual(np.swapaxes(inner.v, -1, -2), None if inner.d is None else np.swapaxes(inner.d, -1, -2))

    def _root(self, tree: Tree) -> Dual:
        inner = self.of(tree.args[0])
        return _raised(inner, Dual(np.full((1,) * np.ndim(inner.v), 0.5)))

    def _absolute(self, tree: Tree) -> Dual:
        inner = self.of(tree.args[0])
        return inner.through(abs(inner.v), lambda: np.sign(inner.v))

    def _norm(self, tree: Tree) -> Dual:
        axes = (-1, -2) if tree.text else (-1,)
        return Dual(np.sqrt((self.of(tree.args[0]).v ** 2).sum(axis=axes)))

    # ---- functions

    def function(self, name: str, x: Dual) -> Dual:
        value, slope = FUNCTIONS[name]
        with np.errstate(all="ignore"):
            return x.through(value(np.asarray(x.v, dtype=float)), lambda: slope(np.asarray(x.v, dtype=float)))

    def _call(self, tree: Tree) -> Dual:
        if tree.text in ("max", "min") and len(tree.args) > 1:
            return self.extreme(tree)
        if tree.text == "det":
            one = not self.shapes.shape(tree.args[0]).rank
            return self.of(tree.args[0]) if one else self.of_matrix(np.linalg.det, tree.args[0])
        inner = self.of(tree.args[0])
        axes = tuple(range(self.depth, np.ndim(inner.v)))
        if tree.text in ("sum", "mean", "prod", "max", "min"):
            if inner.d is not None:
                raise Unread("a whole tensor moves")
            return Dual(np.asarray(getattr(np, tree.text)(inner.v, axis=axes)))
        if tree.text == "argmax":
            return Dual(inner.v.argmax(axis=-1) + self.point.base)
        if tree.text == "diag":
            if self.shapes.shape(tree.args[0]).rank == 2:
                return Dual(np.diagonal(inner.v, axis1=-2, axis2=-1))
            return Dual(inner.v[..., None] * np.eye(inner.v.shape[-1]))
        if tree.text == "tr":
            return Dual(np.trace(inner.v, axis1=-2, axis2=-1))
        if tree.text in FUNCTIONS and len(tree.args) == 1:
            return self.function(tree.text, inner)
        if tree.text in self.point.functions:
            return self.each_place(self.point.functions[tree.text], tree)
        return self.library(tree, *self.all(tree.args))

    def each_place(self, function: Function, tree: Tree) -> Dual:
        """A definition of the library, called for each place that the letters take, and over what is mapped."""
        ranks = [self.shapes.shape(t).rank for t in tree.args]
        width, given = function.mapped(ranks), list[Array]()
        for k, (part, rank, axes) in enumerate(zip(tree.args, ranks, function.given, strict=True)):
            found = self.of(part)
            if found.d is not None:
                raise Unread(f"a function of tensors moves: {tree}")
            array = np.asarray(found.v) - (self.point.base if k in function.labels else 0)
            own = rank - len(axes)
            array = np.reshape(array, (1,) * (self.depth + rank - np.ndim(array)) + np.shape(array))
            given.append(np.reshape(array, (*array.shape[: self.depth], *(1,) * (width - own), *array.shape[self.depth :])))
        lead = np.broadcast_shapes(*(a.shape[: self.depth + width] for a in given))
        spread = [np.broadcast_to(a, (*lead, *a.shape[self.depth + width :])) for a in given]
        each = [np.asarray(function.one(*(a[at] for a in spread)), dtype=float) for at in np.ndindex(*lead)]
        return Dual(np.reshape(np.stack(each), (*lead, *each[0].shape)))

    def library(self, tree: Tree, x: Dual, *more: Dual) -> Dual:
        """Functions with a parameter, and those of a whole vector."""
        if tree.text in self.point.numbers:
            return self.numerical(self.point.numbers[tree.text], [x, *more])
        if tree.text in ("softmax", "log softmax", "logsumexp"):
            shifted = x.v - x.v.max(axis=-1, keepdims=True)
            total = np.exp(shifted).sum(axis=-1, keepdims=True)
            if tree.text == "softmax":
                return Dual(np.exp(shifted) / total)
            return Dual(shifted - np.log(total)) if tree.text == "log softmax" else Dual(x.v.max(-1) + np.log(total[..., 0]))
        if tree.text == "cumsum":
            return Dual(np.cumsum(x.v, axis=-1))
        if tree.text in ("var", "std"):
            return Dual(np.asarray(getattr(np, tree.text)(x.v, axis=-1)))
        if tree.text == "softmin":
            return Dual(np.exp(-x.v) / np.exp(-x.v).sum(axis=-1, keepdims=True))
        if tree.text == "gelu tanh":
            u = math.sqrt(2 / math.pi) * (x.v + 0.044715 * x.v**3)
            slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x.v**2)
            return x.through(x.v / 2 * (1 + np.tanh(u)), lambda: (1 + np.tanh(u) + x.v * (1 - np.tanh(u) ** 2) * slope) / 2)
        if tree.text in ("leaky relu", "ELU", "SELU"):
            by = [m.v for m in more] or list(_SELU[::-1])
            alpha, scale = by[0], by[1] if len(by) > 1 else 1.0
            low = alpha * x.v if tree.text == "leaky relu" else alpha * (np.exp(x.v) - 1)
            slope = alpha if tree.text == "leaky relu" else alpha * np.exp(x.v)
            return x.through(scale * np.where(x.v > 0, x.v, low), lambda: scale * np.where(x.v > 0, 1.0, slope))
        raise Unread(f"nobody knows the function {tree.text}")

    def numerical(self, function: Callable[..., Array], args: list[Dual]) -> Dual:
        """A function of numbers by its name; how it moves, from central differences."""
        values = [a.v for a in args]
        out = Dual(np.asarray(function(*values), dtype=float))
        for k, a in enumerate(args):
            if a.d is not None:
                up, down = ([*values[:k], a.v + h, *values[k + 1 :]] for h in (STEP, -STEP))
                slope = (np.asarray(function(*up), dtype=float) - np.asarray(function(*down), dtype=float)) / (2 * STEP)
                out = out + Dual(np.zeros(()), slope * a.d)
        return out

    def extreme(self, tree: Tree) -> Dual:
        first, *rest = self.all(tree.args)
        for other in rest:
            better = other.v > first.v if tree.text == "max" else other.v < first.v
            moves = None
            if first.d is not None or other.d is not None:
                moves = np.where(better, 0 if other.d is None else other.d, 0 if first.d is None else first.d)
            first = Dual(np.where(better, other.v, first.v), moves)
        return first

    # ---- conditions

    def _relation(self, tree: Tree) -> Dual:
        values = [Dual(x.v) for x in replace(self, move=None).all(tree.args)]
        holds: Array = True
        for (a, b), sign in zip(pairwise(values), tree.text.split(), strict=True):
            holds = holds & _COMPARED[sign](a.v, b.v)
        return Dual(np.asarray(holds, dtype=float))

    def _indicator(self, tree: Tree) -> Dual:
        first, *rest = self.all(tree.args)
        for part in rest:
            first = first * part
        return first

    def _delta(self, tree: Tree) -> Dual:
        a, b = (replace(self, move=None).of(t).v for t in tree.args)
        return Dual((np.rint(a) == np.rint(b)).astype(float))

    def _cases(self, tree: Tree) -> Dual:
        """The first alternative whose conditions hold."""
        parts = [t for row in tree.args for t in row.args]
        values = dict(zip(map(id, parts), self.all(tuple(parts)), strict=True))
        out: Dual | None = None
        for row in reversed(tree.args):
            value, *conditions = (values[id(t)] for t in row.args)
            if out is None:
                out = value
                continue
            holds: Array = True
            for condition in conditions:
                holds = holds & (condition.v != 0)
            moves = None
            if value.d is not None or out.d is not None:
                moves = np.where(holds, 0 if value.d is None else value.d, 0 if out.d is None else out.d)
            out = Dual(np.where(holds, value.v, out.v), moves)
        assert out
        return out

    # ---- binders

    def _big(self, tree: Tree) -> Dual:
        letters, shape = dict(self.letters), list[int]()
        for k, name in enumerate(tree.names):
            n = self.range(name)
            shape.append(n)
            letters[name] = np.reshape(np.arange(n), (1,) * (self.depth + k) + (n,))
        inner = replace(self, letters=letters, depth=self.depth + len(shape))
        body = inner.of(tree.args[0])
        axes = tuple(range(self.depth, inner.depth))

        holds: Array = np.ones((1,) * self.depth + tuple(shape), dtype=bool)
        for condition in tree.args[1:]:
            holds = holds & (inner.of(condition).v != 0)
        filled = {"Σ": 0.0, "Π": 1.0, "max": -math.inf, "argmax": -math.inf, "min": math.inf, "argmin": math.inf}[tree.text]
        holds = np.reshape(holds, np.shape(holds) + (1,) * (np.ndim(body.v) - inner.depth))
        full = np.broadcast_shapes(*(np.shape(x) for x in (holds, body.v, body.d) if x is not None))
        value = np.broadcast_to(np.where(holds, body.v, filled), full)
        moves = None if body.d is None else np.broadcast_to(np.where(holds, body.d, 0.0), full)
        return self.collected(tree.text, value, moves, axes)

    def collected(self, sign: str, value: Array, moves: Array | None, axes: tuple[int, ...]) -> Dual:
        if sign == "Σ":
            return Dual(value.sum(axis=axes), None if moves is None else moves.sum(axis=axes))
        if sign == "Π":
            out = value.prod(axis=axes)
            return Dual(out, None if moves is None else _product_rule(value, moves, axes))
        flat = value.reshape(*value.shape[: axes[0]], -1, *value.shape[axes[-1] + 1 :])
        first = flat.argmax(axis=axes[0]) if sign in ("max", "argmax") else flat.argmin(axis=axes[0])
        if sign in ("argmax", "argmin"):
            return Dual(first + self.point.base)
        chosen = np.expand_dims(first, axes[0])
        pick = lambda x: np.take_along_axis(x.reshape(flat.shape), chosen, axes[0]).squeeze(axes[0])  # noqa: E731
        return Dual(pick(value), None if moves is None else pick(moves))

    def range(self, name: str) -> int:
        found = self.shapes.length(name)
        if found is None:
            raise Unread(f"nothing says what {name.partition('#')[0]} ranges over")
        return found

    # ---- derivatives

    def _slope(self, tree: Tree) -> Dual:
        """∂/∂x_i[…]: how what stands in the brackets moves with this entry, and with it alone."""
        body, by = tree.args
        move = Move(by.text, self.where(by) if by.args else (), self.depth)
        moved = replace(self, move=move).of(body).d
        return Dual(np.zeros((1,) * self.depth) if moved is None else moved)

    def _derivative(self, tree: Tree) -> Dual:
        of, by = tree.args
        if self.shapes.shape(tree).rank:
            assert self.point.total
            whole = np.asarray(self.point.total(of.text, by.text), dtype=float)
            return Dual(np.reshape(whole, (1,) * self.depth + whole.shape))
        places = (self.where(of) if of.args else ()), (self.where(by) if by.args else ())
        if of.text == by.text:
            same = np.ones((1,) * self.depth)
            for a, b in zip(*places, strict=True):
                same = same * (a == b)
            return Dual(same)
        if of.text == self.point.output or f"∂{of.text}/∂{by.text}" in self.point.arrays:
            return Dual(self.along_paths(of.text, by.text, places))
        if of.text not in self.point.definitions:
            return Dual(np.zeros((1,) * self.depth))
        return Dual(self.by_definition(of.text, by.text, places))

    def along_paths(self, of: str, by: str, places: tuple[tuple[Array, ...], tuple[Array, ...]]) -> Array:
        assert self.point.total
        whole = np.asarray(self.point.total(of, by), dtype=float)
        where = (*places[0], *places[1])
        return whole[where] if where else np.reshape(whole, (1,) * self.depth)

    def by_definition(self, of: str, by: str, places: tuple[tuple[Array, ...], tuple[Array, ...]]) -> Array:
        letters, tree = self.point.definitions[of]
        inner = replace(
            self,
            letters={**self.letters, **dict(zip(letters, places[0], strict=True))},
            move=Move(by, places[1], self.depth),
        )
        inner.shapes.shape(tree)
        moved = inner.of(tree).d
        return np.zeros((1,) * self.depth) if moved is None else moved

    def _second(self, tree: Tree) -> Dual:
        of, first, then = tree.args
        assert self.point.total
        whole = np.asarray(self.point.total(f"∂{of.text}/∂{first.text}", then.text), dtype=float)
        where = tuple(place for part in tree.args if part.args for place in self.where(part))
        return Dual(whole[where] if where else np.reshape(whole, (1,) * self.depth + whole.shape))

    def _gradient(self, tree: Tree) -> Dual:
        of, by = tree.args
        assert self.point.total
        whole = np.asarray(self.point.total(of.text, by.text), dtype=float)
        return Dual(np.reshape(whole, (1,) * self.depth + whole.shape))

    def _grid(self, tree: Tree) -> Dual:
        parts = [row.args[0] for row in tree.args]
        if rank := self.shapes.shape(parts[0]).rank:
            values = [np.asarray(self.of(part).v) for part in parts]
            before = np.broadcast_shapes(*(value.shape[: value.ndim - rank] for value in values))
            whole = [np.broadcast_to(value, (*before, *value.shape[value.ndim - rank :])) for value in values]
            return Dual(np.concatenate(whole, axis=-rank))
        rows = [np.stack([self.of(cell).v for cell in r.args], axis=-1) for r in tree.args]
        whole = np.stack(np.broadcast_arrays(*rows), axis=-2)
        return Dual(whole[..., 0] if whole.shape[-1] == 1 else whole)

    def _vector(self, tree: Tree) -> Dual:
        return Dual(np.stack([self.of(cell).v for cell in tree.args], axis=-1))


def _product_rule(value: Array, moves: Array, axes: tuple[int, ...]) -> Array:
    """Σ_k moves_k Π_{j ≠ k} value_j over some axes, also where values are 0."""
    first = axes[0]
    flat, by = (x.reshape(*x.shape[:first], -1, *x.shape[axes[-1] + 1 :]) for x in (value, moves))
    before = np.cumprod(flat, axis=first)
    after = np.flip(np.cumprod(np.flip(flat, first), axis=first), first)
    one = np.ones_like(np.take(flat, [0], first))
    count = flat.shape[first]
    others = np.concatenate([one, np.take(before, range(count - 1), first)], first) * np.concatenate(
        [np.take(after, range(1, count), first), one], first
    )
    return (by * others).sum(axis=first)


_COMPARED: dict[str, Callable[[Array, Array], Array]] = {
    "=": lambda a, b: np.isclose(a, b, rtol=0, atol=1e-12),
    "≠": lambda a, b: ~np.isclose(a, b, rtol=0, atol=1e-12),
    "<": np.less,
    ">": np.greater,
    "≤": np.less_equal,
    "≥": np.greater_equal,
}


def value(tree: Tree, point: Point, letters: Mapping[str, int], shape: tuple[int, ...] = ()) -> Array:
    """A formula at a point: an array over its free letters, in this order, then over its own axes.

    `letters` are the free letters with their ranges; `shape` is that of the tensor that it is to be, for a 𝟏 or an 𝐈 whose
    size nothing else says.
    """
    shapes = Shapes(point)
    for name, n in letters.items():
        shapes.letter(name).unite(Dim(n))
    own = shapes.shape(tree)
    if shape and own.rank == len(shape):
        for dim, n in zip(own.dims, shape, strict=True):
            dim.unite(Dim(n))
    shapes.shape(tree)
    places = {name: np.reshape(np.arange(n), (1,) * k + (n,)) for k, (name, n) in enumerate(letters.items())}
    values = Values(point, shapes, places, len(letters))
    with np.errstate(all="ignore"):
        out = values.of(tree).v
    return np.broadcast_to(out, tuple(letters.values()) + np.shape(out)[len(letters) :])
