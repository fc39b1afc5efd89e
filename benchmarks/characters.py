"""A transformer of two blocks learns to write characters with generated kernels, beside the same network in PyTorch.

    python benchmarks/characters.py

One definition, `characters.derive`, is the whole network: embeddings, causal attention in several heads, layer norms, GELU, and
the cross-entropy of the next character at every place.  One kernel computes the loss and all gradients; NumPy takes Adam's steps.
Both networks start from the same weights and see the same batches, in float32.  The text is the project's own documentation.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

import derive

ROOT = Path(__file__).parent.parent

Array = Any
Weights = dict[str, Array]

DEFINITION = Path(__file__).with_suffix(".derive")
BLOCKS = (1, 2)
SIZES = {"T": 64, "d": 64, "h": 4, "e": 16, "f": 256}
"""The length of a text, the width, heads, the width of a head, and of the layer between."""

BATCH, RATE, SEED, FIRST = 16, 3e-3, 0, 0.05

EARLY = 20
"""So many steps both take alike, before rounding has made two networks of them."""


def text() -> str:
    """What is learned: plain letters."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "".join(path.read_text(encoding="utf-8") for path in files).encode("ascii", "ignore").decode()


def first_weights(axes: dict[str, tuple[str, ...]], sizes: dict[str, int]) -> Weights:
    """By name: those of norms 1, offsets 0, all others small."""
    random = np.random.default_rng(SEED)
    made = {}
    for name, names in axes.items():
        shape = tuple(sizes[n] for n in names)
        whole = {"g": np.ones, "b": np.zeros}.get(name[0], lambda s: FIRST * random.normal(size=s))
        made[name] = np.asarray(whole(shape), np.float32)
    return made


def batches(data: Array, steps: int) -> Iterator[tuple[Array, Array]]:
    """Texts and, at every place, what comes next."""
    random = np.random.default_rng(SEED)
    length = SIZES["T"]
    for _ in range(steps):
        starts = random.integers(0, len(data) - length - 1, BATCH)
        rows = data[starts[:, None] + np.arange(length + 1)]
        yield np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, 1:])


class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1), in place."""

    def __init__(self, weights: Weights) -> None:
        self.weights, self.steps = weights, 0
        self.means, self.squares = ([np.zeros_like(w) for w in weights.values()] for _ in range(2))

    def step(self, gradients: tuple[Array, ...]) -> None:
        self.steps += 1
        for w, g, m, v in zip(self.weights.values(), gradients, self.means, self.squares, strict=True):
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            w -= (
                np.float32(RATE / (1 - 0.9**self.steps)) * m / (np.sqrt(v / np.float32(1 - 0.999**self.steps)) + np.float32(1e-8))
            )


def by_derive(graph: derive.Graph, weights: Weights, data: Array, steps: int) -> dict[str, Any]:
    """What the training comes to; the weights are changed in place."""
    start = time.perf_counter()
    kernel = graph.kernel(batch=("t", "u"))
    order = [i.name for i in graph.inputs]
    optimizer, workspace = Adam(weights), kernel.Workspace()
    gradients = tuple(map(np.empty_like, weights.values()))
    losses, first = [], 0.0
    for t, u in batches(data, steps):
        given = {"t": t, "u": u} | weights
        loss, _ = kernel.value_and_grad(*(given[n] for n in order), out=gradients, workspace=workspace)
        first = first or time.perf_counter()
        optimizer.step(gradients)
        losses.append(float(loss))
    return {"losses": losses, "until_the_first": first - start, "seconds": time.perf_counter() - first}


def torch_loss(w: dict[str, Any], t: Any, u: Any) -> Any:
    """The same network in PyTorch."""
    import torch
    from torch.nn import functional

    x = w["E"][t] + w["P"]
    for k in BLOCKS:
        n = functional.layer_norm(x, x.shape[-1:], w[f"g_n{k}"], w[f"b_n{k}"])
        q, key, v = (torch.einsum("hed,btd->bhte", w[f"W_{name}{k}"], n) for name in "qkv")
        o = functional.scaled_dot_product_attention(q, key, v, is_causal=True)
        x = x + torch.einsum("dhe,bhte->btd", w[f"W_o{k}"], o)
        m = functional.layer_norm(x, x.shape[-1:], w[f"g_m{k}"], w[f"b_m{k}"])
        x = x + functional.gelu(m @ w[f"W_a{k}"].T + w[f"b_a{k}"]) @ w[f"W_b{k}"].T + w[f"b_b{k}"]
    return functional.cross_entropy((x @ w["U"].T).flatten(0, 1), u.flatten())


def by_torch(weights: Weights, data: Array, steps: int) -> dict[str, Any]:
    import torch

    taken = {n: torch.from_numpy(w).requires_grad_() for n, w in weights.items()}
    optimizer, losses, start = Adam(weights), [], time.perf_counter()
    for t, u in batches(data, steps):
        loss = torch_loss(taken, torch.from_numpy(t), torch.from_numpy(u))
        gradients = torch.autograd.grad(loss, list(taken.values()))
        optimizer.step(tuple(g.numpy() for g in gradients))
        losses.append(loss.item())
    return {"losses": losses, "seconds": time.perf_counter() - start}


def run(steps: int, beside: bool) -> dict[str, Any]:
    """What both networks come to."""
    letters = text()
    chars = sorted(set(letters))
    data = np.array([chars.index(c) for c in letters])
    graph = derive.graph(DEFINITION)
    axes = {i.name: tuple(map(str, i.axes)) for i in graph.inputs if i.differentiable}
    weights = first_weights(axes, SIZES | {"V": len(chars)})
    ours = by_derive(graph, {n: w.copy() for n, w in weights.items()}, data, steps)
    found = {
        "characters": len(data),
        "weights": sum(w.size for w in weights.values()),
        "first_loss": ours["losses"][0],
        "last_loss": float(np.mean(ours["losses"][-20:])),
        "seconds_until_the_first_step": round(ours["until_the_first"], 1),
        "milliseconds_a_step": round(1e3 * ours["seconds"] / steps, 1),
    }
    if beside:
        theirs = by_torch(weights, data, steps)
        found["largest_difference_of_early_losses"] = float(np.abs(np.subtract(ours["losses"], theirs["losses"])[:EARLY]).max())
        found["last_loss_of_torch"] = float(np.mean(theirs["losses"][-20:]))
        found["milliseconds_a_step_of_torch"] = round(1e3 * theirs["seconds"] / steps, 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="A small language model of characters, learned with generated kernels.")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    given = parser.parse_args()
    found = run(given.steps, not given.alone)
    print(json.dumps(found, indent=1))
    return 0 if found["last_loss"] < found["first_loss"] - 1 and found.get("largest_difference_of_early_losses", 0) <= 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
