"""Text → Graph: declarations first, then the definitions in order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sympy import Symbol

from derive.calculus.terms import Index
from derive.errors import DeriveError, nearest, said
from derive.graphs.graph import CONSTANT, Graph, Input, Node
from derive.graphs.tree import Reduce, Tree, rebuilt, reindexed, subtrees
from derive.language import library
from derive.language.blocks import whole
from derive.language.calls import called
from derive.language.draft import Draft, Member, Typed
from derive.language.elaborate import Elaboration, axes_met
from derive.language.expand import expanded
from derive.language.indices import Scope
from derive.language.infer import Inference
from derive.language.letters import Letters
from derive.language.lower import lower
from derive.language.parse import SIZE, Declaration, Definition, ParsedLine, parse
from derive.language.sizes import unknown_sizes
from derive.language.words import FUNCTIONS, MATRICES, REDUCTIONS

MAX_DEFINITIONS = 300


@lru_cache(maxsize=128)  # with each graph is kept what was made of it
def read(text: str, name: str = "") -> Graph:
    """The graph that a text defines; `name` is what the text is called: a library definition may not call itself.

    Raises DeriveError, with the place and what to do, for every text that is not a definition.

    >>> g = read("x: [n]; p = softmax(x); L = -log(p[0])")
    >>> [(node.name, node.axes, node.call) for node in g.nodes]
    [('p', (n,), 'softmax'), ('L', (), '')]
    """
    source, statements = parse(text)
    own = name if library.known(name) and library.definition(name) == text else ""
    reader = Inference(source, own)
    declare(reader, statements)
    definitions = [s for s in statements if isinstance(s, Definition)]
    if not definitions:
        raise DeriveError("Nothing is defined here.", hint="Write a definition: f = (u + v)*w.")
    if len(definitions) > MAX_DEFINITIONS:
        raise source.error(
            said("There are more than {max_definitions} definitions.", max_definitions=MAX_DEFINITIONS),
            definitions[MAX_DEFINITIONS].target,
        )
    for definition in definitions:
        define(reader, definition)
    for statement in statements:
        if isinstance(statement, Declaration) and statement.name not in reader.mentioned | reader.promised.keys():
            own = next((n for n in reader.members if n.startswith(f"{statement.name}_") and n not in reader.declared), "")
            near = said("{own} is a name of its own: write an entry as {name}[{letter}].", own=own, name=statement.name,
                        letter=own.removeprefix(f"{statement.name}_")) if own else ""  # fmt: skip
            near = near or nearest(
                statement.name, [n for n in reader.members if n in reader.mentioned and not reader.members[n].axes]
            )
            raise source.error(said("{name} is declared and never used.", name=statement.name), statement.node.target, near)
    return _graph(reader, text, library.text(own) if own else text)


# ---------------------------------------------------------------- statements


def declare(reader: Inference, statements: list[ParsedLine]) -> None:
    """Learn all names: of axes, sizes, inputs, definitions and indices."""
    source = reader.source
    for statement in statements:
        earlier = reader.later if isinstance(statement, Definition) else reader.declared
        line = source.place(_target(statement)).line
        if statement.name in earlier:
            what = said("defined") if isinstance(statement, Definition) else said("declared")
            message = said(
                "{name} is {what}, but it was {what} in line {earlier}.",
                name=statement.name,
                what=what,
                earlier=earlier[statement.name],
            )
            raise source.error(message, _target(statement), "A name has one meaning.")
        earlier[statement.name] = line
        if isinstance(statement, Definition):
            _learn_letters(reader, statement)
    sizes = {s.name for s in statements if isinstance(s, Declaration) and s.kind == SIZE}
    reader.axes |= sizes
    for statement in statements:
        if isinstance(statement, Definition) or statement.kind == SIZE:
            continue
        if statement.name in reader.later:
            reader.promised[statement.name] = _promised(reader, statement)
        else:
            reader.members[statement.name] = _input(reader, statement)
    for statement in statements:
        if statement.name in reader.axes and not (isinstance(statement, Declaration) and statement.kind == SIZE):
            what = said("declared as a size") if statement.name in sizes else said("the name of an axis")
            raise source.error(
                said("{name} is {what} already.", name=statement.name, what=what), _target(statement), "Choose another name."
            )
    reader.taken |= reader.axes | reader.declared.keys() | reader.later.keys()


def _target(statement: ParsedLine) -> ast.expr:
    return statement.node.target if isinstance(statement, Declaration) else statement.target


def _promised(reader: Inference, declaration: Declaration) -> tuple[Any, ...]:
    """The axes that a declaration gives to a definition."""
    if declaration.kind != "real" or declaration.constant:
        message = said(
            "{name} is defined, and whether it is a {kind} follows from its definition.",
            name=declaration.name,
            kind=CONSTANT if declaration.constant else declaration.kind,
        )
        axes = ", ".join(map(reader.source.written, declaration.axes))
        hint = said("Declare its axes alone, {name}: [{axes}], or nothing.", name=declaration.name, axes=axes)
        raise reader.error(message, declaration.node.annotation, hint)
    return tuple(reader.axis(axis, declaring=True) for axis in declaration.axes)


def _learn_letters(reader: Inference, definition: Definition) -> None:
    reader.letters.update(index.id for index in definition.indices or ())
    for node in ast.walk(definition.value):
        if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
            reader.letters.add(node.target.id)
        if isinstance(node, ast.Name):
            reader.taken.add(node.id)


def _input(reader: Inference, declaration: Declaration) -> Member:
    axes = tuple(reader.axis(axis, declaring=True) for axis in declaration.axes)
    kind, name = declaration.kind, declaration.name
    if kind == "label":
        *leading, classes = axes or (reader.sizes.unknown(f"classes of {name}"),)
        return Member(name, tuple(leading), kind, classes)
    if kind in ("onehot", "probability") and not axes:
        raise reader.error(
            said("A {kind} needs an axis.", kind=kind),
            declaration.node.annotation,
            said("Write {name}: {kind}[C].", name=name, kind=kind),
        )
    return Member(name, axes, kind, constant=declaration.constant)


def define(reader: Inference, definition: Definition) -> None:
    """Type a definition and add its draft, after those of the library calls in it."""
    scope: Scope = {}
    letters, axes = definition.indices or (), reader.promised.get(definition.name)
    if axes is not None and letters and len(letters) != len(axes):
        here = said("has {count} indices here", count=len(letters)) if len(letters) > 1 else said("has 1 index here")
        raise _broken(reader, definition, definition.target, here)
    for k, letter in enumerate(letters):
        scope[letter.id] = reader.bound(letter, scope, axes[k] if axes else reader.sizes.unknown(letter.id))
    written = tuple(scope.values())
    typed = _direct(reader, definition, scope)
    if typed is None:
        typed = reader.expression(definition.value, scope)
        if len(typed.axes) == 2 and not any(isinstance(part, ast.Call) for part in ast.walk(definition.value)):
            reader.no_matrix_power(definition.value, scope)
        if written and typed.axes:
            size = reader.sizes.size(typed.axes[0])
            part, hint = reader.without_indices(definition.value, scope)
            hint = hint or "With indices on the left, every tensor on the right has its indices."
            raise reader.error(said("The right side still has the axis of size {size}.", size=size), part, hint)
        surface = whole(typed.surface) if definition.indices is None else None
        place = reader.source.place(definition.value)
        draft = Draft(definition.name, typed.plain, place, typed.axes, written, surface=surface, classes=typed.classes)
        reader.drafts.append(draft)
        reader.members[definition.name] = draft.member
    if axes is not None and not definition.indices:
        equal = len(typed.axes) == len(axes) and all(reader.sizes.unify(*pair) for pair in zip(axes, typed.axes, strict=True))
        if not equal:
            shape = _shape(map(reader.sizes.size, typed.axes))
            raise _broken(reader, definition, definition.value, said("is defined with {shape}", shape=shape))
    reader.settle()
    for letter in letters:
        if unknown_sizes(reader.sizes.size(scope[letter.id].size)):
            axes_ = [str(_likely(reader, scope[other.id])) for other in letters]
            hint = said("Declare its axes: {name}: [{letters}].", name=definition.name, letters=", ".join(axes_))
            raise reader.error(said("The axis of the index {name} is not known.", name=letter.id), letter, hint)
    del reader.later[definition.name]


def _likely(reader: Inference, index: Index) -> Any:
    """The axis of an index; where it is open, that of an index which it is compared with, or any."""
    size = reader.sizes.size(index.size)
    return reader.beside.get(index.name, min(reader.axes, default="n")) if unknown_sizes(size) else size


def _shape(axes: Iterable[Any]) -> str:
    listed = ", ".join(map(str, axes))
    return said("the axes [{axes}]", axes=listed) if listed else said("no axes")


def _broken(reader: Inference, definition: Definition, at: ast.expr, instead: str) -> DeriveError:
    """The error of a definition that is not what its declaration says."""
    name, axes = definition.name, reader.promised[definition.name]
    shape = _shape(axes)
    message = said(
        "{name} is declared with {shape} in line {declared}, and {instead}.",
        name=name,
        shape=shape,
        declared=reader.declared[name],
        instead=instead,
    )
    letters = ", ".join("ijklmnop"[: len(axes)])
    return reader.error(
        message, at, said("Write {name}[{letters}] = … for each entry.", name=name, letters=letters) if 0 < len(axes) < 8 else ""
    )


def _direct(reader: Inference, definition: Definition, scope: Scope) -> Typed | None:
    """A definition that is one call of the library: `p = softmax(z)` gives the last node the name p."""
    value = definition.value
    if definition.indices is not None or not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return None
    name = value.func.id
    if name in REDUCTIONS or name in FUNCTIONS or name in MATRICES or (called(reader, value) and library.function(name)):
        return None
    args = [reader.expression(arg, scope) for arg in value.args]
    return expanded(reader, value, args, scope, target=definition.name)


# ---------------------------------------------------------------- the graph


def _graph(reader: Inference, text: str, whole: str) -> Graph:
    """Put in the sizes that were found, choose letters, write out indices, and lower."""
    drafts = [resolved(reader, draft) for draft in reader.drafts]
    inputs = [_resolved_input(reader, m) for m in reader.members.values() if not m.defined]
    axes = {m.name: tuple(map(reader.sizes.size, m.axes)) for m in reader.members.values()}
    letters = letters_for(reader, drafts, inputs, axes)
    elaboration = Elaboration(axes, letters)
    heads: dict[str, Symbol] = {m.name: m.head for m in inputs}
    nodes: list[Node] = []
    for draft in drafts:
        indices, body = elaboration.body(draft)
        surface = draft.surface
        if surface is not None and draft.formal is not None and draft.surface != body:
            surface = elaboration.lettered(surface, {}, frozenset(i.name for i in indices))
        try:
            expr = lower(body, heads)
        except DeriveError as error:
            raise DeriveError(error.message, draft.place, error.hint) from None
        node = Node(draft.name, indices, body, expr, None if surface == body else surface, draft.call, draft.inner)
        heads[node.name] = node.head
        nodes.append(node)
    members = [
        Input(
            m.name,
            letters.take_all(m.axes),
            m.kind,
            m.axes[-1] if m.kind in ("onehot", "probability") else m.classes,
            m.constant,
        )
        for m in inputs
    ]
    used = tuple((size, tuple(of)) for size, of in letters.of.items())
    texts = (whole, *(library.text(call) for call in {d.call for d in drafts} & set(library.names())))
    return Graph(tuple(members), tuple(nodes), text, used, zero_log=any(map(_ZERO_LOG.search, texts)))


_ZERO_LOG = re.compile(r"^\s*#\s*convention:\s*0 log 0 = 0\s*$", re.MULTILINE)
"""The comment by which a definition, and one that calls it, takes 0 log 0 for 0."""


def letters_for(reader: Inference, drafts: list[Draft], inputs: list[Member], axes: dict[str, tuple[Any, ...]]) -> Letters:
    used: list[Index] = []
    for draft in drafts:
        if draft.formal is None:
            used += draft.written
            used += [i for part in subtrees(draft.tree) if isinstance(part, Reduce) for i in part.indices]
    letters = Letters({*reader.members, *reader.axes, *reader.taken} - reader.letters, used)
    for draft in drafts:
        for size in axes_met(draft, axes):
            letters.meet(size)
    for member in inputs:
        for size in (*axes[member.name], *([member.classes] if member.kind == "label" else [])):
            letters.meet(size)
    return letters


def resolved(reader: Inference, draft: Draft) -> Draft:
    size = reader.sizes.resolved

    def tree(old: Tree) -> Tree:
        return rebuilt(reindexed(old, size), tree)

    return replace(
        draft,
        tree=tree(draft.tree),
        axes=tuple(map(reader.sizes.size, draft.axes)),
        written=tuple(map(size, draft.written)),
        formal=None if draft.formal is None else tuple(map(size, draft.formal)),
        surface=None if draft.surface is None else tree(draft.surface),
    )


def _resolved_input(reader: Inference, member: Member) -> Member:
    classes = None if member.classes is None else reader.sizes.size(member.classes)
    if classes is not None and unknown_sizes(classes):
        message = said("The number of classes of the label {name} is not known.", name=member.name)
        raise DeriveError(message, hint=said("Declare {name}: label[C].", name=member.name))
    return replace(member, axes=tuple(map(reader.sizes.size, member.axes)), classes=classes)
