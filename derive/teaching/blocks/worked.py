"""Worked numbers: a definition with values put in, evaluated as on a blackboard, then backward through the graph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import Integer, Symbol

from derive.calculus.rules import N_, differentiated
from derive.calculus.shortest import shortest
from derive.calculus.terms import Element
from derive.derivation.choice import gradient_by, named_on_the_way
from derive.derivation.sweep import seeded
from derive.errors import DeriveError, in_language, listed, nearest, raised, said
from derive.graphs.graph import Graph, Node
from derive.graphs.tree import Call, Entry, Number, Op, Reduce, Ref, Tree, rebuilt, subtrees
from derive.language.lower import lower
from derive.language.typed import Nested
from derive.notation import definitions, matrices
from derive.notation.context import Context
from derive.notation.layout import EQUALS, PLUS, TIMES, Layout, Sign, joined, row
from derive.notation.pieces import ATOM, POWER, PRODUCT_LEVEL, Piece, fenced
from derive.notation.style import Style
from derive.notation.terms import derivative, layout
from derive.notation.terms import piece as term_piece
from derive.teaching.blocks.numbers import array, number, relation
from derive.teaching.document import Block, Chains, Line, Paragraph, Steps, inlines
from derive.teaching.page import Page
from derive.teaching.translation import message_translator
from derive.values.entries import entry_of, first_largest
from derive.values.evaluator import Evaluator
from derive.values.precision import DomainError
from derive.values.real import Real
from derive.values.run import Run
from derive.values.undefined import no_value

ENTRIES, TERMS = 4, 24
"""A vector of up to this many entries, a sum of up to this many terms, is worked; a longer one gives its numbers only."""


def given_blocks(run: Run, page: Page, of: str = "", order: Sequence[str] = ()) -> tuple[Block, ...]:
    """The values that a computation starts from, as typed, in this order; a label counts from where the page does."""
    graph = run.source
    wanted, context = graph.ancestors(of or graph.output.name), page.context(graph)
    parts: list[Any] = [page.say(N_("Given:")) + " "]
    place = {name: k for k, name in enumerate(order)}
    for entry in sorted((i for i in graph.inputs if i.name in wanted), key=lambda i: place.get(i.name, 0)):
        values = _given(run, entry.name, context.style.index_base if entry.kind == "label" else 0)
        numbers, exact = array(values, page)
        parts += [row(context.called(entry.name, len(entry.axes)), relation(exact), numbers), ", "]
    return (Paragraph(inlines(*parts[:-1], ".")),) if len(parts) > 1 else ()


def _given(run: Run, name: str, base: int) -> Any:
    """The values of an input: literals where they were typed."""
    values = np.array(run.exact[name], dtype=object)
    for entry in np.ndindex(values.shape):
        typed = reduce(lambda part, k: part[k] if isinstance(part, tuple) else part, entry, run.point.typed.get(name))
        values[entry] = typed if isinstance(typed, Number) and not base else values[entry] + base
    return values


def _terms(node: Node, values: Evaluator) -> int:
    """How many terms the longest reduction of a node writes out."""
    reductions = [t for t in subtrees(node.body) if isinstance(t, Reduce)]
    return max((math.prod(values.size(i.size) for i in t.indices) for t in reductions), default=1)


def forward_blocks(run: Run, page: Page, of: str = "", by_operation: bool = False) -> tuple[Block, ...]:
    """Each definition with numbers put in, up to `of`; with `by_operation`, one operation at a time."""
    graph = run.graph if by_operation else run.source
    wanted = graph.ancestors(of or graph.output.name)
    lines: list[Line | Chains] = []
    for node in graph.nodes:
        if node.name in wanted:
            lines += _node_lines(node, graph, run, page)
    return (Steps(tuple(lines)),)


def _node_lines(node: Node, graph: Graph, run: Run, page: Page) -> list[Line | Chains]:
    values = run.values
    shape = np.shape(values.arrays[node.name])
    context, places = page.context(graph), isinstance(node.body, Reduce) and node.body.operator == "argmax"
    largest = [t for t in subtrees(node.body) if isinstance(t, Reduce) and t.operator == "argmax"]
    picked = any(t.conditions for t in largest)  # which of those left out would count?
    solved = any(isinstance(t, Entry) for t in subtrees(node.body))
    if int(np.prod(shape)) > ENTRIES or _terms(node, values) > TERMS or picked or solved:
        numbers, exact = array(values.given_out(node.name) + (context.style.index_base if places else 0), page)
        return [
            Line(definitions.left_side(node.name, node.indices, context)),
            Line(definitions.layout(node.body, context), EQUALS),
            Line(context.called(node.name, len(shape))),
            Line(numbers, relation(exact)),
        ]
    parts = [_worked(node, entry, graph, values, page, run.point.typed) for entry in np.ndindex(shape)]
    short = tuple((left, *numbers) for left, _, numbers in parts)
    full = tuple(
        (left, formula, *(numbers[1:] if numbers[0].body == formula.body else numbers)) for left, formula, numbers in parts
    )
    return [Chains((full, short) if shape else (full,))]


def _worked(node: Node, entry: tuple[int, ...], graph: Graph, *more: Any) -> tuple[Line, Line, tuple[Line, ...]]:
    """See `substitution`.  Raises DomainError, naming the entry, where the definition has no value as it stands: x/x at 0."""
    try:
        return substitution(node, entry, graph, *more)
    except DomainError as error:
        raise DomainError(no_value(graph, node, entry, error.message)) from None


# ---------------------------------------------------------------- substitution


def substitution(
    node: Node,
    entry: tuple[int, ...],
    graph: Graph,
    values: Evaluator,
    page: Page,
    typed: Mapping[str, Nested] = MappingProxyType({}),
) -> tuple[Line, Line, tuple[Line, ...]]:
    """One entry of a node: its name, its formula, then the numbers put in and evaluated from the inside out.

    Each line evaluates the innermost functions and the arithmetic around them, up to the next function outside; an
    irrational value is shown before it is used.  A line with a rounded number in it follows ≈.  Inputs are shown as `typed`.
    """
    context = page.context(graph)
    indices = node.indices
    symbolic = entry_of(node.body, indices, entry, values)
    left = Line(definitions.left_side(node.name, tuple(map(_fixed, entry)), context))
    formula = Line(definitions.layout(symbolic if indices else node.body, context), EQUALS)
    tree, exact, numbers = _numbers_in(symbolic, values, typed), True, list[Line]()
    while True:
        shown, all_exact = _shown(tree, page, context.style)
        exact = exact and all_exact
        if not numbers or shown != numbers[-1].body:
            numbers.append(Line(shown, relation(exact)))
        if isinstance(tree, Number):
            return left, formula, tuple(numbers)
        if _is_largest_of(tree):
            place = values.arrays[node.name][entry] + context.style.index_base
            return left, formula, (*numbers, Line(number(place, page.style)[0].layout, EQUALS))
        tree = _evaluated(_without_zeros(tree) if graph.zero_log else tree)


def _without_zeros(tree: Tree) -> Tree:
    """A tree of numbers in which 0 times anything is 0, also times the logarithm of 0."""
    if isinstance(tree, Op) and tree.operator == "*" and any(isinstance(a, Number) and a.value == 0 for a in tree.args):
        return Number(Fraction(0), "0")
    return rebuilt(tree, _without_zeros)


def _is_largest_of(tree: Tree) -> bool:
    """Whether this is the arg max of numbers: a place, which is counted as the indices on the page are."""
    return isinstance(tree, Call) and tree.function == "argmax" and all(isinstance(a, Number) for a in tree.args)


def _fixed(k: int) -> Any:
    return Integer(k)


def _numbers_in(tree: Tree, values: Evaluator, typed: Mapping[str, Nested]) -> Tree:
    """Every entry replaced by its value, with its digits if it was typed."""
    if isinstance(tree, Ref):
        entry = tuple(int(i) for i in tree.indices)
        given = reduce(lambda part, k: part[k] if isinstance(part, tuple) else part, entry, typed.get(tree.name))
        value = values.given_out(tree.name)[entry]
        return Number(value, given.text if isinstance(given, Number) else "")
    return rebuilt(tree, lambda child: _numbers_in(child, values, typed))


def _shown(tree: Tree, page: Page, style: Style) -> tuple[Layout, bool]:
    """A tree of numbers in print, and whether all of them are exact; `style` is that of the formula, which may count from 0."""
    exact = all(number(t.value, page.style)[1] for t in subtrees(tree) if isinstance(t, Number))

    def typed(t: Tree) -> Tree:
        """Numbers as references, so that the printer asks for them (and puts negative ones in brackets)."""
        return Ref(f"#{id(t)}") if isinstance(t, Number) else rebuilt(t, typed)

    found = {f"#{id(t)}": number(t, page.style)[0] for t in subtrees(tree) if isinstance(t, Number)}
    return definitions.layout(typed(tree), Context(style), lambda ref: found[ref.name]), exact


def _evaluated(tree: Tree) -> Tree:
    """One line further: see `substitution`."""
    if isinstance(tree, Number | Entry) or not any(isinstance(t, Call) for t in subtrees(tree)):
        return _value(tree)
    if isinstance(tree, Call) and tree.function == "where":
        return tree.args[1 if _value(tree.args[0]).value else 2]
    if isinstance(tree, Call):
        if all(isinstance(a, Number) for a in tree.args):
            return _value(tree)
        calls = any(isinstance(t, Call) for a in tree.args for t in subtrees(a))
        return rebuilt(tree, _evaluated if calls else _value)
    new = rebuilt(tree, _evaluated)
    settled = all(isinstance(c, Number) and isinstance(c.value, (int, Fraction)) for c in _operands(new))
    minus = isinstance(new, Op) and new.operator == "neg" and isinstance(new.args[0], Number)
    return _value(new) if settled or minus else new


def _operands(tree: Tree) -> tuple[Tree, ...]:
    return tuple(t for t in getattr(tree, "args", ()))


def _value(tree: Tree) -> Number:
    """What a tree of numbers comes to."""
    if isinstance(tree, Number):
        return tree
    names: dict[str, Any] = {}

    def named(t: Tree) -> Tree:
        if isinstance(t, Op) and t.operator == "**" and not (isinstance(t.args[1], Number) and isinstance(t.args[1].value, Real)):
            return Op("**", (named(t.args[0]), t.args[1]))
        if isinstance(t, Call) and t.function == "argmax":
            t = Number(Fraction(first_largest([_value(a).value for a in t.args])), "")
        if not isinstance(t, Number):
            return rebuilt(t, named)
        names[f"n{len(names)}"] = t.value
        return Ref(f"n{len(names) - 1}")

    body = named(tree)
    term = lower(body, {n: Symbol(n, real=True) for n in names})
    return Number(Evaluator({}, {n: np.asarray(v, dtype=object) for n, v in names.items()}).numbers_of(term)[()], "")


# ---------------------------------------------------------------- backward


def backward_blocks(run: Run, page: Page, wrt: tuple[str, ...] = (), by_operation: bool = True) -> tuple[Block, ...]:
    """The gradient of the output by every node and input, from the output back, each from its local rules.

    A gradient that has no value is left out, if some tensors are asked for and it is not by one of them, or says so.
    Raises DomainError where no input has a gradient with a value.
    """
    faults = {name: fault for name in run.moving if (fault := _without_gradient(run, name))}
    inputs = [i.name for i in run.source.inputs if i.name in run.moving]
    if faults.keys() & {*wrt} or faults.keys() >= {*inputs}:
        raised([next(fault for name, fault in faults.items() if name in (wrt or inputs))] if faults else [])
    blocks = backward_to(run, page, [name for name in run.moving if name not in faults], by_operation)
    without = [] if wrt else [fault for name, fault in faults.items() if name in run.source.members]
    translate = message_translator(page.lang)
    return (*blocks, *(Paragraph(inlines(in_language(fault.message, translate))) for fault in without))


def on_the_way(run: Run, wrt: tuple[str, ...], by_operation: bool) -> list[str]:
    """These tensors and what lies between them and the output, from the output back.  Raises DeriveError for another name."""
    graph = run.graph if by_operation else run.source
    for name in wrt:
        if name not in run.source.members or name not in run.moving:
            inputs = [n for n in run.source.members if n in run.moving]
            hint = nearest(name, inputs) or said("It may be {listed} (wrt).", listed=listed(inputs))
            raise DeriveError(said("{name} is not computed from {other}.", name=graph.output.name, other=name), hint=hint)
    found = {graph.output.name, *(way for name in wrt for way in graph.way(name, graph.output.name))}
    return [name for name in run.moving if name in found]


def backward_to(run: Run, page: Page, wanted: list[str], by_operation: bool = True) -> tuple[Block, ...]:
    """The gradients by the tensors that are wanted, one operation or one definition at a time."""
    graph = run.graph if by_operation else run.source
    lines = (*_backward_scalars(run, graph, page, wanted),) if graph.is_scalar else _backward_tensors(run, page, wanted)
    return (*seed_note(run, page), *lines)


def seed_note(run: Run, page: Page) -> tuple[Block, ...]:
    """What is fed back into an output that is a tensor."""
    if not run.source.output.axes:
        return ()
    if run.seed is None:
        ones = N_("The output is a tensor; the gradients are those of the sum of its entries (a seed of ones).")
        return (Paragraph(inlines(page.say(ones))),)
    graph, _ = seeded(run.source, run.source.output.name)
    numbers, exact = array(run.upstream, page)
    equation = row(page.context(graph).called(graph.upstream, len(run.source.output.axes)), relation(exact), numbers)
    weighted = N_("The output is a tensor; the gradients are those of the sum of its entries, each times its entry of the seed")
    return (Paragraph(inlines(page.say(weighted) + " ", equation, ".")),)


def _without_gradient(run: Run, name: str) -> DomainError | None:
    """Why a gradient has no value; None if it has one."""
    try:
        run.gradient(name)
    except DomainError as error:
        return error
    return None


def _backward_scalars(run: Run, graph: Graph, page: Page, wanted: list[str]) -> tuple[Block, ...]:
    """∂f/∂w = ∂(t₁ w)/∂w · ∂f/∂f = t₁ · 1 = 5, for each; where a value is used twice, the paths are added."""
    output = graph.output.name
    chains = []
    for name in (name for name in wanted if name in graph.members):
        rules = [Line(Sign("1", "1"), EQUALS)] if name == output else _local_rules(run, graph, name, page)
        chains.append(_chain(Line(_partial(output, name, page.context(graph))), *rules))
    return (Steps(tuple(chains)),)


def _chain(*lines: Line) -> Chains:
    """One chain, to be written in one way."""
    return Chains(((lines,),))


def _partial(output: str, name: str, context: Context) -> Layout:
    return derivative(Piece(context.called(output)), context.called(name), True).layout


def _local_rules(run: Run, graph: Graph, name: str, page: Page) -> list[Line]:
    output = graph.output.name
    context = page.context(graph)
    x = Element(graph.members[name].head)
    gradient = run.gradient(name)
    rules, slopes, numbers, all_exact, all_plain = [], [], [], True, True
    for user in graph.consumers(name):
        if user.name not in run.moving:
            continue
        body = definitions.piece(user.body, context, lambda ref: None)
        local = derivative(body if body.level >= ATOM else Piece(fenced(body, ATOM)), context.called(name), True)
        rules.append(row(local.layout, TIMES, _partial(output, user.name, context)))
        slope = shortest(differentiated(user.expr, x))
        upstream, exact = number(run.gradient(user.name)[()], page.style)
        value, exact_slope = number(run.values.numbers_of(slope)[()], page.style)
        all_exact &= exact and exact_slope
        plain = slope.is_number or isinstance(slope, Element)
        all_plain &= bool(plain)
        slopes.append(row(fenced(term_piece(slope, context), PRODUCT_LEVEL), TIMES, fenced(upstream, POWER)))
        numbers.append(row(fenced(value, PRODUCT_LEVEL), TIMES, fenced(upstream, POWER)))
    result, exact = number(gradient[()], page.style)
    chain = [joined(rules, PLUS), joined(slopes, PLUS)]
    lines = [Line(part, EQUALS) for part in chain]
    lines[1] = Line(
        chain[1],
        relation(all(number(run.gradient(u.name)[()], page.style)[1] for u in graph.consumers(name) if u.name in run.moving)),
    )
    if not all_plain:
        lines.append(Line(joined(numbers, PLUS), relation(all_exact)))
    return [*lines, Line(result.layout, relation(exact and all_exact))]


def _backward_tensors(run: Run, page: Page, wanted: list[str]) -> tuple[Block, ...]:
    """For each tensor its gradient's formula, in matrix form where there is one, then the numbers."""
    graph = run.source
    blocks: list[Line | Chains] = []
    for name in (n for n in reversed(named_on_the_way(graph)) if n in wanted):
        member, found = graph.members[name], gradient_by(graph, name)
        context = page.context(found.graph).beside(found.indices)
        matrix = found.form
        form = matrices.layout(matrix, context) if matrix is not None else None
        left = matrices.nabla(found.of, name, len(member.indices), context) if member.indices else layout(found.subject, context)
        numbers, exact = array(run.gradient(name), page)
        if form is None and member.indices:
            blocks += [Line(layout(found.subject, context)), Line(layout(found.result, context), EQUALS)]
        formula = [] if form is None and member.indices else [Line(form or layout(found.result, context), EQUALS)]
        blocks.append(_chain(Line(left), *formula, Line(numbers, relation(exact))))
    return (Steps(tuple(blocks)),)
