"""CUDA modules run without a device and without a compiler: `imported` gives a module's text what it asks a compiler for.

A kernel is the Python function that it is written as, and `Seen` is what it sees of CUDA.  Threads are coroutines, so that they
run in one order, and fast.  A pointer is `Memory`: it refuses places outside the array, wide accesses that are not aligned, and
two threads that use one place between two barriers, one of them to write.  A barrier that some threads of a block or a warp
never reach is an error.  New arrays are full of NaN.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import mpmath
import numpy as np
from greenlet import getcurrent, greenlet

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


class Place(NamedTuple):
    """The number of a thread or a block along each axis, or how many there are."""

    x: int
    y: int = 1
    z: int = 1


class Vector(tuple[Any, ...]):
    """Numbers that are read or written at once."""

    __slots__ = ()
    x, y, z, w = (property(lambda self, k=k: self[k]) for k in range(4))


class Seen:
    """What the threads of a block see of CUDA: `numba_cuda_mlir.cuda`, so far as emitted kernels use it."""

    def __init__(self, grid: Place, block: Place):
        self.gridDim, self.blockDim = grid, block
        self.shared = SimpleNamespace(array=self._shared)
        self.local = SimpleNamespace(array=lambda shape, dtype: np.full(shape, np.nan, dtype))
        self.vector = SimpleNamespace(load=self._load, store=self._store)
        self.float32x4 = self.float64x2 = lambda *numbers: Vector(numbers)
        self.atomic = SimpleNamespace(add=lambda array, at, x: array.put(at, array.entries[at] + x, atomic=True))
        self.libdevice = SimpleNamespace(normcdf=normcdf, normcdff=normcdf)
        self.fma = fma
        self._arrays: dict[int, Memory] = {}

    @property
    def threadIdx(self) -> Place:
        return getcurrent().threadIdx

    @property
    def blockIdx(self) -> Place:
        return getcurrent().blockIdx

    def grid(self, axes: int) -> int:
        return self.blockIdx.x * self.blockDim.x + self.threadIdx.x

    def gridsize(self, axes: int) -> int:
        return self.gridDim.x * self.blockDim.x

    def syncthreads(self) -> None:
        getcurrent().wait("block", 0)

    def syncthreads_or(self, value: Any) -> int:
        return int(any(getcurrent().wait("block", value)))

    def shfl_xor_sync(self, mask: int, value: Any, distance: int) -> Any:
        me = getcurrent()
        return me.wait("warp", value)[(me.thread_id % 32) ^ distance]

    def _shared(self, shape: Any, dtype: Any) -> Memory:
        """Shared memory, one array for each line that asks for one."""
        line = sys._getframe(1).f_lineno
        return self._arrays.setdefault(line, Memory(np.full(shape, np.nan, dtype)))

    def _load(self, array: Memory, at: int, count: int, alignment: int) -> Vector:
        _check_wide(array, at, count, alignment)
        return Vector(array[at + k] for k in range(count))

    def _store(self, array: Memory, at: int, numbers: Vector, alignment: int) -> None:
        _check_wide(array, at, len(numbers), alignment)
        for k, number in enumerate(numbers):
            array[at + k] = number


def _check_wide(array: Memory, at: int, count: int, alignment: int) -> None:
    assert count * array.dtype.itemsize == alignment == 16
    assert (array.entries.ctypes.data + at * array.dtype.itemsize) % alignment == 0


def fma(a: Any, b: Any, c: Any) -> Any:
    with mpmath.workdps(40):
        return type(a)(mpmath.mpf(float(a)) * mpmath.mpf(float(b)) + mpmath.mpf(float(c)))


def normcdf(x: Any) -> Any:
    return type(x)(mpmath.ncdf(float(x)))


@dataclass(frozen=True)
class Pointer:
    """The type of a pointer to numbers."""

    dtype: type


TYPES = SimpleNamespace(
    float32=np.float32, float64=np.float64, int64=np.int64, CPointer=Pointer, void=lambda *kinds: SimpleNamespace(args=kinds)
)
"""`numba_cuda_mlir.types`."""


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
        number, module = next(LAUNCHES), self.function.__globals__
        self.runs += 1
        assert math.prod(block) <= self.bounds <= 1024
        for place in np.ndindex(*grid[::-1]):
            here = Place(*map(int, place[::-1]))
            module["cuda"] = Seen(Place(*grid), Place(*block))
            try:
                with np.errstate(all="ignore"):
                    threads = [
                        Thread(lambda: self.function(*arguments), k, Place(*map(int, p[::-1])), here, number)
                        for k, p in enumerate(np.ndindex(*block[::-1]))
                    ]
                    run_block(threads)
            finally:
                module["cuda"] = self.host


def _argument(kind: Any, given: Any) -> Any:
    if isinstance(kind, Pointer):
        memory = _pointed(given)
        assert not memory.entries.size or memory.dtype == kind.dtype
        return memory
    return int(given) if kind is np.int64 else kind(given)


class SimulatedCuda:
    """What the functions of a module see of CUDA, on the host."""

    __name__ = "numba_cuda_mlir.cuda"

    def __init__(self) -> None:
        self.kernels: list[Kernel] = []

    def jit(self, signature: Any = None, launch_bounds: Any = (), cache: bool = False, **device: bool) -> Callable[[Any], Any]:
        if device:
            return lambda function: function

        def compiled(function: Any) -> Kernel:
            self.kernels.append(Kernel(function, signature, launch_bounds[0], self))
            return self.kernels[-1]

        return compiled

    def is_available(self) -> bool:
        return True

    def current_context(self) -> Any:
        return SimpleNamespace(device=SimpleNamespace(id=0))

    def get_current_device(self) -> Any:
        return SimpleNamespace(MULTIPROCESSOR_COUNT=PROCESSORS, L2_CACHE_SIZE=50 * 2**20)

    def external_stream(self, handle: int) -> Any:
        return SimpleNamespace(handle=handle, synchronize=lambda: None)

    def device_array(self, shape: Any, dtype: Any, stream: Any = 0) -> DeviceArray:
        return DeviceArray(np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 7, dtype))

    def as_cuda_array(self, array: DeviceArray, sync: bool = True) -> DeviceArray:
        return array


# ---------------------------------------------------------------- modules


MATH = SimpleNamespace(
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "sin", "cos")},
    pow=np.power,
    erf=lambda x: type(x)(math.erf(x)),
    prod=math.prod,
)
"""The functions of `math` for numpy's numbers: they keep the type, and give infinities where `math` raises."""


@contextmanager
def offered(modules: Mapping[str, Any]) -> Iterator[None]:
    """What an import finds, for a while; None is what is not installed."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def imported(source: str, name: str = "module", compiler: Mapping[str, Any] | None = None) -> ModuleType:
    """The module of a text, with a compiler in the place of those that may be installed: by default the simulator."""
    cuda = SimulatedCuda()
    extending = SimpleNamespace(intrinsic=lambda function: function)
    simulator = SimpleNamespace(cuda=cuda, types=TYPES, carray=lambda array, shape: array, extending=extending)
    given = {"numba_cuda_mlir": simulator, "numba_cuda_mlir.extending": extending} if compiler is None else compiler
    with TemporaryDirectory() as folder, offered(given):
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
    vars(module).update(math=MATH)
    if "TILE" in vars(module) and small:
        vars(module).update(TILE=16, DEEP=4)
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
