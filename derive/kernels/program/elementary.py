"""The elementary functions of kernels, alike on every target: what each computes, and how closely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DTYPES = ("float32", "float64")
"""The types that kernels compute in."""

STORED: Mapping[str, str] = MappingProxyType({"bfloat16": "float32", "float16": "float32"})
"""Types that arrays are given and made in, and what is computed in for each."""


def computed(dtype: str) -> str:
    """The type that a kernel computes in, whose arrays are of this type."""
    return STORED.get(dtype, dtype)


@dataclass(frozen=True)
class Function:
    """An elementary function of one number x, named alike for both types.

    `ulp` bounds |result - true value| in units in the last place of the true value, for every x of the domain where that is a
    normal number; it was measured by `tests/oracles/device_accuracy.py`.  A result too small to be a normal number is within one
    such unit, too, or may, where the function `flushes`, come out as 0.  NaN gives NaN.
    """

    name: str
    meaning: str
    ulp: Mapping[str, float]
    flushes: bool = False
    domain: str = "every x"

    def comment(self, dtype: str) -> str:
        """What an emitted module says above the function."""
        small = "; a result below the smallest normal number may be 0" if self.flushes else ""
        return f"# {self.name}(x) = {self.meaning} for {self.domain}, within {self.ulp[dtype]} ulp{small}."


def _ulp(float32: float, float64: float) -> Mapping[str, float]:
    return MappingProxyType({"float32": float32, "float64": float64})


_ROWS = (
    Function("exp", "e^x", _ulp(1.1, 1.1)),
    Function("exp_nonpositive", "e^x", _ulp(1.1, 1.1), flushes=True, domain="x <= 0"),
    Function("expm1", "e^x - 1", _ulp(1.5, 2.0)),
    Function("log", "ln x", _ulp(1.0, 1.0), domain="every x (0 gives -inf, x < 0 NaN)"),
    Function("log1p", "ln(1 + x)", _ulp(1.5, 1.5), domain="every x (-1 gives -inf, x < -1 NaN)"),
    Function("tanh", "tanh x", _ulp(3.0, 3.0)),
    Function("sigmoid", "1/(1 + e^-x)", _ulp(2.5, 2.5), flushes=True),
    Function("softplus", "ln(1 + e^x)", _ulp(2.0, 2.0), flushes=True),
    Function("erf", "erf x", _ulp(1.5, 1.5)),
    Function("normal_cdf", "(1 + erf(x/sqrt 2))/2", _ulp(6.0, 6.0), flushes=True),
    Function("normal_pdf", "e^(-x^2/2)/sqrt(2 pi)", _ulp(2.5, 2.5), flushes=True),
)

MATH = ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "sin", "sinh", "tan")
"""The functions that kernels take from Python's `math`, which Numba compiles for every target; SymPy calls them alike."""

FUNCTIONS: Mapping[str, Function] = MappingProxyType({row.name: row for row in _ROWS})
