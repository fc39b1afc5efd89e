"""What a target of kernels owes: each has a folder, in which one `Target` says all that is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.graphs.graph import Graph
from derive.kernels.program.elementary import DTYPES, FUNCTIONS
from derive.kernels.program.program import Program
from derive.kernels.text.device import Device, Names
from derive.kernels.text.wrapper import FunctionKind, Public

Printer = Callable[[FunctionKind, Program, Graph, Sequence[str], str], Public]
"""From what a public function gives, the program that computes it, the graph, the inputs to differentiate by and a type."""

NUMPY: Names = tuple(("numpy", name) for name in ("float32", "float64", "int32", "int64"))
"""What the text of every target imports."""


@dataclass(frozen=True)
class Target:
    """What kernels run on.  Files are named by their place in the folder of kernels."""

    name: str
    template: str
    """The file of a module, which has `functions` and `device` put in, and what else `derive.kernels.module` says of a module."""
    public: Printer
    """Prints a public function and what it calls."""
    device: Device
    """The elementary functions, and the operations that the printer uses besides."""
    imports: Names
    """What the functions need from elsewhere, besides numpy itself."""
    own: frozenset[str]
    """The names that the functions mention besides those of `device` and of what they compute; names with two underscores,
    or one in front, are nobody else's.
    """
    dtypes: tuple[str, ...] = DTYPES
    variables: Callable[[Sequence[Public], str], Mapping[str, Any]] = lambda functions, dtype: {}
    """What else the template has put in, from the public functions and the type."""
    trial: str = ""
    """The file of what a module does that is run as a program; none by default."""
    wraps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The libraries that functions can be wrapped for, and what is put into the template of each, `text/LIBRARY.j2`."""

    @cached_property
    def functions(self) -> frozenset[str]:
        """What the files of `device` offer to those who print."""
        return frozenset({*FUNCTIONS, *self.device.operations})

    @cached_property
    def reserved(self) -> frozenset[str]:
        """The names that nothing in a module may have but what the target means by them."""
        return self.own | self.functions
