"""Notebooks in which a function is to be written: what the student is given, the same solved, and the tests.

`nbgrader` takes the solved ones as its source and hands out the others, its marks in the metadata of the cells; `otter` has the
tests in files of their own.  A student is shown the first check of a function and none of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from derive.exams.formats.bank import Bank, Packed, letter, mark, refusal
from derive.exams.formats.html import words
from derive.exams.item import Code, Item, Part
from derive.naming import slug
from derive.teaching.document import Block, Paragraph, inlines
from derive.teaching.formats.notebook import METADATA, NotebookPrinter

TODO = "    # YOUR CODE HERE\n    raise NotImplementedError()"
"""What stands where the solution will, as nbgrader puts it."""


NEEDED = "import numpy as np"
"""What functions and checks call."""

PROMPT = ">" * 3
"""What stands before a line of a session; written out, it would be one of this module's."""


def nbgrader(bank: Bank) -> Packed:
    """For each state a notebook of the source and one to be released, and the two folders that nbgrader knows, in one package."""
    exam = slug(bank.name)
    for name, item, printer in _items(bank, "nbgrader"):
        for folder, solved in (("source", True), ("release", False)):
            yield f"{folder}/{exam}/{name}.ipynb", _notebook(_asked(item, printer), *_graded(item, solved))


def otter(bank: Bank) -> Packed:
    """For each state a notebook for the student and one solved, each in a folder with the tests beside it."""
    for name, item, printer in _items(bank, "Otter"):
        for folder, solved in (("student", False), ("solution", True)):
            yield f"{folder}/{name}/{name}.ipynb", _notebook(_asked(item, printer), *_checked(item, solved))
            for part, code in _codes(item):
                shown = code.checks if solved else code.checks[:1]
                yield f"{folder}/{name}/tests/{slug(code.name)}.py", _tests(part, code, shown)


def _items(bank: Bank, form: str) -> Iterator[tuple[str, Item, NotebookPrinter]]:
    for item in bank.items:
        for part in item.parts:
            if not isinstance(part.answer, Code):
                raise refusal(item, part, form)
        yield f"{slug(item.name, 60)}-{item.state}", item, NotebookPrinter(bank.source, bank.lang)


def _codes(item: Item) -> list[tuple[Part, Code]]:
    return [(part, part.answer) for part in item.parts if isinstance(part.answer, Code)]


# ---------------------------------------------------------------- cells


def _asked(item: Item, printer: NotebookPrinter) -> dict[str, Any]:
    """What the question says."""
    asked: list[Block] = []
    for part, _ in _codes(item):
        asked += [Paragraph(inlines(letter(item, part), *part.prompt)), *part.shown]
    told = _cell("markdown", f"# {words(item.title)}\n\n{printer.blocks((*item.body, *asked))}")
    pictures = printer.attached()
    return told | {"attachments": pictures} if pictures else told


def _graded(item: Item, solved: bool) -> Iterator[dict[str, Any]]:
    """The cells of nbgrader: one to write in and one that tests it; in the source, what is hidden stands between its marks."""
    yield _cell("code", NEEDED)
    for part, code in _codes(item):
        inside = f"    ### BEGIN SOLUTION\n{code.solution}\n    ### END SOLUTION" if solved else TODO
        first, *others = code.checks
        hidden = ["### BEGIN HIDDEN TESTS", *others, "### END HIDDEN TESTS"] if solved and others else []
        write = {"grade": False, "grade_id": slug(code.name), "locked": False, "solution": True}
        test = {"grade": True, "grade_id": f"test-{slug(code.name)}", "locked": True, "solution": False}
        yield _cell("code", f"{code.head}\n{inside}", write)
        yield _cell("code", "\n".join([first, *hidden]), test | {"points": float(mark(part.marks))})


def _checked(item: Item, solved: bool) -> Iterator[dict[str, Any]]:
    """The cells of Otter: each function, and the call that checks it."""
    yield _cell("code", f"{NEEDED}\nimport otter\n\ngrader = otter.Notebook()")
    for _, code in _codes(item):
        yield _cell("code", f"{code.head}\n{code.solution if solved else TODO}")
        yield _cell("code", f'grader.check("{slug(code.name)}")')
    yield _cell("code", "grader.check_all()")


def _tests(part: Part, code: Code, checks: Sequence[str]) -> str:
    """The tests of a function as Otter reads them: each a session that says nothing; all checks together earn the marks."""
    name = slug(code.name)
    cases = [{"code": _session(check), "hidden": k > 0, "locked": False} for k, check in enumerate(checks)]
    suites = [{"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}]
    test = {"name": name, "points": float(mark(part.marks)), "suites": suites}
    return f"OK_FORMAT = True\n\ntest = {test!r}\n"


def _session(check: str) -> str:
    first, *others = check.split("\n")
    return "\n".join([f"{PROMPT} {first}", *(f"... {line}" for line in others)])


def _cell(kind: str, text: str, grading: dict[str, Any] | None = None) -> dict[str, Any]:
    about = {"nbgrader": grading | {"schema_version": 3, "task": False}} if grading else {}
    run: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": about, "source": text, **run}


def _notebook(*cells: dict[str, Any]) -> str:
    told = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells, 1)]
    notebook = {"cells": told, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
