"""What is printed beside the lines is shown before it is: no wrong form, cases or entry are."""

from __future__ import annotations

from typing import Any

import pytest
from sympy import Integer

import cli
from cases.gradients import TEXTS
from derive.calculus import matrix_form as real_form
from derive.calculus.matrix_algebra import Ones, Scaled, Transpose
from derive.derivation import derivation as module
from derive.derivation.derivation import Derivation
from derive.errors import ProofError
from derive.language import library
from derive.proof import proof
from derive.proof.proof import prove, proved_entries
from derive.teaching.blocks.gradient import entry_lines
from derive.teaching.page import Page
from oracles.planted_rules import opened

SQUARE = "A: [n, n]; x: [n]; y = A @ x; L = sum(y**2)"
LAYER = "W: [m, n]; x: [n]; b: [m]; y = W @ x + b"
HINGE = "s: [C]; t: label[C]; L = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)"

WRONG_FORMS = {
    "twice": lambda form: Scaled(Integer(2), (), form),
    "turned round": lambda form: Scaled(Integer(-1), (), form),
    "transposed": Transpose,
    "ones": lambda form: Ones("n"),
    "of nothing known": lambda form: real_form.Tensor("nobody", ("n", None)),
}


@pytest.mark.parametrize("mistake", WRONG_FORMS)
def test_a_wrong_matrix_form_is_not_printed(
    mistake: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = module.matrix_form
    monkeypatch.setattr(module, "matrix_form", lambda *given: WRONG_FORMS[mistake](right(*given)))
    with pytest.raises(ProofError, match="The matrix form of ∂L/∂A is not what was derived"):
        prove(opened(SQUARE).derive("L", "A"))
    assert cli.main(["explain", LAYER, "--wrt", "W"]) != 0
    assert "∇" not in capsys.readouterr().out


def test_wrong_cases_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Derivation.cases.func  # type: ignore[attr-defined]

    def swapped(found: Derivation) -> Any:
        cases = right(found)
        return cases and ((cases[1][0], cases[0][1]), (cases[0][0], cases[1][1]))

    monkeypatch.setattr(Derivation, "cases", property(swapped))
    with pytest.raises(ProofError, match="The form by cases of ∂L/∂s is not what was derived"):
        prove(opened(HINGE).derive("L", "s"))


def test_a_wrong_entry_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = prove(opened("W: [2, 3]; x: [3]; y = W @ x; L = sum(y**2)").derive("L", "x"))
    assert len(proved_entries(made)) == 3
    assert entry_lines(made, Page())
    right = proof.written_out
    monkeypatch.setattr(proof, "written_out", lambda term, indices, entry: right(term, indices, entry[::-1]) + int(entry == (1,)))
    with pytest.raises(ProofError, match="An entry of ∂L/∂x is not what was derived"):
        entry_lines(made, Page())


@pytest.mark.parametrize("text", [*library.names(), *(text for text, *_ in TEXTS.values())][::7])
def test_forms_and_cases_are_right(text: str) -> None:
    graph = opened(text)
    for given in graph.inputs:
        if given.differentiable and given.name in graph.ancestors(graph.output.name):
            prove(graph.derive("", given.name, upstream=bool(graph.output.axes)))


def test_a_form_whose_numbers_leave_float64_on_the_way_is_shown() -> None:
    """y² is beyond a float where y is 1e300, and y² e^(-x)/1e300 is not."""
    found = opened("x: [n]; y = 1e300/(1 + exp(-x))").derive("", "x", upstream=True)
    assert prove(found).derivation.form is not None
