"""CPU kernels beside numpy, PyTorch and JAX: `python benchmarks/cpu.py` (`--quick` leaves the compilers of the peers out).

All contenders of a case run in one process and take turns, with the same arrays; what they give is compared before any time
is printed.  A ratio is the median over the rounds of (peer's time)/(ours), with the middle half of the rounds.  *stream* is
our share of the speed of a copy that moves the same bytes past the cache, in the same rounds.  Results go to
`benchmarks/results/`: cpu.json, cpu.md and cpu.svg.  The status is 1 where a floor is not reached.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
RESULTS = ROOT / "benchmarks" / "results"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numba import get_num_threads, njit, prange  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import derive  # noqa: E402
from derive.kernels.cpu.device.intrinsics import fence, stream  # noqa: E402

SECONDS = 6.0
"""About how long the rounds of one case take."""

ROUNDS = (9, 400)
"""At least and at most so many."""

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One task at one size: what runs it, what each gives as arrays to compare, the bytes that must move, the goals.

    `floor` and `goal` are ratios to the best peer, `floor_share` and `goal_share` shares of the stream.
    """

    name: str
    size: str
    calls: Mapping[str, Call]
    results: Mapping[str, Callable[[], list[Any]]] = field(default_factory=dict)
    bytes: int = 0
    floor: float | None = None
    goal: float | None = None
    floor_share: float | None = None
    goal_share: float | None = None
    tolerance: float = 2e-4
    floors: Mapping[str, float] = field(default_factory=dict)
    """Ratios to one peer each."""
    memory: int | None = None
    """The bytes that a call has to give back; it may take so many as are `besides` more."""
    besides: int = 8_000_000


# ---------------------------------------------------------------- what peers run


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=False)


def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    return jax.jit(function)


def backward(function: Callable[..., Any], *inputs: Any) -> Callable[[], list[Any]]:
    """A loss of PyTorch and its gradients by the inputs that have one."""
    leaves = [x for x in inputs if x.requires_grad]

    def run() -> list[Any]:
        loss = function(*inputs)
        return [loss, *torch.autograd.grad(loss, leaves)]

    return run


def grad_of(function: Callable[..., Any], wrt: tuple[int, ...], *inputs: Any) -> Callable[[], list[Any]]:
    """The same by JAX."""
    import jax

    run = jax.jit(jax.value_and_grad(function, argnums=wrt))
    return lambda: jax.block_until_ready(run(*inputs))


class Random:
    """Arrays that are the same in every run."""

    def __init__(self) -> None:
        self.source = np.random.default_rng(0)

    def array(self, *shape: int) -> Any:
        return self.source.normal(size=shape).astype(np.float32)

    def labels(self, classes: int, count: int) -> Any:
        return self.source.integers(0, classes, count)


def kernel(source: str, *batch: str, **options: Any) -> Any:
    return derive.graph(source).kernel(batch=batch, **options)


# ---------------------------------------------------------------- the cases


def cross_entropy(n: int, c: int, quick: bool, **goals: Any) -> Case:
    random = Random()
    z, t = 2 * random.array(n, c), random.labels(c, n)
    grad, ours = np.empty_like(z), kernel("softmax_cross_entropy_label", "z", "t").value_and_grad
    rows, labels = np.arange(n), torch.from_numpy(t)
    leaf = torch.from_numpy(z).requires_grad_()

    def by_numpy() -> list[Any]:
        shifted = z - z.max(1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - shifted[rows, t]).mean()
        e /= total
        e[rows, t] -= 1
        e /= n
        return [loss, e]

    torch_run = backward(lambda x: F.cross_entropy(x, labels), leaf)
    calls: dict[str, Call] = {"derive": lambda: ours(z, t, out=(grad,)), "numpy": by_numpy, "torch": torch_run}
    results = {"derive": lambda: [ours(z, t, out=(grad,))[0], grad], "numpy": by_numpy, "torch": torch_run}
    if not quick:
        import jax
        import jax.numpy as jnp

        fast = compiled(lambda x, y: F.cross_entropy(x, y))
        calls["torch.compile"] = results["torch.compile"] = backward(lambda x: fast(x, labels), leaf)

        def loss(x: Any, y: Any) -> Any:
            return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

        run = grad_of(loss, (0,), jnp.asarray(z), jnp.asarray(t))
        calls["jax"], results["jax"] = run, lambda: [(r := run())[0], r[1][0]]
    return Case("softmax cross-entropy", f"({n}, {c})", calls, results, 8 * n * c, **goals)


def in_torch(n: int, c: int, quick: bool, **goals: Any) -> Case:
    """The kernel of cross-entropy as PyTorch calls it, beside the kernel alone and PyTorch's own."""
    random = Random()
    z, t = 2 * random.array(n, c), random.labels(c, n)
    made = kernel("softmax_cross_entropy_label", "z", "t", wrap="torch")
    leaf, labels = torch.from_numpy(z).requires_grad_(), torch.from_numpy(t)
    calls: dict[str, Call] = {
        "derive": backward(lambda x: made.Kernel.apply(x, labels), leaf),
        "kernel alone": lambda: made.value_and_grad(z, t),
        "torch": backward(lambda x: F.cross_entropy(x, labels), leaf),
    }
    results = calls | {"kernel alone": lambda: [(r := made.value_and_grad(z, t))[0], r[1][0]]}
    return Case("softmax cross-entropy in PyTorch", f"({n}, {c})", calls, results, 8 * n * c, **goals)


