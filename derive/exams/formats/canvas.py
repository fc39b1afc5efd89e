"""The package of QTI 1.2 that Canvas imports: a quiz with a group for each question, of which it draws one state.

What Canvas makes of a file was read in its importer.  It knows answers that are right and answers that are not: whatever earns
anything is right to it, so mistakes earn nothing here, and are told only where an option is chosen.  A question has one answer,
so each part, and each number of a tensor, is a question under the same text.  Nothing stands in a `flow`, which it does not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from derive.exams.formats.bank import (
    Bank,
    Packed,
    Single,
    decimal,
    mark,
    placed,
    refusal,
    singles,
    typed,
)
from derive.exams.formats.html import TexPrinter, asked, beside, solution, words
from derive.exams.item import Choice, Code, Entry, Formula, Item, Text
from derive.naming import one_line, slug
from derive.teaching.formats.escape import html

CALLED = "Canvas"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"


def canvas(bank: Bank) -> Packed:
    """The package of a bank."""
    printer = TexPrinter(bank.source, bank.lang, lambda *file: f"%24IMS-CC-FILEBASE%24/{beside(*file)}")
    name = f"quiz-{slug(bank.name)}"
    groups: dict[tuple[str, str], list[str]] = {}
    marks: dict[tuple[str, str], Fraction] = {}
    pictures: dict[str, bytes] = {}
    for item in bank.items:
        for one in singles(item):
            group = item.name, one.number
            groups.setdefault(group, []).append(_item(item, one, printer, bank.lang))
            marks[group] = one.marks
            pictures |= {beside(file, content): content for file, content in printer.taken().items()}
    sections = [_section(k, marks[group], items) for k, (group, items) in enumerate(groups.items(), 1)]
    title = html(one_line(bank.title or bank.name))
    quiz = (
        f'{DECLARATION}<questestinterop xmlns="{QTI}">\n<assessment ident="{name}" title="{title}">\n'
        f'<section ident="root_section">\n{"".join(sections)}</section>\n</assessment>\n</questestinterop>\n'
    )
    total = mark(sum(marks.values(), Fraction(0)))
    yield "imsmanifest.xml", _manifest(name, title, list(pictures))
    yield f"{name}/{name}.xml", quiz
    yield f"{name}/assessment_meta.xml", _about(name, title, total)
    yield from pictures.items()


# ---------------------------------------------------------------- the package


def _manifest(name: str, title: str, pictures: Sequence[str]) -> str:
    files = "".join(
        f'<resource identifier="picture-{k}" type="webcontent" href="{path}"><file href="{path}"/></resource>\n'
        for k, path in enumerate(pictures, 1)
    )
    return (
        f'{DECLARATION}<manifest xmlns="{PACKAGE}" identifier="package-{name}">\n'
        "<metadata><schema>IMS Content</schema><schemaversion>1.1.3</schemaversion></metadata>\n<organizations/>\n<resources>\n"
        f'<resource identifier="{name}" type="imsqti_xmlv1p2"><file href="{name}/{name}.xml"/>'
        f'<dependency identifierref="{name}-meta"/></resource>\n'
        f'<resource identifier="{name}-meta" type="associatedcontent/imscc_xmlv1p1/learning-application-resource" '
        f'href="{name}/assessment_meta.xml"><file href="{name}/assessment_meta.xml"/></resource>\n'
        f"{files}</resources>\n</manifest>\n"
    )


def _about(name: str, title: str, total: str) -> str:
    return (
        f'{DECLARATION}<quiz xmlns="http://canvas.instructure.com/xsd/cccv1p0" identifier="{name}">\n<title>{title}</title>\n'
        "<description></description>\n<shuffle_answers>true</shuffle_answers>\n<scoring_policy>keep_highest</scoring_policy>\n"
        f"<quiz_type>assignment</quiz_type>\n<points_possible>{total}</points_possible>\n"
        "<show_correct_answers>false</show_correct_answers>\n<allowed_attempts>1</allowed_attempts>\n</quiz>\n"
    )


def _section(number: int, marks: Fraction, items: Sequence[str]) -> str:
    """A group of states, of which one is drawn."""
    return (
        f'<section ident="group-{number}" title="{number}">\n<selection_ordering><selection>'
        "<selection_number>1</selection_number><selection_extension>"
        f"<points_per_item>{mark(marks)}</points_per_item></selection_extension></selection></selection_ordering>\n"
        f"{''.join(items)}</section>\n"
    )


# ---------------------------------------------------------------- an item


def _item(item: Item, one: Single, printer: TexPrinter, lang: str) -> str:
    part = one.part
    label = f"<p>{printer.line(one.entry.label)} =</p>" if one.entry else ""
    body = f"{printer.page(item.body)}{asked(item, part, printer, lang)}{label}"
    said: list[str] = []
    if one.entry:
        kind, place, rules = "numerical_question", _place(' fibtype="Decimal"'), [_right(_near(one.entry))]
    else:
        match part.answer:
            case Choice():
                kind, (place, rules, said) = "multiple_choice_question", _choice(part.answer, printer)
            case Text(accepted, _, _):
                keys = "".join(_is(way) for answer in accepted for way in typed(answer))
                kind, place, rules = "short_answer_question", _place(), [_right(keys)]
            case Formula() | Code():
                if isinstance(part.answer, Code):
                    body += f"<pre>{html(part.answer.head)}</pre>"
                kind, place, rules = "essay_question", _place(), [_rule("<other/>", "")]
            case _:
                raise refusal(item, part, CALLED)
    told = solution(item, [part], printer)
    if told:
        rules.insert(0, _rule("<other/>", "", "general_fb"))
        said = [*said, _feedback("general_fb", told)]
    name = f"{slug(item.name, 60)}-{item.state}{one.number}"
    title = html(one_line(f"{words(item.title) or item.name}{one.number}"))
    return (
        f'<item ident="{name}" title="{title}">\n<itemmetadata><qtimetadata>'
        f"{_field('question_type', kind)}{_field('points_possible', mark(one.marks))}"
        f"{_field('assessment_question_identifierref', f'ref-{name}')}</qtimetadata></itemmetadata>\n"
        f"<presentation>{_material(body)}{place}</presentation>\n"
        '<resprocessing><outcomes><decvar maxvalue="100" minvalue="0" varname="SCORE" vartype="Decimal"/></outcomes>\n'
        + "\n".join(rules)
        + f"\n</resprocessing>\n{''.join(said)}</item>\n"
    )


def _choice(answer: Choice, printer: TexPrinter) -> tuple[str, list[str], list[str]]:
    """The options, what is right, and what is said of those that are not."""
    spelled = [printer.line(option.inlines) for option in answer.options]
    labels, rules, said = [], [], []
    for number, k in enumerate(placed(answer, spelled), 1):
        name = str(1000 + number)
        labels.append(f'<response_label ident="{name}">{_material(spelled[k])}</response_label>')
        slip = answer.options[k].slip
        if slip:
            rules.append(_rule(_is(name), "", f"{name}_fb"))
            said.append(_feedback(f"{name}_fb", f"<p>{html(slip.feedback)}</p>"))
        else:
            right = _right(_is(name))
    place = f"<render_choice>{''.join(labels)}</render_choice>"
    return f'<response_lid ident="response1" rcardinality="Single">{place}</response_lid>', [*rules, right], said


def _place(kind: str = "") -> str:
    place = f'<render_fib{kind}><response_label ident="answer1"/></render_fib>'
    return f'<response_str ident="response1" rcardinality="Single">{place}</response_str>'


def _near(entry: Entry) -> str:
    """The key, or what lies around it."""
    key, margin = entry.key.number, entry.key.tolerance
    least, most = decimal(key - margin), decimal(key + margin)
    return (
        f'<or>{_is(decimal(key))}<and><vargte respident="response1">{least}</vargte>'
        f'<varlte respident="response1">{most}</varlte></and></or>'
    )


def _is(answer: str) -> str:
    return f'<varequal respident="response1">{html(answer)}</varequal>'


def _right(condition: str) -> str:
    return _rule(condition, '<setvar action="Set" varname="SCORE">100</setvar>', last=True)


def _rule(condition: str, then: str, feedback: str = "", last: bool = False) -> str:
    shown = f'<displayfeedback feedbacktype="Response" linkrefid="{feedback}"/>' if feedback else ""
    goes_on = "No" if last else "Yes"
    return f'<respcondition continue="{goes_on}"><conditionvar>{condition}</conditionvar>{then}{shown}</respcondition>'


def _field(name: str, value: str) -> str:
    return f"<qtimetadatafield><fieldlabel>{name}</fieldlabel><fieldentry>{value}</fieldentry></qtimetadatafield>"


def _material(fragment: str) -> str:
    return f'<material><mattext texttype="text/html">{html(fragment)}</mattext></material>'


def _feedback(name: str, fragment: str) -> str:
    return f'<itemfeedback ident="{name}"><flow_mat>{_material(fragment)}</flow_mat></itemfeedback>'
