"""Numbers: any term or graph at a point, exact or in balls, or in float64.

A value stays an exact fraction through `+ - * /`, max, comparisons and powers, and becomes a ball, a number with a proved
radius, at the first irrational function.  What balls do not decide is asked again in twice as many digits.  A derivative
that has not been carried out is read off a power series: an entry moves by t, and the coefficient of t is the slope, with a
radius of its own.  FLINT's series know none of the rules that these numbers are used to check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache, partial, reduce
from typing import Any

import numpy as np
from sympy import Abs, Expr, Mul, S, Symbol, sign
from sympy.core.numbers import NumberSymbol

from derive.calculus.functions import Named
from derive.calculus.terms import (
    CACHE,
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
    Elsewhere,
    EntryOf,
    Index,
    Inside,
    Inverse,
    Label,
    Largest,
    Maximum,
    OfMatrix,
    Positive,
    Product,
    Where,
    free_indices,
    names,
    substituted,
    unused,
)
from derive.graphs.graph import Graph, Node
from derive.values.balls import HIGHEST, LOWEST, NOTHING, T_, UNKNOWN, Array, Jet, exists, slope_of
from derive.values.number_systems import EXACT, FLOAT, NumberSystem, exact
from derive.values.precision import MOST_DIGITS, DomainError, Undecided, decided, precision, too_few
from derive.values.real import all_given_out
from derive.values.undefined import no_value, sides

MAX_REMEMBERED = 1 << 12
"""Arrays of more entries are not remembered by a memo."""


# ---------------------------------------------------------------- terms

Entries = Mapping[Index, Array]


@dataclass(frozen=True, eq=False)
class Evaluator:
    """What is known at a point: the size of every axis and an array for every tensor of a graph.

    `graph` is needed for derivatives of its nodes only.  With a `memo`, a term that stands
    in several lines is evaluated once.  `adjoints` are the total derivatives that are known, by (output, variable): arrays over
    the axes of both.  What else is asked for is found by power series, and kept there.

    >>> from derive.calculus.terms import Element, Index, total
    >>> n, x = Symbol("n", integer=True, positive=True), Symbol("x", real=True)
    >>> i = Index("i", n)
    >>> Evaluator({n: 3}, {"x": np.array([1.0, 2.0, 4.0])}, numbers=FLOAT).array(total(Element(x, i) ** 2, i)).item()
    21.0
    """

    sizes: Mapping[Symbol, Any]
    arrays: Mapping[str, Array]
    graph: Graph | None = None
    numbers: NumberSystem = EXACT
    adjoints: dict[tuple[str, str], Array] = field(default_factory=dict, repr=False)
    _slopes: dict[tuple[str, str], dict[int, Array]] = field(default_factory=dict, repr=False)
    _entered: dict[str, tuple[Array, Array]] = field(default_factory=dict, repr=False)
    copied: frozenset[str] = frozenset()
    memo: dict[Any, Array] | None = field(default=None, repr=False)
    still: Evaluator | None = field(default=None, repr=False)
    """The same values with no entry moved, where one is."""
    needed: str | None = None
    """The node that the others are computed for, which need no value in places that it does not need."""
    empty: bool = False
    """Whether the largest of no entries is -oo, not an error."""

    @property
    def digits(self) -> int:
        """The digits computed with."""
        return self.numbers.digits

    @cached_property
    def finer(self) -> Evaluator:
        """The same point in at least twice as many digits: its inputs as they are, its nodes computed again."""
        graph, numbers = self.graph, _finer(self.numbers)
        if graph is None:
            return replace(self, numbers=numbers, memo=None, still=None, _slopes={}, _entered={})
        computed = {node.name for node in graph.nodes if node.name in self.arrays}
        given = {name: array for name, array in self.arrays.items() if name not in computed}
        start = _Start(graph, self.sizes, given, numbers, frozenset(computed), self.needed)
        return replace(decided(start, _Start.values), empty=self.empty)

    def at(self, digits: int) -> Evaluator:
        """The same point in at least so many digits."""
        return self if min(digits, MOST_DIGITS) <= self.digits else self.finer.at(digits)

    def given_out(self, name: str) -> Array:
        """A tensor as fractions, and as numbers that find more of their digits."""
        return all_given_out(self.arrays[name], lambda digits: self.at(digits).arrays[name])

    def numbers_of(self, term: Any, indices: tuple[Index, ...] = ()) -> Array:
        """The same of an array `term[indices]`."""
        return all_given_out(self.array(term, indices), lambda digits: self.at(digits).array(term, indices))

    def tensor(self, name: str) -> Array:
        """A tensor as it is computed with."""
        array = self.arrays[name]
        known = self._entered.get(name)
        if known is None or known[0] is not array:
            known = self._entered[name] = (array, self.numbers.entered(array))
        return known[1]

    def size(self, axis: Any) -> int:
        """The size of an axis."""
        if axis in self.sizes:
            return int(self.sizes[axis])
        return int(axis.xreplace({s: S(self.sizes[s]) for s in axis.free_symbols}))

    def array(self, term: Any, indices: tuple[Index, ...] = ()) -> Array:
        """The array `term[indices]`, one axis for each index, in order, in as many digits as it takes."""
        return self._decided(*self._whole(indices), term)

    def loosely(self, term: Any, indices: tuple[Index, ...] = ()) -> Array:
        """The same in the digits of this point, with NOTHING where there is no value, or none is known in these."""
        with precision(self.digits), np.errstate(all="ignore"):
            return self._over(*self._whole(indices), term)

    def strictly(self, term: Any, indices: tuple[Index, ...] = ()) -> Array:
        """The same; raises Undecided, or DomainError, in place of NOTHING."""
        return self._strictly(*self._whole(indices), term)

    def on(self, grid: Entries, term: Any) -> Array:
        """A term at chosen entries: the grid holds, for each free index, the values it takes, all of one length."""
        return self._decided(grid, np.broadcast_shapes(*map(np.shape, grid.values())), term)

    def _whole(self, indices: tuple[Index, ...]) -> tuple[Entries, Sequence[int]]:
        """The grid of all entries, and its shape."""
        shape = [self.size(i.size) for i in indices]
        last = len(shape) - 1
        grid = {i: np.arange(n).reshape((n,) + (1,) * (last - a)) for a, (i, n) in enumerate(zip(indices, shape, strict=True))}
        return grid, shape

    def _decided(self, grid: Entries, shape: Sequence[int], term: Any) -> Array:
        return decided(self, lambda values: values._strictly(grid, shape, term))

    def _strictly(self, grid: Entries, shape: Sequence[int], term: Any) -> Array:
        with precision(self.digits), np.errstate(all="ignore"):
            found = self._over(grid, shape, term)
            if self.numbers is not FLOAT and not self.numbers.reasoned and missing(found).any():
                reasoned = replace(self, numbers=exact(self.digits, reasoned=True), memo=None, still=None, _slopes={})
                try:
                    reasoned._over(grid, shape, term)
                except Missing as behind:
                    _raise_for(self, *behind.args)
                raise Undecided(too_few())
            return found

    def _over(self, grid: Entries, shape: Sequence[int], term: Any) -> Array:
        return self.numbers.bounded(np.broadcast_to(self.counted(np.asarray(self.evaluate(term, grid))), shape))

    def evaluate(self, term: Any, grid: Entries) -> Array:
        """A term over a grid of index values; broadcasts over the grid."""
        if self.memo is None or not term.args or isinstance(term, Index):
            return self._evaluated(term, grid)
        if self.still is not None and not has_move(term):
            return self.still.evaluate(term, grid)
        key = (term, *((i, grid[i].shape, grid[i].tobytes()) for i in free_indices(term)))
        if (known := self.memo.get(key)) is None:
            known = self._evaluated(term, grid)
            if np.size(known) <= MAX_REMEMBERED:
                self.memo[key] = known
        return known

    def _evaluated(self, term: Any, grid: Entries) -> Array:
        if evaluator := _evaluator(term.func):
            return evaluator(self, term, grid)
        if term.is_Add:
            return self._sum(term, grid)
        if term.is_Mul:
            return self._product(term, grid)
        if term.is_Rational:
            return self.numbers.rational(term.p, term.q)
        if term.is_Pow:
            return self._power(term, grid)
        if term in (S.Infinity, S.NegativeInfinity):
            return float(term) if self.numbers is FLOAT else LOWEST if term is S.NegativeInfinity else HIGHEST
        return self.numbers.functions[type(term).__name__](np.asarray(self.evaluate(term.args[0], grid)))

    def _sum(self, term: Any, grid: Entries) -> Array:
        """A sum; a difference of an entry and itself is exactly 0."""
        if len(term.args) == 2 and (taken := next((a for a in term.args if a.is_Mul and a.args[0] is S.NegativeOne), None)):
            (rest,) = (a for a in term.args if a is not taken)
            return self.numbers.minus(self.evaluate(rest, grid), self.evaluate(-taken, grid))
        return reduce(np.add, (_as_array(self.evaluate(a, grid)) for a in term.args))

    def _product(self, term: Any, grid: Entries) -> Array:
        """A product.  Where a condition in it fails it is 0, and what the condition guards needs no value there."""
        guards, guarded = _guards(term, self.graph is not None and self.graph.zero_log)
        if not guards or (self.numbers is FLOAT and not any(map(_is_condition, guards))):
            return reduce(np.multiply, (_as_array(self.evaluate(a, grid)) for a in term.args))
        found = [np.asarray(self.evaluate(guard, grid)) for guard in guards]
        fails = np.asarray(reduce(np.logical_or, (np.equal(value, 0) for value in found)))
        if fails.all():
            return np.zeros(fails.shape, dtype=int)[()]
        if self.numbers.reasoned and fails.any():
            return _entrywise(self, term, grid)
        factors = (*map(self.counted, found), *(self.evaluate(a, grid) for a in guarded))
        return np.where(fails, 0, reduce(np.multiply, map(_as_array, factors)))

    def counted(self, array: Array) -> Array:
        """Integers of NumPy's, of which large ones would be lost without a word, as numbers of this system."""
        if getattr(array, "dtype", np.dtype(object)).kind not in "iub":
            return array
        return np.asarray(array).astype(float if self.numbers is FLOAT else object)

    def _power(self, term: Any, grid: Entries) -> Array:
        base, exponent = self.evaluate(term.base, grid), term.exp
        if not exponent.is_Rational:
            return self.numbers.power(base, self.evaluate(exponent, grid))
        if exponent.q != 1:
            base = self.numbers.root(np.asarray(base), int(exponent.q))
        power = base ** abs(int(exponent.p))
        return power if exponent.p >= 0 else self.numbers.reciprocal(np.asarray(power))

    # ---- derivatives, as power series

    def derivative(self, term: Deriv, grid: Entries) -> Array:
        """∂body/∂x_K over the grid: the body with x_K, and no other entry, moved by t; other tensors are held."""
        there, indices = self.moving(term)
        inner = {**grid, **{i: np.asarray(self.evaluate(k, grid)).astype(int) for i, k in indices.items()}}
        return _slope(np.asarray(self._with_move(self.still or self).evaluate(there, inner), dtype=object))

    def moving(self, term: Deriv) -> tuple[Any, dict[Index, Any]]:
        """The body of a derivative with the entry that it is taken by moved by `_MOVE`, and where its own indices stand.

        A definition is opened, and an entry moved, at indices of its own: those of the line might be bound in it.
        """
        body, by = term.body, term.by
        node = self.graph.members[body.name] if self.graph is not None and isinstance(body, Element) else None
        if not isinstance(node, Node) or body.name == by.name:
            own = _fresh(by.indices)
            return _moved(body, Element(by.head, *own)), dict(zip(own, by.indices, strict=True))
        places = (*body.indices, *by.indices)
        own = _fresh((*node.indices, *by.indices))
        opened = _at_indices(node.expr, node.indices, own[: len(node.indices)])
        return _moved(opened, Element(by.head, *own[len(node.indices) :])), dict(zip(own, places, strict=True))

    def _with_move(self, still: Evaluator) -> Evaluator:
        return replace(self, sizes={**self.sizes, _MOVE: T_}, memo=None if self.memo is None else {}, still=still)

    def adjoint(self, output: str, name: str) -> Array:
        """∂output/∂name along every path: an array over the axes of both."""
        if (output, name) not in self.adjoints:
            base = np.shape(self.arrays[name])
            slopes = self.slopes(output, name, np.arange(math.prod(base)))
            self.adjoints[output, name] = np.moveaxis(slopes, 0, -1).reshape(slopes.shape[1:] + base)
        return self.adjoints[output, name]

    def slopes(self, output: str, name: str, entries: Array) -> Array:
        """∂output/∂name for some entries of `name`, counted through: an array over these and the axes of the output.

        Each is moved and the graph run again, all of them at once, each in a copy of its own along a leading axis.
        """
        known = self._slopes.setdefault((output, name), {})
        if new := sorted(set(map(int, entries)) - known.keys()):
            moved = np.zeros((len(new), np.size(self.arrays[name])), dtype=int)
            moved[np.arange(len(new)), new] = 1
            with precision(self.digits):
                known.update(zip(new, self._along(output, name, moved), strict=True))
        return np.stack([np.asarray(known[int(e)], dtype=object) for e in entries])

    def slope_along(self, output: str, name: str, direction: Array) -> Array:
        """How the output moves as all entries of `name` move in one direction."""
        with precision(self.digits):
            return self._along(output, name, np.reshape(direction, (1, -1)))[0]

    def _along(self, output: str, name: str, directions: Array) -> Array:
        """How the output moves along each direction: the graph is run again as far as a gate, whose slopes are known."""
        assert self.graph is not None
        if name != output and name not in self.graph.ancestors(output):
            return np.broadcast_to(np.asarray(0, dtype=object), (len(directions), *np.shape(self.arrays[output])))
        gate = self.graph.gate(name, output)
        if not gate:
            return _moving(self, output, name, directions)
        inner, outer = _moving(self, gate, name, directions), self.adjoint(output, gate)
        axes = inner.ndim - 1
        return np.asarray(np.tensordot(inner, np.moveaxis(outer, range(outer.ndim - axes), range(axes, outer.ndim)), axes))


