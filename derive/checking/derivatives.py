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
        mark, rest = top[0].text, top[1:]
        second = [s.text for s in rest[:1]] == ["^"]
        rest = self._after_two(rest) if second else rest
        by = self.inner(bottom[1:], (lambda: self.variables(mark)) if second else (lambda: (self.variable(),)))
        if rest:
            of = self.inner(rest, self.output)
        else:
            of = self.bracketed(self.next()) if self.peek() in ("[", "(", r"\{") else self.term()
        return self.differentiated(of, by, mark == "d", (span[0], self.last))

    def differentiated(self, of: Term, by: tuple[Term, ...], whole: bool, span: Span) -> Term:
        """A first derivative, or a second one: what is derived may be a derivative itself."""
        if len(by) == 1 and of.kind == "diff":
            of, by = of.args[0], (of.args[1], *by)
        if len(by) == 1:
            return Term("diff", (of, by[0], whole), span)
        if of.kind != "ref" or len(by) > 2:
            raise self.fault(span, "A second derivative is read of a name only.", "Give what is derived a name.")
        return Term("second", (of, *by), span)

    def _after_two(self, signs: list[Signed]) -> list[Signed]:
        """What stands behind the 2 of a second derivative."""
        count = 4 if [s.text for s in signs[1:2]] == ["{"] else 2
        if "".join(s.text for s in signs[1:count]).strip("{}") != "2":
            raise self.fault(signs[0].span, "Derivatives are of order 1 or 2.")
        return signs[count:]

    def variables(self, mark: str) -> tuple[Term, Term]:
        """What a second derivative is taken by: ∂x_i ∂x_j, or ∂x_i^2."""
        first = self.variable()
        if self.peek() == "^" and len(self._after_two(self.signs[self.at :])) < len(self.signs) - self.at:
            self.at += 1
            self.group()
            return first, first
        if self.next().text != mark:
            raise self.fault(self.here, "A second derivative is taken by two entries.", r"Write \partial x_i \partial x_j.")
        return first, self.variable()

    def inline_derivative(self, span: Span) -> Term:
        """∂L / ∂z_i on one line."""
        mark = self.signs[self.at - 1].text
        top: list[Signed] = []
        while self.peek() and self.peek() not in ("/", "+", "="):
            top.append(self.next())
        if self.peek() != "/" or [s.text for s in self.signs[self.at + 1 : self.at + 2]] != [mark]:
            raise self.fault(span, "This ∂ begins no ∂a/∂b.")
        self.at += 2
        second = [s.text for s in top[:1]] == ["^"]
        top = self._after_two(top) if second else top
        by = self.variables(mark) if second else (self.variable(),)
        if not top:
            of = self.bracketed(self.next()) if self.peek() in ("[", "(", r"\{") else self.term()
        else:
            of = self.inner(top, self.output)
        return self.differentiated(of, by, mark == "d", (span[0], self.last))

    def primed(self, of: Term) -> Term:
        """f', f'(x) or f''(x) of a number f that depends on one number."""
        start, count = self.last, 0
        while self.peek() == "'":
            self.at += 1
            count += 1
        graph = self.names.graph
        found = [i.name for i in graph.inputs if i.name in graph.ancestors(of.name) and i.differentiable]
        typed = self._names_in_bracket() if self.peek() == "(" else []
        if typed:
            self.until(")", self.next())
        by = typed or found
        if len(by) != 1 or by[0] not in found or count > 2 or graph.members[by[0]].axes or graph.members[of.name].axes:
            raise self.fault((start, self.last), "It is not clear what this prime derives by.", "Write the derivative as ∂L/∂x.")
        variable = Term("ref", (by[0], ()), of.span)
        return self.differentiated(of, (variable,) * count, True, (of.span[0], self.last))

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
