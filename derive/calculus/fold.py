"""Definitions folded back: from p_i = e^{z_i} / Σ_k e^{z_k} follows e^{z_i} = p_i Σ_k e^{z_k}, and Σ_i p_i = 1.

Nothing here knows an operation.  Every rewrite is solved from a definition, or is a sum over an axis of a definition that
came out constant; one that would divide by something not known to be positive is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

from sympy import Add, Dummy, Function, Mul, Symbol, expand

from derive.calculus.normal import cost, normal, shortest
from derive.calculus.terms import (
    Binder,
    Bracket,
    Element,
    Index,
    Sum,
    free_indices,
    names,
    signature,
    total,
    walk,
)


@dataclass(frozen=True)
class Fold:
    """Rewrite `pattern` as `result` wherever it occurs, for any value of the indices in `holes`.

    A `whole` fold puts a name for its whole definition.  `owner` is the tensor whose definition it was solved from.
    """

    pattern: Any
    result: Any
    holes: tuple[Index, ...]
    whole: bool = False
    owner: str = ""


# ---------------------------------------------------------------- matching

Binding = dict[Index, Any]


def match(pattern: Any, term: Any, holes: tuple[Index, ...], bound: Binding) -> Binding | None:
    """The indices to put into the holes of a pattern to make it this term, or None."""
    if pattern in holes:
        if pattern in bound:
            return bound if bound[pattern] == term else None
        return {**bound, pattern: term} if getattr(term, "size", None) == pattern.size else None
    if type(pattern) is not type(term) or len(pattern.args) != len(term.args):
        return None
    if isinstance(pattern, Binder):
        if [j.size for j in pattern.indices] != [j.size for j in term.indices]:
            return None
        indices, body = pattern.opened()
        return match(body, term.body.xreplace(dict(zip(term.indices, indices, strict=True))), holes, bound)
    if not pattern.args or isinstance(pattern, Index):
        return bound if pattern == term else None
    unordered = isinstance(pattern, (Add, Mul)) and len(pattern.args) <= 4
    for order in permutations(term.args) if unordered else [term.args]:
        found = _match_all(pattern.args, order, holes, bound)
        if found is not None:
            return found
    return None


def _match_all(patterns: tuple[Any, ...], args: tuple[Any, ...], holes: tuple[Index, ...], bound: Binding) -> Binding | None:
    found: Binding | None = bound
    for p, t in zip(patterns, args, strict=True):
        if found is None:
            return None
        found = match(p, t, holes, found)
    return found


def replaced(term: Any, fold: Fold) -> Any:
    """The term with every occurrence of the fold's pattern rewritten (not normalised)."""
    kind = type(fold.pattern)

    def rewrite(t: Any) -> Any:
        if type(t) is not kind:
            return t
        found = match(fold.pattern, t, fold.holes, {})
        return t if found is None else fold.result.xreplace(found)

    return walk(term, rewrite)


# ---------------------------------------------------------------- folds solved from a definition


def solved_folds(name: Any, definition: Any, holes: tuple[Index, ...]) -> tuple[Fold, ...]:
    """The rewrites that bring `name = definition` back into a formula; `holes` are the indices of the name.

    The sums in the definition that do not carry all its indices (a normaliser) are held while the rest is solved for.
    Candidates, in order: the whole definition, then its least nameable part.
    """
    owner = getattr(name, "name", "")
    if not names(definition):
        return ()  # a constant: √2 is no reason to write 2 as a square
    if definition.is_Pow and definition.exp.is_Rational and not definition.exp.is_Integer:
        return (Fold(definition.base, name ** (1 / definition.exp), holes, True, owner),)
    whole = (
        () if isinstance(definition, (Element, Add)) or definition.is_number else (Fold(definition, name, holes, True, owner),)
    )
    opaque = _normalisers(definition, holes)
    held = definition.xreplace(dict(opaque))
    for part in _parts(held, holes):
        hole = Dummy("t", real=True, positive=part.is_positive)
        solution = _solve(held.xreplace({part: hole}), name, hole)
        if solution is None or _new_pole(solution):
            continue
        target, value = (part.base, solution ** (1 / part.exp)) if part.is_Pow and not part.exp.is_Integer else (part, solution)
        back = {e: s for s, e in opaque}
        result = normal(value).xreplace(back)
        return (*whole, Fold(target.xreplace(back), result, holes, owner=owner))
    return whole


