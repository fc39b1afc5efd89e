"""Kernels compute what their definitions and derivations say, at whatever arrays they are given.

The reference is the definition evaluated in 50 digits (`kernel_reference`), and PyTorch at extreme inputs.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

import numpy as np
import pytest

import derive
from cases.kernels import BATCHED, EXTREMES, FLOAT32, FLOAT64, SMALL, TEXTS
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.kernels.cpu import looped
from derive.kernels.cpu.regions import reused_rows
from derive.kernels.kernel import Kernel, kernel
from derive.kernels.target import TARGETS
from derive.language import library
from derive.language.batching import batch
from derive.proof.sizes import size_sets
from oracles.extras import functional, torch
from oracles.kernel_reference import call, drawn, error, errors, expected, plain_program

Array = Any


def worst(graph: Graph, name: str, dtype: str, whole: bool = False) -> float:
    """The largest error of a kernel's functions, or of the one that computes the `whole`: each takes its time to compile."""
    made = kernel(graph, dtype=dtype, name=name)
    floor, functions = SMALL if dtype == "float64" else 1.0, [*made.text.programs][-1:] if whole else []
    points = enumerate(size_sets(graph)[:2])
    return max(e for seed, sizes in points for _, _, e in errors(graph, made, sizes, seed, dtype, floor, functions))


@pytest.mark.parametrize("name", library.names())
def test_every_definition_of_the_library_agrees_with_50_digits(name: str) -> None:
    assert worst(library.load(name), name, "float64", whole=True) <= FLOAT64


@pytest.mark.parametrize("name", library.names())
def test_every_definition_of_the_library_keeps_its_digits_in_float32(name: str) -> None:
    assert worst(library.load(name), name, "float32") <= FLOAT32


@pytest.mark.parametrize("name", BATCHED)
def test_batches_agree_with_50_digits(name: str) -> None:
    graph = batch(library.load(name), BATCHED[name].split(",")).graph
    assert worst(graph, f"{name}_batch", "float64") <= FLOAT64


@pytest.mark.parametrize("text", TEXTS)
def test_definitions_typed_in_agree_with_50_digits(text: str) -> None:
    assert worst(derive.graph(text), "typed", "float64") <= FLOAT64


ROWS = [
    # what a row passes on is read twice where it is read last, at another place, after the row that is made of it
    ("x: [n]; e = exp(x - max(x)); y[i] = e[i]/sum(e)*log(1 + e[i])", True),
    ("x: [n]; e = exp(x); y[i] = e[i]*e[n - 1 - i] + sum(e)", False),
    ("x: [n]; e = exp(x); y[i] = tanh(e[i]/sum(e))", True),
    ("x: [n]; y: [n]; e = exp(x); s = sum(e*y); u[i] = e[i]*s; v[i] = u[i]**2/(s + u[i]) + e[i]", True),
    ("x: [n]; e = exp(tanh(x)); s = sum(e); m = max(e); y[i] = (e[i] - m)**3/s + where(e[i] > s/n, e[i]*s, 0)", True),
]


MIRRORED = [
    # what is scattered to where the largest was found depends on that place
    "x: [n]; c: [n]; e[i] = c[i]*x[n - 1 - i]; L = max(e[i] for i in n)",
    "W: [m, n]; x: [n]; c[i] = sum(tanh(W[j, i]) for j in m); e[i] = c[i]*(x[i]*x[n - 1 - i] + x[i]); L = max(e[i] for i in n)",
]


@pytest.mark.parametrize("text", MIRRORED)
def test_the_slope_of_a_largest_product_is_taken_where_it_was_found(text: str) -> None:
    assert worst(batch(derive.graph(text), ["x"]).graph, "mirrored", "float64") <= FLOAT64


@pytest.mark.parametrize(("text", "reuse"), ROWS)
def test_rows_that_reuse_others_agree_with_50_digits(text: str, reuse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, str]] = []
    monkeypatch.setattr(looped, "reused_rows", lambda *given: found.append(reused_rows(*given)) or found[-1])
    assert worst(batch(derive.graph(text), ["x"]).graph, "rows", "float64") <= FLOAT64
    assert any(found) == reuse


