"""Calls of functions of a matrix as a whole: what is a formula of others is written out, as logdet(A) is log(abs(det(A)))."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.errors import said
from derive.graphs.tree import Call, Number, Op, Reduce, Ref, Size, Tree
from derive.language.draft import Typed
from derive.language.expand import named_part
from derive.language.indices import Scope

if TYPE_CHECKING:
    from derive.language.infer import Inference

Axes = tuple[object, ...]


@dataclass(frozen=True)
class _Row:
    """A function of matrices: what it is in the tree, and the axes of that.

    The first argument is a `square` matrix; of an `opaque` function it is a tensor, for which a formula is given a name.
    """

    make: Callable[..., Tree]
    opaque: bool = False
    square: bool = True
    arguments: int = 1
    axes: Callable[[Axes, Axes], Axes] = lambda first, last: ()


def _norm(body: Tree) -> Tree:
    squares = Op("**", (body, Number(Fraction(2), "2")))
    return Call("sqrt", (Reduce("sum", squares),))


def _solve(matrix: Tree, right: Tree) -> Tree:
    return Op("@", (Call("inv", (matrix,)), right))


def _logdet(matrix: Tree) -> Tree:
    return Call("log", (Call("abs", (Reduce("det", matrix),)),))


_ROWS: Mapping[str, _Row] = {
    "inv": _Row(lambda matrix: Call("inv", (matrix,)), opaque=True, axes=lambda first, last: first),
    "det": _Row(lambda matrix: Reduce("det", matrix), opaque=True),
    "logdet": _Row(_logdet, opaque=True),
    "trace": _Row(lambda matrix: Reduce("trace", matrix)),
    "norm": _Row(_norm, square=False),
    "solve": _Row(_solve, opaque=True, arguments=2, axes=lambda first, last: last),
}


def matrix_call(reader: Inference, node: ast.Call, name: str, scope: Scope) -> Typed:
    """A call of a function of a matrix, typed.  Raises DeriveError where its argument is none, or not square."""
    if name == "eye":
        return _identity(reader, node)
    row = _ROWS[name]
    if len(node.args) != row.arguments:
        given = len(node.args)
        pattern = "{name} takes 1 argument, and {given} are given." if row.arguments == 1 else _MANY
        hint = said("Write {name}({inputs}).", name=name, inputs="A, b" if row.arguments == 2 else "A")
        raise reader.error(said(pattern, name=name, count=row.arguments, given=given), node, hint)
    args = [reader.expression(arg, scope) for arg in node.args]
    _check(reader, node, name, row, args)
    surface = Call(name, tuple(a.surface for a in args))
    if row.opaque:
        args[0] = _whole(reader, node, args[0], scope)
    plain = row.make(*(a.plain for a in args))
    return Typed(surface, plain, row.axes(args[0].axes, args[-1].axes))


def _identity(reader: Inference, node: ast.Call) -> Typed:
    """`eye(n)`, the identity with n rows."""
    if len(node.args) != 1:
        given = said("{name} takes 1 argument, and {given} are given.", name="eye", given=len(node.args))
        raise reader.error(given, node, "Write the identity as eye(n).")
    size = reader.axis(node.args[0])
    tree = Op("eye", (Size(size),))
    return Typed(tree, tree, (size, size))


_MANY = "{name} takes {count} arguments, and {given} are given."


def _check(reader: Inference, node: ast.Call, name: str, row: _Row, args: list[Typed]) -> None:
    """Raise where an argument has not the axes that a function takes."""
    for typed, at, ranks in zip(args, node.args, ((2,) if row.square else (1, 2), (1, 2)), strict=False):
        if len(typed.axes) not in ranks:
            pattern = (
                "{name} takes a matrix, and `{written}` is {what}."
                if ranks == (2,)
                else "{name} takes a vector or a matrix, and `{written}` is {what}."
            )
            count = len(typed.axes)
            what = said("a tensor with {count} axes", count=count) if count > 1 else said("a vector" if count else "a number")
            raise reader.error(said(pattern, name=name, written=reader.source.written(at), what=what), at)
    if row.square:
        rows, columns = args[0].axes
        reader.met(rows, columns, node, said("{name} takes a square matrix.", name=name))
    if row.arguments == 2:
        reader.met(args[0].axes[0], args[1].axes[0], node)


def _whole(reader: Inference, node: ast.Call, typed: Typed, scope: Scope) -> Typed:
    """A matrix as a tensor with a name, or its transpose."""
    match typed.plain:
        case Ref() | Op("T", (Ref(),)):
            return typed
        case Op("T", (inner,)):
            part = named_part(reader, node, Typed(inner, inner, typed.axes[::-1]), scope, "M")
            return Typed(typed.surface, Op("T", (part.plain,)), typed.axes)
    return named_part(reader, node, typed, scope, "M")
