"""Matrix notation: an index term with at most two free indices as a matrix expression.

    Σ_k W_ki g_k   is  Wᵀ g          δ_ij p_i - p_i p_j  is  diag(p) - p pᵀ
    g_i h_j        is  g hᵀ          g_i - Σ_k g_k p_k   is  g - (gᵀ p) 𝟏
    Σ_ij A_ij B_ij is  tr(Aᵀ B)      Σ_i x_i²            is  ‖x‖²

The factors of a product are the edges of a graph whose vertices are its indices, a matrix between two, a column at one.
Every bound index is eliminated once, the one with the fewest neighbours first; where that needs three indices there is no
matrix form, and `matrix_form` says so with None.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Abs, Add, Function, Integer, Min, Mul, Pow, S, Symbol, exp, expand, log, sign, sqrt

from derive.calculus.cost import cost
from derive.calculus.functions import NamedEntry
from derive.calculus.matrix_algebra import (
    SCALAR,
    Apply,
    Derivative,
    Diagonal,
    Identity,
    MatMul,
    Matrix,
    Norm,
    OneHot,
    Ones,
    Plus,
    Rows,
    Stack,
    Tensor,
    Transpose,
    Unit,
    applied,
    det,
    diag,
    hadamard,
    inner,
    inverted,
    is_elementwise,
    is_minimum,
    number,
    plus,
    power,
    product,
    scaled,
    shape,
    size,
    standing_alone,
    trace,
    transposed,
)
from derive.calculus.normal import normal
from derive.calculus.shortest import common_factor
from derive.calculus.signs import is_negative
from derive.calculus.terms import (
    CACHE,
    Adjoint,
    ArgMax,
    Binder,
    Bracket,
    Delta,
    Determinant,
    Differ,
    Element,
    EntryOf,
    Index,
    Inside,
    Label,
    Maximum,
    OfMatrix,
    Positive,
    Sum,
    Where,
    exponentials_shared,
    factors,
    free_indices,
    is_condition,
    signature,
    substituted,
    terms,
    unused,
    walk,
)

Axes = tuple[Index, ...]
Groups = dict[Axes, list[Matrix]]
"""Factors by the indices that they carry, in the order of rows and columns."""


class _NoForm(Exception):
    """The term has no matrix form."""


@lru_cache(maxsize=CACHE)
def matrix_form(term: Any, indices: Axes) -> Matrix | None:
    """The matrix form of `term[indices]`, or else of its normal form, or None.

    𝟙[i ≠ j] has no sign; with 1 - δ_ij in its place a term has a form where that is not a third longer than the index form.

    `indices` are its free indices: none, one, or row and column.  A scalar has a form where it has a Σ or a determinant.

    >>> import derive
    >>> from derive.notation.numpy_code import numpy_code
    >>> a = derive.graph("W: [m, n]; x: [n]; a[i] = sum(W[i, j]*x[j] for j in n)").output
    >>> numpy_code(matrix_form(a.expr, a.indices))
    '(W @ x)'
    """
    if len(indices) > 2 or len(set(indices)) != len(indices) or not (indices or term.has(Sum, Determinant)):
        return None
    try:
        return _whole(term, indices)
    except _NoForm:
        pass
    try:
        return _whole(_normal(term), indices)
    except _NoForm:
        pass
    try:
        form = _whole(_normal(_without_differ(term)), indices)
    except _NoForm:
        return None
    return form if 3 * size(form) <= 4 * cost(term) else None


def _without_differ(term: Any) -> Any:
    """A term with 1 - δ_ij for 𝟙[i ≠ j], where what it leaves out has a value."""
    conditions = term.atoms(Differ)
    numbered = any(a.is_Integer for c in conditions for a in c.args)  # an axis may be too short for 𝐞₄
    if not conditions or numbered or any(_guards(product) for product in term.atoms(Mul)):
        raise _NoForm
    return walk(term, lambda t: 1 - Delta(*t.args) if isinstance(t, Differ) else t)


def _guards(product: Any) -> bool:
    """Whether 𝟙[i ≠ j] is a factor, and another may have no value where i = j: a quotient, a power, a logarithm."""
    powers = (p.base for p in product.atoms(Pow) if not p.exp.is_nonnegative)
    logarithms = (f.args[0] for f in product.atoms(log))
    unsure = not all(t.is_positive for t in (*powers, *logarithms))
    return unsure and any(isinstance(f, Differ) for f in factors(product))


def _normal(term: Any) -> Any:
    """The normal form, in which the distances are as they were: ‖x − y‖, not the root of ‖x‖² + ‖y‖² − 2 xᵀ y."""
    kept: dict[Any, tuple[tuple[Any, ...], Any]] = {}

    def hide(t: Any) -> Any:
        if not (t.is_Pow and t.exp.is_Rational and t.exp.q == 2 and _is_distance(t.base)):
            return t
        free = tuple(sorted(free_indices(t.base), key=signature))
        head = Symbol(f"‖{signature(t.base)}‖", positive=True)
        kept.setdefault(head, (free, sqrt(t.base)))
        return Element(head, *free) ** (2 * t.exp)

    def show(t: Any) -> Any:
        if not isinstance(t, Element) or t.head not in kept:
            return t
        free, root = kept[t.head]
        return substituted(root, dict(zip(free, t.indices, strict=True)))

    hidden = walk(term, hide)
    return walk(normal(hidden), show) if kept else normal(term)


def _is_distance(term: Any) -> bool:
    """Whether a term has a sum of squares of sums."""
    squares = (f for s in term.atoms(Sum) for f in factors(s.body))
    return any(f.is_Pow and f.base.is_Add and f.exp.is_Integer for f in squares)


def _whole(term: Any, indices: Axes) -> Matrix:
    return standing_alone(_spread(_convert(term, indices), _axes(term, indices), indices))


# ---------------------------------------------------------------- terms and factors


def _axes(term: Any, order: Axes) -> Axes:
    """The indices that a term carries, in order: those of its form's rows and columns."""
    return tuple(i for i in order if i in free_indices(term))


