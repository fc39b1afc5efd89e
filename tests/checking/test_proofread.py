"""Derivations as people write them: which step is found, where; what cannot be read; the corpus of wrong lines."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from sympy import cos, sin

import cli
from cases.proofread import LINES, page
from derive.calculus.rules import RULES, Rule
from derive.checking.proofread import Proofread, Step, Unread, proofread
from derive.derivation.sweep import derivation, seeded
from derive.errors import DeriveError
from derive.graphs.graph import Graph
from derive.language import library
from derive.language.reader import read
from derive.notation.context import context_of
from derive.notation.layout import latex
from derive.notation.terms import layout

GRAPH = "```derive graph g\nz: [C]\nt: label[C]\np = softmax(z)\nL = -log(p[t])\n```\n"


def kinds(found: Proofread) -> list[str]:
    return ["unread" if isinstance(item, Unread) else item.verdict.kind for item in found.items]


def only(found: Proofread) -> Step:
    (item,) = found.items
    assert isinstance(item, Step), item.error
    return item


# ---------------------------------------------------------------- the corpus


def test_wrong_lines_are_refuted_and_none_of_their_corrections() -> None:
    wrong = [only(proofread(page(line, line.wrong), ".md")).verdict.kind for line in LINES]
    right = [only(proofread(page(line, line.right), ".md")).verdict.kind for line in LINES]
    assert len(LINES) >= 60
    assert wrong.count("refuted") >= 0.95 * len(LINES)
    assert "proved" not in wrong
    assert right == ["proved"] * len(LINES)


# ---------------------------------------------------------------- what a file holds

ALIGNED = (
    GRAPH
    + r"""
\begin{align*}
\frac{\partial L}{\partial z_i} &= \sum_k \frac{\partial L}{\partial p_k} \frac{\partial p_k}{\partial z_i} \\
  &= -\frac{1}{p_t} \, p_t (\delta_{it} - p_i) && \text{(one term is left)} \\
  &= \delta_{it} - p_i \\
  &= q_i \\
  &= p_i - \delta_{it}.
\end{align*}
"""
)


def test_each_step_of_a_display_is_looked_at() -> None:
    found = proofread(ALIGNED, ".md")
    assert kinds(found) == ["proved", "proved", "refuted", "unread", "refuted"]
    assert [item.place.line for item in found.items] == [9, 10, 11, 12, 13]
    third, last = found.items[2], found.items[4]
    assert isinstance(third, Step)
    assert third.mistake == "the sign is wrong"
    assert isinstance(last, Step)
    assert "right again" in last.mistake


def test_what_cannot_be_read_is_shown_in_the_file() -> None:
    unread = proofread(ALIGNED, ".md").items[3]
    assert isinstance(unread, Unread)
    assert unread.error.message == "q_i is not defined."
    assert unread.place.text[unread.place.start : unread.place.end] == "q_i"


def test_latex_has_its_definitions_in_comments() -> None:
    text = r"""
\documentclass{article} % derive: u: real
% derive: f = (u + v)*w
% derive at: u=2, v=3, w=4
\begin{document}
A product, 50\% of which is \[ \frac{\partial f}{\partial w} = u + v = 2 + 3 = 5. \]
\begin{equation} f = uw + vw = 21 \label{eq:f} \end{equation}
\end{document}
"""
    found = proofread(text, ".tex")
    assert kinds(found) == ["proved", "proved", "proved", "proved", "refuted"]
    assert isinstance(found.items[-1], Step)
    assert found.items[-1].verdict.why == "it is 20"


def test_lines_of_a_text() -> None:
    text = """x: [n]
w: [n]
s = sum(w*x)
L = log(1 + exp(-s))
dL/ds = -sigmoid(-s)    # the slope of softplus
      = sigmoid(s) - 1
dL/dw[i] = dL/ds * x[i] = (sigmoid(s) - 1)*x[i]
         = (sigmoid(s) - 1)*w[i]
