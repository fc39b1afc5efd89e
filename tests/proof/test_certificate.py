"""Certificates: they hold for what is right, fail where anything is wrong, and say what they claim to say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sympy import Mul, Symbol, exp, pi, sqrt

import cli
import derive
from derive.calculus.functions import PRIMITIVES, named
from derive.calculus.matrix_algebra import Ones, Scaled
from derive.calculus.rules import slope
from derive.calculus.terms import (
    Below,
    Bracket,
    Delta,
    Element,
    Index,
    Inside,
    Label,
    Largest,
    Positive,
    Where,
    canonical,
    total,
)
from derive.derivation.choice import gradient_by
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.notation import terms as printer
from derive.notation.numpy_code import numpy_code
from derive.proof import certificate, gradcheck
from derive.proof.certificate import Certificate, certify, fingerprint, versions
from derive.proof.forms import floats_at, form_value
from derive.proof.kinks import kinks_met
from derive.proof.numpy_value import run_numpy
from derive.proof.proof import Proved, prove
from derive.teaching.data.certificate import as_json
from derive.teaching.formats.terminal import render_text
from derive.teaching.page import Page
from derive.teaching.pages.report import report
from derive.values.evaluator import Evaluator
from derive.values.number_systems import FLOAT
from derive.values.run import Run

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
    monkeypatch.setattr(certificate, "form_value", lambda found, point: -form_value(found, point))
    assert failing(certify(fresh(TENSOR))) == {"numpy"}


def test_wrong_float64_functions_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(FLOAT, functions={**FLOAT.functions, "tanh": np.sin})
    monkeypatch.setattr(certificate, "floats_at", lambda point, found: replace(floats_at(point, found), numbers=wrong))
    assert failing(certify(fresh("x: [n]\ny = tanh(x)*x"))) == {"float64"}


def test_a_wrong_reverse_sweep_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[[Run], dict[str, Any]] = Run.__dict__["gradients"].func

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
    monkeypatch.setattr(gradcheck, "exact_difference", lambda run, wrt, entry, step: 7.0)
    made = certify(fresh(TENSOR))
    assert not failing(made)
    assert not made.passed


def test_a_check_of_many_entries_is_refused_before_anything_is_proved() -> None:
    graph = fresh("x: [n]\nf = sum(x**2)")
    with pytest.raises(DeriveError, match="check is too long at these values: 100,000 times"):
        certify(graph, graph.at(x=[1] * 10_000))
    assert not [key for key in graph._memory if key[0] == "proved"]  # type: ignore[index]


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


def derived(text: str) -> tuple[Graph, Derivation]:
    """A graph of its own and the derivation of its output by its first input."""
    graph = fresh(text)
    return graph, graph.derive(wrt=graph.inputs[0].name)


def print_of(text: str) -> str:
    """The fingerprint of that one derivation."""
    graph, found = derived(text)
    return fingerprint(graph, [found])


LINEAR = "A: [m, n]\nB: [m, n]\nx: [n]\nf = sum(A[i, j]*x[j]*B[i, j] for i in m for j in n)"


def test_another_typography_leaves_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before, latex = print_of("z: [n]\np = softmax(z)"), derived("z: [n]\np = softmax(z)")[1].latex()
    bracket = (Delta, lambda term, context: printer._PRINTERS[-1][1](Symbol("bracket"), context))
    monkeypatch.setattr(printer, "_PRINTERS", (bracket, *printer._PRINTERS))
    assert r"\delta" in latex
    assert r"\delta" not in derived("z: [n]\np = softmax(z)")[1].latex()
    assert print_of("z: [n]\np = softmax(z)") == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LINEAR, LINEAR.replace("i, j", "a, b").replace("x[j]", "x[b]").replace("i in m for j in", "a in m for b in")),
        (LINEAR, LINEAR.replace("i, j", "j, i").replace("x[j]", "x[i]").replace("i in m for j in", "j in m for i in")),
        (LINEAR, LINEAR.replace("i in m for j in n", "j in n for i in m")),
        ("x: [n]\ny[i] = x[i]**2 + i", "x: [n]\ny[k] = x[k]**2 + k"),
        ("x: [n]\nf = sum(x[i]*x[j]*(i + 1) for i in n for j in n)", "x: [n]\nf = sum(x[j]*x[i]*(j + 1) for i in n for j in n)"),
        (TENSOR, TENSOR.replace("W @ x", "(W@x)")),
    ],
)
def test_letters_of_indices_leave_the_fingerprint(one: str, other: str) -> None:
    assert print_of(one) == print_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SCALAR, SCALAR.replace("[C]", "[C + 1]")),
        (SCALAR.replace("C", "3"), SCALAR.replace("C", "4")),
        (SCALAR, SCALAR.replace("C", "K")),
        (SCALAR, SCALAR.replace("p", "q")),
        (SCALAR, SCALAR.replace("-log", "log")),
        ("x: [n]\nf = sum(x)", "x: positive[n]\nf = sum(x)"),
        ("x: [n]\nq: onehot[n]\nf = q @ x", "x: [n]\nq: probability[n]\nf = q @ x"),
        ("x: [n]\nu: [n]\nf = sum(x)*sum(u)", "x: [n]\nu: [m]\nf = sum(x)*sum(u)"),
        ("A: [n, n]\nx: [n]\ny = A @ x", "A: [n, n]\nx: [n]\ny = A.T @ x"),
        ("A: [n, n]\nf = sum(A[i, j]*i for i in n for j in n)", "A: [n, n]\nf = sum(A[i, j]*j for i in n for j in n)"),
        ("f = x + y\ng = f*x", "f = y + 2*x\ng = f*x"),
    ],
)
def test_what_a_definition_says_is_in_the_fingerprint(one: str, other: str) -> None:
    assert print_of(one) != print_of(other)


def test_every_line_is_in_the_fingerprint_and_no_rule() -> None:
    graph, found = derived("A: [n, n]\nx: [n]\ny = A @ sigmoid(x)")
    assert fingerprint(graph, [found]) == fingerprint(
        graph, [replace(found, steps=tuple(replace(s, rule="") for s in found.steps))]
    )
    lines = [(k, step.line) for k, step in enumerate(found.steps)]
    i, *_, k = found.indices
    changed = [(at, 2 * line) for at, line in lines] + [(at, line.xreplace({i: k, k: i})) for at, line in lines if line != 0]
    steps = [(*found.steps[:at], replace(found.steps[at], line=line), *found.steps[at + 1 :]) for at, line in changed]
    assert len({fingerprint(graph, [replace(found, steps=s)]) for s in (found.steps, *steps)}) == len(steps) + 1


def test_a_function_of_the_library_is_in_the_fingerprint_with_its_definition() -> None:
    graph = fresh("f = sigmoid(x)")
    (f,) = graph.nodes
    body = f.expr.func.body
    other = named("sigmoid", f.expr.func.parameters, 2 * body)
    assert str(other(*f.expr.args)) == str(f.expr)
    assert fingerprint(replace(graph, nodes=(replace(f, expr=other(*f.expr.args)),)), []) != fingerprint(graph, [])


def test_terms_that_differ_have_different_texts() -> None:
    x, i, j = Symbol("x", real=True), Index("i", Symbol("n")), Index("j", Symbol("n"))
    entry = Element(x, i, j)
    terms = [
        *(2 * (x + 1), Mul(2, x + 1, evaluate=False), 2 * x + 2, Symbol("pi"), pi, Element(Symbol("pi"))),
        *(entry, Element(x, j, i), total(entry, i), total(entry, j), total(entry, i, j), total(entry, i, kind=Largest)),
        *(x**2, 2**x, x / 2, exp(x), Delta(i, j), Below(i, j), Below(j, i), total(entry, Index("j", Symbol("m")))),
    ]
    assert len({canonical(t, {i: "@0", j: "@1"}) for t in terms}) == len(set(terms))
    assert canonical(Delta(i, j), {i: "@1", j: "@0"}) == canonical(Delta(i, j), {i: "@0", j: "@1"})


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    code = f"""
from derive import graph
from derive.proof.certificate import fingerprint
for text in {[SCALAR, LINEAR, TENSOR, "lstm_cell"]!r}:
    g = graph(text)
    print(fingerprint(g, [g.derive(wrt=i.name, upstream=bool(g.output.axes)) for i in g.inputs if i.differentiable]))