GATED: dict[str, Any] = {
    "gelu_tanh(x[i])": lambda x: functional.gelu(x, approximate="tanh"),
    "x[i]*sigmoid(1.6*x[i] + 0.07*x[i]**3)": lambda x: x * torch.sigmoid(1.6 * x + 0.07 * x**3),
    "x[i]/2*(1 + tanh(x[i] + x[i]**3))": lambda x: x / 2 * (1 + torch.tanh(x + x**3)),
    "mish(x[i])": lambda x: functional.mish(x),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("text", GATED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_of_gated_functions_do_not_cancel_where_the_gate_is_open(text: str, dtype: str) -> None:
    made = derive.graph(f"x: [n]; y[i] = {text}").kernel(dtype=dtype)
    x = np.array([-1e8, -1e3, -100, -8, -1, 0, 1, 8, 100, 1e3, 1e4, 1e8], dtype)
    leaf = torch.tensor(x.astype("float64"), requires_grad=True)
    GATED[text](leaf).sum().backward()
    np.testing.assert_allclose(
        made.vjp(x, np.ones_like(x))[0], leaf.grad.numpy(), atol=FLOAT64 if dtype == "float64" else FLOAT32
    )


def test_an_argument_may_be_called_like_a_function_of_the_module() -> None:
    made = derive.graph("query: [n, d]; value: [n, d]; L = sum(query*value)").kernel(dtype="float64")
    q, v = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    assert made.value(q, v) == 15
    np.testing.assert_array_equal(made.value_and_grad(q, v)[1][1], q)


# ---------------------------------------------------------------- what may be given


@pytest.fixture(scope="module")
def loss() -> Kernel:
    return derive.graph("softmax_cross_entropy_label").kernel(batch=("z", "t"), dtype="float64")


@pytest.fixture(scope="module")
def norm() -> Kernel:
    return derive.graph("layer_norm").kernel(batch=("x",), dtype="float64")


def logits(n: int = 5, c: int = 4) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    return random.normal(size=(n, c)), random.integers(0, c, n)


@pytest.mark.needs("torch")
def test_many_rows_are_shared_among_threads_with_the_same_result(loss: Kernel) -> None:
    z, t = logits(4001, 37)
    rows = [loss.value_and_grad(z[k : k + 1], t[k : k + 1]) for k in range(0, len(t), 500)]
    value, (grad,) = loss.value_and_grad(z, t)
    assert len(t) * z.shape[1] * 16 > 150_000
    for k, (_, (row,)) in zip(range(0, len(t), 500), rows, strict=True):
        np.testing.assert_allclose(grad[k] * len(t), row[0], rtol=1e-13, atol=1e-15)
    leaf = torch.tensor(z, requires_grad=True)
    theirs = functional.cross_entropy(leaf, torch.tensor(t))
    theirs.backward()
    assert value == pytest.approx(theirs.item(), rel=1e-13)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), rtol=1e-11, atol=1e-17)


@pytest.mark.parametrize("n", [5, 1000, (1 << 20) + 13])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("one", "other"), [(0, 0), (1, 1), (3, 6), (7, 0)])
def test_outputs_are_written_whole_and_nothing_beside_them(one: int, other: int, threads: int, n: int) -> None:
    made = derive.graph("x: [n]; y = tanh(x)").kernel(dtype="float64")  # the largest are written past the cache
    x, room = np.random.default_rng(0).normal(size=n), np.full((2, n + 20), 7.0)
    out = (room[0, 2 + one : 2 + one + n], (room[1, 2 + other : 2 + other + n],))
    before, made.loaded.THREADS_FROM = made.loaded.THREADS_FROM, 0 if threads == 2 else 1 << 60
    try:
        made.forward_and_vjp(x, np.ones_like(x), out=out)
    finally:
        made.loaded.THREADS_FROM = before
    np.testing.assert_allclose(out[0], np.tanh(x), rtol=1e-15)
    np.testing.assert_allclose(out[1][0], 1 - np.tanh(x) ** 2, rtol=1e-12, atol=1e-16)
    assert (room == 7).sum() == 40


