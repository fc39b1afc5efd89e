"""Wrong and hostile input: one clear message that points at the fault, and nothing else happens."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cli
import derive.teaching.formats.terminal
from cases.nasty import NASTY
from oracles.effort import SECONDS, at_once
from oracles.mutations import Case, answer, case
from oracles.rendering import compile_latex, math_in_markdown, pandoc_slides, web_errors

ROOT = Path(__file__).parent.parent

TEACHERS = "What a teacher wrote, by hand.\n"
FRONT = "---\ntitle: Margins\n---\n"


@dataclass(frozen=True)
class Bad:
    """A command, what its message must say, and the text that its carets stand under ("" where there is no place)."""

    command: tuple[str, ...]
    says: str
    under: str = ""
    hint: str = ""
    stdin: bytes = b""


def explain(text: str, *options: str) -> tuple[str, ...]:
    return ("explain", text, *options)


# ------------------------------------------------------------------------------------------------------------ the cases

# name: (text, what the message says, what the carets point at, what the hint says)
TEXTS: dict[str, tuple[str, str, str, str]] = {
    "unknown function": ("p = sofmax(z)", "sofmax is not known", "sofmax", "softmax"),
    "unknown tensor": ("x: [n]\nf = sum(x) + X[0]", "X is not known", "X", "x"),
    "unknown axis": ("x: [n]\nf = sum(x[j] for j in m)", "no axis m", "m", "n"),
    "unknown index": ("x: [n]\nf = x[i]", "index i is not known", "i", "sum over it"),
    "axes of a sum": ("x: [n]\ny: [m]\nf = sum(x + y)", "size n meets .* size m", "x + y", ""),
    "axes of a product": ("x: [n]\nW: [m, k]\na = W @ x", "size k meets .* size n", "W @ x", ""),
    "axes of a label": ("t: label[C]\nx: [n]\nf = x[t]", "size C.*size n", "t", ""),
    "transpose forgotten": ("W: [n, m]\nf = W @ W", "meets", "W @ W", r"W\.T"),
    "tower of powers": ("f = 9**9**9", "exponent", "9**9", "-99 and 99"),
    "huge exponent": ("f = x**1000000", "exponent", "1000000", ""),
    "decimal comma of a definition": ("f = 0,5*x**2", "one value", r"0,5*x**2", r"a point: 0\.5\*x\*\*2"),
    "matrix without axes": ("a = W @ h + b", "`W` is a number", "W", r"axes: W: \[m, n\]"),
    "vector without axes": ("W: [m, n]\na = W @ h", "`h` is a number", "h", r"axes: h: \[n\]"),
    "number as a matrix": ("W: [m, n]\na = W @ 2", "`2` is a number", "2", r"Write \*"),
    "transpose of another language": ("x: [n]\nf = x'x", "The sign '", "'", r"as A\.T"),
    "declarations between commas": ("x: [n], y: [n]", "cannot be read", ",", "separated by ; or"),
    "arguments between semicolons": ("f = max(0; x)", "cannot be read", ";", "separated by commas"),
    "range of an index": ("x: [n]\nf = sum(x[i] for i=1 to n)", "cannot be read", "=", "for i in n"),
    "number out of range": ("f = 1e400*x", "too large", "1e400", ""),
    "import": ("f = __import__('os').system('rm -rf /')", "not part of the language", "'", ""),
    "eval": ("f = eval(x)", "eval is not known", "eval", ""),
    "attribute": ("f = x.__class__", "only attribute", "x.__class__", ""),
    "lambda": ("f = lambda: 0", "without a name", "lambda: 0", ""),
    "list": ("f = [x for x in y]", "lists", "[x for x in y]", ""),
    "statement": ("while True: pass\nf = 1", "neither", "while True: pass", "name = expression"),
    "caret for a power": ("f = x^2", r"\^", "^", r"x\*\*2"),
    "comparison": ("f = x == y", "comparison", "x == y", "where"),
    "quotes": ('f = "x"', "not part of the language", '"', ""),
    "hexadecimal": ("f = 0x10*x", "followed by a letter", "0x", "decimal"),
    "invisible sign": ("f = a\u202eb", "invisible .* U\\+202E", "�", ""),
    "null": ("f = a\x00b", r"invisible .* U\+0000", "�", ""),
    "3,000 parentheses": (f"f = {'(' * 3000}x{')' * 3000}", "(?i)brackets", "(", ""),
    "5,000 minus signs": (f"f = {'-' * 5000}x", "nested", "", ""),
    "5,000 terms": (f"f = {'+'.join('x' * 5000)}x", "too long", "", ""),
    "bracket left open": ("f = (u + v", "never closed", "(", ""),
    "bracket closed twice": ("f = u + v)", "closes no", ")", ""),
    "nothing right of =": ("f =", "cannot be read", "", "name = expression"),
    "nothing left of =": ("= 3", "cannot be read", "=", ""),
    "nothing defined": ("x: [n]\n", "Nothing is defined", "", "f ="),
    "defined by itself": ("f = f + 1", "by itself", "f", ""),
    "defined twice": ("f = u\nf = v", "line 1", "f", ""),
    "declared in vain": ("x: [n]\ny: [n]\nf = sum(x)", "never used", "y", ""),
    "word of the language": ("sum = 3", "sum is a word", "sum", "another name"),
    "axis of no entries": ("x: [0]\nf = sum(x)", "one entry", "0", ""),
    "axis out of proportion": ("x: [99999999999]\nf = sum(x)", "1,000,000", "99999999999", ""),
    "axis too long to prove": ("x: [1000000]\nf = sum(x)", "too long ones", "", r"x: \[n\]"),
    "axes too many to prove": (f"x: [{', '.join('n' * 10)}]\nf = sum(x)", "too many axes", "", ""),
    "label without classes": ("t: label\nf = t", "classes", "", r"label\[C\]"),
    "index outside": ("x: [3]\nf = x[5]", "leave its axis", "5", ""),
    "too few arguments": ("f = exp()", "1 argument", "exp()", ""),
    "too many arguments": ("f = exp(x, y)", "2 are given", "exp(x, y)", ""),
    "no value anywhere": ("f = 1/0", "no value", "1/0", "division by zero"),
    "no real value anywhere": ("f = sqrt(-1)", "no real value", "sqrt(-1)", ""),
}

PRODUCT = "f = (u + v)*w"
NLL = "s: [C]\nt: label[C]\np = softmax(s)\nL = -log(p[t])"

# name: (definition, values, what the message says, what the carets point at, what the hint says)
VALUES: dict[str, tuple[str, str, str, str, str]] = {
    "not a number": (PRODUCT, "u=2, v=3, w=nan", "nan is not a number", "nan", "finite"),
    "infinite": (PRODUCT, "u=2, v=3, w=-inf", "-inf is not a number", "-inf", "finite"),
    "too large": (PRODUCT, "u=2, v=3, w=1e400", "too large", "1e400", ""),
    "too small": (PRODUCT, "u=2, v=3, w=1e-400", "too small", "1e-400", ""),
    "too long": (PRODUCT, f"u=2, v=3, w={'9' * 5000}", "too long", "9" * 80, ""),
    "missing": (PRODUCT, "u=2, v=3", "w is missing", "", "w="),
    "empty": (PRODUCT, "u=2, v=3, w=", "value is missing", " ", ""),
    "unknown": (PRODUCT, "u=2, v=3, w=4, q=5", "no input q", "", "u, v, w"),
    "defined": (PRODUCT, "u=2, v=3, w=4, f=5", "f is defined", "", ""),
    "twice": (PRODUCT, "u=2, u=3, v=4, w=5", "twice", "u", ""),
    "code": (PRODUCT, "u=2, v=3, w=__import__('os')", "number is expected", "__import__", ""),
    "power": (PRODUCT, "u=2, v=3, w=9**9**9", "comma is expected", "*", ""),
    "fraction by zero": (PRODUCT, "u=2, v=3, w=1/0", "division by zero", "1/0", ""),
    "decimal commas of a list": ("hinge", "s=[2,3; 4,1], t=0", r"comma or \]", ";", "decimal point and commas"),
    "decimal comma": (PRODUCT, "u=2, v=3, w=2,5", "decimal sign is a point", "5", r"w=2\.5, .* w=\[2, 5\]"),
    "number without a name": (PRODUCT, "2,5", "name is expected", "2", "brackets"),
    "digits of another alphabet": (PRODUCT, "u=2, v=3, w=٣", "and ٣ is none", "٣", "digits 0 to 9"),
    "such digits below": (PRODUCT, "u=2, v=3, w=1/٣", "comma is expected", "/", ""),
    "number and letters": (PRODUCT, "u=2, v=3, w=1_000", "and 1_000 is none", "1_000", "decimal"),
    "3,000 brackets": (PRODUCT, f"u=2, v=3, w={'[' * 3000}", "lists inside", "[", ""),
    "list for a number": (PRODUCT, "u=2, v=3, w=[4]", "w needs a number", "", ""),
    "number for a list": (NLL, "s=3, t=0", "s needs a list", "", r"^$"),
    "lists of lists": (NLL, "s=[[1, 2], [3, 4]], t=0", "s needs a list", "", ""),
    "ragged lists": (NLL, "s=[[1, 2], [3]], t=0", "different lengths", "", ""),
    "empty list": (NLL, "s=[], t=0", "empty", "]", ""),
    "label too large": (NLL, "s=[1, 2, 3], t=3", "t is 3, outside", "", "from 0 to 2"),
    "label below zero": (NLL, "s=[1, 2, 3], t=-1", "t is -1, outside", "", "from 0 to 2"),
    "label not whole": (NLL, "s=[1, 2, 3], t=1.5", "1.5 is given", "", ""),
    "sizes that differ": ("x: [n]\ny: [n]\nf = sum(x*y)", "x=[1, 2], y=[1, 2, 3]", "3 entries .* n is 2", "", ""),
    "fixed size": ("x: [3]\nf = sum(x)", "x=[1, 2]", "x has 2 entries", "", ""),
    "no size fits": ("x: [O + K - 1]\nw: [K]\ny[o] = sum(x[o + k]*w[k] for k in K)", "x=[1], w=[1, 2, 3]", "no size O", "", ""),
    "not positive": ("x: positive\nf = log(x)", "x=-1", "x is declared positive", "", ""),
    "not one-hot": ("p: onehot[C]\nf = sum(p)", "p=[0, 0]", "one-hot", "", "One entry"),
    "no probabilities": ("p: probability[C]\nf = sum(p)", "p=[0.5, 0.6]", r"sum to 1\.1", "", ""),
    "division by zero": ("f = 1/(x - y)", "x=1, y=1", "f has no value here: division by zero", "", ""),
    "division by an index": ("x: [n]\nf = sum(x[i]/i for i in n)", "x=[1, 2]", r"f has no .* zero \(in x₀/0\)\.", "", ""),
    "entry of a sum": ("x: [n]\nf = 2*sum(log(x))", "x=[1, 1, 0, 1]", r"f has no value .* \(in log\(x₃\)\)\.", "", ""),
    "entry of a vector": ("x: [n]\ny = x/x", "x=[1, 0]", r"y has no value here: division by zero \(in x₂/x₂\)\.", "", ""),
    "power of nothing": ("f = x**y", "x=0, y=-0.5", "f has no value here: division by zero", "", ""),
    "angle too large": ("f = sin(exp(x))", "x=9999999", "f has no value here: sin.* is too large", "", ""),
    "power of zero": ("f = x**-2", "x=0", "f has no value here: division by zero", "", ""),
    "log of a negative": ("f = log(x)", "x=-1", r"f has no value here: log\(-1\)", "", ""),
    "log of zero": ("f = log(x)", "x=0", r"f has no value here: log\(0\)", "", ""),
    "log in the middle": ("f = log(log(x))", "x=0.5", r"f has no value here: log\(-0\.69", "", ""),
    "root of a negative": ("f = sqrt(x)", "x=-1", "f has no value here: the root of -1", "", ""),
    "slope of a root at zero": ("f = sqrt(x)", "x=0", "gradient by x has no value here: division by zero", "", ""),
    "power of a negative": ("f = x**y", "x=-2, y=0.5", "-2 does not exist", "", ""),
    "overflow": ("f = exp(exp(x))", "x=1000", "f has no value here: .*too large", "", ""),
}

# name: the command and what it says
OPTIONS: dict[str, Bad] = {
    "wrt an unknown name": Bad(explain(PRODUCT, "--wrt", "q"), "no q", "", "u, v, w"),
    "wrt a label": Bad(explain(NLL, "--wrt", "t"), "t is a label"),
    "wrt no name": Bad(explain(PRODUCT, "--wrt", ","), "has no name", "", "commas"),
    "wrt the output": Bad(explain(PRODUCT, "--wrt", "f"), "f is not computed from f"),
    "unknown language": Bad(explain(PRODUCT, "--lang", "de"), "no language 'de'", "", "en, fr"),
    "language as a path": Bad(explain(PRODUCT, "--lang", "../../etc/passwd"), "no language"),
    "unknown language of the library": Bad(("library", "--lang", "xx"), "no language 'xx'"),
    "unknown slide format": Bad(("slides", "lecture.md", "--format", "docx"), "no slide format 'docx'", "", "beamer"),
    "no slide format": Bad(("slides", "lecture.md", "--format", ""), "no slide format ''"),
    "language that a lecture has not": Bad(("slides", "lecture.md", "--lang", "fr"), "n’est pas écrit en 'fr'", "", "en"),
    "unknown definition": Bad(("library", "sofmax"), "no definition sofmax", "", "softmax"),
    "definition as a path": Bad(("library", "../cli"), "no definition"),
}

SOURCES: dict[str, Bad] = {
    "name": Bad(explain("hing"), "no definition hing", "", "hinge"),
    "nothing": Bad(explain(""), "Nothing is defined", "", "f ="),
    "blanks": Bad(explain("  "), "Nothing is defined", "", "f ="),
    "folder by its path": Bad(explain("./"), "is a folder", "", "ends in .derive"),
    "file of another kind": Bad(explain("mine.txt"), r"mine\.txt does not end in \.derive", "", "ends in .derive"),
    "second derivative without a value": Bad(
        explain("f = abs(x)**1.5", "--order", "2", "--at", "x=0"),
        "The second derivative by x has no value here: division by zero",
    ),
    "second derivative by nothing": Bad(explain("f = x**0", "--order", "2"), "f moves with no input"),
    "path of the library": Bad(explain("../library/hinge"), "no definition"),
    "missing file": Bad(explain("missing.derive"), r"missing\.derive cannot be read: No such file"),
    "folder": Bad(explain("folder.derive"), r"folder\.derive cannot be read: Is a directory"),
    "binary file": Bad(explain("binary.derive"), r"binary\.derive is not UTF-8 text"),
    "long file": Bad(explain("long.derive"), r"long\.derive is too long", "", ""),
    "path with a null": Bad(explain("a\x00b.derive"), "not the path of a file"),
    "path without end": Bad(explain(f"{'x' * 5000}.derive"), "File name too long"),
    "binary input": Bad(explain("-"), "Standard input is not UTF-8", stdin=b"f = \xff\xfe"),
    "endless input": Bad(explain("-"), "Standard input is too long", stdin=b"f = u\n" * 180_000),
    "empty input": Bad(explain("-"), "Nothing is defined"),
    "missing lecture": Bad(("slides", "missing.md"), r"missing\.md cannot be read: No such file"),
    "folder for a lecture": Bad(("slides", "folder.derive"), "cannot be read: Is a directory"),
    "binary lecture": Bad(("slides", "binary.derive"), "is not UTF-8 text"),
    "long lecture": Bad(("slides", "long.derive"), "is too long"),
}

OUTPUTS: dict[str, Bad] = {
    "a teacher's file": Bad(explain(PRODUCT, "-o", "mine.txt"), r"mine\.txt exists", "", "--force"),
    "a file for a folder": Bad(explain(PRODUCT, "-o", "mine.txt/f.md"), r"mine\.txt is not a folder"),
    "a file for a folder above": Bad(("slides", "lecture.md", "-o", "mine.txt/a/b"), r"mine\.txt is not a folder"),
    "a folder": Bad(explain(PRODUCT, "-o", "folder.derive"), r"folder\.derive is not a file"),
    "a folder by force": Bad(explain(PRODUCT, "-o", "folder.derive", "--force"), r"folder\.derive is not a file"),
    "no name": Bad(explain(PRODUCT, "-o", ""), "is not a file"),
    "a pipe by force": Bad(explain(PRODUCT, "-o", "pipe", "--force"), "pipe is not a file"),
    "a null": Bad(explain(PRODUCT, "-o", "a\x00b"), "cannot be written"),
    "a name too long": Bad(explain(PRODUCT, "-o", "x" * 300), "File name too long"),
    "a folder too long": Bad(("slides", "lecture.md", "-o", "x" * 300), "File name too long"),
}

# name: (lecture, what the message says, what the carets point at, what the hint says)
LECTURES: dict[str, tuple[str, str, str, str]] = {
    "no front matter": ("# Margins\n", "front matter", "# Margins", "title:"),
    "front matter left open": ("---\ntitle: Margins\n", "front matter", "---", "title:"),
    "broken front matter": ("---\ntitle: [\n---\n", "cannot be read", "title: [", ""),
    "code in the front matter": ('---\ntitle: !!python/object/apply:os.system ["true"]\n---\n', "cannot be read", "title", ""),
    "2,000 brackets in the front matter": (f"---\ntitle: {'[' * 2000}\n---\n", "cannot be read", "", ""),
    "unknown key": ("---\ntitel: Margins\n---\n", "no key 'titel'", "titel: Margins", "title"),
    "no title": ("---\nlang: en\n---\n", "no title", "---", "title:"),
    "unknown language": ("---\ntitle: Margins\nlang: [en, xx]\n---\n", "'lang' must be", "lang: [en, xx]", ""),
    "title in one language of two": ("---\ntitle: {en: Margins}\nlang: [en, fr]\n---\n", "not given in 'fr'", "title", ""),
    "digits": ("---\ntitle: Margins\ndigits: 99\n---\n", "'digits' must be a whole number from 1 to 15", "digits: 99", ""),
    "text before the first slide": (f"{FRONT}Hello.\n", "before the first heading", "Hello.", "## Title"),
    "unknown block of definitions": (
        f"{FRONT}## A\n```derive graphe g\nf = x\n```\n",
        "block 'derive graphe'",
        "```derive",
        "graph",
    ),
    "set of numbers": (f"{FRONT}## A\n$x \\in \\R$\n", r"command \\R is", r"\R", "mathbb"),
    "unknown block": (f"{FRONT}## A\n```derive wroked hinge\nat: t=0\n```\n", "no block 'derive wroked'", "```derive", "worked"),
    "unknown option": (
        f"{FRONT}## A\n```derive worked hinge\natt: s=[1], t=0\n```\n",
        "no option 'att'",
        "att",
        "Did you mean at?",
    ),
    "option twice": (f"{FRONT}## A\n```derive worked hinge\nat: t=0\nat: t=1\n```\n", "twice", "at: t=1", ""),
    "no option": (f"{FRONT}## A\n```derive worked hinge\nhello\n```\n", "key: value", "hello", ""),
    "unknown graph": (f"{FRONT}## A\n```derive worked hing\nat: t=0\n```\n", "no graph 'hing'", "hing", "hinge"),
    "graph without a name": (f"{FRONT}## A\n```derive graph\nf = u\n```\n", "needs a name", "```derive graph", ""),
    "block without a kind": (f"{FRONT}## A\n```derive\n```\n", "says what it shows", "```derive", ""),
    "values missing": (f"{FRONT}## A\n```derive worked hinge\n```\n", "Values are needed", "```derive worked hinge", "at:"),
    "mistake in a definition": (f"{FRONT}## A\n```derive graph f\nu: [n]\nf = u^2\n```\n", r"\^", "^", r"x\*\*2"),
    "mistake in values": (f"{FRONT}## A\n```derive worked hinge\nat: s=[1,,2], t=0\n```\n", "at: ", ",", ""),
    "label out of range": (
        f"{FRONT}## A\n```derive worked hinge\nat: s=[1, 2], t=5\n```\n",
        "outside",
        "s=[1, 2], t=5",
        "0 to 1",
    ),
    "unknown variable": (f"{FRONT}## A\n```derive gradient hinge\nwrt: q\n```\n", "no q", "```derive", "s, t, L"),
    "wrt a label": (f"{FRONT}## A\n```derive gradient hinge\nwrt: t\n```\n", "t is a label", "```derive", ""),
    "neither yes nor no": (f"{FRONT}## A\n```derive gradient hinge\nupstream: maybe\n```\n", "yes or no", "maybe", ""),
    "unknown detail": (f"{FRONT}## A\n```derive gradient hinge\ndetail: all\n```\n", "brief, normal, full", "all", ""),
    "plot of no function": (
        f"{FRONT}## A\n```derive plot\nfunctions: softmax\n```\n",
        "softmax is not",
        "softmax",
        "Name a function",
    ),
    "plot from a word": (f"{FRONT}## A\n```derive plot\nfunctions: relu\nfrom: yes\n```\n", "number is expected", "yes", ""),
    "plot from right to left": (
        f"{FRONT}## A\n```derive plot\nfunctions: relu\nfrom: 3\nto: 1\n```\n",
        "less than",
        "3",
        "",
    ),
    "language left open": (f"{FRONT}## A\n:::en\nhello\n", "never closed", ":::en", ":::"),
    "language closed twice": (f"{FRONT}## A\n:::\n", "closes nothing", ":::", ""),
    "language of another lecture": (f"{FRONT}## A\n:::fr\nbonjour\n:::\n", "No language of this lecture", ":::fr", "en"),
    "formula that reads a file": (f"{FRONT}## A\n$\\input{{/etc/passwd}}$\n", r"\\input is not known", "\\input", ""),
    "formula left open": (f"{FRONT}## A\n$\\frac{{1}}{{$\n", "missing", "\\frac", ""),
    "formula of 3,000 braces": (f"{FRONT}## A\n${'{' * 3000}$\n", "nested", "{", ""),
    "picture from above": (f"{FRONT}## A\n![x](../secret.png)\n", "lecture's folder", "![x]", ""),
    "picture that is not there": (f"{FRONT}## A\n![x](missing.png)\n", r"no picture 'missing\.png'", "![x]", ""),
}

CASES: dict[str, Bad] = {
    **{f"text: {k}": Bad(explain(text), says, under, hint) for k, (text, says, under, hint) in TEXTS.items()},
    **{f"at: {k}": Bad(explain(text, "--at", at), says, under, hint) for k, (text, at, says, under, hint) in VALUES.items()},
    **{f"option: {k}": bad for k, bad in OPTIONS.items()},
    **{f"source: {k}": bad for k, bad in SOURCES.items()},
    **{f"output: {k}": bad for k, bad in OUTPUTS.items()},
}


# ----------------------------------------------------------------------------------------------------------- the checks


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the first command of a process imports and reads once is no work of the command that is measured."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "good.md").write_text(f"{FRONT}## Slide\nText $x$.\n\n```derive worked hinge\nat: s=[1, 2], t=0\n```\n")
    assert cli.main(explain(PRODUCT, "--at", "u=2, v=3, w=4", "-o", str(folder / "page"))) == 0
    assert cli.main(("check", PRODUCT, "-o", str(folder / "certificate"))) == 0
    assert cli.main(("slides", str(folder / "good.md"), "--format", "beamer,markdown", "-o", str(folder))) == 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder a user works in."""
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text(TEACHERS)
    Path("lecture.md").write_text(f"{FRONT}## Slide\nText.\n")
    Path("binary.derive").write_bytes(bytes(range(256)))
    Path("long.derive").write_bytes(b"f = u\n" * 180_000)
    Path("folder.derive").mkdir()
    os.mkfifo("pipe")
    return tmp_path


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below a folder, with what changes when it is touched."""
    found = {str(path.relative_to(folder)): path.lstat() for path in folder.rglob("*")}
    return {name: (status.st_ino, status.st_size, status.st_mtime_ns) for name, status in found.items()}


Refused = Callable[[Bad], str]


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs a command that must be refused, checks everything about how, and returns its message."""

    def run(bad: Bad) -> str:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(bad.stdin)))
        before = snapshot(folder)
        with at_once():
            status = cli.main(bad.command)
        out, err = capsys.readouterr()
        assert (status, out) == (1, "")
        assert snapshot(folder) == before
        assert list(faults(bad, err)) == []
        return err

    return run


