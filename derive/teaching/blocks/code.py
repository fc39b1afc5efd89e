"""Code on a page: lines that are too long for one go on in the next, where Python lets them."""

from __future__ import annotations

import re

WIDEST = 72
"""So many characters of code stand on a line of a slide."""

_BREAK = re.compile(r", | (?=[-+*/]|and |or |if |else |[=!<>]= )")
"""Where a line may end between brackets."""


def folded(code: str, width: int = WIDEST) -> str:
    """The same code with no line longer than that, if brackets allow it.

    >>> print(folded("y = f(alpha, beta)", 14))
    y = f(alpha,
        beta)
    """
    return "\n".join(part for line in code.split("\n") for part in _folded(line, width))


def _folded(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    ends = [m.end() for m in _BREAK.finditer(line) if len(indent) < m.end() <= width and _open(line[: m.end()])]
    if not ends:
        return [line]
    least = min(_open(line[:end]) for end in ends)  # as far outside as can be
    end = max(end for end in ends if _open(line[:end]) == least)
    return [line[:end].rstrip(), *_folded(indent + line[end:], width)] if len(line) - end > 0 else [line]


def _open(text: str) -> int:
    """How many brackets are open at the end of a text."""
    return sum(text.count(sign) for sign in "([{") - sum(text.count(sign) for sign in ")]}")