def _convert(term: Any, order: Axes) -> Matrix:
    """The form of a term whose free indices are among `order`."""
    axes = _axes(term, order)
    if len(axes) > 2 or free_indices(term) - set(order):
        raise _NoForm
    if _is_number(term):
        return number(term)
    if term.is_Add and (stacked := _stacked(term, axes)) is not None:
        return stacked
    if term.is_Add:
        return plus([_signed(t, order, axes) for t in terms(term)])
    if type(term) is Sum:
        return _contraction(term, order)
    if term.is_Mul:
        return _contracted((), term, order)
    return _factor(term, axes)


def _stacked(term: Any, axes: Axes) -> Matrix | None:
    """A sum whose terms stand in the parts of an axis, h_p 𝟙[p < m] + x_{p - m} 𝟙[0 ≤ p - m < n], as [h; x]."""
    found = next(((p, tiles) for p in axes if (tiles := blocks(term, p)) is not None), None)
    if found is None:
        return None
    p, (shared, parts) = found
    rest, columns = tuple(i for i in axes if i != p), list[Matrix]()
    wide = tuple(i for i in rest if any(i in free_indices(part) for _, part in parts))
    for q, part in parts:
        own = _axes(part, (q, *rest))
        columns.append(_spread(_convert(part, (q, *rest)), own, (q, *wide)))
    stack: Matrix = Stack(tuple(columns))
    groups: Groups = {(p,): [stack]} if None in shape(stack) else {axes: [stack if axes[0] == p else transposed(stack)]}
    scalars: list[Matrix] = []
    if shared == 1:
        return _assembled(groups, axes)
    _put(_convert(shared, rest), _axes(shared, rest), groups, scalars)
    return scaled(S.One, scalars, _assembled(groups, axes))


def blocks(term: Any, index: Index) -> tuple[Any, list[tuple[Index, Any]]] | None:
    """What the terms of a sum share, and for each part of an axis its own index and what stands there, where every term has a
    condition on `index` and the parts are all of the axis: of h_p 𝟙[p < m] + x_{p - m} 𝟙[0 ≤ p - m < n] it is h_i and x_j.
    """
    parts, start = dict[tuple[Any, Any], Any](), S.Zero
    for t in terms(term):
        inside = [f for f in factors(t) if isinstance(f, Inside) and index in free_indices(f)]
        if len(inside) != 1 or (at := expand(index - inside[0].args[0])).has(index):
            return None
        place = (at, inside[0].args[1])
        parts[place] = parts.get(place, S.Zero) + t / inside[0]
    parts = {place: _factored(part) for place, part in parts.items()}
    shared = [f for f in factors(next(iter(parts.values()))) if not free_indices(f) & {index}]
    common = Mul(*[f for f in shared if all(f in factors(t) for t in parts.values())])
    found = []
    while here := [place for place in parts if place[0] == start]:
        n, part = here[0][1], parts.pop(here[0])
        own = Index(unused(index.name, integer=True), n)
        found.append((own, (part / common).xreplace({index: own + start})))
        start = expand(start + n)
    return None if parts or len(found) < 2 or expand(start - index.size) != 0 else (common, found)


