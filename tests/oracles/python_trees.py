"""What Python reads where a tree is printed, and the same told of the tree: nested tuples, without brackets.

A number of a type is printed as a call, so both are one here.
"""

from __future__ import annotations

import ast
import math
from typing import Any

from derive.kernels.text import tree

SIGNS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.And: "and",
    ast.Or: "or",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def as_python_reads(node: Any) -> Any:
    """A function, a line or an expression that Python has read."""
    read = as_python_reads
    match node:
        case None | str():
            return node
        case list():
            return tuple(map(read, node))
        case ast.FunctionDef(name=name, args=arguments, body=body):
            return "def", name, tuple(a.arg for a in arguments.args), read(body)
        case ast.Assign(targets=[target], value=value):
            return "=", read(target), read(value)
        case ast.AugAssign(target=target, value=value):
            return "+=", read(target), read(value)
        case ast.For(target=target, iter=each, body=body):
            return "for", read(target), read(each), read(body)
        case ast.If(test=test, body=body, orelse=otherwise):
            return "if", read(test), read(body), read(otherwise)
        case ast.Return(value=ast.Tuple(elts=values)):
            return "return", read(values)
        case ast.Expr(value=value):
            return read(value)
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return f"{name}.{attribute}"
        case ast.Attribute(value=value, attr=attribute):
            return f"{read(value)}.{attribute}" if isinstance(read(value), str) else (".", read(value), attribute)
        case ast.Constant(value=value):
            return float(value)
        case ast.Call(func=function, args=arguments):
            return "call", read(function), read(arguments)
        case ast.BinOp(op=sign, left=left, right=right) | ast.BoolOp(op=sign, values=[left, right]):
            return SIGNS[type(sign)], read(left), read(right)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return "minus", read(operand)
        case ast.Compare(left=first, ops=signs, comparators=others):
            return "compare", read(first), tuple((SIGNS[type(s)], read(o)) for s, o in zip(signs, others, strict=True))
        case ast.IfExp(test=test, body=yes, orelse=no):
            return "choice", read(test), read(yes), read(no)
        case ast.Subscript(value=array, slice=ast.Tuple(elts=places)):
            return "entry", read(array), read(places)
        case ast.Subscript(value=array, slice=place):
            return "entry", read(array), (read(place),)
        case ast.Slice(lower=first, upper=end, step=None):
            return "span", read(first), read(end)
        case ast.Tuple(elts=items):
            return "several", read(items)
    raise AssertionError(f"nothing is known of {ast.dump(node)}")


def told(node: Any) -> Any:
    """The same of a tree."""
    match node:
        case None | str():
            return node
        case tuple():
            return tuple(map(told, node))
        case tree.Function(name=name, arguments=arguments, body=body):
            return "def", name, arguments, told(body)
        case tree.Assign(name=name, value=value):
            return "=", name, told(value)
        case tree.Store(entry=entry, value=value):
            return "=", told(entry), told(value)
        case tree.Increase(entry=entry, value=value):
            return "+=", told(entry), told(value)
        case tree.Loop(index=index, end=end, body=body, first=first, step=step, shared=shared):
            ends = tuple(told(e) for e in (first, end, step) if e is not None)
            return "for", index, ("call", "prange" if shared else "range", ends), told(body)
        case tree.If(test=test, body=body, otherwise=otherwise):
            return "if", told(test), told(body), told(otherwise)
        case tree.Return(values=values):
            return "return", told(values)
        case tree.Do(call=call):
            return told(call)
    return _expression(node)


def _expression(node: Any) -> Any:
    match node:
        case tree.Name(name=name):
            return name
        case tree.Number(value=value, kind=kind):
            if math.isinf(value):
                return "call", kind, ("np.inf",)
            return _signed(value) if kind == "float64" else ("call", kind, (_signed(value),))
        case tree.Whole(value=value):
            return _signed(float(value))
        case tree.Cast(kind=kind, of=of):
            return "call", kind, (told(of),)
        case tree.Call(function=function, arguments=arguments):
            return "call", function, told(arguments)
        case tree.Operation(sign=sign, left=left, right=right):
            return sign, told(left), told(right)
        case tree.Minus(of=of):
            return "minus", told(of)
        case tree.Comparison(first=first, others=others):
            return "compare", told(first), tuple((sign, told(other)) for sign, other in others)
        case tree.Joined(word=word, parts=(one, other)):
            return word, told(one), told(other)
        case tree.Choice(test=test, yes=yes, no=no):
            return "choice", told(test), told(yes), told(no)
        case tree.Entry(array=array, places=places):
            return "entry", told(array), told(places)
        case tree.Span(first=first, end=end):
            return "span", told(first), told(end)
        case tree.Reshaped(array=array, shape=shape):
            method = f"{told(array)}.reshape" if isinstance(array, tree.Name) else (".", told(array), "reshape")
            return "call", method, told(shape)
        case tree.Property(array=array, name=name):
            return f"{told(array)}.{name}"
        case tree.Several(items=items):
            return "several", told(items)
        case tree.Brackets(of=of):
            return told(of)
    raise AssertionError(f"nothing is known of {node}")


def _signed(value: float) -> Any:
    return ("minus", -value) if value < 0 else value