def _moving(values: Evaluator, output: str, name: str, directions: Array) -> Array:
    """How the output moves along each direction in which the entries of one tensor may move."""
    base = values.tensor(name)
    moved = np.where(directions == 0, base.ravel(), base.ravel() + directions * T_)
    return _slope(_rerun(values, name, moved.reshape(len(directions), *base.shape), output))


_SLOPE = np.frompyfunc(slope_of, 1, 1)


def _slope(array: Array) -> Array:
    """The coefficients of t; NOTHING where the number itself is not known."""
    return np.asarray(_SLOPE(array), dtype=object)


_MISSING = np.frompyfunc(lambda x: not exists(x), 1, 1)


def missing(array: Array) -> Array:
    """Where an array has no value, or none that is known."""
    values = np.asarray(array)
    return np.asarray(_MISSING(values), dtype=bool) if values.dtype == object else np.zeros(values.shape, dtype=bool)


_MOVE = Symbol("_move", real=True)
"""By how much the entry that a derivative is taken by is moved."""


@lru_cache(maxsize=CACHE)
def has_move(term: Any) -> bool:
    """Whether a term holds an entry that may be moved."""
    return term == _MOVE or any(map(has_move, term.args))


@lru_cache(maxsize=CACHE)
def _fresh(indices: tuple[Any, ...]) -> tuple[Index, ...]:
    """Indices that stand nowhere else, the same for the same places."""
    return tuple(Index(unused("at", integer=True), getattr(i, "size", S.One)) for i in indices)


