"""What learning platforms are given is read back as they read it: the key and every mistake earn there what they should."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cases.exam_items import CHOICE, CODE, NASTY, NUMBER, QUESTIONS, bank, entry, pictured, value
from conftest import ROOT, TOOLS
from derive.errors import DeriveError
from derive.exams.formats import cloze
from derive.exams.formats.bank import CALLED, Bank, arrangements, mistakes, mixed, packed
from derive.exams.formats.cloze import near
from derive.exams.formats.exports import EXPORTS, export, file_name
from derive.exams.formats.html import MathmlPrinter, TexPrinter, words
from derive.exams.item import Choice, Item, Numbers, Order, Part, Text
from derive.exams.papers import Papers
from derive.marks import HEAD, made_from
from derive.naming import one_line
from derive.teaching.document import Math, Raw
from derive.teaching.formats.latex.printer import ArticlePrinter
from oracles import platform_packages as packages
from oracles import platform_players as players
from oracles import platform_texts as texts
from oracles.platform_texts import Place, Question, plain

ASKED = [one for one in QUESTIONS.values() if one.name != "fork"]
TYPED = [one for one in ASKED if not isinstance(one.parts[0].answer, Order)]

Cases = list[tuple[str, Fraction, str]]
"""Answers, what each earns, and what is said of it."""


def cases(part: Part, entry: int = 0, printer: TexPrinter | None = None) -> Cases:
    """The key of a part, or of one of its numbers, and every mistake."""
    match part.answer:
        case Numbers(entries):
            one = entries[entry]
            wrong = [(value.digits, slip.credit, slip.feedback) for value, slip in mistakes(one)]
            edges = [one.key.number + one.key.tolerance, one.key.number - one.key.tolerance]
            off = one.key.number + 2 * one.key.tolerance + Fraction(1, 10**6)
            return [*((str(x), Fraction(1), "") for x in edges), (str(off), Fraction(0), ""), *wrong]
        case Choice(options):
            spell = (printer or TexPrinter()).line
            return [(spell(o.inlines), o.credit, o.slip.feedback if o.slip else "") for o in options]
        case Text(accepted, _, wrong):
            right = [(form, Fraction(1), "") for answer in accepted for form in (answer, answer.replace(",", ", "))]
            return [*right, *((answer, slip.credit, slip.feedback) for answer, slip in wrong), ("?", Fraction(0), "")]
    return []


def held(place: Place, expected: Cases, rounded: Callable[[Fraction], Fraction] = near) -> None:
    """A place earns and says what it should, for every answer."""
    assert [(answer, *place.graded(answer)) for answer, _, _ in expected] == [
        (answer, close(rounded(credit)), feedback) for answer, credit, feedback in expected
    ]


def close(credit: Fraction) -> Any:
    """A credit as five decimals of a percentage say it."""
    return pytest.approx(credit, abs=Fraction(1, 10**6))


def singly(item: Item) -> list[tuple[Part, int, Fraction]]:
    """An item's parts, and the numbers of each, with their marks."""
    return [
        (part, k, part.marks / (len(part.answer.entries) if isinstance(part.answer, Numbers) else 1))
        for part in item.parts
        for k in range(len(part.answer.entries) if isinstance(part.answer, Numbers) else 1)
    ]


def text(name: str, *items: Item) -> str:
    return "".join(content.decode() for content in export(bank(items), name).values())


def content(name: str, *items: Item) -> bytes:
    (found,) = export(bank(items), name).values()
    return found


# ---------------------------------------------------------------- Moodle


@pytest.fixture(scope="module")
def moodle() -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for one in texts.moodle(text("moodle", *ASKED)):
        found.setdefault(one.name.partition("-1")[0], []).append(one)
    return found


@pytest.mark.parametrize("name", [one.name for one in TYPED])
def test_moodle_grades_what_is_meant(moodle: dict[str, list[Question]], name: str) -> None:
    item = QUESTIONS[name]
    (question,) = moodle[name]
    assert len(question.places) == len(singly(item))
    for place, (part, k, marks) in zip(question.places, singly(item), strict=True):
        held(place, cases(part, k))
        assert place.weight / sum(p.weight for p in question.places) == marks / item.marks
    assert "Solution of" in question.solution
    assert question.category == f"$course$/top/Exam 1//2 (en)/{one_line(words(item.title)).replace('/', '//')}"


