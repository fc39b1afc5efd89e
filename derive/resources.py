"""Where the files lie that come with the project and are not Python, and what those say that it writes."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent

OURS = "Edit the source, not this file."
"""Every file the tool writes says so; only such files are overwritten without being told to."""


def folder(name: str) -> Path:
    """The folder `templates` or `lectures`: inside the package when installed, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def mark(source: str = "") -> str:
    """The line that says where a generated file came from.

    >>> mark("mlp.derive")
    'Made by derive from mlp.derive. Edit the source, not this file.'
    """
    return f"Made by derive{' from ' + source if source else ''}. {OURS}"
