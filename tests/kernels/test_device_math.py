"""The device functions: how near the true values they are, that LLVM makes vector code of them, and the text they are sent as."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from derive.kernels.program.elementary import DTYPES, FUNCTIONS
from derive.kernels.target import TARGETS
from derive.kernels.text.device import sources
from oracles.device_accuracy import DIGITS, DOUBLE, EXACT, LOWEST, device, double, inside, loop, patterns, single

ROOT = Path(__file__).parents[2]
STRIDE = 4001
DEVICE = TARGETS["cpu"].device
BOTH = list(itertools.product(FUNCTIONS, DTYPES))


def emitted(folder: Path, text: str, name: str = "emitted") -> ModuleType:
    """A module of its own with this text."""
    path = folder / f"{name}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------------------------------------------- accuracy


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_as_near_as_stated(name: str) -> None:
    worst = single(name, device(name, "float32"), STRIDE)
    assert worst.ulp <= FUNCTIONS[name].ulp["float32"]
    assert worst.subnormal <= (2**23 if FUNCTIONS[name].flushes else 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_is_as_near_as_stated(name: str) -> None:
    worst = double(name, device(name, "float64"), 400)
    assert worst.ulp <= FUNCTIONS[name].ulp["float64"]
    assert worst.subnormal <= (2**52 if FUNCTIONS[name].flushes else 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_of_float32_agrees_with_mpmath(name: str) -> None:
    every = np.concatenate(list(patterns(4001 * 4001)))
    x = inside(name, every[(np.abs(every) < 80) & (every > LOWEST.get(name, -math.inf))]).astype(float)
    with mpmath.workdps(DIGITS):
        true = np.array([float(EXACT[name](mpmath.mpf(value))) for value in x])
    assert len(x) > 50
    np.testing.assert_allclose(DOUBLE[name](x), true, rtol=1e-12, atol=1e-300)


def test_a_wrong_digit_is_seen(tmp_path: Path) -> None:
    text = sources(DEVICE, ["exp"], "float32")
    planted = text.replace("0.16666", "0.16667", 1)
    assert planted != text
    assert single("exp", loop(emitted(tmp_path, planted).exp), STRIDE).ulp > FUNCTIONS["exp"].ulp["float32"]


THRESHOLDS = {
    "float32": [
        -103.97208,
        -103.0,
        -88.03,
        -87.68312,
        -87.33655,
        88.37626,
        88.72283,
        88.72284,
        9.2,
        0.6,
        4.0,
        14.0,
        1.1754944e-38,
    ],
    "float64": [
        -745.13321,
        -745.2,
        -709.09,
        -708.74,
        -708.3964,
        709.436,
        709.78271,
        709.7828,
        19.1,
        0.6,
        6.0,
        38.0,
        2.2250738585072014e-308,
    ],
}


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_thresholds_are_seamless(name: str, dtype: str) -> None:
    kind = np.dtype(dtype).type
    x = np.array([kind(sign * value) for value in THRESHOLDS[dtype] for sign in (1, -1)])
    x = np.concatenate([x, np.nextafter(x, kind(np.inf)), np.nextafter(x, kind(-np.inf))])
    x = inside(name, x[x > LOWEST.get(name, -math.inf)])
    found = device(name, dtype)(x)
    with mpmath.workdps(DIGITS):
        true = [EXACT[name](mpmath.mpf(float(value))) for value in x]
        tiny = mpmath.mpf(float(np.finfo(kind).tiny))
        for given, result, value in zip(x, found, true, strict=True):
            with np.errstate(over="ignore"):
                rounded = kind(float(value))
            if np.isinf(rounded):
                assert result == rounded, given
            else:
                allowed = tiny if abs(value) < tiny else FUNCTIONS[name].ulp[dtype] * mpmath.mpf(float(np.spacing(abs(rounded))))
                assert abs(mpmath.mpf(float(result)) - value) <= allowed, given


EXTREMES = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e4, -1e4, 1e30, -1e30, 1e-30, -1e-30, -1.0, 5e-324, -5e-324, 1e-40, -1e-40]


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_extremes_are_numpys(name: str, dtype: str) -> None:
    x = inside(name, np.array(EXTREMES, dtype=dtype))
    with np.errstate(all="ignore"):
        expected = DOUBLE[name](x.astype(float)).astype(dtype)
    found = device(name, dtype)(x)
    np.testing.assert_allclose(found, expected, rtol=5 * np.finfo(dtype).eps, atol=0)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(expected)[numbers])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", DTYPES)
def test_extremes_are_pytorchs(dtype: str) -> None:
    import torch

    theirs = {
        **{name: getattr(torch, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf")},
        "softplus": torch.nn.functional.softplus,
        "normal_cdf": torch.special.ndtr,
    }
    x = np.array(EXTREMES, dtype=dtype)
    for name, function in theirs.items():
        expected = function(torch.from_numpy(x)).numpy()
        limits = np.finfo(dtype)  # PyTorch's log1p makes 0 of the smallest number
        np.testing.assert_allclose(
            device(name, dtype)(x), expected, rtol=8 * limits.eps, atol=limits.smallest_subnormal, err_msg=name
        )


# --------------------------------------------------------------------------------------------------------- instructions


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_maximum_passes_nan_on(dtype: str) -> None:
    from numba import njit

    from derive.kernels.cpu.device.intrinsics import maximum

    @njit
    def larger(a, b):  # type: ignore[no-untyped-def]
        return maximum(a, b)

    kind = np.dtype(dtype).type
    assert larger(kind(2), kind(3)) == 3
    assert all(math.isnan(larger(*map(kind, pair))) for pair in ((1, math.nan), (math.nan, 1)))
    assert math.copysign(1, larger(kind(-0.0), kind(0.0))) == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_fma_rounds_once(dtype: str) -> None:
    from numba import njit

    from derive.kernels.cpu.device.intrinsics import fma

    @njit
    def lost(x):  # type: ignore[no-untyped-def]
        return fma(x, x, -(x * x))

    for x in np.random.default_rng(0).normal(size=50).astype(dtype):
        assert Fraction(float(x)) ** 2 - Fraction(float(x * x)) == Fraction(float(lost(x)))


def test_accumulate_alone_changes_the_order() -> None:
    """A loss of ln 2 for two logits of 1e30 must not become 0 by (1e30 + ln 2) - 1e30 = ln 2 or the like, and no sum be lost."""
    from numba import njit

    from derive.kernels.cpu.device.functions import exp_nonpositive, log
    from derive.kernels.cpu.device.intrinsics import accumulate, maximum

    @njit(error_model="numpy")
    def loss(x, label):  # type: ignore[no-untyped-def]
        largest = x[0]
        for i in range(x.shape[0]):
            largest = maximum(largest, x[i])
        total = 0.0
        for i in range(x.shape[0]):
            total = accumulate(total, exp_nonpositive(x[i] - largest))
        return log(total) - (x[label] - largest)

    assert loss(np.array([1e30, 1e30, -1e30]), 1) == pytest.approx(math.log(2), rel=1e-15)
    assert loss(np.array([1e30, 1e30, -math.inf]), 0) == pytest.approx(math.log(2), rel=1e-15)
    assert math.isnan(loss(np.array([1.0, math.nan, 2.0]), 0))
    x = np.random.default_rng(0).normal(size=1000)
    assert loss(x, 3) == pytest.approx(np.logaddexp.reduce(x) - x[3], rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_stream_writes_its_elements_and_no_others(dtype: str) -> None:
    from numba import njit

    from derive.kernels.cpu.device.intrinsics import address, fence, stream

    @njit
    def run(to, come):  # type: ignore[no-untyped-def]
        stream(to, come)
        fence()
        return address(to)

    source = np.arange(400).astype(dtype)
    for start, count, offset in itertools.product((0, 1, 3, 7, 15, 16), (0, 1, 15, 16, 17, 33, 64, 200), (0, 1, 5)):
        to = np.full(260, -1, dtype)
        part = to[start : start + count]
        assert run(part, source[offset : offset + count]) == part.ctypes.data or not count
        expected = np.full(260, -1, dtype)
        expected[start : start + count] = source[offset : offset + count]
        np.testing.assert_array_equal(to, expected)
    to = np.full(20, -1, dtype)
    run(to, source[:5])
    np.testing.assert_array_equal(to, [*range(5), *[-1] * 15])


def test_stream_refuses_what_is_not_contiguous() -> None:
    from numba import njit
    from numba.core.errors import TypingError

    from derive.kernels.cpu.device.intrinsics import stream

    @njit
    def run(to, come):  # type: ignore[no-untyped-def]
        stream(to, come)

    with pytest.raises(TypingError, match="contiguous"):
        run(np.zeros(8)[::2], np.zeros(4))
    with pytest.raises(TypingError, match="of float64"):
        run(np.zeros(4), np.zeros(4, np.float32))


def test_fetch_takes_arrays_of_any_length_and_asks_ahead() -> None:
    from numba import njit

    from derive.kernels.cpu.device.intrinsics import fetch

    @njit
    def run(rows):  # type: ignore[no-untyped-def]
        for k in range(rows.shape[0]):
            fetch(rows, k + 1, rows.shape[0], 0, 2)
            fetch(rows, k + 1, rows.shape[0], 1, 2)

    for count in (0, 1, 16, 1000, 100_000):
        run(np.zeros((3, count), np.float32))
    run(np.zeros((3, 5, 2)))
    assert "prefetch" in next(iter(run.inspect_asm().values()))


# --------------------------------------------------------------------------------------------------------- vector code

REMARKS = """
import llvmlite.binding
for kind in ("", "-missed"):  # before Numba starts LLVM
    llvmlite.binding.set_option("", f"-pass-remarks{kind}=loop-vectorize")
