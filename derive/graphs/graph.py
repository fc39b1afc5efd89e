"""Graph and Node: a definition, frozen, with its order of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sympy import Symbol

from derive.calculus.frozen import Frozen, WithTerms
from derive.calculus.terms import ArgMax, Delta, Element, Index, Label, names, substituted
from derive.graphs.tree import Reduce, Tree, subtrees, terms_of

T = TypeVar("T")

KINDS = ("real", "positive", "label", "onehot", "probability")
"""What an input may be."""

CONSTANT = "constant"
"""The word for an input that is held, by itself or after a kind: ε, a mask, the targets of a loss."""


def gradient_name(of: str, by: str) -> str:
    """What the derivative of `of` by a tensor is called where it is a node itself: ∂L/∂z, and ∂²L/∂z∂w for ∂L/∂z by w."""
    parts = gradient_parts(of)
    return f"∂{of}/∂{by}" if parts is None else f"∂²{parts[0]}/∂{parts[1]}∂{by}"


def gradient_parts(name: str) -> tuple[str, str] | None:
    """(of, by) for the name of a gradient, None for any other; no name that a user types holds a ∂."""
    of, bar, by = name.partition("/∂")
    return (of.removeprefix("∂"), by) if bar and of.startswith("∂") else None


@dataclass(frozen=True)
class Input(WithTerms):
    """A declared tensor.  `axes` are sizes (a SymPy symbol, an integer, or an affine expression of other sizes).

    A `label` holds integers that index an axis of size `classes`.  In a `onehot` or a `probability` the last axis is the
    class axis and sums to 1.  `indices` are the letters its entry is written with, one for each axis.
    """

    name: str
    indices: tuple[Index, ...] = ()
    kind: str = "real"
    classes: Any = None
    constant: bool = False
    """Whether nothing is differentiated by it unless that is asked for: a hyperparameter, a mask, a target."""

    @property
    def axes(self) -> tuple[Any, ...]:
        """The size of each axis."""
        return tuple(i.size for i in self.indices)

    @cached_property
    def head(self) -> Symbol:
        """The tensor's name as a symbol, which carries what its kind says of its sign."""
        if self.kind == "label":
            return Symbol(self.name, integer=True, nonnegative=True)
        if self.kind in ("positive", "probability"):
            return Symbol(self.name, real=True, positive=True)
        return Symbol(self.name, real=True, **({"nonnegative": True} if self.kind == "onehot" else {}))

    @property
    def element(self) -> Element:
        """The entry with its own letters."""
        return Element(self.head, *self.indices)

    @property
    def differentiable(self) -> bool:
        """Whether it can be moved; a label takes whole numbers."""
        return self.kind != "label"


@dataclass(frozen=True)
class Node(WithTerms):
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
        """The size of each axis."""
        return tuple(i.size for i in self.indices)

    @cached_property
    def head(self) -> Symbol:
        """The tensor's name as a symbol, which carries what the definition says of its sign."""
        if self.expr.is_integer:
            return Symbol(self.name, integer=True)
        known = next((q for q in ("positive", "nonnegative") if getattr(self.expr, f"is_{q}")), None)
        return Symbol(self.name, real=True, **({known: True} if known else {}))

    @property
    def differentiable(self) -> bool:
        """Whether it moves with what it is computed from; an index, such as an arg max, does not."""
        return not (self.expr.is_integer and self.expr.atoms(ArgMax, Element))

    @property
    def element(self) -> Element:
        """The entry that the definition is of."""
        return Element(self.head, *self.indices)

    def at(self, indices: Sequence[Any]) -> Any:
        """The definition of the entry with these indices."""
        return substituted(self.expr, dict(zip(self.indices, indices, strict=True)))


REACH = 8
"""At least so many nodes are run again for a slope, before slopes found already are made use of."""