def _factored(term: Any) -> Any:
    """A sum as a product with what its terms share."""
    if not term.is_Add:
        return term
    shared = Mul(*[f for f in factors(common_factor(term)) if not f.is_Add])
    return shared * Add(*[t / shared for t in terms(term)])


def unblocked(term: Any) -> Any:
    """A term with what stands in the parts of an axis by an index of its own."""

    def apart(t: Any) -> Any:
        if t.is_Add:
            for index in free_indices(t):
                if (found := blocks(t, index)) is not None:
                    return Mul(found[0], Add(*[part for _, part in found[1]]))
        return t

    return walk(term, apart) if term.has(Inside) else term


def _signed(term: Any, order: Axes, axes: Axes) -> tuple[bool, Matrix]:
    """A term of a sum over `axes`, and whether it is subtracted."""
    negative = bool(term.could_extract_minus_sign())
    term = -term if negative else term
    return negative, _spread(_convert(term, order), _axes(term, order), axes)


def _factor(term: Any, axes: Axes) -> Matrix:
    """One factor, neither a sum nor a product."""
    if isinstance(term, (Element, Adjoint)):
        return _tensor(term, axes)
    if isinstance(term, Delta):
        return _delta(term, axes)
    if isinstance(term, Determinant):
        return det(_of_matrix(term))
    if isinstance(term, EntryOf):
        return _placed(inverted(_of_matrix(term.matrix)), term.indices, axes)
    if isinstance(term, NamedEntry):
        return _of_rows(term, axes)
    if term.is_Pow and _is_number(term.exp):
        return power(_argument(term.base, axes), term.exp)
    if isinstance(term, Where) and not _is_condition(term.args[0]):
        raise _NoForm
    if isinstance(term, Bracket) and not isinstance(term, Positive):
        raise _NoForm
    if isinstance(term, Maximum) and is_minimum(term):
        return Plus(((True, applied(Min, [_argument(-a, axes) for a in term.args])),))
    if isinstance(term, Positive):
        return applied(Positive, [_gap(term.args[0], axes)])
    if isinstance(term, (Function, Maximum, Positive, Abs, sign)) and term.args:
        return applied(type(term), [_argument(a, axes) for a in term.args])
    raise _NoForm


def _argument(term: Any, axes: Axes) -> Matrix:
    """An argument of a function over `axes`; a scalar serves every entry."""
    own = _axes(term, axes)
    form = _convert(term, axes)
    return _spread(form, own, axes) if own else form


def _gap(term: Any, axes: Axes) -> Matrix:
    """What is compared with 0; of a > b, two terms, what is left and what is right of the sign."""
    parts = sorted(terms(term), key=is_negative)
    if len(parts) != 2 or not axes or [is_negative(t) for t in parts] != [False, True]:
        return _argument(term, axes)
    left, right = (_argument(t, axes) for t in (parts[0], -parts[1]))
    return Plus(((False, _full(left, axes)), (True, _full(right, axes))))


def _full(form: Matrix, axes: Axes) -> Matrix:
    """A form over `axes`, also that of a scalar."""
    return _spread(form, (), axes) if shape(form) == SCALAR else form


def _is_condition(term: Any) -> bool:
    """Whether a condition is made of comparisons of numbers: [a > 0], 1 - [a > 0] and their products."""
    return all(isinstance(f, Positive) or isinstance(1 - f, Positive) for f in factors(term))


def _leaves_out(product: Any, bound: Axes) -> bool:
    """Whether a factor is a condition, and another may have no value where that is 0: there 0 is not 0 times the other.

    Entry by entry, with nothing summed, a product with a condition is 0 where that is.
    """
    conditions = [f for f in factors(product) if is_condition(f)]
    of_indices = any(isinstance(f, Differ) for f in conditions)
    powers = [f for f in factors(product) if f.is_Pow and not f.exp.is_nonnegative and (free_indices(f) or of_indices)]
    covered = [free_indices(c) for c in conditions if isinstance(c, Positive) and not free_indices(c) & {*bound}]
    unsure = [p for p in powers if not (p.base.is_nonzero and (p.exp.is_integer or p.base.is_positive))]
    return bool(conditions) and any(of_indices or free_indices(p) not in covered for p in unsure)


