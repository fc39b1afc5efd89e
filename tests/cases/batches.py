"""Definitions for one example, with the inputs that differ between examples."""

from __future__ import annotations

import re

CLASSIFIER = "x: [n]\nW: [C, n]\nb: [C]\nt: label[C]\nz = W @ x + b\np = softmax(z)\nL = -log(p[t])"
TIED = "x: [n]\nu: [n]\nW: [n, n]\nV = W*W.T\ny = V @ x + u\nL = sum(y**2) + u @ u"
CLIPPED = "x: [n]\nb: [n]\nc: real\ny = where(x > b, max(x, b)*c, -x)"

CASES = [
    *[("affine", inputs) for inputs in ("h", "W", "W,h,b", "b")],
    ("affine_batch", "X"),
    ("attention", "Q,K,V"),
    ("attention", "Q"),
    ("batch_norm", "X"),
    *[("bilinear", inputs) for inputs in ("x,y", "x", "A")],
    ("conv1d", "x"),
    ("cosine_similarity", "x,y"),
    ("cross_entropy", "p,y"),
    ("embedding", "t"),
    ("hinge", "s,t"),
    ("huber", "yhat,y"),
    ("layer_norm", "x"),
    ("max_pool1d", "x"),
    ("mlp", "x,t"),
    ("rnn_cell", "h,x"),
    ("silu", "x"),
    ("softmax_cross_entropy", "z,y"),
    ("softmax_cross_entropy", "z"),
    (CLASSIFIER, "x,t"),
    (TIED, "x"),
    (CLIPPED, "x"),
]
"""Definitions, and the inputs in which the examples differ."""

NOTATION = {
    "W @ x + b": "((x @ W.T) + b)",
    "b + W.T @ (2*x)": "(b + ((2 * x) @ W))",
    "x @ W - b": "((x @ W) - b)",
    "u @ x": "(x @ u)",
    "x.T @ u": "(x @ u)",
    "u.T @ x": "(x @ u)",
    "u.T @ relu(W @ x)": "(relu((x @ W.T)) @ u)",
    "relu(W @ x)*c": "(relu((x @ W.T)) * c)",
    "softmax(-x)": "softmax((-x))",
    "softmax(X)": "softmax(X)",
    "mse(X, u)": "mse(X, u)",
    "exp(x)/c + sqrt(d)": "((exp(x) / c) + sqrt(d))",
    "W @ (W @ u) + x": "((W @ (W @ u)) + x)",
    "x @ x": "",
    "x - mean(x)": "",
    "u*x": "",
    "x @ u + x": "",
    "X @ u": "",
    "X.T": "",
    "X + W": "",
    "mse(X, W)": "",
    "mse(X, x)": "",
    "W @ x + sum(x[i] for i in d)": "",
}
"""For d entries: how a formula is typed for examples in rows, or nothing where only indices will do."""

DECLARED = {"x": "[d]", "X": "[d, d]", "u": "[d]", "b": "[d]", "W": "[d, d]", "c": "real"}


def formula(one: str) -> tuple[str, str]:
    """A definition of y by this formula, and the inputs in which examples differ: x and X."""
    used = [name for name in DECLARED if re.search(rf"\b{name}\b", one)]
    return "\n".join([*(f"{name}: {DECLARED[name]}" for name in used), f"y = {one}"]), ",".join(n for n in used if n in "xX")
