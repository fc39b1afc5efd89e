"""Definitions as printed mathematics, in the order and with the digits their author typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from typing import Any, TypeGuard

from sympy import preorder_traversal

from derive.calculus.functions import MATRIX_FUNCTIONS
from derive.calculus.normal import normal
from derive.calculus.terms import Binder, Bracket, Deriv, Element, Index, free_indices, substituted, total
from derive.graphs.graph import Node
from derive.graphs.names import lettered
from derive.graphs.tree import ONES as ONES_COLUMN
from derive.graphs.tree import (
    Call,
    Compare,
    Entry,
    Number,
    Op,
    Reduce,
    Ref,
    Size,
    Tree,
    children,
    rebuilt,
    reindexed,
    subtrees,
    terms_of,
)
from derive.language import library
from derive.language.lower import bracket
from derive.language.words import FUNCTIONS, MATRICES, MATRICES_OF_MATRICES, REDUCTIONS
from derive.notation.context import Context, is_affine
from derive.notation.layout import (
    DIVIDED,
    ENTRYWISE,
    EQUALS,
    HADAMARD,
    IDENTITY,
    MINUS,
    NEGATIVE,
    ONES,
    PLUS,
    PROD,
    PRODUCT,
    SUM,
    TIMES,
    Big,
    Fence,
    Grid,
    Layout,
    Root,
    Row,
    Script,
    Sign,
    row,
)
from derive.notation.pieces import (
    ATOM,
    POWER,
    PREFIX,
    PRODUCT_LEVEL,
    Piece,
    barred,
    called,
    divided,
    elementwise,
    fenced,
    inverted,
    multiplied,
    negated,
    powered,
    subscripted,
    transposed,
)
from derive.notation.pieces import SUM as SUM_LEVEL
from derive.notation.style import letter, typed
from derive.notation.terms import (
    DET,
    all_of,
    alternatives,
    derivative,
    function_name,
    index_layout,
    introduced,
    listed,
    of_matrix,
    range_layout,
    shown_range,
    unsaid_ranges,
)
from derive.notation.terms import layout as term_layout
from derive.notation.terms import piece as term_piece

TRACE = Sign(r"\operatorname{tr}", "tr")

Substitution = Callable[[Ref], Piece | None]
"""What to print instead of a tensor's entry: its value, or None for its name."""


def layout(tree: Tree, context: Context | None = None, substitute: Substitution | None = None) -> Layout:
    """The printed form of a surface or a body."""
    return piece(tree, context or Context(), substitute or (lambda ref: None)).layout


def piece(tree: Tree, context: Context, substitute: Substitution) -> Piece:
    """The printed form with its strength."""
    match tree:
        case Number(_, text):
            return negated(typed(text[1:], context.style)) if text.startswith("-") else typed(text, context.style)
        case Size(value):
            return Piece(term_layout(value, context), SUM_LEVEL if value.is_Add else ATOM)
        case Ref():
            return substitute(tree) or _ref(tree, context)
        case Op():
            return _operator(tree, context, substitute)
        case Call():
            return _call(tree, context, substitute)
        case Compare():
            return Piece(_comparison(tree, context, substitute), 0)
        case Entry(matrix, indices):
            body = piece(matrix, context, substitute)
            return Piece(subscripted(Fence(body.layout), [index_layout(i, context) for i in indices]))
        case Reduce(operator) if operator in MATRIX_FUNCTIONS:
            return _matrix(operator, _whole(tree, context), context)
        case Reduce():
            return _reduction(tree, context, substitute)


def _ref(tree: Ref, context: Context) -> Piece:
    rank = max(len(tree.indices), dict(context.ranks).get(tree.name, 0))
    return Piece(subscripted(context.called(tree.name, rank), [index_layout(i, context) for i in tree.indices]))


