"""Figures of computational graphs: nothing overlaps, arrows meet their boxes, and equal diagrams give equal files."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

import derive
from derive import api
from derive.derivation.derivation import fields_of
from derive.errors import DeriveError
from derive.language import library
from derive.notation.layout import latex
from derive.notation.style import GREEK, name_layout
from derive.proof.points import random_point
from derive.proof.sizes import size_sets
from derive.teaching.blocks.diagrams import MAX_BOXES, Room, View, diagram, label
from derive.teaching.blocks.networks import network
from derive.teaching.blocks.pictures import NODES, Drawn, picture, view_of
from derive.teaching.figure import DOTS, LEGIBLE, Arrow, Box, Diagram, Matrix, description, draw, size_on_page
from derive.teaching.figure.canvas import compose, measure, paint
from derive.teaching.figure.geometry import CLOSE, PAGE, ROOMY, Drawing, Outline, Path, Rectangle
from derive.teaching.figure.layout import layout, least
from derive.teaching.figure.look import COLOUR, TINT
from derive.teaching.figure.typesetting import WHOLE, typeset
from derive.teaching.formats.latex.columns import MOST, POINTS
from derive.teaching.formats.latex.heights import WIDTH
from derive.teaching.lecture import kinds, lecture
from derive.teaching.page import Page
from derive.values.run import Run, run_at

# ---- the diagrams ----------------------------------------------------------------------------------------------------


def sum_times_w() -> Diagram:
    """f = (u + v) w at u = 2, v = 3, w = 4."""
    inputs = (Box("u", "u", "input"), Box("v", "v", "input"), Box("w", "w", "input"))
    arrows = (
        Arrow("u", "+", "2", "4"),
        Arrow("v", "+", "3", "4"),
        Arrow("+", "*", "5", "4"),
        Arrow("w", "*", "4", "5"),
        Arrow("*", "f", "20", "1"),
    )
    return Diagram((*inputs, Box("+", "+"), Box("*", r"\times"), Box("f", "f", "output")), arrows, "f = (u + v) w & more")


def neuron() -> Diagram:
    """f = w₃ ReLU(w₁ x₁ + w₂ x₂ + b)."""
    inputs = tuple(
        Box(name, f"{name[0]}_{name[1:]}" if name[1:] else name, "input") for name in ["w3", "w1", "x1", "w2", "x2", "b"]
    )
    inner = (Box("m1", r"\times"), Box("m2", r"\times"), Box("+", "+"), Box("relu", r"\mathrm{ReLU}"), Box("m3", r"\times"))
    arrows = (
        Arrow("w1", "m1", "2", "-3"),
        Arrow("x1", "m1", "-1", "6"),
        Arrow("w2", "m2", "-3", "-6"),
        Arrow("x2", "m2", "-2", "-9"),
        Arrow("m1", "+", "-2", "3"),
        Arrow("m2", "+", "6", "3"),
        Arrow("b", "+", "-3", "3"),
        Arrow("+", "relu", "1", "3"),
        Arrow("w3", "m3", "3", "1"),
        Arrow("relu", "m3", "1", "3"),
        Arrow("m3", "f", "3", "1"),
    )
    return Diagram((*inputs, *inner, Box("f", "f", "output")), arrows)


def softmax_cross_entropy() -> Diagram:
    """-log of the first of three softmax probabilities, at z = (2, 1, 0.1)."""
    boxes = [Box(f"z{k}", f"z_{k}", "input") for k in (1, 2, 3)] + [Box("sum", r"\sum"), Box("log", r"-\log")]
    arrows = []
    columns = [("2.0", "7.39", "0.659", "-0.341", "-0.135", "0.089"), ("1.0", "2.72", "0.242", "0.242", "0", "0")]
    columns.append(("0.1", "1.11", "0.099", "0.099", "0", "0"))
    for k, (z, power, p, to_z, to_power, to_total) in enumerate(columns, 1):
        boxes += [Box(f"exp{k}", r"\exp"), Box(f"/{k}", r"\div"), *([Box(f"p{k}", f"p_{k}", "output")] if k > 1 else [])]
        arrows += [Arrow(f"z{k}", f"exp{k}", z, to_z), Arrow(f"exp{k}", "sum", power, "0.089")]
        arrows += [Arrow(f"exp{k}", f"/{k}", power, to_power), Arrow("sum", f"/{k}", "11.21", to_total)]
        arrows += [Arrow("/1", "log", p, "-1.517") if k == 1 else Arrow(f"/{k}", f"p{k}", p, "0")]
    return Diagram((*boxes, Box("L", "L", "output")), (*arrows, Arrow("log", "L", "0.417", "1")))


def square() -> Diagram:
    """x * x: two arrows between the same boxes."""
    boxes = (Box("x", "x", "input"), Box("*", r"\times"), Box("f", "f", "output"))
    return Diagram(boxes, (Arrow("x", "*", "3", "3"), Arrow("x", "*", "3", "3"), Arrow("*", "f", "9", "1")))


def layer() -> Diagram:
    """a = W h for four rows and three columns, product by product."""
    rows, columns = range(1, 5), range(1, 4)
    boxes = [Box(f"w{i}{j}", f"w_{{{i}{j}}}", "input") for i in rows for j in columns]
    boxes += [Box(f"h{j}", f"h_{j}", "input") for j in columns] + [Box(f"m{i}{j}", r"\times") for i in rows for j in columns]
    boxes += [Box(f"+{i}", "+") for i in rows] + [Box(f"a{i}", f"a_{i}", "output") for i in rows]
    arrows = []
    for i in rows:
        for j in columns:
            arrows += [Arrow(f"w{i}{j}", f"m{i}{j}", f"{i}.{j}", f"-{j}.5"), Arrow(f"h{j}", f"m{i}{j}", f"{j}", f"{i}.25")]
            arrows += [Arrow(f"m{i}{j}", f"+{i}", f"{i * j}", f"0.{i}")]
        arrows.append(Arrow(f"+{i}", f"a{i}", f"{14 * i}", f"0.{i}"))
    return Diagram(tuple(boxes), tuple(arrows))


def vectors() -> Diagram:
    """Wide labels, an arrow without a gradient, one without any label, and a box that nothing touches."""
    boxes = (Box("x", "x", "input"), Box("W", "W", "input"), Box("c", "c", "input"), Box("t", "t", "input"))
    boxes += (Box("@", "W x"), Box("p", r"\mathrm{softmax}"), Box("L", "-\\log p_t", "output"))
    arrows = (
        Arrow("x", "@", r"(1;\ -2)", r"(0.31;\ -0.77)"),
        Arrow("W", "@"),
        Arrow("@", "p", r"(2.3;\ 4.1;\ -2.1)", r"(-0.86;\ 0.86;\ 0.002)"),
        Arrow("p", "L", r"(0.14;\ 0.86;\ 0.002)", r"(-7.1;\ 0;\ 0)"),
        Arrow("t", "L", "1"),
    )
    return Diagram(boxes, arrows)


def matrices() -> Diagram:
    """a = W h + b with numbers of several lengths, a column, a row, and a matrix without a gradient."""
    boxes = (Box("W", "W", "input"), Box("h", "h", "input"), Box("b", "b", "input"))
    boxes += (Box("@", r"\cdot"), Box("+", "+"), Box("a", "a", "output"))
    weights = Matrix((("1", "-2{,}5", "0"), ("10{,}25", "3", r"1{,}2 \times 10^{-7}"), ("-0{,}5", "0{,}125", "7")))
    arrows = (
        Arrow("W", "@", weights, weights),
        Arrow("h", "@", r"(1;\ 1{,}5;\ 2)", Matrix((("1",), ("-0{,}5",), ("12",)))),
        Arrow("@", "+", Matrix((("1", "-2"),)), "1"),
        Arrow("b", "+", "", Matrix((("0",),))),
        Arrow("+", "a", weights),
    )
    return Diagram((*boxes,), arrows)


def single() -> Diagram:
    """One box and no arrow."""
    return Diagram((Box("x", "x", "input"),))


DIAGRAMS = [sum_times_w, neuron, softmax_cross_entropy, square, layer, vectors, matrices, single]


# ---- the checker -----------------------------------------------------------------------------------------------------


def polyline(path: Path, each: int = 24) -> np.ndarray:
    """Points along an arrow, (n, 2), close enough together that nothing of a label's size slips between."""
    t = np.linspace(0, 1, each)[:, None]
    points = np.array(path.points)
    curves = [points[i : i + 4] for i in range(0, len(points) - 1, 3)]
    return np.vstack([(1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d for a, b, c, d in curves])


def crosses(line: np.ndarray, frame: Rectangle) -> bool:
    """Whether a polyline enters a rectangle (clipping each segment: Liang & Barsky 1984)."""
    start, run = line[:-1], np.diff(line, axis=0)
    run = np.where(np.abs(run) < 1e-12, 1e-12, run)
    low, high = (np.array([frame.left, frame.top]) - start) / run, (np.array([frame.right, frame.bottom]) - start) / run
    enter, leave = np.minimum(low, high).max(axis=1), np.maximum(low, high).min(axis=1)
    return bool(np.any(np.maximum(enter, 0) < np.minimum(leave, 1)))


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def depth(shape: Outline, x: float, y: float) -> float:
    """How far inside the rim of a box a point lies (negative outside), in points."""
    (cx, cy), outline, corner = shape.outline.centre, shape.outline, shape.corner
    dx, dy = abs(x - cx) - outline.width / 2 + corner, abs(y - cy) - outline.height / 2 + corner
    return corner - hypot(max(dx, 0), max(dy, 0)) - min(max(dx, dy), 0)


def faults(layout: Drawing) -> list[str]:
    """Everything that touches what it should not."""
    frames = {f"text {i} '{text.formula}'": text.frame for i, text in enumerate(layout.texts)}
    outlines = {f"box '{shape.box.name}'": shape.outline for shape in layout.shapes}
    lines = [polyline(path) for path in layout.paths]
    solid = list((frames | outlines).items())
    found = [f"{one} overlaps {other}" for (one, a), (other, b) in combinations(solid, 2) if overlap(a, b)]
    for path, line in zip(layout.paths, lines, strict=True):
        name = f"arrow {path.arrow.source} → {path.arrow.target}"
        if line.min() < 0 or (line.max(axis=0) > (layout.width, layout.height)).any():
            found.append(f"{name} leaves the page")
        found += [f"{name} runs through {text}" for text, frame in frames.items() if crosses(line, frame)]
        for shape in layout.shapes:
            if shape.box.name not in (path.arrow.source, path.arrow.target) and crosses(line, shape.outline):
                found.append(f"{name} runs through box '{shape.box.name}'")
    page = Rectangle(0, 0, layout.width, layout.height)
    found += [f"{name} leaves the page" for name, frame in solid if clipped(frame, page)]
    found += [f"the label of '{s.box.name}' leaves its box" for s in layout.shapes if clipped(s.label.frame, s.outline)]
    return found


def clipped(inner: Rectangle, outer: Rectangle) -> bool:
    return inner.left < outer.left or inner.right > outer.right or inner.top < outer.top or inner.bottom > outer.bottom


def crossings(layout: Drawing) -> int:
    """How many pairs of arrows cross away from their boxes."""
    boxes = {shape.box.name: shape for shape in layout.shapes}
    count = 0
    for one, other in combinations(layout.paths, 2):
        a, b = polyline(one, 60), polyline(other, 60)
        ab, cd = np.diff(a, axis=0)[:, None], np.diff(b, axis=0)[None]
        between = b[None, :-1] - a[:-1, None]
        turn = ab[..., 0] * cd[..., 1] - ab[..., 1] * cd[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            s = (between[..., 0] * cd[..., 1] - between[..., 1] * cd[..., 0]) / turn
            t = (between[..., 0] * ab[..., 1] - between[..., 1] * ab[..., 0]) / turn
        inside = (s >= 0) & (s < 1) & (t >= 0) & (t < 1)
        where = a[:-1][np.nonzero(inside)[0]]
        ends = [boxes[name] for path in (one, other) for name in (path.arrow.source, path.arrow.target)]
        count += any(all(depth(shape, x, y) < -0.5 for shape in ends) for x, y in where)
    return count


# ---- nothing overlaps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_nothing_overlaps(diagram, language):
    assert faults(compose(diagram(), language)) == []


def test_the_checker_sees_a_label_that_was_moved():
    good = compose(neuron())
    for number, text in enumerate(good.texts[:-2]):
        others = [shape.outline for shape in good.shapes] + [other.frame for other in good.texts if other is not text]
        targets = [min(others, key=lambda frame, x=text.frame.centre: np.hypot(*np.subtract(frame.centre, x))).centre]
        targets += [tuple(polyline(path).mean(axis=0)) for path in good.paths[:1]]
        targets += [(text.frame.centre[0], text.frame.centre[1] + (5 if text.role == "forward" else -5))]  # onto its arrow
        targets += [(-3.0, 5.0)]
        for x, y in targets:
            frame = text.frame.moved(x - text.frame.centre[0], y - text.frame.centre[1])
            texts = (*good.texts[:number], replace(text, frame=frame), *good.texts[number + 1 :])
            assert any(f"text {number} " in fault for fault in faults(replace(good, texts=texts)))


def test_the_checker_sees_an_arrow_through_a_box():
    good = compose(sum_times_w())
    w = next(shape for shape in good.shapes if shape.box.name == "w")
    x, y = w.outline.centre
    bad = Path(good.paths[0].arrow, ((x - 40, y), (x - 20, y), (x + 20, y), (x + 40, y)))
    assert any("through box 'w'" in fault for fault in faults(replace(good, paths=(bad, *good.paths[1:]))))


def plain_measure(formula: str, size: float) -> Rectangle:
    """A stand-in for a font: every character half an em wide."""
    return Rectangle(0.0, -0.7 * size, 0.5 * size * len(formula), 0.2 * size)


@st.composite
def diagrams(draw):
    """Acyclic graphs of up to 15 boxes in any order, with parallel arrows, long arrows, lone boxes and wide labels."""
    count = draw(st.integers(1, 15))
    label = st.sampled_from(["", "1", "-0.25", "(2.3; 4.1; -2.1)", "x" * 25, Matrix((("1", "-2.5"), ("0.25", "3")))])
    name = draw(st.permutations(range(count)))
    pairs = draw(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=26)) if count > 1 else []
    edges = [sorted((a % count, b % count)) for a, b in pairs if a % count != b % count]
    entered, left = {name[b] for _, b in edges}, {name[a] for a, _ in edges}
    boxes = [
        Box(str(i), draw(st.sampled_from(["x", "+", "softmax", "x" * 14])), "operation" if i in entered & left else kind)
        for i in range(count)
        for kind in ["output" if i in entered else "input"]
    ]
    return Diagram(tuple(boxes), tuple(Arrow(str(name[a]), str(name[b]), draw(label), draw(label)) for a, b in edges))


def stacked(layout: Drawing) -> float:
    """How high a figure would be with everything in it in one stack."""
    frames = [shape.outline for shape in layout.shapes] + [text.frame for text in layout.texts]
    return sum(frame.height + 8 for frame in frames) + 8 * len(layout.paths)


@settings(max_examples=150)
@given(diagrams(), st.sampled_from([ROOMY, CLOSE]), st.booleans())
def test_nothing_overlaps_in_any_graph(diagram, spacing, down):
    diagram = replace(diagram, down=down)
    legend = [("forward", "forward: value"), ("backward", "backward: gradient")]
    first = layout(diagram, plain_measure, legend, spacing)
    assert faults(first) == []
    assert [fault for path in first.paths for fault in bad_ends(first, path)] == []
    assert layout(diagram, plain_measure, legend, spacing) == first
    assert down or first.height < 60 + stacked(first)
    width, height = least(diagram, plain_measure, spacing)
    assert width <= first.width
    assert height <= first.height


# ---- arrows ----------------------------------------------------------------------------------------------------------


def bad_ends(layout: Drawing, path: Path) -> list[str]:
    """What is wrong with an arrow that should run from rim to rim, from left to right or down."""
    boxes = {shape.box.name: shape for shape in layout.shapes}
    found = [
        f"an end of {path.arrow} is {depth(boxes[name], *point):.3f} points inside '{name}'"
        for name, point in ((path.arrow.source, path.points[0]), (path.arrow.target, path.points[-1]))
        if abs(depth(boxes[name], *point)) > 0.01
    ]
    return found + ([f"{path.arrow} turns back"] if (np.diff(polyline(path), axis=0) < -1e-9).any(axis=0).all() else [])


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_arrows_run_from_rim_to_rim(diagram):
    result = compose(diagram())
    assert [fault for path in result.paths for fault in bad_ends(result, path)] == []


FEWEST = [(sum_times_w, 0), (neuron, 0), (square, 0), (vectors, 0), (softmax_cross_entropy, 2)]


@pytest.mark.parametrize(("diagram", "fewest"), FEWEST)
def test_no_needless_crossings(diagram, fewest):
    assert crossings(compose(diagram())) == fewest


@given(st.lists(st.integers(0, 24), min_size=1, max_size=24), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_tree_is_drawn_without_crossings(parents, random):
    order = list(range(len(parents) + 1))
    random.shuffle(order)
    edges = [(order[child], order[parent % child]) for child, parent in enumerate(parents, 1)]
    boxes = tuple(Box(str(i), "x", "operation" if i in {b for _, b in edges} else "input") for i in range(len(order)))
    assert crossings(layout(Diagram(boxes, tuple(Arrow(str(a), str(b), "1", "1") for a, b in edges)), plain_measure)) == 0


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_an_arrow_that_shares_no_end_is_straight(diagram):
    result = compose(diagram())
    for path in result.paths:
        ends = path.arrow.source, path.arrow.target
        if sum(p.arrow.source == ends[0] for p in result.paths) == sum(p.arrow.target == ends[1] for p in result.paths) == 1:
            assert np.ptp(polyline(path)[:, 1]) < 0.1


def test_inputs_keep_their_order_and_stand_left_of_their_first_reader():
    centre = {shape.box.name: shape.outline.centre for shape in compose(sum_times_w()).shapes}
    assert centre["u"][1] < centre["v"][1] < centre["w"][1]
    assert centre["u"][0] == centre["v"][0] < centre["w"][0] == centre["+"][0] < centre["*"][0]
    assert centre["+"][1] == pytest.approx((centre["u"][1] + centre["v"][1]) / 2, abs=0.1)


def test_a_value_stands_above_its_arrow_and_a_gradient_below():
    result = compose(sum_times_w())
    values = [text for text in result.texts if text.role == "forward"][:-1]
    gradients = [text for text in result.texts if text.role == "backward"][:-1]
    assert [text.formula for text in values] == ["2", "3", "5", "4", "20"]
    assert [text.formula for text in gradients] == ["4", "4", "4", "5", "1"]
    for path, value, gradient in zip(result.paths, values, gradients, strict=True):
        line = polyline(path)
        y = line[np.argmin(np.abs(line[:, 0] - value.frame.centre[0])), 1]
        assert 2 < y - value.frame.bottom < 4
        assert 2 < gradient.frame.top - y < 4


# ---- the drawing -----------------------------------------------------------------------------------------------------


def pixels(layout: Drawing, texts_only: bool = False) -> np.ndarray:
    """The picture at 4 dots a point, (rows, columns, 3), 0 … 255."""
    figure = paint(layout)
    for patch in figure.axes[0].patches:
        patch.set_visible(not texts_only)
    figure.set_dpi(4 * 72)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("diagram", [neuron, vectors, matrices])
def test_the_ink_is_where_the_layout_says(diagram):
    """The oracle is the picture itself: matplotlib's rendering of the texts alone, at 4 dots a point."""
    result = compose(diagram())
    ink = pixels(result, texts_only=True).min(axis=2) < 200
    for text in (*result.texts, *(shape.label for shape in result.shapes)):
        left, top, right, bottom = (round(4 * v) for v in (text.frame.left, text.frame.top, text.frame.right, text.frame.bottom))
        rows, columns = np.nonzero(ink[top - 3 : bottom + 3, left - 3 : right + 3])
        assert len(rows)
        if text.role != "backward" and isinstance(text.formula, str):  # else the frame is wider than the ink of the texts
            assert rows.min() <= 5
            assert columns.min() <= 5
            assert rows.max() >= bottom - top
            assert columns.max() >= right - left
        ink[top - 2 : bottom + 2, left - 2 : right + 2] = False
    assert not ink.any()


@pytest.mark.parametrize(("name", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_a_file_begins_as_its_format_does(name, start):
    assert draw(square(), name).startswith(start)


def test_the_svg_carries_its_description():
    root = ET.fromstring(draw(sum_times_w(), "svg"))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "f = (u + v) w & more"


SCRIPT = """
import hashlib
import matplotlib
from derive.teaching.figure import Arrow, Box, Diagram, Matrix, draw
matplotlib.rcParams.update({"font.size": %d, "lines.linewidth": 7, "pdf.fonttype": 42, "axes.facecolor": "red"})
print(*(hashlib.sha256(draw(%r, name, "fr")).hexdigest() for name in ("svg", "pdf", "png")))
"""


def test_equal_diagrams_give_equal_bytes_whatever_the_hash_seed_and_the_settings():
    diagram = matrices()
    here = [hashlib.sha256(draw(diagram, name, "fr")).hexdigest() for name in ("svg", "pdf", "png")]
    for seed in (1, 20):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "SOURCE_DATE_EPOCH": str(seed * 10**8)}
        command = [sys.executable, "-c", SCRIPT % (seed, diagram)]
        there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert there.stdout.split() == here
        assert there.stderr == ""


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_have_contrast():
    for role, ground in (("box", "#ffffff"), ("forward", "#ffffff"), ("backward", TINT)):
        assert (luminance(ground) + 0.05) / (luminance(COLOUR[role]) + 0.05) > 5


def test_gradients_are_framed_and_values_are_not():
    """The cue that is not colour: dark rims left and right of a gradient, at the height of its middle."""
    result = compose(sum_times_w())
    grey = pixels(result).mean(axis=2)
    for text in result.texts:
        left, middle = round(4 * text.frame.left), round(4 * text.frame.centre[1])
        framed = grey[middle, left - 3 : left + 3].min() < 180 and grey[middle, left - 3 : left + 3].max() > 220
        if text.role == "backward":
            assert framed
        elif len(text.formula) < 3:
            assert grey[middle, left - 6 : left - 2].min() > 250


def test_the_legend_names_only_what_the_arrows_carry():
    def legend(*arrows: Arrow, language: str = "en") -> list[str]:
        result = compose(Diagram((Box("x", "x", "input"), Box("y", "y", "output")), arrows), language)
        return [text.formula for text in result.texts if "mathrm" in text.formula]

    assert legend(Arrow("x", "y")) == []
    assert len(legend(Arrow("x", "y", "1"))) == 1
    assert ["aller" in entry or "retour" in entry for entry in legend(Arrow("x", "y", "1", "2"), language="fr")] == [True, True]


def test_threads_draw_what_one_draws():
    diagrams = [drawn() for drawn in (sum_times_w, square, single)] * 3
    alone = [draw(drawn, "svg") for drawn in diagrams]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda drawn: draw(drawn, "svg"), diagrams)) == alone


# ---- matrices --------------------------------------------------------------------------------------------------------


def test_a_matrix_has_its_numbers_in_rows_and_columns_at_their_decimal_signs():
    matrix = matrices().arrows[0].forward
    text = typeset(matrix, "forward", 10.5, measure)
    rows = [text.lines[i : i + 3] for i in range(0, 9, 3)]
    assert tuple(tuple(entry for entry, _ in row) for row in rows) == matrix.rows
    assert [len({base for _, (_, base) in row}) for row in rows] == [1, 1, 1]
    assert rows[0][0][1][1] < rows[1][0][1][1] < rows[2][0][1][1]
    for column in zip(*rows, strict=True):
        whole = [x + measure(WHOLE.match(entry)[0] + "0", 10.5).right for entry, (x, _) in column]
        assert max(whole) - min(whole) < 0.05


def test_a_matrix_stands_between_brackets_in_its_frame():
    text = typeset(matrices().arrows[0].forward, "forward", 10.5, measure)
    left, right = text.strokes
    ink = [measure(entry, 10.5).moved(*start) for entry, start in text.lines]
    assert max(x for x, _ in left[1:3]) < min(i.left for i in ink) - 2
    assert min(x for x, _ in right[1:3]) > max(i.right for i in ink) + 2
    assert not any(overlap(a, b) for a, b in combinations(ink, 2))
    frame = text.frame.grown(0.01, 0.01)
    assert not any(clipped(Rectangle(x, y, x, y), frame) for x, y in (*left, *right))
    assert not any(clipped(i, frame) for i in ink)


# ---- figures of runs -------------------------------------------------------------------------------------------------

RUNS = {
    "layer": ("W: [m, n]; h: [n]; b: [m]; a = relu(W @ h + b)", {"W": [[1, 2], [3, 4]], "h": [1, 1], "b": [0, 1]}),
    "recurrent cell": (
        "W_h: [m, m]; W_x: [m, n]; h: [m]; x: [n]; y = tanh(W_h @ h + W_x @ x)",
        {"W_h": [["0.5", -1], [1, "0.25"]], "W_x": [[1, 2], [0, 1]], "h": [1, -1], "x": ["0.5", "0.1"]},
    ),
    "attention": (
        "Q: [n, d]; K: [m, d]; V: [m, e]; P = softmax(Q @ K.T / sqrt(d)); Z = P @ V",
        {"Q": [[1, 0]], "K": [[1, 2], [0, 1]], "V": [[1], [3]]},
    ),
    "batch": ("affine_batch", {"X": [[1, 2], [3, 4], [5, 6]], "W": [[1, 0], ["0.5", 1]], "b": [1, -1]}),
    "three axes": ("X: [a, b, c]; y[i] = sum(X[i, j, k]**2 for j in b for k in c)", {"X": [[[1, 2]], [[3, "-4.5"]]]}),
    "label": ("hinge", {"s": ["2.3", "4.1", "-2.1"], "t": 0}),
    "arg max": ("x: [n]; y: [n]; k = argmax(x); f = y[k]", {"x": [1, 3], "y": [2, 5]}),
    "lost": ("x: [n]; y: [n]; f = x - x + 2*y", {"x": [1, 3], "y": [2, 5]}),
    "one tensor on many ways": ("x: [n]; f = sum(x*x) + sum(exp(x)*x)", {"x": [1, "0.5"]}),
    "constants": ("x: [2]; f = sum(2*x[i] for i in 2)/2 + 2**x[0] - max(x[1], 0)", {"x": [1, 3]}),
}


BOXES = [nodes for nodes in NODES if nodes != "layers"]


def drawn(name: str, nodes: str = "operations", page: Page | None = None) -> View:
    source, values = RUNS[name]
    graph = derive.graph(source)
    return view_of(graph, page or Page(), graph.at(**values), nodes)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("nodes", BOXES)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_drawn(name, nodes, language, down):
    shown = diagram(drawn(name, nodes, Page(language)), Page(language), name, down=down)
    result = compose(shown, language)
    assert faults(result) == []
    assert [fault for path in result.paths for fault in bad_ends(result, path)] == []


def added(view: View) -> dict[str, list[object]]:
    """For each tensor the sum of what flows back to it, exactly, entry by entry."""
    found: dict[str, list[object]] = {}
    for edge in view.edges:
        if edge.gradient is not None:
            entries = list(np.ravel(edge.gradient))
            found[edge.source] = (
                [a + b for a, b in zip(found[edge.source], entries, strict=True)] if edge.source in found else entries
            )
    return found


@pytest.mark.parametrize("nodes", BOXES)
@pytest.mark.parametrize("name", [name for name in RUNS if name != "arg max"])
def test_the_gradients_on_the_edges_add_up_to_those_that_explain_says(name, nodes):
    view, said = drawn(name, nodes), drawn(name).run.gradients
    output = view.run.source.output.name
    parts = added(view)
    for tensor in (i for i in RUNS[name] and derive.graph(RUNS[name][0]).inputs if i.differentiable):
        expected = list(np.ravel(said.get(tensor.name, np.zeros(np.shape(drawn(name).run.exact[tensor.name])))))
        if nodes == "numbers":
            entries = [n for n, called in view.called.items() if latex(called).startswith(latex(name_layout(tensor.name, 1)))]
            got = [part for n in entries if n in view.graph.members and n in view.reached for part in parts[n]]
            expected = expected if len(got) == len(expected) else got
        else:
            got = parts[tensor.name]
        assert [float(a) for a in got] == pytest.approx([float(b) for b in expected], rel=1e-12), (tensor.name, output)


def test_every_output_is_drawn_number_by_number():
    """The gradients are those of the sum of the outputs, as `derive explain` says them: (4, 6) by h."""
    view = drawn("layer", "numbers")
    shown = diagram(view, Page(), "")
    assert [box.label for box in shown.boxes if box.kind == "output"] == ["a_{1}", "a_{2}"]
    assert [box.label for box in shown.boxes if box.kind == "input"] == [
        *(f"W_{{{i}{j}}}" for i in (1, 2) for j in (1, 2)),
        *("h_{1}", "h_{2}", "b_{1}", "b_{2}"),
    ]
    assert [(added(view)[name]) for name in ("h1", "h2")] == [[4], [6]]
    assert [arrow.backward for arrow in shown.arrows[-2:]] == ["1", "1"]
    assert "(4, 6)" in drawn("layer").run._repr_markdown_().replace("\\ ", " ")


@pytest.mark.parametrize(
    ("source", "values", "alone"),
    [
        ("x: [n]; f = mean(x[i] for i in n if x[i] > 0)", {"x": [1, -2, 3]}, {"x2"}),
        ("x: [3]; y: [3]; f = x[0]*y[1]", {"x": [1, 2, 3], "y": [1, 2, 3]}, {"x2", "x3", "y1", "y3"}),
        ("x: [n]; f = argmax(x)*x[0]", {"x": [1, 2]}, {"x2"}),
    ],
)
def test_an_entry_that_nothing_uses_stands_there_without_an_arrow(source, values, alone):
    graph = derive.graph(source)
    shown = diagram(view_of(graph, Page(), graph.at(**values), "numbers"), Page(), "")
    assert len([box for box in shown.boxes if box.kind == "input"]) == sum(map(len, values.values()))
    used = {arrow.source for arrow in shown.arrows} | {arrow.target for arrow in shown.arrows}
    assert {box.name for box in shown.boxes} - used == alone
    result = compose(shown, "en")
    assert faults(result) == []


def test_entries_that_would_share_a_name_are_told_apart():
    graph = derive.graph("W: [2, 12]; W1: [12]; y[i] = sum(W[i, j]*W1[j] for j in 12)")
    run = graph.at(W=[list(range(12)), [1] * 12], W1=[1] * 12)
    view = view_of(graph, Page(), run, "numbers")
    assert len(set(view.called.values())) == len(view.called) == 2 * 12 + 12 + 2
    assert [view.run.exact[name][()] for name in view.outputs] == [66, 12]


def test_a_tensor_is_written_out_where_it_fits():
    def said(values: object, lang: str = "en", **options: object) -> object:
        return label(np.array(values, dtype=object), Page(lang), **options)

    half = Fraction(1, 2)
    assert said(half) == "0.5"
    assert said([1, half]) == "(1, 0.5)"
    assert said([1, half], "fr") == r"(1;\ 0{,}5)"
    assert said([[1, -half], [2, 3]], "fr") == Matrix((("1", "-0{,}5"), ("2", "3")))
    assert said([Fraction(-k, 9973) for k in range(1, 6)]).rows[0] == ("-0.0001003",)
    assert said([[1] * 6] * 6) == r"6 \times 6"
    assert said([[1, 2]] * 6, called=name_layout("X", 2)) == r"X:\ 6 \times 2"
    assert said([[[1, 2]]]) == r"1 \times 1 \times 2"
    assert said([1] * 50) == r"50\ \mathrm{entries}"
    assert said([1, 2, 3], room=Room(widest=0)) == Matrix((("1",), ("2",), ("3",)))
    assert said([1, 2, 3], room=Room(2)) == r"3\ \mathrm{entries}"
    assert said([2] * 10**6) == r"1000000\ \mathrm{entries}"


def test_what_a_page_would_make_too_small_is_set_in_columns_then_named_by_its_shape():
    def shown(source: str, lang: str, **values: object) -> list[object]:
        found = (
            picture(derive.graph(source), Page(lang), "a", derive.graph(source).at(**values), Drawn("operations"))
            .formats["svg"]
            .args[0]
        )
        assert size_on_page(found, lang) >= LEGIBLE
        return [arrow.forward for arrow in found.arrows]

    weights = [["1.5", 2, 3], [3, "-4.25", 1], [0, 1, 2], ["0.125", 2, -7]]
    h, b = [1, "1.5", 2], [0, 1, 2, 3]
    layer_ = "W: [m, n]; h: [n]; b: [m]; a = relu(W @ h + b)"
    labels = shown(layer_, "fr", W=weights, h=h, b=b)
    assert len(labels[0].rows) == 4
    assert labels[1] == r"(1;\ 1{,}5;\ 2)"
    assert labels[2] == Matrix((("10{,}5",), ("-1{,}375",), ("5{,}5",), ("-10{,}875",)))
    deep = f"{layer_}; V: [n, m]; c = V @ a; U: [m, n]; d = U @ c"
    labels = shown(deep, "en", W=weights, h=h, b=b, V=[[1, 2, 3, "4.25"]] * 3, U=weights)
    assert labels[0] == r"4 \times 3"
    assert labels[1] in ("(1, 1.5, 2)", Matrix((("1",), ("1.5",), ("2",))))


@pytest.mark.parametrize("name", [*GREEK, "x_hat", "W_hbar", "log_likelihood", "theta12", "x1_hat", "x_a_b_c", "q" * 40])
def test_any_name_can_be_set(name):
    for rank in range(3):
        assert measure(latex(name_layout(name, rank)), 12.0).width > 0


def test_a_page_of_slides_gives_a_picture_that_much_room():
    assert pytest.approx((WIDTH * POINTS, MOST * POINTS), rel=0.01) == PAGE


CHAIN = "x: [n]; f = sum(x)" + "".join(f"; f{k} = {'f' if k == 1 else f'f{k - 1}'}*x[0] + {k}" for k in range(1, 61))


def test_a_figure_that_is_too_large_is_refused_before_it_is_computed():
    graph = derive.graph(CHAIN)
    run = graph.at(x=[1, 2])
    with pytest.raises(DeriveError, match=rf"would have 12\d boxes, and at most {MAX_BOXES} are drawn"):
        picture(graph, Page(), "", run, Drawn("operations"))
    assert "gradients" not in vars(run)
    assert run._repr_svg_() is None
    many = derive.graph("W: [m, n]; h: [n]; a = W @ h").at(W=[[1] * 100] * 100, h=[1] * 100)
    with pytest.raises(DeriveError, match="20,000 numbers and operations"):
        picture(many.source, Page(), "", many, Drawn("numbers"))
    assert "3" in many._repr_svg_()


LECTURE = """---
title: T
lang: [en]
---

# A

```derive define g
{0}
```

```derive figure g
{1}
```
"""


@pytest.mark.parametrize(
    ("definition", "options", "line", "message", "hint"),
    [
        (
            "W: [m, n]; h: [n]; a = W @ h",
            "at: W=[[1,2,3],[4,5,6],[7,8,9]], h=[1,2,3]\nscalars: yes",
            14,
            "would shrink its text",
            "without",
        ),
        ("f = log(x)", "at: x=-1", 13, "no value here", ""),
        ("f = sqrt(x)", "nodes: definitions\nat: x=0", 14, "The gradient by x has no value here", ""),
        (
            "z = w*x + b; p = sigmoid(z); L = -(y*log(p) + (1 - y)*log(1 - p))",
            "at: w=2, x=1, b=0.5, y=1\nnodes: operations",
            14,
            "16 boxes",
            "nodes: def",
        ),
        ("f = x", "at: x=1\nnodes: boxes", 14, "one of operations, definitions, layers, numbers", ""),
        ("f = x", "at: x=1\nnodes: layers", 14, "There is no layer in this graph", "a = W @ x + b"),
        ("f = x", "nodes: numbers\nvalues: no", 13, "drawn of values only", "at: u=2"),
        ("f = x", "at: x=1\nvalues: no", 14, "is given none", "Leave out"),
        ("f = x + y", "at: x=1, y=2\nloop: f to x", 14, "an output and an input", "h1 -> h0"),
        (
            "f = x + y",
            "at: x=1, y=2\nloop: x -> f",
            14,
            "No arrow leads back from x to f.",
            "from an output (f) to an input (x, y)",
        ),
        ("x: [n]; f = sum(x)", "at: x=[1, 2]\nloop: f -> x", 14, "f and x have different axes", ""),
        ("f = x", "at: x=1\nnodes: numbers\nscalars: yes", 15, "both say", "Leave"),
        ("f = x", "at: y=1", 13, "no input y", ""),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_pointed_at(definition, options, line, message, hint):
    with pytest.raises(DeriveError) as error:
        kinds.build_lecture(lecture.read(LECTURE.format(definition, options)), "en")
    assert error.value.place.line == line
    assert message in error.value.message
    assert hint in error.value.hint


def test_what_is_not_asked_for_is_chosen_so_that_it_can_be_read():
    graph = derive.graph("z = w*x + b; p = sigmoid(z); L = -(y*log(p) + (1 - y)*log(1 - p))")
    shown = picture(graph, Page(), "", graph.at(w=2, x=1, b=0.5, y=1)).formats["svg"].args[0]
    assert size_on_page(shown) >= LEGIBLE
    assert [box.label for box in shown.boxes if box.kind == "operation"][:2] == ["z=wx + b".replace("=", " = "), r"p = \sigma(z)"]
    mlp = derive.graph("mlp")
    layers = {"W1": [[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6]], "b1": [1, 2], "W2": [[0.1, 0.2], [0.3, 0.4]], "b2": [0, 1]}
    shown = picture(mlp, Page(), "", mlp.at(x=["1.23456789", 2, 3], t=1, **layers)).formats["svg"].args[0]
    assert size_on_page(shown) >= LEGIBLE
    assert [box.label for box in shown.boxes if box.kind == "operation"] == ["a", "h", "z", "p", "L"]
    small = derive.graph("f = (u + v)*w")
    assert len(picture(small, Page(), "").formats["svg"].args[0].boxes) == 6
    assert not any(arrow.forward or arrow.backward for arrow in picture(small, Page(), "").formats["svg"].args[0].arrows)


@pytest.mark.parametrize("down", [False, True])
def test_an_arrow_back_to_the_beginning_keeps_from_everything(down):
    graph = derive.graph("h1 = tanh(w*h0 + u*x); g1 = h1*q")
    view = replace(view_of(graph, Page(), graph.at(w=1, h0=2, u=3, x=4, q=5), "operations"), loops=(("g1", "q"), ("g1", "h0")))
    result = compose(diagram(view, Page(), "", down=down))
    assert faults(result) == []
    boxes = {shape.box.name: shape for shape in result.shapes}
    for path in (path for path in result.paths if path.loop):
        assert abs(depth(boxes[path.arrow.source], *path.points[0])) < 0.01
        assert abs(depth(boxes[path.arrow.target], *path.points[-1])) < 0.01
    assert sum(path.loop for path in result.paths) == 2


TWO_LAYERS = "x: [n]; W: [m, n]; b: [m]; a = W @ x + b; h = relu(a); c: [m]; y = sum(c*h); L = (y - t)**2"


def test_a_network_has_its_units_its_weights_and_its_values():
    graph = derive.graph(TWO_LAYERS)
    w = [[1, 2, -3], [0, "0.5", 1]]
    found = network(graph, Page("fr"), graph.at(x=[1, 0, -1], W=w, b=[1, 1], c=[2, -1], t=0))
    assert [[unit.label for unit in layer.units] for layer in found.layers] == [
        ["x_{1}", "x_{2}", "x_{3}"],
        ["h_{1}", "h_{2}"],
        ["y"],
    ]
    assert [[unit.value for unit in layer.units] for layer in found.layers] == [["1", "0", "-1"], ["5", "0"], ["10"]]
    assert found.layers[1].weights == (("1", "2", "-3"), ("0", "0{,}5", "1"))
    assert found.layers[2].weights == (("2", "-1"),)
    assert [layer.through for layer in found.layers] == ["", "W", "c"]
    result = compose(found)
    assert len(result.paths) == 3 * 2 + 2 * 1
    assert [fault for fault in faults(result) if "overlaps" in fault or "leaves" in fault] == []
    assert size_on_page(found) >= LEGIBLE
    assert ET.fromstring(draw(found, "svg")).tag.endswith("svg")


def test_a_network_of_any_size_has_dots_and_its_last_unit():
    graph = derive.graph(TWO_LAYERS)
    for page, last in ((Page(), "x_{n}"), (Page(index_base=0), "x_{n - 1}")):
        found = network(graph, page)
        assert [unit.label for unit in found.layers[0].units] == ["x_{1}", "x_{2}", DOTS, last] or page.index_base == 0
        assert found.layers[0].units[-1].label == last
        assert found.layers[1].weights == ()
    assert len(compose(network(graph, Page())).paths) == 3 * 3 + 3
    many = derive.graph("x: [n]; W: [9, n]; a = W @ x")
    assert [unit.label for unit in network(many, Page()).layers[1].units] == ["a_{1}", "a_{2}", DOTS, "a_{9}"]
    turned = derive.graph("x: [n]; W: [n, m]; a[j] = sum(W[i, j]*x[i] for i in n)")
    at = turned.at(x=[1, 2], W=[[1, 2, 3], [4, 5, 6]])
    assert network(turned, Page(), at).layers[1].weights == (("1", "4"), ("2", "5"), ("3", "6"))


@pytest.mark.parametrize("name", library.names())
def test_a_notebook_shows_a_run_of_any_definition(name):
    graph = derive.graph(name)
    run = api.Run(**fields_of(run_at(graph, random_point(graph, size_sets(graph)[0]))))
    svg = run._repr_svg_()
    assert svg is None or ET.fromstring(svg.encode()).tag.endswith("svg")
    assert svg is not None or view_of(graph, Page(), run, "operations").count > 40


@pytest.mark.needs("torch")
def test_a_run_of_any_graph_is_drawn():
    from oracles.random_graphs import random_graph

    figures = 0
    for number in range(12):
        chance = random.Random(f"figures {number}")
        written = random_graph(chance)
        try:
            graph = derive.graph(written.text)
            sizes = {str(size) for size in graph.sizes}
            values = {name: np.asarray(value).tolist() for name, value in written.point(chance).items()}
            run: Run = graph.at(**values, **{axis: n for axis, n in written.sizes.items() if axis in sizes})
            view = view_of(graph, Page(), run, chance.choice(BOXES))
            shown = diagram(view, Page(), written.text)
        except DeriveError:  # no value there, or too large
            continue
        assert faults(compose(shown)) == [], written.text
        assert ET.fromstring(draw(shown, "svg")).tag.endswith("svg")
        figures += 1
    assert figures > 6


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boxes", "arrows", "message"),
    [
        ("", [], "at least one box"),
        ("xx", [], "called 'x'"),
        ("xy", ["xz"], "'z', which is not a box"),
        ("xyz", ["xy", "yz", "zy"], "in a circle"),
        ("x", ["xx"], "in a circle"),
    ],
)
def test_a_diagram_that_is_none_is_refused(boxes, arrows, message):
    with pytest.raises(DeriveError, match=message):
        Diagram(tuple(Box(name, name) for name in boxes), tuple(Arrow(*ends) for ends in arrows))


def test_a_misspelt_end_is_corrected():
    with pytest.raises(DeriveError, match="Did you mean hidden"):
        Diagram((Box("hidden", "h"), Box("out", "o")), (Arrow("hiden", "out"),))


@pytest.mark.parametrize("label", [r"\nosuchcommand", r"\frac{1}", "x_", "{", "}"])
def test_a_label_that_cannot_be_set_is_refused(label):
    with pytest.raises(DeriveError, match="cannot be set"):
        draw(Diagram((Box("x", label),)), "svg")


def test_unknown_formats_and_languages_are_refused():
    with pytest.raises(DeriveError, match="The formats are pdf, svg, png"):
        draw(single(), "gif")
    with pytest.raises(DeriveError, match="There is no language 'xx'"):
        draw(single(), "svg", "xx")


def test_the_package_is_light_until_it_draws():
    code = "import sys, derive.teaching.figure; print(any(name in sys.modules for name in ('matplotlib', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


# ---- in words


def test_a_description_tells_every_value_and_gradient() -> None:
    """Of a run: a sentence for each arrow, boxes of one sign told apart, matrices by their rows."""
    run = derive.graph("w: [n]; x: [n]; L = sum(w*x)*2 + sum(x)*2").at(w=[1, -2], x=[3, 4])
    said = picture(run.source, Page(), "figure", run).description
    shown = picture(run.source, Page("fr"), "figure", run).description
    assert said.count("From ") == shown.count("De ") == 8
    assert "From times 2 number 1 to plus" in said
    assert "open parenthesis, 1, minus 2, close parenthesis" in said
    assert "parenthèse, 1, moins 2, fin de parenthèse" in shown
    for diagram_ in (sum_times_w(), neuron(), layer(), matrices()):
        words = description(diagram_)
        assert words.count("value") == sum(bool(arrow.forward) for arrow in diagram_.arrows)
        assert words.count("gradient") == sum(bool(arrow.backward) for arrow in diagram_.arrows)
        assert not set(words) & set("\\{}_^")


def test_weights_that_are_names_do_not_lie_on_one_another() -> None:
    source = "x: [3]; W1: [2, 3]; W2: [2, 2]; w3: [2]; h1 = tanh(W1 @ x); h2 = tanh(W2 @ h1); y = w3.T @ h2"
    drawing = compose(network(derive.graph(source), Page()))
    frames = [text.frame for text in drawing.texts if text.role == "weight"]
    assert len(frames) == 12
    for a, b in combinations(frames, 2):
        assert a.right <= b.left or b.right <= a.left or a.bottom <= b.top or b.bottom <= a.top
