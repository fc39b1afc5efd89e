"""Numbers: fractions stay fractions, irrational values have 50 digits, float64 is float64, and what has no value says so."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from sympy import Rational, Symbol, cos, exp, sin, sqrt

import derive
from derive.calculus.terms import Adjoint, ArgMax, Delta, Deriv, Element, Index, Largest, Positive, Product, Where, total
from derive.errors import DeriveError
from derive.language.at import bind
from derive.values import balls
from derive.values.balls import T_, Traced, larger
from derive.values.elementary import root
from derive.values.evaluator import Evaluator, forward
from derive.values.number_systems import EXACT, FLOAT
from derive.values.operations import by_operation
from derive.values.precision import DomainError, Undecided
from derive.values.real import Real, given_out
from derive.values.run import Run

F = Fraction


def value(text: str, **at: Any) -> Any:
    """The exact value of the output."""
    run = derive.graph(text).at(**at)
    return run.exact[run.source.output.name]


def only(array: Any) -> Any:
    return np.asarray(array, dtype=object)[()]


# ---------------------------------------------------------------- exact

EXACTLY: list[tuple[str, dict[str, Any], Any]] = [
    ("f = 0.1 + 0.2", {}, F(3, 10)),
    ("f = x/3 + y/7", {"x": 1, "y": 1}, F(10, 21)),
    ("f = (x - 1)/(x + 1)", {"x": "0.30"}, F(-7, 13)),
    ("f = x**3 - 1/x**2", {"x": F(-1, 3)}, F(-1, 27) - 9),
    ("f = max(x, min(y, 1/3))", {"x": "0.25", "y": 5}, F(1, 3)),
    ("f = abs(x)*relu(y)", {"x": "-0.7", "y": "0.3"}, F(21, 100)),
    ("f = where(x > 1/3, x, -x)", {"x": F(1, 3)}, F(-1, 3)),
    ("x: [n]\nf = mean(x)", {"x": [1, 1, 0]}, F(2, 3)),
    ("x: [n]\nf = sum(x**2)/prod(x)", {"x": ["0.5", "0.2"]}, F(29, 10)),
    ("x: [n]\nv = mean((x - mean(x))**2)", {"x": [1, 2, 4]}, F(14, 9)),
    (
        "W: [m, n]\nx: [n]\ny = W @ x",
        {"W": [["0.1", "0.2"], ["0.3", "0.4"], [0, 1]], "x": ["0.1", 3]},
        [F(61, 100), F(123, 100), 3],
    ),
    ("f = (x + y) - x", {"x": 1e30, "y": 1}, 1),
    ("f = sqrt(x)", {"x": "2.25"}, F(3, 2)),
    ("f = x**y + y**(-x)", {"x": 2, "y": 3}, 8 + F(1, 9)),
    ("f = x**y", {"x": F(-2, 3), "y": -3}, F(-27, 8)),
    ("f = exp(x) + log(y) + sin(x) + cos(x) + tanh(x) + erf(x)", {"x": 0, "y": 1}, 2),
    ("x: [n]\ny = softmax(x)", {"x": [0, 0, 0]}, [F(1, 3)] * 3),
]


@pytest.mark.parametrize(("text", "at", "expected"), EXACTLY, ids=[f"{text.splitlines()[-1]} {at}" for text, at, _ in EXACTLY])
def test_arithmetic_is_exact(text: str, at: dict[str, Any], expected: Any) -> None:
    found = np.asarray(value(text, **at), dtype=object)
    assert found.tolist() == expected
    assert all(isinstance(v, (int, Fraction)) for v in found.flat)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("x: [n]; f = sum(10**18*i*x[i] for i in n)", {"x": [1] * 30}, 10**18 * sum(range(30))),
        ("x: [n]; f = sum(i**15*i**8 for i in n) + sum(x)", {"x": [0] * 30}, sum(i**23 for i in range(30))),
        ("x: [n]; f = sum(where(x[i] > 0, 10**19, 0) for i in n)", {"x": [1] * 29 + [0]}, 29 * 10**19),
        ("x: [n]; f = prod(i + 1 for i in n)*x[0]", {"x": [1] * 30}, math.factorial(30)),
        ("x: [n]; f = sum(where(i > 3, 10**18, 0)*n*n for i in n)*x[0]", {"x": [1] * 30}, 26 * 900 * 10**18),
        ("t: label[C]; x: [C]; f = x[t]*t**40", {"t": 7, "x": [1] * 9}, 7**40),
        ("x: [n]; f = sum(1 for i in n if i > 3)**30*x[0]", {"x": [1] * 30}, 26**30),
        ("x: [n]; f = argmax(x)**40*x[0]", {"x": [1] * 30 + [2]}, 30**40),
    ],
)
def test_integers_are_as_long_as_they_are(text: str, at: dict[str, Any], expected: int) -> None:
    """Indices, labels and counts are numbers without a longest one, in float64 without a word lost."""
    graph = derive.graph(text)
    run = graph.at(**at)
    assert only(run.exact["f"]) == expected
    floats = {name: np.asarray(array, dtype=int if name == "t" else float) for name, array in run.point.arrays.items()}
    assert only(forward(graph, run.point.sizes, floats, FLOAT).arrays["f"]) == pytest.approx(expected, rel=1e-14)


def test_gradients_of_rational_functions_are_exact() -> None:
    run = derive.graph("f = x*y/(x + y)").at(x=F(1, 3), y="0.25")
    x, y = F(1, 3), F(1, 4)
    assert run.gradients["x"] == y**2 / (x + y) ** 2
    assert run.gradients["y"] == x**2 / (x + y) ** 2
    assert isinstance(only(run.gradients["x"]), Fraction)


def test_floats_are_read_as_they_print() -> None:
    assert value("f = 10*x", x=0.1) == 1
    assert value("f = 10*x", x=np.float64(0.1)) == 1
    assert value("x: [n]\nf = sum(x)", x=np.array([0.1, 0.2])) == F(3, 10)


# ---------------------------------------------------------------- 50 digits

IRRATIONAL: list[tuple[str, dict[str, Any], Callable[[], Any]]] = [
    ("f = exp(x)", {"x": "0.3"}, lambda: mpmath.exp(mpmath.mpf("0.3"))),
    ("f = log(x)", {"x": 3}, lambda: mpmath.log(3)),
    ("f = sin(x) + cos(x)*tanh(x)", {"x": "1.1"}, lambda: mpmath.sin("1.1") + mpmath.cos("1.1") * mpmath.tanh("1.1")),
    ("f = erf(x)", {"x": "-0.4"}, lambda: mpmath.erf("-0.4")),
    ("f = sqrt(x)", {"x": 2}, lambda: mpmath.sqrt(2)),
    ("f = x**y", {"x": 2, "y": "0.3"}, lambda: mpmath.power(2, mpmath.mpf("0.3"))),
    ("f = x**2.5", {"x": 3}, lambda: 9 * mpmath.sqrt(3)),
    ("f = 2*pi*x", {"x": F(1, 3)}, lambda: 2 * mpmath.pi / 3),
    ("sigmoid", {"x": -40}, lambda: 1 / (1 + mpmath.exp(40))),
    ("softplus", {"x": -60}, lambda: mpmath.log1p(mpmath.exp(-60))),
    ("gelu", {"x": -2}, lambda: -2 * mpmath.ncdf(-2)),
    ("gaussian_nll", {"y": 1, "mu": 3, "sigma": "0.5"}, lambda: -mpmath.log(mpmath.npdf(1, 3, mpmath.mpf("0.5")))),
    ("f = max(sin(x), x/2)", {"x": 1}, lambda: mpmath.sin(1)),
    ("f = max(sin(x), x/2)", {"x": 3}, lambda: mpmath.mpf("1.5")),
    ("x: [n]\nf = max(exp(x))", {"x": [0, "-0.5", 1]}, lambda: mpmath.e),
    ("x: [n]\nf = min(exp(x))", {"x": [0, "-0.5", 1]}, lambda: mpmath.exp(mpmath.mpf("-0.5"))),
]


@pytest.mark.parametrize(
    ("text", "at", "expected"), IRRATIONAL, ids=[f"{text.splitlines()[-1]} {at}" for text, at, _ in IRRATIONAL]
)
def test_irrational_values_have_fifty_digits(text: str, at: dict[str, Any], expected: Callable[[], Any]) -> None:
    with mpmath.workdps(80):
        right = expected()
        found = mpmath.mpmathify(only(value(text, **at)))
        # Softplus loses the digits of 1 + e^-60 that 50 do not hold.
        assert abs(found - right) <= mpmath.mpf(10) ** (-22 if text == "softplus" else -48) * abs(right)


def test_derivatives_at_fifty_digits() -> None:
    with mpmath.workdps(80):
        run = derive.graph("f = exp(x*y)*sin(x)").at(x="0.7", y="-1.2")
        x, y = mpmath.mpf("0.7"), mpmath.mpf("-1.2")
        right = mpmath.exp(x * y) * (y * mpmath.sin(x) + mpmath.cos(x))
        assert abs(only(run.gradients["x"]) - right) < mpmath.mpf(10) ** -48


def test_a_long_fraction_goes_on_with_fifty_digits() -> None:
    """Newton's iteration doubles the digits at each step: exact, it would never end."""
    steps = ["a0 = 1.1"] + [f"a{k + 1} = (a{k} + x/a{k})/2" for k in range(16)]
    found = only(value("\n".join(steps), x=2))
    assert isinstance(found, Real)
    with mpmath.workdps(60):
        assert abs(found - mpmath.sqrt(2)) < mpmath.mpf(10) ** -48


