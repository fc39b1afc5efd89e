"""A call of a library definition becomes the nodes of that definition, with arguments in place of its inputs.

An argument with more axes than the input it stands for is a batch: the leading axes are examples, and the definition is
mapped over them.  An argument that mentions indices of its surroundings is a batch over these.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sympy import Dummy, Symbol

from derive.calculus.terms import Element, Index, Label
from derive.errors import said
from derive.graphs.graph import Graph, Input
from derive.graphs.names import fresh
from derive.graphs.tree import Call, Number, Op, Reduce, Ref, Size, Tree, rebuilt, reindexed, subtrees, terms_of
from derive.language import library
from derive.language.blocks import whole
from derive.language.draft import Draft, Member, Typed
from derive.language.sizes import named_size

if TYPE_CHECKING:
    from derive.language.indices import Scope
    from derive.language.infer import Inference


@dataclass(frozen=True)
class Argument:
    """What stands for an input: a number, or the start of a reference to which indices are added."""

    tree: Tree
    member: Member | None


def expanded(reader: Inference, node: ast.Call, args: list[Typed], scope: Scope, target: str = "") -> Typed:
    """The value of a call; the definition's nodes are added to the drafts, the last one under the name `target`."""
    name = node.func.id  # type: ignore[attr-defined]
    graph = library.load(name)
    if len(args) != len(graph.inputs):
        inputs = ", ".join(i.name for i in graph.inputs)
        given = said(
            "{name} takes {count} arguments, and {given} are given.", name=name, count=len(graph.inputs), given=len(args)
        )
        raise reader.error(given, node, said("Write {name}({inputs}).", name=name, inputs=inputs))
    surface = Call(name, tuple(a.surface for a in args))
    key = (name, tuple(a.plain for a in args))
    if key in reader.shared and not target:
        return replace(reader.shared[key], surface=surface)
    sizes = _Instance(reader, node, graph)
    batch = sizes.matched(args)
    free = tuple(index for index in scope.values() if any(index in _free(a.plain) for a in args))
    expansion = _Expansion(reader, node, graph, sizes.unknown, free, batch, target)
    actual = [_argument(expansion, formal, arg) for formal, arg in zip(graph.inputs, args, strict=True)]
    reader.shared[key] = expansion.result(actual, surface)
    return reader.shared[key]


def named_part(reader: Inference, node: ast.expr, typed: Typed, scope: Scope, stem: str) -> Typed:
    """A part of a formula as a node of its own, called `stem` where that is free; one that stands there twice is one node."""
    key = ("part", typed.plain)
    if key not in reader.shared:
        free = tuple(index for index in scope.values() if index in _free(typed.plain))
        name = fresh([stem], reader.taken, first=2)
        reader.taken.add(name)
        surface = None if free else typed.surface
        draft = Draft(name, typed.plain, reader.source.place(node), typed.axes, free, surface=surface, inner=True)
        reader.drafts.append(draft)
        reader.members[name] = draft.member
        reader.shared[key] = Typed(Ref(name, free), Ref(name, free), typed.axes)
    return reader.shared[key]


def _free(tree: Tree) -> set[Index]:
    """The author's indices that an argument mentions (bound ones are nobody else's: letters in scope are not reused)."""
    return {index for part in subtrees(tree) for term in terms_of(part) if hasattr(term, "atoms") for index in term.atoms(Index)}


