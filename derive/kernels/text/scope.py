"""Terms as Python code that Numba compiles: typed numbers, no branch where none is needed.

A `Scope` is one block of statements under construction.  What stands in it several times gets a variable; what must be
a variable (the base of a power) gets one.  Each kind of node has a row in the table at the end; one that has none is an
error that says so.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from sympy import Abs, Function, Mul, S, Symbol, preorder_traversal, sign
from sympy.core.numbers import NumberSymbol

from derive.calculus.functions import Named
from derive.calculus.terms import (
    CACHE,
    AtMost,
    Below,
    Bracket,
    Delta,
    Differ,
    Element,
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
from derive.kernels.program.functions import inverse, reaching, together, weighted
from derive.kernels.program.simple import safe, weight

Access = Callable[[Element], str]
"""How an entry is read: the code that gives its value."""


@dataclass
class Scope:
    """A block: its lines so far, the variables that hold terms, and the device functions it calls.

    `place` prints an index that stands in brackets as a whole number.
    """

    dtype: str
    access: Access
    indices: Mapping[Index, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    variables: dict[Any, str] = field(default_factory=dict)
    several: frozenset[Any] = frozenset()
    counter: list[int] = field(default_factory=lambda: [0])

    def inner(self) -> Scope:
        """A block inside this one: it sees the variables, and what it adds is forgotten outside."""
        return Scope(self.dtype, self.access, self.indices, self.used, [], dict(self.variables), self.several, self.counter)

    def call(self, name: str, *args: str) -> str:
        """A call of a device function or an instruction."""
        self.used.add(name)
        return f"{name}({', '.join(args)})"

    def number(self, value: float | int) -> str:
        """A constant of the kernel's type."""
        text = repr(float(value))
        return text if self.dtype == "float64" else f"float32({text.removesuffix('.0')})"

    def cast(self, code: str) -> str:
        """A whole number as a number of the kernel's type."""
        return f"{self.dtype}({code})"

    def variable(self, code: str) -> str:
        self.counter[0] += 1
        name = f"v__{self.counter[0]}"
        self.lines.append(f"{name} = {code}")
        return name

    # ---- numbers

    def value(self, term: Any) -> str:
        """The code of a number; a sum is bracketed by whoever needs it."""
        if term in self.variables:
            return self.variables[term]
        code = self._value(term)
        if term in self.several:
            self.variables[term] = code = self.variable(code)
        return code

    def atom(self, term: Any) -> str:
        """The code of a number as a name, a literal or a call."""
        code = self.value(term)
        return f"({code})" if (term.is_Add or term.is_Mul or term.is_Pow) and not _is_alone(code) else code

    def named(self, term: Any) -> str:
        """The code of a number as a name: what is used more than once."""
        code = self.value(term)
        if code.isidentifier():
            return code
        self.variables[term] = name = self.variable(code)
        return name

    def _value(self, term: Any) -> str:
        kind: Any = type(term)
        row = _printer(kind)
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

    def _sum(self, term: Any) -> str:
        """A sum, terms with a minus last; a number after differences, which may be of what is large."""
        numbers = len({a.could_extract_minus_sign() for a in term.args if not a.is_Rational}) > 1
        parts = sorted(term.args, key=lambda a: (numbers and a.is_Rational, a.could_extract_minus_sign(), str(a)))
        code = self.value(parts[0])
        for part in parts[1:]:
            negative = part.could_extract_minus_sign() and part not in self.variables
            part = -part if negative else part
            code += f" {'-' if negative else '+'} {self.atom(part) if part.is_Add else self.value(part)}"
        return code

    def _product(self, term: Any) -> str:
        brackets = [f for f in factors(term) if isinstance(f, Bracket)]
        if brackets:
            return self.chosen(brackets, Mul(*[f for f in factors(term) if f not in brackets]), S.Zero)
        number, rest = term.as_coeff_Mul()
        above: list[Any] = []
        below: list[Any] = []
        for f in factors(rest):
            (below if f.is_Pow and f.exp.could_extract_minus_sign() else above).append(f)
        above.sort(key=lambda f: (weight(f), str(f)))
        minus = "-" if number < 0 else ""
        number = abs(number)
        whole = [self.number(number.p / number.q)] if number.is_Rational and number != 1 else []
        whole = whole if number.is_Rational else [self.atom(number)]
        code = "*".join([*whole, *map(self.atom, above)]) or self.number(1)
        for f in below:
            code += f"/{self.atom(1 / f)}"
        return minus + code

    def _power(self, term: Any) -> str:
        base, power = term.base, term.exp
        if power.could_extract_minus_sign():
            return f"{self.number(1)}/{self.atom(1 / term)}"
        if power == S.Half:
            return f"math.sqrt({self.value(base)})"
        if power.is_Integer:
            name, bits = self.named(base), bin(int(power))[3:]
            code = name
            for k, bit in enumerate(bits):
                square = code if code.isidentifier() else self.variable(code)
                code = f"{square}*{square}" if k or square != name else f"{name}*{name}"
                code = f"{code}*{name}" if bit == "1" else code
            return code
        return f"math.pow({self.value(base)}, {self.value(power)})"

    def inverse(self, x: str) -> str:
        """1/x, and 0 where x is 0."""
        return self.call("select", f"{x} == {self.number(0)}", self.number(0), f"{self.number(1)}/{x}")

    # ---- conditions

    def condition(self, bracket: Any) -> str:
        """A bracket as a comparison."""
        if isinstance(bracket, Positive):
            return f"{self.atom(bracket.args[0])} > {self.number(0)}"
        if isinstance(bracket, Inside):
            place, size = bracket.args
            return f"0 <= {self.place(place)} < {self.place(size)}"
        if isinstance(bracket, (Delta, Differ, Below, AtMost)):
            sign = {Delta: "==", Differ: "!=", Below: "<", AtMost: "<="}[type(bracket)]
            one, other = map(self.place, bracket.args)
            return f"{one} {sign} {other}" if extent(bracket) is None else f"int32({one}) {sign} int32({other})"
        return f"{self.atom(bracket)} > {self.number(0)}"

    def chosen(self, brackets: list[Any], yes: Any, no: Any) -> str:
        """`yes` where all brackets hold, else `no`; where an entry may be out of reach it is read in its branch only."""
        tests = [f"({self.condition(b)})" if len(brackets) > 1 else self.condition(b) for b in brackets]
        test = " & ".join(tests)
        if safe(yes) and safe(no):
            return self.call("select", test, self.value(yes), self.value(no))
        self.counter[0] += 1
        name = f"v__{self.counter[0]}"
        for head, term in ((f"if {test}:", yes), ("else:", no)):
            block = self.inner()
            block.several = frozenset()
            last = f"{name} = {block.value(term)}"
            self.lines += [head, *(f"    {line}" for line in (*block.lines, last))]
        return name

    # ---- whole numbers

    def place(self, term: Any) -> str:
        """A whole number: an index, a label, a size, or what is made of these."""
        if term in self.indices:
            return self.indices[term]
        if isinstance(term, Label):
            return self.access(term.element)
        if isinstance(term, Element):
            return self.access(term)
        if isinstance(term, Symbol):
            return str(term.name)
        if term.is_Integer:
            return str(int(term))
        if term.is_Add:
            parts = sorted(term.args, key=lambda a: (a.could_extract_minus_sign(), str(a)))
            code = self.place(parts[0])
            for part in parts[1:]:
                minus = part.could_extract_minus_sign()
                code += f" {'-' if minus else '+'} {self.place(-part if minus else part)}"
            return code
        if term.is_Mul:
            number, rest = term.as_coeff_Mul()
            parts = [self.place(f) if not f.is_Add else f"({self.place(f)})" for f in factors(rest)]
            return {1: "", -1: "-"}.get(number, f"{number}*") + "*".join(sorted(parts))
        if term.is_Pow and term.exp.is_Integer and term.exp > 0:
            return "*".join([self.place(term.base)] * int(term.exp))
        if isinstance(term, Index):
            raise AssertionError(f"the index {term.name} has no loop here")
        raise AssertionError(f"{term} is no whole number that code can be printed for")


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