# ---------------------------------------------------------------- what has no value

NO_VALUE: list[tuple[str, dict[str, Any], str]] = [
    ("f = log(x)", {"x": -1}, r"log\(-1\) does not exist"),
    ("f = log(x - y)", {"x": "0.5", "y": "0.5"}, r"log\(0\) does not exist"),
    ("f = 1/x", {"x": 0}, "division by zero"),
    ("f = y/(x - 1)", {"x": 1, "y": 0}, "division by zero"),
    ("f = x**(-2)", {"x": 0}, "division by zero"),
    ("f = sqrt(x)", {"x": -4}, "root of -4 does not exist"),
    ("f = x**0.5", {"x": "-0.5"}, r"root of -0\.5 does not exist"),
    ("f = x**y", {"x": -2, "y": "0.5"}, "power|root|does not exist"),
    ("f = x**y", {"x": 0, "y": -1}, "division by zero|does not exist"),
    ("f = x**y", {"x": 0, "y": "-0.5"}, "division by zero"),
    ("f = exp(x)", {"x": 10**8}, r"too large"),
    ("x: [n]\np = log(softmax(x) - 1)", {"x": [1, 2]}, "does not exist"),
    ("nll", {"p": [0, 1], "t": 0}, r"log\(0\) does not exist"),
    ("x: [n]\ny: [n]\nc = x.T @ y/sqrt(x.T @ x)", {"x": [0, 0], "y": [1, 2]}, "division by zero"),
]


