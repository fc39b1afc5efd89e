"""Derivations: the derivative of one tensor of a graph by another, as the list of rewrites that found it.

One recursion, from the output to the inputs (reverse mode): ∂o/∂x is the sum, over the definitions that mention x, of
their own adjoint times their local derivative.  Adjoints keep their names; one is replaced by its own result where it
belongs to the inside of a library call, where the result gets no longer by it, or where the result is nothing but it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from sympy import Add

from derive.calculus.budget import Budget
from derive.calculus.cost import cost, loops, sums
from derive.calculus.fold import divisors
from derive.calculus.normal import contracted
from derive.calculus.rules import N_, RULES, Rule, walk_derivs
from derive.calculus.terms import Adjoint, Delta, Deriv, Element, Index, height, total
from derive.derivation.derivation import Derivation, Step, adjoints_in, free_letters, is_atomic, put_in
from derive.derivation.exchange import exchange
from derive.derivation.jacobians import known_as, lemma_of, use_lemma
from derive.derivation.trail import DEFINITION, PICK, Trail, differentiate, part, simplify
from derive.errors import DeriveError, listed, nearest, said
from derive.graphs.graph import Graph, Input, Node, gradient_name, remembered
from derive.graphs.names import fresh
from derive.graphs.tree import Op, Reduce, Ref

PATHS = N_("chain rule: the sum over every path")
ONE_PATH = N_("chain rule")
ENTRYWISE = N_("entry by entry")
SUBSTITUTE = N_("put in the gradient found before")

NOWHERE: Mapping[Index, Index] = MappingProxyType({})


def derivation(graph: Graph, of: str = "", wrt: str = "", upstream: bool = False, rules: tuple[Rule, ...] = RULES) -> Derivation:
    """The derivation of ∂of/∂wrt; see `api.Graph.derive`.

    >>> import derive
    >>> found = derivation(derive.graph("x: [n]; L = sum(x**2)"), "L", "x")
    >>> found.subject, found.result
    (dL/dx[i], 2*x[i])
    >>> for step in found.steps: print(step.line, "|", step.rule)
    d[Sum_@1(x[@1]**2)]/dx[i] | definition
    Sum_@1(d[x[@1]**2]/dx[i]) | the derivative goes inside the sum
    Sum_@1(2*d[x[@1]]/dx[i]*x[@1]) | power rule, then the chain rule
    Sum_@1(2*Delta(@1, i)*x[@1]) | the entries are independent
    2*x[i] | each delta keeps one term of its sum
    """
    of = of or graph.output.name
    candidates = [m.name for m in graph.inputs if m.differentiable and not m.constant and m.name in graph.ancestors(of)]
    for name in (of, wrt) if wrt else (of,):
        if name not in graph.members:
            hint = nearest(name, graph.members) or said("It has {listed}.", listed=listed(graph.members))
            raise DeriveError(said("There is no {name} in this graph.", name=name), hint=hint)
    if not wrt and len(candidates) != 1:
        hint = (
            said("It may be {listed} (wrt).", listed=listed(candidates))
            if candidates
            else said("{of} is computed from no input that may be moved.", of=of)
        )
        raise DeriveError("Say by what to differentiate.", hint=hint)
    wrt = wrt or candidates[0]
    if not graph.members[wrt].differentiable:
        kind = said("a label") if isinstance(graph.members[wrt], Input) else said("an index")
        raise DeriveError(
            said("{wrt} is {kind}: it takes whole numbers, so nothing can be differentiated by it.", wrt=wrt, kind=kind)
        )
    if upstream:
        graph, of = seeded(graph, of)
    return _adjoint(graph, of, wrt, rules)


def seeded(graph: Graph, of: str) -> tuple[Graph, str]:
    """The graph with an upstream gradient g on `of`, and the loss L = Σ g · of that it belongs to."""
    return remembered(graph, ("seeded", of), lambda: _seeded(graph, of))


def _seeded(graph: Graph, of: str) -> tuple[Graph, str]:
    member = graph.members[of]
    preferred = ("g", "G") if len(member.axes) < 2 else ("G", "g")  # a matrix is a capital
    g = fresh((*preferred, "upstream"), graph.taken)
    loss = fresh(("L", "loss", "ℓ", "Loss"), graph.taken)
    upstream = Input(g, member.indices)
    entry = member.element
    body = Op("*", (Ref(g, member.indices), Ref(of, member.indices)))
    node = Node(
        loss,
        (),
        Reduce("sum", body, member.indices),
        total(Element(upstream.head, *member.indices) * entry, *member.indices),
        body,
    )
    return replace(graph, inputs=(*graph.inputs, upstream), nodes=(*graph.nodes, node), upstream=g), loss


def expanded(found: Derivation, rules: tuple[Rule, ...] = RULES) -> Derivation:
    """A derivation gone on with until its result names no other derivative.

    >>> import derive
    >>> found = derivation(derive.graph("x: [n]; z = sum(w*x); p = sigmoid(z); L = -log(p) + p**2"), wrt="x")
    >>> found.result, expanded(found).result
    (dL/dz*w, (-2*p**3 + 2*p**2 + p - 1)*w)
    """
    trail = Trail(found.result, Budget(gradient_name(found.of, found.wrt), found.spent), list(found.steps))
    while names := _named_in(trail.line):
        _put_in(trail, {name: _adjoint(found.graph, found.of, name, rules) for name in names})
        simplify(trail, found.graph)
    return replace(found, steps=tuple(trail.steps), spent=trail.budget.spent)


def _adjoint(graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> Derivation:
    """∂of/∂wrt, each once for a graph, after those of all that lies between the two: from the output back."""

    def made() -> Derivation:
        *between, _ = graph.way(wrt, of)
        for name in between:
            remembered(graph, ("adjoint", of, name, rules), partial(_derive, graph, of, name, rules))
        return _derive(graph, of, wrt, rules)

    return remembered(graph, ("adjoint", of, wrt, rules), made)


def swept(found: Derivation) -> dict[str, Derivation]:
    """The derivations that one took, by the name of what each is by: those of all that lies between, and itself."""
    return {name: _adjoint(found.graph, found.of, name, RULES) for name in found.graph.way(found.wrt, found.of)}


def _derive(graph: Graph, of: str, wrt: str, rules: tuple[Rule, ...]) -> Derivation:
    output, variable = graph.members[of], graph.members[wrt]
    o = output.element
    x = Element(variable.head, *free_letters(graph, variable, tuple(i.name for i in output.indices)))
    subject, budget = Adjoint(o, x), Budget(gradient_name(of, wrt))
    users = [y for y in graph.consumers(wrt) if y.name in graph.ancestors(of)]
    if of == wrt or not users:
        same = of == wrt
        line = differentiated_entry(o, x) if same else Add(0)
        return Derivation(graph, of, wrt, subject, (Step(line, DEFINITION if same else N_("no path leads there"), "definition"),))
    found = {y.name: _adjoint(graph, of, y.name, rules) for y in users if y.name != of}
    named = _attempt(graph, Trail(subject, budget), users, {n: d for n, d in found.items() if is_atomic(d.result)}, rules)
    tried: set[str] = set()
    for count in (sums, loops):  # what a number such as Σ m divides is put in only where nothing simpler is
        short = {n: d for n, d in found.items() if not count(d.result) and (d.result.has(Delta) or not adjoints_in(d.result))}
        if short.keys() == tried or all(is_atomic(d.result) for d in short.values()):
            continue
        tried = set(short)
        written = _attempt(graph, Trail(subject, budget), users, short, rules)
        if _is_better(written.line, named.line, short.values()):
            named = written
            break
    _join(named, graph, of, wrt, rules)
    part(named)
    exchange(named, graph, lambda name: _adjoint(graph, of, name, rules))
    return Derivation(graph, of, wrt, subject, tuple(named.steps), budget.spent)


def _is_better(written: Any, named: Any, put_in: Collection[Derivation]) -> bool:
    """Whether a result with adjoints put in is no longer than the one with their names."""
    shorter = cost(written) <= cost(named) or (_only_names(named) and cost(written) <= SHORT)
    return loops(written) <= loops(named) and (shorter or _cancels(written, [d.result for d in put_in]))


def _cancels(line: Any, results: list[Any]) -> bool:
    """Whether what was put in is gone into a line that is no longer and divides by less: p (1 - p) times (p - y)/(p (1 - p))."""
    if adjoints_in(line) or cost(line) > sum(map(cost, results)):
        return False
    before = set().union(*map(divisors, results))
    return bool(before) and divisors(line) < before


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
    _paths(trail, graph, subject, users, given, rules)
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


def _paths(
    trail: Trail, graph: Graph, subject: Adjoint, users: list[Node], given: dict[str, Derivation], rules: tuple[Rule, ...]
) -> None:
    """The chain rule over the definitions that mention x, what is known of their adjoints, the lemmas, then the definitions.

    Where x acts on the output directly as well, the definition of the output is put in at once: ∂o/∂x itself is what is sought.
    """
    o, x = subject.output, subject.by
    named: Any = Add(*[Deriv(o, x) if y.name == o.name else _path(o, y, x) for y in users])
    own = [y for y in users if y.name == o.name] if len(users) > 1 else []

    def to(line: Any, rule: str, family: str, uses: Iterable[tuple[Any, Any]], opened: list[Node]) -> None:
        names = tuple(y.name for y in opened)
        trail.to(_opened(line, graph, names), rule, family, uses, line if names else None, names)

    if len(users) > 1 or users[0].name != o.name:
        to(named, PATHS if len(users) > 1 else ONE_PATH, "paths", _definitions(own), own)
        named = Add(*[Deriv(o, x) if y.name == o.name else _path(o, y, x, _places(y, x)) for y in users])
        to(named, ENTRYWISE, "paths", (), own)
        used = [(d.subject, d.computed) for name, d in given.items() if name in _named_in(named)]
        named = put_in(named, used)
        to(named, SUBSTITUTE, "substitute", used, own)
        named = contracted(named)
        to(named, PICK, "delta", (), own)
    known = [y for y in users if y not in own and known_as(y) and _stands(y.name, named)]
    for y in known:
        use_lemma(trail, _opened(named, graph, [z.name for z in own]), lemma_of(graph, y, x, rules))
        named = trail.line
    users = [y for y in users if y not in known]
    if any(_stands(y.name, named) for y in users):
        to(named, DEFINITION, "definition", _definitions([y for y in users if y not in own and _stands(y.name, named)]), users)


def _path(o: Element, y: Node, x: Element, places: Mapping[Index, Index] = NOWHERE) -> Any:
    """What reaches the output through one definition; where `places` say at which entries x stands, through these alone."""
    own = tuple(places.get(i) or i.fresh() for i in y.indices)
    entry = Element(y.head, *own)
    return total(Adjoint(o, entry) * Deriv(entry, x), *(i for i in own if i not in x.indices))


def _places(y: Node, x: Element) -> Mapping[Index, Index]:
    """The indices of x by those of y that they are wherever x stands in the definition of y, c_l = f_l g_l: each entry of x moves
    those of y at its own place alone.  Empty where an index of x is none of y's, or not everywhere the same.
    """
    stands = {t.indices for t in y.expr.atoms(Element) if t.head == x.head}
    own = dict(zip(*stands, x.indices, strict=True)) if len(stands) == 1 else {}
    alike = len(own) == len(x.indices) and all(i in y.indices and i.size == k.size for i, k in own.items())
    return own if alike else NOWHERE


def _opened(line: Any, graph: Graph, names: Collection[str]) -> Any:
    """A line with the definitions of these nodes to be differentiated in place of their entries."""

    def rewrite(t: Any) -> Any:
        node = graph.members[t.body.name] if isinstance(t.body, Element) and t.body.name in names else None
        return Deriv(node.at(t.body.indices), t.by) if isinstance(node, Node) else t

    return walk_derivs(line, rewrite)


def _stands(name: str, line: Any) -> bool:
    return any(isinstance(d.body, Element) and d.body.name == name for d in line.atoms(Deriv))


def _definitions(nodes: Iterable[Node]) -> list[tuple[Any, Any]]:
    return [(y.element, y.expr) for y in nodes]


def _only_names(line: Any) -> bool:
    """Whether a line says no more than that one derivative is another, up to a number."""
    return isinstance(line.as_coeff_Mul()[1], Adjoint)


def _named_in(line: Any) -> list[str]:
    return sorted({a.by.name for a in adjoints_in(line)})


def _put_in(trail: Trail, found: dict[str, Derivation]) -> None:
    """Adjoints by their names replaced by what was found for them."""
    used = [(d.subject, d.computed) for name, d in found.items() if name in _named_in(trail.line)]
    trail.to(put_in(trail.line, used), SUBSTITUTE, "substitute", used)
