"""Definitions with functions of a matrix as a whole: inverses, determinants, and what is a formula of these."""

from __future__ import annotations

DEFINITIONS = (
    "A: [n, n]; B = inv(A)",
    "A: [n, n]; B = inv(A.T)",
    "A: [n, n]; B = inv(A).T",
    "A: [n, n]; f = det(A)",
    "A: [n, n]; f = det(A.T)**2",
    "A: [n, n]; f = logdet(A)",
    "A: [n, n]; b: [n]; x = solve(A, b)",
    "A: [n, n]; B: [n, m]; X = solve(A, B)",
    "A: [n, n]; b: [n]; x = solve(A, b); L = norm(x) + trace(inv(A))",
    "A: [m, n]; B: [n, m]; f = trace(A @ B)",
    "A: [m, n]; f = norm(A)",
    "x: [n]; y: [n]; f = norm(x - y)",
    "X: [m, n]; A: [m, m]; f = logdet(X.T @ A @ X)",
    "X: [m, n]; S: [n, n]; f = trace(X @ inv(S) @ X.T)",
    "A: [n, n]; f = sum(inv(A @ A.T))",
    "A: [n, n]; B = inv(A); d[i] = sum(B[i, j]**2 for j in n)",
    "W_h: [n, n]; x: [n]; y = tanh(inv(W_h) @ x)",
    "W1: [n, n]; x: [n]; y = solve(W1.T, x)",
)
"""Each has a value at almost all values, at sizes that are large enough."""

STACKS = (
    ("A: [n, n]; f = logdet(A)", "A"),
    ("A: [n, n]; b: [n]; x = solve(A, b); L = sum(x**2)", "A"),
    ("A: [n, n]; b: [n]; x = solve(A, b); L = sum(x**2)", "b"),
    ("A: [n, n]; f = norm(inv(A))", "A"),
)
"""The same for many examples: the definition, and the input that differs between them."""
