"""What a program gives where its formulas have no value: 0 log 0, the slope of a length at 0, sums of exponentials of ±∞.

The conventions are PyTorch's (xlogy, norm, logsumexp), and hold wherever such terms stand, whatever they are called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Mul, S, log, sqrt

from derive.calculus.matching import match
from derive.calculus.terms import Bracket, Element, Largest, Sum, factors, free_indices, terms
from derive.kernels.program.functions import exp_nonpositive, inverse, reaching, together, weighted
from derive.kernels.program.program import Program, mapped

# ---------------------------------------------------------------- 0 log 0


@dataclass(frozen=True)
class _Zeros:
    """Where zeros come from: inputs that are declared `positive` have none, and no sum of all of some `exponentials` is one.

    `logged` are the terms whose logarithms have a weight in the definition.
    """

    positive: frozenset[str]
    exponentials: frozenset[str]
    logged: frozenset[Any] = frozenset()

    def may_be(self, term: Any) -> bool:
        """Whether a term may be 0: an entry, a difference, a product with such a factor; no exponential is."""
        if isinstance(term, Element):
            return term.name not in self.positive and not term.is_integer
        if type(term) is Sum:
            return term.body.has(Bracket) or not any(e.name in self.exponentials for e in term.body.atoms(Element))
        if term.is_Add:
            return any(a.could_extract_minus_sign() for a in term.args) or not any(a.is_Rational for a in term.args)
        if term.is_Mul or term.is_Pow:
            parts = [f.as_base_exp() for f in factors(term)]
            return any(power.is_negative is not True and self.may_be(base) for base, power in parts)
        return False

    def logarithms(self, factor: Any) -> list[Any]:
        """Each v that may be 0 of which a factor, or a summand of it, has the logarithm."""
        found = [f.args[0] for t in terms(factor) for f in factors(t) if isinstance(f, log)]
        return [v for v in found if self.may_be(v)]

    def is_slope(self, factor: Any) -> bool:
        """Whether a factor is 1/v for a v whose logarithm has a weight."""
        if not factor.is_Pow or factor.exp != -1:
            return False
        return any(match(v, factor.base, tuple(free_indices(v)), {}) is not None for v in self.logged)

    def is_power(self, factor: Any) -> bool:
        """Whether a factor is a power between -1 and 0, or unknown, of the rest of a sum: (1 - q)^(γ - 1), beside log q."""
        if not factor.is_Pow or not (factor.exp.is_positive is None if not factor.exp.is_number else -1 < factor.exp < 0):
            return False
        return any(type(f) is Sum and f.body.has(Bracket) and self.may_be(f) for f in factors(factor.base))


def _zeros(program: Program) -> _Zeros:
    positive = frozenset(i.name for i in program.inputs if i.kind == "positive")
    exponentials = frozenset(a.name for a in program.assigns if isinstance(a.term, exp_nonpositive))
    zeros = _Zeros(positive, exponentials)
    products = [t for node in program.graph.nodes for t in node.expr.atoms(Mul)]
    logged = frozenset(v for t in products for f in factors(t) for v in zeros.logarithms(f))
    return _Zeros(positive, exponentials, logged)


def weights(program: Program) -> Program:
    """What a logarithm, or the quotient that is its slope, is multiplied by as its weight: where that is 0, so is the product.

    So is k in k x^(k - 1), the slope of x^k.
    """
    zeros = _zeros(program)

    def rewrite(term: Any) -> Any:
        if not term.is_Mul:
            return term
        if (counted := _counted(term)) is not None:
            return counted
        heavy = [f for f in factors(term) if zeros.logarithms(f) or zeros.is_slope(f) or zeros.is_power(f)]
        seen = frozenset[Any]().union(*map(free_indices, heavy))
        weight = [f for f in factors(term) if f not in heavy and zeros.may_be(f) and free_indices(f) <= seen]
        if not heavy or not weight:
            return term
        rest = [f for f in factors(term) if f not in heavy and f not in weight]
        return Mul(weighted(Mul(*weight), Mul(*heavy)), *rest)

    return mapped(program, rewrite)


def _counted(term: Any) -> Any:
    """k x^(k - 1) · … with k, that may be 0, as the weight; None where there is none."""
    for power in (f for f in factors(term) if f.is_Pow and not f.exp.is_number):
        for k in (f for f in factors(term) if f == power.exp + 1 and f.is_positive is not True):
            return Mul(weighted(k, power), *[f for f in factors(term) if f not in (k, power)])
    return None


# ---------------------------------------------------------------- lengths


def lengths(program: Program) -> Program:
    """What is divided by the root of a sum of squares: 0 where that is 0, for then every one of them is."""

    def rewrite(term: Any) -> Any:
        if not term.is_Pow or not (term.exp.is_Rational and term.exp < 0):
            return term
        root = _length(term, program)
        return term if root is None else inverse(root) ** (-term.exp * (2 if root != term.base else 1))

    return mapped(program, rewrite)


def _length(power: Any, program: Program) -> Any:
    """The root of a sum of squares that this is a whole power of; None where it is none."""
    if power.exp.is_Integer:
        base = _defined(power.base, program)
        return power.base if base.is_Pow and base.exp == S.Half and _squares(base.base, program) else None
    return sqrt(power.base) if (2 * power.exp).is_Integer and _squares(power.base, program) else None


def _defined(term: Any, program: Program) -> Any:
    return program.assigned[term.name].at(term) if isinstance(term, Element) and term.name in program.assigned else term


def _squares(term: Any, program: Program) -> bool:
    """Whether a term is a sum of squares, or a mean of them."""
    term = _defined(term, program)
    if type(term) is Sum:
        return _squares(term.body, program)
    if term.is_Add:
        return all(_squares(a, program) for a in term.args)
    if term.is_Mul:
        parts = [f for f in factors(term) if f.has(Element) and not isinstance(f, Bracket)]
        return len(parts) == 1 and _squares(parts[0], program) and all(f.is_nonnegative for f in factors(term) if f not in parts)
    return bool(term.is_Pow) and term.exp.is_Integer and term.exp > 0 and term.exp % 2 == 0


# ---------------------------------------------------------------- infinities


def infinities(program: Program) -> Program:
    """The logarithm of a sum of exponentials, ±∞ where the largest exponent is: log 0 + log 0 is log 0.

    What it is compared with is taken from that exponent first.
    """
    largest = {a.name for a in program.assigns if isinstance(a.term, Largest)}
    small = {a.name for a in program.assigns if isinstance(a.term, exp_nonpositive)}

    def rewrite(term: Any) -> Any:
        for m in term.args if term.is_Add else ():
            number, entry = m.as_coeff_Mul()
            if not isinstance(entry, Element) or entry.name not in largest:
                continue
            rest = (term - m) / number
            if isinstance(rest, log) and any(e.name in small for e in rest.atoms(Element)):
                return number * reaching(entry, entry + rest)
            beside = next((a for a in term.args if isinstance(-a / number, Element)), None)
            if beside is not None and len(term.args) > 2:
                return term - m - beside + number * together(entry + beside / number)
        return term

    return mapped(program, rewrite)
