"""Figures of computational graphs: nothing overlaps, arrows meet their boxes, and equal diagrams give equal files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from derive.errors import DeriveError
from derive.teaching.figure import Arrow, Box, Diagram, draw
from derive.teaching.figure.canvas import COLOUR, TINT, compose, paint
from derive.teaching.figure.geometry import Drawing, Outline, Path, Rectangle
from derive.teaching.figure.layout import layout

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


def single() -> Diagram:
    """One box and no arrow."""
    return Diagram((Box("x", "x", "input"),))


DIAGRAMS = [sum_times_w, neuron, softmax_cross_entropy, square, layer, vectors, single]


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
    label = st.sampled_from(["", "1", "-0.25", "(2.3; 4.1; -2.1)", "x" * 25])
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
@given(diagrams())
def test_nothing_overlaps_in_any_graph(diagram):
    legend = [("forward", "forward: value"), ("backward", "backward: gradient")]
    first = layout(diagram, plain_measure, legend)
    assert faults(first) == []
    assert [fault for path in first.paths for fault in bad_ends(first, path)] == []
    assert layout(diagram, plain_measure, legend) == first
    assert first.height < 60 + stacked(first)


# ---- arrows ----------------------------------------------------------------------------------------------------------


def bad_ends(layout: Drawing, path: Path) -> list[str]:
    """What is wrong with an arrow that should run from rim to rim, from left to right."""
    boxes = {shape.box.name: shape for shape in layout.shapes}
    found = [
        f"an end of {path.arrow} is {depth(boxes[name], *point):.3f} points inside '{name}'"
        for name, point in ((path.arrow.source, path.points[0]), (path.arrow.target, path.points[-1]))
        if abs(depth(boxes[name], *point)) > 0.01
    ]
    return found + ([f"{path.arrow} turns back"] if (np.diff(polyline(path)[:, 0]) < -1e-9).any() else [])


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


@pytest.mark.parametrize("diagram", [neuron, vectors])
def test_the_ink_is_where_the_layout_says(diagram):
    """The oracle is the picture itself: matplotlib's rendering of the texts alone, at 4 dots a point."""
    result = compose(diagram())
    ink = pixels(result, texts_only=True).min(axis=2) < 200
    for text in (*result.texts, *(shape.label for shape in result.shapes)):
        left, top, right, bottom = (round(4 * v) for v in (text.frame.left, text.frame.top, text.frame.right, text.frame.bottom))
        rows, columns = np.nonzero(ink[top - 3 : bottom + 3, left - 3 : right + 3])
        assert len(rows)
        if text.role != "backward":  # whose frame is wider than its ink
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
from derive.teaching.figure import Arrow, Box, Diagram, draw
matplotlib.rcParams.update({"font.size": %d, "lines.linewidth": 7, "pdf.fonttype": 42, "axes.facecolor": "red"})
print(*(hashlib.sha256(draw(%r, name, "fr")).hexdigest() for name in ("svg", "pdf", "png")))
"""


def test_equal_diagrams_give_equal_bytes_whatever_the_hash_seed_and_the_settings():
    diagram = softmax_cross_entropy()
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
    assert ["avant" in entry or "arri" in entry for entry in legend(Arrow("x", "y", "1", "2"), language="fr")] == [True, True]


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
