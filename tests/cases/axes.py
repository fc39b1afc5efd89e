"""Definitions with axes that a proof has to tell apart."""

from __future__ import annotations

AXES = (
    "x: [n]\nL = sum(x**2)",
    "x: [n, 2, 3]\nW: [m, n]\ny[i, j, k] = sum(W[i, l]*x[l, j, k] for l in n)",
    "x: [O + K - 1]\nw: [K]\ny[o] = sum(w[k]*x[o + k] for k in K)",
    "x: [n]\nw: [K]\ny: [n - K + 1]\ny[o] = sum(w[k]*x[o + k] for k in K)",
    "x: [D, s*(P - 1) + K, s*(R - 1) + M]\nw: [C, D, K, M]\n"
    "y[c, p, q] = sum(w[c, d, k, l]*x[d, s*p + k, s*q + l] for d in D for k in K for l in M)",
    "a: [i1, i2, i3, i4, i5, i6, i7, i8, i9]\nL = sum(a)",
)

LARGE = {
    "a convolution in two dimensions": (
        "x: [N, D, s*(P - 1) + K, s*(R - 1) + M]\nw: [C, D, K, M]\n"
        "y[n, c, p, q] = sum(w[c, d, k, l]*x[n, d, s*p + k, s*q + l] for d in D for k in K for l in M)",
        ("x", "w"),
    ),
    "group normalization": (
        "x: [N, G, C, H]\ne: positive\nmu[n, g] = mean(x[n, g, i, j] for i in C for j in H)\n"
        "v[n, g] = mean((x[n, g, i, j] - mu[n, g])**2 for i in C for j in H)\n"
        "y[n, g, i, j] = (x[n, g, i, j] - mu[n, g])/sqrt(v[n, g] + e)",
        ("x",),
    ),
    "several heads": (
        "X: [T, D]\nA: [H, D, d]\nB: [H, D, d]\nV: [H, D, e]\nO: [H, e, D]\n"
        "Q[h, t, i] = sum(X[t, a]*A[h, a, i] for a in D)\nK[h, t, i] = sum(X[t, a]*B[h, a, i] for a in D)\n"
        "S[h, t, u] = sum(Q[h, t, i]*K[h, u, i] for i in d)/sqrt(d)\nP = softmax(S)\n"
        "Z[h, t, i] = sum(P[h, t, u]*X[u, a]*V[h, a, i] for u in T for a in D)\n"
        "Y[t, a] = sum(Z[h, t, i]*O[h, i, a] for h in H for i in e)",
        ("X", "A"),
    ),
    "axes of fixed size": ("W: [10, 20]\nx: [20]\nL = sum(relu(W @ x)**2)", ("W",)),
}
