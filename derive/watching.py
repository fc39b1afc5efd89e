"""Waiting until files change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PAUSE, STILL = 0.2, 0.05
"""The seconds between two looks, and for how long a file that changed has to stay as it is: an editor may still be writing."""


def changes(paths: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """One now, and one whenever a file is another than at the last look; `paths` are asked for anew at each.

    Looks, rather than being told: folders on a network and in containers tell nothing.
    """
    seen: object = None
    while True:
        found = _stamps(paths())
        if found == seen:
            time.sleep(PAUSE)
            continue
        while True:
            time.sleep(STILL)
            if found == (found := _stamps(paths())):
                break
        seen = found
        yield


def _stamps(paths: Iterable[Path]) -> list[tuple[str, int, int, int]]:
    return sorted((str(path), *_stamp(path)) for path in set(paths))


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes with the content of a file; zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino
