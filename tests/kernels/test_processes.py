"""Kernels in every process: forked and spawned, on threads, from caches that are shared, cut, full, read-only or another's."""

from __future__ import annotations

import copy
import os
import pickle
import pwd
import resource
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from cli import main
from derive.errors import DeriveError
from derive.kernels import cache
from derive.kernels.kernel import Kernel
from oracles.processes import ROOT, obey_modes, run, said

POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork and users")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a written module, square.py, its copy second.py, and what a process that used threads compiled of both."""
    folder = tmp_path_factory.mktemp("compiled")
    assert main(["kernel", "x: [n]; L = mean(x**2)", "--dtype", "float64", "-o", str(folder / "square.py")]) == 0
    shutil.copy(folder / "square.py", folder / "second.py")
    assert said(USE_THREADS + USE_THREADS.replace("square", "second"), folder) == ["9.0"] * 4
    assert len(compiled_files(folder)) == 8  # for one thread and for all, an index and the code
    return folder


@pytest.fixture
def folder(compiled: Path, tmp_path: Path) -> Path:
    """A copy of square.py in that folder, and of what was compiled of it."""
    shutil.copytree(compiled, tmp_path / "here", ignore=shutil.ignore_patterns("second*"))
    return tmp_path / "here"


USE = """
import numpy as np, square
print(square.value(np.full(5, 3.0)))
"""
USE_THREADS = f"{USE}square.THREADS_FROM = 0; print(square.value(np.full(5, 3.0)))\n"


def compiled_files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


# ---------------------------------------------------------------- forked, spawned, on threads

FORK = """
import multiprocessing, os
import numpy as np, square

def child():
    import second  # what a child imports knows, too, that it was forked
    second.THREADS_FROM = 0
    x = np.arange(1000.0)
    return square.value(x), second.value(x), square.PROCESS.forked

if __name__ == "__main__":
    square.THREADS_FROM = 0
    before = os.fork() or os._exit(child() != (332833.5, 332833.5, True))
    print(os.waitpid(before, 0)[1], square.value(np.arange(1000.0)), square.PROCESS.forked)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(pool.apply(child if method == "fork" else square.value, () if method == "fork" else (np.arange(1000.0),)))
"""


@POSIX
@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_a_child_computes_before_and_after_its_parent_used_threads(compiled: Path, tmp_path: Path, layer: str) -> None:
    (tmp_path / "script.py").write_text(FORK)
    code, at = "import runpy; runpy.run_path('script.py', run_name='__main__')", str(compiled)
    found = said(code, tmp_path, PYTHONPATH=at, NUMBA_THREADING_LAYER=layer)
    assert found == ["0 332833.5 False", "(332833.5, 332833.5, True)", "332833.5"]


CHILD_OF_THREADS = """
import os, signal, numpy as np
{threads}
child = os.fork()
if not child:
    signal.alarm(60)  # it must not hang
    import square
    square.THREADS_FROM = 0
    os._exit(square.value(np.full(1000, 3.0)) != 9.0)
print(os.waitpid(child, 0)[1])
"""
NUMBA, PYTORCH = "import numba; numba.get_num_threads()", "import torch; torch.exp(torch.randn(2000, 2000))"


@pytest.mark.skipif(sys.platform != "linux", reason="what a process does not know of itself elsewhere")
@pytest.mark.parametrize("first", ["", "import square; "])
@pytest.mark.parametrize("threads", [NUMBA, pytest.param(PYTORCH, marks=pytest.mark.needs("torch"))])
def test_a_child_computes_whoever_had_threads_and_whenever_it_imports_it(compiled: Path, threads: str, first: str) -> None:
    """Threads of others than our modules, in the parent; GNU OpenMP ends or hangs a child that asks for more."""
    assert said(CHILD_OF_THREADS.format(threads=first + threads), compiled) == ["0"]


THREADS = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np, square, second, numba
x = np.random.default_rng(0).normal(size=200_000)
def many(k):
    return {(square, second)[k % 2].value(x) for _ in range(100)}
with ThreadPoolExecutor(4) as pool:
    print(len(set().union(*pool.map(many, range(4)))), numba.threading_layer())
