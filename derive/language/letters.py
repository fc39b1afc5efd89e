"""Index letters: those the author uses over an axis, and others where more are needed.

`W: [m, n]` and `a = W @ x + b` give a_i = Σ_j W_ij x_j + b_i: the axes of a definition get their letters in the order in
which its formula meets them, its own axes first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from derive.calculus.terms import Index
from derive.graphs.names import fresh

ALPHABET = "ijklmnpqruvo"


class Letters:
    """The letters of each axis, in order of preference; more are added as they are asked for."""

    def __init__(self, names: Collection[str], used: Iterable[Index]) -> None:
        self.names = frozenset(names)
        self.of: dict[Any, list[str]] = {}
        for index in used:
            letters = self.of.setdefault(index.size, [])
            if index.name not in letters:
                letters.append(index.name)

    def meet(self, size: Any) -> None:
        """An axis has one letter at least."""
        if size not in self.of:
            self.of[size] = []
            self.of[size].append(self._next(size, ()))

    def take(self, size: Any, avoid: Collection[str]) -> Index:
        """An index over an axis: its first letter that is not to be avoided."""
        self.meet(size)
        letter = next((letter for letter in self.of[size] if letter not in avoid), None)
        if letter is None:
            letter = self._next(size, avoid)
            self.of[size].append(letter)
        return Index(letter, size)

    def take_all(self, sizes: Iterable[Any], avoid: Collection[str] = ()) -> tuple[Index, ...]:
        """Indices over several axes, all different."""
        taken: list[Index] = []
        for size in sizes:
            taken.append(self.take(size, {*avoid, *(i.name for i in taken)}))
        return tuple(taken)

    def _next(self, size: Any, avoid: Collection[str]) -> str:
        """The next free letter after the last one of this axis; then letters of other axes; then i1, i2 …"""
        last = self.of[size][-1] if self.of[size] else ""
        start = ALPHABET.index(last) + 1 if last in ALPHABET and last else 0
        others = {letter for letters in self.of.values() for letter in letters}
        after = ALPHABET[start:] + ALPHABET[:start]
        return fresh([*(c for c in after if c not in others), *after], self.names.union(avoid, self.of[size]), stem="i")


def capital(name: str) -> str:
    """The name of a matrix whose rows are vectors of this name, X for x; nothing for a word, or a letter with no capital."""
    return name[0].upper() + name[1:] if _ONE_LETTER.fullmatch(name) else ""


_ONE_LETTER = re.compile(r"[a-z](_?(hat|bar|tilde))?(_?\d+|_.+)?")
"""A name that is printed as one letter, with its accent, number or subscript."""
