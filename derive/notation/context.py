"""What printing has to know of a graph: letters, names, where indices count from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

from sympy import Mul

from derive.calculus.signs import is_negative, minimum_of
from derive.calculus.terms import Adjoint, Bracket, Deriv, Element, Index, Label, Largest, names
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph, gradient_parts, remembered
from derive.graphs.names import lettered
from derive.graphs.tree import Call, Compare, Number, Op, Reduce, Ref, Size, Tree, subtrees
from derive.notation.layout import Layout, Script, text
from derive.notation.pieces import Piece
from derive.notation.style import Style, decimal, name_layout

MOST_DIGITS = 12
"""A decimal of more signs stays a fraction."""


AuthorsSum = tuple[tuple[frozenset[str], bool], ...]
"""The terms of a sum as typed: for each the names of its tensors, and whether it is subtracted."""


@dataclass(frozen=True)
class Context:
    """What a term is printed under: the conventions, and for each axis the letters its author uses."""

    style: Style = field(default_factory=Style)
    letters: tuple[tuple[Any, tuple[str, ...]], ...] = ()
    ranks: frozenset[tuple[str, int]] = frozenset()
    axes: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """The axes of each tensor."""

    taken: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    """The tensors in the order in which their author mentions them."""
    shown: tuple[tuple[str, str], ...] = ()
    """What tensors are called in print, where that is not their own name."""

    upstream: str = ""
    """The gradient of a loss by a tensor, if there is one."""

    least: frozenset[Any] = frozenset()
    """The minima in the definitions, each as a maximum of what is subtracted."""

    written: Callable[[Deriv, Context], Piece | None] | None = None
    """How a derivative is printed where something stands for it, such as the definition of what is differentiated."""

    behind: frozenset[tuple[str, Fraction]] = frozenset()
    """The numbers that the author writes behind what they are compared with in a max or a min, as in min(x, 6)."""

    decimals: tuple[tuple[Fraction, str], ...] = ()
    """The decimal fractions in the definitions, with their digits as typed: beside these, numbers are decimals."""

    powers: bool = False
    """Whether there are decimals among the exponents."""

    divisors: frozenset[int] = frozenset()
    """The prime factors of the numbers that something is divided by in the definitions: a number of these stays a fraction."""

    products: frozenset[tuple[str, str]] = frozenset()
    """The pairs of tensors of which the author has the first before the second in a product, and nowhere the other way round."""

    added: frozenset[tuple[str, str]] = frozenset()
    """The same of sums: the pairs of tensors of which one stands in a term alone, before the term in which the other does."""

    sums: tuple[AuthorsSum, ...] = ()
    """The sums of the definitions, each with its terms in the order of the author."""

    free: tuple[Index, ...] = ()
    """The indices of the left side of an equation, in their order."""

    def digits(self, value: Fraction) -> str | None:
        """The digits of a number that is printed as a decimal because its author types decimals; None for another."""
        if value.denominator == 1 or not self.decimals:
            return None
        if (as_typed := dict(self.decimals).get(value)) is not None:
            return as_typed
        digits = decimal(value)
        if not any("e" not in text.lower() for _, text in self.decimals):
            return None
        own = {p for p in (2, 5) if value.denominator % p == 0}
        return None if digits is None or len(digits) > MOST_DIGITS or own <= self.divisors else digits

    def called(self, name: str, rank: int = 0) -> Layout:
        """The name of a tensor with so many axes, as it is printed."""
        return name_layout(dict(self.shown).get(name, name), rank)

    @property
    def has_e(self) -> bool:
        """Whether e is the name of a tensor, of a size or of an index here, so that the number e cannot be called that."""
        return "e" in self.order or "e" in self.taken or any("e" in letters for _, letters in self.letters)

    def beside(self, indices: Iterable[Index]) -> Context:
        """The same where these indices mean something already: those of the left side of an equation, in their order."""
        free = tuple(indices)
        return replace(self, taken=self.taken | {i.name for i in free}, free=free)

    def ranges_over(self, index: Index, name: str, indices: Collection[Any]) -> Iterator[Any]:
        """The axes of a tensor, or of a gradient by it, on which an index stands by itself, among these of an entry."""
        name = (gradient_parts(name) or ("", name))[1]
        known = dict(self.axes).get(name, ())
        axes = known if len(known) == len(indices) else (index.size,) * len(indices)
        yield from (axis for i, axis in zip(indices, axes, strict=True) if i == index)

    def place(self, term: Any) -> int:
        """Where the author first mentions one of the tensors of a term."""
        return self._first(names(term))

    def path(self, term: Any) -> int:
        """The same for the tensor through which a term leads, by its adjoint or its local derivative; else behind all."""
        through = {t.by.name for t in term.atoms(Adjoint)}
        return self._first(through or {t.body.name for t in term.atoms(Deriv) if isinstance(t.body, Element)})

    def _first(self, known: frozenset[str] | set[str]) -> int:
        return next((k for k, name in enumerate(self.order) if name in known), len(self.order))

    def naming(self, indices: tuple[Index, ...]) -> dict[Index, Index]:
        """A letter for each bound index that no index in sight and no tensor uses."""
        return dict(zip(indices, lettered(indices, self.letters, self.taken), strict=True))


def context_of(graph: Graph, style: Style | None = None) -> Context:
    """How the terms and definitions of a graph are printed: its letters, its ranks, its author's order; found once."""
    chosen = style or Style()
    return remembered(graph, ("context", chosen), lambda: _context_of(graph, chosen))


