"""What platforms themselves make of a file: pyslet, which runs items of QTI 2.1, and auto-multiple-choice, which marks scans."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL import Image, ImageDraw

from oracles.platform_packages import QtiItem

# ---------------------------------------------------------------- QTI 2.1


@dataclass(frozen=True)
class Player(QtiItem):
    """An item as pyslet reads it; what is earned and said is what its response processing comes to."""

    read: Any

    def run(self, given: dict[str, Any]) -> tuple[Fraction, str]:
        from pyslet.qtiv2.variables import ItemSessionState

        session = ItemSessionState(self.read)
        session.begin_session()
        kinds = {name: kind for name, _, kind in self.responses}
        for name, answer in given.items():
            number = kinds[name] == "float"
            session[name].set_value(float(Fraction(answer)) if number else list(answer) if isinstance(answer, tuple) else answer)
        self.read.ResponseProcessing.run(session)
        said = [
            "".join(one.itertext())
            for one in self.root.iter("modalFeedback")
            if one.get("outcomeIdentifier") != "SOLUTION"
            and session[one.get("outcomeIdentifier", "")].value == one.get("identifier")
        ]
        return Fraction(str(session["SCORE"].value)), " ".join(said)


def pyslet(text: str, root: ElementTree.Element) -> Player:
    """An item as pyslet reads it.  Raises a ValueError for elements that stand where the standard has no place for them.

    pyslet knows no MathML and has no list in `tolerance`: formulas become words in the line, and the attribute is told to it.
    """
    import pyslet.qtiv2.xml as qti
    from pyslet.qtiv2.core import QTIError
    from pyslet.qtiv2.expressions import Equal
    from pyslet.xml.structures import XMLError

    Equal.XMLATTR_tolerance = ("tolerance", str, str, list)
    document = qti.QTIDocument()
    try:
        document.read(src=BytesIO(re.sub("<math.*?</math>", "<span>m</span>", text, flags=re.DOTALL).encode()))
    except (QTIError, XMLError) as error:
        raise ValueError(str(error)) from error
    return Player(root, document.root)


# ---------------------------------------------------------------- auto-multiple-choice

DPI = 150
_POINT = 65536 * 72.27
"""So many of the units of TeX make an inch."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Boxes:
    """The boxes of one question on one copy: the picture that they lie on, their places in it, and the signs beside them."""

    scan: Path
    places: tuple[Box, ...]
    signs: tuple[str, ...]

    def ticked(self, answer: int | str) -> list[Box]:
        """The boxes of an answer: the number of an option from 1, or a number that is ticked digit by digit."""
        if isinstance(answer, int):
            return [self.places[answer - 1]]
        sign = "-" if answer.startswith("-") else "+"
        found = [place for place, said in zip(self.places, self.signs, strict=True) if said == sign]
        rest = [(place, said) for place, said in zip(self.places, self.signs, strict=True) if said.isdigit()]
        digits = answer.lstrip("-").rjust(len(rest) // 10, "0")
        assert len(digits) == len(rest) // 10
        return found + [place for k, digit in enumerate(digits) for place, said in rest[10 * k : 10 * k + 10] if said == digit]


def _amc(folder: Path, *words: object) -> None:
    run = subprocess.run(
        ["auto-multiple-choice", *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


def prepared(source: str, copies: int, folder: Path) -> dict[tuple[int, str], Boxes]:
    """So many copies of a subject, printed and scanned; the boxes by the number of the copy and the name of the question."""
    for name in ("data", "cr/corrections"):
        (folder / name).mkdir(parents=True)
    (folder / "exam.tex").write_text(source, encoding="utf-8")
    _amc(folder, "prepare", "--with", "pdflatex", "--mode", "s", "--n-copies", copies, "--prefix", f"{folder}/", "--data", "data",
         "--out-sujet", "subject.pdf", "--out-calage", "subject.xy", "exam.tex")  # fmt: skip
    _amc(folder, "meptex", "--src", "subject.xy", "--data", "data")
    subprocess.run(["pdftoppm", "-r", str(DPI), "-png", "subject.pdf", "scan"], cwd=folder, check=True)
    text = (folder / "subject.xy").read_text("utf-8")
    pages = re.findall(r"\\page\{(\d+)/(\d+)/\d+\}\{[\d.]+pt\}\{([\d.]+)pt\}", text)
    scans = dict(zip([page[:2] for page in pages], sorted(folder.glob("scan-*.png")), strict=True))
    heights = {page[:2]: float(page[2]) * DPI / 72.27 for page in pages}
    case = r"\{(\d+)/(\d+):case:(.*?):\d+,(\d+)\}"
    signs = {one[:4]: one[4].strip("$") for one in re.findall(rf"\\boxchar{case}\{{(.*)\}}", text)}
    corners: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for copy, page, name, k, x, y in re.findall(rf"\\tracepos{case}\{{(-?\d+)sp\}}\{{(-?\d+)sp\}}", text):
        height = heights[copy, page]
        corners.setdefault((copy, page, name, k), []).append((int(x) * DPI / _POINT, height - int(y) * DPI / _POINT))
    found: dict[tuple[int, str], Boxes] = {}
    for copy, name in dict.fromkeys((one[0], one[2]) for one in corners):
        own = sorted((one for one in corners if (one[0], one[2]) == (copy, name)), key=lambda one: int(one[3]))
        places = tuple((*map(min, zip(*corners[one], strict=True)), *map(max, zip(*corners[one], strict=True))) for one in own)
        found[int(copy), name] = Boxes(scans[own[0][:2]], places, tuple(signs.get(one, "") for one in own))  # type: ignore[arg-type]
    return found


def crossed(boxes: Boxes, answer: int | str) -> None:
    """Draw crosses as a student does."""
    with Image.open(boxes.scan) as scan:
        paper = scan.convert("RGB")
    pen = ImageDraw.Draw(paper)
    for left, top, right, bottom in boxes.ticked(answer):
        pen.line((left, top, right, bottom), "black", 4)
        pen.line((left, bottom, right, top), "black", 4)
    paper.save(boxes.scan)


def marked(folder: Path, copies: int, questions: Sequence[str]) -> dict[tuple[int, str], Fraction]:
    """What every answer on the scans earns, by the copy and the question."""
    _amc(folder, "analyse", "--projet", folder, "--data", "data", "--cr", "cr", *sorted(folder.glob("scan-*.png")))
    _amc(folder, "prepare", "--with", "pdflatex", "--mode", "b", "--n-copies", copies, "--data", "data", "exam.tex")
    _amc(folder, "note", "--data", "data", "--seuil", "0.15")
    _amc(folder, "export", "--data", "data", "--module", "CSV", "--o", "marks.csv", "--option-out", "columns=student.copy",
         "--option-out", "decimal=.", "--option-out", "separateur=,")  # fmt: skip
    with (folder / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows: list[Mapping[str, str]] = list(csv.DictReader(file))
    return {(copy, name): Fraction(row[name]) for copy, row in enumerate(rows, 1) for name in questions if row.get(name)}
