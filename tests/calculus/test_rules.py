"""The rules of differentiation, each by itself, against mpmath's numerical differentiation; and what happens at kinks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import Abs, Function, Integer, Rational, Symbol, cos, erf, exp, log, oo, sin, sqrt, tanh

import derive
from derive.calculus import rules
from derive.calculus.functions import PRIMITIVES
from derive.calculus.rules import RULES, Rule, differentiated, has_deriv, rewritten, slope
from derive.calculus.terms import (
    ArgMax,
    Below,
    Binder,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inverse,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Where,
    total,
)
from derive.language import library
from oracles.enumeration import Point, close

# ---------------------------------------------------------------- the entries that the rules are tried on

n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
i, j = Index("i", n), Index("j", n)
k = Index("k", m)
X, W, Y = (Symbol(name, real=True) for name in ("x", "W", "y"))
U, S = Element(Symbol("u", positive=True)), Element(Symbol("s", real=True))
T = Label(Element(Symbol("t", integer=True, nonnegative=True)), n)


def x(index: Any) -> Element:
    return Element(X, index)


def y(index: Any) -> Element:
    return Element(Y, index)


def w(row: Any, column: Any) -> Element:
    return Element(W, row, column)


COUNTED = total(Positive(x(j)) * y(i), j)
"""What x only decides how often there is: y is held."""


def q(row: Any, column: Any) -> Element:
    return Element(Symbol("q", real=True), row, column)


# rule: bodies that it applies to, each with the entry to differentiate by
BODIES: dict[Callable[..., Any], list[tuple[Any, Element]]] = {
    rules._constant: [(Positive(x(i)), x(j)), (y(i) * S, x(j)), (Integer(3), S), (total(y(j), j), x(i)), (COUNTED, x(i))],
    rules._factor: [(3 * y(i) * sin(x(i)), x(j)), (-x(i), x(j)), (S * x(i) * x(j), x(T)), (Delta(i, T) * x(i), x(j))],
    rules._terms: [(x(i) ** 2 + y(i) - sin(x(j)), x(T)), (1 + S + U, S)],
    rules._inside_sum: [
        (total(w(k, j) * x(j), j), x(i)),
        (total(Differ(j, T) * exp(x(j) - x(T)), j), x(i)),
        (total(Below(i, j) * x(i) * x(j) ** 2, i, j), x(T)),
        (total(w(k, j) * w(k, j), k, j), w(k, i)),
    ],
    rules._quotient: [
        (exp(x(i)) / total(exp(x(j)), j), x(T)),
        (sin(S) / (1 + S**2), S),
        (S * x(i) / sqrt(1 + total(x(j) ** 2, j)), x(i)),
    ],
    rules._product: [(x(i) * x(j), x(T)), (sin(S) * exp(S) * S**2, S), (x(i) * total(x(j) ** 2, j), x(T))],
    rules._product_over_axis: [
        (total(1 + x(j) ** 2, j, kind=Product), x(i)),
        (total(x(j) + y(i), j, kind=Product), x(T)),
        (total(w(k, j) + x(j), k, j, kind=Product), x(i)),
        (total(Where(Differ(j, T), x(j), Integer(1)), j, kind=Product), x(i)),
    ],
    rules._largest: [
        (total(x(j) ** 2, j, kind=Largest), x(i)),
        (total(w(k, j), j, kind=Largest), w(k, i)),
        (total(w(k, j) * x(j), k, j, kind=Largest), x(i)),
        (total(Where(Differ(j, T), x(j), -oo), j, kind=Largest), x(i)),
        (total(Where(Below(i, j), x(i) * x(j), -oo), i, j, kind=Largest), x(T)),
    ],
    rules._smallest: [
        (-total(-(x(j) ** 2), j, kind=Largest), x(i)),
        (-total(-w(k, j) * x(j), k, j, kind=Largest), x(i)),
    ],
    rules._minimum: [(-Maximum(-x(i), Integer(0)), x(j)), (-Maximum(-sin(S), -S * U), S), (-Maximum(-x(i), -x(j)), x(T))],
    rules._maximum: [(Maximum(Integer(0), x(i)), x(j)), (Maximum(sin(S), S * U), S), (Maximum(x(i), x(j)), x(T))],
    rules._where: [(Where(Positive(x(i)), x(i) ** 2, sin(x(i))), x(j)), (Where(Differ(i, T), x(i), x(j) ** 2), x(j))],
    rules._power: [
        (x(i) ** 3, x(j)),
        (sqrt(1 + S**2), S),
        (1 / U**2, U),
        (total(x(j) ** 2, j) ** Rational(3, 2), x(i)),
        (U**S, U),
    ],
    rules._root: [
        (sqrt(total((w(k, i) - w(k, j)) ** 2, k)), w(k, i)),
        (total(Abs(w(k, i) - w(k, j)), k) ** Rational(1, 3), w(k, T)),
        (sqrt(total((w(k, i) - w(k, T)) ** 2, k)), w(k, j)),
    ],
    rules._zero_base: [(Abs(x(i) - x(j)) ** U, U), (total((w(k, i) - w(k, j)) ** 2, k) ** (1 + U**2), U)],
    rules._exponential: [(U**S, S), (2**S, S), (U ** (S**2), S), (U**U, U)],
    rules._log_absolute: [(log(Abs(S)), S), (log(Abs(x(i) * y(j) + S)), x(T)), (log(Abs(x(j))), x(j))],
    rules._determinant: [
        (total(q(j, i), i, j, kind=Determinant), q(T, j)),
        (total(Delta(i, j) * (x(i) ** 2 + U) + y(i) * x(j), i, j, kind=Determinant), x(T)),
    ],
    rules._inverse: [
        (EntryOf(total(q(i, j), i, j, kind=Inverse), i, T), q(j, i)),
        (EntryOf(total(q(j, i) * U + y(i) ** 2, i, j, kind=Inverse), i, j), U),
    ],
    rules._chain: [
        (exp(x(i) * x(j)), x(T)),
        (log(1 + S**2), S),
        (tanh(total(w(k, j) * x(j), j)), x(i)),
        (erf(S) * 1, S),
        (cos(U), U),
        (Abs(x(i)), x(j)),
    ],
    rules._itself: [(S, S), (x(i), x(i))],
    rules._entry: [(x(i), x(j)), (w(k, T), w(k, j)), (w(k, i), w(k, j)), (x(total(y(j), j, kind=ArgMax)), x(i))],
}


def point(seed: int) -> Point:
    """Numbers for all the letters above, at sizes that differ."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> Any:
        values = random.integers(100, 1500, shape) * random.choice([-1, 1], shape)
        return np.vectorize(lambda v: Fraction(int(v), 1000), otypes=[object])(values)

    tensors = {
        "x": drawn(3),
        "y": drawn(3),
        "W": drawn(2, 3),
        "q": drawn(3, 3),
        "s": drawn(),
        "u": abs(drawn()),
        "t": np.array(1),
    }
    return Point({n: 3, m: 2}, tensors)


