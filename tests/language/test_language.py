"""The graph language, by example: what a text means, as trees, axes, letters and terms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Pow, Rational, Symbol, exp, log, oo, pi, sqrt, tanh

from derive.calculus.terms import (
    ArgMax,
    AtMost,
    Below,
    Delta,
    Differ,
    Element,
    Index,
    Label,
    Largest,
    Maximum,
    Positive,
    Product,
    Where,
    total,
)
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Compare, Number, Op, Reduce, Ref, Size, Tree
from derive.language import library
from derive.language.at import bind
from derive.language.reader import read
from derive.values.evaluator import forward


def shown(tree: Tree | None) -> str:
    """A tree as text, fully bracketed: `Σj (W[i,j] * x[j])`, with whole tensors and reductions without an index as they are."""
    match tree:
        case None:
            return ""
        case Number(_, text):
            return text
        case Size(value):
            return f"<{value}>"
        case Ref(name, indices):
            return name + (f"[{','.join(map(str, indices))}]" if indices else "")
        case Op("neg", (a,)):
            return f"-{shown(a)}"
        case Op("T", (a,)):
            return f"{shown(a)}.T"
        case Op(operator, (a, b)):
            return f"({shown(a)} {operator} {shown(b)})"
        case Call(function, args):
            return f"{function}({', '.join(map(shown, args))})"
        case Compare(operator, left, right):
            sides = (shown(side) if isinstance(side, Tree) else str(side) for side in (left, right))
            return f" {operator} ".join(sides)
        case Reduce(operator, body, indices, conditions):
            over = "".join(map(str, indices)) + "".join(f"|{shown(c)}" for c in conditions)
            return f"{operator}{over} {shown(body)}"
    raise AssertionError(tree)


def node(text: str, name: str = "") -> Node:
    """The output, or the named node, of a text."""
    graph = read(text)
    return next(n for n in graph.nodes if n.name == name) if name else graph.output


def size(name: str) -> Symbol:
    return Symbol(name, integer=True, positive=True)


def real(name: str, *indices: Any) -> Element:
    return Element(Symbol(name, real=True), *indices)


C, K, N, OUT, m, n = map(size, ("C", "K", "N", "O", "m", "n"))
HINGE = "s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)"
NETWORK = """
x: [n]                     # an example
W: [m, n]
b: [m]
V: [C, m]
c: [C]
t: label[C]
a = W @ x + b
h = relu(a)
p = softmax(V @ h + c)
L = -log(p[t])
"""


class TestDeclarations:
    def test_a_name_that_is_not_declared_is_a_real_scalar(self) -> None:
        graph = read("f = (u + v)*w")
        assert [(i.name, i.axes, i.kind) for i in graph.inputs] == [(k, (), "real") for k in "uvw"]

    def test_inputs_come_in_the_order_of_their_declarations_and_others_by_first_use(self) -> None:
        assert [i.name for i in read("y = w*x[0] + b*z\nz: real\nx: [n]").inputs] == ["z", "x", "w", "b"]

    def test_kinds(self) -> None:
        several = "p: probability[N, C]; y: onehot[N, C]; t: label[N, C]; w: positive[C]; r: real[C]"
        graph = read(f"{several}; e: positive; q: real; k: label[C]\nf = sum(p[i, t[i]]*y[i, k]*e*w[k]*q*r[k] for i in N)")
        found = [(i.name, i.kind, i.axes, i.classes) for i in graph.inputs]
        assert found == [
            ("p", "probability", (N, C), C),
            ("y", "onehot", (N, C), C),
            ("t", "label", (N,), C),
            ("w", "positive", (C,), None),
            ("r", "real", (C,), None),
            ("e", "positive", (), None),
            ("q", "real", (), None),
            ("k", "label", (), C),
        ]

    def test_a_label_without_classes_gets_those_of_the_axis_it_indexes(self) -> None:
        assert read("s: [C]\nt: label\nf = s[t]").inputs[1].classes == C

    def test_axes_are_names_numbers_and_expressions(self) -> None:
        graph = read("x: [O + K - 1]\nw: [K]\nu: [3]\ny[o] = sum(w[k]*x[o + k] for k in K) + u[2]")
        assert [i.axes for i in graph.inputs] == [(OUT + K - 1,), (K,), (3,)]
        assert graph.output.axes == (OUT,)

    def test_a_declaration_may_come_after_its_use(self) -> None:
        assert node("f = sum(x)\nx: [n]").expr == total(real("x", Index("i", n)), Index("i", n))

    def test_pi_is_the_constant_unless_it_is_given_a_meaning(self) -> None:
        assert node("f = 2*pi*r").expr == 2 * pi * real("r")
        assert [i.name for i in read("pi: [C]\nt: label[C]\nf = log(pi[t])").inputs] == ["pi", "t"]


class TestStatements:
    def test_definitions_may_share_a_line_and_a_definition_may_take_several(self) -> None:
        assert [n.name for n in read("t1 = u + v; f = t1*w").nodes] == ["t1", "f"]
        assert shown(node("f = (u +  # the first\n     v)*w  # and w").body) == "((u + v) * w)"

    def test_blank_lines_comments_and_indentation_do_not_matter(self) -> None:
        assert shown(node("\n   # f\n\n   f = u  # ' ^ \u200b\r\n\t\n").body) == "u"

    def test_greek_names(self) -> None:
        assert [i.name for i in read("ŷ = μ".replace("ŷ", "y") + " + σ*ε").inputs] == ["μ", "σ", "ε"]

    def test_numbers_are_exact_and_keep_their_digits(self) -> None:
        tree = node("f = 4.1*x + 0.30 + 1e-3").body
        assert shown(tree) == "(((4.1 * x) + 0.30) + 1e-3)"
        assert node("f = 4.1*x").expr == Rational(41, 10) * real("x")

    def test_terms_stay_as_typed(self) -> None:
        assert shown(node("f = b + a - (c - a) + 0*x").body) == "(((b + a) - (c - a)) + (0 * x))"

    def test_the_source_is_kept(self) -> None:
        assert read("f = u").source == "f = u"


class TestIndices:
    def test_hinge(self) -> None:
        j, t = Index("j", C), Label(Element(Symbol("t", integer=True, nonnegative=True)), C)
        graph = read(HINGE)
        assert shown(graph.output.body) == "sumj|j != t max(0, ((s[j] - s[t]) + 1))"
        assert graph.output.surface is None
        assert graph.output.expr == total(Differ(j, t) * Maximum(0, real("s", j) - real("s", t) + 1), j)
        assert graph.letters == ((C, ("j",)),)

    def test_indices_on_the_left_name_the_entry(self) -> None:
        softmax = node("z: [n]\np[i] = exp(z[i])/sum(exp(z[k]) for k in n)")
        i, k = Index("i", n), Index("k", n)
        assert softmax.indices == (i,)
        assert softmax.surface is None
        assert softmax.expr == exp(real("z", i)) / total(exp(real("z", k)), k)

    def test_several_indices_and_conditions(self) -> None:
        tree = node("W: [n, n]\nf = sum(W[i, j] for i in n for j in n if i < j and j != 0 if W[i, j] > 0)").body
        assert shown(tree) == "sumij|i < j|j != 0|W[i,j] > 0 W[i,j]"

    def test_an_axis_may_be_a_number(self) -> None:
        assert shown(node("x: [3]\nf = sum(x[i] for i in 3)").body) == "sumi x[i]"

    def test_an_index_or_a_size_may_be_used_as_a_number(self) -> None:
        graph = node("x: [n]\nf = sum(i*x[i] for i in n)/n")
        i = Index("i", n)
        assert shown(graph.body) == "(sumi (<i> * x[i]) / <n>)"
        assert graph.expr == total(i * real("x", i), i) / n

    def test_affine_indices_tell_the_axis_of_the_index(self) -> None:
        pooled = node("x: [s*(O - 1) + K]\ny[o] = max(x[s*o + k] for k in K)")
        assert pooled.axes == (OUT,)
        assert node("x: [n]\nd[i] = x[i + 1]").axes == (n - 1,)
        assert node("x: [n]\nr[i] = x[n - 1 - i]").axes == (n,)

    def test_labels_of_examples(self) -> None:
        body = node("P: [N, C]\nt: label[N, C]\nL = mean(-log(P[i, t[i]]) for i in N)").expr
        i = Index("i", N)
        label = Label(Element(Symbol("t", integer=True, nonnegative=True), i), C)
        assert body == total(-log(real("P", i, label)), i) / N

    def test_the_first_largest_entry_is_a_label(self) -> None:
        graph = read("z: [n]\nk = argmax(z)\nf = z[k]")
        i = Index("i", n)
        assert graph.nodes[0].expr == total(real("z", i), i, kind=ArgMax)
        assert graph.output.expr == real("z", Label(graph.nodes[0].element, n))
        rows = read("Z: [m, n]\nk[i] = argmax(Z[i, j] for j in n)\nf[i] = Z[i, k[i]]")
        assert shown(rows.output.body) == "Z[i,k[i]]"


class TestTensorNotation:
    def test_a_matrix_product_and_a_sum(self) -> None:
        graph = read("W: [m, n]\nx: [n]\nb: [m]\na = W @ x + b")
        assert shown(graph.output.surface) == "((W @ x) + b)"
        assert shown(graph.output.body) == "(sumj (W[i,j] * x[j]) + b[i])"
        assert [[str(i) for i in x.indices] for x in graph.inputs] == [["i", "j"], ["j"], ["i"]]
        i, j = Index("i", m), Index("j", n)
        assert graph.output.expr == total(real("W", i, j) * real("x", j), j) + real("b", i)

    def test_the_letters_do_not_depend_on_the_order_of_declarations(self) -> None:
        assert shown(node("x: [n]\nb: [m]\nW: [m, n]\na = W @ x + b").body) == "(sumj (W[i,j] * x[j]) + b[i])"

    @pytest.mark.parametrize(
        ("formula", "body"),
        [
            ("x @ y", "sumi (x[i] * y[i])"),
            ("x.T @ y", "sumi (x[i] * y[i])"),
            ("x @ A", "sumj (x[j] * A[j,i])"),
            ("A @ B", "sumk (A[i,k] * B[k,j])"),
            ("A.T @ A", "sumk (A[k,i] * A[k,j])"),
            ("(A @ B).T", "sumk (A[j,k] * B[k,i])"),
            ("x @ A @ y", "sumj (sumi (x[i] * A[i,j]) * y[j])"),
            ("A*x", "(A[i,j] * x[j])"),
            ("A + 1", "(A[i,j] + 1)"),
            ("sum(A*x)", "sumij (A[i,j] * x[j])"),
            ("mean((x - y)**2)", "meani ((x[i] - y[i]) ** 2)"),
            ("max(0, x)", "max(0, x[i])"),
            ("max(x)", "maxi x[i]"),
            ("where(x > 0, x, -y)", "where(x[i] > 0, x[i], -y[i])"),
            ("x/sum(x)", "(x[i] / sumj x[j])"),
            ("sigmoid(A)", "sigmoid(A[i,j])"),
            ("A @ (A @ x)", "sumj (A[i,j] * sumk (A[j,k] * x[k]))"),
            ("x[0]*y", "(x[0] * y[i])"),
            ("sum(x[j] for j in n)*(A @ y)", "(sumj x[j] * sumj (A[k,j] * y[j]))"),
        ],
    )
    def test_whole_tensors_become_entries(self, formula: str, body: str) -> None:
        declared = {"x": "x: [n]", "y": "y: [n]", "A": "A: [n, n]", "B": "B: [n, n]"}
        used = "\n".join(text for name, text in declared.items() if name in formula)
        found = shown(node(f"{used}\nf = {formula}").body)
        assert found == body

    def test_a_definition_without_tensors_has_no_surface(self) -> None:
        assert node("f = (u + v)*w").surface is None
        assert node(HINGE).surface is None

    def test_a_whole_reduction_has_no_indices_on_the_surface(self) -> None:
        assert shown(node("y: [n]\np: [n]\nL = -sum(y*log(p))").surface) == "-sum (y * log(p))"

    def test_a_smaller_tensor_takes_the_last_axes(self) -> None:
        assert shown(node("X: [N, n]\nb: [n]\nA = X + b").body) == "(X[i,j] + b[j])"


class TestLowering:
    @pytest.mark.parametrize(
        ("formula", "term"),
        [
            ("u/v - 2**u", real("u") / real("v") - 2 ** real("u")),
            ("u**-1 + v**(1/2)", 1 / real("u") + sqrt(real("v"))),
            ("min(u, v)", -Maximum(-real("u"), -real("v"))),
            ("where(u > v, u, 1)", Where(Positive(real("u") - real("v")), real("u"), 1)),
            ("where(u >= v, u, 1)", Where(1 - Positive(real("v") - real("u")), real("u"), 1)),
            ("where(u < v, u, 1)", Where(Positive(real("v") - real("u")), real("u"), 1)),
            ("tanh(u) + abs(v)", tanh(real("u")) + abs(real("v"))),
        ],
    )
    def test_scalars(self, formula: str, term: Any) -> None:
        assert node(f"f = {formula}").expr == term

    def test_constants_are_compared_at_once(self) -> None:
        assert node("f = where(max(1, 2) > sqrt(3), u, 1)").expr == real("u")
        assert node("f = where(1 >= 2, u, 1) + min(2, 3)").expr == 3

    def test_reductions(self) -> None:
        j, x = Index("j", n), real("x", Index("j", n))
        below = Below(j, Integer(2))
        cases = {
            "sum(x[j] for j in n if j < 2)": total(below * x, j),
            "mean(x[j] for j in n)": total(x, j) / n,
            "mean(x[j] for j in n if j < 2)": total(below * x, j) / total(below, j),
            "max(x[j] for j in n if j < 2)": total(Where(below, x, -oo), j, kind=Largest),
            "min(x[j] for j in n)": -total(-x, j, kind=Largest),
            "min(x[j] for j in n if j < 2)": -total(Where(below, -x, -oo), j, kind=Largest),
            "prod(x[j] for j in n if j <= 2)": total(Where(AtMost(j, Integer(2)), x, 1), j, kind=Product),
            "argmax(x[j] for j in n)": total(x, j, kind=ArgMax),
            "sum(where(j == 0, x[j], 1) for j in n)": total(Where(Delta(j, Integer(0)), x, 1), j),
        }
        for formula, term in cases.items():
            assert node(f"x: [n]\nf = {formula}").expr == term, formula

    def test_a_function_of_the_library_keeps_its_name(self) -> None:
        f = node("f = sigmoid(u) + silu(u)")
        sigmoid = library.function("sigmoid")
        assert sigmoid is not None
        assert f.expr.has(sigmoid)
        assert sigmoid(real("u")).unfolded == 1 / (1 + exp(-real("u")))
        assert shown(f.body) == "(sigmoid(u) + silu(u))"


class TestLibraryCalls:
    def test_a_definition_is_expanded_and_takes_the_name_that_the_author_gives(self) -> None:
        graph = read(NETWORK)
        assert [(n.name, n.call, n.inner) for n in graph.nodes] == [
            ("a", "", False),
            ("h", "", False),
            ("z", "softmax", True),
            ("p", "softmax", False),
            ("L", "", False),
        ]
        surfaces = ["((W @ x) + b)", "relu(a)", "((V @ h) + c)", "softmax(((V @ h) + c))", ""]
        assert [shown(n.surface) for n in graph.nodes] == surfaces
        assert [shown(n.body) for n in graph.nodes][1:] == [
            "relu(a[i])",
            "(sumi (V[k,i] * h[i]) + c[k])",
            "(exp(z[k]) / suml exp(z[l]))",
            "-log(p[t])",
        ]
        assert graph.letters == ((m, ("i",)), (n, ("j",)), (C, ("k", "l")))

    def test_a_plain_name_is_substituted_and_letters_are_those_of_the_author(self) -> None:
        graph = read("q: [C]\nr[j] = q[j]\np = softmax(r)")
        assert shown(graph.output.body) == "(exp(r[j]) / sumk exp(r[k]))"
        assert shown(graph.output.surface) == "softmax(r)"

    def test_names_of_inner_nodes_are_new(self) -> None:
        graph = read("x: [n]\nu: [n]\np = softmax(2*x)\nz = 3\nq = softmax(3*u)\nz2 = 1")
        assert [n.name for n in graph.nodes] == ["z3", "p", "z", "z4", "q", "z2"]

    def test_a_nested_call_is_brought_in_once(self) -> None:
        graph = read("z: [C]\nt: label[C]\nf = nll(softmax(z), t) + sum(softmax(z))")
        assert [n.name for n in graph.nodes] == ["p", "L", "f"]
        assert shown(graph.output.body) == "(L + sumi p[i])"
        assert shown(graph.output.surface) == "(nll(softmax(z), t) + sum softmax(z))"

    def test_leading_axes_are_examples(self) -> None:
        graph = read("Z: [N, C]\nt: label[N, C]\nL = mean(nll(softmax(Z), t))")
        assert [(n.name, n.axes, shown(n.body)) for n in graph.nodes] == [
            ("p", (N, C), "(exp(Z[i,j]) / sumk exp(Z[i,k]))"),
            ("L2", (N,), "-log(p[i,t[i]])"),
            ("L", (), "meani L2[i]"),
        ]

    def test_only_some_arguments_may_have_examples(self) -> None:
        assert shown(node("X: [N, n]\nW: [m, n]\nb: [m]\nA = affine(W, X, b)").body) == "(sumk (W[j,k] * X[i,k]) + b[j])"

    def test_a_call_inside_a_sum_is_mapped_over_its_index(self) -> None:
        graph = read("z: [N]\ny: [N]\nL = mean(binary_cross_entropy(2*z[i], y[i]) for i in N)")
        assert [(n.name, n.axes, shown(n.body)) for n in graph.nodes] == [
            ("z2", (N,), "(2 * z[i])"),
            ("p", (N,), "sigmoid(z2[i])"),
            ("L2", (N,), "-((y[i] * log(p[i])) + ((1 - y[i]) * log((1 - p[i]))))"),
            ("L", (), "meani L2[i]"),
        ]

    def test_numbers_are_put_in(self) -> None:
        graph = read("a: [n]\nb: [n]\nL = huber(a, b, 1.50)")
        assert "1.50" in shown(graph.output.body)
        assert [(x.name, x.call) for x in graph.nodes] == [("e", "huber"), ("L", "huber")]

    def test_sizes_follow_from_the_arguments(self) -> None:
        assert node("x: [n]\nw: [K]\ny = conv1d(x, w, 0)").axes == (n - K + 1,)
        assert node("x: [s*(O - 1) + K]\ny = max_pool1d(x)").axes == (OUT,)
        assert node("x: [7]\nw: [3]\ny = conv1d(x, w, 0)").axes == (5,)

    def test_a_label_without_classes_gets_those_of_the_call(self) -> None:
        assert read("p: [C]\nt: label\nL = nll(p, t)").inputs[1].classes == C

    def test_the_same_names_on_both_sides_do_not_mix(self) -> None:
        graph = read("n: label[C]\nz: [k, C]\nL = nll(softmax(z), n2)\nn2: label[k, C]\nq = z[0, n]*sum(L)")
        assert shown(graph.nodes[1].body) == "-log(p[i,n2[i]])"

    def test_indices_of_the_library_are_not_captured(self) -> None:
        graph = read("Z: [n, n]\nP = softmax(Z)\nL = sum(P[k, i]*Z[i, k] for i in n for k in n)")
        assert shown(graph.nodes[0].body) == "(exp(Z[i,k]) / suml exp(Z[i,l]))"
        i, k, bound = (Index(letter, n) for letter in ("i", "k", "b"))
        assert graph.nodes[0].expr == exp(real("Z", i, k)) / total(exp(real("Z", i, bound)), bound)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-x.T @ A @ x", "-(x.T @ A @ x)"),
        ("2*x.T @ A @ x", "2*(x.T @ A @ x)"),
        ("a*x.T/3 @ y", "a*(x.T @ y)/3"),
        ("x.T*a @ A @ y + 1", "(x.T @ A @ y)*a + 1"),
    ],
)
def test_a_number_before_a_row_stands_before_the_whole_product(typed: str, meant: str) -> None:
    declared = "A: [n, n]; x: [n]; y: [n]; a: real; b = a*sum(A @ y); f = "
    assert read(declared + typed).output.body == read(declared + meant).output.body


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("x @ y.T", lambda A, x, y: np.outer(x, y)),
        ("2*x @ y.T/4 - A", lambda A, x, y: np.outer(x, y) / 2 - A),
        ("A @ y @ (x.T @ A).T", lambda A, x, y: np.outer(A @ y, x @ A)),
        ("(x.T @ A) @ x.T @ A", lambda A, x, y: np.outer(x @ A, x) @ A),
        ("x @ y.T @ y", lambda A, x, y: x * (y @ y)),
    ],
)
def test_a_column_times_a_row_is_the_outer_product(typed: str, meant: Any) -> None:
    A, x, y = np.array([[1.0, 2], [0.5, -1], [3, 0]]), np.array([1.0, -2, 4]), np.array([0.5, 3])
    graph = read(f"A: [m, n]; x: [m]; y: [n]; z = sum(x) + sum(y) + sum(A); f = {typed}")
    values = forward(graph, {s: {"m": 3, "n": 2}[s.name] for s in graph.sizes}, {"A": A, "x": x, "y": y})
    np.testing.assert_array_equal(values.array(graph.output.expr, graph.output.indices), meant(A, x, y))


def test_an_exponent_may_be_a_difference_of_indices_or_of_names() -> None:
    graph = read("x: [n]; y: [n]; k: positive; a: positive; y[i] = sum(x[j]*a**(i - j) for j in n if j <= i) + a**(k - 1)")
    assert {str(power.exp) for power in graph.output.expr.atoms(Pow) if power.base.name == "a"} >= {"k - 1"}


class TestLetters:
    def test_the_letters_of_the_author_in_their_order(self) -> None:
        assert read("z: [n]\np[i] = exp(z[i])/sum(exp(z[k]) for k in n)").letters == ((n, ("i", "k")),)

    def test_further_letters_follow_the_last(self) -> None:
        assert read("W: [n, n]\nx: [n]\ny = W @ x").letters == ((n, ("i", "j")),)

    def test_letters_that_are_names_are_skipped(self) -> None:
        graph = read("W: [m, n]\nj: [n]\nk: [m]\nl = W @ j + k*i")
        assert graph.letters == ((m, ("p",)), (n, ("q",)))

    def test_every_axis_has_a_letter(self) -> None:
        assert dict(read("z: [C]\nt: label[C]\nf = z[t]").letters) == {C: ("i",)}

    def test_the_entries_of_an_input_have_different_letters(self) -> None:
        graph = read("T: [n, n, n]\nf[i] = sum(T[i, j, i] for j in n)")
        assert len({index.name for index in graph.inputs[0].indices}) == 3


# ---------------------------------------------------------------- properties

SCALARS = st.sampled_from(["u", "v", "alpha", "x[i]", "x[t]", "W[i, 0]", "n", "i", "1", "0.5", "2.30"])


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["exp", "tanh", "sigmoid", "relu", "softplus", "abs", "-"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(inner, inner).map(lambda p: f"max({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"where({p[0]} > 0, {p[1]}, 1)"),
        inner.map(lambda body: f"({body})**2"),
        inner.map(lambda body: f"sum(x[j]*{body} for j in n if j != t)"),
    )


@given(st.recursive(SCALARS, _calls, max_leaves=8))
def test_well_formed_definitions_are_read(formula: str) -> None:
    text = f"x: [n]\nW: [n, 2]\nt: label[n]\ny[i] = {formula} + x[i]*W[i, 1]*x[t]"
    graph, error = read_or_refusal(text)
    if graph is None:  # no real value, or an enormous one; an index twice, or compared with what may be no integer
        refusals = ("real value", "no value", "too large", "in use", "Only a positive number", "compared with", "add and compare")
        assert any(word in error for word in refusals), (text, error)
    else:
        assert graph.output.axes == (n,)
        assert read.__wrapped__(text) == graph


Valued = tuple[str, Any]
"""A formula and its value by NumPy."""

TENSORS = {
    "A": np.array([[1, -2], [3, 0.5]]),
    "B": np.array([[1, 2], [-1, 0.25], [2, -3]]),
    "x": np.array([0.5, -1.5]),
    "y": np.array([2.0, -0.75, 1]),
    "c": np.array(1.5),
}
DECLARED = "A: [n, n]\nB: [m, n]\nx: [n]\ny: [m]\n"


def _tensors(inner: st.SearchStrategy[Valued]) -> st.SearchStrategy[Valued]:
    def combined(operator: str, a: Valued, b: Valued) -> Valued:
        text = f"({a[0]} {operator} {b[0]})"
        match operator:
            case "@":
                return text, a[1] @ b[1]
            case "+":
                return text, a[1] + b[1]
            case "-":
                return text, a[1] - b[1]
        return text, a[1] * b[1]

    def joins(operator: str, a: Valued, b: Valued) -> bool:
        if operator == "@":
            return bool(a[1].ndim and b[1].ndim and a[1].shape[-1] == b[1].shape[0])
        short, long = sorted((a[1].shape, b[1].shape), key=len)
        return bool(long[len(long) - len(short) :] == short)

    def small(value: Valued) -> bool:
        return len(value[0]) < 200 and float(np.abs(value[1]).max()) < 1e6

    both = st.tuples(st.sampled_from("+-*@@"), inner, inner).filter(lambda p: joins(*p)).map(lambda p: combined(*p))
    return st.one_of(
        both,
        both.filter(lambda v: v[1].ndim == 2).map(lambda v: (f"{v[0]}.T", v[1].T)),
        inner.map(lambda v: (f"max(0, {v[0]})", np.maximum(0, v[1]))),
        inner.filter(lambda v: v[1].ndim > 0).map(lambda v: (f"sum({v[0]})", np.sum(v[1]))),
        inner.filter(lambda v: v[1].ndim > 0).map(lambda v: (f"mean({v[0]})", np.mean(v[1]))),
        inner.filter(lambda v: v[1].ndim > 0).map(lambda v: (f"max({v[0]})", np.max(v[1]))),
    ).filter(small)


@given(st.recursive(st.sampled_from(list(TENSORS.items())), _tensors, max_leaves=6))
def test_tensor_notation_means_what_numpy_says(case: Valued) -> None:
    formula, expected = case
    graph = read(f"{DECLARED}f = {formula}\nz = sum(A) + sum(B) + sum(x) + sum(y) + c")
    point = bind(graph, TENSORS)
    found = forward(graph, point.sizes, point.arrays).arrays["f"]
    np.testing.assert_allclose(np.array(found, dtype=float), expected, rtol=1e-12, atol=1e-9)


@given(st.text(max_size=60))
def test_junk_raises_nothing_but_our_error(text: str) -> None:
    read_or_refusal(text)


WORDS = "f x W u [n] [i,j] = : + - * / ** @ ( ) [ ] , . T sum for in if where max 0 1.5 9 != < \n ; label[C] t softmax ~ λ ² ' \t"


@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=25).map(" ".join))
def test_words_in_any_order_raise_nothing_but_our_error(text: str) -> None:
    read_or_refusal(text)
    read_or_refusal("x: [n]\nf = sum(x)*" + text)


def read_or_refusal(text: str) -> tuple[Graph | None, str]:
    """The graph, or else the error as shown, which points into the text."""
    refused: DeriveError | None = None
    try:
        return read(text), ""
    except DeriveError as error:
        refused = error
    if refused.place is not None:
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert 1 <= refused.place.line <= len(lines)
        assert 0 <= refused.place.start <= len(lines[refused.place.line - 1])
    return None, str(refused)


@given(st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=1))
def test_integers_are_read_exactly(value: Fraction) -> None:
    assert node(f"f = x + {abs(value)}").expr - real("x") == abs(value)
