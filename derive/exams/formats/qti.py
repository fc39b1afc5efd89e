"""QTI 2.1: a package with one item a file, a test that draws one state of each question, and the list of both.

The parts of a question are the interactions of one item.  For each of them the answer is compared with the key, then with every
mistake, by response processing that is written out: what is earned, and what is said.  The score of the item is their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from derive.exams.formats.bank import (
    SEVERAL,
    Bank,
    Packed,
    arrangements,
    digits,
    margin,
    mark,
    mistakes,
    mixed,
    ordered,
    placed,
    refusal,
    typed,
)
from derive.exams.formats.html import MathmlPrinter, asked, beside, solution, words
from derive.exams.item import Choice, Code, Entry, Formula, Item, Numbers, Order, Part, Text, Value
from derive.naming import one_line, slug
from derive.teaching.formats.escape import html

CALLED = "QTI 2.1"
NAMESPACE = "http://www.imsglobal.org/xsd/imsqti_v2p1"
SCHEMA = f"{NAMESPACE} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

ORDERS = 24
"""An order of lines may have so many right ones; each of them is written out."""


def qti(bank: Bank) -> Packed:
    """The package of a bank."""
    printer = MathmlPrinter(bank.source, bank.lang, lambda *file: f"../{beside(*file)}")
    groups: dict[str, list[str]] = {}
    resources = []
    for item in bank.items:
        name = identifier(item)
        yield f"items/{name}.xml", _Item(item, printer, bank.lang).write()
        pictures = {beside(name, content): content for name, content in printer.taken().items()}
        yield from pictures.items()
        groups.setdefault(item.name, []).append(name)
        resources.append(_resource(name, "imsqti_item_xmlv2p1", f"items/{name}.xml", pictures))
    yield "test.xml", _test(bank, groups)
    resources.append(_resource("test", "imsqti_test_xmlv2p1", "test.xml", (), [name for one in groups.values() for name in one]))
    yield "imsmanifest.xml", _manifest(bank, resources)


def identifier(item: Item) -> str:
    """What an item is called in a package: it starts with a letter."""
    return f"q-{slug(item.name, 60)}-{item.state}"


# ---------------------------------------------------------------- the package


def _manifest(bank: Bank, resources: Sequence[str]) -> str:
    return (
        f'{DECLARATION}<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:xsi="{XSI}" '
        f'identifier="package-{slug(bank.name)}" xsi:schemaLocation="http://www.imsglobal.org/xsd/imscp_v1p1 '
        'http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd">\n'
        "<metadata><schema>QTIv2.1 Package</schema><schemaversion>1.0.0</schemaversion></metadata>\n<organizations/>\n"
        "<resources>\n" + "\n".join(resources) + "\n</resources>\n</manifest>\n"
    )


def _resource(name: str, kind: str, href: str, others: Iterable[str], needs: Sequence[str] = ()) -> str:
    files = "".join(f'<file href="{file}"/>' for file in (href, *others))
    depends = "".join(f'<dependency identifierref="{other}"/>' for other in needs)
    return f'<resource identifier="{name}" type="{kind}" href="{href}">{files}{depends}</resource>'


def _test(bank: Bank, groups: dict[str, list[str]]) -> str:
    """A test that draws one item of each question."""
    sections = "\n".join(
        f'<assessmentSection identifier="section-{k}" title="{k}" visible="false" keepTogether="false">'
        f'<selection select="1"/>'
        + "".join(f'<assessmentItemRef identifier="ref-{name}" href="items/{name}.xml"/>' for name in names)
        + "</assessmentSection>"
        for k, names in enumerate(groups.values(), 1)
    )
    return (
        f'{DECLARATION}<assessmentTest xmlns="{NAMESPACE}" xmlns:xsi="{XSI}" xsi:schemaLocation="{SCHEMA}" '
        f'identifier="test-{slug(bank.name)}" title="{html(one_line(bank.title or bank.name))}">\n'
        '<testPart identifier="part" navigationMode="nonlinear" submissionMode="simultaneous">\n'
        f"{sections}\n</testPart>\n</assessmentTest>\n"
    )


# ---------------------------------------------------------------- an item


class _Item:
    """One item: its declarations, its body, what is earned and what is said."""

    def __init__(self, item: Item, printer: MathmlPrinter, lang: str) -> None:
        self.item, self.printer, self.lang = item, printer, lang
        self.responses: list[str] = []
        self.outcomes: list[str] = []
        self.rules: list[str] = []
        self.said: list[str] = []
        self.scores: list[str] = []

    def write(self) -> str:
        """The file."""
        body = [self.printer.page(self.item.body), *(self.part(part) for part in self.item.parts)]
        told = solution(self.item, self.item.parts, self.printer)
        if told:
            self.outcomes.append(_outcome("SOLUTION", "identifier"))
            self.rules.append(_set("SOLUTION", _base("identifier", "shown")))
            self.said.append(_modal("SOLUTION", "shown", f"<div>{told}</div>"))
        if self.scores:
            parts = "".join(f'<variable identifier="{score}"/>' for score in self.scores)
            self.rules.append(_set("SCORE", f"<sum>{parts}</sum>"))
        title = html(one_line(words(self.item.title) or self.item.name))
        return "\n".join(
            [
                f'{DECLARATION}<assessmentItem xmlns="{NAMESPACE}" xmlns:xsi="{XSI}" xsi:schemaLocation="{SCHEMA}" '
                f'identifier="{identifier(self.item)}" title="{title}" xml:lang="{self.lang}" '
                'adaptive="false" timeDependent="false">',
                *self.responses,
                f'<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" '
                f'normalMaximum="{mark(self.item.marks)}" normalMinimum="0">{_default("0")}</outcomeDeclaration>',
                *self.outcomes,
                "<itemBody>",
                *body,
                "</itemBody>",
                "<responseProcessing>",
                *self.rules,
                "</responseProcessing>",
                *self.said,
                "</assessmentItem>\n",
            ]
        )

    def part(self, part: Part) -> str:
        """What is asked in a part, and its interactions."""
        prompt = asked(self.item, part, self.printer, self.lang)
        match part.answer:
            case Numbers(entries):
                each = part.marks / len(entries)
                return prompt + "".join(self.number(entry, each) for entry in entries)
            case Choice():
                return prompt + self.choice(part, part.answer)
            case Text():
                return prompt + self.text(part, part.answer)
            case Order():
                return prompt + self.order(part, part.answer)
            case Formula():
                return prompt + self.written(1)
            case Code(_, head):
                return f"{prompt}<pre>{html(head)}</pre>{self.written(12)}"
        raise refusal(self.item, part, CALLED)

    # ------------------------------------------------------------ interactions

    def number(self, entry: Entry, marks: Fraction) -> str:
        """The place of a number."""
        name = self.respond("float", "single", [digits(entry.key)])
        cases = [(_equal(name, entry.key), marks, "")]
        cases += [(_equal(name, value), marks * slip.credit, slip.feedback) for value, slip in mistakes(entry)]
        self.grade(name, cases)
        label = self.printer.line(entry.label)
        return f'<p>{label} = <textEntryInteraction responseIdentifier="{name}" expectedLength="12"/></p>'

    def text(self, part: Part, answer: Text) -> str:
        """The place of a short text."""
        keys = [one for accepted in answer.accepted for one in typed(accepted)]
        name = self.respond("string", "single", keys[:1])
        cases = [(_either([_string(name, one) for one in keys]), part.marks, "")]
        for wrong, slip in answer.wrong:
            cases.append((_either([_string(name, one) for one in typed(wrong)]), part.marks * slip.credit, slip.feedback))
        self.grade(name, cases)
        return f'<p><textEntryInteraction responseIdentifier="{name}" expectedLength="20"/></p>'

    def choice(self, part: Part, answer: Choice) -> str:
        """Options to choose one of."""
        spelled = [self.printer.line(option.inlines) for option in answer.options]
        order, shuffle = placed(answer, spelled), "false" if ordered(answer) else "true"
        names = {k: f"option-{place}" for place, k in enumerate(order, 1)}
        name = self.respond("identifier", "single", [names[0]])
        cases = []
        for k, option in enumerate(answer.options):
            match = f'<match><variable identifier="{name}"/>{_base("identifier", names[k])}</match>'
            cases.append((match, part.marks * option.credit, option.slip.feedback if option.slip else ""))
        self.grade(name, cases)
        told = "".join(f'<simpleChoice identifier="{names[k]}">{spelled[k]}</simpleChoice>' for k in order)
        return f'<choiceInteraction responseIdentifier="{name}" shuffle="{shuffle}" maxChoices="1">{told}</choiceInteraction>'

    def order(self, part: Part, answer: Order) -> str:
        """Lines to be put in order, or, where some belong nowhere, those that do."""
        found = arrangements(answer, ORDERS + 1)
        if len(found) > ORDERS:
            raise refusal(self.item, part, CALLED, SEVERAL)
        spelled = [self.printer.line(line) for line in (*answer.lines, *(line for line, _ in answer.wrong))]
        order = mixed(spelled)
        names = {k: f"line-{place}" for place, k in enumerate(order, 1)}
        name = self.respond("identifier", "ordered", [names[k] for k in found[0]])
        right = [
            f'<match><variable identifier="{name}"/><ordered>'
            f"{''.join(_base('identifier', names[k]) for k in one)}</ordered></match>"
            for one in found
        ]
        cases = [(_either(right), part.marks, "")]
        for k, (_, slip) in enumerate(answer.wrong, len(answer.lines)):
            member = f'<member>{_base("identifier", names[k])}<variable identifier="{name}"/></member>'
            cases.append((member, part.marks * slip.credit, slip.feedback))
        self.grade(name, cases)
        told = "".join(f'<simpleChoice identifier="{names[k]}">{spelled[k]}</simpleChoice>' for k in order)
        some = f' minChoices="1" maxChoices="{len(spelled)}"' if answer.wrong else ""
        return f'<orderInteraction responseIdentifier="{name}" shuffle="true"{some}>{told}</orderInteraction>'

    def written(self, lines: int) -> str:
        """A place for what a person reads: nothing is earned here by itself."""
        name = self.respond("string", "single", [])
        return f'<extendedTextInteraction responseIdentifier="{name}" expectedLines="{lines}"/>'

    # ------------------------------------------------------------ declarations and rules

    def respond(self, kind: str, cardinality: str, right: Sequence[str]) -> str:
        """Declare a response with the right one, and name it."""
        name = f"RESPONSE-{len(self.responses) + 1}"
        values = "".join(f"<value>{html(value)}</value>" for value in right)
        known = f"<correctResponse>{values}</correctResponse>" if right else ""
        about = f'identifier="{name}" cardinality="{cardinality}" baseType="{kind}"'
        self.responses.append(f"<responseDeclaration {about}>{known}</responseDeclaration>")
        return name

    def grade(self, name: str, cases: Sequence[tuple[str, Fraction, str]]) -> None:
        """What a response earns, and what is said of it: that of the first condition that it meets."""
        number = name.rpartition("-")[2]
        score, why = f"SCORE-{number}", f"FEEDBACK-{number}"
        self.scores.append(score)
        self.outcomes += [_outcome(score, "float", _default("0")), _outcome(why, "identifier")]
        branches = []
        for k, (condition, earned, feedback) in enumerate(cases):
            rules = _set(score, _base("float", mark(earned)))
            if feedback:
                rules += _set(why, _base("identifier", f"said-{number}-{k}"))
                self.said.append(_modal(why, f"said-{number}-{k}", f"<p>{html(feedback)}</p>"))
            branch = "responseElseIf" if k else "responseIf"
            branches.append(f"<{branch}>{condition}{rules}</{branch}>")
        self.rules.append("<responseCondition>" + "\n".join(branches) + "</responseCondition>")


def _outcome(name: str, kind: str, default: str = "") -> str:
    return f'<outcomeDeclaration identifier="{name}" cardinality="single" baseType="{kind}">{default}</outcomeDeclaration>'


def _default(value: str) -> str:
    return f"<defaultValue><value>{value}</value></defaultValue>"


def _set(name: str, expression: str) -> str:
    return f'<setOutcomeValue identifier="{name}">{expression}</setOutcomeValue>'


def _base(kind: str, value: str) -> str:
    return f'<baseValue baseType="{kind}">{html(value)}</baseValue>'


def _modal(outcome: str, name: str, content: str) -> str:
    return f'<modalFeedback outcomeIdentifier="{outcome}" identifier="{name}" showHide="show">{content}</modalFeedback>'


def _equal(name: str, value: Value) -> str:
    mode = f'toleranceMode="absolute" tolerance="{margin(value)} {margin(value)}"' if value.tolerance else 'toleranceMode="exact"'
    return f'<equal {mode}><variable identifier="{name}"/>{_base("float", digits(value))}</equal>'


def _string(name: str, value: str) -> str:
    return f'<stringMatch caseSensitive="true"><variable identifier="{name}"/>{_base("string", value)}</stringMatch>'


def _either(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"<or>{''.join(conditions)}</or>"