# ---------------------------------------------------------------- one row for each kind of node

TermPrinter = Callable[[Scope, Any], str]


def _function(scope: Scope, term: Any) -> str:
    name = type(term).__name__
    if name in FUNCTIONS:
        return scope.call(name, *map(scope.value, term.args))
    assert not isinstance(term, Named), f"{name} is to be written out before it is printed"
    if name not in MATH:
        raise DeriveError(
            said("Kernels have no function {name}.", name=name),
            hint=said("They have {names}.", names=", ".join((*FUNCTIONS, *MATH))),
        )
    return f"math.{name}({', '.join(map(scope.value, term.args))})"


def _sign(scope: Scope, term: Any) -> str:
    a, zero, one = scope.named(term.args[0]), scope.number(0), scope.number(1)
    return scope.call("select", f"{a} > {zero}", one, scope.call("select", f"{a} < {zero}", f"-{one}", zero))


def _where(scope: Scope, term: Any) -> str:
    condition, yes, no = term.args
    brackets = list(factors(condition)) if all(isinstance(f, Bracket) for f in factors(condition)) else [condition]
    return scope.chosen(brackets, yes, no)


def _weighted(scope: Scope, term: Any) -> str:
    weight = scope.named(term.args[0])
    return scope.call("select", f"{weight} == {scope.number(0)}", scope.number(0), f"{weight}*{scope.atom(term.args[1])}")


