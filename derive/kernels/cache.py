"""Modules of kernels as files that Numba can keep compiled code beside, in a folder of the user's cache.

The only code besides `cli.py` that writes files, and it writes nowhere else.  DERIVE_CACHE names another folder.  A file is
named after its text, so one that is there is right, and two processes that write it at once write the same.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType


def folder() -> Path:
    """The folder of the cache."""
    named = os.environ.get("DERIVE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "derive" / "kernels"


def load(source: str, name: str) -> ModuleType:
    """The module of a text, imported once in a process.

    Where the cache cannot be written to, it lives in a folder that lasts as long as the process.
    """
    module = f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    full = f"derive_kernels_{module}"
    if full in sys.modules:
        return sys.modules[full]
    path = _written(f"{module}.py", source)
    spec = importlib.util.spec_from_file_location(full, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[full] = found
    spec.loader.exec_module(found)
    return found


def _written(name: str, source: str) -> Path:
    for place in (folder, _passing):
        try:
            return _put(place(), name, source)
        except OSError:
            continue
    raise OSError("no folder takes the text of a kernel")


def _put(place: Path, name: str, source: str) -> Path:
    """The file, complete before it has its name."""
    path = place / name
    if path.exists() and path.read_text("utf-8") == source:
        return path
    place.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(source)
    Path(temporary).replace(path)
    return path


@cache
def _passing() -> Path:
    return Path(tempfile.mkdtemp(prefix="derive-kernels-"))
