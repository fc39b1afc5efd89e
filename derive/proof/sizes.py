"""Sets of small sizes that tell all axes of a graph apart."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

from sympy import Mul, Symbol, preorder_traversal

from derive.calculus.terms import Index
from derive.errors import ProofError
from derive.graphs.graph import Graph, remembered

Sizes = dict[Symbol, int]

TRIES = 60
"""So often sizes are chosen, and raised, before none are said to do."""

MOST_SETS = 8


def size_sets(graph: Graph) -> tuple[Sizes, ...]:
    """Sets of sizes at which any two axes of a graph differ at least once, and each axis takes two sizes, 2 or more.

    A wrong index hides at size 1 and where two axes have the same size; a wrong factor hides where an axis keeps its size.
    Each size symbol has a word of its own of two letters, not all the same, and takes the size 2 or 3 in each set by the
    letter there: k sets tell 2ᵏ - 2 axes apart.  Sizes are larger where an axis (n - K + 1) would else be too short.

    Raises ProofError where no sizes will do.
    """
    found = remembered(graph, "sizes", lambda: next(_separating(graph), ()))
    if not found:
        raise ProofError("No sizes were found at which all axes differ.")
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
    raise ProofError("No sizes were found at which every axis has two entries.")


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
