"""Where a definition comes from: a file, standard input, the library, or the text itself."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.language import library
from derive.language.reader import read
from derive.naming import one_line

MAX_BYTES = 1 << 20
_FORMULA = re.compile(r"[~∈←^*+()\[\]<>|]|\s\S+\s")
"""What stands in a formula and in no name."""


def open_graph(source: str | os.PathLike[str]) -> Graph:
    """The graph that a source names or is.  Raises DeriveError."""
    text, name = read_source(source)
    return read(text, name)


def read_source(source: str | os.PathLike[str]) -> tuple[str, str]:
    """(text, name) of a source; the name is empty for a text given as it is."""
    if isinstance(source, os.PathLike):
        return read_file(Path(source)), Path(source).stem
    if not isinstance(source, str):
        kind = type(source).__name__
        raise DeriveError(
            said(
                "A definition is a text, the name of one in the library or the path of a file, and a {kind} is given.", kind=kind
            ),
            hint='For example derive.graph("f = (u + v)*w").',
        )
    if source == "-":
        return _standard_input(), ""
    if source.endswith(".derive") and ("\n" not in source or os.path.isfile(source)):  # noqa: PTH113 - Path raises for some texts
        return read_file(Path(source)), one_line(Path(source).stem)
    name = source.strip()
    if not name or any(sign in source for sign in "=:\n"):
        return source, ""
    if not library.known(name):
        _check_no_path(name)
        if _FORMULA.search(name):
            return source, ""
    return library.definition(name), name


def _check_no_path(name: str) -> None:
    """Raise for what is on the disk and is no file of definitions by its name."""
    hint = "Name a file of definitions, which ends in .derive."
    if os.path.isdir(name):  # noqa: PTH112 - Path raises for some texts
        raise DeriveError(said("{path} is a folder.", path=name), hint=hint)
    if os.path.isfile(name):  # noqa: PTH113 - the same
        raise DeriveError(said("{path} does not end in .derive.", path=name), hint=hint)


def _standard_input() -> str:
    if sys.stdin is None:
        raise DeriveError("Standard input is closed.", hint="Name a file, or give the definition itself.")
    try:
        return _decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "Standard input")
    except OSError as error:
        reason = error.strerror or error
        raise DeriveError(said("Standard input cannot be read: {reason}.", reason=reason)) from None


def read_file(path: Path) -> str:
    """The text of a file of definitions or of a lecture.  Raises DeriveError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _decoded(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise DeriveError(said("{path} cannot be read: {reason}.", path=path, reason=error.strerror or error)) from None
    except ValueError:
        raise DeriveError(said("{path!r} is not the path of a file.", path=str(path))) from None


def _decoded(data: bytes, what: str) -> str:
    if len(data) > MAX_BYTES:
        raise DeriveError(said("{what} is too long: at most {number} MiB are read.", what=what, number=MAX_BYTES >> 20))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeriveError(said("{what} is not UTF-8 text (byte {start}).", what=what, start=error.start)) from None
