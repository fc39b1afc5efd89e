"""Every gradient of the library, timed, and written to `docs/library.md` once it is proved (`make library`).

A time on the page is that of one gradient on a fresh graph, with nothing remembered from another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.speed import LAYERS, chain, forget, machine  # noqa: E402
from derive.calculus.functions import PRIMITIVES  # noqa: E402
from derive.derivation.derivation import Derivation  # noqa: E402
from derive.derivation.sweep import derivation  # noqa: E402
from derive.graphs.graph import Graph, Node  # noqa: E402
from derive.language import library  # noqa: E402
from derive.language.reader import read  # noqa: E402
from derive.notation import definitions, matrices  # noqa: E402
from derive.notation.context import Context, context_of  # noqa: E402
from derive.notation.layout import EQUALS, Layout, latex, row  # noqa: E402
from derive.notation.terms import layout  # noqa: E402
from derive.proof.proof import prove  # noqa: E402
from derive.teaching.blocks.gradient import matrix_side  # noqa: E402

PAGE = ROOT / "docs" / "library.md"

GROUPS = {
    "activation": "Activations and densities",
    "function": "Functions of numbers",
    "statistic": "Statistics of the entries",
    "loss": "Losses",
    "layer": "Layers and forms",
    "model": "Models with their loss",
    "normalization": "Normalization",
    "attention": "Attention",
    "recurrence": "Recurrent networks",
    "convolution": "Convolution and pooling",
}
"""The `group` of a definition, and the heading of its table."""

DERIVED, PROVED, ONE = 6.0, 25.0, 1.0
"""Seconds allowed to derive the whole library, to derive and prove it on two cores, and to derive one gradient."""

HEAD = """# The library

Every definition of the library and its derivatives, as `derive` finds them: by each input, and by each named result whose
gradient those mention. Where the output is a tensor, $`L`$ is a loss behind it and $`g`$, or $`G`$ for a matrix, its
gradient by the output. The rows of $`T`$ are the one-hot vectors of labels $`t`$: $`T_{ij} = \\delta_{j,t_i}`$. A definition
stands as it is typed: a number is added to every entry, a vector to every row, $`X W^{\\top} + b`$; its derivatives write
$`\\mathbf{1}`$ there. Where the third column is empty, the form with indices is the only one. Primitives are the functions of the
language; every other is a definition. *Steps* counts the lines of a derivation, all of them proved; *ms* is the processor time
to derive one gradient on a fresh graph.