def test_moodle_orders_lines_and_numbers_them_where_some_belong_nowhere(moodle: dict[str, list[Question]]) -> None:
    (chain,) = moodle["chain"]
    assert [said.text for said in chain.places[0].answers] == ["first", r"\(b_{2}\)", "third"]
    (trapped,) = moodle["trapped"]
    assert {said.text: said.feedback for said in trapped.places[0].answers} == {
        "first": "1", "second": "2", "never": "–", "nor this": "–"
    }  # fmt: skip


def test_moodle_asks_what_has_no_place_in_a_cloze_in_a_question_of_its_own() -> None:
    parts = (QUESTIONS["several"].parts[0], QUESTIONS["code"].parts[0])
    first, second = texts.moodle(text("moodle", replace(QUESTIONS["several"], parts=parts)))
    assert [place.kind for place in first.places + second.places] == ["number", "written"]
    assert (first.name, second.name) == ("several-1-1-en", "several-1-2-en")
    assert first.category != second.category
    assert [one.text.startswith("<p>Given.") for one in (first, second)] == [True, True]


def test_moodle_has_every_number_once() -> None:
    states = [replace(QUESTIONS["number"], state=k) for k in range(5)]
    found = texts.moodle(text("moodle", *states))
    assert sorted(one.name for one in found) == [f"number-{k}-en" for k in range(5)]
    assert len({one.category for one in found}) == 1


def test_moodle_knows_the_nearest_credit() -> None:
    listed = {Fraction(str(one)) / 100 for one in texts.LISTED}
    for k in range(101):
        assert min(abs(near(Fraction(k, 100)) - one) for one in listed) < Fraction(1, 10**6)
        assert abs(near(Fraction(k, 100)) - Fraction(k, 100)) <= Fraction(1, 20)


def test_a_cloze_shows_every_sign() -> None:
    for words_ in (NASTY, r"\left\{x\right\}\#1~2", r"a\\}b", "&amp;#125;", "}#~"):
        shown = TexPrinter().text(words_)
        assert texts._undone(cloze.escaped(shown)) == shown
        assert not re.search(r"[}~]|(?<!&)#", cloze.escaped(shown))


# ---------------------------------------------------------------- GIFT


def gift_held(found: list[Question], items: list[Item]) -> None:
    expected = [(item, part, k) for item in items for part, k, _ in singly(item)]
    assert len(found) == len(expected)
    for question, (item, part, k) in zip(found, expected, strict=True):
        held(question.places[0], cases(part, k))
        assert question.name.startswith(item.name)
        assert "Solution of" in question.solution


def test_gift_grades_what_is_meant() -> None:
    gift_held(texts.gift(text("gift", *TYPED)), TYPED)


def test_gift_numbers_lines() -> None:
    chain, trapped = texts.gift(text("gift", QUESTIONS["chain"], QUESTIONS["trapped"]))
    assert sorted((s.feedback, s.text) for s in chain.places[0].answers) == [("1", "first"), ("2", r"\(b_{2}\)"), ("3", "third")]
    assert sorted((s.feedback, s.text) for s in trapped.places[0].answers)[0] == ("1", "first")


def read_by_node(content: str, folder: Path) -> list[dict[str, Any]]:
    """What gift-pegjs makes of a text."""
    file = folder / "bank.gift"
    file.write_text(content, encoding="utf-8")
    script = "const [parser, file] = process.argv.slice(1); const { readFileSync } = require('fs');"
    script += "console.log(JSON.stringify(require(parser).parse(readFileSync(file, 'utf8'))))"
    command = ["node", "-e", script, TOOLS / "gift-pegjs", file]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return [one for one in json.loads(run.stdout) if one["type"] != "Category"]


