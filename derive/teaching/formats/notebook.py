"""A Jupyter notebook: the words of a page as cells of Markdown, code as cells that run; the pictures lie inside.

`nbformat` says what a notebook is.  Slides of a lecture are slides of `jupyter nbconvert --to slides`, too.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from derive.marks import mark
from derive.teaching.document import (
    Block,
    Cell,
    CodeBlock,
    Document,
    Notes,
    Paragraph,
    Pause,
    Picture,
    Slide,
    cover_of,
    inlines,
    pages,
    taken,
    texts,
)
from derive.teaching.formats.markdown import MarkdownPrinter, noted
from derive.teaching.formats.printer import MIME, Choices, joined
from derive.teaching.translation import SOURCE

SETUP = "from fractions import Fraction\n\nimport derive\n\nderive.set_language({lang!r})"
"""What every other cell of code needs."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookPrinter(MarkdownPrinter):
    """Documents as notebooks."""

    cells = True

    def __init__(self, source: str = "", lang: str = SOURCE, choices: Choices = Choices()) -> None:  # noqa: B008 - it is frozen
        super().__init__(source, lang, replace(choices, flavour="jupyter"))

    def whole(self, document: Document, template: str) -> str:
        # Here, not above: the schema of notebooks is read when one is written.
        from nbformat import validate
        from nbformat.v4 import new_notebook

        slides = [_opening(document), *document.slides]
        found = [cell for slide in slides for part in pages(slide.blocks) or [()] for cell in self.cells_of(slide, part)]
        for number, cell in enumerate(found, 1):
            cell["id"] = f"cell-{number}"
        notebook = new_notebook(cells=found, metadata=METADATA)
        validate(notebook)
        headed = {"generator": mark(document.source), "title": document.title, **notebook.metadata}
        ordered = {"metadata": headed, **{key: notebook[key] for key in ("nbformat", "nbformat_minor", "cells")}}
        return json.dumps(ordered, ensure_ascii=False, indent=1)

    def cells_of(self, slide: Slide, blocks: Sequence[Block]) -> Iterator[Any]:
        """The cells of one page, in turn: its words, between them its code and what the speaker says; its footnotes."""
        heading = f"{'#' * slide.level} {self.inlines(slide.title)}"
        kind, run = "slide", set[str]()
        for part in _split(blocks):
            match part:
                case Cell(code, name):
                    if code not in run:  # a figure of what was worked out above asks for the same again
                        yield self.cell_of(kind, code=f"{name} = {code}\n{name}" if name else code)
                    run.add(code)
                case CodeBlock(code):
                    yield self.cell_of(kind, code=code)
                case Notes(inner):
                    if not self.choices.handout:
                        yield self.cell_of("notes", self.blocks(inner))
                case Pause():
                    kind = "fragment"
                    continue
                case _:
                    yield self.cell_of(kind, joined([*filter(None, [heading]), self.blocks(part)]))
                    heading = ""
            kind = "-"
        written = [slide.title, *(words for block in taken(blocks, Notes)[0] for words in texts(block))]
        if below := self.footnotes(noted(written)):
            yield self.cell_of("-", joined([f"<sup>{number}</sup> {words}" for number, words in below]))

    def cell_of(self, kind: str, words: str = "", code: str = "") -> Any:
        """A cell of words or of code, with the pictures that its words show."""
        from nbformat.v4 import new_code_cell, new_markdown_cell

        cell = new_code_cell(code) if code else new_markdown_cell(words)
        cell.metadata["slideshow"] = {"slide_type": kind}
        if attached := self.attached():
            cell["attachments"] = attached
        return cell

    def attached(self) -> dict[str, dict[str, str]]:
        """The pictures spelled since the last cell, as a cell holds them."""
        found = {name: {MIME[name.rpartition(".")[2]]: b64encode(content).decode()} for name, content in self.files.items()}
        self.files.clear()
        return found

    def picture_file(self, picture: Picture) -> str:
        return f"attachment:{super().picture_file(picture)}"


def _opening(document: Document) -> Slide:
    """The first slide: the title, who gives the lecture, and the code that every other cell needs."""
    cover = cover_of(document)
    about = [Paragraph(words) for words in (cover.subtitle, cover.author, cover.institute, cover.date) if words]
    return Slide(cover.title or inlines(document.title), (*about, Cell(SETUP.format(lang=document.lang))), 1)


def _split(blocks: Sequence[Block]) -> Iterator[Sequence[Block] | Cell | CodeBlock | Notes | Pause]:
    """The words of a page, and what is a cell of its own, also where that stands inside a block: behind it.  Words come first."""
    pending: list[Block] = []
    led = False
    for block in blocks:
        if isinstance(block, CodeBlock) and block.runs:
            own: Sequence[Block] = (block,)
        else:
            shown, own = taken((block,), Cell, Notes, Pause)
            pending.extend(shown)
        if own and (pending or not led):
            yield tuple(pending)
            pending, led = [], True
        yield from own  # type: ignore[misc]
    if pending or not led:
        yield tuple(pending)
