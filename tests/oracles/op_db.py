"""PyTorch's own sample inputs of an operation (`op_db`), beside what a kernel of derive computes of them.

An operation is spelled for derive by a function that takes what PyTorch's takes and gives what it gives, with `computed` where
the numbers are made: that is differentiated with the gradients of the kernel.  What derive has no notion of raises `Left`.
The reference is PyTorch in float64 at the same numbers, or PyTorch in the kernel's own type where that is another thing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

import derive
from cases.kernels import FLOAT32, FLOAT64, SMALL
from derive.graphs.graph import Graph
from derive.kernels.program.program import Program, program
from derive.kernels.program.reach import told_apart
from derive.kernels.program.simple import simple
from derive.kernels.program.stable import stable
from derive.language.batching import batch as batched
from oracles.extras import torch
from oracles.interpreted import interpreted

Array = Any
Tensor = Any
Spelled = Callable[..., Any]

TOLERANCE = {"float64": FLOAT64, "float32": FLOAT32}
FLOOR = {"float64": SMALL, "float32": 1.0}
ULPS = 128
"""At extreme numbers each entry by itself is allowed so many units in the last place of itself, or of 1 if it is smaller."""

EXTREMES: Mapping[str, tuple[float, float]] = {
    "0": (0.0, 0.0),
    "-0": (-0.0, -0.0),
    "denormal": (1e-40, 5e-320),
    "-denormal": (-1e-40, -5e-320),
    "tiny": (1e-30, 1e-300),
    "-tiny": (-1e-30, -1e-300),
    "edge": (88.0, 709.0),
    "-edge": (-88.0, -800.0),
    "large": (1e4, 1e4),
    "-large": (-1e4, -1e4),
    "huge": (1e30, 1e300),
    "-huge": (-1e30, -1e300),
    "inf": (np.inf, np.inf),
    "-inf": (-np.inf, -np.inf),
    "nan": (np.nan, np.nan),
}
"""Extreme numbers by what they are called: of float32, and of float64."""

KINKS = {f"{x:g}": (x, x) for x in (1.0, -1.0, 0.5, -0.5, 3.0, -3.0, 6.0)}
"""Where functions of one entry may have a kink; what is alike here is a tie in functions of two."""

FEW = ("huge", "-inf", "nan")


class Left(Exception):
    """A sample of a kind that derive has no notion of."""


# ---------------------------------------------------------------- derive's kernels on tensors of PyTorch


@dataclass(frozen=True)
class Made:
    """A definition with the inputs whose gradients are wanted, as a program and, where asked for, compiled."""

    graph: Graph
    wrt: tuple[str, ...]

    @property
    def program(self) -> Program:
        return _program(self)

    def run(self, arrays: Mapping[str, Array], sizes: Mapping[Any, int], dtype: str, value: bool) -> list[Array]:
        """The value, or the gradients; `arrays` has the upstream gradient, too, where there is one."""
        whole = self.program
        outputs = whole.outputs[:1] if value else whole.outputs[1:]
        found = interpreted(_part(whole, outputs), arrays, sizes, dtype)
        return [found[n] for n in outputs]


@cache
def _program(made: Made) -> Program:
    return simple(told_apart(stable(program(made.graph, made.wrt, True))))


@cache
def _part(whole: Program, outputs: tuple[str, ...]) -> Program:
    return replace(whole, outputs=outputs).alive()


@dataclass(frozen=True)
class Compiled(Made):
    """The same by a kernel of the CPU: one function, which is compiled once for each type."""

    def run(self, arrays: Mapping[str, Array], sizes: Mapping[Any, int], dtype: str, value: bool) -> list[Array]:
        made = derive.api.held(self.graph).kernel(wrt=self.wrt, dtype=dtype)
        name = "value_and_grad" if "value_and_grad" in made.programs else "forward_and_vjp"
        if not self.wrt:
            name = name.split("_")[0]
        lengths = {str(s): n for s, n in sizes.items()}
        order = _parameters(made, name)
        upstream = next((n for n in arrays if n not in self.graph.members), None)
        given = [lengths[n] if n in lengths else arrays[n if n in arrays else upstream] for n in order]
        found = getattr(made, name)(*(a if np.ndim(a) else np.asarray(a).item() for a in given))
        found = found if self.wrt else (found, ())
        return [np.asarray(a) for a in ([found[0]] if value else found[1])]


@cache
def _parameters(kernel: Any, name: str) -> tuple[str, ...]:
    import inspect

    return tuple(n for n in inspect.signature(getattr(kernel, name)).parameters if n not in ("out", "workspace"))


KIND: list[type[Made]] = [Made]
"""How numbers are computed: interpreted, which takes no compiler, or compiled."""


@cache
def _made(text: str, batch: tuple[str, ...], reduction: str, wrt: tuple[str, ...], kind: type[Made]) -> Made:
    graph: Graph = derive.graph(text)
    return kind(batched(graph, batch, reduction).graph if batch else graph, wrt)


def computed(text: str, *given: Any, batch: str = "", reduction: str = "none", **sizes: int) -> Tensor:
    """What a definition comes to at tensors and numbers, in the order of its inputs.

    PyTorch differentiates it by derive's gradients; `sizes` are those that no shape says.
    """
    graph = derive.graph(text)
    given = tuple(_real(g) for g in given)
    pairs = list(zip((i.name for i in graph.inputs), given, strict=True))
    wrt = tuple(n for n, g in pairs if isinstance(g, torch.Tensor) and g.requires_grad)
    made = _made(text, tuple(batch.split(",")) if batch else (), reduction, wrt, KIND[0])
    return _function().apply(made, tuple(n for n, _ in pairs), sizes, *given)


def _real(given: Any) -> Any:
    """A condition as a number: 1 where it holds."""
    return given.to(torch.get_default_dtype()) if isinstance(given, torch.Tensor) and given.dtype == torch.bool else given


@cache
def _function() -> Any:
    class Taken(torch.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, made: Made, names: tuple[str, ...], sizes: dict[str, int], *given: Any) -> Tensor:
            dtype = "float32" if torch.get_default_dtype() == torch.float32 else "float64"
            labels = {i.name for i in made.graph.inputs if i.kind == "label"}
            arrays = {n: _array(g, "int64" if n in labels else dtype) for n, g in zip(names, given, strict=True)}
            ctx.made, ctx.dtype, ctx.arrays = made, dtype, arrays
            ctx.sizes = _sizes(made.graph, arrays, sizes)
            axes = made.graph.output.axes
            ctx.upstream = next((i.name for i in made.program.inputs if i.name not in names), "") if axes else ""
            at = arrays | ({ctx.upstream: np.zeros(_shape(axes, ctx.sizes), dtype)} if ctx.upstream else {})
            (found,) = made.run(at, ctx.sizes, dtype, True)
            return torch.from_numpy(np.array(found))

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            at = ctx.arrays | ({ctx.upstream: g.numpy()} if ctx.upstream else {})
            grads = dict(zip(ctx.made.wrt, ctx.made.run(at, ctx.sizes, ctx.dtype, False), strict=True))
            scale = 1 if ctx.upstream else g
            return None, None, None, *(torch.from_numpy(np.array(grads[n])) * scale if n in grads else None for n in ctx.arrays)

    return Taken


def _array(given: Any, dtype: str) -> Array:
    return np.asarray(given.detach().numpy() if isinstance(given, torch.Tensor) else given, dtype)


def _sizes(graph: Graph, arrays: Mapping[str, Array], given: Mapping[str, int]) -> dict[Any, int]:
    found = {s: given[str(s)] for s in graph.sizes if str(s) in given}
    for i in graph.inputs:
        for axis, length in zip(i.axes, arrays[i.name].shape, strict=True):
            if axis.is_Symbol and found.setdefault(axis, length) != length:
                raise ValueError(f"{i.name} has {length} entries where {axis} is {found[axis]}")
    return found


def _shape(axes: Any, sizes: Mapping[Any, int]) -> tuple[int, ...]:
    return tuple(int(a.subs(sizes)) if hasattr(a, "subs") else int(a) for a in axes)


# ---------------------------------------------------------------- how shapes are brought to those of a definition


def entries(formula: str, *given: Any) -> Tensor:
    """A formula of single entries: of x, y, w, v in this order, which are broadcast; numbers hold for all entries."""
    tensors = [g for g in given if isinstance(g, torch.Tensor)]
    shape = torch.broadcast_shapes(*(t.shape for t in tensors))
    names = "xywv"[: len(given)]
    kinds = ["constant" if not isinstance(g, torch.Tensor) else "[n]" if g.requires_grad else "constant[n]" for g in given]
    text = "; ".join(f"{n}: {k}" for n, k in zip(names, kinds, strict=True)) + f"; r: [n]; r = {formula}"
    flat = [torch.broadcast_to(g, shape).reshape(-1) if isinstance(g, torch.Tensor) else g for g in given]
    return computed(text, *flat).reshape(shape)


def each(formula: str) -> Spelled:
    """The operation that a formula of single entries is."""
    return lambda *given, **_: entries(formula, *given)


def along(text: str, x: Tensor, dim: int, *given: Any, batch: str = "") -> Tensor:
    """A definition of the vectors along one dimension of x, its first input; what comes of it lies along that dimension."""
    x = x.reshape(1) if (number := x.ndim == 0) else x
    moved = x.movedim(dim, -1)
    first = batch or text.split(":")[0]
    found = computed(text, moved.reshape(-1, moved.shape[-1]), *given, batch=first)
    found = found.reshape(moved.shape).movedim(-1, dim)
    return found.reshape(()) if number else found


def reduced(text: str, x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """A number of the entries along dimensions of x, the only input of a definition, for each of the others."""
    whole, x = x, x.reshape(1) if x.ndim == 0 else x
    dims = (dim,) if isinstance(dim, int) else tuple(range(x.ndim)) if dim is None or len(dim) == 0 else tuple(dim)
    dims = tuple(sorted(d % x.ndim for d in dims))
    rest = [d for d in range(x.ndim) if d not in dims]
    moved = x.permute(*rest, *dims)
    rows = moved.reshape(int(np.prod([x.shape[d] for d in rest])), -1)
    found = computed(text, rows, batch=text.split(":")[0]).reshape([x.shape[d] for d in rest])
    return found.reshape([1 if d in dims else n for d, n in enumerate(whole.shape)]) if keepdim else found


# ---------------------------------------------------------------- samples, and what comes of them


@dataclass(frozen=True)
class Sample:
    """Arguments of an operation; `extremes` names what was put into one tensor of them, if anything: into its first entries."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    extremes: tuple[str, ...] = ()

    def mapped(self, function: Callable[[Tensor], Tensor]) -> Sample:
        return replace(self, args=_mapped(self.args, function), kwargs=_mapped(self.kwargs, function))

    def leaves(self) -> list[Tensor]:
        """The tensors by which the operation is differentiated, in order."""
        found: list[Tensor] = []
        self.mapped(lambda t: found.append(t) or t if t.requires_grad else t)
        return found

    @property
    def entries(self) -> int:
        """So many numbers the operation is differentiated by."""
        return sum(leaf.numel() for leaf in self.leaves())

    def __str__(self) -> str:
        said = [*map(_said, self.args), *(f"{k}={_said(v)}" for k, v in self.kwargs.items())]
        return ", ".join(said) + (f" with {self.extremes[0]}" if len(self.extremes) == 1 else "")