def _operator(tree: Op, context: Context, substitute: Substitution) -> Piece:
    if tree.operator == "concat":
        column = tuple((piece(a, context, substitute).layout,) for a in tree.args)
        return Piece(Grid(column, context.style.separator.text))
    if tree.operator in ("*", "/") and (bare := _without_sign(tree)):
        return negated(piece(bare, context, substitute))
    args = [piece(a, context, substitute) for a in tree.args]
    match tree.operator, args:
        case "+", [a, b]:
            return Piece(row(fenced(a, SUM_LEVEL), PLUS, _after_sign(b, SUM_LEVEL)), SUM_LEVEL, a.negative)
        case "-", [a, b]:
            return Piece(row(fenced(a, SUM_LEVEL), MINUS, _after_sign(b, PRODUCT_LEVEL)), SUM_LEVEL, a.negative)
        case "neg", [a]:
            return negated(Piece(_after_sign(a, PRODUCT_LEVEL), max(a.level, PRODUCT_LEVEL)))
        case "*", [a, b]:
            if all(_rank(t, context) for t in tree.args):
                return elementwise(HADAMARD, *(_factor(t, p, "*", context) for t, p in zip(tree.args, args, strict=True)))
            numbers = any(isinstance(t, Ref) and substitute(t) is not None for t in tree.args)
            first, second = tree.args
            a = Piece(Fence(a.layout)) if _is_product(first) or _is_contraction(first, context) else a
            b = Piece(Fence(b.layout)) if _is_contraction(second, context) and not _is_number(first, context) else b
            a = Piece(Fence(a.layout)) if _is_elementwise(first, context) else a
            b = Piece(Fence(b.layout)) if _is_product(second) and any(map(_is_product, subtrees(first))) else b
            return _times(a, b, TIMES if numbers else PRODUCT)
        case "/", [a, b]:
            if not _rank(tree.args[1], context):
                return divided(a, b)
            below = _factor(tree.args[1], b, "", context)
            if _rank(tree.args[0], context):
                return elementwise(DIVIDED, _factor(tree.args[0], a, "*", context), below)
            over_vector = _rank(tree.args[1], context) == 1  # 𝟏 is a column: one over a matrix is X^(⊙-1)
            inverse = elementwise(DIVIDED, Piece(ONES), below) if over_vector else _entry_power(b, Sign("-1", "−1"))
            one = isinstance(tree.args[0], Number) and tree.args[0].value == 1
            return inverse if one else multiplied([a, Piece(Fence(inverse.layout))])
        case "**", [a, b]:
            return _power(tree, a, b, context)
        case "@", [a, b]:
            a = Piece(Fence(a.layout)) if _is_elementwise(tree.args[0], context) else a
            if _rank(tree.args[0], context) == 1 and _is_row(tree.args[0], context) is _is_outer(tree, context):
                a = transposed(a)
            return Piece(row(fenced(a, PRODUCT_LEVEL), Sign(" ", " "), fenced(b, POWER)), PRODUCT_LEVEL)
        case "T", [a]:
            return a if _rank(tree.args[0], context) == 1 and _is_row(tree.args[0], context) else transposed(a)
        case "1", []:
            return Piece(ONES)
        case "eye", [_]:
            return Piece(IDENTITY)
    raise TypeError(f"no way to print the operator {tree.operator}")


def _without_sign(tree: Tree) -> Tree | None:
    """A product or a quotient without the minus sign that it begins with: −y z is typed (−y) z and is −(y z) too."""
    match tree:
        case Op("neg", (inner,)):
            return inner
        case Number(value, text) if value < 0:
            return Number(-value, text.removeprefix("-"))
        case Op("*" | "/" as operator, (first, second)):
            bare = _without_sign(first)
            return Op(operator, (bare, second)) if bare else None
    return None


def _is_product(tree: Tree) -> bool:
    return isinstance(tree, Op) and tree.operator == "@"


def _is_contraction(tree: Tree, context: Context) -> bool:
    """Whether a sum of all entries is printed as a product of matrices, xᵀ y or 𝟏ᵀ x, not as a norm."""
    match tree:
        case Reduce("sum", body, ()):
            return 1 <= _rank(body, context) <= 2 and not _is_row(body, context) and _squares_of(tree, context) is None
        case Op("*", args):
            return any(_is_contraction(a, context) for a in args)
    return False


def _is_number(tree: Tree, context: Context) -> bool:
    """Whether a formula is a number, with no product of matrices in it."""
    contracts = any(_is_product(t) or _is_contraction(t, context) for t in subtrees(tree))
    return not _rank(tree, context) and not contracts


def _is_outer(tree: Tree, context: Context) -> bool:
    """Whether a product is that of a column and a row, x yᵀ."""
    match tree:
        case Op("@", (a, Op("T", (b,)))):
            return _rank(a, context) == _rank(b, context) == 1
    return False


