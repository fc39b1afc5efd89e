"""The marker for outside tools and the golden files, each tried in a run of pytest inside the test."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

NEEDY = """
    import pytest

    @pytest.fixture
    def slides():
        raise AssertionError("a fixture ran although its tool is missing")

    @pytest.mark.needs("pandoc")
    @pytest.mark.parametrize("count", [1, 2])
    def test_slides(slides, count): ...

    @pytest.mark.needs("pandoc", "pdflatex")
    def test_pages(slides): ...

    def test_alone(): ...
"""


@pytest.fixture
def needy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose tests need tools, on a machine that has none."""
    monkeypatch.setenv("PATH", str(pytester.path))
    monkeypatch.delenv("REQUIRE_TOOLS", raising=False)
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(NEEDY)
    return pytester


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_missing_tool_skips_and_is_reported_once(needy: pytest.Pytester, workers: str) -> None:
    result = needy.runpytest("-n", workers)
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(["*= missing tools =*", "pandoc: 3 tests skipped", "pdflatex: 1 test skipped"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_required_tools_fail(needy: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    monkeypatch.setenv("REQUIRE_TOOLS", "1")
    result = needy.runpytest("-n", workers)
    result.assert_outcomes(passed=1, errors=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*needs pandoc and pdflatex; REQUIRE_TOOLS=1*", "pandoc: 3 tests failed", "pdflatex: 1 test failed"]
    )


def test_a_tool_that_is_there_is_used(needy: pytest.Pytester) -> None:
    pandoc = needy.path / "pandoc"
    pandoc.write_text("#!/bin/sh\n")
    pandoc.chmod(0o755)
    result = needy.runpytest("-k", "test_slides")
    result.stdout.fnmatch_lines(["*a fixture ran*"])
    result.stdout.no_fnmatch_line("*missing tools*")


def test_a_tool_nobody_knows_is_a_mistake(needy: pytest.Pytester) -> None:
    needy.makepyfile("import pytest\n@pytest.mark.needs('pandocc')\ndef test_slides(): ...")
    result = needy.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*KeyError: 'pandocc'*"])


def test_golden_file(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile("from pathlib import Path\ndef test_text(golden):\n    golden(Path('golden/text.md'), 'é = 2\\n')")
    missing = pytester.runpytest()
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*pytest --update *test_text*", "*+é = 2"])
    pytester.runpytest("--update").assert_outcomes(passed=1)
    pytester.runpytest().assert_outcomes(passed=1)
    (pytester.path / "golden" / "text.md").write_text("é = 3\n", encoding="utf-8")
    pytester.runpytest().assert_outcomes(failed=1)


def test_what_passed_before_is_left_out(pytester: pytest.Pytester) -> None:
    """But for tests of what is installed, only where it passed, and with the packages that it passed with."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    code = "import pytest\ndef test_one(): pass\ndef test_two(): pytest.skip('no tool')\ndef test_three(): assert False"
    for path in (pytester.path / "tests" / "proof" / "test_proof.py", pytester.path / "tests" / "test_packaging.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    pytester.runpytest("tests").assert_outcomes(passed=2, skipped=2, failed=2)
    passed = (pytester.path / ".pytest_cache" / "v" / "derive" / "passed").read_text(encoding="utf-8")
    (pytester.path / "passed").write_text(passed, encoding="utf-8")
    again = pytester.runpytest("tests", "--passed-before=passed")
    again.assert_outcomes(passed=1, skipped=2, failed=2, deselected=1)
    older = passed.replace(f'"pytest": "{pytest.__version__}"', '"pytest": "0.1"')
    assert older != passed
    (pytester.path / "passed").write_text(older, encoding="utf-8")
    pytester.runpytest("tests", "--passed-before=passed").assert_outcomes(passed=2, skipped=2, failed=2)
