"""Where a formula has a value as it was typed: what stands under its roots and in its logarithms, though these cancel.

SymPy takes e^{log x} for x, and (√x)² too.  Both have a value for some x only, and what is equal to them there need not be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sympy import Pow, log

from derive.calculus.terms import Index
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Op, Reduce, Tree, children
from derive.language.lower import lower


@dataclass(frozen=True)
class Wanted:
    """What has to be positive, or at least 0 if it may be `zero`, for every value of the indices that a formula has not."""

    term: Any
    zero: bool


def wanted(node: Node, graph: Graph) -> tuple[Wanted, ...]:
    """What a definition needs, as it was typed, that is not seen in its term."""
    heads = {name: member.head for name, member in graph.members.items()}
    kept = set(map(_anywhere, _kept(node.expr)))
    found: dict[Wanted, None] = {}
    for tree, zero in _asked(node.body):
        try:
            term = lower(tree, heads)
        except (DeriveError, KeyError):
            continue
        sure = term.is_nonnegative if zero else term.is_positive
        if not sure and _anywhere(term) not in kept:
            found[Wanted(term, zero)] = None
    return tuple(found)


def _asked(tree: Tree) -> Iterator[tuple[Tree, bool]]:
    """What stands in logarithms and under roots, each with whether it may be 0; but for what a condition keeps away from."""
    match tree:
        case Call("where", _):
            return
        case Reduce(_, _, _, conditions) if conditions:
            return
        case Call("log", (inner,)):
            yield inner, False
        case Call("sqrt", (inner,)):
            yield inner, True
        case Op("**", (inner, exponent)) if _is_root(exponent):
            yield inner, True
    for child in children(tree):
        yield from _asked(child)


def _is_root(exponent: Tree) -> bool:
    try:
        number = lower(exponent, {})
    except (DeriveError, KeyError):
        return False
    return bool(number.is_Rational and number.q % 2 == 0)


def _kept(term: Any) -> Iterator[Any]:
    """What stands in logarithms and under roots of a term."""
    for part in term.atoms(log):
        yield part.args[0]
    for part in term.atoms(Pow):
        if part.exp.is_Rational and not part.exp.is_Integer:
            yield part.base


def _anywhere(term: Any) -> Any:
    """A term with one index for all over the same axis: whether two look alike, whatever is bound in them."""
    return term.xreplace({i: Index("i", i.size) for i in term.atoms(Index)})
