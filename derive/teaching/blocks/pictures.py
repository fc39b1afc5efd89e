"""The computational graph of a definition as a figure that can be read, or an error that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from derive.errors import DeriveError, said
from derive.graphs.graph import Graph
from derive.teaching.blocks.diagrams import WIDEST, Room, View, by_definitions, by_numbers, by_operations, described, diagram
from derive.teaching.blocks.living import live
from derive.teaching.blocks.networks import network
from derive.teaching.document import Picture
from derive.teaching.figure import LEGIBLE, Diagram, Network, TooLarge, description, draw, size_on_page
from derive.teaching.page import Page
from derive.values.run import Run

CURES = {
    "operations": "Draw its definitions, with a line 'nodes: definitions', or a graph of fewer operations.",
    "definitions": "Draw a graph of fewer definitions, or of smaller tensors.",
    "layers": "Draw a network of fewer layers.",
    "numbers": "Draw whole tensors, without 'scalars: yes', or smaller ones.",
}
"""What a box may be, and what can be done where there are too many: an operation, a definition as its author wrote it, a unit
of a network's layers, or an operation on numbers, every entry of a tensor by itself."""

NODES = tuple(CURES)

DIRECTIONS = ("right", "down")

DIRECTED = "Leave the direction out: one is chosen in which the figure can be read, if there is one."


@dataclass(frozen=True)
class Drawn:
    """How a figure is drawn: what a box is and where it runs, chosen where nothing is said, and an output that is fed back."""

    nodes: str = ""
    direction: str = ""
    loop: tuple[str, str] | None = None


NARROW = 16
"""Where a figure is too wide, only vectors of up to so many characters stay in a line."""


def picture(graph: Graph, page: Page, name: str, run: Run | None = None, how: Drawn = Drawn()) -> Picture:
    """The figure of a graph, with the numbers of a run if there is one.

    What is not asked for is chosen: operations to the right where these can be read on a page of slides, else down, else
    definitions, else no more than their names.  Raises DeriveError where none of them can be read.
    """
    shown, view = _chosen(graph, page, run, how)
    formats = {kind: partial(draw, shown, kind, page.lang) for kind in ("pdf", "svg", "png")}
    alive = partial(live, view, shown, page) if view and isinstance(shown, Diagram) else None
    return Picture(name, formats, shown.alt, description=description(shown, page.lang), live=alive)


def _chosen(graph: Graph, page: Page, run: Run | None, how: Drawn) -> tuple[Diagram | Network, View | None]:
    """The first of the ways to draw a figure that can be read, and what it shows; raises the error of the last if none can."""
    if how.nodes == "layers":
        return _readable_network(network(graph, page, run), page), None
    last: DeriveError | None = None
    for level in (how.nodes,) if how.nodes else NODES[:2]:
        view = view_of(graph, page, run, level)
        if how.loop:
            view = replace(view, loops=(checked_loop(view, how.loop),))
        cure = DIRECTED if how.direction == "down" else CURES[level]
        directions = (how.direction,) if how.direction else DIRECTIONS
        for short, direction in product((False, True) if view.formulas else (False,), directions):
            try:
                return readable(view, page, described(graph, page), cure, direction == "down", short), view
            except TooLarge as error:
                last = error
    assert last is not None
    raise last


def checked_loop(view: View, loop: tuple[str, str]) -> tuple[str, str]:
    """An output and the input that it is in the next step.  Raises DeriveError where they are none, or of different shapes."""
    source, target = loop
    members = view.graph.members
    if source not in view.outputs or target not in view.inputs:
        outputs, inputs = ", ".join(view.outputs), ", ".join(view.inputs)
        raise DeriveError(
            said("No arrow leads back from {source} to {target}.", source=source, target=target),
            hint=said("It leads from an output ({outputs}) to an input ({inputs}).", outputs=outputs, inputs=inputs),
        )
    if members[source].axes != members[target].axes:
        raise DeriveError(said("{source} and {target} have different axes.", source=source, target=target))
    return loop


def _readable_network(found: Network, page: Page) -> Network:
    size = size_on_page(found, page.lang)
    if size < LEGIBLE:
        raise _too_small(sum(len(layer.units) for layer in found.layers), size, CURES["layers"])
    return found


def diagram_of(graph: Graph, page: Page, run: Run | None = None) -> Diagram:
    """The diagram of a graph, one operation a box.  Raises DeriveError for one of too many boxes."""
    return diagram(by_operations(graph, page, run), page, described(graph, page))


def view_of(graph: Graph, page: Page, run: Run | None, nodes: str) -> View:
    """What the figure of a graph shows, by one of `NODES`.  Raises DeriveError for numbers without a run."""
    if nodes == "numbers":
        if run is None:
            raise DeriveError("Every entry by itself is drawn of values only.", hint="Write a line like  at: u=2, v=3")
        return by_numbers(run, page)
    return (by_definitions if nodes == "definitions" else by_operations)(graph, page, run)


def readable(view: View, page: Page, alt: str, cure: str, down: bool = False, short: bool = False) -> Diagram:
    """The diagram with numbers that can be read on a page of slides: as many tensors as leave them 7 pt are written out.

    Vectors become columns before anything is left out; the largest tensors are the first of which the shape stands alone.
    Raises DeriveError where even that is not enough.
    """
    size = 0.0
    for room in _rooms(view):
        found = diagram(view, page, alt, room, down, short)
        size = size_on_page(found, page.lang)
        if size >= LEGIBLE:
            return found
    raise _too_small(view.count, size, cure)


def _too_small(count: int, size: float, cure: str) -> TooLarge:
    message = said(
        "This figure has {count} boxes: a page of slides would shrink its text to {shown} pt, too small to be read.",
        count=count,
        shown=round(size, 1),
    )
    return TooLarge(message, hint=cure)


def _rooms(view: View) -> list[Room]:
    """What may be written out, from everything to numbers alone."""
    if not view.sizes:
        return [Room()]
    return [Room(most, widest) for most in (Room.most, *(size - 1 for size in view.sizes)) for widest in (WIDEST, NARROW, 0)]
