"""Every command as a user types it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import cli
from derive.errors import CONTROLS
from derive.language import library
from derive.marks import HEAD, made_from, mark
from derive.proof import proof
from derive.resources import folder as shipped
from derive.values.real import real

ROOT = Path(__file__).parent.parent

PRODUCT = "f = (u + v)*w"
POINT = "u=2, v=3, w=4"
SCORES = "s=[2.3, 4.1, -2.1], t=0"

LECTURE = """\
---
title: {en: Margins, fr: Marges}
lang: [en, fr]
---

## The loss

:::en
One rival too many.
:::
:::fr
Un rival de trop.
:::

```derive graph margin
s: [C]
t: label[C]
L = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)
```

## Numbers

```derive worked margin
at: s=[2.3, 4.1, -2.1], t=0
```

## Its gradient

```derive gradient margin
wrt: s
```
"""


class Answer(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Derive = Callable[..., Answer]


@pytest.fixture
def derive(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Derive:
    """`derive("explain", "hinge")` runs the command line in this process."""

    def run(*arguments: str | Path, stdin: str = "") -> Answer:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin.encode())))
        capsys.readouterr()
        try:
            status = cli.main(list(map(str, arguments)))
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Answer(status, *capsys.readouterr())

    return run


def done(answer: Answer) -> str:
    """The standard output of a command that went well."""
    assert (answer.status, answer.err) == (0, "")
    return answer.out


def python(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A run of Python in a process of its own, from the root of the checkout."""
    given = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "timeout": 60} | options
    return subprocess.run([sys.executable, *arguments], **given)


# -------------------------------------------------------------------------------------------------------------- explain


def test_scalars_are_worked_forward_and_backward(derive: Derive) -> None:
    text = done(derive("explain", PRODUCT, "--at", POINT))
    for line in (
        "    f = (u + v) w",
        "  t₁ = u + v = 2 + 3 = 5",
        "   f = t₁ w = 5 · 4 = 20",
        "   ∂f/∂f = 1",
        "   ∂f/∂w = ∂(t₁ w)/∂w · ∂f/∂f = t₁ · 1 = 5",
        "   ∂f/∂u = ∂(u + v)/∂u · ∂f/∂t₁ = 1 · 4 = 4",
    ):
        assert line in text.splitlines()


def test_the_definition_alone_is_explained_without_numbers(derive: Derive) -> None:
    text = done(derive("explain", PRODUCT))
    assert "Forward" not in text
    assert [line for line in text.splitlines() if line.startswith("Gradient")] == [f"Gradient ∂f/∂{x}" for x in "uvw"]


def test_a_tensor_has_a_jacobian_in_three_forms(derive: Derive) -> None:
    text = done(derive("explain", "softmax"))
    assert "Jacobian ∂p_i/∂z_j" in text
    assert "= p_i (δ_ij − p_j)" in text
    assert "∂p/∂z = diag(p) − p pᵀ" in text
    assert "{ p_i (1 − p_i)  if i=j ; −p_i p_j  if i≠j }" in text


def test_plain_text_has_no_colour_and_keeps_to_a_hundred_columns(derive: Derive) -> None:
    text = done(derive("explain", "hinge", "--at", SCORES))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_colour_unless_it_asks_for_none() -> None:
    def shown(environment: dict[str, str]) -> bytes:
        master, slave = os.openpty()
        variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | environment
        run = python("cli.py", "explain", "f = u*v", stdout=slave, env=variables)
        os.close(slave)
        text = b"".join(iter(lambda: _read(master), b""))
        os.close(master)
        assert (run.returncode, run.stderr) == (0, "")
        return text

    assert b"\x1b[1m" in shown({})
    assert b"\x1b" not in shown({"NO_COLOR": "1"})
    assert b"\x1b" not in shown({"TERM": "dumb"})


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux: the other end is closed
        return b""


def test_markdown_on_a_page(derive: Derive) -> None:
    text = done(derive("explain", PRODUCT, "--at", POINT, "--format", "markdown"))
    head, body = text.split("\n---\n", 1)
    assert head.startswith("---\n# Made by derive from")
    assert 'title: "f"' in head.splitlines()
    assert "f = (u + v)w" in body
    assert r"f &= t_{1}w = 5 \cdot 4 = 20" in body
    assert body.count("$$") % 2 == 0
    assert body.count(r"\begin{aligned}") == body.count(r"\end{aligned}") == 5


def test_latex_is_a_whole_file(derive: Derive) -> None:
    text = done(derive("explain", PRODUCT, "--at", POINT, "--format", "latex"))
    assert text.startswith("% Made by derive from f = (u + v)*w")
    assert r"\documentclass" in text
    assert text.endswith("\\end{document}\n")
    assert r"\deriveline{f}{=}{t_{1}w = 5 \cdot 4 = 20}{}" in text