@lru_cache(maxsize=CACHE)
def _at_indices(term: Any, old: tuple[Index, ...], new: tuple[Index, ...]) -> Any:
    return substituted(term, dict(zip(old, new, strict=True)))


@lru_cache(maxsize=CACHE)
def _moved(body: Any, by: Element) -> Any:
    """A term with the entry `by`, and no other of its tensor, moved by `_MOVE`.

    Binders stay closed: an index of `by` is free, so none of them can take it for its own.
    """
    if by.name not in names(body):
        return body
    if isinstance(body, (Binder, Deriv)):
        return Expr.__new__(type(body), _moved(body.args[0], by), *body.args[1:])
    moved = body.func(*(_moved(a, by) for a in body.args))
    if not isinstance(body, Element) or body.name != by.name:
        return moved
    return Where(Mul(*[Delta(a, b) for a, b in zip(moved.indices, by.indices, strict=True)]), moved + _MOVE, moved)


COPY = Index("_copy", Symbol("_copies", integer=True, positive=True))
"""The leading axis of tensors that are known in several copies."""


def _rerun(values: Evaluator, moved: str, copies: Array, output: str) -> Array:
    """The output for each copy of one tensor: every node between them is evaluated again, all copies at once."""
    assert values.graph is not None
    count = len(copies)
    arrays, stale = {**values.arrays, moved: copies}, {moved}
    sizes, needed = {**values.sizes, COPY.size: count}, {output, *values.graph.ancestors(output)} - {moved}
    for node in values.graph.nodes:
        if node.name in needed and stale & values.graph.parents(node.name):
            here = Evaluator(sizes, arrays, values.graph, values.numbers, copied=frozenset(stale))
            arrays[node.name] = here.loosely(node.expr, (COPY, *node.indices))
            stale.add(node.name)
        if node.name == output:
            break
    out = np.asarray(arrays[output], dtype=object)
    return out if output in stale else np.broadcast_to(out, (count, *out.shape))