import math, re, sys
from numba import float32, float64, njit
from derive.kernels.program.elementary import FUNCTIONS
from derive.kernels.cpu.device.intrinsics import accumulate, maximum

sys.path.insert(0, "tests")
from oracles import device_accuracy

def elementwise(function):
    def run(x, out):
        for i in range(x.shape[0]):
            out[i] = function(x[i])
    return run

def reduction(start, step):
    def run(x, out):
        total = start(x[0])
        for i in range(x.shape[0]):
            total = step(total, x[i])
        out[0] = total
    return run

@njit
def identity(x):
    return x

@njit
def zero(x):
    return x - x

@njit
def plain_sum(total, x):
    return total + x

@njit
def plain_exp(x):
    return math.exp(x)

for kind in (float32, float64):
    functions = device_accuracy.functions(str(kind))
    exp = functions.exp_nonpositive

    @njit(forceinline=True, error_model="numpy")
    def add_exp(total, x):
        return accumulate(total, exp(x))

    loops = {name: elementwise(getattr(functions, name)) for name in FUNCTIONS}
    loops |= {"sum": reduction(zero, accumulate), "max": reduction(identity, maximum), "sum of exp": reduction(zero, add_exp)}
    loops |= {"plain sum": reduction(zero, plain_sum), "plain exp": elementwise(plain_exp)}
    for name, loop in loops.items():
        print(f"@ {kind} {name}", file=sys.stderr, flush=True)
        compiled = njit((kind[::1], kind[::1]), error_model="numpy")(loop)
        calls = set(re.findall(r"call [^@\\n]*(?:float|double)>? @([\\w.]+)", compiled.inspect_llvm(compiled.signatures[0])))
        print("calls", *sorted(calls), file=sys.stderr, flush=True)
