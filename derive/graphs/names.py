"""Names that mean nothing yet: for tensors, for sizes, for indices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count, pairwise
from typing import Any

from derive.calculus.terms import Index

POOL = "ijklqruvmnpabcdeo"
"""Letters for indices, once those an author uses over the axis are taken."""


def fresh(preferred: Sequence[str], taken: Collection[str], stem: str = "", first: int = 1) -> str:
    """The first of the preferred names that is not taken; else the stem, by default the first of them, with a number.

    >>> fresh(("N", "B"), {"N"}), fresh(("N", "B"), {"N", "B"}), fresh(["h1"], {"h1"}, first=2)
    ('B', 'N1', 'h1_2')
    """
    stem = stem or preferred[0]
    gap = "_" if stem[-1].isdigit() else ""
    return next(name for name in chain(preferred, (f"{stem}{gap}{k}" for k in count(first))) if name not in taken)


def lettered(
    indices: Iterable[Index], letters: Sequence[tuple[Any, tuple[str, ...]]], taken: Collection[str], own: bool = False
) -> tuple[Index, ...]:
    """The indices with a letter each that is not taken: its own one if `own`, else the author's for its axis or one between
    these, else one that stands for no other axis.  `letters` are those of the author for each axis, as in `Graph.letters`.

    >>> lettered([Index("i", 3), Index("i", 3)], [(3, ("i", "k"))], ())
    (i, j)
    """
    known, busy, out = dict(letters), set(taken), list[Index]()
    elsewhere = {c for letters_over in known.values() for c in letters_over}
    pool = (*(c for c in POOL if c not in elsewhere), *POOL)
    for index in indices:
        author = _filled(known.get(index.size, ()), elsewhere)
        letter = fresh((*([index.name] if own else []), *author, *pool), busy, stem="i")
        busy.add(letter)
        out.append(Index(letter, index.size))
    return tuple(out)


def _filled(letters: Sequence[str], elsewhere: Collection[str]) -> list[str]:
    """Letters with the one that is missing between two, if it stands for nothing else: i, j, k for i, k."""
    out = list(letters[:1])
    for before, letter in pairwise(letters):
        between = [c for c in POOL if before < c < letter] if len(before) == len(letter) == 1 else []
        out += [*(c for c in between if len(between) == 1 and c not in elsewhere), letter]
    return out
