"""The lines between `---` at the head of a lecture: its title, languages, author and conventions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from derive.errors import DeriveError, Place, nearest
from derive.teaching.translation import languages

EXAMPLE = "A lecture begins:\n---\ntitle: {en: Backpropagation, fr: Rétropropagation}\nlang: [en, fr]\n---"

BRACKETS = 40
"""More than a lecture needs; PyYAML takes seconds over some thousands of open ones."""


@dataclass(frozen=True)
class FrontMatter:
    """What a lecture says of itself.  `title` has an entry for each of `langs`; the conventions are those of `Style`."""

    title: Mapping[str, str]
    langs: tuple[str, ...]
    author: str = ""
    index_base: int = 1
    digits: int = 4


def read(lines: list[str]) -> tuple[FrontMatter, int]:
    """The front matter, and the number of lines it takes."""
    end = next((k for k, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if not lines or lines[0].rstrip() != "---" or end is None:
        raise DeriveError("The lecture has no front matter.", _place(lines, 0) if lines else None, EXAMPLE)
    text = "\n".join(lines[1:end])
    if text.count("[") + text.count("{") > BRACKETS:
        raise DeriveError("The front matter cannot be read: it has too many brackets.", _place(lines, 0), EXAMPLE)
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DeriveError(f"The front matter cannot be read: {error.problem}.", _place(lines, line)) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise DeriveError("The front matter cannot be read.", _place(lines, 0), EXAMPLE) from None
    if not isinstance(data, dict):
        raise DeriveError("The front matter holds no 'name: value' lines.", _place(lines, 0), EXAMPLE)
    return _checked(data, lines[:end]), end + 1


def _checked(data: Mapping[Any, Any], lines: list[str]) -> FrontMatter:
    def place(key: object) -> Place:
        pattern = re.compile(rf"\s*['\"]?{re.escape(str(key))}['\"]?\s*:")
        return _place(lines, next((k for k, line in enumerate(lines) if pattern.match(line)), 0))

    for key in data:
        if key not in _KEYS:
            hint = nearest(str(key), _KEYS) or f"The keys are {', '.join(_KEYS)}."
            raise DeriveError(f"The front matter has no key '{key}'.", place(key), hint)
    if "title" not in data:
        raise DeriveError("The lecture has no title.", _place(lines, 0), EXAMPLE)

    def value(key: str, convert: Callable[[Any], Any], default: Any) -> Any:
        return _converted(data[key], convert, key, place(key)) if key in data else default

    langs = value("lang", _langs, ("en",))
    titles = value("title", _titles, {})
    if isinstance(titles, str):
        titles = dict.fromkeys(langs, titles)
    missing = [lang for lang in langs if lang not in titles]
    if missing:
        raise DeriveError(f"The title is not given in '{missing[0]}'.", place("title"), "Write title: {en: …, fr: …}.")
    return FrontMatter(
        titles, langs, value("author", _text, ""), value("index-base", _whole(0, 1), 1), value("digits", _whole(1, 15), 4)
    )


_KEYS = ("title", "lang", "author", "index-base", "digits")


def _converted(found: Any, convert: Callable[[Any], Any], key: str, place: Place) -> Any:
    try:
        return convert(found)
    except ValueError as error:
        raise DeriveError(f"'{key}' must be {error}.", place) from None


def _text(found: Any) -> str:
    if isinstance(found, str | int | float) and not isinstance(found, bool):
        return str(found)
    raise ValueError("text")


def _titles(found: Any) -> str | dict[str, str]:
    if isinstance(found, dict) and found and set(found) <= set(languages()):
        return {str(lang): _text(title) for lang, title in found.items()}
    if isinstance(found, dict):
        raise ValueError("text, or a text for each language: {en: …, fr: …}")
    return _text(found)


def _langs(found: Any) -> tuple[str, ...]:
    listed = found if isinstance(found, list) else [found]
    known = languages()
    if listed and all(lang in known for lang in listed):
        return tuple(dict.fromkeys(listed))
    raise ValueError(f"one or several of {', '.join(known)}")


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def convert(found: Any) -> int:
        if isinstance(found, int) and not isinstance(found, bool) and least <= found <= most:
            return found
        raise ValueError(f"a whole number from {least} to {most}")

    return convert


def _place(lines: list[str], k: int) -> Place:
    text = lines[min(k, len(lines) - 1)]
    return Place(text, 0, max(1, len(text)), k + 1)
