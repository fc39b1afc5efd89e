"""An exam is built: papers and keys of each student, banks for learning platforms, the manifest.

What is written is handed over in portions, so that a set of ten thousand papers takes no more memory than one of a hundred, and
one that was interrupted goes on where it stood.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

from derive import __version__
from derive.errors import DeriveError, nearest, said
from derive.exams.formats.bank import Bank
from derive.exams.formats.examclass import exam_class
from derive.exams.formats.exports import EXPORTS, export
from derive.exams.item import Item, Numbers, Paper
from derive.exams.manifest import Manifest, manifest, open_manifest
from derive.exams.papers import Papers, again, some
from derive.exams.roster import Student, cell, separator, spreadsheet
from derive.exams.sheets import Given, sheet
from derive.exams.source import Exam, read_exam
from derive.exams.statistics import statistics
from derive.marks import HEAD, made_from, named
from derive.naming import slug
from derive.teaching.formats.render import FORMATS, check_needs, written

PAPERS = ("pdf", "markdown")
"""The formats that have a file for each student."""

WHOLE = ("latex",)
"""Those that have one for all."""

PORTION = 50
"""So many students' papers are made at a time."""

Files = Mapping[str, str | bytes]


def check_forms(forms: Sequence[str]) -> None:
    """Raises DeriveError for a format that an exam does not have, or that needs what is not installed."""
    known = (*PAPERS, *WHOLE, *EXPORTS)
    for form in forms:
        if form not in known:
            raise DeriveError(
                said("There is no exam format {name!r}.", name=form),
                hint=said("The formats are {names}.", names=", ".join(known)),
            )
        check_needs(form)


@dataclass(frozen=True)
class Portion:
    """Some students' papers: each with its questions in the languages that it is printed in."""

    number: int
    papers: tuple[tuple[Paper, Mapping[str, Sequence[Item]]], ...]


