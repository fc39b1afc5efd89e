"""Constants are held: no derivative by them is shown unless it is asked for; and sections go from the output back."""

from __future__ import annotations

import pickle

import pytest

import derive
from derive.derivation.choice import derivations
from derive.errors import DeriveError
from derive.proof.proof import prove

SCALED = "x: [n]; g: [n]; eps: positive constant; r: constant[n]; v = mean(x**2); y = g*r*x/sqrt(v + eps); L = sum(y**2)"


def by(source: str, *wrt: str) -> list[str]:
    return [d.wrt for d in derivations(derive.graph(source), wrt)]


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ("c: constant", "real"),
        ("c: real constant", "real"),
        ("c: positive constant", "positive"),
        ("c: positive   constant[n]", "positive"),
        ("c: constant[n]", "real"),
        ("c: onehot constant[n]", "onehot"),
        ("c: probability constant[n]", "probability"),
    ],
)
def test_a_kind_may_be_constant(declaration: str, kind: str) -> None:
    given = derive.graph(f"x: [n]; {declaration}; L = sum(c*x)").inputs[1]
    assert (given.name, given.kind, given.constant) == ("c", kind, True)
    assert pickle.loads(pickle.dumps(given)) == given


def test_no_derivative_by_a_constant_is_shown_unless_it_is_asked_for() -> None:
    assert by(SCALED) == ["y", "g", "v", "x"]
    assert "eps" in by(SCALED, "eps")
    found = derive.graph(SCALED).derive(wrt="eps")
    assert prove(found).derivation.result != 0
    assert derive.graph("w: real; c: constant; L = w*c").derive().wrt == "w"


def test_what_is_computed_from_constants_alone_is_held_too() -> None:
    assert by("x: real; a: constant; b: positive constant; s = a/b; L = s*x") == ["x"]
    assert by("x: real; a: real; s = a/2; L = s*x") == ["x", "s", "a"]


def test_constants_are_held_for_every_example_and_in_second_derivatives() -> None:
    graph = derive.graph("x: [n]; w: [n]; y: constant; L = (w @ x - y)**2")
    many = graph.batched("x", "y")
    assert [i.name for i in many.inputs if i.constant] == ["y"]
    assert {(d.of, d.wrt) for d in derivations(graph, order=2)} == {
        ("L", "x"), ("∂L/∂x", "x"), ("L", "w"), ("∂L/∂x", "w"), ("∂L/∂w", "w"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("t: label constant[C]; s: [C]; L = s[t]", "A label is no constant"),
        ("c: positiv constant; L = c**2", "positiv constant is not a kind of tensor."),
        ("c: constant; x: real; c = x", "whether it is a constant"),
        ("constant: [n]; L = sum(constant)", "constant is a word of the language."),
    ],
)
def test_what_is_no_constant_is_refused(source: str, message: str) -> None:
    with pytest.raises(DeriveError, match=message.replace(".", r"\.")):
        derive.graph(source)


def test_sections_go_from_the_output_back_each_input_behind_what_uses_it() -> None:
    assert by("softmax_regression") == ["Omega", "P", "Z", "X", "W", "b"]
    assert by("x: [n]; W: [m, n]; b: [m]; v: [m]; a = W @ x + b; h = tanh(a); L = v @ h") == ["v", "h", "a", "W", "x", "b"]


def test_jacobians_are_shown_where_all_of_them_are_finished() -> None:
    jacobians = [d.wrt for d in derivations(derive.graph("layer_norm")) if d.subject.output.indices]
    assert jacobians == ["gamma", "beta", "x"]
    assert not [d for d in derivations(derive.graph("lstm_cell")) if d.subject.output.indices]
    assert [d.wrt for d in derivations(derive.graph("lstm_cell"), ["b_o"]) if d.subject.output.indices] == ["b_o"]
