"""What a tensor's entries carry to the output together, said by the next tensor: Σ_p ∂L/∂P_ip P_ip is Σ_l ∂L/∂O_il O_il where
O_il = Σ_p P_ip V_pl.

Such a sum stands in the gradient by what P is computed from, if P is normalized.  With ∂L/∂P put in, one sum stands in another;
in the other order the inner one is a definition.  So attention needs no second matrix: D = rowsum(G ⊙ O).
Source: Dao et al. (2022), FlashAttention, appendix B.2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sympy import Mul

from derive.calculus.cost import cost
from derive.calculus.rules import N_
from derive.calculus.terms import Adjoint, Sum, close, depends, factors, opened, walk
from derive.derivation.derivation import Derivation, put_in
from derive.derivation.trail import RECOGNISE, Trail, simplify
from derive.graphs.graph import Graph

UNDER = N_("put in under the sum")
EXCHANGE = N_("the sums change places")


def exchange(trail: Trail, graph: Graph, found: Callable[[str], Derivation]) -> None:
    """Go on with a trail where sums over a tensor's entries are sums over the next tensor's, and no longer; `found` derives by a
    tensor.
    """
    for name in dict.fromkeys(sorted(filter(None, map(_carried, trail.line.atoms(Sum))))):
        one = found(name)
        put = partial(put_in, known=[(one.subject, one.result)])
        ways: list[tuple[Any, Trail]] = []

        def recognised(t: Any, put: Callable[[Any], Any] = put, ways: list[tuple[Any, Trail]] = ways) -> Any:
            way = Trail(_exchanged(put(t)), trail.budget)
            if way.line != put(t):
                simplify(way, graph)
            ways.append((t, way))
            return way.line

        under, other, last = (
            _each(trail.line, name, change) for change in (put, lambda t, put=put: _exchanged(put(t)), recognised)
        )
        if all([step.family for step in way.steps] == ["fold"] and cost(way.line) <= cost(t) for t, way in ways):
            trail.to(under, UNDER, "under", [(one.subject, one.result)])
            trail.to(other, EXCHANGE, "exchange")
            trail.to(last, RECOGNISE, "fold", dict.fromkeys(pair for _, way in ways for pair in way.steps[0].uses))


def _each(line: Any, name: str, change: Callable[[Any], Any]) -> Any:
    """A line with every sum over what a tensor carries changed."""
    return walk(line, lambda t: change(t) if type(t) is Sum and _carried(t) == name else t)


def _carried(term: Sum) -> str:
    """The tensor x that a term is Σ ∂L/∂x x of; "" where it is none."""
    _, body = opened(term)
    adjoint = next((f for f in factors(body) if isinstance(f, Adjoint)), None)
    return adjoint.by.name if adjoint is not None and body == adjoint * adjoint.by else ""


def _exchanged(term: Any) -> Any:
    """Σ_p x_p Σ_l a_l b_lp as Σ_l a_l Σ_p x_p b_lp; the term itself where one sum stands in no other."""
    if type(term) is not Sum:
        return term
    outer, body = term.opened()
    inner = next((f for f in factors(body) if type(f) is Sum), None)
    if inner is None:
        return term
    indices, within = inner.opened()
    outside = [f for f in factors(within) if not any(depends(f, i) for i in outer)]
    inside = [f for f in factors(within) if f not in outside]
    return close(Sum, indices, Mul(*outside, close(Sum, outer, Mul(body / inner, *inside))))