def test_large_rows_are_written_past_the_cache_whole() -> None:
    made, rows, classes = derive.graph("hinge").kernel(batch=("s", "t")), 2101, 1003
    s = np.random.default_rng(0).normal(size=(rows, classes)).astype(np.float32)
    t = np.arange(rows) % classes
    assert "stream(grad_s[" in made.source
    value, (grad,) = made.value_and_grad(s, t)
    margins = np.maximum(0, s - s[np.arange(rows), t][:, None] + 1)
    margins[np.arange(rows), t] = 0
    expected = (margins > 0) / np.float32(rows)
    expected[np.arange(rows), t] = -expected.sum(1)
    assert value == pytest.approx(margins.sum(dtype=float) / rows, rel=1e-5)
    np.testing.assert_allclose(grad, expected, rtol=1e-5)


def test_arrays_that_are_not_contiguous_give_the_same(loss: Kernel) -> None:
    z, t = logits(6, 8)
    expected = loss.value_and_grad(z[::2, 1::2].copy(), t[::2].copy() % 4)
    found = loss.value_and_grad(z[::2, 1::2], (t % 4)[::2])
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1][0], expected[1][0])
    np.testing.assert_array_equal(loss.value_and_grad(np.asfortranarray(z), t)[1][0], loss.value_and_grad(z, t)[1][0])


def test_arrays_that_may_not_be_written_to_are_read(loss: Kernel) -> None:
    z, t = logits()
    expected = loss.value(z, t)
    z.flags.writeable = False
    assert loss.value(z, t) == expected


def test_labels_may_be_of_any_whole_type(loss: Kernel) -> None:
    z, t = logits()
    assert {loss.value(z, t.astype(kind)) for kind in ("int8", "uint8", "int32", "uint64")} == {loss.value(z, t)}


