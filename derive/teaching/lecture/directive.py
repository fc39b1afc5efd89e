"""A directive: a fenced `derive` block of a lecture, its kind, name, options and body, each with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.errors import DeriveError, Place

WORDY = frozenset({"graph", "define"})
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
    places: Mapping[str, Place] = field(compare=False, repr=False)

    def inside(self, place: Place, key: str = "") -> Place:
        """A place in the body, or in the value of an option, as a place in the lecture."""
        outer = self.places.get(key)
        if outer is None:
            return Place(place.text, place.start, place.end, self.place.line + place.line)
        return Place(outer.text, outer.start + place.start, outer.start + place.end, outer.line)


_OPTION = re.compile(r"([\w-]+)(\s*:\s*)(.*?)\s*$")
_TRUTH = {"yes": True, "no": False, "true": True, "false": False}


def directive(info: str, body: str, lines: Sequence[str], first: int) -> Directive:
    """The directive of a fenced block whose first line is `lines[first]`."""
    place = Place(lines[first], 0, len(lines[first].rstrip()), first + 1)
    words = info.split()
    if len(words) < 2:
        raise DeriveError("A 'derive' block says what it shows.", place, "For example: ```derive worked NAME")
    if len(words) > 3:
        raise DeriveError(f"A '{words[1]}' block takes one name.", place, "Write the rest as 'key: value' lines.")
    options: dict[str, str | bool] = {}
    places: dict[str, Place] = {}
    if words[1] not in WORDY:
        _read_options(body, lines, first + 1, options, places)
    return Directive(words[1], words[2] if len(words) == 3 else "", options, body, place, places)


def _read_options(body: str, lines: Sequence[str], first: int, options: dict[str, str | bool], places: dict[str, Place]) -> None:
    """`key: value` lines; an indented line goes on with the value above it, `#` starts a line that is not read."""
    last = ""
    for offset, line in enumerate(body.split("\n")):
        source = lines[first + offset] if first + offset < len(lines) else line
        place = Place(source, 0, len(source.rstrip()), first + offset + 1)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and last:
            options[last] = f"{options[last]} {line.strip()}".strip()
            continue
        found = _OPTION.match(line)
        if found is None:
            raise DeriveError("A 'key: value' line was expected.", place)
        last, _, value = found.groups()
        if last in options:
            raise DeriveError(f"'{last}' is given twice.", place)
        options[last] = _TRUTH.get(value, value)
        start = source.find(line) + found.start(3)
        places[last] = Place(source, start, start + len(value), place.line)
