"""What was found of a derivation as data, for `derive proofread --format json`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.checking.proofread import Proofread, Step, Unread
from derive.checking.witness import Witness
from derive.errors import in_language
from derive.teaching.page import Page
from derive.teaching.translation import message_translator
from derive.values.real import Real


def as_json(found: Proofread, page: Page) -> dict[str, Any]:
    """What was found as data:

    {"steps": [{"line", "column", "left", "relation", "right", "verdict": "proved" | "refuted" | "undecided", "why", "mistake",
                "witness": {"inputs": {name: values}, "sizes": {axis: n}, "entry": {index: k}, "left", "right"} | null}],
     "unread": [{"line", "column", "message"}], "counts": {verdict: n}}

    Indices and labels count from 0; an exact number is a text, "-27/25", another a text of its digits.
    """
    translate = message_translator(page.lang)
    steps, unread = list[dict[str, Any]](), list[dict[str, Any]]()
    for item in found.items:
        if isinstance(item, Unread):
            place = {"line": item.place.line, "column": item.place.start}
            unread.append({**place, "message": in_language(item.error.message, translate)})
            continue
        steps.append(_step(item, lambda words: in_language(words, translate)))
    counts = {kind: found.count(kind) for kind in ("proved", "refuted", "undecided", "unread")}
    return {"steps": steps, "unread": unread, "counts": counts}


def _step(step: Step, say: Any) -> dict[str, Any]:
    return {
        "line": step.place.line,
        "column": step.place.start,
        "left": step.left,
        "relation": step.relation,
        "right": step.right,
        "verdict": step.verdict.kind,
        "why": say(step.verdict.why),
        "mistake": say(step.mistake),
        "witness": None if step.verdict.witness is None else _witness(step.verdict.witness),
    }


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "inputs": {name: _number(value) for name, value in witness.inputs},
        "sizes": dict(witness.sizes),
        "entry": dict(witness.entry),
        "left": _number(witness.first),
        "right": _number(witness.second),
    }


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(part) for part in value]
    if isinstance(value, Real):
        return str(value.rounded(17))
    return str(Fraction(value))