SOURCES = [
    pytest.param(lambda folder: (PRODUCT, ""), id="text"),
    pytest.param(lambda folder: ("-", PRODUCT), id="standard input"),
    pytest.param(lambda folder: (_written(folder / "product.derive", f"# a product\n{PRODUCT}\n"), ""), id="file"),
]


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_a_text_a_file_or_standard_input(derive: Derive, tmp_path: Path, source: Any) -> None:
    given, stdin = source(tmp_path)
    assert "f = t₁ w = 5 · 4 = 20" in done(derive("explain", given, "--at", POINT, stdin=stdin))


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_a_source_is_a_name_of_the_library(derive: Derive, form: str) -> None:
    text = done(derive("explain", "hinge", "--at", SCORES, "--format", form))
    assert re.search(r"2\.8\b", text)


def test_a_file_gives_the_page_its_title(derive: Derive, tmp_path: Path) -> None:
    file = _written(tmp_path / "margin.derive", library.text("hinge"))
    assert done(derive("explain", file)).startswith("margin\n\nDefinition\n")


def test_definitions_are_separated_by_lines_or_semicolons(derive: Derive) -> None:
    lines, signs = (done(derive("explain", f"a = u*v{sep}f = a + u", "--wrt", "u")) for sep in ("\n", "; "))
    assert lines == signs


def test_wrt_chooses_the_derivations(derive: Derive) -> None:
    text = done(derive("explain", PRODUCT, "--wrt", "w, u"))
    assert [line for line in text.splitlines() if line.startswith("Gradient")] == ["Gradient ∂f/∂u", "Gradient ∂f/∂w"]


def test_wrt_brings_the_gradients_that_its_results_name(derive: Derive) -> None:
    text = done(derive("explain", "mlp", "--wrt", "W1"))
    assert [line for line in text.splitlines() if line.startswith("Gradient")] == [
        f"Gradient {slope}" for slope in ("∂L/∂z_k", "∂L/∂h_i", "∂L/∂a_i", "∂L/∂W_ij⁽¹⁾")
    ]
    assert "∇_{W⁽¹⁾} L = (∇_a L) xᵀ" in text


def test_more_detail_has_more_lines(derive: Derive) -> None:
    counts = [done(derive("explain", "hinge", "--detail", detail)).count("\n") for detail in ("brief", "normal", "full")]
    assert counts == sorted(set(counts))
    assert done(derive("explain", "hinge")).count("\n") == counts[1]


def test_french_pages_have_french_words_and_numbers(derive: Derive) -> None:
    text = done(derive("explain", "hinge", "--at", SCORES, "--lang", "fr"))
    for words in (
        "Définition",
        "À l’aller\u00a0: les valeurs",
        "Au retour\u00a0: les gradients",
        "définition de L",
        "si i=t",
    ):
        assert words in text
    assert "max(0; 4,1 − 2,3 + 1) + max(0; −2,1 − 2,3 + 1)" in text
    assert "𝐞_t = (−1; 1; 0)" in text
    assert not re.search(r"\d\.\d", text)
    assert not re.search(r"\b(the|Forward|definition of|if)\b", text)


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_french_decimals_in_a_formula_keep_their_comma_tight(derive: Derive, form: str) -> None:
    text = done(derive("explain", "hinge", "--at", SCORES, "--lang", "fr", "--format", form))
    assert r"\max(0;\ 4{,}1 - 2{,}3 + 1)" in text


def test_a_value_may_be_a_fraction_or_separated_by_semicolons(derive: Derive) -> None:
    text = done(derive("explain", "f = u*v", "--at", "u=1/3; v=3"))
    assert "= 1" in text


def test_output_goes_to_a_file_as_it_would_to_the_screen(derive: Derive, tmp_path: Path) -> None:
    for form in ("markdown", "latex", "json"):
        file = tmp_path / f"made.{form}"
        shown = done(derive("explain", PRODUCT, "--at", POINT, "--format", form))
        assert done(derive("explain", PRODUCT, "--at", POINT, "--format", form, "-o", file)) == ""
        assert file.read_text(encoding="utf-8") == shown
    file = tmp_path / "made.txt"
    done(derive("explain", PRODUCT, "-o", file))
    assert file.read_text(encoding="utf-8") == f"{mark()}\n\n" + done(derive("explain", PRODUCT))


# -------------------------------------------------------------------------------------------------------- explain: JSON


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_nested(value: Any) -> bool:
    """A number, or a list of nested lists of one shape."""
    if is_number(value):
        return True
    return isinstance(value, list) and bool(value) and all(map(is_nested, value)) and len(set(map(np.shape, value))) == 1


