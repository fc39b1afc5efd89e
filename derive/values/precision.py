"""How many digits are computed in: as many as it takes to decide what is asked, up to a limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Protocol, Self, TypeVar

from flint import ctx

from derive.errors import DeriveError, said

DIGITS, MOST_DIGITS = 50, 10_000
"""Numbers are computed in 50 digits, and in twice as many until what is asked is decided, up to this many."""


GUARD = 10
"""So many bits are for rounding."""


class DomainError(DeriveError):
    """A function was asked for a value it does not have (log of a negative number, division by zero)."""


class Undecided(DomainError):
    """So many digits do not tell what was asked: which of two numbers is the larger, whether one is 0."""


def too_few(one: str = "", other: str = "", digits: int = 0) -> str:
    """What so many digits, those computed in if none are given, do not tell."""
    digits = digits or round((ctx.prec - GUARD) / math.log2(10))
    if not one:
        return said("it cannot be told at {digits:,} digits whether there is a value", digits=digits)
    return said("{one} and {other} cannot be told apart at {digits:,} digits", one=one, other=other, digits=digits)


_LOCK = RLock()
"""FLINT's precision is the process's.  It makes no ball wrong, only wider: the lock is there for results that are the same
every time.  What is done under it computes numbers and waits for nothing else.
"""


@contextmanager
def precision(digits: int) -> Iterator[None]:
    """Compute in so many digits meanwhile, and some more for what rounding takes."""
    with _LOCK:
        before, ctx.prec = ctx.prec, math.ceil(digits * math.log2(10)) + GUARD
        try:
            yield
        finally:
            ctx.prec = before


class _Refined(Protocol):
    """What is known in so many digits, and in more."""

    @property
    def digits(self) -> int: ...

    @property
    def finer(self) -> Self: ...


P = TypeVar("P", bound=_Refined)


T = TypeVar("T")


def decided(known: P, ask: Callable[[P], T]) -> T:
    """What is asked, in as many digits as it takes.  Raises Undecided where the most of them do not tell."""
    while True:
        try:
            return ask(known)
        except Undecided:
            if known.digits >= MOST_DIGITS:
                raise
        known = known.finer
