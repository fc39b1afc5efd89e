"""Terms as trees of code: typed numbers, no branch where none is needed.

A `Scope` is one block of statements under construction.  What stands in it several times gets a variable; what must be
a variable (the base of a power) gets one.  Each kind of node has a row in the table at the end; one that has none is an
error that says so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sympy import Abs, Function, Mul, S, Symbol, preorder_traversal, sign
from sympy.core.numbers import NumberSymbol

from derive.calculus.functions import Named
from derive.calculus.terms import (
    AtMost,
    Below,
    Bracket,
    Delta,
    Differ,
    Element,
    Elsewhere,
    Index,
    Inside,
    Label,
    Maximum,
    Positive,
    Where,
    factors,
    never_negative,
    reach,
)
from derive.errors import DeriveError, said
from derive.kernels.program.elementary import FUNCTIONS, MATH
from derive.kernels.program.functions import CONVERSIONS, inverse, reaching, together, weighted
from derive.kernels.program.simple import safe, weight
from derive.kernels.text.python import python
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Call,
    Cast,
    Comparison,
    Expression,
    If,
    Line,
    Minus,
    Name,
    Number,
    Operation,
    Whole,
    as_factor,
    call,
    compared,
    joined,
    minus,
    times,
)

Access = Callable[[Element], Expression]
"""How an entry is read: what gives its value."""


@dataclass
class Scope:
    """A block: its lines so far, and the variables that hold terms.

    `place` gives an index that stands in brackets as a whole number.
    """

    dtype: str
    access: Access
    indices: Mapping[Index, Expression] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    variables: dict[Any, Expression] = field(default_factory=dict)
    several: frozenset[Any] = frozenset()
    counter: list[int] = field(default_factory=lambda: [0])

    def inner(self) -> Scope:
        """A block inside this one: it sees the variables, and what it adds is forgotten outside."""
        return Scope(self.dtype, self.access, self.indices, [], dict(self.variables), self.several, self.counter)

    def number(self, value: float | int) -> Number:
        """A constant of the kernel's type."""
        return Number(float(value), self.dtype)

    def cast(self, e: Expression) -> Cast:
        """A whole number as a number of the kernel's type."""
        return Cast(self.dtype, e)

    def put(self, *lines: Line) -> None:
        self.lines += lines

    def variable(self, value: Expression) -> Name:
        name = self.fresh()
        self.put(Assign(name, value))
        return Name(name)

    def fresh(self) -> str:
        """The name of a new variable."""
        self.counter[0] += 1
        return f"v__{self.counter[0]}"

    # ---- numbers

    def value(self, term: Any) -> Expression:
        """A number; a sum is bracketed by whoever needs it."""
        if term in self.variables:
            return self.variables[term]
        value = self._value(term)
        if term in self.several:
            self.variables[term] = value = self.variable(value)
        return value

    def atom(self, term: Any) -> Expression:
        """A number as a name, a literal or a call."""
        value = self.value(term)
        alone = isinstance(value, Name | Call | Cast) or (isinstance(value, Number) and value.kind == "float32")
        return Brackets(value) if (term.is_Add or term.is_Mul or term.is_Pow) and not alone else value

    def named(self, term: Any) -> Name:
        """A number as a name: what is used more than once."""
        value = self.value(term)
        if not isinstance(value, Name):
            self.variables[term] = value = self.variable(value)
        return value

    def _value(self, term: Any) -> Expression:
        kind: Any = type(term)
        row = _row(kind)
        if row is not None:
            return row(self, term)
        if term.is_Rational:
            return self.number(term.p / term.q)
        if term.is_Add:
            return self._sum(term)
        if term.is_Mul:
            return self._product(term)
        if term.is_Pow:
            return self._power(term)
        raise AssertionError(f"no row of the printer prints {type(term).__name__}: {term}")

    def _sum(self, term: Any) -> Expression:
        """A sum, terms with a minus last; a number after differences, which may be of what is large."""
        numbers = len({a.could_extract_minus_sign() for a in term.args if not a.is_Rational}) > 1
        parts = sorted(term.args, key=lambda a: (numbers and a.is_Rational, a.could_extract_minus_sign(), str(a)))
        found = self.value(parts[0])
        for part in parts[1:]:
            negative = part.could_extract_minus_sign() and part not in self.variables
            part = -part if negative else part
            found = Operation("-" if negative else "+", found, self.atom(part) if part.is_Add else self.value(part))
        return found

    def _product(self, term: Any) -> Expression:
        brackets = [f for f in factors(term) if isinstance(f, Bracket)]
        if brackets:
            return self.chosen(brackets, Mul(*[f for f in factors(term) if f not in brackets]), S.Zero)
        number, rest = term.as_coeff_Mul()
        above: list[Any] = []
        below: list[Any] = []
        for f in factors(rest):
            (below if f.is_Pow and f.exp.could_extract_minus_sign() else above).append(f)
        above.sort(key=lambda f: (weight(f), str(f)))
        much = abs(number)
        whole = [self.number(much.p / much.q)] if much.is_Rational and much != 1 else []
        parts = [*(whole if much.is_Rational else [self.atom(much)]), *map(self.atom, above)]
        found = times(*parts) if parts else self.number(1)
        for f in below:
            found = Operation("/", found, self.atom(1 / f))
        return minus(found) if number < 0 else found

    def _power(self, term: Any) -> Expression:
        base, power = term.base, term.exp
        if power.could_extract_minus_sign():
            return Operation("/", self.number(1), self.atom(1 / term))
        if power == S.Half:
            return call("math.sqrt", self.value(base))
        if power.is_Integer:
            name = self.named(base)
            found: Expression = name
            for bit in bin(int(power))[3:]:
                square = found if isinstance(found, Name) else self.variable(found)
                found = times(square, square)
                found = times(found, name) if bit == "1" else found
            return found
        return call("math.pow", self.value(base), self.value(power))

    def inverse(self, x: Expression) -> Expression:
        """1/x, and 0 where x is 0."""
        return call("select", compared(x, "==", self.number(0)), self.number(0), Operation("/", self.number(1), x))

    # ---- conditions

    def condition(self, bracket: Any) -> Expression:
        """A bracket as a comparison."""
        if isinstance(bracket, Positive):
            return compared(self.atom(bracket.args[0]), ">", self.number(0))
        if isinstance(bracket, Inside):
            place, size = map(self.place, bracket.args)
            return Comparison(ZERO, (("<=", place), ("<", size)))
        if isinstance(bracket, (Delta, Differ, Below, AtMost)):
            sign = {Delta: "==", Differ: "!=", Below: "<", AtMost: "<="}[type(bracket)]
            one, other = map(self.place, bracket.args)
            short = extent(bracket) is not None
            return compared(Cast("int32", one), sign, Cast("int32", other)) if short else compared(one, sign, other)
        return compared(self.atom(bracket), ">", self.number(0))

    def chosen(self, brackets: list[Any], yes: Any, no: Any) -> Expression:
        """`yes` where all brackets hold, else `no`; where an entry may be out of reach it is read in its branch only."""
        tests = map(self.condition, brackets)
        test = joined("&", map(Brackets, tests) if len(brackets) > 1 else tests)
        if safe(yes) and safe(no):
            return call("select", test, self.value(yes), self.value(no))
        name = self.fresh()
        self.put(If(test, self._branch(name, yes), self._branch(name, no)))
        return Name(name)

    def _branch(self, name: str, term: Any) -> tuple[Line, ...]:
        block = self.inner()
        block.several = frozenset()
        block.put(Assign(name, block.value(term)))
        return tuple(block.lines)

    # ---- whole numbers

    def place(self, term: Any) -> Expression:
        """A whole number: an index, a label, a size, or what is made of these."""
        if term in self.indices:
            return self.indices[term]
        if isinstance(term, Label):
            return self.access(term.element)
        if isinstance(term, Element):
            return self.access(term)
        if isinstance(term, Elsewhere):
            return self.place(term.args[0])
        if isinstance(term, Symbol):
            return Name(str(term.name))
        if term.is_Integer:
            return Whole(int(term))
        if term.is_Add:
            parts = sorted(term.args, key=lambda a: (a.could_extract_minus_sign(), str(a)))
            found = self.place(parts[0])
            for part in parts[1:]:
                negative = part.could_extract_minus_sign()
                found = Operation("-" if negative else "+", found, self.place(-part if negative else part))
            return found
        if term.is_Mul:
            return self._places(term)
        if term.is_Pow and term.exp.is_Integer and term.exp > 0:
            return times(*[self.place(term.base)] * int(term.exp))
        if isinstance(term, Index):
            raise AssertionError(f"the index {term.name} has no loop here")
        raise AssertionError(f"{term} is no whole number that code can be printed for")

    def _places(self, term: Any) -> Expression:
        """A product of whole numbers."""
        number, rest = term.as_coeff_Mul()
        parts = [Brackets(self.place(f)) if f.is_Add else self.place(f) for f in factors(rest)]
        product = times(*sorted(parts, key=python))
        if abs(number) != 1:
            product = times(Whole(int(abs(number))), product)
        return minus(product) if number < 0 else product


