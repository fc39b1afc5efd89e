"""The students of an exam: a CSV file with a column `student`, and `lang` where papers are in several languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from derive.errors import CONTROLS, DeriveError, Place, listed, said
from derive.notation.style import Style

NAMES = ("student", "id", "number", "étudiant", "etudiant", "numéro", "numero", "matricule")
"""What the column of the students may be called."""

BYTES, LENGTH = 20_000_000, 100


@dataclass(frozen=True)
class Student:
    """Who gets a paper, and in which language, or in all."""

    name: str
    lang: str = ""


def numbered(count: int) -> tuple[Student, ...]:
    """So many students without names."""
    return tuple(Student(f"{k:0{len(str(count))}d}") for k in range(1, count + 1))


def read_roster(path: Path, langs: Sequence[str]) -> tuple[Student, ...]:
    """The students in a file.  Raises DeriveError, with the line, for one who is twice there, or has no name."""
    header, rows = read_table(path)
    column = student_column(path, header)
    language = next((k for k, name in enumerate(header) if name.lower() in ("lang", "language", "langue")), None)
    found: dict[str, Student] = {}
    for number, row in rows:
        name = row[column].strip()
        place = Place(",".join(row), 0, max(1, len(",".join(row))), number, path.name)
        if not name or CONTROLS.search(name) or len(name) > LENGTH:
            raise DeriveError("A student has a name of at most 100 visible characters.", place)
        if name in found:
            raise DeriveError(said("{name} is in the roster twice.", name=name), place)
        typed = row[language].strip() if language is not None else ""
        lang = _language(typed, langs)
        if lang is None:
            raise DeriveError(said("The exam is not written in '{lang}'.", lang=typed), place)
        found[name] = Student(name, lang)
    if not found:
        raise DeriveError(said("{path} names no student.", path=path.name))
    return tuple(found.values())


def _language(typed: str, langs: Sequence[str]) -> str | None:
    """The language of an exam that a cell names, however it is spelled (`FR`, `fr-CA`, `fr_FR`); None for another.

    >>> [_language(typed, ("en", "fr")) for typed in ("FR", "en-GB", "", "de")]
    ['fr', 'en', '', None]
    """
    spelled = typed.lower().replace("_", "-")
    known = {lang.lower().replace("_", "-"): lang for lang in ("", *langs)}
    return known.get(spelled, known.get(spelled.partition("-")[0]))


def student_column(path: Path, header: Sequence[str]) -> int:
    """The column of the students.  Raises DeriveError where there is none."""
    column = next((k for k, name in enumerate(header) if name.lower() in NAMES), None)
    if column is None:
        raise DeriveError(
            said("{path} has no column 'student'.", path=path.name),
            hint=said("Its columns are {names}.", names=listed(header) or said("without names")),
        )
    return column


def is_empty(path: Path) -> bool:
    """Whether nothing is in a table but its header and the names in its first column, or there is none."""
    if not path.exists():
        return True
    try:
        return not any(cell.strip() for _, row in read_table(path)[1] for cell in row[1:])
    except DeriveError:
        return False


def separator(lang: str) -> str:
    """What stands between the cells of a CSV file where a spreadsheet is in a language: a semicolon if the comma is decimal."""
    return "," if Style(lang, 1, 4, "", "").decimal_sign == "." else ";"


def spreadsheet(text: str) -> str:
    """A table as a file: where the comma is decimal there are accents, which a spreadsheet reads behind a byte order mark."""
    return f"\ufeff{text}" if ";" in text.partition("\n")[0] else text


def cell(text: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text


def read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV file, and its rows with the numbers of their lines, each as long as the header.

    Between columns stands a comma, a semicolon or a tab.  Raises DeriveError for what cannot be read, and for a row that is too
    long or too short.
    """
    try:
        with path.open("rb") as file:
            content = file.read(BYTES + 1)
    except OSError as error:
        raise DeriveError(said("{path} cannot be read: {reason}.", path=path, reason=error.strerror or error)) from None
    if len(content) > BYTES:
        raise DeriveError(said("{path} is too large.", path=path.name))
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DeriveError(
            said("{path}, line {line}: the file is not UTF-8.", path=path.name, line=line), hint="Save it as 'CSV UTF-8'."
        ) from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DeriveError(
            said("{path}, line {line}: {reason}.", path=path.name, line=reader.line_num, reason=str(error))
        ) from None
    if not rows:
        raise DeriveError(said("{path} is empty.", path=path.name))
    header = [cell.strip() for cell in rows[0][1]]
    for number, row in rows[1:]:
        if len(row) != len(header):
            place = Place(delimiter.join(row), 0, max(1, len(delimiter.join(row))), number, path.name)
            raise DeriveError(
                said("The row has {count} cells, and the header {columns}.", count=len(row), columns=len(header)), place
            )
    return header, rows[1:]
