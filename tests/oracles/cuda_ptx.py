"""The kernels of CUDA modules as PTX, compiled without a device, and assembled by ptxas where a CUDA toolkit is installed.

A module's own functions choose the constants and launch: what they launch at given shapes is recorded and compiled, not run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracles.cuda_simulator import imported

PTXAS = shutil.which("ptxas")


@dataclass(frozen=True)
class Launch:
    """A kernel that was launched: its function and constants, the signature, the most threads of a block."""

    name: str
    constants: Mapping[str, Any]
    function: Any
    signature: Any
    bounds: int
    block: tuple[int, ...]


@dataclass(frozen=True)
class Assembled:
    """What ptxas says of a kernel."""

    registers: int
    spilled: int
    stack: int


class Recorder:
    """CUDA as the functions of a module see it: kernels are recorded, and arrays have an address only."""

    def __init__(self) -> None:
        self.launches: list[Launch] = []

    def jit(self, signature: Any, launch_bounds: tuple[int, int], cache: bool) -> Callable[[Any], Any]:
        def made(function: Any) -> Any:
            constants = dict(
                zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ()), strict=True)
            )
            name = function.__qualname__.split(".")[0]

            def configured(_: Any, configuration: Any) -> Callable[..., None]:
                block = configuration[1] if isinstance(configuration[1], tuple) else (configuration[1],)

                def launched(*arguments: Any) -> None:
                    assert len(arguments) == len(signature.args)
                    found = Launch(name, constants, function, signature, launch_bounds[0], block)
                    if found not in self.launches:
                        self.launches.append(found)

                return launched

            return type("Recorded", (), {"__getitem__": configured})()

        return made

    def is_available(self) -> bool:
        return True

    def current_context(self) -> Any:
        return SimpleNamespace(device=SimpleNamespace(id=0))

    def get_current_device(self) -> Any:
        return SimpleNamespace(MULTIPROCESSOR_COUNT=132)

    def device_array(self, shape: Any, dtype: Any, stream: Any = 0) -> Any:
        return placed(shape, dtype)


def placed(shape: Any, dtype: Any) -> Any:
    """An array of the device that no one reads."""
    interface = {"shape": shape, "typestr": np.dtype(dtype).str, "data": (1 << 20, False), "strides": None, "version": 3}
    return SimpleNamespace(__cuda_array_interface__=interface)


def recorded(source: str, function: str, *arguments: Any) -> list[Launch]:
    """What a function of a module launches for these arguments; an array is given as (shape, dtype)."""
    module, recorder = imported(source), Recorder()
    cuda = vars(module)["cuda"]
    vars(module)["cuda"] = recorder
    vars(module)["LABELS_CHECKED"] = False
    given = [placed(*a) if isinstance(a, tuple) else a for a in arguments]
    getattr(module, function)(*given)
    vars(module)["cuda"] = cuda
    return recorder.launches


@contextmanager
def pretended(capability: tuple[int, int]) -> Iterator[None]:
    """Numba compiles functions of the device for the device that is there; here is one."""
    from numba.cuda import dispatcher

    found = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = found


def ptx(launch: Launch, capability: tuple[int, int]) -> str:
    """The PTX of a kernel."""
    from numba import cuda

    with pretended(capability):
        text, _ = cuda.compile_ptx(launch.function, launch.signature.args, cc=capability)
    return str(text)


def assembled(text: str, capability: tuple[int, int], threads: int) -> Assembled:
    """A kernel, assembled for blocks of so many threads."""
    assert PTXAS
    text = re.sub(r"(\.entry [^(]+\([^)]*\))\s*\{", rf"\1\n.maxntid {threads}, 1, 1\n.minnctapersm 1\n{{", text, count=1)
    with TemporaryDirectory() as folder:
        given, made = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        given.write_text(text)
        arch = f"sm_{capability[0]}{capability[1]}"
        run = subprocess.run([PTXAS, "-v", f"-arch={arch}", given, "-o", made], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    numbers = (
        sum(map(int, re.findall(pattern, run.stderr)))
        for pattern in (r"Used (\d+) registers", r"(\d+) bytes spill stores", r"(\d+) bytes stack frame")
    )
    return Assembled(*numbers)
