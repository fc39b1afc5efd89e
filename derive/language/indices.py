"""Index expressions: affine in indices and labels, and inside the axis they index.

`x[i]`, `x[o + k]`, `x[s*o + k]`, `x[t]`, `x[t[b]]`, `x[0]`, `x[n - 1 - i]`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Dummy, Integer, S, cancel, expand, fraction

from derive.calculus.terms import Index, Label, never_negative, reach
from derive.errors import nearest, said
from derive.graphs.tree import Compare, Tree
from derive.language.sizes import SizeSolver, named_size, unknown_sizes

if TYPE_CHECKING:
    from derive.language.infer import Inference

Scope = dict[str, Index]

_AFFINE = "An index is a letter, a label, an integer, or affine in these, whatever the data are: x[s*o + k]."
_PICK = "Give the axis enough entries, or pick the entry, 0 where there is none: sum(x[j] for j in n if j == …)."
_LABELS = "Declare {name}: label[…] if its entries are integers that pick entries."


@dataclass(frozen=True)
class Affine:
    """Σ slope·index + offset; slopes and offset are polynomials in sizes, an index is an `Index` or a `Label`."""

    slopes: tuple[tuple[Any, Any], ...] = ()
    offset: Any = S.Zero

    @property
    def term(self) -> Any:
        """The index as a SymPy term."""
        return sum((slope * index for index, slope in self.slopes), self.offset)

    @property
    def bare(self) -> Any:
        """The one index that this is, if it is no more than that."""
        return self.slopes[0][0] if len(self.slopes) == 1 and self.slopes[0][1] == 1 and self.offset == 0 else None

    def plus(self, other: Affine, sign: int = 1) -> Affine:
        """The sum with another; with sign -1 the difference."""
        slopes = dict(self.slopes)
        for index, slope in other.slopes:
            slopes[index] = expand(slopes.get(index, Integer(0)) + sign * slope)
        return Affine(tuple((i, s) for i, s in slopes.items() if s != 0), expand(self.offset + sign * other.offset))

    def times(self, factor: Any) -> Affine:
        """The index with all slopes and the offset times a factor."""
        return Affine(tuple((i, expand(s * factor)) for i, s in self.slopes), expand(self.offset * factor))


def is_index(reader: Inference, node: ast.expr, scope: Scope) -> bool | None:
    """Whether an expression is an index (or a label) plus sizes and integers; None if it has sizes and integers only."""
    match node:
        case ast.Constant(value=value):
            return None if type(value) is int else False
        case ast.Name(id=name):
            if name in scope or reader.is_label(name, 0):
                return True
            return None if name in reader.axes and name not in reader.members else False
        case ast.Subscript(value=ast.Name(id=name)):
            return reader.is_label(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return is_index(reader, operand, scope)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
            sides = is_index(reader, left, scope), is_index(reader, right, scope)
            return False if False in sides else True if True in sides else None
    return False


def read_index(reader: Inference, node: ast.expr, scope: Scope) -> Affine:
    """The index that an expression in brackets stands for."""
    match node:
        case ast.Constant(value=value) if type(value) is int:
            return Affine(offset=Integer(value))
        case ast.Name(id=name):
            return _named(reader, node, scope)
        case ast.Subscript(value=ast.Name(id=name)) if reader.is_label(name):
            member = reader.member(name, node)
            indices = reader.entry_indices(node, member.axes, scope)
            return Affine(((member.label(indices), Integer(1)),))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return read_index(reader, operand, scope).times(-1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return read_index(reader, left, scope).plus(read_index(reader, right, scope))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return read_index(reader, left, scope).plus(read_index(reader, right, scope), -1)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            one, other = read_index(reader, left, scope), read_index(reader, right, scope)
            if one.slopes and other.slopes:
                raise reader.error("An index cannot be a product of indices.", node, "An index is affine: x[s*o + k].")
            product = other.times(one.offset) if other.slopes else one.times(other.offset)
            for size in (product.offset, *(slope for _, slope in product.slopes)):
                reader.polynomial(size, node)
            return product
        case ast.Slice():
            raise reader.error("There are no slices.", node, "Write an index for every axis: sum(x[i] for i in n).")
        case ast.Call(func=ast.Name(id="argmax")):
            raise reader.error("An argmax needs a name to be an index.", node, "Write k = argmax(z), and then x[k].")
        case ast.Subscript(value=ast.Name(id=name)) if name in reader.members:
            raise reader.error(said("{name} holds numbers, not labels.", name=name), node, said(_LABELS, name=name))
    raise reader.error(said("`{written}` cannot be an index.", written=reader.source.written(node)), node, _AFFINE)


def _named(reader: Inference, node: ast.Name, scope: Scope) -> Affine:
    name = node.id
    if name in scope:
        return Affine(((scope[name], Integer(1)),))
    if reader.is_label(name):
        member = reader.member(name, node)
        if member.axes:
            letters = ", ".join("bijk"[: len(member.axes)])
            raise reader.error(
                said("{name} holds several labels.", name=name),
                node,
                said("Write which one: {name}[{letters}].", name=name, letters=letters),
            )
        return Affine(((member.label(()), Integer(1)),))
    if name in reader.axes and name not in reader.members:
        reader.mentioned.add(name)
        return Affine(offset=named_size(name))
    if name in reader.members:
        what = said("a tensor") if reader.members[name].axes else said("a number")
        hint = said("Declare {name}: label[C] if it picks an entry, {name}: size if it is a stride or an offset.", name=name)
        raise reader.error(
            said("{name} is {what}, not an index.", name=name, what=what),
            node,
            hint if what == "a number" else said(_LABELS, name=name),
        )
    hint = nearest(name, [*scope, *(n for n in reader.members if reader.is_label(n))]) if len(name) > 1 else ""
    hint = hint or said(
        "Write it left of =, sum over it (sum(… for {name} in n)), or declare {name}: label[n] or {name}: size.", name=name
    )
    raise reader.error(said("The index {name} is not known here.", name=name), node, hint)


def bounds(condition: Compare, holds: bool = True) -> tuple[Any, ...]:
    """What is at least 0 where a condition on indices holds, or does not."""
    if isinstance(condition.left, Tree):
        return ()
    gap = condition.right - condition.left
    if condition.operator == "==" and holds:
        return gap, -gap
    if condition.operator == ("!=" if holds else "=="):  # i ≠ 0 is i ≥ 1
        return tuple(end - 1 for end in (gap, -gap) if (ends := reach(end)) and never_negative(ends[0]))
    least = {"<": gap - 1, "<=": gap, ">": -gap - 1, ">=": -gap}.get(condition.operator)
    return () if least is None else (least,) if holds else (-least - 1,)


def check_inside(reader: Inference, index: Affine, size: Any, node: ast.expr, given: tuple[Any, ...] = ()) -> None:
    """Raise unless 0 ≤ index < size for all sizes, or where what is `given` is at least 0; an unknown axis of an index becomes as
    long as fits, here and wherever else the index stands.
    """
    sizes = reader.sizes
    if given and _guarded(reader, index, size, node, given):
        return
    unknown = {atom.size for atom, _ in index.slopes if isinstance(atom.size, Dummy) and atom.size not in sizes.found}
    low, high = _ends(reader, index, node)
    if sizes.unify(high, size - 1) is None or sizes.unify(low, S.Zero) is None:
        raise reader.error("The axes of these indices cannot be told.", node, "Name them where they are bound: for o in O.")
    sizes.fitted |= unknown & sizes.found.keys()
    if not _inside(sizes, low, high, size):
        for atom, slope in index.slopes:
            room = expand(sizes.size(size - 1) - sizes.size(high)) if never_negative(sizes.size(slope)) else sizes.size(low)
            shorter = cancel(sizes.size(atom.size) + room / abs(sizes.size(slope)))
            if isinstance(atom.size, Dummy) and fraction(shorter)[1] == 1 and sizes.shorten(atom.size, expand(shorter)):
                break
        low, high = _ends(reader, index, node)
    if not _inside(sizes, low, high, size):
        low, high, last = sizes.size(low), sizes.size(high), sizes.size(size - 1)
        raise reader.error(
            said(
                "This index may leave its axis: it goes from {low} to {high}, and the axis from 0 to {last}.",
                low=low,
                high=high,
                last=last,
            ),
            node,
            _entry_instead(index, size, sizes),
        )


def _entry_instead(index: Affine, size: Any, sizes: SizeSolver) -> str:
    """What to do where an index may leave its axis; of one entry it is known whether the axis may have it at all."""
    if index.slopes:
        return _PICK
    last = expand(sizes.size(size) - 1)
    if never_negative(-1 - index.offset) or never_negative(expand(index.offset - last - 1)):
        return said("Entries count from 0: the last one is x[{last}].", last=last)
    if index.offset.is_Integer:
        return said("Declare an axis that has this entry for certain: x: [{count}], or x: [n + {count}].", count=index.offset + 1)
    return _PICK


def within(reader: Inference, index: Affine, size: Any) -> bool:
    """Whether an index by itself, over an axis named where it is bound, stays inside an axis that is another for certain."""
    own, other = index.bare.size, reader.sizes.size(size)
    if own == other or unknown_sizes(own) or unknown_sizes(other):
        return False
    gaps = (expand(other - 1 - index.term - least) for least in reader.given)
    return never_negative(expand(other - own)) or any(not g.has(Index, Label) and never_negative(g) for g in gaps)


def _guarded(reader: Inference, index: Affine, size: Any, node: ast.expr, given: tuple[Any, ...]) -> bool:
    """Whether the conditions around keep an index inside its axis, at an end at which its own range does not."""

    def kept(room: Any, end: Any) -> bool:
        gaps = (reach(reader.sizes.size(room - least)) for least in given)
        return never_negative(reader.sizes.size(end)) or any(gap is not None and never_negative(gap[0]) for gap in gaps)

    low, high = _ends(reader, index, node)
    return kept(index.term, low) and kept(size - 1 - index.term, expand(size - 1 - high))


def _ends(reader: Inference, index: Affine, node: ast.expr) -> tuple[Any, Any]:
    """The least and the largest value of an index."""
    sizes = reader.sizes
    low = high = sizes.size(index.offset)
    for atom, slope in index.slopes:
        reach = expand(sizes.size(slope) * (sizes.size(atom.size) - 1))
        if never_negative(sizes.size(slope)):
            high = high + reach
        elif never_negative(-sizes.size(slope)):
            low = low + reach
        else:
            raise reader.error("The sign of a factor in this index is not known.", node)
    return expand(low), expand(high)


def _inside(sizes: SizeSolver, low: Any, high: Any, size: Any) -> bool:
    return never_negative(sizes.size(low)) and never_negative(expand(sizes.size(size - 1) - sizes.size(high)))
