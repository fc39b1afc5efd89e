"""Data flows one way: the imports of every module are read, not run, and compared with the order of the layers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from derive.graphs.graph import Graph

ROOT = Path(__file__).parent.parent

# The stages of the pipeline, and inside each package its own: a module imports what stands in a row above its own, and what
# stands in one row never meets.
ORDER: dict[str, tuple[set[str], ...]] = {
    "": (
        {"errors"},
        {"naming", "processes", "resources", "watching"},
        {"marks"},
        {"files"},
        {"calculus"},
        {"graphs"},
        {"language"},
        {"notation"},
        {"derivation"},
        {"values"},
        {"proof"},
        {"checking"},
        {"kernels"},
        {"teaching"},
        {"exams"},
        {"api"},
    ),
    "calculus": (
        {"frozen", "terms"},
        {"cost", "functions", "matching", "signs"},
        {"budget", "normal"},
        {"identities"},
        {"diagonal", "shortest"},
        {"fold", "kept", "kinks", "matrix_algebra"},
        {"matrix_form", "rules"},
    ),
    "graphs": ({"names", "tree"}, {"graph"}),
    "language": (
        {"draft", "letters", "library", "numbers", "sizes", "words"},
        {"spelling"},
        {"batching", "elaborate", "indices", "lower", "parse", "typed"},
        {"at", "blocks", "refusals"},
        {"expand"},
        {"matrices"},
        {"calls"},
        {"infer"},
        {"reader"},
        {"extend", "sources"},
    ),
    "notation": (
        {"javascript", "layout", "numpy_code", "python_code", "tongues"},
        {"pieces", "typed"},
        {"speech", "style"},
        {"context"},
        {"order"},
        {"terms"},
        {"definitions", "matrices"},
    ),
    "derivation": (
        {"derivation", "knowledge"},
        {"trail", "written"},
        {"exchange", "jacobians"},
        {"sweep"},
        {"examples", "second_order"},
        {"choice"},
    ),
    "values": (
        {"operations", "precision", "undefined"},
        {"balls"},
        {"elementary", "matrices"},
        {"real"},
        {"number_systems"},
        {"evaluator"},
        {"entries", "work"},
        {"run"},
        {"edges"},
    ),
    "proof": (
        {"gradcheck", "kinks", "numpy_value", "sizes"},
        {"cases", "forms", "points"},
        {"lemmas", "search"},
        {"symbolic"},
        {"proof"},
        {"certificate"},
    ),
    "checking": (
        {"displays", "domains", "parts", "polynomials", "signs"},
        {"additions", "names", "plain", "sheet", "tree", "witness"},
        {"cursor", "shapes", "zero"},
        {"indices", "ranges"},
        {"entries"},
        {"meanings"},
        {"conditions"},
        {"derivatives"},
        {"grammar"},
        {"reading"},
        {"verdict"},
        {"mistakes"},
        {"proofread"},
    ),
    "kernels": ({"cache", "program"}, {"text"}, {"cpu", "cuda", "module"}, {"target"}, {"runtime"}, {"kernel"}),
    "kernels.program": (
        {"elementary", "outputs"},
        {"program"},
        {"functions"},
        {"exponentials", "lengths", "reach", "second"},
        {"cancelled"},
        {"conventions"},
        {"stable"},
        {"simple"},
        {"statements"},
        {"memory"},
    ),
    "kernels.text": ({"device", "tree"}, {"python"}, {"legal", "scope"}, {"wrapper"}, {"target", "trial", "wrapped"}),
    "kernels.cpu": (
        {"device", "products", "ranges", "schedule"},
        {"blocks", "halves", "orders", "regions", "segments"},
        {"looped"},
        {"compiled"},
        {"blocked"},
        {"functions"},
        {"target"},
    ),
    "kernels.cpu.device": ({"float64", "intrinsics"}, {"float32", "functions", "halves"}),
    "kernels.cuda": (
        {"intrinsics", "launches"},
        {"float32", "float64", "threads"},
        {"device", "rows"},
        {"cells"},
        {"functions"},
        {"target"},
    ),
    "exams": (
        {"answers", "item", "readings", "roster", "secret", "slips", "space", "working"},
        {"mistakes"},
        {"solved"},
        {"asking"},
        {"asks"},
        {"carried", "explaining", "states"},
        {"source"},
        {"papers", "sheets"},
        {"formats", "manifest", "statistics"},
        {"grading"},
        {"building", "marking"},
        {"record"},
    ),
    "exams.asking": ({"words"}, {"code", "formulas", "numbers", "typed"}, {"lines"}),
    "exams.formats": (
        {"bank", "examclass"},
        {"cloze", "html"},
        {"amc", "canvas", "data", "gift", "moodle", "notebooks", "prairielearn", "qti"},
        {"exports"},
    ),
    "teaching": (
        {"live", "request", "translation"},
        {"document", "figure", "page"},
        {"blocks", "formats"},
        {"data", "lecture", "pages"},
        {"building"},
        {"course"},
    ),
    "teaching.blocks": (
        {"cases", "charts", "code", "gradient", "hessian", "numbers", "sampled"},
        {"batched", "checks", "derivative", "diagrams", "iteration", "plots", "worked"},
        {"living", "networks"},
        {"pictures"},
    ),
    "teaching.data": ({"parts", "proofread"}, {"certificate", "explanation"}),
    "teaching.figure": (
        {"diagram"},
        {"layers"},
        {"geometry"},
        {"placement", "typesetting"},
        {"network", "routing"},
        {"description"},
        {"layout", "look"},
        {"canvas", "tikz"},
    ),
    "teaching.formats": (
        {"escape", "measure", "printer"},
        {"latex", "markdown", "terminal"},
        {"html", "notebook"},
        {"typst"},
        {"render"},
    ),
    "teaching.formats.html": ({"fonts", "living", "mathml", "svg"}, {"printer"}),
    "teaching.formats.latex": ({"columns"}, {"heights"}, {"frames"}, {"printer"}),
    "teaching.formats.typst": ({"compiled", "formulas"}, {"printer"}),
    "teaching.lecture": (
        {"bibtex", "carried", "containers", "directive", "formulas", "frontmatter", "inserts", "pictures", "unread"},
        {"cells", "desk", "dialect", "stepping"},
        {"citations"},
        {"head", "prose"},
        {"lecture", "options"},
        {"plotting"},
        {"kinds"},
    ),
    "teaching.pages": ({"explain", "proofread", "report"},),
}

# What goes against the order: a definition of the library is read like any other, so reading a text may read another; and
# names that only a type checker looks up.
LATE, TYPES = "late", "types"
UNREADABLE = "derive.what cannot be read here"
BACK = {
    ("language.library", "language.reader"): LATE,
    ("language.blocks", "language.infer"): TYPES,
    ("language.calls", "language.infer"): TYPES,
    ("language.expand", "language.infer"): TYPES,
    ("language.indices", "language.infer"): TYPES,
    ("language.matrices", "language.infer"): TYPES,
    ("teaching.figure.geometry", "teaching.figure.diagram"): TYPES,
}

# The package offers what a user holds; `python -m derive` hands over to cli.py and imports none of this.
ALLOWED: dict[str, set[str]] = {"__init__": {"api"}, "__main__": set()}

RECURSIVE = {
    f"language.{name}" for name in ("blocks", "calls", "expand", "indices", "infer", "library", "lower", "matrices", "reader")
}
"""The only modules that import one another in a circle: text of the library calls text of the library."""

SLOW = ("jax", "matplotlib", "numba", "sympy", "torch")


# -------------------------------------------------------------------------------------------------------------- imports


class Import(NamedTuple):
    """A module of derive that a module imports, where, and when: at once, late (when a function is called) or for types."""

    name: str
    line: int
    when: str


def imports(module: str, source: str) -> Iterator[Import]:
    """What the module `derive.MODULE` imports from derive, by its name inside derive; "" is the package itself."""
    path = ROOT / "derive" / module.replace(".", "/")
    package = ["derive", *module.split(".")] if (path / "__init__.py").exists() else ["derive", *module.split(".")[:-1]]
    for name, line, when in _imports(ast.parse(source), package, ""):
        if name.split(".")[0] == "derive":
            yield Import(_module(name).removeprefix("derive").removeprefix("."), line, when)


def _module(name: str) -> str:
    """The module that a dotted name is, or is a name in."""
    path, parent = ROOT / name.replace(".", "/"), name.rpartition(".")[0]
    return name if path.is_dir() or path.with_suffix(".py").exists() or parent in ("", "derive") else parent


def _imports(tree: ast.AST, package: list[str], when: str) -> Iterator[tuple[str, int, str]]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno, when) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = [*(package[: len(package) - level + 1] if level else []), *([module] if module else [])]
                yield from ((".".join([*base, alias.name]), node.lineno, when) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"), args=[name, *_]
            ):
                yield str(getattr(name, "value", UNREADABLE)), node.lineno, when or LATE
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=orelse):
                yield from _imports(ast.Module(body, []), package, TYPES)
                yield from _imports(ast.Module(orelse, []), package, when)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(node, package, when or LATE)
            case _:
                yield from _imports(node, package, when)


def faults(module: str, source: str) -> list[str]:
    """Every import of the module `derive.MODULE` that goes against the order."""
    if module not in ALLOWED and (unknown := _unplaced(module)):
        return [f"derive.{module}: {unknown} has no place in the order"]
    renamed = [a for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) for a in node.names if a.asname]
    if any(alias.name == "import_module" for alias in renamed):
        return [f"derive.{module}: import_module under another name"]
    return [
        f"derive.{module}, line {found.line}: imports derive.{found.name} {found.when}".rstrip()
        for found in imports(module, source)
        if not _allowed(module, found)
    ]


def _unplaced(module: str) -> str:
    """The first part of a module's name that stands in no row of its package; "" if all do."""
    parts = module.removesuffix(".__init__").split(".")
    for depth, part in enumerate(parts):
        rows = ORDER.get(".".join(parts[:depth]))
        if rows is not None and not any(part in row for row in rows):
            return ".".join(parts[: depth + 1])
    return ""


