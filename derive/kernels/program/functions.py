"""Functions that only programs know: each is equal to what it stands for, and computed with more care.

What a function is written out as is its body; what it does where that has no value, its docstring says.
"""

from __future__ import annotations

from typing import Any

from sympy import Symbol, exp, log

from derive.calculus.functions import named
from derive.kernels.program.elementary import STORED

X, Y = Symbol("x", real=True), Symbol("y", real=True)

expm1 = named("expm1", (X,), exp(X) - 1)
log1p = named("log1p", (X,), log(1 + X))
exp_nonpositive = named("exp_nonpositive", (X,), exp(X))
"""e^x where x <= 0 is known: no care is taken of large numbers."""

together = named("together", (X,), X)
"""x, computed before anything is added to it: z - m, where both may be so large that nothing else would be left of a sum."""

weighted = named("weighted", (X, Y), X * Y)
"""x y, and 0 where x is 0, whatever y is: 0 log 0."""

inverse = named("inverse", (X,), 1 / X)
"""1/x, and 0 where x is 0: what a vector of length 0 is divided by."""

reaching = named("reaching", (X, Y), Y)
"""y, and x where that is infinite: the logarithm of a sum of exponentials whose largest exponent is x."""

WIDE = {dtype: named(f"from_{dtype}", (X,), X) for dtype in STORED}
"""x, an entry of an array of this type, as a number that is computed with."""

NARROW = {dtype: named(f"to_{dtype}", (X,), X) for dtype in STORED}
"""x as an entry of an array of this type: the nearest number of it, the even one of two."""

CONVERSIONS = (*WIDE.values(), *NARROW.values())

CHECKED = (weighted, inverse, reaching)
"""Those that compare what they are given, and choose."""


def is_sigmoid(term: Any) -> bool:
    """Whether a term is σ(x), the definition of the library."""
    return type(term).__name__ == "sigmoid"
