"""The words that the language keeps for itself, and what to write for those it does not know."""

from __future__ import annotations

from derive.calculus.functions import MATRIX_FUNCTIONS, PRIMITIVES

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "argmax")
FUNCTIONS = (*PRIMITIVES, "where", "concat")
MATRICES = (*MATRIX_FUNCTIONS, "logdet", "trace", "norm", "solve", "eye")
"""The functions of a matrix as a whole, which are names like those of the library: a tensor may be called so."""
MATRICES_OF_MATRICES = ("inv", "solve")
"""Those that give what has the axes of their last argument; the others give a number."""

NO_NUMBERS = ("inf", "infinity", "oo", "nan")
ELSEWHERE = {
    "ln": "log(x)",
    "sigma": "sigmoid(x)",
    "σ": "sigmoid(x)",
    "pow": "x**2",
    "square": "x**2",
    "tan": "sin(x)/cos(x)",
    "dot": "x @ y",
    "matmul": "A @ B",
    "einsum": "sum(A[i, j]*B[j, k] for j in n)",
    "transpose": "A.T",
    "average": "mean(x)",
    "argmin": "argmax(-x)",
    "inner": "x @ y",
    "outer": "G[i, j] = x[i]*y[j]",
    "diag": "D[i, j] = where(i == j, x[i], 0)",
    "identity": "eye(n)",
    "Id": "eye(n)",
    "onehot": "where(i == t, 1, 0)",
    "one_hot": "where(i == t, 1, 0)",
    "zeros": "0",
    "ones": "1",
    "tr": "trace(A)",
    "inverse": "inv(A)",
    "slogdet": "logdet(A)",
    "maximum": "max(a, b)",
    "minimum": "min(a, b)",
    "amax": "max(x)",
    "amin": "min(x)",
    "clamp": "clip(x, a, b)",
    "cases": "where(x < 0, a, x > 1, b, 0)",
    "piecewise": "where(x < 0, a, x > 1, b, 0)",
    "select": "where(x < 0, a, x > 1, b, 0)",
    "concatenate": "concat(x, y)",
    "cat": "concat(x, y)",
    "vstack": "concat(A, B)",
    "append": "concat(x, y)",
    "diff": "x[1:] - x[:-1]",
    "sgn": "sign(x)",
    "heaviside": "where(x > 0, 1, 0)",
    "step": "where(x > 0, 1, 0)",
    "fabs": "abs(x)",
    "absolute": "abs(x)",
    "exp2": "2**x",
    "gammaln": "lgamma(x)",
    "loggamma": "lgamma(x)",
    "psi": "digamma(x)",
    "polygamma": "trigamma(x)",
    "cov": "mean((x - mean(x))*(y - mean(y)))",
    "logit": "log(p/(1 - p))",
    "rsqrt": "1/sqrt(x)",
    "reciprocal": "1/x",
    "cbrt": "x**(1/3)",
    "cot": "cos(x)/sin(x)",
    "sec": "1/cos(x)",
    "arccosh": "log(x + sqrt(x**2 - 1))",
    "acosh": "log(x + sqrt(x**2 - 1))",
    "log_sigmoid": "log(sigmoid(x))",
    "logsigmoid": "log(sigmoid(x))",
    "gamma": "exp(lgamma(x))",
    "Gamma": "exp(lgamma(x))",
    "Γ": "exp(lgamma(x))",
    "Φ": "normal_cdf(x)",
    "Phi": "normal_cdf(x)",
    "φ": "normal_pdf(x)",
    "E": "mean(x)",
    "Var": "var(x)",
    "KL": "kl_divergence(p, q)",
    "RMS": "sqrt(mean(x**2))",
    "rms": "sqrt(mean(x**2))",
    "I": "where(x > 0, 1, 0)",
    "indicator": "where(x > 0, 1, 0)",
    "Tr": "trace(A)",
    "arctanh": "log((1 + x)/(1 - x))/2",
    "atanh": "log((1 + x)/(1 - x))/2",
    "arcsinh": "log(x + sqrt(x**2 + 1))",
    "asinh": "log(x + sqrt(x**2 + 1))",
    "erfc": "1 - erf(x)",
    "cumprod": "y[i] = prod(x[j] for j in n if j <= i)",
}
"""What is written here for functions that have a name elsewhere."""

_MATRIX = (
    "Decompositions of matrices are no part of the language, but inv, det, logdet and solve are: declare the result as an input."
)
_JUMPS = "It is constant between its jumps, or only puts entries in order: argmax and where are what the language has."
_SPECIAL = "It is no function of the language, and no formula of those that are: declare its value as an input."
_SHAPES = "Write the entries, with an index for each axis, as in Y[i, j] = X[j, i]."
_PARTS = "Write the parts as slices: x[:n] and x[n:] of x: [n + m]."
_RANDOM = "A definition has no random numbers: declare them as an input."

_OUTSIDE = (
    (_MATRIX, "pinv lstsq cholesky eig eigh svd qr expm logm sqrtm"),
    (_JUMPS, "floor ceil round rint trunc sort argsort topk unique median quantile"),
    (_SPECIAL, "asin acos arcsin arccos atan2 arctan2 zeta beta"),
    (_SHAPES, "stack hstack reshape flatten ravel view permute pad roll"),
    (_PARTS, "split chunk narrow"),
    (_RANDOM, "rand randn random uniform normal bernoulli"),
)

NOWHERE = {name: why for why, names in _OUTSIDE for name in names.split()}
"""Why there is nothing to write for functions that have a name elsewhere."""