@lru_cache(maxsize=CACHE)
def _guards(term: Any, zero_log: bool) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The factors of a product that make it 0 where they are, whether or not the others have a value; and these others.

    They are conditions; slopes further on, since what the output does not move with need not be known; k beside x^(k - 1), the
    slope of the constant x^0; and where 0 log 0 is 0, every tensor.
    """
    kinds = (Adjoint, Element) if zero_log else (Adjoint,)
    guards = [a for a in term.args if _is_condition(a) or isinstance(a, kinds) or _is_exponent(a, term)]
    return tuple(guards), tuple(a for a in term.args if a not in guards)


def _is_exponent(factor: Any, product: Any) -> bool:
    return any(a.is_Pow and not a.exp.is_number and a.exp == factor - 1 for a in product.args)


def _is_condition(term: Any) -> bool:
    """Whether a term is a bracket, or brackets and numbers put together: 1 - [a > 0], 1 if a > 0 else 0."""
    if isinstance(term, Bracket):
        return True
    if isinstance(term, Where):
        return all(branch.is_Rational for branch in term.args[1:])
    return bool(term.is_Add or term.is_Mul) and all(a.is_Rational or _is_condition(a) for a in term.args)


# ---------------------------------------------------------------- one evaluator for each kind of node


def _element(values: Evaluator, term: Element, grid: Entries) -> Array:
    array = values.tensor(term.name)
    indices = (COPY, *term.indices) if term.name in values.copied else term.indices
    places = tuple(_places(values, indices, array.shape, grid))
    found = array[places]
    if values.numbers.reasoned and missing(found).any():
        first = tuple(np.argwhere(missing(found))[0])
        raise Missing(term.name, tuple(int(place[first]) for place in np.broadcast_arrays(*places)))
    return values.counted(found)


class Missing(Exception):
    """An entry of a tensor is needed that has no value: (its name, where it is)."""


def _needed(term: Any, grid: Entries) -> dict[Index, Array]:
    """The part of a grid that a term depends on."""
    free = free_indices(term)
    return {i: a for i, a in grid.items() if i in free or i is COPY}


def _binder(values: Evaluator, term: Binder, grid: Entries, empty: bool = False) -> Array:
    """A binder, closed as it is: nothing is put into it here, and on the way to a leaf no name is bound twice.

    Where it may be `empty`, the largest of no entries is -oo: an arg max outside never points there.
    """
    indices, body = term.indices, term.body
    inner = _needed(term, grid)
    depth = max((np.ndim(a) for a in inner.values()), default=0)
    for k, index in enumerate(indices):
        inner[index] = np.arange(values.size(index.size)).reshape((-1,) + (1,) * (depth + k))
    axes = tuple(range(len(indices)))
    shape = tuple(values.size(i.size) for i in reversed(indices)) + (1,) * depth
    inside = isinstance(term, ArgMax) and isinstance(body, Largest)
    value = np.asarray(_binder(values, body, inner, empty=True) if inside else values.evaluate(body, inner))
    value = np.broadcast_to(values.counted(value), np.broadcast_shapes(value.shape, shape))
    if isinstance(term, Product):
        return values.counted(value).prod(axis=axes)
    if isinstance(term, (Largest, ArgMax)):
        largest = reduce(partial(_larger, values), value.reshape(-1, *value.shape[len(axes) :]))
        if isinstance(term, ArgMax):
            return values.counted(_first_largest(values, term, value, largest))
        return largest if empty or values.empty else _unless_empty(values, largest)
    return values.counted(value.sum(axis=axes))


def _matrix(values: Evaluator, term: OfMatrix, grid: Entries) -> Array:
    """The matrix that a function is of: its rows and columns are the last two axes, behind those of the grid."""
    inner = _needed(term, grid)
    depth = max((np.ndim(a) for a in inner.values()), default=0)
    around = np.broadcast_shapes((1,) * depth, *(np.shape(a) for a in inner.values()))
    for k, index in enumerate(term.indices):
        inner[index] = np.arange(values.size(index.size)).reshape((-1,) + (1,) * (depth + k))
    value = np.asarray(values.evaluate(term.body, inner))
    columns, rows = (values.size(index.size) for index in reversed(term.indices))
    return np.moveaxis(np.broadcast_to(values.counted(value), (columns, rows, *around)), (0, 1), (-1, -2))


def _determinant(values: Evaluator, term: Determinant, grid: Entries) -> Array:
    return np.asarray(values.numbers.determinant(_matrix(values, term, grid)))


def _inverse(values: Evaluator, term: Inverse, grid: Entries) -> Array:
    return values.numbers.inverse(_matrix(values, term, grid))


def _entry_of(values: Evaluator, term: EntryOf, grid: Entries) -> Array:
    """An entry of a matrix that is computed as a whole, once for all of its entries."""
    matrix = np.asarray(values.evaluate(term.matrix, _needed(term.matrix, grid)))
    rows, columns = _places(values, term.indices, matrix.shape[-2:], grid)
    shape = np.broadcast_shapes(matrix.shape[:-2], np.shape(rows), np.shape(columns))
    whole = np.broadcast_to(matrix, (*shape, *matrix.shape[-2:]))
    return np.asarray(whole[(*np.ogrid[tuple(map(slice, shape))], np.broadcast_to(rows, shape), np.broadcast_to(columns, shape))])


def _unless_empty(values: Evaluator, largest: Array) -> Array:
    """The largest, which does not exist of no entries."""
    lowest = np.asarray(np.equal(largest, -np.inf if values.numbers is FLOAT else LOWEST), dtype=bool)
    if lowest.any() and (values.numbers.reasoned or values.numbers is FLOAT):
        raise DomainError("the largest of no entries does not exist")
    return np.where(lowest, NOTHING, largest) if lowest.any() else largest


def _as_array(value: Array) -> Array:
    """A value that NumPy adds: a whole number of Python's may be too long for its own."""
    return np.asarray(value, dtype=object) if type(value) is int and value.bit_length() > 62 else value


