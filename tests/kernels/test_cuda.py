"""CUDA kernels compute what their definitions and derivations say, on the simulated device, and compile for real ones.

The reference is the definition evaluated in 50 digits (`kernel_reference`), and PyTorch in float64 where rows are long.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from inspect import signature
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import derive
from cases.kernels import BATCHED, EXTREMES, FLOAT32, FLOAT64, SMALL, TEXTS
from derive.graphs.graph import Graph
from derive.kernels.kernel import Kernel, kernel
from derive.language import library
from derive.language.batching import batch
from derive.proof.sizes import size_sets
from oracles.cuda_ptx import COMPILERS, PTXAS, Launch, assembled, ptx, recorded
from oracles.cuda_simulator import DeviceArray, Race, Simulated, imported, simulated
from oracles.extras import torch
from oracles.kernel_reference import errors, plain_program

Array = Any

pytestmark = pytest.mark.needs("torch")


def on_device(graph: Graph, dtype: str = "float64", batched: str = "") -> Simulated:
    return Simulated(kernel(graph, "cuda", batched, dtype=dtype, name="kernel").text)


def worst(graph: Graph, dtype: str) -> float:
    floor = SMALL if dtype == "float64" else 1.0
    return max(e for _, _, e in errors(graph, on_device(graph, dtype), size_sets(graph)[0], 0, dtype, floor))


@pytest.mark.parametrize("name", library.names())
def test_every_definition_of_the_library_agrees_with_50_digits(name: str) -> None:
    assert worst(library.load(name), "float64") <= FLOAT64


@pytest.mark.parametrize("name", library.names())
def test_every_definition_of_the_library_keeps_its_digits_in_float32(name: str) -> None:
    assert worst(library.load(name), "float32") <= FLOAT32


@pytest.mark.parametrize("name", [n for n in BATCHED if n not in ("attention", "attention_causal", "lstm_cell")])  # long to run
def test_batches_agree_with_50_digits(name: str) -> None:
    assert worst(batch(library.load(name), BATCHED[name].split(",")).graph, "float64") <= FLOAT64


@pytest.mark.parametrize("text", TEXTS)
def test_definitions_typed_in_agree_with_50_digits(text: str) -> None:
    assert worst(derive.graph(text), "float64") <= FLOAT64


def test_a_number_may_have_a_name_that_kernels_use_as_an_attribute() -> None:
    """cuda.threadIdx.x is no x of the definition."""
    assert worst(derive.graph("a: [n]; x = sum(a[i] for i in n); y = x*x + 1; J = y*exp(x)"), "float64") <= FLOAT64


# ---------------------------------------------------------------- rows of any length

LENGTHS = (1, 3, 31, 32, 33, 1000, 4096, 50257)


@pytest.fixture(scope="module", params=["float32", "float64"])
def loss(request: pytest.FixtureRequest) -> Simulated:
    return on_device(library.load("softmax_cross_entropy_label"), request.param, "z,t")


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("rows", [1, 3])
def test_cross_entropy_of_rows_of_any_length(loss: Simulated, length: int, rows: int) -> None:
    random = np.random.default_rng(length)
    z, t = random.normal(size=(rows, length)).astype(loss.text.dtype), random.integers(0, length, rows)
    value, (grad,) = loss.value_and_grad(z, t)
    leaf = torch.tensor(z.astype("float64"), requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf, torch.tensor(t))
    theirs.backward()
    exact = 1e-13 if loss.text.dtype == "float64" else 2e-6
    assert float(value) == pytest.approx(theirs.item(), rel=exact, abs=exact)
    assert float(loss.value(z, t)) == float(value)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=exact, atol=exact / length)


@pytest.mark.parametrize("length", [3, 50257])
def test_no_rows_give_what_pytorch_gives(loss: Simulated, length: int) -> None:
    value, (grad,) = loss.value_and_grad(np.empty((0, length), loss.text.dtype), np.empty(0, int))
    assert np.isnan(value)
    assert grad.shape == (0, length)


def in_pytorch(x: Array, gamma: Array, beta: Array, g: Array) -> list[Array]:
    """Layer norm with ε = 0.1 and its gradients, in float64."""
    leaves = [torch.tensor(a.astype("float64"), requires_grad=True) for a in (x, gamma, beta)]
    y = torch.nn.functional.layer_norm(leaves[0], (x.shape[-1],), *leaves[1:], 0.1)
    y.backward(torch.tensor(g.astype("float64")))
    return [y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("shape", [(0, 4), (1, 33), (5, 1), (7, 32), (21, 12)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_norm_of_rows_that_are_kept_and_of_those_that_are_not(dtype: str, shape: tuple[int, int], long: bool) -> None:
    norm = on_device(library.load("layer_norm"), dtype, "x")
    if long:  # as if a row were too long for registers
        vars(norm.module())["ROWS"] = ()
    random = np.random.default_rng(0)
    x, gamma, beta, g = (random.normal(size=s).astype(dtype) for s in (shape, shape[1], shape[1], shape))
    y, grads = norm.forward_and_vjp(x, gamma, beta, 0.1, g)
    assert long == any("_long" in k.function.__qualname__ for k in norm.module().cuda.kernels)
    for ours, theirs in zip((y, *grads), in_pytorch(x, gamma, beta, g), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13 if dtype == "float64" else 3e-6)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("row", EXTREMES, ids=str)
def test_cross_entropy_at_extreme_logits_is_that_of_pytorch(loss: Simulated, row: list[float], long: bool) -> None:
    whole = on_device(library.load("softmax_cross_entropy_label"), loss.text.dtype, "z,t") if long else loss
    if long:
        vars(whole.module())["ROWS"] = ()
    z, t = np.array([row, [0.5, 1.0, -1.0]], loss.text.dtype), np.array([0, 2])
    value, (grad,) = whole.value_and_grad(z, t)
    leaf = torch.tensor(z, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf, torch.tensor(t))
    theirs.backward()
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-5, atol=1e-7)


def test_a_maximum_over_long_rows_is_nan_where_an_entry_is() -> None:
    softmax = on_device(library.load("softmax"), "float64", "z")
    vars(softmax.module())["ROWS"] = ()
    z = np.zeros((2, 700))
    z[0, 650] = np.nan
    y = softmax.forward(z)
    assert np.isnan(y[0]).all()
    np.testing.assert_allclose(y[1], 1 / 700)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 130, 4103])
def test_a_long_row_may_begin_anywhere(length: int) -> None:
    """What stands before the first 16 bytes and behind the last is read by single numbers."""
    whole = on_device(library.load("softmax_cross_entropy_label"), "float32", "z,t")
    vars(whole.module())["ROWS"] = ()
    random = np.random.default_rng(length)
    z, t = random.normal(size=(6, length)).astype("float32"), random.integers(0, length, 6)
    value, (grad,) = whole.value_and_grad(z, t)
    leaf = torch.tensor(z, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(leaf, torch.tensor(t))
    theirs.backward()
    assert [
        k.function.__closure__[1].cell_contents for k in whole.module().cuda.kernels if "_long" in k.function.__qualname__
    ] == [4]
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-5, atol=1e-7)


# ---------------------------------------------------------------- sums down columns, and scattered ones


@pytest.mark.parametrize("shape", [(1, 1), (300, 2), (70, 40)])
def test_sums_down_a_column_are_added_up_in_slices(shape: tuple[int, int]) -> None:
    made = on_device(derive.graph("A: [m, n]; y[j] = sum(A[i, j]**2 for i in m)"))
    a = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(made.forward(a), (a**2).sum(0), rtol=1e-13)
    np.testing.assert_allclose(made.vjp(a, np.ones(shape[1]))[0], 2 * a, rtol=1e-15)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(("source", "arguments"), [("embedding_sequence", 1), ("max_pool1d", 0)])
def test_scattered_sums_add_in_any_order_or_in_one(source: str, arguments: int, ordered: bool) -> None:
    made, random = on_device(library.load(source)), np.random.default_rng(0)
    vars(made.module())["DETERMINISTIC"] = ordered
    if arguments:
        t, g = random.integers(0, 5, 40), random.normal(size=(40, 3))
        (grad,) = made.vjp(np.zeros((5, 3)), t, g)
        expected = np.zeros((5, 3))
        np.add.at(expected, t, g)
        np.testing.assert_allclose(grad, expected, rtol=1e-13)
    else:
        (grad,) = made.vjp(np.array([1.0, 3.0, 2.0, 5.0, 4.0]), np.array([1.0, 10.0, 100.0]), 3, 1)
        np.testing.assert_array_equal(grad, [0, 1, 0, 110, 0])
    names = {k.function.__qualname__.split(".")[0] for k in made.module().cuda.kernels if k.runs}
    assert {n.rpartition("_")[2] for n in names} >= {"ordered" if ordered else "atomic"}


# ---------------------------------------------------------------- what may be given


def logits() -> tuple[DeviceArray, DeviceArray]:
    random = np.random.default_rng(0)
    return DeviceArray(random.normal(size=(5, 4))), DeviceArray(random.integers(0, 4, 5))


@pytest.fixture(scope="module")
def cross_entropy() -> Any:
    return simulated(kernel(library.load("softmax_cross_entropy_label"), "cuda", "z,t", dtype="float64").source)


def bad_calls() -> list[tuple[str, dict[str, Any], type[Exception], str]]:
    """What each is, the arguments that are changed (those of PyTorch are made when they are called), and what is said."""
    z, _ = logits()
    other = DeviceArray(np.zeros((5, 4)))
    other.device = SimpleNamespace(index=1)
    return [
        (
            "an array of the host",
            {"z": np.zeros((5, 4))},
            TypeError,
            "z is an array of float64 on a CUDA device, and a numpy.ndarr",
        ),
        ("a list", {"z": [[1.0]]}, TypeError, "and a list is given"),
        ("a tensor of the host", {"z": lambda: torch.zeros(5, 4)}, TypeError, "z is an array of float64 on a CUDA device"),
        ("one with a gradient", {"z": lambda: torch.zeros(5, 4).requires_grad_()}, TypeError, "that requires a gradient"),
        ("a type", {"z": DeviceArray(np.zeros((5, 4), "float32"))}, TypeError, "z is an array of float64, and float32 is given"),
        ("small labels", {"t": DeviceArray(np.zeros(5, "int32"))}, TypeError, "t is an array of int64, and int32 is given"),
        ("too few axes", {"z": DeviceArray(np.zeros(4))}, ValueError, "z has 2 axes"),
        ("a length", {"t": DeviceArray(np.zeros(4, int))}, ValueError, "t has the shape (N,) = (5,), and (4,) is given"),
        ("strides", {"z": DeviceArray(np.zeros((4, 5)).T, strides=True)}, ValueError, "z must be contiguous"),
        ("another device", {"z": other}, ValueError, "on device 1, and the current device is 0"),
        ("a label too large", {"t": DeviceArray(np.full(5, 4))}, ValueError, "t holds labels 0 to 3, and 4 to 4 are given"),
        ("a negative label", {"t": DeviceArray(np.full(5, -1))}, ValueError, "t holds labels 0 to 3"),
        ("an output's type", {"out": (DeviceArray(np.zeros((5, 4), "f4")),)}, TypeError, "out[0] is an array of float64"),
        ("an output's shape", {"out": (DeviceArray(np.zeros((4, 4))),)}, ValueError, "out[0] has the shape (5, 4)"),
        ("an output to read", {"out": (DeviceArray(np.zeros((5, 4)), readonly=True),)}, ValueError, "out[0] cannot be written"),
        ("too many outputs", {"out": (1, 2)}, TypeError, "out has the form of the result: (grad_z,)"),
        ("the input as output", {"out": (z,), "z": z}, ValueError, "shares memory with z"),
        ("what is no workspace", {"workspace": 3}, TypeError, "workspace is a Workspace of this module, and int is given"),
        ("an unknown stream", {"stream": "fast"}, TypeError, "stream"),
    ]


@pytest.mark.parametrize(("changed", "kind", "message"), [c[1:] for c in bad_calls()], ids=[c[0] for c in bad_calls()])
def test_a_bad_argument_is_named_before_anything_is_written(
    cross_entropy: Any, changed: dict[str, Any], kind: type[Exception], message: str
) -> None:
    z, t = logits()
    out = DeviceArray(np.full((5, 4), 7.0))
    given = {name: value() if callable(value) else value for name, value in changed.items()}
    with pytest.raises(kind) as raised:
        cross_entropy.value_and_grad(**{"z": z, "t": t, "out": (out,), **given})
    assert message in str(raised.value)
    assert (out.numbers == 7).all()
    runs = [k.function.__qualname__ for k in cross_entropy.cuda.kernels if k.runs and "_outside" not in k.function.__qualname__]
    assert not runs


def test_labels_that_are_checked_later_wait_for_nothing_and_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = simulated(kernel(library.load("softmax_cross_entropy_label"), "cuda", "z,t", dtype="float64").source)
    vars(module)["LABELS_CHECKED"] = "later"
    z, _ = logits()
    good, bad = DeviceArray(np.array([0, 2, 1, 3, 0])), DeviceArray(np.array([0, 2, 4, 3, -1]))
    with monkeypatch.context() as patched:
        patched.setattr(module._Numba, "fetch", None)
        values = [float(module.value_and_grad(z, t)[0].numbers) for t in (good, bad, good)]
        instead = float(module.value(z, DeviceArray(np.array([0, 2, 0, 3, 0]))).numbers)
    assert values == [values[0], instead, values[0]]
    with pytest.raises(ValueError, match="t has held labels that are none of a class"):
        module.labels_seen()
    module.labels_seen()
    module.value(z, good)
    module.labels_seen()


def test_results_are_written_where_they_are_wanted_and_a_workspace_serves_again() -> None:
    module = simulated(kernel(library.load("layer_norm"), "cuda", "x", dtype="float64").source)
    random = np.random.default_rng(0)
    x, g, gamma, beta = (DeviceArray(random.normal(size=s)) for s in ((5, 4), (5, 4), 4, 4))
    space = module.Workspace()
    y, grads = module.forward_and_vjp(x, gamma, beta, 0.1, g, workspace=space)
    out = (DeviceArray(np.zeros((5, 4))), (*(DeviceArray(np.zeros(s)) for s in ((5, 4), 4, 4)), None))
    again, others = module.forward_and_vjp(x, gamma, beta, 0.1, g, out=out, workspace=space)
    assert again is out[0]
    assert others[1] is out[1][1]
    for a, b in zip((y, *grads), (again, *others), strict=True):
        np.testing.assert_array_equal(a.numbers, b.numbers)


def test_matrices_larger_than_a_tile_are_multiplied() -> None:
    module = simulated(kernel(derive.graph("A: [m, n]; B: [n, k]; C = A @ B"), "cuda", dtype="float64").source, small=False)
    a, b = (np.random.default_rng(0).normal(size=s) for s in ((70, 19), (19, 3)))
    np.testing.assert_allclose(module.forward(DeviceArray(a), DeviceArray(b)).numbers, a @ b, rtol=1e-12)


def test_an_update_may_be_made_in_place() -> None:
    module = simulated(kernel(derive.graph("w: [n]; g: [n]; eta: real; v = w - eta*g"), "cuda", dtype="float64").source)
    w, g = DeviceArray(np.arange(100.0)), DeviceArray(np.ones(100))
    module.forward(w, g, 0.5, out=w)
    np.testing.assert_array_equal(w.numbers, np.arange(100.0) - 0.5)


@pytest.mark.parametrize("shift", [0, 8])
def test_arrays_that_do_not_start_at_16_bytes_are_read_one_by_one(shift: int) -> None:
    module = simulated(kernel(derive.graph("x: [n]; y = tanh(x)"), "cuda", dtype="float64").source)
    x = np.linspace(-1, 1, 64)
    np.testing.assert_allclose(module.forward(DeviceArray(x, shift=shift)).numbers, np.tanh(x), rtol=1e-15)
    constants = {k.function.__closure__[0].cell_contents for k in module.cuda.kernels}
    assert constants == {2 if shift == 0 else 1}


@pytest.fixture
def products() -> Any:
    """A module of matrix products, and PyTorch in it, on the host: what it does with streams is written down."""
    text = "A: [b, m, n]; B: [b, n, k]; C[i, j, l] = sum(A[i, j, r]*B[i, r, l] for r in n)"
    module = imported(kernel(derive.graph(text), "cuda", dtype="float64").source)
    found, asked = module._Torch(), []
    found.device = "cpu"
    streams = SimpleNamespace(
        stream=lambda s: asked.append(s) or nullcontext(),
        ExternalStream=lambda handle: f"stream {handle}",
        default_stream=lambda: "default",
    )
    found.library = SimpleNamespace(as_tensor=torch.as_tensor, matmul=torch.matmul, cuda=streams)
    vars(module)["_named"] = {"torch": found}.__getitem__
    return SimpleNamespace(module=module, library=found, asked=asked)


def test_matrices_are_multiplied_by_the_library_of_the_arrays(products: Any) -> None:
    """PyTorch's own product, on what a module hands to it: views of any order of the axes."""
    a, b = (torch.randn(2, *s, dtype=torch.float64) for s in ((3, 4), (5, 4)))
    c = torch.empty(2, 5, 3, dtype=torch.float64)
    given = [SimpleNamespace(given=x) for x in (a, b, c)]
    # c_ekr = Σ_m a_erm b_ekm
    products.library.product((given[0], (12, 4, 1)), (given[1], (20, 1, 4)), (given[2], (15, 1, 3)), 2, 3, 4, 5)
    torch.testing.assert_close(c, (a @ b.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (0, "default"),
        (77, "stream 77"),
        (SimpleNamespace(cuda_stream=5), "stream 5"),
        (SimpleNamespace(ptr=6), "stream 6"),
        (SimpleNamespace(__cuda_stream__=lambda: (0, 7)), "stream 7"),
    ],
)
def test_a_stream_becomes_the_current_one_of_the_library(products: Any, stream: Any, name: str) -> None:
    with products.module._on(stream, torch.zeros(1)):
        assert products.asked == [name]