def numerical(at: Point, body: Any, by: Element, indices: tuple[Index, ...]) -> Any:
    """∂body/∂by by mpmath.diff, for all values of the indices."""
    out = np.empty([at.size(index.size) for index in indices], dtype=object)
    for entry in np.ndindex(out.shape):
        here = dict(zip(indices, entry, strict=True))
        where = tuple(int(at.value(index, here)) for index in by.indices)

        def moved(h: Any, where: Any = where, here: Any = here) -> Any:
            return at.moved(by.name, where, h, keep=True).value(body, here)

        with mpmath.workdps(40):
            out[entry] = mpmath.diff(moved, 0)
    return out


CASES = [
    pytest.param(rule, body, by, id=f"{rule.rewrite.__name__.strip('_')}: {body} by {by}")
    for rule in RULES
    for body, by in BODIES[rule.rewrite]
]


@pytest.mark.parametrize(("rule", "body", "by"), CASES)
@pytest.mark.parametrize("seed", range(3))
def test_a_rule_is_right(rule: rules.Rule, body: Any, by: Element, seed: int) -> None:
    indices = (i, j, k)
    rewritten = rule.rewrite(body, by)
    assert rewritten is not None, "the rule does not apply"
    assert rewritten != Deriv(body, by)
    at = point(seed)
    expected = numerical(at, body, by, indices)
    assert close(expected, at.array(rewritten, indices))
    assert close(expected, at.array(differentiated(body, by), indices))


def test_every_rule_has_its_cases() -> None:
    assert set(BODIES) == {rule.rewrite for rule in RULES}
    assert len(CASES) >= 2 * len(RULES)


def test_nothing_is_left_to_differentiate() -> None:
    for bodies in BODIES.values():
        for body, by in bodies:
            assert not differentiated(body, by).has(Deriv)


def test_what_no_rule_knows_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="no rule differentiates"):
        differentiated(Binder(x(j), j), x(i))