MOST = 2**31
"""Whole numbers less than that are compared in 32 bits, which takes half the time of 64: a loop has twice the lanes."""


def extent(bracket: Any) -> tuple[Any, ...] | None:
    """The sizes, or what is made of them, that are more than whatever a bracket compares; None if not known, or above MOST.

    Of a place that was found, by an arg max, nothing is known here.
    """
    ends = [reach(place) for place in bracket.args]
    if None in ends or any(end.has(Element) for pair in ends if pair for end in pair):
        return None
    above = {end + 1 for pair in ends if pair for end in (pair[1], -pair[0]) if not never_negative(-end)}
    return None if any(e.is_Integer and e > MOST for e in above) else tuple(e for e in above if not e.is_Integer)


def extents(terms: Iterable[Any]) -> list[str]:
    """The code of what must not be above MOST for the comparisons in these terms."""
    brackets = {b for term in terms for b in term.atoms(Delta, Differ, Below, AtMost)}
    return sorted({size_code(e) for b in brackets for e in extent(b) or ()})


def repeated(terms: list[Any]) -> frozenset[Any]:
    """What stands several times in these terms and is worth a variable."""
    seen: Counter[Any] = Counter()
    for term in terms:
        for t in preorder_traversal(term):
            if weight(t) >= 1 and not isinstance(t, Bracket):
                seen[t] += 1
    return frozenset(t for t, times in seen.items() if times > 1 and not _is_number(t))


