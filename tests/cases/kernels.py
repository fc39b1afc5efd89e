"""Definitions, batches and extreme inputs that kernels of every target are tested with."""

from __future__ import annotations

import numpy as np

FLOAT64 = 1e-12
"""The relative error allowed in float64, relative to the largest entry, or to `SMALL` where all are smaller."""

SMALL = 0.01

FLOAT32 = 32 * 2.0**-24
"""The error allowed in float32: 32 units in the last place of the largest entry, or of 1 where all are smaller."""

BATCHED = {
    "affine": "h",
    "attention": "Q,K,V",
    "attention_causal": "Q,K,V",
    "batch_norm": "X",
    "bilinear": "x,y",
    "conv1d_layer": "x",
    "cosine_similarity": "x,y",
    "embedding": "t",
    "focal_loss": "z,t",
    "gelu": "x",
    "group_norm": "x",
    "hinge": "s,t",
    "huber": "yhat,y",
    "kl_divergence": "p,q",
    "label_smoothing": "z,t",
    "layer_norm": "x",
    "log_softmax": "z",
    "logsumexp": "z",
    "lstm_cell": "x,h0,c0",
    "max_pool2d": "X",
    "mlp": "x,t",
    "rms_norm": "x",
    "softmax": "z",
    "softmax_cross_entropy": "z,y",
    "softmax_cross_entropy_label": "z,t",
    "triplet_margin": "a,p,n",
}
"""Definitions for N examples, and the inputs that differ between these."""

TEXTS = [
    "A: [n, n]; B: [n, n]; x: [n]; y = A @ B @ x; L = sum(y**2)",
    "A: [m, n]; f = sum(A[i, j]*A[i, j] for i in m for j in n if j <= i)",
    "x: [n]; m = max(x); L = sum(exp(x - m))",
    "x: [n + 1]; w: [n]; A: [n, n]; y: [n]; y[i] = x[i + 1] - x[i]*sum(A[i, j]*x[j] for j in n); L = sum(w*y**2)",
    "z: [n + m]; x: [n]; y: [m]; z[i] = where(i < n, x[i], y[i - n]); L = sum(exp(z @ z.T))",
    "x: [n]; h: [m]; W: [k, n + m]; a = tanh(W @ concat(x, h)); L = sum(a**2)",
    "X: [n, d]; Y: [m, d]; Z = concat(X, Y); L = sum(Z @ Z.T)",
    "x: [n + 1]; w: [n]; L = sum(x[i]*w[i] for i in n) + sum((x[1:] - x[:-1])**2)",
    "x: [n]; L = prod(x)",
    "x: [n]; k = argmax(x); L = x[k]**2",
    "x: [n]; L = sum(exp(x))**0.5 + sum(abs(x)**3)",
    "x: [n]; w: positive; y[i] = x[i]**3/w + w**1.5",
    "A: [b, m, n]; B: [b, n, k]; C[i, j, l] = sum(A[i, j, r]*B[i, r, l] for r in n)",
    "A: [m, n]; y[j] = max(A[i, j] for i in m)",
    "x: [n]; L = sum(x[i]*x[j] for i in n for j in n if i < j)",
    "x: [n]; y: [n]; y[i] = sum(x[j] for j in n if j <= i)",
    "x: [n]; L = sum(where(x > 0, log(1 + exp(x)), sin(x)*cos(x)))",
    "z: [N, C]; y: onehot[N, C]; p = softmax(z); L = -mean(sum(y[i, k]*log(p[i, k]) for k in C) for i in N)",
    # names that the functions of a module use themselves
    "x: [n]; last = exp(x); threads = 2*last; status = sum(threads*last)",
    "W: [V, d]; t: label[N, V]; k0: [N, d]; L = sum(W[t[first], scratch]*k0[first, scratch] for first in N for scratch in d)",
]

EXTREMES = [
    [1e4, -1e4, 0.0],
    [1e30, 1e30, -1e30],
    [-1e30, -1e30, -1e30],
    [np.inf, 0.0, 1.0],
    [-np.inf, 0.0, 1.0],
    [-np.inf, -np.inf, -np.inf],
    [np.nan, 0.0, 1.0],
    [0.0, -0.0, 0.0],
    [1e-30, -1e-30, 1e-38],
]
