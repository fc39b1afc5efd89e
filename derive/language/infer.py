"""Python's tree → ours, with axes.  Every axis of every expression is found by unification, every mistake pointed at.

Elementwise operators take operands of equal axes, a scalar with anything, or a tensor whose axes are the last axes of
the other operand.  Whatever else is meant has to be written with indices.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from sympy import Add, Integer, expand, pi

from derive.calculus.terms import Index, never_negative
from derive.errors import DeriveError, nearest, said
from derive.graphs.tree import Call, Compare, Op, Reduce, Ref, Size, Tree, children, rebuilt, subtrees
from derive.language import library
from derive.language.blocks import sliced
from derive.language.calls import call
from derive.language.draft import Draft, Member, Typed
from derive.language.elaborate import axes_of
from derive.language.expand import named_part
from derive.language.indices import Affine, Scope, bounds, check_inside, is_index, read_index, within
from derive.language.numbers import read_number
from derive.language.parse import Source, checked_name
from derive.language.refusals import refusal
from derive.language.sizes import SizeSolver, named_size, unknown_sizes
from derive.language.words import FUNCTIONS, MATRICES, NO_NUMBERS, REDUCTIONS

MAX_POWER = 99
MAX_ENTRIES = 10**6
MAX_TERMS = 20
_OPERATORS: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class Inference:
    """The state of reading one text: what has a name, and what is known of sizes."""

    def __init__(self, source: Source, name: str = "") -> None:
        self.source = source
        self.name = name
        self.sizes = SizeSolver()
        self.axes: set[str] = set()
        self.members: dict[str, Member] = {}
        self.declared: dict[str, int] = {}
        """The line in which each name is declared."""
        self.promised: dict[str, tuple[Any, ...]] = {}
        """The axes that a declaration gives to a name that is defined."""
        self.later: dict[str, int] = {}
        """Names that are still to be defined, with their lines."""
        self.letters: set[str] = set()
        """Every letter that is an index somewhere in the text."""
        self.taken: set[str] = set()
        """Every name in the text, and those of inner nodes."""
        self.mentioned: set[str] = set()
        self.drafts: list[Draft] = []
        self.shared: dict[Any, Typed] = {}
        """Library calls already brought in, by what they are called with."""
        self.pending: list[tuple[Affine, Any, ast.expr, tuple[Any, ...]]] = []
        self.given: tuple[Any, ...] = ()
        """What is at least 0 by the conditions around, of indices and sizes."""
        self.beside: dict[str, Any] = {}
        """The axis of the first index that each letter is compared with."""

    def error(self, message: str, node: ast.AST, hint: str = "") -> DeriveError:
        """What is wrong with this node of the text."""
        return self.source.error(message, node, hint)

    # ------------------------------------------------------------ names

    def is_label(self, name: str, rank: int | None = None) -> bool:
        """Whether a tensor holds labels, and has so many axes if `rank` says."""
        member = self.members.get(name)
        return member is not None and member.kind == "label" and rank in (None, len(member.axes))

    def member(self, name: str, node: ast.expr) -> Member:
        """The tensor with this name; an unknown name is a scalar input, unless that is surely a mistake."""
        self.mentioned.add(name)
        if name in self.members:
            return self.members[name]
        if name in self.later:
            line, here = self.later[name], name == next(iter(self.later))
            raise self.error(
                said("{name} is defined by itself.", name=name)
                if here
                else said("{name} is used before it is defined (in line {line}).", name=name, line=line),
                node,
                "Nothing can be defined by what comes after it; for a recurrence, name each step: h1, h2, …",
            )
        if name in REDUCTIONS or name in FUNCTIONS or name in MATRICES or (library.known(name) and len(name) > 2):
            raise self.error(
                said("{name} is a function.", name=name), node, said("Write what it is applied to: {name}(x).", name=name)
            )
        if name.lower() in NO_NUMBERS:
            hint = "To leave entries out, as a mask does, write a condition: sum(x[j] for j in n if j <= i)."
            raise self.error(said("{name} is not a number of the language.", name=name), node, hint)
        if name == "e":
            raise self.error(
                "The name e is not declared, and the number e is no word of the language.",
                node,
                "Write exp(x) for a power of the number e; or declare a name: e: real.",
            )
        if name in self.letters:
            raise self.error(
                said("The index {name} is used outside the sum or the definition that it belongs to.", name=name), node
            )
        if isinstance(node, ast.Name):
            checked_name(self.source, node)
        self.members[name] = Member(name)
        return self.members[name]

    def bound(self, node: ast.expr, scope: Scope, size: Any) -> Index:
        """A new index with the letter that the author gives it."""
        if not isinstance(node, ast.Name):
            hint = "Write a for each index: sum(… for i in m for j in n)." if isinstance(node, ast.Tuple) else ""
            raise self.error("An index is a letter.", node, hint)
        letter = checked_name(self.source, node)
        if letter in scope:
            raise self.error(said("The index {letter} is in use already.", letter=letter), node, "Choose another letter.")
        if letter in self.members or letter in self.later:
            raise self.error(
                said("{letter} names a tensor and cannot be an index too.", letter=letter), node, "Choose another letter."
            )
        if letter in self.axes:
            raise self.error(
                said("{letter} names an axis and cannot be an index too.", letter=letter), node, "Choose another letter."
            )
        return Index(letter, size)

    # ------------------------------------------------------------ axes

    def axis(self, node: ast.expr, declaring: bool = False) -> Any:
        """The size that an axis expression stands for; in a declaration, new names are new axes."""
        size = self._size(node, declaring)
        if size.is_Integer and not 1 <= size <= MAX_ENTRIES:
            raise self.error(said("An axis has between one entry and {max_entries:,}.", max_entries=MAX_ENTRIES), node)
        return size

    def _size(self, node: ast.expr, declaring: bool) -> Any:
        match node:
            case ast.Constant(value=value) if type(value) is int:
                return Integer(value)
            case ast.Name(id=name):
                self.mentioned.add(name)
                if declaring:
                    self.axes.add(checked_name(self.source, node))
                elif name not in self.axes:
                    raise self._no_axis(node)
                return named_size(name)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as operator, right=right):
                one, other = self._size(left, declaring), self._size(right, declaring)
                if isinstance(operator, ast.Mult):
                    return self.polynomial(one * other, node)
                return self.polynomial(one + other if isinstance(operator, ast.Add) else one - other, node)
        what = "An axis is a name, an integer, or a sum or product of these: [n], [3], [O + K - 1]."
        hint = "Write the axis itself: for i in n." if isinstance(node, ast.Call) else ""
        raise self.error(what, node, hint)

    def polynomial(self, size: Any, node: ast.expr) -> Any:
        """A size multiplied out.  Raises if it has too many terms for anyone to mean it."""
        size = expand(size)
        if len(Add.make_args(size)) > MAX_TERMS:
            raise self.error(
                "This is too complicated for a size.", node, said("It has more than {max_terms} terms.", max_terms=MAX_TERMS)
            )
        return size

    def _no_axis(self, node: ast.Name) -> DeriveError:
        name = node.id
        if name in self.members and self.members[name].axes:
            axes = ", ".join(map(str, self.members[name].axes))
            return self.error(
                said("{name} is a tensor, not an axis.", name=name), node, said("Its axes are [{axes}].", axes=axes)
            )
        listed = said("Axes are {names}.", names=", ".join(sorted(self.axes))) if self.axes else "Declare one: x: [n]."
        return self.error(said("There is no axis {name}.", name=name), node, nearest(name, self.axes) or listed)

    def met(self, a: Any, b: Any, node: ast.expr, hint: str = "") -> None:
        """Two axes that meet in an expression are one axis; raise if they cannot be."""
        if not self.sizes.unify(a, b):
            one, other = self.sizes.size(a), self.sizes.size(b)
            message = said(
                "`{written}`: the axis of size {one} meets the axis of size {other}.",
                written=self.source.written(node),
                one=one,
                other=other,
            )
            raise self.error(message, node, hint)

    def broadcast(self, node: ast.expr, args: Iterable[Typed]) -> tuple[Any, ...]:
        """The axes of an elementwise expression."""
        shapes = sorted((a.axes for a in args), key=len, reverse=True)
        for shape in shapes[1:]:
            for mine, other in zip(shapes[0][len(shapes[0]) - len(shape) :], shape, strict=True):
                hint = "Only the last axes are matched; write the indices: name[i, j] = …" if len(shape) < len(shapes[0]) else ""
                hint = self._product_meant(node) or hint
                self.met(mine, other, node, hint)
        return shapes[0] if shapes else ()

    def _product_meant(self, node: ast.AST) -> str:
        """A hint, where a matrix is multiplied by a vector entry by entry in a formula whose axes do not agree."""
        for part in ast.walk(node):
            match part:
                case ast.BinOp(left=ast.Name(id=left), op=ast.Mult(), right=ast.Name(id=right)):
                    ranks = [len(self.members[name].axes) if name in self.members else 0 for name in (left, right)]
                    if ranks in ([2, 1], [1, 2]):
                        return said("{left}*{right} multiplies entry by entry; the product of matrices is {left} @ {right}.",
                                    left=left, right=right)  # fmt: skip
        return ""

    def without_indices(self, node: ast.expr, scope: Scope) -> tuple[ast.expr, str]:
        """The part of a formula of one entry that has axes still, and a hint: what its entry is called."""
        part = node
        while isinstance(part, ast.BinOp | ast.UnaryOp | ast.Call) and not isinstance(getattr(part, "op", None), ast.MatMult):
            below = [p for p in ast.iter_child_nodes(part) if isinstance(p, ast.expr) and not _is_name_of(part, p)]
            deeper = next((p for p in below if not isinstance(p, ast.GeneratorExp) and self.expression(p, scope).axes), None)
            if deeper is None or (isinstance(part, ast.Call) and len(below) > 1):
                break
            part = deeper
        typed = self.expression(part, scope)
        busy = {*self.members, *self.later, *self.axes, *(n.id for n in ast.walk(part) if isinstance(n, ast.Name))}
        axes = [self.sizes.size(axis) for axis in typed.axes]
        free = [k for k, index in scope.items() if k not in busy and self.sizes.size(index.size) in axes]
        letters = [*free, *(k for k in "ijklpqrsuvw" if k not in busy and k not in scope)][: len(axes)]
        if isinstance(part, ast.Name) and part.id == "pi":
            return part, "The tensor pi is meant here, and then the number π has no name: call the tensor w."
        written = self.source.written(part)
        if isinstance(part, ast.Subscript):
            return part, said("Write its entry, {entry}.", entry=f"{written[:-1].rstrip()}, {', '.join(letters)}]")
        simple = isinstance(part, ast.Name | ast.Call)
        return part, said("Write its entry, {entry}.", entry=f"{written if simple else f'({written})'}[{', '.join(letters)}]")

    def undeclared(self, node: ast.AST) -> str:
        """The first name in a formula that nothing declares or defines, and that so is a number; empty where there is none."""
        names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
        return next((n for n in names if n in self.members and not self.members[n].defined and n not in self.declared), "")

    def elementwise(self, node: ast.expr, make: Callable[[tuple[Tree, ...]], Tree], args: list[Typed]) -> Typed:
        """A function applied entry by entry to arguments that are broadcast."""
        axes = self.broadcast(node, args)
        return Typed(make(tuple(a.surface for a in args)), make(tuple(a.plain for a in args)), axes)

    # ------------------------------------------------------------ expressions

    def expression(self, node: ast.expr, scope: Scope) -> Typed:
        """The formula of a node, with its axes.  Raises DeriveError, pointing at what cannot be read."""
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                return self._literal(node)
            case ast.Name():
                return self._name(node, scope)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.elementwise(node, lambda args: Op("neg", args), [self.expression(operand, scope)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand, scope)
            case ast.BinOp(op=ast.MatMult()):
                return self._product(node, scope)
            case ast.BinOp(op=ast.Pow()):
                return self._power(node, scope)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                sign = _OPERATORS[type(operator)]
                sides = [self.expression(left, scope), self.expression(right, scope)]
                self._no_identity(node, sides)
                return self.elementwise(node, lambda args: Op(sign, args), sides)
            case ast.Attribute(attr="T"):
                return self._transposed(node, scope)
            case ast.Subscript(value=ast.Name(id=name)):
                return self._entry(node, name, scope)
            case ast.Subscript(value=ast.BinOp() | ast.UnaryOp() | ast.Call() | ast.Attribute(attr="T")):
                return self._entry_of_formula(node, scope)
            case ast.Call():
                return call(self, node, scope)
        raise refusal(self.source, node)

    def _literal(self, node: ast.Constant) -> Typed:
        try:
            number = read_number(self.source.written(node))
        except ValueError as error:
            raise self.error(error.args[0], node) from None
        return Typed(number, number)

    def _name(self, node: ast.Name, scope: Scope) -> Typed:
        name = node.id
        known = name in self.members or name in self.later
        value = scope.get(name)
        if value is None and not known:
            value = named_size(name) if name in self.axes else pi if name in ("pi", "π") else None
        if value is not None:
            self.mentioned.add(name)
            return Typed(Size(value), Size(value))
        member = self.member(name, node)
        return Typed(Ref(name), Ref(name), member.axes)

    def _entry(self, node: ast.Subscript, name: str, scope: Scope) -> Typed:
        if name in scope or (name in self.axes and name not in self.members):
            raise self.error(
                said(
                    "{name} is {what} and has no entries.", name=name, what=said("an index") if name in scope else said("an axis")
                ),
                node,
            )
        if name not in self.members and name not in self.later:
            count = len(node.slice.elts) if isinstance(node.slice, ast.Tuple) else 1
            letters = ", ".join("mnkl"[:count]) if count < 5 else "m, n, …"
            hint = nearest(name, self.members) or said("Declare its axes: {name}: [{letters}].", name=name, letters=letters)
            raise self.error(said("The tensor {name} is not known here.", name=name), node.value, hint)
        member = self.member(name, node.value)
        written = _written(node)
        whole_axes = len(written) < len(member.axes) and member.kind != "label"  # K[t] is K[t, :]
        if whole_axes or any(isinstance(part, ast.Slice) for part in written):
            return sliced(self, node, member, scope)
        reference = Ref(name, self.entry_indices(node, member.axes, scope))
        return Typed(reference, reference)

    def _entry_of_formula(self, node: ast.Subscript, scope: Scope) -> Typed:
        """`softmax(z)[y]`, an entry of a formula, which is made a tensor with a name."""
        if any(isinstance(part, ast.Slice) for part in _written(node)):
            raise refusal(self.source, node)
        typed = self.expression(node.value, scope)
        indices = self.entry_indices(node, typed.axes, scope)
        entry = self._entry_at(node, typed.plain, indices, scope)
        return Typed(entry, entry)

    def _entry_at(self, node: ast.Subscript, tree: Tree, indices: tuple[Any, ...], scope: Scope) -> Tree:
        """An entry of a formula: log(A)[i, j] is log(A[i, j]); where it is not made of the entries at these indices, the formula
        becomes a tensor with a name.
        """
        known = {name: member.axes for name, member in self.members.items()}
        elementwise = isinstance(tree, Call) and tree.function not in MATRICES
        if isinstance(tree, Ref):
            return Ref(tree.name, (*tree.indices, *indices))
        if elementwise or (isinstance(tree, Op) and tree.operator in ("+", "-", "*", "/", "**", "neg")):
            ranks = {child: len(axes_of(child, known)) for child in children(tree)}
            return rebuilt(tree, lambda part: self._entry_at(node, part, indices[len(indices) - ranks[part] :], scope)
                           if ranks[part] else part)  # fmt: skip
        axes = axes_of(tree, known)
        part = named_part(self, node, Typed(tree, tree, axes), scope, "M" if len(axes) > 1 else "v").plain
        assert isinstance(part, Ref)
        return Ref(part.name, (*part.indices, *indices))

    def entry_indices(self, node: ast.Subscript, axes: tuple[Any, ...], scope: Scope) -> tuple[Any, ...]:
        """The indices in brackets, one for each axis."""
        written = _written(node)
        if len(written) != len(axes):
            name = self.source.written(node.value)
            listed = ", ".join(str(self.sizes.size(a)) for a in axes)
            shape = said("axes [{axes}]", axes=listed) if axes else said("no axes: it is a number")
            pattern = (
                "{name} has {shape}, and 1 index here." if len(written) == 1 else "{name} has {shape}, and {count} indices here."
            )
            hint = self._missing_indices(node, written, axes, scope)
            raise self.error(said(pattern, name=name, shape=shape, count=len(written)), node, hint)
        return tuple(self._index(node, part, size, scope) for part, size in zip(written, axes, strict=True))

    def _missing_indices(self, node: ast.Subscript, written: list[ast.expr], axes: tuple[Any, ...], scope: Scope) -> str:
        """A hint for X[0] of a matrix: which indices are missing, and what becomes of them."""
        sizes = axes[len(written) :]
        busy = {*scope, *self.members, *self.later, *self.axes, *self.letters}
        letters = [letter for letter in "ijklpqrsuvw" if letter not in busy][: len(sizes)]
        if not sizes or len(letters) < len(sizes) or any(unknown_sizes(self.sizes.size(size)) for size in sizes):
            return ""
        indices = [*map(self.source.written, written), *letters]
        return said(
            "Write an index for every axis, {entry}, and sum over it ({sums}) or write it left of =: y[{letters}] = … {entry} ….",
            entry=f"{self.source.written(node.value)}[{', '.join(indices)}]",
            sums=" ".join(f"for {j} in {self.sizes.size(size)}" for j, size in zip(letters, sizes, strict=True)),
            letters=", ".join(letters),
        )

    def _index(self, entry: ast.Subscript, node: ast.expr, size: Any, scope: Scope) -> Any:
        index = read_index(self, node, scope)
        if index.bare is None or within(self, index, size):
            self.pending.append((index, size, node, self.given))
        elif not self.sizes.unify(index.bare.size, size):
            raise self.error(
                said(
                    "`{written}`: the axis of size {size}, over which {index} runs, meets the axis of size {other}.",
                    written=self.source.written(entry),
                    size=self.sizes.size(index.bare.size),
                    index=self.source.written(node),
                    other=self.sizes.size(size),
                ),
                node,
            )
        return index.term

    @contextmanager
    def under(self, conditions: Iterable[Typed], holds: bool = True) -> Iterator[None]:
        """Read what stands under conditions, or under a condition that does not hold."""
        tests = [c.plain for c in conditions if isinstance(c.plain, Compare)]
        before, self.given = self.given, (*self.given, *(t for test in tests for t in bounds(test, holds)))
        try:
            yield
        finally:
            self.given = before

    def settle(self) -> None:
        """Check the affine indices of a definition, once its plain indices are known."""
        for index, size, node, given in self.pending:
            check_inside(self, index, size, node, given)
        self.pending.clear()

    # ------------------------------------------------------------ operators

    def _no_identity(self, node: ast.BinOp, sides: list[Typed]) -> None:
        """Raise where an I that nothing declares is added to a matrix: it would be a number, and the identity is meant."""
        if not isinstance(node.op, ast.Add | ast.Sub):
            return
        for side, typed, other in zip((node.left, node.right), sides, sides[::-1], strict=True):
            loose = (n for n in _loose_names(side) if n.id == "I" and n.id not in self.declared)
            if len(other.axes) == 2 and not typed.axes and (name := next(loose, None)) is not None:
                size = self.sizes.size(other.axes[0])
                hint = said("Write eye({size}) for the identity, or declare the number: I: real.", size=size)
                raise self.error("I is not declared, and a matrix stands beside it.", name, hint)

    def _two_powers(self, node: ast.expr, written: str) -> DeriveError:
        message = said("`{written}` is a square matrix, and this power could be a product of matrices.", written=written)
        hint = said("Write {matrices} for that, and {entries} for the power of each entry.", matrices=f"{written} @ {written}",
                    entries=f"{written}*{written}")  # fmt: skip
        return self.error(message, node, hint)

    def no_matrix_power(self, node: ast.expr, scope: Scope) -> None:
        """Raise for a power of a square matrix that stands where matrices are multiplied or are the result: `A**2` is A @ A in a
        book, and that of each entry under a function or a sum.
        """
        match node:
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(power))) if power > 1:
                if self.is_square(self.expression(base, scope)):
                    raise self._two_powers(node, self.source.written(base))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
                self.no_matrix_power(left, scope)
                self.no_matrix_power(right, scope)
            case ast.UnaryOp(operand=operand):
                self.no_matrix_power(operand, scope)

    def _product(self, node: ast.BinOp, scope: Scope) -> Typed:
        """`a @ b`: the last axis of a meets the first of b."""
        if (outside := self._numbers_outside(node, scope)) is not None:
            return self.expression(outside, scope)
        for side in (node.left, node.right):
            self.no_matrix_power(side, scope)
        row = isinstance(node.left, ast.Attribute) and node.left.attr == "T"
        a = self._transposed(node.left, scope, row=True) if row else self.expression(node.left, scope)
        column = not row and len(a.axes) == 1 and isinstance(node.right, ast.Attribute) and node.right.attr == "T"
        b = self._transposed(node.right, scope, row=True) if column else self.expression(node.right, scope)
        for side, typed in ((node.left, a), (node.right, b)):
            if not typed.axes:
                number = said(
                    "`{written}` is a number, and @ multiplies matrices and vectors.", written=self.source.written(side)
                )
                unknown = self.undeclared(side)
                letters = "m, n" if side is node.left else "n"
                axes = said("Declare its axes: {name}: [{letters}].", name=unknown, letters=letters)
                raise self.error(number, side, axes if unknown else "Write *.")
        if len(b.axes) > 2 or len(a.axes) > 3:
            raise self.error("The sign @ multiplies matrices and vectors.", node, "Write the indices: name[i, j] = sum(…).")
        sides = (a.surface, b.surface), (a.plain, b.plain)
        if column and len(b.axes) == 1:  # x @ y.T, the outer product
            return Typed(Op("@", sides[0]), Op("@", sides[1]), a.axes + b.axes)
        self.met(a.axes[-1], b.axes[0], node, self._turned(node, a, b))
        return Typed(Op("@", sides[0]), Op("@", sides[1]), a.axes[:-1] + b.axes[1:])

    def _numbers_outside(self, node: ast.BinOp, scope: Scope) -> ast.expr | None:
        """`-2*x.T @ A @ x/3` read as `-2*(x.T @ A @ x)/3`, though Python reads `(-2*x.T) @ A @ x/3`; None where no number stands
        beside a vector that is a row.
        """
        links, first = [node], node.left
        while isinstance(first, ast.BinOp) and isinstance(first.op, ast.MatMult):
            links.append(first)
            first = first.left
        row, numbers = _row_beside(first)
        if row is None or row is first or len(self.expression(row.value, scope).axes) != 1:
            return None
        if any(self.expression(number, scope).axes for number in numbers):
            return None
        product: ast.expr = row
        for link in reversed(links):
            product = ast.copy_location(ast.BinOp(product, ast.MatMult(), link.right), link)
            product.lineno, product.col_offset = row.lineno, row.col_offset
        return _with(first, row, product)

    def _turned(self, node: ast.BinOp, a: Typed, b: Typed) -> str:
        """A hint, where a transpose would make the axes agree."""
        left, right = self.source.written(node.left), self.source.written(node.right)
        if len(a.axes) == 2 and self.sizes.size(a.axes[0]) == self.sizes.size(b.axes[0]):
            return said("Did you mean {name}?", name=f"{left}.T @ {right}")
        if len(b.axes) == 2 and self.sizes.size(a.axes[-1]) == self.sizes.size(b.axes[1]):
            return said("Did you mean {name}?", name=f"{left} @ {right}.T")
        if len(a.axes) == len(b.axes) == 1:
            return said("For the outer product write {name}.", name=f"{left} @ {right}.T")
        return ""

    def _transposed(self, node: ast.expr, scope: Scope, row: bool = False) -> Typed:
        """`A.T`; of a vector only in `x.T @ …`, where it says nothing but is usual, and in `x @ y.T`."""
        assert isinstance(node, ast.Attribute)
        inner = self.expression(node.value, scope)
        if len(inner.axes) == 1 and not row:
            hint = "Write x.T @ y for the inner product, and x @ y.T for the outer product."
            raise self.error("A vector cannot be transposed here.", node, hint)
        if len(inner.axes) not in (1, 2):
            what = said("a number") if not inner.axes else said("a tensor with {count} axes", count=len(inner.axes))
            raise self.error(
                said(
                    "The sign .T transposes a matrix, and `{written}` is {what}.",
                    written=self.source.written(node.value),
                    what=what,
                ),
                node,
                said("Declare its axes: {name}: [{letters}].", name=unknown, letters="n")
                if (unknown := self.undeclared(node.value))
                else "",
            )
        return Typed(Op("T", (inner.surface,)), Op("T", (inner.plain,)), inner.axes[::-1])

    def _power(self, node: ast.BinOp, scope: Scope) -> Typed:
        if not _is_exponent(node.right) or _power_of(node) > MAX_POWER:
            hint = said(
                "An exponent is a number between -{max_power} and {max_power}, a name, or made of these, such as k - 1.",
                max_power=MAX_POWER,
            )
            raise self.error(
                said("`{written}` cannot be an exponent here.", written=self.source.written(node.right)), node.right, hint
            )
        sides = [self.expression(node.left, scope), self.expression(node.right, scope)]
        minus = isinstance(node.right, ast.UnaryOp) and isinstance(node.right.op, ast.USub)
        if minus and _literal_power(node.right) == 1 and self.is_square(sides[0]):
            written = self.source.written(node.left)
            raise self.error(
                said("`{written}` is a square matrix, and this power could be its inverse.", written=written),
                node,
                said("Write inv({written}) for the inverse, 1/{written} for one over each entry.", written=written),
            )
        power = self.elementwise(node, lambda args: Op("**", args), sides)
        match node.left, sides[0].plain:
            case ast.Call(func=ast.Name(id="norm")), Call("sqrt", (squares,)) if _literal_power(node.right) == 2:
                return Typed(power.surface, squares)  # ‖x‖² is a sum of squares, and smooth
        return power

    def is_square(self, typed: Typed) -> bool:
        """Whether a formula is a matrix whose two axes are known to be one."""
        sizes = [self.sizes.size(axis) for axis in typed.axes]
        return len(sizes) == 2 and sizes[0] == sizes[1]

    def comparison(self, node: ast.expr, scope: Scope) -> list[Typed]:
        """A comparison, of indices or of numbers; `a < b < c` is two."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return [part for value in node.values for part in self.comparison(value, scope)]
        if not isinstance(node, ast.Compare) or not all(type(op) in _COMPARISONS for op in node.ops):
            hint = "Write two terms for `or`." if isinstance(node, ast.BoolOp) else "A condition compares: i != t, j <= k, a > 0."
            raise self.error("This cannot be a condition.", node, hint)
        sides = [node.left, *node.comparators]
        return [
            self._compared(node, _COMPARISONS[type(operator)], left, right, scope)
            for operator, (left, right) in zip(node.ops, pairwise(sides), strict=True)
        ]

    def _compared(self, node: ast.expr, operator: str, left: ast.expr, right: ast.expr, scope: Scope) -> Typed:
        kinds = [is_index(self, side, scope) for side in (left, right)]
        if False not in kinds and (True in kinds or any(n.id in self.axes for side in (left, right) for n in _loose_names(side))):
            for side in (left, right):
                self.mentioned.update(n.id for n in ast.walk(side) if isinstance(n, ast.Name))
            a, b = (read_index(self, side, scope) for side in (left, right))
            compared = Compare(operator, a.term, b.term)
            self._meet(a.plus(b, -1))
            if a.bare is not None and b.bare is not None and operator in ("==", "!=") and not _nested(a.bare.size, b.bare.size):
                self.met(a.bare.size, b.bare.size, node)
            return Typed(compared, compared)
        self._unknown_size(left, right, scope)
        sides = [self.expression(side, scope) for side in (left, right)]
        parts = [part for side in sides for part in subtrees(side.plain)]
        summed = {index for p in parts if isinstance(p, Reduce) for index in p.indices}
        moving = any(isinstance(p, Size) and p.value.atoms(Index) - summed for p in parts)
        if moving and not any(isinstance(p, Ref) for p in parts):
            hint = "Compare sums of indices and sizes with whole factors: 2*i + 1 < n."
            raise self.error(
                said("`{written}` does more with an index than add and compare.", written=self.source.written(node)), node, hint
            )
        return self.elementwise(node, lambda args: Compare(operator, *args), sides)

    def _meet(self, gap: Affine) -> None:
        """Learn beside which axes the letters of a comparison stand."""
        indices = [i for i, _ in gap.slopes if isinstance(i, Index)]
        for index in indices:
            known = (i.size for i in indices if i != index and not unknown_sizes(self.sizes.size(i.size)))
            if (size := next(known, None)) is not None:
                self.beside.setdefault(index.name, size)

    def _unknown_size(self, left: ast.expr, right: ast.expr, scope: Scope) -> None:
        """Raise where an index is compared with a name that is not known: it could be an integer or any number."""
        loose = [n for side in (left, right) for n in _loose_names(side)]
        unknown = [n for n in loose if n.id not in scope and n.id not in self.axes and n.id not in self.members]
        if unknown and any(n.id in scope for n in loose):
            name = unknown[0].id
            hint = said("Declare it: {name}: size for an integer such as a stride, {name}: real for any number.", name=name)
            raise self.error(said("An index is compared with {name}, which is not known.", name=name), unknown[0], hint)


