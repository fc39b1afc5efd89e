"""The languages of a page: its messages, its quotation marks, its spaces.

A language is a catalogue, `locale/LANG.po`; how it sets prose are messages like any other: “text”, text; and so on.  What is
said of wrong input has catalogues of its own, `locale/messages/LANG.po`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from derive.calculus.rules import N_
from derive.errors import DeriveError, said

LOCALE = Path(__file__).parent / "locale"
MESSAGES = LOCALE / "messages"
SOURCE = "en"
"""The language of the messages in the code, which needs no catalogue."""

QUOTED = (N_("“{text}”"), N_("‘{text}’"))
"""A quotation, and one inside it."""

MARKED = {N_("{text};"): r"\W", N_("{text}!"): r"\W", N_("{text}?"): r"\W", N_("{text}:"): r"\s"}
"""Text before the marks that a language may keep at a distance, and what has to follow for such a mark to be one."""


def languages() -> list[str]:
    """The languages a page can be written in: English, and one for each catalogue."""
    return sorted([SOURCE, *(path.stem for path in LOCALE.glob("*.po"))])


@cache
def translator(lang: str) -> Callable[[str], str]:
    """A function from an English message to the same in `lang`; `DeriveError` for a language without a catalogue."""
    known = languages()
    if lang not in known:
        raise DeriveError(
            said("There is no language '{lang}'.", lang=lang), hint=said("The languages are {names}.", names=", ".join(known))
        )
    return str if lang == SOURCE else _catalogue(LOCALE / f"{lang}.po")


@cache
def message_translator(lang: str) -> Callable[[str], str]:
    """The same for what is said of wrong input, words of pages in it too; in English where `lang` has no such catalogue."""
    path = MESSAGES / f"{lang}.po"
    if lang not in languages() or not path.is_file():
        return str
    own, page = _catalogue(path), translator(lang)
    return lambda message: found if (found := own(message)) != message else page(message)


def _catalogue(path: Path) -> Callable[[str], str]:
    """A function from an English message to what a catalogue has for it."""
    # Here, not above: Babel takes a tenth of a second that English never needs.
    import gettext
    import io

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as catalogue:
        write_mo(compiled, read_po(catalogue, locale=path.stem))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled).gettext


@cache
def quotes(lang: str) -> list[str]:
    """The outer and the inner quotation marks, as markdown-it takes them, with the spaces that belong to them."""
    return [mark for quoted in QUOTED for mark in translator(lang)(quoted).split("{text}")]


@cache
def _unbreakable(lang: str) -> list[tuple[re.Pattern[str], str]]:
    """Where a space that was typed cannot break, and what is set there instead of it and the mark."""
    marks = [(translator(lang)(marked).removeprefix("{text}"), after) for marked, after in MARKED.items()]
    return [
        *((re.compile(rf"(?<!\s) {re.escape(mark.lstrip())}(?={after}|$)"), mark) for mark, after in marks if mark[0].isspace()),
        *((re.compile(re.escape(re.sub(r"\s", " ", mark))), mark) for mark in quotes(lang) if mark != mark.strip()),
    ]


def typeset(words: str, lang: str) -> str:
    """Prose with the unbreakable spaces its language asks for.

    Only a space that was typed is made unbreakable, so that addresses, times and code written as prose stay whole.
    """
    for typed, printed in _unbreakable(lang):
        words = typed.sub(printed, words)
    return words