@pytest.mark.needs("gift")
def test_another_reader_of_gift_finds_the_same(tmp_path: Path) -> None:
    content = text("gift", *ASKED)
    kinds = {"MC": "choice", "Numerical": "number", "Short": "text", "Essay": "written", "Matching": "matching"}
    for ours, theirs in zip(texts.gift(content), read_by_node(content, tmp_path), strict=True):
        (place,) = ours.places
        assert (ours.name, ours.title, kinds[theirs["type"]]) == (theirs["id"], theirs["title"], place.kind)
        assert ours.text == theirs["stem"]["text"]
        assert ours.solution == theirs["globalFeedback"]["text"]
        if place.kind == "matching":
            pairs = [(one["subquestion"]["text"], one["subanswer"]) for one in theirs["matchPairs"]]
            assert pairs == [(said.text, said.feedback) for said in place.answers]
        for said, other in zip(place.answers, theirs.get("choices", ()), strict=place.kind in ("choice", "number", "text")):
            credit = Fraction(str(other["weight"])) / 100 if other["weight"] is not None else Fraction(other["isCorrect"])
            assert (said.credit, said.feedback) == (credit, plain((other["feedback"] or {"text": ""})["text"]))
            if place.kind == "number":
                number = (float(said.text), float(said.tolerance))
                assert number == (other["text"]["number"], other["text"]["range"])
            else:
                assert said.text == other["text"]["text"]


# ---------------------------------------------------------------- QTI 2.1


def qti_held(found: packages.QtiItem, item: Item, printer: TexPrinter) -> None:
    names = [name for name, _, _ in found.responses]
    choices = {one.get("responseIdentifier"): one for one in found.root.iter("choiceInteraction")}
    for name, (part, k, marks) in zip(names, singly(item), strict=True):
        options = {"".join(c.itertext()): c.get("identifier") for c in choices.get(name, ())}
        for answer, credit, feedback in cases(part, k, printer):
            given = options[plain(answer)] if isinstance(part.answer, Choice) else answer
            assert found.run({name: given}) == (close(marks * credit), feedback)
    automatic = sum((marks for part, _, marks in singly(item) if cases(part) or isinstance(part.answer, Order)), Fraction(0))
    assert found.run(found.right()) == (close(automatic), "")


def test_qti_grades_what_is_meant() -> None:
    items = packages.qti(content("qti", *ASKED, QUESTIONS["fork"]))
    for item in (*ASKED, QUESTIONS["fork"]):
        qti_held(items[f"q-{item.name}-1"], item, MathmlPrinter())


def test_qti_takes_every_right_order_and_says_which_line_is_wrong() -> None:
    items = packages.qti(content("qti", QUESTIONS["fork"], QUESTIONS["trapped"]))
    fork, trapped = items["q-fork-1"], items["q-trapped-1"]
    names = {"".join(c.itertext()): c.get("identifier") for c in fork.root.iter("simpleChoice")}
    for order, score in (("top left right", 1), ("top right left", 1), ("left top right", 0), ("top left", 0)):
        assert fork.run({"RESPONSE-1": tuple(names[line] for line in order.split())})[0] == score
    names = {"".join(c.itertext()): c.get("identifier") for c in trapped.root.iter("simpleChoice")}
    assert trapped.run({"RESPONSE-1": (names["first"], names["second"])}) == (1, "")
    assert trapped.run({"RESPONSE-1": (names["first"], names["nor this"])}) == (close(Fraction(1, 3)), "A minus sign was lost.")


def test_qti_is_what_its_schema_allows() -> None:
    for item in packages.qti(content("qti", *ASKED, pictured())).values():
        packages.check_qti(item.root)


def test_a_check_of_qti_finds_planted_faults() -> None:
    (item,) = packages.qti(content("qti", QUESTIONS["number"])).values()
    body = item.root.find("itemBody")
    assert body is not None
    body.text = "bare text"
    with pytest.raises(AssertionError):
        packages.check_qti(item.root)
    body.text = None
    item.root.append(item.root[0])
    with pytest.raises(AssertionError):
        packages.check_qti(item.root)


def played(package_: bytes) -> dict[str, players.Player]:
    """The items of a package as pyslet reads them."""
    items, files = packages.qti(package_), packages.package(package_)
    return {name: players.pyslet(files[f"items/{name}.xml"], item.root) for name, item in items.items()}


