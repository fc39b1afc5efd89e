"""derive: from the definition of a deep-learning computation to everything a course needs from it.

import derive
g = derive.graph("f = (u + v)*w")     # or the path of a .derive file, or a name of the library
run = g.at(u=2, v=3, w=4)             # run["f"] == 20; run.grad["w"] == 5
d = g.derive("f", wrt="w")            # a Derivation: d.steps, d.result, d.matrix, d.latex(), d.prove()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from derive.api import Graph

__version__ = "0.1.0"


def graph(source: str | PathLike[str]) -> Graph:
    """The graph of a definition: its text, the path of a `.derive` file, or the name of a library definition.

    Raises DeriveError, with the place of the mistake, for anything else.
    """
    from derive.api import open_held

    return open_held(source)


def set_language(lang: str) -> None:
    """The language of what is printed and shown in a notebook from here on: "en", or one with a catalogue.

    Raises DeriveError for another.
    """
    from derive import api

    api.set_language(lang)


def __getattr__(name: str) -> Any:
    """The classes, imported when they are first asked for: SymPy takes a third of a second that `--help` does not need."""
    places = {
        "Derivation": "derive.api",
        "DeriveError": "derive.errors",
        "Graph": "derive.api",
        "ProofError": "derive.errors",
        "Run": "derive.api",
    }
    if name not in places:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(places[name]), name)
