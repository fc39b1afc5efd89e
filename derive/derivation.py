"""Derivations: the derivative of one tensor of a graph by another, as the list of rewrites that found it.

One recursion, from the output to the inputs (reverse mode): ∂o/∂x is the sum, over the definitions that mention x, of
their own adjoint times their local derivative.  Adjoints keep their names; one is replaced by its own result where it
belongs to the inside of a library call, where the result gets no longer by it, or where the result is nothing but it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from sympy import Add, S

from derive.calculus.budget import Budget
from derive.calculus.cost import cost, idle, sums, unpicked
from derive.calculus.fold import Fold, facts_of, folded, function_folds, replaced, solved_folds
from derive.calculus.matching import match
from derive.calculus.matrix_algebra import Matrix
from derive.calculus.matrix_form import matrix_form
from derive.calculus.normal import contracted, normal, pulled
from derive.calculus.rules import N_, RULES, Rule, apply, has_deriv, next_rule, walk_derivs
from derive.calculus.shortest import shortest
from derive.calculus.terms import (
    Adjoint,
    Delta,
    Deriv,
    Differ,
    Element,
    Index,
    Sum,
    height,
    names,
    substituted,
    terms,
    total,
    walk,
)
from derive.errors import DeriveError
from derive.graphs.graph import Graph, Input, Node, gradient_name, gradient_parts, remembered
from derive.graphs.tree import Op, Reduce, Ref
from derive.language import library
from derive.notation import layout as layouts
from derive.notation import matrices, numpy_code
from derive.notation.context import POOL, context_of
from derive.notation.terms import layout

if TYPE_CHECKING:
    from derive.proof import Proved

PATHS = N_("chain rule: the sum over every path")
ONE_PATH = N_("chain rule")
DEFINITION = N_("definition")
UPSTREAM = N_("upstream gradient")
PICK = N_("each delta keeps one term of its sum")
EXPAND = N_("multiply out")
SIMPLIFY = N_("simplify")
RECOGNISE = N_("recognise the definition")
CONSTANT = N_("a sum that is known")
FACTOR = N_("factor")
PULL = N_("what does not depend on its index comes out of the sum")
SUBSTITUTE = N_("put in the gradient found before")


@dataclass(frozen=True)
class Step:
    """One rewrite: the line it gave, the rule, and the equations (left, right) it used."""

    line: Any
    rule: str
    family: str = ""
    uses: tuple[tuple[Any, Any], ...] = ()


@dataclass(frozen=True)
class Derivation:
    """∂of/∂wrt.  `subject` is the entry derived, `steps` the rewrites; the last line is the result.

    `work` is what was spent of its budget.
    """

    graph: Graph
    of: str
    wrt: str
    subject: Adjoint
    steps: tuple[Step, ...]
    work: int = field(default=0, compare=False)

    @property
    def result(self) -> Any:
        return self.steps[-1].line

    @property
    def indices(self) -> tuple[Index, ...]:
        """The free indices: those of the output, then those of the variable."""
        return (*self.subject.output.indices, *self.subject.by.indices)

    @property
    def form(self) -> Matrix | None:
        """The result in matrix notation, or None where it has none (or is zero, or a number)."""
        return None if self.result == 0 else matrix_form(self.result, self.indices)

    @property
    def matrix(self) -> str | None:
        """The matrix form in LaTeX, or None."""
        return None if self.form is None else layouts.latex(matrices.layout(self.form, context_of(self.graph)))

    @property
    def numpy(self) -> str | None:
        """The matrix form as a NumPy expression, or None."""
        return None if self.form is None else numpy_code.numpy_code(self.form)

    def latex(self) -> str:
        """All lines as an `aligned` environment, the subject on the left."""
        context = context_of(self.graph)
        lines = [rf"&= {layouts.latex(layout(step.line, context))}" for step in self.steps]
        return (
            "\\begin{aligned}\n" + layouts.latex(layout(self.subject, context)) + " " + " \\\\\n".join(lines) + "\n\\end{aligned}"
        )

    def prove(self) -> Proved:
        """Show every line equal to the one before it; raises ProofError on the first that is not."""
        from derive.proof import prove

        return prove(self)

    def _repr_markdown_(self) -> str:
        from derive.notebook import derivation_markdown

        return derivation_markdown(self)

    def _repr_latex_(self) -> str:
        self.prove()
        return f"$\\displaystyle {self.latex()}$"

    @property
    def named(self) -> tuple[str, ...]:
        """The tensors whose adjoints the result names."""
        return tuple(sorted({a.by.name for a in adjoints_in(self.result)}))

    @cached_property
    def cases(self) -> tuple[tuple[Any, Any], tuple[Any, Any]] | None:
        """((value, i = k), (value, i ≠ k)) where the result has one δ_ik or [i ≠ k] of free indices, else None."""
        splits = {t.args for t in self.result.atoms(Delta, Differ) if set(t.free_symbols) <= self._free_symbols}
        if len(splits) != 1:
            return None
        a, b = splits.pop()
        keep, drop = (a, b) if isinstance(b, Index) else (b, a)
        same = shortest(substituted(self.result, {drop: keep}))
        differ = {Delta(a, b): S.Zero, Differ(a, b): S.One}
        apart = shortest(walk(self.result, lambda t: differ.get(t, t)))
        return ((same, Delta(a, b)), (apart, Differ(a, b)))

    @property
    def _free_symbols(self) -> set[Any]:
        inputs = {s for member in self.graph.inputs for s in (member.head,)}
        return {s for i in self.indices for s in i.free_symbols} | inputs | self._sizes

    @property
    def _sizes(self) -> set[Any]:
        return {s for m in self.graph.members.values() for a in m.axes for s in a.free_symbols}


# ---------------------------------------------------------------- what a graph knows


@dataclass(frozen=True)
class Knowledge:
    """What the definitions of a graph say of its tensors: `folds`, from the last definition to the first, and facts."""

    graph: Graph
    folds: tuple[Fold, ...]

    def facts(self, term: Any) -> tuple[Fold, ...]:
        """The axis sums that are constant, of the tensors that are summed in a term."""
        summed = frozenset().union(*(names(t) for t in term.atoms(Sum))) if sums(term) else frozenset()
        return tuple(f for m in reversed(self.graph.members.values()) if m.name in summed for f in self._facts(m))

    def _facts(self, member: Input | Node) -> tuple[Fold, ...]:
        return remembered(self.graph, ("facts", member.name), lambda: self._facts_of(member))

    def _facts_of(self, member: Input | Node) -> tuple[Fold, ...]:
        entry = Element(member.head, *member.indices)
        if isinstance(member, Node):
            before = self.graph.ancestors(member.name)
            folds = tuple(f for f in self.folds if f.owner in before and f.owner != member.name)
            return facts_of(entry, member.expr, member.indices, folds)
        known = member.kind in ("onehot", "probability")
        return (Fold(total(entry, member.indices[-1]), Add(1), member.indices[:-1]),) if known else ()


def knowledge(graph: Graph) -> Knowledge:
    """What a graph knows, found once."""
    return remembered(graph, "knowledge", lambda: _knowledge(graph))


def _knowledge(graph: Graph) -> Knowledge:
    nodes = tuple(n for n in graph.nodes if gradient_parts(n.name) is None)  # a gradient is opened by its definition
    own = nodes[:-1] if graph.upstream else nodes  # the loss behind an upstream gradient is anyone's
    solved = [f for node in reversed(own) for f in solved_folds(node.element, node.expr, node.indices)]
    return Knowledge(graph, (*solved, *_vocabulary(nodes)))


def _vocabulary(nodes: tuple[Node, ...]) -> tuple[Fold, ...]:
    """The functions that a result may be written with, unless one is what a node defines."""
    return tuple(
        fold
        for function in library.vocabulary()
        if all(match(fold.pattern, n.expr, fold.holes, {}) is None for fold in function_folds(function) for n in nodes)
        for fold in function_folds(function)
    )


# ---------------------------------------------------------------- a line and its history


@dataclass
class Trail:
    """A line under rewriting, the steps so far, and the budget of the derivation that it is for."""

    line: Any
    budget: Budget
    steps: list[Step] = field(default_factory=list)

    def to(self, line: Any, rule: str, family: str, uses: Iterable[tuple[Any, Any]] = ()) -> None:
        """Record a new line; a rewrite that changed nothing is no step."""
        if line != self.line:
            self.budget.spend(line)
            self.steps.append(Step(line, rule, family, tuple(uses)))
            self.line = line


def differentiate(trail: Trail, rules: tuple[Rule, ...]) -> None:
    """Apply the rule table until no derivative is left."""
    while has_deriv(trail.line):
        rule = next_rule(trail.line, rules)
        if rule is None:
            raise DeriveError(f"no rule differentiates {next(iter(trail.line.atoms(Deriv)))}")
        trail.to(apply(rule, trail.line), rule.name, rule.family)


def simplify(trail: Trail, graph: Graph) -> None:
    """The algebra after differentiation, as the lines a reader needs: deltas, then definitions folded back, then factors.

    A line that the algebra makes no shorter stays as it is.
    """
    trail.to(contracted(trail.line), PICK, "delta")
    known_here = knowledge(graph)
    _recognise(trail, graph, known_here.folds)
    plain = normal(trail.line)
    trail.budget.spend(plain)
    named, used = folded(plain, known_here.folds)
    known, sure = folded(named, known_here.facts(named))
    short = shortest(known)
    tidy = pulled(trail.line)
    if cost(short) >= cost(tidy):
        trail.to(tidy, PULL, "factor")
        return
    if known != plain and cost(plain) < 2 * cost(trail.line):
        trail.to(plain, _expanding(trail.line, plain), "expand")
    if named != plain:
        trail.to(named, RECOGNISE, "fold", _definitions(graph, used))
    if known != named:
        trail.to(known, CONSTANT, "fact", [(f.pattern, f.result) for f in sure])
    trail.to(short, _shortening(trail.line, short, trail.line in (plain, named, known)), "factor")


def _shortening(before: Any, after: Any, multiplied_out: bool) -> str:
    """What was done to make a line shorter."""
    if unpicked(before) > unpicked(after):
        return PICK
    if sums(before) == sums(after) and not after.is_Add and len(terms(before)) == 1 and idle(before) > idle(after):
        return PULL
    return FACTOR if multiplied_out else SIMPLIFY


def _recognise(trail: Trail, graph: Graph, folds: tuple[Fold, ...]) -> None:
    """Definitions that stand in the line as they are replaced by their names, where it is shorter for it."""
    used, line = [], trail.line
    for fold in folds:
        if fold.visible and fold.concerns(line):
            new = replaced(line, fold)
            if new != line and (fold.whole or cost(new) < cost(line)):
                used.append(fold)
                line = new
    trail.to(line, RECOGNISE, "fold", _definitions(graph, tuple(used)))


def _expanding(before: Any, after: Any) -> str:
    return PICK if before.count(Delta) > after.count(Delta) else EXPAND


def _definitions(graph: Graph, used: tuple[Fold, ...]) -> list[tuple[Any, Any]]:
    """The definitions that these folds come from."""
    owners = dict.fromkeys(fold.owner for fold in used)
    return [(node.element, node.expr) for node in graph.nodes if node.name in owners]


# ---------------------------------------------------------------- the reverse sweep


def derivation(graph: Graph, of: str = "", wrt: str = "", upstream: bool = False, rules: tuple[Rule, ...] = RULES) -> Derivation:
    """The derivation of ∂of/∂wrt; see `Graph.derive`."""
    of = of or graph.output.name
    candidates = [m.name for m in graph.inputs if m.differentiable and m.name in graph.ancestors(of)]
    for name in (of, wrt) if wrt else (of,):
        if name not in graph.members:
            raise DeriveError(f"there is no {name} in this graph", hint=f"It has {', '.join(graph.members)}.")
    if not wrt and len(candidates) != 1:
        raise DeriveError("say by what to differentiate", hint=f"wrt may be {', '.join(candidates)}.")
    wrt = wrt or candidates[0]
    if not graph.members[wrt].differentiable:
        kind = "a label" if isinstance(graph.members[wrt], Input) else "an index"
        raise DeriveError(f"{wrt} is {kind}: it takes whole numbers, so nothing can be differentiated by it")
    if upstream:
        graph, of = seeded(graph, of)
    return _adjoint(graph, of, wrt, rules)


def seeded(graph: Graph, of: str) -> tuple[Graph, str]:
    """The graph with an upstream gradient g on `of`, and the loss L = Σ g · of that it belongs to."""
    return remembered(graph, ("seeded", of), lambda: _seeded(graph, of))


def _seeded(graph: Graph, of: str) -> tuple[Graph, str]:
    member = graph.members[of]
    taken = {
        *graph.members,
        *(name for _, name in graph.shown),
        *(c for _, letters in graph.letters for c in letters),
        *map(str, _all_sizes(graph)),
    }
    preferred = ("g", "G") if len(member.axes) < 2 else ("G", "g")  # a matrix is a capital
    g = next(n for n in (*preferred, "upstream", "upstream_g") if n not in taken)
    loss = next(n for n in ("L", "loss", "ℓ", "Loss") if n not in taken)
    upstream = Input(g, member.indices)
    entry = Element(member.head, *member.indices)
    body = Op("*", (Ref(g, member.indices), Ref(of, member.indices)))
    node = Node(
        loss,
        (),
        Reduce("sum", body, member.indices),
        total(Element(upstream.head, *member.indices) * entry, *member.indices),
        body,
    )
    return replace(graph, inputs=(*graph.inputs, upstream), nodes=(*graph.nodes, node), upstream=g), loss


def _all_sizes(graph: Graph) -> set[Any]:
    return {s for m in graph.members.values() for a in m.axes for s in a.free_symbols}


def _adjoint(graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> Derivation:
    """∂of/∂wrt, each once for a graph, after those of all that lies between the two: from the output back."""

    def swept() -> Derivation:
        *between, _ = graph.way(wrt, of)
        for name in between:
            remembered(graph, ("adjoint", of, name, rules), partial(_derive, graph, of, name, rules))
        return _derive(graph, of, wrt, rules)

    return remembered(graph, ("adjoint", of, wrt, rules), swept)


def _derive(graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> Derivation:
    output, variable = graph.members[of], graph.members[wrt]
    o = Element(output.head, *output.indices)
    x = Element(variable.head, *free_letters(graph, variable, tuple(i.name for i in output.indices)))
    subject, budget = Adjoint(o, x), Budget(gradient_name(of, wrt))
    users = [y for y in graph.consumers(wrt) if y.name in graph.ancestors(of)]
    if of == wrt or not users:
        same = of == wrt
        line = differentiated_entry(o, x) if same else Add(0)
        return Derivation(graph, of, wrt, subject, (Step(line, DEFINITION if same else N_("no path leads there"), "definition"),))
    found = {y.name: _adjoint(graph, of, y.name, rules) for y in users if y.name != of}
    named = _attempt(graph, Trail(subject, budget), users, {n: d for n, d in found.items() if is_atomic(d.result)}, rules)
    short = {n: d for n, d in found.items() if not sums(d.result) and (d.result.has(Delta) or not adjoints_in(d.result))}
    if any(not is_atomic(d.result) for d in short.values()):
        written = _attempt(graph, Trail(subject, budget), users, short, rules)
        if sums(written.line) <= sums(named.line) and (
            cost(written.line) <= cost(named.line) or (_only_names(named.line) and cost(written.line) <= SHORT)
        ):
            named = written
    _join(named, graph, of, wrt, rules)
    return Derivation(graph, of, wrt, subject, tuple(named.steps), budget.spent)


SHORT = 16
"""A result of at most this cost is better written out than named, where its name would be all there is."""

MOST_JOINED = 6
"""Paths over more nodes than this are not written as one formula."""


def _join(trail: Trail, graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> None:
    """Paths that meet again written as one formula, where no loop gets deeper and nothing longer by it.

    The adjoints put in are those of the nodes on the way that serve this variable alone: the mean and the variance of a
    normalization, but not the gates of a recurrent cell, whose adjoints the gradients of the weights need as well.
    """
    for way in graph.between(wrt, of):
        own = {n for n in way if not any(graph.members[p].axes for p in graph.parents(n) - {wrt} - way)}
        if 0 < len(own) <= MOST_JOINED:
            _join_over(own, trail, graph, of, rules)


def _join_over(own: set[str], trail: Trail, graph: Graph, of: str, rules: tuple[Rule, ...]) -> None:
    """The adjoints of these nodes put in, where that is no longer."""
    joined = Trail(trail.line, trail.budget)
    parts, deepest = cost(trail.line), height(trail.line)
    while names := [n for n in _named_in(joined.line) if n in own]:
        found = {n: _adjoint(graph, of, n, rules) for n in names}
        parts += sum(cost(d.result) for d in found.values())
        deepest = max(deepest, *(height(d.result) for d in found.values()))
        _put_in(joined, found)
        simplify(joined, graph)
    if joined.steps and height(joined.line) <= deepest and cost(joined.line) <= parts:
        trail.line = joined.line
        trail.steps += joined.steps


def _attempt(graph: Graph, trail: Trail, users: list[Node], given: dict[str, Derivation], rules: tuple[Rule, ...]) -> Trail:
    """The derivation of the adjoint that a trail begins with, those in `given` put in at once and the others left by name."""
    subject = trail.line
    _paths(trail, graph, subject, users, given)
    differentiate(trail, rules)
    simplify(trail, graph)
    while inner := [a for a in _named_in(trail.line) if getattr(graph.members[a], "inner", False)]:
        _put_in(trail, {a: _adjoint(graph, subject.output.name, a, rules) for a in inner})
        simplify(trail, graph)
    return trail


def differentiated_entry(o: Element, x: Element) -> Any:
    """∂x_i/∂x_k = δ_ik."""
    out: Any = Add(1)
    for a, b in zip(o.indices, x.indices, strict=True):
        out *= Delta(a, b)
    return out


def free_letters(graph: Graph, variable: Input | Node, taken: tuple[str, ...]) -> tuple[Index, ...]:
    """Indices for the variable: its own letters, unless the output or an author's Σ uses them."""
    busy = {*taken, *graph.author_bound, *graph.members}
    elsewhere = {c for _, letters in graph.letters for c in letters}
    out = []
    for index in variable.indices:
        choices = (index.name, *graph.letters_over(index.size), *(c for c in POOL if c not in elsewhere), *POOL)
        name = next(c for c in choices if c not in busy)
        busy.add(name)
        out.append(Index(name, index.size))
    return tuple(out)