def _allowed(module: str, found: Import) -> bool:
    if module in ALLOWED:
        return found.name.split(".")[0] in ALLOWED[module]
    if found.name == "__version__":  # a constant that whatever states its origin may read
        return True
    here, there = module.removesuffix(".__init__").split("."), found.name.split(".")
    if BACK.get((module, found.name)) == found.when:
        return True
    for depth, (own, other) in enumerate(zip(here, there, strict=False)):
        if own != other:
            rows = ORDER.get(".".join(here[:depth]), ())
            places = [[k for k, row in enumerate(rows) if name in row] for name in (own, other)]
            return all(places) and places[1] < places[0]
    return True


def modules() -> Iterator[tuple[str, Path]]:
    """Name inside derive and file of every module."""
    for path in sorted((ROOT / "derive").rglob("*.py")):
        yield ".".join(path.relative_to(ROOT / "derive").with_suffix("").parts).removesuffix(".__init__"), path


def test_imports_go_one_way() -> None:
    assert [fault for name, path in modules() for fault in faults(name, path.read_text("utf-8"))] == []


def test_every_package_has_its_order_and_every_place_is_taken() -> None:
    names = {name for name, _ in modules()}
    packages = {name.rpartition(".")[0] for name in names if "." in name}
    assert packages <= ORDER.keys()
    placed = {f"{package}.{part}".lstrip(".") for package, rows in ORDER.items() for row in rows for part in row}
    assert placed <= names


