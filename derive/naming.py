"""What a name that anybody may have given becomes: on one line, between the quotes of a string, as the name of a file."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from pathlib import Path

from derive.errors import CONTROLS


def one_line(text: str, most: int = 200) -> str:
    """A name or a title on one line, without control characters, cut where it is long."""
    flat = " ".join(CONTROLS.sub("", text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"


def docstring(text: str) -> str:
    """Text that stands on one line between the quotes of a Python string, and is only ever a part of it."""
    return one_line(text).replace("\\", r"\\").replace('"', r"\"")


def slug(name: str, most: int = 40) -> str:
    """A name of ASCII letters, digits, - and _ for every name, and another for another name.

    >>> slug("backprop"), slug("leçon 1")
    ('backprop', 'lecon-1-2d09e3')
    """
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", bare).strip("-")[:most].rstrip("-")
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return plain if plain == name else f"{plain}-{digest}".lstrip("-")


def picture_name(source: str, name: str, kind: str, content: bytes | None = None) -> str:
    """How the file of a picture is called that stands in what was made of a source.

    One that the tool drew is called after the source and its block.  The copy of an author's picture has a digest of its
    `content` in its name, too: so two never have one name, and a copy is known to be one whatever it holds.
    """
    parts = [slug(Path(source).stem), slug(name), *([] if content is None else [sha256(content).hexdigest()[:12]])]
    return "-".join(part for part in parts if part) + f".{kind}"


def is_copy(name: str, content: bytes) -> bool:
    """Whether a file is the copy of an author's picture under the name that `picture_name` gave it."""
    return Path(name).stem.endswith("-" + sha256(content).hexdigest()[:12])
