"""Kernels at PyTorch's own sample inputs: the same values and gradients as its operations, at extreme numbers as well.

`OPERATIONS` has a row for each operation of PyTorch that derive has words for: a function that takes what PyTorch's takes, and
says which definition is computed of which arguments.  A sample of a kind that derive has no notion of is `Left`, with the reason.
What differs from PyTorch on purpose is in `OTHERWISE`, and in the table of docs/kernels.md.

Programs are run in NumPy's float32, at a few samples of each operation.  With OP_DB=all in the environment all samples and
extremes are taken, in float64 as well, by compiled kernels.
"""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from typing import Any

import pytest

from oracles import op_db
from oracles.extras import functional, torch
from oracles.op_db import (
    EXTREMES,
    KINKS,
    Compiled,
    Left,
    Made,
    Sample,
    Spelled,
    along,
    computed,
    differences,
    each,
    entries,
    reduced,
    samples,
    with_extremes,
)
from oracles.op_db import FEW as FEW_EXTREMES

pytestmark = pytest.mark.needs("torch", "expecttest")

Tensor = Any

ALL = os.environ.get("OP_DB") == "all"
FEW, SMALL = 2, 60
"""So many samples of an operation are taken, and of those with no more entries, unless all are."""


# ---------------------------------------------------------------- entries


def clamp(x: Tensor, min: Tensor = None, max: Tensor = None) -> Tensor:  # noqa: A002
    formula = {(0, 0): "x", (1, 0): "max(x, y)", (0, 1): "min(x, y)", (1, 1): "min(max(x, y), w)"}
    given = [b for b in (min, max) if b is not None]
    if not all(b.is_floating_point() for b in given if isinstance(b, torch.Tensor)):
        raise Left("a bound of another type")
    return entries(formula[min is not None, max is not None], x, *given)


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    return entries("gelu_tanh(x)" if approximate == "tanh" else "gelu(x)", x)


def softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    if beta * threshold < 20:
        return entries("where(y*x > w, x, softplus(y*x)/y)", x, beta, threshold)
    return entries("softplus(y*x)/y", x, beta)


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    if weight.numel() > 1 and x.ndim > 1:
        weight = weight.reshape(1, -1, *[1] * (x.ndim - 2))
    return entries("where(x > 0, x, y*x)", x, weight.reshape([]) if weight.numel() == 1 else weight)


def glu(x: Tensor, dim: int = -1) -> Tensor:
    a, b = x.chunk(2, dim)
    return entries("x*sigmoid(y)", a, b)


def logit(x: Tensor, eps: float | None = None) -> Tensor:
    return entries("log(x/(1 - x))", x) if eps is None else entries("log(clip(x, y, 1 - y)/(1 - clip(x, y, 1 - y)))", x, eps)


def sum_of(*given: Any, alpha: float = 1) -> Tensor:
    return entries("x + y" if alpha == 1 else "x + w*y", *given, *([] if alpha == 1 else [alpha]))


def power(x: Tensor, y: Any) -> Tensor:
    return entries("x**y", x, y)


# ---------------------------------------------------------------- losses of entries