def faults(data: Any) -> Iterator[str]:
    """Where the answer of `explain --format json` leaves its shape.  More keys than these are allowed."""

    def keys(value: Any, where: str, **kinds: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        for key, fits in kinds.items():
            if key not in value:
                yield f"{where} has no {key}"
            elif not (isinstance(value[key], fits) if isinstance(fits, type) else fits(value[key])):
                yield f"{where}.{key} is {value[key]!r}"

    def texts(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(v, str) for v in value)

    def numbers(value: Any) -> bool:
        return isinstance(value, dict) and all(map(is_nested, value.values()))

    def text_or_null(value: Any) -> bool:
        return value is None or isinstance(value, str)

    yield from keys(
        data, "answer", graph=dict, at=lambda v: v is None or numbers(v), values=numbers, gradients=numbers, derivations=list
    )
    graph = data["graph"]
    yield from keys(graph, "graph", inputs=list, nodes=list, output=str)
    for k, given in enumerate(graph["inputs"]):
        yield from keys(given, f"inputs[{k}]", name=str, axes=texts)
    for k, node in enumerate(graph["nodes"]):
        yield from keys(node, f"nodes[{k}]", name=str, axes=texts, latex=str)
    if graph["output"] not in [node["name"] for node in graph["nodes"]]:
        yield "the output is no node"
    for k, found in enumerate(data["derivations"]):
        yield from keys(found, f"derivations[{k}]", of=str, wrt=str, steps=list, result=str, matrix=text_or_null)
        for n, step in enumerate(found["steps"]):
            proof = {"symbolic", "numeric"}.__contains__
            yield from keys(step, f"derivations[{k}].steps[{n}]", latex=str, rule=str, note=text_or_null, proof=proof)
        if found["steps"] and found["steps"][-1]["latex"] != found["result"]:
            yield f"derivations[{k}] does not end in its result"


def explained(derive: Derive, *arguments: str) -> Any:
    data = json.loads(done(derive("explain", *arguments, "--format", "json")), parse_constant=pytest.fail)
    assert list(faults(data)) == []
    return data


def test_the_shape_is_checked() -> None:
    good: dict[str, Any] = {
        "graph": {"inputs": [{"name": "u", "axes": ["n"]}], "nodes": [{"name": "f", "axes": [], "latex": "f"}], "output": "f"},
        "at": None, "values": {"u": [1, 2.5]}, "gradients": {}, "more": 1,
        "derivations": [{"of": "f", "wrt": "u", "result": "1", "matrix": None,
                         "steps": [{"latex": "1", "rule": "r", "note": "", "proof": "symbolic"}]}],
    }  # fmt: skip
    assert list(faults(good)) == []
    assert list(faults(good | {"values": {"u": [1, [2]]}})) == ["answer.values is {'u': [1, [2]]}"]
    assert list(faults(good | {"at": {"u": "2"}})) == ["answer.at is {'u': '2'}"]
    assert list(faults(good | {"graph": good["graph"] | {"output": "g"}})) == ["the output is no node"]
    step = {"latex": "2", "rule": "r", "note": "", "proof": "believed"}
    assert len(list(faults(good | {"derivations": [good["derivations"][0] | {"steps": [step]}]}))) == 2


@pytest.mark.parametrize("name", ["conv1d", "embedding", "hinge", "max_pool1d", "mlp", "mse", "relu", "softmax"])
def test_json_of_a_definition_has_the_shape(derive: Derive, name: str) -> None:
    data = explained(derive, name)
    assert (data["at"], data["values"], data["gradients"]) == (None, {}, {})
    assert data["derivations"]
    assert {given["name"] for given in data["graph"]["inputs"]} >= {found["wrt"] for found in data["derivations"]} - {
        node["name"] for node in data["graph"]["nodes"]
    }


def test_json_holds_values_and_gradients(derive: Derive) -> None:
    data = explained(derive, PRODUCT, "--at", POINT)
    assert data["at"] == {"u": 2, "v": 3, "w": 4}
    assert data["values"]["f"] == 20
    assert {name: data["gradients"][name] for name in "fuvw"} == {"f": 1, "u": 4, "v": 4, "w": 5}
    assert {found["wrt"]: found["result"] for found in data["derivations"]} == {"u": "w", "v": "w", "w": "u + v"}


def test_json_holds_tensors_and_matrix_forms(derive: Derive) -> None:
    data = explained(derive, "W: [m, n]\nh: [n]\na = W @ h", "--at", "W=[[1, 2, 3], [4, 5, 0.5]], h=[1, 0, -1]")
    assert data["at"]["W"] == [[1, 2, 3], [4, 5, 0.5]]
    assert data["values"]["a"] == [-2, 3.5]
    assert data["gradients"]["W"] == [[1, 0, -1], [1, 0, -1]]
    assert {given["name"]: given["axes"] for given in data["graph"]["inputs"]} == {"W": ["m", "n"], "h": ["n"]}
    assert r"gh^{\top}" in {found["matrix"] for found in data["derivations"]}


def test_json_rules_are_in_the_language_asked_for(derive: Derive) -> None:
    english, french = (explained(derive, "softmax", "--lang", lang) for lang in ("en", "fr"))
    rules = [[step["rule"] for found in data["derivations"] for step in found["steps"]] for data in (english, french)]
    assert "quotient rule" in rules[0]
    assert not set(rules[0]) & set(rules[1])
    assert [f["result"] for f in english["derivations"]] == [f["result"] for f in french["derivations"]]


def test_a_fragment_lies_beside_the_package_that_it_needs(derive: Derive, tmp_path: Path) -> None:
    out = tmp_path / "one.tex"
    done(derive("explain", PRODUCT, "--wrt", "w", "--format", "latex", "--fragment", "-o", out))
    assert names(tmp_path) == {"one.tex", "derive.sty"}
    assert done(derive("sty")) == (tmp_path / "derive.sty").read_text("utf-8")
    done(derive("explain", PRODUCT, "--wrt", "u", "--format", "latex", "--fragment", "-o", tmp_path / "two.tex"))
    done(derive("sty", "-o", tmp_path / "derive.sty"))
    assert done(derive("explain", PRODUCT, "--format", "latex", "--fragment")).startswith("% Made by derive")
    assert "A fragment is of LaTeX." in derive("explain", PRODUCT, "--fragment").err


# --------------------------------------------------------------------------------------------------------------- slides


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    return _written(tmp_path / "margins.md", LECTURE)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_slides_come_in_every_language_of_the_lecture(derive: Derive, lecture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert done(derive("slides", lecture, "-o", out, "--format", "markdown,beamer")) == ""
    assert names(out) == {f"margins.{lang}.{ending}" for lang in ("en", "fr") for ending in ("md", "tex")}
    english, french = ((out / f"margins.{lang}.md").read_text("utf-8") for lang in ("en", "fr"))
    assert "One rival too many." in english
    assert "Un rival" not in english
    assert "Un rival de trop." in french
    assert r"\max(0;\ 4{,}1 - 2{,}3 + 1)" in french
    assert all(text.splitlines()[1].startswith("# Made by derive from margins.md.") for text in (english, french))


def test_slides_are_beamer_by_default(derive: Derive, lecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done(derive("slides", lecture, "--lang", "fr"))
    assert names(tmp_path) == {"margins.md", "margins.fr.tex"}
    text = (tmp_path / "margins.fr.tex").read_text("utf-8")
    assert text.startswith("% Made by derive from margins.md.")
    assert r"\documentclass[aspectratio=169,11pt]{beamer}" in text
    assert text.count(r"\begin{frame}") >= 3


WRONG = """\
---
title: Wrong
lang: [en, fr]
aspect: 1:1
---
# A

```derive graph g
f = ?
```

```derive worked g
at: x=1
```

```derive worked softmx
at: z=[1, 2]
```

```derive figure sigmoid
att: x=1
nodes: wrong
```

Good words, ~~bad~~ words.
"""


def test_all_mistakes_of_a_lecture_are_told_in_one_run_and_only_those(derive: Derive, tmp_path: Path) -> None:
    lecture = _written(tmp_path / "wrong.md", WRONG)
    status, out, err = derive("slides", lecture, "-o", tmp_path / "out")
    assert (status, out) == (1, "")
    assert re.findall(r"wrong\.md, line (\d+): ", err) == ["4", "9", "16", "21", "22", "25"]
    assert err.endswith("There are 6 mistakes.\n")
    assert not (tmp_path / "out").exists()


def test_a_lecture_is_built_all_the_same_where_that_is_asked_for(derive: Derive, tmp_path: Path) -> None:
    lecture = _written(tmp_path / "wrong.md", WRONG)
    status, _, err = derive("slides", lecture, "-o", tmp_path / "out", "--format", "markdown", "--keep-going", "--lang", "fr")
    assert (status, err.count("wrong.md, ligne ")) == (1, 6)
    text = (tmp_path / "out" / "wrong.fr.md").read_text("utf-8")
    assert "Le graphe «\u00a0g\u00a0» contient une erreur plus haut." in text
    assert "Good words, `~~bad~~` words." in text


def test_an_unknown_graph_names_those_that_are_near_it(derive: Derive, tmp_path: Path) -> None:
    def hint(name: str) -> str:
        lecture = _written(tmp_path / "near.md", f"---\ntitle: x\n---\n# A\n\n```derive worked {name}\nat: x=1\n```\n")
        err: str = derive("slides", lecture, "-o", tmp_path / "out").err
        return err.splitlines()[-1]

    assert hint("softmx") == "Did you mean softmax, softmin or log_softmax?"
    assert hint("entropy").count("entropy") >= 2
    assert hint("zzzzz") == "'derive library' lists those that need no definition."


def test_a_handout_is_a_file_of_its_own(derive: Derive, tmp_path: Path) -> None:
    body = "# A\n\n:::answer\nForty-two.\n:::\n\n:::notes\nWait.\n:::\n"
    lecture = _written(tmp_path / "one.md", f"---\ntitle: One\n---\n{body}")
    for options in ((), ("--handout",)):
        done(derive("slides", lecture, "-o", tmp_path / "out", "--format", "beamer,markdown", *options))
    assert names(tmp_path / "out") == {f"one.en{kind}.{ending}" for kind in ("", ".handout") for ending in ("md", "tex")}
    slides, handout = ((tmp_path / "out" / f"one.en{kind}.tex").read_text("utf-8") for kind in ("", ".handout"))
    assert ("uncoverenv" in slides, r"\note{" in slides) == (True, True)
    assert ("uncoverenv" in handout, r"\note{" in handout) == (False, False)
    done(derive("slides", lecture, "-o", tmp_path / "marp", "--format", "markdown", "--flavour", "marp"))
    assert "marp: true" in (tmp_path / "marp" / "one.en.md").read_text("utf-8")


def test_a_lecture_is_built_again_when_it_changes_and_when_it_is_mended(tmp_path: Path) -> None:
    lecture = _written(tmp_path / "one.md", "---\ntitle: One\n---\n# A\n\nFirst.\n")
    page = tmp_path / "out" / "one.en.md"
    command = [sys.executable, "cli.py", "slides", lecture, "-o", page.parent, "--format", "markdown", "--watch"]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        assert run.stderr is not None
        assert run.stderr.readline().startswith("derive: Built in ")
        assert "First." in page.read_text("utf-8")
        lecture.write_text("---\ntitle: One\n---\n# A\n\n~~Second~~\n")
        assert run.stderr.readline() == "derive: Words cannot be struck out in a lecture.\n"
        while "for the sign" not in run.stderr.readline():
            pass
        assert "First." in page.read_text("utf-8")
        lecture.write_text("---\ntitle: One\n---\n# A\n\nThird.\n")
        assert run.stderr.readline().startswith("derive: Built in ")
        assert "Third." in page.read_text("utf-8")
    finally:
        run.kill()
        run.wait()


def test_a_figure_lies_beside_its_slides(derive: Derive, tmp_path: Path) -> None:
    block = "## Graph\n\n```derive define f\nf = u*v\n```\n\n```derive figure f\nat: u=2, v=3\n```\n"
    lecture = _written(tmp_path / "one.md", f"---\ntitle: One\n---\n\n{block}")
    done(derive("slides", lecture, "-o", tmp_path / "out", "--format", "beamer,markdown"))
    figures = {name for name in names(tmp_path / "out") if not name.startswith("one.")}
    assert {Path(name).suffix for name in figures} == {".pdf", ".svg"}
    for text, kind in (("one.en.tex", ".pdf"), ("one.en.md", ".svg")):
        (figure,) = [name for name in figures if name.endswith(kind)]
        assert figure in (tmp_path / "out" / text).read_text("utf-8")


# --------------------------------------------------------------------------------------------------------------- course


def test_course_builds_what_it_finds_and_says_what(
    derive: Derive, lecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derive.resources.folder", lambda name: lecture.parent if name == "lectures" else shipped(name))
    out = tmp_path / "built"
    listed = done(derive("course", "-o", out)).split()
    pages = [f"margins.{lang}.{ending}" for lang in ("en", "fr") for ending in ("html", "pdf", "ipynb", "md", "tex")]
    assert listed == [str(out / name) for name in ("index.html", *pages)]
    assert names(out) == {*pages, "index.html", ".course.json"}
    index = (out / "index.html").read_text("utf-8")
    assert re.findall('href="([^"]+)" aria-label', index) == pages
    assert ("Diapositives" in index, "English" in index, "Français" in index) == (True, True, True)
    assert done(derive("course", "-o", out)).split() == listed  # over its own files


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"lectures": []}',
        '{"lectures": {"a.md": {}}}',
        "[" * 100_000,
        '{"lectures": {"a.md": {"key": 1, "number": "x"}}}',
    ],
    ids=["nothing", "a list", "no names", "no entries", "deep", "no number"],
)
def test_a_record_of_something_else_counts_for_nothing(tmp_path: Path, text: str) -> None:
    from derive.teaching.course import RECORD, _recorded

    (tmp_path / RECORD).write_text(text)
    assert _recorded(tmp_path) == {}


def test_a_mistake_in_one_of_several_lectures_is_told(derive: Derive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is built in a process of its own."""
    (tmp_path / "in").mkdir()
    for name, words in (("one", "Words."), ("two", "~~Words~~")):
        _written(tmp_path / "in" / f"{name}.md", f"---\ntitle: One\n---\n## A\n\n{words}\n")
    monkeypatch.setattr("derive.resources.folder", lambda name: tmp_path / "in" if name == "lectures" else shipped(name))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    found = derive("course", "-o", tmp_path / "out")
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("derive: Words cannot be struck out in a lecture.\n  two.md, line 6")
    assert not (tmp_path / "out").exists()


UNCHANGED = ("nothing", "a package that pages do not need")


@pytest.mark.parametrize(
    "change",
    [*UNCHANGED, "the lecture", "a page", "a page that is gone", "the record", "a bibliography", "sympy", "markdown-it-py"],
)
def test_a_lecture_that_did_not_change_is_not_built_again(
    derive: Derive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    from derive.teaching import building, course

    head = "---\ntitle: One\nbibliography: own.bib\n---\n"
    (tmp_path / "in").mkdir()
    lecture = _written(tmp_path / "in" / "one.md", f"{head}## A\n\nWords.\n")
    sources = _written(tmp_path / "in" / "own.bib", "@book{a, title={A}, author={B, C}, year={2000}}\n")
    monkeypatch.setattr("derive.resources.folder", lambda name: lecture.parent if name == "lectures" else shipped(name))
    out, made = tmp_path / "out", list[Path]()
    monkeypatch.setattr(course, "built", lambda path, forms: made.append(path) or building.built(path, forms))
    for _ in range(2):
        done(derive("course", "-o", out))
    assert made == [lecture]
    before = (out / "one.en.md").read_bytes()
    match change:
        case "the lecture":
            lecture.write_text(f"{head}## A\n\nOther words.\n")
        case "a page":
            (out / "one.en.md").write_bytes(before + b"\n")
        case "a page that is gone":
            (out / "one.en.tex").unlink()
        case "the record":
            (out / ".course.json").write_text((out / ".course.json").read_text("utf-8").replace('"pages"', '"paged"'))
        case "a bibliography":
            sources.write_text(sources.read_text("utf-8").replace("2000", "2001"))
        case "a package that pages do not need" | "sympy" | "markdown-it-py":
            other = SimpleNamespace(name="pytest" if change in UNCHANGED else change, version="9999", requires=None)
            kept = [one for one in distributions() if one.name != other.name]
            monkeypatch.setattr(course, "distributions", lambda: [*kept, other])
    done(derive("course", "-o", out))
    assert len(made) == (1 if change in UNCHANGED else 2)
    assert ((out / "one.en.md").read_bytes() == before) == (change != "the lecture")


# -------------------------------------------------------------------------------------------------------------- library


def test_library_lists_every_definition_on_a_line(derive: Derive) -> None:
    lines = done(derive("library")).splitlines()
    assert [line.split()[0] for line in lines] == list(library.names())
    assert all(len(line.split(None, 1)[1]) > 10 for line in lines)


def test_library_speaks_french(derive: Derive) -> None:
    assert re.search(r"^softmax +Softmax\u00a0: des scores", done(derive("library", "--lang", "fr")), re.MULTILINE)


def test_library_shows_a_definition_that_explain_takes(derive: Derive) -> None:
    shown = done(derive("library", "hinge"))
    assert shown == library.text("hinge")
    assert done(derive("explain", "-", stdin=shown)).split("\n", 1)[1] == done(derive("explain", "hinge")).split("\n", 1)[1]


# ---------------------------------------------------------------------------------------------------------------- check


def test_check_shows_proofs_and_gradients(derive: Derive) -> None:
    text = done(derive("check", "hinge", "--at", SCORES))
    assert "Proof of every line" in text
    assert re.search(r"∂L/∂s_i +\d+ +\d+/\d+ +8 +< 10⁻³⁰ +C = 2; C = 3", text)
    assert re.search(r"s₂ +1\.000 +1\.000 +< 10⁻¹⁰ +agrees", text)
    assert "differs" not in text


def test_check_speaks_french(derive: Derive) -> None:
    text = done(derive("check", "softmax", "--lang", "fr"))
    assert "Preuve de chaque ligne" in text
    assert "concorde" in text


def test_an_error_without_a_size_is_a_dash(derive: Derive) -> None:
    """e^1000 is infinite in float64, and so is how far a loss of it is from the formula."""
    text = done(derive("check", "softmax_cross_entropy", "--at", "z=[1000,0,-1000], y=[1,0,0]"))
    assert re.search(r"y +formula in float64 +– +cannot be told", text)


# --------------------------------------------------------------------------------------------------------------- status


def test_status_3_where_a_gradient_check_fails(derive: Derive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derive.proof.gradcheck.AGREE", -1.0)
    answer = derive("check", PRODUCT, "--at", POINT)
    assert (answer.status, answer.err) == (3, "")
    assert "differs" in answer.out


def test_status_3_where_a_line_cannot_be_proved(derive: Derive, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = proof.Gap(real(1), real(1), differs=True)
    monkeypatch.setattr("derive.proof.proof._distance", lambda a, b: wrong)
    for command in ("explain", "check"):
        answer = derive(command, f"{command} = u*u*v")  # a text that no other test has had proved
        assert (answer.status, answer.out) == (3, "")
        assert answer.err.startswith("derive: Line 1 of the derivation of ∂")


def test_a_gradient_without_a_value_stops_no_other(derive: Derive) -> None:
    shown = done(derive("explain", "y = x**p", "--at", "x=0, p=3"))
    assert "The gradient by p has no value here: log(0) does not exist" in shown
    assert "∂y/∂x = ∂(x^p)/∂x · ∂y/∂y = p x^(p − 1) · 1 = 0 · 1 = 0" in shown
    run = derive("explain", "y = x**p", "--at", "x=0, p=3", "--wrt", "p")
    assert (run.status, run.out) == (1, "")


def test_status_3_where_a_definition_has_no_value_anywhere(derive: Derive) -> None:
    answer = derive("explain", "f = log(-x*x - 1)")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith("derive: ")


def test_status_1_where_the_input_is_wrong(derive: Derive) -> None:
    answer = derive("explain", "p = sofmax(z)")
    assert answer == (
        1,
        "",
        "derive: The function sofmax is not known.\n  line 1: p = sofmax(z)\n              ^^^^^^\nDid you mean softmax?\n",
    )


USAGE = [
    [],
    ["derive"],
    ["explain"],
    ["explain", PRODUCT, "--formatt", "text"],
    ["explain", PRODUCT, "--format", "docx"],
    ["explain", PRODUCT, "--detail", "all"],
    ["explain", PRODUCT, "--at"],
    ["explain", PRODUCT, "more"],
    ["slides"],
    ["course", "softmax"],
    ["library", "softmax", "hinge"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_status_2_where_the_usage_is_wrong(derive: Derive, arguments: list[str]) -> None:
    answer = derive(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("usage: derive")
    assert re.search(r"^derive( \w+)?: error: ", answer.err.splitlines()[-1])


# ----------------------------------------------------------------------------------------------------------------- help


def test_help_names_every_command(derive: Derive) -> None:
    text = done(derive("--help"))
    for command in ("explain", "slides", "check", "library", "course"):
        assert re.search(rf"^ +{command} +\w", text, re.MULTILINE)
        assert done(derive(command, "--help")).startswith(f"usage: derive {command} ")


def test_help_and_what_is_wrong_with_the_usage_are_said_in_the_language_asked_for(derive: Derive) -> None:
    text = done(derive("explain", "--help", "--lang", "fr"))
    assert text.startswith("utilisation\u00a0: derive explain ")
    assert "combien d’étapes montrer" in text
    assert "how many" not in text
    assert "les diapositives d’un cours" in done(derive("--help", "--lang=fr"))
    answer = derive("explain", "--lang", "fr", "--detail", "some", "relu")
    assert answer.status == 2
    assert "argument --detail\u00a0: choix impossible\u00a0: 'some'" in answer.err
    assert "il manque des arguments\u00a0: SOURCE" in derive("explain", "--lang", "fr").err


def test_version(derive: Derive) -> None:
    assert re.fullmatch(r"derive \d+\.\d+\.\d+\n", done(derive("--version")))


# -------------------------------------------------------------------------------------------------------- own processes


@pytest.mark.parametrize("start", [["cli.py"], ["-m", "derive"]], ids=" ".join)
def test_a_checkout_runs_as_a_script_and_as_a_module(start: list[str]) -> None:
    run = python(*start, "explain", "-", "--at", POINT, input=PRODUCT)
    assert (run.returncode, run.stderr) == (0, "")
    assert "f = t₁ w = 5 · 4 = 20" in run.stdout


FOREIGN = ("cli.py", "numpy.py", "sympy.py", "json.py", "random.py", "typing_extensions.py", "teaching/__init__.py")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's, whose files and folders have the names of ours, and of modules that ours import."""
    for name in FOREIGN:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"raise SystemExit('{name} of the user was run')\n")
    for folder in ("templates", "lectures", "library", "locale"):
        (tmp_path / folder).mkdir()
    return tmp_path


CONSOLE = "import sys; from derive.__main__ import main; sys.argv[0] = 'derive'; sys.exit(main())"


@pytest.mark.parametrize(
    "start", [["-m", "derive"], ["-P", "-m", "derive"], ["-P", "-c", CONSOLE]], ids=["-m", "-P -m", "derive"]
)
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--version"], "derive 0"),
        (["explain", PRODUCT, "--at", POINT], "f = t₁ w = 5 · 4 = 20"),
        (["explain", PRODUCT, "--format", "latex", "--lang", "fr"], r"\begin{document}"),
        (["library", "mse"], "mean"),
    ],
    ids=["version", "explain", "latex", "library"],
)
def test_nothing_of_the_current_folder_is_run(elsewhere: Path, start: list[str], arguments: list[str], shown: str) -> None:
    run = python(*start, *arguments, cwd=elsewhere, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert (run.returncode, run.stderr) == (0, "")
    assert shown in run.stdout


def test_a_reader_that_stops_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    run = python("cli.py", "library", stdout=write)
    os.close(write)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        run = python("cli.py", "library", stdout=full)
    assert (run.returncode, run.stderr) == (1, "derive: standard output: No space left on device\n")


def test_an_encoding_without_mathematics_is_said() -> None:
    run = python("cli.py", "explain", PRODUCT, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("derive: standard output is ascii, ")


CLOSED = [
    ("explain hinge >&-", 1, "derive: Standard output is closed.\n"),
    ("library >&-", 1, "derive: Standard output is closed.\n"),
    ("explain - <&-", 1, "derive: Standard input is closed.\n"),
    ("explain - 0>/dev/null", 1, "derive: Standard input cannot be read: Bad file descriptor.\n"),
    ("explain hinge 1</dev/null", 1, "derive: standard output: Bad file descriptor\n"),
    ("explain 'f = u^2' 2>&-", 1, ""),
    ("explain 'f = u^2' 2>/dev/full", 1, ""),
    ("explain hinge >&- 2>&- <&-", 1, ""),
    ("explain 2>/dev/full", 2, ""),
    ("explain hinge >/dev/full", 1, "derive: standard output: No space left on device\n"),
    ("--help >/dev/full", 1, "derive: standard output: No space left on device\n"),
    ("--version >/dev/full 2>/dev/full", 1, ""),
    ("explain 'f = u*v' -o page.txt >&- 2>&- <&-", 0, ""),
    ("slides lecture.md >&-", 0, ""),
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("command", "status", "said"), CLOSED, ids=[command for command, *_ in CLOSED])
def test_a_stream_that_is_closed_or_full_is_one_message(tmp_path: Path, command: str, status: int, said: str) -> None:
    _written(tmp_path / "lecture.md", "---\ntitle: T\n---\n\n## Slide\n\nText.\n")
    script = f"{sys.executable} {ROOT / 'cli.py'} {command}"
    run = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60)
    assert (run.returncode, run.stdout) == (status, "")
    assert run.stderr.startswith(said)
    assert run.stderr.count("derive: ") == (1 if said else 0)
    assert "Traceback" not in run.stderr
    made = {path.name for path in tmp_path.iterdir()} - {"lecture.md"}
    assert made == ({"page.txt"} if "-o" in command else {"lecture.en.tex"} if "slides" in command else set())
    assert all(
        path.stat().st_size > 100 and made_from(path.read_bytes()[:HEAD]) is not None for path in map(tmp_path.joinpath, made)
    )


def test_a_message_shows_what_a_terminal_would_obey(derive: Derive, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text('---\ntitle: T\n"\\e[31m\\u202e": 1\n---\n\n## S\n')
    for command in (
        ["explain", "\x1b[31m\u202e.derive"],
        ["slides", tmp_path / "a.md"],
        ["slides", "\x1b[31m\n\r.md"],
        ["explain", "f = u", "--at", "\x1b[31m=1"],
        ["explain", "f = u", "--wrt", "\x1b[31m"],
        ["explain", "f = u", "-o", "\x1b[31m\x00"],
        ["explain", "f = u", "--lang", "\x1b[31m"],
        ["explain", "f = u", "\x1b[31m\n"],
        ["explain", "f = u", "--\x1b[31m"],
        ["\x1b[31m"],
        ["library", "\x1b[31m"],
        ["kernel", "f = u", "--target", "\x1b[31m\x9b"],
    ):
        answer = derive(*command)
        assert answer.status in (1, 2)
        assert CONTROLS.search(answer.err) is None
        assert answer.err.count("derive: ") <= 1


@pytest.mark.parametrize(("name", "most"), [("layer_norm", 30), ("lstm_cell", 50)])
def test_a_definition_is_seen_at_a_glance(derive: Derive, name: str, most: int) -> None:
    """A page at brief stands on one screen: the definition, then each result on one line, by entries and as a matrix."""
    lines = done(derive("explain", name, "--detail", "brief")).splitlines()
    assert len(lines) <= most
    assert any("∇_x L" in line for line in lines)