def test_results_are_written_where_they_are_wanted(norm: Kernel) -> None:
    x, g = logits()[0], logits(5, 4)[0][::-1].copy()
    gamma, beta = np.ones(4), np.zeros(4)
    y, (dx, dgamma, dbeta, depsilon) = norm.forward_and_vjp(x, gamma, beta, 0.1, g)
    out = (np.full((5, 4), np.nan), (np.full((5, 4), np.nan), np.full(4, np.nan), np.full(4, np.nan), None))
    again = norm.forward_and_vjp(x, gamma, beta, 0.1, g, out=out)
    assert again[0] is out[0]
    assert again[1][0] is out[1][0]
    assert again[1][3] == depsilon
    for a, b in zip((y, dx, dgamma, dbeta), (out[0], *out[1][:3]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_workspace_keeps_its_memory_and_follows_the_shapes() -> None:
    made = derive.graph("mlp").kernel(batch=("x", "t"), dtype="float64")
    space = made.Workspace()
    for n in (3, 5, 5, 3):
        arrays = shapes(n)
        ours, theirs = made.value_and_grad(*arrays, workspace=space), made.value_and_grad(*arrays)
        assert ours[0] == theirs[0]
        for a, b in zip(ours[1], theirs[1], strict=True):
            np.testing.assert_array_equal(a, b)


def shapes(n: int) -> tuple[Array, ...]:
    random = np.random.default_rng(n)
    return (*(random.normal(size=s) for s in ((n, 6), (4, 6), (4,), (3, 4), (3,))), random.integers(0, 3, n))


def test_an_array_with_a_type_equal_to_that_wanted_is_written_to(norm: Kernel) -> None:
    x, one = logits()[0], np.ones(4)
    out = np.zeros((5, 4)).view(np.dtype("float64", metadata={"from": "elsewhere"}))
    assert norm.forward(x, one, one, 0.1, out=out) is out
    np.testing.assert_array_equal(out, norm.forward(x, one, one, 0.1))


def test_what_is_no_workspace_is_named() -> None:
    made = derive.graph("mlp").kernel(batch=("x", "t"), dtype="float64")
    with pytest.raises(TypeError, match="workspace is a Workspace of this module, and int is given"):
        made.value(*shapes(3), workspace=3)


def test_an_update_may_be_made_in_place() -> None:
    made = derive.graph("w: [n]; g: [n]; eta: real; v = w - eta*g").kernel(dtype="float64")
    w, g = np.arange(100.0), np.ones(100)
    made.forward(w, g, 0.5, out=w)
    np.testing.assert_array_equal(w, np.arange(100.0) - 0.5)


# ---------------------------------------------------------------- what may not


def bad_calls() -> list[tuple[str, dict[str, Any], type[Exception], str]]:
    z, t = logits()
    return [
        ("a type", {"z": z.astype("float32")}, TypeError, "z is an array of float64, and float32 is given"),
        ("labels that are no integers", {"t": t * 1.0}, TypeError, "t is an array of int64, and float64 is given"),
        ("too few axes", {"z": z[0]}, ValueError, "z has 2 axes"),
        ("a length", {"t": t[:-1]}, ValueError, "t has the shape (N,) = (5,), and (4,) is given"),
        ("a label too large", {"t": t * 0 + 4}, ValueError, "t holds labels 0 to 3, and 4 to 4 are given"),
        ("a negative label", {"t": t - 9}, ValueError, "t holds labels 0 to 3"),
        ("an output's type", {"out": (np.empty((5, 4), "float32"),)}, TypeError, "out[0] is an array of float64, and float32"),
        ("an output's shape", {"out": (np.empty((4, 4)),)}, ValueError, "out[0] has the shape (5, 4), and (4, 4) is given"),
        ("an output's strides", {"out": (np.empty((5, 8))[:, ::2],)}, ValueError, "out[0] must be contiguous"),
        ("a list as output", {"out": ([1.0],)}, TypeError, "out[0] is an array of float64, and list is given"),
        ("too many outputs", {"out": (np.empty((5, 4)),) * 2}, TypeError, "out has the form of the result"),
        ("an output that is the input", {"out": (z,), "z": z}, ValueError, "shares memory with z"),
        ("an output that overlaps the input", {"out": (big := np.zeros((6, 4)))[:5], "z": big[1:]}, ValueError, "form"),
    ]


@pytest.mark.parametrize(("changed", "kind", "message"), [c[1:] for c in bad_calls()][:-1], ids=[c[0] for c in bad_calls()][:-1])
def test_a_bad_argument_is_named_and_nothing_is_written(
    loss: Kernel, changed: dict[str, Any], kind: type[Exception], message: str
) -> None:
    z, t = logits()
    out = np.full((5, 4), 7.0)
    given = {"z": z, "t": t, "out": (out,), **changed}
    with pytest.raises(kind) as raised:
        loss.value_and_grad(**given)
    assert message in str(raised.value)
    assert (out == 7.0).all()


def test_an_output_that_overlaps_an_input_is_refused(loss: Kernel) -> None:
    big = np.zeros((6, 4))
    with pytest.raises(ValueError, match="shares memory with z"):
        loss.value_and_grad(big[1:], np.zeros(5, int), out=(big[:5],))


def test_outputs_that_overlap_one_another_are_refused(norm: Kernel) -> None:
    x, one = np.ones((5, 4)), np.ones(4)
    y, pair = np.full((5, 4), 7.0), np.empty(7)
    with pytest.raises(ValueError, match="array for y shares memory with grad_x"):
        norm.forward_and_vjp(x, one, one, 0.1, x, out=(y, (y, np.empty(4), np.empty(4), None)))
    with pytest.raises(ValueError, match="array for grad_gamma shares memory with grad_beta"):
        norm.forward_and_vjp(x, one, one, 0.1, x, out=(y, (np.empty((5, 4)), pair[:4], pair[3:], None)))
    assert (y == 7).all()


def test_an_update_in_place_is_made_of_the_whole_array_only() -> None:
    made = derive.graph("w: [n]; g: [n]; eta: real; v = w - eta*g").kernel(dtype="float64")
    w, g = np.arange(100_001.0), np.ones(100_001)
    assert made.forward(w, g, 2, out=w) is w
    np.testing.assert_array_equal(w, np.arange(100_001.0) - 2)
    with pytest.raises(ValueError, match="array for v shares memory with w"):
        made.forward(w[1:], g[1:], 2, out=w[:-1])
    np.testing.assert_array_equal(w, np.arange(100_001.0) - 2)
    empty = np.empty(0)
    assert made.forward(empty, empty, 2, out=empty) is empty


def test_nothing_is_written_before_a_matrix_product_if_what_is_given_is_bad() -> None:
    made = derive.graph("W: [m, n]; X: [N, n]; t: label[N, m]; Y[k, i] = sum(W[i, j]*X[k, j] for j in n)*W[t[k], 0]").kernel(
        wrt=("X",), dtype="float64"
    )
    w, x, y = np.ones((2, 3)), np.ones((4, 3)), np.full((4, 2), 7.0)
    with pytest.raises(ValueError, match="t holds"):
        made.forward(w, x, np.array([0, 1, 2, 0]), out=y)
    with pytest.raises(ValueError, match="array for Y shares memory with W"):
        made.forward(y[:2, :].reshape(-1)[:3].reshape(1, 3), x, np.zeros(4, int), out=y.reshape(-1)[:4].reshape(4, 1))
    assert (y == 7).all()


def test_each_of_two_labels_is_named() -> None:
    made = derive.graph("A: [n, n]; s: label[n]; t: label[n]; y = A[s, t]**2").kernel(batch=("s", "t"))
    good, bad = np.array([0, 1]), np.array([0, 3])
    for given, name in (((bad, good), "s"), ((good, bad), "t")):
        with pytest.raises(ValueError, match=f"^{name} "):
            made.value(np.ones((3, 3), np.float32), *given)


def test_a_constant_is_a_kernel_without_arguments() -> None:
    assert derive.graph("y = 3").kernel().value() == 3
    assert derive.graph("x: [n]; L = sum(x[i] - x[i] for i in n)").kernel().value(np.ones(3, np.float32)) == 0
    zeros = derive.graph("x: [n]; y[i] = x[i] - x[i]").kernel(dtype="float64").forward(np.ones(3))
    assert zeros.dtype == np.float64
    assert not zeros.any()


@pytest.mark.parametrize("text", ["x: [n]; L = x[0]**2", "x: [n]; L = x[n - 1]**2", "x: [n]; k = argmax(x); L = x[k]**2"])
def test_no_entry_is_read_of_an_empty_axis(text: str) -> None:
    with pytest.raises(ValueError, match=r"^n is 0"):
        derive.graph(text).kernel().value_and_grad(np.empty(0, np.float32))


def test_what_no_threads_can_share_is_compiled_for_one() -> None:
    source = derive.graph("x: [n]; y = argmax(x)").kernel().source
    assert "_value_serial(" in source
    assert "_value_parallel(" not in source


@pytest.mark.parametrize("epsilon", ["0.1x", None, [1, 2]])
def test_what_is_no_number_is_named(norm: Kernel, epsilon: Any) -> None:
    with pytest.raises(TypeError, match="epsilon is a number"):
        norm.forward(np.ones((2, 3)), np.ones(3), np.ones(3), epsilon)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("softmax", {"dtype": "float8"}, "no kernels of float8"),
        ("softmax", {"target": "tpu"}, "no target tpu"),
        ("softmax", {"wrt": ("q",)}, "no input q"),
        ("hinge", {"wrt": ("t",)}, "t is a label"),
        ("softmax", {"batch": ("q",)}, "no input q"),
        ("hinge", {"batch": ("s", "t"), "reduction": "sum"}, "no reduction sum"),
        ("hinge", {"reduction": "none"}, "no reduction without examples"),
        ("out: [n]; y = 2*out", {}, "no argument called out"),
        ("softmax", {"wrap": "tensorflow"}, "no wrapper for tensorflow"),
    ],
)
def test_bad_options_are_refused_with_one_message(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeriveError) as raised:
        derive.graph(source).kernel(**options)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("size", "kind"), [(0, ValueError), (-1, ValueError), (2**31, ValueError), (2.0, TypeError), (None, TypeError)]
)
def test_a_size_that_no_array_tells_is_a_whole_number_from_1(size: Any, kind: type[Exception]) -> None:
    made = derive.graph("max_pool1d").kernel(dtype="float64")
    np.testing.assert_array_equal(made.forward(np.arange(9.0), 3, 2), [2, 4, 6, 8])
    for sizes, name in (((size, 2), "K"), ((3, size), "s")):
        with pytest.raises(kind, match=f"{name} is a"):
            made.forward(np.arange(9.0), *sizes)


