"""Every message has its translation, set as its language is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import derive
from derive.errors import DeriveError
from derive.language import refusals
from derive.teaching.translation import LOCALE, MESSAGES, languages, message_translator, quotes, translator, typeset
from oracles.messages import assembled, patterns

OTHERS = [lang for lang in languages() if lang != "en"]


def marked() -> set[str]:
    """The messages of the code, each marked where it is written: N_("…") or _("…")."""
    found = extract_from_dir(Path(derive.__file__).parent, [("**.py", "python")], keywords={"N_": None, "_": None})
    return {message for _, _, message, *_ in found if isinstance(message, str)}


def catalogue(lang: str, folder: Path = LOCALE) -> Catalog:
    with (folder / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang)


def test_there_are_messages_and_languages() -> None:
    assert "quotient rule" in marked()
    assert set(languages()) >= {"en", "fr"}
    assert quotes("en") == ["“", "”", "‘", "’"]
    assert quotes("fr") == ["«\u00a0", "\u00a0»", "“", "”"]


@pytest.mark.parametrize("lang", OTHERS)
def test_every_message_is_translated_and_no_other(lang: str) -> None:
    entries = {message.id: message for message in catalogue(lang) if message.id}
    assert sorted(entries) == sorted(marked())
    assert not [message.id for message in entries.values() if not message.string or message.fuzzy]
    assert not catalogue(lang).obsolete


@pytest.mark.parametrize("lang", OTHERS)
def test_a_translation_keeps_the_places_to_fill_in(lang: str) -> None:
    for message in catalogue(lang):
        if message.id:
            assert sorted(re.findall(r"\{\w*\}", message.string)) == sorted(re.findall(r"\{\w*\}", message.id))


def test_french_is_set_as_french_is_printed() -> None:
    for message in catalogue("fr"):
        if message.id:
            assert not re.search(r"[^\u00a0\u202f][;!?»]|[^\u00a0]:|«[^\u00a0]|'|\"|\.\.\.", message.string), message.string


def test_a_translator_speaks_its_language() -> None:
    assert translator("en")("quotient rule") == "quotient rule"
    assert translator("fr")("quotient rule") == "dérivée d’un quotient"
    assert translator("fr")("no such message") == "no such message"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(DeriveError, match=rf"no language 'xx'\.\nThe languages are {', '.join(languages())}\."):
        translator("xx")


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Pourquoi ? Parce que ; voilà !", "Pourquoi\u202f? Parce que\u202f; voilà\u202f!"),
        ("Ici : là", "Ici\u00a0: là"),
        ("« oui »", "«\u00a0oui\u00a0»"),
        ("à 10:30, https://x.org?a=b", "à 10:30, https://x.org?a=b"),
        (" : suite", "\u00a0: suite"),
    ],
)
def test_french_spaces_do_not_break(typed: str, printed: str) -> None:
    assert typeset(typed, "fr") == printed
    assert typeset(typed, "en") == typed


# ---------------------------------------------------------------- what is said of wrong input

ROOT = Path(derive.__file__).parent.parent
PLACES = re.compile(r"(?<!\{)\{(\w+)[^{}]*\}(?!\})")


def test_messages_about_wrong_input_are_patterns_and_what_fills_them() -> None:
    assert "fr" in {path.stem for path in MESSAGES.glob("*.po")}
    assert assembled(ROOT) == []


@pytest.mark.parametrize("lang", [path.stem for path in MESSAGES.glob("*.po")])
def test_every_message_about_wrong_input_is_translated_and_no_other(lang: str) -> None:
    entries = {message.id: message for message in catalogue(lang, MESSAGES) if message.id}
    assert sorted(entries) == sorted(patterns(ROOT))
    assert not [message.id for message in entries.values() if not message.string or message.fuzzy]
    assert not catalogue(lang, MESSAGES).obsolete


@pytest.mark.parametrize("lang", [path.stem for path in MESSAGES.glob("*.po")])
def test_a_translated_message_keeps_the_places_to_fill_in(lang: str) -> None:
    for message in catalogue(lang, MESSAGES):
        words = message.id.replace(r"\text{if }", r"\text{si }")
        assert set(PLACES.findall(message.string)) == set(PLACES.findall(words)), message.id


def test_french_messages_are_set_as_french_is_printed() -> None:
    for message in catalogue("fr", MESSAGES):
        words = re.sub(r"`[^`]*`|```.*|\S*[\[(=_/\\].*", "", message.string)  # what follows is code
        assert not re.search(r"[a-zà-ÿ]'[a-zà-ÿ]|« | »| [;!?:]|\.\.\.", words), message.string


def test_a_message_is_said_in_another_language_with_all_that_fills_it() -> None:
    with pytest.raises(DeriveError) as caught:
        derive.graph("y: label[N, K, C]; S: [N, C]; f = sum(S[i, y[i]] for i in N)")
    said = caught.value.text(message_translator("fr"))
    assert said == (
        "y a les axes [N, K], et 1 indice ici.\n  ligne 1\u00a0: y: label[N, K, C]; S: [N, C]; f = sum(S[i, y[i]] for i in N)\n"
        + " " * 55
        + "^^^^\nÉcrivez un indice pour chaque axe, y[i, j], et sommez sur cet indice (for j in K) ou mettez-le à gauche du "
        "signe =\u00a0: y[j] = … y[i, j] …."
    )
    assert message_translator("xx") is str


@pytest.mark.parametrize("lang", [path.stem for path in MESSAGES.glob("*.po")])
def test_all_that_is_said_of_what_is_python_is_translated(lang: str) -> None:
    said = {text for pair in refusals._REFUSED.values() for text in pair if text}
    assert said <= {message.id for message in catalogue(lang, MESSAGES)}
