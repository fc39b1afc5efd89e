"""What PyTorch differentiates: right among its own operations, once and not twice, in its types, over any leading axes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

import derive
from derive.kernels.text.wrapped import rows_axis
from derive.language import library
from derive.language.batching import batch
from oracles.extras import functional, torch

pytestmark = pytest.mark.needs("torch")

Tensor = Any


@cache
def wrapped(source: str, *batch: str, dtype: str = "float64", wrt: tuple[str, ...] = (), reduction: str = "mean") -> Any:
    """The module of a wrapped kernel; `Kernel.apply` is what PyTorch differentiates."""
    made = derive.graph(source).kernel(batch=batch, dtype=dtype, wrt=wrt, reduction=reduction, wrap="torch")
    return made.loaded


def double(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()


def cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    return wrapped("softmax_cross_entropy_label", "z", "t").Kernel.apply(z, t)


def gelu(x: Tensor) -> Tensor:
    return wrapped("x: [n]; y = gelu(x)").Kernel.apply(x)


def by_example(z: Tensor, t: Tensor) -> Tensor:
    return wrapped("softmax_cross_entropy_label", "z", "t", reduction="none").Kernel.apply(z, t)


LABELS = (0, 2, 1)
USES: dict[str, Callable[[Tensor], Tensor]] = {
    "a loss": lambda z: cross_entropy(z, torch.tensor(LABELS)),
    "a multiple of a loss": lambda z: 3 * cross_entropy(2 * z, torch.tensor(LABELS)),
    "a tensor added up": lambda z: gelu(z).sum(),
    "a tensor among others": lambda z: (gelu(z) * z).mean(),
    "a loss for each example": lambda z: by_example(z, torch.tensor(LABELS)).sum(),
    "two kernels": lambda z: cross_entropy(gelu(z), torch.tensor(LABELS)),
}
"""How a wrapped kernel may stand in a scalar of z (3, 4)."""


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_gradcheck_takes_every_use(use: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(use, (double(3, 4),))


def test_gradcheck_takes_a_wrapped_layer_with_a_number() -> None:
    apply = wrapped("layer_norm", "x", wrt=("x", "gamma", "beta", "epsilon")).Kernel.apply
    epsilon = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(apply, (double(3, 4), double(4), double(4), epsilon))
    assert torch.autograd.gradcheck(lambda *a: apply(*a, 0.1), (double(3, 4), double(4), double(4)))


def test_gradcheck_takes_a_wrapped_convolution_with_its_sizes() -> None:
    apply = wrapped("conv1d_layer").Kernel.apply
    assert torch.autograd.gradcheck(lambda *a: apply(*a, 5, 1, 2), (double(2, 10), double(3, 2, 3), double(3)))


def test_a_wrapped_layer_sees_that_its_input_was_changed() -> None:
    h = double(4) * 1
    y = gelu(h)
    h.mul_(10)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_graph_that_is_kept_gives_its_gradient_again_and_one_that_is_not_none() -> None:
    z, t = double(3, 4), torch.tensor(LABELS)
    loss = cross_entropy(z, t)
    (expected,) = torch.autograd.grad(functional.cross_entropy(z, t), z)
    for scale in (2, 3, 1):
        torch.testing.assert_close(torch.autograd.grad(scale * loss, z, retain_graph=True)[0], scale * expected)
    torch.autograd.grad(loss, z)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(loss, z)


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpoint_gives_the_same_gradient(reentrant: bool) -> None:
    for use in USES.values():
        z, again = double(3, 4), double(3, 4)
        use(z).backward()
        torch.utils.checkpoint.checkpoint(use, again, use_reentrant=reentrant).backward()
        torch.testing.assert_close(again.grad, z.grad)


def test_a_wrapped_kernel_trains_among_layers_of_pytorch() -> None:
    apply = wrapped("mse", wrt=("yhat",)).Kernel.apply
    layer = torch.nn.Linear(3, 1, dtype=torch.float64)
    x, y = double(20, 3).detach(), double(20).detach()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = apply(layer(x)[:, 0], y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


# ---------------------------------------------------------------- once, and not twice

TWICE = r"the gradient of \w+ has no gradient"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_whoever_asks_for_the_graph_of_a_gradient_is_refused(use: Callable[[Tensor], Tensor]) -> None:
    z, weight = double(3, 4), double(4, 4)
    for ask in (
        lambda: torch.autograd.grad(use(z), z, create_graph=True),
        lambda: torch.autograd.grad(use(z @ weight), z, create_graph=True)[0].square().sum().backward(),
        lambda: use(z).backward(create_graph=True),
        lambda: torch.autograd.functional.hessian(use, z),
        lambda: torch.autograd.gradgradcheck(use, (z,)),
        lambda: torch.autograd.grad(torch.utils.checkpoint.checkpoint(use, z, use_reentrant=False), z, create_graph=True),
    ):
        with pytest.raises(RuntimeError, match=TWICE):
            ask()


def test_a_penalty_beside_a_kernel_is_none_of_its_business() -> None:
    z, t = double(3, 4), torch.tensor(LABELS)
    (slope,) = torch.autograd.grad((z**3).sum(), z, create_graph=True)
    (ours,) = torch.autograd.grad(cross_entropy(z, t) + slope.square().sum(), z)
    (slope,) = torch.autograd.grad((z**3).sum(), z, create_graph=True)
    (theirs,) = torch.autograd.grad(functional.cross_entropy(z, t) + slope.square().sum(), z)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_other_ways_to_differentiate_are_refused(use: Callable[[Tensor], Tensor]) -> None:
    x = double(3, 4).detach()
    for ask in (
        lambda: torch.func.grad(use)(x),
        lambda: torch.func.vmap(use)(torch.stack([x, x])),
        lambda: torch.func.jvp(use, (x,), (x,)),
        lambda: torch.func.hessian(use)(x),
    ):
        with pytest.raises(RuntimeError, match="setup_context"):
            ask()
    with torch.autograd.forward_ad.dual_level(), pytest.raises(NotImplementedError, match="jvp"):
        use(torch.autograd.forward_ad.make_dual(x, x))


# ---------------------------------------------------------------- what is needed


def counted(module: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions of a module that are called from now on."""
    called: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        function = getattr(module, name)
        return lambda *given: (called.append(name), function(*given))[1]

    for name in ("value", "value_and_grad", "forward", "vjp"):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, counting(name))
    return called


