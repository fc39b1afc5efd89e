"""Which steps hold by algebra alone: rows of the rule table that are lemmas, and an identity of the normal form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from derive.calculus.fold import Fold, replaced
from derive.calculus.functions import written_out
from derive.calculus.normal import normal
from derive.calculus.rules import RULES, Rule, has_deriv, rewritten
from derive.calculus.shortest import shortest
from derive.calculus.terms import CACHE, Adjoint, Binder, Deriv, Element, Sum, close, free_indices, names, signature, walk
from derive.derivation.derivation import Derivation, Step, put_in
from derive.errors import ProofError, said
from derive.graphs.graph import Graph, Input, Node, remembered
from derive.proof.lemmas import functions_in, row_holds, slopes_hold


def kinds_of(found: Derivation) -> tuple[str, ...]:
    """How each step of a derivation is shown, "symbolic" or "numeric".

    Raises ProofError where a row that it would rest on is wrong.
    """
    return tuple(_kind(found, k) for k in range(len(found.steps)))


def _kind(found: Derivation, k: int) -> str:
    """Whether step k is proved rows of the rule table, and an identity of the normal form.

    Raises ProofError where a row that it would rest on is wrong.
    """
    before = found.steps[k - 1].line if k else found.subject
    after, step = found.steps[k].line, found.steps[k]
    try:
        left, right = (_plain(found.graph, line, step) for line in (before, after))
    except RecursionError:
        return "numeric"
    if not (left.line == right.line or normal(left.line - right.line) == 0):
        return "numeric"
    shown = [_row_shown(rule) for rule in left.rows | right.rows]
    shown += [_slopes_shown(function) for function in left.functions | right.functions]
    return "symbolic" if all(shown) else "numeric"


def _row_shown(rule: Rule) -> bool:
    holds = row_holds(rule)
    if holds is False:
        raise ProofError(said("The rule “{rule}” is wrong: there is a term for which it does not hold.", rule=rule.name))
    return bool(holds)


def _slopes_shown(function: Any) -> bool:
    holds = slopes_hold(function)
    if holds is False:
        raise ProofError(said("The slope of {function} is wrong at some point.", function=function.__name__))
    return bool(holds)


@dataclass(frozen=True)
class _Plain:
    """The normal form of a line with its derivatives carried out, and the rows and the functions that this rests on."""

    line: Any
    rows: frozenset[Rule]
    functions: frozenset[Any]


def _plain(graph: Graph, line: Any, step: Step) -> _Plain:
    """The normal form of a line unfolded for a step; a line that two steps share is seldom unfolded twice."""
    tensors, pairs = names(line), {a.pair for a in line.atoms(Adjoint)}
    uses = tuple(
        (left, right)
        for left, right in step.uses
        if isinstance(left, Binder)
        or (left.pair in pairs if isinstance(left, Adjoint) else step.family == "fold" and left.name in tensors)
    )
    return remembered(graph, ("plain", line, uses), lambda: _unfolded(graph, line, uses))


def _unfolded(graph: Graph, line: Any, uses: Sequence[tuple[Any, Any]]) -> _Plain:
    """A line with what a step used of it put in, and its derivatives carried out."""
    facts = [
        Fold(left, right, tuple(sorted(free_indices(left), key=signature)))
        for left, right in uses
        if isinstance(left, Binder) and _is_fact(graph, left, right)
    ]
    opened = {left.name for left, _ in uses if isinstance(left, Element)}
    rows, bodies = set[Rule](), list[Any]()

    def rewrite(t: Any) -> Any:
        if isinstance(t, Deriv):
            opens = isinstance(t.body, Element) and t.body.name != t.by.name
            bodies.append(_definition(graph, t.body) if opens else t.body)
            carried, own = _carried_out(Deriv(bodies[-1], t.by))
            rows.update(own)
            return carried
        return _definition(graph, t) if isinstance(t, Element) and t.name in opened else t

    given = ((left, right) for left, right in uses if isinstance(left, Adjoint))
    out = walk(written_out(put_in(line, given)), rewrite)
    for fact in facts:
        out = replaced(normal(out), fact)
    return _Plain(normal(out), frozenset(rows), frozenset(functions_in(bodies)))


@lru_cache(maxsize=CACHE)
def _carried_out(line: Any) -> tuple[Any, frozenset[Rule]]:
    """A line with the rule table applied until no derivative is left, and the rows that were."""
    rows = set[Rule]()
    while has_deriv(line):
        found = rewritten(line, RULES)
        if found is None:
            raise NotImplementedError(f"no rule differentiates {line}")
        rule, line = found
        rows.add(rule)
    return line, frozenset(rows)


def _is_fact(graph: Graph, left: Any, right: Any) -> bool:
    """Whether a sum is what it is said to be: declared of an input, or algebra from the definition of what it sums."""
    summed = left.body
    if not isinstance(summed, Element):
        return False
    given = graph.members.get(summed.name)
    if isinstance(given, Input):
        return given.kind in ("onehot", "probability") and right == 1 and left.indices == summed.indices[-1:]
    indices, body = left.opened()
    return bool(shortest(normal(close(Sum, indices, _definition(graph, body)))) == right)


def _definition(graph: Graph, element: Any) -> Any:
    """A node's definition at the indices of this entry; an input's entry is itself."""
    node = graph.members.get(element.name)
    return node.at(element.indices) if isinstance(node, Node) else element
