"""Names of files are anybody's text: in no format does one run, break what is made, or act on a terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import cli
from derive.errors import CONTROLS
from derive.marks import HEAD, made_from

ROOT = Path(__file__).parent.parent
TEXT = "x: [n]\nf = sum(x**2)\n"
LECTURE = """\
---
title: Names
---

## Slide

```derive define f
f = u*v
```

```derive figure f
at: u=2, v=3
```
"""

NAMES = [
    'a"""; open("canary", "w"); """b',
    "a'''\"",
    "a\\xzz",
    "a\\",
    "a\\N{DIGIT}",
    "a\nopen('canary', 'w')",
    'a"""\r\nopen("canary", "w")\r\n"""',
    "# coding=utf-7 +AAo-open('canary', 'w')",
    "coding: rot13",
    "\x1b[31mred\x07",
    "\u202etxt.exe",
    "\u2028\x85\x0c",
    "a\udcffb",
    "\ufffe\uffff",
    "a--> <script>alert(1) <!--",
    "a]]>&amp;&x;",
    "{{ title }}{% for %}<< title >><% if %>{# #}",
    "\\input{x}\\immediate\\write18{touch canary}^^5cinput",
    "%\\end{document}$_^&~#",
    "$(touch canary)`touch canary`; touch canary",
    "[link](x) ![p](y) *a* `b` | c",
    "---",
    "- a: [b, {c",
    "é 中 \U0001f600",
    "x" * 240,
    " ",
    "#",
]


@pytest.fixture(params=NAMES, ids=lambda name: ascii(name)[:30])
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that the system takes, in a folder of its own that is the current one."""
    monkeypatch.chdir(tmp_path)
    try:
        Path(f"{request.param}.derive").write_text(TEXT)
    except OSError:
        pytest.skip("the system has no such name")
    Path("plain.derive").write_text(TEXT)
    return str(request.param)


def made(name: str, ending: str, *command: str) -> bytes:
    """What a command makes of the definition in a file."""
    page = Path("made", f"page.{ending}")
    assert cli.main([command[0], f"./{name}.derive", *command[1:], "-o", str(page), "--force"]) == 0
    return page.read_bytes()


def lines(page: bytes) -> list[bytes]:
    """The lines of a page but for those that name its source."""
    return [line for line in page.split(b"\n") if b"Made by derive" not in line and not re.match(rb"title: |\\title\{", line)]


def test_a_name_is_no_code_of_a_module(name: str) -> None:
    source, plain = (made(given, "py", "kernel") for given in (name, "plain"))
    module, expected = map(ast.parse, (source, plain))
    assert [ast.dump(part) for part in module.body[1:]] == [ast.dump(part) for part in expected.body[1:]]
    assert "from its derivation" in (ast.get_docstring(module) or "").split("\n")[0]
    assert made_from(source[:HEAD]) == ""


def test_modules_are_imported_and_run_nothing_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for k, name in enumerate(NAMES):
        Path(f"{name}.derive").write_text(TEXT)
        Path(f"module{k}.py").write_bytes(made(name, "py", "kernel"))
    code = "import sys; sys.path.insert(0, '.')\nfor k in range(int(sys.argv[1])): __import__(f'module{k}')"
    run = subprocess.run([sys.executable, "-c", code, str(len(NAMES))], capture_output=True, encoding="utf-8", timeout=120)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not Path("canary").exists()


def test_a_name_is_text_in_every_format_of_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("latex", "markdown"):
        page, plain = (made(given, form, "explain", "--format", form) for given in (name, "plain"))
        assert lines(page) == lines(plain)
        assert made_from(page[:HEAD]) is not None
    front = yaml.safe_load(page.decode().split("---\n")[1])
    assert front.keys() == {"title", "lang"}
    for command in ("explain", "check"):
        data = json.loads(made(name, "json", command, "--format", "json"))
        assert data == json.loads(made("plain", "json", command, "--format", "json"))
        page = made(name, "txt", command)
        assert len(name) > 80 or page.count(b"\n") == made("plain", "txt", command).count(b"\n")
        assert CONTROLS.search(page.decode()) is None
    capsys.readouterr()
    assert cli.main(["explain", f"./{name}.derive"]) == 0
    assert CONTROLS.search(capsys.readouterr().out) is None


def status(*command: str) -> int:
    """The status of a command, also where its usage is wrong."""
    try:
        return cli.main(command)
    except SystemExit as stop:
        return int(stop.code or 0)


def test_a_name_is_text_in_a_message(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = (["explain", f"./missing{name}.derive"], ["slides", f"{name}.md"], ["library", name], [name], ["course", name])
    for command in commands:
        capsys.readouterr()
        assert status(*command) in (1, 2)
        out, err = capsys.readouterr()
        assert out == ""
        assert CONTROLS.search(err) is None
        assert not any(line.startswith(("open", "import")) for line in err.splitlines())


@pytest.mark.parametrize("name", NAMES[:-4:3], ids=lambda name: ascii(name)[:30], indirect=True)
def test_the_slides_of_a_name_show_figures_that_are_there(name: str) -> None:
    Path(f"{name}.md").write_text(LECTURE)
    assert cli.main(["slides", f"./{name}.md", "-o", "out", "--format", "beamer,markdown"]) == 0
    figures = [path for path in Path("out").iterdir() if path.suffix in (".svg", ".pdf")]
    assert [path.suffix for path in sorted(figures, key=lambda path: path.suffix)] == [".pdf", ".svg"]
    for path in figures:
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.(svg|pdf)", path.name)
        assert made_from(path.read_bytes()[:HEAD]) is not None
        if path.suffix == ".svg":
            ElementTree.fromstring(path.read_bytes())
    pages = {path.suffix: path.read_bytes() for path in Path("out").iterdir() if path not in figures}
    assert pages[".tex"].split(b"\n")[1].startswith(b"\\documentclass")
    assert all(path.name.encode() in pages[{".svg": ".md", ".pdf": ".tex"}[path.suffix]] for path in figures)
    assert cli.main(["slides", f"./{name}.md", "-o", "out", "--format", "beamer,markdown"]) == 0


@pytest.mark.needs("pdflatex")
def test_latex_runs_nothing_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = next(name for name in NAMES if "write18" in name)
    Path(f"{name}.derive").write_text(TEXT)
    Path("page.tex").write_bytes(made(name, "tex", "explain", "--format", "latex"))
    command = ["pdflatex", "-interaction=nonstopmode", "-shell-escape", "page.tex"]
    run = subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | {"max_print_line": "1000"}, timeout=120)
    assert run.returncode == 0
    assert not Path("canary").exists()
