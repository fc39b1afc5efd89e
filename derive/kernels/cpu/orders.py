"""In which order the axes of what a program computes in between lie in memory.

    sum_hie = Σ_c W_hec n_ic     as sum_ihe is one product of n and W, whose h and e are one axis then

What is given or wanted has its order.  The others start in the order in which they were named and are turned, those that are made
entry by entry of one another together, where the products that make and read them get cheaper (`products.shape`) and no pass over
entries has to jump for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Any

from derive.calculus.terms import Binder, Element, Index, walk
from derive.kernels.cpu.products import shape
from derive.kernels.program.program import Assign, Program
from derive.kernels.program.simple import contracted

Axes = tuple[int, ...]
Letters = tuple[Index, ...]
Group = Mapping[str, Axes]
"""Tensors that are turned together: which axis of the group each of their axes is."""

MOST_AXES = 4
"""A tensor with more axes stays as it is: there are too many orders."""

COPY, JUMP = 8, 4
"""What an array that is copied costs, and one that a pass jumps through, in loops around a product."""


def ordered(program: Program) -> Program:
    """The program with the axes of tensors that are neither given nor wanted in the order that suits its products."""
    seen = [_read(a) for a in program.assigns]
    orders: dict[str, Axes] = {}
    for group in _groups(program):
        involved = [a for a in seen if any(name in group for name, _ in a.entries)]
        if any(a.product for a in involved):
            several = permutations(range(len(next(iter(group.values())))))
            choices = [{**orders, **{n: _order(axes, new) for n, axes in group.items()}} for new in several]
            orders = min(choices, key=lambda found: sum(_cost(a, found) for a in involved))
    orders = {n: order for n, order in orders.items() if order != tuple(range(len(order)))}
    return replace(program, assigns=tuple(_turned(a, orders) for a in program.assigns))


def _order(axes: Axes, new: Axes) -> Axes:
    """The axes of a tensor as they stand in a new order of those of its group."""
    return tuple(sorted(range(len(axes)), key=lambda k: new.index(axes[k])))


def _groups(program: Program) -> Sequence[Group]:
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


@dataclass(frozen=True)
class _Pass:
    """An assignment as the entries that it runs through, its own first; all there are of a `product`."""

    entries: tuple[tuple[str, Letters], ...]
    product: bool


def _read(a: Assign) -> _Pass:
    pair = contracted(a)
    entries = pair or sorted((a.term.opened()[1] if isinstance(a.term, Binder) else a.term).atoms(Element), key=str)
    plain = [e for e in (a.entry, *entries) if all(isinstance(i, Index) for i in e.indices)]
    return _Pass(tuple((e.name, e.indices) for e in plain), bool(pair))


def _cost(a: _Pass, orders: Mapping[str, Axes]) -> int:
    """What an assignment costs besides its arithmetic."""
    entries = [tuple(i[k] for k in orders[name]) if name in orders else i for name, i in a.entries]
    if a.product:
        copies, loops = shape(*entries).cost
        return COPY * copies + loops
    several = dict.fromkeys(e for e in entries if len(e) > 1)
    return JUMP * sum(not _agree(one, other) for one, other in combinations(several, 2))


def _agree(one: Letters, other: Letters) -> bool:
    """Whether two entries have the letters that they share in one order."""
    return [i for i in one if i in other] == [i for i in other if i in one]