def _context_of(graph: Graph, style: Style) -> Context:
    ranks = frozenset((m.name, len(m.indices)) for m in graph.members.values())
    printed: dict[str, str] = {}
    shown = dict(graph.shown)
    for name, rank in sorted(ranks):
        other = printed.setdefault(text(name_layout(shown.get(name, name), rank)), name)
        if other != name:
            raise DeriveError(
                said("{other} and {name} would be printed alike.", other=other, name=name), hint="Give one of them another name."
            )
    places = {m.name for m in graph.members.values() if not m.differentiable}
    numbers = (t for node in graph.nodes for t in subtrees(node.body) if not (t is node.body and _is_place(t)))
    if any(_counts_from_zero(t, places) for t in numbers):
        style = replace(style, index_base=0)  # x_{o+k} counts from 0: so do the entries
    for member in graph.members.values():
        if _entry_like(member.name, graph, style.index_base):
            raise DeriveError(
                said("{name} would be printed as an entry of a tensor is.", name=member.name),
                hint=said("Write an entry in brackets, x[i], or give {name} another name.", name=member.name),
            )
    called = (*graph.members, *shown.values(), *(size.name for size in graph.sizes))
    single = frozenset(name for name in called if len(name) == 1)
    mentioned = [t.name for node in graph.nodes for t in subtrees(node.body) if isinstance(t, Ref)]
    order = tuple(dict.fromkeys([graph.upstream, *mentioned, *graph.members]))
    subtracted = {t for node in graph.nodes for t in node.expr.atoms(Mul) if is_negative(t)}
    minima = {f for t in subtracted for f in t.args if isinstance(f, Largest) and is_negative(f, even=True)}
    least = frozenset(map(minimum_of, minima))
    axes = tuple((m.name, m.axes) for m in graph.members.values())
    found = Context(style, graph.letters, ranks, axes, single, order, graph.shown, graph.upstream, least)
    return _with_numbers(found, graph)


def _with_numbers(context: Context, graph: Graph) -> Context:
    """With the decimal fractions that are typed in the definitions, and the primes 2 and 5 in the numbers that they divide by."""
    trees = [tree for node in graph.nodes for tree in subtrees(node.body)]
    typed = {t.value: t.text for t in reversed(trees) if isinstance(t, Number) and t.value.denominator > 1 and "/" not in t.text}
    below = [t.args[1].value for t in trees if isinstance(t, Op) and t.operator == "/" and isinstance(t.args[1], Number)]
    divisors = frozenset(p for p in (2, 5) for value in below if value.numerator % p == 0)
    exponents = (t.args[1] for t in trees if isinstance(t, Op) and t.operator == "**")
    powers = any(isinstance(t, Number) and t.value.denominator > 1 for t in exponents)
    chosen = [(t.function, place, n.value) for t in trees if isinstance(t, Call) and t.function in ("max", "min")
              for place, n in enumerate(t.args) if isinstance(n, Number)]  # fmt: skip
    behind = {(f, n) for f, place, n in chosen if place} - {(f, n) for f, place, n in chosen if not place}
    sums = dict.fromkeys(tuple(_terms_of(t)) for t in trees if isinstance(t, Op) and t.operator in ("+", "-"))
    typed_products = [t for t in trees if isinstance(t, Op) and t.operator == "*"]
    direct, within = (_one_way({p for t in typed_products for p in _in_order(t, known)}) for known in (_factors_named, _named))
    products = direct | {(a, b) for a, b in within if (b, a) not in direct}
    added = _one_way({(a, b) for t in sums for (k, _), (u, _) in combinations(t, 2) for a in k - u for b in u - k})
    context = replace(context, behind=frozenset(behind), sums=tuple(sums), products=products, added=added)
    return replace(context, decimals=tuple(typed.items()), divisors=divisors, powers=powers)


