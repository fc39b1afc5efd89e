"""How much work a derivation may be: a count of symbols, no clock, so that it ends the same way on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.calculus.cost import length
from derive.errors import DeriveError, said

MOST = 100_000
"""So many symbols may stand in all the lines that a derivation looks at; those of the library need at most a few thousand."""

MOST_SEARCHED = 300_000
"""So many symbols may be searched for definitions that stand in a line, once for each of them; those of the library: 2,000."""

MOST_TOGETHER = 100_000
"""So many may stand in those of all the derivations of one page; an LSTM cell needs 14,000."""

MOST_DERIVATIVES = 400
"""So many derivatives are shown on a page."""


@dataclass
class Budget:
    """What has been spent on the derivation called `name`: the symbols of each line looked at, of those dropped as well."""

    name: str
    spent: int = 0
    searched: int = 0

    def spend(self, line: Any) -> None:
        """Count a line.  Raises DeriveError where that is more than a derivation may be."""
        self.spent += length(line)
        if self.spent > MOST:
            raise self._too_long(said("its lines have more than {most:,} symbols", most=MOST))

    def search(self, line: Any, times: int) -> None:
        """Count a line that is searched so many times.  Raises DeriveError where that is more than a derivation may need."""
        self.searched += times * length(line)
        if self.searched > MOST_SEARCHED:
            raise self._too_long(said("more than {most:,} symbols are searched for what has a name", most=MOST_SEARCHED))

    def _too_long(self, why: str) -> DeriveError:
        return DeriveError(
            said("The derivation of {name} is too long: {why}.", name=self.name, why=why),
            hint="Give the parts of the definition names (t = …): each then has a short derivation of its own.",
        )


def check_together(of: str, spent: int) -> None:
    """Raises DeriveError where the derivations of an output are, all together, more than a page may have."""
    if spent > MOST_TOGETHER:
        raise DeriveError(
            said(
                "The derivations of {of} are too long together: their lines have more than {most_together:,} symbols.",
                of=of,
                most_together=MOST_TOGETHER,
            ),
            hint="Differentiate by some names only (wrt), or take the definition apart.",
        )


def check_count(of: str, count: int) -> None:
    """Raises DeriveError where an output has more derivatives than a page may have."""
    if count > MOST_DERIVATIVES:
        raise DeriveError(
            said(
                "{of} has {count:,} derivatives of this order, and at most {most_derivatives} are shown.",
                of=of,
                count=count,
                most_derivatives=MOST_DERIVATIVES,
            ),
            hint="Differentiate by some names only (wrt).",
        )
