"""Second derivatives: the gradient becomes a definition, and is differentiated like any other.

∂L/∂z_i = p_i - y_i is added to the graph as a node, written out until it names no other derivative; ∂²L/∂z_i ∂z_j is the
Jacobian of that node, by the one recursion of `sweep`.

The variable of the second derivative is *free* there: a result on the way becomes an input, and Σ y = 1 is no longer known
of a one-hot or a probability.  What holds at a point only must not be used before the point is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.calculus.functions import written_out
from derive.calculus.normal import normal
from derive.calculus.rules import RULES, Rule
from derive.derivation.derivation import Derivation, fields_of
from derive.derivation.sweep import derivation, expanded
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, Input, Node, gradient_name, remembered
from derive.graphs.tree import Size


def derivation_of_order(graph: Graph, of: str, wrt: str | Sequence[str], upstream: bool, order: int) -> Derivation:
    """A first or a second derivative; see `api.Graph.derive`."""
    if order == 2 and not upstream:
        return second_derivation(graph, of, wrt)
    if order == 2:
        raise DeriveError(
            "A second derivative has no upstream gradient: that would be held while the loss behind it moves.",
            hint="Define the loss.",
        )
    if order != 1:
        raise DeriveError(said("Derivatives are of order 1 or 2, not {order}.", order=order))
    assert isinstance(wrt, str)  # several are `choice.chosen`
    return derivation(graph, of, wrt, upstream)


@dataclass(frozen=True, kw_only=True)
class SecondDerivation(Derivation):
    """∂²L/∂x∂y, as the derivation of a gradient by y on a graph in which `gradient_name(L, x)` is a node, its `of`.

    `gradient` is the derivation of that gradient.  In a `freed` one the entries of y, a one-hot or a probability, are moved
    without regard to their sum.
    """

    gradient: Derivation
    freed: bool


def second_derivation(
    graph: Graph, of: str = "", wrt: str | Sequence[str] = "", rules: tuple[Rule, ...] = RULES
) -> SecondDerivation:
    """The derivation of ∂²of/∂x∂y, with wrt=(x, y), or by x twice with wrt=x; see `api.Graph.derive`.

    >>> import derive
    >>> second_derivation(derive.graph("x: [n]; L = sum(x**3)"), wrt="x").result
    6*Delta(i, j)*x[i]
    """
    of = of or graph.output.name
    first, by = _pair(graph, of, wrt)
    gradient = _gradient(_held(graph, of, first, by), of, first, rules)
    freed = getattr(graph.members[by], "kind", "") in ("onehot", "probability")

    def made() -> SecondDerivation:
        found = derivation(_extended(gradient, rules), gradient_name(of, first), by, rules=rules)
        return SecondDerivation(**fields_of(found), gradient=gradient, freed=freed)

    return remembered(gradient.graph, ("second", of, first, by, rules, freed), made)


def gradient_of(found: Derivation) -> Derivation:
    """The derivation of the gradient that a second derivative was taken of.  Raises DeriveError for a first derivative."""
    if isinstance(found, SecondDerivation):
        return found.gradient
    raise DeriveError(
        said(
            "{gradient_name} is a first derivative: it was not taken of a gradient.",
            gradient_name=gradient_name(found.of, found.wrt),
        )
    )


def is_freed(found: Derivation) -> bool:
    """Whether this is a second derivative whose second variable, a one-hot or a probability, is moved freely."""
    return isinstance(found, SecondDerivation) and found.freed


def is_square(found: Derivation) -> bool:
    """Whether this is a second derivative by one tensor twice."""
    return isinstance(found, SecondDerivation) and found.gradient.wrt == found.wrt


def is_symmetric(found: Derivation) -> bool:
    """Whether a second derivative by one tensor is seen to be symmetric: it is the same with its indices exchanged."""
    if not is_square(found):
        return False
    one, two = found.subject.output.indices, found.subject.by.indices
    exchanged = found.result.xreplace({**dict(zip(one, two, strict=True)), **dict(zip(two, one, strict=True))})
    return bool(normal(found.result - exchanged) == 0)


# ---------------------------------------------------------------- what is asked for


def _pair(graph: Graph, of: str, wrt: str | Sequence[str]) -> tuple[str, str]:
    """The two variables, checked.  Raises DeriveError where there is no such second derivative."""
    chosen = [wrt] if isinstance(wrt, str) else list(wrt)
    if len(chosen) not in (1, 2):
        raise DeriveError("A second derivative is taken by one tensor or by two.", hint='For example wrt="z" or wrt=("z", "w").')
    first, by = (derivation(graph, of, name).wrt for name in (chosen[0], chosen[-1]))
    if graph.members[of].axes:
        raise DeriveError(
            said("{of} is a tensor: second derivatives are those of a scalar.", of=of),
            hint=said("Define a loss of it, for example  loss = sum({of}**2).", of=of),
        )
    if first != by and (first in graph.ancestors(by) or by in graph.ancestors(first)):
        upper, lower = (first, by) if first in graph.ancestors(by) else (by, first)
        raise DeriveError(
            said("{lower} is computed from {upper}: one cannot be moved while the other is held.", lower=lower, upper=upper),
            hint=said("Take both derivatives by {upper}, or both by {lower}.", upper=upper, lower=lower),
        )
    return first, by


# ---------------------------------------------------------------- the graphs


def _held(graph: Graph, of: str, first: str, by: str) -> Graph:
    """The graph with `by` a free input, and what only led to it left out."""
    member = graph.members[by]
    if isinstance(member, Input) and member.kind in ("real", "positive"):
        return graph
    return remembered(graph, ("held", of, first, by), lambda: _cut(graph, of, first, by))


def _cut(graph: Graph, of: str, first: str, by: str) -> Graph:
    member = graph.members[by]
    kind = "positive" if member.head.is_positive else "real"
    inputs = tuple(Input(i.name, i.indices, kind) if i.name == by else i for i in graph.inputs)
    if isinstance(member, Node):
        inputs = (*inputs, Input(by, member.indices, kind))
    heads = {graph.members[i.name].head: i.head for i in inputs}
    nodes = []
    for node in graph.nodes:
        if node.name != by:
            nodes.append(replace(node, expr=node.expr.xreplace(heads)))
            heads[node.head] = nodes[-1].head  # what is known of its sign may have come from the kind of `by`
    whole = replace(graph, inputs=inputs, nodes=tuple(nodes))
    used = whole.ancestors(of) | whole.ancestors(first) | {by}
    return replace(
        whole,
        inputs=tuple(i for i in inputs if i.name in used),
        nodes=tuple(n for n in nodes if n.name in used),
    )


def _gradient(graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> Derivation:
    """∂of/∂wrt, written out."""
    return remembered(graph, ("gradient", of, wrt, rules), lambda: expanded(derivation(graph, of, wrt, rules=rules), rules))


def _extended(gradient: Derivation, rules: tuple[Rule, ...]) -> Graph:
    """The graph of a gradient with it as the output."""

    def made() -> Graph:
        name = gradient_name(gradient.of, gradient.wrt)
        node = Node(name, gradient.subject.by.indices, Size(written_out(gradient.result)), written_out(gradient.result))
        nodes = (replace(node, inner=True) for node in gradient.graph.nodes)  # no second derivative is left by name either
        return replace(gradient.graph, nodes=(*nodes, node))

    return remembered(gradient.graph, ("with gradient", gradient.of, gradient.wrt, rules), made)
