"""The names that the functions of a module mention, and which of them the definition is not the origin of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from derive.kernels.kernel import Kernel
from derive.kernels.program.statements import Statement, statements


def mentioned(made: Kernel) -> set[str]:
    """The names in the public functions and what these call that are neither a tensor, a size nor an index: those of the
    target, but for such as nothing else can have, and for the letters k0, k1, …, of which a free one is taken.
    """
    functions = tuple(f"{mark}{name}" for name in made.programs for mark in ("", "_"))
    found: set[str] = set()
    for function in ast.parse(made.source).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith(functions):
            for node in _evaluated(function):
                match node:
                    case ast.Name(id=name) | ast.arg(arg=name):
                        found.add(name)
                    case ast.FunctionDef(name=name) if node is not function:
                        found.add(name)
    return {name for name in found - _defined(made) if not re.fullmatch(r"_.*|.*__.*|k\d+(_\d+)?", name)}


def _evaluated(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in a function, without its types, which nothing evaluates."""
    for node in ast.walk(function):
        for field in {"annotation", "returns"}.intersection(node._fields):
            setattr(node, field, None)
    return ast.walk(function)


def _defined(made: Kernel) -> set[str]:
    """What the tensors, sizes and indices of a definition are called."""
    found: set[str] = set()
    for program in made.programs.values():
        found |= {*program.graph.members, *program.assigned, *map(str, program.graph.sizes)}
        for s in statements(program):
            found |= {i.name for i in (s.loops if isinstance(s, Statement) else (*s.entry.indices, *s.over))}
    return found
