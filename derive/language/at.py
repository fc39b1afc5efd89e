"""The point to evaluate a graph at: values for its inputs, checked against the axes and kinds declared."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Symbol, expand

from derive.errors import DeriveError, listed, nearest, said
from derive.graphs.graph import Graph, Input
from derive.graphs.tree import Call, Number, Op, Reduce, Ref, Size, Tree, children
from derive.language.sizes import named_size
from derive.language.typed import Nested, exact_numbers, read_values

__all__ = ["Point", "bind", "read_values"]

MAX_WORK = 500_000
"""At most so many operations are computed for a graph, forward: some seconds of exact numbers."""

IRRATIONAL = 8
"""So many operations is a function in 50 digits."""

ROUNDING = Fraction(1, 10**9)
"""How far the sum of a probability may be from 1, if it was computed in floating point."""

TRAVELLED = Fraction(1, 10**100)
"""How far it may be in any case: numbers that another block has found come in 120 digits."""


@dataclass(frozen=True, eq=False)
class Point:
    """Values for all inputs.  `arrays` hold fractions (labels: integers), `typed` the same numbers as they were typed."""

    sizes: dict[Symbol, int]
    arrays: dict[str, Any]
    typed: dict[str, Nested]

    @property
    def content(self) -> Hashable:
        """What two points share exactly when they are the same."""
        sizes = frozenset(self.sizes.items())
        return sizes, tuple((name, np.shape(array), tuple(np.ravel(array))) for name, array in sorted(self.arrays.items()))


# ---------------------------------------------------------------- binding


def bind(graph: Graph, values: Mapping[str, Any]) -> Point:
    """Check values against a graph.  Raises DeriveError that names the input, and the axis where there is one."""
    inputs = {i.name: i for i in graph.inputs}
    sizes_given = _known_names(graph, inputs, values)
    typed: dict[str, Nested] = {}
    rounded: dict[str, bool] = {}
    for name in inputs:
        typed[name], rounded[name] = exact_numbers(name, values[name])
    shapes = {name: _shape(inputs[name], nested) for name, nested in typed.items()}
    sizes = _sizes(graph, shapes, {named_size(n): _size(n, values[n]) for n in sizes_given})
    _check_work(graph, sizes)
    arrays = {name: _array(inputs[name], typed[name], shapes[name]) for name in inputs}
    for name, entry in inputs.items():
        _CHECKS.get(entry.kind, _any)(entry, arrays[name], sizes, rounded[name])
        if entry.kind == "label":
            arrays[name] = _integers(arrays[name])
    return Point(sizes, arrays, typed)


def _known_names(graph: Graph, inputs: Mapping[str, Input], values: Mapping[str, Any]) -> list[str]:
    """The names of axes that values are given for, once no name is unknown or missing."""
    axes = {str(s) for s in graph.sizes}
    for name in values:
        if name in inputs or name in axes:
            continue
        if name in graph.members:
            raise DeriveError(
                said("{name} is defined by the graph and takes no value.", name=name),
                hint=said("Its inputs are {listed}.", listed=listed(inputs)),
            )
        near = nearest(name, inputs) or (
            said("Inputs are {names}.", names=listed(inputs)) if inputs else "The graph has no inputs."
        )
        raise DeriveError(said("There is no input {name}.", name=name), hint=near)
    if missing := [name for name in inputs if name not in values]:
        pattern = "The value of {names} is missing." if len(missing) == 1 else "The values of {names} are missing."
        form = ", ".join(f"{name}={_example(inputs[name])}" for name in missing)
        raise DeriveError(said(pattern, names=", ".join(missing)), hint=said("Give {form}.", form=form))
    return [name for name in values if name in axes and name not in inputs]


def _example(entry: Input) -> str:
    inner = "…"
    for _ in entry.axes:
        inner = f"[{inner}]"
    return inner


def _shape(entry: Input, nested: Nested) -> tuple[int, ...]:
    """The lengths of nested lists.  Raises if they are ragged, or of another depth than the input has axes."""
    shape: list[int] = []
    level: list[Nested] = [nested]
    while all(isinstance(part, tuple) for part in level):
        rows = [part for part in level if isinstance(part, tuple)]
        shape.append(len(rows[0]))
        for position, row in enumerate(rows):
            if len(row) != len(rows[0]):
                lengths = said("{first} in the first, {other} in number {k}", first=len(rows[0]), other=len(row), k=position + 1)
                raise DeriveError(
                    said("The lists of {name} have different lengths: {lengths}.", name=entry.name, lengths=lengths)
                )
        level = [part for row in rows for part in row]
    if any(isinstance(part, tuple) for part in level):
        raise DeriveError(said("The lists of {name} mix numbers and lists.", name=entry.name))
    if len(shape) != len(entry.axes):
        axes = ", ".join(map(str, entry.axes))
        lists = said("a list") if len(entry.axes) == 1 else said("lists in lists")
        needs = said("{lists} (its axes are [{axes}])", lists=lists, axes=axes) if entry.axes else said("a number")
        kinds = (said("a number is"), said("a list of numbers is"), said("lists {depth} deep are", depth=len(shape)))
        given = kinds[min(len(shape), 2)]
        raise DeriveError(said("{name} needs {needs}, and {given} given.", name=entry.name, needs=needs, given=given))
    return tuple(shape)


def _size(name: str, value: Any) -> int:
    nested, _ = exact_numbers(name, value)
    if isinstance(nested, tuple) or nested.value.denominator != 1 or nested.value < 1:
        raise DeriveError(said("The size {name} is a positive integer.", name=name))
    return int(nested.value)


def _sizes(graph: Graph, shapes: Mapping[str, tuple[int, ...]], sizes: dict[Symbol, int]) -> dict[Symbol, int]:
    """Solve for the sizes of all axes, the plain ones first."""
    equations = [(i, axis, length) for i in graph.inputs for axis, length in zip(i.axes, shapes[i.name], strict=True)]
    origin: dict[Symbol, str] = {}
    while equations:
        equations.sort(key=lambda e: len(_open(e[1], sizes)))
        entry, axis, length = equations.pop(0)
        unknown = _open(axis, sizes)
        value = axis.subs(sizes)
        if not unknown and value != length:
            pattern = (
                "{axis} is {value} in {tensor}"
                if axis in origin
                else "{axis} is {value}"
                if axis.free_symbols
                else "it has {value}"
            )
            is_size = said(pattern, axis=axis, value=value, tensor=origin.get(axis))
            raise DeriveError(
                said(
                    "{name} has {entries} along its axis {axis}, but {is_size}.",
                    name=entry.name,
                    entries=_entries(length),
                    axis=axis,
                    is_size=is_size,
                )
            )
        if len(unknown) == 1:
            symbol = unknown.pop()
            solved = _solved(value - length, symbol)
            if solved is None:
                raise DeriveError(
                    said(
                        "{name} has {entries} along its axis {axis}, and no size {symbol} fits.",
                        name=entry.name,
                        entries=_entries(length),
                        axis=axis,
                        symbol=symbol,
                    )
                )
            sizes[symbol] = solved
            origin[symbol] = entry.name
        elif unknown:
            break
    for node in graph.nodes:
        for axis in node.axes:
            if not _open(axis, sizes) and axis.subs(sizes) < 1:
                count = axis.subs(sizes)
                raise DeriveError(
                    said(
                        "The inputs are too short: {name} would have {entries} along its axis {axis}.",
                        name=node.name,
                        entries=_entries(count),
                        axis=axis,
                    )
                )
    if missing := sorted(str(s) for s in graph.sizes if s not in sizes):
        what = said("size") if len(missing) == 1 else said("sizes")
        raise DeriveError(
            said("The inputs do not tell the {what} {names}.", what=what, names=", ".join(missing)),
            hint=said("Give it a value: {missing}=2.", missing=missing[0]),
        )
    return sizes


def _check_work(graph: Graph, sizes: Mapping[Symbol, int]) -> None:
    """Raise where the nodes would take too long, all together: the operations in all their entries, and all their sums."""
    work = {node.name: math.prod(int(a.subs(sizes)) for a in node.axes) * _operations(node.body, sizes) for node in graph.nodes}
    if (total := sum(work.values())) > MAX_WORK:
        name = max(work, key=lambda n: work[n])
        raise DeriveError(
            said(
                "{name} is too long at these sizes: {total:,} operations are to be computed, and at most {max_work:,} are.",
                name=name,
                total=total,
                max_work=MAX_WORK,
            ),
            hint="Give fewer or shorter inputs.",
        )


def _operations(tree: Tree, sizes: Mapping[Symbol, int]) -> int:
    """How many operations a body is, each term of a sum for itself."""
    inner = sum(_operations(child, sizes) for child in children(tree))
    match tree:
        case Reduce(_, _, indices):
            return math.prod(int(i.size.subs(sizes)) for i in indices) * (1 + inner)
        case Call(function) if function not in ("max", "min", "abs", "where"):
            return IRRATIONAL + inner
        case Op("**", _):
            return IRRATIONAL + inner
        case Ref() | Number() | Size():
            return inner
    return 1 + inner


def _entries(count: int) -> str:
    return said("1 entry") if count == 1 else said("{count} entries", count=count)


def _open(axis: Any, sizes: Mapping[Symbol, int]) -> set[Symbol]:
    return set(axis.free_symbols) - sizes.keys()


def _solved(equation: Any, symbol: Symbol) -> int | None:
    """The positive integer that solves an equation, linear in the symbol."""
    slope = expand(equation).coeff(symbol, 1)
    value = -equation.subs(symbol, 0) / slope if slope != 0 else slope
    return int(value) if value.is_Integer and value > 0 and equation.subs(symbol, value) == 0 else None


def _array(entry: Input, nested: Nested, shape: tuple[int, ...]) -> Any:
    array = np.empty(shape, dtype=object)
    for position in np.ndindex(*shape):
        part = nested
        for k in position:
            assert isinstance(part, tuple)
            part = part[k]
        assert isinstance(part, Number)
        array[position] = part.value
    return array


def _integers(array: Any) -> Any:
    whole = np.empty(array.shape, dtype=object)
    for position in np.ndindex(*array.shape):
        whole[position] = int(array[position])
    return whole


# ---------------------------------------------------------------- kinds


def _any(entry: Input, array: Any, sizes: Mapping[Symbol, int], rounded: bool) -> None:
    """A real number may be anything."""


def _label(entry: Input, array: Any, sizes: Mapping[Symbol, int], rounded: bool) -> None:
    count = int(entry.classes.subs(sizes))
    for value in array.flat:
        if value.denominator != 1:
            raise DeriveError(said("The label {name} is an integer, and {plain} is given.", name=entry.name, plain=_plain(value)))
        if not 0 <= value < count:
            message = said(
                "The label {name} is {value}, outside its axis of {entries}.",
                name=entry.name,
                value=value,
                entries=_entries(count),
            )
            raise DeriveError(message, hint=said("Labels count from 0: they go from 0 to {last}.", last=count - 1))


def _positive(entry: Input, array: Any, sizes: Mapping[Symbol, int], rounded: bool) -> None:
    for value in array.flat:
        if value <= 0:
            raise DeriveError(said("{name} is declared positive, and {plain} is given.", name=entry.name, plain=_plain(value)))


def _onehot(entry: Input, array: Any, sizes: Mapping[Symbol, int], rounded: bool) -> None:
    for row in array.reshape(-1, array.shape[-1]):
        if sorted(row) != [0] * (len(row) - 1) + [1]:
            shown = ", ".join(map(_plain, row[:8]))
            hint = "One entry is 1, all others are 0."
            raise DeriveError(
                said("{name} is declared one-hot, and [{shown}] is given.", name=entry.name, shown=shown), hint=hint
            )


def _probability(entry: Input, array: Any, sizes: Mapping[Symbol, int], rounded: bool) -> None:
    for row in array.reshape(-1, array.shape[-1]):
        for value in row:
            if not 0 <= value <= 1:
                raise DeriveError(
                    said("{name} holds probabilities, and {plain} is not between 0 and 1.", name=entry.name, plain=_plain(value))
                )
        if abs(sum(row) - 1) > (ROUNDING if rounded else TRAVELLED):
            raise DeriveError(
                said("The probabilities of {name} sum to {plain}, not to 1.", name=entry.name, plain=_plain(sum(row)))
            )


def _plain(value: Fraction) -> str:
    """A fraction as a decimal number where that is short and exact."""
    short = f"{float(value):.12g}"
    if "e" not in short and Fraction(short) == value:
        return short
    return str(value) if len(str(value)) < 12 else f"{float(value):.6g}"


_CHECKS = {"label": _label, "positive": _positive, "onehot": _onehot, "probability": _probability}
