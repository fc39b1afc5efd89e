"""Kernels at extreme numbers: where the truth is finite, so is what they compute, and it is the truth.

Programs are run in NumPy's numbers of either type (`oracles.interpreted`), which takes no compiler, and compared with as many
digits as it takes (`oracles.extremes`); a few are compiled.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import derive
from derive.kernels.kernel import kernel
from derive.kernels.program.program import Program
from derive.kernels.program.simple import simple
from derive.kernels.program.stable import REWRITES, stable
from derive.language import library
from derive.proof.sizes import size_sets
from derive.values.precision import DomainError
from oracles.extremes import ALLOWED, compared, made, points, programs, worst
from oracles.interpreted import interpreted
from oracles.kernel_reference import call

Array = Any
TYPES = ("float32", "float64")

SQUARES = ("batch_norm", "cosine_similarity", "group_norm", "layer_norm", "rms_norm", "sine_cosine", "std", "triplet_margin")
"""What squares its inputs gives what the squares allow: beyond the root of the largest number they are none, as in PyTorch."""

PRODUCTS = ("attention", "attention_causal", "attention_masked", "bptt", "gru_cell", "mlp", "softmax_regression")
"""Where products of 1e30 cancel, what is left is no more than rounding."""

OF_ONE_CLASS = ("softmax_cross_entropy_weighted",)
"""Where all labels are one, the weight of that class cancels, and what is left of its gradient is rounding."""


def ordinary(arrays: dict[str, Array]) -> bool:
    """Whether squares and products of the numbers keep what is added to them."""
    return all(1e-10 < abs(x) < 1e3 or x == 0 for a in arrays.values() for x in np.ravel(a).tolist())


def faults(text: str, dtype: str, ours: Program | None = None) -> list[str]:
    """The outputs of a definition that are off at some point, and how far."""
    graph, plain, program = programs(text)
    sizes, found = size_sets(graph)[0], []
    for arrays in points(plain, sizes, dtype):
        if text in (*SQUARES, *PRODUCTS) and not ordinary(arrays):
            continue
        if text in OF_ONE_CLASS and len({*arrays["t"].tolist()}) == 1:
            continue
        try:
            off = worst(plain, ours or program, arrays, sizes, dtype)
        except DomainError:
            continue  # see the conventions below
        found += [f"{n} is off by {o:.3g} at {arrays}" for n, o in off.items() if not o <= ALLOWED]
    return found


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", library.names())
def test_every_definition_is_right_at_extreme_inputs(name: str, dtype: str) -> None:
    assert faults(name, dtype) == []


def test_a_program_that_is_not_stable_is_found() -> None:
    graph = library.load("softmax")
    plain, _ = made(graph)
    assert faults("softmax", "float32", simple(plain))
    with pytest.raises(AssertionError):
        assert faults("softplus", "float64", simple(made(library.load("softplus"))[0])) == []


WRITTEN_OUT = "z: real; y: real; L = -(y*log(exp(z)/(1 + exp(z))) + (1 - y)*log(1 - exp(z)/(1 + exp(z))))"

NEEDED = {
    "writing powers of numbers as exponentials": "x: real; y: real; r = log(2**x + 2**y)",
    "writing exponentials out": "z: [C]; t: label[C]; s = sum(exp(z)); L = log(s) - z[t]",
    "cancelling what the next factor takes away": "a: real; b: real; s = exp(a) + exp(b); y = exp(a)/s",
    "writing slopes without their functions": "x: [n]; a = x**2; p = a**5; y = p**0.3",
    "shifting by the maximum": "softmax",
    "gathering exponentials": "x: real; k: real; y = sigmoid(x)**k",
    "shifting by the larger of exponents": "a: real; b: real; y = log(exp(a) + exp(b))",
    "taking the logarithm of a quotient": "binary_cross_entropy",
    "splitting quotients by the rest of a sum": "z: [C]; y: onehot[C]; p = softmax(z); L = -sum(y*log(p) + (1 - y)*log(1 - p))",
    "taking the rest of a sum": "focal_loss",
    "taking the complement of a sigmoid": WRITTEN_OUT,
    "cancelling what sigmoids take away": "z: [n]; g: positive; p = exp(z)/(1 + exp(z)); y = (1 - p)**g*log(p)",
    "joining exponentials": "z: [C]; y = sum(exp(2*z))/sum(exp(z))**2",
    "weighing logarithms": "focal_loss",
    "dividing by lengths": "u: real; v: real; r = sqrt(u**2 + v**2)",
    "using functions that lose nothing": "softplus",
    "grouping what cancels": "x: [n]; y = x**3 - x**3*tanh(x)**2",
    "gathering powers": "z: [n]; g: positive; p = exp(z)/(1 + exp(z)); y = (1 - p)**g*log(p)",
    "taking powers through logarithms": "x: real; k: real; y = sigmoid(x)**k",
    "ending slopes where functions are flat": "gelu_tanh",
}
"""For each rewrite a definition that is wrong at some extreme number without it."""

ELSEWHERE = {"writing functions of the library out", "handing on infinities", "writing arguments alike"}
"""What makes others possible, holds for the conventions below, or saves time."""


def test_every_rewrite_is_needed_somewhere() -> None:
    assert [r.name for r in REWRITES if r.name not in ELSEWHERE] == list(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_a_rewrite_left_out_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, plain, _ = programs(NEEDED[name])
    monkeypatch.setattr("derive.kernels.program.stable.REWRITES", tuple(r for r in REWRITES if r.name != name))
    assert faults(NEEDED[name], "float32", simple(stable(plain)))


@pytest.mark.parametrize("name", ["focal_loss", "logsumexp", "gelu_tanh"])
def test_what_is_compiled_is_what_was_interpreted(name: str) -> None:
    graph, plain, _ = programs(name)
    compiled, sizes = kernel(graph, dtype="float32", name=name), size_sets(graph)[0]
    function = next(f for f in ("value_and_grad", "forward_and_vjp") if f in compiled.programs)
    for arrays in points(plain, sizes, "float32"):
        with suppress(DomainError):
            found = call(compiled, function, arrays, sizes)
            assert max(compared(plain, found, arrays, sizes, "float32").values()) <= ALLOWED, arrays


# ---------------------------------------------------------------- definitions typed in

TEXTS = [
    # p under a logarithm and elsewhere
    "z: [C]; y: [C]; p = softmax(z); L = -sum(y*log(p)) - sum(p*log(y + 2))",
    "z: [C]; t: label[C]; p = softmax(z); L = -log(p[t]) + sum(p**2)",
    "z: [C]; t: label[C]; p = softmax(z); L = -(1 - p[t])*log(p[t])",
    "z: [C]; t: label[C]; p = softmax(z); L = -(1 - p[t])**0.5*log(p[t]) + 1 - p[t]",
    "z: [C]; y: onehot[C]; p = softmax(z/2); L = -sum(y*(1 - p)**2*log(p))",
    "z: [C]; y: onehot[C]; p = sigmoid(z); L = -sum(y*(1 - p)**2*log(p) + (1 - y)*p**2*log(1 - p))",
    "z: real; y: real; p = sigmoid(z); L = (p - y)**2 - y*log(p)",
    # exponentials written out
    "a: real; b: real; y = log(exp(a) + exp(b))",
    "a: real; b: real; c: real; y = log(exp(a) + 2*exp(b) + exp(c - a))",
    "a: real; b: real; y = exp(a)/(exp(a) + exp(b))",
    "x: [n]; y = exp(x)/(exp(x) + 1)",
    "x: [n]; y = 1/(1 + exp(x))**2",
    "x: [n]; y = log(1 + exp(x))",
    "x: [n]; y = log(2 + exp(-x))",
    "x: [n]; y = log(1 + sum(exp(x)))",
    "x: [n]; s: real; L = -log(exp(s)/(exp(s) + sum(exp(x))))",
    "x: [n]; y = exp(x)/(exp(x) - 1 + 2)",
    "x: [n]; w: [n]; y = sum(w*exp(x))/sum(exp(x))",
    "a: real; b: real; c: real; y = exp(a)/(exp(a) + exp(b) + exp(c))",
    "x: real; y = x*exp(x)/(1 + exp(x))",
    # and named
    "z: [C]; t: label[C]; e = exp(z); p = e/sum(e); L = -log(p[t])",
    "z: [C]; t: label[C]; s = sum(exp(z)); L = log(s) - z[t]",
    "a: real; b: real; s = exp(a) + exp(b); y = exp(a)/s",
    "a: real; b: real; s = exp(a) + exp(b); y = log(s)",
    # slopes that are not written with what may vanish
    "x: [n]; y = log(sigmoid(x))",
    "x: [n]; p = sigmoid(x); L = -sum(log(p))",
    "x: [n]; w: [n]; y = w*log(sigmoid(x))",
    "x: [n]; y = sigmoid(x)*(1 - sigmoid(x))",
    "x: [n]; y = min(0, 1.5*(exp(x/1.5) - 1))",
    # quotients that become sigmoids
    "z: real; y: real; p = exp(z)/(1 + exp(z)); L = -(y*log(p) + (1 - y)*log(1 - p))",
    "z: real; y: real; L = -(y*log(exp(z)/(1 + exp(z))) + (1 - y)*log(1 - exp(z)/(1 + exp(z))))",
    "z: [n]; p = exp(z)/(1 + exp(z)); L = sum(log(p) - log(1 - p))",
    "x: [n]; b: real; y = x/(1 + exp(-b*x))",
    "x: [n]; y = x**2/(1 + exp(x))",
    # roots of sums of exponentials, and sums by name
    "x: [n]; y = sqrt(1 + exp(x))",
    "x: real; y = 1/(1 + exp(x))**0.5",
    "x: [n]; y = (exp(x) + exp(-x))/2",
    "x: [n]; c = (exp(x) + exp(-x))/2; y = log(c)",
    "x: [n]; s = 1 + exp(x); y = log(s)",
    # exponentials of largest entries that cancel in slopes
    "z: [C]; t: label[C]; L = log(1 + sum(exp(z[j] - z[t]) for j in C if j != t))",
    "z: [C]; t: label[C]; s: real; m: real; "
    "L = -log(exp(s*(z[t] - m))/(exp(s*(z[t] - m)) + sum(exp(s*z[j]) for j in C if j != t)))",
    "z: [C]; y = sum(exp(2*z))/sum(exp(z))**2",
    # powers of what may vanish
    "z: [C]; t: label[C]; p = softmax(z); q: positive; L = (1 - p[t]**q)/q",
    "z: [C]; t: label[C]; p = softmax(z); L = (1 - p[t]**0.7)/0.7",
    "z: [C]; p = softmax(z); a: positive; H = log(sum(p**a))/(1 - a)",
    "x: [n]; g: positive; y = sigmoid(x)**g",
    "x: [n]; g: positive; y = -(1 - sigmoid(x))**g*log(sigmoid(x))",
    "a: [n]; x: real; p = sum(a[k]*x**k for k in n)",
    # logarithms of quotients
    "x: [n]; y: [n]; p = sigmoid(x); D = sum(y*log(y/p) + (1 - y)*log((1 - y)/(1 - p)))",
    "x: [n]; p = sigmoid(x); y = log(p/(1 - p))",
    "x: [n]; y = x*log(1 + exp(-x))",
    # powers of numbers
    "a: real; b: real; y = 1/(1 + 10**((b - a)/400))",
    "z: [n]; p[i] = 2**z[i]/sum(2**z[k] for k in n)",
    "x: [n]; y = 2**x + x",
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("text", TEXTS)
def test_definitions_typed_in_are_right_at_extreme_inputs(text: str, dtype: str) -> None:
    assert faults(text, dtype) == []


# ---------------------------------------------------------------- conventions

nan, inf = float("nan"), float("inf")

CONVENTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # 0 log 0 is 0, and so is its slope by what the logarithm is taken of
    (
        "kl_divergence",
        {"p": [0, 0.5, 0.5], "q": [0.5, 0.25, 0.25]},
        {"D": np.log(2), "grad_p": [-inf, 1 + np.log(2), 1 + np.log(2)], "grad_q": [0, -2, -2]},
    ),
    ("kl_divergence", {"p": [0, 1, 0], "q": [0, 1, 0]}, {"D": 0, "grad_q": [0, -1, 0]}),
    ("cross_entropy", {"p": [0, 1, 0], "y": [0, 1, 0]}, {"L": 0, "grad_p": [0, -1, 0], "grad_y": [inf, 0, inf]}),
    ("p: probability[n]; H = -sum(p*log(p))", {"p": [0, 1, 0]}, {"H": 0, "grad_p": [inf, -1, inf]}),
    (
        "x: [n]; y: [n]; f = sum(x*log(y))",
        {"x": [0, 0, 2], "y": [0, 1, 1]},
        {"f": 0, "grad_y": [0, 0, 2], "grad_x": [-inf, 0, 0]},
    ),
    ("p: real; y: real; L = -(y*log(p) + (1 - y)*log(1 - p))", {"p": 1, "y": 1}, {"L": 0, "grad_p": 0}),
    ("p: real; y: real; L = -(y*log(p) + (1 - y)*log(1 - p))", {"p": 0, "y": 0}, {"L": 0, "grad_p": 0}),
    ("p: real; y: real; L = -(y*log(p) + (1 - y)*log(1 - p))", {"p": 0, "y": 1}, {"L": inf, "grad_p": -inf}),
    # what is no number stays none
    ("cross_entropy", {"p": [nan, 1, 0], "y": [1, 0, 0]}, {"L": nan, "grad_p": [nan, 0, 0]}),
    ("relu", {"x": nan}, {"y": nan}),
    ("triplet_margin", {"a": [nan, 1], "p": [0, 1], "n": [0, 2], "mu": 1}, {"L": nan}),
    # a vector of length 0 has the slope 0, and divides to 0
    ("x: [n]; r = sqrt(sum(x**2))", {"x": [0, 0, 0]}, {"r": 0, "grad_x": [0, 0, 0]}),
    ("x: [n]; r = sqrt(sum(x**2)); y = x/r", {"x": [0, 0, 0], "g": [1, 2, 3]}, {"y": [0, 0, 0], "grad_x": [0, 0, 0]}),
    ("cosine_similarity", {"x": [0, 0], "y": [1, 2]}, {"c": 0, "grad_x": [0, 0], "grad_y": [0, 0]}),
    ("triplet_margin", {"a": [1, 2], "p": [1, 2], "n": [1, 2.5], "mu": 1}, {"L": 0.5, "grad_p": [0, 0], "grad_n": [0, -1]}),
    ("u: real; v: real; r = sqrt(u**2 + v**2)", {"u": 0, "v": 0}, {"r": 0, "grad_u": 0, "grad_v": 0}),
    # log 0 + log 0 is log 0
    ("logsumexp", {"z": [-inf, -inf, -inf]}, {"y": -inf}),
    ("logsumexp", {"z": [inf, 0, 1]}, {"y": inf}),
    ("logsumexp", {"z": [-inf, 0, -inf]}, {"y": 0, "grad_z": [0, 1, 0]}),
    ("logsumexp", {"z": [nan, 0, 1]}, {"y": nan}),
    ("a: real; b: real; y = log(exp(a) + exp(b))", {"a": -inf, "b": -inf}, {"y": -inf}),
    ("a: real; b: real; y = log(exp(a) + exp(b))", {"a": inf, "b": 0}, {"y": inf, "grad_a": 1, "grad_b": 0}),
    ("a: real; y = sqrt(1 + exp(a))", {"a": inf}, {"y": inf}),
    ("a: real; y = sqrt(1 + exp(a))", {"a": -inf}, {"y": 1, "grad_a": 0}),
    ("a: [n]; x: real; p = sum(a[k]*x**k for k in n)", {"a": [1, 2, 3], "x": 0}, {"p": 1, "grad_x": 2, "grad_a": [1, 0, 0]}),
    # what is left of 1 has its digits under a root that may be negative
    (
        "x: real; k: real; y = (1 - sigmoid(x))**k",
        {"x": 20, "k": -0.5},
        {"y": np.sqrt(1 + np.exp(20)), "grad_x": np.sqrt(1 + np.exp(20)) / (1 + np.exp(-20)) / 2},
    ),
    ("x: real; k: real; y = sigmoid(x)**k", {"x": -200, "k": 0.01}, {"y": np.exp(-2), "grad_x": 0.01 * np.exp(-2)}),
    # what is not weighted is not divided by what has become 0
    (
        "z: [C]; y: onehot[C]; p = softmax(z); L = -sum(y*log(p) + (1 - y)*log(1 - p))",
        {"z": [100, 0, 0], "y": [1, 0, 0]},
        {"L": 0, "grad_z": [0, 0, 0]},
    ),
    ("x: real; k: real; y = x**k", {"x": 0, "k": 0}, {"y": 1, "grad_x": 0}),
    ("softmax", {"z": [-inf, -inf], "g": [1, 2]}, {"p": [nan, nan]}),
    # scores are compared before a margin is added to what is left
    ("hinge", {"s": [-1e30, -1e30], "t": 0}, {"L": 1, "grad_s": [-1, 1]}),
    # the slope of a logarithm is 1/x, whatever its value is
    ("x: [n]; y = log(x)", {"x": [3e38, 1e-38, -2], "g": [1, 1, 1]}, {"grad_x": [1 / 3e38, 1e38, -0.5]}),
    ("x: [n]; y = x**1.5", {"x": [1e-30, 0, 1e30], "g": [1, 1, 1]}, {"grad_x": [1.5e-15, 0, 1.5e15]}),
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("text", "given", "expected"), CONVENTIONS)
def test_what_has_no_value_is_taken_by_convention(text: str, given: dict[str, Any], expected: dict[str, Any], dtype: str) -> None:
    _, plain, ours = programs(text)
    kinds = {i.name: "int64" if i.kind == "label" else dtype for i in plain.inputs}
    arrays = {n: np.array(x, kinds[n]) for n, x in given.items()}
    shapes = {size: n for i in plain.inputs for size, n in zip(i.axes, arrays[i.name].shape, strict=True)}
    found = interpreted(ours, arrays, shapes, dtype)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], np.array(value, dtype), rtol=8 * np.finfo(dtype).eps, atol=1e-35, err_msg=name)


def test_the_slope_of_a_logarithm_is_the_same_with_its_value_and_without() -> None:
    for value in (True, False):
        _, ours = made(derive.graph("x: [n]; y = log(x)"), value)
        assert str(ours.assigned["grad_x"].term) == "g[i]/x[i]"
