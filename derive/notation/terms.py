"""SymPy terms of the calculus as printed mathematics.

A sum of terms prints positive terms first and numbers where a book puts them (`s_j - s_t + 1`, `1 - p_i`); a product
prints numbers, then entries by their first index, then brackets; conditions on a bound index go under its Σ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import Abs, Add, Integer, Mul, Rational, S, Symbol, exp, preorder_traversal, sign
from sympy.core.numbers import Exp1, Infinity, NegativeInfinity, Pi

from derive.calculus.cost import cost, shared_number
from derive.calculus.functions import NamedEntry, is_entry_of_rows
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inside,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Sum,
    Where,
    factors,
    fraction,
    free_indices,
    never_negative,
    reach,
    signature,
    terms,
    walk,
)
from derive.graphs.graph import gradient_parts
from derive.notation.context import Context, is_affine
from derive.notation.layout import (
    COMMA,
    PARTIAL,
    PROD,
    SECOND,
    SUM,
    TWICE,
    Big,
    Cases,
    Fence,
    Frac,
    Layout,
    Root,
    Script,
    Sign,
    joined,
    row,
    text,
)
from derive.notation.order import (
    ArgMin,
    Minimum,
    Smallest,
    as_authored,
    factor_order,
    gathered,
    stands_behind,
    subtracted,
    term_order,
    turned,
    unsigned,
    with_minima,
)
from derive.notation.pieces import (
    ATOM,
    COLON,
    POWER,
    PREFIX,
    PRODUCT_LEVEL,
    Piece,
    added,
    barred,
    called,
    divided,
    fenced,
    inverted,
    multiplied,
    negated,
    powered,
    subscripted,
    transposed,
)
from derive.notation.pieces import SUM as SUM_LEVEL
from derive.notation.style import LETTERS, Style, decimal, letter, name_layout, typed

THIN = Sign(r"\,", "")
DET = Sign(r"\det", "det")

_OWN = ("exp", "log", "sin", "cos", "tanh", "sinh", "cosh", "arctan")
FUNCTIONS = {"erf": r"\operatorname{erf}", **{name: rf"\{name}" for name in _OWN}}
"""Functions that LaTeX has a command for, but for erf."""
NAMED = {
    "atan": "arctan",
    "relu": "ReLU", "sigmoid": "σ", "normal_cdf": "Φ", "normal_pdf": "φ", "gelu": "GELU", "silu": "SiLU", "elu": "ELU",
    "selu": "SELU", "mish": "Mish",
}  # fmt: skip
"""How library functions are called in print, where that is not their own name."""


def layout(term: Any, context: Context | None = None) -> Layout:
    """The printed form of a term."""
    return piece(term, context or Context()).layout


def piece(term: Any, context: Context) -> Piece:
    """The printed form with its strength."""
    used = frozenset(j.name for j in free_indices(term))
    term = as_authored(_one_sided(_with_minima(term, context), context), context)
    return _piece(term, replace(context, taken=context.taken | used))


def _with_minima(term: Any, context: Context) -> Any:
    return walk(term, lambda t: with_minima(t, context.least)) if term.has(Maximum, Largest, ArgMax) else term


def _one_sided(term: Any, context: Context) -> Any:
    """[0 ≤ e < n] with the one of its sides that says something, where the ranges of its indices say the other: k ≥ 1."""
    if context.style.index_base or not term.has(Inside):
        return term
    return walk(term, lambda t: _said_side(*t.args) if isinstance(t, Inside) else t)


def _said_side(e: Any, size: Any) -> Any:
    ends = reach(e)
    if ends is not None and never_negative(ends[0]):
        return Below(e, size)
    if ends is None or not never_negative(size - 1 - ends[1]):
        return Inside(e, size)
    below = -Add(*(t for t in terms(e) if t.could_extract_minus_sign()))
    whole = below.as_coeff_Add()[0]
    return Below(below - 1, e + below) if whole >= 1 and not below.is_Integer else AtMost(below, e + below)


def function_name(name: str, context: Context | None = None) -> Layout:
    """The sign of a function: upright words, σ for the sigmoid where no tensor is called that."""
    shown = NAMED.get(name, name)
    if shown in FUNCTIONS:
        return Sign(FUNCTIONS[shown], shown)
    if context is not None and {shown, LETTERS.get(shown)} & {*context.order, *context.taken}:
        shown = name
    words = shown.replace("_", r"\,")  # a space would not be printed
    return letter(shown) if len(shown) == 1 else Sign(rf"\operatorname{{{words}}}", shown)


# ---------------------------------------------------------------- dispatch


def _piece(term: Any, context: Context) -> Piece:
    """One node and what is below it.  Printing is strict: an unknown node is an error, never its `str`."""
    if term.is_Rational:
        return _number(Fraction(term.p, term.q), context)
    if term.is_Add:
        return _sum(term, context)
    if term.is_Mul:
        return _product(term, context)
    if term.is_Pow:
        return _power(term, context)
    for kind, printer in _PRINTERS:
        if isinstance(term, kind):
            return printer(term, context)
    if term.is_Function:
        return called(
            function_name(type(term).__name__, context), [_piece(a, context).layout for a in term.args], context.style.separator
        )
    raise TypeError(f"no way to print {type(term).__name__}: add a row to _PRINTERS")


ZEROS = 9
"""A whole number that ends in so many zeros is written as a power of ten, or times one."""


def number_piece(value: Fraction, style: Style) -> Piece:
    """A number: a whole one or a short decimal fraction as digits, any other as a fraction."""
    if value < 0:
        return negated(number_piece(-value, style))
    if value.denominator == 1:
        whole = str(value.numerator)
        plain = whole.rstrip("0")
        zeros = len(whole) - len(plain)
        return Piece(style.number(whole)) if zeros < ZEROS else typed(f"{plain}e{zeros}", style)
    digits = decimal(value)
    if digits is not None and value.denominator not in (2, 4, 5, 8):
        return Piece(style.number(digits))
    return divided(number_piece(Fraction(value.numerator), style), number_piece(Fraction(value.denominator), style))


# ---------------------------------------------------------------- sums and products


def _sum(term: Any, context: Context) -> Piece:
    """A sum; a number that all its terms share stands before it, as SymPy would not write it."""
    if _opposite(term) is not None:
        return _bracket(term, context)
    number, _ = shared_number(term)
    if number != 1:
        return _product(term, context)
    return added([_signed(t, context) for t in term_order(term, context)])


def _signed(term: Any, context: Context) -> Piece:
    """A term of a sum: its magnitude, marked negative if it is to be subtracted."""
    if subtracted(term) and not term.is_Add:
        piece = _piece(-term, context)
        return Piece(piece.layout, piece.level, negative=True)
    return _piece(term, context)


LONG = 24
"""A sum of at least this cost stands behind 1/2, not over 2."""


def _product(term: Any, context: Context) -> Piece:
    term = turned(term)
    if (positive := unsigned(term)) is not None:
        term = positive
    elif term.could_extract_minus_sign() and not (term.is_Add and any(not t.could_extract_minus_sign() for t in term.args)):
        return negated(_piece(-term, context))
    number, rest = term.as_coeff_Mul()
    if number.is_Rational and (as_decimal(number, context) or (number.q > 10 and number.q & (number.q - 1) and decimal(number))):
        return _with_decimal(_number(Fraction(number.p, number.q), context), rest, context)
    term = gathered(term)
    number, rest = term.as_coeff_Mul()
    if number.is_Rational and as_decimal(number, context):
        return _with_decimal(_number(Fraction(number.p, number.q), context), rest, context)
    top, bottom = fraction(term)
    if bottom == 1:
        return multiplied(_factor_pieces(term, context))
    ordered = factor_order(top, context)
    first = next((k for k, f in enumerate(ordered) if stands_behind(f, top, bottom)), len(ordered))
    over, behind = Mul(*ordered[:first]), ordered[first:]
    if bottom.is_number and top.is_Add and cost(top) > LONG:
        return multiplied([divided(Piece(Sign("1", "1")), _piece(bottom, context)), _piece(top, context)])
    if not bottom.has(Binder, Add):
        fraction_ = divided(_piece(over, context), _piece(bottom, context))
        return multiplied([fraction_, *(_piece(f, context) for f in behind)])
    brackets = [f for f in behind if stands_behind(f, top, bottom)]
    if brackets == ordered[-1:] and brackets[0].is_Add and len(ordered) > 1:
        if brackets[0].has(Binder):
            return multiplied([divided(_piece(over, context), _piece(bottom, context)), _piece(brackets[0], context)])
        quotient = divided(_piece(brackets[0], context), _piece(bottom, context))
        return multiplied([*(_piece(f, context) for f in ordered[:-1]), quotient])
    return divided(_piece(top, context), _piece(bottom, context))


def as_decimal(number: Any, context: Context) -> bool:
    """Whether a rational number is printed with decimals where its author types decimals."""
    return context.digits(Fraction(int(number.p), int(number.q))) is not None


def _number(value: Fraction, context: Context) -> Piece:
    """A number, as a decimal where its author types decimals."""
    if value < 0:
        return negated(_number(-value, context))
    digits = context.digits(value)
    return number_piece(value, context.style) if digits is None else typed(digits, context.style)


def _with_decimal(number: Piece, rest: Any, context: Context) -> Piece:
    """A product that a decimal number stands before, also over its bar."""
    top, bottom = fraction(rest)
    if bottom == 1 or bottom.has(Binder) or top.has(Binder, Add):
        return multiplied([number, _piece(rest, context)])
    above = multiplied([number, *(_factor_pieces(top, context) if top != 1 else [])])
    return divided(above, _piece(bottom, context))


def _factor_pieces(term: Any, context: Context) -> list[Piece]:
    return [_piece(f, context) for f in factor_order(term, context)]


def _power(term: Any, context: Context) -> Piece:
    base, exponent = term.as_base_exp()
    if exponent.is_Rational and exponent < 0:
        return divided(Piece(Sign("1", "1")), _piece(base**-exponent, context))
    if exponent == Rational(1, 2):
        return Piece(Root(_piece(base, context).layout), POWER)
    return powered(_piece(base, context), _piece(exponent, context if context.powers else replace(context, decimals=())))


def _exponential(term: Any, context: Context) -> Piece:
    """e to a short power, exp(…) of a long one."""
    exponent = term.args[0]
    inner = _piece(exponent, context).layout
    if exponent.has(Binder) or cost(exponent) > 4 or context.has_e:
        return called(Sign(r"\exp", "exp"), [inner], context.style.separator)
    return powered(Piece(Sign("e", "e")), Piece(inner))


# ---------------------------------------------------------------- leaves and binders


def _element(term: Element, context: Context) -> Piece:
    if parts := gradient_parts(term.name):
        return derivative(Piece(context.called(parts[0])), _gradient_by(term, context), True)
    base = context.called(term.name, len(term.indices))
    return Piece(subscripted(base, [index_layout(i, context) for i in term.indices]))


def index_layout(index: Any, context: Context) -> Layout:
    """An index in a subscript; a given number is counted from the index base."""
    if isinstance(index, Integer):
        return Sign(str(int(index) + context.style.index_base), str(int(index) + context.style.index_base))
    found = _piece(index, context).layout
    parted = isinstance(index, (ArgMax, ArgMin)) and _has_decimal_comma(found, context.style)
    return Fence(found) if parted else found  # a comma between digits of a subscript parts indices


def of_matrix(name: Layout, indices: Sequence[Any], places: Sequence[Any], context: Context) -> Piece:
    """The matrix that a function is of: a tensor over its rows and columns, A or Aᵀ, and A_{n,:,:} of a stack of matrices."""
    within = [COLON if i in places else index_layout(i, context) for i in indices]
    whole = Piece(name if len(indices) == 2 else Script(name, joined(within, Sign(", ", ","))))
    turned = [i for i in indices if i in places] != list(places)
    return transposed(whole) if turned else whole


def _of_entries(entry: Any, places: Sequence[Any], context: Context) -> Piece:
    if not isinstance(entry, Element) or not set(places) <= set(entry.indices):
        raise TypeError(f"no way to print the matrix of {entry}: give it a name")
    return of_matrix(context.called(entry.name, len(entry.indices)), entry.indices, places, context)


def _determinant(term: Any, context: Context) -> Piece:
    """det(A), which is det(Aᵀ)."""
    places = [i for i in term.body.args if i in term.indices]
    return called(DET, [_of_entries(term.body, places, context).layout], context.style.separator)


def _entry_of(term: Any, context: Context) -> Piece:
    """(A⁻¹)_ij."""
    matrix = inverted(_of_entries(term.matrix.body, term.matrix.indices, context))
    return Piece(subscripted(Fence(matrix.layout), [index_layout(i, context) for i in term.indices]))


def _named_entry(term: Any, context: Context) -> Piece:
    """softmax(f)_i, softmax(F)_ni of the rows of a tensor, softmax_i(a_i + b_i) of what has no name."""
    (j,), entry = term.vector.opened()
    name = function_name(type(term).__name__, context)
    if is_entry_of_rows(term):
        whole = called(name, [context.called(entry.name, len(entry.indices))], context.style.separator)
        return Piece(subscripted(whole.layout, [index_layout(i, context) for i in (*entry.indices[:-1], term.place)]))
    if isinstance(term.place, Index) and term.place not in free_indices(entry):
        below = Script(name, index_layout(term.place, context))
        return called(below, [_piece(entry.xreplace({j: term.place}), context).layout], context.style.separator)
    return _piece(term.unfolded, context)


def _binder(sign_: Sign) -> Any:
    def printer(term: Binder, context: Context) -> Piece:
        letters = context.naming(term.indices)
        body = term.body.xreplace(letters)
        inner = replace(context, taken=context.taken | {i.name for i in letters.values()})
        conditions, rest = _conditions(body, set(letters.values()), _LEFT_OUT[type(term)])
        bound = sorted(letters.values(), key=lambda i: i.name)
        spoken = [_spoken(c, {*bound}) for c in conditions]
        alone, order = introduced(spoken, bound)
        firsts = _first_letters([conditions[k] for k in order], bound, alone)
        ranges = unsaid_ranges(bound, lambda i: _beside(body, i, context))
        plain = [range_layout(i, context) if i in ranges else letter(i.name) for i in alone]
        told = [_condition(conditions[k], inner, first) for k, first in zip(order, firsts, strict=True)]
        told += [range_layout(i, context) for i in bound if i in ranges and i not in alone]
        return Piece(row(Big(sign_, listed(plain + told, context.style)), fenced(_piece(rest, inner), PRODUCT_LEVEL)), PREFIX)

    return printer


def _spoken(condition: Any, bound: set[Index]) -> tuple[set[Index], set[Index]]:
    """The bound letters that are a side of a condition, and may be bound by it, and those that its sides mention."""
    sides = set() if isinstance(condition, Inside) else {a for a in condition.args if a in bound}
    return sides, {*free_indices(condition)} & bound - sides


def introduced(spoken: Sequence[tuple[set[Index], set[Index]]], bound: Sequence[Index]) -> tuple[list[Index], list[int]]:
    """The bound letters that are listed, and the order of the conditions under a Σ, in which none mentions a letter that neither
    is listed nor bound by one before it.  `spoken` has the letters that each may bind, and those that it mentions besides.
    """
    alone = [i for i in bound if not any(i in sides for sides, _ in spoken)]
    seen, order, left = {*alone}, list[int](), list(range(len(spoken)))
    while left:
        ready = next((k for k in left if spoken[k][1] <= seen), None)
        if ready is None:  # two conditions, each of a letter that the other would bind
            alone.append(next(i for i in bound if i in spoken[left[0]][1] - seen))
            seen.add(alone[-1])
            continue
        seen |= spoken[ready][0]
        order.append(ready)
        left.remove(ready)
    return [i for i in bound if i in alone], order


def _first_letters(conditions: list[Any], bound: list[Index], listed: list[Index]) -> list[Any]:
    """What each condition begins with: a bound letter that is not listed yet, or another one, or what holds one, never a letter
    that means something outside alone.
    """
    found, seen = list[Any](), {*listed}
    for c in conditions:
        own = [i for i in bound if i in c.args]
        new = [i for i in own if i not in seen]
        holds = [a for a in c.args if not isinstance(a, Index) and free_indices(a) & {*bound}]
        found.append(next(iter([*new, *own, *holds]), None))
        seen |= {*own}
    return found


def listed(items: Sequence[Layout], style: Style) -> Layout:
    """What stands under a Σ: with commas between, or what stands between arguments where one has a decimal comma."""
    return joined(items, style.separator if any(_has_decimal_comma(item, style) for item in items) else COMMA)


def _has_decimal_comma(item: Layout, style: Style) -> bool:
    """Whether a comma of what is printed may be a decimal one."""
    return style.decimal_sign == "," and any(f"{c}," in text(item) for c in "0123456789")


def unsaid_ranges(bound: Sequence[Index], beside: Callable[[Index], set[Any] | None]) -> list[Index]:
    """The bound indices of which nothing shows what they range over: the first of several that are only compared with each
    other, and each that stands on longer axes only.  `beside` gives what an index is compared with over its own axis, None where
    it stands on that, or the index itself where it stands on longer ones.
    """
    partners = {i: beside(i) for i in bound}
    short = {i for i, others in partners.items() if others == {i}}
    said = {i for i, others in partners.items() if others is None or others - {*bound}}
    unsaid = []
    for i in bound:
        while spread := {j for j in bound if j not in said and (partners[j] or set()) & said}:
            said |= spread
        if i not in said:
            unsaid.append(i)
            said |= {i} - short
    return unsaid


def _beside(body: Any, index: Index, context: Context) -> set[Any] | None:
    """What an index is compared with in a body, or None where it stands on its axis; see `unsaid_ranges`."""
    found, stands = set[Any](), set[Any]()
    for t in preorder_traversal(body):
        if (isinstance(t, EntryOf) and index in t.indices) or (isinstance(t, NamedEntry) and index == t.place):
            return None
        if isinstance(t, Element):
            stands |= {*context.ranges_over(index, t.name, t.indices)}
        if isinstance(t, (Delta, Differ, Below, AtMost)) and index in t.args:
            found |= {a for a in t.args if a != index and getattr(a, "size", None) == index.size}
    if stands:
        return shown_range(index, stands)
    return {a for a in found if not str(getattr(a, "name", "")).startswith("@")}  # nor what is bound further inside


def shown_range(index: Index, axes: set[Any]) -> set[Any] | None:
    """None where the shortest of the axes on which an index stands is the one that it ranges over, else the index alone."""
    return None if index.size in axes and all(never_negative(axis - index.size) for axis in axes) else {index}


def range_layout(index: Index, context: Context) -> Layout:
    """An index with what it ranges over, where nothing else shows that: q ≤ O, or q < O where indices count from 0."""
    return row(letter(index.name), *_up_to(index.size, context))


def _up_to(size: Any, context: Context) -> tuple[Layout, Layout]:
    close = size.is_Symbol or size.is_Integer
    sign = (Sign(" < ", "<"), Sign(r" \le ", "≤"))[context.style.index_base]
    return sign if close else Sign(sign.latex, f" {sign.text} "), _piece(size, context).layout


_LEFT_OUT: dict[type[Binder], Any] = {
    **dict.fromkeys((Largest, ArgMax), S.NegativeInfinity),
    **dict.fromkeys((Smallest, ArgMin), S.Infinity),
    Product: S.One,
    Sum: S.Zero,
}
"""What stands for the entries that a condition leaves out."""


def _conditions(body: Any, bound: set[Index], left_out: Any) -> tuple[list[Any], Any]:
    """The conditions on bound indices that a body carries, and the rest of it."""
    guards = list[Any]()
    while isinstance(body, Where) and body.args[2] is left_out and all(free_indices(f) & bound for f in factors(body.args[0])):
        guards, body = [*guards, *factors(body.args[0])], body.args[1]
    if guards:
        return guards, body
    found = [f for f in factors(body) if isinstance(f, (Differ, Below, AtMost, Inside)) and free_indices(f) & bound]
    if left_out is not S.Zero or len(found) == len(factors(body)):
        return [], body
    return sorted(found, key=signature), Mul(*[f for f in factors(body) if f not in found])


_RELATIONS: tuple[tuple[Any, Sign, Sign], ...] = (
    (Delta, Sign(" = ", "="), Sign(" = ", "=")),
    (Differ, Sign(r"\ne ", "≠"), Sign(r"\ne ", "≠")),
    (Below, Sign(" < ", "<"), Sign(" > ", ">")),
    (AtMost, Sign(r"\le ", "≤"), Sign(r"\ge ", "≥")),
)
"""Relations between indices, as they stand and turned round."""


def condition_layout(term: Any, context: Context, first: Index | None = None) -> Layout:
    """A condition as a relation: `j ≠ t`.  The index `first` stands on its left, a number on its right."""
    return _condition(_one_sided(_with_minima(term, context), context), context, first)


def _condition(term: Any, context: Context, first: Index | None = None) -> Layout:
    for kind, sign_, mirrored in _RELATIONS:
        if isinstance(term, kind):
            left, right = term.args
            if right == first or left.is_Integer:
                left, right, sign_ = right, left, mirrored
            if is_affine(left) or is_affine(right):
                sign_ = Sign(sign_.latex, f" {sign_.text} ")
            return row(index_layout(left, context), sign_, index_layout(right, context))
    if isinstance(term, Positive):
        return _compared(term.args[0], (Sign(" > ", " > "), Sign(" < ", " < ")), context)
    if isinstance(term, Inside) and isinstance(term.args[0], (Index, Label, ArgMax)):  # it is not negative
        return row(index_layout(term.args[0], context), *_up_to(term.args[1], context))
    if isinstance(term, Inside):
        low, high = Sign(r"0 \le ", "0 ≤ "), Sign(" < ", " < ")
        return row(low, _piece(term.args[0], context).layout, high, _piece(term.args[1], context).layout)
    opposite = _opposite(term)
    if opposite is not None:
        return _compared(opposite.args[0], (Sign(r" \le ", " ≤ "), Sign(r" \ge ", " ≥ ")), context)
    if (gap := _unequal(term)) is not None:
        return _compared(gap, (Sign(r" \ne ", " ≠ "),) * 2, context)
    if (gap := _unequal(1 - term)) is not None:
        return _compared(gap, (Sign(" = ", " = "),) * 2, context)
    if not term.is_Mul:
        return row(_piece(term, context).layout, Sign(" = ", " = "), Sign("1", "1"))
    return joined([_condition(f, context) for f in factors(term)], COMMA)


def _unequal(term: Any) -> Any:
    """The gap of [gap > 0] + [−gap > 0], which is 1 where it is not 0; None for another term."""
    if not (term.is_Add and len(term.args) == 2 and {Positive(-f.args[0]) for f in term.atoms(Positive)} == set(term.args)):
        return None
    return min((f.args[0] for f in term.args), key=lambda gap: (gap.could_extract_minus_sign(), signature(gap)))


def _compared(gap: Any, signs: tuple[Sign, Sign], context: Context) -> Layout:
    """A difference compared with 0, or a - b written as a compared with b; a number stands on the right."""
    if gap.is_Add and all(t.could_extract_minus_sign() for t in terms(gap)):
        gap, signs = -gap, signs[::-1]
    less = [t for t in terms(gap) if t.could_extract_minus_sign()]
    if len(terms(gap)) != 2 or not (len(less) == 1 or gap.args[0].is_number):
        if gap.could_extract_minus_sign():
            gap, signs = -gap, signs[::-1]
        return row(_piece(gap, context).layout, signs[0], Sign("0", "0"))
    right = less[0] if less else gap.args[0]
    left, right = gap - right, -right
    if left.is_number:
        left, right, signs = right, left, signs[::-1]
    return row(_piece(left, context).layout, signs[0], _piece(right, context).layout)


def _opposite(term: Any) -> Any:
    """The bracket b of 1 - b, or None."""
    return 1 - term if isinstance(1 - term, Positive) else None


def _bracket(term: Any, context: Context) -> Piece:
    return Piece(row(Sign(r"\mathbf{1}", "𝟙"), Fence(_condition(term, context), "[", "]")))


def _delta(term: Delta, context: Context) -> Piece:
    if {"delta", "δ"} & set(context.order):
        return _bracket(term, context)
    return Piece(subscripted(Sign(r"\delta", "δ"), [index_layout(a, context) for a in term.args]))


def _chosen(term: Any, below: bool = False) -> tuple[Any, Any, Any] | None:
    """(condition, where it holds, otherwise) of a choice, and `below` other cases of a bracket; a value for a = b comes before a
    choice for a ≠ b.
    """
    if not isinstance(term, Where):
        return (term, S.One, S.Zero) if below and (isinstance(term, Positive) or _opposite(term) is not None) else None
    condition, held, otherwise = term.args
    turned = isinstance(held, Where) and not isinstance(otherwise, Where) and _unequal(condition) is not None
    return (1 - condition, otherwise, held) if turned else (condition, held, otherwise)


def _where(term: Where, context: Context) -> Piece:
    return alternatives(
        term,
        _chosen,
        lambda t: _piece(t, context).layout,
        lambda conditions: all_of([_condition(c, context) for c in conditions]),
        context,
    )


def all_of(conditions: Sequence[Layout]) -> Layout:
    """Conditions of which each has to hold."""
    return joined(conditions, COMMA)


def alternatives(
    choice: Any,
    parts: Callable[[Any, bool], Any],
    shown: Callable[[Any], Layout],
    told: Callable[[Sequence[Any]], Layout],
    context: Context,
) -> Piece:
    """A choice as cases: those of a choice that is left where a condition fails are cases of this one, and those of one that is
    made where it holds have its condition, too; where that comes to the same if either fails, it is of both conditions.

    `parts` gives (condition, where it holds, otherwise) of a choice, and of a bracket where it is told that cases stand above
    it; None of anything else.  `shown` prints a value and `told` conditions.
    """

    def rows(choice: Any, held: tuple[Any, ...]) -> list[tuple[Any, tuple[Any, ...]]]:
        """The values of a choice with the conditions of each, the last with those that hold already."""
        found = list[tuple[Any, tuple[Any, ...]]]()
        while (taken := parts(choice, bool(found))) is not None:
            condition, value, choice = taken
            conditions = [condition]
            while (inner := parts(value, False)) is not None and inner[2] == choice:
                conditions.append(inner[0])
                value = inner[1]
            found += rows(value, (*held, *conditions))
        return [*found, (choice, held)]

    *cases, (last, _) = rows(choice, ())
    when, otherwise = context.style.when, context.style.otherwise
    shown_rows = [(shown(value), row(Sign(rf"\text{{{when} }} ", f"{when} "), told(conditions))) for value, conditions in cases]
    return Piece(Cases((*shown_rows, (shown(last), Sign(rf"\text{{{otherwise}}}", otherwise)))), ATOM)


def _extremum(sign_: Sign) -> Any:
    def printer(term: Maximum | Minimum, context: Context) -> Piece:
        numbers = [a for a in term.args if a.is_Rational and (sign_.text, Fraction(a.p, a.q)) in context.behind]
        args = [*(a for a in term.args if a not in numbers), *numbers]
        return called(sign_, [_piece(a, context).layout for a in args], context.style.separator)

    return printer


def _absolute(term: Any, context: Context) -> Piece:
    body = term.args[0]
    first = min(terms(body), key=lambda t: (context.place(t), t.could_extract_minus_sign()))
    return barred(_piece(-body if first.could_extract_minus_sign() else body, context).layout, "|")


def _gradient_by(term: Element, context: Context) -> Layout:
    """The entry that a gradient's entry is the derivative by: z_i of ∂L/∂z_i."""
    _, by = gradient_parts(term.name) or ("", "")
    return _element(Element(Symbol(by), *term.indices), context).layout