def test_a_tensor_of_a_class_of_its_own_is_one_of_pytorch(products: Any) -> None:
    class Mine(torch.Tensor):
        pass

    assert products.module._library(torch.zeros(2).as_subclass(Mine)) is products.library


def test_kernels_are_launched_on_the_stream_that_is_given() -> None:
    module = simulated(kernel(library.load("mlp"), "cuda", "x,t", dtype="float64").source)
    random = np.random.default_rng(0)
    shapes = ((3, 6), (4, 6), (4,), (3, 4), (3,))
    arrays = [DeviceArray(random.normal(size=s)) for s in shapes]
    module.value(*arrays, DeviceArray(np.array([0, 2, 1])), stream=9)
    assert {s for k in module.cuda.kernels for s in k.streams} == {9}
    module.value(*arrays, DeviceArray(np.array([0, 2, 1])))
    assert {s for k in module.cuda.kernels for s in k.streams} == {9, 0}


@pytest.mark.parametrize(("name", "batched"), [("softmax_cross_entropy_label", "z,t"), ("softmax", "z")])
def test_the_wrapper_for_pytorch_hands_on_gradients(name: str, batched: str) -> None:
    """The class is run with the CPU's functions in place of those that need a device."""
    graph = library.load(name)
    module = imported(kernel(graph, "cuda", batched, dtype="float64", wrap="torch").source)
    host = kernel(graph, "cpu", batched, dtype="float64")
    vars(module).update({function: getattr(host, function) for function in host.programs})
    z = torch.randn(3, 4, dtype=torch.float64).requires_grad_()
    labels = [torch.tensor([0, 2, 1])] if "t" in batched else []
    assert torch.autograd.gradcheck(lambda x: module.Kernel.apply(x, *labels), (z,))
    assert torch.autograd.gradcheck(lambda x: module.Kernel.apply(x.T, *labels[:0], *(t[:3] for t in labels)), (z[:, :3],))
    assert torch.autograd.gradcheck(lambda x: module.Kernel.apply(x[None], *(t[None] for t in labels)), (z,))
    with pytest.raises(RuntimeError, match=r"the gradient of \w+ has no gradient"):
        torch.autograd.grad(module.Kernel.apply(z, *labels).sum(), z, create_graph=True)


