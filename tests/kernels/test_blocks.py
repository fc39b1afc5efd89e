"""Functions that work by blocks of an axis give what they give at once, and PyTorch's numbers, in little memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from derive.kernels.cpu.blocked import WIDTH
from derive.kernels.cpu.blocks import Pass, blocks
from oracles.extras import functional, torch

HEAD = "x: [d]; W: [V, d]; t: label[V]; z = W@x; L = softmax_cross_entropy_label(z, t)"

CUT: dict[str, tuple[str, tuple[str, ...]]] = {
    "head": (HEAD, ("x", "t")),
    "head with a bias": (f"b: [V]; {HEAD.replace('W@x', 'W@x + b')}", ("x", "t")),
    "head after a layer": (
        "x: [d]; A: [m, d]; h = relu(A@x); W: [V, m]; t: label[V]; z = W@h; L = softmax_cross_entropy_label(z, t)",
        ("x", "t"),
    ),
    "head with a temperature": (
        "x: [d]; W: [V, d]; t: label[V]; tau: positive; z = W@x; u = z/tau; L = softmax_cross_entropy_label(u, t)",
        ("x", "t"),
    ),
    "weights the other way round": (HEAD.replace("W: [V, d]", "W: [d, V]").replace("W@x", "W.T@x"), ("x", "t")),
    "log-sum-exp": ("x: [d]; W: [V, d]; z = W@x; L = log(sum(exp(z)))", ("x",)),
    "a sum over a product": ("x: [d]; W: [V, d]; z = W@x; L = sum(tanh(z))", ("x",)),
    "the size of the axis as a number": ("x: [d]; W: [V, d]; z = W@x; L = sum(tanh(z/V))", ("x",)),
    "what stands where": ("x: [d]; W: [V, d]; z = W@x; L = sum(where(i < 70, i, 2)*z[i]**2 for i in V)", ("x",)),
    "the size of the axis": ("x: [d]; W: [V, d]; z = W@x; L = sum(tanh(z*V/100))", ("x",)),
    "squares": ("x: [d]; W: [V, d]; y: [V]; z = W@x; L = sum((z - y)**2)", ("x", "y")),
    "the largest": ("x: [d]; W: [V, d]; t: label[V]; z = W@x; m = max(z); L = sum(exp(z - m)*z) + z[t]", ("x", "t")),
}
"""Definitions whose tensors between two matrix products are cut along V, with what differs between examples."""


def made(name: str, dtype: str = "float64") -> Any:
    text, batch = CUT[name]
    return derive.graph(text).kernel(batch=batch, dtype=dtype, wrt=[n for n in ("x", "b", "A", "W") if f"{n}: [" in text])


def given(kernel: Any, name: str, sizes: dict[str, int], dtype: str = "float64") -> list[Any]:
    """Arrays for each argument; rows are shifted far, so that the largest entry moves from block to block."""
    source, found = np.random.default_rng(1), []
    graph = next(iter(kernel.programs.values())).graph
    for i in graph.inputs:
        shape = tuple(sizes[str(a)] for a in i.axes)
        if i.kind == "label":
            found.append(source.integers(0, max(1, sizes[str(i.classes)]), shape))
        else:
            found.append((abs if i.kind == "positive" else lambda a: a)(2 * source.normal(size=shape)).astype(dtype))
    return found


def run(kernel: Any, arrays: list[Any], small: bool, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1 if small else 1 << 60)
    monkeypatch.setattr(kernel.loaded, "BLOCK", 1)
    value, gradients = kernel.value_and_grad(*arrays)
    return [kernel.value(*arrays), value, *gradients]


@pytest.mark.parametrize("name", CUT)
def test_blocks_give_what_is_given_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made(name)
    for n, v in ((1, 1), (5, 3), (4, WIDTH), (3, WIDTH + 1), (7, 3 * WIDTH + 5)):
        arrays = given(kernel, name, {"N": n, "V": v, "d": 3, "m": 4})
        for ours, whole in zip(*(run(kernel, arrays, small, monkeypatch) for small in (True, False)), strict=True):
            assert np.abs(ours - whole).max() <= 1e-12 * max(1, np.abs(whole).max()), (n, v)


@pytest.mark.parametrize("sizes", [(0, 3, 70), (1, 1, 1), (6, 5, 64), (9, 4, 200), (33, 16, 1000)])
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.needs("torch")
def test_the_head_of_a_language_model_is_pytorchs(
    sizes: tuple[int, int, int], contiguous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    n, d, v = sizes
    kernel = made("head", "float32")
    x, w, t = given(kernel, "head", {"N": n, "V": v, "d": d}, "float32")
    leaves = [torch.from_numpy(a).double().requires_grad_() for a in (x, w)]
    loss = functional.cross_entropy(leaves[0] @ leaves[1].T, torch.from_numpy(t))
    expected = [float(loss), *(g.numpy() for g in torch.autograd.grad(loss, leaves))]
    if not contiguous:
        x, w, t = np.asfortranarray(x), np.repeat(w, 2, axis=0)[::2], np.repeat(t, 2)[::2]
    with np.errstate(invalid="ignore"):
        found = run(kernel, [x, w, t], True, monkeypatch)[1:]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-6)


def test_infinite_and_unknown_logits_are_what_they_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made("head with a bias")
    arrays = given(kernel, "", {"N": 4, "V": 200, "d": 2})
    at = next(k for k, a in enumerate(arrays) if a.shape == (200,) and a.dtype.kind == "f")
    for values in (
        {3: -np.inf},
        dict.fromkeys(range(100), -np.inf),
        {150: np.nan},
        {150: np.inf},
        dict.fromkeys(range(200), -np.inf),
    ):
        arrays[at] = np.zeros(200)
        arrays[at][list(values)] = list(values.values())
        for ours, whole in zip(*(run(kernel, arrays, small, monkeypatch) for small in (True, False)), strict=True):
            np.testing.assert_allclose(ours, whole, rtol=1e-12, atol=1e-14)


def test_logits_of_any_size_stay_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made("head", "float32")
    for scale in (1e4, 1e30):
        x, w = np.ones((3, 1), np.float32), (scale * np.random.default_rng(0).normal(size=(200, 1))).astype(np.float32)
        arrays = [x, w, np.array([0, 100, int(w.argmax())])]
        for ours, whole in zip(*(run(kernel, arrays, small, monkeypatch) for small in (True, False)), strict=True):
            np.testing.assert_allclose(ours, whole, rtol=1e-6)


def test_gradients_are_written_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made("head", "float32")
    arrays = given(kernel, "head", {"N": 5, "V": 150, "d": 3}, "float32")
    _, *expected = run(kernel, arrays, False, monkeypatch)
    out = (np.full((5, 3), 7, np.float32), np.full((150, 3), 7, np.float32))
    monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1)
    _, found = kernel.value_and_grad(*arrays, out=out)
    assert found[0] is out[0]
    assert np.shares_memory(found[1], out[1])
    for ours, whole in zip(out, expected[1:], strict=True):
        np.testing.assert_allclose(ours, whole, rtol=1e-5, atol=1e-6)


def test_what_is_wrong_is_said_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made("head", "float32")
    x, w, t = given(kernel, "head", {"N": 5, "V": 150, "d": 3}, "float32")
    monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1)
    out = (np.full_like(x, 7), np.full_like(w, 7))
    t[3] = 150
    with pytest.raises(ValueError, match="t"):
        kernel.value_and_grad(x, w, t, out=out)
    assert (out[0] == 7).all()
    assert (out[1] == 7).all()
    with pytest.raises(ValueError, match="shares memory"):
        kernel.value_and_grad(x, w, np.zeros(5, int), out=(out[0], w))
    with pytest.raises(TypeError, match="workspace"):
        kernel.value_and_grad(x, w, np.zeros(5, int), workspace=7)


def test_a_workspace_keeps_whole_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = made("head", "float32")
    arrays = given(kernel, "head", {"N": 5, "V": 150, "d": 3}, "float32")
    _, loss, *whole = run(kernel, arrays, False, monkeypatch)
    monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1)
    again, found = kernel.value_and_grad(*arrays, workspace=kernel.Workspace())
    assert again == loss
    assert all((a == b).all() for a, b in zip(found, whole, strict=True))


NOT_CUT = [  # what reads another place, or asks for the place of the largest
    ("x: [d]; W: [V, d]; z = W@x; L = sum(z[i]*z[V - 1 - i] for i in V)", ("x",)),
    ("x: [d]; W: [V, d]; z = W@x; L = max(z)", ("x",)),
]


@pytest.mark.parametrize(("text", "batch"), NOT_CUT)
def test_what_cannot_be_cut_is_computed_at_once(text: str, batch: tuple[str, ...]) -> None:
    program = derive.graph(text).kernel(batch=batch).programs["value_and_grad"]
    assert not [*blocks(program, next(s for s in program.graph.sizes if s.name == "V"))]


def test_two_passes_are_enough_for_a_softmax() -> None:
    program = made("head").programs["value_and_grad"]
    (found,) = blocks(program, next(s for s in program.graph.sizes if s.name == "V"))
    first, second = (step for step in found.steps if isinstance(step, Pass))
    assert {*first.updated} == {"largest", "sum1"}
    assert {*second.added} == {"grad_x"}


MEMORY = """
import resource, sys, tracemalloc
import numpy as np
import derive

