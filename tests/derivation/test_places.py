"""Where a definition bends, and what does not move: kinks that count and kinks that do not, arg max, and what a fault prints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import derive
from cases.places import ARG_MAX, EVERYWHERE_A_PLACE_WITHOUT_KINK
from derive.derivation.choice import derivations
from derive.derivation.sweep import derivation
from derive.errors import DeriveError, ProofError
from derive.graphs.graph import Graph
from derive.proof.certificate import certify
from derive.proof.gradcheck import Checked
from derive.proof.kinks import at_kink
from derive.proof.proof import prove
from derive.teaching.blocks import checks
from derive.teaching.formats.terminal import words
from derive.teaching.page import Page
from derive.values.evaluator import forward


def opened(text: str) -> Graph:
    return replace(derive.graph(text))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("text", EVERYWHERE_A_PLACE_WITHOUT_KINK)
def test_a_kink_between_an_entry_and_itself_is_none(text: str) -> None:
    import torch

    graph = opened(text)
    assert prove(graph.derive("f", "x")).error < 1e-25
    x = torch.tensor([0.7, -1.3, 2.1], dtype=torch.float64, requires_grad=True)
    EVERYWHERE_A_PLACE_WITHOUT_KINK[text](torch, x).backward()
    assert x.grad is not None
    assert np.allclose(graph.at(x=[0.7, -1.3, 2.1]).grad["x"], x.grad.numpy(), rtol=1e-12)


@pytest.mark.needs("torch")
def test_a_mask_inside_a_hinge_has_no_kink_where_it_is_nothing_for_every_score() -> None:
    """The vectorised hinge loss: the entry of the right class is max(0, 0), whatever the scores are."""
    import torch

    graph = opened("o: onehot[C]\ns: [C]\nf = sum(max(0, (s - s@o + 1)*(1 - o)))")
    for name in ("s", "o"):
        assert prove(graph.derive("f", name)).error < 1e-25
    at = {"s": [2.3, 4.1, -2.1], "o": [1.0, 0.0, 0.0]}
    s, o = (torch.tensor(at[name], dtype=torch.float64, requires_grad=True) for name in "so")
    ((s - s @ o + 1) * (1 - o)).relu().sum().backward()
    run = graph.at(**at)
    for name, tensor in (("s", s), ("o", o)):
        assert tensor.grad is not None
        assert np.allclose(run.grad[name], tensor.grad.numpy(), rtol=1e-12)


def test_a_kink_that_moves_with_a_result_on_the_way_counts() -> None:
    """x - m is 0 for the largest entry whatever x is, but not as m moves by itself: ∂f/∂m is that of a side."""
    with pytest.raises(ProofError, match=r"f lies at a kink at every point that was drawn"):
        prove(opened("x: [n]\nm = max(x)\nf = sum(relu(x - m))").derive("f", "m"))


def test_values_beyond_a_float_are_met_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    graph = opened("f = abs(exp(x) - 1)")
    point = forward(graph, {}, {"x": np.array(10**5, dtype=object)})
    assert not at_kink(point, graph.output)
    assert not recwarn.list


def test_two_sides_that_are_one_have_no_kink() -> None:
    graph = opened("f = max(s, s)")
    assert prove(graph.derive("f", "s")).derivation.result == 1


@pytest.mark.parametrize(
    ("text", "x", "kink"),
    [
        ("x: [n]\nf = sum(abs(x[i] - x[j]) for i in n for j in n)", [1, 2, 1], True),
        ("x: [n]\nf = sum(abs(x[i] - x[j]) for i in n for j in n)", [1, 2, 3], False),
        ("x: [n]\nf = sum(abs(x[i] - x[j]) for i in n for j in n if j == i + 1)", [1, 2, 1], False),
        ("x: [n]\nf = sum(abs(x[i] - x[j]) for i in n for j in n if j == i + 1)", [1, 1, 2], True),
        ("x: [n]\nf = max(x)", [2, 1, 2], True),
        ("x: [n]\nf = sum(sqrt((x[i] - x[j])**2) for i in n for j in n)", [1, 2, 3], False),
        ("x: [n]\ny[i] = sqrt(abs(x[i]))", [0, 2, 3], True),
        ("x: [n]\nk = argmax(x)", [2, 1, 2], True),
        ("x: [n]\nf = sum(relu(x - max(x)))", [1, 2, 3], False),
        ("x: [n]\nf = sum(relu(x - max(x)))", [1, 3, 3], True),
        ("x: [n]\nf = sum(relu(relu(x)))", [-1, 2, 3], False),
        ("x: [n]\nf = sum(relu(relu(x)))", [0, 2, 3], True),
        ("x: [n]\nf = max(relu(x))", [-1, -2, -3], False),
        ("x: [n]\nf = max(relu(x))", [-1, -2, 0], True),
    ],
)
def test_a_kink_counts_where_its_condition_holds(text: str, x: list[int], kink: bool) -> None:
    graph = opened(text)
    sizes = dict.fromkeys(graph.sizes, 3)
    point = forward(graph, sizes, {"x": np.array(x, dtype=object)})
    assert at_kink(point, graph.output) is kink


# ---------------------------------------------------------------- arg max


@pytest.mark.needs("torch")
@pytest.mark.parametrize("text", ARG_MAX)
def test_an_arg_max_is_no_step_of_the_sweep(text: str) -> None:
    import torch

    graph = opened(text)
    assert {found.wrt for found in derivations(graph)} == {"x"}
    assert certify(opened(text)).passed
    x = torch.tensor([0.7, -1.3, 1.1], dtype=torch.float64, requires_grad=True)
    ARG_MAX[text](torch, x).backward()
    point = replace(graph)
    found = point.derive("f", "x")
    values = forward(point, dict.fromkeys(point.sizes, 3), {"x": np.array([0.7, -1.3, 1.1], dtype=object)})
    assert x.grad is not None
    assert np.allclose(values.array(found.result, found.indices).astype(float), x.grad.numpy(), rtol=1e-12)


def test_nothing_is_differentiated_by_an_arg_max() -> None:
    graph = opened("x: [n]\nk = argmax(x)\nf = x[k]**2")
    for order in (1, 2):
        with pytest.raises(DeriveError, match="k is an index: it takes whole numbers"):
            graph.derive("f", "k", order=order)
    with pytest.raises(DeriveError, match="k is an index"):
        derivations(graph, ["k"])


def test_a_whole_number_that_is_no_index_may_be_differentiated_by() -> None:
    assert derivation(opened("c = 2\nf = c*x"), "f", "c").result.name == "x"


# ---------------------------------------------------------------- what is printed


def test_a_fault_prints_the_line_as_a_page_does() -> None:
    found = opened("W: [m, n]\nh: [n]\na = relu(W @ h)\nL = sum(a**2)").derive("L", "W")
    wrong = replace(found, steps=(replace(found.steps[0], line=-found.steps[0].line), *found.steps[1:]))
    with pytest.raises(ProofError) as caught:
        prove(wrong)
    assert "−Σ_k ∂L/∂a_k ∂a_k/∂W_ij" in caught.value.hint
    assert "@" not in str(caught.value)
    assert "Sum" not in str(caught.value)


def test_orders_have_one_decimal_each() -> None:
    done = Checked(None, ((1, 1e-2, None), (2, 1e-4, 2.0), (3, 9.8e-7, 2.0101), (4, 1e-8, 1.96)))  # type: ignore[arg-type]
    table = checks._orders(done, Page())
    assert [str(words(row[2])) for row in table.rows] == ["", "2.0", "2.0", "2.0"]