def _is_name_of(call_: ast.AST, part: ast.AST) -> bool:
    """Whether a part of a call is the name of its function."""
    return isinstance(call_, ast.Call) and part is call_.func


def _written(node: ast.Subscript) -> list[ast.expr]:
    """What stands in the brackets, one for each axis."""
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _row_beside(node: ast.expr) -> tuple[ast.Attribute | None, list[ast.expr]]:
    """The `x.T` in a product or a quotient with numbers, and what stands beside it."""
    match node:
        case ast.Attribute(attr="T"):
            return node, []
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _row_beside(operand)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=right):
            (one, numbers), (other, more) = _row_beside(left), _row_beside(right)
            if one is not None and other is None:
                return one, [*numbers, right]
            if other is not None and one is None and isinstance(node.op, ast.Mult):
                return other, [*more, left]
    return None, []


def _with(node: ast.expr, row: ast.expr, product: ast.expr) -> ast.expr:
    """A formula with a product in the place of its row."""
    if node is row:
        return product
    if isinstance(node, ast.UnaryOp):
        return ast.copy_location(ast.UnaryOp(node.op, _with(node.operand, row, product)), node)
    if isinstance(node, ast.BinOp):
        sides = (_with(side, row, product) for side in (node.left, node.right))
        return ast.copy_location(ast.BinOp(next(sides), node.op, next(sides)), node)
    return node


