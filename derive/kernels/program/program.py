"""Programs: *what* a kernel computes, as assignments over index expressions; nothing here says how.

    m_n     = max_i z_ni
    s_n     = Σ_i exp(z_ni - m_n)
    L       = 1/N Σ_n (m_n + log s_n - z_n,t_n)
    grad_ni = 1/N (exp(z_ni - m_n)/s_n - δ_i,t_n)

A program is read off a graph and its derivations: the nodes forward, then the adjoints that the gradients name, from the
output back.  What turns one program into another is a function, and `equal` shows that the outputs stay what they were.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from derive.calculus.frozen import WithTerms
from derive.calculus.functions import Named, written_out
from derive.calculus.terms import Adjoint, Binder, Element, Index, free_indices, names, substituted, walk
from derive.derivation.choice import with_used
from derive.derivation.derivation import Derivation
from derive.errors import DeriveError, ProofError, nearest, said
from derive.graphs.graph import Graph, Input, remembered
from derive.kernels.program.outputs import has_loss, with_loss
from derive.language import library
from derive.notation.context import context_of
from derive.notation.layout import text
from derive.notation.terms import layout
from derive.proof.points import random_point, sets_with_values
from derive.proof.sizes import Sizes
from derive.values.evaluator import Evaluator
from derive.values.real import most_apart, real

AGREE = 1e-30
"""Two programs, or a program and its graph, give numbers of 50 digits that differ by no more than this, relatively."""

MOST_NUMBERS = 200_000
"""Programs whose sums have more terms, at all sizes that they are compared at, are refused."""


@dataclass(frozen=True)
class Assign(WithTerms):
    """`entry = term`, for all values of the indices of the entry."""

    entry: Element
    term: Any

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def indices(self) -> tuple[Index, ...]:
        return self.entry.indices

    @cached_property
    def reads(self) -> frozenset[str]:
        """The tensors that the term mentions."""
        return names(self.term)

    def at(self, entry: Element) -> Any:
        """What an entry of the tensor is."""
        return substituted(self.term, dict(zip(self.indices, entry.indices, strict=True)))


@dataclass(frozen=True)
class Program(WithTerms):
    """Assignments in order of evaluation; every tensor is assigned once, and read only after that.

    `outputs` are the tensors that are wanted, in order.  `graph` declares the inputs; where it has an upstream gradient,
    that is one of them.  `reserved` are names that whoever prints the program uses himself: nothing new is called so.
    """

    graph: Graph
    assigns: tuple[Assign, ...]
    outputs: tuple[str, ...]
    reserved: frozenset[str] = frozenset()

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.graph.inputs

    @cached_property
    def assigned(self) -> dict[str, Assign]:
        return {assign.name: assign for assign in self.assigns}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that means something: tensors, sizes, letters, what is reserved."""
        letters = (c for _, letters in self.graph.letters for c in letters)
        return self.taken.union(letters)

    @cached_property
    def taken(self) -> frozenset[str]:
        """The names that an index may not have: those of tensors and sizes, and what is reserved."""
        return self.reserved.union(self.graph.members, self.assigned, map(str, self.graph.sizes))

    @cached_property
    def whole(self) -> frozenset[str]:
        """The tensors of whole numbers: labels, what is found or counted; an array of one constant is one of real numbers."""
        labels = {i.name for i in self.inputs if i.kind == "label"}
        return frozenset(labels | {a.name for a in self.assigns if a.entry.is_integer and not (a.indices and a.term.is_Rational)})

    def fresh(self, *preferred: str) -> str:
        """A name that means nothing yet, the first of those preferred where it can be."""
        return unused(self.names, *preferred, stem=preferred[0])

    def alive(self) -> Program:
        """The program without what no output needs."""
        needed, kept = set(self.outputs), list[Assign]()
        for assign in reversed(self.assigns):
            if assign.name in needed:
                kept.append(assign)
                needed |= assign.reads
        return replace(self, assigns=tuple(reversed(kept)))

    def __str__(self) -> str:
        """The assignments as mathematics, a line each."""
        context = context_of(replace(self.graph, shown=()))
        return "\n".join(
            f"{text(layout(a.entry, context))} = {text(layout(walk(a.term, _plain), context))}" for a in self.assigns
        )


def unused(taken: Container[str], *preferred: str, stem: str) -> str:
    """The first name that is not taken: of those preferred, then the stem with a number, from 1."""
    return next(n for n in chain(preferred, (f"{stem}{k}" for k in count(1))) if n not in taken)


def _plain(term: Any) -> Any:
    """A function that only kernels know, as it is defined."""
    return term.unfolded if isinstance(term, Named) and not library.known(type(term).__name__) else term


def gradient(name: str) -> str:
    """What the gradient by a tensor is called in programs and kernels."""
    return f"grad_{name}"


def program(graph: Graph, wrt: Sequence[str] = (), value: bool = True, outputs: Sequence[str] = ()) -> Program:
    """The outputs of a graph (if `value`), by default its last tensor, and the gradients by `wrt`, as a program.

    For an output that is a tensor the gradients are those of a loss behind it, whose gradient by the output is one more
    input; see `outputs` for several.  Raises DeriveError for a name that is no input to differentiate by.
    """
    for name in wrt:
        _check_input(graph, name)
    of, derived = tuple(outputs) or (graph.output.name,), derivations(graph, wrt, outputs)
    whole = derived[0].graph if derived else graph
    forward = [Assign(node.element, node.expr) for node in graph.nodes]
    program = Program(whole, (*forward, *_backward(derived)), (*(of if value else ()), *map(gradient, wrt)))
    clash = next((g for g in map(gradient, whole.members) if g in whole.members), None)
    if clash:
        raise DeriveError(
            said("{clash} is the name of a gradient in kernels.", clash=clash), hint="Give the tensor another name."
        )
    return program.alive()


