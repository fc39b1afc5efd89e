"""A document in a file format.  A format is one row here, one printer, and one folder of `templates/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from derive.calculus.rules import N_
from derive.errors import DeriveError, said
from derive.marks import mark, marked
from derive.teaching.document import Cell, Document, taken
from derive.teaching.formats.html.printer import HtmlPrinter
from derive.teaching.formats.latex.printer import ArticlePrinter, BeamerPrinter, FragmentPrinter
from derive.teaching.formats.markdown import MarkdownPrinter
from derive.teaching.formats.notebook import NotebookPrinter
from derive.teaching.formats.printer import Choices, DocumentPrinter, environment
from derive.teaching.formats.typst.compiled import check_installed, compiled, is_installed
from derive.teaching.formats.typst.printer import TypstPrinter

Use = Literal["page", "slide"]


@dataclass(frozen=True)
class Format:
    """How a document becomes a file: who spells it, which template places it, how the file's name ends, what it is for (the
    page of an explanation, the slides of a lecture, or both), and what readers call it.
    """

    printer: type[DocumentPrinter]
    template: str
    ending: str
    uses: tuple[Use, ...] = ("page", "slide")
    called: str = ""
    compiles: bool = False
    """Whether the text is Typst's, which becomes a PDF; an extra of the package does it."""


FORMATS: Mapping[str, Format] = {
    "html": Format(HtmlPrinter, "html/document.j2", ".html", ("slide",), N_("Slides")),
    "pdf": Format(TypstPrinter, "typst/document.j2", ".pdf", called="PDF", compiles=True),
    "notebook": Format(NotebookPrinter, "markdown/document.j2", ".ipynb", ("slide",), N_("Notebook")),
    "markdown": Format(MarkdownPrinter, "markdown/document.j2", ".md", called="Markdown"),
    "beamer": Format(BeamerPrinter, "beamer/document.j2", ".tex", ("slide",), "Beamer"),
    "latex": Format(ArticlePrinter, "latex/document.j2", ".tex", ("page",), "LaTeX"),
}


@dataclass(frozen=True)
class Rendered:
    """The text of a file, and the files that must lie beside it, by name."""

    text: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Written:
    """What a file holds, and the files that must lie beside it, by name."""

    content: str | bytes
    files: Mapping[str, bytes]


def formats(use: Use) -> list[str]:
    """The names of the formats for one use."""
    return [name for name, row in FORMATS.items() if use in row.uses]


def available(use: Use) -> list[str]:
    """Those of them that need no package which is not installed."""
    return [name for name in formats(use) if not FORMATS[name].compiles or is_installed()]


def check_format(name: str, use: Use, others: Sequence[str] = ()) -> None:
    """Raises DeriveError where no format of this name is for this use, nor one of the `others` that need no file."""
    known = [*others, *formats(use)]
    if name not in known:
        raise DeriveError(
            said("There is no {use} format {name!r}.", use=use, name=name),
            hint=said("The formats are {names}.", names=", ".join(known)),
        )


def check_needs(name: str) -> None:
    """Raises DeriveError where a format needs a package that is not installed."""
    if name in FORMATS and FORMATS[name].compiles:
        check_installed()


FRAGMENT = Format(FragmentPrinter, "latex/fragment.j2", ".tex", ("page",))
"""What another document of LaTeX reads by `\\input`, with the package that `package` writes."""

PACKAGE = "derive.sty"


def package() -> str:
    """The package that a fragment of LaTeX needs: its few macros."""
    return environment(ArticlePrinter.delimiters).get_template("latex/derive.j2").render(mark=mark())


def fragment(document: Document) -> Rendered:
    """The document as a fragment of LaTeX, its package beside it."""
    found = _rendered(document, FRAGMENT, Choices())
    return Rendered(found.text, {**found.files, PACKAGE: package().encode()})


def render(document: Document, name: str, choices: Choices = Choices()) -> Rendered:  # noqa: B008 - it is frozen
    """The document in the format `name`."""
    if name not in FORMATS:
        raise DeriveError(
            said("There is no format '{name}'.", name=name), hint=said("The formats are {names}.", names=", ".join(FORMATS))
        )
    return _rendered(document, FORMATS[name], choices)


def written(document: Document, name: str, choices: Choices = Choices()) -> Written:  # noqa: B008 - it is frozen
    """The document as the file that the format `name` is for: what `render` says, or the PDF that comes of it."""
    found = render(document, name, choices)
    if not FORMATS[name].compiles:
        return Written(found.text, found.files)
    return Written(marked(compiled(found.text, found.files), "pdf", document.source), {})


def _rendered(document: Document, form: Format, choices: Choices) -> Rendered:
    printer = form.printer(document.source, document.lang, choices)
    if not printer.cells:
        slides = tuple(replace(slide, blocks=taken(slide.blocks, Cell)[0]) for slide in document.slides)
        document = replace(document, slides=slides)
    text = printer.whole(document, form.template)
    return Rendered(text.strip("\n") + "\n", printer.files)