text, n, d, v = sys.argv[1], *map(int, sys.argv[2:])
kernel = derive.graph(text).kernel(batch=("x", "t"))
source = np.random.default_rng(0)
x, w, t = (source.normal(size=s).astype(np.float32) for s in ((n, d), (v, d), (n,)))
t = source.integers(0, v, n)
kernel.loaded.BLOCKS_FROM = -1
kernel.value_and_grad(x[:2], w[:200], t[:2] % 200)
kernel.loaded.BLOCKS_FROM = 1 << 25
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tracemalloc.start()
found = kernel.value_and_grad(x, w, t)
traced = tracemalloc.get_traced_memory()[1]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(traced - x.nbytes - w.nbytes, 1024*(after - before) - x.nbytes - w.nbytes)
"""


def test_the_head_takes_its_gradients_and_little_more() -> None:
    given = [sys.executable, "-c", MEMORY, HEAD, "256", "64", "50257"]
    done = subprocess.run(given, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    traced, resident = map(int, done.stdout.split())
    assert traced <= 8e6
    assert resident <= 16e6


SELF = """x: [T, d]; Wq: [d, d]; Wk: [d, d]; q = x@Wq; k = x@Wk; S = q@k.T/sqrt(d)
P[i, j] = where(j <= i, exp(S[i, j]), 0)/sum(exp(S[i, l]) for l in T if l <= i)
h = P@x; u = h@Wq; y = x + tanh(u)"""

ATTENTION: dict[str, tuple[str, tuple[str, ...]]] = {
    "attention": ("attention", ("Q", "K", "V")),
    "causal": ("attention_causal", ("Q", "K", "V")),
    "one head": ("attention_causal", ()),
    "masked": ("attention_masked", ("Q", "K", "V")),
}


def attended(name: str, arrays: list[Any], upstream: Any) -> list[Any]:
    """The output of attention, and its gradients by queries, keys and values, by PyTorch in float64."""
    q, k, v, *mask = (torch.from_numpy(np.ascontiguousarray(a)).double() for a in arrays)
    leaves = [a.requires_grad_() for a in (q, k, v)]
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask:
        scores = scores + mask[0]
    if name in ("causal", "one head"):
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
    y = torch.softmax(scores, -1) @ v
    gradients = torch.autograd.grad(y, leaves, torch.from_numpy(np.ascontiguousarray(upstream)).double())
    return [y.detach().numpy(), *(g.numpy() for g in gradients)]


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.needs("torch")
def test_attention_by_blocks_of_rows_is_pytorchs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, batch = ATTENTION[name]
    source = np.random.default_rng(3)
    for dtype, near in (("float64", 1e-12), ("float32", 3e-6)) if name == "causal" else (("float64", 1e-12),):
        kernel = derive.graph(text).kernel(batch=batch, dtype=dtype, wrt="Q,K,V")
        monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", -1)
        monkeypatch.setattr(kernel.loaded, "BLOCK", 1)
        for heads, n, m, d in (
            (2, 0, 3, 2),
            (0, 3, 3, 2),
            (1, 1, 1, 1),
            (2, 5, 3, 2),
            (2, WIDTH, 7, 3),
            (3, 2 * WIDTH + 1, 70, 8),
        ):
            m = n if name in ("causal", "one head") else m
            front = (heads,) if batch else ()
            shapes = [(*front, n, d), (*front, m, d), (*front, m, 3), (*front, n, 3)]
            *arrays, upstream = (source.normal(size=s).astype(dtype) for s in shapes)
            if name == "masked":
                arrays.append(np.where(source.random((n, m)) < 0.3, -np.inf, 0))
                arrays[-1][n // 2 : n // 2 + 1] = -np.inf  # a whole row, whose numbers are NaN
            for given in (arrays, [np.repeat(a, 2, axis=-1)[..., ::2] for a in arrays]):
                with np.errstate(all="ignore"):
                    value, gradients = kernel.forward_and_vjp(*given, upstream)
                for ours, theirs in zip((value, *gradients), attended(name, given, upstream), strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=near, atol=near, err_msg=str((heads, n, m, d)))


def test_a_layer_that_attends_to_itself_gives_what_it_gives_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = derive.graph(SELF).kernel(dtype="float64")
    program = kernel.programs["forward_and_vjp"]
    ways = blocks(program, next(s for s in program.graph.sizes if s.name == "T"))
    by_rows = next(way for way in ways if way.within["P"] == 0)
    first, second = by_rows.passes  # u is a product of whole matrices, on which the gradients depend
    assert "P" in first.program.assigned
    assert "P" in second.program.assigned
    assert "largest__part" in first.program.assigned
    assert "largest__part" not in second.program.assigned  # the maximum of a row is kept
    source = np.random.default_rng(4)
    for t in (1, WIDTH, WIDTH + 3, 3 * WIDTH):
        arrays = [source.normal(size=s) for s in ((t, 3), (3, 3), (3, 3), (t, 3))]
        results = []
        for limit in (-1, 1 << 60):
            monkeypatch.setattr(kernel.loaded, "BLOCKS_FROM", limit)
            monkeypatch.setattr(kernel.loaded, "BLOCK", 1)
            value, gradients = kernel.forward_and_vjp(*arrays)
            results.append([value, *gradients])
        for ours, whole in zip(*results, strict=True):
            np.testing.assert_allclose(ours, whole, rtol=1e-11, atol=1e-12)


def test_causal_rows_read_no_key_beyond_their_block() -> None:
    kernel = derive.graph("attention_causal").kernel(batch=("Q", "K", "V"))
    program = kernel.programs["forward_and_vjp"]
    (found,) = blocks(program, next(s for s in program.graph.sizes if s.name == "n"))
    (one,) = found.passes
    assert {name for name, (_, axes) in one.parts.items() if str(axes[1]) == "n__end"} == {"K__to_end", "V__to_end"}
    assert {*found.within} >= {"sum1", "P", "grad_P", "grad_S"}


def test_attention_takes_its_gradients_and_no_matrix_of_scores() -> None:
    kernel = derive.graph("attention_causal").kernel(batch=("Q", "K", "V"))
    arrays = [np.random.default_rng(0).normal(size=(4, 1024, 16)).astype(np.float32) for _ in range(4)]
    kernel.forward_and_vjp(*arrays)
    tracemalloc.start()
    kernel.forward_and_vjp(*arrays)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most <= 4 * arrays[0].nbytes + 8e6  # a matrix of scores has 16.8 MB