def hinge(n: int, c: int, quick: bool, **goals: Any) -> Case:
    random = Random()
    s, t = 2 * random.array(n, c), random.labels(c, n)
    grad, ours = np.empty_like(s), kernel("hinge", "s", "t").value_and_grad
    rows, labels = np.arange(n), torch.from_numpy(t)
    leaf = torch.from_numpy(s).requires_grad_()

    def by_numpy() -> list[Any]:
        margins = np.maximum(s - s[rows, t][:, None] + 1, 0)
        margins[rows, t] = 0
        grad = (margins > 0).astype(np.float32)
        grad[rows, t] = -grad.sum(1)
        grad /= n
        return [margins.sum() / n, grad]

    def by_torch(x: Any) -> Any:
        return F.multi_margin_loss(x, labels, reduction="mean") * x.shape[1]

    torch_run = backward(by_torch, leaf)
    calls: dict[str, Call] = {"derive": lambda: ours(s, t, out=(grad,)), "numpy": by_numpy, "torch": torch_run}
    results = {"derive": lambda: [ours(s, t, out=(grad,))[0], grad], "numpy": by_numpy, "torch": torch_run}
    if not quick:
        import jax.numpy as jnp

        fast = compiled(lambda x, y: (F.relu(x - x.gather(1, y[:, None]) + 1).sum() - x.shape[0]) / x.shape[0])
        calls["torch.compile"] = results["torch.compile"] = backward(lambda x: fast(x, labels), leaf)

        def loss(x: Any, y: Any) -> Any:
            margins = jnp.maximum(x - jnp.take_along_axis(x, y[:, None], 1) + 1, 0)
            return (margins.sum() - x.shape[0]) / x.shape[0]

        run = grad_of(loss, (0,), jnp.asarray(s), jnp.asarray(t))
        calls["jax"], results["jax"] = run, lambda: [(r := run())[0], r[1][0]]
    return Case("hinge", f"({n}, {c})", calls, results, 8 * n * c, **goals)


