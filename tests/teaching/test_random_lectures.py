"""Lectures made wrong at random: refused where they are wrong, or built (see docs/fuzzing.md)."""

from __future__ import annotations

import random

import pytest

from cases.lectures import COMPACT, PIECES
from derive.errors import DeriveError, Place
from derive.teaching.lecture import frontmatter, lecture
from oracles import random_lectures
from oracles.random_lectures import Wrong, outcome, random_lecture, run


def test_the_lectures_that_are_made_wrong_are_right() -> None:
    assert outcome(COMPACT) == "built"
    assert outcome(random_lectures.SHIPPED.read_text(encoding="utf-8"), whole=False) == "built"


def test_lectures_made_wrong_at_random_are_refused_where_they_are_wrong() -> None:
    seen = run(120, "tests")
    assert 30 < seen["built"] < 90
    assert len(seen) > 15


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_piece_at_the_beginning_of_every_line_is_refused_or_built(piece: str) -> None:
    lines = COMPACT.split("\n")
    for k in random.Random(piece.encode(errors="replace")).sample(range(len(lines)), 3):
        outcome("\n".join([*lines[:k], piece + lines[k], *lines[k + 1 :]]), whole=False)


def test_a_number_always_draws_the_same_lecture() -> None:
    assert random_lecture(random.Random("a 7"), COMPACT) == random_lecture(random.Random("a 7"), COMPACT)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        RecursionError(),
        DeriveError("no place"),
        DeriveError("elsewhere", Place("elsewhere", 0, 1, 3)),
        DeriveError("no line", Place("---", 0, 1, 400)),
        DeriveError("no column", Place("---", 9, 10, 1)),
        DeriveError("empty", Place("---", 1, 1, 1)),
    ],
    ids=repr,
)
def test_a_planted_mistake_of_the_reader_is_found(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(lines: list[str]) -> tuple[frontmatter.FrontMatter, int]:
        raise error

    monkeypatch.setattr(lecture.frontmatter, "read", fails)
    with pytest.raises(Wrong):
        outcome(COMPACT)
