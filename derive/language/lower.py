"""Bodies → SymPy terms of the calculus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from math import isqrt
from typing import Any

from sympy import Add, I, Integer, Max, Mul, Rational, S, Symbol, nan, oo, zoo

from derive.calculus.functions import MATRIX_FUNCTIONS, PRIMITIVES, Named
from derive.calculus.terms import (
    ArgMax,
    AtMost,
    Below,
    Binder,
    Delta,
    Differ,
    Element,
    EntryOf,
    Index,
    Inside,
    Largest,
    Maximum,
    OfMatrix,
    Positive,
    Product,
    Where,
    total,
)
from derive.errors import DeriveError, said
from derive.graphs.tree import Call, Compare, Entry, Number, Op, Reduce, Ref, Size, Tree
from derive.language import library
from derive.language.numbers import MAX_EXPONENT

Heads = Mapping[str, Symbol]
_NO_VALUE = "Look for a division by zero, or a root or logarithm of a negative number."
MAX_BITS = 1 << 14
DIGITS = 20
LARGEST = Integer(10) ** (MAX_EXPONENT + 1)

_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: _power(a, b),
    "neg": lambda a: -a,
}
_INDEX_BRACKETS: dict[str, Callable[[Any, Any], Any]] = {
    "==": Delta,
    "!=": Differ,
    "<": Below,
    "<=": AtMost,
    ">": lambda a, b: Below(b, a),
    ">=": lambda a, b: AtMost(b, a),
}
_BRACKETS: dict[str, Callable[[Any, Any], Any]] = {
    ">": lambda a, b: _positive(a - b),
    "<": lambda a, b: _positive(b - a),
    ">=": lambda a, b: 1 - _positive(b - a),
    "<=": lambda a, b: 1 - _positive(a - b),
    "==": lambda a, b: (1 - _positive(a - b)) * (1 - _positive(b - a)),
    "!=": lambda a, b: _positive(a - b) + _positive(b - a),
}


def lower(body: Tree, heads: Heads) -> Any:
    """The term that a body stands for; `heads` are the symbols of the tensors in it.

    Raises DeriveError where the formula has no real value whatever the inputs are: 1/0, log(-1).
    """
    try:
        term = _term(body, heads)
    except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise DeriveError("This definition has no value.", hint=_NO_VALUE) from None
    if term.has(zoo, nan, I):
        raise DeriveError("This definition has no real value.", hint=_NO_VALUE)
    return term


def _term(tree: Tree, heads: Heads) -> Any:
    match tree:
        case Number(value, _):
            return Rational(value.numerator, value.denominator)
        case Size(value):
            return value
        case Ref(name, indices):
            return Element(heads[name], *indices)
        case Op("*", (Op("neg", (a,)), b)):  # -(1 - b) x keeps its bracket: SymPy would make it (b - 1) x
            return -_term(Op("*", (a, b)), heads)
        case Op(operator, args):
            return _checked(_OPERATORS[operator](*(_term(a, heads) for a in args)))
        case Call(function, args) if function in MATRIX_FUNCTIONS:
            return _of_numbers(MATRIX_FUNCTIONS[function], [_term(a, heads) for a in args])
        case Call("where", (Compare("==", left, right), a, b)) if isinstance(left, Tree):
            return _term(Call("where", (Compare("!=", left, right), b, a)), heads)
        case Call("where", (condition, a, b)):
            return Where(_term(condition, heads), _term(a, heads), _term(b, heads))
        case Call(function, args):
            return _applied(_function(function)(*(_term(a, heads) for a in args)))
        case Compare(operator, left, right):
            if isinstance(left, Tree):
                return _BRACKETS[operator](_term(left, heads), _term(right, heads))
            return _INDEX_BRACKETS[operator](left, right)
        case Entry(matrix, places):
            return EntryOf(_term(matrix, heads), *places)
        case Reduce(operator, inner, indices) if operator in MATRIX_FUNCTIONS:
            return total(_term(inner, heads), *indices, kind=MATRIX_FUNCTIONS[operator])
        case Reduce(operator, inner, indices, conditions):
            return _REDUCTIONS[operator](_term(inner, heads), bracket(conditions, heads), indices)


def _of_numbers(kind: type[OfMatrix], entries: list[Any]) -> Any:
    """A function of a matrix whose entries are given one by one, row after row."""
    size = Integer(isqrt(len(entries)))
    row, column = (Index(name, size) for name in "↓→")
    cells = product(map(Integer, range(size)), repeat=2)
    return total(
        Add(*(Delta(row, r) * Delta(column, c) * e for (r, c), e in zip(cells, entries, strict=True))), row, column, kind=kind
    )


def bracket(conditions: tuple[Compare, ...], heads: Heads) -> Any:
    """Where all conditions hold; `0 <= e` and `e < n` together are [0 ≤ e < n]."""
    rest, brackets = list(conditions), list[Any]()
    for low in [c for c in conditions if c.operator in ("<=", ">=") and _from_zero(c) is not None]:
        index = _from_zero(low)
        high = next((c for c in rest if c.operator in ("<", ">") and _ends(c)[0] == index), None)
        if high is not None:
            brackets.append(Inside(*_ends(high)))
            rest = [c for c in rest if c is not low and c is not high]
    brackets += [_term(c, heads) for c in rest]
    return Mul(*brackets)


def _ends(condition: Compare) -> tuple[Any, Any]:
    """The sides of a comparison, the smaller first."""
    sides = condition.left, condition.right
    return sides if condition.operator in ("<", "<=") else sides[::-1]


def _from_zero(condition: Compare) -> Any:
    """The e of 0 <= e, an index; None for another comparison."""
    low, high = _ends(condition)
    return high if not isinstance(low, Tree) and low == 0 else None


def _function(name: str) -> Callable[..., Any]:
    if name in PRIMITIVES:
        return PRIMITIVES[name].function
    defined = library.function(name)
    assert defined is not None, f"inference lets no other function through, and {name} came"
    return defined


def _applied(term: Any) -> Any:
    """A function's value: of constants, checked; the larger of two rational numbers is the number."""
    if isinstance(term, Named) and term.is_number:
        _checked(term.unfolded)
        return term
    larger = {m: max(m.args) for m in term.atoms(Maximum) if all(a.is_Rational for a in m.args)} if term.is_number else {}
    return _checked(term.xreplace(larger))


