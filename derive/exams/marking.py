"""Answers of many students in, marks and a page for each out: CSV and documents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from derive.calculus.rules import N_
from derive.errors import DeriveError, Place, in_language, listed, nearest, said
from derive.exams.grading import SAID, Graded, Grader, Sheet
from derive.exams.manifest import Manifest, part_of
from derive.exams.mistakes import NAMED
from derive.exams.roster import cell, read_table, separator, student_column
from derive.exams.sheets import EITHER
from derive.naming import slug
from derive.notation.style import decimal
from derive.teaching.document import Document, Inlines, Paragraph, Slide, Strong, Table, inlines
from derive.teaching.page import Page
from derive.teaching.translation import message_translator


@dataclass(frozen=True)
class Answers:
    """The answers in a file: of each student by the parts, in the order of its rows, and the columns that are no part's."""

    students: Mapping[str, Mapping[str, str]]
    ignored: tuple[str, ...]


def read_answers(manifest: Manifest, path: Path) -> Answers:
    """The answers in a CSV file.

    Its columns are `student` and the parts: `product.1`, or `hinge.2.1`, `hinge.2.2` … for the entries of a tensor.  Raises
    DeriveError, with the line, for what is no answer to this exam, and for a column that is called as a part is, and is none.
    """
    header, rows = read_table(path)
    column = student_column(path, header)
    parts = [part_of(part)[0] for q in manifest.questions for part in q["states"][0]["parts"]]
    columns = {k: part for k, name in enumerate(header) if k != column and (part := _part(name, parts, path))}
    found: dict[str, dict[str, str]] = {}
    for number, row in rows:
        student = row[column].strip()
        if student not in manifest.papers and student.removeprefix("'") in manifest.papers:  # as `cell` writes it
            student = student.removeprefix("'")
        place = Place(", ".join(row)[:200], 0, max(1, len(student)), number, path.name)
        if student in found:
            raise DeriveError(said("{name} is there twice.", name=student), place)
        if student not in manifest.papers:
            hint = nearest(student, manifest.papers) or ""
            raise DeriveError(said("{name} has no paper in this exam.", name=student or "''"), place, hint)
        answers = found[student] = {}
        for k, part in columns.items():
            if row[k].strip():
                answers[part] = f"{answers[part]}; {row[k].strip()}" if part in answers else row[k].strip()
    ignored = tuple(name for k, name in enumerate(header) if k != column and k not in columns and name)
    return Answers(found, ignored)


def graded(manifest: Manifest, answers: Answers, lang: str = "") -> Iterator[Sheet]:
    """The students graded, in the order of their rows; a comma is read as `lang` has it, or the language of each."""
    graders = {comma: Grader(manifest, comma) for comma in (False, True)}
    for student, given in answers.students.items():
        own = lang or language_of(manifest, student)
        yield graders[separator(own) == ";"].sheet(student, given)


def language_of(manifest: Manifest, student: str) -> str:
    """The language of a student, or the first of the exam."""
    return manifest.papers[student].lang or manifest.langs[0]


def _part(name: str, parts: Sequence[str], path: Path) -> str:
    """The part that a column is of, "" for none.  Raises DeriveError for one that is called as a part is."""
    if name in parts:
        return name
    before, _, number = name.rpartition(".")
    if before in parts:
        return before
    if not before or not number.isdecimal():
        return ""
    raise DeriveError(
        said("{path} has a column '{name}', and the exam no such part.", path=path.name, name=name),
        hint=nearest(name, parts) or said("Its parts are {names}.", names=listed(parts)),
    )


def table(sheets: Sequence[Sheet], lang: str = "en") -> str:
    """The marks as CSV as a spreadsheet in a language reads it: a row for each student, a column for each part, the sum, and how
    many parts a person decides."""
    page = Page(lang)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator(lang), lineterminator="\n")
    writer.writerow(["student", *(part.part for part in sheets[0].parts), "marks", "of", "open"] if sheets else ["student"])
    for sheet in sheets:
        cells = ["" if part.verdict == "person" else _shown(part.marks, page) for part in sheet.parts]
        writer.writerow([cell(sheet.student), *cells, _shown(sheet.marks, page), _shown(sheet.most, page), sheet.open])
    return out.getvalue()


def _digits(marks: Fraction) -> str:
    return decimal(marks) or f"{float(marks):.2f}"


def page_of(sheet: Sheet, manifest: Manifest, lang: str) -> Document:
    """What a student is told: each part with its marks, and what went wrong."""
    page = Page(lang)
    header = tuple(map(inlines, map(page.say, (N_("Part"), N_("Your answer"), N_("Marks"), N_("Remark")))))
    rows = tuple(
        (
            inlines(part.part),
            inlines(part.answer[:60]),
            inlines(f"{_shown(part.marks, page)}\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}{_shown(part.most, page)}"
                    if part.verdict != "person" else "–"),
            _remark(part, page),
        )
        for part in sheet.parts
    )  # fmt: skip
    total = page.say(N_("{marks} of {most} marks")).format(marks=_shown(sheet.marks, page), most=_shown(sheet.most, page))
    blocks = (
        Paragraph(inlines(Strong(inlines(sheet.student)), f": {total}")),
        Table(header, rows, ("left", "left", "right", "left")),
    )
    return Document(manifest.titles.get(lang, manifest.exam), (Slide((), blocks),), lang, source=manifest.source)


def page_name(sheet: Sheet, manifest: Manifest) -> str:
    """What the page of a student is called, as their paper is: no two are told apart by capitals alone."""
    width = max(3, len(str(len(manifest.papers))))
    return f"{manifest.papers[sheet.student].number:0{width}d}-{slug(sheet.student)}"


def _shown(marks: Fraction, page: Page) -> str:
    return _digits(marks).replace(".", page.style.decimal_sign)


def _remark(part: Graded, page: Page) -> Inlines:
    between = f" {page.say(EITHER)} " if part.either else " "
    said_of = [between.join(page.say(NAMED[mistake].sentence) for mistake in part.mistakes)] if part.mistakes else []
    why = [in_language(part.why, message_translator(page.lang))] if part.why else []
    return inlines(" ".join([f"{page.say(SAID[part.verdict])}.".capitalize(), *said_of, *why]))


def waiting(sheets: Sequence[Sheet]) -> Iterator[str]:
    """What is said of answers that a person decides."""
    if count := sum(sheet.open for sheet in sheets):
        one = said("One answer is for a person to decide.")
        yield one if count == 1 else said("{count} answers are for a person to decide.", count=count)


def absent(manifest: Manifest, answers: Answers, sheets: Sequence[Sheet]) -> Iterator[str]:
    """What is said of columns that are no part's, of students who have a paper and no answers, and of parts nobody answered."""
    if answers.ignored:
        yield said("Columns that are no part of the exam are left out: {names}.", names=", ".join(answers.ignored))
    given = {sheet.student for sheet in sheets}
    if missing := [name for name in manifest.papers if name not in given]:
        yield said("No answers from: {names}.", names=", ".join(missing[:20]) + (" …" if len(missing) > 20 else ""))
    unanswered = [
        parts[0].part for parts in zip(*(sheet.parts for sheet in sheets), strict=True) if not any(p.answer for p in parts)
    ]
    if unanswered:
        yield said("Nobody answered: {names}.", names=", ".join(unanswered))
