"""Matrix notation: an index term with at most two free indices as a tree of products, transposes and Hadamard products.

    Σ_k W_ki g_k   is  Wᵀ g          δ_ij p_i - p_i p_j  is  diag(p) - p pᵀ
    g_i h_j        is  g hᵀ          g_i - Σ_k g_k p_k   is  g - (gᵀ p) 1

A vector is a column.  Every bound index is eliminated once, from the factors that carry it; where a factor needs three
indices there is no matrix form, and `matrix_form` says so with None.  LaTeX and NumPy are printed from the same tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Abs, Function, S, sign

from derive.calculus.normal import normal
from derive.calculus.terms import (
    Adjoint,
    Binder,
    Bracket,
    Delta,
    Element,
    Index,
    Label,
    Maximum,
    Positive,
    Sum,
    Where,
    factors,
    free_indices,
    signature,
    terms,
)

Axes = tuple[Index, ...]


@dataclass(frozen=True)
class Leaf:
    """A tensor (its entry is `term`), a gradient, the identity (a δ of two indices) or a one-hot column (δ_it)."""

    term: Any
    axes: Axes


@dataclass(frozen=True)
class Ones:
    """A column of ones."""

    axes: Axes


@dataclass(frozen=True)
class Transpose:
    """The transpose of a matrix, or of a column (a row; its `axes` are those of the column)."""

    body: Matrix
    axes: Axes


@dataclass(frozen=True)
class Product:
    """A matrix product."""

    args: tuple[Matrix, ...]
    axes: Axes


@dataclass(frozen=True)
class Hadamard:
    """An elementwise product."""

    args: tuple[Matrix, ...]
    axes: Axes


@dataclass(frozen=True)
class Diag:
    """The diagonal matrix of a column."""

    body: Matrix
    axes: Axes


@dataclass(frozen=True)
class Scaled:
    """A number (a SymPy term without indices) and scalar products, times a body; no body is a scalar."""

    number: Any
    scalars: tuple[Matrix, ...]
    body: Matrix | None
    axes: Axes


@dataclass(frozen=True)
class Plus:
    """A sum; each term with whether it is subtracted."""

    args: tuple[tuple[bool, Matrix], ...]
    axes: Axes


@dataclass(frozen=True)
class Apply:
    """A function applied entry by entry: a SymPy function class, or an exponent for a power."""

    function: Any
    args: tuple[Matrix, ...]
    axes: Axes


Matrix = Leaf | Ones | Transpose | Product | Hadamard | Diag | Scaled | Plus | Apply


class _NoForm(Exception):
    """The term has no matrix form."""


def matrix_form(term: Any, indices: Axes) -> Matrix | None:
    """The shortest matrix form of `term[indices]`, or None.  `indices` are its free indices: none, one, or row and column."""
    if len(indices) > 2 or len(set(indices)) != len(indices):
        return None
    found = []
    for way in dict.fromkeys((term, normal(term))):
        try:
            form = _broadcast(_convert(way, indices), indices)
        except _NoForm:
            continue
        found.append(form)
    return min(found, key=size, default=None)


def size(form: Matrix) -> int:
    """How many signs a form takes to print."""
    match form:
        case Leaf() | Ones():
            return 1
        case Transpose(body) | Diag(body):
            return 1 + size(body)
        case Product(args) | Hadamard(args) | Apply(type(), args):
            return len(args) + sum(map(size, args))
        case Plus(args):
            return len(args) + sum(size(m) for _, m in args)
        case Apply(function, args) if not isinstance(function, type):
            return 2 + size(args[0])
        case Scaled(_, scalars, body):
            return 1 + sum(map(size, scalars)) + (size(body) if body else 0)
    raise TypeError(f"{form} is no matrix form")


# ---------------------------------------------------------------- from index terms


def _convert(term: Any, order: Axes) -> Matrix:
    """A term whose free indices are among `order`; the form carries those it has, in that order."""
    if term.is_Add:
        return _sum(term, order)
    if isinstance(term, Sum):
        return _contraction(term, order)
    if term.is_Mul:
        return _product(factors(term), order)
    return _factor(term, order)


def _axes(term: Any, order: Axes) -> Axes:
    return tuple(i for i in order if i in free_indices(term))


def _factor(term: Any, order: Axes) -> Matrix:
    """One factor of a product."""
    axes = _axes(term, order)
    if len(axes) > 2 or free_indices(term) - set(order):
        raise _NoForm
    if not isinstance(term, Element) and _is_number(term):
        return Scaled(term, (), None, ())
    if isinstance(term, (Element, Adjoint)):
        return _tensor(term, axes)
    if isinstance(term, Delta):
        if axes and all(isinstance(a, Index) or (isinstance(a, Label) and not a.element.indices) for a in term.args):
            return Leaf(term, axes)
        raise _NoForm
    if term.is_Add or isinstance(term, Sum) or term.is_Mul:
        return _convert(term, order)
    if term.is_Pow and axes and term.exp.is_number:
        return Apply(term.exp, (_broadcast(_convert(term.base, order), axes),), axes)
    if isinstance(term, Where) or (isinstance(term, Bracket) and not isinstance(term, Positive)):
        raise _NoForm
    if isinstance(term, (Function, Maximum, Positive, Abs, sign)) and term.args:
        return Apply(type(term), tuple(_broadcast(_convert(a, order), axes) for a in term.args), axes)
    raise _NoForm


def _tensor(term: Any, axes: Axes) -> Matrix:
    """A tensor or a gradient with its indices in either order."""
    entry = term.by if isinstance(term, Adjoint) else term
    if isinstance(term, Adjoint) and term.output.indices:
        raise _NoForm
    if entry.indices == axes:
        return Leaf(term, axes)
    if len(axes) == 2 and entry.indices == axes[::-1]:
        return Transpose(Leaf(term, axes[::-1]), axes)
    raise _NoForm


def _sum(term: Any, order: Axes) -> Matrix:
    axes = _axes(term, order)
    parts = []
    for t in sorted(terms(term), key=lambda t: (t.could_extract_minus_sign(), _is_number(t), signature(t))):
        negative = t.could_extract_minus_sign()
        parts.append((bool(negative), _broadcast(_convert(-t if negative else t, order), axes)))
    return Plus(tuple(parts), axes)


def _broadcast(form: Matrix, axes: Axes) -> Matrix:
    """A form spread over more axes: x + μ 1, 1 μᵀ."""
    if form.axes == axes:
        return form
    if not axes or set(form.axes) - set(axes):
        raise _NoForm
    if not form.axes:
        ones: Matrix = Ones((axes[0],))
        if len(axes) == 2:
            ones = Product((ones, Transpose(Ones((axes[1],)), (axes[1],))), axes)
        if isinstance(form, Scaled) and form.body is None:
            return ones if form.number == 1 and not form.scalars else Scaled(form.number, form.scalars, ones, axes)
        return Scaled(S.One, (form,), ones, axes)
    if form.axes == axes[:1]:
        return Product((form, Transpose(Ones((axes[1],)), (axes[1],))), axes)
    return Product((Ones((axes[0],)), Transpose(form, form.axes)), axes)


# ---------------------------------------------------------------- products and contractions


def _transposed(form: Matrix) -> Matrix:
    """The transpose; of a product or a Hadamard product, put together from those of the factors."""
    axes = form.axes if len(form.axes) == 1 else form.axes[::-1]
    match form:
        case Transpose(body) if len(form.axes) == 2:
            return body
        case Product(args) if len(form.axes) == 2:
            return Product(tuple(_transposed(a) for a in reversed(args)), axes)
        case Hadamard(args) if len(form.axes) == 2:
            return Hadamard(tuple(_transposed(a) for a in args), axes)
        case Diag():
            return form
        case Leaf(Delta()) if len(form.axes) == 2:
            return Leaf(form.term, axes)
    return Transpose(form, axes)


def _hadamard(forms: list[Matrix]) -> Matrix:
    if len(forms) == 1:
        return forms[0]
    parts: list[Matrix] = []
    for form in forms:
        parts += form.args if isinstance(form, Hadamard) else [form]
    return Hadamard(tuple(parts), forms[0].axes)


def _product(parts: tuple[Any, ...], order: Axes) -> Matrix:
    """A product of factors over the indices in `order`, none of them bound."""
    number, scalars = S.One, list[Matrix]()
    groups: dict[Axes, list[Matrix]] = {}
    for part in sorted(parts, key=_part_key):
        if _is_number(part):
            number *= part
            continue
        form = _convert(part, order)
        if not form.axes:
            scalars.append(form)
        else:
            groups.setdefault(form.axes, []).append(form)
    return _assembled(number, scalars, groups, order)


def _part_key(part: Any) -> tuple[Any, ...]:
    return (not isinstance(part, Adjoint), not isinstance(part, Element), isinstance(part, Bracket), signature(part))


def _is_number(part: Any) -> bool:
    """Whether a factor is a number of the graph: a size, a scalar, 1/s; a Σ is a product of matrices instead."""
    return not free_indices(part) and not part.has(Binder, Adjoint)


def _assembled(number: Any, scalars: list[Matrix], groups: dict[Axes, list[Matrix]], order: Axes) -> Matrix:
    """Factors by the axes they carry, put together: outer products, scaled rows and columns, diagonals."""
    axes = tuple(i for i in order if any(i in a for a in groups))
    if len(axes) > 2:
        raise _NoForm
    if number.could_extract_minus_sign():
        return Plus(((True, _assembled(-number, scalars, groups, order)),), axes)
    body: Matrix | None = None
    if len(axes) == 1:
        body = _hadamard(groups[axes])
    elif axes:
        body = _two_axes(groups, axes)
    if isinstance(body, Scaled):
        number, scalars, body = number * body.number, [*scalars, *body.scalars], body.body
    if number == 1 and not scalars and body is not None:
        return body
    if number == 1 and len(scalars) == 1 and body is None:
        return scalars[0]
    return Scaled(number, tuple(scalars), body, axes)


def _two_axes(groups: dict[Axes, list[Matrix]], axes: Axes) -> Matrix:
    row, column, full = (list(groups.get(a, ())) for a in (axes[:1], axes[1:], axes))
    eye = [f for f in full if isinstance(f, Leaf) and isinstance(f.term, Delta)]
    if eye and len(full) == len(eye):
        if not row and not column:
            return eye[0]
        return Diag(_hadamard(row or column), axes)
    if not full:
        return Product((_hadamard(row), _transposed(_hadamard(column))), axes)
    middle = _hadamard(full)
    left = (Diag(_hadamard(row), (axes[0], axes[0])),) if row else ()
    right = (Diag(_hadamard(column), (axes[1], axes[1])),) if column else ()
    return Product((*left, middle, *right), axes) if left or right else middle


def _contraction(term: Sum, order: Axes) -> Matrix:
    """Σ over one or more indices of a product: each bound index is eliminated from the factors that carry it."""
    bound, body = term.opened()
    if body.is_Add:
        raise _NoForm
    whole = (*order, *bound)
    number, scalars = S.One, list[Matrix]()
    groups: dict[Axes, list[Matrix]] = {}
    for part in sorted(factors(body), key=_part_key):
        if _is_number(part):
            number *= part
            continue
        form = _factor(part, whole)
        groups.setdefault(form.axes, []).append(form) if form.axes else scalars.append(form)
    for j in sorted(bound, key=lambda j: len({i for a in groups if j in a for i in a})):
        result = _eliminated(j, groups, whole)
        scalars.append(result) if not result.axes else groups.setdefault(result.axes, []).append(result)
    return _assembled(number, scalars, groups, order)


def _eliminated(j: Index, groups: dict[Axes, list[Matrix]], order: Axes) -> Matrix:
    """Σ_j of the factors that carry j, which are taken out of `groups`."""
    hit = {axes: groups.pop(axes) for axes in list(groups) if j in axes}
    rest = [i for i in order if i != j and any(i in axes for axes in hit)]
    if len(rest) > 2:
        raise _NoForm
    vectors = hit.pop((j,), [])
    sides: dict[Index, list[Matrix]] = {}
    for axes, forms in hit.items():
        other = axes[0] if axes[1] == j else axes[1]
        sides.setdefault(other, []).extend(f if f.axes[1] == j else _transposed(f) for f in forms)
    if not rest:
        first, *more = vectors
        return Product((Transpose(first, (j,)), _hadamard(more) if more else Ones((j,))), ())
    left = _hadamard(sides[rest[0]])
    if len(rest) == 1:
        return Product((left, _hadamard(vectors) if vectors else Ones((j,))), (rest[0],))
    middle = (Diag(_hadamard(vectors), (j, j)),) if vectors else ()
    return Product((left, *middle, _transposed(_hadamard(sides[rest[1]]))), (rest[0], rest[1]))