def _factor(tree: Tree, piece_: Piece, chained: str, context: Context) -> Piece:
    """A factor of an elementwise product: a product of another kind stands in brackets, a chain of the same does not, nor what
    a number before it scales.
    """
    same = (
        isinstance(tree, Op) and tree.operator == chained and (_is_elementwise(tree, context) or not _rank(tree.args[0], context))
    )
    return piece_ if same or piece_.level >= POWER else Piece(Fence(piece_.layout))


def _is_elementwise(tree: Tree, context: Context) -> bool:
    """Whether a tensor is printed as a product or a quotient entry by entry."""
    return isinstance(tree, Op) and tree.operator in ("*", "/") and all(_rank(t, context) for t in tree.args)


def _is_row(tree: Tree, context: Context) -> bool:
    """Whether a vector is printed as a row as it stands: xᵀ, and xᵀ A, but not A x."""
    try:
        return _lies(tree, context)
    except _Mixed:
        return False


def _rank(tree: Tree, context: Context) -> int:
    """How many axes a part of a formula in tensor notation has: a vector on the left of @ is printed as a row."""
    if isinstance(tree, Ref):
        return max((rank for name, rank in context.ranks if name == tree.name), default=0) - len(tree.indices)
    if isinstance(tree, Op) and tree.operator == "eye":
        return 2
    ranks = [_rank(child, context) for child in children(tree)]
    if _is_outer(tree, context):
        return 2
    if _is_product(tree):
        return max(sum(ranks) - 2, 0)
    if isinstance(tree, Call) and tree.function in MATRICES:
        return ranks[-1] if tree.function in MATRICES_OF_MATRICES else 0
    if _is_definition(tree):
        called = library.load(tree.function)
        mapped = [rank - len(given.indices) for rank, given in zip(ranks, called.inputs, strict=True)]
        return max(0, *mapped) + len(called.output.indices)
    return 0 if isinstance(tree, Reduce | Entry) else max(ranks, default=0)


def _is_definition(tree: Tree) -> TypeGuard[Call]:
    """Whether this is a call of a library definition that is not of numbers alone."""
    return isinstance(tree, Call) and tree.function not in (*FUNCTIONS, *REDUCTIONS) and not library.function(tree.function)


def _after_sign(a: Piece, least: int) -> Layout:
    """An operand behind + or −: one that begins with a sign goes in brackets."""
    return Fence(a.layout) if a.negative or _starts_negative(a.layout) else fenced(a, least)


def _starts_negative(layout_: Layout) -> bool:
    return isinstance(layout_, Row) and layout_.items[0] == NEGATIVE


def _times(a: Piece, b: Piece, sign: Sign) -> Piece:
    """A product; numbers put in for names get a dot."""
    left = Piece(fenced(a, PRODUCT_LEVEL)) if a.level == PRODUCT_LEVEL else a
    left = Piece(Fence(left.layout)) if _starts_negative(left.layout) and left.level < PRODUCT_LEVEL else left
    right = Piece(Fence(b.layout)) if _starts_negative(b.layout) else b
    return multiplied([left, right], sign)


def _power(tree: Op, a: Piece, b: Piece, context: Context) -> Piece:
    """A power; of a tensor, entry by entry, it is x^(⊙2) and 𝟏 ⊘ x."""
    base, exponent = tree.args
    rank, value = _rank(base, context), exponent.value if isinstance(exponent, Number) else None
    if value == Fraction(1, 2) and rank < 2:
        return Piece(Root(a.layout), POWER)
    a = Piece(a.layout, SUM_LEVEL) if _starts_negative(a.layout) else a
    if not rank:
        return powered(a, b)
    if isinstance(exponent, Number) and exponent.value < 0 and rank == 1:
        positive = Number(-exponent.value, exponent.text.lstrip("-"))
        power = Piece(context.style.number(positive.text))
        below = a if positive.value == 1 else _power(Op("**", (base, positive)), a, power, context)
        return elementwise(DIVIDED, Piece(ONES), _factor(base, below, "", context))
    return _entry_power(a, b.layout)


def _entry_power(base: Piece, exponent: Layout) -> Piece:
    """X^(⊙2): a power that is taken entry by entry."""
    return powered(base, Piece(row(ENTRYWISE, exponent)))


