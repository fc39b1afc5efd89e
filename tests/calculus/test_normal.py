"""The normal form: random index expressions keep their value under every rewriting, and equal terms become one object."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Abs, Integer, Mul, Pow, Rational, S, Symbol, exp, log, sign

from derive.calculus.cost import cost
from derive.calculus.fold import facts_of, folded, replaced, solved_folds
from derive.calculus.normal import MAX_POWER, contracted, normal
from derive.calculus.rules import differentiated
from derive.calculus.shortest import common_factor, shortest
from derive.calculus.terms import (
    AtMost,
    Below,
    Binder,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Sum,
    Where,
    free_indices,
    total,
    walk,
)
from derive.values.evaluator import Evaluator
from oracles.enumeration import Point, close

n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
i, j, k, p, q = (Index(name, n) for name in "ijkpq")
a, b = (Index(name, m) for name in "ab")
T = Label(Element(Symbol("t", integer=True, nonnegative=True)), n)
FREE = (i, k, a)


def tensor(name: str, **known: bool) -> Callable[..., Element]:
    head = Symbol(name, real=True, **known)
    return lambda *indices: Element(head, *indices)


x, y, z, g, A, B, M, s = (tensor(name) for name in ("x", "y", "z", "g", "A", "B", "M", "s"))
P = tensor("p", positive=True)


def drawn(seed: int) -> Point:
    """Numbers for all the letters above; p is the softmax of z, and sizes differ."""
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> Any:
        whole = random.integers(100, 1400, shape) * random.choice([-1, 1], shape)
        return np.vectorize(lambda v: Fraction(int(v), 1000), otypes=[object])(whole)

    shapes = {"x": (3,), "y": (3,), "z": (3,), "g": (3,), "A": (3, 3), "B": (3, 3), "M": (2, 3), "s": ()}
    tensors = {name: numbers(*shape) for name, shape in shapes.items()}
    with mpmath.workdps(40):
        powers = np.array([mpmath.exp(mpmath.mpf(v.numerator) / v.denominator) for v in tensors["z"]], dtype=object)
        return Point({n: 3, m: 2}, {**tensors, "p": powers / sum(powers), "t": np.array(1)})


POINT = drawn(0)


def same(one: Any, other: Any, indices: tuple[Index, ...] = FREE) -> bool:
    return close(POINT.array(one, indices), POINT.array(other, indices))


# ---------------------------------------------------------------- random terms


@st.composite
def terms(draw: st.DrawFn, depth: int = 3, free: tuple[Index, ...] = FREE) -> Any:
    """An index expression.  Bound indices take the letters of free ones too, to provoke captures."""

    def below(scope: tuple[Index, ...] = free) -> Any:
        return draw(terms(depth - 1, scope))

    def index(size: Any) -> Index:
        return draw(st.sampled_from([f for f in free if f.size == size]))

    leaves = ["entry", "matrix", "tall", "delta", "differ", "label", "number", "size", "scalar"]
    inner = ["product", "product", "sum", "Σ", "Σ", "Σ", "ΣΣ", "function", "power", "max", "where", "order", "sign"]
    match draw(st.sampled_from(leaves if depth == 0 else [*leaves, *inner, *inner])):
        case "entry":
            return draw(st.sampled_from([x, y, z, P, lambda index: Abs(x(index))]))(index(n))
        case "matrix":
            return draw(st.sampled_from([A, B]))(index(n), index(n))
        case "tall":
            return M(index(m), index(n))
        case "delta":
            size = draw(st.sampled_from([n, m]))
            return Delta(index(size), index(size))
        case "differ":
            return Differ(index(n), draw(st.sampled_from([index(n), T])))
        case "label":
            return draw(st.sampled_from([Delta(index(n), T), x(T), A(T, index(n)), A(index(n), T)]))
        case "number":
            return draw(st.sampled_from([Integer(2), Integer(-1), Integer(-3), Rational(1, 2), S.Zero, S.One]))
        case "size":
            return draw(st.sampled_from([n, m, 1 / n]))
        case "scalar":
            return s()
        case "product":
            return below() * below()
        case "sum":
            return below() + below()
        case "Σ":
            bound = draw(st.sampled_from([i, j, k, p, a, b]))
            return total(below((*free, bound)), bound)
        case "ΣΣ":
            one, two = draw(st.sampled_from([(j, k), (p, b), (j, p), (i, a), (k, i)]))
            return total(below((*free, one, two)), one, two)
        case "function":
            return exp(below() / 10)
        case "power":
            return below() ** 2
        case "max":
            return Maximum(below(), below())
        case "where":
            return Where(draw(st.sampled_from([Positive(x(index(n))), Delta(index(n), T)])), below(), below())
        case "order":
            return draw(st.sampled_from([Below, AtMost]))(index(n), index(n))
        case "sign":
            inside = below()
            return inside * sign(inside)
    raise AssertionError


TERMS = terms()
MANY = settings(max_examples=60)


@given(TERMS)
@MANY
def test_the_normal_form_has_the_same_value(term: Any) -> None:
    assert same(term, normal(term))


@given(TERMS)
@MANY
def test_the_normal_form_of_a_normal_form_is_itself(term: Any) -> None:
    once = normal(term)
    assert normal(once) == once


@given(TERMS)
@MANY
def test_the_shortest_form_has_the_same_value_and_is_no_longer(term: Any) -> None:
    short = shortest(term)
    assert same(term, short)
    assert cost(short) <= cost(normal(term))


@given(TERMS)
@MANY
def test_picking_the_terms_of_deltas_keeps_the_value(term: Any) -> None:
    assert same(term, contracted(term))


@given(TERMS)
@settings(max_examples=25)
def test_a_common_factor_taken_out_keeps_the_value(term: Any) -> None:
    assert same(term, common_factor(normal(term)))


@given(TERMS)
@MANY
def test_no_rewriting_makes_or_loses_free_indices(term: Any) -> None:
    for new in (normal(term), shortest(term), contracted(term)):
        assert free_indices(new) <= free_indices(term)


@given(TERMS, TERMS)
@settings(max_examples=25)
def test_equal_terms_have_one_normal_form(one: Any, two: Any) -> None:
    """(t + u)(t - u) = t² - u², whatever t and u are, where both sides are multiplied out; of the square of a sign nothing is
    known.
    """
    assume(not (one + two).has(sign))
    assume(all(p.exp <= MAX_POWER // 2 for p in (one + two).atoms(Pow) if p.base.is_Add and p.exp.is_Integer))
    assert normal(one * (two + s()) - (one * two + s() * one)) == 0
    assert normal((one + two) * (one - two)) == normal(one**2 - two**2)


@given(terms(depth=2), st.sampled_from([x(j), x(T), A(j, p), s()]))
@settings(max_examples=25)
def test_the_derivative_of_a_random_term(term: Any, by: Element) -> None:
    """Against a central difference, before and after the normal form.  Where a kink is met, the two sides differ."""
    indices = (*FREE, j, p)
    derivative = differentiated(term, by)
    assert same(derivative, normal(derivative), indices)
    if not term.has(Maximum, Abs, sign):
        assert same(Deriv(term, by), derivative, indices)


@given(TERMS)
@MANY
def test_the_values_of_a_term_are_those_written_out(term: Any) -> None:
    """`derive.values` on grids of numbers, against every index written out."""
    values = Evaluator(POINT.sizes, POINT.tensors)
    assert close(POINT.array(term, FREE), values.array(term, FREE))


# ---------------------------------------------------------------- bound names


@given(terms(depth=2, free=(i, j, k, a, b)))
@MANY
def test_the_letter_of_a_bound_index_does_not_matter(body: Any) -> None:
    fresh, other = Index("new", n), Index("other", m)
    for kind in (Sum, Product, Largest):
        assert total(body, j, kind=kind) == total(body.xreplace({j: fresh}), fresh, kind=kind)
    renamed = body.xreplace({j: fresh, b: other})
    assert total(body, j, b) == total(renamed, fresh, other) == total(renamed, other, fresh) == total(total(body, j), b)


@given(terms(depth=2, free=(i, j, k, a)), terms(depth=1, free=(i, j, k, a)))
@settings(max_examples=40)
def test_nothing_put_into_a_sum_is_captured(body: Any, value: Any) -> None:
    """Σ_j body with x_i := value, where `value` has a free j too."""
    summed, given_x = total(body, j), total(value * y(p), p) + x(k) * 0

    def put_in(term: Any) -> Any:
        return walk(term, lambda t: given_x if isinstance(t, Element) and t == s() else t)

    array = POINT.array(given_x, (i, j, k, a))
    expected = np.empty((3, 3, 3, 2), dtype=object)
    for entry in np.ndindex(expected.shape):
        here = Point(POINT.sizes, {**POINT.tensors, "s": np.array(array[entry])})
        expected[entry] = here.array(summed.xreplace(dict(zip((i, j, k, a), map(Integer, entry), strict=True))))[()]
    assert close(expected, POINT.array(put_in(summed), (i, j, k, a)))


def test_capture_by_hand() -> None:
    """Σ_j x_j with x_i := Σ_j A_ij is Σ_i Σ_j A_ij, and δ_ij Σ_i A_ij has two different i."""
    inside = walk(total(x(j), j), lambda t: total(A(t.indices[0], j), j) if isinstance(t, Element) else t)
    assert inside == total(A(i, j), i, j)
    assert free_indices(x(i) * total(A(i, j), i)) == {i, j}
    assert same(normal(x(i) * total(x(i), i)), x(i) * total(x(j), j))
    assert normal(total(x(i), i) ** 2) == normal(total(x(i) * x(j), i, j))


def test_a_binder_taken_out_of_another_leaves_no_name_to_be_captured() -> None:
    """[m > s] decides max(-m, -s) inside a product, and takes the sum in m out of it: the product's index is not renamed."""
    mean = total(x(j), j)
    inner = total(Where(Differ(k, i), Maximum(-mean, -s()) + i, S.One), i, kind=Product)
    body = Positive(mean - s()) * inner
    assert same(normal(total(body, k)), total(body, k))
    taken = normal(body).atoms(Product).pop()
    assert taken == total(Where(Differ(k, i), i - s(), S.One), i, kind=Product)


