"""From the gradient for one example to that of the mean over N: ∂J/∂W is the mean of what each example gives."""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.budget import Budget
from derive.calculus.normal import contracted, pulled
from derive.calculus.rules import N_
from derive.calculus.shortest import shortest
from derive.calculus.terms import Adjoint, Delta, Element, Index, total
from derive.derivation.derivation import Derivation, free_letters, put_in
from derive.derivation.sweep import PATHS, SUBSTITUTE, derivation, seeded
from derive.derivation.trail import PICK, Trail, simplify
from derive.graphs.graph import gradient_name
from derive.language.batching import Batch

OWN = N_("the loss of an example depends on its own entries only")
OWN_OUTPUT = N_("the output for an example depends on its own entries only")
ONE = N_("the gradient for one example")


def of_the_mean(batch: Batch, wrt: str, by_name: bool = False) -> Derivation:
    """The derivation of ∂J/∂wrt from ∂L/∂wrt, the gradient for one example; with `by_name` that is not written out."""
    graph, one, n = batch.graph, derivation(batch.one, "", wrt), batch.example
    m = Index(graph.letters_over(n.size)[1], n.size)
    mean, loss = graph.output.element, graph.members[batch.one.output.name].head
    share = derivation(graph, "", loss.name)
    x = batch.lifted(one.subject.by, n)
    at_n, at_m = (Adjoint(Element(loss, example), x) for example in (n, m))
    trail = Trail(Adjoint(mean, x), Budget(gradient_name(mean.name, wrt)))
    trail.to(total(Adjoint(mean, at_m.output) * at_m, m), PATHS, "paths")
    known = (share.subject, share.result)
    trail.to(shortest(put_in(trail.line, [known])), SUBSTITUTE, "substitute", [known])
    if wrt in batch.members:
        alone = (at_m, Delta(m, n) * at_n)
        trail.to(put_in(trail.line, [alone]), OWN, "own", [alone])
        trail.to(contracted(trail.line), PICK, "delta")
    if not by_name:
        found = (at_n, batch.lifted(one.result, n))
        trail.to(put_in(trail.line, [found]), ONE, "one", [found])
        simplify(trail, graph)
        for member in (graph.members[name] for name in one.named if name in batch.members):
            entry = member.element
            named, own = Adjoint(mean, entry), Adjoint(Element(loss, n), entry)
            line = shortest(put_in(trail.line, [(own, named / share.result)]))
            trail.to(line, SUBSTITUTE, "substitute", [(named, share.result * own)])
    return Derivation(graph, mean.name, wrt, Adjoint(mean, x), tuple(trail.steps), trail.budget.spent)


def of_the_whole(batch: Batch, wrt: str) -> Derivation:
    """The derivation of ∂L/∂wrt, for a loss L behind a tensor output, from the gradient for one example.

    What it names is batched: the gradient of L by an entry of an example is that of the example's own loss.
    """
    output, n = batch.one.output, batch.example
    one = derivation(batch.one, "", wrt, upstream=True)
    graph, of = seeded(batch.graph, batch.graph.output.name)
    m, loss = Index(graph.letters_over(n.size)[1], n.size), graph.output.element
    head, upstream = (graph.members[name].head for name in (output.name, graph.upstream))
    x = batch.lifted(one.subject.by, n)
    inner = free_letters(graph, output, (n.name, m.name, *(i.name for i in x.indices)))
    at_n, at_m = (Adjoint(Element(head, example, *inner), x) for example in (n, m))
    known = derivation(graph, of, output.name)
    trail = Trail(Adjoint(loss, x), Budget(gradient_name(loss.name, wrt)))
    trail.to(total(Adjoint(loss, at_m.output) * at_m, m, *inner), PATHS, "paths")
    outer = (known.subject, known.result)
    trail.to(put_in(trail.line, [outer]), SUBSTITUTE, "substitute", [outer])
    if wrt in batch.members:
        alone = (at_m, Delta(m, n) * at_n)
        trail.to(put_in(trail.line, [alone]), OWN_OUTPUT, "own", [alone])
        trail.to(contracted(trail.line), PICK, "delta")
    behind = {Element(one.graph.members[one.of].head): loss, one.graph.members[one.graph.upstream].head: upstream}
    share = replace(batch, members=batch.members | {one.graph.upstream}).lifted(one.result, n).xreplace(behind)
    example = total(Element(upstream, n, *inner) * at_n, *inner)
    trail.to(share if wrt in batch.members else pulled(total(share, n)), ONE, "one", [(example, share)])
    return Derivation(graph, of, wrt, Adjoint(loss, x), tuple(trail.steps), trail.budget.spent)
