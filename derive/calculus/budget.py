"""How much work a derivation may be: a count of symbols, no clock, so that it ends the same way on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.calculus.cost import length
from derive.errors import DeriveError

MOST = 100_000
"""So many symbols may stand in all the lines that a derivation looks at; those of the library need at most a few thousand."""


@dataclass
class Budget:
    """What has been spent on the derivation called `name`: the symbols of each line looked at, of those dropped as well."""

    name: str
    spent: int = 0

    def spend(self, line: Any) -> None:
        """Count a line.  Raises DeriveError where that is more than a derivation may be."""
        self.spent += length(line)
        if self.spent > MOST:
            raise DeriveError(
                f"the derivation of {self.name} is too long: its lines have more than {MOST} symbols",
                hint="Give the parts of the definition names (t = …): each then has a short derivation of its own.",
            )
