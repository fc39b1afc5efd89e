r"""A teacher's formulas: what is refused and where, what is written of the others, and that LaTeX, KaTeX and MathJax take it."""

from __future__ import annotations

import random
import re
from html.entities import html5
from pathlib import Path
from xml.etree import ElementTree

import pytest

from derive.errors import DeriveError, Place
from derive.teaching.formats import escape
from derive.teaching.formats.html.mathml import mathml, raised
from derive.teaching.lecture import formulas
from derive.teaching.lecture.lecture import build, read
from oracles import random_formulas
from oracles.random_formulas import EXAMPLES, drawn, latex_errors
from oracles.rendering import Formula, web_errors


def checked(code: str) -> str:
    return formulas.checked(code, lambda start, end: Place(code, start, end))


def refusal(code: str) -> DeriveError:
    with pytest.raises(DeriveError) as caught:
        checked(code)
    return caught.value


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("formula", "message", "at"),
    [
        (r"x + \fracc{a}{b}", r"The command \fracc is not known", r"\fracc"),
        (r"\input{/etc/passwd}", r"The command \input is not known", r"\input"),
        (r"\def\x{1}", r"The command \def is not known", r"\def"),
        (r"\write18{ls}", r"The command \write is not known", r"\write"),
        (r"\sqrt[\input{a}]{2}", r"The command \input is not known", r"\input"),
        (r"\sqrt[{\catcode`\_=12}]{2}", r"The command \catcode is not known", r"\catcode"),
        (r"\xrightarrow[\immediate\write18{ls}]{2}", r"The command \immediate is not known", r"\immediate"),
        (r"\xleftarrow[a]{\openin}", r"The command \openin is not known", r"\openin"),
        (r"\left\input{a}\right.", r"\left needs a delimiter", r"\input"),
        (r"\left^^5cinput{a}\right.", r"\left needs a delimiter", "^"),
        (r"\left( a \right\input", r"\right needs a delimiter", r"\input"),
        (r"\left( a \middle\input \right)", r"\middle needs a delimiter", r"\input"),
        (r"\bigl\input", r"\bigl needs a delimiter", r"\input"),
        (r"\begin{array}{c@{\input{a}}}x\end{array}", "An array needs its columns", None),
        (r"\begin{array}{\input{a}}x\end{array}", "An array needs its columns", None),
        (r"\begin{matrix} a \\[\input{b}] \end{matrix}", r"\\[ ] takes a length", "["),
        (r"\begin{\input}a\end{\input}", "cannot be used in a formula", r"\begin"),
        (r"\text{\input{a}}", r"may not hold \input", r"\input"),
        (r"\operatorname*{\input{a}}", r"The command \input is not known", r"\input"),
        (r"\substack{\input{a}}", r"The command \input is not known", r"\input"),
        ("\\in\u200eput{a}", "The character U+200E cannot be set", "\u200e"),
        ("\\in\x07put{a}", "The character U+0007 cannot be set", "\x07"),
        ("^^5cinput", "^ needs something after it", "^"),
        ("x^^M", "^ needs something after it", "^"),
        ("\\sum\\limits^{2} a$\\input{a}$", r"The character $ cannot be set", "$"),
        (r"\begin{document}\end{document}", "The environment 'document'", r"\begin"),
        (r"\begin{pmatrix} a \end{bmatrix}", "closed by", r"\end"),
        ("{x", "A } is missing", None),
        ("x}", "} closes nothing", "}"),
        (r"\left( x", r"A \right is missing", None),
        ("x^2^3", "Two ^ in a row", None),
        ("x^2'", "Two ' in a row", "'"),
        ("x'_1'", "Two ' in a row", None),
        ("x^", "^ needs something after it", "^"),
        ("x_&", "_ needs something after it", "_"),
        (r"\frac{a}", r"\frac needs something after it", r"\frac"),
        (r"\cfrac[l]{a}{b}", r"\cfrac needs something after it", r"\cfrac"),
        (r"e^\log{x}", r"^ takes \log alone", "^"),
        ("a & b", "& separates columns", "&"),
        (r"\begin{matrix} {a & b} \end{matrix}", "& separates columns", "&"),
        (r"\begin{matrix} \left( a & b \right) \end{matrix}", "& separates columns", "&"),
        (r"\begin{cases} a & b & c \end{cases}", "more than 2 columns", None),
        (r"\begin{gathered} a & c \end{gathered}", "more than 1 columns", "&"),
        (r"\begin{array}{cc} a & b & c \end{array}", "more than 2 columns", None),
        (r"a \\ b", r"\\ begins a new row", r"\\"),
        (r"\sqrt[\begin{matrix}a\end{matrix}]{2}", "cannot stand in square brackets", r"\begin"),
        (r"\frac{\hline}{2}", r"\hline stands at the beginning of a row", r"\hline"),
        (r"\begin{matrix} \hline a \end{matrix}", r"\hline stands at the beginning of a row", r"\hline"),
        (r"x \limits_i", r"\limits follows an operator", r"\limits"),
        (r"a \middle| b", r"\middle stands between", r"\middle"),
        (r"\left( {a \middle| b} \right)", r"\middle stands between", r"\middle"),
        (r"\big x", r"\big needs a delimiter", "x"),
        (r"\hat{\vec{x}\bar{y}}", "too much under", r"\hat"),
        (r"\tilde{\check{x'}}", "too much under", r"\tilde"),
        (r"\mathbb{1}", r"\mathbb has capital letters only", r"\mathbb"),
        (r"\mathcal{a}", r"\mathcal has capital letters only", r"\mathcal"),
        (r"\text{a_b}", r"may not hold _", "_"),
        (r"\text{a", "never closed", r"\text"),
        (r"\text a", "needs words in braces", r"\text"),
        ("x\u0302", "U+0302", "\u0302"),
        ("中", "中 cannot be set", "中"),
        ("a`", "` cannot be set", "`"),
        ("a\\", "lone backslash", "\\"),
        ("{" * 3000, "nested too deeply", "{"),
        ("x" * 3000, "too large", "x"),
        (r"\boldsymbol{" * 10 + "xxxx" + "}" * 10, "too large", None),
    ],
)  # fmt: skip
def test_a_formula_that_cannot_be_printed_is_pointed_at(formula: str, message: str, at: str | None) -> None:
    error = refusal(formula)
    assert message in error.message
    assert error.place is not None
    if at is not None:
        assert formula[error.place.start : error.place.end] == at


