"""PrairieLearn: a folder for each state of each question, and an assessment that draws one state of each.

The elements grade by themselves, so no question needs code on the server; what they have no words for, what a wrong number earns
and what is said of it, is left out.  Lines to be put in order are graded by which must stand above which.
"""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from derive.exams.formats.bank import (
    Bank,
    Packed,
    digits,
    margin,
    mark,
    mixed,
    ordered,
    placed,
    refusal,
    tags,
    weights,
)
from derive.exams.formats.html import TexPrinter, asked, solution, words
from derive.exams.item import Choice, Entry, Item, Numbers, Order, Part, Text
from derive.naming import one_line, slug
from derive.teaching.document import Picture
from derive.teaching.formats.escape import html

CALLED = "PrairieLearn"


class _Printer(TexPrinter):
    """Pictures in an element of PrairieLearn's own; a dollar in words is one."""

    def text(self, words: str) -> str:
        return super().text(words).replace("$", '<span class="mathjax_ignore">$</span>')

    def picture(self, picture: Picture, height: str = "") -> str:
        name = self.picture_file(picture)
        caption = self.inlines(picture.caption)
        figure = f'<pl-figure file-name="{html(name)}" alt="{html(picture.words)}"></pl-figure>'
        return figure + (f"<p><em>{caption}</em></p>" if caption else "")


def prairielearn(bank: Bank) -> Packed:
    """The folders of a bank, in one package."""
    printer = _Printer(bank.source, bank.lang)
    drawn: dict[str, list[str]] = {}
    marks: dict[str, float] = {}
    for item in bank.items:
        name = f"{slug(bank.name)}/{slug(item.name, 60)}/{item.state}"
        drawn.setdefault(item.name, []).append(name)
        marks[item.name] = float(item.marks)
        yield f"questions/{name}/info.json", _about(bank, item, name)
        yield f"questions/{name}/question.html", plain(_question(item, printer, bank.lang))
        for file, content in printer.taken().items():
            yield f"questions/{name}/clientFilesQuestion/{file}", content
    zones = [
        {"numberChoose": 1, "points": marks[name], "alternatives": [{"id": one} for one in names]}
        for name, names in drawn.items()
    ]
    assessment = {
        "uuid": _uuid(bank.name, bank.lang),
        "type": "Exam",
        "title": one_line(bank.title or bank.name),
        "set": "Exam",
        "number": "1",
        "zones": [{"questions": zones}],
    }
    yield "infoAssessment.json", _json(assessment)


def plain(fragment: str) -> str:
    """A page in which two braces open nothing: PrairieLearn fills in what stands between such."""
    return fragment.replace("{{", "{&#123;")


def _about(bank: Bank, item: Item, name: str) -> str:
    title = one_line(words(item.title) or item.name)
    about = {"uuid": _uuid(name, bank.lang), "title": title, "topic": one_line(bank.title or bank.name)}
    return _json(about | {"tags": tags(item, item.parts), "type": "v3"})


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _uuid(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(names)))


def _question(item: Item, printer: TexPrinter, lang: str) -> str:
    asked = "\n".join(
        _part(item, n, part, weight, printer, lang)
        for n, (part, weight) in enumerate(zip(item.parts, weights(item.parts), strict=True), 1)
    )
    told = solution(item, item.parts, printer)
    answer = f"<pl-answer-panel>{told}</pl-answer-panel>\n" if told else ""
    return f"<pl-question-panel>{printer.page(item.body)}</pl-question-panel>\n{asked}\n{answer}"


def _part(item: Item, number: int, part: Part, weight: int, printer: TexPrinter, lang: str) -> str:
    name = f"part{number}"
    match part.answer:
        case Numbers(entries):
            place = "".join(_number(f"{name}_{k}", entry, weight, printer) for k, entry in enumerate(entries, 1))
        case Choice():
            place = _choice(name, part.answer, weight, printer)
        case Text((accepted,)):
            place = (
                f'<p><pl-string-input answers-name="{name}" correct-answer="{html(accepted)}" remove-spaces="true" '
                f'weight="{weight}"></pl-string-input></p>'
            )
        case Order():
            place = _order(name, part.answer, weight, printer)
        case _:
            raise refusal(item, part, CALLED)
    return f"<pl-question-panel>{asked(item, part, printer, lang)}</pl-question-panel>\n{place}"


def _number(name: str, entry: Entry, weight: int, printer: TexPrinter) -> str:
    about = f'correct-answer="{digits(entry.key)}" comparison="relabs" rtol="0" atol="{margin(entry.key)}"'
    place = f'<pl-number-input answers-name="{name}" {about} placeholder="" show-help-text="false" weight="{weight}">'
    return f"<p>{printer.line(entry.label)} = {place}</pl-number-input></p>\n"


def _choice(name: str, answer: Choice, weight: int, printer: TexPrinter) -> str:
    spelled = [printer.line(option.inlines) for option in answer.options]
    fixed = ' order="fixed"' if ordered(answer) else ""
    told = []
    for k in placed(answer, spelled):
        slip = answer.options[k].slip
        about = (
            f'correct="false" score="{mark(slip.credit)}" feedback="{html(html(slip.feedback))}"' if slip else 'correct="true"'
        )
        told.append(f"  <pl-answer {about}>{spelled[k]}</pl-answer>\n")
    return f'<pl-multiple-choice answers-name="{name}"{fixed} weight="{weight}">\n{"".join(told)}</pl-multiple-choice>'


def _order(name: str, answer: Order, weight: int, printer: TexPrinter) -> str:
    spelled = [printer.line(line) for line in (*answer.lines, *(line for line, _ in answer.wrong))]
    order = mixed(spelled)
    tag = {k: str(place) for place, k in enumerate(order, 1)}
    told = []
    for k in order:
        if k < len(answer.lines):
            above = ",".join(tag[other] for other in answer.before[k])
            about = f'correct="true" tag="{tag[k]}" depends="{above}"'
        else:
            about = f'correct="false" distractor-feedback="{html(html(answer.wrong[k - len(answer.lines)][1].feedback))}"'
        told.append(f"  <pl-answer {about}>{spelled[k]}</pl-answer>\n")
    return (
        f'<pl-order-blocks answers-name="{name}" grading-method="dag" source-blocks-order="random" weight="{weight}">\n'
        f"{''.join(told)}</pl-order-blocks>"
    )
