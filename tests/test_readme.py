"""The README's commands do what it says they do: each `$ derive …` is run again and its output compared.

`pytest tests/test_readme.py --update` writes the outputs of today into the README.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import cli

README = Path(__file__).parent.parent / "README.md"
CONSOLE = re.compile(r"```console\n\$ derive ([^\n]*)\n(.*?)```", re.DOTALL)


def output_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    cli.main(shlex.split(command))
    shown = capsys.readouterr()
    return "\n".join(line.rstrip() for line in (shown.out + shown.err).strip("\n").splitlines()) + "\n"


def test_every_command_prints_what_the_readme_shows(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text(encoding="utf-8")
    assert len(CONSOLE.findall(text)) >= 4
    now = CONSOLE.sub(lambda m: f"```console\n$ derive {m[1]}\n{output_of(m[1], capsys)}```", text)
    if request.config.getoption("--update"):
        README.write_text(now, encoding="utf-8")
    assert now == text, "the README shows other output: run pytest tests/test_readme.py --update and look at the difference"


def test_the_python_examples_run() -> None:
    for code in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
