"""What `derive explain` says of a definition: the definition, worked numbers, and every derivation, proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.calculus.rules import N_
from derive.derivation.second_order import SecondDerivation
from derive.notation.terms import layout
from derive.proof.proof import Proved
from derive.teaching.blocks.batched import definition_slides, reasoning, reasoning_slides
from derive.teaching.blocks.derivative import derivative_blocks, title_of
from derive.teaching.blocks.gradient import definition_blocks
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Document, Slide, inlines
from derive.teaching.page import Page
from derive.teaching.request import Request


def explain(request: Request, page: Page, title: str = "") -> Document:
    """The explanation as a document; of a batched definition, with why its gradients follow from those of one example."""
    say, graph, batch, run, proved = page.say, request.graph, request.batched, request.run, request.shown
    slides = [_slide(say(N_("Definition")), definition_blocks(graph, page))]
    if batch is not None:
        slides = list(definition_slides(batch, page))
    if run is not None:
        slides.append(_slide(say(N_("Forward: the values")), forward_blocks(run, page, by_operation=graph.is_scalar)))
        slides.append(_slide(say(N_("Backward: the gradients")), backward_blocks(run, page)))
    if batch is not None and request.order == 1:
        why = reasoning(batch, request.wrt)
        slides += reasoning_slides(why, batch, page, request.view.detail)
        proved = tuple(p for p in proved if p not in why.all)
    slides += [_derivation_slide(p, request, page) for p in proved]
    return Document(title or graph.output.name, tuple(slides), page.lang, source=graph.source)


def _slide(title: str, blocks: Iterable[Block]) -> Slide:
    return Slide(inlines(title), tuple(blocks))


def _derivation_slide(proved: Proved, request: Request, page: Page) -> Slide:
    """A derivation; the numbers of a first one stand on the slides of the run, and before a second one it is on the way there."""
    found, view, run = proved.derivation, request.view, request.run
    if not isinstance(found, SecondDerivation):
        view, run = replace(view, steps=request.order == 1 or view.detail != "brief"), None
    title = inlines(f"{title_of(found, page)} ", layout(found.subject, page.context(found.graph)))
    return Slide(title, derivative_blocks(proved, page, view, run))
