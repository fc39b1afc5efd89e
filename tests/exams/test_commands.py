"""`derive exam` and `derive grade`, as a teacher gives them."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import subprocess
from pathlib import Path

import distributed
import pytest

import cli
from derive.errors import DeriveError
from derive.exams import building
from derive.exams.formats.examclass import exam_class
from derive.exams.papers import Papers
from derive.exams.working import working

QUIZ = """---
title: {en: "Quiz", fr: "Interro"}
lang: [en, fr]
---

:::en
## Backward through a product
:::
:::fr
## À travers un produit
:::

```derive define product
f = (u + v)*w
```

```derive question product
vary: u=2..6, v=-3..3, w=-4|-2|3
ask: value f, gradient w, gradient u
marks: 1, 1, 2
```
"""


@pytest.fixture
def quiz(tmp_path: Path) -> Path:
    path = tmp_path / "quiz.md"
    path.write_text(QUIZ, encoding="utf-8")
    return path


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_papers_keys_manifest(quiz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = quiz.parent / "out"
    roster = quiz.parent / "students.csv"
    roster.write_text("student;lang\nada;EN\nélodie;fr-CA\n", encoding="utf-8")
    assert run("exam", quiz, "--roster", roster, "--format", "markdown", "-o", out, "--workers", 1) == 0
    assert "2 papers of" in capsys.readouterr().err
    found = names(out)
    assert [name for name in found if name.startswith("papers/")] == [
        "papers/quiz.001-ada.en.md",
        "papers/quiz.002-elodie-36bac2.fr.md",
    ]
    assert {"quiz.manifest.json", "keys/quiz.001.en.key.md", "keys/quiz.002.fr.key.md"} <= set(found)
    assert stat.S_IMODE((quiz.parent / "quiz.key").stat().st_mode) == 0o600
    paper = next(out.glob("papers/*fr.md")).read_text(encoding="utf-8")
    assert "À travers un produit" in paper
    assert "Calculer" in paper
    assert "marks" not in paper
    assert all(f"`product.{k}`" in paper for k in (1, 2, 3))
    # Grading the keys of the manifest earns everything.
    manifest = json.loads((out / "quiz.manifest.json").read_text(encoding="utf-8"))
    states = manifest["questions"][0]["states"]
    rows = [
        [p["student"], *(part["answer"]["key"][0][0].replace(".", ",") for part in states[p["states"][0]]["parts"])]
        for p in manifest["papers"]
    ]
    answers = quiz.parent / "answers.csv"
    with answers.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([["student", "product.1", "product.2", "product.3"], *rows])
    marks, pages = quiz.parent / "marks.csv", quiz.parent / "pages"
    assert run("grade", out / "quiz.manifest.json", answers, "-o", marks, "--pages", pages, "--lang", "fr") == 0
    graded = list(csv.DictReader(marks.open(encoding="utf-8-sig"), delimiter=";"))
    assert [(row["student"], row["marks"], row["open"]) for row in graded] == [("ada", "4", "0"), ("élodie", "4", "0")]
    assert "4 points sur 4" in (pages / "001-ada.md").read_text(encoding="utf-8")
    # Without a word, each has a page in the language of their paper, and is read in it.
    assert run("grade", out / "quiz.manifest.json", answers, "-o", marks, "--pages", pages, "--force") == 0
    assert "4 of 4 marks" in (pages / "001-ada.md").read_text(encoding="utf-8")
    assert "Interro" in (page := (pages / "002-elodie-36bac2.md").read_text(encoding="utf-8"))
    assert "4 points sur 4" in page
    assert marks.read_text(encoding="utf-8").startswith("student,product.1,")


def test_an_empty_table_for_the_answers(quiz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has a column for each answer, follows the roster while it is empty, and is never written over with answers in it."""
    out, table = quiz.parent / "out", quiz.parent / "out" / "quiz.answers.csv"
    words = ("exam", quiz, "--format", "markdown", "-o", out, "--workers", 1)
    assert run(*words, "--variants", 2) == 0
    assert table.read_text("utf-8").splitlines() == ["student,product.1,product.2,product.3", "1,,,", "2,,,"]
    assert run("grade", out / "quiz.manifest.json", table) == 0
    assert "Nobody answered: product.1, product.2, product.3" in capsys.readouterr().err
    assert run(*words, "--variants", 1) == 0
    table.write_text("student,product.1\n1,3\n", encoding="utf-8")
    assert run(*words, "--variants", 1, "--lang", "fr") == 0
    assert table.read_text("utf-8") == "student,product.1\n1,3\n"
    table.unlink()
    assert run(*words, "--variants", 1, "--lang", "fr") == 0
    assert table.read_text("utf-8-sig").splitlines() == ["student;product.1;product.2;product.3", "1;;;"]


