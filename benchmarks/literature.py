"""How long each definition of a book or a paper takes: `python benchmarks/literature.py [NAME …]` prints the slowest first.

The times are those of one processor, in milliseconds: to derive what the author wants on a fresh graph, and to prove it.  A clock
belongs here and not into the tests, which count the work (`tests/derivation/test_literature.py`).  Exits with status 1 where one
takes more than `LIMIT`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.speed import machine  # noqa: E402
from cases.literature.row import Row  # noqa: E402
from cases.literature.tables import TABLES  # noqa: E402
from derive.proof.proof import prove  # noqa: E402

LIMIT = 2000
"""Milliseconds."""


class Times(NamedTuple):
    derived: float
    proved: float
    name: str


def times(row: Row) -> Times:
    """Milliseconds of this thread."""
    start = time.thread_time()
    found = row.derived().derivations
    derived = time.thread_time()
    for each in found:
        prove(each)
    return Times(1000 * (derived - start), 1000 * (time.thread_time() - derived), row.name)


def main(names: list[str]) -> bool:
    rows = [row for rows in TABLES.values() for row in rows if not names or row.name in names]
    found = sorted(map(times, rows), key=lambda row: row.derived + row.proved, reverse=True)
    print(machine())
    print(f"{'derived':>8}{'proved':>8}  ms")
    for row in found:
        print(f"{row.derived:8.0f}{row.proved:8.0f}  {row.name}")
    return found[0].derived + found[0].proved > LIMIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
