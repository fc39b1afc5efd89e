"""The deck in a real browser: every slide of every shipped lecture fits its page, is read by everybody, and asks for nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest

import derive
from cases.lectures import WIDE
from derive.graphs.graph import Graph
from derive.teaching.blocks.diagrams import View
from derive.teaching.blocks.pictures import view_of
from derive.teaching.formats.render import render
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import opened
from derive.teaching.page import Page as Pages
from derive.values.run import run
from oracles.browser import Browser, Page, browser

LANGS = ("en", "fr")
SIZES = ((1280, 720), (1920, 1080))
AXE = Path(__file__).parents[1] / "tools" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("course")]

FAULTS = (Path(__file__).parents[1] / "oracles" / "deck.js").read_text(encoding="utf-8")
"""An expression of JavaScript: what is wrong with how the slides of a page stand, a text each."""


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(chrome: Browser) -> Page:
    return chrome.page()


@pytest.fixture(scope="module")
def folder(courses: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The decks of the shipped lectures alone, with no file beside them."""
    alone = tmp_path_factory.mktemp("decks")
    for deck in courses[0].glob("*.html"):
        copyfile(deck, alone / deck.name)
    return alone


def decks(folder: Path, lang: str) -> list[Path]:
    found = sorted(folder.glob(f"*.{lang}.html"))
    assert found
    return found


def deck(page: Page, folder: Path, lang: str = "en", after: str = "") -> None:
    """The deck of one lecture in a language, opened; its slide 5 is shown line by line, and none before it is."""
    page.resize(*SIZES[0])
    page.open("about:blank")
    page.open((folder / f"feedforward.{lang}.html").as_uri() + after)


def at(page: Page) -> tuple[int, int]:
    """The slide that is shown, and how many of its steps are."""
    number, steps = page.run(
        "[Number(document.querySelector('.current').id), document.querySelectorAll('.current .step.shown').length]"
    )
    return number, steps


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_slide_fits_its_page(page: Page, folder: Path, lang: str, size: tuple[int, int]) -> None:
    """Nothing sticks out, overlaps, or is shrunk below 90 %, and the page neither complains nor asks for anything."""
    for path in decks(folder, lang):
        page.resize(*size)
        page.open("about:blank")
        page.open(path.as_uri())
        page.key("a")
        assert page.run(FAULTS) == []
        assert page.complaints() == []


def test_a_fault_is_found(page: Page, folder: Path) -> None:
    """The check above can fail: on a slide that is too full, one with a line too long, and one with blocks on each other."""
    deck(page, folder)
    page.run("[...document.querySelectorAll('.slide')].slice(5).forEach((slide) => slide.remove())")
    page.run("document.querySelectorAll('.slide .body')[0].append(...[...Array(60)].map(() => document.createElement('p')))")
    page.run("document.querySelectorAll('.slide .body')[0].querySelectorAll('p').forEach((p) => (p.textContent ||= 'full'))")
    page.run("document.querySelectorAll('.slide .body')[1].lastElementChild.style.width = '3000px'")
    page.run("document.querySelectorAll('.slide .body')[1].lastElementChild.style.maxWidth = 'none'")
    page.run("document.querySelectorAll('.slide .body')[2].lastElementChild.style.marginTop = '-3em'")
    found = " ".join(page.run(FAULTS))
    assert re.search(r"2: (shrunk|outside)", found)
    assert "3: outside" in found
    assert "4: two blocks overlap" in found


def test_the_page_may_do_nothing_else(page: Page, folder: Path) -> None:
    """The policy holds: neither a script, a style, a picture nor a request that is put in is let through."""
    deck(page, folder)
    page.run(
        "document.body.insertAdjacentHTML('beforeend', '<p id=x style=\"color: rgb(1, 2, 3)\" onclick=\"window.ran = 1\">x</p>')"
    )
    page.run("document.getElementById('x').click()")
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 2'}))")
    assert page.run("window.ran === undefined")
    assert page.run("getComputedStyle(document.getElementById('x')).color !== 'rgb(1, 2, 3)'")
    assert page.run("fetch('https://example.org/').then(() => false, () => true)")
    assert any("Content Security Policy" in text for text in page.complaints())