def test_a_rule_is_chosen_for_the_line_as_it_is_rewritten() -> None:
    """Which of two terms has the minus depends on what their indices are called, and a minimum is told by its minus."""
    g = derive.graph("x: [n]; f = sum(where(1 > u, j, min(x[i] - x[j] for i in n)) for j in n)")
    assert not has_deriv(g.derive("f", "x").result)


def test_a_rule_that_changes_nothing_is_not_chosen_again() -> None:
    idle = Rule("idle", "linear", Deriv)
    assert rewritten(Deriv(x(i), x(j)), (idle,)) is None


def test_the_letter_of_a_bound_index_never_meets_that_of_the_variable() -> None:
    """∂/∂x_j Σ_j x_j y_j = y_j, though the same letter is bound and free."""
    assert rules.differentiated(total(x(j) * y(j), j), x(j)) == total(Delta(i, j) * y(i), i)


# ---------------------------------------------------------------- slopes of functions


def by_hand(name: str) -> Callable[..., Any]:
    """The functions of the library, written for mpmath; a primitive that is not here has the name that mpmath gives it."""
    mp = mpmath
    functions = {
        "exp": mp.exp,
        "log": mp.log,
        "sqrt": mp.sqrt,
        "abs": abs,
        "sin": mp.sin,
        "cos": mp.cos,
        "tanh": mp.tanh,
        "erf": mp.erf,
        "max": max,
        "min": min,
        "arctan": mp.atan,
        "lgamma": mp.loggamma,
        "trigamma": lambda x: mp.psi(1, x),
        "log2": lambda x: mp.log(x, 2),
        "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
        "clip": lambda x, a, b: max(a, min(b, x)),
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "relu": lambda x: max(x, 0),
        "leaky_relu": lambda x, alpha: x if x > 0 else alpha * x,
        "softplus": lambda x: mp.log1p(mp.exp(x)),
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "gelu": lambda x: x * mp.ncdf(x),
        "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))),
        "normal_cdf": lambda x: mp.ncdf(x),
        "normal_pdf": lambda x: mp.npdf(x),
        "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
        "selu": lambda x, alpha, scale: scale * (x if x > 0 else alpha * mp.expm1(x)),
        "hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / 6,
        "poisson_nll": lambda z, y: mp.exp(z) - y * z,
        "gaussian_nll_precision": lambda y, mu, beta: -mp.log(mp.npdf(y, mu, 1 / mp.sqrt(beta))),
        "binary_cross_entropy_logits": lambda z, y: y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z)),
        "softsign": lambda x: x / (1 + abs(x)),
        "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
        "hard_tanh": lambda x: min(max(x, -1), 1),
        "gaussian_nll": lambda y, mu, sigma: -mp.log(mp.npdf(y, mu, sigma)),
    }
    return functions[name] if name in functions else getattr(mp, name)


NAMED = sorted(name for name in library.names() if library.function(name))


@pytest.mark.parametrize("name", [*PRIMITIVES, *NAMED])
@pytest.mark.parametrize("at", [(0.3, 0.8, 1.7), (1.6, 0.25, 0.5), (-0.7, 0.1, 0.9), (-2.5, -0.4, 1.1)])
def test_the_slopes_of_a_function(name: str, at: tuple[float, ...]) -> None:
    oracle, heads = by_hand(name), [Symbol(letter, real=True) for letter in "abc"]
    count = PRIMITIVES[name].arguments if name in PRIMITIVES else len(library.load(name).inputs)
    if name in ("log", "sqrt", "log1p", "log2", "log10", "lgamma", "digamma", "trigamma"):
        at = tuple(map(abs, at))
    arguments = [Element(h) for h in heads[:count]]
    call = (PRIMITIVES[name].function if name in PRIMITIVES else library.function(name))(*arguments)
    values = Point({}, {h.name: np.array(Fraction(str(v))) for h, v in zip(heads, at, strict=True)})
    for number, argument in enumerate(arguments):
        with mpmath.workdps(40):
            numbers = [mpmath.mpf(str(v)) for v in at[:count]]
            expected = mpmath.diff(oracle, numbers, tuple(int(a == number) for a in range(count)))
        assert close(expected, values.array(differentiated(call, argument)))
        if name not in ("max", "min", "sqrt"):
            assert close(expected, values.array(slope(call, number)))


def test_a_slope_is_written_with_the_function_itself_where_that_is_shorter() -> None:
    a = Element(Symbol("a", real=True))
    sigmoid, silu = library.function("sigmoid"), library.function("silu")
    assert sigmoid is not None
    assert silu is not None
    assert (slope(sigmoid(a), 0) - sigmoid(a) * (1 - sigmoid(a))).expand() == 0
    assert slope(tanh(a), 0) == 1 - tanh(a) ** 2
    assert slope(exp(a), 0) == exp(a)
    assert (slope(silu(a), 0) - sigmoid(a) * (1 + a * (1 - sigmoid(a)))).expand() == 0


