"""CUDA modules run without a device, on Numba's simulator, with what it lacks: warps, pointers, and checks of memory.

Numba's `FakeCUDAModule` is what kernels see; its threads are coroutines here, so that they run in one order, and fast.  A
pointer is `Memory`: it refuses places outside the array, wide accesses that are not aligned, and two threads that use one
place between two barriers, one of them to write.  A barrier that some threads of a block or a warp never reach is an error.
New arrays are full of NaN.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any

import mpmath
import numpy as np
from greenlet import getcurrent, greenlet
from numba import types

Array = Any
ROOM = 16
"""A multiple of so many bytes is where new arrays start."""

PROCESSORS = 2
"""Few, so that threads come round again."""


class Race(Exception):
    """Two threads use one place at once."""


# ---------------------------------------------------------------- memory


class DeviceArray:
    """An array of the simulated device."""

    def __init__(self, numbers: Array, shift: int = 0, strides: bool = False, readonly: bool = False):
        numbers = np.asarray(numbers)
        room = np.empty(numbers.nbytes + 2 * ROOM, np.uint8)
        start = -room.ctypes.data % ROOM + shift
        flat = room[start : start + numbers.nbytes].view(numbers.dtype)
        flat[:] = numbers.reshape(-1)
        self.flat, self.shape, self.dtype = flat, numbers.shape, numbers.dtype
        self.__cuda_array_interface__ = {
            "shape": numbers.shape,
            "typestr": numbers.dtype.str,
            "data": (flat.ctypes.data if flat.size else 0, readonly),
            "strides": numbers.strides if strides else None,
            "version": 3,
        }
        MEMORY[flat.ctypes.data] = Memory(flat)
        self.library = "simulator"

    def copy_to_host(self, stream: object = None) -> Array:
        return self.numbers

    @property
    def numbers(self) -> Array:
        return self.flat.reshape(self.shape).copy()


MEMORY: dict[int, Memory] = {}


@dataclass
class Use:
    """Who used a place last, in which launch and between which barriers."""

    thread: Thread
    launch: int
    epoch: int
    alone: bool = True


class Memory:
    """What a pointer, or the name of a shared array, gives to a kernel: entries by their place."""

    def __init__(self, entries: Array):
        self.entries = entries
        self.written: dict[Any, Use] = {}
        self.looked: dict[Any, Use] = {}

    @property
    def dtype(self) -> Any:
        return self.entries.dtype

    def _check(self, place: Any, uses: Mapping[Any, Use], what: str, atomic: bool = False) -> Thread:
        for k, size in zip(place if isinstance(place, tuple) else (place,), self.entries.shape, strict=True):
            if not 0 <= k < size:
                raise IndexError(f"{what} at {place} of {self.entries.shape}")
        me, last = getcurrent(), uses.get(place)
        assert isinstance(me, Thread)
        if last is not None and last.launch == me.launch and last.thread is not me and not (atomic and not last.alone):
            other = last.thread
            if other.blockIdx is not me.blockIdx or last.epoch == me.epoch:
                raise Race(f"{what} at {place}, which another thread uses")
        return me

    def __getitem__(self, place: Any) -> Any:
        me = self._check(place, self.written, "reading")
        self.looked[place] = Use(me, me.launch, me.epoch)
        return self.entries[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self.put(place, value)

    def put(self, place: Any, value: Any, atomic: bool = False) -> None:
        me = self._check(place, self.written, "writing", atomic)
        if not atomic:
            self._check(place, self.looked, "writing")
        self.written[place] = Use(me, me.launch, me.epoch, not atomic)
        self.entries[place] = value


def _pointed(pointer: int) -> Memory:
    return MEMORY[pointer] if pointer else Memory(np.empty(0))


# ---------------------------------------------------------------- threads


class Thread(greenlet):
    """A thread of a block: a coroutine that stops where it waits for others."""

    def __init__(self, run: Callable[[], None], number: int, place: Any, block: Any, launch: int):
        super().__init__(run)
        self.thread_id, self.threadIdx, self.blockIdx, self.launch = number, place, block, launch
        self.epoch = 0
        self.waits = ""
        self.value: Any = None
        self.given: Any = None
        self.gr_context = copy_context()

    def wait(self, for_whom: str, value: Any) -> Any:
        self.waits, self.value = for_whom, value
        self.parent.switch()
        return self.given

    def syncthreads(self) -> None:
        self.wait("block", 0)

    def syncthreads_or(self, value: Any) -> int:
        return int(any(self.wait("block", value)))


def run_block(threads: list[Thread]) -> None:
    """All threads of a block, each until it waits; a barrier opens when all have reached it."""
    running = threads
    while running:
        for thread in running:
            thread.waits = ""
            thread.switch()
        waiting = [t for t in threads if not t.dead]
        running = []
        for warp in {t.thread_id // 32 for t in waiting if t.waits == "warp"}:
            lanes = threads[warp * 32 : warp * 32 + 32]
            if any(t.dead for t in lanes):
                raise RuntimeError("a warp's threads exchange numbers, and some have ended")
            if all(t.waits == "warp" for t in lanes):
                for t in lanes:
                    t.given = [other.value for other in lanes]
                running += lanes
        if not running and waiting:
            if len(waiting) < len(threads):
                raise RuntimeError("some threads wait at a barrier, and some have ended")
            assert all(t.waits == "block" for t in waiting)
            values = [t.value for t in waiting]
            for t in waiting:
                t.given, t.epoch = values, t.epoch + 1
            running = waiting


@cache
def kernelapi() -> Any:
    """Numba's simulator, with coroutines for threads."""
    from numba.cuda.simulator import kernelapi as found

    found.threading = SimpleNamespace(current_thread=getcurrent, Lock=threading.Lock)
    return found


