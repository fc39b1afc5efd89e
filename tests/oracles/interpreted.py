"""Programs of kernels in NumPy numbers, one at a time: what the printed terms give, without a compiler.

The terms are printed as for a module (`Scope`) and run with scalars of the type, so every product and every quotient is taken in
the order in which a kernel takes it; elementary functions are rounded once, and flushed where those of kernels may be.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

from derive.calculus.terms import Element
from derive.kernels.program.elementary import FUNCTIONS, MATH
from derive.kernels.program.program import Program
from derive.kernels.program.statements import ARGMAX, LARGEST, MAP, PRODUCT, SUM, MatrixProduct, Statement, statements
from derive.kernels.text.python import function_lines
from derive.kernels.text.scope import Scope, repeated
from derive.kernels.text.tree import Expression, Function, If, Line, Name, Return, Several, at
from derive.values.evaluator import Evaluator

Array = Any

START = {SUM: 0, PRODUCT: 1, LARGEST: -math.inf, ARGMAX: -math.inf}

FAR = 1000
"""erf and the normal distribution are what they come to there; mpmath takes no argument of 1e30."""

EXACT: Mapping[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "exp_nonpositive": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": lambda x: mpmath.erf(max(min(x, FAR), -FAR)),
    "normal_cdf": lambda x: mpmath.erfc(-max(min(x, FAR), -FAR) / mpmath.sqrt(2)) / 2,
    "normal_pdf": lambda x: mpmath.exp(-(x**2) / 2) / mpmath.sqrt(2 * mpmath.pi),
}
"""The functions of FUNCTIONS in as many digits as are asked for."""


def interpreted(program: Program, arrays: Mapping[str, Array], sizes: Mapping[Any, int], dtype: str) -> dict[str, Array]:
    """Every tensor of a simple program at the arrays given, computed in numbers of a type."""
    known = {i.name: np.asarray(arrays[i.name], np.int64 if i.kind == "label" else dtype) for i in program.inputs}
    point = Evaluator(dict(sizes), {})
    with np.errstate(all="ignore"):
        for statement in statements(program):
            if isinstance(statement, MatrixProduct):
                known[statement.name] = _multiplied(statement, known)
            else:
                kind = np.int64 if statement.name in program.whole else dtype
                known[statement.name] = _computed(statement, known, point, dtype, kind)
    return known


def _multiplied(product: MatrixProduct, known: Mapping[str, Array]) -> Array:
    letters = {i: chr(ord("a") + k) for k, i in enumerate(dict.fromkeys((*product.a.indices, *product.b.indices)))}
    a, b, out = ("".join(letters[i] for i in e.indices) for e in (product.a, product.b, product.entry))
    return np.einsum(f"{a},{b}->{out}", known[product.a.name], known[product.b.name])


def _computed(statement: Statement, known: Mapping[str, Array], point: Evaluator, dtype: str, kind: Any) -> Array:
    out = np.full([point.size(axis) for axis in statement.axes], START.get(statement.kind, 0), dtype if kind == dtype else float)
    best = out.copy()
    loops = [*statement.indices, *statement.over]
    run = _function(statement, dtype)
    names = {**known, **{str(s): int(n) for s, n in point.sizes.items()}}
    for values in itertools.product(*(range(point.size(i.size)) for i in loops)):
        found = run(names, *values)
        if found is None:
            continue
        place, value = found
        if statement.kind == ARGMAX:
            if value > best[place] or (math.isnan(value) and not math.isnan(best[place])):
                best[place], out[place] = value, values[-1]
        else:
            out[place] = _joined(statement.kind, out[place], value)
    if statement.kind == ARGMAX:
        out[np.isinf(out)] = 0
    return out.astype(kind)


def _joined(kind: str, before: Any, value: Any) -> Any:
    if kind == MAP:
        return value
    if kind == LARGEST:
        return np.maximum(before, value)
    return before + value if kind == SUM else before * value


@cache
def _function(statement: Statement, dtype: str) -> Callable[..., Any]:
    """(names, index, …) -> (place, value) of a statement, or None outside its guard."""
    loops = [*statement.indices, *statement.over]
    letters = {i: Name(f"i{k}__") for k, i in enumerate(loops)}

    def access(e: Element) -> Expression:
        return at(at("A__", Name(repr(e.name))), places(e.indices))

    def places(indices: Iterable[Any]) -> Expression:
        return Several(tuple(map(scope.place, indices)))

    scope = Scope(dtype, access, letters, several=repeated([statement.term]))
    found = places(statement.entry.indices), scope.value(statement.term)
    body: tuple[Line, ...] = (*scope.lines, Return(found))
    if statement.scatter:
        body = (If(scope.condition(statement.guard), body),)
    text = "\n".join(function_lines(Function("run", ("A__", *(i.name for i in letters.values())), body)))
    space: dict[str, Any] = _Sizes(_numbers(dtype))
    exec(text, space)  # noqa: S102
    made = space["run"]

    def run(names: Mapping[str, Any], *values: int) -> Any:
        space.update({n: v for n, v in names.items() if isinstance(v, int)})
        return made(names, *values)

    return run


class _Sizes(dict[str, Any]):
    """The names that the printed code may use; sizes are put in as they are known."""


def _numbers(dtype: str) -> dict[str, Any]:
    kind = np.dtype(dtype).type

    def rounded(function: Callable[[Any], Any], flushes: bool) -> Callable[[Any], Any]:
        def of(x: Any) -> Any:
            with mpmath.workdps(40):
                value = function(mpmath.mpf(float(x)))
                if isinstance(value, mpmath.mpc):
                    return kind(math.nan)
                found = kind(float(value))
            return kind(0) if flushes and abs(found) < np.finfo(kind).tiny else found

        return of

    math_names = {n: rounded(getattr(mpmath, n), False) for n in MATH}
    return {
        "np": np,
        "abs": abs,
        "int32": int,
        "float32": np.float32,
        "float64": np.float64,
        "select": lambda c, a, b: kind(a) if c else kind(b),
        "maximum": np.maximum,
        "math": SimpleNamespace(sqrt=np.sqrt, pow=lambda a, b: np.power(kind(a), kind(b)), **math_names),
        **{name: rounded(EXACT[name], FUNCTIONS[name].flushes) for name in FUNCTIONS},
    }
