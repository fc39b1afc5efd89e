r"""No text of a lecture is read as anything but text: commands and tags are put into every field of one, and the formats run.

Beside the lecture lies a file with a word that nothing may show; LaTeX runs with every door open (\write18, files anywhere),
Typst may read that folder, and a browser's parser reads what pandoc makes of the Markdown.  No word is shown, no file written,
no command run, no tag made.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from derive.errors import DeriveError
from derive.teaching.document import Slide, Text
from derive.teaching.formats.render import render
from derive.teaching.formats.typst.compiled import made
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import read

CANARY = "THECANARYSINGS"

ATTACKS = (
    r"\input{canary.txt}",
    r"\input canary.txt ",
    r"\immediate\write18{touch ran}",
    r"\immediate\openout5=written.txt \immediate\write5{x}\immediate\closeout5",
    "^^5cinput{canary.txt}",
    r"\csname input\endcsname{canary.txt}",
    r"}\input{canary.txt}{",
    r"]{x}\input{canary.txt}",
    r"\right.\input{canary.txt}\left.",
    r"$\input{canary.txt}$",
    r"a$$\input{canary.txt}$$b",
    "%\n\\input{canary.txt}",
    r"\end{frame}\input{canary.txt}\begin{frame}",
    r"\end{array}\input{canary.txt}",
    r"{\catcode`\_=12 \input{canary.txt}}",
    r"\def\x{\input{canary.txt}}\x",
    "\\in\u200eput{canary.txt}",
    "\\in\x07put{canary.txt}",
    "\\in\u2066put{canary.txt}",
    r"\scantokens{\input{canary.txt}}",
    r"\include{canary}",
    r"\\input{canary.txt}",
    "`\\input{canary.txt}`{=latex}",
    "```{=latex}\n\\input{canary.txt}\n```",
    '#read("canary.txt")',
    '"); read("canary.txt"); ("',
    "<script>alert(1)</script>",
    "a<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }} {% raw %} << mark >> <% if x %>",
)

FIELDS = (
    "# @", "## @", "### @", "words @ words", "*@*", "**@**", "`@`", "```@\ncode\n```", "```\n@\n```", "    @", "- @",
    "1. @", "> @", "| @ |\n|---|\n| @ |", "[@](https://x.org)", "[x](https://x.org/@)", "[x](@)", "[x](<@>)",
    '[x](https://x.org "@")', "<!-- @ -->", "![@](p.png)", '![a](p.png "@")', "![a](@.png)", "[@]: https://x.org",
    "<https://x.org/@>", "\\@", "$@$", "$$@$$", "$$\n@\n$$", r"$\sqrt[@]{2}$", r"$\sqrt[{@}]{2}$", r"$\sqrt{@}$",
    r"$\xrightarrow[@]{2}$", r"$\xleftarrow{@}$", r"$\left@a\right)$", r"$\left( a \right@$", r"$\left(a\middle@b\right)$",
    r"$\bigl@$", r"$\Big @$", r"$\text{@}$", r"$\texttt{@}$", r"$\operatorname{@}$", r"$\operatorname*@$",
    r"$\begin{array}{@}a\end{array}$", r"$\begin{array}{c@{@}}a\end{array}$", r"$\begin{@}a\end{@}$",
    r"$\begin{matrix}a\\[@]b\end{matrix}$", r"$\begin{aligned}[@]b\end{aligned}$", r"$\begin{matrix}@\end{matrix}$",
    r"$\substack{@}$", r"$\mathbb{@}$", r"$\mathbb@$", r"$x^@$", r"$x_{@}$", r"$\frac@a$", r"$\hat@$", r"$\mathrm{@}$",
    r"$x'@$", r"$\sum\limits@$", r"$\\@$", r"$\begin{array}{c}\hline@\end{array}$", r"$\in@$", r"$\overset{a}{@}$",
    r"$\cfrac[@]{a}{b}$", r"$\\[@]$", r"$@\in$", "- $@$", "# $@$", "```derive graph @\nf = x\n```",
    "```derive graph g\nf = x # @\n```", "```derive graph g\n@ = x\n```", "```derive worked hinge\nat: @\n```",
    "```derive @ g\n```", "```derive plot\nfunctions: @\n```", "```derive gradient hinge\nwrt: @\n```",
    "```derive gradient hinge\n@: s\n```", ":::notes\n@\n:::", ":::answer\n@\n:::", "![@](p.png){width=50%}",
    ":::columns\n:::column\n@\n:::\n:::column\n@\n:::\n:::",
)  # fmt: skip


def source(bodies: list[str], sources: bool = False) -> str:
    """A lecture of these lines, and with many an attack in its title and its author, and perhaps in a source it names."""
    title, author = (json.dumps(" ".join(attacks)) for attacks in (ATTACKS[:9], ATTACKS[-7:]))
    fields = zip(("subtitle", "institute", "date"), (ATTACKS[0], ATTACKS[6], ATTACKS[-5]), strict=True)
    rest = "".join(f"{key}: {json.dumps(attack)}\n" for key, attack in fields)
    return "\n\n".join(
        [
            f"---\ntitle: {title}\nauthor: {author}\n{rest}{'bibliography: a.bib' * sources}\n---",
            "## x" + " [@a]" * sources,
            *bodies,
        ]
    )


@cache
def accepted(folder: Path) -> list[str]:
    """What of every attack in every field a lecture takes.

    A last slide says that nothing was left open, as an attack of several lines may leave a fence of code.
    """
    found = []
    for body in [field.replace("@", attack) for field in FIELDS for attack in ATTACKS]:
        try:
            document = build_lecture(read(source([body, "## end"]), "@".join(ATTACKS), folder), "en")
        except DeriveError:
            continue
        if document.slides[-1] == Slide((Text("end"),), ()):
            found.append(body)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary")
    (path / "canary.txt").write_text(CANARY)
    (path / "canary.tex").write_text(CANARY)
    picture = (
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
    )
    attacks = " ".join(
        attack for attack in ATTACKS if attack.count("{") == attack.count("}") and attack[0] != "}" and "%" not in attack
    )
    (path / "a.bib").write_text(f"@book{{a, title={{{attacks}}}, author={{Doe, {{{attacks}}}}}, year=2000, url={{{attacks}}}}}")
    (path / "p.png").write_bytes(bytes.fromhex(picture))
    return path


def rendered(folder: Path, name: str) -> str:
    """A lecture of all that is accepted, in a format, its files written into the folder."""
    found = render(build_lecture(read(source(accepted(folder), True), "@".join(ATTACKS), folder), "en"), name)
    for file, content in found.files.items():
        (folder / file).write_bytes(content)
    return found.text


def latex(folder: Path, text: str) -> str:
    """What a PDF says, of a run that may read, write and run all it likes."""
    (folder / "lecture.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-shell-escape", "-interaction=nonstopmode", "lecture.tex"]
    environment = os.environ | {"openin_any": "a", "openout_any": "a"}
    subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    log = (folder / "lecture.log").read_text(encoding="utf-8", errors="replace")
    assert "\n! " not in log, log[log.index("\n! ") :][:1000]
    run = subprocess.run(["pdftotext", "lecture.pdf", "-"], cwd=folder, capture_output=True, encoding="utf-8", check=True)
    return run.stdout


def test_the_attacks_reach_the_formats(folder: Path) -> None:
    """Prose and code take them as text; formulas refuse them, but for what is harmless there."""
    found = accepted(folder)
    assert len(found) > 250
    formulas = [body for body in found if re.fullmatch(r"(- )?\$[^$\s]([^$]*[^$\s])?\$", body)]
    assert len(formulas) > 20
    assert not [body for body in formulas if re.search(r"(?<!\\)\\(input|immediate|csname|catcode|scantokens|include)", body)]


@pytest.mark.needs("pdflatex", "poppler")
def test_nothing_of_a_lecture_is_a_command_to_latex(folder: Path) -> None:
    before = set(folder.iterdir())
    text = latex(folder, rendered(folder, "beamer"))
    assert "input" in text
    assert CANARY not in text
    assert {
        path.name for path in set(folder.iterdir()) - before if path.stem != "lecture" and path.suffix not in (".png", ".pdf")
    } == set()


@pytest.mark.needs("pdflatex", "poppler")
def test_a_command_that_reached_latex_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "canary.txt").write_text(CANARY)
    head, tail = r"\documentclass{article}\begin{document}", r"\end{document}"
    assert CANARY in latex(tmp_path, f"{head}{ATTACKS[0]}{tail}")
    latex(tmp_path, f"{head}a{ATTACKS[2]}{ATTACKS[3]}{tail}")
    assert (tmp_path / "ran").exists()
    assert (tmp_path / "written.txt").exists()


@pytest.mark.needs("typst", "poppler")
def test_nothing_of_a_lecture_is_code_to_typst(folder: Path) -> None:
    found = render(build_lecture(read(source(accepted(folder), True), "@".join(ATTACKS), folder), "en"), "pdf")
    command = ["pdftotext", "-", "-"]
    pdf = made(found.text, found.files, str(folder))
    text = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()
    assert "read" in text
    assert CANARY not in text


class Tags(HTMLParser):
    """The tags and attributes of a page that would run something, or show something from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a_copy = re.fullmatch(r"[\w-]+-p-[0-9a-f]{12}\.png", dict(attrs).get("src") or "", re.ASCII)
        if tag in ("script", "svg", "iframe", "style") or (tag == "img" and not a_copy):
            self.found.append(tag)
        self.found += [
            f"{name}={value}" for name, value in attrs if name.startswith("on") or (value or "").startswith("javascript")
        ]


