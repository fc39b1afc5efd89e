"""A run of a graph at given numbers: forward values and backward gradients, exact where they can be.

Gradients are read off the derivations, in the order of the reverse sweep; nothing is differentiated a second time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np

from derive.calculus.frozen import Frozen
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, seeded
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.language.at import Point, bind
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import DomainError, all_given_out, decided, real, shown
from derive.values.operations import by_operation
from derive.values.undefined import named
from derive.values.work import Work

MAX_WORK = 1_500_000
"""At most so many numbers are computed for the gradients of a run: some seconds of exact ones."""


@dataclass(frozen=True, eq=False)
class Run(Frozen):
    """A graph at a point.

    `run["f"]` is a value and `run.grad["w"]` the gradient of the output by w, as floats or float64 arrays; `exact` and
    `gradients` hold the same as fractions and balls (`flint.arb`).  The gradient of an output that is a tensor is that of
    the sum of its entries (a seed of ones, as in PyTorch's `backward(torch.ones(…))`).  Intermediate results of one
    operation each are there too, as t1, t2 …
    """

    source: Graph
    point: Point
    seed: Any = None
    """What is fed back into an output that is a tensor, an array of its shape; ones by default."""

    @property
    def _content(self) -> tuple[Any, ...]:
        seed = None if self.seed is None else (np.shape(self.seed), tuple(np.ravel(self.seed)))
        return self.source, self.point.content, seed

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def graph(self) -> Graph:
        """The graph with one operation in each node."""
        return by_operation(self.source)

    @cached_property
    def values(self) -> Evaluator:
        """Forward: every tensor of the graph.  Raises DomainError where a node has no value."""
        return forward(self.graph, self.point.sizes, self.point.arrays, needed=self.graph.output.name)

    @cached_property
    def exact(self) -> Mapping[str, Any]:
        return {name: self.values.given_out(name) for name in self.values.arrays}

    @property
    def upstream(self) -> Any:
        """The seed as an array."""
        shape = np.shape(self.values.arrays[self.graph.output.name])
        return np.full(shape, Fraction(1), dtype=object) if self.seed is None else np.asarray(self.seed, dtype=object)

    @property
    def gradients(self) -> dict[str, Any]:
        """Backward: the gradient of the output by everything it depends on, the output's own first."""
        return self._gradients

    @cached_property
    def _gradients(self) -> dict[str, Any]:
        return {name: all_given_out(array, partial(self._gradient_in, name)) for name, array in self._backward[1].items()}

    def _gradient_in(self, name: str, digits: int) -> Any:
        return self._gradients_in(digits)[name]

    def _gradients_in(self, digits: int) -> dict[str, Any]:
        """The gradients in at least so many digits."""
        if digits not in self._known:
            self._known[digits] = decided(self.values.at(digits), lambda values: _gradients(self, values))
        return self._known[digits]

    @cached_property
    def _known(self) -> dict[int, dict[str, Any]]:
        """Gradients by their digits."""
        return {}

    @property
    def fine(self) -> Evaluator:
        """The values from which the gradients are found: in more digits than `values` where a slope is lost in these, as that
        of 1 - p is where p is 1 but for 1e-87.
        """
        return self._backward[0]

    @cached_property
    def _backward(self) -> tuple[Evaluator, dict[str, Any]]:
        return decided(self.values, lambda values: (values, _gradients(self, values)))

    def __getitem__(self, name: str) -> Any:
        return plain(_named(self.exact, name), name, f"run.exact[{name!r}]")

    @property
    def grad(self) -> Mapping[str, Any]:
        return _Floats(self.gradients)


class _Floats(Mapping[str, Any]):
    """Exact arrays, given out as floats."""

    def __init__(self, exact: Mapping[str, Any]) -> None:
        self.exact = exact

    def __getitem__(self, name: str) -> Any:
        return plain(_named(self.exact, name), said("the gradient by {name}", name=name), f"run.gradients[{name!r}]")

    def __iter__(self) -> Iterator[str]:
        return iter(self.exact)

    def __len__(self) -> int:
        return len(self.exact)


class UnknownName(DeriveError, KeyError):
    """There is no value of this name."""


def _named(arrays: Mapping[str, Any], name: str) -> Any:
    """Raises UnknownName."""
    if not isinstance(name, str) or name not in arrays:
        raise UnknownName(
            said("There is no value of {name!r} here.", name=name),
            hint=said("There are those of {names}.", names=", ".join(arrays)),
        )
    return arrays[name]


class TooLarge(DeriveError):
    """A number is beyond what a float holds."""


def plain(array: Any, name: str = said("a number"), where: str = "") -> Any:
    """A float, or a float64 array.  Raises TooLarge, which says where the number itself is found."""
    values = all_given_out(array)
    for value in values.flat:
        if not isinstance(value, float) and abs(value) > sys.float_info.max:
            most = f"{sys.float_info.max:.1e}"
            message = said(
                "{name} is about {shortly}, and a float holds no more than {most}.", name=name, shortly=shortly(value), most=most
            )
            raise TooLarge(
                message, hint=said("The number itself is in {where}.", where=where) if where else "Give smaller values."
            )
    return float(values[()]) if values.ndim == 0 else values.astype(np.float64)


def shortly(value: Any) -> str:
    """A number as a decimal one of six digits, however large it is."""
    return shown(real(value))


def run(graph: Graph, values: Mapping[str, Any]) -> Run:
    """Run a graph; see `api.Graph.at`.  Raises DeriveError for values that do not fit and points where a function has no value.

    >>> import derive
    >>> at = run(derive.graph("x: [n]; L = sum(x**2)"), {"x": [1, 0.1]})
    >>> at.exact["L"].item(), at.gradients["x"].tolist()
    (Fraction(101, 100), [Fraction(2, 1), Fraction(1, 5)])
    """
    made = Run(graph, bind(graph, values))
    _ = made.values
    return made


def _gradients(run: Run, values: Evaluator) -> dict[str, Any]:
    """The gradients of a run from its values in so many digits.  Raises DomainError where one has no value in these."""
    graph, output = run.graph, run.graph.output.name
    if graph.output.axes:
        graph, output = seeded(graph, output)
    known: dict[tuple[str, str], Any] = {}
    point = replace(_point(run, graph, values), adjoints=known)
    reached = graph.ancestors(run.graph.output.name)
    moving = reversed([m.name for m in graph.members.values() if m.name in reached and m.differentiable])
    derivations = {name: derivation(graph, output, name) for name in moving}
    _check_work(list(derivations.values()), point)
    out = {}
    for name, found in derivations.items():
        try:
            out[name] = known[output, name] = np.array(point.strictly(found.result, found.indices), dtype=object)
        except DomainError as error:
            raise type(error)(
                said("The gradient by {named} has no value here: {message}.", named=named(graph, name), message=error.message)
            ) from None
    return out


def _check_work(derivations: Sequence[Derivation], point: Evaluator) -> None:
    """Raise where the gradients would take too long."""
    whole = 0
    for found in derivations:
        work = Work(found.graph)
        work.add(found.result)
        whole += work.count(point)
    if whole > MAX_WORK:
        raise DeriveError(
            said(
                "The gradients are too long at these sizes: {whole:,} numbers are to be computed, and at most {max_work:,} are.",
                whole=whole,
                max_work=MAX_WORK,
            ),
            hint="Give fewer or shorter inputs.",
        )


def point_of(run: Run, graph: Graph) -> Evaluator:
    """The point of a run, as one of a graph made from its source: what has a name in the run is known, the rest is computed.

    The gradient of a loss by the output is the run's seed.
    """
    return _point(run, graph, run.fine)


def _point(run: Run, graph: Graph, values: Evaluator) -> Evaluator:
    given = {**values.arrays, graph.upstream: run.upstream}
    known = {name: given[name] for name in graph.members if name in given}
    return forward(graph, values.sizes, known, values.numbers)


def result_at(run: Run, found: Derivation, formula: Any = None) -> Any:
    """The result of a derivation at the point of a run, or a formula in its place: an array over the derivation's indices.

    The adjoints that it names are the gradients of the run, if it is a derivation of the run's output or of a loss behind it.
    """
    whole = found.graph.upstream or found.of == run.source.output.name
    known = {(found.of, name): gradient for name, gradient in run.gradients.items()} if whole else {}
    point = replace(point_of(run, found.graph), adjoints=known)
    return np.array(point.array(found.result if formula is None else formula, found.indices), dtype=object)


def run_at(graph: Graph, point: Evaluator) -> Run:
    """A run at a point that was drawn: its sizes and the values of its inputs.

    A tensor that comes out is weighted by 1, 1/2, 1/3 …, since the sum of its entries may well be a constant.
    """
    shape = np.shape(point.arrays[graph.output.name])
    seed = np.array([Fraction(1, k + 1) for k in range(int(np.prod(shape)))], dtype=object).reshape(shape)
    return Run(graph, Point(dict(point.sizes), {i.name: point.arrays[i.name] for i in graph.inputs}, {}), seed)
