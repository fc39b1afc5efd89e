"""An exam is built: papers and keys of each student, banks for learning platforms, the manifest.

What is written is handed over in portions, so that a set of ten thousand papers takes no more memory than one of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derive.errors import DeriveError, said
from derive.exams.formats.examclass import exam_class
from derive.exams.item import Paper
from derive.exams.manifest import manifest
from derive.exams.papers import Papers
from derive.exams.roster import Student
from derive.exams.sheets import sheet
from derive.naming import slug
from derive.teaching.formats.render import FORMATS, check_needs, written

PAPERS = ("pdf", "markdown", "notebook")
"""The formats that have a file for each student."""

PORTION = 50
"""So many students' papers are handed over at a time."""

Files = Mapping[str, str | bytes]


def check_forms(forms: Sequence[str]) -> None:
    """Raises DeriveError for a format that an exam does not have, or that needs what is not installed."""
    known = (*PAPERS, "latex")
    for form in forms:
        if form not in known:
            raise DeriveError(
                said("There is no exam format {name!r}.", name=form),
                hint=said("The formats are {names}.", names=", ".join(known)),
            )
        check_needs(form)


def built(found: Papers, students: Sequence[Student], forms: Sequence[str], lang: str = "") -> Iterator[Files]:
    """The files of an exam by name, in portions; those that students may see lie in `papers/`.

    The manifest comes last: where it lies, everything does.
    """
    langs = [lang] if lang else list(found.exam.langs)
    single = [form for form in forms if form in PAPERS]
    for start in range(0, len(students), PORTION) if single else ():
        files: dict[str, str | bytes] = {}
        for student, paper in zip(students[start : start + PORTION], found.papers[start : start + PORTION], strict=True):
            for language in [student.lang] if student.lang else langs:
                for form in single:
                    files |= _paper(found, paper, language, form)
        yield files
    if "latex" in forms:
        for language in langs:
            for key in (False, True):
                yield exam_class(found, language, key)
    yield {f"{found.exam.name}.manifest.json": manifest(found)}


def name_of(found: Papers, paper: Paper, lang: str) -> str:
    """What the file of a paper is called, without its ending: nothing in it tells an answer."""
    width = max(3, len(str(len(found.papers))))
    return f"{slug(found.exam.name)}.{paper.number:0{width}d}-{slug(paper.student)}.{lang}"


def _paper(found: Papers, paper: Paper, lang: str, form: str) -> Files:
    files: dict[str, str | bytes] = {}
    for folder, key in (("papers", False), ("keys", True)):
        page = written(sheet(found, paper, lang, key), form)
        files[f"{folder}/{name_of(found, paper, lang)}{'.key' if key else ''}{FORMATS[form].ending}"] = page.content
        files |= {f"{folder}/{name}": content for name, content in page.files.items()}
    return files
