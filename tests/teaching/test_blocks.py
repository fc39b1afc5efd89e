"""What the blocks of a lecture show and hand on: numbers in the prose and in later blocks, their options, their mistakes."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from derive.errors import DeriveError
from derive.language.reader import read as read_graph
from derive.teaching.blocks.charts import Chart, draw, levels
from derive.teaching.blocks.iteration import noise
from derive.teaching.document import CodeBlock, Document, Picture
from derive.teaching.formats.printer import Choices
from derive.teaching.formats.render import render
from derive.teaching.lecture.carried import DIGITS, LONGEST, carried, computed, found_by
from derive.teaching.lecture.kinds import KINDS, build_lecture
from derive.teaching.lecture.lecture import read
from derive.teaching.page import Page
from derive.values.run import run
from tools import gallery

HEAD = "---\ntitle: {en: Losses, fr: Pertes}\nlang: [en, fr]\n---\n# Slide\n\n"
LOGISTIC = "```derive define logistic\nw: [n]\nx: [n]\np = sigmoid(sum(w*x))\nL = -log(p)\n```\n\n"
START = "```derive run logistic\nat: w=[1, -2], x=[0.5, 1]\nname: start\n```\n\n"
SQUARE = "```derive define square\nf = u**2/3\n```\n\n```derive run square\nat: u=2\n```\n\n"


def document(body: str, lang: str = "en") -> Document:
    return build_lecture(read(HEAD + body), lang)


def markdown(body: str, lang: str = "en") -> str:
    """The Markdown of a lecture of one slide, its title left out."""
    return render(document(body, lang), "markdown").text.split("# Slide\n")[1].strip()


def mistake(body: str) -> DeriveError:
    with pytest.raises(DeriveError) as caught:
        document(body)
    return caught.value


def pointed(body: str) -> tuple[str, int, str]:
    """The message of a mistake, its line below the head, and what its caret stands under."""
    error = mistake(body)
    assert error.place is not None
    return error.message, error.place.line - HEAD.count("\n"), error.place.text[error.place.start : error.place.end]


# ---------------------------------------------------------------- numbers travel


def test_numbers_stand_in_the_prose_in_the_digits_and_the_language_of_the_page() -> None:
    p = 1 / (1 + math.exp(1.5))
    loss, first = -math.log(p), (p - 1) * 0.5
    prose = "A {{ start.L }}, **{{start.grad.w[0]}}** and $w = {{ start.w }}$, {{= start.x[1] }}, {{= start.L }}.\n"
    said = f"A ${loss:.4g}$, **${first:.4g}$** and $w = {{(1, -2)}}$, $= 1$, $\\approx {loss:.4g}$."
    assert markdown(LOGISTIC + START + prose) == said
    comma = said.replace("(1, -2)", r"(1;\ {-}2)").replace("1.7", "1{,}7").replace("0.4", "0{,}4")
    assert markdown(LOGISTIC + START + prose, "fr") == comma


def test_exact_numbers_travel_exactly_and_say_so() -> None:
    body = SQUARE + "```derive run square\nat: u=square.f\nname: again\n```\n\n{{ again.u }} {{= 3*again.u }} {{= again.u }}\n"
    assert markdown(body) == r"$1.333$ $= 4$ $\approx 1.333$"
    again = computed("square.f - square.grad.u*square.u/2", {"square": found_by(run(read_graph("f = u**2/3"), {"u": 2}))})
    assert again == 0


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("start.w - 0.5*start.grad.w", lambda w, x, g: w - 0.5 * g),
        ("(start.w + start.x)/start.n", lambda w, x, g: (w + x) / 2),
        ("sum(start.w*start.x)", lambda w, x, g: w @ x),
        ("start.w @ start.grad.w", lambda w, x, g: w @ g),
        ("sqrt(sum(start.grad.w**2))", lambda w, x, g: np.hypot(*g)),
        ("exp(-start.L) - start.p", lambda w, x, g: 0),
        ("start.w[1]", lambda w, x, g: w[1]),
    ],
)
def test_a_formula_over_numbers_is_one_of_the_graph_language(formula: str, value: object) -> None:
    w, x = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    gradient = (1 / (1 + np.exp(1.5)) - 1) * x
    at = run(read_graph("w: [n]; x: [n]; p = sigmoid(sum(w*x)); L = -log(p)"), {"w": w, "x": x})
    found = np.asarray(computed(formula, {"start": found_by(at)}), dtype=float)
    assert np.allclose(found, value(w, x, gradient), atol=1e-12)  # type: ignore[operator]


def test_a_number_that_is_no_fraction_travels_with_more_digits_than_a_page_has() -> None:
    tail = run(read_graph("p = sigmoid(z)"), {"z": 200})
    rest = computed("1 - far.p", {"far": found_by(tail)})  # e^-200, of which no float knows anything here
    assert float(rest) == pytest.approx(math.exp(-200), rel=1e-12)
    one = document("```derive run sigmoid\nat: x=1000\nname: far\n```\n\n{{= far.y }} {{= 3*far.y }} {{= 3*far.x }}\n")
    assert render(one, "markdown").text.endswith(r"$\approx 1.000$ $\approx 3.000$ $= 3000$" + "\n")
    long = carried(np.array([Fraction(1, 3), Fraction(LONGEST * 3, LONGEST * 3 + 7), Fraction(0)], dtype=object))
    assert (long[0], long[2]) == (Fraction(1, 3), 0)
    assert abs(long[1] - 1) < Fraction(1, 10 ** (DIGITS - 2))
    assert long[1].denominator <= LONGEST


def test_what_is_left_of_numbers_that_cancel_is_0() -> None:
    body = (
        "```derive define norm\nX: [N]\nmu = sum(X)/N\nY = (X - mu)/sqrt(sum((X - mu)**2)/N)\n```\n\n"
        "```derive run norm\nat: X=[1, 3, 5]\nseed: [1, 0, 0.5]\nname: b\n```\n\n"
        "{{= sum(b.grad.X) }} and {{= exp(-300)*b.Y[0] }} and {{= sum(b.grad.X) + 0.1**90 }}"
    )
    assert markdown(body) == r"$\approx 0$ and $\approx -6.305 \times 10^{-131}$ and $\approx 1.000 \times 10^{-90}$"


def test_probabilities_that_travel_are_probabilities() -> None:
    """A softmax sums to 1 in 120 digits, not beyond; what is typed sums to 1 exactly."""
    said = "```derive run softmax\nat: z=[2.3, 4.1, -2.1]\nname: said\n```\n\n"
    judged = said + "```derive run nll\nat: p={}, t=0\n```\n\n{{{{ nll.L }}}}\n"
    assert markdown(judged.format("said.p")) == "$1.955$"
    assert mistake(judged.format(f"[0.5, 0.5{'0' * 30}1]")).message.startswith("The probabilities of p sum to 1")


def test_a_graph_without_a_line_is_one_that_is_known() -> None:
    assert markdown("```derive graph softplus\n```\n") == "$$\ny = \\log(1 + e^{x})\n$$"
    assert markdown(SQUARE + "```derive graph square\n```\n") == "$$\nf = \\frac{u^{2}}{3}\n$$"
    assert mistake("```derive graph nobody\n```\n").message == "Nothing is defined here."


NEXT = "```derive run logistic\nat: w={}, x=start.x\nname: next\n```\n"


@pytest.mark.parametrize(
    ("body", "message", "line", "word"),
    [
        ("Before {{ start.L }}.\n", "No block above is named start.", 1, "start"),
        (LOGISTIC + START + "One {{ strat.L }}.\n", "No block above is named strat.", 13, "strat"),
        (LOGISTIC + START + "The $w = {{ start.q }}$.\n", "No q was found.", 13, "q"),
        (LOGISTIC + START + "The\n$w = {{ start.grad.n }}$.\n", "No gradient by n was found.", 14, "n"),
        (LOGISTIC + START + "A {{ L }}.\n", "L means nothing here: a number is named after the block that found it.", 13, "L"),
        (LOGISTIC + START + "A {{ }}.\n", "One formula is expected here.", 13, " "),
        (LOGISTIC + START + "A {{ start.w[7] }}.\n",
         "This index may leave its axis: it goes from 7 to 7, and the axis from 0 to 1.", 13, "7"),
        (LOGISTIC + START + "A {{ start.L +* 2 }}.\n", "This cannot be read as a definition.", 13, "*"),
        (LOGISTIC + START + NEXT.format("start.w - 0.1*start.dw"), "at: No dw was found.", 14, "dw"),
        (LOGISTIC + START + NEXT.format("start.w - eta*start.grad.w"),
         "at: eta means nothing here: a number is named after the block that found it.", 14, "eta"),
        (LOGISTIC + START + NEXT.format("[start.w, 1]"), "The lists of w mix numbers and lists.", 14, None),
        (LOGISTIC + START + NEXT.format("log(start.w)"),
         "at: result has no value here: log(-2) does not exist: the logarithm takes positive numbers (in log(start.w₂)).",
         14, "log(start.w)"),
        (LOGISTIC + START + START, "A block above is named start already.", 15, "start"),
        (LOGISTIC + START.replace("start", "2x"), "name: 2x is no name.", 10, "2x"),
        (LOGISTIC + "```derive gradient logistic\nwrt: w\nname: g\n```\n", "Values are needed.", 10, "g"),
    ],
)  # fmt: skip
def test_a_number_that_is_not_there_is_pointed_at(body: str, message: str, line: int, word: str | None) -> None:
    found = pointed(body)
    assert found[:2] == (message, line)
    assert word is None or found[2] == word


def test_the_names_there_are_are_told() -> None:
    assert mistake(LOGISTIC + START + "{{ start.q }}\n").hint == "There are w, x, p, L, n."
    assert mistake(LOGISTIC + START + "{{ strat.L }}\n").hint == "Did you mean start?"
    assert mistake(LOGISTIC + START + "{{ L }}\n").hint == "Write start.L."
    assert mistake("{{ start.L }}\n").hint == "Give a block a name: a line  name: run"


def test_braces_that_mean_something_else_stay() -> None:
    assert markdown("`{{ a.b }}` and \\{{ a.b }}\n").startswith("`{{ a.b }}` and ")
    assert markdown("$a^{{b}}$ and ${{x}_1}$\n") == "$a^{{b}}$ and ${{x}_1}$"


def test_each_language_has_its_own_numbers() -> None:
    fr = ":::fr\n" + START + "{{ start.p }}\n:::\n:::en\nNone.\n:::\n"
    assert markdown(LOGISTIC + fr) == "None."
    assert re.fullmatch(r"\$0\{,\}1824\$", markdown(LOGISTIC + fr, "fr"))


# ---------------------------------------------------------------- iterate

VALLEY = "```derive define valley\nf = u**2 + 10*v**2\n```\n\n"


def cells(body: str, lang: str = "en") -> list[list[str]]:
    """The cells of the one table of a lecture, without dollars."""
    rows = [line.strip("| ").replace("$", "").split(" | ") for line in markdown(body, lang).splitlines() if line[:1] == "|"]
    return [rows[0], *rows[2:]]


def test_gradient_descent_is_what_it_is_by_hand() -> None:
    step = "at: w=[1, -2], x=[0.5, 1]\nstep: w <- w - 0.5*grad.w\ntimes: 4\nshow: w[0], grad.w[1], L\nname: end\n"
    table = cells(LOGISTIC + f"```derive iterate logistic\n{step}```\n\n{{{{ end.L }}}}\n")
    assert table[0] == ["step", "w_{1}", r"\frac{\partial L}{\partial w_{2}}", "L"]
    w, x = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    for k, row in enumerate(table[1:]):
        p = 1 / (1 + np.exp(-w @ x))
        assert row[0] == str(k)
        assert [float(cell) for cell in row[1:]] == pytest.approx([w[0], (p - 1) * x[1], -np.log(p)], rel=5e-4)
        w = w - 0.5 * (p - 1) * x
    assert k == 4


def test_steps_are_taken_from_the_state_before_and_exactly() -> None:
    swap = "```derive iterate valley\nat: u=1/3, v=2\nstep: u = v, v = u\ntimes: 2\nname: end\n```\n\n{{= 3*end.u }}\n"
    text = markdown(VALLEY + swap)
    assert [row[1:3] for row in cells(VALLEY + swap)[1:]] == [["0.3333", "2"], ["2", "0.3333"], ["0.3333", "2"]]
    assert text.endswith("$= 1$")


def test_random_search_is_the_same_for_the_same_seed_and_takes_lower_steps_only() -> None:
    def found(seed: int) -> list[list[str]]:
        step = f"at: u=4, v=1\nstep: u = u + 0.5*noise, v = v + 0.5*noise\naccept: lower\nseed: {seed}\ntimes: 8\n"
        return cells(VALLEY + f"```derive iterate valley\n{step}```\n")

    losses = [float(row[-1]) for row in found(3)[1:]]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert found(3) == found(3) != found(4)
    assert noise((2, 3), 1, 0, "w").shape == (2, 3)
    drawn = np.array(noise((4000,), 1, 0, "w"), dtype=float)
    assert abs(drawn.mean()) < 0.06
    assert abs(drawn.std() - 1) < 0.05


@pytest.mark.parametrize(
    ("lines", "message", "word"),
    [
        ("times: 3", "A step, and how often it is taken, are needed.", None),
        ("step: u = u\ntimes: 0", "times: a whole number is expected, at least 1", "0"),
        ("step: u = u\ntimes: 2000", "A step is repeated from 1 to 1000 times.", "2000"),
        ("step: q = u\ntimes: 3", "There is no q in this graph.", "q = u"),
        ("step: f = u\ntimes: 3", "In step 1: f is defined by the graph and takes no value.", "f = u"),
        ("step: u = u - eta*grad.u\ntimes: 3", "In step 1: eta means nothing here.", "eta"),
        ("step: v = v, u = u - grad.w\ntimes: 3", "In step 1: No gradient by w was found.", "w"),
        (
            "step: u = u**9\ntimes: 9",
            "In step 3: A number is too large or too small: numbers go from 10^-308 to 10^308.",
            "u = u**9",
        ),
        ("step: u = u\ntimes: 3\nshow: u[0]", "u has no such entry.", "u[0]"),
        ("step: u = u\ntimes: 3\nplot: u+v", "plot: u+v is no number of a state.", "u+v"),
    ],
)
def test_a_step_that_cannot_be_taken_is_pointed_at(lines: str, message: str, word: str | None) -> None:
    found, _, under = pointed(VALLEY + f"```derive iterate valley\nat: u=4, v=1\n{lines}\n```\n")
    assert found == message
    assert word is None or under == word


# ---------------------------------------------------------------- gradient

REGRESSION = "```derive define g\nw: [n]\nx: [n]\nz = sum(w*x) + b\np = sigmoid(z)\nL = -y*log(p) - (1 - y)*log(1 - p)\n```\n\n"


def subjects(lines: str) -> list[str]:
    """The left-hand sides of the derivations of a gradient block."""
    text = markdown(REGRESSION + f"```derive gradient g\n{lines}\n```\n")
    return re.findall(r"\{aligned\}\n\\frac\{\\partial L\}\{\\partial (\w)", text)


def test_a_gradient_block_ends_where_a_textbook_does() -> None:
    kept, written = (markdown(REGRESSION + f"```derive gradient g\nwrt: w\nexpand: {yes}\n```\n") for yes in ("no", "yes"))
    assert r"\nabla_{w}L &= \frac{\partial L}{\partial z}x" in kept
    assert r"\nabla_{w}L &= (p - y)x" in written


def test_a_gradient_block_shows_several_and_those_on_the_way() -> None:
    assert subjects("wrt: b, w") == ["b", "w"]
    assert subjects("wrt: w, w\nthrough: yes") == ["p", "z", "w"]


# ---------------------------------------------------------------- worked, check, and what is fed back

NEURON = "```derive define neuron\nz = w*x + b\np = sigmoid(z)\nL = -log(p)\n```\n\n"
LAYER = "```derive define layer\nW: [m, n]\nh: [n]\na = W @ h\n```\n\n"


def worked(lines: str, lang: str = "en", graph: str = NEURON, name: str = "neuron") -> str:
    return markdown(graph + f"```derive worked {name}\n{lines}\n```\n", lang)


def test_worked_says_what_is_given_as_it_was_typed() -> None:
    assert worked("at: w=1.50, x=2, b=-1").startswith("Given: $w = 1.50$, $x = 2$, $b = -1$.\n")
    assert worked("at: w=1.50, x=2, b=-1", "fr").startswith("On donne\u00a0: $w = 1{,}50$, $x = 2$, $b = -1$.\n")
    assert worked("at: w=1.50, x=2, b=1/3").startswith(r"Given: $w = 1.50$, $x = 2$, $b \approx 0.3333$.")
    assert "Given" not in worked("at: w=1.50, x=2, b=-1\ngiven: no")
    assert worked("at: s=[1, 2], t=1", graph="", name="hinge").startswith("Given: $s = (1, 2)$, $t = 2$.")


def test_worked_goes_by_definitions_or_by_operations_and_by_what_is_asked_for() -> None:
    operations, definitions = (worked(f"at: w=1.50, x=2, b=-1\nwrt: w\nby: {by}") for by in ("operations", "definitions"))
    assert r"t_{1} &= wx" in operations
    assert "t_" not in definitions
    slope = 1.5 * 2 - 1
    expected = (1 / (1 + math.exp(-slope)) - 1) * 2  # (p - 1) x
    for text in (operations, definitions):
        assert re.findall(r"^\\frac\{\\partial L\}\{\\partial ([a-z])\} &=", text, re.MULTILINE) == ["p", "z", "w"]
        assert f"{expected:.4g}" in text.splitlines()[-3]
    assert worked("at: w=1.50, x=2, b=-1\nwrt: w\ngrad: no").count("partial") == 0


def test_an_option_without_a_value_is_pointed_at() -> None:
    text = "```derive graph g\nf = u*v\n```\n\n```derive worked g\nat: \n```\n"
    assert pointed(text)[::2] == ("at: a name is expected", "at")


def test_a_figure_follows_a_worked_block_of_the_same_slide() -> None:
    at = "```derive {} g\nat: u=2, v=3, w=4\n{}```\n"
    text = "```derive graph g\nf = (u + v)*w\n```\n" + at.format("worked", "grad: yes\n") + at.format("figure", "")
    assert any(isinstance(block, Picture) for block in document(text).slides[0].blocks)


def test_two_worked_blocks_on_a_slide_name_no_two_results_alike() -> None:
    block = "```derive worked neuron\nat: w=1, x=2, b={}\ngrad: yes\n```\n\n"
    body = NEURON + block.format(1) + block.format(2)
    named = re.findall(r"^(t_\{\d\}) &= ", markdown(body), re.MULTILINE)
    assert named == ["t_{1}", "t_{2}", "t_{3}", "t_{4}"]
    apart = render(document(body + "## Next\n\n" + block.format(3)), "markdown").text.split("## Next")[1]
    assert re.findall(r"^(t_\{\d\}) &= ", apart, re.MULTILINE) == ["t_{1}", "t_{2}"]


def test_a_seed_is_what_is_fed_back() -> None:
    w, h, g = np.array([[1, 2], [3, 4]]), np.array([1, -1]), np.array([2, 0.5])
    values = "at: W=[[1, 2], [3, 4]], h=[1, -1]\nseed: [2, 0.5]\n"
    text = markdown(LAYER + f"```derive worked layer\n{values}grad: yes\nname: run\n```\n\n{{{{ run.grad.W }}}}\n")
    assert "its entry of the seed $g = (2, 0.5)$." in text
    assert f"({', '.join(f'{v:g}' for v in w.T @ g)})" in text
    grid = " \\\\ ".join(" & ".join(f"{v:g}" for v in line) for line in np.outer(g, h))
    assert text.endswith(f"{{bmatrix}}{grid}\\end{{bmatrix}}$")


@pytest.mark.parametrize(
    ("body", "message", "word"),
    [
        (LAYER + "```derive worked layer\nat: W=[[1, 2]], h=[1, 1]\nseed: [1, 2]\n```\n",
         "The seed has the shape 2, and a the shape 1.", "[1, 2]"),
        (LAYER + "```derive worked layer\nat: W=[[1, 2]], h=[1, 1]\nseed: [1, x]\n```\n",
         "seed: x means nothing here: a number is named after the block that found it.", "x"),
        (NEURON + "```derive worked neuron\nat: w=1, x=2, b=1\nseed: 3\n```\n",
         "L is a number: nothing but 1 is fed back into it.", "3"),
        (NEURON + "```derive worked neuron\nat: w=1, x=2, b=1\nwrt: q\n```\n", "L is not computed from q.", "q"),
    ],
)  # fmt: skip
def test_a_seed_and_a_name_that_do_not_fit_are_pointed_at(body: str, message: str, word: str) -> None:
    found, _, under = pointed(body)
    assert (found, under) == (message, word)


@pytest.mark.parametrize(("name", "wrt"), [("batch_norm", "X"), ("softmax", "z"), ("hinge", "s"), ("linear_svm", "W")])
def test_a_check_chooses_what_tells(name: str, wrt: str) -> None:
    rows = cells(f"```derive check {name}\nwrt: {wrt}\n```\n")
    analytic = [float(re.sub(r" \\times 10\^\{(.*)\}", r"e\1", row[1])) for row in rows[1:] if len(row) == 5]
    assert any(analytic)
    assert {row[-1] for row in rows[1:] if len(row) == 5} == {"agrees"}


def test_a_check_of_zeros_says_so() -> None:
    zeros = markdown("```derive check hinge\nat: s=[5, 0, 0], t=0\n```\n")
    assert "the check says little" in zeros
    assert "largest error" not in zeros
    ones = markdown("```derive check softmax\nat: z=[1, 2]\nseed: [1, 1]\n```\n")
    assert "the check says little" in ones


# ---------------------------------------------------------------- plots

DESCENT = (
    "```derive iterate valley\nat: u=4, v=1\nstep: u = u - 0.09*grad.u, v = v - 0.09*grad.v\ntimes: 3\nname: descent\n```\n\n"
)


def chart(lines: str, name: str = "", above: str = "", lang: str = "en") -> Chart:
    block = f"```derive plot {name}\n{lines}\n```\n"
    pictures = [b for b in document(above + block, lang).slides[0].blocks if isinstance(b, Picture)]
    drawn: Chart = pictures[-1].formats["svg"].args[0]  # type: ignore[attr-defined]
    return drawn


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("tanh", np.tanh),
        ("x**2 - 2*x", lambda x: x**2 - 2 * x),
        ("leaky_relu(x, 0.1)", lambda x: np.where(x > 0, x, 0.1 * x)),
        ("x*sigmoid(k*x)", lambda x: x / (1 + np.exp(-1.5 * x))),
        ("max(0, min(1, 0.2*x + 0.5))", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ],
)
def test_a_curve_is_its_function_and_its_slope_the_slope(formula: str, value: Callable[[Any], Any]) -> None:
    at = "\nat: k=1.5" if "k" in formula.replace("leaky", "") else ""
    left, right = chart(f"functions: {formula}\nderivatives: yes\nfrom: -3.01\nto: 4.02{at}").panels
    x, y = left.curves[0].x, left.curves[0].y
    assert (x[0], x[-1]) == (-3.01, 4.02)
    assert np.allclose(y, value(x), atol=1e-12)
    x, slope = right.curves[0].x, right.curves[0].y
    kinks = np.abs(value(x + 1e-4) - 2 * value(x) + value(x - 1e-4)) > 1e-6
    differences = (value(x + 1e-5) - value(x - 1e-5)) / 2e-5
    fair = ~kinks & np.isfinite(slope)
    assert fair.mean() > 0.95
    assert np.allclose(slope[fair], differences[fair], atol=1e-5)


def test_a_jump_is_not_joined_by_a_line_and_a_slope_is() -> None:
    def broken(formula: str) -> list[float]:
        curve = chart(f"functions: {formula}\nfrom: -2\nto: 2.1").panels[0].curves[0]
        gaps = np.flatnonzero(~np.isfinite(curve.y))
        assert all(curve.x[k - 1] < curve.x[k + 1] < curve.x[k - 1] + 1e-6 for k in gaps)
        return [round(float(curve.x[k]), 5) for k in gaps]

    assert broken("where(x > 1, 2, -1)") == [1.0]
    assert broken("where(x > 1, 2, -1) + where(x < -0.5, 1, x)") == [-0.5, 1.0]
    assert broken("1/x") == [0.0]
    assert broken("tanh(400*x)") == broken("abs(x)") == broken("relu") == broken("x**3 - x") == []
    slope = chart("functions: relu\nderivatives: yes\nfrom: -2\nto: 2.1").panels[1].curves[0]
    assert np.isnan(slope.y).sum() == 1


def test_where_a_function_has_no_value_there_is_no_curve() -> None:
    curve = chart("functions: log(x)\nfrom: -1\nto: 3").panels[0].curves[0]
    assert np.isnan(curve.y[curve.x < 0]).all()
    assert np.allclose(curve.y[curve.x > 0], np.log(curve.x[curve.x > 0]))
    assert pointed("```derive plot\nfunctions: log(x)\nfrom: -3\nto: -1\n```\n")[0] == "Nothing has a value here."


def test_a_profile_is_a_number_of_the_graph_over_one_of_its_inputs() -> None:
    (panel,) = chart("at: w=[1, -2], x=[0.5, 1]\nalong: w[1]\nmarks: -2", "logistic", LOGISTIC, "fr").panels
    x = panel.curves[0].x
    assert np.allclose(panel.curves[0].y, np.log(1 + np.exp(-(0.5 + x))))
    assert (panel.x, panel.curves[0].label, panel.marks[0].label) == ("w_{2}", "L(w_{2})", "1{,}701")
    (shown,) = chart("at: x=[0.5, 1], w=[1, 1]\nof: p\nalong: w[0]", "logistic", LOGISTIC).panels
    assert np.allclose(shown.curves[0].y, 1 / (1 + np.exp(-(0.5 * x + 1))))
    left, right = chart("at: x=2, b=1\nderivatives: yes", "neuron", NEURON).panels
    p = 1 / (1 + np.exp(-(2 * left.curves[0].x + 1)))
    assert np.allclose(right.curves[0].y, (p - 1) * 2)


def test_a_surface_has_its_path() -> None:
    (panel,) = chart("path: descent\nfrom: -4, -1\nto: 4, 2", "valley", VALLEY + DESCENT).panels
    assert panel.surface is not None
    x, y, z = panel.surface
    across, up = np.meshgrid(x, y)
    assert np.allclose(z, across**2 + 10 * up**2)
    assert (x[0], x[-1], y[0], y[-1]) == (-4, 4, -1, 2)
    path = np.column_stack([panel.curves[0].x, panel.curves[0].y])
    assert np.allclose(path, [[4 * 0.82**k, (-0.8) ** k] for k in range(4)])
    assert [mark.hollow for mark in panel.marks] == [True, False]


def test_paths_are_called_as_the_language_of_the_page_has_it_and_one_alone_not_at_all() -> None:
    two = DESCENT + DESCENT.replace("name: descent", "name: chance")
    for lang, words in (("en", "chance"), ("fr", r"au\ hasard")):
        (panel,) = chart("path: descent, chance {fr: au hasard}", "valley", VALLEY + two, lang).panels
        assert [curve.label for curve in panel.curves] == [r"\mathrm{descent}", rf"\mathrm{{{words}}}"]
    (panel,) = chart("path: descent", "valley", VALLEY + DESCENT).panels
    assert [curve.label for curve in panel.curves] == [""]


def test_a_tensor_all_of_whose_entries_move_needs_no_value() -> None:
    (panel,) = chart("at: x=[0.5, 1]\nalong: w[0], w[1]\nof: p", "logistic", LOGISTIC).panels
    assert panel.surface is not None
    x, y, z = panel.surface
    assert np.allclose(z, 1 / (1 + np.exp(-(0.5 * x[None, :] + y[:, None]))))


def test_lines_of_equal_height_part_a_surface_into_equal_areas_at_short_numbers() -> None:
    across, up = np.meshgrid(np.linspace(-2, 2, 61), np.linspace(-2, 2, 61))
    steep = across**4 + np.exp(3 * up)
    heights = levels(steep)
    shares = np.diff([0, *(float(np.mean(steep < height)) for height in heights), 1])
    assert 7 <= len(heights) <= 12
    assert max(shares) < 0.25  # heights that are evenly spaced leave nine tenths of it to the lowest
    assert all(len(f"{height:g}".replace(".", "").strip("0")) <= 3 for height in heights)
    assert len(levels(np.zeros((3, 3)))) == 1


def test_steps_are_whole_numbers_on_the_axis() -> None:
    blocks = document(VALLEY + DESCENT.replace("name: descent", "plot: f")).slides[0].blocks
    (drawn,) = (block.formats["svg"] for block in blocks if isinstance(block, Picture))
    assert drawn.args[0].panels[0].whole  # type: ignore[attr-defined]


def test_saturated_stretches_are_shaded() -> None:
    ((low, first), (second, high)) = chart("functions: sigmoid\nsaturated: 0.05").panels[0].zones
    assert (low, high) == (-6, 6)
    edge = math.log((1 - 0.1 + math.sqrt(0.8)) / 0.1)  # where p (1 - p) = 0.05
    assert first == pytest.approx(-edge, abs=0.03)
    assert second == pytest.approx(edge, abs=0.03)


def test_a_plot_is_drawn_in_every_format_in_one_font_and_the_same_each_time() -> None:
    drawn = chart("path: descent\nfrom: -4\nto: 4", "valley", VALLEY + DESCENT, "fr")
    for kind, start in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        assert draw(drawn, kind, Page("fr")).startswith(start)
    pdf = draw(drawn, "pdf", Page("fr"))
    fonts = {name.decode().lower() for name in re.findall(rb"/BaseFont /(?:\w+\+)?(\w+)", pdf)}
    assert fonts <= {"cmr10", "cmmi10", "cmsy10", "cmex10"}
    assert draw(drawn, "svg", Page("fr")) == draw(drawn, "svg", Page("fr"))


@pytest.mark.parametrize(
    ("body", "message", "word"),
    [
        ("```derive plot\nfunctions: softmax\n```\n", "softmax is not a function of one number.", "softmax"),
        ("```derive plot\nfunctions: leaky_relu\n```\n", "leaky_relu is not a function of one number.", "leaky_relu"),
        ("```derive plot\nfunctions: x**\n```\n", "x** is no formula in x: This cannot be read as a definition.", "x**"),
        ("```derive plot\nfunctions: a*x\n```\n", "The value of a is missing.", "a*x"),
        (LOGISTIC + "```derive plot logistic\nat: w=[1, 2]\n```\n", "x is no number.", "w=[1, 2]"),
        (LOGISTIC + "```derive plot logistic\nat: w=[1, 2], x=[1, 2]\nalong: w[2]\n```\n", "w has no such entry.", "w[2]"),
        (LOGISTIC + "```derive plot logistic\nat: w=[1, 2], x=[1, 2]\n```\n", "A plot is over one number, or over two.",
         "w=[1, 2], x=[1, 2]"),
        (VALLEY + "```derive plot valley\npath: descent\n```\n", "No iterate block above is named descent.", "descent"),
        (VALLEY + "```derive plot valley\npath: a {fr\n```\n", "path: Names are expected, with commas between them.", "a {fr"),
        (VALLEY + "```derive plot valley\nderivatives: yes\n```\n", "A surface has no derivative beside it.", "yes"),
    ],
)  # fmt: skip
def test_a_plot_that_cannot_be_drawn_is_pointed_at(body: str, message: str, word: str) -> None:
    found, _, under = pointed(body)
    assert (found, under) == (message, word)


# ---------------------------------------------------------------- code


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_a_kernel_block_shows_the_loops_of_the_module(target: str) -> None:
    block, *_ = document(f"```derive kernel hinge\ntarget: {target}\nfunction: value\n```\n").slides[0].blocks
    assert isinstance(block, CodeBlock)
    source = derive.graph("hinge").kernel(target).source
    assert max(map(len, block.text.split("\n"))) <= 72
    tree = ast.parse(block.text)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    whole = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assert names
    assert [ast.dump(node) for node in tree.body] == [ast.dump(whole[name]) for name in names]


def test_a_kernel_block_shows_its_innermost_loops_or_what_it_does_without_one() -> None:
    block, *_ = document("```derive kernel softplus\nbatch: x\nfunction: value\nshow: loop\n```\n").slides[0].blocks
    assert isinstance(block, CodeBlock)
    assert block.text.startswith("for ")
    assert "softplus" in block.text
    assert {len(line) - len(line.lstrip()) for line in block.text.splitlines() if line} == {0, 4}
    block, *_ = document("```derive kernel softplus\nfunction: value\nshow: loop\n```\n").slides[0].blocks
    assert isinstance(block, CodeBlock)
    assert "y = softplus(x)" in block.text


def test_a_kernel_block_shows_its_program_and_names_its_functions() -> None:
    block, *_ = document("```derive kernel hinge\nshow: program\n```\n").slides[0].blocks
    assert isinstance(block, CodeBlock)
    assert block.text == str(derive.graph("hinge").kernel().programs["value_and_grad"])
    message, _, word = pointed("```derive kernel hinge\nfunction: vjp\n```\n")
    assert (message, word) == ("This kernel has no function vjp.", "vjp")


def test_a_code_block_is_a_cell() -> None:
    (block,) = document("```derive code\nname: str = 'x'\n# kept\n```\n").slides[0].blocks
    assert block == CodeBlock("name: str = 'x'\n# kept", "python", runs=True)
    assert markdown("```derive code\nx = 1\n```\n") == "```python\nx = 1\n```"


# ---------------------------------------------------------------- the page that documents them

PAGE = (Path(__file__).parents[2] / "docs" / "blocks.md").read_text("utf-8")
EXAMPLES = re.findall(r"````markdown\n(.*?)````\n", PAGE, re.DOTALL)


def test_every_example_of_the_page_on_blocks_builds_in_french() -> None:
    found = document("\n".join(EXAMPLES), "fr")  # in English the gallery does
    assert len(found.slides[0].blocks) > len(EXAMPLES)


def test_the_gallery_shows_what_the_page_on_blocks_becomes(golden: Callable[[Path, str], None]) -> None:
    """Its text is what is built; of its pictures, which are drawn anew by `make gallery`, each that it shows is there."""
    found = build_lecture(read(gallery.lecture(PAGE), "blocks.md"), "en")
    text = render(found, "markdown", Choices(flavour="github")).text
    golden(gallery.GALLERY / "blocks.en.md", text)
    shown = re.findall(r"\]\((blocks-.*?\.svg)\)", text)
    assert len(shown) > 8
    assert {path.name for path in gallery.GALLERY.glob("*.svg")} == set(shown)


def test_every_block_and_every_option_has_its_row_and_its_example() -> None:
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    used = re.findall(r"```derive (\w+).*?\n(.*?)```", "\n".join(EXAMPLES), re.DOTALL)
    for kind, row in KINDS.items():
        (section,) = [text for title, text in sections.items() if f"`{kind}`" in title]
        told = {
            word for cells in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall(r"`([\w-]+)`", cells)
        }
        assert told == set(row.options), kind
        lines = "\n".join(body for name, body in used if name == kind)
        assert [key for key in row.options if not re.search(rf"^{key}:", lines, re.MULTILINE)] == [], kind
