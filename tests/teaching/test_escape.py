"""Any text a person types reaches the page as that text: asked of pandoc, pdfLaTeX, KaTeX, MathJax and an HTML parser."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.nasty import NASTY
from derive.teaching.formats import escape
from oracles.rendering import Formula, compile_latex, web_errors

MARKS = "\\`*_{}[]()#+-.!|<>$~^:@\"'=&%,;/ abI10é’…–\u00a0"
PIECES = [*NASTY, *MARKS, "--", "...", "```", ":::", "1. ", "a) ", "&lt;", "\\alpha", "^["]
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(lambda text: as_read(text) != "")

PACKAGES = r"\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{lmodern,amsmath,amssymb}"


def as_read(text: str) -> str:
    """What a reader of Markdown keeps of a text: no controls, and a single space for several."""
    return re.sub(r"[ \t\r\n]+", " ", escape.terminal(text)).strip(" ")


# ---------------------------------------------------------------- Markdown


def pandoc(source: str) -> list[dict[str, Any]]:
    """The blocks that pandoc reads."""
    command = ["pandoc", "--from=markdown", "--to=json"]
    run = subprocess.run(command, input=source, capture_output=True, encoding="utf-8", check=True)
    blocks: list[dict[str, Any]] = json.loads(run.stdout)["blocks"]
    return blocks


@pytest.mark.needs("pandoc")
@given(st.lists(texts, min_size=1, max_size=40))
@settings(max_examples=15)
def test_pandoc_reads_escaped_markdown_as_exactly_the_text(given: list[str]) -> None:
    source = "\n\n* * *\n\n".join(map(escape.markdown, given))
    paragraphs = [block for block in pandoc(source) if block["t"] != "HorizontalRule"]
    assert [block["t"] for block in paragraphs] == ["Para"] * len(given)
    assert ["".join(map(plain, block["c"])) for block in paragraphs] == list(map(as_read, given))


def plain(inline: dict[str, str]) -> str:
    """The text of a plain inline of pandoc's tree; any other kind shows itself."""
    return {"Str": inline.get("c", ""), "Space": " ", "SoftBreak": " "}.get(inline["t"], f"<{inline['t']}>")


@pytest.mark.needs("pandoc")
@given(st.text("`ab \\$*<", min_size=1, max_size=12).filter(str.strip))
@settings(max_examples=30)
def test_a_span_of_code_holds_any_run_of_backticks(code: str) -> None:
    source = f"x{escape.markdown_code(code)}x"
    spans = [part["c"][1] for part in pandoc(source)[0]["c"] if part["t"] == "Code"]
    assert [span.strip() for span in spans] == [code.strip()]


def test_ordinary_prose_stays_readable() -> None:
    assert escape.markdown("La pente vaut 0,5 (voir p. 3) : c’est peu !") == "La pente vaut 0,5 (voir p. 3) : c’est peu !"
    assert escape.latex("The slope is 0.5 (see p. 3): that's little!") == "The slope is 0.5 (see p. 3): that's little!"


# ---------------------------------------------------------------- LaTeX


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("100 % & #1", r"100 \% \& \#1"),
        (r"\x{y}", r"\textbackslash{}x\{y\}"),
        ("a_b^c~", r"a\_b\textasciicircum{}c\textasciitilde{}"),
        ("<|>", r"\textless{}\textbar{}\textgreater{}"),
        ('"`', r"\textquotedbl{}\textasciigrave{}"),
        ("a -- b", "a -{}- b"),
        ("[x]", "{[}x{]}"),
        ("σ ≈ ŷ", r"\ensuremath{\sigma} \ensuremath{\approx} ŷ"),
        ("p\u0302", r"\^{p}"),
        ("x²", r"x\textsuperscript{2}"),
        ("1\u202f: 2\u00a0", r"1\,: 2~"),
        ("中", "{[}U+4E2D{]}"),
        ("a\x00\x1b\u202eb", "ab"),
    ],
)
def test_latex_spells_specials_and_signs(text: str, latex: str) -> None:
    assert escape.latex(text) == latex


def same_letters(text: str) -> str:
    """A text without what typesetting may change: spaces, invisible marks, the shape of an apostrophe."""
    named = re.sub(r"\[U\+([0-9A-F]+)\]", lambda found: chr(int(found[1], 16)), escape.terminal(text))
    bare = unicodedata.normalize("NFKD", named.replace("½", "1/2")).translate(dict.fromkeys(map(ord, "’‘`"), "'"))
    return "".join(sign for sign in bare if not sign.isspace() and unicodedata.category(sign) != "Cf")


