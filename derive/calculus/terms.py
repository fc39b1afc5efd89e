"""The terms of the index calculus: SymPy expressions whose leaves are tensor entries.

    Index(i, n)          an index over an axis of size n (it takes the values 0 … n-1)
    Label(t, n)          a given integer used as an index into an axis of size n
    Element(x, i, j)     one entry of a tensor (a scalar has no index)
    Sum(e, j)            Σ_j e, and its siblings Product, Largest (max over j), ArgMax
    Delta(i, k)          1 where i = k, else 0 (Kronecker)
    Bracket              1 where a condition holds, else 0 (Iverson): Differ, Below, AtMost, Positive, Inside
    Maximum(a, b)        the larger of two numbers
    Where(c, a, b)       a where the bracket c is 1, else b
    Kept(a + b)          a sum that is an atom while a line is rewritten (in no line that is shown)
    Determinant(e, i, k) the determinant of the matrix with the entries e, of row i and column k (both bound)
    VectorOf(e, j)       the vector of the entries e, for what a function makes of a vector as a whole
    EntryOf(M, i, k)     an entry of a matrix that is made of another as a whole: M is Inverse(e, i, k)
    Deriv(e, x)          the derivative of e by the entry x, not yet carried out
    Adjoint(o, x)        the total derivative of the output entry o by the entry x, along every path

Binders are locally nameless: a closed binder names its own indices @1, @2 … by the height of what it binds, so two sums
that differ only in the name of a bound index are the same object, and no substitution can capture an index.  A body is
only ever looked at through `Binder.opened`, which puts fresh indices in, and rebuilt through `close`.

An index ranges over its axis by construction, so Σ_j δ_jk f(j) = f(k) needs no condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import count, groupby, permutations, product
from typing import Any

from sympy import Add, Dummy, Expr, Function, Integer, Mul, Pow, S, Symbol, exp, expand, preorder_traversal, srepr, sympify
from sympy.core.basic import Basic

CACHE = 1 << 11
"""So many results a function of terms keeps at most.  One derivation needs fewer; a process that derives thousands holds on
to all that is kept."""


# ---------------------------------------------------------------- leaves

_COUNT = count(10**9)
"""Of unused symbols.  SymPy's own count starts far below, and is not safe: two threads that ask at once get the same number."""


def unused(name: str, **assumptions: bool | None) -> Dummy:
    """A symbol that is equal to no other, whichever thread asks."""
    return Dummy(name, dummy_index=next(_COUNT), **assumptions)


class Index(Expr):
    """An index over an axis: `Index("i", n)` takes the values 0 … n-1."""

    is_commutative = True
    is_integer = True

    def __new__(cls, label: str | Basic, size: Any) -> Index:
        name = Symbol(label, integer=True) if isinstance(label, str) else label
        return Expr.__new__(cls, name, expand(sympify(size)))

    @property
    def label(self) -> Any:
        return self.args[0]

    @property
    def name(self) -> str:
        return str(self.label.name)

    @property
    def size(self) -> Any:
        return self.args[1]

    def fresh(self) -> Index:
        return Index(unused(self.name.strip("@"), integer=True), self.size)

    def _sympystr(self, printer: Any) -> str:
        return self.name


class Element(Expr):
    """One entry of a tensor.  The head is a symbol that carries what is known of every entry (real, positive …)."""

    is_commutative = True

    def __new__(cls, head: Symbol, *indices: Any) -> Element:
        return Expr.__new__(cls, head, *map(sympify, indices))

    @property
    def head(self) -> Symbol:
        return self.args[0]

    @property
    def name(self) -> str:
        return str(self.head.name)

    @property
    def indices(self) -> tuple[Any, ...]:
        return self.args[1:]

    def _eval_is_real(self) -> bool | None:
        return self.head.is_real

    def _eval_is_positive(self) -> bool | None:
        return self.head.is_positive

    def _eval_is_nonnegative(self) -> bool | None:
        return self.head.is_nonnegative

    def _eval_is_integer(self) -> bool | None:
        return self.head.is_integer

    def _sympystr(self, printer: Any) -> str:
        return self.name + (f"[{','.join(map(printer._print, self.indices))}]" if self.indices else "")


