"""The fonts of a deck: of each the characters that the deck shows, as WOFF2 inside its style sheet.

STIX Two Math, with the table by which a browser sets mathematics, comes with `ziamath`; the faces for words come with matplotlib.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache, lru_cache
from html.parser import HTMLParser
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path


@dataclass(frozen=True)
class Face:
    """A font file, by the package that brings it, and what a style sheet calls it."""

    family: str
    package: str
    file: str
    weight: str = "normal"
    style: str = "normal"
    mathematical: bool = False


_TTF = "mpl-data/fonts/ttf"
FACES = (
    Face("Deck Math", "ziamath", "fonts/STIXTwoMath-Regular.ttf", mathematical=True),
    Face("Deck", "matplotlib", f"{_TTF}/STIXGeneral.ttf"),
    Face("Deck", "matplotlib", f"{_TTF}/STIXGeneralBol.ttf", weight="bold"),
    Face("Deck", "matplotlib", f"{_TTF}/STIXGeneralItalic.ttf", style="italic"),
    Face("Deck", "matplotlib", f"{_TTF}/STIXGeneralBolIta.ttf", weight="bold", style="italic"),
    Face("Deck Code", "matplotlib", f"{_TTF}/DejaVuSansMono.ttf"),
    Face("Deck Rest", "matplotlib", f"{_TTF}/DejaVuSans.ttf"),
)
SPARE = (FACES[0], FACES[-1])
"""Where a character comes from that its own face has not; the style sheet names them in this order behind each."""


def faces(page: str) -> str:
    """The `@font-face` rules for the characters of a page, in HTML; a face of which nothing is shown is left out."""
    shown = _Shown()
    shown.feed(page)
    shown.close()
    wanted = {face: shown.of(face) for face in FACES}
    for face in FACES[:-1]:
        lacking = wanted[face] - characters(face)
        wanted[face] -= lacking
        for spare in SPARE:
            wanted[spare] |= lacking & characters(spare)
            lacking -= characters(spare)
    return "\n".join(_rule(face, frozenset(characters)) for face, characters in wanted.items() if characters)


@cache
def characters(face: Face) -> frozenset[str]:
    """What a font can show."""
    from fontTools.ttLib import TTFont

    with TTFont(path_of(face), lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


class _Shown(HTMLParser):
    """Reads HTML and notes which characters stand in formulas, in code, and in words of each weight and style."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: dict[tuple[str, str, str], set[str]] = {}

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag not in _EMPTY:
            self.inside.append(tag)
        if tag in _ROOTS:
            self.handle_data("√")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, text: str) -> None:
        around = set(self.inside)
        family = "Deck Math" if "math" in around else "Deck Code" if around & {"code", "pre", "kbd"} else "Deck"
        bold, italic = (family == "Deck" and bool(around & tags) for tags in (_BOLD, _ITALIC))
        key = family, "bold" if bold else "normal", "italic" if italic else "normal"
        self.found.setdefault(key, set()).update(text)

    def of(self, face: Face) -> set[str]:
        found = self.found.get((face.family, face.weight, face.style), set()) - {"\n"}
        return found | set(" 0123456789./:%") if face == FACES[1] else set(found)


_ROOTS = {"msqrt", "mroot"}
"""What a browser draws with a sign that is not in the text."""
_EMPTY, _BOLD, _ITALIC = frozenset(("br", "img", "hr")), {"strong", "th", "h3", "h4", "h5", "h6"}, {"em"}


def _rule(face: Face, characters: frozenset[str]) -> str:
    data = b64encode(_subset(face, characters)).decode()
    return (
        f'@font-face{{font-family:"{face.family}";font-weight:{face.weight};font-style:{face.style};'
        f"src:url(data:font/woff2;base64,{data})}}"
    )


@lru_cache(maxsize=32)
def _subset(face: Face, characters: frozenset[str]) -> bytes:
    """The font with these characters alone, and all that a mathematical one draws for them in other sizes."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    features = ["ssty", "dtls", "flac"] if face.mathematical else ["kern", "liga", "lnum", "mark"]
    options = subset.Options(layout_features=features, hinting=False, notdef_outline=True, recalc_timestamp=False)
    options.drop_tables += ["FFTM"]  # when FontForge made the file
    codes = {ord(c) for c in characters}
    with TTFont(path_of(face), recalcTimestamp=False) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=codes | ({s for c in codes for s in _italic(c)} if face.mathematical else set()))
        subsetter.subset(font)
        font.flavor = "woff2"
        out = BytesIO()
        font.save(out)
    return out.getvalue()


def path_of(face: Face) -> Path:
    """Where a font lies; its package is not imported."""
    found = find_spec(face.package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / face.file


def _italic(code: int) -> set[int]:
    """The letter that a browser draws for a letter that stands alone in a formula, in italics."""
    latin = {0x41: 0x1D434, 0x61: 0x1D44E}
    for first, italic in latin.items():
        if first <= code < first + 26:
            return {0x210E if code == ord("h") else italic + code - first}
    if 0x391 <= code <= 0x3A9:
        return {0x1D6E2 + code - 0x391}
    if 0x3B1 <= code <= 0x3C9:
        return {0x1D6FC + code - 0x3B1}
    return {{0x2202: 0x1D715, 0x2207: 0x1D6FB, 0x131: 0x1D6A4, 0x237: 0x1D6A5, 0x3F5: 0x1D716, 0x3D1: 0x1D717, 0x3D5: 0x1D719,
             0x3F1: 0x1D71A, 0x3D6: 0x1D71B}.get(code, code)}  # fmt: skip