"""

INSTRUCTIONS = tuple(f"llvm.{name}." for name in ("copysign", "fabs", "fma", "maximum", "vector.reduce"))


def scalar(report: str) -> dict[str, str]:
    """The loops of which LLVM made no vector code, and those that call what it has no vector code of; and which of the two."""
    found = {}
    for part in report.split("@ ")[1:]:
        name, *lines = part.splitlines()
        calls = [call for line in lines if line.startswith("calls") for call in line.split()[1:]]
        if not any("vectorized loop (vectorization width" in line for line in lines):
            found[name] = "no vector loop"
        elif foreign := [call for call in calls if not call.startswith(INSTRUCTIONS)]:
            found[name] = f"calls {' '.join(foreign)}"
    return found


def test_loops_become_vector_code() -> None:
    """With two controls that must not: a sum in order, and a call of the mathematics library, which LLVM makes lane by lane."""
    run = subprocess.run([sys.executable, "-c", REMARKS], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert set(scalar(run.stderr)) == {f"{dtype} plain {what}" for dtype in DTYPES for what in ("sum", "exp")}


# --------------------------------------------------------------------------------------------------------- source text


@pytest.mark.parametrize(("name", "dtype"), BOTH)
def test_emitted_text_is_whole_and_gives_the_same_bits(name: str, dtype: str, tmp_path: Path) -> None:
    text = sources(DEVICE, [name], dtype)
    assert FUNCTIONS[name].comment(dtype) in text
    assert "derive" not in text
    assert all(len(line) <= 130 for line in text.splitlines())
    x = inside(name, np.random.default_rng(0).normal(size=500, scale=5).astype(dtype))
    np.testing.assert_array_equal(loop(getattr(emitted(tmp_path, text), name))(x), device(name, dtype)(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "names", [*([name] for name in (*FUNCTIONS, *DEVICE.operations)), [*FUNCTIONS, *DEVICE.operations]], ids=" ".join
)
def test_emitted_text_has_nothing_to_spare(names: list[str], dtype: str, tmp_path: Path) -> None:
    """Ruff finds no unused import or undefined name, and every definition is mentioned by another or was asked for."""
    path = tmp_path / "emitted.py"
    path.write_text(sources(DEVICE, names, dtype), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", path], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout
    tree = ast.parse(path.read_text("utf-8"))
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.FunctionDef(name=name):
                assert name in loaded or name in names


def test_emitted_text_does_not_depend_on_the_order() -> None:
    assert sources(DEVICE, ["log", "exp", "maximum"], "float32") == sources(DEVICE, ["maximum", "exp", "log", "exp"], "float32")
    assert sources(DEVICE, [], "float64") == ""


def test_unknown_names_and_types_are_refused() -> None:
    with pytest.raises(ValueError, match="no device function is called expp"):
        sources(DEVICE, ["expp"], "float32")
    with pytest.raises(ValueError, match="float32 and float64, not float8"):
        sources(DEVICE, ["exp"], "float8")


def test_reading_the_table_does_not_load_numba() -> None:
    program = """
import sys
from derive.kernels.target import TARGETS
from derive.kernels.text.device import sources
for target in TARGETS.values():
    sources(target.device, target.reserved - target.own, "float32")
print("numba" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("False\n", "")


# --------------------------------------------------------------------------------------------------------- coefficients


def minimax() -> Any:
    spec = importlib.util.spec_from_file_location("minimax", ROOT / "tools" / "minimax.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["minimax"] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("dtype", "names"), [("float32", ["EXP", "LOG", "ERF", "ERFC", "TAIL"]), ("float64", ["EXP", "LOG"])])
def test_coefficients_are_those_of_the_exchange_algorithm(dtype: str, names: list[str]) -> None:
    tool, module = minimax(), importlib.import_module(f"derive.kernels.cpu.device.{dtype}")
    for name in names:
        values, bits = tool.coefficients(dtype, name)
        assert getattr(module, name) == values
        assert bits < {"float32": -24.5, "float64": -54.5}[dtype]
