"""Whether a reason is true of the two lines between which it stands.

Each predicate is written from what its reason says to a reader, and looks at nothing but the two lines and the equations that
the reason shows: not at the code that rewrites, nor at the code that chooses the reason.  That the lines are equal is proved
elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from sympy import Abs, Add, Dummy, Function, Mul, expand, log, preorder_traversal

from derive.calculus.functions import Named
from derive.calculus.terms import (
    Adjoint,
    ArgMax,
    Binder,
    Bracket,
    Delta,
    Deriv,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inverse,
    Label,
    Largest,
    Maximum,
    Product,
    Sum,
    Where,
    close,
    free_indices,
    opened,
    walk,
)
from derive.derivation.derivation import Derivation, Step
from derive.derivation.written import written
from derive.graphs.graph import Graph
from derive.notation.context import Context, context_of
from derive.notation.definitions import definition
from derive.notation.layout import Layout, latex, text
from derive.notation.terms import layout
from derive.teaching.blocks.gradient import shown
from derive.teaching.request import Detail


@dataclass(frozen=True)
class Between:
    """Two lines that follow each other, and the equations that the reason for the second names."""

    graph: Graph
    before: Any
    after: Any
    uses: tuple[tuple[Any, Any], ...] = ()


Predicate = Callable[[Between], str]
"""What is false of a reason between two lines, or "" where it is true."""


# ---------------------------------------------------------------- what a line holds


def nodes(term: Any, kind: Any) -> list[Any]:
    """All subterms of a kind, each as often as it stands there."""
    return [t for t in preorder_traversal(term) if isinstance(t, kind)]


def shape(term: Any) -> str:
    """A text that two terms share if they differ at most in the names of bound indices."""
    if isinstance(term, Index):
        return "@" if isinstance(term.label, Dummy) or term.name.startswith("@") else f"index {term.name}"
    if not term.args:
        return str(term)
    parts = [shape(a) for a in term.args]
    return f"{type(term).__name__}({','.join(sorted(parts) if isinstance(term, (Add, Mul)) else parts)})"


def blind(term: Any) -> str:
    """The same, whatever its indices are."""
    if isinstance(term, Element):
        return term.name
    parts = [blind(a) for a in term.args]
    return f"{type(term).__name__}({','.join(sorted(parts) if isinstance(term, (Add, Mul)) else parts)})" if parts else str(term)


def moves(term: Any, name: str) -> bool:
    """Whether a tensor is read for the value of a term, not only to pick an entry."""
    if isinstance(term, Element):
        return term.name == name
    if isinstance(term, (Index, Label, ArgMax, Adjoint, Bracket)):
        return False
    return any(moves(a, name) for a in term.args)


def derivatives(line: Any) -> list[Deriv]:
    """The derivatives in a line that stand in no other."""
    if isinstance(line, Deriv):
        return [line]
    parts = [opened(line)[1]] if isinstance(line, Binder) else line.args
    return [d for a in parts for d in derivatives(a)]


def gone_and_come(between: Between) -> tuple[list[Deriv], list[Deriv]]:
    """The derivatives that stand only in the line before, and only in the line after."""
    old, new = ({shape(d): d for d in derivatives(line)} for line in (between.before, between.after))
    return [d for s, d in old.items() if s not in new], [d for s, d in new.items() if s not in old]


def adjoints(line: Any) -> set[str]:
    """The total derivatives in a line."""
    return {shape(a) for a in nodes(line, Adjoint)}


def brackets(term: Any) -> int:
    """The sums in brackets: those that stand in a product or under a Σ; a whole power of one counts as often as it says."""
    here = 0
    if term.is_Mul or type(term) is Sum:
        inside = [f for a in (term.args if term.is_Mul else (term.body,)) for f in [a]]
        here = sum(1 for f in inside if f.is_Add)
    if term.is_Pow and term.base.is_Add and term.exp.is_Integer:
        here = abs(int(term.exp))
    return here + sum(brackets(a) for a in term.args)


def bound(term: Any) -> int:
    """How many indices are summed over."""
    return sum(len(t.indices) for t in nodes(term, Sum))


def symbols(term: Any) -> int:
    """How many signs a reader has to read: names, numbers, operations."""
    return sum(1 for _ in preorder_traversal(term))


# ---------------------------------------------------------------- the rules of differentiation


def _differentiates(name: str, fits: Callable[[Any, str], bool], left: Callable[[Any, Deriv], bool]) -> Predicate:
    """A predicate for a rule: the derivatives that are gone are of what `fits`, and those that have come are `left` by one."""

    def predicate(between: Between) -> str:
        gone, come = gone_and_come(between)
        if not gone:
            return f"{name}: no derivative was carried out"
        wrong = [d for d in gone if not fits(d.body, d.by.name)]
        if wrong:
            return f"{name}: it does not apply to {wrong[0]}"
        if adjoints(between.before) != adjoints(between.after) and not _term_gone(between):
            return f"{name}: total derivatives are others"
        stray = [d for d in come if not any(left(g.body, d) for g in gone)]
        return f"{name}: it does not leave {stray[0]}" if stray else ""

    return predicate


def exponent_of(body: Any, d: Deriv) -> bool:
    """The chain rule, and for a power with a variable exponent that of e^(exponent log base)."""
    return an_argument(body, d) or (body.is_Pow and shape(d.body) == shape(body.exp * log(body.base)))


def _term_gone(between: Between) -> bool:
    """Whether a whole term, or the whole line, came out as 0."""
    return between.after == 0 or len(Add.make_args(between.after)) < len(Add.make_args(between.before))


def _inside(body: Any, d: Deriv) -> bool:
    """Whether what is left to differentiate is a part of what was to be differentiated before, or a product of its parts."""
    known = {shape(t) for t in preorder_traversal(body)}
    return shape(d.body) in known or all(shape(f) in known for f in Mul.make_args(d.body))


def some_factors(body: Any, d: Deriv) -> bool:
    """Whether what is left is a product of factors of what was there, up to a sign."""
    signed = [[Counter(map(shape, Mul.make_args(sign * t))) for sign in (1, -1)] for t in (d.body, body)]
    return any(left <= whole for left in signed[0] for whole in signed[1])


def one_term(body: Any, d: Deriv) -> bool:
    return shape(d.body) in set(map(shape, Add.make_args(body)))


def the_summand(body: Any, d: Deriv) -> bool:
    return type(body) is Sum and (
        d.body == 1 or Counter(map(shape, Mul.make_args(d.body))) <= Counter(map(shape, Mul.make_args(body.body)))
    )


def of_the_same(body: Any, d: Deriv) -> bool:
    """Whether what is left speaks of tensors that were there."""
    return {e.name for e in nodes(d.body, Element)} <= {e.name for e in nodes(body, Element)}


def an_argument(body: Any, d: Deriv) -> bool:
    return shape(d.body) in set(map(shape, body.args))


def is_constant(body: Any, x: str) -> bool:
    return not moves(body, x)


def is_factor(body: Any, x: str) -> bool:
    return bool(body.is_Mul) and any(not moves(f, x) for f in body.args)


def is_terms(body: Any, x: str) -> bool:
    return bool(body.is_Add)


def is_sum(body: Any, x: str) -> bool:
    return type(body) is Sum


def is_linear(body: Any, x: str) -> bool:
    return is_constant(body, x) or is_factor(body, x) or is_terms(body, x) or is_sum(body, x) or isinstance(body, Where)


def _denominators(body: Any, x: str) -> list[Any]:
    return [f for f in Mul.make_args(body) if f.is_Pow and f.exp.as_coeff_Mul()[0].is_negative and moves(f, x)]


def is_quotient(body: Any, x: str) -> bool:
    below = _denominators(body, x)
    return bool(below) and any(moves(f, x) for f in Mul.make_args(body) if f not in below)


def _quotient_left(body: Any, d: Deriv) -> bool:
    below = [f for f in Mul.make_args(body) if f.is_Pow and f.exp.as_coeff_Mul()[0].is_negative]
    top, bottom = Mul(*[f for f in Mul.make_args(body) if f not in below]), Mul(*[1 / f for f in below])
    return shape(d.body) in {shape(t * c) for t in (top, bottom) for c in (1, -1)} or _inside(body, d)


def is_product(body: Any, x: str) -> bool:
    return bool(body.is_Mul) and sum(moves(f, x) for f in body.args) > 1


def is_power(body: Any, x: str) -> bool:
    return bool(body.is_Pow) and moves(body.base, x) and not moves(body.exp, x)


def is_chain(body: Any, x: str) -> bool:
    return (body.is_Pow and moves(body.exp, x)) or (
        isinstance(body, Function) and not isinstance(body, (Maximum, Where, Bracket))
    )


def is_either_chain(body: Any, x: str) -> bool:
    return is_power(body, x) or is_chain(body, x)


def _chain_rule(between: Between) -> str:
    if isinstance(between.before, Adjoint):
        return _one_path(between) if nodes(between.after, Adjoint) else "chain rule: there is no path through another tensor"
    gone, _ = gone_and_come(between)
    if not any(is_chain(d.body, d.by.name) for d in gone):
        return "chain rule: there is no function of a function"
    return _differentiates("chain", is_either_chain, exponent_of)(between)


def _nothing(body: Any, d: Deriv) -> bool:
    return False


def is_itself(body: Any, x: str) -> bool:
    return isinstance(body, Element) and body.name == x


def is_max(body: Any, x: str) -> bool:
    return isinstance(body, Maximum)


def is_min(body: Any, x: str) -> bool:
    return isinstance(-body, Maximum)


def is_largest(body: Any, x: str) -> bool:
    return isinstance(body, Largest)


def is_smallest(body: Any, x: str) -> bool:
    return isinstance(-body, Largest)


def _at_its_place(body: Any, d: Deriv) -> bool:
    """Whether what is left is the entry at which the largest, or the least, is reached."""
    return bool(nodes(d.body, ArgMax))


def _argument(body: Any, d: Deriv) -> bool:
    largest, sign = (body, 1) if isinstance(body, Maximum) else (-body, -1)
    return shape(d.body) in {shape(sign * a) for a in largest.args}


def _variable_itself(between: Between) -> str:
    gone, _ = gone_and_come(between)
    wrong = [d for d in gone if d.body != d.by]
    return f"itself: {wrong[0]} is of another" if wrong else _differentiates("itself", is_itself, _nothing)(between)


def _entries_independent(between: Between) -> str:
    gone, come = gone_and_come(between)
    if not gone or come or adjoints(between.before) != adjoints(between.after):
        return "entries: derivatives are left, or none is gone"
    wrong = [d for d in gone if not is_itself(d.body, d.by.name) or not d.by.indices]
    return f"entries: {wrong[0]} is of another tensor" if wrong else ""


def _base_always_0(between: Between) -> str:
    return _always_0(between, _differentiates("chain", is_either_chain, exponent_of))


def _always_0(between: Between, after: Predicate | None = None) -> str:
    """A root whose bracket comes in, and which is 0 where that is 0: with one index for the other nothing is left of it."""
    powers = [d.body for d in gone_and_come(between)[0] if d.body.is_Pow]
    roots = [p for p in powers if not p.exp.is_number or (not p.exp.is_Integer and p.exp < 1)]
    new = Counter(map(blind, nodes(between.after, Differ))) - Counter(map(blind, nodes(between.before, Differ)))
    still = [root for root in roots if not _may_vanish(root.base)]
    if not roots or not (new or nodes(between.before, Differ)) or still:
        return f"always 0: {still or 'no root'} is not"
    return (after or _differentiates("power", is_power, an_argument))(between)


def _places(term: Any) -> set[Any]:
    return free_indices(term) | term.atoms(Label)


def _may_vanish(term: Any, left: int = 2) -> bool:
    """Whether a term is 0 with so many of its indices, at most, put in for others."""
    pairs = permutations(_places(term), 2) if left else ()
    return _gone(term) or any(_may_vanish(term.xreplace({one: other}), left - 1) for one, other in pairs)


def _gone(term: Any) -> bool:
    """Whether a term is 0, as far as multiplying out shows it."""
    if isinstance(term, (Sum, Abs)) or term.is_Pow:
        return _gone(term.args[0])
    return bool(term == 0 or expand(term) == 0 or (term.is_Mul and any(map(_gone, term.args))))


def is_log_absolute(body: Any, x: str) -> bool:
    return isinstance(body, log) and isinstance(body.args[0], Abs)


def is_inverse(body: Any, x: str) -> bool:
    return isinstance(body, EntryOf) and isinstance(body.matrix, Inverse)


def an_entry(matrix: Any, d: Deriv) -> bool:
    """Whether what is left is an entry of the matrix, at any indices."""
    _, entry = matrix.opened()
    return shape(d.body) == shape(entry)


def _with_its_inverse(between: Between) -> str:
    """Entries of an inverse have become those of the identity."""
    (before, after), (deltas, more) = (
        [len(nodes(line, kind)) for line in (between.before, between.after)] for kind in (EntryOf, Delta)
    )
    return "" if after < before and more >= deltas else "identity: no entry of an inverse is gone"


RULES: dict[str, Predicate] = {
    "a constant has derivative 0": _differentiates("constant", is_constant, _nothing),
    "a constant factor comes out": _differentiates("factor", is_factor, some_factors),
    "the derivative of a sum, term by term": _differentiates("terms", is_terms, one_term),
    "the derivative goes inside the sum": _differentiates("inside", is_sum, the_summand),
    "linearity of the derivative": _differentiates("linear", is_linear, _inside),
    "each case by itself": _differentiates("cases", lambda b, x: isinstance(b, Where), an_argument),
    "quotient rule": _differentiates("quotient", is_quotient, _quotient_left),
    "product rule": _differentiates("product", is_product, some_factors),
    "product rule over an axis": _differentiates("axis", lambda b, x: isinstance(b, Product), of_the_same),
    "the largest entry passes its slope on": _differentiates("largest", is_largest, _at_its_place),
    "the smallest entry passes its slope on": _differentiates("smallest", is_smallest, _at_its_place),
    "max passes the slope of the larger argument": _differentiates("max", is_max, _argument),
    "min passes the slope of the smaller argument": _differentiates("min", is_min, _argument),
    "power rule, then the chain rule": _differentiates("power", is_power, an_argument),
    "power rule; where a root is always 0, it has slope 0": _always_0,
    "chain rule; where the base is always 0, the power has slope 0": _base_always_0,
    "log |u| has slope 1/u": _differentiates("log |u|", is_log_absolute, lambda b, d: shape(d.body) == shape(b.args[0].args[0])),
    "the derivative of a determinant": _differentiates("det", lambda b, x: isinstance(b, Determinant), an_entry),
    "the derivative of an inverse": _differentiates("inverse", is_inverse, lambda b, d: an_entry(b.matrix, d)),
    "a variable by itself has derivative 1": _variable_itself,
    "the entries are independent": _entries_independent,
}


# ---------------------------------------------------------------- the chain rule over a graph


def _one_path(between: Between) -> str:
    through = _paths_through(between)
    return through if isinstance(through, str) else "" if len(through) == 1 else f"one path: there are {sorted(through)}"


def _every_path(between: Between) -> str:
    if isinstance(between.before, Adjoint) and not derivatives(between.after):  # a path through what each example gives
        ends = [a.pair for a in nodes(between.after, Adjoint)]
        of, by = between.before.pair
        led = len(ends) == 2 and {of, by} < {n for pair in ends for n in pair} and nodes(between.after, Sum)
        return "" if led else "every path: there is none"
    through = _paths_through(between)
    return through if isinstance(through, str) else "" if len(through) > 1 else "every path: there is one"


def _paths_through(between: Between) -> set[str] | str:
    """The tensors that the paths of a chain rule lead through, each once; else what is wrong."""
    if not isinstance(between.before, Adjoint):
        return "paths: the line before is no total derivative"
    of, by = between.before.pair
    through = [d.body.name for d in nodes(between.after, Deriv) if isinstance(d.body, Element)]
    direct = [d for d in nodes(between.after, Deriv) if not isinstance(d.body, Element)]
    users = {n.name for n in between.graph.nodes if by in between.graph.parents(n.name) and n.name in between.graph.ancestors(of)}
    bad = [a for a in nodes(between.after, Adjoint) if a.output.name != of and a.by.name != by]
    if bad:
        return f"paths: {bad[0]} is of another output"
    named = set(through) | ({of} if direct else set())
    return named if len(named) == len(through) + len(direct) and named <= users else f"paths: through {through}, not {users}"


def _apart(between: Between) -> str:
    """There are more sums with Σ, no deeper, and fewer terms under them."""
    old, new = (nodes(line, Sum) for line in (between.before, between.after))
    most = [max((len(Add.make_args(t.body)) for t in sums), default=0) for sums in (old, new)]
    return "" if len(new) > len(old) and most[1] < most[0] else "apart: no more sums, or as many terms under one"


def _under_sums(between: Between) -> str:
    """What the equation of a derivative gives stands in its place where it is a factor under a Σ, and nowhere else."""
    if len(between.uses) != 1 or not isinstance(between.uses[0][0], Adjoint):
        return "under the sum: not one equation of a derivative"
    ((left, right),) = between.uses

    def put(t: Any) -> Any:
        inside = type(t) is Sum and any(isinstance(f, Adjoint) and f.pair == left.pair for f in Mul.make_args(opened(t)[1]))
        return _put(t, left, right) if inside else t

    if walk(between.before, put) == between.before:
        return "under the sum: the derivative does not stand there"
    return "" if same(walk(between.before, put), between.after) else "under the sum: something else stands there"


def _exchange(between: Between) -> str:
    """The same tensors under as many sums, but what stands under the innermost ones is not what stood there."""
    old, new = (list(nodes(line, Sum)) for line in (between.before, between.after))
    speak = [Counter(e.name for e in nodes(line, Element)) for line in (between.before, between.after)]
    if speak[0] != speak[1] or len(old) != len(new):
        return "exchange: other tensors, or more sums"
    inner = [{frozenset(_speaks_of(t.body)) for t in sums if not nodes(t.body, Sum)} for sums in (old, new)]
    return "" if inner[0] != inner[1] else "exchange: the same sums stand in others"


def _entry_by_entry(between: Between) -> str:
    """The paths are those before, some through the entries alone whose definition has the entry derived by, and no other."""
    old, new = (Counter((d.body.name, d.by.name) for d in _locals(line)) for line in (between.before, between.after))
    loops = [sum(len(t.indices) for t in nodes(line, Sum)) for line in (between.before, between.after)]
    if old != new or loops[1] >= loops[0]:
        return "entry by entry: other paths, or as many sums"
    before = {shape(d) for d in _locals(between.before)}
    changed = [d for d in _locals(between.after) if shape(d) not in before]
    for d in changed:
        entries = {e for e in nodes(between.graph.members[d.body.name].at(d.body.indices), Element) if e.name == d.by.name}
        if entries != {d.by}:
            return f"entry by entry: {d.body} has {entries}"
    return "" if changed else "entry by entry: every path is as it was"


def _locals(line: Any) -> list[Deriv]:
    return [d for d in nodes(line, Deriv) if isinstance(d.body, Element)]


def _definition(between: Between) -> str:
    """The derivative of a name becomes the derivative of its definition, of the same entry."""
    names = {left.name for left, _ in between.uses if isinstance(left, Element)}
    if between.before == between.after:
        return "definition: nothing was put in"
    gone, come = gone_and_come(between)
    if not isinstance(between.before, Adjoint) and adjoints(between.before) != adjoints(between.after):
        return "definition: total derivatives are others"
    if isinstance(between.before, Adjoint):
        node = between.graph.members[between.before.output.name]
        wanted = {shape(numbers_gathered(Deriv(node.expr, between.before.by)))}
        return "" if {shape(numbers_gathered(d)) for d in derivatives(between.after)} == wanted else "definition: another formula"
    opened = [d for d in gone if isinstance(d.body, Element) and d.body.name in names]
    if len(opened) != len(gone) or not gone:
        return f"definition: {gone} are not by the names {sorted(names)}"
    if {d.body.name for d in opened} != names:
        return f"definition: not of all of {sorted(names)}"
    wanted = {shape(Deriv(between.graph.members[d.body.name].at(d.body.indices), d.by)) for d in opened}
    new = {shape(d) for d in come}
    return "" if new <= wanted else "definition: another formula"


def _substitute(between: Between) -> str:
    """The adjoints that the equations name are gone, and what the equations give stands in their places."""
    if not between.uses or not all(isinstance(left, Adjoint) for left, _ in between.uses):
        return "with: no equation of a derivative"
    return _put_in(between.before, between.after, between.uses) and _put_in(between.after, between.before, between.uses)


def _put_in(line: Any, after: Any, uses: tuple[tuple[Any, Any], ...]) -> str:
    """Whether an equation is used, from its left to its right; it is read from right to left as well."""
    for left, right in uses:
        if not any(a.pair == left.pair for a in nodes(line, Adjoint)):
            return f"with: {left} does not stand in the line before"
        line = _put(line, left, right)
    same_ = same(line, after) or same(constants_out(line), after) or same(line, constants_out(after))
    return "" if same_ else "with: the line is not the one before with the equations put in"


def _put(line: Any, left: Any, right: Any) -> Any:
    """A line with one equation put in, at the indices that stand there."""
    if isinstance(line, Adjoint) and line.pair == left.pair:
        return right.subs(dict(zip(left.indices, line.indices, strict=True)), simultaneous=True) if left.indices else right
    if isinstance(line, Binder):
        indices, body = opened(line)
        return close(type(line), indices, _put(body, left, right))
    return line.func(*[_put(a, left, right) for a in line.args]) if line.args and not isinstance(line, (Index, Element)) else line


def same(one: Any, two: Any) -> bool:
    """Whether two terms are one but for the order and the numbers of their factors."""
    return one == two or numbers_gathered(one) == numbers_gathered(two)


def constants_out(line: Any) -> Any:
    """A line that is one Σ, with the constants of its terms before it."""
    if type(line) is not Sum:
        return line
    indices, body = opened(line)
    outside = [f for f in Mul.make_args(body) if not free_indices(f) & {*indices}]
    return Mul(*outside, close(Sum, indices, Mul(*[f for f in Mul.make_args(body) if f not in outside])))


def numbers_gathered(term: Any) -> Any:
    """A term with the numbers of each product in one place, and products within products undone."""
    if isinstance(term, (Index, Element, Adjoint)) or not term.args:
        return term
    if isinstance(term, Binder):
        indices, body = opened(term)
        return close(type(term), indices, numbers_gathered(body))
    if isinstance(term, Deriv):
        return Deriv(numbers_gathered(term.body), term.by)
    new = term.func(*[numbers_gathered(a) for a in term.args])
    if new.is_Mul:
        parts = [f.primitive() if f.is_Add else (1, f) for f in Mul.make_args(new)]
        number = Mul(*[n for n, _ in parts]) * Mul(*[f for _, f in parts if f.is_number])
        return Mul(number, *[f for _, f in parts if not f.is_number])
    return new


# ---------------------------------------------------------------- the algebra


def _algebra(between: Between, more_names: bool = False) -> str:
    """Algebra carries no derivative out, puts none in, and speaks of the same tensors; it uses no δ without saying so."""
    before, after = (set(map(blind, derivatives(line))) for line in (between.before, between.after))
    if before != after and between.after != 0:
        return "algebra: a derivative was carried out"
    if {blind(a) for a in nodes(between.after, Adjoint)} ^ {blind(a) for a in nodes(between.before, Adjoint)}:
        return "algebra: a total derivative has come"
    before, after = ({e.name for e in nodes(line, Element)} for line in (between.before, between.after))
    return "algebra: other tensors" if not more_names and after - before else ""


def _pick(between: Between) -> str:
    old, new = waiting(between.before), waiting(between.after)
    return _algebra(between) or ("" if new < old else f"delta: {old} deltas under their own sums before, {new} after")


def _no_pick(between: Between) -> str:
    before, after = (_functions(line) | {e.name for e in nodes(line, Element)} for line in (between.before, between.after))
    if before != after and not between.after.is_number:
        return f"algebra: of {sorted(before ^ after)} one line says nothing"
    return _algebra(between) or ("a delta has been used" if waiting(between.before) > waiting(between.after) else "")


def waiting(term: Any) -> int:
    """The deltas that stand under a Σ that they could end."""
    own = 0
    if isinstance(term, Binder):
        own = sum(bool(set(term.indices) & free_indices(d)) for d in nodes(term.body, Delta))
    return own + sum(waiting(a) for a in term.args)


def _expand(between: Between) -> str:
    old, new = brackets(between.before), brackets(between.after)
    return _no_pick(between) or ("" if new < old else f"multiply out: {old} sums in brackets before, {new} after")


def _sums_left(between: Between) -> str:
    """Whether each tensor that is summed is summed before and after."""
    before, after = (
        {n for t in nodes(line, Sum) for n in _read(t.body, set(t.indices))} for line in (between.before, between.after)
    )
    gone = before ^ after
    return f"the sum of {sorted(gone)} is gone without a word" if gone and not between.after.is_number else ""


def _read(term: Any, indices: set[Any]) -> set[str]:
    """The tensors in a term that differ from one value of some indices to another."""
    if isinstance(term, (Element, Index, Label, ArgMax, Adjoint, Bracket)):
        return {term.name} if isinstance(term, Element) and free_indices(term) & indices else set()
    return {n for a in term.args for n in _read(a, indices)}


def _simplify(between: Between) -> str:
    if wrong := _sums_left(between):
        return wrong
    old, new = symbols(between.before), symbols(between.after)
    return _no_pick(between) or ("" if new < old else f"simplify: {old} signs before, {new} after")


def _factor(between: Between) -> str:
    old, new = brackets(between.before), brackets(between.after)
    return _no_pick(between) or ("" if new > old else f"factor: {old} sums in brackets before, {new} after")


def _rearrange(between: Between) -> str:
    """Nothing that has a name of its own has been done."""
    for other in (_simplify, _factor, _expand, _pull):
        if not other(between):
            return f"rearrange: it is {other.__name__}"
    return _no_pick(between) or _sums_left(between)


def _pull(between: Between) -> str:
    if bound(between.before) != bound(between.after) or _no_pick(between):
        return "out of the sum: the sums are others"
    old, new = (sum(_idle(t) for t in nodes(line, Sum)) for line in (between.before, between.after))
    return "" if new < old else "out of the sum: nothing came out"


def _idle(term: Any) -> int:
    """The factors of a summand that no index of the Σ moves; the number before a bracket is one."""
    names, number = set(term.indices), term.body.is_Add and abs(term.body.primitive()[0]) != 1
    return bool(number) + sum(not (free_indices(f) & names) for f in Mul.make_args(term.body))


def _recognise(between: Between) -> str:
    """Each name that is said stands in the line after more often, or what it is made of less often."""
    if wrong := _algebra(between, True) or ("a delta has been used" if waiting(between.before) > waiting(between.after) else ""):
        return wrong
    if not all(isinstance(left, Element) for left, _ in between.uses):
        return "definition: of what is no tensor"
    names = [left.name for left, _ in between.uses]
    old, new = (Counter(_said(line)) for line in (between.before, between.after))
    if not names:
        functions = {type(t).__name__ for t in nodes(between.after, Named)}
        return "" if any(new[name] > old[name] for name in functions) else "definition: no function was recognised"
    for left, right in between.uses:
        if new[left.name] <= old[left.name] and not any(new[part] < old[part] for part in _said(right)):
            return f"definition of {left.name}: neither is it there more often, nor what it is made of less often"
    return ""


def _said(term: Any) -> list[str]:
    return [t.name if isinstance(t, Element) else type(t).__name__ for t in nodes(term, (Element, Function))]


def _functions(line: Any) -> set[str]:
    return {type(t).__name__ for t in nodes(line, Named)}


def _known(between: Between) -> str:
    if not between.uses or not all(isinstance(left, Sum) for left, _ in between.uses):
        return "because: no equation of a sum"
    old, new = ({e.name for e in nodes(line, Element)} for line in (between.before, between.after))
    if old - new - {e.name for left, _ in between.uses for e in nodes(left, Element)} and all(right for _, right in between.uses):
        return "because: other tensors are gone, too"
    if len(nodes(between.before, Delta)) > len(nodes(between.after, Delta)) + sum(len(nodes(a, Delta)) for a, _ in between.uses):
        return "because: deltas are gone, too"
    for left, _ in between.uses:
        inner = {e.name for e in nodes(left, Element)}
        sums = [t for t in nodes(between.before, Sum) if inner <= {e.name for e in nodes(t, Element)}]
        left_over = [t for t in nodes(between.after, Sum) if inner <= {e.name for e in nodes(t, Element)}]
        if len(left_over) >= len(sums):
            return f"because: {left} is used nowhere"
    return ""


def _with_cancelling(other: Predicate | None = None) -> Predicate:
    """A predicate for a reason that says that opposite terms cancel besides: of what is gone, several terms of one sum spoke."""

    def predicate(between: Between) -> str:
        explained = {e.name for pair in between.uses for side in pair for e in nodes(side, Element)}
        before, after = _speaks_of(between.before), _speaks_of(between.after)
        if after - before or not before - after - explained:
            return "cancel: nothing is gone, or something has come"
        inside = [[_speaks_of(t) for t in part.args] for part in nodes(between.before, Add)]
        for what in before - after - explained:
            if not any(sum(what in t for t in own) > 1 for own in inside):
                return f"cancel: {what} stood in no two terms of a sum"
        if waiting(between.before) > waiting(between.after):
            return "cancel: a delta has been used"
        return other(between) if other else ""

    return predicate


def _speaks_of(line: Any) -> set[str]:
    return {e.name for e in nodes(line, Element)} | {str(a.pair) for a in nodes(line, Adjoint)}


def _fewer_signs(between: Between) -> str:
    return "" if symbols(between.after) < symbols(between.before) else "cancel: there are no fewer signs"


def _fewer_brackets(between: Between) -> str:
    return "" if brackets(between.after) < brackets(between.before) else "multiply out: there are no fewer sums in brackets"


def _more_brackets(between: Between) -> str:
    return "" if brackets(between.after) > brackets(between.before) else "factor: there are no more sums in brackets"


def _equation_of(kind: Any) -> Predicate:
    return lambda between: "" if between.uses and all(isinstance(left, kind) for left, _ in between.uses) else "no such equation"


RULES |= {
    "opposite terms cancel": _with_cancelling(_fewer_signs),
    "multiply out; opposite terms cancel": _with_cancelling(_fewer_brackets),
    "factor; opposite terms cancel": _with_cancelling(_more_brackets),
    "recognise the definition; opposite terms cancel": _with_cancelling(_equation_of(Element)),
    "a sum that is known; opposite terms cancel": _with_cancelling(_equation_of(Sum)),
    "chain rule": _chain_rule,
    "chain rule: the sum over every path": _every_path,
    "entry by entry": _entry_by_entry,
    "each product under its own sum": _apart,
    "put in under the sum": _under_sums,
    "the sums change places": _exchange,
    "definition": _definition,
    "put in the gradient found before": _substitute,
    "each delta keeps one term of its sum": _pick,
    "multiply out": _expand,
    "simplify": _simplify,
    "rearrange": _rearrange,
    "factor": _factor,
    "what does not depend on its index comes out of the sum": _pull,
    "recognise the definition": _recognise,
    "a sum that is known": _known,
    "a matrix times its inverse is the identity": _with_its_inverse,
}


# ---------------------------------------------------------------- examples


def _own(between: Between) -> str:
    """What each example gives moves with its own entries alone: a δ of two examples has come."""
    old, new = (len(nodes(line, Delta)) for line in (between.before, between.after))
    return _substitute(between) if new > old else "own: no delta has come"


def _one(between: Between) -> str:
    left = [adjoint for one, _ in between.uses for adjoint in nodes(one, Adjoint)]
    if not left or derivatives(between.before) or not all(a.output.indices for a in left):
        return "one example: no equation of one example's output"
    before, after = ({blind(a) for a in nodes(line, Adjoint)} for line in (between.before, between.after))
    return "" if any(blind(a) in before - after for a in left) else "one example: its gradient is left"


def _rewrite(between: Between) -> str:
    return "" if between.before == between.after else "rewrite: another line"


def _no_path(between: Between) -> str:
    if not isinstance(between.before, Adjoint):
        return "no path: of what is no derivative"
    of, by = between.before.pair
    return "no path: there is one" if by in between.graph.ancestors(of) - {of} or between.after != 0 else ""


def _lemma(between: Between) -> str:
    """The derivative that a lemma is of stood in the line, and does no longer."""
    for left, right in between.uses:
        if derivatives(right) or not isinstance(left, Deriv):
            return "a lemma: it is of no derivative, or leaves one"
        if not _stands(left, between.before) or _stands(left, between.after):
            return f"a lemma: {left} did not stand in the line, or still does"
    return "" if between.uses else "a lemma: which?"


def _stands(derivative: Deriv, line: Any) -> bool:
    """Whether a derivative of these tensors stands in a line, also as that of the output by what it is computed from."""
    heads = derivative.body.name, derivative.by.name
    local = any((d.body.name, d.by.name) == heads for d in nodes(line, Deriv) if isinstance(d.body, Element))
    return local or (isinstance(line, Adjoint) and (line.output.name, line.by.name) == heads)


RULES |= {
    "a lemma": _lemma,
    "the loss of an example depends on its own entries only": _own,
    "the output for an example depends on its own entries only": _own,
    "the gradient for one example": _one,
    "rewrite": _rewrite,
    "no path leads there": _no_path,
}


# ---------------------------------------------------------------- whole derivations

LEMMA = "a lemma"
LINEAR = "linearity of the derivative"
ONE_LINEAR = {name for name in RULES if "constant" in name or "derivative of a sum" in name or "inside the sum" in name} | {
    "each case by itself"
}
ENTRIES = {"the entries are independent", "a variable by itself has derivative 1"}
AUXILIARY = {"definition", *ENTRIES, *ONE_LINEAR}


def complaints(found: Derivation, detail: Detail = "full") -> list[str]:
    """What is false of the reasons of a derivation as it is printed, and lines that are printed twice; none where all is true."""
    context = context_of(found.graph)
    before, printed, out = found.subject, (_formulas(layout(found.subject, context))), []
    full = [(found.subject, ""), *((step.line, step.rule) for step in found.steps)]
    place = 0
    for line, step in written(shown(found, detail), found.graph, context):
        between = Between(found.graph, before, step.line, step.uses)
        end = place if step.rule == "rewrite" else next(k for k in range(place + 1, len(full)) if full[k][0] is step.line)
        if step.rule == LEMMA:
            end = max(k for k, known in enumerate(found.steps, 1) if known.lemma == step.lemma)
        elif step.inner is not None:  # a line of a lemma is looked at by itself
            own = found.steps[end - 1].lemma
            last = found.steps[end - 2] if end > 1 else None
            start = last.inner if last is not None and last.lemma == own else own.derivative
            between = Between(found.graph, start, step.inner, step.uses)
        within = [rule for _, rule in full[place + 1 : end + 1]]
        if step.rule == LEMMA:
            within = [LEMMA]
        what = _of_one(between, step.rule) if len(within) < 2 else _of_several(step.rule.split("\n"), within)
        if not what and len(within) > 1 and step.rule == LINEAR and detail == "normal" and not ENTRIES & {*within}:
            what = _of_one(between, step.rule)
        now = _formulas(line)
        what = what or _letters(found.graph, step, now[0], context) or ("printed twice" if set(now) & set(printed) else "")
        out += [f"{step.rule!r}: {what}: {printed[0]}  ->  {now[0]}"] if what else []
        before, printed, place = step.line, now, end
    return out + ([f"unfinished: {printed[0]}"] if unfinished(found.result) else [])


def _formulas(formula: Layout) -> tuple[str, str]:
    return text(formula), latex(formula)


def _of_one(between: Between, rule: str) -> str:
    return RULES[rule](between) if rule in RULES else "no predicate for this reason"


def _of_several(said: list[str], within: list[str]) -> str:
    """Whether the reason for several lines at once says what was done in them, and nothing else."""
    done = set(within)
    for rule in said:
        if rule not in done and not (rule == LINEAR and done & ONE_LINEAR):
            return f"it was not done: {sorted(done)}"
    silent = done - set(said) - (ONE_LINEAR if LINEAR in said or not set(said) <= ONE_LINEAR else set()) - AUXILIARY
    if "chain rule" in said:
        silent -= {"power rule, then the chain rule"}
    return f"it says nothing of {sorted(silent)}" if silent else ""


def _letters(graph: Graph, step: Step, printed: str, context: Context) -> str:
    """Whether a definition stands in a line letter by letter as it is shown; what it binds may have other letters."""
    names = [left.name for left, _ in step.uses if isinstance(left, Element)] if step.rule == "definition" else []
    for name in names:
        if any(not isinstance(i, Index) for e in nodes(step.named, Element) if e.name == name for i in e.indices):
            continue  # such as the row that a label names
        shown_ = text(definition(graph.members[name], context))
        formula = shown_.split(",   ")[-1].split(" = ", 1)[1]
        if _masked(formula) not in _masked(printed):
            return f"it is not the definition {formula}"
    return ""


INDICES = re.compile(r"[a-z]|[{}, _]")


def _masked(formula: str) -> str:
    """A formula without what may be called otherwise: its indices, and with them all small letters."""
    return INDICES.sub("", formula)


def unfinished(term: Any) -> bool:
    """Whether a δ stands under a Σ over one of its own two indices, which it would end."""
    return any({*s.indices} & {*d.args} for s in nodes(term, Sum) if type(s) is Sum for d in _multiplying(s.body))


def _multiplying(term: Any) -> list[Any]:
    """The deltas that multiply a term, or terms of a sum that does."""
    if isinstance(term, Delta):
        return [term]
    return [d for a in term.args for d in _multiplying(a)] if term.is_Mul or term.is_Add else []
