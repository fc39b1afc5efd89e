"""A definition for one example made one for N: a new first axis for everything that differs between examples.

    x_j, t                        x_nj, t_n                       the inputs that are batched
    a_i = Σ_j W_ij x_j + b_i      a_ni = Σ_j W_ij x_nj + b_i      what is computed from them; W and b are shared
    L = -log p_t                  L_n = -log p_{n t_n}            a loss keeps its name, as the loss of example n
                                  J = 1/N Σ_n L_n                 and the mean of the losses is the new output

Entry n of a batched tensor is computed by the formula for one example, from example n and the shared tensors alone:
examples never mix before the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from derive.calculus.terms import Adjoint, Element, Index, names, total, walk
from derive.errors import DeriveError, listed, nearest, said
from derive.graphs.graph import Graph, Node
from derive.graphs.names import fresh
from derive.graphs.tree import ONES, Call, Op, Reduce, Ref, Tree, children, rebuilt, reindexed, subtrees, terms_of
from derive.language import library
from derive.language.letters import capital
from derive.language.sizes import named_size
from derive.language.words import FUNCTIONS, MATRICES, MATRICES_OF_MATRICES

REDUCTIONS = ("mean", "none")
AXES = ("N", "B")
MEANS = ("J", "cost")
LETTERS = "nmsrquvopijkl"
"""Names for the axis of the examples, for the mean of their losses, and for their index, in order of preference."""


@dataclass(frozen=True)
class Batch:
    """`one` is the definition for one example, `graph` that for all of them, counted by the index `example`; `members` are
    the tensors that have an entry for each."""

    one: Graph
    graph: Graph
    members: frozenset[str]
    example: Index

    @property
    def averaged(self) -> bool:
        """Whether the output is the mean of a loss over the examples."""
        return self.graph.output.name not in self.one.members

    def lifted(self, term: Any, example: Index) -> Any:
        """A term of the definition for one example, for this example of the batch."""
        return _lifted(term, self.members, example)


def batch(graph: Graph, inputs: Sequence[str], reduction: str = "mean") -> Batch:
    """The definition for N examples, which differ in these inputs; of a number, the mean over them is the output.

    With reduction="none" it stays one number for each example.

    Raises DeriveError where none is named, where one is no input, and where the output is the same for all examples.

    >>> import derive
    >>> b = batch(derive.graph("w: [n]; x: [n]; L = (w @ x)**2"), ["x"])
    >>> [(member.name, member.axes) for member in b.graph.members.values()]
    [('w', (n,)), ('x', (N, n)), ('L', (N,)), ('J', ())]
    """
    known = [i.name for i in graph.inputs]
    for name in inputs:
        if name not in known:
            pattern = "{name} is computed, and only inputs are batched." if name in graph.members else "There is no input {name}."
            fault = said(pattern, name=name)
            raise DeriveError(fault, hint=nearest(name, known) or said("The inputs are {listed}.", listed=listed(known)))
    if not inputs:
        raise DeriveError(
            "No input is named that differs between examples.", hint=said("The inputs are {listed}.", listed=listed(known))
        )
    members = frozenset(m for m in graph.members if graph.ancestors(m) & set(inputs))
    output = graph.output
    if output.name not in members:
        raise DeriveError(
            said("{name} is not computed from {names}.", name=output.name, names=", ".join(inputs)),
            hint="It is the same for all examples.",
        )
    first = fresh(LETTERS, graph.taken)
    letters = (first, fresh(LETTERS, {*graph.taken, first}))
    size = named_size(fresh(AXES, graph.taken))
    example = Index(letters[0], size)
    nodes = [_batched(node, graph, members, example) if node.name in members else node for node in graph.nodes]
    check_reduction(reduction)
    if reduction == "mean" and not output.indices and not output.expr.is_integer:
        nodes.append(_mean(nodes[-1], fresh(MEANS, {*graph.taken, *letters, size.name})))
    batched = Graph(
        tuple(replace(i, indices=(example, *i.indices)) if i.name in members else i for i in graph.inputs),
        tuple(nodes),
        graph.source,
        (*graph.letters, (size, letters)),
        zero_log=graph.zero_log,
    )
    batched = replace(batched, shown=_capitals(batched, members))
    return Batch(graph, batched, members, example)


def check_reduction(name: str) -> None:
    """Raise DeriveError unless this is a way to make one number of those of all examples."""
    if name not in REDUCTIONS:
        raise DeriveError(
            said("There is no reduction {name}.", name=name),
            hint=said("The reductions are {names}.", names=", ".join(REDUCTIONS)),
        )


# ---------------------------------------------------------------- names


def _capitals(graph: Graph, members: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The vectors that a batch makes matrices, and their capitals, where these mean nothing else: X for x, Ŷ for ŷ."""
    taken, found = set(graph.taken), dict[str, str]()
    for name in graph.members:
        large = capital(name)
        if large and name in members and len(graph.members[name].axes) == 2 and large not in taken:
            found[name] = large
            taken.add(large)
    return tuple(found.items())


