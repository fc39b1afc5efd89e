"""The lines of a derivation as they are printed: a definition as its author wrote it, before it is rewritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from derive.calculus.rules import N_
from derive.derivation.derivation import Step
from derive.graphs.graph import Graph, Node
from derive.notation.context import Context
from derive.notation.definitions import with_definitions, with_values
from derive.notation.layout import Layout, text
from derive.notation.terms import layout

REWRITE = N_("rewrite")


def written(steps: Sequence[Step], graph: Graph, context: Context) -> Iterator[tuple[Layout, Step]]:
    """Each line with its step.  What the calculus makes of a definition before it differentiates is a line of its own, unless
    that is only in another order.
    """
    for step, following in zip_longest(steps, steps[1:]):
        if step.named is None:
            yield layout(step.line, context), step
            continue
        if step.lemma is not None and not step.opened:
            value = step.lemma.value if step.inner is None else step.inner
            shown = with_values(step.named, partial(step.lemma.at, value=value), context)
            rewritten = layout(step.line, context)
            yield shown, step
            if following is None and text(shown) != text(rewritten):
                yield rewritten, replace(step, rule=REWRITE, family="rewrite", named=None, lemma=None, inner=None)
            continue
        nodes = [node for name in step.opened if isinstance(node := graph.members[name], Node)]
        shown, rewritten = with_definitions(step.named, nodes, context), layout(step.line, context)
        yield shown, step
        if (following is None or following.named is None) and not _alike(shown, rewritten):
            yield rewritten, replace(step, rule=REWRITE, family="rewrite", uses=(), named=None, opened=())


def _alike(one: Layout, other: Layout) -> bool:
    """Whether two formulas have the same signs but for their order, and for where a fraction bar stands."""
    first, second = (Counter(text(formula).replace("1/", "/")) for formula in (one, other))
    for sign in " ()·+":
        first[sign] = second[sign] = 0
    return +first == +second
