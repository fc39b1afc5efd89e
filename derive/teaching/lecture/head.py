"""What the front matter puts on pages: the title page with its formulas and logo, and the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from derive.errors import DeriveError, Place
from derive.teaching.document import Cover, Inline, Inlines, Math, Raw, Text, merged
from derive.teaching.lecture import formulas
from derive.teaching.lecture.citations import KINDS, Bibliography, bibliography
from derive.teaching.lecture.containers import Report
from derive.teaching.lecture.dialect import FORMULA
from derive.teaching.lecture.frontmatter import FrontMatter
from derive.teaching.lecture.pictures import below, picture
from derive.teaching.translation import typeset


@dataclass(frozen=True)
class Head:
    """The title page, and the sources that the lecture may name."""

    cover: Cover
    sources: Bibliography | None = None


def head(about: FrontMatter, lang: str, folder: Path | None, report: Report) -> Head:
    """The head of a lecture in one language; what is wrong in it is reported, and left out."""

    def words(key: str, texts: Mapping[str, str]) -> Inlines:
        try:
            return _inlines(texts.get(lang, ""), lang, about.places.get(key))
        except DeriveError as error:
            report(error)
            return (Text(texts[lang]),)

    cover = Cover(
        words("title", about.title),
        words("subtitle", about.subtitle),
        words("author", dict.fromkeys(about.langs, about.author)),
        words("institute", about.institute),
        words("date", about.date),
    )
    sources = None
    try:
        if about.logo:
            cover = replace(cover, logo=picture(Path(about.logo), folder, about.places["logo"]))
    except DeriveError as error:
        report(error)
    try:
        if about.bibliography:
            sources = _sources(about.bibliography, lang, folder, about.places["bibliography"])
    except DeriveError as error:
        report(error)
    return Head(cover, sources)


def _sources(name: str, lang: str, folder: Path | None, place: Place) -> Bibliography:
    path = Path(name)
    if path.suffix.lower() not in KINDS:
        raise DeriveError("Sources are a file of BibTeX, FILE.bib, or of CSL, FILE.json.", place)
    whole = below(path, folder)
    if whole is None or folder is None or (whole.exists() and not whole.resolve().is_relative_to(folder.resolve())):
        raise DeriveError("The file of sources lies in the lecture's folder or below.", place)
    return bibliography(whole, lang, place)


def _inlines(text: str, lang: str, place: Place | None) -> Inlines:
    """A text of the front matter: words, and formulas between dollars."""
    out: list[Inline] = []
    end = 0
    for found in FORMULA.finditer(text):

        def at(start: int, stop: int, code: str = found[1]) -> Place:
            assert place is not None
            column = max(place.text.find(code), 0)
            return replace(place, start=column + start, end=column + max(start + 1, stop))

        out += [Text(typeset(text[end : found.start()], lang)), Math(Raw(formulas.checked(found[1], at)))]
        end = found.end()
    return merged([*out, Text(typeset(text[end:], lang))])
