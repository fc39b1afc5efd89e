"""Trees as Python, which Numba compiles or Python runs: one row for each kind of node."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from derive.kernels.text import tree
from derive.kernels.text.tree import Expression, Function, Line


def python(e: Expression) -> str:
    """An expression on one line."""
    return EXPRESSIONS[type(e)](e)


def text_lines(lines: Iterable[Line]) -> list[str]:
    """Their text, what is inside further in."""
    return [line for one in lines for line in LINES[type(one)](one)]


def function_lines(function: Function) -> list[str]:
    return [f"def {function.name}({', '.join(function.arguments)}):", *indented(text_lines(function.body) or ["pass"])]


def indented(inside: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in inside]


def _listed(items: Iterable[Expression]) -> str:
    return ", ".join(map(python, items))


# ---------------------------------------------------------------- expressions


def _number(e: tree.Number) -> str:
    if math.isinf(e.value):
        return f"{'-' if e.value < 0 else ''}{e.kind}(np.inf)"
    text = repr(e.value)
    return text if e.kind == "float64" else f"{e.kind}({text.removesuffix('.0')})"


def _operation(e: tree.Operation) -> str:
    """Sums stand apart, products close; a remainder stands apart where nothing more is done with it."""
    left, right = _operand(e.left), _operand(e.right)
    return f"{left} {e.sign} {right}" if e.sign in "+-%" else f"{left}{e.sign}{right}"


def _operand(e: Expression) -> str:
    if isinstance(e, tree.Operation) and e.sign == "%":
        return f"{python(e.left)}%{python(e.right)}"
    return python(e)


def _span(e: tree.Span) -> str:
    return ":".join("" if end is None else python(end) for end in (e.first, e.end))


def _several(e: tree.Several) -> str:
    return f"({_listed(e.items)}{',' if e.comma or len(e.items) == 1 else ''})"


EXPRESSIONS: Mapping[type, Callable[[Any], str]] = {
    tree.Name: lambda e: e.name,
    tree.Number: _number,
    tree.Whole: lambda e: str(e.value),
    tree.Cast: lambda e: f"{e.kind}({python(e.of)})",
    tree.Call: lambda e: f"{e.function}({_listed(e.arguments)})",
    tree.Operation: _operation,
    tree.Minus: lambda e: f"-{python(e.of)}",
    tree.Comparison: lambda e: " ".join([python(e.first), *(f"{sign} {python(other)}" for sign, other in e.others)]),
    tree.Joined: lambda e: f" {e.word} ".join(map(python, e.parts)),
    tree.Choice: lambda e: f"{python(e.yes)} if {python(e.test)} else {python(e.no)}",
    tree.Entry: lambda e: f"{python(e.array)}[{_listed(e.places)}]",
    tree.Span: _span,
    tree.Reshaped: lambda e: f"{python(e.array)}.reshape({_listed(e.shape)})",
    tree.Property: lambda e: f"{python(e.array)}.{e.name}",
    tree.Several: _several,
    tree.Brackets: lambda e: f"({python(e.of)})",
}


# ---------------------------------------------------------------- lines


def _loop(s: tree.Loop) -> list[str]:
    first = s.first if s.first is not None or s.step is None else tree.ZERO
    ends = _listed(end for end in (first, s.end, s.step) if end is not None)
    return [f"for {s.index} in {'prange' if s.shared else 'range'}({ends}):", *indented(text_lines(s.body))]


def _if(s: tree.If) -> list[str]:
    otherwise = ["else:", *indented(text_lines(s.otherwise))] if s.otherwise else []
    return [f"if {python(s.test)}:", *indented(text_lines(s.body)), *otherwise]


def _return(s: tree.Return) -> list[str]:
    return [f"return {_listed(s.values)}{',' if len(s.values) == 1 else ''}"]


LINES: Mapping[type, Callable[[Any], list[str]]] = {
    tree.Assign: lambda s: [f"{s.name} = {python(s.value)}"],
    tree.Store: lambda s: [f"{python(s.entry)} = {python(s.value)}"],
    tree.Increase: lambda s: [f"{python(s.entry)} += {python(s.value)}"],
    tree.Loop: _loop,
    tree.If: _if,
    tree.Do: lambda s: [python(s.call)],
    tree.Return: _return,
}
