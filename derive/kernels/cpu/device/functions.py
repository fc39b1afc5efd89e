"""Elementary functions without branches, tables or calls, so that LLVM makes vector code of a loop over them.

Numba code, typed by Numba; `sources` copies from this file, behind one with the constants of a type.  What that file defines,
too, stands in place of what is defined here.  Imported as they stand, the functions are those of float64.
No fast-math flag is set: every product that is to be fused into a sum is written `fma`.
"""

# mypy: ignore-errors

from __future__ import annotations

from derive.kernels.cpu.device.float64 import (
    ERF,
    ERF_MAX,
    ERFC,
    EXACT,
    EXP,
    EXP_MAX,
    EXP_MIN,
    EXPM1_MIN,
    FLUSH,
    HALF,
    INFINITY,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    LN2_REST,
    LOG,
    LOG2_E,
    NAN,
    NORMAL_MAX,
    ONE,
    PDF_0,
    RAISE,
    RAISED,
    SHIFT,
    SMALLEST_NORMAL,
    SQRT_2,
    TAIL,
    TAIL_CENTRE,
    TANH_MAX,
    TWO,
    ZERO,
)
from derive.kernels.cpu.device.intrinsics import copysign, device, fma, fraction_exponent, kept, polynomial, power_of_two, select

# ---------------------------------------------------------------------------------------------------------- exponentials


@device
def nearest_power(x):
    """t and r with x = n ln 2 + r, t = n + SHIFT, |r| <= ln 2/2."""
    t = fma(x, kept(LOG2_E), kept(SHIFT))
    n = t - kept(SHIFT)
    return t, fma(n, -kept(LN2_REST), fma(n, -kept(LN2), x))


@device
def expm1_near_0(r):
    """e^r - 1 for |r| <= ln 2/2."""
    return fma(polynomial(r, EXP), r * r, r)


@device
def exp(x):
    x = select(x > kept(EXP_MAX), kept(EXP_MAX), x)
    x = select(x < kept(EXP_MIN), kept(EXP_MIN), x)
    t, r = nearest_power(x)
    t_half = fma(t - kept(SHIFT), kept(HALF), kept(SHIFT))  # 2^n may be out of range; 2^(n/2) twice is not
    s = power_of_two(t_half)
    return fma(expm1_near_0(r), s, s) * power_of_two(t - (t_half - kept(SHIFT)))


@device
def exp_nonpositive(x):
    t, r = nearest_power(select(x < kept(FLUSH), kept(FLUSH), x))
    s = power_of_two(t)
    return fma(expm1_near_0(r), s, s)


@device
def expm1(x):
    y = select(x > kept(EXP_MAX), kept(EXP_MAX), x)
    t, r = nearest_power(select(y < kept(EXPM1_MIN), kept(EXPM1_MIN), y))
    s = power_of_two(t - kept(ONE))  # half of 2^n, which may be out of range
    near = expm1_near_0(r)
    y = fma(near, s, s - kept(HALF))
    return copysign(select(t == kept(SHIFT), near, y + y), x)


@device
def tanh(x):
    a = abs(x)
    a = select(a > kept(TANH_MAX), kept(TANH_MAX), a)
    t, r = nearest_power(a + a)
    s = power_of_two(t)
    y = fma(expm1_near_0(r), s, s - kept(ONE))  # e^2a - 1
    return copysign(y / (y + kept(TWO)), x)


@device
def sigmoid(x):
    e = exp_nonpositive(-abs(x))
    return select(x < ZERO, e, kept(ONE)) / (kept(ONE) + e)


# ------------------------------------------------------------------------------------------------------------ logarithms


@device
def log_of(f, e):
    """log(2^e (1 + f)) for sqrt(1/2) <= 1 + f <= sqrt(2), by 2 atanh(f/(2 + f)) as in fdlibm's e_log.c."""
    s = f / (kept(TWO) + f)
    z = s * s
    half_square = kept(HALF) * f * f
    rest = fma(s, fma(polynomial(z, LOG), z, half_square), e * kept(LN2_REST))
    return fma(e, kept(LN2), f - (half_square - rest))


@device
def log(x):
    low = x < SMALLEST_NORMAL
    m, e = fraction_exponent(select(low, x * RAISE, x))
    y = log_of(m - ONE, select(low, e - RAISED, e))
    y = select(x == ZERO, -INFINITY, y)
    y = select(x < ZERO, NAN, y)
    return select(x < INFINITY, y, x)


@device
def log1p(x):
    m, e = fraction_exponent(ONE + x)
    s = power_of_two(SHIFT - e)
    y = log_of(select(x < EXACT, fma(x, s, s - ONE), m - ONE), e)  # 2^-e (1 + x) - 1 without the rounding of 1 + x
    y = select(x == -ONE, -INFINITY, y)
    y = select(x < -ONE, NAN, y)
    y = select(x == ZERO, x, y)  # -0 stays -0
    return select(x < INFINITY, y, x)


@device
def softplus(x):
    e = exp_nonpositive(-abs(x))
    upper = e > kept(SQRT_2 - ONE)
    y = log_of(select(upper, fma(e, kept(HALF), -kept(HALF)), e), select(upper, kept(ONE), ZERO))
    return select(x > ZERO, x, ZERO) + y


# -------------------------------------------------------------------------------------------------- normal distribution


@device
def erf(x):
    a = abs(x)
    near = fma(x, polynomial(x * x, ERF), x)
    b = select(a > kept(ERF_MAX), kept(ERF_MAX), a)
    far = kept(ONE) - exp_nonpositive(-b * polynomial(b, ERFC))
    return select(a < kept(ONE), near, copysign(far, x))


@device
def bell(a):
    """exp(-a^2/2) for 0 <= a <= NORMAL_MAX, without the rounding of a*a."""
    half = -kept(HALF) * a
    t = fma(half * a, kept(LOG2_E), kept(SHIFT))
    n = t - kept(SHIFT)
    s = power_of_two(t)
    return fma(expm1_near_0(fma(n, -kept(LN2_LOW), fma(half, a, n * -kept(LN2_HIGH)))), s, s)


@device
def normal_pdf(x):
    a = abs(x)
    return kept(PDF_0) * bell(select(a > kept(NORMAL_MAX), kept(NORMAL_MAX), a))


@device
def normal_cdf(x):
    a = abs(x)
    a = select(a > kept(NORMAL_MAX), kept(NORMAL_MAX), a)
    t = kept(ONE) / (a + kept(TAIL_CENTRE))
    tail = bell(a) * (t * polynomial((a - kept(TAIL_CENTRE)) * t, TAIL))
    return select(x > ZERO, kept(ONE) - tail, tail)
