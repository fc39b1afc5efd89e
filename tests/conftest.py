"""What every test may use: outside tools that can be missing, and golden files.

`@pytest.mark.needs("pandoc", "katex")` skips a test where a tool is missing, and the run ends with a section that
says which tools were missing and how many tests that skipped.  With REQUIRE_TOOLS=1 in the environment, as in CI, those
tests fail instead.

What passed is kept with pytest's cache (`derive/passed`).  `--passed-before FILE` leaves out what another run passed of
those that nothing installed besides can change (all but `INSTALLED`), if every package of that run is here in the same version.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import unified_diff
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, which

import hypothesis
import pytest

os.environ.setdefault("SYMPY_CACHE_SIZE", "20000")  # before anything imports it: a seventh of the time of derivations

from oracles.browser import chromium

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "output"
TOOLS = Path(__file__).parent / "tools" / "node_modules"
KATEX, MATHJAX, AXE, GIFT = (TOOLS / name for name in ("katex", "mathjax", "axe-core/axe.min.js", "gift-pegjs"))

AVAILABLE: dict[str, Callable[[], object]] = {
    "amc": lambda: which("auto-multiple-choice"),
    "axe": AXE.is_file,
    "chromium": chromium,
    "expecttest": lambda: find_spec("expecttest"),
    "gift": lambda: which("node") and GIFT.is_dir(),
    "jax": lambda: find_spec("jax"),
    "katex": lambda: which("node") and KATEX.is_dir(),
    "mathjax": lambda: which("node") and MATHJAX.is_dir(),
    "numba-cuda": lambda: find_spec("numba_cuda"),
    "numba-cuda-mlir": lambda: find_spec("numba_cuda_mlir"),
    "pandoc": lambda: which("pandoc"),
    "pdflatex": lambda: which("pdflatex"),
    "poppler": lambda: which("pdftotext") and which("pdftoppm"),
    "pyslet": lambda: find_spec("pyslet"),
    "torch": lambda: find_spec("torch"),
    "typst": lambda: find_spec("typst"),
}

MISSING = "missing tool"

# A test is as slow as its machine: under a tracer, or beside other tests, a deadline says nothing about the code.
# In CI the same examples every time: a run that passed once passes again; new ones are looked for at a desk.
hypothesis.settings.register_profile("no deadline", parent=hypothesis.settings(), deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("no deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew from what the code says now")

    parser.addoption("--passed-before", type=Path, help="leave out what passed there and depends on no other package")


INSTALLED = ("tests/test_bare_machine.py", "tests/test_packaging.py", "tests/test_tools.py")
"""Tests of what is installed.  All others use derive and its own dependencies; what asks an outside tool or another oracle says
so, and is skipped where that is missing, so it did not pass before.
"""


def packages() -> dict[str, str]:
    """The version of every package that is installed, but of what installs them: an extra may bring a newer setuptools."""
    return {found.name: found.version for found in distributions() if found.name not in ("pip", "setuptools", "wheel")}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    before = config.getoption("--passed-before")
    kept = json.loads(before.read_text(encoding="utf-8")) if before else {"packages": {}, "passed": []}
    passed = set(kept["passed"] if kept["packages"].items() <= packages().items() else ())
    again = [item for item in items if item.nodeid not in passed or item.nodeid.startswith(INSTALLED)]
    if len(again) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(again)])
        items[:] = again


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    cache = getattr(session.config, "cache", None)
    if cache is not None and reporter is not None and not hasattr(session.config, "workerinput"):
        passed = sorted({r.nodeid for r in reporter.stats.get("passed", ()) if r.when == "call"})
        cache.set("derive/passed", {"packages": packages(), "passed": passed})


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(100_000, 20, 100)  # terms are many and hold no cycles: looking for them took a fourteenth of the time
    config.addinivalue_line("markers", f"needs(*tools): skip where an outside tool is missing; one of {', '.join(AVAILABLE)}")


# First, so that no fixture of a test runs into the missing tool.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    needed = dict.fromkeys(tool for mark in item.iter_markers("needs") for tool in mark.args)
    missing = [tool for tool in needed if not AVAILABLE[tool]()]
    if not missing:
        return
    # Properties travel with the report, so the summary also knows what parallel workers skipped.
    item.user_properties += [(MISSING, tool) for tool in missing]
    reason = f"needs {' and '.join(missing)}"
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(f"{reason}; REQUIRE_TOOLS=1 allows no missing tool", pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tests = Counter(
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == MISSING and report.when == "setup"
    )
    if tests:
        outcome = "failed" if os.environ.get("REQUIRE_TOOLS") == "1" else "skipped"
        terminalreporter.section("missing tools")
        for tool, count in sorted(tests.items()):
            terminalreporter.line(f"{tool}: {count} test{'s' * (count > 1)} {outcome}")


AGAIN = "networks"
"""The lecture that is built twice: it has one of nearly everything."""


@pytest.fixture(scope="session")
def courses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped lectures, and one of them again under other hashes: built once, as all that look at them are of one group."""
    folders = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("course")
    if (OUTPUT / ".course.json").exists():  # what `make course` has built of the same files is not built again
        copytree(OUTPUT, folders[0], dirs_exist_ok=True)
    again = ["slides", f"lectures/{AGAIN}.md", "--format", "html,pdf,notebook,markdown,beamer"]
    for seed, (command, folder) in enumerate(zip((["course"], again), folders, strict=True), 1):
        run = subprocess.run(
            [sys.executable, "cli.py", *command, "-o", folder],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=500,
        )
        assert (run.returncode, run.stderr) == (0, b"")
    return folders


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(path, text)` compares a text with a file that holds what it should be; `--update` writes the file."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            fix = f"if the new text is right: pytest --update {request.node.nodeid!r}"
            pytest.fail("\n".join([f"{path} differs; {fix}", *_difference(expected, text)]), pytrace=False)

    return compare


def _difference(expected: str, actual: str) -> Iterator[str]:
    return unified_diff(expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm="")
