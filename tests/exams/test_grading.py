"""Grading: the key, every mistake, ways to write a number, errors carried forward, what nobody may decide but a person."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from derive.errors import DeriveError, in_language
from derive.exams.answers import Unread, number, numbers
from derive.exams.grading import Grader
from derive.exams.item import Choice, Item, Numbers, Order, Paper, Part, Text
from derive.exams.manifest import Manifest
from derive.exams.marking import page_of
from derive.exams.mistakes import NAMED
from derive.exams.papers import Papers
from derive.exams.roster import Student
from derive.exams.sheets import LETTERS
from derive.exams.sheets import sheet as sheet_of
from derive.teaching.formats.render import render
from derive.teaching.translation import message_translator


def key_of(part: Part, paper: Paper) -> str:
    """The right answer, as a student writes it."""
    match part.answer:
        case Numbers(entries):
            return "; ".join(entry.key.digits for entry in entries)
        case Choice():
            return LETTERS[paper.orders[part.name].index(0)]
        case Order(lines):
            return ", ".join(LETTERS[paper.orders[part.name].index(k)] for k in range(len(lines)))
        case Text(accepted):
            return accepted[0]
    raise AssertionError(part)


def graded(kept: Manifest, paper: Paper, answers: dict[str, str]) -> dict[str, tuple[str, Fraction, tuple[str, ...]]]:
    sheet = Grader(kept).sheet(paper.student, answers)
    return {part.part: (part.verdict, part.marks, part.mistakes) for part in sheet.parts}


def parts_of(items: list[Item]) -> list[Part]:
    return [part for item in items for part in item.parts]


def test_keys_earn_all_marks(made: Papers, kept: Manifest) -> None:
    for paper in made.papers:
        parts = parts_of(made.items(paper, "en"))
        found = graded(kept, paper, {part.name: key_of(part, paper) for part in parts})
        assert {name: verdict for name, (verdict, _, _) in found.items()} == {part.name: "right" for part in parts}
        assert sum(marks for _, marks, _ in found.values()) == made.marks


def test_mistakes_are_named(made: Papers, kept: Manifest) -> None:
    count = 0
    for paper in made.papers:
        for part in parts_of(made.items(paper, "en")):
            wrong: list[tuple[str, str]] = []
            match part.answer:
                case Numbers(_, _, slips):
                    wrong = [("; ".join(v.digits for v in values), slip.mistake) for values, slip in slips]
                case Choice(options):
                    shown = enumerate(paper.orders[part.name])
                    wrong = [(LETTERS[at], slip.mistake) for at, k in shown if (slip := options[k].slip) is not None]
            for answer, mistake in wrong:
                verdict, marks, named = graded(kept, paper, {part.name: answer})[part.name]
                assert (verdict, named) == ("mistake", (mistake,)), part.name
                several = isinstance(part.answer, Numbers) and len(part.answer.entries) > 1  # those that are right count
                assert marks == NAMED[mistake].credit * part.marks or (several and marks > NAMED[mistake].credit * part.marks)
                count += 1
    assert count > 200


def test_errors_are_carried_forward(made: Papers, kept: Manifest) -> None:
    """A wrong z, and a p and gradients that follow from it, cost the marks of z alone."""
    from math import exp

    paper = made.papers[0]
    section = next(s for s in made.exam.sections if s.setting.name == "neuron")
    place = made.exam.sections.index(section)
    state = kept.questions[place]["states"][paper.states[place]]["state"]
    run = section.setting.run(state)
    z = float(run["z"]) + 0.5
    p = 1 / (1 + exp(-z))
    slope = 2 * (p - 1) * p * (1 - p)
    answers = {
        "neuron.1": f"{z}",
        "neuron.2": f"{p:.4g}",
        "neuron.3": f"{slope:.4g}",
        "neuron.4": f"{slope * float(run['x']):.4g}",
    }
    found = graded(kept, paper, answers)
    assert [found[name][0] for name in answers] == ["wrong", "carried", "carried", "carried"]
    assert sum(marks for _, marks, _ in found.values()) == 3


def test_a_wrong_gradient_is_carried_backward(made: Papers, kept: Manifest) -> None:
    paper = made.papers[1]
    place = next(k for k, s in enumerate(made.exam.sections) if s.setting.name == "neuron")
    run = made.exam.sections[place].setting.run(kept.questions[place]["states"][paper.states[place]]["state"])
    found = graded(kept, paper, {"neuron.3": "7", "neuron.4": str(7 * run["x"])})
    assert (found["neuron.3"][0], found["neuron.4"][0]) == ("wrong", "carried")
    alone = graded(kept, paper, {"neuron.4": str(7 * run["x"])})
    assert alone["neuron.4"][0] == "wrong"


def test_part_of_a_vector(made: Papers, kept: Manifest) -> None:
    paper = made.papers[0]
    part = next(p for p in parts_of(made.items(paper, "en")) if p.name == "layer.3")
    assert isinstance(part.answer, Numbers)
    first, second, third = (entry.key.digits for entry in part.answer.entries)
    verdict, marks, _ = graded(kept, paper, {"layer.3": f"({first}; {second}; 9999)"})["layer.3"]
    assert (verdict, marks) == ("wrong", Fraction(2, 3) * part.marks)
    assert graded(kept, paper, {"layer.3": f"[{first}, {second}, {third}]"})["layer.3"][0] == "right"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.8", "14/5"),
        ("2,8", "14/5"),
        ("2.80", "14/5"),
        ("14/5", "14/5"),
        ("+2.8", "14/5"),
        ("−2,8", "-14/5"),
        ("$-2{,}8$", "-14/5"),
        ("= 2.8", "14/5"),
        ("2.8e0", "14/5"),
        ("28·10^-1", "14/5"),
        ("28 × 10⁻¹", "14/5"),
        ("1 234,5", "2469/2"),
        ("1\u202f234,5", "2469/2"),
        (".5", "1/2"),
        ("0,125", "1/8"),
        ("1234", "1234"),
        ("2·10⁻³", "1/500"),
    ],
)
def test_ways_to_write_a_number(text: str, value: str) -> None:
    assert number(text) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1/0",
        "1,234",
        "1.2.3",
        "2 1/2",
        "210^2",
        "0'5",
        "__import__('os')",
        "9**9**9",
        "٣",
        "1e99999",
        "--1",
        "nan",
        "∞",
    ],
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(Unread):
        number(text)


@pytest.mark.parametrize(
    "text", ["(1; 2,5; -3)", "1 2.5 -3", "[1, 2.5, -3]", r"\begin{pmatrix}1\\2.5\\-3\end{pmatrix}", "1\n2.5\n-3"]
)
def test_ways_to_write_a_vector(text: str) -> None:
    assert numbers(text, 3) == [1, Fraction(5, 2), -3]


def test_what_cannot_be_read_waits_for_a_person(made: Papers, kept: Manifest) -> None:
    paper = made.papers[0]
    hostile = ["1,234", "x" * 10**6, "9**9**9", "__import__('os').system('x')", "два", "\x1b[31m", "=cmd()"]
    for text in hostile:
        found = graded(kept, paper, {"product.1": text, "neuron.5": text, "neuron.6": text, "layer.2": text})
        assert {found[name][0] for name in ("product.1", "neuron.5")} <= {"person"}
        assert sum(marks for _, marks, _ in found.values()) == 0


def test_who_has_no_paper(kept: Manifest) -> None:
    with pytest.raises(DeriveError, match="has no paper"):
        Grader(kept).sheet("nobody", {})


TYPED = """---
title: T
---

