"""A random graph's values and derived gradients beside PyTorch's.

A gradient of ours is the derived formulas evaluated in float64, from the output back to the inputs.  It has to agree with
PyTorch's to `AGREE`, relative to its largest entry.  Where it does not, its conditioning is measured: PyTorch computes it a
few times more with every operation off by `NOISE` at random, and how far that moves it, taken back to the rounding of
float64 and multiplied by 10,000, is allowed besides.  Where that is not enough, our formula is evaluated again with 50
digits: a formula may lose more digits in float64 than PyTorch's way through the graph does, but not there.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

import derive
from derive.calculus.terms import names
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import FLOAT
from derive.values.real import real
from derive.values.run import Run
from oracles.extras import torch
from oracles.formulas import Point, Value, Watch
from oracles.random_graphs import Drawn, random_graph, smaller

AGREE = 1e-10
NOISE = 1e-9
MARGIN = 1e4 * 2.0**-52 / NOISE
"""A spread under `NOISE`, times this, is what ten thousand roundings of float64 may do."""

FLOOR = 1e-13
"""What rounding may do besides, relative to the largest number around: where terms cancel, nothing else is left."""

KINK = 1e-3
"""How far from a kink a point has to lie: PyTorch's conventions at ties are not ours to compare."""

LARGEST = 1e4
"""No number on the way through a graph is larger than this: beyond it float64 is a poor witness."""

THOROUGH = 0.02
"""The part of the graphs that are also proved, and run in exact numbers."""

TRIES = 400
"""How many graphs are tried to make one that disagrees smaller."""

PROVED = 2
"""How many gradients of such a graph are proved."""

POINTS = 12
"""How many points are drawn before a graph is given up."""

UNDECIDED = (
    "This definition has no value",
    "This definition has no real value",
    "This comparison of constants",
    "Only a positive number can be raised to any power",
    "An index cannot be a product of indices",
    "An index is compared with",
    "does more with an index than add and compare",
)
"""A text is refused with these words where its constants have no value, or none by rule: rightly, whatever was drawn."""


UNPROVABLE = ("No point was found", "This graph has too many axes")
KINKED = "lies at a kink at every point"
"""A derivation is not proved, with these words, where its points lie at kinks or it is too large."""


class Disagreement(AssertionError):
    """A graph whose values or gradients are not PyTorch's; `kind` is in what way, in a word."""

    kind = "different"
    thorough = False