def test_a_place_in_a_formula_is_a_place_in_the_lecture() -> None:
    def place(body: str) -> Place | None:
        with pytest.raises(DeriveError) as caught:
            build(read(f"---\ntitle: x\n---\n# A\n\n{body}\n"), "en", lambda directive: ())
        return caught.value.place

    line = r"or y, $x$ and $y + \fracc{y}$ more"
    assert place(f"Words\n{line}") == Place(line, 19, 25, 7)
    assert place("$$\na\n  + b^\n$$") == Place("  + b^", 5, 6, 8)
    assert place(r"- words $a$ and" + "\n" + r"  $\x$") == Place(r"  $\x$", 3, 5, 7)
    assert place(r"| a |" + "\n|---|\n" + r"| $\x$ |") == Place(r"| $\x$ |", 3, 5, 8)


def test_a_misspelt_command_gets_a_suggestion() -> None:
    assert refusal(r"\fracc{a}{b}").hint == r"Did you mean \frac?"


# ---------------------------------------------------------------- what is written


def test_what_is_typed_well_is_written_as_typed() -> None:
    for formula in EXAMPLES:
        assert checked(formula) == formula


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (r"50% \# #1", r"50\% \# \#1"),
        ("^n C_k", "{}^n C_k"),
        (r"x^\mathrm{T}", r"x^{\mathrm{T}}"),
        (r"\frac\frac12x", r"\frac{\frac12}x"),
        (r"x_\max", r"x_{\max}"),
        ("x' '", "x''"),
        ("x' ^2", "x'^2"),
        (r"\sqrt[\left]a\right]]{x}", r"\sqrt[{\left]a\right]}]{x}"),
        (r"\begin{matrix} a \\ [b] \end{matrix}", r"\begin{matrix} a \\{}[b] \end{matrix}"),
        (r"\begin{matrix} a \\[2pt] b \end{matrix}", r"\begin{matrix} a \\[2pt] b \end{matrix}"),
        (r"\begin{aligned}[b]\end{aligned}", r"\begin{aligned}{}[b]\end{aligned}"),
        (r"{\hat{x}^2}^3", r"{\hat{x}^2{}}^3"),
        (r"\operatorname*{argmax}_x", r"\operatorname*{argmax}_x"),
        ("a\\ \n", r"a\ {}"),
        ("a\n\n b", "a b"),
        ("σx ≤ ℝ²", r"\sigma x \leq \mathbb{R}^{2}"),
        ("Wᵀx₁₂ − …", r"W^{\top}x_{12} - \ldots"),
        ("été", r"\text{é}t\text{é}"),
        (r"\text{a|b <é>}", r"\text{a\textbar{}b \textless{}é\textgreater{}}"),
        (r"\text{ 5 % }", r"\text{ 5 \% }"),
    ],
)
def test_what_tex_would_stumble_over_is_written_so_that_it_does_not(formula: str, latex: str) -> None:
    assert checked(formula) == latex


