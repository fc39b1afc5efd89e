"""Moved."""

from derive.graphs import *  # noqa: F403
