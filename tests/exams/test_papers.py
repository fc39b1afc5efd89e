"""Variants: proved, different, drawn from a key, the same again for the same key."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from derive.errors import DeriveError
from derive.exams.item import Choice, Numbers, Order
from derive.exams.manifest import Manifest, manifest
from derive.exams.papers import Papers, papers
from derive.exams.roster import Student, numbered
from derive.exams.secret import Draw
from derive.exams.sheets import sheet
from derive.exams.solved import differ, told_apart
from derive.exams.source import Exam, read_exam
from derive.exams.states import Pool, pool
from derive.teaching.formats.render import render


def test_every_paper_is_another(made: Papers) -> None:
    assert len({paper.states for paper in made.papers}) == len(made.papers)


def test_states_do_not_print_alike(made: Papers) -> None:
    for question in made.questions:
        for lang, items in question.items.items():
            shown = [repr((item.body, [(part.shown, part.prompt) for part in item.parts])) for item in items]
            assert len(set(shown)) == len(shown), (question.name, lang)


def test_the_same_key_draws_the_same(exam: Exam, made: Papers) -> None:
    names = [Student(paper.student) for paper in made.papers]
    assert manifest(papers(exam, b"a key of a teacher", names)) == manifest(made)
    other = papers(exam, b"a key of another teacher", names)
    assert [p.states for p in other.papers] != [p.states for p in made.papers]


def test_who_comes_later_changes_nobodys_paper(exam: Exam, made: Papers) -> None:
    """Nor who leaves, nor another order of the roster: those who have a paper keep it."""
    kept = {p.student: [item.state for item in made.items(p, "en")] for p in made.papers}
    roster = [Student("late", "fr"), *(Student(p.student) for p in reversed(made.papers[1:])), *numbered(100)]
    by_name = {p.student: p for p in papers(exam, b"a key of a teacher", roster, kept=kept).papers}
    assert all(by_name[p.student].states == p.states and by_name[p.student].orders == p.orders for p in made.papers[1:])
    assert len({p.states for p in by_name.values()}) == len(roster) == len(by_name)
    assert by_name["late"].lang == "fr"


def test_neighbours_share_no_state(made: Papers) -> None:
    assert min(q.states for q in made.questions) < 50
    for one, other in pairwise(made.papers):
        assert not any(a == b for a, b in zip(one.states, other.states, strict=True))


def test_too_many_papers_are_refused_with_the_number() -> None:
    text = "---\ntitle: T\n---\n\n## Q\n\n```derive question f\nvary: u=2..4, w=5..7\nask: gradient u\n```\n"
    text = text.replace("```derive question", "```derive define f\nf = u*w**2\n```\n\n```derive question")
    exam = read_exam(text)
    found = papers(exam, b"0" * 20, numbered(9))
    assert found.variants == 9
    assert len({p.states for p in found.papers}) == 9
    with pytest.raises(DeriveError, match="There are 9 different variants, and 10 are wanted"):
        papers(exam, b"0" * 20, numbered(10))


@pytest.fixture(scope="module")
def pools(exam: Exam) -> list[Pool]:
    return [pool(section.setting, Draw(b"test", section.setting.name), 10) for section in exam.sections]


def test_key_and_mistakes_are_apart(pools: list[Pool], exam: Exam) -> None:
    """Pairwise, by their balls, and by more than an answer may be off."""
    compared = 0
    for found in pools:
        for state in found.states:
            for one, told in zip(state.solved, found.mistakes[state.graph], strict=True):
                if not isinstance(one.key, (np.ndarray, Fraction, int)) or isinstance(one.key, tuple):
                    continue
                values = [one.key, *(value for mistake, value in one.wrong if mistake in told)]
                assert len(values) == len(told) + 1
                # Others are there only because they lead to the very same as one that is told.
                assert all(any(not differ(value, other) for other in values[1:]) for _, value in one.wrong)
                for k, value in enumerate(values):
                    for other in values[:k]:
                        compared += 1
                        assert told_apart(value, other, exam.lecture.about.digits)
    assert compared > 100


def test_keys_agree_with_differences(pools: list[Pool], exam: Exam) -> None:
    """Gradients, by moving inputs of the graph and running it in floats; nothing of the derivation is used."""
    for section, found in zip(exam.sections, pools, strict=True):
        for n, ask in enumerate(section.setting.asks):
            if ask.kind != "gradient" or ask.name == "z":
                continue
            for state in found.states[:3]:
                graph, point = state.run.source, {i.name: state.run.exact[i.name] for i in state.run.source.inputs}
                x = np.asarray(point[ask.name], dtype=object)
                slopes = np.empty(x.shape, dtype=object)
                for place in np.ndindex(x.shape):
                    ends = []
                    for step in (Fraction(1, 10**6), -Fraction(1, 10**6)):
                        moved = x.copy()
                        moved[place] = moved[place] + step
                        from derive.values.run import run

                        ends.append(
                            float(run(graph, {**point, ask.name: moved if moved.ndim else moved.item()})[graph.output.name])
                        )
                    slopes[place] = (ends[0] - ends[1]) / 2e-6
                key = np.asarray(state.solved[n].key, dtype=object)
                assert [float(v) for v in np.ravel(key)] == pytest.approx([float(v) for v in np.ravel(slopes)], abs=1e-5)


def test_no_answer_in_what_a_student_gets(exam: Exam, made: Papers) -> None:
    """Neither a key nor what is said of a mistake stands in a paper; a sheet with the key has them."""
    paper = made.papers[0]
    items = made.items(paper, "en")
    shown = render(sheet(exam, [(paper, items)], "en"), "markdown").text
    key = render(sheet(exam, [(paper, items)], "en", key=True), "markdown").text
    feedback = {
        slip.feedback
        for item in items
        for part in item.parts
        if isinstance(part.answer, Numbers)
        for _, slip in part.answer.wrong
    }
    assert feedback
    assert all(text not in shown for text in feedback)
    assert all(text in key for text in feedback)
    assert "Solution" not in shown
    assert "a key of a teacher" not in shown + key + manifest(made)


def test_right_options_stand_anywhere(made: Papers) -> None:
    places = Counter(order.index(0) for paper in made.papers for order in paper.orders.values() if 0 in order)
    assert len(places) >= 4


def test_orders_show_the_right_option(made: Papers) -> None:
    for paper in made.papers:
        for item in made.items(paper, "en"):
            for part in item.parts:
                if isinstance(part.answer, (Choice, Order)):
                    order = paper.orders[part.name]
                    assert len(set(order)) == len(order)
                    assert 0 in order


def test_the_manifest_says_what_was_given(kept: Manifest, made: Papers) -> None:
    assert kept.papers == {p.student: p for p in made.papers}
    assert json.loads(manifest(made))["variants"] == made.variants


def test_questions_travel_to_other_processes(made: Papers) -> None:
    for question in made.questions:
        again = pickle.loads(pickle.dumps(question))
        assert again.items == question.items


def test_a_difference_that_is_not_certain_is_none() -> None:
    assert not differ(Fraction(1, 3), Fraction(1, 3))
    assert differ(Fraction(1, 3), Fraction(1, 3) + Fraction(1, 10**30))