def test_without_gradients_none_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, layer = wrapped("softmax_cross_entropy_label", "z", "t"), wrapped("layer_norm", "x")
    called = [counted(loss, monkeypatch), counted(layer, monkeypatch)]
    z, t = double(3, 4), torch.tensor(LABELS)
    with torch.no_grad():
        assert not loss.Kernel.apply(z, t).requires_grad
        assert not layer.Kernel.apply(z, z[0], z[1], 0.1).requires_grad
    assert not loss.Kernel.apply(z.detach(), t).requires_grad
    assert called == [["value", "value"], ["forward"]]


def test_what_is_frozen_has_no_gradient() -> None:
    apply, x, gamma, beta = wrapped("layer_norm", "x").Kernel.apply, double(3, 4).detach(), double(4), double(4).detach()
    apply(x, gamma, beta, 0.1).sum().backward()
    assert gamma.grad is not None
    assert x.grad is beta.grad is None


def test_constants_have_no_gradient_unless_it_is_asked_for() -> None:
    made = [derive.graph("mse").kernel(wrap=wrap).wrt for wrap in ("torch", "")]
    assert made == [("yhat",), ("yhat", "y")]
    assert derive.graph("mse").kernel(wrt="y", wrap="torch").wrt == ("y",)
    assert derive.graph("x: constant[n]; L = sum(x**2)").kernel(wrap="torch").wrt == ("x",)


def test_what_the_kernel_gives_no_gradient_by_does_not_make_its_result_differentiable() -> None:
    apply = wrapped("mse", wrt=("yhat",)).Kernel.apply
    assert not apply(double(3).detach(), double(3)).requires_grad
    assert apply(double(3), double(3)).requires_grad


def test_a_gradient_is_given_as_it_is_and_scaled_where_it_lies() -> None:
    module = wrapped("softmax_cross_entropy_label", "z", "t")
    given: list[Any] = []
    inside = module.value_and_grad
    module.value_and_grad = lambda *a: (given.append(inside(*a)), given[-1])[1]
    try:
        for scale in (1, 3):
            z = double(3, 4)
            (scale * cross_entropy(z, torch.tensor(LABELS))).backward()
            assert np.shares_memory(given[-1][1][0], z.grad.numpy())
    finally:
        module.value_and_grad = inside


# ---------------------------------------------------------------- types


