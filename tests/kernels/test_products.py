"""Products of two tensors as matrix products: views, loops and copies, whatever order their axes have."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from sympy import Symbol

import derive
from derive.calculus.terms import Element, Index
from derive.kernels.cpu.orders import ordered
from derive.kernels.cpu.products import matrix_product, shape
from derive.kernels.program.statements import MatrixProduct, statements
from oracles.extras import torch

AXES = {letter: Index(letter, Symbol(letter.upper(), integer=True, positive=True)) for letter in "abcdefgh"}


def product(a: str, b: str, c: str) -> MatrixProduct:
    """c = Σ a b, each with the letters of its axes."""

    def entry(name: str, letters: str) -> Element:
        return Element(Symbol(name, real=True), *(AXES[k] for k in letters))

    over = tuple(AXES[k] for k in a if k not in c)
    return MatrixProduct(entry("z", c), entry("x", a), entry("y", b), over)


def run(found: MatrixProduct, sizes: dict[str, int]) -> tuple[Any, Any]:
    """What the call gives, and what it should."""
    draw = np.random.default_rng(0)

    def letters(e: Element) -> str:
        return "".join(i.name for i in e.indices)

    def shape_of(e: Element) -> tuple[int, ...]:
        return tuple(sizes[k] for k in letters(e))

    x, y = draw.normal(size=shape_of(found.a)), draw.normal(size=shape_of(found.b))
    z = np.full(shape_of(found.entry), np.nan)
    eval(matrix_product(found), {"np": np, "x": x, "y": y, "z": z, **{k.upper(): n for k, n in sizes.items()}})  # noqa: S307
    return z, np.einsum(f"{letters(found.a)},{letters(found.b)}->{letters(found.entry)}", x, y)


def drawn(seed: int) -> MatrixProduct:
    """Examples, rows, columns and what is summed, of 0 to 2 letters each, in any order."""
    source = random.Random(seed)
    letters = iter("abcdefgh")
    examples, left, right, middle = ("".join(itertools.islice(letters, source.randint(low, 2))) for low in (0, 1, 1, 1))
    return product(
        *(
            "".join(source.sample(group, len(group)))
            for group in (examples + left + middle, examples + right + middle, examples + left + right)
        )
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_product_is_what_the_sum_is(seed: int) -> None:
    found = drawn(seed)
    for sizes in (dict(zip("abcdefgh", (2, 3, 4, 5, 2, 3, 4, 5), strict=True)), dict.fromkeys("abcdefgh", 1)):
        given, wanted = run(found, sizes)
        assert np.allclose(given, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("none", "abcdef")
def test_a_product_over_or_beside_nothing_is_0_or_empty(none: str) -> None:
    for seed in range(20):
        given, wanted = run(drawn(seed), {**dict.fromkeys("abcdefgh", 2), none: 0})
        assert np.allclose(given, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "c", "code"),
    [
        ("ab", "bc", "ac", "np.matmul(x, y, out=z)"),
        ("ba", "cb", "ac", "np.matmul(x.T, y.T, out=z)"),
        ("abc", "dc", "dab", "np.matmul(y, x.reshape(A*B, C).T, out=z.reshape(D, A*B))"),  # heads as one axis
        ("cab", "dab", "dc", "np.matmul(y.reshape(D, A*B), x.reshape(C, A*B).T, out=z)"),  # a sum over two
        ("abc", "dc", "adb", "np.matmul(y, x.swapaxes(-1, -2), out=z)"),  # heads apart: the other is broadcast
        ("bac", "dac", "abd", "np.matmul(x.transpose(1, 0, 2), y.transpose(1, 2, 0), out=z)"),  # strides
        ("bac", "dac", "bad", "np.matmul(x.transpose(1, 0, 2), y.transpose(1, 2, 0), out=z.transpose(1, 0, 2))"),
        ("adb", "cab", "dc", "np.matmul(np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(D, A*B), y.reshape(C, A*B).T, out=z)"),
        ("abc", "cd", "abd", "np.matmul(x.reshape(A*B, C), y, out=z.reshape(A*B, D))"),
        ("bca", "cda", "bda", "np.copyto(z, np.matmul(np.ascontiguousarray(x.transpose(2, 0, 1)), "
         "np.ascontiguousarray(y.transpose(2, 0, 1))).reshape(A, B, D).transpose(1, 2, 0))"),
    ],
)  # fmt: skip
def test_views_come_before_loops_and_loops_before_copies(a: str, b: str, c: str, code: str) -> None:
    assert matrix_product(product(a, b, c)) == code


def test_what_is_multiplied_lies_as_its_products_want_it() -> None:
    text = "n: [T, C]; W: [H, E, C]; b: [H, E]; q[h, i, e] = sum(W[h, e, c]*n[i, c] for c in C) + b[h, e]; L = sum(q**2)"
    whole = derive.graph(text).kernel(wrt=("W", "n")).programs["value_and_grad"]
    found = [s for s in statements(ordered(whole)) if isinstance(s, MatrixProduct)]
    assert len(found) == 3
    assert all(not shape(s.entry.indices, s.a.indices, s.b.indices).loops for s in found)
    assert {shape(s.entry.indices, s.a.indices, s.b.indices).cost for s in found} == {(0, 0)}


HEADS = """x: [T, C]; Wq: [H, E, C]; Wk: [H, E, C]; Wv: [H, E, C]; Wo: [C, H, E]
q[h, i, e] = sum(Wq[h, e, c]*x[i, c] for c in C)
k[h, i, e] = sum(Wk[h, e, c]*x[i, c] for c in C)
v[h, i, e] = sum(Wv[h, e, c]*x[i, c] for c in C)
S[h, i, j] = sum(q[h, i, e]*k[h, j, e] for e in E)/sqrt(E)
P[h, i, j] = where(j <= i, exp(S[h, i, j]), 0)/sum(exp(S[h, i, l]) for l in T if l <= i)
A[h, i, e] = sum(P[h, i, j]*v[h, j, e] for j in T)
y[i, c] = x[i, c] + sum(Wo[c, h, e]*A[h, i, e] for h in H for e in E)"""


@pytest.fixture(scope="module")
def heads() -> Any:
    return derive.graph(HEADS).kernel(dtype="float64")


def test_no_product_of_heads_is_left_to_loops(heads: Any) -> None:
    for whole in heads.programs.values():
        products = [s for s in statements(ordered(whole)) if isinstance(s, MatrixProduct)]
        assert all(shape(s.entry.indices, s.a.indices, s.b.indices).cost <= (0, 1) for s in products)
    assert len(products) == 6 + 12


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    "sizes", [(5, 6, 2, 3), (1, 1, 1, 1), (7, 4, 1, 4), (3, 2, 3, 1), (0, 4, 2, 2), (4, 0, 2, 3), (4, 3, 0, 2)]
)
def test_heads_have_the_gradients_of_pytorch(heads: Any, sizes: tuple[int, int, int, int]) -> None:
    t, c, h, e = sizes
    draw = np.random.default_rng(1)
    shapes = [(t, c), (h, e, c), (h, e, c), (h, e, c), (c, h, e)]
    given = [np.asfortranarray(draw.normal(size=s)) for s in shapes]  # no array lies as the kernel wants it
    upstream = draw.normal(size=(2, c, t))[0].T
    x, wq, wk, wv, wo = leaves = [torch.tensor(a, requires_grad=True) for a in given]
    q, k, v = (torch.einsum("hec,ic->hie", w, x) for w in (wq, wk, wv))
    scores = torch.einsum("hie,hje->hij", q, k) / max(e, 1) ** 0.5
    p = torch.softmax(scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -torch.inf), -1)
    y = x + torch.einsum("che,hie->ic", wo, torch.einsum("hij,hje->hie", p, v))
    wanted = [y, *torch.autograd.grad(y, leaves, torch.tensor(upstream.copy()))]
    value, gradients = heads.forward_and_vjp(*given, upstream)
    for ours, theirs in zip((value, *gradients), wanted, strict=True):
        assert np.allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)