def faults(bad: Bad, message: str) -> Iterator[str]:
    """What is wrong with a message on standard error."""
    if not message.startswith("derive: ") or message.count("derive: ") > 1 or "Traceback" in message:
        yield "not one message"
    first, *rest = message.removesuffix("\n").split("\n")
    if not re.search(bad.says, first.removeprefix("derive: ")):
        yield f"the first line says {first[:200]!r}"
    carets = [k for k, line in enumerate(rest) if re.fullmatch(r" *\^+", line)]
    if bad.under and not carets:
        yield "no caret"
    if carets:
        shown, marks = rest[0], rest[carets[0]]
        pointed = shown.ljust(len(marks))[marks.index("^") : len(marks)]
        if carets != [1] or not re.match(r"  (bad\.md, )?line \d+: ", shown):
            yield "the caret stands under no line"
        elif not pointed.startswith(bad.under) and pointed != bad.under:
            yield f"the caret stands under {pointed!r}"
    hint = "\n".join(rest[2 if carets else 0 :])
    if not re.search(bad.hint, hint):
        yield f"the hint says {hint!r}"
    if max(map(len, message.split("\n"))) > 300 and max(map(len, bad.command)) < 300:
        yield "a line without end"


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES)
def test_bad_input_is_refused(refused: Refused, bad: Bad) -> None:
    refused(bad)


