"""Derivatives in a typed formula: ∂a/∂b as a fraction or on one line, ∂/∂b before what is derived, ∇."""

from __future__ import annotations

from derive.checking.conditions import Conditions
from derive.checking.signs import Signed, Span
from derive.checking.tree import Term


class Derivatives(Conditions):
    """Reads derivatives."""

    def named(self, sign: Signed, plain: bool = False) -> Term:
        """A name, no function if it is to be `plain`."""
        raise NotImplementedError

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