def _call(tree: Call, context: Context, substitute: Substitution) -> Piece:
    args = tree.args
    if tree.function == "where":
        return _where(tree, context, substitute)
    if tree.function in MATRIX_FUNCTIONS and len(args) > 1:
        return _matrix(tree.function, Piece(_grid(args, context, substitute)), context)
    inner = [piece(a, context, substitute) for a in args]
    if tree.function == "sqrt" and (base := _squares_of(args[0], context)) is not None:
        return _norm(base, piece(base, context, substitute), context)
    if tree.function == "sqrt" and _rank(args[0], context) < 2:
        return Piece(Root(inner[0].layout), POWER)
    if tree.function == "sqrt":
        return powered(inner[0], Piece(row(ENTRYWISE, Sign(r"\frac{1}{2}", "1/2"))))
    if tree.function == "norm":
        return _norm(args[0], inner[0], context)
    if tree.function in MATRICES:
        return _matrix(tree.function, inner[0], context, *inner[1:])
    if tree.function == "abs":
        return barred(inner[0].layout, "|")
    if tree.function == "exp" and _is_short_exponent(args[0], context):
        return powered(Piece(Sign("e", "e")), inner[0])
    if tree.function in ("max", "min"):
        flat = [piece(a, context, substitute).layout for a in _flattened(tree)]
        return called(Sign(rf"\{tree.function}", tree.function), flat, context.style.separator)
    return called(function_name(tree.function, context), [a.layout for a in inner], context.style.separator)


def _whole(tree: Reduce, context: Context) -> Piece:
    """The matrix that a function is of, which is a tensor, or its transpose."""
    if not tree.indices:
        return piece(tree.body, context, lambda ref: None)
    assert isinstance(tree.body, Ref)
    name = context.called(tree.body.name, len(tree.body.indices))
    return of_matrix(name, tree.body.indices, tree.indices, context)


def _grid(entries: tuple[Tree, ...], context: Context, substitute: Substitution) -> Layout:
    """A square matrix of which the entries are given, row after row."""
    cells, n = [piece(e, context, substitute).layout for e in entries], isqrt(len(entries))
    return Grid(tuple(tuple(cells[n * k : n * k + n]) for k in range(n)), context.style.separator.text)


def _matrix(function: str, matrix: Piece, context: Context, *more: Piece) -> Piece:
    """A function of a matrix as a whole: A⁻¹, det(A), log(|det(A)|), tr(A), A⁻¹ b."""
    match function:
        case "inv":
            return inverted(matrix)
        case "solve":
            return Piece(row(inverted(matrix).layout, Sign(" ", " "), *(fenced(b, POWER) for b in more)), PRODUCT_LEVEL)
    inner = called(TRACE if function == "trace" else DET, [matrix.layout], context.style.separator)
    if function != "logdet":
        return inner
    return called(function_name("log", context), [barred(inner.layout, "|").layout], context.style.separator)


def _norm(tree: Tree, body: Piece, context: Context, exponent: Layout | None = None) -> Piece:
    """‖x‖, ‖X‖_F and their powers."""
    bars = barred(body.layout, "‖").layout
    under = Sign("F", "F") if _rank(tree, context) == 2 else None
    return Piece(Script(bars, under, exponent), POWER) if under or exponent else Piece(bars)


def _flattened(tree: Call) -> list[Tree]:
    """The arguments of max(max(a, b), c): a, b, c."""
    return [b for a in tree.args for b in (_flattened(a) if isinstance(a, Call) and a.function == tree.function else [a])]


def _is_short_exponent(tree: Tree, context: Context) -> bool:
    """Whether exp of it is written as a power of e: a short number, where no tensor is called e."""
    short = sum(1 for _ in subtrees(tree)) <= 4 and not _has_reduction(tree)
    return short and not _rank(tree, context) and not context.has_e


def _has_reduction(tree: Tree) -> bool:
    return any(isinstance(t, Reduce) for t in subtrees(tree))


