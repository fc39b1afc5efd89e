"""What is printed beside the lines of a derivation: the matrix form of its result, as NumPy code, its cases, its entries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sympy import Add, Integer

from derive.calculus.functions import Named, NamedEntry
from derive.calculus.terms import Index, Label, Sum, Where
from derive.derivation.derivation import Derivation, adjoints_in
from derive.graphs.graph import gradient_name, gradient_parts
from derive.notation.numpy_code import numpy_code
from derive.proof.numpy_value import run_numpy
from derive.values.evaluator import Evaluator, missing
from derive.values.number_systems import FLOAT
from derive.values.real import Real, all_given_out, real
from derive.values.run import plain


def form_value(found: Derivation, floats: Evaluator) -> Any:
    """The matrix form of a result at a point in float64: the code that is printed for it, run.

    Where numbers on the way are beyond float64, it is run in NumPy's longest floats.
    """
    assert found.form is not None
    code, names = numpy_code(found.form), _names(found, floats)
    value = run_numpy(code, names)
    if np.isfinite(value).all():
        return value
    longer = {k: v.astype(np.longdouble) if getattr(v, "dtype", None) == np.float64 else v for k, v in names.items()}
    return run_numpy(code, longer)


def cases_term(found: Derivation) -> Any:
    """The cases of a result as one term: a value where two indices are equal, another where they are not."""
    assert found.cases is not None
    (same, equal), (apart, _) = found.cases
    return Where(equal, same, apart)


def written_out(term: Any, indices: tuple[Index, ...], entry: tuple[int, ...]) -> Any:
    """A term at one entry, its sums over axes of fixed size written out."""
    here = term.xreplace(dict(zip(indices, map(Integer, entry), strict=True)))

    def out(t: Any) -> Any:
        if type(t) is not Sum:
            return t.func(*map(out, t.args)) if t.args and not isinstance(t, (Index, Label)) and t.has(Sum) else t
        bound, body = t.opened()
        if not all(i.size.is_Integer for i in bound):
            return t
        ranges = product(*(range(int(i.size)) for i in bound))
        return Add(*[out(body.xreplace(dict(zip(bound, map(Integer, r), strict=True)))) for r in ranges])

    return out(here)


def difference(a: Any, b: Any) -> float:
    """The largest |a − b| / (1 + |a|) over the entries; not a number where one is none."""
    pairs = [(_near(x), _near(y)) for x, y in zip(np.ravel(a), np.ravel(b), strict=True)]
    gaps = [float(abs(x - y) / (1 + abs(x))) for x, y in pairs]
    return max(gaps, default=0.0) if all(g == g for g in gaps) else float("nan")


def _near(x: Any) -> Any:
    """A number with so many digits that an error of 1e-30 is seen."""
    return x.near(40) if isinstance(x, Real) else real(x)


def floats_at(point: Evaluator, found: Derivation) -> Evaluator:
    """A point in float64, with the adjoints that a result names."""
    known = {a.pair: _adjoint(point, a.pair) for a in adjoints_in(found.result)}
    adjoints = {key: np.asarray(plain(array, gradient_name(*key))) for key, array in known.items()}
    arrays = {name: _float(name, point.given_out(name)) for name in point.arrays}
    return Evaluator(point.sizes, arrays, found.graph, FLOAT, adjoints)


REFINED = 2
"""So often are the digits doubled until all entries of a gradient on the way are known."""


def _adjoint(point: Evaluator, pair: tuple[str, str]) -> Any:
    """A gradient on the way, as numbers that find their digits."""
    for _ in range(REFINED):
        if missing(point.adjoint(*pair)).any():
            point = point.finer
    return all_given_out(point.adjoint(*pair), lambda digits: point.at(digits).adjoint(*pair))


def _float(name: str, array: Any) -> Any:
    """In float64; integers that may be labels as integers."""
    whole = all(isinstance(v, (int, np.integer)) and abs(int(v)) < 1 << 62 for v in np.ravel(array))
    return np.asarray(array, dtype=int) if whole else np.asarray(plain(array, name))


def _names(found: Derivation, floats: Evaluator) -> dict[str, Any]:
    """What the names in the NumPy code of a result stand for."""
    sizes = {str(s): int(n) for s, n in floats.sizes.items()}
    functions = {type(call).__name__: _function(type(call)) for call in found.result.atoms(Named)}
    tensors = {name: np.asarray(array)[()] for name, array in floats.arrays.items()}
    given = {f"grad_{parts[1]}": array for name, array in tensors.items() if (parts := gradient_parts(name)) is not None}
    gradients = {f"grad_{by}": array for (_, by), array in floats.adjoints.items()}
    jacobians = {f"d{of}_d{by}": array for (of, by), array in floats.adjoints.items()}
    return {**FLOAT.functions, "abs": np.abs, **sizes, **tensors, **functions, **given, **gradients, **jacobians}


def _function(function: type[Named]) -> Callable[..., Any]:
    """A function of the library on float64 arrays, as it is defined; one of a vector is of each row of a matrix."""
    if issubclass(function, NamedEntry):
        return lambda rows: np.apply_along_axis(partial(_of_vector, function), -1, rows)
    return lambda *args: Evaluator(dict(zip(function.parameters, args, strict=True)), {}, None, FLOAT).evaluate(function.body, {})


def _of_vector(function: type[NamedEntry], entries: Any) -> Any:
    sizes = {function.index.size: len(entries)}
    return Evaluator(sizes, {function.parameters[0].name: entries}, None, FLOAT).array(function.body, (function.index,))
