"""Matrix expressions: tensors joined by products, transposes and elementwise products, and the algebra that keeps them short.

The functions in small letters (`product`, `plus`, `hadamard` …) build what the classes of the same name hold, with the
laws of matrix algebra applied: (A B)ᵀ = Bᵀ Aᵀ, I A = A, diag(x) y = x ⊙ y, A B + A C = A (B + C), where that is shorter.

A shape is (rows, columns), and None stands where there is one: a column is (n, None), a row (None, n), a scalar
(None, None).  Every vector is a column; a row is the transpose of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Mul, S, sign

from derive.calculus.shortest import common_factor
from derive.calculus.terms import CACHE, factors, unused

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
    | Trace
    | Det
    | Inverted
    | Norm
    | Scaled
    | Plus
    | Apply
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
        case Trace() | Det() | Norm():
            return SCALAR
        case Inverted(body):
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
        case MatMul(args) | Hadamard(args) | Apply(_, args):
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
        case MatMul(args) | Hadamard(args) | Plus(args):
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
    together = _powers_joined(parts)
    match body:
        case Apply(function, (Plus() as difference,)) if function is sign and value.could_extract_minus_sign():
            value, body = -value, Apply(sign, (plus([(True, difference)]),))  # -sign(b - a) is sign(a - b)
    if value.could_extract_minus_sign():
        return Plus(((True, scaled(-value, together, body)),))
    if value == 1 and body is not None and not together:
        return body
    if value == 1 and body is None and len(together) == 1:
        return together[0]
    return Scaled(value, tuple(together), body)


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
    return Apply(exponent, (base,))


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
    chain = _diagonals_in(_inverses_out(chain))
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
        elif isinstance(part, Diag) and out and shape(out[0])[1] is None:
            out[0] = hadamard([part.body, out[0]])
        elif out and isinstance(out[0], Diag) and shape(part)[0] is None:
            out[0] = Transpose(hadamard([transposed(part), out[0].body]))
        else:
            out.insert(0, part)
    return out


def _row_and_column(chain: list[Matrix]) -> tuple[int, int] | None:
    """Where a row begins and the column that it meets ends."""
    for end, part in enumerate(chain):
        if shape(part)[1] is None:
            start = next((k for k in range(end, -1, -1) if shape(chain[k])[0] is None), None)
            if start is not None:
                return start, end + 1
    return None


def _scalar(chain: list[Matrix]) -> Matrix:
    """A row times matrices times a column: ‖x‖² where both ends are one column."""
    half, odd = divmod(len(chain), 2)
    column = _chained(chain[half:])
    if not odd and column is not None and transposed(column) == _chained(chain[:half]):
        return number(column.size) if isinstance(column, Ones) else Norm(column, S(2))
    backwards = [transposed(a) for a in reversed(chain)]
    return min((MatMul(tuple(c)) for c in (chain, backwards)), key=size)


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
    if not parts:
        return scaled(value, scalars, Ones(whole[0]))
    body = parts[0] if len(parts) == 1 else Hadamard(tuple(parts))
    if len(parts) > 1 and None not in whole:
        body = _shorter(body, Transpose(Hadamard(tuple(map(transposed, parts)))))
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
            ways = [w[k:] + w[:k] for w in (args, tuple(transposed(a) for a in reversed(args))) for k in range(len(args))]
            rows = [w for w in ways if shape(w[0])[0] is None]
            if rows:
                return min((product(w) for w in rows), key=size)
            best = min(ways, key=lambda w: (size(MatMul(w)), isinstance(w[-1], Transpose), repr(w)))
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
    return _sum(tuple(_constants_joined(_diagonals_joined(flat))))


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
        body = form if rest is None else Scaled(symbols, rest.scalars, rest.body)
        joined[body] = joined.get(body, S.Zero) + (-coefficient if negative else coefficient)
    out = [_unsigned(bool(c < 0), scaled(abs(c), (), body)) for body, c in joined.items() if c != 0]
    return out or [(False, scaled(S.Zero, (), args[0][1]))]


def _unsigned(negative: bool, form: Matrix) -> tuple[bool, Matrix]:
    """A term with the minus of its form as its own."""
    match form:
        case Plus(((True, inner),)):
            return not negative, inner
    return negative, form


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
