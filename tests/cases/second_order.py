"""Second derivatives, and what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Array = Any


class Case(NamedTuple):
    """A definition, the two variables, and the output as a function of all inputs (or of the variable and the rest)."""

    source: str
    wrt: tuple[str, str]
    function: Callable[..., Array]


def mlp(m: Any, x: Array, W1: Array, b1: Array, W2: Array, b2: Array, t: int) -> Array:
    return m.logsumexp(z := W2 @ m.relu(W1 @ x + b1) + b2, 0) - z[t]


def attention(m: Any, Q: Array, K: Array, V: Array, G: Array) -> Array:
    return (G * (m.softmax(Q @ K.T / Q.shape[1] ** 0.5, -1) @ V)).sum()


def layer_norm(m: Any, x: Array, g: Array, b: Array, s: Array, y: Array) -> Array:
    centred = x - x.mean()
    return ((g * centred / m.sqrt((centred**2).mean() + s) + b - y) ** 2).sum()


def hinge(m: Any, s: Array, t: int, power: int) -> Array:
    return sum(m.relu(s[j] - s[t] + 1) ** power for j in range(len(s)) if j != t)


CROSS_ENTROPY = "z: [C]\ny: onehot[C]\np = softmax(z)\nL = -sum(y*log(p))"
LAYERS = "x: [n]\nW: [C, n]\ny: onehot[C]\nz = W @ x\np = softmax(z)\nL = -sum(y*log(p))"
SQUARED = "X: [m, n]\nw: [n]\ny: [m]\nf = 1/2*sum((X @ w - y)**2)"
LOGISTIC = "X: [m, n]\nw: [n]\ny: [m]\nz = X @ w + b\nL = sum(softplus(z) - y*z)"
ATTENTION = "Q: [T, d]\nK: [S, d]\nV: [S, e]\nG: [T, e]\nO = softmax(Q @ K.T/sqrt(d)) @ V\nL = sum(G*O)"
NORMALIZED = "x: [n]\ng: [n]\nb: [n]\ny: [n]\ns: positive\nh = layer_norm(x, g, b, s)\nL = sum((h - y)**2)"
CONVOLUTION = "x: [O + K - 1]\nw: [K]\ny: [O]\nh[o] = sum(w[k]*x[o + k] for k in K)\nL = sum((h - y)**4)"


def _cross_entropy(m: Any, z: Array, y: Array) -> Array:
    return -(y * m.log_softmax(z, 0)).sum()


def _logistic(m: Any, X: Array, w: Array, b: Array, y: Array) -> Array:
    return (m.nn.functional.softplus(X @ w + b) - y * (X @ w + b)).sum()


def _convolution(m: Any, x: Array, w: Array, y: Array) -> Array:
    return ((m.nn.functional.conv1d(x[None, None], w[None, None])[0, 0] - y) ** 4).sum()


CASES: dict[str, Case] = {
    "cross-entropy by the scores": Case(CROSS_ENTROPY, ("z", "z"), _cross_entropy),
    "cross-entropy by the scores and the one-hot": Case(CROSS_ENTROPY, ("z", "y"), _cross_entropy),
    "cross-entropy by the one-hot and the scores": Case(CROSS_ENTROPY, ("y", "z"), _cross_entropy),
    "cross-entropy by the scores of a layer": Case(LAYERS, ("z", "z"), lambda m, x, W, y, z: _cross_entropy(m, z, y)),
    "cross-entropy by a weight matrix": Case(LAYERS, ("W", "W"), lambda m, x, W, y: _cross_entropy(m, W @ x, y)),
    "cross-entropy by weights and input": Case(LAYERS, ("W", "x"), lambda m, x, W, y: _cross_entropy(m, W @ x, y)),
    "least squares": Case(SQUARED, ("w", "w"), lambda m, X, w, y: ((X @ w - y) ** 2).sum() / 2),
    "least squares by weights and data": Case(SQUARED, ("w", "X"), lambda m, X, w, y: ((X @ w - y) ** 2).sum() / 2),
    "logistic regression": Case(LOGISTIC, ("w", "w"), _logistic),
    "logistic regression by weights and bias": Case(LOGISTIC, ("w", "b"), _logistic),
    "logistic regression by its probabilities": Case(
        "X: [m, n]\nw: [n]\ny: [m]\ns = sigmoid(X @ w)\nL = -sum(y[i]*log(s[i]) + (1 - y[i])*log(1 - s[i]) for i in m)",
        ("w", "w"),
        lambda m, X, w, y: _logistic(m, X, w, 0, y),
    ),
    "a quadratic form": Case("A: [n, n]\nx: [n]\nf = x @ A @ x", ("x", "x"), lambda m, A, x: x @ A @ x),
    "a quadratic form by both": Case("A: [n, n]\nx: [n]\nf = x @ A @ x", ("A", "x"), lambda m, A, x: x @ A @ x),
    "log-sum-exp": Case("z: [n]\ny = log(sum(exp(z)))", ("z", "z"), lambda m, z: m.logsumexp(z, 0)),
    "the sigmoid": Case("s = sigmoid(x)", ("x", "x"), lambda m, x: m.sigmoid(x)),
    "tanh": Case("f = tanh(x)", ("x", "x"), lambda m, x: m.tanh(x)),
    "GELU": Case("x: [n]\nw: [n]\nf = sum(w*gelu(x))", ("x", "x"), lambda m, x, w: (w * m.nn.functional.gelu(x)).sum()),
    "two scalars": Case("f = x**2*y + sin(x*y)", ("x", "y"), lambda m, x, y: x**2 * y + m.sin(x * y)),
    "a shared node": Case(
        "a = u*v\nb = a + u\nf = a*b + sin(a)/b",
        ("u", "v"),
        lambda m, u, v: (u * v) * (u * v + u) + m.sin(u * v) / (u * v + u),
    ),
    "a result whose square sum is known": Case(
        "z: [n]\np = softmax(z)\nf = sum(p)**2", ("p", "p"), lambda m, z, p: p.sum() ** 2
    ),
    "a perceptron by its last layer": Case("mlp", ("W2", "W2"), lambda m, x, W1, b1, W2, b2, t: mlp(m, x, W1, b1, W2, b2, t)),
    "a perceptron by its first layer": Case("mlp", ("W1", "W1"), lambda m, x, W1, b1, W2, b2, t: mlp(m, x, W1, b1, W2, b2, t)),
    "a perceptron by both layers": Case("mlp", ("W1", "W2"), lambda m, x, W1, b1, W2, b2, t: mlp(m, x, W1, b1, W2, b2, t)),
    "a deep perceptron": Case(
        "x: [n]\nW: [m, n]\nU: [m, m]\nv: [m]\nh = tanh(W @ x)\nk = tanh(U @ h)\nL = v @ k",
        ("W", "U"),
        lambda m, x, W, U, v: v @ m.tanh(U @ m.tanh(W @ x)),
    ),
    "a residual connection": Case(
        "x: [n]\nW: [n, n]\nh = x + tanh(W @ x)\nL = sum(h**2)",
        ("W", "x"),
        lambda m, x, W: ((x + m.tanh(W @ x)) ** 2).sum(),
    ),
    "attention by the queries": Case(ATTENTION, ("Q", "Q"), attention),
    "attention by queries and keys": Case(ATTENTION, ("Q", "K"), attention),
    "layer normalization": Case(NORMALIZED, ("x", "x"), layer_norm),
    "layer normalization by input and scale": Case(NORMALIZED, ("x", "g"), layer_norm),
    "a convolution by its kernel": Case(CONVOLUTION, ("w", "w"), _convolution),
    "a convolution by its input": Case(CONVOLUTION, ("x", "x"), _convolution),
    "a convolution by both": Case(CONVOLUTION, ("x", "w"), _convolution),
    "the hinge loss": Case("hinge", ("s", "s"), lambda m, s, t: hinge(m, s, t, 1)),
    "the squared hinge loss": Case("squared_hinge", ("s", "s"), lambda m, s, t: hinge(m, s, t, 2)),
    "squared ReLU": Case("x: [n]\nL = sum(relu(x)**2)", ("x", "x"), lambda m, x: (m.relu(x) ** 2).sum()),
    "the divergence by its probability": Case(
        "p: probability[n]\nq: [n]\nD = sum(p*log(p)) + sum(p)**2*sum(q**2)",
        ("p", "p"),
        lambda m, p, q: (p * m.log(p)).sum() + p.sum() ** 2 * (q**2).sum(),
    ),
}  # fmt: skip
