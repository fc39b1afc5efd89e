"""What a module does that is run as a program: its gradients beside differences of its values, and the times of its functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from derive.graphs.graph import Graph, Input
from derive.kernels.program.elementary import STORED
from derive.kernels.text.scope import size_code
from derive.kernels.text.wrapper import Public, shape_code
from derive.proof.sizes import Sizes, size_sets

MOST_ENTRIES = 1 << 20
"""The largest array of what is timed has so many entries at most."""

LONGEST = 1024
"""The longest of the axes of what is timed."""

STEPS = {"float32": (1e-2, 2e-2), "float64": (1e-5, 1e-6), "bfloat16": (0.125, 0.1), "float16": (0.0625, 0.05)}
"""The step of the differences, and how far they may be from the gradient, relative to 1 and the largest entry: of h² and of the
rounding of the values over h, whichever is more.
"""


def trial_variables(
    graph: Graph, outputs: Sequence[str], wrt: Sequence[str], dtype: str, functions: Sequence[Public]
) -> Mapping[str, Any]:
    """What the template has put in."""
    sizes = [s.name for s in graph.sizes]
    small = size_sets(graph)[0]
    inputs = [i.name for i in graph.inputs]
    step, near = STEPS[dtype]
    numbers = "STORED" if dtype in STORED else "REAL"
    return {
        "sizes": sizes,
        "small": [small[s] for s in graph.sizes],
        "large": [(s.name, length) for s, length in _longer(graph, small, functions[0].sizes).items()],
        "dtype": dtype,
        "numbers": numbers,
        "given": [*(_drawn(i, numbers) for i in graph.inputs), *functions[0].sizes],
        "scalar": not graph.output.axes,
        "outputs": tuple(outputs),
        "place": outputs.index(graph.output.name),
        "pulled": tuple(k for k, name in enumerate(outputs) if graph.members[name].differentiable),
        "wrt": tuple(wrt),
        "inputs": len(inputs),
        "places": tuple(inputs.index(name) for name in wrt),
        "names": [f.name for f in functions],
        "step": step,
        "near": near,
    }


def _longer(graph: Graph, small: Sizes, given: Sequence[str]) -> Sizes:
    """Sizes for a measurement: all as long as one array may be, those given as such (strides, paddings) as they were."""
    length = LONGEST
    while True:
        sizes = {s: small[s] if s.name in given else max(length, small[s]) for s in graph.sizes}
        lengths = [[int(axis.xreplace(sizes)) for axis in member.axes] for member in graph.members.values()]
        if length == 1 or max(map(prod, lengths)) <= MOST_ENTRIES:
            return sizes
        length //= 2


def _drawn(given: Input, numbers: str) -> str:
    """An argument at random, as its kind asks; `numbers` is what the module calls the type of its arrays."""
    shape = shape_code(given.axes)
    if given.kind == "label":
        classes = size_code(given.classes)
        return f"random.integers(0, {classes}, {shape})" if given.axes else f"int(random.integers({classes}))"
    if given.kind in ("onehot", "probability"):
        last, rest = size_code(given.axes[-1]), shape_code(given.axes[:-1])
        kinds = {
            "onehot": f"np.eye({last})[random.integers(0, {last}, {rest})]",
            "probability": f"random.dirichlet(np.ones({last}), {rest})",
        }
        return f"np.require({kinds[given.kind]}, {numbers})"
    number = "random.uniform(0.5, 1.5" if given.kind == "positive" else "random.normal(0.0, 1.0"
    return f"np.require({number}, {shape}), {numbers})" if given.axes else f"float({number}))"
