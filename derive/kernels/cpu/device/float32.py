"""What is of float32 alone: constants, coefficients and the logarithm; `functions` are made of them.

Numba code, typed by Numba; `sources` copies from this file.  Coefficients are those of `tools/minimax.py`.
"""

# mypy: ignore-errors

from __future__ import annotations

from numpy import float32

from derive.kernels.cpu.device.intrinsics import device, fma, kept, polynomial

ZERO = float32(0)
HALF = float32(0.5)
ONE = float32(1)
TWO = float32(2)
INFINITY = float32("inf")
NAN = float32("nan")
LOG2_E = float32(1.4426950408889634)
LN2 = float32(0.6931471805599453)
LN2_REST = float32(-1.904654299957768e-09)  # ln 2 less LN2
LN2_HIGH = float32(0.693145751953125)  # of so few bits that its product by an exponent is exact
LN2_LOW = float32(1.428606765330187e-06)  # ln 2 less LN2_HIGH
SQRT_2 = float32(1.4142135623730951)
PDF_0 = float32(0.3989422804014327)  # 1/sqrt(2 pi)
SMALLEST_NORMAL = float32(2**-126)
RAISED = float32(24)  # smaller numbers are raised by 2^24
RAISE = float32(2**24)
EXACT = float32(2**24)  # whole numbers up to here are exact
SHIFT = float32(3 * 2**22 + 127)  # adding it rounds to a whole number, in the last bits, where `power_of_two` reads it

EXP_MIN = float32(-104)  # 0 from here on
EXP_MAX = float32(89)  # infinity from here on
FLUSH = float32(-88.03)  # -127 ln 2 and a little: the exponent that makes 0 of 2^n
EXPM1_MIN = float32(-18)  # -1 from here on
ERF_MAX = float32(4)  # 1 from here on
NORMAL_MAX = float32(13.27)  # 0 and 1 from here on: a^2/2 is just beyond -FLUSH, and 2^n is 0
TANH_MAX = float32(9.1)  # 1 from here on
TAIL_CENTRE = float32(2)  # k in Phi(-a) = e^(-a^2/2) p((a - k)/(a + k))/(a + k)

# From `python tools/minimax.py`, from the constant upwards.
EXP = (0.4999999403953552, 0.1666652113199234, 0.041668254882097244, 0.008368662558495998, 0.001382146612741053)
LOG = (
    -0.49999988079071045,
    0.33333325386047363,
    -0.25001609325408936,
    0.20002004504203796,
    -0.16608409583568573,
    0.14180849492549896,
    -0.13248085975646973,
    0.1291300505399704,
    -0.07619088888168335,
)
ERF = (
    0.12837916612625122,
    -0.3761262595653534,
    0.11283578723669052,
    -0.026853347197175026,
    0.005187162198126316,
    -0.0007997853099368513,
    7.806903158780187e-05,
)
ERFC = (
    1.1284854412078857,
    0.6358139514923096,
    0.1051383689045906,
    -0.02281223051249981,
    0.003191107651218772,
    -0.0002111338690156117,
)
TAIL = (
    0.6724079847335815,
    -0.331404447555542,
    0.028798822313547134,
    0.036718640476465225,
    -0.0004868786782026291,
    -0.006733469665050507,
    -0.0018765497952699661,
    0.0008442984544672072,
    0.0006957511650398374,
    6.037352068233304e-05,
    -5.3764539188705385e-05,
)


@device
def log_of(f, e):
    """log(2^e (1 + f)) for sqrt(1/2) <= 1 + f <= sqrt(2)."""
    return fma(e, kept(LN2), fma(e, kept(LN2_REST), fma(polynomial(f, LOG) * f, f, f)))
