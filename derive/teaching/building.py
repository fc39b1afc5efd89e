"""What a lecture is built to: the files of its languages and formats, and the pictures that no page shows any longer."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from derive.errors import DeriveError, said
from derive.language.sources import read_file
from derive.marks import HEAD, made_from, named
from derive.naming import is_copy, slug
from derive.teaching.formats.printer import Choices
from derive.teaching.formats.render import FORMATS, written
from derive.teaching.lecture import lecture as lectures
from derive.teaching.lecture.frontmatter import FrontMatter
from derive.teaching.lecture.kinds import attempt_lecture
from derive.teaching.lecture.lecture import Drawings, Slow
from derive.teaching.lecture.pictures import MAX_PICTURE, PICTURES


@dataclass(frozen=True)
class Built:
    """What a lecture says of itself, its files by name, its pages among them by language and format, and its mistakes."""

    about: FrontMatter
    files: Mapping[str, str | bytes]
    pages: Mapping[tuple[str, str], str]
    faults: tuple[DeriveError, ...]


def built(
    path: Path,
    forms: Sequence[str],
    lang: str = "",
    choices: Choices = Choices(),  # noqa: B008 - it is frozen
    drawings: Drawings | None = None,
    slow: Slow = lambda what, line: None,
) -> Built:
    """A page `NAME.LANG.ENDING` for each format and language, or for one, with the pictures.  Raises DeriveError where nothing
    can be read.
    """
    lecture = lectures.opened(read_file(path), path.name, path.parent)
    if lang and lang not in lecture.about.langs:
        raise DeriveError(
            said("{path} is not written in {lang!r}.", path=path, lang=lang),
            hint=said("It has {names}.", names=", ".join(lecture.about.langs)),
        )
    langs = [lang] if lang else lecture.about.langs
    tried = {language: attempt_lecture(lecture, language, drawings, slow) for language in langs}
    faults = lectures.distinct([*lecture.faults, *(fault for _, faults in tried.values() for fault in faults)])
    files: dict[str, str | bytes] = {}
    pages: dict[tuple[str, str], str] = {}
    for language, (document, _) in tried.items():
        for form in forms:
            page = written(document, form, choices)
            name = f"{path.stem}.{language}{'.handout' if choices.handout else ''}{FORMATS[form].ending}"
            pages[language, form] = name
            files |= {name: page.content, **page.files}
    return Built(lecture.about, files, pages, tuple(faults))


def stale(lecture: Path, folder: Path, files: Mapping[Path, str | bytes]) -> list[Path]:
    """The pictures in a folder that derive made for this lecture and that no page in the folder, old or new, shows any longer."""

    def read(path: Path, most: int = MAX_PICTURE) -> bytes:
        with path.open("rb") as file:
            return file.read(most)

    def is_own(path: Path) -> bool:
        return made_from(read(path, HEAD)) == named(lecture.name) or is_copy(path.name, read(path))

    name = re.compile(rf"{re.escape(slug(lecture.stem))}-.*\.({'|'.join(PICTURES)})")
    with suppress(OSError):
        there = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink() and path not in files]
        found = [path for path in there if name.fullmatch(path.name) and is_own(path)]
        endings = tuple(row.ending for row in FORMATS.values())
        pages = [read(path) for path in there if found and path.name.endswith(endings)]
        pages += [content.encode(errors="replace") for content in files.values() if isinstance(content, str)]
        return [path for path in found if not any(os.fsencode(path.name) in page for page in pages)]
    return []


def used(path: Path) -> list[Path]:
    """A lecture, and the files that it names, as far as they can be read off it: pictures, sources."""
    with suppress(OSError):
        names = re.findall(rb"[\w./-]+\.(?:bib|jpe?g|json|pdf|png|svg)", path.read_bytes())
        return [path, *(path.parent / name.decode() for name in dict.fromkeys(names))]
    return [path]
