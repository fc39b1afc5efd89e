"""More definitions for a graph that has been read: text in which all its names mean what they mean there."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sympy import Symbol

from derive.calculus.terms import ArgMax
from derive.errors import DeriveError, nearest, said
from derive.graphs.graph import Graph, Input, Node
from derive.language.draft import Draft, Member
from derive.language.elaborate import Elaboration
from derive.language.infer import Inference
from derive.language.lower import lower
from derive.language.parse import Definition, parse
from derive.language.reader import declare, define, letters_for, resolved


def extended(graph: Graph, text: str, given: Sequence[Input] = ()) -> Graph:
    """The graph with the definitions of a text behind its own; what is `given` may be mentioned there, too.

    Raises DeriveError, with the place in the text, where it is no definition over the names of the graph.

    >>> import derive
    >>> extended(derive.graph("x: [n]; L = sum(x**2)"), "d[i] = 2*x[i]").output.expr
    2*x[i]
    """
    source, statements = parse(text)
    reader = Inference(source)
    known: Mapping[str, Input | Node] = {**graph.members, **{i.name: i for i in given}}
    reader.axes |= {str(s) for s in graph.sizes}
    reader.taken |= graph.taken
    reader.members |= {name: _member(member) for name, member in known.items()}
    declare(reader, statements)
    for statement in statements:
        if not isinstance(statement, Definition):
            if statement.name in reader.promised:
                continue
            raise source.error("A name is declared here, and only definitions can be added.", statement.node)
        if statement.name in known:
            raise source.error(said("{name} is defined already.", name=statement.name), statement.target)
        define(reader, statement)
        _check_known(reader, statement, known)
    return replace(graph, nodes=(*graph.nodes, *_nodes(reader, graph, known)))


def _member(member: Input | Node) -> Member:
    """What inference has to know of a tensor."""
    if isinstance(member, Input):
        return Member(member.name, member.axes, member.kind, member.classes, constant=member.constant)
    classes = member.expr.size if isinstance(member.expr, ArgMax) else None
    return Member(member.name, member.axes, "real" if classes is None else "label", classes, defined=True)


def _check_known(reader: Inference, definition: Definition, known: Mapping[str, Input | Node]) -> None:
    """Raise for a name that nothing defines: in a text by itself it would be an input."""
    made = {draft.name for draft in reader.drafts}
    for node in ast.walk(definition.value):
        if isinstance(node, ast.Name) and node.id in reader.members and node.id not in made and node.id not in known:
            raise reader.error(said("{name} is not defined.", name=node.id), node, nearest(node.id, known))


def _nodes(reader: Inference, graph: Graph, known: Mapping[str, Input | Node]) -> list[Node]:
    """The new nodes, lowered."""
    drafts = [resolved(reader, draft) for draft in reader.drafts]
    axes = {m.name: tuple(map(reader.sizes.size, m.axes)) for m in reader.members.values()}
    letters = letters_for(reader, drafts, [], axes)
    elaboration = Elaboration(axes, letters)
    heads: dict[str, Symbol] = {name: member.head for name, member in known.items()}
    nodes: list[Node] = []
    for draft in drafts:
        indices, body = elaboration.body(draft)
        node = Node(draft.name, indices, body, _lowered(draft, body, heads), None, draft.call, draft.inner)
        heads[node.name] = node.head
        nodes.append(node)
    return nodes


def _lowered(draft: Draft, body: object, heads: Mapping[str, Symbol]) -> object:
    try:
        return lower(body, heads)  # type: ignore[arg-type]
    except DeriveError as error:
        raise DeriveError(error.message, draft.place, error.hint) from None
