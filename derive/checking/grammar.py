r"""Typed formulas → trees: `\frac{\partial L}{\partial z_i} = p_i - \delta_{it}` as students and textbooks write it.

What has two readings is refused with a word on how to write it: a denominator without brackets, what a logarithm is taken of.
"""

from __future__ import annotations

from dataclasses import replace

from derive.checking.indices import Indices
from derive.checking.names import AMBIGUOUS, SLOPES, SUMMED, elementwise
from derive.checking.signs import Signed, Span
from derive.checking.tree import Bound, Spot, Term
from derive.errors import said

_ENDS = frozenset(("+", "-", ")", "]", "}", r"\}", ",", "&", r"\\", "=", "<", ">", r"\le", r"\ge", r"\ne", ";", r"\end", ":"))
_BINARY = frozenset((r"\cdot", r"\odot", "/", r"\at", "*"))
_RELATIONS = {"=": "==", r"\ne": "!=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">="}
_PAIRS = {"(": ")", "[": "]", r"\{": r"\}", "{": "}"}
_BARS = ("|", r"\|")
_BIG = {r"\sum": "sum", r"\prod": "prod", r"\max": "max", r"\min": "min"}
_ONES = (r"\one", r"\mathbb", r"\mathbf", r"\mathds", r"\mathbbm", r"\bm", r"\boldsymbol")
_FACES = (
    r"\mathbf",
    r"\boldsymbol",
    r"\bm",
    r"\mathrm",
    r"\mathit",
    r"\mathsf",
    r"\mathcal",
    r"\vec",
    r"\underline",
    r"\mathbb",
    r"\text",
)
_WORDS = (r"\operatorname", r"\mathrm", r"\text", r"\textrm", r"\mathsf", r"\operatorname*", r"\textit", r"\mathit", r"\texttt")
_ACCENTS = {r"\hat": "hat", r"\widehat": "hat", r"\bar": "bar", r"\overline": "bar", r"\tilde": "tilde", r"\widetilde": "tilde"}


class Grammar(Indices):
    """Reads signs from left to right; every method returns the term of what it has read."""

    def formula(self) -> Term:
        """The whole text as one formula.  Raises DeriveError where it is none."""
        if not self.signs:
            raise self.fault((0, 1), "A formula is missing here.")
        found = self.sum()
        if self.peek():
            raise self.fault(self.here, said("{shown} is not expected here.", shown=self.peek()))
        return found

    # ------------------------------------------------------------ sums and products

    def sum(self) -> Term:
        negative = self.peek() == "-"
        if self.peek() in ("+", "-"):
            self.at += 1
        found = self.term()
        found = Term("neg", (found,), found.span) if negative else found
        while self.peek() in ("+", "-"):
            operator = "add" if self.next().text == "+" else "sub"
            right = self.term()
            found = Term(operator, (found, right), (found.span[0], right.span[1]))
        return found

    def term(self) -> Term:
        """A product.  Behind a denominator that is no bracket nothing stands that it might reach to."""
        if self.peek() == "-":  # 2 · -x
            start = self.next().span
            inner = self.term()
            return Term("neg", (inner,), (start[0], inner.span[1]))
        found = self.factor()
        while self.peek() and self.peek() not in _ENDS:
            operator = self.next().text if self.peek() in _BINARY else ""
            if operator and self.peek() == "-":
                raise self.fault(self.here, "A minus sign behind another sign needs brackets.")
            first = self.at
            right = self.factor()
            if operator == "/" and self.signs[first].text not in ("(", "{") and self._glued():
                raise self.fault(
                    self.here, "It cannot be told how far this denominator reaches.", r"Write a/(b c), or \frac{a}{b} c."
                )
            kind = {"": "mul", r"\cdot": "dot", r"\odot": "times", "/": "div", r"\at": "mul", "*": "star"}[operator]
            found = Term(kind, (found, right), (found.span[0], right.span[1]))
        return found

    def _glued(self) -> bool:
        """Whether a plain factor follows without a sign."""
        sign = self.peek()
        return (
            bool(sign)
            and (sign.isalnum() or sign in ("(", r"\frac") or sign.lstrip("\\") in ("alpha", "beta", "gamma", "mu", "lambda"))
            and (sign != "(")
        )

    def factor(self) -> Term:
        """An atom with its powers and, behind a bracket, its indices."""
        found = self.atom()
        if found.kind in ("lib", "call") and (spots := self.bracketed_indices()):
            found = Term("at", (found, spots), (found.span[0], self.last))
        while self.peek() in ("^", "_", "'"):
            mark = self.next()
            if mark.text == "'":
                raise self.fault(mark.span, "A prime is read behind a function's name only.", "Write the derivative as ∂L/∂x.")
            found = self.entry_of(found) if mark.text == "_" else self.power(found)
        return found

    def entry_of(self, found: Term) -> Term:
        """An entry of what stands in brackets, by the indices behind it."""
        bare = found.kind == "ref" and not found.args[1]
        indices = self.indices_of(self.group(), len(self.names.axes(found.name)) if bare else None)
        whole = (found.span[0], self.last)
        return Term("ref", (found.name, indices), whole) if bare else Term("at", (found, indices), whole)

    def power(self, base: Term) -> Term:
        """What stands raised behind an atom: a transpose or an exponent."""
        group = self.group()
        words = [s.text for s in group]
        span = (base.span[0], self.last)
        if words in ([r"\top"], ["T"], [r"\mathsf", "{", "T", "}"], [r"\mathrm", "{", "T", "}"], [r"\rm", "T"]) and not (
            words == ["T"] and self.names.member("T")
        ):
            return Term("transpose", (base,), span)
        if words[:1] == [r"\odot"]:
            group = group[1:]
        exponent = self.inner(group, self.sum)
        return Term("pow", (base, exponent), span)

    # ------------------------------------------------------------ atoms

    def atom(self) -> Term:
        if not self.peek():
            raise self.fault(self.here, "The formula ends here, and something is missing.")
        sign = self.next()
        text, span = sign.text, sign.span
        if self.bracket_of(sign):
            return self.bracket(span)
        if text[0].isdigit() or (text[0] == "." and len(text) > 1):
            return Term("num", (text,), span)
        if text == r"\frac":
            return self.fraction(span)
        if text == r"\sqrt":
            if self.peek() == "[":
                raise self.fault(self.here, "Only square roots are read.", "Write x^{1/3}.")
            return Term("call", ("sqrt", (self.inner(self.group(), self.sum),)), (span[0], self.last))
        if text in (r"\partial", "d") and (text != "d" or self._differential()):
            return self.inline_derivative(span)
        if text == r"\nabla":
            return self.gradient(span)
        if text in _BIG and not (text in (r"\max", r"\min") and self.peek() != "_"):
            return self.reduction(_BIG[text], span)
        if text in _BARS:
            return self.bars(text, span)
        if text == r"\begin":
            return self.environment(span)
        if text in ("(", "[", r"\{", "{"):
            return self.bracketed(sign)
        if text in (r"\delta",) and self.peek() == "_" and not self.names.member("delta"):
            return self.delta(span)
        if text == r"\underbrace" or text == r"\overbrace":
            found = self.inner(self.group(), self.sum)
            if self.peek() in ("_", "^"):
                self.at += 1
                self.group()
            return found
        return self.named(sign)

    def bracketed(self, sign: Signed) -> Term:
        """What stands in brackets; a condition in square ones is 1 or 0."""
        group = self.until(_PAIRS[sign.text], sign)
        if sign.text in ("[", r"\{") and any(s.text in _RELATIONS for s in self.flat(group)) and group[0].text != r"\begin":
            return Term(
                "where", (self.conditions(group), _number(1, sign.span), _number(0, sign.span)), (sign.span[0], self.last)
            )
        return replace(self.inner(group, self.sum), span=(sign.span[0], self.last))

    def bars(self, text: str, span: Span) -> Term:
        """|x|, or the norm ‖x‖, whose index 2 says nothing."""
        start = self.at
        depth = 0
        while self.peek() and (depth or self.peek() != text):
            depth += (self.peek() in _PAIRS) - (self.peek() in _PAIRS.values())
            self.at += 1
        if not self.peek() or self.at == start:
            raise self.fault(span, said("This {opened} is never closed.", opened=text))
        group = self.signs[start : self.at]
        self.at += 1
        inner = self.inner(group, self.sum)
        if text == "|":
            return Term("call", ("abs", (inner,)), (span[0], self.last))
        if self.peek() == "_":
            self.at += 1
            if [s.text for s in self.group()] not in (["2"], ["F"]):
                raise self.fault(self.here, "Only the Euclidean norm is read.", r"Write \sum_i |x_i|.")
        return Term("norm", (inner,), (span[0], self.last))

    def bracket_of(self, sign: Signed) -> bool:
        r"""Whether this is the sign of a bracket, 𝟙[…], \mathbb{1}_{…}: the 1 with a condition behind it, or a column of ones."""
        if sign.text == r"\one":
            return True
        if sign.text == "1" and self.peek() in ("_", "[", r"\{"):
            ahead = self.signs[self.at + (self.peek() == "_") :]
            stop = next((k for k, s in enumerate(ahead) if s.text in ("]", "}", r"\}")), len(ahead))
            return any(s.text in _RELATIONS for s in ahead[:stop])
        if sign.text in _ONES and [s.text for s in self.signs[self.at : self.at + 3]] in (["{", "1", "}"], ["{", "I", "}"]):
            self.at += 3
            return True
        if sign.text in _ONES and self.peek() == "1":
            self.at += 1
            return True
        return False

    def bracket(self, span: Span) -> Term:
        if self.peek() == "_":
            self.at += 1
        if self.peek() in ("[", r"\{", "(", "{"):
            opening = self.next()
            group = self.until(_PAIRS[opening.text], opening)
            if group[:1] and group[0].text in ("[", r"\{", "(") and group[-1].text == _PAIRS[group[0].text]:
                group = group[1:-1]
            return Term("where", (self.conditions(group), _number(1, span), _number(0, span)), (span[0], self.last))
        return Term("ones", (), span)

    def delta(self, span: Span) -> Term:
        """δ_{ij} of Kronecker."""
        self.at += 1
        first, second = self._two(self.indices_of(self.group(), 2), span)
        same = Term("compare", ("==", first, second), (span[0], self.last))
        return Term("where", ((same,), _number(1, span), _number(0, span)), (span[0], self.last))

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
        rows = [row for row in _split(inside, r"\\") if row]
        whole = (span[0], self.last)
        found: Term | None = None
        for row in reversed(rows):
            value, *rest = _split(row, "&")
            condition = rest[0] if rest else []
            words = self.without_words(condition)
            term = self.inner(value, self.sum)
            if found is None and (not words or not any(s.text in _RELATIONS for s in words)):
                found = term
                continue
            tests = self.conditions(words)
            if found is None and len(rows) == 1:
                raise self.fault(span, "These cases have one case only.")
            found = Term("where", (tests, term, found), whole) if found is not None else Term("last", (tests, term), whole)
            if found.kind == "where" and found.args[2].kind == "last":
                found = Term("where", (tests, term, found.args[2].args[1]), whole)
        if found is None:
            raise self.fault(span, "These cases have one case only.")
        return found

    def conditions(self, group: list[Signed]) -> tuple[Term, ...]:
        """Comparisons with commas between them."""
        found: list[Term] = []
        for part in _split(group, ",", r"\wedge", r"\land"):
            found += self.inner(part, self.comparisons)
        return tuple(found)

    def comparisons(self) -> list[Term]:
        """a < b ≤ c, of indices or of numbers."""
        sides: list[list[Signed]] = [[]]
        operators: list[str] = []
        while self.peek():
            sign = self.next()
            if sign.text in _RELATIONS and not _open(sides[-1]):
                operators.append(_RELATIONS[sign.text])
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

    # ------------------------------------------------------------ derivatives

    def _differential(self) -> bool:
        """Whether the d that was read begins dL/dz or stands over dz."""
        if self.names.member("d") or self.names.size("d") or "d" in self.scope:
            return False
        rest = [s.text for s in self.signs[self.at : self.at + 40]]
        return (
            "/" in rest
            and rest[rest.index("/") + 1 : rest.index("/") + 2] == ["d"]
            and rest.index("/") < 20
            and "+" not in rest[: rest.index("/")]
        )

    def fraction(self, span: Span) -> Term:
        top, bottom = self.group(), self.group()
        whole = (span[0], self.last)
        marks = (r"\partial", "d")
        top, bottom = ([s for s in part if s.text != r"\rm"] for part in (self.plain_d(top), self.plain_d(bottom)))
        if (
            top
            and bottom
            and top[0].text == bottom[0].text
            and top[0].text in marks
            and (top[0].text == r"\partial" or not self.names.member("d"))
        ):
            return self.derivative(top, bottom, whole)
        return Term("div", (self.inner(top, self.sum), self.inner(bottom, self.sum)), whole)

    def derivative(self, top: list[Signed], bottom: list[Signed], span: Span) -> Term:
        r"""∂a/∂b; where nothing stands behind the upper ∂, what follows is derived."""
        if any(s.text == top[0].text for s in bottom[1:]) or any(s.text == "^" for s in top[1:2]):
            raise self.fault(span, "Second derivatives are not read.", "Give the gradient a name, and write its derivative.")
        by = self.inner(bottom[1:], self.variable)
        if top[1:]:
            of = self.inner(top[1:], self.output)
        else:
            of = self.bracketed(self.next()) if self.peek() in ("[", "(", r"\{") else self.term()
        return Term("diff", (of, by, top[0].text == "d"), (span[0], self.last))

    def inline_derivative(self, span: Span) -> Term:
        """∂L / ∂z_i on one line."""
        mark = self.signs[self.at - 1].text
        top: list[Signed] = []
        while self.peek() and self.peek() not in ("/", "+", "="):
            top.append(self.next())
        if self.peek() != "/" or [s.text for s in self.signs[self.at + 1 : self.at + 2]] != [mark]:
            raise self.fault(span, "This ∂ begins no ∂a/∂b.")
        self.at += 2
        by = self.variable()
        if not top:
            of = self.bracketed(self.next()) if self.peek() in ("[", "(", r"\{") else self.term()
            return Term("diff", (of, by, mark == "d"), (span[0], self.last))
        return Term("diff", (self.inner(top, self.output), by, mark == "d"), (span[0], self.last))

    def gradient(self, span: Span) -> Term:
        """∇_z L: the tensor of all ∂L/∂z_i."""
        if self.peek() != "_":
            raise self.fault(span, r"Say by what the gradient is taken: \nabla_z L.")
        self.at += 1
        by = self.inner(self.group(), self.variable)
        of = self.output_atom()
        return Term("diff", (of, by, True), (span[0], self.last))

    def variable(self) -> Term:
        """What a derivative is taken by: a tensor or an entry."""
        if self.peek() == "(":
            opening = self.next()
            inside = self.inner(self.until(")", opening), self.variable)
            if self.peek() == "_":
                self.at += 1
                return self.entry_of(inside)
            return inside
        found = self.named(self.next(), plain=True) if self.peek() else self.nothing()
        if found.kind != "ref":
            raise self.fault(found.span, "A derivative is taken by a tensor or by an entry of one.")
        return found

    def output(self) -> Term:
        return self.sum()

    def output_atom(self) -> Term:
        return self.factor() if self.peek() else self.nothing()

    # ------------------------------------------------------------ names

    def named(self, sign: Signed, plain: bool = False) -> Term:
        """A name with what is written on it and around it: a tensor, a function, a size, an index, a constant."""
        word, accent, span = self.word(sign)
        if not plain and (found := self._function(word, accent, span)) is not None:
            return found
        return self.symbol(word, accent, span)

    def word(self, sign: Signed) -> tuple[str, str, Span]:
        """The letters of a name, its accent, and where they stand."""
        text = sign.text
        if text in _ACCENTS:
            inner = self.group()
            base, _, _ = self.inner(inner, lambda: self.word(self.next()))
            return base, _ACCENTS[text], (sign.span[0], self.last)
        if text in _WORDS and self.peek() in ("{",):
            inner = self.group()
            if len(inner) == 1 and inner[0].text.startswith("\\"):
                return self.inner(inner, lambda: self.word(self.next()))
            return "".join(s.text for s in inner).replace("\\_", "_"), "", (sign.span[0], self.last)
        if text in _FACES:
            return self.inner(self.group(), lambda: self.word(self.next()))
        if text.startswith("\\") and text[1:].isalpha():
            return text[1:], "", sign.span
        if text.isalpha():
            run, at = text, self.at
            while at < len(self.signs) and self.signs[at].text.isalnum() and self.signs[at].span[0] == self.signs[at - 1].span[1]:
                run += self.signs[at].text
                at += 1
            if (longest := self.names.longest(run)) and not (longest != run and text in self.scope):
                used = 1
                while len("".join(s.text for s in self.signs[self.at - 1 : self.at - 1 + used])) < len(longest):
                    used += 1
                self.at += used - 1
                return longest, "", (sign.span[0], self.signs[self.at - 1].span[1])
            return text, "", sign.span
        raise self.fault(sign.span, said("{shown} is not read in a formula.", shown=text))

    def _function(self, word: str, accent: str, span: Span) -> Term | None:
        """A function with its arguments, if this is one."""
        if accent or word in self.scope:
            return None
        if word == "e" and self.peek() == "^" and not self.names.member("e"):
            self.at += 1
            return Term("call", ("exp", (self.inner(self.group(), self.sum),)), (span[0], self.last))
        if word in SUMMED and self.peek() == "_":
            return self.reduction(SUMMED[word], span)
        if word in ("diag", "tr", "Tr", "trace") and self.peek() in ("(", "["):
            opening = self.next()
            inner = self.inner(self.until(_PAIRS[opening.text], opening), self.sum)
            return Term("diag" if word == "diag" else "trace", (inner,), (span[0], self.last))
        member = self.names.member(word)
        if member and word in AMBIGUOUS and self.peek() == "(":
            raise self.fault(
                span, "It cannot be told whether this is a function or a product.", r"Write \sigma \cdot (x) for a product."
            )
        function = self.names.function(word) if not member else ""
        if not function or (len(word) == 1 and self.peek() not in ("(", "'") and word not in ("σ",)):
            return None
        if self.peek() == "_" and function not in ("log",) and word not in SUMMED:
            return None
        primed = self.peek() == "'"
        self.at += primed
        base = ""
        exponent: Term | None = None
        if self.peek() == "_" and function == "log":
            self.at += 1
            base = "".join(s.text for s in self.group())
        if self.peek() == "^":
            self.at += 1
            exponent = self.inner(self.group(), self.sum)

        def power(found: Term) -> Term:
            return found if exponent is None else Term("pow", (found, exponent), found.span)

        args = self.arguments(span)
        whole = (span[0], self.last)
        if primed:
            if function not in SLOPES:
                raise self.fault(span, said("The derivative of {name} is not read with a prime.", name=function))
            return power(Term("slope", (function, args), whole))
        if function in ("max", "min") and len(args) > 2:
            nested = args[-1]
            for arg in reversed(args[:-1]):
                nested = Term("call", (function, (arg, nested)), whole)
            return power(nested)
        found = Term("call" if elementwise(function) else "lib", (function, args), whole)
        if base and base not in ("e",):
            below = Term("call", ("log", (_number(int(base), span),)), whole) if base.isdigit() else None
            if below is None:
                raise self.fault(span, "The base of this logarithm is not read.")
            found = Term("div", (found, below), whole)
        return power(found)

    def arguments(self, span: Span) -> tuple[Term, ...]:
        """What a function is applied to: what stands in brackets, or the one factor behind it."""
        if self.peek() in _PAIRS:
            opening = self.next()
            group = self.until(_PAIRS[opening.text], opening)
            parts = _split(group, ",")
            if not all(parts):
                raise self.fault((opening.span[0], self.last), "An argument is missing here.")
            return tuple(self.inner(part, self.sum) for part in parts)
        if not self.peek() or self.peek() in _ENDS:
            raise self.fault(span, "An argument is missing here.")
        number = self.peek()[0].isdigit()
        start = self.at
        found = self.factor()
        if number and self.peek() and self.peek() not in _ENDS | _BINARY | {"("}:
            right = self.factor()
            found = Term("mul", (found, right), (found.span[0], right.span[1]))
        big = self.signs[start].text in _BIG
        if not big and self.peek() and (self.peek().isalnum() or self.peek() in ("(", r"\frac", "[")):
            raise self.fault(
                self.here,
                "It cannot be told what the function before is taken of.",
                r"Write it in brackets: \log(a b), or \log(a) \cdot b.",
            )
        return (found,)

    def symbol(self, word: str, accent: str, span: Span) -> Term:
        """A tensor, one entry of it, a size, an index or a constant."""
        raised: list[Signed] = []
        raise_at = self.at
        if self.peek() == "^":  # x^{(1)}
            self.at += 1
            group = self.group()
            if len(group) > 2 and group[0].text in ("(", "[") and group[-1].text == _PAIRS[group[0].text]:
                raised = group[1:-1]
            else:
                self.at = raise_at
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
            if len(group) > 2 and group[0].text in ("(", "[") and group[-1].text == _PAIRS[group[0].text]:
                raised = group[1:-1]
            else:
                self.at = back
        meant = self.meaning(word, accent, raised, under, (span[0], self.last))
        if meant.kind == "ref" and self.peek() == "(" and self.names.applied(meant.name, self._names_in_bracket()):
            opening = self.next()  # L(w) is L
            self.until(")", opening)
        return meant

    def _names_in_bracket(self) -> list[str]:
        """The names in the bracket that begins here, if it holds nothing but names and commas."""
        end = next((k for k in range(self.at, len(self.signs)) if self.signs[k].text == ")"), self.at)
        inside = [s.text.lstrip("\\") for s in self.signs[self.at + 1 : end] if s.text not in (",", ";", "{", "}")]
        names = [self.names.member(word) if word.isalpha() else "" for word in inside if word not in ("mathbf", "boldsymbol")]
        return names if all(names) else []

    # ------------------------------------------------------------ Σ and its like

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
        self.leave(bounds)
        return Term("reduce", (operator, body, bounds, tests), (span[0], self.last))

    def ranges(self, lower: list[Signed], upper: list[Signed]) -> tuple[tuple[Bound, ...], tuple[Term, ...]]:
        """The letters that are bound, and the conditions; the letters mean something until `leave`."""
        bounds: list[Bound] = []
        later: list[list[Signed]] = []
        for part in _split(lower, ",", ":"):
            where = next((k for k, s in enumerate(part) if s.text in (*_RELATIONS, r"\in")), len(part))
            left = part[:where]
            sign = part[where].text if where < len(part) else ""
            new = [s for s in left if s.text.isalpha() or s.text.startswith("\\")]
            if any(s.text in self.scope for s in new):
                later.append(part)
                continue
            if not left or len(new) != len(left):
                later.append(part)
                continue
            bounds += map(self.enter, new)
            if sign == "<" and len(part) == where + 2 and self.is_new_letter(part[where + 1]):
                bounds.append(self.enter(part[where + 1]))
            if sign == "=":
                start = part[where + 1 :]
                if [s.text for s in start] not in (["0"], ["1"]):
                    later.append([*left, Signed(r"\ge", part[where].span), *start])
                elif int(start[0].text) != self.names.base:
                    bounds[-1] = replace(bounds[-1], size=f"from {start[0].text}")
            elif sign and sign != r"\in":
                later.append(part)
        if not bounds:
            raise self.fault(
                (lower[0].span[0], lower[-1].span[1]), "No letter is bound here.", r"Write \sum_j, or \sum_{j \ne t}."
            )
        tests = [test for part in later for test in self.inner(part, self.comparisons)]
        if upper:
            bounds[-1], more = self.upper(bounds[-1], upper)
            tests += more
        return tuple(bounds), tuple(tests)


def _number(value: int, span: Span) -> Term:
    return Term("num", (str(value),), span)


def _open(signs: list[Signed]) -> int:
    return sum((s.text in _PAIRS) - (s.text in _PAIRS.values()) for s in signs)


def _split(signs: list[Signed], *marks: str) -> list[list[Signed]]:
    """The stretches between some signs that stand outside brackets."""
    found: list[list[Signed]] = [[]]
    depth = 0
    for sign in signs:
        depth += (sign.text in _PAIRS or sign.text == r"\begin") - (sign.text in _PAIRS.values() or sign.text == r"\end")
        if sign.text in marks and not depth:
            found.append([])
        else:
            found[-1].append(sign)
    return found
