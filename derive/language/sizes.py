"""Sizes of axes: SymPy polynomials in the sizes that have a name, and in sizes not yet known.

A named size is a symbol; an unknown one (of the axis that an index will turn out to run over, or of a library
definition's axis before its arguments are seen) is a dummy, and `Sizes.unify` finds out what it is.
"""

from __future__ import annotations

from typing import Any

from sympy import Dummy, Symbol, cancel, expand, fraction

from derive.calculus.terms import never_negative, unused


def named_size(name: str) -> Symbol:
    """The size of the axis with this name: a positive integer."""
    return Symbol(name, integer=True, positive=True)


class SizeSolver:
    """What is known of unknown sizes so far."""

    def __init__(self) -> None:
        self.found: dict[Dummy, Any] = {}
        self.fitted: set[Dummy] = set()
        """Sizes of axes that are as long as the entries read so far allow: more entries may make them shorter."""

    def unknown(self, name: str) -> Dummy:
        """A size that is to be found out."""
        return unused(name, integer=True, positive=True)

    def resolved(self, term: Any) -> Any:
        """A size, or any term with sizes in it, with everything put in that was found out."""
        while True:
            known = {s: self.found[s] for s in term.atoms(Dummy) if s in self.found}
            if not known:
                return term
            term = term.xreplace(known)

    def size(self, term: Any) -> Any:
        """A size with what was found out put in, multiplied out."""
        return expand(self.resolved(term))

    def unify(self, a: Any, b: Any) -> bool | None:
        """Whether two sizes are equal, once an unknown size that makes them so is put in; None where that is open."""
        self.fitted -= a.atoms(Dummy) | b.atoms(Dummy)  # whoever asks goes by what they are now
        a, b = self.size(a), self.size(b)
        if a == b:
            return True
        rest = expand(a - b)
        unknowns = unknown_sizes(rest)
        if not unknowns:
            return False
        if isinstance(a, Dummy) and isinstance(b, Dummy):
            self.found[b] = a
            return True
        if len(unknowns) > 1:
            return None
        unknown = unknowns[0]
        slope = rest.coeff(unknown, 1)
        top, bottom = fraction(cancel((slope * unknown - rest) / slope))
        if bottom != 1 or top.is_positive is False:
            return False
        self.found[unknown] = expand(top)
        return True

    def shorten(self, unknown: Dummy, to: Any) -> bool:
        """Make a fitted axis shorter, if it is that for certain."""
        if unknown not in self.fitted or not never_negative(expand(self.size(unknown) - to)):
            return False
        self.found[unknown] = to
        return True


def unknown_sizes(term: Any) -> list[Dummy]:
    """The sizes in a term that are still open, the oldest first."""
    return sorted(term.atoms(Dummy), key=lambda s: s.dummy_index)