@pytest.mark.parametrize(("text", "at", "message"), NO_VALUE, ids=[f"{text.splitlines()[-1]} {at}" for text, at, _ in NO_VALUE])
def test_a_value_that_does_not_exist_is_refused_by_name(text: str, at: dict[str, Any], message: str) -> None:
    graph = derive.graph(text)
    with pytest.raises(DomainError, match=message) as caught:
        graph.at(**at)
    assert isinstance(caught.value, DeriveError)
    assert "has no value here" in str(caught.value)


@pytest.mark.parametrize(("text", "at"), [("f = sqrt(x)", {"x": 0}), ("f = x**0.5 + x", {"x": 0})])
def test_a_value_without_a_gradient(text: str, at: dict[str, Any]) -> None:
    run = derive.graph(text).at(**at)
    assert run["f"] == 0
    with pytest.raises(DomainError, match="The gradient by x has no value here"):
        _ = run.gradients


@pytest.mark.parametrize("text", ["f = 1 + sqrt(x*y)", "f = log(sqrt(x*y) + 1)"])
def test_a_gradient_without_a_value_has_the_name_of_its_author(text: str) -> None:
    at_a_root = r"division by zero \(f lies at a kink, a root of 0\)\.$"
    with pytest.raises(DomainError, match=r"The gradient by (x y|√\(x y\)) has no value here: " + at_a_root):
        _ = derive.graph(text).at(x=0, y=2).gradients


def test_a_slope_that_is_lost_in_fifty_digits_is_found_in_more() -> None:
    """1 - p is 1e-87, and the power -1/2 of it a slope on the way."""
    run = derive.graph("focal_loss").at(z=[200, 0, 0], t=0, gamma="0.5")
    with mpmath.workdps(120):
        q = mpmath.exp(200) / (mpmath.exp(200) + 2)
        slope = mpmath.sqrt(1 - q) * (mpmath.log(q) * q / 2 - (1 - q))
        assert abs(run.gradients["z"][0] / slope - 1) < mpmath.mpf(10) ** -10


# ---------------------------------------------------------------- how much is computed


@pytest.mark.parametrize(
    ("text", "shapes", "count"),
    [
        ("x: [n]\nw: [m]\ny[i, j] = x[i]*w[j]", {"x": 1000, "w": 1000}, "1,000,000"),
        ("x: [n]\ny[i] = sum(x[i]*x[j] for j in n if j <= i)", {"x": 20_001}, ""),
    ],
)
def test_values_are_refused_by_the_count_of_what_they_ask_for(text: str, shapes: dict[str, int], count: str) -> None:
    graph = derive.graph(text)
    with pytest.raises(DeriveError, match="too long at these sizes") as caught:
        _ = graph.at(**{name: [1] * n for name, n in shapes.items()}).gradients
    assert count in str(caught.value)


def test_all_definitions_count_together() -> None:
    """Each of them alone would do."""
    text = "x: [n]\nh0 = 2*x\n" + "\n".join(f"h{k + 1} = exp(h{k})" for k in range(8))
    with pytest.raises(DeriveError, match=r"h.* is too long at these sizes: 650,000 operations"):
        derive.graph(text).at(x=[0] * 10_000)


# ---------------------------------------------------------------- labels