class _Instance:
    """The sizes of a definition's axes at one call."""

    def __init__(self, reader: Inference, node: ast.Call, graph: Graph) -> None:
        self.reader, self.node, self.graph = reader, node, graph
        symbols = {s for i in graph.inputs for size in (*i.axes, i.classes) if size is not None for s in size.free_symbols}
        self.unknown: dict[Symbol, Dummy] = {s: reader.sizes.unknown(s.name) for s in sorted(symbols, key=str)}

    def size(self, term: Any) -> Any:
        return term.xreplace(self.unknown)

    def matched(self, args: list[Typed]) -> tuple[Any, ...]:
        """Unify the axes of inputs and arguments; the leading axes that are left over."""
        pairs = list(zip(self.graph.inputs, args, self.node.args, strict=True))
        batch: tuple[Any, ...] = ()
        equal: list[tuple[Input, Any, Any, ast.expr]] = []
        for formal, arg, at in pairs:
            extra = self._extra(formal, arg, at)
            leading, trailing = arg.axes[:extra], arg.axes[extra:]
            if leading and batch and len(leading) != len(batch):
                message = said(
                    "One argument of {graph_name} has {count} axes of examples, another has {other}.",
                    graph_name=self.graph_name,
                    count=len(leading),
                    other=len(batch),
                )
                raise self.reader.error(message, at)
            for mine, other in zip(batch, leading, strict=False):
                self.reader.met(mine, other, self.node)
            batch = batch or leading
            equal += [(formal, self.size(f), a, at) for f, a in zip(formal.axes, trailing, strict=True)]
            if isinstance(arg.plain, Ref) and formal.kind == "label":
                equal.append((formal, self.size(formal.classes), self.reader.members[arg.plain.name].classes, at))
        self._solve(equal)
        return batch

    @property
    def graph_name(self) -> str:
        return str(self.node.func.id)  # type: ignore[attr-defined]

    def _extra(self, formal: Input, arg: Typed, at: ast.expr) -> int:
        """How many leading axes of an argument are examples."""
        written, source = self.reader.source.written(at), self.reader.source
        extra = len(arg.axes) - len(formal.axes)
        if formal.kind == "label":
            reference = arg.plain
            if not (isinstance(reference, Ref) and self.reader.is_label(reference.name)):
                hint = (
                    said("Declare it as a label: {written}: label[{classes}].", written=written, classes=formal.classes)
                    if at.__class__ is ast.Name
                    else ""
                )
                raise source.error(
                    said(
                        "{graph_name} needs a label for {name}, and `{written}` is not one.",
                        graph_name=self.graph_name,
                        name=formal.name,
                        written=written,
                    ),
                    at,
                    hint,
                )
        elif isinstance(arg.plain, Ref) and self.reader.is_label(arg.plain.name) and formal.axes:
            hint = said("Declare it as {written}: onehot[…].", written=written)
            raise source.error(
                said(
                    "{graph_name} needs a vector for {name}, and `{written}` is a label.",
                    graph_name=self.graph_name,
                    name=formal.name,
                    written=written,
                ),
                at,
                hint,
            )
        if extra < 0:
            needed, given = (f"[{', '.join(map(str, axes))}]" for axes in (formal.axes, map(self.reader.sizes.size, arg.axes)))
            what = said("has the axes {given}", given=given) if arg.axes else said("is a number")
            raise source.error(
                said(
                    "{graph_name} needs axes {needed} for {name}, and `{written}` {what}.",
                    graph_name=self.graph_name,
                    needed=needed,
                    name=formal.name,
                    written=written,
                    what=what,
                ),
                at,
                said("Declare its axes: {name}: [{letters}].", name=written, letters=needed[1:-1])
                if isinstance(at, ast.Name) and self.reader.undeclared(at)
                else "",
            )
        return extra

    def _solve(self, equal: list[tuple[Input, Any, Any, ast.expr]]) -> None:
        """Unify what can be, as often as it helps; what is open then takes the author's axis of the same name."""
        sizes = self.reader.sizes
        while equal:
            left = []
            for formal, mine, actual, at in equal:
                known = sizes.unify(mine, actual)
                if known is False:
                    self.reader.met(sizes.size(mine), actual, self.node)
                elif known is None:
                    left.append((formal, mine, actual, at))
            if len(left) == len(equal) and not self._named():
                names, axes = ", ".join(s.name for s in self._open()), ", ".join(map(str, left[0][0].axes))
                message = said(
                    "The arguments of {graph_name} do not tell its sizes {names}.", graph_name=self.graph_name, names=names
                )
                raise self.reader.error(
                    message, left[0][3], said("Declare the axes of the argument with these names: [{axes}].", axes=axes)
                )
            equal = left

    def _open(self) -> list[Dummy]:
        return [d for d in self.unknown.values() if d not in self.reader.sizes.found]

    def _named(self) -> bool:
        named = [d for d in self._open() if d.name in self.reader.axes]
        for dummy in named:
            self.reader.sizes.found[dummy] = named_size(dummy.name)
        return bool(named)