def test_a_deck_is_one_small_file(folder: Path) -> None:
    for path in folder.glob("*.*.html"):
        assert path.stat().st_size <= 400_000
        text = path.read_text(encoding="utf-8")
        assert text.startswith("<!DOCTYPE html>\n<!-- Made by derive from ")
        assert not re.search(r"""<\w[^>]* (?:src|href)=(?!"(?:data:|#|https?://|mailto:))""", text)


# ---------------------------------------------------------------- keys


def test_keys_turn_the_slides(page: Page, folder: Path) -> None:
    deck(page, folder)
    last = page.run("document.querySelectorAll('.slide').length")
    assert at(page) == (1, 0)
    page.key("ArrowRight")
    assert at(page) == (2, 0)
    page.key("End")
    assert at(page)[0] == last
    page.key("Home")
    assert at(page) == (1, 0)
    for key in ("PageDown", " ", "ArrowDown"):
        page.key(key)
    assert at(page) == (4, 0)
    page.key("PageUp")
    page.key("ArrowLeft")
    assert at(page) == (2, 0)
    assert page.run("location.hash") == "#2"
    page.run("location.hash = '#5'")
    page.wait("document.querySelector('.current').id === '5'")
    assert "5" in page.run("document.getElementById('where').textContent")


def test_a_derivation_is_shown_line_by_line(page: Page, folder: Path) -> None:
    """Each key shows one line more; the next slide comes when all are shown; going back comes to the end of the slide before."""
    deck(page, folder, after="#5")
    steps = page.run("document.querySelectorAll('.current .step').length")
    seen = "[...document.querySelectorAll('.current .step')].filter((s) => getComputedStyle(s).visibility === 'visible').length"
    assert steps >= 2
    for shown in range(steps):
        assert page.run(seen) == shown
        page.key("ArrowRight")
    assert page.run(seen) == steps
    assert at(page) == (5, steps)
    page.key("ArrowRight")
    assert at(page) == (6, 0)
    page.key("ArrowLeft")
    assert at(page) == (5, steps)
    page.key("ArrowLeft")
    assert at(page) == (5, steps - 1)
    page.key("a")
    assert page.run(seen) == steps
    page.key("ArrowRight")
    assert at(page)[0] == 6
    page.key("a")
    page.key("n")
    assert at(page) == (7, 0)


def test_a_line_is_read_when_it_is_shown(page: Page, folder: Path) -> None:
    deck(page, folder, after="#5")
    page.key("ArrowRight")
    said = " ".join(page.run("document.getElementById('where').textContent").split())
    assert said.startswith("is max of, open parenthesis, 0, 4.1 minus 2.3 plus 1, close parenthesis")


def test_letters_can_be_switched_off_as_keys(page: Page, folder: Path) -> None:
    """WCAG 2.1.4: who speaks to the computer must not turn slides by a word."""
    deck(page, folder)
    page.key("?")
    page.run("document.getElementById('letters').click()")
    page.key("Escape")
    page.wait("!document.querySelector('dialog[open]')")
    page.key("n")
    assert at(page) == (1, 0)
    page.key("ArrowRight")
    assert at(page) == (2, 0)


def test_a_swipe_turns_the_slide(page: Page, folder: Path) -> None:
    deck(page, folder)
    for start, end, where in ((900, 300, 2), (300, 900, 1)):
        page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": start, "y": 300}])
        page.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": end, "y": 310}])
        page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        page.wait(f"document.querySelector('.current').id === '{where}'")


def test_the_overview_shows_all_and_leads_to_one(page: Page, folder: Path) -> None:
    deck(page, folder)
    page.key("o")
    shown = "[...document.querySelectorAll('.slide')].filter((s) => s.getClientRects().length).length"
    assert page.run(shown) == page.run("document.querySelectorAll('.slide').length")
    page.key("ArrowRight")
    page.key("ArrowRight")
    page.key("Escape")
    assert page.run(shown) == 1
    assert at(page)[0] == 3
    page.key("o")
    page.run("document.getElementById('7').click()")
    assert (page.run(shown), at(page)[0]) == (1, 7)