def test_a_label_picks_an_entry_counted_from_zero() -> None:
    assert [value("s: [C]\nt: label[C]\nf = s[t]", s=[5, 7, 9], t=t) for t in range(3)] == [5, 7, 9]
    assert value("E: [V, d]\nt: label[V]\ny[j] = E[t, j]", E=[[1, 2], [3, 4], [5, 6]], t=2).tolist() == [5, 6]
    assert value("E: [V, d]\nt: label[d]\ny[j] = E[j, t]", E=[[1, 2], [3, 4], [5, 6]], t=1).tolist() == [2, 4, 6]


def test_one_label_for_each_example() -> None:
    S, t = [[1, 2, 3], [4, 5, 6]], [2, 0]
    assert value("S: [N, C]\nt: label[N, C]\ny[b] = S[b, t[b]]", S=S, t=t).tolist() == [3, 4]
    gradient = derive.graph("S: [N, C]\nt: label[N, C]\nf = sum(S[b, t[b]]**2 for b in N)").at(S=S, t=t).gradients["S"]
    assert gradient.tolist() == [[0, 0, 6], [8, 0, 0]]


@pytest.mark.parametrize("t", [3, -1, "0.5"])
def test_a_label_outside_its_axis_is_refused(t: Any) -> None:
    with pytest.raises(DeriveError, match="label t"):
        derive.graph("s: [C]\nt: label[C]\nf = s[t]").at(s=[5, 7, 9], t=t)


def test_the_largest_entry_and_the_first_that_is() -> None:
    n = Symbol("n", integer=True, positive=True)
    i, x = Index("i", n), Element(Symbol("x", real=True), Index("i", n))
    values = Evaluator({n: 4}, {"x": np.array([F(1), F(5, 2), F(5, 2), F(-3)], dtype=object)})
    assert given_out(only(values.array(total(x, i, kind=Largest)))) == F(5, 2)
    assert only(values.array(total(x, i, kind=ArgMax))) == 1
    assert given_out(only(values.array(total(x, i, kind=Product)))) == F(-75, 4)


# ---------------------------------------------------------------- guarded branches


def test_each_branch_is_evaluated_only_where_it_is_taken() -> None:
    text = "x: [n]\ny = where(x > 0, log(x), 1/(x - 2))"
    found = value(text, x=[1, 0, -2])
    assert found.tolist() == [0, F(-1, 2), F(-1, 4)]
    run = derive.graph(text).at(x=["0.5", 0, -2])
    assert run.gradients["x"].tolist() == [2, F(-1, 4), F(-1, 16)]


def test_a_guard_around_a_division() -> None:
    text = "x: [n]\ny: [n]\nf = sum(where(x != 0, y/x, 0))"
    assert value(text, x=[0, 2, 4], y=[5, 1, 1]) == F(3, 4)
    run = derive.graph(text).at(x=[0, 2, 4], y=[5, 1, 1])
    assert run.gradients["y"].tolist() == [0, F(1, 2), F(1, 4)]


def test_guards_within_guards_and_under_a_sum() -> None:
    text = "x: [n]\nf = sum(where(x[i] > 0, where(x[i] < 1, log(1 - x[i]), sqrt(x[i] - 1)), 0) for i in n)"
    assert value(text, x=[-5, 5, 1]) == 2
    run = derive.graph(text).at(x=[-5, 5, 0])
    assert run.exact["f"] == 2
    assert run.gradients["x"].tolist() == [0, F(1, 4), 0]


def test_a_branch_that_is_taken_must_have_a_value() -> None:
    with pytest.raises(DomainError, match=r"log\(-2\)"):
        derive.graph("x: [n]\ny = where(x > 0, x, log(x))").at(x=[1, -2])


# ---------------------------------------------------------------- float64


def in_floats(text: str, **at: Any) -> Any:
    graph = derive.graph(text)
    point = bind(graph, at)
    arrays = {k: np.asarray(v, dtype=int if graph.members[k].kind == "label" else float) for k, v in point.arrays.items()}
    return forward(graph, point.sizes, arrays, FLOAT).arrays[graph.output.name]


R = np.random.default_rng(7)
A, B, V = R.normal(size=(3, 4)).round(3), R.normal(size=(4, 2)).round(3), R.normal(size=3).round(3)

