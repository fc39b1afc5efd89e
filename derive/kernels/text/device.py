"""What the text of a module carries of a target's device functions: those it uses, and what they need.

The files of a target are Numba code that can be imported; this module only reads them, so that Numba is not
loaded before something is compiled.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from derive.kernels.program.elementary import DTYPES, FUNCTIONS, computed

KERNELS = Path(__file__).parent.parent

Names = tuple[tuple[str, str], ...]
"""(module, name) of what is imported."""


@dataclass(frozen=True)
class Device:
    """The device functions of a target: FUNCTIONS, and the operations that its printer uses itself; the docstring of each says
    what it does.

    `files` define them, in this order; `{dtype}` in a name stands for the type, and the rest is the place in the folder of
    kernels.  Where the errors of FUNCTIONS are `measured`, the text says how large they are.
    """

    files: tuple[str, ...]
    operations: tuple[str, ...]
    measured: bool = False


def sources(device: Device, names: Iterable[str], dtype: str, imports: Names = ()) -> str:
    """Source text that defines `names`, of FUNCTIONS or the operations, for the type that kernels of `dtype` compute in, and only
    what they need.

    The text imports from numba, llvmlite and numpy alone, besides `imports` of whoever puts it into a module and what a file
    imports from one of several packages; it is the same however `names` are ordered or repeated.
    """
    dtype = computed(dtype)
    definitions = _definitions(device.files, dtype)
    wanted: set[str] = set()
    pending = list(names)
    for name in pending:
        if name not in FUNCTIONS and name not in device.operations:
            raise ValueError(f"no device function is called {name}")
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += definitions[name].needs
    parts = [definition for name, definition in definitions.items() if name in wanted]
    choices = "".join(f"\n{part.text}\n" for part in definitions.values() if isinstance(part, _Choice))
    needed = [*(part for part in parts if isinstance(part, _Import)), *(_Import(*pair) for pair in imports)]
    said = {name: f.comment(dtype) for name, f in FUNCTIONS.items()} if device.measured else {}
    return _import_lines(needed) + choices + _definition_lines((part for part in parts if isinstance(part, _Definition)), said)


# ----------------------------------------------------------------------------------------------------- reading the files


@dataclass(frozen=True)
class _Import:
    """`from module import name`."""

    module: str
    name: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Choice:
    """`try: from one package import what another has as well`, which stands in every text."""

    text: str
    name: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Definition:
    """A constant or a function: its text, decorators and remarks included, and the names of the file it mentions."""

    name: str
    text: str
    needs: tuple[str, ...]
    is_function: bool


_Part = _Import | _Choice | _Definition


@cache
def _definitions(files: tuple[str, ...], dtype: str) -> Mapping[str, _Part]:
    """What the files for one type define, in an order in which nothing is used before it is defined: what is defined again
    stands there as it was defined first, which is how a type has a function of its own.
    """
    if dtype not in DTYPES:
        raise ValueError(f"device functions are for {' and '.join(DTYPES)}, not {dtype}")
    found: dict[str, _Part] = {}
    for name in files:
        text = (KERNELS / name.format(dtype=dtype)).read_text("utf-8")
        for definition in _read(text, found):
            found[definition.name] = found.pop(definition.name, definition)
    return found


def _read(text: str, known: Mapping[str, object]) -> Iterator[_Part]:
    """The definitions of one file; `known` grows while they are read."""
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        match statement:
            case ast.ImportFrom(module=str(module), names=aliases):
                if module != "__future__" and not module.startswith("derive."):
                    yield from (_Import(module, alias.name) for alias in aliases)
            case ast.Try():
                yield _Choice("\n".join(lines[statement.lineno - 1 : statement.end_lineno]))
            case ast.Import():  # of the standard library, which every module imports
                pass
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield _Definition(
                    name, "\n".join(lines[statement.lineno - 1 : statement.end_lineno]), _used(statement, known), False
                )
            case ast.FunctionDef(name=name, decorator_list=decorators):
                first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
                yield _Definition(name, "\n".join(lines[first - 1 : statement.end_lineno]), _used(statement, known), True)
            case ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise AssertionError(f"line {statement.lineno}: only imports, constants and functions can be copied")


def _used(statement: ast.stmt, known: Mapping[str, object]) -> tuple[str, ...]:
    loaded = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return tuple(sorted(loaded & known.keys()))


# --------------------------------------------------------------------------------------------------------------- writing


def _import_lines(imports: Iterable[_Import]) -> str:
    modules: dict[str, set[str]] = {}
    for found in imports:
        modules.setdefault(found.module, set()).add(found.name)
    return "".join(f"from {module} import {', '.join(sorted(names))}\n" for module, names in sorted(modules.items()))


def _definition_lines(definitions: Iterable[_Definition], said: Mapping[str, str]) -> str:
    """A function stands by itself, under what is said of it; constants stand in blocks."""
    text, previous = "", True
    for definition in definitions:
        remark = f"{said[definition.name]}\n" if definition.name in said else ""
        gap = "\n\n" if definition.is_function or previous else ""
        text += f"{gap}{remark}{definition.text}\n"
        previous = definition.is_function
    return text