## Softmax

```derive define sce
z: [C]
t: label[C]
p = softmax(z)
L = -log(p[t])
```

```derive question sce
vary: z=[3] of -2..2, t=0..2
ask: derive z
```

## Neuron

```derive define neuron
z = w*x + b
p = sigmoid(z)
L = (p - y)**2
```

```derive question neuron
vary: w=1..3, x=1..3, b=1..2, y=0..1
ask: derive w
```
"""


@pytest.fixture(scope="module")
def typed() -> Grader:
    from derive.exams.manifest import manifest, read_manifest
    from derive.exams.papers import papers
    from derive.exams.source import read_exam

    return Grader(read_manifest(manifest(papers(read_exam(TYPED), b"0" * 32, [Student("ada")]))))


@pytest.mark.parametrize(
    ("part", "answer", "verdict", "mistake"),
    [
        ("sce.1", r"p_i - \delta_{it}", "right", ""),
        ("sce.1", r"$\frac{\partial L}{\partial z_i} = p_i - \delta_{it}$", "right", ""),
        ("sce.1", "p[i] - where(i == t, 1, 0)", "right", ""),
        ("sce.1", r"-\delta_{it} + \frac{e^{z_i}}{\sum_k e^{z_k}}", "right", ""),
        ("sce.1", r"\delta_{it} - p_i", "mistake", "sign"),
        ("sce.1", r"\frac{\partial L}{\partial z_j} = p_j - \delta_{jt}", "right", ""),
        ("sce.1", r"\frac{\partial L}{\partial z_j} = p_i - \delta_{it}", "person", ""),
        ("sce.1", r"p_j - \delta_{jt}", "person", ""),
        ("sce.1", r"p_i - \mathbb{1}[i=t]", "right", ""),
        ("sce.1", r"\frac{e^{z_i}}{\sum_{j=1}^C e^{z_j}} - \delta_{it}", "right", ""),
        ("sce.1", "p_i", "mistake", "one-factor"),
        ("sce.1", "2*p_i", "wrong", ""),
        ("sce.1", r"\frac{\partial L}{\partial z_i}", "wrong", ""),
        ("sce.1", "hello", "person", ""),
        ("sce.1", "__import__('os')", "person", ""),
        ("sce.1", "9**9**9", "person", ""),
        ("sce.1", "(" * 1000, "person", ""),
        ("sce.1", "x" * 10**6, "person", ""),
        ("neuron.1", "2*(p - y)*p*(1 - p)*x", "right", ""),
        ("neuron.1", "2x(p-y)p(1-p)", "right", ""),
        ("neuron.1", r"2(p-y)\sigma'(z)x", "right", ""),
        ("neuron.1", r"\frac{2x(p-y)e^{-z}}{(1+e^{-z})^2}", "right", ""),
        ("neuron.1", "2*(p - y)*x", "mistake", "slope"),
        ("neuron.1", "2*(p - y)*p*(1 - p)", "mistake", "factor"),
        ("neuron.1", r"\frac{\partial L}{\partial z} x", "person", ""),
    ],
)
def test_formulas_as_students_write_them(typed: Grader, part: str, answer: str, verdict: str, mistake: str) -> None:
    found = next(p for p in typed.sheet("ada", {part: answer}).parts if p.part == part)
    assert (found.verdict, found.mistakes[:1]) == (verdict, (mistake,) if mistake else ())
    assert (found.marks == found.most) == (verdict == "right")


COUNTED = """---
title: Sums
lang: en
index-base: BASE
---

