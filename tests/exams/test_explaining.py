"""A wrong line that a person wrote, named by the mistake that leads to it."""

from __future__ import annotations

import pytest

from derive.checking.proofread import Step, proofread
from derive.exams.explaining import explanations
from derive.exams.mistakes import NAMED

NEURON = "```derive graph loss\nz = w*x + b\np = sigmoid(z)\nL = (p - y)**2\n```\n\n"
SOFTMAX = "```derive graph loss\nz: [C]\nt: label[C]\np = softmax(z)\nL = -log(p[t])\n```\n\n"


@pytest.mark.parametrize(
    ("graph", "line", "mistake"),
    [
        (NEURON, r"\frac{\partial L}{\partial w} = 2 (p - y) x", "slope"),
        (NEURON, r"\frac{\partial L}{\partial w} = 2 (p - y) p (1 - p)", "factor"),
        (NEURON, r"\frac{\partial L}{\partial w} = 2 (p - y) p (1 - p) x", ""),
        (SOFTMAX, r"\frac{\partial L}{\partial z_i} = -p_i - \delta_{it}", "quotient"),
    ],
)
def test_a_mistake_is_named(graph: str, line: str, mistake: str) -> None:
    (step,) = (item for item in proofread(f"{graph}$$ {line} $$\n", ".md", explanations).items if isinstance(item, Step))
    assert step.verdict.kind == ("refuted" if mistake else "proved")
    assert step.mistake == (NAMED[mistake].sentence if mistake else "")
