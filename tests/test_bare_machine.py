"""Tests are collected on a bare machine: what they import at their top is what the `test` extra installs, no other extra."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

TAKEN_OVER = {"numba.cuda"}
"""`numba-cuda`, of the extra `cuda`, puts itself in place of this part of a package that is always there."""

LATE = ("oracles.extras", "Late")
"""Where tests take from what they import when they use it: at the top they must not use it."""


# ------------------------------------------------------------------------------------------------------- what is installed


@cache
def installed() -> frozenset[str]:
    """The packages that `pip install .[test]` brings, by the names that are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names: set[str] = set()
    waiting = [Requirement(r) for r in (*project["dependencies"], *project["optional-dependencies"]["test"])]
    while waiting:
        needed = waiting.pop()
        if canonical(needed.name) in names or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        names.add(canonical(needed.name))
        try:
            waiting += map(Requirement, distribution(needed.name).requires or ())
        except PackageNotFoundError:
            pytest.fail(f"{needed.name} is not installed, and what it brings is not known")
    return frozenset(name for name, brought_by in packages_distributions().items() if names & set(map(canonical, brought_by)))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def ours(name: str) -> Path | None:
    """The file of a module of the checkout: of the root or, as pytest finds them, of `tests`."""
    path = name.replace(".", "/")
    places = (folder / f"{path}{ending}" for folder in (ROOT, ROOT / "tests") for ending in (".py", "/__init__.py"))
    return next((place for place in places if place.is_file()), None)


def is_folder(name: str) -> bool:
    return any((folder / name).is_dir() for folder in (ROOT, ROOT / "tests"))


# --------------------------------------------------------------------------------------------------- what runs at the top


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: not the bodies of functions, nor what is for type checkers alone."""
    match tree:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts = [*tree.decorator_list, tree.args]
        case ast.Lambda():
            parts = [tree.args]
        case ast.arg() | ast.AnnAssign(value=None):
            parts = []
        case ast.AnnAssign(value=value):
            parts = [value]
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            parts = tree.orelse
        case _:
            parts = list(ast.iter_child_nodes(tree))
    yield tree
    for part in parts:
        yield from at_import(part)


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module imports at its top, in full, and its line."""
    for node in at_import(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in names)


def late(tree: ast.Module) -> set[str]:
    """The names in a module whose import waits for their first use."""
    module, kind = LATE
    taken = [a for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == module for a in node.names]
    return {alias.asname or alias.name for alias in taken if alias.name != kind}


def lacking(name: str) -> bool:
    """Whether a bare machine has no package for what is imported by this name."""
    package, *rest = name.split(".")
    if {package, ".".join([package, *rest[:1]])} & TAKEN_OVER:
        return True
    return package not in sys.stdlib_module_names | installed() and not ours(package) and not is_folder(package)


def faults(source: str) -> list[str]:
    """Every import at the top of a module that fails on a bare machine, and every use there of what is imported late."""
    tree = ast.parse(source)
    names = [f"line {line}: imports {name}" for name, line in imports(tree) if lacking(name)]
    used = late(tree)
    uses = (n for n in at_import(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in used)
    return names + [f"line {use.lineno}: uses {ast.unparse(use)}" for use in uses]


def unmarked(source: str) -> list[str]:
    """Every test that uses what is imported late, itself or by a function of its module, and does not say that it needs it."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = {name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} for name, node in functions.items()}
    users = late(tree)
    while more := {name for name, used in names.items() if used & users} - users:
        users |= more
    if any(
        isinstance(node, ast.Assign) and ast.unparse(node).startswith("pytestmark = pytest.mark.needs(") for node in tree.body
    ):
        return []
    tests = (functions[name] for name in names if name in users and name.startswith("test_"))
    return [f"line {t.lineno}: {t.name}" for t in tests if not any("mark.needs" in ast.unparse(d) for d in t.decorator_list)]


@cache
def collected() -> list[Path]:
    """Every file of `tests`, and every other module of ours that one imports at its top, directly or through another."""
    found = dict.fromkeys(sorted(p for p in (ROOT / "tests").rglob("*.py") if "node_modules" not in p.parts))
    waiting = list(found)
    while waiting:
        for name, _ in imports(ast.parse(waiting.pop().read_text("utf-8"))):
            path = ours(name) or ours(name.rpartition(".")[0])
            if path and path not in found:
                found[path] = None
                waiting.append(path)
    return list(found)


def test_tests_import_what_a_bare_machine_has() -> None:
    assert [f"{p.relative_to(ROOT)}, {fault}" for p in collected() for fault in faults(p.read_text("utf-8"))] == []


def test_tests_of_what_a_bare_machine_lacks_are_skipped_there() -> None:
    assert [f"{p.relative_to(ROOT)}, {fault}" for p in collected() for fault in unmarked(p.read_text("utf-8"))] == []


LATELY = "import pytest\nfrom oracles.extras import functional as F\ndef loss(x): return F.relu(x)\n"


@pytest.mark.parametrize("body", ["assert F.relu(0) == 0", "assert loss(0) == 0", "assert [loss(x) for x in [0]]"])
def test_a_test_of_what_is_imported_late_says_that_it_needs_it(body: str) -> None:
    assert unmarked(f"{LATELY}def test_relu(): {body}") == ["line 4: test_relu"]
    assert unmarked(f"{LATELY}@pytest.mark.needs('torch')\ndef test_relu(): {body}") == []
    assert unmarked(f"{LATELY}def test_other(): pass") == []


def test_modules_beside_the_tests_are_followed() -> None:
    assert {ROOT / "benchmarks" / "library.py", ROOT / "derive" / "__init__.py", ROOT / "cli.py"} <= set(collected())


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "import numpy, torch.nn.functional as F",
        "from torch import nn",
        "from torch.nn import functional as F",
        "import networkx",  # what an extra's package brings along
        "import numba_cuda",
        "from numba import cuda",
        "import numba.cuda.simulator.kernelapi",
        "from numba.cuda.simulator import kernelapi",
        "from cuda.bindings import driver",
        "from nvidia import nvvm",
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
        "if True:\n    import torch",
        "with warnings.catch_warnings():\n    import torch",
        "class A:\n    import torch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import torch",
        "from oracles.extras import torch\nTABLE = {'exp': torch.exp}",
        "from oracles.extras import functional as F\n@pytest.mark.parametrize('f', [F.relu])\ndef test(f): ...",
        "from oracles.extras import torch\ndef f(x=torch.pi): ...",
        "from oracles.extras import torch\nclass Mine(torch.Tensor): ...",
        "from oracles.extras import torch\nf = lambda x=torch.pi: x",
    ],
)
def test_a_planted_import_is_found(source: str) -> None:
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "import ast, numpy as np, yaml, sklearn.datasets\nfrom numba import types, njit\nfrom mpmath import mp",
        "import derive\nfrom derive.graphs.graph import Graph\nfrom cli import main\nfrom cases.kernels import TEXTS",
        "import llvmlite.binding as llvm, jax, greenlet, _pytest",
        "def late():\n    import torch\n    from numba import cuda",
        "async def late():\n    import torch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "from oracles.extras import torch\nf = lambda x: torch.exp(x)\ndef g(x: torch.Tensor): return torch.exp(x)",
        "torch = pytest.mark.needs('torch')\nx = torch.name",
    ],
)
def test_a_good_import_is_left_alone(source: str) -> None:
    assert faults(source) == []
