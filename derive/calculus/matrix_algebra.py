"""Matrix expressions: tensors joined by products, transposes and elementwise products, and the algebra that keeps them short.

The functions in small letters (`product`, `plus`, `hadamard` …) build what the classes of the same name hold, with the
laws of matrix algebra applied: (A B)ᵀ = Bᵀ Aᵀ, I A = A, diag(x) y = x ⊙ y, A B + A C = A (B + C), where that is shorter.

A shape is (rows, columns), and None stands where there is one: a column is (n, None), a row (None, n), a scalar
(None, None).  Every vector is a column; a row is the transpose of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any, TypeGuard

from sympy import Add, Mul, Pow, S, exp, expand, sign

from derive.calculus.shortest import common_factor
from derive.calculus.signs import is_negative
from derive.calculus.terms import CACHE, Maximum, Positive, factors, unused

Shape = tuple[Any, Any]
SCALAR: Shape = (None, None)


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph with at most two axes."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Derivative:
    """∇_by of, the gradient of a scalar, or ∂of/∂by, the Jacobian of a column.  `ranks` are those of `of` and `by`."""

    of: str
    by: str
    ranks: tuple[int, int]
    shape: Shape


@dataclass(frozen=True)
class Identity:
    """The identity matrix."""

    size: Any


@dataclass(frozen=True)
class Ones:
    """A column of ones."""

    size: Any


@dataclass(frozen=True)
class Unit:
    """A column with a one at `label` (the entry of a label, or an integer) and zeros elsewhere."""

    label: Any
    size: Any


@dataclass(frozen=True)
class OneHot:
    """A one-hot row for each of the labels t: T with T_ij = 1 where j = t_i, else 0."""

    label: str
    shape: Shape


@dataclass(frozen=True)
class Transpose:
    """The transpose of a matrix, or of a column."""

    body: Matrix


@dataclass(frozen=True)
class MatMul:
    """A matrix product."""

    args: tuple[Matrix, ...]


@dataclass(frozen=True)
class Hadamard:
    """An elementwise product."""

    args: tuple[Matrix, ...]


@dataclass(frozen=True)
class Diag:
    """The diagonal matrix of a column."""

    body: Matrix


@dataclass(frozen=True)
class Diagonal:
    """The diagonal of a matrix, a column."""

    body: Matrix


@dataclass(frozen=True)
class Stack:
    """Columns, or matrices with as many columns, one below another: [h; x]."""

    args: tuple[Matrix, ...]


@dataclass(frozen=True)
class Trace:
    """The trace of a matrix."""

    body: Matrix


@dataclass(frozen=True)
class Det:
    """The determinant of a matrix."""

    body: Matrix


@dataclass(frozen=True)
class Inverted:
    """The inverse of a matrix."""

    body: Matrix


@dataclass(frozen=True)
class Norm:
    """A power of the Euclidean norm of a column or the Frobenius norm of a matrix."""

    body: Matrix
    exponent: Any


@dataclass(frozen=True)
class Scaled:
    """A number (a SymPy term without indices) and other scalars, times a body; without a body it is a scalar."""

    number: Any
    scalars: tuple[Matrix, ...]
    body: Matrix | None


@dataclass(frozen=True)
class Plus:
    """A sum; each term with whether it is subtracted."""

    args: tuple[tuple[bool, Matrix], ...]


@dataclass(frozen=True)
class Apply:
    """A function applied entry by entry: a SymPy function class, or an exponent for a power.  A scalar argument serves all."""

    function: Any
    args: tuple[Matrix, ...]


@dataclass(frozen=True)
class Rows:
    """What a function of a vector makes of a column, or of each row of a matrix."""

    function: Any
    body: Matrix


Matrix = (
    Tensor
    | Derivative
    | Identity
    | Ones
    | Unit
    | OneHot
    | Transpose
    | MatMul
    | Hadamard
    | Diag
    | Diagonal
    | Stack
    | Trace
    | Det
    | Inverted
    | Norm
    | Scaled
    | Plus
    | Apply
    | Rows
)


@lru_cache(maxsize=CACHE)
def shape(form: Matrix) -> Shape:
    """(rows, columns), None for one."""
    match form:
        case Tensor() | Derivative() | OneHot():
            return form.shape
        case Identity(n):
            return (n, n)
        case Ones(n) | Unit(_, n):
            return (n, None)
        case Transpose(body):
            rows, columns = shape(body)
            return (columns, rows)
        case MatMul(args):
            return (shape(args[0])[0], shape(args[-1])[1])
        case Hadamard(args):
            return shape(args[0])
        case Diag(body):
            return (shape(body)[0], shape(body)[0])
        case Diagonal(body):
            return (shape(body)[0], None)
        case Stack(args):
            return (expand(Add(*(shape(a)[0] for a in args))), shape(args[0])[1])
        case Trace() | Det() | Norm():
            return SCALAR
        case Inverted(body) | Rows(_, body):
            return shape(body)
        case Scaled(_, _, body):
            return SCALAR if body is None else shape(body)
        case Plus(args):
            return shape(args[0][1])
        case Apply(_, args):
            return next((shape(a) for a in args if shape(a) != SCALAR), SCALAR)


def children(form: Matrix) -> tuple[Matrix, ...]:
    """The forms that a form is put together from, as they are printed; of a scaled one the body, then the scalars."""
    match form:
        case Transpose(body) | Diag(body) | Diagonal(body) | Trace(body) | Det(body) | Inverted(body) | Norm(body):
            return (body,)
        case Rows(_, body):
            return (body,)
        case MatMul(args) | Hadamard(args) | Stack(args) | Apply(_, args):
            return args
        case Plus(args):
            return tuple(a for _, a in args)
        case Scaled(_, scalars, body):
            return scalars if body is None else (body, *scalars)
    return ()


def subforms(form: Matrix) -> Iterator[Matrix]:
    """The form and all that it is put together from, from the outside in."""
    yield form
    for child in children(form):
        yield from subforms(child)


@lru_cache(maxsize=CACHE)
def size(form: Matrix) -> int:
    """How many signs a form takes to print: what decides between two ways to write one matrix."""
    match form:
        case Norm(_, exponent):
            own = 1 + (exponent != 1)
        case Apply(function, args):
            own = len(args) if isinstance(function, type) else 2
        case MatMul(args) | Hadamard(args) | Stack(args) | Plus(args):
            own = len(args)
        case Transpose(Inverted()):
            own = 0  # one exponent says both
        case _:
            own = 1
    return own + sum(map(size, children(form)))


def number(value: Any) -> Matrix:
    """A number as a scalar form."""
    return scaled(value, (), None)


# ---------------------------------------------------------------- scalars


def scaled(value: Any, scalars: Sequence[Matrix], body: Matrix | None) -> Matrix:
    """A number and scalars times a body, a minus sign outside."""
    parts: list[Matrix] = []
    queue = [*scalars, *([] if body is None else [body])]
    body = None
    while queue:
        part = queue.pop(0)
        match part:
            case Scaled(inner, more, rest):
                value *= inner
                queue = [*more, *([] if rest is None else [rest]), *queue]
            case Plus(((True, inner),)):
                value, queue = -value, [inner, *queue]
            case _ if shape(part) == SCALAR:
                parts.append(part)
            case _:
                body = part
    negative, value, together = _minus_taken(value, _powers_joined(_exponentials_cancelled(parts)))
    match body:
        case Apply(function, (Plus() as difference,)) if function is sign and negative:
            negative, body = False, Apply(sign, (plus([(True, difference)]),))  # -sign(b - a) is sign(a - b)
    if negative:
        return Plus(((True, scaled(value, together, body)),))
    if value == 1 and body is not None and not together:
        return body
    if value == 1 and body is None and len(together) == 1:
        return together[0]
    return Scaled(value, tuple(together), body)


def _minus_taken(value: Any, scalars: list[Matrix]) -> tuple[bool, Any, list[Matrix]]:
    """The minus of a product, unless a difference of numbers takes it: -(β - 1) x is (1 - β) x."""
    turned = [_upright(s) for s in scalars]
    odd = sum(t is not s for t, s in zip(turned, scalars, strict=True)) % 2 == 1
    negative = _is_negative(value)
    value = -value if negative else value
    if negative is odd:
        return False, value, turned
    if (negative or odd) and (other := _number_turned(value)) is not None:
        return False, other, turned
    return negative, value, scalars


def standing_alone(form: Matrix) -> Matrix:
    """A form that begins with a minus, without that where a difference entry by entry takes it: -2 (b - a) is 2 (a - b).

    A difference in a product of matrices stays as its author has it, -2 Xᵀ (y - X w), and so does one behind another term.
    """
    match form:
        case Plus(((True, Scaled(value, scalars, body)),)):
            for k, scalar in enumerate(scalars):
                if (opposite := _opposite(scalar)) is not None:
                    return scaled(value, (*scalars[:k], opposite, *scalars[k + 1 :]), body)
            opposite = None if body is None else _opposite(body)
            return form if opposite is None else scaled(value, scalars, opposite)
        case Plus(((True, body),)):
            return _opposite(body) or form
    return form


def _is_negative(value: Any) -> bool:
    """Whether a number has a minus before it; a difference has none, and -max(-a, -b) is min(a, b)."""
    coefficient, rest = value.as_coeff_Mul()
    sums = [f for f in factors(rest) if f.as_base_exp()[0].is_Add and f.as_base_exp()[1].is_odd]
    below = [f for f in sums if all(is_negative(t) for t in f.as_base_exp()[0].args)]
    least = [f for f in factors(rest) if isinstance(f, Maximum) and is_minimum(f)]
    return bool(coefficient.is_negative) ^ (len([*below, *least]) % 2 == 1)


def is_minimum(term: Maximum) -> bool:
    """Whether minus a maximum is a minimum: -max(-a, -b)."""
    return all(a == 0 or is_negative(a) for a in term.args)


def _number_turned(value: Any) -> Any:
    """Minus a number, with the minus in one of its differences: of β - 1 it is 1 - β.  None where there is none."""
    for f in factors(value):
        base, exponent = f.as_base_exp()
        if base.is_Add and exponent.is_odd and len({is_negative(t) for t in base.args}) == 2:
            return value / f * Pow(-base, exponent)
    return None


def _upright(scalar: Matrix) -> Matrix:
    """A sum, or one over it, or its opposite, where that has fewer minus signs."""
    match scalar:
        case Plus(args):
            turned = plus([(not negative, form) for negative, form in args])
            return turned if isinstance(turned, Plus) and _minus_signs(turned) < _minus_signs(scalar) else scalar
        case Apply(exponent, (Plus() as base,)) if not isinstance(exponent, type) and exponent.is_odd:
            turned = _upright(base)
            return scalar if turned is base else Apply(exponent, (turned,))
    return scalar


def _minus_signs(form: Plus) -> int:
    return sum(negative for negative, _ in form.args)


def _opposite(form: Matrix) -> Matrix | None:
    """Minus a form, with the minus in a difference of it, entry by entry; None where there is none."""
    match form:
        case Plus(args) if {negative for negative, _ in args} == {False, True}:
            return Plus(tuple((not negative, term) for negative, term in args))
        case Hadamard(args):
            found = next(((k, o) for k, a in enumerate(args) if (o := _opposite(a)) is not None), None)
            return None if found is None else Hadamard((*args[: found[0]], found[1], *args[found[0] + 1 :]))
        case MatMul(args) if len(rest := [k for k, a in enumerate(args) if not isinstance(a, Diag)]) == 1:
            (k,) = rest
            return None if (opposite := _opposite(args[k])) is None else MatMul((*args[:k], opposite, *args[k + 1 :]))
    return None


def _exponentials_cancelled(parts: list[Matrix]) -> list[Matrix]:
    """Factors without exp(x) where exp(-x) stands beside it."""
    powers = [part for part in parts if isinstance(part, Apply) and part.function is exp]
    for one, other in combinations(powers, 2):
        match plus([(False, one.args[0]), (False, other.args[0])]):
            case Scaled(total, _, _) if total == 0:
                rest = list(parts)
                rest.remove(one)
                rest.remove(other)
                return _exponentials_cancelled(rest)
    return parts


def _repeated_joined(parts: list[Matrix]) -> list[Matrix]:
    """x ⊙ x as x^(⊙2)."""
    return [part if n == 1 else power(part, S(n)) for part, n in Counter(parts).items()]


def _powers_joined(scalars: list[Matrix]) -> list[Matrix]:
    """Scalars with powers of one base written as one power."""
    exponents: dict[Matrix, Any] = {}
    for scalar in scalars:
        base = _base(scalar)
        exponents[base] = exponents.get(base, S.Zero) + _exponent(scalar)
    return [power(base, e) for base, e in exponents.items() if e != 0]


def _base(scalar: Matrix) -> Matrix:
    """What a scalar is a power of."""
    match scalar:
        case Norm(body):
            return Norm(body, S.One)
        case Apply(exponent, (body,)) if not isinstance(exponent, type):
            return body
    return scalar


def _exponent(scalar: Matrix) -> Any:
    match scalar:
        case Norm(_, exponent):
            return exponent
        case Apply(exponent, (_,)) if not isinstance(exponent, type):
            return exponent
    return S.One


def power(base: Matrix, exponent: Any) -> Matrix:
    """A power, entry by entry; of ‖x‖² as a power of the norm."""
    if exponent == 1:
        return base
    match base:
        case Norm(body, inner):
            return Norm(body, inner * exponent)
        case Apply(inner, (body,)) if not isinstance(inner, type) and inner.is_integer and exponent.is_integer:
            return power(body, inner * exponent)
        case Scaled(value, scalars, body) if exponent.is_integer:
            return scaled(value**exponent, [power(s, exponent) for s in scalars], None if body is None else power(body, exponent))
        case Scaled(value, scalars, body) if value.is_positive and value != 1 and (scalars or body):
            return scaled(value**exponent, (), power(scaled(S.One, scalars, body), exponent))
    return applied(exponent, (base,))


def applied(function: Any, args: Sequence[Matrix]) -> Matrix:
    """A function entry by entry; of a matrix that is shorter turned round it is the transpose: σ(X W)ᵀ, not σ(Wᵀ Xᵀ)."""
    form = Apply(function, tuple(args))
    if None in shape(form):
        return form
    turned = Transpose(Apply(function, tuple(map(transposed, args))))
    return turned if size(turned) < size(form) + any(isinstance(a, Transpose) for a in args) else form


# ---------------------------------------------------------------- transposes and products


def transposed(form: Matrix) -> Matrix:
    """The transpose, put together from those of the parts where that is no longer."""
    match form:
        case Transpose(body):
            return body
        case Diag() | Identity():
            return form
        case MatMul(args):
            return product([transposed(a) for a in reversed(args)])
        case Scaled(value, scalars, body):
            return form if body is None else Scaled(value, scalars, transposed(body))
        case Plus(((negative, body),)):
            return Plus(((negative, transposed(body)),))
        case _ if shape(form) == SCALAR:
            return form
        case Hadamard(args) if None not in shape(form):
            return _shorter(Transpose(form), Hadamard(tuple(map(transposed, args))))
        case Plus(terms) if None not in shape(form):
            return _shorter(Transpose(form), plus([(n, transposed(t)) for n, t in terms]))
        case Apply(function, args) if None not in shape(form):
            return applied(function, [transposed(a) for a in args])
        case Apply(function, (Transpose(body),)):
            return Apply(function, (body,))
    return Transpose(form)


def _shorter(one: Matrix, other: Matrix) -> Matrix:
    return other if size(other) < size(one) else one


def inverted(form: Matrix) -> Matrix:
    """The inverse; of a transpose it is the transpose of the inverse."""
    match form:
        case Inverted(body):
            return body
        case Identity():
            return form
        case Transpose(body):
            return transposed(inverted(body))
    return Inverted(form)


def det(form: Matrix) -> Matrix:
    """The determinant, which is that of the transpose."""
    return Det(form.body if isinstance(form, Transpose) else form)


def _inverses_out(chain: list[Matrix]) -> list[Matrix]:
    """A product without each matrix that stands beside its inverse."""
    out: list[Matrix] = []
    for part in chain:
        if out and inverted(part) == out[-1]:
            out.pop()
        else:
            out.append(part)
    return out or ([Identity(shape(chain[0])[0])] if chain else [])


def product(args: Iterable[Matrix]) -> Matrix:
    """A matrix product: chains made one, identities and what stands beside its inverse left out, scalars in front, a row times a
    column taken out as a scalar.

    >>> a, x = Tensor("A", (3, 2)), Tensor("x", (2, None))
    >>> transposed(product([a, x])) == product([Transpose(x), Transpose(a)])
    True
    >>> product([a, Identity(2), x]) == MatMul((a, x))
    True
    """
    value, scalars, chain = S.One, list[Matrix](), list[Matrix]()
    queue = list(args)
    while queue:
        part = queue.pop(0)
        match part:
            case Scaled(inner, more, rest):
                value, scalars = value * inner, [*scalars, *more]
                queue = [*([] if rest is None else [rest]), *queue]
            case Plus(((True, inner),)):
                value, queue = -value, [inner, *queue]
            case MatMul(inner):
                queue = [*inner, *queue]
            case Identity() if chain or queue:
                pass
            case _ if shape(part) == SCALAR:
                scalars.append(part)
            case _:
                chain.append(part)
    kept = _brackets_open(_diagonals_in(_inverses_out(chain)))
    if kept != chain:
        return scaled(value, scalars, product(kept) if kept else None)
    while (found := _row_and_column(chain)) is not None:
        start, end = found
        scalars.append(_scalar(chain[start:end]))
        chain = chain[:start] + chain[end:]
    return scaled(value, scalars, _chained(chain))


def _chained(chain: list[Matrix]) -> Matrix | None:
    return None if not chain else chain[0] if len(chain) == 1 else MatMul(tuple(chain))


def _diagonals_in(chain: list[Matrix]) -> list[Matrix]:
    """diag(x) y is x ⊙ y, and xᵀ diag(y) is (x ⊙ y)ᵀ."""
    out: list[Matrix] = []
    for part in reversed(chain):
        if isinstance(part, Diag) and out and isinstance(out[0], Diag):
            out[0] = diag(hadamard([part.body, out[0].body]))
        elif isinstance(part, Diag) and (end := _first_column(out)) is not None:
            out[: end + 1] = [hadamard([part.body, product(out[: end + 1])])]
        elif out and isinstance(out[0], Diag) and shape(part)[0] is None:
            out[0] = Transpose(hadamard([transposed(part), out[0].body]))
        else:
            out.insert(0, part)
    return out


def _brackets_open(chain: list[Matrix]) -> list[Matrix]:
    """A product without a bracket of which diag(x) meets a vector: (diag(x) A + B)ᵀ y is Aᵀ (x ⊙ y) + Bᵀ y."""
    for k, (left, right) in enumerate(pairwise(chain)):
        if shape(right)[1] is None and (found := _summands(left)):
            met = sum(isinstance(term[-1], Diag) for _, term in found)
            terms = [(negative, product([*term, right])) for negative, term in found]
        elif shape(left)[0] is None and (found := _summands(right)):
            met = sum(isinstance(term[0], Diag) for _, term in found)
            terms = [(negative, product([left, *term])) for negative, term in found]
        else:
            continue
        elementwise = any(isinstance(body, Hadamard) for side in (left, right) for body in (side, *children(side)[:1]))
        if met and size(whole := plus(terms)) <= size(MatMul((left, right))) + (0 if elementwise else 3 * met):
            return [*chain[:k], whole, *chain[k + 2 :]]
    return chain


def _summands(form: Matrix) -> list[tuple[bool, list[Matrix]]]:
    """The terms of a sum, or of an elementwise product with one of columns and rows, each as the factors of its product; of
    any other form none.  A ⊙ (x yᵀ) is diag(x) A diag(y).
    """
    match form:
        case Plus(args):
            return [(negative, _chain_of(term)) for negative, term in args]
        case Transpose(Plus(args)):
            return [(negative, _chain_of(transposed(term))) for negative, term in args]
        case Transpose(Hadamard(args)):
            return _summands(Hadamard(tuple(map(transposed, args))))
        case Hadamard(args):
            for k, arg in enumerate(args):
                outer = [(negative, _chain_of(term)) for negative, term in _terms(arg)]
                if all(_is_outer(term) for _, term in outer):
                    rest = hadamard([*args[:k], *args[k + 1 :]])
                    return [(negative, _scaling(term, rest)) for negative, term in outer]
    return []


def _terms(form: Matrix) -> list[tuple[bool, Matrix]]:
    match form:
        case Plus(args):
            return [*args]
        case Transpose(Plus(args)):
            return [(negative, transposed(term)) for negative, term in args]
    return [(False, form)]


def _chain_of(form: Matrix) -> list[Matrix]:
    """The factors of a product; a number stays with the first."""
    match form:
        case MatMul(args):
            return [*args]
        case Scaled(value, scalars, MatMul((first, *rest))):
            return [scaled(value, scalars, first), *rest]
    return [form]


def _is_outer(chain: list[Matrix]) -> bool:
    return len(chain) == 2 and shape(chain[0])[1] is None


def _scaling(outer: list[Matrix], matrix: Matrix) -> list[Matrix]:
    """x yᵀ, entry by entry with a matrix, as diag(x) A diag(y)."""
    column, row = outer[0], transposed(outer[1])
    ends = [None if isinstance(end, Ones) else diag(end) for end in (column, row)]
    return [part for part in (ends[0], matrix, ends[1]) if part is not None]


def _first_column(chain: list[Matrix]) -> int | None:
    """Where the column stands that the matrices at the head of a chain are applied to; None where there is none."""
    for k, part in enumerate(chain):
        if None in shape(part):
            return k if shape(part)[1] is None else None
    return None


def _row_and_column(chain: list[Matrix]) -> tuple[int, int] | None:
    """Where a row begins and the column that it meets ends."""
    for end, part in enumerate(chain):
        if shape(part)[1] is None:
            start = next((k for k in range(end, -1, -1) if shape(chain[k])[0] is None), None)
            if start is not None:
                return start, end + 1
    return None


def _scalar(chain: list[Matrix]) -> Matrix:
    """A row times matrices times a column: ‖x‖² where both ends are one column, and aᵀ S⁻¹ b before bᵀ S⁻ᵀ a."""
    half, odd = divmod(len(chain), 2)
    column = _chained(chain[half:])
    if not odd and column is not None and transposed(column) == _chained(chain[:half]):
        return number(column.size) if isinstance(column, Ones) else Norm(column, S(2))
    backwards = [transposed(a) for a in reversed(chain)]
    return MatMul(tuple(min((chain, backwards), key=lambda way: (size(MatMul(tuple(way))), sum(map(_turned_inverse, way))))))


def _turned_inverse(form: Matrix) -> bool:
    return isinstance(form, Transpose) and isinstance(form.body, Inverted)


def inner(one: Matrix, other: Matrix) -> Matrix:
    """The inner product of two columns, the shorter as a row."""
    return min((product([transposed(a), b]) for a, b in ((one, other), (other, one))), key=size)


def hadamard(args: Iterable[Matrix]) -> Matrix:
    """An elementwise product of forms of one shape."""
    value, scalars, parts = S.One, list[Matrix](), list[Matrix]()
    queue = list(args)
    whole = shape(queue[0])
    while queue:
        part = queue.pop(0)
        match part:
            case Scaled(inner, more, rest):
                value, scalars = value * inner, [*scalars, *more]
                queue = [*([] if rest is None else [rest]), *queue]
            case Plus(((True, inner),)):
                value, queue = -value, [inner, *queue]
            case Hadamard(inner):
                queue = [*inner, *queue]
            case Ones():
                pass
            case _:
                parts.append(part)
    parts = _repeated_joined(_exponentials_cancelled(parts))
    if not parts:
        return scaled(value, scalars, Ones(whole[0]) if None in whole else MatMul((Ones(whole[0]), Transpose(Ones(whole[1])))))
    body = parts[0] if len(parts) == 1 else Hadamard(tuple(parts))
    if len(parts) > 1 and None not in whole:
        turned = Transpose(Hadamard(tuple(map(transposed, parts))))
        outside = any(isinstance(part, Transpose) and isinstance(part.body, Apply) for part in parts)
        body = turned if size(turned) < size(body) + outside else body
    return scaled(value, scalars, body)


def diag(column: Matrix) -> Matrix:
    """The diagonal matrix of a column."""
    match column:
        case Ones(n):
            return Identity(n)
        case Scaled(value, scalars, body):
            return Scaled(value, scalars, diag(body) if body else None)
        case Plus(((True, body),)):
            return Plus(((True, diag(body)),))
    return Diag(column)


def trace(matrix: Matrix) -> Matrix:
    """The trace; of a product, turned round and transposed until it is shortest."""
    match matrix:
        case Scaled(value, scalars, body) if body is not None:
            return scaled(value, (*scalars, trace(body)), None)
        case Plus(((True, body),)):
            return Plus(((True, trace(body)),))
        case Transpose(body):
            return trace(body)
        case Identity(n):
            return number(n)
        case MatMul(args):
            ways = _turns(args)
            rows = [w for w in ways if shape(w[0])[0] is None]
            if rows:
                return min((product(w) for w in rows), key=size)
            best = min(ways, key=lambda w: (size(MatMul(w)), _brackets_turned(w), isinstance(w[-1], Transpose), repr(w)))
            if len(best) == 2 and best[0] == transposed(best[1]):
                return Norm(best[1], S(2))
            return Trace(MatMul(best))
    return Trace(matrix)


# ---------------------------------------------------------------- sums


@dataclass(frozen=True)
class _Term:
    """A term of a sum taken apart: ± number · scalars · (the factors of a product)."""

    negative: bool
    number: Any
    scalars: tuple[Matrix, ...]
    chain: tuple[Matrix, ...]

    @property
    def form(self) -> Matrix:
        return scaled(self.number, self.scalars, product(self.chain) if self.chain else None)


def _apart(negative: bool, form: Matrix) -> _Term:
    value, scalars, body = (form.number, form.scalars, form.body) if isinstance(form, Scaled) else (S.One, (), form)
    if body is None:
        return _Term(negative, value, scalars, ())
    return _Term(negative, value, scalars, body.args if isinstance(body, MatMul) else (body,))


def plus(args: Iterable[tuple[bool, Matrix]]) -> Matrix:
    """A sum of forms of one shape, each with whether it is subtracted; factors that terms share are taken out."""
    flat: list[tuple[bool, Matrix]] = []
    for negative, form in args:
        flat += [(n != negative, f) for n, f in form.args] if isinstance(form, Plus) else [(negative, form)]
    if shape(flat[0][1])[0] is None and shape(flat[0][1]) != SCALAR:
        return transposed(plus([(negative, transposed(form)) for negative, form in flat]))
    return _sum(tuple(_constants_joined(_numbers_joined(_traces_joined(_diagonals_joined(flat))))))


def _numbers_joined(args: list[tuple[bool, Matrix]]) -> list[tuple[bool, Matrix]]:
    """x + a (y - x) is (1 - a) x + a y."""
    plain = [form for _, form in args if not isinstance(form, Scaled) and not is_constant(form)]
    for k, (negative, form) in enumerate(args):
        match form:
            case Scaled(value, (), Plus(inner)) if met := [term for _, term in inner if term in plain]:
                own = args[[term for _, term in args].index(met[0])]
                joined = (-1 if own[0] else 1) + sum((-value if n != negative else value) for n, term in inner if term == met[0])
                apart = [(n != negative, scaled(value, (), term)) for n, term in inner if term != met[0]]
                rest = [arg for m, arg in enumerate(args) if m != k and arg is not own]
                return _numbers_joined([*rest, _signed(scaled(joined, (), met[0])), *apart])
    return args


def _traces_joined(args: list[tuple[bool, Matrix]]) -> list[tuple[bool, Matrix]]:
    """tr(A B) - tr(A C) is tr(A (B - C))."""
    ways = [dict(_trace_ways(form)) for _, form in args]
    for first in dict.fromkeys(first for found in ways for first in found):
        group = [k for k, found in enumerate(ways) if first in found]
        if len(group) < 2:
            continue
        together = trace(product([first, plus([(args[k][0], ways[k][first]) for k in group])]))
        if size(together) < size(Plus(tuple(args[k] for k in group))):
            return _traces_joined([*(arg for k, arg in enumerate(args) if k not in group), (False, together)])
    return args


def _trace_ways(form: Matrix) -> Iterator[tuple[Matrix, Matrix]]:
    """A trace as that of the transpose of a tensor, times the rest."""
    match form:
        case Trace(MatMul(args)):
            for way in _turns(args):
                if _is_turned_tensor(way[0]):
                    yield way[0], product(way[1:])


def _brackets_turned(args: tuple[Matrix, ...]) -> int:
    """How many of the factors are transposes of more than a tensor."""
    return sum(isinstance(a, Transpose) and len(children(a.body)) > 1 for a in args)


def _is_turned_tensor(form: Matrix) -> bool:
    return isinstance(form, Transpose) and isinstance(form.body, (Tensor, Derivative))


def _turns(args: tuple[Matrix, ...]) -> list[tuple[Matrix, ...]]:
    """The products whose trace is the same: turned round, and transposed."""
    return [w[k:] + w[:k] for w in (args, tuple(transposed(a) for a in reversed(args))) for k in range(len(args))]


def _diagonals_joined(args: list[tuple[bool, Matrix]]) -> list[tuple[bool, Matrix]]:
    """𝐈 - diag(x) is diag(𝟏 - x)."""
    columns = [_on_diagonal(form) for _, form in args]
    found = [(negative, column) for (negative, _), column in zip(args, columns, strict=True) if column is not None]
    if len(found) < 2 or all(is_constant(column) for _, column in found):
        return args
    rest = [arg for arg, column in zip(args, columns, strict=True) if column is None]
    return [*rest, (False, diag(plus(found)))]


def is_constant(form: Matrix) -> bool:
    """Whether a form is a number, or a column of one number."""
    match form:
        case Ones():
            return True
        case Scaled(_, scalars, body):
            return not scalars and (body is None or is_constant(body))
    return False


def is_power(form: Matrix) -> TypeGuard[Apply]:
    """Whether a form is a power, entry by entry."""
    return isinstance(form, Apply) and not isinstance(form.function, type)


def is_condition(form: Matrix) -> bool:
    """Whether every entry of a form is 1 where a condition holds, else 0."""
    match form:
        case Apply(function):
            return function is Positive
        case Plus(((False, one), (True, Apply(function)))):
            return function is Positive and is_constant(one) and entry(one) == 1
    return False


def entry(constant: Matrix) -> Any:
    """The number that all entries of a constant are."""
    match constant:
        case Scaled(value, _, body):
            return value if body is None else value * entry(body)
    return S.One


def is_elementwise(form: Matrix) -> bool:
    """Whether a form is computed entry by entry, by a function or a product."""
    match form:
        case Apply() | Hadamard():
            return True
        case Transpose(body):
            return is_elementwise(body)
        case Scaled(_, _, body):
            return body is not None and is_elementwise(body)
        case Plus(args):
            return any(is_elementwise(term) for _, term in args)
    return False


def _on_diagonal(form: Matrix) -> Matrix | None:
    """The column of which a form is the diagonal matrix, or None."""
    match form:
        case Identity(n):
            return Ones(n)
        case Diag(body):
            return body
        case Scaled(value, scalars, body) if body is not None:
            column = _on_diagonal(body)
            return None if column is None else scaled(value, scalars, column)
    return None


def _constants_joined(args: list[tuple[bool, Matrix]]) -> list[tuple[bool, Matrix]]:
    """Terms that differ by a rational number alone made one."""
    joined: dict[Matrix, Any] = {}
    for negative, form in args:
        value, rest = (form.number, form) if isinstance(form, Scaled) else (S.One, None)
        coefficient, symbols = value.as_coeff_Mul()
        if symbols.could_extract_minus_sign():
            coefficient, symbols = -coefficient, -symbols
        body = form if rest is None else Scaled(symbols, rest.scalars, rest.body)
        joined[body] = joined.get(body, S.Zero) + (-coefficient if negative else coefficient)
    out = [_signed(scaled(c, (), body)) for body, c in joined.items() if c != 0]
    positive = any(not negative and _begins(form) for negative, form in out)
    return [_behind(*arg) if positive else arg for arg in out] or [(False, scaled(S.Zero, (), args[0][1]))]


def _signed(form: Matrix) -> tuple[bool, Matrix]:
    """A term of a sum without its minus, and whether it has one."""
    match form:
        case Plus(((True, body),)):
            return True, body
    return False, form


def _begins(form: Matrix) -> bool:
    """Whether a sum may begin with a term: not with (β - 1) x, where -(1 - β) x may stand behind another."""
    return not isinstance(form, Scaled) or _number_turned(form.number) is None or _written_up(form.number)


def _behind(negative: bool, form: Matrix) -> tuple[bool, Matrix]:
    """A term behind another: -(1 - β) x for (β - 1) x."""
    if negative or _begins(form) or not isinstance(form, Scaled):
        return negative, form
    return True, Scaled(_number_turned(form.number), form.scalars, form.body)


def _written_up(value: Any) -> bool:
    """Whether no difference in a number is one of a letter and a number: β - 1, which is -(1 - β)."""
    bases = [f.as_base_exp()[0] for f in factors(value)]
    return not any(base.is_Add and base.as_coeff_Add()[0].is_negative for base in bases)


@lru_cache(maxsize=CACHE)
def _sum(args: tuple[tuple[bool, Matrix], ...]) -> Matrix:
    """A flat sum, or what is shorter: with a shared factor taken out of some terms (a scalar also where it is no longer)."""
    if len(args) == 1:
        return Plus(args) if args[0][0] else args[0][1]
    if all(negative for negative, _ in args):
        return Plus(((True, _sum(tuple((False, form) for _, form in args))),))
    parts = [_apart(*a) for a in args]
    plain = Plus(tuple(sorted(args, key=_term_key)))
    best, least = None, (float(size(plain)), False)
    for taken, group in _groups(parts):
        rest = [args[k] for k in range(len(args)) if k not in group]
        bare = taken(Plus(tuple((parts[k].negative, taken.without(parts[k])) for k in group)))
        preferred = taken.side == "front" and not isinstance(taken.factor, Scaled)
        length = (size(Plus((*rest, (False, bare))) if rest else bare) - preferred / 2, None in shape(taken.factor))
        if length < least:
            best, least = (taken, group, rest), length
    if best is not None:
        taken, group, rest = best
        together = taken(plus([(parts[k].negative, taken.without(parts[k])) for k in group]))
        return plus([*rest, (False, together)]) if rest else together
    if None not in shape(plain):
        return _shorter(plain, Transpose(Plus(tuple(sorted(((n, transposed(f)) for n, f in args), key=_term_key)))))
    return plain


def _term_key(arg: tuple[bool, Matrix]) -> tuple[Any, ...]:
    return (arg[0], size(arg[1]), repr(arg[1]))


@dataclass(frozen=True)
class _Taken:
    """A factor to take out of terms: from the left or the right, entry by entry, or a scalar from in front."""

    side: str
    factor: Matrix

    def __call__(self, rest: Matrix) -> Matrix:
        """The factor put back."""
        match self.side:
            case "left":
                return product([self.factor, rest])
            case "right":
                return product([rest, self.factor])
            case "entry":
                return hadamard([self.factor, rest])
        return scaled(S.One, (self.factor,), rest)

    def without(self, term: _Term) -> Matrix:
        """The term with the factor taken out."""
        front = (term.number, term.scalars)
        match self.side:
            case "left":
                return scaled(*front, product(term.chain[1:] or (Identity(shape(self.factor)[1]),)))
            case "right":
                return scaled(*front, product(term.chain[:-1] or (Identity(shape(self.factor)[0]),)))
            case "entry":
                entries = list(_entries(term))
                entries.remove(self.factor)
                return scaled(*front, hadamard(entries) if entries else Ones(shape(self.factor)[0]))
        return scaled(S.One, (power(self.factor, S.NegativeOne),), term.form)


def _entries(term: _Term) -> tuple[Matrix, ...]:
    """The factors of an elementwise product; a column of its own is one, but not 𝟏."""
    if len(term.chain) != 1 or isinstance(term.chain[0], Ones):
        return ()
    (body,) = term.chain
    return body.args if isinstance(body, Hadamard) else (body,) if None in shape(body) else ()


def _groups(parts: list[_Term]) -> list[tuple[_Taken, list[int]]]:
    """What may be taken out, with the terms that share it."""
    having: dict[_Taken, list[int]] = {}
    for k, part in enumerate(parts):
        options = [_Taken("entry", f) for f in _entries(part)]
        if part.chain and shape(part.form) != SCALAR:
            options += [_Taken("left", part.chain[0]), _Taken("right", part.chain[-1])]
        for option in dict.fromkeys(
            o for o in options if o.side == "entry" or len(part.chain) > 1 or None not in shape(o.factor)
        ):
            having.setdefault(option, []).append(k)
    fronts = dict.fromkeys(s for part in parts for s in part.scalars)
    having |= {_Taken("front", s): [k for k, p in enumerate(parts) if _base(s) in map(_base, p.scalars)] for s in fronts}
    shared = _shared([p.number for p in parts])
    if shared != 1:
        having[_Taken("front", number(shared))] = list(range(len(parts)))
    return [(taken, group) for taken, group in having.items() if len(group) > 1]


def _shared(numbers: list[Any]) -> Any:
    """What all numbers have in common: 2 of 2a and 4, 1/N of 1/N and 3/N."""
    together = common_factor(Add(*[n * unused("_") for n in numbers]))
    return Mul(*[f for f in factors(together) if not f.is_Add]) if not together.is_Add else S.One
