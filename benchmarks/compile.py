"""How long kernels take to compile, and to load once they are compiled: `python benchmarks/compile.py`.

Each kernel is compiled in a process of its own with an empty cache, by a first call on few rows; then one process loads them
all from the cache and calls each once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

KERNELS = {
    "softmax_cross_entropy_label": ("z,t", "value_and_grad", "r(8, 10), t(8, 10)"),
    "hinge": ("s,t", "value_and_grad", "r(8, 10), t(8, 10)"),
    "layer_norm": ("x", "forward_and_vjp", "r(8, 10), r(10), r(10), 0.1, r(8, 10)"),
    "batch_norm": ("", "forward_and_vjp", "r(8, 10), r(10), r(10), 0.1, r(8, 10)"),
    "attention": ("Q,K,V", "forward_and_vjp", "r(2, 8, 4), r(2, 8, 4), r(2, 8, 4), r(2, 8, 4)"),
    "mlp": ("x,t", "value_and_grad", "r(8, 6), r(5, 6), r(5), r(3, 5), r(3), t(8, 3)"),
    "x: [n]; y = gelu(x)": ("", "forward_and_vjp", "r(100), r(100)"),
    "mse": ("", "value_and_grad", "r(100), r(100)"),
}

CODE = """
import json, sys, time
sys.path.insert(0, {root!r})
import numpy as np
import derive
r = lambda *s: np.random.default_rng(0).normal(size=s).astype("float32")
t = lambda n, c: np.arange(n) % c
found = {{}}
for source, (batch, function, arguments) in {kernels!r}.items():
    kernel = derive.graph(source).kernel(batch=tuple(filter(None, batch.split(","))))
    start = time.perf_counter()
    module = kernel.loaded
    imported = time.perf_counter()
    getattr(kernel, function)(*eval(arguments))
    found[source] = [time.perf_counter() - start, imported - start, kernel.source.count(chr(10))]
print(json.dumps(found))
"""

ALLOWED, ALLOWED_CACHED = 2.5, 0.010
"""Seconds to compile a kernel first, and to load one more from the cache."""


def run(kernels: dict[str, tuple[str, str, str]], folder: str) -> dict[str, list[float]]:
    code = CODE.format(root=str(ROOT), kernels=kernels)
    environment = {**os.environ, "DERIVE_CACHE": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are kept as bytecode, as Python does unless it is told not to
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        first = {k: v for name, row in KERNELS.items() for k, v in run({name: row}, folder).items()}
        again = run(KERNELS, folder)
    print("| kernel | first call, s | from the cache, ms |")
    print("|---|--:|--:|")
    for name in KERNELS:
        print(f"| {name} | {first[name][0]:.2f} | {1e3 * again[name][0]:.1f} |")
    slow = max(v[0] for v in first.values()) > ALLOWED
    later = [v[0] for v in list(again.values())[1:]]  # the first one loads Numba
    return 1 if slow or max(later) > ALLOWED_CACHED else 0


if __name__ == "__main__":
    sys.exit(main())