FLOATS: list[tuple[str, dict[str, Any], Any]] = [
    ("A: [n, k]\nB: [k, m]\nC = A @ B", {"A": A, "B": B}, A @ B),
    ("A: [n, k]\ny = softmax(A)", {"A": A}, np.exp(A) / np.exp(A).sum(1, keepdims=True)),
    ("x: [n]\ny = tanh(x) + sin(x)*cos(x) - x**3/7", {"x": V}, np.tanh(V) + np.sin(V) * np.cos(V) - V**3 / 7),
    ("x: [n]\ny = sqrt(abs(x))*log(1 + x**2)", {"x": V}, np.sqrt(abs(V)) * np.log1p(V**2)),
    ("x: [n]\ny = where(x > 0, x, exp(x) - 1)", {"x": V}, np.where(V > 0, V, np.expm1(V))),
    ("x: [n]\ny = erf(x)", {"x": V}, np.array([math.erf(v) for v in V])),
    ("x: [n]\ny = abs(x)**1.7", {"x": V}, abs(V) ** 1.7),
    ("A: [n, k]\ny[i] = max(A[i, j] for j in k)", {"A": A}, A.max(1)),
    ("x: [n]\ny[i] = prod(x[j] for j in n if i != j)", {"x": V}, np.array([np.delete(V, i).prod() for i in range(3)])),
    ("A: [n, k]\nv = mean((A[i, j] - mean(A[r, s] for r in n for s in k))**2 for i in n for j in k)", {"A": A}, A.var()),
    ("A: [n, k]\nt: label[n, k]\ny[i] = A[i, t[i]]", {"A": A, "t": [3, 0, 2]}, A[[0, 1, 2], [3, 0, 2]]),
    ("x: [n]\nf = pi*max(max(x), 0.1)", {"x": V}, np.pi * max(V.max(), 0.1)),
]


@pytest.mark.parametrize(("text", "at", "expected"), FLOATS, ids=[text.splitlines()[-1] for text, _, _ in FLOATS])
def test_float64_is_what_numpy_computes(text: str, at: dict[str, Any], expected: Any) -> None:
    found = in_floats(text, **at)
    assert np.asarray(found).dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    exact = np.asarray(value(text, **at), dtype=object).astype(float)
    np.testing.assert_allclose(exact, expected, rtol=1e-13, atol=1e-15)


def test_float64_overflows_as_numpy_does() -> None:
    with np.errstate(all="ignore"):
        assert in_floats("f = exp(x)", x=1000) == np.inf
        assert np.isnan(in_floats("f = exp(x) - exp(x + y)", x=1000, y=1))
        assert in_floats("f = 1/x", x=0) == np.inf


# ---------------------------------------------------------------- terms over grids of indices

N, M = (Symbol(name, integer=True, positive=True) for name in "nm")
I, J = Index("i", N), Index("j", M)  # noqa: E741


def grid(**arrays: Any) -> Evaluator:
    return Evaluator({N: 2, M: 3}, {k: np.vectorize(F, otypes=[object])(np.array(v)) for k, v in arrays.items()})


def test_the_axes_of_an_array_are_those_asked_for() -> None:
    x, y = Element(Symbol("x", real=True), I), Element(Symbol("y", real=True), J)
    values = grid(x=[1, 2], y=[10, 20, 30])
    assert values.array(x + y, (I, J)).tolist() == [[11, 21, 31], [12, 22, 32]]
    assert values.array(x + y, (J, I)).tolist() == [[11, 12], [21, 22], [31, 32]]
    assert values.array(y, (I, J)).tolist() == [[10, 20, 30]] * 2
    assert values.array(Rational(1, 2) * N * M, (J,)).tolist() == [3, 3, 3]
    assert values.array(total(x * y, I), (J,)).tolist() == [30, 60, 90]
    assert only(values.array(total(x * y, I, J))) == 180
    assert values.array(Where(Positive(y - 15), x, y), (I, J)).tolist() == [[10, 1, 1], [10, 2, 2]]


def test_a_derivative_not_carried_out_is_a_central_difference() -> None:
    x = Element(Symbol("x", real=True), I)
    K = Index("k", N)
    at_k = Element(x.head, K)
    values = grid(x=["0.3", "-1.5"])
    found = values.array(Deriv(sin(x) * exp(total(at_k**2, K)), Element(x.head, K)), (I, K))
    right = values.array(cos(x) * Delta(I, K) * exp(total(at_k**2, K)) + 2 * sin(x) * at_k * exp(total(at_k**2, K)), (I, K))
    with mpmath.workdps(50):
        assert max(abs(a - b) for a, b in zip(found.flat, right.flat, strict=True)) < mpmath.mpf(10) ** -28


def test_a_total_derivative_follows_every_path() -> None:
    graph = derive.graph("a = u*v\nb = a + u\nf = a*b")
    run = graph.at(u=2, v=3)
    f = Element(graph.output.head)
    for name, slope in {"u": 2 * 2 * 9 + 2 * 2 * 3, "v": 2 * 4 * 3 + 4, "a": 2 * 6 + 2, "b": 6, "f": 1}.items():
        found = only(run.values.array(Adjoint(f, Element(graph.members[name].head))))
        assert abs(mpmath.mpmathify(found) - slope) < 1e-30
        assert run.gradients[name] == slope


# ---------------------------------------------------------------- runs


def test_values_and_gradients_as_floats() -> None:
    run = derive.graph("x: [n]\nL = sum(x**2)/3").at(x=[1, 2])
    assert isinstance(run["L"], float)
    assert run["L"] == 5 / 3
    assert run["x"].dtype == np.float64
    np.testing.assert_array_equal(run.grad["x"], [2 / 3, 4 / 3])
    assert set(run.grad) >= {"x", "L"}
    assert run.exact["L"] == F(5, 3)


