"""What has no value at a point, said in the names that the author of a graph gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Add, Integer

from derive.calculus.terms import ArgMax, Element, Index, Largest, free_indices, substituted
from derive.errors import said
from derive.graphs.graph import Graph, Node
from derive.graphs.names import lettered
from derive.graphs.tree import Reduce, Ref, Tree, rebuilt, reindexed, subtrees
from derive.notation import definitions
from derive.notation.context import Context, context_of
from derive.notation.layout import text
from derive.notation.style import Style
from derive.notation.terms import layout

LONGEST = 60
"""A formula of more characters is not shown in a message; its author's name for what it is part of is."""


def no_value(graph: Graph, node: Node, entry: tuple[int, ...], what: str) -> str:
    """The message for an entry of a node that has no value: what its author calls it, why, and the formula where that helps."""
    shown = _formula(graph, node, entry) if node.inner or entry else ""
    why = said("{what} (in {shown})", what=what, shown=shown) if shown else what
    return said("{name} has no value here: {why}.", name=authors_name(graph, node.name), why=why)


def sides(graph: Graph | None, term: Any) -> tuple[str, str]:
    """What a condition compares, in print: a and b of [a - b > 0], the largest entry and another of an arg max."""
    if isinstance(term, (Largest, ArgMax)):
        return said("the largest entry"), said("another")
    gap = term.args[0] if len(term.args) == 1 else term.args[0] - term.args[1]
    taken = [-a for a in Add.make_args(gap) if a.could_extract_minus_sign()]
    kept = [a for a in Add.make_args(gap) if not a.could_extract_minus_sign()]
    return _side(graph, Add(*kept)), _side(graph, Add(*taken))


def _side(graph: Graph | None, term: Any) -> str:
    """One side of a comparison in the author's names, or what it is a part of, where that is long."""
    if graph is None:
        return text(layout(term, Context(Style())))
    opened, left = term, LONGEST
    while left and (inner := [e for e in opened.atoms(Element) if getattr(graph.members[e.name], "inner", False)]):
        opened, left = opened.xreplace({e: _put_in(graph.members[e.name], e) for e in inner}), left - 1
    bound = sorted((i for i in free_indices(opened) if i.name.startswith("@")), key=str)
    letters = lettered(bound, graph.letters, set(graph.taken) - {c for _, own in graph.letters for c in own})
    shown = text(layout(opened.xreplace(dict(zip(bound, letters, strict=True))), context_of(graph)))
    names = sorted({authors_name(graph, e.name) for e in term.atoms(Element)})
    return said("a part of {name}", name=names[0]) if len(shown) > LONGEST and names else shown


def _put_in(node: Any, entry: Element) -> Any:
    return substituted(node.expr, dict(zip(node.indices, entry.indices, strict=True)))


def named(graph: Graph, name: str) -> str:
    """A tensor by the name its author gave it; else its formula, or what it is part of."""
    member = graph.members[name]
    if not (isinstance(member, Node) and member.inner):
        return name
    return _formula(graph, member) or said("a part of {name}", name=authors_name(graph, name))


def authors_name(graph: Graph, name: str) -> str:
    """The tensor itself, or the first computed from it that the author gave a name."""
    if not getattr(graph.members[name], "inner", False):
        return name
    return next((n.name for n in graph.nodes if not n.inner and name in graph.ancestors(n.name)), graph.output.name)


def _formula(graph: Graph, node: Node, entry: tuple[int, ...] = ()) -> str:
    """A node's definition in print, at one entry if there is one, without names that are not its author's; "" if that is long."""
    try:
        tree = _opened(graph, node.body, dict(zip(node.indices, map(Integer, entry), strict=False)), [LONGEST])
    except _TooLong:
        return ""
    shown = text(definitions.layout(tree, context_of(graph)))
    return shown if len(shown) <= LONGEST else ""


class _TooLong(Exception):
    """A formula has too many parts to be shown."""


def _opened(graph: Graph, tree: Tree, at: Mapping[Any, Any], left: list[int]) -> Tree:
    """A body with some indices given, and the definitions of inner nodes put in; `left` counts the parts that it may have."""
    left[0] -= 1
    if left[0] < 0:
        raise _TooLong
    here = reindexed(tree, lambda term: term.xreplace(at) if hasattr(term, "xreplace") else term)
    member = graph.members.get(here.name) if isinstance(here, Ref) else None
    if not (isinstance(here, Ref) and isinstance(member, Node) and member.inner):
        return rebuilt(here, lambda child: _opened(graph, child, at, left))
    bound = {i.name for t in subtrees(member.body) if isinstance(t, Reduce) for i in t.indices}
    if bound & {i.name for k in here.indices for i in getattr(k, "atoms", lambda *_: ())(Index)}:
        raise _TooLong  # the two indices of one name would be one in print
    return _opened(graph, member.body, dict(zip(member.indices, here.indices, strict=True)), left)
