"""A run of a graph at given numbers: forward values and backward gradients, exact where they can be.

Gradients are read off the derivations, in the order of the reverse sweep; nothing is differentiated a second time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from sympy import S

from derive.calculus.frozen import Frozen
from derive.calculus.kinks import kinks
from derive.calculus.terms import Where
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation, seeded
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.language.at import Point, bind
from derive.language.typed import exact_array
from derive.values.balls import NOTHING
from derive.values.elementary import shown
from derive.values.evaluator import Evaluator, forward, missing
from derive.values.operations import by_operation
from derive.values.precision import DIGITS, MOST_DIGITS, DomainError, Undecided, decided
from derive.values.real import all_given_out, as_float, real
from derive.values.undefined import authors_name, named
from derive.values.work import Work

MAX_WORK = 1_500_000
"""At most so many numbers are computed for the gradients of a run: some seconds of exact ones."""


@dataclass(frozen=True, eq=False)
class Run(Frozen):
    """A graph at a point.

    `run["f"]` is a value and `run.grad["w"]` the gradient of the output by w, as floats or float64 arrays; `exact` and
    `gradients` hold the same as fractions and `Real` numbers.  The gradient of an output that is a tensor is that of
    the sum of its entries (a seed of ones, as in PyTorch's `backward(torch.ones(…))`).  Intermediate results of one
    operation each are there too, as t1, t2 …
    """

    source: Graph
    point: Point
    seed: Any = None
    """What is fed back into an output that is a tensor, an array of its shape; ones by default."""
    of: str = ""
    """What is to have a value, the output by default: what is computed further on need have none."""
    first: int = 1
    """The number of the first intermediate result, for a page on which others have names already."""

    @property
    def _content(self) -> tuple[Any, ...]:
        seed = None if self.seed is None else (np.shape(self.seed), tuple(np.ravel(self.seed)))
        return self.source, self.point.content, seed, self.of, self.first

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def graph(self) -> Graph:
        """The graph with one operation in each node."""
        return by_operation(self.source, self.first)

    @cached_property
    def values(self) -> Evaluator:
        """Forward: every tensor of the graph.  Raises DomainError where what is asked for has no value."""
        return forward(self.graph, self.point.sizes, self.point.arrays, needed=self.of or self.graph.output.name)

    @cached_property
    def exact(self) -> Mapping[str, Any]:
        return {name: self.values.given_out(name) for name in self.values.arrays}

    @property
    def upstream(self) -> Any:
        """The seed as an array."""
        shape = np.shape(self.values.arrays[self.graph.output.name])
        return np.full(shape, Fraction(1), dtype=object) if self.seed is None else np.asarray(self.seed, dtype=object)

    @cached_property
    def gradients(self) -> dict[str, Any]:
        """Backward: the gradient of the output by everything it depends on, the output's own first.

        Raises DomainError where one of them has no value; see `gradient`.
        """
        return {name: self.gradient(name) for name in self.moving}

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """What the output moves with, itself first: results of inputs, and these."""
        return tuple(self._derivations)

    def gradient(self, name: str) -> Any:
        """The gradient by one tensor, whether or not there are those by others.  Raises DomainError where it has no value."""
        return all_given_out(self.gradient_in(DIGITS, name), lambda digits: self.gradient_in(digits, name))

    def gradient_in(self, digits: int, name: str) -> Any:
        """The same as it is computed, in at least so many digits; by a tensor that the output does not move with it is 0."""
        if name not in self._derivations:
            return np.zeros(np.shape(self.values.arrays[name]), dtype=object)
        return decided(self.values.at(digits), lambda values: _found(self, values, name))

    def backward(self, values: Evaluator) -> Evaluator:
        """The point of all gradients from its values in so many digits, with those that are found among its `adjoints`."""
        if values.digits not in self._backward:
            self._backward[values.digits] = _backward(self, values)
        return self._backward[values.digits]

    @cached_property
    def _backward(self) -> dict[int, Evaluator]:
        """What was found, by its digits."""
        return {}

    @cached_property
    def _derivations(self) -> dict[str, Derivation]:
        """How the output moves with each tensor that an input moves, the output first."""
        graph, output = self._whole
        reached, inputs = graph.ancestors(self.graph.output.name), {i.name for i in graph.inputs}
        moving = [m.name for m in self.graph.members.values() if m.name in reached and m.differentiable]
        computed = [name for name in moving if name in inputs or inputs & graph.ancestors(name)]
        return {name: derivation(graph, output, name) for name in reversed(computed or [self.graph.output.name])}

    @property
    def _whole(self) -> tuple[Graph, str]:
        """The graph as far as a number, and the name of that."""
        output = self.graph.output.name
        return seeded(self.graph, output) if self.graph.output.axes else (self.graph, output)

    def __getitem__(self, name: str) -> Any:
        return plain(self.exact[_named(self.exact, name)], name, f"run.exact[{name!r}]")

    @property
    def grad(self) -> Mapping[str, Any]:
        return _Floats(self)


class _Floats(Mapping[str, Any]):
    """The gradients of a run, given out as floats; by an input that the output does not move with it is 0."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __getitem__(self, name: str) -> Any:
        inputs = (i.name for i in self.run.source.inputs if i.differentiable)
        gradient = self.run.gradient(_named(dict.fromkeys((*self.run.moving, *inputs)), name))
        return plain(gradient, said("the gradient by {name}", name=name), f"run.gradients[{name!r}]")

    def __iter__(self) -> Iterator[str]:
        return iter(self.run.moving)

    def __len__(self) -> int:
        return len(self.run.moving)


class UnknownName(DeriveError, KeyError):
    """There is no value of this name."""


def _named(names: Iterable[str], name: str) -> str:
    """A name, if it is one of these.  Raises UnknownName."""
    if not isinstance(name, str) or name not in names:
        raise UnknownName(
            said("There is no value of {name!r} here.", name=name),
            hint=said("There are those of {names}.", names=", ".join(names)),
        )
    return name


class TooLarge(DeriveError):
    """A number is beyond what a float holds."""


def plain(array: Any, name: str = said("a number"), where: str = "") -> Any:
    """A float, or a float64 array.  Raises TooLarge, which says where the number itself is found."""
    given = np.asarray(array, dtype=object)
    floats = np.asarray(_FLOATS(given), dtype=np.float64)
    for value in all_given_out(given[np.isinf(floats)]):
        if not isinstance(value, float):
            most = f"{sys.float_info.max:.1e}"
            message = said(
                "{name} is about {shortly}, and a float holds no more than {most}.", name=name, shortly=shortly(value), most=most
            )
            raise TooLarge(
                message, hint=said("The number itself is in {where}.", where=where) if where else "Give smaller values."
            )
    return float(floats) if floats.ndim == 0 else floats


_FLOATS = np.frompyfunc(as_float, 1, 1)


def shortly(value: Any) -> str:
    """A number as a decimal one of six digits, however large it is."""
    return shown(real(value))


def run(graph: Graph, values: Mapping[str, Any], of: str = "", seed: Any = None, first: int = 1) -> Run:
    """Run a graph, as far as the node `of`; see `api.Graph.at`.  A `seed` is what is fed back into an output that is a tensor.

    Raises DeriveError for values that do not fit and points where a function has no value.

    >>> import derive
    >>> at = run(derive.graph("x: [n]; L = sum(x**2)"), {"x": [1, 0.1]})
    >>> at.exact["L"].item(), at.gradients["x"].tolist()
    (Fraction(101, 100), [Fraction(2, 1), Fraction(1, 5)])
    """
    made = Run(graph, bind(graph, values), of=of, first=first)
    _ = made.values
    return made if seed is None else replace(made, seed=_seed(made, seed))


def _seed(run: Run, seed: Any) -> Any:
    """The seed as an array of exact numbers.  Raises DeriveError where it is not one for the output."""
    output, given = run.graph.output.name, exact_array("seed", seed)
    shape = np.shape(run.values.arrays[output])
    if not shape:
        raise DeriveError(said("{name} is a number: nothing but 1 is fed back into it.", name=output), hint="Leave the seed out.")
    if given.shape != shape:
        has, wants = ("×".join(map(str, part)) or said("a number") for part in (given.shape, shape))
        raise DeriveError(said("The seed has the shape {has}, and {name} the shape {wants}.", has=has, name=output, wants=wants))
    return given


def telling_seed(shape: tuple[int, ...]) -> Any:
    """Weights 1, 1/2, 1/3 … for a tensor: the sum of its entries alone may well be a constant."""
    return np.array([Fraction(1, k + 1) for k in range(int(np.prod(shape)))], dtype=object).reshape(shape)


def _backward(run: Run, values: Evaluator) -> Evaluator:
    """Every gradient of a run that its values give in so many digits, with NOTHING where one has no value."""
    graph, output = run._whole
    known: dict[tuple[str, str], Any] = {}
    point = replace(_point(run, graph, values), adjoints=known)
    _check_work(list(run._derivations.values()), point)
    for name, found in run._derivations.items():
        try:
            known[output, name] = np.array(point.loosely(found.result, found.indices), dtype=object)
        except DomainError:  # not by any of these digits
            known[output, name] = np.full(tuple(point.size(i.size) for i in found.indices), NOTHING, dtype=object)
    return point


def _found(run: Run, values: Evaluator, name: str) -> Any:
    """The gradient by a tensor from values in so many digits.  Raises Undecided, or DomainError where it has no value."""
    point, found = run.backward(values), run._derivations[name]
    gradient = point.adjoints[found.of, name]
    if not missing(gradient).any():
        return gradient
    try:
        return np.array(point.strictly(found.result, found.indices), dtype=object)
    except DomainError as error:
        if isinstance(error, Undecided) and values.digits < MOST_DIGITS:
            raise
        raise type(error)(
            said(
                "The gradient by {named} has no value here: {message}.",
                named=named(run._whole[0], name),
                message=_at_a_root(run._whole[0], name, point, error.message.removesuffix(".")),
            )
        ) from None


def _at_a_root(graph: Graph, name: str, point: Evaluator, what: str) -> str:
    """Why there is no gradient by a tensor, with the definition on the way from it that takes a root of 0, if one does."""
    for node in graph.nodes:
        for kink in kinks(node.expr) if name in graph.ancestors(node.name) else ():
            under = point.loosely(Where(kink.condition, kink.gap, S.One), (*node.indices, *kink.indices)) if kink.root else 1
            if np.any(np.equal(under, 0)):
                return said("{what} ({name} lies at a kink, a root of 0)", what=what, name=authors_name(graph, node.name))
    return what


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
    return _point(run, graph, run.values)


def _point(run: Run, graph: Graph, values: Evaluator) -> Evaluator:
    given = {**values.arrays, graph.upstream: run.upstream}
    known = {name: given[name] for name in graph.members if name in given}
    return forward(graph, values.sizes, known, values.numbers, needed=values.needed)


def result_at(run: Run, found: Derivation, formula: Any = None) -> Any:
    """The result of a derivation at the point of a run, or a formula in its place: an array over the derivation's indices.

    The adjoints that it names are the gradients of the run, if it is a derivation of the run's output or of a loss behind it.
    """
    whole = found.graph.upstream or found.of == run.source.output.name
    term = found.result if formula is None else formula

    def at(values: Evaluator) -> Any:
        known = {(found.of, name): gradient for (_, name), gradient in run.backward(values).adjoints.items()} if whole else {}
        return replace(_point(run, found.graph, values), adjoints=known).strictly(term, found.indices)

    return all_given_out(decided(run.values, at), lambda digits: decided(run.values.at(digits), at))


def run_at(graph: Graph, point: Evaluator) -> Run:
    """A run at a point that was drawn: its sizes and the values of its inputs.

    A tensor that comes out is weighted by the telling seed.
    """
    seed = telling_seed(np.shape(point.arrays[graph.output.name]))
    return Run(graph, Point(dict(point.sizes), {i.name: point.arrays[i.name] for i in graph.inputs}, {}), seed)