def _larger(values: Evaluator, a: Array, b: Array) -> Array:
    """The larger of two, entry by entry."""
    numbers = np.asarray(a).dtype != object and np.asarray(b).dtype != object
    return values.counted(np.maximum(a, b))[()] if numbers else values.numbers.larger(a, b)


def _first_largest(values: Evaluator, term: Any, value: Array, largest: Array) -> Array:
    """The place of the first of the largest entries.  Raises Undecided where a smaller one cannot be told from it."""
    if value.dtype != object:
        return np.asarray(value == largest, dtype=bool).argmax(axis=0)
    below = np.asarray(values.numbers.sign(values.numbers.minus(largest, value)))
    if (below == UNKNOWN).any():
        raise Undecided(too_few(*sides(values.graph, term)))
    return (below == 0).argmax(axis=0)


def _comparison(test: Callable[..., Array]) -> Callable[[Evaluator, Any, Entries], Array]:
    """A comparison of a and b by a test of a - b and 0."""

    def evaluator(values: Evaluator, term: Any, grid: Entries) -> Array:
        a, b = (np.asarray(_place(values, side, grid)) for side in (*term.args, S.Zero)[:2])
        if a.dtype != object and b.dtype != object:
            return np.where(test(a, b), 1, 0)
        signs = np.asarray(values.numbers.sign(values.numbers.minus(a, b)))
        return _truth(values, term, test(signs, 0), signs == UNKNOWN)

    return evaluator