## Sum

```derive define half
x: [n]
L = sum(x**2)/2 + x[0]*sum(x)
```

```derive question half
vary: x=[3] of 1..3
ask: derive x
```
"""


@pytest.mark.parametrize(
    ("base", "answer", "verdict"),
    [
        (0, r"x_i + x_0 + \delta_{i0} \sum_k x_k", "right"),
        (1, r"x_i + x_1 + \delta_{i1} \sum_k x_k", "right"),
        (0, r"x_i + x_1 + \delta_{i1} \sum_k x_k", "person"),
        (1, r"x_i + x_0 + \delta_{i0} \sum_k x_k", "person"),
        (0, r"x_i + x_0 + \delta_{i0} \sum_{k=0}^{n-1} x_k", "right"),
        (1, r"x_i + x_1 + \delta_{i1} \sum_{k=0}^{n-1} x_{k+1}", "right"),
        (1, r"x_i + x_1 + \delta_{i1} \sum_{k=1}^{n-1} x_{k+1}", "wrong"),
    ],
)
def test_answers_count_entries_as_the_exam_does(base: int, answer: str, verdict: str) -> None:
    from derive.exams.manifest import manifest, read_manifest
    from derive.exams.papers import papers
    from derive.exams.source import read_exam

    text = COUNTED.replace("BASE", str(base))
    grader = Grader(read_manifest(manifest(papers(read_exam(text), b"0" * 32, [Student("ada")]))))
    (found,) = grader.sheet("ada", {"half.1": answer}).parts
    assert found.verdict == verdict


def test_a_line_may_be_numbered(made: Papers, kept: Manifest) -> None:
    for paper in made.papers[:4]:
        (part,) = [part for part in parts_of(made.items(paper, "en")) if part.kind == "wrong-line"]
        options = part.answer.options  # type: ignore[union-attr]
        for option in options:
            for answer in ("line {}", "Ligne {}", "{}", "({})"):
                verdict, _, mistakes = graded(kept, paper, {part.name: answer.format(option.place)})[part.name]
                assert (verdict == "right") == (option.slip is None)
                assert bool(mistakes) == (option.slip is not None)
        assert graded(kept, paper, {part.name: "line 99"})[part.name][0] == "person"


@pytest.mark.parametrize(
    ("text", "read"), [("2 x 3", True), (r"$2 \times 3$", True), ("torch.Size([2, 3])", True), ("2 3", True), ("3,2", False)]
)
def test_ways_to_write_a_shape(made: Papers, kept: Manifest, text: str, read: bool) -> None:
    found = graded(kept, made.papers[0], {"layer.2": text})["layer.2"]
    assert (found[0] == "right") == read
    assert graded(kept, made.papers[0], {"layer.2": "two by three"})["layer.2"][0] == "person"


def test_zeros_earn_nothing(made: Papers, kept: Manifest) -> None:
    """Of a gradient whose entries are 0 in part, who writes 0 everywhere has found nothing."""
    for paper in made.papers:
        assert graded(kept, paper, {"layer.3": "0; 0; 0"})["layer.3"][1] == 0


ALIKE = """---
title: Q
---