def test_what_an_earlier_larger_set_had_goes(quiz: Path) -> None:
    """Papers and keys of students who are no more; nothing that somebody else wrote, and nothing of other languages."""
    out = quiz.parent / "out"
    words = ("exam", quiz, "--format", "markdown", "-o", out, "--workers", 1)
    assert run(*words, "--variants", 12) == 0
    own = out / "papers" / "quiz.099-mine.en.md"
    own.write_text("mine", encoding="utf-8")
    assert run(*words, "--variants", 12, "--lang", "fr") == 0
    assert len(list(out.glob("papers/*.en.md"))) == 13
    roster = quiz.parent / "students.csv"
    roster.write_text("student\n03\n05\n", encoding="utf-8")
    before = {p.name[-8:]: p.read_text("utf-8") for p in out.glob("papers/*0[35].en.md")}
    assert run(*words, "--roster", roster) == 0
    kept = [f"quiz.00{k}-{name}.{lang}.md" for k, name in ((1, "03"), (2, "05")) for lang in ("en", "fr")]
    assert names(out / "papers") == [*kept, "quiz.099-mine.en.md"]
    assert names(out / "keys") == ["quiz.001-002.en.key.md", "quiz.001-002.fr.key.md"]
    assert {p.name[-8:]: p.read_text("utf-8") for p in out.glob("papers/*0[35].en.md")} == before


def test_who_has_a_paper_keeps_it(quiz: Path) -> None:
    """Whoever comes besides, and in whatever order; a bank for a platform leaves papers and manifest as they are."""
    out, roster = quiz.parent / "out", quiz.parent / "students.csv"
    words = ("exam", quiz, "--format", "markdown", "-o", out, "--workers", 1, "--lang", "en")
    roster.write_text("student\nada\nAda\nbob\n", encoding="utf-8")
    assert run(*words, "--roster", roster) == 0
    given = {p["student"]: p["states"] for p in json.loads((out / "quiz.manifest.json").read_text("utf-8"))["papers"]}
    assert run("exam", quiz, "--format", "gift", "-o", out, "--workers", 1) == 0
    assert len(names(out / "papers")) == 3
    roster.write_text("student\nzoe\nbob\nAda\nada\n", encoding="utf-8")
    assert run(*words, "--roster", roster) == 0
    now = {p["student"]: p["states"] for p in json.loads((out / "quiz.manifest.json").read_text("utf-8"))["papers"]}
    assert given.items() < now.items()
    answers = quiz.parent / "answers.csv"
    answers.write_text("student,product.1\nada,3\nAda,3\n", encoding="utf-8")
    assert run("grade", out / "quiz.manifest.json", answers, "--pages", quiz.parent / "pages") == 0
    assert len({name.lower() for name in names(quiz.parent / "pages")}) == 2