# ---------------------------------------------------------------- formulas of one entry


def _lifted(term: Any, members: frozenset[str], example: Index) -> Any:
    """A term with the example's index in front of those of every batched tensor."""

    def rewrite(t: Any) -> Any:
        if isinstance(t, Adjoint):
            return Adjoint(rewrite(t.output), rewrite(t.by))
        return Element(t.head, example, *t.indices) if isinstance(t, Element) and t.name in members else t

    return walk(term, rewrite)


def _body(tree: Tree, members: frozenset[str], example: Index) -> Tree:
    """The same for a formula as its author wrote it."""
    tree = reindexed(tree, lambda term: _lifted(term, members, example))
    if isinstance(tree, Ref):
        return replace(tree, indices=(example, *tree.indices)) if tree.name in members else tree
    return rebuilt(tree, lambda child: _body(child, members, example))


def _batched(node: Node, graph: Graph, members: frozenset[str], example: Index) -> Node:
    """The node with the axis of the examples in front; the indices of its body stay the author's or nobody's."""
    body = _body(node.body, members, example)
    whole = None if node.surface is None else surface(node.surface, graph, members) or body
    expr = _lifted(node.expr, members, example)
    return replace(node, indices=(example, *node.indices), body=body, expr=expr, surface=whole)


def _mean(loss: Node, name: str) -> Node:
    """J = 1/N Σ_n L_n."""
    (example,) = loss.indices
    body = Reduce("mean", Ref(loss.name, (example,)), (example,))
    return Node(name, (), body, total(loss.element, example) / example.size, surface=body)


# ---------------------------------------------------------------- tensor notation


class _NoNotation(Exception):
    """Of all examples at once, the formula can only be written with indices."""


@dataclass(frozen=True)
class _Whole:
    """A formula in tensor notation of all examples; how many axes it has for one of them; whether they differ in it."""

    tree: Tree
    rank: int
    batched: bool


def surface(tree: Tree, graph: Graph, members: frozenset[str]) -> Tree | None:
    """A formula in tensor notation of all examples, one in each row: `W @ x + b` is `x @ W.T + b`.  None if it has none.

    A definition of the library is mapped over the axes that its arguments have in front, as everywhere in the language.
    """

    def whole(part: Tree) -> _Whole:
        if (isinstance(part, Reduce) or terms_of(part)) and members & set().union(*map(_mentioned, subtrees(part))):
            raise _NoNotation
        match part:
            case Ref(name, indices):
                return _Whole(part, len(graph.members[name].indices) - len(indices), name in members)
            case Reduce():
                return _Whole(part, 0, False)
            case Op("T", (a,)):
                return _transposed(whole(a))
            case Op("concat", stacked) if any(whole(a).batched for a in stacked):
                raise _NoNotation
            case Op("@", (a, Op("T", (b,)))) if (row := whole(b)).rank == 1:  # x @ y.T
                if row.batched or whole(a).batched:
                    raise _NoNotation
                return _Whole(part, 2, False)
            case Op("@", (a, b)):
                return _product(whole(a), whole(b))
        parts = [whole(child) for child in children(part)]
        trees = (p.tree for p in parts)
        tree = rebuilt(part, lambda _: next(trees))
        if isinstance(part, Call) and part.function in MATRICES:
            if any(p.batched for p in parts):
                raise _NoNotation
            return _Whole(tree, parts[-1].rank if part.function in MATRICES_OF_MATRICES else 0, False)
        if isinstance(part, Call) and part.function not in FUNCTIONS and not library.function(part.function):
            return _mapped(tree, library.load(part.function), parts)
        return _entrywise(tree, parts)

    try:
        return whole(tree).tree
    except _NoNotation:
        return None


