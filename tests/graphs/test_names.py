"""Names that are made up mean nothing yet: neither a tensor nor a size is called so."""

from __future__ import annotations

import pytest

import derive
from derive.derivation.sweep import seeded
from derive.values.operations import by_operation


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x: [n]\ny = x**2", ("g", "L")),
        ("x: [g]\ny = x**2", ("G", "L")),
        ("L: size\ng: size\nx: [n]\ny = L*g*x", ("G", "loss")),
        ("z: [K, G]\nt: label[g]\nw: [g]\ny[k] = sum(z[k, j] for j in G) + w[t]", ("upstream", "L")),
    ],
)
def test_a_loss_and_its_gradient_are_called_like_nothing_else(text: str, names: tuple[str, str]) -> None:
    graph = derive.graph(text)
    whole, loss = seeded(graph, graph.output.name)
    assert (whole.upstream, loss) == names
    assert not graph.taken & set(names)


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("y = exp(x)*x", "t"),
        ("y = exp(x)*x + t_2", "q"),
        ("y = exp(x)*x + t1 + q1 + r1 + v1 + tmp1", "t1"),
    ],
)
def test_the_result_of_an_operation_is_called_like_nothing_else(text: str, stem: str) -> None:
    graph = derive.graph(text)
    made = [node.name for node in by_operation(graph).nodes if node.inner]
    assert made[0] == f"{stem}1"
    assert not graph.taken & set(made)