def test_nested_sums_of_one_kind_are_one_and_of_two_kinds_are_not() -> None:
    double = total(total(A(i, j), j), i)
    assert isinstance(double, Binder)
    assert len(double.indices) == 2
    assert len(total(total(A(i, j), j, kind=Largest), i).indices) == 1
    assert total(A(i, j), i, j) == total(A(j, i), i, j)
    assert total(A(i, j) * x(i), i, j) == total(A(j, i) * x(j), i, j)
    assert total(A(i, j) * x(i), i, j) != total(A(i, j) * x(j), i, j)


# ---------------------------------------------------------------- deltas and brackets

DELTAS = {
    "Σ δ is 1": (total(Delta(i, j), j), S.One),
    "a delta keeps one entry": (total(Delta(i, j) * x(j) * A(j, k), j), x(i) * A(i, k)),
    "the trace of the identity": (total(Delta(i, j), i, j), n),
    "deltas compose": (total(Delta(i, j) * Delta(j, k), j), Delta(i, k)),
    "deltas square": (Delta(i, j) ** 2, Delta(i, j)),
    "a delta renames": (Delta(i, k) * (x(i) - x(k)), S.Zero),
    "a label is picked": (total(Delta(j, T) * x(j), j), x(T)),
    "one entry is the label's": (total(Delta(j, T), j), S.One),
    "all but one": (total(Differ(i, j), j), n - 1),
    "all but the label": (total(Differ(j, T), j), n - 1),
    "all but one, for each": (total(Differ(i, T), i, a), m * (n - 1)),
    "a sum of ones": (total(S.One, i, a), n * m),
    "a constant comes out": (total(s() * x(j), j), s() * total(x(j), j)),
    "independent factors split": (total(x(i) * M(a, k), i, a), total(x(i), i) * total(M(a, k), a)),
    "sums add up": (total(x(i) + y(i), i), total(x(j), j) + total(y(k), k)),
    "the trace of a product turns": (total(A(i, j) * B(j, i), i, j), total(B(i, j) * A(j, i), i, j)),
    "a square of a sum": (total(x(i), i) ** 2, total(x(i) * x(j), i, j)),
    "x sign x": (x(i) * sign(x(i)), Abs(x(i))),
    "centred entries": (total(x(i) - total(x(j), j) / n, i), S.Zero),
}


