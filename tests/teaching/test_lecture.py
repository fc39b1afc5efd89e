"""What a lecture may hold, what each part becomes, and what is said of a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from derive.errors import DeriveError, DeriveErrors, Place
from derive.teaching.document import (
    Answer,
    Block,
    Break,
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
    LineBreak,
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
    Steps,
    Strong,
    Table,
    Text,
)
from derive.teaching.lecture.dialect import parser
from derive.teaching.lecture.directive import Directive
from derive.teaching.lecture.frontmatter import FrontMatter
from derive.teaching.lecture.lecture import Drawings, attempt, build, opened, read
from oracles.rendering import math_in_markdown

HEAD = "---\ntitle: {en: Losses, fr: Pertes}\nlang: [en, fr]\n---\n"


def document(body: str, lang: str = "en", folder: Path | None = None) -> Document:
    """The document of a lecture whose directives become a paragraph with their kind."""

    def expand(directive: Directive) -> Sequence[Block]:
        return (Paragraph((Text(directive.kind),)),)

    return build(read(HEAD + body, folder=folder), lang, expand)


def blocks(body: str, lang: str = "en") -> tuple[Block, ...]:
    """The blocks of a lecture of one slide."""
    (slide,) = document("# Slide\n\n" + body, lang).slides
    return slide.blocks


def prose(body: str, lang: str = "en") -> object:
    """The inlines of a lecture of one paragraph."""
    (paragraph,) = blocks(body, lang)
    assert isinstance(paragraph, Paragraph)
    return paragraph.inlines


# ---------------------------------------------------------------- front matter


def test_front_matter_says_title_languages_author_and_conventions() -> None:
    source = "---\ntitle: {en: Losses, fr: Pertes}\nlang: [en, fr]\nauthor: A. Teacher\nindex-base: 0\ndigits: 3\n---\n# One\n"
    about = read(source).about
    assert (about.title["fr"], about.langs, about.author, about.index_base, about.digits) == (
        "Pertes",
        ("en", "fr"),
        "A. Teacher",
        0,
        3,
    )


def test_a_lecture_in_one_language_has_one_title_and_the_usual_conventions() -> None:
    assert read("---\ntitle: Losses\n---\n").about == FrontMatter({"en": "Losses"}, ("en",), "", 1, 4)


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("# Slide\n", "no front matter", 1),
        ("", "no front matter", 1),
        ("---\ntitle: x\n", "no front matter", 1),
        ("---\nlang: en\n---\n", "no title", 1),
        ("---\ntitel: x\n---\n", "no key 'titel'", 2),
        ("---\ntitle: x\nlang: de\n---\n", "'lang' must be one or several of en, fr", 3),
        ("---\ntitle: {en: x}\nlang: [en, fr]\n---\n", "not given in 'fr'", 2),
        ("---\ntitle: [x]\n---\n", "'title' must be text", 2),
        ("---\ntitle: x\ndigits: 99\n---\n", "'digits' must be a whole number from 1 to 15", 3),
        ("---\ntitle: x\nindex-base: yes\n---\n", "'index-base' must be", 3),
        ("---\ntitle: 'x\n---\n", "cannot be read", 2),
        ("---\ntitle: x: y\n---\n", "cannot be read", 2),
        ("---\ntitle: \x07\n---\n", "a character is not allowed", 2),
        ("---\ntitle: " + "x" * 20_000 + "\n---\n", "too long", 1),
        ("---\ntitle: x\ntitle: y\n---\n", "'title' is given twice", 3),
        ("---\ntitle: {en: x, en: y}\n---\n", "'en' is given twice", 2),
        ("---\ntitle:\n---\n", "'title' must be text", 2),
        ("---\nauthor: x\ntitle: {en: [x]}\n---\n", "'en' holds more than texts", 3),
        ("---\ntitle: x\nlang: [[en]]\n---\n", "'lang' holds more than texts", 3),
        ("---\ntitle: x\nlang: {en: x}\n---\n", "'lang' must be one or several", 3),
        ("---\n? [x]\n: y\n---\n", "A key of the front matter is a word", 2),
        ("---\ntitle: x\ndigits: 3.0\n---\n", "'digits' must be a whole number", 3),
        ("---\ntitle: x\ndigits: ٣\n---\n", "'digits' must be a whole number", 3),
        *(
            (f"---\nauthor: x\ntitle: {value}\n---\n", "cannot be read: it takes no tags, anchors or aliases", 3)
            for value in (
                "!!bool abc",
                '!!int ""',
                '!!float ""',
                "!!timestamp abc",
                "!!python/object/apply:os.system [ls]",
                "!x y",
                "&a x",
                "*a",
                "!!map {en: x}",
                "{en: !!int x}",
                "{en: &a x}",
                "&a {en: *a}",
                "!!seq [x]",
                "!!binary x",
            )
        ),
        ("---\ntitle: x\na: &a [x, x]\nb: &b [*a, *a]\n---\n", "cannot be read: it takes no tags, anchors or aliases", 3),
        ("---\ntitle: x\n<<: {title: y}\n---\n", "no key '<<'", 3),
        ('---\ntitle: x\n"\\e[31m\\u202e": y\n---\n', r"no key '\[31m'", 3),
        ("---\ntitle: " + "[" * 3000 + "\n---\n", "cannot be read", 1),
        ("---\n- x\n---\n", "no 'name: value' lines", 1),
    ],
)
def test_a_mistake_in_the_front_matter_is_pointed_at(source: str, message: str, line: int) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        read(source)
    assert caught.value.place is not None
    assert caught.value.place.line == line


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        *((same, same) for same in ("1:30", "012", "1_000", "1.50", "yes", "no", "null", "~", "2024-01-02", "2020-99-99", "0x10",
                                    ".inf", "The #1 loss", "C# and F#", "a # b", "=", "<<", "100 %", "l'été", 'the "best"')),
        ("'The #1: yes'", "The #1: yes"),
        ('"The \\"#1\\""', 'The "#1"'),
        ("'x'   # a remark", "x"),
        ("{en: The #1 loss, fr: 012}  # two", "The #1 loss"),
        ("\n  en: 1_000  \n  fr: yes", "1_000"),
        ("one\n  and two", "one and two"),
    ],
)  # fmt: skip
def test_front_matter_is_text_as_typed(typed: str, title: str) -> None:
    assert (
        read(
            f"---\n# a remark\ntitle: {typed}\nauthor: {typed if chr(10) not in typed and typed[0] != '{' else 'x'}\n---\n"
        ).about.title["en"]
        == title
    )


def test_a_remark_may_stand_behind_a_number_or_a_language() -> None:
    about = read("---\ntitle: x\nlang: en # only\ndigits: 3 # few\nindex-base: 0  # as in Python\n---\n").about
    assert about == FrontMatter({"en": "x"}, ("en",), "", 0, 3)


def test_a_misspelt_key_gets_a_suggestion() -> None:
    with pytest.raises(DeriveError, match="Did you mean title"):
        read("---\ntitel: x\n---\n")


def test_the_front_matter_says_what_the_title_page_shows() -> None:
    head = (
        "---\ntitle: {en: On $x^2$, fr: Sur $x^2$}\nlang: [en, fr]\nsubtitle: Costs $5\ninstitute: {en: Uni, fr: Fac}\n"
        "date: 3 May\nauthor: A. B.\naspect: 4:3\noutline: yes\n---\n# A\n"
    )
    found = build(read(head), "fr", lambda directive: ())
    assert found.cover == Cover(
        (Text("Sur "), Math(Raw("x^2"))), (Text("Costs $5"),), (Text("A. B."),), (Text("Fac"),), (Text("3 May"),)
    )
    assert (found.title, found.aspect, found.outline) == ("Sur $x^2$", "4:3", True)


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    source = (
        "---\ntitle: x $\\nope$\naspect: 1:1\ncolour: red\n---\n# A $\\bad$\n\nwords <b> and ~~x~~ $\\worse$\n\n"
        "- fine\n- [^1]\n\n```derive\n```\n\n:::notes\n# B\n:::\n\n:::answer\n"
    )
    with pytest.raises(DeriveErrors) as caught:
        read(source, "talk.md")
    assert [fault.place and fault.place.line for fault in caught.value.each] == [2, 3, 4, 6, 8, 8, 8, 11, 13, 17, 20]
    assert "  talk.md, line 8: words <b>" in str(caught.value)
    assert str(caught.value).endswith("There are 11 mistakes.")


def test_a_mistake_stands_in_its_place_and_the_rest_is_read() -> None:
    lecture = opened("---\ntitle: x\n---\n# A\n\nOne <b> two.\n\nThree.\n", "talk.md")
    found, faults = attempt(lecture, "en", lambda directive: ())
    assert [str(fault.message) for fault in faults] == ["HTML is not read in a lecture."]
    first, fault, last = found.slides[0].blocks
    assert first == Paragraph((Text("One "), CodeSpan("<b>"), Text(" two.")))
    assert isinstance(fault, Fault)
    assert "line 6: One <b> two." in fault.text
    assert last == Paragraph((Text("Three."),))


def test_the_same_mistake_in_two_languages_is_told_once() -> None:
    with pytest.raises(DeriveError) as caught:
        document("# A\n\n<b>\n")
    assert len(caught.value.each) == 1


# ---------------------------------------------------------------- slides


def test_headings_of_level_1_and_2_open_slides() -> None:
    found = document("# Part\n\nOne.\n\n## Slide $x$\n\nTwo.\n\n### Inside\n").slides
    assert found == (
        Slide((Text("Part"),), (Paragraph((Text("One."),)),), 1),
        Slide((Text("Slide "), Math(Raw("x"))), (Paragraph((Text("Two."),)), Heading((Text("Inside"),), 3)), 2),
    )


def test_a_line_of_dashes_is_a_break_even_right_under_words() -> None:
    assert blocks("One.\n---\nTwo.") == (Paragraph((Text("One."),)), Break(), Paragraph((Text("Two."),)))


def test_words_before_the_first_heading_are_a_mistake() -> None:
    with pytest.raises(DeriveError, match="before the first heading") as caught:
        document("\nLost words.\n")
    assert caught.value.place == Place("Lost words.", 0, 11, 6)


def test_each_language_keeps_its_own_part() -> None:
    body = ":::fr\n# Perte\n\nUn.\n:::\n:::en\n# Loss\n\nOne.\n:::\n\n$x$\n"
    assert document(body, "en").slides == (Slide((Text("Loss"),), (Paragraph((Text("One."),)), Paragraph((Math(Raw("x")),))), 1),)
    assert document(body, "fr").slides == (Slide((Text("Perte"),), (Paragraph((Text("Un."),)), Paragraph((Math(Raw("x")),))), 1),)


def test_colons_inside_code_open_no_language() -> None:
    assert blocks("```\n:::fr\n```") == (CodeBlock(":::fr"),)


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        (":::de\nx\n:::\n", "No language of this lecture", 5),
        (":::\n", "closes nothing", 5),
        (":::fr\nx\n", "never closed", 5),
        (":::fr\n:::en\n:::\n", "still open", 6),
    ],
)
def test_a_mistake_in_the_languages_is_pointed_at(body: str, message: str, line: int) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        document(body)
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_lecture_is_only_built_in_its_languages() -> None:
    with pytest.raises(DeriveError, match="not written in 'fr'"):
        build(read("---\ntitle: x\n---\n"), "fr", lambda directive: ())


# ---------------------------------------------------------------- containers


def test_containers_stand_in_one_another_and_in_languages() -> None:
    body = (
        ":::columns\n:::column width=40%\n:::fr\nUn.\n:::answer\nOui.\n:::\n:::\n:::en\nOne.\n:::\n:::\n::: {.column}\n"
        "```\n:::\n```\n:::\n:::\n\nAfter.\n\n:::notes\nSpeak.\n:::\n"
    )
    right = Column((CodeBlock(":::"),), 0.6)
    after = (Paragraph((Text("After."),)), Notes((Paragraph((Text("Speak."),)),)))
    assert blocks(body, "en") == (Columns((Column((Paragraph((Text("One."),)),), 0.4), right)), *after)
    answer = Answer((Paragraph((Text("Oui."),)),))
    assert blocks(body, "fr") == (Columns((Column((Paragraph((Text("Un."),)), answer), 0.4), right)), *after)


def test_a_container_may_stand_in_a_list_and_a_whole_slide_in_a_language() -> None:
    (items,) = blocks("- a\n\n  :::answer\n  b\n  :::\n- c\n")
    assert items == ItemList(((Paragraph((Text("a"),)), Answer((Paragraph((Text("b"),)),))), (Paragraph((Text("c"),)),)))
    found = document(":::fr\n# Un\n\n:::notes\nDire.\n:::\n:::\n:::en\n# One\n:::\n", "fr").slides
    assert found == (Slide((Text("Un"),), (Notes((Paragraph((Text("Dire."),)),)),), 1),)


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        (":::colums\nx\n:::\n", "Did you mean columns", 7),
        (":::column\nx\n:::\n", "between columns", 7),
        (":::columns\nx\n:::\n", "nothing but ':::column'", 8),
        (":::columns\n:::column\nx\n:::\n:::\n", "There are 1 columns here", 7),
        (":::columns\n:::column width=80%\nx\n:::\n:::column width=30%\ny\n:::\n:::\n", "wider than the line", 7),
        (":::notes width=3%\nx\n:::\n", "nothing else that ':::' opens", 7),
        (":::notes\n:::answer\n:::notes\nx\n:::\n:::\n:::\n", "inside another", 9),
        (":::answer\n## B\n:::\n", "A slide cannot begin", 8),
        (":::answer\n---\n:::\n", "A page cannot end", 8),
        (":::answer\nx\n", "':::answer' is never closed", 7),
        (":::answer\n:::fr\nx\n:::\n", "':::answer' is never closed", 7),
    ],
)
def test_a_mistake_in_a_container_is_pointed_at(body: str, message: str, line: int) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        document("# A\n\n" + body)
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_pause_is_a_paragraph_of_three_dots() -> None:
    assert blocks("a\n\n. . .\n\nb . . . c") == (
        Paragraph((Text("a"),)), Pause(), Paragraph((Text("b . . . c"),)),
    )  # fmt: skip


def test_a_picture_may_take_a_part_of_the_line(tmp_path: Path) -> None:
    (tmp_path / "net.png").write_bytes(b"PNG")
    (slide,) = document("# A\n\n![A net](net.png){width=60%}\n", folder=tmp_path).slides
    (found,) = slide.blocks
    assert isinstance(found, Picture)
    assert (found.width, found.alt) == (0.6, "A net")
    for wrong in ("{width=0%}", "{width=101%}", "{width=3cm}", "{.wide}"):
        with pytest.raises(DeriveError, match="a width from 1% to 100%"):
            document(f"# A\n\n![A net](net.png){wrong}\n", folder=tmp_path)


def test_footnotes_count_in_the_order_of_their_calls() -> None:
    typed = "One[^b], two[^a], again[^b].\n\n[^a]: A *note*\n    goes on.\n[^b]: Other"
    one, two = Footnote(1, (Text("Other"),)), Footnote(2, (Text("A "), Emph((Text("note"),)), Text(" goes on.")))
    assert prose(typed) == (Text("One"), one, Text(", two"), two, Text(", again"), one, Text("."))
    with pytest.raises(DeriveError, match="calls no other"):
        document("# A\n\nx[^1] y[^2]\n\n[^1]: a[^2]\n\n[^2]: b\n")
    with pytest.raises(DeriveError, match="given twice") as caught:
        document("# A\n\nx[^1]\n\n[^1]: a\n\n[^1]: b\n")
    assert caught.value.place == Place("[^1]: b", 0, 7, 11)
    with pytest.raises(DeriveError, match="words alone"):
        document("# A\n\nx[^1]\n\n[^1]: - a\n")


@pytest.mark.needs("pandoc")
@pytest.mark.parametrize(
    "typed",
    [
        "It costs $1.99 or $0.99.", "$x$ and $5", "$5-$10", "2$x$", "$x$2", "$ x$ $x $ $y$", r"$a\$b$ c$", "a$b$c", "$$ and $x$",
        r"\$x$ y$", "$x$, $y$; ($z$)", "$a\nb$", "US$5 and US$7", "from $x to $y$",
    ],
)  # fmt: skip
def test_dollars_enclose_a_formula_as_pandoc_has_it(typed: str) -> None:
    found = parser("en").parse(typed)
    formulas = [" ".join(part.content.split()) for token in found for part in token.children or () if part.type == "math_inline"]
    assert formulas == [formula.latex for formula in math_in_markdown(typed)]


def test_sources_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(
        "@book{knuth, author={Knuth, Donald}, title={The {TeX}book}, year=1984, publisher={A-W}}\n@misc{web, title={X}}"
    )
    head = "---\ntitle: x\nlang: [en, fr]\nbibliography: a.bib\n---\n# A\n\n"

    def told(body: str, lang: str = "en") -> Document:
        return build(read(head + body, folder=tmp_path), lang, lambda directive: ())

    slide, sources = told("As [see @knuth, p. 3] and @knuth and [-@knuth] say; a@knuth.").slides
    assert slide.blocks == (
        Paragraph(
            (
                Text("As "), Cite(("knuth",), (Text("(see Knuth, 1984, p. 3)"),)), Text(" and "),
                Cite(("knuth",), (Text("Knuth (1984)"),)), Text(" and "), Cite(("knuth",), (Text("(1984)"),)),
                Text(" say; a@knuth."),
            )
        ),
    )  # fmt: skip
    assert sources.title == (Text("References"),)
    assert sources.blocks == (
        References((Reference("knuth", (Text("Knuth, D. (1984) "), Emph((Text("The TeXbook"),)), Text(". A-W."))),)),
    )
    assert told("[@knuth]", "fr").slides[-1].title == (Text("Références"),)
    with pytest.raises(DeriveError, match=r"no source 'knut'(.*\n)+Did you mean knuth") as caught:
        told("words [@knut]")
    assert caught.value.place == Place("words [@knut]", 7, 12, 8)
    (tmp_path / "a.bib").write_text(
        "@article{many, author={One, A. and others}, title={T: t}, journal={J}, year=2001, pages={7--19}, url={https://a.org/b-c}}"
    )
    for lang, at in (("en", "pp. 7–19. Available at: "), ("fr", "7–19. Disponible sur\u00a0: ")):
        cited, named = told("[@many]", lang).slides
        assert "One " in repr(cited)
        assert "others" not in repr(named)
        assert at in repr(named).replace("\\xa0", "\xa0")
    (tmp_path / "b.json").write_text('[{"id": "k", "type": "book", "title": "T", "issued": {"date-parts": [[1990]]}}]')
    head = head.replace("a.bib", "b.json")
    assert isinstance(told("[@k]").slides[-1].blocks[0], References)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.bib", None, "cannot be read"),
        ("a.bib", b"@book{x,", "."),
        ("a.json", b"[", "cannot be read"),
        ("a.json", b"[1]", "cannot be read"),
        ("a.bib", b"\xff", "not UTF-8"),
        ("a.bib", b" " * (1 << 21), "too long"),
        ("a.txt", b"", "a file of BibTeX"),
        ("../a.bib", b"", "folder or below"),
    ],
)
def test_a_file_of_sources_that_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    folder = tmp_path / "lecture"
    folder.mkdir()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DeriveError, match=message):
        read(f"---\ntitle: x\nbibliography: {name}\n---\n# A\n\n[@x]\n", folder=folder)


# ---------------------------------------------------------------- prose


def test_inline_markdown() -> None:
    assert prose("a *b* **c** `d` [e](https://x.org) $f$  \ng\nh") == (
        Text("a "), Emph((Text("b"),)), Text(" "), Strong((Text("c"),)), Text(" "), CodeSpan("d"), Text(" "),
        Link((Text("e"),), "https://x.org"), Text(" "), Math(Raw("f")), LineBreak(), Text("g h"),
    )  # fmt: skip


def test_block_markdown() -> None:
    assert blocks("- a\n- b\n\n  1. c\n\n> d\n\n```python\ne\n```\n\n$$\nf\n$$\n\n3. g") == (
        ItemList(((Paragraph((Text("a"),)),), (Paragraph((Text("b"),)), ItemList(((Paragraph((Text("c"),)),),), 1)))),
        Quote((Paragraph((Text("d"),)),)),
        CodeBlock("e", "python"),
        Equation(Raw("f")),
        ItemList(((Paragraph((Text("g"),)),),), 3),
    )


def test_tables_keep_their_alignment() -> None:
    assert blocks("| a | b |\n|---|--:|\n| $x$ | 1 |") == (
        Table(((Text("a"),), (Text("b"),)), (((Math(Raw("x")),), (Text("1"),)),), ("left", "right")),
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("a <!-- b --> c", "a c"),
        ("a<!-- b\nb -->c", "ac"),
        ("a <!-- b -->", "a"),
        ("<!-- b --> a", "a"),
        ("<!-- a\n\n# b\n\n```\n:::fr\n--> c", "c"),
        ("<!-- ```derive graph --> c", "c"),
        ("<!-- :::fr\n-->\nc", "c"),
        (":::en\n<!-- a\n:::\n\n-->\nc\n:::", "c"),
        (":::fr\na\n<!-- b -->\n:::\nc", "c"),
        ("<!-- a --> <!-- b --> c", "c"),
    ],
)
def test_comments_are_dropped(body: str, text: str) -> None:
    assert blocks(body) == (Paragraph((Text(text),)),)


def test_comments_are_dropped_in_lists_and_quotations_and_kept_in_code() -> None:
    one, two = (Paragraph((Text("1"),)),), (Paragraph((Text("2"),)),)
    assert blocks("- 1\n  <!-- a\n\n  b -->\n- 2") == (ItemList((one, two)),)
    assert blocks("> <!-- a -->\n> 1") == (Quote(one),)
    assert blocks("| 1 <!-- a --> |\n|---|\n| <!-- b --> 2 |") == (Table(((Text("1"),),), (((Text("2"),),),), ("left",)),)
    assert blocks("```\n<!-- a -->\n```\n\n    <!-- b -->") == (CodeBlock("<!-- a -->"), CodeBlock("<!-- b -->"))
    assert prose("`<!-- a -->`") == (CodeSpan("<!-- a -->"),)
    assert document("# Slide <!-- a -->").slides == (Slide((Text("Slide"),), (), 1),)


@pytest.mark.parametrize(
    ("body", "message", "place"),
    [
        ("words <b>x</b>", "HTML is not read", (6, 9)),
        ("words </DIV >", "HTML is not read", (6, 13)),
        ('words <img src="a.png" onerror=x>', "HTML is not read", (6, 33)),
        ("<script>x</script>", "HTML is not read", (0, 8)),
        ("# A <br/>", "HTML is not read", (4, 9)),
        ("- <details>", "HTML is not read", (2, 11)),
        ("words[^1]", "There is no footnote '1'", (5, 9)),
        ("[^1]: note", "No text calls the footnote '1'", (0, 10)),
        ("words^[note]", "cannot be written in the line", (5, 12)),
        ("as [@knuth, p. 3] says", "names no file of sources", (4, 16)),
        ("words {#here}", "Attributes between braces", (6, 13)),
        ('[a](b){target="_blank"}', "Attributes between braces", (6, 23)),
        ("- [x] done", "Boxes to tick", (2, 5)),
        ("[TOC]", "asked for in the front matter", (0, 5)),
        ("> [!NOTE]", "remarks are not told apart", (2, 9)),
        ("so ==this== is", "cannot be marked", (3, 11)),
        ("words ~~x~~", "struck out", (6, 11)),
        ("words ~~x y~~", "struck out", (6, 13)),
        ("\\pause", "Commands of LaTeX are not read", (0, 6)),
        ("words <!-- x", "comment is never closed", (6, 10)),
        ("<!-- x", "comment is never closed", (0, 6)),
        ("- <!-- x", "comment is never closed", (2, 6)),
    ],
)
def test_what_other_readers_of_markdown_know_is_pointed_at(body: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        document(f"# A\n\n{body}\n")
    assert caught.value.place == Place(body, *place, 7)


def test_signs_that_mean_nothing_are_text() -> None:
    typed = r"{x} {{x \textbf{x} <x> a<b Vec<int> 1 ~~ 2 x[1] [@] \pauses {.x}"
    assert prose(typed) == (Text(typed),)
    assert prose(r"\<b> \[^1] \[@x] \~~x~~") == (Text("<b> [^1] [@x] ~~x~~"),)
    assert prose("`<b> [^1] ~~x~~ \\pause`") == (CodeSpan("<b> [^1] ~~x~~ \\pause"),)


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("## " + "x" * 301, "has 301 characters; there is room for 300", 7),
        ("### " + "x" * 301, "has 301 characters; there is room for 300", 7),
        ("```\nx\n" + "x" * 501 + "\n```", "has 501 characters; there is room for 500", 9),
        ("    " + "x" * 501, "has 501 characters; there is room for 500", 7),
        ("|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + ("|" + "1|" * 500 + "\n") * 200, "100500 cells; there may be 2000", 7),
        ("| a |\n|---|\n| " + "x" * 1000 + " |", "has 1002 characters; there is room for 1000", 9),
        ("```derive plot\nfunctions: relu\n```\n\n" * 41, "'plot' block 41; a lecture may have 40", 167),
        ("```derive figure g\n```\n\n" * 201, "'figure' block 201; a lecture may have 200", 607),
    ],
    ids=["a title", "a heading", "code", "indented code", "cells", "a cell", "plots", "figures"],
)
def test_what_no_slide_can_hold_is_refused_with_its_count(body: str, message: str, line: int) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        document("# A\n\n" + body)
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_lecture_that_is_too_long_is_refused_with_its_count() -> None:
    with pytest.raises(DeriveError, match="has 1000023 characters; there may be 1000000"):
        read("---\ntitle: x\n---\n# A\n\n" + "x" * 1_000_001)
    with pytest.raises(DeriveError, match="'title' must be text of at most 300 characters"):
        read(f"---\ntitle: {'x' * 301}\n---\n")


def test_lists_stand_three_deep() -> None:
    def nested(mark: str, levels: int) -> str:
        return "\n".join(f"{'   ' * k}{mark} x" for k in range(levels))

    assert blocks(nested("-", 3))
    for mark in ("-", "1."):
        with pytest.raises(DeriveError, match="at most 3 deep") as caught:
            document("# A\n\n" + nested(mark, 4))
        assert caught.value.place == Place(f"         {mark} x", 0, 11 + len(mark), 10)
    with pytest.raises(DeriveError, match="at most 6 deep"):
        document("# A\n\n" + "> " * 7 + "x")


def test_quotation_marks_and_spaces_follow_the_language() -> None:
    assert prose('It\'s "so" here: 10:30; why?', "en") == (Text("It’s “so” here: 10:30; why?"),)
    assert prose('C\'est "ainsi" : 10:30 ; pourquoi ? « Oui » !', "fr") == (
        Text("C’est «\u00a0ainsi\u00a0»\u00a0: 10:30\u202f; pourquoi\u202f? «\u00a0Oui\u00a0»\u202f!"),
    )


def test_code_and_formulas_keep_their_signs() -> None:
    assert prose("`f ( 'x' ) ; g` $x' : y$", "fr") == (CodeSpan("f ( 'x' ) ; g"), Text(" "), Math(Raw("x' : y")))


def test_a_picture_is_a_file_below_the_lecture(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "net.png").write_bytes(b"PNG")
    (slide,) = document("# A\n\n![A network](figures/net.png)\n", folder=tmp_path).slides
    (picture,) = slide.blocks
    assert isinstance(picture, Picture)
    assert (picture.name, picture.alt, picture.caption) == ("net", "A network", (Text("A network"),))
    assert picture.draw("png") == b"PNG"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("![x](https://x.org/a.png)", "no picture|lecture's folder"),
        ("![x](../a.png)", "lecture's folder"),
        ("![x](/etc/passwd.png)", "lecture's folder"),
        ("![x](/etc/passwd)", "a file of type"),
        ("![x](missing.png)", "no picture 'missing.png'"),
        ("words ![x](a.png)", "a paragraph of its own"),
        ("[x](ftp://x.org)", "A link leads to"),
    ],
)
def test_pictures_and_links_lead_nowhere_else(body: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DeriveError, match=message):
        document("# A\n\n" + body, folder=tmp_path)


# ---------------------------------------------------------------- what is kept from one time to the next


def test_a_figure_is_drawn_again_only_where_what_it_shows_may_have_changed() -> None:
    drawn: list[str] = []

    def expand(directive: Directive) -> Sequence[Block]:
        return (Picture(f"p-{directive.name}", {"svg": lambda: drawn.append(directive.name) or b"<svg/>"}),)

    def build_once(prose: str, first: str = "", lang: str = "en") -> None:
        body = f"# A\n\n```derive figure a\n{first}\n```\n\n{prose}\n\n```derive figure b\n```\n"
        found, faults = attempt(opened(HEAD + body), lang, expand, drawings=drawings)
        assert not faults
        for block in found.slides[0].blocks:
            if isinstance(block, Picture):
                block.draw("svg")

    drawings: Drawings = {}
    build_once("Words.")
    build_once("Other words.")
    assert drawn == ["a", "b"]
    build_once("Words.", "at: 1")
    assert drawn == ["a", "b"] * 2
    build_once("Words.", lang="fr")
    assert drawn == ["a", "b"] * 3


def test_a_block_that_takes_long_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int]] = []

    def expand(directive: Directive) -> Sequence[Block]:
        while directive.name == "slow" and not told:
            pass
        return ()

    monkeypatch.setattr("derive.teaching.lecture.lecture.LONG", 0.01)
    lecture = opened(HEAD + "# A\n\n```derive figure slow\n```\n")
    attempt(lecture, "en", expand, slow=lambda what, line: told.append((what, line)))
    assert told == [("derive figure slow", 7)]


# ---------------------------------------------------------------- directives


def only_directive(body: str) -> Directive:
    found: list[Directive] = []
    build(read(HEAD + "# A\n\n" + body), "en", lambda directive: found.append(directive) or ())
    (directive,) = found
    return directive


def test_options_are_text_as_typed_or_yes_and_no() -> None:
    directive = only_directive("```derive worked hinge\nat: s=[2.3, 4.10],\n   t=0\ngrad: yes\n# a remark\nwrt: s\nempty:\n```\n")
    assert (directive.kind, directive.name) == ("worked", "hinge")
    assert directive.options == {"at": "s=[2.3, 4.10], t=0", "grad": True, "wrt": "s", "empty": ""}


def test_lines_are_revealed_where_the_lecture_or_the_block_says_so() -> None:
    def steps(head: str, option: str) -> Steps:
        lecture = read(f"---\ntitle: x\n{head}---\n# A\n\n> ```derive gradient g\n> {option}\n> ```\n")
        (slide,) = build(lecture, "en", lambda directive: (Quote((Steps(()),)),) if not directive.options else ()).slides
        (quote,) = slide.blocks
        assert isinstance(quote, Quote)
        (inner,) = quote.blocks
        assert isinstance(inner, Quote)
        (found,) = inner.blocks
        assert isinstance(found, Steps)
        return found

    assert not steps("", "").reveal
    assert steps("reveal: lines\n", "").reveal
    assert steps("", "reveal: lines").reveal
    assert not steps("reveal: lines\n", "reveal: no").reveal
    with pytest.raises(DeriveError, match="'lines' or 'no'"):
        steps("", "reveal: words")


@pytest.mark.parametrize(
    ("info", "block"),
    [
        ("{derive} worked g", "derive worked g"),
        ("{derive worked g}", "derive worked g"),
        ("derive-worked g", "derive worked g"),
        ("derive:worked g", "derive worked g"),
        ("Derive worked g", "derive worked g"),
        ("derived worked g", "derive worked g"),
        ("worked g", "derive worked g"),
        ("deriveworked g", "derive worked g"),
        ("python", ""),
        ("python derive", ""),
        ("{=latex}", ""),
        ("plot", ""),
        ("", ""),
    ],
)
def test_a_block_that_is_nearly_one_of_the_tool_is_pointed_out(info: str, block: str) -> None:
    lecture = opened(f"---\ntitle: x\n---\n# A\n\n```{info}\n```\n")
    _, faults = attempt(lecture, "en", lambda directive: (), ["worked", "plot"])
    assert [fault.hint for fault in faults] == ([f"Write ```{block}"] if block else [])


def test_a_graph_is_text_of_its_own() -> None:
    directive = only_directive("```derive graph hinge\ns: [C]   # scores\nL = sum(s[j] for j in C)\n```\n")
    assert directive.body == "s: [C]   # scores\nL = sum(s[j] for j in C)"
    assert directive.options == {}


def test_places_in_a_block_are_places_in_the_lecture() -> None:
    graph = only_directive("```derive graph g\na = b\nc = ?\n```\n")
    assert graph.inside(Place("c = ?", 4, 5, 2)) == Place("c = ?", 4, 5, 9)
    worked = only_directive("```derive worked g\nat: x=1, y=?\n```\n")
    assert worked.inside(Place("x=1, y=?", 7, 8), "at") == Place("at: x=1, y=?", 11, 12, 8)
    longer = only_directive("```derive worked g\nat: x=1,\n\n  y=2, z=?\n```\n")
    assert longer.inside(Place("x=1, y=2, z=?", 0, 1), "at") == Place("at: x=1,", 4, 5, 8)
    assert longer.inside(Place("x=1, y=2, z=?", 12, 13), "at") == Place("  y=2, z=?", 9, 10, 10)
    assert longer.inside(Place("x=1, y=2, z=?", 13, 14), "at") == Place("  y=2, z=?", 10, 11, 10)


def test_any_end_of_a_line_counts_as_one() -> None:
    with pytest.raises(DeriveError, match="HTML") as caught:
        document("# A\r\rx\r\n\r<b>\n")
    assert caught.value.place == Place("<b>", 0, 3, 9)


def test_an_error_without_a_place_gets_that_of_its_block() -> None:
    def refuse(directive: Directive) -> Sequence[Block]:
        raise DeriveError("No.")

    with pytest.raises(DeriveError) as caught:
        build(read(HEAD + "# A\n\n```derive worked g\n```\n"), "en", refuse)
    assert caught.value.place == Place("```derive worked g", 0, 18, 7)


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("```derive\n```", "says what it shows", 7),
        ("```derive worked a b\n```", "takes one name", 7),
        ("```derive worked a\nat\n```", "'key: value'", 8),
        ("```derive worked a\nat: 1\nat: 2\n```", "given twice", 9),
    ],
)
def test_a_mistake_in_a_block_is_pointed_at(body: str, message: str, line: int) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        only_directive(body)
    assert caught.value.place is not None
    assert caught.value.place.line == line