def _deriv(term: Deriv, context: Context) -> Piece:
    is_entry = isinstance(term.body, Element)
    opened = context.written(term, context) if context.written and is_entry else None
    if opened is not None:
        return opened
    return _second(term.body, term.by, context) or derivative(
        _piece(term.body, context), _piece(term.by, context).layout, is_entry
    )


def derivative(body: Piece, by: Layout, name: bool) -> Piece:
    """∂body/∂by: a name or a short product stands over the bar, anything else after it."""
    if name:
        return Piece(Frac(row(PARTIAL, body.layout), row(PARTIAL, by)), POWER)
    return Piece(row(Frac(PARTIAL, row(PARTIAL, by)), Fence(body.layout, "[", "]")), POWER)


def _adjoint(term: Adjoint, context: Context) -> Piece:
    return _second(term.output, term.by, context) or derivative(
        _piece(term.output, context), _piece(term.by, context).layout, True
    )


def _second(body: Any, by: Any, context: Context) -> Piece | None:
    """∂²L/∂z_i ∂z_j, the derivative of the gradient ∂L/∂z_i by an entry; None for any other derivative."""
    parts = gradient_parts(body.name) if isinstance(body, Element) else None
    if parts is None:
        return None
    first, then = _gradient_by(body, context), _piece(by, context).layout
    return Piece(second_derivative(context.called(parts[0]), first, then), POWER)


