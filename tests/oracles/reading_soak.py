"""Random graphs printed and read back: `python tests/oracles/reading_soak.py 20000 --jobs 2`.

Graph k of a seed is the same in every run, whatever the number of jobs; `--first K` starts at another one.  What is not read,
is read in two ways, or says something else is printed with its graph; the last line is a summary in JSON, and the exit
status is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import derive
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from oracles.random_graphs import random_graph
from oracles.readback import NOTHING, Printed, Scene, Wrong, check, printed_definitions, printed_derivation, scenes

CHUNK = 25
GRADIENTS = 2
"""So many gradients of each graph, drawn at random."""


def graph_of(seed: int, number: int) -> str:
    """The text of a graph."""
    return random_graph(random.Random(f"{seed} {number}")).text


def read_back(text: str, chance: random.Random, seen: Counter[str]) -> Iterator[Wrong]:
    """What is wrong with what a graph and some of its derivations are printed as."""
    try:
        graph = derive.graph(text)
        lines = [(graph, line) for line in printed_definitions(graph)]
        names = [i.name for i in graph.inputs if i.differentiable and i.name in graph.ancestors(graph.output.name)]
        for name in chance.sample(names, min(GRADIENTS, len(names))):
            found = graph.derive("", name, upstream=bool(graph.output.axes) and chance.random() < 0.5)
            lines += [(found.graph, line) for line in printed_derivation(found)]
        yield from _all(lines, seen)
    except DeriveError as error:
        seen[f"refused: {error.message[:30]}"] += 1


def _all(lines: list[tuple[Graph, Printed]], seen: Counter[str]) -> Iterator[Wrong]:
    known: dict[int, list[Scene]] = {}
    for graph, line in lines:
        if id(graph) not in known:
            known[id(graph)] = list(scenes(graph, most=1))
        seen[line.kind] += 1
        for wrong in check(line, known[id(graph)]):
            if wrong.why != NOTHING:
                yield wrong
            seen["without a value"] += wrong.why == NOTHING  # x/x at 0, which is 1 to the algebra


def chunk(seed: int, numbers: range) -> tuple[Counter[str], list[tuple[int, str, str]]]:
    seen, wrong = Counter[str](), []
    for number in numbers:
        text = graph_of(seed, number)
        seen["graphs"] += 1
        try:
            wrong += [(number, text, str(found)) for found in read_back(text, random.Random(number), seen)]
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, AttributeError, AssertionError) as error:
            wrong.append((number, text, f"{type(error).__name__}: {error}"))
    return seen, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Random graphs printed, and read back.")
    parser.add_argument("count", type=int, help="how many graphs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first graph")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    given = parser.parse_args()
    last = given.first + given.count
    parts = [range(k, min(k + CHUNK, last)) for k in range(given.first, last, CHUNK)]
    seen, failures, start = Counter[str](), 0, time.monotonic()
    with multiprocessing.get_context("spawn").Pool(given.jobs, maxtasksperchild=20) as pool:
        for found, wrong in pool.imap_unordered(partial(chunk, given.seed), parts):
            seen += found
            for number, text, what in wrong:
                failures += 1
                print(f"\ngraph {number} (reading_soak.py 1 --seed {given.seed} --first {number})\n{text}\n{what}", flush=True)
    summary = {"seed": given.seed, "wrong": failures, "seconds": round(time.monotonic() - start, 1), "seen": dict(seen)}
    print(json.dumps(summary, ensure_ascii=False))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
