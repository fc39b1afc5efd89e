"""The targets that kernels run on, the first of which is meant where none is named."""

from __future__ import annotations

from derive.kernels.cpu.target import CPU
from derive.kernels.cuda.target import CUDA

TARGETS = {target.name: target for target in (CPU, CUDA)}
