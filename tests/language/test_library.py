"""The library: every definition is described in both languages, and means what NumPy says it means."""

from __future__ import annotations

import math
import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.library import GROUPS, PAGE, page, primitive
from derive.calculus.functions import PRIMITIVES
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.language import library
from derive.language.reader import read
from derive.proof.proof import prove
from oracles.autodiff import by_hand, in_float, point_of
from oracles.rendering import Formula, web_errors

NUMPY = SimpleNamespace(**vars(np), erf=np.vectorize(math.erf))


@pytest.mark.parametrize("name", library.names())
def test_a_definition_computes_what_numpy_computes(name: str) -> None:
    run, inputs, _ = point_of(name)
    expected = by_hand(name)(NUMPY, **in_float(inputs))
    np.testing.assert_allclose(np.array(run[run.source.output.name], dtype=float), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", library.names())
def test_a_definition_is_described_in_both_languages_and_says_where_it_is_from(name: str) -> None:
    header = library.header(name)
    assert set(header) - {"convention"} == {"en", "fr", "group", "source"}
    assert header["group"] in GROUPS
    for language in ("en", "fr"):
        assert header[language].endswith(".")
        assert header[language][0].isupper()
    assert not re.search(r"[^\u00a0]:|[^\u202f][;!?]|'", header["fr"]), "French asks for a no-break space here"
    assert re.search(r"\(\d{4}\)|course notes", header["source"])


@pytest.mark.parametrize("name", library.names())
def test_a_definition_can_be_called_with_its_own_inputs(name: str) -> None:
    graph = library.load(name)
    text = library.definition(name)
    inputs = {i.name for i in graph.inputs}
    declarations = "\n".join(line for line in text.splitlines() if line.partition(":")[0] in inputs)
    call = f"{name}({', '.join(i.name for i in graph.inputs)})"
    called = read(f"{declarations}\nresult = {call}\n")
    assert called.output.name == "result"
    assert called.output.axes == graph.output.axes
    assert len(called.nodes) == len(graph.nodes)
    assert called.inputs == graph.inputs or {i.name for i in called.inputs} == inputs


def test_functions_of_numbers_are_those_with_scalars_only() -> None:
    functions = {name for name in library.names() if library.function(name)}
    expected = "sigmoid relu leaky_relu softplus silu gelu gelu_tanh softsign elu selu mish hard_tanh hard_sigmoid "
    expected += "clip expm1 log1p log2 log10 logaddexp "
    expected += "normal_cdf normal_pdf gaussian_nll gaussian_nll_precision poisson_nll binary_cross_entropy_logits"
    assert functions == set(expected.split())


def test_describe_and_text() -> None:
    assert library.describe("softmax") == "Softmax: scores become probabilities."
    assert library.describe("softmax", "fr") == "Softmax\u00a0: des scores deviennent des probabilités."
    assert library.text("softmax").startswith("# en: ")
    assert library.definition("softmax").startswith("z: [n]\n")


def test_an_unknown_definition_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DeriveError, match="no definition sofmax") as caught:
        library.load("sofmax")
    assert caught.value.hint == "Did you mean softmax?"


def test_a_library_definition_cannot_call_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "z: [n]\np = softmax(2*z)"
    monkeypatch.setattr(library, "definition", lambda name: loop)
    with pytest.raises(DeriveError, match="softmax is defined by itself"):
        read(loop, "softmax")


# ---------------------------------------------------------------- its page


@cache
def current_page() -> str:
    return page({})


def without_times(text: str) -> list[str]:
    """The lines of the page; of a row of a table all but the last cell."""
    return [re.sub(r"\|[^|]*\|$", "|", line) for line in text.splitlines()]


@pytest.mark.xdist_group("the page of the library")
def test_the_page_of_the_library_is_current_but_for_its_times() -> None:
    written, current = without_times(PAGE.read_text(encoding="utf-8")), without_times(current_page())
    assert written == current, "run `make library`"


@pytest.mark.xdist_group("the page of the library")
def test_every_definition_is_on_the_page_with_its_inputs() -> None:
    lines = current_page().partition("## Chains of layers")[0].splitlines()
    assert [name for name in library.names() if not any(f"[{name}]" in line for line in lines)] == []
    rows = [line.split(" | ") for line in lines if line.startswith("| ") and "definition" not in line]
    assert {len(row) for row in rows} == {5}
    assert len(rows) >= sum(given.differentiable for name in library.names() for given in library.load(name).inputs)


@pytest.mark.xdist_group("the page of the library")
def test_every_primitive_is_on_the_page_with_its_slope() -> None:
    rows = {name: line for name in PRIMITIVES for line in current_page().splitlines() if line.startswith(f"| `{name}`")}
    assert list(rows) == list(PRIMITIVES)
    assert r"$`y = \tanh(x)`$ | $`\frac{\partial y}{\partial x} = 1 - y^{2}`$" in rows["tanh"]
    for name in PRIMITIVES:
        prove(derivation(primitive(name), "y", "x"))


@pytest.mark.needs("katex", "mathjax")
@pytest.mark.xdist_group("the page of the library")
def test_the_mathematics_of_the_page_compiles() -> None:
    formulas = re.findall(r"\$`([^`]*)`\$", current_page())
    errors = web_errors(map(Formula, formulas))
    assert [(formula, error) for formula, error in zip(formulas, errors, strict=True) if error] == []
    assert len(formulas) > 300
