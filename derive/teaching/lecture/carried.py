"""Numbers that travel: what a block of a lecture has found, in the prose and in the blocks after it.

`run.L` is a value that the block named `run` has found, `run.grad.w` a gradient.  A formula over such names,
`run.w - 0.1*run.grad.w`, is one of the graph language, read and computed as any definition is: exactly, never by Python.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from derive.errors import DeriveError, Place, listed, nearest, said
from derive.graphs.tree import Number
from derive.language.numbers import MAX_EXPONENT, in_range
from derive.language.parse import GREEK, NAME
from derive.language.reader import read
from derive.language.typed import Nested
from derive.values.real import Real, real
from derive.values.run import Run
from derive.values.run import run as run_graph

DIGITS = 120
"""So many digits of a number that is no fraction travel on, and of a fraction that is longer than `LONGEST`."""

LONGEST = 10**400
"""A fraction travels as it is up to this numerator and this denominator."""

_MOVED = Fraction(1, 10 ** (DIGITS // 2))

_ROUND = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)

_CHAIN = re.compile(rf"(?<![\w.])({NAME.pattern})(?:\.({NAME.pattern}))?(?:\.({NAME.pattern}))?(?![\w(])")
"""Names with points between them; what stands before a bracket is a function."""


@dataclass(frozen=True)
class Found:
    """What a block has found: tensors and sizes by name, and the gradients of its output by some tensors.

    These are the names that its author gave; `value` may know others.
    """

    tensors: tuple[str, ...]
    sizes: tuple[str, ...]
    moving: tuple[str, ...]
    value: Callable[[str], Any]
    gradient: Callable[[str], Any]
    """An array of exact numbers, None where there is none of a name."""
    states: tuple[Run, ...] = ()
    """Of an iteration, all of them."""


def found_by(run: Run) -> Found:
    """What a run has found; by an input that the output does not move with, the gradient is 0."""
    sizes = {str(symbol): size for symbol, size in run.point.sizes.items()}
    still = {i.name for i in run.source.inputs if i.differentiable}.difference(run.moving)

    def value(name: str) -> Any:
        if name not in run.exact and name not in sizes:
            return None
        return run.exact[name] if name in run.exact else np.array(Fraction(sizes[name]), dtype=object)

    def gradient(name: str) -> Any:
        if name not in still and name not in run.moving:
            return None
        return np.full(np.shape(run.exact[name]), Fraction(0), dtype=object) if name in still else run.gradient(name)

    moving = tuple(name for name in run.source.members if name in run.moving or name in still)
    return Found(tuple(run.source.members), tuple(sizes), moving, value, gradient)


Blocks = Mapping[str, Found]
"""What the blocks of a lecture have found so far, by their names."""


def computed(text: str, blocks: Blocks, own: Found | None = None) -> Any:
    """What a formula over the numbers found so far comes to, an array of exact numbers.

    The names that `own` has found stand without a block's before them: `w - 0.1*grad.w`.  Raises DeriveError, with a place in
    the text, for a name that means nothing here and for what is no formula.
    """
    if odd := re.search(r"[;#\n]", text) or re.fullmatch(r"\s*()", text):
        place = Place(text, odd.start(), max(odd.end(), odd.start() + 1))
        raise DeriveError("One formula is expected here.", place, "For example: run.w - 0.1*run.grad.w")
    known: dict[str, Any] = {}
    called: dict[str, str] = {}
    joint = next((letter for letter in GREEK if letter not in text), "")

    def named(chain: re.Match[str]) -> str:
        found = _meant(chain, blocks, own)
        if found is None:
            return chain[0]
        typed = text[chain.start() : chain.end(found.last)]
        name = typed.replace(".", joint)
        known[name], called[name] = _looked_up(found, chain), typed
        return name + chain[0][len(typed) :]

    formula = _CHAIN.sub(named, text).strip()
    if formula in known:
        return known[formula]
    result = next(name for name in ("result", "outcome", joint) if name not in text)
    shapes = {name: ", ".join(map(str, np.shape(array))) for name, array in known.items()}
    head = "".join(f"{name}: [{shape}]\n" if shape else "" for name, shape in shapes.items())
    try:
        graph = read(f"{head}{result} = {formula}")
        if loose := [i.name for i in graph.inputs if i.name not in known]:
            raise _unnamed(loose[0], text, blocks, own)
        rounded = any(isinstance(value, Real) for array in known.values() for value in np.ravel(array))
        travelled = {name: carried(array) for name, array in known.items()}
        found = run_graph(graph, travelled).exact[result]
        found = _told_from_0(found, known, travelled, lambda values: run_graph(graph, values).exact[result]) if rounded else found
    except DeriveError as error:
        raise _in_the_text(error, text, called, head.count("\n") + 1, len(result)) from None
    return np.frompyfunc(_inexact, 1, 1)(found) if rounded else found


def _told_from_0(found: Any, known: Mapping[str, Any], values: Mapping[str, Any], again: Callable[[Any], Any]) -> Any:
    """What was found, with 0 for a difference of rounded numbers that is no more than their rounding.

    The rounded ones are moved, each a little otherwise; what comes of that, 10⁻⁶⁰ times, is what their rounding may have done.
    """
    try:
        numbers = carried(found)
    except DeriveError:  # larger than a number may be
        return found
    largest = max(abs(value) for array in values.values() for value in np.ravel(array))
    if not any(0 < abs(value) < largest * _MOVED for value in np.ravel(numbers)):
        return found
    drawn = random.Random(0)

    def moved(value: Any, exact: Any) -> Any:
        return value if not isinstance(exact, Real) else value * (1 + _MOVED * Fraction(drawn.randint(1, 1000), 1000))

    move = np.frompyfunc(moved, 2, 1)
    other = carried(again({name: move(array, known[name]) for name, array in values.items()}))
    lost = 1000 * _MOVED * abs(np.asarray(numbers) - other)
    return np.frompyfunc(lambda value, size, error: Fraction(0) if size <= error else value, 3, 1)(found, abs(numbers), lost)


def _inexact(value: Any) -> Any:
    """A number that came of rounded ones, which prints behind ≈ even where its digits look like all there are."""
    return value if isinstance(value, Real) else Real(real(value), lambda digits: real(value, digits))


@dataclass(frozen=True)
class _Meant:
    """What a chain of names means: a value or a gradient of a block, as far as its name of this number."""

    block: Found
    gradient: bool
    last: int


def _meant(chain: re.Match[str], blocks: Blocks, own: Found | None) -> _Meant | None:
    """What it means; None for a name that belongs to the formula.  Raises DeriveError where no such block is there."""
    first, second, third = chain.groups()
    if second and first in blocks:
        return _Meant(blocks[first], True, 3) if second == "grad" and third else _Meant(blocks[first], False, 2)
    if own and first == "grad" and second:
        return _Meant(own, True, 2)
    if own and first in own.tensors:
        return _Meant(own, False, 1)
    if not second:
        return None
    place = Place(chain.string, *chain.span(1))
    raise DeriveError(said("No block above is named {name}.", name=first), place, nearest(first, blocks) or _named(blocks))


def _looked_up(meant: _Meant, chain: re.Match[str]) -> Any:
    """The array that a chain of names means.  Raises DeriveError, pointing at the part that means nothing."""
    name, block = chain[meant.last], meant.block
    try:
        array = block.gradient(name) if meant.gradient else block.value(name)
    except DeriveError as error:
        place = Place(chain.string, chain.start(), chain.end(meant.last))
        raise DeriveError(error.message, place, error.hint) from None
    if array is not None:
        return array
    names = block.moving if meant.gradient else (*block.tensors, *block.sizes)
    pattern = "No gradient by {name} was found." if meant.gradient else "No {name} was found."
    hint = nearest(name, names) or said("There are {names}.", names=listed(names))
    if name == "grad" and block.moving:
        hint = said("Write {name}.", name=f"{chain[0]}.{block.moving[0]}")
    raise DeriveError(said(pattern, name=name), Place(chain.string, *chain.span(meant.last)), hint)


def _named(blocks: Iterable[str]) -> str:
    names = listed(blocks)
    return said("The blocks above are named {names}.", names=names) if names else said("Give a block a name: a line  name: run")


def _unnamed(name: str, text: str, blocks: Blocks, own: Found | None) -> DeriveError:
    """The mistake of a name without the block that found it."""
    places = re.finditer(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)
    place = next((Place(text, *found.span()) for found in places), None)
    owners = [block for block, found in blocks.items() if name in found.tensors]
    if own:
        hint = nearest(name, own.tensors) or said("There are {names}.", names=listed(own.tensors))
        return DeriveError(said("{name} means nothing here.", name=name), place, hint)
    hint = said("Write {name}.", name=f"{owners[-1]}.{name}") if owners else _named(blocks)
    return DeriveError(
        said("{name} means nothing here: a number is named after the block that found it.", name=name), place, hint
    )


def _in_the_text(error: DeriveError, text: str, called: Mapping[str, str], line: int, width: int) -> DeriveError:
    """A mistake in the formula as one in its text, with the names that stand there."""

    def typed(word: Any) -> Any:
        for name, dotted in called.items() if isinstance(word, str) else ():
            word = word.replace(name, dotted)
        return word

    values = {name: typed(value) for name, value in getattr(error.message, "values", {}).items()}
    message = said(getattr(error.message, "pattern", error.message), **values)
    place = error.place
    if place is not None and place.text is not text:
        before = width + len(" = ") - (len(text) - len(text.lstrip()))
        start = place.start - before if place.line == line else 0
        end = place.end - before if place.line == line else len(text)
        place = Place(text, max(0, min(start, len(text) - 1)), max(1, min(end, len(text))))
    return DeriveError(message, place or Place(text, 0, max(1, len(text))), typed(error.hint))


# ---------------------------------------------------------------- exact, and no longer than need be


def carried(array: Any) -> Any:
    """Numbers as they travel: fractions as they are, others, and very long ones, in 120 digits."""
    return np.frompyfunc(_carried, 1, 1)(np.asarray(array, dtype=object))


def _carried(value: Any) -> Fraction:
    """One of them.  Raises DeriveError where it is too large, or too small, to be a value."""
    if not isinstance(value, Real) and max(abs(value.numerator), value.denominator) <= LONGEST:
        return Fraction(value)
    if isinstance(value, Real):
        digits = value.rounded(DIGITS)
    else:
        digits = _ROUND.divide(Decimal(int(value.numerator)), Decimal(int(value.denominator)))
    try:
        if digits and abs(digits.adjusted()) > MAX_EXPONENT:
            in_range(Fraction(10) ** (MAX_EXPONENT + 2), said("A number"))
        return Fraction(digits)
    except ValueError as error:
        raise DeriveError(error.args[0]) from None


def nested(array: Any) -> Nested:
    """An array as the values of an input."""
    entries = np.asarray(carried(array), dtype=object)
    return tuple(map(nested, entries)) if entries.ndim else Number(entries.item(), "")
