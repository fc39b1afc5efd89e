"""Students who make mistakes that are planted, and students who are right in other words: what grading finds.

    python tests/oracles/planted_students.py [--wrong 1000] [--right 2000] [--seed 1] [EXAM …]

Mistakes are planted as numbers (written in several ways), options, formulas, orders of lines; a right answer is written as a
fraction, with a comma, with a power of ten, with zeros behind it, as another form of the same formula.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from derive.exams.grading import Grader  # noqa: E402
from derive.exams.item import Choice, Formula, Item, Numbers, Order, Paper, Part, Text, Value  # noqa: E402
from derive.exams.manifest import manifest, read_manifest  # noqa: E402
from derive.exams.papers import Papers, papers  # noqa: E402
from derive.exams.roster import numbered  # noqa: E402
from derive.exams.sheets import LETTERS  # noqa: E402
from derive.exams.source import open_exam  # noqa: E402
from derive.notation.style import decimal  # noqa: E402


def right_answers(part: Part, paper: Paper, draw: random.Random) -> Iterator[str]:
    """The key of a part, in words of several students."""
    match part.answer:
        case Numbers(entries):
            for _ in range(2):
                between = draw.choice(["; ", "\n", " ; "])
                yield between.join(written(entry.key, draw, len(entries) > 1) for entry in entries)
        case Choice():
            letter = LETTERS[paper.orders[part.name].index(0)]
            yield draw.choice([letter, letter.upper(), f"({letter})", f"{letter})", f" {letter} "])
        case Order():
            yield draw.choice([", ", " ", ""]).join(
                LETTERS[paper.orders[part.name].index(k)] for k in _topological(part.answer, draw)
            )
        case Text(accepted):
            text = draw.choice(accepted)
            yield draw.choice([text, f"({text})", f"[{text}]", text.replace(",", ", "), text.replace(",", " x ")])
        case Formula(key, of=of):
            yield key
            yield f"{of} = {key}"
            yield f"$({key}) \\cdot 1$"
            yield rf"\frac{{2}}{{2}}\left({key}\right) + 0"


def _topological(order: Order, draw: random.Random) -> list[int]:
    """An order in which each line stands below those that it needs."""
    left, found = set(range(len(order.lines))), list[int]()
    while left:
        ready = [k for k in sorted(left) if not left & set(order.before[k])]
        found.append(draw.choice(ready))
        left.remove(found[-1])
    return found


def written(value: Value, draw: random.Random, several: bool) -> str:
    """A number as some student writes it."""
    number, digits = value.number, value.digits
    mantissa, _, power = digits.partition("e")
    exact = Fraction(mantissa) * Fraction(10) ** int(power or 0)
    plain = decimal(exact) or digits
    forms = [digits, plain, plain.replace("-", "−"), plain.replace(".", ",")]
    if "." in plain:
        forms += [plain + "0", plain + "00"]
    elif not several:
        forms.append(f"{plain}.0")
    forms += [f"{number.numerator}/{number.denominator}"] if number.denominator > 1 and value.tolerance == 0 else []
    forms += [f"+{plain}"] if number > 0 else []
    if number:
        forms.append(f"{decimal(number / 100)}e2")
        forms.append(f"{decimal(number * 10)}·10^-1")
    return draw.choice([form for form in forms if form and "None" not in form])


def wrong_answers(part: Part, paper: Paper, draw: random.Random) -> Iterator[tuple[str, str]]:
    """What students hand in who make a mistake, and the mistake."""
    match part.answer:
        case Numbers(wrong=wrong):
            for values, slip in wrong:
                yield "; ".join(written(value, draw, len(values) > 1) for value in values), slip.mistake
        case Choice(options):
            for place, k in enumerate(paper.orders[part.name]):
                if (slip := options[k].slip) is not None:
                    yield LETTERS[place], slip.mistake
        case Order(lines, _, wrong):
            order = paper.orders[part.name]
            for n, (_, slip) in enumerate(wrong):
                places = [*range(len(lines)), len(lines) + n]
                yield ", ".join(LETTERS[order.index(k)] for k in places), slip.mistake
        case Text(wrong=wrong):
            for text, slip in wrong:
                yield text, slip.mistake
        case Formula(wrong=wrong):
            for text, slip in wrong:
                yield text, slip.mistake


def parts_of(found: Papers, paper: Paper) -> list[Part]:
    items: list[Item] = found.items(paper, found.exam.langs[0])
    return [part for item in items for part in item.parts]


def planted(found: Papers, wrong: int, right: int, seed: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """How often mistakes were named (or `other`, `wrong`, `person`, `right`), how right answers were marked, what was off."""
    draw = random.Random(seed)
    grader = Grader(read_manifest(manifest(found)))
    named: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    off: list[str] = []
    for paper in found.papers:
        for part in parts_of(found, paper):
            for answer, mistake in wrong_answers(part, paper, draw):
                if named.total() >= wrong:
                    break
                (graded,) = (p for p in grader.sheet(paper.student, {part.name: answer}).parts if p.part == part.name)
                kind = "named" if mistake in graded.mistakes else "other" if graded.mistakes else graded.verdict
                named[kind] += 1
                if kind != "named":
                    off.append(
                        f"{part.name} of {paper.student}: {answer!r} is {mistake}, said {graded.verdict} {graded.mistakes}"
                    )
            for answer in right_answers(part, paper, draw):
                if marked.total() >= right:
                    break
                (graded,) = (p for p in grader.sheet(paper.student, {part.name: answer}).parts if p.part == part.name)
                marked[graded.verdict] += 1
                if graded.verdict not in ("right", "person"):
                    off.append(f"{part.name} of {paper.student}: {answer!r} is right, said {graded.verdict} {graded.why}")
    return named, marked, off


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exams", nargs="*", type=Path, default=sorted((ROOT / "exams").glob("*.md")))
    parser.add_argument("--wrong", type=int, default=1000)
    parser.add_argument("--right", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    named: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    share = len(options.exams)
    for path in options.exams:
        exam = open_exam(path)
        found = papers(exam, b"planted students", numbered(4))
        one, other, off = planted(found, -(-options.wrong // share), -(-options.right // share), options.seed)
        named += one
        marked += other
        print(f"{path.name}: mistakes {dict(one)}, right answers {dict(other)}", flush=True)
        for line in off[:20]:
            print("   ", line[:300])
    rate = named["named"] / max(1, named.total())
    print(f"mistakes named: {named['named']} of {named.total()} ({rate:.1%}); right answers: {dict(marked)}")
    return int(rate < 0.95 or marked.total() > marked["right"] + marked["person"])


if __name__ == "__main__":
    sys.exit(main())
