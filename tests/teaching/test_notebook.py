"""Lectures as notebooks: their cells run and give the numbers of the text, and nothing lies beside them."""

from __future__ import annotations

import ast
import json
import keyword
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from derive.marks import HEAD, made_from
from derive.teaching.document import Document
from derive.teaching.formats.printer import Choices
from derive.teaching.formats.render import render
from derive.teaching.lecture.cells import variable
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import opened

LECTURE = r"""---
title: {en: The $f$ lecture, fr: Le cours $f$}
lang: [en, fr]
author: A. Teacher
---
# Part

## Run[^1]

[^1]: A remark.

```derive graph lambda
# a "quoted" \ remark
f = (u + v)*w
```

```derive worked lambda
at: u=2, v=3.50, w=1/3
name: first
grad: yes
```

Words after $f$ {{ first.f }}.

. . .

```derive figure lambda
at: u=2, v=3.50, w=1/3
```

:::notes
Say it.
:::

## More

::::columns
:::column
```derive gradient lambda
wrt: w
```
:::
:::column
```derive kernel lambda
```
:::
::::

```derive code
2**70
```

```derive gradient softmax
wrt: z
```

:::answer
Hidden.
:::
"""


def document(lang: str) -> Document:
    return build_lecture(opened(LECTURE, "one.md"), lang)


def notebook(lang: str = "en", choices: Choices = Choices()) -> Any:  # noqa: B008 - it is frozen
    rendered = render(document(lang), "notebook", choices)
    assert not rendered.files
    found = nbformat.reads(rendered.text, as_version=4)
    nbformat.validate(found)
    return found


def words(found: Any) -> str:
    return "\n".join(cell.source for cell in found.cells if cell.cell_type == "markdown")


def code(found: Any) -> list[str]:
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_cells_run_and_give_what_the_text_says(lang: str) -> None:
    ran = NotebookClient(notebook(lang), timeout=300, kernel_name="python3").execute()
    outputs = {cell.source: [out.data for out in cell.outputs] for cell in ran.cells if cell.cell_type == "code"}
    (run,) = outputs["first = lambda_.at(u=2, v=3.50, w=Fraction(1, 3))\nfirst"]
    result = next(line for line in words(ran).split("\n") if line.lstrip().startswith("f &="))
    assert result.strip() in run["text/markdown"]
    assert ("{,}" in result) == (lang == "fr")
    assert outputs["2**70"][0]["text/plain"] == "1180591620717411303424"
    (derived,) = outputs["lambda_.derive(wrt='w')"]
    assert r"\frac{\partial f}{\partial w}" in derived["text/markdown"]
    assert ("définition" if lang == "fr" else "definition") in derived["text/markdown"]


def test_a_cell_stands_under_its_block_and_once() -> None:
    found = notebook()
    setup, graph, run, *rest = code(found)
    assert "import derive" in setup
    assert ast.literal_eval(ast.parse(graph).body[0].value.args[0]).strip() == '# a "quoted" \\ remark\nf = (u + v)*w'  # type: ignore[attr-defined]
    assert run.startswith("first = lambda_.at(")
    assert rest == ["lambda_.derive(wrt='w')", "lambda_.kernel()", "2**70", "derive.graph('softmax').derive(wrt='z')"]
    assert [cell.id for cell in found.cells] == [f"cell-{k}" for k in range(1, len(found.cells) + 1)]


def test_slides_notes_and_fragments_are_those_of_nbconvert() -> None:
    kinds = [(cell.cell_type, cell.metadata.slideshow.slide_type) for cell in notebook().cells]
    assert [kind for _, kind in kinds].count("slide") == 4  # the cover, a part, two slides
    assert ("markdown", "fragment") in kinds
    assert ("markdown", "notes") in kinds
    assert "Say it." not in words(notebook(choices=Choices(handout=True)))
    assert "<details open>" in words(notebook(choices=Choices(handout=True)))


def test_pictures_lie_in_their_cells() -> None:
    (cell,) = [cell for cell in notebook().cells if "attachments" in cell]
    (name,) = re.findall(r"!\[[^\]]*\]\(attachment:([^)]+)\)", cell.source)
    assert list(cell.attachments) == [name]
    assert list(cell.attachments[name]) == ["image/svg+xml"]


def test_footnotes_stand_under_their_slide() -> None:
    assert "<sup>1</sup> A remark." in words(notebook())


def test_a_notebook_is_ours_until_somebody_saves_it() -> None:
    text = render(document("en"), "notebook").text
    assert made_from(text.encode()[:HEAD]) == "one.md"
    assert made_from(nbformat.writes(nbformat.reads(text, as_version=4)).encode()[:HEAD]) is None
    assert json.loads(text)["metadata"]["title"] == document("en").title


def test_no_other_format_shows_the_cells() -> None:
    for name in ("beamer", "html", "markdown"):
        assert "lambda_.at" not in render(document("en"), name).text


@pytest.mark.parametrize("name", ["hinge", "two-layers", "2d", "lambda", "derive", "η", "x.y"])
def test_a_graph_is_called_by_a_name_of_python(name: str) -> None:
    assert variable(name).isidentifier()
    assert not keyword.iskeyword(variable(name))
    assert variable(name) != "derive"


def test_what_a_lecture_says_is_no_code(tmp_path: Path) -> None:
    text = LECTURE.replace("f = (u + v)*w", "# '''\"\"\"); open('canary', 'w'); ('\nf = (u + v)*w")
    found = render(build_lecture(opened(text, "one.md"), "en"), "notebook").text
    graph = next(source for source in code(nbformat.reads(found, as_version=4)) if "canary" in source)
    assert [type(node) for node in ast.walk(ast.parse(graph)) if isinstance(node, ast.Call)] == [ast.Call]
