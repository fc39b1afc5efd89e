"""Questions with their keys and mistakes, one of every kind of answer, in a few lines each."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derive.exams.formats.bank import Bank
from derive.exams.item import Answer, Choice, Code, Entry, Formula, Item, Numbers, Option, Order, Part, Slip, Text, Value
from derive.notation.layout import Sign
from derive.teaching.document import CodeBlock, Equation, Inlines, Math, Paragraph, Picture, Raw, inlines

NASTY = "{1:SA:=x~%100%y#z} {#1} a~b=c#d{e}f:g\\h ]]> <b>&amp;</b> \\(x\\) \\[y\\] $$z$$ {{w}} \x07\x1b \"'` é ∂ 漢 😀 // -> ::"
"""Words that mean something in every format."""

SLOPE = Slip("slope", "The slope is missing: 5 < 6 & {7}.", Fraction(1, 4))
SIGN = Slip("sign", "A minus sign was lost.", Fraction(1, 3))
NOTHING = Slip("factor", "Nothing of it is right.", Fraction(0))


def value(digits: str, tolerance: str = "0") -> Value:
    return Value(digits, Fraction(tolerance), inlines(Sign(digits, digits)))


def entry(label: str, key: Value, *wrong: tuple[Value, Slip]) -> Entry:
    return Entry(inlines(Sign(label, label)), key, wrong, not key.tolerance)


def part(name: str, kind: str, marks: str, answer: Answer) -> Part:
    solution = (Paragraph(inlines("Solution of ", name)), Equation(Raw(r"\frac{1}{2} < 1")))
    return Part(name, kind, inlines("Compute ", Sign("f", "f"), "."), Fraction(marks), answer, solution=solution)


def item(name: str, *parts: Part, title: str = "", words: str = "Given.", state: int = 1) -> Item:
    body = (Paragraph(inlines(words, Math(Raw(r"x_{1} < y")))),)
    return Item(name, state, "en", inlines(title or name), body, parts, "ea]sy")


def raw(code: str) -> Inlines:
    return (Math(Raw(code)),)


NUMBER = Numbers((entry("f", value("0.2500", "0.0001"), (value("0.5000", "0.0001"), SLOPE), (value("-0.2500", "0.0001"), SIGN)),))
EXACT = Numbers((entry("g", value("-20"), (value("20"), SIGN), (value("1e-5"), NOTHING)),))
TENSOR = Numbers(
    (
        entry("a_{1}", value("1"), (value("0"), NOTHING), (value("0"), SLOPE)),
        entry("a_{2}", value("2"), (value("4"), SIGN), (value("2"), NOTHING)),
        entry("a_{3}", value("3")),
    ),
    (3,),
)
CHOICE = Choice(
    (
        Option(raw(r"\frac{1}{2}")),
        Option(raw(r"\left\{1\right\}\#2"), SLOPE),
        Option(raw(r"a\\b~c=d"), SIGN),
        Option(inlines("none: {of} these"), NOTHING),
    )
)
SHAPE = Text(("(3,2)", "3*2"), inlines("(3, 2)"), (("(2,3)", SIGN), ("{6}", NOTHING)))
FORMULA = Formula("2*x", inlines(Sign("2x", "2x")), "f = x**2", "f", "x", (("x", SLOPE),))
CHAIN = Order((inlines("first"), inlines(Sign("b_{2}", "b")), inlines("third")), ((), (0,), (1,)))
FORK = Order((inlines("top"), inlines("left"), inlines("right")), ((), (0,), (0,)))
TRAPPED = Order((inlines("first"), inlines("second")), ((), (0,)), ((inlines("never"), NOTHING), (inlines("nor this"), SIGN)))
CODE = Code("double", "def double(x):", "    return 2*x", ("assert double(3) == 6", "assert double(-1) == -2"))

QUESTIONS: dict[str, Item] = {
    one.name: one
    for one in (
        item("number", part("number.1", "value", "2", NUMBER)),
        item("several", part("several.1", "value", "1", EXACT), part("several.2", "gradient", "1.5", TENSOR)),
        item("tensor", part("tensor.1", "gradient", "3", TENSOR)),
        item("choice", part("choice.1", "formula", "1", CHOICE)),
        item("shape", part("shape.1", "shape", "1", SHAPE)),
        item(
            "mixed",
            part("mixed.1", "formula", "1", CHOICE),
            part("mixed.2", "value", "2", NUMBER),
            part("mixed.3", "shape", "1", SHAPE),
        ),
        item("nasty", part("nasty.1", "value", "1", EXACT), part("nasty.2", "formula", "2", CHOICE), title=NASTY, words=NASTY),
        item("formula", part("formula.1", "formula", "2", FORMULA)),
        item("code", part("code.1", "code", "4", CODE)),
        item("chain", part("chain.1", "order", "1", CHAIN)),
        item("trapped", part("trapped.1", "order", "1", TRAPPED)),
        item("fork", part("fork.1", "order", "1", FORK)),
    )
}


def bank(items: Iterable[Item], title: str = "Exam 1/2") -> Bank:
    """Some questions as a bank."""
    return Bank("exam", title, "en", tuple(items), "exam.md")


def pictured(content: bytes = b"<svg xmlns='http://www.w3.org/2000/svg'/>") -> Item:
    """A question with a picture in it."""
    picture = Picture("graph", {"svg": lambda: content}, 'a "graph"')
    one = item("pictured", part("pictured.1", "value", "1", NUMBER))
    return Item(one.name, 7, "en", one.title, (*one.body, picture, CodeBlock("a < b\n\nc")), one.parts)
