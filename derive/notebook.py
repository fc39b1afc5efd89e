"""How graphs, runs and derivations show themselves in a notebook."""

from __future__ import annotations

from derive.derivation.derivation import Derivation
from derive.graphs.graph import Graph
from derive.proof.proof import prove
from derive.teaching.blocks.gradient import derivation_blocks
from derive.teaching.blocks.pictures import diagram_of
from derive.teaching.blocks.worked import backward_blocks, forward_blocks
from derive.teaching.document import Block, Document, Slide
from derive.teaching.figure import draw
from derive.teaching.formats.render import render
from derive.teaching.page import Page
from derive.values.run import Run


def graph_svg(graph: Graph) -> str:
    """The computational graph, without numbers."""
    return draw(diagram_of(graph, Page()), "svg").decode()


def run_svg(run: Run) -> str:
    """The computational graph with values forward and gradients backward."""
    return draw(diagram_of(run.source, Page(), run), "svg").decode()


def run_markdown(run: Run) -> str:
    """The values forward and the gradients backward, line by line."""
    page = Page()
    scalars = not any(m.axes for m in run.source.members.values())
    return _markdown((*forward_blocks(run, page, elementary=scalars), *backward_blocks(run, page)))


def derivation_markdown(derivation: Derivation) -> str:
    """The derivation with its reasons; raises ProofError if a line cannot be shown."""
    return _markdown(derivation_blocks(prove(derivation), Page()))


def _markdown(blocks: tuple[Block, ...]) -> str:
    return render(Document("", (Slide((), blocks),)), "markdown").text