# ---------------------------------------------------------------- what the renderers say


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(r"\alpha@", r"\alpha @"), (r"\sum\limits@", r"\sum\limits @"), (r"\alpha @", r"\alpha @"), (r"x@", "x@")],
)
def test_a_command_is_kept_apart_from_what_katex_would_read_into_its_name(typed: str, kept: str) -> None:
    assert checked(typed) == kept


@pytest.mark.needs("katex", "mathjax")
def test_katex_and_mathjax_know_every_command_that_a_formula_may_use() -> None:
    codes = [*EXAMPLES, *map(checked, escape.SYMBOLS), *(rf"\text{{{sign}}}" for sign in sorted(formulas.LATIN))]
    codes.append(checked(r"\underset{a}{b}_c^d + \boldsymbol{a_b}_c + \text{a\%~b}_c + (1;\ -2,\quad -x)"))
    errors = web_errors(Formula(escape.markdown_formula(formula), display=True) for formula in codes)
    assert not {formula: error for formula, error in zip(codes, errors, strict=True) if error}


@pytest.mark.needs("pdflatex")
def test_pdflatex_knows_every_command_that_a_formula_may_use() -> None:
    assert (
        latex_errors([*EXAMPLES, *map(checked, escape.SYMBOLS), *(rf"\text{{{sign}}}" for sign in sorted(formulas.LATIN))]) == {}
    )


@pytest.mark.needs("pdflatex")
def test_random_formulas_that_are_accepted_compile() -> None:
    assert latex_errors(drawn(250, "tests")) == {}


@pytest.mark.needs("katex", "mathjax")
def test_random_formulas_that_are_accepted_render() -> None:
    codes = drawn(250, "tests")
    errors = web_errors(Formula(escape.markdown_formula(code), display=True) for code in codes)
    assert not {code: error for code, error in zip(codes, errors, strict=True) if error}


def test_mathml_has_a_form_for_all_that_is_accepted() -> None:
    """Every command, sign and environment, every formula of the library's page, and formulas drawn at random."""
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
    library = re.findall(r"\$`(.+?)`\$", page)
    assert len(library) > 400
    for code in [*map(checked, EXAMPLES), *map(checked, escape.SYMBOLS), *library, *drawn(400, "mathml")]:
        tree = ElementTree.fromstring(html_named(mathml(code, spoken="said")))
        assert tree.attrib["aria-label"] == "said"
        assert not [node.tag for node in tree.iter() if node.tag not in CORE], code


def html_named(code: str) -> str:
    """XML knows the signs that HTML has names for by their numbers."""
    return re.sub(r"&(?!amp|lt|gt|quot|#)(\w+);", lambda found: html5[f"{found[1]};"], code)


CORE = {
    "math",
    "menclose",
    "mspace",
    "mtext",
    "mi",
    "mn",
    "mo",
    "mrow",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "mpadded",
    "mphantom",
}
CORE |= {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd", "b", "i", "code", "span", "em"}
"""The elements of MathML Core, the box, which the deck's style sheet draws, and those of HTML in words."""


def test_mathml_is_a_decimal_comma_a_sign_and_a_star_where_they_are() -> None:
    assert "<mn>2,5</mn>" in mathml("2{,}5")
    assert '<mo lspace="0" rspace="0">−</mo><mn>2</mn>' in mathml(r"(1;\ -2)")
    assert "<mi>θ</mi><mo" in mathml(r"\theta*")
    assert "0.6" not in mathml(r"\begin{bmatrix} a \\[0.6em] b \end{bmatrix}")


def test_a_prime_in_mathml_is_as_large_as_its_letter() -> None:
    """It is raised in the font; as a superscript it would be tiny."""
    assert '<mi>σ</mi><mo lspace="0" rspace="0">′</mo>' in raised(mathml(r"\sigma'(x)"))
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in mathml("x^2")


@pytest.mark.needs("pdflatex")
def test_a_formula_that_does_not_compile_is_found_among_others() -> None:
    bad = [r"x^\cos", r"\limits", "{", r"\begin{matrix}a", r"\mathfrak{\Phi}"]
    assert set(latex_errors([*drawn(20, "tests"), *bad, *drawn(20, "more")])) == set(bad)


def test_the_whole_grammar_is_drawn() -> None:
    codes = [random_formulas.random_formula(random.Random(f"all {k}")) for k in range(1500)]
    taken = [code for code in codes if random_formulas.accepted(code)]
    assert 0.3 < len(taken) / len(codes) < 0.9
    text = " ".join(taken)
    assert not [name for name in (*formulas.COMMANDS, *formulas.ENVIRONMENTS) if name not in text]
