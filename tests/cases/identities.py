"""Derivatives in matrix form as books print them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import derive
from derive.graphs.graph import Graph

Array = Any


@dataclass(frozen=True)
class Identity:
    """A definition, the same computation for PyTorch, and for each variable the printed derivative and the book's formula.

    In a formula G is the upstream gradient where the definition is a tensor.
    """

    theme: str
    source: str
    definition: str
    function: Callable[..., Array]
    derivatives: dict[str, tuple[str, Callable[..., Array]]]
    written_out: bool = False
    """Whether its derivatives are gone on with until they name no other."""

    @property
    def graph(self) -> Graph:
        return graph_of(self.definition)


@cache
def graph_of(definition: str) -> Graph:
    return derive.graph(definition)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def norm(x: Array) -> Array:
    return np.sqrt((x * x).sum())


FIRST, SECOND, TRACES = "Linear forms", "Quadratic forms", "Traces"
NORMS, LEAST, PRODUCTS = "Norms and distances", "Least squares", "Products of matrices"
FUNCTIONS, MODELS = "Functions of affine maps", "Models"

IDENTITIES = [
    # ------------------------------------------------------------ linear
    Identity(
        FIRST,
        "PC (69)",
        "a: [n]\nx: [n]\nf = a.T @ x",
        lambda a, x: a @ x,
        {"x": ("a", lambda a, x: a), "a": ("x", lambda a, x: x)},
    ),
    Identity(
        FIRST,
        "PC (70)",
        "a: [m]\nX: [m, n]\nb: [n]\nf = a.T @ X @ b",
        lambda a, X, b: a @ X @ b,
        {
            "X": ("a bᵀ", lambda a, X, b: np.outer(a, b)),
            "a": ("X b", lambda a, X, b: X @ b),
            "b": ("Xᵀ a", lambda a, X, b: X.T @ a),
        },
    ),
    Identity(
        FIRST,
        "PC (71)",
        "a: [n]\nX: [m, n]\nb: [m]\nf = a.T @ X.T @ b",
        lambda a, X, b: a @ X.T @ b,
        {"X": ("b aᵀ", lambda a, X, b: np.outer(b, a))},
    ),
    Identity(
        FIRST,
        "PC 2.4.1",
        "a: [n]\nb: [n]\nx: [n]\nf = (a.T @ x)*(b.T @ x)",
        lambda a, b, x: (a @ x) * (b @ x),
        {"x": ("(aᵀ x) b + (bᵀ x) a", lambda a, b, x: (np.outer(a, b) + np.outer(b, a)) @ x)},
    ),
    Identity(
        FIRST,
        "PC (76)",
        "X: [m, n]\nf = sum(X)**2",
        lambda X: X.sum() ** 2,
        {"X": ("2 (𝟏ᵀ X 𝟏) 𝟏 𝟏ᵀ", lambda X: 2 * X.sum() * np.ones(X.shape))},
    ),
    # ------------------------------------------------------------ quadratic
    Identity(
        SECOND,
        "PC (81)",
        "A: [n, n]\nx: [n]\nf = x.T @ A @ x",
        lambda A, x: x @ A @ x,
        {"x": ("(A + Aᵀ) x", lambda A, x: (A + A.T) @ x), "A": ("x xᵀ", lambda A, x: np.outer(x, x))},
    ),
    Identity(
        SECOND,
        "PC 2.4.4",
        "A: [n, n]\nb: [n]\nx: [n]\nf = x.T @ A @ x + b.T @ x",
        lambda A, b, x: x @ A @ x + b @ x,
        {"x": ("(A + Aᵀ) x + b", lambda A, b, x: (A + A.T) @ x + b)},
    ),
    Identity(
        SECOND,
        "PC (77)",
        "b: [n]\nX: [m, n]\nc: [n]\nf = b.T @ X.T @ X @ c",
        lambda b, X, c: b @ X.T @ X @ c,
        {"X": ("X (b cᵀ + c bᵀ)", lambda b, X, c: X @ (np.outer(b, c) + np.outer(c, b)))},
    ),
    Identity(
        SECOND,
        "PC (82)",
        "b: [n]\nX: [m, n]\nD: [m, m]\nc: [n]\nf = b.T @ X.T @ D @ X @ c",
        lambda b, X, D, c: b @ X.T @ D @ X @ c,
        {
            "X": ("D X c bᵀ + Dᵀ X b cᵀ", lambda b, X, D, c: D.T @ X @ np.outer(b, c) + D @ X @ np.outer(c, b)),
            "D": ("X b cᵀ Xᵀ", lambda b, X, D, c: np.outer(X @ b, X @ c)),
        },
    ),
    Identity(
        SECOND,
        "PC (83)",
        "X: [m, n]\nb: [n]\nc: [m]\nD: [m, m]\nf = (X @ b + c).T @ D @ (X @ b + c)",
        lambda X, b, c, D: (X @ b + c) @ D @ (X @ b + c),
        {"X": ("(D + Dᵀ) (X b + c) bᵀ", lambda X, b, c, D: np.outer((D + D.T) @ (X @ b + c), b))},
    ),
    Identity(
        SECOND,
        "PC (84), (87), (88)",
        "x: [m]\nA: [m, n]\ns: [n]\nW: [m, m]\nf = (x - A @ s).T @ W @ (x - A @ s)",
        lambda x, A, s, W: (x - A @ s) @ W @ (x - A @ s),
        {
            "x": ("(W + Wᵀ) (x − A s)", lambda x, A, s, W: (W + W.T) @ (x - A @ s)),
            "s": ("Aᵀ (W + Wᵀ) (A s − x)", lambda x, A, s, W: -A.T @ (W + W.T) @ (x - A @ s)),
            "A": ("−(W + Wᵀ) (x − A s) sᵀ", lambda x, A, s, W: -np.outer((W + W.T) @ (x - A @ s), s)),
            "W": ("(x − A s) (x − A s)ᵀ", lambda x, A, s, W: np.outer(x - A @ s, x - A @ s)),
        },
    ),
    Identity(
        SECOND,
        "PC (78)",
        "B: [m, n]\nb: [m]\nx: [n]\nC: [m, p]\nD: [p, n]\nd: [p]\nf = (B @ x + b).T @ C @ (D @ x + d)",
        lambda B, b, x, C, D, d: (B @ x + b) @ C @ (D @ x + d),
        {
            "x": (
                "Bᵀ C (D x + d) + Dᵀ Cᵀ (B x + b)",
                lambda B, b, x, C, D, d: B.T @ C @ (D @ x + d) + D.T @ C.T @ (B @ x + b),
            )
        },
    ),
    Identity(
        SECOND,
        "Rayleigh quotient",
        "A: [n, n]\nx: [n]\nf = (x.T @ A @ x)/(x.T @ x)",
        lambda A, x: x @ A @ x / (x @ x),
        {
            "x": (
                "(1/‖x‖²) ((A + Aᵀ) x − 2 f x)",
                lambda A, x: (A + A.T) @ x / (x @ x) - 2 * (x @ A @ x) * x / (x @ x) ** 2,
            )
        },
    ),
    # ------------------------------------------------------------ traces
    Identity(
        TRACES,
        "PC (65), (99)",
        "X: [n, n]\nf = trace(X)",
        lambda X: X.trace(),
        {"X": ("𝐈", lambda X: np.eye(len(X)))},
    ),
    Identity(
        TRACES,
        "PC (100)",
        "X: [m, n]\nA: [n, m]\nf = trace(X @ A)",
        lambda X, A: (X @ A).trace(),
        {"X": ("Aᵀ", lambda X, A: A.T)},
    ),
    Identity(
        TRACES,
        "PC (103)",
        "A: [m, n]\nB: [m, n]\nf = trace(A.T @ B)",
        lambda A, B: (A.T @ B).trace(),
        {"A": ("B", lambda A, B: B), "B": ("A", lambda A, B: A)},
    ),
    Identity(
        TRACES,
        "PC (101)",
        "A: [m, n]\nX: [n, p]\nB: [p, m]\nf = trace(A @ X @ B)",
        lambda A, X, B: (A @ X @ B).trace(),
        {
            "X": ("Aᵀ Bᵀ", lambda A, X, B: A.T @ B.T),
            "A": ("Bᵀ Xᵀ", lambda A, X, B: B.T @ X.T),
            "B": ("Xᵀ Aᵀ", lambda A, X, B: X.T @ A.T),
        },
    ),
    Identity(
        TRACES,
        "PC (102)",
        "A: [m, p]\nX: [n, p]\nB: [n, m]\nf = trace(A @ X.T @ B)",
        lambda A, X, B: (A @ X.T @ B).trace(),
        {"X": ("B A", lambda A, X, B: B @ A)},
    ),
    Identity(
        TRACES,
        "PC (106)",
        "X: [n, n]\nf = trace(X @ X)",
        lambda X: (X @ X).trace(),
        {"X": ("2 Xᵀ", lambda X: 2 * X.T)},
    ),
    Identity(
        TRACES,
        "PC (121), k = 3",
        "X: [n, n]\nf = trace(X @ X @ X)",
        lambda X: (X @ X @ X).trace(),
        {"X": ("3 (Xᵀ)²", lambda X: 3 * (X @ X).T)},
    ),
    Identity(
        TRACES,
        "PC (107)",
        "X: [n, n]\nB: [n, n]\nf = trace(X @ X @ B)",
        lambda X, B: (X @ X @ B).trace(),
        {"X": ("(B X + X B)ᵀ", lambda X, B: (X @ B + B @ X).T)},
    ),
    Identity(
        TRACES,
        "PC (115)",
        "X: [m, n]\nf = trace(X.T @ X)",
        lambda X: (X.T @ X).trace(),
        {"X": ("2 X", lambda X: 2 * X)},
    ),
    Identity(
        TRACES,
        "PC (108)",
        "X: [m, n]\nB: [m, m]\nf = trace(X.T @ B @ X)",
        lambda X, B: (X.T @ B @ X).trace(),
        {"X": ("(B + Bᵀ) X", lambda X, B: B @ X + B.T @ X), "B": ("X Xᵀ", lambda X, B: X @ X.T)},
    ),
    Identity(
        TRACES,
        "PC (111)",
        "X: [m, n]\nB: [n, n]\nf = trace(X @ B @ X.T)",
        lambda X, B: (X @ B @ X.T).trace(),
        {"X": ("X (B + Bᵀ)", lambda X, B: X @ B.T + X @ B), "B": ("Xᵀ X", lambda X, B: X.T @ X)},
    ),
    Identity(
        TRACES,
        "PC (117)",
        "X: [m, n]\nB: [m, m]\nC: [n, n]\nf = trace(X.T @ B @ X @ C)",
        lambda X, B, C: (X.T @ B @ X @ C).trace(),
        {"X": ("B X C + Bᵀ X Cᵀ", lambda X, B, C: B @ X @ C + B.T @ X @ C.T)},
    ),
    Identity(
        TRACES,
        "PC (118)",
        "A: [p, m]\nX: [m, n]\nB: [n, n]\nC: [m, p]\nf = trace(A @ X @ B @ X.T @ C)",
        lambda A, X, B, C: (A @ X @ B @ X.T @ C).trace(),
        {"X": ("C A X B + Aᵀ Cᵀ X Bᵀ", lambda A, X, B, C: A.T @ C.T @ X @ B.T + C @ A @ X @ B)},
    ),
    # ------------------------------------------------------------ norms
    Identity(
        NORMS,
        "PC (131)",
        "x: [n]\nf = x.T @ x",
        lambda x: x @ x,
        {"x": ("2 x", lambda x: 2 * x)},
    ),
    Identity(
        NORMS,
        "PC (129)",
        "x: [n]\na: [n]\nf = sqrt(sum((x - a)**2))",
        lambda x, a: ((x - a) ** 2).sum() ** 0.5,
        {"x": ("(1/f) (x − a)", lambda x, a: (x - a) / norm(x - a))},
    ),
    Identity(
        NORMS,
        "PC (130)",
        "x: [n]\na: [n]\ny = (x - a)/sqrt(sum((x - a)**2))",
        lambda x, a: (x - a) / ((x - a) ** 2).sum() ** 0.5,
        {
            "x": (
                "(1/‖x − a‖) (g − (gᵀ y) y)",
                lambda x, a, G: G / norm(x - a) - (x - a) * (G @ (x - a)) / norm(x - a) ** 3,
            )
        },
    ),
    Identity(
        NORMS,
        "PC (132)",
        "X: [m, n]\nf = sum(X**2)",
        lambda X: (X**2).sum(),
        {"X": ("2 X", lambda X: 2 * X)},
    ),
    Identity(
        NORMS,
        "PC 2.7",
        "X: [m, n]\nf = sqrt(sum(X**2))",
        lambda X: (X**2).sum() ** 0.5,
        {"X": ("(1/f) X", lambda X: X / norm(X))},
    ),
    Identity(
        NORMS,
        "PC (119)",
        "A: [p, m]\nX: [m, n]\nB: [n, q]\nC: [p, q]\nf = sum((A @ X @ B + C)**2)",
        lambda A, X, B, C: ((A @ X @ B + C) ** 2).sum(),
        {"X": ("2 Aᵀ (A X B + C) Bᵀ", lambda A, X, B, C: 2 * A.T @ (A @ X @ B + C) @ B.T)},
    ),
    Identity(
        NORMS,
        "weight decay, GBC 7.1",
        "W: [m, n]\nJ = λ*sum(W**2)/2",
        lambda W, λ: λ * (W**2).sum() / 2,
        {"W": ("λ W", lambda W, λ: λ * W), "λ": ("1/2 ‖W‖_F²", lambda W, λ: norm(W) ** 2 / 2)},
    ),
    Identity(
        NORMS,
        "cosine similarity",
        "x: [n]\ny: [n]\nc = (x.T @ y)/(sqrt(x.T @ x)*sqrt(y.T @ y))",
        lambda x, y: x @ y / (x @ x) ** 0.5 / (y @ y) ** 0.5,
        {
            "x": (
                "(1/‖x‖) ((1/‖y‖) y − (c/‖x‖) x)",
                lambda x, y: y / norm(x) / norm(y) - x * (x @ y) / norm(x) ** 3 / norm(y),
            )
        },
    ),
    # ------------------------------------------------------------ least squares
    Identity(
        LEAST,
        "HTF 3.2",
        "X: [N, n]\nw: [n]\ny: [N]\nL = sum((X @ w - y)**2)",
        lambda X, w, y: ((X @ w - y) ** 2).sum(),
        {
            "w": ("2 Xᵀ (X w − y)", lambda X, w, y: 2 * X.T @ (X @ w - y)),
            "X": ("2 (X w − y) wᵀ", lambda X, w, y: 2 * np.outer(X @ w - y, w)),
        },
    ),
    Identity(
        LEAST,
        "ridge regression, HTF 3.4.1",
        "X: [N, n]\nw: [n]\ny: [N]\nL = sum((X @ w - y)**2) + λ*sum(w**2)",
        lambda X, w, y, λ: ((X @ w - y) ** 2).sum() + λ * (w**2).sum(),
        {
            "w": ("2 Xᵀ (X w − y) + 2 λ w", lambda X, w, y, λ: 2 * X.T @ (X @ w - y) + 2 * λ * w),
            "λ": ("‖w‖²", lambda X, w, y, λ: w @ w),
        },
    ),
    Identity(
        LEAST,
        "weighted",
        "X: [N, n]\nw: [n]\ny: [N]\nS: [N, N]\nL = (X @ w - y).T @ S @ (X @ w - y)",
        lambda X, w, y, S: (X @ w - y) @ S @ (X @ w - y),
        {"w": ("Xᵀ (S + Sᵀ) (X w − y)", lambda X, w, y, S: X.T @ (S + S.T) @ (X @ w - y))},
    ),
    Identity(
        LEAST,
        "several outputs, HTF 3.2.4",
        "X: [N, n]\nB: [n, p]\nY: [N, p]\nL = sum((X @ B - Y)**2)",
        lambda X, B, Y: ((X @ B - Y) ** 2).sum(),
        {"B": ("2 Xᵀ (X B − Y)", lambda X, B, Y: 2 * X.T @ (X @ B - Y))},
    ),
    Identity(
        LEAST,
        "residual norm",
        "A: [m, n]\nx: [n]\nb: [m]\nf = sqrt(sum((A @ x - b)**2))",
        lambda A, x, b: ((A @ x - b) ** 2).sum() ** 0.5,
        {"x": ("(1/f) Aᵀ (A x − b)", lambda A, x, b: A.T @ (A @ x - b) / norm(A @ x - b))},
    ),
    # ------------------------------------------------------------ products
    Identity(
        PRODUCTS,
        "GBC 6.5.6",
        "A: [m, n]\nB: [n, p]\nY = A @ B",
        lambda A, B: A @ B,
        {"A": ("G Bᵀ", lambda A, B, G: G @ B.T), "B": ("Aᵀ G", lambda A, B, G: A.T @ G)},
    ),
    Identity(
        PRODUCTS,
        "GBC 6.5.6",
        "A: [m, n]\nB: [n, p]\nC: [p, q]\nY = A @ B @ C",
        lambda A, B, C: A @ B @ C,
        {
            "A": ("G Cᵀ Bᵀ", lambda A, B, C, G: G @ (B @ C).T),
            "B": ("Aᵀ G Cᵀ", lambda A, B, C, G: A.T @ G @ C.T),
            "C": ("Bᵀ Aᵀ G", lambda A, B, C, G: (A @ B).T @ G),
        },
    ),
    Identity(
        PRODUCTS,
        "outer product",
        "x: [n]\ny: [m]\nZ[i, j] = x[i]*y[j]",
        lambda x, y: x[:, None] * y,
        {"x": ("G y", lambda x, y, G: G @ y), "y": ("Gᵀ x", lambda x, y, G: G.T @ x)},
    ),
    Identity(
        PRODUCTS,
        "outer product with itself",
        "x: [n]\nZ[i, j] = x[i]*x[j]",
        lambda x: x[:, None] * x,
        {"x": ("(G + Gᵀ) x", lambda x, G: (G + G.T) @ x)},
    ),
    Identity(
        PRODUCTS,
        "Gram matrix",
        "X: [N, n]\nC = X.T @ X",
        lambda X: X.T @ X,
        {"X": ("X (G + Gᵀ)", lambda X, G: X @ (G + G.T))},
    ),
    Identity(
        PRODUCTS,
        "scaled columns",
        "X: [m, n]\nd: [n]\nY[i, j] = X[i, j]*d[j]",
        lambda X, d: X * d,
        {"X": ("G diag(d)", lambda X, d, G: G @ np.diag(d)), "d": ("(G ⊙ X)ᵀ 𝟏", lambda X, d, G: (G * X).sum(0))},
    ),
    Identity(
        PRODUCTS,
        "elementwise product",
        "A: [m, n]\nB: [m, n]\nY = A*B",
        lambda A, B: A * B,
        {"A": ("G ⊙ B", lambda A, B, G: G * B)},
    ),
    # ------------------------------------------------------------ functions of affine maps
    Identity(
        FUNCTIONS,
        "GBC 6.5.4",
        "W: [m, n]\nx: [n]\nb: [m]\ny = sigmoid(W @ x + b)",
        lambda W, x, b: 1 / (1 + (-(W @ x + b)).exp()),
        {
            "W": (
                "(g ⊙ y ⊙ (𝟏 − y)) xᵀ",
                lambda W, x, b, G: np.outer(G * sigmoid(W @ x + b) * (1 - sigmoid(W @ x + b)), x),
            ),
            "x": (
                "Wᵀ (g ⊙ y ⊙ (𝟏 − y))",
                lambda W, x, b, G: W.T @ (G * sigmoid(W @ x + b) * (1 - sigmoid(W @ x + b))),
            ),
            "b": ("g ⊙ y ⊙ (𝟏 − y)", lambda W, x, b, G: G * sigmoid(W @ x + b) * (1 - sigmoid(W @ x + b))),
        },
    ),
    Identity(
        FUNCTIONS,
        "GBC 10.2.2",
        "W: [m, n]\nx: [n]\nb: [m]\ny = tanh(W @ x + b)",
        lambda W, x, b: (W @ x + b).tanh(),
        {"x": ("Wᵀ (g ⊙ (𝟏 − y^(⊙2)))", lambda W, x, b, G: W.T @ (G * (1 - np.tanh(W @ x + b) ** 2)))},
    ),
    Identity(
        FUNCTIONS,
        "elementwise",
        "W: [m, n]\nx: [n]\nb: [m]\nf = sum(sin(W @ x + b))",
        lambda W, x, b: (W @ x + b).sin().sum(),
        {
            "W": ("cos(W x + b) xᵀ", lambda W, x, b: np.outer(np.cos(W @ x + b), x)),
            "x": ("Wᵀ cos(W x + b)", lambda W, x, b: W.T @ np.cos(W @ x + b)),
        },
    ),
    Identity(
        FUNCTIONS,
        "log-sum-exp",
        "A: [m, n]\nx: [n]\nb: [m]\nf = log(sum(exp(A @ x + b)))",
        lambda A, x, b: (A @ x + b).logsumexp(0),
        {
            "b": ("softmax(A x + b)", lambda A, x, b: softmax(A @ x + b)),
            "A": ("softmax(A x + b) xᵀ", lambda A, x, b: np.outer(softmax(A @ x + b), x)),
        },
    ),
    Identity(
        FUNCTIONS,
        "Gaussian of a quadratic form, PC 8.1",
        "A: [n, n]\nx: [n]\nf = exp(-(x.T @ A @ x)/2)",
        lambda A, x: (-(x @ A @ x) / 2).exp(),
        {"x": ("−(f/2) (A + Aᵀ) x", lambda A, x: -np.exp(-x @ A @ x / 2) / 2 * (A + A.T) @ x)},
    ),
    Identity(
        FUNCTIONS,
        "power",
        "x: [n]\nf = sum(x**3)",
        lambda x: (x**3).sum(),
        {"x": ("3 x^(⊙2)", lambda x: 3 * x**2)},
    ),
    # ------------------------------------------------------------ models
    Identity(
        MODELS,
        "logistic regression, HTF 4.4",
        "X: [N, n]\nw: [n]\ny: [N]\nL = sum(softplus(X @ w) - y*(X @ w))",
        lambda X, w, y: ((1 + (X @ w).exp()).log() - y * (X @ w)).sum(),
        {"w": ("Xᵀ (σ(X w) − y)", lambda X, w, y: X.T @ (sigmoid(X @ w) - y))},
    ),
    Identity(
        MODELS,
        "logistic regression with labels ±1",
        "X: [N, n]\nw: [n]\ny: [N]\nL = sum(log(1 + exp(-y*(X @ w))))",
        lambda X, w, y: (1 + (-y * (X @ w)).exp()).log().sum(),
        {"w": ("−Xᵀ (y ⊙ σ(−y ⊙ (X w)))", lambda X, w, y: -X.T @ (y * sigmoid(-y * (X @ w))))},
    ),
    Identity(
        MODELS,
        "softmax regression, HTF 4.4",
        "X: [N, n]\nW: [n, C]\nY: onehot[N, C]\nP = softmax(X @ W)\nL = -sum(Y*log(P))",
        lambda X, W, Y: -(Y * (X @ W).log_softmax(1)).sum(),
        {
            "W": ("Xᵀ (P − Y)", lambda X, W, Y: X.T @ (softmax(X @ W) - Y)),
            "X": ("(P − Y) Wᵀ", lambda X, W, Y: (softmax(X @ W) - Y) @ W.T),
        },
    ),
    Identity(
        MODELS,
        "reconstruction by principal components, HTF 14.5",
        "X: [N, n]\nW: [n, q]\nR = X - X @ W @ W.T\nL = sum(R**2)",
        lambda X, W: ((X - X @ W @ W.T) ** 2).sum(),
        {
            "W": ("−2 (Rᵀ X + Xᵀ R) W", lambda X, W: -2 * ((R := X - X @ W @ W.T).T @ X + X.T @ R) @ W),
            "X": ("2 (R − R W Wᵀ)", lambda X, W: 2 * (X - X @ W @ W.T) @ (np.eye(len(W)) - W @ W.T)),
        },
    ),
    Identity(
        MODELS,
        "matrix factorization, HTF 14.6",
        "X: [N, n]\nW: [N, q]\nH: [q, n]\nL = sum((X - W @ H)**2)",
        lambda X, W, H: ((X - W @ H) ** 2).sum(),
        {
            "W": ("−2 (X − W H) Hᵀ", lambda X, W, H: -2 * (X - W @ H) @ H.T),
            "H": ("−2 Wᵀ (X − W H)", lambda X, W, H: -2 * W.T @ (X - W @ H)),
        },
    ),
    Identity(
        MODELS,
        "softmax",
        "z: [n]\np = softmax(z)",
        lambda z: z.softmax(0),
        {"z": ("p ⊙ (g − (gᵀ p) 𝟏)", lambda z, G: (np.diag(softmax(z)) - np.outer(softmax(z), softmax(z))) @ G)},
    ),
]