def _check_input(graph: Graph, name: str) -> None:
    inputs = [i.name for i in graph.inputs if i.differentiable]
    if name not in inputs:
        known = {i.name for i in graph.inputs}
        pattern = "{name} is a label: nothing is differentiated by it." if name in known else "There is no input {name}."
        raise DeriveError(
            said(pattern, name=name),
            hint=nearest(name, inputs) or said("Kernels differentiate by {names}.", names=", ".join(inputs)),
        )


def derivations(graph: Graph, wrt: Sequence[str], outputs: Sequence[str] = ()) -> list[Derivation]:
    """The derivations that the gradients of a graph by `wrt` come from, from the output back; see `program`."""
    if has_loss(graph, outputs):
        return with_used(with_loss(graph, outputs), wrt)
    return with_used(graph, wrt, upstream=bool(graph.output.axes))


def _backward(derived: Sequence[Derivation]) -> list[Assign]:
    """The gradients, those that other formulas name before these."""
    return [Assign(_gradient_entry(d.subject), walk(written_out(d.computed), _named)) for d in derived]


def _named(term: Any) -> Any:
    return _gradient_entry(term) if isinstance(term, Adjoint) else term


def _gradient_entry(adjoint: Adjoint) -> Element:
    """The entry of the gradient; the output is a number, and has no index."""
    return Element(Symbol(gradient(adjoint.by.name), real=True), *adjoint.by.indices)


# ---------------------------------------------------------------- equal programs


def arrays_of(program: Program, point: Evaluator, memo: dict[Any, Any] | None = None) -> dict[str, Any]:
    """Every tensor of a program in the digits of a point, which gives its inputs; as in kernels, the largest of nothing is -oo.

    A `memo` is for one point: what other programs have computed of the very same arrays is taken from there.
    """
    known = {i.name: point.arrays[i.name] for i in program.inputs}
    memo = {} if memo is None else memo
    for assign in program.assigns:
        key = assign.term, assign.indices, *(id(known[name]) for name in sorted(assign.reads))
        if key not in memo:
            memo[key] = Evaluator(point.sizes, known, program.graph, point.numbers, empty=True).array(assign.term, assign.indices)
        known[assign.name] = memo[key]
    return known


def equal(before: Program, after: Program, what: str) -> Program:
    """`after`, shown to compute what `before` does: every output and every tensor that both name, at two sizes and more.

    Raises ProofError, with the tensor and the name of the rewrite, where a number differs, and DeriveError where too many would
    be computed.
    """
    count = sum(_numbers(p, sizes) for p in (before, after) for sizes in sets_with_values(before.graph))
    if count > MOST_NUMBERS:
        raise DeriveError(
            said(
                "This definition is too long for a kernel: to show it right takes {count:,} numbers, and {most:,} are the most.",
                count=count,
                most=MOST_NUMBERS,
            ),
            hint="Give parts of long lines a line and a name of their own, or take the definition apart.",
        )
    for seed, sizes in enumerate(sets_with_values(before.graph)):
        changed = _changed(before, after, random_point(before.graph, sizes, seed), seed)
        if changed:
            raise ProofError(said("{what} changes {name}.", what=what, name=changed))
    return after


def _changed(before: Program, after: Program, point: Evaluator, seed: int, known: float = math.inf) -> str:
    """The first tensor that differs at a point, if any.

    Balls that are `known` to lie no closer may only be wide, as they become where many layers follow one another: they are asked
    for again in twice as many digits, as long as that brings them closer.
    """
    memo: dict[Any, Any] = remembered(before.graph, ("arrays of programs", *point.sizes.items(), seed, point.digits), dict)
    ours, theirs = arrays_of(after, point, memo), arrays_of(before, point, memo)
    for name in (n for n in ours if n in theirs and ours[n] is not theirs[n]):
        apart = difference(ours[name], theirs[name])
        if apart > AGREE:
            return _changed(before, after, point.finer, seed, apart) if apart < known * AGREE else name
    return ""


def _numbers(program: Program, sizes: Sizes) -> int:
    """How many terms all sums of a program have at these sizes."""
    size = Evaluator(sizes, {}).size
    sums = (b for a in program.assigns for b in a.term.atoms(Binder))
    return sum(math.prod(size(i.size) for i in free_indices(b.body)) for b in sums)


def difference(a: Any, b: Any) -> float:
    """The largest |a - b|, relative to the largest entry of b or to 1 if that is smaller."""
    gaps = [float(most_apart(x, y)) for x, y in zip(np.ravel(a), np.ravel(b), strict=True)]
    return max(gaps, default=0.0) / max([abs(float(real(y))) for y in np.ravel(b)] + [1.0])


# ---------------------------------------------------------------- terms of programs


def mapped(program: Program, rewrite: Any) -> Program:
    """The program with every term rewritten from the leaves up."""
    return replace(program, assigns=tuple(replace(a, term=walk(a.term, rewrite)) for a in program.assigns))


def entry(name: str, indices: Iterable[Index], like: Expr) -> Element:
    """The entry of a new tensor that holds the values of a term: an integer, or a real number, positive where it is."""
    if like.is_integer:
        return Element(Symbol(name, integer=True), *indices)
    known = next((q for q in ("positive", "nonnegative") if getattr(like, f"is_{q}")), None)
    return Element(Symbol(name, real=True, **({known: True} if known else {})), *indices)