def _place(values: Evaluator, term: Any, grid: Entries) -> Array:
    """A term that may be an index by itself: then it stays the integers it ranges over, which compare fast."""
    return grid[term] if isinstance(term, Index) else values.evaluate(term, grid)


def _truth(values: Evaluator, term: Any, holds: Array, unknown: Array) -> Array:
    """1 where a condition holds, 0 where it does not, NOTHING where that is not decided."""
    return _known(values, term, np.where(holds, 1, 0), unknown)


def _known(values: Evaluator, term: Any, found: Array, unknown: Array) -> Array:
    """What was found of a comparison, NOTHING where it is unknown; a reasoned system raises Undecided there."""
    if not unknown.any():
        return found
    if values.numbers.reasoned:
        raise Undecided(too_few(*sides(values.graph, term)))
    return np.where(unknown, NOTHING, found.astype(object))


def _sign(values: Evaluator, term: Any, grid: Entries) -> Array:
    signs = np.asarray(values.numbers.sign(np.asarray(values.evaluate(term.args[0], grid))))
    return signs if values.numbers is FLOAT else _known(values, term, signs.astype(int), signs == UNKNOWN)


def _where(values: Evaluator, term: Where, grid: Entries) -> Array:
    """Each branch counts only where it is taken, so that log may stand behind its own condition."""
    condition = np.asarray(values.evaluate(term.args[0], grid))
    holds, fails = np.equal(condition, 1), np.equal(condition, 0)
    if holds.all() or fails.all():
        return values.evaluate(term.args[1 if holds.all() else 2], grid)
    if values.numbers.reasoned:
        return _entrywise(values, term, grid)
    yes, no = (values.counted(np.asarray(values.evaluate(a, grid))) for a in term.args[1:])
    if condition.dtype != object:
        return np.where(holds, yes, no)
    return np.where(fails, no, np.where(holds, yes, NOTHING))


