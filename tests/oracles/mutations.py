"""Mutated definitions and values, and what the command line makes of them: `python tests/oracles/mutations.py 10000 --jobs 2`.

A definition of the library, or one that was drawn by a small grammar, has its words deleted, doubled, swapped and replaced;
values that fit it are drawn and mutated, too.  It is explained and checked in process.  Nothing may come out of that but an
answer or one message; what else does is printed with its number, and the summary names the slowest and the largest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import cli
from derive.errors import DeriveError
from derive.language import library
from derive.language.reader import read

SECONDS = 60
"""How long one command may take before it is stopped: far more than any should."""

REFUTED = ("does not follow from the line before", "is not what was derived", "ne découle pas", "n’est pas ce qui a été dérivé")
"""What a proof says of a line that is wrong; no line that is derived may be."""

CHUNK = 25
TRIES = 12
WORDS = re.compile(r"[^\W\d]\w*|[0-9.]+|\*\*|==|!=|<=|>=|\s+|.")

LANGUAGE = """
+ - * / ** @ ( ) [ ] , : ; = == != < <= > >= .T sum mean prod max min argmax for in if where exp log sqrt abs sin cos tanh
erf softmax relu gelu size pi x y z w W s t i j k n m C 0 1 2 3 7 -1 0.5 1e-5 1e300 1e-300 99999 x_i x[i] label[C] onehot[C]
probability[n] positive ٣ ² π λ é \u200b # ' " __import__('os')
"""
POOL = (*LANGUAGE.split(), "\n", " ", "x[i + 1]", "W[i, j]", "x: [n]\n", "W: [n, n]\n")
FUNCTIONS = ("exp", "log", "sqrt", "abs", "tanh", "relu", "sigmoid", "softmax", "sin", "erf")
SEEDS = (
    "x: [n]; k = argmax(x); f = x[k]**2",
    "o: onehot[C]; s: [C]; f = sum(max(0, (s - s@o + 1)*(1 - o)))",
    "x: [n]; w: [K]; y[o] = sum(w[k]*x[o + k] for k in K)",
    "x: [n]; r = sqrt(max(sum(x), 0) + 1); y = x/r",
    "W: [m, n]; x: [n]; b: [m]; a = W @ x + b; L = sum(tanh(a)**2)",
    "s: [C]; t: label[C]; f = sum(max(0, where(j == t, 0, 1 + s[j] - s[t])) for j in C)",
    "x: [n]; f = sum(x[i]/(i + 1) for i in n if i < 2)",
    "f = (u + v)*w**3 - exp(-u)/v",
    "E: [V, d]; t: label[V]; y[j] = E[t, j]; L = sum(y**2)",
)
VALUES = ("0", "1", "-1", "2.5", "1e200", "1e-200", "200", "-3/7", "nan", "1,5", "٣", "[1, 2]", "[]", "99999999", "0.1", "1e9999")


# ---------------------------------------------------------------- what is tried


@dataclass(frozen=True)
class Case:
    """A command, by its arguments."""

    arguments: tuple[str, ...]


@cache
def texts() -> tuple[str, ...]:
    return (*SEEDS, *(library.definition(name) for name in library.names()))


def formula(chance: random.Random, depth: int, atoms: Sequence[str]) -> str:
    """A formula of the language, as deep as asked for."""
    if depth == 0 or chance.random() < 0.15:
        return chance.choice(atoms)
    inner = partial(formula, chance, depth - 1, atoms)
    match chance.randrange(7):
        case 0:
            return (
                f"{chance.choice(('exp', 'log', 'sqrt', 'abs', 'tanh', 'relu', 'sigmoid', 'softmax', 'sin', 'erf'))}({inner()})"
            )
        case 1:
            return f"{chance.choice(('sum', 'mean', 'max', 'min', 'prod'))}({inner()})"
        case 2:
            return f"where({inner()} {chance.choice(('<', '>', '<='))} {inner()}, {inner()}, {inner()})"
        case 3:
            return f"{chance.choice(('max', 'min'))}({inner()}, {inner()})"
        case 4:
            return f"({inner()})**{chance.choice(('2', '-1', '0.5', '3', 'u', '2'))}"
    return f"({inner()} {chance.choice('++--***//@')} {inner()})"


def drawn(chance: random.Random) -> str:
    """A definition by the grammar."""
    atoms: tuple[str, ...] = (
        "x",
        "y",
        "u",
        "v",
        "x",
        "2",
        "0.5",
        "0",
        "A @ x",
        "x[0]",
        "sum(x[i]*y[i] for i in n)",
        "max(x)",
        "o",
    )
    lines = ["x: [n]", "y: [n]", "A: [n, n]", "o: onehot[n]"]
    for k in range(chance.randint(1, 4)):
        lines.append(f"h{k} = {formula(chance, chance.randint(1, 4), atoms)}")
        atoms += (f"h{k}", f"h{k}")
    used = " ".join(lines[4:])
    return "\n".join(line for line in lines if "=" in line or re.search(rf"\b{line[0]}\b", used))


def mutated(text: str, chance: random.Random, times: int) -> str:
    """A text with so many of its words deleted, doubled, swapped, replaced, or taken from elsewhere."""
    words = WORDS.findall(text)
    for _ in range(times):
        if not words:
            break
        k = chance.randrange(len(words))
        match chance.randrange(5):
            case 0:
                del words[k]
            case 1:
                words.insert(k, words[k])
            case 2:
                other = chance.randrange(len(words))
                words[k], words[other] = words[other], words[k]
            case 3:
                alike = [w for w in (*words, *POOL) if _class(w) == _class(words[k])]
                words[k] = chance.choice(alike if alike and chance.random() < 0.7 else POOL)
            case 4:
                words.insert(k, chance.choice(words if chance.random() < 0.5 else POOL))
    return "".join(words)


def _class(word: str) -> str:
    """What sort of word this is: a name, a number, an operator, a bracket."""
    return "name" if word.isidentifier() else "number" if word[:1].isdecimal() else "operator" if word in OPERATORS else word


OPERATORS = ("+", "-", "*", "/", "**", "@", "<", ">", "<=", ">=", "==", "!=")


def values(text: str, chance: random.Random) -> str:
    """Values that fit a definition, if it is one, some of them mutated."""
    try:
        graph = read(text, "")
    except DeriveError:
        return "x=[1, 2], t=0"
    sizes = {s: chance.choice((1, 2, 3, 3, 4)) for s in graph.sizes}

    def nested(shape: list[int], number: Callable[[], str]) -> str:
        return f"[{', '.join(nested(shape[1:], number) for _ in range(shape[0]))}]" if shape else number()

    pairs = []
    for given in graph.inputs:
        shape = [max(1, min(30, int(axis.subs(sizes)))) for axis in given.axes]
        row, last = [], shape[-1] if shape else 1
        if given.kind == "onehot":
            row = ["1", *["0"] * (last - 1)]
        elif given.kind == "probability":
            row = [f"1/{last}"] * last
        if row:
            pairs.append(f"{given.name}={nested(shape[:-1], partial('[{}]'.format, ', '.join(row)))}")
        else:
            pairs.append(f"{given.name}={nested(shape, partial(_number, chance, given.kind))}")
    whole = ", ".join(pairs)
    if whole and chance.random() < 0.3:
        numbers = list(re.finditer(r"-?\d[\d.]*", whole))
        spot = chance.choice(numbers)
        whole = whole[: spot.start()] + chance.choice(VALUES) + whole[spot.end() :]
    return mutated(whole, chance, 1) if chance.random() < 0.15 else whole


def _number(chance: random.Random, kind: str) -> str:
    return "0" if kind == "label" else str(chance.randint(1 if kind == "positive" else -30, 90) / 10)


def _is_read(text: str) -> bool:
    try:
        read(text, "")
    except DeriveError:
        return False
    return True


def case(seed: int, number: int) -> Case:
    """The case of a number: the same in every run."""
    chance = random.Random(f"mutations {seed} {number}")
    for _ in range(chance.choice((1, TRIES))):  # most that are drawn cannot be read, which is soon tried enough
        text = drawn(chance) if chance.random() < 0.4 else chance.choice(texts())
        text = mutated(text, chance, chance.choice((0, 0, 1, 1, 1, 2, 6)))
        if _is_read(text):
            break
    if not any(sign in text for sign in "=:\n"):
        text += "\n"
    arguments = [chance.choice(("explain", "explain", "check")), text]
    if chance.random() < 0.6:
        arguments += ["--at", values(text, chance) or "x=1"]
    if arguments[0] == "explain":
        arguments += ["--format", chance.choice(("text", "json", "markdown", "latex"))]
        arguments += ["--detail", chance.choice(("brief", "normal", "full"))]
        arguments += ["--order", "2"] if chance.random() < 0.2 else []
        arguments += ["--batch", chance.choice(("x", "y,x", "t", "s,o", "q"))] if chance.random() < 0.15 else []
        arguments += ["--wrt", chance.choice(("x", "W", "u", "f", "q"))] if chance.random() < 0.15 else []
    arguments += ["--lang", "fr"] if chance.random() < 0.2 else []
    return Case(tuple(a if a.startswith("--") or not a.startswith("-") else " " + a for a in arguments))


# ---------------------------------------------------------------- what comes of it


@dataclass(frozen=True)
class Answer:
    """What a case came to: the exit status, the message, the seconds and MiB that it took, and what went wrong if anything."""

    status: int
    message: str
    seconds: float
    memory: float
    wrong: str = ""


class TooLong(BaseException):
    """A command took longer than `SECONDS`."""


def _too_long(*_: Any) -> None:
    raise TooLong


def peak(reset: bool = False) -> float:
    """The most MiB this process has held since it was last asked to reset; 0 where that is not known."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
        found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return int(found[1]) / 1024 if found else 0.0