def test_a_tensor_is_differentiated_with_a_seed_of_ones_or_the_one_given() -> None:
    run = derive.graph("x: [n]\ny = x**2").at(x=[1, 2, 3])
    assert run.gradients["x"].tolist() == [2, 4, 6]
    assert run.gradients["y"].tolist() == [1, 1, 1]
    seeded = Run(run.source, run.point, np.array([1, 0, F(1, 2)], dtype=object))
    assert seeded.gradients["x"].tolist() == [2, 0, 3]
    assert seeded.gradients["y"].tolist() == [1, 0, F(1, 2)]


def test_what_the_output_does_not_depend_on_has_no_gradient() -> None:
    run = derive.graph("a = u*v\nb = u + v\nf = b**2").at(u=1, v=2)
    assert "a" not in run.gradients
    assert run.gradients["u"] == 6


def test_the_gradient_by_what_cancels_is_zero() -> None:
    text = "x: [n]; y: [n]; A: [n, n]; m = max(x); f = max((A @ x)**2, where(sum(x[i]*y[i] for i in n) > A @ x, m, max(x)))"
    run = derive.graph(text).at(x=[1, 2], y=[3, 4], A=[[1, 0], [0, 1]])
    assert "y" not in run.moving
    assert run.gradient("y").tolist() == run.grad["y"].tolist() == [0, 0]


def test_the_number_systems_have_the_same_functions() -> None:
    assert set(EXACT.functions) == set(FLOAT.functions)


def test_a_number_that_fifty_digits_lose_is_found_in_more() -> None:
    run = derive.graph("x: real; p = 1/(1 + exp(-x)); L = log(1 - p)").at(x=142)
    assert run["L"] == pytest.approx(-142)
    assert run.grad["x"] == pytest.approx(-1)


# ---------------------------------------------------------------- certain digits


def slope_of(text: str, wrt: str, **at: Any) -> Any:
    return only(derive.graph(text).at(**at).gradient(wrt))


CANCELLED: list[tuple[str, str, dict[str, Any], Callable[[], Any]]] = [
    ("binary_cross_entropy", "z", {"z": 150, "y": 0}, lambda: 1 / (1 + mpmath.exp(-150))),
    ("gelu", "x", {"x": -15}, lambda: mpmath.ncdf(-15) - 15 * mpmath.npdf(-15)),
    (
        "f = log(1 - erf(x))",
        "x",
        {"x": "10.7"},
        lambda: -2 * mpmath.exp(-(mpmath.mpf("10.7") ** 2)) / mpmath.sqrt(mpmath.pi) / mpmath.erfc(mpmath.mpf("10.7")),
    ),
    ("f = gelu_tanh(x)", "x", {"x": 1e20}, lambda: mpmath.mpf(1)),
    ("f = exp(x) - exp(x + 1e-40)", "x", {"x": 0}, lambda: -mpmath.expm1(mpmath.mpf(10) ** -40)),
    ("f = sqrt(x**2 + 1) - x", "x", {"x": 1e30}, lambda: mpmath.mpf(10) ** 30 / mpmath.sqrt(mpmath.mpf(10) ** 60 + 1) - 1),
    ("f = tanh(x)", "x", {"x": 200}, lambda: mpmath.sech(200) ** 2),
]


@pytest.mark.parametrize(("text", "wrt", "at", "expected"), CANCELLED, ids=[f"{text} {at}" for text, _, at, _ in CANCELLED])
def test_every_digit_is_certain(text: str, wrt: str, at: dict[str, Any], expected: Callable[[], Any]) -> None:
    """The reference has 400 digits; what is printed is that, rounded."""
    found = slope_of(text, wrt, **at)
    with mpmath.workdps(400):
        right = expected()
        assert abs(mpmath.mpmathify(found.near(40)) / right - 1) < mpmath.mpf(10) ** -39
        for count in (4, 12, 30):
            assert mpmath.mpf(str(found.rounded(count))) == mpmath.mpf(mpmath.nstr(right, count, strip_zeros=False))


def test_a_number_finds_its_digits_only_when_they_are_asked_for() -> None:
    """1 - σ(142) is 1e-62: the ball in 50 digits holds 0, and the number does not."""
    found = only(derive.graph("f = 1 - sigmoid(x)").at(x=142).exact["f"])
    assert found.ball.contains(0)
    assert found > 0
    assert float(found) == pytest.approx(math.exp(-142), rel=1e-12)


def test_a_number_that_was_rounded_up_by_its_last_digit() -> None:
    """1.2345 + 4e-101 goes to 1.235, and 1.2345 itself, as far as it can be told, to the even digit."""
    just, half = (only(value("f = sqrt(x + y*y)", x=F("1.52399025"), y=y)) for y in (F(1, 10**40), 0))
    assert str(just.rounded(4)) == "1.235"
    assert half == F("1.2345")
    assert str(only(value("f = exp(log(x))", x="1.2345")).rounded(4)) == "1.234"