"""
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout
        for seed in "012"
    }
    (out,) = seen
    assert len(set(out.split())) == 4


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
        steps = [s for s in derivation["steps"] if s["rule"] != "rewrite"]  # a line of a lemma once more, with what cancels gone
        assert [s["proof"] for s in steps] == list(proved.kinds)
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


def test_numpy_code_is_run_as_it_is_print_of() -> None:
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


U, V, K, T = (Element(Symbol(name, real=True)) for name in "uvkt")
SIZE = Symbol("n", integer=True, positive=True)


def _scalars() -> dict[str, Any]:
    """Every function and bracket that a scalar of a derivation may hold: of the numbers u and v, or the labels k and t."""
    k, t = Label(K, SIZE), Label(T, SIZE)
    arguments = {Positive: (V,), Inside: (k - t, SIZE)}
    brackets = [kind for kind in _kinds(Bracket) if kind.__module__ == Bracket.__module__ and not kind.__name__.startswith("_")]
    functions = {name: primitive.function(*(U, V)[: primitive.arguments]) for name, primitive in PRIMITIVES.items()}
    slopes = {f"slope of {name}": slope(call, 0) for name, call in functions.items() if call.is_Function and len(call.args) == 1}
    return {
        **functions,
        **slopes,
        **{kind.__name__: (1 - kind(*arguments.get(kind, (k, t)))) / 3 for kind in brackets},
        "a function of the library": named("half", (U.head,), U.head / 2)(V),
        "where": Where(Positive(V), U, -U),
        "powers": U**V - (U - V) ** -3 + 1 / sqrt(U) + pi * SIZE,
    }


def _kinds(kind: type) -> list[type]:
    return [one for below in kind.__subclasses__() for one in (below, *_kinds(below))]


@pytest.mark.parametrize("what", _scalars())
@pytest.mark.parametrize("k", [0, 1])
def test_every_scalar_has_numpy_code(what: str, k: int) -> None:
    """|r| of a matrix form was NumPy's `abs` to one printer, and Python's to the other."""
    term, arrays = _scalars()[what], {"u": 0.7, "v": -1.3 + 3 * k, "k": k, "t": 1 - k}
    expected = Evaluator({SIZE: 3}, arrays, None, FLOAT).array(term)
    code = numpy_code(Scaled(term, (), Ones(SIZE)))
    value = run_numpy(code, {**FLOAT.functions, **arrays, "n": 3, "half": lambda a: a / 2})
    np.testing.assert_allclose(value, np.full(3, expected), rtol=1e-15)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os')",
        "x.__class__",
        "(lambda: 1)()",
        "{1, 2}",
        "'text'",
        "x.tofile('f')",
        "np.linalg.inv(x)",
        "np.sum(x, axis=0)",
    ],
)
def test_other_python_is_not_run(code: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        run_numpy(code, {"x": np.zeros(2)})


# ---------------------------------------------------------------- cases


def test_a_certificate_says_how_often_each_case_was_met_and_which_was_not() -> None:
    made = certify(fresh("f = where(x > 2, where(x < -1, x**2, x), max(3*x, -7))"))
    said = render_text(report(made, Page()))
    assert re.search(r"x > 2 +[1-9]\d* +[1-9]\d*\n", said)
    assert re.search(r"x > −1, x > 2 +[1-9]\d* +0\n", said)
    assert "Not compared, for no point was found there: x ≤ −1, x > 2." in said
    (derived,) = as_json(made, Page())["derivations"]
    assert derived["missed"] == ["x ≤ −1, x > 2"]
    assert {"case": "x > −1, x > 2", "holds": derived["cases"][1]["holds"], "fails": 0} in derived["cases"]


def test_a_page_says_which_case_was_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    for text, words in (("i < 4", ""), ("i < 300", "Not compared, for no point was found there: i≥301.")):
        assert not cli.main(["explain", f"x: [n]; f = sum(x[i]**2 for i in n if {text})"])
        said = capsys.readouterr().out
        assert words in said
        assert ("Not compared" in said) == bool(words)


# ---------------------------------------------------------------- what a gradient check cannot tell

UNTOLD: list[tuple[str, dict[str, Any], str, str]] = [
    ("f = x - y", {"x": 1e20, "y": 1}, "x", "rounding"),
    ("softmax_cross_entropy_label", {"z": [1000, 0, -1000], "t": 0}, "z", "overflow"),
    ("f = abs(x)", {"x": "1e-7"}, "x", "step"),
    ("f = log(1 - erf(x))", {"x": "10.7"}, "x", "overflow"),
    ("f = sqrt(x)", {"x": "1e-12"}, "x", "step"),
]


@pytest.mark.parametrize(("text", "at", "wrt", "doubt"), UNTOLD, ids=[text for text, *_ in UNTOLD])
def test_what_a_difference_in_float64_cannot_tell_is_no_mistake(text: str, at: dict[str, Any], wrt: str, doubt: str) -> None:
    made = certify(derive.graph(text), run := derive.graph(text).at(**at))
    (rows,) = [c.check.rows for c in made.checks if c.check.wrt == wrt]
    assert {row.doubt for row in rows} - {""} == {doubt}
    assert made.passed
    assert gradcheck.check(run, wrt).passed


@pytest.mark.parametrize(("text", "at", "wrt", "doubt"), UNTOLD, ids=[text for text, *_ in UNTOLD])
def test_a_mistake_there_is_one_still(text: str, at: dict[str, Any], wrt: str, doubt: str) -> None:
    run = derive.graph(text).at(**at)
    found = gradient_by(run.source, wrt).result
    assert not gradcheck.check(run, wrt, found + 1).passed


def test_a_check_of_a_tensor_at_given_values_weights_its_entries():
    """The entries of a normalization have a constant sum, of which every gradient is 0: whatever formula would agree."""
    graph = derive.graph("batch_norm")
    certificate = certify(graph, graph.at(X=[[1, 2], [3, 5]], gamma=[1, 1], beta=[0, 0], epsilon=0.1))
    assert {entry.agrees for checked in certificate.checks for entry in checked.check.rows} == {True}
    assert all(any(entry.analytic for entry in checked.check.rows) for checked in certificate.checks)


def test_values_are_drawn_that_tell_something():
    for name in ("hinge", "linear_svm", "max_pool2d"):
        certificate = certify(derive.graph(name))
        assert all(any(entry.analytic for entry in checked.check.rows) for checked in certificate.checks), name


def test_an_integer_too_long_for_an_index_is_a_number() -> None:
    graph = fresh("x: [n]\nc = sum(10**30 for i in n)\nf = sum(x)*c")
    assert certify(graph, graph.at(x=[1, 2])).passed