USE = """
import numpy as np, sys
try:
    import numba_cuda_mlir.cuda  # which imports torch itself, where that is
except ImportError:
    import numba.cuda
theirs = set(sys.modules)
import loss
try:
    loss.value(np.zeros((2, 3), "float32"), np.zeros(2, int))
except RuntimeError as error:
    print(error)
print([m for m in ("derive", "sympy", "torch", "cupy") if m in sys.modules and m not in theirs])
"""


def test_without_a_device_a_module_is_imported_and_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "loss.py").write_text(kernel(library.load("hinge"), "cuda", "s,t", name="hinge").source, "utf-8")
    found = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""}, capture_output=True, text=True
    )
    assert found.stdout.splitlines() == ["hinge runs on a CUDA device, and none is found here", "[]"], found.stderr


# ---------------------------------------------------------------- the simulator sees what it should


def run_text(text: str) -> None:
    source = kernel(library.load("softmax"), "cuda", "z", dtype="float64").source
    module = simulated(source.replace(*text.split(" => ")))
    vars(module)["ROWS"] = ((64, 16, 96),)
    module.forward(DeviceArray(np.zeros((3, 100))))


@pytest.mark.parametrize(
    ("planted", "error"),
    [
        ("    cuda.syncthreads()\n    if cuda =>     if cuda", Race),
        ("row__*length__ + at__ => row__*length__ + at__ + 1", AssertionError),
        ("if at__ < length__: => if at__ < length__ + 4:", Race),
        ("rows__ = N => rows__ = N + 1", IndexError),
        ("for row__ in range(slot__, => for row__ in range(slot__ + t__ % 3,", RuntimeError),
    ],
)
def test_a_planted_mistake_is_found(planted: str, error: type[Exception]) -> None:
    run_text(" => ")
    with pytest.raises(error):
        run_text(planted)


