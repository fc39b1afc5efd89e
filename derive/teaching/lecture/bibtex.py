"""Sources in BibTeX as CSL has them: the entries that pybtex reads, under the names and types of CSL-JSON."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Any

TYPES: Mapping[str, str] = {
    "article": "article-journal",
    "book": "book",
    "booklet": "pamphlet",
    "conference": "paper-conference",
    "inbook": "chapter",
    "incollection": "chapter",
    "inproceedings": "paper-conference",
    "manual": "report",
    "mastersthesis": "thesis",
    "online": "webpage",
    "phdthesis": "thesis",
    "proceedings": "book",
    "report": "report",
    "techreport": "report",
    "thesis": "thesis",
}
"""The types of BibTeX and BibLaTeX; any other is a document."""

FIELDS: Mapping[str, str] = {
    "title": "title",
    "journal": "container-title",
    "journaltitle": "container-title",
    "booktitle": "container-title",
    "series": "collection-title",
    "volume": "volume",
    "number": "issue",
    "pages": "page",
    "publisher": "publisher",
    "school": "publisher",
    "institution": "publisher",
    "address": "publisher-place",
    "location": "publisher-place",
    "edition": "edition",
    "doi": "DOI",
    "url": "URL",
    "isbn": "ISBN",
}
"""The fields, the earlier before the later where several mean the same."""


def sources(text: str) -> list[dict[str, Any]]:
    """The entries of a text.  Raises what pybtex raises where it is no BibTeX, with the number of the line."""
    from pybtex.database import parse_string

    return [_source(key, entry) for key, entry in parse_string(text, "bibtex").entries.items()]


def _source(key: str, entry: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"id": key, "type": TYPES.get(entry.type.lower(), "document")}
    for field, name in FIELDS.items():
        if field in entry.fields and name not in found:
            found[name] = plain(entry.fields[field])
    if address := re.search(r"\\url\{([^{}]*)\}", entry.fields.get("howpublished", "")):
        found.setdefault("URL", address[1])
    if "page" in found:
        found["page"] = re.sub("[-–]+", "-", found["page"])
    for role in ("author", "editor"):
        if role in entry.persons:
            found[role] = _people([_person(person) for person in entry.persons[role]])
    if year := re.search(r"\d{4}", entry.fields.get("year", entry.fields.get("date", ""))):
        found["issued"] = {"date-parts": [[int(year[0])]]}
    return found


MANY = 4
"""From so many names on the style names the first, and says that there are others."""


def _people(people: list[dict[str, str]]) -> list[dict[str, str]]:
    """The names; BibTeX writes `and others` for those that are left out, which CSL knows by their number alone."""
    return people if people[-1] != {"family": "others"} else people[:-1] + people[-1:] * MANY


def _person(person: Any) -> dict[str, str]:
    parts = {
        "family": person.prelast_names + person.last_names,
        "given": person.first_names + person.middle_names,
        "suffix": person.lineage_names,
    }
    return {name: plain(" ".join(words)) for name, words in parts.items() if words}


def plain(text: str) -> str:
    r"""The text of a field without LaTeX: its accents as letters, its commands and braces gone, its formulas as they are.

    >>> plain(r"{ImageNet} \\& {\\'e}t{\\'e}, \\emph{so} $x_{1}$".replace("\\\\", "\\"))
    'ImageNet & été, so $x_{1}$'
    """
    import latexcodec  # noqa: F401 - it makes the codec known

    decode: Callable[[Any, str], str] = codecs.decode  # of text to text, which its types do not know
    pieces = re.split(r"(\$[^$]*\$)", text)
    return "".join(piece if k % 2 else _bare(decode(piece, "ulatex")) for k, piece in enumerate(pieces)).strip()


def _bare(text: str) -> str:
    return re.sub(r"[{}]|\\[A-Za-z]+ ?|\\(?=\W)", "", text)