def answer(tried: Case) -> Answer:
    """Run a case in this process."""
    out, err, wrong, status = io.StringIO(), io.StringIO(), "", 0
    before, start = peak(reset=True), time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(list(tried.arguments))
    except SystemExit as usage:
        status = int(usage.code or 0)
    except TooLong:
        wrong = f"more than {SECONDS} s"
    except BaseException as error:  # noqa: BLE001
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        code = where.tb_frame.f_code if where is not None else None
        wrong = (
            f"{type(error).__name__}: {str(error)[:80]} ({code.co_filename if code else ''}:{where.tb_lineno if where else 0})"
        )
    if not wrong and (status not in (0, 1, 2, 3) or (status in (1, 3) and not (err.getvalue() or out.getvalue()))):
        wrong = f"status {status} without a word"
    if any(words in err.getvalue() for words in REFUTED):
        wrong = err.getvalue().split("\n")[0]
    return Answer(status, err.getvalue(), time.process_time() - start, peak() - before, wrong)


def chunk(seed: int, numbers: range) -> list[tuple[int, Answer]]:
    """The answers to some cases."""
    signal.signal(signal.SIGPROF, _too_long)
    found = []
    for number in numbers:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            found.append((number, answer(case(seed, number))))
        except TooLong:
            found.append((number, Answer(0, "", SECONDS, 0, f"more than {SECONDS} s")))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutated definitions and values.")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1e9, help="stop after so many seconds")
    given = parser.parse_args()
    parts = [range(k, min(k + CHUNK, given.first + given.count)) for k in range(given.first, given.first + given.count, CHUNK)]
    start, done, failures = time.monotonic(), 0, 0
    slow, large, statuses, said = list[tuple[float, int]](), list[tuple[float, int]](), Counter[int](), Counter[str]()
    with multiprocessing.get_context("spawn").Pool(given.jobs, maxtasksperchild=20) as pool:
        for found in pool.imap_unordered(partial(chunk, given.seed), parts):
            for number, one in found:
                done, statuses[one.status] = done + 1, statuses[one.status] + 1
                slow = sorted([*slow, (round(one.seconds, 1), number)])[-8:]
                large = sorted([*large, (round(one.memory), number)])[-8:]
                if one.status in (1, 3):
                    said[re.sub(r"[0-9]+", "0", one.message.split("\n")[0])[:160]] += 1
                if one.wrong:
                    failures += 1
                    print(f"{number}: {one.wrong}\n   {case(given.seed, number).arguments}", flush=True)
            if time.monotonic() - start > given.limit:
                pool.terminate()
                break
    print("\n".join(f"{n:6} {message}" for message, n in said.most_common()))
    summary = {"cases": done, "wrong": failures, "status": dict(statuses), "slowest": slow[::-1], "largest": large[::-1]}
    print(json.dumps(summary))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
