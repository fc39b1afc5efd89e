"""The files that commands write: whole or not at all, never over another's work, the same on every machine."""

from __future__ import annotations

import errno
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.image import imread as image_read

import cli
from derive.language.reader import read
from derive.marks import HEAD, OURS, made_from, marked
from derive.teaching.figure import Box, Diagram, draw

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
    owner = {"tempfile": tempfile, "os": os, "pathlib.Path": Path}[module]
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), call, FULL))
    before, after, status = rebuilt(lecture)
    assert (after, status) == (before, 1)
    message = capsys.readouterr().err
    assert message.startswith("derive: ")
    assert message.endswith(" cannot be written: No space left on device.\n")
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
    assert run.stderr == f"derive: {lecture.parent / 'out' / 'products.en.tex'} cannot be written: File too large.\n"
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
    assert capsys.readouterr().err.startswith(f"derive: {theirs} exists and was not written by derive.\n")
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


def test_a_new_file_has_the_rights_that_the_user_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert cli.main(["explain", "f = u*v", "-o", str(tmp_path / "deep" / "page.txt")]) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "deep" / "page.txt").stat().st_mode & 0o777 == 0o640


# ---------------------------------------------------------------------------------------------------------- our own files

FIGURE = """\
---
title: %(title)s
lang: [en, fr]
---

## Slide

```derive define f
f = u*v
```

```derive figure f
at: u=%(u)s, v=3
```

```derive plot
functions: %(function)s
```
"""


def slides(lecture: Path, out: Path, *options: str) -> int:
    return cli.main(["slides", str(lecture), "-o", str(out), "--format", "beamer,markdown", *options])


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def shown(page: Path) -> list[str]:
    """The names of the pictures on a page."""
    return re.findall(r"!\[.*?\]\((.+?)\)|\\derivepicture\{[\d.]+\}\{(.+?)\}", page.read_text("utf-8"))


def pictures(page: Path) -> list[bytes]:
    """The pictures of a page, each of which is there."""
    return [(page.parent / (one or other)).read_bytes() for one, other in shown(page)]