@pytest.mark.needs("pyslet")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_player_of_qti_grades_what_is_meant(made: Papers) -> None:
    found = played(content("qti", *ASKED, QUESTIONS["fork"], pictured()))
    for item in (*ASKED, QUESTIONS["fork"]):
        qti_held(found[f"q-{item.name}-1"], item, MathmlPrinter())
    for lang in made.exam.langs:
        items = [q.items[lang][0] for q in made.questions]
        (package_,) = export(Bank("exam", "Exam", lang, items), "qti").values()
        for one, item in zip(items, played(package_).values(), strict=True):
            qti_held(item, one, MathmlPrinter("", lang))


@pytest.mark.needs("pyslet")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<itemBody>\n", "<itemBody>\nbare text"),
        ("</itemBody>", '<simpleChoice identifier="x">y</simpleChoice></itemBody>'),
        ('<baseValue baseType="float">0.25<', '<baseValue baseType="float">0.26<'),
        ('tolerance="0.0001000001 0.0001000001"', 'tolerance="0.001 0.001"'),
        ('<variable identifier="SCORE-1"/>', ""),
    ],
)
def test_another_player_of_qti_finds_planted_faults(right: str, wrong: str) -> None:
    package_ = content("qti", QUESTIONS["mixed"])
    (item,) = packages.qti(package_).values()
    spelled = packages.package(package_)["items/q-mixed-1.xml"]
    assert right in spelled
    with pytest.raises((AssertionError, ValueError)):
        qti_held(players.pyslet(spelled.replace(right, wrong), item.root), QUESTIONS["mixed"], MathmlPrinter())


# ---------------------------------------------------------------- Canvas


def test_canvas_grades_what_is_meant() -> None:
    found = packages.canvas(content("canvas", *TYPED))
    expected = [(part, k, marks) for item in TYPED for part, k, marks in singly(item)]
    for question, (part, k, marks) in zip(found, expected, strict=True):
        (place,) = question.places
        assert place.weight == pytest.approx(marks)
        told = isinstance(part.answer, Choice)
        for answer, credit, feedback in cases(part, k):
            assert place.graded(answer) == (Fraction(credit == 1), feedback if told else "")
        assert "Solution of" in question.solution


def test_canvas_draws_one_state_of_each_question() -> None:
    states = [replace(QUESTIONS["several"], state=k) for k in range(3)]
    found = packages.canvas(content("canvas", *states))
    assert len({one.category for one in found}) == 4
    assert all(sum(one.category == other.category for one in found) == 3 for other in found)


# ---------------------------------------------------------------- PrairieLearn


def test_prairielearn_grades_what_is_meant() -> None:
    items = [one for one in (*ASKED, QUESTIONS["fork"]) if one.name not in ("shape", "mixed", "formula", "code")]
    for item, elements in zip(items, packages.prairielearn(content("prairielearn", *items)).values(), strict=True):
        inputs = [about for tag, about in elements if "answers-name" in about]
        assert len({about["answers-name"] for about in inputs}) == len(singly(item))
        for about, (part, k, _) in zip(inputs, singly(item), strict=True):
            match part.answer:
                case Numbers(entries):
                    key = entries[k].key
                    assert (Fraction(about["correct-answer"]), Fraction(about["atol"])) == (key.number, close(key.tolerance))
                    assert (about["rtol"], about["comparison"]) == ("0", "relabs")
        answers = [about for tag, about in elements if tag == "pl-answer"]
        for part in item.parts:
            if isinstance(part.answer, Choice):
                told = {a[""]: (Fraction(a.get("score", "1")), plain(a.get("feedback", ""))) for a in answers}
                expected = {answer: (credit, feedback) for answer, credit, feedback in cases(part)}
                assert told == {answer: (close(credit), feedback) for answer, (credit, feedback) in expected.items()}
            elif isinstance(part.answer, Order):
                tags = {a["tag"]: a[""] for a in answers if a["correct"] == "true"}
                above = {tags[a["tag"]]: {tags[t] for t in filter(None, a["depends"].split(","))} for a in answers if "tag" in a}
                spell = TexPrinter().line
                lines = [spell(line) for line in part.answer.lines]
                assert above == {line: {lines[k] for k in part.answer.before[n]} for n, line in enumerate(lines)}
                wrong = {a[""]: plain(a["distractor-feedback"]) for a in answers if a["correct"] == "false"}
                assert wrong == {spell(line): slip.feedback for line, slip in part.answer.wrong}


