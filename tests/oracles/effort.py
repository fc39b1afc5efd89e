"""How much work something takes, where a clock would also count the other work of the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 5.0
"""What takes about a second of a processor, and up to five of the slowest that tests run on."""


@contextmanager
def at_once() -> Iterator[None]:
    """Fails where the block takes this thread more than a moment; what other threads and processes do is not counted."""
    start = time.thread_time()
    yield
    spent = time.thread_time() - start
    assert spent < SECONDS, f"{spent:.1f} s of work"
