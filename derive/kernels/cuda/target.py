"""A CUDA device, by way of Numba."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from derive.kernels.cuda.functions import public
from derive.kernels.cuda.threads import COMBINED
from derive.kernels.program.statements import NEUTRAL
from derive.kernels.text.device import Device
from derive.kernels.text.python import python
from derive.kernels.text.scope import Scope, variable_of
from derive.kernels.text.target import NUMPY, Target
from derive.kernels.text.wrapper import Public

OWN = (
    "math np cuda cache void float32 float64 int32 abs max min range globals TypeError ValueError "
    "REAL WHOLE PARTIAL NUMBER SIZE REALS WHOLES PARTS ROOM THREADS LABELS_CHECKED DETERMINISTIC kernel out workspace stream"
)


def _variables(functions: Sequence[Public], dtype: str) -> Mapping[str, Any]:
    return {
        "sums": [(kind, combined, python(Scope(dtype, variable_of).value(NEUTRAL[kind]))) for kind, combined in COMBINED.items()]
    }


CUDA = Target(
    name="cuda",
    template="cuda/module.j2",
    public=public,
    device=Device(
        files=("cuda/intrinsics.py", "cuda/{dtype}.py", "cuda/device.py"),
        operations=(
            *("accumulate", "accumulate_maximum", "accumulate_product", "atomic_add", "maximum", "read"),
            *("row_largest", "row_product", "row_sum", "select", "write"),
        ),
    ),
    imports=NUMPY,
    own=frozenset(OWN.split()),
    variables=_variables,
    wraps={
        "torch": {
            "place": "a CUDA device",
            "plain": "A tensor without its history, one behind the other in memory",
            "array": "given.detach().contiguous()",
        }
    },
)
