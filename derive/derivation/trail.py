"""A line under rewriting: the rule table, then the algebra that a reader needs after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from sympy import preorder_traversal

from derive.calculus.budget import Budget
from derive.calculus.cost import brackets, cost, idle, length, sums, unpicked
from derive.calculus.fold import Fold, folded, replaced
from derive.calculus.kept import SPARED, kept, plainly, preferred, released
from derive.calculus.normal import contracted, normal, parted, powers_joined, pulled, with_plain_numbers
from derive.calculus.rules import N_, Rule, has_deriv, rewritten
from derive.calculus.shortest import cancelled, products_apart, shortest, summands
from derive.calculus.signs import is_negative
from derive.calculus.terms import CACHE, Adjoint, Deriv, Element, EntryOf, Kept, Sum, close, depends, factors, names, terms, walk
from derive.derivation.derivation import Step
from derive.derivation.knowledge import Knowledge, knowledge
from derive.errors import DeriveError, said
from derive.graphs.graph import Graph

DEFINITION = N_("definition")
PICK = N_("each delta keeps one term of its sum")
CANCEL = N_("a matrix times its inverse is the identity")
EXPAND = N_("multiply out")
SIMPLIFY = N_("simplify")
RECOGNISE = N_("recognise the definition")
CONSTANT = N_("a sum that is known")
FACTOR = N_("factor")
REARRANGE = N_("rearrange")
APART = N_("each product under its own sum")
PULL = N_("what does not depend on its index comes out of the sum")

CANCELLING = {
    EXPAND: N_("multiply out; opposite terms cancel"),
    SIMPLIFY: N_("opposite terms cancel"),
    REARRANGE: N_("opposite terms cancel"),
    FACTOR: N_("factor; opposite terms cancel"),
    RECOGNISE: N_("recognise the definition; opposite terms cancel"),
    CONSTANT: N_("a sum that is known; opposite terms cancel"),
}
"""What a reason says where terms have gone by it as well."""


@dataclass
class Trail:
    """A line under rewriting, the steps so far, and the budget of the derivation that it is for."""

    line: Any
    budget: Budget
    steps: list[Step] = field(default_factory=list)

    def to(
        self,
        line: Any,
        rule: str,
        family: str,
        uses: Iterable[tuple[Any, Any]] = (),
        named: Any = None,
        opened: Iterable[str] = (),
    ) -> None:
        """Record a new line; a rewrite that changed nothing is no step, nor is one that only put numbers together."""
        if line == self.line:
            return
        self.budget.spend(line)
        uses = tuple(uses)
        if self.steps and _with_number(line) == _with_number(self.line):
            self.steps[-1] = replace(self.steps[-1], line=line)
        else:
            rule = CANCELLING.get(rule, rule) if _cancels(self.line, line, uses) else rule
            self.steps.append(Step(line, rule, family, uses, named, tuple(opened)))
        self.line = line

    def inside(self, line: Any, step: Step) -> None:
        """Record a new line that a step inside it makes, also where it is the old one but for what is cancelled."""
        self.budget.spend(line)
        self.steps.append(replace(step, line=line))
        self.line = line


@lru_cache(maxsize=CACHE)
def _with_number(line: Any) -> tuple[Any, Any]:
    """The number before a line, that of its terms included, and the rest: 2 (a - b) is 2 a - 2 b with the number before it."""
    number, rest = with_plain_numbers(line).as_coeff_Mul()
    more, rest = rest.primitive() if rest.is_Add else (1, rest)
    return number * more, rest


def _cancels(before: Any, after: Any, uses: Iterable[tuple[Any, Any]]) -> bool:
    """Whether what a line speaks of is gone in the next, said by no equation, from several terms of one sum each."""
    gone = _speaks_of(before) - _speaks_of(after) - frozenset().union(*(_speaks_of(side) for pair in uses for side in pair))
    sums_ = [[_speaks_of(t) for t in part.args] for part in preorder_traversal(before) if part.is_Add] if gone else []
    return bool(gone) and all(any(sum(what in t for t in parts) > 1 for parts in sums_) for what in gone)


@lru_cache(maxsize=CACHE)
def _speaks_of(line: Any) -> frozenset[Any]:
    """The tensors in a line, and the derivatives along all paths."""
    return names(line) | {adjoint.pair for adjoint in line.atoms(Adjoint)}


def differentiate(trail: Trail, rules: tuple[Rule, ...]) -> None:
    """Apply the rule table until no derivative is left."""
    while has_deriv(trail.line):
        found = rewritten(trail.line, rules)
        if found is None:
            raise DeriveError(said("No rule differentiates {first}.", first=next(iter(trail.line.atoms(Deriv)))))
        rule, line = found
        trail.to(line, rule.name, rule.family)


def simplify(trail: Trail, graph: Graph, known_here: Knowledge | None = None) -> None:
    """The algebra after differentiation, as the lines a reader needs: deltas, then definitions folded back, then factors.
    By default with all that the graph knows.

    A line that the algebra makes no shorter stays as it is.
    """
    picked = contracted(trail.line)
    trail.to(picked, reason(trail.line, picked), "delta")
    known_here = known_here or knowledge(graph)
    seen, best = list[Any](), None
    for parts, among in ((False, False), (True, False), (True, True)):
        way = Trail(trail.line, trail.budget)
        _recognise(way, graph, known_here.folds, parts, among)
        if way.line in seen:
            continue
        seen.append(way.line)
        _shorten(way, graph, known_here)
        if best is None or cost(way.line) + SAVED * among < cost(best.line):
            best = way
    assert best is not None
    for step in best.steps:
        trail.to(step.line, step.rule, step.family, step.uses)


def part(trail: Trail) -> None:
    """Entries of matrix products that stand under one Σ, each under its own: a reader sees Uᵀ g + Bᵀ z.  Where the last steps put
    them under one, these are no steps.
    """
    apart, lines = products_apart(trail.line), [step.line for step in trail.steps]
    if apart in lines:
        trail.steps = trail.steps[: lines.index(apart) + 1]
        trail.line = apart
    else:
        trail.to(apart, APART, "factor")


SAVED = 3
"""So much shorter is a result at least for a definition seen in a longer product: SiLU keeps σ(x) (1 + x (1 - σ(x)))."""


def _shorten(trail: Trail, graph: Graph, known_here: Knowledge) -> None:
    """The algebra behind what stands in a line as it is."""
    plain, named, known, short, used, sure = _shorter_way(trail, known_here)
    tidy = min(powers_joined(pulled(trail.line)), pulled(cancelled(trail.line)), key=cost)
    in_brackets = not tidy.as_coeff_Mul()[1].is_Add and reason(tidy, short) == EXPAND and summands(short) >= summands(tidy)
    spared = SPARED if in_brackets else 0
    if cost(short) + spared > cost(tidy) or (cost(short) == cost(tidy) and not _is_turned(short, tidy)):
        trail.to(tidy, reason(trail.line, tidy), "factor")
        if unpicked(rest := parted(trail.line)) < unpicked(trail.line):
            trail.to(rest, PICK, "delta")
            simplify(trail, graph, known_here)
        return
    if known != plain and (cost(plain) < 2 * cost(trail.line) or unpicked(plain) < unpicked(trail.line)):
        trail.to(plain, reason(trail.line, plain), "expand")
    if named != plain:
        trail.to(named, RECOGNISE, "fold", _definitions(graph, used))
    if known != named:
        trail.to(known, CONSTANT, "fact", sure)
    trail.to(short, reason(trail.line, short), "factor")


class _Way(NamedTuple):
    """The lines from one to its shortest form: multiplied out, definitions recognised, sums known, shortest; and the
    folds used, and the equations of sums.
    """

    plain: Any
    named: Any
    known: Any
    short: Any
    used: tuple[Fold, ...]
    sure: tuple[tuple[Any, Any], ...]


def _shorter_way(trail: Trail, known_here: Knowledge) -> _Way:
    """The way to the shortest form, or to one that is hardly longer, with the sums of the definitions as they were written."""
    expanded, line = _way(trail, known_here), kept(trail.line, known_here.written)
    if line == trail.line or plainly(normal(line)) == expanded.plain:
        return expanded
    as_written = _way(trail, known_here, line)
    if not preferred(as_written.short, expanded.short):
        return expanded
    plain, named, known, short = (released(t) if t == as_written.short else plainly(t) for t in as_written[:4])
    return _Way(plain, named, known, short, as_written.used, as_written.sure)


def _is_turned(line: Any, other: Any) -> bool:
    """Whether a line is another without its minus, 2 (b - a) for -2 (a - b)."""
    return is_negative(other) and not is_negative(line) and not sums(other)


def _way(trail: Trail, known_here: Knowledge, line: Any = None) -> _Way:
    """The way from the line of a trail, or from the same with sums that are atoms."""
    folds = known_here.folds if line is None else known_here.kept
    plain = normal(trail.line if line is None else line)
    trail.budget.spend(plain)
    trail.budget.search(plain, sum(fold.concerns(plain) for fold in folds))
    named, used = folded(plain, folds)
    facts = known_here.facts(named)
    known, sure = folded(named, facts)
    equations = {f.pattern: f.result for f in sure}
    if line is not None:
        known = _sums_known(known, (*known_here.folds, *facts), equations)
    return _Way(plain, named, known, shortest(known), used, tuple(equations.items()))


def _sums_known(term: Any, folds: tuple[Fold, ...], equations: dict[Any, Any]) -> Any:
    """A term with what is known of a Σ over a sum that is kept, Σ_i (x_i - μ) = 0; the `equations` grow."""

    def value(t: Any) -> Any:
        if type(t) is not Sum:
            return t
        indices, body = t.opened()
        for f in (f for f in factors(body) if isinstance(f, Kept)):
            others = body / f
            own = [j for j in indices if depends(f, j) and not depends(others, j)]
            inner = normal(plainly(close(Sum, own, f))) if own else f
            new, used = folded(inner, folds) if own else (f, ())
            if used and not sums(new):
                equations[plainly(close(Sum, own, f))] = new
                return close(Sum, [j for j in indices if j not in own], others * new)
        return t

    return walk(term, value)


def reason(before: Any, after: Any) -> str:
    """What algebra did to a line, by what is fewer or more in it."""
    if before.has(EntryOf) and all(one > other for one, other in zip(*map(_inverses, (contracted(before), after)), strict=True)):
        return CANCEL
    if unpicked(before) > unpicked(after):
        return PICK
    inside = brackets(after) - brackets(before)
    if inside == 0 and sums(before) == sums(after) and idle(before) > idle(after):
        return PULL
    if inside < 0 and (cost(after) >= cost(before) or sums(after) != sums(before) or len(terms(after)) > len(terms(before))):
        return EXPAND
    if inside > 0:
        return FACTOR
    return SIMPLIFY if length(after) < length(before) else REARRANGE


def _inverses(line: Any) -> tuple[int, int]:
    """How many entries of inverses stand in a line, and how many of the matrices that they are of."""
    inverses, entries, parts = 0, list[str](), preorder_traversal(line)
    heads = {name for t in line.atoms(EntryOf) for name in names(t.matrix)}
    for t in parts:
        inverses += isinstance(t, EntryOf)
        entries += [t.name] if isinstance(t, Element) and t.name in heads else []
        if isinstance(t, EntryOf):
            parts.skip()
    return inverses, len(entries)


def _recognise(trail: Trail, graph: Graph, folds: tuple[Fold, ...], parts: bool, among: bool) -> None:
    """Definitions that stand in the line as they are replaced by their names; with `parts` also factors of definitions, and
    with `among` definitions that are some of the factors of a product, where it is shorter for it.
    """
    used, line = [], trail.line
    for fold in folds:
        if (fold.whole and not fold.twice) or (parts and fold.part) or (among and fold.twice):
            looped = fold.whole and not fold.function and bool(fold.holes) and fold.pattern.has(Sum)
            new = replaced(line, fold, among=among and not looped) if fold.concerns(line) else line
            if new != line and ((fold.whole and not among) or cost(new) < cost(line)):
                used.append(fold)
                line = new
    trail.to(line, RECOGNISE, "fold", _definitions(graph, tuple(used)))


def _definitions(graph: Graph, used: tuple[Fold, ...]) -> list[tuple[Any, Any]]:
    """The definitions that these folds come from."""
    owners = dict.fromkeys(fold.owner for fold in used)
    return [(node.element, node.expr) for node in graph.nodes if node.name in owners]
