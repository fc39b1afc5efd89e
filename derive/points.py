"""Where lines are compared: sets of small sizes that tell all axes apart, and random points away from every kink."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Integer, Mul, S, Symbol, preorder_traversal, sign

from derive.calculus.functions import Named
from derive.calculus.terms import CACHE, ArgMax, Binder, Bracket, Element, Index, Largest, Maximum, Positive, Where, opened
from derive.errors import ProofError
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.values.number_systems import DIGITS, DomainError, real
from derive.values.values import Values, value_of

Sizes = dict[Symbol, int]

CLEARANCE = 1e-3
"""How far from a kink (of max, |·|, a comparison) a point must lie."""

ROUNDING = 1e-40
"""A kink nearer than this lies at the point."""

TRIES = 60
PATIENCE = 4
"""After so many tries, what was drawn for the node before is drawn again, too."""

KINK = "every point drawn lies at a kink"

MOST_SETS = 8


# ---------------------------------------------------------------- sizes


def size_sets(graph: Graph) -> tuple[Sizes, ...]:
    """Sets of sizes at which any two axes of a graph differ at least once, and each axis takes two sizes, 2 or more.

    A wrong index hides at size 1 and where two axes have the same size; a wrong factor hides where an axis keeps its size.
    Each size symbol has a word of its own of two letters, not all the same, and takes the size 2 or 3 in each set by the
    letter there: k sets tell 2ᵏ - 2 axes apart.  Sizes are larger where an axis (n - K + 1) would else be too short.

    Raises ProofError where no sizes will do.
    """
    found = remembered(graph, "sizes", lambda: next(_separating(graph), ()))
    if not found:
        raise ProofError("no sizes were found at which all axes differ")
    return found


def _separating(graph: Graph) -> Iterator[tuple[Sizes, ...]]:
    """The sets of sizes that will do, the fewest first."""
    symbols, axes = graph.sizes, _axes(graph)
    for length in range(2, MOST_SETS + 1):
        words = sorted((w for w in product((0, 1), repeat=length) if 0 < sum(w) < length), key=sum)
        if len(words) < len(symbols):
            continue
        for attempt in range(TRIES):
            chosen = words[: len(symbols)] if attempt == 0 else random.Random(attempt).sample(words, len(symbols))
            sets = _fitted(graph, [dict(zip(symbols, letters, strict=True)) for letters in _letters(chosen, length)], axes)
            if _tell_apart(sets, {*axes, *symbols}):
                yield tuple(sets)


def _tell_apart(sets: list[Sizes], axes: set[Any]) -> bool:
    """Whether all axes that are not of one size take two sizes, and any two axes differ at least once."""
    seen = [tuple(axis.xreplace(sizes) for sizes in sets) for axis in axes]
    return len(set(seen)) == len(seen) and all(
        axis.is_Integer or len(set(sizes)) > 1 for axis, sizes in zip(axes, seen, strict=True)
    )


def _letters(words: list[tuple[int, ...]], length: int) -> Iterator[tuple[int, ...]]:
    """The letters of all words in each place."""
    return ((*(word[k] for word in words),) for k in range(length))


def _fitted(graph: Graph, letters: list[Sizes], axes: tuple[Any, ...]) -> list[Sizes]:
    """Sizes by their letters, some of them raised in all sets until every axis has two entries at least.

    Raises ProofError where none will do.
    """
    least = {s: 1 if _is_offset(graph, s, axes) else 2 for s in graph.sizes}
    for _ in range(TRIES):
        sets = [{s: least[s] + letter for s, letter in word.items()} for word in letters]
        short = next(((a, s) for a in axes for s in sets if not a.is_Integer and a.xreplace(s) < 2), None)
        if short is None:
            return sets
        axis, at = short
        raised = max(sorted(axis.free_symbols, key=str), key=lambda s: axis.xreplace({**at, s: at[s] + 1}))
        least[raised] += 1
    raise ProofError("no sizes were found at which every axis has two entries")


def _axes(graph: Graph) -> tuple[Any, ...]:
    """Every size that an index of the graph ranges over: a symbol, a number or an affine expression."""
    members = {a for m in graph.members.values() for a in (*m.axes, getattr(m, "classes", None)) if a is not None}
    bound = {index.size for node in graph.nodes for index in node.expr.atoms(Index)}
    return tuple(sorted(members | bound, key=str))


def _is_offset(graph: Graph, symbol: Symbol, axes: tuple[Any, ...]) -> bool:
    """Whether a size is only ever added: a padding, but not a stride, which would show nothing at 1."""
    terms = (t for whole in (*axes, *(node.expr for node in graph.nodes)) for t in preorder_traversal(whole))
    return symbol not in axes and not any(
        isinstance(t, Mul) and symbol in t.args and any(a.free_symbols - {symbol} for a in t.args) for t in terms
    )


# ---------------------------------------------------------------- points


SMALLER = 16
"""With every so many seeds numbers are drawn half as large: where slopes vanish beside values, they may not there."""


def draw(graph: Graph, sizes: Sizes, seed: int = 0, which: int = 0) -> Values:
    """A random point of a graph: every input by its kind, every node with a value, none near a kink.

    Raises ProofError where no such point is found.
    """
    return remembered(graph, ("point", tuple(sizes.items()), seed, which), lambda: _drawn(graph, sizes, seed, which))


def _drawn(graph: Graph, sizes: Sizes, seed: int, which: int) -> Values:
    """A point, node by node: where one has no value or lies at a kink, what it is computed from is drawn again, the latest first.

    It is drawn larger at a kink, and larger and smaller in turn where there was no value: values neither vanish nor explode
    along a chain.
    """
    chance, scale = random.Random(f"{which} {seed} 0"), Fraction(1 + seed % 3, 2 ** (seed // SMALLER))
    arrays = {i.name: _draw_input(i, sizes, chance, scale) for i in graph.inputs}
    failed, place = [0] * len(graph.nodes), 0
    while place < len(graph.nodes):
        problem = _computed(graph, graph.nodes[place], sizes, arrays)
        if not problem:
            place += 1
            continue
        tries = failed[place] = failed[place] + 1
        again = _latest(graph, place, tries // PATIENCE)
        if tries == TRIES or sum(failed) > TRIES + PATIENCE * len(failed) or not again:
            raise ProofError("no point was found at which to compare the lines", hint=problem)
        chance = random.Random(f"{which} {seed} {place} {sum(failed)}")
        size = scale * Fraction(2) ** (tries // PATIENCE if problem == KINK or tries % 2 else -(tries // PATIENCE))
        for given in again:
            arrays[given.name] = _draw_input(given, sizes, chance, size, low=tries < TRIES // 3)
        place = min(_first_use(graph, given.name) for given in again)
    return Values(sizes, arrays, graph)


def _computed(graph: Graph, node: Node, sizes: Sizes, arrays: dict[str, Any]) -> str:
    """A node computed, among the arrays; why that will not do, if it will not."""
    point = Values(sizes, arrays, graph)
    try:
        arrays[node.name] = value_of(point, node)
    except DomainError as error:
        return error.message
    return KINK if at_kink(point, node) else ""


def _latest(graph: Graph, place: int, back: int) -> list[Input]:
    """The inputs that a node is computed from, of which the first use lies no more than so many nodes before it; one at least."""
    reached = graph.ancestors(graph.nodes[place].name)
    used = {i.name: _first_use(graph, i.name) for i in graph.inputs if i.name in reached}
    latest = min(max(used.values(), default=0), place - back)
    return [i for i in graph.inputs if i.name in used and used[i.name] >= latest]


def _first_use(graph: Graph, name: str) -> int:
    return next(place for place, node in enumerate(graph.nodes) if name in graph.parents(node.name))


def _draw_input(given: Input, sizes: Sizes, chance: random.Random, scale: Fraction, low: bool = True) -> Any:
    """Random entries by kind; with `low` unset, real numbers are drawn positive (for logarithms and roots)."""
    probe = Values(sizes, {})
    shape = tuple(probe.size(a) for a in given.axes)
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        out[entry] = scale * chance.randint(100, 1500) * (chance.choice((1, -1)) if low else 1) / 1000
    if given.kind == "label":
        classes = probe.size(given.classes)
        return np.array([chance.randrange(classes) for _ in np.ndindex(shape)], dtype=object).reshape(shape)
    if given.kind == "onehot":
        picks = np.array([chance.randrange(shape[-1]) for _ in np.ndindex(shape[:-1])]).reshape(shape[:-1])
        return np.vectorize(Fraction, otypes=[object])((np.arange(shape[-1]) == picks[..., None]).astype(int))
    if given.kind in ("positive", "probability"):
        out = np.vectorize(abs, otypes=[object])(out)
    if given.kind == "probability":
        out = out / out.sum(axis=-1, keepdims=True)
    with mpmath.workdps(DIGITS):
        return np.vectorize(real, otypes=[object])(out)


# ---------------------------------------------------------------- kinks


@dataclass(frozen=True)
class Kink:
    """What must not vanish for a term to be smooth, over the indices bound around it, where a condition holds.

    For a `Largest` or an `ArgMax`, it is the gap between its two largest entries.  What stands under a root must not vanish
    even where it does so identically.
    """

    gap: Any
    indices: tuple[Index, ...] = ()
    condition: Any = S.One
    root: bool = False


def at_kink(point: Values, node: Node, clearance: float = CLEARANCE) -> bool:
    """Whether a kink of a node's definition lies at a point, or nearer to it than this; a root of 0 has no slope, either.

    Two sides that are one and the same term there, |x_i - x_j| at i = j, have no kink between them.
    """
    return any(
        _met_largest(point, node, kink, clearance) if isinstance(kink.gap, Binder) else _met(point, node, kink, clearance)
        for kink in kinks(node.expr)
    )


def _met(point: Values, node: Node, kink: Kink, clearance: float) -> bool:
    indices = (*node.indices, *kink.indices)
    guarded = kink.gap if kink.condition is S.One else Where(kink.condition, kink.gap, S.One)
    near = np.argwhere(_double(np.abs(point.array(guarded, indices))) < clearance)
    return any(kink.root or _at(point, kink.gap, indices, place) != 0 for place in near)


def _met_largest(point: Values, node: Node, kink: Kink, clearance: float) -> bool:
    inner, body = opened(kink.gap)
    outer = (*node.indices, *kink.indices)
    holds = np.asarray(point.array(kink.condition, outer), dtype=bool)
    entries = _double(point.array(Where(kink.condition, body, S.Zero), (*outer, *inner)))
    for place in np.argwhere(holds):
        here = entries[tuple(place)]
        near = np.argwhere(np.max(here) - here < clearance) if np.isfinite(np.max(here)) else ()
        if len({_at(point, body, (*outer, *inner), (*place, *more)) for more in near}) > 1:
            return True
    return False


def _double(array: Any) -> Any:
    """An array in float64; what is larger than that holds is infinite."""
    return np.vectorize(lambda v: float(mpmath.mpmathify(v)), otypes=[float])(array)


def _at(point: Values, term: Any, indices: tuple[Index, ...], place: Any) -> Any:
    """A term with numbers for its indices and sizes."""
    numbers = {s: Integer(int(n)) for s, n in point.sizes.items()}
    return term.xreplace({i: Integer(int(k)) for i, k in zip(indices, place, strict=True)}).xreplace(numbers)


def kinks_met(graph: Graph, point: Values) -> tuple[str, ...]:
    """The nodes that have a kink right at a point; the derivative is what PyTorch takes there."""
    return tuple(node.name for node in graph.nodes if at_kink(point, node, ROUNDING))


def has_kink(term: Any) -> bool:
    """Whether a term, with its functions written out, has a max, an |·| or a condition on numbers in it."""
    return any(not kink.root for kink in kinks(term))


@lru_cache(maxsize=CACHE)
def kinks(term: Any) -> tuple[Kink, ...]:
    """The kinks of a term, with its functions written out, and its roots."""
    if isinstance(term, (Index, Element)) or not term.args:
        return ()
    if isinstance(term, Named):
        return kinks(term.unfolded)
    found = [kink for part, condition in _guarded(term) for kink in _under(kinks(part), condition)]
    if isinstance(term, Binder):
        inner, body = opened(term)
        found = [replace(kink, indices=(*inner, *kink.indices)) for kink in kinks(body)]
    if isinstance(term, Maximum):
        found.append(Kink(term.args[0] - term.args[1]))
    elif isinstance(term, (Abs, sign, Positive)):
        found.append(Kink(term.args[0]))
    elif isinstance(term, (Largest, ArgMax)):
        found.append(Kink(term))
    elif term.is_Pow and term.exp.is_Rational and not term.exp.is_Integer:
        found.append(Kink(term.base, root=True))
    return tuple(kink for kink in dict.fromkeys(found) if not kink.gap.is_number)


def _guarded(term: Any) -> list[tuple[Any, Any]]:
    """The parts of a term, each with the condition under which it counts."""
    if isinstance(term, Binder):
        return []
    if isinstance(term, Where):
        condition, yes, no = term.args
        return [(condition, S.One), (yes, condition), (no, 1 - condition)]
    if not term.is_Mul:
        return [(a, S.One) for a in term.args]
    conditions = [a for a in term.args if isinstance(a, Bracket) or isinstance(1 - a, Bracket)]
    return [(a, Mul(*[c for c in conditions if c is not a])) for a in term.args]


def _under(found: tuple[Kink, ...], condition: Any) -> tuple[Kink, ...]:
    return found if condition is S.One else tuple(replace(kink, condition=condition * kink.condition) for kink in found)
