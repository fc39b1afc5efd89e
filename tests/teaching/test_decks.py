"""What a deck holds beside prose and derivations, as pdfLaTeX and pandoc show it: pauses, columns, notes, answers, a title."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import derive
from derive.notation.layout import EQUALS, Frac, Sign
from derive.teaching.document import (
    Answer,
    Cite,
    Column,
    Columns,
    Cover,
    Document,
    Fault,
    Footnote,
    ItemList,
    Line,
    Math,
    Notes,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    Reference,
    References,
    Slide,
    Steps,
    Text,
    apart,
    inlines,
    mapped,
)
from derive.teaching.formats.latex.columns import Aligned, Hidden
from derive.teaching.formats.latex.frames import frames
from derive.teaching.formats.latex.heights import PAPERS, height
from derive.teaching.formats.printer import Choices
from derive.teaching.formats.render import fragment, render
from derive.teaching.formats.terminal import render_text
from derive.teaching.page import Page
from derive.teaching.pages.explain import explain
from derive.teaching.request import Request, View
from oracles.rendering import compile_latex

A, B = Sign("a", "a"), Sign("b", "b")
PNG = bytes.fromhex(  # one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def words(*parts: Any) -> Paragraph:
    return Paragraph(inlines(*parts))


def picture(name: str, width: float = 0.0) -> Picture:
    return Picture(name, {"png": lambda: PNG}, "A net", inlines("A net"), given=True, width=width)


STEPS = Steps((Line(A), *(Line(Frac(A, B), EQUALS, inlines("why")) for _ in range(3))), reveal=True)
PAUSED = Slide(inlines("Paused"), (words("First"), Pause(), words("Second"), Answer((words("Hidden"),)), words("Seen"), STEPS))
NOTED = Slide(
    inlines("Noted"),
    (
        words("Word", Footnote(1, inlines("A remark ", Math(Raw("x^2")))), " and ", Cite(("le_cun",), inlines("(LeCun, 1998)"))),
        Notes((words("Tell the story."), STEPS)),
    ),
)
SIDES = Slide(
    inlines("Sides"),
    (
        Columns(
            (
                Column((words("Left"), ItemList(((words("item"),),))), 0.4),
                Column((picture("net", 0.5), Answer((words("Yes"),))), 0.6),
            )
        ),
    ),
)
SOURCES = Slide(inlines("Sources"), (References((Reference("le_cun", inlines("LeCun, Y. (1998)")),)),))
DECK = Document(
    "Deck",
    (Slide(inlines("Part one"), (), 1), PAUSED, NOTED, Slide(inlines("Part two"), (), 1), SIDES, SOURCES),
    author="A. Teacher",
    cover=Cover(
        inlines("Deck of ", Math(Raw(r"\sigma"))), inlines("Subtitle"), inlines("A. Teacher"), inlines("Uni"), inlines("May"),
        picture("logo"),
    ),
    outline=True,
)  # fmt: skip


def written(folder: Path, document: Document, name: str, choices: Choices = Choices()) -> str:  # noqa: B008 - it is frozen
    rendered = render(document, name, choices)
    for file, content in rendered.files.items():
        (folder / file).write_bytes(content)
    return rendered.text


def shown(folder: Path) -> list[str]:
    """The words on each page of the PDF there."""
    run = subprocess.run(
        ["pdftotext", "-layout", folder / "document.pdf", "-"], capture_output=True, encoding="utf-8", check=True
    )
    return [" ".join(page.split()) for page in run.stdout.split("\f")[:-1]]


# ---------------------------------------------------------------- Beamer


@pytest.mark.needs("pdflatex", "poppler")
def test_a_click_shows_what_comes_after_a_pause_an_answer_or_a_line(tmp_path: Path) -> None:
    compile_latex(written(tmp_path, Document("", (PAUSED,)), "beamer"), tmp_path)
    pages = shown(tmp_path)
    assert ["First" in page for page in pages] == [True] * 5
    assert ["Second" in page for page in pages] == [False] + [True] * 4
    assert ["Hidden" in page for page in pages] == [False] * 2 + [True] * 3
    assert ["Seen" in page for page in pages] == [False] + [True] * 4
    assert [page.count("why") for page in pages] == [0, 1, 1, 2, 3]


@pytest.mark.needs("pdflatex", "poppler")
def test_a_deck_has_its_title_page_outline_notes_footnotes_and_sources(tmp_path: Path) -> None:
    text = written(tmp_path, DECK, "beamer").replace(r"\begin{document}", "\\setbeameroption{show notes}\n\\begin{document}")
    log = compile_latex(text, tmp_path)
    pages = shown(tmp_path)
    assert pages[0] == "Deck of σ Subtitle A. Teacher Uni May"
    assert pages[1].startswith("Outline 1. Part one 2. Part two")
    assert sum("Tell the story." in page for page in pages) == 1
    noted = next(page for page in pages if page.startswith("Noted"))
    assert noted.index("Word1 and (LeCun, 1998)") < noted.index("1 A remark x2")
    assert log.overfull == ()
    assert not re.search(r"LaTeX Warning|pdfTeX warning", log.text)
    assert len(pages) == log.pages == 14


@pytest.mark.needs("pdflatex", "poppler")
def test_a_handout_shows_everything_once_but_the_notes(tmp_path: Path) -> None:
    compile_latex(written(tmp_path, DECK, "beamer", Choices(handout=True)), tmp_path)
    pages = shown(tmp_path)
    assert len(pages) == 8
    assert "Hidden" in pages[3]
    assert pages[3].count("why") == 3
    assert not any("Tell the story" in page for page in pages)


@pytest.mark.needs("pdflatex", "poppler")
def test_a_deck_of_four_by_three_has_frames_of_its_own_size(tmp_path: Path) -> None:
    long = Slide(
        inlines("Long"), tuple(words("Words that go on for a good while, so that they fill two lines. " * 2) for _ in range(9))
    )
    log = compile_latex(written(tmp_path, Document("", (long,), aspect="4:3"), "beamer"), tmp_path)
    size = subprocess.run(["pdfinfo", tmp_path / "document.pdf"], capture_output=True, encoding="utf-8", check=True).stdout
    wide, high = map(float, re.findall(r"Page size:\s+([\d.]+) x ([\d.]+)", size)[0])
    assert wide / high == pytest.approx(4 / 3, rel=1e-3)
    assert log.overfull == ()
    assert all(height(frame.blocks, 28.3) <= 1.07 * 18.9 for frame in frames(long, PAPERS["4:3"]))


def test_an_answer_goes_on_overleaf_without_a_click() -> None:
    answer = Answer(tuple(words(f"line {k}") for k in range(30)))
    first, *rest = frames(Slide((), (answer,)))
    assert isinstance(first.blocks[0], Hidden)
    assert [block.opens for frame in (first, *rest) for block in frame.blocks if isinstance(block, Hidden)] == [True] + [
        False
    ] * 29
    assert rest


def test_a_revealed_derivation_says_again_of_what_it_is_also_in_an_answer() -> None:
    steps = Steps((Line(A), *(Line(Frac(A, B), EQUALS) for _ in range(12))), reveal=True)
    _, second = frames(Slide((), (Answer((steps,)),)))
    assert isinstance(second.blocks[0], Hidden)
    assert isinstance(second.blocks[0].block, Aligned)
    assert second.blocks[0].block.rows[0].left == A


def test_columns_that_are_higher_than_a_frame_stand_under_one_another() -> None:
    tall = tuple(words(f"line {k}") for k in range(15))
    found = frames(Slide((), (Columns((Column(tall, 0.5), Column(tall, 0.5))),)))
    assert len(found) == 3
    assert sum(len(frame.blocks) for frame in found) == 30


# ---------------------------------------------------------------- a fragment for a document of the author's


ARTICLE = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{lmodern,derive}
\begin{document}
Before. \input{one} After.
\end{document}"""
SLIDES = r"""\documentclass{beamer}
\usepackage{derive}
\begin{document}
\begin{frame}[allowframebreaks]{Mine}
\input{one}
\end{frame}
\end{document}"""


