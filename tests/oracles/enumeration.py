"""Terms evaluated the slow way: every Σ written out, one entry at a time, in 40 digits.

An oracle for the calculus, for `derive.values` and for the proofs: it shares nothing with them but the classes of terms.  A
derivative that was not carried out is a central difference.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Symbol, sign
from sympy.core.numbers import NumberSymbol

from derive.calculus.functions import Named
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inside,
    Label,
    Largest,
    Maximum,
    OfMatrix,
    Positive,
    Product,
    Where,
    free_indices,
)
from derive.graphs.graph import Graph, Node

DIGITS = 40
STEP = mpmath.mpf(10) ** -12

At = dict[Any, int]

_PSI = ("lgamma", "digamma", "trigamma", "tetragamma")
"""log Γ and its derivatives."""


class OutOfRange(Exception):
    """An index left its axis, and no bracket said that the entry does not count."""


class NoValue(Exception):
    """A function was asked for a value it does not have."""


@dataclass
class Point:
    """The size of every axis and an array of numbers for every tensor; a graph's nodes are worked out from its inputs."""

    sizes: dict[Symbol, int]
    tensors: dict[str, Any]
    graph: Graph | None = None
    held: frozenset[str] = frozenset()
    adjoints: dict[tuple[str, str], Any] = field(default_factory=dict)
    inverses: dict[Any, Any] = field(default_factory=dict)
    given: bool = True
    """Whether the tensors may hold other numbers than those of a point."""

    def __post_init__(self) -> None:
        if self.given:
            self.tensors = {name: np.vectorize(number, otypes=[object])(array) for name, array in self.tensors.items()}
        for node in self.graph.nodes if self.graph else ():
            if node.name not in self.tensors:
                self.tensors[node.name] = self.array(node.expr, node.indices)

    def size(self, axis: Any) -> int:
        return int(axis.subs(self.sizes))

    def array(self, term: Any, indices: tuple[Index, ...] = ()) -> Any:
        """The array `term[indices]`."""
        out = np.empty([self.size(i.size) for i in indices], dtype=object)
        with mpmath.workdps(DIGITS):
            for entry in np.ndindex(out.shape):
                out[entry] = self.value(term, dict(zip(indices, entry, strict=True)))
        return out

    def value(self, term: Any, at: At) -> Any:
        """A term, its free indices being these numbers."""
        if isinstance(term, Index):
            return at[term]
        if isinstance(term, Label):
            return int(self.value(term.element, at))
        if isinstance(term, Element):
            return self.entry(self.tensors[term.name], term.indices, at)
        if isinstance(term, Determinant):
            return mpmath.det(self.matrix(term, at))
        if isinstance(term, EntryOf):
            row, column = (int(self.value(i, at)) for i in term.indices)
            key = term.matrix, *(at[i] for i in sorted(free_indices(term.matrix), key=str))
            if key not in self.inverses:
                self.inverses[key] = self.matrix(term.matrix, at) ** -1
            return self.inverses[key][row, column]
        if isinstance(term, Binder):
            return self.bound(term, at)
        if isinstance(term, Bracket):
            return int(holds(term, [self.value(a, at) for a in term.args]))
        if isinstance(term, Where):
            return self.value(term.args[1 if self.value(term.args[0], at) else 2], at)
        if isinstance(term, Deriv):
            return self.derivative(term, at)
        if isinstance(term, Adjoint):
            found = self.adjoint(term.output.name, term.by.name)
            return self.entry(found, (*term.output.indices, *term.by.indices), at)
        if term.is_Mul:
            brackets = [f for f in term.args if isinstance(f, Bracket)]
            if not all(self.value(b, at) for b in brackets):
                return mpmath.mpf(0)
            return prod((self.value(f, at) for f in term.args if f not in brackets), start=mpmath.mpf(1))
        return self.function(term, at)

    def function(self, term: Any, at: At) -> Any:
        if term.is_Rational:
            return int(term) if term.is_Integer else mpmath.mpf(int(term.p)) / int(term.q)
        if isinstance(term, NumberSymbol):
            return mpmath.mpf(term.evalf(DIGITS + 10))
        if term.is_infinite:
            return mpmath.inf if term.is_positive else -mpmath.inf
        if isinstance(term, Symbol):
            return self.sizes[term]
        if isinstance(term, Named):
            return self.value(term.unfolded, at)
        args = [self.value(a, at) for a in term.args]
        if term.is_Add:
            return sum(args)
        if term.is_Pow:
            return power(*args)
        if isinstance(term, Maximum):
            return max(args)
        if isinstance(term, Abs):
            return abs(args[0])
        if isinstance(term, sign):
            return mpmath.sign(args[0])
        if type(term).__name__ == "log" and args[0] <= 0:
            raise NoValue(term)
        if type(term).__name__ in _PSI:
            order = _PSI.index(type(term).__name__)
            return mpmath.psi(order - 1, *args) if order else mpmath.loggamma(*args)
        return getattr(mpmath, type(term).__name__)(*args)

    def entry(self, array: Any, indices: tuple[Any, ...], at: At) -> Any:
        entry = tuple(int(self.value(i, at)) for i in indices)
        if any(not 0 <= k < n for k, n in zip(entry, np.shape(array), strict=True)):
            raise OutOfRange
        return array[entry]

    def matrix(self, term: OfMatrix, at: At) -> Any:
        """The matrix that a function is of; mpmath finds its determinant and its inverse by elimination."""
        indices, body = opened(term)
        rows, columns = (range(self.size(i.size)) for i in indices)
        return mpmath.matrix([[self.value(body, {**at, indices[0]: r, indices[1]: c}) for c in columns] for r in rows])

    def bound(self, term: Binder, at: At) -> Any:
        indices, body = opened(term)
        entries = list(product(*(range(self.size(i.size)) for i in indices)))
        values = [self.value(body, {**at, **dict(zip(indices, entry, strict=True))}) for entry in entries]
        if isinstance(term, ArgMax):
            return entries[max(range(len(values)), key=lambda k: (values[k], -k))][0]
        if isinstance(term, Largest):
            return max(values)
        return prod(values, start=mpmath.mpf(1)) if isinstance(term, Product) else sum(values, mpmath.mpf(0))

    # ---- derivatives, as central differences

    def moved(self, name: str, entry: tuple[int, ...], step: Any, keep: bool) -> Point:
        """The point with one entry changed; other tensors are held (`keep`) or worked out again."""
        array = self.tensors[name].copy()
        array[entry] = array[entry] + step
        inputs = {i.name for i in self.graph.inputs} if self.graph else set()
        held = {k: v for k, v in self.tensors.items() if keep or k in inputs}
        return Point(self.sizes, {**held, name: array}, self.graph, given=False)

    def derivative(self, term: Deriv, at: At) -> Any:
        body, by = term.body, term.by
        node = self.graph.members.get(body.name) if self.graph and isinstance(body, Element) and body.name != by.name else None
        if isinstance(node, Node):
            body = node.expr.xreplace(dict(zip(node.indices, body.indices, strict=True)))
        entry = tuple(int(self.value(i, at)) for i in by.indices)
        ends = [self.moved(by.name, entry, h, keep=True).value(body, at) for h in (STEP, -STEP)]
        return (ends[0] - ends[1]) / (2 * STEP)

    def adjoint(self, output: str, name: str) -> Any:
        """∂output/∂name along every path."""
        if (output, name) not in self.adjoints:
            out = np.empty(self.tensors[output].shape + self.tensors[name].shape, dtype=object)
            with mpmath.workdps(DIGITS):
                for entry in np.ndindex(self.tensors[name].shape):
                    ends = [self.moved(name, entry, h, keep=False).tensors[output] for h in (STEP, -STEP)]
                    out[(..., *entry)] = (ends[0] - ends[1]) / (2 * STEP)
            self.adjoints[output, name] = out
        return self.adjoints[output, name]


