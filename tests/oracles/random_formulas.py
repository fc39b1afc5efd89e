"""Random formulas of a teacher's, right ones and nearly right ones, and what pdfLaTeX, KaTeX and MathJax say of the accepted.

    python tests/oracles/random_formulas.py 4000 --seed 1

draws formulas until so many are accepted, sets them all, and prints those that fail.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from derive.errors import DeriveError, Place
from derive.teaching.formats import escape
from derive.teaching.lecture import formulas
from oracles.rendering import Formula, web_errors

SIGNS = sorted(formulas.SIGNS)
WORDS = sorted(formulas.COMMANDS)
ENVIRONMENTS = sorted(formulas.ENVIRONMENTS)
PLAIN, DELIMITERS, ARGUMENTS, OPERATORS, SIZES, TEXTS = map(
    sorted, (formulas.PLAIN, formulas.DELIMITERS, formulas.ARGUMENTS, formulas.OPERATORS, formulas.SIZES, formulas.WORDS)
)
SYMBOLS = [*"abxyzN019+-=<>()[]|/,;:!?.*@~", "σ", "≤", "x²", "y₁₂", "é", *(f"\\{word} " for word in PLAIN)]
STRUCTURE = [
    "{",
    "}",
    "{",
    "}",
    "^",
    "_",
    "&",
    "[",
    "]",
    "(",
    ")",
    r"\\",
    "'",
    r"\left",
    r"\right",
    r"\middle",
    r"\limits",
    r"\hline",
]
OUTSIDE = [
    *(
        r"\input{canary}",
        r"\catcode`\_=12",
        "^^5c",
        r"\def\x{1}",
        r"\write18{x}",
        r"\csname",
        r"\over",
        r"\$",
        "$",
        "%",
        "#",
        "\\",
        '"',
    ),
    *(
        "`",
        "~",
        "é",
        "σ",
        "ℝ",
        "²",
        "₁",
        "ᵀ",
        "−",
        "中",
        "\u0302",
        "\x07",
        "\u200e",
        "*",
        r"\verb|x|",
        r"\hbox{x}",
        r"\kern1pt",
        r"\tag{1}",
    ),
]


class Grammar:
    """Draws formulas by the rules that an author would know, and now and then against them."""

    def __init__(self, chance: random.Random, wrong: float) -> None:
        self.chance, self.wrong = chance, wrong
        self.left = chance.randint(3, 40)

    def one(self, *of: Callable[[], str]) -> str:
        return self.chance.choice(of)()

    def pick(self, of: Sequence[str]) -> str:
        return self.chance.choice(of)

    def row(self, depth: int = 0) -> str:
        count = self.chance.choice((0, 1, 1, 2, 2, 3, 4)) if depth else self.chance.randint(1, 6)
        return self.pick(("", " ")).join(self.scripted(depth) for _ in range(count))

    def scripted(self, depth: int) -> str:
        base = self.base(depth)
        if depth > 5 or self.left < 0:
            return base
        marks = self.chance.choice((*[""] * 12, "^", "_", "_^", "^_", "'", "''_", "'^", "_'", "_'^"))
        if self.chance.random() < self.wrong:
            marks += self.pick(("^", "'", "_"))
        return base + "".join(m if m == "'" else m + self.argument(depth + 1) for m in marks)

    def base(self, depth: int) -> str:
        self.left -= 1
        if self.chance.random() < self.wrong:
            return self.pick((*STRUCTURE, *OUTSIDE, f"\\{self.pick(WORDS)}"))
        if depth > 5 or self.left < 0:
            return self.symbol()
        leaf = (self.symbol, self.symbol, self.sign, self.words)
        nest = (self.group, self.command, self.command, self.operator, self.fence, self.sized, self.environment)
        return self.one(*leaf, *(partial(draw, depth + 1) for draw in nest))

    def symbol(self) -> str:
        return self.pick(SYMBOLS)

    def sign(self) -> str:
        return "\\" + self.pick(SIGNS)

    def group(self, depth: int) -> str:
        return f"{{{self.row(depth)}}}"

    def argument(self, depth: int) -> str:
        return self.one(lambda: self.group(depth), lambda: self.group(depth), self.symbol, lambda: self.base(depth))

    def command(self, depth: int) -> str:
        name = self.pick(ARGUMENTS)
        optional = f"[{self.row(depth)}]" if name in formulas.OPTIONAL and self.chance.random() < 0.5 else ""
        if name in formulas.ALPHABETS:
            return rf"\{name}{{{self.pick(('R', 'L', 'AB', 'x', '1'))}}}"
        if name == "substack":
            return r"\substack{" + r" \\ ".join(self.row(depth) for _ in range(self.chance.randint(1, 3))) + "}"
        star = self.pick(("", "*")) if name == "operatorname" else ""
        return rf"\{name}{star}{optional} " + " ".join(self.argument(depth) for _ in range(formulas.ARGUMENTS[name]))

    def operator(self, depth: int) -> str:
        return f"\\{self.pick(OPERATORS)}{self.pick(('', '', ' ', chr(92) + 'limits', chr(92) + 'nolimits'))} "

    def delimiter(self) -> str:
        return self.pick(DELIMITERS) + " "

    def fence(self, depth: int) -> str:
        middle = rf" \middle{self.delimiter()}{self.row(depth)}" if self.chance.random() < 0.3 else ""
        return rf"\left{self.delimiter()}{self.row(depth)}{middle} \right{self.delimiter()}"

    def sized(self, depth: int) -> str:
        return rf"\{self.pick(SIZES)}{self.delimiter()}"

    def words(self) -> str:
        text = "".join(self.pick([*"abc é XYZ 09 ,.;:!?()[]|<>/*=+-'\"@~", r"\%", r"\ ", "%", "#", "–", "’"]) for _ in range(4))
        return rf"\{self.pick(TEXTS)}{{{text}}}"

    def environment(self, depth: int) -> str:
        name = self.pick(ENVIRONMENTS)
        columns = self.chance.randint(1, min(4, formulas.ENVIRONMENTS[name].columns))
        spec = f"{{{self.pick(('', '|'))}{'|'.join(self.pick('lcr') for _ in range(columns))}}}" if name == "array" else ""
        rows = [
            (self.pick(("", r"\hline ")) if name == "array" else "") + " & ".join(self.row(depth) for _ in range(columns))
            for _ in range(self.chance.randint(1, 3))
        ]
        ends = [self.pick((r" \\ ", r" \\[2pt] ", "\\\\")) for _ in rows]
        return rf"\begin{{{name}}}{spec} {''.join(r + e for r, e in zip(rows, ends, strict=True))}\end{{{name}}}"


def example(command: str) -> str:
    """A formula that uses a command."""
    if command in ("left", "right", "middle"):
        return r"\left( a \middle| b \right)"
    if command in formulas.SIZES:
        return rf"\{command}("
    special = {"hline": r"\begin{array}{c} a \\ \hline b \end{array}", "limits": r"\sum\limits_i", "nolimits": r"\sum\nolimits_i"}
    argument = "{R}" if command in formulas.ALPHABETS else "{x}"
    return special.get(command, "\\" + command + argument * (formulas.ARGUMENTS.get(command, 0) or command in formulas.WORDS))


EXAMPLES = [
    *map(example, sorted(formulas.COMMANDS)),
    *(rf"a\{sign}b" for sign in sorted(formulas.SIGNS)),
    *(rf"\begin{{{name}}}{'{cc}' if name == 'array' else ''} a \\ b \end{{{name}}}" for name in sorted(formulas.ENVIRONMENTS)),
    *(rf"\left{delimiter} a \right{delimiter}" for delimiter in sorted(formulas.DELIMITERS)),
    *sorted(formulas.CHARACTERS),
    *(rf"\text{{{sign}}}" for sign in sorted(formulas.TEXT_CHARACTERS - set(" |<>"))),
]
"""Every command, sign, environment, delimiter and character, in a formula of its own."""


def soup(chance: random.Random) -> str:
    """Tokens in no order."""
    pieces = [
        *STRUCTURE,
        *(f"\\{w}" for w in WORDS),
        *(f"\\{s}" for s in SIGNS),
        *"ab12+=|<.",
        *OUTSIDE[-20:],
        *(f"\\begin{{{e}}}" for e in ENVIRONMENTS),
    ]
    return "".join(chance.choice(pieces) + chance.choice(("", " ")) for _ in range(chance.randint(1, 8)))


def mutated(code: str, chance: random.Random) -> str:
    """The formula with tokens dropped, doubled, swapped or put in."""
    tokens = re.findall(r"\\[A-Za-z]+|\\.|.", code, re.DOTALL)
    for _ in range(chance.randint(1, 3)):
        k = chance.randrange(len(tokens) + 1)
        match chance.randrange(4):
            case 0:
                del tokens[k : k + 1]
            case 1:
                tokens[k:k] = tokens[k : k + chance.randint(1, 3)]
            case 2:
                other = chance.randrange(len(tokens) + 1)
                tokens[k : k + 1], tokens[other : other + 1] = tokens[other : other + 1], tokens[k : k + 1]
            case _:
                tokens.insert(k, chance.choice([*STRUCTURE, *OUTSIDE, f"\\{chance.choice(WORDS)}"]))
    return "".join(tokens)


def random_formula(chance: random.Random) -> str:
    """A formula: by the grammar, nearly by the grammar, or out of it."""
    kind = chance.random()
    if kind < 0.15:
        return soup(chance)
    code = Grammar(chance, 0.0 if kind < 0.7 else 0.05).row()
    return mutated(code, chance) if kind > 0.85 else code


def accepted(code: str) -> str | None:
    """The formula as it is printed, or None where it is refused; a place has to lie in it."""
    try:
        return formulas.checked(code, lambda start, end: Place(code, start, end))
    except DeriveError as error:
        place = error.place
        assert place is not None
        assert 0 <= place.start <= len(code)
        assert place.end <= len(code)
        return None


def drawn(count: int, seed: object) -> list[str]:
    """So many formulas that are accepted, as they are printed."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        if latex := accepted(random_formula(random.Random(f"{seed} {number}"))):
            found.append(latex)
        number += 1
    return found


