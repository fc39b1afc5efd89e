"""Derivations on a page, as lines.  Only what `prove` has shown can be printed: what prints one takes a `Proved`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby, product
from typing import Any

from derive.calculus.rules import N_
from derive.calculus.terms import Adjoint, Element, Index, Sum, indices_in_order
from derive.derivation.derivation import Derivation, Lemma, Step
from derive.derivation.sweep import ONE_PATH, SUBSTITUTE
from derive.derivation.trail import DEFINITION
from derive.derivation.written import written
from derive.errors import DeriveError
from derive.graphs.graph import Graph, gradient_parts
from derive.notation import definitions, matrices
from derive.notation.context import Context
from derive.notation.layout import EQUALS, Cases, Grid, Layout, Script, Sign, row
from derive.notation.terms import condition_layout, layout, second_derivative
from derive.proof.forms import written_out
from derive.proof.proof import Proved, proved_entries
from derive.teaching.document import Block, Equation, Inline, Inlines, Line, Math, Paragraph, Steps, Text, inlines
from derive.teaching.page import Page
from derive.teaching.request import Detail

LINEAR = N_("linearity of the derivative")
NO_MATRIX_FORM = N_("no matrix form: the form is the one with indices")
NABLA_SQUARED = Sign(r"\nabla^2", "∇²")
LEMMA = "a lemma"
RULE_BREAK = "\n"
"""Between the names of the rules that made one step of a brief derivation."""

ITSELF = "a variable by itself has derivative 1"
POWER, CHAIN = "power rule, then the chain rule", ONE_PATH

DIFFERENTIATION = frozenset({"definition", "linear", "quotient", "product", "max", "chain", "matrix", "entry"})
"""The families that carry a derivative out; a brief derivation makes them one step."""


def derived_lines(proved: Proved, page: Page, detail: Detail = "normal") -> tuple[Line, ...]:
    """The derivation line by line, then its matrix form and its cases, where it has them."""
    return (*_noted(step_lines(proved, page, detail), proved, page), *result_lines(proved, page))


def step_lines(proved: Proved, page: Page, detail: Detail = "normal") -> tuple[Line, ...]:
    """The lines of a derivation, each with its reason."""
    return lines_of(proved.derivation, page, detail)


def lines_of(found: Derivation, page: Page, detail: Detail) -> tuple[Line, ...]:
    """The same of a derivation that nobody proved; for no page."""
    context = page.context(found.graph).beside(found.indices)
    lines = (Line(line, EQUALS, _reason(s, found.graph, page)) for line, s in written(shown(found, detail), found.graph, context))
    return (Line(layout(found.subject, context)), *lines)


def shown(found: Derivation, detail: Detail) -> list[Step]:
    """The steps that a level of detail shows: `normal` makes steps of one family one, names a lemma, and writes δ_ij at once for
    ∂x_i/∂x_j; `brief` keeps the turning points.
    """
    if detail == "full":
        return list(found.steps)
    steps = [step for lemma, group in groupby(found.steps, key=lambda s: s.lemma) for step in _known(lemma, list(group))]
    merged = [_merged(list(group)) for _, group in groupby(steps, key=lambda s: s.lemma or s.family)]
    if detail == "normal":
        return _with_entries(merged)
    return [_merged(list(group)) for _, group in groupby(merged, key=lambda s: s.family in DIFFERENTIATION or s.family)]


def _known(lemma: Lemma | None, steps: list[Step]) -> list[Step]:
    """The lines that find a lemma as the one that uses it."""
    if lemma is None:
        return steps
    return [Step(steps[-1].line, LEMMA, "lemma", ((lemma.derivative, lemma.value),), steps[0].named, lemma=lemma)]


def _with_entries(steps: list[Step]) -> list[Step]:
    """The steps, with what a variable is by itself, or by another entry, in the line that leads to it."""
    out: list[Step] = []
    for step in steps:
        last = out[-1] if out else None
        if last is None or step.family != "entry" or last.family not in DIFFERENTIATION - {"entry"}:
            out.append(step)
        else:
            out[-1] = replace(step, rule=_with_entry(last, step), family=last.family, uses=last.uses)
    return out


def _with_entry(last: Step, entry: Step) -> str:
    """The reason for a line that takes such a derivative as well: δ_ij says more than that a constant came out of it."""
    if ITSELF in entry.rule and last.family != "definition":
        return last.rule
    return entry.rule if last.family in ("definition", "linear") else RULE_BREAK.join((last.rule, entry.rule))


def _merged(steps: list[Step]) -> Step:
    """Several steps as one: the last line, by the rules that say most."""
    if len(steps) == 1:
        return steps[0]
    uses = tuple(dict.fromkeys(u for s in steps for u in s.uses))
    if len({s.family for s in steps}) == 1:
        linear = steps[0].family == "linear"
        return replace(steps[-1], rule=LINEAR if linear else RULE_BREAK.join(_telling(steps)), uses=uses)
    telling = (
        [s for s in steps if s.family not in ("definition", "linear", "entry")]
        or [s for s in steps if s.family == "linear"]
        or steps
    )
    rule = RULE_BREAK.join(_telling(telling))
    return replace(steps[-1], rule=rule, family="differentiation", uses=(), named=None, opened=())


def _telling(steps: list[Step]) -> list[str]:
    """The rules of several steps, each once; the power rule is one way to use the chain rule."""
    rules = list(dict.fromkeys(rule for s in steps for rule in s.rule.split(RULE_BREAK)))
    return [rule for rule in rules if rule != POWER or CHAIN not in rules]


def _reason(step: Step, graph: Graph, page: Page) -> tuple[Inline, ...]:
    """Why a line follows: the name of the rule, and what it used."""
    context = page.context(graph)
    if step.rule == DEFINITION:
        gradients = [u for u in step.uses if isinstance(u[0], Element) and gradient_parts(u[0].name)]
        defined = [u for u in step.uses if not isinstance(u[0], Adjoint) and u not in gradients]
        given = [u for u in step.uses if isinstance(u[0], Adjoint)]
        names = _separated([layout(left, context) for left, _ in defined])
        found = page.say(SUBSTITUTE)
        if names:
            also = (Text(f", {found}"),) if gradients else ()
            return inlines(page.say(N_("definition of")) + " ", *names, *also, *_with(given, context, page))
        return inlines(found if gradients else page.say(step.rule))
    if step.family == "fold":
        names = _separated([layout(left, context) for left, _ in step.uses])
        return inlines(page.say(N_("definition of")) + " ", *names) if names else inlines(page.say(step.rule))
    if step.family == "fact":
        return inlines(page.say(N_("because")) + " ", *_equations(step.uses, context))
    if step.lemma is not None and step.family == "lemma":
        return inlines(said_lemma(step.lemma, page) + ": ", *_equations(step.uses, context))
    if step.family == "substitute":
        return inlines(page.say(N_("with")) + " ", *_equations(step.uses, context))
    rules = ", ".join(map(page.say, step.rule.split(RULE_BREAK)))
    if step.family == "paths" and step.uses:
        names = _separated([layout(left, context) for left, _ in step.uses])
        return inlines(rules + ", " + page.say(N_("definition of")) + " ", *names)
    given = [u for u in step.uses if isinstance(u[0], (Adjoint, Sum))]
    return inlines(rules, *_with(given, context, page))


def said_lemma(lemma: Lemma, page: Page) -> str:
    """What a lemma is called: the Jacobian of softmax."""
    pattern = N_("Jacobian of {name}") if lemma.derivative.body.indices else N_("gradient of {name}")
    return page.say(pattern).format(name=lemma.name)


def _with(given: list[tuple[Any, Any]], context: Context, page: Page) -> tuple[Any, ...]:
    return (Text(", " + page.say(N_("with")) + " "), *_equations(tuple(given), context)) if given else ()


def _equations(uses: tuple[tuple[Any, Any], ...], context: Context) -> tuple[Any, ...]:
    return _separated(
        [row(layout(left, context), EQUALS, layout(right, context.beside(indices_in_order(left)))) for left, right in uses]
    )


def _separated(parts: list[Layout]) -> tuple[Any, ...]:
    out: list[Any] = []
    for k, part in enumerate(parts):
        out += [Text(", "), Math(part)] if k else [Math(part)]
    return tuple(out)


# ---------------------------------------------------------------- results


def statement_lines(proved: Proved, page: Page) -> tuple[Line, ...]:
    """The result by itself, its matrix form, its cases."""
    found = proved.derivation
    context = page.context(found.graph).beside(found.indices)
    opening = (Line(layout(found.subject, context)), Line(layout(found.result, context), EQUALS))
    return (*_noted(opening, proved, page), *result_lines(proved, page))


def summary_lines(proved: Proved, page: Page) -> tuple[Line, Line]:
    """The result, and beside it the same in matrix notation, where that is another formula."""
    found = proved.derivation
    context = page.context(found.graph).beside(found.indices)
    result = layout(found.result, context)
    form = None if found.form is None else matrices.layout(found.form, page.context(found.graph))
    matrix = () if form is None or form == result else inlines(row(matrix_side(found, page.context(found.graph)), EQUALS, form))
    return Line(layout(found.subject, context)), Line(result, EQUALS, matrix)


def _noted(lines: tuple[Line, ...], proved: Proved, page: Page) -> tuple[Line, ...]:
    """The lines; under the last, where a vector or a matrix has no matrix form, that its indices are its form."""
    found = proved.derivation
    if found.form is not None or not 1 <= len(found.indices) <= 2:
        return lines
    *before, last = lines
    return (*before, replace(last, note=inlines(page.say(NO_MATRIX_FORM))))


def result_lines(proved: Proved, page: Page) -> tuple[Line, ...]:
    """The matrix form of a result and its cases, where it has them."""
    found = proved.derivation
    context = page.context(found.graph)
    lines: list[Line] = []
    if found.form is not None and found.result != 0:
        form = matrices.layout(found.form, context)
        lines += [Line(matrix_side(found, context)), Line(form, EQUALS, note=one_hot_note(found, page))]
    if cases := cases_layout(found, page):
        lines += [Line(layout(found.subject, context)), Line(cases, EQUALS)]
    return tuple(lines)


def one_hot_note(found: Derivation, page: Page) -> Inlines:
    """What the matrices of one-hot rows in a matrix form are."""
    context = page.context(found.graph)
    entries = [matrices.one_hot_entry(h, context) for h in matrices.one_hots(found.form)] if found.form else []
    return inlines(page.say(N_("one-hot rows:")) + " ", *_separated(entries)) if entries else ()


def matrix_side(found: Derivation, context: Context) -> Layout:
    """What the matrix form is the form of: ∇_W L, or ∂p/∂z; of a second derivative ∇²_z L, or ∂²L/∂z∂w."""
    ranks = len(found.subject.output.indices), len(found.subject.by.indices)
    if parts := gradient_parts(found.of):
        of, first = parts
        if first == found.wrt:
            return row(Script(NABLA_SQUARED, context.called(first, ranks[0])), Sign("", " "), context.called(of))
        return second_derivative(context.called(of), context.called(first, ranks[0]), context.called(found.wrt, ranks[1]))
    return matrices.derivative(found.of, found.wrt, ranks, context)


def cases_layout(found: Derivation, page: Page) -> Layout | None:
    """The result for equal and for different indices."""
    if found.cases is None:
        return None
    context = page.context(found.graph).beside(found.indices)
    when = page.say(N_("if")) + " "
    sign = Sign(rf"\text{{{when}}}", when)
    return Cases(tuple((layout(value, context), row(sign, condition_layout(c, context))) for value, c in found.cases))


def entry_lines(proved: Proved, page: Page, form: bool = True) -> tuple[Line, ...]:
    """A derivative whose axes have fixed sizes, entry by entry: the matrix of ∂L/∂W_ij, that of the results, the matrix form.

    Raises DeriveError where an axis is symbolic, or where there are more than two.
    """
    found = proved.derivation
    indices = found.indices
    if not all(i.size.is_Integer for i in indices) or not 1 <= len(indices) <= 2:
        raise DeriveError(
            "Only a vector or a matrix of fixed size can be written entry by entry.", hint="Declare it like W: [4, 3]."
        )
    context = page.context(found.graph)

    entries = proved_entries(proved)

    def grid(entry: Callable[[tuple[int, ...]], Any]) -> Layout:
        rows = product(*(range(int(i.size)) for i in indices[:1]))
        table = (tuple(layout(entry((*r, *c)), context) for c in _columns(indices)) for r in rows)
        return Grid(tuple(table), context.style.separator.text)

    subject = Line(grid(lambda entry: written_out(found.subject, indices, entry)), EQUALS)

    matrix = found.form if form else None
    ends = [Line(matrices.layout(matrix, context), EQUALS)] if matrix is not None else []
    return (Line(matrix_side(found, context)), subject, Line(grid(entries.__getitem__), EQUALS), *ends)


def _columns(indices: tuple[Index, ...]) -> Iterator[tuple[int, ...]]:
    return product(*(range(int(i.size)) for i in indices[1:]))


# ---------------------------------------------------------------- definitions


def definition_blocks(graph: Graph, page: Page) -> tuple[Block, ...]:
    """The definitions of a graph as their author wrote them, and entry by entry where that was in tensor notation."""
    context = page.context(graph)
    return (*(Equation(definitions.definition(node, context)) for node in graph.nodes), *_conventions(graph, page))


def definition_summary(graph: Graph, page: Page) -> tuple[Block, ...]:
    """The definitions one a line: entry by entry, and beside it as their author wrote it in tensor notation."""
    context = page.context(graph)
    lines: list[Line] = []
    for node in graph.nodes:
        left, entry = definitions.left_side(node.name, node.indices, context), definitions.layout(node.body, context)
        whole = definitions.as_written(node, context)
        lines += [Line(left), Line(entry, EQUALS, () if whole is None else inlines(whole))]
    return (Steps(tuple(lines)), *_conventions(graph, page))


def _conventions(graph: Graph, page: Page) -> tuple[Block, ...]:
    said = inlines(page.say(N_("By convention, 0 log 0 = 0, the limit of x log x.")))
    return (Paragraph(said),) if graph.zero_log else ()