def _is_number(term: Any) -> bool:
    """Whether a term is a number of the graph: a size, a scalar, 1/s; a Σ is a product of matrices instead."""
    return not free_indices(term) and not term.has(Binder, Adjoint)


def _of_rows(term: NamedEntry, axes: Axes) -> Matrix:
    """An entry of what a function makes of a vector, or of one of the rows of a matrix."""
    (j,), entry = term.vector.opened()
    rows = tuple(sorted(free_indices(entry) - {j}, key=signature))
    if len(rows) > 1 or term.place in rows:
        raise _NoForm
    body = _spread(_convert(entry, (*rows, j)), _axes(entry, (*rows, j)), (*rows, j))
    return _placed(Rows(type(term), body), (*rows, term.place), axes)


def _of_matrix(term: OfMatrix) -> Matrix:
    """The matrix that a function is of."""
    places, entry = term.opened()
    return _whole(entry, places)


def _tensor(term: Any, axes: Axes) -> Matrix:
    """A tensor or a derivative with its indices in either order, or with a label for one of them."""
    if labels := [i for i in dict.fromkeys(term.indices) if _is_one_for_each(i)]:
        return _looked_up(term, labels, axes)
    parts: tuple[Any, ...] = (term.output, term.by) if isinstance(term, Adjoint) else (term,)
    indices = tuple(i for part in parts for i in part.indices)
    if not _has_places(indices) or (isinstance(term, Adjoint) and any(isinstance(i, Label) for i in indices)):
        raise _NoForm
    rows, columns = [*(getattr(i, "size", None) for i in indices), None, None][:2]
    if isinstance(term, Adjoint):
        leaf: Matrix = Derivative(*term.pair, (len(parts[0].indices), len(parts[1].indices)), (rows, columns))
    else:
        leaf = Tensor(term.name, (rows, columns))
    return _placed(leaf, indices, axes)


def _has_places(indices: tuple[Any, ...]) -> bool:
    """Whether these are at most a row and a column, each an index or a label without indices."""
    return len(indices) <= 2 and all(isinstance(i, Index) or (isinstance(i, Label) and _is_fixed(i)) for i in indices)


def _placed(leaf: Matrix, indices: tuple[Any, ...], axes: Axes) -> Matrix:
    """A column or a matrix at its indices, in either order, or with a label for one of them."""
    if not _has_places(indices):
        raise _NoForm
    own = tuple(i for i in indices if isinstance(i, Index))
    fixed = [i for i in indices if not isinstance(i, Index)]
    if fixed:
        return product([leaf if own and indices[-1] in fixed else transposed(leaf), _unit(fixed[0], fixed[0].size)])
    if len(set(own)) < len(own):
        return Diagonal(leaf)
    return leaf if own == axes else transposed(leaf)


def _is_one_for_each(index: Any) -> bool:
    """Whether an index is a label for each example, t_i."""
    return isinstance(index, Label) and len(index.element.indices) == 1 and isinstance(index.element.indices[0], Index)


def _looked_up(term: Any, labels: list[Any], axes: Axes) -> Matrix:
    """What has a label for each example as an index, as a product with one-hot rows: E_{t_i,j} = Σ_k T_ik E_kj."""
    fresh = {label: Index(unused("k", integer=True), label.size) for label in labels}
    picked = Mul(*[Delta(index, label) for label, index in fresh.items()])
    return _contracted(tuple(fresh.values()), term.xreplace(fresh) * picked, axes)


def _is_fixed(index: Any) -> bool:
    """Whether an index is one given place: an integer, a label without indices, or where a column is largest."""
    if isinstance(index, ArgMax):
        indices, body = index.opened()
        return not free_indices(index) and matrix_form(body, indices) is not None
    return isinstance(index, Integer) or (isinstance(index, Label) and not index.element.indices)


def _delta(term: Delta, axes: Axes) -> Matrix:
    """δ_ij is the identity, δ_it a column, δ_{j,t_i} a matrix of one-hot rows."""
    if labels := [a for a in term.args if _is_one_for_each(a)]:
        return _one_hot(term, labels[0], axes)
    if not axes or not all(isinstance(a, Index) or _is_fixed(a) for a in term.args):
        raise _NoForm
    n = axes[0].size
    if len(axes) == 2:
        return Identity(n)
    return _unit(next(a for a in term.args if _is_fixed(a)), n)


