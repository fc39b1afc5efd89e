"""Matrix products as calls of NumPy, which hands them to a BLAS.

A product c = Σ a b has four groups of indices: *examples* (in all three), *middle* (in a and b: summed), *left* (in a and c) and
*right* (in b and c).  A BLAS multiplies one matrix by another, whose rows and columns have one distance each in memory, and one of
them the distance 1; np.matmul does so again and again over axes in front.  `shape` chooses what the rows and the columns are:

    view   axes that stand side by side, in one order in both arrays that have them, become one axis
    loop   what does not stand so, and the examples, are axes in front; the array without such an axis is broadcast
    copy   where neither gives a BLAS its matrices, an array is put in another order first

The fewest numbers are copied; of ways that copy as much, the one with the fewest loops is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product as combinations

from derive.calculus.terms import CACHE, Element, Index
from derive.kernels.program.statements import MatrixProduct
from derive.kernels.text.scope import size_code

Axes = tuple[Index, ...]


@dataclass(frozen=True)
class Matrices:
    """How an array is seen: as matrices of `rows` and `columns`, one for each value of the loops that it has."""

    entry: Element
    rows: Axes
    columns: Axes
    copied: bool

    @property
    def loops(self) -> frozenset[Index]:
        return frozenset(self.entry.indices) - {*self.rows, *self.columns}

    @property
    def fits(self) -> bool:
        """Whether a BLAS takes the matrices as they lie: each group side by side, and the last axis in one of them."""
        axes = self.entry.indices
        return self.copied or (all(_beside(g, axes) for g in (self.rows, self.columns)) and axes[-1] not in self.loops)


@dataclass(frozen=True)
class Shape:
    """A product as a product of matrices: first · second = result, for each value of the loops."""

    first: Matrices
    second: Matrices
    result: Matrices

    @property
    def loops(self) -> Axes:
        """The axes in front, in the order of the result."""
        return tuple(i for i in self.result.entry.indices if i in self.result.loops)

    @property
    def cost(self) -> tuple[int, int]:
        """How many arrays are copied, and over how many axes NumPy loops."""
        return sum(m.copied for m in (self.first, self.second, self.result)), len(self.loops)


@lru_cache(maxsize=CACHE)
def shape(entry: Element, a: Element, b: Element, over: tuple[Index, ...]) -> Shape:
    """The cheapest way to take a product; `a` and `b` share what is summed, and have indices of their own."""
    return min(_shapes(entry, a, b, frozenset(over)), key=lambda s: s.cost)


def _shapes(entry: Element, a: Element, b: Element, over: frozenset[Index]) -> Iterator[Shape]:
    """Every way, those whose result lies as it is computed first, and of those with longer groups of rows."""
    left, right = frozenset(a.indices) - {*b.indices}, frozenset(b.indices) - {*a.indices}
    for of_a, of_b, of_c in combinations((False, True), repeat=3):
        rows = _groups(left, [e.indices for e, copied in ((a, of_a), (entry, of_c)) if not copied] or [a.indices])
        columns = _groups(right, [e.indices for e, copied in ((b, of_b), (entry, of_c)) if not copied] or [b.indices])
        middles = [g for g in _groups(over, [e.indices for e in _plain(a, of_a, b, of_b)] or [a.indices]) if len(g) == len(over)]
        for r, c, m in combinations(rows, columns, middles):
            first, second = Matrices(a, r, m, of_a), Matrices(b, m, c, of_b)
            result = Matrices(entry, r, c, of_c)
            if first.fits and second.fits and result.fits:
                yield Shape(first, second, result) if _before(r, c, entry) else _turned(first, second, result)


def _plain(a: Element, of_a: bool, b: Element, of_b: bool) -> Iterator[Element]:
    """Those of the two that are not copied."""
    yield from (e for e, copied in ((a, of_a), (b, of_b)) if not copied)


def _groups(indices: frozenset[Index], orders: Sequence[Axes]) -> list[Axes]:
    """The indices, or some of them, that stand side by side in every one of these orders; the longest and the last first."""
    first = orders[0]
    runs = (first[k:end] for k in range(len(first)) for end in range(len(first), k, -1))
    found = [r for r in runs if indices.issuperset(r) and all(_beside(r, order) for order in orders[1:])]
    return sorted(found, key=lambda r: (-len(r), -first.index(r[0])))


def _beside(group: Axes, axes: Axes) -> bool:
    start = axes.index(group[0])
    return axes[start : start + len(group)] == group


def _before(rows: Axes, columns: Axes, entry: Element) -> bool:
    return entry.indices.index(rows[0]) < entry.indices.index(columns[0])


def _turned(first: Matrices, second: Matrices, result: Matrices) -> Shape:
    """cᵀ = bᵀ aᵀ: the result is not turned."""
    a, b, c = (Matrices(m.entry, m.columns, m.rows, m.copied) for m in (first, second, result))
    return Shape(b, a, c)


# ---------------------------------------------------------------- as text


def matrix_product(product: MatrixProduct) -> str:
    """The call of np.matmul."""
    found = shape(product.entry, product.a, product.b, product.over)
    factors = f"np.matmul({_seen(found.first, found.loops)}, {_seen(found.second, found.loops)}"
    if not found.result.copied:
        return f"{factors}, out={_seen(found.result, found.loops)})"
    axes = product.entry.indices
    made = (*found.loops, *found.result.rows, *found.result.columns)
    back = _transposed(f"{factors}).reshape({_sizes(made)})", [made.index(i) for i in axes])
    return f"np.copyto({product.name}, {back})"


def _seen(m: Matrices, loops: Axes) -> str:
    """An array as matrices: joined, turned, and with an axis for each loop behind the first that it has."""
    own = [i for i in loops if i in m.loops]
    wanted = [*((i,) for i in own), m.rows, m.columns]
    if m.copied:
        order = [m.entry.indices.index(i) for group in wanted for i in group]
        code = f"np.ascontiguousarray({_transposed(m.entry.name, order)})"
        code += _joined(wanted)
    else:
        lying = sorted(wanted, key=lambda group: m.entry.indices.index(group[0]))
        code = _transposed(m.entry.name + _joined(lying), [lying.index(group) for group in wanted])
    behind = loops[loops.index(own[0]) :] if own else ()
    missing = ", ".join(":" if i in own else "None" for i in behind)
    return f"{code}[{missing}]" if "None" in missing else code


def _joined(groups: Iterable[Axes]) -> str:
    """The axes of each group as one."""
    groups = list(groups)
    if all(len(g) == 1 for g in groups):
        return ""
    return f".reshape({', '.join('*'.join(f'({size_code(i.size)})' for i in g) for g in groups)})"


def _sizes(axes: Axes) -> str:
    return ", ".join(size_code(i.size) for i in axes)


def _transposed(code: str, order: Sequence[int]) -> str:
    """An array with its axes in another order."""
    plain = list(range(len(order)))
    if list(order) == plain:
        return code
    if list(order) == [*plain[:-2], *plain[:-3:-1]]:
        return f"{code}.T" if len(plain) == 2 else f"{code}.swapaxes(-1, -2)"
    return f"{code}.transpose({', '.join(map(str, order))})"
