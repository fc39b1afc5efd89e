"""Graph and Node: a definition, frozen, with its order of evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from derive.calculus.terms import Element, Index, names
from derive.language.tree import Reduce, Tree, subtrees

if TYPE_CHECKING:
    from derive.derivation import Derivation
    from derive.run import Run

KINDS = ("real", "positive", "label", "onehot", "probability")


@dataclass(frozen=True)
class Input:
    """A declared tensor.  `axes` are sizes (a SymPy symbol, an integer, or an affine expression of other sizes).

    A `label` holds integers that index an axis of size `classes`.  In a `onehot` or a `probability` the last axis is the
    class axis and sums to 1.  `indices` are the letters its entry is written with, one for each axis.
    """

    name: str
    indices: tuple[Index, ...] = ()
    kind: str = "real"
    classes: Any = None

    @property
    def axes(self) -> tuple[Any, ...]:
        return tuple(i.size for i in self.indices)

    @cached_property
    def head(self) -> Symbol:
        if self.kind == "label":
            return Symbol(self.name, integer=True, nonnegative=True)
        if self.kind in ("positive", "probability"):
            return Symbol(self.name, real=True, positive=True)
        return Symbol(self.name, real=True, **({"nonnegative": True} if self.kind == "onehot" else {}))

    @property
    def differentiable(self) -> bool:
        return self.kind != "label"


@dataclass(frozen=True)
class Node:
    """A defined tensor: `name[indices] = body`.

    `expr` is the body as a SymPy term.  `surface` is the definition as its author wrote it, in tensor notation, or None
    where the author wrote it with indices.  A node that a library call brought in says which in `call`, and is `inner`
    if the author did not name it.
    """

    name: str
    indices: tuple[Index, ...]
    body: Tree
    expr: Any = field(repr=False)
    surface: Tree | None = None
    call: str = ""
    inner: bool = False

    @property
    def axes(self) -> tuple[Any, ...]:
        return tuple(i.size for i in self.indices)

    @cached_property
    def head(self) -> Symbol:
        if self.expr.is_integer:
            return Symbol(self.name, integer=True)
        known = next((q for q in ("positive", "nonnegative") if getattr(self.expr, f"is_{q}")), None)
        return Symbol(self.name, real=True, **({known: True} if known else {}))

    @property
    def element(self) -> Element:
        return Element(self.head, *self.indices)


@dataclass(frozen=True)
class Graph:
    """Inputs and nodes in order of evaluation; the last node is the output."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    source: str = ""
    letters: tuple[tuple[Any, tuple[str, ...]], ...] = ()
    """For each axis size, the index letters its author uses over it, in order of preference (never empty)."""
    upstream: str = ""
    """The input that is the gradient of a loss by some tensor, if there is one."""

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    @cached_property
    def members(self) -> dict[str, Input | Node]:
        """Inputs and nodes by name, in order of evaluation."""
        everything: tuple[Input | Node, ...] = (*self.inputs, *self.nodes)
        return {member.name: member for member in everything}

    @cached_property
    def memory(self) -> dict[Any, Any]:
        """What has been derived from this graph, so that nothing is derived twice."""
        return {}

    @cached_property
    def author_bound(self) -> frozenset[str]:
        """The letters that the author's own formulas bind with a Σ or its like."""
        return frozenset(
            index.name
            for node in self.nodes
            if node.surface is None
            for tree in subtrees(node.body)
            if isinstance(tree, Reduce)
            for index in tree.indices
        )

    def parents(self, name: str) -> frozenset[str]:
        """The tensors that a node's definition mentions."""
        return self._parents.get(name, frozenset())

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes whose definitions mention this tensor, in order of evaluation."""
        return tuple(node for node in self.nodes if name in self._parents[node.name])

    def ancestors(self, name: str) -> frozenset[str]:
        """The tensor itself and everything it is computed from."""
        found = {name}
        for node in reversed(self.nodes):
            if node.name in found:
                found |= self._parents[node.name]
        return frozenset(found)

    @cached_property
    def _parents(self) -> dict[str, frozenset[str]]:
        return {node.name: names(node.expr) for node in self.nodes}

    def letters_over(self, axis: Any) -> tuple[str, ...]:
        """The index letters in use over an axis."""
        return dict(self.letters).get(axis, ())

    # ---- what is made of a definition

    def derive(self, of: str = "", wrt: str = "", upstream: bool = False) -> Derivation:
        """The derivative of one tensor by another, with its steps; by default of the output, by the only input.

        A derivative of a tensor by a tensor is the Jacobian; with `upstream`, the gradient of a scalar loss that reaches
        the graph through its output (a vector-Jacobian product).  Raises DeriveError for unknown names.
        """
        from derive.derivation import derivation

        return derivation(self, of, wrt, upstream)

    def at(self, **values: Any) -> Run:
        """The graph run forward and backward at given values (numbers, nested lists or arrays; labels from 0)."""
        from derive.run import run

        return run(self, values)

    # ---- in a notebook

    def _repr_svg_(self) -> str:
        from derive.notebook import graph_svg

        return graph_svg(self)

    def _repr_latex_(self) -> str:
        from derive.notation.definitions import context_of, definition
        from derive.notation.layout import latex

        context = context_of(self)
        return r"$\begin{gathered}" + r" \\ ".join(latex(definition(node, context)) for node in self.nodes) + r"\end{gathered}$"