# ---------------------------------------------------------------- what the renderers say

HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{lmodern,amsmath,amssymb,array,adjustbox}
\newcommand{\derivefit}[2][\linewidth]{\adjustbox{max width=#1}{$\displaystyle #2$}}
\showboxdepth=-1 \showboxbreadth=-1
\begin{document}
"""


def latex_errors(codes: Sequence[str], batch: int = 500) -> dict[str, str]:
    """The formulas that pdfLaTeX stumbles over, with what it says: on a line of their own, or in a line of text."""
    found: dict[str, str] = {}
    for first in range(0, len(codes), batch):
        part = list(codes[first : first + batch])
        for suspect in _complaints(part):
            found |= {code: said for code in [part[suspect]] for said in _complaints([code]).values()}
    return found


def _complaints(codes: Sequence[str]) -> dict[int, str]:
    """The numbers of the formulas at which a run complains; it may be an earlier one's fault."""
    lines = [
        rf"\typeout{{@@{k}@@}}\setbox0\vbox{{\derivefit{{{c}}}\par x ${c}$}}" for k, c in enumerate(map(escape.latex_math, codes))
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "formulas.tex").write_text("\n".join([HEAD, *lines, r"\typeout{@@end@@}\end{document}"]), encoding="utf-8")
        command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-draftmode", "formulas.tex"]
        subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        log = Path(folder, "formulas.log").read_text(encoding="utf-8", errors="replace")
    found: dict[int, str] = {}
    parts = re.split(r"^@@(\d+|end)@@$", log, flags=re.MULTILINE)
    for number, said in zip(parts[1::2], parts[2::2], strict=True):
        if (error := re.search(r"^! .*|^Missing character.*", said, re.MULTILINE)) and number.isdigit():
            found[int(number)] = error[0]
    if "end" not in parts:
        found.setdefault(int(parts[-2]) if len(parts) > 1 else 0, "pdfLaTeX stopped")
        rest = int(parts[-2]) + 1 if len(parts) > 1 else len(codes)
        found |= {rest + k: said for k, said in (_complaints(codes[rest:]) if rest < len(codes) else {}).items()}
    return found


def main() -> int:
    """A long run, from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    codes = drawn(options.count, options.seed)
    bad = latex_errors(codes)
    for code, said in bad.items():
        print(f"LaTeX: {said}\n    {code}")
    errors = web_errors(Formula(escape.markdown_formula(code), display=True) for code in codes)
    refused = [(code, said) for code, said in zip(codes, errors, strict=True) if said]
    for code, said in refused:
        print(f"{said[:100]}\n    {code}")
    print(f"{len(codes)} formulas, {len(bad)} fail in pdfLaTeX, {len(refused)} in KaTeX or MathJax")
    return bool(bad or refused)


if __name__ == "__main__":
    sys.exit(main())
