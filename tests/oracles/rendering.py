"""The real renderers, for tests to ask: pdfLaTeX, pandoc, KaTeX and MathJax."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

TOOLS = Path(__file__).parents[1] / "tools"


class Formula(NamedTuple):
    """Mathematics as a page holds it, without its dollars."""

    latex: str
    display: bool = False


@dataclass(frozen=True)
class Log:
    """What pdfLaTeX said: the number of pages, and by how many points each box sticks out."""

    pages: int
    overfull: tuple[float, ...]
    text: str


class LatexError(Exception):
    """pdfLaTeX stopped; the message holds its complaint and the lines after it."""


# ---------------------------------------------------------------------------------------------------------------- LaTeX


def compile_latex(source: Path | str, workdir: Path) -> Log:
    """Compile a file, with all that lies beside it, or the text of one, twice; the PDF is left in `workdir`."""
    if isinstance(source, str):
        name = "document.tex"
        (workdir / name).write_text(source, encoding="utf-8")
    else:
        name = source.name
        shutil.copytree(source.parent, workdir, dirs_exist_ok=True)
    for _ in range(2):
        text = _pdflatex(name, workdir)
    written = re.search(r"Output written on .*\((\d+) pages?", text)
    overfull = re.findall(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)", text)
    return Log(int(written[1]) if written else 0, tuple(map(float, overfull)), text)


def _pdflatex(name: str, workdir: Path) -> str:
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", name]
    # Paranoid: nothing above the folder is read or written.  TeX would break the lines of its log at 79 characters.
    environment = os.environ | {"openin_any": "p", "openout_any": "p", "max_print_line": "10000"}
    run = subprocess.run(command, cwd=workdir, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    text = (workdir / name).with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    if run.returncode != 0:
        raise LatexError(text[text.find("\n!") + 1 :][:2000])
    return text


# --------------------------------------------------------------------------------------------------------------- pandoc


def pandoc_slides(markdown: str) -> list[str]:
    """The titles of the slides that pandoc makes, "" for one without; the title page of the front matter is not counted."""
    parser = _Slides()
    parser.feed(_pandoc(markdown, "--to=dzslides", "--slide-level=2", "--mathjax"))
    return [" ".join(title.split()) for title in parser.titles]


class _Slides(HTMLParser):
    """Reads the heading of every `<section class="slide">`."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section" and "slide" in (dict(attrs).get("class") or "").split():
            self.titles.append("")
        elif tag in ("h1", "h2"):
            self.in_heading = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2"):
            self.in_heading = False

    def handle_data(self, data: str) -> None:
        if self.in_heading:
            self.titles[-1] += data


def math_in_markdown(markdown: str) -> list[Formula]:
    """The formulas that pandoc finds in a text, in their order."""
    return list(_formulas(json.loads(_pandoc(markdown, "--to=json"))))


def _formulas(tree: Any) -> Iterator[Formula]:
    if isinstance(tree, dict) and tree.get("t") == "Math":
        kind, latex = tree["c"]
        yield Formula(latex, kind["t"] == "DisplayMath")
    elif isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _formulas(child)


def _pandoc(markdown: str, *options: str) -> str:
    return _output(["pandoc", "--from=markdown", *options], markdown)


# ---------------------------------------------------------------------------------------------------- KaTeX and MathJax


def web_errors(formulas: Iterable[Formula]) -> list[str | None]:
    """For each formula what KaTeX, at its strictest, or MathJax holds against it, or None."""
    query = json.dumps([formula._asdict() for formula in formulas])
    katex, mathjax = (json.loads(_output(["node", str(TOOLS / f"{name}.mjs")], query)) for name in ("katex", "mathjax"))
    return [(one and f"KaTeX: {one}") or (other and f"MathJax: {other}") for one, other in zip(katex, mathjax, strict=True)]


def _output(command: list[str], text: str) -> str:
    run = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", timeout=120)
    if run.returncode != 0:
        raise RuntimeError(f"{command[0]}: {run.stderr}")
    return run.stdout
