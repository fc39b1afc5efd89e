"""How long a term is to read: the one measure by which a form is called shorter."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import S, preorder_traversal

from derive.calculus.terms import (
    CACHE,
    Binder,
    Delta,
    Element,
    EntryOf,
    Index,
    Kept,
    Label,
    OfMatrix,
    Sum,
    VectorOf,
    content,
    depends,
    factors,
    free_indices,
    terms,
)

SUM_COST = 8
"""What a loop costs against a symbol.  The cost decides between the ways to write a result: it is the number of symbols
and operations a reader sees, and nested sums weigh most, since each is a loop to follow (and to run)."""

UNPICKED = 5
"""A delta that still stands under the Σ it picks from costs as much as this many loops."""

IDLE = 0.5
"""What a factor costs, on top, that stands in a loop it does not depend on: Σ_j a x_j is a Σ_j x_j."""

NESTED = 3
"""What a fraction costs, on top, that stands in a sum above or below the line of another: a/(b/c + 1) is a c/(b + c)."""


@lru_cache(maxsize=CACHE)
def cost(term: Any) -> float:
    """How long a term is to read.

    >>> import derive
    >>> cost(derive.graph("x: [n]; f = sum(x)**2").output.expr)
    11.0
    >>> cost(derive.graph("x: [n]; f = sum(x*sum(x))").output.expr)
    19.5
    """
    if isinstance(term, (Element, Index, Label)) or not term.args:
        return 1
    if isinstance(term, Kept):
        return cost(term.args[0])
    number, rest = shared_number(term)
    if number != 1:
        return 2 + cost(rest)
    if isinstance(term, (EntryOf, OfMatrix)):  # a name with an exponent, and no loop
        return cost(term.matrix) if isinstance(term, EntryOf) else 1 + cost(term.body)
    if isinstance(term, VectorOf):
        return cost(term.body)
    own = 1.0
    if isinstance(term, Binder):
        own = SUM_COST * (len(term.indices) + UNPICKED * unpicked_signs(term)) + IDLE * idle_signs(term)
    elif term.is_Add or term.is_Mul:
        own = len(term.args) - (2.5 if term.args[0] is S.NegativeOne else 1) + NESTED * _nested(term)
    elif term.is_Pow and _is_divisor(term) and is_fraction(term.base):
        own += NESTED
    inner = term.args[:1] if isinstance(term, Binder) else term.args
    return own + sum(cost(a) for a in inner)


def is_fraction(term: Any) -> bool:
    """Whether a sum has a term that is divided by more than a number."""
    return any(_is_divisor(f) for t in terms(term) for f in factors(t))


def _is_divisor(factor: Any) -> bool:
    return bool(factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative)


def _nested(term: Any) -> bool:
    """Whether a product is a fraction of sums with a fraction above its line."""
    above = [f for f in factors(term) if f.is_Add] if term.is_Mul else []
    below = [f for f in factors(term) if _is_divisor(f) and f.base.is_Add] if above else []
    return bool(below) and any(map(is_fraction, above))


def unpicked_signs(term: Binder) -> int:
    """The deltas under a Σ that pick from it."""
    return sum(isinstance(t, Delta) and any(depends(t, j) for j in term.indices) for t in preorder_traversal(term.body))


def idle_signs(term: Binder) -> int:
    """The factors under a Σ that could stand before it; the number that all terms under it share is one."""
    if type(term) is not Sum:
        return 0
    number = term.body.is_Add and abs(content(term.body)[0]) != 1
    return bool(number) + sum(not any(depends(f, j) for j in term.indices) for f in factors(term.body))


def unpicked(term: Any) -> int:
    """How many deltas stand under the very Σ that they pick from: work left to the reader."""
    return sum(unpicked_signs(t) for t in preorder_traversal(term) if isinstance(t, Binder))


def idle(term: Any) -> int:
    """How many factors stand under a Σ that they could stand before."""
    return sum(idle_signs(t) for t in preorder_traversal(term) if isinstance(t, Binder))


def brackets(term: Any) -> int:
    """How many sums of terms stand in brackets: as factors, as often as a whole power says, or under a Σ."""
    found = 0
    for t in preorder_traversal(term):
        if t.is_Mul or type(t) is Sum:
            found += sum(f.is_Add for f in (factors(t.body) if type(t) is Sum and not t.body.is_Mul else t.args))
        elif t.is_Pow and t.base.is_Add and t.exp.is_Integer:
            found += abs(int(t.exp))
    return found


def shared_number(term: Any) -> tuple[Any, Any]:
    """A number that can stand before a sum because every term has it, up to sign, and nothing else."""
    if not term.is_Add:
        return S.One, term
    number, rest = content(term)
    alike = all(abs(t.as_coeff_Mul()[0]) == 1 for t in rest.args if not t.is_number)
    return (number, rest) if alike else (S.One, term)


@lru_cache(maxsize=CACHE)
def length(term: Any) -> int:
    """How many symbols and operations there are in a term, all in all."""
    return 1 + sum(map(length, term.args))


@lru_cache(maxsize=CACHE)
def sums(term: Any) -> int:
    """How many indices are bound in a term, all in all."""
    return _bound(term) + sum(sums(a) for a in term.args)


def loops(term: Any) -> int:
    """How many indices are bound in a term, those of sums aside that no free index enters: Σ_l m_l is a number, found once."""
    if isinstance(term, Binder) and not free_indices(term):
        return 0
    return _bound(term) + sum(loops(a) for a in term.args)


def _bound(term: Any) -> int:
    """How many indices a term binds itself."""
    return len(term.indices) if isinstance(term, Binder) and not isinstance(term, (OfMatrix, VectorOf)) else 0
