"""Where the tensors of a program lie: arrays of its own, or in place of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from derive.calculus.terms import Binder, Element
from derive.kernels.program.program import Program
from derive.kernels.program.statements import MatrixProduct


def memory(program: Program, stages: Sequence[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The tensors with axes that are given, wanted, or read by another stage than the one that computes them."""
    for i in program.inputs:
        if i.axes:
            yield i.name, i.axes
    for k, stage in enumerate(stages):
        if isinstance(stage, MatrixProduct):
            yield stage.name, tuple(i.size for i in stage.entry.indices)
            continue
        elsewhere = {n for other in (*stages[:k], *stages[k + 1 :]) for n in other.reads}
        for s in stage.statements:
            if s.axes and (s.name in elsewhere or s.name in program.outputs):
                yield s.name, s.axes


def in_place(program: Program) -> frozenset[tuple[str, str]]:
    """(output, input) pairs that may be one array: every entry is read where it is written, and nowhere else."""
    if len(program.assigns) != 1 or program.assigns[0].term.atoms(Binder):
        return frozenset()
    (assign,) = program.assigns
    entries = assign.term.atoms(Element)
    names = {e.name for e in entries} - {i.name for i in program.inputs if i.kind == "label"}
    return frozenset((assign.name, n) for n in names if all(o.indices == assign.indices for o in entries if o.name == n))


def sizes_in(*terms: Any) -> set[str]:
    """The names of the sizes that terms mention."""
    return {s.name for t in terms for s in t.free_symbols if s.is_integer and s.is_positive}