@pytest.mark.parametrize(("text", "says", "under", "hint"), LECTURES.values(), ids=LECTURES)
def test_a_bad_lecture_is_refused(refused: Refused, folder: Path, text: str, says: str, under: str, hint: str) -> None:
    Path("bad.md").write_text(text, encoding="utf-8")
    message = refused(Bad(("slides", "bad.md", "-o", "out", "--format", "beamer,markdown"), says, under, hint))
    pointed = re.search(r"^  bad\.md, line (\d+): (.*)$", message, re.MULTILINE)
    assert pointed or not under
    if pointed:  # at the line of the lecture, not of the block
        assert text.split("\n")[int(pointed[1]) - 1].startswith(pointed[2][:80].rstrip())


@pytest.mark.parametrize("form", ["markdown", "latex", "json"])
def test_no_half_page_is_written(refused: Refused, form: str) -> None:
    refused(Bad(explain("f = log(x)", "--at", "x=-1", "--format", form, "-o", "new/page"), "no value"))


@pytest.mark.parametrize("command", ["explain", "check"])
def test_check_refuses_as_explain_does(refused: Refused, command: str) -> None:
    refused(Bad((command, "f = x^2"), r"\^", "^"))
    refused(Bad((command, PRODUCT, "--at", "u=2"), "missing"))