@dataclass(frozen=True)
class Build:
    """What there is to make: `portions` of papers, and the files of the whole."""

    found: Papers
    forms: Sequence[str]
    langs: Sequence[str]
    students: Sequence[Student]

    @property
    def digest(self) -> str:
        """What it is made of: where this is the same, so are the files."""
        languages = [student.lang for student in self.students]
        parts = [__version__, *self.forms, *self.langs, *languages, self.manifest]
        return sha256("\0".join(parts).encode()).hexdigest()

    @property
    def told(self) -> str:
        """What is said of the set when it is made."""
        variants = self.found.variants
        one = said("One paper of {variants} different ones.", variants=variants)
        count = len(self.students)
        return one if count == 1 else said("{count} papers of {variants} different ones.", count=count, variants=variants)

    @cached_property
    def manifest(self) -> str:
        return manifest(self.found)

    @property
    def answers_name(self) -> str:
        """What the empty table of the answers is called."""
        return f"{slug(self.found.exam.name)}.answers.csv"

    @property
    def answers(self) -> str:
        """A table for the answers: the students, and a column for each number or other answer."""
        columns = ["student"]
        for question in self.found.questions:
            for n, part in enumerate(question.items[self.langs[0]][0].parts):
                each = [item.parts[n].answer for item in question.items[self.langs[0]]]
                most = max(len(answer.entries) if isinstance(answer, Numbers) else 1 for answer in each)
                columns += [part.name] if most == 1 else [f"{part.name}.{k}" for k in range(1, most + 1)]
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator(self.langs[0]), lineterminator="\n")
        writer.writerows([columns, *([cell(paper.student), *[""] * (len(columns) - 1)] for paper in self.found.papers)])
        return spreadsheet(out.getvalue())

    def stale(self, folder: Path) -> list[Path]:
        """The papers and keys in a folder that an earlier set of this exam had, and this one has not."""
        if not self._single:
            return []
        name, width = slug(self.found.exam.name), self.width
        papers = {f"{_name(self.found.exam, paper, width)}." for paper in self.found.papers}
        runs = (self.found.papers[k : k + PORTION] for k in range(0, len(self.found.papers), PORTION))
        keys = {f"{name}.{_of_all(paper, other, width)}." for run in runs for paper in run for other in run}
        found = []
        for inner, kept in (("papers", papers), ("keys", keys)):
            for path in sorted((folder / inner).glob(f"{name}.[0-9]*")):
                own = re.match(re.escape(name) + r"\.[^.]*\.", path.name)
                if own and own[0] not in kept and _made_of(path) == named(self.found.exam.lecture.source):
                    found.append(path)
        return found

    @property
    def width(self) -> int:
        """The digits of the number of a paper."""
        return _width(self.students)

    @property
    def count(self) -> int:
        """How many portions there are."""
        return -(-len(self.students) // PORTION) if self._single else 0

    @property
    def _single(self) -> list[str]:
        return [form for form in self.forms if form in PAPERS]

    def portions(self, each: Callable[..., Iterable[Files]], done: Collection[int] = ()) -> Iterator[tuple[int, Files]]:
        """The files of each portion that is not done, in their order; those that students may see lie in `papers/`."""
        exam = replace(self.found.exam, sections=(), graphs={}, texts={})
        wanted = [self._portion(k) for k in range(self.count) if k not in done]
        made = each(partial(_made, exam, self._single, self.width), wanted)
        yield from zip((portion.number for portion in wanted), made, strict=True)

    def bank(self, lang: str) -> Bank:
        """The questions in all the states that were found, each once: a platform draws from them."""
        exam = self.found.exam
        items = (item for q in self.found.questions for item in q.items[lang])
        return Bank(exam.name, exam.lecture.about.title[lang], lang, items, exam.lecture.source)

    def _portion(self, k: int) -> Portion:
        own = slice(k * PORTION, (k + 1) * PORTION)
        chosen = zip(self.students[own], self.found.papers[own], strict=True)
        return Portion(
            k,
            tuple(
                (paper, {lang: self.found.items(paper, lang) for lang in ([student.lang] if student.lang else self.langs)})
                for student, paper in chosen
            ),
        )

    def whole(self) -> Iterator[Files]:
        """The files that are of all students, the manifest last."""
        for lang in self.langs if "latex" in self.forms else ():
            for key in (False, True):
                yield exam_class(self.found, lang, key)
        for lang in self.langs:
            for form in self.forms:
                if form in EXPORTS:
                    yield export(self.bank(lang), form)
        for lang in self.langs:
            for form in self._single or ["markdown"]:
                page = written(statistics(self.found, lang), form)
                yield {f"{slug(self.found.exam.name)}.{lang}.statistics{FORMATS[form].ending}": page.content, **page.files}
        yield {manifest_name(self.found.exam): self.manifest}


def manifest_name(exam: Exam) -> str:
    """What the file of the manifest is called."""
    return f"{slug(exam.name)}.manifest.json"


def kept_in(folder: Path, exam: Exam) -> Manifest | None:
    """The manifest of an exam in a folder, if there is one."""
    path = folder / manifest_name(exam)
    return open_manifest(path) if path.is_file() else None


def keep(exam: Exam, kept: Manifest | None) -> Mapping[str, Sequence[int]] | None:
    """The states of the papers in a manifest, if it is of this very exam: they stay."""
    if kept is None or kept.text != "\n".join(exam.lecture.lines):
        return None
    return {name: kept.states(paper) for name, paper in kept.papers.items()}


def check_kept(found: Papers, kept: Manifest | None, folder: Path) -> None:
    """Raises DeriveError where the manifest in a folder gives a student of this set another paper: what was printed stays."""
    if kept is None:
        return
    path = folder / manifest_name(found.exam)
    for paper in found.papers:
        before = kept.papers.get(paper.student)
        if before is None:
            continue
        new = [item.state for item in found.items(paper, found.exam.langs[0])]
        if kept.states(before) != new or kept.text != "\n".join(found.exam.lecture.lines):
            raise DeriveError(
                said("{path} gives {name} another paper.", path=path, name=paper.student),
                hint="Write to another folder; with --force the papers there are made anew.",
            )


def check_exports(exam: Exam, key: bytes, forms: Sequence[str], langs: Sequence[str]) -> None:
    """Raises DeriveError at once where a format cannot ask a question: one state of each is exported and forgotten."""
    wanted = [form for form in forms if form in EXPORTS]
    if not wanted:
        return
    items = [one for section in exam.sections if (one := some(exam, section, key, langs[0])) is not None]
    for form in wanted:
        export(Bank(exam.name, exam.lecture.about.title[langs[0]], langs[0], items, exam.lecture.source), form)


def reprinted(kept: Manifest, student: str, forms: Sequence[str], langs: Sequence[str]) -> Files:
    """A student's paper and key, as they were.  Raises DeriveError for one who has none."""
    if student not in kept.papers:
        hint = nearest(student, kept.papers)
        raise DeriveError(said("{name} has no paper in this exam.", name=student), hint=hint or "")
    exam, paper = read_exam(kept.text, kept.source), kept.papers[student]
    found = again(exam, [q["mistakes"] for q in kept.questions], kept.states(paper), paper)
    (one,) = found.papers
    width = _width(kept.papers)
    single = [form for form in forms if form in PAPERS]
    if not single:
        raise DeriveError("One paper is printed as pdf or markdown.")
    return _made(exam, single, width, Portion(0, ((one, {lang: found.items(one, lang) for lang in langs}),)))


def _made(exam: Exam, forms: Sequence[str], width: int, portion: Portion) -> Files:
    """A file for each paper; the keys of a portion lie in one."""
    files: dict[str, str | bytes] = {}
    by_lang: dict[str, list[Given]] = {}
    for paper, languages in portion.papers:
        for lang, items in languages.items():
            by_lang.setdefault(lang, []).append((paper, items))
    for lang, given in by_lang.items():
        of_all = _of_all(given[0][0], given[-1][0], width)
        sheets = {f"papers/{_name(exam, paper, width)}.{lang}": sheet(exam, [(paper, items)], lang) for paper, items in given}
        sheets[f"keys/{slug(exam.name)}.{of_all}.{lang}.key"] = sheet(exam, given, lang, key=True)
        for name, document in sheets.items():
            for form in forms:
                page = written(document, form)
                files[f"{name}{FORMATS[form].ending}"] = page.content
                files |= {f"{name.partition('/')[0]}/{other}": content for other, content in page.files.items()}
    return files


def _width(students: Collection[object]) -> int:
    """The digits of the number of a paper among so many."""
    return max(3, len(str(len(students))))


def _made_of(path: Path) -> str | None:
    """The source of a file that derive wrote, None for another."""
    with suppress(OSError), path.open("rb") as file:
        return made_from(file.read(HEAD))
    return None


def _of_all(first: Paper, last: Paper, width: int) -> str:
    """The numbers of the papers whose keys lie in one file."""
    return f"{first.number:0{width}d}" if first == last else f"{first.number:0{width}d}-{last.number:0{width}d}"


def _name(exam: Exam, paper: Paper, width: int) -> str:
    """What the file of a paper is called: it tells who it is for, and nothing of what is in it."""
    return f"{slug(exam.name)}.{paper.number:0{width}d}-{slug(paper.student)}"
