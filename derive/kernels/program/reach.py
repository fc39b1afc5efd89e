"""Entries that an index may leave: it runs over another axis than the one it stands on, as in x_i where i < n, else 1.

Such an index is written as an expression, so that loops treat what it reads as they treat x[i + 1]: it is read behind its
condition, and no row is taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sympy import Mul

from derive.calculus.terms import Binder, Bracket, Element, Elsewhere, Index, Sum, Where, close, factors, walk
from derive.errors import DeriveError, said
from derive.kernels.program.program import Program


def told_apart(program: Program) -> Program:
    """The program with every such index marked.  Raises DeriveError where an entry that there is none of would be read."""
    axes = {i.name: i.axes for i in program.inputs}
    axes |= {a.name: tuple(i.size for i in a.entry.indices) for a in program.assigns}

    def mark(term: Any) -> Any:
        if term.is_Mul:
            return _conditions_in(term)
        if not isinstance(term, Element) or term.name not in axes:
            return term
        places = zip(term.indices, axes[term.name], strict=True)
        return Element(term.head, *(Elsewhere(i) if isinstance(i, Index) and i.size != n else i for i, n in places))

    assigns = tuple(replace(a, term=walk(a.term, mark)) for a in program.assigns)
    for assign in assigns:
        for entry in _unguarded(assign.term, False):
            if any(_leaves(i, n) for i, n in zip(entry.indices, axes[entry.name], strict=True)):
                raise DeriveError(said("A kernel would read {name} outside of it, where no condition stands.", name=entry.name))
    return replace(program, assigns=assigns)


def _conditions_in(product: Any) -> Any:
    """The conditions around a sum in it, too, where it would else be computed of entries that there are none of."""
    conditions = [f for f in factors(product) if isinstance(f, Bracket)]
    sums = [f for f in factors(product) if type(f) is Sum and f.has(Elsewhere)] if conditions else []
    for found in sums:
        bound, body = found.opened()
        product = product.xreplace({found: close(Sum, bound, Mul(*conditions, body))})
    return product


def _leaves(index: Any, axis: Any) -> bool:
    return isinstance(index, Elsewhere) and not (axis - index.args[0].size).is_nonnegative


def _unguarded(term: Any, guarded: bool) -> Iterator[Element]:
    """The entries that are read wherever the loop around them is; one behind a condition is read where that holds."""
    if isinstance(term, Element):
        yield from () if guarded else (term,)
    elif isinstance(term, Binder):
        yield from _unguarded(term.opened()[1], False)
    elif isinstance(term, Where):
        for part in term.args[1:]:
            yield from _unguarded(part, True)
    elif not isinstance(term, Bracket):
        behind = guarded or (term.is_Mul and any(isinstance(f, Bracket) for f in factors(term)))
        for part in term.args:
            yield from _unguarded(part, behind)
