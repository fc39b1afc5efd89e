"""Where a definition comes from: a file, standard input, the library, or the text itself."""

from __future__ import annotations

import sys
from pathlib import Path

from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.language import library
from derive.language.reader import read

MAX_BYTES = 1 << 20


def open_graph(source: str) -> Graph:
    """The graph that a source names or is.  Raises DeriveError."""
    text, name = read_source(source)
    return read(text, name)


def read_source(source: str) -> tuple[str, str]:
    """(text, name) of a source; the name is empty for a text given as it is."""
    if source == "-":
        return _decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "Standard input"), ""
    if source.endswith(".derive") and "\n" not in source:
        return read_file(Path(source)), Path(source).stem
    if any(sign in source for sign in "=:\n"):
        return source, ""
    return library.definition(source.strip()), source.strip()


def read_file(path: Path) -> str:
    """The text of a file of definitions or of a lecture.  Raises DeriveError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _decoded(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise DeriveError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise DeriveError(f"{str(path)!r} is not the path of a file.") from None


def _decoded(data: bytes, what: str) -> str:
    if len(data) > MAX_BYTES:
        raise DeriveError(f"{what} is too long: at most {MAX_BYTES >> 20} MiB are read.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeriveError(f"{what} is not UTF-8 text (byte {error.start}).") from None