def _where(tree: Call, context: Context, substitute: Substitution) -> Piece:
    match tree.args:
        case (Compare(_, left) as condition, Number(held, _), Number(otherwise, _)) if held == 1 and otherwise == 0:
            if not isinstance(left, Tree):  # δ_ij
                return term_piece(bracket((condition,), {}), context)

    def shown(part: Tree) -> Layout:
        return piece(part, context, substitute).layout

    def told(conditions: Sequence[Any]) -> Layout:
        return all_of([_chained(chain, context, substitute) for chain in _chains(tuple(conditions))])

    def parts(part: Tree, _: bool) -> Any:
        return part.args if isinstance(part, Call) and part.function == "where" else None

    return alternatives(tree, parts, shown, told, context)


_RELATIONS: Mapping[str, Sign] = {
    "<": Sign(" < ", "<"),
    "<=": Sign(r" \le ", "≤"),
    ">": Sign(" > ", ">"),
    ">=": Sign(r" \ge ", "≥"),
    "==": Sign(" = ", "="),
    "!=": Sign(r" \ne ", "≠"),
}


def _comparison(tree: Compare, context: Context, substitute: Substitution) -> Layout:
    return _chained((tree,), context, substitute)


def _chained(chain: tuple[Compare, ...], context: Context, substitute: Substitution) -> Layout:
    """Comparisons of which each begins with what the one before ends with: 0 ≤ a < b."""
    sides = [chain[0].left, *(c.right for c in chain)]
    spaced = any(isinstance(side, Tree) or is_affine(side) for side in sides)
    items = [_side(sides[0], context, substitute)]
    for comparison, side in zip(chain, sides[1:], strict=True):
        sign = _RELATIONS[comparison.operator]
        items += [Sign(sign.latex, f" {sign.text} ") if spaced else sign, _side(side, context, substitute)]
    return row(*items)


def _side(side: Any, context: Context, substitute: Substitution) -> Layout:
    return piece(side, context, substitute).layout if isinstance(side, Tree) else index_layout(side, context)


def _chains(conditions: tuple[Compare, ...]) -> list[tuple[Compare, ...]]:
    """Conditions in the order in which they were typed, those that were typed as one chain together."""
    chains: list[tuple[Compare, ...]] = []
    for condition in conditions:
        if chains and condition.operator in _DIRECTION[chains[-1][-1].operator] and chains[-1][-1].right == condition.left:
            chains[-1] += (condition,)
        else:
            chains.append((condition,))
    return chains


_DIRECTION: Mapping[str, tuple[str, ...]] = {
    "<": ("<", "<="),
    "<=": ("<", "<="),
    ">": (">", ">="),
    ">=": (">", ">="),
    "==": (),
    "!=": (),
}
"""What may follow a comparison in a chain."""


_BIG: Mapping[str, Sign] = {
    "sum": SUM,
    "prod": PROD,
    "max": Sign(r"\max", "max"),
    "min": Sign(r"\min", "min"),
    "argmax": Sign(r"\operatorname*{arg\,max}", "argmax"),
}


def _reduction(tree: Reduce, context: Context, substitute: Substitution) -> Piece:
    body = piece(tree.body, context, substitute)
    if not tree.indices and tree.operator == "sum" and (whole := _whole_sum(tree.body, body, context)) is not None:
        return whole
    if not tree.indices:
        return called(Sign(rf"\operatorname{{{tree.operator}}}", tree.operator), [body.layout], context.style.separator)
    operand = Piece(Fence(body.layout)) if _starts_negative(body.layout) else body
    sign = _BIG["sum" if tree.operator == "mean" else tree.operator]
    whole = Piece(row(Big(sign, _under(tree, context, substitute)), fenced(operand, PRODUCT_LEVEL)), PREFIX)
    if tree.operator != "mean":
        return whole
    count = _count(tree)
    if count is None:
        ones = replace(tree, body=Number(Fraction(1), "1"))
        return divided(whole, Piece(row(Big(SUM, _under(ones, context, substitute)), Sign("1", "1")), PREFIX))
    return Piece(row(divided(Piece(Sign("1", "1")), term_piece(count, context)).layout, PRODUCT, whole.layout), PREFIX)


