"""From the gradient for one example to the gradient of the mean loss, in proved lines.

∂J/∂W_ij = Σ_n ∂J/∂L_n · ∂L_n/∂W_ij       every example has a share in a parameter: the Σ stays
∂J/∂x_nj = Σ_m ∂J/∂L_m · δ_mn ∂L_n/∂x_nj  the loss of an example depends on its own input alone: δ_mn ends the Σ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from derive.calculus.budget import Budget
from derive.calculus.normal import contracted, pulled
from derive.calculus.rules import N_
from derive.calculus.shortest import shortest
from derive.calculus.terms import Adjoint, Delta, Element, Index, total, walk
from derive.derivation import PATHS, PICK, SUBSTITUTE, Derivation, Trail, derivation, free_letters, seeded, simplify
from derive.graphs.graph import gradient_name
from derive.language.batching import Batch
from derive.notation.terms import layout
from derive.proof import Proved, prove
from derive.teaching.document import Block, Paragraph, Slide, Steps, inlines
from derive.teaching.gradient import Detail, definition_blocks, derivation_steps, result_blocks, result_lines
from derive.teaching.page import Page

OWN = N_("the loss of an example depends on its own entries only")
OWN_OUTPUT = N_("the output for an example depends on its own entries only")
ONE = N_("the gradient for one example")
NO_MEAN = N_("No mean is taken here: the sum over the examples comes from the chain rule.")
SUMS = N_("a matrix product sums over the index that its factors share")


@dataclass(frozen=True)
class Reasoning:
    """Gradients for one example, and the gradients for all that follow from them; all proved."""

    one: tuple[Proved, ...]
    all: tuple[Proved, ...]


def reasoning(batch: Batch, wrt: Sequence[str] = ()) -> Reasoning:
    """Why the batched gradients are what they are, by the first parameter (of `wrt`) and by a tensor that is batched.

    For an output that is a tensor no mean is taken: its gradients are those of a loss of all examples behind it.
    """
    one, members = batch.one, batch.one.members
    known = [n for n in wrt or members if n in one.ancestors(one.output.name) - {one.output.name}]
    known = [n for n in known if members[n].differentiable and not getattr(members[n], "inner", False)]
    shared, own = (next((n for n in known if (n in batch.members) is batched), "") for batched in (False, True))
    if not batch.averaged:
        found = [derivation(one, "", name, upstream=True) for name in (shared, own) if name]
        together = [of_the_whole(batch, d.wrt) for d in found if batch.members.issuperset(d.named)]
        return Reasoning(tuple(map(prove, found)), tuple(map(prove, together)))
    found = [derivation(one, "", shared)] if shared else []
    named = [name for d in found for name in d.named if name in batch.members]
    means = [derivation(batch.graph, "", one.output.name), *(of_the_mean(batch, name, by_name=True) for name in named)]
    if own and not named:
        found.append(derivation(one, "", own))
        means.append(of_the_mean(batch, own))
    if shared:
        means.append(of_the_mean(batch, shared))
    return Reasoning(tuple(map(prove, found)), tuple(map(prove, means)))


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
    trail.to(shortest(_put(trail.line, *known)), SUBSTITUTE, "substitute", [known])
    if wrt in batch.members:
        alone = (at_m, Delta(m, n) * at_n)
        trail.to(_put(trail.line, *alone), OWN, "own", [alone])
        trail.to(contracted(trail.line), PICK, "delta")
    if not by_name:
        found = (at_n, batch.lifted(one.result, n))
        trail.to(_put(trail.line, *found), ONE, "one", [found])
        simplify(trail, graph)
        for member in (graph.members[name] for name in one.named if name in batch.members):
            entry = Element(member.head, *member.indices)
            named, own = Adjoint(mean, entry), Adjoint(Element(loss, n), entry)
            line = shortest(_put(trail.line, own, named / share.result))
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
    trail.to(_put(trail.line, known.subject, known.result), SUBSTITUTE, "substitute", [(known.subject, known.result)])
    if wrt in batch.members:
        alone = (at_m, Delta(m, n) * at_n)
        trail.to(_put(trail.line, *alone), OWN_OUTPUT, "own", [alone])
        trail.to(contracted(trail.line), PICK, "delta")
    behind = {Element(one.graph.members[one.of].head): loss, one.graph.members[one.graph.upstream].head: upstream}
    share = replace(batch, members=batch.members | {one.graph.upstream}).lifted(one.result, n).xreplace(behind)
    example = total(Element(upstream, n, *inner) * at_n, *inner)
    trail.to(share if wrt in batch.members else pulled(total(share, n)), ONE, "one", [(example, share)])
    return Derivation(graph, of, wrt, Adjoint(loss, x), tuple(trail.steps), trail.budget.spent)


def _put(line: Any, old: Adjoint, new: Any) -> Any:
    """The line with what a gradient is put in, at any indices."""

    def rewrite(t: Any) -> Any:
        same = isinstance(t, Adjoint) and (t.output.name, t.by.name) == (old.output.name, old.by.name)
        return new.xreplace(dict(zip(_indices(old), _indices(t), strict=True))) if same else t

    return walk(line, rewrite)


def _indices(adjoint: Adjoint) -> tuple[Any, ...]:
    return (*adjoint.output.indices, *adjoint.by.indices)


# ---------------------------------------------------------------- on a page


def definition_slides(batch: Batch, page: Page) -> tuple[Slide, ...]:
    """The definition for one example, and for all."""
    titles = page.say(N_("Definition for one example")), page.say(N_("Definition for all examples"))
    graphs = batch.one, batch.graph
    return tuple(Slide(inlines(title), definition_blocks(g, page)) for title, g in zip(titles, graphs, strict=True))


def reasoning_slides(found: Reasoning, batch: Batch, page: Page, detail: Detail) -> tuple[Slide, ...]:
    """The gradients for one example, and why those for all follow."""
    ones = [_slide(page.say(N_("Gradient for one example")), p, page, result_blocks(p, page)) for p in found.one]
    title = page.say(N_("Gradient of the mean") if batch.averaged else N_("Gradient for all examples"))
    means = [_slide(title, p, page, _mean_blocks(p, batch, page, detail)) for p in found.all]
    return (*ones, *means)


def _slide(title: str, proved: Proved, page: Page, blocks: tuple[Block, ...]) -> Slide:
    found = proved.derivation
    return Slide(inlines(f"{title} ", layout(found.subject, page.context(found.graph))), blocks)


def _mean_blocks(proved: Proved, batch: Batch, page: Page, detail: Detail) -> tuple[Block, ...]:
    """The derivation; where a Σ over the examples is left, why the matrix form has it no more."""
    found, results = proved.derivation, result_lines(proved, page)
    if found.form is not None and found.wrt not in batch.members:
        results = (results[0], replace(results[1], reason=inlines(page.say(SUMS))), *results[2:])
    steps = Steps((*derivation_steps(proved, page, detail).lines, *results))
    return (steps,) if batch.averaged or found.wrt in batch.members else (steps, Paragraph(inlines(page.say(NO_MEAN))))
