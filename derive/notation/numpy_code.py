"""Matrix forms as NumPy code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Abs, Min, log, sign
from sympy.printing.numpy import NumPyPrinter

from derive.calculus.matrix_algebra import (
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
    is_condition,
    is_power,
    shape,
    subforms,
    transposed,
)
from derive.calculus.matrix_form import matrix_form
from derive.calculus.terms import AtMost, Below, Delta, Differ, Inside, Maximum, Positive, Where
from derive.graphs.graph import gradient_parts


def numpy_code(form: Matrix) -> str:
    """The form as a NumPy expression; columns and rows are arrays of one axis.

    Tensors stand by their names, ∇_a L as `grad_a`, the Jacobian ∂y/∂a as `dy_da`, an axis size as `n`.  Functions that
    NumPy has not, erf and those of the library, stand by their names too.

    >>> numpy_code(MatMul((Transpose(Tensor("W", ("m", "n"))), Tensor("g", ("m", None)))))
    '(W.T @ g)'
    """
    match form:
        case Tensor(name):
            parts = gradient_parts(name)
            return name if parts is None else f"grad_{parts[1]}"
        case Derivative(of, by, ranks):
            return f"d{of}_d{by}" if ranks[0] else f"grad_{by}"
        case Identity(n):
            return f"np.eye({n})"
        case Ones(n):
            return f"np.ones({n})"
        case Unit(label, n):
            return f"np.eye({n})[{_number(label)}]"
        case OneHot(label, (_, n)):
            return f"np.eye({n})[{label}]"
        case Transpose(body):
            return numpy_code(body) if None in shape(body) else f"{numpy_code(body)}.T"
        case Inverted(body):
            return f"np.linalg.inv({numpy_code(body)})"
        case MatMul(args):
            return _numpy_product(args)
        case Hadamard(args):
            return _numpy_entrywise(args)
        case Diag(body) | Diagonal(body):
            return f"np.diag({numpy_code(body)})"
        case Stack(args):
            return f"np.concatenate([{', '.join(map(numpy_code, args))}])"
        case Trace(body):
            return f"np.trace({numpy_code(body)})"
        case Det(body):
            return f"np.linalg.det({numpy_code(body)})"
        case Apply(function, (Apply(inner, (Det(body),)),)) if function is log and inner is Abs:
            return f"np.linalg.slogdet({numpy_code(body)})[1]"
        case Norm(body, exponent):
            norm = f"np.linalg.norm({numpy_code(body)})"
            return norm if exponent == 1 else f"{norm}**{_factor(exponent)}"
        case Scaled(value, scalars, body):
            front = [_factor(value)] if value != 1 or not (scalars or body) else []
            pieces = [*front, *map(numpy_code, scalars), *([numpy_code(body)] if body else [])]
            return pieces[0] if len(pieces) == 1 else f"({' * '.join(pieces)})"
        case Plus(args):
            return "(" + "".join(f" {'-' if negative else '+'} {numpy_code(a)}" for negative, a in args).removeprefix(" + ") + ")"
        case Rows(function, body):
            return f"{function.__name__}({numpy_code(body)})"
        case Apply(function, args):
            return _numpy_apply(function, [numpy_code(a) for a in args])


def _numpy_entrywise(args: tuple[Matrix, ...]) -> str:
    """A product entry by entry; what is divided where a condition fails need not have a value there."""
    conditions = [a for a in args if is_condition(a)]
    rest = [a for a in args if a not in conditions]
    product = " * ".join(map(numpy_code, rest or args))
    if not conditions or not any(is_power(part) and part.function.is_negative for a in rest for part in subforms(a)):
        return f"({' * '.join(map(numpy_code, args))})"
    return f"np.where({' * '.join(map(numpy_code, conditions))}, {product}, 0)"


def _numpy_product(args: tuple[Matrix, ...]) -> str:
    """A chain of products; one that ends in a column is computed from the right, an outer product by `np.outer`."""
    column = next((k for k, a in enumerate(args[:-1], 1) if shape(a)[1] is None), None)
    if column is not None:
        return f"np.outer({_numpy_chain(args[:column])}, {_numpy_chain(args[column:])})"
    return _numpy_chain(args)


def _numpy_chain(args: tuple[Matrix, ...]) -> str:
    codes = [numpy_code(a) for a in args]
    if shape(args[-1])[1] is None and shape(args[0])[0] is not None:
        while len(codes) > 1:
            solved = _solved(args[len(codes) - 2], codes[-1])
            codes[-2:] = [solved or f"({codes[-2]} @ {codes[-1]})"]
    return codes[0] if len(codes) == 1 else f"({' @ '.join(codes)})"


def _solved(matrix: Matrix, right: str) -> str:
    """A⁻¹ b and A⁻ᵀ b by the system of equations that they solve; nothing for another product."""
    match matrix:
        case Inverted(body):
            return f"np.linalg.solve({numpy_code(body)}, {right})"
        case Transpose(Inverted(body)):
            return f"np.linalg.solve({numpy_code(transposed(body))}, {right})"
    return ""


class _Numbers(NumPyPrinter):
    """Scalars of a graph in NumPy; an entry picked by a label is an array's entry."""

    def _print_Element(self, term: Any) -> str:
        indices = ", ".join(map(self._print, term.indices))
        return f"{term.name}[{indices}]" if indices else str(term.name)

    def _print_ArgMax(self, term: Any) -> str:
        indices, body = term.opened()
        form = matrix_form(body, indices)
        assert form is not None  # it has one where it is a place of a matrix form
        return f"np.argmax({numpy_code(form)})"

    def _print_Label(self, term: Any) -> str:
        return str(self._print(term.element))

    def _print_Function(self, term: Any) -> str:
        return _numpy_apply(term.func, [self._print(a) for a in term.args])

    _print_Abs = _print_sign = _print_erf = _print_Function


def _number(value: Any) -> str:
    return str(_Numbers().doprint(value)).replace("numpy.", "np.")


def _factor(value: Any) -> str:
    """A number as a factor, in brackets where it is more than a name or digits."""
    code = _number(value)
    return code if code.isidentifier() or code.isdecimal() else f"({code})"


_CALLS: Mapping[Any, str] = {
    Abs: "np.abs({})",
    sign: "np.sign({})",
    Min: "np.minimum({}, {})",
    Maximum: "np.maximum({}, {})",
    Where: "np.where({}, {}, {})",
    Positive: "np.heaviside({}, 0)",
    Delta: "(1.0*({} == {}))",
    Differ: "(1.0*({} != {}))",
    Below: "(1.0*({} < {}))",
    AtMost: "(1.0*({} <= {}))",
    Inside: "(1.0*(0 <= {0})*({0} < {1}))",
}
"""How a function is called that SymPy has no NumPy code for, or another."""


def _numpy_apply(function: Any, args: list[str]) -> str:
    if not isinstance(function, type):
        exponent = f"({function}.0)" if function.is_Integer and function < 0 else _factor(function)
        return f"({args[0]}**{exponent})"
    if function in _CALLS:
        return _CALLS[function].format(*args)
    name = _Numbers().known_functions.get(function.__name__, "")
    called = f"np.{name.removeprefix('numpy.')}" if name.startswith("numpy.") else function.__name__
    return f"{called}({', '.join(args)})"
