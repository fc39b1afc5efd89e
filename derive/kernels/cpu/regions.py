"""A region as the statements of a Numba function that computes a block of the values of the region's outer index.

    rows    for n in range(first, last): the nests, on the rows of every array that has n in front
    blocks  for start in range(first, last, width): the nests, with the block as their innermost loop
    once    the nests

Where a tensor of the region lives:

    array     an argument of the function, with all of its axes
    number    an argument of the function
    here      a variable: it is read where it is computed, or has one entry for each row
    scratch   memory of the thread: what one row or block passes on from nest to nest
    part      memory of the thread: what all rows or blocks add up to, entry by entry
    total     a variable: the same for a number, which is handed back

Three habits save memory's time.  What a row passes on lies in the row of the array that is made of it (`reused_rows`).  Another
array that is too large for the cache is written past it: a row, or a block of a vector, is made in the memory of the thread,
NAME__out, and then copied (`streamed`).  The next row is fetched while the present one is read again (`fetched`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Mul, S

from derive.calculus.terms import Element, Elsewhere, Index, Inside, factors
from derive.kernels.cpu.schedule import Nest, Region
from derive.kernels.program.memory import sizes_in
from derive.kernels.program.program import unused
from derive.kernels.program.simple import FUNCTION, safe, weight
from derive.kernels.program.statements import ARGMAX, LARGEST, MAP, NEUTRAL, PRODUCT, SUM, Statement, narrowed
from derive.kernels.text.scope import Scope, larger, repeated
from derive.kernels.text.tree import (
    ONE,
    ZERO,
    Assign,
    Brackets,
    Call,
    Cast,
    Do,
    Expression,
    If,
    Line,
    Loop,
    Minus,
    Name,
    Number,
    Operation,
    Span,
    Whole,
    as_factor,
    at,
    call,
    joined,
    plus,
    put,
    rounded_up,
    times,
)

ARRAY, NUMBER, HERE, SCRATCH, PART, TOTAL = "array", "number", "here", "scratch", "part", "total"


def storage(region: Region, arrays: Iterable[str], numbers: Iterable[str]) -> dict[str, str]:
    """Where each tensor that a region mentions lives; `arrays` are those that memory is given for, `numbers` what is known."""
    found = {**dict.fromkeys(numbers, NUMBER), **dict.fromkeys(arrays, ARRAY)}
    for nest in region.nests:
        for s in nest.statements:
            if region.outer in s.over or (region.outer is None and not s.axes):
                found[s.name] = PART if s.axes else TOTAL
            elif s.name not in found:
                one = region.kind != "blocks" and set(s.entry.indices) <= {region.outer}
                found[s.name] = HERE if one or _stays(s, nest, region) else SCRATCH
    return found


BUSY = 2 * FUNCTION
"""A region with a statement of this weight is bound by arithmetic: the cache has time to write back what is stored."""


def streamed(region: Region, arrays: Iterable[str]) -> tuple[str, ...]:
    """The arrays that a region writes a whole row, or a whole block of a vector, at a time, in order; none of a busy region."""
    if any(weight(s.term) >= BUSY for nest in region.nests for s in nest.statements if nest.loops):
        return ()
    found = []
    for nest in region.nests:
        for s in nest.statements:
            rows = region.kind == "rows" and len(s.axes) == 2 and s.entry.indices[0] == region.outer
            blocks = region.kind == "blocks" and len(s.axes) == 1 and all(t.loops == {region.outer} for t in region.statements)
            if s.kind == MAP and s.name in arrays and (rows or blocks) and len(nest.loops) == 1 and not s.entry.is_integer:
                found.append(s.name)
    return tuple(found)


def reused_rows(region: Region, where: Mapping[str, str]) -> dict[str, str]:
    """The scratch rows that lie in the row of an array: one that is made, entry by entry, where they are read last."""
    found: dict[str, str] = {}
    if region.kind != "rows":
        return found
    for s in region.statements:
        readers = [(nest, r) for nest in region.nests for r in nest.statements if s.name in r.reads]
        if where[s.name] != SCRATCH or not readers:
            continue
        nest, last = readers[-1]
        hosted = s.kind == last.kind == MAP and where[last.name] == ARRAY and last.name not in found.values()
        alike = s.axes == last.axes and s.entry.is_integer == last.entry.is_integer and last.entry.indices[0] == region.outer
        alike &= not last.rounded
        same = {e.indices for r in nest.statements for e in r.entries if e.name == s.name} == {last.entry.indices}
        if hosted and alike and same and s.entry.indices[0] == region.outer:
            found[s.name] = last.name
    return found


def fetched(region: Region) -> tuple[dict[str, tuple[int, int]], ...]:
    """For each nest the arrays of whose next row a part (k of m) is fetched before it: the nests after the one that reads an
    array first share its row.
    """
    looped = [nest for nest in region.nests if nest.loops]
    found: dict[Nest, dict[str, tuple[int, int]]] = {nest: {} for nest in region.nests}
    for k, nest in enumerate(looped if region.kind == "rows" else ()):
        later = looped[k + 1 :]
        entries = {e for s in nest.statements for e in s.entries if e.indices[:1] == (region.outer,) and _along(e, nest)}
        for name in sorted({e.name for e in entries} - {name for shares in found.values() for name in shares}):
            for part, other in enumerate(later):
                found[other][name] = (part, len(later))
    return tuple(found.values())


def sizes_of(region: Region) -> set[str]:
    """The sizes that a region mentions."""
    terms = [t for s in region.statements for t in (s.term, s.guard, *s.entry.indices, *s.axes)]
    terms += [i.size for nest in region.nests for i in nest.loops]
    return sizes_in(*terms)


def _along(e: Element, nest: Nest) -> bool:
    """Whether a nest reads a tensor along its loops, not one entry of it."""
    return any(place.has(*nest.loops) for place in e.indices[1:])


def _stays(s: Statement, nest: Nest, region: Region) -> bool:
    """Whether a tensor is read only where it is computed, by the statements of one nest."""
    readers = [r for r in region.statements if s.name in r.reads]
    return s.kind == MAP and all(
        reader in nest.statements and all(e == s.entry for e in reader.entries if e.name == s.name) for reader in readers
    )


@dataclass
class RegionBuilder:
    """The lines of a region being put together."""

    region: Region
    storage: Mapping[str, str]
    dtype: str
    streamed: tuple[str, ...] = ()
    reused: Mapping[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    """The names of the rows of arrays."""
    _views: dict[Expression, Name] = field(default_factory=dict)
    _inner: Index | None = None
    _written: frozenset[str] = frozenset()
    _counter: list[int] = field(default_factory=lambda: [0])

    @property
    def blocked(self) -> bool:
        return self.region.kind == "blocks"

    def lines(self) -> list[Line]:
        """The nests, in order."""
        return [
            line
            for nest, shares in zip(self.region.nests, fetched(self.region), strict=True)
            for line in (*self._fetch(shares), *self._nest(nest))
        ]

    def _fetch(self, shares: Mapping[str, tuple[int, int]]) -> list[Line]:
        """The lines that fetch a part of the next row of some arrays."""
        found = {name: share for name, share in shares.items() if self.storage[name] == ARRAY and name not in self.streamed}
        return [
            Do(call("fetch", Name(name), plus(Name(self.region.index.name), ONE), Name("last"), Whole(part), Whole(parts)))
            for name, (part, parts) in found.items()
        ]

    # ---- entries

    def access(self, e: Element) -> Expression:
        """An entry, or the variable that holds it."""
        if e.name in self.reused:
            return self.access(Element(self._entry(self.reused[e.name]).head, *e.indices))
        where = self.storage[e.name]
        if where in (HERE, NUMBER, TOTAL):
            return Name(e.name)
        if where == SCRATCH and not self.blocked:
            kept = [k for k, own in zip(e.indices, self._entry(e.name).indices, strict=True) if own != self.region.outer]
            return self._at(e.name, e.name, tuple(kept))
        if e.name in self.streamed:
            return self._at(e.name, f"{e.name}__out", e.indices if self.blocked else e.indices[1:], local=True)
        if where == ARRAY and not self.blocked and len(e.indices) > 1 and e.indices[0] == self.region.outer:
            return self._at(e.name, self.rows.setdefault(e.name, f"{e.name}__{self.region.index.name}"), e.indices[1:])
        return self._at(e.name, e.name, e.indices, local=where == SCRATCH)

    def _entry(self, name: str) -> Element:
        return next(s.entry for s in self.region.statements if s.name == name)

    def _at(self, tensor: str, base: str, indices: tuple[Any, ...], local: bool = False) -> Expression:
        """An entry of an array that holds a tensor, through a view of the axis that the innermost loop runs along.

        A `local` array has only the entries of the block along its last axis.
        """
        *lead, last = indices
        inner = self._inner
        if inner is None or not last.has(inner) or any(k.has(inner) for k in lead):
            found = at(base, *(self._place(k, local) for k in indices))
            fixed = inner is not None and not any(k.has(inner, Elsewhere) for k in indices) and tensor not in self._written
            return self._before(base, found) if fixed else found
        if last == inner:
            block = self.blocked and inner == self.region.outer and not local
            return at(self._view(base, lead, Span(Name("start"), Name("stop")) if block else None, local), Name(inner.name))
        offset = last - inner
        if last.is_Add and not offset.has(inner) and inner != self.region.outer and _never_negative(offset):
            return at(self._view(base, lead, Span(self._scope().place(offset)), local), Name(inner.name))
        return at(self._view(base, lead, None, local), self._place(last, local))

    def _view(self, base: str, lead: Sequence[Any], cut: Span | None, local: bool) -> Name:
        if not lead and cut is None:
            return Name(base)
        return self._before(base, at(base, *(self._place(k, local) for k in lead), *([cut] if cut else [])))

    def _before(self, base: str, found: Expression) -> Name:
        """The name of what is read once, before the innermost loop."""
        if found not in self._views:
            self._counter[0] += 1
            self._views[found] = Name(f"{base}__{self._counter[0]}")
        return self._views[found]

    def _place(self, index: Any, local: bool) -> Expression:
        """An index in brackets; without a sign, where Numba would else look for negative ones."""
        if index == self.region.outer and self.blocked:
            return Name(index.name) if local else Cast("uint64", plus(Name("start"), Name(index.name)))
        if isinstance(index, Index):
            return Name(index.name)
        place = self._scope().place(index)
        return place if index.is_Integer else Cast("uint64", place)

    # ---- blocks of statements

    def _scope(self, statements: Sequence[Statement] = ()) -> Scope:
        loops: dict[Index, Expression] = {i: Name(i.name) for nest in self.region.nests for i in nest.loops}
        outer = self.region.outer
        if outer is not None:
            loops[outer] = Brackets(plus(Name("start"), Name(outer.name))) if self.blocked else Name(outer.name)
        several = repeated([s.term for s in statements if safe(s.term)])
        return Scope(self.dtype, self.access, loops, several=several, counter=self._counter)

    def _nest(self, nest: Nest) -> list[Line]:
        cleared = [line for s in nest.statements if self._in_memory(s, nest) for line in self._cleared(s)]
        return [*cleared, *self._loops(nest, 0)]

    def _loops(self, nest: Nest, depth: int) -> list[Line]:
        """The loops of a nest from this depth on, with the sums that they carry in variables."""
        if depth == len(nest.loops):
            scope = self._scope(nest.statements)
            for s in nest.statements:
                self._statement(s, nest, scope)
            return scope.lines
        carried = [s for s in nest.statements if self._depth(s, nest) == depth]
        index, innermost = nest.loops[depth], depth == len(nest.loops) - 1
        before = [line for s in carried for line in self._opened(s)]
        first, end = self._range(index, nest)
        if innermost:
            self._inner, self._views = index, {}
            self._written = frozenset(self.reused.get(s.name, s.name) for s in nest.statements)
        inside = self._loops(nest, depth + 1)
        if innermost:
            before += [Assign(name.name, found) for found, name in self._views.items()]
            self._inner, self._views = None, {}
        return [*before, Loop(index.name, end, tuple(inside), first), *(line for s in carried for line in self._closed(s))]

    def _range(self, index: Index, nest: Nest) -> tuple[Expression | None, Expression]:
        """Where a loop begins, if not at 0, and where it ends."""
        scope = self._scope()
        if index == self.region.outer:
            return None, Operation("-", Name("stop"), Name("start"))
        bracket = self._narrowing(nest).get(index)
        if bracket is None:
            return None, scope.place(index.size)
        found = narrowed(bracket, index)
        assert found is not None
        slope, *ends = found
        first, end = map(scope.place, ends)
        if slope != 1:
            step = Brackets(scope.place(slope))
            first, end = (rounded_up(Brackets(place), step) for place in (first, end))
        return call("max", ZERO, first), call("min", scope.place(index.size), end)

    def _narrowing(self, nest: Nest) -> dict[Index, Inside]:
        """The conditions that the ranges of loops see to: of the one sum of a nest, each by the innermost of its loops.

        A sum that adds to cleared memory may skip entries of its own, too.
        """
        if len(nest.statements) > 1 or nest.statements[0].kind != SUM:
            return {}
        (s,) = nest.statements
        allowed = nest.loops if self._depth(s, nest) is None else s.over
        found: dict[Index, Inside] = {}
        for bracket in (*factors(s.term), *factors(s.guard)):
            index = next((i for i in reversed(nest.loops) if bracket.has(i)), None)
            if isinstance(bracket, Inside) and index in allowed and index != self.region.outer and narrowed(bracket, index):
                found.setdefault(index, bracket)
        return found

    def _statement(self, s: Statement, nest: Nest, scope: Scope) -> None:
        """One statement in the innermost block."""
        term, guards = self._unguarded(s, nest)
        if guards:
            block = scope.inner()
            self._put(s, nest, term, block)
            scope.put(If(joined("and", (Brackets(scope.condition(g)) for g in guards)), tuple(block.lines)))
        elif s.kind == ARGMAX:
            scope.put(larger(scope.named(term), f"{s.name}__best", f"{s.name}__at", self._summed(s)[0]))
        else:
            self._put(s, nest, term, scope)

    def _put(self, s: Statement, nest: Nest, term: Any, scope: Scope) -> None:
        value = scope.value(term)
        if s.kind == MAP and self.storage[s.name] == HERE:
            scope.put(Assign(s.name, value))
            scope.variables[s.entry] = Name(s.name)
        elif s.kind == MAP:
            name = value if isinstance(value, Name) else scope.variable(value)
            scope.put(put(self.access(s.entry), name))
            scope.variables[s.entry] = name
        elif self._depth(s, nest) is not None:
            total = f"{s.name}__all"
            scope.put(Assign(total, accumulated(s.kind, Name(total), _masked(value) if s.kind == LARGEST else value)))
        else:
            target = self.access(s.entry)
            scope.put(put(target, added(s.kind, target, value)))

    def _unguarded(self, s: Statement, nest: Nest) -> tuple[Any, list[Any]]:
        """The term without the conditions that the ranges of loops see to, and those left that guard what is out of reach."""
        for bracket in self._narrowing(nest).values():
            s = replace(s, term=_without(s.term, bracket), guard=_without(s.guard, bracket))
        guards = [g for g in factors(s.guard) if g != 1]
        if s.kind == SUM and not safe(s.term):
            guards += [f for f in factors(s.term) if isinstance(f, Inside)]
        return Mul(*[f for f in factors(s.term) if f not in guards]), guards

    # ---- sums

    def _summed(self, s: Statement) -> tuple[Index, ...]:
        """What a statement sums inside the region's own loop; the loop over a block is inside."""
        return s.over if self.blocked else tuple(i for i in s.over if i != self.region.outer)

    def _depth(self, s: Statement, nest: Nest) -> int | None:
        """The depth of a nest from which on all loops are summed, so that a variable adds up; None where there is none."""
        over = set(self._summed(s))
        depth = len(nest.loops) - len(over)
        return depth if over and not s.scatter and set(nest.loops[depth:]) == over else None

    def _in_memory(self, s: Statement, nest: Nest) -> bool:
        """Whether a sum adds to entries of memory that nothing has cleared."""
        adds = s.scatter or bool(self._summed(s))
        return adds and self._depth(s, nest) is None and self.storage[s.name] not in (PART, TOTAL)

    def _cleared(self, s: Statement) -> list[Line]:
        """Loops that set all entries of a tensor to what its sums start from."""
        taken = {i.name for nest in self.region.nests for i in nest.loops} | {*self.storage} | sizes_of(self.region)
        axes = tuple(
            self.region.index if i == self.region.outer else Index(unused(taken, f"k{k}", stem=f"k{k}_"), size)
            for k, (i, size) in enumerate(zip(s.entry.indices, s.axes, strict=True))
        )
        target = replace(
            s, entry=Element(s.entry.head, *axes), term=NEUTRAL[s.kind], kind=MAP, over=(), scatter=False, guard=S.One
        )
        return self._loops(Nest(tuple(i for i in axes if self.blocked or i != self.region.outer), (target,)), 0)

    def _opened(self, s: Statement) -> list[Line]:
        first = self._scope().value(NEUTRAL[s.kind])
        if s.kind == ARGMAX:
            return [Assign(f"{s.name}__best", first), Assign(f"{s.name}__at", ZERO)]
        return [Assign(f"{s.name}__all", first)]

    def _closed(self, s: Statement) -> list[Line]:
        where, target = self.storage[s.name], self.access(s.entry)
        value: Expression = Name(f"{s.name}__at" if s.kind == ARGMAX else f"{s.name}__all")
        if where in (TOTAL, PART) and self.region.outer is not None:
            value = added(s.kind, target, Cast("float64", value) if where == TOTAL else value)
        return [put(target, value)]


def _never_negative(place: Any) -> bool:
    """Whether a place is a sum of indices, labels and sizes, with no minus."""
    return all(c > 0 for c in place.as_coefficients_dict().values())


def _without(term: Any, factor: Any) -> Any:
    return Mul(*[f for f in factors(term) if f != factor])


def _masked(value: Expression) -> Expression:
    """What is -oo where a condition fails, with that hidden from LLVM: it would choose between totals, and not in vectors."""
    if isinstance(value, Call) and value.function == "select":
        test, found, otherwise = value.arguments
        if otherwise in (Minus(Number(math.inf, "float32")), Minus(Number(math.inf, "float64"))):
            return call("select", test, found, call("kept", otherwise))
    return value


def accumulated(kind: str, total: Expression, value: Expression) -> Expression:
    """A variable with one more value, in any order."""
    return call("accumulate", total, value) if kind == SUM else added(kind, total, value)


def added(kind: str, total: Expression, value: Expression) -> Expression:
    """What was added up with one more value."""
    if kind == LARGEST:
        return call("accumulate_maximum", total, value)
    return times(total, Brackets(value)) if kind == PRODUCT else plus(total, as_factor(value))
