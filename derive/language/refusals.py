"""What is Python and not ours: a message and a hint for each."""

from __future__ import annotations

import ast
import re

from derive.errors import DeriveError, said
from derive.language.parse import Source
from derive.language.words import FUNCTIONS, MATRICES, REDUCTIONS

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Compare: ("A comparison is not a number.", "Compare inside where(a > b, x, y), or after if in a sum."),
    ast.BoolOp: ("`and`, `or` and `not` are not numbers.", "Combine conditions after if in a sum, or nest where(…)."),
    ast.IfExp: ("A choice is written with where.", "Write where(condition, a, b)."),
    ast.Lambda: ("There are no functions without a name.", "Define a name for the result instead."),
    ast.GeneratorExp: ("A `for` belongs inside a reduction.", "Write sum(x[i] for i in n)."),
    ast.ListComp: ("There are no lists of values.", "A tensor is defined by its entries: y[i] = x[i]**2."),
    ast.SetComp: ("There are no sets.", ""),
    ast.DictComp: ("There are no dictionaries.", ""),
    ast.List: ("Values are not part of a definition.", "Name a tensor here and give its values with --at."),
    ast.Tuple: ("A definition has one value.", "Write one definition for each."),
    ast.Dict: ("There are no dictionaries.", ""),
    ast.Set: ("There are no sets.", ""),
    ast.Starred: ("`*` cannot stand before a name.", "Write each argument."),
    ast.NamedExpr: ("A name is defined with = at the start of a line.", ""),
    ast.JoinedStr: ("There is no text in a definition.", ""),
    ast.Attribute: ("The only attribute is .T, the transpose.", "Functions are written without a module: exp(x)."),
    ast.Subscript: ("Only a tensor with a name has entries.", "Give the expression a name first."),
    ast.Await: ("`await` is not part of the language.", ""),
    ast.Yield: ("`yield` is not part of the language.", ""),
    ast.YieldFrom: ("`yield` is not part of the language.", ""),
}
_MODULES = ("np", "numpy", "torch", "jnp", "jax", "math", "tf", "F", "nn", "scipy", "sp", "sympy")
_METHODS = (*REDUCTIONS, *FUNCTIONS, *MATRICES)
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
"""The decimal comma of other languages."""
_NO_NUMBER = "Only decimal numbers are read: 3, 0.5, 1e-5."


def _instead(source: Source, node: ast.expr) -> tuple[str, str] | None:
    """The message and the hint where what is meant is known: a method or a function of a module, a bracket with a condition,
    a decimal comma.
    """
    match node:
        case ast.Attribute(attr="t" | "mT" | "transpose"):
            return _REFUSED[ast.Attribute][0], said("Write {form}.", form=f"{source.written(node.value)}.T")
        case ast.Attribute(attr="shape" | "size") | ast.Subscript(value=ast.Attribute(attr="shape")):
            return _REFUSED[ast.Attribute][0], "Write the name of the axis: n is the size of x: [n]."
        case ast.Attribute(value=ast.Name(id=module)) if module in _MODULES:
            return None
        case ast.Attribute(attr=name) if name in _METHODS:
            return _REFUSED[ast.Attribute][0], said("Write {form}.", form=f"{name}({_bare(source.written(node.value))})")
        case ast.Tuple() if (point := _DECIMAL.sub(".", source.written(node))) != source.written(node):
            return _REFUSED[ast.Tuple][0], said("The decimal sign is a point: {form}.", form=point)
        case ast.Subscript(value=ast.Constant(value=1), slice=ast.Compare() as condition):
            written = source.written(condition)
            return "A condition in brackets is no number.", said("Write {form}.", form=f"where({written}, 1, 0)")
    return None


def _bare(written: str) -> str:
    """A formula without the one pair of brackets around it."""
    inner = written[1:-1]
    return inner if written.startswith("(") and written.endswith(")") and not {"(", ")"} & {*inner} else written


def refusal(source: Source, node: ast.expr) -> DeriveError:
    """Why this node cannot stand in a definition."""
    if isinstance(node, ast.Constant):
        return source.error(said("`{written}` is not a number of the language.", written=source.written(node)), node, _NO_NUMBER)
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        return source.error("This operator is not part of the language.", node, "Operators are + - * / ** @.")
    if (instead := _instead(source, node)) is not None:
        return source.error(instead[0], node, instead[1])
    message, hint = _REFUSED.get(type(node), ("This is not part of the language.", ""))
    return source.error(message, node, hint)
