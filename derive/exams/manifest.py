"""The manifest of a set of papers: all that it takes to print any of them again and to grade it, as JSON.

It holds the exam as it was written, the states of every question with their keys and mistakes, and what each student was given.
It is the teacher's: it says every answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from derive.errors import DeriveError, said
from derive.exams.item import Answer, Choice, Code, Formula, Item, Numbers, Order, Paper, Part, Text, Value
from derive.exams.papers import Papers
from derive.exams.roster import Student
from derive.marks import OURS, mark

VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """A manifest as read: the exam's name, text and languages, its questions, and the papers by student."""

    exam: str
    source: str
    text: str
    langs: tuple[str, ...]
    digits: int
    questions: tuple[Mapping[str, Any], ...]
    papers: Mapping[str, Paper]
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def students(self) -> tuple[Student, ...]:
        """Who has a paper, in the order of these."""
        return tuple(Student(paper.student, paper.lang) for paper in self.papers.values())

    def states(self, paper: Paper) -> list[int]:
        """The states of a paper's questions, by their numbers among all that a question has."""
        return [int(q["states"][k]["state"]) for q, k in zip(self.questions, paper.states, strict=True)]


def manifest(found: Papers) -> str:
    """The manifest of a set of papers."""
    exam = found.exam
    lang = exam.langs[0]
    text = "\n".join(exam.lecture.lines)
    data = {
        "generator": mark(exam.lecture.source),
        "version": VERSION,
        "exam": exam.name,
        "source": exam.lecture.source,
        "sha256": sha256(text.encode()).hexdigest(),
        "text": text,
        "langs": list(exam.langs),
        "titles": {lang: exam.lecture.about.title[lang] for lang in exam.langs},
        "digits": exam.lecture.about.digits,
        "variants": found.variants,
        "questions": [
            {
                "name": q.name,
                "mistakes": {graph: [list(names) for names in parts] for graph, parts in q.mistakes.items()},
                "looked": q.looked,
                "count": q.count,
                "left": dict(q.left),
                "states": [_state(one) for one in q.items[lang]],
            }
            for q in found.questions
        ],
        "papers": [
            {
                "student": p.student,
                "number": p.number,
                "states": list(p.states),
                "orders": {k: list(v) for k, v in p.orders.items()},
                "lang": p.lang,
            }
            for p in found.papers
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _state(one: Item) -> dict[str, Any]:
    return {"state": one.state, "parts": [_part(part) for part in one.parts]}


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "kind": part.kind, "marks": str(part.marks), "answer": _answer(part.answer)}


def _answer(answer: Answer) -> dict[str, Any]:
    match answer:
        case Numbers(entries, shape, wrong):
            return {
                "type": "numbers",
                "shape": list(shape),
                "key": [_value(e.key) for e in entries],
                "wrong": [{"mistake": slip.mistake, "key": [_value(v) for v in values]} for values, slip in wrong],
            }
        case Choice(options):
            return {"type": "choice", "options": [o.slip.mistake if o.slip else "" for o in options]}
        case Formula(key, _, source, of, wrt, wrong):
            slips = [{"key": text, "mistake": slip.mistake} for text, slip in wrong]
            return {"type": "formula", "key": key, "graph": source, "of": of, "wrt": wrt, "wrong": slips}
        case Order(lines, before, wrong):
            named = [slip.mistake for _, slip in wrong]
            return {"type": "order", "lines": len(lines), "before": [list(b) for b in before], "wrong": named}
        case Text(accepted, _, wrong):
            return {"type": "text", "accepted": list(accepted), "wrong": [{"key": t, "mistake": s.mistake} for t, s in wrong]}
        case Code(name, head, solution, checks):
            return {"type": "code", "name": name, "head": head, "solution": solution, "checks": list(checks)}


def _value(value: Value) -> list[str]:
    return [value.digits, str(value.tolerance)]


MOST = 500_000_000
"""The bytes of a manifest that is read: that of a million papers."""


def open_manifest(path: Path) -> Manifest:
    """The manifest in a file.  Raises DeriveError where it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST)
    except OSError as error:
        raise DeriveError(said("{path} cannot be read: {reason}.", path=path, reason=error.strerror or error)) from None
    return read_manifest(content.decode("utf-8", "replace"), path.name)


def read_manifest(text: str, name: str = "") -> Manifest:
    """A manifest from its text.  Raises DeriveError where it is none."""
    try:
        data = json.loads(text)
        if data["version"] != VERSION or OURS not in data["generator"]:
            raise KeyError("version")
        papers = {
            p["student"]: Paper(
                str(p["student"]),
                int(p["number"]),
                tuple(map(int, p["states"])),
                {str(k): tuple(map(int, v)) for k, v in p["orders"].items()},
                str(p.get("lang", "")),
            )
            for p in data["papers"]
        }
        counts = [len(q["states"]) for q in data["questions"]]
        if any(p.lang and p.lang not in data["langs"] for p in papers.values()):
            raise KeyError("lang")
        if any(not 0 <= k < n for p in papers.values() for k, n in zip(p.states, counts, strict=True)):
            raise KeyError("states")
        if any(Fraction(part["marks"]) <= 0 for q in data["questions"] for s in q["states"] for part in s["parts"]):
            raise KeyError("marks")
        return Manifest(
            str(data["exam"]),
            str(data["source"]),
            str(data["text"]),
            tuple(map(str, data["langs"])),
            int(data["digits"]),
            tuple(data["questions"]),
            papers,
            {str(lang): str(title) for lang, title in data.get("titles", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError):
        raise DeriveError(
            said("{name} is no manifest of an exam.", name=name or said("This")), hint="'derive exam' writes it."
        ) from None


def part_of(data: Mapping[str, Any]) -> tuple[str, Fraction]:
    """The name and the marks of a part in a manifest."""
    return str(data["name"]), Fraction(data["marks"])