# ---------------------------------------------------------------- compiled for real devices

F, D, L = "float32", "float64", "int64"

Shapes = Callable[[int, str], tuple[Any, ...]]

COMPILED: dict[str, tuple[str, str, Shapes, tuple[int, ...]]] = {
    "softmax_cross_entropy_label": (
        "z,t",
        "value_and_grad",
        lambda c, k: (((64, c), k), ((64,), L)),
        (33, 1000, 16384, 50257),
    ),  # the last of each kind of row
    "hinge": ("s,t", "value_and_grad", lambda c, k: (((64, c), k), ((64,), L)), (1000,)),
    "layer_norm": ("x", "forward_and_vjp", lambda c, k: (((64, c), k), ((c,), k), ((c,), k), 0.1, ((64, c), k)), (1024, 8192)),
    "batch_norm": ("", "forward_and_vjp", lambda c, k: (((64, c), k), ((c,), k), ((c,), k), 0.1, ((64, c), k)), (256,)),
    "embedding_sequence": ("", "vjp", lambda c, k: (((64, c), k), ((8,), L), ((8, c), k)), (32,)),
    "attention": ("", "vjp", lambda c, k: (((c, 64), k), ((c, 64), k), ((c, 64), k), ((c, 64), k)), (256,)),
    "x: [n]; y = gelu(x)": ("", "forward_and_vjp", lambda c, k: (((c,), k), ((c,), k)), (1024,)),
    "x: [n]; y = tanh(x) + sigmoid(x)": ("", "forward_and_vjp", lambda c, k: (((c,), k), ((c,), k)), (1024,)),
}