def _is_number(term: Any) -> bool:
    """Whether a term is a number of indices, or without anything to evaluate."""
    return bool(term.is_Rational) or not term.has(Element) or (term.is_Mul and len(term.args) == 2 and term.args[0] == -1)


def larger(value: Name, best: str, at: str, index: Index) -> If:
    """What keeps the largest value and where it is; the first NaN is the largest of all."""
    known = Name(best)
    nan = joined("and", (compared(value, "!=", value), compared(known, "==", known)))
    return If(joined("or", (compared(value, ">", known), Brackets(nan))), (Assign(best, value), Assign(at, Name(index.name))))


# ---------------------------------------------------------------- one row for each kind of node

Row = Callable[[Scope, Any], Expression]


def _function(scope: Scope, term: Any) -> Expression:
    name = type(term).__name__
    if name in FUNCTIONS:
        return call(name, *map(scope.value, term.args))
    assert not isinstance(term, Named), f"{name} is to be written out before it is printed"
    if name not in MATH:
        raise DeriveError(
            said("Kernels have no function {name}.", name=name),
            hint=said("They have {names}.", names=", ".join((*FUNCTIONS, *MATH))),
        )
    return call(f"math.{name}", *map(scope.value, term.args))


def _sign(scope: Scope, term: Any) -> Expression:
    a, zero, one = scope.named(term.args[0]), scope.number(0), scope.number(1)
    return call("select", compared(a, ">", zero), one, call("select", compared(a, "<", zero), Minus(one), zero))


def _where(scope: Scope, term: Any) -> Expression:
    condition, yes, no = term.args
    brackets = list(factors(condition)) if all(isinstance(f, Bracket) for f in factors(condition)) else [condition]
    return scope.chosen(brackets, yes, no)


def _weighted(scope: Scope, term: Any) -> Expression:
    weight, zero = scope.named(term.args[0]), scope.number(0)
    return call("select", compared(weight, "==", zero), zero, times(weight, scope.atom(term.args[1])))


def _reaching(scope: Scope, term: Any) -> Expression:
    largest = scope.named(term.args[0])
    infinite = compared(call("abs", largest), "==", scope.number(math.inf))
    return call("select", infinite, largest, scope.value(term.args[1]))


ROWS: tuple[tuple[type, Row], ...] = (
    (Element, lambda s, t: s.cast(s.access(t)) if t.is_integer else s.access(t)),
    (Index, lambda s, t: s.cast(s.place(t))),
    (Label, lambda s, t: s.cast(s.place(t))),
    (Symbol, lambda s, t: s.cast(s.place(t))),
    (NumberSymbol, lambda s, t: s.number(float(t))),
    (Bracket, lambda s, t: s.chosen([t], S.One, S.Zero)),
    (Where, _where),
    (Maximum, lambda s, t: call("maximum", *map(s.value, t.args))),
    (type(S.NegativeInfinity), lambda s, t: Minus(s.number(math.inf))),
    (Abs, lambda s, t: call("abs", s.value(t.args[0]))),
    (sign, _sign),
    (together, lambda s, t: Brackets(s.value(t.args[0]))),
    (weighted, _weighted),
    (inverse, lambda s, t: s.inverse(s.named(t.args[0]))),
    (reaching, _reaching),
    *((kind, lambda s, t: call(type(t).__name__, s.value(t.args[0]))) for kind in CONVERSIONS),
    (Function, _function),
)


@cache
def _row(kind: Any) -> Row | None:
    return next((row for known, row in ROWS if issubclass(kind, known)), None)


# ---------------------------------------------------------------- sizes


def variable_of(e: Element) -> Name:
    """An entry that is a variable."""
    return Name(e.name)


SIZES = Scope("float64", variable_of)
"""Gives what is made of sizes."""


def size(term: Any) -> Expression:
    """What is made of sizes, as a whole number."""
    return SIZES.place(term)


def size_code(term: Any) -> str:
    """The same in Python."""
    return python(size(term))


def size_factor(term: Any) -> Expression:
    """What is made of sizes, as a factor."""
    return as_factor(size(term))


def total_size(sizes: Iterable[Any]) -> Expression:
    """How many there are together."""
    return times(*(*map(size_factor, sizes),) or (ONE,))