def test_the_checks_catch_bad_messages() -> None:
    bad = Bad(explain("f = x^2"), "sign", "^", r"\*\*")
    good = "derive: The sign ^ is unknown.\n  line 1: f = x^2\n               ^\nWrite x**2.\n"
    assert list(faults(bad, good)) == []
    assert list(faults(bad, good.replace("   ^\n", "  ^\n"))) == ["the caret stands under 'x'"]
    assert next(faults(bad, good.replace("               ^\n", ""))) == "no caret"
    assert list(faults(bad, good.replace("sign", "sing"))) == ["the first line says 'derive: The sing ^ is unknown.'"]
    assert list(faults(bad, good.replace("**", "^"))) == ["the hint says 'Write x^2.'"]
    assert next(faults(bad, f"Traceback\n{good}")) == "not one message"


def test_work_is_counted_and_waiting_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracles.effort.SECONDS", 0.05)
    with at_once():
        time.sleep(0.2)
    work = iter(lambda: time.thread_time() > stop, True)
    stop = time.thread_time() + 0.1
    with pytest.raises(AssertionError, match="s of work"), at_once():
        list(work)


# -------------------------------------------------------------------------------------------------------- own processes

HOSTILE = ["text: import", "text: tower of powers", "text: 3,000 parentheses", "at: too large", "source: binary file"]


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_input_is_refused_in_a_second_with_the_start(folder: Path, name: str) -> None:
    bad = CASES[name]
    before = snapshot(folder)
    for _ in range(3):  # three chances: other work on the machine is not what is measured
        started = sum(os.times()[2:4])
        run = subprocess.run([sys.executable, ROOT / "cli.py", *bad.command], capture_output=True, encoding="utf-8", timeout=60)
        seconds = sum(os.times()[2:4]) - started
        assert (run.returncode, run.stdout, list(faults(bad, run.stderr))) == (1, "", [])
        if seconds < SECONDS:
            break
    assert seconds < SECONDS
    assert snapshot(folder) == before


