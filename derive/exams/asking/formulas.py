"""Formulas asked for: a gradient in index notation, its matrix form, its shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from derive.calculus import matrix_algebra
from derive.calculus.matrix_algebra import MatMul, Matrix, Ones, Transpose, subforms
from derive.calculus.rules import N_
from derive.calculus.terms import Binder, Index, Sum, opened, substituted
from derive.derivation.derivation import Derivation, Step
from derive.derivation.sweep import derivation, expanded
from derive.exams.asking.words import Written, sentence
from derive.exams.item import Choice, Option, Text
from derive.exams.mistakes import own, wrongs
from derive.exams.solved import Ask, Solved, slip_of
from derive.graphs.graph import Graph
from derive.notation import matrices
from derive.notation.layout import EQUALS, Layout, Sign, row
from derive.notation.terms import layout
from derive.proof.proof import prove
from derive.teaching.blocks.gradient import derived_lines, matrix_side
from derive.teaching.document import Block, Inlines, Paragraph, Steps, inlines
from derive.teaching.page import Page
from derive.values.run import Run


def solved_formula(run: Run, ask: Ask) -> Solved:
    """The gradient's formula, put in as far as it goes, and those that mistakes lead to."""
    found = expanded(derivation(run.source, "", ask.name))
    made = [(w.mistake, own(w.found, run.source)) for w in wrongs(run.source, run.source.output.name, ask.name) if w.found]
    made += [(mistake, replace(found, steps=(Step(term, "", ""),))) for mistake, term in _misindexed(found)]
    distinct = {wrong.result: (mistake, wrong) for mistake, wrong in reversed(made) if wrong.result != found.result}
    return Solved(found, tuple(reversed(distinct.values())))


def _misindexed(found: Derivation) -> Iterator[tuple[str, Any]]:
    """The result with its two indices exchanged, and without a sum, its index left to stand free."""
    if len(found.indices) == 2:
        i, j = found.indices
        yield "transposed", substituted(found.result, {i: j, j: i})
    for part in sorted(found.result.atoms(Sum), key=str):
        if len(part.indices) == 1 and not part.body.atoms(Binder):
            (bound,), body = opened(part)
            taken = {i.name for i in found.indices}
            letter = next((a for a in found.graph.letters_over(bound.size) if a not in taken), "")
            if letter:
                yield "index-kept", found.result.xreplace({part: body.xreplace({bound: Index(letter, bound.size)})})


def written_formula(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The formulas to choose from."""
    found: Derivation = solved.key
    prompt = sentence(page, N_("Which formula is {what}?"), layout(found.subject, page.context(run.source)))
    options = [Option(_formula(found, run.source, page))]
    options += [Option(_formula(wrong, run.source, page), slip_of(mistake, page)) for mistake, wrong in solved.wrong]
    return Written(prompt, Choice(tuple(options)))


def _formula(found: Derivation, graph: Graph, page: Page) -> Inlines:
    context = page.context(found.graph).beside(found.indices)
    return inlines(row(layout(found.subject, page.context(graph)), EQUALS, layout(found.result, context)))


def derivation_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """The derivation, proved."""
    return (Steps(derived_lines(prove(expanded(derivation(run.source, "", ask.name))), page)),)


# ---------------------------------------------------------------- matrix forms


def solved_matrix(run: Run, ask: Ask) -> Solved:
    """The gradient's matrix form; those with a factor transposed or two exchanged, and those that mistakes lead to."""
    found = expanded(derivation(run.source, "", ask.name))
    assert found.form is not None
    seen = {found.form}
    wrong: list[tuple[str, Matrix]] = []
    made = [(w.mistake, own(w.found, run.source)) for w in wrongs(run.source, run.source.output.name, ask.name) if w.found]
    other = ((mistake, wrong.form) for mistake, wrong in made if wrong.form)
    for mistake, form in (*(("transposed", form) for form in _turned(found.form)), *other):
        if form not in seen:
            seen.add(form)
            wrong.append((mistake, form))
    return Solved(found.form, tuple(wrong))


def _turned(form: Matrix) -> Iterator[Matrix]:
    """A form with a factor transposed, or with factors in another order, in one of its products."""
    for part in dict.fromkeys(subforms(form)):
        if not isinstance(part, MatMul) or len(part.args) > 3 or any(isinstance(f, Ones) for f in part.args):
            continue
        for k, factor in enumerate(part.args):
            other = factor.body if isinstance(factor, Transpose) else Transpose(factor)
            yield _replaced(form, part, MatMul((*part.args[:k], other, *part.args[k + 1 :])))
        for args in list(permutations(part.args))[1:2]:
            yield _replaced(form, part, MatMul(args))


def _replaced(form: Any, old: Matrix, new: Matrix) -> Any:
    """A form with one of its parts another, and nothing put in order."""
    if form == old:
        return new
    if isinstance(form, tuple):
        return tuple(_replaced(part, old, new) for part in form)
    if type(form).__module__ != matrix_algebra.__name__:
        return form
    return replace(form, **{name: _replaced(getattr(form, name), old, new) for name in form.__dataclass_fields__})


def written_matrix(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The matrix forms to choose from."""
    found = derivation(run.source, "", ask.name)
    context = page.context(run.source)
    left = matrix_side(found, context)

    def option(form: Matrix) -> Inlines:
        return inlines(row(left, EQUALS, matrices.layout(form, context)))

    options = [Option(option(solved.key)), *(Option(option(form), slip_of(m, page)) for m, form in solved.wrong)]
    return Written(sentence(page, N_("Which matrix form is {what}?"), left), Choice(tuple(options)))


# ---------------------------------------------------------------- shapes


def solved_shape(run: Run, ask: Ask) -> Solved:
    """The sizes of a gradient, which are those of what it is by, not of its transpose or of what is computed from it."""
    axes = tuple(run.source.members[ask.name].axes)
    sizes = tuple(run.values.size(axis) for axis in axes)
    others = [tuple(run.values.size(axis) for axis in node.axes) for node in run.source.consumers(ask.name)]
    wrong = [("transposed", sizes[::-1]), *(("shape", other) for other in others if other)]
    distinct = {other: mistake for mistake, other in reversed(wrong) if other != sizes}
    return Solved(sizes, tuple((mistake, other) for other, mistake in reversed(distinct.items())))


def written_shape(ask: Ask, solved: Solved, run: Run, page: Page) -> Written:
    """The shape, to be given as numbers."""
    found = derivation(run.source, "", ask.name)
    what = matrix_side(found, page.context(run.source))
    wrong = tuple((_typed(sizes), slip_of(mistake, page)) for mistake, sizes in solved.wrong)
    prompt = sentence(page, N_("What is the shape of {what}? Give its sizes with commas between them."), what)
    return Written(prompt, Text((_typed(solved.key),), inlines(_shown(solved.key)), wrong))


def _typed(sizes: tuple[int, ...]) -> str:
    return ",".join(map(str, sizes))


def _shown(sizes: tuple[int, ...]) -> Layout:
    return Sign(r" \times ".join(map(str, sizes)), " × ".join(map(str, sizes)))


def shape_solution(ask: Ask, run: Run, page: Page) -> Sequence[Block]:
    """Why it is that."""
    what = page.context(run.source).called(ask.name, len(run.source.members[ask.name].axes))
    return (Paragraph(sentence(page, N_("A gradient has the shape of {what}."), what)),)
