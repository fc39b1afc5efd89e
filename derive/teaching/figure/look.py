"""What every format of a figure draws alike: colours, widths of lines, heads of arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.teaching.figure.routing import HEAD

if TYPE_CHECKING:
    from derive.teaching.figure.geometry import Position, Role

COLOUR: dict[Role, str] = {"box": "#1a1a1a", "forward": "#00599c", "backward": "#a33b00", "weight": "#3d4a55"}
"""Of the texts.  Blue and vermilion (Okabe & Ito 2008, darkened) differ for every kind of colour vision.  In greyscale a
gradient is known by its frame and its place below the arrow, a box by its shape and rim."""

FILL = {"input": "#e6f0f8", "operation": "#ffffff", "output": "#fff4d1"}
RIM = {"input": 0.8, "operation": 0.8, "output": 1.6}
TINT, ARROW, LINE = "#fdeee4", "#4a4a4a", "#9aa5ae"

HEAD_WIDTH = 5.0


def head_of(end: Position, tip: Position, width: float = HEAD_WIDTH) -> tuple[Position, Position, Position]:
    """The corners of the head of an arrow, whose line ends at `end`."""
    (x, y), (tip_x, tip_y) = end, tip
    across = (width / 2 * (tip_y - y) / HEAD, width / 2 * (x - tip_x) / HEAD)
    return (x + across[0], y + across[1]), tip, (x - across[0], y - across[1])
