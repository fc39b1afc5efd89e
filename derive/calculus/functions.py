"""The functions of one or more numbers, and of a matrix, that a definition may use.

`PRIMITIVES` is the table of those SymPy differentiates; a new primitive is one row, and one for each function in its slope.
Every other elementwise function (sigmoid, relu, gelu …) is a definition of the library: `named` makes a function of it that
keeps its name in formulas, and its slope is derived from the definition by the rules, like any other derivative.

`MATRIX_FUNCTIONS` is the table of those that take a square matrix as a whole and are no formula of its entries; what is a formula
of these (the trace, a norm) is written out.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from sympy import Abs, Expr, Function, Symbol, atan, cos, cosh, erf, exp, log, sign, sin, sinh, sqrt, tanh
from sympy.core.function import FunctionClass

from derive.calculus.terms import Determinant, Element, Index, Inverse, Maximum, OfMatrix, walk
from derive.errors import DeriveError, said


@dataclass(frozen=True)
class Primitive:
    """A function of so many `arguments`, and what SymPy calls it; by that name it is known to FLINT, NumPy and kernels, too.

    `exact` has the arguments at which its value is a whole number that is not to be rounded, `total` says that it has a value
    for every number.  Where kernels do not have it or a function in its slope, they say so.
    """

    arguments: int
    function: Callable[..., Any]
    exact: Mapping[int, int] = field(default_factory=dict)
    total: bool = False


class _Gamma(Function):
    """log Γ(x) for x > 0, or one of its derivatives; SymPy's own are written out as other functions where x is a whole number."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        place = GAMMAS.index(type(self)) + 1
        if place == len(GAMMAS):
            raise DeriveError(said("The slope of {name} is no function of the language.", name=type(self).__name__))
        return GAMMAS[place](self.args[0])


class lgamma(_Gamma):
    """log Γ(x)."""


class digamma(_Gamma):
    """ψ(x) = Γ'(x)/Γ(x): Abramowitz and Stegun (1964), section 6.3."""


class trigamma(_Gamma):
    """ψ'(x): Abramowitz and Stegun (1964), section 6.4."""

    is_positive = True


class tetragamma(_Gamma):
    """ψ''(x)."""

    is_negative = True


GAMMAS: tuple[type[_Gamma], ...] = (lgamma, digamma, trigamma, tetragamma)
"""Each the derivative of the one before it."""

PRIMITIVES: Mapping[str, Primitive] = {
    "exp": Primitive(1, exp, {0: 1}, total=True),
    "log": Primitive(1, log, {1: 0}),
    "sqrt": Primitive(1, sqrt),
    "abs": Primitive(1, Abs, total=True),
    "sin": Primitive(1, sin, {0: 0}, total=True),
    "cos": Primitive(1, cos, {0: 1}, total=True),
    "tanh": Primitive(1, tanh, {0: 0}, total=True),
    "erf": Primitive(1, erf, {0: 0}, total=True),
    "sinh": Primitive(1, sinh, {0: 0}, total=True),
    "cosh": Primitive(1, cosh, {0: 1}, total=True),
    "arctan": Primitive(1, atan, {0: 0}, total=True),
    "atan": Primitive(1, atan, {0: 0}, total=True),
    "sign": Primitive(1, sign, total=True),
    "lgamma": Primitive(1, lgamma, {1: 0, 2: 0}),
    "digamma": Primitive(1, digamma),
    "trigamma": Primitive(1, trigamma),
    "max": Primitive(2, lambda a, b: Maximum(*_ordered(a, b)), total=True),
    "min": Primitive(2, lambda a, b: -Maximum(*(-c for c in _ordered(a, b))), total=True),
}


def _ordered(*arguments: Any) -> list[Any]:
    """The arguments of a max, a constant first: at a tie the first is taken, and max(x, 0) is max(0, x)."""
    return sorted(arguments, key=lambda a: not a.is_number)


MATRIX_FUNCTIONS: Mapping[str, type[OfMatrix]] = {
    "det": Determinant,
    "inv": Inverse,
}
"""The functions of a square matrix.  Each has a row of `RULES` for its derivative, and one of `_EVALUATORS` for its value."""


class _NamedClass(FunctionClass):
    """The class of functions with definitions, which are pickled by these."""


class Named(Function, metaclass=_NamedClass):
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
    return cast("type[Named]", _NamedClass(name, (Named,), members))


class NamedEntry(Named):
    """An entry of what a function with a definition makes of a vector: softmax(z)_i, of `VectorOf(z_j, j)` and i.

    Made by `named_entry`.  `parameters` is the head of the vector, `body` the definition of the entry at `index`.
    """

    index: Index

    @property
    def vector(self) -> Any:
        return self.args[0]

    @property
    def place(self) -> Any:
        return self.args[1]

    @property
    def unfolded(self) -> Any:
        """The definition of this entry of this vector."""
        (given,), entry = self.vector.opened()
        size = self.index.size
        body = self.body.xreplace({size: given.size}) if size.is_Symbol else self.body
        body = body.xreplace({Index(self.index.label, given.size): self.place})

        def put(t: Any) -> Any:
            return entry.xreplace({given: t.indices[0]}) if isinstance(t, Element) and t.head in self.parameters else t

        return walk(body, put)


@cache
def named_entry(name: str, head: Symbol, index: Index, body: Expr) -> type[NamedEntry]:
    """An entry, at `index`, of what the function `name` makes of a vector with this head, defined by `body`."""
    members = {"parameters": (head,), "body": body, "index": index, "vocabulary": (), "nargs": 2, "__module__": __name__}
    return cast("type[NamedEntry]", _NamedClass(name, (NamedEntry,), members))


def _pickled(function: Any) -> Any:
    """How a class of functions is made again."""
    if function in (Named, NamedEntry):
        return function.__name__
    if issubclass(function, NamedEntry):
        return named_entry, (function.__name__, *function.parameters, function.index, function.body)
    return named, (function.__name__, function.parameters, function.body, function.vocabulary)


copyreg.pickle(_NamedClass, _pickled)


def written_out(term: Any) -> Any:
    """A term with the entries of functions of vectors as they are defined."""
    return walk(term, lambda t: t.unfolded if isinstance(t, NamedEntry) else t) if term.has(NamedEntry) else term


def is_entry_of_rows(call: NamedEntry) -> bool:
    """Whether a call is of a tensor over its last axis, so that any place can stand behind it: softmax(F)_ni."""
    (j,), entry = call.vector.opened()
    return isinstance(entry, Element) and entry.indices[-1] == j and entry.indices.count(j) == 1
