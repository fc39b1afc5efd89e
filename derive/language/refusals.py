"""What is Python and not ours: a message and a hint for each."""

from __future__ import annotations

import ast

from derive.errors import DeriveError, said
from derive.language.parse import Source

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
_NO_NUMBER = "Only decimal numbers are read: 3, 0.5, 1e-5."


def refusal(source: Source, node: ast.expr) -> DeriveError:
    """Why this node cannot stand in a definition."""
    if isinstance(node, ast.Constant):
        return source.error(said("`{written}` is not a number of the language.", written=source.written(node)), node, _NO_NUMBER)
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        return source.error("This operator is not part of the language.", node, "Operators are + - * / ** @.")
    message, hint = _REFUSED.get(type(node), ("This is not part of the language.", ""))
    return source.error(message, node, hint)
