"""Who does the work: this process, several side by side, or a cluster that is there already."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from derive.errors import DeriveError, said
from derive.processes import attached

_QUIET = "ignore::UserWarning:multiprocessing.resource_tracker"
"""Python's own process that tidies up after those that were stopped would tell what it found."""


@contextmanager
def working(workers: int | None = None, scheduler: str = "") -> Iterator[Callable[..., Any]]:
    """What maps a function over things: in so many processes, by default one for each core, or on a Dask cluster.

    Raises DeriveError where a process is killed, or the cluster is not there.
    """
    if scheduler:
        with _cluster(scheduler) as client:
            yield client.get_executor().map
        return
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield map
        return
    sys.warnoptions.append(_QUIET)
    try:
        with ProcessPoolExecutor(count, mp_context=get_context("forkserver"), initializer=attached) as executor:
            yield executor.map
    except BrokenProcessPool:
        raise DeriveError(
            "One of the processes at work was killed.",
            hint="Run it again: what is written stays. Fewer --workers take less memory.",
        ) from None


def _cluster(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise DeriveError("A cluster needs the package distributed.", hint="Install it with: pip install distributed") from None
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise DeriveError(said("The scheduler at {address} does not answer: {reason}", address=address, reason=error)) from None
