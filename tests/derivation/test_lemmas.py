"""Lemmas: the Jacobian of a call of the library is used as known, opened at full, and proved like any step."""

from __future__ import annotations

from dataclasses import replace

import pytest

import derive
from derive.calculus.terms import Deriv
from derive.derivation import jacobians
from derive.derivation.choice import derivations
from derive.derivation.derivation import Derivation
from derive.errors import ProofError
from derive.language import library
from derive.notation.layout import text
from derive.proof.proof import prove
from derive.teaching.blocks.gradient import lines_of
from derive.teaching.formats.terminal import words
from derive.teaching.page import Page
from derive.teaching.request import Detail

ENTROPY = "z: [C]; y: probability[C]; p = softmax(z); L = -sum(y*log(p))"


def printed(found: Derivation, detail: Detail = "normal") -> list[str]:
    """The lines after the left side, each with its reason."""
    return [f"{text(line.body)} | {words(line.reason).plain}" for line in lines_of(found, Page(), detail)[1:]]


def test_a_cross_entropy_of_a_softmax_takes_the_lines_of_a_textbook() -> None:
    assert printed(derive.graph(ENTROPY).derive(wrt="z")) == [
        "Σ_j ∂L/∂p_j ∂p_j/∂z_i | chain rule",
        "−Σ_j (y_j/p_j) ∂p_j/∂z_i | with ∂L/∂p_i = −y_i/p_i",
        "−Σ_j (y_j/p_j) p_j (δ_ij − p_i) | Jacobian of softmax: ∂p_i/∂z_j = p_i (δ_ij − p_j)",
        "p_i Σ_j y_j − y_i | each delta keeps one term of its sum",
        "p_i − y_i | because Σ_i y_i = 1",
    ]


def test_full_opens_a_lemma_line_by_line() -> None:
    lines = printed(derive.graph(ENTROPY).derive(wrt="z"), "full")
    assert [line for line in lines if "quotient rule" in line]
    assert "−Σ_j (y_j/p_j) (p_j δ_ij − p_j p_i) | definition of p_i" in lines
    assert "−Σ_j (y_j/p_j) p_j (δ_ij − p_i) | factor" in lines


@pytest.mark.parametrize(
    ("source", "wrt", "reason"),
    [
        ("z: [n]; w: [n]; y = logsumexp(z); L = w @ z + y", "z", "gradient of logsumexp"),
        ("A: [m, n]; x: [n]; b: [m]; L = logsumexp(A @ x + b)", "x", "gradient of logsumexp"),
        ("x: [n]; y: [n]; c = cosine_similarity(x, y); L = (1 - c)**2", "x", "gradient of cosine_similarity"),
        ("Z: [N, C]; w: [C]; P = softmax(Z); L = sum((P @ w)**2)", "Z", "Jacobian of softmax"),
        ("W: [C, n]; x: [n]; p = softmax(W @ x); L = sum(p**2)", "x", "Jacobian of softmax"),
    ],
)
def test_any_definition_of_a_tensor_by_one_formula_is_a_lemma(source: str, wrt: str, reason: str) -> None:
    found = derive.graph(source).derive(wrt=wrt)
    prove(found)
    graph = found.graph
    on_the_way = [graph.derive("L", name) for name in graph.way(wrt, "L")]
    assert any(reason in line for d in on_the_way for line in printed(d))


def test_a_formula_that_is_written_out_is_differentiated() -> None:
    written = "z: [C]; y: probability[C]; p[i] = exp(z[i])/sum(exp(z[k]) for k in C); L = -sum(y*log(p))"
    lines = printed(derive.graph(written).derive(wrt="z"))
    assert any("quotient rule" in line for line in lines)
    assert not any("Jacobian of" in line for line in lines)


def test_a_lemma_is_the_result_of_the_definition_itself() -> None:
    own = derive.graph("softmax").derive("p", "z")
    (lemma,) = {s.lemma for s in derive.graph(ENTROPY.replace("C", "n")).derive(wrt="z").steps if s.lemma}
    assert lemma.at(Deriv(own.subject.output, own.subject.by), lemma.value) == own.result


def test_a_wrong_lemma_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    true = jacobians.lemma_of

    def planted(*given: object) -> object:
        *before, last = true(*given)  # type: ignore[arg-type]
        return (*before, replace(last, line=-last.line))

    monkeypatch.setattr("derive.derivation.sweep.lemma_of", planted)
    with pytest.raises(ProofError):
        prove(replace(derive.graph(ENTROPY)).derive(wrt="z"))


# ---------------------------------------------------------------- levels of detail


@pytest.mark.parametrize("name", library.names())
def test_each_level_of_detail_shows_strictly_more_than_the_one_below(name: str) -> None:
    found = derivations(derive.graph(name))
    normal, full = (sum(len(lines_of(d, Page(), level)) - 1 for d in found) for level in ("normal", "full"))
    assert all(len(lines_of(d, Page(), "brief")) <= len(lines_of(d, Page(), "normal")) for d in found)
    assert len(found) < normal < full  # a page at brief has a line for each


def test_normal_writes_no_derivative_of_a_variable_by_itself() -> None:
    for name in library.names():
        for found in derivations(derive.graph(name)):
            assert not any("a variable by itself" in line for line in printed(found)[1:]), name