This page is written by `make library`.
"""


@dataclass(frozen=True)
class Timing:
    """CPU seconds for one gradient on a fresh graph: derived, and derived and proved."""

    name: str
    wrt: str
    derived: float
    proved: float


# ------------------------------------------------------------------------------------------------------------- the page


def page(milliseconds: Mapping[tuple[str, str], float], chains: Mapping[int, float] | None = None) -> str:
    """The page, with the time of each gradient, and of chains of so many layers in seconds, where they are known."""
    groups = {group: [n for n in library.names() if library.header(n)["group"] == group] for group in GROUPS}
    tables = [_table("Primitives", [(name, f"`{name}`", primitive(name)) for name in PRIMITIVES], {})]
    for group, names in groups.items():
        linked = [(name, f"[{name}](../derive/library/{name}.derive)", library.load(name)) for name in names]
        tables.append(_table(GROUPS[group], linked, milliseconds))
    return "\n".join([HEAD, *map("\n".join, tables), *_chains(chains or {})])


def _chains(seconds: Mapping[int, float]) -> Iterator[str]:
    """What the gradients by all weights of a chain of layers cost, since adjoints keep their names."""
    yield "## Chains of layers\n"
    yield "All gradients of $`h_{k} = \\tanh(W_{k}h_{k-1})`$ with $`L = \\sum_{i}h_{i}^{2}`$, derived on a fresh graph.\n"
    yield "| layers | ms a layer |"
    yield "|--:|--:|"
    yield from (f"| {n} | {1000 * seconds[n] / n:.0f} |" if n in seconds else f"| {n} | |" for n in LAYERS)
    yield ""


def primitive(name: str) -> Graph:
    """A definition that is one function of the language, of numbers for which it is defined."""
    row = PRIMITIVES[name]
    numbers = ("x", "z")[: row.arguments]
    return read(f"{'x: real' if row.total else 'x: positive'}\ny = {name}({', '.join(numbers)})", name)


def _table(title: str, graphs: list[tuple[str, str, Graph]], milliseconds: Mapping[tuple[str, str], float]) -> Iterator[str]:
    """The rows of these definitions: (name, the name as it is shown, the graph)."""
    yield f"## {title}\n"
    yield "| definition | derivative | matrix form | steps | ms |"
    yield "|---|---|---|--:|--:|"
    for name, head, graph in graphs:
        first = _definition(head, graph)
        for found in gradients(graph):
            spent = milliseconds.get((name, found.wrt))
            cells = [first, _result(found), _form(found), str(len(found.steps)), "" if spent is None else f"{spent:.0f}"]
            yield f"| {' | '.join(cells)} |"
            first = ""
    yield ""


def gradients(graph: Graph) -> list[Derivation]:
    """The derivatives by the inputs and by the named results that these mention, from the output back."""
    wanted = {i.name for i in graph.inputs if i.differentiable}
    found: list[Derivation] = []
    for name in graph.members:
        if name in wanted:
            found.append(derivation(graph, wrt=name, upstream=bool(graph.output.axes)))
            wanted |= set(found[-1].named)
    return found[::-1]


def _definition(head: str, graph: Graph) -> str:
    """The name and the definitions in it, in tensor notation where they are written so."""
    context = context_of(graph)
    lines = [_math(_equation(node, context)) for node in graph.nodes if not node.inner]
    return "<br>".join([head, *lines])


def _equation(node: Node, context: Context) -> Layout:
    if node.surface in (None, node.body) or not node.indices:
        return definitions.definition(node, context)
    assert node.surface is not None
    return definitions.in_tensors(node, node.surface, context) or definitions.definition(node, context)


def _result(found: Derivation) -> str:
    context = context_of(found.graph).beside(found.indices)
    return _math(row(layout(found.subject, context), EQUALS, layout(found.result, context)))


def _form(found: Derivation) -> str:
    if found.form is None:
        return ""
    context = context_of(found.graph)
    return _math(row(matrix_side(found, context), EQUALS, matrices.layout(found.form, context)))


def _math(formula: Layout) -> str:
    """Mathematics in a cell of a table: no character of it means anything to Markdown."""
    return f"$`{latex(formula).replace('|', chr(92) + 'vert ')}`$"


# ---------------------------------------------------------------------------------------------------------------- times


def timings(name: str) -> list[Timing]:
    """The time of each gradient of a definition, each on a fresh graph and with all caches empty."""
    found = []
    for wrt in [d.wrt for d in gradients(library.load(name))]:
        forget()
        library.vocabulary()
        graph = read(library.definition(name), name)
        start = time.process_time()
        gradient = derivation(graph, wrt=wrt, upstream=bool(graph.output.axes))
        derived = time.process_time() - start
        prove(gradient)
        found.append(Timing(name, wrt, derived, time.process_time() - start))
    return found


def derived(names: Sequence[str]) -> float:
    """CPU seconds to read these definitions and derive their gradients by all inputs."""
    start = time.process_time()
    for name in names:
        _derived(name)
    return time.process_time() - start


def _derived(name: str) -> list[Derivation]:
    graph = read(library.definition(name), name)
    return [derivation(graph, wrt=i.name, upstream=bool(graph.output.axes)) for i in graph.inputs if i.differentiable]


def proved(name: str) -> None:
    """Derive and prove the gradients of a definition."""
    for found in _derived(name):
        prove(found)


def on_two_cores() -> float:
    """Wall seconds to derive and prove the whole library in two processes, the longest definitions first."""
    names = sorted(library.names(), key=lambda name: -len(library.definition(name)))
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(proved, names))
    return time.perf_counter() - start


def main() -> int:
    """Write the page and print the times; 1 if one is over its limit."""
    with ProcessPoolExecutor(1) as pool:
        all_derived = pool.submit(derived, library.names()).result()
    all_proved = on_two_cores()
    with ProcessPoolExecutor(2) as pool:
        each = [timing for found in pool.map(timings, library.names()) for timing in found]
    with ProcessPoolExecutor(1) as pool:
        chains = {layers: median(pool.submit(chain, layers).result()) for layers in LAYERS}
    for name in library.names():
        for found in gradients(library.load(name)):
            prove(found)
    PAGE.write_text(page({(t.name, t.wrt): 1000 * t.derived for t in each}, chains), encoding="utf-8")
    slowest = max(each, key=lambda t: t.derived)
    figures = (
        (f"{len(library.names())} definitions derived by all inputs", DERIVED, all_derived),
        ("derived and proved, in two processes", PROVED, all_proved),
        (f"the slowest gradient, ∂{slowest.name}/∂{slowest.wrt}", ONE, slowest.derived),
    )
    print(f"{machine()}\n")
    for what, allowed, seconds in figures:
        print(f"{what:56}{seconds:8.2f} s  of {allowed:5.1f} s{'  too slow' * (seconds > allowed)}")
    for title, key in (("derived", lambda t: t.derived), ("derived and proved", lambda t: t.proved)):
        print(f"\nThe slowest of {len(each)} gradients, {title}, each on a fresh graph:")
        for timing in sorted(each, key=key)[:-11:-1]:
            print(f"  {timing.name + ' by ' + timing.wrt:40}{key(timing):8.3f} s")
    return 1 if any(seconds > allowed for _, allowed, seconds in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