on_each_compiler = pytest.mark.parametrize("compiler", [pytest.param(c, marks=pytest.mark.needs(c)) for c in COMPILERS])


def launched(name: str, dtype: str, compiler: str) -> list[tuple[Launch, int]]:
    """The kernels of a definition at its lengths of rows, each once."""
    batched, function, shapes, lengths = COMPILED[name]
    graph = derive.graph(name) if ":" in name else library.load(name)
    source = kernel(graph, "cuda", batched, dtype=dtype, name="kernel").source
    found: dict[Any, tuple[Launch, int]] = {}
    for length in lengths:
        for launch in recorded(source, function, *shapes(length, dtype), compiler=compiler):
            found.setdefault((launch.name, *sorted(launch.constants.items())), (launch, length))
    return list(found.values())


def given(graph: Graph, made: Kernel, function: str) -> list[Any]:
    """Arguments of a function at the smallest sizes, arrays by their shapes."""
    inputs = {i.name: i for i in plain_program(graph, made, function).graph.inputs}
    sizes = size_sets(graph)[0]
    found: list[Any] = []
    for name in signature(getattr(imported(made.source), function)).parameters:
        if name in inputs:
            kind, axes = inputs[name].kind == "label", inputs[name].axes
            shape = tuple(int(a.xreplace(sizes)) for a in axes)
            found.append((shape, L if kind else F) if axes else 0 if kind else 0.5)
        elif name not in ("out", "workspace", "stream"):
            found.append(next(int(n) for s, n in sizes.items() if str(s) == name))
    return found