def device(grid: Any, block: Any) -> Any:
    """What a kernel sees of CUDA."""
    arrays: dict[int, Memory] = {}

    def array(shape: Any, dtype: Any) -> Memory:
        """Shared memory, one array for each line that asks for one, as with Numba's."""
        line = sys._getframe(1).f_lineno
        return arrays.setdefault(line, Memory(np.full(shape, np.nan, dtype)))

    made = kernelapi().FakeCUDAModule(grid, block, 0)
    made._shared.array, made.shfl_xor_sync, made.fma = array, shfl_xor_sync, fma
    return made


def shfl_xor_sync(mask: int, value: Any, distance: int) -> Any:
    me = getcurrent()
    return me.wait("warp", value)[(me.thread_id % 32) ^ distance]


def fma(a: Any, b: Any, c: Any) -> Any:
    with mpmath.workdps(40):
        return type(a)(mpmath.mpf(float(a)) * mpmath.mpf(float(b)) + mpmath.mpf(float(c)))


LAUNCHES = count(1)


@dataclass
class Kernel:
    """A kernel of the simulator, and the launches of it."""

    function: Any
    signature: Any
    bounds: int
    host: SimulatedCuda
    runs: int = 0
    streams: list[int] = field(default_factory=list)

    def __getitem__(self, configuration: Any) -> Callable[..., None]:
        grid, block = (d if isinstance(d, tuple) else (d,) for d in configuration[:2])
        self.streams.append(getattr(configuration[2], "handle", configuration[2]))

        def launch(*arguments: Any) -> None:
            assert len(arguments) == len(self.signature.args)
            given = [_argument(kind, a) for kind, a in zip(self.signature.args, arguments, strict=True)]
            self._run(*((*d, 1, 1)[:3] for d in (grid, block)), given)

        return launch

    def _run(self, grid: Any, block: Any, arguments: list[Any]) -> None:
        number, module, place_of = next(LAUNCHES), self.function.__globals__, kernelapi().Dim3
        self.runs += 1
        assert math.prod(block) <= self.bounds <= 1024
        for place in np.ndindex(*grid[::-1]):
            here = place_of(*map(int, place[::-1]))
            module["cuda"] = device(grid, block)
            try:
                with np.errstate(all="ignore"):
                    threads = [
                        Thread(lambda: self.function(*arguments), k, place_of(*map(int, p[::-1])), here, number)
                        for k, p in enumerate(np.ndindex(*block[::-1]))
                    ]
                    run_block(threads)
            finally:
                module["cuda"] = self.host


