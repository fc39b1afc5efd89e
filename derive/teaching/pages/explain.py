"""What `derive explain` says of a definition: the definition, worked numbers, and every derivation, proved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derive.calculus.rules import N_
from derive.derivation.derivation import Derivation
from derive.derivation.sweep import derivation
from derive.errors import DeriveError
from derive.graphs.graph import Graph, gradient_parts
from derive.language.batching import Batch
from derive.notation.terms import layout
from derive.proof.proof import Proved, prove
from derive.teaching.blocks.batched import definition_slides, reasoning, reasoning_slides
from derive.teaching.blocks.gradient import Detail, definition_blocks, derivation_blocks, result_blocks
from derive.teaching.blocks.hessian import hessian_blocks, hessians, title_of
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Document, Slide, inlines
from derive.teaching.page import Page
from derive.values.run import Run


def derivations(graph: Graph, wrt: Sequence[str] = (), order: int = 1) -> tuple[Proved, ...]:
    """The derivations of a definition's output, from the output back, all proved.

    By the inputs and the named results on the way, or by `wrt` and what those results name.  For an output that is a
    tensor: its Jacobian where that has two indices at most, and the gradient of a loss behind it.  With order=2, the
    second derivatives instead; see `hessians`.  Raises ProofError.
    """
    if order == 2:
        return hessians(graph, wrt)
    output = graph.output
    reached = graph.ancestors(output.name) - {output.name}
    names = [m.name for m in graph.members.values() if m.name in reached and m.differentiable]
    own = [n for n in names if not getattr(graph.members[n], "inner", False)]
    for name in wrt:
        derivation(graph, "", name)
        if name not in names:
            raise DeriveError(f"{output.name} is not computed from {name}")
    found: list[Derivation] = []
    if output.indices:
        small = [n for n in wrt or own if len(output.indices) + len(graph.members[n].indices) <= 2]
        found += [d for d in (derivation(graph, "", n) for n in reversed(small)) if not d.named]
    wanted, way = set(wrt or own), list[Derivation]()
    for name in names:  # what a result names comes after it, on the way to the output
        if name in wanted:
            way.append(derivation(graph, "", name, upstream=bool(output.indices)))
            wanted |= set(way[-1].named)
    found += reversed(way)
    return tuple(map(prove, found))


def explain(
    graph: Graph,
    page: Page,
    run: Run | None = None,
    wrt: Sequence[str] = (),
    detail: Detail = "normal",
    title: str = "",
    order: int = 1,
    batch: Batch | None = None,
) -> Document:
    """The explanation as a document; of a batched definition, with why its gradients follow from those of one example."""
    say = page.say
    proved = derivations(graph, wrt, order)
    slides = [_slide(say(N_("Definition")), definition_blocks(graph, page))]
    if batch is not None:
        slides = list(definition_slides(batch, page))
    if run is not None:
        scalars = not any(m.axes for m in graph.members.values())
        slides.append(_slide(say(N_("Forward: the values")), forward_blocks(run, page, elementary=scalars)))
        slides.append(_slide(say(N_("Backward: the gradients")), backward_blocks(run, page)))
    if batch is not None and order == 1:
        why = reasoning(batch, wrt)
        slides += reasoning_slides(why, batch, page, detail)
        proved = tuple(p for p in proved if p not in why.all)
    slides += [_derivation_slide(p, page, detail, order, run) for p in proved]
    return Document(title or graph.output.name, tuple(slides), page.lang, source=graph.source)


def _slide(title: str, blocks: Iterable[Block]) -> Slide:
    return Slide(inlines(title), tuple(blocks))


def _derivation_slide(proved: Proved, page: Page, detail: Detail, order: int, run: Run | None) -> Slide:
    found = proved.derivation
    if gradient_parts(found.of):
        kind, blocks = title_of(found, page), hessian_blocks(proved, page, detail, run)
    else:
        kind = page.say(N_("Jacobian")) if found.subject.output.indices else page.say(N_("Gradient"))
        short = order == 2 and detail == "brief"  # the gradient is only on the way there
        blocks = result_blocks(proved, page) if short else derivation_blocks(proved, page, detail)
    return Slide(inlines(f"{kind} ", layout(found.subject, page.context(found.graph))), blocks)


# ---------------------------------------------------------------- JSON
