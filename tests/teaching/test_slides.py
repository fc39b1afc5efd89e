"""The shipped lectures, in every language, before the programs that show them: pdfLaTeX, pandoc, KaTeX and MathJax."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from derive.teaching.lecture import lecture as lectures
from oracles.rendering import Log, compile_latex, math_in_markdown, pandoc_slides, web_errors

LECTURES = Path(__file__).parents[2] / "lectures"
OVERFULL = 5.0
"""Points that a box may stick out."""

BUILT = [(path.stem, lang) for path in sorted(LECTURES.glob("*.md")) for lang in ("en", "fr")]

# Built once, by one worker.
pytestmark = [pytest.mark.xdist_group("course"), pytest.mark.parametrize(("name", "lang"), BUILT)]


@pytest.fixture(scope="module")
def course(courses: tuple[Path, Path]) -> Path:
    return courses[0]


@pytest.fixture(scope="module")
def logs(course: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Log]:
    """What pdfLaTeX said, filled in as it is asked."""
    return {}


@pytest.fixture
def log(course: Path, tmp_path: Path, logs: dict[tuple[str, str], Log], name: str, lang: str) -> Log:
    if (name, lang) not in logs:
        logs[name, lang] = compile_latex(course / f"{name}.{lang}.tex", tmp_path)
    return logs[name, lang]


def pages(name: str, lang: str) -> int:
    """How many slides a lecture asks for in one language: for each heading, each break after it, the outline and the sources."""
    lecture = lectures.read((LECTURES / f"{name}.md").read_text("utf-8"), folder=LECTURES)
    prose = re.sub(r"^(`{3,}).*?^\1`*$", "", lectures.selected(lecture, lang), flags=re.MULTILINE | re.DOTALL)
    headings = len(re.findall(r"^(?:##? .+|---)$", prose, re.MULTILINE))
    return headings + lecture.about.outline + bool(lecture.about.bibliography)


# ---------------------------------------------------------------------------------------------------------------- LaTeX


@pytest.mark.needs("pdflatex")
def test_every_slide_is_compiled(log: Log, name: str, lang: str) -> None:
    assert log.pages > pages(name, lang)  # a title page too, and what fills several
    assert not re.search(r"LaTeX Warning: (Reference|Citation|Label)", log.text)


@pytest.mark.needs("pdflatex")
def test_no_box_sticks_out(log: Log, name: str, lang: str) -> None:
    assert [points for points in log.overfull if points > OVERFULL] == []


@pytest.mark.needs("pdflatex")
def test_no_sign_is_missing_in_the_fonts(log: Log, name: str, lang: str) -> None:
    assert re.findall(r"Missing character: .*", log.text) == []


# ------------------------------------------------------------------------------------------------------------- Markdown


@pytest.mark.needs("pandoc")
def test_pandoc_makes_the_slides_that_the_lecture_asks_for(course: Path, name: str, lang: str) -> None:
    titles = pandoc_slides((course / f"{name}.{lang}.md").read_text("utf-8"))
    assert len(titles) == pages(name, lang)
    assert all(titles)


@pytest.mark.needs("pandoc", "katex", "mathjax")
def test_katex_and_mathjax_read_every_formula(course: Path, name: str, lang: str) -> None:
    text = (course / f"{name}.{lang}.md").read_text("utf-8")
    formulas = math_in_markdown(text)
    assert len(formulas) > 50
    assert sum(formula.display for formula in formulas) == len(re.findall(r"^\$\$$", text, re.MULTILINE)) / 2
    errors = web_errors(formulas)
    assert [(formula.latex, error) for formula, error in zip(formulas, errors, strict=True) if error] == []


def test_every_figure_that_a_page_shows_is_there(course: Path, name: str, lang: str) -> None:
    page = (course / f"{name}.{lang}.md").read_text("utf-8")
    slides = (course / f"{name}.{lang}.tex").read_text("utf-8")
    shown = [*re.findall(r"!\[.*?\]\((.+?)\)", page), *re.findall(r"\\derivepicture\{.*?\}\{(.+?)\}", slides)]
    assert shown
    assert [figure for figure in shown if not (course / figure).is_file()] == []


def test_french_pages_have_no_decimal_point_and_english_ones_no_comma(course: Path, name: str, lang: str) -> None:
    text = (course / f"{name}.{lang}.md").read_text("utf-8")
    strange = {"en": r"\d\{,\}\d", "fr": r"(?<![\d-])\d+\.\d(?!em\])"}[lang]
    assert [found[0] for found in re.finditer(rf".*{strange}.*", text) if ".svg" not in found[0]] == []


ENGLISH = {"the", "and", "of", "is", "are", "with", "from", "that", "which", "forward", "backward", "entry", "agrees", "given"}
FRENCH = {"le", "les", "des", "une", "est", "sont", "avec", "dans", "qui", "du", "aller", "retour", "composante", "concorde"}
"""Words that a page in the other language has many of, and none in this one."""


def test_a_page_has_words_of_its_language_alone(course: Path, name: str, lang: str) -> None:
    """In the text, in what is read aloud, and in what figures say; titles of sources stay as they are, and code is nobody's."""
    text = (course / f"{name}.{lang}.html").read_text("utf-8")
    text = re.sub(r"<(script|style|code|pre)\b.*?</\1>", " ", text, flags=re.DOTALL)
    text, _, sources = text.partition('class="references"')
    assert sources
    spoken = " ".join(re.findall(r'(?:aria-label|title|alt)="([^"]*)"', text))
    words = set(re.findall(r"[a-zà-ÿœ]+", html.unescape(f"{re.sub(r'<[^>]*>', ' ', text)} {spoken}").lower()))
    own, other = (ENGLISH, FRENCH) if lang == "en" else (FRENCH, ENGLISH)
    assert len(words & own) > 5
    assert words & other == set()
