"""Data flows one way: the imports of every module are read, not run, and compared with the order of the layers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pytest

from derive.graphs.graph import Graph

ROOT = Path(__file__).parent.parent

# A layer imports itself and the layers above it in this table.  The last three are branches: they never meet.
LAYERS = (
    {"errors", "resources"},
    {"calculus"},
    {"graphs"},
    {"language"},
    {"notation"},
    {"derivation"},
    {"values"},
    {"proof"},
    {"kernels", "teaching", "exams"},
    {"notebook"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# The face of the package offers what is below it; `python -m derive` hands over to cli.py and imports none of this.
ALLOWED: dict[str, set[str]] = {"__init__": {"language"}, "__main__": set()}

# What a user holds in his hands imports, when called, what stands above it: `Graph.at`, `Derivation.prove`, a notebook's view.
LAZY = {"graphs", "values", "derivation"}

SLOW = ("jax", "matplotlib", "numba", "sympy", "torch")


# -------------------------------------------------------------------------------------------------------------- imports


class Import(NamedTuple):
    """One name imported by a module, in full: `derive.x.y`, where, and whether only when a function is called."""

    name: str
    line: int
    lazy: bool


def imports(source: str, package: str) -> Iterator[Import]:
    """What a module of `package` imports at run time from derive; a block for type checkers alone does not count."""
    yield from _imports(ast.parse(source), package, lazy=False)


def _imports(tree: ast.AST, package: str, lazy: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno, lazy) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parent = package.split(".")[: -level + 1 or None] if level else []
                base = [*parent, *([module] if module else [])]
                yield from (Import(".".join([*base, alias.name]), node.lineno, lazy) for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                yield from _imports(ast.Module(orelse, []), package, lazy)
            case _:
                yield from _imports(node, package, lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def faults(module: str, source: str, package: str = "derive") -> list[str]:
    """Every import of the module `derive.MODULE` that goes against the order of the layers."""
    here = _layer(module)
    if here is None:
        return [f"derive.{module} has no layer"]
    return [
        f"derive.{module}, line {found.line}: imports {found.name}"
        for found in imports(source, package)
        if found.name.split(".")[0] == "derive" and not _allowed(here, found)
    ]


def _layer(name: str) -> str | None:
    """The longest entry of the table that a dotted name begins with."""
    parts = name.split(".")
    beginnings = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((beginning for beginning in beginnings if beginning in LEVEL or beginning in ALLOWED), None)


def _allowed(here: str, found: Import) -> bool:
    there = _layer(found.name.removeprefix("derive."))
    if here in ALLOWED:
        return there in ALLOWED[here]
    if found.name == "derive.__version__":  # a constant that whatever states its origin may read
        return True
    if there not in LEVEL:
        return False
    return LEVEL[there] < LEVEL[here] or there == here or (found.lazy and here in LAZY)


def modules() -> Iterator[tuple[str, str, Path]]:
    """Name inside derive, package and file of every module."""
    for path in sorted((ROOT / "derive").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[1:]), ".".join(parts[:-1]), path


def test_imports_go_one_way() -> None:
    assert [fault for name, package, path in modules() for fault in faults(name, path.read_text("utf-8"), package)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("calculus.rules", "from derive.language.tree import Tree"),
        ("calculus.rules", "import derive.graphs as graphs"),
        ("calculus.rules", "from derive import values"),
        ("calculus.rules", "def late():\n    from derive.proof import prove"),
        ("calculus.rules", "late = lambda: 0\nif True:\n    from derive.proof import prove"),
        ("calculus.rules", "from ..language import tree"),
        ("calculus.rules", "from .. import language"),
        ("calculus.rules", "import derive"),
        ("errors", "from derive.calculus import terms"),
        ("graphs", "from derive.language import parse"),
        ("graphs", "from derive.values.run import Run"),
        ("proof", "from derive.teaching import document"),
        ("teaching.document", "from derive.kernels import lower"),
        ("kernels.lower", "from derive.exams.variants import draw"),
        ("exams.variants", "def late():\n    import derive.teaching"),
        ("teaching.document", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import derive.exams"),
        ("__main__", "import derive.graphs"),
        ("utilities", ""),
    ],
)
def test_a_planted_import_is_found(module: str, source: str) -> None:
    assert faults(module, source, package=".".join(["derive", *module.split(".")[:-1]]))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("calculus.rules", "import sympy\nfrom derive.calculus import terms\nfrom .fold import fold"),
        ("calculus.rules", "from derive.errors import DeriveError\nfrom ..errors import Place"),
        ("graphs", "def at():\n    from derive.values.run import Run"),
        ("language.parse", "from derive.graphs.tree import Tree\nfrom derive.graphs import graph"),
        ("graphs", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from derive.values.run import Run"),
        ("teaching.document", "from derive import proof\nfrom derive.teaching.figure import layers\nimport derivelike"),
        ("__init__", "from derive.language.sources import open_graph"),
    ],
)
def test_a_good_import_is_left_alone(module: str, source: str) -> None:
    assert faults(module, source, package=".".join(["derive", *module.split(".")[:-1]])) == []


# -------------------------------------------------------------------------------------------------------------- writing


def writes(source: str) -> list[int]:
    """The lines that write a file, or open one in a way that could."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _writes(node)]