@pytest.mark.parametrize("name", DELTAS)
def test_sums_of_deltas(name: str) -> None:
    left, right = DELTAS[name]
    assert normal(left) == normal(right)
    assert same(left, right, (*FREE, j))


def test_brackets_of_one_index_are_known() -> None:
    assert (Delta(i, i), Delta(i, i + 1), Delta(T, T)) == (1, 0, 1)
    assert (Differ(i, i), Differ(i + 1, i)) == (0, 1)
    assert (Below(i, i), Below(i, i + 1), Below(i + 1, i)) == (0, 1, 0)
    assert (AtMost(i, i), AtMost(i + 1, i), AtMost(i - 2, i)) == (1, 0, 1)
    assert (Positive(Rational(1, 3)), Positive(S.Zero), Positive(Integer(-2))) == (1, 0, 0)
    assert (Inside(i, n), Inside(T, n)) == (1, 1)
    assert isinstance(Inside(i, m), Inside)
    assert Where(S.One, x(i), y(i)) == x(i)
    assert Where(S.Zero, x(i), y(i)) == y(i)
    assert Where(Positive(x(i)), s(), s()) == s()


@pytest.mark.parametrize("bracket", [Delta(i, j), Differ(i, T), Below(i, j), AtMost(i, j), Positive(x(i)), Inside(i + k, n)])
def test_brackets_are_their_own_powers(bracket: Any) -> None:
    assert bracket**3 == bracket * bracket == bracket


