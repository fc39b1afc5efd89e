"""Moodle XML: a category for each question, in it one question for each of its states.

What Moodle's importer does was read in its source: it takes a credit only from a list of its own, to five decimals; a decimal
comma ends a number; a number without a tolerance has to be met exactly; a second question with an idnumber loses it.  A question
of several parts is one cloze as far as its parts have a place there, since Moodle draws each question by itself.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from fractions import Fraction

from derive import marks
from derive.exams.formats import cloze
from derive.exams.formats.bank import (
    NOWHERE,
    SEVERAL,
    Bank,
    arrangements,
    decimal,
    digits,
    mark,
    mistakes,
    mixed,
    ordered,
    placed,
    places,
    refusal,
    shelf,
    tags,
    typed,
    weights,
)
from derive.exams.formats.html import TexPrinter, asked, solution, words
from derive.exams.item import Choice, Code, Entry, Formula, Item, Numbers, Order, Part, Text
from derive.naming import one_line, slug
from derive.teaching.formats.escape import html

CALLED = "Moodle XML"

HEAD, TAIL = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- {mark} -->\n<quiz>\n', "</quiz>\n"

Placed = tuple[str, str]
"""A question, behind the name of its category."""


class Moodle:
    """Spells the questions of a bank."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.printer = TexPrinter(bank.source, bank.lang, lambda name, content: f"@@PLUGINFILE@@/{name}")
        self.top = f"$course$/top/{_step(shelf(bank))}"

    def write(self) -> Iterator[str]:
        """The file, piece by piece."""
        yield HEAD.format(mark=marks.mark(self.bank.source))
        before = ""
        for item in self.bank.items:
            for category, question in self.questions(item):
                if category != before:
                    yield f'<question type="category"><category><text>{category}</text></category></question>\n'
                yield question
                before = category
        yield TAIL

    def questions(self, item: Item) -> list[Placed]:
        """The questions that a question in one state becomes: those of its parts that a cloze holds are one."""
        together = [part for part in item.parts if isinstance(part.answer, cloze.EMBEDDED)]
        groups = [tuple(together)] if together else []
        groups += [(part,) for part in item.parts if part not in together]
        return [self.question(item, group, len(groups) > 1) for group in groups]

    def question(self, item: Item, parts: Sequence[Part], several: bool) -> Placed:
        """One question, about some parts of an item."""
        number = "".join(f"-{item.parts.index(part) + 1}" for part in parts) if several else ""
        title = words(item.title) or item.name
        category = f"{self.top}/{_step(title)}{f' {number[1:]}' if number else ''}"
        name = html(one_line(f"{title} {item.state}{number}", 250))
        about = [
            f"<name><text>{name}</text></name>",
            f"<idnumber>{html(slug(item.name, 60))}-{item.state}{number}-{item.lang}</idnumber>",
            self.field("generalfeedback", solution(item, parts, self.printer)),
            "<tags>" + "".join(f"<tag><text>{html(tag)}</text></tag>" for tag in tags(item, parts)) + "</tags>",
        ]
        if len(parts) > 1 or places(parts[0].answer) > 1:
            kind, told = "multianswer", [self.cloze(item, parts)]
        else:
            kind, told = self.native(item, parts[0])
            about.append(f"<defaultgrade>{mark(parts[0].marks)}</defaultgrade>")
        return category, f'<question type="{kind}">\n' + "\n".join([*about, *told]) + "\n</question>\n"

    # ------------------------------------------------------------ texts

    def field(self, tag: str, fragment: str) -> str:
        """A piece of HTML in an element of its own, with the files of its pictures."""
        files = "".join(
            f'<file name="{html(name)}" path="/" encoding="base64">{b64encode(content).decode()}</file>'
            for name, content in self.printer.taken().items()
        )
        return f'<{tag} format="html">{text(fragment)}{files}</{tag}>'

    def cloze(self, item: Item, parts: Sequence[Part]) -> str:
        """The text of a cloze."""
        told = [cloze.prose(self.printer.page(item.body))]
        for part, weight in zip(parts, weights(parts), strict=True):
            told.append(cloze.prose(asked(item, part, self.printer, self.bank.lang)))
            match part.answer:
                case Numbers(entries):
                    for entry in entries:
                        label = cloze.prose(self.printer.line(entry.label))
                        told.append(f"<p>{label} = {cloze.number(entry, weight)}</p>")
                case Choice():
                    told.append(f"<p>{cloze.choice(part.answer, weight, self.printer.line)}</p>")
                case Text():
                    told.append(f"<p>{cloze.text(part.answer, weight)}</p>")
        return self.field("questiontext", "".join(told))

    # ------------------------------------------------------------ kinds

    def native(self, item: Item, part: Part) -> tuple[str, list[str]]:
        """The kind that a part is asked by, and its elements."""
        label = f"<p>{self.printer.line(part.answer.entries[0].label)} =</p>" if isinstance(part.answer, Numbers) else ""
        prompt = asked(item, part, self.printer, self.bank.lang)
        question = self.field("questiontext", self.printer.page(item.body) + prompt + label)
        match part.answer:
            case Numbers((entry,)):
                kind, told = "numerical", self.number(entry)
            case Choice():
                kind, told = "multichoice", self.choice(part.answer)
            case Text():
                kind, told = "shortanswer", ["<usecase>1</usecase>", *self.text(part.answer)]
            case Formula(_, shown):
                kind, told = "essay", _essay("plain", "", self.field("graderinfo", f"<p>{self.printer.line(shown)}</p>"))
            case Code(_, head, solution, checks):
                key = html("\n".join([head, solution, "", *checks]))
                kind, told = "essay", _essay("monospaced", head, self.field("graderinfo", f"<pre>{key}</pre>"))
            case Order():
                kind, told = self.order(item, part, part.answer)
            case _:
                raise refusal(item, part, CALLED)
        return kind, [question, *told]

    def number(self, entry: Entry) -> list[str]:
        """The answers of a number."""
        told = [_answer(Fraction(1), digits(entry.key), "", decimal(entry.key.tolerance))]
        told += [_answer(slip.credit, digits(value), slip.feedback, decimal(value.tolerance)) for value, slip in mistakes(entry)]
        return told

    def choice(self, answer: Choice) -> list[str]:
        """The options of a choice, which Moodle shuffles where a quiz lets it."""
        spelled = [self.printer.line(option.inlines) for option in answer.options]
        shuffle = "false" if ordered(answer) else "true"
        told = ["<single>true</single>", f"<shuffleanswers>{shuffle}</shuffleanswers>", "<answernumbering>abc</answernumbering>"]
        for k in placed(answer, spelled):
            slip = answer.options[k].slip
            told.append(_answer(answer.options[k].credit, f"<p>{spelled[k]}</p>", slip.feedback if slip else "", rich=True))
        return told

    def text(self, answer: Text) -> Iterator[str]:
        """The answers of a short text."""
        for accepted in answer.accepted:
            for one in typed(accepted):
                yield _answer(Fraction(1), cloze.starred(one), "")
        for wrong, slip in answer.wrong:
            for one in typed(wrong):
                yield _answer(slip.credit, cloze.starred(one), slip.feedback)

    def order(self, item: Item, part: Part, answer: Order) -> tuple[str, list[str]]:
        """Lines to be put in order; where some belong nowhere, each is given its number, or a dash."""
        found = arrangements(answer)
        if len(found) != 1:
            raise refusal(item, part, CALLED, SEVERAL)
        lines = [self.printer.line(answer.lines[k]) for k in found[0]]
        if not answer.wrong:
            told = [
                "<layouttype>VERTICAL</layouttype>",
                "<selecttype>ALL</selecttype>",
                f"<selectcount>{len(lines)}</selectcount>",
            ]
            told += ["<gradingtype>RELATIVE_ALL_PREVIOUS_AND_NEXT</gradingtype>", "<showgrading>HIDE</showgrading>"]
            told += [f'<answer fraction="{k}" format="html">{text(line)}</answer>' for k, line in enumerate(lines, 1)]
            return "ordering", told
        pairs = [(line, str(k)) for k, line in enumerate(lines, 1)]
        pairs += [(self.printer.line(line), NOWHERE) for line, _ in answer.wrong]
        told = ["<shuffleanswers>true</shuffleanswers>"]
        for k in mixed([line for line, _ in pairs]):
            line, place = pairs[k]
            told.append(f'<subquestion format="html">{text(line)}<answer>{text(place)}</answer></subquestion>')
        return "matching", told


def text(content: str) -> str:
    """Text of an element, as it is."""
    return f"<text><![CDATA[{content.replace(']]>', ']]]]><![CDATA[>')}]]></text>"


def _answer(credit: Fraction, answer: str, feedback: str, tolerance: str = "", rich: bool = False) -> str:
    said = f'<feedback format="html">{text(f"<p>{html(feedback)}</p>")}</feedback>' if feedback else ""
    margin = f"<tolerance>{tolerance}</tolerance>" if tolerance else ""
    form = "html" if rich else "moodle_auto_format"
    return f'<answer fraction="{cloze.listed(credit)}" format="{form}">{text(answer)}{said}{margin}</answer>'


def _essay(form: str, template: str, grader: str) -> list[str]:
    given = [f'<responsetemplate format="plain_text">{text(template)}</responsetemplate>'] if template else []
    return [f"<responseformat>{form}</responseformat>", "<responserequired>1</responserequired>", grader, *given]


def _step(title: str) -> str:
    """A title as one step of the path of a category, in which a slash is doubled."""
    return html(one_line(title, 200)).replace("/", "//")


def moodle(bank: Bank) -> Iterator[str]:
    """The file of a bank, piece by piece."""
    return Moodle(bank).write()