# ---------------------------------------------------------------- auto-multiple-choice


def test_amc_grades_what_is_meant() -> None:
    items = [one for one in TYPED if all(isinstance(part.answer, Numbers | Choice) for part in one.parts)]
    found = texts.amc(text("amc", *items))
    expected = [(part, k, marks) for item in items for part, k, marks in singly(item)]
    printer = ArticlePrinter()
    for question, (part, k, marks) in zip(found, expected, strict=True):
        (place,) = question.places
        for n, (answer, credit, _) in enumerate(cases(part, k)):
            shown = printer.inlines(part.answer.options[n].inlines) if isinstance(part.answer, Choice) else answer
            assert place.graded(shown)[0] == close(marks * credit)
        assert sum(said.credit == marks for said in place.answers) == 1


def test_amc_refuses_a_number_of_too_many_digits() -> None:
    long = replace(QUESTIONS["number"].parts[0], answer=Numbers((entry("f", value("0.0000000001")),)))
    with pytest.raises(DeriveError, match="number of more than 9 digits"):
        text("amc", replace(QUESTIONS["number"], parts=(long,)))


def ticks(question: Question, part: Part, entry: int) -> list[tuple[int | str, Fraction]]:
    """What is ticked on paper for the answers to a question, and the part of its marks that each earns."""
    printer = ArticlePrinter()
    if isinstance(part.answer, Choice):
        options = [said.text for said in question.places[0].answers]
        spelled = [printer.inlines(option.inlines) for option in part.answer.options]
        return [(options.index(one) + 1, option.credit) for one, option in zip(spelled, part.answer.options, strict=True)]
    unit = 10 ** int(re.findall("decimals=([0-9]+)", question.text)[0])
    found = [(Fraction(answer) * unit, credit) for answer, credit, _ in cases(part, entry)]
    return [(str(answer), credit) for answer, credit in found if answer.denominator == 1]


@pytest.mark.needs("amc", "pdflatex", "poppler")
def test_amc_itself_marks_filled_papers(tmp_path: Path) -> None:
    """Papers are printed, ticked and scanned: the key, the edges of its tolerance, every mistake, and nothing at all."""
    items, copies = [QUESTIONS[name] for name in ("number", "several", "choice")], 6
    source = text("amc", *items)
    asked = zip(texts.amc(source), [one for item in items for one in singly(item)], strict=True)
    boxes, expected = players.prepared(source, copies, tmp_path), {}
    for question, (part, k, marks) in asked:
        answers = ticks(question, part, k)
        assert len(answers) < copies
        for copy in range(1, copies + 1):
            answer, credit = answers[copy - 1] if copy <= len(answers) else ("", Fraction(0))
            expected[copy, question.name] = close(marks * credit)
            if answer != "":
                players.crossed(boxes[copy, question.name], answer)
    assert players.marked(tmp_path, copies, [question.name for question in texts.amc(source)]) == expected


# ---------------------------------------------------------------- notebooks


def codes(cells: list[dict[str, Any]]) -> list[str]:
    """What the cells of code of a notebook say."""
    return [cell["source"] for cell in cells if cell["cell_type"] == "code"]


def runs(sources: list[str]) -> bool:
    """Whether code runs to its end, one piece after the other."""
    run = subprocess.run([sys.executable, "-c", "\n".join(sources)], capture_output=True, timeout=60, check=False)
    return run.returncode == 0