def second_derivative(of: Layout, first: Layout, then: Layout) -> Layout:
    """∂²L/∂x∂y, and ∂²L/∂x² where both are the same."""
    same = powered(Piece(first), Piece(TWICE)).layout
    return Frac(row(SECOND, of), row(PARTIAL, same) if first == then else row(PARTIAL, first, THIN, PARTIAL, then))


def _symbol(term: Any, context: Context) -> Piece:
    return Piece(name_layout(term.name))


_PRINTERS: tuple[tuple[Any, Any], ...] = (
    (Index, lambda t, c: Piece(letter(t.name))),
    (Label, lambda t, c: _element(t.element, c)),
    (Element, _element),
    (Product, _binder(PROD)),
    (Sum, _binder(SUM)),
    (Determinant, _determinant),
    (EntryOf, _entry_of),
    (NamedEntry, _named_entry),
    (Largest, _binder(Sign(r"\max", "max"))),
    (Smallest, _binder(Sign(r"\min", "min"))),
    (ArgMin, _binder(Sign(r"\operatorname*{arg\,min}", "argmin"))),
    (ArgMax, _binder(Sign(r"\operatorname*{arg\,max}", "argmax"))),
    (Delta, _delta),
    (Bracket, _bracket),
    (Where, _where),
    (Maximum, _extremum(Sign(r"\max", "max"))),
    (Minimum, _extremum(Sign(r"\min", "min"))),
    (exp, _exponential),
    (Abs, _absolute),
    (sign, lambda t, c: called(Sign(r"\operatorname{sign}", "sign"), [_piece(t.args[0], c).layout], c.style.separator)),
    (Deriv, _deriv),
    (Adjoint, _adjoint),
    (Exp1, lambda t, c: called(Sign(r"\exp", "exp"), [Sign("1", "1")], COMMA) if c.has_e else Piece(Sign("e", "e"))),
    (Pi, lambda t, c: Piece(Sign(r"\pi", "π"))),
    (NegativeInfinity, lambda t, c: Piece(Sign(r"-\infty", "−∞"), SUM_LEVEL)),
    (Infinity, lambda t, c: Piece(Sign(r"\infty", "∞"))),
    (Symbol, _symbol),
)
