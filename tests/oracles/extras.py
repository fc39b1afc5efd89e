"""PyTorch where it is used: a module that takes it from here is collected on a machine that lacks it.

What uses it while a module is still being imported (a table, a decorator, a class's base) imports it then, and has to wait.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Late:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


torch: Any = Late("torch")
functional: Any = Late("torch.nn.functional")
