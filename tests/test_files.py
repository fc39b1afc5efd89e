"""The files that commands write: whole or not at all, never over another's work, the same on every machine."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import cli
from derive.language.reader import read
from derive.resources import OURS

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "output"

LECTURE = """\
---
title: Products
---

## Values

```derive define f
f = u*v
```

```derive worked f
at: u=%(u)s, v=3
```

```derive figure f
at: u=%(u)s, v=3
```
"""

THEIRS = "What a teacher wrote, by hand.\n"


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    path = tmp_path / "products.md"
    path.write_text(LECTURE % {"u": 2})
    return path


def build(lecture: Path, *options: str) -> int:
    return cli.main(["slides", str(lecture), "-o", str(lecture.parent / "out"), "--format", "beamer,markdown", *options])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rebuilt(lecture: Path, *options: str) -> tuple[dict[str, bytes], dict[str, bytes], int]:
    """What lay beside a lecture, what lies there after the lecture was changed and built, and the status of the build."""
    before = contents(lecture.parent / "out")
    lecture.write_text(LECTURE % {"u": 5})
    status = build(lecture, *options)
    return before, contents(lecture.parent / "out"), status


# ---------------------------------------------------------------------------------------------------- all of it or none


def failing(action: Callable[..., Any], call: int, error: BaseException) -> Callable[..., Any]:
    """The action, except that one of its calls fails."""
    calls = iter(range(1, 1000))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise error
        return action(*arguments, **options)

    return wrapped


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", [1, 2, 4])
@pytest.mark.parametrize("action", ["tempfile.mkstemp", "os.fdopen", "pathlib.Path.chmod"])
def test_a_full_disk_leaves_everything_as_it_was(
    lecture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], action: str, call: int
) -> None:
    assert build(lecture) == 0
    module, name = action.rsplit(".", 1)
    owner = {"tempfile": cli.tempfile, "os": os, "pathlib.Path": Path}[module]
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), call, FULL))
    before, after, status = rebuilt(lecture)
    assert (after, status) == (before, 1)
    message = capsys.readouterr().err
    assert message.startswith("derive: ")
    assert message.endswith(" cannot be written: No space left on device\n")
    assert len(message.splitlines()) == 1


def test_an_interrupted_build_leaves_everything_as_it_was(lecture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(lecture) == 0
    before = contents(lecture.parent)
    monkeypatch.setattr(os, "fdopen", failing(os.fdopen, 3, KeyboardInterrupt()))
    assert build(lecture) == 130
    assert contents(lecture.parent) == before


@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_name_that_cannot_be_taken_leaves_whole_files_only(
    lecture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call: int
) -> None:
    assert build(lecture) == 0
    monkeypatch.setattr(os, "replace", failing(os.replace, call, PermissionError(errno.EPERM, "Operation not permitted")))
    before, after, status = rebuilt(lecture)
    monkeypatch.undo()
    assert status == 1
    assert " cannot be written: Operation not permitted" in capsys.readouterr().err
    assert build(lecture) == 0
    complete = contents(lecture.parent / "out")
    assert set(after) == set(before) == set(complete)  # nothing temporary is left
    assert all(after[name] in (before[name], complete[name]) for name in after)
    if call == 1:
        assert after == before


def test_a_file_too_large_for_the_system_is_not_left_in_part(lecture: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    command = [sys.executable, ROOT / "cli.py", "slides", lecture, "-o", lecture.parent / "out"]
    run = subprocess.run(
        command,
        preexec_fn=limit,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"derive: {lecture.parent / 'out' / 'products.en.tex'} cannot be written: File too large\n"
    assert contents(lecture.parent).keys() == {"products.md"}


# ------------------------------------------------------------------------------------------------- other people's files


def test_our_files_are_written_anew(lecture: Path) -> None:
    assert build(lecture) == 0
    before, after, status = rebuilt(lecture)
    assert status == 0
    assert set(before) == set(after)
    assert all(before[name] != after[name] for name in before)


@pytest.mark.parametrize("ending", ["en.md", "en.tex", "svg", "pdf"])
def test_one_file_of_another_stops_them_all(lecture: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    assert build(lecture) == 0
    (theirs,) = [path for path in (lecture.parent / "out").iterdir() if path.name.endswith(ending)]
    theirs.write_text(THEIRS)
    before, after, status = rebuilt(lecture)
    assert (after, status) == (before, 1)
    assert capsys.readouterr().err.startswith(f"derive: {theirs} exists and was not written by derive\n")
    before, after, status = rebuilt(lecture, "--force")
    assert status == 0
    assert THEIRS.encode() not in after.values()


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_explain_keeps_another_s_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    file = tmp_path / "page"
    file.write_text(THEIRS)
    command = ["explain", "f = u*v", "--format", form, "-o", str(file)]
    assert cli.main(command) == 1
    assert file.read_text() == THEIRS
    assert "--force" in capsys.readouterr().err
    assert cli.main([*command, "--force"]) == 0
    ours = file.read_bytes()
    assert cli.main(command) == 0  # now it is ours
    assert file.read_bytes() == ours


def test_a_lecture_is_not_taken_for_its_slides(lecture: Path) -> None:
    before = lecture.read_bytes()
    assert cli.main(["explain", "f = u*v", "--format", "markdown", "-o", str(lecture)]) == 1
    assert lecture.read_bytes() == before


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    ours, link = tmp_path / "ours.md", tmp_path / "link.md"
    command = ["explain", "f = u*v", "--format", "markdown", "-o"]
    assert cli.main([*command, str(ours)]) == 0
    link.symlink_to(ours)
    before = ours.read_bytes()
    assert cli.main(["explain", "f = u*v*v", "--format", "markdown", "-o", str(link)]) == 0
    assert not link.is_symlink()
    assert ours.read_bytes() == before


def test_a_new_file_has_the_rights_that_the_user_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert cli.main(["explain", "f = u*v", "-o", str(tmp_path / "deep" / "page.txt")]) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "deep" / "page.txt").stat().st_mode & 0o777 == 0o640


# ------------------------------------------------------------------------------------------------------ the same always

EXPLANATIONS = """
import cli
for source, *options in (
    ("softmax",),
    ("mlp", "--wrt", "b2"),
    ("hinge", "--at", "s=[2.3, 4.1, -2.1], t=0", "--lang", "fr"),
    ("x: [n]; W: [m, n]; y = tanh(W @ x); L = sum(y*y)", "--at", "x=[1, 2], W=[[0.5, -1], [2, 0]]", "--detail", "full"),
):
    for form in ("text", "markdown", "latex", "json"):
        assert cli.main(["explain", source, "--format", form, *options]) == 0
