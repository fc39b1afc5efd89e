"""The functions of one or more numbers that a definition may use.

`PRIMITIVES` is the table of those SymPy differentiates; a new primitive is one row.  Every other elementwise function
(sigmoid, relu, gelu …) is a definition of the library: `named` makes a function of it that keeps its name in formulas,
and its slope is derived from the definition by the rules, like any other derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from sympy import Abs, Expr, Function, Symbol, cos, erf, exp, log, sin, sqrt, tanh

from derive.calculus.terms import Maximum

PRIMITIVES: dict[str, tuple[int, Callable[..., Any]]] = {
    # name: (number of arguments, the SymPy function)
    "exp": (1, exp),
    "log": (1, log),
    "sqrt": (1, sqrt),
    "abs": (1, Abs),
    "sin": (1, sin),
    "cos": (1, cos),
    "tanh": (1, tanh),
    "erf": (1, erf),
    "max": (2, Maximum),
    "min": (2, lambda a, b: -Maximum(-a, -b)),
}


class Named(Function):
    """A function with a definition: `parameters` and `body`, a term in them.  Made by `named`.

    `vocabulary` are the functions that its slope may be written with.
    """

    parameters: tuple[Symbol, ...]
    body: Expr
    vocabulary: tuple[type[Named], ...]
    is_real = True

    def _eval_is_positive(self) -> bool | None:
        return self.body.is_positive

    def _eval_is_nonnegative(self) -> bool | None:
        return self.body.is_nonnegative

    @property
    def unfolded(self) -> Any:
        """The definition at these arguments."""
        return self.body.xreplace(dict(zip(self.parameters, self.args, strict=True)))


@cache
def named(name: str, parameters: tuple[Symbol, ...], body: Expr, vocabulary: tuple[type[Named], ...] = ()) -> type[Named]:
    """The function `name` defined by `body`; the same arguments give the same function."""
    members = {"parameters": parameters, "body": body, "vocabulary": vocabulary, "nargs": len(parameters), "__module__": __name__}
    return cast("type[Named]", type(name, (Named,), members))
