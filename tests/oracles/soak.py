"""Many random graphs against PyTorch: `python tests/oracles/soak.py 100000 --jobs 2`.

Graph k of a seed is the same in every run, whatever the number of jobs; `--first K` starts at another one.  A graph that
disagrees is printed with its text, its point and its number, and the run goes on; the last line is a summary in JSON, and
the exit status is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from sympy.core.cache import clear_cache

from oracles.extras import torch
from oracles.fuzzing import THOROUGH, Depth, Disagreement, Seen, check_number

CHUNK = 50
"""How many graphs a worker takes at a time."""

MEMORY = 1200
"""At how many MiB a worker forgets what SymPy and derive remember; past twice that, it ends and another takes its place."""

SECONDS = 120
"""How long one graph may take."""

SHOWN = 30
"""How many failures are printed in full."""


Result = tuple[Seen, list[tuple[int, str]], tuple[float, int]]
"""What was met, the number and the text of what was wrong, the slowest graph and its number."""


class TooLong(Exception):
    """A graph took longer than `SECONDS`."""


def chunk(seed: int, depth: Depth, numbers: range) -> Result:
    """Check these graphs: (what was met, what was wrong, the slowest)."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, _too_long)
    seen, wrong, slowest = Seen(), [], (0.0, -1)
    for number in numbers:
        start = time.process_time()
        signal.alarm(SECONDS)
        try:
            seen += check_number(seed, number, depth)
        except Disagreement as error:
            seen.graphs += 1
            wrong.append((number, str(error)))
        finally:
            signal.alarm(0)
        slowest = max(slowest, (time.process_time() - start, number))
    if _mebibytes() > MEMORY:
        forget()
    return seen, wrong, slowest


def _too_long(*_: Any) -> None:
    raise TooLong(f"more than {SECONDS} s")


def _mebibytes() -> float:
    """The memory of this process, as it is now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def forget() -> None:
    """Empty every cache of SymPy and of derive."""
    clear_cache()
    caches = type(cache(len))
    for found in gc.get_objects():
        if isinstance(found, caches) and str(found.__module__).startswith("derive."):
            found.cache_clear()
    gc.collect()


def chunks(seed: int, depth: Depth, first: int, count: int, jobs: int) -> Iterator[Result]:
    parts = [range(k, min(k + CHUNK, first + count)) for k in range(first, first + count, CHUNK)]
    if jobs == 1:
        yield from map(partial(chunk, seed, depth), parts)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(partial(chunk, seed, depth), parts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Random graphs, their derived gradients against PyTorch's.")
    parser.add_argument("count", type=int, help="how many graphs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first graph")
    parser.add_argument("--gradients", type=int, help="how many gradients of each graph, drawn at random (all)")
    parser.add_argument("--thorough", type=float, default=THOROUGH, help="the share of graphs that are proved and run")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    given = parser.parse_args()
    start, said, seen, failures, slowest = time.monotonic(), time.monotonic(), Seen(), 0, (0.0, -1)
    for found, wrong, slow in chunks(given.seed, Depth(given.thorough, given.gradients), given.first, given.count, given.jobs):
        seen += found
        slowest = max(slowest, slow)
        for number, what in wrong:
            failures += 1
            if failures <= SHOWN:
                print(f"\ngraph {number} (soak.py 1 --seed {given.seed} --first {number})\n{what}", flush=True)
        if time.monotonic() - said > 60:
            said = time.monotonic()
            each = 1000 * (said - start) / seen.graphs
            print(f"{seen.graphs} graphs, {failures} wrong, {each:.0f} ms each", file=sys.stderr, flush=True)
    seconds = time.monotonic() - start
    summary = {
        "graphs": given.count,
        "seed": given.seed,
        "first": given.first,
        "jobs": given.jobs,
        "seconds": round(seconds, 1),
        "ms_per_graph": round(1000 * seconds / given.count, 1),
        "wrong": failures,
        "gradients": seen.gradients,
        "proved": seen.proofs,
        "run_exactly": seen.runs,
        "agree_with_50_digits_only": seen.lost,
        "worst_relative_error": seen.worst,
        "slowest": {"seconds": round(slowest[0], 2), "graph": slowest[1]},
        "skipped": dict(seen.skipped),
        "rules": dict(seen.rules.most_common()),
        "features": dict(seen.features.most_common()),
    }
    print(json.dumps(summary, ensure_ascii=False))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
