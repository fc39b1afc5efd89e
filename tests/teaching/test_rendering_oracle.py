"""The helpers of rendering.py, each against mistakes planted for it to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracles.rendering import Formula, LatexError, compile_latex, math_in_markdown, pandoc_slides, web_errors

# ---------------------------------------------------------------------------------------------------------------- LaTeX

ARTICLE = r"""
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usepackage[french]{babel}
\begin{document}
%s
\end{document}
"""

BEAMER = r"""
\documentclass{beamer}
\begin{document}
\begin{frame}{Softmax}
%s
\end{frame}
\end{document}
"""


@pytest.mark.needs("pdflatex")
def test_latex_counts_pages(tmp_path: Path) -> None:
    log = compile_latex(ARTICLE % r"Dérivée \newpage $f'(x)$", tmp_path)
    assert (log.pages, log.overfull) == (2, ())
    assert (tmp_path / "document.pdf").exists()


@pytest.mark.needs("pdflatex")
def test_latex_measures_a_box_that_is_too_wide(tmp_path: Path) -> None:
    log = compile_latex(ARTICLE % r"\noindent\rule{\textwidth}{1pt}\rule{7.5pt}{1pt}", tmp_path)
    assert log.overfull == pytest.approx((7.5,), abs=0.01)


@pytest.mark.needs("pdflatex")
def test_latex_measures_a_slide_that_is_too_high(tmp_path: Path) -> None:
    log = compile_latex(BEAMER % r"\rule{1pt}{1.5\textheight}", tmp_path)
    assert log.pages == 1
    assert max(log.overfull) > 5


@pytest.mark.needs("pdflatex")
def test_latex_says_why_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(LatexError, match="Undefined control sequence"):
        compile_latex(ARTICLE % r"\gradientt", tmp_path)


@pytest.mark.needs("pdflatex")
def test_latex_takes_what_lies_beside_the_file(tmp_path: Path) -> None:
    source, workdir = tmp_path / "source", tmp_path / "work"
    source.mkdir()
    (source / "part.tex").write_text("beside")
    (source / "lecture.tex").write_text(ARTICLE % r"\input{part}", encoding="utf-8")
    assert compile_latex(source / "lecture.tex", workdir).pages == 1
    assert {path.name for path in source.iterdir()} == {"part.tex", "lecture.tex"}


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("body", [r"\input{../secret}", r"\immediate\openout3=../written \immediate\write3{x}"])
def test_latex_reaches_nothing_above_its_folder(tmp_path: Path, body: str) -> None:
    (tmp_path / "secret.tex").write_text("secret")
    workdir = tmp_path / "work"
    workdir.mkdir()
    with pytest.raises(LatexError):
        compile_latex(ARTICLE % body, workdir)
    assert not list(tmp_path.glob("written*"))


@pytest.mark.needs("pdflatex")
def test_latex_runs_no_command(tmp_path: Path) -> None:
    compile_latex(ARTICLE % r"\immediate\write18{touch ran}", tmp_path)
    assert not (tmp_path / "ran").exists()


# --------------------------------------------------------------------------------------------------------------- pandoc

LECTURE = r"""
---
title: Réseaux
---

# The *hinge* loss

## Gradient of $\max(0, x)$

It is $\mathbb{1}[x > 0]$; at the price \$5 nothing is a formula.

$$ x^2 $$

---

No title, `$code$`.
"""


@pytest.mark.needs("pandoc")
def test_pandoc_counts_slides() -> None:
    assert pandoc_slides(LECTURE) == ["The hinge loss", r"Gradient of \(\max(0, x)\)", ""]


@pytest.mark.needs("pandoc")
def test_pandoc_misses_a_slide_that_lost_its_heading() -> None:
    assert len(pandoc_slides(LECTURE.replace("## Gradient", "Gradient"))) == 2


@pytest.mark.needs("pandoc")
def test_pandoc_finds_the_mathematics() -> None:
    assert math_in_markdown(LECTURE) == [
        Formula(r"\max(0, x)"),
        Formula(r"\mathbb{1}[x > 0]"),
        Formula(" x^2 ", display=True),
    ]


# ---------------------------------------------------------------------------------------------------------------- KaTeX


@pytest.mark.needs("katex", "mathjax")
def test_katex_and_mathjax_accept_and_reject() -> None:
    good = [
        Formula(r"\frac{\partial L}{\partial W} = g\, h^{\top}"),
        Formula(r"-x = (-1;\ {-}2)"),
        Formula(r"\begin{aligned} a &= 2{,}8 \end{aligned}", True),
    ]
    bad = [
        Formula(r"\frac{1}{"),
        Formula(r"\gradientt"),
        Formula(r"\begin{align} a \end{align}"),
        Formula("x = é"),  # strictness: in mathematics a letter must have an upright meaning
        Formula(r"(1;\ -2)"),  # to MathJax the minus stands between two terms
        Formula(r"x \quad \text{so~that}"),  # MathJax shows the sign
    ]
    errors = web_errors([*good, *bad])
    assert errors[: len(good)] == [None, None, None]
    assert all(errors[len(good) :]), errors


@pytest.mark.needs("katex", "mathjax")
def test_katex_and_mathjax_are_asked_nothing() -> None:
    assert web_errors([]) == []
