"""What derive may say of bad input, read off its source: the patterns that a catalogue has to translate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ERRORS = {"DeriveError", "ProofError", "DomainError", "ValueError", "error", "refusal"}
"""What is called with texts that are shown to a user, besides `said`."""

ARGPARSE = (
    "usage: ",
    "error: ",
    "positional arguments",
    "options",
    "show this help message and exit",
    "show program's version number and exit",
)
"""What Python's parser of arguments says itself in a help."""

GENERATED = ("derive/kernels/cpu", "derive/kernels/cuda", "derive/kernels/text", "derive/marks.py")
"""Where sentences stand that belong to the text of a generated file."""


def patterns(root: Path) -> dict[str, str]:
    """Every pattern with where it stands: what `said` and the errors are called with, and all that is written as a sentence."""
    found: dict[str, str] = {}
    for path in (*sorted((root / "derive").rglob("*.py")), root / "cli.py"):
        place = path.relative_to(root).as_posix()
        for pattern, line in _patterns(ast.parse(path.read_text("utf-8")), not place.startswith(GENERATED)):
            found.setdefault(pattern, f"{place}:{line}")
    return found


def _patterns(tree: ast.Module, sentences: bool) -> Iterator[tuple[str, int]]:
    silent = {id(text) for node in ast.walk(tree) for text in _silent(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "said":
            yield from ((text, node.lineno) for text in _texts(node.args[0]))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "pattern":
            yield from ((text, node.lineno) for text in _texts(node.value) if "{" in text)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and ast.unparse(node.targets[0]) == "_COMPLAINTS":
            yield from ((text, node.lineno) for value in node.value.values for text in _texts(value))
        elif isinstance(node, ast.Call) and _called(node) in ("add_argument", "add_parser", "Spoken"):
            shown = [k.value for k in node.keywords if k.arg in ("help", "description")]
            yield from ((text, node.lineno) for value in shown for text in _texts(value))
        elif isinstance(node, ast.ClassDef) and node.name == "Parser":
            yield from ((text, node.lineno) for text in ARGPARSE)
        elif isinstance(node, ast.Call) and _called(node) in ERRORS:
            hints = [k.value for k in node.keywords if k.arg == "hint"]
            yield from ((text, node.lineno) for arg in (*node.args, *hints) for text in _texts(arg) if " " in text)
        elif sentences and isinstance(node, ast.Constant) and id(node) not in silent and _is_sentence(node.value):
            yield node.value, node.lineno


def _silent(node: ast.AST) -> Iterator[ast.AST]:
    """Texts that no error says: docstrings, pieces of f-strings, messages of a page, which have their own catalogue."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from node.values
    elif isinstance(node, ast.Call) and _called(node) in ("N_", "_", "add_argument", "add_parser", "Spoken", "compile"):
        yield from ast.walk(node)


def _is_sentence(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[A-Z{'`@.][^\n]* [^\n]*[\w)\]}'`…][.?]", text) is not None


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=yes, orelse=no):
            yield from (*_texts(yes), *_texts(no))
        case ast.BoolOp(values=values):
            yield from (text for value in values for text in _texts(value))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""


def assembled(root: Path) -> list[str]:
    """Where an error is called with a text that was put together, which no catalogue can translate."""
    return [
        f"{path.relative_to(root).as_posix()}:{node.lineno}"
        for path in (*sorted((root / "derive").rglob("*.py")), root / "cli.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _called(node) in ERRORS - ({"ValueError"} if path.parent.name != "language" else set())
        for arg in (*node.args, *(k.value for k in node.keywords if k.arg == "hint"))
        if isinstance(arg, ast.JoinedStr)
    ]