@pytest.mark.parametrize(
    ("text", "at", "sides"),
    [
        ("f = where(exp(x)*exp(-x) > 1, 1, 2)", {"x": 3}, "and 1"),
        ("f = relu(sin(x)**2 + cos(x)**2 - 1)", {"x": "0.3"}, "and 0|and 1"),
        ("x: [n]\ny: [n]\nf = max(sqrt(x)*sqrt(y))", {"x": [2, 6], "y": [3, 1]}, "the largest entry and another"),
        ("f = relu(tanh(x)*cos(x) - cos(x)*sin(x)/cos(x) + sin(x) - cos(x)*tanh(x))", {"x": 1}, "and 0"),
    ],
)
def test_what_cannot_be_decided_is_said(text: str, at: dict[str, Any], sides: str) -> None:
    with pytest.raises(Undecided, match=rf"({sides}).* cannot be told apart at 10,000 digits"):
        _ = derive.graph(text).at(**at).gradients


def test_a_tie_is_decided_though_an_input_has_another_name() -> None:
    """With t = √x, x is t² in a formula, but not in a condition: no digits would tell max(x) from t²."""
    graph = by_operation(derive.graph("x: [n]\nf = sum(sqrt(x))*prod(max(x, max(x)))"))
    for x in (["7.3"], ["7.3", "2"]):
        split = graph.at(x=x).gradients["x"]
        whole = derive.graph("x: [n]\nf = sum(sqrt(x))*prod(max(x, max(x)))").at(x=x).gradients["x"]
        assert [float(a) for a in split] == pytest.approx([float(a) for a in whole], rel=1e-14)


@pytest.mark.parametrize(("by", "found"), [("1e-300", 1), ("-1e-300", 2)])
def test_a_branch_is_decided_by_as_many_digits_as_it_takes(by: str, found: int) -> None:
    assert value("f = where(exp(x + y) > exp(x), 1, 2)", x=1, y=by) == found


@pytest.mark.parametrize(
    ("text", "x", "place"),
    [
        ("x: [n]\nf = argmax(exp(x))", [1, 2, 2], 1),
        ("x: [n]\np = softmax(x)\nf = argmax(p)", [3, 0, 3], 0),
        ("x: [n]\ny = exp(x)*sqrt(x) - log(x)/x\nf = argmax(y)", [2, 5, 5], 1),
        ("x: [n]\ny = exp(x)*sqrt(x + 1)\nf = sum(where(y[i] >= y[0], i, 0) for i in n)", [2, 1, 2], 2),
    ],
)
def test_a_tie_of_numbers_that_are_computed_alike_is_a_tie(text: str, x: list[int], place: int) -> None:
    assert value(text, x=x) == place


def test_a_tie_of_exact_numbers_is_a_tie() -> None:
    run = derive.graph("x: [n]\nf = max(x)").at(x=[1, 3, 3])
    assert run.gradients["x"].tolist() == [0, 1, 0]
    for text in ("f = max(0, x)", "f = max(x, 0)", "f = min(x, 0)", "f = min(0, x)", "f = max(0, min(x, 1))", "f = abs(x)"):
        assert derive.graph(text).at(x=0).gradients["x"] == 0


# ---------------------------------------------------------------- what nobody asked for


ASKED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("y = a**b", {"a": -2, "b": 3}, "a", 12),
    ("y = x**(4/3)", {"x": 0}, "x", 0),
    ("y = where(a <= 10, exp(a), 1)", {"a": 1e10}, "a", 0),
    ("w: [n]\nd: [n]\nq = w/d\nL = q[0]", {"w": [1, 2], "d": [2, 0]}, "w", [0.5, 0]),
    ("f = x**k", {"x": 0, "k": 0}, "x", 0),
    ("# convention: 0 log 0 = 0\ny: [n]\np: [n]\nL = -sum(y*log(p))", {"y": [1, 0], "p": [1, 0]}, "p", [-1, 0]),
]


