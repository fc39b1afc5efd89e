"""What all modules of a target and a type have in common, for those that import it instead of carrying it.

A module stands alone: it has the text of every function that it calls.  `importing` takes out of it each definition that is, word
for word, in the text that `shared` makes a module of, and has it taken from there.
"""

from __future__ import annotations

import ast
from hashlib import sha256
from itertools import takewhile
from types import ModuleType

from derive import __version__
from derive.kernels.cache import load
from derive.kernels.module import imports_used, template
from derive.kernels.target import TARGETS
from derive.kernels.text.device import sources
from derive.kernels.text.target import Target

OFFERED = ("Workspace", "labels_seen")
"""What a module offers, whether its functions mention it or not."""


def shared(target: str, dtype: str, mark: str) -> ModuleType:
    """The module of what the modules of a target and a type have in common.

    Raises ImportError where this derive has another text of it than that which wrote the module that asks.
    """
    text = common(TARGETS[target], dtype) if target in TARGETS and dtype in TARGETS[target].dtypes else ""
    if _mark(text) != mark:
        raise ImportError(f"this module was written by another derive than {__version__}, which is installed: write it again")
    return load(text, f"{target}_{dtype}")


def importing(source: str, target: Target, dtype: str) -> str:
    """The text of a module without what it has in common with all others of its target and type, which it imports."""
    text = common(target, dtype)
    theirs = {_text(node, text) for node in ast.parse(text).body if _names(node)}
    lines, body = source.split("\n"), ast.parse(source).body
    ends = dict(zip(body, [0, *(node.end_lineno or 0 for node in body)], strict=False))
    taken = [node for node in body if _text(node, source) in theirs]
    kept = [node for node in body if node not in taken]
    mentioned = {node.id for one in kept for node in ast.walk(one) if isinstance(node, ast.Name)}
    wanted = [name for node in taken for name in _names(node) if name in mentioned or name in OFFERED]
    head = [*takewhile(lambda node: isinstance(node, ast.Expr | ast.Import | ast.ImportFrom), kept)]
    own = [[line for node in some for line in lines[ends[node] : node.end_lineno]] for some in (head, kept[len(head) :])]
    return imports_used("\n".join([*own[0], *_imports(wanted, target.name, dtype, _mark(text)), *own[1]]).rstrip("\n") + "\n")


def common(target: Target, dtype: str) -> str:
    """The text of a module without functions of its own, and with all that functions may call."""
    text = template(target).render(
        title="What kernels have in common",
        version=__version__,
        dtype=dtype,
        mathematics="",
        proved="",
        fingerprint="",
        device=sources(target.device, target.functions, dtype, target.imports).strip(),
        functions="",
        calls=_Every(),
        wrt=(),
        wrap="",
        **target.variables((), dtype),
    )
    return imports_used(text.rstrip("\n") + "\n")


class _Every:
    """The names of all functions."""

    def __contains__(self, name: object) -> bool:
        return True


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _imports(names: list[str], target: str, dtype: str, mark: str) -> list[str]:
    return [
        "from derive.kernels.runtime import shared",
        "",
        f"COMMON = shared({target!r}, {dtype!r}, {mark!r})",
        *(f"{name} = COMMON.{name}" for name in names),
    ]


def _first(node: ast.stmt) -> int:
    """The first line of a definition: that of its decorators, where it has some."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


def _text(node: ast.stmt, source: str) -> str:
    return "\n".join(source.split("\n")[_first(node) - 1 : node.end_lineno])


def _names(node: ast.stmt) -> list[str]:
    """What a line at the top of a module defines; what it imports apart."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=[target]):
            return [found.id for found in ast.walk(target) if isinstance(found, ast.Name)]
    return []