@lru_cache(maxsize=4096)
def opened(term: Binder | OfMatrix) -> tuple[tuple[Index, ...], Any]:
    """What a term binds and its body, with the same letters at every entry: no term stands in itself."""
    return term.opened()


def number(x: Any) -> Any:
    """A number of the point: labels stay integers."""
    if isinstance(x, mpmath.mpf):
        return x
    if isinstance(x, (int, np.integer)):
        return int(x)
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(int(x.numerator)) / int(x.denominator) if hasattr(x, "denominator") else mpmath.mpf(x)


def holds(bracket: Bracket, args: list[Any]) -> bool:
    a, b = (*args, 0)[:2]
    match bracket:
        case Delta():
            return a == b
        case Differ():
            return a != b
        case Below():
            return a < b
        case AtMost():
            return a <= b
        case Positive():
            return a > 0
        case Inside():
            return 0 <= a < b
    raise TypeError(bracket)


def power(base: Any, exponent: Any) -> Any:
    if (base == 0 and exponent < 0) or (base < 0 and exponent != int(exponent)):
        raise NoValue
    return mpmath.power(base, exponent)


def close(a: Any, b: Any, tolerance: float = 1e-15) -> bool:
    """Whether two arrays agree; a central difference errs by about 1e-24."""
    pairs = [(number(x), number(y)) for x, y in zip(np.ravel(a), np.ravel(b), strict=True)]
    return all(abs(x - y) <= tolerance * (1 + abs(x)) for x, y in pairs)


# ---------------------------------------------------------------- points of a graph


def point_of(graph: Graph, sizes: dict[str, int], seed: int) -> Point:
    """A random point: numbers of three decimals, by the kind of each input."""
    chance = random.Random(seed)
    symbols = {s for member in graph.members.values() for axis in member.axes for s in axis.free_symbols}
    symbols |= {s for i in graph.inputs if i.classes is not None for s in i.classes.free_symbols}
    known = {s: sizes[s.name] for s in symbols}
    drawn = {}
    for given in graph.inputs:
        out = np.empty([int(axis.subs(known)) for axis in given.axes], dtype=object)
        for entry in np.ndindex(out.shape):
            if given.kind == "label":
                out[entry] = chance.randrange(int(given.classes.subs(known)))
            else:
                out[entry] = Fraction(chance.randint(150, 1600) * (chance.choice((1, -1)) if given.kind == "real" else 1), 1000)
        drawn[given.name] = out / out.sum(-1, keepdims=True) if given.kind == "probability" else out
    return Point(known, drawn, graph)
