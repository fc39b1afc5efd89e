"""Kernels of arrays of 16 bits: what they convert is exact, what they give is what PyTorch computes in float32, rounded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

import derive
from derive.errors import DeriveError
from derive.kernels.cache import load
from derive.kernels.cpu.device import halves
from derive.kernels.program.elementary import STORED
from oracles.extras import functional as F
from oracles.extras import torch

Array = Any
HALVES = tuple(STORED)
PATTERNS = np.arange(1 << 16, dtype=np.uint16)


def numpy_type(dtype: str) -> Any:
    """The type in numpy, to which bfloat16 comes by a package of its own."""
    return np.float16 if dtype == "float16" else pytest.importorskip("ml_dtypes").bfloat16


def converted(name: str, given: Array, to: Any) -> Array:
    """What a conversion makes of each entry."""
    convert = getattr(halves, name)

    @numba.njit
    def loop(x: Array, out: Array) -> Array:
        for k in range(x.shape[0]):
            out[k] = convert(x[k])
        return out

    result = loop(given, np.empty(given.shape, to))
    assert "i16>" in loop.inspect_llvm(loop.signatures[0]), "not in vectors"
    return result


@pytest.mark.parametrize("dtype", HALVES)
def test_every_pattern_of_bits_is_converted_as_numpy_does(dtype: str) -> None:
    expected = PATTERNS.view(numpy_type(dtype)).astype(np.float32)
    ours, nan = converted(f"from_{dtype}", PATTERNS, np.float32), np.isnan(expected)
    assert nan.sum() == {"bfloat16": 254, "float16": 2046}[dtype]
    np.testing.assert_array_equal(ours[~nan].view(np.uint32), expected[~nan].view(np.uint32))
    assert np.isnan(ours[nan]).all()
    np.testing.assert_array_equal(converted(f"to_{dtype}", ours, np.uint16)[~nan], PATTERNS[~nan])


@pytest.mark.parametrize("dtype", HALVES)
def test_numbers_are_rounded_as_numpy_and_pytorch_do(dtype: str) -> None:
    """Between any two neighbours: their middle, and what lies beside it; NaN, infinities, what is too large and too small."""
    kind = numpy_type(dtype)
    with np.errstate(invalid="ignore"):
        known = PATTERNS.view(kind).astype(np.float64)
    finite = np.sort(known[np.isfinite(known)])
    middle = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    beside = [np.nextafter(middle, np.float32(end)) for end in (np.inf, -np.inf)]
    source = np.random.default_rng(0).integers(0, 1 << 32, 1 << 20, dtype=np.uint32).view(np.float32)
    given = np.concatenate(
        [middle, *beside, source, np.float32([65519.996, 65520, 3.3895314e38, 3.4e38, np.inf, -np.inf, np.nan])]
    )
    nan = np.isnan(given)
    ours = converted(f"to_{dtype}", given, np.uint16)
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(ours[~nan], given[~nan].astype(kind).view(np.uint16))
    np.testing.assert_array_equal(np.isnan(ours.view(kind).astype(np.float32)), nan)
    np.testing.assert_array_equal(ours[nan] >> 15, given[nan].view(np.uint32) >> 31)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", HALVES)
def test_pytorch_rounds_alike(dtype: str) -> None:
    given = np.random.default_rng(1).integers(0, 1 << 32, 1 << 20, dtype=np.uint32).view(np.float32)
    given = given[~np.isnan(given)]
    theirs = torch.from_numpy(given).to(getattr(torch, dtype)).view(torch.int16).numpy().view(np.uint16)
    np.testing.assert_array_equal(converted(f"to_{dtype}", given, np.uint16), theirs)


# ---------------------------------------------------------------- kernels

HEAD = "x: [d]; W: [V, d]; t: label[V]; z = W@x; L = -log(softmax(z)[t])"

ATTENTION = """
Q: [H, n, d]; K: [H, m, d]; V: [H, m, d]
S[h, i, j] = sum(Q[h, i, k]*K[h, j, k] for k in d)/sqrt(d)
P = softmax(S)
O[h, i, k] = sum(P[h, i, j]*V[h, j, k] for j in m)
"""

CASES: dict[str, tuple[str, str, dict[str, int], Callable[..., Any]]] = {
    "entries": ("x: [n]; y = gelu(x)", "", {"n": 1000}, lambda x: F.gelu(x)),
    "entries written past the cache": ("x: [n]; y = relu(x)", "", {"n": 4_300_001}, lambda x: F.relu(x)),
    "rows": ("layer_norm", "x", {"N": 7, "n": 33}, lambda x, g, b, e: F.layer_norm(x, x.shape[1:], g, b, e)),
    "a loss": ("softmax_cross_entropy_label", "z,t", {"N": 7, "C": 33}, lambda z, t: F.cross_entropy(z, t)),
    "rows written past the cache": (
        "softmax_cross_entropy_label", "z,t", {"N": 1100, "C": 4001}, lambda z, t: F.cross_entropy(z, t)
    ),
    "an output that is read again": ("softmax", "z", {"N": 5, "C": 9, "n": 9}, lambda z: F.softmax(z, -1)),
    "columns": ("batch_norm", "", {"N": 9, "n": 17}, lambda x, g, b, e: F.batch_norm(x, None, None, g, b, True, eps=e)),
    "matrix products": ("W: [m, n]; x: [n]; b: [m]; y = W@x + b", "x", {"N": 6, "n": 8, "m": 5}, lambda W, x, b: x @ W.T + b),
    "what is added where it belongs": ("embedding_sequence", "", {"N": 9, "V": 5, "d": 4}, lambda E, t: F.embedding(t, E)),
    "blocks of an axis": (HEAD, "x,t", {"N": 6, "V": 150, "d": 8}, lambda x, W, t: F.cross_entropy(x @ W.T, t)),
    "blocks of rows that lie in pieces": (
        ATTENTION, "", {"H": 2, "n": 70, "m": 70, "d": 8},
        lambda Q, K, V: ((Q @ K.transpose(1, 2) / 8**0.5).softmax(-1) @ V),
    ),
}  # fmt: skip
"""A definition, the inputs that differ between examples, sizes, and the same in PyTorch."""


def tensors(kernel: Any, sizes: dict[str, int], dtype: str) -> list[Any]:
    """A tensor, or a number, for each input."""
    graph, source = next(iter(kernel.programs.values())).graph, torch.Generator().manual_seed(0)
    found: list[Any] = []
    for i in (i for i in graph.inputs if i.name != graph.upstream):
        shape = tuple(int(a.xreplace({s: sizes[s.name] for s in a.free_symbols})) for a in i.axes)
        if i.kind == "label":
            found.append(torch.randint(sizes[str(i.classes)], shape, generator=source))
        else:
            found.append(torch.randn(shape, generator=source).to(getattr(torch, dtype)) if shape else 0.25)
    return found


def apart(ours: Any, theirs: Any) -> int:
    """By how many numbers of the type two arrays differ; what float32 leaves of numbers that cancel is no difference."""
    whole = [np.asarray(a.view(torch.int16).numpy(), np.int32) for a in (ours.contiguous(), theirs.contiguous())]
    placed = [np.where(a < 0, -(a & 0x7FFF), a) for a in whole]
    near = ((ours.float() - theirs.float()).abs() <= 1e-6 * float(theirs.abs().max())).numpy()
    return int(np.where(near, 0, abs(placed[0] - placed[1])).max(initial=0))


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, "bfloat16") for name in CASES), ("rows written past the cache", "float16"), ("matrix products", "float16")],
)
def test_a_kernel_gives_what_pytorch_computes_in_float32_rounded(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, batch, sizes, function = CASES[name]
    kernel = derive.graph(text).kernel(batch=batch, dtype=dtype)
    if name.startswith("blocks"):
        monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1)
        monkeypatch.setattr(kernel.loaded, "BLOCK", 1)
    low = getattr(torch, dtype)
    given = tensors(kernel, sizes, dtype)
    wide = [a.float().requires_grad_() if isinstance(a, torch.Tensor) and a.dtype is low else a for a in given]
    result = function(*wide)
    order = [i.name for i in next(iter(kernel.programs.values())).graph.inputs]
    wrt = [(k, wide[order.index(n)]) for k, n in enumerate(kernel.wrt) if isinstance(wide[order.index(n)], torch.Tensor)]
    if result.ndim:
        upstream = torch.randn(result.shape, generator=torch.Generator().manual_seed(1)).to(low)
        expected = torch.autograd.grad(result, [a for _, a in wrt], upstream.float())
        value, gradients = kernel.forward_and_vjp(*given, upstream)
        assert apart(as_tensor(value, low), result.detach().to(low)) <= 1
        assert apart(as_tensor(kernel.forward(*given), low), result.detach().to(low)) <= 1
    else:
        expected = torch.autograd.grad(result, [a for _, a in wrt])
        value, gradients = kernel.value_and_grad(*given)
        assert type(value) is float
        np.testing.assert_allclose([value, kernel.value(*given)], result.item(), rtol=2e-6)
    for (k, _), theirs in zip(wrt, expected, strict=True):
        assert apart(as_tensor(gradients[k], low), theirs.to(low)) <= 1


def as_tensor(array: Array, dtype: Any) -> Any:
    """An array of 16 bits as PyTorch has it."""
    assert array.itemsize == 2
    return torch.from_numpy(array.view(np.int16)).view(dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_extreme_entries_are_what_the_type_has_for_them(dtype: str) -> None:
    kind = numpy_type(dtype)
    made = derive.graph("x: [n]; y = 2*x").kernel(dtype=dtype)
    with np.errstate(over="ignore"):
        x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 2.0**-24, 3e38, 60000.0], np.float32).astype(kind)
        np.testing.assert_array_equal(made.forward(x).view(np.uint16), (2 * x.astype(np.float32)).astype(kind).view(np.uint16))
    every = PATTERNS.view(kind)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(made.forward(every) > 0, every > 0)


@pytest.mark.parametrize("dtype", HALVES)
def test_arrays_are_of_the_type_and_written_where_out_says(dtype: str) -> None:
    kind = numpy_type(dtype)
    kernel = derive.graph("x: [n]; y = 2*x").kernel(dtype=dtype)
    x = np.arange(4).astype(kind)
    out = np.empty_like(x)
    assert kernel.forward(x, out=out) is out
    assert (out.dtype, out.tolist()) == (kind, [0, 2, 4, 6])
    assert kernel.forward(x, out=x) is x
    frozen = out.copy()
    frozen.flags.writeable = False
    assert kernel.forward(frozen).tolist() == kernel.forward(frozen[::-1])[::-1].tolist() == [0, 4, 8, 12]
    for other in (np.arange(4.0), np.arange(4, dtype=np.float32), np.arange(4, dtype=np.int16), x.view(np.uint16)):
        with pytest.raises(TypeError, match=f"x is an array of {dtype}, and {other.dtype} is given"):
            kernel.forward(other)
    with pytest.raises(TypeError, match=f"out is an array of {dtype}, and float32 is given"):
        kernel.forward(x, out=np.empty(4, np.float32))


def test_without_the_type_in_numpy_arrays_hold_the_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    source = derive.graph("x: [n]; y = 2*x").kernel(dtype="bfloat16").source
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    found = load(f"{source}\n", "without").forward(np.array([0x3F80, 0xC000], np.uint16))
    assert (found.dtype, found.tolist()) == (np.uint16, [0x4000, 0xC080])


def test_a_target_that_has_no_such_type_says_so() -> None:
    with pytest.raises(DeriveError, match="There are no kernels of bfloat16"):
        derive.graph("x: [n]; y = 2*x").kernel("cuda", dtype="bfloat16")


# ---------------------------------------------------------------- in PyTorch


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", HALVES)
def test_a_wrapped_kernel_takes_and_gives_tensors_of_the_type(dtype: str) -> None:
    low = getattr(torch, dtype)
    wrt = ("x", "gamma", "beta", "epsilon")
    apply = derive.graph("layer_norm").kernel(batch="x", dtype=dtype, wrt=wrt, wrap="torch").loaded.Kernel.apply
    given = [torch.randn(6, 10), torch.randn(10), torch.randn(10), torch.tensor(0.1)]
    given = [a.to(low).requires_grad_() for a in given]
    compiled = torch.compile(lambda *a: apply(*a), fullgraph=True, backend="aot_eager")
    for use in (apply, compiled):
        y = use(*given)
        gradients = torch.autograd.grad(y, given, torch.ones_like(y))
        assert [a.dtype for a in (y, *gradients)] == [low] * 5
    wide = [a.detach().float().requires_grad_() for a in given]
    theirs = torch.autograd.grad(F.layer_norm(wide[0], (10,), wide[1], wide[2], wide[3].item()).sum(), wide[:3])
    assert [apart(a, b.to(low)) <= 1 for a, b in zip(gradients, theirs, strict=False)] == [True] * 3
    with torch.autocast("cpu", dtype=low):
        assert apply(*wide).dtype is low
    with pytest.raises(TypeError, match=rf"x is a tensor of {dtype}, and torch.float32 is given"):
        apply(*wide)


@pytest.mark.needs("torch")
def test_a_loss_of_half_tensors_is_a_float32() -> None:
    apply = derive.graph("softmax_cross_entropy_label").kernel(batch="z,t", dtype="bfloat16", wrap="torch").loaded.Kernel.apply
    z, t = torch.randn(3, 4).bfloat16().requires_grad_(), torch.tensor([0, 3, 1])
    loss = apply(z, t)
    (3 * loss).backward()
    wide = z.detach().float().requires_grad_()
    (3 * F.cross_entropy(wide, t)).backward()
    assert (loss.dtype, z.grad.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(z.grad.float(), wide.grad, rtol=2**-6, atol=0)  # rounded, multiplied by 3 and rounded again
