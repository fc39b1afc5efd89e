"""PDF by Typst: what is on its pages, that it is tagged, that all that is typed is text, and that it is the same every time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

import derive
from cases.lectures import WIDE
from derive.errors import DeriveError
from derive.marks import made_from
from derive.teaching.document import (
    Answer,
    Block,
    Cite,
    CodeBlock,
    CodeSpan,
    Column,
    Columns,
    Cover,
    Document,
    Emph,
    Equation,
    Fault,
    Footnote,
    Heading,
    ItemList,
    Link,
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
    Strong,
    Table,
    Text,
    inlines,
)
from derive.teaching.formats.printer import Choices
from derive.teaching.formats.render import check_needs, render, written
from derive.teaching.formats.typst import compiled as compiling
from derive.teaching.formats.typst.formulas import formula
from derive.teaching.lecture import formulas
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import opened
from derive.teaching.page import Page
from derive.teaching.pages.explain import explain
from derive.teaching.request import Request
from oracles.random_formulas import EXAMPLES, accepted, drawn

ROOT = Path(__file__).parents[2]
PNG = bytes.fromhex(  # one pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


def pdf(document: Document, handout: bool = False) -> bytes:
    content = written(document, "pdf", Choices(handout)).content
    assert isinstance(content, bytes)
    return content


def tool(name: str, content: bytes, *options: str) -> str:
    """What a tool of poppler says of a PDF."""
    command = [name, *options, "-", *(["-"] if name == "pdftotext" else [])]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()


def said(content: bytes) -> list[str]:
    """The text of every page."""
    return tool("pdftotext", content, "-layout").split("\f")[:-1]


def facts(content: bytes) -> Mapping[str, str]:
    return dict(re.findall(r"^(.+?): +(.*)$", tool("pdfinfo", content), re.MULTILINE))


def deck(*blocks: Block, title: str = "Title", **more: object) -> Document:
    return Document(title, (Slide(inlines("Page"), blocks),), cover=Cover(inlines(title)), **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------- a lecture


@pytest.mark.needs("typst", "poppler")
@pytest.mark.xdist_group("course")
@pytest.mark.parametrize(("lang", "title"), [("en", "Max routes: all to the winner"), ("fr", "Le gradient du biais est g")])
def test_a_lecture_is_shown(courses: tuple[Path, Path], lang: str, title: str) -> None:
    """The shipped lecture, of which Typst would make no file that PDF/UA does not allow."""
    content = (courses[0] / f"feedforward.{lang}.pdf").read_bytes()
    pages = said(content)
    assert any(page.startswith(title) for page in pages)
    text = "".join(pages)
    assert not re.search(r"sym\(|math\.|formula\(|step =>|\\\w|<<|#\w", text)
    assert 50 < len(pages) < 60
    assert made_from(content[:4096]) == "feedforward.md"
    assert f"/Lang({lang})".encode() in content


@pytest.mark.needs("typst", "poppler")
@pytest.mark.xdist_group("course")
def test_a_lecture_says_of_itself_what_readers_ask(courses: tuple[Path, Path]) -> None:
    content = (courses[0] / "feedforward.fr.pdf").read_bytes()
    found = facts(content)
    assert found["Title"] == "Réseaux en aval\u00a0: de la perte au gradient"
    assert (found["Author"], found["Tagged"]) == ("derive", "yes")
    assert not {"CreationDate", "ModDate"} & set(found)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in content


# ---------------------------------------------------------------- slides

PAUSED = deck(
    Paragraph(inlines("First")),
    Pause(),
    Paragraph(inlines("Second")),
    Answer((Paragraph(inlines("Hidden")),)),
    Notes((Paragraph(inlines("Whispered")),)),
)


@pytest.mark.needs("typst", "poppler")
def test_what_comes_at_a_click_has_a_page_of_its_own() -> None:
    shown = [{word for word in ("First", "Second", "Hidden", "Whispered") if word in page} for page in said(pdf(PAUSED))[1:]]
    assert shown == [{"First"}, {"First", "Second"}, {"First", "Second", "Hidden"}]
    assert len(said(pdf(PAUSED, handout=True))) == 2
    assert "Hidden" in said(pdf(PAUSED, handout=True))[1]


@pytest.mark.needs("typst", "poppler")
@pytest.mark.parametrize(("aspect", "size"), [("16:9", "453.543 x 255.118"), ("4:3", "362.835 x 272.126")])
def test_the_page_has_the_shape_that_is_asked_for(aspect: str, size: str) -> None:
    assert facts(pdf(deck(aspect=aspect)))["Page size"].startswith(size)


@pytest.mark.needs("typst", "poppler")
def test_what_does_not_fit_goes_on_overleaf_or_is_made_to_fit() -> None:
    words = Paragraph(inlines("".join(f"line {k} " for k in range(3))))
    pages = said(pdf(deck(*[words] * 40)))
    assert sum(page.count("line 2") for page in pages) == 40
    fault = said(pdf(deck(Fault("\n".join(["wrong"] * 39 + ["end"])))))
    assert len(fault) == 4
    assert "end" in fault[-1]
    high = Equation(Raw(r"\begin{matrix}" + r"\\".join("a" * 59 + "b") + r"\end{matrix}"))
    assert "\U0001d44f" in said(pdf(deck(high)))[1]


@pytest.mark.needs("typst", "poppler")
def test_a_page_without_a_title_has_no_heading() -> None:
    """PDF/UA has no empty headings, and none of level 2 or 3 that is the first."""
    heading, words = Heading(inlines("Small")), Paragraph(inlines("Words"))
    slides = (Slide((), ()), Slide((), (heading, words), 1), Slide(inlines(" "), (words,)), Slide(inlines("\u200b"), (), 1))
    document = Document("", slides, source="a.md", cover=Cover(()))
    assert [re.findall("Small|Words", page) for page in said(pdf(document))] == [[], ["Small", "Words"], ["Words"], []]
    assert facts(pdf(document))["Title"] == "a.md"


@pytest.mark.needs("typst", "poppler")
def test_an_explanation_is_a_paper() -> None:
    request = Request(derive.graph("W: [m, n]; h: [n]; b: [m]; a = W @ h + b"), wrt=("W",))
    content = pdf(explain(request, Page("fr"), "a"))
    assert facts(content)["Page size"].endswith("(A4)")
    assert "dérivation en chaîne" in said(content)[0]


# ---------------------------------------------------------------- all that is typed is text

CANARY = "THECANARYSINGS"
ATTACKS = (
    '#read("canary.txt")',
    '#import "@preview/cetz:0.3.0": *',
    '#read("/etc/passwd")',
    '"); read("canary.txt"); ("',
    '\\"); read("canary.txt"); (\\"',
    "}) read([canary.txt]) ({",
    '"+read("canary.txt")+"',
    "$x$ `raw` @ref <label> *b* _i_ = h \\ // c /* d */",
    "\\u{41} ] ) } ~ -- ...",
)


def hostile(attack: str) -> Document:
    """An attack wherever words can stand."""
    words = (Text(attack), Emph((Text(attack),)), Strong((Text(attack),)), CodeSpan(attack), Link((Text(attack),), attack))
    noted = (*words, Footnote(1, words), Cite((attack,), words))
    drawn = Picture("p", {"png": lambda: PNG}, attack, words, given=True)
    line = Paragraph(noted)
    table = Table((words,), ((words,),), (), words)
    blocks = (
        Heading(words), line, ItemList(((line,),)), Quote((line,)), CodeBlock(attack, attack), table, drawn,
        Columns((Column((line,), 1.0),)), Answer((line,)), Fault(attack), References((Reference(attack, words),)),
    )  # fmt: skip
    cover = Cover(words, words, words, words, words, drawn)
    return Document(attack, (Slide(words, (), 1), Slide(words, blocks)), "en", attack, attack, cover, outline=True)


@pytest.mark.needs("typst", "poppler")
def test_what_is_typed_is_printed(tmp_path: Path) -> None:
    """The folder that may be read has the file that the attacks ask for, which it never has otherwise."""
    (tmp_path / "canary.txt").write_text(CANARY)

    def text_of(code: str, files: Mapping[str, bytes]) -> str:
        return re.sub(r"\s+", "", "".join(said(compiling.made(code, files, str(tmp_path)))))

    assert CANARY in text_of('#set document(title: "x")\n#read("canary.txt")', {})
    for attack in ATTACKS:
        found = render(hostile(attack), "pdf", Choices(handout=True))
        text = text_of(found.text, found.files)
        assert CANARY not in text
        assert text.count(re.sub(r"\s+", "", attack)) > 20, attack


@pytest.mark.needs("typst", "poppler")
def test_what_no_font_holds_is_its_number() -> None:
    assert "a [U+4E2D] b ∀é" in said(pdf(deck(Paragraph(inlines("a 中 b ∀é\u200b")))))[1]


# ---------------------------------------------------------------- formulas


@pytest.mark.needs("typst")
def test_every_formula_is_set() -> None:
    """Every formula of the library, every command, and formulas drawn at random: with what Typst does not know it fails."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    library = re.findall(r"\$`(.+?)`\$", page)
    assert len(library) > 400
    words = [rf"\text{{{sign}}}" for sign in sorted(formulas.LATIN)]
    every = [*library, *filter(None, map(accepted, EXAMPLES)), *words, *drawn(200, "typst")]
    pdf(Document("Formulas", (Slide((), tuple(Paragraph((Math(Raw(code)),)) for code in every)),)))


