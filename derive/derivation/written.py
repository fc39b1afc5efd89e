"""The lines of a derivation as they are printed: a definition as its author wrote it, before it is rewritten."""

from __future__ import annotations

import re
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
            if following is None and _alike(shown, rewritten):
                yield rewritten, step
                continue
            yield shown, step
            if following is None:
                yield rewritten, replace(step, rule=REWRITE, family="rewrite", named=None, lemma=None, inner=None)
            continue
        nodes = [node for name in step.opened if isinstance(node := graph.members[name], Node)]
        shown, rewritten = with_definitions(step.named, nodes, context), layout(step.line, context)
        yield shown, step
        if (following is None or following.named is None) and not _alike(shown, rewritten):
            yield rewritten, replace(step, rule=REWRITE, family="rewrite", uses=(), named=None, opened=())


def _alike(one: Layout, other: Layout) -> bool:
    """Whether two formulas have the same signs but for their order, for the letters that are summed over, and for where numbers,
    fraction bars and brackets stand: β (y − μ)²/2 − log(β)/2 and (β (y − μ)² − log(β))/2.
    """
    first, second = map(text, (one, other))
    bound = "".join(a or b for a, b in SUMMED.findall(first + second))
    return _signs(first, bound) == _signs(second, bound)


SUMMED = re.compile(r"Σ_(?:\{([^}]*)\}|(\w))")
PLACED = frozenset(" ()[]·+/0123456789")


def _signs(formula: str, bound: str) -> Counter[str]:
    """How often each sign stands in a formula; the letters in `bound` are one sign."""
    return Counter("Σ" if sign in bound and sign.isalpha() else sign for sign in formula if sign not in PLACED)