"""


def started(seed: int, *arguments: str | Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(run: subprocess.Popen[bytes]) -> bytes:
    out, err = run.communicate(timeout=300)
    assert (run.returncode, err) == (0, b"")
    return out


def test_an_explanation_does_not_depend_on_hashes() -> None:
    first, second = map(ended, [started(seed, "-c", EXPLANATIONS) for seed in (1, 2)])
    assert len(first) > 10_000
    assert first == second


def test_an_explanation_does_not_depend_on_what_came_before(capsys: pytest.CaptureFixture[str]) -> None:
    def explained(names: Iterable[str]) -> dict[str, str]:
        read.cache_clear()
        capsys.readouterr()
        return {name: capsys.readouterr().out for name in names if cli.main(["explain", name, "--format", "json"]) == 0}

    names = ("softmax", "hinge", "cosine_similarity", "mse")
    assert explained(names) == explained(reversed(names))


@pytest.mark.xdist_group("course")
def test_the_course_does_not_depend_on_hashes(courses: tuple[Path, Path]) -> None:
    first, second = map(contents, courses)
    assert {Path(name).suffix for name in first} == {".tex", ".md", ".svg", ".pdf"}
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.xdist_group("course")
def test_every_file_of_the_course_says_who_made_it(courses: tuple[Path, Path]) -> None:
    assert [name for name, content in contents(courses[0]).items() if OURS.encode() not in content] == []


@pytest.mark.xdist_group("course")
def test_the_committed_course_is_what_the_lectures_build_to(courses: tuple[Path, Path]) -> None:
    built, committed = contents(courses[0]), contents(OUTPUT)
    texts = {name for name in built.keys() | committed.keys() if name.endswith((".tex", ".md"))}
    differing = sorted(name for name in texts if built.get(name) != committed.get(name))
    assert not differing, f"run make course and look at what changed in output/: {', '.join(differing)}"