def tags(markdown: str, *options: str) -> list[str]:
    command = ["pandoc", "--to=html", *options]
    run = subprocess.run(command, input=markdown, capture_output=True, encoding="utf-8", check=True, timeout=60)
    parser = Tags()
    parser.feed(run.stdout)
    return parser.found


def raw(tree: object) -> list[object]:
    """The parts of pandoc's tree that are passed on to LaTeX or HTML as they stand."""
    if isinstance(tree, dict):
        return [tree] if tree.get("t") in ("RawInline", "RawBlock") else raw(list(tree.values()))
    return [part for child in tree for part in raw(child)] if isinstance(tree, list) else []


@pytest.mark.needs("pandoc")
def test_nothing_of_a_lecture_is_a_tag_or_a_command_in_markdown(folder: Path) -> None:
    markdown = rendered(folder, "markdown")
    assert CANARY not in markdown
    for kind in ("markdown", "gfm", "commonmark"):
        assert tags(markdown, f"--from={kind}", "--mathjax") == [], kind
    run = subprocess.run(
        ["pandoc", "--from=markdown", "--to=json"], input=markdown, capture_output=True, encoding="utf-8", check=True
    )
    ours = ("<!-- -->", "<details>", "</details>", "<summary>", "</summary>", '<a id="source-a">', "</a>")
    own = [{"t": kind, "c": ["html", tag]} for tag in ours for kind in ("RawBlock", "RawInline")]
    assert [part for part in raw(json.loads(run.stdout)["blocks"]) if part not in own] == []


@pytest.mark.needs("pandoc")
def test_a_tag_that_reached_a_page_would_be_seen() -> None:
    assert tags("a <script>x</script>\n\n[b](javascript:x)") == ["script", "href=javascript:x"]
    assert raw([{"t": "Para", "c": [{"t": "RawInline", "c": ["tex", r"\input{a}"]}]}])
