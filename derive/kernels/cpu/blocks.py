"""Programs by blocks of one axis, so that no large tensor that has the axis is ever there as a whole but those that are wanted.

    z_ni = Σ_j W_ij x_nj,  m_n = max_i z_ni,  s_n = Σ_i exp(z_ni - m_n)       for each block of i; m and s are kept up to date
    L    = Σ_n (m_n + log s_n) …                                              once
    z_ni again,  p_ni = exp(z_ni - m_n)/s_n,  grad_W_ij = Σ_n p_ni x_nj,  …   for each block of i; Σ_i p_ni W_ij adds up

    S_ij = Σ_k Q_ik K_jk,  P_ij = exp(S_ij - max_l S_il)/…,  O_i = Σ_j P_ij V_j    for each block of rows i, which has all of j

A step is a program of its own: a `Pass` goes over all blocks, what stands between two passes is computed once.  *Large* is what
has the axis twice; where nothing has, all that has it.  A large tensor is cut at one place: each of its entries reads those of
other large tensors at its own place alone.  What is made of large tensors place by place is made in their pass; what is reduced
over the axis is complete when the pass is over.  A sum whose terms have the factor exp(u - m), with the largest m of the same
pass, is rescaled by exp(m - m′) when a block raises m to m′ (Milakov & Gimelshein, 2018, "Online normalizer calculation for
softmax"), so that both need one pass.  Large tensors that a later pass reads are computed again; what else is cut is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

from sympy import Dummy, Symbol, exp

from derive.calculus.terms import (
    Binder,
    Delta,
    Differ,
    Element,
    Index,
    Inside,
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
from derive.kernels.cpu.ranges import ends_with_rows, up_to
from derive.kernels.program.functions import exp_nonpositive, together
from derive.kernels.program.program import Assign, Program, entry
from derive.kernels.program.simple import contracted

PASSES = 2
"""What is large is computed in no more passes than that."""


@dataclass(frozen=True)
class Step:
    """Assignments that are computed once."""

    program: Program


Part = tuple[str, tuple[Any, ...]]
"""A whole tensor, and the sizes of the axes of a part of it: the length of a block, or what there is up to its end."""


@dataclass(frozen=True)
class Pass(Step):
    """Assignments that are computed for each block.

    `parts` are the tensors of which a block reads or writes a part, by the name of that.  What is `added` is the tensor of each
    block, by the name of that of all; what is `updated` the tensor after a block by the name of that before, which starts as
    `starts` says: a Sum, or the Largest.
    """

    parts: Mapping[str, Part]
    added: Mapping[str, str]
    updated: Mapping[str, str]
    starts: Mapping[str, type]


@dataclass(frozen=True)
class Blocks:
    """A program by blocks of the axis of this size; of what is `within` there is never more than a block."""

    program: Program
    size: Symbol
    steps: tuple[Step, ...]
    within: Mapping[str, int]
    """The place of the axis in each."""

    @property
    def passes(self) -> tuple[Pass, ...]:
        return tuple(s for s in self.steps if isinstance(s, Pass))

    @property
    def adds(self) -> bool:
        """Whether every block adds to a whole matrix."""
        return any(len(self.program.assigned[n].indices) > 1 for p in self.passes for n in p.added if n in self.program.assigned)


def length_of(size: Symbol) -> Symbol:
    """How many places of an axis a block has."""
    return Symbol(f"{size}__block", integer=True, positive=True)


def first_of(size: Symbol) -> Symbol:
    """The first place of a block, counted from 1, since nothing that is a size is 0."""
    return Symbol(f"{size}__first", integer=True, positive=True)


def end_of(size: Symbol) -> Symbol:
    """How many places there are to the end of a block."""
    return Symbol(f"{size}__end", integer=True, positive=True)


def blocks(program: Program, size: Symbol) -> Iterator[Blocks]:
    """The ways to compute a program by blocks of an axis; none where it is not of this kind, or what is large would be computed
    in more than PASSES.
    """
    for large in _large(program, size):
        try:
            found = _Cutting(program, size, large).blocks()
        except _Refused:
            continue
        if found is not None:
            yield found


class _Refused(Exception):
    """The axis cannot be cut."""


# ---------------------------------------------------------------- what is large


def _large(program: Program, size: Symbol) -> Iterator[dict[str, int]]:
    """The large tensors and the place of the axis to be cut in each, one or the other of two."""
    made = [a for a in program.assigns if a.name not in program.outputs]
    places = {a.name: [k for k, i in enumerate(a.indices) if i.size == size] for a in made}
    if not any(len(at) > 1 for at in places.values()):
        yield {n: at[0] for n, at in places.items() if at}
        return
    square = {n: at for n, at in places.items() if len(at) == 2}
    links = _links(program, square)
    for which in (0, 1):
        cut: dict[str, int] = {}
        for name, at in square.items():
            waiting = [] if name in cut else [(name, at[which])]
            while waiting:
                name, place = waiting.pop()
                if name not in cut:
                    cut[name] = place
                    waiting += links.get((name, place), ())
        if all(cut[n] == k for name, place in cut.items() for n, k in links.get((name, place), ())):
            yield cut


def _links(program: Program, square: Mapping[str, list[int]]) -> dict[tuple[str, int], set[tuple[str, int]]]:
    """The places in tensors that stand under one letter somewhere."""
    links: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for a in program.assigns:
        entries = [e for e in (a.entry, *_opened(a.term)[1].atoms(Element)) if e.name in square]
        for e, f in combinations(entries, 2):
            same = [((e.name, k), (f.name, m)) for k in square[e.name] for m in square[f.name] if e.indices[k] == f.indices[m]]
            for one, other in same:
                links.setdefault(one, set()).add(other)
                links.setdefault(other, set()).add(one)
    return links


# ---------------------------------------------------------------- cutting


class _Cutting:
    """A program being cut."""

    def __init__(self, program: Program, size: Symbol, large: Mapping[str, int]) -> None:
        self.program, self.size, self.large = program, size, large
        self.assigns: list[Assign] = []
        self.cut: dict[str, int] = {}
        """The tensors that are made block by block, and the place of the axis in each."""
        self.at: dict[str, Index] = {}
        """The index of the axis that is cut, of each assignment that a pass computes."""
        self.opened: dict[str, tuple[tuple[Index, ...], Any]] = {}
        """What each assignment binds, and the body."""
        self.first: dict[str, int] = {}
        """The first pass in which a cut tensor can be computed."""
        self.after: dict[str, int] = {i.name: 0 for i in program.inputs}
        """The passes that must be over before any other tensor is there, or one that is cut and not large is there as a whole."""
        self.rescaled: dict[str, tuple[str, Any]] = {}
        """For a sum that follows a largest entry: the name of that, and what the difference of two of them is multiplied by."""
        self.index = Index(f"{size}__at", length_of(size))
        """What stands in a pass for the index that is cut."""

    # ---- in which pass

    def blocks(self) -> Blocks | None:
        for assign in self.program.assigns:
            self._read(self._picked(assign))
        steps = tuple(self._steps(max([0, *self.first.values(), *(self.after[n] for n in self.at if n in self.after)])))
        if any(len(self.runs[n]) > PASSES for n in self.large):
            return None
        within = {n: self.cut[n] for n in self.first if len(self.assigned[n].indices) > 1 and not self._whole(n)}
        return Blocks(self.program, self.size, steps, within) if within else None

    @property
    def assigned(self) -> dict[str, Assign]:
        return {a.name: a for a in self.assigns}

    def _picked(self, assign: Assign) -> Assign:
        """The assignment with a name for an entry of a cut tensor at the place of a label: Σ_i δ_i,t z_i."""
        bound, body = _opened(assign.term)
        for e in sorted((e for e in body.atoms(Element) if e.name in self.large), key=str):
            place = e.indices[self.large[e.name]]
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
        bound, body = self.opened[assign.name] = _opened(assign.term)
        index = self._index(assign, body)
        self.assigns.append(assign)
        if index is None:
            self.after[assign.name] = max((self.after[n] for n in assign.reads), default=0)
            return
        pair = contracted(assign)
        if (assign.entry.is_integer and not body.is_Rational) or (
            pair and all(index in e.indices for e in (assign.entry, *pair))
        ):
            raise _Refused  # whole numbers, and examples
        places = [k for t in body.atoms(Element, Delta, Differ, Inside) for k in t.args]
        if any(k.has(index) and k != index and not isinstance(k, Label) for k in places):
            raise _Refused  # windows
        here = {e.name for e in self._entries(body, index)}
        elsewhere = {e.name for e in body.atoms(Element) if e.name not in here or index not in e.indices}
        needed = max([1, *(self.first[n] for n in here), *(self.after[n] + 1 for n in elsewhere)])
        self.at[assign.name] = index
        if index in bound:
            self.after[assign.name] = needed if not self._follows(assign, body, needed) else needed - 1
            return
        self.cut[assign.name], self.first[assign.name] = assign.indices.index(index), needed
        if assign.name not in self.large:
            self.after[assign.name] = needed

    def _index(self, assign: Assign, body: Any) -> Index | None:
        """The index that is cut of an assignment that belongs to a pass: of a large tensor, or one that reads cut tensors.

        A matrix product that neither reads nor makes a large tensor stays whole.
        """
        known = [(e, e.indices[self.cut[e.name]]) for e in body.atoms(Element) if e.name in self.cut]
        of_large = {place for e, place in known if e.name in self.large}
        if assign.name in self.large:
            of_large.add(assign.indices[self.large[assign.name]])
        found = of_large if of_large or contracted(assign) else {place for _, place in known}
        if len(found) == 1 and isinstance(next(iter(found)), Index):
            return next(iter(found))
        if of_large:
            raise _Refused
        return None

    def _entries(self, body: Any, index: Index) -> list[Element]:
        """The entries of cut tensors that stand at an index, each at its own place."""
        return [e for e in body.atoms(Element) if e.name in self.cut and e.indices[self.cut[e.name]] == index]

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
            once = [a for a in self.assigns if a.name not in self.at and self.after[a.name] == k]
            later = {*self.program.outputs}.union(*(a.reads for a in self.assigns if a not in once))
            yield Step(self._part(once, [a.name for a in once if a.name in later]))

    def _whole(self, name: str) -> bool:
        """Whether a cut tensor is there as a whole: it is wanted, or not large and read elsewhere than where it is made."""
        if name in self.large or name in self.program.outputs:
            return name not in self.large
        readers = [a for a in self.assigns if name in a.reads]
        return any(self.runs[a.name] - {self.first[name]} or not self._in_block(a, name) for a in readers)

    def _in_block(self, assign: Assign, name: str) -> bool:
        """Whether an assignment of a pass reads a cut tensor at the places of the block alone."""
        index, entries = self.at.get(assign.name), self.opened[assign.name][1].atoms(Element)
        return all(e.indices[self.cut[name]] == index for e in entries if e.name == name)

    @cached_property
    def runs(self) -> dict[str, set[int]]:
        """The passes that compute each assignment: what is large, all that need it."""
        found: dict[str, set[int]] = {a.name: set() for a in self.assigns}
        for a in reversed(self.assigns):
            if a.name in self.at and a.name not in self.large:
                found[a.name] = {self.first[a.name] if a.name in self.first else self.after[a.name]}
            for name in a.reads & self.large.keys() if a.name in self.at else ():
                found[name] |= found[a.name]
        return found

    def _pass(self, k: int) -> Pass:
        """What one pass computes: what it reduces, what is wanted of cut tensors, and all that these need."""
        here = [a for a in self.assigns if k in self.runs[a.name]]
        reduced = [a for a in here if a.name not in self.cut]
        wanted = [a for a in here if a.name in self.cut and self._whole(a.name)]
        updated = {a.name: f"{a.name}__next" for a in reduced if type(a.term) is Largest or a.name in self.rescaled}
        added = {a.name: f"{a.name}__block" for a in reduced if a.name not in updated}
        if any(type(a.term) is not Sum for a in reduced if a.name in added) or {*updated} & {*self.program.outputs}:
            raise _Refused
        parts: dict[str, Part] = {}
        assigns: list[Assign] = []
        for a in here:
            block = self._of_block(a, parts)
            block = replace(block, term=_renamed(block.term, updated))
            assigns += [block] if a.name in self.cut else self._reduced(a, block.term, updated)
        outputs = [*added.values(), *updated.values(), *(self._name(a.name) for a in wanted)]
        if ends_with_rows(assigns, self.index + first_of(self.size) - 1, self.size, frozenset(outputs)):
            assigns = self._ended(assigns, parts)
        starts = {n: type(self.assigned[n].term) for n in updated}
        return Pass(self._part(assigns, outputs, parts), parts, added, updated, starts)

    def _name(self, name: str) -> str:
        """What a tensor of a block is called: a part of a whole one has another name than that."""
        return name if name in self.cut and not self._whole(name) else f"{name}__part"

    def _of_block(self, a: Assign, parts: dict[str, Part]) -> Assign:
        """An assignment for the places of a block: its index counts those, and as a number begins with the first of them."""
        index, own = self.at[a.name], self.index

        def part(e: Any) -> Any:
            if not isinstance(e, Element) or index not in e.indices or e.indices.count(index) > 1:
                return e
            place, name = e.indices.index(index), self._name(e.name)
            if e.name in self.cut and place != self.cut[e.name]:
                raise _Refused
            indices = tuple(own if i == index else i for i in e.indices)
            if name != e.name:
                self._declare(name, e.name, indices, parts)
            return Element(_called(e, name).head, *indices)

        def block(term: Any) -> Any:
            return walk(term, part).xreplace({index: own + first_of(self.size) - 1})

        bound, body = self.opened[a.name]
        term = close(type(a.term), (own if i == index else i for i in bound), block(body)) if bound else block(body)
        return Assign(block(a.entry) if index in a.indices else a.entry, term)

    def _declare(self, name: str, whole: str, indices: Iterable[Any], parts: dict[str, Part]) -> None:
        """A part of a tensor; one that is read in two ways has no name for both."""
        ours = {self.index.size, end_of(self.size)}
        shape = self._axes(whole)
        axes = tuple(i.size if isinstance(i, Index) and i.size in ours else a for i, a in zip(indices, shape, strict=True))
        if parts.setdefault(name, (whole, axes)) != (whole, axes):
            raise _Refused

    def _axes(self, name: str) -> tuple[Any, ...]:
        known = self.assigned.get(name) or next(i for i in self.program.inputs if i.name == name)
        return tuple(i.size for i in known.indices)

    def _ended(self, assigns: Sequence[Assign], parts: dict[str, Part]) -> list[Assign]:
        """The assignments of a block with the axis only to the end of the block, of all that has it besides."""
        end, made, begun = end_of(self.size), {a.name for a in assigns}, {**parts}

        def part(e: Any) -> Any:
            if not isinstance(e, Element) or e.name in made or not any(isinstance(i, Index) and i.size == end for i in e.indices):
                return e
            whole, _ = begun.get(e.name, (e.name, ()))
            name = f"{e.name}__to_end"
            self._declare(name, whole, e.indices, parts)
            return _called(e, name)

        found = []
        for a in assigns:
            bound, body = _opened(a.term)
            bound = tuple(Index(i.label, end) if i.size == self.size else i for i in bound)
            body = walk(up_to(body, self.size, end), part)
            found.append(Assign(up_to(a.entry, self.size, end), close(type(a.term), bound, body) if bound else body))
        for name in parts.keys() - {a.name for a in found}.union(*(a.reads for a in found)):
            del parts[name]
        return found

    def _reduced(self, a: Assign, term: Any, updated: Mapping[str, str]) -> Iterator[Assign]:
        """A reduction of one block, and what it comes to with those before."""
        block = _called(a.entry, f"{a.name}__block")
        yield Assign(block, term)
        if a.name not in updated:
            return
        new = _called(a.entry, updated[a.name])
        if type(a.term) is Largest:
            yield Assign(new, Maximum(a.entry, block))
            return
        name, slope = self.rescaled[a.name]
        (m,) = {e for e in self._written_out(_opened(a.term)[1]).atoms(Element) if e.name == name}
        yield Assign(new, a.entry * exp_nonpositive(slope * (m - _called(m, updated[name]))) + block)

    def _part(self, assigns: list[Assign], outputs: Iterable[str], parts: Mapping[str, Part] | None = None) -> Program:
        """Some of the assignments as a program; what they read and do not assign are inputs."""
        parts = parts or {}
        made = {a.name for a in assigns}
        inputs = {i.name: i for i in self.program.inputs}
        given = inputs | {a.name: Input(a.name, a.indices) for a in self.assigns}
        for name, (whole, axes) in parts.items():
            i = given[whole]
            indices = (self.index if a == self.index.size else Index(k.label, a) for k, a in zip(i.indices, axes, strict=True))
            given[name] = replace(i, name=name, indices=tuple(indices))
        read = {n for a in assigns for n in a.reads} - made - inputs.keys()
        wanted = {n for n in self.program.outputs if n not in made} if not parts else set()
        spoken_of = (length_of(self.size), first_of(self.size), end_of(self.size)) if parts else ()
        own = (Input(str(s), (), "label", s) for s in spoken_of)  # so that they are sizes of the graph
        inside = (*self.program.graph.inputs, *own, *(i for n, i in given.items() if n in read | wanted))
        graph = replace(self.program.graph, inputs=inside)
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