class Label(Expr):
    """A given integer (a class label) used as an index into an axis of size n: `Label(t, n)` or `Label(t[b], n)`."""

    is_commutative = True
    is_integer = True

    def __new__(cls, element: Element, size: Any) -> Label:
        return Expr.__new__(cls, element, expand(sympify(size)))

    @property
    def element(self) -> Any:
        return self.args[0]

    @property
    def size(self) -> Any:
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print(self.element))


# ---------------------------------------------------------------- binders


class Binder(Expr):
    """A body and the indices bound in it."""

    is_commutative = True
    is_real = True
    nests = True
    """Whether one inside another is the same as one over the indices of both."""
    ordered = False
    """Whether the order of its indices means something."""

    @property
    def body(self) -> Any:
        return self.args[0]

    @property
    def indices(self) -> tuple[Any, ...]:
        return self.args[1:]

    @property
    def free_symbols(self) -> set[Basic]:
        bound: set[Basic] = set().union(*(j.label.free_symbols for j in self.indices))
        sizes: set[Basic] = set().union(*(j.size.free_symbols for j in self.indices))
        return (self.body.free_symbols - bound) | sizes

    def opened(self) -> tuple[tuple[Index, ...], Any]:
        """The body with fresh indices in place of the bound ones: (indices, body)."""
        fresh = tuple(j.fresh() for j in self.indices)
        return fresh, self.body.xreplace(dict(zip(self.indices, fresh, strict=True)))

    def _sympystr(self, printer: Any) -> str:
        names = ",".join(map(printer._print, self.indices))
        return f"{type(self).__name__}_{names}({printer._print(self.body)})"


class Sum(Binder):
    """Σ over the bound indices."""

    def _eval_is_positive(self) -> bool | None:
        return self.body.is_positive

    def _eval_is_nonnegative(self) -> bool | None:
        return self.body.is_nonnegative


class Product(Sum):
    """Π over the bound indices."""


class Largest(Binder):
    """The maximum over the bound indices."""

    def _eval_is_positive(self) -> bool | None:
        return self.body.is_positive

    def _eval_is_nonnegative(self) -> bool | None:
        return self.body.is_nonnegative


class ArgMax(Binder):
    """The first index at which the maximum is reached (one bound index)."""

    is_integer = True
    nests = False

    @property
    def size(self) -> Any:
        return self.indices[0].size


class VectorOf(Binder):
    """The vector whose entries are the body (one bound index).  It is no number: only what a function makes of it is."""

    nests = False

    @property
    def size(self) -> Any:
        """How many entries the vector has."""
        return self.indices[0].size


class OfMatrix(Binder):
    """What a function makes of the matrix whose entries are the body, by row and column: the two bound indices.

    What is a matrix again is no number: only an `EntryOf` it is.  See `functions.MATRIX_FUNCTIONS`.
    """

    nests = False

    @property
    def size(self) -> Any:
        """How many rows, and columns, the matrix has."""
        return self.indices[0].size


class Determinant(OfMatrix):
    """det A, which is det Aᵀ."""


class Inverse(OfMatrix):
    """A⁻¹."""

    ordered = True


