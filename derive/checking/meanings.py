"""What a name in a typed formula is, with all that is written on it and around it: a tensor, an entry, a size, an index."""

from __future__ import annotations

from derive.checking.cursor import PAIRS
from derive.checking.indices import Indices
from derive.checking.names import APPLIED, SIGNS
from derive.checking.signs import Signed, Span
from derive.checking.tree import Spot, Term
from derive.errors import nearest, said

FACES = (
    *(r"\mathbf", r"\boldsymbol", r"\bm", r"\mathrm", r"\mathit", r"\mathsf", r"\mathcal", r"\vec"),
    *(r"\underline", r"\mathbb", r"\text"),
)
WORDS = (r"\operatorname", r"\mathrm", r"\text", r"\textrm", r"\mathsf", r"\operatorname*", r"\textit", r"\mathit", r"\texttt")
ACCENTS = {r"\hat": "hat", r"\widehat": "hat", r"\bar": "bar", r"\overline": "bar", r"\tilde": "tilde", r"\widetilde": "tilde"}


UNREAD = frozenset(
    ("int", "oint", "iint", "lim", "inf", "sup", "infty", "det", "arg", "argmax", "argmin", "Pr", "times", "pm", "mp", "dots")
)
"""Words of mathematics that no tensor is called, and that are not read."""