def _normalisers(definition: Any, holes: tuple[Index, ...]) -> list[tuple[Any, Element]]:
    """Sums in the definition over fewer indices than it has, each with an entry to stand for it."""
    found = [s for s in _outside(definition) if type(s) is Sum and free_indices(s) < set(holes)]
    unique = list(dict.fromkeys(found))
    return [
        (s, Element(Symbol(f"_held{k}", real=True, positive=s.is_positive or None), *sorted(free_indices(s), key=signature)))
        for k, s in enumerate(unique)
    ]


def _parts(definition: Any, holes: tuple[Index, ...]) -> list[Any]:
    """The parts that a definition may be solved for: functions, roots and sums first, entries last."""

    def candidate(t: Any) -> bool:
        if isinstance(t, Bracket):
            return False
        root = t.is_Pow and t.exp.is_Rational and not t.exp.is_Integer
        entry = isinstance(t, Element) and holes and set(holes) <= free_indices(t)
        return bool(isinstance(t, (Function, Sum)) or root or entry)

    found = [t for t in dict.fromkeys(_outside(definition)) if t != definition and candidate(t) and set(holes) <= free_indices(t)]
    return sorted(found, key=lambda t: (isinstance(t, Element), -cost(t), signature(t)))


def _outside(term: Any) -> list[Any]:
    """The subterms that no binder encloses."""
    below = [] if isinstance(term, (Binder, Element, Index)) else [s for a in term.args for s in _outside(a)]
    return [term, *below]


def _solve(value: Any, name: Any, hole: Any) -> Any:
    """t from name = value(t), where value or 1/value is linear in t."""
    for v, n in ((value, name), (1 / value, 1 / name)):
        v = expand(v)
        slope, rest = v.coeff(hole, 1), v.coeff(hole, 0)
        if slope != 0 and expand(v - slope * hole - rest) == 0 and not slope.has(hole) and not rest.has(hole):
            return (n - rest) / slope
    return None


def _new_pole(solution: Any) -> bool:
    """Whether a solution divides by something that is not known to be positive."""
    return any(f.is_Pow and f.exp.is_negative and not f.base.is_positive for f in _outside(solution))


def facts_of(name: Any, definition: Any, holes: tuple[Index, ...], folds: tuple[Fold, ...] = ()) -> tuple[Fold, ...]:
    """The sums of a definition over one of its axes that come out as a constant: Σ_i p_i = 1."""
    found = []
    for index in holes:
        value = shortest(folded(normal(total(definition, index)), folds)[0])
        if not any(isinstance(t, (Element, Binder)) for t in _outside(value)):
            found.append(Fold(total(name, index), value, tuple(j for j in holes if j != index), owner=name.name))
    return tuple(found)


# ---------------------------------------------------------------- using them


def folded(term: Any, folds: tuple[Fold, ...]) -> tuple[Any, tuple[Fold, ...]]:
    """A normal form with definitions folded back, and the folds used: those that made it shorter."""
    used = []
    for fold in folds:
        if not names(fold.pattern) <= names(term):
            continue
        new = _cleared(term, fold)
        if new != term and cost(shortest(new)) < cost(shortest(term)):
            term = new
            used.append(fold)
    return term, tuple(used)


def _cleared(term: Any, fold: Fold) -> Any:
    """One fold, then the normal form.  What the result holds that also contains the pattern (a normaliser) is left alone."""
    held = {
        s: Element(Symbol(f"_kept{k}", real=True, positive=True), *sorted(free_indices(s), key=signature))
        for k, s in enumerate(dict.fromkeys(s for s in _outside(fold.result) if type(s) is Sum))
    }
    keep = [Fold(s, e, fold.holes) for s, e in held.items()]
    for k in keep:
        term = replaced(term, k)
    pattern = Fold(fold.pattern, fold.result.xreplace(held), fold.holes)
    term = normal(replaced(term, pattern))
    for s, e in held.items():
        term = replaced(term, Fold(e, s, fold.holes))
    return normal(term)