def _entrywise(values: Evaluator, term: Any, grid: Entries) -> Array:
    """A term entry by entry: nothing is evaluated where a condition excludes it."""
    needed, here = _needed(term, grid), replace(values, memo=None, still=None)
    shape = np.broadcast_shapes(*(np.shape(a) for a in needed.values()))
    full = {i: np.broadcast_to(a, shape) for i, a in needed.items()}
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        out[entry] = np.asarray(here.evaluate(term, {i: a[entry] for i, a in full.items()})).item()
    return out


def _adjoint(values: Evaluator, term: Adjoint, grid: Entries) -> Array:
    output, by = term.output, term.by
    outer, inner = (_places(values, x.indices, np.shape(values.arrays[x.name]), grid) for x in (output, by))
    if term.pair in values.adjoints:
        whole = values.adjoint(output.name, by.name)
        return whole[tuple(np.broadcast_arrays(*outer, *inner))] if outer or inner else whole[()]
    flat = np.ravel_multi_index(tuple(np.broadcast_arrays(*inner)), np.shape(values.arrays[by.name])) if inner else np.array(0)
    entries, place = np.unique(flat, return_inverse=True)
    return values.slopes(output.name, by.name, entries)[tuple(np.broadcast_arrays(place.reshape(flat.shape), *outer))]


def _places(values: Evaluator, indices: tuple[Any, ...], shape: tuple[int, ...], grid: Entries) -> list[Array]:
    """Index terms as places along the axes of an array.

    An affine index may leave its axis where a bracket outside is 0, and so may one of another axis in a line that is wrong; the
    place is then any on the axis.
    """
    return [
        grid[k]
        if isinstance(k, Index) and values.size(k.size) <= n
        else np.clip(_whole(np.asarray(values.evaluate(k, grid))), 0, n - 1)
        for k, n in zip(indices, shape, strict=True)
    ]


def _whole(array: Array) -> Array:
    """Indices as integers.  Raises Undecided where one is not known."""
    if missing(array).any():
        raise Undecided(too_few())
    return array.astype(int)


def _inside(values: Evaluator, term: Inside, grid: Entries) -> Array:
    place, size = (np.asarray(values.evaluate(a, grid)) for a in term.args)
    return np.where((place >= 0) & (place < size), 1, 0)


def _absolute(array: Array) -> Array:
    return np.abs(array) if np.asarray(array).dtype != object else _ABSOLUTE(array)


def _positive_part(x: Any) -> Any:
    """|x|; of a series it is decided on which side of 0 it is, or it does not move."""
    if type(x) is not Jet:
        return abs(x)
    if x.slope.is_zero():
        return abs(x.value)
    return x if x.value > 0 else -x if x.value < 0 else NOTHING


_ABSOLUTE = np.frompyfunc(_positive_part, 1, 1)


TermEvaluator = Callable[[Evaluator, Any, Entries], Array]

