"""From a graph to layers: which column each thing stands in, and in which order from top to bottom.

The first two phases of the layered method (Sugiyama, Tagawa & Toda 1981, "Methods for visual understanding of
hierarchical system structures").  Columns alternate: boxes stand in the even ones, the labels of arrows in the odd
ones.  A label is thus a citizen with a place of its own, and no later step can let it collide.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from derive.errors import said
from derive.teaching.figure.diagram import TooLarge, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from derive.teaching.figure.diagram import Diagram

Order = list[list[int]]

SWEEPS = 24

MAX_CELLS = 400
"""At most so many boxes, labels and bends are placed; nobody reads a figure of half as many."""


@dataclass(frozen=True)
class Cell:
    """A place in a column: a box, the label of an arrow, or a bend where a long arrow passes through.

    `owner` is the position of the box or of the arrow in the diagram.
    """

    role: Literal["box", "label", "bend"]
    owner: int


@dataclass(frozen=True)
class Layers:
    """`order[column]` are positions in `cells`, top to bottom; `chains[arrow]` the cells an arrow runs through."""

    cells: tuple[Cell, ...]
    order: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Every step of every arrow from one column to the next, as pairs of cells."""
        return [step for chain in self.chains for step in pairwise(chain)]


@lru_cache(maxsize=16)
def layers(diagram: Diagram) -> Layers:
    """Columns from left to right, with as few crossings as the sweeps find.  Raises DeriveError for too many things to place."""
    rank = ranks(len(diagram.boxes), diagram.edges, [diagram.names[loop.target] for loop in diagram.loops])
    count = len(diagram.boxes) + sum(2 * (rank[target] - rank[source]) - 1 for source, target in diagram.edges)
    if count > MAX_CELLS:
        message = said(
            "This figure is too large: {count:,} boxes, labels and bends are to be placed, and at most {max_cells} are.",
            count=count,
            max_cells=MAX_CELLS,
        )
        raise TooLarge(message, hint="Draw a graph of fewer operations.")
    cells = [Cell("box", box) for box in range(len(diagram.boxes))]
    columns: Order = [[] for _ in range(2 * max(rank) + 1)]
    reading = _reading_order(diagram)
    for box in sorted(range(len(diagram.boxes)), key=reading.__getitem__):
        columns[2 * rank[box]].append(box)
    chains = []
    for arrow, (source, target) in sorted(enumerate(diagram.edges), key=lambda edge: (reading[edge[1][0]], edge[0])):
        between = range(2 * rank[source] + 1, 2 * rank[target])
        chain = [source]
        for column in between:
            chain.append(len(cells))
            columns[column].append(len(cells))
            cells.append(Cell("label" if column == between[-1] else "bend", arrow))
        chains.append((arrow, (*chain, target)))
    ordered = tuple(chain for _, chain in sorted(chains))
    inputs = {box for box, kind in enumerate(diagram.boxes) if kind.kind == "input"}
    order = _Sorter(columns, [step for chain in ordered for step in pairwise(chain)], inputs).best()
    return Layers(tuple(cells), tuple(map(tuple, order)), ordered)


def ranks(count: int, edges: tuple[tuple[int, int], ...], first: Sequence[int] = ()) -> list[int]:
    """The rank of each box: the longest way to it, then nearer to its readers where that makes arrows shorter.

    Those that stand `first` stay where a way around everything can lead back to them.
    """
    order = in_order(count, edges)
    rank = [0] * count
    for node in order:
        rank[node] = max((rank[source] + 1 for source, target in edges if target == node), default=0)
    for node in reversed(order):
        readers = [target for source, target in edges if source == node]
        if node not in first and len(readers) > sum(target == node for _, target in edges):
            rank[node] = min(rank[reader] for reader in readers) - 1
    return rank


def _reading_order(diagram: Diagram) -> list[tuple[float, int]]:
    """A key that keeps the author's order: a box stands as high as the inputs that it is computed from, on average."""
    ancestors: list[set[int]] = [set() for _ in diagram.boxes]
    for node in in_order(len(diagram.boxes), diagram.edges):
        sources = [source for source, target in diagram.edges if target == node]
        ancestors[node] = set().union(*(ancestors[source] for source in sources)) if sources else {node}
    return [(sum(above) / len(above), box) for box, above in enumerate(ancestors)]