def test_what_makes_no_array_is_named(loss: Kernel) -> None:
    with pytest.raises(TypeError, match="z is an array of float64"):
        loss.value([[1.0, 2.0], [3.0]], np.zeros(2, int))


def test_a_masked_array_is_refused_whatever_it_stands_for(loss: Kernel, norm: Kernel) -> None:
    z, t, x = np.ma.masked_invalid([[1.0, np.nan], [2.0, 3.0]]), np.ma.masked_less([1, 0], 1), np.zeros((2, 2))
    with pytest.raises(TypeError, match="z is a masked array"):
        loss.value_and_grad(z, np.zeros(2, int))
    with pytest.raises(TypeError, match="t is a masked array"):
        loss.value(np.zeros((2, 2)), t)
    for number in (np.ma.masked, np.ma.array(0.1, mask=True)):
        with pytest.raises(TypeError, match="epsilon is a masked array"):
            norm.forward(x, x[0], x[0], number)


@pytest.mark.needs("torch")
def test_a_tensor_that_requires_a_gradient_makes_no_array(loss: Kernel) -> None:
    with pytest.raises(TypeError, match="z is an array of float64"):
        loss.value(torch.zeros(2, 3, dtype=torch.float64, requires_grad=True), np.zeros(2, int))


# ---------------------------------------------------------------- extreme inputs, beside PyTorch


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", EXTREMES, ids=str)
def test_cross_entropy_at_extreme_logits_is_that_of_pytorch(row: list[float], dtype: str) -> None:
    made = derive.graph("softmax_cross_entropy_label").kernel(batch=("z", "t"), dtype=dtype)
    z, t = np.array([row, [0.5, 1.0, -1.0]], dtype), np.array([0, 2])
    leaf = torch.tensor(z, requires_grad=True)
    theirs = functional.cross_entropy(leaf, torch.tensor(t))
    theirs.backward()
    value, (grad,) = made.value_and_grad(z, t)
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-15}
    np.testing.assert_allclose(value, theirs.item(), **tolerance)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), **tolerance)


ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu", "silu", "softplus", "mish")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_extreme_inputs_are_those_of_pytorch(name: str, dtype: str) -> None:
    made = derive.graph(f"x: [n]; y = {name}(x)").kernel(dtype=dtype)
    x = np.array([0.0, 1e4, -1e4, 1e30, -1e30, 1e-30, -1e-30, 88.8, -103.9, 20.1, -20.1, 710.0, -745.0], dtype)
    leaf = torch.tensor(x, requires_grad=True)
    theirs = getattr(functional, name)(leaf)
    theirs.backward(torch.ones_like(leaf))
    y, (grad,) = made.forward_and_vjp(x, np.ones_like(x))
    tolerance = {"rtol": 2e-5, "atol": 1e-7} if dtype == "float32" else {"rtol": 1e-8, "atol": 1e-15}  # softplus beyond 20
    np.testing.assert_allclose(y, theirs.detach().numpy(), **tolerance)
    np.testing.assert_allclose(grad, leaf.grad.numpy(), **tolerance)
    assert np.isnan(made.forward(np.array([np.nan], dtype))).all()


