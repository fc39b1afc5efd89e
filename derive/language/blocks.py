"""Entries that stand beside each other: `x[2:]`, `x[:k]`, `x[1:] - x[:-1]`, and `concat(x, h)`, whose axes are sums.

Neither copies anything: an entry of a part is an entry of the whole, at an index that is moved, and an entry of what was put
together is one of the part into which the index falls.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from sympy import Add, Integer, expand

from derive.calculus.terms import never_negative
from derive.errors import said
from derive.graphs.tree import Op, Ref, Size, Tree, subtrees
from derive.language.draft import Member, Typed
from derive.language.indices import read_index
from derive.language.sizes import unknown_sizes

if TYPE_CHECKING:
    from derive.language.indices import Scope
    from derive.language.infer import Inference


def whole(surface: Tree) -> Tree | None:
    """A formula in tensor notation, if it is of whole tensors; one of a part of one is written with indices only, and so is
    an identity beside which nothing shows its size.
    """
    parts = [tree for tree in subtrees(surface) if isinstance(tree, Op)]
    if any(tree.operator == "part" for tree in parts):
        return None
    beside = [[*subtrees(tree)] for tree in parts if tree.operator in ("+", "-", "@")]
    sized = [tree for inner in beside if any(isinstance(t, Ref) for t in inner) for tree in inner]
    return surface if all(tree in sized for tree in parts if tree.operator == "eye") else None


def sliced(reader: Inference, node: ast.Subscript, member: Member, scope: Scope) -> Typed:
    """`x[a:b]`, the entries from a on and before b, `X[i, a:b]` those of a row, `X[i]` a row; `x[-1:]` begins at the last one."""
    written = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    first = next((k for k, part in enumerate(written) if isinstance(part, ast.Slice)), len(written))
    if late := next((part for part in written[first:] if not isinstance(part, ast.Slice)), None):
        raise reader.error("An index behind a slice is not read.", late, "Write the indices: y[i] = X[i, j].")
    if len(written) > len(member.axes):
        reader.entry_indices(node, member.axes, scope)  # which says how many axes there are
    sizes = [reader.sizes.size(size) for size in member.axes]
    fixed = ast.copy_location(ast.Subscript(node.value, ast.Tuple(written[:first])), node)
    indices = reader.entry_indices(fixed, member.axes[:first], scope) if first else ()
    ends = list[Any]()
    for size, part in zip(sizes[first:], [*written[first:], *[None] * (len(sizes) - len(written))], strict=True):
        ends += _ends(reader, part, size, node, scope) if isinstance(part, ast.Slice) else (Integer(0), size)
    axes = tuple(expand(stop - start) for start, stop in zip(ends[::2], ends[1::2], strict=True))
    tree = Op("part", (Ref(member.name, indices), *map(Size, ends)))
    return Typed(tree, tree, axes)


def _ends(reader: Inference, part: ast.Slice, size: Any, node: ast.expr, scope: Scope) -> tuple[Any, Any]:
    """Where a slice of an axis begins and ends.  Raises DeriveError where that may be outside, or nothing is left."""
    if part.step is not None:
        raise reader.error("A slice has no step.", node, "Write the indices: y[i] = x[2*i].")
    if unknown_sizes(size):
        raise reader.error("The axis of this slice is not known.", node, "Declare the axes of the tensor.")
    start, stop = (
        default if bound is None else _bound(reader, bound, size, scope)
        for bound, default in ((part.lower, Integer(0)), (part.upper, size))
    )
    length = expand(stop - start)
    if not (never_negative(start) and never_negative(expand(size - stop))) or never_negative(-length):
        message = said(
            "This slice may leave its axis: it goes from {low} to {high}, and the axis from 0 to {last}.",
            low=start,
            high=expand(stop - 1),
            last=expand(size - 1),
        )
        raise reader.error(message, node, "Declare an axis that is a sum, x: [n + m], of which x[:n] and x[n:] are parts.")
    return start, stop


def _bound(reader: Inference, node: ast.expr, size: Any, scope: Scope) -> Any:
    index = read_index(reader, node, scope)
    if index.slopes:
        raise reader.error("A slice goes from a size to a size.", node, "Write the entry: y[i] = x[i + k].")
    return expand(size + index.offset) if never_negative(-1 - index.offset) else index.offset


def concatenated(reader: Inference, node: ast.Call, scope: Scope) -> Typed:
    """`concat(x, h)`: one tensor behind another, along the first axis."""
    args = [reader.expression(arg, scope) for arg in node.args]
    if len(args) < 2:
        raise reader.error("A concat is of two tensors or more.", node, "Write concat(x, h).")
    for at, arg in zip(node.args, args, strict=True):
        if len(arg.axes) != len(args[0].axes) or not arg.axes:
            written = reader.source.written(at)
            message = said(
                "`{written}` has {count} axes here, and the others have {other}.",
                written=written,
                count=len(arg.axes),
                other=len(args[0].axes),
            )
            if not arg.axes:
                message = said("`{written}` is a number, and a concat is of tensors.", written=written)
            raise reader.error(message, at)
        for mine, other in zip(args[0].axes[1:], arg.axes[1:], strict=True):
            reader.met(mine, other, node, "A concat is along the first axis.")
    sizes = [reader.sizes.size(arg.axes[0]) for arg in args]
    if any(map(unknown_sizes, sizes)):
        raise reader.error("The axis of this slice is not known.", node, "Declare the axes of the tensor.")
    axes = (expand(Add(*sizes)), *args[0].axes[1:])
    return Typed(Op("concat", tuple(a.surface for a in args)), Op("concat", tuple(a.plain for a in args)), axes)
