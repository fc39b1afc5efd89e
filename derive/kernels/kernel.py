"""A kernel in this process: a module's text, compiled when its functions are first called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from derive.errors import DeriveError
from derive.graphs.graph import Graph, remembered
from derive.kernels.cache import load
from derive.kernels.module import Module, module
from derive.kernels.program.program import Program
from derive.kernels.target import TARGETS
from derive.language.batching import batch, check_reduction

EXTRAS = ("Workspace", "Kernel")
"""What a module may offer besides its functions: `Kernel.apply` is what PyTorch differentiates, with wrap="torch"."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """The functions of a definition, compiled for one target and type of numbers.

    `kernel.value(…)`, `kernel.value_and_grad(…)` where the output is a number, `kernel.forward(…)`, `kernel.vjp(…)` and
    `kernel.forward_and_vjp(…)` where it is a tensor; `help(kernel.value)` says what each takes.  `source` is the text of a
    module with the same functions, which stands on numpy and numba alone.
    """

    text: Module

    @property
    def source(self) -> str:
        return self.text.source

    @property
    def programs(self) -> Mapping[str, Program]:
        """What each function computes, in order; `print` shows it as mathematics."""
        return self.text.programs

    @property
    def wrt(self) -> tuple[str, ...]:
        """The inputs whose gradients are given, in this order."""
        return self.text.wrt

    @cached_property
    def loaded(self) -> ModuleType:
        """The module, imported."""
        return load(self.source, self.text.name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "text" or name not in (*self.text.programs, *EXTRAS):
            raise AttributeError(f"this kernel has no {name}; it has {', '.join(self.text.programs)}")
        return getattr(self.loaded, name)


def kernel(
    graph: Graph,
    target: str = "",
    batched: str | Sequence[str] = (),
    wrt: str | Sequence[str] = (),
    dtype: str = "float32",
    reduction: str = "mean",
    name: str = "",
    wrap: str = "",
) -> Kernel:
    """The kernel of a graph, made once; see `api.Graph.kernel`.  `name` is what the module is called.  Where no target is named,
    the first of TARGETS is meant.
    """
    target = target or next(iter(TARGETS))
    if target not in TARGETS:
        raise DeriveError(f"there is no target {target}", hint=f"The targets are {', '.join(TARGETS)}.")
    check_reduction(reduction)
    batched, wrt = _names(batched), _names(wrt)
    if reduction != "mean" and not batched:
        raise DeriveError("there is no reduction without examples", hint="Say which inputs differ between examples: batch.")

    def made() -> Kernel:
        whole = batch(graph, batched, reduction).graph if batched else graph
        return Kernel(module(whole, TARGETS[target], wrt, dtype, name, wrap))

    return remembered(graph, ("kernel", target, batched, wrt, dtype, reduction, name, wrap), made)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names, also as one text with commas, each once."""
    names = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(n.strip() for n in names if n.strip()))