def _reaching(scope: Scope, term: Any) -> str:
    largest = scope.named(term.args[0])
    return scope.call("select", f"abs({largest}) == {scope.dtype}(np.inf)", largest, scope.value(term.args[1]))


ROWS: tuple[tuple[type, TermPrinter], ...] = (
    (Element, lambda s, t: s.cast(s.access(t)) if t.is_integer else s.access(t)),
    (Index, lambda s, t: s.cast(s.place(t))),
    (Label, lambda s, t: s.cast(s.place(t))),
    (Symbol, lambda s, t: s.cast(s.place(t))),
    (NumberSymbol, lambda s, t: s.number(float(t))),
    (Bracket, lambda s, t: s.chosen([t], S.One, S.Zero)),
    (Where, _where),
    (Maximum, lambda s, t: s.call("maximum", *map(s.value, t.args))),
    (type(S.NegativeInfinity), lambda s, t: f"-{s.dtype}(np.inf)"),
    (Abs, lambda s, t: f"abs({s.value(t.args[0])})"),
    (sign, _sign),
    (together, lambda s, t: f"({s.value(t.args[0])})"),
    (weighted, _weighted),
    (inverse, lambda s, t: s.inverse(s.named(t.args[0]))),
    (reaching, _reaching),
    (Function, _function),
)


@cache
def _printer(kind: Any) -> TermPrinter | None:
    return next((row for known, row in ROWS if issubclass(kind, known)), None)


# ---------------------------------------------------------------- sizes


def entry_name(e: Element) -> str:
    """An entry that is a variable."""
    return e.name


SIZES = Scope("float64", entry_name)
"""Prints what is made of sizes."""


def size_code(term: Any) -> str:
    """What is made of sizes, as whole numbers."""
    return SIZES.place(term)


def bracketed(code: str) -> str:
    """Code that may be multiplied."""
    return f"({code})" if " " in code else code


def factor_code(term: Any) -> str:
    """What is made of sizes, as a factor."""
    return bracketed(size_code(term))


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@lru_cache(maxsize=CACHE)
def _is_alone(code: str) -> bool:
    """Whether a code is one name or one call, sqrt(x), and needs no brackets as a factor; sqrt(x) - 1 and sqrt(x)*y are not."""
    return isinstance(ast.parse(code, mode="eval").body, ast.Name | ast.Call)
