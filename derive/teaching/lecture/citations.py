"""Sources that a lecture names: read from a BibTeX or CSL-JSON file, and set by citeproc as its style and language have them."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from derive.errors import DeriveError, Place, nearest, said
from derive.teaching.document import Cite, Emph, Inline, Inlines, Link, Math, Raw, Reference, Strong, Text, merged
from derive.teaching.lecture import bibtex, formulas
from derive.teaching.lecture.dialect import FORMULA, MENTION

STYLE = "harvard-cite-them-right"
"""The style that citeproc-py brings along: authors and year."""

MOST_BYTES = 1 << 20
KINDS = (".bib", ".json")


@dataclass
class Bibliography:
    """The sources of a lecture, and those that it named so far, in one language."""

    keys: Sequence[str]
    style: Any
    lang: str = "en"
    named: list[str] = field(default_factory=list)

    def cite(self, code: str, place: Place) -> Cite:
        """What stands between the square brackets of a citation, as words in round ones."""
        keys, shown = [], []
        for part in code.split(";"):
            found = re.search(MENTION.pattern, part)
            assert found is not None
            before, after = part[: found.start()].strip(), part[found.end() :].rstrip()
            key = self.known(found["key"], place)
            words = self.words(key)
            if before.endswith("-"):
                before, words = before[:-1].strip(), (Text(_year(words)),)
            keys.append(key)
            shown.append(((Text(f"{before} "),) if before else ()) + words + ((Text(after),) if after else ()))
        inner = tuple(piece for k, words in enumerate(shown) for piece in ((Text("; "),) if k else ()) + words)
        return Cite(tuple(keys), merged((Text("("), *inner, Text(")"))))

    def mention(self, code: str, place: Place) -> Cite:
        """A source in the sentence: its authors, and the year in round brackets."""
        key = self.known(code, place)
        words = self.words(key)
        year = _year(words)
        last = words[-1]
        authors = (*words[:-1], Text(last.text.removesuffix(year).rstrip(" ,"))) if isinstance(last, Text) else words
        return Cite((key,), merged((*authors, Text(f" ({year})"))))

    def known(self, key: str, place: Place) -> str:
        """A key of the file, noted as named."""
        if key not in self.keys:
            hint = nearest(key, self.keys) or "The keys are those of the file that 'bibliography' names."
            raise DeriveError(said("There is no source '{key}'.", key=key), place, hint)
        if key not in self.named:
            self.named.append(key)
        return key

    def words(self, key: str) -> Inlines:
        """Authors and year, without the brackets around."""
        from citeproc import Citation, CitationItem

        citation = Citation([CitationItem(key)])
        self.style.register(citation)
        return inlines_of(str(self.style.cite(citation, lambda item: None)).removeprefix("(").removesuffix(")"))

    def references(self) -> tuple[Reference, ...]:
        """The sources that were named, in the order of the style."""
        if not self.named:
            return ()
        entries = zip(self.style.keys, self.style.bibliography(), strict=True)
        return tuple(Reference(key, inlines_of(_spelled(str(entry), self.lang))) for key, entry in entries if key in self.named)


def _spelled(entry: str, lang: str) -> str:
    """An entry with a dash between the first page and the last, and in French a space before the colon of an address."""
    entry = re.sub(r"(\bpp?\.\s*\d+)[-\u2010\u2011](?=\d)", "\\1–", entry)
    return re.sub(r"(?<=\w): (?=https?://)", "\u00a0: ", entry) if lang == "fr" else entry


def _year(words: Inlines) -> str:
    """The year at the end of authors and year."""
    last = words[-1] if words else Text("")
    return last.text.rpartition(", ")[2] if isinstance(last, Text) else ""


def bibliography(path: Path, lang: str, place: Place) -> Bibliography:
    """The sources of a file.  Raises DeriveError, with the place in the lecture, where it cannot be read."""
    # Here, not above: a lecture without sources does without.
    from citeproc import CitationStylesBibliography, CitationStylesStyle, formatter

    content = _content(path, place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = _csl(bibtex.sources(content) if path.suffix.lower() == ".bib" else json.loads(content))
            style = CitationStylesStyle(STYLE, locale=_locale(lang), validate=False)
            made = CitationStylesBibliography(style, source, formatter.html)
    except Exception as error:  # noqa: BLE001 - the parsers of citeproc raise whatever they stumble over
        reason = f"{type(error).__name__}: {error}"[:200]
        raise DeriveError(said("The sources in {path} cannot be read: {reason}.", path=path.name, reason=reason), place) from None
    return Bibliography(tuple(source), _Quiet(made), lang)


class _Quiet:
    """A bibliography of citeproc's that warns of nothing and raises DeriveError alone."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.register = self._guarded(inner.register)
        self.cite = self._guarded(inner.cite)
        self.bibliography = self._guarded(inner.bibliography)

    @property
    def keys(self) -> Sequence[str]:
        return tuple(self.inner.keys)

    @staticmethod
    def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    return function(*arguments)
                except Exception as error:  # noqa: BLE001 - as above
                    raise DeriveError(said("A source cannot be set: {reason}.", reason=str(error)[:200])) from None

        return call


def _content(path: Path, place: Place) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DeriveError("The file of sources is too long: at most 1 MiB is read.", place)
        return content.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise DeriveError(said("The sources in {path} cannot be read: {reason}.", path=path.name, reason=reason), place) from None
    except UnicodeDecodeError:
        raise DeriveError(said("The sources in {path} are not UTF-8.", path=path.name), place) from None


def _csl(entries: Any) -> Any:
    from citeproc.source.json import CiteProcJSON

    return CiteProcJSON(entries)


def _locale(lang: str) -> str:
    """The language as citeproc calls it; British English goes with the style."""
    return {"en": "en-GB"}.get(lang, f"{lang}-{lang.upper()}")


# ---------------------------------------------------------------- from HTML


def inlines_of(html: str) -> Inlines:
    """What citeproc spells in HTML: emphasis, strong words, and addresses as links."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return merged(reader.open[0][1])


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, list[Inline]]] = [("", [])]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) > 1:
            tag, inner = self.open.pop()
            words = merged(inner)
            node: Inline | None = Emph(words) if tag == "i" else Strong(words) if tag == "b" else None
            self.open[-1][1].extend([node] if node else words)

    def handle_data(self, data: str) -> None:
        self.open[-1][1].extend(_linked(data))


def _linked(words: str) -> Iterator[Inline]:
    """Words with the addresses among them as links, and what stands between dollars as formulas, if they can be read."""
    for k, piece in enumerate(re.split(r"(https?://[^\s<>]*[^\s<>.,;)])", words)):
        if k % 2:
            yield Link((Text(piece),), piece)
        elif piece:
            yield from _with_formulas(piece)


def _with_formulas(words: str) -> Iterator[Inline]:
    end = 0
    for found in FORMULA.finditer(words):
        try:
            formula = Math(Raw(formulas.checked(found[1], lambda start, stop: Place(words, start, stop))))
        except DeriveError:
            continue
        yield from (Text(words[end : found.start()]), formula)
        end = found.end()
    yield Text(words[end:])
