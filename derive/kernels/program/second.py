"""Second derivatives as programs: the Hessian of a number by an input, and its product with a vector.

The Hessian is a node behind the definition, with the result of its derivation.  The product with v is the gradient of Σ g v, with
the gradient g as it was derived and a v that nothing moves (Pearlmutter, 1994, "Fast exact multiplication by the Hessian"): it
takes about twice the time of a gradient, and no matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Symbol

from derive.calculus.functions import written_out
from derive.calculus.terms import Element, Sum, close, walk
from derive.derivation.choice import with_used
from derive.derivation.derivation import Derivation
from derive.derivation.second_order import second_derivation
from derive.derivation.sweep import expanded
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, Input, Node
from derive.graphs.tree import Size
from derive.kernels.program.program import Program, gradient, program, unused


@dataclass(frozen=True)
class Second:
    """A second derivative: the graph whose inputs it has, its program, and the derivations it was read off, with their graph."""

    graph: Graph
    program: Program
    derived: tuple[Derivation, ...]


def only_input(graph: Graph, wrt: Sequence[str]) -> str:
    """The input that a Hessian is by.  Raises DeriveError where there is not one."""
    names = list(wrt) or [i.name for i in graph.inputs if i.differentiable and i.name in graph.ancestors(graph.output.name)]
    names = names if wrt else [n for n in names if n not in graph.held] or names
    if len(names) != 1:
        hint = said("Say by which: --wrt {name}.", name=names[0]) if names else ""
        raise DeriveError("A kernel of second derivatives is by one input.", hint=hint)
    return names[0]


def hessian(graph: Graph, wrt: str) -> Second:
    """The Hessian of the output by an input, `hess_NAME`: its axes are those of the input, twice."""
    found = expanded(second_derivation(graph, wrt=wrt))
    gradient_node = next(n for n in found.graph.nodes if n.name == found.of)
    whole = replace(found.graph, nodes=tuple(n for n in found.graph.nodes if n is not gradient_node))

    def opened(t: Any) -> Any:
        return gradient_node.at(t.indices) if isinstance(t, Element) and t.name == found.of else t

    result = walk(written_out(found.result), opened)
    indices = (*found.subject.output.indices, *found.subject.by.indices)
    name = unused(graph.taken, f"hess_{wrt}", stem=f"hess_{wrt}_")
    extended = replace(whole, nodes=(*whole.nodes, Node(name, indices, Size(result), result)))
    return Second(extended, program(extended), (found,))


def product_with_vector(graph: Graph, wrt: str) -> Second:
    """The Hessian of the output by an input times a tensor with its axes, `hvp_NAME`."""
    first = second_derivation(graph, wrt=wrt).gradient
    indices = first.subject.by.indices
    v = Input(unused(graph.taken, "v", "u", stem="v"), indices, constant=True)
    term = written_out(first.result) * v.element
    term = close(Sum, indices, term) if indices else term
    along = Node(unused(graph.taken, "slope_along", stem="slope_along"), (), Size(term), term)
    extended = replace(first.graph, inputs=(*first.graph.inputs, v), nodes=(*first.graph.nodes, along))
    made = program(extended, (wrt,), value=False)
    name, old = unused(graph.taken, f"hvp_{wrt}", stem=f"hvp_{wrt}_"), gradient(wrt)

    def renamed(t: Any) -> Any:
        return Element(Symbol(name, **t.head.assumptions0), *t.indices) if isinstance(t, Element) and t.name == old else t

    assigns = tuple(replace(a, entry=renamed(a.entry), term=walk(a.term, renamed)) for a in made.assigns)
    return Second(extended, replace(made, assigns=assigns, outputs=(name,)), tuple(with_used(extended, (wrt,))))
