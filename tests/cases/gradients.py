"""Definitions and what they compute, written a second time by hand for arrays, and by the functions of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any

SIZES = {
    "n": 3, "m": 4, "C": 5, "D": 6, "G": 2, "N": 2, "d": 6, "v": 5, "V": 7,
    "K": 2, "M": 3, "O": 4, "P": 6, "Q": 4, "s": 3, "p": 4,
}  # fmt: skip
"""How long every axis is: no two in one definition are equal, so that a transposed gradient cannot hide."""

OWN_SIZES = {
    "conv2d_layer": {"D": 2, "C": 3, "K": 4, "M": 1, "P": 5, "Q": 6, "H": 10, "W": 9, "s": 2, "p": 1},
    "softmax_cross_entropy_weighted": {"N": 4, "C": 5},
}
"""Those of a definition in which more axes meet, or that no longer depends on a weight where all examples have one label."""


def softmax(m: Any, z: Array) -> Array:
    return m.exp(z) / m.exp(z).sum(-1)[..., None]


def sigmoid(m: Any, x: Array) -> Array:
    return 1 / (1 + m.exp(-x))


def relu(m: Any, x: Array) -> Array:
    return m.where(x > 0, x, 0 * x)


def normalized(m: Any, x: Array, epsilon: Array) -> Array:
    """x brought to mean 0 and variance 1 over its first axis."""
    centred = x - x.mean(0)
    return centred / m.sqrt((centred**2).mean(0) + epsilon)


def margins(m: Any, s: Array, t: int) -> list[Array]:
    """max(0, s_j - s_t + 1) for all j but t."""
    return [relu(m, s[j] - s[t] + 1) for j in range(len(s)) if j != t]


def windows(m: Any, x: Array, width: int, stride: int) -> Array:
    """Row o is x[stride o : stride o + width]."""
    return m.stack([x[o : o + width] for o in range(0, len(x) - width + 1, stride)])


def windows2d(m: Any, X: Array, rows: int, columns: int, stride: int) -> Array:
    """Entry (p, q) is the matrix X[stride p : stride p + rows, stride q : stride q + columns]."""
    return m.stack([m.stack([w.T for w in windows(m, W.T, columns, stride)]) for W in windows(m, X, rows, stride)])


def padded(m: Any, x: Array, axis: int, width: int) -> Array:
    """x with so many zeros at both ends of an axis."""
    shape = [*x.shape]
    shape[axis] = width
    return m.concatenate([m.zeros(shape), x, m.zeros(shape)], axis=axis)


def convolution_layer(m: Any, x: Array, w: Array, b: Array, s: int, p: int) -> Array:
    """Windows of x, [C, n], in strides of s, times all kernels, [D, C, K]."""
    x, width = padded(m, x, 1, p), w.shape[2]
    return m.stack([(w * x[:, o : o + width]).sum((1, 2)) + b for o in range(0, x.shape[1] - width + 1, s)], axis=1)


def convolution_layer_2d(m: Any, x: Array, w: Array, b: Array, s: int, p: int) -> Array:
    """Windows of x, [C, H, W], in strides of s, times all kernels, [D, C, K, M]."""
    x, (height, width) = padded(m, padded(m, x, 1, p), 2, p), w.shape[2:]
    steps = [range(0, x.shape[k] - w.shape[k + 1] + 1, s) for k in (1, 2)]
    rows = [m.stack([(w * x[:, o : o + height, q : q + width]).sum((1, 2, 3)) + b for q in steps[1]], axis=1) for o in steps[0]]
    return m.stack(rows, axis=1)


def largest(m: Any, x: Array) -> Array:
    """The maximum over the last axis."""
    return m.amax(x, -1)


def grouped(m: Any, x: Array, gamma: Array, beta: Array, epsilon: Array) -> Array:
    """x, [G, C, n], group by group."""
    return m.stack([gamma[k][:, None] * whole(m, x[k], epsilon) + beta[k][:, None] for k in range(len(x))])


def whole(m: Any, x: Array, epsilon: Array) -> Array:
    """x brought to mean 0 and variance 1 over all its entries."""
    return normalized(m, x.reshape(-1), epsilon).reshape(x.shape)


def causal(m: Any, S: Array, V: Array) -> Array:
    return m.stack([softmax(m, S[i, : i + 1]) @ V[: i + 1] for i in range(len(S))])


def convolution(m: Any, X: Array, W: Array) -> Array:
    rows, columns = W.shape
    P, Q = X.shape[0] - rows + 1, X.shape[1] - columns + 1
    return sum(W[i, j] * X[i : i + P, j : j + Q] for i in range(rows) for j in range(columns))


def picked(m: Any, Z: Array, t: Array) -> Array:
    """The logarithm of the softmax of Z[i] at t[i], for each i."""
    P = softmax(m, Z)
    return m.stack([m.log(P[i, t[i]]) for i in range(len(P))])


def distance(m: Any, x: Array, y: Array) -> Array:
    return m.sqrt(((x - y) ** 2).sum())


def smoothed(m: Any, z: Array, t: int, epsilon: Array) -> Array:
    """The cross-entropy for the target with 1 - epsilon for the label and epsilon shared by all classes."""
    losses = -m.log(softmax(m, z))
    return (1 - epsilon) * losses[t] + epsilon * losses.sum() / len(z)


def long_short(m: Any, x: Array, h0: Array, c0: Array, **given: Array) -> Array:
    """The state that an LSTM cell shows."""
    i, f, o, c = (given[f"W_{g}"] @ x + given[f"U_{g}"] @ h0 + given[f"b_{g}"] for g in "ifoc")
    return sigmoid(m, o) * m.tanh(sigmoid(m, f) * c0 + sigmoid(m, i) * m.tanh(c))


def gated(m: Any, x: Array, h0: Array, c_n: Array, **given: Array) -> Array:
    """The next state of a GRU, as PyTorch has it: the reset gate acts on the product with the state."""
    reset, update = (sigmoid(m, given[f"W_{g}"] @ x + given[f"U_{g}"] @ h0 + given[f"b_{g}"]) for g in "rz")
    return (1 - update) * m.tanh(given["W_n"] @ x + given["b_n"] + reset * (given["U_n"] @ h0 + c_n)) + update * h0


def unrolled(m: Any, h0: Array, W: Array, U: Array, b: Array, **given: Array) -> Array:
    loss = 0
    for k in (1, 2, 3):
        h0 = m.tanh(W @ h0 + U @ given[f"x{k}"] + b)
        loss = loss + ((h0 - given[f"y{k}"]) ** 2).sum() / 2
    return loss


# name: the same computation for arrays, in operations that NumPy, PyTorch and JAX share; `m` is the module of arrays
LIBRARY: dict[str, Callable[..., Array]] = {
    "affine": lambda m, W, h, b: W @ h + b,
    "affine_batch": lambda m, X, W, b: X @ W.T + b,
    "attention": lambda m, Q, K, V: softmax(m, Q @ K.T / K.shape[1] ** 0.5) @ V,
    "attention_causal": lambda m, Q, K, V: causal(m, Q @ K.T / K.shape[1] ** 0.5, V),
    "attention_masked": lambda m, Q, K, V, M: softmax(m, Q @ K.T / K.shape[1] ** 0.5 + M) @ V,
    "avg_pool1d": lambda m, x, K=SIZES["K"], s=SIZES["s"]: windows(m, x, K, s).mean(-1),
    "avg_pool2d": lambda m, X, K=SIZES["K"], M=SIZES["M"], s=SIZES["s"]: windows2d(m, X, K, M, s).mean((-2, -1)),
    "batch_norm": lambda m, X, gamma, beta, epsilon: gamma * normalized(m, X, epsilon) + beta,
    "bilinear": lambda m, x, A, y: x @ A @ y,
    "binary_cross_entropy": lambda m, z, y: -y * m.log(sigmoid(m, z)) - (1 - y) * m.log(1 - sigmoid(m, z)),
    "binary_cross_entropy_logits": lambda m, z, y: -y * m.log(sigmoid(m, z)) - (1 - y) * m.log(1 - sigmoid(m, z)),
    "bptt": unrolled,
    "clip": lambda m, x, a, b: m.maximum(a, m.minimum(b, x)),
    "conv1d": lambda m, x, w, b: windows(m, x, len(w), 1) @ w + b,
    "conv1d_layer": lambda m, x, w, b, s=SIZES["s"], p=SIZES["p"]: convolution_layer(m, x, w, b, s, p),
    "conv2d": lambda m, X, W, b: convolution(m, X, W) + b,
    "conv2d_layer": lambda m, x, w, b, s, p: convolution_layer_2d(m, x, w, b, s, p),
    "cosine_similarity": lambda m, x, y: x @ y / m.sqrt(x @ x) / m.sqrt(y @ y),
    "cross_entropy": lambda m, p, y: -(y * m.log(p)).sum(),
    "cumsum": lambda m, x: m.cumsum(x, 0),
    "dropout": lambda m, x, r, p: r * x / p,
    "elu": lambda m, x, alpha: m.where(x > 0, x, alpha * (m.exp(x) - 1)),
    "expm1": lambda m, x: m.expm1(x),
    "embedding": lambda m, E, t: E[t],
    "embedding_sequence": lambda m, E, t: E[t],
    "focal_loss": lambda m, z, t, gamma: -((1 - softmax(m, z)[t]) ** gamma) * m.log(softmax(m, z)[t]),
    "gaussian_nll": lambda m, y, mu, sigma: ((y - mu) / sigma) ** 2 / 2 + m.log(sigma * np.sqrt(2 * np.pi)),
    "gaussian_nll_precision": lambda m, y, mu, beta: (y - mu) ** 2 * beta / 2 - m.log(beta / (2 * np.pi)) / 2,
    "gelu": lambda m, x: x * (1 + m.erf(x / 2**0.5)) / 2,
    "gelu_tanh": lambda m, x: 0.5 * x * (1 + m.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))),
    "group_norm": grouped,
    "gru_cell": gated,
    "hard_sigmoid": lambda m, x: m.clip(x + 3, 0, 6) / 6,
    "hard_tanh": lambda m, x: m.clip(x, -1, 1),
    "hinge": lambda m, s, t: sum(margins(m, s, t)),
    "huber": lambda m, yhat, y, delta: m.where(
        abs(yhat - y) <= delta, (yhat - y) ** 2 / 2, delta * abs(yhat - y) - delta**2 / 2
    ).mean(),
    "kl_divergence": lambda m, p, q: (p * m.log(p / q)).sum(),
    "l1": lambda m, yhat, y: abs(yhat - y).mean(),
    "l2_penalty": lambda m, w, alpha: alpha * (w**2).sum() / 2,
    "label_smoothing": smoothed,
    "layer_norm": lambda m, x, gamma, beta, epsilon: gamma * normalized(m, x, epsilon) + beta,
    "leaky_relu": lambda m, x, alpha: m.where(x > 0, x, alpha * x),
    "linear_svm": lambda m, X, W, b, t, λ: (
        sum(sum(margins(m, s, t[i])) for i, s in enumerate(X @ W.T + b)) / len(X) + λ * (W**2).sum()
    ),
    "log1p": lambda m, x: m.log1p(x),
    "log2": lambda m, x: m.log2(x),
    "log10": lambda m, x: m.log10(x),
    "logaddexp": lambda m, a, b: m.logaddexp(a, b),
    "log_softmax": lambda m, z: m.log(softmax(m, z)),
    "logsumexp": lambda m, z: m.log(m.exp(z).sum()),
    "lstm_cell": long_short,
    "max_pool1d": lambda m, x, K=SIZES["K"], s=SIZES["s"]: largest(m, windows(m, x, K, s)),
    "max_pool2d": lambda m, X, K=SIZES["K"], M=SIZES["M"], s=SIZES["s"]: m.amax(windows2d(m, X, K, M, s), (-2, -1)),
    "mish": lambda m, x: x * m.tanh(m.log(1 + m.exp(x))),
    "mlp": lambda m, x, W1, b1, W2, b2, t: -m.log(softmax(m, W2 @ relu(m, W1 @ x + b1) + b2)[t]),
    "mse": lambda m, yhat, y: ((yhat - y) ** 2).mean(),
    "nll": lambda m, p, t: -m.log(p[t]),
    "normal_cdf": lambda m, x: (1 + m.erf(x / 2**0.5)) / 2,
    "normal_pdf": lambda m, x: m.exp(-x * x / 2) / (2 * np.pi) ** 0.5,
    "poisson_nll": lambda m, z, y: m.exp(z) - y * z,
    "quadratic": lambda m, x, A: x @ A @ x,
    "relu": lambda m, x: relu(m, x),
    "rms_norm": lambda m, x, gamma, epsilon: gamma * x / m.sqrt((x**2).mean() + epsilon),
    "rnn_cell": lambda m, h, x, W, U, b: m.tanh(W @ h + U @ x + b),
    "selu": lambda m, x, alpha, λ: λ * m.where(x > 0, x, alpha * (m.exp(x) - 1)),
    "sigmoid": lambda m, x: sigmoid(m, x),
    "silu": lambda m, x: x * sigmoid(m, x),
    "sine_cosine": lambda m, u, v, theta: 1 - (u * m.sin(theta) + v * m.cos(theta)) / m.sqrt(u * u + v * v),
    "softmax": lambda m, z: softmax(m, z),
    "softmax_cross_entropy": lambda m, z, y: -(y * m.log(softmax(m, z))).sum(),
    "softmax_cross_entropy_batch": lambda m, Z, t: -picked(m, Z, t).mean(),
    "softmax_cross_entropy_each": lambda m, Z, t: -picked(m, Z, t),
    "softmax_cross_entropy_masked": lambda m, Z, t, r: -(r * picked(m, Z, t)).sum() / r.sum(),
    "softmax_cross_entropy_sum": lambda m, Z, t: -picked(m, Z, t).sum(),
    "softmax_cross_entropy_weighted": lambda m, Z, t, w: -(w[t] * picked(m, Z, t)).sum() / w[t].sum(),
    "softmax_cross_entropy_label": lambda m, z, t: -m.log(softmax(m, z)[t]),
    "softmax_cross_entropy_onehot": lambda m, z, y: -(y * m.log(softmax(m, z))).sum(),
    "softmax_regression": lambda m, X, W, b, t, λ: -picked(m, X @ W.T + b, t).mean() + λ * (W**2).sum() / 2,
    "softmin": lambda m, z: softmax(m, -z),
    "std": lambda m, x: m.sqrt(((x - x.mean()) ** 2).mean()),
    "softplus": lambda m, x: m.log(1 + m.exp(x)),
    "softsign": lambda m, x: x / (1 + abs(x)),
    "squared_hinge": lambda m, s, t: sum(a**2 for a in margins(m, s, t)),
    "triplet_margin": lambda m, a, p, n, mu: relu(m, mu + distance(m, a, p) - distance(m, a, n)),
    "var": lambda m, x: ((x - x.mean()) ** 2).mean(),
    "z_loss": lambda m, Z, t, λ: -picked(m, Z, t).mean() + λ * (m.log(m.exp(Z).sum(-1)) ** 2).mean(),
}


def newton(m: Any, x: Array, c: Array) -> Array:
    for _ in range(3):
        x = (x + c / x) / 2
    return x


def gated_unit(m: Any, h: Array, x: Array, W: Array, U: Array, R: Array, S: Array, A: Array, B: Array) -> Array:
    update, reset = sigmoid(m, W @ h + U @ x), sigmoid(m, R @ h + S @ x)
    return (1 - update) * h + update * m.tanh(A @ (reset * h) + B @ x)


def weight_decay(m: Any, X: Array, W: Array, t: Array, lam: Array) -> Array:
    return -picked(m, X @ W.T, t).mean() + lam * (W**2).sum() / 2


def two_steps(m: Any, h: Array, x: Array, y: Array, W: Array, U: Array, b: Array) -> Array:
    for x_now in (x, y):
        h = m.tanh(W @ h + U @ x_now + b)
    return h


# name: (the definition, the same computation for arrays): values used twice, and all that the language can say
TEXTS: dict[str, tuple[str, Callable[..., Array]]] = {
    "a shared exponential": (
        "e = exp(x)\nf = e/(1 + e) + e*log(1 + e)",
        lambda m, x: m.exp(x) / (1 + m.exp(x)) + m.exp(x) * m.log(1 + m.exp(x)),
    ),
    "fan-out": (
        "a = u*v\nb = a + u\nf = a*b + sin(a)/b",
        lambda m, u, v: u * v * (u * v + u) + m.sin(u * v) / (u * v + u),
    ),
    "a value times itself": ("x: [n]\nL = sum(x*x*x)", lambda m, x: (x**3).sum()),
    "Newton's iteration": ("a = (x + c/x)/2\nb = (a + c/a)/2\nr = (b + c/b)/2", newton),
    "a residual connection": (
        "x: [n]\nW: [n, n]\nb: [n]\ny = x + tanh(W @ x + b)",
        lambda m, x, W, b: x + m.tanh(W @ x + b),
    ),
    "two residual blocks with the same weights": (
        "x: [n]\nW: [n, n]\nh = x + tanh(W @ x)\ny = h + tanh(W @ h)\nL = sum(y**2)",
        lambda m, x, W: ((x + m.tanh(W @ x) + m.tanh(W @ (x + m.tanh(W @ x)))) ** 2).sum(),
    ),
    "two steps of a recurrent network": (
        "h: [m]\nx: [n]\ny: [n]\nW: [m, m]\nU: [m, n]\nb: [m]\nk = tanh(W @ h + U @ x + b)\nl = tanh(W @ k + U @ y + b)",
        two_steps,
    ),
    "a gated recurrent unit": (
        "h: [m]\nx: [n]\nW: [m, m]\nU: [m, n]\nR: [m, m]\nS: [m, n]\nA: [m, m]\nB: [m, n]\n"
        "z = sigmoid(W @ h + U @ x)\nr = sigmoid(R @ h + S @ x)\nc = tanh(A @ (r*h) + B @ x)\ny = (1 - z)*h + z*c",
        gated_unit,
    ),
    "an autoencoder with tied weights": (
        "x: [n]\nW: [m, n]\nh = tanh(W @ x)\nr = W.T @ h\nL = sum((r - x)**2)",
        lambda m, x, W: ((W.T @ m.tanh(W @ x) - x) ** 2).sum(),
    ),
    "a Gram matrix": ("X: [N, n]\nG = X @ X.T", lambda m, X: X @ X.T),
    "the norm of a Gram matrix": ("X: [N, n]\nG = X.T @ X\nL = sum(G*G)", lambda m, X: ((X.T @ X) ** 2).sum()),
    "a matrix and its transpose": ("x: [m]\nA: [m, n]\nf = x.T @ A @ A.T @ x", lambda m, x, A: ((x @ A) ** 2).sum()),
    "self-attention on one tensor": (
        "X: [N, d]\nP = softmax(X @ X.T)\nY = P @ X",
        lambda m, X: softmax(m, X @ X.T) @ X,
    ),
    "causal attention": (
        "S: [n, n]\nV: [n, d]\nY[i, k] = sum(exp(S[i, j])*V[j, k] for j in n if j <= i)/sum(exp(S[i, j]) for j in n if j <= i)",
        causal,
    ),
    "the entropy of a softmax": (
        "z: [n]\np = softmax(z)\nH = -sum(p*log(p))",
        lambda m, z: -(softmax(m, z) * m.log(softmax(m, z))).sum(),
    ),
    "log-sum-exp from the largest entry": (
        "z: [n]\nc = max(z)\ny = c + log(sum(exp(z - c)))",
        lambda m, z: largest(m, z) + m.log(m.exp(z - largest(m, z)).sum()),
    ),
    "the largest entry of a matrix": ("X: [N, n]\ny = max(X)*sum(X**2)", lambda m, X: m.amax(X) * (X**2).sum()),
    "the largest of irrational numbers": (
        "x: [n]\nc = max(exp(x)*sin(x))\ny = max(c, tanh(x))*min(x, exp(x))",
        lambda m, x: relu(m, m.tanh(x) - (c := largest(m, m.exp(x) * m.sin(x)))) * x + c * x,
    ),
    "the largest of products": (
        "w: [n]\nx: [n]\nW: [m, n]\nc = max(w[i]*x[i] for i in n)\ny[k] = c*max(W[k, i]*x[i] for i in n)",
        lambda m, w, x, W: largest(m, w * x) * largest(m, W * x),
    ),
    "a masked ranking loss": (
        "s: [C]\nt: label[C]\nL = sum(softplus(s[j] - s[t]) for j in C if j != t)",
        lambda m, s, t: sum(m.log(1 + m.exp(s[j] - s[t])) for j in range(len(s)) if j != t),
    ),
    "the hinge loss of a batch": (
        "S: [N, C]\nt: label[N, C]\nL = mean(sum(max(0, S[b, j] - S[b, t[b]] + 1) for j in C if j != t[b]) for b in N)",
        lambda m, S, t: sum(sum(margins(m, S[b], t[b])) for b in range(len(S))) / len(S),
    ),
    "cross-entropy of a batch with weight decay": (
        "X: [N, n]\nW: [C, n]\nt: label[N, C]\nP = softmax(X @ W.T)\nL = -mean(log(P[b, t[b]]) for b in N) + lam*sum(W**2)/2",
        weight_decay,
    ),
    "a two-layer perceptron on a batch": (
        "X: [N, n]\nW1: [m, n]\nb1: [m]\nW2: [C, m]\nb2: [C]\nY: [N, C]\n"
        "A = X @ W1.T + b1\nH = relu(A)\nZ = H @ W2.T + b2\nL = mean((Z - Y)**2)",
        lambda m, X, W1, b1, W2, b2, Y: ((relu(m, X @ W1.T + b1) @ W2.T + b2 - Y) ** 2).mean(),
    ),
    "two rows of one embedding": (
        "E: [V, d]\ns: label[V]\nt: label[V]\nf = sum(E[s, k]*E[t, k] for k in d)\nL = log(1 + exp(-f)) + f**2",
        lambda m, E, s, t: m.log(1 + m.exp(-(E[s] @ E[t]))) + (E[s] @ E[t]) ** 2,
    ),
    "cases": ("x: [n]\ny = where(x > 0, x*x, sin(x))", lambda m, x: m.where(x > 0, x**2, m.sin(x))),
    "the larger, the smaller, the distance": (
        "x: [n]\ny: [n]\nz = max(x, y)*min(x, 2*y) + abs(x - y)",
        lambda m, x, y: m.where(x > y, x, y) * m.where(x < 2 * y, x, 2 * y) + m.sqrt((x - y) ** 2),
    ),
    "a strided convolution": (
        "x: [s*(O - 1) + K]\nw: [K]\ny[o] = sum(w[k]*x[s*o + k] for k in K)",
        lambda m, x, w: windows(m, x, len(w), SIZES["s"]) @ w,
    ),
    "a convolution in two dimensions": (
        "X: [P + K - 1, Q + M - 1]\nW: [K, M]\nY[p, q] = sum(W[i, j]*X[p + i, q + j] for i in K for j in M)",
        convolution,
    ),
    "all pairs": (
        "x: [n]\nE = sum(exp(-(x[i] - x[j])**2) for i in n for j in n if i != j)",
        lambda m, x: m.exp(-((x[:, None] - x) ** 2)).sum() - len(x),
    ),
    "a product over an axis": (
        "x: [n]\ny: [n]\np = prod(1 + x[i]*y[i] for i in n)",
        lambda m, x, y: (1 + x[0] * y[0]) * (1 + x[1] * y[1]) * (1 + x[2] * y[2]),
    ),
    "the largest over two axes": (
        "A: [m, n]\nb: [n]\nf = max(A[i, j]**2 + b[j] for i in m for j in n if i < j)",
        lambda m, A, b: m.stack([A[i, j] ** 2 + b[j] for i in range(A.shape[0]) for j in range(i + 1, A.shape[1])]).max(),
    ),
    "base and exponent": ("x: positive\np: real\ny = x**p + p*x**3", lambda m, x, p: m.exp(p * m.log(x)) + p * x**3),
    "a variable to itself": ("x: positive\ny = x**x", lambda m, x: m.exp(x * m.log(x))),
}


def long_short_by_torch(F: Any, x: Array, h0: Array, c0: Array, **given: Array) -> Array:
    W, U, b = (F.torch.cat([given[f"{t}_{g}"] for g in "ifco"]) for t in "WUb")
    return F.torch.lstm_cell(x[None], (h0[None], c0[None]), W, U, b, 0 * b)[0][0]


def gated_by_torch(F: Any, x: Array, h0: Array, c_n: Array, **given: Array) -> Array:
    W, U, b = (F.torch.cat([given[f"{t}_{g}"] for g in "rzn"]) for t in "WUb")
    return F.torch.gru_cell(x[None], h0[None], W, U, b, F.torch.cat([0 * c_n, 0 * c_n, c_n]))[0]


def unrolled_by_torch(F: Any, h0: Array, W: Array, U: Array, b: Array, **given: Array) -> Array:
    loss, h = 0, h0[None]
    for k in (1, 2, 3):
        h = F.torch.rnn_tanh_cell(given[f"x{k}"][None], h, U, W, b, 0 * b)
        loss = loss + F.mse_loss(h[0], given[f"y{k}"], reduction="sum") / 2
    return loss


# name: PyTorch's own function; what it takes as a number, not a tensor, has no gradient there
PYTORCH: dict[str, Callable[..., Array]] = {
    "affine_batch": lambda F, X, W, b: F.linear(X, W, b),
    "attention": lambda F, Q, K, V: F.scaled_dot_product_attention(Q[None], K[None], V[None])[0],
    "attention_causal": lambda F, Q, K, V: F.scaled_dot_product_attention(Q[None], K[None], V[None], is_causal=True)[0],
    "attention_masked": lambda F, Q, K, V, M: F.scaled_dot_product_attention(Q[None], K[None], V[None], M[None])[0],
    "avg_pool1d": lambda F, x, K=SIZES["K"], s=SIZES["s"]: F.avg_pool1d(x[None, None], K, s)[0, 0],
    "avg_pool2d": lambda F, X, K=SIZES["K"], M=SIZES["M"], s=SIZES["s"]: F.avg_pool2d(X[None, None], (K, M), s)[0, 0],
    "batch_norm": lambda F, X, gamma, beta, epsilon: F.batch_norm(X, None, None, gamma, beta, True, eps=epsilon.item()),
    "bilinear": lambda F, x, A, y: F.bilinear(x[None], y[None], A[None])[0, 0],
    "binary_cross_entropy": lambda F, z, y: F.binary_cross_entropy_with_logits(z, y),
    "binary_cross_entropy_logits": lambda F, z, y: F.binary_cross_entropy_with_logits(z, y),
    "bptt": unrolled_by_torch,
    "conv1d": lambda F, x, w, b: F.conv1d(x[None, None], w[None, None], b[None])[0, 0],
    "conv1d_layer": lambda F, x, w, b, s=SIZES["s"], p=SIZES["p"]: F.conv1d(x[None], w, b, s, p)[0],
    "conv2d": lambda F, X, W, b: F.conv2d(X[None, None], W[None, None], b[None])[0, 0],
    "conv2d_layer": lambda F, x, w, b, s, p: F.conv2d(x[None], w, b, s, p)[0],
    "cosine_similarity": lambda F, x, y: F.cosine_similarity(x, y, dim=0),
    "elu": lambda F, x, alpha: F.elu(x, alpha.item()),
    "embedding": lambda F, E, t: F.embedding(t, E),
    "embedding_sequence": lambda F, E, t: F.embedding(t, E),
    "focal_loss": lambda F, z, t, gamma: (1 - F.softmax(z, 0)[t]) ** gamma * F.cross_entropy(z, t),
    "gaussian_nll": lambda F, y, mu, sigma: F.gaussian_nll_loss(mu, y, sigma**2, full=True),
    "gaussian_nll_precision": lambda F, y, mu, beta: F.gaussian_nll_loss(mu, y, 1 / beta, full=True),
    "gelu": lambda F, x: F.gelu(x),
    "gelu_tanh": lambda F, x: F.gelu(x, approximate="tanh"),
    "group_norm": lambda F, x, gamma, beta, epsilon: F.group_norm(
        x.reshape(1, -1, x.shape[2]), len(x), gamma.reshape(-1), beta.reshape(-1), epsilon.item()
    ).reshape(x.shape),
    "gru_cell": gated_by_torch,
    "hard_sigmoid": lambda F, x: F.relu6(x + 3) / 6,  # the slope of F.hardsigmoid is 1/6 in float32
    "hard_tanh": lambda F, x: F.hardtanh(x),
    "hinge": lambda F, s, t: len(s) * F.multi_margin_loss(s[None], t[None]),
    "huber": lambda F, yhat, y, delta: F.huber_loss(yhat, y, delta=delta.item()),
    "kl_divergence": lambda F, p, q: F.kl_div(q.log(), p, reduction="sum"),
    "l1": lambda F, yhat, y: F.l1_loss(yhat, y),
    "label_smoothing": lambda F, z, t, epsilon: (
        (1 - epsilon) * F.cross_entropy(z, t) + epsilon * F.cross_entropy(z, t, label_smoothing=1.0)
    ),
    "layer_norm": lambda F, x, gamma, beta, epsilon: F.layer_norm(x, x.shape, gamma, beta, epsilon.item()),
    "leaky_relu": lambda F, x, alpha: F.leaky_relu(x, alpha.item()),
    "linear_svm": lambda F, X, W, b, t, λ: len(W) * F.multi_margin_loss(F.linear(X, W, b), t) + λ * (W**2).sum(),
    "log_softmax": lambda F, z: F.log_softmax(z, 0),
    "logsumexp": lambda F, z: z.logsumexp(0),
    "lstm_cell": long_short_by_torch,
    "max_pool1d": lambda F, x, K=SIZES["K"], s=SIZES["s"]: F.max_pool1d(x[None, None], K, s)[0, 0],
    "max_pool2d": lambda F, X, K=SIZES["K"], M=SIZES["M"], s=SIZES["s"]: F.max_pool2d(X[None, None], (K, M), s)[0, 0],
    "mish": lambda F, x: F.mish(x),
    "mlp": lambda F, x, W1, b1, W2, b2, t: F.cross_entropy(F.linear(F.relu(F.linear(x, W1, b1)), W2, b2), t),
    "mse": lambda F, yhat, y: F.mse_loss(yhat, y),
    "nll": lambda F, p, t: F.nll_loss(p.log(), t),
    "normal_cdf": lambda F, x: F.torch.special.ndtr(x),
    "normal_pdf": lambda F, x: F.torch.distributions.Normal(0.0, 1.0).log_prob(x).exp(),
    "poisson_nll": lambda F, z, y: F.poisson_nll_loss(z, y),
    "relu": lambda F, x: F.relu(x),
    "rms_norm": lambda F, x, gamma, epsilon: F.rms_norm(x, x.shape, gamma, epsilon.item()),
    "rnn_cell": lambda F, h, x, W, U, b: F.torch.rnn_tanh_cell(x[None], h[None], U, W, b, 0 * b)[0],
    "selu": lambda F, x, alpha, λ: λ * F.elu(x, alpha.item()),
    "sigmoid": lambda F, x: F.sigmoid(x),
    "silu": lambda F, x: F.silu(x),
    "sine_cosine": lambda F, u, v, theta: (
        1 - F.cosine_similarity(F.torch.stack([u, v]), F.torch.stack([theta.sin(), theta.cos()]), 0)
    ),
    "softmax": lambda F, z: F.softmax(z, 0),
    "softmax_cross_entropy": lambda F, z, y: F.cross_entropy(z, y),
    "softmax_cross_entropy_batch": lambda F, Z, t: F.cross_entropy(Z, t),
    "softmax_cross_entropy_each": lambda F, Z, t: F.cross_entropy(Z, t, reduction="none"),
    "softmax_cross_entropy_sum": lambda F, Z, t: F.cross_entropy(Z, t, reduction="sum"),
    "softmax_cross_entropy_label": lambda F, z, t: F.cross_entropy(z, t),
    "softmax_cross_entropy_onehot": lambda F, z, y: F.cross_entropy(z, y),
    "softmax_regression": lambda F, X, W, b, t, λ: F.cross_entropy(F.linear(X, W, b), t) + λ * (W**2).sum() / 2,
    "softplus": lambda F, x: F.softplus(x),
    "softsign": lambda F, x: F.softsign(x),
    "squared_hinge": lambda F, s, t: len(s) * F.multi_margin_loss(s[None], t[None], p=2),
    "triplet_margin": lambda F, a, p, n, mu: F.triplet_margin_loss(a[None], p[None], n[None], mu.item(), eps=0),
    "causal attention": lambda F, S, V: F.softmax(S + F.threshold(S.new_ones(S.shape).triu(1), 0.5, 0) * -1e9, -1) @ V,
    "the hinge loss of a batch": lambda F, S, t: S.shape[1] * F.multi_margin_loss(S, t),
    "cross-entropy of a batch with weight decay": lambda F, X, W, t, lam: F.cross_entropy(X @ W.T, t) + lam * (W**2).sum() / 2,
    "a strided convolution": lambda F, x, w: F.conv1d(x[None, None], w[None, None], stride=SIZES["s"])[0, 0],
    "a convolution in two dimensions": lambda F, X, W: F.conv2d(X[None, None], W[None, None])[0, 0],
    "a product over an axis": lambda F, x, y: (1 + x * y).prod(),
    "log-sum-exp from the largest entry": lambda F, z: z.logsumexp(0),
}
