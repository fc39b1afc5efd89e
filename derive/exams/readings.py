"""A definition read wrongly: its tree with something left out, or taken for something else.

A reading gives, for a graph, those that a student may have read instead; a change is a function of a tree, which it returns where
there is nothing to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from derive.calculus.terms import Index
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Number, Op, Reduce, Ref, Size, Tree, children, rebuilt, subtrees
from derive.language.lower import lower

Change = Callable[[Tree], Tree]
Reading = Callable[[Graph], Iterator[Graph]]

TWO, TEN = (Number(Fraction(n), str(n)) for n in (2, 10))


def everywhere(change: Change) -> Reading:
    """The graph with a change wherever it applies, if it does anywhere."""

    def reading(graph: Graph) -> Iterator[Graph]:
        yield from _read(graph, {node.name: _changed(node.body, change) for node in graph.nodes})

    return reading


def somewhere(change: Change) -> Reading:
    """The graphs with a change in one place, in each definition the outermost first."""

    def reading(graph: Graph) -> Iterator[Graph]:
        for node in graph.nodes:
            for place in dict.fromkeys(subtrees(node.body)):
                yield from _read(graph, {node.name: _put(node.body, place, change(place))})

    return reading


def _changed(tree: Tree, change: Change) -> Tree:
    return change(rebuilt(tree, lambda child: _changed(child, change)))


def _put(tree: Tree, place: Tree, other: Tree) -> Tree:
    return other if tree == place else rebuilt(tree, lambda child: _put(child, place, other))


def _read(graph: Graph, bodies: Mapping[str, Tree]) -> Iterator[Graph]:
    """The graph with other bodies, if any of them is another."""
    if all(node.body == bodies.get(node.name, node.body) for node in graph.nodes):
        return
    heads = {member.name: member.head for member in graph.inputs}
    nodes: list[Node] = []
    for node in graph.nodes:
        body = bodies.get(node.name, node.body)
        nodes.append(replace(node, body=body, expr=lower(body, heads)))
        heads[node.name] = nodes[-1].head
    yield replace(graph, nodes=tuple(nodes))


# ---------------------------------------------------------------- what is left out


def margin_lost(tree: Tree) -> Tree:
    """max(0, a + 1) as max(0, a)."""
    match tree:
        case Call("max", (Number(Fraction(numerator=0)) as zero, Op() as a)):
            return Call("max", (zero, _without_number(a)))
    return tree


def _without_number(tree: Tree) -> Tree:
    match tree:
        case Op("+" | "-", (a, Number())):
            return a
        case Op("+", (Number(), a)):
            return a
        case Op("-", (Number(), a)):
            return Op("neg", (a,))
    return tree


def max_lost(tree: Tree) -> Tree:
    """max(0, a), and relu(a), as a."""
    match tree:
        case Call("max", (Number(Fraction(numerator=0)), a)) | Call("relu", (a,)):
            return a
    return tree


def all_summed(tree: Tree) -> Tree:
    """A sum over all of an axis where one index is left out."""
    if not isinstance(tree, Reduce) or tree.operator != "sum":
        return tree
    return replace(tree, conditions=tuple(c for c in tree.conditions if c.operator != "!="))


def brackets_lost(tree: Tree) -> Tree:
    """(a + b) c read as a + b c, and a (b + c) as a b + c."""
    match tree:
        case Op("*", (Op("+" | "-" as sign, (a, b)), c)) if not isinstance(c, Number):
            return Op(sign, (a, Op("*", (b, c))))
        case Op("*", (a, Op("+" | "-" as sign, (b, c)))) if not isinstance(a, Number):
            return Op(sign, (Op("*", (a, b)), c))
    return tree


def root_lost(tree: Tree) -> Tree:
    """sqrt(a) as a."""
    return tree.args[0] if isinstance(tree, Call) and tree.function == "sqrt" else tree


def half_lost(tree: Tree) -> Tree:
    """a/2 as a."""
    match tree:
        case Op("/", (a, Number(Fraction(numerator=2, denominator=1)))) if not isinstance(a, Number):
            return a
    return tree


def division_lost(tree: Tree) -> Tree:
    """a/b as a, where neither is a number."""
    match tree:
        case Op("/", (a, b)) if not isinstance(a, Number) and not isinstance(b, Number):
            return a
    return tree


def lost_factor(tree: Tree) -> Tree:
    """a b as a, where b is a number that has a name; or else as b, where a is."""
    match tree:
        case Op("*", (a, Ref(_, ()))):
            return a
        case Op("*", (Ref(_, ()), b)):
            return b
    return tree


BENDS = ("exp", "tanh", "sigmoid", "softplus")


def function_lost(tree: Tree) -> Tree:
    """f(a) as a."""
    return tree.args[0] if isinstance(tree, Call) and tree.function in BENDS else tree


def minus_lost(tree: Tree) -> Tree:
    """-a as a, and a - b as a + b."""
    match tree:
        case Op("neg", (a,)):
            return a
        case Op("-", args):
            return Op("+", args)
    return tree


def bias_lost(graph: Graph) -> Iterator[Graph]:
    """w x + b as w x, where b is given."""
    given = {i.name for i in graph.inputs}

    def change(part: Tree) -> Tree:
        match part:
            case Op("+", (a, Ref(name))) if name in given and _multiplies(a):
                return a
        return part

    return everywhere(change)(graph)


def _multiplies(tree: Tree) -> bool:
    """Whether a term is a product of tensors, or a sum of such."""
    match tree:
        case Op("*", (a, b)):
            return all(any(isinstance(t, Ref) for t in subtrees(side)) for side in (a, b))
        case Reduce("sum") | Op("+"):
            return any(_multiplies(child) for child in children(tree))
    return False


# ---------------------------------------------------------------- what is taken for something else


def sum_for_mean(tree: Tree) -> Tree:
    """The sum for the mean."""
    return replace(tree, operator="sum") if isinstance(tree, Reduce) and tree.operator == "mean" else tree


def one_less(tree: Tree) -> Tree:
    """The mean of squares divided by one less than their number."""
    match tree:
        case Reduce("mean", Op("**", (_, Number(Fraction(numerator=2, denominator=1)))), (Index() as index,), ()):
            return Op("/", (replace(tree, operator="sum"), Size(index.size - 1)))
    return tree


def flipped(tree: Tree) -> Tree:
    """Σ_k w_k x_{o + k} with the kernel w from its end."""
    match tree:
        case Reduce("sum", body, (Index() as k,), ()) if any(_slides(t, k) for t in subtrees(body)):

            def change(part: Tree) -> Tree:
                return replace(part, indices=(k.size - 1 - k,)) if isinstance(part, Ref) and part.indices == (k,) else part

            return replace(tree, body=_changed(body, change))
    return tree


def _slides(tree: Tree, k: Index) -> bool:
    """Whether an entry stands k behind another."""
    return isinstance(tree, Ref) and any(k in i.atoms(Index) and i != k for i in tree.indices)


def doubled(tree: Tree) -> Tree:
    """The double for the square."""
    match tree:
        case Op("**", (a, Number(Fraction(numerator=2, denominator=1)))):
            return Op("*", (TWO, a))
    return tree


def base_ten(tree: Tree) -> Tree:
    """The logarithm to base 10 for the natural one."""
    return Op("/", (tree, Call("log", (TEN,)))) if isinstance(tree, Call) and tree.function == "log" else tree


def turned(graph: Graph) -> Iterator[Graph]:
    """A square matrix that is given for its transpose."""
    for name in (i.name for i in graph.inputs if len(i.axes) == 2 and i.axes[0] == i.axes[1]):

        def change(part: Tree, name: str = name) -> Tree:
            return replace(part, indices=part.indices[::-1]) if isinstance(part, Ref) and part.name == name else part

        yield from everywhere(change)(graph)
