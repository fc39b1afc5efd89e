"""Lectures made wrong at random: each is refused where it is wrong, or built, in every format and in bounded time.

    python tests/oracles/random_lectures.py 5000 --seed 1 --latex 0.05

prints the lectures that end otherwise, of which every twentieth that is built is also set by pdfLaTeX.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from cases.lectures import COMPACT, PIECES
from derive.errors import DeriveError, Place
from derive.teaching.formats.render import render
from derive.teaching.lecture.kinds import build_lecture
from derive.teaching.lecture.lecture import build, read
from oracles.rendering import LatexError, compile_latex

SHIPPED = Path(__file__).parents[2] / "lectures" / "feedforward.md"

SECONDS = 20.0
"""The CPU time of one lecture: far more than any takes, and far less than without a budget."""


class Wrong(AssertionError):
    """A lecture that ends neither in a document nor in a mistake that is pointed at."""


# ---------------------------------------------------------------- the lectures


def in_line(text: str, chance: random.Random) -> str:
    """Something put in, taken out or doubled somewhere."""
    at = chance.randrange(len(text) + 1)
    length = chance.choice((1, 1, 2, 5, 20))
    match chance.randrange(4):
        case 0:
            return text[:at] + text[at + length :]
        case 1:
            return text[:at] + text[at : at + length] * chance.choice((2, 2, 3, 30)) + text[at + length :]
        case _:
            return text[:at] + chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 40)) + text[at:]


def of_lines(text: str, chance: random.Random) -> str:
    """Lines taken out, doubled, exchanged, moved right, put in a list, a quotation or a comment, or joined."""
    lines = text.split("\n")
    at, other = sorted((chance.randrange(len(lines)), chance.randrange(len(lines))))
    other = min(other, at + chance.choice((1, 2, 5, 20)))
    part = lines[at:other]
    made: Sequence[str] = chance.choice(
        (
            [],
            [*part, *part],
            part[::-1],
            [chance.choice(("  ", "    ", "- ", "> ", "# ", "| ")) + line for line in part],
            ["<!--", *part, "-->"],
            [":::fr", *part, ":::"],
            [" ".join(part)],
            [chance.choice(PIECES), *part],
            ["> " * chance.randint(1, 9) + chance.choice(PIECES), *part],
            ["  " * k + "- x" for k in range(chance.randint(1, 6))],
        )
    )
    return "\n".join([*lines[:at], *made, *lines[other:]])


def random_lecture(chance: random.Random, text: str) -> str:
    """The lecture with one to four mistakes."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        text = chance.choice((in_line, in_line, of_lines))(text, chance)
    return text


# ---------------------------------------------------------------- what becomes of them


def checked_place(place: Place | None, text: str, message: str) -> None:
    """A place is a stretch of a line of the lecture."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if place is None:
        raise Wrong(f"no place: {message}")
    if not 1 <= place.line <= len(lines) or place.text.strip() not in lines[place.line - 1].expandtabs(4) + lines[place.line - 1]:
        raise Wrong(f"the place is not in the lecture: {message} {place}")
    if not 0 <= place.start < max(1, place.end) or place.start > len(place.text):
        raise Wrong(f"the place is not in its line: {message} {place}")


def outcome(text: str, whole: bool = True, latex: bool = False) -> str:
    """What becomes of a lecture: the mistake that is pointed at, or `built`.  Raises Wrong for anything else."""
    begun = time.thread_time()
    try:
        lecture = read(text, folder=SHIPPED.parent)
        for lang in lecture.about.langs:
            document = build_lecture(lecture, lang) if whole else build(lecture, lang, lambda directive: ())
            beamer, _ = (render(document, name).text for name in ("beamer", "markdown"))
            if latex:
                with tempfile.TemporaryDirectory() as folder:
                    compile_latex(beamer, Path(folder))
        found = "built"
    except DeriveError as error:
        checked_place(error.place, text, error.message)
        str(error)
        found = re.sub(r"['\"].*?['\"]|\d+|\\\S+", "…", error.message)
    except LatexError as error:
        raise Wrong(f"LaTeX: {str(error)[:300]}") from error
    except Exception as error:
        raise Wrong(f"{type(error).__name__}: {error}") from error
    if (took := time.thread_time() - begun) > SECONDS:
        raise Wrong(f"{took:.0f} s")
    return found


def run(count: int, seed: object, latex: float = 0.0, report: Callable[[str, str], None] | None = None) -> Counter[str]:
    """What becomes of so many lectures; `report` is told of the wrong ones, else the first is raised."""
    seen: Counter[str] = Counter()
    large = SHIPPED.read_text(encoding="utf-8")
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        compact = chance.random() < 0.8
        text = random_lecture(chance, COMPACT if compact else large)
        try:
            seen[outcome(text, compact, compact and chance.random() < latex)] += 1
        except Wrong as error:
            if report is None:
                raise Wrong(f"{error}\n{text if compact else f'the shipped lecture, {seed} {number}'}") from error
            report(f"{seed} {number}: {error}", text)
            seen["WRONG"] += 1
    return seen


def main() -> int:
    """A long run, from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latex", type=float, default=0.0, help="the part of the lectures that pdfLaTeX sets")
    parser.add_argument("--show", action="store_true", help="print the wrong lectures, too")
    options = parser.parse_args()
    seen = run(options.count, options.seed, options.latex, lambda error, text: print(error, *[text] * options.show, sep="\n"))
    for what, count in seen.most_common():
        print(f"{count:7} {what}")
    return bool(seen["WRONG"])


if __name__ == "__main__":
    sys.exit(main())