## Q

```derive define square
z = w*x
L = k*z**2
```

```derive question square
vary: w=2..6, x=3..7
at: k=2
ask: gradient z
```
"""


def test_mistakes_that_lead_to_one_answer_are_all_told() -> None:
    """On the page of the student and in the key: which of them was made, nobody knows; the kindest counts."""
    from derive.exams.manifest import manifest, read_manifest
    from derive.exams.papers import papers
    from derive.exams.source import read_exam

    exam = read_exam(ALIKE)
    made = papers(exam, b"0" * 32, [Student("ada")])
    kept, items = read_manifest(manifest(made)), made.items(made.papers[0], "en")
    answer = items[0].parts[0].answer
    assert isinstance(answer, Numbers)
    half = str(answer.entries[0].key.number / 2)
    sheet = Grader(kept).sheet("ada", {"square.1": half})
    assert sheet.parts[0].mistakes == ("factor", "exponent-lost")
    assert sheet.marks == max(NAMED[mistake].credit for mistake in sheet.parts[0].mistakes)
    told = " Or: ".join(NAMED[mistake].sentence for mistake in sheet.parts[0].mistakes)
    assert told in render(page_of(sheet, kept, "en"), "markdown").text
    assert told in render(sheet_of(exam, [(made.papers[0], items)], "en", key=True), "markdown").text


def test_the_point_that_shows_an_answer_wrong_has_the_signs_of_its_language(typed: Grader) -> None:
    part = next(p for p in typed.sheet("ada", {"sce.1": "2*p_i"}).parts if p.part == "sce.1")
    english, french = (in_language(part.why, message_translator(lang)) for lang in ("en", "fr"))
    assert re.search(r"= \(-?\d\.\d+, ", english)
    assert re.search(r"= \(-?\d,\d+\u202f; ", french)
    assert "." not in french.removesuffix(".")
