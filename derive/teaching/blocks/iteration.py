"""A step repeated: gradient descent, random search, whatever moves the inputs of a graph.  A table of the states, and a curve."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.rules import N_
from derive.derivation.choice import gradient_by
from derive.errors import DeriveError, listed, nearest, said
from derive.graphs.graph import Graph
from derive.notation import matrices
from derive.notation.context import Context
from derive.notation.definitions import left_side
from derive.notation.layout import Layout, latex
from derive.notation.pieces import Piece
from derive.notation.terms import derivative
from derive.teaching.blocks.charts import Chart, Curve, Panel
from derive.teaching.blocks.numbers import array
from derive.teaching.document import Align, Table, inlines
from derive.teaching.page import Page
from derive.values.run import Run, plain
from derive.values.run import run as run_graph
from derive.values.work import Work

MOST_TIMES, MOST_WORK, OVERHEAD = 1_000, 4_000_000, 300
"""A step is repeated so often at most; and so many numbers are computed, each node counting for so many more: some seconds."""

ROWS = 10
"""A table shows about so many steps."""

Step = Callable[[Run, int], Mapping[str, Any]]
"""From a state and its number to new values for some inputs."""


def iterated(start: Run, step: Step, times: int, lower: bool = False) -> tuple[Run, ...]:
    """The states, the first included; where only `lower` ones count, a step that does not lower the output is not taken.

    Raises DeriveError where a step cannot be taken, naming it.
    """
    states, values = [start], dict(start.point.typed)
    for k in range(times):
        try:
            moved = {**values, **step(states[-1], k)}
            new = run_graph(start.source, moved)
            taken = not lower or new.exact[new.source.output.name] < states[-1].exact[new.source.output.name]
        except DeriveError as error:
            raise type(error)(said("In step {k}: {message}", k=k + 1, message=error.message), error.place, error.hint) from None
        states.append(new if taken else states[-1])
        values = moved if taken else values
    return tuple(states)


def check_times(start: Run, times: int) -> None:
    """Raises DeriveError for more steps than some seconds are enough for."""
    if not 1 <= times <= MOST_TIMES:
        raise DeriveError(said("A step is repeated from 1 to {most} times.", most=MOST_TIMES))
    each = Work(start.graph).cost(start.values).once + OVERHEAD * len(start.graph.nodes)
    if (whole := times * each) > MOST_WORK:
        raise DeriveError(
            said(
                "So many steps are too long at these values: {whole:,} numbers are to be computed, and at most {most:,} are.",
                whole=whole,
                most=MOST_WORK,
            ),
            hint="Take fewer steps, or smaller tensors.",
        )


def noise(shape: Sequence[int], seed: int, k: int, name: str) -> Any:
    """Numbers drawn from a normal distribution, in three decimals, so that a page can show them: the same for the same seed."""
    drawn = random.Random(f"{seed} {k} {name}")
    entries = [Fraction(round(drawn.gauss(0, 1) * 1000), 1000) for _ in range(math.prod(shape))]
    return np.array(entries, dtype=object).reshape(shape)


# ---------------------------------------------------------------- what is shown of a state


@dataclass(frozen=True)
class Column:
    """A tensor, or the gradient by it, whole or an entry of it."""

    name: str
    gradient: bool = False
    entry: tuple[int, ...] | None = None


def checked_column(column: Column, run: Run) -> Column:
    """The column, if a state has such a number.  Raises DeriveError."""
    known = run.moving if column.gradient else tuple(run.source.members)
    if column.name not in known:
        pattern = "There is no gradient by {name}." if column.gradient else "There is no {name} in this graph."
        names = [name for name in run.source.members if name in known]
        hint = nearest(column.name, names) or said("There are {names}.", names=listed(names))
        raise DeriveError(said(pattern, name=column.name), hint=hint)
    shape = np.shape(run.exact[column.name])
    if column.entry is not None and (
        len(column.entry) != len(shape) or any(not k < n for k, n in zip(column.entry, shape, strict=True))
    ):
        sizes = listed(map(str, shape))
        hint = (
            said("The sizes of its axes are {sizes}.", sizes=sizes) if shape else said("It is a number: leave the brackets out.")
        )
        raise DeriveError(said("{name} has no such entry.", name=column.name), hint=hint)
    return column


def _of(column: Column, run: Run) -> Any:
    whole = run.gradient(column.name) if column.gradient else run.exact[column.name]
    return whole if column.entry is None else whole[column.entry]


def header(column: Column, graph: Graph, page: Page) -> Layout:
    """What a column is called: w, w_1, ∇_w L, ∂L/∂w_1."""
    context, rank = page.context(graph), len(graph.members[column.name].axes)
    name = _called(column, graph, context)
    if not column.gradient:
        return name
    if rank and column.entry is None:
        return matrices.nabla(gradient_by(graph, column.name).of, column.name, rank, context)
    return derivative(Piece(context.called(graph.output.name)), name, True).layout


def _called(column: Column, graph: Graph, context: Context) -> Layout:
    if column.entry is None:
        return context.called(column.name, len(graph.members[column.name].axes))
    return left_side(column.name, tuple(Integer(k) for k in column.entry), context)


def steps_table(states: Sequence[Run], columns: Sequence[Column], page: Page, every: int = 0) -> Table:
    """The states in rows: each, or every so many and the last."""
    last = len(states) - 1
    every = every or math.ceil(last / ROWS)
    shown = sorted({*range(0, last + 1, every), last})
    graph = states[0].source
    head = (inlines(page.say(N_("step"))), *(inlines(header(column, graph, page)) for column in columns))
    rows = [
        (inlines(str(k)), *(inlines(array(_of(column, states[k]), page, page.digits)[0]) for column in columns)) for k in shown
    ]
    align: list[Align] = ["right" for _ in head]
    return Table(head, tuple(rows), tuple(align))


def steps_chart(states: Sequence[Run], columns: Sequence[Column], page: Page) -> Chart:
    """Numbers over the steps, a curve each.  Raises DeriveError for a column that is no number."""
    curves = []
    for place, column in enumerate(columns):
        values = [_of(column, state) for state in states]
        if np.ndim(values[0]):
            hint = said("Name an entry: {name}[0].", name=column.name)
            raise DeriveError(said("{name} is no number at each step.", name=column.name), hint=hint)
        y = np.array([plain(value) for value in values])
        curves.append(Curve(np.arange(len(y)), y, latex(header(column, states[0].source, page)), place, dots=len(y) <= 60))
    words = page.say(N_("Over the steps:")) + " " + ", ".join(column.name for column in columns)
    return Chart((Panel(tuple(curves), x=rf"\mathrm{{{page.say(N_('step'))}}}", whole=True),), words)
