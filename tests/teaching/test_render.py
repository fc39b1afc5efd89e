"""Documents in every file format, put before the programs that read them: pdfLaTeX, pandoc, KaTeX and MathJax."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest

from cases.nasty import NASTY
from derive.errors import DeriveError
from derive.notation.layout import ABOUT, EQUALS, MINUS, PLUS, Big, Cases, Fence, Frac, Grid, Layout, Script, Sign, joined, row
from derive.teaching.document import (
    Answer,
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Document,
    Emph,
    Equation,
    Heading,
    ItemList,
    Line,
    LineBreak,
    Link,
    Math,
    Paragraph,
    Pause,
    Picture,
    Quote,
    Raw,
    Slide,
    Steps,
    Strong,
    Table,
    inlines,
)
from derive.teaching.formats.render import FORMATS, render
from oracles.browser import browser
from oracles.rendering import compile_latex, math_in_markdown, pandoc_slides, web_errors

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>"


def sign(text: str) -> Sign:
    return Sign(text, text)


def pdf() -> bytes:
    """A small picture."""
    from matplotlib.figure import Figure

    file = BytesIO()
    Figure(figsize=(3, 1)).savefig(file, format="pdf", metadata={"CreationDate": None})
    return file.getvalue()


def document(*blocks: Block, title: str = "Title", lang: str = "en") -> Document:
    return Document(title, (Slide(inlines("Slide"), blocks),), lang, "Author", "lecture.md")


def markdown(*blocks: Block) -> str:
    """What the blocks are in Markdown, under no heading."""
    return render(Document("", (Slide((), blocks),)), "markdown").text


def softmax_steps(lang: str) -> Steps:
    """A derivation as long and as tall as they come, with a reason at every line."""
    p, z, e = (Script(sign(letter), sign("i")) for letter in ("p", "z", "e"))
    total = row(Big(Sign(r"\sum", "Σ"), sign("j")), e)
    slope = Frac(row(Sign(r"\partial ", "∂"), p), row(Sign(r"\partial ", "∂"), z))
    square = Script(Fence(total), None, sign("2"))
    reasons = {
        "en": ("the derivative goes inside the sum", "definition of p", "100% of the cases: {a} & b_c", ""),
        "fr": ("la dérivée entre dans la somme\u202f; puis l’égalité", "définition de p", "100\u202f% des cas\u00a0: é", ""),
    }[lang]
    bodies: list[Layout] = [
        Frac(row(slope, total, MINUS, e, total), square),
        row(p, MINUS, Frac(e, total)),
        Cases(((row(p, Fence(row(sign("1"), MINUS, p))), sign("i = j")), (p, Sign(r"i \neq j", "i ≠ j")))),
        joined([row(p, e)] * 25, PLUS),
    ]
    why = [inlines(reason, z) if reason else () for reason in reasons]
    return Steps((Line(slope), *(Line(bodies[k % 4], ABOUT if k == 11 else EQUALS, why[k % 4]) for k in range(12))))


def lecture(lang: str = "en") -> Document:
    """A slide of every kind of block, and text that means something to every format."""
    every = inlines(*(f"{text} " for text in NASTY))
    matrix = Grid(tuple(tuple(sign(f"a_{{{i}{j}}}") for j in range(3)) for i in range(3)))
    slides = (
        Slide(inlines("Part & parcel"), (), 1),
        Slide(
            inlines("Words: ", Math(Raw(r"\nabla_W L"))),
            (
                Paragraph(
                    inlines(Strong(inlines("strong ", Emph(inlines("and stressed")))), CodeSpan("a | b"), LineBreak(), "x")
                ),
                ItemList(((Paragraph(inlines("one")), Equation(Raw("x"))), (ItemList(((Paragraph(inlines("two")),),), 7),))),
                Quote((Paragraph(inlines("A ", Link(inlines("link"), "https://x.org/a_b?c=%20#d"), ".")),)),
            ),
        ),
        Slide(inlines("Derivation"), (Paragraph(inlines("Line by line.")), softmax_steps(lang))),
        Slide(
            inlines("Long"),
            (
                Equation(row(sign("a"), EQUALS, joined([sign(f"W_{{{k}}}h_{{{k}}}") for k in range(60)], PLUS))),
                Equation(Frac(joined([sign(f"w_{{{k}}}") for k in range(60)], PLUS), sign("2"))),
                Equation(matrix),
            ),
        ),
        Slide(inlines("Code"), (Heading(inlines("Kernel")), CodeBlock("\n".join([*NASTY, "x" * 200, *["y = 1"] * 40])))),
        Slide(inlines("Nasty"), (Paragraph(every), Break(), Paragraph(inlines(CodeSpan(NASTY[0]))))),
        Slide(
            inlines("Table and picture"),
            (
                Table(
                    (inlines("a|b"), inlines("c")), ((inlines(Math(Raw("|x|"))), every[:4]),) * 20, ("left", "right"), every[:1]
                ),
                Picture("A figure: 1", {"pdf": pdf, "svg": lambda: SVG}, "Two | boxes", inlines("A caption & more")),
            ),
        ),
    )
    return Document(NASTY[0] + " " + NASTY[3], slides, lang, NASTY[1], "lectures/50% & more.md")


def save(name: str, built: Document, folder: Path) -> Path:
    """Write a document as the command line would, beside the files of its pictures."""
    rendered = render(built, name)
    for file, content in rendered.files.items():
        (folder / file).write_bytes(content)
    path = folder / f"document{FORMATS[name].ending}"
    path.write_text(rendered.text, encoding="utf-8")
    return path


# ---------------------------------------------------------------- LaTeX


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_beamer_compiles_with_nothing_sticking_out(lang: str, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    log = compile_latex(save("beamer", lecture(lang), tmp_path / "source"), tmp_path / "build")
    assert log.pages > len(lecture(lang).slides)
    assert max(log.overfull, default=0.0) <= 5.0


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_an_article_compiles_with_nothing_sticking_out(lang: str, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    log = compile_latex(save("latex", lecture(lang), tmp_path / "source"), tmp_path / "build")
    assert max(log.overfull, default=0.0) <= 5.0


@pytest.mark.needs("pdflatex", "poppler")
def test_the_printed_page_says_what_the_document_says(tmp_path: Path) -> None:
    steps = Steps((Line(sign("L")), Line(sign("2"), EQUALS, inlines("so it is"))))
    inner = ItemList(((Paragraph(inlines("within")),),), 5)
    numbered = ItemList(((Paragraph(inlines("one")), inner), (Paragraph(inlines("two")),)), 3)
    said = document(Paragraph(inlines("Accuracy: 99.5 % & more_of #1.")), steps, numbered)
    (tmp_path / "source").mkdir()
    compile_latex(save("beamer", said, tmp_path / "source"), tmp_path / "build")
    pdf = str(tmp_path / "build" / "document.pdf")
    shown = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, encoding="utf-8", check=True).stdout
    for words in ("Title", "Author", "Slide", "Accuracy: 99.5 % & more_of #1.", "so it is", "3. one", "3.5 within", "4. two"):
        assert words in shown


def test_a_long_slide_counts_its_frames() -> None:
    text = render(document(softmax_steps("en")), "beamer").text
    parts = [line for line in text.splitlines() if line.startswith(r"\begin{frame}[t]")]
    assert parts == [rf"\begin{{frame}}[t]{{Slide}}{{{k}\,/\,{len(parts)}}}" for k in range(1, len(parts) + 1)]


# ---------------------------------------------------------------- Markdown


@pytest.mark.needs("pandoc")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_pandoc_makes_a_slide_of_every_heading(lang: str) -> None:
    titles = pandoc_slides(render(lecture(lang), "markdown").text)
    words = "Words: \\(\\nabla_W L\\)"
    assert titles == ["Part & parcel", words, "Derivation", "Long", "Code", "Nasty", "Nasty (2)", "Table and picture"]


@pytest.mark.needs("pandoc", "katex", "mathjax")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_katex_and_mathjax_take_every_formula(lang: str) -> None:
    found = math_in_markdown(render(lecture(lang), "markdown").text)
    assert len(found) > 20
    assert not [error for error in web_errors(found) if error]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (Paragraph(inlines("A ", Emph(inlines("b")), " ", Strong(inlines("c")), " ", CodeSpan("d"))), "A *b* **c** `d`"),
        (Paragraph(inlines(sign("x"), "2 and ", sign("y"), " 2")), "$x$&#50; and $y$ 2"),
        (Paragraph(inlines("Look!", Link(inlines("here"), "https://x.org"))), r"Look\![here](https://x.org)"),
        (Paragraph(inlines("one", LineBreak(), "- two")), "one\\\n\\- two"),
        (Heading(inlines("Heading")), "### Heading"),
        (Equation(row(sign("a"), EQUALS, sign("b"))), "$$\na = b\n$$"),
        (Equation(Raw("a\n\nb")), "$$\na b\n$$"),
        (ItemList(((Paragraph(inlines("a")),), (Paragraph(inlines("b")), Equation(sign("c"))))), "- a\n- b\n\n  $$\n  c\n  $$"),
        (ItemList(((Paragraph(inlines("a")),),), 10), "10. a"),
        (Quote((Paragraph(inlines("a")), Paragraph(inlines("b")))), "> a\n> \n> b"),
        (CodeBlock("```", "python"), "````python\n```\n````"),
        (Table((inlines("a"),), ((inlines("b|c"),),), ("right",), inlines("d")), "| a |\n|---:|\n| b\\|c |\n\n*d*"),
        (Table((), ((inlines(Math(Raw("|x|")), CodeSpan("|")),),)), "|  |\n|:---|\n| $\\vert x\\vert$<code>&#124;</code> |"),
        (
            Table((), ((inlines(Math(Raw(r"\begin{array}{c|c}|a|\end{array}"))),),)),
            "|  |\n|:---|\n| $\\begin{array}{cc}\\vert a\\vert \\end{array}$ |",
        ),
        (Picture("p", {"svg": lambda: SVG}, "alt"), "![alt](p.svg)&nbsp;"),
        (Picture("p", {"svg": lambda: SVG}, "alt", inlines("why")), "![alt](p.svg)\n*why*"),
    ],
)  # fmt: skip
def test_blocks_in_markdown(block: Block, expected: str) -> None:
    assert markdown(block) == expected + "\n"


def test_a_derivation_in_markdown_is_one_formula() -> None:
    reason = inlines("since ", sign("c"), " is 100%")
    lines = (Line(sign("a")), Line(sign("b"), EQUALS, reason), Line(sign("d"), ABOUT, note=inlines("so")))
    assert markdown(Steps(lines)) == (
        "$$\n\\begin{aligned}\n"
        "a &= b && \\quad \\text{since }c\\text{ is 100}\\% \\\\\n"
        " &\\approx d \\\\\n& \\quad \\text{so}\n"
        "\\end{aligned}\n$$\n"
    )


def test_two_lists_in_a_row_stay_two() -> None:
    one = ItemList(((Paragraph(inlines("a")),),))
    assert markdown(one, one) == "- a\n\n<!-- -->\n\n- a\n"


def test_the_front_matter_is_yaml() -> None:
    import yaml

    text = render(lecture(), "markdown").text
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["title"].replace("\\", "") == lecture().title.replace("\\", "")
    assert front["lang"] == "en"
    assert text.startswith("---\n# Made by derive from lectures/50% & more.md. Edit the source, not this file.\n")


# ---------------------------------------------------------------- HTML


def html(*blocks: Block) -> str:
    """What the blocks are in HTML."""
    body = render(document(*blocks), "html").text.partition('<div class="body">\n')[2]
    return body.partition('\n</div>\n<p class="foot">')[0]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (Paragraph(inlines("<b> & ", Emph(inlines("b")), Strong(inlines("c")), CodeSpan("<d>"))),
         "<p>&lt;b&gt; &amp; <em>b</em><strong>c</strong><code>&lt;d&gt;</code></p>"),
        (Paragraph(inlines(Link(inlines("x"), 'https://x.org/"onclick="'))),
         '<p><a href="https://x.org/%22onclick=%22" rel="noreferrer">x</a></p>'),
        (Paragraph(inlines(Math(Raw(r"x \le 1")))),
         '<p><math aria-label="x at most 1"><mi>x</mi><mo>≤</mo><mn>1</mn></math></p>'),
        (Paragraph(inlines("a (", Math(Raw("x")), "\u00a0: b), ", Strong(inlines(Math(Raw("y")), ",")))),
         '<p>a <span class="whole">(<math aria-label="x"><mi>x</mi></math>\u00a0:</span> b), '
         '<strong><span class="whole"><math aria-label="y"><mi>y</mi></math>,</span></strong></p>'),
        (Heading(inlines("Heading")), "<h3>Heading</h3>"),
        (ItemList(((Paragraph(inlines("a")),),), 10), '<ol start="10">\n<li><p>a</p></li>\n</ol>'),
        (CodeBlock("<pre>", "python"), '<pre data-language="python"><code>&lt;pre&gt;</code></pre>'),
        (Picture("p", {"png": lambda: b"png"}, 'a "b"', inlines("c"), given=True),
         '<figure class="given"><img src="data:image/png;base64,cG5n" alt="a &#34;b&#34;" class="x0">'
         "<figcaption>c</figcaption></figure>"),
    ],
)  # fmt: skip
def test_blocks_in_html(block: Block, expected: str) -> None:
    assert html(block).replace("&quot;", "&#34;") == expected


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, text: str) -> None:
        self.text += text


def test_an_answer_in_html_holds_all_its_blocks() -> None:
    words = [Paragraph(inlines(word)) for word in ("ask", "one", "two", "three", "last")]
    found = html(words[0], Answer((words[1], words[2])), Answer((words[3],)), Pause(), words[4])
    opened = found.split("<details")
    assert [part.count("</details>") for part in opened] == [0, 1, 1]
    assert [[word in part.partition("</details>")[0] for word in ("one", "two", "three")] for part in opened[1:]] == [
        [True, True, False],
        [False, False, True],
    ]
    assert found.index("ask") < found.index("one") < found.index("last")


def test_prose_is_only_text_in_html() -> None:
    """Whatever is typed stands on the page as typed: no element, no attribute, no address comes of it."""
    found = Elements(render(lecture(), "html").text)
    assert [tag for tag, _ in found.found if tag in ("script", "style", "iframe", "object", "embed", "base")] == [
        "style",
        "script",
    ]
    assert not [name for _, attributes in found.found for name in attributes if name.startswith("on") or name == "style"]
    assert {attributes["href"] for tag, attributes in found.found if tag == "a"} == {"https://x.org/a_b?c=%20#d"}
    assert all(re.sub(r"[\x00-\x1f\u202c\u202e]", "", text) in found.text for text in NASTY)


def test_every_character_is_in_a_font_of_the_page() -> None:
    """No system's font is asked for what ours have: letters, signs and superscripts of words, formulas and code."""
    from fontTools.ttLib import TTFont

    words = "Wᵀ g ⊙ ∂L, naïveté, œuvre, ŷ, α → ∞ ℝ x² a₂ ½ ﬁ ᵢ ⁿ ✓"
    blocks = Paragraph(
        inlines(words, Strong(inlines(words)), Emph(inlines(words)), CodeSpan(words), Math(Raw(r"\nabla_W \sqrt{L}")))
    )
    text = render(document(blocks, title=words), "html").text
    fonts = re.findall(r'font-family:"([^"]*)".*?base64,([^)]*)\)', text)
    held = {family: set[int]() for family, _ in fonts}
    for family, data in fonts:
        held[family] |= set(TTFont(BytesIO(b64decode(data))).getBestCmap())
    assert set(held) == {"Deck Math", "Deck", "Deck Code", "Deck Rest"}
    assert {*map(ord, words)} <= set.union(*held.values())
    assert ord("√") in held["Deck Math"]  # a root is an element; its sign stands nowhere
    assert 0x1D40 in held["Deck Rest"]  # the transposed, which STIX has not


