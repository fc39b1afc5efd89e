"""The examples in docstrings are run: what stands under `>>>` is what comes out."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "derive").rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


def failures(module: ModuleType, source: str) -> list[str]:
    """What doctest says of each example of a module that does not hold, and whether any in its source is not run."""
    runner, said = doctest.DocTestRunner(verbose=False), list[str]()
    for test in doctest.DocTestFinder().find(module):
        runner.run(test, out=said.append)
    written = source.count(">>> ")
    return said if runner.tries == written else [*said, f"{runner.tries} of {written} examples were run"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    module = import_module(name)
    assert failures(module, Path(str(module.__file__)).read_text("utf-8")) == []


def test_a_good_example_passes() -> None:
    text = "Two.\n\n>>> 1 + 1\n2\n"
    assert failures(ModuleType("planted", text), text) == []


@pytest.mark.parametrize(
    ("text", "elsewhere", "fault"),
    [
        ("Two.\n\n>>> 1 + 1\n3\n", "", "Expected:\n    3\nGot:\n    2"),
        ("Two.\n\n>>> one + 1\n2\n", "", "NameError"),
        ("Two.\n\n>>> 1 + 1\n2\n", "# >>> 2 + 2", "1 of 2 examples were run"),
    ],
)
def test_a_planted_wrong_example_is_found(text: str, elsewhere: str, fault: str) -> None:
    assert any(fault in said for said in failures(ModuleType("planted", text), text + elsewhere))