def _mentioned(tree: Tree) -> set[str]:
    """The tensors that one node of a tree mentions."""
    return ({tree.name} if isinstance(tree, Ref) else set()).union(*(names(term) for term in terms_of(tree)))


def _transposed(a: _Whole) -> _Whole:
    """The transpose of every example; a vector is its own."""
    match a:
        case _Whole(Op("T", (inner,)), _, False):
            return replace(a, tree=inner)
        case _Whole(tree, _, False):
            return replace(a, tree=Op("T", (tree,)))
        case _Whole(_, rank) if rank > 1:
            raise _NoNotation
    return a


def _product(a: _Whole, b: _Whole) -> _Whole:
    """Of a shared tensor and a vector for each example, which is a row: W x becomes x Wᵀ."""
    rank = a.rank + b.rank - 2
    if not a.batched and not b.batched:
        return _Whole(Op("@", (a.tree, b.tree)), rank, False)
    row, shared = (a, b) if a.batched else (b, a)
    if shared.batched or row.rank > 1:
        raise _NoNotation
    if (not a.batched and shared.rank > 1) or (shared.rank == 1 and isinstance(shared.tree, Op) and shared.tree.operator == "T"):
        shared = _transposed(shared)  # wᵀ x is a number for each row: X w
    return _Whole(Op("@", (row.tree, shared.tree)), rank, True)


def _entrywise(tree: Tree, parts: list[_Whole]) -> _Whole:
    """Entry by entry: a shared vector is added to every row as 1 bᵀ; numbers are the only other thing to be spread."""
    rank = max((p.rank for p in parts), default=0)
    if not any(p.batched for p in parts):
        return _Whole(tree, rank, False)
    shared = [p.rank > 0 and not p.batched for p in parts]
    if any(p.batched and p.rank < rank for p in parts) or (any(shared) and (rank > 1 or not _adds(tree))):
        raise _NoNotation
    lying = (_lying(p.tree) if spread else p.tree for p, spread in zip(parts, shared, strict=True))
    trees = (Op("@", (ONES, tree_)) if spread else tree_ for tree_, spread in zip(lying, shared, strict=True))
    return _Whole(rebuilt(tree, lambda _: next(trees)), rank, True)


def _lying(vector: Tree) -> Tree:
    """A vector as a row."""
    return vector if isinstance(vector, Op) and vector.operator == "T" else Op("T", (vector,))


def _adds(tree: Tree) -> bool:
    return isinstance(tree, Op) and tree.operator in ("+", "-")


def _mapped(tree: Tree, definition: Graph, parts: list[_Whole]) -> _Whole:
    """A call of a library definition: every argument has all of the axes that it is mapped over in front, or none."""
    extra = [p.rank - len(i.indices) for p, i in zip(parts, definition.inputs, strict=True)]
    batched = {e for p, e in zip(parts, extra, strict=True) if p.batched}
    if len(batched) > 1 or (batched and any(e for p, e in zip(parts, extra, strict=True) if not p.batched)):
        raise _NoNotation
    return _Whole(tree, max(extra, default=0) + len(definition.output.indices), bool(batched))
