"""Gradients by automatic differentiation: PyTorch and JAX on definitions written by hand, beside ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, partial
from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np

import derive
from cases.gradients import LIBRARY, OWN_SIZES, PYTORCH, SIZES, TEXTS, Array
from derive.graphs.graph import Graph, Input
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT
from derive.values.run import Run

WORST = 1e-10


def graph_of(name: str) -> Graph:
    return derive.graph(TEXTS[name][0] if name in TEXTS else name)


def sizes_of(name: str) -> dict[str, int]:
    """How long the axes of a definition are."""
    known = SIZES | OWN_SIZES.get(name, {})
    return {size.name: known[size.name] for size in graph_of(name).sizes}


def length(axis: Any, sizes: Mapping[str, int]) -> int:
    return int(axis.subs({s: sizes[s.name] for s in axis.free_symbols}))


def drawn(given: Input, sizes: Mapping[str, int], random: np.random.Generator) -> Array:
    """Numbers of three decimals for an input; all that are given to both sides are the same fractions."""
    shape = [length(axis, sizes) for axis in given.axes]
    if given.kind == "label":
        return random.integers(0, length(given.classes, sizes), shape)
    if given.kind == "onehot":
        return np.vectorize(Fraction, otypes=[object])(np.eye(shape[-1], dtype=int)[random.integers(0, shape[-1], shape[:-1])])
    whole = random.integers(200, 1800, shape) * (random.choice([-1, 1], shape) if given.kind == "real" else 1)
    exact = np.vectorize(lambda k: Fraction(int(k), 1000), otypes=[object])(whole)
    return exact / exact.sum(-1, keepdims=True) if given.kind == "probability" else exact


ABOVE = ("log1p",)
"""Definitions that have no value for some real numbers, and one for all positive ones."""


@cache
def point_of(name: str) -> tuple[Run, dict[str, Array], Array]:
    """(a run, the same inputs, the upstream gradient) at a random point, which is the same in every run of the tests."""
    graph, sizes = graph_of(name), sizes_of(name)
    random = np.random.default_rng([*name.encode()])
    inputs = {given.name: drawn(given, sizes, random) for given in graph.inputs}
    inputs = {k: np.asarray(abs(v)) for k, v in inputs.items()} if name in ABOVE else inputs
    run = graph.at(**{k: v.tolist() for k, v in inputs.items()}, **sizes)
    shape = tuple(length(axis, sizes) for axis in graph.output.axes)
    seed = np.vectorize(lambda k: Fraction(int(k), 100), otypes=[object])(random.integers(-200, 200, shape))
    return Run(run.source, run.point, seed), inputs, seed if shape else np.array(1)


@cache
def exact_gradients(name: str) -> Mapping[str, Array]:
    """By a run of the graph of single operations, in exact numbers."""
    run, _, seed = point_of(name)
    return (run if seed.ndim else Run(run.source, run.point)).grad


@cache
def float_gradients(name: str) -> Mapping[str, Array]:
    """By the formulas of the definition, in float64."""
    run, inputs, seed = point_of(name)
    return evaluated(run.source, {s.name: n for s, n in run.point.sizes.items()}, in_float(inputs), in_float({"": seed})[""])


def in_float(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays in float64; labels stay integers."""
    return {k: v if v.dtype == int else v.astype(float) for k, v in arrays.items()}


def evaluated(graph: Graph, lengths: Mapping[str, int], inputs: Mapping[str, Array], seed: Array) -> dict[str, Array]:
    """The derived formulas in float64, from the output back: a formula may name the gradients before it."""
    sizes = {s: lengths[s.name] for s in graph.sizes}
    values = dict(forward(graph, sizes, inputs, FLOAT).arrays)
    known: dict[tuple[str, str], Array] = {}
    order = [m.name for m in graph.members.values() if m.name in graph.ancestors(graph.output.name)]
    for tensor in reversed([t for t in order if getattr(graph.members[t], "differentiable", True)]):
        if tensor == graph.output.name and not graph.output.axes:
            continue
        found = graph.derive("", tensor, upstream=bool(graph.output.axes))
        upstream = {i.name: seed for i in found.graph.inputs if i not in graph.inputs}
        at = Evaluator(sizes, {**values, **upstream, found.of: values.get(found.of)}, found.graph, FLOAT, known)
        known[found.of, tensor] = np.array(at.array(found.result, found.indices), dtype=float)
    return {tensor: gradient for (_, tensor), gradient in known.items()}


def with_sizes(function: Callable[..., Array], lengths: Mapping[str, int]) -> Callable[..., Array]:
    """A function with those sizes put in that it takes as arguments after its first, the module of arrays."""
    _, *taken = signature(function).parameters
    return partial(function, **{k: n for k, n in lengths.items() if k in taken})


def by_torch(function: Callable[..., Array], inputs: Mapping[str, Array], seed: Array, own: bool = False) -> dict[str, Array]:
    """The gradients that PyTorch finds by itself; `own` says that the function is made of `torch.nn.functional`."""
    import torch

    torch.set_num_threads(1)  # such small arrays only wait for one another
    tensors = {k: torch.tensor(v).requires_grad_(v.dtype != int) for k, v in inputs.items()}
    wanted = [k for k, v in tensors.items() if v.requires_grad]
    output = function(torch.nn.functional if own else torch, **tensors)
    found = torch.autograd.grad(output, [tensors[k] for k in wanted], torch.tensor(seed, dtype=float), allow_unused=True)
    return {k: v.numpy() for k, v in zip(wanted, found, strict=True) if v is not None}


def point_for_torch(name: str) -> tuple[dict[str, Array], Array]:
    _, inputs, seed = point_of(name)
    return in_float(inputs), seed.astype(float)


def by_jax(name: str, function: Callable[..., Array]) -> dict[str, Array]:
    import jax

    jax.config.update("jax_enable_x64", True)
    _, inputs, seed = point_of(name)
    labels = {k: v for k, v in inputs.items() if v.dtype == int}
    real = {k: jax.numpy.array(v.astype(float)) for k, v in inputs.items() if k not in labels}
    module = SimpleNamespace(**vars(jax.numpy), erf=jax.scipy.special.erf)

    @jax.jit
    def gradients(real: dict[str, Array], upstream: Array) -> dict[str, Array]:
        _, pull = jax.vjp(lambda given: function(module, **given, **labels), real)
        return pull(upstream)[0]

    return {k: np.asarray(v) for k, v in gradients(real, jax.numpy.array(seed.astype(float))).items()}


def by_hand(name: str) -> Callable[..., Array]:
    return with_sizes(TEXTS[name][1] if name in TEXTS else LIBRARY[name], sizes_of(name))


def by_pytorch(name: str) -> Callable[..., Array]:
    return with_sizes(PYTORCH[name], sizes_of(name))


ORACLES: dict[str, Callable[[str], dict[str, Array]]] = {
    "jax": lambda name: by_jax(name, by_hand(name)),
    "torch": lambda name: by_torch(by_hand(name), *point_for_torch(name)),
    "torch.nn": lambda name: by_torch(by_pytorch(name), *point_for_torch(name), own=True),
}


def relative_error(ours: Array, theirs: Array) -> float:
    """The largest difference, relative to the largest entry."""
    assert np.shape(ours) == np.shape(theirs)
    return float(np.max(np.abs(ours - theirs)) / (np.max(np.abs(theirs)) or 1))
