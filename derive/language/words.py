"""The words that the language keeps for itself, and what to write for those it does not know."""

from __future__ import annotations

from derive.calculus.functions import PRIMITIVES

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "argmax")
FUNCTIONS = (*PRIMITIVES, "where")

NO_NUMBERS = ("inf", "infinity", "oo", "nan")
ELSEWHERE = {
    "ln": "log(x)",
    "pow": "x**2",
    "square": "x**2",
    "tan": "sin(x)/cos(x)",
    "dot": "x @ y",
    "matmul": "A @ B",
    "einsum": "sum(A[i, j]*B[j, k] for j in n)",
    "transpose": "A.T",
    "trace": "sum(A[i, i] for i in n)",
    "norm": "sqrt(sum(x**2))",
    "average": "mean(x)",
    "argmin": "argmax(-x)",
}
"""What is written here for functions that have a name elsewhere."""