def _unit(place: Any, n: Any) -> Matrix:
    """The column with a one at a label, an integer, or the largest of the entries of a column."""
    return Unit(place.element if isinstance(place, Label) else place, n)


def _one_hot(term: Delta, label: Any, axes: Axes) -> Matrix:
    """δ_{j,t_i} as T, or Tᵀ; of two places that are looked up, a product."""
    (other,) = (a for a in term.args if a != label)
    if not isinstance(other, Index):
        k = Index(unused("k", integer=True), label.size)
        return _contracted((k,), Delta(k, label) * Delta(k, other), axes)
    (example,) = label.element.indices
    rows = OneHot(label.element.name, (example.size, label.size))
    if other == example:
        return Diagonal(rows)
    return rows if axes == (example, other) else transposed(rows)


def _spread(form: Matrix, own: Axes, axes: Axes) -> Matrix:
    """A form over `own` indices spread over more: x + μ 𝟏, 𝟏 μᵀ."""
    if own == axes:
        return form
    if set(own) - set(axes):
        raise _NoForm
    if len(axes) == 1:
        return product([form, Ones(axes[0].size)])
    row = Transpose(Ones(axes[1].size))
    if not own:
        return product([form, Ones(axes[0].size), row])
    return product([form, row] if own == axes[:1] else [Ones(axes[0].size), transposed(form)])


# ---------------------------------------------------------------- products and contractions


def _contraction(term: Sum, order: Axes) -> Matrix:
    """Σ over one or more indices, of a product or term by term."""
    bound, body = term.opened()
    axes = _axes(term, order)
    parts = []
    for t in terms(body):
        negative = bool(t.could_extract_minus_sign()) and body.is_Add
        t = -t if negative else t
        parts.append((negative, _spread(_contracted(bound, t, order), _axes(t, order), axes)))
    return plus(parts)


def _contracted(bound: Axes, term: Any, order: Axes) -> Matrix:
    """Σ over `bound` of a product of factors."""
    if _leaves_out(term, bound):
        raise _NoForm
    if (replaced := _labels_replaced(term)) == term:
        return _multiplied(bound, term, order)
    try:
        return _multiplied(bound, replaced, order)
    except _NoForm:
        return _multiplied(bound, term, order)


def _multiplied(bound: Axes, term: Any, order: Axes) -> Matrix:
    whole = (*order, *bound)
    scalars: list[Matrix] = []
    value, groups = S.One, Groups()
    for part in sorted(factors(_exponentials_joined(term)), key=_part_key):
        if _is_number(part):
            value *= part
            continue
        form, axes = _convert(part, whole), _axes(part, whole)
        _put(form, axes, groups, scalars)
    left = list(bound)
    while left:
        j = min(left, key=lambda j: len(_neighbours(j, groups)))
        left.remove(j)
        others = _neighbours(j, groups)
        if len(others) == 1 and (i := next(iter(others))) in left and _is_pair(i, j, groups):
            left.remove(i)
            scalars.append(_pair(groups.pop(next(a for a in groups if j in a))))
        else:
            form, axes = _eliminated(j, groups, whole)
            _put(form, axes, groups, scalars)
    return scaled(value, scalars, _assembled(groups, order))


def _exponentials_joined(term: Any) -> Any:
    """e^{-y} e^{z_i} as e^{z_i - y}."""
    if (shared := exponentials_shared(term)) is not None:
        return shared
    powers = [f for f in factors(term) if isinstance(f, exp)]
    constant = [f for f in powers if _is_number(f)]
    varying = [f for f in powers if f not in constant]
    if not (constant and varying):
        return term
    whole = exp(Add(*[f.args[0] for f in (*constant, varying[0])]), evaluate=False)
    return Mul(*[f for f in factors(term) if f not in (*constant, varying[0])], whole, evaluate=False)


def _labels_replaced(term: Any) -> Any:
    """δ_{j,t_i} f(t_i) as δ_{j,t_i} f(j)."""
    for delta in factors(term):
        if isinstance(delta, Delta) and sum(map(_is_one_for_each, delta.args)) == 1:
            label, index = sorted(delta.args, key=_is_one_for_each, reverse=True)
            if isinstance(index, Index):
                term = delta * (term / delta).xreplace({label: index})
    return term