def test_the_help_names_every_key(page: Page, folder: Path) -> None:
    deck(page, folder, "fr")
    page.key("?")
    said = page.run("document.querySelector('dialog[open]').innerText")
    assert "touches" in said.lower()
    assert all(re.search(rf"(^|\s){re.escape(key)}\s", said) for key in "naoprdf?")
    page.key("Escape")
    page.wait("!document.querySelector('dialog[open]')")


def test_light_and_dark(page: Page, folder: Path) -> None:
    """The scheme is the reader's, and a key changes it; figures follow."""
    deck(page, folder)
    drawn = page.run("document.querySelector('.drawing').closest('.slide').id")
    deck(page, folder, after=f"#{drawn}")
    paper = "getComputedStyle(document.body).backgroundColor"
    ground = "getComputedStyle(document.querySelector('.current .drawing svg path')).fill"
    assert page.run(paper) == page.run(ground) == "rgb(255, 255, 255)"
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run(paper) == page.run(ground) == "rgb(21, 25, 30)"
    page.key("d")
    assert page.run(paper) == "rgb(255, 255, 255)"
    page.send("Emulation.setEmulatedMedia", features=[])
    page.key("d")
    assert page.run(paper) == "rgb(21, 25, 30)"


def test_the_presenter_has_a_window_of_his_own(chrome: Browser, page: Page, folder: Path) -> None:
    """Both windows turn together; the second one has this slide, the next one and a clock."""
    deck(page, folder, after="#5")
    before = {target["targetId"] for target in chrome.targets()}
    page.send("Runtime.evaluate", expression="0", userGesture=True)
    page.key("p")
    page.wait("true")
    (target,) = [target for target in chrome.targets() if target["targetId"] not in before]
    desk = Page(chrome, target["targetId"])
    desk.wait("document.readyState === 'complete' && document.documentElement.classList.contains('presenter')")
    shown = "[...document.querySelectorAll('.slide')].filter((s) => s.getClientRects().length).map((s) => s.id).join()"
    assert desk.run(shown) == "5,6"
    assert re.fullmatch(r"\d\d:\d\d:\d\d", desk.run("document.getElementById('elapsed').textContent"))
    page.key("ArrowRight")
    desk.wait("document.querySelectorAll('.current .step.shown').length === 1")
    desk.key("n")
    page.wait("document.querySelector('.current').id === '6'")
    assert desk.run(shown) == "6,7"
    assert desk.complaints() == page.complaints() == []
    chrome.send("Target.closeTarget", targetId=target["targetId"])


@pytest.mark.needs("poppler")
def test_printed_it_is_a_slide_a_page_with_everything_shown(page: Page, folder: Path, tmp_path: Path) -> None:
    import subprocess

    deck(page, folder)
    (tmp_path / "deck.pdf").write_bytes(page.pdf())
    info = subprocess.run(["pdfinfo", tmp_path / "deck.pdf"], capture_output=True, text=True, check=True).stdout
    assert f"Pages:           {page.run('''document.querySelectorAll('.slide').length''')}\n" in info
    assert "Page size:       960 x 540 pts" in info
    words = subprocess.run(
        ["pdftotext", "-f", "9", "-l", "9", tmp_path / "deck.pdf", "-"], capture_output=True, text=True, check=True
    )
    assert "max passes the slope of the larger argument" in words.stdout


# ---------------------------------------------------------------- a figure whose numbers are changed

