"""Answers of many students in, marks and a page for each out: CSV and documents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from derive.calculus.rules import N_
from derive.errors import DeriveError, Place, in_language, listed, nearest, said
from derive.exams.grading import SAID, Graded, Grader, Sheet
from derive.exams.manifest import Manifest, part_of
from derive.exams.mistakes import NAMED
from derive.exams.roster import read_table, student_column
from derive.notation.style import decimal
from derive.teaching.document import Document, Inlines, Paragraph, Slide, Strong, Table, inlines
from derive.teaching.page import Page
from derive.teaching.translation import message_translator


def graded(manifest: Manifest, path: Path, comma: bool = False) -> Iterator[Sheet]:
    """The students in a CSV file of answers, graded in its order.

    Its columns are `student` and the parts: `product.1`, or `hinge.2.1`, `hinge.2.2` … for the entries of a tensor.  Raises
    DeriveError, with the line, for what is no answer to this exam; nothing else is graded then.
    """
    header, rows = read_table(path)
    column = student_column(path, header)
    parts = [part_of(part)[0] for q in manifest.questions for part in q["states"][0]["parts"]]
    columns = {k: _part(name, parts, path) for k, name in enumerate(header) if k != column and name}
    seen: set[str] = set()
    for number, row in rows:
        student = row[column].strip()
        place = Place(", ".join(row)[:200], 0, max(1, len(student)), number, path.name)
        if student in seen:
            raise DeriveError(said("{name} is there twice.", name=student), place)
        if student not in manifest.papers:
            hint = nearest(student, manifest.papers) or ""
            raise DeriveError(said("{name} has no paper in this exam.", name=student or "''"), place, hint)
        seen.add(student)
    grader = Grader(manifest, comma)
    for _, row in rows:
        answers: dict[str, str] = {}
        for k, part in columns.items():
            if row[k].strip():
                answers[part] = f"{answers[part]}; {row[k].strip()}" if part in answers else row[k].strip()
        yield grader.sheet(row[column].strip(), answers)


def _part(name: str, parts: Sequence[str], path: Path) -> str:
    """The part that a column is of.  Raises DeriveError for another column."""
    if name in parts:
        return name
    if name.rpartition(".")[0] in parts:
        return name.rpartition(".")[0]
    raise DeriveError(
        said("{path} has a column '{name}', and the exam no such part.", path=path.name, name=name),
        hint=nearest(name, parts) or said("Its parts are {names}.", names=listed(parts)),
    )


def table(sheets: Sequence[Sheet]) -> str:
    """The marks as CSV: a row for each student, a column for each part, the sum, and how many parts a person decides."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["student", *(part.part for part in sheets[0].parts), "marks", "of", "open"] if sheets else ["student"])
    for sheet in sheets:
        cells = ["" if part.verdict == "person" else _digits(part.marks) for part in sheet.parts]
        writer.writerow([_cell(sheet.student), *cells, _digits(sheet.marks), _digits(sheet.most), sheet.open])
    return out.getvalue()


def _digits(marks: Fraction) -> str:
    return decimal(marks) or f"{float(marks):.2f}"


def _cell(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text


def page_of(sheet: Sheet, manifest: Manifest, title: str, lang: str) -> Document:
    """What a student is told: each part with its marks, and what went wrong."""
    page = Page(lang)
    header = tuple(map(inlines, map(page.say, (N_("Part"), N_("Your answer"), N_("Marks"), N_("Remark")))))
    rows = tuple(
        (
            inlines(part.part),
            inlines(part.answer[:60]),
            inlines(f"{_shown(part.marks, page)} / {_shown(part.most, page)}" if part.verdict != "person" else "–"),
            _remark(part, page),
        )
        for part in sheet.parts
    )
    total = page.say(N_("{marks} of {most} marks")).format(marks=_shown(sheet.marks, page), most=_shown(sheet.most, page))
    blocks = (
        Paragraph(inlines(Strong(inlines(sheet.student)), f": {total}")),
        Table(header, rows, ("left", "left", "right", "left")),
    )
    return Document(title, (Slide((), blocks),), lang, source=manifest.source)


def _shown(marks: Fraction, page: Page) -> str:
    return _digits(marks).replace(".", page.style.decimal_sign)


def _remark(part: Graded, page: Page) -> Inlines:
    said_of = [page.say(NAMED[mistake].sentence) for mistake in part.mistakes]
    why = [in_language(part.why, message_translator(page.lang))] if part.why else []
    return inlines(" ".join([f"{page.say(SAID[part.verdict])}.".capitalize(), *said_of, *why]))


def absent(manifest: Manifest, sheets: Sequence[Sheet]) -> Iterator[str]:
    """What is said of students who have a paper and no answers, and of parts that nobody answered."""
    given = {sheet.student for sheet in sheets}
    if missing := [name for name in manifest.papers if name not in given]:
        yield said("No answers from: {names}.", names=", ".join(missing[:20]) + (" …" if len(missing) > 20 else ""))
    unanswered = [
        parts[0].part for parts in zip(*(sheet.parts for sheet in sheets), strict=True) if not any(p.answer for p in parts)
    ]
    if unanswered:
        yield said("Nobody answered: {names}.", names=", ".join(unanswered))