FORMATS = {
    "page.txt": ["explain", "f = u*v"],
    "page.md": ["explain", "f = u*v", "--format", "markdown"],
    "page.tex": ["explain", "f = u*v", "--format", "latex"],
    "page.json": ["explain", "f = u*v", "--format", "json"],
    "certificate.txt": ["check", "f = u*v"],
    "certificate.json": ["check", "f = u*v", "--format", "json"],
    "kernel.py": ["kernel", "f = u*v"],
    "device.py": ["kernel", "f = u*v", "--target", "cuda"],
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of every kind that derive writes."""
    folder = tmp_path_factory.mktemp("ours")
    for name, command in FORMATS.items():
        assert cli.main([*command, "-o", str(folder / name)]) == 0
    lecture = written(folder / "source" / "one.md", FIGURE % {"title": "One", "u": 2, "function": "relu"})
    assert slides(lecture, folder) == 0
    (folder / "source" / "one.md").unlink()
    (folder / "source").rmdir()
    return folder


def test_the_mark_stands_at_the_head_of_every_file(ours: Path) -> None:
    assert {path.suffix for path in ours.iterdir()} == {".txt", ".md", ".tex", ".json", ".py", ".svg", ".pdf"}
    for path in ours.iterdir():
        source = "one.md" if path.name.startswith("one") else "f = u*v" if path.suffix in (".md", ".tex") else ""
        assert made_from(path.read_bytes()[:HEAD]) == source, path.name
        assert path.read_bytes().find(OURS.encode()) < 200


def test_a_text_that_quotes_the_mark_is_not_ours(ours: Path) -> None:
    for path in ours.iterdir():
        content = path.read_bytes()
        line = next(line for line in content.split(b"\n") if OURS.encode() in line)
        quotes = (b"x" + content, b"\n" + content, b"# Notes\n\n" + line + b"\n", b"> " + line + b"\n", line + b" It says so.\n")
        assert [quote for quote in quotes if made_from(quote[:HEAD]) is not None] == []


@pytest.mark.parametrize("path", ["cli.py", "README.md", "derive/marks.py", "tests/test_files.py"])
def test_a_file_of_the_project_is_not_ours(tmp_path: Path, path: str) -> None:
    copy = written(tmp_path / Path(path).name, (ROOT / path).read_bytes())
    assert cli.main(["explain", "f = u*v", "-o", str(copy)]) == 1
    assert copy.read_bytes() == (ROOT / path).read_bytes()


def test_a_picture_says_who_made_it_in_all_its_formats() -> None:
    for kind in ("svg", "pdf", "png"):
        content = marked(draw(Diagram((Box("x", "x", "input"),), (), "x"), kind), kind, "lectures/a--b --> %.md")
        assert made_from(content[:HEAD]) == "lectures/a- -b - -> %.md"


def test_the_mark_keeps_a_picture_whole(ours: Path) -> None:
    (pdf,) = ours.glob("one-figure-*-en.pdf")
    content = pdf.read_bytes()
    table = int(content.split(b"startxref\n")[1].split(b"\n")[0])
    assert content[table:].startswith(b"xref\n")
    places = re.findall(rb"(\d{10}) 00000 n", content[table:])
    assert all(content[int(place) :].startswith(b"%d 0 obj" % number) for number, place in enumerate(places, 1))
    for svg in ours.glob("*.svg"):
        assert ElementTree.fromstring(svg.read_bytes()).tag.endswith("svg")
    image = marked(draw(Diagram((Box("x", "x", "input"),), (), "x"), "png"), "png", "é.md")
    assert image_read(BytesIO(image)).shape[2] == 4


@pytest.mark.needs("poppler")
def test_a_marked_pdf_is_read_without_complaint(ours: Path) -> None:
    for pdf in ours.glob("*.pdf"):
        run = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, encoding="utf-8", timeout=60)
        assert (run.returncode, run.stderr) == (0, "")


def test_of_a_huge_file_the_head_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(30 << 30)
    assert cli.main(["explain", "f = u*v", "-o", str(huge)]) == 1
    assert "was not written by derive" in capsys.readouterr().err
    assert huge.stat().st_size == 30 << 30


# ------------------------------------------------------------------------------------------------- the pictures of lectures


def test_two_lectures_of_one_folder_keep_their_figures_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    names = ("a.md", "b.md", "a b.md", "a-b.md", "a.b.md", "é.md", "è.md", "a-figure.md")
    for k, name in enumerate(names):
        lecture = written(tmp_path / name, FIGURE % {"title": k, "u": k + 1, "function": ("relu", "sigmoid", "tanh")[k % 3]})
        assert slides(lecture, out) == 0
        if k == 0:
            first = contents(out)
    found = [
        pictures(out / f"{Path(name).stem}.{lang}.{ending}")
        for name in names
        for lang in ("en", "fr")
        for ending in ("md", "tex")
    ]
    assert all(len(one) == 2 for one in found)
    assert contents(out).items() >= first.items()
    assert len({one[0] for one in found}) == len(found)


def test_figures_keep_their_names_where_a_line_is_added_above(tmp_path: Path) -> None:
    lecture = written(tmp_path / "a.md", FIGURE % {"title": "A", "u": 2, "function": "relu"})
    assert slides(lecture, tmp_path / "out") == 0
    before = contents(tmp_path / "out").keys()
    lecture.write_text(
        lecture.read_text().replace("## Slide", "## Slide\n\nOne more line.\n\n```derive plot\nfunctions: tanh\n```")
    )
    assert slides(lecture, tmp_path / "out") == 0
    assert contents(tmp_path / "out").keys() - before == {
        f"a-plot-2-{lang}.{kind}" for lang in ("en", "fr") for kind in ("pdf", "svg")
    }
    assert before - contents(tmp_path / "out").keys() == set()


def test_a_figure_that_no_page_shows_goes_and_no_other(tmp_path: Path) -> None:
    out = tmp_path / "out"
    texts = {name: FIGURE % {"title": name, "u": 2, "function": "relu"} for name in ("a.md", "a-plot.md")}
    for name, text in texts.items():
        assert slides(written(tmp_path / name, text), out) == 0
    theirs = [written(out / name, THEIRS) for name in ("a-plot-9-en.pdf", "a-figure-f-1-en-old.svg", "notes.txt")]
    before = contents(out)
    (tmp_path / "a.md").write_text(texts["a.md"].replace("```derive plot\nfunctions: relu\n```\n", ""))
    assert slides(tmp_path / "a.md", out, "--lang", "en") == 0
    gone = before.keys() - contents(out).keys()
    assert gone == {"a-plot-1-en.pdf", "a-plot-1-en.svg"}  # the French pages were not built again, and show theirs
    assert slides(tmp_path / "a.md", out) == 0
    gone = before.keys() - contents(out).keys()
    assert gone == {f"a-plot-1-{lang}.{kind}" for lang in ("en", "fr") for kind in ("pdf", "svg")}
    assert all(path.read_text() == THEIRS for path in theirs)
    assert all(pictures(out / f"a-plot.{lang}.tex") for lang in ("en", "fr"))


PICTURED = "---\ntitle: P\nlang: [en, fr]\n---\n\n## Slide\n\n%s\n"
BY_LANGUAGE = ":::en\n![a](en/x.png)\n:::\n:::fr\n![a](fr/x.png)\n:::"


@pytest.mark.parametrize("out", [".", "out"])
def test_a_lecture_with_a_picture_of_its_own_builds_again_and_again(tmp_path: Path, out: str) -> None:
    lecture, page = written(tmp_path / "p.md", PICTURED % "![alt](fig.png)"), tmp_path / out / "p.en.tex"
    for content in (b"one", b"one", b"two", b"two"):
        picture = written(tmp_path / "fig.png", content)
        assert slides(lecture, tmp_path / out) == 0
        assert picture.read_bytes() == content
        assert pictures(page) == pictures(page.with_suffix(".md")) == [content]
    assert len(list((tmp_path / out).glob("*.png"))) == (2 if out == "." else 1)
    theirs = written(tmp_path / out / "p-fig-0123456789ab.png", b"of somebody else")
    lecture.write_text(PICTURED % "Words.")
    assert slides(lecture, tmp_path / out) == 0
    assert {path.name for path in (tmp_path / out).glob("*.png")} == {theirs.name, *(["fig.png"] if out == "." else [])}


def test_a_picture_of_each_language_is_shown_in_it(tmp_path: Path) -> None:
    lecture = written(tmp_path / "p.md", PICTURED % BY_LANGUAGE)
    for lang in ("en", "fr"):
        written(tmp_path / lang / "x.png", lang)
    assert slides(lecture, tmp_path / "out") == 0
    for lang in ("en", "fr"):
        assert pictures(tmp_path / "out" / f"p.{lang}.tex") == pictures(tmp_path / "out" / f"p.{lang}.md") == [lang.encode()]


def test_a_copy_that_somebody_changed_stops_the_build(tmp_path: Path) -> None:
    lecture = written(tmp_path / "p.md", PICTURED % "![alt](fig.png)")
    written(tmp_path / "fig.png", b"one")
    assert slides(lecture, tmp_path / "out") == 0
    (copy,) = (tmp_path / "out").glob("*.png")
    copy.write_bytes(b"changed")
    assert slides(lecture, tmp_path / "out") == 1
    assert copy.read_bytes() == b"changed"


def test_a_page_of_another_lecture_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.md", "a.txt"):
        written(tmp_path / name, FIGURE % {"title": name, "u": 2, "function": "relu"})
    assert slides(tmp_path / "a.md", tmp_path / "out") == 0
    before = contents(tmp_path / "out")
    assert slides(tmp_path / "a.txt", tmp_path / "out") == 1
    assert "a.en.tex exists and was made from another source: a.md\n" in capsys.readouterr().err
    assert contents(tmp_path / "out") == before
    assert slides(tmp_path / "a.txt", tmp_path / "out", "--force") == 0


# ------------------------------------------------------------------------------------------------------- modes and links


def explained(path: Path, *options: str, text: str = "f = u*v*v") -> int:
    return cli.main(["explain", text, "--format", "markdown", "-o", str(path), *options])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    page = tmp_path / "page.md"
    assert explained(page, text="f = u*v") == 0
    before = page.read_bytes()
    page.chmod(mode)
    assert explained(page) == 0
    assert (page.stat().st_mode & 0o777, page.read_bytes() == before) == (mode, False)


def test_a_read_only_file_is_kept_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    assert explained(page, text="f = u*v") == 0
    before = page.read_bytes()
    page.chmod(0o444)
    assert explained(page) == 1
    assert capsys.readouterr().err.startswith(f"derive: {page} is read-only.\n")
    assert page.read_bytes() == before
    assert explained(page, "--force") == 0
    assert (page.stat().st_mode & 0o777, page.read_bytes() == before) == (0o444, False)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    page, link, other = tmp_path / "deep" / "page.md", tmp_path / "link.md", tmp_path / "other.md"
    page.parent.mkdir()
    assert explained(page, text="f = u*v") == 0
    link.symlink_to("deep/page.md")
    other.hardlink_to(page)
    before = page.read_bytes()
    assert explained(link) == 0
    assert link.is_symlink()
    assert page.read_bytes() == other.read_bytes() != before
    assert page.stat().st_ino == other.stat().st_ino
    assert {path.name for path in tmp_path.rglob("*")} == {"deep", "page.md", "link.md", "other.md"}


def test_a_link_to_another_s_file_is_not_written_through(tmp_path: Path) -> None:
    theirs, link = written(tmp_path / "theirs.txt", THEIRS), tmp_path / "link.md"
    link.symlink_to(theirs)
    assert explained(link) == 1
    assert theirs.read_text() == THEIRS
    assert explained(link, "--force") == 0
    assert link.is_symlink()
    assert made_from(theirs.read_bytes()) == "f = u*v*v"


@pytest.mark.parametrize("leads", ["nowhere.md", "link.md", "gone/page.md"])
def test_a_link_that_leads_nowhere_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str], leads: str) -> None:
    link = tmp_path / "link.md"
    link.symlink_to(leads)
    assert explained(link) == 1
    assert "leads nowhere" in capsys.readouterr().err
    assert str(link.readlink()) == leads
    assert not (tmp_path / "nowhere.md").exists()


def test_new_folders_go_again_where_nothing_is_written(tmp_path: Path) -> None:
    assert explained(tmp_path / "a" / "b" / ("x" * 300) / "page.md") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_system_s_name_for_standard_output_is_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "mse"]) == 0
    for name in ("-", "/dev/stdout", "/proc/self/fd/1"):
        capsys.readouterr()
        assert cli.main(["explain", "f = u*v", "-o", name]) == 0
        assert capsys.readouterr().out.startswith("f\n\nDefinition\n")


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full", "/dev/tty", "/dev/stdin"])
def test_a_device_is_no_file(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert cli.main(["explain", "f = u*v", "-o", name, "--force"]) == 1
    assert re.match(rf"derive: {name} (is not a file|cannot be written|is a link)", capsys.readouterr().err)


# ---------------------------------------------------------------------------------------------- processes that are stopped

WRITER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from derive.files import write
from derive.marks import mark
print("ready", flush=True)
for k in range(1, 1_000_000):
    write({{Path(sys.argv[1]) / f"{{n}}.txt": f"{{mark()}}\\n\\n{{k}}\\n" for n in range(20)}}, force=False)
"""

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def hears() -> None:
    """In a child: no signal is ignored because whoever runs the tests ignores it, as `nohup` does."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_DFL)


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_process_that_is_stopped_leaves_a_whole_set(tmp_path: Path, stop: signal.Signals) -> None:
    draw = random.Random(stop)
    for trial in range(4):
        out = tmp_path / str(trial)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hears
        ) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == b"ready\n"
            time.sleep(draw.uniform(0, 0.1))
            run.send_signal(stop)
            run.communicate(timeout=60)
        assert run.returncode not in (0, None)
        found = contents(out) if out.exists() else {}
        assert found.keys() in (set(), {f"{n}.txt" for n in range(20)})
        assert len(set(found.values())) <= 1


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
@pytest.mark.parametrize("start", [["cli.py"], ["-m", "derive"]], ids=" ".join)
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_command_that_is_stopped_says_nothing_and_leaves_nothing(
    tmp_path: Path, start: list[str], stop: signal.Signals
) -> None:
    draw, page = random.Random(stop), tmp_path / "page.md"
    for _ in range(2):
        command = [sys.executable, *start, "explain", "f = u*v*w", "--format", "markdown", "-o", page]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hears) as run:
            started = Path(f"/proc/{run.pid}/maps")
            while run.poll() is None and b"hashlib" not in started.read_bytes():  # Python itself has to be there first
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 0.3))
            run.send_signal(stop)
            out, err = run.communicate(timeout=60)
        assert (out, err) == (b"", b"")
        assert run.returncode in (0, 130, -stop)
        assert [path.name for path in tmp_path.iterdir()] in ([], ["page.md"])
        page.unlink(missing_ok=True)


BUILDER = """
import os
import sys
from pathlib import Path
from derive.teaching.course import course
os.cpu_count = lambda: 2
course(sorted(Path(sys.argv[1]).glob("*.md")), Path(sys.argv[1]), ["markdown"])
"""


def children(parent: int) -> set[int]:
    """The processes that one has started."""
    return {number for path in Path("/proc").glob("[0-9]*") if _parent(number := int(path.name)) == parent}


def _parent(number: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_workers_of_a_course_end_with_it(tmp_path: Path) -> None:
    """However it is ended: those that it started would go on, with its pipes open."""
    long = "".join(
        f"```derive define g{k}\nx: [n]\np = softmax(sin({k}*x) + x)\n```\n\n```derive gradient g{k}\nwrt: x\n```\n\n"
        for k in range(2, 90)
    )
    for name in ("one", "two"):  # some minutes of work
        written(tmp_path / f"{name}.md", f"---\ntitle: One\n---\n## A\n\n{long}")
    with subprocess.Popen([sys.executable, "-c", BUILDER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as run:
        while len(workers := children(run.pid)) < 3 and run.poll() is None:  # two, and what cleans up after them
            time.sleep(0.01)
        run.kill()
        assert run.communicate(timeout=10) == (b"", None)
    deadline = time.monotonic() + 10
    while any(_parent(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_parent(worker) for worker in workers)


def test_what_a_killed_process_left_is_cleaned_up(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True, timeout=60)
    left = written(tmp_path / f".derive-{int(killed.stdout)}-abc.part", "half")
    kept = [
        written(tmp_path / name, THEIRS)
        for name in (f".derive-{os.getpid()}-abc.part", ".derive-x-abc.part", ".derive-1.part", "a.part", ".derive")
    ]
    assert explained(tmp_path / "page.md") == 0
    assert not left.exists()
    assert all(path.read_text() == THEIRS for path in kept)


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
def test_a_lecture_does_not_depend_on_hashes(courses: tuple[Path, Path]) -> None:
    course, again = map(contents, courses)
    assert {Path(name).suffix for name in again} == {".html", ".ipynb", ".md", ".pdf", ".svg", ".tex"}
    assert [name for name in again if course[name] != again[name]] == []


@pytest.mark.xdist_group("course")
def test_every_file_of_the_course_says_who_made_it(courses: tuple[Path, Path]) -> None:
    lectures = {path.name for path in (ROOT / "lectures").glob("*.md")}
    assert {made_from(content[:HEAD]) for content in contents(courses[0]).values()} == {*lectures, ""}  # the index is of all


@pytest.mark.xdist_group("course")
def test_the_committed_course_is_what_the_lectures_build_to(courses: tuple[Path, Path]) -> None:
    built, committed = contents(courses[0]), contents(OUTPUT)
    texts = {name for name in built.keys() | committed.keys() if name.endswith((".tex", ".md"))}
    differing = sorted(name for name in texts if built.get(name) != committed.get(name))
    assert not differing, f"run make course and look at what changed in output/: {', '.join(differing)}"
