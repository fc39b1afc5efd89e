"""How much of an axis the rows of a block can need: where every row ends at its own place, none beyond the last of the block.

P_rj = 𝟙[j ≤ r] e_rj / s_r,   O_rk = Σ_j P_rj V_jk      for the rows r of a block: P_rj is 0, and V_jk not read, for j beyond it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import S, Symbol

from derive.calculus.terms import AtMost, Below, Binder, Element, Index, Largest, Sum, Where, factors
from derive.kernels.program.program import Assign


def ends_with_rows(assigns: Sequence[Assign], row: Any, size: Symbol, kept: frozenset[str]) -> bool:
    """Whether the assignments of a block need nothing of an axis beyond its last row, all that has the axis being 0 there.

    A row stands at the place `row`; what is `kept` must be right everywhere.
    """
    zeros: dict[str, int] = {}
    places = {a.name: [k for k, i in enumerate(a.indices) if i.size == size] for a in assigns}
    found = False
    for a in assigns:
        bound, body = a.term.opened() if isinstance(a.term, Binder) else ((), a.term)
        if any(not isinstance(e.indices[k], Index) for e in body.atoms(Element) for k in places.get(e.name, ())):
            return False
        for index in (i for i in bound if i.size == size):
            found = True
            if not (_zero(body, index, row, zeros) if type(a.term) is Sum else _nothing(a.term, body, index, row)):
                return False
        own = places[a.name]
        if not own:
            continue
        zero = type(a.term) in (Sum, type(body)) and _zero(body, a.indices[own[0]], row, zeros)
        if len(own) > 1 or (a.name in kept and not zero):
            return False
        if zero:
            zeros[a.name] = own[0]
    return found


def _zero(term: Any, index: Index, row: Any, zeros: dict[str, int]) -> bool:
    """Whether a term is 0 wherever the index is beyond the row."""
    return any(
        _within(f, index, row)
        or (isinstance(f, Where) and f.args[2] == 0 and any(_within(c, index, row) for c in factors(f.args[0])))
        or (isinstance(f, Element) and f.name in zeros and f.indices[zeros[f.name]] == index)
        for f in factors(term)
    )


def _nothing(term: Any, body: Any, index: Index, row: Any) -> bool:
    """Whether a largest entry is taken of nothing beyond the row."""
    if not isinstance(term, Largest) or not isinstance(body, Where) or body.args[2] != S.NegativeInfinity:
        return False
    return any(_within(c, index, row) for c in factors(body.args[0]))


def _within(condition: Any, index: Index, row: Any) -> bool:
    return isinstance(condition, AtMost | Below) and condition.args == (index, row)


def up_to(term: Any, size: Symbol, end: Symbol) -> Any:
    """A term without binders with the indices over an axis ending before its end."""
    return term.xreplace({i: Index(i.label, end) for i in term.atoms(Index) if i.size == size})