def _part_key(part: Any) -> tuple[Any, ...]:
    return (not isinstance(part, Adjoint), not isinstance(part, Element), isinstance(part, Bracket), signature(part))


def _put(form: Matrix, axes: Axes, groups: Groups, scalars: list[Matrix]) -> None:
    if axes:
        groups.setdefault(axes, []).append(form)
    else:
        scalars.append(form)


def _neighbours(j: Index, groups: Groups) -> frozenset[Index]:
    return frozenset(i for axes in groups if j in axes for i in axes if i != j)


def _is_pair(i: Index, j: Index, groups: Groups) -> bool:
    """Whether nothing but matrices between i and j carries either."""
    return sum(i in axes or j in axes for axes in groups) == 1


def _pair(forms: list[Matrix]) -> Matrix:
    """Σ_ij of an elementwise product of matrices: 𝟏ᵀ A 𝟏, tr(Aᵀ B), ‖A‖²."""
    if len(forms) == 1:
        rows, columns = shape(forms[0])
        if isinstance(forms[0], Apply) and forms[0].function == 2:
            return Norm(forms[0].args[0], S(2))
        return product([Transpose(Ones(rows)), forms[0], Ones(columns)])
    if len(forms) > 2 or any(map(is_elementwise, forms)):
        return product([Transpose(Ones(shape(forms[0])[0])), hadamard(forms), Ones(shape(forms[0])[1])])
    return min((trace(product([transposed(hadamard([f for f in forms if f is not last])), last])) for last in forms), key=size)


def _eliminated(j: Index, groups: Groups, order: Axes) -> tuple[Matrix, Axes]:
    """Σ_j of the factors that carry j, which are taken out of `groups`; with the indices of the result."""
    hit = {axes: groups.pop(axes) for axes in list(groups) if j in axes}
    rest = tuple(i for i in order if i != j and any(i in axes for axes in hit))
    vectors = hit.pop((j,), [])
    if len(rest) > 2:
        raise _NoForm
    sides = {
        i: hadamard([f if axes[1] == j else transposed(f) for axes, forms in hit.items() if i in axes for f in forms])
        for i in rest
    }
    if not rest:
        return _vector_sum(vectors, j), ()
    if len(rest) == 1:
        return product([sides[rest[0]], hadamard(vectors) if vectors else Ones(j.size)]), rest
    middle = [diag(hadamard(vectors))] if vectors else []
    return product([sides[rest[0]], *middle, transposed(sides[rest[1]])]), rest


def _vector_sum(vectors: list[Matrix], j: Index) -> Matrix:
    """Σ_j of an elementwise product of columns: n, 𝟏ᵀ x, ‖x‖², tr(A), xᵀ y, (x ⊙ y)ᵀ z."""
    if not vectors:
        return number(j.size)
    if len(vectors) > 1:
        splits = [(hadamard([w for w in vectors if w is not v]), v) for v in reversed(vectors)]
        return min((inner(*split) for split in splits), key=size)
    match vectors[0]:
        case Apply(function, (body,)) if function == 2:
            return Norm(body, S(2))
        case Diagonal(body):
            return trace(body)
    return inner(Ones(j.size), vectors[0])


def _assembled(groups: Groups, order: Axes) -> Matrix | None:
    """Factors over free indices put together: elementwise, as outer products, with rows and columns scaled."""
    axes = tuple(i for i in order if any(i in a for a in groups))
    if len(axes) > 2:
        raise _NoForm
    if len(axes) < 2:
        return hadamard(groups[axes]) if axes else None
    row, column, full = (groups.get(a, []) for a in (axes[:1], axes[1:], axes))
    if any(isinstance(f, Identity) for f in full):
        diagonals: list[Matrix] = [Diagonal(f) for f in full if not isinstance(f, Identity)]
        return diag(hadamard([*row, *column, *diagonals])) if [*row, *column, *diagonals] else full[0]
    if not full:
        return product([hadamard(row), transposed(hadamard(column))])
    left, right = ([diag(hadamard(side))] if side else [] for side in (row, column))
    middle = hadamard(full)
    whole = product([*left, middle, *right])
    match middle:
        case Plus(args) if left or right:
            return min(whole, plus([(n, product([*left, m, *right])) for n, m in args]), key=size)
        case MatMul((Plus(args), *rest)) if left:
            return min(whole, product([plus([(n, product([*left, m])) for n, m in args]), *rest, *right]), key=size)
    return whole
