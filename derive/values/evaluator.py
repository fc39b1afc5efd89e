"""Numbers: any term or graph at a point, in exact rationals and 50 digits, or in float64.

A value stays an exact fraction through `+ - * /`, max, comparisons and powers, and becomes a 50-digit number (mpmath) at
the first irrational function.  A derivative that has not been carried out is evaluated as a central difference in 50
digits, so that numbers never depend on the rules they are used to check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache, reduce
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
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Where,
    free_indices,
    names,
    substituted,
    unused,
)
from derive.errors import said
from derive.graphs.graph import Graph, Node
from derive.values.number_systems import DIGITS, EXACT, FLOAT, Array, DomainError, NumberSystem, lifted, mp, real
from derive.values.undefined import no_value

STEP_BITS = 60
"""A central difference in 50 digits takes a step of 2^-60, about 1e-18, of the largest entry moved, or of 1 if that is more.
It errs by 1e-36 of the third derivative, and by 1e-32 from rounding."""


MAX_REMEMBERED = 1 << 12
"""Arrays of more entries are not remembered by a memo."""


# ---------------------------------------------------------------- terms

Entries = Mapping[Index, Array]


@dataclass(frozen=True, eq=False)
class Evaluator:
    """What is known at a point: the size of every axis and an array for every tensor of a graph.

    `graph` is needed for derivatives of its nodes only.  With a `memo`, a term that stands
    in several lines is evaluated once.  `adjoints` are the total derivatives that are known, by (output, variable): arrays over
    the axes of both.  What else is asked for is found by differences, and kept there.

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
    _steps: dict[str, Any] = field(default_factory=dict, repr=False)
    copied: frozenset[str] = frozenset()
    memo: dict[Any, Array] | None = field(default=None, repr=False)
    still: Evaluator | None = field(default=None, repr=False)
    """The same values with no entry moved, where one is."""
    empty: bool = False
    """Whether the largest of no entries is -oo, not an error."""

    @property
    def digits(self) -> int:
        """The digits computed with."""
        return self.numbers.digits

    @cached_property
    def finer(self) -> Evaluator:
        """The same point in twice as many digits: its inputs as they are, its nodes computed again."""
        assert self.graph is not None
        inputs = {i.name: self.arrays[i.name] for i in self.graph.inputs}
        return forward(self.graph, self.sizes, inputs, self.numbers.finer or self.numbers)

    def step(self, name: str) -> Any:
        """How far an entry of a tensor is moved for a central difference: a power of 2."""
        if name not in self._steps:
            of = mp(self.digits)
            largest = max((of.frexp(real(v))[1] for v in np.ravel(self.arrays[name])), default=0)
            self._steps[name] = of.ldexp(1, max(0, largest) - STEP_BITS * self.digits // DIGITS)
        return self._steps[name]

    def size(self, axis: Any) -> int:
        """The size of an axis."""
        if axis in self.sizes:
            return int(self.sizes[axis])
        return int(axis.xreplace({s: S(self.sizes[s]) for s in axis.free_symbols}))

    def array(self, term: Any, indices: tuple[Index, ...] = ()) -> Array:
        """The array `term[indices]`, one axis for each index, in order."""
        shape = [self.size(i.size) for i in indices]
        last = len(shape) - 1
        grid = {i: np.arange(n).reshape((n,) + (1,) * (last - a)) for a, (i, n) in enumerate(zip(indices, shape, strict=True))}
        return self._on(grid, term, shape)

    def on(self, grid: Entries, term: Any) -> Array:
        """A term at chosen entries: the grid holds, for each free index, the values it takes, all of one length."""
        return self._on(grid, term, np.broadcast_shapes(*map(np.shape, grid.values())))

    def _on(self, grid: Entries, term: Any, shape: Sequence[int]) -> Array:
        """A term over a grid; a number that is lost in so many digits (1 - σ(142) in 50) is looked for in more."""
        try:
            with np.errstate(all="ignore"):
                return self.numbers.bounded(np.broadcast_to(np.asarray(self.evaluate(term, grid)), shape))
        except DomainError:
            finer = self.numbers.finer
            if finer is None:
                raise
        arrays = {name: lifted(array, finer.digits) for name, array in self.arrays.items()}
        return replace(self, arrays=arrays, numbers=finer, memo=None, still=None)._on(grid, term, shape)

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
            return reduce(np.add, (self.evaluate(a, grid) for a in term.args))
        if term.is_Mul:
            return self._product(term, grid)
        if term.is_Rational:
            return np.asarray(self.numbers.rational(term.p, term.q))[()]
        if term.is_Pow:
            return self._power(term, grid)
        if term in (S.Infinity, S.NegativeInfinity):
            return float(term)
        return self.numbers.functions[type(term).__name__](np.asarray(self.evaluate(term.args[0], grid)))

    def _product(self, term: Any, grid: Entries) -> Array:
        """A product.  Where a condition in it fails it is 0, and what the condition guards needs no value there."""
        conditions = [a for a in term.args if _is_condition(a)]
        guarded = (self.evaluate(a, grid) for a in term.args if a not in conditions)
        if not conditions:
            return reduce(np.multiply, guarded)
        holds = np.asarray(reduce(np.multiply, (self.evaluate(c, grid) for c in conditions)))
        try:
            rest = reduce(np.multiply, guarded, 1)
        except DomainError:
            if holds.ndim and holds.any():
                return _entrywise(self, term, grid)
            if holds.any():
                raise
            return holds[()]
        return holds * np.where(holds == 0, 0, rest) if self.numbers is FLOAT else holds * rest

    def _power(self, term: Any, grid: Entries) -> Array:
        base, exponent = self.evaluate(term.base, grid), term.exp
        if not exponent.is_Rational:
            return self.numbers.power(base, self.evaluate(exponent, grid))
        if exponent.q != 1:
            base = self.numbers.root(np.asarray(base), int(exponent.q))
        power = base ** abs(int(exponent.p))
        return power if exponent.p >= 0 else self.numbers.reciprocal(np.asarray(power))

    # ---- derivatives, as central differences

    def derivative(self, term: Deriv, grid: Entries) -> Array:
        """∂body/∂x_K over the grid: the body with x_K, and no other entry, moved up and down; other tensors are held."""
        (there, indices), still, step = self.moving(term), self.still or self, self.step(term.by.name)
        inner = {**grid, **{i: np.asarray(self.evaluate(k, grid)).astype(int) for i, k in indices.items()}}
        up, down = (self._with_move(h, still).evaluate(there, inner) for h in (step, -step))
        return (np.asarray(up, dtype=object) + -1 * np.asarray(down, dtype=object)) * (1 / (2 * step))

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

    def _with_move(self, step: Any, still: Evaluator) -> Evaluator:
        return replace(self, sizes={**self.sizes, _MOVE: step}, memo=None if self.memo is None else {}, still=still)

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
        if missing := sorted(set(map(int, entries)) - known.keys()):
            moved = np.zeros((len(missing), np.size(self.arrays[name])), dtype=int)
            moved[np.arange(len(missing)), missing] = 1
            known.update(zip(missing, self._along(output, name, moved), strict=True))
        return np.stack([np.asarray(known[int(e)], dtype=object) for e in entries])

    def slope_along(self, output: str, name: str, direction: Array) -> Array:
        """How the output moves as all entries of `name` move in one direction."""
        return self._along(output, name, np.reshape(direction, (1, -1)))[0]

    def _along(self, output: str, name: str, directions: Array) -> Array:
        """How the output moves along each direction: the graph is run again as far as a gate, whose slopes are known."""
        assert self.graph is not None
        if name != output and name not in self.graph.ancestors(output):
            return np.broadcast_to(np.asarray(0, dtype=object), (len(directions), *np.shape(self.arrays[output])))
        gate = self.graph.gate(name, output)
        if not gate:
            return _central(self, output, name, directions)
        inner, outer = _central(self, gate, name, directions), self.adjoint(output, gate)
        axes = inner.ndim - 1
        return np.asarray(np.tensordot(inner, np.moveaxis(outer, range(outer.ndim - axes), range(axes, outer.ndim)), axes))


def _central(values: Evaluator, output: str, name: str, directions: Array) -> Array:
    """The central difference of the output along each direction in which the entries of one tensor may move."""
    base, step = np.array(values.arrays[name], dtype=object), values.step(name)
    steps = np.concatenate([directions * step, directions * -step])
    ends = _rerun(values, name, (base.ravel() + steps).reshape(len(steps), *base.shape), output)
    return (ends[: len(directions)] + -1 * ends[len(directions) :]) * (1 / (2 * step))


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


_COPY = Index("_copy", Symbol("_copies", integer=True, positive=True))
"""The leading axis of tensors that are known in several copies."""


def _rerun(values: Evaluator, moved: str, copies: Array, output: str) -> Array:
    """The output for each copy of one tensor: every node between them is evaluated again, all copies at once."""
    assert values.graph is not None
    count = len(copies)
    arrays, stale = {**values.arrays, moved: copies}, {moved}
    sizes, needed = {**values.sizes, _COPY.size: count}, {output, *values.graph.ancestors(output)} - {moved}
    for node in values.graph.nodes:
        if node.name in needed and stale & values.graph.parents(node.name):
            here = Evaluator(sizes, arrays, values.graph, values.numbers, copied=frozenset(stale))
            arrays[node.name] = here.array(node.expr, (_COPY, *node.indices))
            stale.add(node.name)
        if node.name == output:
            break
    out = np.asarray(arrays[output], dtype=object)
    return out if output in stale else np.broadcast_to(out, (count, *out.shape))


def _is_condition(term: Any) -> bool:
    """Whether a term is a bracket, or brackets and numbers put together: 1 - [a > 0]."""
    if isinstance(term, Bracket):
        return True
    return bool(term.is_Add or term.is_Mul) and all(a.is_Rational or _is_condition(a) for a in term.args)


# ---------------------------------------------------------------- one evaluator for each kind of node


def _element(values: Evaluator, term: Element, grid: Entries) -> Array:
    array = np.asarray(values.arrays[term.name])
    indices = (_COPY, *term.indices) if term.name in values.copied else term.indices
    return array[tuple(np.broadcast_arrays(*_places(values, indices, array.shape, grid)))] if indices else array[()]


def _needed(term: Any, grid: Entries) -> dict[Index, Array]:
    """The part of a grid that a term depends on."""
    free = free_indices(term)
    return {i: a for i, a in grid.items() if i in free or i is _COPY}


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
    value = np.broadcast_to(value, np.broadcast_shapes(value.shape, shape))
    if isinstance(term, Product):
        return value.prod(axis=axes)
    if isinstance(term, (Largest, ArgMax)):
        largest = reduce(_larger, value.reshape(-1, *value.shape[len(axes) :]))
        if isinstance(term, Largest) and not (empty or values.empty) and np.any(np.equal(largest, -np.inf)):
            raise DomainError("the largest of no entries does not exist")
        return largest if isinstance(term, Largest) else np.asarray(value == largest, dtype=bool).argmax(axis=0)
    return value.sum(axis=axes)


def _larger(a: Array, b: Array) -> Array:
    """The larger of two, entry by entry.  A fraction and a 50-digit number do not compare, but both compare with 0."""
    a, b = np.asarray(a), np.asarray(b)
    if object not in (a.dtype, b.dtype):
        return np.maximum(a, b)
    return np.where(np.asarray(b + np.asarray(-1 * a) > 0, dtype=bool), b, a)


def _condition(test: Callable[..., Array]) -> Callable[[Evaluator, Any, Entries], Array]:
    def evaluator(values: Evaluator, term: Any, grid: Entries) -> Array:
        return np.where(np.asarray(test(*(values.evaluate(a, grid) for a in term.args)), dtype=bool), 1, 0)

    return evaluator


def _where(values: Evaluator, term: Where, grid: Entries) -> Array:
    """Each branch is evaluated only where it is taken, so that log may stand behind its own condition."""
    condition = np.asarray(values.evaluate(term.args[0], grid))
    if condition.all() or not condition.any():
        return values.evaluate(term.args[1 if condition.all() else 2], grid)
    try:
        branches = [values.evaluate(a, grid) for a in term.args[1:]]
    except DomainError:
        return _entrywise(values, term, grid)
    return np.where(condition.astype(bool), *branches)


def _entrywise(values: Evaluator, term: Any, grid: Entries) -> Array:
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

    An affine index may leave its axis where a bracket outside is 0; the place is then any on the axis.
    """
    return [np.clip(np.asarray(values.evaluate(k, grid)).astype(int), 0, n - 1) for k, n in zip(indices, shape, strict=True)]


TermEvaluator = Callable[[Evaluator, Any, Entries], Array]

_EVALUATORS: tuple[tuple[Any, TermEvaluator], ...] = (
    (Index, lambda v, t, g: g[t]),
    (Label, lambda v, t, g: v.evaluate(t.element, g)),
    (Element, _element),
    (Binder, _binder),
    (Delta, _condition(lambda a, b: np.asarray(a) == b)),
    (Differ, _condition(lambda a, b: np.asarray(a) != b)),
    (Below, _condition(lambda a, b: np.asarray(a) < b)),
    (AtMost, _condition(lambda a, b: np.asarray(a) <= b)),
    (Positive, _condition(lambda a: np.asarray(a) > 0)),
    (Inside, _condition(lambda e, n: (np.asarray(e) >= 0) & (np.asarray(e) < n))),
    (Maximum, lambda v, t, g: _larger(*(np.asarray(v.evaluate(a, g)) for a in t.args))),
    (Where, _where),
    (Named, lambda v, t, g: v.evaluate(t.unfolded, g)),
    (Abs, lambda v, t, g: abs(v.evaluate(t.args[0], g))),
    (sign, lambda v, t, g: (lambda a: np.where(a > 0, 1, np.where(a < 0, -1, 0)))(np.asarray(v.evaluate(t.args[0], g)))),
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


def forward(graph: Graph, sizes: Mapping[Symbol, int], arrays: Mapping[str, Array], numbers: NumberSystem = EXACT) -> Evaluator:
    """Every node of a graph at the given inputs; one that is given too is not computed.

    Where one has no value in so many digits, all are computed in more, too.  Raises DomainError, naming the node, where a
    function has no value there.
    """
    known = {name: lifted(array, numbers.digits) for name, array in arrays.items()}
    try:
        for node in (n for n in graph.nodes if n.name not in arrays):
            known[node.name] = value_of(Evaluator(sizes, known, graph, numbers), node)
    except DomainError:
        if numbers.finer is None:
            raise
        return forward(graph, sizes, {i.name: arrays[i.name] for i in graph.inputs}, numbers.finer)
    return Evaluator(sizes, known, graph, numbers)


def value_of(values: Evaluator, node: Node) -> Array:
    """A node at a point.  Raises DomainError, naming the node and the entry, where it has no value there."""
    try:
        return values.array(node.expr, node.indices)
    except (DomainError, ZeroDivisionError) as error:
        assert values.graph is not None
        what = error.message if isinstance(error, DomainError) else said("division by zero")
        raise DomainError(no_value(values.graph, node, _undefined_entry(values, node), what)) from None


def _undefined_entry(values: Evaluator, node: Node) -> tuple[int, ...]:
    """The first entry of a node that has no value, found by halves."""
    shape = [values.size(axis) for axis in node.axes]
    first, last = 0, math.prod(shape)
    while last - first > 1:
        middle = (first + last) // 2
        half = np.unravel_index(np.arange(first, middle), shape)
        try:
            values.on(dict(zip(node.indices, half, strict=True)), node.expr)
            first = middle
        except (DomainError, ZeroDivisionError):
            last = middle
    return tuple(map(int, np.unravel_index(first, shape))) if shape else ()