# ------------------------------------------------------------------------------------------------------------- escaping

SPECIALS = r"""100% of $5 & #1_a^b~c {d} \input{x} <script>alert(1)</script> `e` *f* [g](h) "i" 'j' | k"""

LECTURE = """\
---
title: %(title)s
author: %(title)s
---

## %(heading)s

%(text)s

```derive graph names
learning_rate: positive
x_train: [n_samples]
loss_total = learning_rate*sum(x_train*x_train)
```

```derive worked names
at: learning_rate=0.5, x_train=[1, 2]
```

```derive gradient names
wrt: x_train
```
"""


def escaped(text: str) -> str:
    """A text written in Markdown so that every sign of it is meant as it stands."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


@pytest.fixture(params=[SPECIALS, *NASTY], ids=lambda text: text[:24])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A lecture whose title, author, heading and prose are a nasty text, built in both formats."""
    text = " ".join(request.param.split())
    quoted = "'" + re.sub(r"[\x00-\x08\x0e-\x1f]", "", text).replace("'", "''") + "'"
    lecture = LECTURE % {"title": quoted, "heading": escaped(text), "text": escaped(text)}
    (tmp_path / "nasty.md").write_text(lecture, encoding="utf-8")
    assert cli.main(["slides", str(tmp_path / "nasty.md"), "-o", str(tmp_path / "out"), "--format", "beamer,markdown"]) == 0
    return tmp_path / "out"


