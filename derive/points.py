"""Where lines are compared: sets of small sizes that tell all axes apart, and random points away from every kink."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath
import numpy as np
from sympy import Abs, Mul, Symbol, preorder_traversal, sign

from derive.calculus.functions import Named
from derive.calculus.terms import Binder, Element, Index, Largest, Maximum, Positive
from derive.errors import ProofError
from derive.graphs import Graph, Input, Node
from derive.values import DIGITS, DomainError, Values, forward, real

Sizes = dict[Symbol, int]

CLEARANCE = 1e-3
"""How far from a kink (of max, |·|, a comparison) a point must lie."""

ROUNDING = 1e-40
"""A kink nearer than this lies at the point."""

TRIES = 60
MOST_SETS = 8


# ---------------------------------------------------------------- sizes


def size_sets(graph: Graph) -> tuple[Sizes, ...]:
    """Sets of sizes at which any two axes of a graph differ at least once, and each axis takes two sizes, 2 or more.

    A wrong index hides at size 1 and where two axes have the same size; a wrong factor hides where an axis keeps its size.
    Each size symbol has a word of its own of two letters, not all the same, and takes the size 2 or 3 in each set by the
    letter there: k sets tell 2ᵏ - 2 axes apart.  Sizes are larger where an axis (n - K + 1) would else be too short.

    Raises ProofError where no sizes will do.
    """
    if "sizes" not in graph.memory:
        graph.memory["sizes"] = next(_separating(graph), ())
    if not graph.memory["sizes"]:
        raise ProofError("no sizes were found at which all axes differ")
    found: tuple[Sizes, ...] = graph.memory["sizes"]
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


def draw(graph: Graph, sizes: Sizes, seed: int = 0, which: int = 0) -> Values:
    """A random point of a graph: every input by its kind, every node with a value, none near a kink.

    Raises ProofError where no such point is found.
    """
    key = ("point", tuple(sizes.items()), seed, which)
    if key not in graph.memory:
        graph.memory[key] = _drawn(graph, sizes, seed, which)
    point: Values = graph.memory[key]
    return point


def _drawn(graph: Graph, sizes: Sizes, seed: int, which: int) -> Values:
    problem = ""
    for attempt in range(TRIES):
        chance = random.Random(f"{which} {seed} {attempt}")
        arrays = {i.name: _draw_input(i, sizes, chance, 1 + seed % 3, attempt < TRIES // 3) for i in graph.inputs}
        try:
            point = forward(graph, sizes, arrays)
        except DomainError as error:
            problem = error.message
            continue
        if not any(at_kink(point, node) for node in graph.nodes):
            return point
        problem = "every point drawn lies at a kink"
    raise ProofError("no point was found at which to compare the lines", hint=problem)


def _draw_input(given: Input, sizes: Sizes, chance: random.Random, scale: int, low: bool) -> Any:
    """Random entries by kind; with `low` unset, real numbers are drawn positive (for logarithms and roots)."""
    probe = Values(sizes, {})
    shape = tuple(probe.size(a) for a in given.axes)
    out = np.empty(shape, dtype=object)
    for entry in np.ndindex(shape):
        out[entry] = Fraction(scale * chance.randint(100, 1500) * (chance.choice((1, -1)) if low else 1), 1000)
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


def at_kink(point: Values, node: Node, clearance: float = CLEARANCE) -> bool:
    """Whether a kink of a node's definition lies at a point, or nearer to it than this; a root of 0 has no slope, either."""
    for indices, gap in _kinks(node.expr, node.indices, roots=True):
        if isinstance(gap, Largest):
            inner, body = gap.opened()
            entries = np.array(point.array(body, (*indices, *inner)), dtype=float).reshape(
                *[point.size(i.size) for i in indices], -1
            )
            ranked = np.sort(entries, axis=-1)
            with np.errstate(invalid="ignore"):  # entries that a condition leaves out are -oo
                gaps = ranked[..., 1:] - ranked[..., :-1] if ranked.shape[-1] > 1 else np.array([1])
            distance = gaps[..., -1:]
        else:
            distance = point.array(gap, indices)
        if any(abs(float(d)) < clearance for d in np.ravel(distance)):
            return True
    return False


def kinks_met(graph: Graph, point: Values) -> tuple[str, ...]:
    """The nodes that have a kink right at a point; the derivative is what PyTorch takes there."""
    return tuple(node.name for node in graph.nodes if at_kink(point, node, ROUNDING))


def has_kink(term: Any) -> bool:
    """Whether a term, with its functions written out, has a max, an |·| or a condition on numbers in it."""
    return any(True for _ in _kinks(term, ()))


def _kinks(term: Any, indices: tuple[Index, ...], roots: bool = False) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """What must not vanish for a term to be smooth, with the indices it runs over; what is under a root, if they count."""
    if isinstance(term, Named):
        yield from _kinks(term.unfolded, indices, roots)
    elif isinstance(term, Maximum):
        yield indices, term.args[0] - term.args[1]
    elif isinstance(term, (Abs, sign, Positive)):
        yield indices, term.args[0]
    elif isinstance(term, Largest):
        yield indices, term
    elif roots and term.is_Pow and term.exp.is_Rational and not term.exp.is_Integer:
        yield indices, term.base
    if isinstance(term, Binder):
        inner, body = term.opened()
        yield from _kinks(body, (*indices, *inner), roots)
    elif not isinstance(term, (Index, Element)):
        for a in term.args:
            yield from _kinks(a, indices, roots)
