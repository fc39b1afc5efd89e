r"""Typed formulas → trees: `\frac{\partial L}{\partial z_i} = p_i - \delta_{it}` as students and textbooks write it.

What has two readings is refused with a word on how to write it: a denominator without brackets, what a logarithm is taken of.
"""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.functions import PRIMITIVES
from derive.checking.cursor import PAIRS, RELATIONS, number, split
from derive.checking.derivatives import Derivatives
from derive.checking.names import AMBIGUOUS, APPLIED, SIGNS, SLOPES, elementwise
from derive.checking.signs import Signed, Span
from derive.checking.tree import Term
from derive.errors import DeriveError, said

_ENDS = frozenset(
    ("+", "-", ")", "]", "}", r"\}", ",", "&", r"\\", "=", "<", ">", r"\le", r"\ge", r"\ne", ";", r"\end", ":", r"\rangle")
)
_BINARY = frozenset((r"\cdot", r"\odot", r"\oslash", "/", r"\at", "*"))
_BARS = ("|", r"\|")
_BIG = {sign: name for name, sign in SIGNS.items()}


class Grammar(Derivatives):
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
        factors = [found]
        while self.peek() and self.peek() not in _ENDS and not self._rebinds():
            operator = self.next().text if self.peek() in _BINARY else ""
            if operator and self.peek() == "-":
                raise self.fault(self.here, "A minus sign behind another sign needs brackets.")
            first = self.at
            right = self.factor()
            half = found.kind == right.kind == "num" and self.here[0] > self.last  # 1/2 x, with a space
            if operator == "/" and self.signs[first].text not in ("(", "{") and not half and self._glued():
                raise self.fault(
                    self.here, "It cannot be told how far this denominator reaches.", r"Write a/(b c), or \frac{a}{b} c."
                )
            kind = {"": "mul", r"\cdot": "dot", r"\odot": "times", r"\oslash": "div", "/": "div", r"\at": "mul", "*": "star"}[
                operator
            ]
            found = Term(kind, (found, right), (found.span[0], right.span[1]))
            factors.append(right)
        self.factors = factors
        return found

    def _rebinds(self) -> bool:
        """Whether a quotient comes by a Σ over a letter that a Σ before it has bound: that one ends here."""
        if self.peek() != "/":
            return False
        at = self.at + 1 + (self.signs[self.at + 1 : self.at + 2] != [] and self.signs[self.at + 1].text == "(")
        if not self._is_big(at):
            return False
        under = [s.text for s in self.signs[at + 2 :]]
        listed = under[1 : under.index("}")] if under[:1] == ["{"] and "}" in under else under[:1]
        return any(word in self.scope and listed[k - 1 : k] in ([], [","]) for k, word in enumerate(listed))

    def _is_big(self, at: int) -> bool:
        """Whether a Σ or a Π with something under it stands at a place."""
        words = [s.text for s in self.signs[at : at + 2]]
        sign = words[0] if words[1:] == ["_"] else ""
        return bool(sign) and (sign in _BIG or (sign in (r"\Sigma", r"\Pi") and not self.names.member(sign[1:])))

    def _glued(self) -> bool:
        """Whether a plain factor follows without a sign: 1/2x, but not 1/2 (x), 1/n Σ x and 1/2 log x."""
        sign = self.peek()
        plain = sign.isalnum() or (sign.startswith("\\") and sign[1:].isalpha())
        apart = (
            sign in _BIG or sign in _BINARY or sign in _ENDS or sign in (r"\frac", r"\sqrt", r"\partial", r"\nabla", r"\begin")
        )
        apart = apart or self._is_big(self.at)
        return bool(sign) and plain and not apart and sign.lstrip("\\") not in PRIMITIVES and sign not in (r"\ln", r"\one")

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
            words == ["T"] and (self.names.member("T") or self.names.size("T"))
        ):
            return Term("transpose", (base,), span)
        if words[:1] == [r"\odot"]:
            return Term("powers", (base, self.inner(group[1:], self.sum)), span)
        return Term("pow", (base, self.inner(group, self.sum)), span)

    # ------------------------------------------------------------ atoms

    def atom(self) -> Term:
        if not self.peek():
            raise self.fault(self.here, "The formula ends here, and something is missing.")
        sign = self.next()
        text, span = sign.text, sign.span
        if self.bracket_of(sign):
            return self.bracket(span)
        if text[0].isdigit() or (text[0] == "." and len(text) > 1):
            if (power := next((c for c in text if c in "eE"), "")) and (self.names.member(power) or self.names.size(power)):
                raise self.fault(
                    span,
                    said("It cannot be told whether this {name} is a power of ten.", name=power),
                    said("Write 2 {name} - 1, or 0.2.", name=power),
                )
            if text.isdigit() and (decimals := self._decimal_comma()):
                return Term("num", (f"{text}.{decimals.text}",), (span[0], decimals.span[1]))
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
        if text == "{" and (cases := self.cases_in_text(sign)) is not None:
            return cases
        if text in ("(", "[", r"\{", "{"):
            return self.bracketed(sign)
        if text == r"\langle":
            parts = split(self.until(r"\rangle", sign), ",")
            if len(parts) != 2:
                raise self.fault((span[0], self.last), r"Between these stand two tensors: \langle w, x \rangle.")
            return Term("inner", tuple(self.inner(part, self.sum) for part in parts), (span[0], self.last))
        if text in (r"\Sigma", r"\Pi") and self.peek() == "_" and not self.names.member(text[1:]):
            return self.reduction("sum" if text == r"\Sigma" else "prod", span)
        if text == r"\delta" and self.peek() == "_" and self.is_kronecker():
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
        group = self.until(PAIRS[sign.text], sign)
        if sign.text in ("[", r"\{") and any(s.text in RELATIONS for s in self.flat(group)) and group[0].text != r"\begin":
            return Term("where", (self.conditions(group), number(1, sign.span), number(0, sign.span)), (sign.span[0], self.last))
        return replace(self.inner(group, self.sum), span=(sign.span[0], self.last))

    def bars(self, text: str, span: Span) -> Term:
        """|x|, or the norm ‖x‖, whose index 2 says nothing."""
        start = self.at
        depth = 0
        while self.peek() and (depth or self.peek() != text):
            depth += (self.peek() in PAIRS) - (self.peek() in PAIRS.values())
            self.at += 1
        if not self.peek() or self.at == start:
            raise self.fault(span, said("This {opened} is never closed.", opened=text))
        group = self.signs[start : self.at]
        self.at += 1
        inner = self.inner(group, self.sum)
        if text == "|":
            return Term("bars", (inner,), (span[0], self.last))
        raised = None
        if self.peek() == "^":  # \|x\|^2_2
            back, self.at = self.at, self.at + 1
            raised = self.inner(self.group(), self.sum)
            self.at, raised = (self.at, raised) if self.peek() == "_" else (back, None)
        kind = ""
        if self.peek() == "_":
            self.at += 1
            kind = "".join(s.text for s in self.group())
            if kind not in ("1", "2", "F", r"\infty"):
                raise self.fault(self.here, "This norm is not read.", r"Write \sum_i |x_i|.")
        found = Term("norm", (inner, kind), (span[0], self.last))
        return found if raised is None else Term("pow", (found, raised), found.span)

    def named(self, sign: Signed, plain: bool = False) -> Term:
        """A name with what is written on it and around it: a tensor, a function, a size, an index, a constant."""
        word, accent, span = self.word(sign)
        if not plain and (found := self._function(word, accent, span)) is not None:
            return found
        return self.symbol(word, accent, span)

    def _function(self, word: str, accent: str, span: Span) -> Term | None:
        """A function with its arguments, if this is one."""
        if accent or word in self.scope:
            return None
        if word == "e" and self.peek() == "^" and not self.names.member("e"):
            self.at += 1
            return Term("call", ("exp", (self.inner(self.group(), self.sum),)), (span[0], self.last))
        if word in SIGNS and self.peek() == "_":
            return self.reduction(word, span)
        member = self.names.member(word)
        if word in APPLIED and not member and self.peek() in ("(", "["):
            return self._applied(word, span)
        if member and word in AMBIGUOUS and self.peek() == "(":
            raise self.fault(
                span, "It cannot be told whether this is a function or a product.", r"Write \sigma \cdot (x) for a product."
            )
        if member and word in AMBIGUOUS and [s.text for s in self.signs[self.at : self.at + 6]] == [*"^{-1}", "("]:
            raise self._inverse(span, word)
        if word == "lg" and not member:
            raise self.fault(span, "It cannot be told which logarithm this is.", r"Write \log x, \log_2 x or \log_{10} x.")
        function = self.names.function(word) if not member else ""
        if not function or (len(word) == 1 and self.peek() not in ("(", "'") and word not in ("σ",)):
            return None
        if self.peek() == "_" and function not in ("log",) and word not in SIGNS:
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
            self._no_inverse(exponent, function)

        def power(found: Term) -> Term:
            return found if exponent is None else Term("pow", (found, exponent), found.span)

        one = function in PRIMITIVES and PRIMITIVES[function].arguments == 1
        args = self.arguments(span, one)
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
            below = Term("call", ("log", (number(int(base), span),)), whole) if base.isdigit() else None
            if below is None:
                raise self.fault(span, "The base of this logarithm is not read.")
            found = Term("div", (found, below), whole)
        return power(found)

    def _decimal_comma(self) -> Signed | None:
        """The digits behind a comma that stands right between digits, where a number is read: 0,3 in French."""
        comma, digits = [*self.signs[self.at : self.at + 2], None, None][:2]
        if comma is None or digits is None or comma.text != "," or not digits.text.isdigit():
            return None
        if comma.span[0] != self.last or digits.span[0] != comma.span[1]:
            return None
        self.at += 2
        return digits

    def _applied(self, word: str, span: Span) -> Term:
        """A function of whole tensors."""
        args, whole = self.arguments(span), (span[0], self.last)
        if len(args) != (2 if word in ("dot", "inner", "outer") else 1):
            raise self.fault(whole, "An argument is missing here.")
        match word:
            case "diag":
                return Term("diag", args, whole)
            case "norm":
                return Term("norm", (*args, ""), whole)
            case "outer":
                return Term("mul", (args[0], Term("transpose", (args[1],), args[1].span)), whole)
            case "dot" | "inner":
                return Term("inner", args, whole)
        return Term("trace", args, whole)

    def _no_inverse(self, exponent: Term, function: str) -> None:
        if exponent.kind == "neg" and exponent.args[0].kind == "num" and exponent.args[0].args == ("1",):
            raise self._inverse(exponent.span, function)

    def _inverse(self, span: Span, function: str) -> DeriveError:
        return self.fault(
            span,
            said("It cannot be told whether this is the inverse function or 1/{name}.", name=function),
            said("Write 1/{name}(x), or the inverse by a formula.", name=function),
        )

    def arguments(self, span: Span, one: bool = False) -> tuple[Term, ...]:
        """What a function is applied to: what stands in brackets, or the one factor behind it.  A function of `one` number has
        no comma but a decimal one, and where semicolons stand they part the arguments.
        """
        if self.peek() in PAIRS and self.peek() != r"\langle":
            opening = self.next()
            group = self.until(PAIRS[opening.text], opening)
            parts = split(group, ";")
            if len(parts) == 1 and not (one and _decimal_commas(group)):
                parts = split(group, ",")
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


def _decimal_commas(group: list[Signed]) -> bool:
    """Whether every comma of a stretch stands right between digits."""
    commas = [k for k, sign in enumerate(group) if sign.text == ","]
    around = [group[k - 1 : k + 2] for k in commas if k > 0]
    return len(around) == len(commas) and all(
        len(three) == 3 and three[0].text.isdigit() and three[2].text.isdigit() and three[0].span[1] + 1 == three[2].span[0]
        for three in around
    )