def test_autocast_brings_numbers_to_the_kernel() -> None:
    apply = wrapped("softmax_cross_entropy_label", "z", "t", dtype="float32").Kernel.apply
    layer, x, t = torch.nn.Linear(4, 4), torch.randn(3, 4), torch.tensor(LABELS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = layer(x)
        loss = apply(z, t)
    assert (z.dtype, loss.dtype) == (torch.bfloat16, torch.float32)
    loss.backward()
    ours = layer.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        functional.cross_entropy(layer(x), t).backward()
    torch.testing.assert_close(ours, layer.weight.grad, rtol=0.02, atol=0.01)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda z, t: (z.bfloat16(), t),
            TypeError,
            r"z is .* torch.bfloat16 is given: give z.to\(torch.float64\), or .*autocast",
        ),
        (lambda z, t: (z.half(), t), TypeError, "z is .*torch.float16 is given"),
        (lambda z, t: (z.float(), t), TypeError, r"z is .*torch.float32 is given: give z.to\(torch.float64\)"),
        (lambda z, t: (z.to(torch.complex64), t), TypeError, "z is .*torch.complex64 is given"),
        (lambda z, t: (z.to_sparse(), t), TypeError, "z cannot be given to a kernel on the CPU"),
        (lambda z, t: (z.to("meta"), t), TypeError, "z cannot be given to a kernel on the CPU"),
        (lambda z, t: (z, t.bfloat16()), TypeError, "t cannot be given"),
        (lambda z, t: (z, t.float()), TypeError, "t is an array of int64, and float32 is given"),
        (lambda z, t: (z[0], t), ValueError, r"z has 2 axes, and an array of shape \(4,\) is given"),
        (lambda z, t: (z,), TypeError, "takes z, t, and 1 arguments are given"),
    ],
)
def test_what_does_not_fit_is_named(change: Any, error: type[Exception], message: str) -> None:
    apply = wrapped("softmax_cross_entropy_label", "z", "t").Kernel.apply
    with pytest.raises(error, match=message):
        apply(*change(double(3, 4), torch.tensor(LABELS)))


# ---------------------------------------------------------------- leading axes


def test_examples_may_lie_along_several_axes() -> None:
    z, t = double(2, 3, 4), torch.tensor([LABELS, LABELS])
    assert torch.autograd.gradcheck(lambda z: cross_entropy(z, t), (z,))
    torch.testing.assert_close(cross_entropy(z, t), functional.cross_entropy(z.flatten(0, 1), t.flatten()))
    rows = by_example(z, t)
    torch.testing.assert_close(rows, functional.cross_entropy(z.movedim(-1, 1), t, reduction="none"))
    x = double(2, 3, 2, 4)
    layer = wrapped("layer_norm", "x").Kernel.apply
    assert torch.autograd.gradcheck(lambda x: layer(x.transpose(1, 2), *double(2, 4), 0.1), (x,))
    torch.testing.assert_close(gelu(x), functional.gelu(x))
    assert gelu(x[:, :0]).shape == (2, 0, 2, 4)


def test_contiguous_examples_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    module, seen = wrapped("softmax_cross_entropy_label", "z", "t"), []
    monkeypatch.setattr(module, "value", lambda z, t: seen.append(z) or 0.0)
    z = double(2, 3, 4).detach()
    module.Kernel.apply(z, torch.tensor([LABELS, LABELS]))
    assert np.shares_memory(seen[0], z.numpy())


@pytest.mark.parametrize(("shape", "labels"), [((2, 3, 4), 6), ((6, 4), (2, 3)), ((4,), (2, 3)), ((3, 2, 4), (2, 3))])
def test_leading_axes_that_differ_are_refused(shape: tuple[int, ...], labels: Any) -> None:
    with pytest.raises(ValueError, match=r"t has the leading axes .*, and z has"):
        cross_entropy(double(*shape), torch.zeros(labels, dtype=torch.int64))