def _writes(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="write_text" | "write_bytes"):
            return True
        case ast.Name(id="open"):
            position = 1
        case ast.Attribute(attr="open"):
            position = 0
        case _:
            return False
    given = [word.value for word in call.keywords if word.arg == "mode"] or call.args[position : position + 1]
    return any(isinstance(mode, ast.Constant) and bool(re.fullmatch("(?=.*[wax+])[rwaxbt+]+", str(mode.value))) for mode in given)


CACHE = "kernels.cache"
"""What keeps compiled kernels, in a folder of its own, is the only module besides `cli.py` that writes."""


def test_only_the_command_line_and_the_cache_write_files() -> None:
    assert [f"{p}:{line}" for name, _, p in modules() if name != CACHE for line in writes(p.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "open('a', 'w')",
        "open('a', mode='ab')",
        "Path('a').open('x')",
        "path.open(mode='r+')",
        "Path('a').write_text('')",
        "def f(path):\n    return [path.write_bytes(b'')]",
    ],
)
def test_planted_writing_is_found(source: str) -> None:
    assert writes(source)


@pytest.mark.parametrize("source", ["open('w')", "open('a', 'rb')", "path.open()", "path.open('r')", "out.write('w')"])
def test_reading_is_left_alone(source: str) -> None:
    assert writes(source) == []


# ------------------------------------------------------------------------------------------------------ what is remembered


def reaches(source: str) -> list[int]:
    """The lines outside of `remembered` that reach into what a graph remembers."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if getattr(node, "name", "") != "remembered"]
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == MEMORY]


MEMORY = "_memory"


def test_a_graph_remembers_through_one_function() -> None:
    assert isinstance(vars(Graph)[MEMORY], cached_property)
    assert [f"{p}:{line}" for _, _, p in modules() for line in reaches(p.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "graph._memory['gradient'] = found",
        "def gradient_of(found):\n    return found.graph._memory['gradient']",
        "class Graph:\n    def gate(self):\n        return self._memory.get('gate')",
    ],
)
def test_planted_reaching_is_found(source: str) -> None:
    assert reaches(source)


def keys(source: str) -> Iterator[tuple[str, str]]:
    """The first word of every key that something is remembered under, and the function or class that it stands in."""
    for outer in ast.parse(source).body:
        for node in ast.walk(outer):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "remembered":
                yield _first_word(node.args[1]), getattr(outer, "name", "")


def _first_word(key: ast.expr) -> str:
    match key:
        case ast.Constant(value=str(word)) | ast.Tuple(elts=[ast.Constant(value=str(word)), *_]):
            return word
    raise ValueError(f"line {key.lineno}: the key does not begin with a word that can be read here")


def shared(sources: Iterable[str]) -> list[str]:
    """The words under which two functions remember something."""
    owners: dict[str, set[tuple[int, str]]] = {}
    for number, source in enumerate(sources):
        for word, owner in keys(source):
            owners.setdefault(word, set()).add((number, owner))
    return [word for word, places in owners.items() if len(places) > 1]


def test_no_two_functions_remember_under_one_key() -> None:
    sources = [path.read_text("utf-8") for _, _, path in modules()]
    assert len([key for source in sources for key in keys(source)]) > 10
    assert shared(sources) == []


def test_a_planted_key_of_two_is_found() -> None:
    one, two = ("def {}(g):\n    return remembered(g, {}, make)".format(*p) for p in (("a", "('sizes', 1)"), ("b", "'sizes'")))
    assert shared([one, two]) == shared([f"{one}\n{two}"]) == ["sizes"]
    assert shared([one, two.replace("sizes", "points")]) == []
    with pytest.raises(ValueError, match="line 2"):
        shared([one.replace("('sizes', 1)", "key")])


# ------------------------------------------------------------------------------------------------------------- start-up


@pytest.mark.parametrize(
    "start",
    [
        "import derive",
        "from derive.__main__ import main; sys.argv = ['derive', '--help']; main()",
    ],
)
def test_starting_imports_nothing_slow(start: str) -> None:
    report = f"import sys, atexit\natexit.register(lambda: print('slow:', [m for m in {SLOW} if m in sys.modules]))\n{start}"
    run = subprocess.run([sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[-1] == "slow: []"
