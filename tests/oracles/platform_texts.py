"""Readers of the texts that learning platforms import, written from what their formats say, and graders of answers to them.

Each finds questions, and in each the places to be filled in; `Place.graded` says what an answer earns there, from 0 to 1, and
what is said of it, as the platform does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from html import unescape
from typing import Any
from xml.etree import ElementTree

Graded = tuple[Fraction, str]


@dataclass(frozen=True)
class Said:
    """An answer that is known: how it reads, what it earns, how far off a number may be, what is said."""

    text: str
    credit: Fraction
    tolerance: Fraction = Fraction(0)
    feedback: str = ""


@dataclass(frozen=True)
class Place:
    """A place to be filled in: its kind, what it weighs, and the answers known there, or what grades them."""

    kind: str
    weight: Fraction
    answers: tuple[Said, ...] = ()
    grade: Callable[[Any], Graded] | None = field(default=None, compare=False)

    def graded(self, answer: Any) -> Graded:
        if self.grade:
            return self.grade(answer)
        meets = {"number": _near, "text": _typed}.get(self.kind, lambda said, given: said.text == given)
        return next(((said.credit, said.feedback) for said in self.answers if meets(said, answer)), (Fraction(0), ""))


@dataclass(frozen=True)
class Question:
    """A question as a platform has it."""

    name: str
    category: str
    text: str
    places: tuple[Place, ...]
    solution: str = ""
    title: str = ""


def _near(said: Said, given: str) -> bool:
    return abs(Fraction(given) - Fraction(said.text)) <= said.tolerance


def _typed(said: Said, given: str) -> bool:
    """Whether a text is as it is known: a star stands for anything, one behind a backslash for itself."""
    parts = re.split(r"(?<!\\)\*", said.text)
    return bool(re.fullmatch(".*".join(re.escape(part.replace(r"\*", "*")) for part in parts), given))


def plain(fragment: str) -> str:
    """The words of a piece of HTML."""
    return unescape(re.sub(r"<[^>]*>", "", fragment))


# ---------------------------------------------------------------- Moodle XML

LISTED = [100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20, 16.66667, 14.28571, 12.5, 11.11111, 10, 5, 0]


def _listed(percent: str) -> Fraction:
    """A fraction that Moodle takes: one of its list, to five decimals."""
    assert any(abs(float(percent) - one) < 1e-5 for one in LISTED), f"Moodle takes no fraction of {percent}"
    return Fraction(percent) / 100


def moodle(text: str) -> list[Question]:
    """The questions of a file, a later one with a number that was there without it."""
    found, category, numbers = [], "", set[str]()
    for one in ElementTree.fromstring(text):
        kind = one.get("type")
        if kind == "category":
            category = _text(one, "category/text")
            continue
        number = _text(one, "idnumber")
        asked, solution = _text(one, "questiontext/text"), _text(one, "generalfeedback/text")
        if kind == "multianswer":
            places, asked = _cloze(asked)
        else:
            mark = Fraction(_text(one, "defaultgrade") or "1")
            assert kind
            places = [Place(_KINDS[kind], mark, tuple(_moodle_answers(one, kind)))]
        found.append(
            Question("" if number in numbers else number, category, asked, tuple(places), solution, _text(one, "name/text"))
        )
        numbers.add(number)
    return found


_KINDS = {
    "numerical": "number",
    "multichoice": "choice",
    "shortanswer": "text",
    "essay": "written",
    "ordering": "order",
    "matching": "matching",
}


def _moodle_answers(one: ElementTree.Element, kind: str) -> Iterator[Said]:
    for answer in one.findall("answer") + one.findall("subquestion"):
        if kind == "ordering":
            yield Said(_text(answer, "text"), Fraction(answer.get("fraction", "")))
        elif kind == "matching":
            yield Said(_text(answer, "text"), Fraction(1), feedback=_text(answer, "answer/text"))
        else:
            tolerance = answer.findtext("tolerance")
            exact = re.fullmatch(r"-?\d+(\.\d+)?", _text(answer, "text")) if kind == "numerical" else True
            assert exact, "a number with a point"
            credit = _listed(answer.get("fraction", ""))
            margin = Fraction(tolerance) if tolerance else Fraction(0)
            yield Said(_unwrapped(_text(answer, "text")), credit, margin, plain(_text(answer, "feedback/text")))


def _text(one: ElementTree.Element, path: str) -> str:
    return (one.findtext(path) or "").strip()


def _unwrapped(fragment: str) -> str:
    return re.sub(r"^<p>(.*)</p>$", r"\1", fragment)


_ANSWER = r".+?(?<!\\)(?<!&)(?<!&amp;)(?=[~#}]|$)"
_ALTERNATIVE = rf"(?:=|%-?[0-9]+(?:[.,][0-9]*)?%)?{_ANSWER}(?:#.*?(?<!\\)(?=[~}}]|$))?"
_CLOZE = re.compile(
    r"\{([0-9]*):(NUMERICAL|NM|MULTICHOICE|MC|MULTICHOICE_V|MULTICHOICE_VS|SHORTANSWER|SA|SHORTANSWER_C):"
    rf"({_ALTERNATIVE}(?:~{_ALTERNATIVE})*)\}}",
    re.DOTALL,
)
_ONE = re.compile(rf"~?(=|%(-?[0-9]+(?:[.,][0-9]*)?)%)?({_ANSWER})(?:#(.*?(?<!\\)(?=[~}}]|$)))?", re.DOTALL)


def _cloze(text: str) -> tuple[list[Place], str]:
    """The places of a cloze, and its text with their numbers: Moodle looks for one after the other."""
    places: list[Place] = []
    while found := _CLOZE.search(text):
        weight, kind, alternatives = found.groups()
        answers = []
        for mark, percent, answer, feedback in (one.groups() for one in _ONE.finditer(alternatives)):
            credit = Fraction(1) if mark == "=" else _listed(percent or "0")
            told = plain(_undone(feedback or ""))
            if kind in ("NUMERICAL", "NM"):
                number, _, margin = answer.partition(":")
                answers.append(Said(number, credit, Fraction(margin or 0), told))
            else:
                answers.append(Said(_undone(answer), credit, feedback=told))
        name = {"N": "number", "M": "choice", "S": "text"}[kind[0]]
        places.append(Place(name, Fraction(weight or 1), tuple(answers)))
        text = f"{text[: found.start()]}{{#{len(places)}}}{text[found.end() :]}"
    return places, text


def _undone(answer: str) -> str:
    return unescape(answer).replace(r"\}", "}").replace(r"\#", "#")


# ---------------------------------------------------------------- GIFT


def gift(text: str) -> list[Question]:
    """The questions of a text: what is escaped is hidden first, then the signs mean what they mean."""
    hidden = re.sub(r"\\([\\~=#{}:])", lambda found: chr(0xE000 + ord(found[1])), text).replace(r"\n", "\ue00a")
    found, category = [], ""
    for block in re.split(r"\n[ \t]*\n", hidden):
        lines = [line for line in block.split("\n") if line and not line.startswith("//")]
        name = next(iter(re.findall(r"^// \[id:([^\]]*)\]", block, re.MULTILINE)), "")
        body = "\n".join(lines)
        if body.startswith("$CATEGORY:"):
            category = _shown(body.partition(":")[2].strip())
        elif body:
            parsed = re.fullmatch(r"::([^:]*)::\[html\]([^{]*)\{(#?)([^}]*)\}", body.strip())
            assert parsed, body
            title, stem, number, answers = parsed.groups()
            answers, _, solution = answers.partition("####[html]")
            place = _gift_place(answers.strip(), bool(number))
            found.append(Question(name, category, _shown(stem), (place,), _shown(solution.strip()), _shown(title)))
    return found


def _gift_place(answers: str, number: bool) -> Place:
    said = []
    for one in re.findall(r"[=~][^=~]*", answers):
        percent, answer, feedback = re.fullmatch(
            r"[=~](?:%([^%]*)%)?(?:\[html\])?([^#]*)(?:#\[html\](.*))?", one, re.DOTALL
        ).groups()  # type: ignore[union-attr]
        credit = _listed(percent) if percent else Fraction(one[0] == "=")
        text, _, margin = answer.strip().partition(":") if number else (_shown(answer.strip()), "", "")
        left, arrow, right = text.partition(" -> ")
        said.append(Said(left, credit, Fraction(margin or 0), right if arrow else plain(_shown((feedback or "").strip()))))
    if "->" in answers:
        return Place("matching", Fraction(1), tuple(said))
    choice = "~" in answers
    return Place("number" if number else "choice" if choice else "text" if said else "written", Fraction(1), tuple(said))


def _shown(text: str) -> str:
    return re.sub("[\ue000-\ue0ff]", lambda found: chr(ord(found[0]) - 0xE000), text)


# ---------------------------------------------------------------- auto-multiple-choice

_TICKED = re.compile(r"\(abs\(intX-\((-?[0-9.]+)\)\)<=([0-9]+) \? ([0-9.]+) : ")


def amc(text: str) -> list[Question]:
    """The questions of a LaTeX source: a number is graded by a formula of what was ticked, an option by what stands behind it."""
    found = []
    for group, element in re.findall(r"\\element\{([^}]*)\}\{\n(.*?)\n\}\n", text, re.DOTALL):
        for kind, name, body in re.findall(r"\\begin\{(questionmultx|question)\}\{([^}]*)\}(.*?)\\end\{\1\}", element, re.DOTALL):
            if kind == "question":
                options = re.findall(r"\\(correct|wrong)choice\{(.*)\}\\scoring\{([0-9.]+)\}", body)
                place = Place("choice", Fraction(1), tuple(Said(option, Fraction(earned)) for _, option, earned in options))
            else:
                decimals = int(re.findall(r"decimals=([0-9]+)", body)[0])
                formula = re.findall(r"formula=(.*)\}\n", body)[0]
                assert formula.count("(") == formula.count(")")
                known = [
                    Said(str(Fraction(number) / 10**decimals), Fraction(earned), Fraction(int(margin), 10**decimals))
                    for number, margin, earned in _TICKED.findall(formula)
                ]
                place = Place("number", Fraction(1), tuple(known))
            found.append(Question(name, group, body, (place,)))
    return found
