"""docs/lectures.md: its examples are built, its tables hold what there is, and its message is what is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cli
import derive
from derive.teaching.formats.printer import Flavour
from derive.teaching.lecture import frontmatter
from derive.teaching.lecture.containers import CONTAINERS
from oracles.rendering import compile_latex

GUIDE = Path(__file__).parent.parent / "docs" / "lectures.md"
EXAMPLES = re.findall(r"^````markdown\n(.*?)^````$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
BIB = """@article{rumelhart1986,
  author = {Rumelhart, David E. and Hinton, Geoffrey E. and Williams, Ronald J.},
  title = {Learning representations by back-propagating errors},
  journal = {Nature}, volume = {323}, pages = {533--536}, year = {1986}}"""
PNG = bytes.fromhex(  # one pixel
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def folder_of(folder: Path, example: str) -> Path:
    """A folder with an example and the files that it names."""
    (folder / "net.png").write_bytes(PNG)
    (folder / "refs.bib").write_text(BIB)
    head = "" if example.startswith("---\n") else "---\ntitle: Example\n---\n\n"
    (folder / "talk.md").write_text(head + example, "utf-8")
    return folder


def table(heading: str) -> dict[str, str]:
    """The first and the second column of the table under a heading."""
    prose = re.sub(r"^````markdown\n.*?^````$", "", GUIDE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = prose.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in text.split("\n") if line.startswith("|") and not line.startswith("|--")]
    return {row[0].strip(): row[1].strip() for row in rows[1:]}


@pytest.mark.parametrize("example", EXAMPLES, ids=[str(k) for k in range(len(EXAMPLES))])
def test_every_example_is_built(tmp_path: Path, example: str) -> None:
    folder = folder_of(tmp_path, example)
    flavours = Flavour.__args__  # type: ignore[attr-defined]
    for flavour in flavours:
        options = ["--format", "beamer,markdown", "--flavour", flavour]
        assert cli.main(["slides", str(folder / "talk.md"), "-o", str(folder / flavour), *options]) == 0
    assert len(EXAMPLES) >= 5


@pytest.mark.needs("pdflatex")
def test_the_first_lecture_and_the_containers_are_slides(tmp_path: Path) -> None:
    for number in (0, 2):
        (tmp_path / str(number)).mkdir()
        folder = folder_of(tmp_path / str(number), EXAMPLES[number])
        assert cli.main(["slides", str(folder / "talk.md"), "-o", str(folder / "out"), "--lang", "en"]) == 0
        (folder / "pdf").mkdir()
        log = compile_latex(folder / "out" / "talk.en.tex", folder / "pdf")
        assert log.pages >= 3
        assert log.overfull == ()


@pytest.mark.needs("pdflatex")
def test_the_graph_for_a_deck_of_ones_own_has_the_size_of_the_other_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"^```python\n(from pathlib.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "guide", "exec"), {})  # noqa: S102 - it is our own
    matrix = derive.graph("W: [2, 2]; h: [2]; a = relu(W @ h)").at(W=[[1, 2], [3, "-4.5"]], h=[1, -1])
    (tmp_path / "matrix.tex").write_text(matrix.tikz(), encoding="utf-8")
    shown = "".join(rf"\setbox0\hbox{{\input{{{name}}}}}\typeout{{{name} \the\wd0}}\copy0" for name in ("graph", "matrix"))
    (tmp_path / "out").mkdir()
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,tikz}\begin{document}\hoffset=-72pt\noindent"
    (tmp_path / "talk.tex").write_text(head + shown + r"\end{document}", encoding="utf-8")
    log = compile_latex(tmp_path / "talk.tex", tmp_path / "out")
    for name, run in (("graph", derive.graph("f = max(x*y, z) + x").at(x=3, y=4, z=5)), ("matrix", matrix)):
        found = re.search(rf"^{name} ([\d.]+)pt$", log.text, re.MULTILINE)
        width = re.search(r'width="([\d.]+)pt"', run._repr_svg_())
        assert found
        assert width
        assert float(found[1]) * 72 / 72.27 == pytest.approx(float(width[1]), abs=0.1)


def test_the_tables_hold_every_key_container_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert {key.strip("`") for key in table("The head of the file")} == set(frontmatter._KEYS)
    named = " ".join(table("Containers"))
    assert all(f":::{name}" in named for name in CONTAINERS)
    with pytest.raises(SystemExit):
        cli.main(["slides", "--help"])
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", capsys.readouterr().out))
    told = set(re.findall(r"`(--?[\w-]+)", " ".join(table("Your first lecture in ten minutes"))))
    assert told <= known
    assert known - told <= {"-h", "--help", "--output"}


def test_the_message_that_is_shown_is_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"^    (derive: There is no graph.*?mistakes\.)$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    body = (
        "---\ntitle: x\n---\n# A\n\n```derive define gates\nf = u*v\n```\n\nText.\n\n```derive worked gate\nat: u=1, v=2\n```\n\n"
    )
    (tmp_path / "talk.md").write_text(body + "\n" * 4 + "so ~~this~~ that\n")
    assert cli.main(["slides", str(tmp_path / "talk.md"), "-o", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.rstrip("\n") == re.sub(r"^    ", "", shown[1], flags=re.MULTILINE)
