"""The languages of a page: its messages, its quotation marks, its spaces."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from derive.errors import DeriveError

LOCALE = Path(__file__).parent / "locale"
SOURCE = "en"
"""The language of the messages in the code, which needs no catalogue."""

QUOTES = {"en": "“”‘’", "fr": ["«\u00a0", "\u00a0»", "“", "”"]}
"""Outer and inner quotation marks, as markdown-it takes them."""


def languages() -> list[str]:
    """The languages a page can be written in: English, and one for each catalogue."""
    return sorted([SOURCE, *(path.stem for path in LOCALE.glob("*.po"))])


@cache
def translator(lang: str) -> Callable[[str], str]:
    """A function from an English message to the same in `lang`; `DeriveError` for a language without a catalogue."""
    known = languages()
    if lang not in known:
        raise DeriveError(f"There is no language '{lang}'.", hint=f"The languages are {', '.join(known)}.")
    if lang == SOURCE:
        return str

    # Here, not above: Babel takes a tenth of a second that English never needs.
    import gettext
    import io

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with (LOCALE / f"{lang}.po").open("rb") as catalogue:
        write_mo(compiled, read_po(catalogue, locale=lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled).gettext


_BEFORE_MARK = re.compile(r"(?<!\s) ([;!?])(?=\W|$)")


def typeset(words: str, lang: str) -> str:
    """Prose with the unbreakable spaces its language asks for.

    Only a space that was typed is made unbreakable, so that addresses, times and code written as prose stay whole.
    """
    if lang != "fr":
        return words
    words = _BEFORE_MARK.sub("\u202f\\1", words)
    words = re.sub(r"(?<!\s) :(?=\s|$)", "\u00a0:", words)
    return re.sub(r" »", "\u00a0»", re.sub(r"« ", "«\u00a0", words))
