"""The graph language: text read into a Graph, never evaluated.  Start at `read.read`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "read":
        from derive.language.read import read

        return read
    raise AttributeError(name)