"""


@pytest.mark.parametrize("layer", ["workqueue", "default"])
def test_threads_of_python_call_kernels_at_once_and_get_the_same_bits(compiled: Path, layer: str) -> None:
    one, used = said(THREADS, compiled, NUMBA_THREADING_LAYER=layer)[0].split()
    assert one == "1"
    assert layer in (used, "default")


LOADER = """
import numpy as np, square, torch
class Rows(torch.utils.data.Dataset):
    def __len__(self): return 4
    def __getitem__(self, k): return square.value(np.full(1000, float(k)))
square.THREADS_FROM = 0
torch.exp(torch.randn(2000, 2000)), square.value(np.ones(1000))
print(torch.cat(list(torch.utils.data.DataLoader(Rows(), num_workers=2))).tolist())
"""


@POSIX
@pytest.mark.needs("torch")
def test_workers_of_a_data_loader_compute(compiled: Path) -> None:
    assert said(LOADER, compiled) == ["[0.0, 1.0, 4.0, 9.0]"]


# ---------------------------------------------------------------- the same bits

BITS = """
import sys, numpy as np, losses
from hashlib import sha256
random = np.random.default_rng(0)
x, y = random.normal(size=(2, 7777)).astype("f4")
value, gradients = losses.value_and_grad(x, y)
print(value, sha256(b"".join(gradients)).hexdigest())
"""


def test_a_process_that_compiles_gives_the_bits_of_those_that_load(tmp_path: Path) -> None:
    (tmp_path / "losses.py").write_text(derive.graph("mse").kernel().source)
    (tmp_path / "copied.py").write_text(derive.graph("mse").kernel().source)
    (cold,) = said(BITS, tmp_path)
    warm = said(BITS + BITS.replace("losses", "copied"), tmp_path)  # and a copy, compiled beside what was loaded
    assert warm == [cold, cold]


# ---------------------------------------------------------------- caches

UNNAMED = """
import importlib.util, numpy as np
spec = importlib.util.spec_from_file_location("anything", "square.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.value(np.full(5, 3.0)))
"""


def test_a_module_loaded_under_another_name_leaves_the_cache_to_later_processes(folder: Path) -> None:
    shutil.rmtree(folder / "__pycache__")
    named = UNNAMED.replace("spec.loader", "import sys; sys.modules['anything'] = module; sys.path.remove(''); spec.loader")
    assert said(UNNAMED, folder) == ["9.0"]
    assert compiled_files(folder) == {}
    for again in (False, True):  # the second time both names find what is theirs
        before = compiled_files(folder)
        assert (said(named, folder), said(USE, folder)) == (["9.0"], ["9.0"])
        assert (compiled_files(folder) == before) == again


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_cut_file_of_the_cache_is_made_anew(folder: Path, kind: str) -> None:
    (path,) = folder.rglob(f"*_serial*.{kind}")
    path.write_bytes(path.read_bytes()[:-9])
    before = compiled_files(folder)
    assert said(USE, folder) == ["9.0"]
    assert compiled_files(folder)[path.name] > before[path.name]


HELD = f"""
import sys; sys.path[:0] = [{str(ROOT)!r}]
import numpy as np
from pathlib import Path
from derive.kernels.cache import load
made = load(Path("square.py").read_text(), "held")
print(made.value(np.full(5, 3.0)), made.__file__.startswith("<"))
"""


@POSIX
def test_nothing_that_was_put_into_the_cache_is_run(folder: Path) -> None:
    assert said(HELD, folder) == ["9.0 False"]
    (source,) = (folder / "cache").glob("*.py")
    text, outside = source.read_bytes(), folder / "outside"
    outside.write_bytes(b"untouched")
    source.write_bytes(b"\xff print('run')")
    version = "".join(map(str, sys.version_info[:2]))
    (source.parent / "__pycache__" / f"{source.stem}.cpython-{version}.pyc").write_bytes(b"anything")
    index, code = (next(source.parent.rglob(f"*.{kind}")) for kind in ("nbi", "nbc"))
    index.write_bytes(pickle.dumps(0))
    code.unlink()
    code.symlink_to(outside)
    assert said(HELD, folder) == ["9.0 False"]
    assert (source.read_bytes(), outside.read_bytes(), code.is_symlink()) == (text, b"untouched", False)


@POSIX
def test_a_written_module_needs_no_folder_to_write_to(folder: Path) -> None:
    shutil.rmtree(folder / "__pycache__")
    (home := folder / "home").mkdir()
    for place in (home, folder):
        place.chmod(0o555)
    try:
        assert said(USE, folder, obey_modes, HOME=str(home), XDG_CACHE_HOME="") == ["9.0"]
        assert said(HELD, folder, obey_modes, HOME=str(home), XDG_CACHE_HOME="") == ["9.0 True"]
    finally:
        folder.chmod(0o755)
    assert {path.name for path in folder.iterdir()} == {"square.py", "home"}


@POSIX
def test_a_full_disk_is_done_without(folder: Path) -> None:
    shutil.rmtree(folder / "__pycache__")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    assert said(USE, folder, full) == ["9.0"]
    assert not [path for path in folder.rglob("*") if path.suffix in (".part", ".nbc") or ".tmp." in path.name]


@POSIX
def test_compiled_code_is_not_kept_where_others_can_write(folder: Path) -> None:
    (shared := folder / "shared").mkdir()
    shared.chmod(0o777)
    assert said(USE, folder, NUMBA_CACHE_DIR=str(shared)) == ["9.0"]
    assert not list(shared.rglob("*.nb?"))
    assert said(USE, folder, NUMBA_CACHE_DIR=str(folder / "own")) == ["9.0"]
    assert list((folder / "own").rglob("*.nbi"))


RENAMED = """
import numba.core.ccallback, numba.core.caching as caching, numpy as np
def without(*names, made=caching.FunctionCache.__init__):
    def initial(self, function):
        made(self, function)
        for name in names:
            delattr(self, name)
    caching.FunctionCache.__init__ = initial
{delete}
import square
print(square.value(np.full(5, 3.0)))
"""


@pytest.mark.parametrize(
    "delete",
    [
        "without('_impl', '_cache_path', '_py_func')",
        "del caching.Cache._index_key, caching.Cache.flush",
        "del caching.CacheImpl._locator_classes, caching.Cache.save_overload, caching.Cache.load_overload",
        "del caching.FunctionCache, caching.CompileResultCacheImpl",
        "del numba.core.caching",
    ],
)
def test_a_module_needs_no_private_name_of_numba(folder: Path, delete: str) -> None:
    for path in folder.rglob("*.nb?"):
        path.unlink()
    assert said(RENAMED.format(delete=delete), folder, HOME="~") == ["9.0"]
    assert not compiled_files(folder)


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
@pytest.mark.parametrize("at", ["cache", "cache/__pycache__", "."])
def test_a_cache_that_others_can_change_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, at: str) -> None:
    (tmp_path / "up" / "cache" / "__pycache__").mkdir(parents=True)
    (tmp_path / "up" / at).chmod(mode)
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "up" / "cache"))
    if (at, mode) == (".", 0o1777):  # as /tmp
        assert Path(cache.load("x = 2", f"closed_{tmp_path.name}").__file__ or "").parent == tmp_path / "up" / "cache"
        return
    with pytest.raises(DeriveError, match="other users can change the folder") as raised:
        cache.load("x = 2", tmp_path.name)
    assert "DERIVE_CACHE" in raised.value.hint
    monkeypatch.delenv("DERIVE_CACHE")
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "up" / "cache")
    with pytest.warns(UserWarning, match="other users can change the folder"):
        assert cache.load("x = 2", tmp_path.name).x == 2
    assert not list(tmp_path.rglob("*.py"))


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_cache_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path / "cache"))
    file = Path(cache.load("x = 3", "given").__file__ or "")
    compiled = tmp_path / "cache" / "__pycache__" / f"{file.stem}.value-1.py311.nbi"
    compiled.write_bytes(b"")
    os.chown(compiled, 65534, 65534)
    sys.modules.pop(f"derive_kernels_{file.stem}")
    cache.load("x = 3", "given")
    assert not compiled.exists()
    os.chown(tmp_path / "cache", 65534, 65534)
    with pytest.raises(DeriveError, match="other users can change the folder"):
        cache.load("x = 4", "given")


@POSIX
def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> Any:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("DERIVE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert cache.folder() is None
    assert cache.load("x = 5", "homeless").x == 5


def test_a_folder_that_takes_no_file_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(Path, "replace", full)
    assert cache.load("x = 6", "../a name").x == 6
    assert [path.name for path in tmp_path.iterdir()] == ["__pycache__"]


def test_threads_that_load_a_module_at_once_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.load("import time; time.sleep(0.05); x = 7", "threads"), range(8)))
    assert all(module is found[0] and module.x == 7 for module in found)


# ---------------------------------------------------------------- one signature


@pytest.fixture(scope="module")
def square() -> Kernel:
    return derive.graph("x: [n]; t: label[n]; L = mean(x**2) + x[t]").kernel(dtype="float64")


def test_arrays_of_every_kind_are_taken_by_what_is_compiled_once(square: Kernel, tmp_path: Path) -> None:
    x = np.arange(6.0)
    expected = square.value(x, 1)
    frozen, unaligned = x.copy(), np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64)
    frozen.flags.writeable = False
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for given in (frozen, mapped, unaligned, np.repeat(x, 2)[::2], x.reshape(2, 3).T.reshape(-1, order="F"), memoryview(frozen)):
        assert square.value(given, 1) == expected
    assert len(square.loaded._value_serial.signatures) == 1
    assert not frozen.flags.writeable


def test_an_axis_that_is_too_long_for_what_is_compared_is_refused(tmp_path: Path) -> None:
    made = derive.graph("z: [n]; t: label[n]; y[i] = where(i == t, 2*z[i], z[i])").kernel()
    assert " == int32(t)" in made.source
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(4 * (2**31 + 1))
    with pytest.raises(ValueError, match="n is 2147483649, and indices that are compared are less than 2147483648"):
        made.forward(np.memmap(tmp_path / "sparse", np.float32, "r"), 2**31)


# ---------------------------------------------------------------- copies and pickles


def test_a_kernel_and_its_functions_are_copied(square: Kernel) -> None:
    x = np.arange(3.0)
    for made in (copy.copy(square), copy.deepcopy(square), copy.deepcopy({"held": square})["held"]):
        assert made.value(x, 1) == square.value(x, 1)
    assert copy.deepcopy(square.value)(x, 1) == square.value(x, 1)
    assert type(copy.deepcopy(square.Workspace())) is square.Workspace
    with pytest.raises(AttributeError, match="has no forward; it has value, value_and_grad"):
        _ = square.forward


TAKE = f"""
import sys; sys.path[:0] = [{str(ROOT)!r}]
import pickle, numpy as np
kernel, function, held = pickle.load(open("pickled", "rb"))
print(function(np.arange(3.0), 1), kernel.value(np.arange(3.0), 1, workspace=held["workspace"]), *kernel.wrt, *kernel.programs)
print(kernel.programs["value"])
"""


def test_a_kernel_and_its_functions_travel_to_another_process(square: Kernel, tmp_path: Path) -> None:
    held = {"workspace": square.Workspace(), "function": square.value_and_grad}
    (tmp_path / "pickled").write_bytes(pickle.dumps((square, square.value, held)))
    value = square.value(np.arange(3.0), 1)
    first, *program = said(TAKE, tmp_path, DERIVE_CACHE=str(Path(square.loaded.__file__ or "").parent))
    assert first == f"{value} {value} x value value_and_grad"
    assert "\n".join(program) == str(square.programs["value"])


@pytest.mark.needs("torch")
def test_what_pytorch_differentiates_travels_to_another_process(tmp_path: Path) -> None:
    made = derive.graph("x: [n]; y = 3*x").kernel(dtype="float64", wrap="torch")
    (tmp_path / "pickled").write_bytes(pickle.dumps((made.Kernel, made.Kernel.apply)))
    code = TAKE.split("kernel, function")[0] + (
        "import torch; kind, apply = pickle.load(open('pickled', 'rb'))\n"
        "print(apply(torch.ones(2, dtype=torch.float64)).tolist(), kind.__name__)"
    )
    assert said(code, tmp_path) == ["[3.0, 3.0] Kernel"]


def test_a_written_module_says_nothing_of_a_process_that_failed(folder: Path) -> None:
    """The scripts above would be heard if they failed."""
    assert run("import square; square.value(3)", folder).returncode == 1
