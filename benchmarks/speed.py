"""What a user waits for, measured beside what is allowed: `make bench`.

Every figure is the median of several runs.  Where start-up is part of the wait, each run is a process of its own.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
LECTURE = ROOT / "lectures" / "feedforward.md"


@dataclass(frozen=True)
class Figure:
    """A wait: what for, how many seconds it may take, and the seconds of each run."""

    name: str
    allowed: float
    runs: Callable[[], list[float]]


# ------------------------------------------------------------------------------------------------------------- measures


def derive(*arguments: str | Path, runs: int = 7) -> list[float]:
    """Wall seconds of the command line, from start to end."""
    return [_seconds([sys.executable, "-m", "derive", *arguments]) for _ in range(runs)]


def _seconds(command: list[str | Path]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def lecture() -> list[float]:
    """Wall seconds of the whole lecture in all its languages and formats, into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return derive("slides", LECTURE, "--format", "beamer,markdown", "-o", folder, runs=3)


JACOBIAN = """
import time
import derive.proof
from derive.language import library
start = time.perf_counter()
library.load("softmax").derive("p", wrt="z").prove()
print(time.perf_counter() - start)
"""


def jacobian() -> list[float]:
    """Seconds to read, derive and prove softmax's Jacobian, in a process that has done nothing but import."""
    command = [sys.executable, "-c", JACOBIAN]
    return [float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout) for _ in range(7)]


def gradients() -> list[float]:
    """Seconds to derive the gradient by each input of each definition of the library, on a fresh graph."""
    sys.path.insert(0, str(ROOT))
    from derive.language import library

    return [seconds for name in library.names() for seconds in _gradients_of(name)]


def _gradients_of(name: str) -> Iterator[float]:
    from derive.derivation.sweep import derivation
    from derive.language import library
    from derive.language.reader import read

    for given in library.load(name).inputs:
        if given.differentiable:
            forget()
            graph = read(library.definition(name), name)
            start = time.perf_counter()
            derivation(graph, wrt=given.name, upstream=bool(graph.output.axes))
            yield time.perf_counter() - start


LAYERS = (2, 4, 8, 16, 32, 64)
STEEPER = 1.5
"""A layer of the longest chain may take this many times as long as one of the chain of 8."""


def chain(layers: int) -> list[float]:
    """Seconds to derive every weight's gradient in a chain of layers h ← tanh(W h), three times on fresh graphs."""
    from derive.language.reader import read

    weights = "".join(f"W{k}: [n, n]\n" for k in range(layers))
    steps = "".join(f"h{k + 1} = tanh(W{k} @ h{k})\n" for k in range(layers))
    runs = []
    for _ in range(3):
        forget()
        graph = read(f"h0: [n]\n{weights}{steps}L = sum(h{layers}**2)", "chain")
        start = time.perf_counter()
        for k in range(layers):
            graph.derive("", f"W{k}")
        runs.append(time.perf_counter() - start)
    return runs


def forget() -> None:
    """Empty every cache of SymPy and of derive."""
    from sympy.core.cache import clear_cache

    clear_cache()
    caches = type(cache(len))
    for found in gc.get_objects():
        if isinstance(found, caches) and str(found.__module__).startswith("derive."):
            found.cache_clear()


# ---------------------------------------------------------------------------------------------------------------- table

FIGURES = (
    Figure("derive --help", 0.3, lambda: derive("--help")),
    Figure('derive explain "f = (u + v)*w" --at …', 1.0, lambda: derive("explain", "f = (u + v)*w", "--at", "u=2, v=3, w=4")),
    Figure("softmax: Jacobian derived and proved, after import", 1.0, jacobian),
    Figure("the lecture in both languages and formats", 10.0, lecture),
    Figure("gradient of a library definition by an input", 0.03, gradients),
)


def machine() -> str:
    """What the figures were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("sympy", "numpy", "matplotlib"))
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def main() -> int:
    """Print the table; 1 if a figure is over its limit."""
    print(f"{machine()}\n")
    print(f"{'':52}{'median':>10}{'worst':>10}{'allowed':>10}{'runs':>6}")
    late = 0
    for figure in FIGURES:
        runs = figure.runs()
        late += median(runs) > figure.allowed
        verdict = "  too slow" if median(runs) > figure.allowed else ""
        print(f"{figure.name:52}{median(runs):8.3f} s{max(runs):8.3f} s{figure.allowed:8.2f} s{len(runs):6}{verdict}", flush=True)
    print(f"\n{'all gradients of a chain of layers':52}{'median':>10}{'a layer':>10}")
    each = {layers: median(chain(layers)) / layers for layers in LAYERS}
    for layers, seconds in each.items():
        print(f"{layers:8} layers{'':37}{seconds * layers:8.3f} s{1000 * seconds:7.1f} ms", flush=True)
    steeper = each[LAYERS[-1]] / each[8]
    late += steeper > STEEPER
    print(f"a layer of {LAYERS[-1]} takes {steeper:.2f} times as long as one of 8 (allowed {STEEPER})")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
