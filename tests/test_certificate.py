"""Certificates: they hold for what is right, fail where anything is wrong, and say what they claim to say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cli
import derive
from derive import certificate, gradcheck, values
from derive.certificate import Certificate, certify, versions
from derive.derivation import Derivation
from derive.errors import DeriveError
from derive.graphs import Graph
from derive.numpy_run import run_numpy
from derive.points import kinks_met
from derive.proof import Proved, prove
from derive.run import Run
from derive.teaching.page import Page
from derive.teaching.report import as_json, report
from derive.teaching.terminal import render_text

TENSOR = "W: [m, n]\nx: [n]\ny = tanh(W @ x)"
SCALAR = "z: [C]\nt: label[C]\np = softmax(z)\nL = -log(p[t])"


def fresh(text: str) -> Graph:
    """A graph of its own, that remembers nothing from another test."""
    return replace(derive.graph(text))


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize(
    "name", ["affine", "attention", "conv1d", "gelu", "hinge", "huber", "layer_norm", "mlp", "rnn_cell", "softmax_cross_entropy"]
)
def test_definitions_of_the_library_are_certified(name: str) -> None:
    made = certify(derive.graph(name))
    assert made.passed
    assert not made.kinks
    assert not made.refused
    inputs = [i.name for i in made.graph.inputs if i.differentiable]
    ways = (False, True) if made.graph.output.axes else (False,)
    derived = [(p.derivation.wrt, bool(p.derivation.subject.output.indices)) for p in made.proofs]
    for name_ in inputs:
        assert (name_, made.graph.output.axes != ()) in derived
        assert derived.count((name_, False)) + derived.count((name_, True)) == len(ways)
    assert [c.check.wrt for c in made.checks] == inputs
    assert {(c.wrt, c.implementation) for c in made.comparisons} >= {(n, way) for n in inputs for way in ("sweep", "float64")}


def test_every_way_to_compute_a_gradient_has_its_digits() -> None:
    found = {(c.wrt, c.implementation): c for c in certify(derive.graph(TENSOR)).comparisons}
    assert set(found) == {(name, way) for name in "Wx" for way in ("sweep", "float64", "numpy")}
    for (_, way), comparison in found.items():
        assert comparison.difference < (1e-45 if way == "sweep" else 1e-14)


def test_the_error_of_centred_differences_is_of_second_order() -> None:
    (checked,) = certify(derive.graph("f = exp(x)*sin(x)")).checks
    orders = [order for _, _, order in checked.orders if order is not None]
    assert orders
    assert all(abs(order - 2) < 0.05 for order in orders)


def test_what_a_line_puts_in_is_proved_too() -> None:
    made = certify(derive.graph("softmax_cross_entropy"))
    assert "p" in [p.derivation.wrt for p in made.proofs]


def test_a_jacobian_too_large_to_prove_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(found: Derivation) -> Proved:
        if len(found.indices) > 2:
            raise DeriveError("too large")
        return prove(found)

    monkeypatch.setattr(certificate, "prove", refusing)
    made = certify(fresh(TENSOR))
    assert [d.wrt for d in made.refused] == ["W"]
    assert re.search(r"Too large to be proved: ∂y_\w/∂W_\w\w\n", render_text(report(made, Page())))
    assert as_json(made, Page())["refused"] == [{"of": "y", "wrt": "W"}]


# ---------------------------------------------------------------- what is wrong


def failing(made: Certificate) -> set[str]:
    return {c.implementation for c in made.comparisons if not c.passed}


def test_wrong_numpy_code_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "run_numpy", lambda code, names: -run_numpy(code, names))
    assert failing(certify(fresh(TENSOR))) == {"numpy"}


def test_wrong_float64_functions_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(values.FLOAT, functions={**values.FLOAT.functions, "tanh": np.sin})
    monkeypatch.setattr(certificate, "FLOAT", wrong)
    assert failing(certify(fresh("x: [n]\ny = tanh(x)*x"))) == {"float64"}


def test_a_wrong_reverse_sweep_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[[Run], dict[str, Any]] = Run.gradients.func  # type: ignore[attr-defined]

    class Wrong(Run):
        @property
        def gradients(self) -> dict[str, Any]:  # type: ignore[override]
            return {name: array + Fraction(1, 10**20) for name, array in right(self).items()}

    graph = fresh("f = x*exp(y)")
    run = graph.at(x=2, y=3)
    made = certify(graph, Wrong(run.source, run.point, run.seed))
    assert failing(made) == {"sweep"}
    assert not made.passed
    assert all(c.check.passed for c in made.checks)  # the check in float64 does not see the twentieth digit


def test_a_gradient_that_fails_its_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradcheck, "centred", lambda run, wrt, step: np.full(np.shape(run.exact[wrt]), 7.0))
    made = certify(fresh(TENSOR))
    assert not failing(made)
    assert not made.passed


# ---------------------------------------------------------------- kinks


def test_at_a_kink_centred_differences_do_not_decide() -> None:
    graph = fresh("x: [n]\ny = relu(x)\nL = sum(y**2 + y)")
    made = certify(graph, graph.at(x=[0, 1]))
    assert made.kinks == ("y",)
    assert not made.checks[0].check.passed
    assert made.passed
    text = render_text(report(made, Page()))
    assert "At these values a kink lies in: y." in text
    assert as_json(made, Page())["kinks"] == ["y"]


@pytest.mark.parametrize(
    ("text", "at", "kinks"),
    [
        ("f = max(x, y)", {"x": 1, "y": 1}, ("f",)),
        ("f = max(x, y)", {"x": 1, "y": "1.0000001"}, ()),
        ("f = abs(x) + y", {"x": 0, "y": 0}, ("f",)),
        ("x: [n]\nm = max(x)\nf = m**2", {"x": [3, 1, 3]}, ("m",)),
        ("x: [n]\nm = max(x)\nf = m**2", {"x": [3, 1, 1]}, ()),
    ],
)
def test_kinks_at_a_point(text: str, at: dict[str, Any], kinks: tuple[str, ...]) -> None:
    graph = derive.graph(text)
    assert kinks_met(graph, graph.at(**at).values) == kinks


# ---------------------------------------------------------------- the fingerprint


def test_the_fingerprint_is_that_of_the_definitions_and_the_lines() -> None:
    made = certify(fresh(TENSOR))
    assert certify(fresh(TENSOR)).fingerprint == made.fingerprint
    assert certify(fresh(TENSOR.replace("tanh", "sin"))).fingerprint != made.fingerprint
    first = made.proofs[0]
    fewer = replace(first, derivation=replace(first.derivation, steps=first.derivation.steps[:-1]))
    assert replace(made, proofs=(fewer, *made.proofs[1:])).fingerprint != made.fingerprint
    renamed = certify(fresh(TENSOR.replace("m, n", "k, n")))
    assert renamed.fingerprint != made.fingerprint


def test_the_fingerprint_does_not_depend_on_the_point() -> None:
    graph = fresh("f = x*y")
    assert certify(graph, graph.at(x=1, y=2)).fingerprint == certify(graph, graph.at(x=3, y=4)).fingerprint


# ---------------------------------------------------------------- the command


def run_check(capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    capsys.readouterr()
    status = cli.main(["check", *options])
    shown = capsys.readouterr()
    return SimpleNamespace(status=status, out=shown.out, err=shown.err)


def test_the_json_has_every_line_and_how_it_was_proved(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_check(capsys, SCALAR, "--format", "json", "--at", "z=[1, 2, 0.5], t=1")
    assert answer.status == 0
    data = json.loads(answer.out)
    assert set(data) == {
        *("generator", "graph", "derivations", "refused", "at", "checks", "comparisons", "kinks"),
        *("versions", "fingerprint", "passed"),
    }
    assert data["passed"] is True
    assert data["at"] == {"z": [1.0, 2.0, 0.5], "t": 1}
    assert data["versions"] == versions()
    made = certify(derive.graph(SCALAR))
    assert data["fingerprint"] == f"sha256:{made.fingerprint}"
    for derivation, proved in zip(data["derivations"], made.proofs, strict=True):
        assert derivation["kind"] == "gradient"
        assert [s["proof"] for s in derivation["steps"]] == list(proved.kinds)
        assert all(s["latex"] and s["text"] and s["rule"] and s["error"] < 1e-25 for s in derivation["steps"])
        assert derivation["result"] == derivation["steps"][-1]["latex"]
        assert [c["sizes"] for c in derivation["compared"]] == [dict(sizes) for sizes in proved.sizes]
        assert all(c["points"] >= 1 and c["entries"] >= 1 for c in derivation["compared"])
    (check,) = data["checks"]
    assert [row["entry"] for row in check["rows"]] == [[0], [1], [2]]
    assert [step["h"] for step in check["orders"]] == [1e-1, 1e-2, 1e-3, 1e-4]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_output_is_the_same_each_time(capsys: pytest.CaptureFixture[str], form: str, lang: str) -> None:
    first, second = (run_check(capsys, TENSOR, "--format", form, "--lang", lang).out for _ in range(2))
    assert first == second


def test_the_text_speaks_two_languages(capsys: pytest.CaptureFixture[str]) -> None:
    english, french = (run_check(capsys, SCALAR, "--lang", lang).out for lang in ("en", "fr"))
    for part in ("(symbolic)", "(numeric)", "formula in float64", "Everything agrees.", "Fingerprint: sha256:"):
        assert part in english
    for part in ("(symbolique)", "(numérique)", "formule en float64", "Tout concorde.", "Empreinte\u00a0: sha256:"):
        assert part in french
    assert english.split("sha256:")[1] == french.split("sha256:")[1]


def test_a_certificate_is_written_and_no_other_file_is_replaced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for form in ("text", "json"):
        file = tmp_path / f"certificate.{form}"
        for _ in range(2):  # its own file may be replaced
            assert run_check(capsys, TENSOR, "--format", form, "-o", str(file)).status == 0
        assert "Edit the source, not this file." in file.read_text(encoding="utf-8")
    mine = tmp_path / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    answer = run_check(capsys, TENSOR, "-o", str(mine))
    assert answer.status == 1
    assert "--force" in answer.err
    assert mine.read_text(encoding="utf-8") == "mine"
    assert run_check(capsys, TENSOR, "-o", str(mine), "--force").status == 0


def test_a_certificate_that_fails_is_written_with_status_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "AGREE", -1.0)
    file = tmp_path / "certificate.json"
    assert run_check(capsys, TENSOR, "--format", "json", "-o", str(file)).status == 3
    assert json.loads(file.read_text(encoding="utf-8"))["passed"] is False


# ---------------------------------------------------------------- NumPy code


def test_numpy_code_is_run_as_it_is_printed() -> None:
    A, x = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    names = {"A": A, "x": x, "t": 1, "n": 3, "twice": lambda a: 2 * a}
    codes = {
        "(A @ x)": A @ x,
        "(2 * (A.T) - np.outer(x, (A @ x)))": 2 * A.T - np.outer(x, A @ x),
        "np.eye(n)[t]": np.eye(3)[1],
        "A[t, 2]**(-0.5)": 5**-0.5,
        "np.linalg.norm(x)**(2)": x @ x,
        "np.where(np.heaviside(x, 0), twice(x), -np.pi*x)": np.where(x > 0, 2 * x, -np.pi * x),
        "1.0*(t == 1)": 1.0,
    }
    for code, expected in codes.items():
        np.testing.assert_allclose(run_numpy(code, names), expected, rtol=1e-15)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os')",
        "x.__class__",
        "(lambda: 1)()",
        "[1, 2]",
        "'text'",
        "x.tofile('f')",
        "np.linalg.inv(x)",
        "np.sum(x, axis=0)",
    ],
)
def test_other_python_is_not_run(code: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        run_numpy(code, {"x": np.zeros(2)})
