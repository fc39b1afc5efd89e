"""What `derive explain` says of a definition: the definition, worked numbers, and every derivation, proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from derive.calculus.rules import N_
from derive.derivation.second_order import SecondDerivation
from derive.graphs.graph import Graph
from derive.notation.terms import layout
from derive.proof.kinks import kinks_met
from derive.proof.proof import Proved
from derive.teaching.blocks.batched import definition_slides, reasoning, reasoning_slides
from derive.teaching.blocks.checks import kink_note
from derive.teaching.blocks.derivative import DEFAULT, derivative_blocks, summary_blocks, title_of
from derive.teaching.blocks.gradient import definition_blocks, definition_summary
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Document, Slide, inlines
from derive.teaching.page import Page
from derive.teaching.request import Request, View
from derive.values.run import Run

DEFINITION = N_("Definition")


def explain(request: Request, page: Page, title: str = "") -> Document:
    """The explanation as a document; of a batched definition, with why its gradients follow from those of one example."""
    graph, batch, run, proved = request.graph, request.batched, request.run, request.shown
    at_a_glance = request.order == 1 and request.view.detail == "brief" and not request.wrt
    if batch is None:
        slides = (
            [Slide(inlines(page.say(DEFINITION)), definition_summary(graph, page))]
            if at_a_glance
            else [definition_slide(graph, page)]
        )
    else:
        slides = list(definition_slides(batch, page))
    if run is not None:
        slides += run_slides(run, page, request.wrt)
    if batch is not None and request.order == 1:
        why = reasoning(batch, request.wrt)
        slides += reasoning_slides(why, batch, page, request.view.detail)
        proved = tuple(p for p in proved if p not in why.all)
    if at_a_glance:
        slides += summary_slides(proved, page)
    else:
        slides += [_derivation_slide(p, request, page) for p in proved]
    return Document(title or graph.output.name, tuple(slides), page.lang, source=graph.source)


def definition_slide(graph: Graph, page: Page) -> Slide:
    """What is computed."""
    return Slide(inlines(page.say(DEFINITION)), tuple(definition_blocks(graph, page)))


def run_slides(run: Run, page: Page, wrt: tuple[str, ...] = ()) -> tuple[Slide, Slide]:
    """Its numbers, forward and backward."""
    forward = forward_blocks(run, page, by_operation=run.source.is_scalar)
    return (
        Slide(inlines(page.say(N_("Forward: the values"))), tuple(forward)),
        Slide(inlines(page.say(N_("Backward: the gradients"))), (*backward_blocks(run, page, wrt), *_kinks(run, page))),
    )


def _kinks(run: Run, page: Page) -> tuple[Block, ...]:
    """What is taken for the derivative where there is none."""
    met = kinks_met(run.source, run.values)
    return (kink_note(met, page),) if met else ()


def derivation_slide(proved: Proved, page: Page, view: View = DEFAULT, run: Run | None = None) -> Slide:
    """A derivation, with its numbers where there is a run."""
    found = proved.derivation
    title = inlines(f"{title_of(found, page)} ", layout(found.subject, page.context(found.graph)))
    return Slide(title, derivative_blocks(proved, page, view, run))


def summary_slides(proved: Sequence[Proved], page: Page) -> tuple[Slide, ...]:
    """All results at a glance, Jacobians before gradients: each by its entries, beside it in matrix notation."""
    titles = {True: N_("Jacobians"), False: N_("Gradients")}
    kinds = groupby(proved, key=lambda p: bool(p.derivation.subject.output.indices))
    return tuple(Slide(inlines(page.say(titles[tensor])), summary_blocks(tuple(group), page)) for tensor, group in kinds)


def _derivation_slide(proved: Proved, request: Request, page: Page) -> Slide:
    """A derivation; the numbers of a first one stand on the slides of the run, and before a second one it is on the way there."""
    view, run = request.view, request.run
    if not isinstance(proved.derivation, SecondDerivation):
        view, run = replace(view, steps=request.order == 1 or view.detail != "brief"), None
    return derivation_slide(proved, page, view, run)