@pytest.mark.parametrize(
    ("latex", "code"),
    [
        (r"\frac{a}{2}", 'math.frac(sym("a"), "2")'),
        (r"f'", 'math.attach(sym("f"), t: math.primes(1))'),
        (r"\hat{y}", 'math.accent(sym("y"), "\u0302")'),
        (r"\text{a \{}", 'math.upright("a\u00a0{")'),
        (r"\left(\frac{a}{b}\right)", 'math.lr({math.class("opening", sym("(")); math.frac(sym("a"), sym("b")); '
         'math.class("closing", sym(")"))})'),
        (r"\sum_i", 'math.attach(sym("∑"), b: sym("i"))'),
        (r"\sum\nolimits_i", 'math.attach(math.scripts(sym("∑")), b: sym("i"))'),
        (r"\sum\limits_i", 'math.attach(math.limits(sym("∑")), b: sym("i"))'),
        (r"(1;\ -2)", '{sym("("); "1"; sym(";"); math.upright("\u00a0"); math.class("normal", sym("−")); "2"; sym(")")}'),
        (r"\log x", '{math.op("log", limits: true); sym("x")}'),
    ],
)  # fmt: skip
def test_a_formula_is_calls_of_functions(latex: str, code: str) -> None:
    assert formula(latex) == code