@dataclass
class Seen:
    """What a run of many graphs has met."""

    graphs: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    gradients: int = 0
    proofs: int = 0
    runs: int = 0
    lost: int = 0
    """Gradients that agree with 50 digits only."""
    worst: float = 0.0
    """The largest relative error of a gradient that is well conditioned."""

    def __iadd__(self, other: Seen) -> Seen:
        for name in ("graphs", "gradients", "proofs", "runs", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("skipped", "features", "rules"):
            getattr(self, name).update(getattr(other, name))
        self.worst = max(self.worst, other.worst)
        return self


# ---------------------------------------------------------------- PyTorch's side


@dataclass(frozen=True)
class Evaluated:
    """A graph at a point, by PyTorch: every value, and the gradient of Σ seed·output by every input that has one."""

    inputs: Mapping[str, Value]
    values: Mapping[str, Value]
    gradients: Mapping[str, Value]
    seed: Value


def evaluated(drawn: Drawn, chance: random.Random) -> Evaluated | None:
    """The graph at a point that is away from kinks, or None where no such point was found."""
    for attempt in range(POINTS):
        inputs, watch = drawn.point(chance, positive=attempt > POINTS // 2), Watch()
        values = drawn.run(Point(drawn.lengths, inputs, watch=watch))
        if watch.kink > KINK and watch.size < LARGEST:
            break
    else:
        return None
    output = values[drawn.definitions[-1].name]
    entries = [chance.randint(-200, 200) / 100 if output.dim() else 1.0 for _ in range(output.numel())]
    seed = torch.tensor(entries, dtype=torch.float64).reshape(output.shape)
    values, gradients = _backward(drawn, inputs, seed, 0.0)
    if not all(torch.isfinite(g).all() and g.abs().max() < LARGEST for g in gradients.values()):
        return None
    return Evaluated(inputs, values, gradients, seed)


def rounding(drawn: Drawn, theirs: Evaluated) -> dict[str, float]:
    """How far each value, and each gradient (∂x), may be off by rounding alone, its conditioning measured."""
    found = {**theirs.values, **{f"∂{name}": gradient for name, gradient in theirs.gradients.items()}}
    largest = max(1.0, *(float(v.abs().max()) for v in found.values()))
    moves = dict.fromkeys(found, 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(3):
            values, gradients = _backward(drawn, theirs.inputs, theirs.seed, NOISE)
            for name, value in {**values, **{f"∂{name}": gradient for name, gradient in gradients.items()}}.items():
                moves[name] = max(moves[name], float((value - found[name]).abs().max()))
    return {name: FLOOR * largest + MARGIN * move for name, move in moves.items()}


def _backward(drawn: Drawn, inputs: Mapping[str, Value], seed: Value, noise: float) -> tuple[dict[str, Value], dict[str, Value]]:
    leaves = {name: value.clone().requires_grad_(value.is_floating_point()) for name, value in inputs.items()}
    wanted = [name for name, value in leaves.items() if value.requires_grad]
    values = drawn.run(Point(drawn.lengths, leaves, noise=noise))
    output = values[drawn.definitions[-1].name]
    found = [None] * len(wanted)
    if output.requires_grad:
        found = torch.autograd.grad(output, [leaves[n] for n in wanted], seed, allow_unused=True)
    gradients = {n: torch.zeros_like(leaves[n]) if g is None else g for n, g in zip(wanted, found, strict=True)}
    return {n: v.detach() for n, v in values.items() if n not in inputs}, gradients


# ---------------------------------------------------------------- our side


class Ours:
    """The derived formulas at a point, in some numbers: the gradients by inputs, and the adjoints that they name."""

    def __init__(self, graph: Graph, values: Evaluator, seed: Any) -> None:
        self.graph, self.values, self.seed = graph, values, seed
        self.tensor = bool(graph.output.axes)
        self.known: dict[tuple[str, str], Any] = {}
        if not self.tensor:
            self.known[graph.output.name, graph.output.name] = np.asarray(values.numbers.rational(1, 1))

    def derivation(self, name: str) -> Derivation:
        return self.graph.derive("", name, upstream=self.tensor)

    def gradient(self, name: str) -> Any:
        """The gradient of Σ seed·output by this tensor."""
        found = self.derivation(name)
        if (found.of, name) not in self.known:
            if self.tensor and found.of in names(found.result):
                raise Disagreement(f"∂/∂{name} names {found.of}, the loss that stands for any: {found.result}")
            for other in found.named:
                self.gradient(other)
            extra = {i.name: self.seed for i in found.graph.inputs if i not in self.graph.inputs}
            arrays = {**self.values.arrays, **extra, **({found.of: None} if self.tensor else {})}
            at = Evaluator(self.values.sizes, arrays, found.graph, self.values.numbers, self.known)
            self.known[found.of, name] = np.array(at.array(found.result, found.indices))
        return self.known[found.of, name]


def sizes(graph: Graph, drawn: Drawn) -> dict[Any, int]:
    """The lengths of the axes, by their symbols."""
    axes = [a for m in graph.members.values() for a in (*m.axes, getattr(m, "classes", None)) if a is not None]
    terms = [*axes, *(n.expr for n in graph.nodes)]
    return {s: drawn.sizes[s.name] for term in terms for s in term.free_symbols if s.is_positive and s.name in drawn.sizes}


def with_50_digits(graph: Graph, drawn: Drawn, theirs: Evaluated) -> Ours:
    arrays = {name: np.vectorize(_exact, otypes=[object])(v.numpy()) for name, v in theirs.inputs.items()}
    return Ours(graph, forward(graph, sizes(graph, drawn), arrays), np.vectorize(_exact, otypes=[object])(theirs.seed.numpy()))


def _exact(x: Any) -> Any:
    return int(x) if isinstance(x, np.integer) else real(Fraction(float(x)))


# ---------------------------------------------------------------- the comparison


def difference(ours: Any, theirs: Value) -> float:
    """The largest difference between two arrays; infinite where their shapes differ or ours is no number."""
    if np.shape(ours) != tuple(theirs.shape):
        return math.inf
    gap = float(np.max(np.abs(np.asarray(ours, dtype=float) - theirs.numpy()), initial=0.0))
    return math.inf if math.isnan(gap) else gap


@dataclass(frozen=True)
class Depth:
    """How closely a graph is looked at: the share that is proved and run, and how many gradients of the others (None: all)."""

    thorough: float = THOROUGH
    gradients: int | None = None


def check(drawn: Drawn, chance: random.Random, thorough: bool | None = None, depth: Depth | None = None) -> Seen:
    """Compare a graph with PyTorch at a random point.  Raises Disagreement; what was met on the way is returned.

    Some graphs are also proved and run in exact numbers; `thorough` says whether this one is.
    """
    depth = depth or Depth()
    seen = Seen(1, features=Counter(set(drawn.features)))
    thorough = chance.random() < depth.thorough if thorough is None else thorough
    theirs = None
    try:
        graph = _read(drawn.text, seen)
        theirs = evaluated(drawn, chance) if graph else None
        if graph and theirs:
            names = list(theirs.gradients)
            all_of_them = thorough or depth.gradients is None or depth.gradients >= len(names)
            few = names if all_of_them else chance.sample(names, depth.gradients or 0)
            _compare(graph, drawn, theirs, thorough, seen, few)
        elif graph:
            seen.skipped["no point away from kinks, poles and large numbers"] += 1
    except Exception as error:
        raise _told(error, drawn, theirs, thorough) from error
    return seen


def _told(error: Exception, drawn: Drawn, theirs: Evaluated | None, thorough: bool) -> Disagreement:
    """An error with the graph and the point it came up at."""
    kind = "different" if isinstance(error, Disagreement) else type(error).__name__
    where = "" if theirs is None else f"\nat {_written(drawn, theirs)}"
    told = Disagreement(f"{drawn.text}{where}\n{kind}: {error}")
    told.kind, told.thorough = f"{kind}: {str(error)[:20]}" if kind != "different" else kind, thorough
    return told


def _written(drawn: Drawn, theirs: Evaluated) -> str:
    """The point, as values are typed."""
    values = {**drawn.sizes, **{name: value.tolist() for name, value in theirs.inputs.items()}, "seed": theirs.seed.tolist()}
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _read(text: str, seen: Seen) -> Graph | None:
    try:
        return derive.graph(text)
    except DeriveError as error:
        if not any(words in error.message for words in UNDECIDED):
            raise
        seen.skipped["refused by rule"] += 1
        return None


def _compare(graph: Graph, drawn: Drawn, theirs: Evaluated, thorough: bool, seen: Seen, few: list[str]) -> None:
    arrays = {name: value.numpy() for name, value in theirs.inputs.items()}
    ours = Ours(graph, forward(graph, sizes(graph, drawn), arrays, FLOAT), theirs.seed.numpy())
    for name, expected in theirs.values.items():
        value = ours.values.arrays[name]
        if not _agree(value, expected, f"{name}", drawn, theirs):
            if not _agree(with_50_digits(graph, drawn, theirs).values.arrays[name], expected, f"{name}", drawn, theirs):
                raise Disagreement(f"{name} is {value}, and by PyTorch {expected}")
            seen.lost += 1
    for name in few:
        expected = theirs.gradients[name]
        found, value = ours.derivation(name), ours.gradient(name)
        seen.gradients += 1
        seen.rules.update({step.rule for step in found.steps})
        if not _agree(value, expected, f"∂{name}", drawn, theirs):
            if not _agree(with_50_digits(graph, drawn, theirs).gradient(name), expected, f"∂{name}", drawn, theirs):
                raise Disagreement(f"∂/∂{name} is {value}, and by PyTorch {expected}: {found.result}")
            seen.lost += 1
        elif (error := relative(value, expected)) <= AGREE:
            seen.worst = max(seen.worst, error)
    if thorough:
        for name in list(theirs.gradients)[:PROVED]:
            _prove(ours.derivation(name), seen)
        _check_run(graph, drawn, theirs)
        seen.runs += 1


def _agree(ours: Any, expected: Value, what: str, drawn: Drawn, theirs: Evaluated) -> bool:
    """Whether a value or a gradient is PyTorch's, as exactly as its conditioning lets it be."""
    if relative(ours, expected) <= AGREE:
        return True
    return difference(ours, expected) <= AGREE * float(expected.abs().max()) + rounding(drawn, theirs)[what]


def relative(ours: Any, expected: Value) -> float:
    """The largest difference, relative to the largest entry."""
    gap = difference(ours, expected)
    return gap and gap / (float(expected.abs().max()) or 1e-300)


def _prove(found: Derivation, seen: Seen) -> None:
    """Prove a derivation, if there is a point to prove it at and it is small enough."""
    try:
        found.prove()
    except DeriveError as error:
        if not error.message.startswith(UNPROVABLE) and KINKED not in error.message:
            raise
        seen.skipped["no proof: " + error.message] += 1
    else:
        seen.proofs += 1


def _check_run(graph: Graph, drawn: Drawn, theirs: Evaluated) -> None:
    """`g.at(…).grad`, in exact numbers, one operation at a time."""
    given = {name: value.tolist() for name, value in theirs.inputs.items()}
    run = graph.at(**given, **{s.name: n for s, n in sizes(graph, drawn).items() if s.name not in given})
    run = Run(run.source, run.point, np.vectorize(_exact, otypes=[object])(theirs.seed.numpy())) if graph.output.axes else run
    for name, gradient in run.grad.items():
        if name in theirs.gradients and not _agree(gradient, theirs.gradients[name], f"∂{name}", drawn, theirs):
            raise Disagreement(f"a run gives ∂/∂{name} = {gradient}, and PyTorch {theirs.gradients[name]}")


# ---------------------------------------------------------------- one graph, and the smallest like it


def check_number(seed: int, number: int, depth: Depth | None = None) -> Seen:
    """Check one graph of a seed; it and its point are the same wherever they are drawn.

    A graph that disagrees is made smaller first, as long as it still disagrees in the same way.
    """
    chance = random.Random(f"{seed} {number}")
    drawn = random_graph(chance)
    try:
        return check(drawn, chance, depth=depth)
    except Disagreement as found:
        raise smallest(drawn, found) from None


def smallest(drawn: Drawn, found: Disagreement) -> Disagreement:
    """How the smallest graph that can be made of this one disagrees."""
    tries = TRIES
    while True:
        for candidate in sorted(smaller(drawn), key=lambda d: len(d.text)):
            tries -= 1
            if tries < 0 or len(candidate.text) >= len(drawn.text):
                return found
            if wrong := _wrong(candidate, found):
                drawn, found = candidate, wrong
                break
        else:
            return found


def _wrong(drawn: Drawn, like: Disagreement) -> Disagreement | None:
    """How a graph disagrees, if it does as another did; None for one that cannot be."""
    try:
        check(drawn, random.Random(0), thorough=like.thorough)
    except Disagreement as found:
        return found if found.kind == like.kind else None
    return None
