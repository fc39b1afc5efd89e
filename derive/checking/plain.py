"""Terms in few functions: definitions, gradients and functions written out, |·| and max as conditions, logarithms taken apart.

What is written for a term is equal to it wherever the term has a value; but where a condition is a tie, which `Tie` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import permutations
from typing import Any

from sympy import Abs, Add, Function, Integer, Mul, Pow, Rational, S, Symbol, exp, expand, factorint, log, sign, tanh

from derive.calculus.functions import Named
from derive.calculus.normal import normal
from derive.calculus.terms import (
    CACHE,
    Adjoint,
    AtMost,
    Below,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Label,
    Largest,
    Maximum,
    Positive,
    Sum,
    Where,
    close,
    depends,
    factors,
    opened,
    signature,
    terms,
)
from derive.checking.parts import over_whole_axes
from derive.checking.polynomials import Effort, TooMuchError, quotient
from derive.derivation.derivation import put_in
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node, remembered


class Raised(Function):
    """e to some power, which SymPy does not put together with others."""

    is_commutative = True
    is_real = True
    is_positive = True


class Tie(Bracket):
    """[a = 0] for a number a: where what a condition says of its two sides is a convention."""


# ---------------------------------------------------------------- definitions put in


def with_gradients(term: Any, whole: Graph, base: Graph) -> Iterator[Any]:
    """A term with one derivative after the other put in as it was derived, by those of what lies between, until none is named.
    They are taken over the base graph as far as that has them.

    Raises TooMuchError where one cannot be derived.
    """
    order = {name: k for k, name in enumerate(whole.members)}
    while pairs := {a.pair for a in term.atoms(Adjoint)}:
        of, by = min(pairs, key=lambda pair: (order[pair[1]], pair))
        graph = base if of in base.members and by in base.members else whole
        found = remembered(graph, ("one gradient", of, by), partial(_gradient, graph, of, by))
        if found is None or any(order[a.pair[1]] <= order[by] for a in found[1].atoms(Adjoint)):
            raise TooMuchError
        term = put_in(term, [found])
        yield term


def _gradient(graph: Graph, of: str, by: str) -> tuple[Any, Any] | None:
    """A derivative and what it is by those of what lies between; None where there is none."""
    try:
        found = derivation(graph, of, by)
    except (DeriveError, KeyError):
        return None
    return found.subject, found.result


def unfolded(term: Any, graph: Graph, names: frozenset[str]) -> Any:
    """A term with the definitions of some nodes in the places of their entries, the last first."""
    for node in reversed(graph.nodes):
        if node.name in names and not isinstance(node.expr, (Index, Label)) and node.differentiable:
            term = _opened(term, node)
    return term


def _opened(term: Any, node: Node) -> Any:
    if isinstance(term, Element):
        return node.at(term.indices) if term.name == node.name else term
    if isinstance(term, (Adjoint, Deriv, Index, Label)) or not term.args:
        return term
    if isinstance(term, Binder):
        indices, body = opened(term)
        new = _opened(body, node)
        return term if new is body else close(type(term), indices, new)
    args = [_opened(a, node) for a in term.args]
    return term if all(a is b for a, b in zip(args, term.args, strict=True)) else term.func(*args)


# ---------------------------------------------------------------- few functions


class Plain:
    """Writes terms in few functions; `facts` are the sums that are known: Σ p = 1."""

    def __init__(self, graph: Graph, effort: Effort, denominator: int) -> None:
        self.effort, self.denominator = effort, denominator
        self.nonzero: set[Any] = set()
        """What is not 0 wherever the term has a value, since it stands in a denominator or in a logarithm."""
        self.guarded = False
        self.weak = {
            graph.members[name].head: Symbol(name, real=True, nonnegative=True) for name in known_inputs(graph, "probability")
        }
        self.strong = {weak: head for head, weak in self.weak.items()}
        self.summing = {i.name for i in graph.inputs if i.kind in ("onehot", "probability")}
        self.memo: dict[Any, Any] = {}

    def of(self, term: Any) -> Any:
        """The term in few functions."""
        if isinstance(term, (Element, Index, Label, Adjoint)) or not term.args:
            return term
        if term not in self.memo:
            self.effort.spend(1)
            self.memo[term] = self._of(term)
        return self.memo[term]

    @property
    def settled(self) -> dict[Any, Any]:
        """What is known of ties: none is met where the term has a value."""
        return {Tie(gap): S.Zero for gap in self.nonzero}

    def _of(self, term: Any) -> Any:
        outer, self.guarded = self.guarded, self.guarded or isinstance(term, (Where, Binder)) or _has_condition(term)
        try:
            return self._written(term)
        finally:
            self.guarded = outer

    def _written(self, term: Any) -> Any:
        if isinstance(term, Named):
            return self.of(term.unfolded)
        if isinstance(term, Binder):
            return self._binder(term)
        if isinstance(term, Where):
            return self._where(*term.args)
        if isinstance(term, Differ):
            return 1 - _same(*term.args)
        if isinstance(term, Delta):
            return _same(*term.args)
        if isinstance(term, AtMost):
            return self.of(1 - Below(term.args[1], term.args[0]))
        if isinstance(term, Below):
            return _below(*term.args)
        if isinstance(term, Positive):
            return self._positive(self.of(term.args[0]), True)
        if isinstance(term, Bracket):
            return term
        args = [self.of(a) for a in term.args]
        if isinstance(term, log) or (term.is_Pow and term.exp.is_negative):
            self._is_nonzero(term.args[0])
        if isinstance(term, Maximum):
            gap = args[1] - args[0]
            return args[0] + gap * self._positive(gap, False)
        if isinstance(term, Abs):
            return args[0] * (2 * self._positive(args[0], False) - 1)
        if isinstance(term, sign):
            return self._positive(args[0], True) - self._positive(-args[0], True)
        if isinstance(term, exp):
            return self._exponential(args[0])
        if isinstance(term, tanh):
            power = self._exponential(2 * args[0])
            return (power - 1) / (power + 1)
        if isinstance(term, log):
            inside = term.args[0]
            return self._logarithm(self.of(inside.args[0]) ** 2) / 2 if isinstance(inside, Abs) else self._logarithm(args[0])
        if term.is_Pow:
            return self._power(*args)
        return term.func(*args)

    def _where(self, condition: Any, yes: Any, no: Any) -> Any:
        test, a, b = self.of(condition), self.of(yes), self.of(no)
        if S.NegativeInfinity in (a, b) or S.Infinity in (a, b):
            return Where(test, a, b)
        return test * a + (1 - test) * b

    def _is_nonzero(self, term: Any) -> None:
        """Take down that a term is not 0, nor any of its factors."""
        if not self.guarded:
            for factor in factors(term.args[0] if isinstance(term, Abs) else term):
                self.nonzero.add(self._sided(self.of(factor), True)[0])

    def _positive(self, gap: Any, ties: bool) -> Any:
        """[gap > 0], one way for a number and all its positive multiples; for its opposite, 1 minus that, and minus a tie."""
        if gap.is_number:
            return Integer(int(bool(gap > 0)))
        if not ties and len(parts := quotient(gap, self.effort).odd_factors) > 1:
            signs = [2 * self._positive(part, False) - 1 for part in parts]
            return (1 + Mul(*signs)) / 2
        rest, flipped = self._sided(gap, ties)
        if flipped:
            return 1 - _positive_atom(rest) - (Tie(rest) if ties else 0)
        return _positive_atom(rest)

    def _sided(self, gap: Any, ties: bool) -> tuple[Any, bool]:
        """A number without its positive factors, and whether its opposite is given; with `ties`, a probability may be 0."""
        top, bottom = quotient(gap.xreplace(self.weak) if ties else gap, self.effort).parts
        if top == 0:
            return S.Zero, False
        if not bottom.is_nonnegative:
            top = top * bottom
        _, rest = expand(top).as_content_primitive()
        positive = [f for f in factors(rest) if f.is_positive]
        rest = rest / Mul(*positive) if positive else rest
        rest = _without_positive_factors(rest, self.effort).xreplace(self.strong)
        flipped = rest.could_extract_minus_sign()
        return expand(-rest if flipped else rest), flipped

    def _exponential(self, exponent: Any) -> Any:
        """e to a sum as a product of powers, of each term with a positive whole part of its number."""
        found = S.One
        for term in terms(expand(normal(exponent))):
            number, rest = term.as_coeff_Mul()
            if isinstance(rest, log):
                found *= Pow(rest.args[0], number)
            elif not number.is_Rational or (number * self.denominator).q != 1:
                found *= Raised(term)
            elif rest is S.One:
                found *= Raised(Rational(1, self.denominator)) ** int(number * self.denominator)
            else:
                found *= Raised(rest / self.denominator) ** int(number * self.denominator)
        return found

    def _logarithm(self, argument: Any) -> Any:
        """log of a quotient of products as a sum, of those factors that are positive."""
        if argument.is_number and not argument.is_Rational:
            return log(argument)
        found = quotient(argument, self.effort)
        top, bottom = found.parts
        if bottom != 1 and not bottom.is_positive:
            return log(argument)
        whole: Any = S.Zero
        kept: Any = S.One
        for part, times in ((top, 1), (bottom, -1)):
            content, rest = part.as_content_primitive()
            if content.is_Rational and content > 0:
                whole += times * _log_number(content)
            else:
                rest = part
            shared = _shared_factors(rest)
            for factor, power in shared:
                rest = expand(rest / factor**power)
                whole += times * power * self._log_factor(factor)
            if rest != 1:
                if times < 0:
                    whole -= log(rest)
                else:
                    kept = rest
        return whole if kept == 1 else whole + log(kept)

    def _log_factor(self, factor: Any) -> Any:
        return factor.args[0] if isinstance(factor, Raised) else log(factor)

    def _power(self, base: Any, exponent: Any) -> Any:
        if exponent.is_Integer or base.is_number:
            return Pow(base, exponent) if not base.is_number or exponent.is_Rational else self._exponential(exponent * log(base))
        if not exponent.is_Rational:
            return self._exponential(expand(exponent * self._logarithm(base))) if base.is_positive else Pow(base, exponent)
        found = quotient(base, self.effort)
        top, bottom = found.parts
        if not bottom.is_positive:
            return Pow(base, exponent)
        result = S.One
        for part, power in ((top, exponent), (bottom, -exponent)):
            content, rest = part.as_content_primitive()
            rest = rest if content > 0 else part
            result *= Pow(content, power) if content > 0 else 1
            for factor, count in _shared_factors(rest):
                rest = expand(rest / factor**count)
                result *= Pow(factor, count * power)
            result *= Pow(rest, power)
        return result

    # ------------------------------------------------------------ binders

    def _binder(self, term: Any) -> Any:
        indices, body = opened(term)
        if type(term) is Sum:
            body = over_whole_axes(indices, body)
        inner = self.of(body)
        if isinstance(term, Sum):
            return self._sum(indices, inner)
        if isinstance(term, Largest):
            return close(Largest, indices, normal(inner)) if not inner.has(Raised) else close(Largest, indices, self.of(body))
        return close(type(term), indices, inner)

    def _sum(self, indices: tuple[Index, ...], body: Any) -> Any:
        """Σ, with what does not depend on its indices outside; and Σ p = 1 where that was declared."""
        found: Any = S.Zero
        for part in terms(normal(body)):
            outside = [f for f in factors(part) if not any(depends(f, j) for j in indices)]
            inside = Mul(*[f for f in factors(part) if f not in outside])
            found += Mul(*outside) * self._known(normal(close(Sum, indices, inside)))
        return found

    def _known(self, whole: Any) -> Any:
        def is_fact(t: Any) -> bool:
            if not (type(t) is Sum and len(t.indices) == 1 and isinstance(t.body, Element) and t.body.name in self.summing):
                return False
            return bool(t.body.indices and t.body.indices[-1] == t.indices[0] and t.indices[0] not in t.body.indices[:-1])

        return whole.xreplace({t: S.One for t in whole.atoms(Sum) if is_fact(t)})


def _has_condition(term: Any) -> bool:
    """Whether a product has a factor that is 0 under a condition."""
    return term.is_Mul and any(isinstance(f, Bracket) for f in term.args)


def _same(one: Any, other: Any) -> Any:
    """[i = k], solved for the first of its indices: one way for i + 1 = n and i = n - 1."""
    gap = expand(one - other)
    index = next((i for i in sorted(gap.atoms(Index), key=signature) if abs(gap.coeff(i)) == 1), None)
    return Delta(one, other) if index is None else Delta(index, expand(index - gap.coeff(index) * gap))


def _below(one: Any, other: Any) -> Any:
    """[i < k], one way for i ≤ k - 1 and k > i as well."""
    gap = expand(other - one - 1)
    for i, k in permutations(sorted(gap.atoms(Index), key=signature), 2):
        if gap == k - i:
            return 1 - _below(k, i)
        if gap == k - i - 1:
            return Below(i, k) if signature(i) < signature(k) else 1 - Below(k, i) - Delta(i, k)
    return Below(one, other)


def _positive_atom(gap: Any) -> Any:
    return Positive(gap) if not gap.is_number else Integer(int(bool(gap > 0)))


def _without_positive_factors(term: Any, effort: Effort) -> Any:
    """A polynomial without the powers of positive atoms that all its terms share."""
    for factor, power in _shared_factors(term):
        if factor.is_positive:
            term = expand(term / factor**power)
    return term


def _shared_factors(term: Any) -> list[tuple[Any, Any]]:
    """The positive atoms that stand in every term of a sum, with the least power of each."""
    rows: list[Mapping[Any, Any]] = [dict(f.as_base_exp() for f in factors(t)) for t in terms(term)]
    shared = [base for base in rows[0] if all(base in row and row[base].is_Rational for row in rows)]
    return [(base, min(row[base] for row in rows)) for base in shared if base.is_positive and not base.is_number]


@lru_cache(maxsize=CACHE)
def _log_number(number: Any) -> Any:
    """log of a positive fraction, by its primes where they are found at once."""
    if number == 1:
        return S.Zero
    if max(number.p, number.q) > 10**6:
        return log(number)
    return Add(
        *[
            k * log(Integer(p))
            for part, s in ((number.p, 1), (number.q, -1))
            for p, k in ((p, s * k) for p, k in factorint(part).items())
        ]
    )


def known_inputs(graph: Graph, kind: str) -> frozenset[str]:
    """The inputs of a kind."""
    return frozenset(i.name for i in graph.inputs if isinstance(i, Input) and i.kind == kind)
