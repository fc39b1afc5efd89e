"""A network drawn by its layers: a column of units for each, and a line from every unit to every unit of the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from derive.teaching.figure.diagram import Arrow, Box
from derive.teaching.figure.geometry import VALUE_SIZE, Drawing, Outline, Path, Rectangle
from derive.teaching.figure.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.teaching.figure.diagram import BoxKind
    from derive.teaching.figure.geometry import Measure, PlacedText, Role

RADIUS, ABOVE, GAP, MARGIN = 14.0, 3.0, 74.0, 4.0
"""Of a unit; between it and the value above it; between two layers at least; around the figure.  In points."""

APART, BESIDE, LEADING = 8.0, 6.0, 15.0
"""Between two units of a layer, between two weights side by side, and between two lines of words."""

DOTS = r"\vdots"


@dataclass(frozen=True)
class Unit:
    """One number of a layer: its name and its value, LaTeX mathematics without dollars; `DOTS` stand for units left out."""

    label: str
    value: str = ""


@dataclass(frozen=True)
class Layer:
    """The units of a layer from top to bottom, what stands below them, and how they depend on the layer before.

    `through` names the weights, and `weights` has one for each unit and each unit of the layer before, or nothing.
    """

    units: tuple[Unit, ...]
    below: tuple[str, ...] = ()
    through: str = ""
    weights: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Network:
    """Layers from left to right; `alt` says in words what the figure shows."""

    layers: tuple[Layer, ...]
    alt: str = ""


SPREAD, FIRST = 0.44, 0.34
"""The part of the way between two layers over which the weights stand, and where the first of them do."""

CLEAR = 4.0
"""Between two weights one below the other, in points."""


def drawn(network: Network, measure: Measure) -> Drawing:
    """Everything in its place; the top left corner is (0, 0)."""
    step = _step(network, measure)
    height = step * max(len(layer.units) for layer in network.layers)
    columns = list(_columns(network, measure))
    shapes, paths, texts = list[Outline](), list[Path](), list["PlacedText"]()
    places: list[list[tuple[float, float]]] = []
    for k, (layer, x) in enumerate(zip(network.layers, columns, strict=True)):
        first = height / 2 - step * (len(layer.units) - 1) / 2
        places.append([(x, first + step * row) for row in range(len(layer.units))])
        kind: BoxKind = "input" if k == 0 else "output" if k == len(network.layers) - 1 else "operation"
        for row, (unit, place) in enumerate(zip(layer.units, places[k], strict=True)):
            texts += _value(unit, place, measure)
            if unit.label == DOTS:
                texts.append(_text(DOTS, place, measure))
            else:
                shapes.append(_circle(Box(f"{k} {row}", unit.label, kind), place, measure))
        texts += [_text(line, (x, height + 10 + LEADING * place), measure) for place, line in enumerate(layer.below)]
        if k:
            paths += _lines(network.layers[k - 1], layer, places[k - 1], places[k], k)
            texts += _weights(layer, places[k - 1], places[k], measure)
            top = min(y for _, y in places[k] + places[k - 1]) - RADIUS - 12
            texts += [_text(layer.through, ((columns[k - 1] + x) / 2, top), measure)] if layer.through else []
    return _framed(Drawing(0.0, 0.0, tuple(shapes), tuple(paths), tuple(texts)))


def _step(network: Network, measure: Measure) -> float:
    """The distance between two units of a layer."""
    values = any(unit.value for layer in network.layers for unit in layer.units)
    weights = any(layer.weights for layer in network.layers)
    stacked = [w for layer in network.layers if len(layer.weights) > 1 for row in layer.weights for w in row]
    highest = max((measure(w, VALUE_SIZE).height for w in stacked), default=-CLEAR) + CLEAR
    roomy = 2 * RADIUS + APART + (measure("0", VALUE_SIZE).height + ABOVE if values else 0) + (8 if weights else 0)
    return max(roomy, highest / FIRST)


def _columns(network: Network, measure: Measure) -> Iterator[float]:
    """The middle of each layer: as far from the one before as the weights between them and the words below need."""
    x, before = 0.0, 0.0
    for k, layer in enumerate(network.layers):
        half = max([RADIUS, *(measure(line, VALUE_SIZE).width / 2 for line in layer.below)])
        widest = max((measure(w, VALUE_SIZE).width for row in layer.weights for w in row), default=0.0)
        between = len(layer.weights[0]) * (widest + BESIDE) / SPREAD if layer.weights else 0.0
        x += max(GAP, between + 2 * RADIUS, before + half + 16, _wide(layer.through, measure) + 2 * RADIUS) if k else 0.0
        before = half
        yield x


def _wide(label: str, measure: Measure) -> float:
    return measure(label, VALUE_SIZE).width if label else 0.0


def _circle(box: Box, place: tuple[float, float], measure: Measure) -> Outline:
    x, y = place
    label = typeset(box.label, "box", 11.0, measure)
    half = max(RADIUS, label.frame.width / 2 + 4)
    outline = Rectangle(x - half, y - RADIUS, x + half, y + RADIUS)
    return Outline(box, outline, RADIUS, label.moved(x - label.frame.centre[0], y - label.frame.centre[1]))


def _text(label: str, place: tuple[float, float], measure: Measure, role: Role = "box") -> PlacedText:
    text = typeset(label, role, VALUE_SIZE, measure)
    return text.moved(place[0] - text.frame.centre[0], place[1] - text.frame.centre[1])


def _value(unit: Unit, place: tuple[float, float], measure: Measure) -> list[PlacedText]:
    if not unit.value:
        return []
    text = typeset(unit.value, "forward", VALUE_SIZE, measure)
    return [text.moved(place[0] - text.frame.centre[0], place[1] - RADIUS - ABOVE - text.frame.bottom)]


def _lines(
    before: Layer, layer: Layer, starts: list[tuple[float, float]], ends: list[tuple[float, float]], k: int
) -> Iterator[Path]:
    """A straight line from every unit to every unit; none from or to the dots."""
    for i, (source, (x0, y0)) in enumerate(zip(before.units, starts, strict=True)):
        for j, (target, (x1, y1)) in enumerate(zip(layer.units, ends, strict=True)):
            if DOTS not in (source.label, target.label):
                start, end = (x0 + RADIUS, y0), (x1 - RADIUS, y1)
                yield Path(Arrow(f"{k - 1} {i}", f"{k} {j}"), (start, start, end, end), head=False)


def _weights(
    layer: Layer, starts: list[tuple[float, float]], ends: list[tuple[float, float]], measure: Measure
) -> Iterator[PlacedText]:
    """Each weight on its line; those from one unit below one another, those from the next unit further on."""
    for j, row in enumerate(layer.weights):
        for i, weight in enumerate(row):
            (x0, y0), (x1, y1) = starts[i], ends[j]
            part = 0.5 if len(row) == 1 else FIRST + SPREAD * i / (len(row) - 1)
            along = x0 + RADIUS + part * (x1 - x0 - 2 * RADIUS)
            yield _text(weight, (along, y0 + part * (y1 - y0)), measure, "weight")


def _framed(drawing: Drawing) -> Drawing:
    frames = [shape.outline for shape in drawing.shapes] + [text.frame for text in drawing.texts]
    left, top = min(f.left for f in frames) - MARGIN, min(f.top for f in frames) - MARGIN
    right, bottom = max(f.right for f in frames) + MARGIN, max(f.bottom for f in frames) + MARGIN
    return Drawing(
        right - left,
        bottom - top,
        tuple(Outline(s.box, s.outline.moved(-left, -top), s.corner, s.label.moved(-left, -top)) for s in drawing.shapes),
        tuple(Path(p.arrow, tuple((x - left, y - top) for x, y in p.points), head=p.head) for p in drawing.paths),
        tuple(text.moved(-left, -top) for text in drawing.texts),
    )
