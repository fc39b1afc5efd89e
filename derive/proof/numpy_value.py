"""NumPy code that was printed, run as it stands: Python's grammar reads it, and only what `notation.numpy_code` prints is known.

Nothing is handed to `eval`, so a certificate can compare the very text that a reader copies.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


_LINALG: Mapping[str, Callable[..., Any]] = {
    "norm": np.linalg.norm,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": np.linalg.slogdet,
    "solve": np.linalg.solve,
}


def run_numpy(code: str, names: Mapping[str, Any]) -> Any:
    """The value of a NumPy expression in which `names` stand for arrays, numbers and functions.

    Raises ValueError for any other Python, KeyError for a name that is not given.
    """
    with np.errstate(all="ignore"):
        return _value(ast.parse(code, mode="eval").body, names)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.List(elts=parts):
            return [_value(part, names) for part in parts]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(operand, names))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left, names), _value(right, names))
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left, names), _value(right, names))
        case ast.Attribute(value=ast.Name(id="np"), attr="pi" | "e" as constant):
            return getattr(np, constant)
        case ast.Attribute(value=body, attr="T"):
            return _value(body, names).T
        case ast.Subscript(value=body, slice=ast.Tuple(elts=places)):
            return _value(body, names)[tuple(_value(p, names) for p in places)]
        case ast.Subscript(value=body, slice=place):
            return _value(body, names)[_value(place, names)]
        case ast.Call(func=function, args=args, keywords=[]):
            return _function(function, names)(*(_value(a, names) for a in args))
    raise ValueError(f"{ast.unparse(node)} is not NumPy code that is printed here")


def _function(node: ast.expr, names: Mapping[str, Any]) -> Callable[..., Any]:
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np"), attr="linalg"), attr=name) if name in _LINALG:
            return _LINALG[name]
        case ast.Attribute(value=ast.Name(id="np"), attr=name) if callable(getattr(np, name, None)):
            found: Callable[..., Any] = getattr(np, name)
            return found
        case ast.Name(id=name):
            given: Callable[..., Any] = names[name]
            return given
    raise ValueError(f"{ast.unparse(node)} is not a function that is printed here")