def test_a_format_that_cannot_ask_says_so_at_once(
    quiz: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quiz.write_text(QUIZ.replace("gradient w,", "derive w,"), encoding="utf-8")
    monkeypatch.setattr("derive.exams.papers.pool", lambda *_: pytest.fail("states were looked for"))
    for form in ("amc", "markdown,prairielearn", "otter"):
        assert run("exam", quiz, "--format", form, "-o", quiz.parent / "out", "--workers", 1) == 1
        assert "cannot ask part product." in capsys.readouterr().err
    assert not (quiz.parent / "out").exists()


def test_few_states_and_what_blocks_them_are_told(quiz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("exam", quiz, "--format", "markdown", "-o", quiz.parent / "out", "--workers", 1)
    few = QUIZ.replace("u=2..6, v=-3..3, w=-4|-2|3", "u=2, v=1..3, w=-2|-1|2|3\ndifficulty: hard")
    quiz.write_text(few, encoding="utf-8")
    assert run(*words, "--variants", 4) == 0
    told = capsys.readouterr().err
    assert "The question product has 6 states: neighbours may share one." in told
    assert "In 3 states left out, brackets and factor lead to the same." in told
    page = next(quiz.parent.glob("out/*fr.statistics.md")).read_text("utf-8")
    assert "| brackets\N{NO-BREAK SPACE}: à la même réponse que factor | 3 |" in page
    assert "Les parenthèses ont été oubliées" in page
    assert "gradient | own-factor, factor, brackets" in page
    assert "| difficile |" in page


def test_one_paper_again_to_the_byte(quiz: Path) -> None:
    out, again = quiz.parent / "out", quiz.parent / "again"
    assert run("exam", quiz, "--variants", 3, "--format", "markdown", "-o", out, "--workers", 1) == 0
    assert run("exam", out / "quiz.manifest.json", "--student", "2", "--format", "markdown", "-o", again) == 0
    for path in again.glob("papers/*"):
        assert path.read_bytes() == (out / "papers" / path.name).read_bytes()
    assert len(list(again.glob("papers/*"))) == 2


def test_an_interrupted_run_goes_on(quiz: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written before stays as it is; the rest, and the manifest, follow; then nothing tells of it."""
    monkeypatch.setattr(building, "PORTION", 2)
    out = quiz.parent / "out"
    made = building._made
    calls: list[int] = []

    def failing(exam: object, forms: object, width: int, portion: building.Portion) -> object:
        calls.append(portion.number)
        if portion.number == 1 and len(calls) == 2:
            raise OSError(28, "No space left on device")
        return made(exam, forms, width, portion)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "_made", failing)
    words = ("exam", quiz, "--variants", 5, "--format", "markdown", "-o", out, "--workers", 1)
    assert run(*words) == 1
    assert "No space left" in capsys.readouterr().err
    assert not (out / "quiz.manifest.json").exists()
    first = {path: path.stat().st_mtime_ns for path in out.glob("papers/*")}
    assert len(first) == 4
    assert run(*words) == 0
    assert calls == [0, 1, 1, 2]
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert len(list(out.glob("papers/*"))) == 10
    assert not list(out.glob(".*"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name\nada\n", "has no column 'student'"),
        (b"student\nada\nada\n", "line 3"),
        (b"student\n\xe9lodie\n", "line 2: the file is not UTF-8"),
        (b"student,lang\nada,de\n", "not written in 'de'"),
        (b"student,lang\nada\n", "The row has 1 cells"),
        (b"", "is empty"),
        (b"student\n", "names no student"),
        (b"student\n\x1b[31m\n", "visible characters"),
    ],
)
def test_a_roster_that_is_wrong(quiz: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    roster = quiz.parent / "students.csv"
    roster.write_bytes(content)
    out = quiz.parent / "out"
    assert run("exam", quiz, "--roster", roster, "--format", "markdown", "-o", out, "--workers", 1) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_roster_of_a_spreadsheet(quiz: Path, encoding: str) -> None:
    roster = quiz.parent / "students.csv"
    roster.write_text("student\télève\nzoë\tx\n", encoding=encoding)
    assert run("exam", quiz, "--roster", roster, "--format", "markdown", "-o", quiz.parent / "out", "--workers", 1) == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gradient w", "gradient q", "There is no q in this graph"),
        ("gradient w", "slope w", "Nothing is asked by slope"),
        ("value f", "value u", "u is given"),
        ("gradient u", "gradient w", "gradient w is asked twice"),
        ("marks: 1, 1, 2", "```\n\n```derive question product\nask: value f", "value f is asked twice"),
        ("u=2..6", "u=6..2", "The range is empty"),
        ("u=2..6", "u=a", "is no number"),
        ("u=2..6, ", "", "'u'|u "),
        ("marks: 1, 1, 2", "marks: 1, 1", "There are as many marks"),
        ("marks: 1, 1, 2", "mistakes: none", "There is no mistake named none"),
        ("marks: 1, 1, 2", "require: u > 9", "holds in no state"),
        ("marks: 1, 1, 2", "colour: red", "has no option 'colour'"),
        ("derive question product", "derive question produkt", "There is no graph 'produkt'"),
    ],
)
def test_an_exam_that_is_wrong(quiz: Path, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert old in QUIZ
    quiz.write_text(QUIZ.replace(old, new), encoding="utf-8")
    assert run("exam", quiz, "-o", quiz.parent / "out", "--workers", 1) == 1
    told = capsys.readouterr().err
    assert re.search(message, told), told
    assert "quiz.md, line" in told
    assert "Traceback" not in told


def test_answers_that_are_wrong(quiz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = quiz.parent / "out"
    assert run("exam", quiz, "--variants", 2, "--format", "markdown", "-o", out, "--workers", 1) == 0
    answers = quiz.parent / "answers.csv"
    for content, message in {
        "student,product.1\n9,3\n": "9 has no paper",
        "student,produce.1\n1,3\n": "has a column 'produce.1'",
        "student,product.1\n1,3\n1,4\n": "1 is there twice",
        "who,product.1\n1,3\n": "has no column 'student'",
    }.items():
        answers.write_text(content, encoding="utf-8")
        assert run("grade", out / "quiz.manifest.json", answers) == 1
        assert message in capsys.readouterr().err
    assert run("grade", quiz, answers) == 1
    assert "is no manifest" in capsys.readouterr().err
    # What a person decides is counted, and formulas of a spreadsheet stay text.
    answers.write_text("student,product.1,product.2\n1,=cmd(),7\n2,\x1b[31m,1e999\n", encoding="utf-8")
    assert run("grade", out / "quiz.manifest.json", answers) == 0
    assert "2 answers are for a person" in capsys.readouterr().err
    answers.write_text("student,product.1,e-mail,remark\n1,?,a@b,\n", encoding="utf-8")
    assert run("grade", out / "quiz.manifest.json", answers) == 0
    told = capsys.readouterr().err
    assert "no part of the exam are left out: e-mail, remark." in told
    assert "One answer is for a person" in told


def test_papers_for_latex_and_as_pdf(quiz: Path) -> None:
    """All students in one file of the class exam, and a PDF for each."""
    out = quiz.parent / "out"
    assert run("exam", quiz, "--variants", 2, "--format", "latex,markdown", "-o", out, "--workers", 1, "--lang", "fr") == 0
    paper, key = (out / name for name in ("papers/quiz.fr.tex", "keys/quiz.fr.key.tex"))
    assert paper.read_text(encoding="utf-8").count(r"\begin{questions}") == 2
    assert r"\begin{solution}" in key.read_text(encoding="utf-8")
    assert r"\begin{solution}" not in paper.read_text(encoding="utf-8")


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("key", [False, True])
def test_pdflatex_sets_the_class_exam(made: Papers, key: bool, tmp_path: Path) -> None:
    """Without an error, a missing character, or a line that sticks out far."""
    files = exam_class(made, "fr", key)
    for name, content in files.items():
        path = tmp_path / Path(name).name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = next(path for path in tmp_path.glob("*.tex"))
    set_ = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name], cwd=tmp_path, capture_output=True, check=False
    )
    log = set_.stdout.decode("latin-1")
    assert set_.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0) < 20, wide


@pytest.mark.needs("typst")
def test_a_pdf_for_each_student(quiz: Path) -> None:
    out = quiz.parent / "out"
    assert run("exam", quiz, "--variants", 2, "--format", "pdf", "-o", out, "--workers", 1, "--lang", "en") == 0
    papers = sorted(out.glob("papers/*.pdf"))
    assert len(papers) == 2
    assert all(path.read_bytes().startswith(b"%PDF-") for path in (*papers, *out.glob("keys/*.pdf")))


def test_a_cluster_that_is_not_there(quiz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("exam", quiz, "--scheduler", "nowhere", "-o", quiz.parent / "out") == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_cluster_makes_the_same_papers(quiz: Path) -> None:
    here, there = quiz.parent / "here", quiz.parent / "there"
    words = ("exam", quiz, "--variants", 3, "--format", "markdown", "--lang", "en")
    assert run(*words, "-o", here, "--workers", 1) == 0
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50
    ) as cluster:
        assert run(*words, "-o", there, "--scheduler", cluster.scheduler_address) == 0
    assert names(here) == names(there)
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in names(here))


def test_a_worker_that_is_killed() -> None:
    with pytest.raises(DeriveError, match="was killed"), working(2) as each:
        list(each(os._exit, [1, 1]))
