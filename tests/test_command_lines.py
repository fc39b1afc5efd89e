"""Command lines with right, wrong and hostile values: a status, at most one message, and no file where it failed."""

from __future__ import annotations

import io
import os
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

import cli
from derive.errors import CONTROLS

COUNT = int(os.environ.get("COMMAND_LINES", "400"))
PARTS = 4
"""The command lines are drawn in parts, so that several workers can share them; COMMAND_LINES=10000 draws more of them."""

ODD = [
    *("", " ", ",", "=", "-", "--", "0", "-1", "1e999", "nan", "٣", "é", "f", "*", "~", "%s", "{0}", "\\", '"', "'", "a\tb"),
    *("\x00", "\n", "\x1b[31m", "\u202e", "\udcff", "x" * 5000, "/proc", "/dev/null", "$(true)", "None", "__import__('os')"),
]

SOURCES = [
    *("f = u*v", "x: [n]; f = sum(x**2)", "W: [m, n]; h: [n]; a = W @ h", "hinge", "softmax", "t: label[C]; s: [C]; f = s[t]"),
    *("good.derive", "binary.derive", "folder.derive", "missing.derive", "f = log(x)", "f = 0*x", "f = x**-1"),
    *("f = x^2", "f = 1/0", "f = sofmax(x)", "x: [n]", "f = (", "a = u; a = v"),
]

AT = [
    *("u=2, v=3", "x=[1, 2]", "x=-1", "x=0", "x=1e200", "s=[1, 2, 3], t=0", "s=[1, 2, 3], t=5", "W=[[1, 2]], h=[1, 2]"),
    *("u=1, u=2", "u=", "x=[1, [2]]", "x=[]", "u=1/0", "u=1e-999"),
]

NAMES = ["u", "x", "x,u", "s", "W,h", "f", "q", "t", "u,,v"]
FILES = [
    "new",
    "deep/new",
    "mine.txt",
    "folder.derive",
    "mine.txt/x",
    "ours.txt",
    "link",
    "dangling",
    "x" * 300,
    "pipe",
    "read-only.txt",
]

OPTIONS: dict[str, list[str]] = {
    "--at": AT,
    "--wrt": NAMES,
    "--batch": NAMES,
    "--order": ["1", "2", "3"],
    "--detail": ["brief", "normal", "full", "all"],
    "--format": ["text", "json", "markdown", "latex", "beamer", "beamer,markdown", "pdf", "docx"],
    "--lang": ["en", "fr", "de", "EN"],
    "--target": ["cpu", "cuda", "gpu"],
    "--reduction": ["mean", "none", "sum"],
    "--dtype": ["float32", "float64", "float16"],
    "--wrap": ["torch", "jax"],
    "-o": FILES,
    "--output": FILES,
}

COMMANDS = {
    "explain": (SOURCES, ("--at", "--wrt", "--order", "--batch", "--detail", "--format", "-o", "--lang")),
    "check": (SOURCES, ("--at", "--format", "-o", "--lang")),
    "kernel": (SOURCES, ("--target", "--batch", "--reduction", "--wrt", "--dtype", "--wrap", "-o")),
    "library": (["hinge", "mse", "nothing", "../hinge"], ("--lang",)),
    "slides": (["lecture.md", "broken.md", "binary.derive", "folder.derive", "missing.md"], ("--format", "--output", "--lang")),
}


def drawn(draw: random.Random) -> list[str]:
    """A command line, right in most of its parts."""

    def value(right: list[str]) -> str:
        return draw.choice(ODD) if draw.random() < 0.06 else draw.choice(right)

    name = draw.choice(list(COMMANDS))
    sources, options = COMMANDS[name]
    line = [name, value(sources)]
    for option in draw.sample(options, draw.randrange(min(4, len(options) + 1))):
        line += [option, value(OPTIONS[option])]
    line += ["--force"] * (draw.random() < 0.2)
    if draw.random() < 0.1:  # a part too many, too few, or in another place
        at = draw.randrange(len(line))
        change = draw.choice(("drop", "double", "swap", "odd"))
        line[at : at + 2] = {
            "drop": line[at + 1 : at + 2],
            "double": [line[at], *line[at : at + 2]],
            "swap": line[at : at + 2][::-1],
            "odd": [draw.choice(ODD), *line[at + 1 : at + 2]],
        }[change]
    return line


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder a user works in."""
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("By hand.\n")
    Path("good.derive").write_text("f = u*v\n")
    Path("binary.derive").write_bytes(bytes(range(256)))
    Path("folder.derive").mkdir()
    Path("lecture.md").write_text("---\ntitle: T\n---\n\n## Slide\n\nText.\n")
    Path("broken.md").write_text("---\ntitle: T\n---\n\n## Slide\n\n```derive worked hing\n```\n")
    for name in ("ours.txt", "read-only.txt"):
        assert cli.main(["explain", "f = u", "-o", name]) == 0
    Path("read-only.txt").chmod(0o444)
    Path("link").symlink_to("ours.txt")
    Path("dangling").symlink_to("nowhere")
    os.mkfifo("pipe")
    return tmp_path


def state(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Every file below a folder, with what changes when it is touched."""
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {name: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns) for name, s in found.items()}


def status(line: list[str]) -> int:
    """The status that a command line ends with; argparse ends by itself where the usage is wrong."""
    try:
        return cli.main(line)
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_command_line_ends_with_a_status_and_one_message(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    draw, seen = random.Random(part), Counter[int]()
    monkeypatch.setenv("COLUMNS", "100")
    for _ in range(COUNT // PARTS):
        line, before = drawn(draw), state(folder)
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(draw.choice((b"", b"f = u*v", b"\xff")))))
        capsys.readouterr()
        ended = status(line)
        out, err = capsys.readouterr()
        seen[ended] += 1
        assert ended in (0, 1, 2, 3), line
        assert CONTROLS.search(err) is None, line
        if ended == 0:
            assert err == "", line
        else:
            told = "check" in line and ended == 3 and err == ""  # a certificate says itself what does not agree
            usage = "erreur\N{NO-BREAK SPACE}: " in err or "error: " in err
            assert told or (out == "" and (usage if ended == 2 else "derive: " in err)), line
            assert told or state(folder) == before, line
        assert ended == 2 or err.count("\nderive: ") == 0, line
        assert not [path for path in folder.rglob("*") if path.name.startswith(".")], line
        assert Path("mine.txt").read_text() == "By hand.\n" or "--force" in line, line
        Path("mine.txt").write_text("By hand.\n")
    if COUNT >= 200:
        assert min(seen[ended] for ended in (0, 1, 2)) > 3