def norm(name: str, n: int, c: int, quick: bool, **goals: Any) -> Case:
    """Layer norm and batch norm, forward and backward with a gradient that is known."""
    random = Random()
    x, g, gamma, beta = random.array(n, c), random.array(n, c), 1 + random.array(c) / 8, random.array(c)
    layer = name == "layer norm"
    made = kernel("layer_norm", "x", wrt=("x", "gamma", "beta")) if layer else kernel("batch_norm", wrt=("X", "gamma", "beta"))
    out = (np.empty_like(x), (np.empty_like(x), np.empty_like(gamma), np.empty_like(beta)))
    axis = 1 if layer else 0
    tx, tg, tgamma, tbeta = (torch.from_numpy(a) for a in (x, g, gamma, beta))
    leaves = [a.clone().requires_grad_() for a in (tx, tgamma, tbeta)]

    def ours() -> list[Any]:
        made.forward_and_vjp(x, gamma, beta, 1e-5, g, out=out)
        return [out[0], *out[1]]

    def by_numpy() -> list[Any]:
        mu = x.mean(axis, keepdims=True)
        d = x - mu
        r = 1 / np.sqrt((d * d).mean(axis, keepdims=True) + 1e-5)
        h = d * r
        y = gamma * h + beta
        dh = g * gamma
        dx = r * (dh - dh.mean(axis, keepdims=True) - h * (dh * h).mean(axis, keepdims=True))
        return [y, dx, (g * h).sum(0), g.sum(0)]

    def forward(a: Any, b: Any, d: Any) -> Any:
        return F.layer_norm(a, (c,), b, d, 1e-5) if layer else F.batch_norm(a, None, None, b, d, training=True, eps=1e-5)

    def by_torch(function: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            y = function(*leaves)
            return [y, *torch.autograd.grad(y, leaves, tg)]

        return run

    calls: dict[str, Call] = {"derive": ours, "numpy": by_numpy, "torch": by_torch(forward)}
    results: dict[str, Any] = dict(calls)
    if not quick:
        import jax
        import jax.numpy as jnp

        calls["torch.compile"] = results["torch.compile"] = by_torch(compiled(forward))

        def plain(a: Any, b: Any, d: Any) -> Any:
            mu = a.mean(axis, keepdims=True)
            v = ((a - mu) ** 2).mean(axis, keepdims=True)
            return b * (a - mu) / jnp.sqrt(v + 1e-5) + d

        def both(a: Any, b: Any, d: Any, e: Any) -> Any:
            y, pull = jax.vjp(plain, a, b, d)
            return y, pull(e)

        fast, given = jax.jit(both), [jnp.asarray(a) for a in (x, gamma, beta, g)]
        calls["jax"] = lambda: jax.block_until_ready(fast(*given))
        results["jax"] = lambda: [(r := fast(*given))[0], *r[1]]
    return Case(f"{name}, forward and backward", f"({n}, {c})", calls, results, 16 * n * c, tolerance=2e-3, **goals)


ACTIVATIONS: Mapping[str, tuple[Any, Any]] = {
    # name: PyTorch's function with its output given, its backward with its output given
    "tanh": (
        lambda x, y: torch.tanh(x, out=y),
        lambda g, x, y, out: torch.ops.aten.tanh_backward.grad_input(g, y, grad_input=out),
    ),
    "sigmoid": (
        lambda x, y: torch.sigmoid(x, out=y),
        lambda g, x, y, out: torch.ops.aten.sigmoid_backward.grad_input(g, y, grad_input=out),
    ),
    "gelu": (
        lambda x, y: torch.ops.aten.gelu.out(x, out=y),
        lambda g, x, y, out: torch.ops.aten.gelu_backward.grad_input(g, x, grad_input=out),
    ),
    "relu": (
        lambda x, y: torch.clamp_min(x, 0, out=y),
        lambda g, x, y, out: torch.ops.aten.threshold_backward.grad_input(g, y, 0, grad_input=out),
    ),
}


def activation(name: str, n: int, quick: bool, **goals: Any) -> Case:
    random = Random()
    x, g = random.array(n), random.array(n)
    made = kernel(f"x: [n]\ny = {name}(x)")
    out = (np.empty_like(x), (np.empty_like(x),))
    tx, tg = torch.from_numpy(x), torch.from_numpy(g)
    y, dx = torch.empty_like(tx), torch.empty_like(tx)
    forward, pull = ACTIVATIONS[name]
    leaf = tx.clone().requires_grad_()
    function = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "relu": F.relu}[name]

    def ours() -> list[Any]:
        made.forward_and_vjp(x, g, out=out)
        return [out[0], out[1][0]]

    def preallocated() -> list[Any]:
        forward(tx, y)
        pull(tg, tx, y, dx)
        return [y, dx]

    def plain(f: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            made = f(leaf)
            return [made, *torch.autograd.grad(made, [leaf], tg)]

        return run

    calls: dict[str, Call] = {"derive": ours, "torch, out=": preallocated, "torch": plain(function)}
    if not quick:
        calls["torch.compile"] = plain(compiled(function))
    results: dict[str, Any] = dict(calls)
    if not quick:
        import jax
        import jax.numpy as jnp

        jaxes = {
            "tanh": jnp.tanh,
            "sigmoid": jax.nn.sigmoid,
            "gelu": lambda a: jax.nn.gelu(a, approximate=False),
            "relu": jax.nn.relu,
        }

        def both(a: Any, e: Any) -> Any:
            value, back = jax.vjp(jaxes[name], a)
            return value, back(e)

        fast, given = jax.jit(both), [jnp.asarray(x), jnp.asarray(g)]
        calls["jax"] = lambda: jax.block_until_ready(fast(*given))
        results["jax"] = lambda: [(r := fast(*given))[0], *r[1]]
    return Case(f"{name}, forward and backward", f"{n:,}", calls, results, 16 * n, **goals)


def squared_error(n: int, quick: bool, **goals: Any) -> Case:
    random = Random()
    a, b = random.array(n), random.array(n)
    made, grad = kernel("mse", wrt=("yhat",)), np.empty_like(a)
    leaf, tb = torch.from_numpy(a).clone().requires_grad_(), torch.from_numpy(b)

    def by_numpy() -> list[Any]:
        d = a - b
        loss = d @ d / n
        d *= 2 / n
        return [loss, d]

    torch_run = backward(lambda x: F.mse_loss(x, tb), leaf)
    calls: dict[str, Call] = {"derive": lambda: made.value_and_grad(a, b, out=(grad,)), "numpy": by_numpy, "torch": torch_run}
    results = {"derive": lambda: [made.value_and_grad(a, b, out=(grad,))[0], grad], "numpy": by_numpy, "torch": torch_run}
    return Case("MSE", f"{n:,}", calls, results, 12 * n, **goals)


def sgd(n: int, quick: bool, **goals: Any) -> Case:
    """w - eta g, in place."""
    random = Random()
    w, g = random.array(n), random.array(n)
    made = kernel("w: [n]; g: [n]; eta: real; v = w - eta*g", wrt=("w",))
    mine, theirs, tg = w.copy(), torch.from_numpy(w.copy()), torch.from_numpy(g)
    spare = w.copy()

    def by_numpy() -> None:
        np.subtract(spare, g * np.float32(1e-3), out=spare)

    calls: dict[str, Call] = {
        "derive": lambda: made.forward(mine, g, 1e-3, out=mine),
        "numpy": by_numpy,
        "torch": lambda: theirs.add_(tg, alpha=-1e-3),
    }
    return Case("SGD update", f"{n:,}", calls, {}, 12 * n, **goals)


def mlp(n: int, sizes: tuple[int, int, int], quick: bool, **goals: Any) -> Case:
    """One step of training: the loss, the gradients by all weights, the update in place."""
    random = Random()
    d, m, c = sizes
    x, t = random.array(n, d), random.labels(c, n)
    first = [random.array(m, d) / d**0.5, np.zeros(m, np.float32), random.array(c, m) / m**0.5, np.zeros(c, np.float32)]
    made = kernel("mlp", "x", "t", wrt=("W1", "b1", "W2", "b2"))
    update = kernel("w: [n]; g: [n]; eta: real; v = w - eta*g", wrt=("w",))
    update.loaded.THREADS_FROM = 1 << 40  # threads of ours would hold up those of the matrix products
    step = update.forward
    mine = [w.copy() for w in first]
    grads, space = tuple(np.empty_like(w) for w in first), made.Workspace()
    flat = [(w.reshape(-1), g.reshape(-1)) for w, g in zip(mine, grads, strict=True)]

    def ours() -> list[Any]:
        loss, _ = made.value_and_grad(x, *mine, t, out=grads, workspace=space)
        for w, g in flat:
            step(w, g, 1e-4, out=w)
        return [loss, *grads]

    rows = np.arange(n)

    def by_numpy() -> list[Any]:
        w1, b1, w2, b2 = first
        a = x @ w1.T + b1
        h = np.maximum(a, 0)
        z = h @ w2.T + b2
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        total = e.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - z[rows, t]).mean()
        e /= total
        e[rows, t] -= 1
        e /= n
        da = (e @ w2) * (a > 0)
        grads = [da.T @ x, da.sum(0), e.T @ h, e.sum(0)]
        for w, g in zip(first, grads, strict=True):
            w -= np.float32(1e-4) * g
        return [loss, *grads]

    labels, tx = torch.from_numpy(t), torch.from_numpy(x)
    leaves = [torch.from_numpy(w.copy()).requires_grad_() for w in first]

    def forward(a: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return F.cross_entropy(F.linear(F.relu(F.linear(a, w1, b1)), w2, b2), labels)

    def by_torch(f: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            loss = f(tx, *leaves)
            grads = torch.autograd.grad(loss, leaves)
            with torch.no_grad():
                torch._foreach_add_(leaves, grads, alpha=-1e-4)
            return [loss, *grads]

        return run

    products = [np.empty((n, m), np.float32), np.empty((n, c), np.float32), np.empty((n, m), np.float32)]
    dz, weights = random.array(n, c), [np.empty((c, m), np.float32), np.empty((m, d), np.float32)]

    def alone() -> None:
        np.matmul(x, first[0].T, out=products[0])
        np.matmul(products[0], first[2].T, out=products[1])
        np.matmul(dz, first[2], out=products[2])
        np.matmul(dz.T, products[0], out=weights[0])
        np.matmul(products[2].T, x, out=weights[1])

    calls: dict[str, Call] = {"derive": ours, "numpy": by_numpy, "torch": by_torch(forward), "matrix products": alone}
    if not quick:
        import jax
        import jax.numpy as jnp

        calls["torch.compile"] = by_torch(compiled(forward))

        def loss(ws: Any, a: Any, y: Any) -> Any:
            z = jax.nn.relu(a @ ws[0].T + ws[1]) @ ws[2].T + ws[3]
            return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()

        def update(ws: Any, a: Any, y: Any) -> Any:
            value, grads = jax.value_and_grad(loss)(ws, a, y)
            return value, [w - 1e-4 * g for w, g in zip(ws, grads, strict=True)]

        fast, state = jax.jit(update), [[jnp.asarray(w) for w in first]]
        jx, jt = jnp.asarray(x), jnp.asarray(t)

        def by_jax() -> None:
            _, state[0] = jax.block_until_ready(fast(state[0], jx, jt))

        calls["jax"] = by_jax
    results = {"derive": lambda: ours()[:1], "numpy": lambda: by_numpy()[:1]}
    return Case("two-layer MLP step", f"({n}; {d}-{m}-{c})", calls, results, 0, tolerance=1e-3, **goals)


def attention(b: int, n: int, d: int, quick: bool, **goals: Any) -> Case:
    """Attention with its memory kept from call to call."""
    random = Random()
    q, k, v, g = (random.array(b, n, d) for _ in range(4))
    made = kernel("attention", "Q", "K", "V")
    out, space = (np.empty_like(q), tuple(np.empty_like(q) for _ in range(3))), made.Workspace()
    leaves = [torch.from_numpy(a).clone().requires_grad_() for a in (q, k, v)]
    tg = torch.from_numpy(g)

    def ours() -> list[Any]:
        made.forward_and_vjp(q, k, v, g, out=out, workspace=space)
        return [out[0], *out[1]]

    def fused(*a: Any) -> Any:
        return F.scaled_dot_product_attention(*a)

    def plain(a: Any, e: Any, f: Any) -> Any:
        return torch.softmax(a @ e.transpose(-1, -2) / d**0.5, -1) @ f

    def by_torch(f: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            y = f(*leaves)
            return [y, *torch.autograd.grad(y, leaves, tg)]

        return run

    calls: dict[str, Call] = {"derive": ours, "torch, fused": by_torch(fused), "torch": by_torch(plain)}
    results: dict[str, Any] = dict(calls)
    if not quick:
        import jax
        import jax.numpy as jnp

        def attend(a: Any, e: Any, f: Any) -> Any:
            return jax.nn.softmax(a @ jnp.swapaxes(e, -1, -2) / d**0.5) @ f

        def both(*a: Any) -> Any:
            y, pull = jax.vjp(attend, *a[:3])
            return y, pull(a[3])

        fast, given = jax.jit(both), [jnp.asarray(a) for a in (q, k, v, g)]
        calls["jax"] = lambda: jax.block_until_ready(fast(*given))
        results["jax"] = lambda: [(r := fast(*given))[0], *r[1]]
    return Case("attention, forward and backward", f"({b}, {n}, {d})", calls, results, 0, tolerance=2e-3, **goals)


def long_attention(causal: bool, h: int, n: int, d: int, quick: bool, **goals: Any) -> Case:
    """Attention of many queries, which no call is given memory for."""
    random = Random()
    q, k, v, g = (random.array(h, n, d) for _ in range(4))
    made = kernel("attention_causal" if causal else "attention", "Q", "K", "V")
    module, limit = made.loaded, made.loaded.BLOCKS_FROM
    leaves = [torch.from_numpy(a[None]).requires_grad_() for a in (q, k, v)]  # what is fused wants four axes
    tg, later = torch.from_numpy(g[None]), torch.ones(n, n, dtype=torch.bool).triu(1)

    def ours(blocks: bool) -> list[Any]:
        module.BLOCKS_FROM = limit if blocks else 1 << 60
        y, gradients = made.forward_and_vjp(q, k, v, g)
        return [y, *gradients]

    def fused(*a: Any) -> Any:
        return F.scaled_dot_product_attention(*a, is_causal=causal)

    def plain(a: Any, e: Any, f: Any) -> Any:
        scores = a @ e.transpose(-1, -2) / d**0.5
        return torch.softmax(scores.masked_fill(later, -torch.inf) if causal else scores, -1) @ f

    def by_torch(f: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            y = f(*leaves)
            return [a[0] for a in (y, *torch.autograd.grad(y, leaves, tg))]

        return run

    calls: dict[str, Call] = {
        "derive": lambda: ours(True),
        "at once": lambda: ours(False),
        "torch, fused": by_torch(fused),
        "torch": by_torch(plain),
    }
    name = f"{'causal ' if causal else ''}attention without a workspace"
    return Case(name, f"({h}, {n}, {d})", calls, dict(calls), 0, tolerance=2e-3, memory=4 * q.nbytes, **goals)


HEADS = """x: [T, C]; Wq: [H, E, C]; k: [H, T, E]; v: [H, T, E]; Wo: [C, H, E]
q[h, i, e] = sum(Wq[h, e, c]*x[i, c] for c in C)
S[h, i, j] = sum(q[h, i, e]*k[h, j, e] for e in E)
A[h, i, e] = sum(S[h, i, j]*v[h, j, e] for j in T)
y[i, c] = sum(Wo[c, h, e]*A[h, i, e] for h in H for e in E)"""


def products(t: int, c: int, h: int, quick: bool, **goals: Any) -> Case:
    """The products of heads and nothing else, forward and backward."""
    random, e = Random(), c // h
    x, wq, k, v, wo, g = (random.array(*s) / s[-1] ** 0.5 for s in ((t, c), (h, e, c), (h, t, e), (h, t, e), (c, h, e), (t, c)))
    made = kernel(HEADS)
    given, space = (x, wq, k, v, wo), made.Workspace()
    out = (np.empty_like(x), tuple(np.empty_like(a) for a in given))
    leaves, tg = [torch.from_numpy(a).clone().requires_grad_() for a in given], torch.from_numpy(g)
    q, a, da, dq = (np.empty((t, h, e), np.float32) for _ in range(4))
    s, ds = np.empty((h, t, t), np.float32), np.empty((h, t, t), np.float32)

    def ours() -> list[Any]:
        made.forward_and_vjp(*given, g, out=out, workspace=space)
        return [out[0], *out[1]]

    def by_hand() -> list[Any]:
        y, (dx, dwq, dk, dv, dwo) = out
        heads, flat = (lambda m: m.transpose(1, 0, 2)), (lambda m: m.reshape(t, c))
        np.matmul(x, wq.reshape(c, c).T, out=flat(q))
        np.matmul(heads(q), k.swapaxes(1, 2), out=s)
        np.matmul(s, v, out=heads(a))
        np.matmul(flat(a), wo.reshape(c, c).T, out=y)
        np.matmul(g.T, flat(a), out=dwo.reshape(c, c))
        np.matmul(g, wo.reshape(c, c), out=flat(da))
        np.matmul(heads(da), v.swapaxes(1, 2), out=ds)
        np.matmul(s.swapaxes(1, 2), heads(da), out=dv)
        np.matmul(ds, k, out=heads(dq))
        np.matmul(ds.swapaxes(1, 2), heads(q), out=dk)
        np.matmul(flat(dq).T, x, out=dwq.reshape(c, c))
        np.matmul(flat(dq), wq.reshape(c, c), out=dx)
        return [y, dx, dwq, dk, dv, dwo]

    def by_torch() -> list[Any]:
        tx, tq, tk, tv, to = leaves
        heads = F.linear(tx, tq.view(c, c)).view(t, h, e).transpose(0, 1)
        y = F.linear(((heads @ tk.transpose(1, 2)) @ tv).transpose(0, 1).reshape(t, c), to.view(c, c))
        return [y, *torch.autograd.grad(y, leaves, tg)]

    calls: dict[str, Call] = {"derive": ours, "torch": by_torch, "matrix products": by_hand}
    return Case("products of heads", f"({t}, {c}; {h})", calls, dict(calls), 0, tolerance=2e-3, **goals)


def block(t: int, c: int, h: int, quick: bool, **goals: Any) -> Case:
    """A block of GPT-2, forward and backward, beside PyTorch's own operations, one by one."""
    random, e = Random(), c // h
    made = kernel(str(ROOT / "benchmarks" / "gpt2_block.derive"))
    sizes = {"T": t, "C": c, "H": h, "E": e, "F": 4 * c}
    shapes = {i.name: tuple(sizes[str(a)] for a in i.axes) for i in made.programs["forward"].inputs}
    given = {n: random.array(*s) * (1 / c**0.5 if n[0] == "W" else 1) + n.startswith("gamma") for n, s in shapes.items()}
    given = {n: a.astype(np.float32) for n, a in given.items()}
    g, space = random.array(t, c), made.Workspace()
    out = (np.empty_like(g), tuple(np.empty_like(a) for a in given.values()))
    leaves = {n: torch.from_numpy(a).clone().requires_grad_() for n, a in given.items()}
    tg, later = torch.from_numpy(g), torch.ones(t, t, dtype=torch.bool).triu(1)

    def ours() -> list[Any]:
        made.forward_and_vjp(*given.values(), g, out=out, workspace=space)
        return [out[0], *out[1]]

    def attended(q: Any, k: Any, v: Any) -> Any:
        return torch.softmax((q @ k.transpose(1, 2) / e**0.5).masked_fill(later, -torch.inf), -1) @ v

    def fused(q: Any, k: Any, v: Any) -> Any:
        return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]

    def forward(attention: Callable[..., Any], p: Mapping[str, Any]) -> Any:
        n = F.layer_norm(p["x"], (c,), p["gamma1"], p["beta1"])
        heads = [F.linear(n, p[f"W{s}"].view(c, c), p[f"b{s}"].view(c)).view(t, h, e).transpose(0, 1) for s in "qkv"]
        y = p["x"] + F.linear(attention(*heads).transpose(0, 1).reshape(t, c), p["Wo"].view(c, c), p["bo"])
        m = F.layer_norm(y, (c,), p["gamma2"], p["beta2"])
        return y + F.linear(F.gelu(F.linear(m, p["W1"], p["b1"]), approximate="tanh"), p["W2"], p["b2"])

    def by_torch(attention: Callable[..., Any]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            z = forward(attention, leaves)
            return [z, *torch.autograd.grad(z, list(leaves.values()), tg)]

        return run

    calls: dict[str, Call] = {"derive": ours, "torch": by_torch(attended), "torch, fused": by_torch(fused)}
    unmoved = list(given).index("bk")  # softmax does not see what is added to all scores of a row: its gradient is 0

    def without(run: Callable[[], list[Any]]) -> Callable[[], list[Any]]:
        return lambda: [a for k, a in enumerate(run()) if k != unmoved + 1]

    results = {name: without(run) for name, run in calls.items()}
    return Case("block of GPT-2, forward and backward", f"({t}, {c}; {h})", calls, results, 0, tolerance=2e-3, **goals)


HEAD_OF_A_MODEL = "x: [d]; W: [V, d]; t: label[V]; z = W@x; L = softmax_cross_entropy_label(z, t)"


def head(n: int, d: int, v: int, quick: bool, **goals: Any) -> Case:
    """Logits of a vocabulary and their cross-entropy, loss and gradients, which no call is given memory for."""
    random = Random()
    x, w, t = random.array(n, d), random.array(v, d) / d**0.5, random.labels(v, n)
    made = kernel(HEAD_OF_A_MODEL, "x", "t")
    module, limit = made.loaded, made.loaded.BLOCKS_FROM
    leaves, labels, rows = [torch.from_numpy(a).requires_grad_() for a in (x, w)], torch.from_numpy(t), np.arange(n)

    def by_numpy() -> list[Any]:
        z = x @ w.T
        z -= z.max(1, keepdims=True)
        picked = z[rows, t]
        np.exp(z, out=z)
        total = z.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - picked).mean()
        z /= total
        z[rows, t] -= 1
        z /= n
        return [loss, z @ w, z.T @ x]

    def ours(blocks: bool) -> list[Any]:
        module.BLOCKS_FROM = limit if blocks else 1 << 60
        loss, (dx, dw) = made.value_and_grad(x, w, t)
        return [loss, dx, dw]

    calls = {
        "derive": lambda: ours(True),
        "at once": lambda: ours(False),
        "numpy": by_numpy,
        "torch": backward(lambda a, b: F.cross_entropy(F.linear(a, b), labels), *leaves),
    }
    return Case("head of a language model", f"({n}; {d}-{v})", calls, dict(calls), 0, memory=(x.nbytes + w.nbytes), **goals)


LOGISTIC = "X: [N, d]; y: [N]; w: [d]; z = X@w; L = sum(log(1 + exp(z[n])) - y[n]*z[n] for n in N)"


def hessian(product: bool, n: int, d: int, quick: bool, **goals: Any) -> Case:
    """The Hessian of logistic regression by its weights, or that times a vector."""
    random = Random()
    x, y, w, v = random.array(n, d), (random.array(n) > 0).astype(np.float32), random.array(d) / d**0.5, random.array(d)
    made = kernel(LOGISTIC, wrt="w", order=2)
    tx, ty, tw, tv = map(torch.from_numpy, (x, y, w, v))

    def loss(a: Any) -> Any:
        return (F.softplus(tx @ a) - ty * (tx @ a)).sum()

    second = torch.func.hessian(loss)
    calls: dict[str, Call] = {
        "derive": lambda: [made.hvp(x, y, w, v) if product else made.hessian(x, y, w)],
        "torch": lambda: [torch.func.jvp(torch.func.grad(loss), (tw,), (tv,))[1] if product else second(tw)],
    }
    if not quick:
        import jax
        import jax.numpy as jnp

        def plain(a: Any, b: Any, c: Any) -> Any:
            return (jnp.logaddexp(0, b @ a) - c * (b @ a)).sum()

        whole = jax.jit(jax.hessian(plain))
        along = jax.jit(lambda a, u, b, c: jax.jvp(lambda q: jax.grad(plain)(q, b, c), (a,), (u,))[1])
        jx, jy, jw, jv = map(jnp.asarray, (x, y, w, v))
        calls["jax"] = lambda: [jax.block_until_ready(along(jw, jv, jx, jy) if product else whole(jw, jx, jy))]
    name = "Hessian times a vector" if product else "Hessian"
    return Case(f"logistic regression, {name}", f"({n}, {d})", calls, dict(calls), 0, tolerance=1e-3, **goals)


MILLIONS = 10_000_000

CASES: tuple[tuple[str, Callable[[bool], Case]], ...] = (
    ("ce", lambda q: cross_entropy(8, 10, q)),
    ("ce", lambda q: cross_entropy(256, 100, q)),
    ("ce", lambda q: cross_entropy(4096, 10, q)),
    ("ce", lambda q: cross_entropy(4096, 1000, q, floor=4, goal=6, goal_share=0.65)),
    ("ce", lambda q: cross_entropy(16384, 1000, q, floor=4, goal=6, goal_share=0.65)),
    ("ce", lambda q: cross_entropy(512, 50257, q, floor=4, goal=6, goal_share=0.65)),
    ("wrapped", lambda q: in_torch(8, 10, q)),
    ("wrapped", lambda q: in_torch(4096, 1000, q)),
    ("hinge", lambda q: hinge(4096, 1000, q, floor=4, goal_share=0.85)),
    ("hinge", lambda q: hinge(16384, 1000, q, floor=4, goal_share=0.85)),
    ("norm", lambda q: norm("layer norm", 4096, 1024, q, floor=1.7, goal=2.5, goal_share=0.8)),
    ("norm", lambda q: norm("batch norm", 4096, 256, q, floor=1.9, goal=2.5, goal_share=0.8)),
    ("activation", lambda q: activation("tanh", MILLIONS, q, floor=3.5, goal=4.5)),
    ("activation", lambda q: activation("sigmoid", MILLIONS, q, floor=1.5, goal=2)),
    ("activation", lambda q: activation("gelu", MILLIONS, q, floor=1.8, goal=2.5)),
    ("activation", lambda q: activation("relu", MILLIONS, q, floor_share=0.9, goal_share=1)),
    ("mse", lambda q: squared_error(MILLIONS, q, floor_share=0.9, goal_share=1)),
    ("sgd", lambda q: sgd(MILLIONS, q, floor_share=0.9, goal_share=1)),
    ("mlp", lambda q: mlp(256, (784, 512, 10), q, floor=1.2)),
    ("attention", lambda q: attention(16, 256, 64, q)),
    ("long", lambda q: long_attention(False, 8, 1024, 64, q, floors={"at once": 0.9}, besides=12_000_000)),
    ("long", lambda q: long_attention(True, 8, 1024, 64, q, floors={"at once": 1}, besides=12_000_000)),
    ("long", lambda q: long_attention(True, 8, 2048, 64, q, floors={"at once": 1}, besides=24_000_000)),
    ("products", lambda q: products(256, 384, 6, q, floors={"matrix products": 0.85})),
    ("block", lambda q: block(256, 384, 6, q, floor=1)),
    ("head", lambda q: head(1024, 256, 50257, q, floors={"at once": 1})),
    ("hessian", lambda q: hessian(False, 2048, 256, q, floors={"torch": 10, "jax": 2})),
    ("hessian", lambda q: hessian(True, 2048, 256, q)),
)


# ---------------------------------------------------------------- measuring


def streams(count: int) -> dict[str, Call]:
    """Copies that move `count` bytes in all, read and written: past the cache, and plainly."""
    n = count // 8
    source, target = np.ones(n, np.float32), np.zeros(n, np.float32)

    @njit(parallel=True)
    def past(a, b):
        threads = get_num_threads()
        for k in prange(threads):
            stream(b[n * k // threads : n * (k + 1) // threads], a[n * k // threads : n * (k + 1) // threads])
            fence()

    @njit(parallel=True)
    def plainly(a, b):
        for i in prange(n):
            b[i] = a[i]

    return {"stream": lambda: past(source, target), "plain stream": lambda: plainly(source, target)}


def measure(case: Case) -> dict[str, list[float]]:
    """Seconds of each contender in each round; the order turns round, and a pause lets the last one's threads stop."""
    calls = {**case.calls, **(streams(case.bytes) if case.bytes > 1 << 22 else {})}
    for call in calls.values():
        call(), call()
    start = time.perf_counter()
    for call in calls.values():
        call()
    once = (time.perf_counter() - start) / len(calls)
    each = {name: max(1, int(1e-3 / max(_seconds(call), 1e-7))) for name, call in calls.items()}
    rounds = min(max(ROUNDS[0], int(SECONDS / (len(calls) * max(once, 2e-3)))), ROUNDS[1])
    times: dict[str, list[float]] = {name: [] for name in calls}
    for k in range(rounds):
        for name in list(calls)[:: -1 if k % 2 else 1]:
            time.sleep(1e-3)
            times[name].append(_seconds(calls[name], each[name]))
    return times


def _seconds(call: Call, times: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def agree(case: Case) -> None:
    """Raises AssertionError where contenders give different numbers."""
    expected = None
    for name, result in case.results.items():
        found = [np.asarray(getattr(a, "detach", lambda a=a: a)(), dtype=np.float64) for a in result()]
        expected = expected or found
        for a, b in zip(expected, found, strict=True):
            scale = max(1e-30, np.abs(b).max())
            assert np.abs(a - b).max() <= case.tolerance * scale, f"{case.name} {case.size}: {name} gives other numbers"


NO_PEERS = ("stream", "plain stream", "matrix products", "at once")
"""What is measured beside the peers."""


def row(case: Case, times: Mapping[str, list[float]]) -> dict[str, Any]:
    """One line of the table."""
    ours = times["derive"]
    ratios = {}
    for name, theirs in times.items():
        if name != "derive":
            each = [a / b for a, b in zip(theirs, ours, strict=True)]
            low, middle, high = quantiles(each, n=4)
            ratios[name] = {"median": middle, "low": low, "high": high}
    peers = {n: r for n, r in ratios.items() if n not in NO_PEERS}
    best = min(peers, key=lambda n: peers[n]["median"])
    return {
        "case": case.name,
        "size": case.size,
        "microseconds": 1e6 * median(ours),
        "best": best,
        "ratios": ratios,
        "stream": ratios["stream"]["median"] if "stream" in ratios else None,
        "products": ratios["matrix products"]["median"] if "matrix products" in ratios else None,
        "goals": {k: getattr(case, k) for k in ("floor", "goal", "floor_share", "goal_share")},
        "floors": dict(case.floors),
        "memory": None if case.memory is None else memory(case),
        "rounds": len(ours),
    }


def memory(case: Case) -> dict[str, Any]:
    """The bytes that a call gives back, may take besides, and that ours and those of PyTorch have at most."""
    peers = {name: taken_by_torch(call) for name, call in case.calls.items() if name.startswith("torch")}
    return {"given": case.memory, "besides": case.besides, "taken": taken(case.calls["derive"]), "peers": peers}


def taken(call: Call) -> int:
    """The bytes that a call has at most of arrays, those that it gives back among them."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def taken_by_torch(call: Call) -> int:
    """The same of PyTorch's own memory."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    found = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [e.nbytes() for e in sorted(found, key=lambda e: e.start_ns())]
    return max(accumulate(changes), default=0)


def line(found: Mapping[str, Any]) -> str:
    best, goals = found["ratios"][found["best"]], found["goals"]
    others = ", ".join(
        f"{n} {r['median']:.2f}×"
        for n, r in found["ratios"].items()
        if n not in (found["best"], *NO_PEERS) or n in found["floors"]
    )
    share = found["stream"] if found["products"] is None else found["products"]
    what = "" if share is None else f"{share:.2f}{' of the products' if found['products'] is not None else ''}"
    if found["memory"]:
        most = "".join(f"; {n} {taken / 1e6:.1f} MB" for n, taken in found["memory"]["peers"].items())
        what = f"{found['memory']['taken'] / 1e6:.1f} MB, {found['memory']['given'] / 1e6:.1f} of them given back{most}"
    floors = {f"floor of {n}": v for n, v in found["floors"].items()}
    limit = {"MB besides": found["memory"]["besides"] / 1e6} if found["memory"] else {}
    wanted = ", ".join(f"{k.replace('_', ' ')} {v:g}" for k, v in (goals | floors | limit).items() if v)
    return (
        f"| {found['case']} | {found['size']} | {found['microseconds']:,.1f} | {found['best']} {best['median']:.2f}× "
        f"({best['low']:.2f}–{best['high']:.2f}) | {others} | {what} | {wanted} |"
    )


HEAD = "| work | size | µs | against the best peer | against others | of the stream | wanted |\n|---|---|--:|---|---|--:|---|"


def main(argv: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="CPU kernels beside numpy, PyTorch and JAX.")
    parser.add_argument("only", nargs="*", help=f"{', '.join(dict.fromkeys(kind for kind, _ in CASES))} (all)")
    parser.add_argument("--quick", action="store_true", help="leave torch.compile and JAX out")
    parser.add_argument("--write", action="store_true", help="write the results")
    given = parser.parse_args(argv)
    torch.set_num_threads(get_num_threads())
    print(machine(), "\n", HEAD, sep="\n", flush=True)
    rows: list[dict[str, Any]] = []
    for name, make in CASES:
        if given.only and name not in given.only:
            continue
        case = make(given.quick)
        agree(case)
        rows.append(row(case, measure(case)))
        print(line(rows[-1]), flush=True)
    if given.write:
        write(rows)
    below = [said for found in rows for said in missed(found)]
    print("", *below, sep="\n")
    return 1 if below else 0


def missed(found: Mapping[str, Any]) -> list[str]:
    """A sentence for each floor that a line of the table does not reach; a goal is no floor."""
    said = [
        f"{found['case']} {found['size']}: {found['ratios'][n]['median']:.2f} times {n}, of the {floor} that are wanted at least."
        for n, floor in found["floors"].items()
        if n in found["ratios"] and found["ratios"][n]["median"] < floor
    ]
    memory = found["memory"]
    if memory and memory["taken"] > memory["given"] + memory["besides"]:
        besides, most = (memory["taken"] - memory["given"]) / 1e6, memory["besides"] / 1e6
        said.append(f"{found['case']} {found['size']}: {besides:.1f} MB besides what it gives back, {most} are the most.")
    goals, reached = found["goals"], {"floor": found["ratios"][found["best"]]["median"], "floor_share": found["stream"]}
    return said + [
        f"{found['case']} {found['size']}: {reached[name]:.2f}, of the {goals[name]} that are wanted at least."
        for name in reached
        if goals[name] is not None and reached[name] < goals[name]
    ]


def machine() -> str:
    names = ", ".join(f"{n} {version(n)}" for n in ("numba", "numpy", "torch", "jax"))
    model = next(
        (s.split(":")[1].strip() for s in Path("/proc/cpuinfo").read_text().splitlines() if s.startswith("model name")), ""
    )
    return f"{get_num_threads()} threads, {model}; {names}; float32."


def write(rows: list[dict[str, Any]]) -> None:
    """The results as data, as a page, and drawn."""
    from matplotlib.figure import Figure

    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cpu.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    page = f"# CPU kernels beside their peers\n\nWritten by `benchmarks/cpu.py --write`. {machine()}\n\n{HEAD}\n"
    (RESULTS / "cpu.md").write_text(page + "\n".join(map(line, rows)) + "\n")
    figure = Figure(figsize=(8, 0.34 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    names = [f"{r['case']}  {r['size']}" for r in rows][::-1]
    axes.barh(names, [r["ratios"][r["best"]]["median"] - 1 for r in rows][::-1], left=1, color="#3b6ea5")
    for k, found in enumerate(rows[::-1]):
        if found["goals"]["floor"]:
            axes.plot([found["goals"]["floor"]] * 2, [k - 0.4, k + 0.4], color="black")
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 4, 8, 16], labels=["1", "2", "4", "8", "16"], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("times as fast as the best peer (black: what is wanted at least)")
    figure.savefig(RESULTS / "cpu.svg", metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
