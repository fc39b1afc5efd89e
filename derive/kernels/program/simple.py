"""Programs of simple assignments: each term is free of binders, or one binder around a body that is free of them.

    s_n = Σ_i e_ni              a reduction
    p_ni = e_ni r_n             a map

`simple` names every sum, what a loop would compute again and again for nothing, and nothing that is cheaper computed
again than kept.  The letters of indices are made alike (`LoopLetters`), so that equal sums are found to be equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import permutations
from typing import Any

from sympy import Abs, Add, Mul, S, Symbol, preorder_traversal, sign

from derive.calculus.terms import (
    CACHE,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Differ,
    Element,
    Index,
    Inside,
    Label,
    Maximum,
    Sum,
    Where,
    close,
    factors,
    free_indices,
    substituted,
    terms,
    walk,
)
from derive.kernels.program.functions import CHECKED, CONVERSIONS, inverse, together
from derive.kernels.program.program import Assign, Program, entry, equal, unused

CHEAP = 3
"""What costs no more than this is computed again rather than kept; what costs more is not computed again in a loop."""

DIVISION, FUNCTION = 4, 12

DEEP = 40
"""What is nested as deeply as this keeps its name: a chain of hundreds of functions is no one term."""

INDEX_CONDITIONS = (Delta, Differ, Below, AtMost, Inside)
"""Brackets whose arguments are places: whole numbers, which are compared and never named."""


def simple(program: Program) -> Program:
    """The program in simple assignments, shown to compute the same."""
    named = _split(program)
    for _ in range(2):
        named = _split(_inlined(_hoisted(named).alive()))
    return equal(program, _hoisted(named).alive(), "naming sums")


# ---------------------------------------------------------------- cost


@lru_cache(maxsize=CACHE)
def weight(term: Any) -> int:
    """About how many additions the evaluation of a term costs, its sums apart.

    An addition, a product, a comparison costs 1; a division or a root 4; a function 12; reading an entry nothing.
    """
    if isinstance(term, (Element, Index, Label, Symbol)) or not term.args:
        return 0
    inner = sum(map(weight, term.args))
    if term.is_Add or term.is_Mul:
        return inner + len(term.args) - 1 - (S.NegativeOne in term.args)
    if term.is_Pow:
        if term.exp.is_Integer:
            return weight(term.base) + (abs(int(term.exp)).bit_length() - 1) * 2 + (DIVISION if term.exp < 0 else 0)
        return inner + (DIVISION if term.exp == S.Half else 2 * DIVISION if term.exp == -S.Half else 2 * FUNCTION)
    if isinstance(term, (Bracket, Maximum, Where, Abs, sign)):
        return inner + 1
    if isinstance(term, (together, *CONVERSIONS)):
        return inner
    return inner + (2 + (DIVISION if isinstance(term, inverse) else 0) if isinstance(term, CHECKED) else FUNCTION)


@lru_cache(maxsize=CACHE)
def depth(term: Any) -> int:
    """How deeply a term is nested."""
    return 1 + max(map(depth, term.args), default=0)


# ---------------------------------------------------------------- letters


@dataclass
class LoopLetters:
    """For each axis the indices over it, made as they are needed; none has a name that the program has taken."""

    program: Program
    over: dict[Any, list[Index]] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program) -> LoopLetters:
        """The letters that a program uses already."""
        over: dict[Any, list[Index]] = {}
        for index in dict.fromkeys(i for assign in program.assigns for i in assign.indices):
            over.setdefault(index.size, []).append(index)
        return cls(program, over)

    def take(self, axis: Any, busy: Sequence[Index]) -> Index:
        """The first index over an axis that is not busy."""
        known = self.over.setdefault(axis, [])
        if not set(known) - set(busy):
            known.append(Index(self._name(axis), axis))
        return next(i for i in known if i not in busy)

    def _name(self, axis: Any) -> str:
        own = dict(self.program.graph.letters).get(axis, ())
        return unused(self.program.taken | self.names, *own, *"ijklmnopqrsuvwabcdefgh", stem="i")

    @property
    def names(self) -> frozenset[str]:
        """What the indices are called."""
        return frozenset(i.name for indices in self.over.values() for i in indices)

    def renaming(self, indices: Iterable[Index], busy: Sequence[Index] = ()) -> dict[Index, Index]:
        """The first free letter over its axis for each index."""
        out: dict[Index, Index] = {}
        for index in indices:
            out[index] = self.take(index.size, [*out.values(), *busy])
        return out


# ---------------------------------------------------------------- sums by name


@dataclass
class _Naming:
    """Assignments under construction: a term that was named already keeps its name."""

    program: Program
    letters: LoopLetters
    assigns: list[Assign] = field(default_factory=list)
    known: dict[Any, Element] = field(default_factory=dict)

    def add(self, assign: Assign) -> None:
        """An assignment of the program, in the letters of all."""
        new = self._alike(assign.entry, assign.term)
        self.assigns.append(new)
        self.known.setdefault((new.term, new.indices), new.entry)

    def name(self, term: Any, like: Iterable[Index]) -> Element:
        """The entry of a tensor that holds a term; its axes are the free indices, those of `like` first."""
        own = tuple(sorted(free_indices(term), key=_order(term, tuple(like))))
        target = entry("", own, term)
        new = self._alike(target, term)
        found = self.known.get((new.term, new.indices))
        if found is None:
            head = Symbol(self._fresh(term), **target.head.assumptions0)
            found = Element(head, *new.indices)
            self.assigns.append(Assign(found, new.term))
            self.known[new.term, new.indices] = found
        return substituted(found, dict(zip(found.indices, own, strict=True)))

    def _alike(self, target: Element, term: Any) -> Assign:
        renaming = self.letters.renaming(target.indices)
        if all(i == letter for i, letter in renaming.items()):
            return Assign(target, term)
        apart = {i: i.fresh() for i in target.indices}
        letters = {apart[i]: letter for i, letter in renaming.items()}
        return Assign(*(substituted(substituted(t, apart), letters) for t in (target, term)))

    def _fresh(self, term: Any) -> str:
        kind = {"Largest": "largest", "ArgMax": "where", "Product": "product", "Sum": "sum"}.get(type(term).__name__, "c")
        return unused(self.program.names | self.letters.names | {a.name for a in self.assigns}, stem=kind)


def _order(term: Any, like: tuple[Index, ...]) -> Any:
    """Axes in the order of the tensor that is being computed, then as they stand in the entries that are read."""
    seen = [i for e in sorted(term.atoms(Element), key=lambda e: (-len(e.indices), str(e))) for i in e.indices]
    places = {i: k for k, i in reversed(list(enumerate([*like, *seen])))}
    return lambda index: (places.get(index, len(places)), index.name)


def _split(program: Program) -> Program:
    """Every binder inside a term, or around another, named."""
    naming = _Naming(program, LoopLetters(program))
    for assign in program.assigns:
        term = assign.term
        if isinstance(term, Binder):
            term = _one_binder(term, assign.indices, naming)
        naming.add(replace(assign, term=term if isinstance(term, Binder) else _without_binders(term, assign.indices, naming)))
    return replace(program, assigns=_in_order(naming.assigns))


def _without_binders(term: Any, like: tuple[Index, ...], naming: _Naming) -> Any:
    if isinstance(term, Binder):
        new = _one_binder(term, like, naming)
        return naming.name(new, like) if isinstance(new, Binder) else _without_binders(new, like, naming)
    if not term.args or isinstance(term, Index):
        return term
    args = [_without_binders(a, like, naming) for a in term.args]
    return term if args == list(term.args) else term.func(*args)


def _one_binder(term: Binder, like: tuple[Index, ...], naming: _Naming) -> Any:
    """The binder around a body without any; factors that stand in front of a sum come out of it, and a sum of contractions
    is the sum of each.
    """
    indices, body = term.opened()
    body = _without_binders(body, (*like, *indices), naming)
    if type(term) is not Sum:
        return close(type(term), indices, body)
    if body.is_Add and any(_is_contraction(t, indices) for t in terms(body)):
        return Add(*[_out_of_sum(indices, _paired(t, indices, like, naming)) for t in terms(body)])
    return _out_of_sum(indices, _paired(body, indices, like, naming))


def _paired(body: Any, over: tuple[Index, ...], free: tuple[Index, ...], naming: _Naming) -> Any:
    """The body of a sum whose terms are a matrix product with weights, Σ_n c_n x_ni y_nj, with one name for c_n x_ni."""
    tensors = [f for f in factors(body) if isinstance(f, Element) and _plain(f)]
    for a, b in permutations(tensors, 2):
        inside = [f for f in factors(body) if f not in (a, b) and free_indices(f) & set(over)]
        weighted = Mul(a, *inside)
        shared, own = set(a.indices) & set(b.indices), (set(a.indices) - set(b.indices), set(b.indices) - set(a.indices))
        product = shared - set(free) == set(over) and all(own) and own[0] | own[1] <= set(free)
        if inside and product and free_indices(weighted) == set(a.indices) and safe(weighted) and not weighted.atoms(Bracket):
            rest = Mul(*[f for f in factors(body) if f not in (a, b, *inside)])
            return naming.name(weighted, a.indices) * b * rest
    return body


def _out_of_sum(indices: tuple[Index, ...], body: Any) -> Any:
    front = Mul(*[f for f in factors(body) if not free_indices(f) & set(indices) and not isinstance(f, Bracket)])
    rest = body / front
    used = tuple(i for i in indices if i in free_indices(rest))
    unused = Mul(*[i.size for i in indices if i not in used])
    return front * unused * close(Sum, used, rest)


def _is_contraction(term: Any, over: tuple[Index, ...]) -> bool:
    """Whether a term is a product of two tensors that share the summed index, each with an index of its own."""
    tensors = [frozenset(f.indices) for f in factors(term) if isinstance(f, Element)]
    return any(a & b & set(over) and a - b and b - a for a in tensors for b in tensors)


def _in_order(assigns: list[Assign]) -> tuple[Assign, ...]:
    """Every assignment after those that it reads."""
    names, done, out = {a.name: a for a in assigns}, set[str](), list[Assign]()

    def put(assign: Assign) -> None:
        if assign.name not in done:
            done.add(assign.name)
            for name in sorted(assign.reads & names.keys()):
                put(names[name])
            out.append(assign)

    for assign in assigns:
        put(assign)
    return tuple(out)


# ---------------------------------------------------------------- once, and no more


def _hoisted(program: Program) -> Program:
    """What a loop would compute again for each of its entries, by a name of its own."""
    naming = _Naming(program, LoopLetters(program))
    for assign in program.assigns:
        bound, body = assign.term.opened() if isinstance(assign.term, Binder) else ((), assign.term)
        every = frozenset({*assign.indices, *bound})
        new = _hoist(body, every, assign.indices, naming) if every else body
        naming.add(replace(assign, term=close(type(assign.term), bound, new) if bound else new))
    return replace(program, assigns=_in_order(naming.assigns))


def _hoist(term: Any, every: frozenset[Index], like: tuple[Index, ...], naming: _Naming) -> Any:
    if not term.args or isinstance(term, (Element, Index, Label, *INDEX_CONDITIONS)):
        return term
    if free_indices(term) < every and _worth_a_name(term):
        return naming.name(term, like)
    args = list(term.args)
    if term.is_Add or term.is_Mul:
        args = _gathered(term, every, like, naming)
    new = [_hoist(a, every, like, naming) for a in args]
    return term if new == list(term.args) else term.func(*new)


def _gathered(term: Any, every: frozenset[Index], like: tuple[Index, ...], naming: _Naming) -> list[Any]:
    """The terms of a sum or the factors of a product, those together that vary least, as one if they are worth a name."""
    args = list(term.args)
    for size in sorted({len(free_indices(a)) for a in args}):
        same = {free_indices(a) for a in args if len(free_indices(a)) == size}
        for free in sorted(same, key=lambda f: sorted(i.name for i in f)):
            inside = [a for a in args if free_indices(a) <= free]
            whole = term.func(*inside)
            if free < every and len(inside) < len(args) and _worth_a_name(whole):
                args = [naming.name(whole, like), *[a for a in args if a not in inside]]
    return args


def _worth_a_name(term: Any) -> bool:
    """Whether a term is better computed once, outside a loop; conditions stay with what they guard."""
    return weight(term) > CHEAP and safe(term) and not all(isinstance(f, Bracket) for f in factors(term))


def safe(term: Any) -> bool:
    """Whether every entry in a term may be read, whatever the conditions around it are."""
    return all(isinstance(i, (Index, Label)) or i.is_Integer for e in term.atoms(Element) for i in e.indices)


def _inlined(program: Program) -> Program:
    """Tensors put in where they are read, if they are cheap, or read once for each of their entries, and no contraction reads
    them.
    """
    kept = {*program.outputs} | {f.name for a in program.assigns for f in contracted(a)}
    done: dict[str, Assign] = {}
    for assign in program.assigns:
        loops = len(assign.indices) + (len(assign.term.indices) if isinstance(assign.term, Binder) else 0)
        done[assign.name] = replace(assign, term=_put_in(assign.term, loops, done, kept, program))
    return replace(program, assigns=tuple(done.values())).alive()


def _put_in(term: Any, loops: int, known: dict[str, Assign], kept: set[str], program: Program) -> Any:
    def rewrite(t: Any) -> Any:
        if not isinstance(t, Element) or t.name not in known or t.name in kept:
            return t
        assign = known[t.name]
        once = len(t.indices) == loops and _readers(program, t.name) == 1 and depth(assign.term) < DEEP
        if isinstance(assign.term, Binder) or not (once or weight(assign.term) <= CHEAP):
            return t
        return substituted(assign.term, dict(zip(assign.indices, t.indices, strict=True)))

    return walk(term, rewrite)


def _readers(program: Program, name: str) -> int:
    """In how many places a tensor is read."""
    return sum(_occurrences(a.term)[name] for a in program.assigns if name in a.reads)


@lru_cache(maxsize=CACHE)
def _occurrences(term: Any) -> Counter[str]:
    """How often a term mentions each tensor."""
    return Counter(t.name for t in preorder_traversal(term) if isinstance(t, Element))


def contracted(assign: Assign) -> tuple[Element, ...]:
    """The two entries that a matrix product multiplies: a_ij = Σ_k b_ik c_kj, in any order of the axes; none otherwise.

    The letters of what is summed are open.
    """
    if type(assign.term) is not Sum:
        return ()
    over, body = assign.term.opened()
    pair = factors(body)
    if len(pair) != 2 or not all(isinstance(f, Element) and _plain(f) for f in pair):
        return ()
    a, b = (frozenset(f.indices) for f in pair)
    free = frozenset(assign.indices)
    return pair if a & b - free == set(over) and (a - b) and (b - a) and a | b == free | set(over) else ()


Axes = tuple[Index, ...]
Groups = tuple[Axes, Axes]


def product_axes(entry: Element, a: Element, b: Element, over: tuple[Index, ...]) -> tuple[Groups, Groups, Groups] | None:
    """The axes of a, of b and of the result, in groups (examples…, rows, columns), where the product can be taken by a
    matrix product without moving a number: each group's axes stand together, in one order, and the examples in front.
    """
    examples = tuple(i for i in entry.indices if i in a.indices and i in b.indices)
    left = tuple(i for i in a.indices if i not in b.indices)
    right = tuple(i for i in b.indices if i not in a.indices)
    middle = tuple(i for i in a.indices if i in over)
    of_a, of_b = _in_groups(a.indices, examples, left, middle), _in_groups(b.indices, examples, middle, right)
    of_entry = _in_groups(entry.indices, examples, left, right)
    return (of_a, of_b, of_entry) if of_a and of_b and of_entry else None


def _in_groups(indices: Axes, examples: Axes, first: Axes, second: Axes) -> Groups | None:
    """The two groups in the order in which they stand behind the examples; None where they are not together."""
    for order in ((first, second), (second, first)):
        if indices == (*examples, *order[0], *order[1]):
            return order
    return None


def _plain(element: Element) -> bool:
    return all(isinstance(i, Index) for i in element.indices) and len(set(element.indices)) == len(element.indices)


def scattered(term: Any, indices: tuple[Index, ...]) -> tuple[Index, Any, Any] | None:
    """(k, place, rest) where an opened body is δ_k,place · rest for a free k, and the place depends on something bound.

    The rest is that at k = place.
    """
    for f in factors(term):
        if isinstance(f, Delta):
            for k, place in (f.args, f.args[::-1]):
                if k in indices and isinstance(k, Index) and free_indices(place) - set(indices):
                    rest = Mul(*[g for g in factors(term) if g is not f])
                    return k, place, substituted(rest, {k: place})
    return None
