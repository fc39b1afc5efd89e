"""Matrix forms as printed mathematics, and as NumPy code, from the same tree."""

from __future__ import annotations

from typing import Any

from sympy import Abs, erf, exp, sign
from sympy.printing.numpy import NumPyPrinter

from derive.calculus.functions import Named
from derive.calculus.matrix import Apply, Diag, Hadamard, Leaf, Matrix, Ones, Plus, Product, Scaled, Transpose
from derive.calculus.terms import Adjoint, Delta, Label, Maximum, Positive
from derive.notation.layout import Fence, Layout, Row, Script, Sign, joined, row
from derive.notation.pieces import ATOM, POWER, PREFIX, PRODUCT_LEVEL, Piece, added, called, fenced, multiplied, powered
from derive.notation.style import name_layout
from derive.notation.terms import Context, function_name
from derive.notation.terms import layout as term_layout
from derive.notation.terms import piece as term_piece

TRANSPOSE = Sign(r"\top", "T")
NABLA = Sign(r"\nabla", "∇")
HADAMARD, DIVIDED = Sign(r" \odot ", " ⊙ "), Sign(r" \oslash ", " ⊘ ")


def nabla(of: str, by: str, rank: int) -> Layout:
    """∇_W L, the gradient of L by the tensor W."""
    return row(Script(NABLA, name_layout(by, rank)), Sign("", " "), name_layout(of))


def layout(form: Matrix, context: Context | None = None) -> Layout:
    """The printed matrix form."""
    return _piece(form, context or Context()).layout


def _piece(form: Matrix, context: Context) -> Piece:
    match form:
        case Leaf(term):
            return _leaf(term, form, context)
        case Ones():
            return Piece(Sign(r"\mathbf{1}", "𝟏"))
        case Transpose(body):
            return _transpose(_piece(body, context))
        case Product(args):
            *first, last = (_piece(a, context) for a in args)
            return multiplied([*(Piece(fenced(a, POWER)) for a in first), Piece(fenced(last, PREFIX))], Sign("", " "))
        case Hadamard(args):
            return _hadamard(args, context)
        case Diag(body):
            return called(Sign(r"\operatorname{diag}", "diag"), [_piece(body, context).layout], context.style.separator)
        case Scaled(number, scalars, body):
            pieces = [term_piece(number, context)] if number != 1 or not (scalars or body) else []
            pieces += [Piece(Fence(_piece(s, context).layout)) if isinstance(s, Product) else _piece(s, context) for s in scalars]
            factor = _piece(body, context) if isinstance(body, Product) else _factor_piece(body, context) if body else None
            return multiplied(pieces + ([factor] if factor else []), Sign("", " "))
        case Plus(args):
            return added([Piece(p.layout, p.level, negative) for negative, a in args for p in [_piece(a, context)]])
        case Apply(function, args):
            return _apply(function, [_piece(a, context) for a in args], context)


def _hadamard(args: tuple[Matrix, ...], context: Context) -> Piece:
    """x ⊙ y, and x ⊘ y where y has the exponent -1."""
    below = [a for a in args if isinstance(a, Apply) and a.function == -1]
    above = [a for a in args if a not in below]
    if not above:
        above, below = list(args), []
    out = joined([fenced(_factor_piece(a, context), POWER) for a in above], HADAMARD)
    for a in below:
        out = row(out, DIVIDED, fenced(_factor_piece(a.args[0], context), POWER))
    return Piece(out, PRODUCT_LEVEL)


def _factor_piece(form: Matrix, context: Context) -> Piece:
    """A factor of an elementwise product: a matrix product stands in brackets there."""
    piece = _piece(form, context)
    return Piece(Fence(piece.layout)) if isinstance(form, (Product, Hadamard)) else piece


def _leaf(term: Any, form: Leaf, context: Context) -> Piece:
    if isinstance(term, Adjoint):
        return Piece(nabla(term.output.name, term.by.name, len(form.axes)), PREFIX)
    if isinstance(term, Delta):
        label = next((a for a in term.args if isinstance(a, Label)), None)
        return (
            Piece(Sign(r"\mathbf{I}", "𝐈"))
            if label is None
            else Piece(Script(Sign(r"\mathbf{e}", "𝐞"), term_layout(label, context)))
        )
    return Piece(name_layout(term.name, len(term.indices)))


def _transpose(body: Piece) -> Piece:
    base = body.layout if body.level == ATOM and not isinstance(body.layout, Row) else Fence(body.layout)
    if isinstance(base, Script) and base.sup is not None:
        return Piece(Script(base.base, base.sub, row(base.sup, TRANSPOSE)), POWER)
    return Piece(Script(base.base, base.sub, TRANSPOSE) if isinstance(base, Script) else Script(base, None, TRANSPOSE), POWER)


