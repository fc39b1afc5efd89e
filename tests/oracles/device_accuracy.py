"""How far the device functions are from the true values.

`python tests/oracles/device_accuracy.py [STRIDE [COUNT]]` prints the table.

float32 is compared at every STRIDE-th bit pattern with float64, whose own errors are a billionth of a float32's; float64 at
COUNT random points with 40 digits.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import mpmath
import numpy as np

from derive.kernels.cache import load
from derive.kernels.program.elementary import DTYPES, FUNCTIONS
from derive.kernels.target import TARGETS
from derive.kernels.text.device import sources

DIGITS = 40

DOUBLE: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "exp_nonpositive": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "normal_cdf": np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float]),
    "normal_pdf": lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "exp_nonpositive": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "normal_cdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "normal_pdf": lambda x: mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
}

LOWEST = {"exp_nonpositive": -math.inf, "log": 0.0, "log1p": -1.0}


class Errors(NamedTuple):
    """The greatest error in ulp where the true value is normal, at which x, and in smallest numbers where it is not."""

    ulp: float
    at: float
    subnormal: float


def loop(function: Any) -> Callable[[Any], Any]:
    """`function` of every entry of an array, compiled."""
    from numba import njit

    @njit(error_model="numpy")
    def run(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.shape[0]):
            out[i] = function(x[i])
        return out

    return lambda x: run(x, np.empty_like(x))


def functions(dtype: str) -> ModuleType:
    """The functions for one type, and the operations, as modules of kernels have them."""
    device = TARGETS["cpu"].device
    return load(sources(device, [*FUNCTIONS, *device.operations], dtype), f"device_{dtype}")


@cache
def device(name: str, dtype: str) -> Callable[[Any], Any]:
    """A function of the library on arrays."""
    return loop(getattr(functions(dtype), name))


def patterns(stride: int, block: int = 1 << 22) -> Iterator[Any]:
    """Every `stride`-th float32, infinities and NaN among them, in pieces."""
    for first in range(0, 2**32, stride * block):
        bits = np.arange(first, min(first + stride * block, 2**32), stride, dtype=np.uint64)
        yield bits.astype(np.uint32).view(np.float32)


def inside(name: str, x: Any) -> Any:
    """Those x that the function is for."""
    return x[~(x > 0)] if name == "exp_nonpositive" else x


def single(name: str, function: Callable[[Any], Any], stride: int) -> Errors:
    """The errors of a float32 function.  Raises AssertionError where one of the two is not a finite number and the other is."""
    pieces = (inside(name, x) for x in patterns(stride) if inside(name, x).size)
    with np.errstate(all="ignore"):
        found = [_errors(x, function(x).astype(float), DOUBLE[name](x.astype(float)), np.float32) for x in pieces]
    return Errors(*max(error[:2] for error in found), max(error.subnormal for error in found))


def _errors(x: Any, result: Any, true: Any, dtype: Any) -> Errors:
    rounded = true.astype(dtype)
    finite = np.isfinite(rounded)
    same = np.where(finite, np.isfinite(result), (result == rounded) | (np.isnan(result) & np.isnan(rounded)))
    assert same.all(), f"at {x[~same][:3]}: {result[~same][:3]}, not {rounded[~same][:3]}"
    ulp = np.abs(result - true) / np.spacing(np.abs(rounded)).astype(float)
    normal = finite & (np.abs(true) >= np.finfo(dtype).tiny)
    worst = np.argmax(np.where(normal, ulp, 0))
    return Errors(ulp[worst], x[worst], np.max(ulp, where=finite & ~normal, initial=0))


def points(name: str, count: int) -> Any:
    """Random float64 points of every size, most of them where the function bends."""
    random = np.random.default_rng(7)
    sizes = 10 ** random.uniform(-4, 2.9, count) * random.choice([-1.0, 1.0], count)
    bits = random.integers(0, 2**63, count // 10, dtype=np.int64).view(np.float64) * random.choice([-1.0, 1.0], count // 10)
    x = np.concatenate([sizes, bits, random.uniform(-3, 3, count), random.uniform(-38, 9, count)])
    x = -np.abs(x) if name == "exp_nonpositive" else np.abs(x) if name == "log" else x
    return x[np.isfinite(x) & (x > LOWEST.get(name, -math.inf))]


def double(name: str, function: Callable[[Any], Any], count: int) -> Errors:
    """The errors of a float64 function."""
    x = points(name, count)
    worst, at, subnormal = 0.0, math.nan, 0.0
    results = function(x)
    with mpmath.workdps(DIGITS):
        for given, result in zip(x, results, strict=True):
            true = _clipped(name, given)
            rounded = float(true)
            if math.isinf(rounded):
                assert result == rounded, f"{name}({given!r}) is {result}"
                continue
            error = float(abs(mpmath.mpf(result) - true) / mpmath.mpf(float(np.spacing(abs(rounded)))))
            assert error == error, f"{name}({given!r}) is {result}"
            if abs(true) < np.finfo(float).tiny:
                subnormal = max(subnormal, error)
            elif error > worst:
                worst, at = error, float(given)
    return Errors(worst, at, subnormal)


def _clipped(name: str, x: float) -> Any:
    """The true value; beyond |x| = 1e6 that of an exponential is 0, 1, x or infinite to every digit that counts."""
    grows = name not in ("log", "log1p")
    if grows and abs(x) > 1e6:
        with np.errstate(over="ignore"):
            return mpmath.mpf(float(DOUBLE[name](np.float64(x))))
    return EXACT[name](mpmath.mpf(float(x)))


def main(stride: int = 101, count: int = 20000) -> None:
    print(f"{'':16} {'':8} {'stated':>7} {'ulp':>7}  at")
    for name in FUNCTIONS:
        for dtype in DTYPES:
            call = device(name, dtype)
            worst = single(name, call, stride) if dtype == "float32" else double(name, call, count)
            print(
                f"{name:16} {dtype} {FUNCTIONS[name].ulp[dtype]:7} {worst.ulp:7.3f}  {worst.at!r}  {worst.subnormal:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
