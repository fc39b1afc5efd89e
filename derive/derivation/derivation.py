"""A derivation as data: the derivative of one tensor by another, as the list of rewrites that found it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from sympy import S

from derive.calculus.frozen import Frozen, WithTerms
from derive.calculus.kept import shortest_as_written, written_in
from derive.calculus.matrix_algebra import Matrix
from derive.calculus.matrix_form import matrix_form, unblocked
from derive.calculus.normal import put
from derive.calculus.terms import Adjoint, Delta, Deriv, Differ, Element, Index, substituted, walk
from derive.graphs.graph import Graph, Input, Node
from derive.graphs.names import lettered


@dataclass(frozen=True)
class Lemma(WithTerms):
    """A derivative found before: `derivative`, of a node by an entry, is `value`.  `name` is the library's for the definition."""

    name: str
    derivative: Deriv
    value: Any

    def at(self, other: Deriv, value: Any) -> Any:
        """A term in the indices of the lemma at those of another derivative of the same; None for any other derivative."""
        mine = self.derivative
        if not isinstance(other.body, Element) or (other.body.head, other.by.head) != (mine.body.head, mine.by.head):
            return None
        own, given = ((*d.body.indices, *d.by.indices) for d in (self.derivative, other))
        return substituted(value, dict(zip(own, given, strict=True)))


@dataclass(frozen=True)
class Step(WithTerms):
    """One rewrite: the line it gave, the rule, and the equations (left, right) it used.

    Where definitions were put into the line, or stand in it untouched, `named` is the same line with the names in their places,
    and `opened` are these names: so it is printed with the definitions as their author wrote them.

    Steps in a row with the same `lemma` are the lines by which that was found, and read as one by who knows it: each is `inner`,
    a line of the lemma by itself, put into the line `named`.
    """

    line: Any
    rule: str
    family: str = ""
    uses: tuple[tuple[Any, Any], ...] = ()
    named: Any = None
    opened: tuple[str, ...] = ()
    lemma: Lemma | None = None
    inner: Any = None


@dataclass(frozen=True)
class Derivation(Frozen):
    """∂of/∂wrt.  `subject` is the entry derived, `steps` the rewrites; the last line is the result.

    `spent` is what was spent of its budget.
    """

    graph: Graph
    of: str
    wrt: str
    subject: Adjoint
    steps: tuple[Step, ...]
    spent: int = field(default=0, compare=False)

    @property
    def result(self) -> Any:
        """The last line."""
        return self.steps[-1].line

    @property
    def computed(self) -> Any:
        """The last line before sums changed places: the result without the tensor that it speaks of in place of a sum."""
        places = [k for k, step in enumerate(self.steps) if step.family == "exchange"]
        return self.steps[places[0] - 2].line if places else self.result

    @property
    def indices(self) -> tuple[Index, ...]:
        """The free indices: those of the output, then those of the variable."""
        return self.subject.indices

    @property
    def form(self) -> Matrix | None:
        """The result in matrix notation, or None where it has none (or is zero, or a number), or has a part of an axis only."""
        if self.result == 0 or not self.graph.whole_axes(unblocked(self.result)):
            return None
        return matrix_form(self.result, self.indices)

    @property
    def named(self) -> tuple[str, ...]:
        """The tensors whose adjoints the result names."""
        return tuple(sorted({a.by.name for a in adjoints_in(self.result)}))

    @cached_property
    def cases(self) -> tuple[tuple[Any, Any], tuple[Any, Any]] | None:
        """((value, i = k), (value, i ≠ k)) where the result has one δ_ik or [i ≠ k] of free indices, else None."""
        splits = {t.args for t in self.result.atoms(Delta, Differ) if set(t.free_symbols) <= self._free_symbols}
        if len(splits) != 1:
            return None
        a, b = splits.pop()
        keep, drop = (a, b) if isinstance(b, Index) else (b, a)
        written = written_in(node.expr for node in self.graph.nodes)
        same = shortest_as_written(put(self.result, {drop: keep}), written)
        differ = {Delta(a, b): S.Zero, Differ(a, b): S.One}
        apart = shortest_as_written(walk(self.result, lambda t: differ.get(t, t)), written)
        return ((same, Delta(a, b)), (apart, Differ(a, b)))

    @property
    def _free_symbols(self) -> set[Any]:
        heads = {member.head for member in self.graph.inputs}
        return {s for i in self.indices for s in i.free_symbols} | heads | {*self.graph.sizes}


def fields_of(data: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, to make one of another class of."""
    return {f.name: getattr(data, f.name) for f in fields(data)}


def free_letters(graph: Graph, variable: Input | Node, taken: tuple[str, ...]) -> tuple[Index, ...]:
    """Indices for the variable: its own letters, unless the output, a tensor or a size uses them; what a Σ binds gives way, but
    not where a condition speaks of it, j ≠ t.
    """
    busy = {*taken, *graph.conditioned, *graph.members, *(s.name for s in graph.sizes)}
    return lettered(variable.indices, graph.letters, busy, own=True)


def is_atomic(term: Any) -> bool:
    """Whether a result is so short that naming it would only hide it: a number, or one entry."""
    return isinstance(term, Element) or bool(term.is_number)


def adjoints_in(term: Any) -> set[Adjoint]:
    """The adjoints that a term names."""
    return set(term.atoms(Adjoint))


def put_in(line: Any, known: Iterable[tuple[Adjoint, Any]]) -> Any:
    """A line with what some adjoints are, at any indices, in their places; `known` are equations (adjoint, value).

    >>> import derive
    >>> found = derive.graph("h = W*x; L = sin(h)").derive("L", "x")
    >>> found.result, put_in(2 * found.subject, [(found.subject, found.result)])
    (cos(h)*W, 2*cos(h)*W)
    """
    given = {adjoint.pair: (adjoint.indices, value) for adjoint, value in known}

    def rewrite(t: Any) -> Any:
        if not isinstance(t, Adjoint) or t.pair not in given:
            return t
        indices, value = given[t.pair]
        return substituted(value, dict(zip(indices, t.indices, strict=True)))

    return walk(line, rewrite)