@dataclass(frozen=True)
class Graph(Frozen):
    """Inputs and nodes in order of evaluation; the last node is the output.

    >>> import derive
    >>> g = derive.graph("W: [m, n]; x: [n]; a = W @ x; L = sum(a**2)")
    >>> [node.name for node in g.nodes], sorted(g.ancestors("a")), g.way("x", "L")
    (['a', 'L'], ['W', 'a', 'x'], ('a', 'x'))
    >>> g.output.expr, g.letters
    (Sum_@1(a[@1]**2), ((m, ('i',)), (n, ('j',))))
    """

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    source: str = ""
    letters: tuple[tuple[Any, tuple[str, ...]], ...] = ()
    """For each axis size, the index letters its author uses over it, in order of preference (never empty)."""
    upstream: str = ""
    """The input that is the gradient of a loss by some tensor, if there is one."""
    shown: tuple[tuple[str, str], ...] = ()
    """What tensors are called in print, where that is not their own name: the rows x of a batch, X."""
    zero_log: bool = False
    """Whether its author takes 0 log 0 for 0, the limit of x log x: an exact 0 makes a product 0 whatever it multiplies."""

    @property
    def output(self) -> Node:
        """The last node."""
        return self.nodes[-1]

    @cached_property
    def members(self) -> dict[str, Input | Node]:
        """Inputs and nodes by name, in order of evaluation."""
        everything: tuple[Input | Node, ...] = (*self.inputs, *self.nodes)
        return {member.name: member for member in everything}

    @property
    def is_scalar(self) -> bool:
        """Whether every tensor is a number."""
        return not any(member.axes for member in self.members.values())

    @cached_property
    def sizes(self) -> tuple[Symbol, ...]:
        """The symbols of all sizes that the graph speaks of, by name: those of its axes, and integers in its formulas."""
        terms = [a for m in self.members.values() for a in (*m.axes, getattr(m, "classes", None)) if a is not None]
        terms += [node.expr for node in self.nodes]
        terms += [term for node in self.nodes for tree in subtrees(node.body) for term in terms_of(tree)]
        return tuple(sorted({s for t in terms for s in t.free_symbols if s.is_integer and s.is_positive}, key=str))

    @cached_property
    def taken(self) -> frozenset[str]:
        """Every name that means something here, or is printed: tensors, sizes, index letters."""
        letters = (letter for _, letters in self.letters for letter in letters)
        return frozenset({*self.members, *(name for _, name in self.shown), *(s.name for s in self.sizes), *letters})

    @property
    def _memory(self) -> dict[Hashable, Any]:
        """What has been made of this graph; see `remembered`."""
        return self.__dict__.setdefault("memory", {})

    @cached_property
    def conditioned(self) -> frozenset[str]:
        """The letters that the author binds under a condition, and has free on no left side."""
        reductions = (t for node in self.nodes if node.surface is None for t in subtrees(node.body) if isinstance(t, Reduce))
        bound = {index.name for t in reductions if t.conditions for index in t.indices}
        return frozenset(bound - {index.name for node in self.nodes for index in node.indices})

    def parents(self, name: str) -> frozenset[str]:
        """The tensors that a node's definition mentions."""
        return self._parents.get(name, frozenset())

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that move with this tensor, in order of evaluation: those whose definitions mention it."""
        return self._consumers.get(name, ())

    def ancestors(self, name: str) -> frozenset[str]:
        """The tensor itself and everything it is computed from."""
        return remembered(self, ("ancestors", name), lambda: self._ancestors(name))

    def _ancestors(self, name: str) -> frozenset[str]:
        found = {name}
        for node in reversed(self.nodes):
            if node.name in found:
                found |= self._parents[node.name]
        return frozenset(found)

    def way(self, name: str, output: str) -> tuple[str, ...]:
        """What lies between a tensor and the output, on any path, from the output's side; then the tensor itself."""
        onward, found = {name}, list[str]()
        for node in self.nodes:
            if node.differentiable and node.name not in (name, output) and not onward.isdisjoint(self._parents[node.name]):
                onward.add(node.name)
                if node.name in self.ancestors(output):
                    found.append(node.name)
        return (*reversed(found), name)

    def between(self, name: str, output: str) -> tuple[frozenset[str], ...]:
        """The nodes on the paths from a tensor to the first node at which some of its paths to the output meet again, for each
        such node, up to that at which all do: the mean and the variance of a normalization, then its whole residual block.
        """
        if len(self.consumers(name)) < 2:
            return ()
        on_the_way = self.ancestors(output)
        meets: dict[str, frozenset[str]] = {output: frozenset([output])}
        for member in reversed(list(self.members)):
            users = [meets[y.name] for y in self.consumers(member) if y.name in meets]
            if users and member in on_the_way and member != output:
                meets[member] = frozenset.intersection(*users) | {member}
        ways = [y.name for y in self.consumers(name) if y.name in meets]
        groups: dict[frozenset[str], frozenset[str]] = {}
        for first in self.members:
            met = frozenset(y for y in ways if first in meets[y])
            if len(met) > 1 and met not in groups:
                groups[met] = frozenset(n for n in self.ancestors(first) - {name, first} if name in self.ancestors(n))
            if len(met) == len(ways):
                break
        return tuple(groups.values())

    def gate(self, name: str, output: str) -> str:
        """The first node past REACH nodes that depend on a tensor through which alone it acts on the output; "" if none."""
        return remembered(self, ("gate", name, output), lambda: self._gate(name, output))

    def _gate(self, name: str, output: str) -> str:
        last = self._last_uses(output)
        moved, count, horizon = {name}, 0, last.get(name, -1)
        for place, node in enumerate(self.nodes):
            if node.name == output:
                break
            if node.name not in last or node.name == name or moved.isdisjoint(self._parents[node.name]):
                continue
            count += 1
            if count > REACH and horizon <= place and node.differentiable:
                return node.name
            moved.add(node.name)
            horizon = max(horizon, last[node.name])
        return ""

    def _last_uses(self, output: str) -> dict[str, int]:
        """Where in the order of evaluation each tensor that the output is computed from is used last."""

        def found() -> dict[str, int]:
            reached = self.ancestors(output)
            nodes = enumerate(self.nodes)
            return {name: place for place, node in nodes if node.name in reached for name in self._parents[node.name]}

        return remembered(self, ("last uses", output), found)

    @cached_property
    def _consumers(self) -> dict[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in (n for n in self.nodes if n.differentiable):
            for name in sorted(self._parents[node.name]):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def _parents(self) -> dict[str, frozenset[str]]:
        return {node.name: names(node.expr) for node in self.nodes}

    def whole_axes(self, term: Any) -> bool:
        """Whether every index by itself in a term ranges over all of the axis that it stands on, or of the index it is equal to.

        It does not where x has n + 1 entries and y_i = x_i has n: the terms of that have no matrix form.
        """
        entries = ((e, self.members.get(e.name)) for e in term.atoms(Element))
        pairs = [pair for e, m in entries if m is not None for pair in zip(e.indices, m.axes, strict=True)]
        pairs += [(a, getattr(b, "size", None)) for delta in term.atoms(Delta) for a, b in [delta.args]]
        return all(index.size == size for index, size in pairs if isinstance(index, (Index, Label)) and size is not None)

    @cached_property
    def held(self) -> frozenset[str]:
        """The constants, and what is computed from nothing else that moves: no derivative by them is shown unasked."""
        found = {i.name for i in self.inputs if i.constant or not i.differentiable}
        for node in self.nodes:
            if (parents := self._parents[node.name]) and parents <= found:
                found.add(node.name)
        return frozenset(found) if any(i.constant for i in self.inputs) else frozenset()

    def letters_over(self, axis: Any) -> tuple[str, ...]:
        """The index letters in use over an axis."""
        return dict(self.letters).get(axis, ())


def remembered(graph: Graph, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, once for a graph: nothing is derived twice.  No two functions share the first word of a key.

    Where threads ask at once, each may make it, and all are given what the first of them made.
    """
    memory = graph._memory
    if key not in memory:
        memory.setdefault(key, make())
    found: T = memory[key]
    return found
