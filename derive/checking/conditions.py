"""Conditions in a typed formula: under a Σ, in brackets that are 1 or 0, in cases, in the delta of Kronecker."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.checking.cursor import PAIRS, RELATIONS, depth, number, split
from derive.checking.meanings import Meanings
from derive.checking.names import SIGNS
from derive.checking.signs import Signed, Span
from derive.checking.tree import Bound, Spot, Term, moved, spots
from derive.errors import said

_CASE = re.compile(r"(?<![\w\\])(?:if|si|otherwise|sinon)(?!\w)")
"""The words of cases in a line of text."""

_ONES = (r"\one", r"\mathbb", r"\mathbf", r"\mathds", r"\mathbbm", r"\bm", r"\boldsymbol")


class Conditions(Meanings):
    """Reads conditions, and what stands under them."""

    def bracket_of(self, sign: Signed) -> bool:
        r"""Whether this is the sign of a bracket, 𝟙[…], \mathbb{1}_{…}: the 1 with a condition behind it, or a column of ones."""
        if sign.text == r"\one":
            return True
        if sign.text == "1" and self.peek() in ("_", "[", r"\{"):
            return self._compares(self.at)
        if sign.text in _ONES and [s.text for s in self.signs[self.at : self.at + 3]] in (["{", "1", "}"], ["{", "I", "}"]):
            indicator = self.signs[self.at + 1].text == "1" or self._compares(self.at + 3)
            self.at += 3 if indicator else 0
            return indicator
        if sign.text in _ONES and self.peek() == "1":
            self.at += 1
            return True
        return False

    def _compares(self, at: int) -> bool:
        """Whether a condition stands in the brackets that begin at a sign."""
        ahead = self.signs[at + (self.signs[at : at + 1] != [] and self.signs[at].text == "_") :]
        stop = next((k for k, s in enumerate(ahead) if s.text in ("]", "}", r"\}", ")")), len(ahead))
        return bool(ahead) and ahead[0].text in PAIRS and any(s.text in RELATIONS for s in ahead[:stop])

    def bracket(self, span: Span) -> Term:
        if self.peek() == "_" and not self._compares(self.at):
            self.at += 1
            size = "".join(s.text for s in self.group())
            if not self.names.size(size):
                raise self.fault((span[0], self.last), said("{shown} is no size.", shown=size))
            return Term("ones", (size,), (span[0], self.last))
        if self.peek() == "_":
            self.at += 1
        if self.peek() in ("[", r"\{", "{") or (self.peek() == "(" and self._compares(self.at)):
            opening = self.next()
            group = self.until(PAIRS[opening.text], opening)
            if group[:1] and group[0].text in ("[", r"\{", "(") and group[-1].text == PAIRS[group[0].text]:
                group = group[1:-1]
            return Term("where", (self.conditions(group), number(1, span), number(0, span)), (span[0], self.last))
        return Term("ones", (), span)

    def is_kronecker(self) -> bool:
        """Whether the δ that was read is Kronecker's: no tensor is called so, or it has other axes than two."""
        name = self.names.member("delta")
        if not name:
            return True
        at = self.at
        self.at += 1
        group = self.group()
        self.at = at
        return len(self.names.axes(name)) != 2 and len(group) > 1

    def delta(self, span: Span) -> Term:
        """δ_{ij} of Kronecker."""
        self.at += 1
        first, second = self._two(self.indices_of(self.group(), 2), span)
        same = Term("compare", ("==", first, second), (span[0], self.last))
        return Term("where", ((same,), number(1, span), number(0, span)), (span[0], self.last))

    def _two(self, found: tuple[Spot, ...], span: Span) -> tuple[Spot, Spot]:
        if len(found) != 2:
            raise self.fault(span, "A delta has two indices.")
        return found[0], found[1]

    def environment(self, span: Span) -> Term:
        """Cases, each with its condition; the last may be what holds otherwise."""
        kind = "".join(s.text for s in self.group())
        if kind not in ("cases", "dcases"):
            raise self.fault(span, said("{shown} is not read in a formula.", shown=kind))
        start, depth = self.at, 1
        while self.peek() and depth:
            depth += {r"\begin": 1, r"\end": -1}.get(self.next().text, 0)
        inside, self.at = self.signs[start : self.at - 1], self.at
        self.group()
        rows = [split(row, "&") for row in split(inside, r"\\") if row]
        if len(rows) < 2:
            raise self.fault(span, "These cases have one case only.")
        return self._cases(rows, (span[0], self.last))

    def cases_in_text(self, sign: Signed) -> Term | None:
        """Cases as a line of text has them, { a  if c ; b  otherwise }, behind their bracket; None where none are there."""
        start = self.at
        inside = self.until("}", sign)
        marks = {m.start(): m.end() for m in _CASE.finditer(self.text)}
        rows = []
        for row in split(inside, ";"):
            at = next((k for k, s in enumerate(row) if s.span[0] in marks), len(row))
            behind = [s for s in row[at:] if s.span[0] >= marks[row[at].span[0]]] if at < len(row) else []
            rows.append([row[:at], *([behind] if behind else [])] if at < len(row) else [row])
        if len(rows) < 2 or not all(len(row) == 2 for row in rows[:-1]):
            self.at = start
            return None
        return self._cases(rows, (sign.span[0], self.last))

    def _cases(self, rows: list[list[list[Signed]]], whole: Span) -> Term:
        """The cases from the last to the first.  The last holds otherwise: it says so, or is what the others leave."""
        values = [self.inner(row[0], self.sum) for row in rows]
        words = [self.without_words(row[1]) if len(row) > 1 else [] for row in rows]
        said_otherwise = not any(s.text in RELATIONS for s in words[-1])
        tests = [self.conditions(part) for part in (words[:-1] if said_otherwise else words)]
        if not said_otherwise and (any(len(test) != 1 for test in tests) or len(set(map(_compared, words))) != 1):
            raise self.fault(
                whole, "It cannot be told what holds where none of these cases does.", r"Write \text{otherwise} in the last."
            )
        found = values[-1]
        for value, test in reversed(list(zip(values, tests, strict=False))[: len(rows) - 1]):
            found = Term("where", (test, value, found), whole)
        return found

    def conditions(self, group: list[Signed]) -> tuple[Term, ...]:
        """Comparisons with commas between them."""
        found: list[Term] = []
        for part in split(group, ",", r"\wedge", r"\land"):
            found += self.inner(part, self.comparisons)
        return tuple(found)

    def comparisons(self) -> list[Term]:
        """a < b ≤ c, of indices or of numbers."""
        sides: list[list[Signed]] = [[]]
        operators: list[str] = []
        while self.peek():
            sign = self.next()
            if sign.text in RELATIONS and not depth(sides[-1]):
                operators.append(RELATIONS[sign.text])
                sides.append([])
            else:
                sides[-1].append(sign)
        if not operators or not all(sides):
            raise self.fault(self.here, "This cannot be a condition.", "A condition compares: i = t, j \\ne t, a > 0.")
        return [
            Term("compare", (op, *self.sides(left, right)), (left[0].span[0], right[-1].span[1]))
            for op, left, right in zip(operators, sides, sides[1:], strict=False)
        ]

    def sides(self, left: list[Signed], right: list[Signed]) -> tuple[Term | Spot, Term | Spot]:
        """The two sides of a comparison: indices if both can be, else numbers."""
        before = dict(self.names.letters)
        if self.may_be_index(left) and self.may_be_index(right):
            return self.spot(left), self.spot(right)
        self.names.letters.clear()
        self.names.letters.update(before)
        return self.inner(left, self.sum), self.inner(right, self.sum)

    def reduction(self, operator: str, span: Span) -> Term:
        """Σ_{j ≠ t} and its siblings, with what they run over; what they are of reaches to the end of the product."""
        lower: list[Signed] = []
        upper: list[Signed] = []
        while self.peek() in ("_", "^"):
            mark = self.next().text
            if mark == "_":
                lower = self.group()
            else:
                upper = self.group()
        if not lower:
            raise self.fault(span, "Say what this runs over.", r"Write \sum_j, or \sum_{j \ne t}.")
        bounds, tests = self.ranges(lower, upper)
        body = self.term() if self.peek() else self.nothing()
        last = {letter for spot in spots(self.factors[-1]) for letter in spot.letters}
        if operator != "sum" and len(self.factors) > 1 and not last & {bound.letter for bound in bounds}:
            raise self.fault(
                self.factors[-1].span,
                said("It cannot be told how far this {name} reaches.", name=operator),
                said("Write {sign}_j (x_j w), or w {sign}_j x_j.", sign=SIGNS[operator]),
            )
        self.leave(bounds)
        return Term("reduce", (operator, body, bounds, tests), (span[0], self.last))

    def between(self, part: list[Signed]) -> Bound | None:
        """The letter of 1 ≤ i < n, with its first value and its last."""
        marks = [k for k, s in enumerate(part) if s.text in ("<", r"\le")]
        if len(marks) != 2 or marks[1] != marks[0] + 2 or not marks[0] or not self.is_new_letter(part[marks[0] + 1]):
            return None
        low, high = self.spot(part[: marks[0]]), self.spot(part[marks[1] + 1 :])
        more, less = (int(part[mark].text == "<") for mark in marks)
        bound = self.enter(part[marks[0] + 1])
        return replace(bound, low=moved(low, more), high=moved(high, -less))

    def ranges(self, lower: list[Signed], upper: list[Signed]) -> tuple[tuple[Bound, ...], tuple[Term, ...]]:
        """The letters that are bound, and the conditions; the letters mean something until `leave`."""
        bounds: list[Bound] = []
        later: list[list[Signed]] = []
        for part in split(lower, ",", ":"):
            where = next((k for k, s in enumerate(part) if s.text in (*RELATIONS, r"\in")), len(part))
            left = part[:where]
            sign = part[where].text if where < len(part) else ""
            new = [s for s in left if s.text.isalpha() or s.text.startswith("\\")]
            if (between := self.between(part)) is not None:
                bounds.append(between)
                continue
            if any(s.text in self.scope for s in new):
                later.append(part)
                continue
            if not left or len(new) != len(left):
                later.append(part)
                continue
            bounds += map(self.enter, new)
            other = part[where + 1] if sign in ("<", r"\ne") and len(part) == where + 2 else None
            if other and self.is_new_letter(other) and other.text.lstrip("\\") not in self.names.beside:
                if sign == r"\ne":
                    raise self.fault(
                        other.span, "It cannot be told whether this letter is bound here.", r"Write \sum_i \sum_{j \ne i}."
                    )
                bounds.append(self.enter(other))
            if sign == "=":
                bounds[-1] = replace(bounds[-1], low=self.spot(part[where + 1 :]))
            elif sign and sign != r"\in":
                later.append(part)
        if not bounds:
            raise self.fault(
                (lower[0].span[0], lower[-1].span[1]), "No letter is bound here.", r"Write \sum_j, or \sum_{j \ne t}."
            )
        tests = [test for part in later for test in self.inner(part, self.comparisons)]
        if upper:
            bounds[-1] = replace(bounds[-1], high=self.spot(upper))
        return tuple(bounds), tuple(tests)


def _compared(condition: list[Signed]) -> frozenset[str]:
    """What a comparison compares, whichever stands left."""
    at = next(k for k, s in enumerate(condition) if s.text in RELATIONS)
    return frozenset("".join(s.text for s in side) for side in (condition[:at], condition[at + 1 :]))
