"""A directive: a fenced `derive` block of a lecture, its kind, name, options and body, each with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from derive.errors import DeriveError, Place, said

WORDY = frozenset({"graph", "define", "code"})
"""The kinds of block whose lines are not `key: value` but text of their own."""


@dataclass(frozen=True)
class Directive:
    """A fenced block of the tool: ```` ```derive worked hinge ```` with its lines.

    `options` are its `key: value` lines; `yes` and `no` are booleans, any other value is the text as typed.
    """

    kind: str
    name: str
    options: Mapping[str, str | bool]
    body: str
    place: Place
    places: Mapping[str, Sequence[Place]] = field(compare=False, repr=False)
    """Where the value of an option stands, line by line: a space joins them."""
    slide: int = 0
    """The number of the slide that it stands on."""

    def inside(self, place: Place, key: str = "") -> Place:
        """A place in the body, or in the value of an option, as a place in the lecture."""
        if key not in self.places:
            return Place(place.text, place.start, place.end, self.place.line + place.line)
        start, width = place.start, place.end - place.start
        for outer in self.places[key]:
            length = outer.end - outer.start
            if start <= length:
                break
            start -= length + 1
        first = outer.start + min(start, length)
        return Place(outer.text, first, max(first + 1, min(first + width, outer.end)), outer.line)

    @property
    def named(self) -> Place:
        """Where its name stands."""
        start = self.place.text.rfind(self.name)
        return replace(self.place, start=start, end=start + len(self.name))

    def key(self, key: str) -> Place | None:
        """The line of an option, from its key on."""
        value = self.whole(key)
        return None if value is None else replace(value, start=value.text.find(key), end=value.text.find(key) + len(key))

    def whole(self, key: str) -> Place | None:
        """Where the value of an option begins."""
        return next(iter(self.places.get(key, ())), None)


_OPTION = re.compile(r"([\w-]+)(\s*:\s*)(.*?)\s*$")
_TRUTH = {"yes": True, "no": False, "true": True, "false": False}


def directive(info: str, body: str, lines: Sequence[str], first: int, kinds: Sequence[str] = ()) -> Directive:
    """The directive of a fenced block whose first line is `lines[first]`; the options of none but `kinds` are read."""
    place = Place(lines[first], 0, len(lines[first].rstrip()), first + 1)
    words = info.split()
    if len(words) < 2:
        raise DeriveError("A 'derive' block says what it shows.", place, "For example: ```derive worked NAME")
    if len(words) > 3:
        raise DeriveError(said("A '{word}' block takes one name.", word=words[1]), place, "Write the rest as 'key: value' lines.")
    options: dict[str, str | bool] = {}
    places: dict[str, list[Place]] = {}
    if words[1] not in WORDY and (not kinds or words[1] in kinds):
        _read_options(body, lines, first + 1, options, places)
    return Directive(words[1], words[2] if len(words) == 3 else "", options, body, place, places)


def _read_options(
    body: str, lines: Sequence[str], first: int, options: dict[str, str | bool], places: dict[str, list[Place]]
) -> None:
    """`key: value` lines; an indented line goes on with the value above it, `#` starts a line that is not read."""
    last = ""
    for offset, line in enumerate(body.split("\n")):
        source = lines[first + offset] if first + offset < len(lines) else line
        place = Place(source, 0, len(source.rstrip()), first + offset + 1)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and last:
            more, before = line.strip(), options[last]
            options[last] = more if before == "" else f"{before} {more}"
            start = source.find(more)
            places[last] = [*(places[last] if before != "" else []), Place(source, start, start + len(more), place.line)]
            continue
        found = _OPTION.match(line)
        if found is None:
            raise DeriveError("A 'key: value' line was expected.", place)
        last, _, value = found.groups()
        if last in options:
            raise DeriveError(said("'{last}' is given twice.", last=last), place)
        options[last] = _TRUTH.get(value, value)
        start, end = found.span(3 if value else 1)  # of a key without a value the key itself
        places[last] = [Place(source, source.find(line) + start, source.find(line) + end, place.line)]


def meant(info: str, kinds: Sequence[str]) -> str:
    """The block that was probably meant by the words behind the backticks of a code block, or nothing.

    >>> meant("{derive} worked", ["worked"]), meant("derive-worked g", ["worked"]), meant("python", ["worked"])
    ('derive worked', 'derive worked g', '')
    """
    words = [word for word in re.split(r"[^\w]+", info) if word]
    lowered = [word.lower() for word in words]
    for kind in kinds:
        for glued in (f"derive_{kind}", f"derive{kind}"):
            if lowered[:1] == [glued]:
                words, lowered = ["derive", kind, *words[1:]], ["derive", kind, *lowered[1:]]
    if lowered[:1] and get_close_matches(lowered[0], ["derive"], 1, 0.8):
        near = get_close_matches(lowered[1], kinds, 1) if len(words) > 1 else []
        return " ".join(["derive", *(near or words[1:2] or ["worked"]), *words[2:]])
    return f"derive {' '.join(words)}" if len(words) > 1 and words[0] in kinds else ""
