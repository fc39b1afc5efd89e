"""How many variants of a five-question exam an exporter spells in a second, and in how much memory, on one core.

The questions are made here, without the engine: every state has other numbers, other mistakes and another solution, under the
same words.  `python benchmarks/exports.py [VARIANTS]`
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from fractions import Fraction

from derive.exams.formats.bank import Bank
from derive.exams.formats.exports import EXPORTS, export, pieces
from derive.exams.item import Choice, Entry, Item, Numbers, Option, Part, Slip, Value
from derive.notation.layout import EQUALS, Frac, Sign, row
from derive.teaching.document import Equation, Inlines, Line, Paragraph, Raw, Steps, inlines

QUESTIONS = 5
SLIPS = [Slip(f"mistake-{k}", f"This is what went wrong, in one sentence, number {k}.", Fraction(k, 8)) for k in range(4)]
LABEL = Frac(row(Sign(r"\partial ", "∂"), Sign("L", "L")), row(Sign(r"\partial ", "∂"), Sign("w", "w")))


def value(number: int) -> Value:
    """A number with four digits."""
    digits = f"{number / 1000:.4f}"
    return Value(digits, Fraction(1, 10000), inlines(Sign(digits, digits)))


def numbers(seed: int) -> Numbers:
    """Three numbers to be given, each with four mistakes."""
    entries = []
    for k in range(3):
        wrong = tuple((value(seed + 7 * k + 100 * n), slip) for n, slip in enumerate(SLIPS, 1))
        entries.append(Entry(inlines(LABEL), value(seed + 7 * k), wrong, False))
    return Numbers(tuple(entries), (3,))


def choice(seed: int) -> Choice:
    """A number among four others."""
    told: list[Inlines] = [inlines(row(LABEL, EQUALS, value(seed + 100 * k).shown[0].body)) for k in range(5)]  # type: ignore[union-attr]
    return Choice((Option(told[0]), *(Option(one, slip) for one, slip in zip(told[1:], SLIPS, strict=True))))


def item(question: int, state: int) -> Item:
    """A question of two parts in one of its states."""
    seed = 1000 * question + state
    digits = f"{seed / 100:.2f}"
    given = Sign(f"x_{{{question}}} = {digits}", f"x = {digits}")
    lines = tuple(Line(row(Sign(f"{seed + k}", f"{seed + k}"), LABEL), EQUALS) for k in range(6))
    parts = tuple(
        Part(f"q{question}.{n}", "gradient", inlines("Compute ", LABEL, "."), Fraction(n), answer, solution=(Steps(lines),))
        for n, answer in ((1, numbers(seed)), (2, choice(seed)))
    )
    body = (
        Equation(Raw(r"L = (\sigma(w x + b) - y)^2")),
        Paragraph(inlines("The neuron is given an input, ", given, ", and answers.")),
    )
    return Item(f"q{question}", state, "en", inlines(f"Question {question}"), body, parts)


def items(variants: int) -> Iterator[Item]:
    """So many states of each question, one question after the other."""
    return (item(question, state) for question in range(1, QUESTIONS + 1) for state in range(variants))


def spelled(name: str, variants: int) -> float:
    """The seconds that an exporter takes, without those that making the questions takes."""
    start = time.process_time()
    for _ in items(variants):
        pass
    made = time.process_time()
    bank = Bank("exam", "Exam", "en", items(variants))
    if EXPORTS[name].pieces:
        for _ in pieces(bank, name):
            pass
    else:
        export(bank, name)
    return time.process_time() - made - (made - start)


def main() -> None:
    """Print a line for each exporter."""
    variants = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for name, form in EXPORTS.items():
        if not {Numbers, Choice} <= set(form.takes):
            continue
        seconds = spelled(name, variants)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name:13} {variants / seconds:6.0f} variants a second, at most {peak} MiB")


if __name__ == "__main__":
    main()
