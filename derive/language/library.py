"""The library: definitions in text files, each with its description and its source.

A file `NAME.derive` starts with comment lines `# en: …`, `# fr: …`, `# source: …` and goes on as any definition.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from derive.calculus.functions import Named, NamedEntry, named, named_entry
from derive.calculus.terms import Element
from derive.errors import DeriveError, nearest, said
from derive.graphs.graph import Graph

FOLDER = Path(__file__).parent.parent / "library"


@cache
def names() -> tuple[str, ...]:
    """The names of all definitions, in alphabetical order."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.derive")))


def known(name: str) -> bool:
    """Whether the library has a definition of this name."""
    return name in names()


@cache
def text(name: str) -> str:
    """The file of a definition.  Raises DeriveError if there is none."""
    if not known(name):
        hint = nearest(name, names()) or "`derive library` lists them."
        raise DeriveError(said("The library has no definition {name}.", name=name), hint=hint)
    return (FOLDER / f"{name}.derive").read_text(encoding="utf-8")


def header(name: str) -> dict[str, str]:
    """What stands in the comment lines at the start of a definition: `en`, `fr`, `source`."""
    lines = (line[1:].partition(":") for line in text(name).splitlines() if line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in lines}


def describe(name: str, language: str = "en") -> str:
    """One line on what a definition is."""
    entries = header(name)
    return entries.get(language) or entries.get("en", "")


def definition(name: str) -> str:
    """The text of a definition without its comments."""
    return "\n".join(line for line in text(name).splitlines() if line and not line.startswith("#"))


@cache
def load(name: str) -> Graph:
    """A definition, read."""
    from derive.language.reader import read

    return read(definition(name), name)


@cache
def function(name: str) -> type[Named] | None:
    """The function of numbers that a definition is, if all its inputs and its one node are scalars."""
    if not known(name):
        return None
    graph = load(name)
    if len(graph.nodes) > 1 or graph.output.axes or any(i.axes or i.kind == "label" for i in graph.inputs):
        return None
    heads = {Element(i.head): i.head for i in graph.inputs}
    return named(name, tuple(heads.values()), graph.output.expr.xreplace(heads), vocabulary(name))


@cache
def entry(name: str) -> type[NamedEntry] | None:
    """The entry of a vector that a definition makes of one vector as long; None for any other definition."""
    graph = load(name)
    (given, *more), (node, *others) = graph.inputs, graph.nodes
    if more or others or len(given.axes) != 1 or given.axes != node.axes:
        return None
    return named_entry(name, given.head, node.indices[0], node.expr)


VOCABULARY = ("sigmoid", "normal_pdf", "normal_cdf")
"""Functions that results are written with even where no definition mentions them; each may be written with those before it."""


@cache
def vocabulary(name: str = "") -> tuple[Any, ...]:
    """The functions of VOCABULARY that results of a definition may use."""
    allowed = VOCABULARY[: VOCABULARY.index(name)] if name in VOCABULARY else VOCABULARY
    return tuple(found for other in allowed if (found := function(other)))


ENTRIES = ("softmax",)
"""Functions of a vector whose entries results are written with, too: softmax(z)_i."""


@cache
def entries() -> tuple[Any, ...]:
    """The functions of ENTRIES."""
    return tuple(found for name in ENTRIES if name in names() and (found := entry(name)))