# ---------------------------------------------------------------- the same, or a reason


@pytest.mark.needs("typst")
def test_the_same_document_gives_the_same_pdf() -> None:
    assert pdf(PAUSED) == pdf(PAUSED)


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    with pytest.raises(DeriveError, match=r"needs the package typst\.\nInstall it with: pip install typst"):
        check_needs("pdf")
    check_needs("html")
    assert "Page" in render(PAUSED, "pdf").text


@pytest.mark.needs("typst")
def test_a_picture_that_is_none_is_said() -> None:
    with pytest.raises(DeriveError, match="The PDF cannot be made: unknown image format"):
        pdf(deck(Picture("p", {"png": lambda: b"no picture"}, "p", given=True)))


@pytest.mark.needs("typst", "poppler")
def test_a_table_wider_than_its_room_is_made_smaller() -> None:
    page = tool("pdftotext", pdf(build_lecture(opened(WIDE), "en")), "-bbox")
    boxes = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>', page)
    (side,) = {float(x) for x in re.findall(r'<page width="([\d.]+)"', page)}
    long = [(float(left), float(right)) for left, right, word in boxes if re.fullmatch(r"\d{10,}", word)]
    assert len(long) == 6
    assert all(before[1] < after[0] for before, after in pairwise(long[:3]))
    assert max(right for _, right in long[:3]) < side
    assert max(right for _, right in long[3:]) < side / 2


@pytest.mark.needs("typst", "poppler")
def test_a_short_formula_of_a_paragraph_is_on_one_line() -> None:
    paragraphs = [Paragraph((Text("on " * count), Math(Raw("3 + 20 = 23")), Text("."))) for count in range(22, 29)]
    lines = "".join(said(pdf(deck(*paragraphs)))).splitlines()
    assert len([line for line in lines if re.search(r"3 ?\+ ?20 ?= ?23\.", line)]) == len(paragraphs)