def _whole_sum(tree: Tree, body: Piece, context: Context) -> Piece | None:
    """The sum of all entries: ‖x‖², xᵀ y, 𝟏ᵀ x, 𝟏ᵀ X 𝟏; None of a number or a row."""
    rank = _rank(tree, context)
    if rank not in (1, 2) or _is_row(tree, context):
        return None
    if (base := _squares_of(Reduce("sum", tree), context)) is not None:
        return _norm(base, piece(base, context, lambda ref: None), context, Sign("2", "2"))
    match tree:
        case Op("*", (a, b)) if _rank(a, context) == _rank(b, context) == 1:
            return piece(Op("@", (a, b)), context, lambda ref: None)
        case Op("/", (a, b)) if not _rank(b, context):
            whole = piece(Reduce("sum", a), context, lambda ref: None)
            return divided(whole, piece(b, context, lambda ref: None))
    ones = transposed(Piece(ONES))
    inner = Piece(Fence(body.layout) if isinstance(tree, Op) and tree.operator not in ("@", "T") else body.layout)
    return multiplied([ones, inner, *([Piece(ONES)] if rank == 2 else [])], Sign(" ", " "))


def _squares_of(tree: Tree, context: Context) -> Tree | None:
    """The tensor whose entries are squared and summed, or None: x of sum(x**2)."""
    match tree:
        case Reduce("sum", Op("**", (base, Number(value))), ()) if value == 2 and 1 <= _rank(base, context) <= 2:
            return None if _is_row(base, context) else base
    return None


def _under(tree: Reduce, context: Context, substitute: Substitution) -> Layout:
    """What stands under a Σ: its letters, its conditions, and ranges that nothing else shows."""
    chains = _chains(tuple(_turned(c, tree.indices) for c in tree.conditions))
    alone, order = introduced([_spoken(chain, tree.indices) for chain in chains], tree.indices)
    seen, ordered = {*alone}, list[tuple[Compare, ...]]()
    for chain in (chains[k] for k in order):
        bound, _ = _spoken(chain, tree.indices)
        left, right, new = chain[0].left, chain[0].right, bound - seen
        if len(chain) == 1 and left not in new and right in new:
            chain = (Compare(_MIRRORED[chain[0].operator], right, left),)
        elif len(chain) > 1 and left not in new:
            alone += [i for i in tree.indices if i in new]
        seen |= bound
        ordered.append(chain)
    unsaid = unsaid_ranges(tree.indices, lambda i: _beside(tree, i, context))
    plain = [range_layout(i, context) if i in unsaid else letter(i.name) for i in alone]
    ranges = [range_layout(i, context) for i in unsaid if i not in alone]
    return listed([*plain, *(_chained(c, context, substitute) for c in ordered), *ranges], context.style)


def _spoken(chain: tuple[Compare, ...], bound: tuple[Index, ...]) -> tuple[set[Index], set[Index]]:
    """The bound letters that are sides of a condition, and may be bound by it, and those that its sides mention.

    A chain i < j < k of letters binds each, any other the letter that it begins with.
    """
    sides = [chain[0].left, *(c.right for c in chain)]
    said = {i for side in sides for i in _indices_in(side)} & {*bound}
    may = sides if len(chain) == 1 or all(isinstance(side, Index) for side in sides) else sides[:1]
    own = {side for side in may if isinstance(side, Index) and side in bound}
    return own, said - own


def _indices_in(side: Any) -> set[Index]:
    """The index letters in a side of a condition."""
    if not isinstance(side, Tree):
        return set(side.atoms(Index))
    return {i for part in subtrees(side) for term in terms_of(part) for i in term.atoms(Index)}


def _beside(tree: Tree, index: Index, context: Context) -> set[Any] | None:
    """What an index is compared with in a formula, or None where it stands on its axis; see `terms.unsaid_ranges`."""
    found, stands = set[Any](), set[Any]()
    for part in subtrees(tree):
        match part:
            case Ref(name, indices):
                inside = [t for i in indices if not isinstance(i, Index) for t in preorder_traversal(i) if isinstance(t, Element)]
                for tensor, places in [(name, indices), *((t.name, t.indices) for t in inside)]:  # w[t[i]]: i stands on t's axis
                    stands |= {*context.ranges_over(index, tensor, places)}
            case Entry(_, indices) if index in indices:
                return None
            case Compare(_, left, right) if index in (left, right):
                other = right if left == index else left
                found |= {other} if getattr(other, "size", None) == index.size else set()
    if stands:
        return shown_range(index, stands)
    return found - {i for part in children(tree) for t in subtrees(part) if isinstance(t, Reduce) for i in t.indices}