@pytest.mark.parametrize(("text", "at", "wrt", "expected"), ASKED, ids=[f"{text} {at}" for text, at, _, _ in ASKED])
def test_what_nobody_asked_for_stops_nothing(text: str, at: dict[str, Any], wrt: str, expected: Any) -> None:
    np.testing.assert_allclose(derive.graph(text).at(**at).grad[wrt], expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("text", "at", "wrt", "expected"),
    [
        ("y = max(3, sqrt(x))", {"x": 0}, "x", 0),
        ("x: [n]; y = max(sum(x), sqrt(x))", {"x": [0, 4]}, "x", [2, 2]),
        ("y = x*max(3, x**0.3)", {"x": 0}, "x", 3),
        ("x: [n]; y = sum(max(2, x**(1/3)))", {"x": [0, 27]}, "x", [0, Fraction(1, 27)]),
        ("y = max(3, x**p)", {"x": 0, "p": "0.3"}, "x", 0),
        ("y = x**p", {"x": 0, "p": "1.5"}, "x", 0),
        ("y = x*max(2, (1 + sqrt(x))**-2 + exp(sqrt(x))/2)", {"x": 0}, "x", 2),
        ("y = x*max(2, tanh(sqrt(x)) + cos(x**0.3) + sqrt(x)**3)", {"x": 0}, "x", 2),
    ],
)
def test_a_root_of_zero_has_no_slope_and_needs_none_where_it_is_not_the_larger(
    text: str, at: dict[str, Any], wrt: str, expected: Any
) -> None:
    graph = derive.graph(text)
    run = graph.at(**at)
    counted = run.values.adjoint(graph.output.name, wrt).reshape(-1, *np.shape(expected)).sum(axis=0)  # by moving the input
    for found in (run.gradient(wrt), counted):
        assert [float(x) for x in np.ravel(found)] == [float(x) for x in np.ravel(expected)]


def test_two_numbers_that_no_digits_tell_apart_do_not_compare() -> None:
    one, other = value("f = exp(x)*exp(y)", x=1, y=1), value("f = exp(x)", x=2)
    with pytest.raises(Undecided, match="cannot be told apart at 10,000 digits"):
        _ = only(one) > only(other)


def test_a_slope_that_is_not_known_is_none() -> None:
    x = Element(Symbol("x", real=True))
    with pytest.raises(DomainError):
        _ = Evaluator({}, {"x": np.array(0, dtype=object)}).strictly(Deriv(sqrt(x), x))
    assert balls.slope_of(root(T_, 2)).is_nan()


def test_the_larger_of_two_that_fifty_digits_do_not_tell_apart_is_neither() -> None:
    """The second is e^115 + 1.5 - e^115, which is 1.5, and anything near it in 50 digits."""
    assert float(value("f = max(1, exp(x) + y - exp(z))", x=115, z=115, y=1.5)) == 1.5
    assert larger(flint.arb(1), flint.arb(1.5, 1)).contains(flint.arb(2.5))


def test_zero_times_the_logarithm_of_zero_is_a_convention_that_a_definition_states() -> None:
    p, q = [F(1, 2), F(1, 2), 0], [F(1, 4), F(1, 2), F(1, 4)]
    assert float(value("kl_divergence", p=p, q=q)) == pytest.approx(math.log(2) / 2)
    plain = "p: [n]\nD = sum(p*log(p))"
    with pytest.raises(DomainError, match=r"log\(0\) does not exist"):
        value(plain, p=p)
    assert float(value(f"# convention: 0 log 0 = 0\n{plain}", p=p)) == pytest.approx(-math.log(2))


# ---------------------------------------------------------------- numbers as objects


def test_numbers_survive_a_pickle_and_compute_with_fractions() -> None:
    run = derive.graph("x: [n]\np = softmax(x)").at(x=[1, 2, F(1, 3)])
    for number in run.exact["p"]:
        assert pickle.loads(pickle.dumps(number)) == number
        assert pickle.loads(pickle.dumps(number.ball)).overlaps(number.ball)
    p = run.exact["p"]
    assert float(sum(p) - F(1)) == 0
    assert 0 < p[2] + F(1, 2) < 1
    assert abs(float(p[0] / p[1]) - math.exp(-1)) < 1e-15
    with mpmath.workdps(45):
        right = mpmath.exp(2) / (mpmath.exp(1) + mpmath.exp(2) + mpmath.exp(mpmath.mpf(1) / 3))
        assert abs(mpmath.mpmathify(p[1]) - right) < mpmath.mpf(10) ** -38


def test_a_number_of_many_digits_is_computed_with_in_few() -> None:
    """What was decided in more digits knows how it was computed, which in fifty nobody asks."""
    p = only(derive.graph("z: real; p = sigmoid(z); L = log(1 - p)").at(z=200).exact["p"])
    assert type(p.number) is Traced
    few = EXACT.entered(np.asarray(p, dtype=object))
    assert abs(float(only(EXACT.functions["log"](few)))) < 1e-80


def test_the_precision_of_the_process_is_given_back() -> None:
    before = flint.ctx.prec
    _ = derive.graph("f = log(1 - sigmoid(x))").at(x=300).gradients
    assert flint.ctx.prec == before


def test_a_number_with_an_exponent_that_cannot_be_written_is_0_to_any_digits() -> None:
    slope = derive.graph("y = (1 + erf(x/sqrt(2)))/2").at(x="1e200").gradients["x"].item()
    assert slope > 0
    assert slope.rounded(4) == 0


def test_whole_numbers_have_no_largest_one() -> None:
    run = derive.graph("x: [n]\ny: [n]\nh = x - x\nf = prod(min(n, y[i]) for i in n) + max(h)").at(x=[1] * 20, y=[50] * 20)
    assert run.exact["f"] == 20**20
