"""The kernels of CUDA modules as PTX, compiled without a device by each of NVIDIA's compilers that is installed, and assembled by
ptxas where a CUDA toolkit, or its package nvidia-cuda-nvcc, is installed.

A module's own functions choose the constants and launch: what they launch at given shapes is recorded and compiled, not run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracles.cuda_simulator import imported

COMPILERS: Mapping[str, Mapping[str, Any]] = {"numba-cuda": {"numba_cuda_mlir": None}, "numba-cuda-mlir": {}}
"""What compiles for CUDA, by the name of its package, and what a module may not import if it is to take this one."""


def _ptxas() -> str | None:
    """The assembler of a toolkit, or of the package nvidia-cuda-nvcc."""
    beside = (find_spec("nvidia") or SimpleNamespace(submodule_search_locations=())).submodule_search_locations or ()
    packaged = (str(path) for folder in beside for path in Path(folder).glob("*/bin/ptxas"))
    return shutil.which("ptxas") or next(packaged, None)


PTXAS = _ptxas()


@dataclass(frozen=True)
class Launch:
    """A kernel that was launched: its function and constants, the signature, the most threads of a block."""

    compiler: str
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

    def __init__(self, compiler: str) -> None:
        self.compiler = compiler
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
                    found = Launch(self.compiler, name, constants, function, signature, launch_bounds[0], block)
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
        return SimpleNamespace(MULTIPROCESSOR_COUNT=132, L2_CACHE_SIZE=50 * 2**20)

    def device_array(self, shape: Any, dtype: Any, stream: Any = 0) -> Any:
        return placed(shape, dtype)


def placed(shape: Any, dtype: Any) -> Any:
    """An array of the device that no one reads."""
    interface = {"shape": shape, "typestr": np.dtype(dtype).str, "data": (1 << 20, False), "strides": None, "version": 3}
    return SimpleNamespace(__cuda_array_interface__=interface)


def recorded(source: str, function: str, *arguments: Any, compiler: str) -> list[Launch]:
    """What a function of a module launches for these arguments; an array is given as (shape, dtype)."""
    module, recorder = imported(source, compiler=COMPILERS[compiler]), Recorder(compiler)
    cuda = vars(module)["cuda"]
    vars(module)["cuda"] = recorder
    vars(module)["LABELS_CHECKED"] = "later"
    given = [placed(*a) if isinstance(a, tuple) else a for a in arguments]
    getattr(module, function)(*given)
    vars(module)["cuda"] = cuda
    return recorder.launches


@contextmanager
def pretended(compiler: str, capability: tuple[int, int]) -> Iterator[None]:
    """Both compile for the device that is there, some functions even where another is named; here is one."""
    if compiler == "numba-cuda":
        place, name, device = (
            "numba.cuda.dispatcher",
            "get_current_device",
            lambda: SimpleNamespace(compute_capability=capability),
        )
    else:
        place, name, device = "numba_cuda_mlir.tools", "_cached_cc", capability
    module = import_module(place)
    found = getattr(module, name)
    setattr(module, name, device)
    try:
        yield
    finally:
        setattr(module, name, found)


def ptx(launch: Launch, capability: tuple[int, int]) -> str:
    """The PTX of a kernel, by the compiler that its module has taken."""
    compiler, cuda = launch.compiler, launch.function.__globals__["cuda"]
    with pretended(compiler, capability):
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
