"""The computational graph of a definition as a figure that can be read, or an error that says why there is none."""

from __future__ import annotations

from functools import partial

from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.teaching.blocks.diagrams import WIDEST, Room, View, by_definitions, by_numbers, by_operations, described, diagram
from derive.teaching.document import Picture
from derive.teaching.figure import LEGIBLE, Diagram, description, draw, size_on_page
from derive.teaching.page import Page
from derive.values.run import Run

CURES = {
    "operations": "Draw its definitions, with a line 'nodes: definitions', or a graph of fewer operations.",
    "definitions": "Draw a graph of fewer definitions, or of smaller tensors.",
    "numbers": "Draw whole tensors, without 'scalars: yes', or smaller ones.",
}
"""What a box may be, and what can be done where there are too many: an operation, a definition as its author wrote it, or an
operation on numbers, every entry of a tensor by itself."""

NODES = tuple(CURES)

NARROW = 16
"""Where a figure is too wide, only vectors of up to so many characters stay in a line."""


def picture(run: Run, page: Page, name: str, nodes: str = "operations") -> Picture:
    """The figure of a run.  Raises DeriveError where it would be too large to be read on a page of slides."""
    view = view_of(run.source, page, run, nodes)
    shown = readable(view, page, described(run.source, page), CURES[nodes])
    formats = {kind: partial(draw, shown, kind, page.lang) for kind in ("pdf", "svg", "png")}
    return Picture(name, formats, shown.alt, description=description(shown, page.lang))


def diagram_of(graph: Graph, page: Page, run: Run | None = None) -> Diagram:
    """The diagram of a graph, one operation a box.  Raises DeriveError for one of too many boxes."""
    return diagram(by_operations(graph, page, run), page, described(graph, page))


def view_of(graph: Graph, page: Page, run: Run, nodes: str) -> View:
    """What the figure of a run shows, by one of `NODES`."""
    if nodes == "numbers":
        return by_numbers(run, page)
    return (by_definitions if nodes == "definitions" else by_operations)(graph, page, run)


def readable(view: View, page: Page, alt: str, cure: str) -> Diagram:
    """The diagram with numbers that can be read on a page of slides: as many tensors as leave them 7 pt are written out.

    Vectors become columns before anything is left out; the largest tensors are the first of which the shape stands alone.
    Raises DeriveError where even that is not enough.
    """
    size = 0.0
    for room in _rooms(view):
        found = diagram(view, page, alt, room)
        size = size_on_page(found, page.lang)
        if size >= LEGIBLE:
            return found
    count, shown = view.count, round(size, 1)
    message = said(
        "This figure has {count} boxes: a page of slides would shrink its numbers to {shown} pt, too small to be read.",
        count=count,
        shown=shown,
    )
    raise DeriveError(message, hint=cure)


def _rooms(view: View) -> list[Room]:
    """What may be written out, from everything to numbers alone."""
    if not view.sizes:
        return [Room()]
    return [Room(most, widest) for most in (Room.most, *(size - 1 for size in view.sizes)) for widest in (WIDEST, NARROW, 0)]