def test_nbgrader_finds_its_cells_and_the_student_no_solution() -> None:
    files = packages.package(content("nbgrader", QUESTIONS["code"]))
    source, release = (json.loads(files[f"{folder}/exam/code-1.ipynb"]) for folder in ("source", "release"))
    for notebook in (source, release):
        nbformat.validate(notebook)
        about = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
        assert [one.get("grade_id") for one in about] == [None, None, "double", "test-double"]
        assert [one.get("points") for one in about] == [None, None, None, 4]
        assert all(one["schema_version"] == 3 for one in about[2:])
    assert runs(codes(source["cells"]))
    assert not runs(codes(release["cells"]))
    # What nbgrader makes of the source is what is released.
    solved = "### BEGIN SOLUTION.*### END SOLUTION", "# YOUR CODE HERE\n    raise NotImplementedError()"
    hidden = "\n### BEGIN HIDDEN TESTS.*### END HIDDEN TESTS", ""
    for (pattern, put), k in ((solved, 1), (hidden, 2)):
        assert re.sub(pattern, put, codes(source["cells"])[k], flags=re.DOTALL) == codes(release["cells"])[k]


def test_otter_tests_the_solution_and_shows_the_student_one_check() -> None:
    files = packages.package(content("otter", QUESTIONS["code"]))
    student, solution = (json.loads(files[f"{folder}/code-1/code-1.ipynb"]) for folder in ("student", "solution"))
    for notebook in (student, solution):
        nbformat.validate(notebook)
        assert 'grader.check("double")' in codes(notebook["cells"])
    assert not [name for name, text in files.items() if name.startswith("student") and ("2*x" in text or "double(-1)" in text)]
    space: dict[str, Any] = {}
    exec(files["solution/code-1/tests/double.py"], space)  # noqa: S102 - a test as Otter reads it
    (suite,) = space["test"]["suites"]
    lines = [case["code"].replace(">>> ", "").replace("... ", "") for case in suite["cases"]]
    assert (space["test"]["name"], space["test"]["points"], len(lines)) == ("double", 4, 2)
    written = [code for code in codes(solution["cells"]) if code.startswith("def")]
    assert runs([*written, *lines])
    assert not runs([*[code.replace("2*x", "3*x") for code in written], *lines])


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", EXPORTS)
def test_what_cannot_be_said_is_refused_by_name(name: str) -> None:
    for item in (*ASKED, QUESTIONS["fork"]):
        refused = [part for part in item.parts if not isinstance(part.answer, EXPORTS[name].takes)]
        if name in ("moodle", "gift") and item.name == "fork":
            refused = list(item.parts)
        if name == "prairielearn" and item.name in ("shape", "mixed"):
            refused = [part for part in item.parts if isinstance(part.answer, Text)]
        if not refused:
            assert export(bank([item]), name)
            continue
        with pytest.raises(DeriveError) as error:
            export(bank([item]), name)
        assert EXPORTS[name].called in str(error.value)
        assert refused[0].name in str(error.value)


@pytest.mark.parametrize(("count", "why"), [(1, "a choice of one"), (2, "read the same")])
def test_a_choice_that_is_none_is_refused(count: int, why: str) -> None:
    one = replace(QUESTIONS["choice"].parts[0], answer=Choice(CHOICE.options[:1] * count))
    for name in ("moodle", "canvas"):
        with pytest.raises(DeriveError, match=why):
            export(bank([replace(QUESTIONS["choice"], parts=(one,))]), name)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_bank_is_the_same_file(name: str) -> None:
    items = [one for one in ASKED if all(isinstance(part.answer, EXPORTS[name].takes) for part in one.parts)]
    items = [one for one in items if name != "prairielearn" or one.name not in ("shape", "mixed")]
    first, second = (export(bank(items), name) for _ in range(2))
    assert first == second
    assert [*first] == [file_name(bank([]), name)]
    assert next(iter(first)).endswith(EXPORTS[name].ending)


def test_the_order_of_options_tells_nothing() -> None:
    """It is the same whichever of them is right."""
    spelled = [f"option {k}" for k in range(6)]
    order = [spelled[k] for k in mixed(spelled)]
    for turn in range(6):
        turned = spelled[turn:] + spelled[:turn]
        assert [turned[k] for k in mixed(turned)] == order
    firsts = [mixed([f"{k}.{n}" for n in range(4)])[0] for k in range(400)]
    assert all(60 < firsts.count(n) < 140 for n in range(4))


