"""Questions as data: one JSON text with everything that an item holds, its prose as Markdown, for programs of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from derive.exams.formats.bank import Bank
from derive.exams.item import Answer, Choice, Code, Formula, Item, Numbers, Order, Part, Slip, Text, Value
from derive.marks import mark
from derive.teaching.document import Inlines, merged
from derive.teaching.formats.markdown import MarkdownPrinter


def data(bank: Bank) -> Iterator[str]:
    """The text, item by item."""
    head = {"generator": mark(bank.source), "name": bank.name, "title": bank.title, "lang": bank.lang}
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "items": ['
    between = "\n"
    printer = _Printer(bank.source, bank.lang)
    for item in bank.items:
        yield between + json.dumps(_item(item, printer), ensure_ascii=False, allow_nan=False)
        between = ",\n"
    yield "\n]\n}\n"


class _Printer(MarkdownPrinter):
    """Prose as Markdown; pictures are named and not kept."""

    def told(self, words: Inlines) -> str:
        return self.inlines(merged(words))


def _item(item: Item, printer: _Printer) -> dict[str, Any]:
    return {
        "question": item.name,
        "state": item.state,
        "title": printer.told(item.title),
        "difficulty": item.difficulty,
        "body": printer.blocks(item.body).strip(),
        "parts": [_part(part, printer) for part in item.parts],
    }


def _part(part: Part, printer: _Printer) -> dict[str, Any]:
    return {
        "name": part.name,
        "kind": part.kind,
        "marks": str(part.marks),
        "prompt": printer.told(part.prompt),
        "shown": printer.blocks(part.shown).strip(),
        "answer": _answer(part.answer, printer),
        "solution": printer.blocks(part.solution).strip(),
    }


def _answer(answer: Answer, printer: _Printer) -> dict[str, Any]:
    match answer:
        case Numbers(entries, shape, wrong):
            keys = [{"label": printer.told(entry.label), **_value(entry.key)} for entry in entries]
            return {
                "type": "numbers",
                "shape": list(shape),
                "key": keys,
                "wrong": [{"key": [_value(value) for value in values], **_slip(slip)} for values, slip in wrong],
            }
        case Choice(options):
            return {
                "type": "choice",
                "options": [{"text": printer.told(o.inlines), **(_slip(o.slip) if o.slip else {"credit": "1"})} for o in options],
            }
        case Formula(key, _, source, of, wrt, wrong):
            told = [{"key": text, **_slip(slip)} for text, slip in wrong]
            return {"type": "formula", "graph": source, "of": of, "wrt": wrt, "key": key, "wrong": told}
        case Order(lines, before, wrong):
            return {
                "type": "order",
                "lines": [printer.told(line) for line in lines],
                "before": [list(places) for places in before],
                "wrong": [{"line": printer.told(line), **_slip(slip)} for line, slip in wrong],
            }
        case Text(accepted, _, wrong):
            return {"type": "text", "accepted": list(accepted), "wrong": [{"key": text, **_slip(slip)} for text, slip in wrong]}
        case Code(name, head, solution, checks):
            return {"type": "code", "name": name, "head": head, "solution": solution, "checks": list(checks)}


def _value(value: Value) -> dict[str, str]:
    return {"digits": value.digits, "tolerance": str(value.tolerance)}


def _slip(slip: Slip) -> dict[str, str]:
    return {"mistake": slip.mistake, "feedback": slip.feedback, "credit": str(slip.credit)}
