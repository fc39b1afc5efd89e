"""A figure in words, for those who cannot see it: its boxes, and what its arrows carry forward and back."""

from __future__ import annotations

from collections import Counter, defaultdict

from derive.calculus.rules import N_
from derive.notation.layout import Grid
from derive.notation.speech import spoken
from derive.notation.typed import read
from derive.teaching.figure.diagram import Box, Diagram, Label
from derive.teaching.figure.network import DOTS, Layer, Network
from derive.teaching.translation import SOURCE, translator

PATTERNS = {
    (False, False): N_("from {source} to {target}"),
    (True, False): N_("from {source} to {target}: value {value}"),
    (True, True): N_("from {source} to {target}: value {value}, gradient {gradient}"),
    (False, True): N_("from {source} to {target}: gradient {gradient}"),
}

NUMBER = N_("number")

LAYER = N_("Layer {number}: {units}.")


def description(diagram: Diagram | Network, language: str = SOURCE) -> str:
    """One sentence an arrow, in the order of the diagram; boxes of one label are told apart by their numbers.  Of a network one a
    layer: its units and their values.

    >>> from derive.teaching.figure.diagram import Arrow
    >>> boxes = (Box("u", "u", "input"), Box("t", r"\\times"), Box("f ", "f", "output"))
    >>> description(Diagram(boxes, (Arrow("u", "t", "2", "-4"), Arrow("t", "f ", "8"))))
    'From u to times: value 2, gradient minus 4. From times to f: value 8.'
    """
    if isinstance(diagram, Network):
        return " ".join(_layer(number, layer, language) for number, layer in enumerate(diagram.layers, 1))
    say, names = translator(language), _names(diagram.boxes, language)
    sentences = []
    for arrow in diagram.arrows:
        sentence = say(PATTERNS[bool(arrow.forward), bool(arrow.backward)]).format(
            source=names[arrow.source],
            target=names[arrow.target],
            value=_spoken(arrow.forward, language),
            gradient=_spoken(arrow.backward, language),
        )
        sentences.append(f"{sentence[:1].upper()}{sentence[1:]}.")
    return " ".join(sentences)


def _layer(number: int, layer: Layer, language: str) -> str:
    """What stands in a layer of a network."""
    units = [unit for unit in layer.units if unit.label != DOTS]
    parts = [" ".join(spoken(read(part), language) for part in (unit.label, unit.value) if part) for unit in units]
    return translator(language)(LAYER).format(number=number, units=", ".join(parts))


def _names(boxes: tuple[Box, ...], language: str) -> dict[str, str]:
    """What the boxes are called, by name."""
    labels = {box.name: _spoken(box.label, language) for box in boxes}
    counts, seen = Counter(labels[box.name] for box in boxes if box.kind == "operation"), defaultdict[str, int](int)
    for box in boxes:
        label = labels[box.name]
        if box.kind == "operation" and counts[label] > 1:
            seen[label] += 1
            labels[box.name] = f"{label} {translator(language)(NUMBER)} {seen[label]}"
    return labels


def _spoken(label: Label, language: str) -> str:
    if isinstance(label, str):
        return spoken(read(label), language)
    return spoken(Grid(tuple(tuple(map(read, line)) for line in label.rows)), language)