def test_the_table_of_primitives_has_what_the_language_promises() -> None:
    assert set(PRIMITIVES) >= {"exp", "log", "sqrt", "abs", "sin", "cos", "tanh", "erf", "max", "min"}
    for name in PRIMITIVES:
        arguments = [Symbol(letter, positive=True) for letter in "ab"[: PRIMITIVES[name].arguments]]
        assert isinstance(PRIMITIVES[name].function(*arguments), Function) or name in ("abs", "sqrt", "min", "sign")


# ---------------------------------------------------------------- kinks

# definition, inputs at a kink, the variable, the gradient there (for a tensor: of the sum of its entries)
KINKS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("relu", {"x": 0}, "x", 0),
    ("f = max(0, x)", {"x": 0}, "x", 0),
    ("f = abs(x)", {"x": 0}, "x", 0),
    ("leaky_relu", {"x": 0, "alpha": "0.1"}, "x", "0.1"),
    ("elu", {"x": 0, "alpha": "0.7"}, "x", "0.7"),
    ("hard_tanh", {"x": 1}, "x", 0),
    ("hard_tanh", {"x": -1}, "x", 0),
    ("softsign", {"x": 0}, "x", 1),
    ("l1", {"yhat": [1, 2], "y": [1, 5]}, "yhat", [0, "-0.5"]),
    ("huber", {"yhat": [1, 3], "y": [1, 2], "delta": 1}, "yhat", [0, "0.5"]),
    ("hinge", {"s": [1, 0, 3], "t": 0}, "s", [-1, 0, 1]),
    ("squared_hinge", {"s": [1, 0, 3], "t": 0}, "s", [-6, 0, 6]),
    ("max_pool1d", {"x": [2, 2, 1, 1, 1, 0], "K": 2, "s": 2}, "x", [1, 0, 1, 0, 1, 0]),
    ("x: [n]\nf = max(x)", {"x": [3, 7, 7]}, "x", [0, 1, 0]),
]


def names_of(kink: tuple[str, dict[str, Any], str, Any]) -> str:
    return f"{kink[0].splitlines()[-1]} at {kink[1]}"


@pytest.mark.parametrize("kink", KINKS, ids=names_of)
def test_the_slope_at_a_kink(kink: tuple[str, dict[str, Any], str, Any]) -> None:
    source, at, wrt, expected = kink
    found = derive.graph(source).at(**at).gradients[wrt]
    assert (found == np.vectorize(Fraction, otypes=[object])(np.array(expected, dtype=object))).all()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("kink", KINKS, ids=names_of)
def test_the_slope_at_a_kink_is_that_of_pytorch(kink: tuple[str, dict[str, Any], str, Any]) -> None:
    import torch

    functional = torch.nn.functional
    source, at, wrt, expected = kink

    def given(name: str) -> Any:
        if name in ("t", "K", "s") and not isinstance(at[name], list):
            return torch.tensor(at[name])
        return torch.tensor(np.array(at[name], dtype=float), requires_grad=name == wrt)

    tensors = {name: given(name) for name in at}
    output = {
        "relu": lambda x: functional.relu(x),
        "f = max(0, x)": lambda x: functional.relu(x),
        "f = abs(x)": lambda x: x.abs(),
        "leaky_relu": lambda x, alpha: functional.leaky_relu(x, alpha.item()),
        "elu": lambda x, alpha: functional.elu(x, alpha.item()),
        "hard_tanh": lambda x: functional.hardtanh(x),
        "softsign": lambda x: functional.softsign(x),
        "l1": lambda yhat, y: functional.l1_loss(yhat, y),
        "huber": lambda yhat, y, delta: functional.huber_loss(yhat, y, delta=delta.item()),
        "hinge": lambda s, t: 3 * functional.multi_margin_loss(s[None], t[None]),
        "squared_hinge": lambda s, t: 3 * functional.multi_margin_loss(s[None], t[None], p=2),
        "max_pool1d": lambda x, K, s: functional.max_pool1d(x[None, None], K.item(), s.item()),
        "x: [n]\nf = max(x)": lambda x: x.max(0).values,
    }[source](**tensors)
    output.sum().backward()
    np.testing.assert_allclose(tensors[wrt].grad, np.array(expected, dtype=float), rtol=1e-15)