@pytest.mark.parametrize(
    ("name", "compiler"), [pytest.param(n, c, marks=pytest.mark.needs(c)) for n, c in zip(library.names(), cycle(COMPILERS))]
)
def test_every_definition_of_the_library_compiles(name: str, compiler: str) -> None:
    """The simulator takes what a compiler cannot type.  The compilers take turns; below, each has every shape of a kernel."""
    graph = library.load(name)
    made = kernel(graph, "cuda", name=name)
    function = next(f for f in ("value_and_grad", "forward_and_vjp", "value", "forward") if f in made.programs)
    launches = recorded(made.source, function, *given(graph, made, function), compiler=compiler)
    assert launches or not any(i.axes for i in graph.inputs)
    assert all("local_depot" not in ptx(launch, (9, 0)) for launch in launches if "tiles" not in launch.name)


@on_each_compiler
@pytest.mark.parametrize("name", COMPILED)
def test_kernels_compile_to_ptx_that_keeps_to_its_registers(name: str, compiler: str) -> None:
    """16 bytes at a time where rows lie so; no stack, no spills, and registers for the threads of a block."""
    for capability, dtype in (((9, 0), F), *((((8, 0), F), ((9, 0), D)) if len(COMPILED[name][3]) == 1 else ())):
        for launch, _ in launched(name, dtype, compiler):
            text = ptx(launch, capability)
            assert f".target sm_{capability[0]}{capability[1]}" in text
            assert "local_depot" not in text, launch
            if launch.constants.get("V__", 1) > 1:
                assert re.search(r"ld\.(global\.)?v[24]", text), launch
                assert re.search(r"st\.(global\.)?v[24]", text), launch
            if PTXAS:
                found = assembled(text, capability, launch.bounds)
                assert found.spilled == 0, launch
                assert found.stack == 0, launch
                assert found.registers * launch.bounds <= 65536, launch
