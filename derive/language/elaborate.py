"""Drafts → bodies: the formula of one entry, with every index written out.

Whole tensors get indices, `@` becomes a sum of products, `.T` swaps two indices, a reduction of a whole tensor gets an
index for each of its axes, and a smaller operand takes the last indices.  Terms stay in the order they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.calculus.functions import MATRIX_FUNCTIONS
from derive.calculus.terms import Index
from derive.graphs.tree import Call, Entry, Op, Reduce, Ref, Tree, children, rebuilt, reindexed, subtrees
from derive.language.draft import Draft
from derive.language.letters import Letters

Axes = tuple[Any, ...]
Indices = tuple[Index, ...]
Scope = frozenset[str]


def axes_met(draft: Draft, axes: Mapping[str, Axes]) -> list[Any]:
    """The axes that a definition runs over: its own, then those it reduces, in the order they are met."""
    met: list[Any] = []

    def visit(tree: Tree) -> None:
        match tree:
            case Op("@", (a, b)):
                visit(a)
                met.append(axes_of(a, axes)[-1])
                visit(b)
                return
            case Reduce(_, body, indices):
                met.extend([i.size for i in indices] or axes_of(body, axes))
        for child in children(tree):
            visit(child)

    met += [i.size for i in (draft.written if draft.formal is None else draft.formal)] + list(draft.axes)
    visit(draft.tree)
    return met


def axes_of(tree: Tree, axes: Mapping[str, Axes]) -> Axes:
    """The axes of an expression that is known to be well formed."""
    match tree:
        case Ref(name, indices):
            return axes[name][len(indices) :]
        case Op("@", (a, b)):
            return axes_of(a, axes)[:-1] + axes_of(b, axes)[1:]
        case Op("T", (a,)):
            return axes_of(a, axes)[::-1]
        case Reduce() | Entry():
            return ()
    return max((axes_of(child, axes) for child in children(tree)), key=len, default=())


@dataclass(frozen=True)
class Elaboration:
    """The axes of every member, and the letters of every axis."""

    axes: Mapping[str, Axes]
    letters: Letters

    def body(self, draft: Draft) -> tuple[Indices, Tree]:
        """The indices of a node and its formula in them."""
        if draft.formal is not None:
            indices = self.letters.take_all(i.size for i in draft.formal)
            scope = frozenset(i.name for i in indices)
            return indices, self.lettered(draft.tree, dict(zip(draft.formal, indices, strict=True)), scope)
        own = {i.name for i in draft.written}
        rest = self.letters.take_all(draft.axes, own | _bound(draft.tree))
        indices = draft.written + rest
        return indices, self.entry(draft.tree, rest, frozenset(i.name for i in indices))

    def entry(self, tree: Tree, indices: Indices, scope: Scope) -> Tree:
        """One entry of an expression; `scope` holds the letters that mean something already."""
        match tree:
            case Ref(name, given):
                return Ref(name, given + indices)
            case Op("T", (a,)):
                return self.entry(a, indices[::-1], scope)
            case Op("@", (a, b)):
                return self._product(a, b, indices, scope)
            case Call(function, (a,)) if function in MATRIX_FUNCTIONS:
                return Entry(self._of_matrix(function, a, scope), indices)
            case Reduce(operator, body, ()) if operator in MATRIX_FUNCTIONS:
                return self._of_matrix(operator, body, scope)
            case Reduce("trace", body, ()):
                (i,) = self._fresh(axes_of(body, self.axes)[:1], scope, tree)
                return Reduce("sum", self.entry(body, (i, i), scope | {i.name}), (i,))
            case Reduce(operator, body, (), conditions):
                over = self._fresh(axes_of(body, self.axes), scope, tree)
                return Reduce(operator, self.entry(body, over, scope | {i.name for i in over}), over, conditions)
            case Reduce(indices=bound):
                inside = scope | {i.name for i in bound}
                return rebuilt(tree, lambda child: self.entry(child, (), inside))

        def part(child: Tree) -> Tree:
            rank = len(axes_of(child, self.axes))
            return self.entry(child, indices[len(indices) - rank :], scope)

        return rebuilt(tree, part)

    def _of_matrix(self, function: str, matrix: Tree, scope: Scope) -> Tree:
        """A function of a tensor or its transpose as a whole.  Its indices are never printed, and are no letters."""
        places = tuple(Index(name, size) for name, size in zip("↓→", axes_of(matrix, self.axes), strict=True))
        return Reduce(function, self.entry(matrix, places, scope), places)

    def _product(self, a: Tree, b: Tree, indices: Indices, scope: Scope) -> Tree:
        """Σ_j a_ij b_jk.  Letters follow the order of reading: x @ A @ y is Σ_j (Σ_i x_i A_ij) y_j."""
        outer = len(axes_of(a, self.axes)) - 1
        size = axes_of(b, self.axes)[0]
        later = Index("j", size).fresh()
        left = self.entry(a, (*indices[:outer], later), scope)
        (j,) = self._fresh((size,), scope | _bound(left), b)
        right = self.entry(b, (j, *indices[outer:]), scope | {j.name})
        return Reduce("sum", Op("*", (_renamed(left, {later: j}), right)), (j,))

    def _fresh(self, sizes: Axes, scope: Scope, tree: Tree) -> Indices:
        return self.letters.take_all(sizes, scope | _bound(tree))

    def lettered(self, tree: Tree, names: Mapping[Any, Any], scope: Scope) -> Tree:
        """A library definition's formula, in letters of this graph."""
        inside = scope
        if isinstance(tree, Reduce) and tree.indices:
            new = self.letters.take_all((i.size for i in tree.indices), scope)
            names = {**names, **dict(zip(tree.indices, new, strict=True))}
            inside = scope | {i.name for i in new}
        renamed = reindexed(tree, lambda term: term.xreplace(names))
        return rebuilt(renamed, lambda child: self.lettered(child, names, inside))


def _renamed(tree: Tree, names: Mapping[Any, Any]) -> Tree:
    return rebuilt(reindexed(tree, lambda term: term.xreplace(names)), lambda child: _renamed(child, names))


def _bound(tree: Tree) -> set[str]:
    """The letters that an expression binds itself."""
    return {index.name for part in subtrees(tree) if isinstance(part, Reduce) for index in part.indices}