@dataclass
class _Sorter:
    """Crossing reduction: barycentre sweeps (Sugiyama et al. 1981) and adjacent exchanges (Gansner et al. 1993)."""

    start: Order
    segments: Sequence[tuple[int, int]]
    inputs: set[int]
    before: dict[int, list[int]] = field(init=False)
    after: dict[int, list[int]] = field(init=False)
    pairs: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.before, self.after = defaultdict(list), defaultdict(list)
        for source, target in self.segments:
            self.before[target].append(source)
            self.after[source].append(target)
        column = {cell: i for i, cells in enumerate(self.start) for cell in cells}
        corridors: list[list[tuple[int, int]]] = [[] for _ in self.start]
        for source, target in self.segments:
            corridors[column[source]].append((source, target))
        self.pairs = [np.array(corridor) for corridor in corridors if corridor]

    def best(self) -> Order:
        """The order of fewest crossings; the inputs keep their author's order unless giving it up removes some."""
        kept = min(self._candidates(self._in_place), key=self.crossings)
        if self.crossings(kept) == 0:
            return kept
        return min([kept, *self._candidates(lambda cells: cells)], key=self.crossings)

    def crossings(self, order: Order) -> int:
        """How many pairs of segments cross."""
        place = np.zeros(1 + max(cell for cells in order for cell in cells), int)
        for cells in order:
            place[cells] = range(len(cells))
        total = 0
        for pairs in self.pairs:
            source, target = place[pairs].T
            total += int(np.sum((source[:, None] < source) & (target[:, None] > target)))
        return total

    def _candidates(self, settle: Callable[[list[int]], list[int]]) -> Iterator[Order]:
        order = self.start
        yield self._exchanged(order)
        for sweep in range(SWEEPS):
            order = self._swept(order, backward=sweep % 2 == 0, settle=settle)
            yield self._exchanged(order)

    def _in_place(self, cells: list[int]) -> list[int]:
        """The same column with its inputs back in their author's order, in the places that inputs hold."""
        inputs = iter(sorted(cell for cell in cells if cell in self.inputs))
        return [next(inputs) if cell in self.inputs else cell for cell in cells]

    def _swept(self, order: Order, backward: bool, settle: Callable[[list[int]], list[int]]) -> Order:
        """Each column sorted by the mean place of the neighbours in the column sorted just before it."""
        result = [list(cells) for cells in order]
        neighbours = self.after if backward else self.before
        columns = range(len(order) - 2, -1, -1) if backward else range(1, len(order))
        for column in columns:
            other = result[column + 1 if backward else column - 1]
            place = {cell: (i + 0.5) / len(other) for i, cell in enumerate(other)}
            cells = result[column]
            key = {
                cell: sum(place[n] for n in neighbours[cell]) / len(neighbours[cell])
                if neighbours[cell]
                else (i + 0.5) / len(cells)
                for i, cell in enumerate(cells)
            }
            result[column] = settle(sorted(cells, key=lambda cell: round(key[cell], 9)))
        return result

    def _exchanged(self, order: Order) -> Order:
        """Neighbours in a column exchanged as long as that removes crossings; two inputs are left as they are."""
        result = [list(cells) for cells in order]
        place = {cell: i for cells in result for i, cell in enumerate(cells)}
        improved = True
        while improved:
            improved = False
            for cells in result:
                for i in range(len(cells) - 1):
                    upper, lower = cells[i : i + 2]
                    if {upper, lower} <= self.inputs:
                        continue
                    if self._cost(lower, upper, place) < self._cost(upper, lower, place):
                        cells[i], cells[i + 1] = lower, upper
                        place[lower], place[upper] = i, i + 1
                        improved = True
        return result

    def _cost(self, upper: int, lower: int, place: dict[int, int]) -> int:
        """Crossings between the segments of two cells if `upper` stands right above `lower`."""
        return sum(place[a] > place[b] for side in (self.before, self.after) for a in side[upper] for b in side[lower])
