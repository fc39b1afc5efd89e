"""The wheel: what it holds, and that it works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent

# Built once, by one worker.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    _pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def _pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True, timeout=300)


def _names(wheel: Path) -> set[str]:
    return set(ZipFile(wheel).namelist())


def test_one_importable_name(wheel: Path) -> None:
    assert {name.split("/")[0] for name in _names(wheel) if ".dist-info/" not in name} == {"derive"}


def test_everything_is_carried(wheel: Path) -> None:
    carried = ["derive", "templates", "lectures"]
    files = {path.relative_to(ROOT) for folder in carried for path in (ROOT / folder).rglob("*") if path.is_file()}
    expected = {path if path.parts[0] == "derive" else "derive" / path for path in files if "__pycache__" not in path.parts}
    names = _names(wheel)
    assert {path.as_posix() for path in expected} <= names
    assert "derive/cli.py" in names
    for kind in ("derive/library/*.derive", "derive/teaching/locale/*.po", "derive/templates/*/*", "derive/lectures/*.md"):
        assert any(Path(name).match(kind) for name in names), kind
    assert not any("__pycache__" in name for name in names)


@pytest.mark.parametrize("arguments", [["--help"], ["library"]])
def test_it_runs_from_anywhere(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "cli.py").write_text("raise SystemExit('this is another program')")
    run = _python(installed, tmp_path, "-m", "derive", *arguments)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout


def test_it_uses_its_own_files(installed: Path, tmp_path: Path) -> None:
    report = "import derive.cli as c, derive.resources as r; print(c.__file__, r.folder('templates'), r.folder('lectures'))"
    run = _python(installed, tmp_path, "-c", report)
    inside = installed / "derive"
    assert run.stdout.split() == [str(inside / name) for name in ("cli.py", "templates", "lectures")], run.stderr


def _python(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)
