"""Conditions on indices, sizes, and tensors declared before they are defined: causal sums, padding, strides, bands.

Values and gradients are compared with PyTorch's own operations, or with a loop that says what the definition says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sympy import Integer, Symbol

import cli
import derive
from derive.calculus.terms import AtMost, Below, Delta, Differ, Element, Index, Inside, total
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.language.reader import read
from derive.notation.context import context_of
from derive.notation.definitions import definition
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.proof import prove
from derive.values.precision import DomainError

PADDED = """
x: [n]
w: [K]
p: size
xp: [s*(O - 1) + K]
xp[i] = sum(x[j] for j in n if j + p == i)
y[o] = sum(w[k]*xp[s*o + k] for k in K)
"""
DIRECT = """
x: [n]; w: [K]; y: [O]
s: size; p: size
y[o] = sum(w[k]*x[j] for k in K for j in n if s*o + k - p == j)
"""
CONV2D = """
x: [I, H, W]
w: [C, I, K, L]
b: [C]
p: size
xp: [I, s*(P - 1) + K, s*(Q - 1) + L]
xp[i, a, e] = sum(x[i, h, v] for h in H for v in W if h + p == a if v + p == e)
y[c, u, v] = b[c] + sum(w[c, i, k, l]*xp[i, s*u + k, s*v + l] for i in I for k in K for l in L)
"""
CAUSAL = "x: [n]; w: [n, n]; y: [n]; y[i] = sum(w[i, j]*x[j] for j in n if j <= i)"
BAND = "x: [n]; K: size; y: [n]; y[i] = sum(x[j] for j in n if 0 <= i - j < K)"


def size(name: str) -> Symbol:
    return Symbol(name, integer=True, positive=True)


def halves(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).integers(-6, 7, size=shape) / 2


def printed(graph: Graph) -> list[str]:
    context = context_of(graph)
    return [text(definition(node, context)) for node in graph.nodes]


def gradient(graph: Graph, wrt: str) -> str:
    """The printed gradient of a loss behind the output, by the entry at a."""
    found = derivation(graph, "", wrt, upstream=True)
    (index,) = found.indices
    return text(layout(found.result.xreplace({index: Index("a", index.size)}), context_of(found.graph)))


# ---------------------------------------------------------------- values and gradients


@pytest.mark.needs("torch")
class TestConvolution:
    @pytest.mark.parametrize("source", [PADDED, DIRECT], ids=["padded", "direct"])
    @pytest.mark.parametrize(("n", "K", "s", "p"), [(7, 3, 2, 1), (5, 2, 1, 1), (6, 3, 3, 2), (8, 2, 2, 1), (3, 3, 1, 2)])
    def test_one_dimension(self, source: str, n: int, K: int, s: int, p: int) -> None:
        import torch

        x, w, length = halves(n), halves(K), (n + 2 * p - K) // s + 1
        run = derive.graph(source).at(x=x, w=w, s=s, p=p, O=length)
        given = [torch.tensor(v, requires_grad=True) for v in (x, w)]
        y = torch.nn.functional.conv1d(given[0][None, None], given[1][None, None], stride=s, padding=p)[0, 0]
        y.sum().backward()
        np.testing.assert_array_equal(run["y"], y.detach())
        np.testing.assert_array_equal(run.grad["x"], given[0].grad)
        np.testing.assert_array_equal(run.grad["w"], given[1].grad)

    @pytest.mark.parametrize("shape", [(2, 5, 4, 3, 3, 2, 2, 1), (1, 4, 4, 1, 2, 2, 1, 1), (2, 6, 6, 2, 3, 3, 3, 2)])
    def test_two_dimensions_with_channels(self, shape: tuple[int, ...]) -> None:
        import torch

        channels, H, W, C, K, L, s, p = shape
        rows, columns = (H + 2 * p - K) // s + 1, (W + 2 * p - L) // s + 1
        x, w, b = halves(channels, H, W), halves(C, channels, K, L), halves(C)
        run = derive.graph(CONV2D).at(x=x, w=w, b=b, s=s, p=p, P=rows, Q=columns)
        given = [torch.tensor(v, requires_grad=True) for v in (x, w, b)]
        y = torch.nn.functional.conv2d(given[0][None], given[1], given[2], stride=s, padding=p)[0]
        y.sum().backward()
        np.testing.assert_array_equal(run["y"], y.detach())
        for name, tensor in zip("xwb", given, strict=True):
            np.testing.assert_array_equal(run.grad[name], tensor.grad)

    @pytest.mark.parametrize("source", [PADDED, DIRECT], ids=["padded", "direct"])
    def test_its_gradients_are_proved(self, source: str) -> None:
        graph = derive.graph(source)
        for wrt in "xw":
            graph.derive("y", wrt, upstream=True).prove()


LOOPS: list[tuple[str, Callable[[Any, int], Any]]] = [
    ("y[i] = sum(x[j] for j in n if j <= i)", lambda x, i: x[: i + 1].sum()),
    ("y[i] = sum(x[j] for j in n if 0 <= i - j < 2)", lambda x, i: x[max(0, i - 1) : i + 1].sum()),
    ("y[i] = sum(x[j] for j in n if i + j == n - 1)", lambda x, i: x[len(x) - 1 - i]),
    ("y[i] = sum(x[j] for j in n if j == 2*i + 1)", lambda x, i: x[2 * i + 1] if 2 * i + 1 < len(x) else 0.0),
    ("y[i] = sum(x[j] for j in n if 2*j == i)", lambda x, i: x[i // 2] if i % 2 == 0 else 0.0),
    (
        "y[i] = sum(x[j] for j in n if i - 1 <= j <= i + 1 and j != i)",
        lambda x, i: sum(x[j] for j in (i - 1, i + 1) if 0 <= j < len(x)),
    ),
    ("y[i] = mean(x[j] for j in n if j <= i)", lambda x, i: x[: i + 1].mean()),
    ("y[i] = max(x[j] for j in n if j + 1 >= i)", lambda x, i: x[max(0, i - 1) :].max()),
    ("y[i] = prod(x[j] for j in n if j < i)", lambda x, i: x[:i].prod()),
    ("y[i] = where(2*i < n, x[i], 0)", lambda x, i: x[i] if 2 * i < len(x) else 0.0),
    ("y[i] = sum(x[j]/j for j in n if 1 <= j <= i)", lambda x, i: sum(x[j] / j for j in range(1, i + 1))),
    ("y[i] = sum(log(x[j]) for j in n if x[j] > 1)", lambda x, i: np.log(x[x > 1]).sum()),
    ("y[i] = sum(x[j]*log(x[j]) for j in n if x[j] >= 1)", lambda x, i: sum(v * np.log(v) for v in x if v >= 1)),
]


@pytest.mark.parametrize(("rule", "entry"), LOOPS, ids=[rule for rule, _ in LOOPS])
def test_a_condition_says_which_terms_there_are(rule: str, entry: Callable[[Any, int], Any]) -> None:
    x = np.array([2.5, -1.0, 0.0, 3.5, -2.0])
    run = derive.graph(f"x: [n]; y: [n]; {rule}").at(x=x)
    np.testing.assert_allclose(run["y"], [entry(x, i) for i in range(5)], rtol=1e-15)


@pytest.mark.parametrize("rule", [rule for rule, _ in LOOPS if "log" not in rule and "prod" not in rule])
def test_gradients_of_conditioned_sums_are_proved(rule: str) -> None:
    graph = derive.graph(f"x: [n]; y: [n]; {rule}")
    graph.derive("y", "x", upstream=True).prove()


def test_a_choice_is_evaluated_only_where_it_is_taken() -> None:
    run = derive.graph("f = where(x > 0, x*log(x), 0)").at(x=0)
    assert (run["f"], run.grad["x"]) == (0.0, 0.0)
    run = derive.graph("x: [n]; f = sum(x[i]*log(x[i]) for i in n if x[i] > 0)").at(x=[0, 1, -2])
    assert run["f"] == 0.0
    np.testing.assert_array_equal(run.grad["x"], [0, 1, 0])


def test_what_no_condition_guards_still_has_no_value() -> None:
    with pytest.raises(DomainError, match="logarithm"):
        derive.graph("x: [n]; f = sum(x[i]*log(x[i]) for i in n if i >= 0)").at(x=[0, 1])
    with pytest.raises(DomainError, match="no entries"):
        derive.graph("x: [n]; y: [n]; y[i] = max(x[j] for j in n if j < i)").at(x=[1, 2])


# ---------------------------------------------------------------- what they mean


def test_conditions_are_brackets_with_affine_arguments() -> None:
    i, j, p, n = Index("i", size("n")), Index("j", size("n")), size("p"), size("n")
    x = Element(Symbol("x", real=True), j)
    cases = {
        "j + p == i": Delta(j + p, i),
        "i - j < p": Below(i - j, p),
        "2*j >= i": AtMost(i, 2 * j),
        "i + 1 != j": Differ(i + 1, j),
        "0 <= i - j < p": Inside(i - j, p),
        "0 <= j + i and i + j < n": Inside(i + j, n),
        "1 <= i - j < p": AtMost(Integer(1), i - j) * Below(i - j, p),
        "n == 3": Delta(n, Integer(3)),
    }
    for condition, bracket in cases.items():
        declared = "p: size; " if "p" in condition else ""
        graph = read(f"{declared}x: [n]; y: [n]; y[i] = sum(x[j] for j in n if {condition})")
        assert graph.output.expr == total(bracket * x, j), condition


def test_an_affine_index_that_cannot_leave_its_axis_has_no_bracket() -> None:
    n, p, i = size("n"), size("p"), Index("i", size("n"))
    assert Inside(i + p, n + 2 * p) == 1
    assert Inside(i, n + 1) == 1
    assert Inside(n - 1 - i, n) == 1
    assert Inside(i + n, n) == 0
    assert Inside(i - n, n) == 0
    assert isinstance(Inside(i + p, n), Inside)
    assert isinstance(Inside(i + 1, n), Inside)
    assert isinstance(Inside(i - p, n), Inside)
    assert isinstance(Inside(i - n + 1, n), Inside)
    assert isinstance(Inside(i + n - 1, n), Inside)


def test_a_size_is_an_integer_of_the_definition() -> None:
    graph = derive.graph("s: size; x: [n]; y: [n]; y[i] = sum(s*x[j] for j in n if j == s*i)")
    assert [i.name for i in graph.inputs] == ["x"]
    assert [str(s) for s in graph.sizes] == ["n", "s"]
    np.testing.assert_array_equal(graph.at(x=[1, 2, 3], s=2)["y"], [2, 6, 0])


def test_a_declaration_gives_a_definition_its_axes() -> None:
    assert read("y: [n]; y[i] = 3").output.axes == (size("n"),)
    assert read("x: [n]; y: [n]; y = 2*x").output.axes == (size("n"),)
    assert read("z: [n]; p: [n]; p = softmax(z)").output.axes == (size("n"),)
    assert read("y[i] = x[i]; x: [n]; y: [n]").output.axes == (size("n"),)
    assert read("f: real; f = 3").output.axes == ()
    assert [i.name for i in read(PADDED).inputs] == ["x", "w"]


# ---------------------------------------------------------------- how they are printed


def test_conditions_stand_under_the_sum_and_count_from_zero() -> None:
    assert printed(read(CAUSAL)) == ["y_i = Σ_{j≤i} w_ij x_j"]
    assert printed(read(BAND)) == ["y_i = Σ_{j, 0 ≤ i − j < K} x_j"]
    assert printed(read(PADDED)) == ["xp_i = Σ_{j, j + p = i} x_j", "y_o = Σ_k w_k xp_{s o + k}"]
    assert printed(read(DIRECT)) == ["y_o = Σ_{k, j = s o + k − p} w_k x_j"]
    assert printed(read("x: [n]; f = sum(x[i] for i in n if i < 2)")) == ["f = Σ_{i<3} x_i"]
    assert printed(read("x: [n]; y: [m]; f = sum(x[i] for i in n if i < m) + sum(y)")) == ["f = Σ_{i<m} x_i + Σ_j y_j"]
    assert printed(read("x: [n]; f = sum(i*x[i] for i in n) + x[0]")) == ["f = Σ_i i x_i + x₀"]


def test_gradients_read_like_a_book() -> None:
    padding = "x: [n]; p: size; xp: [n + 2*p]; xp[i] = sum(x[j] for j in n if j + p == i)"
    assert gradient(read(padding), "x") == "g_{a + p}"
    assert gradient(read(BAND), "x") == "Σ_{i, 0 ≤ i − a < K} g_i"
    assert gradient(read(PADDED), "xp") == "Σ_{o, 0 ≤ a − s o < K} g_o w_{a − s o}"
    assert gradient(read(PADDED), "w") == "Σ_o g_o xp_{s o + a}"
    assert gradient(read(DIRECT), "w") == "Σ_{o, 0 ≤ s o + a − p < n} g_o x_{s o + a − p}"


def test_comparisons_of_numbers_read_as_they_were_typed(capsys: pytest.CaptureFixture[str]) -> None:
    for source, shown in {
        "f = where(x != 0, sin(x)/x, 1)": "sin(x) / x  if x ≠ 0",
        "f = where(x == 0, 1, sin(x)/x)": "1  if x = 0",
        "f = where(x >= 0, x**2, 1)": "2 x  if x ≥ 0",
        "f = where(x < 0, x**2, 1)": "2 x  if x < 0",
    }.items():
        assert cli.main(["explain", source, "--at", "x=0"]) == 0
        assert shown in capsys.readouterr().out
    for condition, terms in {
        "<= 2": "1² + 2²",
        "< 2": "1²",
        "== 2": "2²",
        "!= 2": "1² + 3²",
        "> 2": "3²",
        ">= 2": "2² + 3²",
    }.items():
        assert cli.main(["explain", f"x: [n]; f = sum(x[i]**2 for i in n if x[i] {condition})", "--at", "x=[1, 2, 3]"]) == 0
        assert f"= {terms} = " in capsys.readouterr().out


def test_numbers_are_shown_with_the_digits_they_were_typed_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "x: [2]; f = x[0]*w + 1.50*x[1]", "--at", "x=[2.500, -0.10], w=4.0"]) == 0
    assert "2.500 · 4.0" in (out := capsys.readouterr().out)
    assert "1.50 · (−0.10)" in out
    assert cli.main(["explain", "f = x*w", "--at", "x=1/3, w=1e2"]) == 0
    assert "0.3333 · 100" in capsys.readouterr().out


def test_an_axis_is_as_long_as_all_entries_allow_that_its_index_picks() -> None:
    first = derive.graph("y: [2*O - 1]; x: [O + 1]; S[r] = x[O - r]*y[2*r]")
    second = derive.graph("y: [2*O - 1]; x: [O + 1]; S[r] = y[2*r]*x[O - r]")
    assert str(first.output.axes[0]) == str(second.output.axes[0]) == "O"


GUARDED = [
    # where the conditions around keep an index inside its axis, it may leave it elsewhere
    "x: [L]; w: [K]; z: [n]; z[i] = sum(x[j]*w[i - j] for j in L if 0 <= i - j < K)",
    "x: [n]; w: [K]; p: size; z: [n]; z[i] = sum(w[k]*x[i + k - p] for k in K if 0 <= i + k - p < n)",
    "x: [n]; z = sum((x[i + 1] - x[i])**2 for i in n if i + 1 < n)",
    "x: [n]; z: [n]; z[i] = where(i != 0, x[i - 1]*x[i], 1)",
    "x: [n]; z: [n]; z[i] = where(i < 1, 1, x[i - 1]*x[i])",
    "x: [n]; z: [n]; z[i] = max(x[i + k - 1] for k in 3 if 0 <= i + k - 1 < n)",
]


@pytest.mark.parametrize("source", GUARDED)
def test_a_condition_keeps_an_index_inside_its_axis(source: str) -> None:
    found = derivation(derive.graph(source), "", "x", upstream="[i] =" in source)
    prove(found)


def test_an_index_is_not_sought_outside_its_axis() -> None:
    assert not prove(derivation(derive.graph(GUARDED[0] + "; Q = sum(z**2)"), "", "w")).missed


def test_an_entry_that_a_condition_leaves_out_is_0() -> None:
    run = derive.graph(GUARDED[2]).at(x=[1, 3, 7])
    assert run["z"] == 4 + 16
    assert run.grad["x"].tolist() == [-4, -4, 8]
    run = derive.graph(GUARDED[3]).at(x=[2, 3, 5])
    assert run["z"].tolist() == [1, 6, 15]
    assert run.grad["x"].tolist() == [3, 7, 3]


@pytest.mark.parametrize(
    "source",
    [
        "x: [n]; z = sum(x[i + 2] for i in n if i + 1 < n)",
        "x: [n]; z = sum(x[i + 1] for i in n if i < n)",
        "x: [n]; z = sum(x[i - 1] for i in n if i != 1)",
        "x: [n]; z: [n]; z[i] = where(i > 0, 1, x[i - 1])",
        "x: [n]; z = sum(x[i + 1] for i in n if x[i] > 0)",
    ],
)
def test_a_condition_that_does_not_keep_an_index_inside_is_no_help(source: str) -> None:
    with pytest.raises(DeriveError, match="may leave its axis"):
        derive.graph(source)


# ---------------------------------------------------------------- axes within axes

X, W, Y = np.array([2.0, -1.5, 0.5, 3.0]), np.array([1.0, -2.0, 4.0]), np.array([0.5, -1.0])
NESTED: list[tuple[str, dict[str, Any], Any, dict[str, Any]]] = [
    # definition (its output is summed), values, output, gradients
    ("x: [n + 1]; d: [n]; d[i] = x[i + 1] - x[i]", {"x": X}, np.diff(X), {"x": [-1, 0, 0, 1]}),
    ("x: [n + 1]; d: [n]; d[i] = x[i]**2", {"x": X}, X[:3] ** 2, {"x": [4, -3, 1, 0]}),
    ("x: [n + 1]; w: [n]; f = sum(w[i]*x[i] for i in n)", {"x": X, "w": W}, X[:3] @ W, {"x": [1, -2, 4, 0], "w": X[:3]}),
    ("z: [n + m]; x: [n]; y: [m]; z[i] = where(i < n, x[i], y[i - n])", {"x": W, "y": Y}, [*W, *Y], {"x": [1] * 3, "y": [1] * 2}),
    (
        "z: [n + m]; x: [n]; y: [m]; z[i] = sum(x[j] for j in n if j == i) + sum(y[j]**2 for j in m if j + n == i)",
        {"x": W, "y": Y},
        [*W, *Y**2],
        {"x": [1] * 3, "y": 2 * Y},
    ),
    ("x: [3]; w: [4]; f = sum(x[i]*w[i] for i in 3)", {"x": W, "w": X}, W @ X[:3], {"x": X[:3], "w": [1, -2, 4, 0]}),
]


@pytest.mark.parametrize(("source", "given", "output", "gradients"), NESTED, ids=[source for source, *_ in NESTED])
def test_an_index_is_inside_where_its_axis_is_a_part_of_another(source: str, given: Any, output: Any, gradients: Any) -> None:
    graph = derive.graph(source)
    run = graph.at(**given)
    np.testing.assert_array_equal(run[graph.output.name], output)
    for name, expected in gradients.items():
        np.testing.assert_array_equal(run.grad[name], expected)
        graph.derive("", name, upstream=bool(graph.output.axes)).prove()


def test_of_a_part_of_an_axis_there_is_no_matrix_form() -> None:
    graph = derive.graph("x: [n + 1]; w: [n]; A: [n, n]; y: [n]; y[j] = w[j]*sum(A[i, j]*x[i] for i in n)")
    assert graph.derive("y", "w", upstream=True).form is None
    assert (
        derive.graph("x: [n]; w: [n]; A: [n, n]; y: [n]; y[j] = w[j]*sum(A[i, j]*x[i] for i in n)")
        .derive("y", "w", upstream=True)
        .form
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x: [n + 1]; d[i] = x[i + 1] - x[i]", "may leave its axis"),
        ("x: [2]; y: [3]; z[i] = x[i]*y[i]", "axis of size 2, over which i runs, meets the axis of size 3"),
        ("x: [n]; f = sum(x[i] for i in n + 1)", "axis of size n + 1, over which i runs, meets the axis of size n"),
        ("x: [n]; y: [m]; f = sum(x[i]*y[j] for i in n for j in m if i == j)", "axis of size n meets the axis of size m"),
        ("z: [n + m]; x: [n]; z[i] = where(i <= n, x[i], 0)", "axis of size m + n, over which i runs, meets the axis of size n"),
    ],
)
def test_an_index_that_may_leave_an_axis_is_refused(source: str, message: str) -> None:
    with pytest.raises(DeriveError, match=re.escape(message)):
        derive.graph(source)
