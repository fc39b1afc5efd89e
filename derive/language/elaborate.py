"""Drafts → bodies: the formula of one entry, with every index written out.

Whole tensors get indices, `@` becomes a sum of products, `.T` swaps two indices, a reduction of a whole tensor gets an
index for each of its axes, and a smaller operand takes the last indices.  Terms stay in the order they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from sympy import Add, S, expand

from derive.calculus.functions import MATRIX_FUNCTIONS
from derive.calculus.terms import Below, Index
from derive.graphs.tree import Call, Compare, Entry, Number, Op, Reduce, Ref, Size, Tree, children, rebuilt, reindexed, subtrees
from derive.language.draft import Draft
from derive.language.letters import Letters

_ONE, _ZERO = Number(Fraction(1), "1"), Number(Fraction(0), "0")
Axes = tuple[Any, ...]
Indices = tuple[Index, ...]
Scope = frozenset[str]


def axes_met(draft: Draft, axes: Mapping[str, Axes]) -> list[Any]:
    """The axes that a definition runs over: its own, then those it reduces, in the order they are met."""
    met: list[Any] = []

    def visit(tree: Tree) -> None:
        match tree:
            case Op("@", (a, b)) if not is_outer(tree, axes):
                visit(a)
                met.extend(_blocks(a, b, axes) or [axes_of(a, axes)[-1]])
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
            inner = 0 if is_outer(tree, axes) else 1
            return axes_of(a, axes)[: -1 if inner else None] + axes_of(b, axes)[inner:]
        case Op("concat", args):
            parts = [axes_of(a, axes) for a in args]
            return (expand(Add(*(part[0] for part in parts))), *parts[0][1:])
        case Op("part", (_, *ends)):
            return tuple(expand(stop - start) for start, stop in _bounds(ends))
        case Op("T", (a,)):
            return axes_of(a, axes)[::-1]
        case Op("eye", (Size(size),)):
            return (size, size)
        case Reduce() | Entry():
            return ()
    return max((axes_of(child, axes) for child in children(tree)), key=len, default=())


def is_outer(tree: Tree, axes: Mapping[str, Axes]) -> bool:
    """Whether a product is that of a column and a row, x @ y.T: x_i y_j, over nothing."""
    match tree:
        case Op("@", (_, Op("T", (row,)))):
            return len(axes_of(row, axes)) == 1
    return False


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
            case Op("eye"):
                return Call("where", (Compare("==", *indices), _ONE, _ZERO))
            case Op("@", (a, b)) if is_outer(tree, self.axes):
                return Op("*", (self.entry(a, indices[:1], scope), self.entry(b, indices[1:], scope)))
            case Op("@", (a, b)):
                return self._product(a, b, indices, scope)
            case Op("part", (a, *ends)):
                return self.entry(a, tuple(i + start for i, (start, _) in zip(indices, _bounds(ends), strict=True)), scope)
            case Op("concat", args):
                return self._joined(args, indices, scope)
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

    def _joined(self, args: tuple[Tree, ...], indices: Indices, scope: Scope) -> Tree:
        """An entry of tensors one behind another: of the first where the index is less than its size …"""
        first, *rest = args
        index, more = indices[0], indices[1:]
        size = axes_of(first, self.axes)[0]
        inside = Below(index, size) if rest else S.One
        found = None if inside is S.Zero else self.entry(first, indices, scope)
        if inside is S.One:
            assert found is not None
            return found
        behind = self._joined(tuple(rest), (index - size, *more), scope)
        return behind if found is None else Call("where", (Compare("<", index, size), found, behind))

    def _of_matrix(self, function: str, matrix: Tree, scope: Scope) -> Tree:
        """A function of a tensor or its transpose as a whole.  Its indices are never printed, and are no letters."""
        places = tuple(Index(name, size) for name, size in zip("↓→", axes_of(matrix, self.axes), strict=True))
        return Reduce(function, self.entry(matrix, places, scope), places)

    def _product(self, a: Tree, b: Tree, indices: Indices, scope: Scope) -> Tree:
        """Σ_j a_ij b_jk.  Letters follow the order of reading: x @ A @ y is Σ_j (Σ_i x_i A_ij) y_j.

        Over what was put together it is the sum of one such sum for each part.
        """
        if sizes := _blocks(a, b, self.axes):
            return self._by_blocks(a, b, sizes, indices, scope)
        outer = len(axes_of(a, self.axes)) - 1
        size = axes_of(b, self.axes)[0]
        later = Index("j", size).fresh()
        left = self.entry(a, (*indices[:outer], later), scope)
        (j,) = self._fresh((size,), scope | _bound(left), b)
        right = self.entry(b, (j, *indices[outer:]), scope | {j.name})
        return Reduce("sum", Op("*", (_renamed(left, {later: j}), right)), (j,))

    def _by_blocks(self, a: Tree, b: Tree, sizes: Axes, indices: Indices, scope: Scope) -> Tree:
        outer, start, found = len(axes_of(a, self.axes)) - 1, S.Zero, list[Tree]()
        for size in sizes:
            (j,) = self.letters.take_all((size,), scope | _bound(a) | _bound(b))
            inside = scope | {j.name}
            left = self.entry(a, (*indices[:outer], j + start), inside)
            right = self.entry(b, (j + start, *indices[outer:]), inside)
            found.append(Reduce("sum", Op("*", (left, right)), (j,)))
            start = expand(start + size)
        return reduce(lambda one, other: Op("+", (one, other)), found)

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


def _bounds(ends: list[Tree]) -> list[tuple[Any, Any]]:
    """Where a part begins and where it ends, along each axis."""
    values = [end.value for end in ends if isinstance(end, Size)]
    return list(zip(values[::2], values[1::2], strict=True))


def _blocks(a: Tree, b: Tree, axes: Mapping[str, Axes]) -> Axes:
    """The sizes of the parts of a matrix product, where the axis that it sums over was put together; of no parts else."""
    for side, contracted in ((b, True), (a, len(axes_of(a, axes)) == 1)):
        if contracted and isinstance(side, Op) and side.operator == "concat":
            return tuple(axes_of(part, axes)[0] for part in side.args)
    return ()


def _renamed(tree: Tree, names: Mapping[Any, Any]) -> Tree:
    return rebuilt(reindexed(tree, lambda term: term.xreplace(names)), lambda child: _renamed(child, names))


def _bound(tree: Tree) -> set[str]:
    """The letters that an expression binds itself."""
    return {index.name for part in subtrees(tree) if isinstance(part, Reduce) for index in part.indices}
