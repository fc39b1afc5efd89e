"""What every exporter is given, and how all of them say a number, a credit, an order, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from math import lcm
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from derive.calculus.rules import N_
from derive.errors import DeriveError, said
from derive.exams.item import Answer, Choice, Code, Entry, Formula, Item, Numbers, Order, Part, Slip, Text, Value
from derive.marks import package_mark
from derive.teaching.translation import translator

Files = Mapping[str, bytes]
"""What an exporter makes, by name."""

Packed = Iterator[tuple[str, str | bytes]]
"""The files of a package, one after the other."""


@dataclass(frozen=True)
class Bank:
    """Questions of one language, the states of each one after the other; `items` may be read once, so they need not be kept."""

    name: str
    title: str
    lang: str
    items: Iterable[Item]
    source: str = ""


CALLED: Mapping[type, str] = {
    Numbers: said("a number"),
    Choice: said("a choice"),
    Formula: said("a formula"),
    Order: said("an order of lines"),
    Text: said("a short text"),
    Code: said("code"),
}
"""What the answers of a part are called in a message."""


def refusal(item: Item, part: Part, form: str, why: str = "") -> DeriveError:
    """What is said of a part whose meaning a format has no words for."""
    return DeriveError(
        said(
            "{form} cannot ask part {part} of question {name}, state {state}: {what}.",
            form=form,
            part=part.name,
            name=item.name,
            state=item.state,
            what=why or CALLED[type(part.answer)],
        ),
        hint="Leave the question out, or choose another format.",
    )


def shelf(bank: Bank) -> str:
    """What the questions of a bank stand under; those of two languages are not mixed, whatever their titles."""
    return f"{bank.title or bank.name} ({bank.lang})"


@dataclass(frozen=True)
class Single:
    """One thing that is asked by itself, where a platform knows no question of several: a part, or one number of it."""

    part: Part
    entry: Entry | None
    number: str
    """What tells it from the others of its item."""
    marks: Fraction


def singles(item: Item) -> list[Single]:
    """An item as questions of one answer each."""
    found = []
    for n, part in enumerate(item.parts, 1):
        entries: Sequence[Entry | None] = part.answer.entries if isinstance(part.answer, Numbers) else (None,)
        for k, entry in enumerate(entries, 1):
            number = f"-{n}" * (len(item.parts) > 1) + f".{k}" * (len(entries) > 1)
            found.append(Single(part, entry, number, part.marks / len(entries)))
    return found


def places(answer: Answer) -> int:
    """How many numbers, or other answers, are to be given."""
    return len(answer.entries) if isinstance(answer, Numbers) else 1


def weights(parts: Sequence[Part]) -> list[int]:
    """How much one place of each part weighs, in whole numbers; their sum is that of the marks where these are whole."""
    each = [part.marks / places(part.answer) for part in parts]
    scale = lcm(*(mark.denominator for mark in each))
    return [int(mark * scale) for mark in each]


def tags(item: Item, parts: Iterable[Part]) -> list[str]:
    """What a question can be found by: the kinds of its parts, how hard it is, its language."""
    return list(dict.fromkeys([*(part.kind for part in parts), *filter(None, [item.difficulty]), item.lang]))


# ---------------------------------------------------------------- numbers and words


_EXACT = Context(prec=40)


def decimal(number: Fraction) -> str:
    """A number with a point and without an exponent, whatever the language.

    >>> decimal(Fraction(1, 4)), decimal(Fraction("1e-5")), decimal(Fraction(-30))
    ('0.25', '0.00001', '-30')
    """
    return _decimal(number.numerator, number.denominator)


@lru_cache(maxsize=4096)
def _decimal(numerator: int, denominator: int) -> str:
    digits = format(_EXACT.divide(Decimal(numerator), Decimal(denominator)), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def mark(number: Fraction) -> str:
    """A mark, or a part of one, to six decimals.

    >>> mark(Fraction(2, 3)), mark(Fraction(3))
    ('0.666667', '3')
    """
    return decimal(Fraction(round(number * 10**6), 10**6))


def digits(value: Value) -> str:
    """The digits of a number, with a point and without an exponent or zeros that say nothing.

    >>> [digits(Value(text, Fraction(0), ())) for text in ("0.2500", "-30", "12e-5", "-0.0")]
    ['0.25', '-30', '0.00012', '0']
    """
    if "e" in value.digits:
        return decimal(value.number)
    plain = value.digits.rstrip("0").rstrip(".") if "." in value.digits else value.digits
    return "0" if plain in ("-0", "-", "") else plain


def margin(value: Value) -> str:
    """By how much an answer may be off where a platform compares floats: a millionth more, since 0.2501 - 0.25 > 0.0001 there.

    >>> margin(Value("0.25", Fraction(1, 10**4), ()))
    '0.0001000001'
    """
    return decimal(value.tolerance * Fraction(1_000_001, 1_000_000))


def percent(credit: Fraction) -> str:
    """A credit as a percentage to five decimals.

    >>> percent(Fraction(1, 3)), percent(Fraction(1))
    ('33.33333', '100')
    """
    return decimal(Fraction(round(credit * 10**7), 10**5))


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letter(item: Item, part: Part) -> str:
    """What stands before a part; nothing before the only one."""
    return f"({LETTERS[item.parts.index(part) % 26]}) " if len(item.parts) > 1 else ""


def hint(answer: Answer, lang: str) -> str:
    """What is said of how a number is to be given."""
    if not isinstance(answer, Numbers) or all(entry.exact for entry in answer.entries):
        return ""
    digits = max(significant(entry.key.digits) for entry in answer.entries if not entry.exact)
    return translator(lang)(N_("Give {digits} significant digits.")).format(digits=digits)


def significant(digits: str) -> int:
    """How many digits of a rounded number count.

    >>> significant("-0.0650"), significant("12e-5")
    (3, 2)
    """
    return len(digits.partition("e")[0].lstrip("-0.").replace(".", "")) or 1


def typed(answer: str) -> tuple[str, ...]:
    """A short answer as people type it: with and without a space after a comma.

    >>> typed("(3,2)")
    ('(3,2)', '(3, 2)')
    """
    return tuple(dict.fromkeys((answer, answer.replace(",", ", "))))


# ---------------------------------------------------------------- wrong answers


def mistakes(entry: Entry) -> list[tuple[Value, Slip]]:
    """The wrong numbers of an entry, each once; one that several mistakes lead to earns what the most generous of them leaves."""
    found: dict[str, tuple[Value, Slip]] = {}
    key = digits(entry.key)
    about, near = float(key), 2 * float(entry.key.tolerance)
    for value, slip in entry.wrong:
        number = digits(value)
        before = found.get(number)
        # Fractions are slow, and nearly all numbers are far apart.
        right = number == key or (abs(float(number) - about) <= near and entry.key.meets(value.number))
        if right or (before and before[1].credit >= slip.credit):
            continue
        found[number] = value, slip
    return list(found.values())


# ---------------------------------------------------------------- orders

SEVERAL = said("lines that have several right orders")
"""What is said of an order that is not the only one."""

NOWHERE = "–"
"""The number of a line that does not belong, where lines are numbered."""


def mixed(spelled: Sequence[str]) -> list[int]:
    """Places in an order that what is written there decides, and nothing else: it cannot tell which of them is right."""
    return sorted(range(len(spelled)), key=lambda k: (sha256(spelled[k].encode()).digest(), k))


def placed(answer: Choice, spelled: Sequence[str]) -> list[int]:
    """The places of options in the order in which they are shown: their own, or one that tells nothing."""
    return sorted(range(len(spelled)), key=lambda k: answer.options[k].place) if ordered(answer) else mixed(spelled)


def ordered(answer: Choice) -> bool:
    """Whether options have an order of their own, which a platform must not shuffle."""
    return any(option.place for option in answer.options)


def arrangements(order: Order, most: int = 2) -> list[tuple[int, ...]]:
    """The right orders of lines, so many at most."""

    def after(placed: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(placed) == len(order.lines):
            yield placed
        for k in range(len(order.lines)):
            if k not in placed and all(other in placed for other in order.before[k]):
                yield from after((*placed, k))

    found = []
    for one in after(()):
        found.append(one)
        if len(found) == most:
            break
    return found


# ---------------------------------------------------------------- files


def packed(files: Iterable[tuple[str, str | bytes]], source: str = "") -> bytes:
    """A package of files, the same bytes for the same files; each is packed when it comes, so that it need not be kept.

    A second one of a name is the same: a picture that two questions show.  The first bears the mark of what it was made from.
    """
    out, names = BytesIO(), set[str]()
    with ZipFile(out, "w", ZIP_DEFLATED) as package:
        for name, content in files:
            if name not in names:
                info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.extra = b"" if names else package_mark(source)
                names.add(name)
                info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
                package.writestr(info, content)
    return out.getvalue()