def _said(given: Any) -> str:
    if isinstance(given, torch.Tensor):
        return f"{list(given.shape)}"
    return f"({', '.join(map(_said, given))})" if isinstance(given, list | tuple) else repr(given)


def _mapped(given: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(given, torch.Tensor):
        return function(given)
    if isinstance(given, Mapping):
        return {k: _mapped(v, function) for k, v in given.items()}
    return type(given)(_mapped(g, function) for g in given) if type(given) in (list, tuple) else given


@cache
def operations() -> dict[str, Any]:
    """PyTorch's operations by name, and by name and variant."""
    from torch.testing._internal.common_methods_invocations import op_db

    found: dict[str, Any] = {}
    for op in op_db:
        found.setdefault(op.name + (f"/{op.variant_test_name}" if op.variant_test_name else ""), op)
    return found


MOST = 500
"""So many samples are looked at: those of pooling are a thousand combinations of options."""


def samples(name: str) -> list[Sample]:
    """The samples of an operation, no two of them of the same shapes and options, and none of a tensor without entries."""
    torch.manual_seed(0)
    found: dict[str, Sample] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for s in islice(operations()[name].sample_inputs("cpu", torch.float64, requires_grad=True), MOST):
            sample = Sample((s.input, *s.args), s.kwargs)
            if all(leaf.numel() for leaf in sample.leaves()):
                found.setdefault(str(sample), sample)
    return list(found.values())


def with_extremes(sample: Sample, dtype: str, names: Iterable[str], pointwise: bool) -> Iterator[Sample]:
    """A sample with extreme numbers in one of its tensors: one at a time, or all at once where every entry is by itself."""
    kind = ("float32", "float64").index(dtype)
    numbers = {n: (EXTREMES | KINKS)[n][kind] for n in names}
    for k, leaf in enumerate(sample.leaves()):
        if pointwise:
            row = torch.tensor(list(numbers.values()), dtype=torch.float64)
            wide = sample.mapped(lambda t: _resized(t, len(row)) if t.requires_grad else t)  # noqa: B023
            yield replace(_put(wide, k, row), extremes=tuple(numbers))
        elif leaf.numel():
            for name, x in numbers.items():
                yield replace(_put(sample, k, torch.tensor([x], dtype=torch.float64)), extremes=(name,))


def _resized(t: Tensor, length: int) -> Tensor:
    return t.detach().reshape(-1)[torch.arange(length) % t.numel()].requires_grad_()


def _put(sample: Sample, which: int, numbers: Tensor) -> Sample:
    seen = iter(range(1 << 30))

    def put(t: Tensor) -> Tensor:
        if not t.requires_grad or next(seen) != which:
            return t
        changed = t.detach().clone().reshape(-1)
        changed[: len(numbers)] = numbers
        return changed.reshape(t.shape).requires_grad_()

    return sample.mapped(put)


def differences(name: str, spelled: Spelled, sample: Sample, dtype: str) -> list[tuple[str, str]]:
    """Where derive's operation and PyTorch's are two things at a sample: at which number, `own` for its own, and what differs.

    Values are compared, and the gradients by every tensor that has one.
    """
    theirs, kind = operations()[name].op, getattr(torch, dtype)
    ours = _results(spelled, sample, kind, kind)
    exact = _results(theirs, sample, kind, torch.float64)
    same = exact if dtype == "float64" else _results(theirs, sample, kind, kind)
    if len(ours) != len(exact):
        return [("own", f"{len(ours)} results beside {len(exact)}")]
    return [
        (at, f"{dtype}, {sample}: {what} is {text}")
        for (what, a), (_, b), (_, c) in zip(ours, exact, same, strict=True)
        for at, text in _apart(a, b, c, dtype, sample.extremes)
    ]


def _results(operation: Spelled, sample: Sample, given: Any, kind: Any) -> list[tuple[str, Any]]:
    """The results of an operation and its gradients, at numbers of the type `given`, computed in numbers of the type `kind`."""

    def typed(t: Tensor) -> Tensor:
        return t.detach().to(given).to(kind).requires_grad_(t.requires_grad) if t.is_floating_point() else t

    sample = sample.mapped(typed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = operation(*sample.args, **sample.kwargs)
            outputs = [t for t in (found if isinstance(found, tuple | list) else (found,)) if isinstance(t, torch.Tensor)]
            moving = [t for t in outputs if t.requires_grad]
            upstream = [torch.cos(1.0 + torch.arange(t.numel())).to(torch.float32).to(kind).reshape(t.shape) for t in moving]
            leaves = sample.leaves()
            grads = torch.autograd.grad(moving, leaves, upstream, allow_unused=True) if moving else [None] * len(leaves)
    finally:
        torch.set_default_dtype(before)
    values = [(f"value {k}", t.detach().double().numpy()) for k, t in enumerate(outputs)]
    zeros = (torch.zeros_like(leaf) if g is None else g for g, leaf in zip(grads, leaves, strict=True))
    return [*values, *((f"gradient {k}", g.double().numpy(force=True)) for k, g in enumerate(zeros))]


def _apart(ours: Array, exact: Array, same: Array, dtype: str, extremes: Sequence[str]) -> Iterator[tuple[str, str]]:
    if ours.shape != exact.shape:
        yield "own", f"of shape {ours.shape} beside {exact.shape}"
        return
    with np.errstate(all="ignore"):
        exact = np.where(np.abs(exact) > float(np.finfo(dtype).max), np.sign(exact) * np.inf, exact)
        size = np.where(np.isfinite(exact), np.abs(exact), 0)
        if extremes:
            allowed = ULPS * float(np.finfo(dtype).eps) * np.maximum(size, 1)
        else:
            allowed = TOLERANCE[dtype] * max(float(size.max(initial=0)), FLOOR[dtype])
        right = np.zeros(ours.shape, bool)
        for reference in (exact, same):
            right |= (np.abs(ours - reference) <= allowed) | (ours == reference) | (np.isnan(ours) & np.isnan(reference))
    for place in np.argwhere(~right):
        at = tuple(map(int, place))
        by_place = len(extremes) > 1 and at
        text = f"{ours[at]:.9g} beside {exact[at]:.9g} (or {same[at]:.9g}) at {at}"
        yield extremes[at[0]] if by_place else extremes[0] if extremes else "own", text
