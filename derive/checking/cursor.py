"""Where a reader of a typed formula stands: its signs, one after the other, and stretches of them in brackets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from derive.checking.names import Names
from derive.checking.signs import Signed, Span, fault, signs_of
from derive.checking.tree import Term
from derive.errors import DeriveError, said

T = TypeVar("T")

PAIRS = {"(": ")", "[": "]", r"\{": r"\}", "{": "}", r"\langle": r"\rangle"}
"""Brackets, with those that close them."""

RELATIONS = {"=": "==", r"\ne": "!=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">="}
"""Signs of comparisons, with the words of the language."""

_WORDS = (r"\text", r"\textrm", r"\mathrm", r"\textit", r"\mbox")


class Cursor:
    """The signs of a formula, where the reader stands in them, and what letters mean there."""

    def __init__(self, text: str, names: Names) -> None:
        self.text, self.names = text, names
        self.signs = signs_of(text)
        self.at = 0
        self.scope: dict[str, str] = {}
        self.shadowed: list[tuple[str, str | None]] = []
        self.used = set(names.letters.values())
        self.factors: list[Term] = []
        """The factors of the product that was read last."""
        self.closed: set[str] = set()
        """The letters that a Σ bound that has ended, without a bracket around it."""

    def peek(self) -> str:
        return self.signs[self.at].text if self.at < len(self.signs) else ""

    def next(self) -> Signed:
        if self.at >= len(self.signs):
            raise self.fault(self.here, "The formula ends here, and something is missing.")
        self.at += 1
        return self.signs[self.at - 1]

    @property
    def here(self) -> Span:
        if self.at < len(self.signs):
            return self.signs[self.at].span
        return (self.last, self.last + 1)

    @property
    def last(self) -> int:
        """Where the sign read last ends."""
        return self.signs[self.at - 1].span[1] if 0 < self.at <= len(self.signs) else 0

    def fault(self, span: Span, message: str, hint: str = "") -> DeriveError:
        return fault(self.text, span, message, hint)

    def nothing(self) -> Term:
        raise self.fault(self.here, "The formula ends here, and something is missing.")

    def group(self) -> list[Signed]:
        """What stands in braces next, or the one sign that does."""
        sign = self.next()
        if sign.text == "{":
            return self.until("}", sign)
        if sign.text == "(":
            return self.until(")", sign)
        if sign.text[0].isdigit() and len(sign.text) > 1 and "\\" in self.text:  # TeX takes one digit
            start = sign.span[0]
            self.signs[self.at - 1 : self.at] = [
                Signed(sign.text[0], (start, start + 1)),
                Signed(sign.text[1:], (start + 1, sign.span[1])),
            ]
            return [self.signs[self.at - 1]]
        if sign.text == "-" and self.peek():
            return [sign, *self.group()]
        raised = self.signs[self.at - 2 : self.at - 1] or self.signs[:0]
        raised = self.signs[self.at - 3 : self.at - 2] if raised and raised[0].text == "-" else raised
        if "\\" not in self.text and sign.text.isalnum() and raised and raised[0].text == "^":
            if self.peek().isalnum() and self.here[0] == self.last:
                raise self.fault(self.here, "It cannot be told how far this exponent reaches.", "Write x^(2) y, or x^(2y).")
            return [sign]
        if "\\" not in self.text and sign.text.isalnum():  # p_ij, as a text has it
            found = [sign]
            while self.peek().isalnum() and self.here[0] == self.last and not self._begins_a_tensor():
                found.append(self.next())
            return found
        if sign.text in (r"\mathrm", r"\text", r"\mathbf", r"\boldsymbol", r"\operatorname", r"\mathsf") and self.peek() == "{":
            opening = self.next()
            return [sign, opening, *self.until("}", opening), self.signs[self.at - 1]]
        return [sign]

    def _begins_a_tensor(self) -> bool:
        """Whether the letter that comes is no index, but has one of its own: y in x_iy_i."""
        name = self.names.member(self.peek())
        after = self.signs[self.at + 1 : self.at + 2]
        return bool(name and after and after[0].text == "_" and not self.names.is_label(name))

    def until(self, closing: str, opening: Signed) -> list[Signed]:
        """What stands before the bracket that closes the one read last, which is read, too."""
        start, depth = self.at, 1
        while self.at < len(self.signs):
            text = self.next().text
            depth += (text == opening.text) - (text == closing)
            if not depth:
                return self.signs[start : self.at - 1]
        raise self.fault(opening.span, said("This {opened} is never closed.", opened=opening.text))

    def inner(self, group: list[Signed], read: Callable[[], T]) -> T:
        """What a stretch of signs, all of it, is read as."""
        if not group:
            raise self.fault(self.here, "Something is missing here.")
        outer, self.signs, at, self.at = self.signs, list(group), self.at, 0
        closed, self.closed = self.closed, set(self.closed)
        try:
            found = read()
            if self.peek():
                raise self.fault(self.here, said("{shown} is not expected here.", shown=self.peek()))
            return found
        finally:
            self.signs, self.at, self.closed = outer, at, closed

    def flat(self, group: list[Signed]) -> list[Signed]:
        """The signs outside all brackets."""
        found, depth = [], 0
        for sign in group:
            depth -= sign.text in PAIRS.values()
            if not depth:
                found.append(sign)
            depth += sign.text in PAIRS
        return found

    def plain_d(self, group: list[Signed]) -> list[Signed]:
        r"""The signs with \mathrm{d} as d."""
        words = [s.text for s in group[:4]]
        return [Signed("d", group[0].span), *group[4:]] if words == [r"\mathrm", "{", "d", "}"] else group

    def without_words(self, group: list[Signed]) -> list[Signed]:
        r"""A condition without \text{if} and its like."""
        found, k = [], 0
        while k < len(group):
            if group[k].text in _WORDS and group[k + 1 : k + 2] and group[k + 1].text == "{":
                while k < len(group) and group[k].text != "}":
                    k += 1
            else:
                found.append(group[k])
            k += 1
        while found and found[-1].text in (",", ".", ";"):
            found.pop()
        return found

    # ------------------------------------------------------------ what the grammar above reads

    def sum(self) -> Term:
        """A sum of products."""
        raise NotImplementedError

    def term(self) -> Term:
        """A product."""
        raise NotImplementedError

    def factor(self) -> Term:
        """An atom with its powers."""
        raise NotImplementedError

    def bracketed(self, sign: Signed) -> Term:
        """What stands in a bracket that was opened."""
        raise NotImplementedError

    def entry_of(self, found: Term) -> Term:
        """An entry of a term, by the indices that come."""
        raise NotImplementedError


def number(value: int, span: Span) -> Term:
    return Term("num", (str(value),), span)


def depth(signs: list[Signed]) -> int:
    return sum((s.text in PAIRS) - (s.text in PAIRS.values()) for s in signs)


def split(signs: list[Signed], *marks: str) -> list[list[Signed]]:
    """The stretches between some signs that stand outside brackets."""
    found: list[list[Signed]] = [[]]
    depth = 0
    for sign in signs:
        depth += (sign.text in PAIRS or sign.text == r"\begin") - (sign.text in PAIRS.values() or sign.text == r"\end")
        if sign.text in marks and not depth:
            found.append([])
        else:
            found[-1].append(sign)
    return found