"""
    assert kinds(proofread(text)) == ["proved", "proved", "proved", "proved", "refuted"]


def test_a_name_may_be_defined_on_the_way() -> None:
    text = GRAPH + r"$$ \delta_i = \frac{\partial L}{\partial z_i} = p_i - 1_{i=t}, \qquad \sum_i \delta_i = 0 $$"
    assert kinds(proofread(text, ".md")) == ["proved", "proved"]


def test_a_loss_stands_behind_a_tensor() -> None:
    text = "```derive graph\nW: [m, n]\nx: [n]\na = W @ x\n```\n$$\\nabla_W L = g x^\\top = x g^\\top$$"
    assert kinds(proofread(text, ".md")) == ["proved", "refuted"]


def test_a_row_may_go_on_with_a_sum() -> None:
    text = GRAPH + "\\begin{align}\n\\sum_j p_j &= p_t \\\\ &\\quad + \\sum_{j \\ne t} p_j \\\\ &= 1\n\\end{align}"
    assert kinds(proofread(text, ".md")) == ["proved", "proved"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (r"L \approx 0.4644", "proved"),
        (r"L \approx 0.46", "proved"),
        (r"L \approx 0{,}4644", "proved"),
        (r"L \approx 0.4645", "refuted"),
        (r"L = 0.46", "proved"),
        (r"\frac{1}{3} \approx 0.33", "proved"),
        (r"\frac{1}{3} = 0.33", "refuted"),
        (r"L = 0", "undecided"),
        (r"L \approx 0", "proved"),
        (r"L = 1", "refuted"),
        (r"2 + 3 = 5", "proved"),
        (r"2 \cdot 3 = 5", "refuted"),
        (r"e \approx 2.718", "proved"),
        (r"p_1 \approx \sigma(z_1)", "undecided"),
    ],
)
def test_numbers_are_looked_at_by_their_digits(line: str, kind: str) -> None:
    text = f"{GRAPH}```derive run\nat: z=[1, 2, 0.5], t=1\n```\n$$ {line} $$"
    assert only(proofread(text, ".md")).verdict.kind == kind


# ---------------------------------------------------------------- formulas in prose


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        (r"The loss is $L = -\log p_t$, and $\sum_j p_j = 1$.", ["proved", "proved"]),
        (r"So \(L = \log p_t\).", ["refuted"]),
        (r"Here $C = 3$, $t = 2$, $\eta = 0.1$, $z = (1, 2, 3)$, $i = 1, \dots, C$ and `$a = b$` at $5 = and $6.", []),
        (r"With $\delta_i = \frac{\partial L}{\partial z_i}$, $\delta_i = p_i - \delta_{it}$.", ["proved"]),
        (r"With $\delta_i = \frac{\partial L}{\partial z_i}$, $\delta_i = \delta_{it} - p_i$.", ["refuted"]),
        (r"For $i \ne t$ we have $\frac{\partial L}{\partial z_i} = p_i$.", ["undecided"]),
        (r"$\frac{\partial L}{\partial z_i} = p_i - 1$ if $i = t$.", ["undecided"]),
        ("If $i \\neq t$:\n\n$$\\frac{\\partial L}{\\partial z_i} = p_i$$", ["undecided"]),
        ("If $i \\neq t$ it is simple.\n\n$$\\frac{\\partial L}{\\partial z_i} = p_i$$", ["refuted"]),
        (r"$L = 0.46$ and $p_i = 1$, say.", []),
        (r"$\mathbb{E}[z] = \mu$, and then $L = -\log p_t$.", ["unread", "proved"]),
        (r"$\int z \, dz = 3$; $\det A = A^{-1}$; $L = -\log p_t$.", ["unread", "unread", "proved"]),
        (r"$x^2 + 1$ is no step, $L = \log \sum_j e^{z_j} - z_t$ is one.", ["proved"]),
    ],
)
def test_steps_in_prose(prose: str, found: list[str]) -> None:
    anchor = r" $$L = -\log p_t$$"
    assert kinds(proofread(f"{GRAPH}\n{prose}\n\nAt last\n{anchor}\n", ".md"))[:-1] == found
    assert (
        kinds(
            proofread(
                f"% derive: z: [C]\n% derive: t: label[C]\n% derive: p = softmax(z)\n% derive: L = -log(p[t])\n\n"
                f"{prose}\n\nAt last\n{anchor}\n",
                ".tex",
            )
        )[:-1]
        == found
    )


def test_values_in_prose_are_looked_at() -> None:
    text = f"{GRAPH}```derive run\nat: z=[1, 2, 0.5], t=1\n```\nIt is $L = 0.46$, not $L = 0.47$; where $L = 0$, no more."
    assert kinds(proofread(text, ".md")) == ["proved", "undecided", "undecided"]


def test_what_is_not_read_does_not_stop_the_rest() -> None:
    above = "$$ a = b $$\n\n"
    broken = "```derive graph h\ny = softmax(\n```\n$$ y_i = y_i $$\n"
    found = proofread(above + GRAPH + r"$$ L = -\log p_t $$" + "\n" + broken + GRAPH + r"$$ L = \log p_t $$", ".md")
    assert kinds(found) == ["unread", "proved", "unread", "refuted"]
    assert [item.place.line for item in found.items] == [1, 9, 11, 20]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (r"\frac{\partial^2 L}{\partial z_i \partial z_j} = p_i (\delta_{ij} - p_j)", "proved"),
        (r"\frac{\partial^2 L}{\partial z_i \partial z_j} = p_i (\delta_{ij} + p_j)", "refuted"),
        (r"\frac{\partial^2 L}{\partial z_i^2} = p_i (1 - p_i)", "proved"),
        (r"\frac{\partial}{\partial z_j} \frac{\partial L}{\partial z_i} = \frac{\partial p_i}{\partial z_j}", "proved"),
        ("∂²L/∂z_i∂z_j = p_i δ_ij − p_i p_j", "proved"),
    ],
)
def test_second_derivatives(step: str, kind: str) -> None:
    assert only(proofread(f"{GRAPH}$$ {step} $$", ".md")).verdict.kind == kind


@pytest.mark.parametrize(
    ("step", "kind"), [("f' = σ(x)", "proved"), ("f''(x) = σ(x)(1 - σ(x))", "proved"), ("f''(x) = σ(x)", "refuted")]
)
def test_primes(step: str, kind: str) -> None:
    assert only(proofread(f"x: real\nf = log(1 + exp(x))\n{step}")).verdict.kind == kind


def test_mistakes_are_named_beside_names_given_on_the_way() -> None:
    from derive.exams.explaining import explanations

    text = GRAPH + "\\begin{align} \\delta_i &= \\frac{\\partial L}{\\partial z_i} \\\\ &= p_i \\end{align}"
    (found,) = proofread(text, ".md", explanations).items
    assert isinstance(found, Step)
    assert found.mistake


# ---------------------------------------------------------------- mistakes

SQUARES = "x: [n]\nL = sum(x**2)\n"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("dL/dx[i] = -2*x[i]", "the sign is wrong"),
        ("dL/dx[i] = x[i]", "a factor 2 is missing"),
        ("dL/dx[i] = 4*x[i]", "a factor 2 is too much"),
        ("dL/dx[i] = 2*x[i]/n", "a factor 1/n is too much"),
        ("L = x[i]**2", "a sum is missing"),
        ("dL/dx[i] = 3*x[i]", ""),
    ],
)
def test_a_mistake_is_named_where_it_is_shown(line: str, mistake: str) -> None:
    assert only(proofread(SQUARES + line)).mistake == mistake


def test_mistakes_that_rules_make_are_named() -> None:
    """The rule table with a row that forgets the inner derivative, run through the same engine."""

    def forgetful(graph: Graph, of: str, wrt: str) -> list[tuple[str, Any]]:
        rules = (Rule("forgotten", "chain", lambda e, x: cos(e.args[0]) if isinstance(e, sin) else None), *RULES)
        return [("the inner derivative is forgotten", derivation(graph, of, wrt, rules=rules).result)]

    alone = "x: real\nf = sin(3*x)\ndf/dx = cos(3*x)"
    summed = "x: [n]\nf = sum(sin(3*x[i]) for i in n)\ndf/dx[k] = sum(cos(3*x[i]) for i in n)"
    for text in (alone, summed):
        assert only(proofread(text, "", forgetful)).mistake == "the inner derivative is forgotten"
        assert only(proofread(text)).mistake == ""


# ---------------------------------------------------------------- the command


def test_the_command_says_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.md"
    file.write_text(ALIGNED, encoding="utf-8")
    assert cli.main(["proofread", str(file)]) == 3
    shown = capsys.readouterr().out
    assert "refuted    the sign is wrong" in shown
    assert "The two differ at z = (" in shown
    assert cli.main(["proofread", str(file), "--lang", "fr"]) == 3
    assert "réfuté" in capsys.readouterr().out
    assert cli.main(["proofread", str(file), "--format", "json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["counts"] == {"proved": 2, "refuted": 2, "undecided": 0, "unread": 1}
    assert data["steps"][2]["witness"]["entry"].keys() == {"i"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (SQUARES + "dL/dx[i] = 2*x[i]", 0),
        (SQUARES + "dL/dx[i] = 2*y[i]", 1),
        (SQUARES + "dL/dx[i] = x[i]", 3),
        ("", 1),
        ("Hello.", 1),
    ],
)
def test_the_exit_status(text: str, status: int, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(text, encoding="utf-8")
    assert cli.main(["proofread", str(file)]) == status


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 1_000_000,
        "$$" * 10_000,
        "\\[" * 10_000,
        "```" * 5000,
        GRAPH + "$$" + "=" * 20_000 + "$$",
        GRAPH + "$$" + "{" * 2000 + "$$",
        GRAPH + "$$ a = b $$\n" * 1500,
        "```derive graph\n9**9**9\n```\n$$x=y$$",
        "```derive graph\nимя = 1\n```\n$$x=y$$",
        "$$ x = y $$",
        "\\begin{align}" * 3000,
        "x = = = y",
        "= = =",
        "% derive: \n$$x=1$$",
    ],
    ids=range(15),
)
def test_hostile_files_come_to_one_message(text: str) -> None:
    start = time.perf_counter()
    try:
        found = proofread(text, ".md")
        assert all(isinstance(item, Unread) for item in found.items)
    except DeriveError:
        pass
    assert time.perf_counter() - start < 1


# ---------------------------------------------------------------- the page about it

GUIDE = Path(__file__).parents[2] / "docs" / "proofread.md"


def test_the_guide_shows_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    (example,) = re.findall(r"````markdown\n(.*?)````", text, re.DOTALL)
    (tmp_path / "notes.md").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["proofread", "notes.md"]) == 3
    said = "\n".join(line.rstrip() for line in capsys.readouterr().out.strip("\n").splitlines()) + "\n"
    now = re.sub(r"(\$ derive proofread notes\.md\n).*?```", lambda m: f"{m[1]}{said}```", text, flags=re.DOTALL)
    if request.config.getoption("--update"):
        GUIDE.write_text(now, encoding="utf-8")
    assert now == text


def test_the_examples_of_the_guide_hold() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(code, "proofread.md", "exec"), {})  # noqa: S102
    (latex,) = re.findall(r"```latex\n(.*?)```", text, re.DOTALL)
    assert set(kinds(proofread(latex, ".tex"))) == {"proved"}
    (lines,) = re.findall(r"```\n(x: .*?)```", text, re.DOTALL)
    assert kinds(proofread(lines)) == ["proved"]


# ---------------------------------------------------------------- what is printed, read


@pytest.mark.parametrize("name", ["hinge", "softmax_cross_entropy_label", "affine", "gaussian_nll", "logsumexp"])
def test_every_step_that_is_printed_is_proved(name: str) -> None:
    text = library.definition(name)
    graph = read(text)
    whole = seeded(graph, graph.output.name)[0] if graph.output.axes else graph
    found = derivation(whole, whole.output.name, next(i.name for i in whole.inputs if i.differentiable))
    around = context_of(whole).beside(found.indices)
    lines = [latex(layout(found.subject, context_of(whole))), *(latex(layout(step.line, around)) for step in found.steps)]
    display = " \\\\\n= ".join(lines)
    assert set(kinds(proofread(f"```derive graph g\n{text}\n```\n\\begin{{align}}\n{display}\n\\end{{align}}\n", ".md"))) == {
        "proved"
    }
