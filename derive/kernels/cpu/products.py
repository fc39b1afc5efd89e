"""Matrix products as calls of NumPy, which hands them to a BLAS."""

from __future__ import annotations

from collections.abc import Sequence

from derive.calculus.terms import Index
from derive.kernels.program.simple import product_axes
from derive.kernels.program.statements import MatrixProduct
from derive.kernels.text.scope import size_code


def matrix_product(product: MatrixProduct) -> str:
    """One call of np.matmul, on arrays turned and with axes joined as they have to be."""
    groups = product_axes(product.entry, product.a, product.b, product.over)
    assert groups is not None
    of_a, of_b, of_c = groups
    first, second = product.a, product.b
    if of_c[0] and of_c[0] == tuple(i for i in product.b.indices if i in of_c[0]):  # rows of the result are those of b
        first, second, of_a, of_b = second, first, of_b, of_a
    examples = tuple(i for i in product.entry.indices if i in product.a.indices and i in product.b.indices)
    left = _matrix(first.name, of_a, examples, turned=of_a[0] == _middle(of_a, product.over))
    right = _matrix(second.name, of_b, examples, turned=of_b[1] == _middle(of_b, product.over))
    return f"np.matmul({left}, {right}, out={_matrix(product.name, of_c, examples, turned=False)})"


def _middle(groups: Sequence[tuple[Index, ...]], over: tuple[Index, ...]) -> tuple[Index, ...]:
    return next(g for g in groups if set(g) == set(over))


def _matrix(name: str, groups: Sequence[tuple[Index, ...]], examples: tuple[Index, ...], turned: bool) -> str:
    code = name
    if any(len(g) != 1 for g in groups):
        front = [size_code(i.size) for i in examples]
        joined = ["*".join(f"({size_code(i.size)})" for i in g) for g in groups]
        code += f".reshape({', '.join([*front, *joined])})"
    if not turned:
        return code
    return f"{code}.swapaxes(-1, -2)" if examples else f"{code}.T"
