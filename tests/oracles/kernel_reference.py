"""What a kernel should give: the definition and its derivations evaluated in 50 digits at the numbers that it is given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from derive.graphs.graph import Graph
from derive.kernels.kernel import Kernel
from derive.kernels.program.program import Program, arrays_of, program
from derive.proof.points import random_point
from derive.values.evaluator import Evaluator
from derive.values.real import real

Array = Any


def drawn(graph: Graph, sizes: Mapping[Any, int], seed: int, dtype: str) -> tuple[dict[str, Array], Evaluator]:
    """Inputs of a type at a random point, labels as whole numbers, and the same numbers exactly."""
    point = random_point(graph, dict(sizes), seed)
    arrays = {i.name: _rounded(point.arrays[i.name], np.dtype(np.int64 if i.kind == "label" else dtype)) for i in graph.inputs}
    return arrays, Evaluator(sizes, {name: exactly(array) for name, array in arrays.items()}, graph)


def _rounded(array: Array, dtype: Any) -> Array:
    flat = [int(v) if dtype.kind == "i" else float(v) for v in np.ravel(array)]
    return np.array(flat, dtype).reshape(np.shape(array))


def exactly(array: Array) -> Array:
    """The numbers of an array, as 50-digit ones."""
    out = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        out[place] = int(array[place]) if array.dtype.kind == "i" else real(float(array[place]))
    return out


def call(kernel: Kernel, name: str, arrays: Mapping[str, Array], sizes: Mapping[Any, int], **options: Any) -> dict[str, Array]:
    """What one function of a kernel gives, by the names of the program's outputs."""
    function = getattr(kernel, name)
    lengths = {str(s): int(n) for s, n in sizes.items()}
    wanted = [n for n in inspect.signature(function).parameters if n not in ("out", "workspace", "stream")]
    given = [(arrays[n] if arrays[n].ndim else arrays[n].item()) if n in arrays else lengths[n] for n in wanted]
    result = function(*given, **options)
    flat = {"value": lambda: [result], "forward": lambda: [result], "vjp": lambda: [*result]}.get(
        name, lambda: [result[0], *result[1]]
    )
    return dict(zip(kernel.text.programs[name].outputs, map(np.asarray, flat()), strict=True))


def expected(graph: Graph, kernel: Kernel, name: str, point: Evaluator) -> dict[str, Array]:
    """The same in 50 digits, by the definition and the derivations: nothing of what was made of them for kernels is used."""
    whole = plain_program(graph, kernel, name)
    arrays = arrays_of(whole, point)
    outputs = kernel.text.programs[name].outputs
    return {ours: arrays[theirs] for ours, theirs in zip(outputs, whole.outputs, strict=True)}


def plain_program(graph: Graph, kernel: Kernel, name: str) -> Program:
    gradients = name in ("value_and_grad", "vjp", "forward_and_vjp")
    return program(graph, kernel.wrt if gradients else (), name != "vjp")


def error(ours: Array, exact: Array, floor: float) -> float:
    """The largest difference, relative to the largest entry or to `floor`."""
    assert ours.shape == np.shape(exact)
    pairs = [(real(float(a)), real(b)) for a, b in zip(np.ravel(ours), np.ravel(exact), strict=True)]
    scale = max([abs(b) for _, b in pairs] + [real(floor)])
    return float(max((abs(a - b) for a, b in pairs), default=0) / scale)


def errors(
    graph: Graph, kernel: Kernel, sizes: Mapping[Any, int], seed: int, dtype: str, floor: float, functions: Sequence[str] = ()
) -> Iterator[tuple[str, str, float]]:
    """(function, output, error) of everything that a kernel computes, or that these functions of it do, at a random point."""
    for name in functions or kernel.text.programs:
        whole = plain_program(graph, kernel, name).graph
        arrays, point = drawn(whole, sizes, seed, dtype)
        exact = expected(graph, kernel, name, point)
        for output, found in call(kernel, name, arrays, sizes).items():
            yield name, output, error(found, exact[output], floor)
