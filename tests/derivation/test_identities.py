"""Classic identities of matrix calculus, derived from their definitions and printed as in a book.

Each is checked three ways: the printed form is the one a book prints; its NumPy code gives what the book's formula,
written by hand, gives; and both give what PyTorch's automatic differentiation gives.  `docs/identities.md` shows them all.

Sources: PC, Petersen and Pedersen, The Matrix Cookbook (2012), by section; GBC, Goodfellow, Bengio and Courville, Deep
Learning (2016); HTF, Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009).
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest

from cases.cookbook import COOKBOOK, NOT_DERIVED
from cases.identities import IDENTITIES as OTHERS
from cases.identities import Array, Identity, graph_of, sigmoid, softmax
from derive.calculus.matrix_form import matrix_form
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import expanded
from derive.graphs.graph import Graph, Node
from derive.notation import matrices
from derive.notation.context import context_of
from derive.notation.definitions import definition, layout
from derive.notation.layout import EQUALS, Layout, latex, row, text
from derive.proof.proof import prove
from derive.teaching.blocks.gradient import matrix_side
from derive.values.evaluator import forward
from derive.values.number_systems import FLOAT
from oracles.rendering import Formula, web_errors

PAGE = Path(__file__).parents[2] / "docs" / "identities.md"

SIZES = {"n": 3, "m": 4, "p": 5, "q": 2, "N": 6, "C": 7, "k": 8}
"""No two axes of one definition are equally long, so that a transpose cannot hide."""


IDENTITIES = (*OTHERS, *COOKBOOK)

CASES = [pytest.param(i, v, id=f"{v} of {i.definition.splitlines()[-1]}") for i in IDENTITIES for v in i.derivatives]

FUNCTIONS_OF_THE_LIBRARY = {"sigmoid": sigmoid, "softmax": softmax}


def derivative(identity: Identity, wrt: str) -> Derivation:
    graph = identity.graph
    found = graph.derive("", wrt, upstream=bool(graph.output.axes))
    return expanded(found) if identity.written_out else found


@cache
def inputs_of(definition: str) -> dict[str, Array]:
    """Random inputs, and G for a tensor."""
    graph = graph_of(definition)
    random = np.random.default_rng([*definition.encode()])
    shapes = {i.name: [SIZES[a.name] for a in i.axes] for i in graph.inputs}
    inputs = {name: random.normal(size=shape) for name, shape in shapes.items()}
    for given in graph.inputs:
        if given.kind == "onehot":
            rows, columns = shapes[given.name]
            inputs[given.name] = np.eye(columns)[random.integers(0, columns, rows)]
    if graph.output.axes:
        inputs["G"] = random.normal(size=[SIZES[a.name] for a in graph.output.axes])
    return inputs


def test_there_are_many_and_every_size_differs() -> None:
    assert len(IDENTITIES) >= 100
    assert len(CASES) >= 130
    assert len(set(SIZES.values())) == len(SIZES)


def test_the_chapters_on_derivatives_of_the_cookbook_are_there_or_it_is_said_why_not() -> None:
    shown = {int(k) for i in IDENTITIES if i.source.startswith("PC ") for k in re.findall(r"\((\d+)\)", i.source)}
    without = {int(k) for source in NOT_DERIVED for k in re.findall(r"\((\d+)\)", source)}
    assert len(shown) >= 60
    assert not shown & (without - {58})
    said_otherwise = {48, 73, 98, *range(90, 98)}  # a second derivative; ∂X/∂X_ij; numbers that are cited by their chapter
    assert {*range(46, 133)} - shown - without - said_otherwise == set()


@pytest.mark.parametrize(("identity", "wrt"), [case for case in CASES if case.values[0] in COOKBOOK])
def test_an_identity_of_the_cookbook_is_proved(identity: Identity, wrt: str) -> None:
    proved = prove(derivative(identity, wrt))
    assert max(proved.errors) < 1e-40
    assert {*proved.kinds[1:]} == {"symbolic"}  # the first line is compared with the derivative itself


@pytest.mark.parametrize(("identity", "wrt"), CASES)
def test_an_identity_is_printed_as_in_a_book(identity: Identity, wrt: str) -> None:
    found = derivative(identity, wrt)
    assert found.form is not None
    assert normalize("NFC", text(matrices.layout(found.form, context_of(found.graph)))) == identity.derivatives[wrt][0]


@pytest.mark.parametrize(("identity", "wrt"), CASES)
def test_the_numpy_code_of_an_identity_is_the_formula_of_the_book(identity: Identity, wrt: str, tmp_path: Path) -> None:
    code = derivative(identity, wrt).numpy
    assert code is not None
    inputs = inputs_of(identity.definition)
    sizes = {s: SIZES[s.name] for i in identity.graph.inputs for a in i.axes for s in a.free_symbols}
    given = {i.name: inputs[i.name] for i in identity.graph.inputs}
    values = forward(identity.graph, sizes, given, FLOAT).arrays
    (tmp_path / "form.py").write_text(f"form = {code}\n", encoding="utf-8")
    scope = {"np": np, **FUNCTIONS_OF_THE_LIBRARY, **SIZES, **values, "g": inputs.get("G"), "G": inputs.get("G")}
    ours = runpy.run_path(str(tmp_path / "form.py"), scope)["form"]
    book = identity.derivatives[wrt][1](**inputs)
    assert np.shape(ours) == np.shape(book) == np.shape(inputs[wrt])
    np.testing.assert_allclose(ours, book, rtol=1e-12, atol=1e-12)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("identity", "wrt"), CASES)
def test_the_formula_of_the_book_is_the_gradient_of_pytorch(identity: Identity, wrt: str) -> None:
    import torch

    inputs = inputs_of(identity.definition)
    tensors = {k: torch.tensor(v, requires_grad=k == wrt) for k, v in inputs.items() if k != "G"}
    output = identity.function(**tensors)
    (theirs,) = torch.autograd.grad(output, tensors[wrt], torch.tensor(inputs.get("G", np.ones(()))))
    np.testing.assert_allclose(identity.derivatives[wrt][1](**inputs), theirs.numpy(), rtol=1e-11, atol=1e-11)


# ---------------------------------------------------------------- the page

OPENING = """# Identities of matrix calculus