@pytest.mark.parametrize(("name", "read"), [("moodle", texts.moodle), ("gift", texts.gift)])
def test_the_right_option_stands_anywhere(name: str, read: Callable[[str], list[Question]]) -> None:
    at = set()
    for k in range(12):
        options = tuple(replace(option, inlines=(Math(Raw(f"{k}.{n}")),)) for n, option in enumerate(CHOICE.options))
        item = replace(QUESTIONS["choice"], parts=(replace(QUESTIONS["choice"].parts[0], answer=Choice(options)),), state=k)
        (question,) = read(text(name, item))
        at.add([said.credit for said in question.places[0].answers].index(1))
    assert len(at) > 2


def test_what_the_engine_derives_is_graded_as_it_was_meant(made: Papers) -> None:
    for lang in made.exam.langs:
        items = [q.items[lang][k] for q in made.questions for k in (0, 1)]
        files = {name: b"".join(export(Bank("exam", "Exam", lang, items), name).values()) for name in ("moodle", "gift", "qti")}
        printer = TexPrinter("", lang)
        kinds = {part.kind for one in items for part in one.parts}
        assert kinds >= {"value", "gradient", "formula", "order", "shape", "wrong-line", "graph", "matrix", "check"}
        found = {question.name: question for question in texts.moodle(files["moodle"].decode())}
        for one in items:
            together = [(part, k) for part, k, _ in singly(one) if isinstance(part.answer, cloze.EMBEDDED)]
            numbers = [f"-{n}" for n, part in enumerate(one.parts, 1) if isinstance(part.answer, cloze.EMBEDDED)]
            several = "".join(numbers) if len(numbers) < len(one.parts) else ""
            places = found[f"{one.name}-{one.state}{several}-{lang}"].places
            for place, (part, k) in zip(places, together, strict=True):
                held(place, cases(part, k, printer))
        asked = [(part, k) for one in items for part, k, _ in singly(one)]
        for question, (part, k) in zip(texts.gift(files["gift"].decode()), asked, strict=True):
            held(question.places[0], cases(part, k, printer))
        for one, qti in zip(items, packages.qti(files["qti"]).values(), strict=True):
            packages.check_qti(qti.root)
            qti_held(qti, one, MathmlPrinter("", lang))
        if lang == "fr":
            assert re.search(r"\d\{,\}\d", files["moodle"].decode())


def test_lines_that_are_numbered_stay_in_their_order(made: Papers) -> None:
    (item,) = [q.items["en"][0] for q in made.questions if any(part.kind == "wrong-line" for part in q.items["en"][0].parts)]
    (part,) = [part for part in item.parts if part.kind == "wrong-line"]
    alone = replace(item, parts=(part,))
    (question,) = texts.moodle(text("moodle", alone))
    assert [said.text for said in question.places[0].answers] == [f"line {k + 1}" for k in range(len(question.places[0].answers))]
    assert "<shuffleanswers>false</shuffleanswers>" in text("moodle", alone)
    assert 'shuffle="false"' in "".join(packages.package(content("qti", alone)).values())
    assert "\\begin{choices}[o]" in text("amc", alone)
    assert all(said.text in question.text for said in question.places[0].answers)


def test_pictures_lie_in_the_file() -> None:
    question = text("moodle", pictured())
    assert question.count("<file name=") == 1
    assert "@@PLUGINFILE@@/exam-graph.svg" in question
    assert r"data\:image/svg+xml;base64," in text("gift", pictured())
    for name in ("qti", "canvas"):
        files = packages.package(content(name, pictured()))
        (path,) = (file for file in files if file.endswith("-exam-graph.svg"))
        assert files[path].startswith("<!-- Made by derive")
        assert f'href="{path}"' in files["imsmanifest.xml"]
        assert path in next(files[file] for file in files if "pictured" in files[file] and file != "imsmanifest.xml")
    files = packages.package(content("prairielearn", pictured()))
    assert any(file.endswith("7/clientFilesQuestion/exam-graph.svg") for file in files)


