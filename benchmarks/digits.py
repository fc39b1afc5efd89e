"""A two-layer network learns handwritten digits with generated kernels, beside the same network in PyTorch.

    python benchmarks/digits.py

Both start from the same weights and see the same batches, in float64; what is compared is the loss of every step and the
accuracy on the part that is held out.  The data are those that scikit-learn ships: 1,797 images of 8 by 8.
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
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import derive

HIDDEN, BATCH, RATE, SEED = 64, 32, 0.1, 0

Weights = tuple[Any, Any, Any, Any]


def data() -> tuple[Any, Any, Any, Any]:
    """(training images, held-out images, training labels, held-out labels), pixels between 0 and 1."""
    images, labels = load_digits(return_X_y=True)
    found: tuple[Any, Any, Any, Any] = tuple(
        train_test_split(images / 16, labels, test_size=0.25, random_state=SEED, stratify=labels)
    )
    return found


def first_weights(pixels: int, classes: int) -> Weights:
    random = np.random.default_rng(SEED)
    return (
        random.normal(size=(HIDDEN, pixels)) * (2 / pixels) ** 0.5,
        np.zeros(HIDDEN),
        random.normal(size=(classes, HIDDEN)) * (1 / HIDDEN) ** 0.5,
        np.zeros(classes),
    )


def batches(count: int, epochs: int) -> Iterator[Any]:
    """The rows of each batch, the same for whoever asks."""
    random = np.random.default_rng(SEED)
    for _ in range(epochs):
        order = random.permutation(count)
        yield from (order[k : k + BATCH] for k in range(0, count - BATCH + 1, BATCH))


def by_derive(x: Any, t: Any, epochs: int) -> tuple[list[float], Weights]:
    """The loss of every step, and the weights at the end."""
    kernel = derive.graph("mlp").kernel(batch=("x", "t"), wrt=("W1", "b1", "W2", "b2"), dtype="float64")
    update = derive.graph("w: [n]; g: [n]; eta: real; v = w - eta*g").kernel(wrt=("w",), dtype="float64").forward
    weights = first_weights(x.shape[1], 10)
    gradients, workspace = tuple(map(np.empty_like, weights)), kernel.Workspace()
    losses = []
    for rows in batches(len(x), epochs):
        loss, _ = kernel.value_and_grad(x[rows], *weights, t[rows], out=gradients, workspace=workspace)
        for w, g in zip(weights, gradients, strict=True):
            update(w.reshape(-1), g.reshape(-1), RATE, out=w.reshape(-1))
        losses.append(loss)
    return losses, weights


def by_torch(x: Any, t: Any, epochs: int) -> tuple[list[float], Weights]:
    weights = [torch.from_numpy(w).requires_grad_() for w in first_weights(x.shape[1], 10)]
    optimizer = torch.optim.SGD(weights, lr=RATE)
    images, labels = torch.from_numpy(x), torch.from_numpy(t)
    losses = []
    for rows in batches(len(x), epochs):
        optimizer.zero_grad()
        hidden = torch.relu(images[rows] @ weights[0].T + weights[1])
        loss = torch.nn.functional.cross_entropy(hidden @ weights[2].T + weights[3], labels[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    w1, b1, w2, b2 = (w.detach().numpy() for w in weights)
    return losses, (w1, b1, w2, b2)


def accuracy(x: Any, t: Any, weights: Weights) -> float:
    w1, b1, w2, b2 = weights
    return float((((np.maximum(x @ w1.T + b1, 0)) @ w2.T + b2).argmax(1) == t).mean())


def run(epochs: int) -> dict[str, float]:
    """What both networks come to."""
    x, held_x, t, held_t = data()
    start = time.perf_counter()
    ours, our_weights = by_derive(x, t, epochs)
    middle = time.perf_counter()
    theirs, their_weights = by_torch(x, t, epochs)
    return {
        "steps": len(ours),
        "first_loss": ours[0],
        "last_loss": float(np.mean(ours[-40:])),
        "largest_difference_of_losses": float(np.abs(np.subtract(ours, theirs)).max()),
        "accuracy": accuracy(held_x, held_t, our_weights),
        "accuracy_of_torch": accuracy(held_x, held_t, their_weights),
        "seconds": round(middle - start, 2),
        "seconds_of_torch": round(time.perf_counter() - middle, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Handwritten digits, learned with generated kernels and with PyTorch.")
    parser.add_argument("--epochs", type=int, default=60)
    found = run(parser.parse_args().epochs)
    print(json.dumps(found, indent=1))
    return 0 if found["accuracy"] >= 0.96 and found["largest_difference_of_losses"] <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
