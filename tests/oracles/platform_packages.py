"""Readers of the packages that learning platforms import, written from what their formats say, and graders of answers to them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from oracles.platform_texts import Graded, Place, Question, plain

# ---------------------------------------------------------------- packages


def package(content: bytes) -> dict[str, str]:
    """The texts of a package."""
    with zipfile.ZipFile(BytesIO(content)) as files:
        assert files.testzip() is None
        return {name: files.read(name).decode() for name in files.namelist()}


def _bare(one: ElementTree.Element) -> ElementTree.Element:
    """The same without namespaces."""
    for element in one.iter():
        element.tag = element.tag.rpartition("}")[2]
    return one


# ---------------------------------------------------------------- QTI 2.1


@dataclass(frozen=True)
class QtiItem:
    """An item of QTI 2.1, whose response processing runs."""

    root: ElementTree.Element

    @property
    def responses(self) -> list[tuple[str, str, str]]:
        """The name, the cardinality and the type of each response."""
        return [
            (r.get("identifier", ""), r.get("cardinality", ""), r.get("baseType", ""))
            for r in self.root.iter("responseDeclaration")
        ]

    def right(self) -> dict[str, Any]:
        """The response that is declared right."""
        found = {}
        for one in self.root.iter("responseDeclaration"):
            values = [value.text or "" for value in one.iter("value")]
            if values:
                found[one.get("identifier", "")] = tuple(values) if one.get("cardinality") == "ordered" else values[0]
        return found

    def run(self, given: dict[str, Any]) -> tuple[Fraction, str]:
        """The score of responses, and what is said of them, the solution aside."""
        values: dict[str, Any] = dict(given)
        for one in self.root.iter("outcomeDeclaration"):
            value = one.findtext("defaultValue/value")
            values[one.get("identifier", "")] = Fraction(value) if value is not None else None
        for rule in self.root.find("responseProcessing") or ():
            self._rule(rule, values)
        said = [
            "".join(one.itertext())
            for one in self.root.iter("modalFeedback")
            if values[one.get("outcomeIdentifier", "")] == one.get("identifier") and one.get("outcomeIdentifier") != "SOLUTION"
        ]
        return values["SCORE"], " ".join(said)

    def _rule(self, rule: ElementTree.Element, values: dict[str, Any]) -> None:
        if rule.tag == "setOutcomeValue":
            values[rule.get("identifier", "")] = self._value(rule[0], values)
            return
        assert rule.tag == "responseCondition"
        for branch in rule:
            assert branch.tag in ("responseIf", "responseElseIf")
            if self._value(branch[0], values):
                for then in branch[1:]:
                    self._rule(then, values)
                return

    def _value(self, e: ElementTree.Element, values: dict[str, Any]) -> Any:
        inner = [self._value(child, values) for child in e]
        match e.tag:
            case "variable":
                return values.get(e.get("identifier", ""))
            case "baseValue":
                return Fraction(e.text or "") if e.get("baseType") == "float" else e.text or ""
            case "sum":
                return sum(inner, Fraction(0))
            case "ordered":
                return tuple(inner)
            case "or":
                return any(inner)
            case "member":
                return inner[0] in (inner[1] or ())
            case "match":
                return inner[0] == inner[1]
            case "stringMatch":
                assert e.get("caseSensitive") == "true"
                return inner[0] == inner[1]
            case "equal":
                if inner[0] is None:
                    return False
                margins = [Fraction(m) for m in (e.get("tolerance") or "0 0").split()]
                assert e.get("toleranceMode") == ("exact" if not any(margins) else "absolute")
                return inner[1] - margins[0] <= Fraction(inner[0]) <= inner[1] + margins[-1]
        raise AssertionError(e.tag)


def qti(content: bytes) -> dict[str, QtiItem]:
    """The items of a package, by their names."""
    files = package(content)
    manifest = _bare(ElementTree.fromstring(files["imsmanifest.xml"]))
    kinds = {r.get("href", ""): r.get("type") for r in manifest.iter("resource")}
    listed = {file.get("href", "") for file in manifest.iter("file")}
    assert listed == files.keys() - {"imsmanifest.xml"}
    items = [href for href, kind in kinds.items() if kind == "imsqti_item_xmlv2p1"]
    test = _bare(ElementTree.fromstring(files["test.xml"]))
    assert [ref.get("href") for ref in test.iter("assessmentItemRef")] == items
    found = [_bare(ElementTree.fromstring(files[href])) for href in items]
    return {root.get("identifier", ""): QtiItem(root) for root in found}


_ITEM = ("responseDeclaration", "outcomeDeclaration", "itemBody", "responseProcessing", "modalFeedback")
"""The parts of an item, in their order."""

_BLOCKS = {
    "p",
    "div",
    "pre",
    "ul",
    "ol",
    "table",
    "blockquote",
    "h3",
    "choiceInteraction",
    "orderInteraction",
    "extendedTextInteraction",
}
_INLINE = {"em", "strong", "code", "a", "br", "sup", "sub", "img", "span", "math", "textEntryInteraction"}
_NEEDED = {
    "responseDeclaration": {"identifier", "cardinality", "baseType"},
    "outcomeDeclaration": {"identifier", "cardinality", "baseType"},
    "choiceInteraction": {"responseIdentifier", "shuffle", "maxChoices"},
    "orderInteraction": {"responseIdentifier", "shuffle"},
    "extendedTextInteraction": {"responseIdentifier"},
    "textEntryInteraction": {"responseIdentifier"},
    "simpleChoice": {"identifier"},
    "modalFeedback": {"outcomeIdentifier", "identifier", "showHide"},
    "baseValue": {"baseType"},
    "variable": {"identifier"},
    "setOutcomeValue": {"identifier"},
    "equal": {"toleranceMode"},
    "stringMatch": {"caseSensitive"},
    "img": {"src", "alt"},
}
"""The attributes that elements must have."""


def check_qti(root: ElementTree.Element) -> None:
    """What the schema of QTI 2.1 asks of those of its elements that an item here is made of."""
    assert {"identifier", "title", "adaptive", "timeDependent"} <= set(root.keys())
    kinds = [_ITEM.index(one.tag) for one in root]
    assert kinds == sorted(kinds)
    assert kinds.count(_ITEM.index("itemBody")) == kinds.count(_ITEM.index("responseProcessing")) == 1
    known = {one.get("identifier") for one in root if one.tag in _ITEM[:2]}
    assert len(known) == sum(one.tag in _ITEM[:2] for one in root)
    for one in root.iter():
        assert _NEEDED.get(one.tag, set()) <= set(one.keys()), one.tag
        for name in ("identifier", "responseIdentifier", "outcomeIdentifier"):
            assert re.fullmatch(r"[A-Za-z_][\w.-]*", one.get(name, "_"))
        if one.tag in ("variable", "setOutcomeValue"):
            assert one.get("identifier") in known
        assert one.get("responseIdentifier", "SCORE") in known
    body = root.find("itemBody")
    assert body is not None
    _bodied(body, _BLOCKS)
    for one in root.findall("modalFeedback"):
        _bodied(one, _BLOCKS)
    responses = [one.get("responseIdentifier") for one in body.iter() if one.get("responseIdentifier")]
    assert sorted(filter(None, responses)) == sorted(one.get("identifier", "") for one in root.findall("responseDeclaration"))


def _bodied(one: ElementTree.Element, allowed: set[str]) -> None:
    """Blocks hold no bare text; what stands in a line holds no blocks."""
    bare = [one.text, *(child.tail for child in one)] if allowed is _BLOCKS else []
    assert not "".join(filter(None, bare)).strip()
    for child in one:
        assert child.tag in allowed, f"{child.tag} in {one.tag}"
        match child.tag:
            case "div" | "blockquote":
                _bodied(child, _BLOCKS)
            case "p" | "pre" | "em" | "strong" | "code" | "a" | "sup" | "sub" | "span":
                _bodied(child, _INLINE)
            case "choiceInteraction" | "orderInteraction":
                assert {choice.tag for choice in child} == {"simpleChoice"}
                names = [choice.get("identifier") for choice in child]
                assert len(set(names)) == len(names)
            case "ul" | "ol":
                assert {line.tag for line in child} == {"li"}


# ---------------------------------------------------------------- Canvas


def canvas(content: bytes) -> list[Question]:
    """The questions of a package, as Canvas makes them: whatever sets a score above 0 is right."""
    files = package(content)
    manifest = _bare(ElementTree.fromstring(files["imsmanifest.xml"]))
    (quiz,) = [r.find("file").get("href", "") for r in manifest.iter("resource") if r.get("type") == "imsqti_xmlv1p2"]  # type: ignore[union-attr]
    root = _bare(ElementTree.fromstring(files[quiz]))
    assert not [one for one in root.iter() if one.tag in ("flow", "flow_label")]
    return [_canvas_item(item, section.get("ident", "")) for section in root.iter("section") for item in section.findall("item")]


def _canvas_item(item: ElementTree.Element, section: str) -> Question:
    about = {f.findtext("fieldlabel"): f.findtext("fieldentry") for f in item.iter("qtimetadatafield")}
    said = {f.get("ident", ""): "".join(f.itertext()) for f in item.iter("itemfeedback")}
    labels = {one.get("ident", ""): one.findtext("material/mattext") or "" for one in item.iter("response_label")}
    kind = {
        "numerical_question": "number",
        "multiple_choice_question": "choice",
        "short_answer_question": "text",
        "essay_question": "written",
    }[about["question_type"] or ""]

    def grade(answer: str) -> Graded:
        given = next((name for name, text in labels.items() if text == answer), "") if kind == "choice" else answer
        score, told = Fraction(0), []
        for rule in item.iter("respcondition"):
            condition = rule.find("conditionvar")
            assert condition is not None
            # Canvas itself writes the answers that it takes side by side, though the standard would have all of them met.
            if not any(_meets(one, given, kind) for one in condition):
                continue
            told += [
                plain(said[f.get("linkrefid", "")]) for f in rule.findall("displayfeedback") if f.get("linkrefid") != "general_fb"
            ]
            if rule.find("setvar") is not None:
                score = Fraction(Fraction(rule.findtext("setvar") or "0") > 0)
            if rule.get("continue") == "No":
                break
        return score, " ".join(told)

    place = Place(kind, Fraction(about["points_possible"] or "0"), grade=grade)
    text = item.findtext("presentation/material/mattext") or ""
    return Question(item.get("ident", ""), section, text, (place,), said.get("general_fb", ""), item.get("title", ""))


def _meets(condition: ElementTree.Element, given: str, kind: str) -> bool:
    match condition.tag:
        case "other":
            return True
        case "or":
            return any(_meets(one, given, kind) for one in condition)
        case "and":
            return all(_meets(one, given, kind) for one in condition)
        case "varequal":
            return Fraction(given) == Fraction(condition.text or "") if kind == "number" else given == condition.text
        case "vargte":
            return Fraction(given) >= Fraction(condition.text or "")
        case "varlte":
            return Fraction(given) <= Fraction(condition.text or "")
    raise AssertionError(condition.tag)


# ---------------------------------------------------------------- PrairieLearn


class _Elements(HTMLParser):
    """The elements of PrairieLearn in a page, with what stands in them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[str, dict[str, str]]] = []
        self.inside: list[list[Any]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag.startswith("pl-"):
            self.inside.append([tag, {name: value or "" for name, value in attrs}, ""])
            self.found.append((tag, self.inside[-1][1]))
        else:
            self.add(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag.startswith("pl-"):
            name, attributes, text = self.inside.pop()
            assert name == tag
            attributes[""] = text
        else:
            self.add(f"</{tag}>")

    def add(self, text: str) -> None:
        for one in self.inside:
            one[2] += text

    def handle_data(self, data: str) -> None:
        self.add(data)

    def handle_entityref(self, name: str) -> None:
        self.add(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.add(f"&#{name};")


def prairielearn(content: bytes) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """The elements of each question of a package, by its folder."""
    files = package(content)
    found = {}
    for name, text in files.items():
        if name.endswith("/question.html"):
            assert "{{" not in text
            folder = name.removesuffix("/question.html")
            assert json.loads(files[f"{folder}/info.json"])["type"] == "v3"
            reader = _Elements()
            reader.feed(text)
            reader.close()
            assert not reader.inside
            found[folder] = reader.found
    drawn = [
        one["id"]
        for zone in json.loads(files["infoAssessment.json"])["zones"]
        for q in zone["questions"]
        for one in q["alternatives"]
    ]
    assert [f"questions/{name}" for name in drawn] == list(found)
    return found
