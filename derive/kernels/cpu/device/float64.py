"""Elementary functions of float64 without branches, tables or calls, so that LLVM makes vector code of a loop over them.

Numba code, typed by Numba; `sources` copies from this file.  Coefficients are those of `tools/minimax.py`.
No fast-math flag is set: every product that is to be fused into a sum is written `fma`.
"""

from __future__ import annotations

from derive.kernels.cpu.device.intrinsics import copysign, device, fma, fraction_exponent, kept, polynomial, power_of_two, select

ZERO = 0.0
HALF = 0.5
ONE = 1.0
TWO = 2.0
INFINITY = float("inf")
NAN = float("nan")
LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_REST = 2.3190468138462996e-17  # ln 2 less LN2
LN2_HIGH = 0.6931471805598903  # of so few bits that its product by an exponent is exact
LN2_LOW = 5.497923018708371e-14  # ln 2 less LN2_HIGH
SQRT_2 = 1.4142135623730951
PDF_0 = 0.3989422804014327  # 1/sqrt(2 pi)
SMALLEST_NORMAL = 2.0**-1022
RAISED = 54.0  # smaller numbers are raised by 2^54
RAISE = 2.0**54
EXACT = 2.0**53  # whole numbers up to here are exact
SHIFT = 3.0 * 2**51 + 1023  # adding it rounds to a whole number, in the last bits, where `power_of_two` reads it

EXP_MIN = -746.0  # 0 from here on
EXP_MAX = 710.0  # infinity from here on
FLUSH = -709.09  # -1023 ln 2 and a little: the exponent that makes 0 of 2^n
EXPM1_MIN = -38.0  # -1 from here on
ERF_MAX = 6.0  # 1 from here on
NORMAL_MAX = 37.66  # 0 and 1 from here on: a^2/2 is just beyond -FLUSH, and 2^n is 0
TANH_MAX = 20.0  # 1 from here on
TAIL_CENTRE = 4.0  # k in Phi(-a) = e^(-a^2/2) p((a - k)/(a + k))/(a + k)

# From `python tools/minimax.py`, from the constant upwards.
EXP = (
    0.5000000000000011,
    0.16666666666666463,
    0.04166666666652861,
    0.008333333333470992,
    0.0013888888943764674,
    0.00019841269545589377,
    2.4801493100080308e-05,
    2.7557558556878462e-06,
    2.7630220544516876e-07,
    2.500729090206448e-08,
)
LOG = (
    0.6666666666666734,
    0.39999999999416647,
    0.28571428742026656,
    0.2222219860521607,
    0.18183562843180204,
    0.1531408503441549,
    0.14795631597234002,
)
ERF = (
    0.12837916709551256,
    -0.37612638903183343,
    0.11283791670936937,
    -0.026866170641954186,
    0.005223977596670305,
    -0.0008548325480584245,
    0.0001205528032512917,
    -1.4924461574658716e-05,
    1.6444090844567625e-06,
    -1.6183460929466802e-07,
    1.3614095589745383e-08,
    -7.602387136284261e-10,
)
ERFC = (
    1.1283791181828215,
    0.636620185714121,
    0.10277111125418008,
    -0.019125707961919043,
    -0.0002106946098357244,
    0.0016908339853682407,
    -0.0005728804631162652,
    -2.3552972169418623e-06,
    9.632670156234568e-05,
    -5.6441653380395006e-05,
    2.0503855632320624e-05,
    -5.4304573658295554e-06,
    1.0885068420297597e-06,
    -1.648294621012322e-07,
    1.836063448353681e-08,
    -1.4226108095377452e-09,
    6.853952188344867e-11,
    -1.5462393860258962e-12,
)
TAIL = (
    0.7552851304157515,
    -0.6078966419718921,
    0.387137400742212,
    -0.18652185795965945,
    0.0603965748909526,
    -0.007540188966608337,
    -0.0034796923661106535,
    0.0016308184551535605,
    0.0001333442859344045,
    -0.00023109491252873196,
    -1.9080278020942477e-06,
    3.514458169943446e-05,
    7.155386530957335e-07,
    -5.919959165502399e-06,
    -6.263171318828528e-07,
    1.0215993043597035e-06,
    2.654465247761916e-07,
    -1.5611762654011894e-07,
    -7.806842233689572e-08,
    1.5653149420053064e-08,
    1.4860469015529816e-08,
    -1.9456423282987361e-10,
    -1.193768576638915e-09,
)


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