def test_every_exception_is_in_use() -> None:
    met = {(name, found.name): found.when for name, path in modules() for found in imports(name, path.read_text("utf-8"))}
    assert {pair: met.get(pair) for pair in BACK} == BACK


def test_the_page_on_the_design_tells_this_order() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)/` \| (.*?) \|", page, re.MULTILINE))
    rows = {package: " · ".join(" ".join(f"`{name}`" for name in sorted(row)) for row in ORDER[package]) for package in told}
    assert told == rows
    assert list(told) == [name for row in ORDER[""] for name in sorted(row) if name in ORDER]


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The sets of modules that import one another, directly or by way of others."""
    reached = {name: set(others) for name, others in arrows.items()}
    for middle in arrows:
        for others in reached.values():
            if middle in others:
                others |= reached[middle]
    met = {frozenset(other for other in others if name in reached.get(other, ())) for name, others in reached.items()}
    return [set(circle) for circle in met if len(circle) > 1]


def test_the_only_circle_is_that_of_a_library_that_calls_itself() -> None:
    sources = {name: path.read_text("utf-8") for name, path in modules() if name != "__init__"}
    assert circles({name: {found.name for found in imports(name, source)} for name, source in sources.items()}) == [RECURSIVE]


def test_a_planted_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}}) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("calculus.rules", "from derive.graphs.tree import Tree"),
        ("calculus.rules", "import derive.graphs.graph as graphs"),
        ("calculus.rules", "from derive import values"),
        ("calculus.rules", "def late():\n    from derive.proof.proof import prove"),
        ("calculus.rules", "late = lambda: 0\nif True:\n    from derive.proof.proof import prove"),
        ("calculus.rules", "from ..language import reader"),
        ("calculus.rules", "from .. import language"),
        ("calculus.terms", "from derive.calculus.matrix_form import matrix_form"),
        ("calculus.terms", "from .normal import normal"),
        ("language.parse", "from derive.language.reader import read"),
        ("errors", "from derive.calculus import terms"),
        ("graphs.graph", "from derive.language import parse"),
        ("graphs.tree", "from derive.graphs.graph import Graph"),
        ("graphs.graph", "def at():\n    from derive.values.run import Run"),
        ("graphs.graph", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from derive.values.run import Run"),
        ("derivation.derivation", "def prove():\n    from derive.proof.proof import prove"),
        ("derivation.derivation", "from importlib import import_module\nprove = import_module('derive.proof.proof')"),
        ("derivation.derivation", "from importlib import import_module as load\nprove = load('derive.proof.proof')"),
        ("derivation.derivation", "prove = __import__('derive.proof.proof')"),
        ("derivation.derivation", "from importlib import import_module\nprove = import_module(NAME)"),
        ("derivation.sweep", "import derive\ngraph = derive.graph"),
        ("language.library", "from derive.language.reader import read"),
        ("proof.proof", "from derive.teaching import document"),
        ("proof.proof", "from derive.api import Graph"),
        ("kernels.module", "from derive.teaching import document"),
        ("teaching.blocks.gradient", "from derive.teaching.pages.explain import explain"),
        ("teaching.blocks.worked", "from derive.teaching.formats.measure import size"),
        ("kernels.module", "from derive.exams.variants import draw"),
        ("kernels.program.program", "from derive.kernels.cuda import functions"),
        ("kernels.cpu.functions", "from derive.kernels.cuda import functions"),
        ("exams.states", "from derive.exams.papers import papers"),
        ("teaching.document", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import derive.exams"),
        ("__main__", "import derive.graphs.graph"),
        ("utilities", ""),
        ("calculus.utilities", ""),
    ],
)
def test_a_planted_import_is_found(module: str, source: str) -> None:
    assert faults(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("calculus.rules", "import sympy\nfrom derive.calculus import terms\nfrom .normal import normal"),
        ("calculus.rules", "from derive.errors import DeriveError\nfrom ..errors import Place"),
        ("graphs.graph", "from derive.graphs.tree import Tree"),
        ("graphs.graph", "from derive.graphs import tree"),
        ("language.library", "def load():\n    from derive.language.reader import read"),
        (
            "language.calls",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from derive.language.infer import Inference",
        ),
        ("language.parse", "from derive.graphs.tree import Tree\nfrom derive.graphs import graph"),
        ("teaching.document", "from derive.proof import proof\nimport derivelike\nfrom derive import __version__"),
        ("teaching.blocks.plots", "from derive.teaching.figure import layers"),
        ("__init__", "from derive.api import open_held"),
    ],
)
def test_a_good_import_is_left_alone(module: str, source: str) -> None:
    assert faults(module, source) == []


# ---------------------------------------------------------------------------------------------------------------- tests


def borrowed(source: str) -> list[int]:
    """The lines that import a module of tests: what tests share stands in `cases` and `oracles`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = (getattr(node, "module", "") or "").split(".")
        if any(part.startswith("test_") for part in (*module, *(p for name in names for p in name.split(".")))):
            found.append(node.lineno)
    return found


def test_no_test_imports_another() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    assert [f"{p}:{line}" for p in files for line in borrowed(p.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source", ["from test_gradients import LIBRARY", "from derivation.test_forms import form", "def f():\n    import test_matrix"]
)
def test_a_planted_import_of_a_test_is_found(source: str) -> None:
    assert borrowed(source)


def test_what_tests_share_is_left_alone() -> None:
    assert borrowed("import pytest\nfrom cases.gradients import LIBRARY\nfrom oracles.rendering import pdflatex") == []


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


WRITERS = {"files", "kernels.cache"}
"""All that is asked for is written in one module; another keeps compiled kernels, in a folder of its own."""


def test_only_two_modules_write_files() -> None:
    assert [f"{p}:{line}" for name, p in modules() if name not in WRITERS for line in writes(p.read_text("utf-8"))] == []


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
    assert isinstance(vars(Graph)[MEMORY], property)
    assert [f"{p}:{line}" for _, p in modules() for line in reaches(p.read_text("utf-8"))] == []


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
    sources = [path.read_text("utf-8") for _, path in modules()]
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
