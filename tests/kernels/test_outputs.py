"""Kernels of several outputs: the logits beside the loss, both states of an LSTM, what is found beside what is computed."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from cli import main
from derive.errors import DeriveError
from oracles.cuda_simulator import DeviceArray, simulated
from oracles.extras import functional, torch

Array = Any

LOGITS = "W: [C, n]; x: [n]; t: label[C]; z = W @ x; p = softmax(z); L = -log(p[t])"
LSTM = "lstm_cell"
FOUND = "x: [n]; k = argmax(x[i] for i in n); y = x**2"


@cache
def kernel(source: str, outputs: str, batch: str = "", wrap: str = "", wrt: str = "") -> Any:
    return derive.graph(source).kernel(outputs=outputs, batch=batch, wrap=wrap, wrt=wrt, dtype="float64")


def logits() -> tuple[Array, Array, Array]:
    random = np.random.default_rng(0)
    return random.normal(size=(4, 3)), random.normal(size=(5, 3)), random.integers(0, 4, 5)


def cell() -> list[Array]:
    """Arguments of an LSTM cell with n = 3, m = 2, in the order of the definition: x, h0, c0, and W, U, b of each gate."""
    random, shapes = np.random.default_rng(1), [(3,), (2,), (2,), *[(2, 3), (2, 2), (2,)] * 4]
    return [random.normal(size=shape) for shape in shapes]


def test_what_is_beside_a_loss_changes_neither_the_loss_nor_its_gradients() -> None:
    (loss, z), gradients = kernel(LOGITS, "L,z", "x,t").value_and_grad(*logits())
    alone, expected = kernel(LOGITS, "", "x,t").value_and_grad(*logits())
    weights, x, _ = logits()
    np.testing.assert_allclose(z, x @ weights.T, rtol=1e-14)
    assert loss == pytest.approx(alone, rel=1e-14)
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    np.testing.assert_array_equal(kernel(LOGITS, "z,L", "x,t").value(*logits())[0], z)


@pytest.mark.needs("torch")
def test_both_states_of_an_lstm_pull_gradients_back_as_pytorch_does() -> None:
    made, given = kernel(LSTM, "h1,c1"), cell()
    leaves = [torch.tensor(a, requires_grad=True) for a in given]
    x, h, c, *rest = leaves
    i, f, o, new = (w @ x + u @ h + b for w, u, b in zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    state = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(new)
    hidden = torch.sigmoid(o) * torch.tanh(state)
    random = np.random.default_rng(2)
    upstream = random.normal(size=2), random.normal(size=2)
    expected = torch.autograd.grad((hidden, state), leaves, list(map(torch.tensor, upstream)))
    (h1, c1), gradients = made.forward_and_vjp(*given, *upstream)
    np.testing.assert_allclose(h1, hidden.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(c1, state.detach().numpy(), rtol=1e-13)
    for ours, theirs, again in zip(gradients, expected, made.vjp(*given, *upstream), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(again, ours, rtol=1e-13)


def test_an_output_is_restricted_to_what_it_is_computed_from() -> None:
    made = kernel(LOGITS, "z", "x")
    weights, x, _ = logits()
    np.testing.assert_allclose(made.forward(weights, x), x @ weights.T, rtol=1e-14)
    with pytest.raises(TypeError, match="positional arguments"):
        made.forward(*logits())


def test_outputs_are_written_where_they_are_told_to_be() -> None:
    z, gradients = np.empty((5, 4)), (np.empty((4, 3)), np.empty((5, 3)))
    made = kernel(LOGITS, "L,z", "x,t")
    given = made.value_and_grad(*logits(), out=((None, z), gradients))
    assert given[0][1] is z
    assert given[1][0] is gradients[0]
    assert given[1][1] is gradients[1]
    for wrong in ((z, gradients), (None, gradients), ((z,), gradients)):
        with pytest.raises(TypeError, match=r"out has the form of the result: \(J, z\), \(grad_W, grad_x\)"):
            made.value_and_grad(*logits(), out=wrong)
    with pytest.raises(ValueError, match=r"out\[0\]\[1\] has the shape \(5, 4\)"):
        made.value_and_grad(*logits(), out=((None, z[:4]), gradients))
    states = np.empty(2), np.empty(2)
    assert kernel(LSTM, "h1,c1").forward(*cell(), out=states)[1] is states[1]
    with pytest.raises(TypeError, match="out has the form of the result: h1, c1"):
        kernel(LSTM, "h1,c1").forward(*cell(), out=states[:1])


def test_what_is_found_has_no_gradient_to_be_given() -> None:
    x = np.array([1.0, 3.0, 2.0])
    made = kernel(FOUND, "k,y")
    place, y = made.forward(x)
    assert (place, y.tolist()) == (1, [1, 9, 4])
    np.testing.assert_array_equal(made.vjp(x, np.ones(3))[0], 2 * x)


@pytest.mark.parametrize(
    ("outputs", "message", "hint"),
    [
        ("q", "There is no output q.", "What is computed is z, p, L."),
        ("LL", "There is no output LL.", "Did you mean L?"),
        ("x", "x is an input, and is not computed.", ""),
    ],
)
def test_what_is_no_output_is_named(outputs: str, message: str, hint: str) -> None:
    with pytest.raises(DeriveError) as raised:
        kernel(LOGITS, outputs)
    assert str(raised.value).startswith(message)
    assert hint in f"{raised.value} {raised.value.hint}"


def test_the_command_gives_outputs_and_the_module_tries_itself(tmp_path: Path) -> None:
    file = tmp_path / "cell.py"
    source = "x: [n]; u: [m]; W: [m, n]; c = u*(W @ x); h = tanh(c)"
    assert main(["kernel", source, "--outputs", "h,c", "--dtype", "float64", "-o", str(file)]) == 0
    assert "J = Σ_i (g_h)_i h_i + Σ_i (g_c)_i c_i" in file.read_text(encoding="utf-8")
    run = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "gradient by W: 6 of 6 entries are what differences say" in run.stdout


def test_a_device_gives_several_outputs() -> None:
    module = simulated(derive.graph(LOGITS).kernel("cuda", "x,t", dtype="float64", outputs="L,z").source)
    (loss, z), gradients = module.value_and_grad(*map(DeviceArray, logits()))
    (expected, at), theirs = kernel(LOGITS, "L,z", "x,t").value_and_grad(*logits())
    assert float(loss.numbers) == pytest.approx(expected, rel=1e-13)
    for ours, known in zip((z, *gradients), (at, *theirs), strict=True):
        np.testing.assert_allclose(ours.numbers, known, rtol=1e-12)
    states = simulated(derive.graph(LSTM).kernel("cuda", dtype="float64", outputs="h1,c1").source)
    upstream = np.array([0.5, -1.0]), np.array([2.0, 0.25])
    found = states.vjp(*map(DeviceArray, (*cell(), *upstream)))
    for mine, known in zip(found, kernel(LSTM, "h1,c1").vjp(*cell(), *upstream), strict=True):
        np.testing.assert_allclose(mine.numbers, known, rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------- in PyTorch


def loss_and_logits() -> Any:
    return kernel(LOGITS, "L,z", "x,t", "torch").loaded.Kernel.apply


def states() -> Any:
    return kernel(LSTM, "h1,c1", "", "torch").loaded.Kernel.apply


def in_one_graph(use: Any) -> Any:
    torch._dynamo.reset()
    return torch.compile(use, fullgraph=True, backend="aot_eager")


def leaves(arrays: Any) -> list[Any]:
    return [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("compiled", [False, True])
def test_pytorch_differentiates_the_loss_and_takes_what_is_beside_it(compiled: bool) -> None:
    use = in_one_graph(loss_and_logits()) if compiled else loss_and_logits()
    weights, x, t = leaves(logits())
    loss, z = use(weights, x, t)
    assert loss.requires_grad
    assert not z.requires_grad
    torch.testing.assert_close(z, x @ weights.T)
    ours = torch.autograd.grad(3 * loss, (weights, x))
    torch.testing.assert_close(ours, torch.autograd.grad(3 * functional.cross_entropy(x @ weights.T, t), (weights, x)))
    with torch.no_grad():
        torch.testing.assert_close(use(weights, x, t)[1], z)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("compiled", [False, True])
def test_pytorch_differentiates_every_tensor(compiled: bool) -> None:
    use, given = in_one_graph(states()) if compiled else states(), leaves(cell())
    assert torch.autograd.gradcheck(states(), given)
    for chosen in (lambda h, c: h.sum(), lambda h, c: (c**2).sum(), lambda h, c: (h * c).sum()):
        ours = torch.autograd.grad(chosen(*use(*given)), given, allow_unused=True)
        theirs = torch.autograd.grad(chosen(*states()(*given)), given)
        torch.testing.assert_close(
            [torch.zeros_like(b) if a is None else a for a, b in zip(ours, theirs, strict=True)], list(theirs)
        )


@pytest.mark.needs("torch")
def test_rows_and_what_is_found_come_back_in_the_shapes_that_were_given() -> None:
    apply = kernel(LOGITS, "z,p", "x", "torch").loaded.Kernel.apply
    weights, x, _ = leaves(logits())
    z, p = apply(weights, torch.stack([x, 2 * x]))
    assert z.shape == p.shape == (2, 5, 4)
    torch.testing.assert_close(p, torch.softmax(z, -1))
    (x,) = leaves([np.array([1.0, 3.0, 2.0])])
    place, y = kernel(FOUND, "k,y", "", "torch").loaded.Kernel.apply(x)
    assert place.dtype is torch.int64
    assert not place.requires_grad
    assert y.requires_grad
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], 2 * x.detach())


@pytest.mark.needs("torch")
def test_the_operations_of_several_outputs_are_as_pytorch_wants_them() -> None:
    module, given = kernel(LOGITS, "L,z", "x,t", "torch").loaded, leaves(logits())
    torch.library.opcheck(module._differentiated, tuple(given))
    lstm, tensors = kernel(LSTM, "h1,c1", "", "torch").loaded, leaves(cell())
    torch.library.opcheck(lstm._computed, tuple(tensors))