def _count(tree: Reduce) -> Any:
    """How many entries a mean is taken of, where that is a formula of the sizes; None where it depends on the values."""
    if any(isinstance(side, Tree) for c in tree.conditions for side in (c.left, c.right)):
        return None
    count = normal(total(bracket(tree.conditions, {}), *tree.indices))
    return None if count.has(Binder) or count.has(Bracket) else count


def _turned(condition: Compare, bound: tuple[Index, ...]) -> Compare:
    """A condition with a bound index on the left: j ≥ i of a sum over j that was typed i <= j.

    One between two bound indices, i < j, names both, and stays as it was typed.
    """
    if condition.right in bound and condition.left not in bound and not isinstance(condition.left, Tree):
        return Compare(_MIRRORED[condition.operator], condition.right, condition.left)
    return condition


_MIRRORED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def left_side(name: str, indices: tuple[Index, ...], context: Context) -> Layout:
    """The name being defined, with its indices."""
    return subscripted(context.called(name, len(indices)), [index_layout(i, context) for i in indices])


def with_definitions(line: Any, opened: Collection[Node], context: Context) -> Layout:
    """A line in which the definitions of some entries, as their author wrote them, are differentiated in place of their names.

    >>> import derive
    >>> from derive.calculus.terms import Deriv
    >>> from derive.notation.layout import text
    >>> g = derive.graph("y = 2*(1 + x) - a")
    >>> text(with_definitions(Deriv(g.output.element, g.inputs[0].element), [g.output], Context()))
    '∂/∂x[2 (1 + x) − a]'
    """
    nodes = {node.name: node for node in opened}

    def written(term: Deriv, inner: Context) -> Piece | None:
        node = nodes.get(term.body.name)
        if node is None:
            return None
        opened = piece(_at(node, term.body.indices, inner), inner, lambda ref: None)
        return derivative(opened, term_layout(term.by, inner), False)

    return term_layout(line, replace(context, written=written))


def with_values(line: Any, value: Callable[[Deriv], Any], context: Context) -> Layout:
    """A line in which what some derivatives are stands in their places, with nothing cancelled yet: −y_j/p_j · p_j (…).  `value`
    is None for a derivative that stays.
    """

    def written(term: Deriv, inner: Context) -> Piece | None:
        found = value(term)
        return None if found is None else term_piece(found, replace(inner, written=None))

    return term_layout(line, replace(context, written=written))


def _at(node: Node, indices: Sequence[Any], context: Context) -> Tree:
    """The formula of an entry with these indices; a letter that it binds, and that means something there, is another one."""

    def put(tree: Tree, values: dict[Any, Any]) -> Tree:
        if isinstance(tree, Reduce):
            busy = {*context.taken, *(i.name for value in values.values() for i in free_indices(value))}
            clashing = [i for i in tree.indices if i.name in busy]
            used = busy | {i.name for i in tree.indices}
            values = {**values, **dict(zip(clashing, lettered(clashing, context.letters, used), strict=True))}
            values |= {i: i for i in tree.indices if i not in clashing}
        return rebuilt(reindexed(tree, lambda t: substituted(t, values)), lambda child: put(child, values))

    return put(node.body, dict(zip(node.indices, indices, strict=True)))


def _has_product(tree: Tree | None) -> bool:
    """Whether a number is written with whole tensors, as a product of matrices, a norm, a trace: f = xᵀ A y."""
    return tree is not None and any(
        (isinstance(t, Op) and t.operator == "@") or (isinstance(t, Call) and t.function in MATRICES) for t in subtrees(tree)
    )


def _broadcasts(tree: Tree, context: Context) -> bool:
    """Whether tensors of unlike axes are multiplied entry by entry, for which there is no sign."""
    if not isinstance(tree, Op) or tree.operator not in ("*", "/", "**"):
        return False
    return len({rank for t in tree.args if (rank := _rank(t, context))}) > 1


class _Mixed(Exception):
    """A row and a column meet: a formula in tensor notation would have no meaning."""