def _loose_names(node: ast.expr) -> Iterator[ast.Name]:
    """The names in a sum or a product, outside brackets of any kind."""
    if isinstance(node, ast.Name):
        yield node
    elif isinstance(node, ast.BinOp | ast.UnaryOp):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _loose_names(child)


def _is_exponent(node: ast.expr) -> bool:
    """A small number, a fraction of small numbers, a name, or a sum, a product or a quotient of these, such as t - s and 1/p."""
    match node:
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _is_exponent(operand)
        case ast.BinOp(left=left, op=ast.Div(), right=right) if _literal_power(left) is not None and _literal(right):
            return bool(_literal_power(right))
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=int() | float() as divisor)):
            return bool(divisor) and _is_exponent(left)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
            return _is_exponent(left) and _is_exponent(right) and any(isinstance(n, ast.Name) for n in ast.walk(node))
        case ast.Constant():
            return _literal_power(node) is not None
    return isinstance(node, ast.Name) or (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name))


def _literal(node: ast.expr) -> bool:
    """Whether a formula is a number, or minus one."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _literal_power(node: ast.expr) -> float | None:
    match node:
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _literal_power(operand)
        case ast.Constant(value=int() | float() as value) if abs(value) <= MAX_POWER:
            return float(value)
    return None


def _power_of(node: ast.AST) -> float:
    """The product of the exponents on the worst path: 4 in (x**2 + 1)**2."""
    inner = max((_power_of(child) for child in ast.iter_child_nodes(node)), default=1.0)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return inner * max(1.0, _literal_power(node.right) or 1.0)
    return inner


def _nested(a: Any, b: Any) -> bool:
    """Whether one of two axes that are named where they are bound is a part of the other for certain: n and n + m."""
    return not unknown_sizes(a) and not unknown_sizes(b) and (never_negative(expand(a - b)) or never_negative(expand(b - a)))