@pytest.mark.parametrize(("n", "c"), [(1, 1), (1, 5), (5, 1), (2, 17), (3, 33)])
@pytest.mark.needs("torch")
def test_one_row_and_one_class(loss: Kernel, n: int, c: int) -> None:
    z, t = logits(n, c)
    leaf = torch.tensor(z, requires_grad=True)
    functional.cross_entropy(leaf, torch.tensor(t)).backward()
    np.testing.assert_allclose(loss.value_and_grad(z, t)[1][0], leaf.grad.numpy(), rtol=1e-12, atol=1e-16)


def test_an_empty_batch_has_no_mean_as_in_pytorch(loss: Kernel, norm: Kernel) -> None:
    value, (grad,) = loss.value_and_grad(np.empty((0, 4)), np.empty(0, int))
    assert np.isnan(value)
    assert grad.shape == (0, 4)
    y, (dx, dgamma, dbeta, _) = norm.forward_and_vjp(np.empty((0, 4)), np.ones(4), np.ones(4), 0.1, np.empty((0, 4)))
    assert y.shape == dx.shape == (0, 4)
    assert not dgamma.any()
    assert not dbeta.any()


# ---------------------------------------------------------------- the text of a module


def test_the_module_opens_with_its_mathematics_and_fingerprint(loss: Kernel) -> None:
    document = ast.get_docstring(ast.parse(loss.source)) or ""
    assert "∂J/∂z_ni = (p_ni − δ_{i,t_n}) / N" in document
    assert "sha256:" in document
    assert loss.source.startswith("# Made by derive. Edit the source, not this file.\n")
    assert loss.source.count("Made by derive") == 1