@dataclass(frozen=True)
class _Expansion:
    """One call: where the nodes of the definition go and under which names."""

    reader: Inference
    node: ast.Call
    graph: Graph
    sizes: Mapping[Symbol, Dummy]
    free: tuple[Index, ...]
    batch: tuple[Any, ...]
    target: str

    def result(self, args: list[tuple[Argument, bool]], surface: Call) -> Typed:
        """Add every node; a reference to the last."""
        leading = tuple(Index("i", size).fresh() for size in self.batch)
        actual = {i.name: (a, leading if batched else ()) for i, (a, batched) in zip(self.graph.inputs, args, strict=True)}
        last = self.graph.output
        for node in self.graph.nodes:
            name = self.target if node is last and self.target else self.unique(node.name)
            renaming = _Renaming(actual, self.sizes)
            indices = tuple(renaming.index(i) for i in node.indices)
            plain_surface = not leading and not self.free and node.surface is not None
            shown = whole(surface) if node is last else renaming.tree(node.surface) if plain_surface and node.surface else None
            draft = Draft(
                name,
                renaming.tree(node.body),
                self.reader.source.place(self.node),
                formal=self.free + leading + indices,
                surface=shown,
                inner=not (node is last and self.target),
                call=surface.function,
            )
            actual[node.name] = (Argument(Ref(name, self.free), self.add(draft)), leading)
        axes = self.batch + tuple(size.xreplace(self.sizes) for size in last.axes)
        return Typed(surface, actual[last.name][0].tree, axes)

    def add(self, draft: Draft) -> Member:
        self.reader.drafts.append(draft)
        self.reader.members[draft.name] = draft.member
        return draft.member

    def unique(self, name: str) -> str:
        """The name, with 2, 3 … appended if it is taken; it is from now on."""
        found = fresh([name], self.reader.taken, first=2)
        self.reader.taken.add(found)
        return found


def _argument(expansion: _Expansion, formal: Input, arg: Typed) -> tuple[Argument, bool]:
    """What stands for an input, and whether it has the axes of the examples; a compound argument becomes a node."""
    batched = len(arg.axes) > len(formal.axes)
    match arg.plain:
        case Number() | Size() | Op("neg", (Number(),)):
            return Argument(arg.plain, None), False
        case Ref(name):
            return Argument(arg.plain, expansion.reader.members[name]), batched
    name = expansion.unique(formal.name)
    surface = whole(arg.surface) if not expansion.free else None
    place = expansion.reader.source.place(expansion.node)
    call = expansion.node.func.id  # type: ignore[attr-defined]
    draft = Draft(name, arg.plain, place, arg.axes, expansion.free, surface=surface, call=call, inner=True)
    return Argument(Ref(name, expansion.free), expansion.add(draft)), batched


class _Renaming:
    """A definition's tree with arguments for inputs, sizes of this call, and indices that nothing else can mean."""

    def __init__(self, actual: dict[str, tuple[Argument, tuple[Index, ...]]], sizes: Mapping[Symbol, Dummy]) -> None:
        self.actual, self.sizes = actual, sizes
        self.indices: dict[Index, Index] = {}

    def index(self, index: Index) -> Index:
        if index not in self.indices:
            self.indices[index] = Index(index.name, index.size.xreplace(self.sizes)).fresh()
        return self.indices[index]

    def term(self, term: Any) -> Any:
        """An index expression: indices, labels and sizes replaced at once (the author may use the same names)."""
        for index in term.atoms(Index):
            self.index(index)
        labels = {label: self._label(label) for label in term.atoms(Label)}
        return term.xreplace({**self.sizes, **self.indices, **labels})

    def _label(self, label: Label) -> Label:
        argument, leading = self.actual[label.element.name]
        reference = argument.tree
        assert isinstance(reference, Ref)
        assert argument.member is not None
        inner = tuple(map(self.term, label.element.indices))
        return Label(Element(argument.member.head, *reference.indices, *leading, *inner), label.size.xreplace(self.sizes))

    def tree(self, tree: Tree) -> Tree:
        match tree:
            case Ref(name, indices):
                argument, leading = self.actual[name]
                if isinstance(argument.tree, Ref):
                    return Ref(argument.tree.name, (*argument.tree.indices, *leading, *map(self.term, indices)))
                return argument.tree
            case Reduce(indices=bound):
                for index in bound:
                    self.index(index)
        return rebuilt(reindexed(tree, self.term), self.tree)