Every line below is derived from its definition by the rules of the calculus, none is stored. Vectors are columns,
$\\odot$ is the elementwise product, $\\mathbf{1}$ a column of ones; where the definition is a tensor, $g$, or $G$ for a
matrix, is the gradient of a loss by it. `tests/derivation/test_identities.py` compares each with the formula of its book and with
PyTorch, and writes this page.

PC is *The Matrix Cookbook* (Petersen and Pedersen, 2012), GBC *Deep Learning* (Goodfellow, Bengio and Courville, 2016),
HTF *The Elements of Statistical Learning* (Hastie, Tibshirani and Friedman, 2009). Numbers in brackets are those of the equations
of PC, in its version of November 15, 2012. Where the book has a symmetric matrix, S + Sᵀ or a matrix without that condition
stands here, and $M$, $Y$ and $U$ are names for what a function is of: $f M^{-\\top}$ for the book's
$\\det(AXB)(AXB)^{-\\top}$. There are other ways to write most of these: each is compared with the book's by its value.
"""

CLOSING = """## What the chapters on derivatives have besides

| PC | why it is not here |
|---|---|
"""


def equation(node: Node, graph: Graph) -> Layout:
    """A definition in matrix notation; one that calls a function of the library as its author wrote it."""
    context = context_of(graph)
    form = None if any(n.inner for n in graph.nodes) else matrix_form(node.expr, node.indices)
    if form is not None:
        return row(context.called(node.name, len(node.indices)), EQUALS, matrices.layout(form, context))
    if node.surface is None or not node.indices:
        return definition(node, context)
    return row(context.called(node.name, len(node.indices)), EQUALS, layout(node.surface, context))


def shown(identity: Identity) -> str:
    """Its definitions and its derivatives, a line each."""
    lines = [latex(equation(node, identity.graph)) for node in identity.graph.nodes if not node.inner]
    for wrt in identity.derivatives:
        found = derivative(identity, wrt)
        assert found.form is not None
        form = matrices.layout(found.form, context_of(found.graph))
        lines.append(latex(row(matrix_side(found, context_of(found.graph)), EQUALS, form)))
    return " \\\\\n".join(lines)


def page() -> str:
    """What two equations of the books come to is shown once, with the numbers of both."""
    sources: dict[str, list[str]] = {}
    themes: dict[str, list[str]] = {}
    for identity in IDENTITIES:
        body = shown(identity)
        if body not in sources:
            themes.setdefault(identity.theme, []).append(body)
        sources.setdefault(body, []).append(identity.source)
    parts = [OPENING]
    for theme, bodies in themes.items():
        parts.append(f"## {theme}\n")
        for body in bodies:
            cited = "; ".join(sources[body])
            parts.append(f"*{cited}*\n\n```math\n\\begin{{gathered}}\n{body}\n\\end{{gathered}}\n```\n")
    missing = "".join(f"| {source} | {why} |\n" for source, why in NOT_DERIVED.items())
    return "\n".join([*parts, CLOSING + missing])


def test_the_page_of_identities_is_current(golden: Callable[[Path, str], None]) -> None:
    golden(PAGE, page())


@pytest.mark.needs("katex", "mathjax")
def test_every_formula_of_the_page_is_mathematics_that_katex_and_mathjax_read() -> None:
    written = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```math\n(.*?)```", written, re.DOTALL)
    assert [i.source for i in IDENTITIES if i.source not in written] == []
    assert [error for error in web_errors(Formula(block, display=True) for block in blocks) if error] == []
