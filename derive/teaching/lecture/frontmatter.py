"""The lines between `---` at the head of a lecture: its title, languages, author and conventions.

The lines are YAML, of which only texts, lists and mappings of texts are taken: a text is what was typed (`1:30`, `012`, `yes`,
`The #1 loss`), never a number or a date; tags, anchors and aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

from derive.errors import DeriveError, Place, nearest, said
from derive.teaching.document import Aspect
from derive.teaching.formats import escape
from derive.teaching.translation import languages

EXAMPLE = "A lecture begins:\n---\ntitle: {en: Backpropagation, fr: Rétropropagation}\nlang: [en, fr]\n---"

BRACKETS, CHARACTERS, TEXT = 40, 10_000, 300
"""More than a lecture needs: PyYAML takes seconds over some thousands of open brackets, and a title stands on one line."""

NUMBER_SIGN = "\ufdd0"
"""Stands for # while YAML is read, where it would begin a comment in the middle of a text."""

Value = str | list[str] | dict[str, str]


@dataclass(frozen=True)
class FrontMatter:
    """What a lecture says of itself.

    `title` has an entry for each of `langs`, and so has what else differs between them.  The conventions are those of `Style`;
    `reveal` shows derivations line by line, `logo` and `bibliography` are paths; `number` is its place in a course.
    """

    title: Mapping[str, str]
    langs: tuple[str, ...]
    author: str = ""
    index_base: int = 1
    digits: int = 4
    subtitle: Mapping[str, str] = field(default_factory=dict)
    institute: Mapping[str, str] = field(default_factory=dict)
    date: Mapping[str, str] = field(default_factory=dict)
    logo: str = ""
    aspect: Aspect = "16:9"
    outline: bool = False
    reveal: bool = False
    bibliography: str = ""
    number: int = 99
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where each key stands."""


@dataclass(frozen=True)
class Entry:
    """The value of a key, and where it stands."""

    value: Value
    place: Place


def read(lines: list[str]) -> tuple[FrontMatter, int, tuple[DeriveError, ...]]:
    """The front matter, the number of lines it takes, and what is wrong in it.  Raises DeriveError where it is no YAML."""
    end = next((k for k, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if not lines or lines[0].rstrip() != "---" or end is None:
        raise DeriveError("The lecture has no front matter.", _place(lines, 0) if lines else None, EXAMPLE)
    text = "\n".join(map(_protected, lines[1:end]))
    if len(text) > CHARACTERS:
        raise DeriveError("The front matter cannot be read: it is too long.", _place(lines, 0), EXAMPLE)
    if text.count("[") + text.count("{") > BRACKETS:
        raise DeriveError("The front matter cannot be read: it has too many brackets.", _place(lines, 0), EXAMPLE)
    try:
        entries = _Reader(yaml.parse(text, Loader=yaml.SafeLoader), lines[:end]).entries()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = str(error.problem).replace(NUMBER_SIGN, "#")
        raise DeriveError(
            said("The front matter cannot be read: {problem}.", problem=problem), _place(lines, line), QUOTES
        ) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise DeriveError("The front matter cannot be read: a character is not allowed here.", _place(lines, line)) from None
    about, faults = _checked(entries, lines[:end])
    return about, end + 1, faults


QUOTES = "Put a text with signs in quotes: title: 'Losses: a tour'."
_COMMENT = re.compile(r"(\s*[\w-]+:\s+|\s*-\s+)?([\"'\[{].*[\"'\]}])\s+#.*")


def _protected(line: str) -> str:
    """A line in which # begins a comment only at its start, or behind a value in quotes or brackets."""
    if line.lstrip().startswith("#"):
        return line
    if found := _COMMENT.fullmatch(line):
        line = f"{found[1] or ''}{found[2]}"
    return re.sub(r"(?<=\s)#", NUMBER_SIGN, line)