GRAPHS = {
    "f = (u + v)*w": {"u": 2, "v": 3, "w": 4},
    "f = w3*relu(w1*x1 + w2*x2 + b)": {"w1": 1, "x1": 2, "w2": -1, "x2": 3, "b": 0, "w3": 5},
    "a = x*y; f = max(a, z) + x": {"x": 3, "y": 4, "z": 5},
    "p = sigmoid(w*x); L = -log(p)": {"w": 1, "x": 2},
    "f = where(x > y, x/y, sqrt(abs(x*y)) - tanh(y))": {"x": 1, "y": 2},
    "f = min(x, 2)**2 * exp(-y) + sin(x)*cos(y)": {"x": 1, "y": 2},
    "x: [n]; w: [n]; f = exp(sum(w*x))": {"x": [1, 2], "w": [0.5, 0.25]},
    "x: [2]; y = tanh(x)*x": {"x": [1, -2]},
    "f = erf(x)": {"x": 1},
}


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deck with a figure for each graph, in every number of it."""
    text = "---\ntitle: Live\n---\n"
    for k, (graph, at) in enumerate(GRAPHS.items()):
        values, boxes = ", ".join(f"{name}={value}" for name, value in at.items()), "scalars: yes\n" * ("[" in graph)
        body = graph.replace("; ", "\n")
        text += f"## Graph\n\n```derive define g{k}\n{body}\n```\n\n```derive figure g{k}\nat: {values}\n{boxes}```\n\n"
    path = tmp_path_factory.mktemp("live") / "live.html"
    path.write_text(render(build_lecture(opened(text), "en"), "html").text, encoding="utf-8")
    return path


def shown(graph: Graph, at: dict[str, Any]) -> View:
    tensors = any(i.axes for i in graph.inputs)
    return view_of(graph, Pages("en"), run(graph, at), "numbers" if tensors else "operations")


SEEN = """(() => {
  const fields = [...document.querySelectorAll('#live-given input')];
  return %s.map((given) => {
    given.forEach((number, k) => ((fields[k].value = number), fields[k].dispatchEvent(new Event('input'))));
    return [...document.querySelectorAll('#live-figure text')].map((text) => Number(text.dataset.value));
  });
})()"""


def test_what_a_reader_changes_is_computed_as_in_python(page: Page, lively: Path) -> None:
    """Every value and every gradient, at 50 points of each graph; a graph with a function that JavaScript lacks has no button."""
    page.open(lively.as_uri())
    buttons = page.run("[...document.querySelectorAll('.slide')].map((s) => s.querySelectorAll('.living button').length)")
    assert buttons == [0, *(0 if "erf" in text else 1 for text in GRAPHS)]
    chance = np.random.default_rng(0)
    for number, text in enumerate(text for text in GRAPHS if "erf" not in text):
        page.run(f"document.querySelectorAll('.living button')[{number}].click()")
        graph, points, expected = derive.graph(text), list[list[float]](), list[list[float]]()
        for _ in range(50):
            shapes = {name: np.shape(value) for name, value in GRAPHS[text].items()}
            at = {name: chance.normal(size=shape).round(3).tolist() for name, shape in shapes.items()}
            moved = shown(graph, at)
            points.append([float(moved.run.exact[name]) for name in moved.inputs])  # type: ignore[union-attr]
            expected.append([float(n) for edge in moved.edges for n in (edge.value, edge.gradient)])
        np.testing.assert_allclose(page.run(SEEN % json.dumps(points)), expected, rtol=1e-9, atol=1e-12, err_msg=text)
        page.run("document.getElementById('live').close()")
    assert page.complaints() == []


def test_a_graph_is_gone_through_step_by_step(page: Page, lively: Path) -> None:
    page.open(lively.as_uri())
    page.run("document.querySelector('.living button').click()")
    seen = "[...document.querySelectorAll('#live-figure text')].filter((t) => !t.closest('.later')).map((t) => t.textContent)"
    said = "document.getElementById('live-said').innerText.replace(/\\s+/g, ' ')"
    assert sorted(page.run(seen)) == sorted(["2", "4", "3", "4", "5", "4", "4", "5", "20", "1"])
    page.run("document.querySelector('[data-live-do=first]').click()")
    assert page.run(seen) == ["2", "3", "4"]  # the inputs alone
    page.run("document.activeElement.blur()")
    steps = []
    for _ in range(5):
        page.run("document.querySelector('[data-live-do=on]').click()")
        steps.append((len(page.run(seen)), page.run(said)))
    assert [count for count, _ in steps] == [4, 5, 6, 8, 10]
    assert steps[0][1].endswith("= 5")
    assert "1 × 5 = 5" in steps[3][1]
    page.key("Escape")
    page.wait("!document.getElementById('live').open")


@pytest.mark.needs("axe")
def test_everybody_can_change_the_numbers(page: Page, lively: Path) -> None:
    page.open(lively.as_uri())
    page.run("document.querySelector('.living button').click()")
    page.run(AXE.read_text(encoding="utf-8") + "; true")
    assert page.run(AUDIT) == []


# ---------------------------------------------------------------- for everybody


@pytest.mark.needs("axe")
@pytest.mark.parametrize("lang", LANGS)
def test_everybody_can_read_it(page: Page, folder: Path, lang: str) -> None:
    """axe-core finds nothing: all slides side by side, light in one language and dark in the other."""
    for path in decks(folder, lang):
        audited(page, path, "o" if lang == "en" else "rd")


@pytest.mark.needs("axe")
@pytest.mark.parametrize("view", ["", "?presenter", "?"], ids=["a slide", "the presenter's view", "the keys"])
def test_everybody_can_read_every_view(page: Page, folder: Path, view: str) -> None:
    audited(page, decks(folder, "fr")[0], view)


def audited(page: Page, path: Path, view: str) -> None:
    """A deck opened at an address, or with keys pressed, has nothing that axe-core would mend."""
    page.open("about:blank")
    page.open(path.as_uri() + f"{view if len(view) > 2 else ''}#3")
    for key in view if len(view) < 3 else "":
        page.key(key)
    page.run(AXE.read_text(encoding="utf-8") + "; true")
    assert page.run(AUDIT) == [], view


@pytest.mark.needs("axe")
def test_the_index_leads_to_every_page(page: Page, courses: tuple[Path, Path]) -> None:
    page.open("about:blank")
    page.open((courses[0] / "index.html").as_uri())
    page.run(AXE.read_text(encoding="utf-8") + "; true")
    assert page.run(AUDIT) == []
    assert page.complaints() == []
    linked = page.run("[...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    assert {*linked} == {path.name for path in courses[0].iterdir() if path.suffix not in (".svg", ".png", ".json")} - {
        "index.html", *(path.with_suffix(".pdf").name for path in courses[0].glob("*.svg"))
    }  # fmt: skip


@pytest.mark.needs("axe")
def test_what_nobody_could_read_is_found(page: Page, folder: Path) -> None:
    """The check above can fail: pale words, a picture without words, a heading out of order."""
    deck(page, folder, after="#2")
    page.run("document.querySelector('.current p').style.color = '#ccc'")
    page.run("document.querySelector('.current .body').append(new Image(), document.createElement('h6'))")
    page.run("document.querySelector('.current h6').textContent = 'deep'")
    page.run(AXE.read_text(encoding="utf-8") + "; true")
    assert {found.split(":")[0] for found in page.run(AUDIT)} == {"color-contrast", "heading-order", "image-alt"}


AUDIT = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map(
  (rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`))"""


def test_every_formula_and_figure_is_said(page: Page, folder: Path) -> None:
    for lang in LANGS:
        deck(page, folder, lang)
        said = "(e.ariaLabel || e.alt || e.querySelector('img'))"
        assert page.run(f"[...document.querySelectorAll('math, figure, img')].filter((e) => !{said}).length") == 0
        assert page.run("document.documentElement.lang") == lang
    assert page.run("[...document.querySelectorAll('math')].some((m) => m.ariaLabel.startsWith('la dérivée de L par rapport à'))")


def test_a_table_wider_than_its_room_is_made_smaller(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    path.write_text(render(build_lecture(opened(WIDE), "en"), "html").text, encoding="utf-8")
    page.open("about:blank")
    page.open(path.as_uri())
    page.run("document.querySelectorAll('.slide').forEach((slide) => slide.classList.add('current'))")
    over = """[...document.querySelectorAll('.body table')].map((table) => [
        table.getBoundingClientRect(), (table.closest('.column') ?? table.closest('.body')).getBoundingClientRect()
    ]).map(([table, room]) => Math.max(table.right - room.right, room.left - table.left))"""
    sticking = page.run(over)
    assert len(sticking) == 2
    assert max(sticking) < 1
