"""Numbers in print: as many digits as are asked for, each of them certain, and = between equal numbers only."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import derive
from derive.notation.layout import text
from derive.notation.style import Style
from derive.teaching.blocks.numbers import digits_of, number, relation
from derive.teaching.formats.terminal import render_text
from derive.teaching.page import Page
from derive.teaching.pages.explain import explain
from derive.teaching.request import Request

F = Fraction


def value(definition: str, **at: Any) -> Any:
    run = derive.graph(definition).at(**at)
    return run.exact[run.source.output.name][()]


PRINTED: list[tuple[Any, str, str]] = [
    (2, "= 2", "= 2"),
    (F(5, 2), "= 2.5", "= 2,5"),
    (F(1, 3), "≈ 0.3333", "≈ 0,3333"),
    (F(2, 3) * 10**9, "≈ 6.667 × 10⁸", "≈ 6,667 × 10⁸"),
    (value("f = sqrt(x)**2", x=2), "≈ 2.000", "≈ 2,000"),
    (value("f = exp(x)", x="-0.00002"), "≈ 1.000", "≈ 1,000"),
    (value("f = exp(x)", x=-1000), "≈ 5.076 × 10⁻⁴³⁵", "≈ 5,076 × 10⁻⁴³⁵"),
    (value("f = 1 - sigmoid(x)", x=200), "≈ 1.384 × 10⁻⁸⁷", "≈ 1,384 × 10⁻⁸⁷"),
    (value("f = exp(x) - exp(x)*y", x=3, y=1), "≈ 0", "≈ 0"),
    (value("f = sqrt(x)", x="1.003"), "≈ 1.001", "≈ 1,001"),  # 1.001498…, which is 1.0015 in five digits
    (2.0, "≈ 2.000", "≈ 2,000"),
]


@pytest.mark.parametrize(("number_", "english", "french"), PRINTED, ids=[english for _, english, _ in PRINTED])
def test_a_number_has_the_digits_that_are_asked_for_in_both_languages(number_: Any, english: str, french: str) -> None:
    for lang, expected in (("en", english), ("fr", french)):
        piece, exact = number(number_, Style(lang=lang))
        assert f"{text(relation(exact)).strip()} {text(piece.layout)}" == expected


@pytest.mark.parametrize("digits", [1, 2, 4, 9, 30, 200])
def test_every_count_of_digits_is_kept(digits: int) -> None:
    style = replace(Style(), digits=digits)
    for number_ in (F(2, 3), value("f = exp(x)", x=1), value("f = 1 - sigmoid(x)", x=300)):
        shown, _, _ = digits_of(number_, style)
        assert len(shown.lstrip("-0").lstrip(".").lstrip("0").replace(".", "")) == digits


def test_a_page_names_the_kink_at_which_it_stands() -> None:
    graph = derive.graph("f = max(x, 0)*y")
    at_zero, beside = (render_text(explain(Request(graph, at={"x": x, "y": 2}), Page()), 100) for x in (0, 1))
    assert "a kink lies in: f" in at_zero
    assert "kink" not in beside
