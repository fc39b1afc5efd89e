"""The cell that a notebook has under a block: Python that computes what the block shows, for readers to change and run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from keyword import iskeyword
from typing import Any

from derive.language.typed import Nested
from derive.teaching.document import Cell
from derive.teaching.lecture.directive import Directive

Options = Mapping[str, Any]


def cells(directive: Directive, options: Options, defined: bool) -> tuple[Cell, ...]:
    """The cell of a block with these options, if a notebook has any; `defined` says whether its graph is one of the lecture."""
    write = CELLS.get(directive.kind)
    graph = variable(directive.name) if defined else f"derive.graph({directive.name!r})"
    code = write(directive, options, graph) if write else ""
    return (Cell(code, _name(directive, options, graph)),) if code else ()


def _name(directive: Directive, options: Options, graph: str) -> str:
    """What the numbers of a run are called; not as its graph is."""
    name = options.get("name") or (directive.name if directive.kind == "run" else "")
    if not name or CELLS[directive.kind] is not _at:
        return ""
    return variable(name) + "_run" * (variable(name) == graph)


def variable(name: str) -> str:
    """The name of a graph as one of Python.

    >>> variable("hinge"), variable("two-layers"), variable("lambda")
    ('hinge', 'two_layers', 'lambda_')
    """
    word = re.sub(r"\W", "_", name)
    word = f"_{word}" if word[:1].isdigit() else word
    return f"{word}_" if iskeyword(word) or word == "derive" else word


def _definition(directive: Directive, options: Options, graph: str) -> str:
    text = directive.body.strip()
    if not text:
        return graph
    plain = "\\" not in text and '"""' not in text and not text.endswith('"')
    lines = f'"""\n{text}\n"""' if "\n" in text and plain else f'"{text}"' if plain and '"' not in text else repr(text)
    return f"{graph} = derive.graph({lines})"


def _at(directive: Directive, options: Options, graph: str) -> str:
    if options.get("at") is None:
        return graph if directive.kind == "figure" else ""
    return f"{graph}.at({_keywords({name: literal(value) for name, value in options['at'].items()})})"


def _gradient(directive: Directive, options: Options, graph: str) -> str:
    wrt: tuple[str, ...] = options.get("wrt") or ()
    batch = options.get("batch") or ()
    given: dict[str, Any] = {"of": options.get("of"), "wrt": wrt[0] if len(wrt) == 1 else tuple(wrt)}
    given |= {key: options.get(key) for key in ("upstream", "order", "through", "expand")}
    if not wrt and options.get("through") is None:
        return ""  # by everything, as the page shows it
    batched = f".batched({', '.join(map(repr, batch))})" if batch else ""
    return f"{graph}{batched}.derive({_keywords({key: repr(value) for key, value in given.items() if value})})"


def _kernel(directive: Directive, options: Options, graph: str) -> str:
    if options.get("target") not in (None, "cpu"):
        return ""
    given = {key: tuple(options[key]) for key in ("batch", "wrt") if options.get(key)}
    given |= {key: options[key] for key in ("dtype",) if options.get(key)}
    return f"{graph}.kernel({_keywords({key: repr(value) for key, value in given.items()})})"


CELLS: Mapping[str, Callable[[Directive, Options, str], str]] = {
    "graph": _definition,
    "define": _definition,
    "run": _at,
    "worked": _at,
    "figure": _at,
    "gradient": _gradient,
    "kernel": _kernel,
}
"""The kinds of block that have a cell, and its code, from the name of the graph."""


def _keywords(given: Mapping[str, str]) -> str:
    """Arguments by name; a name that Python keeps for itself is given in a mapping."""
    plain = [f"{name}={value}" for name, value in given.items() if not iskeyword(name)]
    kept = ", ".join(f"{name!r}: {value}" for name, value in given.items() if iskeyword(name))
    return ", ".join([*plain, *([f"**{{{kept}}}"] if kept else [])])


def literal(value: Nested) -> str:
    """A value as Python writes it: a decimal as it was typed, a fraction as one.

    >>> from derive.graphs.tree import Number
    >>> literal((Number(Fraction(23, 10), "2.30"), Number(Fraction(1, 3), "1/3")))
    '[2.30, Fraction(1, 3)]'
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", value.text):
        return value.text
    exact = value.value
    if not isinstance(exact, Fraction):  # computed by a block above
        return repr(float(exact))
    return str(exact.numerator) if exact.denominator == 1 else f"Fraction({exact.numerator}, {exact.denominator})"