def _apply(function: Any, args: list[Piece], context: Context) -> Piece:
    if not isinstance(function, type):
        exponent = term_layout(function, context)
        return powered(args[0], Piece(row(Sign(r"\odot ", "∘"), exponent)))
    if function is Positive:
        inside = row(args[0].layout, Sign(" > ", " > "), Sign("0", "0"))
        return Piece(row(Sign(r"\mathbf{1}", "𝟙"), Fence(inside, "[", "]")))
    if function is Abs:
        return Piece(Fence(args[0].layout, "|", "|"))
    name = {Maximum: Sign(r"\max", "max"), exp: Sign(r"\exp", "exp"), sign: Sign(r"\operatorname{sign}", "sign")}.get(function)
    return called(name or function_name(function.__name__), [a.layout for a in args], context.style.separator)


# ---------------------------------------------------------------- NumPy


def numpy_code(form: Matrix) -> str:
    """The form as a NumPy expression; tensors by their names, the gradient of L by a as `grad_a`, an axis size as `n`.

    Functions that NumPy has not, erf and those of the library, stand by their names too.
    """
    match form:
        case Leaf(term):
            return _numpy_leaf(term)
        case Ones(axes):
            return f"np.ones({axes[0].size})"
        case Transpose(body):
            return numpy_code(body) if len(body.axes) == 1 else f"{numpy_code(body)}.T"
        case Product(args) if len(form.axes) == 2 and len(args) == 2 and all(len(a.axes) == 1 for a in args):
            return f"np.outer({numpy_code(args[0])}, {numpy_code(args[1])})"
        case Product(args):
            return f"({' @ '.join(map(numpy_code, args))})"
        case Hadamard(args):
            return f"({' * '.join(map(numpy_code, args))})"
        case Diag(body):
            return f"np.diag({numpy_code(body)})"
        case Scaled(number, scalars, body):
            parts = [_numpy_number(number)] if number != 1 or not (scalars or body) else []
            return f"({' * '.join([*parts, *map(numpy_code, scalars), *([numpy_code(body)] if body else [])])})"
        case Plus(args):
            return "(" + "".join(f" {'-' if negative else '+'} {numpy_code(a)}" for negative, a in args).removeprefix(" + ") + ")"
        case Apply(function, args):
            return _numpy_apply(function, [numpy_code(a) for a in args])


def _numpy_leaf(term: Any) -> str:
    if isinstance(term, Adjoint):
        return f"grad_{term.by.name}"
    if isinstance(term, Delta):
        label = next((a for a in term.args if isinstance(a, Label)), None)
        index = next(a for a in term.args if a is not label)
        return f"np.eye({index.size})" + ("" if label is None else f"[{label.element.name}]")
    return str(term.name)


class _Numbers(NumPyPrinter):
    """Scalars of a graph in NumPy; an entry picked by a label is an array's entry."""

    def _print_Element(self, term: Any) -> str:
        indices = ", ".join(map(self._print, term.indices))
        return f"{term.name}[{indices}]" if indices else str(term.name)

    def _print_Label(self, term: Any) -> str:
        return str(self._print(term.element))

    def _print_Positive(self, term: Any) -> str:
        return _numpy_apply(Positive, [self._print(term.args[0])])

    def _print_Maximum(self, term: Any) -> str:
        return _numpy_apply(Maximum, [self._print(a) for a in term.args])

    def _print_Where(self, term: Any) -> str:
        return f"np.where({', '.join(map(self._print, term.args))})"

    def _print_Delta(self, term: Any) -> str:
        return f"1.0*({' == '.join(map(self._print, term.args))})"

    def _print_Differ(self, term: Any) -> str:
        return f"1.0*({' != '.join(map(self._print, term.args))})"

    def _print_Function(self, term: Any) -> str:
        return _numpy_apply(term.func, [self._print(a) for a in term.args])


def _numpy_number(number: Any) -> str:
    return f"({_Numbers().doprint(number).replace('numpy.', 'np.')})"


def _numpy_apply(function: Any, args: list[str]) -> str:
    if not isinstance(function, type):
        return f"{args[0]}**({function})" if function.is_Integer and function > 0 else f"{args[0]}**({float(function)})"
    if function is Positive:
        return f"np.heaviside({args[0]}, 0)"
    if function is Maximum:
        return f"np.maximum({', '.join(args)})"
    if issubclass(function, (Named, erf)):
        return f"{function.__name__}({', '.join(args)})"
    return f"np.{'abs' if function is Abs else function.__name__}({', '.join(args)})"