def _paths(trail: Trail, graph: Graph, subject: Adjoint, users: list[Node], given: dict[str, Derivation]) -> None:
    """The chain rule over the definitions that mention x, what is known of their adjoints, then the definitions."""
    o, x = subject.output, subject.by
    lines = []
    for y in users:
        fresh = tuple(i.fresh() for i in y.indices)
        entry = Element(y.head, *fresh)
        if y.name == o.name:
            lines.append(Deriv(y.expr if len(users) > 1 else o, x))
        else:
            lines.append(total(Adjoint(o, entry) * Deriv(entry, x), *fresh))
    if len(users) > 1 or users[0].name != o.name:
        trail.to(Add(*lines), PATHS if len(users) > 1 else ONE_PATH, "paths")
        _put_in(trail, given)
        trail.to(contracted(trail.line), PICK, "delta")
    else:
        trail.line = Add(*lines)

    def opened(t: Any) -> Any:
        node = graph.members[t.body.name] if isinstance(t.body, Element) else None
        return (
            Deriv(substituted(node.expr, dict(zip(node.indices, t.body.indices, strict=True))), x)
            if isinstance(node, Node)
            else t
        )

    trail.to(walk_derivs(trail.line, opened), DEFINITION, "definition", [(y.element, y.expr) for y in users])


