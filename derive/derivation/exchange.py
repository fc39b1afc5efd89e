"""What a tensor's entries carry to the output together, said by the next tensor: Σ_p ∂L/∂P_ip P_ip is Σ_l ∂L/∂O_il O_il where
O_il = Σ_p P_ip V_pl.

Such a sum stands in the gradient by what P is computed from, if P is normalized.  With ∂L/∂P put in, one sum stands in another;
in the other order the inner one is a definition.  So attention needs no second matrix: D = rowsum(G ⊙ O).
Source: Dao et al. (2022), FlashAttention, appendix B.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Mul

from derive.calculus.cost import cost
from derive.calculus.rules import N_
from derive.calculus.terms import Adjoint, Sum, close, depends, factors, opened
from derive.derivation.derivation import Derivation, put_in
from derive.derivation.trail import Trail, simplify
from derive.graphs.graph import Graph

UNDER = N_("put in under the sum")
EXCHANGE = N_("the sums change places")


def exchange(trail: Trail, graph: Graph, found: Callable[[str], Derivation]) -> None:
    """Go on with a trail where a sum over a tensor's entries is one over the next tensor's, and no longer; `found` derives by a
    tensor.
    """
    for carried in sorted((s for s in trail.line.atoms(Sum) if _carried(s)), key=str):
        by = _carried(carried)
        one = found(by)
        put = put_in(carried, [(one.subject, one.result)])
        other = _exchanged(put)
        if other == put:
            continue
        way = Trail(trail.line, trail.budget)
        way.to(trail.line.xreplace({carried: put}), UNDER, "under", [(one.subject, one.result)])
        way.to(trail.line.xreplace({carried: other}), EXCHANGE, "exchange")
        simplify(way, graph)
        if way.steps[-1].family == "fold" and cost(way.line) <= cost(trail.line):
            trail.line = way.line
            trail.steps += way.steps


def _carried(term: Sum) -> str:
    """The tensor x that a term is Σ ∂L/∂x x of; "" where it is none."""
    _, body = opened(term)
    adjoint = next((f for f in factors(body) if isinstance(f, Adjoint)), None)
    return adjoint.by.name if adjoint is not None and body == adjoint * adjoint.by else ""


def _exchanged(term: Any) -> Any:
    """Σ_p x_p Σ_l a_l b_lp as Σ_l a_l Σ_p x_p b_lp; the term itself where one sum stands in no other."""
    outer, body = term.opened() if type(term) is Sum else ((), term)
    inner = next((f for f in factors(body) if type(f) is Sum), None)
    if inner is None:
        return term
    indices, within = inner.opened()
    outside = [f for f in factors(within) if not any(depends(f, i) for i in outer)]
    inside = [f for f in factors(within) if f not in outside]
    return close(Sum, indices, Mul(*outside, close(Sum, outer, Mul(body / inner, *inside))))
