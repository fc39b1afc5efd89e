"""Arrays of 16 bits around a program that computes in 32: what is read of an input is widened where it is read, what is
wanted is rounded once, where it is complete.

    y_i = exp(x_i)        y_i = to_bfloat16(exp(from_bfloat16(x_i)))

What is read again is read as it was computed.  A matrix product takes arrays of its own type: its operands are widened
as a whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sympy import Symbol

from derive.calculus.terms import Binder, Element, walk
from derive.kernels.program.functions import NARROW, WIDE
from derive.kernels.program.program import Assign, Program
from derive.kernels.program.simple import contracted


def kept_in(program: Program) -> frozenset[str]:
    """The tensors of real numbers that are given, or wanted, as arrays."""
    given = [i.name for i in program.inputs if i.axes]
    return frozenset([*given, *(n for n in program.outputs if program.assigned[n].indices)]) - program.whole


def halved(program: Program, dtype: str) -> Program:
    """The program of simple assignments with its inputs read from arrays of a type, and its outputs put into such."""
    stored = kept_in(program)
    inputs = {i.name: i for i in program.inputs if i.name in stored}
    products = {e.name for a in program.assigns for e in contracted(a)}
    read = frozenset().union(*(a.reads for a in program.assigns))
    wide: dict[str, str] = {}
    for name in [*(n for n in inputs if n in products), *(n for n in program.outputs if n in stored)]:
        if name in inputs or name in read or isinstance(program.assigned[name].term, Binder):
            wide[name] = program.fresh(f"{name}_wide")

    def renamed(e: Element) -> Element:
        return Element(Symbol(wide[e.name], **e.head.assumptions0), *e.indices)

    def rewrite(term: Any) -> Any:
        if not isinstance(term, Element):
            return term
        return renamed(term) if term.name in wide else WIDE[dtype](term) if term.name in inputs else term

    assigns = [Assign(renamed(i.element), WIDE[dtype](i.element)) for i in inputs.values() if i.name in wide]
    for a in program.assigns:
        a = replace(a, term=walk(a.term, rewrite))
        if a.name in wide:
            assigns.append(replace(a, entry=renamed(a.entry)))
            a = replace(a, term=renamed(a.entry))
        assigns.append(replace(a, term=NARROW[dtype](a.term)) if a.name in stored else a)
    return replace(program, assigns=tuple(assigns))