_EVALUATORS: tuple[tuple[Any, TermEvaluator], ...] = (
    (Index, lambda v, t, g: v.counted(g[t])),
    (Label, lambda v, t, g: v.evaluate(t.element, g)),
    (Elsewhere, lambda v, t, g: v.evaluate(t.args[0], g)),
    (Element, _element),
    (Determinant, _determinant),
    (Inverse, _inverse),
    (EntryOf, _entry_of),
    (Binder, _binder),
    (Delta, _comparison(np.equal)),
    (Differ, _comparison(np.not_equal)),
    (Below, _comparison(np.less)),
    (AtMost, _comparison(np.less_equal)),
    (Positive, _comparison(np.greater)),
    (Inside, _inside),
    (Maximum, lambda v, t, g: _larger(v, *(np.asarray(v.evaluate(a, g)) for a in t.args))),
    (Where, _where),
    (Named, lambda v, t, g: v.evaluate(t.unfolded, g)),
    (Abs, lambda v, t, g: _absolute(v.evaluate(t.args[0], g))),
    (sign, _sign),
    (Deriv, lambda v, t, g: v.derivative(t, g)),
    (Adjoint, _adjoint),
    (Symbol, lambda v, t, g: v.sizes[t]),
    (NumberSymbol, lambda v, t, g: v.numbers.constant(t)),
)


@cache
def _evaluator(kind: type) -> TermEvaluator | None:
    """The evaluator of the first kind in the table that this one is, or None."""
    return next((evaluator for known, evaluator in _EVALUATORS if issubclass(kind, known)), None)


# ---------------------------------------------------------------- graphs


def forward(
    graph: Graph,
    sizes: Mapping[Symbol, int],
    arrays: Mapping[str, Array],
    numbers: NumberSystem = EXACT,
    needed: str | None = None,
) -> Evaluator:
    """Every node of a graph at the given inputs; one that is given too is not computed.

    All are computed in more digits where these do not decide one.  Raises DomainError, naming the node, where a function has
    no value there; where only one node is `needed`, the others may have none in places that it does not need.
    """
    computed = frozenset(node.name for node in graph.nodes if node.name not in arrays)
    return decided(_Start(graph, sizes, arrays, numbers, computed, needed), _Start.values)


@dataclass(frozen=True)
class _Start:
    """What a graph is computed from, and which of its nodes are."""

    graph: Graph
    sizes: Mapping[Symbol, int]
    arrays: Mapping[str, Array]
    numbers: NumberSystem
    computed: frozenset[str]
    needed: str | None

    @property
    def digits(self) -> int:
        return self.numbers.digits

    @property
    def finer(self) -> _Start:
        inputs = {name: array for name, array in self.arrays.items() if name not in {n.name for n in self.graph.nodes}}
        computed = self.computed | (self.arrays.keys() - inputs.keys())
        return replace(self, arrays=inputs, numbers=_finer(self.numbers), computed=computed)

    def values(self) -> Evaluator:
        known = dict(self.arrays)
        values = Evaluator(self.sizes, known, self.graph, self.numbers, needed=self.needed)
        for node in (n for n in self.graph.nodes if n.name in self.computed):
            known[node.name] = values.loosely(node.expr, node.indices)
            if self.needed in (None, node.name) and missing(known[node.name]).any():
                _raise_missing(values, node)
        return values


def _finer(numbers: NumberSystem) -> NumberSystem:
    return exact(min(2 * numbers.digits, MOST_DIGITS))


def value_of(values: Evaluator, node: Node) -> Array:
    """A node at a point.  Raises DomainError, naming the node and the entry, where it has no value there."""
    return decided(values, lambda v: _value_of(v, node))


def _value_of(values: Evaluator, node: Node) -> Array:
    found = values.loosely(node.expr, node.indices)
    if missing(found).any():
        _raise_missing(values, node)
    return found


def _raise_missing(values: Evaluator, node: Node) -> None:
    """Raise for the first entry of a node that has no value; see `_raise_for`."""
    found = values.loosely(node.expr, node.indices)
    _raise_for(values, node.name, tuple(map(int, np.argwhere(missing(found))[0])))


def _raise_for(values: Evaluator, name: str, entry: tuple[int, ...]) -> None:
    """Raise for what an entry has no value for, itself or behind it: DomainError, or Undecided if more digits may tell."""
    assert values.graph is not None
    node = values.graph.members[name]
    assert isinstance(node, Node)
    reasoned = replace(values, numbers=exact(values.digits, reasoned=True), memo=None, still=None, _slopes={})
    try:
        with precision(values.digits):
            reasoned._over({i: np.array(k) for i, k in zip(node.indices, entry, strict=True)}, (), node.expr)
        raise Undecided(too_few())
    except Missing as behind:
        _raise_for(values, *behind.args)
    except DomainError as error:
        if isinstance(error, Undecided) and values.digits < MOST_DIGITS:
            raise
        raise type(error)(no_value(values.graph, node, entry, error.message)) from None
