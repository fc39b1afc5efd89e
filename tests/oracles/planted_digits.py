"""Faults planted in what decides a digit, each of which the tests of numbers have to see.

    python tests/oracles/planted_digits.py              every fault
    python tests/oracles/planted_digits.py --only tie   those whose name holds this

A fault is one change to the text of one module: a radius lost, a comparison that is not decided taken for decided, a digit cut
off, `=` for `≈`.  The tests below run on a copy of the project that has it, up to the first that fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

CHECKS = ("tests/teaching/test_numbers.py", "tests/values/test_public_cases.py", "tests/values/test_values.py")

BALLS, ELEMENTARY, REAL, PRECISION, EVALUATOR, NUMBERS, STYLE = (
    f"derive/{name}.py"
    for name in (
        *("values/balls", "values/elementary", "values/real", "values/precision", "values/evaluator"),
        *("teaching/blocks/numbers", "notation/style"),
    )
)


ZERO = "    if sign(x) == UNKNOWN:\n        return Decimal(0)"


@dataclass(frozen=True)
class Fault:
    """A change to a module: `right`, which stands in it once, becomes `wrong`."""

    name: str
    module: str
    right: str
    wrong: str


FAULTS = (
    # ---- what two balls tell
    Fault("a ball that holds 0 is 0", BALLS, "return 0 if x == 0 else UNKNOWN", "return 0"),
    Fault("a ball that holds 0 is positive", BALLS, "return 0 if x == 0 else UNKNOWN", "return 0 if x == 0 else 1"),
    Fault(
        "balls that meet are equal",
        BALLS,
        "return 0 if type(gap) is arb and gap.is_nan() and a == b else gap",
        "return gap if abs(sign(gap)) == 1 else 0",
    ),
    Fault("a tie of what is computed alike is not known", BALLS, "(type(a) is Traced and a.key is b.key)", "False"),
    Fault(
        "all that is computed is one number",
        BALLS,
        "_interned(operation, *(sorted(keys, key=hash) if either else keys))",
        "_interned(operation)",
    ),
    Fault(
        "the first of two that are not told apart is the larger",
        BALLS,
        "if gap != UNKNOWN:\n        return b if gap > 0 else a",
        "if True:\n        return b if gap == 1 else a",
    ),
    Fault("a slope that is not known is 0", BALLS, "and x.slope.is_finite() else NOTHING", "and x.slope.is_finite() else 0"),
    Fault("a ball without bounds is a number", BALLS, "return bool(x.is_finite() or x.is_exact())", "return True"),
    # ---- as many digits as it takes
    Fault("what fifty digits do not decide is left", PRECISION, "if known.digits >= MOST_DIGITS:", "if known.digits >= DIGITS:"),
    Fault("no more than a hundred digits", PRECISION, "DIGITS, MOST_DIGITS = 50, 10_000", "DIGITS, MOST_DIGITS = 50, 100"),
    Fault("the precision is not given back", PRECISION, "ctx.prec = before", "pass"),
    Fault(
        "more digits of the inputs only",
        EVALUATOR,
        "given, numbers, frozenset(computed), self.needed)",
        "self.arrays, numbers, frozenset(), self.needed)",
    ),
    # ---- functions of one number
    Fault(
        "the radius is lost",
        ELEMENTARY,
        "return getattr(x, name)()\n\n    return value",
        "return getattr(x, name)().mid()\n\n    return value",
    ),
    Fault("a long fraction loses digits", ELEMENTARY, "<= MAX_BITS else arb(x)", "<= 64 else arb(float(x.p)) / arb(float(x.q))"),
    Fault("1/0 is 0", ELEMENTARY, "else fmpq(1, x)) if x else NOTHING", "else fmpq(1, x)) if x else 0"),
    Fault(
        "the root of a negative number is 0",
        ELEMENTARY,
        "    if x < 0:\n        return NOTHING\n    top",
        "    if x < 0:\n        return 0\n    top",
    ),
    Fault(
        "0 to a negative power is 0", ELEMENTARY, "return NOTHING if sign(p) != 1 else 0 if", "return 0 if sign(p) != 1 else 0 if"
    ),
    Fault(
        "the slope of a root of 0 is 0",
        ELEMENTARY,
        '_UPRIGHT = Jet(arb_series([0, arb("nan")], prec=2))',
        "_UPRIGHT = Jet(arb_series([0, 0], prec=2))",
    ),
    Fault("a root is that of a float", ELEMENTARY, "return x.sqrt() if q == 2 else x.root(q)", "return arb(float(x) ** (1 / q))"),
    # ---- a number as it is given out
    Fault("digits are cut off", REAL, "+ arb(0.5)).floor()", ").floor()"),
    Fault("digits are rounded up", REAL, "+ arb(0.5)).floor()", "+ arb(1)).floor()"),
    Fault("a power of ten too many", REAL, "scaleb(power - count + 1, _ALL)", "scaleb(power - count + 2, _ALL)"),
    Fault("the sign is lost", REAL, "return Decimal(sign(x) * int(whole))", "return Decimal(int(whole))"),
    Fault("the digits of the middle of a ball", REAL, ").floor().unique_fmpz()", ").mid().floor().unique_fmpz()"),
    Fault(
        "what cannot be told from 0 is 0",
        REAL,
        '    if sign(x) == UNKNOWN:\n        raise Undecided("a number cannot be told from 0")',
        ZERO,
    ),
    Fault(
        "a float is enough",
        REAL,
        "number, again, digits if again else MOST_DIGITS",
        "arb(float(untraced(number).mid())), None, MOST_DIGITS",
    ),
    Fault(
        "numbers are compared as floats",
        REAL,
        "decided(self - other, compared)",
        "(float(self) > float(other)) - (float(self) < float(other))",
    ),
    Fault(
        "a literal is read as a float", "derive/language/numbers.py", "value = Fraction(text)", "value = Fraction(float(text))"
    ),
    Fault(
        "a comparison that is not decided is no error",
        REAL,
        "raise Undecided(too_few(str(self), str(other), difference.digits))",
        "pass",
    ),
    # ---- conditions and places
    Fault("a condition that is not decided holds", EVALUATOR, "np.where(unknown, NOTHING, found", "np.where(unknown, 1, found"),
    Fault("the first of entries that are not told apart", EVALUATOR, "if (below == UNKNOWN).any():", "if False:"),
    Fault("both branches count", EVALUATOR, "if holds.all() or fails.all():", "if False:"),
    # ---- a number in print
    Fault("= before a rounded number", NUMBERS, "return EQUALS if exact else ABOUT", "return EQUALS"),
    Fault("≈ before an exact one", NUMBERS, "return EQUALS if exact else ABOUT", "return ABOUT"),
    Fault(
        "noughts at the end are dropped", NUMBERS, 'return f"{digits:f}", 0, False', 'return f"{digits.normalize():f}", 0, False'
    ),
    Fault("a digit too few", NUMBERS, "value.rounded(style.digits) if", "value.rounded(max(1, style.digits - 1)) if"),
    Fault(
        "a number is rounded twice",
        NUMBERS,
        "value.rounded(style.digits) if",
        "context.create_decimal(value.rounded(style.digits + 1)) if",
    ),
    Fault("a fraction is cut off", NUMBERS, "rounding=ROUND_HALF_EVEN,", "rounding='ROUND_DOWN',"),
    Fault("the power of ten is one less", NUMBERS, '-power):f}", power, False', '-power):f}", power - 1, False'),
    Fault("a point in French", STYLE, 'return "." if self.lang == "en" else _decimal_sign(self.lang)', 'return "."'),
    Fault("a long decimal is exact", STYLE, "if rest != 1 or shift > 60:", "if shift > 60:"),
)


def copied(into: Path) -> None:
    """The project without what is no matter here."""
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", ".pytest_cache", "golden")
    for name in ("derive", "tests", "lectures"):
        shutil.copytree(ROOT / name, into / name, ignore=ignored)
    for name in ("pyproject.toml", "cli.py", "README.md"):
        shutil.copy(ROOT / name, into / name)


def seen_by(project: Path, fault: Fault) -> str:
    """The first test that fails on a copy with the fault, or "" for none."""
    file = project / fault.module
    right = file.read_text(encoding="utf-8")
    if right.count(fault.right) != 1:
        raise ValueError(f"{fault.name}: {fault.right!r} stands {right.count(fault.right)} times in {fault.module}")
    try:
        file.write_text(right.replace(fault.right, fault.wrong), encoding="utf-8")
        return failing(project)
    finally:
        file.write_text(right, encoding="utf-8")


def failing(project: Path) -> str:
    """The first of the tests that fails, or "" for none."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *CHECKS]
    try:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        return "no end"
    told = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return told[0] if told else "" if done.returncode == 0 else f"exit {done.returncode}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    arguments = parser.parse_args()
    chosen = [fault for fault in FAULTS if arguments.only in fault.name]
    missed, start = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder))
        if right := failing(Path(folder)):
            raise SystemExit(f"Without a fault: {right}")
        for fault in chosen:
            seen = seen_by(Path(folder), fault)
            missed += not seen
            print(f"{fault.name}: {seen or 'MISSED'}"[:200], flush=True)
    print(json.dumps({"faults": len(chosen), "missed": missed, "seconds": round(time.monotonic() - start)}))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
