"""From the gradient for one example to the gradient of the mean loss, in proved lines.

∂J/∂W_ij = Σ_n ∂J/∂L_n · ∂L_n/∂W_ij       every example has a share in a parameter: the Σ stays
∂J/∂x_nj = Σ_m ∂J/∂L_m · δ_mn ∂L_n/∂x_nj  the loss of an example depends on its own input alone: δ_mn ends the Σ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.calculus.rules import N_
from derive.derivation.choice import named_on_the_way
from derive.derivation.examples import of_the_mean, of_the_whole
from derive.derivation.sweep import derivation
from derive.language.batching import Batch
from derive.notation.terms import layout
from derive.proof.proof import Proved, prove
from derive.teaching.blocks.gradient import definition_blocks, result_lines, statement_lines, step_lines
from derive.teaching.document import Block, Paragraph, Slide, Steps, inlines
from derive.teaching.page import Page
from derive.teaching.request import Detail

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
    one = batch.one
    candidates = named_on_the_way(one)
    known = [n for n in wrt or candidates if n in candidates]
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


# ---------------------------------------------------------------- on a page


def definition_slides(batch: Batch, page: Page) -> tuple[Slide, ...]:
    """The definition for one example, and for all."""
    titles = page.say(N_("Definition for one example")), page.say(N_("Definition for all examples"))
    graphs = batch.one, batch.graph
    return tuple(Slide(inlines(title), definition_blocks(g, page)) for title, g in zip(titles, graphs, strict=True))


def reasoning_slides(found: Reasoning, batch: Batch, page: Page, detail: Detail) -> tuple[Slide, ...]:
    """The gradients for one example, and why those for all follow."""
    ones = [_slide(page.say(N_("Gradient for one example")), p, page, (Steps(statement_lines(p, page)),)) for p in found.one]
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
    steps = Steps((*step_lines(proved, page, detail), *results))
    return (steps,) if batch.averaged or found.wrt in batch.members else (steps, Paragraph(inlines(page.say(NO_MEAN))))