def test_specials_make_no_element_of_html(tmp_path: Path) -> None:
    texts = [" ".join(text.split()) for text in (SPECIALS, *NASTY)]
    about = {"title": '"A <script>alert(1)</script>"', "heading": escaped(texts[0])}
    (tmp_path / "nasty.md").write_text(LECTURE % {**about, "text": "\n\n".join(map(escaped, texts))}, encoding="utf-8")
    assert cli.main(["slides", str(tmp_path / "nasty.md"), "-o", str(tmp_path / "out"), "--format", "html"]) == 0
    text = (tmp_path / "out" / "nasty.en.html").read_text("utf-8")
    assert len(re.findall("<script", text)) == 1
    assert not re.search(r"<[ib]>|<[a-z][^>]* on\w+=", text)


@pytest.mark.needs("pdflatex")
def test_specials_compile(built: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    log = compile_latex(built / "nasty.en.tex", work)
    assert log.pages >= 2
    assert max(log.overfull, default=0) <= 5


@pytest.mark.needs("pandoc", "katex", "mathjax")
def test_specials_are_text_in_markdown(built: Path) -> None:
    text = (built / "nasty.en.md").read_text("utf-8")
    formulas = math_in_markdown(text)
    assert len(formulas) >= 3
    assert [error for error in web_errors(formulas) if error] == []
    assert len(pandoc_slides(text)) == 1
    assert "<script" not in text.replace("\\<script", "")


# ------------------------------------------------------------------------------------------------- what messages read like


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """The messages and hints that a module gives errors as they stand, with {} for what is put in."""
    for call in (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name in ("DeriveError", "ProofError", "error"):
            for given in (*call.args, *(k.value for k in call.keywords if k.arg == "hint")):
                if said := pattern(given):
                    yield call.lineno, said


def pattern(given: ast.expr) -> str:
    """A text, an f-string, or what is `said`, as its pattern; nothing for what is put together elsewhere."""
    match given:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.Call(func=ast.Name(id="said"), args=[first, *_]):
            return pattern(first)
    return ""


def is_sentence(text: str) -> bool:
    return (text[0].isupper() or text[0] in "{`") and text.rstrip(")`")[-1] in ".?!…}]"


PLACES = ("language", "values", "proof", "derivation", "calculus", "notation", "graphs")


def test_messages_are_whole_sentences() -> None:
    folder = Path(derive.__file__).parent
    found = {(path, line): said for place in PLACES for path in folder.glob(f"{place}/*.py") for line, said in messages(path)}
    assert len(found) > 100
    assert not {where: said for where, said in found.items() if not is_sentence(said)}


def test_a_fragment_is_found_out() -> None:
    assert not is_sentence("there is no {} in this graph")
    assert not is_sentence("There is no {name} in this graph".replace("{name}", "x"))


# ------------------------------------------------------------------------------------------------------- mutated definitions


@pytest.mark.parametrize("part", range(4))
def test_mutated_definitions_and_values_get_an_answer_or_a_message(part: int) -> None:
    """`tests/oracles/mutations.py` tries many more, and watches their time and memory."""
    for number in range(part * 20, part * 20 + 20):
        tried = case(0, number)
        found = answer(tried)
        assert not found.wrong, (number, found.wrong, tried.arguments)
        if found.status in (1, 3) and not found.message:
            assert tried.arguments[0] == "check"


def test_an_exception_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(*_: Any) -> int:
        return 1 // 0

    monkeypatch.setattr(cli, "run_explain", planted)
    assert answer(Case(("explain", "f = x"))).wrong.startswith("ZeroDivisionError")
