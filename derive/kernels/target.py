"""The targets that kernels run on, and what each owes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derive.graphs.graph import Graph
from derive.kernels.cpu import functions as cpu
from derive.kernels.cuda import functions as cuda
from derive.kernels.program.program import Program
from derive.kernels.text.device import defined
from derive.kernels.text.wrapper import FunctionKind, Public

Names = tuple[tuple[str, str], ...]

NUMPY: Names = tuple(("numpy", name) for name in ("float32", "float64", "int32", "int64"))


@dataclass(frozen=True)
class Target:
    """What kernels run on: who prints the functions, the template of a module, and what its text imports besides numpy
    itself; (module, name).
    """

    public: Callable[[FunctionKind, Program, Graph, Sequence[str], str], Public]
    template: str
    imports: Names


TARGETS = {
    "cpu": Target(
        cpu.public,
        "kernels/cpu.j2",
        (
            *(("numba", name) for name in ("get_num_threads", "njit", "prange")),
            *(("numba.core.compiler", name) for name in ("CompilerBase", "DefaultPassBuilder")),
            *(("numpy", name) for name in ("empty", "ndarray", "uint64")),
            *NUMPY,
        ),
    ),
    "cuda": Target(
        cuda.public,
        "kernels/cuda.j2",
        (
            *(("numba", name) for name in ("cuda", "types")),
            ("numba.cuda.core.errors", "NumbaPerformanceWarning"),
            ("numba.types", "void"),
            *NUMPY,
        ),
    ),
}

OWN = (
    "math operator np get_num_threads njit prange empty float32 float64 int32 int64 ndarray uint64 "
    "CompilerBase DefaultPassBuilder Apart THREADS_FROM INSIDE OPTIONS run REAL WHOLE WRT Workspace outside clash "
    "fill join_sum join_largest join_product "
    "threads thread scratch places totals first last block lead start stop width share past status out workspace "
    "abs min max range float type len Kernel torch TypeError ValueError RuntimeError OverflowError isinstance str bytes "
    "getattr sorted any all dict zip next iter tuple list super globals "
    "cache cuda types void PARTIAL NUMBER SIZE REALS WHOLES PARTS WIDE THREADS ROOM LABELS_CHECKED DETERMINISTIC LIBRARIES ROWS "
    "TILE DEEP kernel stream reversed hasattr property threading warnings contextmanager"
)
"""Names that the text of a module uses itself, besides those of device functions and those with two underscores."""


def reserved(dtype: str, target: str = "cpu") -> frozenset[str]:
    """The names that no tensor may have in a module."""
    return frozenset({*OWN.split(), *defined(dtype, target)})
