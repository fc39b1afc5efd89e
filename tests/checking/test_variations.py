"""Answers written in odd ways: a right one is never refuted, a wrong one never proved."""

from __future__ import annotations

import pytest

from cases.equivalences import PROVED, REFUTED
from cases.variations import variations
from derive.checking.reading import read_formula
from derive.checking.verdict import verdict
from derive.errors import DeriveError
from derive.language.reader import read

EACH = 5
"""So many variations of each answer are tried."""


def found(definitions: str, first: str, second: str) -> str:
    """The verdict on an answer as an exam finds it: what is asked for is read first."""
    graph = read(definitions)
    try:
        return verdict(graph, read_formula(graph, first), second).kind
    except DeriveError:
        return "unread"


@pytest.mark.parametrize(("pairs", "never"), [(PROVED, "refuted"), (REFUTED, "proved")], ids=["right", "wrong"])
def test_an_answer_written_otherwise_is_not_judged_otherwise(pairs: list[tuple[str, str, str]], never: str) -> None:
    off, kinds = [], []
    for definitions, first, second in pairs:
        for text in variations(second, EACH, "answers"):
            kinds.append(found(definitions, first, text))
            if kinds[-1] == never:
                off.append((definitions, first, second, text))
    assert off == []
    assert len(kinds) >= 200
    assert kinds.count("unread") < len(kinds) / 3  # so that the test says something
