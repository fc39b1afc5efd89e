"""Which derivations are shown of a definition: those asked for, and those of the results that they use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations_with_replacement

from derive.calculus.budget import check_count, check_together
from derive.calculus.terms import Adjoint
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import gradient_of, second_derivation
from derive.derivation.sweep import derivation, expanded, swept
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, Input
from derive.graphs.tree import Ref, subtrees


def gradient_by(graph: Graph, wrt: str) -> Derivation:
    """The gradient of the output by a tensor, or where the output is one itself, of a loss behind it."""
    return derivation(graph, "", wrt, upstream=bool(graph.output.axes))


def named_on_the_way(graph: Graph) -> list[str]:
    """What its author named of what the output is computed from and moves with, in order of evaluation: no constant."""
    return [name for name in _moving(graph) if name not in graph.held and not getattr(graph.members[name], "inner", False)]


def by_use(graph: Graph, names: Iterable[str]) -> list[str]:
    """Tensors from the output back: each input behind the first node that uses it, in the order in which that mentions them."""
    wanted, found = set(names), list[str]()
    first = {name: node.name for node in reversed(graph.nodes) for name in graph.parents(node.name)}
    for node in reversed(graph.nodes):
        mentioned = (t.name for t in subtrees(node.body) if isinstance(t, Ref))
        inputs = (n for n in mentioned if first.get(n) == node.name and isinstance(graph.members[n], Input))
        found += [node.name, *inputs]
    rest = (i.name for i in graph.inputs)
    return [name for name in dict.fromkeys((*found, *rest)) if name in wanted]


def named_in(found: Derivation) -> set[str]:
    """The tensors whose adjoints stand in a result."""
    return set(found.named)


def used_in(found: Derivation) -> set[str]:
    """The tensors whose adjoints stand in a result, or were put into a line."""
    return named_in(found) | {left.by.name for step in found.steps for left, _ in step.uses if isinstance(left, Adjoint)}


def with_used(
    graph: Graph,
    wrt: Iterable[str],
    upstream: bool = False,
    used: Callable[[Derivation], set[str]] = named_in,
    of: str = "",
) -> list[Derivation]:
    """The derivations of a tensor, the output, by `wrt`, and by what these use in their turn, from there back."""
    wanted, way, spent, end = set(wrt), dict[str, Derivation](), 0, of or graph.output.name
    for name in graph.members:  # what a derivation uses comes after it, on the way to the output
        if name in wanted and name != end:
            way[name] = derivation(graph, end, name, upstream=upstream)
            spent += way[name].spent
            check_together(end, spent)
            wanted |= used(way[name])
    return [way[name] for name in by_use(graph, way)]


def chosen(
    graph: Graph, of: str, wrt: Sequence[str], upstream: bool = False, through: bool = False, expand: bool = False
) -> list[Derivation]:
    """The derivations of a tensor, the output, by each of `wrt`, by default the only input, in this order.

    With `through`, those by everything they use come before them, from the tensor back; with `expand`, each of `wrt` goes on
    until it names no other derivative.
    """
    asked = {found.wrt: found for found in (derivation(graph, of, name, upstream) for name in wrt or ("",))}
    own = [expanded(found) if expand else found for found in asked.values()]
    check_together(own[0].of, sum(found.spent for found in own))
    way = with_used(graph, asked, upstream, used_in, of) if through else []
    return [*(found for found in way if found.wrt not in asked), *own]


def derivations(
    graph: Graph, wrt: Sequence[str] = (), order: int = 1, through: bool = False, expand: bool = False
) -> list[Derivation]:
    """The derivations of a definition's output that a page shows, from the output back.

    By the inputs that are no constants and the named results on the way, or by `wrt` and what those results name.  For an
    output that is a tensor: its Jacobians, and the gradient of a loss behind it.  With order=2, the
    second derivatives instead; see `second_derivations`.  With `through`, what was put into a line is shown as well, and
    with `expand` those by inputs, or by `wrt`, go on until they name no other derivative.  Raises DeriveError for what the
    output is not computed from.
    """
    _check(graph, wrt)
    if order == 2:
        return second_derivations(graph, wrt)
    output = graph.output
    own = wrt or named_on_the_way(graph)
    found: list[Derivation] = []
    if output.indices:
        found += _jacobians(graph, wrt)
        check_together(output.name, sum(d.spent for d in found))
    used = with_used(graph, own, bool(output.indices), used_in if through else named_in)
    asked = wrt or [i.name for i in graph.inputs if i.name not in graph.held]
    found += [expanded(d) if expand and d.wrt in asked else d for d in used]
    check_together(output.name, sum(d.spent for d in found))
    return found


def _jacobians(graph: Graph, wrt: Sequence[str]) -> list[Derivation]:
    """The Jacobians of a tensor with two indices at most that name no other: those by `wrt`, else by the inputs where all of
    them, but for those with more indices, are such.
    """
    rank = len(graph.output.indices)
    own = wrt or [n for n in named_on_the_way(graph) if isinstance(graph.members[n], Input)]
    small = [n for n in by_use(graph, own) if rank + len(graph.members[n].indices) <= 2]
    found = [derivation(graph, "", n) for n in small]
    finished = [d for d in found if not d.named]
    return finished if wrt or len(finished) == len(found) else []


def second_derivations(graph: Graph, wrt: Sequence[str] = ()) -> list[Derivation]:
    """The second derivatives of a definition's output, each after the gradient it was taken of.

    By every two of `wrt`, or by every two inputs where the block has two indices at most.  Raises DeriveError where the
    output is a tensor or nothing is that small.
    """
    of, rank = graph.output.name, {name: len(member.axes) for name, member in graph.members.items()}
    moving = _moving(graph)
    names = wrt or [i.name for i in graph.inputs if i.name in moving and i.name not in graph.held]
    pairs = [(a, b) for a, b in combinations_with_replacement(names, 2) if wrt or rank[a] + rank[b] <= 2]
    if not names:
        raise DeriveError(said("{of} moves with no input: there is nothing to differentiate it by.", of=of))
    if not pairs:
        second_derivation(graph, of, names[:1])  # says so where the output is a tensor
        raise DeriveError(
            said("Every second derivative of {of} by an input has more than two indices.", of=of),
            hint=said("Say by what to differentiate: --wrt {name}.", name=names[0]),
        )
    check_count(of, len(pairs))
    found: dict[tuple[str, str, str], Derivation] = {}
    made: dict[tuple[str, str], int] = {}
    for pair in pairs:
        second = second_derivation(graph, of, pair)
        made |= {(second.of, name): d.spent for name, d in swept(second).items()}
        check_together(of, sum(made.values()))
        for d in (gradient_of(second), second):
            found.setdefault((d.of, d.wrt, str(d.result)), d)  # a gradient is shown once
    return list(found.values())


def _moving(graph: Graph) -> list[str]:
    """What the output is computed from and can be differentiated by, in order of evaluation."""
    reached = graph.ancestors(graph.output.name) - {graph.output.name}
    return [m.name for m in graph.members.values() if m.name in reached and m.differentiable]


def _check(graph: Graph, wrt: Sequence[str]) -> None:
    """Raises DeriveError for a name that the output has no derivative by."""
    moving = _moving(graph)
    for name in wrt:
        derivation(graph, "", name)
        if name not in moving:
            raise DeriveError(said("{name} is not computed from {other}.", name=graph.output.name, other=name))
