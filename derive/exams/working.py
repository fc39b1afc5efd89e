"""Who does the work: this process, or several side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from derive.exams.papers import Each


@contextmanager
def working(workers: int | None = None) -> Iterator[Each]:
    """What maps a function over things in so many processes, by default one for each core."""
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield map
        return
    with ProcessPoolExecutor(count, mp_context=get_context("forkserver")) as executor:
        yield executor.map