@pytest.mark.needs("pdflatex", "poppler")
@pytest.mark.parametrize("document", [ARTICLE, SLIDES], ids=["article", "beamer"])
def test_a_fragment_is_read_into_a_document_of_the_author(tmp_path: Path, document: str) -> None:
    graph = derive.graph("softmax_cross_entropy")
    page = explain(Request(graph, wrt=("z",), view=View("full")), Page(), "one")
    found = fragment(page)
    assert r"\documentclass" not in found.text
    assert r"\begin{document}" not in found.text
    (tmp_path / "one.tex").write_text(found.text)
    assert set(found.files) == {"derive.sty"}
    (tmp_path / "derive.sty").write_bytes(found.files["derive.sty"])
    log = compile_latex(document, tmp_path)
    assert log.overfull == ()
    words = " ".join(shown(tmp_path))
    assert words.index("Definition") < words.index("chain rule") < words.index("because")


def test_what_a_fragment_says_is_defined_by_its_package() -> None:
    code = fragment(replace(DECK, slides=(*DECK.slides, Slide((), (Fault("x"), Quote((words("q"),)))))))
    used = set(re.findall(r"\\(derive[a-z]+)|\\begin\{(derive?[a-z]+)\}", code.text))
    defined = re.findall(r"\\(?:new|provide)command\{\\(\w+)\}|newenvironment\{(\w+)\}", code.files["derive.sty"].decode())
    assert {name for pair in used for name in pair if name} <= {name for pair in defined for name in pair if name}


# ---------------------------------------------------------------- Markdown


def pandoc(markdown: str, *options: str) -> str:
    run = subprocess.run(
        ["pandoc", "--from=markdown", *options], input=markdown, capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    return run.stdout


def kinds(tree: Any, kind: str) -> list[Any]:
    """All of a kind in pandoc's tree."""
    if isinstance(tree, dict):
        return [tree[key] for key in ("c",) if tree.get("t") == kind] + [
            found for child in tree.values() for found in kinds(child, kind)
        ]
    return [found for child in tree for found in kinds(child, kind)] if isinstance(tree, list) else []


@pytest.mark.needs("pandoc")
def test_pandoc_reads_columns_notes_footnotes_widths_and_the_title_page(tmp_path: Path) -> None:
    tree = json.loads(pandoc(written(tmp_path, DECK, "markdown"), "--to=json"))
    assert [div[0][1] for div in kinds(tree["blocks"], "Div")] == [["notes"], ["columns"], ["column"], ["column"]]
    assert len(kinds(tree["blocks"], "Note")) == 1
    assert [image[0][2] for image in kinds(tree["blocks"], "Image")] == [[["width", "50%"]]]
    assert {"title", "subtitle", "author", "institute", "date"} <= set(tree["meta"])
    assert len(kinds(tree["meta"]["title"], "Math")) == 1
    slides = pandoc(written(tmp_path, DECK, "markdown"), "--to=revealjs", "--slide-level=2")
    assert slides.count('<aside class="notes">') == 1
    assert 'class="fragment"' in slides


@pytest.mark.parametrize("flavour", ["pandoc", "github", "marp"])
def test_each_flavour_has_notes_and_answers_as_its_readers_know_them(tmp_path: Path, flavour: Any) -> None:
    text = written(tmp_path, DECK, "markdown", Choices(flavour=flavour))
    assert ("::: notes" in text, "<!--" in text) == (flavour == "pandoc", flavour != "pandoc")
    assert (". . ." in text) == (flavour == "pandoc")
    assert ("marp: true" in text) == (flavour == "marp")
    assert text.count("<details><summary>Answer</summary>") == 2
    assert ("[^1]:" in text) == (flavour != "marp")
    assert ('width="50%"' in text) == (flavour != "pandoc")
    handout = written(tmp_path, DECK, "markdown", Choices(True, flavour))
    assert handout.count("<details open>") == 2
    assert "Tell the story" not in handout


def test_notes_cannot_close_the_comment_they_stand_in(tmp_path: Path) -> None:
    from derive.teaching.document import CodeBlock

    deck = Document("", (Slide((), (Notes((words("a --> b"), CodeBlock("x --> y"), CodeBlock("--!> z"))),)),))
    for flavour in ("github", "marp"):
        text = written(tmp_path, deck, "markdown", Choices(flavour=flavour))  # type: ignore[arg-type]
        assert re.findall(r"--!?>", text) == ["-->"]
        assert text.rstrip().endswith("-->")


# ---------------------------------------------------------------- the document


def test_notes_are_taken_from_wherever_they_stand() -> None:
    note = Notes((words("note"),))
    blocks = (words("a"), Quote((words("b"), note)), Columns((Column((note, words("c")), 0.5), Column((words("d"),), 0.5))))
    seen, said = apart(blocks)
    assert said == (words("note"), words("note"))
    assert seen == (words("a"), Quote((words("b"),)), Columns((Column((words("c"),), 0.5), Column((words("d"),), 0.5))))


def test_blocks_are_mapped_from_the_innermost_outwards() -> None:
    twice = mapped((Answer((words("a"),)),), lambda block: (block, block) if isinstance(block, Paragraph) else (block,))
    assert twice == (Answer((words("a"), words("a"))),)


def test_a_terminal_shows_all_but_the_notes() -> None:
    fault = Slide((), (Fault("line 3: no\n  ^"),))
    text = render_text(replace(DECK, slides=(*DECK.slides, fault)))
    assert all(part in text for part in ("Hidden", "Left", "Yes", "(LeCun, 1998)", "[1: A remark", "line 3: no"))
    assert "Tell the story" not in text


@pytest.mark.needs("pdflatex", "poppler")
def test_a_fault_is_shown_in_its_place(tmp_path: Path) -> None:
    document = Document(
        "", (Slide(inlines("A"), (words("Before"), Fault("There is no graph.\n  line 3: ```derive\n   ^"), words("After"))),)
    )
    compile_latex(written(tmp_path, document, "beamer"), tmp_path)
    assert shown(tmp_path) == ["A Before There is no graph. line 3: ```derive ^ After 1"]
    assert "There is no graph." in written(tmp_path, document, "markdown")
    assert Text("x") == inlines("x")[0]
