"""The PDF of a text in Typst, by the package `typst`: tagged as PDF/UA-1 asks, and the same bytes for the same text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

from derive.errors import DeriveError, said
from derive.teaching.formats.html.fonts import FACES, path_of


def is_installed() -> bool:
    """Whether the package is there."""
    return find_spec("typst") is not None


def check_installed() -> None:
    """Raises DeriveError where the package is missing."""
    if not is_installed():
        raise DeriveError("A PDF needs the package typst.", hint="Install it with: pip install typst")


def compiled(text: str, files: Mapping[str, bytes]) -> bytes:
    """The PDF.  Pictures are handed over as inputs, and the folder that is the root is empty: there is no file to be read."""
    check_installed()
    with TemporaryDirectory(prefix="derive-") as root:
        return made(text, files, root)


def made(text: str, files: Mapping[str, bytes], root: str) -> bytes:
    """The PDF of a text that may read what lies in a folder.  Raises DeriveError where there is none."""
    import typst

    pictures = {name: content.decode(*CODING[name.endswith(".svg")]) for name, content in files.items()}
    typesetter = typst.Compiler(root=root, font_paths=_fonts(), sys_inputs=pictures, package_path=root, package_cache_path=root)
    try:
        pdf = typesetter.compile(text.encode(), format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError as error:
        raise DeriveError(said("The PDF cannot be made: {reason}", reason=error.message)) from None
    assert isinstance(pdf, bytes)
    return pdf


CODING = (("latin-1",), ("utf-8", "replace"))
"""How the bytes of a picture are put into a text: each as one character, or those of a drawing as the text that they are."""


@cache
def _fonts() -> Any:
    """The fonts that come with Typst, and the one that has what they have not; none of the machine's."""
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[path_of(FACES[-1]).parent])
