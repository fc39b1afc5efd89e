"""Programs at extreme numbers, beside as many digits as it takes: how far off each entry is, in what its inputs allow.

The reference is the definition and its derivations, evaluated without bounds: e^(1e30) is a number there.  An entry may be off by
some units in the last place of itself, of 1 if it is smaller, or of what it moves by when every input is moved by a unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from flint import arb

import derive
from derive.graphs.graph import Graph
from derive.kernels.program.program import Program, program
from derive.kernels.program.simple import simple
from derive.kernels.program.stable import stable
from derive.language import library
from derive.values.balls import untraced
from derive.values.evaluator import Evaluator
from derive.values.number_systems import NumberSystem
from derive.values.number_systems import exact as number_system
from derive.values.precision import DomainError, precision
from derive.values.real import near, real
from oracles.interpreted import interpreted
from oracles.kernel_reference import exactly

Array = Any

DIGITS, MOST_DIGITS = 340, 4400
"""Enough for most, and for what e^(-1e4) leaves of 1."""

ALLOWED = 128.0
"""So many units in the last place an entry may be off."""

ROWS = {
    "float32": [
        [88, 0, 0],
        [-88, 0, 0],
        [200, 0, 0],
        [1e4, -1e4, 0],
        [1e30, 0, -1e30],
        [-1e30, -1e30, -1e30],
        [1e-30, -1e-30, 0],
        [0, 0, 0],
        [15, -15, 0.1],
    ],
    "float64": [
        [709, 0, 0],
        [-800, 0, 0],
        [1e4, -1e4, 0],
        [1e300, 0, -1e300],
        [-1e300, -1e300, -1e300],
        [0, 0, 0],
        [35, -35, 0.1],
    ],
}
"""What one input holds, while the others hold something ordinary."""

INPUTS, MANY = 2, 4
"""So many inputs of a definition take their turn, and one of those of a definition with many."""

PROBABILITIES = [[0.25, 0.75, 0.25], [1, 0, 0], [0, 1, 0]]
ORDINARY = [[0.7, -0.3, 0.2, -0.4], [-0.4, 1.1, 0.6]]


def made(graph: Graph, value: bool = True) -> tuple[Program, Program]:
    """The plain program of a graph with all its gradients, and the one that kernels compute."""
    wrt = [i.name for i in graph.inputs if i.differentiable and i.name in graph.ancestors(graph.output.name)]
    plain = program(graph, wrt, value)
    return plain, simple(stable(plain))


@cache
def programs(text: str) -> tuple[Graph, Program, Program]:
    """A definition and its programs, made once."""
    graph = graph_of(text)
    return graph, *made(graph)


def graph_of(text: str) -> Graph:
    return library.load(text) if text in library.names() else derive.graph(text)


def points(plain: Program, sizes: Mapping[Any, int], dtype: str) -> Iterator[dict[str, Array]]:
    """Inputs of which one, of the first few, holds an extreme row; labels point to either end of it."""
    reals = [i.name for i in plain.inputs if i.kind == "real"] or [""]
    reals = reals[:INPUTS] if len(reals) <= MANY else reals[:1]
    for name in reals:
        for k, row in enumerate(ROWS[dtype] if name else [[]] * len(PROBABILITIES)):
            yield {
                i.name: _filled(i, k, row if i.name == name else ORDINARY[j % 2], sizes, dtype)
                for j, i in enumerate(plain.inputs)
            }


def _filled(given: Any, k: int, row: list[float], sizes: Mapping[Any, int], dtype: str) -> Array:
    point = Evaluator(dict(sizes), {})
    shape = tuple(map(point.size, given.axes))
    if given.kind == "label":
        return np.full(shape, k % 2 % point.size(given.classes))
    if given.kind == "onehot":
        return np.broadcast_to(np.eye(shape[-1], dtype=dtype)[k % 2], shape).copy()
    if given.kind == "probability":
        row = PROBABILITIES[k % 3] if given.name == "y" else PROBABILITIES[0]
    return np.resize(np.array([0.5] if given.kind == "positive" else row, dtype), shape)


@cache
def unbounded(digits: int) -> NumberSystem:
    """Exact fractions and balls of so many digits, of any size."""
    numbers = number_system(digits)
    exp = np.frompyfunc(lambda x: arb(untraced(x)).exp() if untraced(x) != 0 else 1, 1, 1)
    return replace(numbers, functions={**numbers.functions, "exp": exp}, bounded=lambda a: np.asarray(a, dtype=object))


def exact(plain: Program, arrays: Mapping[str, Array], sizes: Mapping[Any, int], digits: int = DIGITS) -> dict[str, Array]:
    """Every tensor of a program at numbers that are taken as they are; DomainError where one has no value."""
    known = dict(arrays)
    for assign in plain.assigns:
        point = Evaluator(dict(sizes), known, plain.graph, unbounded(digits), empty=True)
        try:
            known[assign.name] = np.frompyfunc(untraced, 1, 1)(point.strictly(assign.term, assign.indices))
        except DomainError:
            if digits == MOST_DIGITS:
                raise
            return exact(plain, arrays, sizes, MOST_DIGITS)
        if digits < MOST_DIGITS and _rough(known[assign.name]):
            return exact(plain, arrays, sizes, MOST_DIGITS)
    return known


def _rough(array: Array) -> bool:
    """Whether so few digits of a number are known that its neighbours in float64 are not told apart."""
    return any(type(x) is arb and x.is_finite() and float(x.rad()) > 1e-30 * max(1.0, abs(float(x))) for x in np.ravel(array))


def moved(arrays: Mapping[str, Array], unit: float) -> dict[str, Array]:
    """Every number of the arrays moved up or down by about a unit in its last place, no two alike."""
    out = {}
    for name, array in arrays.items():
        if array.dtype.kind == "i":
            out[name] = exactly(array)
            continue
        by = unit * np.cos(1.0 + np.arange(array.size) ** 2).reshape(array.shape)
        with precision(DIGITS):
            numbers = np.asarray(exactly(array) * (1 + np.vectorize(near, otypes=[object])(by)), dtype=object)
            out[name] = np.vectorize(near, otypes=[object])(numbers)
    return out


def worst(plain: Program, ours: Program, arrays: Mapping[str, Array], sizes: Mapping[Any, int], dtype: str) -> dict[str, float]:
    """How far off each output of a program is, in the units that its inputs allow; infinite where one is no number."""
    found = interpreted(ours, arrays, sizes, dtype)
    return compared(plain, {n: found[n] for n in ours.outputs}, arrays, sizes, dtype)


def compared(
    plain: Program, found: Mapping[str, Array], arrays: Mapping[str, Array], sizes: Mapping[Any, int], dtype: str
) -> dict[str, float]:
    """The same of outputs that are given, whoever computed them."""
    kind = np.finfo(dtype)
    true = exact(plain, {n: exactly(a) for n, a in arrays.items()}, sizes)
    off = {n: _worst(a, true[n], (), kind) for n, a in found.items()}
    if all(o <= ALLOWED for o in off.values()):
        return off
    beside = [exact(plain, moved(arrays, unit), sizes) for unit in (float(kind.eps), -float(kind.eps))]
    return {n: _worst(a, true[n], [m[n] for m in beside], kind) for n, a in found.items()}


def _worst(ours: Array, true: Array, beside: Sequence[Array], kind: Any) -> float:
    entries = zip(*map(np.ravel, (ours, true, *beside)), strict=True)
    return max((_off(float(a), *(real(x, DIGITS) for x in others), kind=kind) for a, *others in entries), default=0.0)


def _off(ours: float, true: Any, *beside: Any, kind: Any) -> float:
    if abs(true) > float(kind.max):
        return 0.0 if abs(ours) > float(kind.max) / 2 else float("inf")
    if not np.isfinite(ours):
        return float("inf")
    moves = max((abs(b - true) for b in beside), default=0)
    return float(abs(real(ours, DIGITS) - true) / (float(kind.eps) * max(abs(true), 1) + moves))