def test_rows_are_what_can_be_computed_alone() -> None:
    def axis(source: str, *batched: str) -> str:
        graph = library.load(source) if source in library.names() else derive.graph(source)
        return str(rows_axis(batch(graph, batched).graph if batched else graph))

    assert axis("softmax_cross_entropy_label", "z", "t") == axis("attention", "Q", "K", "V") == "N"
    assert axis("x: [n]; y = gelu(x)") == axis("x: [n]; L = mean(x[i]**2 for i in n)") == "n"
    for mixed in (
        "x: [n]; y = softmax(x)",
        "x: [n]; L = logsumexp(x)",
        "x: [n]; L = sum(x)**2",
        "x: [n]; m = mean(x); y = x - m",
        "x: [n]; y[i] = x[n - 1 - i]",
        "x: [n]; y[i] = where(i < 2, x[i], 0)",
        "x: [n]; t: label[n]; y[i] = x[i]*x[t]",
        "s: [C]; t: label[C]; L = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)",
        "A: [n, n]; y = A*2",
    ):
        assert axis(mixed) == "None", mixed


# ---------------------------------------------------------------- in the graphs of torch.compile and torch.export


def loss_of(shape: tuple[int, ...], labels: Any) -> tuple[Callable[..., Tensor], list[Tensor]]:
    apply, t = wrapped("softmax_cross_entropy_label", "z", "t").Kernel.apply, torch.tensor(labels)
    return lambda z: 3 * apply(2 * z, t), [double(*shape)]


def layer_of() -> tuple[Callable[..., Tensor], list[Tensor]]:
    apply = wrapped("layer_norm", "x").Kernel.apply
    return lambda *a: apply(*a, 0.1).square().sum(), [double(3, 4), double(4), double(4)]


def convolution_of() -> tuple[Callable[..., Tensor], list[Tensor]]:
    apply = wrapped("conv1d_layer").Kernel.apply
    return lambda *a: apply(*a, 5, 1, 2).square().sum(), [double(2, 10), double(3, 2, 3), double(3)]


def gelu_of() -> tuple[Callable[..., Tensor], list[Tensor]]:
    apply = wrapped("x: [n]; y = gelu(x)").Kernel.apply
    return lambda x: (apply(x) * x).mean(), [double(3, 4)]


GRAPHS: dict[str, Callable[[], tuple[Callable[..., Tensor], list[Tensor]]]] = {
    "a loss": lambda: loss_of((3, 4), LABELS),
    "examples along two axes": lambda: loss_of((2, 3, 4), [LABELS, LABELS]),
    "a tensor among others": gelu_of,
    "a layer with a number": layer_of,
    "sizes that no array tells": convolution_of,
}
"""How a wrapped kernel may stand in a graph, and tensors for it."""


@pytest.fixture
def compiled() -> Callable[..., Any]:
    torch._dynamo.reset()
    return partial(torch.compile, fullgraph=True)


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_a_kernel_stands_in_one_graph_with_what_is_around_it(make: Any, compiled: Any) -> None:
    use, given = make()
    whole = compiled(use, backend="aot_eager")
    torch.testing.assert_close(torch.autograd.grad(whole(*given), given), torch.autograd.grad(use(*given), given))
    with torch.no_grad():
        torch.testing.assert_close(whole(*given), use(*given))


def test_one_graph_serves_any_number_of_rows(compiled: Any) -> None:
    use, _ = gelu_of()
    whole = compiled(use, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        for rows in (3, 5, 8):
            torch.testing.assert_close(whole(double(rows, 4)), use(double(rows, 4)))


def test_a_module_with_a_kernel_is_exported() -> None:
    use, (z,) = loss_of((3, 4), LABELS)

    class Loss(torch.nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return use(z)

    torch.testing.assert_close(torch.export.export(Loss(), (z.detach(),)).module()(z.detach()), use(z.detach()))


def test_the_operations_of_a_kernel_are_as_pytorch_wants_them() -> None:
    loss, layered = wrapped("softmax_cross_entropy_label", "z", "t"), wrapped("layer_norm", "x")
    z, t, gamma, number = double(3, 4), torch.tensor(LABELS), double(4), torch.tensor(0.1, dtype=torch.float64)
    torch.library.opcheck(loss._differentiated, (z, t))
    torch.library.opcheck(loss._computed, (z.detach(), t))
    torch.library.opcheck(layered._computed, (z, gamma, gamma.detach(), number))
    torch.library.opcheck(layered._pulled, tuple(a.detach() for a in (z, gamma, gamma, number, z)))


def test_a_graph_of_a_gradient_is_refused_in_a_graph_too(compiled: Any) -> None:
    use, (z,) = loss_of((3, 4), LABELS)
    with pytest.raises(RuntimeError, match=TWICE):
        torch.autograd.grad(compiled(use, backend="eager")(z), z, create_graph=True)
