"""A kernel in this process: a module's text, compiled when its functions are first called."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MethodType, ModuleType
from typing import Any

from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, remembered
from derive.kernels.cache import load
from derive.kernels.module import Module, module
from derive.kernels.program.outputs import restricted
from derive.kernels.program.program import Program
from derive.kernels.runtime import importing
from derive.kernels.target import TARGETS
from derive.language.batching import batch, check_reduction

EXTRAS = ("Workspace", "Kernel")
"""What a module may offer besides its functions: `Kernel.apply` is what PyTorch differentiates, with wrap="torch"."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """The functions of a definition, compiled for one target and type of numbers.

    `kernel.value(…)`, `kernel.value_and_grad(…)` where the output is a number, `kernel.forward(…)`, `kernel.vjp(…)` and
    `kernel.forward_and_vjp(…)` where it is a tensor; `help(kernel.value)` says what each takes.  `source` is the text of a
    module with the same functions, which stands on numpy and numba alone.  A kernel and its functions can be copied and pickled.
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
        found = load(self.source, self.text.name, tuple(self.programs))
        vars(found).setdefault(MADE_FOR, self)
        for kind in (found.Workspace, *([type(found.Kernel)] if hasattr(found, "Kernel") else [])):
            copyreg.pickle(kind, _reduced)
        return found

    def __getattr__(self, name: str) -> Any:
        text = vars(self).get("text")  # there is none while a copy is being made
        if text is None or name not in (*text.programs, *EXTRAS):
            raise AttributeError(f"this kernel has no {name}" + (f"; it has {', '.join(text.programs)}" if text else ""))
        is_function = name in text.programs
        found = MethodType(getattr(self.loaded.Methods, name), self) if is_function else getattr(self.loaded, name)
        vars(self)[name] = found  # so that this is asked once
        return found

    def __copy__(self) -> Kernel:
        return self

    def __deepcopy__(self, memo: object) -> Kernel:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A kernel travels as its text: it is the same in another process, whatever has become of the definition there."""
        return Kernel, (self.text,)


MADE_FOR = "MADE_FOR"
"""The name in a module of the kernel that loaded it."""


def _reduced(held: Any) -> str | tuple[Any, ...]:
    """How a workspace, or the class that a library differentiates, travels: by its kernel; no other process has the module."""
    kind = held if isinstance(held, type) else type(held)
    made = vars(sys.modules[kind.__module__]).get(MADE_FOR)
    if made is None:  # a class of somebody else's
        return kind.__qualname__
    return (getattr, (made, kind.__name__)) if isinstance(held, type) else (_workspace, (made,))


def _workspace(kernel: Kernel) -> Any:
    """What a workspace holds is of no use to another process."""
    return kernel.Workspace()


def kernel(
    graph: Graph,
    target: str = "",
    batched: str | Sequence[str] = (),
    wrt: str | Sequence[str] = (),
    dtype: str = "float32",
    reduction: str = "mean",
    name: str = "",
    wrap: str = "",
    imports: bool = False,
    order: int = 1,
    outputs: str | Sequence[str] = (),
) -> Kernel:
    """The kernel of a graph, made once; see `api.Graph.kernel`.  `name` is what the module is called.  Where no target is named,
    the first of TARGETS is meant.  A module that `imports` has what all have in common from derive, and does not stand alone.
    """
    target = target or next(iter(TARGETS))
    if target not in TARGETS:
        raise DeriveError(
            said("There is no target {target}.", target=target), hint=said("The targets are {names}.", names=", ".join(TARGETS))
        )
    check_reduction(reduction)
    batched, wrt, outputs = _names(batched), _names(wrt), _names(outputs)
    if reduction != "mean" and not batched:
        raise DeriveError("There is no reduction without examples.", hint="Say which inputs differ between examples: batch.")

    def made() -> Kernel:
        one = restricted(graph, outputs) if outputs else graph
        whole = batch(one, batched, reduction).graph if batched else one
        last = {one.output.name: whole.output.name}  # of a number the mean, which has a name of its own
        alone = module(whole, TARGETS[target], wrt, dtype, name, wrap, order, [last.get(n, n) for n in outputs])
        return Kernel(replace(alone, source=importing(alone.source, TARGETS[target], dtype)) if imports else alone)

    return remembered(graph, ("kernel", target, batched, wrt, dtype, reduction, name, wrap, imports, order, outputs), made)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names, also as one text with commas, each once."""
    names = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(n.strip() for n in names if n.strip()))