@pytest.mark.parametrize("name", ["qti", "canvas", "prairielearn", "moodle"])
def test_pictures_of_two_states_are_two(name: str) -> None:
    states = [replace(pictured(f"<svg id='{k}'/>".encode()), state=k) for k in range(2)]
    if name == "moodle":
        drawn = re.findall(r'encoding="base64">([^<]*)<', text("moodle", *states))
        assert len(set(drawn)) == len(drawn) == 2
    else:
        files = packages.package(content(name, *states))
        assert len({files[file] for file in files if file.endswith(".svg")}) == 2


def test_words_that_would_open_a_formula_stand_apart() -> None:
    spelled = TexPrinter().text("a \\(b\\) $$c$$ \\[d")
    assert not re.search(r"\\[(\[]|\$\$", spelled)
    assert plain(spelled) == "a \\(b\\) $$c$$ \\[d"


def test_packages_are_the_same_bytes() -> None:
    whole = packed([("a", "é"), ("b", b"2"), ("a", "é")])
    assert whole == packed([("a", "é".encode()), ("b", "2")])
    assert packages.package(whole) == {"a": "é", "b": "2"}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_file_is_known_again(name: str) -> None:
    answers = [CODE] if name in ("nbgrader", "otter") else [CHOICE]
    items = [replace(one, parts=one.parts[:1]) for one in QUESTIONS.values() if one.parts[0].answer in answers]
    found = next(iter(export(replace(bank(items), source="ex--am.md"), name).values()))
    assert made_from(found[:HEAD]) == "ex- -am.md"


def test_right_orders_are_counted() -> None:
    assert arrangements(QUESTIONS["fork"].parts[0].answer, 9) == [(0, 1, 2), (0, 2, 1)]  # type: ignore[arg-type]
    assert len(arrangements(Order(((),) * 4, ((),) * 4), 30)) == 24


def test_mistakes_that_lead_to_one_number_leave_what_the_kindest_does() -> None:
    tensor = QUESTIONS["tensor"].parts[0].answer
    assert isinstance(tensor, Numbers)
    assert [(value.digits, slip.mistake) for value, slip in mistakes(tensor.entries[0])] == [("0", "slope")]
    assert [value.digits for value, _ in mistakes(tensor.entries[1])] == ["4"]


def test_the_page_on_platforms_tells_what_each_takes() -> None:
    page = (ROOT / "docs" / "platforms.md").read_text("utf-8")
    told = {row[0]: row[1:3] for row in re.findall(r"^\| `(\w+)` \| `([^`]*)` \| ([^|]*) \|", page, re.MULTILINE)}
    asked = {name: ", ".join(CALLED[kind] for kind in CALLED if kind in form.takes) for name, form in EXPORTS.items()}
    assert told == {name: (form.ending, asked[name]) for name, form in EXPORTS.items()}


# ---------------------------------------------------------------- planted faults


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("%25%0.5:0.0001", "%33.33333%0.5:0.0001"),
        ("=0.25:0.0001", "=0.25"),
        ("=0.25:0.0001", "=0.26:0.0001"),
        ("A minus sign was lost", "The slope is missing"),
    ],
)
def test_a_planted_fault_is_found(right: str, wrong: str) -> None:
    item = replace(QUESTIONS["mixed"], parts=(QUESTIONS["number"].parts[0], QUESTIONS["mixed"].parts[1]))
    for name, read in (("moodle", texts.moodle), ("gift", texts.gift)):
        spelled = text(name, item)
        assert right in spelled
        held(read(spelled)[0].places[0], cases(item.parts[0]))
        with pytest.raises(AssertionError):
            held(read(spelled.replace(right, wrong))[0].places[0], cases(item.parts[0]))


def test_moodle_takes_no_other_fraction_and_no_comma() -> None:
    spelled = text("moodle", QUESTIONS["number"])
    assert NUMBER in [part.answer for part in QUESTIONS["number"].parts]
    for right, wrong in (('fraction="25"', 'fraction="26"'), ("<![CDATA[0.25]]>", "<![CDATA[0,25]]>")):
        assert right in spelled
        with pytest.raises(AssertionError):
            texts.moodle(spelled.replace(right, wrong))