def _argument(kind: Any, given: Any) -> Any:
    if isinstance(kind, types.CPointer):
        memory = _pointed(given)
        assert not memory.entries.size or memory.dtype == np.dtype(str(kind.dtype))
        return memory
    return int(given) if kind == types.int64 else np.dtype(str(kind)).type(given)


class SimulatedCuda:
    """What the functions of a module see of CUDA, on the host."""

    def __init__(self) -> None:
        self.kernels: list[Kernel] = []

    def jit(self, signature: Any, launch_bounds: tuple[int, int], cache: bool) -> Callable[[Any], Kernel]:
        def compiled(function: Any) -> Kernel:
            self.kernels.append(Kernel(function, signature, launch_bounds[0], self))
            return self.kernels[-1]

        return compiled

    def is_available(self) -> bool:
        return True

    def current_context(self) -> Any:
        return SimpleNamespace(device=SimpleNamespace(id=0))

    def get_current_device(self) -> Any:
        return SimpleNamespace(MULTIPROCESSOR_COUNT=PROCESSORS)

    def external_stream(self, handle: int) -> Any:
        return SimpleNamespace(handle=handle, synchronize=lambda: None)

    def device_array(self, shape: Any, dtype: Any, stream: Any = 0) -> DeviceArray:
        return DeviceArray(np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 7, dtype))

    def as_cuda_array(self, array: DeviceArray, sync: bool = True) -> DeviceArray:
        return array


# ---------------------------------------------------------------- functions of the device


def load_wide(array: Memory, at: int, row: Array, e: int) -> None:
    for k in range(_wide(array, at)):
        row[e + k] = array[at + k]


def store_wide(array: Memory, at: int, row: Array, e: int) -> None:
    for k in range(_wide(array, at)):
        array[at + k] = row[e + k]


def _wide(array: Memory, at: int) -> int:
    size = array.dtype.itemsize
    assert (array.entries.ctypes.data + at * size) % 16 == 0
    return int(16 // size)


def normcdf(x: Any) -> Any:
    return type(x)(mpmath.ncdf(float(x)))


TWINS: Mapping[str, Any] = {
    "load_wide": load_wide,
    "store_wide": store_wide,
    "atomic_add": lambda array, at, x: array.put(at, array.entries[at] + x, atomic=True),
    "type_of": lambda x, number: type(x)(number),
    "normcdf": normcdf,
}
"""The intrinsics of emitted modules in Python."""

MATH = SimpleNamespace(
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "sin", "cos")},
    pow=np.power,
    erf=lambda x: type(x)(math.erf(x)),
    prod=math.prod,
)
"""The functions of `math` for numpy's numbers: they keep the type, and give infinities where `math` raises."""


def imported(source: str, name: str = "module") -> ModuleType:
    """The module of a text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source, "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode, written = True, sys.dont_write_bytecode
        spec.loader.exec_module(module)
        sys.dont_write_bytecode = written
    return module


def simulated(source: str, name: str = "module", small: bool = True) -> ModuleType:
    """The module of a text, on the simulated device; products of matrices have `small` tiles, which run sooner."""
    module = imported(source, name)
    names = vars(module)
    for key, value in list(names.items()):
        if hasattr(value, "py_func"):
            names[key] = value.py_func
    names.update({key: twin for key, twin in TWINS.items() if key in names}, math=MATH, cuda=SimulatedCuda())
    if "TILE" in names and small:
        names.update(TILE=16, DEEP=4)
    return module


# ---------------------------------------------------------------- kernels like those of the CPU


@dataclass
class Simulated:
    """A kernel of `derive` on the simulated device: its functions take and give arrays of numpy."""

    text: Any

    @cache  # noqa: B019
    def module(self) -> ModuleType:
        return simulated(self.text.source)

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.module(), name)

        @functools.wraps(function)
        def call(*given: Any, **options: Any) -> Any:
            arrays = [DeviceArray(a) if isinstance(a, np.ndarray) and a.ndim else a for a in given]
            return _numbers(function(*arrays, **options))

        return call

    @property
    def wrt(self) -> tuple[str, ...]:
        return tuple(self.text.wrt)


def _numbers(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_numbers, result))
    return result.numbers if isinstance(result, DeviceArray) else result