def test_the_module_imports_numpy_and_numba_alone(loss: Kernel) -> None:
    tree = ast.parse(loss.source)
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert {m.split(".")[0] for m in modules if m} - sys.stdlib_module_names == {"llvmlite", "numba", "numpy"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_module_imports_nothing_that_it_does_not_use(target: str) -> None:
    for source in ("hinge", "softmax_cross_entropy_batch", "mlp", "x: [n]; y = x**2"):
        tree = ast.parse(derive.graph(source).kernel(target, wrap="torch").source)
        imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {a.asname or a.name for n in imports if getattr(n, "module", "") != "__future__" for a in n.names}
        assert names == names & {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}, source


def test_the_same_definition_gives_the_same_text() -> None:
    first, second = (derive.graph("s: [C]; t: label[C]; L = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)") for _ in "ab")
    assert first.kernel().source == second.kernel().source


def test_every_function_says_what_it_takes(loss: Kernel) -> None:
    document = loss.value_and_grad.__doc__
    for line in ("z: float64 of shape (N, C)", "t: labels 0 … C - 1, int64 of shape (N,)", "grad_z (N, C)"):
        assert line in document


def test_a_planted_mistake_is_found_by_the_reference() -> None:
    graph, wrong = library.load("mse"), derive.graph("yhat: [n]; y: [n]; L = mean((yhat - y)**2)*1.0000000001")
    sizes = size_sets(graph)[0]
    made = kernel(wrong, dtype="float64", name="planted")
    arrays, point = drawn(plain_program(graph, made, "value").graph, sizes, 0, "float64")
    exact = expected(graph, made, "value", point)["L"]
    assert error(call(made, "value", arrays, sizes)["L"], exact, SMALL) > FLOAT64


def test_a_sum_of_exponentials_that_may_have_no_terms_has_a_kernel() -> None:
    """The largest of no exponents is no shift."""
    graph = derive.graph("x: [n]; L = sum(log(sum(exp(x[i]*x[j]) for j in n if j < i)) for i in n if i > 0)")
    x = [0.5, -1, 2, 0.25]
    value, gradient = graph.kernel(dtype="float64").loaded.value_and_grad(np.array(x))
    run = graph.at(x=x)
    assert value == pytest.approx(run["L"], rel=1e-12)
    np.testing.assert_allclose(gradient[0], run.grad["x"], rtol=1e-12)