class _Reader:
    """Reads the events of YAML as entries of texts, lists of texts and mappings of texts."""

    def __init__(self, events: Iterator[yaml.Event], lines: list[str]) -> None:
        self.events, self.lines = events, lines

    def entries(self) -> dict[str, Entry]:
        opened = [next(self.events, None) for _ in range(3)][-1]
        if not isinstance(opened, yaml.MappingStartEvent):
            raise DeriveError("The front matter holds no 'name: value' lines.", _place(self.lines, 0), EXAMPLE)
        self.plain(opened)
        return {key: Entry(value, place) for key, (value, place) in self.pairs(self.value).items()}

    def pairs(self, read: Callable[[yaml.Event, str], Any]) -> dict[str, tuple[Any, Place]]:
        """The keys and values of a mapping that has begun, each with its place."""
        found: dict[str, tuple[Any, Place]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            place = self.at(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise DeriveError("A key of the front matter is a word.", place, EXAMPLE)
            if (key := escape.terminal(self.text(event))) in found:
                raise DeriveError(said("'{key}' is given twice.", key=key), place)
            found[key] = read(next(self.events), key), place
        return found

    def value(self, event: yaml.Event, key: str) -> Value:
        if isinstance(event, yaml.MappingStartEvent):
            self.plain(event)
            return {lang: text for lang, (text, _) in self.pairs(self.text).items()}
        if isinstance(event, yaml.SequenceStartEvent):
            self.plain(event)
            listed = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                listed.append(self.text(item, key))
            return listed
        return self.text(event, key)

    def text(self, event: yaml.Event, key: str = "") -> str:
        self.plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise DeriveError(said("'{key}' holds more than texts.", key=key), self.at(event), EXAMPLE)
        return str(event.value).replace(NUMBER_SIGN, "#")

    def plain(self, event: yaml.Event) -> None:
        """Refuses tags, anchors and aliases."""
        if getattr(event, "tag", None) is not None or getattr(event, "anchor", None) is not None:
            raise DeriveError("The front matter cannot be read: it takes no tags, anchors or aliases.", self.at(event), QUOTES)

    def at(self, event: yaml.Event) -> Place:
        """The line that an event begins in."""
        return _place(self.lines, event.start_mark.line + 1 if event.start_mark else 0)


def _checked(data: Mapping[str, Entry], lines: list[str]) -> tuple[FrontMatter, tuple[DeriveError, ...]]:
    """The front matter, with what a lecture says that leaves a key out in the place of a mistake, and the mistakes."""
    faults: list[DeriveError] = []
    for key, entry in data.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or said("The keys are {names}.", names=", ".join(_KEYS))
            faults.append(DeriveError(said("The front matter has no key '{key}'.", key=key), entry.place, hint))
    if "title" not in data and not any(get_close_matches(key, ["title"]) for key in data):
        faults.append(DeriveError("The lecture has no title.", _place(lines, 0), EXAMPLE))

    def value(key: str, default: Any) -> Any:
        try:
            return _converted(data[key], _KEYS[key], key) if key in data else default
        except DeriveError as error:
            faults.append(error)
            return default

    langs = value("lang", ("en",))

    def texts(key: str) -> Mapping[str, str]:
        found = value(key, "")
        given = found if isinstance(found, dict) else dict.fromkeys(langs, found)
        if missing := [lang for lang in langs if lang not in given]:
            message = said("'{key}' is not given in '{missing}'.", key=key, missing=missing[0])
            faults.append(DeriveError(message, data[key].place, said("Write {key}: {{en: …, fr: …}}.", key=key)))
        return {lang: given.get(lang) or next(iter(given.values()), "") for lang in langs} if any(given.values()) else {}

    titles = texts("title")
    about = FrontMatter(
        titles or dict.fromkeys(langs, ""),
        langs,
        value("author", ""),
        value("index-base", 1),
        value("digits", 4),
        texts("subtitle"),
        texts("institute"),
        texts("date"),
        value("logo", ""),
        value("aspect", "16:9"),
        value("outline", False),
        value("reveal", False),
        value("bibliography", ""),
        value("number", 99),
        {key: entry.place for key, entry in data.items()},
    )
    return about, tuple(faults)


def _converted(entry: Entry, convert: Callable[[Value], Any], key: str) -> Any:
    try:
        return convert(entry.value)
    except ValueError as error:
        raise DeriveError(said("'{key}' must be {error}.", key=key, error=error.args[0]), entry.place) from None


def _text(found: Value) -> str:
    if isinstance(found, str) and 0 < len(found) <= TEXT:
        return found
    raise ValueError(said("text of at most {most} characters", most=TEXT) if found and isinstance(found, str) else said("text"))


def _titles(found: Value) -> str | dict[str, str]:
    if isinstance(found, dict) and found and set(found) <= set(languages()):
        return {lang: _text(title) for lang, title in found.items()}
    if isinstance(found, dict):
        raise ValueError(said("text, or a text for each language: {en: …, fr: …}"))
    return _text(found)


def _langs(found: Value) -> tuple[str, ...]:
    listed = [_uncommented(found)] if isinstance(found, str) else list(found)
    known = languages()
    if not isinstance(found, dict) and listed and all(lang in known for lang in listed):
        return tuple(dict.fromkeys(listed))
    raise ValueError(said("one or several of {names}", names=", ".join(known)))


def _whole(least: int, most: int) -> Callable[[Value], int]:
    def convert(found: Value) -> int:
        digits = _uncommented(found) if isinstance(found, str) else ""
        if re.fullmatch("[0-9]{1,2}", digits) and least <= int(digits) <= most:
            return int(digits)
        raise ValueError(said("a whole number from {least} to {most}", least=least, most=most))

    return convert


def _one_of(**known: Any) -> Callable[[Value], Any]:
    """One of several words, each with what it means."""

    def convert(found: Value) -> Any:
        word = _uncommented(found) if isinstance(found, str) else ""
        if word in known:
            return known[word]
        raise ValueError(said("one of {names}", names=", ".join(known)))

    return convert


def _uncommented(text: str) -> str:
    """A word without what follows it behind a #: only titles and names may hold one."""
    return re.sub(r"\s+#.*", "", text)


_KEYS: Mapping[str, Callable[[Value], Any]] = {
    "title": _titles,
    "lang": _langs,
    "author": _text,
    "index-base": _whole(0, 1),
    "digits": _whole(1, 15),
    "subtitle": _titles,
    "institute": _titles,
    "date": _titles,
    "logo": _text,
    "aspect": _one_of(**{"16:9": "16:9", "4:3": "4:3"}),
    "outline": _one_of(yes=True, no=False),
    "reveal": _one_of(lines=True, no=False),
    "bibliography": _text,
    "number": _whole(1, 99),
}
"""The keys, and what each takes."""


def _place(lines: list[str], k: int) -> Place:
    text = lines[min(k, len(lines) - 1)]
    return Place(text, 0, max(1, len(text)), k + 1)
