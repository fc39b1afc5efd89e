"""Programs by blocks of one axis, so that no tensor that has the axis is ever there as a whole but those that are wanted.

    z_ni = Σ_j W_ij x_nj,  m_n = max_i z_ni,  s_n = Σ_i exp(z_ni - m_n)       for each block of i; m and s are kept up to date
    L    = Σ_n (m_n + log s_n) …                                              once
    z_ni again,  p_ni = exp(z_ni - m_n)/s_n,  grad_W_ij = Σ_n p_ni x_nj,  …   for each block of i; Σ_i p_ni W_ij adds up

A step is a program of its own: a `Pass` goes over all blocks, what stands between two passes is computed once.  A tensor is
`cut` if it has the axis and each of its entries reads those of other cut tensors at its own place alone; what is reduced over the
axis is complete when the pass is over.  A sum whose terms have the factor exp(u - m), with the largest m of the same pass, is
rescaled by exp(m - m′) when a block raises m to m′ (Milakov & Gimelshein, 2018, "Online normalizer calculation for softmax"), so
that both need one pass.  Cut tensors that a later pass reads are computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sympy import Dummy, Symbol, exp

from derive.calculus.terms import (
    Binder,
    Delta,
    Differ,
    Element,
    Index,
    Label,
    Largest,
    Maximum,
    Sum,
    close,
    factors,
    free_indices,
    walk,
)
from derive.graphs.graph import Input
from derive.kernels.program.functions import exp_nonpositive, together
from derive.kernels.program.program import Assign, Program, entry
from derive.kernels.program.simple import contracted

PASSES = 2
"""More passes than this compute too much again."""


@dataclass(frozen=True)
class Step:
    """Assignments that are computed once."""

    program: Program


@dataclass(frozen=True)
class Pass(Step):
    """Assignments that are computed for each block.

    What is `added` is the tensor of each block, by the name of that of all; what is `updated` the tensor after a block by the
    name of that before, which starts as `starts` says: a Sum, or the Largest.
    """

    added: Mapping[str, str]
    updated: Mapping[str, str]
    starts: Mapping[str, type]


@dataclass(frozen=True)
class Blocks:
    """A program by blocks of the axis of this size; `cut` are the tensors that are there by blocks, whole ones among them."""

    program: Program
    size: Symbol
    steps: tuple[Step, ...]
    cut: Mapping[str, int]
    """The place of the axis in each."""

    @property
    def passes(self) -> tuple[Pass, ...]:
        return tuple(s for s in self.steps if isinstance(s, Pass))


def blocks(program: Program, size: Symbol) -> Blocks | None:
    """The program by blocks of an axis; None where it is none of this kind, or would be computed in more than PASSES."""
    try:
        return _Cutting(program, size).blocks()
    except _Refused:
        return None


class _Refused(Exception):
    """The axis cannot be cut."""


class _Cutting:
    """A program being cut."""

    def __init__(self, program: Program, size: Symbol) -> None:
        self.program, self.size = program, size
        self.cut = {i.name: self._place(i.indices) for i in program.inputs if size in i.axes}
        self.assigns: list[Assign] = []
        self.first: dict[str, int] = {}
        """The first pass in which a cut tensor can be computed."""
        self.after: dict[str, int] = {i.name: 0 for i in program.inputs}
        """The passes that must be over before any other tensor is there."""
        self.rescaled: dict[str, tuple[str, Any]] = {}
        """For a sum that follows a largest entry: the name of that, and what the difference of two of them is multiplied by."""

    def _place(self, indices: Iterable[Any]) -> int:
        """The place of the axis."""
        places = [k for k, i in enumerate(indices) if i.size == self.size]
        if len(places) != 1:
            raise _Refused
        return places[0]

    # ---- in which pass

    def blocks(self) -> Blocks | None:
        for assign in self.program.assigns:
            self._read(self._picked(assign))
        computed = {n for n in self.first if n not in self.program.outputs and self._axes(n) > 1}
        last = max([*self.first.values(), *(self.after[a.name] for a in self.assigns if a.name in self.after)], default=0)
        if not computed or last > PASSES or any(self._scattered(n) for n in self.program.outputs if n in self.first):
            return None
        return Blocks(self.program, self.size, tuple(self._steps(last)), self.cut)

    def _scattered(self, name: str) -> bool:
        """Whether a block of a wanted tensor lies in pieces that no matrix product writes to."""
        return self.cut[name] > 0 and not (self._axes(name) == 2 and contracted(self.assigned[name]))

    def _axes(self, name: str) -> int:
        return len(self.assigned[name].indices)

    @property
    def assigned(self) -> dict[str, Assign]:
        return {a.name: a for a in self.assigns}

    def _picked(self, assign: Assign) -> Assign:
        """The assignment with a name for an entry of a cut tensor at the place of a label: Σ_i δ_i,t z_i."""
        bound, body = _opened(assign.term)
        for e in sorted((e for e in body.atoms(Element) if e.name in self.first), key=str):
            place = e.indices[self.cut[e.name]]
            if isinstance(place, Label):
                index = Index("i", self.size).fresh()
                term = Delta(index, place) * Element(e.head, *(index if k == place else k for k in e.indices))
                own = sorted(free_indices(e), key=lambda i: [*assign.indices, *bound].index(i))
                names = replace(self.program, assigns=(*self.program.assigns, *self.assigns))
                found = entry(names.fresh("picked"), own, e)
                letters = {i: Index(j.name, j.size) if (j := _alike(i, self.assigns)) else i for i in own}
                self._read(Assign(found.xreplace(letters), close(Sum, (index,), term.xreplace(letters))))
                body = body.xreplace({e: found})
        return replace(assign, term=close(type(assign.term), bound, body) if bound else body)

    def _read(self, assign: Assign) -> None:
        """See where an assignment belongs."""
        bound, body = _opened(assign.term)
        own, over = ([i for i in indices if i.size == self.size] for indices in (assign.indices, bound))
        if len(own) + len(over) > 1 or (assign.entry.is_integer and not body.is_Rational):
            raise _Refused
        self.assigns.append(assign)
        if not own and not over:
            if any(n in self.first for n in assign.reads):
                raise _Refused
            self.after[assign.name] = max((self.after[n] for n in assign.reads), default=0)
            return
        self._check(body, (own or over)[0])
        if contracted(assign) and any(set(f.indices) & set(assign.indices) & set(g.indices) for f, g in [contracted(assign)]):
            raise _Refused  # examples
        needed = max(1, *(self.first.get(n, 1) for n in assign.reads), *(self.after[n] + 1 for n in assign.reads - {*self.cut}))
        if own:
            self.cut[assign.name], self.first[assign.name] = self._place(assign.indices), needed
        else:
            self.after[assign.name] = needed if not self._follows(assign, body, needed) else needed - 1

    def _check(self, body: Any, index: Index) -> None:
        """Refuse a term that reads a cut tensor at another place, or asks what the place or the size of the axis is."""

        def plain(t: Any) -> Any:
            if isinstance(t, Element):
                at = self.cut.get(t.name)
                beside = [k for n, k in enumerate(t.indices) if n != at]
                if (at is not None and t.indices[at] != index) or any(k.has(index) for k in beside if not isinstance(k, Label)):
                    raise _Refused
                for k in (k for k in beside if isinstance(k, Label)):
                    plain(k.element)
                return Dummy()
            if isinstance(t, Delta | Differ) and index in t.args:
                other = next(a for a in t.args if a != index) if t.args[0] != t.args[1] else index
                if isinstance(other, Label) and other.size == self.size and not other.has(index):
                    return Dummy()
            return t.func(*map(plain, t.args)) if t.args and not isinstance(t, Index) else t

        left = plain(body)
        if left.has(index) or self.size in left.free_symbols:
            raise _Refused

    # ---- sums that follow a largest entry

    def _follows(self, assign: Assign, body: Any, needed: int) -> bool:
        """Whether a sum can be had in the pass of a largest entry that its terms are compared with."""
        if type(assign.term) is not Sum or contracted(assign) or needed < 2:
            return False
        term = self._written_out(body)
        late = {n for e in term.atoms(Element) if (n := e.name) not in self.cut and self.after[n] == needed - 1}
        largest = [n for n in late if type(self.assigned[n].term) is Largest]
        if len(late) != 1 or not largest:
            return False
        (m,) = {e for e in term.atoms(Element) if e.name == largest[0]} or {None}
        slope = _slope(term, m)
        if slope is None or m.indices != self._letters(assign, m):
            return False
        self.rescaled[assign.name] = (largest[0], slope)
        return True

    def _letters(self, assign: Assign, m: Element) -> tuple[Any, ...]:
        return tuple(i for i in assign.indices if i in m.indices)

    def _written_out(self, term: Any) -> Any:
        """A term with cut maps put in."""

        def rewrite(t: Any) -> Any:
            made = self.assigned.get(t.name) if isinstance(t, Element) and t.name in self.first else None
            return t if made is None or isinstance(made.term, Binder) else self._written_out(made.at(t))

        return walk(term, rewrite)

    # ---- the steps

    def _steps(self, last: int) -> Iterator[Step]:
        for k in range(last + 1):
            if k:
                yield self._pass(k)
            once = [a for a in self.assigns if a.name not in self.cut and self.after[a.name] == k and not self._reduces(a)]
            yield Step(self._part(once, [a.name for a in once]))

    def _reduces(self, assign: Assign) -> bool:
        return any(i.size == self.size for i in _opened(assign.term)[0])

    def _pass(self, k: int) -> Pass:
        """What one pass computes: what it reduces, what is wanted of cut tensors, and all that these need."""
        reduced = [a for a in self.assigns if a.name not in self.cut and self._reduces(a) and self.after[a.name] == k]
        wanted = [a for a in self.assigns if a.name in self.program.outputs and self.first.get(a.name) == k]
        needed = {n for a in (*reduced, *wanted) for n in a.reads} | {a.name for a in (*reduced, *wanted)}
        for a in reversed(self.assigns):
            needed |= a.reads if a.name in needed and a.name in self.first else set()
        updated = {a.name: f"{a.name}__next" for a in reduced if type(a.term) is Largest or a.name in self.rescaled}
        added = {a.name: f"{a.name}__block" for a in reduced if a.name not in updated}
        if any(type(a.term) is not Sum for a in reduced if a.name in added) or {*updated} & {*self.program.outputs}:
            raise _Refused
        assigns: list[Assign] = []
        for a in self.assigns:
            if a in reduced:
                assigns += self._reduced(a, updated)
            elif a.name in self.first and a.name in needed:
                assigns.append(replace(a, term=_renamed(a.term, updated)))
        outputs = [*added.values(), *updated.values(), *(a.name for a in wanted)]
        starts = {n: type(self.assigned[n].term) for n in updated}
        return Pass(self._part(assigns, outputs), added, updated, starts)

    def _reduced(self, a: Assign, updated: Mapping[str, str]) -> Iterator[Assign]:
        """A reduction of one block, and what it comes to with those before."""
        block = _called(a.entry, f"{a.name}__block")
        yield Assign(block, _renamed(a.term, updated))
        if a.name not in updated:
            return
        new = _called(a.entry, updated[a.name])
        if type(a.term) is Largest:
            yield Assign(new, Maximum(a.entry, block))
            return
        name, slope = self.rescaled[a.name]
        (m,) = {e for e in self._written_out(_opened(a.term)[1]).atoms(Element) if e.name == name}
        yield Assign(new, a.entry * exp_nonpositive(slope * (m - _called(m, updated[name]))) + block)

    def _part(self, assigns: list[Assign], outputs: Iterable[str]) -> Program:
        """Some of the assignments as a program; what they read and do not assign are inputs."""
        made = {a.name for a in assigns}
        own = {i.name for i in self.program.inputs}
        read = {n for a in assigns for n in a.reads} - made - own
        wanted = {n for n in self.program.outputs if n not in made}
        given = [Input(a.name, a.indices) for a in self.assigns if a.name in read | wanted]
        graph = replace(self.program.graph, inputs=(*self.program.graph.inputs, *given))
        return replace(self.program, graph=graph, assigns=tuple(assigns), outputs=tuple(outputs))


def _opened(term: Any) -> tuple[tuple[Index, ...], Any]:
    return term.opened() if isinstance(term, Binder) else ((), term)


def _alike(index: Index, assigns: Iterable[Assign]) -> Index | None:
    """A letter over the same axis that stands in an entry."""
    return next((i for a in assigns for i in a.indices if i.size == index.size), None)


def _called(e: Element, name: str) -> Element:
    """The entry of a tensor of another name."""
    return Element(Symbol(name, **e.head.assumptions0), *e.indices)


def _renamed(term: Any, names: Mapping[str, str]) -> Any:
    return walk(term, lambda t: _called(t, names[t.name]) if isinstance(t, Element) and t.name in names else t)


def _slope(term: Any, m: Any) -> Any:
    """The number k, where a product depends on m by one factor exp(u + k m) alone; None elsewhere."""
    exponentials = [f for f in factors(term) if isinstance(f, exp_nonpositive | exp)]
    exponents = [f.args[0] for f in exponentials]
    if m is None or len(exponents) != 1 or any(f.has(m) for f in factors(term) if f not in exponentials):
        return None
    plain = walk(exponents[0], lambda t: t.args[0] if isinstance(t, together) else t)
    at = Dummy()
    slope = plain.xreplace({m: at}).expand().coeff(at, 1)
    rest = (plain.xreplace({m: at}).expand() - slope * at).expand()
    return -slope if slope.is_Rational and slope < 0 and not rest.has(at) else None
