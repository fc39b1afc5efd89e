"""What CONTRIBUTING says of adding one thing, done as it stands in a copy of the project, and used there by its commands."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from babel.messages.pofile import read_po, write_po

import derive
from derive.calculus.functions import GAMMAS, PRIMITIVES
from derive.errors import DeriveError
from derive.kernels.kernel import kernel
from derive.kernels.text import scope
from derive.language.reader import read
from derive.teaching.figure.canvas import measure, upright
from derive.values.evaluator import Evaluator
from derive.values.number_systems import FLOAT
from oracles.rendering import compile_latex

ROOT = Path(__file__).parent.parent
PARTS = ("derive", "templates", "lectures", "tests", "benchmarks", "cli.py", "pyproject.toml")
LEFT = shutil.ignore_patterns("node_modules", "golden")


@dataclass(frozen=True)
class Checkout:
    """A copy of the project that a newcomer changes."""

    folder: Path

    def write(self, path: str, text: str) -> None:
        """A new file."""
        assert not (self.folder / path).exists()
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, "utf-8")

    def insert(self, path: str, before: str, text: str) -> None:
        """A text before another that stands in the file once."""
        whole = (self.folder / path).read_text("utf-8")
        assert whole.count(before) == 1, f"{path} has {whole.count(before)} times {before!r}"
        (self.folder / path).write_text(whole.replace(before, text + before), "utf-8")

    def row(self, path: str, table: str, text: str) -> None:
        """A row at the head of a table."""
        whole = (self.folder / path).read_text("utf-8")
        (start,) = re.finditer(rf"^{table}\b.*[\[({{]\n", whole, re.MULTILINE)
        (self.folder / path).write_text(f"{whole[: start.end()]}    {text},\n{whole[start.end() :]}", "utf-8")

    def derive(self, *arguments: str) -> str:
        """What the command line of this copy prints."""
        return self.python("cli.py", *arguments)

    def python(self, *arguments: str) -> str:
        """What Python prints here, where nothing of the project that is tested is on its path."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        run = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=clean, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
        )
        assert run.returncode == 0, (run.stderr + run.stdout).decode()
        return run.stdout.decode()

    def passed(self, chosen: str, *files: str) -> set[str]:
        """The tests in some files of this copy that are chosen by their names; they pass, or were skipped."""
        said = self.python("-m", "pytest", "-q", "-rp", "-p", "no:cacheprovider", "-k", chosen, *files)
        return set(re.findall(r"^PASSED .*::(\S+)", said, re.MULTILINE))

    def module(self, name: str) -> ModuleType:
        """A module that was emitted here, imported."""
        spec = importlib.util.spec_from_file_location(name, self.folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    def text(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "project"
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=LEFT)
        else:
            shutil.copy2(ROOT / part, folder / part)
    return Checkout(folder)


def test_the_copy_is_what_runs(checkout: Checkout) -> None:
    assert checkout.python("-c", "import derive; print(derive.__file__)").strip() == str(checkout.folder / "derive/__init__.py")
    checkout.insert("cli.py", "def main(", "raise SystemExit('changed')\n\n\n")
    with pytest.raises(AssertionError, match="changed"):
        checkout.derive("library")


# ---------------------------------------------------------------------------------------------------------- the table


def rows() -> dict[str, str]:
    """The rows of CONTRIBUTING's table: what is new, and what it is."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("| a new | is |")[2]
    return dict(re.findall(r"^\| (.+?)(?: \(.*\))? \| (.+) \|$", text, re.MULTILINE))


def missing(row: str) -> list[str]:
    """What a row mentions between backticks and the project has not: a path, a table in a file of the row, a target of make."""
    words = re.findall(r"`([^`]+)`", row)
    paths = {
        word: list(ROOT.glob(re.sub("NAME|LANG", "*", word))) for word in words if re.fullmatch(r"[\w./]+(/|\.)[\w./]+", word)
    }
    files = [found[0] for word, found in paths.items() if word.endswith(".py") and found]
    tables = [word for word in words if re.fullmatch(r"[A-Z_]+", word)]
    targets = [word.removeprefix("make ") for word in words if word.startswith("make ")]
    made = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return [
        *(path for path, found in paths.items() if not found),
        *(t for t in tables if not any(re.search(rf"^{t}\b.*=", f.read_text("utf-8"), re.MULTILINE) for f in files)),
        *(target for target in targets if target not in made),
    ]


@pytest.mark.parametrize("new", rows())
def test_a_row_names_what_there_is(new: str) -> None:
    assert missing(rows()[new]) == []


def test_a_wrong_row_is_found() -> None:
    assert missing("a file `derive/library/NAME.derive`, `RULES` in `derive/calculus/rules.py`, `make library`") == []
    assert missing("`derive/values.py`") == ["derive/values.py"]
    assert missing("`derive/library/NAME.deriv`") == ["derive/library/NAME.deriv"]
    assert missing("`RULE` in `derive/calculus/rules.py`, `RULES` in `derive/calculus/terms.py`") == ["RULE"]
    assert missing("`make pages`") == ["pages"]


def test_every_row_is_done_here() -> None:
    assert len(rows()) == 16
    assert list(rows())[-1] == "dependency"
    names = {f"test_a_new_{new.replace(' ', '_')}" for new in rows()}
    assert names - set(globals()) == {"test_a_new_dependency"}  # which pip would have to fetch


# ------------------------------------------------------------------------------------------------------------ language

CASES = "y = where(a > 2.5, max(a, 2.5), b)"

HEAD = "---\ntitle: A lecture\n---\n\n"

PAGE = """\
---
title: {en: Title, de: Titel}
lang: [en, de]
---

## A "slide"

Why? He said "one 'two' three".

```derive graph f
a: real
b: real
y = where(a > 2.5, max(a, 2.5), b)
```

```derive gradient f
wrt: a
```

```derive worked f
at: a=3.5, b=1
```

```derive figure f
at: a=3.5, b=1
```

```derive plot
functions: tanh
```

```derive check f
at: a=3.5, b=1
```
"""


LEGEND = """
from derive.teaching.figure import Arrow, Box, Diagram
from derive.teaching.figure.canvas import compose

diagram = Diagram((Box("x", "x", "input"), Box("y", "y", "output")), (Arrow("x", "y", "1", "2"),))
print(*(text.formula for text in compose(diagram, "de").texts))
"""


def made_up(message: str) -> str:
    """A message in a language that nobody speaks: each word backwards, with an umlaut."""
    german = {"“{text}”": "„{text}“", "‘{text}’": "‚{text}‘"}
    if "{text}" in message:
        return german.get(message, message)
    return re.sub(r"\{\w+\}|[A-Za-z]+", lambda word: word[0] if word[0][0] == "{" else word[0][::-1] + "ö", message)


def translated(checkout: Checkout, lang: str) -> list[str]:
    """Adds a catalogue that is a copy of the French one with texts of its own; returns what is English and French in both."""
    folder = checkout.folder / "derive/teaching/locale"
    with (folder / "fr.po").open("rb") as file:
        catalogue = read_po(file, locale="fr")
    foreign = [
        text for message in catalogue for text in (message.id, message.string) if re.search(r"\w\w", text) and "{" not in text
    ]
    for message in catalogue:
        if message.id:
            message.string = made_up(message.id)
    catalogue.locale = lang
    with (folder / f"{lang}.po").open("wb") as file:
        write_po(file, catalogue)
    assert f"Language: {lang}" in checkout.text(f"derive/teaching/locale/{lang}.po")
    return foreign


def left(foreign: list[str], page: str) -> list[str]:
    """What is said on a page in a language that is not its own, besides that a generated file is one."""
    page = page.partition(r"\begin{document}")[2] or page
    said = "\n".join(line for line in page.splitlines() if "Made by derive" not in line)
    return [text for text in foreign if re.search(rf"(?<![\w\\]){re.escape(text)}(?!\w)", said)]


def test_a_new_language(checkout: Checkout) -> None:
    foreign = translated(checkout, "de")
    if_, otherwise = made_up("if"), made_up("otherwise")
    for form in ("text", "markdown", "latex"):
        page = checkout.derive("explain", CASES, "--at", "a=3.5, b=1", "--lang", "de", "--format", form)
        assert left(foreign, page) == []
        assert if_ in page
        assert otherwise in page
        assert re.search(r"2(,|\{,\})5", page)
        assert "2.5" not in page.partition(r"\begin{document}")[2]
    assert r"\usepackage[german, provide=*]{babel}" in page
    data = json.loads(checkout.derive("explain", CASES, "--lang", "de", "--format", "json"))
    steps = [step for derivation in data["derivations"] for step in derivation["steps"]]
    assert made_up("definition") in [step["rule"] for step in steps]
    assert left(foreign, "\n".join(step[part] for step in steps for part in ("latex", "rule", "note"))) == []
    report = checkout.derive("check", CASES, "--at", "a=3.5, b=1", "--lang", "de")
    assert left(foreign, report) == []
    assert made_up("Everything agrees.") in report
    assert re.search(r"^affine +Affine layer: ", checkout.derive("library", "--lang", "de"), re.MULTILINE)
    assert left(foreign, page + "sinon") == ["sinon"]
    checkout.insert("derive/library/affine.derive", "# fr:", "# de: Affine Schicht.\n")
    assert re.search(r"^affine +Affine Schicht\.$", checkout.derive("library", "--lang", "de"), re.MULTILINE)
    checkout.insert("derive/teaching/formats/latex/printer.py", '"fr": ("french"', """"de": ("ngerman", '"'), """)
    page = checkout.derive("explain", "y = x**2", "--lang", "de", "--format", "latex")
    assert r"\usepackage[ngerman]{babel}" in page
    assert r'\shorthandoff{"}' in page


def test_a_lecture_in_a_new_language(checkout: Checkout) -> None:
    foreign = translated(checkout, "de")
    checkout.write("page.md", PAGE)
    checkout.derive("slides", "page.md", "--format", "markdown,beamer", "-o", "out")
    for name in ("out/page.de.md", "out/page.de.tex"):
        page = checkout.text(name)
        assert left(foreign, page) == []
        assert "A „slide“" in page
        assert "Why? He said „one ‚two‘ three“" in page
        assert made_up("otherwise") in page
    for kind in ("page-figure-f", "page-plot"):
        (english,), (german,) = (sorted((checkout.folder / "out").glob(f"{kind}-*-{lang}.svg")) for lang in ("en", "de"))
        assert english.read_bytes() != german.read_bytes()
    assert upright(made_up("forward: value")) in checkout.python("-c", LEGEND)


@pytest.mark.needs("pdflatex")
def test_the_slides_of_a_new_language_compile(checkout: Checkout, tmp_path: Path) -> None:
    translated(checkout, "de")
    checkout.write("page.md", PAGE)
    checkout.derive("slides", "page.md", "--lang", "de", "-o", "out")
    (tmp_path / "tex").mkdir()
    assert compile_latex(checkout.folder / "out/page.de.tex", tmp_path / "tex").pages > 1


def test_the_legend_of_a_figure_takes_any_words() -> None:
    assert upright("forward: value") == r"forward\!:\,value"
    assert upright("arrière\u00a0: à %") == r"arri\grave{e}re\,:\,\grave{a}\ \%"
    for words in ("Größe: ñandú, åß", "vpřed: hodnota", "вперёд: значение", "#$%&_{}"):
        assert measure(rf"\mathrm{{{upright(words)}}}", 9.0).width > 20


# ------------------------------------------------------------------------------------------------------------ functions

TAN = '"tan": Primitive(1, tan, {0: 0})'


def test_a_new_primitive_function(checkout: Checkout) -> None:
    checkout.row("derive/calculus/functions.py", "PRIMITIVES", TAN)
    checkout.insert("derive/calculus/functions.py", "from sympy import", "from sympy import tan\n")
    page = checkout.derive("explain", "y = tan(x)", "--at", "x=1")
    assert "= 1 + tan(x)²" in page
    assert "1.557" in page
    assert "Everything agrees." in checkout.derive("check", "x: [n]\ny = sum(tan(x))")
    text = "x: [n]\nw: [n]\ny = sum(w*tan(x))"
    checkout.derive("kernel", text, "--dtype", "float64", "-o", "cpu.py")
    x, w = np.linspace(-1.4, 1.4, 40), np.arange(1.0, 41)
    y, (grad_x, grad_w) = checkout.module("cpu").value_and_grad(x, w)
    np.testing.assert_allclose(y, w @ np.tan(x), rtol=1e-13)
    np.testing.assert_allclose(grad_x, w * (1 + np.tan(x) ** 2), rtol=1e-13)
    np.testing.assert_allclose(grad_w, np.tan(x), rtol=1e-13)
    cuda = checkout.derive("kernel", text, "--target", "cuda")
    compile(cuda, "cuda.py", "exec")
    assert "math.tan(" in cuda
    checkout.write(
        "page.md",
        f"{HEAD}# A page\n\n```derive graph f\ny = tan(x)\n```\n\n```derive plot\nfunctions: tan\nderivatives: yes\n```\n",
    )
    checkout.derive("slides", "page.md", "--format", "markdown,beamer", "-o", "out")
    assert all(r"\operatorname{tan}" in checkout.text(f"out/page.en.{ending}") for ending in ("md", "tex"))


GAMMA_NAMES = {function.__name__ for function in GAMMAS}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_the_tables_have_every_primitive_and_its_slopes(name: str) -> None:
    row = PRIMITIVES[name]
    letters = "xz"[: row.arguments]
    kind = "real" if row.total else "positive"
    graph = derive.graph("\n".join([*(f"{x}: {kind}" for x in letters), f"y = {name}({', '.join(letters)})"]))
    run = graph.at(**dict(zip(letters, (1, 2), strict=False)))
    floats = Evaluator({}, {x: np.float64(value) for x, value in zip(letters, (1, 2), strict=False)}, None, FLOAT)
    assert float(run.values.array(graph.output.expr)) == pytest.approx(float(floats.array(graph.output.expr)), rel=1e-12)
    assert set(run.gradients) >= set(letters)
    for argument, known in row.exact.items():
        assert str(graph.at(x=argument).values.array(graph.output.expr)) == str(known)
    for target in ("cpu", "cuda"):
        if name in GAMMA_NAMES:
            with pytest.raises(DeriveError, match=rf"Kernels have no function {name}\."):
                kernel(graph, target)
        else:
            assert "grad" in kernel(graph, target).source


def test_a_function_that_kernels_do_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "MATH", ())
    for target in ("cpu", "cuda"):
        with pytest.raises(DeriveError, match=r"Kernels have no function (sin|cos)\.\nThey have exp, "):
            kernel(read("y = sin(x)"), target)


SOFTSIGN = "x: [n]\ny = sum(softsign(x))"


def test_a_new_elementary_function_of_kernels(checkout: Checkout) -> None:
    device = "@device\ndef softsign(x):\n    return x / ({one} + abs(x))\n\n\n"
    checkout.insert("derive/kernels/cpu/device/functions.py", "@device\ndef softplus", device.format(one="kept(ONE)"))
    checkout.insert("derive/kernels/cuda/device.py", "@device\ndef softplus", device.format(one="ONE"))
    checkout.row("derive/kernels/program/elementary.py", "_ROWS", 'Function("softsign", "x/(1 + |x|)", _ulp(2.0, 2.0))')
    checkout.derive("kernel", SOFTSIGN, "-o", "cpu.py")
    assert re.search(r"\bsoftsign\(x", checkout.text("cpu.py"))
    x = np.linspace(-3, 3, 40, dtype=np.float32)
    np.testing.assert_allclose(checkout.module("cpu").value_and_grad(x)[1][0], 1 / (1 + abs(x)) ** 2, rtol=1e-5)
    assert re.search(r"\bsoftsign\(x", checkout.derive("kernel", SOFTSIGN, "--target", "cuda"))
    for table in ("DOUBLE", "EXACT"):
        checkout.row("tests/oracles/device_accuracy.py", table, '"softsign": lambda x: x / (1 + abs(x))')
    errors = [float(line) for line in checkout.python("-c", ACCURACY).splitlines()]
    assert [0 < error <= 2 for error in errors] == [True, True]


ACCURACY = """
import sys

sys.path.append("tests")
from oracles.device_accuracy import device, double, single

print(single("softsign", device("softsign", "float32"), 100003).ulp)
print(double("softsign", device("softsign", "float64"), 50).ulp)
"""


# ---------------------------------------------------------------------------------------------- definitions, rules, kernels


SCALED_ERROR = """\
# en: Squared error, scaled.
# group: loss
# source: none
y: [n]
t: [n]
c: real
L = c*sum((y - t)**2)
"""


def test_a_new_operation(checkout: Checkout) -> None:
    checkout.write("derive/library/scaled_error.derive", SCALED_ERROR)
    assert re.search(r"^scaled_error +Squared error, scaled\.$", checkout.derive("library", "--lang", "fr"), re.MULTILINE)
    assert "= 2 c (y_i − t_i)" in checkout.derive("explain", "scaled_error")
    checkout.derive("kernel", "scaled_error", "--dtype", "float64", "-o", "cpu.py")
    y, (grad_y, *_) = checkout.module("cpu").value_and_grad(np.array([1.0, 2.0]), np.array([0.0, 4.0]), 3.0)
    assert y == 15
    np.testing.assert_allclose(grad_y, [6, -12])
    used = checkout.derive("explain", "u: [n]\nv: [n]\nf = scaled_error(u, v, 3) + 1", "--at", "u=[1, 2], v=[0, 4]")
    assert "16" in used
    assert "Everything agrees." in checkout.derive("check", "scaled_error")
    blocks = "```derive graph f\nu: [n]\nv: [n]\nf = scaled_error(u, v, 3) + 1\n```\n\n```derive gradient f\nwrt: u\n```\n"
    checkout.write("page.md", f"{HEAD}# A page\n\n{blocks}")
    checkout.derive("slides", "page.md", "--format", "markdown,beamer", "-o", "out")
    assert r"\nabla_{u}f &= 6(u - v)" in checkout.text("out/page.en.md")
    assert r"\deriveline{\nabla_{u}f}{=}{6(u - v)}{}" in checkout.text("out/page.en.tex")
    page = checkout.python("-c", LIBRARY_PAGE)
    assert "| [scaled_error](../derive/library/scaled_error.derive)<br>" in page
    assert r"$`\nabla_{y}L = 2c(y - t)`$" in page


LIBRARY_PAGE = """
from benchmarks.library import library, page

library.names = lambda: ["scaled_error"]  # all others take a minute
print(page({}))
"""


@pytest.mark.needs("jax")
def test_the_gradients_of_a_new_operation_are_compared(checkout: Checkout) -> None:
    checkout.write("derive/library/scaled_error.derive", SCALED_ERROR)
    files = "tests/derivation/test_gradients.py", "tests/derivation/test_library_gradients.py"
    with pytest.raises(AssertionError, match="test_every_definition_of_the_library_has_an_oracle"):
        checkout.passed("scaled_error or has_an_oracle", files[0])
    checkout.row("tests/cases/gradients.py", "LIBRARY", '"scaled_error": lambda m, y, t, c: c * ((y - t) ** 2).sum()')
    passed = checkout.passed("scaled_error or has_an_oracle", *files)
    assert "test_gradients_are_those_of_automatic_differentiation[scaled_error-jax]" in passed
    assert "test_the_sizes_of_a_definition_differ[scaled_error]" in passed


def test_a_new_rule_of_differentiation(checkout: Checkout) -> None:
    slope = "2 * e.base * Deriv(e.base, x) if e.is_Pow and e.exp == 2 else None"
    square = f"def _square(e: Any, x: Element) -> Any:\n    return {slope}\n\n\n"
    checkout.insert("derive/calculus/rules.py", "RULES: ", square)
    checkout.insert("derive/calculus/rules.py", '    Rule(N_("power rule', '    Rule(N_("the square rule"), "chain", _square),\n')
    french = 'msgid "the square rule"\nmsgstr "règle du carré"\n\n#: derive/calculus/rules.py\n'
    checkout.insert("derive/teaching/locale/fr.po", 'msgid "power rule, then the chain rule"', french)
    for lang, name in (("en", "the square rule"), ("fr", "règle du carré")):
        page = checkout.derive("explain", "y = (sin(x) + 1)**2", "--detail", "full", "--lang", lang)
        assert [said for said in ("the square rule", "règle du carré") if said in page] == [name]


def test_a_new_identity(checkout: Checkout) -> None:
    assert "cos(2 x)" not in checkout.derive("explain", "x: real; y = sin(x)*cos(x)")
    double = (
        "def _double(t: Any) -> Any:\n"
        "    for u in t.args if t.is_Add else ():\n"
        "        if u.is_Pow and isinstance(u.base, cos) and -(sin(u.base.args[0]) ** 2) in t.args:\n"
        "            return t - u + sin(u.base.args[0]) ** 2 + cos(2 * u.base.args[0])\n"
        "    return t\n\n\n"
    )
    checkout.insert("derive/calculus/identities.py", "IDENTITIES: ", double)
    checkout.row("derive/calculus/identities.py", "IDENTITIES", 'Identity("cos² x − sin² x = cos 2x", (sin, cos), _double)')
    examples = '    "cos² x − sin² x = cos 2x": [cos(X)**2 - sin(X)**2, cos(X * Y)**2 - sin(X * Y)**2 + X],\n'
    checkout.insert("tests/calculus/test_identities.py", '    "σ(−x) = 1 − σ(x)": [', examples)
    assert "cos(2 x)" in checkout.derive("explain", "x: real; y = sin(x)*cos(x)")
    passed = checkout.passed("every_row or holds", "tests/calculus/test_identities.py")
    assert {"test_every_row_has_terms_for_which_it_is_shown"} < passed


def test_a_new_stable_form_of_a_formula_in_kernels(checkout: Checkout) -> None:
    pythagoras = (
        "def pythagoras(program: Program) -> Program:\n"
        "    from sympy import trigsimp\n\n"
        "    return mapped(program, lambda t: trigsimp(t) if t.is_Add else t)\n\n\n"
    )
    checkout.insert("derive/kernels/program/stable.py", "REWRITES = ", pythagoras)
    text = "y = sin(x)**2 + cos(x)**2"
    assert "math.sin" in checkout.derive("kernel", text).partition("def value(")[0]
    checkout.row("derive/kernels/program/stable.py", "REWRITES", 'Rewrite("one for a sum of squares", pythagoras)')
    assert "math.sin" not in checkout.derive("kernel", text).partition("def value(")[0]


def test_a_new_kind_of_term_in_kernels(checkout: Checkout) -> None:
    checkout.insert("derive/kernels/text/scope.py", "from sympy import", "from sympy import cos\n")
    sine = 'call("math.sin", Operation("+", s.value(t.args[0]), s.number(math.pi / 2)))'
    checkout.row("derive/kernels/text/scope.py", "ROWS", f"(cos, lambda s, t: {sine})")
    checkout.derive("kernel", "y = cos(x)", "--dtype", "float64", "-o", "cpu.py")
    assert "math.cos" not in checkout.text("cpu.py")
    assert checkout.module("cpu").value(0.5) == pytest.approx(np.cos(0.5))


DESCRIBED = re.compile(r"^`(derive/kernels/plain/\S+)`(?:(?!\n\n).)*\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A file that docs/kernels.md shows, behind a paragraph that begins with its name."""


def described() -> dict[str, str]:
    """The files of the target that docs/kernels.md adds."""
    return dict(DESCRIBED.findall((ROOT / "docs/kernels.md").read_text("utf-8")))


RUNS = """
import sys

import numpy as np

import derive


def point(graph, random):
    sizes = {size: k for k, size in enumerate(graph.sizes, start=2)}
    for i in graph.inputs:
        shape = [int(axis.subs(sizes)) for axis in i.axes]
        if i.kind == "label":
            found = random.integers(0, int(i.classes.subs(sizes)), shape)
        else:
            found = random.uniform(0.5, 2, shape) if i.kind in ("positive", "probability") else random.normal(size=shape)
            found = found / found.sum(-1) if i.kind == "probability" else found
        yield i.name, found if shape else found.item()


for name in sys.argv[1:]:
    graph = derive.graph(name)
    values = dict(point(graph, np.random.default_rng(0)))
    run, made = graph.at(**values), graph.kernel("plain", dtype="float64")
    value = run[graph.output.name]
    upstream = [np.ones(value.shape)] if graph.output.axes else []
    result, gradients = (made.forward_and_vjp if upstream else made.value_and_grad)(*values.values(), *upstream)
    np.testing.assert_allclose(result, value, rtol=1e-11, atol=1e-13)
    for by, gradient in zip(made.wrt, gradients, strict=True):
        np.testing.assert_allclose(gradient, run.grad[by], rtol=1e-11, atol=1e-13)
    assert all(code.startswith(f"def _{public}(") for public, code in made.text.code.items())
    print(name, *made.wrt)
"""
"""Kernels of plain Python, and what derive's own runs of the same definitions give."""

RUN = {
    # a label, an axis that is normed, matrix products, a maximum, windows, what is scattered, a function, weights of 0, a length
    "softmax_cross_entropy_label": "z",
    "layer_norm": "x gamma beta epsilon",
    "mlp": "x W1 b1 W2 b2",
    "hinge": "s",
    "conv1d": "x w b",
    "embedding": "E",
    "gelu": "x",
    "kl_divergence": "p q",
    "cosine_similarity": "x y",
}


def test_a_new_target_of_kernels(checkout: Checkout) -> None:
    files = described()
    assert {Path(path).name for path in files} == {"__init__.py", "device.py", "functions.py", "module.j2", "target.py"}
    for path, text in files.items():
        checkout.write(path, text)
    checkout.insert("derive/kernels/target.py", "\nTARGETS", "from derive.kernels.plain.target import PLAIN\n")
    checkout.insert("derive/kernels/target.py", ")}", ", PLAIN")
    said = checkout.python("-c", RUNS, *RUN)
    assert dict(line.split(" ", 1) for line in said.splitlines()) == RUN
    checkout.derive("kernel", "hinge", "--target", "plain", "-o", "plain.py")
    assert "numba" not in checkout.text("plain.py")
    scores = np.array([2.0, 4.0, -1.0, 3.5])
    assert checkout.module("plain").value(scores, 0) == np.maximum(0, scores[1:] - scores[0] + 1).sum()
    checkout.insert("tests/test_architecture.py", ', "cuda", "module"}', ', "plain"')
    (order,) = re.findall(r'`("kernels\.plain": .*)`', (ROOT / "docs/kernels.md").read_text("utf-8"))
    checkout.insert("tests/test_architecture.py", '    "teaching": (', f"    {order},\n")
    passed = checkout.passed("plain or one_way or every_package", "tests/kernels/test_targets.py", "tests/test_architecture.py")
    assert {"test_imports_go_one_way", "test_every_package_has_its_order_and_every_place_is_taken"} <= passed
    assert "test_a_target_reserves_the_names_that_its_functions_mention_and_no_others[plain]" in passed


def test_a_target_is_one_folder(checkout: Checkout) -> None:
    """A copy of one under another name prints the same."""
    folder = checkout.folder / "derive/kernels/host"
    shutil.copytree(checkout.folder / "derive/kernels/cpu", folder)
    own = {"derive.kernels.cpu": "derive.kernels.host", '"cpu/': '"host/', "CPU = ": "HOST = ", 'name="cpu"': 'name="host"'}
    for file in folder.rglob("*.py"):
        text = re.sub("|".join(map(re.escape, own)), lambda found: own[found[0]], file.read_text("utf-8"))
        file.write_text(text, "utf-8")
    checkout.insert("derive/kernels/target.py", "\nTARGETS", "from derive.kernels.host.target import HOST\n")
    checkout.insert("derive/kernels/target.py", ")}", ", HOST")
    checkout.derive("kernel", "hinge", "--target", "host", "--dtype", "float64", "-o", "host.py")
    assert checkout.text("host.py") == checkout.derive("kernel", "hinge", "--dtype", "float64")


# ------------------------------------------------------------------------------------------------------------ teaching


def test_a_new_block_of_a_lecture(checkout: Checkout) -> None:
    writer = (
        "def _warning(directive: Directive, options: Options, desk: Desk) -> Sequence[Block]:\n"
        "    from derive.teaching.document import Paragraph, Strong, Text\n\n"
        '    return (Paragraph((Strong((Text(options["of"]),)), Text(f" is named {directive.name}."))),)\n\n\n'
    )
    checkout.insert("derive/teaching/lecture/kinds.py", "@dataclass(frozen=True)\nclass BlockKind", writer)
    checkout.row("derive/teaching/lecture/kinds.py", "KINDS", '"warning": BlockKind({"of": word}, _warning)')
    checkout.write("page.md", f"{HEAD}# A page\n\n```derive warning here\nof: Care\n```\n")
    checkout.derive("slides", "page.md", "--format", "markdown,beamer", "-o", "out")
    assert "**Care** is named here." in checkout.text("out/page.en.md")
    assert r"\textbf{Care} is named here." in checkout.text("out/page.en.tex")


def test_a_new_output_format(checkout: Checkout) -> None:
    checkout.write("templates/outline/document.j2", "{% for page in pages %}\n* {{ page.title }}\n{% endfor %}\n")
    checkout.row(
        "derive/teaching/formats/render.py", "FORMATS", '"outline": Format(MarkdownPrinter, "outline/document.j2", ".txt")'
    )
    assert checkout.derive("explain", "y = x**2", "--format", "outline").startswith("* Definition\n* ")
    checkout.write("page.md", f"{HEAD}# One\n\n## Two\n")
    checkout.derive("slides", "page.md", "--format", "outline", "-o", "out", "--force")
    assert checkout.text("out/page.en.txt") == "* One\n* Two\n"
    only_lecture(checkout, "second", f"{HEAD}# One\n\n## Two\n")
    assert checkout.derive("course", "-o", "course").split() == [
        "course/index.html",
        *(f"course/second.en.{ending}" for ending in ("txt", "html", "pdf", "ipynb", "md", "tex")),
    ]
    assert checkout.text("course/second.en.txt") == "* One\n* Two\n"


QUESTION = """## One

```derive define cube
f = x**3
```

```derive question cube
vary: x=2..9
ask: {asked}
```
"""


def asked(checkout: Checkout, what: str, form: str = "markdown") -> Any:
    """The manifest of an exam that asks one thing."""
    checkout.write("one.md", HEAD + QUESTION.format(asked=what))
    checkout.derive("exam", "one.md", "--format", form, "--workers", "1", "-o", "out")
    return json.loads(checkout.text("out/one.manifest.json"))


def test_a_new_mistake_of_students(checkout: Checkout) -> None:
    slip = (
        "def exponent_raised(e: Any, x: Element) -> Any:\n"
        "    return e.exp * e.base ** (e.exp + 1) * Deriv(e.base, x) if e.is_Pow and e.exp.is_Integer else None\n\n\n"
    )
    checkout.insert("derive/exams/slips.py", "def sign_lost(", slip)
    checkout.insert(
        "derive/exams/mistakes.py", "from derive.exams.slips import (", "from derive.exams.slips import exponent_raised\n"
    )
    sentence = 'N_("The exponent went up.")'
    checkout.row(
        "derive/exams/mistakes.py", "MISTAKES", f'Mistake("raised", {sentence}, _by_rule(CHAIN, "chain", exponent_raised))'
    )
    state = asked(checkout, "gradient x")["questions"][0]["states"][0]
    wrong = {one["mistake"]: one["key"][0][0] for one in state["parts"][0]["answer"]["wrong"]}
    x = round((int(state["parts"][0]["answer"]["key"][0][0]) / 3) ** 0.5)
    assert wrong["raised"] == str(3 * x**4)
    assert "The exponent went up." in checkout.text("out/keys/one.001.en.key.md")


def test_a_new_kind_of_question(checkout: Checkout) -> None:
    kind = (
        "def _sign(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:\n"
        "    from derive.exams.item import Text\n"
        "    from derive.teaching.document import inlines\n\n"
        '    sign = "plus" if run.gradient(ask.name) > 0 else "minus"\n'
        '    return Written(inlines("Which sign has the slope?"), Text((sign,), inlines(sign)))\n\n\n'
    )
    checkout.insert("derive/exams/asks.py", "ASKS: Mapping", kind)
    checkout.row(
        "derive/exams/asks.py", "ASKS", '"sign": AskKind(lambda run, ask: Solved(None, ()), _sign, lambda ask, run, page: ())'
    )
    state = asked(checkout, "sign x")["questions"][0]["states"][0]
    assert state["parts"][0]["answer"] == {"type": "text", "accepted": ["plus"], "wrong": []}
    assert "Which sign has the slope?" in checkout.text("out/papers/one.001-1.en.md")


def test_a_new_exporter_of_questions(checkout: Checkout) -> None:
    export = (
        "def _listed(bank: Bank) -> Iterator[str]:\n"
        "    for item in bank.items:\n"
        '        yield f"{item.name} {item.state}: {len(item.parts)}\\n"\n\n\n'
    )
    checkout.insert("derive/exams/formats/exports.py", "EXPORTS: Mapping", export)
    checkout.row("derive/exams/formats/exports.py", "EXPORTS", '"list": Export("a list", ".list", EVERY, pieces=_listed)')
    asked(checkout, "gradient x", "list")
    assert re.fullmatch(r"(cube \d: 1\n)+", checkout.text("out/one.en.list"))


def only_lecture(checkout: Checkout, name: str, text: str) -> None:
    """A new lecture, without those that are half a minute of work and say nothing of another."""
    for path in (checkout.folder / "lectures").glob("*.md"):
        path.unlink()
    checkout.write(f"lectures/{name}.md", text)


def test_a_new_lecture(checkout: Checkout) -> None:
    head = "---\ntitle: {en: Lecture, fr: Cours}\nlang: [en, fr]\n---\n\n# One\n\n"
    only_lecture(checkout, "second", f"{head}:::en\nHello.\n:::\n:::fr\nBonjour.\n:::\n")
    endings = "html", "pdf", "ipynb", "md", "tex"
    listed = [f"out/second.{lang}.{ending}" for lang in ("en", "fr") for ending in endings]
    assert checkout.derive("course", "-o", "out").split() == ["out/index.html", *listed]
    built = [path for path in listed if not path.endswith(".pdf")]
    assert ["Hello" in checkout.text(path) for path in built] == [True] * 4 + [False] * 4
    assert ["Bonjour" in checkout.text(path) for path in built] == [False] * 4 + [True] * 4
