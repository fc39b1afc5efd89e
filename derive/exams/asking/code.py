"""A function to be written: the gradient of the output, entry by entry, in Python over NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.calculus.rules import N_
from derive.calculus.terms import Index
from derive.derivation.sweep import derivation, expanded
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Code
from derive.exams.solved import Ask, Solved
from derive.graphs.graph import Graph, remembered
from derive.naming import slug
from derive.notation.python_code import python_code
from derive.notation.terms import layout
from derive.teaching.blocks.gradient import matrix_side
from derive.teaching.document import Block
from derive.teaching.page import Page
from derive.values.precision import DomainError
from derive.values.run import Run, plain


def function(graph: Graph, name: str) -> tuple[str, str] | None:
    """The head and the body of the function that gives the gradient by a tensor; None where Python has no words for it."""
    return remembered(graph, ("function", name), lambda: _function(graph, name))


def _function(graph: Graph, name: str) -> tuple[str, str] | None:
    found = expanded(derivation(graph, "", name))
    mentioned = {str(symbol) for symbol in found.result.free_symbols}
    wanted = [n for n in graph.nodes if any(n.name in graph.ancestors(m) for m in mentioned if m in graph.members)]
    nodes = [n for n in wanted if n.name in graph.ancestors(graph.output.name)]
    assigned = [_assigned(node.name, node.expr, node.indices) for node in nodes]
    returned = _array(found.result, found.indices)
    if None in assigned or returned is None:
        return None
    inputs = ", ".join(i.name for i in graph.inputs)
    lines = [*_sizes(graph), *(str(line) for line in assigned), f"return {returned}"]
    if any("math." in line for line in lines):
        lines.insert(0, "import math")
    return f"def gradient_{slug(name).replace('-', '_')}({inputs}):", "\n".join(f"    {line}" for line in lines)


def _sizes(graph: Graph) -> list[str]:
    """How the sizes are read off the inputs."""
    lines: list[str] = []
    known: set[str] = set()
    for entry in graph.inputs:
        names = [str(size) for size in entry.axes]
        if names and any(size.is_Symbol and str(size) not in known for size in entry.axes):
            targets = ", ".join(n if n.isidentifier() and n not in known else "_" for n in names)
            lines.append(f"{targets}{',' if len(names) == 1 else ''} = {entry.name}.shape")
            known.update(names)
    return lines


def _assigned(name: str, term: Any, indices: Sequence[Index]) -> str | None:
    code = _array(term, indices)
    return None if code is None else f"{name} = {code}"


def _array(term: Any, indices: Sequence[Index]) -> str | None:
    """A number, or an array made by loops over its axes."""
    code = python_code(term, {i: i.name for i in indices})
    if code is None or not indices:
        return code
    for index in reversed(indices):
        code = f"[{code} for {index.name} in range({index.size})]"
    return f"np.array({code})"


def solved_code(run: Run, ask: Ask) -> Solved:
    """The gradient at the point, which the function has to give."""
    return Solved((run.gradient(ask.name),), ())


def written_code(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The head of the function, and what it has to give here and with other numbers."""
    graph = run.source
    found = derivation(graph, "", ask.name)
    context = page.context(graph)
    made = function(graph, ask.name)
    assert made is not None
    head, body = made
    name = head.removeprefix("def ").partition("(")[0]
    shape = tuple(np.shape(run.gradient(ask.name)))
    shaped = f"assert np.shape({_call(name, run)}) == {shape}"
    checks = (shaped, *(_check(name, ask, at) for at in (run, *_elsewhere(run, ask))))
    what = matrix_side(found, context) if found.indices else layout(found.subject, context)
    return Written(sentence(page, N_("Write the function that gives {what}."), what), Code(name, head, body, checks))


def _elsewhere(run: Run, ask: Ask) -> list[Run]:
    """The graph at other numbers, so that who hands back those of the question is found out; none where it has no value there."""
    moved = {
        i.name: np.asarray(run.point.arrays[i.name], dtype=object) * SCALE
        for i in run.source.inputs
        if i.kind in ("real", "positive")
    }
    other = Run(run.source, replace(run.point, arrays={**run.point.arrays, **moved}, typed={}))
    try:
        other.gradient(ask.name)
    except DomainError:
        return []
    return [other]


SCALE = Fraction(5, 4)
"""By so much are the numbers of the question larger in another check."""


def _check(name: str, ask: Ask, run: Run) -> str:
    wanted = _literal(run.gradient(ask.name), False)
    return f"np.testing.assert_allclose({_call(name, run)}, {wanted}, rtol=1e-6, atol=1e-9)"


def _call(name: str, run: Run) -> str:
    """The function called with the numbers of a run."""
    return f"{name}({', '.join(_literal(run.exact[i.name], i.kind == 'label') for i in run.source.inputs)})"


def _literal(value: Any, label: bool) -> str:
    """A number or an array of them, as floats; labels are whole."""
    floats = np.asarray(plain(value))
    listed = floats.astype(int).tolist() if label else floats.tolist()
    return f"np.array({listed})" if floats.ndim else repr(listed)


def code_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """The function says it."""
    return ()