class Meanings(Indices):
    """Reads names."""

    def word(self, sign: Signed) -> tuple[str, str, Span]:
        """The letters of a name, its accent, and where they stand."""
        text = sign.text
        if text in ACCENTS:
            inner = self.group()
            base, _, _ = self.inner(inner, lambda: self.word(self.next()))
            return base, ACCENTS[text], (sign.span[0], self.last)
        if text in WORDS and self.peek() in ("{",):
            inner = self.group()
            if len(inner) == 1 and inner[0].text.startswith("\\"):
                return self.inner(inner, lambda: self.word(self.next()))
            return "".join(s.text for s in inner).replace("\\_", "_"), "", (sign.span[0], self.last)
        if text in FACES:
            return self.inner(self.group(), lambda: self.word(self.next()))
        if text.startswith("\\") and text[1:].isalpha() and text[1:] not in UNREAD:
            return text[1:], "", sign.span
        if text.isalpha():
            run, at = text, self.at
            while at < len(self.signs) and self.signs[at].text.isalnum() and self.signs[at].span[0] == self.signs[at - 1].span[1]:
                run += self.signs[at].text
                at += 1
            follows = self.signs[at].text if at < len(self.signs) else ""
            whole = (run in SIGNS and follows == "_") or (run in APPLIED and follows == "(")
            if (longest := run if whole else self.names.longest(run)) and not (longest != run and text in self.scope):
                used = 1
                while len("".join(s.text for s in self.signs[self.at - 1 : self.at - 1 + used])) < len(longest):
                    used += 1
                self.at += used - 1
                return longest, "", (sign.span[0], self.signs[self.at - 1].span[1])
            return text, "", sign.span
        raise self.fault(sign.span, said("{shown} is not read in a formula.", shown=text))

    def symbol(self, word: str, accent: str, span: Span) -> Term:
        """A tensor, one entry of it, a size, an index or a constant."""
        raised: list[Signed] = []
        turned = False
        raise_at = self.at
        if self.peek() == "^":  # x^{(1)}
            self.at += 1
            group = self.group()
            turned = len(group) > 3 and group[-1].text in (r"\top", "T") and group[0].text in ("(", "[")
            group = group[:-1] if turned else group
            if len(group) > 2 and group[0].text in ("(", "[") and group[-1].text == PAIRS[group[0].text]:
                raised = group[1:-1]
            else:
                self.at, turned = raise_at, False
        if self.names.member(word, accent) and (found := self.bracketed_indices()):
            return Term("ref", (self.names.member(word, accent), found), (span[0], self.last))
        under: list[Signed] = []
        if self.peek() == "_":
            self.at += 1
            under = self.group()
        if not raised and under and self.peek() == "^":
            back = self.at
            self.at += 1
            group = self.group()
            if len(group) > 2 and group[0].text in ("(", "[") and group[-1].text == PAIRS[group[0].text]:
                raised = group[1:-1]
            else:
                self.at = back
        meant = self.meaning(word, accent, raised, under, (span[0], self.last))
        if meant.kind == "ref" and not meant.args[1] and self.peek() == "'":
            return self.primed(meant)
        if meant.kind == "ref" and self.peek() == "(" and self.names.applied(meant.name, self._names_in_bracket()):
            opening = self.next()  # L(w) is L
            self.until(")", opening)
        return Term("transpose", (meant,), meant.span) if turned else meant

    def primed(self, of: Term) -> Term:
        """A derivative that is written with primes behind a name."""
        raise NotImplementedError

    def _names_in_bracket(self) -> list[str]:
        """The names in the bracket that begins here, if it holds nothing but names and commas."""
        end = next((k for k in range(self.at, len(self.signs)) if self.signs[k].text == ")"), self.at)
        inside = [s.text.lstrip("\\") for s in self.signs[self.at + 1 : end] if s.text not in (",", ";", "{", "}")]
        names = [self.names.member(word) if word.isalpha() else "" for word in inside if word not in ("mathbf", "boldsymbol")]
        return names if all(names) else []

    def meaning(self, word: str, accent: str, raised: list[Signed], under: list[Signed], span: Span) -> Term:
        """The tensor, entry, size, index or constant that a name with scripts is."""
        names = self.names
        above, below = ("".join(s.text for s in part) for part in (raised, under))
        if not (accent or raised or under) and word in self.scope:
            return Term("index", (self._as_number(self.scope[word]),), span)
        tries = [(names.member(word, accent, below, above), []), (names.member(word, accent, above), under)] if raised else []
        if under:
            tries += [(names.member(word, accent, below), [])] if not raised else []
            head, comma, _ = below.partition(",")
            base = names.member(word, accent)
            if comma and not raised and (not base or len(names.axes(base)) != below.count(",") + 1):
                cut = next(k for k, s in enumerate(under) if s.text == ",")
                tries.append((names.member(word, accent, head), under[cut + 1 :]))
        tries.append((names.member(word, accent), [*raised, *([Signed(",", span)] if raised and under else []), *under]))
        if raised and not names.member(word) and len(names.axes(names.member(word.upper()) or word)) > 1:  # x^{(i)}, a row of X
            tries.append((word.upper(), [*raised, *([Signed(",", span)] if under else []), *under]))
        if word in ("e", "basis") and under and not (accent or raised or names.member(word)):
            return Term("unit", self.indices_of(under, 1), span)
        for name, rest in tries:
            if name and (not rest or names.axes(name)):
                return self._entry(name, rest, span)
        if not (accent or raised or under):
            if names.size(word):
                return Term("size", (word,), span)
            if word in names.letters:
                return Term("index", (self._as_number(names.letters[word]),), span)
            constant = {"pi": "pi", "e": "exp(1)"}.get(word)
            if constant:
                return Term("size", (constant,), span)
            if word in ("I", "eye", "Id"):
                return Term("eye", (), span)
        if word == "I" and under and not (accent or raised):
            if self.names.size(below):
                return Term("eye", (below,), span)
            first, *second = self.indices_of(under, 2)
            if len(second) == 1:
                same = Term("compare", ("==", first, second[0]), span)
                return Term("where", ((same,), Term("num", ("1",), span), Term("num", ("0",), span)), span)
        shown = word + (f"_{accent}" if accent else "") + (f"_{below}" if below else "") + (f"^({above})" if above else "")
        raise self.fault(span, said("{name} is not defined.", name=shown), nearest(shown, names.members))

    def _as_number(self, letter: str) -> Spot:
        return Spot(letter, frozenset({letter}), (0, 1), self.names.base)

    def _entry(self, name: str, under: list[Signed], span: Span) -> Term:
        axes = self.names.axes(name)
        if self.names.is_label(name):
            raise self.fault(
                span, said("{name} is a label: it picks entries, and is no number.", name=name), "Write \\delta_{it}."
            )
        found = self.indices_of(under, len(axes)) if under else ()
        if len(found) > len(axes):
            raise self.fault(
                span, said("{name} has {count} axes, and {given} indices here.", name=name, count=len(axes), given=len(found))
            )
        return Term("ref", (name, found), span)
