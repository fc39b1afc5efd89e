"""In which order the axes of what a program computes in between lie in memory.

    sum_hie = Σ_c W_hec n_ic     as sum_ihe is one product of n and W, whose h and e are one axis then

What is given or wanted has its order.  The others start in the order in which they were named and are turned, those that are made
entry by entry of one another together, where the products that make and read them get cheaper (`products.shape`) and no pass over
entries has to jump for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

from derive.calculus.terms import Binder, Element, Index, walk
from derive.kernels.cpu.products import shape
from derive.kernels.program.program import Assign, Program
from derive.kernels.program.simple import contracted

Axes = tuple[int, ...]
Group = Mapping[str, Axes]
"""Tensors that are turned together: which axis of the group each of their axes is."""

MOST_AXES = 4
"""A tensor with more axes stays as it is: there are too many orders."""

COPY, JUMP = 8, 4
"""What an array that is copied costs, and one that a pass jumps through, in loops around a product."""


def ordered(program: Program) -> Program:
    """The program with the axes of tensors that are neither given nor wanted in the order that suits its products."""
    for group in _groups(program):
        involved = [a for a in program.assigns if {a.name, *a.reads} & group.keys()]
        if any(map(contracted, involved)):
            several = permutations(range(len(next(iter(group.values())))))
            choices = [{n: _order(axes, new) for n, axes in group.items()} for new in several]
            best = min(choices, key=lambda orders: sum(_cost(_turned(a, orders)) for a in involved))
            program = replace(program, assigns=tuple(_turned(a, best) for a in program.assigns))
    return program


def _order(axes: Axes, new: Axes) -> Axes:
    """The axes of a tensor as they stand in a new order of those of its group."""
    return tuple(sorted(range(len(axes)), key=lambda k: new.index(axes[k])))


def _groups(program: Program) -> list[Group]:
    """The tensors that may be turned, in groups, each in the order of evaluation."""
    fixed = {*program.outputs, *(i.name for i in program.inputs)}
    groups: list[dict[str, Axes]] = []
    for a in program.assigns:
        if a.name in fixed or not 2 <= len(a.indices) <= MOST_AXES:
            continue
        mine: dict[str, Axes] = {}
        for e in _alike(a):
            known = next((g for g in groups if e.name in g), None)
            if known is None:
                continue
            groups.remove(known)
            place = {known[e.name][k]: i for k, i in enumerate(e.indices)}  # the letter of each axis of the group
            if not mine:
                mine[a.name] = tuple(next(k for k, i in place.items() if i == own) for own in a.indices)
            letters = dict(zip(a.indices, mine[a.name], strict=True))
            mine |= {n: tuple(letters[place[k]] for k in axes) for n, axes in known.items()}
        groups.append(mine or {a.name: tuple(range(len(a.indices)))})
    return groups


def _alike(a: Assign) -> list[Element]:
    """The entries that an assignment makes its own of, one by one."""
    entries = [] if isinstance(a.term, Binder) else sorted(a.term.atoms(Element), key=str)
    return [e for e in entries if len(e.indices) == len(a.indices) and {*e.indices} == {*a.indices}]


def _turned(a: Assign, orders: Mapping[str, Axes]) -> Assign:
    def rewrite(term: Any) -> Any:
        known = isinstance(term, Element) and term.name in orders
        return Element(term.head, *(term.indices[k] for k in orders[term.name])) if known else term

    return replace(a, entry=rewrite(a.entry), term=walk(a.term, rewrite)) if {a.name, *a.reads} & orders.keys() else a


def _cost(a: Assign) -> int:
    """What an assignment costs besides its arithmetic."""
    pair = contracted(a)
    if pair:
        free = {*a.indices}
        found = shape(a.entry, *pair, tuple(i for i in pair[0].indices if i not in free))
        return COPY * found.cost[0] + found.cost[1]
    body = a.term.opened()[1] if isinstance(a.term, Binder) else a.term
    entries = [e.indices for e in (a.entry, *body.atoms(Element)) if all(isinstance(i, Index) for i in e.indices)]
    return JUMP * sum(not _agree(one, other) for one, other in combinations(sorted(set(entries), key=str), 2))


def _agree(one: tuple[Index, ...], other: tuple[Index, ...]) -> bool:
    """Whether two entries have the letters that they share in one order."""
    return [i for i in one if i in other] == [i for i in other if i in one]