class EntryOf(Expr):
    """An entry of a matrix that a function makes: `EntryOf(Inverse(…), i, k)`.

    (Aᵀ)⁻¹ is (A⁻¹)ᵀ: of the two ways to write an entry one is chosen, so that equal entries are the same object.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, matrix: OfMatrix, row: Any, column: Any) -> EntryOf:
        upright, turned = _upright(matrix)
        return Expr.__new__(cls, upright, *((column, row) if turned else (row, column)))

    @property
    def matrix(self) -> Any:
        return self.args[0]

    @property
    def indices(self) -> tuple[Any, ...]:
        return self.args[1:]

    def _sympystr(self, printer: Any) -> str:
        return f"{printer._print(self.matrix)}[{','.join(map(printer._print, self.indices))}]"


def close(kind: type[Binder], indices: Iterable[Index], body: Any) -> Any:
    """Bind `indices` in `body` under canonical names; nested binders of one kind become one, and a minus stands before a Σ.

    The order of several indices is canonical too: each is keyed by the body seen from it alone, and only indices with
    equal keys are tried in every order.
    """
    bound = list(indices)
    if not bound or (kind is Sum and body is S.Zero):
        return body
    if kind is Sum and body.is_Mul and body.args[0].is_Number and body.args[0].is_negative and not _is_of_maximum(body):
        return -close(kind, bound, -body)
    if type(body) is kind and kind.nests:
        inner, body = body.opened()
        bound += inner
    start = height(body)
    names = [f"@{start + k + 1}" for k in range(len(bound))]

    def named(order: Iterable[Index]) -> tuple[Any, list[Index]]:
        new = [Index(name, j.size) for name, j in zip(names, order, strict=True)]
        return body.xreplace(dict(zip(order, new, strict=True))), new

    best = (
        min((named(order) for order in _orders(_seen(bound, body))), key=lambda r: signature(r[0]))
        if len(bound) > 1 and not kind.ordered
        else named(bound)
    )
    return Expr.__new__(kind, best[0], *best[1])


def _is_of_maximum(product: Any) -> bool:
    """Whether a factor is a maximum, which is a minimum with its minus."""
    return any(isinstance(f, (Maximum, Largest)) for f in product.args)


@lru_cache(maxsize=CACHE)
def _upright(matrix: OfMatrix) -> tuple[OfMatrix, bool]:
    """The matrix or its transpose, whichever is written first, and whether that is the transpose."""
    indices, body = matrix.opened()
    other = close(type(matrix), indices[::-1], body)
    turned = signature(other.body) < signature(matrix.body)
    return (other if turned else matrix), turned


def _seen(bound: list[Index], body: Any) -> dict[Index, tuple[str, str]]:
    """What each index sees: its size, and the body with the others masked."""
    mask = {j: Index("@", j.size) for j in bound}
    return {j: (signature(j.size), signature(body.xreplace({**mask, j: Index("@self", j.size)}))) for j in bound}


def _orders(seen: dict[Index, tuple[str, str]]) -> list[list[Index]]:
    """The orders worth trying: sorted by what each index sees, ties in every order."""
    groups = [list(group) for _, group in groupby(sorted(seen, key=seen.__getitem__), key=seen.__getitem__)]
    choices = [list(permutations(group)) if len(group) <= 4 else [tuple(group)] for group in groups]
    return [[j for group in choice for j in group] for choice in product(*choices)]


def total(body: Any, *indices: Index, kind: type[Binder] = Sum) -> Any:
    """Σ over named indices: `total(W_ij * h_j, j)`; the names are bound and forgotten.

    >>> size, x = Symbol("n", integer=True, positive=True), Symbol("x", real=True)
    >>> i, j = Index("i", size), Index("j", size)
    >>> total(Element(x, i) * Delta(i, j), i)
    Sum_@1(Delta(@1, j)*x[@1])
    >>> total(Element(x, i), i) == total(Element(x, j), j)
    True
    """
    fresh = {j: j.fresh() for j in indices}
    return close(kind, fresh.values(), sympify(body).xreplace(fresh))


@lru_cache(maxsize=CACHE)
def height(term: Any) -> int:
    """How many indices are bound on the deepest path through a term."""
    own = len(term.indices) if isinstance(term, Binder) else 0
    return own + max((height(a) for a in term.args), default=0)


@lru_cache(maxsize=CACHE)
def signature(term: Any) -> str:
    """A string that two terms share exactly when they look alike; fresh indices count by their name only."""
    if isinstance(term, Symbol):
        return str(term.name)
    if not term.args:
        return str(term)
    return f"{type(term).__name__}({','.join(map(signature, term.args))})"


def canonical(term: Any, called: Mapping[Index, str]) -> str:
    """A text that two terms share exactly when they differ, if at all, in the names of their indices and in the order of what
    may be exchanged: summands, factors, indices bound together.  It is the same in every process.

    `called` are names for the free indices: "@0", "@1" … by their place, where their own names mean nothing.
    """
    if isinstance(term, Index) and term in called:
        return called[term]
    if isinstance(term, Symbol):
        return repr(term.name)
    if isinstance(term, Binder):
        return min(_canonical_binder(term, order, called) for order in _canonical_orders(term, called))
    if not term.args:
        return srepr(term)
    parts = [canonical(a, called) for a in term.args]
    if isinstance(term, (Add, Mul, _Symmetric)):
        parts.sort()
    return f"{type(term).__name__}({', '.join(parts)})"


def _canonical_binder(term: Binder, order: list[Index], called: Mapping[Index, str]) -> str:
    """The text of a binder whose indices are called in this order, after all that is called around it."""
    names = {j: f"@{len(called) + k}" for k, j in enumerate(order)}
    bound = ", ".join(f"{name}: {canonical(j.size, {})}" for j, name in names.items())
    return f"{type(term).__name__}({bound}; {canonical(term.body, {**called, **names})})"


def _canonical_orders(term: Binder, called: Mapping[Index, str]) -> list[list[Index]]:
    if len(term.indices) == 1 or term.ordered:
        return [list(term.indices)]
    masked = {**called, **dict.fromkeys(term.indices, "@")}
    return _orders({j: (canonical(j.size, {}), canonical(term.body, {**masked, j: "@self"})) for j in term.indices})


@lru_cache(maxsize=CACHE)
def free_indices(term: Any) -> frozenset[Index]:
    """The indices of a term that no binder in it binds."""
    if isinstance(term, Index):
        return frozenset([term])
    inner = frozenset().union(*map(free_indices, term.args)) if term.args else frozenset()
    return inner - frozenset(term.indices) if isinstance(term, Binder) else inner


def indices_in_order(term: Any) -> tuple[Index, ...]:
    """The free indices of a term in the order in which they stand there."""
    free = free_indices(term)
    return tuple(dict.fromkeys(t for t in preorder_traversal(term) if t in free))


@lru_cache(maxsize=CACHE)
def kinds(term: Any) -> frozenset[type]:
    """The types of all that a term is made of."""
    return frozenset({type(term)}).union(*map(kinds, term.args))


@lru_cache(maxsize=CACHE)
def names(term: Any) -> frozenset[str]:
    """The tensors whose entries occur in a term (not those that an adjoint is only named after)."""
    if isinstance(term, Adjoint):
        return frozenset()
    inner = frozenset().union(*map(names, term.args)) if term.args else frozenset()
    return inner | {term.name} if isinstance(term, Element) else inner


def depends(term: Any, index: Any) -> bool:
    """Whether a term mentions this index (or, for a compound index, this very term)."""
    return index in free_indices(term) if isinstance(index, Index) else bool(term.has(index))


@lru_cache(maxsize=CACHE)
def opened(term: Binder) -> tuple[tuple[Index, ...], Any]:
    """`term.opened()`, the same indices each time: for a rewrite that closes the body again before it puts it anywhere."""
    return term.opened()


def walk(term: Any, rewrite: Callable[[Any], Any], kept: tuple[type, ...] = ()) -> Any:
    """Rewrite a term from the leaves up.  Bodies are opened and closed again, so `rewrite` never sees a bound name.

    The entry that a derivative is taken by is not rewritten: it is a name, not a value.  Terms of the types
    `kept` stay as they are.
    """
    if isinstance(term, kept):
        return term
    if isinstance(term, Binder):
        indices, body = opened(term)
        new = walk(body, rewrite, kept)
        return rewrite(term if new is body else close(type(term), indices, new))
    if isinstance(term, (Index, Adjoint)) or not term.args:
        return rewrite(term)
    if isinstance(term, Deriv):
        return rewrite(Deriv(walk(term.body, rewrite, kept), term.by))
    args = [walk(a, rewrite, kept) for a in term.args]
    same = all(a is b for a, b in zip(args, term.args, strict=True))
    return rewrite(term if same else term.func(*args))


def substituted(term: Any, values: dict[Any, Any]) -> Any:
    """A term with other indices or entries put in.  What binds indices itself (arg max) is put only into open bodies, so that a
    closed binder around it never takes its indices for its own, and taken only out of them, for the names that a binder
    binds tell how deep its body is.
    """
    if not any(isinstance(t, Binder) for v in (*values, *values.values()) for t in preorder_traversal(v)):
        return term.xreplace(values)

    def put(t: Any) -> Any:
        if isinstance(t, Adjoint):
            return t.xreplace(values)
        return Deriv(t.body, t.by.xreplace(values)) if isinstance(t, Deriv) else values.get(t, t)

    return walk(term, put)


# ---------------------------------------------------------------- brackets


class _Light(Function):
    """A function made without the checks that SymPy makes of the number and kind of its arguments."""

    is_commutative = True
    is_real = True

    def __new__(cls, *args: Any, **options: Any) -> Any:
        args = tuple(map(sympify, args))
        value = cls.eval(*args) if options.get("evaluate", True) else None
        return Expr.__new__(cls, *args) if value is None else value


class Bracket(_Light):
    """A condition read as a number, 1 or 0.  Idempotent; its derivative is 0 wherever it has one."""

    is_nonnegative = True

    def _eval_power(self, exponent: Any) -> Any:
        return self if exponent.is_positive else None


class _Symmetric(Bracket):
    """A condition on two indices that reads the same both ways."""

    equal: Expr
    unequal: Expr

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        if a == b:
            return cls.equal
        if (a - b).is_Integer:
            return cls.unequal
        return cls(b, a) if _order(a) > _order(b) else None


def _order(index: Any) -> tuple[bool, str]:
    return not isinstance(index, Index), signature(index)


class Delta(_Symmetric):
    """δ_ik, the Kronecker delta."""

    equal, unequal = S.One, S.Zero


class Differ(_Symmetric):
    """[i ≠ k]."""

    equal, unequal = S.Zero, S.One


class Below(Bracket):
    """[i < k]."""

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        return _always(b - a - 1)


class AtMost(Bracket):
    """[i ≤ k]."""

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        return _always(b - a)


def _always(gap: Any) -> Any:
    """1 where an affine index is never negative, 0 where it always is, else None."""
    if gap.is_Integer:
        return S.One if gap >= 0 else S.Zero
    ends = reach(gap) if not gap.has(Element) else None
    if ends is None:
        return None
    return S.One if never_negative(ends[0]) else S.Zero if never_negative(-1 - ends[1]) else None


class Elsewhere(Function):
    """An index that stands on another axis than its own, in programs: what it reads is read behind its condition alone."""

    nargs = 1
    is_integer = True


class Positive(Bracket):
    """[a > 0] for a number a."""

    @classmethod
    def eval(cls, a: Any) -> Any:
        return Integer(int(bool(a > 0))) if a.is_number else None


class Inside(Bracket):
    """[0 ≤ e < n]: whether an affine index falls inside an axis of size n."""

    @classmethod
    def eval(cls, e: Any, n: Any) -> Any:
        if isinstance(e, (Index, Label, ArgMax)) and e.size == n:
            return S.One
        ends = reach(e)
        if ends is None:
            return None
        low, high = ends
        if never_negative(low) and never_negative(n - 1 - high):
            return S.One
        return S.Zero if never_negative(low - n) or never_negative(-1 - high) else None


@lru_cache(maxsize=CACHE)
def reach(e: Any) -> tuple[Any, Any] | None:
    """The least and the largest value of an affine index for all values of its indices; None where a sign is not known."""
    low = high = rest = expand(e)
    for index in e.atoms(Index, Label, ArgMax):
        slope = rest.coeff(index)
        change = expand(slope * (index.size - 1 - index))
        if never_negative(slope):
            low, high = low - slope * index, high + change
        elif never_negative(-slope):
            low, high = low + change, high - slope * index
    low, high = expand(low), expand(high)
    return None if low.has(Index, Label, ArgMax) or high.has(Index, Label, ArgMax) else (low, high)


@lru_cache(maxsize=CACHE)
def never_negative(size: Any) -> bool:
    """Whether a polynomial in sizes is ≥ 0 for certain: with every size s written 1 + s, no coefficient is negative."""
    shifted = expand(size.xreplace({s: s + 1 for s in size.free_symbols}))
    return all(c >= 0 for c in shifted.as_coefficients_dict().values())


def is_condition(term: Any) -> bool:
    """Whether a term is a bracket, or 1 minus one."""
    return isinstance(term, Bracket) or isinstance(1 - term, Bracket)


class Maximum(_Light):
    """max(a, b).  At a tie the first argument is taken, so max(0, a) has slope 0 at a = 0."""

    is_real = True


class Where(_Light):
    """Where(c, a, b): a where the bracket c is 1, else b."""

    is_real = True

    @classmethod
    def eval(cls, c: Any, a: Any, b: Any) -> Any:
        if a == b:
            return a
        if isinstance(c, Bracket) and (a, b) == (S.One, S.Zero):
            return c
        return a if c is S.One else b if c is S.Zero else None


def content(term: Any) -> tuple[Any, Any]:
    """A sum as a number times one of whole coefficients; no whole number in it is made greater: 1 - x/2 is not (2 - x)/2."""
    number, rest = term.primitive()
    return (S.One, term) if number.q != 1 and any(t.is_Integer for t in term.args) else (number, rest)


class Kept(_Light):
    """A sum that is kept as it is: an atom for the algebra.  Of a_i - a_k and a_k - a_i one is minus the other."""

    is_real = True

    @classmethod
    def eval(cls, a: Any) -> Any:
        if not a.is_Add:
            return a
        number, rest = content(a)
        if _antisymmetric(rest) and min(rest.args, key=_place).as_coeff_Mul()[0].is_negative:
            number, rest = -number, -rest
        return None if number == 1 else number * cls(rest)

    def _eval_is_positive(self) -> bool | None:
        return self.args[0].is_positive

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative


Pattern = tuple[tuple[Any, str], ...]
"""The terms of a sum, whatever their indices: coefficients, and what stands behind them."""


@lru_cache(maxsize=CACHE)
def pattern_of(term: Any) -> Pattern:
    """What a sum is up to a number > 0, whatever its indices."""
    parts = ((c, _blind(t)) for c, t in (t.as_coeff_Mul() for t in term.primitive()[1].args))
    return tuple(sorted(parts, key=lambda part: (part[1], part[0])))


def opposite(pattern: Pattern) -> Pattern:
    """The pattern of minus a sum."""
    return tuple(sorted(((-c, t) for c, t in pattern), key=lambda part: (part[1], part[0])))


def _antisymmetric(term: Any) -> bool:
    pattern = pattern_of(term)
    return pattern == opposite(pattern)


@lru_cache(maxsize=CACHE)
def _blind(term: Any) -> str:
    """A text that terms share which are the same but for their indices."""
    if isinstance(term, Kept):
        return _blind(term.args[0])
    if isinstance(term, Element):
        return term.name
    if isinstance(term, (Index, Label, ArgMax)):
        return "·"
    if not term.args:
        return str(term)
    parts = [_blind(a) for a in (term.args[:1] if isinstance(term, Binder) else term.args)]
    return f"{type(term).__name__}({','.join(sorted(parts) if term.is_Add or term.is_Mul else parts)})"


def _place(term: Any) -> str:
    """Where a term stands in a sum that is kept: an entry at an index with a letter before one at an index that is bound."""
    rest = term.as_coeff_Mul()[1]
    bound = (i for i in rest.atoms(Index) if not i.name[0].isalpha())
    return signature(rest.xreplace({i: Index(f"~{i.name}", i.size) for i in bound}))


def multiplied(*args: Any) -> Any:
    """A product in which a number and a sum stay apart: 2 (a - b), where SymPy would make it 2a - 2b."""
    product = Mul(*args)
    if not product.is_Add:
        return product
    sums = [a for a in args if a.is_Add]
    number = Mul(*[a for a in args if not a.is_Add])
    return Mul(number, sums[0], evaluate=False) if len(sums) == 1 and number.is_Rational and number != 1 else product


# ---------------------------------------------------------------- derivatives not yet carried out


class Deriv(Expr):
    """∂e/∂x: how e depends on the entry x in so many letters; other tensors in e are held."""

    is_commutative = True
    is_real = True

    @property
    def body(self) -> Any:
        return self.args[0]

    @property
    def by(self) -> Any:
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return f"d[{printer._print(self.body)}]/d{printer._print(self.by)}"


class Adjoint(Expr):
    """The total derivative of the output entry o by the entry x, along every path from x to o."""

    is_commutative = True
    is_real = True

    @property
    def output(self) -> Any:
        return self.args[0]

    @property
    def by(self) -> Any:
        return self.args[1]

    @property
    def pair(self) -> tuple[str, str]:
        """The names of the two tensors: the output, and what it is derived by."""
        return (self.output.name, self.by.name)

    @property
    def indices(self) -> tuple[Any, ...]:
        """Those of the output, then those of the variable."""
        return (*self.output.indices, *self.by.indices)

    def _sympystr(self, printer: Any) -> str:
        return f"d{printer._print(self.output)}/d{printer._print(self.by)}"


def factors(term: Any) -> tuple[Any, ...]:
    """The factors of a product."""
    return tuple(Mul.make_args(term))


def exponentials_shared(term: Any) -> Any:
    """A product with e^{-2y} e^{z_i} e^{z_j} as e^{z_i - y} e^{z_j - y}: a constant exponent is shared out among exponentials
    of different indices, so that none overflows, or given to the first.  None where there is nothing to share.
    """
    powers = [f for f in factors(term) if isinstance(f, exp)]
    constant = [f for f in powers if not free_indices(f)]
    varying = [f for f in powers if f not in constant]
    alike = len({f.args[0].could_extract_minus_sign() for f in varying}) == 1
    if not (constant and alike) or len({free_indices(f) for f in varying}) < len(varying):
        return None
    whole = Add(*[f.args[0] for f in constant])
    even = all((c / len(varying)).is_Integer for c in whole.as_coefficients_dict().values())
    shares = [whole / len(varying)] * len(varying) if even else [whole, *[S.Zero] * (len(varying) - 1)]
    varying = sorted(varying, key=signature)
    others = [f for f in factors(term) if f not in powers]
    return Mul(*others, *(exp(f.args[0] + s, evaluate=False) for f, s in zip(varying, shares, strict=True)), evaluate=False)


def fraction(term: Any) -> tuple[Any, Any]:
    """A product as (numerator, denominator): the powers with negative exponents stand below; e^(-x) stays above."""
    number, rest = term.as_coeff_Mul()
    below = [f for f in factors(rest) if f.is_Pow and f.exp.as_coeff_Mul()[0].is_negative]
    top = Mul(*[f for f in factors(rest) if f not in below])
    above, under = (number.p, number.q) if number.is_Rational else (number, 1)
    bottom = under * Mul(*[Pow(f.base, -f.exp) for f in below])
    return (Mul(above, top, evaluate=False) if top.is_Add and above != 1 else above * top), bottom


def terms(term: Any) -> tuple[Any, ...]:
    """The terms of a sum of products (not of a Σ)."""
    return tuple(Add.make_args(term))
