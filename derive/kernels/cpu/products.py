"""Matrix products as calls of NumPy, which hands them to a BLAS.

A product c = Σ a b has four groups of indices: *examples* (in all three), *middle* (in a and b: summed), *left* (in a and c)
and *right* (in b and c).  A BLAS multiplies matrices whose rows, and whose columns, have one distance in memory, one of the two
the distance 1; np.matmul does so again and again over axes in front.  `shape` chooses what the rows and the columns are:

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

from derive.calculus.terms import CACHE, Index
from derive.kernels.program.statements import MatrixProduct
from derive.kernels.text.python import python
from derive.kernels.text.scope import size_code, total_size

Axes = tuple[Index, ...]


@dataclass(frozen=True)
class Matrices:
    """How an array with these axes is seen: as matrices of `rows` and `columns`, one for each value of the loops that it has."""

    axes: Axes
    rows: Axes
    columns: Axes
    copied: bool

    @property
    def loops(self) -> frozenset[Index]:
        return frozenset(self.axes) - {*self.rows, *self.columns}

    @property
    def fits(self) -> bool:
        """Whether a BLAS takes the matrices as they lie: each group side by side, and the last axis in one of them."""
        beside = all(_beside(group, self.axes) for group in (self.rows, self.columns))
        return self.copied or (beside and self.axes[-1] not in self.loops)


@dataclass(frozen=True)
class Shape:
    """A product as a product of matrices, first · second = result, for each value of the loops; `turned` where the first is b."""

    first: Matrices
    second: Matrices
    result: Matrices
    turned: bool

    @property
    def loops(self) -> Axes:
        """The axes in front, in the order of the result."""
        return tuple(i for i in self.result.axes if i in self.result.loops)

    @property
    def cost(self) -> tuple[int, int]:
        """How many arrays are copied, and over how many axes NumPy loops."""
        return sum(m.copied for m in (self.first, self.second, self.result)), len(self.loops)


@lru_cache(maxsize=CACHE)
def shape(axes: Axes, of_a: Axes, of_b: Axes) -> Shape:
    """The cheapest way to take a product of tensors with these axes, which share what is summed and have axes of their own."""
    return min(_shapes(axes, of_a, of_b), key=lambda s: s.cost)


def _shapes(axes: Axes, of_a: Axes, of_b: Axes) -> Iterator[Shape]:
    """Every way; those that copy little come first, and of these the ones with long groups."""
    left, right = frozenset(of_a) - {*of_b}, frozenset(of_b) - {*of_a}
    over = frozenset(of_a) - {*axes}
    for copied in combinations((False, True), repeat=3):
        a, b, c = (() if moved else (order,) for moved, order in zip(copied, (of_a, of_b, axes), strict=True))
        rows, columns = _groups(left, (*a, *c) or (_only(left, of_a),)), _groups(right, (*b, *c) or (_only(right, of_b),))
        middles = [group for group in _groups(over, (*a, *b) or (_only(over, of_a),)) if len(group) == len(over)]
        for r, k, m in combinations(rows, columns, middles):
            groups = zip((of_a, of_b, axes), (r, m, r), (m, k, k), copied, strict=True)
            first, second, result = (Matrices(*each) for each in groups)
            if first.fits and second.fits and result.fits:
                yield _untwisted(Shape(first, second, result, turned=False))


def _untwisted(s: Shape) -> Shape:
    """cᵀ = bᵀ aᵀ where the columns of the result stand before its rows, so that it need not be turned."""
    axes = s.result.axes
    if axes.index(s.result.rows[0]) < axes.index(s.result.columns[0]):
        return s
    a, b, c = (Matrices(m.axes, m.columns, m.rows, m.copied) for m in (s.first, s.second, s.result))
    return Shape(b, a, c, turned=True)


def _only(indices: frozenset[Index], axes: Axes) -> Axes:
    return tuple(i for i in axes if i in indices)


def _groups(indices: frozenset[Index], orders: Sequence[Axes]) -> list[Axes]:
    """The indices, or some of them, that stand side by side in every one of these orders; the longest and the last first."""
    first = orders[0]
    runs = (first[k:end] for k in range(len(first)) for end in range(len(first), k, -1))
    found = [r for r in runs if indices.issuperset(r) and all(_beside(r, order) for order in orders[1:])]
    return sorted(found, key=lambda r: (-len(r), -first.index(r[0])))


def _beside(group: Axes, axes: Axes) -> bool:
    start = axes.index(group[0])
    return axes[start : start + len(group)] == group


# ---------------------------------------------------------------- as text


def matrix_product(product: MatrixProduct) -> str:
    """The call of np.matmul."""
    axes = product.entry.indices
    found = shape(axes, product.a.indices, product.b.indices)
    names = (product.b.name, product.a.name) if found.turned else (product.a.name, product.b.name)
    both = [_seen(name, m, found.loops) for name, m in zip(names, (found.first, found.second), strict=True)]
    if not found.result.copied:
        return f"np.matmul({', '.join(both)}, out={_seen(product.name, found.result, found.loops)})"
    made = (*found.loops, *found.result.rows, *found.result.columns)
    back = _transposed(f"np.matmul({', '.join(both)}).reshape({_sizes(made)})", [made.index(i) for i in axes])
    return f"np.copyto({product.name}, {back})"


def in_place(product: MatrixProduct) -> bool:
    """Whether np.matmul writes to the result however far its rows lie apart: nothing is copied, and no axes are joined."""
    result = shape(product.entry.indices, product.a.indices, product.b.indices).result
    return not result.copied and len(result.rows) == len(result.columns) == 1


def _seen(name: str, m: Matrices, loops: Axes) -> str:
    """An array as matrices: joined, turned, and with an axis for each loop behind the first that it has."""
    own = [i for i in loops if i in m.loops]
    wanted = [*((i,) for i in own), m.rows, m.columns]
    if m.copied:
        order = [m.axes.index(i) for group in wanted for i in group]
        code = f"np.ascontiguousarray({_transposed(name, order)}){_joined(wanted)}"
    else:
        lying = sorted(wanted, key=lambda group: m.axes.index(group[0]))
        code = _transposed(name + _joined(lying), [lying.index(group) for group in wanted])
    behind = loops[loops.index(own[0]) :] if own else ()
    missing = ", ".join(":" if i in own else "None" for i in behind)
    return f"{code}[{missing}]" if "None" in missing else code


def _joined(groups: Iterable[Axes]) -> str:
    """The axes of each group as one."""
    groups = list(groups)
    if all(len(g) == 1 for g in groups):
        return ""
    return f".reshape({', '.join(python(total_size(i.size for i in g)) for g in groups)})"


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