def is_atomic(term: Any) -> bool:
    """Whether a result is so short that naming it would only hide it: a number, or one entry."""
    return isinstance(term, Element) or bool(term.is_number)


def adjoints_in(term: Any) -> set[Adjoint]:
    """The adjoints that a term names."""
    return set(term.atoms(Adjoint))


def adjoint_at(found: Derivation, adjoint: Adjoint) -> Any:
    """A found derivative at the indices of this adjoint."""
    here = (*adjoint.output.indices, *adjoint.by.indices)
    return substituted(found.result, dict(zip(found.indices, here, strict=True)))


def _only_names(line: Any) -> bool:
    """Whether a line says no more than that one derivative is another, up to a number."""
    return isinstance(line.as_coeff_Mul()[1], Adjoint)


def _named_in(line: Any) -> list[str]:
    return sorted({a.by.name for a in adjoints_in(line)})


def _put_in(trail: Trail, found: dict[str, Derivation]) -> None:
    """Adjoints by their names replaced by what was found for them."""

    def rewrite(t: Any) -> Any:
        return adjoint_at(found[t.by.name], t) if isinstance(t, Adjoint) and t.by.name in found else t

    used = [d for name, d in found.items() if name in _named_in(trail.line)]
    trail.to(walk(trail.line, rewrite), SUBSTITUTE, "substitute", [(d.subject, d.result) for d in used])
