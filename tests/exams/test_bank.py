"""The banks of questions in `exams/`: every topic, both languages, keys and mistakes against what NumPy makes of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.exams.asks import ASKS
from derive.exams.mistakes import NAMED
from derive.exams.secret import Draw
from derive.exams.solved import Ask, Solved, Unfit, differ
from derive.exams.source import Section, open_exam
from derive.exams.states import State, checked
from derive.values.precision import DomainError, Undecided
from derive.values.run import plain
from tools.questions import BANKS, questions, table

pytestmark = pytest.mark.xdist_group("bank")

ROOT = Path(__file__).parents[2]
STATES = 1
"""So many states of each question are looked at."""


@dataclass(frozen=True)
class Asked:
    """A question of a bank in some of its states."""

    name: str
    section: Section
    langs: tuple[str, ...]
    states: tuple[State, ...]

    @property
    def parts(self) -> Iterator[tuple[State, Ask, Solved]]:
        for state in self.states:
            for ask, solved in zip(self.section.setting.asks, state.solved, strict=True):
                yield state, ask, solved


def _states(section: Section) -> Iterator[State]:
    setting = section.setting
    step, first = Draw(b"bank", setting.name).order(setting.space.count)
    for k in range(min(setting.space.count, 600)):
        try:
            yield checked(setting, (step * k + first) % setting.space.count)
        except (Unfit, DomainError, Undecided):
            continue


@pytest.fixture(scope="module")
def bank() -> list[Asked]:
    found = []
    for path in BANKS:
        exam = open_exam(path)
        for section in exam.sections:
            states = tuple(state for state, _ in zip(_states(section), range(STATES), strict=False))
            found.append(Asked(section.setting.name, section, exam.langs, states))
    return found


def test_every_topic_is_asked_about_in_both_languages(bank: list[Asked]) -> None:
    assert len(bank) >= 80
    assert len({one.name for one in bank}) == len(bank)
    assert all(set(one.langs) == {"en", "fr"} for one in bank)
    asked = questions()
    assert {one.name for one in bank} == {name for names in asked.values() for name, _ in names}
    assert sorted(asked) == list(range(1, 21))
    assert all(len(names) >= 3 for names in asked.values())
    assert {one.section.setting.difficulty for one in bank} == {"easy", "medium", "hard"}
    assert {ask.kind for one in bank for ask in one.section.setting.asks} == ASKS.keys()


def test_the_list_of_questions_is_what_it_was_made_from() -> None:
    assert (ROOT / "docs" / "questions.md").read_text("utf-8").endswith(table())


def test_every_question_has_states_and_every_part_a_mistake(bank: list[Asked]) -> None:
    for one in bank:
        assert len(one.states) == STATES, one.name
        assert one.section.setting.space.count >= 30, one.name
        for n, ask in enumerate(one.section.setting.asks):
            told = ask.kind == "code" or any(state.solved[n].wrong for state in one.states)
            assert told, (one.name, ask.kind, ask.name)


def test_who_chooses_has_three_answers_or_more(bank: list[Asked]) -> None:
    few = [
        (one.name, ask.kind, ask.name)
        for one in bank
        for _, ask, solved in one.parts
        if (ask.kind in ("formula", "matrix") or ask.choices) and len({str(value) for _, value in solved.wrong}) < 2
    ]
    assert few == []


def test_every_mistake_is_diagnosed_somewhere(bank: list[Asked]) -> None:
    told = {mistake for one in bank for _, _, solved in one.parts for mistake, _ in solved.wrong}
    shown = {solved.key[0] for one in bank for _, ask, solved in one.parts if ask.kind == "wrong-line"}
    assert told | shown == NAMED.keys()


# ---------------------------------------------------------------- what NumPy makes of the text


def _softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


PLAIN: Mapping[str, Any] = {
    "exp": np.exp, "log": np.log, "tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs, "sum": np.sum, "mean": np.mean,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: np.maximum(0, z), "softmax": _softmax,
    "max": np.maximum, "min": np.minimum, "where": np.where,
}  # fmt: skip


def _itself(z: Any) -> Any:
    return z


OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    "base": {"log": np.log10},
    "sum": {"mean": np.sum},
    "root": {"sqrt": _itself},
    "function": {"exp": _itself, "tanh": _itself, "sigmoid": _itself, "softmax": lambda z: z / z.sum(-1, keepdims=True)},
    "max-lost": {"relu": _itself, "max": lambda a, b: a + b if np.all(np.asarray(a) == 0) else np.maximum(a, b)},
}
"""Mistakes that are other functions of the same name."""


def _lines(source: str) -> list[tuple[str, Any]] | None:
    """The definitions as Python; None where one has indices."""
    texts = [line for line in re.split(r"[\n;]", source) if "=" in line and not line.lstrip().startswith("#")]
    pairs = [tuple(part.strip() for part in line.split("=", 1)) for line in texts]
    if any(re.search(r"\bfor\b|==", body) or "[" in name for name, body in pairs):
        return None
    return [(name, compile(body, name, "eval")) for name, body in pairs]


def _values(state: State, functions: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {**PLAIN, **functions, **given, **{str(s): n for s, n in state.run.point.sizes.items()}}
    lines = _lines(state.run.source.source)
    assert lines is not None
    for name, code in lines:
        if name not in given:
            known[name] = eval(code, {"__builtins__": {}}, known)  # noqa: S307 - the banks are ours
    return known


def _given(state: State) -> dict[str, Any]:
    inputs = state.run.source.inputs
    arrays = {i.name: np.asarray(plain(state.run.exact[i.name])) for i in inputs}
    return {i.name: arrays[i.name].astype(int) if i.kind == "label" else arrays[i.name] for i in inputs}


def _gradient(of: Callable[[Any], Any], at: Any) -> Any:
    found = np.empty(np.shape(at))
    for place in np.ndindex(found.shape):
        step = np.zeros(found.shape)
        step[place] = 1e-5
        found[place] = (of(at + step) - of(at - step)) / 2e-5
    return found


def _by_numpy(state: State, ask: Ask, functions: Mapping[str, Any]) -> Any:
    given = _given(state)
    values = _values(state, functions, given)
    if ask.kind == "value":
        return values[ask.name]
    output = state.run.source.output.name
    return _gradient(lambda x: _values(state, functions, {**given, ask.name: x})[output], np.asarray(values[ask.name], float))


def _compared(one: Asked) -> Iterator[tuple[State, Ask, Solved]]:
    for state, ask, solved in one.parts:
        if ask.kind in ("value", "gradient") and _lines(state.run.source.source) is not None:
            yield state, ask, solved


def test_keys_are_what_numpy_makes_of_the_definitions(bank: list[Asked]) -> None:
    compared = 0
    for one in bank:
        for state, ask, solved in _compared(one):
            np.testing.assert_allclose(
                np.array(plain(solved.key), float), _by_numpy(state, ask, {}), rtol=2e-6, atol=1e-7, err_msg=f"{one.name} {ask}"
            )
            compared += 1
    assert compared > 100


def test_mistakes_are_what_numpy_makes_of_definitions_read_so(bank: list[Asked]) -> None:
    compared = set()
    for one in bank:
        for state, ask, solved in _compared(one):
            for mistake, value in solved.wrong:
                if mistake in OTHERWISE:
                    with np.errstate(all="ignore"):
                        wanted = _by_numpy(state, ask, OTHERWISE[mistake])
                    np.testing.assert_allclose(
                        np.array(plain(value), float), wanted, rtol=2e-6, atol=1e-7, err_msg=f"{one.name} {ask} {mistake}"
                    )
                    compared.add(mistake)
    assert compared == OTHERWISE.keys()


def test_a_wrong_answer_is_no_key(bank: list[Asked]) -> None:
    """A state may have wrong answers that cannot be told from the key; most can."""
    told = [differ(value, solved.key) for one in bank for _, ask, solved in one.parts if ASKS[ask.kind].numeric
            for _, value in solved.wrong]  # fmt: skip
    assert sum(told) > 0.8 * len(told) > 500
