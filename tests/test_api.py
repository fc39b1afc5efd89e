"""What a user holds: the methods of graphs, runs and derivations, and what a notebook shows of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

import derive
from derive import api
from derive.language import library

SCALARS = "f = (u + v)*w"
CROSS_ENTROPY = "z: [C]; y: onehot[C]; p = softmax(z); L = -sum(y*log(p))"


def test_all_that_comes_of_a_graph_is_held_by_the_user() -> None:
    graph = derive.graph(CROSS_ENTROPY)
    second = graph.derive(wrt="z", order=2)
    assert [type(held) for held in (graph, graph.batched("z", "y"), graph.derive(wrt="z"), second, second.gradient)] == [
        api.Graph,
        api.Graph,
        api.Derivation,
        api.SecondDerivation,
        api.Derivation,
    ]
    assert isinstance(graph.at(z=[1, 2], y=[1, 0]), api.Run)
    assert (second.matrix, second.gradient.matrix) == (r"\operatorname{diag}(p) - pp^{\top}", "p - y")
    assert replace(graph, shown=()).derive(wrt="z").numpy == "(p - y)"


def test_one_text_gives_one_graph_and_the_house_gives_data() -> None:
    assert derive.graph(SCALARS) is derive.graph(SCALARS)
    assert not isinstance(library.load("softmax"), api.Graph)
    assert isinstance(derive.graph("softmax"), api.Graph)


def test_a_notebook_shows_a_graph_a_run_and_a_derivation() -> None:
    graph = derive.graph(SCALARS)
    run, found = graph.at(u=2, v=3, w=4), graph.derive("f", "w")
    assert graph._repr_svg_().startswith("<?xml")
    assert graph._repr_latex_() == r"$\begin{gathered}f = (u + v)w\end{gathered}$"
    assert run._repr_svg_() != graph._repr_svg_()
    assert "20" in run._repr_markdown_()
    assert "a constant factor comes out" in found._repr_markdown_()
    assert found._repr_latex_().startswith("$\\displaystyle \\begin{aligned}")


def test_a_notebook_says_of_a_hessian_what_a_page_says() -> None:
    shown = derive.graph(CROSS_ENTROPY).derive(wrt="z", order=2)._repr_markdown_()
    assert "The Hessian is symmetric." in shown


@pytest.mark.parametrize("text", ["W: [m, n]; h: [n]; b: [m]; a = W @ h + b", "softmax", "mlp"])
def test_a_notebook_shows_tensors(text: str) -> None:
    graph = derive.graph(text)
    assert graph._repr_svg_()
    assert graph._repr_latex_()
    for given in (i.name for i in graph.inputs if i.differentiable):
        assert graph.derive("", given, upstream=bool(graph.output.axes))._repr_markdown_()