def _terms_of(tree: Tree, negative: bool = False) -> Iterator[tuple[frozenset[str], bool]]:
    """The terms of a sum as they were typed: for each the names of its tensors, and whether it is subtracted."""
    match tree:
        case Op("+" | "-" as sign, (left, right)):
            yield from _terms_of(left, negative)
            yield from _terms_of(right, negative is not (sign == "-"))
        case Op("neg", (body,)):
            yield from _terms_of(body, not negative)
        case _:
            yield _named(tree), negative


def _in_order(product: Op, known: Callable[[Tree], frozenset[str]]) -> Iterator[tuple[str, str]]:
    """The pairs of names of which one stands in the left factor of a product, the other in the right one."""
    left, right = product.args
    yield from ((a, b) for a in known(left) for b in known(right))


def _one_way(pairs: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the pairs whose opposite is none of them."""
    return frozenset((a, b) for a, b in pairs if (b, a) not in pairs)


def _factors_named(tree: Tree) -> frozenset[str]:
    """The names that are factors of a product themselves, under a Σ too, or the base of a power that is one."""
    match tree:
        case Op("*", (left, right)):
            return _factors_named(left) | _factors_named(right)
        case Op("/" | "**", (first, _)) | Op("neg", (first,)):
            return _factors_named(first)
        case Reduce("sum", body):
            return _factors_named(body)
        case Ref(name):
            return frozenset([name])
    return frozenset()


def _named(tree: Tree) -> frozenset[str]:
    """The tensors whose entries occur in a tree, labels too."""
    refs = [t for t in subtrees(tree) if isinstance(t, Ref)]
    return frozenset(t.name for t in refs).union(*(names(i) for t in refs for i in t.indices if hasattr(i, "args")))


def _entry_like(name: str, graph: Graph, first: int) -> bool:
    """Whether a tensor is printed like an entry of another: w1 or w_i beside a vector w, and a number w_i beside any index i.

    Where the `first` entry is number 1, w0 is none.
    """
    letters, shown = dict(graph.letters), dict(graph.shown)
    printed = name_layout(shown.get(name, name), len(graph.members[name].axes))
    if not isinstance(printed, Script) or printed.sub is None or printed.sup is not None:
        return False
    under = text(printed.sub)
    if first and "0" in under:
        return False
    if not graph.members[name].axes and set(under) <= {letter for over in letters.values() for letter in over}:
        return True
    likely = (m for m in graph.members.values() if len(m.axes) == len(under))
    return any(
        name_layout(shown.get(m.name, m.name), len(m.axes)) == printed.base
        and all(c in "0123456789" or c in letters.get(axis, ()) for c, axis in zip(under, m.axes, strict=True))
        for m in likely
    )


def _is_place(tree: Tree) -> bool:
    """Whether this is an arg max."""
    return isinstance(tree, Reduce) and tree.operator == "argmax"


def _counts_from_zero(tree: Tree, places: Collection[str]) -> bool:
    """Whether a node says something that is true of indices only if they count from 0: i = j and i < 2 do not, i < n does, nor
    does a label, or another of these `places`, that is a number in a formula.
    """
    match tree:
        case Size(value):  # of a second derivative it is the gradient, whose entries have places
            return bool(value.atoms(Index)) and not value.has(Element, Bracket)
        case Ref(name, indices):
            return name in places or any(map(is_affine, indices))
        case Reduce():
            return _is_place(tree)
        case Compare(_, left, right) if not isinstance(left, Tree):
            return not all(isinstance(side, Index | Label) or side.is_Integer for side in (left, right))
    return False


def is_affine(index: Any) -> bool:
    """Whether an index is arithmetic on indices, such as s o + k."""
    return bool(getattr(index, "is_Add", False) or getattr(index, "is_Mul", False))