def _lies(tree: Tree, context: Context) -> bool:
    """Whether a vector in tensor notation is a row, as xᵀ and xᵀ A are.  Raises _Mixed where a row is put to a column."""
    inner = [_lies(child, context) for child in children(tree)]
    match tree:
        case Op("T", (a,)):
            return _rank(a, context) == 1
        case Op("@", (a, b)):
            if a == ONES_COLUMN or _is_outer(tree, context):  # 𝟏 bᵀ
                return False
            if inner[1] and _rank(b, context) == 1:
                raise _Mixed
            return _rank(a, context) == 1 and _rank(b, context) > 1
        case Reduce():
            return False
        case Call() if _is_definition(tree) and max(_rank(a, context) for a in tree.args) > 1:
            return False
    vectors = {lies for child, lies in zip(children(tree), inner, strict=True) if _rank(child, context) == 1}
    if len(vectors) > 1:
        raise _Mixed
    return vectors == {True}


def _contracts_more(tree: Tree, context: Context) -> bool:
    """Whether a tensor of three axes or more is multiplied by a matrix, or turned, for which there is no sign either."""
    return isinstance(tree, Op) and tree.operator in ("@", "T") and any(_rank(t, context) > 2 for t in tree.args)


def in_tensors(node: Node, surface: Tree, context: Context) -> Layout | None:
    """A definition in tensor notation, yᵀ = xᵀ A where it is of a row; None where there is no such notation for it."""
    if any(_broadcasts(part, context) or _contracts_more(part, context) for part in subtrees(surface)):
        return None
    spoken = {i for part in subtrees(surface) for term in terms_of(part) for i in term.atoms(Index)}
    bound = {i for part in subtrees(surface) if isinstance(part, Reduce) for i in part.indices}
    if spoken - bound - {*node.indices}:  # of an entry whose index has another letter here
        return None
    if spoken.intersection(node.indices):  # of an entry: L_l = f(xᵀ y, w_l), not of a row: L_lk = f(x, w_l)
        if not spoken.issuperset(node.indices):
            return None
        return row(left_side(node.name, node.indices, context), EQUALS, layout(surface, context))
    name = context.called(node.name, len(node.indices))
    try:
        if _lies(surface, context) and len(node.indices) == 1:
            name = transposed(Piece(name)).layout
    except _Mixed:
        return None
    return row(name, EQUALS, layout(surface, context))


def definition(node: Node, context: Context) -> Layout:
    """One definition: in tensor notation if its author wrote it so, and entry by entry.

    >>> import derive
    >>> from derive.notation.context import context_of
    >>> from derive.notation.layout import text
    >>> g = derive.graph("W: [m, n]; x: [n]; a = relu(W @ x)")
    >>> text(definition(g.output, context_of(g)))
    'a = ReLU(W x),   a_i = ReLU(Σ_j W_ij x_j)'
    """
    entry = row(left_side(node.name, node.indices, context), EQUALS, layout(node.body, context))
    whole = as_written(node, context)
    return entry if whole in (None, entry) else row(whole, Sign(r",\qquad ", ",   "), entry)


def as_written(node: Node, context: Context) -> Layout | None:
    """A definition in tensor notation, where its author wrote it so and it has such a notation."""
    if node.surface is None or node.surface == node.body:
        return None
    surface = _counted(node.surface, node.body)
    if not (node.indices or _has_product(surface) or _has_norm(surface, context)):
        return None
    return in_tensors(node, surface, context)


def _counted(surface: Tree, body: Tree) -> Tree:
    """A formula with 1/n and a sum for each mean of all entries of which n can be said."""
    match surface, body:
        case Reduce("mean", indices=()), Reduce("mean") if body.indices and (count := _count(body)) is not None:
            entries = replace(surface, operator="sum", body=_counted(surface.body, body.body))
            return Op("*", (Op("/", (Number(Fraction(1), "1"), Size(count))), entries))
        case Reduce(operator, inner, ()), Reduce(_, body_inner) if body.operator == operator:
            return replace(surface, body=_counted(inner, body_inner))
        case ((Op() | Call()), (Op() | Call())) if type(surface) is type(body) and len(surface.args) == len(body.args):
            pairs = iter([_counted(a, b) for a, b in zip(surface.args, body.args, strict=True)])
            return rebuilt(surface, lambda child: next(pairs))
    return surface


def _has_norm(tree: Tree, context: Context) -> bool:
    """Whether a formula sums all entries of a square or of a product of columns, without letters for the indices."""

    def multiplies(t: Tree) -> bool:
        match t:
            case Reduce("sum", Op("*", (a, b)), ()):
                return _rank(a, context) == _rank(b, context) == 1
        return _squares_of(t, context) is not None

    return any(map(multiplies, subtrees(tree)))
