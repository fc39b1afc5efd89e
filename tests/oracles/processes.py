"""Other processes: Python run in a folder of its own, with a cache of kernels there, under the limits that a machine may have."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

DROP_FROM_BOUNDS, OVERRIDES = 24, (1, 2)
"""Linux: prctl's PR_CAPBSET_DROP, and what lets root write and read where modes forbid it."""


def run(
    code: str, folder: Path, limits: Callable[[], None] | None = None, timeout: int = 300, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A script in a folder; `limits` is called in the new process before Python starts."""
    environment = {**os.environ, "DERIVE_CACHE": str(folder / "cache"), "PYTHONPATH": "", **variables}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        preexec_fn=limits,
    )


def said(code: str, folder: Path, limits: Callable[[], None] | None = None, **variables: str) -> list[str]:
    """The lines that a script prints, which ends well and complains of nothing."""
    found = run(code, folder, limits, **variables)
    assert (found.returncode, found.stderr) == (0, ""), found.stderr
    return found.stdout.splitlines()


def obey_modes() -> None:
    """Let root, too, write only where modes allow it."""
    if os.geteuid() == 0:
        for capability in OVERRIDES:
            if ctypes.CDLL(None).prctl(DROP_FROM_BOUNDS, capability, 0, 0, 0):
                raise OSError("the capability cannot be dropped")
