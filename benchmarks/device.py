"""The elementary functions of kernels beside numpy's and PyTorch's: `python benchmarks/device.py`.

One process and one thread; the contenders take turns, and a ratio is the median of those of each turn, so that other work on
the machine falls on all of them.  Arrays stay in the cache: what is timed is arithmetic.  The last lines time `stream`, a
copy of 64 MiB, beside numpy's and one with ordinary stores.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import torch
from numba import njit

sys.path.insert(0, str(Path(__file__).parent.parent))

from derive.kernels.cache import load
from derive.kernels.cpu.device.intrinsics import fence, stream
from derive.kernels.program.elementary import DTYPES, FUNCTIONS
from derive.kernels.target import TARGETS
from derive.kernels.text.device import sources

ENTRIES = 8192
ROUNDS = 60
REPEATS = 5

NUMPY: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp,
    "exp_nonpositive": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "softplus": lambda x, out: np.logaddexp(0, x, out=out),
    "sigmoid": lambda x, out: np.reciprocal(np.add(np.exp(np.negative(x, out=out), out=out), 1, out=out), out=out),
}

TORCH: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(torch, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf")},
    "exp_nonpositive": torch.exp,
    "softplus": lambda x, out: torch._C._nn.softplus(x, out=out),
    "normal_cdf": torch.special.ndtr,
}


def loop(function: Any) -> Any:
    @njit(error_model="numpy")
    def run(x, out):
        for i in range(x.shape[0]):
            out[i] = function(x[i])

    return run


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of each contender in every round, in an order that turns round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for i in range(rounds):
        for name in list(contenders)[:: -1 if i % 2 else 1]:
            start = time.perf_counter()
            for _ in range(REPEATS):
                contenders[name]()
            times[name].append((time.perf_counter() - start) / REPEATS)
    return times


def against(times: Mapping[str, list[float]], name: str, ours: str) -> str:
    """How many times as long another contender takes, and the middle half of the rounds."""
    if name not in times:
        return f"{'-':>20}"
    ratios = [theirs / own for theirs, own in zip(times[name], times[ours], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return f"{median(ratios):6.2f} ({low:5.2f}-{high:5.2f})"


def functions(dtype: str) -> None:
    module, random = load(sources(TARGETS["cpu"].device, FUNCTIONS, dtype), f"device_{dtype}"), np.random.default_rng(0)
    for name in FUNCTIONS:
        x = (3 * random.normal(size=ENTRIES)).astype(dtype)
        x = np.abs(x) if name.startswith("log") else -np.abs(x) if name == "exp_nonpositive" else x
        run, outs, theirs = loop(getattr(module, name)), [np.empty_like(x) for _ in range(3)], torch.from_numpy(x)
        out = torch.from_numpy(outs[2])
        contenders: dict[str, Callable[[], object]] = {"derive": lambda run=run, x=x, out=outs[0]: run(x, out)}
        if name in NUMPY:
            contenders["numpy"] = lambda name=name, x=x, out=outs[1]: NUMPY[name](x, out=out)
        if name in TORCH:
            contenders["torch"] = lambda name=name, x=theirs, out=out: TORCH[name](x, out=out)
        times = interleaved(contenders)
        for i, other in enumerate(("numpy", "torch"), start=1):
            if other in contenders:
                np.testing.assert_allclose(outs[0], outs[i], rtol=1e-4, atol=1e-6)
        each = 1e9 * median(times["derive"]) / ENTRIES
        print(
            f"{name:16} {dtype} {each:8.3f}   {against(times, 'numpy', 'derive')}   {against(times, 'torch', 'derive')}",
            flush=True,
        )


def streaming() -> None:
    source = np.ones(1 << 24, np.float32)
    to = [np.zeros_like(source) for _ in range(3)]

    @njit
    def streamed(to, come):
        stream(to, come, come[0])
        fence()

    @njit
    def stored(to, come):
        for i in range(to.shape[0]):
            to[i] = come[0] * come[i]

    times = interleaved(
        {
            "stream": lambda: streamed(to[0], source),
            "stored": lambda: stored(to[1], source),
            "numpy": lambda: np.copyto(to[2], source),
        },
        rounds=10,
    )
    rate = 2 * source.nbytes / median(times["stream"]) / 1e9
    print(f"stream {rate:.1f} GB/s; ordinary stores {against(times, 'stored', 'stream')}", end="")
    print(f", np.copyto {against(times, 'numpy', 'stream')}")


def main() -> None:
    torch.set_num_threads(1)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "torch"))
    print(f"{platform.machine()}, {versions}; times as long, with the middle half of {ROUNDS} rounds\n")
    print(f"{'':24} {'ns/entry':>8}   {'numpy':>20}   {'torch':>20}")
    for dtype in DTYPES:
        functions(dtype)
    print()
    streaming()


if __name__ == "__main__":
    main()
