"""Matrix forms as printed mathematics; `numpy_code` prints NumPy code from the same tree."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sympy import Abs, Min, S, Symbol, exp, fraction, sign

from derive.calculus.matrix_algebra import (
    SCALAR,
    Apply,
    Derivative,
    Det,
    Diag,
    Diagonal,
    Hadamard,
    Identity,
    Inverted,
    MatMul,
    Matrix,
    Norm,
    OneHot,
    Ones,
    Plus,
    Rows,
    Scaled,
    Stack,
    Tensor,
    Trace,
    Transpose,
    Unit,
    entry,
    is_condition,
    is_constant,
    power,
    scaled,
    shape,
    size,
    subforms,
)
from derive.calculus.matrix_form import matrix_form
from derive.calculus.terms import ArgMax, Delta, Element, Index, Label, Maximum, Positive, Where, unused
from derive.graphs.graph import gradient_parts
from derive.language.letters import capital
from derive.notation.context import Context
from derive.notation.layout import (
    DIVIDED,
    ENTRYWISE,
    EQUALS,
    HADAMARD,
    IDENTITY,
    PARTIAL,
    Fence,
    Frac,
    Grid,
    Layout,
    Root,
    Script,
    Sign,
    joined,
    row,
)
from derive.notation.pieces import (
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
    powered,
    subscripted,
    transposed,
)
from derive.notation.style import name_layout
from derive.notation.terms import DET, all_of, alternatives, as_decimal, condition_layout, function_name, index_layout
from derive.notation.terms import piece as term_piece

NABLA = Sign(r"\nabla", "∇")
ONE = Sign(r"\mathbf{1}", "𝟏")
SPACE = Sign("", " ")

FUNCTIONS: dict[Any, Sign] = {
    Maximum: Sign(r"\max", "max"),
    Min: Sign(r"\min", "min"),
    exp: Sign(r"\exp", "exp"),
    sign: Sign(r"\operatorname{sign}", "sign"),
}


def nabla(of: str, by: str, rank: int, context: Context) -> Layout:
    """∇_W L, the gradient of L by the tensor W."""
    return row(Script(NABLA, context.called(by, rank)), SPACE, context.called(of))


def derivative(of: str, by: str, ranks: tuple[int, int], context: Context) -> Layout:
    """What a derivative as a whole is called: ∇_W L of a scalar by a tensor, else ∂y/∂x."""
    if not ranks[0] and ranks[1]:
        return nabla(of, by, ranks[1], context)
    return Frac(row(PARTIAL, _name(of, ranks[0], context).layout), row(PARTIAL, context.called(by, ranks[1])))


def layout(form: Matrix, context: Context | None = None) -> Layout:
    """The printed matrix form."""
    return _piece(form, context or Context()).layout


def _piece(form: Matrix, context: Context) -> Piece:
    match form:
        case Tensor(name, axes):
            return _name(name, sum(n is not None for n in axes), context)
        case Derivative(of, by, ranks):
            return Piece(derivative(of, by, ranks, context), PREFIX if ranks[1] and not ranks[0] else POWER)
        case Identity():
            return Piece(IDENTITY)
        case Ones():
            return Piece(ONE)
        case Unit(label):
            place = _largest(label, context) if isinstance(label, ArgMax) else index_layout(label, context)
            return Piece(Script(Sign(r"\mathbf{e}", "𝐞"), place))
        case OneHot(label):
            return Piece(one_hot(label, context))
        case Transpose(body):
            return transposed(_piece(body, context))
        case MatMul(args):
            return _chain([_repeated(a, len([*equal]), context) for a, equal in groupby(args)])
        case Hadamard(args):
            return _hadamard(args, context)
        case Diag(body) | Diagonal(body):
            return called(Sign(r"\operatorname{diag}", "diag"), [_piece(body, context).layout], context.style.separator)
        case Stack(args):
            return Piece(Grid(tuple((_piece(a, context).layout,) for a in args), context.style.separator.text))
        case Trace(body):
            return called(Sign(r"\operatorname{tr}", "tr"), [_piece(body, context).layout], context.style.separator)
        case Det(body):
            return called(DET, [_piece(body, context).layout], context.style.separator)
        case Inverted(body):
            return inverted(_piece(body, context))
        case Norm():
            return _norm(form, context)
        case Scaled():
            return _scaled(form, context)
        case Plus() if is_condition(form):
            return _bracket(form, context)
        case Plus():
            return added(
                [Piece(p.layout, p.level, negative) for negative, a in _ordered(form, context) for p in [_piece(a, context)]]
            )
        case Rows(function, body):
            return called(function_name(function.__name__, context), [_argument(body, context).layout], context.style.separator)
        case Apply(function, args):
            return _apply(function, args, context)


def _largest(place: ArgMax, context: Context) -> Layout:
    """Where a column is largest: argmax(s)."""
    indices, body = place.opened()
    column = matrix_form(body, indices)
    assert column is not None  # it has one where it is a place of a matrix form
    return called(Sign(r"\operatorname{argmax}", "argmax"), [_piece(column, context).layout], context.style.separator).layout


def one_hot(label: str, context: Context) -> Layout:
    """What the matrix of one-hot rows of the labels t is called: T, where that means nothing else."""
    taken = {*context.order, *(name for _, name in context.shown), *(str(size) for size, _ in context.letters)}
    name = capital(label)
    if name and name not in taken:
        return name_layout(name, 2)
    return Script(Sign(r"\mathbf{E}", "𝐄"), name_layout(label))


def one_hots(form: Matrix) -> tuple[OneHot, ...]:
    """The matrices of one-hot rows in a form."""
    return tuple(dict.fromkeys(part for part in subforms(form) if isinstance(part, OneHot)))


def one_hot_entry(form: OneHot, context: Context) -> Layout:
    """What a matrix of one-hot rows is: T_ij = δ_{j,t_i}."""
    rows, columns = form.shape
    i, j = context.naming((Index(unused("i"), rows), Index(unused("j"), columns))).values()
    label = Label(Element(Symbol(form.label, integer=True), i), columns)
    entry = subscripted(one_hot(form.label, context), [index_layout(k, context) for k in (i, j)])
    return row(entry, EQUALS, term_piece(Delta(j, label), context).layout)


def _name(name: str, rank: int, context: Context) -> Piece:
    """A tensor by its name; a gradient that is one as ∇_z L."""
    parts = gradient_parts(name)
    return Piece(context.called(name, rank)) if parts is None else Piece(nabla(*parts, rank, context), PREFIX)


def _repeated(form: Matrix, times: int, context: Context) -> Piece:
    """A factor, or a power of it."""
    piece = _piece(form, context)
    return piece if times == 1 else powered(piece, Piece(context.style.number(str(times))))


def _chain(pieces: list[Piece]) -> Piece:
    """Factors side by side; only the last may be a prefix without brackets."""
    *first, last = pieces
    if not first:
        return last
    return multiplied([*(Piece(fenced(p, POWER)) for p in first), Piece(fenced(last, PREFIX))], SPACE)


def _hadamard(args: tuple[Matrix, ...], context: Context) -> Piece:
    """x ⊙ y, and x ⊘ y where y has a negative exponent; 𝟏 is a column, so that one over a matrix is X^(⊙-1)."""
    ordered = sorted(args, key=lambda a: _place(a, context))
    below = [a for a in ordered if _is_inverse(a)]
    above = [a for a in ordered if a not in below]
    if not above and None not in shape(below[0]):
        above, below = below[:1], below[1:]
    out = joined([fenced(_operand(a, context), POWER) for a in above] or [ONE], HADAMARD)
    for a in below:
        out = row(out, DIVIDED, fenced(_operand(_inverse(a), context), POWER))
    return Piece(out, PRODUCT_LEVEL)


def _operand(form: Matrix, context: Context) -> Piece:
    """A factor of an elementwise product: a matrix product stands in brackets there."""
    piece = _piece(form, context)
    return Piece(Fence(piece.layout)) if isinstance(form, (MatMul, Hadamard)) else piece


def _is_inverse(form: Matrix) -> bool:
    match form:
        case Norm(_, exponent) | Apply(exponent, (_,)):
            return not isinstance(exponent, type) and bool(exponent.is_negative)
    return False


def _inverse(form: Matrix) -> Matrix:
    """One over a power."""
    match form:
        case Norm(body, exponent):
            return Norm(body, -exponent)
        case Apply(exponent, (body,)):
            return power(body, -exponent)
    raise TypeError(f"{form} is no power")


def _scaled(form: Scaled, context: Context) -> Piece:
    """Numbers and scalars in front, as a fraction where something is divided by; scalar products in brackets; the body."""
    decimal = form.number.is_Rational and as_decimal(abs(form.number), context)
    top, bottom = (form.number, S.One) if decimal else fraction(form.number)
    below = [_piece(_inverse(s), context) for s in form.scalars if _is_inverse(s)]
    front = [s for s in form.scalars if not _is_inverse(s)]
    pieces: list[Piece] = []
    if below:
        under = [*([term_piece(bottom, context)] if bottom != 1 else []), *below]
        over = [*([term_piece(top, context)] if top != 1 else []), *(_scalar(s, context) for s in front if not _is_long(s))]
        front = [s for s in front if _is_long(s)]
        if form.body is None and not over and len(front) == 1:
            over, front = [_piece(front[0], context)], []
        pieces.append(divided(multiplied(over, SPACE) if over else Piece(Sign("1", "1")), multiplied(under, SPACE)))
    elif form.number != 1 or not (front or form.body):
        factor = term_piece(form.number, context)
        pieces.append(Piece(factor.layout, max(factor.level, POWER)) if factor.level >= PRODUCT_LEVEL else factor)
    alone = form.body is None and len(front) == 1
    pieces += [_piece(s, context) if alone else _scalar(s, context) for s in front]
    if form.body is not None:
        pieces.append(_piece(form.body, context))
    return multiplied(pieces, SPACE)


def _is_long(scalar: Matrix) -> bool:
    """Whether a scalar stands behind a fraction, not on it."""
    return isinstance(scalar, (MatMul, Trace, Plus, Derivative))


def _scalar(form: Matrix, context: Context) -> Piece:
    """A scalar as a factor: a product of a row and a column in brackets."""
    piece = _piece(form, context)
    return Piece(Fence(piece.layout)) if isinstance(form, MatMul) else piece


def _norm(form: Norm, context: Context) -> Piece:
    """‖x‖, ‖X‖_F and their powers."""
    if _is_inverse(form):
        return divided(Piece(Sign("1", "1")), _norm(Norm(form.body, -form.exponent), context))
    body = barred(_piece(form.body, context).layout, "‖").layout
    under = None if None in shape(form.body) else Sign("F", "F")
    exponent = None if form.exponent == 1 else term_piece(form.exponent, context).layout
    return Piece(Script(body, under, exponent) if under or exponent else body, POWER)


def _apply(function: Any, args: tuple[Matrix, ...], context: Context) -> Piece:
    if function is Where:
        return alternatives(
            Apply(function, args),
            lambda form, _: form.args if isinstance(form, Apply) and form.function is Where else None,
            lambda form: _piece(form, context).layout,
            lambda conditions: all_of([_condition(c, context) for c in conditions]),
            context,
        )
    if not isinstance(function, type):
        return _power(function, args[0], _piece(args[0], context), context)
    pieces = [_argument(a, context) for a in args]
    if function is Positive:
        return _bracket(Apply(function, args), context)
    if function is Abs:
        return barred(pieces[0].layout, "|")
    return called(
        FUNCTIONS.get(function) or function_name(function.__name__, context), [p.layout for p in pieces], context.style.separator
    )


def _argument(form: Matrix, context: Context) -> Piece:
    """An argument of a function, in which what a number divides stands over it: exp(q/α), not exp((1/α) q)."""
    match form:
        case Plus() if not is_condition(form):
            pieces = ((negative, _argument(a, context)) for negative, a in _ordered(form, context))
            return added([Piece(p.layout, p.level, negative) for negative, p in pieces])
        case Scaled(value, scalars, body) if not any(map(_is_inverse, scalars)) and (scalars or body):
            top, bottom = fraction(value)
            if bottom == 1 or (value.is_Rational and not isinstance(body, Plus)):
                return _piece(form, context)
            return divided(_piece(scaled(top, scalars, body), context), term_piece(bottom, context))
    return _piece(form, context)


def _bracket(form: Matrix, context: Context) -> Piece:
    return Piece(row(Sign(r"\mathbf{1}", "𝟙"), Fence(_condition(form, context), "[", "]")))


def _power(exponent: Any, base: Matrix, piece: Piece, context: Context) -> Piece:
    """A power, entry by entry: √x, 𝟏 ⊘ x, x^(⊙2), X^(⊙-1); of a scalar as of any number."""
    scalar = shape(base) == SCALAR
    if exponent.is_negative:
        under = _piece(power(base, -exponent), context)
        if scalar:
            return divided(Piece(Sign("1", "1")), under)
        if None not in shape(base):
            return powered(piece, Piece(row(ENTRYWISE, term_piece(exponent, context).layout)))
        return Piece(row(ONE, DIVIDED, fenced(under, POWER)), PRODUCT_LEVEL)
    if exponent == S.Half and None in shape(base):
        return Piece(Root(piece.layout), POWER)
    shown = term_piece(exponent, context)
    return powered(piece, shown if scalar else Piece(row(ENTRYWISE, shown.layout)))


def _condition(form: Matrix, context: Context) -> Layout:
    """A condition as a relation: a > b, a ≤ b."""
    match form:
        case Apply(function, (body,)) if function is Positive:
            return _compared(body, (Sign(" > ", " > "), Sign(" < ", " < ")), context)
        case Plus(((False, _), (True, Apply(function, (body,))))) if function is Positive:
            return _compared(body, (Sign(r" \le ", " ≤ "), Sign(r" \ge ", " ≥ ")), context)
        case Hadamard(args):
            return joined([_condition(a, context) for a in args], Sign(", ", ", "))
        case Scaled(condition, (), None):
            return condition_layout(condition, context)
    return row(_piece(form, context).layout, Sign(" = ", " = "), Sign("1", "1"))


def _compared(form: Matrix, relations: tuple[Sign, Sign], context: Context) -> Layout:
    """A difference of two terms as one against the other, anything else against 0; numbers without their 𝟏.

    `relations` are the relation and that for the other sign: −x − 𝟏 > 0 is x < −1.
    """
    relation, mirrored = relations
    signs = [negative for negative, _ in form.args] if isinstance(form, Plus) else []
    if isinstance(form, Plus) and sorted(signs) == [False, True]:
        left, right = (next(a for n, a in form.args if n is negative) for negative in (False, True))
        if is_constant(left) and entry(left).is_number:
            left, right, relation = right, left, mirrored
        return row(_side(left, context), relation, _side(right, context))
    if isinstance(form, Plus) and all(signs):
        terms = tuple((False, a) for _, a in form.args)
        whole = terms[0][1] if len(terms) == 1 else Plus(terms)
        rest, number = _without_number(whole)
        return row(_argument(rest, context).layout, mirrored, term_piece(-number, context).layout)
    return row(_argument(form, context).layout, relation, Sign("0", "0"))


def _without_number(form: Matrix) -> tuple[Matrix, Any]:
    """A form x + c 𝟏 as x and c; any other with 0."""
    match form:
        case Plus(((False, a), (False, b))) if is_constant(a) != is_constant(b):
            constant, rest = (a, b) if is_constant(a) else (b, a)
            return rest, entry(constant)
    return form, S.Zero


def _side(form: Matrix, context: Context) -> Layout:
    if is_constant(form) and shape(form) != SCALAR:
        return term_piece(entry(form), context).layout
    return _argument(form, context).layout


# ---------------------------------------------------------------- the order of terms and factors


def _names(form: Matrix) -> list[str]:
    """The tensors in a form, from the left."""
    found = []
    for part in subforms(form):
        match part:
            case Tensor(name) | Derivative(_, name) | OneHot(name):
                found.append(name)
    return found


def _ordered(form: Plus, context: Context) -> list[tuple[bool, Matrix]]:
    """Positive terms first, products of matrices before single tensors, constants where a book puts them; -(a + b) as -a - b."""
    match form.args:
        case ((True, Plus(args)),) if not any(negative for negative, _ in args):
            form = Plus(tuple((True, a) for _, a in args))

    def key(arg: tuple[bool, Matrix]) -> tuple[Any, ...]:
        return arg[0], is_constant(arg[1]), not _contracts(arg[1]), _place(arg[1], context)

    ordered = sorted(form.args, key=key)
    if all(negative or is_constant(a) for negative, a in ordered):
        return ordered
    constants = [arg for arg in ordered if not arg[0] and is_constant(arg[1])]
    return [*(arg for arg in ordered if arg not in constants), *constants]


def _place(form: Matrix, context: Context) -> tuple[Any, ...]:
    """Derivatives, then tensors in the order in which their author mentions them, then functions, then sums, then conditions."""
    order = {name: k for k, name in enumerate(context.order)}
    body = form.body if isinstance(form, Transpose) else form
    kind = next((k for k, kinds in enumerate(_KINDS) if isinstance(body, kinds)), len(_KINDS))
    if isinstance(body, Apply) and body.function is Positive:
        kind = len(_KINDS) + 1
    return kind, min((order.get(n, len(order)) for n in _names(form)), default=-1), size(form), repr(form)


_KINDS: tuple[Any, ...] = ((Derivative,), (Tensor, Unit, OneHot, Inverted), (MatMul, Scaled, Hadamard, Apply, Diag, Stack, Det))


def _contracts(form: Matrix) -> bool:
    """Whether a form is a product of matrices, or of a matrix and a column, up to a number."""
    match form:
        case MatMul(args):
            return any(None not in shape(a) for a in args)
        case Scaled(_, _, body):
            return body is not None and _contracts(body)
    return False
