"""The CPU, by way of Numba."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derive.kernels.cpu.blocked import BLOCK, BLOCKS_FROM
from derive.kernels.cpu.compiled import THREADS_BESIDE, THREADS_FROM
from derive.kernels.cpu.functions import public
from derive.kernels.program.elementary import DTYPES, STORED, computed
from derive.kernels.program.functions import CONVERSIONS
from derive.kernels.text.device import Device
from derive.kernels.text.target import NUMPY, Target
from derive.kernels.text.wrapper import Public

OWN = (
    "math np njit prange empty ndarray uint16 uint64 float32 float64 int32 int64 "
    "abs max min range type TypeError ValueError REAL STORED WHOLE LINE THREADS_FROM OPTIONS INSIDE Apart "
    "outside clash fill join_sum join_largest join_product out workspace status run "
    "threads thread scratch places totals first last block lead start stop width share past BLOCKS_FROM BLOCK"
)


def _variables(functions: Sequence[Public], dtype: str) -> Mapping[str, Any]:
    by_blocks = (BLOCKS_FROM, BLOCK) if any("_by_blocks(" in f.text for f in functions) else ()
    return {
        "stored": dtype if dtype in STORED else "",
        "computed": computed(dtype),
        "threads_from": THREADS_BESIDE if any(f.mixed for f in functions) else THREADS_FROM,
        "by_blocks": by_blocks,
    }


CPU = Target(
    name="cpu",
    template="cpu/module.j2",
    public=public,
    device=Device(
        files=("cpu/device/intrinsics.py", "cpu/device/{dtype}.py", "cpu/device/functions.py", "cpu/device/halves.py"),
        operations=(
            "accumulate",
            "accumulate_maximum",
            "address",
            "fence",
            "fetch",
            "kept",
            "maximum",
            "select",
            "spans",
            "stream",
            "halves",
            *(kind.__name__ for kind in CONVERSIONS),
        ),
        measured=True,
    ),
    imports=(
        *(("numba", name) for name in ("get_num_threads", "njit", "prange", "threading_layer")),
        *(("numba.core.compiler", name) for name in ("CompilerBase", "DefaultPassBuilder")),
        *(("numpy", name) for name in ("empty", "ndarray", "uint16", "uint64")),
        *NUMPY,
    ),
    own=frozenset(OWN.split()),
    dtypes=(*DTYPES, *STORED),
    variables=_variables,
    trial="text/trial.j2",
    wraps={"torch": {"place": "the CPU", "plain": "What numpy makes of a tensor", "array": "given.detach().numpy()"}},
)
