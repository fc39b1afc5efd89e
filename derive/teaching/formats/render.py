"""A document in a file format.  A format is one row here, one printer, and one folder of `templates/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from derive.errors import DeriveError, said
from derive.marks import mark, marked
from derive.teaching.document import Document
from derive.teaching.formats.html.printer import HtmlPrinter
from derive.teaching.formats.latex.printer import ArticlePrinter, BeamerPrinter, FragmentPrinter
from derive.teaching.formats.markdown import MarkdownPrinter
from derive.teaching.formats.printer import Choices, DocumentPrinter, environment
from derive.teaching.formats.typst.compiled import check_installed, compiled
from derive.teaching.formats.typst.printer import TypstPrinter

Use = Literal["page", "slide"]


@dataclass(frozen=True)
class Format:
    """How a document becomes a file: who spells it, which template places it, how the file's name ends, and what it is for:
    the page of an explanation, the slides of a lecture, or both.
    """

    printer: type[DocumentPrinter]
    template: str
    ending: str
    uses: tuple[Use, ...] = ("page", "slide")
    compiles: bool = False
    """Whether the text is Typst's, which becomes a PDF; an extra of the package does it."""


FORMATS: Mapping[str, Format] = {
    "beamer": Format(BeamerPrinter, "beamer/document.j2", ".tex", ("slide",)),
    "html": Format(HtmlPrinter, "html/document.j2", ".html", ("slide",)),
    "latex": Format(ArticlePrinter, "latex/document.j2", ".tex", ("page",)),
    "markdown": Format(MarkdownPrinter, "markdown/document.j2", ".md"),
    "pdf": Format(TypstPrinter, "typst/document.j2", ".pdf", compiles=True),
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
    template = environment(printer.delimiters).get_template(form.template)
    text = template.render(pages=printer.pages(document), **printer.values(document))
    return Rendered(text.strip("\n") + "\n", printer.files)