def test_a_root_has_its_sign_in_the_font_of_the_page() -> None:
    """A browser draws it with a sign that no text of the page holds."""
    from fontTools.ttLib import TTFont

    text = render(document(Paragraph(inlines(Math(Raw(r"\sqrt{x} + \sqrt[3]{x}"))))), "html").text
    assert "√" not in text
    data = re.findall(r'font-family:"Deck Math".*?base64,([^)]*)\)', text)[0]
    assert ord("√") in TTFont(BytesIO(b64decode(data))).getBestCmap()


def test_a_drawing_is_in_the_colours_of_the_page() -> None:
    """Colours are variables with a light and a dark value, identifiers are of this page, and nothing is styled in place."""
    drawn = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
      <defs><path id="a" d="M 0 0.12345 L 1 1" transform="scale(0.5)"/><clipPath id="c"><rect width="1"/></clipPath></defs>
      <g clip-path="url(#c)"><use xlink:href="#a" style="fill: #00599c; stroke-width: 0.8"/></g></svg>"""
    text = render(document(*[Picture(name, {"svg": lambda: drawn}, "Two boxes") for name in "pq"]), "html").text
    assert text.count('<path id="g0" d="M0 0.12L1 1" transform="scale(0.5)"/>') == 1
    assert text.count('<use fill="var(--c00599c)" stroke-width="0.8" href="#g0"/>') == 2
    assert "--c00599c:light-dark(#00599c,#" in text
    named = re.findall(r'id="([^"]*)"', text)
    assert len(named) == len(set(named))
    assert text.count('aria-label="Two boxes"') == 2


@pytest.mark.needs("chromium")
def test_whatever_is_on_a_slide_stays_on_it_in_a_browser(tmp_path: Path) -> None:
    """Formulas and code too wide for a page, long derivations, tables: set smaller, but never outside and never on each other."""
    with browser(tmp_path / "profile") as found:
        page = found.page()
        page.open(save("html", lecture("fr"), tmp_path).as_uri())
        page.key("a")
        faults = page.run((Path(__file__).parents[1] / "oracles" / "deck.js").read_text(encoding="utf-8"))
        assert not [fault for fault in faults if "shrunk" not in fault]
        assert page.complaints() == []


# ---------------------------------------------------------------- every format


def test_pictures_come_as_files_in_the_format_of_the_page() -> None:
    picture = Picture("figure-f-1-en", {"pdf": lambda: b"%PDF", "svg": lambda: SVG})
    assert render(document(picture), "beamer").files == {"lecture-figure-f-1-en.pdf": b"%PDF"}
    marked = b"<!-- Made by derive from lecture.md. Edit the source, not this file. -->\n" + SVG
    assert render(document(picture), "markdown").files == {"lecture-figure-f-1-en.svg": marked}


def test_two_pictures_of_one_name_keep_their_files_apart() -> None:
    one, two = Picture("p", {"svg": lambda: b"<a/>"}), Picture("p", {"svg": lambda: b"<b/>"})
    files = render(document(one, two, one), "markdown").files
    assert {name: content.split(b"\n")[1] for name, content in files.items()} == {
        "lecture-p.svg": b"<a/>",
        "lecture-p-2.svg": b"<b/>",
    }


def test_a_picture_of_the_author_s_is_not_changed() -> None:
    one, two = (Picture("p", {"png": lambda shown=shown: shown}, given=True) for shown in (b"1", b"2"))
    files = render(document(one, two, one), "markdown").files
    assert list(files.values()) == [b"1", b"2"]
    assert all(re.fullmatch(r"lecture-p-[0-9a-f]{12}\.png", name) for name in files)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(DeriveError, match="no format 'docx'"):
        render(document(), "docx")


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_same_document_gives_the_same_bytes(name: str) -> None:
    code = f"import sys, test_render as t; sys.stdout.write(t.render(t.lecture(), {name!r}).text)"
    paths = os.pathsep.join(map(str, (*Path(__file__).parents[1:3], Path(__file__).parent)))

    def rendered(seed: str) -> bytes:
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout

    assert rendered("1") == rendered("2") != b""


def test_spaces_and_signs_in_markdown_formulas_are_those_of_katex_and_mathjax() -> None:
    """Inside \\text MathJax prints ~ and \\, as they are, and behind a space it takes a minus for one between two terms."""
    reason = inlines("en chaîne\u00a0: la somme\u202f; a~b")
    steps = Steps((Line(Sign("f", "f")), Line(Sign(r"\max(0;\ -2{,}1)", ""), EQUALS, reason)))
    text = render(Document("", (Slide((), (steps,)),), lang="fr"), "markdown").text
    assert r"\text{en chaîne}\ \text{: la somme}\,\text{; a}{\sim}\text{b}" in text
    assert r"(0;\ {-}2{,}1)" in text
