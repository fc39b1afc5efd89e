"""Trees of typed formulas → text of the graph language, for one entry, with every index written out.

A matrix product becomes a sum, a transpose swaps indices, what a library definition or a derivative is taken of becomes a
definition of its own.  The language's reader does the rest: it finds the axes, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from derive.checking.additions import Derived, Piece, Pieces, add_definition, size_text
from derive.checking.names import ANSWER, AUXILIARY, SLOPES, WRITTEN
from derive.checking.ranges import Ranges
from derive.checking.signs import Span
from derive.checking.tree import Bound, Spot, Term, below, position, spots
from derive.errors import said
from derive.graphs.graph import Input, Node
from derive.graphs.names import POOL, fresh

_SIGNS = {"add": " + ", "sub": " - ", "times": "*", "div": "/", "star": "*"}
"""What stands between two terms that are taken entry by entry."""

MAX_TEXT = 20_000
"""A formula with its indices written out may be so long."""


@dataclass
class Entries(Ranges):
    """Writes trees out over a graph, which grows by what needs a definition of its own."""

    used: set[str] = field(default_factory=set)
    derived: dict[str, Derived] = field(default_factory=dict)
    """What stands in the text for derivatives."""
    paths: set[tuple[str, str]] = field(default_factory=set)
    """The derivatives, (of, by), that may mean the factor of one path."""
    _calls: list[tuple[Term, Term]] = field(default_factory=list)

    def letter(self) -> str:
        """A letter that nothing is called."""
        found = fresh(POOL, {*self.graph.members, *(str(s) for s in self.graph.sizes), *self.used}, stem="i")
        self.used.add(found)
        return found

    # ------------------------------------------------------------ entries

    def entry(self, term: Term, at: tuple[str, ...] = ()) -> Pieces:
        """The text of one entry of a term, with brackets where it needs them."""
        found = list(self._entry(term, at))
        if sum(len(text) for text, _ in found) > MAX_TEXT:
            raise self.fault(term.span, "The formula is too long with its indices written out.")
        return found

    def _entry(self, term: Term, at: tuple[str, ...]) -> Iterator[Piece]:
        span = term.span
        if (text := self._leaf(term, at)) is not None:
            yield text, span
            return
        match term.kind, term.args:
            case "at", (inner, indices):
                yield from self._entry(inner, (*map(self.position, indices), *at))
            case "neg", (inner,):
                yield "(-", span
                yield from self._entry(inner, at)
                yield ")", span
            case (("mul" | "dot"), (left, right)):
                yield from self._multiplied(left, right, at, span)
            case kind, (left, right) if kind in _SIGNS:
                yield from self._pair(left, right, _SIGNS[kind], at, at, span)
            case "pow", (inner, exponent):
                yield from self._power(term, inner, exponent, at)
            case "powers", (inner, exponent):
                yield from self._raised(inner, exponent, at, span)
            case "call", (function, args):
                yield from self._function(function, args, at, span)
            case "bars", args:
                yield from self._function("abs", args, at, span)
            case "slope", (function, args):
                yield from self._filled(SLOPES[function], args[0], at, span)
            case "where", (conditions, a, b):
                yield from self._where(conditions, a, b, at, span)
            case "diff", (of, by, whole):
                yield from self._derivative(term, of, by, whole, at)
            case "second", (of, one, other):
                yield from self._second(term, of, one, other, at)
            case "reduce", (operator, body, bounds, conditions):
                yield from self._reduced(operator, body, bounds, conditions, at, span)
            case _:
                yield from self._of_tensors(term, at)

    def _leaf(self, term: Term, at: tuple[str, ...]) -> str | None:
        """The text of one entry of a term with no other in it."""
        match term.kind, term.args:
            case (("num" | "size"), (text,)):
                return str(text)
            case "index", (spot,):
                return f"({position(self.settled(spot), 0)})"
            case "ref", (name, indices):
                inside = ", ".join([*map(self.position, indices), *at])
                return f"{name}[{inside}]" if inside else str(name)
            case "unit", (spot,):
                return f"where({at[0]} == {self.position(spot)}, 1, 0)"
            case (("ones" | "eye"), _):
                return f"where({at[0]} == {at[1]}, 1, 0)" if term.kind == "eye" and len(at) == 2 else "1"
        return None

    def _of_tensors(self, term: Term, at: tuple[str, ...]) -> Iterator[Piece]:
        """One entry of what is made of whole tensors."""
        span = term.span
        match term.kind, term.args:
            case "lib", _:
                yield from self._entry(self.called(term), at)
            case "transpose", (inner,):
                yield from self._entry(inner, at[::-1])
            case "diag", (inner,) if self.shape(inner).rank == 1:
                yield f"where({at[0]} == {at[1]}, ", span
                yield from self._entry(inner, at[:1])
                yield ", 0)", span
            case "diag", (inner,):
                yield from self._entry(inner, at * 2)
            case "norm", _:
                yield from self._norm(term)
            case "inner", (left, right):
                letters = [(self.letter(), a if a is not None else b) for a, b in self.common_axes(term, left, right)]
                own = tuple(name for name, _ in letters)
                yield from self._summed(letters, list(self._pair(left, right, "*", own, own, span)), span)
            case "trace", (inner,):
                letter = self.letter()
                yield from self._summed([(letter, self.shape(inner).axes[0])], self.entry(inner, (letter, letter)), span)
            case _:
                raise self.fault(span, "This is not read.")

    def _where(self, conditions: tuple[Term, ...], a: Term, b: Term, at: tuple[str, ...], span: Span) -> Iterator[Piece]:
        for condition in conditions:
            yield "where(", span
            yield from self.condition(condition, at)
            yield ", ", span
        yield from self.broadcast(a, at)
        for _ in conditions:
            yield ", ", span
            yield from self.broadcast(b, at)
            yield ")", span

    def broadcast(self, term: Term, at: tuple[str, ...]) -> Pieces:
        """The entry of a term whose axes are the last of those asked for, or none."""
        rank = self.shape(term).rank
        return self.entry(term, at[len(at) - rank :] if rank else ())

    def _pair(
        self, left: Term, right: Term, sign: str, one: tuple[str, ...], other: tuple[str, ...], span: Span
    ) -> Iterator[Piece]:
        yield "(", span
        yield from self.broadcast(left, one)
        yield sign, span
        yield from self.broadcast(right, other)
        yield ")", span

    def _multiplied(self, left: Term, right: Term, at: tuple[str, ...], span: Span) -> Iterator[Piece]:
        one, other = self.shape(left), self.shape(right)
        if not one.rank or not other.rank:
            yield from self._pair(left, right, "*", at, at, span)
        elif one.rank == 1 and other.rank == 1 and not one.row and other.row:
            yield from self._pair(left, right, "*", at[:1], at[1:], span)
        else:
            letter, size = self.letter(), one.axes[-1] if one.axes[-1] is not None else other.axes[0]
            body = [*self._pair(left, right, "*", (*at[: one.rank - 1], letter), (letter, *at[one.rank - 1 :]), span)]
            yield from self._summed([(letter, size)], body, span)

    def _summed(self, letters: list[tuple[str, Any]], body: Pieces, span: Span, operator: str = "sum") -> Iterator[Piece]:
        yield f"{operator}(", span
        yield from body
        for letter, size in letters:
            if size is None:
                raise self.fault(span, "The size of an axis that is summed over is not known here.")
            yield f" for {letter} in {size_text(size)}", span
        yield ")", span

    def _power(self, term: Term, inner: Term, exponent: Term, at: tuple[str, ...]) -> Iterator[Piece]:
        if inner.kind == "norm" and inner.args[1] not in ("1", r"\infty") and exponent.args == ("2",):
            yield from self._squares(inner)
            return
        if exponent.kind == "neg" and self.shape(inner).rank == 2:
            raise self.fault(term.span, "Inverses of matrices are not read.")
        if self.shape(inner).rank == 2:
            raise self.fault(term.span, "Powers of matrices are not read.", r"Write A A, or A \odot A.")
        yield from self._raised(inner, exponent, at, term.span)

    def _raised(self, inner: Term, exponent: Term, at: tuple[str, ...], span: Span) -> Iterator[Piece]:
        """A power of an entry."""
        yield "(", span
        yield from self._entry(inner, at)
        yield ")**(", span
        yield from self._entry(exponent, ())
        yield ")", span

    def _norm(self, term: Term) -> Iterator[Piece]:
        """A norm: its own axes are summed over, or the largest of its entries is taken."""
        inner, kind = term.args
        if kind not in ("1", r"\infty"):
            yield "sqrt(", term.span
            yield from self._squares(term)
            yield ")", term.span
            return
        axes = self.shape(inner).axes
        if len(axes) != 1:
            raise self.fault(term.span, "This norm is read of a vector only.", r"Write \sum_{ij} |A_{ij}|.")
        letter = self.letter()
        body: Pieces = [("abs(", term.span), *self.entry(inner, (letter,)), (")", term.span)]
        yield from self._summed([(letter, axes[0])], body, term.span, "sum" if kind == "1" else "max")

    def _squares(self, norm: Term) -> Iterator[Piece]:
        """Σ of the squares of all entries."""
        (inner, kind), span = norm.args, norm.span
        axes = self.shape(inner).axes
        if not axes:
            raise self.fault(span, "The norm of a number is written |x|.")
        if len(axes) > 1 and kind == "2":
            raise self.fault(span, "Of a matrix this is the largest singular value, which is not read.", r"Write \|A\|_F.")
        letters = [(self.letter(), size) for size in axes]
        body = [("(", span), *self.entry(inner, tuple(name for name, _ in letters)), (")**2", span)]
        yield from self._summed(letters, body, span)

    def _function(self, function: str, args: tuple[Term, ...], at: tuple[str, ...], span: Span) -> Iterator[Piece]:
        if function in WRITTEN:
            yield from self._filled(WRITTEN[function], args[0], at, span)
            return
        yield f"{function}(", span
        for k, arg in enumerate(args):
            if k:
                yield ", ", span
            yield from self.broadcast(arg, at)
        yield ")", span

    def _filled(self, pattern: str, arg: Term, at: tuple[str, ...], span: Span) -> Iterator[Piece]:
        for k, part in enumerate(f"({pattern})".split("{0}")):
            if k:
                yield from self._entry(arg, at)
            yield part, span

    def condition(self, term: Term, at: tuple[str, ...] = ()) -> Iterator[Piece]:
        """A comparison of indices, or of numbers, entry by entry."""
        operator, left, right = term.args
        if isinstance(left, Spot):
            left, right = self.settled(left), self.settled(right)
            shift = left.shift - right.shift
            for spot, more, sign in ((left, max(shift, 0), operator), (right, max(-shift, 0), "")):
                text = str(int(spot.text) + more) if spot.text.isdigit() else f"{spot.text} + {more}" if more else spot.text
                yield f"{text} {sign} " if sign else text, term.span
            return
        if max(self.shape(left).rank, self.shape(right).rank) > len(at):
            raise self.fault(term.span, "In a condition, every tensor has its indices.")
        yield from self.broadcast(left, at)
        yield f" {operator} ", term.span
        yield from self.broadcast(right, at)

    # ------------------------------------------------------------ Σ and its like

    def _reduced(
        self, operator: str, body: Term, bounds: tuple[Bound, ...], conditions: tuple[Term, ...], at: tuple[str, ...], span: Span
    ) -> Iterator[Piece]:
        ranges = [self.range_of(bound, (body, *conditions)) for bound in bounds]
        tests: list[Pieces] = [[(test, span)] for found in ranges for test in found.tests]
        tests += [list(self.condition(condition)) for condition in conditions]
        inner = self.entry(body, at)
        yield f"{operator}(", span
        yield from inner
        for bound, found in zip(bounds, ranges, strict=True):
            yield f" for {bound.letter} in {found.size}", bound.span
        for k, test in enumerate(tests):
            yield (" and " if k else " if "), span
            yield from test
        yield ")", span

    # ------------------------------------------------------------ definitions of their own

    def define(self, term: Term) -> tuple[str, tuple[str, ...]]:
        """A definition of a term by itself: its name, and the letters that it has besides the axes of the term."""
        letters = tuple(dict.fromkeys(x for spot in spots(term) for x in sorted(spot.letters) if x not in _bound(term)))
        own = tuple(self.letter() for _ in self.shape(term).axes)
        if any(part.kind == "diff" for part in below(term)):
            raise self.fault(term.span, "A derivative inside another is not read.", "Give the inner one a name.")
        name = self.name(AUXILIARY)
        all_ = (*letters, *own)
        left = f"{name}[{', '.join(all_)}]" if all_ else name
        self.extend([(f"{left} = ", term.span), *self.entry(term, own)])
        return name, letters

    def called(self, term: Term) -> Term:
        """A call of a library definition over tensors, as the tensor that it is."""
        for kept, found in self._calls:
            if kept is term:
                return found
        function, args = term.args
        names, letters = list[str](), tuple[str, ...]()
        for arg in args:
            if arg.kind in ("num", "size") or (arg.kind == "ref" and not arg.args[1]):
                names.append(arg.args[0])
                continue
            if arg.kind == "index":
                names.append(arg.args[0].text)
                continue
            name, own = self.define(arg)
            letters = own or letters
            names.append(name)
        name = self.name(AUXILIARY)
        self.extend([(f"{name} = {function}({', '.join(names)})", term.span)])
        found = Term("ref", (name, tuple(Spot(x, frozenset({x}), term.span, self.names.base) for x in letters)), term.span)
        self._calls.append((term, found))
        return found

    def name(self, stem: str) -> str:
        found = fresh((), {*self.graph.taken, *self.used, *self.derived, *self.names.letters}, stem=stem)
        self.used.add(found)
        return found

    def _derivative(self, term: Term, of: Term, by: Term, whole: bool, at: tuple[str, ...]) -> Iterator[Piece]:
        """A derivative along every path: an input of its own in the text, which is put in as what it is later."""
        if of.kind == "ref":
            output, places = of.name, [self.position(s) for s in of.args[1]]
        else:
            output, letters = self.define(of)
            places = list(letters)
        rank = len(self.graph.members[output].axes) - len(places)
        if output not in self.graph.members or not isinstance(self.graph.members[output], (Node, Input)):
            raise self.fault(term.span, said("{name} is not defined.", name=output))
        if not self.graph.members[by.name].differentiable:
            raise self.fault(by.span, said("Nothing is differentiated by {name}: it takes whole numbers.", name=by.name))
        if not whole and self._has_paths(output, by.name):
            self.paths.add((output, by.name))
        key = self._slope(output, by.name)
        inside = ", ".join([*places, *at[:rank], *(self.position(s) for s in by.args[1]), *at[rank:]])
        yield (f"{key}[{inside}]" if inside else key), term.span

    def _slope(self, of: str, *by: str) -> str:
        """What stands in the text for a derivative."""
        key = next((k for k, (_, *names) in self.derived.items() if names == [of, *by]), "")
        if not key:
            key = self.name("slope")
            indices = [i for name in (of, *by) for i in self.graph.members[name].indices]
            self.derived[key] = (Input(key, tuple(indices)), of, *by)
        return key

    def _second(self, term: Term, of: Term, one: Term, other: Term, at: tuple[str, ...]) -> Iterator[Piece]:
        """A second derivative, which is put in as what it comes to."""
        if any(self._has_paths(of.name, by.name) for by in (one, other)):
            raise self.fault(term.span, "A second derivative is read of what is computed last only.")
        own = self.shape(one).rank
        places = [*map(self.position, one.args[1]), *at[:own], *map(self.position, other.args[1]), *at[own:]]
        key = self._slope(of.name, one.name, other.name)
        yield (f"{key}[{', '.join(places)}]" if places else key), term.span

    def _has_paths(self, output: str, by: str) -> bool:
        """Whether something lies between a tensor on the way and what it is derived by: a ∂ may hold it, as in the chain rule."""
        users = {n.name for n in self.graph.consumers(output)}
        final = not any(not name.startswith((ANSWER, AUXILIARY)) for name in users) and not output.startswith(AUXILIARY)
        return not final and len(self.graph.way(by, output)) > 1

    def extend(self, pieces: Pieces) -> None:
        """Add a definition to the graph.  What is wrong with it is said where it was typed."""
        self.graph = add_definition(self.graph, self.text, pieces, self.derived)


def _bound(term: Term) -> set[str]:
    return {bound.letter for part in below(term) if part.kind == "reduce" for bound in part.args[2]}
