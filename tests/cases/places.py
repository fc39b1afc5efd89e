"""Definitions with a kink that does not count, and with an arg max."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def pairs(torch: Any, x: Any) -> Any:
    return x[:, None] - x[None, :]


# the definition: the same in PyTorch
EVERYWHERE_A_PLACE_WITHOUT_KINK: dict[str, Callable[[Any, Any], Any]] = {
    "x: [n]\nf = sum(abs(x[i] - x[j]) for i in n for j in n)": lambda t, x: pairs(t, x).abs().sum(),
    "x: [n]\nf = sum(abs(x[i] - x[j])**3 for i in n for j in n if i != j)": lambda t, x: (pairs(t, x).abs() ** 3).sum(),
    "x: [n]\nf = sum(abs(x[i]**2 - x[j]**2) for i in n for j in n if i < j)": lambda t, x: pairs(t, x**2).abs().triu(1).sum(),
    "x: [n]\nf = sum(max(x[i], x[j]) for i in n for j in n)": lambda t, x: t.maximum(x[:, None], x[None, :]).sum(),
    "x: [n]\ny[i] = max(x[i], x[n - 1 - i])\nf = sum(y**2)": lambda t, x: (t.maximum(x, x.flip(0)) ** 2).sum(),
    "x: [n]\ny[i] = sum(x[j] for j in n if x[j] < x[i])\nf = sum(y**2)": lambda t, x: (
        t.where(pairs(t, x) > 0, x[None, :], 0.0).sum(1) ** 2
    ).sum(),
    "x: [n]\nf = max(x[i]*x[j] for i in n for j in n)": lambda t, x: (x[:, None] * x[None, :]).max(),
    "x: [n]\nf = sum(relu(x - max(x)) + x**2)": lambda t, x: (t.relu(x - x.max()) + x**2).sum(),
    "x: [n]\nf = sum(abs(x - max(x)))": lambda t, x: (x - x.max()).abs().sum(),
    "x: [n]\nf = sum(max(0, where(i == 0, 0, 1 + x[i] - x[0])) for i in n)": lambda t, x: (
        t.relu(1 + x - x[0]) * t.tensor([0, 1, 1])
    ).sum(),
}

ARG_MAX = {
    "x: [n]\nk = argmax(x)\nf = x[k]**2": lambda t, x: x[x.argmax()] ** 2,
    "x: [n]\nk = argmax(x[i]**2 for i in n)\nf = x[k]**3 + sum(x**2)": lambda t, x: x[(x**2).argmax()] ** 3 + (x**2).sum(),
}