def _power(base: Any, exponent: Any) -> Any:
    """base**exponent.  A constant that is not positive has only whole and rational powers."""
    if base.is_number and not base.is_positive and not exponent.is_number and not exponent.is_integer:
        raise DeriveError(
            "Only a positive number can be raised to any power.", hint="For x a name, 2**x is one, (-2)**x and 0**x are not."
        )
    return base**exponent


def _positive(a: Any) -> Any:
    """[a > 0].  Of a constant it is 1 or 0, and an irrational one has to be clear of 0."""
    if not a.is_number:
        return Positive(a)
    value = a if a.is_Rational else _unfolded(a).evalf(DIGITS)
    if not value.is_comparable or (not a.is_Rational and abs(value) < Rational(1, 10**DIGITS)):
        raise DeriveError("This comparison of constants cannot be decided.", hint="Write its outcome instead.")
    return Integer(int(bool(value > 0)))


def _unfolded(constant: Any) -> Any:
    """A constant with the functions of the library in it replaced by their definitions, and its maxima taken."""
    while calls := constant.atoms(Named):
        constant = constant.xreplace({call: call.unfolded for call in calls})
    return constant.replace(Maximum, lambda a, b: Max(a, b))


def _checked(term: Any) -> Any:
    """A term without an infinity in it, and whose numbers are of a size to compute with.

    Constants are checked from the inside out, so that none is ever evaluated that a small formula makes enormous.
    """
    if term is zoo or term is nan:
        raise ZeroDivisionError
    number = term.as_coeff_Mul()[0]
    if number.is_Rational and max(abs(number.p), number.q).bit_length() > MAX_BITS:
        raise DeriveError(
            "A number in this definition is too long.", hint=said("It has more than {number} digits.", number=MAX_BITS * 3 // 10)
        )
    constant = term.evalf(DIGITS) if term.is_number and not term.is_Rational else number
    if constant.is_comparable and abs(constant) > LARGEST:
        raise DeriveError(
            "A number in this definition is too large.",
            hint=said("Numbers go up to 10^{max_exponent}.", max_exponent=MAX_EXPONENT),
        )
    return term


# ---------------------------------------------------------------- reductions


def _mean(body: Any, bracket: Any, indices: tuple[Index, ...]) -> Any:
    _some(bracket)
    count = Mul(*(i.size for i in indices)) if bracket is S.One else total(bracket, *indices)
    return total(bracket * body, *indices) / count


def _largest(body: Any, bracket: Any, indices: tuple[Index, ...], kind: type[Binder] = Largest) -> Any:
    _some(bracket)
    return total(Where(bracket, body, -oo), *indices, kind=kind)


def _some(bracket: Any) -> None:
    if bracket is S.Zero:
        raise DeriveError(
            "A mean, a largest or a smallest of no entries does not exist.", hint="The condition after if is never true."
        )


_REDUCTIONS: dict[str, Callable[[Any, Any, tuple[Index, ...]], Any]] = {
    "sum": lambda body, bracket, indices: total(bracket * body, *indices),
    "mean": _mean,
    "max": _largest,
    "min": lambda body, bracket, indices: -_largest(-body, bracket, indices),
    "prod": lambda body, bracket, indices: total(Where(bracket, body, Integer(1)), *indices, kind=Product),
    "argmax": lambda body, bracket, indices: _largest(body, bracket, indices, ArgMax),
}