def loss(formula: str, *given: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    """A loss of single entries, weighted, and its mean or sum."""
    given = tuple(torch.broadcast_tensors(*given))
    found = entries(formula, *given)
    if weight is not None:
        found = found * weight
    if reduction == "none":
        return found
    flat = found.reshape(-1)
    return computed(f"x: [n]; r = {reduction}(x)", flat)


def poisson(
    z: Tensor, y: Tensor, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Tensor:
    if full:
        raise Left("log y! by Stirling's formula, above 1 only")
    if log_input:
        return loss("exp(x) - y*x", z, y, reduction=reduction)
    return loss(f"x - y*log(x + {eps:.20f})", z, y, reduction=reduction)


def gaussian(mu: Tensor, y: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    var = var if isinstance(var, torch.Tensor) else torch.full_like(mu, var, requires_grad=False)
    if var.shape != mu.shape and var.ndim < mu.ndim and var.numel() > 1:
        var = var.unsqueeze(-1)
    kept = torch.clamp(var.detach(), min=eps) - var.detach() + var  # the slope of the bound is that of what it bounds
    rest = " + log(2*pi)/2" if full else ""
    return loss("(log(w) + (x - y)**2/w)/2" + rest, mu, y, kept, reduction=reduction)


def hinge_embedding(x: Tensor, y: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    found = entries("where(y == 1, 0, max(0, w - x)) + where(y == -1, 0, x)", x, y.detach(), margin)
    return found if reduction == "none" else getattr(found, reduction)()


def huber(x: Tensor, y: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    if reduction != "mean":
        return loss(f"where(abs(x - y) <= {delta}, (x - y)**2/2, {delta}*(abs(x - y) - {delta}/2))", x, y, reduction=reduction)
    a, b = (t.reshape(-1) for t in torch.broadcast_tensors(x, y))
    return computed("yhat: [n]; y: [n]; delta: positive constant; L = huber(yhat, y, delta)", a, b, delta)


def smooth_l1(x: Tensor, y: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    if beta == 0:
        return loss("abs(x - y)", x, y, reduction=reduction)
    return loss(f"where(abs(x - y) < {beta}, (x - y)**2/{2 * beta}, abs(x - y) - {beta / 2})", x, y, reduction=reduction)


def kl_div(x: Tensor, y: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    formula = "exp(y)*(y - x)" if log_target else "y*(log(y) - x)"
    if reduction == "batchmean":
        return loss(formula, x, y, reduction="sum") / x.shape[0]
    return loss(formula, x, y, reduction=reduction)


def bce(p: Tensor, y: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    return loss("-(y*log(x) + (1 - y)*log(1 - x))", p, y, weight=weight, reduction=reduction)


def bce_logits(
    z: Tensor, y: Tensor, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None
) -> Tensor:
    if pos_weight is None:
        return loss("softplus(x) - y*x", z, y, weight=weight, reduction=reduction)
    return loss("w*y*softplus(-x) + (1 - y)*softplus(x)", z, y, pos_weight, weight=weight, reduction=reduction)


def margin_ranking(a: Tensor, b: Tensor, y: Tensor, margin: float = 0.0, reduction: str = "mean") -> Tensor:
    return loss(f"max(0, {margin} - w*(x - y))", a, b, y, reduction=reduction)


# ---------------------------------------------------------------- losses of rows

CLASSES = "z: [C]; t: label[C]"


def cross_entropy(
    z: Tensor,
    t: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    if z.ndim == 1:
        z, t = z[None], t[None]
        shape: tuple[int, ...] = ()
    else:
        shape = (z.shape[0], *z.shape[2:])
    rows = z.movedim(1, -1).reshape(-1, z.shape[1])
    if t.is_floating_point():
        y = t.movedim(1, -1).reshape(rows.shape)
        y = y * (1 - label_smoothing) + label_smoothing / z.shape[1]
        w = torch.ones(z.shape[1]) if weight is None else weight
        found = computed("z: [C]; y: [C]; w: constant[C]; L = -sum(w*y*log(softmax(z)))", rows, y, w, batch="z,y")
        return _joined(found, torch.ones_like(found), shape, reduction)
    t = t.reshape(-1)
    kept = t != ignore_index
    t = torch.where(kept, t, 0)
    if reduction == "mean" and weight is None and not label_smoothing and bool(kept.all()):
        return computed(CLASSES + "; L = softmax_cross_entropy_label(z, t)", rows, t, batch="z,t", reduction="mean")
    w = torch.ones(z.shape[1]) if weight is None else weight
    if label_smoothing:
        text = f"{CLASSES}; w: constant[C]; e: constant; q[k] = (1 - e)*where(k == t, 1, 0) + e/C; L = -sum(w*q*log(softmax(z)))"
        found = computed(text, rows, t, w, label_smoothing, batch="z,t")
    else:
        found = computed(CLASSES + "; w: constant[C]; L = -w[t]*log(softmax(z)[t])", rows, t, w, batch="z,t")
    return _joined(torch.where(kept, found, 0), torch.where(kept, w[t], 0), shape, reduction)


def _joined(found: Tensor, weights: Tensor, shape: tuple[int, ...], reduction: str) -> Tensor:
    if reduction == "none":
        return found.reshape(shape)
    return found.sum() if reduction == "sum" else found.sum() / weights.sum()


def linear_cross_entropy(x: Tensor, linear: Tensor, t: Tensor, **options: Any) -> Tensor:
    if x.ndim != 2 or linear.ndim != 2 or t.is_floating_point() or options.get("bias") is not None:
        raise Left("classes along several axes")
    if set(options) - {"reduction", "options"} or options.get("reduction", "mean") != "mean":
        raise Left("options of the loss, which cross_entropy has")
    text = "x: [d]; W: [C, d]; t: label[C]; z = W @ x; L = softmax_cross_entropy_label(z, t)"
    return computed(text, x, linear, t, batch="x,t", reduction="mean")


def nll(z: Tensor, t: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    shape = () if z.ndim == 1 else (z.shape[0], *z.shape[2:])
    z, t = (z[None], t[None]) if z.ndim == 1 else (z, t)
    rows, t = z.movedim(1, -1).reshape(-1, z.shape[1]), t.reshape(-1)
    kept = t != ignore_index
    t, w = torch.where(kept, t, 0), torch.ones(z.shape[1]) if weight is None else weight
    found = computed(CLASSES + "; w: constant[C]; L = -w[t]*z[t]", rows, t, w, batch="z,t")
    return _joined(torch.where(kept, found, 0), torch.where(kept, w[t], 0), shape, reduction)


def multi_margin(
    s: Tensor, t: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    shape = t.shape if s.ndim == 2 else ()
    s, t = s.reshape(-1, s.shape[-1] if s.ndim else 1), t.reshape(-1)
    w = torch.ones(s.shape[1]) if weight is None else weight
    text = f"s: [C]; t: label[C]; w: constant[C]; m: constant; L = sum(w[t]*max(0, s[j] - s[t] + m)**{p} for j in C if j != t)/C"
    found = computed(text, s, t, w, margin, batch="s,t")
    return _joined(found, torch.ones_like(found), shape, reduction)


def multilabel_soft_margin(z: Tensor, y: Tensor, weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    if weight is not None and weight.ndim > 1:
        raise Left("weights for every entry: a loss of entries, not of rows")
    w = torch.ones(z.shape[-1]) if weight is None else weight
    text = "z: [C]; y: [C]; w: constant[C]; L = mean(w*(y*softplus(-z) + (1 - y)*softplus(z)))"
    found = computed(text, z.reshape(-1, z.shape[-1]), y.reshape(-1, y.shape[-1]), w, batch="z,y").reshape(z.shape[:-1])
    return found if reduction == "none" else getattr(found, reduction)()


PAIR = "x: [n]; y: [n]"


def pair(text: str, x: Tensor, y: Tensor, dim: int, *given: Any) -> Tensor:
    """A number of two vectors along a dimension, at every place along the others."""
    x, y = torch.broadcast_tensors(x, y)
    x, y = (t.reshape(1) if t.ndim == 0 else t for t in (x, y))
    a, b = (t.movedim(dim, -1) for t in (x, y))
    rows = [t.reshape(-1, t.shape[-1]) for t in (a, b)]
    return computed(f"{PAIR}; {text}", *rows, *given, batch="x,y").reshape(a.shape[:-1])


def cosine(x: Tensor, y: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    if eps > 1e-4:
        raise Left("lengths with a lower bound that is reached")
    return pair("c = cosine_similarity(x, y)", x, y, dim if x.ndim > 1 else 0)


def cosine_embedding(x: Tensor, y: Tensor, t: Tensor, margin: float = 0.0, reduction: str = "mean") -> Tensor:
    c = cosine(x, y, -1)
    return loss(f"where(y == 1, 1 - x, y == -1, max(0, x - {margin:.20f}), 0)", c, t.detach(), reduction=reduction)


def pairwise_distance(x: Tensor, y: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    found = pair(
        f"e: constant; r = sum(abs(x - y + e)**{p})**(1/{p})" if p != 2 else "e: constant; r = norm(x - y + e)", x, y, -1, eps
    )
    return found.unsqueeze(-1) if keepdim else found


def triplet(
    a: Tensor,
    p: Tensor,
    n: Tensor,
    margin: float = 1.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
    **rest: Any,
) -> Tensor:
    if swap or rest:
        raise Left("the smaller of two distances, or another distance")
    text = "a: [d]; p: [d]; n: [d]; mu: constant; e: constant; L = max(0, mu + norm(a - p + e) - norm(a - n + e))"
    found = computed(text, a, p, n, margin, eps, batch="a,p,n")
    return found if reduction == "none" else getattr(found, reduction)()


def dist(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    a, b = (t.reshape(-1) for t in torch.broadcast_tensors(x, y))
    return computed(f"{PAIR}; r = norm(x - y)" if p == 2 else f"{PAIR}; r = sum(abs(x - y)**{p})**(1/{p})", a, b)


def cdist(x: Tensor, y: Tensor, p: float = 2.0, mode: str = "") -> Tensor:
    if p != 2 or x.ndim != 2:
        raise Left("other distances, and distances within examples")
    return computed("X: [m, d]; Y: [n, d]; D[i, j] = sqrt(sum((X[i, k] - Y[j, k])**2 for k in d))", x, y)


# ---------------------------------------------------------------- reductions

NORMS = {1: "sum(abs(x))", 2: "norm(x)", 3: "sum(abs(x)**3)**(1/3)", 4: "sum(x**4)**(1/4)", 0.5: "sum(abs(x)**0.5)**2",
         6: "sum(x**6)**(1/6)", 0.9: "sum(abs(x)**0.9)**(1/0.9)", 1.2: "sum(abs(x)**1.2)**(1/1.2)",
         math.inf: "max(abs(x))", -math.inf: "min(abs(x))"}  # fmt: skip


def of(formula: str) -> Spelled:
    """A number of the entries along dimensions."""

    def spelled(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        return reduced(f"x: [n]; r = {formula}", x, dim, keepdim)

    return spelled


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    p = 2 if p in (None, "fro") else p
    if p not in NORMS:
        raise Left("norms that count, and those that are least of all entries")
    return reduced(f"x: [n]; r = {NORMS[p]}", x, dim, keepdim)


def vector_norm(x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:  # noqa: A002
    if isinstance(dim, tuple | list) and len(dim) == 0:
        raise Left("no dimension")
    return norm(x, ord, dim, keepdim)


def matrix_norm(x: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:  # noqa: A002
    if ord != "fro":
        raise Left("norms by singular values, and by rows or columns")
    return norm(x, 2, dim, keepdim)


def linalg_norm(x: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:  # noqa: A002
    vectors = isinstance(dim, int) or (dim is None and x.ndim == 1)
    if ord is None or ord == "fro" or (ord in NORMS and vectors):
        return norm(x, ord, dim, keepdim)
    raise Left("norms of matrices other than Frobenius'")


def normalize(x: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    if p != 2:
        raise Left("other norms")
    return along(f"x: [n]; y = x/max(norm(x), {eps:.20f})", x, dim)


def variance(root: bool, both: bool = False) -> Spelled:
    def spelled(x: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        less = correction if correction is not None else int(unbiased)
        found = of(f"sum((x - mean(x))**2)/(n - {less})" if less else "var(x)")(x, dim, keepdim)
        if root:
            found = of(f"sqrt(sum((x - mean(x))**2)/(n - {less}))" if less else "std(x)")(x, dim, keepdim)
        return (found, of("mean(x)")(x, dim, keepdim)) if both else found

    return spelled


def largest(word: str) -> Spelled:
    def spelled(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is None:
            raise Left("the gradient of several largest entries, which is shared")
        return of(f"{word}(x)")(x, dim, keepdim)

    return spelled


def argmax(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return of("argmax(x)")(x.detach(), dim, keepdim)


def cumulative(formula: str) -> Spelled:
    return lambda x, dim, dtype=None: along(f"x: [n]; y: [n]; y[i] = {formula}", x, dim)


def trace(x: Tensor) -> Tensor:
    m, n = x.shape
    short = min(m, n)
    return computed("X: [n, n]; r = trace(X)", x[:short, :short])


def diff(x: Tensor, n: int = 1, dim: int = -1, prepend: Tensor = None, append: Tensor = None) -> Tensor:
    parts = [t for t in (prepend, x, append) if t is not None]
    x = (
        torch.cat(
            [
                torch.broadcast_to(p, [*x.shape[: dim % x.ndim], p.shape[dim] if p.ndim else 1, *x.shape[dim % x.ndim + 1 :]])
                for p in parts
            ],
            dim,
        )
        if len(parts) > 1
        else x
    )
    if n != 1 or x.shape[dim] < 2:
        raise Left("differences of differences, or of nothing")
    moved = x.movedim(dim, -1)
    rows = moved.reshape(-1, x.shape[dim])
    return (
        computed("x: [n + 1]; d = x[1:] - x[:-1]", rows, batch="x", n=rows.shape[1] - 1)
        .reshape(*moved.shape[:-1], -1)
        .movedim(-1, dim)
    )


# ---------------------------------------------------------------- products of matrices


def matmul(x: Tensor, y: Tensor) -> Tensor:
    a, b = x.ndim, y.ndim
    texts = {
        (1, 1): "x: [n]; y: [n]; r = x @ y",
        (2, 1): "X: [m, n]; y: [n]; r = X @ y",
        (1, 2): "x: [m]; Y: [m, n]; r = Y.T @ x",
        (2, 2): "X: [m, n]; Y: [n, k]; R = X @ Y",
    }
    if (a, b) in texts:
        return computed(texts[a, b], x, y)
    x = x[None] if (one := a == 1) else x
    y = y[:, None] if (column := b == 1) else y
    ahead = torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = (torch.broadcast_to(t, (*ahead, *t.shape[-2:])).reshape(-1, *t.shape[-2:]) for t in (x, y))
    found = computed("X: [b, m, n]; Y: [b, n, k]; R[i, j, l] = sum(X[i, j, r]*Y[i, r, l] for r in n)", x, y)
    found = found.reshape(*ahead, *found.shape[1:])
    found = found.squeeze(-2) if one else found
    return found.squeeze(-1) if column else found


def added(product: str, a: str, b: str, out: str) -> Spelled:
    """beta C + alpha times a product."""

    def spelled(c: Tensor, x: Tensor, y: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
        shapes = {letter: n for letters, t in ((a, x), (b, y)) for letter, n in zip(letters, t.shape, strict=True)}
        c = torch.broadcast_to(c, [shapes[letter] for letter in out])
        text = f"C: [{', '.join(out)}]; X: [{', '.join(a)}]; Y: [{', '.join(b)}]; beta: constant; alpha: constant; "
        return computed(text + f"R = beta*C + alpha*({product})" if "[" not in product else text + product, c, x, y, beta, alpha)

    return spelled


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rows = x.reshape(-1, x.shape[-1])
    if bias is None:
        found = computed("x: [n]; W: [m, n]; a = W @ x", rows, weight, batch="x")
    else:
        found = computed("h: [n]; W: [m, n]; b: [m]; a = affine(W, h, b)", rows, weight, bias, batch="h")
    return found.reshape(*x.shape[:-1], -1)


def bilinear(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    rows = [t.reshape(-1, t.shape[-1]) for t in (x, y)]
    text = "x: [m]; y: [n]; W: [k, m, n]; r[l] = sum(x[i]*W[l, i, j]*y[j] for i in m for j in n)"
    found = computed(text, *rows, weight, batch="x,y").reshape(*x.shape[:-1], -1)
    return found if bias is None else entries("x + y", found, bias)


def einsum(tensors: Any, equation: str) -> Tensor:
    left, right = equation.replace(" ", "").split("->") if "->" in equation else (equation, "")
    parts = left.split(",")
    if "." in equation or any(len(set(p)) < len(p) for p in parts) or not re.fullmatch("[a-z,]*", left + right) or not right:
        raise Left("an equation whose letters say more than the axes of a sum")
    names = [f"X{k}" for k in range(len(parts))]
    declared = "; ".join(f"{n}: [{', '.join('n' + c for c in p)}]" for n, p in zip(names, parts, strict=True))
    product = "*".join(f"{n}[{', '.join(p)}]" for n, p in zip(names, parts, strict=True))
    over = "".join(f" for {c} in n{c}" for c in dict.fromkeys(left) if c not in right and c != ",")
    return computed(f"{declared}; R[{', '.join(right)}] = {f'sum({product}{over})' if over else product}", *tensors)


def multi_dot(tensors: Any) -> Tensor:
    if len(tensors) > 3 or any(t.ndim != 2 for t in tensors):
        raise Left("longer products, which are cut by the sizes of their factors")
    names = "ABC"[: len(tensors)]
    text = "; ".join(f"{n}: [n{k}, n{k + 1}]" for k, n in enumerate(names))
    return computed(f"{text}; R = {' @ '.join(names)}", *tensors)


def tensordot(x: Tensor, y: Tensor, dims: Any = 2) -> Tensor:
    if dims != 2:
        raise Left("axes given by lists")
    return computed("X: [a, m, n]; Y: [m, n, b]; R[i, j] = sum(X[i, k, l]*Y[k, l, j] for k in m for l in n)", x, y)


def cross(x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    x, y = torch.broadcast_tensors(x, y)
    a, b = (t.movedim(dim, -1).reshape(-1, 3) for t in (x, y))
    turned = "where(i == 0, x[1]*y[2] - x[2]*y[1], i == 1, x[2]*y[0] - x[0]*y[2], x[0]*y[1] - x[1]*y[0])"
    found = computed(f"x: [3]; y: [3]; r: [3]; r[i] = {turned}", a, b, batch="x,y")
    return found.reshape(x.movedim(dim, -1).shape).movedim(-1, dim)


# ---------------------------------------------------------------- layers


def padded(x: Tensor, padding: Any, dims: int, value: float) -> Tensor:
    padding = (padding,) * dims if isinstance(padding, int) else tuple(padding) * (dims if len(padding) == 1 else 1)
    return functional.pad(x, [p for one in reversed(padding) for p in (one, one)], value=value)


def several(given: Any, dims: int) -> tuple[int, ...]:
    return (given,) * dims if isinstance(given, int) else tuple(given) * (dims if len(given) == 1 else 1)


def conv(dims: int) -> Spelled:

    def spelled(
        x: Tensor, w: Tensor, b: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Tensor:
        stride, dilation = several(stride, dims), several(dilation, dims)
        if groups != 1 or set(dilation) != {1} or len(set(stride)) != 1 or padding == "same":
            raise Left("groups, dilation, and strides that differ")
        x = padded(x, 0 if padding == "valid" else padding, dims, 0.0)
        x, one = (x, False) if x.ndim == dims + 2 else (x[None], True)
        b = torch.zeros(w.shape[0]) if b is None else b
        text = {
            1: "x: [C, s*(O - 1) + K]; w: [D, C, K]; b: [D]; s: size; "
            "y[d, o] = sum(w[d, c, k]*x[c, s*o + k] for c in C for k in K) + b[d]",
            2: "x: [C, s*(P - 1) + K, s*(Q - 1) + M]; w: [D, C, K, M]; b: [D]; s: size; "
            "y[d, o, q] = sum(w[d, c, k, l]*x[c, s*o + k, s*q + l] for c in C for k in K for l in M) + b[d]",
        }[dims]
        s, outs = stride[0], [(n - k) // stride[0] + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
        for axis, (o, k) in enumerate(zip(outs, w.shape[2:], strict=True)):
            x = x.narrow(axis + 2, 0, s * (o - 1) + k)
        found = computed(text, x, w, b, batch="x", s=s, **dict(zip("OPQ"[dims - 1 :] if dims == 2 else "O", outs, strict=False)))
        return found[0] if one else found

    return spelled


def pool(dims: int, word: str) -> Spelled:
    def spelled(x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, *args: Any, **options: Any) -> Any:
        names = (
            ("dilation", "ceil_mode", "return_indices")
            if word == "max"
            else ("ceil_mode", "count_include_pad", "divisor_override")
        )
        options = dict(zip(names, args, strict=False)) | options
        sizes, steps = several(kernel_size, dims), several(stride or kernel_size, dims)
        if options.get("ceil_mode") or options.get("return_indices") or options.get("divisor_override"):
            raise Left("windows that leave the input, and where the largest was")
        if set(several(options.get("dilation", 1), dims)) != {1} or len(set(steps)) != 1:
            raise Left("dilation, and strides that differ")
        if word == "mean" and not options.get("count_include_pad", True) and padding not in (0, (0,)):
            raise Left("means of what is not padding")
        x, one = (x[None], True) if x.ndim == dims + 1 else (x, False)
        x = padded(x, padding, dims, -math.inf if word == "max" else 0.0)
        s, outs = steps[0], [(n - k) // steps[0] + 1 for n, k in zip(x.shape[2:], sizes, strict=True)]
        for axis, (o, k) in enumerate(zip(outs, sizes, strict=True)):
            x = x.narrow(axis + 2, 0, s * (o - 1) + k)
        text = {
            1: f"s: size; x: [s*(O - 1) + K]; y[o] = {word}(x[s*o + k] for k in K)",
            2: f"s: size; X: [s*(P - 1) + K, s*(Q - 1) + M]; Y = {'max' if word == 'max' else 'avg'}_pool2d(X)",
        }[dims]
        lengths = dict(zip(("P", "Q") if dims == 2 else ("O",), outs, strict=True)) | dict(zip("KM", sizes, strict=False))
        found = computed(text, x.reshape(-1, *x.shape[2:]), batch="xX"[dims - 1], s=s, **lengths).reshape(*x.shape[:2], *outs)
        return found[0] if one else found

    return spelled


def or_else(given: Tensor | None, x: Tensor, shape: Any, value: float) -> Tensor:
    return torch.full(tuple(shape), value) if given is None else given


def layer_norm(x: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    if eps < 0:
        raise Left("a negative ε")
    n = math.prod(shape)
    gamma, beta = (or_else(g, x, shape, v).reshape(n) for g, v in ((weight, 1.0), (bias, 0.0)))
    text = "x: [n]; gamma: [n]; beta: [n]; epsilon: positive constant; y = layer_norm(x, gamma, beta, epsilon)"
    return computed(text, x.reshape(-1, n), gamma, beta, eps, batch="x").reshape(x.shape)


def rms_norm(x: Tensor, shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    if eps is not None and eps < 0:
        raise Left("a negative ε")
    n, gamma = math.prod(shape), or_else(weight, x, shape, 1.0)
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    text = "x: [n]; gamma: [n]; epsilon: positive constant; y = rms_norm(x, gamma, epsilon)"
    return computed(text, x.reshape(-1, n), gamma.reshape(n), eps, batch="x").reshape(x.shape)


def group_norm(x: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    if eps < 0:
        raise Left("a negative ε")
    gamma, beta = (or_else(g, x, x.shape[1:2], v).reshape(groups, -1) for g, v in ((weight, 1.0), (bias, 0.0)))
    text = "x: [G, C, n]; gamma: [G, C]; beta: [G, C]; epsilon: positive constant; y = group_norm(x, gamma, beta, epsilon)"
    rows = x.reshape(x.shape[0], groups, x.shape[1] // groups, -1)
    return computed(text, rows, gamma, beta, eps, batch="x").reshape(x.shape)


def batch_norm(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    gamma, beta = (or_else(g, x, x.shape[1:2], v) for g, v in ((weight, 1.0), (bias, 0.0)))
    rows = x.movedim(1, -1)
    shape, rows = rows.shape, rows.reshape(-1, x.shape[1])
    if training:
        text = "X: [N, n]; gamma: [n]; beta: [n]; epsilon: positive constant; Y = batch_norm(X, gamma, beta, epsilon)"
        found = computed(text, rows, gamma, beta, eps)
    else:
        text = "x: [n]; gamma: [n]; beta: [n]; mu: constant[n]; v: constant[n]; epsilon: positive constant; "
        found = computed(text + "y = gamma*(x - mu)/sqrt(v + epsilon) + beta", rows, gamma, beta, mean, var, eps, batch="x")
    return found.reshape(shape).movedim(-1, 1)


def instance_norm(
    x: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not use_input_stats:
        raise Left("running means")
    return group_norm(x, x.shape[1], weight, bias, eps)


def embedding(table: Tensor, t: Tensor, padding_idx: int | None = None, max_norm: float | None = None, **options: Any) -> Tensor:
    if padding_idx is not None or max_norm is not None or any(options.values()):
        raise Left("rows that get no gradient, or are changed")
    return computed("E: [V, d]; t: label[V]; y = embedding(E, t)", table, t.reshape(-1), batch="t").reshape(*t.shape, -1)


def attention(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False,
              scale: float | None = None, enable_gqa: bool = False) -> Tensor:  # fmt: skip
    if dropout_p:
        raise Left("random numbers")
    if enable_gqa:
        raise Left("heads that share keys")
    if attn_mask is not None and (attn_mask.dtype == torch.bool or attn_mask.requires_grad):
        raise Left("a mask that is trained")
    ahead = torch.broadcast_shapes(*(t.shape[:-2] for t in (q, k, v)))
    q, k, v = (torch.broadcast_to(t, (*ahead, *t.shape[-2:])).reshape(-1, *t.shape[-2:]) for t in (q, k, v))
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    declared = "Q: [n, d]; K: [m, d]; V: [m, v]; c: constant; "
    if is_causal:
        text = "S = c*Q @ K.T; P[i, j] = where(j <= i, exp(S[i, j]), 0)/sum(exp(S[i, k]) for k in m if k <= i); O = P @ V"
        found = computed(declared + text, q, k, v, scale, batch="Q,K,V")
    elif attn_mask is None:
        found = computed(declared + "O = softmax(c*Q @ K.T) @ V", q, k, v, scale, batch="Q,K,V")
    else:
        mask = torch.broadcast_to(attn_mask, (*ahead, q.shape[-2], k.shape[-2])).reshape(-1, q.shape[-2], k.shape[-2])
        text = "M: constant[n, m]; O = softmax(c*Q @ K.T + M) @ V"
        found = computed(declared + text, q, k, v, scale, mask, batch="Q,K,V,M")
    return found.reshape(*ahead, *found.shape[1:])


def local_response_norm(x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    rows = x.movedim(1, -1)
    text = (
        f"x: [n]; s: [n]; s[i] = sum(x[j]**2 for j in n if j <= i + {(size - 1) // 2} if i <= j + {size // 2})/{size}; "
        f"y = x/({k} + {alpha:.10f}*s)**{beta}"
    )
    return computed(text, rows.reshape(-1, x.shape[1]), batch="x").reshape(rows.shape).movedim(-1, 1)


# ---------------------------------------------------------------- the table

ENTRIES: dict[str, Spelled] = {
    # functions of one number
    "abs": each("abs(x)"),
    "neg": each("-x"),
    "exp": each("exp(x)"),
    "exp2": each("2**x"),
    "expm1": each("expm1(x)"),
    "log": each("log(x)"),
    "log1p": each("log1p(x)"),
    "log2": each("log2(x)"),
    "log10": each("log10(x)"),
    "sqrt": each("sqrt(x)"),
    "rsqrt": each("1/sqrt(x)"),
    "square": each("x**2"),
    "reciprocal": each("1/x"),
    "sin": each("sin(x)"),
    "cos": each("cos(x)"),
    "tan": each("sin(x)/cos(x)"),
    "sinh": each("sinh(x)"),
    "cosh": each("cosh(x)"),
    "tanh": each("tanh(x)"),
    "atan": each("arctan(x)"),
    "asinh": each("where(x < 0, -log(sqrt(x**2 + 1) - x), log(x + sqrt(x**2 + 1)))"),
    "acosh": each("log(x + sqrt(x**2 - 1))"),
    "atanh": each("log((1 + x)/(1 - x))/2"),
    "erf": each("erf(x)"),
    "erfc": each("2*normal_cdf(-sqrt(2)*x)"),
    "sign": each("sign(x)"),
    "sgn": each("sign(x)"),
    "sigmoid": each("sigmoid(x)"),
    "logit": logit,
    "sinc": each("where(x == 0, 1, sin(pi*x)/(pi*x))"),
    "deg2rad": each("pi*x/180"),
    "rad2deg": each("180*x/pi"),
    "special.entr": each("-x*log(x)"),
    "special.ndtr": each("normal_cdf(x)"),
    "special.log_ndtr": each("log(normal_cdf(x))"),
    "nn.functional.relu": each("relu(x)"),
    "nn.functional.relu6": each("clip(x, 0, 6)"),
    "nn.functional.elu": lambda x, alpha=1.0: entries("elu(x, y)", x, alpha),
    "nn.functional.celu": lambda x, alpha=1.0: entries("where(x > 0, x, y*(exp(x/y) - 1))", x, alpha),
    "nn.functional.selu": each("selu(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946)"),
    "nn.functional.gelu": gelu,
    "nn.functional.silu": each("silu(x)"),
    "nn.functional.mish": each("mish(x)"),
    "nn.functional.softplus": softplus,
    "nn.functional.softsign": each("softsign(x)"),
    "nn.functional.logsigmoid": each("log(sigmoid(x))"),
    "nn.functional.hardsigmoid": each("hard_sigmoid(x)"),
    "nn.functional.hardswish": each("x*hard_sigmoid(x)"),
    "nn.functional.hardtanh": lambda x, min_val=-1.0, max_val=1.0: entries("clip(x, y, w)", x, min_val, max_val),
    "nn.functional.hardshrink": lambda x, lambd=0.5: entries("where(abs(x) > y, x, 0)", x, lambd),
    "nn.functional.softshrink": lambda x, lambd=0.5: entries("where(x > y, x - y, x < -y, x + y, 0)", x, lambd),
    "nn.functional.tanhshrink": each("x - tanh(x)"),
    "nn.functional.threshold": lambda x, threshold, value: entries("where(x > y, x, w)", x, threshold, value),
    "nn.functional.leaky_relu": lambda x, slope=0.01: entries("leaky_relu(x, y)", x, slope),
    # of two and more
    "add": sum_of,
    "sub": lambda x, y, alpha=1: sum_of(x, y, alpha=-alpha),
    "mul": each("x*y"),
    "div/no_rounding_mode": lambda x, y, rounding_mode=None: entries("x/y", x, y),
    "pow": power,
    "float_power": power,
    "maximum": each("max(x, y)"),
    "minimum": each("min(x, y)"),
    "clamp": clamp,
    "clamp_min": lambda x, bound: clamp(x, bound),
    "clamp_max": lambda x, bound: clamp(x, None, bound),
    "hypot": each("sqrt(x**2 + y**2)"),
    "xlogy": each("x*log(y)"),
    "special.xlog1py": each("x*log(1 + y)"),
    "logaddexp": each("logaddexp(x, y)"),
    "logaddexp2": each("log(2**x + 2**y)/log(2)"),
    "lerp": lambda x, y, weight: entries("x + w*(y - x)", x, y, weight),
    "addcmul": lambda x, y, w, value=1: entries("x + v*y*w", x, y, w, value),
    "addcdiv": lambda x, y, w, value=1: entries("x + v*y/w", x, y, w, value),
}
"""Operations whose entries are each by itself."""

OPERATIONS: dict[str, Spelled] = ENTRIES | {
    "nn.functional.prelu": prelu,
    "nn.functional.glu": glu,
    "where": lambda x, c, y: entries("where(w > 0, x, y)", x, y, c),
    # along an axis
    "softmax": lambda x, dim, dtype=None: along("x: [n]; y = softmax(x)", x, dim),
    "log_softmax": lambda x, dim, dtype=None: along("x: [n]; y = log_softmax(x)", x, dim),
    "nn.functional.softmin": lambda x, dim, dtype=None: along("x: [n]; y = softmin(x)", x, dim),
    "logsumexp": of("logsumexp(x)"),
    "cumsum": cumulative("sum(x[j] for j in n if j <= i)"),
    "cumprod": cumulative("prod(x[j] for j in n if j <= i)"),
    "logcumsumexp": cumulative("log(sum(exp(x[j]) for j in n if j <= i))"),
    "diff": diff,
    "sum": of("sum(x)"),
    "mean": of("mean(x)"),
    "prod": of("prod(x)"),
    "amax": largest("max"),
    "amin": largest("min"),
    "argmax": argmax,
    "var": variance(False),
    "std": variance(True),
    "var/unbiased": variance(False),
    "std/unbiased": variance(True),
    "var_mean": variance(False, both=True),
    "std_mean": variance(True, both=True),
    "norm": norm,
    "linalg.norm": linalg_norm,
    "linalg.vector_norm": vector_norm,
    "linalg.matrix_norm": matrix_norm,
    "nn.functional.normalize": normalize,
    "dist": dist,
    "cdist": cdist,
    "nn.functional.pairwise_distance": pairwise_distance,
    "nn.functional.cosine_similarity": cosine,
    # products
    "matmul": matmul,
    "mm": matmul,
    "mv": matmul,
    "bmm": matmul,
    "dot": matmul,
    "outer": lambda x, y: computed("x: [m]; y: [n]; R[i, j] = x[i]*y[j]", x, y),
    "addmm": added("X @ Y", "mk", "kn", "mn"),
    "addmv": added("X @ Y", "mn", "n", "m"),
    "addr": added("R[i, j] = beta*C[i, j] + alpha*X[i]*Y[j]", "m", "n", "mn"),
    "baddbmm": added("R[i, j, l] = beta*C[i, j, l] + alpha*sum(X[i, j, r]*Y[i, r, l] for r in k)", "bmk", "bkn", "bmn"),
    "addbmm": added("R[j, l] = beta*C[j, l] + alpha*sum(X[i, j, r]*Y[i, r, l] for i in b for r in k)", "bmk", "bkn", "mn"),
    "einsum": einsum,
    "tensordot": tensordot,
    "linalg.multi_dot": multi_dot,
    "linalg.vecdot": lambda x, y, dim=-1: pair("r = x @ y", x, y, dim),
    "linalg.cross": cross,
    "trace": trace,
    # layers
    "nn.functional.linear": linear,
    "nn.functional.bilinear": bilinear,
    "nn.functional.embedding": embedding,
    "nn.functional.conv1d": conv(1),
    "nn.functional.conv2d": conv(2),
    "nn.functional.avg_pool1d": pool(1, "mean"),
    "nn.functional.avg_pool2d": pool(2, "mean"),
    "nn.functional.max_pool1d": pool(1, "max"),
    "nn.functional.max_pool2d": pool(2, "max"),
    "nn.functional.layer_norm": layer_norm,
    "nn.functional.rms_norm": rms_norm,
    "nn.functional.group_norm": group_norm,
    "nn.functional.batch_norm": batch_norm,
    "nn.functional.instance_norm": instance_norm,
    "nn.functional.local_response_norm": local_response_norm,
    "nn.functional.scaled_dot_product_attention": attention,
    # losses
    "nn.functional.mse_loss": lambda x, y, reduction="mean": loss("(x - y)**2", x, y, reduction=reduction),
    "nn.functional.l1_loss": lambda x, y, reduction="mean": loss("abs(x - y)", x, y, reduction=reduction),
    "nn.functional.smooth_l1_loss": smooth_l1,
    "nn.functional.huber_loss": huber,
    "nn.functional.kl_div": kl_div,
    "nn.functional.binary_cross_entropy": bce,
    "nn.functional.binary_cross_entropy_with_logits": bce_logits,
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.linear_cross_entropy": linear_cross_entropy,
    "nn.functional.nll_loss": nll,
    "nn.functional.poisson_nll_loss": poisson,
    "nn.functional.gaussian_nll_loss": gaussian,
    "nn.functional.soft_margin_loss": lambda x, y, reduction="mean": loss("softplus(-y*x)", x, y, reduction=reduction),
    "nn.functional.margin_ranking_loss": margin_ranking,
    "nn.functional.hinge_embedding_loss": hinge_embedding,
    "nn.functional.multi_margin_loss": multi_margin,
    "nn.functional.multilabel_soft_margin_loss": multilabel_soft_margin,
    "nn.functional.cosine_embedding_loss": cosine_embedding,
    "nn.functional.triplet_margin_loss": triplet,
}

NOT = "a number is neither more nor less than NaN: the value, or the slope, is that of the branch taken then"
MOVES = "PyTorch gives NaN, of 0 times an infinity; derive has the slope that the formula has there"
OUTSIDE = "outside the domain: no value, or another than PyTorch's; log x has the slope 1/x everywhere"
SQUARES = "squares overflow"
FLAT = "PyTorch multiplies by a sixth that is rounded to float32, in float64 as well"
LOGS = "PyTorch takes this gradient through logarithms, which loses digits; derive's rounds y where the logits are large"
CANCELS = "what cancels near 0, or beyond the numbers whose squares are numbers"
BEHIND = "a logarithm of what has become 0; see docs/kernels.md"
WELFORD = "the mean of an infinity is one; PyTorch's running mean has become NaN"
FOLDED = "PyTorch multiplies γ with 1/σ and shifts by μ γ/σ: an infinite γ gives ∞ − ∞"
EITHER = "of a value that is infinite or NaN no gradient is promised"

OTHERWISE: dict[str, dict[str, str]] = {
    "rsqrt": {"-0": "the sign of an infinite slope", "-inf": OUTSIDE},
    "asinh": dict.fromkeys(("huge", "-huge", "inf", "-inf"), CANCELS),
    "acosh": dict.fromkeys(("huge", "-huge", "inf", "-inf", "edge", "-edge", "large", "-large"), CANCELS),
    "atanh": {"1": "the sign of an infinite slope", "-1": "the sign of an infinite slope"},
    "logit": dict.fromkeys((*EXTREMES, *KINKS), OUTSIDE),
    "sinc": dict.fromkeys(("denormal", "-denormal", "tiny", "-tiny"), CANCELS) | {"nan": NOT},
    "special.entr": dict.fromkeys((*EXTREMES, *KINKS), OUTSIDE),
    "special.log_ndtr": {"-edge": BEHIND, "-large": BEHIND},
    "nn.functional.relu": {"nan": NOT},
    "nn.functional.softsign": {"inf": MOVES, "-inf": MOVES},
    "nn.functional.hardsigmoid": dict.fromkeys(("own", *EXTREMES, *KINKS), FLAT),
    "nn.functional.hardshrink": {"nan": NOT},
    "nn.functional.softshrink": {"nan": NOT},
    "nn.functional.threshold": {"nan": NOT},
    "maximum": {"nan": NOT},
    "minimum": {"nan": NOT},
    "clamp": {"nan": NOT},
    "clamp_min": {"nan": NOT},
    "clamp_max": {"nan": NOT},
    "amax": {"nan": NOT},
    "amin": {"nan": NOT},
    "hypot": {"huge": SQUARES, "-huge": SQUARES},
    "float_power": {"edge": EITHER},
    "logsumexp": {"inf": EITHER},
    "cumprod": dict.fromkeys(("inf", "-inf", "nan", "denormal", "-denormal"), MOVES),
    "prod": dict.fromkeys(("inf", "-inf", "nan", "denormal", "-denormal"), MOVES),
    "logcumsumexp": dict.fromkeys(("own", *EXTREMES), LOGS),
    "std": {"huge": SQUARES, "-huge": SQUARES},
    "std/unbiased": {"huge": SQUARES, "-huge": SQUARES},
    "var_mean": {"inf": WELFORD, "-inf": WELFORD},
    "std_mean": {"huge": SQUARES, "-huge": SQUARES, "inf": WELFORD, "-inf": WELFORD},
    "cdist": {"inf": "PyTorch squares and subtracts: ∞ − ∞", "-inf": "PyTorch squares and subtracts: ∞ − ∞"},
    "linalg.multi_dot": {"inf": "the order in which three matrices are multiplied", "-inf": "the order of products"},
    "nn.functional.bilinear": {"inf": "the order of products", "-inf": "the order of products"},
    "nn.functional.layer_norm": {"huge": SQUARES, "-huge": SQUARES},
    "nn.functional.group_norm": {"huge": SQUARES, "-huge": SQUARES, "inf": FOLDED, "-inf": FOLDED},
    "nn.functional.instance_norm": {"huge": SQUARES, "-huge": SQUARES, "inf": FOLDED, "-inf": FOLDED},
    "nn.functional.batch_norm": {"huge": SQUARES, "-huge": SQUARES, "inf": FOLDED, "-inf": FOLDED},
    "nn.functional.smooth_l1_loss": {"nan": NOT},
    "nn.functional.binary_cross_entropy_with_logits": {"-inf": "softplus(−∞) + ∞ y is ∞; PyTorch subtracts ∞ from ∞"},
    "nn.functional.soft_margin_loss": dict.fromkeys(
        ("edge", "-edge", "huge", "-huge"), "PyTorch overflows: log(1 + e^z) is z there"
    ),
    "nn.functional.multi_margin_loss": {"nan": "PyTorch drops a margin that is NaN"},
    "nn.functional.hinge_embedding_loss": {"nan": NOT},
    "nn.functional.cosine_embedding_loss": {"huge": SQUARES, "-huge": SQUARES, "nan": NOT},
    "nn.functional.triplet_margin_loss": {"nan": NOT},
}
"""Where the two differ on purpose: at which extreme numbers, `own` for those of PyTorch's samples, and why."""


@pytest.fixture(autouse=True)
def how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(op_db, "KIND", [Compiled] if ALL else [Made])


def by_size(sample: Sample) -> int:
    """Samples of a few entries come first, then the others by their size."""
    return 0 if 3 < sample.entries <= SMALL else sample.entries


def found_at(name: str, spelled: Spelled) -> tuple[int, set[tuple[str, str]]]:
    """How many samples were taken, and what differs at them, and at the first of them with extreme numbers."""
    found: set[tuple[str, str]] = set()
    own: list[Sample] = []
    dtypes = ("float32", "float64") if ALL else ("float32",)
    for sample in sorted(samples(name), key=by_size):
        with suppress(Left):
            for dtype in dtypes:
                found |= {*differences(name, spelled, sample, dtype)}
            own.append(sample)
        if len(own) == FEW and not ALL:
            break
    pointwise = name in ENTRIES
    numbers = (*EXTREMES, *(KINKS if pointwise else ())) if ALL or pointwise else FEW_EXTREMES
    for dtype in dtypes if own and name not in OF_SOME_NUMBERS else ():
        for sample in with_extremes(own[0], dtype, numbers, pointwise):
            found |= {*differences(name, spelled, sample, dtype)}
    return len(own), found


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_of_pytorch_is_what_a_kernel_computes(name: str) -> None:
    taken, found = found_at(name, OPERATIONS[name])
    assert taken, "every sample is left out"
    off = sorted(text for at, text in found if at not in OTHERWISE.get(name, {}))
    assert not off, "\n".join(off[:10])


OF_SOME_NUMBERS = ("nn.functional.binary_cross_entropy", "nn.functional.gaussian_nll_loss")
"""PyTorch refuses probabilities that are none, and variances below 0."""


def test_what_differs_is_an_operation_of_the_table() -> None:
    assert set(OTHERWISE) <= set(OPERATIONS)


PLANTED: dict[str, Spelled] = {
    "sigmoid": each("1/(1 + exp(-1.00001*x))"),
    "nn.functional.gelu": lambda x, approximate: entries("gelu(x)", x),
    "nn.functional.relu": each("where(x >= 0, x, 0)"),
    "logsumexp": of("log(sum(exp(x)))/1.00001"),
    "nn.functional.cross_entropy": lambda z, t, **_: cross_entropy(z, t, reduction="sum"),
    "var": lambda x, dim=None, **options: variance(False)(x, dim, **options | {"unbiased": False, "correction": None}),
}
"""Operations that are nearly those of PyTorch."""


@pytest.mark.parametrize("name", PLANTED)
def test_an_operation_that_is_another_is_found(name: str) -> None:
    assert {at for at, _ in found_at(name, PLANTED[name])[1]} - {*OTHERWISE.get(name, {})}