@pytest.mark.needs("pdflatex", "poppler")
@pytest.mark.parametrize("language", ["english", "french"])
def test_pdflatex_prints_nasty_text_as_it_is(language: str, tmp_path: Path) -> None:
    spellings = [spelled for text in NASTY for spelled in (escape.latex(text), rf"\texttt{{{escape.latex_code(text)}}}")]
    lines = [rf"\noindent BEGIN {spelled} END\par" for spelled in spellings]
    shorthands = r"\AtBeginDocument{\shorthandoff{;:!?}}" if language == "french" else ""
    searchable = r"\input{glyphtounicode}\pdfgentounicode=1"
    head = [r"\documentclass{article}", PACKAGES, rf"\usepackage[{language}]{{babel}}", searchable, shorthands]
    compile_latex("\n".join([*head, r"\begin{document}", *lines, r"\end{document}"]), tmp_path)
    command = ["pdftotext", "-raw", str(tmp_path / "document.pdf"), "-"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    printed = re.findall(r"BEGIN(.*?)END", run.stdout, re.DOTALL)
    assert [same_letters(text) for text in printed] == [same_letters(text) for text in NASTY for _ in range(2)]


PRINTED = [sign for sign in map(chr, range(0x21, 0x20000)) if unicodedata.category(sign)[0] in "LNPS"]
MARKS_OF_LETTERS = set("´`ˆ˜¨˙˚ˇ˘¯¸˛.,‘˝¯")
ALIKE = str.maketrans("ıȷĐµ∆⊤", "ijÐμΔT")


def letters(text: str) -> tuple[list[str], bool]:
    """The letters and digits of a text without their accents, and whether it has accents; đ and ð are one shape."""
    apart = unicodedata.normalize("NFKD", text.translate(ALIKE)).translate(ALIKE)
    marks = any(unicodedata.combining(sign) or sign in MARKS_OF_LETTERS for sign in apart)
    return sorted(sign for sign in apart if sign.isalnum() and sign not in MARKS_OF_LETTERS), marks


@pytest.mark.needs("pdflatex", "poppler")
@pytest.mark.parametrize("spell", [escape.latex, lambda sign: rf"\texttt{{{escape.latex_code(sign)}}}"], ids=["prose", "code"])
def test_pdflatex_prints_every_letter_that_is_not_printed_as_its_number(spell: Callable[[str], str], tmp_path: Path) -> None:
    signs = [sign for sign in PRINTED if "U+" not in escape.latex(sign)]
    assert len(signs) > 2000
    lines = [rf"\noindent BEGIN x{spell(sign)}y END\par" for sign in signs]
    head = [r"\documentclass{article}", PACKAGES, r"\input{glyphtounicode}\pdfgentounicode=1", r"\begin{document}"]
    log = compile_latex("\n".join([*head, *lines, r"\end{document}"]), tmp_path)
    assert "Missing character" not in log.text
    command = ["pdftotext", "-raw", str(tmp_path / "document.pdf"), "-"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    printed = re.findall(r"BEGIN(.*?)END", run.stdout, re.DOTALL)
    wrong = [
        (sign, text)
        for sign, text in zip(signs, printed, strict=True)
        if sign.isalnum() and (letters(text)[0] != letters(f"x{sign}y")[0] or (letters(sign)[1] and not letters(text)[1]))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("code", "latex"),
    [
        ("biến", r"bi\'{\^{e}}n"),
        ("ẽ = 'x'", r"\~{e}\ =\ \textquotesingle{}x\textquotesingle{}"),
        ("a\u00a0~b", r"a\ \textasciitilde{}b"),
    ],
)
def test_code_keeps_its_accents_spaces_and_quotes(code: str, latex: str) -> None:
    assert escape.latex_code(code) == latex


@pytest.mark.needs("pdflatex")
@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=60))
@settings(max_examples=5)
def test_pdflatex_compiles_any_text(tmp_path_factory: pytest.TempPathFactory, given: list[str]) -> None:
    lines = [rf"x{escape.latex(t)}\texttt{{{escape.latex_code(t)}}}\par" for t in given]
    source = "\n".join([r"\documentclass{article}", PACKAGES, r"\begin{document}", *lines, r"\end{document}"])
    assert compile_latex(source, tmp_path_factory.mktemp("any")).pages


# ---------------------------------------------------------------- formulas, HTML, links, the terminal


@pytest.mark.needs("katex", "mathjax")
def test_katex_and_mathjax_read_words_inside_a_formula() -> None:
    words = [text for text in NASTY if "中" not in text and "ℝ" not in text]
    assert not any(web_errors(Formula(escape.markdown_math(text)) for text in words))


@given(texts)
def test_html_comes_back_from_a_parser(text: str) -> None:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for _, value in attrs)

        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(f'<p title="{escape.html(text)}">{escape.html(text)}</p>')
    assert found[0] == "".join(found[1:]) == escape.terminal(text)


@given(st.text())
def test_a_terminal_gets_no_control_characters(text: str) -> None:
    assert not [sign for sign in escape.terminal(text) if unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\t\n\r\x85"]


def test_no_formula_in_markdown_holds_a_tag() -> None:
    assert escape.markdown_formula("a<b</c>\n <!d") == "a< b< /c> < !d"
    assert escape.markdown_formula("[a](b) [0, 1]^2") == "[a] (b) [0, 1]^2"


def test_addresses_are_quoted() -> None:
    assert escape.latex_url("https://x.org/a b?c=%1#d_~") == r"https://x.org/a\%20b?c=\%1\#d_~"
    assert escape.markdown_url("https://x.org/(a)*b$") == "https://x.org/%28a%29%2Ab%24"
