"""What `derive check` says: how every line of every derivation was proved, and the numerical check of the gradients."""

from __future__ import annotations

from typing import Any

from derive.calculus.rules import N_
from derive.gradcheck import check
from derive.graphs import Graph
from derive.notation.terms import layout
from derive.proof import Proved, draw, size_sets
from derive.run import Run, run_at
from derive.teaching.checks import check_blocks, error_layout
from derive.teaching.document import Document, Slide, Table, inlines
from derive.teaching.explain import derivations
from derive.teaching.page import Page


def report(graph: Graph, page: Page, run: Run | None = None, title: str = "") -> tuple[Document, bool]:
    """The report, and whether everything passed.  Without a run, gradients are checked at a random point.

    Raises ProofError where a line of a derivation cannot be shown.
    """
    proved = derivations(graph)
    slides = [Slide(inlines(page.say(N_("Proof of every line"))), (_proofs(proved, page),))]
    run = run or run_at(graph, draw(graph, size_sets(graph)[0]))
    passed = True
    for given in graph.inputs:
        if given.differentiable and given.name in run.gradients:
            passed &= check(run, given.name).passed
            heading = inlines(page.say(N_("Gradient check by")) + " " + given.name)
            slides.append(Slide(heading, check_blocks(run, given.name, page)))
    return Document(title or graph.output.name, tuple(slides), page.style.lang), passed


def _proofs(proved: tuple[Proved, ...], page: Page) -> Table:
    header = (N_("derivative"), N_("lines"), N_("symbolic"), N_("largest error"), N_("sizes"))
    rows: list[tuple[Any, ...]] = []
    for p in proved:
        found = p.derivation
        sizes = "; ".join(", ".join(f"{name} = {n}" for name, n in point) for point in p.sizes if point)
        symbolic = f"{p.kinds.count('symbolic')}/{len(p.kinds)}"
        left = layout(found.subject, page.context(found.graph))
        rows.append(
            (inlines(left), inlines(str(len(p.kinds))), inlines(symbolic), error_layout(p.error, page, 30), inlines(sizes))
        )
    return Table(tuple(inlines(page.say(h)) for h in header), tuple(rows), ("left", "right", "right", "right", "left"))
