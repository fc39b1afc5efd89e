"""The lines between `---` at the head of a lecture: its title, languages, author and conventions.

The lines are YAML, of which only texts, lists and mappings of texts are taken: a text is what was typed (`1:30`, `012`, `yes`,
`The #1 loss`), never a number or a date; tags, anchors and aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from derive.errors import DeriveError, Place, nearest, said
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
    """What a lecture says of itself.  `title` has an entry for each of `langs`; the conventions are those of `Style`."""

    title: Mapping[str, str]
    langs: tuple[str, ...]
    author: str = ""
    index_base: int = 1
    digits: int = 4


@dataclass(frozen=True)
class Entry:
    """The value of a key, and where it stands."""

    value: Value
    place: Place


def read(lines: list[str]) -> tuple[FrontMatter, int]:
    """The front matter, and the number of lines it takes."""
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
    return _checked(entries, lines[:end]), end + 1


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


def _checked(data: Mapping[str, Entry], lines: list[str]) -> FrontMatter:
    for key, entry in data.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or said("The keys are {names}.", names=", ".join(_KEYS))
            raise DeriveError(said("The front matter has no key '{key}'.", key=key), entry.place, hint)
    if "title" not in data:
        raise DeriveError("The lecture has no title.", _place(lines, 0), EXAMPLE)

    def value(key: str, convert: Callable[[Value], Any], default: Any) -> Any:
        return _converted(data[key], convert, key) if key in data else default

    langs = value("lang", _langs, ("en",))
    titles = value("title", _titles, {})
    if isinstance(titles, str):
        titles = dict.fromkeys(langs, titles)
    missing = [lang for lang in langs if lang not in titles]
    if missing:
        raise DeriveError(
            said("The title is not given in '{missing}'.", missing=missing[0]),
            data["title"].place,
            "Write title: {en: …, fr: …}.",
        )
    return FrontMatter(
        titles, langs, value("author", _text, ""), value("index-base", _whole(0, 1), 1), value("digits", _whole(1, 15), 4)
    )


_KEYS = ("title", "lang", "author", "index-base", "digits")


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


def _uncommented(text: str) -> str:
    """A word without what follows it behind a #: only titles and names may hold one."""
    return re.sub(r"\s+#.*", "", text)


def _place(lines: list[str], k: int) -> Place:
    text = lines[min(k, len(lines) - 1)]
    return Place(text, 0, max(1, len(text)), k + 1)
