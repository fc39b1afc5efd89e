"""Which loops LLVM turns into vector code: `python tests/oracles/vectorised.py CASE`, in a process of its own.

LLVM says so on standard error, if it is asked before Numba is imported.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

llvm.set_option("", "-pass-remarks=loop-vectorize")

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import derive  # noqa: E402
from derive.kernels.cpu import looped  # noqa: E402

N, C = 6, 70

Arrays = Callable[..., Any]


def random(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def labels() -> Any:
    return np.arange(N) % C


CASES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], str, Callable[[], tuple[Any, ...]]]] = {
    # definition, batched inputs, wrt, function, its arguments
    "cross_entropy": ("softmax_cross_entropy_label", ("z", "t"), (), "value_and_grad", lambda: (random(N, C), labels())),
    "hinge": ("hinge", ("s", "t"), (), "value_and_grad", lambda: (random(N, C), labels())),
    "layer_norm": (
        "layer_norm",
        ("x",),
        ("x", "gamma", "beta"),
        "forward_and_vjp",
        lambda: (random(N, C), random(C), random(C), 0.1, random(N, C)),
    ),
    "batch_norm": (
        "batch_norm",
        (),
        ("X", "gamma", "beta"),
        "forward_and_vjp",
        lambda: (random(N, C), random(C), random(C), 0.1, random(N, C)),
    ),
    "tanh": ("x: [n]; y = tanh(x)", (), (), "forward_and_vjp", lambda: (random(C), random(C))),
    "gelu": ("x: [n]; y = gelu(x)", (), (), "forward_and_vjp", lambda: (random(C), random(C))),
    "mse": ("mse", (), ("yhat",), "value_and_grad", lambda: (random(C), random(C))),
    "argmax": ("x: [n]; k = argmax(x); L = x[k]", (), (), "value", lambda: (random(C),)),
}


def main() -> None:
    """Compile and call one function, with what is compiled kept nowhere."""
    os.environ["DERIVE_CACHE"] = tempfile.mkdtemp()
    looped.streamed = lambda *_: ()  # the loops of `stream` are vector code by hand
    source, batch, wrt, function, arguments = CASES[sys.argv[1]]
    getattr(derive.graph(source).kernel(batch=batch, wrt=wrt), function)(*arguments())


if __name__ == "__main__":
    main()