def test_delta_and_differ_read_the_same_both_ways() -> None:
    assert Delta(i, j) == Delta(j, i)
    assert Differ(T, j) == Differ(j, T)
    assert Below(i, j) != Below(j, i)


def test_an_affine_delta_leaves_the_condition_that_the_index_is_inside() -> None:
    """Σ_a δ_{i, k + a} w_a is w_{i-k} where 0 ≤ i - k < m: the gradient of a convolution."""
    w = tensor("M")
    picked = contracted(total(Delta(i, k + a) * w(a, i), a))
    assert picked == w(i - k, i) * Inside(i - k, m)
    assert same(picked, total(Delta(i, k + a) * w(a, i), a), (i, k))
    assert same(normal(picked), picked, (i, k))


def test_a_stride_is_not_solved_for() -> None:
    strided = total(Delta(i, 2 * a + k) * M(a, i), a)
    assert contracted(strided) == strided
    assert same(normal(strided), strided, (i, k))


# ---------------------------------------------------------------- definitions folded back

SOFTMAX = exp(z(i)) / total(exp(z(j)), j)
FOLDS = solved_folds(P(i), SOFTMAX, (i,))
FACTS = facts_of(P(i), SOFTMAX, (i,), FOLDS)


def test_what_follows_from_the_definition_of_the_softmax() -> None:
    assert [(f.pattern, f.result) for f in FACTS] == [(total(P(i), i), S.One)]
    assert all(same(f.pattern, f.result) for f in (*FOLDS, *FACTS))
    assert {f.pattern for f in FOLDS} >= {SOFTMAX, exp(z(i))}


