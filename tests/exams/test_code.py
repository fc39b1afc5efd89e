"""Functions to be written: what is printed as their solution computes the gradient, and the checks tell it from another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive
from derive.exams.asking.code import function
from derive.exams.item import Code
from derive.exams.papers import papers
from derive.exams.roster import numbered
from derive.exams.source import read_exam
from derive.language import library
from derive.proof.points import drawn_values, telling_run


def run(text: str, names: dict[str, Any]) -> None:
    exec(text, names)  # noqa: S102 - what derive wrote


def compiled(text: str) -> Any:
    names: dict[str, Any] = {"np": np}
    run(text, names)
    return next(value for name, value in names.items() if name.startswith("gradient_"))


def cases() -> list[tuple[str, str]]:
    """The definitions of the library that end in a number, by each input that moves them."""
    found = []
    for name in library.names():
        graph = library.load(name)
        if not graph.output.axes:
            found += [(name, i.name) for i in graph.inputs if i.differentiable]
    return found


@pytest.mark.parametrize(("name", "wrt"), cases())
def test_functions_of_the_library(name: str, wrt: str) -> None:
    graph = derive.graph(name)
    written = function(graph, wrt)
    if written is None:
        pytest.xfail("Python has no word for a part of it")
    point = telling_run(graph, [wrt])
    values = drawn_values(point)
    at = graph.at(**values)
    arrays = [np.array(at[i.name], dtype=int if i.kind == "label" else float) for i in graph.inputs]
    got = compiled("\n".join(written))(*arrays)
    np.testing.assert_allclose(np.array(got, dtype=float), at.grad[wrt], rtol=1e-8, atol=1e-12)


EXAM = """---
title: T
---

## Layer

```derive define layer
W: [m, n]
h: [n]
y: [m]
a = W @ h
L = sum((a - y)**2)
```

```derive question layer
vary: W=[2, 3] of -2..2, h=[3] of -2..2, y=[2] of -2..2
ask: code W, code h
```
"""


def test_checks_tell_a_wrong_function() -> None:
    made = papers(read_exam(EXAM), b"0" * 32, numbered(2))
    for item in made.questions[0].items["en"][:4]:
        for part in item.parts:
            code = part.answer
            assert isinstance(code, Code)
            right = f"{code.head}\n{code.solution}"
            shape, *values = code.checks
            names: dict[str, Any] = {"np": np}
            run(right, names)
            for check in code.checks:
                run(check, names)
            run(right.replace("    return ", "    return 2*"), names)
            run(shape, names)
            assert values
            for check in values:
                with pytest.raises(AssertionError):
                    run(check, names)