@given(terms(depth=2))
@MANY
def test_folding_keeps_the_value(term: Any) -> None:
    """Every p in a term put in, multiplied out, and folded back."""
    inline = walk(term, lambda t: SOFTMAX.xreplace({i: t.indices[0]}) if isinstance(t, Element) and t.name == "p" else t)
    plain = normal(inline)
    named, used = folded(plain, (*FOLDS, *FACTS))
    assert same(term, plain)
    assert same(term, named)
    assert cost(shortest(named)) <= cost(shortest(plain))
    assert bool(used) == (named != plain)


@given(terms(depth=2))
@settings(max_examples=25)
def test_a_single_replacement_keeps_the_value(term: Any) -> None:
    for fold in FOLDS:
        assert same(term, replaced(term, fold))


def test_a_fold_that_may_divide_by_zero_is_refused() -> None:
    """From c = a b follows a = c / b only where b is not 0."""
    c, u, v, w = (Element(Symbol(name, real=True)) for name in "cuvw")
    positive = Element(Symbol("r", positive=True))
    assert all(f.whole for f in solved_folds(c, exp(u) * v, ()))
    assert any(f.pattern == exp(u) and f.result == c / positive for f in solved_folds(c, exp(u) * positive, ()))
    assert any(f.pattern == exp(u) for f in solved_folds(c, exp(u) + w, ()))


def test_a_constant_is_no_definition_to_fold_back() -> None:
    """c = √2 is no reason to write 2 as c²."""
    c = Element(Symbol("c", positive=True))
    assert solved_folds(c, Integer(2) ** Rational(1, 2), ()) == ()
    assert solved_folds(c, n ** Rational(1, 2), ()) == ()


def test_a_definition_is_not_solved_for_a_number_of_unknown_sign() -> None:
    """From c = |u| does not follow u = c."""
    c, u = Element(Symbol("c", nonnegative=True)), Element(Symbol("u", real=True))
    assert [f.pattern for f in solved_folds(c, Abs(u), ())] == [Abs(u)]


def test_facts_of_centred_and_standardised_entries() -> None:
    """Σ_i (x_i - μ) = 0 where μ is the mean."""
    mean = total(x(j), j) / n
    centred = tensor("d")
    facts = facts_of(centred(i), x(i) - mean, (i,))
    assert [(f.pattern, f.result) for f in facts] == [(total(centred(i), i), S.Zero)]


# ---------------------------------------------------------------- the shortest form

SHORTEST = {
    "the softmax Jacobian": (P(i) * Delta(i, k) - P(i) * P(k), P(i) * (Delta(i, k) - P(k))),
    "a vector-Jacobian product": (g(i) * P(i) - P(i) * total(g(j) * P(j), j), P(i) * (g(i) - total(g(j) * P(j), j))),
    "a common number": (2 * x(i) / n - 2 * y(i) / n, Mul(2 / n, x(i) - y(i), evaluate=False)),
    "p (1 - p)": (P(i) - P(i) ** 2, P(i) * (1 - P(i))),
}


@pytest.mark.parametrize("name", SHORTEST)
def test_the_shortest_form(name: str) -> None:
    long, short = SHORTEST[name]
    assert (shortest(long) - short).expand() == 0
    assert cost(shortest(long)) <= cost(short)
    assert cost(shortest(long)) <= cost(long)


def test_factoring_never_deepens_a_loop_nest() -> None:
    """Σ_j A_ij x_j + Σ_j B_kj x_j stays two loops of one index: the entries of the result are fewer than the products."""
    term = total(A(i, j) * x(j), j) * y(i) + total(B(k, j) * x(j), j) * y(k)
    assert max(len(t.indices) for t in shortest(term).atoms(Sum)) == 1
    assert log(x(i)) == shortest(log(x(i)))


def test_a_minus_stands_before_a_sum_unless_it_is_that_of_a_min() -> None:
    n = Symbol("n", integer=True, positive=True)
    j, x, y = Index("j", n), Symbol("x", real=True), Symbol("y", real=True)
    assert total(-Element(x, j) * Element(y, j), j) == -total(Element(x, j) * Element(y, j), j)
    assert total(-Maximum(-Element(x, j), -Element(y, j)), j).func is Sum
